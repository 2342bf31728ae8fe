//! The log: commits in order, durable when [`Log::append`] returns. One contract, one conformance suite for every engine.
//!
//! The embedded engine is [`engine::Embedded`]: a journal of segment files that is synced and is the truth, an index in
//! sled behind it that may be lost at any time, and a head mark beside both. It knows records by their header only: no
//! fact, no seal, no view.

pub mod carve;
pub mod copying;
pub mod engine;
pub mod frame;
pub mod headmark;
pub mod index;
pub mod journal;
mod keeper;
pub mod lock;
pub mod maps;
pub mod page;
pub mod put_back;
pub mod recover;
pub mod row;
pub mod segment;
mod sled;
pub mod speed;
pub mod walk;
pub mod writer;

#[cfg(test)]
mod conformance;
#[cfg(test)]
mod tests;

use domain::id::{CommandId, KeyId};
use domain::time::Time;

use crate::bytes::Malformed;
use crate::record::{Hash, NO_HASH};

/// One record with its sealed parts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// The canonical bytes.
    pub record: Vec<u8>,
    /// Their hash. An engine that reads an entry computes it from the bytes it read.
    pub hash: Hash,
    /// One for each of the record's references, in their order.
    pub parts: Vec<Part>,
}

/// One sealed part of a record.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Part {
    /// The key it was sealed under.
    pub key: KeyId,
    /// What is there of it.
    pub bytes: PartBytes,
}

/// What is there of a sealed part. The log only tells what it finds; whoever knows the keys judges it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PartBytes {
    /// The bytes as they were appended.
    Present(Vec<u8>),
    /// It was removed: nothing but zeros is there.
    Swept {
        /// How many bytes it had.
        length: u32,
    },
    /// Other bytes than were appended: an error for as long as the key lives.
    Damaged {
        /// How many bytes it had.
        length: u32,
    },
}

/// What one append makes durable: whole commands, in order, all or nothing.
#[derive(Clone, Default, Debug)]
pub struct Commit {
    /// The records; every part must be present.
    pub entries: Vec<Entry>,
}

/// What the log is now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Head {
    /// How many records are durable.
    pub size: u64,
    /// The hash of the last one.
    pub hash: Hash,
    /// When the last one was written.
    pub recorded_at: Time,
}

impl Head {
    /// Before the first record.
    pub const EMPTY: Self = Self { size: 0, hash: NO_HASH, recorded_at: Time(i64::MIN) };
}

/// Where a stream stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StreamHead {
    /// The revision of its last record.
    pub revision: u64,
    /// The position of its last record.
    pub position: u64,
    /// The hash of its last record.
    pub hash: Hash,
}

/// Where a command's records are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CommandPlace {
    /// The position of the first.
    pub first: u64,
    /// How many they are.
    pub count: u16,
}

/// Where a sealed part is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct PartPlace {
    /// The record's position.
    pub position: u64,
    /// Which of its parts, from 0.
    pub part: u16,
}

/// How much there is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counts {
    /// Streams.
    pub streams: u64,
    /// Keys that parts were sealed under.
    pub keys: u64,
    /// Commands that a retry is still compared with.
    pub commands: u64,
}

/// Told now and then during long work: how many records are done, of how many.
pub type Progress<'a> = dyn Fn(u64, u64) + 'a;

/// The log contract. One caller appends, any number read at the same time. No read goes beyond the durable size, and
/// nothing that is read is trusted: damage is an error with a position, never fewer records in silence.
pub trait Log: Send + Sync {
    /// Appends a commit. It is durable when this returns, as a whole; when it fails, the log is as it was after the next
    /// open, or, where only the answer was lost, holds the whole commit. After a failed write every further append is
    /// [`LogError::Stopped`]. The records must be the next ones in the chain and in their streams, each command complete.
    fn append(&self, commit: &Commit) -> Result<Head, LogError>;

    /// What is durable.
    fn head(&self) -> Head;

    /// The entries from a position on: at least one where there is one, and then for as long as they are together not more
    /// than `max_bytes`.
    fn read(&self, from: u64, max_bytes: usize) -> Result<Vec<Entry>, LogError>;

    /// The entries of a stream from a revision on, limited as in [`Log::read`]. An unknown stream is empty.
    fn read_stream(&self, stream: &[u8; 16], from: u64, max_bytes: usize) -> Result<Vec<Entry>, LogError>;

