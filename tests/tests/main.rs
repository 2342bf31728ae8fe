//! The acceptance tests: one binary, one module a matter.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "test code"
)]

mod again;
mod anchors;
mod audits;
mod backing;
mod bad;
mod bytes;
mod certificate;
mod copying;
mod crash;
mod erasure;
mod exporting;
mod forensic;
mod forms;
mod fuzz;
mod https;
mod importing;
mod journal;
mod keeping;
mod leaving;
mod ledger;
mod losing;
mod maps;
mod memory;
mod operator;
mod orders;
mod planted;
mod powercut;
mod proof;
mod readme;
mod recovering;
mod redaction;
mod restoring;
mod retention;
mod returning;
mod roles;
mod schema;
mod second;
mod story;
mod suppression;
mod tamper;
mod timestamp;
mod tokens;
mod witness;
