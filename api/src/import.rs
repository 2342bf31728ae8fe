//! Reads contacts from files of other systems: encoding, delimiter, columns, rows. Only `run` knows the ledger; the rest writes
//! nothing but the file for rejected rows. Texts that leave here (tables, rejects, warnings) never hold the content of a row.

mod cells;
mod commands;
mod country;
mod date;
mod delimiter;
mod encoding;
mod field;
mod fold;
mod guess;
mod mapping;
mod reason;
mod record;
mod rejects;
mod report;
mod row;
mod run;
mod table;

pub use commands::{Origin, Update, update_contact, update_organization};
pub use delimiter::Delimiter;
pub use encoding::{Detected, Encoding};
pub use field::Field;
pub use mapping::{Column, MapError, MapFile, Mapping, Target, Why};
pub use reason::{Oddity, Reason, Reject, Spot, Warning};
pub use record::{MAX_RECORD_BYTES, MAX_RECORD_LINES};
pub use rejects::{Rejects, RejectsError};
pub use report::Report;
pub use row::{Address, Number, Person, Point, Row, Written};
pub use run::{Order, legible, run};
pub use table::{Table, TableError, Taken};
