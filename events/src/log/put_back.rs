//! A journal that was put back from a backup, and how it goes on: as another log, with a segment of its own.

use std::path::Path;
use std::sync::Arc;

use domain::id::LogId;

use super::engine::Options;
use super::headmark::HeadMark;
use super::journal::{self, Journal};
use super::recover::End;
use super::segment::{self, Segment, sync_dir};
use super::writer::Writer;
use super::{Commit, Head, LogError};
use crate::record::Record;

/// The journal of a directory at rest, whatever its head mark says.
pub struct PutBack {
    journal: Arc<Journal>,
    end: End,
}

impl PutBack {
    /// Opens what is there. Nothing is changed; a torn end is not read.
    pub fn open(data: &Path) -> Result<Self, LogError> {
        let (journal, end) = Journal::open(data, None, true)?;
        Ok(Self { journal: Arc::new(journal), end })
    }

    /// The journal, for reading.
    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    /// Cuts a torn end, and appends the first commit of another log in a segment of its own. Durable when it returns.
    ///
    /// # Errors
    /// As any append; what was written until then is taken back with [`take_back`].
    pub fn go_on(&self, log: LogId, commit: &Commit, options: Options) -> Result<Head, LogError> {
        let head = self.journal.head();
        let mut writer = Writer::open(Arc::clone(&self.journal), &self.end, options.segment_size)?;
        writer.go_on_as(log);
        writer.append(&head, commit)?;
        let last =
            commit.entries.last().ok_or(LogError::NotNext { position: head.size, what: "there is no record" })?;
        let record = Record::parse(&last.record);
        let record = record.map_err(|source| LogError::Malformed { position: head.size, source })?;
        Ok(Head { size: record.position + 1, hash: last.hash, recorded_at: record.recorded_at })
    }
}

/// Removes the segment that a log would have gone on with, if it is there. Durable when it returns.
pub fn take_back(data: &Path, first: u64, log: LogId) -> Result<(), LogError> {
    let dir = data.join(journal::NAME);
    let path = dir.join(segment::name(first));
    match Segment::open(&path, false) {
        Ok(segment) if segment.header.log == log => {
            std::fs::remove_file(&path).map_err(LogError::io("remove", &path))?;
            sync_dir(&dir)
        }
        Ok(_) => Ok(()),
        Err(LogError::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(failed) => Err(failed),
    }
}

/// Puts the head mark of the new log in the place of the old one, in one step: from here on the directory is the new log's.
pub fn replace_mark(data: &Path, log: LogId, head: Head) -> Result<(), LogError> {
    HeadMark::replace(data, log, head)
}
