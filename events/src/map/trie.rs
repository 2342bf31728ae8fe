//! The trie as it is kept: forks for the first bits, and sorted rows of a few leaves below them. A hash is kept for every
//! fork and every row, not for every leaf: so an update hashes one row again and the forks above it.

use super::{Leaf, bit, first_difference, node};
use crate::record::Hash;

/// A row that grows longer is forked: rows of random ids then hold eight on average. Longer rows save little memory and cost
/// more hashes an update.
const ROW: usize = 12;

/// The leaves whose ids share their first bits, as many as the trie is deep.
#[derive(Default)]
pub(super) struct Trie {
    /// Of what is below, when it is not stale.
    hash: Hash,
    /// Something below has changed.
    stale: bool,
    below: Below,
}

enum Below {
    /// Sorted by id. Only here can a trie be empty.
    Row(Vec<Leaf>),
    /// By the next bit. Either side may be empty, not both: such a fork is no node of the map.
    Fork(Box<[Trie; 2]>),
}

impl Default for Below {
    fn default() -> Self {
        Self::Row(Vec::new())
    }
}

impl Trie {
    fn row(leaves: &[Leaf]) -> Self {
        Self { hash: [0; 32], stale: true, below: Below::Row(leaves.to_vec()) }
    }

    /// Puts a leaf in, or in the place of the one with its id. Whether it is new.
    pub(super) fn put(&mut self, depth: u8, leaf: Leaf) -> bool {
        self.stale = true;
        let new = match &mut self.below {
            Below::Fork(sides) => {
                let [left, right] = &mut **sides;
                let side = if bit(&leaf.id, depth) { right } else { left };
                return side.put(depth + 1, leaf);
            }
            Below::Row(row) => put_in_row(row, leaf),
        };
        self.fork(depth);
        new
    }

    /// Forks a row that has grown too long, until no row is. Ids differ, so there is a bit to fork at.
    fn fork(&mut self, depth: u8) {
        let Below::Row(row) = &self.below else { return };
        if row.len() <= ROW {
            return;
        }
        let (left, right) = row.split_at(row.partition_point(|leaf| !bit(&leaf.id, depth)));
        let mut sides = Box::new([Self::row(left), Self::row(right)]);
        sides.iter_mut().for_each(|side| side.fork(depth + 1));
        self.below = Below::Fork(sides);
    }

    /// The hash of what is below; none when there is nothing. `depth` is the number of bits that the ids below share.
    pub(super) fn hash(&mut self, depth: u8) -> Option<Hash> {
        if self.stale {
            self.hash = match &mut self.below {
                Below::Row(row) => hash_row(row)?,
                Below::Fork(sides) => {
                    let [left, right] = &mut **sides;
                    match (left.hash(depth + 1), right.hash(depth + 1)) {
                        (Some(left), Some(right)) => node(depth, &left, &right),
                        (one, other) => one.or(other)?,
                    }
                }
            };
            self.stale = false;
        }
        (!self.is_empty()).then_some(self.hash)
    }

    /// Goes down by the bits of an id: the leaf where that ends, and on the way what stands on the other side of each node.
    pub(super) fn walk(&mut self, depth: u8, id: &[u8; 16], path: &mut Vec<(u8, Hash)>) -> Option<Leaf> {
        let sides = match &mut self.below {
            Below::Row(row) => return walk_row(row, id, path),
            Below::Fork(sides) => sides,
        };
        let [left, right] = &mut **sides;
        let (near, far) = if bit(id, depth) { (right, left) } else { (left, right) };
        if near.is_empty() {
            return far.walk(depth + 1, id, path);
        }
        path.extend(far.hash(depth + 1).map(|sibling| (depth, sibling)));
        near.walk(depth + 1, id, path)
    }

    fn is_empty(&self) -> bool {
        matches!(&self.below, Below::Row(row) if row.is_empty())
    }
}

fn put_in_row(row: &mut Vec<Leaf>, leaf: Leaf) -> bool {
    match row.binary_search_by_key(&leaf.id, |kept| kept.id) {
        Ok(at) => {
            row.get_mut(at).into_iter().for_each(|kept| *kept = leaf);
            false
        }
        Err(at) => {
            // Rows are many and short: what doubling would keep free is a third of the whole map.
            if row.len() == row.capacity() {
                row.reserve_exact(4);
            }
            row.insert(at, leaf);
            true
        }
    }
}

/// A row by the node that is its root: the bit, and what stands on either side.
fn split(row: &[Leaf]) -> Option<(u8, &[Leaf], &[Leaf])> {
    let [first, .., last] = row else { return None };
    let at = first_difference(&first.id, &last.id);
    let (left, right) = row.split_at(row.partition_point(|leaf| !bit(&leaf.id, at)));
    Some((at, left, right))
}

fn hash_row(row: &[Leaf]) -> Option<Hash> {
    match split(row) {
        None => row.first().map(Leaf::hash),
        Some((at, left, right)) => Some(node(at, &hash_row(left)?, &hash_row(right)?)),
    }
}

fn walk_row(row: &[Leaf], id: &[u8; 16], path: &mut Vec<(u8, Hash)>) -> Option<Leaf> {
    let Some((at, left, right)) = split(row) else { return row.first().copied() };
    let (near, far) = if bit(id, at) { (right, left) } else { (left, right) };
    path.extend(hash_row(far).map(|sibling| (at, sibling)));
    walk_row(near, id, path)
}
