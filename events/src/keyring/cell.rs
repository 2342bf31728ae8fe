//! One node of the tree as it lies on the disk: sixteen entries of 33 bytes, sealed under the node's own random key.
//!
//! ```text
//! magic (8) · level (u8) · index (u64)
//! nonce (24) · XChaCha20-Poly1305 over 16 × (kind (u8) · 32 bytes) · tag (16)
//! ```
//!
//! Log id, level and index are the associated data, so a node copied to another place does not open there. The magic is
//! for whoever looks for nodes in an image of the disk. Node `index` of a level lies at `index` times [`room`] in the
//! file of its level and side; the other side holds zeros or nothing.

use domain::id::LogId;
use zeroize::Zeroizing;

use super::Key;
use super::seal::{self, NONCE, TAG};
use crate::random::{self, NoRandomness};

/// How many entries a node has.
pub(super) const FAN: usize = 16;
/// The size of an entry, in bytes.
pub(super) const ENTRY: usize = 33;
/// The size of a node without what was added to it later, in bytes.
pub(super) const NODE: usize = HEAD + NONCE + FAN * ENTRY + TAG;
/// The size of a child that was added later, in bytes.
pub(super) const ADDED: usize = NONCE + ENTRY + TAG;
/// The size of an inner node with all that may be added to it, in bytes.
pub(super) const INNER: usize = NODE + FAN * ADDED;

pub(super) const MAGIC: [u8; 8] = *b"LETHENOD";
/// The bytes in front of the nonce.
pub(super) const HEAD: usize = 8 + 1 + 8;

/// Which node it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Place {
    /// 0 for leaves.
    pub(super) level: u8,
    /// From 0 on each level.
    pub(super) index: u64,
}

/// Which of the two files of its level holds a node. A rotation writes the other one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Side {
    A,
    B,
}

/// The entries of a node in clear. Zeroed when dropped.
pub(super) type Entries = Zeroizing<[u8; FAN * ENTRY]>;

/// How far apart the nodes of a level lie.
pub(super) fn room(level: u8) -> u64 {
    if level == 0 { 640 } else { 1792 }
}

/// How many bytes of a node can be anything but zeros.
pub(super) fn length(level: u8) -> usize {
    if level == 0 { NODE } else { INNER }
}

/// The bytes of a node under a key that no other node has. The entries are zeroed.
pub(super) fn seal(log: LogId, place: Place, key: &Key, entries: &mut Entries) -> Result<Vec<u8>, NoRandomness> {
    Ok(seal_with(log, place, key, random::bytes()?, entries))
}

pub(super) fn seal_with(log: LogId, place: Place, key: &Key, nonce: [u8; NONCE], entries: &mut Entries) -> Vec<u8> {
    let mut out = Vec::with_capacity(NODE);
    out.extend_from_slice(&MAGIC);
    out.push(place.level);
    out.extend_from_slice(&place.index.to_be_bytes());
    seal::seal(key, nonce, &associated(log, place), entries.as_mut_slice(), &mut out);
    out
}

/// The entries of the node that these bytes begin with, or `None` where it is not this node under this key.
pub(super) fn open(log: LogId, place: Place, key: &Key, bytes: &[u8]) -> Option<Entries> {
    let said = bytes.strip_prefix(&MAGIC)?.strip_prefix(&[place.level])?.strip_prefix(&place.index.to_be_bytes())?;
    let mut sealed = Zeroizing::new(*said.first_chunk::<{ NODE - HEAD }>()?);
    let clear: &[u8; FAN * ENTRY] = seal::open(key, &associated(log, place), sealed.as_mut_slice())?.try_into().ok()?;
    Some(Zeroizing::new(*clear))
}

/// What is bound to the entries of a node.
pub(super) fn associated(log: LogId, place: Place) -> Vec<u8> {
    [&log.0[..], &[place.level], &place.index.to_be_bytes()].concat()
}

impl Place {
    /// The node above, and which of its entries this one is.
    pub(super) fn parent(self) -> (Self, usize) {
        let fan = FAN as u64;
        (Self { level: self.level.saturating_add(1), index: self.index / fan }, (self.index % fan) as usize)
    }

