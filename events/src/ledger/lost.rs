//! Keys that are lost: a keyring is gone, or an older one is all that is left. The log refuses to be read until an operator
//! declares the loss, which is a record; then what they sealed reads as lost, which is no erasure, and the chain still holds.

use std::path::{Path, PathBuf};

use domain::event::{Event, Stream, StreamKind};
use domain::id::{ErasureId, KeyId};
use domain::ledger::Event as Fact;
use domain::personal::{Gone, Held};
use domain::subject;
use domain::time::Time;

use super::directory::{Directory, DirectoryError, io_failed, own};
use super::keys::Keys;
use super::{leave, restore, whole_stream};
use crate::chain::Broken;
use crate::ids::{IdMap, IdSet};
use crate::keyring::{KeyState, Keyring};
use crate::log::engine::{Embedded, Options};
use crate::log::journal::Journal;
use crate::log::lock::Lock;
use crate::log::{Commit, Log as _, LogError, Progress};
use crate::record::{Link, NO_HASH, Record};
use crate::wire;

/// The most keys that one record names: it must fit 65,535 bytes.
const KEYS: usize = 4000;
/// The kind of the record.
const KIND: &str = "log.keyring";

/// What was declared.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Declared {
    /// The keys that are lost, sorted.
    pub keys: Vec<KeyId>,
    /// Whether a new keyring was made, because there was none.
    pub made_new: bool,
}

/// Why nothing is declared.
#[derive(Debug, thiserror::Error)]
pub enum NotLost {
    /// The directory cannot be used.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// The log cannot be read.
    #[error("the log is broken at {0}")]
    Broken(#[from] Broken),
    /// There is no keyring at all.
    #[error(
        "there is no keyring here. Where none exists anywhere any more, --all declares all keys lost and makes a new keyring; \
         the root of the old one is destroyed then, so that no copy of it opens again"
    )]
    NoKeyring,
    /// There is one, and it does not open.
    #[error(
        "{0}. Where that is gone for good, --all --put-aside gives the copies of the keyring another name, declares all keys \
         lost and makes a new keyring"
    )]
    Unopenable(DirectoryError),
    /// There is one, and it opens, or might again.
    #[error("the keyring is not put aside: {0}")]
    NotForGood(String),
    /// The keyring knows every key.
    #[error("the keyring knows every key that the log names: nothing is lost")]
    NothingLost,
}

impl From<LogError> for NotLost {
    fn from(failed: LogError) -> Self {
        DirectoryError::from(failed).into()
    }
}

/// What the log itself says became of keys.
#[derive(Default)]
struct Said {
    lost: IdSet<KeyId>,
    /// In which epoch of the keyring.
    erased: IdMap<KeyId, u64>,
    /// Ordered to be destroyed, and not certified.
    open: Vec<ErasureId>,
}

/// Declares every key lost that the log names, that the keyring of a directory at rest does not know, and of which the log
/// does not say that it was destroyed. Durable when it returns. With `all`, a directory without a keyring gets a new one.
///
/// # Errors
/// When somebody uses the directory, when nothing is lost, when there is no keyring and `all` is not said.
pub fn declare_lost(
    path: &Path,
    all: bool,
    at: Time,
    options: Options,
    told: &Progress<'_>,
) -> Result<Declared, NotLost> {
    let (_lock, log) = at_rest(path, options, told)?;
    let (first, keys) = (log.journal().first_log(), Keys::read(path)?);
    let made_new = !keys.exist().map_err(io_failed("read"))?;
    if made_new && !all {
        return Err(NotLost::NoKeyring);
    }
    let (said, named) = read(log.journal())?;
    let keyring = if made_new { keys.create(first)? } else { Keys::open(path, first).map_err(unopenable)? };
    let unknown = |key: &&KeyId| keyring.state(key) == KeyState::NeverHad;
    let unsaid = |key: &&KeyId| !said.lost.contains(*key) && !said.erased.contains_key(*key);
    let mut lost: Vec<KeyId> = named.iter().filter(unknown).filter(unsaid).copied().collect();
    lost.sort_unstable();
    if lost.is_empty() && !made_new {
        return Err(NotLost::NothingLost);
    }
    for keys in lost.chunks(KEYS) {
        append(&log, Fact::KeysLost { keys: keys.to_vec() }, at)?;
    }
    log.sync_mark()?;
    Ok(Declared { keys: lost, made_new })
}

