//! The power cut, by recording: a program runs under a shim (`shim/record.c`) that writes down what it does to its
//! directory and what it acknowledges; the disk is then built as it would be after a cut at any step, and opened.
//!
//! ```text
//! Recorder ── runs the program under the shim ──▶ Trace ── states() ──▶ State ── build() ──▶ a directory ── the opener's verdict
//! ```
//!
//! What is assumed of the disk, and it is little: what was written before a successful `fsync` or `fdatasync` of the same
//! file began is there once it has ended; an entry of a directory likewise, after a sync of that directory. Everything else
//! may be there, in any subset and any order, whole or in sectors of 512 bytes, one write even torn within a sector.
//! `sync_file_range` promises nothing. A sync that failed promises nothing for what it covered, for ever: a later one that
//! succeeds does not bring it back (as Linux has it).
//! A rename within one directory happens or does not; across two, its halves are settled one by one.

pub mod check;
pub mod disk;
pub mod image;
pub mod record;
pub mod replay;
pub mod trace;

pub use check::{Plan, Report, check, check_recovery};
pub use record::{Recorder, Recording};
pub use replay::{State, states};
pub use trace::{Acknowledged, Trace};
