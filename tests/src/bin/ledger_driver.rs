//! Puts the ledger in a directory under load and prints each of its answers, as `tests::ledger_driver` says.
//!
//! `ledger_driver DIRECTORY TURNS`
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::indexing_slicing, reason = "a test program")]

use std::path::Path;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let (directory, turns) = (Path::new(&arguments[1]), arguments[2].parse().unwrap());
    tests::ledger_driver::drive(directory, turns, rand::random(), &|line| println!("{line}"));
}
