//! Somebody who has an image of everything and a root of the file anchor, and reads the keyring out of it as `FORMAT.md`
//! says: a second reader beside the auditor's, which also hands out the keys, so that tests can plant them where no key
//! belongs.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305};

use crate::files::read_files;

/// What a root opens.
#[derive(Default)]
pub struct Vault {
    log: [u8; 16],
    /// Keys of slots, by fingerprint.
    pub slots: HashMap<[u8; 16], [u8; 32]>,
    /// Nodes that open: key and entries, by level and index.
    pub nodes: BTreeMap<(u8, u64), ([u8; 32], Vec<u8>)>,
}

const NODE: &[u8] = b"LETHENOD";
const HEAD: usize = 17;
const SEALED: usize = 24 + 16 * 33 + 16;
const ENTRY: usize = 33;
const ADDED: usize = 24 + ENTRY + 16;

impl Vault {
    /// What the root of a ledger's directory opens.
    pub fn of(data: &Path) -> Self {
        let of = |part: &str| read_files(&data.join(part)).into_values().collect::<Vec<_>>().concat();
        Self::open(&of("keyring"), &of("anchor"))
    }

    /// Opens what the one root in these files opens in this image, which is one version of everything.
    ///
    /// # Panics
    /// When there is no root, or it opens no header.
    pub fn open(image: &[u8], anchor: &[u8]) -> Self {
        let at = *found(anchor, b"lethe root file\n").first().expect("no root");
        let log = anchor[at + 16..at + 32].try_into().unwrap();
        let about = &anchor[at + 16..at + 40];
        let root: [u8; 32] = anchor[at + 40..at + 72].try_into().unwrap();
        let mut vault = Self { log, ..Self::default() };
        let headers = found(image, b"lethe keyring 2\n");
        let newest = headers.into_iter().max_by_key(|at| image[at + 35..at + 43].to_vec()).expect("no header");
        let (height, key) = top(&image[newest..], &root, about).expect("the root opens no header");
        let mut places: BTreeMap<(u8, u64), Vec<usize>> = BTreeMap::new();
        for at in found(image, NODE).into_iter().filter(|at| image.len() >= at + HEAD + SEALED) {
            let index = u64::from_be_bytes(image[at + 9..at + 17].try_into().unwrap());
            places.entry((image[at + 8], index)).or_default().push(at);
        }
        vault.node(image, &places, (height, 0), key);
        vault
    }

    /// The bytes of a node with these entries under this key.
    pub fn seal(&self, place: (u8, u64), key: &[u8; 32], entries: &[u8]) -> Vec<u8> {
        let nonce = [0x5a; 24];
        let about = self.about(place);
        let sealed = XChaCha20Poly1305::new(key.into()).encrypt(&nonce.into(), Payload { msg: entries, aad: &about });
        [NODE, &about[16..], &nonce, &sealed.unwrap()].concat()
    }

    /// In which leaf a key stands.
    ///
    /// # Panics
    /// When it stands in none.
    pub fn leaf_of(&self, key: &[u8; 32]) -> (u8, u64) {
        let holds = |entries: &[u8]| entries.chunks(ENTRY).any(|entry| entry[1..] == key[..]);
        let leaf = self.nodes.iter().find(|((level, _), (_, entries))| *level == 0 && holds(entries));
        *leaf.expect("no leaf holds it").0
    }

    fn node(&mut self, image: &[u8], places: &BTreeMap<(u8, u64), Vec<usize>>, place: (u8, u64), key: [u8; 32]) {
        let about = self.about(place);
        for at in places.get(&place).into_iter().flatten() {
            let body = at + HEAD;
            let Some(mut entries) = decrypt(&key, &image[body..body + SEALED], &about) else { continue };
            for number in (0..16_u8).filter(|_| place.0 > 0) {
                let added = body + SEALED + ADDED * usize::from(number);
                let sealed = image.get(added..added + ADDED);
                let entry = sealed.and_then(|sealed| decrypt(&key, sealed, &[&about[..], &[number]].concat()));
                if let Some(entry) = entry {
                    entries[ENTRY * usize::from(number)..][..ENTRY].copy_from_slice(&entry);
                }
            }
            self.nodes.insert(place, (key, entries.clone()));
            for (number, entry) in (0..).zip(entries.chunks(ENTRY)) {
                let held: [u8; 32] = entry[1..].try_into().unwrap();
                match (place.0, entry[0]) {
                    (0, 1) => drop(self.slots.insert(fingerprint(&held), held)),
                    (0, _) | (_, 0) => {}
                    (level, _) => self.node(image, places, (level - 1, place.1 * 16 + number), held),
                }
            }
            return;
        }
    }

    fn about(&self, (level, index): (u8, u64)) -> Vec<u8> {
        [&self.log[..], &[level], &index.to_be_bytes()].concat()
    }
}

/// How records call a key.
pub fn fingerprint(key: &[u8; 32]) -> [u8; 16] {
    blake3::derive_key("lethe 2026-11 key: fingerprint", key)[..16].try_into().unwrap()
}

/// The level and the key of the top node. Members may say of themselves what they like: what they sealed is found by trying.
fn top(header: &[u8], root: &[u8; 32], about: &[u8]) -> Option<(u8, [u8; 32])> {
    let leaves = u64::from_be_bytes(header[51..59].try_into().unwrap());
    let height = (0..8).find(|level| leaves <= 1 << (4 * level))?;
    let top_key = (69..440).find_map(|at| decrypt(root, &header[at..at + 72], about))?;
    let top_key: [u8; 32] = top_key.try_into().unwrap();
    let entry = (69..440).find_map(|at| decrypt(&top_key, &header[at..at + ADDED], &header[..at]))?;
    Some((height as u8, entry[1..].try_into().unwrap()))
}

fn decrypt(key: &[u8; 32], sealed: &[u8], about: &[u8]) -> Option<Vec<u8>> {
    let (nonce, text) = sealed.split_at(24);
    XChaCha20Poly1305::new(key.into()).decrypt(nonce.into(), Payload { msg: text, aad: about }).ok()
}

fn found(bytes: &[u8], magic: &[u8]) -> Vec<usize> {
    memchr::memmem::find_iter(bytes, magic).collect()
}
