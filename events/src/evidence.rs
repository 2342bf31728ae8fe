//! Evidence: one file with the records of one or several streams and all that is needed to check them offline, years later,
//! without the log. `FORMAT.md` shows it byte by byte.
//!
//! Nothing in it is believed here; `replay` judges it. It holds personal data only where somebody disclosed it on purpose.

mod read;
mod write;

use domain::event::Stream;

use crate::bundle::Inventoried;
use crate::map::MapProof;
use crate::note::SignedNote;
use crate::seal::Leaf;
use crate::tree::Node;

pub use write::TooMuch;

/// The first bytes of the file.
pub const MAGIC: &[u8; 18] = b"lethe evidence 1\n\0";
/// The most bytes that a file is read of.
pub const MOST_BYTES: usize = 64 << 20;

/// What the file holds.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Evidence {
    /// The log's word that a record will be in it, where that was given before the next checkpoint.
    pub receipt: Option<SignedNote>,
    /// The root that the proofs lead to, signed by the log, and by witnesses.
    pub checkpoint: Option<SignedNote>,
    /// Those who replayed the log and found it consistent, each with the size they replayed to.
    pub replays: Vec<Replay>,
    /// The record with the root of the map of stream heads.
    pub map: Option<Placed>,
    /// The streams.
    pub trails: Vec<Trail>,
    /// Single records of other streams: what ordered and certified an erasure, and where the log went on after a restore.
    pub others: Vec<Placed>,
}

/// Somebody's signed word that they replayed the log, and the proof that it was this one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Replay {
    /// The note.
    pub note: SignedNote,
    /// The proof of consistency between the size they replayed and the checkpoint's.
    pub path: Vec<Node>,
}

/// A record and the way from it to the root.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Placed {
    /// Its canonical bytes.
    pub record: Vec<u8>,
    /// The hashes beside its way; none where the checkpoint does not cover it.
    pub path: Option<Vec<Node>>,
}

/// One stream.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Trail {
    /// Which.
    pub stream: Stream,
    /// Its head in the map, or that it is not there.
    pub map: Option<MapProof>,
    /// Its records in order, and what the operator says of their sealed parts.
    pub records: Vec<Audited>,
    /// Of its records that the checkpoint covers: the way from the last.
    pub path: Option<Vec<Node>>,
    /// What was disclosed.
    pub openings: Vec<Opening>,
}

/// A record and its inventory.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Audited {
    /// The canonical bytes.
    pub record: Vec<u8>,
    /// A line for each sealed part.
    pub parts: Vec<Inventoried>,
}

/// Leaves of one sealed part: those that may be shown with salt and value, the others bare.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Opening {
    /// Which record of the trail, from 0.
    pub record: u32,
    /// Which part of the record, from 0.
    pub part: u8,
    /// Subject and compartment first, then the fields.
    pub leaves: Vec<Leaf>,
}

#[cfg(test)]
mod tests;
