//! Checkpoints: the root of the tree at a size, as a note signed by the log and cosigned by witnesses.
//!
//! Sources: <https://c2sp.org/tlog-checkpoint>, <https://c2sp.org/tlog-cosignature>. A log of ours writes three lines and
//! never an extension line.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::note::{NoteError, SignedNote, VerifierKey};
use crate::tree::Node;

/// What a log says about itself: so many leaves, under this root.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Checkpoint {
    /// Which log.
    pub origin: String,
    /// How many leaves.
    pub size: u64,
    /// The root over them.
    pub root: Node,
}

impl Checkpoint {
    /// Reads the text of a note. Lines behind the third are the business of whoever wrote them.
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        let malformed = |what| NoteError::Malformed(what);
        let text = text.strip_suffix('\n').ok_or(malformed("its last line does not end"))?;
        let mut lines = text.split('\n');
        let mut line = |what| lines.next().filter(|line| !line.is_empty()).ok_or(malformed(what));
        let origin = line("it has no origin")?.to_owned();
        let size = decimal(line("it has no size")?).ok_or(malformed("its size is no number"))?;
        let root = base64_node(line("it has no root")?).ok_or(malformed("its root is not 32 bytes in base64"))?;
        if lines.any(str::is_empty) {
            return Err(malformed("it has an empty line"));
        }
        Ok(Self { origin, size, root })
    }

    /// Reads a note and believes it when the log with this key has signed it.
    pub fn open(note: &SignedNote, log: &VerifierKey) -> Result<Self, NoteError> {
        note.verify(std::slice::from_ref(log))?;
        let checkpoint = Self::parse(note.text())?;
        if checkpoint.origin != log.name() {
            return Err(NoteError::Malformed("its origin is not the name of the log's key"));
        }
        Ok(checkpoint)
    }
}

/// The text of the note.
impl std::fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{}\n{}\n{}", self.origin, self.size, BASE64.encode(self.root))
    }
}

/// A number without a sign and without zeros in front.
pub fn decimal(text: &str) -> Option<u64> {
    let plain = text.bytes().all(|b| b.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    if plain { text.parse().ok() } else { None }
}

/// Reads a hash of the tree from its base64 form.
pub fn base64_node(text: &str) -> Option<Node> {
    BASE64.decode(text).ok()?.try_into().ok()
}

/// The base64 form of a hash of the tree.
pub fn node_base64(node: &Node) -> String {
    BASE64.encode(node)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::note::{FileSigner, Kind, Signer as _};

    #[test]
    fn a_checkpoint_is_what_its_log_signed() {
        let dir = tempfile::tempdir().unwrap();
        let (log, other) =
            (FileSigner::at(&dir.path().join("a")).unwrap(), FileSigner::at(&dir.path().join("b")).unwrap());
        let key = |name, signer: &FileSigner| VerifierKey::new(name, Kind::Note, signer.public()).unwrap();
        let checkpoint = Checkpoint { origin: "muster.example".into(), size: 20_852_163, root: [9; 32] };
        let mut note = SignedNote::new(checkpoint.to_string()).unwrap();
        note.sign("muster.example", Kind::Note, 0, &log).unwrap();
        assert_eq!(Checkpoint::open(&note, &key("muster.example", &log)), Ok(checkpoint.clone()));
        assert_eq!(Checkpoint::open(&note, &key("muster.example", &other)), Err(NoteError::Unsigned));
        note.sign("other.example", Kind::Note, 0, &log).unwrap();
        assert!(Checkpoint::open(&note, &key("other.example", &log)).is_err(), "signed under another name");
    }

    #[test]
    fn texts_are_read_strictly() {
        let root = BASE64.encode([1; 32]);
        let good = [format!("o\n0\n{root}\n"), format!("o\n18446744073709551615\n{root}\nmore\n")];
        assert!(good.iter().all(|text| Checkpoint::parse(text).is_ok()));
        let short = BASE64.encode([1; 31]);
        for text in [
            format!("\n1\n{root}\n"),
            format!("o\n01\n{root}\n"),
            format!("o\n+1\n{root}\n"),
            format!("o\n-1\n{root}\n"),
            format!("o\n18446744073709551616\n{root}\n"),
            format!("o\n1 \n{root}\n"),
            format!("o\n\n{root}\n"),
            format!("o\n1\n{short}\n"),
            format!("o\n1\n{root}"),
            format!("o\n1\n{root}\n\n"),
            "o\n1\n".to_owned(),
            String::new(),
        ] {
            assert!(Checkpoint::parse(&text).is_err(), "{text:?}");
        }
    }
}
