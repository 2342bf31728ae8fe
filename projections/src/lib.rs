//! The views: what the log says, folded into memory and ready to be asked.
//!
//! They know facts, ids and the values that can still be read; they know no keys, no bytes of records, no disk, no clock and
//! no chance. [`Views`] follows the log by [`Follow`](domain::event::Follow) alone, so what was replayed equals what was
//! followed live. Personal values and whatever links people are reached through the drawer ([`subjects`]) and leave with it;
//! everything else is ids, states, times and amounts.

mod actors;
mod consents;
mod contacts;
mod digest;
mod directory;
mod disclosures;
mod documents;
mod erasures;
mod fold;
mod holds;
mod may_contact;
mod notices;
mod organizations;
mod page;
mod quotes;
mod redactions;
mod register;
mod store;
mod subjects;
mod tickets;
mod views;
mod words;

pub use actors::{Actor, ActorFacts, Bearer, IssuedToken};
pub use consents::{Consents, Note};
pub use contacts::Contact;
pub use directory::{Direction, Facts, Filter, Sort};
pub use disclosures::{Disclosure, DisclosureFacts};
pub use documents::{Document, DocumentFacts, DocumentSheet};
pub use erasures::{Case, Erasure, ErasureFacts, ResidueFacts, Return, Step, Told};
pub use holds::{Hold, HoldFacts, HoldStep};
pub use may_contact::NoAnswer;
pub use notices::{Notice, Published};
pub use organizations::Organization;
pub use page::{Cursor, CursorGone, Cut, Page, Span};
pub use quotes::{Quote, QuoteFacts, QuoteFilter, Version};
pub use redactions::{Redaction, RedactionFacts};
pub use subjects::sheet::{ContactSheet, OrganizationSheet, PointSheet, Retired};
pub use tickets::{MessageFacts, MessageKind, Ticket, TicketFacts, TicketFilter};
pub use views::{ConsentFilter, HeldIn, HeldThing, SubjectHeld, Views};
