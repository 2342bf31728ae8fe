//! The index: rows in sled, the latest in memory, fed behind the sync by a thread of its own. Whatever happens to it, the
//! journal can make it again; so it never fails, it only has no answer.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;

use parking_lot::{Condvar, Mutex, MutexGuard};

use super::journal::Journal;
use super::maps::Maps;
use super::page::{self, PageKey, PageWriter};
use super::row::Row;
use super::segment::make_dir;
use super::sled::Store;
use super::walk::AHEAD;
use super::{LogError, Progress, name_of};
use crate::record::hash;

/// The name of its directory in the data directory.
pub const NAME: &str = "index";

/// How many rows make it worth while to wake the thread.
const BATCH: usize = 1024;
/// How many rows wait in memory at most. Those that fall off are read from the journal again when their turn comes.
const LIMIT: usize = 65_536;
/// How many frames are read ahead while the index is made again.
const AHEAD_FRAMES: usize = 16;
/// How often a store that fails is made anew before the index goes without one until the next start.
const PATIENCE: u32 = 3;

/// Rows by position.
pub struct Index {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    dir: PathBuf,
    key: PageKey,
    journal: Arc<Journal>,
    tail: Mutex<Tail>,
    wake: Condvar,
}

/// Rows below `stored` are in the store, those from `first` on in memory. Where `stored` is less than `first`, the thread
/// closes the gap from the journal.
#[derive(Default)]
struct Tail {
    first: u64,
    rows: VecDeque<Row>,
    stored: u64,
    store: Option<Arc<Store>>,
    failures: u32,
    stop: bool,
}

/// What opening came to.
pub struct Loaded {
    /// The index.
    pub index: Index,
    /// The maps of the same rows.
    pub maps: Maps,
    /// How many rows were taken from sled.
    pub kept: u64,
    /// Why what was there was set aside, if it was.
    pub set_aside: Option<String>,
}

impl Index {
    /// Opens the index of a journal and catches up with it. What cannot be used is set aside and made again from the
    /// journal; an error is the journal's.
    pub fn open(
        journal: &Arc<Journal>,
        data: &Path,
        window_ms: i64,
        progress: &Progress<'_>,
    ) -> Result<Loaded, LogError> {
        let (dir, key) = (data.join(NAME), page::key_of(journal.log()));
        let (store, mut maps, set_aside) = match load(&dir, &key, journal, window_ms) {
            Ok((store, maps)) => (Some(store), maps, None),
            Err(why) => (fresh_store(&dir), Maps::new(window_ms), Some(why)),
        };
        let set_aside = set_aside.filter(|_| journal.head().size > 0);
        let kept = maps.next();
        if let Some(why) = &set_aside {
            tracing::warn!(%why, "the index was set aside and is made again from the journal");
        }
        let tail = Tail { store: store.map(Arc::new), stored: kept, first: kept, ..Tail::default() };
        let shared = Shared { dir, key, journal: Arc::clone(journal), tail: Mutex::new(tail), wake: Condvar::new() };
        shared.catch_up(&mut maps, progress)?;
        let shared = Arc::new(shared);
        let runner = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("index".to_owned()).spawn(move || runner.run());
        let thread = Some(thread.map_err(LogError::io("start a thread for", Path::new(NAME)))?);
        Ok(Loaded { index: Self { shared, thread }, maps, kept, set_aside })
    }

    /// Takes rows that have just become durable. Never waits for sled.
    pub fn push(&self, rows: impl IntoIterator<Item = Row>) {
        let mut tail = self.shared.tail.lock();
        let before = tail.rows.len() / BATCH;
        rows.into_iter().for_each(|row| tail.push(row));
        if tail.rows.len() / BATCH != before {
            self.shared.wake.notify_one();
        }
    }

    /// The row of a position, if the index has it just now. A row is a claim: who reads by it checks what it finds.
    pub fn row(&self, position: u64) -> Option<Row> {
        self.rows(&[position]).pop().flatten()
    }

    /// The rows of these positions. Neighbours share the reading of a page, so they should be in order.
    pub fn rows(&self, positions: &[u64]) -> Vec<Option<Row>> {
        let mut held: Option<(u64, Vec<Row>)> = None;
        let found = positions.iter().map(|position| {
            if let Some((first, rows)) = &held
                && let Some(row) = position.checked_sub(*first).and_then(|at| rows.get(usize::try_from(at).ok()?))
            {
                return Some(row.clone());
            }
            match self.shared.look(*position, positions.len() > 1) {
                Found::Row(row) => Some(row),
                Found::Page(first, rows) => {
                    let at = usize::try_from(position.checked_sub(first)?).ok()?;
                    let row = rows.get(at).cloned();
                    held = Some((first, rows));
                    row
                }
                Found::Nothing => None,
            }
        });
        found.collect()
    }

