//! Stored forms: the only event types that can be serialized. One file a noun; a form that was ever written is never
//! edited: a new version gets a type of its own, and reading an old one makes today's event of it.
//!
//! Each noun's file has `SHAPES` (what `FORMAT.md` shows), `write` (today's event to its newest form) and `read` (any form
//! to today's event).

#[macro_use]
mod shape;
mod actor;
mod anchor;
mod case;
mod consents;
mod contact;
mod document;
mod leaving;
mod log;
mod notice;
mod organization;
mod quote;
mod redaction;
mod register;
mod ticket;
mod values;

use domain::event::Event;
use domain::personal::Held;

use crate::codec::CodecError;
use crate::seal::Plain;

pub use shape::{Columns, Fields, Shape};

/// An event in its stored form: facts for the chain, and the parts that will be sealed.
#[derive(Debug)]
pub struct Written {
    /// The name of the fact.
    pub kind: &'static str,
    /// The version of the form.
    pub version: u16,
    /// Canonical bytes of what is not personal.
    pub facts: Vec<u8>,
    /// One for each subject it tells of.
    pub parts: Vec<Plain>,
}

/// A stored form that this program cannot read or write.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// Nobody knows this kind in this version.
    #[error("no form {kind} version {version} is known")]
    Unknown {
        /// The name of the fact.
        kind: String,
        /// The version of its form.
        version: u16,
    },
    /// It has more or fewer sealed parts than its facts say.
    #[error("it has {found} sealed parts where its form has {expected}")]
    Parts {
        /// How many there are.
        found: usize,
        /// How many there should be.
        expected: usize,
    },
    /// A code that is not registered.
    #[error("its {0} has a code that is not registered")]
    Code(&'static str),
    /// The bytes are not the canonical form.
    #[error(transparent)]
    Codec(#[from] CodecError),
}

/// A part as it is read: its fields' bytes, or why there are none.
pub type HeldFields = Held<Fields>;

macro_rules! nouns {
    ($($variant:ident $noun:ident $prefix:literal,)*) => {
        /// Every form there is, in the order of `FORMAT.md`.
        pub fn shapes() -> Vec<&'static Shape> {
            [$($noun::SHAPES),*].into_iter().flatten().collect()
        }

        /// Every structure that stands inside a form, by the name that the tables use.
        pub fn structures() -> Vec<(&'static str, Columns)> {
            [$($noun::STRUCTURES),*].into_iter().flatten().copied().collect()
        }

        /// Today's event to its newest form.
        pub fn write(event: &Event) -> Result<Written, WireError> {
            match event {
                $(Event::$variant(event) => $noun::write(event),)*
            }
        }

        /// Any stored form to today's event.
        pub fn read(kind: &str, version: u16, facts: &[u8], parts: Vec<HeldFields>) -> Result<Event, WireError> {
            let noun = kind.split('.').next().unwrap_or_default();
            let event = match noun {
                // What is not known is neither right nor wrong, whatever parts it has.
                $($prefix if is_in($noun::SHAPES, kind, version) => {
                    $noun::read(kind, version, facts, parts)?.map(Event::$variant)
                })*
                _ => None,
            };
            event.ok_or_else(|| WireError::Unknown { kind: kind.to_owned(), version })
        }
    };
}

nouns! {
    Log log "log",
    Contact contact "contact",
    Organization organization "organization",
    Consents consents "consents",
    Case case "case",
    Ticket ticket "ticket",
    Quote quote "quote",
    Actor actor "actor",
    Notice notice "notice",
    Register register "register",
    Anchor anchor "anchor",
    Document document "document",
}

fn is_in(shapes: &[Shape], kind: &str, version: u16) -> bool {
    shapes.iter().any(|shape| (shape.version, shape.kind) == (version, kind))
}

/// The names of the fields of a record's part, in the order of their leaves. Rows of parts that its facts say it has not do
/// not count; the last row is for all that follow it.
pub fn fields_of(kind: &str, version: u16, facts: &[u8], part: u8) -> Vec<&'static str> {
    let shapes = shapes();
    let Some(shape) = shapes.iter().find(|shape| (shape.kind, shape.version) == (kind, version)) else {
        return Vec::new();
    };
    let rows: Vec<Columns> =
        shape.parts.iter().filter(|(row, _)| has(shape.facts, row, facts)).map(|(_, fields)| *fields).collect();
    let columns = rows.get(usize::from(part)).or(rows.last()).copied().unwrap_or_default();
    columns.iter().map(|(name, _)| *name).collect()
}

/// How a row of parts begins that only some records of its form have, by a fact.
const WHERE: &str = "one where ";

/// Whether a record has a row of parts. The facts that say so stand at the end of their form, in a byte each.
fn has(columns: Columns, row: &str, facts: &[u8]) -> bool {
    let Some(name) = row.strip_prefix(WHERE) else { return true };
    let behind = columns.iter().rev().position(|(column, _)| *column == name);
    behind.and_then(|behind| facts.iter().nth_back(behind)) != Some(&0)
}

/// Exactly this many parts, for the forms that always have them.
fn exactly<const N: usize>(parts: Vec<HeldFields>) -> Result<[HeldFields; N], WireError> {
    let found = parts.len();
    parts.try_into().map_err(|_| WireError::Parts { found, expected: N })
}

