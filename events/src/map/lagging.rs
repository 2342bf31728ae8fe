//! The map some way behind the log: a record `log.map` names a size below its own position, so that nobody who appends
//! waits for a root. Who writes the roots and who checks them follow the log with this same queue.

use std::collections::VecDeque;

use super::StreamMap;
use crate::chain::StreamHead;
use crate::record::Hash;

/// How many records a `log.map` may stand behind the size it names. A rule of the format: so many steps are kept.
pub const MAP_LAG: u64 = 262_144;

/// A map, and the steps that it has not taken yet.
#[derive(Debug, Default)]
pub struct Lagging {
    map: StreamMap,
    size: u64,
    steps: VecDeque<StreamHead>,
}

/// A size that the map cannot be brought to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the map holds the heads after {} to {} records, not after {size}", reach.0, reach.1)]
pub struct OutOfReach {
    /// What was asked for.
    pub size: u64,
    /// The sizes that can be reached, both included.
    pub reach: (u64, u64),
}

impl Lagging {
    /// Before the first record of a log.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next record of the log: the head of its stream behind it. A record `log.map` is looked at first and pushed
    /// then, so that every size it may name is in reach. A step that is [`MAP_LAG`] records back goes into the map.
    pub fn push(&mut self, head: StreamHead) {
        self.steps.push_back(head);
        if self.steps.len() as u64 > MAP_LAG {
            self.step();
        }
    }

    /// Whether as many steps are kept as may be: the next one that is pushed moves the map.
    pub fn is_full(&self) -> bool {
        self.steps.len() as u64 == MAP_LAG
    }

    /// How many records the map has taken.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// How many records were pushed.
    pub fn pushed(&self) -> u64 {
        self.size + self.steps.len() as u64
    }

    /// Brings the map to a size, without hashing.
    pub fn follow_to(&mut self, size: u64) -> Result<(), OutOfReach> {
        let reach = (self.size, self.pushed());
        if !(reach.0..=reach.1).contains(&size) {
            return Err(OutOfReach { size, reach });
        }
        while self.size < size {
            self.step();
        }
        Ok(())
    }

    /// Brings the map to a size, and the root that it has there. At a million streams it takes about a microsecond for each
    /// record since the last root.
    pub fn advance_to(&mut self, size: u64) -> Result<Hash, OutOfReach> {
        self.follow_to(size)?;
        Ok(self.map.root())
    }

    /// The map at [`Self::size`]: for the number of streams and for proofs. They hold against the root logged for that size
    /// until the next advance, or until [`MAP_LAG`] more records are pushed.
    pub fn map(&mut self) -> &mut StreamMap {
        &mut self.map
    }

    fn step(&mut self) {
        if let Some(head) = self.steps.pop_front() {
            self.map.put(&head);
            self.size += 1;
        }
    }
}
