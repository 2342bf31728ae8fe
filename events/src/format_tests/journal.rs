//! The files of a data directory, as the engine writes them, against the bytes that `FORMAT.md` shows.

use std::fmt::Write as _;
use std::time::Duration;

use super::compare;
use super::golden::hex;
use super::samples::LOG;
use super::vectors;
use crate::bundle::{put_parts, put_record};
use crate::keyring::example::example;
use crate::log::engine::{Embedded, Options};
use crate::log::frame::{self, Sums};
use crate::log::segment::{HEADER, Header};
use crate::log::{Commit, Log as _};
use crate::record::NO_HASH;

/// The size of the example's segment.
const SIZE: u64 = HEADER + 12_000;

/// Everything that is not a record.
pub struct Files {
    pub segment: Vec<u8>,
    /// One frame for each of the first three records.
    pub frames: Vec<Vec<u8>>,
    /// The slot of the head mark that was written behind the third.
    pub mark: Vec<u8>,
    pub entries: Vec<u8>,
    pub inventory: Vec<u8>,
}

pub fn files() -> Files {
    let header = Header { log: LOG, first: 0, previous: NO_HASH, size: SIZE };
    let mut files = Files {
        segment: header.write(),
        frames: Vec::new(),
        mark: Vec::new(),
        entries: Vec::new(),
        inventory: Vec::new(),
    };
    let dir = tempfile::tempdir().unwrap();
    let options = Options { segment_size: SIZE, mark_every: Duration::from_secs(3600), ..Options::default() };
    let log = Embedded::create(dir.path(), LOG, options).unwrap();
    let mut expected = files.segment.clone();
    for (first, made) in (0..).zip(vectors::log()).take(3) {
        let entry = made.entry();
        let mut bytes = Vec::new();
        frame::write(&mut bytes, &Sums::of(LOG), first, std::slice::from_ref(&entry)).unwrap();
        expected.extend(&bytes);
        files.frames.push(bytes);
        put_record(&mut files.entries, &entry.record);
        put_parts(&mut files.inventory, &entry);
        log.append(&Commit { entries: vec![entry] }).unwrap();
    }
    expected.resize(SIZE as usize, 0);
    let written = std::fs::read(dir.path().join("journal/00000000000000000000.segment")).unwrap();
    assert!(written == expected, "the engine writes another segment than its header and frames");
    files.mark = std::fs::read(dir.path().join("head")).unwrap().split_off(4096);
    assert_eq!(files.mark.len(), 2 * 4096);
    files.mark.truncate(138);
    files
}

/// The part of a padded block that is not zero.
pub fn unpadded(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    &bytes[..end]
}

#[test]
fn files_have_the_bytes_they_always_had() {
    let (files, keyring) = (files(), example(LOG));
    let mut out = "# The files around the first three records of records.txt, hexadecimal; zeros at the end of a block are left out.\n".to_owned();
    for (name, bytes) in [
        ("segment header", &files.segment),
        ("frame of record 0", &files.frames[0]),
        ("frame of record 1", &files.frames[1]),
        ("frame of record 2", &files.frames[2]),
        ("head mark, slot 1", &files.mark),
        ("tile/entries/000.p/3", &files.entries),
        ("tile/inventory/000.p/3", &files.inventory),
        ("keyring header", &keyring.header),
        ("keyring node", &keyring.node),
        ("keyring child added", &keyring.added),
        ("keyring leaf", &keyring.leaf),
        ("keyring leaf, in clear", &keyring.leaf_clear),
        ("keyring marks", &keyring.marks),
        ("root file", &keyring.root),
        ("suppression list", &keyring.suppressed),
    ] {
        writeln!(out, "\n{name}\n{}", hex(unpadded(bytes))).unwrap();
    }
    compare("golden/files.txt", &out);
}
