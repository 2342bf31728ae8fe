//! The slots in memory and on disk together: every step writes first, and shows its result when that is durable.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use domain::id::{KeyId, LogId};
use parking_lot::{Mutex, RwLock};

use super::cell::{FAN, Place};
use super::copies::Written;
use super::leaf::Slot;
use super::marks::Mark;
use super::members::Members;
use super::reserve::Reserve;
use super::suppression::file::Found;
use super::table::{self, Entry, Table};
use super::tree::{Contents, Tree};
use super::walk::damaged;
use super::{
    Anchor, AnchorError, Anchors, Counts, Declared, Destroyed, Key, KeyState, KeyringError, Level, Settled, Standing,
    Status, Waiting,
};
use crate::ids::IdMap;
use crate::random::NoRandomness;

/// Locks are taken in the order of the fields.
pub(super) struct Ring {
    members: Members,
    stopped: AtomicBool,
    waiting: Arc<Mutex<Option<Waiting>>>,
    /// No key is drawn or destroyed any more, for all are gone.
    ended: AtomicBool,
    tree: Mutex<Tree>,
    table: RwLock<Table>,
    reserve: Reserve,
    /// Of keys that were never here, what the log says.
    recalled: RwLock<IdMap<KeyId, Recalled>>,
}

/// What became of a key in the keyring that was here before.
#[derive(Clone, Copy)]
enum Recalled {
    Lost,
    Erased { epoch: u64 },
}

impl Ring {
    pub(super) fn create(dirs: &[PathBuf], anchors: Vec<Box<dyn Anchor>>, log: LogId) -> Result<Self, KeyringError> {
        let mut tree = Tree::create(dirs, Members::new(anchors)?, log, &Contents::default())?;
        // What an attempt left that was cut short.
        tree.finish()?;
        Ok(Self::new(tree, Table::default(), true))
    }

    pub(super) fn open(dirs: &[PathBuf], anchors: Anchors, log: LogId) -> Result<Self, KeyringError> {
        let (members, moving) = Members::of(anchors)?;
        let (tree, pages) = Tree::open(dirs, &members, moving.as_ref(), log)?;
        let mut table = Table::default();
        if !table.adopt(pages) {
            return Err(KeyringError::DamagedHeader);
        }
        table.apply(&tree.marks.slots);
        if tree.is_unfinished() {
            table.doubt(tree.header.epoch);
        }
        Ok(Self::new(tree, table, false))
    }

    fn new(tree: Tree, table: Table, settled: bool) -> Self {
        Self {
            members: tree.members.clone(),
            stopped: AtomicBool::new(false),
            waiting: Arc::clone(&tree.waiting),
            ended: AtomicBool::new(false),
            tree: Mutex::new(tree),
            table: RwLock::new(table),
            reserve: Reserve::new(settled),
            recalled: RwLock::default(),
        }
    }

    pub(super) fn mint(&self) -> Result<(KeyId, Key), KeyringError> {
        loop {
            let slot = self.reserve.take();
            if self.stopped.load(Ordering::Acquire) {
                return Err(KeyringError::Stopped);
            }
            let slot = slot.ok_or_else(|| self.why_none())?;
            let table = self.table.read();
            // A reserved key may have been fenced or destroyed by its fingerprint; such a one is passed over.
            if let Some(entry) =
                table.slot(slot).filter(|entry| entry.standing == table::Standing::Live && !entry.fenced)
            {
                return Ok((entry.fingerprint, entry.key()));
            }
        }
    }

    pub(super) fn state(&self, key: &KeyId) -> KeyState {
        match self.table.read().get(key) {
            None => match self.recalled.read().get(key) {
                None => KeyState::NeverHad,
                Some(Recalled::Lost) => KeyState::Lost,
                Some(Recalled::Erased { epoch }) => KeyState::Erased { epoch: *epoch },
            },
            Some(entry) => match standing(entry) {
                Standing::Live => KeyState::Live(entry.key()),
                Standing::Fenced => KeyState::Fenced,
                Standing::Awaiting | Standing::Retired => KeyState::Retired,
                Standing::Erased { epoch } => KeyState::Erased { epoch },
            },
        }
    }

    pub(super) fn recall(&self, lost: impl IntoIterator<Item = KeyId>, erased: impl IntoIterator<Item = (KeyId, u64)>) {
        let mut recalled = self.recalled.write();
        recalled.extend(lost.into_iter().map(|key| (key, Recalled::Lost)));
        recalled.extend(erased.into_iter().map(|(key, epoch)| (key, Recalled::Erased { epoch })));
    }

    /// A fence on a retired key is kept: the log may name it, and then it is live and fenced.
    pub(super) fn fence(&self, keys: &[KeyId]) {
        let mut table = self.table.write();
        for key in keys {
            if let Some(entry) = table.get_mut(key) {
                entry.fenced = true;
                entry.forget_key();
            }
        }
    }

