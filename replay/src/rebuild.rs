//! The boot: a log is read from its first record as an auditor would read it, every part that has a live key is opened,
//! and the views are folded by the very calls that the writer makes. Only then does the ledger take commands.

use std::path::Path;
use std::sync::Arc;

use domain::event::{Event, Follow, Place, Recorded, StreamKind};
use domain::id::{KeyId, RegisterId};
use domain::ledger;
use events::chain::{Broken, Chain, StreamHead};
use events::ids::IdSet;
use events::keyring::{KeyState, Keyring, KeyringError, Settled};
use events::ledger::{
    Change, Clock, Directory, EraseError, Heads, Ledger, Logged, Opened, Owners, Parts, PublishError, Publishing,
    StartError, Unreadable, open_entry, reopened,
};
use events::log::{Entry, Log, LogError, PartBytes, PartPlace};
use events::map::Lagging;
use events::note::{FileSigner, Signer as _, SignerError};
use events::record::{Hash, Record};
use events::tree::files::Tree;
use events::tree::{self, Node};
use rayon::prelude::*;

/// How much is read at a time, in bytes.
const CHUNK: usize = 4 << 20;

/// Why a ledger does not go into service.
#[derive(Debug, thiserror::Error)]
pub enum BootError {
    /// The chain does not hold.
    #[error("the log is broken at {0}")]
    Broken(#[from] Broken),
    /// A record or a part of it cannot be read.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// A part's key is gone, and no record ordered that.
    #[error("record {position}: {key} is gone, and no record ordered its destruction")]
    NotOrdered {
        /// Where.
        position: u64,
        /// Which.
        key: KeyId,
    },
    /// A part was sealed under a key behind the record that ordered its destruction: no writer does that.
    #[error("record {position}: sealed part {part} is under a key whose destruction was ordered before")]
    Revived {
        /// Where.
        position: u64,
        /// Which.
        part: usize,
    },
    /// An older keyring was put back, with what anchored it: keys live in it whose destruction is certified (I6).
    #[error(
        "the keyring is older than the log: {count} keys live in it that the log says were destroyed, {key} among them. Put the \
         newest keyring and anchor back; where there are no newer ones, `lethe keyring destroy-again` destroys these keys \
         anew"
    )]
    OlderKeyring {
        /// How many.
        count: usize,
        /// One of them.
        key: KeyId,
    },
    /// Whom it held would be let in again.
    #[error(
        "the suppression list is gone from every copy of the keyring, and the log says that addresses were put on it: put the \
         file `suppressed` back; where nobody has it, `lethe keyring declare-lost --list` begins an empty one"
    )]
    ListGone,
    /// The log cannot be read.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The keyring failed.
    #[error(transparent)]
    Keyring(#[from] KeyringError),
    /// An erasure that had begun cannot be finished.
    #[error("an erasure that had begun cannot be finished: {0}")]
    Erasure(#[from] EraseError),
    /// The map root that a record names is not that of the records before it.
    #[error("record {position}: the root of the map of stream heads is not the one that follows from the log")]
    Map {
        /// Where.
        position: u64,
    },
    /// The key is not the one that the log names.
    #[error("the key that signs checkpoints is not the one that this log names")]
    OtherSigner,
    /// What a start writes could not be written into the log.
    #[error("what a start writes could not be recorded: {0}")]
    Unnamed(#[from] events::ledger::Failure),
    /// Somebody outside knows another log than this one.
    #[error(transparent)]
    Asked(Box<dyn std::error::Error + Send + Sync>),
    /// The log cannot be published.
    #[error(transparent)]
    Publish(#[from] PublishError),
    /// The ledger cannot be started.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The key that signs checkpoints cannot be used.
    #[error(transparent)]
    Signer(#[from] SignerError),
}

/// What the boot found, for the program log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Booted {
    /// How many records.
    pub records: u64,
    /// Keys that no record names.
    pub settled: Settled,
    /// Erasures whose keys were ordered to be destroyed and that are certified now.
    pub finished: usize,
    /// Erasures whose keys are destroyed and whose certificate waits, for a clock to be confirmed, say.
    pub waiting: usize,
    /// Keys that an older keyring had brought back although their destruction is certified, and that are gone again, as whoever
    /// opened the directory wished.
    pub destroyed_again: usize,
    /// Such keys that the anchor did not let go again yet. They are fenced; [`Ledger::destroy_again`] goes on.
    pub resurrected: usize,
    /// Keys that were destroyed and whose sealed parts are still there: to be swept.
    pub residue: Vec<KeyId>,
}

/// Reads a directory's log to its end and puts the ledger into service. `progress` is told how many records are done, of
/// how many.
pub fn boot<V: Follow>(
    directory: Directory,
    views: V,
    clock: Clock,
    progress: &(dyn Fn(u64, u64) + Sync),
) -> Result<(Ledger<V>, Booted), BootError> {
    let Directory { lock, log, keyring, log_id, tree, signing_key, cadence, held, ask, destroys_again } = directory;
    let mut replay = Replay::new(views, tree);
    replay.views.replay();
    let size = log.head().size;
    let mut next = Chunk::read(&log, &keyring, 0)?;
    let mut from = 0;
    while !next.entries.is_empty() {
        let chunk = std::mem::take(&mut next);
        from += chunk.entries.len() as u64;
        let ahead = || Chunk::read(&log, &keyring, from);
        let (taken, read) = rayon::join(|| replay.take(&log, &keyring, chunk), ahead);
        taken?;
        next = read?;
        progress(from, size);
    }
    replay.make_root()?;
    replay.views.replayed();
    let Replay {
        chain, owners, views, gone, unopened, mut residue, register, tree, signer: named, heads, logged, ..
    } = replay;
    chain.end()?;
    let origin = chain.generations().last().map(|generation| generation.origin.clone()).unwrap_or_default();
    for (position, key) in gone {
        if !owners.is_ordered(&key) && !owners.is_lost(&key) {
            return Err(BootError::NotOrdered { position, key });
        }
    }
    let signer = signer(&signing_key, named)?;
    if ask.is_some() && log.mark().checkpoint.0 == 0 {
        // Nobody can be asked without a checkpoint. This one has no record that is not in every later one.
        log.mark_checkpoint(tree.size(), tree::root(&**tree.rows(), tree.size())?)?;
    }
    let mut publishing = Publishing::over(tree, &origin, signer, log.mark().checkpoint)?;
    (publishing.cadence, publishing.held) = (cadence, held);
    // Before keys are settled and erasures are finished: an older copy that was put back is to be left as it is.
    ask.map_or(Ok(()), |ask| ask(publishing.published())).map_err(BootError::Asked)?;
    // An older copy of the keyring was put back: what the log certifies to be destroyed does not stay (I6).
    let back = resurrected(&keyring, &owners);
    if let Some(key) = back.iter().min().filter(|_| !destroys_again) {
        return Err(BootError::OlderKeyring { count: back.len(), key: *key });
    }
    if owners.is_listed() && !keyring.suppression().is_there() {
        return Err(BootError::ListGone);
    }
    // An open log reaches its head mark, so a key that no record names was left by a crash.
    let settled = keyring.settle(|key| owners.owner(key).is_some() || unopened.contains(key), true)?;
    let fenced: Vec<KeyId> = owners.fenced().copied().collect();
    keyring.fence(&fenced);
    keyring.fence(&back);
    let ledger = Ledger::start(Parts {
        lock,
        log,
        keyring,
        log_id,
        clock,
        owners,
        views,
        publishing,
        heads: Heads::new(heads, logged),
    })?;
    ledger.note_reopened()?;
    if named.is_none() {
        ledger.name_signer()?;
    }
    let (again, resurrected) = match ledger.destroy_again() {
        Ok(again) => (again, 0),
        // Nobody is shown what lies under them, and whoever serves the ledger asks the anchor again.
        Err(error) if error.is_of_anchor() => (Vec::new(), back.len()),
        Err(error) => return Err(error.into()),
    };
    let finished = ledger.finish_erasures(register)?;
    let destroyed_again = again.len();
    residue.extend(again);
    residue.extend(finished.keys);
    // An absent part is excused by its certificate, so nothing is swept before.
    let open: IdSet<KeyId> = ledger.owners().open_orders().into_iter().flat_map(|(.., keys)| keys).collect();
    let residue = residue.into_iter().filter(|key| !open.contains(key)).collect();
    let (finished, waiting) = (finished.certified, finished.waiting);
    Ok((ledger, Booted { records: from, settled, finished, waiting, destroyed_again, resurrected, residue }))
}

/// A key is drawn once for a log. One that is gone is not drawn anew in silence: a second key could sign a second history.
fn signer(file: &Path, named: Option<[u8; 32]>) -> Result<Arc<FileSigner>, BootError> {
    let signer = if named.is_some() { FileSigner::read(file) } else { FileSigner::at(file) };
    let signer = Arc::new(signer?);
    if named.is_some_and(|named| named != signer.public()) { Err(BootError::OtherSigner) } else { Ok(signer) }
}

/// Keys whose destruction is certified and that are there.
fn resurrected(keyring: &Keyring, owners: &Owners) -> Vec<KeyId> {
    owners.certified().filter(|key| matches!(keyring.state(key), KeyState::Live(_))).copied().collect()
}

/// Some entries in a row, and what could be opened of each. The keyring knows no fence while the log is read, so they can
/// be opened while those before them are taken.
#[derive(Default)]
struct Chunk {
    entries: Vec<Entry>,
    opened: Vec<Result<Opened, Unreadable>>,
    leaves: Vec<Node>,
}

impl Chunk {
    fn read(log: &impl Log, keyring: &Keyring, from: u64) -> Result<Self, LogError> {
        let entries = log.read(from, CHUNK)?;
        let opened = entries.par_iter().with_min_len(32).map(|entry| open_entry(entry, keyring)).collect();
        let leaves = entries.par_iter().with_min_len(64).map(|entry| tree::leaf(&entry.record)).collect();
        Ok(Self { entries, opened, leaves })
    }
}

/// What is folded on the way.
struct Replay<V> {
    chain: Chain,
    owners: Owners,
    views: V,
    /// Parts whose key was destroyed: some record must have ordered it.
    gone: Vec<(u64, KeyId)>,
    /// Keys that a record names and that do not open its part. Those that open theirs have owners.
    unopened: IdSet<KeyId>,
    /// Keys that were destroyed and still have sealed parts.
    residue: IdSet<KeyId>,
    /// Where purposes and retention stand.
    register: Option<RegisterId>,
    /// The tree over all records so far.
    tree: Tree,
    /// The key that signed them last, by the log.
    signer: Option<[u8; 32]>,
    /// The map of stream heads so far, and its last root.
    heads: Lagging,
    logged: Option<Logged>,
    /// That root and the position of its record, until it was made again.
    unmade: Option<(u64, Hash)>,
}

impl<V: Follow> Replay<V> {
    fn new(views: V, tree: Tree) -> Self {
        Self {
            chain: Chain::new(),
            owners: Owners::default(),
            views,
            gone: Vec::new(),
            unopened: IdSet::default(),
            residue: IdSet::default(),
            register: None,
            tree,
            signer: None,
            heads: Lagging::new(),
            logged: None,
            unmade: None,
        }
    }

    fn take(&mut self, log: &impl Log, keyring: &Keyring, chunk: Chunk) -> Result<(), BootError> {
        let mut plain = Vec::with_capacity(chunk.opened.len());
        for ((entry, opened), leaf) in chunk.entries.iter().zip(chunk.opened).zip(&chunk.leaves) {
            let position = self.chain.head().size;
            let record = Record::parse(&entry.record).map_err(|bad| Broken { position, reason: bad.into() })?;
            self.chain.check(&record, entry.hash, *leaf)?;
            let opened = opened?;
            if let Some(part) = opened.keys.iter().position(|key| self.owners.is_ordered(key)) {
                return Err(BootError::Revived { position, part });
            }
            self.own(keyring, position, entry, &opened);
            self.publish(&opened.recorded)?;
            let change = Change::of(&opened.recorded.event);
            plain.push(opened.recorded);
            if let Some(change) = change {
                self.views.follow(std::mem::take(&mut plain));
                self.change(log, keyring, change, position)?;
            }
        }
        self.views.follow(plain);
        self.tree.grow(&chunk.leaves)?;
        Ok(())
    }

    /// What the publishing of the log goes on from. The map goes to where a root is before its own record moves it.
    fn publish(&mut self, recorded: &Recorded) -> Result<(), BootError> {
        let Place { position, stream, revision, recorded_at: at, hash, .. } = recorded.place;
        match &recorded.event {
            Event::Log(ledger::Event::SignerNamed { public_key, .. }) => self.signer = Some(*public_key),
            Event::Log(ledger::Event::Continued(went_on)) => self.signer = Some(went_on.public_key),
            Event::Log(ledger::Event::Mapped { size, root, .. }) => {
                self.heads.follow_to(*size).map_err(|_| BootError::Map { position })?;
                self.logged = Some(Logged { position, size: *size, at });
                self.unmade = Some((position, *root));
            }
            _ => {}
        }
        if self.heads.is_full() {
            // The next step would take the map past the size that the root is of.
            self.make_root()?;
        }
        self.heads.push(StreamHead { stream, count: revision + 1, hash });
        Ok(())
    }

    /// Makes the last root again. Those before it cost as much each and prove nothing that proofs will be made from; who
    /// verifies makes them all.
    fn make_root(&mut self) -> Result<(), BootError> {
        match self.unmade.take() {
            Some((position, root)) if self.heads.map().root() != root => Err(BootError::Map { position }),
            _ => Ok(()),
        }
    }

    fn own(&mut self, keyring: &Keyring, position: u64, entry: &Entry, opened: &Opened) {
        let Opened { recorded, owned, .. } = opened;
        self.owners.take(&recorded.place, &recorded.event, owned);
        if recorded.place.stream.kind == StreamKind::Register {
            self.register = Some(RegisterId(recorded.place.stream.id));
        }
        for (key, part) in opened.keys.iter().zip(&entry.parts) {
            let open = opened.owned.iter().any(|owned| owned.key == *key);
            if open {
                continue;
            }
            self.unopened.insert(*key);
            if matches!(keyring.state(key), KeyState::Erased { .. }) {
                self.gone.push((position, *key));
                // A sweep that was cut off leaves a part that is neither whole nor swept.
                if !matches!(part.bytes, PartBytes::Swept { .. }) {
                    self.residue.insert(*key);
                }
            }
        }
    }

    /// The keyring knows no fence while the log is read: what a fence drops from the views, and what a lifted fence brings
    /// back, follows from the records alone. What is fenced still is withheld: a record may have parts of others.
    fn change(&mut self, log: &impl Log, keyring: &Keyring, change: Change, position: u64) -> Result<(), BootError> {
        let question = match change {
            Change::Unfenced(keys) => {
                let moved: Vec<PartPlace> = keys.iter().flat_map(|key| self.owners.moved_under(key)).copied().collect();
                Some((keys, moved))
            }
            Change::Resealed(redaction) => Some((Vec::new(), self.owners.touched(redaction).to_vec())),
            Change::Fenced(_) | Change::Ordered | Change::Declared => None,
        };
        if let Some((keys, moved)) = question {
            let state = |key: &KeyId| match keyring.state(key) {
                KeyState::Live(_) if self.owners.is_fenced(key) => KeyState::Fenced,
                state => state,
            };
            let find = |place: &PartPlace, before| self.owners.moved(place, before);
            let again = reopened(log, &state, (&find, &moved), &keys, position)?;
            self.views.follow(again);
        }
        Ok(())
    }
}
