//! BLAKE3 `derive_key`, with the compression of each context done once a process.

use std::hint::black_box;
use std::sync::LazyLock;

use blake3::hazmat::{ContextKey, HasherExt};

/// A context of `derive_key`, ready for use. Every use of the hash in this crate has one of its own.
pub(crate) type Context = LazyLock<ContextKey>;

/// `derive_key` under one context, for many values in a row.
pub(crate) struct Deriver(blake3::Hasher);

impl Deriver {
    pub(crate) fn new(context: &Context) -> Self {
        Self(blake3::Hasher::new_from_context_key(context))
    }

    /// The hash of the pieces, one behind the other.
    pub(crate) fn derive(&mut self, pieces: &[&[u8]]) -> [u8; 32] {
        for piece in pieces {
            self.0.update(piece);
        }
        finish(&mut self.0)
    }
}

/// `derive_key` of many values that begin alike: what they share is hashed once.
pub(crate) struct Prefixed(blake3::Hasher);

impl Prefixed {
    /// A block of 64 bytes is compressed when the first byte behind it comes, so a prefix of whole blocks and one byte
    /// leaves nothing to do twice.
    pub(crate) fn new(context: &Context, prefix: &[&[u8]]) -> Self {
        let mut hasher = blake3::Hasher::new_from_context_key(context);
        for piece in prefix {
            hasher.update(piece);
        }
        Self(hasher)
    }

    /// The hash of the prefix and these bytes.
    pub(crate) fn derive(&self, rest: &[u8]) -> [u8; 32] {
        let mut hasher = self.0.clone();
        hasher.update(rest);
        finish(&mut hasher)
    }
}

impl Drop for Prefixed {
    fn drop(&mut self) {
        forget(&mut self.0);
    }
}

/// BLAKE3 `derive_key` over the pieces, one behind the other.
pub(crate) fn derive(context: &Context, pieces: &[&[u8]]) -> [u8; 32] {
    Deriver::new(context).derive(pieces)
}

fn finish(hasher: &mut blake3::Hasher) -> [u8; 32] {
    let hash = *hasher.finalize().as_bytes();
    forget(hasher);
    hash
}

/// Nothing of the last block stays in memory: it may hold a key or clear text.
fn forget(hasher: &mut blake3::Hasher) {
    hasher.reset();
    black_box(hasher);
}
