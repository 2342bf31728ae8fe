//! A document: a file that hangs on a contact or a ticket. Its name, its type and its bytes are sealed under a key of its own,
//! so that it dies alone: nothing else has to be sealed anew.

use crate::aggregate::{Aggregate, Circumstances};
use crate::compartment::Compartment;
use crate::event::StreamKind;
use crate::id::{ContactId, SubjectId, TicketId};
use crate::limits::{DOCUMENT_BYTES, DOCUMENTS};
use crate::owner::Owner;
use crate::personal::Held;
use crate::value::Line;

/// What a document hangs on.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum On {
    /// A contact.
    Contact(ContactId),
    /// A ticket.
    Ticket(TicketId),
}

/// All that a document is; personal.
#[derive(Clone, PartialEq, Eq)]
pub struct File {
    /// What it hangs on.
    pub on: On,
    /// Its file name.
    pub name: Line,
    /// Its media type (RFC 6838), as it was given: `application/pdf`.
    pub media_type: Line,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

impl std::fmt::Debug for File {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "File({} bytes)", self.bytes.len())
    }
}

/// Intent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Command {
    /// A file comes in.
    Attach {
        /// Whose data it is.
        subject: SubjectId,
        /// The number of its compartment, which nothing else of this subject has.
        bucket: u32,
        /// It.
        file: File,
    },
}

/// Facts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Event {
    /// A file came in.
    Attached {
        /// It; under a compartment of its own.
        file: Held<Box<File>>,
    },
}

/// Why not.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Rejection {
    /// The id is taken.
    #[error("this document is attached already; another version is another document")]
    AlreadyAttached,
    /// Nothing in it.
    #[error("a document has at least one byte")]
    Empty,
    /// It does not fit into a sealed part.
    #[error("a document has at most {DOCUMENT_BYTES} bytes")]
    TooLarge,
    /// More than one erasure can take.
    #[error(
        "{DOCUMENTS} documents are held of one person or organization at most; one must go before another is attached"
    )]
    TooMany,
    /// Not a type.
    #[error("a media type is two names with a slash between them: application/pdf")]
    MediaType,
}

/// The state: whose it is.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Document {
    owner: Owner,
}

impl Document {
    /// Whose document it is.
    pub fn owner(&self) -> Owner {
        self.owner
    }
}

impl Aggregate for Document {
    const KIND: StreamKind = StreamKind::Document;
    type Command = Command;
    type Event = Event;
    type Rejection = Rejection;

    fn decide(&self, command: &Command, _: &Circumstances) -> Result<Vec<Event>, Rejection> {
        let Command::Attach { subject, bucket, file } = command;
        if self.owner.is_known() {
            return Err(Rejection::AlreadyAttached);
        }
        check(file)?;
        let file = Held::new(*subject, Compartment::Document(*bucket), Box::new(file.clone()));
        Ok(vec![Event::Attached { file }])
    }

    fn evolve(&mut self, event: &Event) {
        let Event::Attached { file } = event;
        self.owner = Owner::of(file);
    }
}

fn check(file: &File) -> Result<(), Rejection> {
    let is_name = |name: &str| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&byte);
        !name.is_empty() && name.bytes().all(plain)
    };
    match file.media_type.as_str().split_once('/') {
        Some((kind, subtype)) if is_name(kind) && is_name(subtype) => {}
        _ => return Err(Rejection::MediaType),
    }
    match file.bytes.len() {
        0 => Err(Rejection::Empty),
        1..=DOCUMENT_BYTES => Ok(()),
        _ => Err(Rejection::TooLarge),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::ActorId;
    use crate::time::Time;

    fn when() -> Circumstances {
        Circumstances { actor: ActorId([1; 16]), effective_at: Time(0), now: Time(0) }
    }

    fn attach(media_type: &str, bytes: usize) -> Command {
        let line = |text| Line::parse(text).unwrap();
        let (on, name, media_type) = (On::Contact(ContactId([3; 16])), line("offer.pdf"), line(media_type));
        let file = File { on, name, media_type, bytes: vec![7; bytes] };
        Command::Attach { subject: SubjectId([2; 16]), bucket: 9, file }
    }

    #[test]
    fn a_document_is_sealed_under_a_key_of_its_own() {
        let events = Document::default().decide(&attach("application/pdf", 3), &when()).unwrap();
        let [Event::Attached { file: Held::Here(file) }] = &events[..] else { panic!("{events:?}") };
        assert_eq!((file.subject(), file.compartment()), (SubjectId([2; 16]), Compartment::Document(9)));
        let mut document = Document::default();
        document.evolve(&events[0]);
        assert_eq!(document.decide(&attach("application/pdf", 3), &when()), Err(Rejection::AlreadyAttached));
    }

    #[test]
    fn what_is_no_document_is_refused() {
        let refused = |command| Document::default().decide(&command, &when()).unwrap_err();
        assert_eq!(refused(attach("text/plain", 0)), Rejection::Empty);
        assert_eq!(refused(attach("text/plain", DOCUMENT_BYTES + 1)), Rejection::TooLarge);
        assert!(Document::default().decide(&attach("text/plain", DOCUMENT_BYTES), &when()).is_ok());
        for strange in ["text", "text/", "/plain", "text/pl ain", "text/plain/more", "täxt/plain"] {
            assert_eq!(refused(attach(strange, 1)), Rejection::MediaType, "{strange}");
        }
    }
}
