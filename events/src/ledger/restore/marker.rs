//! There while a restore is under way: which log begins, and where. Before the head mark is the new log's, what was written
//! of it can be taken back; behind that the restore is done.

use std::fs;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use domain::id::LogId;

use crate::bytes::{Malformed, Reader};
use crate::ledger::directory::{DirectoryError, io_failed};
use crate::log::headmark::HeadMark;
use crate::log::segment::sync_dir;
use crate::log::{LogError, put_back};

/// The file: log id (16) and position of its first record (u64).
const NAME: &str = "restoring";
/// While it is written.
const NEW: &str = "restoring.new";

pub(super) struct Marker {
    pub(super) log: LogId,
    pub(super) first: u64,
}

impl Marker {
    /// Durable when it returns. One that is there of a restore that was cut off counts until then.
    pub(super) fn put(&self, data: &Path) -> Result<(), DirectoryError> {
        let (new, bytes) = (data.join(NEW), [self.log.0.as_slice(), &self.first.to_be_bytes()].concat());
        let file = fs::File::create(&new).map_err(io_failed("write to"))?;
        file.write_all_at(&bytes, 0).and_then(|()| file.sync_all()).map_err(io_failed("write to"))?;
        fs::rename(&new, self::file(data)).map_err(io_failed("write to"))?;
        Ok(sync_dir(data)?)
    }

    pub(super) fn remove(data: &Path) -> Result<(), DirectoryError> {
        fs::remove_file(file(data)).map_err(io_failed("write to"))?;
        Ok(sync_dir(data)?)
    }

    /// One that cannot be read is no word of a restore: it has its name only when all of it is durable.
    fn read(data: &Path) -> Result<Option<Result<Self, Malformed>>, DirectoryError> {
        match fs::read(file(data)) {
            Ok(bytes) => Ok(Some(Self::parse(&bytes))),
            Err(missing) if missing.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(failed) => Err(io_failed("read")(failed)),
        }
    }

    fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        let marker = Self { log: LogId(reader.array("log id")?), first: reader.u64("position")? };
        reader.end()?;
        Ok(marker)
    }

    fn is_done(&self, data: &Path) -> Result<bool, LogError> {
        Ok(HeadMark::look(data).is_ok_and(|mark| mark.is_some_and(|mark| mark.log == self.log)))
    }
}

fn file(data: &Path) -> PathBuf {
    data.join(NAME)
}

/// At open, under the lock: a restore that was done is finished, one that was not is refused.
pub(in crate::ledger) fn finish(data: &Path) -> Result<(), DirectoryError> {
    match Marker::read(data)? {
        None => Ok(()),
        Some(Ok(marker)) if !marker.is_done(data)? => Err(DirectoryError::Restoring),
        Some(_) => Marker::remove(data),
    }
}

/// Whether one was cut off here.
pub(in crate::ledger) fn is_under_way(data: &Path) -> bool {
    file(data).exists() || data.join(NEW).exists()
}

/// Before another restore, under the lock: what an interrupted one wrote of its log is removed, and the answer is whether
/// there was one. Its mark stays until another one is put in its place: it may have put a backup's journal here.
pub(super) fn take_back(data: &Path) -> Result<bool, DirectoryError> {
    match Marker::read(data)? {
        None => Ok(false),
        Some(Ok(marker)) if !marker.is_done(data)? => {
            put_back::take_back(data, marker.first, marker.log)?;
            Ok(true)
        }
        Some(_) => Marker::remove(data).map(|()| false),
    }
}
