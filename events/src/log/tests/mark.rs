//! What the head mark remembers, the log must have.

use super::*;
use crate::log::Head;
use crate::log::headmark::HeadMark;

#[test]
fn the_mark_follows_every_append() {
    let dir = scratch();
    let (log, mut author) = (create(dir.path()), Author::new(6));
    for _ in 0..5 {
        author.fill(&log, 1);
        assert_eq!(log.mark().head, author.head());
        let look = HeadMark::look(dir.path()).unwrap().unwrap();
        assert_eq!(look.head, author.head(), "it is in the file before the answer");
    }
    log.mark_checkpoint(7, [7; 32]).unwrap();
    author.fill(&log, 1);
    drop(log);
    let log = open(dir.path()).unwrap();
    assert_eq!(log.mark().checkpoint, (7, [7; 32]));
}

#[test]
fn a_cut_that_tears_every_write_since_the_last_sync_leaves_a_mark() {
    let dir = scratch();
    let path = dir.path().join("head");
    let (log, mut author) = (create(dir.path()), Author::new(8));
    for until_the_cut in [0, 1, 2, 3, 7] {
        log.sync_mark().unwrap();
        let (synced, marked) = (std::fs::read(&path).unwrap(), log.mark());
        author.fill(&log, until_the_cut);
        let written = std::fs::read(&path).unwrap();
        std::fs::write(&path, torn(&synced, &written)).unwrap();
        assert_eq!(HeadMark::look(dir.path()).unwrap(), Some(marked), "{until_the_cut} writes");
        std::fs::write(&path, written).unwrap();
    }
}

#[test]
fn a_cut_while_a_mark_is_synced_leaves_that_one_or_the_one_before() {
    let dir = scratch();
    let path = dir.path().join("head");
    let mut mark = HeadMark::create(dir.path(), LOG).unwrap();
    let left = |synced: &[u8]| {
        let written = std::fs::read(&path).unwrap();
        std::fs::write(&path, torn(synced, &written)).unwrap();
        let left = HeadMark::look(dir.path());
        std::fs::write(&path, written).unwrap();
        left.unwrap()
    };
    let mut sizes = 1..;
    let mut write = |mark: &mut HeadMark, count: usize| {
        for size in sizes.by_ref().take(count) {
            mark.remember(Head { size, ..Head::EMPTY }).unwrap();
        }
    };
    for meanwhile in [0, 1, 2, 3, 7] {
        let (before, before_bytes) = (*mark.mark(), std::fs::read(&path).unwrap());
        write(&mut mark, 1);
        mark.syncing();
        let (marked, bytes) = (*mark.mark(), std::fs::read(&path).unwrap());
        write(&mut mark, meanwhile);
        assert_eq!(left(&before_bytes), Some(before), "{meanwhile} writes, and the sync did not end");
        mark.synced();
        assert_eq!(left(&bytes), Some(marked), "{meanwhile} writes, and the sync ended");
        mark.syncing();
        mark.synced();
    }
}

/// What a cut may leave: nothing that is right in a place that was written since the sync.
fn torn(synced: &[u8], written: &[u8]) -> Vec<u8> {
    std::iter::zip(synced, written).map(|(a, b)| if a == b { *a } else { !*b }).collect()
}

#[test]
fn a_log_behind_its_mark_is_refused_and_says_what_is_missing() {
    let (dir, backup) = (scratch(), scratch());
    let mut author = written(dir.path(), 50);
    copy(dir.path(), backup.path());
    let size = author.head().size;
    let log = open(dir.path()).unwrap();
    author.fill(&log, 10);
    drop(log);
    std::fs::remove_dir_all(dir.path().join("journal")).unwrap();
    copy(&backup.path().join("journal"), &dir.path().join("journal"));
    let error = open(dir.path()).err().unwrap();
    let missing = author.head().size - size;
    assert!(error.to_string().contains(&format!("ends at {size}")), "{error}");
    assert!(error.to_string().contains(&format!("{missing} records are missing")), "{error}");
    std::fs::remove_dir_all(dir.path().join("journal")).unwrap();
    let error = open(dir.path()).err().unwrap();
    assert!(matches!(error, LogError::Behind { size: 0, .. }), "{error}");
    assert!(Embedded::create(dir.path(), LOG, small()).is_err(), "no new log over a lost one");
}

#[test]
fn another_history_than_the_mark_remembers_is_refused() {
    let (dir, other) = (scratch(), scratch());
    written(dir.path(), 50);
    let log = create(other.path());
    Author::new(99).fill(&log, 80);
    drop(log);
    std::fs::remove_dir_all(dir.path().join("journal")).unwrap();
    copy(&other.path().join("journal"), &dir.path().join("journal"));
    assert!(matches!(open(dir.path()), Err(LogError::Forked { .. })));
}

#[test]
fn a_missing_or_foreign_segment_is_damage_with_a_position() {
    let origin = scratch();
    let author = written(origin.path(), 60);
    let segments = files(&origin.path().join("journal"));
    let segments: Vec<_> = segments.iter().filter(|path| path.extension().is_some_and(|e| e == "segment")).collect();
    for (number, segment) in segments.iter().enumerate() {
        let dir = scratch();
        copy(origin.path(), dir.path());
        std::fs::remove_file(dir.path().join("journal").join(segment.file_name().unwrap())).unwrap();
        let read =
            Journal::open_read_only(dir.path()).and_then(|journal| journal.entries().collect::<Result<Vec<_>, _>>());
        let position = match read.unwrap_err() {
            LogError::Damaged { position, .. } => position,
            LogError::Behind { size, .. } => size,
            other => panic!("{other}"),
        };
        let first = crate::log::segment::first_in(segment.file_name().unwrap().to_str().unwrap());
        assert_eq!(Some(position), first, "segment {number}");
    }
    let other = scratch();
    drop(Embedded::create(other.path(), domain::id::LogId([1; 16]), small()).unwrap());
    std::fs::copy(files(&other.path().join("journal"))[0].clone(), segments[0]).unwrap();
    assert!(matches!(open(origin.path()), Err(LogError::Foreign { .. })));
    assert!(author.head().size > 0);
}