    /// The node of a higher level on the way to this one.
    pub(super) fn above(self, level: u8) -> Self {
        Self { level, index: self.index >> (4 * u32::from(level.saturating_sub(self.level))) }
    }

    /// The first node below.
    pub(super) fn first_child(self) -> Self {
        Self { level: self.level.saturating_sub(1), index: self.index * FAN as u64 }
    }
}

/// How many nodes a level has over so many leaves.
pub(super) fn nodes(leaves: u64, level: u8) -> u64 {
    leaves.div_ceil(1 << (4 * u32::from(level)))
}

/// The level of the top node over so many leaves.
pub(super) fn height(leaves: u64) -> u8 {
    (0..8).find(|level| nodes(leaves, *level) <= 1).unwrap_or(8)
}

impl Side {
    pub(super) fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }
}

#[cfg(test)]
mod tests {
    use chacha20poly1305::aead::AeadInPlace;
    use chacha20poly1305::{KeyInit, XChaCha20Poly1305};

    use super::*;

    const LOG: LogId = LogId([0x11; 16]);
    const PLACE: Place = Place { level: 2, index: 77 };

    fn sealed(key: &Key) -> Vec<u8> {
        seal_with(LOG, PLACE, key, [0x44; NONCE], &mut Zeroizing::new([0x33; FAN * ENTRY]))
    }

    /// The bytes once more, from the description of the format.
    #[test]
    fn the_bytes_are_what_the_format_says() {
        let mut text = [0x33; 16 * 33];
        let associated = [&[0x11; 16][..], &[2], &77_u64.to_be_bytes()].concat();
        let tag = XChaCha20Poly1305::new(&[0x22; 32].into())
            .encrypt_in_place_detached(&[0x44; 24].into(), &associated, &mut text)
            .unwrap();
        let said = [b"LETHENOD", &[2][..], &77_u64.to_be_bytes(), &[0x44; 24], &text, &tag].concat();
        assert_eq!(sealed(&Key::new([0x22; 32])), said);
        assert_eq!(said.len(), NODE);
    }

    #[test]
    fn a_node_opens_at_its_own_place_under_its_own_key_only() {
        let key = Key::random().unwrap();
        let bytes = sealed(&key);
        assert_eq!(open(LOG, PLACE, &key, &bytes).unwrap().as_slice(), &[0x33; FAN * ENTRY]);
        assert!(open(LogId([0x12; 16]), PLACE, &key, &bytes).is_none());
        assert!(open(LOG, Place { level: 1, ..PLACE }, &key, &bytes).is_none());
        assert!(open(LOG, Place { index: 78, ..PLACE }, &key, &bytes).is_none());
        assert!(open(LOG, PLACE, &Key::random().unwrap(), &bytes).is_none());
        // Somebody who copies it and says so in clear does not make it open there either.
        let mut moved = bytes.clone();
        moved[16] += 1;
        assert!(open(LOG, Place { index: 78, ..PLACE }, &key, &moved).is_none());
        for length in 0..bytes.len() {
            assert!(open(LOG, PLACE, &key, &bytes[..length]).is_none(), "{length} bytes of it");
        }
    }

    #[test]
    fn no_flipped_bit_is_read() {
        let key = Key::random().unwrap();
        let bytes = sealed(&key);
        for bit in 0..bytes.len() * 8 {
            let mut bytes = bytes.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(open(LOG, PLACE, &key, &bytes).is_none(), "bit {bit}");
        }
    }

    #[test]
    fn levels_have_room_for_every_node_below_them() {
        assert_eq!([0, 1, 16, 17, 256, 257, 187_500].map(height), [0, 0, 1, 2, 2, 3, 5]);
        assert_eq!([0, 1, 2, 3, 4, 5].map(|level| nodes(187_500, level)), [187_500, 11_719, 733, 46, 3, 1]);
        let leaf = Place { level: 0, index: 187_499 };
        assert_eq!(leaf.above(5), Place { level: 5, index: 0 });
        assert_eq!(leaf.parent(), (leaf.above(1), 11));
        assert_eq!(leaf.above(2).parent(), (leaf.above(3), 12));
        assert_eq!(leaf.parent().0.first_child().index + 11, leaf.index);
    }
}
