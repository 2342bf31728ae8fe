//! Hashes of subtrees, read from the rows of a tree.

use super::{Node, ROW_HEIGHT, empty, node};

/// Where the rows of a tree are read: files, a server, or memory.
pub trait Rows {
    /// Why they cannot be read.
    type Error;

    /// So many hashes of a row from a place on, never across a multiple of 256.
    ///
    /// # Errors
    /// Must be returned when there are fewer; never fewer hashes.
    fn read(&self, row: u32, first: u64, count: usize) -> Result<Vec<Node>, Self::Error>;
}

/// The root of the first `size` leaves.
pub fn root<R: Rows>(rows: &R, size: u64) -> Result<Node, R::Error> {
    if size == 0 { Ok(empty()) } else { range(rows, 0, size) }
}

/// The hash over the leaves from `begin` to before `end`: a subtree whose left part is whole (`MTH` of RFC 6962).
pub(super) fn range<R: Rows>(rows: &R, begin: u64, end: u64) -> Result<Node, R::Error> {
    let length = end - begin;
    if length.is_power_of_two() {
        return whole(rows, length.ilog2(), begin / length);
    }
    let middle = begin + split(length);
    Ok(node(&range(rows, begin, middle)?, &range(rows, middle, end)?))
}

/// The largest power of two below a length of at least two.
pub(super) fn split(length: u64) -> u64 {
    1 << (length - 1).ilog2()
}

/// The hash of the whole subtree of this height: a run of its row, folded.
fn whole<R: Rows>(rows: &R, height: u32, index: u64) -> Result<Node, R::Error> {
    let (row, above) = (height / ROW_HEIGHT, height % ROW_HEIGHT);
    let mut run = rows.read(row, index << above, 1 << above)?;
    while run.len() > 1 {
        run = run.chunks(2).map(|pair| if let [left, right] = pair { node(left, right) } else { empty() }).collect();
    }
    Ok(run.first().copied().unwrap_or_else(empty))
}
