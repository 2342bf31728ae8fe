//! The journal: all segments of a log in order. It is the truth; everything else can be made again from it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use domain::id::LogId;
use parking_lot::RwLock;

use super::frame::Layout;
use super::headmark::{HeadMark, Mark};
use super::recover::{End, Torn, find_end};
use super::row::{FramePlace, Row};
use super::segment::{self, HEADER, Segment};
use super::walk::{AHEAD, FrameAt, Frames, Step, Walk};
use super::{Entry, Head, LogError, Part, name_of};
use crate::record::{CONTINUED, Hash, NO_HASH, Record, hash};

/// The name of its directory in the data directory.
pub const NAME: &str = "journal";

/// The readable side of a journal. Readers need no lock that a write holds, and never see beyond the durable size.
#[derive(Debug)]
pub struct Journal {
    pub(super) dir: PathBuf,
    segments: RwLock<Arc<Vec<Arc<Segment>>>>,
    head: RwLock<Head>,
    torn: Option<Torn>,
}

impl Journal {
    /// Opens the journal of a data directory at rest without changing a byte of it and without its index. The journal must
    /// reach the head mark of the directory; [`LogError::NoMark`] where there is none beside a log with records.
    pub fn open_read_only(data: &Path) -> Result<Self, LogError> {
        let mark = HeadMark::look(data)?;
        let (journal, end) = Self::open(data, mark.as_ref(), false)?;
        if mark.is_none() && end.head.size > 0 {
            return Err(LogError::NoMark("missing"));
        }
        Ok(journal)
    }

    pub(crate) fn open(data: &Path, mark: Option<&Mark>, writable: bool) -> Result<(Self, End), LogError> {
        let dir = data.join(NAME);
        let names = names(&dir)?;
        let Some(first) = names.first() else {
            return Err(mark
                .filter(|mark| mark.head.size > 0)
                .map_or(LogError::NotFound, |mark| LogError::Behind { size: 0, marked: mark.head.size }));
        };
        if segment::first_in(first) != Some(0) {
            return Err(LogError::damaged(0, first, "the files before it are missing"));
        }
        let open = |name: &String| Segment::open(&dir.join(name), writable).map(Arc::new);
        let segments = names.iter().map(open).collect::<Result<Vec<_>, _>>()?;
        in_line(&segments)?;
        let log = segments.last().map(|segment| segment.header.log);
        if mark.is_some_and(|mark| Some(mark.log) != log) {
            return Err(LogError::Foreign { file: super::headmark::NAME.to_owned() });
        }
        let end = find_end(&segments, mark.map_or(0, |mark| mark.head.size))?;
        let segments = RwLock::new(Arc::new(segments));
        let journal = Self { dir, segments, head: RwLock::new(end.head), torn: end.torn };
        if let Some(mark) = mark {
            journal.compare(mark)?;
        }
        Ok((journal, end))
    }

    pub(super) fn new(dir: PathBuf, first: Segment) -> Self {
        let segments = RwLock::new(Arc::new(vec![Arc::new(first)]));
        Self { dir, segments, head: RwLock::new(Head::EMPTY), torn: None }
    }

    /// Which log: the last of its generations, whose records come next.
    pub fn log(&self) -> LogId {
        self.segments.read().last().map_or(LogId([0; 16]), |segment| segment.header.log)
    }

    /// The first of its generations: what belongs to all of them, as the keyring does, has its id.
    pub fn first_log(&self) -> LogId {
        self.segments.read().first().map_or(LogId([0; 16]), |segment| segment.header.log)
    }

    /// All of its generations, the oldest first.
    pub fn logs(&self) -> Vec<LogId> {
        let mut logs: Vec<LogId> = self.segments.read().iter().map(|segment| segment.header.log).collect();
        logs.dedup();
        logs
    }

    /// What is durable.
    pub fn head(&self) -> Head {
        *self.head.read()
    }

    /// What was found behind the last whole frame at open. A journal opened for writing has cut it.
    pub fn torn(&self) -> Option<Torn> {
        self.torn
    }

    /// The hash of a record, where there is one at this position.
    pub fn hash_of(&self, position: u64) -> Result<Option<Hash>, LogError> {
        Ok(self.find(position)?.map(|(row, _)| row.hash))
    }

