//! What has somebody consented to, and who has consented to this?
//!
//! Every statement is a fact and stays, in eighty bytes. Whose they are is part of the drawer: the subject, the contact that
//! was named, the words that were noted. So that contacts can be listed by consent, there is a set of contacts for each
//! purpose and state, as of the day of the last record; a consent that runs out is moved when the log comes to that day.

use std::collections::{BTreeMap, BTreeSet};

use domain::channel::Channel;
use domain::consent::{About, AsOf, Event, Evidence, Fact, Person, Scope, Standing, State, Trail, Way};
use domain::event::{Place, Stream, StreamKind};
use domain::id::{ActorId, CommandId, ConsentsId, ContactId, PointId, SubjectId};
use domain::notice::Shown;
use domain::personal::Held;
use domain::register::Slug;
use domain::time::{Day, Time};
use domain::value::Text;

use crate::digest::Digest;
use crate::store::{Ids, Rows};
use crate::subjects::{Subjects, Thing};

/// No statement, no contact, no purpose.
const NONE: u32 = u32::MAX;

/// All consents of one person.
#[derive(Clone)]
pub struct Consents {
    /// The id of their stream.
    pub id: ConsentsId,
    /// The revision of their stream.
    pub revision: u64,
    /// Whose they are, while that can be read.
    pub subject: Option<SubjectId>,
    /// Every statement. Hashes of codes are not among what a view keeps; those here are zero.
    pub trail: Trail,
    /// The contact that was named and the words that were noted, by position, while they can be read.
    pub notes: BTreeMap<u64, Note>,
}

impl Consents {
    /// Where every consent stands on a day.
    pub fn state_on(&self, as_of: AsOf) -> Vec<(Scope, Standing)> {
        self.trail.state_on(as_of)
    }
}

/// What is personal of one statement.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Note {
    /// Under which contact.
    pub contact: ContactId,
    /// What was said, seen or signed.
    pub words: Option<Text>,
}

/// The consents of one person, as a row.
struct Row {
    first: u32,
    last: u32,
    revision: u64,
    holder: u32,
}

/// A statement in eighty bytes; of one person they are chained.
#[derive(Clone, Copy)]
struct Statement {
    position: u64,
    recorded_at: Time,
    effective_at: Time,
    expires_at: Time,
    point: Option<PointId>,
    valid_until: Option<Day>,
    next: u32,
    shown: u32,
    purpose: u16,
    months: Option<u16>,
    channel: Option<Channel>,
    what: What,
    way: Way,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum What {
    Requested,
    Given(Evidence),
    Confirmed,
    Refused,
    Withdrawn,
    Objected,
}

/// All statements of all people.
#[derive(Default)]
pub(crate) struct Statements {
    ids: Ids,
    rows: Vec<Row>,
    statements: Vec<Statement>,
    /// The row of the contact that each statement named, while that can be read.
    contacts: Vec<u32>,
    words: BTreeMap<u32, Text>,
    /// The streams that requested with a code, by the first half of its hash.
    codes: Ids,
    coded: Vec<u32>,
    purposes: Vec<Slug>,
    shown: Vec<Shown>,
    shown_numbers: BTreeMap<Shown, u32>,
    by_state: BTreeMap<(u16, State), Rows>,
    ending: BTreeMap<Day, Rows>,
    today: Day,
    changed: BTreeSet<u32>,
}

impl Statements {
    /// The row of a stream.
    pub fn row(&self, id: ConsentsId) -> Option<u32> {
        self.ids.get(&id.0)
    }

    /// The stream in which a code with this hash was sent. The whole hash is compared where the command is decided.
    pub fn of_code(&self, hash: &[u8; 32]) -> Option<ConsentsId> {
        let code = self.codes.get(hash.first_chunk()?)?;
        let row = self.coded.get(code as usize)?;
        self.ids.id(*row).map(ConsentsId)
    }

