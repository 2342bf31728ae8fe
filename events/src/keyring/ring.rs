//! The slots in memory and on disk together: every step writes first, and shows its result when that is durable.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use domain::id::{KeyId, LogId};
use parking_lot::{Mutex, RwLock};

use super::file::{KeyFile, sorted};
use super::header::Header;
use super::order::Order;
use super::reserve::Reserve;
use super::slot::{Mark, SLOT, Sealer, Slot};
use super::table::{self, Entry, PAGE, Page, Table};
use super::{Anchor, AnchorError, Counts, Destroyed, Key, KeyState, KeyringError, Level, Settled, Standing};

/// Locks are taken in the order of the fields.
pub(super) struct Ring {
    sealer: Sealer,
    level: Level,
    stopped: AtomicBool,
    file: Mutex<KeyFile>,
    table: RwLock<Table>,
    reserve: Reserve,
}

impl Ring {
    pub(super) fn create(dir: &Path, anchor: Box<dyn Anchor>, log: LogId) -> Result<Self, KeyringError> {
        if KeyFile::exists(dir)? {
            return Err(KeyringError::Exists);
        }
        let left = anchor.roots(log)?;
        let root = left.last().map_or(0, |last| last + 1);
        anchor.create_root(log, root)?;
        let key = Key::random()?;
        let top = anchor.seal(log, root, &key)?;
        if anchor.open(log, root, &top)? != key {
            return Err(AnchorError::DoesNotOpen.into());
        }
        let file = KeyFile::create(dir, Header { log, counter: 0, epoch: 0, begun: 0, root, top })?;
        for root in left {
            anchor.destroy_root(log, root)?;
        }
        Ok(Self::new(anchor.level(), Sealer::new(log, &key), file, Table::default(), true))
    }

    pub(super) fn open(dir: &Path, anchor: Box<dyn Anchor>, log: LogId) -> Result<Self, KeyringError> {
        let mut file = KeyFile::open(dir, log)?;
        let top = anchor.open(log, file.header().root, &file.header().top)?;
        let sealer = Sealer::new(log, &top);
        if let Some(order) = file.interrupted()? {
            if order.slots.iter().any(|(slot, _)| *slot >= file.header().begun) {
                return Err(KeyringError::DamagedHeader);
            }
            tracing::warn!(keys = order.slots.len(), "finishing an interrupted destruction of keys");
            file.carry_out(&order, &sealer)?;
        }
        let table = read_table(&file, &sealer)?;
        Ok(Self::new(anchor.level(), sealer, file, table, false))
    }

    fn new(level: Level, sealer: Sealer, file: KeyFile, table: Table, settled: bool) -> Self {
        Self {
            sealer,
            level,
            stopped: AtomicBool::new(false),
            file: Mutex::new(file),
            table: RwLock::new(table),
            reserve: Reserve::new(settled),
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
            None => KeyState::NeverHad,
            Some(entry) => match standing(entry) {
                Standing::Live => KeyState::Live(entry.key()),
                Standing::Fenced => KeyState::Fenced,
                Standing::Awaiting | Standing::Retired => KeyState::Retired,
                Standing::Erased { epoch } => KeyState::Erased { epoch },
            },
        }
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
        let file = self.file.lock();
        let mut table = self.table.write();
        for key in keys {
            let Some(slot) = table.place(key) else { continue };
            let Some(entry) = table.slot_mut(slot).filter(|entry| entry.fenced) else { continue };
            if entry.standing == table::Standing::Live {
                entry.put_key(&self.unseal(&file, slot, key)?);
            }
            entry.fenced = false;
        }
        Ok(())
    }

    pub(super) fn open_fenced(&self, key: &KeyId) -> Result<Option<Key>, KeyringError> {
        let file = self.file.lock();
        let table = self.table.read();
        let fenced = table.get(key).is_some_and(|entry| standing(entry) == Standing::Fenced);
        match table.place(key).filter(|_| fenced) {
            Some(slot) => self.unseal(&file, slot, key).map(Some),
            None => Ok(None),
        }
    }

