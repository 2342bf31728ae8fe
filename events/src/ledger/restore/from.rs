//! Putting a backup's journal in the place of the one that is lost: beside it first, whole and synced, then by two renames.
//! What was there is kept aside, for nobody knows better than its owner what can still be read from it.

use std::fs;
use std::path::{Path, PathBuf};

use super::{RestoreError, Restored, Restoring, Survey, cleared, go_on, keyring, mark, marker, may_be_named};
use crate::backup::{Backup, Manifest};
use crate::keyring::{KeyState, Keyring, KeyringError};
use crate::ledger::directory::{DirectoryError, io_failed};
use crate::ledger::keys::Keys;
use crate::log::copying::put;
use crate::log::engine::Options;
use crate::log::journal::{self, Journal};
use crate::log::lock::Lock;
use crate::log::segment::{make_dir, sync_dir};
use crate::log::{LogError, Part, PartBytes, Progress};

/// Where the files of the backup go first.
pub(in crate::ledger) const COMING: &str = "journal.coming";
/// What the journal is called that was there before, with a number behind it.
const ASIDE: &str = "journal.aside";

/// Puts a backup into a data directory at rest, whose keyring must be of the same log, and lets the log go on behind it as
/// [`super::restore`] does. Everything in the backup is read and compared before anything here is changed; when this is cut
/// off, it is begun again. Durable when it returns.
///
/// # Errors
/// As [`super::restore`]; when the backup is not whole, or of another log; when nothing is missing here.
pub fn restore_from(
    backup: &Path,
    path: &Path,
    order: &Restoring,
    options: Options,
    told: &Progress<'_>,
) -> Result<Restored, RestoreError> {
    if !may_be_named(&order.origin) {
        return Err(RestoreError::Origin);
    }
    let backup = Backup::open(backup)?;
    let _lock = Lock::take(path)?;
    marker::take_back(path)?;
    let known = backup.check(told)?;
    let keyring = of_the_same_log(path, &backup.manifest, order)?;
    let there = there(path, &keyring, &backup.manifest)?;
    drop(keyring);
    let aside = if there { None } else { put_back(&backup, path)? };
    Ok(Restored { aside, ..go_on(path, order, Some(known), options, told)? })
}

/// A keyring of another log is left as it is. A new one is made only where all are lost, and then the backup has been read.
fn of_the_same_log(path: &Path, manifest: &Manifest, order: &Restoring) -> Result<Keyring, RestoreError> {
    let keys = Keys::read(path)?;
    if order.declares_lost && !keys.exist().map_err(io_failed("read"))? {
        return Ok(keys.create(manifest.first)?);
    }
    keyring(path, manifest.first).map_err(|refused| match refused {
        DirectoryError::Keyring(KeyringError::AnotherLog { found }) => {
            RestoreError::OtherLog { backup: manifest.first, here: found }
        }
        other => other.into(),
    })
}

/// Whether the backup's records are here already, as behind a restore that was cut off.
fn there(path: &Path, keyring: &Keyring, manifest: &Manifest) -> Result<bool, RestoreError> {
    let Some(size) = whole(path, keyring) else { return Ok(false) };
    let (journal, _) = Journal::open(path, None, false)?;
    let last = manifest.head.size.checked_sub(1).map(|last| journal.hash_of(last)).transpose()?.flatten();
    let same = last == Some(manifest.head.hash);
    if same && size == manifest.head.size {
        return Ok(true);
    }
    if size < manifest.head.size {
        return Ok(false);
    }
    match mark(path)? {
        Some(mark) if mark.log == journal.log() && mark.head.size <= size => Err(RestoreError::NothingMissing),
        _ => Err(RestoreError::MoreHere { here: size, backup: manifest.head.size }),
    }
}

/// How many records the journal here has, where all of it can be read.
fn whole(path: &Path, keyring: &Keyring) -> Option<u64> {
    let (journal, _) = Journal::open(path, None, false).ok()?;
    let gone = |part: &Part| matches!(keyring.state(&part.key), KeyState::Erased { .. } | KeyState::Lost);
    let harmed = |part: &Part| !matches!(part.bytes, PartBytes::Present(_)) && !gone(part);
    Survey::read(&journal, None, &harmed, &|_, _| {}).ok().map(|survey| survey.head.size)
}

/// Where the journal that was here lies now.
fn put_back(backup: &Backup, path: &Path) -> Result<Option<PathBuf>, RestoreError> {
    let (coming, here) = (path.join(COMING), path.join(journal::NAME));
    cleared(fs::remove_dir_all(&coming)).map_err(io_failed("clear"))?;
    make_dir(&coming)?;
    for file in &backup.manifest.files {
        put(&backup.run(), file, &coming).map_err(in_backup)?;
    }
    sync_dir(&coming)?;
    let aside = if here.exists() {
        let mut free = (1u32..).map(|number| path.join(format!("{ASIDE}.{number}")));
        let aside = free.find(|aside| !aside.exists()).unwrap_or_else(|| path.join(ASIDE));
        fs::rename(&here, &aside).map_err(io_failed("move the journal in"))?;
        sync_dir(path)?;
        Some(aside)
    } else {
        None
    };
    fs::rename(&coming, &here).map_err(io_failed("move the journal in"))?;
    sync_dir(path)?;
    Ok(aside)
}

/// Damage that is met while it is copied is the backup's.
fn in_backup(failed: LogError) -> RestoreError {
    match failed {
        damaged @ LogError::Damaged { .. } => RestoreError::Backup(damaged.into()),
        other => other.into(),
    }
}
