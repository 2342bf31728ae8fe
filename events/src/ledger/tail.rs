//! A subscription: catch-up and live tail in one loop. It reads what is durable and waits for more; there is no second
//! channel, so there is no gap and no duplicate.

use std::sync::Arc;
use std::time::Duration;

use domain::event::{Follow, Recorded};

use super::Shared;
use super::read::Unreadable;
use crate::log::Log as _;

/// How much is read at a time, in bytes.
const CHUNK: usize = 1 << 20;

/// Where a subscriber is.
pub struct Tail<V> {
    shared: Arc<Shared<V>>,
    next: u64,
}

impl<V: Follow> Tail<V> {
    pub(super) fn new(shared: Arc<Shared<V>>, next: u64) -> Self {
        Self { shared, next }
    }

    /// The position that comes next.
    pub fn position(&self) -> u64 {
        self.next
    }

    /// The next durable records, in order, opened with whatever keys live now; waits up to `patience` for the first. None
    /// came when the list is empty.
    pub fn next(&mut self, patience: Duration) -> Result<Vec<Recorded>, Unreadable> {
        {
            let (size, grown) = &self.shared.grown;
            let mut size = size.lock();
            if *size <= self.next {
                grown.wait_for(&mut size, patience);
            }
            if *size <= self.next {
                return Ok(Vec::new());
            }
        }
        let entries = self
            .shared
            .log
            .read(self.next, CHUNK)
            .map_err(|failed| Unreadable { position: self.next, fault: failed.into() })?;
        let shared = &self.shared;
        let opened = entries.iter().map(|entry| shared.open(entry).map(|opened| opened.recorded));
        let records = opened.collect::<Result<Vec<_>, _>>()?;
        self.next += records.len() as u64;
        Ok(records)
    }
}