    pub(super) fn settle(&self, used: impl Fn(&KeyId) -> bool, reached: bool) -> Result<Settled, KeyringError> {
        if self.reserve.is_settled() {
            return Ok(Settled::default());
        }
        let settled = self.write(|file| {
            let (mut unused, mut revived) = (Vec::new(), Vec::new());
            let begun = usize::try_from(file.header().begun).unwrap_or(usize::MAX);
            for (slot, entry) in self.table.read().iter().take(begun) {
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
            self.mark(file, &revived, Mark::None, table::Standing::Live)?;
            self.mark(file, &unused, mark, standing)?;
            let (retired, awaiting) = if reached { (unused.len(), 0) } else { (0, unused.len()) };
            Ok(Settled { retired, awaiting, revived: revived.len() })
        })?;
        self.reserve.settle();
        Ok(settled)
    }

    pub(super) fn confirm_retired(&self) -> Result<usize, KeyringError> {
        self.write(|file| {
            let awaiting = self.slots_that_are(table::Standing::Awaiting);
            self.mark(file, &awaiting, Mark::Retired, table::Standing::Retired)?;
            Ok(awaiting.len())
        })
    }

    pub(super) fn destroy(&self, keys: &[KeyId]) -> Result<Destroyed, KeyringError> {
        self.write(|file| {
            let epoch_before = file.header().epoch;
            let mut gone_in = None;
            let mut slots = Vec::with_capacity(keys.len());
            for key in keys {
                let table = self.table.read();
                let slot = table.place(key).ok_or(KeyringError::NeverHad(*key))?;
                match table.slot(slot).map(standing) {
                    Some(Standing::Erased { epoch }) => gone_in = gone_in.max(Some(epoch)),
                    _ => slots.push((slot, *key)),
                }
            }
            if slots.is_empty() {
                let epoch_after = gone_in.unwrap_or(epoch_before);
                let epoch_before = gone_in.map_or(epoch_before, |epoch| epoch.saturating_sub(1));
                return Ok(Destroyed { epoch_before, epoch_after });
            }
            slots.extend(self.table.read().retired());
            let order = Order { log: file.header().log, epoch: epoch_before + 1, slots: sorted(slots) };
            file.order(&order)?;
            file.carry_out(&order, &self.sealer)?;
            let mut table = self.table.write();
            for (slot, _) in &order.slots {
                table.erase(*slot, order.epoch);
            }
            Ok(Destroyed { epoch_before, epoch_after: order.epoch })
        })
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Acquire)
    }

    pub(super) fn epoch(&self) -> u64 {
        self.file.lock().header().epoch
    }