    /// How many rows are in sled.
    pub fn stored(&self) -> u64 {
        self.shared.tail.lock().stored
    }

    /// Gives the store up because of what it said; the thread makes it again.
    pub fn distrust(&self, why: &str) {
        let mut tail = self.shared.tail.lock();
        self.shared.give_up(&mut tail, why);
    }
}

impl Drop for Index {
    fn drop(&mut self) {
        self.shared.tail.lock().stop = true;
        self.shared.wake.notify_all();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

enum Found {
    Row(Row),
    Page(u64, Vec<Row>),
    Nothing,
}

impl Shared {
    fn look(&self, position: u64, whole: bool) -> Found {
        let (store, stored) = {
            let tail = self.tail.lock();
            if let Some(row) = tail.row(position) {
                return Found::Row(row.clone());
            }
            (tail.store.clone(), tail.stored)
        };
        let Some(store) = store.filter(|_| position < stored) else { return Found::Nothing };
        let found = match store.page(position) {
            Ok(Some(bytes)) if whole => match page::read(&bytes, &self.key) {
                Ok(rows) => {
                    let first = rows.first().map_or(0, |row| row.position);
                    let holds = position.checked_sub(first).is_some_and(|at| at < rows.len() as u64);
                    if holds { Ok(Found::Page(first, rows)) } else { Err("a page is missing".to_owned()) }
                }
                Err(bad) => Err(format!("a page is damaged: {bad}")),
            },
            Ok(Some(bytes)) => match page::find(&bytes, position) {
                Ok(Some(row)) => Ok(Found::Row(row)),
                Ok(None) => Err("a page is missing".to_owned()),
                Err(bad) => Err(format!("a page is damaged: {bad}")),
            },
            Ok(None) => Err("a page is missing".to_owned()),
            Err(error) => Err(error.to_string()),
        };
        found.unwrap_or_else(|why| {
            self.fail(&store, &why);
            Found::Nothing
        })
    }

    fn fail(&self, store: &Arc<Store>, why: &str) {
        let mut tail = self.tail.lock();
        if tail.store.as_ref().is_some_and(|current| Arc::ptr_eq(current, store)) {
            self.give_up(&mut tail, why);
        }
    }

    fn give_up(&self, tail: &mut Tail, why: &str) {
        if tail.store.take().is_some() {
            tracing::warn!(why, "the index is set aside and made again from the journal");
            tail.stored = 0;
            tail.failures += 1;
            self.wake.notify_one();
        }
    }

    /// Reads what the journal has beyond the maps: at open.
    fn catch_up(&self, maps: &mut Maps, progress: &Progress<'_>) -> Result<(), LogError> {
        let (from, size) = (maps.next(), self.journal.head().size);
        let mut pages = PageWriter::new(self.key);
        let mut tail = self.tail.lock();
        let mut take = |row: Row| {
            maps.take(&row).map_err(|gap| LogError::damaged(row.position, super::journal::NAME, gap.to_string()))?;
            if row.position.is_multiple_of(65_536) {
                progress(row.position, size);
            }
            tail.push(row.clone());
            if let (Some((first, page)), Some(store)) = (pages.push(row), tail.store.clone()) {
                match store.put(first, &page) {
                    Ok(()) => tail.settle(pages.first()),
                    Err(error) => self.give_up(&mut tail, &error.to_string()),
                }
            }
            Ok(())
        };
        // One thread reads and hashes, this one takes what it read.
        std::thread::scope(|scope| {
            let (send, read) = std::sync::mpsc::sync_channel(AHEAD_FRAMES);
            let walk = scope.spawn(move || each_frame(&self.journal, from, size, |rows| Ok(send.send(rows).is_ok())));
            read.into_iter().flatten().try_for_each(&mut take)?;
            walk.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)).map(|_| ())
        })?;
        progress(size, size);
        Ok(())
    }

