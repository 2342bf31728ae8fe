//! The embedded engine, and what is done to its files.

mod flips;
mod index;
mod mark;
mod torn;

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::conformance::{Author, LOG, assert_holds, conform};
use super::engine::{Embedded, Options};
use super::journal::Journal;
use super::lock::Lock;
use super::segment::HEADER;
use super::{Log, LogError};
use domain::id::KeyId;

/// A directory in memory where there is one: the tests sync often, and none needs the disk.
pub fn scratch() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory).unwrap() } else { tempfile::tempdir().unwrap() }
}

/// Small segments, and a mark that is synced only when it must be.
pub fn small() -> Options {
    Options { segment_size: HEADER + 12_000, mark_every: Duration::from_secs(3600), ..Options::default() }
}

pub fn create(dir: &Path) -> Embedded {
    Embedded::create(dir, LOG, small()).unwrap()
}

pub fn open(dir: &Path) -> Result<Embedded, LogError> {
    Embedded::open(dir, small(), &|_, _| {})
}

/// A closed log of some commits over several segments.
pub fn written(dir: &Path, commits: u64) -> Author {
    let (log, mut author) = (create(dir), Author::new(3));
    author.fill(&log, commits);
    author
}

/// All files below a directory, sorted.
pub fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

/// A copy of a directory.
pub fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() { copy(&path, &target) } else { std::fs::copy(&path, &target).map(|_| ()).unwrap() }
    }
}

#[test]
fn the_embedded_engine_conforms() {
    let dir = scratch();
    let mut made = false;
    conform(&mut || {
        let log = if made { open(dir.path()).unwrap() } else { create(dir.path()) };
        made = true;
        Box::new(log)
    });
    assert!(files(&dir.path().join("journal")).len() > 5, "it went over several segments");
}

#[test]
fn a_frame_larger_than_a_segment_gets_one_of_its_own() {
    let dir = scratch();
    let (log, mut author) = (create(dir.path()), Author::new(5));
    for bytes in [30_000, 10, 10, 40_000, 50_000, 10] {
        log.append(&author.commit([1; 16], 1, &[KeyId([2; 16])], bytes)).unwrap();
    }
    assert_holds(&log, &author);
    drop(log);
    let log = open(dir.path()).unwrap();
    assert_holds(&log, &author);
    author.fill(&log, 20);
    assert_holds(&log, &author);
}

#[test]
fn a_segment_made_before_the_power_went_is_used_or_replaced() {
    for bytes in [10, 30_000] {
        let dir = scratch();
        let mut author = written(dir.path(), 10);
        let journal = dir.path().join("journal");
        let head = author.head();
        let header =
            super::segment::Header { log: LOG, first: head.size, previous: head.hash, size: small().segment_size };
        let file = super::segment::prepare(&journal.join("x"), header.size).unwrap();
        super::segment::Segment::begin(&journal, "x", file, header).unwrap();
        let log = open(dir.path()).unwrap();
        assert_holds(&log, &author);
        log.append(&author.commit([1; 16], 1, &[], bytes)).unwrap();
        author.fill(&log, 3);
        drop(log);
        assert_holds(&open(dir.path()).unwrap(), &author);
    }
}

#[test]
fn the_journal_reads_alone_and_nothing_changes() {
    let dir = scratch();
    let author = written(dir.path(), 60);
    let state =
        |dir: &Path| files(dir).into_iter().map(|path| (std::fs::read(&path).unwrap(), path)).collect::<Vec<_>>();
    let before = state(dir.path());
    let journal = Journal::open_read_only(dir.path()).unwrap();
    let entries: Vec<_> = journal.entries().collect::<Result<_, _>>().unwrap();
    assert!(entries == author.entries);
    assert_eq!(journal.head(), author.head());
    assert!(state(dir.path()) == before);
}

#[test]
fn files_are_for_their_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let dir = scratch();
    let data = dir.path().join("data");
    written(&data, 60);
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    for path in files(&data.join("journal")).into_iter().chain([data.join("head")]) {
        assert_eq!(mode(&path), 0o600, "{path:?}");
    }
    for path in [&data, &data.join("journal"), &data.join("index")] {
        assert_eq!(mode(path), 0o700, "{path:?}");
    }
}

#[test]
fn one_process_at_a_time() {
    let dir = scratch();
    assert!(Lock::take_read_only(dir.path()).unwrap().is_none());
    let lock = Lock::take(dir.path()).unwrap();
    assert!(matches!(Lock::take(dir.path()), Err(LogError::Locked)));
    assert!(matches!(Lock::take_read_only(dir.path()), Err(LogError::Locked)));
    drop(lock);
    assert!(Lock::take_read_only(dir.path()).unwrap().is_some());
}

#[test]
fn a_log_is_made_once_and_found_again_or_not() {
    let dir = scratch();
    assert!(matches!(open(dir.path()), Err(LogError::NotFound)));
    drop(create(dir.path()));
    assert!(matches!(Embedded::create(dir.path(), LOG, small()), Err(LogError::Exists)));
    std::fs::remove_file(dir.path().join("head")).unwrap();
    assert_eq!(
        open(dir.path()).unwrap().head().size,
        0,
        "a log without a record may have lost its mark while it was made"
    );
}

#[test]
fn after_a_failed_write_nothing_is_appended() {
    let dir = scratch();
    let (log, mut author) = (create(dir.path()), Author::new(5));
    author.fill(&log, 3);
    // The next segment cannot be made: its name is taken by a directory.
    std::fs::create_dir(dir.path().join("journal/large.prepared")).unwrap();
    let large = author.commit([1; 16], 1, &[], 40_000);
    assert!(matches!(log.append(&large), Err(LogError::Io { .. })));
    author.entries.pop();
    let mut small = Author::new(5);
    std::mem::swap(&mut small, &mut author);
    assert!(matches!(log.append(&author.commit([1; 16], 1, &[], 4)), Err(LogError::Stopped)));
    assert!(log.is_stopped());
    drop(log);
    std::fs::remove_dir(dir.path().join("journal/large.prepared")).unwrap();
    let log = open(dir.path()).unwrap();
    assert_eq!(log.head().size, small.entries.len() as u64);
}
