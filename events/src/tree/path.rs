//! Proofs of inclusion and of consistency: RFC 6962, sections 2.1.1 and 2.1.2; checked as RFC 9162, sections 2.1.3.2 and
//! 2.1.4.2, write it down.

use super::rows::{range, split};
use super::{Node, Rows, empty, node};

/// A proof that does not prove it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Mismatch {
    /// The sizes cannot be.
    #[error("there is no such place in a tree of this size")]
    Size,
    /// It has too many hashes or too few.
    #[error("the proof has not as many hashes as it must have")]
    Length,
    /// It leads to another root.
    #[error("the proof leads to another root")]
    Root,
}

/// The hashes beside the way from a leaf up to the root of the first `size` leaves. Empty where there is no such leaf.
pub fn inclusion<R: Rows>(rows: &R, index: u64, size: u64) -> Result<Vec<Node>, R::Error> {
    let (mut begin, mut end) = (0, size);
    let mut path = Vec::new();
    if index >= size {
        return Ok(path);
    }
    while end - begin > 1 {
        let middle = begin + split(end - begin);
        if index < middle {
            path.push(range(rows, middle, end)?);
            end = middle;
        } else {
            path.push(range(rows, begin, middle)?);
            begin = middle;
        }
    }
    path.reverse();
    Ok(path)
}

/// The hashes that show that the tree of `new` leaves begins with the tree of `old`. Empty where `old` is none, or all.
pub fn consistency<R: Rows>(rows: &R, old: u64, new: u64) -> Result<Vec<Node>, R::Error> {
    let (mut begin, mut end) = (0, new);
    let mut path = Vec::new();
    if old == 0 || old >= new {
        return Ok(path);
    }
    while old != end {
        let middle = begin + split(end - begin);
        if old <= middle {
            path.push(range(rows, middle, end)?);
            end = middle;
        } else {
            path.push(range(rows, begin, middle)?);
            begin = middle;
        }
    }
    // What is left of the old tree: where that is all of it, whoever checks has its root.
    if begin > 0 {
        path.push(range(rows, begin, end)?);
    }
    path.reverse();
    Ok(path)
}

/// How many hashes the proof of inclusion of a leaf has.
pub fn path_length(index: u64, size: u64) -> usize {
    let (mut begin, mut end, mut length) = (0, size, 0);
    while index < size && end - begin > 1 {
        let middle = begin + split(end - begin);
        if index < middle {
            end = middle
        } else {
            begin = middle
        }
        length += 1;
    }
    length
}

/// Whether the leaf stands at this place in the tree of this root.
pub fn included(leaf: Node, index: u64, size: u64, root: &Node, path: &[Node]) -> Result<(), Mismatch> {
    if index >= size {
        return Err(Mismatch::Size);
    }
    let (mut at, mut last, mut hash) = (index, size - 1, leaf);
    for beside in path {
        if last == 0 {
            return Err(Mismatch::Length);
        }
        if at & 1 == 1 || at == last {
            hash = node(beside, &hash);
            climb(&mut at, &mut last);
        } else {
            hash = node(&hash, beside);
        }
        (at, last) = (at >> 1, last >> 1);
    }
    reached(last, hash == *root)
}

/// Whether the tree of `new` leaves and root begins with the tree of `old`.
pub fn consistent(old: (u64, &Node), new: (u64, &Node), path: &[Node]) -> Result<(), Mismatch> {
    let ((old, old_root), (new, new_root)) = (old, new);
    if old > new {
        return Err(Mismatch::Size);
    }
    if old == 0 || old == new {
        let same = if old == new { old_root == new_root } else { *old_root == empty() };
        return if path.is_empty() { reached(0, same) } else { Err(Mismatch::Length) };
    }
    let known = old.is_power_of_two().then_some(old_root);
    let mut hashes = known.into_iter().chain(path);
    let first = hashes.next().ok_or(Mismatch::Length)?;
    let (mut at, mut last) = (old - 1, new - 1);
    while at & 1 == 1 {
        (at, last) = (at >> 1, last >> 1);
    }
    let (mut of_old, mut of_new) = (*first, *first);
    for beside in hashes {
        if last == 0 {
            return Err(Mismatch::Length);
        }
        if at & 1 == 1 || at == last {
            (of_old, of_new) = (node(beside, &of_old), node(beside, &of_new));
            climb(&mut at, &mut last);
        } else {
            of_new = node(&of_new, beside);
        }
        (at, last) = (at >> 1, last >> 1);
    }
    reached(last, of_old == *old_root && of_new == *new_root)
}

/// A node without a right neighbour is its own parent, so levels are left out up to where it is a right child.
fn climb(at: &mut u64, last: &mut u64) {
    while *at & 1 == 0 && *at != 0 {
        (*at, *last) = (*at >> 1, *last >> 1);
    }
}

fn reached(last: u64, same: bool) -> Result<(), Mismatch> {
    match (last, same) {
        (0, true) => Ok(()),
        (0, false) => Err(Mismatch::Root),
        _ => Err(Mismatch::Length),
    }
}