    /// The thread: feeds the store until it is told to stop, and makes it anew when it fails.
    fn run(&self) {
        loop {
            let mut tail = self.tail.lock();
            while !tail.stop && !tail.has_work() {
                self.wake.wait(&mut tail);
            }
            let Some(store) = tail.store.clone() else {
                if tail.stop {
                    return;
                }
                tail.store = fresh_store(&self.dir).map(Arc::new);
                tail.failures += u32::from(tail.store.is_none());
                continue;
            };
            let stop = tail.stop;
            if let Err(why) = self.step(tail, &store, stop) {
                self.fail(&store, &why);
            }
            if stop {
                return;
            }
        }
    }

    fn step(&self, tail: MutexGuard<'_, Tail>, store: &Store, stop: bool) -> Result<(), String> {
        if tail.stored < tail.first {
            let (from, to) = (tail.stored, tail.first);
            drop(tail);
            return if stop { Ok(()) } else { self.refill(store, from, to) };
        }
        let rows: Vec<Row> = tail.rows.iter().take(4 * BATCH).cloned().collect();
        let end = tail.first + rows.len() as u64;
        drop(tail);
        let mut pages = PageWriter::new(self.key);
        for row in rows {
            if let Some((first, page)) = pages.push(row) {
                store.put(first, &page).map_err(|error| error.to_string())?;
            }
        }
        let stored = if stop {
            if let Some((first, page)) = pages.close() {
                store.put(first, &page).map_err(|error| error.to_string())?;
            }
            end
        } else {
            pages.first()
        };
        store.flush().map_err(|error| error.to_string())?;
        self.tail.lock().settle(stored);
        Ok(())
    }

    /// Reads rows from the journal again that are neither in the store nor in memory.
    fn refill(&self, store: &Store, from: u64, to: u64) -> Result<(), String> {
        let mut pages = PageWriter::new(self.key);
        let mut failed = None;
        let walked = each_row(&self.journal, from, to, |row| {
            if let Some((first, page)) = pages.push(row) {
                failed = store.put(first, &page).err();
                let mut tail = self.tail.lock();
                if failed.is_some() || tail.stop {
                    return Ok(false);
                }
                tail.settle(pages.first());
            }
            Ok(true)
        });
        if let Some(error) = failed {
            return Err(error.to_string());
        }
        match walked {
            Ok(true) => {
                if let Some((first, page)) = pages.close() {
                    store.put(first, &page).map_err(|error| error.to_string())?;
                }
                self.tail.lock().settle(to);
                Ok(())
            }
            Ok(false) => Ok(()),
            Err(error) => {
                tracing::error!(%error, "the journal cannot be read for the index");
                self.tail.lock().failures = PATIENCE + 1;
                Err(error.to_string())
            }
        }
    }
}

impl Tail {
    fn push(&mut self, row: Row) {
        self.rows.push_back(row);
        if self.rows.len() > LIMIT && self.rows.pop_front().is_some() {
            self.first += 1;
        }
    }

    fn row(&self, position: u64) -> Option<&Row> {
        self.rows.get(usize::try_from(position.checked_sub(self.first)?).ok()?)
    }

    fn settle(&mut self, stored: u64) {
        self.stored = stored;
        while self.first < stored && self.rows.pop_front().is_some() {
            self.first += 1;
        }
    }

    fn has_work(&self) -> bool {
        let usable = self.store.is_some();
        let missing = !usable && self.failures <= PATIENCE;
        missing || usable && (self.stored < self.first || self.rows.len() >= BATCH)
    }
}

/// Opens the store that is there and scans it: every row must be the next one, and some are compared with the journal.
fn load(dir: &Path, key: &PageKey, journal: &Journal, window_ms: i64) -> Result<(Store, Maps), String> {
    let newest = generations(dir).pop().ok_or("there is none")?;
    let store = Store::open(&dir.join(newest.to_string())).map_err(|error| error.to_string())?;
    let (mut maps, mut samples, mut wrong) = (Maps::new(window_ms), Samples::default(), None);
    let scanned = store.scan(|first, bytes| {
        let mut gap = None;
        let read = page::read_each(bytes, key, |row| {
            gap = maps.take(row).err();
            samples.last = Some(row.clone());
            gap.is_none()
        });
        let after = maps.next();
        wrong = match (read, gap) {
            (Err(bad), _) => Some(format!("a page is damaged: {bad}")),
            (_, Some(gap)) => Some(gap.to_string()),
            _ if first >= after => Some("a page has another key than its first record".to_owned()),
            _ => None,
        };
        samples.keep_some();
        wrong.is_none()
    });
    scanned.map_err(|error| error.to_string())?;
    if let Some(wrong) = wrong {
        return Err(wrong);
    }
    if maps.next() > journal.head().size {
        return Err("it knows more records than the journal has".to_owned());
    }
    samples.compare(journal)?;
    Ok((store, maps))
}