    /// The row of a subject's consents.
    pub fn row_of(&self, subject: u32, subjects: &Subjects) -> Option<u32> {
        subjects.held_in(subject, domain::compartment::Compartment::ConsentProof).find_map(|thing| match thing {
            Thing::Consents(row) => Some(row),
            _ => None,
        })
    }

    /// All consents of one person.
    pub fn consents(&self, row: u32, subjects: &Subjects, contact: impl Fn(u32) -> ContactId) -> Option<Consents> {
        let Row { revision, holder, .. } = self.rows.get(row as usize)?;
        let notes = self.chain(row).filter_map(|(number, statement)| {
            let contact =
                self.contacts.get(number as usize).copied().filter(|contact| *contact != NONE).map(&contact)?;
            Some((statement.position, Note { contact, words: self.words.get(&number).cloned() }))
        });
        Some(Consents {
            id: ConsentsId(self.ids.id(row)?),
            revision: *revision,
            subject: Some(*holder).filter(|holder| *holder != NONE).and_then(|holder| subjects.id(holder)),
            trail: self.trail(row),
            notes: notes.collect(),
        })
    }

    /// What the domain asks its questions of.
    pub fn trail(&self, row: u32) -> Trail {
        let mut trail = Trail::default();
        let stream = Stream { kind: StreamKind::Consents, id: self.ids.id(row).unwrap_or_default() };
        for (_, statement) in self.chain(row) {
            let place = Place {
                position: statement.position,
                stream,
                revision: 0,
                recorded_at: statement.recorded_at,
                effective_at: statement.effective_at,
                actor: ActorId([0; 16]),
                command: CommandId([0; 16]),
                hash: [0; 32],
            };
            if let Some(fact) = self.fact(statement) {
                trail.follow(&place, &fact);
            }
        }
        trail
    }

    /// The contacts with a consent to this purpose in any of these states, as of the last record's day. A consent that
    /// has run out since is still among the given ones.
    pub fn by_state(&self, purpose: &Slug, states: &[State]) -> Vec<&Rows> {
        let Some(purpose) = self.purposes.iter().position(|known| known == purpose) else { return Vec::new() };
        states.iter().filter_map(|state| self.by_state.get(&(purpose as u16, *state))).collect()
    }

    /// Takes a record. Of one that was seen before, only whose it is.
    pub fn follow(
        &mut self,
        subjects: &mut Subjects,
        place: &Place,
        event: Event,
        seen: bool,
        contact_row: impl Fn(ContactId) -> Option<u32>,
    ) {
        if !seen {
            self.append(place, &event.fact);
        }
        let Some(row) = self.ids.get(&place.stream.id) else { return };
        self.changed.insert(row);
        let Held::Here(person) = event.person else { return };
        let holder = subjects.hold(&person, Thing::Consents(row), place.recorded_at.day());
        self.rows.get_mut(row as usize).into_iter().for_each(|row| row.holder = holder);
        let Person { contact, words } = person.into_exposed();
        let Some(number) = self.number(row, place.position, seen) else { return };
        if let (Some(named), Some(contact)) = (self.contacts.get_mut(number as usize), contact_row(contact)) {
            *named = contact;
        }
        self.words.extend(words.map(|words| (number, words)));
    }

    /// The log has come to a day: what ended before it is moved.
    pub fn turn_to(&mut self, day: Day) {
        if day <= self.today {
            return;
        }
        self.today = day;
        while let Some(ended) = self.ending.first_entry().filter(|ended| *ended.key() < day) {
            self.changed.extend(ended.remove().iter());
        }
    }

    /// Whose consents end before a day, of those that had not by the last record.
    pub fn ended_before(&self, day: Day) -> impl Iterator<Item = u32> {
        self.ending.range(..day).flat_map(|(_, rows)| rows.iter())
    }

    /// A contact came or went: the sets of its person's consents are made again.
    pub fn touch(&mut self, row: u32) {
        self.changed.insert(row);
    }

