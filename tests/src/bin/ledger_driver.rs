//! Puts the ledger in a directory under load and prints each of its answers, as `tests::ledger_driver` says; or makes backups
//! of it, one after the other, and prints the size of each: `backed-up SIZE`, or `not: WHY`.
//!
//! `ledger_driver DIRECTORY TURNS`, `ledger_driver DIRECTORY back-up INTO TIMES`
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::indexing_slicing, reason = "a test program")]

use std::path::Path;

use tests::ledger_driver::{back_up, drive};

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let directory = Path::new(&arguments[1]);
    let say = |line: String| println!("{line}");
    match arguments[2].as_str() {
        "back-up" => back_up(directory, Path::new(&arguments[3]), arguments[4].parse().unwrap(), &say),
        turns => drive(directory, turns.parse().unwrap(), rand::random(), &say),
    }
}
