//! Audit copies: from the journal of a directory at rest, or from a running server.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Read as _};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use events::bundle::{self, Presence, put_parts, put_record};
use events::chain::Head;
use events::checkpoint::Checkpoint;
use events::ledger::publish::STORED;
use events::log::journal::Journal;
use events::log::lock::Lock;
use events::log::{Log, LogError, PartBytes};
use events::note::{self, NoteError, SignedNote};
use events::record::Record;
use events::tree;
use reqwest::StatusCode;
use reqwest::blocking::Response;

use crate::https::{self, TrustError};
use crate::source::{HEAD_FILE, SourceError, head_file};
use crate::tiles::{Growing, write_tile};
use crate::witness::published::CHECKPOINT;

/// How often a server that is busy is asked again, and how long between.
const TRIES: u32 = 100;
const PAUSE: Duration = Duration::from_millis(100);
/// How long one answer may take to its end: 16 MB at most, so 55 KB a second are enough.
const ANSWER: Duration = Duration::from_secs(300);
/// How often a copy goes on to a later head. Each time parts were swept meanwhile, so a few are many.
const HEADS: u32 = 100;
/// How much is read of a log in service at a time, in bytes.
const CHUNK: usize = 1 << 20;
/// The most bytes of a head: 20 digits, a colon, 64 digits and a line feed.
const MOST_OF_HEAD: u64 = 86;

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
    /// The server sends on and on.
    #[error("the answer of the server to {path} {why}")]
    Endless {
        /// What it was asked for.
        path: String,
        /// What it is too much of.
        why: &'static str,
    },
    /// The server takes back what it said.
    #[error("the server names the head {later} behind the head {head}, which it does not go on from")]
    OtherHead {
        /// The one it named first.
        head: Head,
        /// The one it names now.
        later: Head,
    },
    /// There is always one more.
    #[error("sealed parts are swept faster than they are copied; copy again when the server has less to do")]
    NeverDone,
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

