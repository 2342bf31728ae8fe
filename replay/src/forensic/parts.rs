//! Sealed parts: each is tried with the key that its record names, and then, as far as the tries reach, with every other
//! key there is. What opens is searched for keys, and so are the facts of every record.

use std::collections::{BTreeSet, HashSet};

use domain::id::KeyId;
use events::ids::IdSet;
use events::keyring::Key;
use events::keyring::carve::{Graph, Windows};
use events::log::PartBytes;
use events::log::carve::{self, Carved, CarvedPart, binding};
use events::record::Record;
use events::seal::{self, Opened};
use rayon::prelude::*;

use super::image::{Images, Searched};
use super::{ForensicError, Ordered};

/// How many frames are in hand at once.
const AT_ONCE: usize = 256;

/// What became of them.
#[derive(Default)]
pub(crate) struct Parts {
    /// Frames that differ.
    pub(super) frames: usize,
    /// Of those, the ones that are not whole.
    pub(super) torn_frames: usize,
    /// Records in them.
    pub(super) records: u64,
    /// Parts that are there.
    pub(super) present: u64,
    /// Parts that are zeros.
    pub(super) swept: u64,
    /// Parts of which bytes are missing, or others than were written.
    pub(super) damaged: u64,
    /// Parts that open, by the key they are sealed under.
    pub(super) opened: Vec<KeyId>,
    /// Parts whose key is there and does not open them.
    pub(super) closed_with_key: u64,
    /// Parts that nothing opens, by the key that their record names.
    pub(super) closed: Vec<KeyId>,
    /// Parts that another key opens than their record names.
    pub(super) by_another: u64,
    /// How often a key was not tried on a part since the tries were used up.
    pub(super) untried: u64,
    /// Keys that stand in clear in records or in what was sealed, each with the record's position.
    pub(super) held: BTreeSet<(u64, KeyId)>,
}

/// The keys that parts in images and records name.
pub(super) fn named(
    images: &Images,
    searched: &Searched,
    ordered: Option<&Ordered>,
) -> Result<IdSet<KeyId>, ForensicError> {
    let mut named: IdSet<KeyId> = ordered.map(|ordered| ordered.named.clone()).unwrap_or_default();
    named.extend(ordered.into_iter().flat_map(|ordered| ordered.keys.keys()));
    for at in &searched.frames {
        let bytes = images.frame(*at)?;
        let Some(frame) = carve::carve(&bytes) else { continue };
        named.extend(frame.records().flat_map(|(_, _, parts)| parts).map(|part| part.named.key));
    }
    Ok(named)
}

/// Tries all keys of these graphs on all parts.
pub(super) fn open(
    images: &Images,
    searched: &Searched,
    graphs: &[&Graph],
    windows: Option<&Windows>,
    tries: u64,
) -> Result<Parts, ForensicError> {
    let mut parts = Parts::default();
    let (mut seen, mut tries) = (HashSet::new(), tries);
    for some in searched.frames.chunks(AT_ONCE) {
        let each = some.par_iter().map(|at| {
            let bytes = images.frame(*at)?;
            let name = *blake3::hash(&bytes).as_bytes();
            Ok((name, carve::carve(&bytes).map(|frame| look(&frame, graphs, windows))))
        });
        for looked in each.collect::<Result<Vec<_>, ForensicError>>()? {
            let (name, Some((found, closed))) = looked else { continue };
            if seen.insert(name) {
                parts.add(found);
                parts.try_all(&closed, graphs, windows, &mut tries);
            }
        }
    }
    Ok(parts)
}

/// A part that its own key did not open, with all that it needs to be tried again.
struct Closed {
    record: Vec<u8>,
    part: CarvedPart,
}

fn look(frame: &Carved<'_>, graphs: &[&Graph], windows: Option<&Windows>) -> (Parts, Vec<Closed>) {
    let mut found = Parts { frames: 1, torn_frames: usize::from(!frame.whole), ..Parts::default() };
    let mut closed = Vec::new();
    for (record, bytes, parts) in frame.records() {
        found.records += 1;
        found.search(windows, record.position, record.facts);
        for part in parts {
            match &part.bytes {
                PartBytes::Present(_) => found.present += 1,
                PartBytes::Swept { .. } => {
                    found.swept += 1;
                    continue;
                }
                PartBytes::Damaged { .. } => {
                    found.damaged += 1;
                    continue;
                }
            }
            let mut keys = graphs.iter().filter_map(|graph| graph.key(&part.named.key)).peekable();
            let has_key = keys.peek().is_some();
            match keys.find_map(|key| open_one(&record, &part, key)) {
                Some(opened) => found.opens(&record, part.named.key, &opened, windows),
                None if has_key => found.closed_with_key += 1,
                None => closed.push(Closed { record: bytes.to_vec(), part }),
            }
        }
    }
    (found, closed)
}

fn open_one(record: &Record<'_>, part: &CarvedPart, key: &Key) -> Option<Opened> {
    let PartBytes::Present(bytes) = &part.bytes else { return None };
    // What is bound to it names the key that the record names.
    let binding = binding(record, part.number, part.named.key);
    seal::open(bytes, key, &binding, &part.named.commitment).ok()
}

impl Parts {
    fn add(&mut self, other: Self) {
        self.frames += other.frames;
        self.torn_frames += other.torn_frames;
        self.records += other.records;
        self.present += other.present;
        self.swept += other.swept;
        self.damaged += other.damaged;
        self.opened.extend(other.opened);
        self.closed_with_key += other.closed_with_key;
        self.held.extend(other.held);
    }

    fn opens(&mut self, record: &Record<'_>, key: KeyId, opened: &Opened, windows: Option<&Windows>) {
        self.opened.push(key);
        for field in &opened.plain.fields {
            self.search(windows, record.position, field);
        }
    }

    fn search(&mut self, windows: Option<&Windows>, position: u64, bytes: &[u8]) {
        let found = windows.map(|windows| windows.find(bytes)).unwrap_or_default();
        self.held.extend(found.into_iter().map(|(_, name)| (position, name)));
    }

    /// Every key there is, on parts whose own key is not.
    fn try_all(&mut self, closed: &[Closed], graphs: &[&Graph], windows: Option<&Windows>, tries: &mut u64) {
        let there: u64 = graphs.iter().map(|graph| graph.keys().count() as u64).sum();
        for Closed { record, part } in closed {
            let Ok(record) = Record::parse(record) else { continue };
            let reach = there.min(*tries);
            *tries -= reach;
            self.untried += there - reach;
            let keys: Vec<(&KeyId, &Key)> = graphs
                .iter()
                .flat_map(|graph| graph.keys())
                .take(usize::try_from(reach).unwrap_or(usize::MAX))
                .collect();
            let opened = keys.par_iter().find_map_any(|(name, key)| Some((**name, open_one(&record, part, key)?)));
            match opened {
                Some((name, opened)) => {
                    self.by_another += 1;
                    self.opens(&record, name, &opened, windows);
                }
                None => self.closed.push(part.named.key),
            }
        }
    }
}
