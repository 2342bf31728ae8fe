//! Proofs as files: that a record stands in the tree of a checkpoint, and that a tree begins with an older one.
//!
//! Sources: <https://c2sp.org/tlog-proof> and the body of `add-checkpoint` in <https://c2sp.org/tlog-witness>.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::checkpoint::{Checkpoint, base64_node, decimal};
use crate::note::{NoteError, SignedNote};
use crate::tree::{self, Mismatch, Node};

const HEADER: &str = "c2sp.org/tlog-proof@v1";
/// No proof in a tree of at most 2^63 leaves has more hashes.
pub const MOST_HASHES: usize = 63;
/// The most bytes of opaque data that a proof may bring along.
const MOST_EXTRA: usize = 1 << 16;

/// Why a text is no proof, or proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// The text is not one.
    #[error("this is no proof: {0}")]
    Malformed(&'static str),
    /// The checkpoint in it is not one.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// It does not prove it.
    #[error(transparent)]
    Mismatch(#[from] Mismatch),
}

/// Proof that an entry is in a log: its place, the hashes beside its way to the root, and the signed root.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Inclusion {
    /// Data for whoever made it; nothing vouches for it.
    pub extra: Option<Vec<u8>>,
    /// The place of the entry, from 0.
    pub index: u64,
    /// The hashes, from the leaf up.
    pub path: Vec<Node>,
    /// The checkpoint, its signatures not checked.
    pub note: SignedNote,
}

impl Inclusion {
    /// Parses a `tlog-proof` file. What is too long for the size of its checkpoint is refused here.
    pub fn parse(bytes: &[u8]) -> Result<Self, ProofError> {
        let (head, note) = divide(bytes)?;
        let mut lines = head.split('\n');
        if lines.next() != Some(HEADER) {
            return Err(ProofError::Malformed("it does not begin as one"));
        }
        let mut line = lines.next();
        let extra = line.and_then(|line| line.strip_prefix("extra "));
        if extra.is_some() {
            line = lines.next();
        }
        let index = line.and_then(|line| line.strip_prefix("index ")).and_then(decimal);
        let index = index.ok_or(ProofError::Malformed("it names no index"))?;
        let path = path(lines)?;
        let size = Checkpoint::parse(note.text())?.size;
        if index >= size {
            return Err(Mismatch::Size.into());
        }
        if path.len() != tree::path_length(index, size) {
            return Err(Mismatch::Length.into());
        }
        Ok(Self { extra: extra.map(extra_data).transpose()?, index, path, note })
    }

    /// Whether the entry stands at this place under the root of a checkpoint, whose signature is another question.
    pub fn holds(&self, entry: &[u8], checkpoint: &Checkpoint) -> Result<(), Mismatch> {
        tree::included(tree::leaf(entry), self.index, checkpoint.size, &checkpoint.root, &self.path)
    }
}

impl std::fmt::Display for Inclusion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{HEADER}")?;
        if let Some(extra) = &self.extra {
            writeln!(f, "extra {}", BASE64.encode(extra))?;
        }
        writeln!(f, "index {}", self.index)?;
        self.path.iter().try_for_each(|hash| writeln!(f, "{}", BASE64.encode(hash)))?;
        write!(f, "\n{}", self.note)
    }
}

/// Proof that a log only grew: the size it had, the hashes, and the signed root of what it is now.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Consistency {
    /// How many entries there were.
    pub old: u64,
    /// The hashes, as RFC 6962 orders them.
    pub path: Vec<Node>,
    /// The checkpoint, its signatures not checked.
    pub note: SignedNote,
}

impl Consistency {
    /// Parses the body of `add-checkpoint`. The old size may be beyond the checkpoint's: that has an answer of its own.
    pub fn parse(bytes: &[u8]) -> Result<Self, ProofError> {
        let (head, note) = divide(bytes)?;
        let mut lines = head.split('\n');
        let old = lines.next().and_then(|line| line.strip_prefix("old ")).and_then(decimal);
        let old = old.ok_or(ProofError::Malformed("it names no old size"))?;
        Checkpoint::parse(note.text())?;
        Ok(Self { old, path: path(lines)?, note })
    }
}

impl std::fmt::Display for Consistency {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "old {}", self.old)?;
        self.path.iter().try_for_each(|hash| writeln!(f, "{}", BASE64.encode(hash)))?;
        write!(f, "\n{}", self.note)
    }
}

