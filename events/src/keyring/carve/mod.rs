//! Keyrings in bytes of any kind: files, images of disks, images of memory. Headers, nodes, children that were added and
//! root files are found at any offset, in every version, by their first bytes; then the graph of keys is closed from a
//! root. No place, no count and no side is trusted: whatever a key opens counts.
//!
//! Only reads, and hands out no key's bytes: what was found goes by its fingerprint.

mod graph;
mod window;

use std::collections::{BTreeMap, HashSet};

use domain::id::LogId;

pub use graph::{Graph, Newest, Opener};
pub use window::Windows;

use super::cell::{self, ADDED, FAN, HEAD, NODE, Place};
use super::header::{self, Found};
use super::migrate::carved::{self as first, Old};
use super::{Key, anchor};

/// The first bytes of everything that [`Carved::take`] knows.
pub const MAGICS: [&[u8]; 4] = [&cell::MAGIC, &header::MAGIC, &first::MAGIC, &anchor::ROOT_MAGIC];

/// How many bytes it needs of each, where there are so many.
pub const LONGEST: usize = header::LONGEST;

/// What was found, each once however often it lies there.
#[derive(Default)]
pub struct Carved {
    seen: HashSet<[u8; 32]>,
    cells: Vec<Cell>,
    by_place: BTreeMap<Place, Vec<usize>>,
    headers: Vec<Found>,
    old: Vec<Old>,
    roots: Vec<Root>,
    counts: Counts,
}

/// How much was found.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Counts {
    /// Nodes that differ, of whichever log.
    pub nodes: usize,
    /// Headers that differ and are whole.
    pub headers: usize,
    /// What begins as a header does and is none that this version reads.
    pub damaged_headers: usize,
    /// Headers of keyrings of the first format.
    pub old_headers: usize,
    /// Roots in the files of a file anchor.
    pub roots: usize,
}

/// A root in a file of a file anchor, wherever that file lay.
pub struct Root {
    /// Of which log.
    pub log: LogId,
    /// Its number.
    pub number: u64,
    key: Key,
}

/// What is sealed as one: a node, or a child that was added behind it.
struct Cell {
    place: Place,
    added: Option<u8>,
    /// Nonce, ciphertext, tag.
    sealed: Box<[u8]>,
}

impl Carved {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Looks at what these bytes begin with, which is one of [`MAGICS`]. Whether it is new.
    pub fn take(&mut self, bytes: &[u8]) -> bool {
        if bytes.starts_with(&cell::MAGIC) {
            return self.node(bytes).is_some();
        }
        if bytes.starts_with(&header::MAGIC) {
            return self.header(bytes);
        }
        if bytes.starts_with(&first::MAGIC) {
            return self.old_header(bytes);
        }
        self.root(bytes).is_some()
    }

    /// How much was found.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// The logs that the headers belong to, and how many each has.
    pub fn logs(&self) -> BTreeMap<LogId, usize> {
        let mut logs = BTreeMap::new();
        for log in self.headers.iter().map(|found| found.header.log).chain(self.old.iter().map(Old::log)) {
            *logs.entry(log).or_default() += 1;
        }
        logs
    }

    /// The roots of a log.
    pub fn roots(&self, log: LogId) -> impl Iterator<Item = &Root> {
        self.roots.iter().filter(move |root| root.log == log)
    }

    /// Keyrings of the first format, whose slots have no mark by which they would be found: for each, how far behind the
    /// first byte of its header they begin, and how many bytes of them there are at most.
    pub fn old_slots(bytes: &[u8]) -> Option<(u64, u64)> {
        Old::read(bytes).map(|old| old.slots())
    }

    /// The slots behind the header that [`Carved::take`] took last, as far as they are there.
    pub fn take_old_slots(&mut self, header: &[u8], slots: &[u8]) {
        if let Some(old) = self.old.iter_mut().find(|old| old.is(header)) {
            old.add(slots);
        }
    }

    fn node(&mut self, bytes: &[u8]) -> Option<()> {
        let (&level, index) = bytes.get(cell::MAGIC.len()..)?.split_first()?;
        let place = Place { level, index: u64::from_be_bytes(*index.first_chunk()?) };
        let sealed = bytes.get(HEAD..NODE)?;
        // Behind a leaf nothing was ever added.
        for number in (0..FAN).filter(|_| level > 0) {
            let at = NODE + number * ADDED;
            if let Some(added) = bytes.get(at..at + ADDED) {
                self.cell(place, Some(number as u8), added);
            }
        }
        self.cell(place, None, sealed).then(|| self.counts.nodes += 1)
    }

    fn cell(&mut self, place: Place, added: Option<u8>, sealed: &[u8]) -> bool {
        if sealed.iter().all(|byte| *byte == 0) {
            return false;
        }
        let name =
            [&[place.level, added.map_or(0xff, |number| number)][..], &place.index.to_be_bytes(), sealed].concat();
        let is_new = self.is_new(&name);
        if is_new {
            self.by_place.entry(place).or_default().push(self.cells.len());
            self.cells.push(Cell { place, added, sealed: sealed.into() });
        }
        is_new
    }

    fn header(&mut self, bytes: &[u8]) -> bool {
        let Some((found, whole)) = Found::carve(bytes) else {
            self.counts.damaged_headers += usize::from(self.is_new(bytes.get(..512).unwrap_or(bytes)));
            return false;
        };
        let is_new = self.is_new(whole);
        if is_new {
            self.counts.headers += 1;
            self.headers.push(found);
        }
        is_new
    }

    fn old_header(&mut self, bytes: &[u8]) -> bool {
        let Some(old) = Old::read(bytes) else { return false };
        let is_new = !self.old.iter().any(|known| known.is(bytes));
        if is_new {
            self.counts.old_headers += 1;
            self.old.push(old);
        }
        is_new
    }

    fn root(&mut self, bytes: &[u8]) -> Option<()> {
        let (log, number, key) = anchor::carve_root(bytes)?;
        let is_new = self.is_new(&[&log.0[..], &number.to_be_bytes(), &key.fingerprint().0].concat());
        is_new.then(|| {
            self.counts.roots += 1;
            self.roots.push(Root { log, number, key });
        })
    }

    fn is_new(&mut self, bytes: &[u8]) -> bool {
        self.seen.insert(*blake3::hash(bytes).as_bytes())
    }
}

impl std::fmt::Debug for Root {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Root({}, {})", self.log, self.number)
    }
}
