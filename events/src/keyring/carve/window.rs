//! Keys in clear, at any offset: a key is found by its name, which is a one-way function of its 32 bytes. So every window
//! of 32 bytes is named, where it could be a key at all, and every 64 hexadecimal digits are read as one.
//!
//! Of 32 random bytes about thirty differ, and fewer than [`LEAST`] of them never in practice; text, zeros and tables
//! have fewer, and are passed over.

use blake3::hazmat::hash_derive_key_context;
use domain::id::KeyId;

use crate::derive::{Context, Deriver};
use crate::ids::IdSet;

static FINGERPRINT: Context = Context::new(|| hash_derive_key_context("lethe 2026-11 key: fingerprint"));

/// How many bytes of a key differ at least.
const LEAST: u32 = 18;
const KEY: usize = 32;
const HEX: usize = 64;

/// Names to look for.
pub struct Windows {
    names: IdSet<KeyId>,
}

impl Windows {
    /// So many bytes of a piece must be seen again at the beginning of the next one.
    pub const OVERLAP: usize = HEX - 1;

    /// For the keys of these names.
    pub fn new(names: IdSet<KeyId>) -> Self {
        Self { names }
    }

    /// The keys that stand in these bytes, each with its first byte's place.
    pub fn find(&self, bytes: &[u8]) -> Vec<(usize, KeyId)> {
        if self.names.is_empty() {
            return Vec::new();
        }
        let mut found = Vec::new();
        let (mut deriver, mut kinds) = (Deriver::new(&FINGERPRINT), Kinds::default());
        let mut digits = 0;
        for (at, byte) in bytes.iter().enumerate() {
            kinds.enter(*byte);
            if let Some(left) = at.checked_sub(KEY).and_then(|at| bytes.get(at)) {
                kinds.leave(*left);
            }
            digits = if byte.is_ascii_hexdigit() { digits + 1 } else { 0 };
            let end = at + 1;
            if kinds.differ >= LEAST
                && let Some(window) = end.checked_sub(KEY).and_then(|start| bytes.get(start..end))
                && let Some(name) = self.name(&mut deriver, window)
            {
                found.push((end - KEY, name));
            }
            if digits >= HEX
                && let Some(text) = end.checked_sub(HEX).and_then(|start| bytes.get(start..end))
                && let Some(name) = self.name(&mut deriver, &unhex(text))
            {
                found.push((end - HEX, name));
            }
        }
        found
    }

    fn name(&self, deriver: &mut Deriver, key: &[u8]) -> Option<KeyId> {
        let name = KeyId(*deriver.derive(&[key]).first_chunk()?);
        self.names.contains(&name).then_some(name)
    }
}

/// Which bytes a window has, and how many that differ.
struct Kinds {
    counts: [u8; 256],
    differ: u32,
}

impl Default for Kinds {
    fn default() -> Self {
        Self { counts: [0; 256], differ: 0 }
    }
}

impl Kinds {
    fn enter(&mut self, byte: u8) {
        if let Some(count) = self.counts.get_mut(usize::from(byte)) {
            self.differ += u32::from(*count == 0);
            *count += 1;
        }
    }

    fn leave(&mut self, byte: u8) {
        if let Some(count) = self.counts.get_mut(usize::from(byte)) {
            *count = count.saturating_sub(1);
            self.differ -= u32::from(*count == 0);
        }
    }
}

fn unhex(text: &[u8]) -> Vec<u8> {
    let digit = |digit: u8| char::from(digit).to_digit(16).unwrap_or_default() as u8;
    text.as_chunks::<2>().0.iter().map(|[high, low]| digit(*high) << 4 | digit(*low)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyring::Key;

    fn windows(keys: &[Key]) -> Windows {
        Windows::new(keys.iter().map(Key::fingerprint).collect())
    }

    #[test]
    fn a_key_is_found_at_any_offset_and_as_text() {
        let keys: Vec<Key> = (0..3).map(|_| Key::random().unwrap()).collect();
        let hex: String = keys[2].expose().iter().map(|byte| format!("{byte:02X}")).collect();
        let noise = [Key::random().unwrap().expose().to_vec(), vec![0; 100], b"nothing at all".to_vec()].concat();
        let bytes = [&noise, &keys[0].expose()[..], &noise, &keys[1].expose()[..], b"0aF", hex.as_bytes()].concat();
        let found = windows(&keys).find(&bytes);
        let (one, two) = (noise.len(), 2 * noise.len() + 32);
        let all: Vec<_> = [one, two, two + 35].into_iter().zip(keys.iter().map(Key::fingerprint)).collect();
        assert_eq!(found, all);
        assert_eq!(windows(&keys[..1]).find(&bytes[one + 1..]), []);
        assert_eq!(windows(&[]).find(&bytes), []);
    }

    #[test]
    fn no_random_key_is_passed_over() {
        let keys: Vec<Key> = (0..20_000).map(|_| Key::random().unwrap()).collect();
        let bytes: Vec<u8> = keys.iter().flat_map(|key| *key.expose()).collect();
        assert_eq!(windows(&keys).find(&bytes).len(), keys.len());
    }
}
