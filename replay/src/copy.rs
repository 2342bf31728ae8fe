//! Audit copies: from the journal of a directory at rest, or from a running server.

use std::fs;
use std::io;
use std::path::Path;
use std::thread;
use std::time::Duration;

use events::bundle::{self, Presence, put_parts, put_record};
use events::chain::Head;
use events::checkpoint::Checkpoint;
use events::ledger::publish::STORED;
use events::log::LogError;
use events::log::journal::Journal;
use events::log::lock::Lock;
use events::note::{NoteError, SignedNote};
use events::tree;
use reqwest::StatusCode;

use crate::https::{self, TrustError};
use crate::source::{HEAD_FILE, SourceError, head_file};
use crate::tiles::{Growing, write_tile};
use crate::witness::published::CHECKPOINT;

/// How often a server that is busy is asked again, and how long between.
const TRIES: u32 = 100;
const PAUSE: Duration = Duration::from_millis(100);

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
    /// The copy would lie in the directory that must not change.
    #[error("the copy may not lie inside the data directory")]
    Inside,
    /// The server said no.
    #[error("the server answered {0}")]
    Status(u16),
    /// The server could not be asked.
    #[error("the server could not be asked: {0}")]
    Unreachable(String),
    /// Nobody can be trusted.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// What the server sent is no head.
    #[error("the server sent no head")]
    NoHead,
    /// What the server sent is no checkpoint.
    #[error("the server sent no checkpoint: {0}")]
    NoCheckpoint(#[from] NoteError),
    /// What the server sent is no bundle.
    #[error("the server sent no records")]
    NoRecords,
}

