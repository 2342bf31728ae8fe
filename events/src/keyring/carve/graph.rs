//! Which keys a root opens: header, top key, top node, and on until nothing new opens. A node is tried with the keys that
//! any version of its parent names for it, then with every other key there is, as far as the tries reach. What opens
//! nowhere as a whole may be cut short: its first entries are read without the tag, and count where they give a key whose
//! fingerprint is known.

use std::thread;

use domain::id::{KeyId, LogId};
use zeroize::Zeroizing;

use super::{Carved, Cell, Root};
use crate::ids::{IdMap, IdSet};
use crate::keyring::cell::{self, ENTRY, FAN, Place};
use crate::keyring::inner::{self, Child};
use crate::keyring::leaf::{self, Slot};
use crate::keyring::{Anchor, AnchorError, Key, anchor, seal};

/// What opens headers.
#[derive(Clone, Copy)]
pub enum Opener<'a> {
    /// Every root that these anchors hold.
    Anchors(&'a [Box<dyn Anchor>]),
    /// One that was found in a file.
    Root(&'a Root),
}

/// The keys that one root opens, by fingerprint.
#[derive(Default)]
pub struct Graph {
    /// Whole headers that it opens.
    pub headers: usize,
    /// The header it opens that was written last.
    pub newest: Option<Newest>,
    /// Nodes that open.
    pub nodes: usize,
    /// Nodes that do not.
    pub closed_nodes: usize,
    /// Entries that were read of nodes which are not whole.
    pub cut: usize,
    /// How often a key was not tried on a node since the tries were used up.
    pub untried: u64,
    keys: IdMap<KeyId, Key>,
    slots: IdSet<KeyId>,
    destroyed: IdMap<KeyId, u64>,
}

/// What the newest header says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Newest {
    /// Counts the headers.
    pub counter: u64,
    /// Counts the destructions.
    pub epoch: u64,
    /// How many slots the tree has.
    pub slots: u64,
}

impl Graph {
    /// The key of this name. Whoever gets it can open what it seals, and does not see its bytes.
    pub fn key(&self, name: &KeyId) -> Option<&Key> {
        self.keys.get(name)
    }

    /// Every key: of slots, of nodes and of tops.
    pub fn keys(&self) -> impl Iterator<Item = (&KeyId, &Key)> {
        self.keys.iter()
    }

    /// The names of keys that stand in a leaf, in any version of it.
    pub fn slots(&self) -> &IdSet<KeyId> {
        &self.slots
    }

    /// The names that leaves keep of destroyed keys, each with the epoch in which it died.
    pub fn destroyed(&self) -> &IdMap<KeyId, u64> {
        &self.destroyed
    }
}

impl Carved {
    /// Everything that a root opens. `known` are fingerprints that records name, for what is cut short; `tries` is how often
    /// a key is tried on a node for which nobody named it.
    ///
    /// # Errors
    /// When an anchor cannot be asked. That it does not hold a root, or that its root does not open something, is none.
    pub fn open(&self, log: LogId, opener: Opener<'_>, known: &IdSet<KeyId>, tries: u64) -> Result<Graph, AnchorError> {
        let mut closing = Closing {
            carved: self,
            log,
            open: vec![false; self.cells.len()],
            tried: vec![0; self.cells.len()],
            named: vec![Vec::new(); self.cells.len()],
            keys: Vec::new(),
            waiting: Vec::new(),
            headers: vec![false; self.headers.len()],
            graph: Graph::default(),
        };
        closing.tops(opener)?;
        closing.old_keyrings(opener)?;
        let mut tries = tries;
        loop {
            closing.by_name();
            if !closing.by_trial(&mut tries) {
                break;
            }
        }
        closing.cut_short(known);
        Ok(closing.graph())
    }

    /// Whether a root opens a header with this counter.
    pub fn opens(&self, log: LogId, root: &Root, counter: u64) -> bool {
        let of_it = self.headers.iter().filter(|found| found.header.log == log && found.header.counter == counter);
        of_it
            .flat_map(|found| &found.header.members)
            .any(|member| !by_root(log, root, member.root, &member.top).is_empty())
    }
}

/// A graph on its way.
struct Closing<'a> {
    carved: &'a Carved,
    log: LogId,
    /// By cell.
    open: Vec<bool>,
    /// By cell: how many of the keys were tried on it although nobody named them for it.
    tried: Vec<usize>,
    /// By cell: keys that were named for it and do not open it.
    named: Vec<Vec<Key>>,
    keys: Vec<Key>,
    /// Keys to be tried, each with the node that it was named for.
    waiting: Vec<(Place, Key)>,
    /// By header.
    headers: Vec<bool>,
    graph: Graph,
}

