//! A key: 32 random bytes that leave memory with their owner, and the one-way name by which records call it.

use std::fmt;

use blake3::hazmat::hash_derive_key_context;
use domain::id::KeyId;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::derive::{Context, derive};
use crate::random::{self, NoRandomness};

static FINGERPRINT: Context = Context::new(|| hash_derive_key_context("lethe 2026-11 key: fingerprint"));

/// A symmetric key. It stays where it was made and is zeroed there when it is dropped: whoever passes it on, moves the
/// pointer.
#[derive(PartialEq, Eq)]
pub struct Key(Box<[u8; 32]>);

impl Key {
    /// A key that nobody ever had.
    pub fn random() -> Result<Self, NoRandomness> {
        let mut key = Self::empty();
        random::fill(&mut *key.0)?;
        Ok(key)
    }

    /// Takes over bytes that are a key already.
    pub(crate) fn new(mut bytes: [u8; 32]) -> Self {
        let key = Self::copy(&bytes);
        bytes.zeroize();
        key
    }

    /// The same, from where they lie. Whoever has them there zeroes them.
    pub(crate) fn copy(bytes: &[u8; 32]) -> Self {
        let mut key = Self::empty();
        key.0.copy_from_slice(bytes);
        key
    }

    fn empty() -> Self {
        Self(Box::new([0; 32]))
    }

    /// The bytes. Whoever calls this answers for where they go.
    pub(crate) fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    /// The first 16 bytes of BLAKE3 `derive_key` over the key, with a context of its own.
    pub fn fingerprint(&self) -> KeyId {
        let hash = derive(&FINGERPRINT, &[&*self.0]);
        KeyId(std::array::from_fn(|at| hash.get(at).copied().unwrap_or_default()))
    }
}

impl Clone for Key {
    fn clone(&self) -> Self {
        Self::copy(&self.0)
    }
}

impl Drop for Key {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl ZeroizeOnDrop for Key {}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_named_by_its_fingerprint_and_prints_nothing() {
        let key = Key::new([7; 32]);
        let hash = blake3::derive_key("lethe 2026-11 key: fingerprint", &[7; 32]);
        assert_eq!(key.fingerprint().0, hash[..16]);
        assert_eq!(key.fingerprint().to_string(), "key_96531475742a6fdc893de69496221f38");
        assert_eq!(format!("{key:?}"), "Key(..)");
    }
}