/// Copies the records of a data directory at rest. Not a byte of it changes; a directory in use is refused.
pub fn from_directory(data: &Path, out: &Path) -> Result<Head, CopyError> {
    let lock = match Lock::take_read_only(data) {
        Err(LogError::Locked) => return Err(SourceError::InUse.into()),
        lock => lock.map_err(SourceError::from)?,
    };
    let journal = Journal::open_read_only(data).map_err(SourceError::from)?;
    if lies_in(out, data)? {
        return Err(CopyError::Inside);
    }
    let head = Head { size: journal.head().size, hash: journal.head().hash };
    let note = kept(data, head.size)?;
    let mut copy = Copy::begin(out, note)?;
    let (mut records, mut parts) = (Vec::new(), Vec::new());
    for (position, entry) in (0_u64..).zip(journal.entries()) {
        let entry = entry.map_err(SourceError::from)?;
        copy.grow(&entry.record)?;
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

/// The checkpoint that a directory at rest keeps beside its tree, where it covers no more than is there. It may be missing.
fn kept(data: &Path, size: u64) -> io::Result<Option<SignedNote>> {
    let path = data.join(events::tree::files::NAME).join(STORED);
    let bytes = match fs::read(path) {
        Err(missing) if missing.kind() == io::ErrorKind::NotFound => return Ok(None),
        bytes => bytes?,
    };
    let note = SignedNote::parse(&bytes).ok();
    Ok(note.filter(|note| Checkpoint::parse(note.text()).is_ok_and(|checkpoint| checkpoint.size <= size)))
}

/// Whether a path that may not exist yet lies in a directory.
fn lies_in(path: &Path, directory: &Path) -> io::Result<bool> {
    let directory = fs::canonicalize(directory)?;
    let path = std::path::absolute(path)?;
    let there = path.ancestors().find_map(|ancestor| fs::canonicalize(ancestor).ok());
    Ok(there.is_some_and(|there| there.starts_with(&directory)))
}

/// Copies the records of a running server, as of the head it names first, or of a later one where that is needed: a part
/// that was swept meanwhile has its excuse behind that head, so the copy goes on to it.
///
/// `ca`: the authorities (PEM) that its certificate must lead to, where it is not one that the system trusts.
pub fn from_server(server: &str, token: &str, ca: Option<&Path>, out: &Path) -> Result<Head, CopyError> {
    let server = Server::new(server, token, ca)?;
    // The checkpoint first: then the head covers it.
    let note = server.checkpoint()?;
    let mut head = server.head()?;
    let mut copy = Copy::begin(out, note)?;
    let mut number = 0;
    loop {
        let mut absent = false;
        let mut last = None;
        while let Some(width) = bundle::width(number, head.size) {
            let records = server.get(&format!("/log/{}", bundle::path("entries", number, width)))?;
            let parts = server.get(&format!("/log/{}", bundle::path("inventory", number, width)))?;
            absent |= any_absent(&parts);
            if width < bundle::WIDTH {
                last = Some((records, parts));
                break;
            }
            copy.grow_all(&records)?;
            copy.put(number, head.size, &records, &parts)?;
            number += 1;
        }
        // Certificates are durable before anything is swept, so this head has those of all that was absent so far.
        let later = if absent { server.head()? } else { head };
        if later == head {
            if let Some((records, parts)) = last {
                copy.grow_all(&records)?;
                copy.put(number, head.size, &records, &parts)?;
            }
            copy.end(head)?;
            return Ok(head);
        }
        head = later;
    }
}

fn any_absent(inventory: &[u8]) -> bool {
    let lines = bundle::inventory(inventory).unwrap_or_default();
    lines.iter().flatten().any(|part| part.presence != Presence::Present)
}

/// A running server, and the token it is asked with.
struct Server<'a> {
    client: reqwest::blocking::Client,
    address: &'a str,
    token: &'a str,
}

impl<'a> Server<'a> {
    fn new(address: &'a str, token: &'a str, ca: Option<&Path>) -> Result<Self, CopyError> {
        let client = https::builder(ca)?.build().map_err(unreachable)?;
        Ok(Self { client, address: address.trim_end_matches('/'), token })
    }

    fn head(&self) -> Result<Head, CopyError> {
        let head = String::from_utf8(self.get("/log/head")?).ok().and_then(|text| text.trim().parse().ok());
        head.ok_or(CopyError::NoHead)
    }

    /// The last checkpoint; nothing from a server that has none.
    fn checkpoint(&self) -> Result<Option<SignedNote>, CopyError> {
        match self.get("/log/checkpoint") {
            Err(CopyError::Status(404)) => Ok(None),
            note => Ok(Some(SignedNote::parse(&note?)?)),
        }
    }

    /// A server that is busy is asked again for a while.
    fn get(&self, path: &str) -> Result<Vec<u8>, CopyError> {
        let mut tries = 0;
        loop {
            let request = self.client.get(format!("{}{path}", self.address)).bearer_auth(self.token);
            let answer = request.send().map_err(unreachable)?;
            let status = answer.status();
            if status.is_success() {
                return Ok(answer.bytes().map_err(unreachable)?.to_vec());
            }
            let busy = matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE);
            if !busy || tries == TRIES {
                return Err(CopyError::Status(status.as_u16()));
            }
            tries += 1;
            thread::sleep(PAUSE);
        }
    }
}

fn unreachable(failed: reqwest::Error) -> CopyError {
    CopyError::Unreachable(https::reason(failed))
}

/// A copy that is being written: records, inventory, and the tree that a checkpoint is over. Its head file comes last, so an
/// unfinished one is no copy.
struct Copy<'a> {
    out: &'a Path,
    note: Option<SignedNote>,
    tree: Growing,
}

impl<'a> Copy<'a> {
    fn begin(out: &'a Path, note: Option<SignedNote>) -> Result<Self, CopyError> {
        fs::create_dir_all(out)?;
        if fs::read_dir(out)?.next().is_some() {
            return Err(CopyError::NotEmpty);
        }
        let size = note.as_ref().map(|note| Checkpoint::parse(note.text())).transpose()?.map_or(0, |of| of.size);
        Ok(Self { out, note, tree: Growing::to(size) })
    }

    fn grow(&mut self, record: &[u8]) -> io::Result<()> {
        let out = self.out;
        self.tree.push(tree::leaf(record), &mut |row, number, hashes| write_tile(out, row, number, hashes))
    }

    fn grow_all(&mut self, records: &[u8]) -> Result<(), CopyError> {
        let records = bundle::records(records).map_err(|_| CopyError::NoRecords)?;
        records.into_iter().try_for_each(|record| self.grow(record)).map_err(CopyError::from)
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
        if let Some(note) = self.note {
            fs::write(self.out.join(CHECKPOINT), note.to_string())?;
        }
        fs::write(self.out.join(HEAD_FILE), head_file(head))
    }
}
