//! Where an auditor reads from: an audit copy, or the journal of a data directory at rest. Read only, both.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use events::bundle::{self, Inventoried};
use events::chain::Head;
use events::checkpoint::Checkpoint;
pub use events::evidence::Audited;
use events::log::journal::{self, Journal};
use events::log::lock::Lock;
use events::log::{Entry, LogError};
use events::note::{MOST_BYTES, SignedNote};
use events::record::Record;

use crate::partial;
use crate::tiles::Tiles;
use crate::witness::published::CHECKPOINT;

/// The file that makes a directory an audit copy: one line that says so, one with the head.
pub const HEAD_FILE: &str = "audit-copy";
/// The first line of that file.
pub const HEAD_LINE: &str = "lethe audit copy 1";
/// The most bytes that this file may have.
const HEAD_MOST: u64 = 4096;

/// A directory that cannot be read as a log.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The operating system refused.
    #[error("cannot read {file}: {source}")]
    Io {
        /// The file.
        file: String,
        /// Why not.
        source: std::io::Error,
    },
    /// It is neither an audit copy nor a data directory.
    #[error("this is neither an audit copy nor a data directory of Lethe")]
    Neither,
    /// A file of the copy is not what it should be.
    #[error("record {position}: the audit copy has no good {file}: {what}")]
    Copy {
        /// The first record that is missing.
        position: u64,
        /// The file.
        file: String,
        /// What is wrong.
        what: String,
    },
    /// The directory is in use.
    #[error(
        "a server uses this directory: take the copy from it with `lethe-audit copy --server URL --token TOKEN OUT`"
    )]
    InUse,
    /// The journal cannot be read.
    #[error(transparent)]
    Log(#[from] LogError),
}

/// What is read from.
pub enum Source {
    /// An audit copy, and the head it claims.
    Copy(PathBuf, Head),
    /// A data directory at rest, held so that no server starts meanwhile.
    Data(Option<Lock>, Journal),
}

impl Source {
    /// Opens a directory, whichever it is.
    pub fn open(path: &Path) -> Result<Self, SourceError> {
        if fs::symlink_metadata(path.join(HEAD_FILE)).is_ok() {
            return Ok(Self::Copy(path.to_path_buf(), claimed(&path.join(HEAD_FILE))?));
        }
        if !path.join("journal").is_dir() {
            return Err(SourceError::Neither);
        }
        let lock = match Lock::take_read_only(path) {
            Err(LogError::Locked) => return Err(SourceError::InUse),
            lock => lock?,
        };
        Ok(Self::Data(lock, Journal::open_read_only(path)?))
    }

    /// How many records it says it has.
    pub fn size(&self) -> u64 {
        match self {
            Self::Copy(_, head) => head.size,
            Self::Data(_, journal) => journal.head().size,
        }
    }

    /// The head that a copy claims; a journal's is what is found in it.
    pub fn claimed_head(&self) -> Option<Head> {
        match self {
            Self::Copy(_, head) => Some(*head),
            Self::Data(..) => None,
        }
    }

    /// The checkpoint that was published with a copy, and where its tiles are; its signatures are not checked.
    pub fn published(&self) -> Result<Option<(SignedNote, Checkpoint, Tiles)>, SourceError> {
        let Self::Copy(path, _) = self else { return Ok(None) };
        let wrong = |what: String| SourceError::Copy { position: 0, file: CHECKPOINT.into(), what };
        let bytes = match read_regular(&path.join(CHECKPOINT), MOST_BYTES as u64) {
            Err(missing) if missing.kind() == io::ErrorKind::NotFound => return Ok(None),
            read => read.map_err(|failed| wrong(failed.to_string()))?,
        };
        let note = SignedNote::parse(&bytes).map_err(|bad| wrong(bad.to_string()))?;
        let checkpoint = Checkpoint::parse(note.text()).map_err(|bad| wrong(bad.to_string()))?;
        let tiles = Tiles::of(path, checkpoint.size);
        Ok(Some((note, checkpoint, tiles)))
    }

    /// Its records in order. The first error ends them.
    pub fn records(&self) -> Box<dyn Iterator<Item = Result<Audited, SourceError>> + Send + '_> {
        match self {
            Self::Copy(path, head) => {
                Box::new(Bundles { path, size: head.size, next: 0, ready: Vec::new().into_iter(), failed: false })
            }
            Self::Data(_, journal) => {
                Box::new((0..).zip(journal.entries()).map(|(position, entry)| audited(position, entry?)))
            }
        }
    }
}