    /// A contact is listed no more.
    pub fn unlist(&mut self, contact: u32) {
        for rows in self.by_state.values_mut() {
            rows.remove(contact);
        }
    }

    /// Brings the sets of contacts up to date with all that was followed.
    pub fn settle(&mut self, contacts_of: impl Fn(u32) -> Vec<u32>) {
        for row in std::mem::take(&mut self.changed) {
            let contacts = self.holder(row).map_or_else(Vec::new, &contacts_of);
            contacts.iter().for_each(|contact| self.unlist(*contact));
            let states = self.states(row);
            for (purpose, state, last) in states {
                let listed = self.by_state.entry((purpose, state)).or_default();
                for contact in &contacts {
                    listed.insert(*contact);
                }
                if let Some(last) = last.filter(|_| matches!(state, State::Given | State::Confirmed)) {
                    self.ending.entry(last).or_default().insert(row);
                }
            }
        }
    }

    /// Drops whose they are.
    pub fn forget(&mut self, row: u32) {
        let numbers: Vec<u32> = self.chain(row).map(|(number, _)| number).collect();
        for number in numbers {
            self.contacts.get_mut(number as usize).into_iter().for_each(|contact| *contact = NONE);
            self.words.remove(&number);
        }
        self.rows.get_mut(row as usize).into_iter().for_each(|row| row.holder = NONE);
    }

    /// The row of the subject whose they are.
    pub fn holder(&self, row: u32) -> Option<u32> {
        self.rows.get(row as usize).map(|row| row.holder).filter(|holder| *holder != NONE)
    }

    /// Statements, whose they are, and every list.
    pub fn write_digest(&self, out: &mut Digest<'_>, subjects: &Subjects) {
        for row in 0..self.rows.len() as u32 {
            out.bytes(&self.ids.id(row).unwrap_or_default());
            out.subject(self.holder(row), subjects);
            out.facts(&self.trail(row).entries());
            for (number, _) in self.chain(row) {
                out.facts(&self.contacts.get(number as usize));
                out.bytes(self.words.get(&number).map_or(&[], |words| words.as_str().as_bytes()));
            }
        }
        out.facts(&(&self.purposes, &self.shown, &self.coded, self.today));
        out.sets(&self.by_state);
    }

    fn states(&self, row: u32) -> Vec<(u16, State, Option<Day>)> {
        let state_on = self.trail(row).state_on(AsOf::day(self.today));
        let purpose = |scope: &Scope| {
            let slug = scope.purpose.as_ref()?;
            self.purposes.iter().position(|known| known == slug).map(|number| number as u16)
        };
        let exact = state_on.iter().filter(|(scope, _)| scope.channel.is_some() && scope.point.is_some());
        exact.filter_map(|(scope, standing)| Some((purpose(scope)?, standing.state, standing.valid_until))).collect()
    }

    fn append(&mut self, place: &Place, fact: &Fact) {
        let row = self.ids.add(place.stream.id);
        let number = self.statements.len() as u32;
        let statement = self.statement(place, fact);
        self.statements.push(statement);
        self.contacts.push(NONE);
        if let Fact::Requested { code_hash, .. } = fact
            && let Some(half) = code_hash.first_chunk()
            && self.codes.add(*half) as usize == self.coded.len()
        {
            self.coded.push(row);
        }
        match self.rows.get_mut(row as usize) {
            None => self.rows.push(Row { first: number, last: number, revision: place.revision, holder: NONE }),
            Some(row) => {
                let last = std::mem::replace(&mut row.last, number);
                row.revision = place.revision;
                self.statements.get_mut(last as usize).into_iter().for_each(|last| last.next = number);
            }
        }
    }

    /// The number of the statement at a position; the newest one is at hand.
    fn number(&self, row: u32, position: u64, seen: bool) -> Option<u32> {
        if !seen {
            return self.rows.get(row as usize).map(|row| row.last);
        }
        self.chain(row).find(|(_, statement)| statement.position == position).map(|(number, _)| number)
    }

