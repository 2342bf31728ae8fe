//! The harness of the acceptance tests: what they share. Files, processes and their traces come first and know nothing of
//! the product; `cast`, `acts` and `book` tell what is done through a ledger, and `forge` knows its format.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "all of this crate is test code: a broken assumption stops the test that made it"
)]

pub mod acts;
pub mod anchors;
pub mod authority;
pub mod book;
pub mod cast;
pub mod client;
pub mod collected;
pub mod desk;
pub mod files;
pub mod forge;
pub mod fuzz;
pub mod kill;
pub mod ledger_driver;
pub mod log_driver;
pub mod powercut;
pub mod powercut_driver;
pub mod programs;
pub mod server;
pub mod shim;
pub mod token;
pub mod vault;
