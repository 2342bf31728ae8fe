//! A controller leaves: its steps are records, and behind the order every key dies at once. The server carries it out, or
//! whoever opens the directory next; nobody serves it from then on, and nothing is certified before every root is gone.

use std::path::Path;

use domain::event::{Event, Follow};
use domain::id::{ActorId, KeyId};
use domain::leaving::{Circumstances, Command, Leave, LeaveOrder, LeaveStage, Leaving, Rejection};
use domain::ledger::Event as Fact;
use domain::personal::{Gone, Held};
use domain::subject::AnchorLevel;

use super::clock::Clock;
use super::command::Failure;
use super::directory::DirectoryError;
use super::keys::{Keys, anchors};
use super::publish::PublishError;
use super::writer::{Appended, Unwritten};
use super::{Fresh, Ledger, Survey, lost};
use crate::chain::leaving::is_between;
use crate::keyring::{Keyring, KeyringError, Level, Standing};
use crate::log::engine::Embedded;
use crate::log::{Log as _, LogError};
use crate::record::Record;
use crate::wire;

/// Why a step was not taken.
#[derive(Debug, thiserror::Error)]
pub enum LeaveError {
    /// The domain said no.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// The keys were ordered to be destroyed, and a member of the anchor or a disk keeps one from it. It goes on when this is
    /// ordered again, or when the directory is opened the next time.
    #[error("every key was ordered to be destroyed, and that is not over: {0}. Order it again, or start the ledger")]
    Unfinished(#[source] KeyringError),
    /// The machine failed.
    #[error(transparent)]
    Failed(#[from] Failure),
}

impl<V: Follow> Ledger<V> {
    /// Whether the ledger takes no changes, since its controller is leaving or has left.
    pub fn is_closed(&self) -> bool {
        self.shared.owners.read().leaving().is_closed()
    }

    /// Whether the last record there can be is there.
    pub fn has_left(&self) -> bool {
        matches!(self.shared.owners.read().leaving().stage, LeaveStage::Left { .. })
    }

    /// How far the controller has come that leaves.
    pub fn leaving(&self) -> Leave {
        self.shared.owners.read().leaving().clone()
    }

    /// Takes a step in somebody's name, but for the order. Durable when it returns.
    pub fn leave(&self, command: &Command, by: ActorId) -> Result<Appended, LeaveError> {
        let step = self.decide_leave(command, by)?;
        let command = Fresh::new().id().map_err(|none| Failure::from(KeyringError::from(none)))?;
        match self.declare_by(Fact::Leaving(step), Some((by, command)), false) {
            // Somebody else was quicker.
            Err(Failure::Unwritten(Unwritten::Leaving)) => Err(Failure::Busy.into()),
            written => Ok(written?),
        }
    }

    /// Orders that every key be destroyed, and carries it out: no root of this log is left in any member of the anchor, and no
    /// file of the keyring in any copy; that is certified, by the last record there will be; and the ledger stops. Asked again
    /// where that was kept from being done, it goes on.
    pub fn order_leave(&self, by: ActorId) -> Result<Appended, LeaveError> {
        if self.ordered_leave().is_none() {
            self.leave(&Command::Order(self.leave_order()), by)?;
        }
        let order = self.ordered_leave().ok_or(Rejection::NotApproved)?;
        self.shared.keyring.end().map_err(LeaveError::Unfinished)?;
        let last = self.declare(Fact::Leaving(certified(&order)), false)?;
        match self.publish_now() {
            Ok(_) | Err(PublishError::Held) => {}
            Err(failed) => tracing::error!(error = %failed, "the last checkpoint was not signed"),
        }
        self.stop();
        Ok(last)
    }

    fn decide_leave(&self, command: &Command, by: ActorId) -> Result<Leaving, LeaveError> {
        let clock = &self.shared.clock;
        let owners = self.shared.owners.read();
        let approved_at = owners.leaving().approved_at();
        let when = Circumstances {
            by,
            now: clock.decides(self.shared.log.head().recorded_at),
            waited: approved_at.map_or_else(|| clock.now(), |at| clock.waited(at)),
            hold: owners.in_force(),
            unfinished: owners.orders().next().map(|(erasure, _)| *erasure),
        };
        Ok(owners.leaving().decide(command, &when)?)
    }

    fn ordered_leave(&self) -> Option<LeaveOrder> {
        self.shared.owners.read().leaving().ordered().cloned()
    }

    fn leave_order(&self) -> LeaveOrder {
        let keyring = &self.shared.keyring;
        let lives = |(key, standing): (KeyId, Standing)| (!matches!(standing, Standing::Erased { .. })).then_some(key);
        let keys: Vec<KeyId> = keyring.fingerprints().into_iter().filter_map(lives).collect();
        LeaveOrder {
            keys: keys.len() as u64,
            epoch: keyring.epoch(),
            level: match keyring.level_of(&keys) {
                Level::A0 => AnchorLevel::A0,
                Level::A1 => AnchorLevel::A1,
                Level::A2 => AnchorLevel::A2,
                Level::A3 => AnchorLevel::A3,
            },
            members: keyring.status().members.iter().map(|member| member.identity.to_string()).collect(),
        }
    }
}

fn certified(order: &LeaveOrder) -> Leaving {
    Leaving::Certified { epoch: order.epoch, level: order.level }
}

/// Whether the controller of a log has left: then nobody uses it any more, which is the error. What was ordered and not
/// certified is carried out first. The keyring is not opened: its root may be gone.
pub(super) fn refuse_left(path: &Path, log: &Embedded) -> Result<(), DirectoryError> {
    let position = match last_step(log)? {
        Some((position, Leaving::Certified { .. })) => position,
        Some((_, Leaving::Ordered(order))) => finish(path, log, &order)?,
        _ => return Ok(()),
    };
    Err(DirectoryError::Left { position })
}

/// The last step, where only what may stand behind an order stands behind it.
fn last_step(log: &Embedded) -> Result<Option<(u64, Leaving)>, DirectoryError> {
    let stream = log.log().0;
    let mut revision = log.stream_head(&stream).map(|head| head.revision);
    while let Some(at) = revision {
        let entries = log.read_stream(&stream, at, 1)?;
        let Some(entry) = entries.first() else { return Ok(None) };
        let record = Record::parse(&entry.record).map_err(|source| LogError::Malformed { position: at, source })?;
        if !is_between(record.kind) {
            let parts = record.personal.iter().map(|_| Held::Gone(Gone::Withheld)).collect();
            let said = wire::read(record.kind, record.version, record.facts, parts)?;
            return Ok(match said {
                Event::Log(Fact::Leaving(step)) => Some((record.position, step)),
                _ => None,
            });
        }
        revision = at.checked_sub(1);
    }
    Ok(None)
}

/// Destroys what was ordered, and certifies it. The log is read first: nothing dies by a record that two people did not lead to.
fn finish(path: &Path, log: &Embedded, order: &LeaveOrder) -> Result<u64, DirectoryError> {
    Survey::read(log.journal(), &[], &|_| false, &|_, _| {})
        .map_err(|broken| DirectoryError::NotLeft(broken.to_string()))?;
    let keys = Keys::read(path)?;
    // A move may not be over, between anchors that have a member in common.
    let mut all = anchors(&keys.anchors)?;
    for member in anchors(&keys.moving)? {
        if all.iter().all(|other| other.identity() != member.identity()) {
            all.push(member);
        }
    }
    Keyring::end_at(&keys.copies, all, log.journal().first_log(), &order.members)?;
    lost::append(log, Fact::Leaving(certified(order)), Clock::system().now())?;
    log.sync_mark()?;
    Ok(log.head().size.saturating_sub(1))
}
