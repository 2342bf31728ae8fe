//! The one writer of a journal: one frame a commit, one write and one sync a frame.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;

use domain::id::LogId;

use super::frame::{self, Layout, Sums};
use super::journal::Journal;
use super::recover::End;
use super::row::FramePlace;
use super::segment::{HEADER, Header, Segment, prepare, sync_dir};
use super::{Commit, Head, LogError};
use crate::record::NO_HASH;

/// The largest segment, and so the largest frame: places in a segment are 32 bits.
const LARGEST: u64 = 1 << 30;
/// A segment to come, made ready while the one before fills.
const SPARE: &str = "spare.prepared";
/// A segment for one frame that is larger than segments are.
const LARGE: &str = "large.prepared";

/// Appends frames.
pub struct Writer {
    journal: Arc<Journal>,
    log: LogId,
    segment: Arc<Segment>,
    offset: u64,
    segment_size: u64,
    spare: Option<JoinHandle<Result<File, LogError>>>,
    buffer: Vec<u8>,
}

impl Writer {
    /// Makes the journal of a new log: its first segment is durable when this returns.
    pub fn create(dir: &Path, log: LogId, segment_size: u64) -> Result<(Arc<Journal>, Self), LogError> {
        let segment_size = bounded(segment_size);
        let file = prepare(&dir.join(SPARE), segment_size)?;
        let header = Header { log, first: 0, previous: NO_HASH, size: segment_size };
        let journal = Arc::new(Journal::new(dir.to_owned(), Segment::begin(dir, SPARE, file, header)?));
        let writer = Self::at(Arc::clone(&journal), HEADER, segment_size)?;
        Ok((journal, writer))
    }

    /// Goes on where the journal ends. A torn frame is overwritten with zeros, durably, so that nothing of it can be
    /// mistaken for a frame later.
    pub fn open(journal: Arc<Journal>, end: &End, segment_size: u64) -> Result<Self, LogError> {
        let writer = Self::at(journal, end.offset, bounded(segment_size))?;
        // The last segment may have got its name right before its writer died: the name must hold before a record does.
        sync_dir(&writer.journal.dir)?;
        for name in [SPARE, LARGE] {
            match std::fs::remove_file(writer.journal.dir.join(name)) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(LogError::io("remove", Path::new(name))(error));
                }
                _ => {}
            }
        }
        if let Some(torn) = end.torn {
            let zeros = vec![0; usize::try_from(torn.bytes).unwrap_or(0)];
            writer.segment.write_at(&zeros, torn.offset)?;
        }
        writer.write_last_again(end)?;
        writer.segment.sync()?;
        Ok(writer)
    }

    /// The last frame may be in the page cache only: its writer may have died before the sync, or the sync may have failed,
    /// after which the kernel takes the pages for clean. So it is written and synced once more before anybody reads it.
    fn write_last_again(&self, end: &End) -> Result<(), LogError> {
        let Some(start) = end.last else { return Ok(()) };
        let mut bytes = vec![0; usize::try_from(end.offset.saturating_sub(start)).unwrap_or(0)];
        self.segment.read_at(&mut bytes, start)?;
        self.segment.write_at(&bytes, start)
    }

    fn at(journal: Arc<Journal>, offset: u64, segment_size: u64) -> Result<Self, LogError> {
        let segment = journal.segments().last().cloned().ok_or(LogError::NotFound)?;
        let log = segment.header.log;
        Ok(Self { journal, log, segment, offset, segment_size, spare: None, buffer: Vec::new() })
    }

    /// What comes next is of another log, which begins with a segment of its own.
    pub(super) fn go_on_as(&mut self, log: LogId) {
        self.log = log;
    }

    /// Writes the frame of a commit behind `head`. It is durable when this returns; after an error it may be there in
    /// part, and nothing may be written behind it.
    pub fn append(&mut self, head: &Head, commit: &Commit) -> Result<(FramePlace, Layout), LogError> {
        self.buffer.clear();
        let layout = frame::write(&mut self.buffer, &Sums::of(self.log), head.size, &commit.entries)
            .map_err(|unfit| LogError::NotNext { position: head.size, what: unfit.0 })?;
        if self.log != self.segment.header.log || self.offset + layout.length > self.segment.header.size {
            self.roll(head, layout.length)?;
        }
        let offset = u32::try_from(self.offset).map_err(|_| LogError::Full(head.size))?;
        self.segment.write_at(&self.buffer, self.offset)?;
        self.segment.sync()?;
        self.offset += layout.length;
        if self.offset > self.segment.header.size / 2 {
            self.prepare_spare();
        }
        Ok((FramePlace { segment: self.segment.header.first, offset }, layout))
    }

    /// Goes on in a new segment.
    fn roll(&mut self, head: &Head, length: u64) -> Result<(), LogError> {
        let needed = HEADER + length;
        if needed > LARGEST {
            return Err(LogError::NotNext { position: head.size, what: "its commit is larger than a segment can be" });
        }
        let (name, file, size) = if needed > self.segment_size {
            (LARGE, prepare(&self.journal.dir.join(LARGE), needed)?, needed)
        } else {
            self.prepare_spare();
            (SPARE, self.take_spare()?, self.segment_size)
        };
        let header = Header { log: self.log, first: head.size, previous: head.hash, size };
        self.segment = Arc::new(Segment::begin(&self.journal.dir, name, file, header)?);
        self.offset = HEADER;
        self.journal.join(Arc::clone(&self.segment));
        Ok(())
    }

    fn prepare_spare(&mut self) {
        let (path, size) = (self.journal.dir.join(SPARE), self.segment_size);
        self.spare.get_or_insert_with(|| std::thread::spawn(move || prepare(&path, size)));
    }

    fn take_spare(&mut self) -> Result<File, LogError> {
        let died = || LogError::io("prepare", Path::new(SPARE))(std::io::Error::other("the thread that makes it died"));
        let spare = self.spare.take().ok_or_else(died)?;
        spare.join().map_err(|_| died())?
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if let Some(spare) = self.spare.take() {
            let _ = spare.join();
        }
    }
}

fn bounded(segment_size: u64) -> u64 {
    segment_size.clamp(2 * HEADER, LARGEST)
}