    pub(super) fn unfence(&self, keys: &[KeyId]) -> Result<(), KeyringError> {
        let tree = self.tree.lock();
        let mut table = self.table.write();
        for key in keys {
            let Some(slot) = table.place(key) else { continue };
            let Some(entry) = table.slot_mut(slot).filter(|entry| entry.fenced) else { continue };
            if entry.standing == table::Standing::Live {
                entry.put_key(&unseal(&tree, slot, key)?);
            }
            entry.fenced = false;
        }
        Ok(())
    }

    pub(super) fn open_fenced(&self, key: &KeyId) -> Result<Option<Key>, KeyringError> {
        let tree = self.tree.lock();
        let table = self.table.read();
        let fenced = table.get(key).is_some_and(|entry| entry.standing == table::Standing::Live && entry.fenced);
        match table.place(key).filter(|_| fenced) {
            Some(slot) => unseal(&tree, slot, key).map(Some),
            None => Ok(None),
        }
    }

    pub(super) fn settle(&self, used: impl Fn(&KeyId) -> bool, reached: bool) -> Result<Settled, KeyringError> {
        if self.reserve.is_settled() {
            return Ok(Settled::default());
        }
        let settled = self.write(|tree| {
            let (mut unused, mut revived) = (Vec::new(), Vec::new());
            for (slot, entry) in self.table.read().iter() {
                match entry.standing {
                    table::Standing::Live if !entry.fenced && !used(&entry.fingerprint) => unused.push(slot),
                    table::Standing::Awaiting | table::Standing::Retired if used(&entry.fingerprint) => {
                        revived.push(slot);
                    }
                    _ => {}
                }
            }
            let (mark, standing) = if reached {
                (Mark::Retired, table::Standing::Retired)
            } else {
                (Mark::Awaiting, table::Standing::Awaiting)
            };
            self.mark(tree, &revived, None, table::Standing::Live)?;
            self.mark(tree, &unused, Some(mark), standing)?;
            let (retired, awaiting) = if reached { (unused.len(), 0) } else { (0, unused.len()) };
            Ok(Settled { retired, awaiting, revived: revived.len() })
        })?;
        self.reserve.settle();
        Ok(settled)
    }

    pub(super) fn confirm_retired(&self) -> Result<usize, KeyringError> {
        self.write(|tree| {
            let awaiting = self.slots_that_are(table::Standing::Awaiting);
            self.mark(tree, &awaiting, Some(Mark::Retired), table::Standing::Retired)?;
            Ok(awaiting.len())
        })
    }

    pub(super) fn destroy(&self, keys: &[KeyId]) -> Result<Destroyed, KeyringError> {
        self.evict(keys);
        self.write(|tree| {
            self.finish_in(tree)?;
            let epoch_before = tree.header.epoch;
            let mut gone_in = None;
            let mut victims = Vec::with_capacity(keys.len());
            for key in keys {
                let table = self.table.read();
                let Some(slot) = table.place(key) else {
                    match self.recalled.read().get(key) {
                        Some(Recalled::Erased { epoch }) => gone_in = gone_in.max(Some(*epoch)),
                        Some(Recalled::Lost) => {}
                        None => return Err(KeyringError::NeverHad(*key)),
                    }
                    continue;
                };
                match table.slot(slot).map(standing) {
                    Some(Standing::Erased { epoch }) => gone_in = gone_in.max(Some(epoch)),
                    _ => victims.push(slot),
                }
            }
            if victims.is_empty() {
                let epoch_after = gone_in.unwrap_or(epoch_before);
                let epoch_before = gone_in.map_or(epoch_before, |epoch| epoch.saturating_sub(1));
                return Ok(Destroyed { epoch_before, epoch_after });
            }
            victims.extend(self.table.read().retired());
            victims.sort_unstable();
            victims.dedup();
            self.kill(tree, &victims)?;
            Ok(Destroyed { epoch_before, epoch_after: tree.header.epoch })
        })
    }

    /// What is to be destroyed is out of memory, whatever else fails. With a key among it that was never there nothing begins.
    fn evict(&self, keys: &[KeyId]) {
        let mut table = self.table.write();
        let slots: Option<Vec<u64>> = keys.iter().map(|key| table.place(key)).collect();
        slots.into_iter().flatten().for_each(|slot| table.evict(slot));
    }

