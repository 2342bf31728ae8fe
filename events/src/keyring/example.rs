//! The files of a keyring with fixed keys, for `FORMAT.md`: two leaves under one node, as they lie after the key in slot
//! 0 was destroyed, and then the second leaf was drawn.

use chacha20poly1305::aead::AeadInPlace;
use chacha20poly1305::{KeyInit, XChaCha20Poly1305};
use domain::id::{ErasureId, LogId};
use domain::register::Slug;
use domain::suppression::Address;
use domain::time::Day;

use super::anchor::{Anchor, FileAnchor, Identity};
use super::cell::{self, ADDED, FAN, NODE, Place, Side};
use super::header::{Found, Header};
use super::inner::{self, Child};
use super::key::Key;
use super::leaf::{self, Slot};
use super::marks::{Mark, Marks};
use super::members::Member;
use super::suppression::file::{self, Found as FoundList};
use super::suppression::{List, Version};

/// The files, or what is pinned of them.
pub(crate) struct Example {
    /// The header.
    pub header: Vec<u8>,
    /// The node above the leaves.
    pub node: Vec<u8>,
    /// The second leaf, as it stands behind that node.
    pub added: Vec<u8>,
    /// What that opens to.
    pub added_clear: Vec<u8>,
    /// The first leaf.
    pub leaf: Vec<u8>,
    /// What it opens to.
    pub leaf_clear: Vec<u8>,
    /// The marks.
    pub marks: Vec<u8>,
    /// The suppression list.
    pub suppressed: Vec<u8>,
    /// What its entries open to.
    pub suppressed_clear: Vec<u8>,
    /// The root in the file anchor.
    pub root: Vec<u8>,
}

const TOP: Place = Place { level: 1, index: 0 };
const LEAF: Place = Place { level: 0, index: 0 };

fn key(byte: u8) -> Key {
    Key::new([byte; 32])
}

/// Root `b1…`, top key `b2…`, node keys `d1…` (top node), `d2…` and `d3…` (leaves), keys `c0…` and so on in the slots, nonces
/// `e1…` to `e5…`.
pub(crate) fn example(log: LogId) -> Example {
    let (root, top_key) = ([0xb1; 32], key(0xb2));
    let mut sealed_top = *top_key.expose();
    let associated = [&log.0[..], &2_u64.to_be_bytes()].concat();
    let tag = XChaCha20Poly1305::new(&root.into())
        .encrypt_in_place_detached(&[0xe1; 24].into(), &associated, &mut sealed_top)
        .unwrap();
    let identity = Identity::new("file", &["9a".repeat(16).as_str()]);
    let member = Member { root: 2, identity, top: [&[0xe1; 24][..], &sealed_top, &tag].concat() };
    let header = Header {
        log,
        counter: 4,
        epoch: 1,
        leaves: 2,
        highest_root: 2,
        clearing: false,
        members: vec![member],
        left: None,
    };
    let children = [Child { key: key(0xd2), side: Side::B }, Child { key: key(0xd3), side: Side::A }];
    let top = Child { key: key(0xd1), side: Side::B };
    let node = cell::seal_with(log, TOP, &top.key, [0xe3; 24], &mut inner::entries(&children[..1]));
    let (_, added) = inner::add_with(log, TOP, &top.key, 1, &children[1], [0xe4; 24]);
    let mut slots: Vec<Slot> = (0..16).map(|slot| Slot::Held(key(0xc0 + slot))).collect();
    slots[0] = Slot::Destroyed { fingerprint: slots[0].fingerprint(), epoch: 1 };
    let mut entries = leaf::entries(&slots);
    let leaf_clear = entries.to_vec();
    let leaf = cell::seal_with(log, LEAF, &children[0].key, [0xe5; 24], &mut entries);
    let mut marks = Marks::default();
    marks.set(&(2..16).collect::<Vec<u64>>(), Some(Mark::Retired));
    let list = list();
    let said = [&b"lethe root file\n"[..], &log.0, &2_u64.to_be_bytes(), &root].concat();
    let check = blake3::derive_key("lethe 2026-11 anchor: root check", &said);
    Example {
        header: header.bytes_with(&top_key, Some(&top), [0xe2; 24]),
        node,
        added,
        added_clear: children[1].entry().to_vec(),
        leaf,
        leaf_clear,
        marks: marks.bytes(log),
        suppressed: list.bytes_by(log, || Ok([0xe6; 24])).unwrap(),
        suppressed_clear: file::entries(&list.versions[0].rows).to_vec(),
        root: [&said[..], &check].concat(),
    }
}

/// One address under the key of slot 1: until the end of 2029 for all direct contact, as an erasure asked that is not
/// certified yet, and for the newsletter.
fn list() -> List {
    let key = key(0xc1);
    let mut list = List { counter: 2, versions: vec![Version::new(key.fingerprint(), 2026, &key)] };
    let address = Address::parse("maria@example.org", None).unwrap();
    let until = Day::last_of(2029);
    list.put(0, &address, &[], until, Some(ErasureId([0x6e; 16])));
    list.put(0, &address, &[Slug::from_log("newsletter".into())], until, None);
    list
}

/// The example is read by the code that reads the real thing.
#[test]
fn the_example_opens() {
    let log = LogId([0x10; 16]);
    let Example { header, node, added, leaf, marks, suppressed, root, .. } = example(log);
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join(format!("{log}.2")), root).unwrap();
    let found = Found::read(&header).unwrap();
    let member = &found.header.members[0];
    let top_key = FileAnchor::at(dir.path()).unwrap().open(log, member.root, &member.top).unwrap();
    let top = found.top(&top_key).unwrap().unwrap();
    let node = [&node[..], &[0; ADDED], &added].concat();
    let children = inner::open(log, TOP, &top.key, &node, 2).unwrap();
    assert_eq!((children.len(), node.len()), (2, NODE + 2 * ADDED));
    let slots = leaf::open(log, LEAF, &children[0].key, &leaf).unwrap();
    assert_eq!(slots.len(), FAN);
    assert_eq!(slots[0], Slot::Destroyed { fingerprint: key(0xc0).fingerprint(), epoch: 1 });
    assert!(slots[1..].iter().zip(0xc1..).all(|(slot, byte)| *slot == Slot::Held(key(byte))));
    assert_eq!(Marks::read(&marks, log).unwrap().slots.len(), 14);
    let found = FoundList::read(suppressed, log).unwrap().unwrap();
    let opened = found.open(log, |id| Some(key(0xc1)).filter(|key| key.fingerprint() == *id)).unwrap();
    assert!(opened == list());
}
