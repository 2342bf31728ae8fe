//! What an operator declares: facts about the ledger itself, written by the same writer as everything else.

use domain::event::{Event, Follow, Stream, StreamKind};
use domain::ledger;

use super::command::{Failure, block_on};
use super::writer::{Append, Appended, Sealed, Unwritten};
use super::{Fresh, Ledger};
use crate::keyring::KeyringError;
use crate::log::Log as _;
use crate::record::Draft;
use crate::wire::{self, Written};

impl<V: Follow> Ledger<V> {
    /// Records that the machine's clock is right, so that appends go on. Durable when it returns.
    pub fn confirm_clock(&self) -> Result<Appended, Failure> {
        let now = self.shared.clock.now();
        let stream = Stream { kind: StreamKind::Log, id: self.shared.log_id.0 };
        let event = Event::Log(ledger::Event::ClockConfirmed { now });
        let Written { kind, version, facts, .. } = wire::write(&event)?;
        let mut fresh = Fresh::new();
        let draft = Draft {
            stream,
            revision: self.shared.log.stream_head(&stream.id).map_or(0, |head| head.revision + 1),
            kind,
            version,
            effective_at: now,
            actor: fresh.id().map_err(KeyringError::from)?,
            command: fresh.id().map_err(KeyringError::from)?,
            index: 0,
            count: 1,
            causation: None,
            facts,
            personal: Vec::new(),
        };
        let record = Sealed { draft, parts: Vec::new(), owned: Vec::new(), event };
        let append = Append { records: vec![record], reads: Vec::new(), keys: Vec::new(), confirms_clock: true };
        let answers = block_on(self.send(vec![append])).unwrap_or_default();
        Ok(answers.into_iter().next().unwrap_or(Err(Unwritten::Stopped))?)
    }
}
