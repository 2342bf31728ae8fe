//! The keyring's file: two copies of the header, and the slots. Everything is written with `pwrite` at its place.
//!
//! The directory holds `keys` (this file) and `order` (the order of the last destruction), both mode 0600.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use domain::id::{KeyId, LogId};

use super::KeyringError;
use super::anchor::{make_dir, sync_dir};
use super::header::{HEADER, Header, SLOTS_AT};
use super::order::Order;
use super::slot::{MARK, Mark, SLOT, Sealer};

/// The open file. Whoever holds it is the only one who writes.
pub(super) struct KeyFile {
    keys: File,
    order: File,
    header: Header,
    /// The second copy of the header was written and not yet synced.
    unsynced: bool,
}

impl KeyFile {
    /// Whether there is a keyring in this directory.
    pub(super) fn exists(dir: &Path) -> io::Result<bool> {
        path(dir).try_exists()
    }

    /// Makes the file whole under another name first, so that there is never half a keyring. Durable when it returns.
    pub(super) fn create(dir: &Path, header: Header) -> Result<Self, KeyringError> {
        make_dir(dir)?;
        if Self::exists(dir)? {
            return Err(KeyringError::Exists);
        }
        let unfinished = dir.join("keys.new");
        let keys = options().create(true).truncate(true).open(&unfinished)?;
        lock(&keys)?;
        let copy = header.bytes();
        keys.write_all_at(&copy, 0)?;
        keys.write_all_at(&copy, HEADER as u64)?;
        keys.sync_all()?;
        let order = options().create(true).truncate(true).open(dir.join("order"))?;
        order.sync_all()?;
        fs::rename(&unfinished, path(dir))?;
        sync_dir(dir)?;
        Ok(Self { keys, order, header, unsynced: false })
    }

    /// Opens the file, and makes its two headers agree again where one of them was lost.
    pub(super) fn open(dir: &Path, log: LogId) -> Result<Self, KeyringError> {
        let keys = match options().open(path(dir)) {
            Ok(keys) => keys,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(KeyringError::NotAKeyring),
            Err(error) => return Err(error.into()),
        };
        lock(&keys)?;
        let order = options().create(true).truncate(false).open(dir.join("order"))?;
        // A process that was killed may have left what it had not synced; what is read here must not go away again.
        keys.sync_data()?;
        order.sync_data()?;
        sync_dir(dir)?;
        let copies = read_up_to(&keys, 0, 2 * HEADER)?;
        let (header, stale) = Header::read(&copies)?;
        if header.log != log {
            return Err(KeyringError::AnotherLog { found: header.log });
        }
        if let Some(stale) = stale {
            tracing::warn!("one of the keyring's two headers was not whole; it is written again");
            keys.write_all_at(&header.bytes(), (stale * HEADER) as u64)?;
            keys.sync_data()?;
        }
        Ok(Self { keys, order, header, unsynced: false })
    }

    pub(super) fn header(&self) -> &Header {
        &self.header
    }

    /// The destruction that a crash interrupted, if there was one.
    pub(super) fn interrupted(&self) -> Result<Option<Order>, KeyringError> {
        let length = usize::try_from(self.order.metadata()?.len()).unwrap_or(usize::MAX);
        let order = Order::read(&read_up_to(&self.order, 0, length)?);
        match order {
            Some(order) if order.log != self.header.log => Err(KeyringError::AnotherLog { found: order.log }),
            // The header was synced before any order of the next epoch could be written.
            Some(order) if order.epoch > self.header.epoch + 1 => Err(KeyringError::DamagedHeader),
            Some(order) if order.epoch == self.header.epoch + 1 => Ok(Some(order)),
            _ => Ok(None),
        }
    }

    /// How many slots the file has room for; the last of them may not be whole.
    pub(super) fn slots(&self) -> Result<u64, KeyringError> {
        Ok(self.keys.metadata()?.len().saturating_sub(SLOTS_AT).div_ceil(SLOT as u64))
    }

    /// The bytes of some slots; fewer where the file ends.
    pub(super) fn read(&self, first: u64, count: usize) -> io::Result<Vec<u8>> {
        read_up_to(&self.keys, at(first), count * SLOT)
    }

    /// Writes new slots behind the last one. They are durable when it returns.
    pub(super) fn append(&mut self, first: u64, bytes: &[u8]) -> Result<(), KeyringError> {
        if self.keys.metadata()?.len() > at(first) {
            self.keys.set_len(at(first))?;
        }
        self.keys.write_all_at(bytes, at(first))?;
        self.sync()
    }

