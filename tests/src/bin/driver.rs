//! A small program that does right, and on demand wrong, what the recorder is there to judge: it appends to a checksummed
//! file and acknowledges each entry, and every tenth time it replaces a mark by renaming.
//!
//! `driver DIRECTORY COUNT [mistake]`
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test program: a broken assumption ends it"
)]

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::Path;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let mistake = arguments.get(3).map_or("", String::as_str);
    run(Path::new(&arguments[1]), arguments[2].parse().unwrap(), mistake);
}

fn run(directory: &Path, count: u32, mistake: &str) {
    let path = directory.join("log");
    let made = !path.exists();
    let log = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).unwrap();
    if made && mistake != "no directory sync" {
        sync_directory(directory);
    }
    let bytes = std::fs::read(&path).unwrap();
    let (first, mut end) = tests::powercut_driver::read(&bytes);
    // What is behind the last whole entry goes before anything is written over it.
    log.set_len(end).unwrap();
    log.sync_data().unwrap();
    if mistake == "write" {
        (&log).write_all(b"not by pwrite").unwrap();
    }
    for number in first..first.saturating_add(count) {
        let entry = tests::powercut_driver::entry(number);
        if mistake == "answer first" {
            answer(&format!("entry {number}"));
        }
        log.write_all_at(&entry, end).unwrap_or_else(|e| panic!("entry {number}: {e}"));
        end += entry.len() as u64;
        if mistake != "no sync" {
            log.sync_data().unwrap();
        }
        if mistake != "answer first" {
            answer(&format!("entry {number}"));
        }
        if number % 10 == 9 {
            mark(directory, number, mistake);
        }
    }
}

fn mark(directory: &Path, number: u32, mistake: &str) {
    let part = directory.join("mark.part");
    let file = File::create(&part).unwrap();
    file.write_all_at(&tests::powercut_driver::entry(number), 0).unwrap();
    if mistake != "no mark sync" {
        file.sync_all().unwrap();
    }
    std::fs::rename(&part, directory.join("mark")).unwrap();
    if mistake != "no rename sync" {
        sync_directory(directory);
    }
    answer(&format!("mark {number}"));
}

fn sync_directory(directory: &Path) {
    File::open(directory).unwrap().sync_all().unwrap();
}

fn answer(line: &str) {
    println!("{line}");
}
