//! What a witness knows, and what follows from it: pure, without clock, key or disk.

use std::collections::BTreeMap;

use events::checkpoint::Checkpoint;
use events::note::{SignedNote, VerifierKey};
use events::proof::Consistency;
use events::tree::{self, Node};

use super::{Answer, only};

/// The largest tree: a proof has at most 63 hashes.
const MOST_SIZE: u64 = i64::MAX as u64;

/// The latest checkpoint of a log that was cosigned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// How many leaves.
    pub size: u64,
    /// The root over them.
    pub root: Node,
    /// When it was cosigned, in seconds since 1970.
    pub at: u64,
}

/// A request that may be cosigned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// What is cosigned.
    pub checkpoint: Checkpoint,
    /// Its note, with the signatures of the log that were checked and no other.
    pub note: SignedNote,
}

/// The keys that are trusted, by origin, and what was cosigned of each origin.
#[derive(Clone, Debug, Default)]
pub struct State {
    trusted: BTreeMap<String, Vec<VerifierKey>>,
    seen: BTreeMap<String, Seen>,
}

impl State {
    /// Trusts these logs; the name of a key is its origin, and an origin may have several keys. Nothing was seen yet.
    pub fn new(logs: Vec<VerifierKey>) -> Self {
        let mut trusted: BTreeMap<String, Vec<VerifierKey>> = BTreeMap::new();
        for key in logs {
            trusted.entry(key.name().to_owned()).or_default().push(key);
        }
        Self { trusted, seen: BTreeMap::new() }
    }

    /// What was cosigned last of an origin.
    pub fn seen(&self, origin: &str) -> Option<Seen> {
        self.seen.get(origin).copied()
    }

    /// The keys that are trusted for an origin.
    pub fn trusted(&self, origin: &str) -> &[VerifierKey] {
        self.trusted.get(origin).map(Vec::as_slice).unwrap_or_default()
    }

    /// Remembers that a checkpoint was cosigned. It must have been checked, or read from this witness's own store.
    pub fn see(&mut self, checkpoint: &Checkpoint, at: u64) {
        let Checkpoint { origin, size, root } = checkpoint;
        self.seen.insert(origin.clone(), Seen { size: *size, root: *root, at });
    }

    /// Checks a request in the order in which the specification does. Changes nothing.
    pub fn check(&self, request: &[u8]) -> Result<Accepted, Answer> {
        let request = Consistency::parse(request).map_err(|bad| Answer::Malformed(bad.to_string()))?;
        let checkpoint = Checkpoint::parse(request.note.text()).map_err(|bad| Answer::Malformed(bad.to_string()))?;
        if checkpoint.size > MOST_SIZE {
            return Err(Answer::Malformed("its size is beyond what a proof can reach".into()));
        }
        let keys = self.trusted(&checkpoint.origin);
        if keys.is_empty() {
            return Err(Answer::Unknown);
        }
        request.note.verify(keys).map_err(|_| Answer::Unsigned)?;
        if request.old > checkpoint.size {
            return Err(Answer::Malformed("the old size is beyond the checkpoint".into()));
        }
        self.continues(&request, &checkpoint)?;
        let by_log = |name: &str, id| keys.iter().any(|key| key.name() == name && key.id() == id);
        let note = only(&request.note, |signature| by_log(&signature.name, signature.key_id));
        let note = note.ok_or_else(|| Answer::Malformed("this is no signed note".into()))?;
        Ok(Accepted { checkpoint, note })
    }

    /// Whether the checkpoint continues what was cosigned last, by the proof that came with it.
    fn continues(&self, request: &Consistency, checkpoint: &Checkpoint) -> Result<(), Answer> {
        let (size, root) = self.seen(&checkpoint.origin).map_or((0, tree::empty()), |seen| (seen.size, seen.root));
        if request.old != size {
            return Err(Answer::Size(size));
        }
        if size > 0 && size == checkpoint.size && root != checkpoint.root {
            return Err(Answer::OtherRoot);
        }
        // Of what was never seen there is no proof: any root of any size is taken, but of size 0 only the right one.
        let proven = if size == 0 && checkpoint.size > 0 {
            if request.path.is_empty() { Ok(()) } else { Err(tree::Mismatch::Length) }
        } else {
            tree::consistent((size, &root), (checkpoint.size, &checkpoint.root), &request.path)
        };
        proven.map_err(|mismatch| Answer::Unproven(mismatch.to_string()))
    }
}
