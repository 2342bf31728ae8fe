//! The ledger's own facts: that a log was opened or goes on after a restore, that its clock or its keys were declared upon,
//! who signs its checkpoints, the roots of the map of its streams, and which backups there are.

use crate::backup::BackedUp;
use crate::code::codes;
use crate::export::Exported;
use crate::id::{KeyId, LogId};
use crate::leaving::Leaving;
use crate::suppression::{Dropped, Suppression};
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
        /// Whether it is a demo or for tests, so that erasures may skip their cooling-off; of a demo the clock may be set.
        demo: bool,
    },
    /// An operator said that the clock is right again, so appends go on.
    ClockConfirmed {
        /// The time the operator confirmed.
        now: Time,
    },
    /// The ledger was opened again: how long it was closed since the record before this one, nothing but the wall clock says.
    /// Written where something waits for time to pass, and before anything else.
    Reopened,
    /// Behind a restore, somebody said that no newer log exists anywhere, so that the keys which wait for one may be destroyed.
    /// When another person has said so of the same keys, they are.
    NothingNewer {
        /// How many keys wait.
        count: u64,
        /// BLAKE3 of their ids, sorted.
        digest: [u8; 32],
    },
    /// An operator declared that these keys are gone without an erasure.
    KeysLost {
        /// Their fingerprints, sorted.
        keys: Vec<KeyId>,
    },
    /// Where all streams stood at a size of the log, under one root.
    Mapped {
        /// How many records from the start of the log the map is of: never more than there were before this one.
        size: u64,
        /// How many streams they have.
        streams: u64,
        /// The root of the map of stream heads.
        root: [u8; 32],
    },
    /// A key signs the checkpoints of this log from here on.
    SignerNamed {
        /// What kind of signature it makes.
        algorithm: SignatureKind,
        /// What its signatures are checked with.
        public_key: [u8; 32],
        /// What its signatures stand under in a checkpoint: the origin.
        name: String,
    },
    /// Behind a restore: the keyring has destroyed these keys, and no record that was restored ordered it. What is sealed
    /// under them stays erased.
    ErasedBefore {
        /// Their fingerprints, sorted.
        keys: Vec<KeyId>,
        /// How many destructions the keyring counts.
        epoch: u64,
    },
    /// After a restore: the log goes on under another id, origin and key. The first record of a new generation.
    Continued(Box<Continued>),
    /// A backup of the log was made. It counts only behind this record, so one that was cut off has it too.
    BackedUp(BackedUp),
    /// Addresses were put on the suppression list, or taken off it. The list holds them before this record is written.
    Suppressed(Suppression),
    /// The suppression list turned something away.
    Dropped(Dropped),
    /// All that could be read was handed out in files. The record is there before they are.
    Exported(Exported),
    /// A step of a controller that leaves.
    Leaving(Leaving),
}

/// From which log to which, and what was restored.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Continued {
    /// The id of the records from this one on.
    pub log: LogId,
    /// The id of the records before.
    pub old_log: LogId,
    /// What the old log's checkpoints were signed for.
    pub old_origin: String,
    /// What checkpoints will be signed for from here on.
    pub origin: String,
    /// All records before this one.
    pub restored: TreeHead,
    /// The last checkpoint of the old log that is known: it may be of more records than were restored.
    pub checkpoint: Option<TreeHead>,
    /// What kind of signature the new key makes.
    pub algorithm: SignatureKind,
    /// What the signatures of the new key are checked with.
    pub public_key: [u8; 32],
}

/// A log's records up to a size, under one root.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TreeHead {
    /// How many records.
    pub size: u64,
    /// The root of their RFC 6962 tree.
    pub root: [u8; 32],
}

codes! {
    /// What kind of signature a checkpoint has.
    pub enum SignatureKind {
        /// RFC 8032.
        Ed25519 = 1 "ED25519",
    }
}
