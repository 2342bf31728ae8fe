//! A fact with its place in the log, and what follows the log.

use std::fmt;
use std::str::FromStr;

use crate::id::{ActorId, CommandId};
use crate::time::Time;

/// The nouns that have streams. The name is what records hold.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum StreamKind {
    /// The ledger's own records.
    Log,
    /// One contact.
    Contact,
    /// One organization.
    Organization,
    /// All consents of one person.
    Consents,
    /// The rights of one subject: links, disclosures, requests, erasures.
    Case,
    /// One ticket.
    Ticket,
    /// One quote.
    Quote,
    /// One notice in all its versions.
    Notice,
    /// The register of purposes and compartments.
    Register,
    /// One actor.
    Actor,
    /// One declaration about a device that holds the keyring's root.
    Anchor,
    /// One document.
    Document,
}

impl StreamKind {
    /// All of them, in the order of their declaration.
    pub const ALL: [Self; 12] = [
        Self::Log,
        Self::Contact,
        Self::Organization,
        Self::Consents,
        Self::Case,
        Self::Ticket,
        Self::Quote,
        Self::Notice,
        Self::Register,
        Self::Actor,
        Self::Anchor,
        Self::Document,
    ];

    /// The name in records and in written stream ids.
    pub fn name(self) -> &'static str {
        match self {
            Self::Log => "log",
            Self::Contact => "contact",
            Self::Organization => "organization",
            Self::Consents => "consents",
            Self::Case => "case",
            Self::Ticket => "ticket",
            Self::Quote => "quote",
            Self::Notice => "notice",
            Self::Register => "register",
            Self::Actor => "actor",
            Self::Anchor => "anchor",
            Self::Document => "document",
        }
    }

    /// The kind with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// The records of one aggregate.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stream {
    /// Whose records they are.
    pub kind: StreamKind,
    /// The aggregate's id, random and never used for another stream of any kind.
    pub id: [u8; 16],
}

impl fmt::Display for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}_{:032x}", self.kind.name(), u128::from_be_bytes(self.id))
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text that names no stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the id of a stream: it is written as its noun, an underscore and 32 hexadecimal digits")]
pub struct NotAStream;

impl FromStr for Stream {
    type Err = NotAStream;

    fn from_str(text: &str) -> Result<Self, NotAStream> {
        let (noun, digits) = text.split_once('_').ok_or(NotAStream)?;
        let kind = StreamKind::named(noun).ok_or(NotAStream)?;
        let plain = digits.len() == 32 && digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        let id = u128::from_str_radix(digits, 16).ok().filter(|_| plain).ok_or(NotAStream)?;
        Ok(Self { kind, id: id.to_be_bytes() })
    }
}

/// Where a record stands, and who put it there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Place {
    /// Its place in the whole log, from 0.
    pub position: u64,
    /// The stream it belongs to.
    pub stream: Stream,
    /// Its place in that stream, from 0.
    pub revision: u64,
    /// The ledger's clock when it was written; never goes back.
    pub recorded_at: Time,
    /// When it became true, as the command said.
    pub effective_at: Time,
    /// Who.
    pub actor: ActorId,
    /// By which command.
    pub command: CommandId,
    /// BLAKE3 of the record.
    pub hash: [u8; 32],
}

/// A fact with its place: what views are folded from.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// Where and who.
    pub place: Place,
    /// What happened.
    pub event: Event,
}

/// Whatever follows the log. The writer calls it after the sync, replay calls it at boot: the same records in the same order.
pub trait Follow: Send + Sync + 'static {
    /// Takes durable records, in order. A record whose position was seen before comes again when a fence is lifted: it
    /// brings back the personal parts that the fence had dropped, and changes nothing else.
    fn follow(&mut self, records: Vec<Recorded>);

    /// A whole log will follow, and nothing is asked before [`Self::replayed`]: what is cheaper to make once at its end may
    /// wait for it. Called before the first record or not at all.
    fn replay(&mut self) {}

    /// The log was followed to its end. What comes now comes live.
    fn replayed(&mut self) {}
}

macro_rules! events {
    ($($(#[$doc:meta])* $name:ident($event:ty),)*) => {
        /// A fact of any noun.
        #[derive(Clone, PartialEq, Eq, Debug)]
        pub enum Event {
            $($(#[$doc])* $name($event),)*
        }

        $(
            impl From<$event> for Event {
                fn from(event: $event) -> Self {
                    Self::$name(event)
                }
            }

            impl TryFrom<Event> for $event {
                type Error = Event;

                fn try_from(event: Event) -> Result<Self, Event> {
                    match event {
                        Event::$name(event) => Ok(event),
                        other => Err(other),
                    }
                }
            }
        )*
    };
}

events! {
    /// Of the ledger itself.
    Log(crate::ledger::Event),
    /// Of a contact.
    Contact(crate::contact::Event),
    /// Of an organization.
    Organization(crate::organization::Event),
    /// Of a person's consents.
    Consents(crate::consent::Event),
    /// Of a subject's case.
    Case(crate::subject::Event),
    /// Of a ticket.
    Ticket(crate::ticket::Event),
    /// Of a quote.
    Quote(crate::quote::Event),
    /// Of an actor.
    Actor(crate::actor::Event),
    /// Of a document.
    Document(crate::document::Event),
    /// Of a notice.
    Notice(crate::notice::Event),
    /// Of the register.
    Register(crate::register::Event),
    /// Of what is declared about a device.
    Anchor(crate::anchor::Event),
}
