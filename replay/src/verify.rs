//! Whether a log is what it claims: every record in its place, every link, every stream without a gap, every map root that of
//! the records before it, every absent part with an excuse. Needs no key.

mod published;
mod resealed;

use std::collections::{BTreeMap, BTreeSet};

use domain::event::{Event, Stream};
use domain::id::{ErasureId, KeyId};
use domain::leaving::LeaveStage;
use domain::personal::{Gone, Held};
use domain::subject::{self, redaction};
use domain::{ledger, notice};
use events::bundle::Presence;
use events::bytes::Malformed;
use events::chain::{Broken, Chain, Head, Reason, StreamHead};
use events::checkpoint::Checkpoint;
use events::ids::{IdMap, IdSet};
use events::log::LogError;
use events::note::SignedNote;
use events::record::{Hash, Record, hash};
use events::tree::{self, Node};
use events::wire::{self, WireError};
use rayon::prelude::*;

use crate::maps::{MapRoots, Maps, Named, WrongMap};
use crate::source::{Audited, Source, SourceError};
use published::Published;
use resealed::Claims;

/// How many records are read and hashed at a time.
const CHUNK: usize = 8192;

/// What a log that holds together says about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consistent {
    /// Where it ends.
    pub head: Head,
    /// Its generations, the oldest first: more than one where it was restored from a backup.
    pub generations: Vec<Generation>,
    /// How many streams it has.
    pub streams: usize,
    /// The map roots it names: each was made again.
    pub maps: MapRoots,
    /// Sealed parts by the inventory.
    pub parts: Parts,
    /// Erasures that were certified.
    pub certified: usize,
    /// Where its controller left, the record that certifies that every key is gone, and what that is worth.
    pub left: Option<(u64, subject::AnchorLevel)>,
    /// Whether the expected head was given and met.
    pub expected: bool,
    /// The root of the tree over all records.
    pub root: Node,
    /// The checkpoint that lies with it, whose root and tiles are those of the records; its signatures are not checked here.
    pub published: Option<(SignedNote, Checkpoint)>,
}

/// A log between two restores, and who may sign for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generation {
    /// Its id, its origin and where it begins.
    pub of: events::chain::Generation,
    /// The keys that the log names for its checkpoints, each with the position from which on.
    pub signers: Vec<(u64, [u8; 32])>,
}

/// How many sealed parts there are, by what the inventory says.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
pub struct Parts {
    /// There, under a key that nobody ordered to be destroyed.
    pub present: u64,
    /// Not there, and a certified erasure destroyed their key.
    pub erased: u64,
    /// Not there, and by a record behind a restore the keyring had destroyed their key: the operator's word.
    pub erased_before: u64,
    /// Not there, and their key was declared lost.
    pub lost: u64,
    /// Still there although their key was destroyed: to be swept.
    pub residue: u64,
}

