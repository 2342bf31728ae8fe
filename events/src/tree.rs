//! The Merkle tree over the records: SHA-256 as in RFC 6962, section 2.1, whose leaves are the records' bytes.
//!
//! It is kept as the rows of C2SP `tlog-tiles`: row 0 holds the leaf hashes, and row `l + 1` the hash of every 256 whole
//! hashes of row `l`. From them every root and every proof is made by reading a few runs of at most 256 hashes.

pub mod files;
mod frontier;
mod path;
mod rows;

use sha2::{Digest, Sha256};

pub use frontier::Frontier;
pub use path::{Mismatch, consistency, consistent, included, inclusion, path_length};
pub use rows::{Rows, root};

/// A hash of this tree.
pub type Node = [u8; 32];

/// The binary levels that one row is above the next.
pub const ROW_HEIGHT: u32 = 8;

/// The root of a tree without leaves: the hash of nothing.
pub fn empty() -> Node {
    Sha256::digest([]).into()
}

/// The hash of a leaf.
pub fn leaf(entry: &[u8]) -> Node {
    Sha256::new_with_prefix([0]).chain_update(entry).finalize().into()
}

/// The hash above two others.
pub fn node(left: &Node, right: &Node) -> Node {
    let mut bytes = [1; 65];
    let (_, both) = bytes.split_at_mut(1);
    let (first, second) = both.split_at_mut(32);
    first.copy_from_slice(left);
    second.copy_from_slice(right);
    Sha256::digest(bytes).into()
}

#[cfg(test)]
mod tests;
