//! The embedded engine: journal, head mark, maps and index of one log, together behind the [`Log`] contract.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use domain::id::{CommandId, KeyId, LogId};
use parking_lot::{Mutex, RwLock};

use super::frame::Layout;
use super::headmark::{HeadMark, Mark};
use super::index::{Index, Loaded, each_row};
use super::journal::{self, Journal, entry};
use super::keeper::Keeper;
use super::maps::{FULL, Maps};
use super::recover::Torn;
use super::row::{FramePlace, Row};
use super::segment::make_dir;
use super::walk::{AHEAD, FrameAt, Walk};
use super::writer::Writer;
use super::{
    CommandPlace, Commit, Counts, Entry, Head, Log, LogError, Part, PartBytes, PartPlace, Progress, StreamHead,
};
use crate::ids::IdMap;
use crate::record::{Hash, Record, hash};

/// How an embedded log is kept.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// The size of segment files, in bytes.
    pub segment_size: u64,
    /// For how long a command id is remembered, in milliseconds of `recorded_at` before the head.
    pub window_ms: i64,
    /// How often the head mark is synced.
    pub mark_every: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self { segment_size: 32 << 20, window_ms: 7 * 86_400_000, mark_every: Duration::from_secs(1) }
    }
}

/// What opening found, for the program log.
#[derive(Clone, Debug, Default)]
pub struct Opened {
    /// A frame that was being written when the process or the power went; it is cut.
    pub torn: Option<Torn>,
    /// Why the index was made again from the journal, if it was.
    pub index_set_aside: Option<String>,
    /// How many records the index did not know and were read from the journal.
    pub caught_up: u64,
}

/// One log in one directory. The caller holds the directory's [`super::lock::Lock`] for as long as it lives.
pub struct Embedded {
    journal: Arc<Journal>,
    writer: Mutex<Writer>,
    maps: RwLock<Maps>,
    index: Index,
    mark: Arc<Mutex<HeadMark>>,
    keeper: Keeper,
    stopped: Arc<AtomicBool>,
    resume: Mutex<Option<(u64, Walk)>>,
    sweeps: AtomicU64,
    confirmed: Mutex<Confirmed>,
    window_ms: i64,
    opened: Opened,
}

/// How far a first read from the beginning has compared the index with the journal.
struct Confirmed {
    next: u64,
    until: u64,
}

impl Embedded {
    /// Makes an empty log: it is durable when this returns. [`LogError::Exists`] where there is one with records.
    pub fn create(data: &Path, log: LogId, options: Options) -> Result<Self, LogError> {
        make_dir(data)?;
        match Self::look(data) {
            Err(LogError::NotFound) => {}
            Ok(_) => return Err(LogError::Exists),
            Err(other) => return Err(other),
        }
        let dir = data.join(journal::NAME);
        make_dir(&dir)?;
        let (journal, writer) = Writer::create(&dir, log, options.segment_size)?;
        let mark = HeadMark::create(data, log)?;
        Self::start(data, journal, writer, mark, options, &|_, _| {})
    }

    /// Opens a log: finds its end, cuts a torn frame, compares it with the head mark, catches up the index. Everything that
    /// is served afterwards is durable.
    pub fn open(data: &Path, options: Options, progress: &Progress<'_>) -> Result<Self, LogError> {
        let mark = Self::look(data)?;
        let (journal, end) = Journal::open(data, mark.as_ref(), true)?;
        let mark = match mark {
            Some(_) => HeadMark::open(data)?,
            None => HeadMark::create(data, journal.log())?,
        };
        let journal = Arc::new(journal);
        let writer = Writer::open(Arc::clone(&journal), &end, options.segment_size)?;
        Self::start(data, journal, writer, mark, options, progress)
    }

    /// The mark, where there must be one: a log without a record may have lost it while it was made.
    fn look(data: &Path) -> Result<Option<Mark>, LogError> {
        let missing = match HeadMark::look(data) {
            Ok(Some(mark)) => {
                return match Journal::open(data, Some(&mark), false) {
                    Err(LogError::NotFound) => Err(LogError::NotFound),
                    _ => Ok(Some(mark)),
                };
            }
            Ok(None) => LogError::NoMark("missing"),
            Err(other) => other,
        };
        let (journal, _) = Journal::open(data, None, false)?;
        if journal.head().size == 0 { Ok(None) } else { Err(missing) }
    }

