//! What a caller draws at random for one attempt at a command: ids, and one-time codes.

use domain::id::FromRandom;

use crate::random::{self, NoRandomness};
use crate::record::Hash;

/// Draws ids and remembers them, so that a retry of the same command, which draws others, is still known as the same.
#[derive(Default, Clone)]
pub struct Fresh {
    drawn: Vec<Vec<u8>>,
}

impl Fresh {
    /// Nothing drawn yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// A new id.
    pub fn id<T: FromRandom>(&mut self) -> Result<T, NoRandomness> {
        let bytes: [u8; 16] = random::bytes()?;
        self.drawn.push(bytes.to_vec());
        Ok(T::from_random(bytes))
    }

    /// Something else that was made at random for this attempt, a code's hash, say.
    pub fn note(&mut self, hash: Hash) {
        self.drawn.push(hash.to_vec());
    }

    /// Whether two stored forms say the same, but for what was drawn for the newer.
    pub fn same(&self, new: &[u8], old: &[u8]) -> bool {
        if new.len() != old.len() {
            return false;
        }
        let (mut new, mut old) = (new, old);
        while let (Some((n, new_rest)), Some((o, old_rest))) = (new.split_first(), old.split_first()) {
            if let Some(length) = self.drawn.iter().find(|drawn| new.starts_with(drawn)).map(Vec::len) {
                new = new.get(length..).unwrap_or_default();
                old = old.get(length..).unwrap_or_default();
                continue;
            }
            if n != o {
                return false;
            }
            (new, old) = (new_rest, old_rest);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::id::PointId;

    #[test]
    fn a_retry_differs_only_in_what_it_drew() {
        let mut fresh = Fresh::new();
        let point: PointId = fresh.id().unwrap();
        let new = [b"mail:".as_slice(), &point.0, b":a@b.example"].concat();
        let old = [b"mail:".as_slice(), &[9; 16], b":a@b.example"].concat();
        let other = [b"mail:".as_slice(), &[9; 16], b":a@c.example"].concat();
        assert!(fresh.same(&new, &old));
        assert!(!fresh.same(&new, &other));
        assert!(!fresh.same(&new, &old[1..]));
    }
}
