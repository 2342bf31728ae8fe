//! A small program that does right, and on demand wrong, what the recorder is there to judge: it appends to a checksummed
//! file and acknowledges each entry, and every tenth time it replaces a mark by renaming.
//!
//! `driver DIRECTORY COUNT [mistake]`, or as a server of one entry a line, each answered on its connection:
//! `driver DIRECTORY serve`
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test program: a broken assumption ends it"
)]

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::os::unix::fs::FileExt;
use std::path::Path;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let (directory, mistake) = (Path::new(&arguments[1]), arguments.get(3).map_or("", String::as_str));
    match arguments[2].as_str() {
        "serve" => serve(directory),
        count => run(directory, count.parse().unwrap(), mistake),
    }
}

/// A thread a connection; one lock, one sync an entry.
fn serve(directory: &Path) {
    let log = File::create(directory.join("log")).unwrap();
    sync_directory(directory);
    let place = std::sync::Mutex::new((0, 0));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    answer(&listener.local_addr().unwrap().to_string());
    std::thread::scope(|scope| {
        for connection in listener.incoming() {
            let (log, place) = (&log, &place);
            scope.spawn(move || {
                let connection = connection.unwrap();
                for _line in BufReader::new(&connection).lines() {
                    let mut place = place.lock().unwrap();
                    let (number, end) = *place;
                    let entry = tests::powercut_driver::entry(number);
                    log.write_all_at(&entry, end).unwrap();
                    log.sync_data().unwrap();
                    *place = (number + 1, end + entry.len() as u64);
                    drop(place);
                    (&connection).write_all(format!("entry {number}\n").as_bytes()).unwrap();
                }
            });
        }
    });
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
    if mistake == "behind its back" {
        std::process::Command::new("touch").arg(directory.join("other")).status().unwrap();
    }
    for number in first..first.saturating_add(count) {
        let entry = tests::powercut_driver::entry(number);
        if mistake == "answer first" {
            answer(&format!("entry {number}"));
        }
        log.write_all_at(&entry, end).unwrap_or_else(|e| panic!("entry {number}: {e}"));
        end += entry.len() as u64;
        match mistake {
            "no sync" => {}
            // A sync that failed has let go of what it should have written: the next one succeeds and proves nothing.
            "sync again" => log.sync_data().or_else(|_| log.sync_data()).unwrap(),
            _ => log.sync_data().unwrap(),
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