    fn start(
        data: &Path,
        journal: Arc<Journal>,
        writer: Writer,
        mark: HeadMark,
        options: Options,
        progress: &Progress<'_>,
    ) -> Result<Self, LogError> {
        let mut mark = mark;
        if mark.mark().head != journal.head() {
            mark.remember(journal.head())?;
        }
        let stopped = Arc::new(AtomicBool::new(false));
        let mark = Arc::new(Mutex::new(mark));
        let keeper = Keeper::start(Arc::clone(&mark), options.mark_every, Arc::clone(&stopped))?;
        keeper.sync()?;
        let Loaded { index, maps, kept, set_aside } = Index::open(&journal, data, options.window_ms, progress)?;
        let opened = Opened { torn: journal.torn(), index_set_aside: set_aside, caught_up: journal.head().size - kept };
        Ok(Self {
            confirmed: Mutex::new(Confirmed { next: 0, until: kept }),
            journal,
            writer: Mutex::new(writer),
            maps: RwLock::new(maps),
            index,
            mark,
            keeper,
            stopped,
            resume: Mutex::new(None),
            sweeps: AtomicU64::new(0),
            window_ms: options.window_ms,
            opened,
        })
    }

    /// Which log: the last of its generations.
    pub fn log(&self) -> LogId {
        self.journal.log()
    }

    /// What opening found.
    pub fn opened(&self) -> &Opened {
        &self.opened
    }

    /// The journal: for audit copies and backups. It can be read while the log is written.
    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    /// How many records are in sled; those behind them are served from memory.
    pub fn indexed(&self) -> u64 {
        self.index.stored()
    }

    #[cfg(test)]
    pub(super) fn distrust_index(&self) {
        self.index.distrust("a test says so");
    }

    /// What the head mark remembers.
    pub fn mark(&self) -> Mark {
        *self.mark.lock().mark()
    }

    /// Makes the head mark durable now.
    pub fn sync_mark(&self) -> Result<(), LogError> {
        self.stopping(self.keeper.sync())
    }

    /// Remembers a checkpoint that is about to be signed; durable when this returns.
    pub fn mark_checkpoint(&self, size: u64, hash: Hash) -> Result<(), LogError> {
        let remembered = self.mark.lock().remember_checkpoint(size, hash);
        self.stopping(remembered.and_then(|()| self.keeper.sync()))
    }

