//! Keyrings of the first format in bytes of any kind. A slot has no mark by which it would be found: those count that lie
//! where their header says.

use domain::id::LogId;

use super::header::{HEADER, Header};
use super::slot::{SLOT, Sealer, Slot};
use crate::keyring::Key;
use crate::keyring::leaf;

pub(in crate::keyring) use super::header::MAGIC;

/// The most bytes of slots that are looked at behind one header.
const MOST: u64 = 256 << 20;

/// One header, and the slots that were found behind it.
pub(in crate::keyring) struct Old {
    header: Header,
    slots: Vec<Vec<u8>>,
}

impl Old {
    /// The header that these bytes begin with.
    pub(in crate::keyring) fn read(bytes: &[u8]) -> Option<Self> {
        let (header, _) = Header::read(bytes.get(..HEADER)?).ok()?;
        Some(Self { header, slots: Vec::new() })
    }

    pub(in crate::keyring) fn is(&self, bytes: &[u8]) -> bool {
        Self::read(bytes).is_some_and(|other| other.header == self.header)
    }

    pub(in crate::keyring) fn log(&self) -> LogId {
        self.header.log
    }

    /// The number of its root, and the top key under it.
    pub(in crate::keyring) fn top(&self) -> (u64, &[u8]) {
        (self.header.root, &self.header.top)
    }

    /// How far behind the header slots may begin, and how many bytes they may be. A header stands twice, and this may be
    /// either of the two.
    pub(in crate::keyring) fn slots(&self) -> (u64, u64) {
        let length = self.header.begun.saturating_mul(SLOT as u64).saturating_add(HEADER as u64);
        (HEADER as u64, length.min(MOST))
    }

    pub(in crate::keyring) fn add(&mut self, slots: &[u8]) {
        self.slots.push(slots.to_vec());
    }

    /// The slots that open under this top key.
    pub(in crate::keyring) fn open(&self, top: &Key) -> Vec<leaf::Slot> {
        let sealer = Sealer::new(self.header.log, top);
        let mut opened = Vec::new();
        let starts = self.slots.iter().flat_map(|bytes| [Some(bytes.as_slice()), bytes.get(HEADER..)]).flatten();
        for bytes in starts {
            for (number, slot) in (0..).zip(bytes.chunks_exact(SLOT)) {
                opened.extend(sealer.read(number, slot).map(|(fingerprint, slot)| match slot {
                    Slot::Held(key, _) => leaf::Slot::Held(key),
                    Slot::Destroyed(epoch) => leaf::Slot::Destroyed { fingerprint, epoch },
                }));
            }
        }
        opened
    }
}
