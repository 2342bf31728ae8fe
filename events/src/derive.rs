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

    /// The hash of the pieces, one behind the other. Nothing of the last block stays in memory: it may hold a key or
    /// clear text.
    pub(crate) fn derive(&mut self, pieces: &[&[u8]]) -> [u8; 32] {
        for piece in pieces {
            self.0.update(piece);
        }
        let hash = *self.0.finalize().as_bytes();
        self.0.reset();
        black_box(&self.0);
        hash
    }
}

/// BLAKE3 `derive_key` over the pieces, one behind the other.
pub(crate) fn derive(context: &Context, pieces: &[&[u8]]) -> [u8; 32] {
    Deriver::new(context).derive(pieces)
}