    /// The name of the file that a position belongs to.
    pub fn file_of(&self, position: u64) -> String {
        let segments = self.segments.read();
        let number = segments.partition_point(|segment| segment.header.first <= position);
        let segment = number.checked_sub(1).and_then(|number| segments.get(number));
        segment.map_or_else(|| NAME.to_owned(), |segment| segment.name.clone())
    }

    /// How many bytes its files take.
    pub fn file_bytes(&self) -> u64 {
        self.segments.read().iter().map(|segment| segment.header.size).sum()
    }

    /// Reads all entries in order, from the first on. Every byte of records and headers is checked on the way; parts are
    /// only told of. The first error ends it.
    pub fn entries(&self) -> Entries<'_> {
        Entries {
            _journal: std::marker::PhantomData,
            walk: self.walk(0, AHEAD),
            ready: Vec::new().into_iter(),
            failed: false,
        }
    }

    pub(super) fn segments(&self) -> Arc<Vec<Arc<Segment>>> {
        Arc::clone(&self.segments.read())
    }

    pub(super) fn segment(&self, first: u64) -> Option<Arc<Segment>> {
        let segments = self.segments.read();
        let number = segments.binary_search_by_key(&first, |segment| segment.header.first).ok()?;
        segments.get(number).cloned()
    }

    /// A segment joins, or takes the place of one of its name.
    pub(super) fn join(&self, segment: Arc<Segment>) {
        let mut segments = self.segments.write();
        let mut joined: Vec<_> = segments.iter().map(Arc::clone).collect();
        joined.retain(|other| other.header.first != segment.header.first);
        joined.push(segment);
        *segments = Arc::new(joined);
    }

    pub(super) fn raise(&self, head: Head) {
        *self.head.write() = head;
    }

    /// Walks from the first frame of the segment that holds a position, up to what is durable now.
    pub(super) fn walk(&self, position: u64, ahead: usize) -> Option<Walk> {
        let (end, segments) = (self.head().size, self.segments());
        let number = segments.partition_point(|segment| segment.header.first <= position).checked_sub(1)?;
        let first = segments.get(number)?.header.first;
        Walk::new(segments, number, HEADER, first, end, ahead)
    }

    /// The frame at a place, if one is there that holds this record.
    pub(super) fn frame_at(&self, place: FramePlace, position: u64) -> Result<Option<Layout>, LogError> {
        let Some(segment) = self.segment(place.segment) else { return Ok(None) };
        match Frames::new(segment, place.offset.into(), 0).next(None)? {
            Step::Frame { layout, .. } => Ok((layout.first <= position && position < layout.end()).then_some(layout)),
            _ => Ok(None),
        }
    }

    /// Walks from the frame of this layout, which is at this place, up to what is durable now.
    pub(super) fn walk_from(&self, place: FramePlace, layout: &Layout, ahead: usize) -> Option<Walk> {
        let (end, segments) = (self.head().size, self.segments());
        let number = segments.binary_search_by_key(&place.segment, |segment| segment.header.first).ok()?;
        Walk::new(segments, number, place.offset.into(), layout.first, end, ahead)
    }

    /// Finds the frame of a record without the index: slow, and right.
    pub(super) fn find_frame(&self, position: u64) -> Result<Option<(FramePlace, Layout)>, LogError> {
        self.find_in(position, |frame| Ok((frame.place, frame.layout.clone())))
    }

    /// Finds a record without the index.
    pub(super) fn find(&self, position: u64) -> Result<Option<(Row, Entry)>, LogError> {
        self.find_in(position, |frame| {
            let number = usize::try_from(position - frame.layout.first).unwrap_or(usize::MAX);
            let entry = entry(frame, number)?;
            Ok((Row::of(&frame.layout, number, frame.place, &entry.record, entry.hash)?, entry))
        })
    }

    fn find_in<T>(
        &self,
        position: u64,
        take: impl FnOnce(&FrameAt<'_>) -> Result<T, LogError>,
    ) -> Result<Option<T>, LogError> {
        let Some(mut walk) = self.walk(position, AHEAD).filter(|_| position < self.head().size) else {
            return Ok(None);
        };
        while let Some(frame) = walk.next_frame()? {
            if position < frame.layout.end() {
                return take(&frame).map(Some);
            }
        }
        Err(LogError::damaged(position, NAME, "the record is missing"))
    }

    fn compare(&self, mark: &Mark) -> Result<(), LogError> {
        let Some(position) = mark.head.size.checked_sub(1) else {
            return if mark.head.hash == NO_HASH { Ok(()) } else { Err(LogError::Forked { position: 0 }) };
        };
        let found = if mark.head.size == self.head().size {
            self.head().hash
        } else {
            self.find(position)?.map_or(NO_HASH, |(row, _)| row.hash)
        };
        if found == mark.head.hash { Ok(()) } else { Err(LogError::Forked { position }) }
    }
}

