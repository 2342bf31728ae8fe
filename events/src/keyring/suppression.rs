//! The suppression list: which addresses are not taken in and not written to again. Of an address it holds a keyed hash, the
//! purpose, and the month in which that ends: nothing that leads to a record, and nothing that anybody reads an address from.
//!
//! Its keys are keys of the tree like all others, one for the entries of each year. A key that no entry is under any more is
//! retired, and dies with the next destruction; so the list forgets as forensically as everything else. The file lies beside
//! the tree in every copy of the keyring and is replaced whole ([`file`]); no backup of the log has it.
//!
//! An erasure puts its addresses here while they can still be read, before it is approved. Until it is certified they carry its
//! id, so that they can go again where it is withdrawn; from then on nothing says whose they were.

pub(super) mod file;

use std::collections::BTreeMap;
use std::sync::Arc;

use blake3::hazmat::hash_derive_key_context;
use domain::id::{ErasureId, KeyId};
use domain::register::Slug;
use domain::suppression::Address;
use domain::time::Day;
use parking_lot::{Mutex, RwLock};

use super::ring::Ring;
use super::{Key, KeyState, KeyringError};
use crate::derive::{Context, derive};

static SEALING: Context = Context::new(|| hash_derive_key_context("lethe 2026-11 suppression list: sealing key"));
static HASHING: Context = Context::new(|| hash_derive_key_context("lethe 2026-11 suppression list: hashing key"));

/// The suppression list of one keyring.
///
/// A change is durable in every copy when it returns. What is asked meanwhile is answered by the list before it.
pub struct SuppressionList {
    ring: Arc<Ring>,
    list: RwLock<Arc<List>>,
    /// Held while the list changes.
    changing: Mutex<()>,
}

/// One entry, but for its end.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Row {
    pub(super) hash: [u8; 32],
    /// None is for all direct contact.
    pub(super) purpose: Option<Slug>,
    /// The erasure that it came with, until that is certified.
    pub(super) erasure: Option<ErasureId>,
}

/// The entries under one key.
#[derive(Clone, PartialEq)]
pub(super) struct Version {
    pub(super) id: KeyId,
    /// The year of all its entries.
    pub(super) year: u16,
    pub(super) sealing: Key,
    hashing: Key,
    /// With the last day on which each counts.
    pub(super) rows: BTreeMap<Row, Day>,
}

/// All entries.
#[derive(Clone, PartialEq, Default)]
pub(super) struct List {
    pub(super) counter: u64,
    pub(super) versions: Vec<Version>,
}

impl SuppressionList {
    /// Reads what lies beside the tree.
    pub(super) fn open(ring: Arc<Ring>) -> Result<Self, KeyringError> {
        let list = match ring.read_list()? {
            None => List::default(),
            Some(found) => found.open(ring.log(), |id| match ring.state(id) {
                KeyState::Live(key) => Some(key),
                _ => None,
            })?,
        };
        Ok(Self { ring, list: RwLock::new(Arc::new(list)), changing: Mutex::new(()) })
    }

    /// Whether an address is on the list on this day: for all direct contact, or for this purpose.
    pub fn holds(&self, address: &Address, purpose: Option<&Slug>, today: Day) -> bool {
        let list = self.list();
        list.versions.iter().any(|version| version.holds(address, purpose, today))
    }

    /// Whether nothing is on it, so that nobody need be asked for.
    pub fn is_empty(&self) -> bool {
        self.list().versions.is_empty()
    }

    /// Whether it lies in the copies: from its first entry on it does, also when the last one is gone.
    pub fn is_there(&self) -> bool {
        self.list().counter > 0
    }

    /// Begins an empty one where it was lost. Durable in every copy when it returns.
    pub fn begin_anew(&self) -> Result<(), KeyringError> {
        let _one = self.changing.lock();
        if self.is_there() {
            return Ok(());
        }
        let next = List { counter: 1, versions: Vec::new() };
        self.ring.write_list(&next.bytes(self.ring.log())?)?;
        *self.list.write() = Arc::new(next);
        Ok(())
    }

    /// How many entries there are by the year of their key, expired ones too until they are cleared away.
    pub fn counts(&self) -> Vec<(u16, usize)> {
        self.list().versions.iter().map(|version| (version.year, version.rows.len())).collect()
    }

    /// The erasures whose addresses are on the list and that were not certified when it was last settled, each with the last
    /// day on which one of its entries counts.
    pub fn unsettled(&self) -> BTreeMap<ErasureId, Day> {
        let list = self.list();
        let rows = list.versions.iter().flat_map(|version| &version.rows);
        let mut found = BTreeMap::new();
        for (erasure, until) in rows.filter_map(|(row, until)| Some((row.erasure?, *until))) {
            found.entry(erasure).and_modify(|last: &mut Day| *last = until.max(*last)).or_insert(until);
        }
        found
    }

    /// The keys that its entries are under, for whoever asks which keys are in use.
    pub fn keys(&self) -> Vec<KeyId> {
        self.list().versions.iter().map(|version| version.id).collect()
    }

    /// Puts addresses on the list, for these purposes or, without any, for all direct contact. Of two ends the later one
    /// counts, and it is moved to the end of its month, where others end too. `today` decides whose year it is.
    pub fn add(
        &self,
        addresses: &[Address],
        purposes: &[Slug],
        until: Day,
        erasure: Option<ErasureId>,
        today: Day,
    ) -> Result<(), KeyringError> {
        if addresses.is_empty() {
            return Ok(());
        }
        self.change(|list| {
            let at = list.version(today.year(), || self.ring.mint())?;
            for address in addresses {
                list.put(at, address, purposes, until.end_of_month(), erasure);
            }
            Ok(())
        })
    }

