//! Keyrings of the first format, as that version wrote them, for tests.

use std::fs;
use std::path::Path;

use domain::id::{KeyId, LogId};

use super::header::Header;
use super::order::Order;
use super::slot::{MARK, Mark, Sealer};
use crate::keyring::{Anchor, Key};

/// What a slot is to hold.
pub(in crate::keyring) enum Slot {
    Held(Key, u8),
    Destroyed(KeyId, u64),
}

pub(in crate::keyring) const LIVE: u8 = Mark::None as u8;
pub(in crate::keyring) const AWAITING: u8 = Mark::Awaiting as u8;
pub(in crate::keyring) const RETIRED: u8 = Mark::Retired as u8;

/// Writes the files, with a root in the anchor, and an order of the next epoch to destroy these slots.
pub(in crate::keyring) fn write(
    dir: &Path,
    anchor: &dyn Anchor,
    log: LogId,
    epoch: u64,
    slots: &[Slot],
    ordered: &[(u64, KeyId)],
) {
    fs::create_dir_all(dir).unwrap();
    let top = Key::random().unwrap();
    anchor.create_root(log, 0).unwrap();
    let sealed = anchor.seal(log, 0, &top).unwrap();
    let header = Header { log, counter: 9, epoch, begun: slots.len() as u64, root: 0, top: sealed };
    let mut bytes = [header.bytes(), header.bytes()].concat();
    let sealer = Sealer::new(log, &top);
    for (number, slot) in (0..).zip(slots) {
        let at = bytes.len();
        match slot {
            Slot::Held(key, mark) => {
                sealer.seal_with(number, epoch, key, [number as u8; 24], &mut bytes);
                bytes[at + MARK] = *mark;
            }
            Slot::Destroyed(fingerprint, epoch) => sealer.bury(number, *epoch, fingerprint, &mut bytes),
        }
    }
    fs::write(dir.join("keys"), bytes).unwrap();
    let order = Order { log, epoch: epoch + 1, slots: ordered.to_vec() };
    let order = if ordered.is_empty() { Vec::new() } else { order.bytes() };
    fs::write(dir.join("order"), order).unwrap();
}
