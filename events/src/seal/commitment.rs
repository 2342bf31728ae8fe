//! Commitments: what a record says of a sealed part, hiding until somebody shows a leaf.
//!
//! ```text
//! commitment = derive_key("… commitment", count (u32) · leaves (32 each))
//! leaf i     = derive_key("… leaf", salt i (32) · i (u32) · value)
//! salt i     = derive_key("… leaf salt", salt of the part (64) · i (u32))
//! ```
//!
//! Leaf 0 is the subject, leaf 1 the compartment, the fields follow. Without the salt of the part, which lies inside
//! it and dies with its key, a leaf tells nothing of its value, however few values there may be.

use blake3::hazmat::hash_derive_key_context;

use super::{Plain, SALT};
use crate::derive::{Context, Deriver, Prefixed, derive};
use crate::record::Hash;

static COMMITMENT: Context = Context::new(|| hash_derive_key_context("lethe 2026-11 seal: commitment"));
static LEAF: Context = Context::new(|| hash_derive_key_context("lethe 2026-11 seal: leaf"));
static LEAF_SALT: Context = Context::new(|| hash_derive_key_context("lethe 2026-11 seal: leaf salt"));

/// What a record holds of a sealed part.
pub type Commitment = Hash;

/// One leaf of a part as it is handed out.
#[derive(Clone, PartialEq, Eq)]
pub enum Leaf {
    /// With what it hides.
    Shown {
        /// The salt of this leaf alone; it opens no other.
        salt: [u8; 32],
        /// The subject's 16 bytes, the compartment's 6, or the bincode bytes of a field.
        value: Vec<u8>,
    },
    /// Without.
    Bare([u8; 32]),
}

/// Whether these are the leaves of the part that the record commits to. Needs no key.
pub fn verify_opening(commitment: &Commitment, leaves: &[Leaf]) -> bool {
    of_leaves(leaves) == *commitment
}

/// The commitment to a list of leaves, some of which may be bare.
pub(super) fn of_leaves(leaves: &[Leaf]) -> Commitment {
    let mut hider = Deriver::new(&LEAF);
    root(leaves.iter().enumerate().map(|(index, leaf)| match leaf {
        Leaf::Shown { salt, value } => hide(&mut hider, index, salt, value),
        Leaf::Bare(hash) => *hash,
    }))
}

impl Leaf {
    /// The same without what it hides.
    pub(super) fn hidden(&self, index: usize) -> Self {
        match self {
            Self::Shown { salt, value } => Self::Bare(hide(&mut Deriver::new(&LEAF), index, salt, value)),
            Self::Bare(hash) => Self::Bare(*hash),
        }
    }
}

pub(super) fn commit(salt: &[u8; SALT], plain: &Plain) -> Commitment {
    let compartment = plain.compartment_bytes();
    let (salts, mut hider) = (Salts::of(salt), Deriver::new(&LEAF));
    root(values(plain, &compartment).enumerate().map(|(index, value)| {
        let salt = salts.leaf(index);
        hide(&mut hider, index, &salt, value)
    }))
}

pub(super) fn disclose(salt: &[u8; SALT], plain: &Plain, shown: impl Fn(usize) -> bool) -> Vec<Leaf> {
    let compartment = plain.compartment_bytes();
    let (salts, mut hider) = (Salts::of(salt), Deriver::new(&LEAF));
    let leaf = |(index, value): (usize, &[u8])| {
        let salt = salts.leaf(index);
        if shown(index) {
            Leaf::Shown { salt, value: value.to_vec() }
        } else {
            Leaf::Bare(hide(&mut hider, index, &salt, value))
        }
    };
    values(plain, &compartment).enumerate().map(leaf).collect()
}

fn values<'a>(plain: &'a Plain, compartment: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
    [&plain.subject.0, compartment].into_iter().chain(plain.fields.iter().map(Vec::as_slice))
}

/// The salts of a part's leaves. A part has less than 2^24 leaves, so all of them share the salt of the part and the
/// first byte of the index.
struct Salts(Prefixed);

impl Salts {
    fn of(salt: &[u8; SALT]) -> Self {
        Self(Prefixed::new(&LEAF_SALT, &[salt, &[0]]))
    }

    fn leaf(&self, index: usize) -> [u8; 32] {
        let [_, rest @ ..] = (index as u32).to_be_bytes();
        self.0.derive(&rest)
    }
}

fn hide(hider: &mut Deriver, index: usize, salt: &[u8; 32], value: &[u8]) -> [u8; 32] {
    hider.derive(&[salt, &(index as u32).to_be_bytes(), value])
}

fn root(leaves: impl Iterator<Item = [u8; 32]>) -> Commitment {
    let leaves: Vec<[u8; 32]> = leaves.collect();
    derive(&COMMITMENT, &[&(leaves.len() as u32).to_be_bytes(), leaves.as_flattened()])
}

impl std::fmt::Debug for Leaf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Shown { .. } => f.write_str("Shown(..)"),
            Self::Bare(_) => f.write_str("Bare(..)"),
        }
    }
}
