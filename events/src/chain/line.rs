//! The line of generations: a log that was restored from a backup goes on under another id and another origin, at a
//! `log.continued` and nowhere else.

use domain::event::Event;
use domain::id::LogId;
use domain::ledger::{self, Continued};
use domain::personal::{Gone, Held};

use super::Reason;
use crate::note::may_be_named;
use crate::record::{CONTINUED, Record};
use crate::tree::{Frontier, Node};
use crate::wire;

/// A log between two restores.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Generation {
    /// The id that its records have.
    pub log: LogId,
    /// What its checkpoints are signed for.
    pub origin: String,
    /// The position of its first record.
    pub from: u64,
}

/// Why a `log.continued` does not begin a generation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotContinued {
    /// Its facts and its header name two logs.
    #[error("its facts begin the log {0}, which is not the one in its header")]
    Header(LogId),
    /// It goes on from another log than the one it stands in.
    #[error("it goes on from the log {0}, which is not the one before it")]
    OldLog(LogId),
    /// It goes on from another origin than the one it stands under.
    #[error("it goes on from an origin that is not the one before it")]
    OldOrigin,
    /// Id or origin are not new.
    #[error("its log id or its origin was used before")]
    Used,
    /// No key can have this name.
    #[error("its origin cannot be the name of a key")]
    Origin,
    /// Another number of records comes before it.
    #[error("it says that {0} records were restored")]
    Size(u64),
    /// Other records come before it.
    #[error("the root it names is not that of the records before it")]
    Root,
    /// The checkpoint it names is of the same records and has another root.
    #[error("the checkpoint it names has another root for the records before it")]
    Checkpoint,
}

/// All generations so far, and the tree over all their records: that goes on through every restore.
#[derive(Default)]
pub(super) struct Line {
    generations: Vec<Generation>,
    tree: Frontier,
}

impl Line {
    pub(super) fn generations(&self) -> &[Generation] {
        &self.generations
    }

    pub(super) fn log(&self) -> Option<LogId> {
        self.generations.last().map(|generation| generation.log)
    }

    pub(super) fn tree(&self) -> &Frontier {
        &self.tree
    }

    /// The record was checked: its leaf joins the tree, and the generation that it begins, if it does, the line.
    pub(super) fn take(&mut self, begun: Option<Generation>, leaf: Node) {
        self.generations.extend(begun);
        self.tree.push(leaf, &mut |_, _, _| ());
    }

    /// Whether the record may have the log id that it has, and the generation that begins with it.
    pub(super) fn next(&self, record: &Record<'_>) -> Result<Option<Generation>, Reason> {
        match (self.generations.last(), record.kind) {
            (None, "log.opened") => opened(record).map(Some),
            (None, _) => Err(Reason::NotOpened),
            (Some(last), CONTINUED) => self.continued(last, record).map(Some),
            (Some(last), _) if last.log != record.log => Err(Reason::Log(record.log)),
            (Some(_), "log.opened") => Err(Reason::OpenedAgain),
            (Some(_), _) => Ok(None),
        }
    }

    fn continued(&self, last: &Generation, record: &Record<'_>) -> Result<Generation, Reason> {
        let Event::Log(ledger::Event::Continued(said)) = facts(record)? else {
            return Err(Reason::OpensAnother);
        };
        self.doubt(last, record, &said).map_err(Reason::Continued)?;
        if record.count != 1 {
            return Err(Reason::Command);
        }
        Ok(Generation { log: said.log, origin: said.origin, from: record.position })
    }

    fn doubt(&self, last: &Generation, record: &Record<'_>, said: &Continued) -> Result<(), NotContinued> {
        if said.log != record.log {
            return Err(NotContinued::Header(said.log));
        }
        if said.old_log != last.log {
            return Err(NotContinued::OldLog(said.old_log));
        }
        if said.old_origin != last.origin {
            return Err(NotContinued::OldOrigin);
        }
        let used = |before: &Generation| before.log == said.log || before.origin == said.origin;
        if self.generations.iter().any(used) {
            return Err(NotContinued::Used);
        }
        if !may_be_named(&said.origin) {
            return Err(NotContinued::Origin);
        }
        if said.restored.size != self.tree.size() {
            return Err(NotContinued::Size(said.restored.size));
        }
        if said.restored.root != self.tree.root() {
            return Err(NotContinued::Root);
        }
        match said.checkpoint {
            Some(known) if known.size == said.restored.size && known.root != said.restored.root => {
                Err(NotContinued::Checkpoint)
            }
            _ => Ok(()),
        }
    }
}

fn opened(record: &Record<'_>) -> Result<Generation, Reason> {
    match facts(record)? {
        Event::Log(ledger::Event::Opened { log, .. }) if log != record.log => Err(Reason::OpensAnother),
        Event::Log(ledger::Event::Opened { origin, .. }) if !may_be_named(&origin) => Err(Reason::Origin),
        Event::Log(ledger::Event::Opened { log, origin, .. }) => Ok(Generation { log, origin, from: record.position }),
        _ => Err(Reason::OpensAnother),
    }
}

fn facts(record: &Record<'_>) -> Result<Event, Reason> {
    let parts = record.personal.iter().map(|_| Held::Gone(Gone::Withheld)).collect();
    Ok(wire::read(record.kind, record.version, record.facts, parts)?)
}