/// Copies the records of a log in service, with its last checkpoint, as of the size it has by then or of a later one: a part
/// that was swept meanwhile has its excuse behind that size. `each` sees every record, in order.
pub fn from_log(
    log: &impl Log,
    note: Option<SignedNote>,
    out: &Path,
    each: &mut dyn FnMut(&Record<'_>),
) -> Result<Head, CopyError> {
    let mut copy = Copy::begin(out, note)?;
    let (mut records, mut parts, mut size) = (Vec::new(), Vec::new(), 0_u64);
    for _ in 0..HEADS {
        let (head, mut swept) = (log.head(), false);
        while size < head.size {
            let read = log.read(size, CHUNK).map_err(SourceError::from)?;
            let left = usize::try_from(head.size - size).unwrap_or(usize::MAX);
            let Some(some) = read.get(..read.len().min(left)).filter(|some| !some.is_empty()) else {
                return Err(CopyError::NoRecords);
            };
            for entry in some {
                each(&Record::parse(&entry.record).map_err(|_| CopyError::NoRecords)?);
                copy.grow(&entry.record)?;
                put_record(&mut records, &entry.record);
                put_parts(&mut parts, entry);
                swept |= entry.parts.iter().any(|part| !matches!(part.bytes, PartBytes::Present(_)));
                size += 1;
                if size.is_multiple_of(bundle::WIDTH) {
                    copy.put(size / bundle::WIDTH - 1, size, &records, &parts)?;
                    records.clear();
                    parts.clear();
                }
            }
        }
        if !swept || log.head().size == size {
            if !records.is_empty() {
                copy.put(size / bundle::WIDTH, size, &records, &parts)?;
            }
            let head = Head { size: head.size, hash: head.hash };
            copy.end(head)?;
            return Ok(head);
        }
    }
    Err(CopyError::NeverDone)
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
    // What was not there in the bundle that is read again; a head that was named behind it has the certificates.
    let mut known = BTreeSet::new();
    for _ in 0..HEADS {
        let mut swept = false;
        let mut last = None;
        while let Some(width) = bundle::width(number, head.size) {
            let records = server.bundle("entries", number, width, bundle::most_of_records(width))?;
            let parts = server.bundle("inventory", number, width, bundle::most_of_inventory(width))?;
            let absent = absent(&parts);
            swept |= !absent.is_subset(&known);
            if width < bundle::WIDTH {
                (last, known) = (Some((records, parts)), absent);
                break;
            }
            copy.grow_all(&records, width)?;
            copy.put(number, head.size, &records, &parts)?;
            (number, known) = (number + 1, BTreeSet::new());
        }
        // Certificates are durable before anything is swept, so this head has those of all that was absent so far.
        let later = if swept { server.head()? } else { head };
        if later == head {
            if let Some((records, parts)) = last {
                copy.grow_all(&records, head.size % bundle::WIDTH)?;
                copy.put(number, head.size, &records, &parts)?;
            }
            copy.end(head)?;
            return Ok(head);
        }
        if later.size <= head.size {
            return Err(CopyError::OtherHead { head, later });
        }
        head = later;
    }
    Err(CopyError::NeverDone)
}

/// The parts of a bundle that are not there: which of which record.
fn absent(inventory: &[u8]) -> BTreeSet<(usize, usize)> {
    let records = bundle::inventory(inventory).unwrap_or_default();
    let absent = records.iter().enumerate().flat_map(|(record, parts)| {
        let gone = parts.iter().enumerate().filter(|(_, part)| part.presence != Presence::Present);
        gone.map(move |(part, _)| (record, part))
    });
    absent.collect()
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
        let head = String::from_utf8(self.get("/log/head", MOST_OF_HEAD)?).ok();
        head.and_then(|text| text.trim().parse().ok()).ok_or(CopyError::NoHead)
    }

    /// The last checkpoint; nothing from a server that has none.
    fn checkpoint(&self) -> Result<Option<SignedNote>, CopyError> {
        match self.get("/log/checkpoint", note::MOST_BYTES as u64) {
            Err(CopyError::Status(404)) => Ok(None),
            note => Ok(Some(SignedNote::parse(&note?)?)),
        }
    }

    fn bundle(&self, what: &str, number: u64, width: u64, most: u64) -> Result<Vec<u8>, CopyError> {
        self.get(&format!("/log/{}", bundle::path(what, number, width)), most)
    }

    /// A server that is busy is asked again for a while. No more than `most` bytes are taken of what it says.
    fn get(&self, path: &str, most: u64) -> Result<Vec<u8>, CopyError> {
        let mut tries = 0;
        loop {
            let request = self.client.get(format!("{}{path}", self.address)).bearer_auth(self.token);
            let answer = request.send().map_err(unreachable)?;
            let status = answer.status();
            if status.is_success() {
                return read(answer, path, most);
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

/// Nobody says how long an answer is but who sends it, and they are not trusted.
fn read(mut answer: Response, path: &str, most: u64) -> Result<Vec<u8>, CopyError> {
    let endless = |why| CopyError::Endless { path: path.to_owned(), why };
    let (since, mut bytes, mut some) = (Instant::now(), Vec::new(), vec![0; 1 << 16]);
    loop {
        let read = answer.read(&mut some).map_err(|failed| CopyError::Unreachable(failed.to_string()))?;
        if read == 0 {
            return Ok(bytes);
        }
        bytes.extend(some.iter().take(read));
        if bytes.len() as u64 > most {
            return Err(endless("has more bytes than there can be"));
        }
        if since.elapsed() > ANSWER {
            return Err(endless("takes too long"));
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

    /// A bundle has as many records as it must.
    fn grow_all(&mut self, records: &[u8], width: u64) -> Result<(), CopyError> {
        let records = bundle::records(records).ok().filter(|records| records.len() as u64 == width);
        let records = records.ok_or(CopyError::NoRecords)?;
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

#[cfg(test)]
mod tests;