    /// The keys leave memory first, then the tree. They are erased when no older root is left, and fenced until then.
    fn kill(&self, tree: &mut Tree, victims: &[u64]) -> Result<(), KeyringError> {
        let each = |step: fn(&mut Table, u64, u64), epoch| {
            let mut table = self.table.write();
            victims.iter().for_each(|slot| step(&mut table, *slot, epoch));
        };
        each(|table, slot, _| table.evict(slot), 0);
        let before = tree.header.epoch;
        let done = tree.destroy(victims);
        if tree.header.epoch > before {
            each(Table::let_die, tree.header.epoch);
        }
        done?;
        self.table.write().bury();
        let marked: Vec<u64> = victims.iter().copied().filter(|slot| tree.marks.slots.contains_key(slot)).collect();
        if marked.is_empty() { Ok(()) } else { tree.mark(&marked, None) }
    }

    /// Destroys the retired keys, or none, with a new root and a new way to them.
    pub(super) fn rotate(&self) -> Result<Destroyed, KeyringError> {
        self.write(|tree| {
            self.finish_in(tree)?;
            let epoch_before = tree.header.epoch;
            let victims: Vec<u64> = self.table.read().retired().collect();
            self.kill(tree, &victims)?;
            Ok(Destroyed { epoch_before, epoch_after: tree.header.epoch })
        })
    }

    pub(super) fn finish(&self) -> Result<(), KeyringError> {
        self.write(|tree| self.finish_in(tree))
    }

    /// Every key at once; see [`super::Keyring::end`].
    pub(super) fn end(&self) -> Result<(), KeyringError> {
        self.ended.store(true, Ordering::Release);
        self.reserve.close();
        let mut tree = self.tree.lock();
        {
            let mut table = self.table.write();
            let slots: Vec<u64> = table.iter().map(|(slot, _)| slot).collect();
            slots.into_iter().for_each(|slot| table.evict(slot));
        }
        // What opens the nodes of an older image is not to stay in memory until the process ends.
        tree.top_key = Key::random()?;
        let dirs: Vec<PathBuf> = (0..tree.copies.len()).map(|copy| tree.copies.dir(copy)).collect();
        super::end::end(&tree.members, &dirs, tree.log())
    }

    /// What the last destruction left, as far as there is anything.
    fn finish_in(&self, tree: &mut Tree) -> Result<(), KeyringError> {
        if tree.is_unfinished() {
            tree.finish()?;
            self.table.write().bury();
        }
        Ok(())
    }

    pub(super) fn is_unfinished(&self) -> bool {
        self.tree.lock().is_unfinished()
    }

    pub(super) fn waiting(&self) -> Option<Waiting> {
        self.waiting.lock().clone()
    }

    pub(super) fn declare(&self, declared: &Declared) -> Result<Level, AnchorError> {
        self.members.declare(declared)
    }

    pub(super) fn status(&self) -> Status {
        let tree = self.tree.lock();
        let (header, log) = (&tree.header, tree.log());
        let copies = (0..tree.copies.len()).map(|copy| tree.copies.dir(copy)).collect();
        Status {
            members: self.members.status(log),
            level: self.members.level(),
            epoch: header.epoch,
            root: header.members.iter().map(|member| member.root).max().unwrap_or_default(),
            counter: header.counter,
            copies,
            unfinished: tree.is_unfinished(),
            counts: self.counts(),
        }
    }

    /// Keys that nothing is sealed under any more: they die with the next destruction. Durable when it returns.
    pub(super) fn retire(&self, keys: &[KeyId]) -> Result<(), KeyringError> {
        if keys.is_empty() {
            return Ok(());
        }
        self.write(|tree| {
            let slots: Vec<u64> = {
                let table = self.table.read();
                keys.iter().filter_map(|key| table.place(key)).collect()
            };
            self.mark(tree, &slots, Some(Mark::Retired), table::Standing::Retired)
        })
    }

    /// The suppression list, as it lies in the copies.
    pub(super) fn read_list(&self) -> Result<Option<Found>, KeyringError> {
        let tree = self.tree.lock();
        tree.copies.read_list(tree.log())
    }

    /// Replaces the suppression list in every copy. Durable when it returns.
    pub(super) fn write_list(&self, bytes: &[u8]) -> Result<(), KeyringError> {
        self.write(|tree| tree.copies.write_list(bytes))
    }

