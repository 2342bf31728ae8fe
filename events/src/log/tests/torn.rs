//! The power goes while a frame is written.

use super::*;
use crate::log::conformance::read_all;
use crate::log::segment;

/// The last segment, where its last frame begins, and where it ends.
fn last_frame(dir: &Path) -> (PathBuf, usize, usize) {
    let path = files(&dir.join("journal")).into_iter().rfind(|path| path.extension().is_some_and(|e| e == "segment"));
    let path = path.unwrap();
    let bytes = std::fs::read(&path).unwrap();
    let sums = crate::log::frame::Sums::of(LOG);
    let (mut start, mut end) = (0, HEADER as usize);
    while let Ok(layout) = crate::log::frame::read(&bytes[end..], &sums) {
        (start, end) = (end, end + layout.length as usize);
    }
    (path, start, end)
}

/// A log whose last frame was being written: the mark does not know of it. Gives what was there before.
fn under_way(dir: &Path) -> (Author, Author) {
    let (log, mut author) = (create(dir), Author::new(8));
    author.fill(&log, 12);
    let mark = std::fs::read(dir.join("head")).unwrap();
    let mut whole = Author::new(8);
    whole.entries = author.entries.clone();
    log.append(&author.commit([1; 16], 2, &[KeyId([2; 16])], 60)).unwrap();
    drop(log);
    std::fs::write(dir.join("head"), mark).unwrap();
    std::fs::remove_dir_all(dir.join("index")).unwrap();
    (whole, author)
}

#[test]
fn a_frame_torn_at_any_byte_is_cut_and_the_log_goes_on() {
    let origin = scratch();
    let (before, after) = under_way(origin.path());
    let (path, start, end) = last_frame(origin.path());
    let whole = std::fs::read(&path).unwrap();
    let dir = scratch();
    copy(origin.path(), dir.path());
    let path = dir.path().join("journal").join(path.file_name().unwrap());
    let mark = std::fs::read(origin.path().join("head")).unwrap();
    for cut in start..=end {
        for lost_start in [false, true] {
            let mut torn = whole.clone();
            if lost_start {
                torn[start..cut].fill(0)
            } else {
                torn[cut..].fill(0)
            }
            std::fs::write(&path, &torn).unwrap();
            std::fs::write(dir.path().join("head"), &mark).unwrap();
            let read_only = Journal::open_read_only(dir.path()).unwrap();
            let (journal, found) = Journal::open(dir.path(), None, true).unwrap();
            let kept = if torn == whole { &after.entries } else { &before.entries };
            assert_eq!(read_only.head().size, kept.len() as u64, "cut at {cut} {lost_start}");
            assert_eq!(read_only.torn().is_some(), torn != whole && torn[start..].iter().any(|b| *b != 0), "{cut}");
            drop(crate::log::writer::Writer::open(std::sync::Arc::new(journal), &found, small().segment_size).unwrap());
            let bytes = std::fs::read(&path).unwrap();
            let rest = if torn == whole { end } else { start };
            assert!(bytes[rest..].iter().all(|byte| *byte == 0), "nothing is left behind the end");
        }
    }
    // And the whole engine, here and there.
    for cut in (start..end).step_by(37) {
        let mut torn = whole.clone();
        torn[cut..].fill(0);
        std::fs::write(&path, &torn).unwrap();
        std::fs::write(dir.path().join("head"), &mark).unwrap();
        let log = open(dir.path()).unwrap();
        assert!(read_all(&log, 5000).unwrap() == before.entries);
        assert_eq!(log.opened().torn.is_some(), cut > start);
        let mut author = Author::new(9);
        author.now += 1_000_000;
        author.entries = before.entries.clone();
        log.append(&author.commit([99; 16], 1, &[], 10)).unwrap();
        drop(log);
        assert!(read_all(&open(dir.path()).unwrap(), 5000).unwrap() == author.entries);
    }
}

#[test]
fn a_bad_last_frame_that_the_mark_knows_is_damage() {
    let dir = scratch();
    let author = written(dir.path(), 12);
    let (path, start, end) = last_frame(dir.path());
    let whole = std::fs::read(&path).unwrap();
    let size = author.head().size;
    for at in start..end {
        let mut bent = whole.clone();
        bent[at] ^= 0x10;
        std::fs::write(&path, &bent).unwrap();
        match Journal::open_read_only(dir.path()) {
            Err(LogError::Damaged { position, .. }) => assert!(position < size),
            Ok(journal) => {
                let entries: Vec<_> = journal.entries().collect::<Result<_, _>>().unwrap();
                let damaged = entries.iter().flat_map(|entry| &entry.parts);
                let damaged = damaged.filter(|part| matches!(part.bytes, crate::log::PartBytes::Damaged { .. }));
                assert_eq!(damaged.count(), 1, "byte {at}");
            }
            Err(other) => panic!("{other}"),
        }
    }
    let mut lost = whole.clone();
    lost[start..].fill(0);
    std::fs::write(&path, &lost).unwrap();
    let error = Journal::open_read_only(dir.path()).unwrap_err();
    assert!(matches!(error, LogError::Behind { marked, .. } if marked == size), "{error}");
    assert!(error.to_string().contains("lethe restore"), "{error}");
}

#[test]
fn a_bad_frame_before_a_good_one_is_damage_even_above_the_mark() {
    let dir = scratch();
    let (log, mut author) = (create(dir.path()), Author::new(3));
    author.fill(&log, 12);
    while last_frame(dir.path()).1 <= HEADER as usize {
        author.fill(&log, 1);
    }
    drop(log);
    let (path, _, _) = last_frame(dir.path());
    std::fs::remove_file(dir.path().join("head")).unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[HEADER as usize + 5] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let error = Journal::open_read_only(dir.path()).unwrap_err();
    let first = segment::first_in(path.file_name().unwrap().to_str().unwrap()).unwrap();
    assert!(matches!(error, LogError::Damaged { position, .. } if position == first), "{error}");
    assert!(first < author.head().size);
}

#[test]
fn a_swept_last_frame_below_the_mark_is_not_torn() {
    let dir = scratch();
    let (log, mut author) = (create(dir.path()), Author::new(4));
    log.append(&author.commit([1; 16], 1, &[KeyId([2; 16])], 60)).unwrap();
    let places = log.parts_of(&KeyId([2; 16])).unwrap();
    log.remove_parts(&places).unwrap();
    drop(log);
    author.sweep(places[0]);
    let log = open(dir.path()).unwrap();
    assert_eq!(log.opened().torn, None);
    assert_holds(&log, &author);
}