    /// Takes addresses off the list, for these purposes or, without any, altogether.
    pub fn remove(&self, addresses: &[Address], purposes: &[Slug]) -> Result<(), KeyringError> {
        self.change(|list| {
            for version in &mut list.versions {
                let hashes: Vec<[u8; 32]> = addresses.iter().map(|address| version.hash(address)).collect();
                let named = |row: &Row| row.purpose.as_ref().is_some_and(|purpose| purposes.contains(purpose));
                version.rows.retain(|row, _| !(hashes.contains(&row.hash) && (purposes.is_empty() || named(row))));
            }
            Ok(())
        })
    }

    /// What an erasure put on the list stays, and nothing says any more that it came from there.
    pub fn keep(&self, erasure: ErasureId) -> Result<(), KeyringError> {
        self.change(|list| {
            list.versions.iter_mut().for_each(|version| version.settle(erasure, true));
            Ok(())
        })
    }

    /// What an erasure put on the list goes: it was withdrawn or refused.
    pub fn give_up(&self, erasure: ErasureId) -> Result<(), KeyringError> {
        self.change(|list| {
            list.versions.iter_mut().for_each(|version| version.settle(erasure, false));
            Ok(())
        })
    }

    /// Clears entries away that had run out on this day. To be called before keys are destroyed: a key that no entry is under
    /// any more dies with them. Time alone destroys nothing, so nobody calls it for its own sake.
    pub fn clear(&self, today: Day) -> Result<(), KeyringError> {
        self.change(|list| {
            for version in &mut list.versions {
                version.rows.retain(|_, until| *until >= today);
            }
            Ok(())
        })
    }

    fn list(&self) -> Arc<List> {
        self.list.read().clone()
    }

    /// The one way to change it: beside and renamed, copy after copy, before anybody is answered by it. A key without
    /// entries is retired behind that; where a crash comes between, the next boot finds it unused.
    fn change(&self, change: impl FnOnce(&mut List) -> Result<(), KeyringError>) -> Result<(), KeyringError> {
        let _one = self.changing.lock();
        let before = self.list();
        let mut next = List::clone(&before);
        change(&mut next)?;
        let (used, unused): (Vec<_>, Vec<_>) = next.versions.into_iter().partition(|version| !version.rows.is_empty());
        next = List { counter: before.counter, versions: used };
        if next == *before {
            return Ok(());
        }
        next.counter += 1;
        self.ring.write_list(&next.bytes(self.ring.log())?)?;
        *self.list.write() = Arc::new(next);
        self.ring.retire(&unused.iter().map(|version| version.id).collect::<Vec<_>>())
    }
}

impl List {
    /// The place of a year's entries, under a new key where there are none yet.
    fn version(
        &mut self,
        year: u16,
        mint: impl FnOnce() -> Result<(KeyId, Key), KeyringError>,
    ) -> Result<usize, KeyringError> {
        if let Some(at) = self.versions.iter().position(|version| version.year == year) {
            return Ok(at);
        }
        let (id, key) = mint()?;
        self.versions.push(Version::new(id, year, &key));
        Ok(self.versions.len() - 1)
    }

    /// An address has one entry for a purpose and an erasure, under the key of the year in which it was put there last.
    pub(super) fn put(
        &mut self,
        at: usize,
        address: &Address,
        purposes: &[Slug],
        until: Day,
        erasure: Option<ErasureId>,
    ) {
        let named = purposes.iter().cloned().map(Some);
        let all = purposes.is_empty().then_some(None);
        for purpose in named.chain(all) {
            let mut last = until;
            for version in &mut self.versions {
                let row = Row { hash: version.hash(address), purpose: purpose.clone(), erasure };
                last = version.rows.remove(&row).map_or(last, |was| was.max(last));
            }
            if let Some(version) = self.versions.get_mut(at) {
                let hash = version.hash(address);
                version.rows.insert(Row { hash, purpose, erasure }, last);
            }
        }
    }
}

impl Version {
    pub(super) fn new(id: KeyId, year: u16, key: &Key) -> Self {
        let derived = |context| Key::new(derive(context, &[key.expose()]));
        Self { id, year, sealing: derived(&SEALING), hashing: derived(&HASHING), rows: BTreeMap::new() }
    }

    fn hash(&self, address: &Address) -> [u8; 32] {
        *blake3::keyed_hash(self.hashing.expose(), address.as_bytes()).as_bytes()
    }

    fn holds(&self, address: &Address, purpose: Option<&Slug>, today: Day) -> bool {
        let hash = self.hash(address);
        let first = Row { hash, purpose: None, erasure: None };
        let mut rows = self.rows.range(first..).take_while(|(row, _)| row.hash == hash);
        rows.any(|(row, until)| {
            *until >= today && row.purpose.as_ref().is_none_or(|suppressed| Some(suppressed) == purpose)
        })
    }

    fn settle(&mut self, erasure: ErasureId, stays: bool) {
        let theirs: Vec<Row> = self.rows.keys().filter(|row| row.erasure == Some(erasure)).cloned().collect();
        for row in theirs {
            let until = self.rows.remove(&row).filter(|_| stays);
            if let Some(until) = until {
                let last = self.rows.entry(Row { erasure: None, ..row }).or_insert(until);
                *last = until.max(*last);
            }
        }
    }
}

#[cfg(test)]
impl SuppressionList {
    /// The hash of every entry.
    pub(super) fn hashes(&self) -> Vec<[u8; 32]> {
        let list = self.list();
        list.versions.iter().flat_map(|version| version.rows.keys().map(|row| row.hash)).collect()
    }
}
