//! The map of stream heads beside the writer, and its root in the log once an epoch.
//!
//! The map follows the records as they become durable; nobody who appends waits for it. Its root is a record like any
//! other, so a replay makes it again and whoever has the log knows whether it was honest.

use std::time::Duration;

use domain::event::Follow;
use domain::ledger;
use domain::time::Time;
use parking_lot::Mutex;

use super::Ledger;
use super::command::Failure;
use super::writer::Appended;
use crate::chain::StreamHead;
use crate::map::{Lagging, MapProof};

/// How long after one root the next may come, where nothing else is said.
pub const EPOCH: Duration = Duration::from_secs(3600);
/// A root comes earlier when so many records have: half of what the map keeps in reach.
const MOST_RECORDS: u64 = crate::map::MAP_LAG / 2;

/// The root of the map that the log has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Logged {
    /// The position of its record.
    pub position: u64,
    /// How many records the map is of.
    pub size: u64,
    /// When it was recorded.
    pub at: Time,
}

/// The map as far as it was folded, and its last root. Made by the boot in `replay`.
#[derive(Default)]
pub struct Heads {
    lagging: Mutex<Lagging>,
    /// Held while a new root is made, so that proofs and root are of one size.
    logged: Mutex<Option<Logged>>,
}

impl Heads {
    /// The map behind a replay.
    pub fn new(lagging: Lagging, logged: Option<Logged>) -> Self {
        Self { lagging: Mutex::new(lagging), logged: Mutex::new(logged) }
    }

    /// A record is durable: its stream has this head.
    pub(super) fn push(&self, head: StreamHead) {
        self.lagging.lock().push(head);
    }
}

impl<V: Follow> Ledger<V> {
    /// Writes the root of the map of stream heads into the log, where an epoch is over: so long after the last one, or so many
    /// records. It covers what the publisher has taken up: [`Ledger::publish_now`] waits for all that was answered.
    /// Durable when it returns; nothing is written where nothing but the last root came since.
    pub fn end_epoch(&self, epoch: Duration) -> Result<Option<Appended>, Failure> {
        let heads = &self.shared.heads;
        let mut logged = heads.logged.lock();
        let (size, streams, root) = {
            let mut lagging = heads.lagging.lock();
            let size = lagging.pushed();
            if !self.is_due(*logged, size, epoch) {
                return Ok(None);
            }
            let Ok(root) = lagging.advance_to(size) else { return Ok(None) };
            (size, lagging.map().len(), root)
        };
        let appended = self.declare(ledger::Event::Mapped { size, streams, root }, false)?;
        *logged = Some(Logged { position: appended.position, size, at: appended.recorded_at });
        Ok(Some(appended))
    }

    fn is_due(&self, logged: Option<Logged>, size: u64, epoch: Duration) -> bool {
        let Some(logged) = logged else { return size > 0 };
        // What came behind the size that it names, but for itself.
        let since = size.saturating_sub(logged.size).saturating_sub(u64::from(size > logged.position));
        let waited = self.clock().now().0.saturating_sub(logged.at.0);
        since > 0 && (since >= MOST_RECORDS || waited >= i64::try_from(epoch.as_millis()).unwrap_or(i64::MAX))
    }

    /// Where a stream stands in the map, proved against the last root that the log has; nothing before the first.
    pub fn prove_head(&self, stream: &[u8; 16]) -> Option<(Logged, MapProof)> {
        let heads = &self.shared.heads;
        let logged = (*heads.logged.lock())?;
        let mut lagging = heads.lagging.lock();
        (lagging.size() == logged.size).then(|| (logged, lagging.map().prove(stream)))
    }
}
