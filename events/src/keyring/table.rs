//! What is known of every slot, in memory: about 100 bytes a key.
//!
//! Live keys lie here in clear. Whoever can read this memory can read the views beside it, and the key that would seal
//! them here as well; so they are zeroed when they are fenced, retired, destroyed or dropped, and not sealed again.
//! They lie in pages that never move, since what moves leaves a copy behind.

use std::collections::{BTreeSet, HashMap};
use std::hash::{BuildHasherDefault, Hasher};

use domain::id::KeyId;
use zeroize::Zeroize;

use super::Key;
use super::leaf::Slot;
use super::marks::Mark;

/// How many slots a page holds.
pub(super) const PAGE: usize = 256;

/// What one slot is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Standing {
    Live,
    Awaiting,
    Retired,
    /// Destroyed in the tree, while an older root may still be there: nobody calls it erased.
    Dying,
    Erased,
}

/// One slot.
pub(super) struct Entry {
    pub(super) fingerprint: KeyId,
    /// Zeros unless the key is live and not fenced.
    key: [u8; 32],
    /// The epoch in which it died, if it did.
    pub(super) epoch: u64,
    pub(super) standing: Standing,
    pub(super) fenced: bool,
}

/// Some slots in a row.
pub(super) type Page = Vec<Entry>;

/// All slots, and where each fingerprint lies.
#[derive(Default)]
pub(super) struct Table {
    pages: Vec<Page>,
    places: HashMap<KeyId, u32, BuildHasherDefault<FirstBytes>>,
    /// The slots that die with the next destruction, so that it need not look for them.
    retired: BTreeSet<u64>,
    /// The slots that are destroyed and not yet erased.
    dying: Vec<u64>,
}

impl Entry {
    /// Puts a slot behind those of a page. An entry with a key is never moved: what moves leaves a copy behind.
    pub(super) fn put(page: &mut Page, slot: &Slot) {
        let (fingerprint, epoch, standing) = match slot {
            Slot::Held(key) => (key.fingerprint(), 0, Standing::Live),
            Slot::Destroyed { fingerprint, epoch } => (*fingerprint, *epoch, Standing::Erased),
        };
        page.push(Self { fingerprint, key: [0; 32], epoch, standing, fenced: false });
        if let (Some(entry), Slot::Held(key)) = (page.last_mut(), slot) {
            entry.put_key(key);
        }
    }

    pub(super) fn key(&self) -> Key {
        Key::copy(&self.key)
    }

    pub(super) fn put_key(&mut self, key: &Key) {
        self.key.copy_from_slice(key.expose());
    }

    pub(super) fn forget_key(&mut self) {
        self.key.zeroize();
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.key.zeroize();
    }
}

impl Table {
    /// How many slots there are.
    pub(super) fn len(&self) -> u64 {
        let full = self.pages.len().saturating_sub(1) * PAGE;
        (full + self.pages.last().map_or(0, Vec::len)) as u64
    }