/// The parts of a form that has some of these and not others, by what its facts say.
fn some_of<const N: usize>(present: [bool; N], parts: Vec<HeldFields>) -> Result<[Option<HeldFields>; N], WireError> {
    let (found, expected) = (parts.len(), present.iter().filter(|present| **present).count());
    if found != expected {
        return Err(WireError::Parts { found, expected });
    }
    let mut parts = parts.into_iter();
    Ok(present.map(|present| if present { parts.next() } else { None }))
}

/// Reads the value of a part, where it is still there.
fn held<P: shape::Part, T>(
    fields: HeldFields,
    value: impl FnOnce(P) -> Result<T, WireError>,
) -> Result<Held<T>, WireError> {
    match fields {
        Held::Here(personal) => {
            let (subject, compartment) = (personal.subject(), personal.compartment());
            let part = P::from_fields(personal.expose())?;
            Ok(Held::new(subject, compartment, value(part)?))
        }
        Held::Gone(gone) => Ok(Held::Gone(gone)),
    }
}

/// The part of a value that is to be sealed. A value that is gone cannot be written again: the domain never asks for it.
fn plain<P: shape::Part, T>(value: &Held<T>, part: impl FnOnce(&T) -> P) -> Result<Plain, WireError> {
    let Held::Here(personal) = value else { return Err(WireError::Parts { found: 0, expected: 1 }) };
    Ok(Plain {
        subject: personal.subject(),
        compartment: personal.compartment(),
        fields: part(personal.expose()).to_fields()?,
    })
}

/// For the tests of every noun: an event reads back as it was written, and without its keys it is still the same fact.
#[cfg(test)]
fn reads_back(event: &Event) {
    use domain::personal::Gone;

    let Written { kind, version, facts, parts } = write(event).unwrap();
    let count = parts.len();
    let here = parts.iter().map(|part| Held::new(part.subject, part.compartment, part.fields.clone())).collect();
    assert_eq!(read(kind, version, &facts, here).as_ref(), Ok(event));
    let gone = (0..count).map(|_| Held::Gone(Gone::Erased)).collect();
    assert!(read(kind, version, &facts, gone).is_ok(), "{kind} cannot be read without its keys");
    let more = (0..=count).map(|_| Held::Gone(Gone::Erased)).collect();
    assert!(read(kind, version, &facts, more).is_err(), "{kind} reads with a part too many");
    for (kind, version, parts) in [(kind.to_owned(), version + 1, 0), (kind.to_owned() + "-anew", version, 1)] {
        let parts = vec![Held::Gone(Gone::Erased); parts];
        assert_eq!(read(&kind, version, &facts, parts), Err(WireError::Unknown { kind, version }), "nobody wrote it");
    }
    assert!(shapes().iter().any(|shape| (shape.kind, shape.version) == (kind, version)), "{kind} has no table");
}

#[cfg(test)]
mod tests {
    use domain::compartment::Compartment;
    use domain::id::{MessageId, OrganizationId, SubjectId};
    use domain::quote::{self, Terms, Texts};
    use domain::ticket::{self, Origin, Priority, Question};
    use domain::time::Day;
    use domain::value::{Currency, Line, Text};

    use super::*;

    #[test]
    fn what_says_that_a_part_is_there_stands_at_the_end_of_the_facts() {
        let mut rows = 0;
        for shape in shapes() {
            for name in shape.parts.iter().filter_map(|(row, _)| row.strip_prefix(WHERE)) {
                let at = shape.facts.iter().position(|(column, _)| *column == name);
                let at = at.unwrap_or_else(|| panic!("{} has no fact {name}", shape.kind));
                assert!(shape.facts[at..].iter().all(|(_, stored)| *stored == "bool"), "{}: {name}", shape.kind);
                rows += 1;
            }
        }
        assert!(rows > 6);
    }

    /// The part of an organization that asks alone had the names of a person's.
    #[test]
    fn a_part_has_its_names_also_where_another_is_not_there() {
        let subject = SubjectId([1; 16]);
        let (organization, text) = (OrganizationId([3; 16]), Text::parse("Why?").unwrap());
        let question = Some(Question { line: Line::parse("Crate").unwrap(), body: text });
        let part = Held::new(subject, Compartment::Support(2026), ticket::OrganizationPart { organization, question });
        let (message, priority, origin) = (MessageId([2; 16]), Priority::Low, Origin::Phone);
        let opened = ticket::Event::Opened { message, priority, origin, person: None, organization: Some(part) };
        let texts = Texts::default();
        let part = quote::OrganizationPart { organization, contact: None, texts };
        let zero = quote::Amounts { net_minor: 0, tax_minor: 0, gross_minor: 0 };
        let currency = Currency::parse("EUR").unwrap();
        let terms = Terms { currency, valid_until: Day(20_000), items: Vec::new(), total: zero };
        let organization = Some(Held::new(subject, Compartment::Sales(2026), part));
        let drafted = quote::Event::Drafted { terms, person: None, organization };
        for (event, names) in [
            (Event::Ticket(opened), &["organization", "question"][..]),
            (Event::Quote(drafted), &["organization", "contact", "texts"]),
        ] {
            let Written { kind, version, facts, .. } = write(&event).unwrap();
            assert_eq!(fields_of(kind, version, &facts, 0), names, "{kind}");
        }
    }
}
