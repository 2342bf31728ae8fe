//! A keyring of the first format, moved over into a tree: its slots lay in one file, all under the top key, and a key was
//! destroyed by overwriting it.
//!
//! The tree is written beside it, under a new top key and a new root, and is there when its header has its name. Then
//! the old root is destroyed, and the old files are overwritten and removed. Cut short before the header, it is done
//! again from the start; behind it, the next open finishes it.

pub(super) mod carved;
mod header;
#[cfg(test)]
pub(super) mod old;
mod order;
mod slot;

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use domain::id::{KeyId, LogId};

use self::header::{HEADER, Header, SLOTS_AT};
use self::order::Order;
use self::slot::{Mark, SLOT, Sealer};
use super::cell::FAN;
use super::copies::{self, Copies};
use super::disk::{self, options};
use super::leaf::Slot;
use super::marks::{self, Marks};
use super::members::Members;
use super::tree::{Contents, Tree};
use super::{Key, KeyringError};

const KEYS: &str = "keys";
const ORDER: &str = "order";
/// How many slots are read at once.
const PIECE: usize = 256;

/// Whether a file of such a keyring is called so.
pub(super) fn is_its(name: &str) -> bool {
    [KEYS, ORDER].contains(&name)
}

/// Whether a keyring of the first format lies here.
pub(super) fn exists(dir: &Path) -> io::Result<bool> {
    dir.join(KEYS).try_exists()
}

/// Makes a tree of the keyring of the first format, where there is one and no tree.
pub(super) fn move_over(dirs: &[PathBuf], members: &Members, log: LogId) -> Result<(), KeyringError> {
    let mut old = None;
    for dir in dirs {
        if Copies::exist(dir)? {
            return Ok(());
        }
        if old.is_none() && exists(dir)? {
            old = Some(dir);
        }
    }
    let Some(dir) = old else { return Ok(()) };
    // The lock on the old file is held until the tree is there.
    let keys = options().open(dir.join(KEYS))?;
    copies::lock(&keys)?;
    let contents = read(dir, &keys, members, log)?;
    tracing::info!(keys = contents.slots.len(), "the keyring is moved over into a tree");
    Tree::create(dirs, members.clone(), log, &contents)?;
    Ok(())
}

/// Overwrites and removes the files of the first format, which no root opens any more.
pub(super) fn remove_old(dirs: &[PathBuf]) -> Result<(), KeyringError> {
    for dir in dirs {
        let there: Vec<PathBuf> =
            [KEYS, ORDER].map(|name| dir.join(name)).into_iter().filter(|path| path.exists()).collect();
        for path in &there {
            overwrite(&options().open(path)?)?;
            disk::remove(path)?;
        }
        if !there.is_empty() {
            disk::sync_dir(dir)?;
        }
    }
    Ok(())
}

fn overwrite(file: &File) -> Result<(), KeyringError> {
    let length = file.metadata()?.len();
    let zeros = vec![0; 64 * 1024];
    for at in (0..length).step_by(zeros.len()) {
        let piece = usize::try_from(length - at).unwrap_or(usize::MAX).min(zeros.len());
        disk::write(file, zeros.get(..piece).unwrap_or_default(), at)?;
    }
    Ok(disk::sync(file)?)
}

/// All that a keyring of the first format holds. A destruction that was ordered is carried out.
fn read(dir: &Path, keys: &File, members: &Members, log: LogId) -> Result<Contents, KeyringError> {
    let (header, _) = Header::read(&disk::read_up_to(keys, 0, 2 * HEADER)?)?;
    if header.log != log {
        return Err(KeyringError::AnotherLog { found: header.log });
    }
    let sealer = Sealer::new(log, &members.open_sealed(log, header.root, &header.top)?);
    let order = interrupted(dir, &header)?;
    let mut contents = Contents { epoch: header.epoch, ..Contents::default() };
    contents.slots.reserve_exact(usize::try_from(header.begun).unwrap_or_default().next_multiple_of(FAN));
    let (mut awaiting, mut retired) = (Vec::new(), Vec::new());
    for first in (0..header.begun).step_by(PIECE) {
        let count = PIECE.min(usize::try_from(header.begun - first).unwrap_or(PIECE));
        let bytes = disk::read_up_to(keys, SLOTS_AT + first * SLOT as u64, count * SLOT)?;
        let pieces = bytes.chunks(SLOT).chain(std::iter::repeat(&[][..]));
        for (slot, bytes) in (first..).take(count).zip(pieces) {
            let dies = order.as_ref().and_then(|order| Some((order.epoch, order.fingerprint(slot)?)));
            let held = match (dies, sealer.read(slot, bytes)) {
                (Some((epoch, fingerprint)), _) => Slot::Destroyed { fingerprint, epoch },
                (None, Some((_, slot::Slot::Held(key, mark)))) => {
                    match mark {
                        Mark::None => {}
                        Mark::Awaiting => awaiting.push(slot),
                        Mark::Retired => retired.push(slot),
                    }
                    Slot::Held(key)
                }
                (None, Some((fingerprint, slot::Slot::Destroyed(epoch)))) if epoch <= header.epoch => {
                    Slot::Destroyed { fingerprint, epoch }
                }
                (None, _) => return Err(KeyringError::DamagedSlot(slot)),
            };
            contents.slots.push(held);
        }
    }
    contents.epoch = order.map_or(header.epoch, |order| order.epoch);
    contents.marks.set(&awaiting, Some(marks::Mark::Awaiting));
    contents.marks.set(&retired, Some(marks::Mark::Retired));
    contents.marks = Marks { counter: 0, ..contents.marks };
    fill_last_leaf(&mut contents.slots)?;
    Ok(contents)
}

/// A leaf is whole. Keys that nobody was given are retired when the log was read, like those of a begun block.
fn fill_last_leaf(slots: &mut Vec<Slot>) -> Result<(), KeyringError> {
    while !slots.len().is_multiple_of(FAN) {
        slots.push(Slot::Held(Key::random()?));
    }
    Ok(())
}

/// The destruction that was ordered and perhaps not carried out.
fn interrupted(dir: &Path, header: &Header) -> Result<Option<Order>, KeyringError> {
    let order = match fs::read(dir.join(ORDER)) {
        Ok(bytes) => Order::read(&bytes),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error.into()),
    };
    match order {
        Some(order) if order.log != header.log => Err(KeyringError::AnotherLog { found: order.log }),
        // The header was synced before any order of the next epoch could be written.
        Some(order) if order.epoch > header.epoch + 1 => Err(KeyringError::DamagedHeader),
        Some(order) if order.epoch == header.epoch + 1 => match order.slots.last() {
            Some((last, _)) if *last >= header.begun => Err(KeyringError::DamagedHeader),
            _ => Ok(Some(order)),
        },
        _ => Ok(None),
    }
}

impl Order {
    fn fingerprint(&self, slot: u64) -> Option<KeyId> {
        let at = self.slots.binary_search_by_key(&slot, |(slot, _)| *slot).ok()?;
        self.slots.get(at).map(|(_, fingerprint)| *fingerprint)
    }
}