    /// Adds the slots that follow the last. `false` when a fingerprint is there already: no writer does that.
    pub(super) fn extend<'a>(&mut self, slots: impl IntoIterator<Item = &'a Slot>) -> bool {
        let mut fresh = true;
        for slot in slots {
            let place = self.len() as u32;
            fresh &= self.places.insert(slot.fingerprint(), place).is_none();
            if self.pages.last().is_none_or(|page| page.len() >= PAGE) {
                self.pages.push(Page::with_capacity(PAGE));
            }
            if let Some(page) = self.pages.last_mut() {
                Entry::put(page, slot);
            }
        }
        fresh
    }

    /// Takes over whole pages, the last of them perhaps not full. The table must end on a full one.
    pub(super) fn adopt(&mut self, pages: Vec<Page>) -> bool {
        let mut fresh = true;
        self.places.reserve(pages.iter().map(Vec::len).sum());
        for page in pages {
            let first = self.len();
            for (slot, entry) in (first..).zip(&page) {
                fresh &= self.places.insert(entry.fingerprint, slot as u32).is_none();
            }
            self.pages.push(page);
        }
        fresh
    }

    pub(super) fn place(&self, fingerprint: &KeyId) -> Option<u64> {
        self.places.get(fingerprint).map(|&slot| slot.into())
    }

    pub(super) fn slot(&self, slot: u64) -> Option<&Entry> {
        let slot = usize::try_from(slot).ok()?;
        self.pages.get(slot / PAGE)?.get(slot % PAGE)
    }

    pub(super) fn slot_mut(&mut self, slot: u64) -> Option<&mut Entry> {
        let slot = usize::try_from(slot).ok()?;
        self.pages.get_mut(slot / PAGE)?.get_mut(slot % PAGE)
    }

    pub(super) fn get(&self, fingerprint: &KeyId) -> Option<&Entry> {
        self.slot(self.place(fingerprint)?)
    }

    pub(super) fn get_mut(&mut self, fingerprint: &KeyId) -> Option<&mut Entry> {
        self.slot_mut(self.place(fingerprint)?)
    }

    /// The slots that die with the next destruction.
    pub(super) fn retired(&self) -> impl Iterator<Item = u64> {
        self.retired.iter().copied()
    }

    /// Changes how a slot stands, and says whose it is.
    pub(super) fn restand(&mut self, slot: u64, standing: Standing) -> Option<KeyId> {
        if standing == Standing::Retired {
            self.retired.insert(slot);
        } else {
            self.retired.remove(&slot);
        }
        let entry = self.slot_mut(slot)?;
        entry.standing = standing;
        Some(entry.fingerprint)
    }

    /// What was marked when it was last open is not live. A mark on a destroyed slot says nothing any more.
    pub(super) fn apply<'a>(&mut self, marks: impl IntoIterator<Item = (&'a u64, &'a Mark)>) {
        for (&slot, mark) in marks {
            let standing = match mark {
                Mark::Awaiting => Standing::Awaiting,
                Mark::Retired => Standing::Retired,
            };
            if self.slot(slot).is_some_and(|entry| entry.standing == Standing::Live) {
                self.restand(slot, standing);
                self.slot_mut(slot).into_iter().for_each(Entry::forget_key);
            }
        }
    }

    /// The key of this slot is gone from memory before it is destroyed, and withheld until it is.
    pub(super) fn evict(&mut self, slot: u64) {
        if let Some(entry) = self.slot_mut(slot) {
            entry.forget_key();
            entry.fenced |= entry.standing == Standing::Live;
        }
    }

    /// The key of this slot is gone, but for what an older root may still open.
    pub(super) fn let_die(&mut self, slot: u64, epoch: u64) {
        self.restand(slot, Standing::Dying);
        self.dying.push(slot);
        if let Some(entry) = self.slot_mut(slot) {
            entry.forget_key();
            entry.fenced = false;
            entry.epoch = epoch;
        }
    }

    /// What died in this epoch may be brought back by an older root: it is not erased yet.
    pub(super) fn doubt(&mut self, epoch: u64) {
        let died = |entry: &Entry| entry.standing == Standing::Erased && entry.epoch == epoch;
        let slots: Vec<u64> = self.iter().filter(|(_, entry)| died(entry)).map(|(slot, _)| slot).collect();
        slots.into_iter().for_each(|slot| self.let_die(slot, epoch));
    }

    /// The older roots are gone.
    pub(super) fn bury(&mut self) {
        for slot in std::mem::take(&mut self.dying) {
            self.restand(slot, Standing::Erased);
        }
    }

    /// Every slot with its number, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u64, &Entry)> {
        (0..).zip(self.pages.iter().flatten())
    }
}

/// Fingerprints are hashes of random keys, so their first bytes are as good as any hash of them.
#[derive(Default)]
pub(super) struct FirstBytes(u64);

impl Hasher for FirstBytes {
    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes.first_chunk().map_or(0, |first| u64::from_ne_bytes(*first));
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
