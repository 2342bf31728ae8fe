//! The nodes above the leaves: each holds the keys of up to sixteen nodes below, and says on which side these lie.
//!
//! ```text
//! a child   1 on side a, 2 on side b · key of the node (32)
//! none      zeros
//! ```
//!
//! A rotation writes all children there are into the node itself. One that comes later stands behind it, in a place of
//! its own, until the next rotation; so a new child costs one small write and asks nobody above:
//!
//! ```text
//! behind the node, child n at 73 × n: nonce (24) · XChaCha20-Poly1305 over the entry (33) · tag (16)
//! ```
//!
//! Its associated data are the node's and n (u8). How many children count is the header's to say: what stands behind
//! them was being written when the power went, and is written over.

use domain::id::LogId;
use zeroize::Zeroizing;

use super::Key;
use super::cell::{self, ADDED, ENTRY, Entries, FAN, NODE, Place, Side};
use super::seal;
use crate::random::{self, NoRandomness};

/// A node below: the key it is sealed under, which stands here and nowhere else, and where it lies.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Child {
    pub(super) key: Key,
    pub(super) side: Side,
}

/// The bytes of a node with these children, at most sixteen.
pub(super) fn seal(log: LogId, place: Place, key: &Key, children: &[Child]) -> Result<Vec<u8>, NoRandomness> {
    cell::seal(log, place, key, &mut entries(children))
}

/// The bytes of a child that is added to a node as its `number`th, and where in the node they stand.
pub(super) fn add(
    log: LogId,
    place: Place,
    key: &Key,
    number: usize,
    child: &Child,
) -> Result<(u64, Vec<u8>), NoRandomness> {
    Ok(add_with(log, place, key, number, child, random::bytes()?))
}

pub(super) fn add_with(
    log: LogId,
    place: Place,
    key: &Key,
    number: usize,
    child: &Child,
    nonce: [u8; seal::NONCE],
) -> (u64, Vec<u8>) {
    let mut out = Vec::with_capacity(ADDED);
    let mut entry = child.entry();
    seal::seal(key, nonce, &associated(log, place, number), entry.as_mut_slice(), &mut out);
    ((NODE + number * ADDED) as u64, out)
}

/// The first children of a node, as many as count, or `None` where one of them is not to be had.
pub(super) fn open(log: LogId, place: Place, key: &Key, bytes: &[u8], count: usize) -> Option<Vec<Child>> {
    let entries = cell::open(log, place, key, bytes)?;
    let mut children = Vec::with_capacity(FAN);
    for (number, entry) in entries.chunks_exact(ENTRY).enumerate().take(count) {
        children.push(match Child::read(entry) {
            Some(child) => child,
            None if entry == [0; ENTRY] => added(log, place, key, bytes, number)?,
            None => return None,
        });
    }
    let rest = entries.get(count * ENTRY..)?;
    (children.len() == count && rest.iter().all(|byte| *byte == 0)).then_some(children)
}

pub(super) fn entries(children: &[Child]) -> Entries {
    let mut entries = Zeroizing::new([0; FAN * ENTRY]);
    for (entry, child) in entries.chunks_exact_mut(ENTRY).zip(children) {
        entry.copy_from_slice(child.entry().as_slice());
    }
    entries
}

fn added(log: LogId, place: Place, key: &Key, bytes: &[u8], number: usize) -> Option<Child> {
    let mut sealed = Zeroizing::new(*bytes.get(NODE + number * ADDED..)?.first_chunk::<ADDED>()?);
    Child::read(seal::open(key, &associated(log, place, number), sealed.as_mut_slice())?)
}

/// What is bound to a child that was added.
pub(super) fn associated(log: LogId, place: Place, number: usize) -> Vec<u8> {
    [&cell::associated(log, place)[..], &[number as u8]].concat()
}

impl Child {
    /// A node that nobody wrote yet.
    pub(super) fn fresh(side: Side) -> Result<Self, NoRandomness> {
        Ok(Self { key: Key::random()?, side })
    }

    /// The 33 bytes that stand for it.
    pub(super) fn entry(&self) -> Zeroizing<[u8; ENTRY]> {
        let mut entry = Zeroizing::new([0; ENTRY]);
        if let Some((kind, rest)) = entry.split_first_mut() {
            *kind = if self.side == Side::A { 1 } else { 2 };
            rest.copy_from_slice(self.key.expose());
        }
        entry
    }

    /// What 33 bytes stand for, where that is a child.
    pub(super) fn read(entry: &[u8]) -> Option<Self> {
        let (kind, key) = entry.split_first()?;
        let side = match kind {
            1 => Side::A,
            2 => Side::B,
            _ => return None,
        };
        Some(Self { key: Key::copy(key.first_chunk()?), side })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: LogId = LogId([0x11; 16]);
    const PLACE: Place = Place { level: 1, index: 3 };

    fn children(count: usize) -> Vec<Child> {
        [Side::A, Side::B].into_iter().cycle().take(count).map(|side| Child::fresh(side).unwrap()).collect()
    }

    #[test]
    fn children_are_read_from_the_node_and_from_behind_it() {
        let (key, children) = (Key::random().unwrap(), children(FAN));
        let mut bytes = seal(LOG, PLACE, &key, &children[..5]).unwrap();
        assert_eq!(open(LOG, PLACE, &key, &bytes, 5).unwrap(), children[..5]);
        for (number, child) in children.iter().enumerate().skip(5) {
            let (at, added) = add(LOG, PLACE, &key, number, child).unwrap();
            bytes.resize(at as usize, 0);
            bytes.extend(added);
            assert_eq!(open(LOG, PLACE, &key, &bytes, number + 1).unwrap(), children[..=number]);
        }
        assert_eq!(bytes.len(), NODE + FAN * ADDED);
    }

    #[test]
    fn what_was_added_opens_at_its_own_number_only() {
        let (key, children) = (Key::random().unwrap(), children(2));
        let mut bytes = seal(LOG, PLACE, &key, &children[..1]).unwrap();
        bytes.extend(add(LOG, PLACE, &key, 0, &children[0]).unwrap().1);
        bytes.extend(add(LOG, PLACE, &key, 2, &children[1]).unwrap().1);
        assert_eq!(open(LOG, PLACE, &key, &bytes, 1).unwrap(), children[..1]);
        assert!(open(LOG, PLACE, &key, &bytes, 2).is_none());
    }

    #[test]
    fn a_node_with_more_or_fewer_children_than_count_is_none() {
        let (key, children) = (Key::random().unwrap(), children(6));
        let bytes = seal(LOG, PLACE, &key, &children).unwrap();
        assert!(open(LOG, PLACE, &key, &bytes, 5).is_none(), "a child too many");
        assert!(open(LOG, PLACE, &key, &bytes, 7).is_none(), "a child too few");
        assert!(open(LOG, PLACE, &key, &bytes, 17).is_none(), "no node has so many");
        let mut odd = entries(&children);
        odd[0] = 7;
        assert!(open(LOG, PLACE, &key, &cell::seal(LOG, PLACE, &key, &mut odd).unwrap(), 6).is_none());
    }
}
