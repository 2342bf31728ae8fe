//! sled may be lost at any time.

use super::*;
use crate::log::conformance::read_all;
use crate::log::page::{PageWriter, key_of};
use crate::log::sled::Store;

fn index(dir: &Path) -> PathBuf {
    dir.join("index")
}

/// The store that is in use.
fn newest(dir: &Path) -> PathBuf {
    let stores = std::fs::read_dir(index(dir)).unwrap().map(|store| store.unwrap().path());
    stores.max_by_key(|store| store.file_name().unwrap().to_str().unwrap().parse::<u64>().unwrap()).unwrap()
}

#[test]
fn a_clean_end_leaves_an_index_that_is_kept() {
    let dir = scratch();
    let author = written(dir.path(), 300);
    let log = open(dir.path()).unwrap();
    assert_eq!(log.opened().index_set_aside, None);
    assert_eq!((log.opened().caught_up, log.indexed()), (0, author.head().size));
    assert_holds(&log, &author);
}

#[test]
fn a_lost_index_is_made_again() {
    let dir = scratch();
    let author = written(dir.path(), 300);
    std::fs::remove_dir_all(index(dir.path())).unwrap();
    let told = std::sync::atomic::AtomicU64::new(0);
    let log = Embedded::open(dir.path(), small(), &|done, of| {
        assert_eq!(of, author.head().size);
        told.store(done, std::sync::atomic::Ordering::Relaxed);
    });
    let log = log.unwrap();
    assert!(log.opened().index_set_aside.is_some());
    assert_eq!(told.into_inner(), author.head().size);
    assert_holds(&log, &author);
}

#[test]
fn an_older_index_catches_up() {
    let (dir, older) = (scratch(), scratch());
    let mut author = written(dir.path(), 200);
    copy(&index(dir.path()), older.path());
    let size = author.head().size;
    let log = open(dir.path()).unwrap();
    author.fill(&log, 150);
    drop(log);
    std::fs::remove_dir_all(index(dir.path())).unwrap();
    copy(older.path(), &index(dir.path()));
    let log = open(dir.path()).unwrap();
    assert_eq!(log.opened().index_set_aside, None);
    assert_eq!(log.opened().caught_up, author.head().size - size);
    assert_holds(&log, &author);
}

#[test]
fn the_index_of_another_log_is_set_aside() {
    let (dir, other) = (scratch(), scratch());
    let author = written(dir.path(), 100);
    let mut stranger = Author::new(77);
    stranger.log = domain::id::LogId([1; 16]);
    let log = Embedded::create(other.path(), stranger.log, small()).unwrap();
    stranger.fill(&log, 100);
    drop(log);
    std::fs::remove_dir_all(index(dir.path())).unwrap();
    copy(&index(other.path()), &index(dir.path()));
    let log = open(dir.path()).unwrap();
    assert!(log.opened().index_set_aside.as_ref().unwrap().contains("damaged"));
    assert_holds(&log, &author);
}

#[test]
fn an_index_of_another_history_of_the_same_log_is_set_aside() {
    let (dir, other) = (scratch(), scratch());
    let author = written(dir.path(), 100);
    let log = create(other.path());
    Author::new(77).fill(&log, 60);
    drop(log);
    std::fs::remove_dir_all(index(dir.path())).unwrap();
    copy(&index(other.path()), &index(dir.path()));
    let log = open(dir.path()).unwrap();
    assert!(log.opened().index_set_aside.as_ref().unwrap().contains("not where it says"));
    assert_holds(&log, &author);
}

#[test]
fn a_file_that_a_kill_during_the_first_open_leaves_does_not_lock_the_log() {
    let dir = scratch();
    let author = written(dir.path(), 100);
    std::fs::write(newest(dir.path()).join("snap.00000000000000AB.generating"), [7; 40]).unwrap();
    assert_holds(&open(dir.path()).unwrap(), &author);
    std::fs::write(newest(dir.path()).join("conf"), b"garbage").unwrap();
    assert_holds(&open(dir.path()).unwrap(), &author);
    std::fs::remove_dir_all(index(dir.path())).unwrap();
    std::fs::write(index(dir.path()), b"a file where the directory should be").unwrap();
    assert_holds(&open(dir.path()).unwrap(), &author);
}

/// Somebody who knows the form writes rows with right checksums that lie.
fn lie(dir: &Path, bend: impl Fn(&mut crate::log::row::Row)) {
    let store = Store::open(&newest(dir)).unwrap();
    let (key, mut rows) = (key_of(LOG), Vec::new());
    store
        .scan(|_, page| {
            rows.extend(crate::log::page::read(page, &key).unwrap());
            true
        })
        .unwrap();
    let mut pages = PageWriter::new(key);
    for mut row in rows {
        bend(&mut row);
        if let Some((first, page)) = pages.push(row) {
            store.put(first, &page).unwrap();
        }
    }
    if let Some((first, page)) = pages.close() {
        store.put(first, &page).unwrap();
    }
    store.flush().unwrap();
}

#[test]
fn a_row_that_lies_about_its_place_is_found_by_its_read() {
    let dir = scratch();
    let author = written(dir.path(), 400);
    // Not the first of a page, which are compared at open.
    lie(dir.path(), |row| {
        if row.position == 21 {
            row.span.offset += 1;
        }
    });
    let log = open(dir.path()).unwrap();
    assert_eq!(log.opened().index_set_aside, None);
    assert_eq!(log.record(21).unwrap().as_ref(), Some(&author.entries[21]));
    assert_holds(&log, &author);
}

#[test]
fn a_row_that_lies_about_its_stream_is_found_by_the_first_whole_read() {
    let dir = scratch();
    let author = written(dir.path(), 400);
    let last = author.stream_of.iter().rposition(|stream| *stream == [3; 16]).unwrap();
    let other = author.stream(&[5; 16]).len();
    lie(dir.path(), |row| {
        if row.position == last as u64 {
            (row.stream, row.revision) = ([0xbb; 16], 0);
        }
    });
    let log = open(dir.path()).unwrap();
    assert!(log.stream_head(&[0xbb; 16]).is_some(), "it is believed so far");
    assert!(read_all(&log, 10_000).unwrap() == author.entries);
    assert_eq!(log.stream_head(&[0xbb; 16]), None);
    assert_eq!(log.read_stream(&[5; 16], 0, usize::MAX).unwrap().len(), other);
    assert_holds(&log, &author);
}

#[test]
fn an_index_given_up_while_it_serves_is_made_again_behind_the_reads() {
    let dir = scratch();
    let mut author = written(dir.path(), 300);
    let log = open(dir.path()).unwrap();
    for _ in 0..3 {
        log.distrust_index();
        assert_holds(&log, &author);
        author.fill(&log, 100);
        assert_holds(&log, &author);
    }
    while log.indexed() < author.head().size - 1024 {
        std::thread::sleep(Duration::from_millis(5));
    }
    drop(log);
    let log = open(dir.path()).unwrap();
    assert_eq!(log.opened().index_set_aside, None);
    assert_holds(&log, &author);
}