/// What stands before the first empty line, and the note behind it.
fn divide(bytes: &[u8]) -> Result<(&str, SignedNote), ProofError> {
    let at =
        bytes.windows(2).position(|pair| pair == b"\n\n").ok_or(ProofError::Malformed("no empty line divides it"))?;
    let (head, rest) = bytes.split_at_checked(at).ok_or(ProofError::Malformed("no empty line divides it"))?;
    let head = std::str::from_utf8(head).map_err(|_| ProofError::Malformed("it is no UTF-8"))?;
    Ok((head, SignedNote::parse(rest.get(2..).unwrap_or_default())?))
}

fn path<'a>(lines: impl Iterator<Item = &'a str>) -> Result<Vec<Node>, ProofError> {
    let hashes = lines.take(MOST_HASHES + 1);
    let path: Option<Vec<Node>> = hashes.map(base64_node).collect();
    let path = path.ok_or(ProofError::Malformed("a hash is not 32 bytes in base64"))?;
    if path.len() > MOST_HASHES { Err(ProofError::Malformed("it has too many hashes")) } else { Ok(path) }
}

fn extra_data(text: &str) -> Result<Vec<u8>, ProofError> {
    let data = BASE64.decode(text).map_err(|_| ProofError::Malformed("its extra data is no base64"))?;
    if data.len() > MOST_EXTRA { Err(ProofError::Malformed("its extra data is too long")) } else { Ok(data) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIGNATURE: &str = "\u{2014} muster.example AAAAAAA=\n";

    fn note(size: u64) -> String {
        format!("{}\n{SIGNATURE}", Checkpoint { origin: "muster.example".into(), size, root: [5; 32] })
    }

    fn hashes(count: usize) -> String {
        format!("{}\n", BASE64.encode([3; 32])).repeat(count)
    }

    #[test]
    fn a_proof_file_is_written_as_it_is_read() {
        for extra in ["", "extra YWJj\n", "extra \n"] {
            let text = format!("{HEADER}\n{extra}index 4\n{}\n{}", hashes(3), note(7));
            assert_eq!(Inclusion::parse(text.as_bytes()).unwrap().to_string(), text);
        }
        let alone = format!("{HEADER}\nindex 0\n\n{}", note(1));
        assert_eq!(Inclusion::parse(alone.as_bytes()).unwrap().to_string(), alone);
        let grown = format!("old 3\n{}\n{}", hashes(4), note(7));
        assert_eq!(Consistency::parse(grown.as_bytes()).unwrap().to_string(), grown);
    }

    #[test]
    fn what_is_no_proof_is_refused_while_parsing() {
        let (one, short) = (hashes(1), format!("{}\n", BASE64.encode([3; 31])));
        for text in [
            format!("{HEADER}\nindex 7\n{}\n{}", hashes(3), note(7)),
            format!("{HEADER}\nindex 4\n{}\n{}", hashes(2), note(7)),
            format!("{HEADER}\nindex 4\n{}\n{}", hashes(4), note(7)),
            format!("{HEADER}\nindex 4\n{}{short}\n{}", hashes(2), note(7)),
            format!("{HEADER}\nindex 4\n{}\n{}trailing\n", hashes(3), note(7)),
            format!("{HEADER}\nindex 04\n{}\n{}", hashes(3), note(7)),
            format!("{HEADER}\nindex 4\nextra YQ==\n{}\n{}", hashes(3), note(7)),
            format!("{HEADER}\nextra Y\nindex 4\n{}\n{}", hashes(3), note(7)),
            format!("{HEADER}\r\nindex 4\n{}\n{}", hashes(3), note(7)),
            format!("c2sp.org/tlog-proof@v2\nindex 4\n{}\n{}", hashes(3), note(7)),
            format!("{HEADER}\nindex 4\n{}{}", hashes(3), note(7)),
            format!("{HEADER}\nindex 4\n{}\n{}", hashes(3), note(0)),
        ] {
            assert!(Inclusion::parse(text.as_bytes()).is_err(), "{text}");
        }
        for text in [
            format!("old 3\n{}\n{}", hashes(64), note(7)),
            format!("old 3\n{short}\n{}", note(7)),
            format!("old 03\n{one}\n{}", note(7)),
            format!("old\n{one}\n{}", note(7)),
            format!("{one}\n{}", note(7)),
            format!("old 3\n{one}{}", note(7)),
        ] {
            assert!(Consistency::parse(text.as_bytes()).is_err(), "{text}");
        }
        assert!(Consistency::parse(format!("old 3\n{}\n{}", hashes(63), note(7)).as_bytes()).is_ok());
    }
}
