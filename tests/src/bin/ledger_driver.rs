//! Puts the ledger in a directory under load and prints each of its answers, as `tests::ledger_driver` says; or makes backups
//! of it, one after the other, and prints the size of each: `backed-up SIZE`, or `not: WHY`; or restores it from one, and
//! prints where the new generation begins: `restored SIZE`, or `not: WHY`.
//!
//! `ledger_driver DIRECTORY TURNS`, `ledger_driver DIRECTORY back-up INTO TIMES`, `ledger_driver DIRECTORY restore FROM ORIGIN`
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::indexing_slicing, reason = "a test program")]

use std::path::Path;

use tests::ledger_driver::{back_up, drive, restore};

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let directory = Path::new(&arguments[1]);
    let say = |line: String| println!("{line}");
    match arguments[2].as_str() {
        "back-up" => back_up(directory, Path::new(&arguments[3]), arguments[4].parse().unwrap(), &say),
        "restore" => restore(directory, Path::new(&arguments[3]), &arguments[4], &say),
        turns => drive(directory, turns.parse().unwrap(), rand::random(), &say),
    }
}
