//! The ledger's own facts: that a log was opened, that its clock or its keys were declared upon.

use crate::id::{KeyId, LogId};
use crate::time::Time;

/// What the ledger records about itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Event {
    /// Position 0 of every log.
    Opened {
        /// Which log.
        log: LogId,
        /// Whose data it holds: the company's name as it stands in notices.
        controller: String,
        /// What checkpoints will be signed for; no spaces.
        origin: String,
        /// Whether clocks may be set and erasures may skip their cooling-off.
        demo: bool,
    },
    /// An operator said that the clock is right again, so appends go on.
    ClockConfirmed {
        /// The time the operator confirmed.
        now: Time,
    },
    /// An operator declared that these keys are gone without an erasure.
    KeysLost {
        /// Their fingerprints, sorted.
        keys: Vec<KeyId>,
    },
}