    /// One entry, if the log reaches that far.
    fn record(&self, position: u64) -> Result<Option<Entry>, LogError>;

    /// Where a stream stands.
    fn stream_head(&self, stream: &[u8; 16]) -> Option<StreamHead>;

    /// Where the records of a command are, if it is within the window (7 days of records before the head, or a little more).
    fn command(&self, command: &CommandId) -> Option<CommandPlace>;

    /// All parts under a key, by position, removed ones too.
    fn parts_of(&self, key: &KeyId) -> Result<Vec<PartPlace>, LogError>;

    /// The last record with a part under a key, removed ones too. The cost does not grow with their number.
    fn last_part_of(&self, key: &KeyId) -> Option<u64>;

    /// The streams that have a part under one of the keys, sorted.
    fn streams_of(&self, keys: &[KeyId]) -> Result<Vec<[u8; 16]>, LogError>;

    /// Removes parts for good: their bytes are zeros and that is durable when this returns. A part that is gone stays gone.
    fn remove_parts(&self, places: &[PartPlace]) -> Result<(), LogError>;

    /// How much there is.
    fn counts(&self) -> Counts;
}

/// What can go wrong with a log. The texts hold file names and positions, never what records say.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The operating system refused.
    #[error("cannot {action} {file}: {source}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file's name.
        file: String,
        /// Why not.
        source: std::io::Error,
    },
    /// Bytes are not what was written.
    #[error("the log is damaged at record {position}, in {file}: {what}")]
    Damaged {
        /// The first record that is missing or wrong.
        position: u64,
        /// The file's name.
        file: String,
        /// What was found.
        what: String,
    },
    /// Records are missing at the end.
    #[error(
        "the log ends at {size}, its head mark says {marked}: {} records are missing; put a newer backup of the journal \
         back, or let the log go on without them: `lethe restore`",
        marked.saturating_sub(*size)
    )]
    Behind {
        /// How many records there are.
        size: u64,
        /// How many there were.
        marked: u64,
    },
    /// Not the log that the mark was made for.
    #[error("record {position} is not the one that the head mark remembers: this is another history of the log")]
    Forked {
        /// The record at the mark.
        position: u64,
    },
    /// The head mark cannot be used.
    #[error(
        "the head mark is {0}; without it nobody can say whether records are missing from the end of the log; after a \
         backup was put back, the way on is `lethe restore`"
    )]
    NoMark(&'static str),
    /// The files belong to another log.
    #[error("{file} belongs to another log")]
    Foreign {
        /// The file's name.
        file: String,
    },
    /// There is no log here.
    #[error("there is no log in this directory")]
    NotFound,
    /// There is a log here.
    #[error("there is a log in this directory already")]
    Exists,
    /// Another process holds the directory.
    #[error("another process uses this data directory")]
    Locked,
    /// A write failed earlier.
    #[error("the log takes no more records after a failed write; the next start verifies it")]
    Stopped,
    /// The caller broke its promise; nothing was written.
    #[error("record {position} cannot be appended: {what}")]
    NotNext {
        /// Where it would stand.
        position: u64,
        /// What does not fit.
        what: &'static str,
    },
    /// Bytes that should be a record are none.
    #[error("record {position} is not a record: {source}")]
    Malformed {
        /// Where it stands.
        position: u64,
        /// Why.
        source: Malformed,
    },
    /// More records than this engine can count.
    #[error("the log is full: it holds {0} records")]
    Full(u64),
    /// No such part.
    #[error("record {position} has no part {part}")]
    NoPart {
        /// The record.
        position: u64,
        /// Which part.
        part: u16,
    },
}

impl LogError {
    pub(crate) fn io(action: &'static str, file: &std::path::Path) -> impl FnOnce(std::io::Error) -> Self {
        let file = name_of(file);
        move |source| Self::Io { action, file, source }
    }

    pub(crate) fn damaged(position: u64, file: &str, what: impl Into<String>) -> Self {
        Self::Damaged { position, file: file.to_owned(), what: what.into() }
    }
}

/// The last part of a path: what errors name a file by.
pub(crate) fn name_of(path: &std::path::Path) -> String {
    path.file_name().map_or_else(|| "the directory".to_owned(), |name| name.to_string_lossy().into_owned())
}
