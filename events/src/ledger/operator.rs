//! The log's own facts: what an operator declares and what the ledger says about itself, written by the same writer as
//! everything else.

use domain::event::{Event, Follow, Stream, StreamKind};
use domain::export::Exported;
use domain::id::{ActorId, CommandId, KeyId};
use domain::ledger::{self, SignatureKind};

use super::command::{Failure, block_on};
use super::writer::{Append, Appended, Sealed, Unwritten};
use super::{Fresh, Ledger};
use crate::keyring::{KeyringError, Standing};
use crate::log::Log as _;
use crate::record::Draft;
use crate::wire::{self, Written};

/// How often a fact is tried again behind another of the log's own.
const TRIES: u32 = 10;

/// What became of the keys that wait since a restore.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Waited {
    /// There are none.
    None,
    /// One person said that no newer log exists; another must say so too.
    Alone(Vec<KeyId>),
    /// They are gone.
    Destroyed(Vec<KeyId>),
}

impl<V: Follow> Ledger<V> {
    /// Records that the machine's clock is right, so that appends go on. Durable when it returns.
    pub fn confirm_clock(&self) -> Result<Appended, Failure> {
        self.declare(ledger::Event::ClockConfirmed { now: self.shared.clock.now() }, true)
    }

    /// Records that the ledger was closed, where anything waits for time to pass: the next opens count it too. To be called
    /// once, before anything else is written; without the record, the next open finds the time itself. Where the clock
    /// cannot be right it is not written, and neither is anything else before an operator confirms the time.
    pub fn note_reopened(&self) -> Result<(), Failure> {
        if !self.shared.was_closed || !self.shared.owners.read().waits() {
            return Ok(());
        }
        match self.declare(ledger::Event::Reopened, false) {
            Ok(_) | Err(Failure::Unwritten(Unwritten::Clock(_))) => Ok(()),
            Err(failed) => Err(failed),
        }
    }

    /// Records the key that signs the checkpoints from here on. Durable when it returns.
    pub fn name_signer(&self) -> Result<Appended, Failure> {
        let key = self.published().key();
        let (public_key, name) = (key.public(), key.name().to_owned());
        self.declare(ledger::Event::SignerNamed { algorithm: SignatureKind::Ed25519, public_key, name }, false)
    }

    /// Records that everything readable is handed out, before it is. Durable when it returns.
    pub fn record_exported(&self, exported: Exported, by: ActorId) -> Result<Appended, Failure> {
        let command = Fresh::new().id().map_err(KeyringError::from)?;
        self.declare_by(ledger::Event::Exported(exported), Some((by, command)), false)
    }

    /// The keys that wait since a restore, sorted: no record in this log names them, and a newer log might.
    pub fn waiting_keys(&self) -> Vec<KeyId> {
        let waits = |(key, standing): (KeyId, Standing)| (standing == Standing::Awaiting).then_some(key);
        let mut keys: Vec<KeyId> = self.shared.keyring.fingerprints().into_iter().filter_map(waits).collect();
        keys.sort_unstable();
        keys
    }

    /// Somebody says that no newer log exists, which is a record. When two people have said so, the keys that have waited for
    /// this are destroyed. They are gone, and that is durable, when it returns; what a crash leaves of them dies with the next
    /// destruction.
    pub fn destroy_waiting(&self, by: ActorId) -> Result<Waited, Failure> {
        let keys = self.waiting_keys();
        if keys.is_empty() {
            return Ok(Waited::None);
        }
        let bytes: Vec<u8> = keys.iter().flat_map(|key| key.0).collect();
        let digest = *blake3::hash(&bytes).as_bytes();
        let mut said = self.owners().said_nothing_newer(&digest);
        if said.insert(by) {
            let event = ledger::Event::NothingNewer { count: keys.len() as u64, digest };
            self.declare_by(event, Some((by, Fresh::new().id().map_err(KeyringError::from)?)), false)?;
        }
        if said.len() < 2 {
            return Ok(Waited::Alone(keys));
        }
        self.shared.keyring.confirm_retired()?;
        self.shared.keyring.destroy(&keys)?;
        Ok(Waited::Destroyed(keys))
    }

    /// Records a fact of the log's own. Durable when it returns. They are no answer to anything in the log, so one that comes
    /// behind another is written all the same.
    pub(super) fn declare(&self, event: ledger::Event, confirms_clock: bool) -> Result<Appended, Failure> {
        self.declare_by(event, None, confirms_clock)
    }

    /// The same in somebody's name; without one, its actor is nobody in particular.
    pub(super) fn declare_by(
        &self,
        event: ledger::Event,
        by: Option<(ActorId, CommandId)>,
        confirms_clock: bool,
    ) -> Result<Appended, Failure> {
        let event = Event::Log(event);
        let mut tries = 0;
        loop {
            match self.declare_once(&event, by, confirms_clock)? {
                Err(Unwritten::Conflict { .. }) if tries < TRIES => tries += 1,
                written => return Ok(written?),
            }
        }
    }

    fn declare_once(
        &self,
        event: &Event,
        by: Option<(ActorId, CommandId)>,
        confirms_clock: bool,
    ) -> Result<Result<Appended, Unwritten>, Failure> {
        let stream = Stream { kind: StreamKind::Log, id: self.shared.log_id.0 };
        let Written { kind, version, facts, .. } = wire::write(event)?;
        let mut fresh = Fresh::new();
        let (actor, command) = match by {
            Some(by) => by,
            None => (fresh.id().map_err(KeyringError::from)?, fresh.id().map_err(KeyringError::from)?),
        };
        let draft = Draft {
            stream,
            revision: self.shared.log.stream_head(&stream.id).map_or(0, |head| head.revision + 1),
            kind,
            version,
            effective_at: self.shared.clock.now(),
            actor,
            command,
            index: 0,
            count: 1,
            causation: None,
            facts,
            personal: Vec::new(),
        };
        let record = Sealed { draft, parts: Vec::new(), owned: Vec::new(), event: event.clone() };
        let (reads, keys, last_parts) = (Vec::new(), Vec::new(), Vec::new());
        let append = Append { records: vec![record], reads, keys, last_parts, confirms_clock };
        let answers = block_on(self.send(vec![append])).unwrap_or_default();
        Ok(answers.into_iter().next().unwrap_or(Err(Unwritten::Stopped)))
    }
}
