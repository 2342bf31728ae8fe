//! The chain as whoever reads it checks it: dense positions, links, contiguous revisions, whole commands, and one log id, but
//! for a restore. One [`Chain`] follows a log from its first record; the writer's own promises are asserted again here.

pub(crate) mod leaving;
mod line;
#[cfg(test)]
mod tests;

use domain::event::{Stream, StreamKind};
use domain::id::{CommandId, LogId};
use domain::leaving::{Leave, OutOfTurn};
use domain::time::Time;

use crate::bytes::Malformed;
use crate::ids::IdMap;
use crate::record::{Hash, NO_HASH, Record, hash};
use crate::tree::{self, Node};
use crate::wire::WireError;

use line::Line;
pub use line::{Generation, NotContinued};

/// Where a chain stands: how many records, and the hash of the last.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Head {
    /// How many records.
    pub size: u64,
    /// The hash of the last one; [`NO_HASH`] when there is none.
    pub hash: Hash,
}

impl Head {
    /// Before the first record.
    pub const EMPTY: Self = Self { size: 0, hash: NO_HASH };
}

impl std::fmt::Display for Head {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.size, blake3::Hash::from_bytes(self.hash).to_hex())
    }
}

impl std::str::FromStr for Head {
    type Err = Malformed;

    /// A head has one form: no sign, no zero in front, no capital letter.
    fn from_str(text: &str) -> Result<Self, Malformed> {
        let (size, hash) = text.split_once(':').ok_or(Malformed::Short("colon"))?;
        let head = Self {
            size: size.parse().map_err(|_| Malformed::Value("size"))?,
            hash: *blake3::Hash::from_hex(hash).map_err(|_| Malformed::Value("hash"))?.as_bytes(),
        };
        if head.to_string() == text { Ok(head) } else { Err(Malformed::Value("head")) }
    }
}

/// What is wrong at a position. In the words of the report that an auditor reads.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("record {position}: {reason}")]
pub struct Broken {
    /// The first position that is wrong.
    pub position: u64,
    /// Why.
    pub reason: Reason,
}

