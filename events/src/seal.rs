//! Sealed parts: the personal data of one subject in one record, readable only with the key of its compartment.
//!
//! The clear text of a part is
//!
//! ```text
//! salt (64) · subject (16) · compartment: code (u16), bucket (u32) · for each field: length (u16), bytes
//! ```
//!
//! The bytes of a field are what bincode gives for it, and all of them together are what it gives for the tuple of the
//! personal fields; the lengths make them a list, so a part can be split into its leaves, redacted and disclosed by
//! somebody who does not know its type. A sealed part is
//!
//! ```text
//! suite (1) = 1 · nonce (24) · XChaCha20-Poly1305 over the clear text, tag (16) last
//! ```
//!
//! under a key used this once: BLAKE3 `derive_key` over (key of the compartment · nonce · associated data). The nonce
//! is drawn at every sealing, so a retry gives other bytes. These ciphers do not commit to their key; the
//! [`Commitment`] in the record does, and is checked after every opening. Integers are big-endian.
//!
//! A part that was resealed without some of its fields has the list of its leaves instead, under suite 2: those that stay
//! with their salts, those that went bare ([`reseal`]).

mod binding;
mod commitment;
mod leaves;
#[cfg(test)]
mod tests;

pub use binding::Binding;
pub use commitment::{Commitment, Leaf, verify_opening};

use blake3::hazmat::hash_derive_key_context;
use chacha20poly1305::aead::AeadInPlace;
use chacha20poly1305::{KeyInit, Tag, XChaCha20Poly1305, XNonce};
use domain::compartment::Compartment;
use domain::id::SubjectId;
use zeroize::{Zeroize, Zeroizing};

use crate::derive::{Context, derive};
use crate::keyring::Key;
use crate::random::{self, NoRandomness};

/// The largest clear text of one part, in bytes. What is longer is several parts.
pub const MAX_PLAIN: usize = 60_000;

/// How many bytes a part has besides its fields: suite, nonce, tag, salt, subject, compartment.
pub const OVERHEAD: usize = 1 + NONCE + TAG + SALT + 16 + 6;

const SUITE: u8 = 1;
/// The clear text is a list of leaves.
const LEAVES: u8 = 2;
/// The most that the salts of a list of leaves add to a clear text.
const MAX_SALTS: usize = 10_000;
const NONCE: usize = 24;
const TAG: usize = 16;
const SALT: usize = 64;

static ONE_SHOT: Context = Context::new(|| hash_derive_key_context("lethe 2026-11 seal: one-shot key"));

/// What is sealed: one subject's personal fields of one record. Zeroed when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Plain {
    /// Whose they are.
    pub subject: SubjectId,
    /// What they die with.
    pub compartment: Compartment,
    /// The bincode bytes of each field, in the order of the record's kind.
    pub fields: Vec<Vec<u8>>,
}

/// A part as it is stored, and what the record holds of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sealed {
    /// Suite, nonce, ciphertext and tag.
    pub bytes: Vec<u8>,
    /// What the record commits to.
    pub commitment: Commitment,
}

/// A part that was opened, with the salts that a later disclosure needs.
pub struct Opened {
    /// What was sealed. A field that went with a redaction has no bytes; no stored value has none.
    pub plain: Plain,
    salts: Salts,
}

/// What hides the leaves of a part.
enum Salts {
    /// One salt for the whole.
    Whole(Zeroizing<[u8; SALT]>),
    /// The leaves themselves, subject and compartment first.
    Leaves(Vec<Leaf>),
}

/// Why nothing was sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The clear text is longer than [`MAX_PLAIN`].
    #[error("the personal data of one part is {0} bytes long; {MAX_PLAIN} is the limit")]
    TooLong(usize),
    /// The system gave no salt and no nonce.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
}

/// Why a part does not open although its key is there: it is damaged, which is a failure and never an erasure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// These bytes were not sealed under this key for this place.
    #[error("the authentication tag of a sealed part is wrong")]
    BadTag,
    /// The part opens, and is not the one that the record commits to.
    #[error("a sealed part is not the one that its record commits to")]
    BadCommitment,
    /// The bytes have no such form.
    #[error("a sealed part is malformed")]
    Malformed,
    /// Sealed in a way that this version does not know.
    #[error("a sealed part has suite {0}, which this version does not know")]
    UnknownSuite(u8),
}

