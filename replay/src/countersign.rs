//! Confirmations by replay: somebody has read a whole log, made every root of it again, and signs that it holds.
//!
//! ```text
//! lethe replay 1
//! <origin>
//! <size>
//! <root of the tree, base64>
//! ```
//!
//! A signed note (<https://c2sp.org/signed-note>) over these lines says: I have verified the first so many records of this
//! log, its chain, every stream, every absent part, and every logged root of its map; their tree has this root.

use events::checkpoint::{Checkpoint, base64_node, decimal, node_base64};
use events::note::{Kind, NoteError, SignError, SignedNote, Signer, VerifierKey};
use events::tree::{self, Node};

const HEADER: &str = "lethe replay 1";

/// What was replayed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Replayed {
    /// Which log.
    pub origin: String,
    /// How many records.
    pub size: u64,
    /// The root over them.
    pub root: Node,
}

impl Replayed {
    /// Signs it under a name.
    pub fn sign(&self, name: &str, signer: &dyn Signer) -> Result<SignedNote, SignError> {
        let text = format!("{HEADER}\n{}\n{}\n{}\n", self.origin, self.size, node_base64(&self.root));
        let mut note = SignedNote::new(text).map_err(|_| SignError::Name)?;
        note.sign(name, Kind::Note, 0, signer)?;
        Ok(note)
    }

    /// Reads a note, and believes it when this key has signed it.
    pub fn open(note: &SignedNote, by: &VerifierKey) -> Result<Self, NoteError> {
        note.verify(std::slice::from_ref(by))?;
        Self::parse(note)
    }

    /// Reads the text of a note; who signed it is another question.
    pub fn parse(note: &SignedNote) -> Result<Self, NoteError> {
        let lines: Vec<&str> = note.text().split('\n').collect();
        let [HEADER, origin, size, root, ""] = lines[..] else {
            return Err(NoteError::Malformed("it is no confirmation by replay"));
        };
        let (Some(size), Some(root)) = (decimal(size), base64_node(root)) else {
            return Err(NoteError::Malformed("it is no confirmation by replay"));
        };
        Ok(Self { origin: origin.to_owned(), size, root })
    }

    /// Whether it and a checkpoint speak of one history, by a proof of consistency between them.
    pub fn agrees(&self, checkpoint: &Checkpoint, path: &[Node]) -> bool {
        let (mine, other) = ((self.size, &self.root), (checkpoint.size, &checkpoint.root));
        let (old, new) = if mine.0 <= other.0 { (mine, other) } else { (other, mine) };
        self.origin == checkpoint.origin && tree::consistent(old, new, path).is_ok()
    }
}
