//! What an image gives back to whoever has a root: by the reader that auditors use.

use std::collections::HashSet;

use domain::id::LogId;

use crate::ids::IdSet;
use crate::keyring::carve::{Carved, Graph, MAGICS, Opener};
use crate::keyring::{Key, anchor};

/// The keys that an image gives back: by fingerprint.
pub type Given = HashSet<[u8; 16]>;

/// A root, as the file anchor keeps it: number and key.
pub type Root = (u64, Key);

/// As many tries as anybody wants.
const TRIES: u64 = 1 << 40;

/// All keys that can be opened from these roots in these bytes.
pub fn open(image: &[u8], log: [u8; 16], roots: &[Root]) -> Given {
    graphs(image, log, roots)
        .iter()
        .flat_map(|graph| graph.keys().map(|(name, _)| name.0).collect::<Vec<_>>())
        .collect()
}

/// What each of these roots opens.
pub fn graphs(image: &[u8], log: [u8; 16], roots: &[Root]) -> Vec<Graph> {
    let image = carve(image);
    let files: Vec<u8> = roots.iter().flat_map(|(number, key)| file(log, *number, key)).collect();
    let kept = carve(&files);
    let open = |root| image.open(LogId(log), Opener::Root(root), &IdSet::default(), TRIES).unwrap();
    kept.roots(LogId(log)).map(open).collect()
}

/// How many nodes there are that differ, whether anything opens them or not.
pub fn count(image: &[u8]) -> usize {
    carve(image).counts().nodes
}

/// The roots in the files of a file anchor, wherever they lie in an image.
pub fn roots(image: &[u8]) -> Vec<Root> {
    let at = found(image, &anchor::ROOT_MAGIC);
    at.into_iter().filter_map(|at| anchor::carve_root(&image[at..])).map(|(_, number, key)| (number, key)).collect()
}

pub fn carve(image: &[u8]) -> Carved {
    let mut carved = Carved::new();
    for at in MAGICS.into_iter().flat_map(|magic| found(image, magic)) {
        carved.take(&image[at..]);
    }
    carved
}

fn file(log: [u8; 16], number: u64, key: &Key) -> Vec<u8> {
    [&anchor::ROOT_MAGIC[..], &log, &number.to_be_bytes(), key.expose()].concat()
}

fn found(image: &[u8], magic: &[u8]) -> Vec<usize> {
    let windows = image.windows(magic.len()).enumerate();
    windows.filter(|(_, window)| *window == magic).map(|(at, _)| at).collect()
}
