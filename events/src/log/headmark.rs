//! The head mark: what the log was when it last answered, in a file of its own beside journal and index, and not in backups.
//!
//! ```text
//! three slots of 4096 bytes, each:
//! magic "LETHEMRK" · version (u16) · log id (16) · counter (u64)
//! size (u64) · head hash (32) · recorded_at of the last record (i64)
//! size (u64) and hash (32) of the last signed checkpoint, zeros for none · checksum (16)
//! ```
//!
//! It is written after the journal's sync and before the answer, so it never runs ahead of the log, and synced once a second.
//! A cut may tear every slot that was written since the last sync, so the one that was synced last is left alone until another
//! one is: with one being synced, that leaves one of three to write.

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
const SLOTS: usize = 3;
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
    /// The slot with the mark.
    latest: usize,
    /// The slot that is known to be synced.
    synced: usize,
    /// The slot that a sync is about.
    syncing: Option<usize>,
}

impl HeadMark {
    /// Reads the mark of a directory without changing it. `None` when there is no file;
    /// [`LogError::NoMark`] when no slot holds.
    pub fn look(dir: &Path) -> Result<Option<Mark>, LogError> {
        let path = dir.join(NAME);
        match File::open(&path) {
            Ok(file) => latest(&file, &path).map(|(_, mark)| Some(mark)),
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
        bytes.resize(SLOTS * SLOT, 0);
        file.write_all_at(&bytes, 0).map_err(LogError::io("write", &path))?;
        file.sync_all().map_err(LogError::io("sync", &path))?;
        sync_dir(dir)?;
        Ok(Self { file, path, mark, latest: 0, synced: 0, syncing: None })
    }

    /// Puts the mark of the log that this one goes on as in the place of this one's, in one step; durable when this returns.
    pub(super) fn replace(dir: &Path, log: LogId, head: Head) -> Result<(), LogError> {
        let (new, path) = (dir.join(format!("{NAME}.new")), dir.join(NAME));
        let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new);
        let file = file.map_err(LogError::io("create", &new))?;
        let mut bytes = Mark { log, counter: 0, head, checkpoint: (0, NO_HASH) }.write();
        bytes.resize(SLOTS * SLOT, 0);
        file.write_all_at(&bytes, 0).map_err(LogError::io("write", &new))?;
        file.sync_all().map_err(LogError::io("sync", &new))?;
        std::fs::rename(&new, &path).map_err(LogError::io("rename", &new))?;
        sync_dir(dir)
    }

    /// Opens the mark to go on with it; what it remembers is durable when this returns.
    pub fn open(dir: &Path) -> Result<Self, LogError> {
        let path = dir.join(NAME);
        let file = OpenOptions::new().read(true).write(true).open(&path).map_err(LogError::io("open", &path))?;
        let (latest, mark) = latest(&file, &path)?;
        sync(&file)?;
        Ok(Self { file, path, mark, latest, synced: latest, syncing: None })
    }

    /// What it remembers.
    pub fn mark(&self) -> &Mark {
        &self.mark
    }

    /// Remembers a head. It outlives the process when this returns, and a power cut after the next [`sync`].
    pub fn remember(&mut self, head: Head) -> Result<(), LogError> {
        self.put(Mark { head, counter: self.mark.counter + 1, ..self.mark })
    }

    /// Remembers a checkpoint that is about to be signed, as [`HeadMark::remember`].
    pub fn remember_checkpoint(&mut self, size: u64, hash: Hash) -> Result<(), LogError> {
        self.put(Mark { checkpoint: (size, hash), counter: self.mark.counter + 1, ..self.mark })
    }

    /// A sync begins: what the mark says now must stay until [`HeadMark::synced`].
    pub fn syncing(&mut self) {
        self.syncing = Some(self.latest);
    }

    /// The sync that began last has succeeded.
    pub fn synced(&mut self) {
        self.synced = self.syncing.take().unwrap_or(self.synced);
    }

    /// A second handle for [`sync`], so that a sync does not stand in the way of the next write.
    pub fn handle(&self) -> Result<File, LogError> {
        self.file.try_clone().map_err(LogError::io("open", &self.path))
    }

    fn put(&mut self, mark: Mark) -> Result<(), LogError> {
        let slot = self.free();
        self.file.write_all_at(&mark.write(), (slot * SLOT) as u64).map_err(LogError::io("write", &self.path))?;
        (self.mark, self.latest) = (mark, slot);
        Ok(())
    }

    /// The slot to write next: neither of those a power cut must leave whole, and the latest one only when no other is left.
    fn free(&self) -> usize {
        let next = |slot: usize| (slot + 1) % SLOTS;
        let mut slot = next(self.latest);
        while slot == self.synced || Some(slot) == self.syncing {
            slot = next(slot);
        }
        slot
    }
}

/// Makes what was remembered last durable.
pub fn sync(file: &File) -> Result<(), LogError> {
    file.sync_data().map_err(LogError::io("sync", Path::new(NAME)))
}

/// The slot whose mark counts, and the mark.
fn latest(file: &File, path: &Path) -> Result<(usize, Mark), LogError> {
    let slot = |slot: usize| {
        let mut bytes = [0; FIELDS + SUM];
        match file.read_exact_at(&mut bytes, (slot * SLOT) as u64) {
            Ok(()) => Ok(Mark::read(&bytes).ok().map(|mark| (slot, mark))),
            Err(short) if short.kind() == std::io::ErrorKind::UnexpectedEof => Ok(None),
            Err(source) => Err(LogError::io("read", path)(source)),
        }
    };
    let marks = (0..SLOTS).map(slot).collect::<Result<Vec<_>, _>>()?;
    marks.into_iter().flatten().max_by_key(|(_, mark)| mark.counter).ok_or(LogError::NoMark("damaged"))
}