/// The entries of a journal in order. See [`Journal::entries`].
pub struct Entries<'a> {
    _journal: std::marker::PhantomData<&'a Journal>,
    walk: Option<Walk>,
    ready: std::vec::IntoIter<Entry>,
    failed: bool,
}

impl Iterator for Entries<'_> {
    type Item = Result<Entry, LogError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(entry) = self.ready.next() {
                return Some(Ok(entry));
            }
            let walk = self.walk.as_mut().filter(|_| !self.failed)?;
            let frame = match walk.next_frame() {
                Ok(frame) => frame?,
                Err(error) => {
                    self.failed = true;
                    return Some(Err(error));
                }
            };
            let entries = (0..frame.layout.records.len()).map(|number| entry(&frame, number));
            match entries.collect::<Result<Vec<_>, _>>() {
                Ok(entries) => self.ready = entries.into_iter(),
                Err(error) => {
                    self.failed = true;
                    return Some(Err(error));
                }
            }
        }
    }
}

/// One entry of a frame.
pub(super) fn entry(frame: &FrameAt<'_>, number: usize) -> Result<Entry, LogError> {
    let record = frame.layout.records.get(number).and_then(|span| span.of(frame.bytes));
    let position = frame.layout.first + number as u64;
    let record = record.ok_or_else(|| LogError::damaged(position, NAME, "the record is not in its frame"))?.to_vec();
    let part = |part: &super::frame::PartHead| {
        let bytes = part.span.of(frame.bytes).unwrap_or(&[]).to_vec();
        Part { key: part.key, bytes: frame.segment.sums.judge(bytes, &part.sum) }
    };
    let parts = frame.layout.parts_of(number).iter().map(part).collect();
    Ok(Entry { hash: hash(&record), record, parts })
}

/// A segment belongs to one generation, those of one lie together, and each but the first begins with the record that says
/// that the log goes on under its id.
fn in_line(segments: &[Arc<Segment>]) -> Result<(), LogError> {
    let mut ids: Vec<LogId> = segments.first().map(|segment| segment.header.log).into_iter().collect();
    for segment in segments {
        let log = segment.header.log;
        if ids.last() == Some(&log) {
            continue;
        }
        if ids.contains(&log) || !begins(segment)? {
            return Err(LogError::Foreign { file: segment.name.clone() });
        }
        ids.push(log);
    }
    Ok(())
}

fn begins(segment: &Arc<Segment>) -> Result<bool, LogError> {
    let first = segment.header.first;
    let Step::Frame { offset, layout } = Frames::new(Arc::clone(segment), HEADER, 0).next(Some(first))? else {
        return Ok(false);
    };
    let span = layout.records.first().copied().unwrap_or_default();
    let mut bytes = vec![0; span.length as usize];
    segment.read_at(&mut bytes, u64::from(offset) + u64::from(span.offset))?;
    let record = Record::parse(&bytes).map_err(|source| LogError::Malformed { position: first, source })?;
    Ok(record.log == segment.header.log && record.kind == CONTINUED)
}

/// The names of the segments, in order.
pub(crate) fn names(dir: &Path) -> Result<Vec<String>, LogError> {
    let listed = match std::fs::read_dir(dir) {
        Ok(listed) => listed,
        Err(missing) if missing.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(LogError::io("list", dir)(source)),
    };
    let mut names = Vec::new();
    for file in listed {
        let name = name_of(&file.map_err(LogError::io("list", dir))?.path());
        if segment::first_in(&name).is_some() {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}