    /// Whether a write has failed, so that the process should end.
    pub fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Acquire)
    }

    fn stopping<T>(&self, done: Result<T, LogError>) -> Result<T, LogError> {
        if done.is_err() {
            self.stopped.store(true, Ordering::Release);
        }
        done
    }

    /// The promises of the caller, asserted once more before anything is written.
    fn check(&self, head: &Head, commit: &Commit) -> Result<Vec<Row>, LogError> {
        let (log, maps, mut streams) = (self.journal.log(), self.maps.read(), IdMap::default());
        let (mut previous, mut position, mut at) = (head.hash, head.size, head.recorded_at);
        let mut rows: Vec<Row> = Vec::with_capacity(commit.entries.len());
        for Entry { record: bytes, hash: known, parts } in &commit.entries {
            let record = Record::parse(bytes).map_err(|source| LogError::Malformed { position, source })?;
            let no = |what: &'static str| LogError::NotNext { position, what };
            debug_assert_eq!(*known, hash(bytes), "the hash of record {position}");
            let next = streams
                .entry(record.stream.id)
                .or_insert_with(|| maps.stream_head(&record.stream.id).map_or(0, |head| head.revision + 1));
            let follows = match rows.last().filter(|row| row.index + 1 < row.count) {
                Some(row) => (row.command, row.index + 1, row.count) == (record.command, record.index, record.count),
                None => record.index == 0,
            };
            if position >= FULL {
                return Err(LogError::Full(position));
            }
            if record.log != log {
                return Err(no("it is of another log"));
            }
            if record.position != position || record.previous != previous {
                return Err(no("it is not the next of the chain"));
            }
            if record.recorded_at < at {
                return Err(no("it is older than the one before it"));
            }
            if record.revision != *next {
                return Err(no("it is not the next of its stream"));
            }
            if !follows {
                return Err(no("it breaks into another command"));
            }
            if !parts.iter().map(|part| part.key).eq(record.personal.iter().map(|part| part.key)) {
                return Err(no("its parts are not those that it names"));
            }
            (*next, previous, position, at) = (*next + 1, *known, position + 1, record.recorded_at);
            rows.push(Row::unplaced(&record, *known));
        }
        match rows.last() {
            Some(row) if row.index + 1 == row.count => Ok(rows),
            Some(row) => Err(LogError::NotNext { position: row.position, what: "its command is not complete" }),
            None => Err(LogError::NotNext { position: head.size, what: "there is no record in the commit" }),
        }
    }

    fn write(&self, writer: &mut Writer, head: &Head, commit: &Commit) -> Result<(FramePlace, Layout), LogError> {
        match writer.append(head, commit) {
            Err(refused @ LogError::NotNext { .. }) => Err(refused),
            done => self.stopping(done),
        }
    }

    /// Reads by a row and checks what is there against it; `None` when they do not fit.
    fn read_by(&self, row: &Row) -> Result<Option<Entry>, LogError> {
        let Some(segment) = self.journal.segment(row.segment) else { return Ok(None) };
        let read = |span: &super::frame::Span| {
            let start = u64::from(row.frame) + u64::from(span.offset);
            if start + u64::from(span.length) > segment.header.size {
                return Ok(None);
            }
            let mut bytes = vec![0; span.length as usize];
            segment.read_at(&mut bytes, start).map(|()| Some(bytes))
        };
        let Some(record) = read(&row.span)?.filter(|bytes| hash(bytes) == row.hash) else { return Ok(None) };
        let parsed = Record::parse(&record).ok().filter(|parsed| parsed.position == row.position);
        let names =
            parsed.map(|parsed| parsed.personal.iter().map(|part| part.key).eq(row.parts.iter().map(|p| p.key)));
        if names != Some(true) {
            return Ok(None);
        }
        let mut parts = Vec::with_capacity(row.parts.len());
        for part in &row.parts {
            let Some(bytes) = read(&part.span)? else { return Ok(None) };
            let bytes = segment.sums.judge(bytes, &part.sum);
            if let PartBytes::Damaged { .. } = bytes {
                return Ok(None);
            }
            parts.push(Part { key: part.key, bytes });
        }
        Ok(Some(Entry { record, hash: row.hash, parts }))
    }

    fn entry_of(&self, position: u64, row: Option<Row>) -> Result<Option<Entry>, LogError> {
        if let Some(row) = &row
            && let Some(entry) = self.read_by(row)?
        {
            return Ok(Some(entry));
        }
        let Some((truth, entry)) = self.journal.find(position)? else { return Ok(None) };
        if row.is_some_and(|row| row != truth) {
            self.index.distrust("a row does not fit the journal");
        }
        Ok(Some(entry))
    }

    /// The rows of these positions; those that the index does not have come from the journal.
    fn rows(&self, positions: &[u64]) -> Result<Vec<Row>, LogError> {
        let rows = positions.iter().zip(self.index.rows(positions));
        let rows = rows.map(|(position, row)| match row {
            Some(row) => Ok(row),
            None => match self.journal.find(*position)? {
                Some((row, _)) => Ok(row),
                None => Err(LogError::damaged(*position, journal::NAME, "the record is missing")),
            },
        });
        rows.collect()
    }

    /// A walk whose first frame holds a position: where the last read ended, or by the index, or through the segment.
    fn walk_at(&self, from: u64, ahead: usize) -> Result<Option<Walk>, LogError> {
        let sweeps = self.sweeps.load(Ordering::Acquire);
        let resume = self.resume.lock().take_if(|(swept, walk)| *swept == sweeps && walk.next_position() == from);
        if let Some((_, mut walk)) = resume {
            let size = self.journal.head().size;
            walk.until(size, self.journal.segments());
            return Ok(Some(walk));
        }
        if let Some(row) = self.index.row(from) {
            if let Some(layout) = self.journal.frame_at(row.place(), from)? {
                return Ok(self.journal.walk_from(row.place(), &layout, ahead));
            }
            if self.journal.find_frame(from)?.is_some() {
                self.index.distrust("a row does not fit the journal");
            }
        }
        Ok(self.journal.walk(from, AHEAD))
    }

    /// The first read from the beginning to the end (the one that verifies at boot) compares every row of the index with
    /// the journal as it goes.
    fn confirm(&self, frame: &FrameAt<'_>, entries: &[Entry], first: u64) -> Result<(), LogError> {
        let mut confirmed = self.confirmed.lock();
        if confirmed.next != first || first >= confirmed.until {
            return Ok(());
        }
        let positions: Vec<u64> = (first..).take(entries.len()).collect();
        let known = self.index.rows(&positions);
        for ((position, entry), row) in positions.iter().zip(entries).zip(known) {
            let number = usize::try_from(position - frame.layout.first).unwrap_or(usize::MAX);
            let truth = Row::of(&frame.layout, number, frame.place, &entry.record, entry.hash)?;
            if *position < confirmed.until && row.is_some_and(|row| row != truth) {
                confirmed.next = u64::MAX;
                drop(confirmed);
                self.index.distrust("it does not agree with the journal");
                return self.remake_maps();
            }
        }
        confirmed.next = first + entries.len() as u64;
        Ok(())
    }

    /// The maps came from an index that was wrong. Appends wait until the journal was read.
    fn remake_maps(&self) -> Result<(), LogError> {
        let _writer = self.writer.lock();
        let mut maps = Maps::new(self.window_ms);
        each_row(&self.journal, 0, self.journal.head().size, |row| {
            let taken = maps.take(&row);
            taken.map_err(|gap| LogError::damaged(row.position, journal::NAME, gap.to_string()))?;
            Ok(true)
        })?;
        *self.maps.write() = maps;
        Ok(())
    }

    fn sweep(&self, places: &[PartPlace]) -> Result<(), LogError> {
        let mut held: Option<(FramePlace, Layout)> = None;
        let mut touched: Vec<Arc<super::segment::Segment>> = Vec::new();
        for at in places {
            let (place, layout) =
                match held.take().filter(|(_, layout)| layout.first <= at.position && at.position < layout.end()) {
                    Some(held) => held,
                    None => self.frame_of(at.position)?,
                };
            let missing = || LogError::NoPart { position: at.position, part: at.part };
            let number = usize::try_from(at.position - layout.first).map_err(|_| missing())?;
            let part = layout.parts_of(number).get(usize::from(at.part)).ok_or_else(missing)?;
            let segment = self.journal.segment(place.segment).ok_or_else(missing)?;
            let zeros = vec![0; part.span.length as usize];
            self.stopping(segment.write_at(&zeros, u64::from(place.offset) + u64::from(part.span.offset)))?;
            if touched.last().is_none_or(|last| last.header.first != segment.header.first) {
                touched.push(segment);
            }
            held = Some((place, layout));
        }
        touched.iter().try_for_each(|segment| self.stopping(segment.sync()))
    }

    /// The frame of a record, as the journal itself says: what is overwritten must be the right bytes.
    fn frame_of(&self, position: u64) -> Result<(FramePlace, Layout), LogError> {
        if let Some(row) = self.index.row(position)
            && let Some(layout) = self.journal.frame_at(row.place(), position)?
        {
            return Ok((row.place(), layout));
        }
        self.journal.find_frame(position)?.ok_or(LogError::NoPart { position, part: 0 })
    }
}

