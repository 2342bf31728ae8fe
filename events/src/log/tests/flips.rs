//! Single bits change on the disk, at hundreds of places. Every record reads right, or there is an error with a sentence;
//! never a panic of ours, never fewer records in silence.

use super::*;
use crate::log::conformance::{Dice, read_all};
use crate::log::{Entry, PartBytes};

/// What was written, but for parts that say of themselves that they are damaged.
fn agree(read: &[Entry], written: &[Entry]) -> bool {
    let same = |read: &Entry, written: &Entry| {
        let parts = read.parts.iter().zip(&written.parts);
        let mut parts = parts.map(|(a, b)| a == b || a.key == b.key && matches!(a.bytes, PartBytes::Damaged { .. }));
        read.record == written.record && read.hash == written.hash && parts.all(|same| same)
    };
    read.len() == written.len() && read.iter().zip(written).all(|(a, b)| same(a, b))
}

fn flip(path: &Path, dice: &mut Dice, length: u64) -> (u64, u8) {
    let mut bytes = std::fs::read(path).unwrap();
    let (at, bit) = (dice.below(length.min(bytes.len() as u64)), 1 << dice.below(8));
    bytes[at as usize] ^= bit;
    std::fs::write(path, bytes).unwrap();
    (at, bit)
}

#[test]
fn a_flipped_bit_in_the_journal_is_found_or_harmless() {
    let origin = scratch();
    let author = written(origin.path(), 60);
    let segments = files(&origin.path().join("journal"));
    let (mut dice, mut refused) = (Dice(11), 0);
    for round in 0..400 {
        let dir = scratch();
        copy(origin.path(), dir.path());
        let path = &segments[dice.below(segments.len() as u64) as usize];
        let path = dir.path().join("journal").join(path.file_name().unwrap());
        let (at, _) = flip(&path, &mut dice, u64::MAX);
        let read_only =
            Journal::open_read_only(dir.path()).and_then(|journal| journal.entries().collect::<Result<Vec<_>, _>>());
        let served = open(dir.path()).and_then(|log| {
            let all = read_all(&log, 4000)?;
            for (position, entry) in author.entries.iter().enumerate() {
                let found = log.record(position as u64)?.into_iter().collect::<Vec<_>>();
                assert!(agree(&found, std::slice::from_ref(entry)), "round {round}, {path:?} {at}: record {position}");
            }
            Ok(all)
        });
        for read in [read_only, served] {
            match read {
                Ok(entries) => assert!(agree(&entries, &author.entries), "round {round}, {path:?} {at}"),
                Err(LogError::Damaged { position, .. }) => {
                    assert!(position <= author.head().size);
                    refused += 1;
                }
                Err(other) => panic!("round {round}, {path:?} {at}: {other}"),
            }
        }
    }
    assert!(refused > 100, "{refused}");
}

#[test]
fn a_bit_that_flips_while_the_log_serves_is_an_error_with_its_position() {
    let dir = scratch();
    let (log, mut author) = (create(dir.path()), Author::new(21));
    for _ in 0..6 {
        log.append(&author.commit([1; 16], 1, &[KeyId([2; 16])], 200)).unwrap();
    }
    let path = files(&dir.path().join("journal")).remove(0);
    let whole = std::fs::read(&path).unwrap();
    for (position, entry) in author.entries.iter().enumerate() {
        let record = whole.windows(entry.record.len()).position(|bytes| bytes == entry.record).unwrap();
        // Among the facts, where every value is a record.
        let mut bent = whole.clone();
        bent[record + 300] ^= 4;
        std::fs::write(&path, bent).unwrap();
        let error = log.record(position as u64).unwrap_err();
        assert!(matches!(error, LogError::Damaged { position: at, .. } if at == position as u64), "{error}");
        std::fs::write(&path, &whole).unwrap();
        assert_eq!(log.record(position as u64).unwrap().as_ref(), Some(entry));
    }
}

#[test]
fn a_flipped_bit_in_the_head_mark_is_found_or_harmless() {
    let origin = scratch();
    let author = written(origin.path(), 5);
    let whole = std::fs::read(origin.path().join("head")).unwrap();
    for at in (0..150).chain(4096..4246).chain(8192..8342) {
        let mut bent = whole.clone();
        bent[at] ^= 1 << (at % 8);
        std::fs::write(origin.path().join("head"), bent).unwrap();
        let log = open(origin.path()).unwrap();
        assert_eq!(log.head(), author.head());
        drop(log);
        std::fs::write(origin.path().join("head"), &whole).unwrap();
    }
    let mut bent = whole.clone();
    for slot in [0, 4096, 8192] {
        bent[slot + 20] ^= 1;
    }
    std::fs::write(origin.path().join("head"), bent).unwrap();
    assert!(matches!(open(origin.path()), Err(LogError::NoMark(_))));
    std::fs::remove_file(origin.path().join("head")).unwrap();
    assert!(matches!(open(origin.path()), Err(LogError::NoMark(_))));
}

#[test]
fn a_flipped_bit_in_sled_never_reaches_a_reader() {
    let origin = scratch();
    let author = written(origin.path(), 400);
    let (mut dice, mut again) = (Dice(13), 0);
    for round in 0..150 {
        let dir = scratch();
        copy(origin.path(), dir.path());
        let sled = files(&dir.path().join("index"));
        let path = &sled[dice.below(sled.len() as u64) as usize];
        // Most of the database file is still empty.
        let used = std::fs::read(path).unwrap().iter().rposition(|byte| *byte != 0).unwrap_or(0) as u64 + 1;
        let (at, _) = flip(path, &mut dice, used);
        let log = open(dir.path()).unwrap();
        again += u64::from(log.opened().index_set_aside.is_some());
        assert!(read_all(&log, 1 << 20).unwrap() == author.entries, "round {round}, {path:?} {at}");
        for position in (0..author.entries.len()).step_by(7) {
            assert_eq!(log.record(position as u64).unwrap().as_ref(), Some(&author.entries[position]));
        }
        for stream in 1..=12 {
            assert_eq!(log.read_stream(&[stream; 16], 0, usize::MAX).unwrap(), author.stream(&[stream; 16]));
        }
    }
    assert!(again > 10, "{again}");
}