impl Closing<'_> {
    fn tops(&mut self, opener: Opener<'_>) -> Result<(), AnchorError> {
        let (carved, log) = (self.carved, self.log);
        for header in carved.headers.iter().map(|found| &found.header).filter(|header| header.log == log) {
            let tops = header
                .members
                .iter()
                .map(|member| opener.tops(log, member.root, &member.top))
                .collect::<Result<Vec<_>, _>>()?;
            let mut tops = tops.into_iter().flatten().peekable();
            if tops.peek().is_none() {
                continue;
            }
            let newest = Newest { counter: header.counter, epoch: header.epoch, slots: header.leaves * FAN as u64 };
            if self.graph.newest.is_none_or(|known| known.counter < newest.counter) {
                self.graph.newest = Some(newest);
            }
            self.graph.headers += 1;
            tops.for_each(|top| self.found(top));
        }
        Ok(())
    }

    fn old_keyrings(&mut self, opener: Opener<'_>) -> Result<(), AnchorError> {
        let (carved, log) = (self.carved, self.log);
        for old in carved.old.iter().filter(|old| old.log() == log) {
            let (root, top) = old.top();
            for top in opener.tops(log, root, top)? {
                self.graph.headers += 1;
                let slots = old.open(&top);
                self.found(top);
                slots.into_iter().for_each(|slot| self.slot(slot));
            }
        }
        Ok(())
    }

    /// Tries keys where they were named, until none is left.
    fn by_name(&mut self) {
        while let Some((place, key)) = self.waiting.pop() {
            let carved = self.carved;
            for &number in carved.by_place.get(&place).into_iter().flatten() {
                let Some(cell) = carved.cells.get(number) else { continue };
                match cell.open(self.log, &key) {
                    Some(clear) => self.opened(number, cell, &clear),
                    None => self.named.iter_mut().skip(number).take(1).for_each(|named| named.push(key.clone())),
                }
            }
        }
    }

    /// Tries every key on everything that is still closed. Whether something new was found.
    fn by_trial(&mut self, tries: &mut u64) -> bool {
        self.headers_by_trial();
        let pending: Vec<(usize, usize)> = (0..)
            .zip(self.open.iter().zip(&self.tried))
            .filter(|(_, (open, tried))| !**open && **tried < self.keys.len())
            .map(|(number, (_, tried))| (number, *tried))
            .collect();
        let each = usize::try_from(*tries / pending.len().max(1) as u64).unwrap_or(usize::MAX);
        let (keys, cells, log) = (&self.keys, &self.carved.cells, self.log);
        let attempt = &|share: &[(usize, usize)]| -> Vec<(usize, Zeroizing<Vec<u8>>)> {
            let open = |&(number, tried): &(usize, usize)| {
                let cell = cells.get(number)?;
                let mut to_try = keys.iter().skip(tried).take(each);
                to_try.find_map(|key| cell.open(log, key)).map(|clear| (number, clear))
            };
            share.iter().filter_map(open).collect()
        };
        let threads = thread::available_parallelism().map_or(1, usize::from);
        let found: Vec<(usize, Zeroizing<Vec<u8>>)> = thread::scope(|scope| {
            let share = pending.len().div_ceil(threads).max(1);
            let shares: Vec<_> = pending.chunks(share).map(|share| scope.spawn(move || attempt(share))).collect();
            shares
                .into_iter()
                .flat_map(|share| share.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
                .collect()
        });
        let had = keys.len();
        self.graph.untried = 0;
        for (number, tried) in pending {
            let reached = tried.saturating_add(each).min(had);
            *tries = tries.saturating_sub((reached - tried) as u64);
            self.graph.untried += (had - reached) as u64;
            self.tried.iter_mut().skip(number).take(1).for_each(|tried| *tried = reached);
        }
        let more = !found.is_empty();
        for (number, clear) in found {
            if let Some(cell) = self.carved.cells.get(number) {
                self.opened(number, cell, &clear);
            }
        }
        more || !self.waiting.is_empty()
    }

    /// A header whose top key nobody gave may have the top key of another one.
    fn headers_by_trial(&mut self) {
        let (carved, log) = (self.carved, self.log);
        for (number, found) in carved.headers.iter().enumerate().filter(|(_, found)| found.header.log == log) {
            if self.headers.get(number) != Some(&false) {
                continue;
            }
            let top = self.keys.iter().find_map(|key| found.top(key).ok());
            let Some(top) = top else { continue };
            self.headers.iter_mut().skip(number).take(1).for_each(|open| *open = true);
            if let Some(child) = top {
                self.child(Place { level: found.header.height(), index: 0 }, child);
            }
        }
    }

    /// What a node that opens holds, or a child that was added to it.
    fn opened(&mut self, number: usize, cell: &Cell, clear: &[u8]) {
        if self.open.get(number) != Some(&false) {
            return;
        }
        self.open.iter_mut().skip(number).take(1).for_each(|open| *open = true);
        self.graph.nodes += usize::from(cell.added.is_none());
        let first = cell.added.map_or(0, u64::from);
        for (number, entry) in (first..).zip(clear.chunks_exact(ENTRY)) {
            self.entry(cell.place, number, entry);
        }
    }

    fn entry(&mut self, place: Place, number: u64, entry: &[u8]) {
        if place.level == 0 {
            return match leaf::read(entry) {
                Some(slot) => self.slot(slot),
                None => self.odd(entry),
            };
        }
        let below = place.first_child();
        match Child::read(entry) {
            Some(child) => self.child(Place { index: below.index.saturating_add(number), ..below }, child),
            None => self.odd(entry),
        }
    }

    fn slot(&mut self, slot: Slot) {
        match slot {
            Slot::Held(key) => {
                self.graph.slots.insert(key.fingerprint());
                self.found(key);
            }
            Slot::Destroyed { fingerprint, epoch } => drop(self.graph.destroyed.insert(fingerprint, epoch)),
        }
    }

    fn child(&mut self, place: Place, child: Child) {
        self.found(child.key.clone());
        self.waiting.push((place, child.key));
    }

    /// An entry that no writer writes may still end in a key.
    fn odd(&mut self, entry: &[u8]) {
        if let Some(key) = entry.last_chunk::<32>().filter(|key| **key != [0; 32]) {
            self.found(Key::new(*key));
        }
    }

    fn found(&mut self, key: Key) {
        let name = key.fingerprint();
        if self.graph.keys.insert(name, key.clone()).is_none() {
            self.keys.push(key);
        }
    }

    /// The entries of leaves that do not open, by the keys that were named for them.
    fn cut_short(&mut self, known: &IdSet<KeyId>) {
        let carved = self.carved;
        for (number, cell) in carved.cells.iter().enumerate() {
            let closed = self.open.get(number) == Some(&false) && cell.added.is_none() && cell.place.level == 0;
            let named = self.named.get_mut(number).filter(|_| closed).map(std::mem::take).unwrap_or_default();
            for clear in named.iter().filter_map(|key| seal::peel(key, &cell.sealed)) {
                for entry in clear.chunks_exact(ENTRY) {
                    let Some(Slot::Held(key)) = leaf::read(entry) else { continue };
                    let name = key.fingerprint();
                    if known.contains(&name) || self.graph.destroyed.contains_key(&name) {
                        self.graph.cut += 1;
                        self.slot(Slot::Held(key));
                    }
                }
            }
        }
    }

    fn graph(self) -> Graph {
        let heads = self.carved.cells.iter().zip(&self.open).filter(|(cell, _)| cell.added.is_none());
        let closed_nodes = heads.filter(|(_, open)| !**open).count();
        Graph { closed_nodes, ..self.graph }
    }
}

