//! What a journal that was put back holds, read as whoever verifies reads it: by the chain, without a key.

use domain::event::Event;
use domain::id::KeyId;
use domain::ledger::{Event as Fact, TreeHead};
use domain::personal::{Gone, Held};
use domain::subject;

use super::RestoreError;
use crate::chain::{Broken, Chain, Generation, Reason};
use crate::ids::IdSet;
use crate::log::headmark::Mark;
use crate::log::journal::Journal;
use crate::log::{Head, Progress};
use crate::record::{Hash, NO_HASH, Record};
use crate::tree::Node;
use crate::wire;

/// How many records lie between two words on how far it is.
const EVERY: u64 = 10_000;

/// What there is.
pub(super) struct Survey {
    pub(super) head: Head,
    pub(super) root: Node,
    pub(super) generations: Vec<Generation>,
    /// The last of them.
    pub(super) last: Generation,
    /// Every key that a record names.
    pub(super) named: IdSet<KeyId>,
    /// Those of which a record says that they are gone, or will be.
    pub(super) excused: IdSet<KeyId>,
    checkpoint: Option<TreeHead>,
}

impl Survey {
    /// Reads everything.
    ///
    /// # Errors
    /// When it does not hold, when it is another history than the one that the mark is of, and when nothing is missing.
    pub(super) fn of(journal: &Journal, mark: Option<&Mark>, told: &Progress<'_>) -> Result<Self, RestoreError> {
        let head = journal.head();
        let mark = mark.filter(|mark| mark.log == journal.log());
        let (mut chain, mut keys) = (Chain::new(), Keys::default());
        let (mut at_mark, mut at_checkpoint): (Option<Hash>, Option<Node>) = (None, None);
        for entry in journal.entries() {
            let entry = entry?;
            let (record, hash) = chain.take(&entry.record)?;
            keys.take(&record)?;
            let size = chain.head().size;
            if mark.is_some_and(|mark| mark.head.size == size) {
                at_mark = Some(hash);
            }
            if mark.is_some_and(|mark| mark.checkpoint.0 == size) {
                at_checkpoint = Some(chain.root());
            }
            if size.is_multiple_of(EVERY) {
                told(size, head.size);
            }
        }
        let end = chain.end()?;
        let no_log = Broken { position: 0, reason: Reason::NotOpened };
        let last = chain.generations().last().cloned().ok_or(no_log)?;
        if let Some(mark) = mark {
            compare(mark, at_mark, at_checkpoint)?;
        }
        Ok(Self {
            head: Head { size: end.size, hash: end.hash, recorded_at: head.recorded_at },
            root: chain.root(),
            generations: chain.generations().to_vec(),
            last,
            named: keys.named,
            excused: keys.excused,
            checkpoint: mark.map(|mark| TreeHead { size: mark.checkpoint.0, root: mark.checkpoint.1 }),
        })
    }

    /// The last checkpoint that the head mark knows of the log that was put back.
    pub(super) fn marked_checkpoint(&self) -> Option<TreeHead> {
        self.checkpoint.filter(|known| known.size > 0)
    }
}

/// A log that reaches its mark needs no restore; one that has something else in its place is no backup of it.
fn compare(mark: &Mark, at_mark: Option<Hash>, at_checkpoint: Option<Node>) -> Result<(), RestoreError> {
    if at_checkpoint.is_some_and(|root| root != mark.checkpoint.1) {
        return Err(RestoreError::OtherHistory(mark.checkpoint.0.saturating_sub(1)));
    }
    match at_mark {
        Some(hash) if hash == mark.head.hash => Err(RestoreError::NothingMissing),
        Some(_) => Err(RestoreError::OtherHistory(mark.head.size.saturating_sub(1))),
        None if mark.head.hash == NO_HASH => Err(RestoreError::NothingMissing),
        None => Ok(()),
    }
}

#[derive(Default)]
struct Keys {
    named: IdSet<KeyId>,
    excused: IdSet<KeyId>,
}

impl Keys {
    fn take(&mut self, record: &Record<'_>) -> Result<(), Broken> {
        self.named.extend(record.personal.iter().map(|part| part.key));
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