/// Gives the copies of a keyring at rest that never opens again another name, and says which: then there is none here. Durable
/// when it returns.
///
/// # Errors
/// When somebody uses the directory; when it opens, or what keeps it from opening may be over or mended.
pub fn put_keyring_aside(path: &Path, options: Options, told: &Progress<'_>) -> Result<Vec<PathBuf>, NotLost> {
    let (_lock, log) = at_rest(path, options, told)?;
    match Keys::open(path, log.journal().first_log()) {
        Ok(_) => Err(NotLost::NotForGood("it opens".into())),
        Err(DirectoryError::Keyring(why)) if why.is_for_good() => {
            let copies = Keys::read(path)?.copies;
            Ok(Keyring::put_aside(&copies).map_err(DirectoryError::from)?)
        }
        Err(why) => Err(NotLost::NotForGood(why.to_string())),
    }
}

/// The log of a directory that nobody uses, and that nobody uses while the lock is held.
fn at_rest(path: &Path, options: Options, told: &Progress<'_>) -> Result<(Lock, Embedded), DirectoryError> {
    if !Directory::exists(path)? {
        return Err(DirectoryError::Empty);
    }
    let lock = Lock::take(path)?;
    restore::finish(path)?;
    let log = Embedded::open(path, options, told)?;
    leave::refuse_left(path, &log)?;
    Ok((lock, log))
}

fn unopenable(failed: DirectoryError) -> NotLost {
    match failed {
        DirectoryError::Keyring(why) if why.is_for_good() => NotLost::Unopenable(why.into()),
        failed => failed.into(),
    }
}

/// Tells a keyring what the log says of keys that it never held. Where no loss was declared, it knows them all, and nothing
/// more is read than the log's own records.
pub(super) fn recall(log: &Embedded, keyring: &Keyring) -> Result<(), DirectoryError> {
    for generation in log.journal().logs() {
        for entry in whole_stream(log, &generation.0, 0)? {
            let is_loss = Record::parse(&entry.record).is_ok_and(|record| record.kind == KIND);
            if !is_loss {
                continue;
            }
            // A log that is broken is refused, with the place, by whoever reads it for what it says.
            let Ok((said, _)) = read(log.journal()) else { return Ok(()) };
            keyring.recall(said.lost, said.erased);
            return Ok(());
        }
    }
    Ok(())
}

/// The orders of destruction that no certificate follows.
pub(super) fn open_orders(journal: &Journal) -> Result<Vec<ErasureId>, DirectoryError> {
    Ok(read(journal)?.0.open)
}

/// What the log says of keys, and all keys that it names.
fn read(journal: &Journal) -> Result<(Said, IdSet<KeyId>), DirectoryError> {
    let (mut said, mut named) = (Said::default(), IdSet::default());
    let mut orders: std::collections::BTreeMap<ErasureId, Vec<KeyId>> = std::collections::BTreeMap::new();
    for (position, entry) in (0..).zip(journal.entries()) {
        let entry = entry?;
        let record = Record::parse(&entry.record).map_err(|source| LogError::Malformed { position, source })?;
        named.extend(record.personal.iter().map(|part| part.key));
        if ![KIND, "log.erasures", "case.destruction-ordered", "case.certified"].contains(&record.kind) {
            continue;
        }
        let parts = record.personal.iter().map(|_| Held::Gone(Gone::Withheld)).collect();
        let event = wire::read(record.kind, record.version, record.facts, parts);
        match event.map_err(DirectoryError::from)? {
            Event::Log(Fact::KeysLost { keys }) => said.lost.extend(keys),
            Event::Log(Fact::ErasedBefore { keys, epoch }) => {
                said.erased.extend(keys.into_iter().map(|key| (key, epoch)));
            }
            Event::Case(subject::Event::DestructionOrdered { erasure, keys, .. }) => {
                orders.insert(erasure, keys);
            }
            Event::Case(subject::Event::Certified { erasure, certificate, .. }) => {
                let keys = orders.remove(&erasure).unwrap_or_default();
                said.erased.extend(keys.into_iter().map(|key| (key, certificate.epoch_after)));
            }
            _ => {}
        }
    }
    said.open = orders.into_keys().collect();
    Ok((said, named))
}

/// Appends a fact of the log's own to a log that nobody serves. Durable when it returns.
pub(super) fn append(log: &Embedded, fact: Fact, at: Time) -> Result<(), DirectoryError> {
    let (head, stream) = (log.head(), Stream { kind: StreamKind::Log, id: log.log().0 });
    let before = log.stream_head(&stream.id);
    let link = Link {
        log: log.log(),
        position: head.size,
        recorded_at: at.max(head.recorded_at),
        previous: head.hash,
        previous_in_stream: before.map_or(NO_HASH, |before| before.hash),
    };
    let revision = before.map_or(0, |before| before.revision + 1);
    let entry = own(&Event::Log(fact), stream, revision, &link)?;
    log.append(&Commit { entries: vec![entry] })?;
    Ok(())
}
