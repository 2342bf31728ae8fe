//! Audit copies: from the journal of a directory at rest, or from a running server.

use std::fs;
use std::io;
use std::path::Path;

use events::bundle::{self, put_parts, put_record};
use events::chain::Head;
use events::log::LogError;
use events::log::journal::Journal;
use events::log::lock::Lock;

use crate::source::{HEAD_FILE, SourceError, head_file};

/// Why no copy was made.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// The source cannot be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The copy cannot be written.
    #[error("cannot write the copy: {0}")]
    Write(#[from] io::Error),
    /// There is something already.
    #[error("the directory for the copy is not empty")]
    NotEmpty,
    /// The server said no.
    #[error("the server answered {0}")]
    Status(u16),
    /// The server could not be asked.
    #[error("the server could not be asked: {0}")]
    Unreachable(String),
    /// What the server sent is no head.
    #[error("the server sent no head")]
    NoHead,
}

/// Copies the records of a data directory at rest. Not a byte of it changes; a directory in use is refused.
pub fn from_directory(data: &Path, out: &Path) -> Result<Head, CopyError> {
    let lock = match Lock::take_read_only(data) {
        Err(LogError::Locked) => return Err(SourceError::InUse.into()),
        lock => lock.map_err(SourceError::from)?,
    };
    let journal = Journal::open_read_only(data).map_err(SourceError::from)?;
    let copy = Copy::begin(out)?;
    let head = Head { size: journal.head().size, hash: journal.head().hash };
    let (mut records, mut parts) = (Vec::new(), Vec::new());
    for (position, entry) in (0_u64..).zip(journal.entries()) {
        let entry = entry.map_err(SourceError::from)?;
        put_record(&mut records, &entry.record);
        put_parts(&mut parts, &entry);
        if (position + 1) % bundle::WIDTH == 0 || position + 1 == head.size {
            copy.put(position / bundle::WIDTH, head.size, &records, &parts)?;
            records.clear();
            parts.clear();
        }
    }
    copy.end(head)?;
    drop(lock);
    Ok(head)
}

/// Copies the records of a running server, as of the head it names first.
pub fn from_server(server: &str, token: &str, out: &Path) -> Result<Head, CopyError> {
    let client =
        reqwest::blocking::Client::builder().build().map_err(|failed| CopyError::Unreachable(failed.to_string()))?;
    let server = server.trim_end_matches('/');
    let get = |path: &str| -> Result<Vec<u8>, CopyError> {
        let unreachable = |failed: reqwest::Error| CopyError::Unreachable(failed.without_url().to_string());
        let answer = client.get(format!("{server}{path}")).bearer_auth(token).send().map_err(unreachable)?;
        if !answer.status().is_success() {
            return Err(CopyError::Status(answer.status().as_u16()));
        }
        Ok(answer.bytes().map_err(unreachable)?.to_vec())
    };
    let copy = Copy::begin(out)?;
    let head = String::from_utf8(get("/log/head")?).ok().and_then(|text| text.trim().parse::<Head>().ok());
    let head = head.ok_or(CopyError::NoHead)?;
    let mut number = 0;
    while let Some(width) = bundle::width(number, head.size) {
        let records = get(&format!("/log/{}", bundle::path("entries", number, width)))?;
        let parts = get(&format!("/log/{}", bundle::path("inventory", number, width)))?;
        copy.put(number, head.size, &records, &parts)?;
        number += 1;
    }
    copy.end(head)?;
    Ok(head)
}

/// A copy that is being written; its head file comes last, so an unfinished one is no copy.
struct Copy<'a> {
    out: &'a Path,
}

impl<'a> Copy<'a> {
    fn begin(out: &'a Path) -> Result<Self, CopyError> {
        fs::create_dir_all(out)?;
        if fs::read_dir(out)?.next().is_some() {
            return Err(CopyError::NotEmpty);
        }
        Ok(Self { out })
    }

    fn put(&self, number: u64, size: u64, records: &[u8], parts: &[u8]) -> io::Result<()> {
        let Some(width) = bundle::width(number, size) else { return Ok(()) };
        for (what, bytes) in [("entries", records), ("inventory", parts)] {
            let file = self.out.join(bundle::path(what, number, width));
            if let Some(parent) = file.parent() {
                fs::create_dir_all(parent)?;
            }
            fs::write(file, bytes)?;
        }
        Ok(())
    }

    fn end(self, head: Head) -> io::Result<()> {
        fs::write(self.out.join(HEAD_FILE), head_file(head))
    }
}
