//! The head mark: what the log was when it last answered, in a file of its own beside journal and index, and not in backups.
//!
//! ```text
//! two slots of 4096 bytes, written in turn, each:
//! magic "LETHEMRK" · version (u16) · log id (16) · counter (u64)
//! size (u64) · head hash (32) · recorded_at of the last record (i64)
//! size (u64) and hash (32) of the last signed checkpoint, zeros for none · checksum (16)
//! ```
//!
//! It is written after the journal's sync and before the answer, so it never runs ahead of the log, and synced once a second.
//! A cut tears at most the slot that was being written; the other one holds.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use domain::id::LogId;
use domain::time::Time;

use super::frame::{SUM, cut};
use super::segment::sync_dir;
use super::{Head, LogError};
use crate::bytes::{Malformed, Reader};
use crate::record::{Hash, NO_HASH};

/// The name of its file.
pub const NAME: &str = "head";

const MAGIC: [u8; 8] = *b"LETHEMRK";
const VERSION: u16 = 1;
const SLOT: usize = 4096;
const FIELDS: usize = 8 + 2 + 16 + 8 + 8 + 32 + 8 + 8 + 32;
const CONTEXT: &str = "lethe 2026 head mark v1";

/// What the mark remembers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mark {
    /// Which log.
    pub log: LogId,
    /// Goes up by one with every write.
    pub counter: u64,
    /// What the log was.
    pub head: Head,
    /// Size and hash of the last checkpoint that was signed; zeros for none.
    pub checkpoint: (u64, Hash),
}

impl Mark {
    fn write(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(FIELDS + SUM);
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&VERSION.to_be_bytes());
        out.extend_from_slice(&self.log.0);
        out.extend_from_slice(&self.counter.to_be_bytes());
        out.extend_from_slice(&self.head.size.to_be_bytes());
        out.extend_from_slice(&self.head.hash);
        out.extend_from_slice(&self.head.recorded_at.0.to_be_bytes());
        out.extend_from_slice(&self.checkpoint.0.to_be_bytes());
        out.extend_from_slice(&self.checkpoint.1);
        let sum = blake3::derive_key(CONTEXT, &out);
        out.extend_from_slice(&cut(&blake3::Hash::from_bytes(sum)));
        out
    }

    fn read(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut r = Reader::new(bytes);
        let summed = r.clone().take(FIELDS, "fields")?;
        let sum = cut(&blake3::Hash::from_bytes(blake3::derive_key(CONTEXT, summed)));
        if r.array::<8>("magic")? != MAGIC || r.u16("version")? != VERSION {
            return Err(Malformed::Value("magic"));
        }
        let mark = Self {
            log: LogId(r.array("log id")?),
            counter: r.u64("counter")?,
            head: Head { size: r.u64("size")?, hash: r.array("hash")?, recorded_at: Time(r.i64("time")?) },
            checkpoint: (r.u64("size")?, r.array("hash")?),
        };
        if r.array::<SUM>("checksum")? == sum { Ok(mark) } else { Err(Malformed::Value("checksum")) }
    }
}

/// The file and what stands in it.
#[derive(Debug)]
pub struct HeadMark {
    file: File,
    path: PathBuf,
    mark: Mark,
}

impl HeadMark {
    /// Reads the mark of a directory without changing it. `None` when there is no file;
    /// [`LogError::NoMark`] when neither slot holds.
    pub fn look(dir: &Path) -> Result<Option<Mark>, LogError> {
        let path = dir.join(NAME);
        match File::open(&path) {
            Ok(file) => latest(&file, &path).map(Some),
            Err(missing) if missing.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(LogError::io("open", &path)(source)),
        }
    }

    /// Makes the mark of an empty log; durable when this returns.
    pub fn create(dir: &Path, log: LogId) -> Result<Self, LogError> {
        let path = dir.join(NAME);
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(true).mode(0o600).open(&path);
        let file = file.map_err(LogError::io("create", &path))?;
        let mark = Mark { log, counter: 0, head: Head::EMPTY, checkpoint: (0, NO_HASH) };
        let mut bytes = mark.write();
        bytes.resize(2 * SLOT, 0);
        file.write_all_at(&bytes, 0).map_err(LogError::io("write", &path))?;
        file.sync_all().map_err(LogError::io("sync", &path))?;
        sync_dir(dir)?;
        Ok(Self { file, path, mark })
    }

    /// Opens the mark to go on with it.
    pub fn open(dir: &Path) -> Result<Self, LogError> {
        let path = dir.join(NAME);
        let file = OpenOptions::new().read(true).write(true).open(&path).map_err(LogError::io("open", &path))?;
        let mark = latest(&file, &path)?;
        Ok(Self { file, path, mark })
    }

    /// What it remembers.
    pub fn mark(&self) -> &Mark {
        &self.mark
    }

    /// Remembers a head. It outlives the process when this returns, and a power cut after the next [`HeadMark::sync`].
    pub fn remember(&mut self, head: Head) -> Result<(), LogError> {
        self.put(Mark { head, counter: self.mark.counter + 1, ..self.mark })
    }

    /// Remembers a checkpoint that is about to be signed, as [`HeadMark::remember`].
    pub fn remember_checkpoint(&mut self, size: u64, hash: Hash) -> Result<(), LogError> {
        self.put(Mark { checkpoint: (size, hash), counter: self.mark.counter + 1, ..self.mark })
    }

    /// A second handle for [`sync`], so that a sync does not stand in the way of the next write.
    pub fn handle(&self) -> Result<File, LogError> {
        self.file.try_clone().map_err(LogError::io("open", &self.path))
    }

    fn put(&mut self, mark: Mark) -> Result<(), LogError> {
        let offset = if mark.counter.is_multiple_of(2) { 0 } else { SLOT as u64 };
        self.file.write_all_at(&mark.write(), offset).map_err(LogError::io("write", &self.path))?;
        self.mark = mark;
        Ok(())
    }
}

/// Makes what was remembered last durable.
pub fn sync(file: &File) -> Result<(), LogError> {
    file.sync_data().map_err(LogError::io("sync", Path::new(NAME)))
}

fn latest(file: &File, path: &Path) -> Result<Mark, LogError> {
    let slot = |offset: u64| {
        let mut bytes = [0; FIELDS + SUM];
        match file.read_exact_at(&mut bytes, offset) {
            Ok(()) => Ok(Mark::read(&bytes).ok()),
            Err(short) if short.kind() == std::io::ErrorKind::UnexpectedEof => Ok(None),
            Err(source) => Err(LogError::io("read", path)(source)),
        }
    };
    let (first, second) = (slot(0)?, slot(SLOT as u64)?);
    let marks = [first, second].into_iter().flatten();
    marks.max_by_key(|mark| mark.counter).ok_or(LogError::NoMark("damaged"))
}
