//! The right edge of a growing tree: all that is needed to append to it and to know its root.

use super::{Node, ROW_HEIGHT, empty, node};

/// The roots of the whole subtrees that a tree of this size is made of, the largest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    peaks: Vec<Node>,
}

impl Frontier {
    /// A tree without leaves.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many leaves it has.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Appends a leaf hash. `row` is told every hash that a row gets by it: the row, the place in it, the hash.
    pub fn push(&mut self, leaf: Node, row: &mut impl FnMut(u32, u64, Node)) {
        let mut hash = leaf;
        row(0, self.size, hash);
        // Every one at the end of the size's binary form is a subtree that this leaf makes whole with its neighbour.
        for height in 1..=self.size.trailing_ones() {
            let Some(left) = self.peaks.pop() else { break };
            hash = node(&left, &hash);
            if height.is_multiple_of(ROW_HEIGHT) {
                row(height / ROW_HEIGHT, self.size >> height, hash);
            }
        }
        self.peaks.push(hash);
        self.size += 1;
    }

    /// The root.
    pub fn root(&self) -> Node {
        let mut peaks = self.peaks.iter().rev();
        let Some(last) = peaks.next() else { return empty() };
        peaks.fold(*last, |right, left| node(left, &right))
    }
}
