//! The lowest nodes: each holds sixteen keys, or what is left of them. Slot n is entry n % 16 of leaf n / 16, for ever.
//!
//! ```text
//! a key            1 · key (32)
//! a destroyed one  2 · fingerprint (16) · epoch in which it died (u64) · zeros (8)
//! ```

use domain::id::{KeyId, LogId};
use zeroize::Zeroizing;

use super::Key;
use super::cell::{self, ENTRY, Entries, FAN, Place};
use crate::bytes::Reader;
use crate::random::NoRandomness;

const KEY: u8 = 1;
const DESTROYED: u8 = 2;

/// One of its slots.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Slot {
    /// There is a key.
    Held(Key),
    /// There was one.
    Destroyed {
        /// Its name, which stays.
        fingerprint: KeyId,
        /// In which epoch it died.
        epoch: u64,
    },
}

/// The bytes of a leaf with these slots, sixteen of them.
pub(super) fn seal(log: LogId, place: Place, key: &Key, slots: &[Slot]) -> Result<Vec<u8>, NoRandomness> {
    cell::seal(log, place, key, &mut entries(slots))
}

/// The slots of a leaf, or `None` where this is not that leaf under this key.
pub(super) fn open(log: LogId, place: Place, key: &Key, bytes: &[u8]) -> Option<Vec<Slot>> {
    cell::open(log, place, key, bytes)?.chunks_exact(ENTRY).map(read).collect()
}

pub(super) fn entries(slots: &[Slot]) -> Entries {
    let mut entries = Zeroizing::new([0; FAN * ENTRY]);
    for (entry, slot) in entries.chunks_exact_mut(ENTRY).zip(slots) {
        let Some((kind, rest)) = entry.split_first_mut() else { continue };
        match slot {
            Slot::Held(key) => {
                *kind = KEY;
                rest.copy_from_slice(key.expose());
            }
            Slot::Destroyed { fingerprint, epoch } => {
                *kind = DESTROYED;
                rest.copy_from_slice(&[&fingerprint.0[..], &epoch.to_be_bytes(), &[0; 8]].concat());
            }
        }
    }
    entries
}

/// What an entry of 33 bytes stands for, where that is a slot.
pub(super) fn read(entry: &[u8]) -> Option<Slot> {
    match entry.split_first()? {
        (&KEY, key) => Some(Slot::Held(Key::copy(key.first_chunk()?))),
        (&DESTROYED, said) => {
            let mut reader = Reader::new(said);
            let fingerprint = KeyId(reader.array("fingerprint").ok()?);
            let epoch = reader.u64("epoch").ok()?;
            (reader.rest() == [0; 8]).then_some(Slot::Destroyed { fingerprint, epoch })
        }
        _ => None,
    }
}

impl Slot {
    /// How records call it.
    pub(super) fn fingerprint(&self) -> KeyId {
        match self {
            Self::Held(key) => key.fingerprint(),
            Self::Destroyed { fingerprint, .. } => *fingerprint,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: LogId = LogId([0x11; 16]);
    const PLACE: Place = Place { level: 0, index: 3 };

    #[test]
    fn slots_are_read_as_they_were_written() {
        let key = Key::random().unwrap();
        let mut slots: Vec<Slot> = (0..FAN).map(|_| Slot::Held(Key::random().unwrap())).collect();
        let fingerprint = slots[5].fingerprint();
        slots[5] = Slot::Destroyed { fingerprint, epoch: 9 };
        let bytes = seal(LOG, PLACE, &key, &slots).unwrap();
        assert_eq!(open(LOG, PLACE, &key, &bytes).unwrap(), slots);
        assert_eq!(slots[5].fingerprint(), fingerprint);
    }

    #[test]
    fn what_no_writer_writes_is_no_leaf() {
        let key = Key::random().unwrap();
        let whole: Vec<Slot> = (0..FAN).map(|_| Slot::Held(Key::random().unwrap())).collect();
        let odd = |change: fn(&mut Entries)| {
            let mut entries = entries(&whole);
            change(&mut entries);
            open(LOG, PLACE, &key, &cell::seal(LOG, PLACE, &key, &mut entries).unwrap())
        };
        assert!(odd(|_| {}).is_some());
        assert!(odd(|entries| entries[0] = 0).is_none(), "an empty slot");
        assert!(odd(|entries| entries[33] = 3).is_none(), "an unknown kind");
        assert!(odd(|entries| entries[33] = DESTROYED).is_none(), "a key where zeros belong");
    }
}
