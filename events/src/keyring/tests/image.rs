//! A reader of images, written from `FORMAT.md` alone. It is given any bytes and one root, looks for headers, nodes and
//! children that were added at every offset, tries every key it has on every one of them until nothing new opens, and
//! says which keys it found. It trusts no place, no count and no side.

use std::collections::HashSet;

use chacha20poly1305::aead::Aead;
use chacha20poly1305::aead::Payload;
use chacha20poly1305::{KeyInit, XChaCha20Poly1305};

/// The keys that an image gives back to whoever has a root: by fingerprint.
pub type Given = HashSet<[u8; 16]>;

/// A root, as the file anchor keeps it: number and 32 bytes.
pub type Root = (u64, [u8; 32]);

struct Node {
    level: u8,
    index: u64,
    /// From the nonce on, as far as the image goes.
    rest: Vec<u8>,
}

/// All keys of slots that can be opened from these roots in these bytes.
pub fn open(image: &[u8], log: [u8; 16], roots: &[Root]) -> Given {
    let mut keys: Vec<[u8; 32]> = Vec::new();
    let mut known: HashSet<[u8; 32]> = HashSet::new();
    let nodes = nodes(image);
    for header in found(image, b"lethe keyring 2\n") {
        for key in top_nodes(&image[header..], log, roots) {
            if known.insert(key) {
                keys.push(key);
            }
        }
    }
    let mut given = Given::new();
    let mut next = 0;
    while next < keys.len() {
        let key = keys[next];
        next += 1;
        for entry in nodes.iter().flat_map(|node| entries(node, log, &key)) {
            let held: [u8; 32] = entry[1..].try_into().unwrap();
            // What a slot holds and what a node holds are told apart by nothing here: each is tried as both.
            if known.insert(held) {
                keys.push(held);
                given.insert(fingerprint(&held));
            }
        }
    }
    given
}

/// How many nodes there are that differ, whether anything opens them or not.
pub fn count(image: &[u8]) -> usize {
    // What lies behind a node is not its own where its file ends.
    let nodes: HashSet<Vec<u8>> =
        nodes(image).into_iter().map(|node| node.rest.into_iter().take(568).collect()).collect();
    nodes.len()
}

/// The roots in the files of a file anchor, wherever they lie in an image.
pub fn roots(image: &[u8]) -> Vec<Root> {
    let at = found(image, b"lethe root file\n");
    let number = |at: usize| u64::from_be_bytes(image[at + 32..at + 40].try_into().unwrap());
    at.into_iter().map(|at| (number(at), image[at + 40..at + 72].try_into().unwrap())).collect()
}

pub fn fingerprint(key: &[u8; 32]) -> [u8; 16] {
    blake3::derive_key("lethe 2026-11 key: fingerprint", key)[..16].try_into().unwrap()
}

/// The keys of the top nodes that a header opens to.
fn top_nodes(header: &[u8], log: [u8; 16], roots: &[Root]) -> Vec<[u8; 32]> {
    let mut given = Vec::new();
    let Some(members) = header.get(68).copied() else { return given };
    let mut at = 69;
    let mut tops = Vec::new();
    for _ in 0..members {
        let Some(fixed) = header.get(at..at + 10) else { return given };
        let length = usize::from(u16::from_be_bytes(fixed[8..].try_into().unwrap()));
        let Some(sealed) = header.get(at + 10..at + 10 + length) else { return given };
        for (number, root) in roots {
            tops.extend(decrypt(root, sealed, &[&log[..], &number.to_be_bytes()].concat()));
        }
        at += 10 + length;
    }
    let Some(sealed) = header.get(at..at + 73) else { return given };
    for top in tops {
        let top: [u8; 32] = top.try_into().unwrap();
        given.extend(decrypt(&top, sealed, &header[..at]).map(|entry| <[u8; 32]>::try_from(&entry[1..]).unwrap()));
    }
    given
}

fn nodes(image: &[u8]) -> Vec<Node> {
    let parse = |at: usize| {
        let fixed = image.get(at + 8..at + 17)?;
        let length = if fixed[0] == 0 { 568 } else { 568 + 16 * 73 };
        let rest = image[at + 17..].iter().take(length).copied().collect();
        Some(Node { level: fixed[0], index: u64::from_be_bytes(fixed[1..].try_into().unwrap()), rest })
    };
    let mut seen = HashSet::new();
    let nodes = found(image, b"LETHENOD").into_iter().filter_map(parse);
    nodes.filter(|node| seen.insert((node.level, node.index, node.rest.clone()))).collect()
}

/// Everything that a key opens of a node, or of what was added behind it: entries of 33 bytes.
fn entries(node: &Node, log: [u8; 16], key: &[u8; 32]) -> Vec<Vec<u8>> {
    let associated = [&log[..], &[node.level], &node.index.to_be_bytes()].concat();
    let whole = node.rest.get(..568).and_then(|sealed| decrypt(key, sealed, &associated)).unwrap_or_default();
    let mut entries: Vec<Vec<u8>> = whole.chunks(33).map(<[u8]>::to_vec).collect();
    // Behind a leaf nothing was ever added.
    for number in (0..16).filter(|_| node.level > 0) {
        let at = 568 + 73 * usize::from(number);
        let associated = [&associated[..], &[number]].concat();
        entries.extend(node.rest.get(at..at + 73).and_then(|sealed| decrypt(key, sealed, &associated)));
    }
    entries
}

fn decrypt(key: &[u8; 32], sealed: &[u8], associated: &[u8]) -> Option<Vec<u8>> {
    if sealed.iter().all(|byte| *byte == 0) {
        return None;
    }
    let (nonce, text) = sealed.split_at_checked(24)?;
    XChaCha20Poly1305::new(key.into()).decrypt(nonce.into(), Payload { msg: text, aad: associated }).ok()
}

fn found(image: &[u8], magic: &[u8]) -> Vec<usize> {
    let windows = image.windows(magic.len()).enumerate();
    windows.filter(|(_, window)| *window == magic).map(|(at, _)| at).collect()
}
