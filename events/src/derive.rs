//! BLAKE3 `derive_key`, with the compression of each context done once a process.

use std::hint::black_box;
use std::sync::LazyLock;

use blake3::hazmat::{ContextKey, HasherExt};

/// A context of `derive_key`, ready for use. Every use of the hash in this crate has one of its own.
pub(crate) type Context = LazyLock<ContextKey>;

/// BLAKE3 `derive_key` over the pieces, one behind the other.
pub(crate) fn derive(context: &Context, pieces: &[&[u8]]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_from_context_key(context);
    for piece in pieces {
        hasher.update(piece);
    }
    finish(hasher)
}

/// The hash of what was fed, leaving nothing of the last block in memory: it may hold a key or clear text.
pub(crate) fn finish(mut hasher: blake3::Hasher) -> [u8; 32] {
    let hash = *hasher.finalize().as_bytes();
    hasher.reset();
    black_box(&hasher);
    hash
}