/// A journal holds the key's id beside each part: it is the one that the record names. What is no record is told later.
fn audited(position: u64, entry: Entry) -> Result<Audited, SourceError> {
    if let Ok(record) = Record::parse(&entry.record) {
        let named = record.personal.iter().map(|part| part.key);
        if named.ne(entry.parts.iter().map(|part| part.key)) {
            let what = "the sealed parts beside it are not the ones it names";
            return Err(LogError::Damaged { position, file: journal::NAME.into(), what: what.into() }.into());
        }
    }
    let parts = entry.parts.iter().map(Inventoried::of).collect();
    Ok(Audited { record: entry.record, parts })
}

/// The bundles of an audit copy.
struct Bundles<'a> {
    path: &'a Path,
    size: u64,
    next: u64,
    ready: std::vec::IntoIter<Audited>,
    failed: bool,
}

impl Iterator for Bundles<'_> {
    type Item = Result<Audited, SourceError>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(audited) = self.ready.next() {
            return Some(Ok(audited));
        }
        let width = bundle::width(self.next, self.size).filter(|_| !self.failed)?;
        match self.bundle(width) {
            Ok(bundle) => {
                self.next += 1;
                self.ready = bundle.into_iter();
                self.ready.next().map(Ok)
            }
            Err(failed) => {
                self.failed = true;
                Some(Err(failed))
            }
        }
    }
}

impl Bundles<'_> {
    fn bundle(&self, width: u64) -> Result<Vec<Audited>, SourceError> {
        let position = self.next * bundle::WIDTH;
        let wrong = |file: &str, what: String| SourceError::Copy { position, file: file.to_owned(), what };
        let read = |what: &str, most: fn(u64) -> u64| {
            let (file, width) = partial::find(self.path, what, self.next, width);
            let bytes = read_regular(&self.path.join(&file), most(width));
            let bytes = bytes.map_err(|failed| wrong(&file, failed.to_string()))?;
            Ok::<_, SourceError>((file, width, bytes))
        };
        let (file, listed, bytes) = read("entries", bundle::most_of_records)?;
        let records = bundle::records(&bytes).map_err(|bad| wrong(&file, bad.to_string()))?;
        let (inventory_file, inventoried, bytes) = read("inventory", bundle::most_of_inventory)?;
        let inventory = bundle::inventory(&bytes).map_err(|bad| wrong(&inventory_file, bad.to_string()))?;
        for (file, count, width) in [(&file, records.len(), listed), (&inventory_file, inventory.len(), inventoried)] {
            if count as u64 != width {
                return Err(wrong(file, format!("it holds {count} entries where {width} belong")));
            }
        }
        // What has grown since begins with the same.
        let pairs = records.into_iter().zip(inventory).take(width as usize);
        Ok(pairs.map(|(record, parts)| Audited { record: record.to_vec(), parts }).collect())
    }
}

fn claimed(file: &Path) -> Result<Head, SourceError> {
    let unread = |source| SourceError::Io { file: HEAD_FILE.into(), source };
    let bytes = read_regular(file, HEAD_MOST).map_err(unread)?;
    let lines = std::str::from_utf8(&bytes).ok().and_then(|text| text.strip_suffix('\n')?.split_once('\n'));
    let head = lines.filter(|(first, _)| *first == HEAD_LINE).and_then(|(_, head)| head.parse().ok());
    head.ok_or_else(|| SourceError::Copy { position: 0, file: HEAD_FILE.into(), what: "it is not one".into() })
}

/// Reads a file of a copy, which somebody else has made: a link could lead to a device that never ends, and a file that is
/// larger than it can be is not read to find that out.
pub fn read_regular(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let refused = |what: String| io::Error::new(io::ErrorKind::InvalidData, what);
    if !fs::symlink_metadata(path)?.is_file() {
        return Err(refused("it is no regular file".into()));
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        return Err(refused(format!("it is larger than {most} bytes, and none of its kind is")));
    }
    Ok(bytes)
}

/// What the file [`HEAD_FILE`] of an audit copy holds.
pub fn head_file(head: Head) -> String {
    format!("{HEAD_LINE}\n{head}\n")
}
