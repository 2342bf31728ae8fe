//! The views: what the log says, folded into memory and ready to be asked.
//!
//! They know facts, ids and the values that can still be read; they know no keys, no bytes of records, no disk, no clock and
//! no chance. [`Views`] follows the log by [`Follow`](domain::event::Follow) alone, so what was replayed equals what was
//! followed live. Personal values and whatever links people are reached through the drawer ([`subjects`]) and leave with it;
//! everything else is ids, states, times and amounts.

mod contacts;
mod directory;
mod fold;
mod organizations;
mod page;
mod store;
mod subjects;
mod views;
mod words;

pub use contacts::Contact;
pub use directory::{Direction, Facts, Filter, Sort};
pub use organizations::Organization;
pub use page::{Cursor, CursorGone, Cut, Page, Span};
pub use subjects::sheet::{ContactSheet, OrganizationSheet, PointSheet};
pub use views::Views;