    fn chain(&self, row: u32) -> impl Iterator<Item = (u32, &Statement)> {
        let mut next = self.rows.get(row as usize).map_or(NONE, |row| row.first);
        std::iter::from_fn(move || {
            let number = next;
            let statement = self.statements.get(number as usize)?;
            next = statement.next;
            Some((number, statement))
        })
    }

    fn statement(&mut self, place: &Place, fact: &Fact) -> Statement {
        let Place { position, recorded_at, effective_at, .. } = *place;
        let (what, scope, way) = match fact {
            Fact::Requested { about, way, .. } => (What::Requested, about.into(), way),
            Fact::Given { about, way, evidence, .. } => (What::Given(*evidence), about.into(), way),
            Fact::Confirmed { about, way, .. } => (What::Confirmed, about.into(), way),
            Fact::Refused { about, way } => (What::Refused, about.into(), way),
            Fact::Withdrawn { scope, way } => (What::Withdrawn, scope.clone(), way),
            Fact::Objected { scope, way } => (What::Objected, scope.clone(), way),
        };
        let (shown, valid_until) = match fact {
            Fact::Requested { shown, valid_until, .. } | Fact::Confirmed { shown, valid_until, .. } => {
                (Some(*shown), *valid_until)
            }
            Fact::Given { shown, valid_until, .. } => (*shown, *valid_until),
            Fact::Refused { .. } | Fact::Withdrawn { .. } | Fact::Objected { .. } => (None, None),
        };
        let (expires_at, months) = match fact {
            Fact::Requested { expires_at, validity_months, .. } => (*expires_at, *validity_months),
            _ => (Time(0), None),
        };
        Statement {
            position,
            recorded_at,
            effective_at,
            expires_at,
            point: scope.point,
            valid_until,
            next: NONE,
            shown: shown.map_or(NONE, |shown| self.shown_number(shown)),
            purpose: scope.purpose.map_or(u16::MAX, |purpose| self.purpose_number(purpose)),
            months,
            channel: scope.channel,
            what,
            way: *way,
        }
    }

    fn purpose_number(&mut self, purpose: Slug) -> u16 {
        let known = self.purposes.iter().position(|known| *known == purpose);
        known.unwrap_or_else(|| {
            self.purposes.push(purpose);
            self.purposes.len() - 1
        }) as u16
    }

    fn shown_number(&mut self, shown: Shown) -> u32 {
        let next = self.shown.len() as u32;
        let number = *self.shown_numbers.entry(shown).or_insert(next);
        if number == next {
            self.shown.push(shown);
        }
        number
    }

    /// The fact again, without the hash of its code.
    fn fact(&self, statement: &Statement) -> Option<Fact> {
        let Statement { expires_at, valid_until, months, way, .. } = *statement;
        let shown = self.shown.get(statement.shown as usize).copied();
        let scope = Scope {
            purpose: self.purposes.get(usize::from(statement.purpose)).cloned(),
            channel: statement.channel,
            point: statement.point,
        };
        let about = match &scope {
            Scope { purpose: Some(purpose), channel: Some(channel), point: Some(point) } => {
                Some(About { purpose: purpose.clone(), channel: *channel, point: *point })
            }
            _ => None,
        };
        let code_hash = [0; 32];
        Some(match statement.what {
            What::Requested => Fact::Requested {
                about: about?,
                shown: shown?,
                code_hash,
                expires_at,
                valid_until,
                validity_months: months,
                way,
            },
            What::Given(evidence) => Fact::Given { about: about?, shown, valid_until, way, evidence },
            What::Confirmed => Fact::Confirmed { about: about?, shown: shown?, code_hash, valid_until, way },
            What::Refused => Fact::Refused { about: about?, way },
            What::Withdrawn => Fact::Withdrawn { scope, way },
            What::Objected => Fact::Objected { scope, way },
        })
    }
}