/// Some rows of a scan, evenly spread, and the last.
#[derive(Default)]
struct Samples {
    last: Option<Row>,
    rows: Vec<Row>,
    stride: usize,
    seen: usize,
}

impl Samples {
    fn keep_some(&mut self) {
        self.stride = self.stride.max(1);
        if self.seen.is_multiple_of(self.stride) {
            self.rows.extend(self.last.clone());
        }
        self.seen += 1;
        if self.rows.len() >= 128 {
            let mut number = 0;
            self.rows.retain(|_| {
                number += 1;
                number % 2 == 1
            });
            self.stride *= 2;
        }
    }

    fn compare(&self, journal: &Journal) -> Result<(), String> {
        for row in self.rows.iter().chain(&self.last) {
            let mut bytes = vec![0; row.span.length as usize];
            let offset = u64::from(row.frame) + u64::from(row.span.offset);
            let read = journal.segment(row.segment).map(|segment| segment.read_at(&mut bytes, offset));
            if !matches!(read, Some(Ok(()))) || hash(&bytes) != row.hash {
                return Err(format!("record {} is not where it says", row.position));
            }
        }
        Ok(())
    }
}

/// The stores that are there, oldest first. Each try gets a directory of its own, so a store that was given up can never
/// write into the one that followed it.
fn generations(dir: &Path) -> Vec<u64> {
    let listed = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let mut numbers: Vec<u64> = listed.filter_map(|file| name_of(&file.path()).parse().ok()).collect();
    numbers.sort_unstable();
    numbers
}

/// Sets aside what is there and makes an empty store; `None` when even that fails.
fn fresh_store(dir: &Path) -> Option<Store> {
    if dir.is_file()
        && let Err(error) = std::fs::remove_file(dir)
    {
        tracing::warn!(%error, "a file is where the index should be");
    }
    let made = make_dir(dir);
    let old = generations(dir);
    for number in &old {
        if let Err(error) = std::fs::remove_dir_all(dir.join(number.to_string())) {
            tracing::warn!(%error, "an index that was set aside cannot be removed");
        }
    }
    let path = dir.join((old.last().map_or(0, |newest| newest + 1)).to_string());
    let opened = made.map_err(|error| error.to_string()).and_then(|()| {
        make_dir(&path).map_err(|error| error.to_string())?;
        Store::open(&path).map_err(|error| error.to_string())
    });
    opened.inspect_err(|error| tracing::error!(%error, "no index can be made; reads go through the journal")).ok()
}

/// Calls with the row of every record in a range, from the journal, until `take` says that it is enough.
pub(super) fn each_row(
    journal: &Journal,
    from: u64,
    to: u64,
    mut take: impl FnMut(Row) -> Result<bool, LogError>,
) -> Result<bool, LogError> {
    each_frame(journal, from, to, |rows| {
        for row in rows {
            if !take(row)? {
                return Ok(false);
            }
        }
        Ok(true)
    })
}

/// [`each_row`], by the rows of a frame.
fn each_frame(
    journal: &Journal,
    from: u64,
    to: u64,
    mut take: impl FnMut(Vec<Row>) -> Result<bool, LogError>,
) -> Result<bool, LogError> {
    let Some(mut walk) = journal.walk(from, AHEAD).filter(|_| from < to) else { return Ok(true) };
    while let Some(frame) = walk.next_frame()? {
        let spans = frame.layout.records.iter().enumerate();
        let rows = spans.filter(|(number, _)| (from..to).contains(&(frame.layout.first + *number as u64)));
        let rows = rows.map(|(number, span)| {
            let bytes = span.of(frame.bytes).unwrap_or(&[]);
            Row::of(&frame.layout, number, frame.place, bytes, hash(bytes))
        });
        let rows = rows.collect::<Result<Vec<_>, _>>()?;
        let last = frame.layout.end() >= to;
        if !rows.is_empty() && !take(rows)? {
            return Ok(false);
        }
        if last {
            return Ok(true);
        }
    }
    Ok(true)
}