impl Log for Embedded {
    fn append(&self, commit: &Commit) -> Result<Head, LogError> {
        let mut writer = self.writer.lock();
        if self.is_stopped() {
            return Err(LogError::Stopped);
        }
        let head = self.journal.head();
        let mut rows = self.check(&head, commit)?;
        let (place, layout) = self.write(&mut writer, &head, commit)?;
        rows.iter_mut().enumerate().for_each(|(number, row)| row.put(&layout, number, place));
        let head = rows.last().map_or(head, |row| Head {
            size: row.position + 1,
            hash: row.hash,
            recorded_at: row.recorded_at,
        });
        self.stopping(self.mark.lock().remember(head))?;
        let mut maps = self.maps.write();
        for row in &rows {
            let taken = maps.take(row);
            self.stopping(
                taken.map_err(|_| LogError::NotNext { position: row.position, what: "the maps lost count" }),
            )?;
        }
        // Whoever finds a position in the maps must find its record too, so they open only when index and head have it.
        self.index.push(rows);
        self.journal.raise(head);
        drop(maps);
        Ok(head)
    }

    fn head(&self) -> Head {
        self.journal.head()
    }

    fn read(&self, from: u64, max_bytes: usize) -> Result<Vec<Entry>, LogError> {
        let (mut entries, mut bytes) = (Vec::new(), 0);
        if from >= self.head().size {
            return Ok(entries);
        }
        let sweeps = self.sweeps.load(Ordering::Acquire);
        let Some(mut walk) = self.walk_at(from, max_bytes.clamp(64 << 10, AHEAD))? else { return Ok(entries) };
        while bytes < max_bytes.max(1)
            && let Some(frame) = walk.next_frame()?
        {
            let start = entries.len();
            for number in 0..frame.layout.records.len() {
                if frame.layout.first + (number as u64) < from {
                    continue;
                }
                let entry = entry(&frame, number)?;
                let size = size_of(&entry);
                if bytes > 0 && bytes + size > max_bytes {
                    self.confirm(&frame, entries.get(start..).unwrap_or(&[]), from + start as u64)?;
                    return Ok(entries);
                }
                bytes += size;
                entries.push(entry);
            }
            self.confirm(&frame, entries.get(start..).unwrap_or(&[]), from + start as u64)?;
        }
        *self.resume.lock() = Some((sweeps, walk));
        Ok(entries)
    }