/// Seals a part for its place under its compartment's key, with a salt and a nonce drawn for this sealing alone.
pub fn seal(plain: &Plain, key: &Key, binding: &Binding<'_>) -> Result<Sealed, SealError> {
    let mut salt = Zeroizing::new([0; SALT]);
    random::fill(salt.as_mut_slice())?;
    seal_with(plain, key, binding, &salt, random::bytes()?)
}

/// Opens a part and checks it against the commitment in its record.
pub fn open(sealed: &[u8], key: &Key, binding: &Binding<'_>, commitment: &Commitment) -> Result<Opened, OpenError> {
    let (suite, rest) = sealed.split_first().ok_or(OpenError::Malformed)?;
    let most = match *suite {
        SUITE => MAX_PLAIN,
        LEAVES => MAX_PLAIN + MAX_SALTS,
        unknown => return Err(OpenError::UnknownSuite(unknown)),
    };
    let (nonce, rest) = rest.split_first_chunk().ok_or(OpenError::Malformed)?;
    let (body, tag) = rest.split_last_chunk::<TAG>().ok_or(OpenError::Malformed)?;
    if body.len() > most {
        return Err(OpenError::Malformed);
    }
    let associated = binding.bytes();
    let mut clear = Zeroizing::new(body.to_vec());
    cipher(key, nonce, &associated)
        .decrypt_in_place_detached(XNonce::from_slice(nonce), &associated, &mut clear, Tag::from_slice(tag))
        .map_err(|_| OpenError::BadTag)?;
    let opened = if *suite == LEAVES { leaves::read(&clear) } else { whole(&clear) };
    let opened = opened.ok_or(OpenError::Malformed)?;
    if opened.commitment() != *commitment {
        return Err(OpenError::BadCommitment);
    }
    Ok(opened)
}

/// Seals what was opened for another place and under another key, without the leaves that go. The commitment stays the same:
/// whoever knows it sees that what stays is what was.
pub fn reseal(
    opened: &Opened,
    goes: impl Fn(usize) -> bool,
    key: &Key,
    binding: &Binding<'_>,
) -> Result<Sealed, SealError> {
    reseal_with(opened, goes, key, binding, random::bytes()?)
}

pub(crate) fn reseal_with(
    opened: &Opened,
    goes: impl Fn(usize) -> bool,
    key: &Key,
    binding: &Binding<'_>,
    nonce: [u8; NONCE],
) -> Result<Sealed, SealError> {
    let commitment = opened.commitment();
    let count = 2 + opened.plain.fields.len();
    match &opened.salts {
        Salts::Whole(salt) if !(2..count).any(&goes) => seal_with(&opened.plain, key, binding, salt, nonce),
        _ => {
            let leaves = opened.disclose(|leaf| leaf < 2 || !goes(leaf));
            let clear = leaves::write(&leaves);
            if clear.len() > MAX_PLAIN + MAX_SALTS {
                return Err(SealError::TooLong(clear.len()));
            }
            Ok(Sealed { bytes: encrypt(LEAVES, &clear, key, binding, nonce)?, commitment })
        }
    }
}

impl Opened {
    /// What the record of this part commits to.
    pub fn commitment(&self) -> Commitment {
        match &self.salts {
            Salts::Whole(salt) => commitment::commit(salt, &self.plain),
            Salts::Leaves(leaves) => commitment::of_leaves(leaves),
        }
    }

    /// The leaves of this part, subject and compartment first: salt and value of those that may be shown and are there, the
    /// rest bare. Handing them out is a disclosure; [`verify_opening`] checks them without any key.
    pub fn disclose(&self, shown: impl Fn(usize) -> bool) -> Vec<Leaf> {
        match &self.salts {
            Salts::Whole(salt) => commitment::disclose(salt, &self.plain, shown),
            Salts::Leaves(leaves) => {
                let leaf =
                    |(number, leaf): (usize, &Leaf)| if shown(number) { leaf.clone() } else { leaf.hidden(number) };
                leaves.iter().enumerate().map(leaf).collect()
            }
        }
    }
}

impl Plain {
    fn length(&self) -> usize {
        SALT + 16 + 6 + self.fields.iter().map(|field| 2 + field.len()).sum::<usize>()
    }

    fn compartment_bytes(&self) -> [u8; 6] {
        let (code, bucket) = self.compartment.code();
        let ([a, b], [c, d, e, f]) = (code.to_be_bytes(), bucket.to_be_bytes());
        [a, b, c, d, e, f]
    }
}

