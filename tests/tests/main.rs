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

mod bytes;
mod crash;
mod journal;
mod ledger;
mod planted;
mod powercut;
mod tamper;