/// Why a log is not to be believed, or could not be read.
#[derive(Debug, thiserror::Error)]
pub enum Failed {
    /// It is broken.
    #[error(transparent)]
    Broken(#[from] Unsound),
    /// It cannot be read.
    #[error(transparent)]
    Unreadable(SourceError),
    /// The verdict rests on facts in a form that came after this program.
    #[error("record {position}: {unknown}: this program is older than the log")]
    Newer {
        /// Where.
        position: u64,
        /// Which form.
        unknown: WireError,
    },
}

/// Bytes that are not what was written are a verdict on the log, not a failure to read it.
impl From<SourceError> for Failed {
    fn from(error: SourceError) -> Self {
        let position = match &error {
            SourceError::Copy { position, .. }
            | SourceError::Log(LogError::Damaged { position, .. })
            | SourceError::Log(LogError::Forked { position })
            | SourceError::Log(LogError::Malformed { position, .. }) => *position,
            SourceError::Log(LogError::Behind { size, .. }) => *size,
            _ => return Self::Unreadable(error),
        };
        Self::Broken(Unsound::Stored { position, reason: error.to_string() })
    }
}

/// What cannot be read because it came later is no verdict.
impl From<Broken> for Failed {
    fn from(broken: Broken) -> Self {
        match broken {
            Broken { position, reason: Reason::Facts(unknown @ WireError::Unknown { .. }) } => {
                Self::Newer { position, unknown }
            }
            broken => Self::Broken(Unsound::Chain(broken)),
        }
    }
}

/// Where and how a log is broken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unsound {
    /// The chain does not hold.
    #[error(transparent)]
    Chain(#[from] Broken),
    /// What is stored is not what was written.
    #[error("record {position}: {reason}")]
    Stored {
        /// Where.
        position: u64,
        /// What was found.
        reason: String,
    },
    /// The facts of a record are not in a form that is known.
    #[error("record {position}: {reason}")]
    Facts {
        /// Where.
        position: u64,
        /// Why not.
        reason: String,
    },
    /// The map root that a record names is not that of the records before it.
    #[error("record {position}: {wrong}")]
    Map {
        /// Where.
        position: u64,
        /// In what way.
        wrong: WrongMap,
    },
    /// The inventory and the record do not go together.
    #[error("record {position}: the inventory has {listed} sealed parts, the record names {named}")]
    Inventory {
        /// Where.
        position: u64,
        /// By the inventory.
        listed: usize,
        /// By the record.
        named: usize,
    },
    /// A part is not there, and no certified erasure took it.
    #[error("record {position}: sealed part {part} is missing, and no certified erasure destroyed its key")]
    Missing {
        /// Where.
        position: u64,
        /// Which.
        part: usize,
    },
    /// A part was sealed under a key behind the record that ordered its destruction.
    #[error("record {position}: sealed part {part} is under a key whose destruction was ordered before")]
    Revived {
        /// Where.
        position: u64,
        /// Which.
        part: usize,
    },
    /// What was published with the records is another log's.
    #[error("record {position}: {reason}")]
    Published {
        /// Where it is seen.
        position: u64,
        /// What was found.
        reason: String,
    },
    /// The expected head is not in this log.
    #[error("record {}: the log does not have the expected head: {found}", expected.size.saturating_sub(1))]
    NotExpected {
        /// What was expected.
        expected: Head,
        /// What was found instead.
        found: String,
    },
}

impl Unsound {
    /// The first position that is wrong.
    pub fn position(&self) -> u64 {
        match self {
            Self::Chain(broken) => broken.position,
            Self::Stored { position, .. }
            | Self::Facts { position, .. }
            | Self::Published { position, .. }
            | Self::Map { position, .. }
            | Self::Inventory { position, .. }
            | Self::Missing { position, .. }
            | Self::Revived { position, .. } => *position,
            Self::NotExpected { expected, .. } => expected.size.saturating_sub(1),
        }
    }
}

/// Checks a whole log. `each` sees every record behind its check, in order: a trail is collected there, and thrown away
/// when a later record is broken. `progress` is told how many are done, of how many.
pub fn verify(
    source: &Source,
    expected: Option<Head>,
    each: &mut (dyn FnMut(&Record<'_>, Hash) + Send),
    progress: &dyn Fn(u64, u64),
) -> Result<Consistent, Failed> {
    let size = source.size();
    let published = Published::of(source)?;
    let mut audit = Audit { expected, published, ..Audit::default() };
    let mut records = source.records();
    let mut read = || Chunk::read(&mut records);
    let mut next = read()?;
    let mut done = 0;
    while !next.records.is_empty() {
        let chunk = std::mem::take(&mut next);
        done += chunk.records.len() as u64;
        let (checked, more) = rayon::join(|| audit.take(&chunk, each), &mut read);
        checked?;
        next = more?;
        progress(done, size);
    }
    drop(records);
    audit.resealed.confirm(source)?;
    Ok(audit.end(source)?)
}

/// Some records in a row, and their hashes for chain and tree: those are made while the records before them are checked.
#[derive(Default)]
struct Chunk {
    records: Vec<Audited>,
    hashes: Vec<(Hash, Node)>,
}

impl Chunk {
    fn read(records: &mut (dyn Iterator<Item = Result<Audited, SourceError>> + Send)) -> Result<Self, SourceError> {
        let records = records.take(CHUNK).collect::<Result<Vec<_>, _>>()?;
        let both = |audited: &Audited| (hash(&audited.record), tree::leaf(&audited.record));
        let hashes = records.par_iter().with_min_len(64).map(both).collect();
        Ok(Self { records, hashes })
    }
}

/// The kinds whose facts decide something here. Nobody can judge a log that has one of them in a form that came later.
const DECISIVE: [&str; 10] = [
    "log.erasures",
    "log.keyring",
    "log.map",
    "log.signer",
    "log.continued",
    "case.destruction-ordered",
    "case.certified",
    "case.certified-finally",
    "case.resealed",
    "notice.published",
];

/// What a record's facts say where they decide something; of all others it is only seen that they are facts of their kind.
type Said = Result<Option<Box<Event>>, Box<Failed>>;

/// Everything of a record that can be seen without those before it.
fn read(bytes: &[u8]) -> Result<(Record<'_>, Said), Malformed> {
    let record = Record::parse(bytes)?;
    let decides = DECISIVE.contains(&record.kind);
    let said = match facts(&record) {
        Ok(event) => Ok(decides.then(|| Box::new(event))),
        Err(Failed::Newer { .. }) if !decides => Ok(None),
        Err(failed) => Err(Box::new(failed)),
    };
    Ok((record, said))
}

/// An erasure, and the stream in which it ordered a destruction.
type Order = (ErasureId, Stream);

#[derive(Default)]
struct Audit {
    chain: Chain,
    published: Option<Published>,
    maps: Maps,
    expected: Option<Head>,
    met: bool,
    /// The keys that sign checkpoints, each with the position that names it.
    signers: Vec<(u64, [u8; 32])>,
    /// Keys whose destruction was ordered: no part is sealed under them any more.
    ordered: IdSet<KeyId>,
    /// The keys that each erasure ordered to be destroyed. A key may stand under several.
    orders: BTreeMap<Order, Vec<KeyId>>,
    /// The orders that are certified: in the stream that ordered.
    certified: BTreeSet<Order>,
    lost: IdSet<KeyId>,
    /// Keys that the keyring had destroyed before a restore.
    erased_before: IdSet<KeyId>,
    /// Whether the record before begins a generation, or says what was erased before it.
    restoring: bool,
    /// What was resealed: each claim is held against the record that it names, behind the last one.
    resealed: Claims,
    parts: Parts,
    absent: Vec<(u64, usize, KeyId)>,
    present_by_key: IdMap<KeyId, u64>,
}

impl Audit {
    fn take(&mut self, chunk: &Chunk, each: &mut (dyn FnMut(&Record<'_>, Hash) + Send)) -> Result<(), Failed> {
        let records = chunk.records.par_iter().with_min_len(64);
        let read: Vec<_> = records.map(|audited| read(&audited.record)).collect();
        for ((audited, hash), read) in chunk.records.iter().zip(&chunk.hashes).zip(read) {
            let (position, (hash, leaf)) = (self.chain.head().size, *hash);
            let (record, said) = read.map_err(|bad| Broken { position, reason: bad.into() })?;
            self.chain.check(&record, hash, leaf)?;
            self.expect(hash)?;
            self.inventory(&record, audited)?;
            self.decide(&record, said.map_err(|failed| *failed)?)?;
            self.maps.take(StreamHead { stream: record.stream, count: record.revision + 1, hash });
            each(&record, hash);
        }
        if let Some(published) = &mut self.published {
            chunk.hashes.iter().try_for_each(|(_, leaf)| published.take(*leaf))?;
        }
        Ok(())
    }

    fn expect(&mut self, hash: Hash) -> Result<(), Unsound> {
        let Some(expected) = self.expected.filter(|expected| expected.size == self.chain.head().size) else {
            return Ok(());
        };
        self.met = expected.hash == hash;
        if self.met {
            return Ok(());
        }
        Err(Unsound::NotExpected { expected, found: format!("its head at that size is {}", self.chain.head()) })
    }

    fn inventory(&mut self, record: &Record<'_>, audited: &Audited) -> Result<(), Unsound> {
        let position = record.position;
        let (listed, named) = (audited.parts.len(), record.personal.len());
        if listed != named {
            return Err(Unsound::Inventory { position, listed, named });
        }
        for (part, (of, line)) in record.personal.iter().zip(&audited.parts).enumerate() {
            if self.ordered.contains(&of.key) {
                return Err(Unsound::Revived { position, part });
            }
            match line.presence {
                Presence::Present => *self.present_by_key.entry(of.key).or_default() += 1,
                Presence::Swept | Presence::Missing => self.absent.push((position, part, of.key)),
            }
        }
        Ok(())
    }

    /// What follows from the facts of a record: what may be absent, which text was shown, where streams stood.
    fn decide(&mut self, record: &Record<'_>, said: Option<Box<Event>>) -> Result<(), Failed> {
        let behind_restore =
            std::mem::replace(&mut self.restoring, ["log.continued", "log.erasures"].contains(&record.kind));
        let Some(said) = said else { return Ok(()) };
        let wrong = |reason: &str| Unsound::Facts { position: record.position, reason: reason.to_owned() };
        match *said {
            Event::Log(ledger::Event::Continued(continued)) => {
                self.signers.push((record.position, continued.public_key));
            }
            Event::Log(ledger::Event::SignerNamed { public_key, name, .. }) => {
                if self.chain.generations().last().is_none_or(|generation| generation.origin != name) {
                    return Err(wrong("the key it names signs for another origin").into());
                }
                self.signers.push((record.position, public_key));
            }
            Event::Notice(notice::Event::Published { text, hash, .. })
                if events::record::notice_hash(text.as_str()) != hash =>
            {
                return Err(wrong("the hash beside the notice is another text's").into());
            }
            Event::Log(ledger::Event::KeysLost { keys }) => self.lost.extend(keys),
            Event::Log(ledger::Event::ErasedBefore { .. }) if !behind_restore => {
                return Err(wrong("it excuses keys without an order, and does not stand behind a restore").into());
            }
            Event::Log(ledger::Event::ErasedBefore { keys, .. }) => {
                self.ordered.extend(&keys);
                self.erased_before.extend(keys);
            }
            Event::Log(ledger::Event::Mapped { size, streams, root }) => {
                let (position, named) = (record.position, Named { size, streams, root });
                self.maps.confirm(named).map_err(|wrong| Unsound::Map { position, wrong })?;
            }
            Event::Case(subject::Event::Redaction(redaction::Event::Resealed {
                compartment,
                from,
                to,
                resealed,
                ..
            })) => {
                self.resealed.take(record, (compartment, from, to), &resealed).map_err(wrong)?;
            }
            Event::Case(subject::Event::DestructionOrdered { erasure, keys, .. }) => {
                self.ordered.extend(&keys);
                self.orders.entry((erasure, record.stream)).or_default().extend(keys);
            }
            Event::Case(subject::Event::Certified { erasure, .. }) => {
                let order = (erasure, record.stream);
                if !self.orders.contains_key(&order) {
                    return Err(wrong("it certifies a destruction that nothing before it in its stream ordered").into());
                }
                self.certified.insert(order);
            }
            Event::Case(subject::Event::CertifiedFinally { erasure })
                if !self.certified.contains(&(erasure, record.stream)) =>
            {
                return Err(wrong("it certifies finally what nothing before it in its stream certified").into());
            }
            _ => {}
        }
        Ok(())
    }

    fn end(mut self, source: &Source) -> Result<Consistent, Unsound> {
        let head = self.chain.end()?;
        if head.size == 0 {
            return Err(Unsound::Chain(Broken { position: 0, reason: events::chain::Reason::NotOpened }));
        }
        if let Some(claimed) = source.claimed_head().filter(|claimed| *claimed != head) {
            return Err(Unsound::NotExpected { expected: claimed, found: format!("it ends at {head}") });
        }
        if let Some(expected) = self.expected.filter(|_| !self.met) {
            return Err(Unsound::NotExpected { expected, found: format!("it ends at {head}") });
        }
        let generations = generations(&self.chain, &self.signers);
        if let Some(published) = &self.published {
            published.end(head.size, &generations)?;
        }
        let certified = self.orders.iter().filter(|(order, _)| self.certified.contains(order));
        let erased: IdSet<KeyId> = certified.flat_map(|(_, keys)| keys).copied().collect();
        for (position, part, key) in std::mem::take(&mut self.absent) {
            match (erased.contains(&key), self.erased_before.contains(&key), self.lost.contains(&key)) {
                (true, ..) => self.parts.erased += 1,
                (_, true, _) => self.parts.erased_before += 1,
                (.., true) => self.parts.lost += 1,
                _ => return Err(Unsound::Missing { position, part }),
            }
        }
        let left = match self.chain.leave().stage {
            LeaveStage::Left { position, level } => Some((position, level)),
            _ => None,
        };
        for (key, count) in &self.present_by_key {
            let destroyed = left.is_some() || erased.contains(key) || self.erased_before.contains(key);
            if destroyed { self.parts.residue += count } else { self.parts.present += count }
        }
        Ok(Consistent {
            head,
            generations,
            streams: self.chain.streams(),
            maps: self.maps.confirmed(),
            parts: self.parts,
            certified: self.certified.len(),
            left,
            expected: self.met,
            root: self.chain.root(),
            published: self.published.map(|published| (published.note, published.checkpoint)),
        })
    }
}

fn generations(chain: &Chain, signers: &[(u64, [u8; 32])]) -> Vec<Generation> {
    let ends = chain.generations().iter().skip(1).map(|next| next.from).chain([u64::MAX]);
    let generation = |(of, end): (&events::chain::Generation, u64)| {
        let named = signers.iter().filter(|(position, _)| (of.from..end).contains(position));
        Generation { of: of.clone(), signers: named.copied().collect() }
    };
    chain.generations().iter().zip(ends).map(generation).collect()
}

/// The event of a record as somebody without keys reads it.
pub fn facts(record: &Record<'_>) -> Result<Event, Failed> {
    let position = record.position;
    let parts = record.personal.iter().map(|_| Held::Gone(Gone::Withheld)).collect();
    wire::read(record.kind, record.version, record.facts, parts).map_err(|failed| match failed {
        unknown @ WireError::Unknown { .. } => Failed::Newer { position, unknown },
        wrong => Unsound::Facts { position, reason: wrong.to_string() }.into(),
    })
}