impl Drop for Plain {
    fn drop(&mut self) {
        self.fields.zeroize();
    }
}

impl Drop for Salts {
    fn drop(&mut self) {
        if let Self::Leaves(leaves) = self {
            for leaf in leaves {
                if let Leaf::Shown { salt, value } = leaf {
                    salt.zeroize();
                    value.zeroize();
                }
            }
        }
    }
}

impl std::fmt::Debug for Plain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Plain({}, {} fields)", self.compartment, self.fields.len())
    }
}

impl std::fmt::Debug for Opened {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Opened({:?})", self.plain)
    }
}

/// The clear text is written where it is encrypted, in a buffer that never grows, so no copy of it stays behind.
pub(crate) fn seal_with(
    plain: &Plain,
    key: &Key,
    binding: &Binding<'_>,
    salt: &[u8; SALT],
    nonce: [u8; NONCE],
) -> Result<Sealed, SealError> {
    let length = plain.length();
    if length > MAX_PLAIN {
        return Err(SealError::TooLong(length));
    }
    let mut bytes = Vec::with_capacity(1 + NONCE + length + TAG);
    bytes.push(SUITE);
    bytes.extend_from_slice(&nonce);
    bytes.extend_from_slice(salt);
    bytes.extend_from_slice(&plain.subject.0);
    bytes.extend_from_slice(&plain.compartment_bytes());
    for field in &plain.fields {
        // No field is longer than the whole, so its length fits.
        bytes.extend_from_slice(&(field.len() as u16).to_be_bytes());
        bytes.extend_from_slice(field);
    }
    let associated = binding.bytes();
    let (_, clear) = bytes.split_at_mut(1 + NONCE);
    let tag =
        cipher(key, &nonce, &associated).encrypt_in_place_detached(XNonce::from_slice(&nonce), &associated, clear);
    let Ok(tag) = tag else {
        // The cipher's own limit is 256 GiB; were it met, what lies in the buffer would be clear text.
        bytes.zeroize();
        return Err(SealError::TooLong(length));
    };
    bytes.extend_from_slice(&tag);
    Ok(Sealed { bytes, commitment: commitment::commit(salt, plain) })
}

fn cipher(key: &Key, nonce: &[u8; NONCE], associated: &[u8]) -> XChaCha20Poly1305 {
    let one_shot = Key::new(derive(&ONE_SHOT, &[key.expose(), nonce, associated]));
    XChaCha20Poly1305::new(one_shot.expose().into())
}

/// Suite, nonce, ciphertext and tag of any clear text.
fn encrypt(
    suite: u8,
    clear: &[u8],
    key: &Key,
    binding: &Binding<'_>,
    nonce: [u8; NONCE],
) -> Result<Vec<u8>, SealError> {
    let mut bytes = Vec::with_capacity(1 + NONCE + clear.len() + TAG);
    bytes.push(suite);
    bytes.extend_from_slice(&nonce);
    bytes.extend_from_slice(clear);
    let associated = binding.bytes();
    let (_, body) = bytes.split_at_mut(1 + NONCE);
    let tag = cipher(key, &nonce, &associated).encrypt_in_place_detached(XNonce::from_slice(&nonce), &associated, body);
    let Ok(tag) = tag else {
        bytes.zeroize();
        return Err(SealError::TooLong(clear.len()));
    };
    bytes.extend_from_slice(&tag);
    Ok(bytes)
}

fn whole(clear: &[u8]) -> Option<Opened> {
    let (salt, rest) = clear.split_first_chunk()?;
    let (subject, rest) = rest.split_first_chunk()?;
    let (compartment, mut rest) = rest.split_first_chunk()?;
    let compartment = compartment_of(compartment)?;
    let mut fields = Vec::with_capacity(8);
    while !rest.is_empty() {
        let (length, behind) = rest.split_first_chunk()?;
        let (field, behind) = behind.split_at_checked(u16::from_be_bytes(*length).into())?;
        fields.push(field.to_vec());
        rest = behind;
    }
    let plain = Plain { subject: SubjectId(*subject), compartment, fields };
    Some(Opened { plain, salts: Salts::Whole(Zeroizing::new(*salt)) })
}

fn compartment_of([a, b, c, d, e, f]: &[u8; 6]) -> Option<Compartment> {
    Compartment::from_code(u16::from_be_bytes([*a, *b]), u32::from_be_bytes([*c, *d, *e, *f]))
}
