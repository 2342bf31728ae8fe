//! Tables by id. An id is sixteen random bytes, so one multiplication is hash enough. Some ids are chosen by clients, who
//! must not be able to choose such that fall together; so numbers drawn for this process are mixed in.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::LazyLock;

/// Values by id.
pub type IdMap<K, V> = HashMap<K, V, ById>;
/// A set of ids.
pub type IdSet<K> = HashSet<K, ById>;

static SEED: LazyLock<[u64; 2]> = LazyLock::new(|| {
    let random = RandomState::new();
    [random.hash_one(0), random.hash_one(1)]
});

/// Hashes ids, and nothing else: lengths do not count.
#[derive(Clone, Copy, Debug)]
pub struct ById([u64; 2]);

impl Default for ById {
    fn default() -> Self {
        Self(*SEED)
    }
}

impl BuildHasher for ById {
    type Hasher = IdHasher;

    fn build_hasher(&self) -> IdHasher {
        let Self([state, seed]) = *self;
        IdHasher { state, seed }
    }
}

/// See [`ById`].
#[derive(Debug)]
pub struct IdHasher {
    state: u64,
    seed: u64,
}

impl Hasher for IdHasher {
    fn write(&mut self, bytes: &[u8]) {
        let (whole, rest) = bytes.as_chunks::<16>();
        for id in whole {
            self.mix(u128::from_le_bytes(*id));
        }
        if !rest.is_empty() {
            let mut padded = [0; 16];
            padded.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
            self.mix(u128::from_le_bytes(padded));
        }
    }

    fn write_usize(&mut self, _length: usize) {}

    fn finish(&self) -> u64 {
        self.state
    }
}

impl IdHasher {
    /// Both halves of the product of both halves of the id, each under a number that nobody outside knows.
    fn mix(&mut self, id: u128) {
        let (low, high) = (id as u64 ^ self.state, (id >> 64) as u64 ^ self.seed);
        let product = u128::from(low).wrapping_mul(u128::from(high));
        self.state = product as u64 ^ (product >> 64) as u64;
    }
}

#[cfg(test)]
mod tests {
    use domain::id::KeyId;

    use super::*;

    #[test]
    fn every_byte_of_an_id_counts() {
        let by_id = ById::default();
        let mut hashes: IdSet<KeyId> = IdSet::default();
        let mut seen = HashSet::new();
        for at in 0..16 {
            for value in 1..=255 {
                let mut id = [0; 16];
                id[at] = value;
                assert!(hashes.insert(KeyId(id)));
                seen.insert(by_id.hash_one(KeyId(id)));
            }
        }
        assert_eq!((hashes.len(), seen.len()), (16 * 255, 16 * 255));
    }
}