impl Cell {
    fn open(&self, log: LogId, key: &Key) -> Option<Zeroizing<Vec<u8>>> {
        let associated = match self.added {
            None => cell::associated(log, self.place),
            Some(number) => inner::associated(log, self.place, number.into()),
        };
        let mut sealed = Zeroizing::new(self.sealed.to_vec());
        seal::open(key, &associated, sealed.as_mut_slice()).map(|clear| Zeroizing::new(clear.to_vec()))
    }
}

impl Opener<'_> {
    /// The top keys in what a header says of a member: the number of its root, and what that sealed.
    fn tops(self, log: LogId, number: u64, sealed: &[u8]) -> Result<Vec<Key>, AnchorError> {
        match self {
            Self::Root(root) => Ok(by_root(log, root, number, sealed)),
            Self::Anchors(anchors) => {
                let mut tops = Vec::new();
                for anchor in anchors {
                    match anchor.open(log, number, sealed) {
                        Ok(top) => tops.push(top),
                        Err(AnchorError::NoRoot { .. } | AnchorError::DoesNotOpen) => {}
                        Err(failed) => return Err(failed),
                    }
                }
                Ok(tops)
            }
        }
    }
}

/// A file's number may not be the one that the header names.
fn by_root(log: LogId, root: &Root, number: u64, sealed: &[u8]) -> Vec<Key> {
    let numbers = if root.number == number { vec![number] } else { vec![number, root.number] };
    numbers.into_iter().filter_map(|number| anchor::open_under(&root.key, log, number, sealed)).collect()
}
