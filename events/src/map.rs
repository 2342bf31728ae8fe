//! The map of stream heads: for every stream, how many records it has and the hash of the last. Its root goes into the log
//! each epoch (`log.map`), so that a short proof shows where a stream ends, or that there is none with an id.
//!
//! The map is a compressed binary trie over the 16 bytes of the stream ids, the most significant bit first: a node stands
//! where the ids below it first differ and nowhere else, so the same heads have the same root in whatever order they came
//! (`FORMAT.md`, "The map of stream heads"). Knows no log and no file.

mod lagging;
mod proof;
#[cfg(test)]
mod tests;
mod trie;

use blake3::hazmat::hash_derive_key_context;
use domain::event::{Stream, StreamKind};

use crate::chain::StreamHead;
use crate::derive::{Context, derive};
use crate::ids::IdMap;
use crate::record::Hash;

pub use lagging::{Lagging, MAP_LAG, OutOfReach};
pub use proof::{MapProof, Refused, Standing};

use trie::Trie;

static LEAF: Context = Context::new(|| hash_derive_key_context("lethe 2026 map leaf v1"));
static NODE: Context = Context::new(|| hash_derive_key_context("lethe 2026 map node v1"));
static EMPTY: Context = Context::new(|| hash_derive_key_context("lethe 2026 map empty v1"));

/// All stream heads at one size of a log. About 100 bytes a stream.
///
/// What is put waits in a table and reaches the trie, sorted, when a root, a count or a proof is asked for: so a log without
/// map roots costs one look-up a record, and an epoch hashes each part of the trie once.
#[derive(Default)]
pub struct StreamMap {
    trie: Trie,
    streams: u64,
    waiting: IdMap<[u8; 16], Leaf>,
}

impl StreamMap {
    /// Without any stream.
    pub fn new() -> Self {
        Self::default()
    }

    /// A stream has a new head; the one before is forgotten.
    pub fn put(&mut self, head: &StreamHead) {
        let leaf = Leaf::from(head);
        self.waiting.insert(leaf.id, leaf);
    }

    /// The root. Hashes what changed since it was last asked for.
    pub fn root(&mut self) -> Hash {
        self.settle();
        self.trie.hash(0).unwrap_or_else(empty)
    }

    /// How many streams there are.
    pub fn len(&mut self) -> u64 {
        self.settle();
        self.streams
    }

    /// Whether there is none.
    pub fn is_empty(&mut self) -> bool {
        self.len() == 0
    }

    /// Where the stream with this id stands, or that there is none: holds against [`Self::root`] as it is now.
    pub fn prove(&mut self, id: &[u8; 16]) -> MapProof {
        self.settle();
        let mut path = Vec::new();
        let end = self.trie.walk(0, id, &mut path);
        MapProof { end: end.map(StreamHead::from), path }
    }

    fn settle(&mut self) {
        let mut waiting: Vec<Leaf> = std::mem::take(&mut self.waiting).into_values().collect();
        waiting.sort_unstable_by_key(|leaf| leaf.id);
        self.streams += waiting.into_iter().map(|leaf| u64::from(self.trie.put(0, leaf))).sum::<u64>();
    }
}

impl std::fmt::Debug for StreamMap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StreamMap").field("streams", &self.streams).finish_non_exhaustive()
    }
}

/// A stream head without padding: there are millions.
#[derive(Clone, Copy)]
struct Leaf {
    id: [u8; 16],
    kind: StreamKind,
    count: [u8; 8],
    head: Hash,
}

impl From<&StreamHead> for Leaf {
    fn from(head: &StreamHead) -> Self {
        let StreamHead { stream: Stream { kind, id }, count, hash } = *head;
        Self { id, kind, count: count.to_be_bytes(), head: hash }
    }
}

impl From<Leaf> for StreamHead {
    fn from(Leaf { id, kind, count, head }: Leaf) -> Self {
        Self { stream: Stream { kind, id }, count: u64::from_be_bytes(count), hash: head }
    }
}

impl Leaf {
    fn hash(&self) -> Hash {
        let kind = self.kind.name();
        derive(&LEAF, &[&self.id, &[kind.len().min(255) as u8], kind.as_bytes(), &self.count, &self.head])
    }
}

/// The hash of a node: the first bit in which the ids below it differ, and what stands below, 0 to the left.
fn node(bit: u8, left: &Hash, right: &Hash) -> Hash {
    derive(&NODE, &[&[bit], left, right])
}

/// The root of a map without streams.
fn empty() -> Hash {
    derive(&EMPTY, &[])
}

/// A bit of an id; bit 0 is the most significant of the first byte.
fn bit(id: &[u8; 16], bit: u8) -> bool {
    u128::from_be_bytes(*id) << bit >> 127 == 1
}

/// The first bit in which two ids differ; they must.
fn first_difference(one: &[u8; 16], other: &[u8; 16]) -> u8 {
    let zeros = (u128::from_be_bytes(*one) ^ u128::from_be_bytes(*other)).leading_zeros();
    debug_assert!(zeros < 128, "two leaves have one id");
    zeros.min(127) as u8
}