    /// Whose keys these are.
    pub(super) fn log(&self) -> LogId {
        self.tree.lock().log()
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Acquire)
    }

    pub(super) fn epoch(&self) -> u64 {
        self.tree.lock().header.epoch
    }

    pub(super) fn level(&self) -> Level {
        self.members.level()
    }

    pub(super) fn level_of(&self, keys: &[KeyId]) -> Level {
        let (now, left) = (self.members.level(), self.tree.lock().header.left);
        let table = self.table.read();
        let lay_under = |slot: u64| left.filter(|left| slot < super::tree::slots(left.leaves)).map(|left| left.level);
        let of = |key: &KeyId| table.place(key).map_or(Level::A0, |slot| lay_under(slot).unwrap_or(now));
        keys.iter().map(of).min().map_or(now, |level| level.min(now))
    }

    pub(super) fn written(&self) -> Written {
        self.tree.lock().written()
    }

    pub(super) fn fingerprints(&self) -> Vec<(KeyId, Standing)> {
        self.table.read().iter().map(|(_, entry)| (entry.fingerprint, standing(entry))).collect()
    }

    pub(super) fn counts(&self) -> Counts {
        let mut counts = Counts { spare: self.reserve.len(), ..Counts::default() };
        for (_, entry) in self.table.read().iter() {
            *match standing(entry) {
                Standing::Live => &mut counts.live,
                Standing::Fenced => &mut counts.fenced,
                Standing::Awaiting => &mut counts.awaiting,
                Standing::Retired => &mut counts.retired,
                Standing::Erased { .. } => &mut counts.erased,
            } += 1;
        }
        counts
    }

    /// Draws keys as they are wanted, until the ring is closed or a write fails.
    pub(super) fn keep_filled(&self) {
        while let Some(count) = self.reserve.wanted() {
            if let Err(error) = self.fill(count) {
                tracing::error!(%error, "no more keys can be drawn");
                self.stop();
            }
        }
    }

    pub(super) fn close(&self) {
        self.reserve.close();
    }

    /// Draws a block. Its keys are handed out when it is durable in every copy.
    pub(super) fn fill(&self, count: usize) -> Result<(), KeyringError> {
        let count = count.next_multiple_of(FAN);
        let slots: Vec<Slot> =
            (0..count).map(|_| Ok(Slot::Held(Key::random()?))).collect::<Result<_, NoRandomness>>()?;
        let first = self.write(|tree| {
            let first = super::tree::slots(tree.header.leaves);
            tree.draw(&slots)?;
            self.table.write().extend(&slots);
            Ok(first)
        })?;
        self.reserve.put(first..first + count as u64);
        Ok(())
    }

    /// The one way to write. A disk that fails stops the ring.
    fn write<T>(&self, step: impl FnOnce(&mut Tree) -> Result<T, KeyringError>) -> Result<T, KeyringError> {
        let mut tree = self.tree.lock();
        if self.stopped.load(Ordering::Acquire) || self.ended.load(Ordering::Acquire) {
            return Err(KeyringError::Stopped);
        }
        let done = step(&mut tree);
        if let Err(KeyringError::Io(_)) = done {
            self.stop();
        }
        done
    }

    fn stop(&self) {
        self.stopped.store(true, Ordering::Release);
        self.reserve.close();
    }

    fn why_none(&self) -> KeyringError {
        if self.reserve.is_settled() { KeyringError::Stopped } else { KeyringError::NotSettled }
    }

    fn slots_that_are(&self, standing: table::Standing) -> Vec<u64> {
        self.table.read().iter().filter(|(_, entry)| entry.standing == standing).map(|(slot, _)| slot).collect()
    }

    fn mark(
        &self,
        tree: &mut Tree,
        slots: &[u64],
        mark: Option<Mark>,
        standing: table::Standing,
    ) -> Result<(), KeyringError> {
        if slots.is_empty() {
            return Ok(());
        }
        tree.mark(slots, mark)?;
        let mut table = self.table.write();
        for slot in slots {
            let gone = standing != table::Standing::Live;
            let Some(fingerprint) = table.restand(*slot, standing) else { continue };
            let Some(entry) = table.slot_mut(*slot) else { continue };
            if gone || entry.fenced {
                entry.forget_key();
            } else {
                entry.put_key(&unseal(tree, *slot, &fingerprint)?);
            }
        }
        Ok(())
    }

    /// Whether the key lies in memory in clear.
    #[cfg(test)]
    pub(super) fn holds(&self, key: &Key) -> bool {
        self.table.read().iter().any(|(_, entry)| entry.key() == *key)
    }

    #[cfg(test)]
    pub(super) fn tree(&self) -> parking_lot::MutexGuard<'_, Tree> {
        self.tree.lock()
    }
}

fn standing(entry: &Entry) -> Standing {
    match entry.standing {
        table::Standing::Live if entry.fenced => Standing::Fenced,
        table::Standing::Live => Standing::Live,
        table::Standing::Awaiting => Standing::Awaiting,
        table::Standing::Retired => Standing::Retired,
        table::Standing::Dying => Standing::Fenced,
        table::Standing::Erased => Standing::Erased { epoch: entry.epoch },
    }
}

/// A key read from the tree.
fn unseal(tree: &Tree, slot: u64, key: &KeyId) -> Result<Key, KeyringError> {
    match tree.slot(slot)? {
        Slot::Held(found) if found.fingerprint() == *key => Ok(found),
        _ => Err(damaged(Place { level: 0, index: slot / FAN as u64 })),
    }
}
