//! What a journal that was put back holds, read as whoever verifies reads it: by the chain, without a key.

use std::collections::BTreeMap;

use domain::event::Event;
use domain::id::KeyId;
use domain::leaving::LeaveStage;
use domain::ledger::Event as Fact;
use domain::personal::{Gone, Held};
use domain::subject;

use super::RestoreError;
use crate::backup::BackupError;
use crate::chain::{Broken, Chain, Generation, Reason};
use crate::ids::{IdMap, IdSet};
use crate::ledger::directory::DirectoryError;
use crate::log::headmark::Mark;
use crate::log::journal::Journal;
use crate::log::{Head, LogError, Part, Progress};
use crate::record::{Hash, NO_HASH, Record};
use crate::tree::Node;
use crate::wire;

/// How many records lie between two words on how far it is.
const EVERY: u64 = 10_000;

/// What there is.
pub(crate) struct Survey {
    pub(crate) head: Head,
    pub(crate) root: Node,
    pub(crate) generations: Vec<Generation>,
    /// The last of them.
    pub(crate) last: Generation,
    /// Every key that a record names, and how many parts it sealed.
    pub(crate) named: IdMap<KeyId, u32>,
    /// Those of which a record says that they are gone, or will be.
    pub(crate) excused: IdSet<KeyId>,
    /// Whether every key was ordered to be destroyed, because the controller left.
    pub(crate) left: bool,
    /// The roots at the sizes that were watched for, as far as there are so many records.
    pub(crate) watched: BTreeMap<u64, Node>,
}

impl Survey {
    /// Nobody goes on with the log of a controller that left.
    pub(super) fn refuse_left(&self) -> Result<(), RestoreError> {
        let position = self.head.size.saturating_sub(1);
        if self.left { Err(DirectoryError::Left { position }.into()) } else { Ok(()) }
    }

    /// Whether it has all that the mark knows of.
    ///
    /// # Errors
    /// When it is another history than the one that the mark is of.
    pub(super) fn reaches(&self, journal: &Journal, mark: Option<&Mark>) -> Result<bool, RestoreError> {
        let Some(mark) = mark.filter(|mark| mark.log == self.last.log) else { return Ok(false) };
        let at_mark = mark.head.size.checked_sub(1).map(|last| journal.hash_of(last)).transpose()?.flatten();
        compare(mark, at_mark, self.watched.get(&mark.checkpoint.0).copied())
    }

    /// Reads everything, and watches for the roots at some sizes. A part that is `harmed` is damage.
    pub(crate) fn read(
        journal: &Journal,
        watch: &[u64],
        harmed: &dyn Fn(&Part) -> bool,
        told: &Progress<'_>,
    ) -> Result<Self, Unread> {
        let head = journal.head();
        let (mut chain, mut keys, mut watched) = (Chain::new(), Keys::default(), BTreeMap::new());
        for (position, entry) in (0..).zip(journal.entries()) {
            let entry = entry?;
            let (record, _) = chain.take(&entry.record)?;
            keys.take(&record)?;
            if let Some(part) = entry.parts.iter().position(harmed) {
                let what = format!("sealed part {part} is not what was written");
                return Err(LogError::Damaged { position, file: journal.file_of(position), what }.into());
            }
            let size = position + 1;
            if watch.contains(&size) {
                watched.insert(size, chain.root());
            }
            if size.is_multiple_of(EVERY) {
                told(size, head.size);
            }
        }
        let end = chain.end()?;
        let no_log = Broken { position: 0, reason: Reason::NotOpened };
        let last = chain.generations().last().cloned().ok_or(no_log)?;
        Ok(Self {
            head: Head { size: end.size, hash: end.hash, recorded_at: head.recorded_at },
            root: chain.root(),
            generations: chain.generations().to_vec(),
            last,
            named: keys.named,
            excused: keys.excused,
            left: matches!(chain.leave().stage, LeaveStage::Ordered(_) | LeaveStage::Left { .. }),
            watched,
        })
    }
}

/// Records that do not hold.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unread {
    /// The journal.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The chain.
    #[error(transparent)]
    Broken(#[from] Broken),
}

impl From<Unread> for RestoreError {
    fn from(unread: Unread) -> Self {
        match unread {
            Unread::Log(failed) => failed.into(),
            Unread::Broken(broken) => broken.into(),
        }
    }
}

impl From<Unread> for BackupError {
    fn from(unread: Unread) -> Self {
        match unread {
            Unread::Log(failed) => failed.into(),
            Unread::Broken(broken) => broken.into(),
        }
    }
}

/// Whether a log reaches its mark. One that has something else in its place is no backup of it.
fn compare(mark: &Mark, at_mark: Option<Hash>, at_checkpoint: Option<Node>) -> Result<bool, RestoreError> {
    if at_checkpoint.is_some_and(|root| root != mark.checkpoint.1) {
        return Err(RestoreError::OtherHistory(mark.checkpoint.0.saturating_sub(1)));
    }
    match at_mark {
        Some(hash) if hash == mark.head.hash => Ok(true),
        Some(_) => Err(RestoreError::OtherHistory(mark.head.size.saturating_sub(1))),
        None => Ok(mark.head.hash == NO_HASH),
    }
}

#[derive(Default)]
struct Keys {
    named: IdMap<KeyId, u32>,
    excused: IdSet<KeyId>,
}

impl Keys {
    fn take(&mut self, record: &Record<'_>) -> Result<(), Broken> {
        record.personal.iter().for_each(|part| *self.named.entry(part.key).or_default() += 1);
        if !["case.destruction-ordered", "log.keyring", "log.erasures"].contains(&record.kind) {
            return Ok(());
        }
        let parts = record.personal.iter().map(|_| Held::Gone(Gone::Withheld)).collect();
        let event = wire::read(record.kind, record.version, record.facts, parts);
        let wrong = |wrong| Broken { position: record.position, reason: Reason::Facts(wrong) };
        match event.map_err(wrong)? {
            Event::Case(subject::Event::DestructionOrdered { keys, .. })
            | Event::Log(Fact::KeysLost { keys } | Fact::ErasedBefore { keys, .. }) => self.excused.extend(keys),
            _ => {}
        }
        Ok(())
    }
}
