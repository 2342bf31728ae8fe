//! Appends the story of `tests::log_driver` to the log in a directory, goes on where it ends, and acknowledges each commit.
//!
//! `log_driver DIRECTORY COMMITS`
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::indexing_slicing, reason = "a test program")]

use std::path::Path;

use events::log::Log;
use events::log::lock::Lock;
use tests::log_driver::{Story, open, swept_after};

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let directory = Path::new(&arguments[1]);
    let _lock = Lock::take(directory).unwrap();
    let log = open(directory).unwrap();
    let (mut story, mut chapters) = (Story::default(), Vec::new());
    while story.size() < log.head().size {
        chapters.push(story.tell());
    }
    for number in (chapters.len() as u64..).take(arguments[2].parse().unwrap()) {
        let chapter = story.tell();
        log.append(&chapter.commit).unwrap();
        println!("commit {number}");
        chapters.push(chapter);
        let swept = swept_after(number, &chapters);
        if !swept.is_empty() {
            log.remove_parts(&swept).unwrap();
            println!("swept {number}");
        }
    }
}
