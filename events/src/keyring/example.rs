//! The files of a keyring with fixed keys, for `FORMAT.md`.

use chacha20poly1305::aead::AeadInPlace;
use chacha20poly1305::{KeyInit, XChaCha20Poly1305};
use domain::id::LogId;

use super::anchor::{Anchor, FileAnchor};
use super::header::Header;
use super::key::Key;
use super::order::Order;
use super::slot::{Sealer, Slot};

/// The files, or what is pinned of them.
pub(crate) struct Example {
    /// One copy of the header.
    pub header: Vec<u8>,
    /// Slot 0 with a key.
    pub slot: Vec<u8>,
    /// Slot 0 after that key was destroyed.
    pub destroyed: Vec<u8>,
    /// The order that destroyed it.
    pub order: Vec<u8>,
    /// The root in the file anchor.
    pub root: Vec<u8>,
}

/// Root `b1…`, top key `b2…`, one key `c1…` in slot 0, nonces `b3…` and `b4…`.
pub(crate) fn example(log: LogId) -> Example {
    let (root, top, key) = ([0xb1; 32], Key::new([0xb2; 32]), Key::new([0xc1; 32]));
    let mut sealed_top = *top.expose();
    let associated = [&log.0[..], &1_u64.to_be_bytes()].concat();
    let tag = XChaCha20Poly1305::new(&root.into())
        .encrypt_in_place_detached(&[0xb3; 24].into(), &associated, &mut sealed_top)
        .unwrap();
    let sealed_top = [&[0xb3; 24][..], &sealed_top, &tag].concat();
    let header = Header { log, counter: 3, epoch: 0, begun: 1, root: 1, top: sealed_top };
    let sealer = Sealer::new(log, &top);
    let (mut slot, mut destroyed) = (Vec::new(), Vec::new());
    let fingerprint = sealer.seal_with(0, 0, &key, [0xb4; 24], &mut slot);
    sealer.bury(0, 1, &fingerprint, &mut destroyed);
    let order = Order { log, epoch: 1, slots: vec![(0, fingerprint)] }.bytes();
    let said = [&b"lethe root file\n"[..], &log.0, &1_u64.to_be_bytes(), &root].concat();
    let check = blake3::derive_key("lethe 2026-11 anchor: root check", &said);
    Example { header: header.bytes(), slot, destroyed, order, root: [&said[..], &check].concat() }
}

/// The example is read by the code that reads the real thing.
#[test]
fn the_example_opens() {
    let log = LogId([0x10; 16]);
    let Example { header, slot, destroyed, order, root } = example(log);
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join(format!("{log}.1")), root).unwrap();
    let (header, stale) = Header::read(&[&header[..], &header[..]].concat()).unwrap();
    assert_eq!(stale, None);
    let top = FileAnchor::at(dir.path()).unwrap().open(log, header.root, &header.top).unwrap();
    let sealer = Sealer::new(log, &top);
    let Some((fingerprint, Slot::Held(key, _))) = sealer.read(0, &slot) else { panic!("the slot does not open") };
    assert!(key == Key::new([0xc1; 32]));
    let Some((buried, Slot::Destroyed(1))) = sealer.read(0, &destroyed) else { panic!("the slot is not destroyed") };
    assert_eq!(buried, fingerprint);
    assert_eq!(Order::read(&order).unwrap().slots, [(0, fingerprint)]);
}