    fn read_stream(&self, stream: &[u8; 16], from: u64, max_bytes: usize) -> Result<Vec<Entry>, LogError> {
        let positions = self.maps.read().stream(stream, from);
        let (mut entries, mut bytes) = (Vec::new(), 0);
        for positions in positions.chunks(64) {
            for (position, row) in positions.iter().zip(self.index.rows(positions)) {
                let entry = self.entry_of(*position, row)?;
                let entry =
                    entry.ok_or_else(|| LogError::damaged(*position, journal::NAME, "the record is missing"))?;
                let size = size_of(&entry);
                if bytes > 0 && bytes + size > max_bytes {
                    return Ok(entries);
                }
                bytes += size;
                entries.push(entry);
            }
        }
        Ok(entries)
    }

    fn record(&self, position: u64) -> Result<Option<Entry>, LogError> {
        if position >= self.head().size {
            return Ok(None);
        }
        self.entry_of(position, self.index.row(position))
    }

    fn stream_head(&self, stream: &[u8; 16]) -> Option<StreamHead> {
        self.maps.read().stream_head(stream)
    }

    fn command(&self, command: &CommandId) -> Option<CommandPlace> {
        self.maps.read().command(command)
    }

    fn parts_of(&self, key: &KeyId) -> Result<Vec<PartPlace>, LogError> {
        let positions = self.maps.read().key(key);
        let rows = self.rows(&positions)?;
        let parts = rows.iter().flat_map(|row| {
            let parts = row.parts.iter().zip(0..).filter(|(part, _)| part.key == *key);
            parts.map(|(_, part)| PartPlace { position: row.position, part })
        });
        Ok(parts.collect())
    }

    fn last_part_of(&self, key: &KeyId) -> Option<u64> {
        self.maps.read().last_of_key(key)
    }

    fn streams_of(&self, keys: &[KeyId]) -> Result<Vec<[u8; 16]>, LogError> {
        let mut positions: Vec<u64> = {
            let maps = self.maps.read();
            keys.iter().flat_map(|key| maps.key(key)).collect()
        };
        positions.sort_unstable();
        positions.dedup();
        let mut streams: Vec<_> = self.rows(&positions)?.iter().map(|row| row.stream).collect();
        streams.sort_unstable();
        streams.dedup();
        Ok(streams)
    }

    fn remove_parts(&self, places: &[PartPlace]) -> Result<(), LogError> {
        if self.is_stopped() {
            return Err(LogError::Stopped);
        }
        // A swept part above the mark would look torn after a cut.
        self.sync_mark()?;
        let size = self.head().size;
        if let Some(beyond) = places.iter().find(|place| place.position >= size) {
            return Err(LogError::NoPart { position: beyond.position, part: beyond.part });
        }
        let mut places = places.to_vec();
        places.sort_unstable();
        let swept = self.sweep(&places);
        self.sweeps.fetch_add(1, Ordering::Release);
        swept
    }

    fn counts(&self) -> Counts {
        self.maps.read().counts()
    }
}

fn size_of(entry: &Entry) -> usize {
    let part = |part: &Part| match &part.bytes {
        PartBytes::Present(bytes) => bytes.len(),
        _ => 0,
    };
    entry.record.len() + entry.parts.iter().map(part).sum::<usize>()
}