    pub(super) fn level(&self) -> Level {
        self.level
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

    /// Begins the keys that were drawn and never begun, or draws a block and begins it.
    fn fill(&self, count: usize) -> Result<(), KeyringError> {
        let (begun, epoch) = self.write(|file| Ok((file.header().begun, file.header().epoch)))?;
        let first = self.table.read().len();
        if first > begun {
            self.write(|file| file.begin(first))?;
            self.reserve.put(begun..first);
            return Ok(());
        }
        let mut bytes = Vec::with_capacity(count * SLOT);
        let mut entries = Vec::with_capacity(count);
        for slot in (first..).take(count) {
            let key = Key::random()?;
            let fingerprint = self.sealer.seal(slot, epoch, &key, &mut bytes)?;
            entries.push(Entry::live(fingerprint, &key));
        }
        let end = first + count as u64;
        self.write(|file| {
            file.append(first, &bytes)?;
            file.begin(end)
        })?;
        self.table.write().extend(entries);
        self.reserve.put(first..end);
        Ok(())
    }

    /// The one way to write. Whatever fails here stops the ring.
    fn write<T>(&self, step: impl FnOnce(&mut KeyFile) -> Result<T, KeyringError>) -> Result<T, KeyringError> {
        let mut file = self.file.lock();
        if self.stopped.load(Ordering::Acquire) {
            return Err(KeyringError::Stopped);
        }
        let done = step(&mut file);
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
        file: &mut KeyFile,
        slots: &[u64],
        mark: Mark,
        standing: table::Standing,
    ) -> Result<(), KeyringError> {
        if slots.is_empty() {
            return Ok(());
        }
        file.mark(slots, mark)?;
        let mut table = self.table.write();
        for slot in slots {
            let fenced_or_gone = standing != table::Standing::Live;
            let Some(fingerprint) = table.restand(*slot, standing) else { continue };
            let Some(entry) = table.slot_mut(*slot) else { continue };
            if fenced_or_gone || entry.fenced {
                entry.forget_key();
            } else {
                entry.put_key(&self.unseal(file, *slot, &fingerprint)?);
            }
        }
        Ok(())
    }

    fn unseal(&self, file: &KeyFile, slot: u64, key: &KeyId) -> Result<Key, KeyringError> {
        match self.sealer.read(slot, &file.read(slot, 1)?) {
            Some((fingerprint, Slot::Held(found, _))) if fingerprint == *key => Ok(found),
            _ => Err(KeyringError::DamagedSlot(slot)),
        }
    }

    /// Whether the key lies in memory in clear.
    #[cfg(test)]
    pub(super) fn holds(&self, key: &Key) -> bool {
        self.table.read().iter().any(|(_, entry)| entry.key() == *key)
    }

    #[cfg(test)]
    pub(super) fn break_writes(&self, dir: &Path) {
        self.file.lock().break_writes(dir);
    }
}

fn standing(entry: &Entry) -> Standing {
    match entry.standing {
        table::Standing::Live if entry.fenced => Standing::Fenced,
        table::Standing::Live => Standing::Live,
        table::Standing::Awaiting => Standing::Awaiting,
        table::Standing::Retired => Standing::Retired,
        table::Standing::Erased => Standing::Erased { epoch: entry.epoch },
    }
}

/// Every begun slot must read; behind them, a block that was being written when the power went is as if never drawn.
fn read_table(file: &KeyFile, sealer: &Sealer) -> Result<Table, KeyringError> {
    let begun = file.header().begun;
    let mut table = Table::default();
    if !table.adopt(read_pages(file, sealer, 0, begun)?) {
        return Err(KeyringError::DamagedHeader);
    }
    if let Ok(drawn) = read_pages(file, sealer, begun, file.slots()?)
        && drawn
            .iter()
            .flatten()
            .all(|entry| entry.standing == table::Standing::Live && table.get(&entry.fingerprint).is_none())
    {
        table.extend(drawn.into_iter().flatten());
    }
    Ok(table)
}

/// Reads slots on every core, since opening a key costs about a microsecond.
fn read_pages(file: &KeyFile, sealer: &Sealer, first: u64, end: u64) -> Result<Vec<Page>, KeyringError> {
    let starts: Vec<u64> = (first..end).step_by(PAGE).collect();
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let share = starts.len().div_ceil(threads).max(1);
    let read = |starts: &[u64]| starts.iter().map(|start| read_page(file, sealer, *start, end)).collect();
    thread::scope(|scope| {
        let shares: Vec<_> = starts.chunks(share).map(|starts| scope.spawn(move || read(starts))).collect();
        let mut pages = Vec::with_capacity(starts.len());
        for share in shares {
            let read: Result<Vec<Page>, KeyringError> =
                share.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            pages.extend(read?);
        }
        Ok(pages)
    })
}

fn read_page(file: &KeyFile, sealer: &Sealer, start: u64, end: u64) -> Result<Page, KeyringError> {
    let count = PAGE.min(usize::try_from(end - start).unwrap_or(PAGE));
    let bytes = file.read(start, count)?;
    let epoch = file.header().epoch;
    let mut page = Page::with_capacity(PAGE);
    for (slot, bytes) in (start..).take(count).zip(bytes.chunks(SLOT).chain(std::iter::repeat(&[][..]))) {
        match sealer.read(slot, bytes) {
            Some((_, Slot::Destroyed(died))) if died > epoch => return Err(KeyringError::DamagedSlot(slot)),
            Some((fingerprint, said)) => page.push(Entry::read(fingerprint, &said)),
            None => return Err(KeyringError::DamagedSlot(slot)),
        }
    }
    Ok(page)
}