    /// Says that the slots below this one may be handed out. Durable when it returns.
    pub(super) fn begin(&mut self, begun: u64) -> Result<(), KeyringError> {
        self.write_header(Header { begun, ..self.header.clone() })
    }

    /// Marks slots, sorted by their number. Durable when it returns.
    ///
    /// Runs are read and written back with nothing changed but the marks, so half a write is half the marks.
    pub(super) fn mark(&mut self, slots: &[u64], mark: Mark) -> Result<(), KeyringError> {
        for (first, count) in runs(slots.iter().copied()) {
            let mut bytes = self.read(first, count)?;
            for slot in bytes.chunks_mut(SLOT) {
                if let Some(byte) = slot.get_mut(MARK) {
                    *byte = mark as u8;
                }
            }
            self.keys.write_all_at(&bytes, at(first))?;
        }
        self.sync()
    }

    /// Writes down what is to be destroyed. From its return on there is no way back: a crash is finished at open.
    pub(super) fn order(&mut self, order: &Order) -> Result<(), KeyringError> {
        self.order.write_all_at(&order.bytes(), 0)?;
        Ok(self.order.sync_data()?)
    }

    /// Overwrites the keys of an order with zeros, and then raises the epoch. Both are durable when it returns.
    pub(super) fn carry_out(&mut self, order: &Order, sealer: &Sealer) -> Result<(), KeyringError> {
        let mut rest = order.slots.as_slice();
        for (first, count) in runs(order.slots.iter().map(|(slot, _)| *slot)) {
            let (run, behind) = rest.split_at_checked(count).unwrap_or((rest, &[]));
            rest = behind;
            let mut bytes = Vec::with_capacity(count * SLOT);
            for (slot, fingerprint) in run {
                sealer.bury(*slot, order.epoch, fingerprint, &mut bytes);
            }
            self.keys.write_all_at(&bytes, at(first))?;
        }
        self.sync()?;
        self.write_header(Header { epoch: order.epoch, ..self.header.clone() })
    }

    fn write_header(&mut self, header: Header) -> Result<(), KeyringError> {
        if self.unsynced {
            self.sync()?;
        }
        let header = Header { counter: header.counter + 1, ..header };
        let copy = header.bytes();
        self.keys.write_all_at(&copy, 0)?;
        self.sync()?;
        self.keys.write_all_at(&copy, HEADER as u64)?;
        self.unsynced = true;
        self.header = header;
        Ok(())
    }

    fn sync(&mut self) -> Result<(), KeyringError> {
        self.keys.sync_data()?;
        self.unsynced = false;
        Ok(())
    }

    /// Lets every write fail, as a disk does that has gone.
    #[cfg(test)]
    pub(super) fn break_writes(&mut self, dir: &Path) {
        self.keys = File::open(path(dir)).unwrap();
    }
}

fn path(dir: &Path) -> PathBuf {
    dir.join("keys")
}

fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).mode(0o600);
    options
}

/// Two writers would hand out the same keys.
fn lock(keys: &File) -> Result<(), KeyringError> {
    keys.try_lock().map_err(|error| match error {
        TryLockError::WouldBlock => KeyringError::InUse,
        TryLockError::Error(error) => error.into(),
    })
}

fn at(slot: u64) -> u64 {
    SLOTS_AT + slot * SLOT as u64
}

fn read_up_to(file: &File, at: u64, length: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    let mut read = 0;
    while let Some(rest @ [_, ..]) = bytes.get_mut(read..) {
        match file.read_at(rest, at + read as u64) {
            Ok(0) => break,
            Ok(count) => read += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(read);
    Ok(bytes)
}

/// The runs of numbers that follow one another: first, and how many. A run fits half a megabyte of slots.
fn runs(numbers: impl Iterator<Item = u64>) -> Vec<(u64, usize)> {
    let mut runs: Vec<(u64, usize)> = Vec::new();
    for number in numbers {
        match runs.last_mut() {
            Some((first, count)) if *first + *count as u64 == number && *count < 4096 => *count += 1,
            _ => runs.push((number, 1)),
        }
    }
    runs
}

/// What stays of the keys in these slots, as an order names them.
pub(super) fn sorted(mut slots: Vec<(u64, KeyId)>) -> Vec<(u64, KeyId)> {
    slots.sort_unstable();
    slots.dedup();
    slots
}
