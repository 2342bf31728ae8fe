//! The suppression list in a ledger's service: its clock says what has run out, its log what was done to it and how often it
//! turned something away. What is put on it is written there first, and what is taken off is recorded first: a crash leaves
//! somebody on the list without a record of it, and never somebody let in again without one.

use std::convert::Infallible;

use domain::event::{Event, Follow};
use domain::id::{ActorId, CommandId, ErasureId};
use domain::ledger;
use domain::register::Slug;
use domain::suppression::{Address, Dropped, Suppression, SuppressionAct};
use domain::time::Day;

use super::command::{Accepted, Failure, Refused};
use super::read::{Fault, Unreadable, open_entry};
use super::writer::{Appended, Unwritten};
use super::{Ledger, whole_stream};
use crate::keyring::KeyringError;
use crate::log::Log as _;

impl<V: Follow> Ledger<V> {
    /// Whether an address is not to be taken in, or not to be written to for this purpose. While the clock is in doubt nothing
    /// runs out: the day of the last record counts, as it does for what is destroyed.
    pub fn is_suppressed(&self, address: &Address, purpose: Option<&Slug>) -> bool {
        let list = self.shared.keyring.suppression();
        if list.is_empty() {
            return false;
        }
        let last = self.shared.log.head().recorded_at;
        list.holds(address, purpose, self.shared.clock.next(last).unwrap_or(last).day())
    }

    /// Takes an address off the suppression list for these purposes. Durable when it returns, and so is the record of it, which
    /// is written first: nobody is let in again without one. A retry takes it off where that was cut off, unless somebody was
    /// put there since.
    pub fn unsuppress(
        &self,
        address: &Address,
        by: ActorId,
        command: CommandId,
        said: Suppression,
    ) -> Result<Accepted, Refused<Infallible>> {
        let purposes = said.purposes.clone();
        let accepted = self.record_suppression(by, command, said)?;
        if accepted.repeated && self.was_added_since(&accepted)? {
            return Ok(accepted);
        }
        let list = self.shared.keyring.suppression();
        list.remove(std::slice::from_ref(address), &purposes).map_err(Failure::from)?;
        Ok(accepted)
    }

    /// Puts addresses on the suppression list, for these purposes or, without any, for all direct contact. With an erasure,
    /// until that is settled. Durable when it returns; [`Ledger::record_suppression`] says it in the log.
    pub fn suppress(
        &self,
        addresses: &[Address],
        purposes: &[Slug],
        until: Day,
        erasure: Option<ErasureId>,
    ) -> Result<(), KeyringError> {
        let today = self.shared.clock.now().day();
        self.shared.keyring.suppression().add(addresses, purposes, until, erasure, today)
    }

    fn was_added_since(&self, accepted: &Accepted) -> Result<bool, Failure> {
        let unreadable = |fault| Unreadable { position: accepted.position, fault };
        let later = whole_stream(&self.shared.log, &accepted.stream.id, accepted.revision + 1);
        for entry in later.map_err(|failed| unreadable(failed.into()))? {
            let event = open_entry(&entry, &self.shared.keyring)?.recorded.event;
            if matches!(&event, Event::Log(ledger::Event::Suppressed(said)) if said.act == SuppressionAct::Added) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Records who changed the suppression list. Durable when it returns; the same command id says it once.
    pub fn record_suppression(
        &self,
        by: ActorId,
        command: CommandId,
        said: Suppression,
    ) -> Result<Accepted, Refused<Infallible>> {
        if self.is_closed() {
            return Err(Refused::Leaving);
        }
        let event = ledger::Event::Suppressed(said);
        loop {
            if let Some(place) = self.shared.log.command(&command) {
                return self.said_before(by, place.first, &event);
            }
            match self.declare_by(event.clone(), Some((by, command)), false) {
                Err(Failure::Unwritten(Unwritten::CommandUsed)) => {}
                written => return Ok(self.accepted(written?.position)?),
            }
        }
    }

    /// Records that the suppression list turned something away. Durable when it returns.
    pub fn record_dropped(&self, dropped: Dropped) -> Result<Appended, Failure> {
        self.declare(ledger::Event::Dropped(dropped), false)
    }

    /// Before keys are destroyed: what has run out goes from the list, and a key that nothing is under any more dies along. The
    /// day is that of the last record, which no clock that is in doubt was let write.
    pub(super) fn clear_suppressions(&self) -> Result<(), KeyringError> {
        self.shared.keyring.suppression().clear(self.shared.log.head().recorded_at.day())
    }

    /// What a certified erasure put on the list stays there. The next boot does it where this is cut off.
    pub(super) fn keep_suppressions(&self, erasure: ErasureId) {
        if let Err(error) = self.shared.keyring.suppression().keep(erasure) {
            tracing::error!(%error, "the suppression list still names a certified erasure");
        }
    }

    fn said_before(&self, by: ActorId, position: u64, event: &ledger::Event) -> Result<Accepted, Refused<Infallible>> {
        let recorded = self.recorded(position)?;
        if recorded.place.actor != by || recorded.event != Event::Log(event.clone()) {
            return Err(Refused::CommandReused);
        }
        Ok(Accepted { repeated: true, ..self.accepted(position)? })
    }

    fn accepted(&self, position: u64) -> Result<Accepted, Failure> {
        let place = self.recorded(position)?.place;
        Ok(Accepted {
            stream: place.stream,
            revision: place.revision,
            position,
            hash: place.hash,
            recorded_at: place.recorded_at,
            repeated: false,
        })
    }

    fn recorded(&self, position: u64) -> Result<domain::event::Recorded, Failure> {
        let unreadable = |fault| Unreadable { position, fault };
        let entry = self.shared.log.record(position).map_err(|failed| unreadable(failed.into()))?;
        let entry = entry.ok_or_else(|| unreadable(Fault::Parts))?;
        Ok(open_entry(&entry, &self.shared.keyring)?.recorded)
    }
}
