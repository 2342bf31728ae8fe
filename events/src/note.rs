//! Signed notes: a text and signatures below it, as <https://c2sp.org/signed-note> has them, with the two kinds of Ed25519
//! keys that logs and witnesses use. Keys are written as `vkey` texts: name, key id and public key.

mod key;
mod signer;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

pub(crate) use key::may_be_named;
pub use key::{Kind, NoKey, VerifierKey};
pub use signer::{FileSigner, SignError, Signer, SignerError};

/// The most bytes that a note may have.
pub const MOST_BYTES: usize = 1 << 20;
/// The most signatures that a note may have; readers must take 16.
pub const MOST_SIGNATURES: usize = 100;

/// The em dash and the space that a signature line begins with.
const MARK: &str = "\u{2014} ";

/// Why bytes are no signed note, or not one to be believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// They are no note.
    #[error("this is no signed note: {0}")]
    Malformed(&'static str),
    /// A signature by a key that is trusted is wrong.
    #[error("the signature of {0} is wrong")]
    Wrong(String),
    /// No key that is trusted has signed it.
    #[error("it is not signed by a key that is trusted")]
    Unsigned,
}

/// A signature line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// The name of the key.
    pub name: String,
    /// The id of the key.
    pub key_id: [u8; 4],
    /// The signature, in the form of its kind.
    pub bytes: Vec<u8>,
}

impl Signature {
    /// Parses one line, without its line feed.
    pub fn parse(line: &str) -> Result<Self, NoteError> {
        let malformed = NoteError::Malformed;
        let rest = line.strip_prefix(MARK).ok_or(malformed("a signature line has no mark"))?;
        let (name, signature) = rest.split_once(' ').ok_or(malformed("a signature line has no signature"))?;
        if !may_be_named(name) {
            return Err(malformed("a signature has no good name"));
        }
        let bytes = BASE64.decode(signature).map_err(|_| malformed("a signature is no base64"))?;
        let (key_id, bytes) = bytes.split_first_chunk().ok_or(malformed("a signature has no key id"))?;
        if bytes.is_empty() {
            return Err(malformed("a signature is empty"));
        }
        Ok(Self { name: name.to_owned(), key_id: *key_id, bytes: bytes.to_vec() })
    }
}

impl std::fmt::Display for Signature {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let bytes = [self.key_id.as_slice(), &self.bytes].concat();
        write!(f, "{MARK}{} {}", self.name, BASE64.encode(bytes))
    }
}

/// A signature that holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed<'a> {
    /// Whose.
    pub by: &'a VerifierKey,
    /// When, in seconds since 1970, where its kind says so: the signer's claim.
    pub at: Option<u64>,
}

/// A text and its signatures, none of which was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedNote {
    text: String,
    signatures: Vec<Signature>,
}

impl SignedNote {
    /// A note without a signature.
    ///
    /// # Errors
    /// When the text does not end with a line feed, or has other control characters.
    pub fn new(text: String) -> Result<Self, NoteError> {
        if !text.ends_with('\n') {
            return Err(NoteError::Malformed("its text does not end with a line feed"));
        }
        may_be_written(&text)?;
        Ok(Self { text, signatures: Vec::new() })
    }

    /// Parses a note, and believes nothing in it.
    pub fn parse(bytes: &[u8]) -> Result<Self, NoteError> {
        let malformed = NoteError::Malformed;
        if bytes.len() > MOST_BYTES {
            return Err(malformed("it is too large"));
        }
        let note = std::str::from_utf8(bytes).map_err(|_| malformed("it is no UTF-8"))?;
        may_be_written(note)?;
        let (text, lines) = note.rsplit_once("\n\n").ok_or(malformed("no empty line divides it"))?;
        let lines = lines.strip_suffix('\n').ok_or(malformed("its last line does not end"))?;
        let signatures = lines.split('\n').take(MOST_SIGNATURES + 1).map(Signature::parse);
        let signatures = signatures.collect::<Result<Vec<_>, _>>()?;
        if signatures.len() > MOST_SIGNATURES {
            return Err(malformed("it has too many signatures"));
        }
        Ok(Self { text: format!("{text}\n"), signatures })
    }

    /// The text: not to be believed before [`SignedNote::verify`].
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The signatures, checked or not.
    pub fn signatures(&self) -> &[Signature] {
        &self.signatures
    }

    /// Adds a signature, in place of an older one by the same key.
    pub fn add(&mut self, signature: Signature) {
        let same = |other: &Signature| (&other.name, other.key_id) == (&signature.name, signature.key_id);
        self.signatures.retain(|other| !same(other));
        self.signatures.push(signature);
    }

    /// Signs the text.
    pub fn sign(&mut self, name: &str, kind: Kind, at: u64, signer: &dyn Signer) -> Result<(), SignError> {
        let key = VerifierKey::new(name, kind, signer.public()).map_err(|_| SignError::Name)?;
        let signature = signer.sign(&kind.message(at, &self.text))?;
        self.add(Signature { name: name.to_owned(), key_id: key.id(), bytes: kind.stamped(at, signature) });
        Ok(())
    }

    /// The signatures that hold, of those by these keys; each key counts once. Others are left alone.
    ///
    /// # Errors
    /// When one by these keys does not hold, or there is none.
    pub fn verify<'a>(&self, keys: &'a [VerifierKey]) -> Result<Vec<Signed<'a>>, NoteError> {
        let mut signed: Vec<Signed<'a>> = Vec::new();
        for signature in &self.signatures {
            let known = |key: &&VerifierKey| key.name() == signature.name && key.id() == signature.key_id;
            for by in keys.iter().filter(known) {
                let at =
                    by.check(&self.text, &signature.bytes).ok_or_else(|| NoteError::Wrong(by.name().to_owned()))?;
                if !signed.iter().any(|before| before.by == by) {
                    signed.push(Signed { by, at });
                }
            }
        }
        if signed.is_empty() { Err(NoteError::Unsigned) } else { Ok(signed) }
    }
}

impl std::fmt::Display for SignedNote {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{}", self.text)?;
        self.signatures.iter().try_for_each(|signature| writeln!(f, "{signature}"))
    }
}

fn may_be_written(text: &str) -> Result<(), NoteError> {
    let control = |b: u8| b < 0x20 && b != b'\n';
    if text.bytes().any(control) { Err(NoteError::Malformed("it has control characters")) } else { Ok(()) }
}

#[cfg(test)]
mod tests;