/// The ways a chain can be broken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// The bytes are no record.
    #[error("its bytes are not a record: {0}")]
    Malformed(#[from] Malformed),
    /// The record says it stands elsewhere.
    #[error("it says that it is record {0}")]
    Position(u64),
    /// It is of another log.
    #[error("it belongs to another log, {0}")]
    Log(LogId),
    /// The first record does not open a log.
    #[error("the first record does not open a log")]
    NotOpened,
    /// The facts of the first record are of another log.
    #[error("it opens another log")]
    OpensAnother,
    /// No key can have the name of the log.
    #[error("the origin that it opens a log for cannot be the name of a key")]
    Origin,
    /// A log is opened once.
    #[error("it opens a log that is open")]
    OpenedAgain,
    /// Another log id begins with it, and it does not go on from what stands before it.
    #[error(transparent)]
    Continued(NotContinued),
    /// It decides which log this is, and cannot be read.
    #[error(transparent)]
    Facts(#[from] WireError),
    /// The link to the record before does not hold.
    #[error("it does not link to the record before it")]
    Link,
    /// The link within its stream does not hold.
    #[error("it does not link to the record before it in stream {0}")]
    StreamLink(Stream),
    /// A revision is missing or there twice.
    #[error("it has revision {found} in stream {stream}, where revision {expected} comes next")]
    Revision {
        /// The stream.
        stream: Stream,
        /// What comes next.
        expected: u64,
        /// What the record says.
        found: u64,
    },
    /// Its kind is another noun's than its stream's.
    #[error("it is of kind {kind}, in stream {stream}")]
    Kind {
        /// What the record says it is.
        kind: String,
        /// Where it stands.
        stream: Stream,
    },
    /// The id of its stream belongs to a stream of another kind.
    #[error("its stream has the id of {0}")]
    StreamKind(Stream),
    /// The time went back.
    #[error("it was recorded at {found}, before the record in front of it at {before}")]
    Time {
        /// The record's.
        found: Time,
        /// The one before.
        before: Time,
    },
    /// It became true after it was recorded.
    #[error("it says that it became true after it was recorded")]
    Effective,
    /// A command's records are not together and complete.
    #[error("the records of one command are not complete and together")]
    Command,
    /// It names a cause that does not come before it.
    #[error("it names a cause that is not before it")]
    Causation,
    /// Its controller left, or was leaving.
    #[error(transparent)]
    Leaving(#[from] OutOfTurn),
    /// The log ends inside a command.
    #[error("the log ends in the middle of a command")]
    Unfinished,
}

/// Follows a log record by record and says where it is broken.
#[derive(Default)]
pub struct Chain {
    head: Option<Head>,
    line: Line,
    recorded_at: Option<Time>,
    command: Option<Open>,
    leave: Leave,
    streams: IdMap<[u8; 16], StreamHead>,
}

/// A command whose records are still coming.
struct Open {
    id: CommandId,
    next: u16,
    count: u16,
}

/// Where a stream stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StreamHead {
    /// Which stream.
    pub stream: Stream,
    /// How many records it has.
    pub count: u64,
    /// The hash of its last record.
    pub hash: Hash,
}

impl Chain {
    /// Before the first record.
    pub fn new() -> Self {
        Self::default()
    }

    /// How far it came.
    pub fn head(&self) -> Head {
        self.head.unwrap_or(Head::EMPTY)
    }

    /// Which log it follows, once it has seen the first record: the last of its generations.
    pub fn log(&self) -> Option<LogId> {
        self.line.log()
    }

    /// The generations of the log, the oldest first. None only before the first record.
    pub fn generations(&self) -> &[Generation] {
        self.line.generations()
    }

    /// The root of the RFC 6962 tree over the records so far.
    pub fn root(&self) -> Node {
        self.line.tree().root()
    }

    /// When the last record was written.
    pub fn recorded_at(&self) -> Option<Time> {
        self.recorded_at
    }

    /// How far its controller came that leaves.
    pub fn leave(&self) -> &Leave {
        &self.leave
    }

    /// Where a stream stands.
    pub fn stream(&self, id: &[u8; 16]) -> Option<&StreamHead> {
        self.streams.get(id)
    }

    /// How many streams there are.
    pub fn streams(&self) -> usize {
        self.streams.len()
    }

    /// Parses, checks and takes the next record; its hash comes back with it.
    pub fn take<'a>(&mut self, bytes: &'a [u8]) -> Result<(Record<'a>, Hash), Broken> {
        let position = self.head().size;
        let record = Record::parse(bytes).map_err(|bad| Broken { position, reason: bad.into() })?;
        let hash = hash(bytes);
        self.check(&record, hash, tree::leaf(bytes))?;
        Ok((record, hash))
    }

    /// Checks and takes the next record, parsed and hashed elsewhere (in parallel, say), for the chain and for the tree.
    pub fn check(&mut self, record: &Record<'_>, hash: Hash, leaf: Node) -> Result<(), Broken> {
        let head = self.head();
        let broken = |reason| Broken { position: head.size, reason };
        let begun = self.doubt(record, head).map_err(broken)?;
        if let Some(leave) = leaving::next(&self.leave, record).map_err(broken)? {
            self.leave = leave;
        }
        self.line.take(begun, leaf);
        self.recorded_at = Some(record.recorded_at);
        self.head = Some(Head { size: head.size + 1, hash });
        self.command = (record.index + 1 < record.count).then_some(Open {
            id: record.command,
            next: record.index + 1,
            count: record.count,
        });
        self.streams.insert(record.stream.id, StreamHead { stream: record.stream, count: record.revision + 1, hash });
        Ok(())
    }

    /// At the end of the log: nothing may be left open.
    pub fn end(&self) -> Result<Head, Broken> {
        let head = self.head();
        match self.command {
            Some(_) => Err(Broken { position: head.size, reason: Reason::Unfinished }),
            None => Ok(head),
        }
    }

    /// The generation that begins with the record, if one does.
    fn doubt(&self, record: &Record<'_>, head: Head) -> Result<Option<Generation>, Reason> {
        if record.position != head.size {
            return Err(Reason::Position(record.position));
        }
        let begun = self.line.next(record)?;
        if record.previous != head.hash {
            return Err(Reason::Link);
        }
        if let Some(before) = self.recorded_at.filter(|before| *before > record.recorded_at) {
            return Err(Reason::Time { found: record.recorded_at, before });
        }
        if record.effective_at > record.recorded_at {
            return Err(Reason::Effective);
        }
        if record.causation.is_some_and(|cause| cause >= record.position) {
            return Err(Reason::Causation);
        }
        self.doubt_stream(record)?;
        self.doubt_command(record)?;
        Ok(begun)
    }

    fn doubt_stream(&self, record: &Record<'_>) -> Result<(), Reason> {
        let Stream { kind, id } = record.stream;
        let own = kind != StreamKind::Log || id == record.log.0;
        if !own || record.kind.split('.').next() != Some(kind.name()) {
            return Err(Reason::Kind { kind: record.kind.to_owned(), stream: record.stream });
        }
        let (expected, hash) = match self.streams.get(&record.stream.id) {
            Some(before) if before.stream != record.stream => return Err(Reason::StreamKind(before.stream)),
            Some(before) => (before.count, before.hash),
            None => (0, NO_HASH),
        };
        if record.revision != expected {
            return Err(Reason::Revision { stream: record.stream, expected, found: record.revision });
        }
        if record.previous_in_stream != hash {
            return Err(Reason::StreamLink(record.stream));
        }
        Ok(())
    }

    fn doubt_command(&self, record: &Record<'_>) -> Result<(), Reason> {
        let fits = match &self.command {
            Some(open) => (open.id, open.next, open.count) == (record.command, record.index, record.count),
            None => record.index == 0,
        };
        if fits { Ok(()) } else { Err(Reason::Command) }
    }
}
