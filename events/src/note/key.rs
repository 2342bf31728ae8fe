//! The public keys of signed notes.

use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ed25519_dalek::{SIGNATURE_LENGTH, Signature, VerifyingKey};
use sha2::{Digest, Sha256};

/// What a key signs, and how.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Kind {
    /// Ed25519 over the text: a log.
    Note,
    /// Ed25519 over a time and the text, <https://c2sp.org/tlog-cosignature>: a witness.
    Cosignature,
}

impl Kind {
    fn code(self) -> u8 {
        match self {
            Self::Note => 0x01,
            Self::Cosignature => 0x04,
        }
    }

    /// What is signed; the time is in seconds since 1970 and counts for a cosignature only.
    pub(super) fn message(self, at: u64, text: &str) -> Vec<u8> {
        match self {
            Self::Note => text.as_bytes().to_vec(),
            Self::Cosignature => format!("cosignature/v1\ntime {at}\n{text}").into_bytes(),
        }
    }

    /// The signature as its line holds it.
    pub(super) fn stamped(self, at: u64, signature: [u8; SIGNATURE_LENGTH]) -> Vec<u8> {
        match self {
            Self::Note => signature.to_vec(),
            Self::Cosignature => [&at.to_be_bytes()[..], &signature].concat(),
        }
    }

    fn unstamped(self, bytes: &[u8]) -> Option<(Option<u64>, &[u8])> {
        match self {
            Self::Note => Some((None, bytes)),
            Self::Cosignature => {
                let (at, signature) = bytes.split_first_chunk()?;
                let at = u64::from_be_bytes(*at);
                (i64::try_from(at).is_ok()).then_some((Some(at), signature))
            }
        }
    }
}

/// A text that is no public key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is no public key of a signed note: {0}")]
pub struct NoKey(&'static str);

/// A public key with its name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VerifierKey {
    name: String,
    kind: Kind,
    public: VerifyingKey,
}

impl VerifierKey {
    /// A key under a name: not empty, no spaces, no `+`.
    pub fn new(name: &str, kind: Kind, public: [u8; 32]) -> Result<Self, NoKey> {
        if !may_be_named(name) {
            return Err(NoKey("its name is empty, or has a space or a plus"));
        }
        let public = VerifyingKey::from_bytes(&public).map_err(|_| NoKey("it is no point of the curve"))?;
        Ok(Self { name: name.to_owned(), kind, public })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it signs.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The 32 bytes of the key itself.
    pub fn public(&self) -> [u8; 32] {
        self.public.to_bytes()
    }

    /// The first four bytes of the SHA-256 hash of name, line feed, kind and key.
    pub fn id(&self) -> [u8; 4] {
        let hash = Sha256::new_with_prefix(&self.name)
            .chain_update([b'\n', self.kind.code()])
            .chain_update(self.public.as_bytes())
            .finalize();
        let [a, b, c, d, ..] = <[u8; 32]>::from(hash);
        [a, b, c, d]
    }

    /// When the text was signed, where the kind says so; nothing when the signature does not hold.
    pub(super) fn check(&self, text: &str, stamped: &[u8]) -> Option<Option<u64>> {
        let (at, signature) = self.kind.unstamped(stamped)?;
        let signature = Signature::from_slice(signature).ok()?;
        let message = self.kind.message(at.unwrap_or_default(), text);
        self.public.verify_strict(&message, &signature).ok().map(|()| at)
    }
}

/// The `vkey` text.
impl std::fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let key = [&[self.kind.code()], self.public.as_bytes().as_slice()].concat();
        write!(f, "{}+{:08x}+{}", self.name, u32::from_be_bytes(self.id()), BASE64.encode(key))
    }
}

impl FromStr for VerifierKey {
    type Err = NoKey;

    fn from_str(text: &str) -> Result<Self, NoKey> {
        let (name, rest) = text.split_once('+').ok_or(NoKey("it has no name"))?;
        let (id, key) = rest.split_once('+').ok_or(NoKey("it has no id"))?;
        let key = BASE64.decode(key).map_err(|_| NoKey("it is no base64"))?;
        let (kind, public) = key.split_first().ok_or(NoKey("it is empty"))?;
        let kind = match kind {
            0x01 => Kind::Note,
            0x04 => Kind::Cosignature,
            _ => return Err(NoKey("its kind is not known")),
        };
        let public = public.try_into().map_err(|_| NoKey("it has not 32 bytes"))?;
        let key = Self::new(name, kind, public)?;
        let digits = id.len() == 8 && id.bytes().all(|b| b.is_ascii_hexdigit());
        if !digits || u32::from_str_radix(id, 16) != Ok(u32::from_be_bytes(key.id())) {
            return Err(NoKey("its id is another key's"));
        }
        Ok(key)
    }
}

/// Whether a key may have this name.
pub(crate) fn may_be_named(name: &str) -> bool {
    !name.is_empty() && !name.chars().any(|c| c.is_whitespace() || c.is_control() || c == '+')
}
