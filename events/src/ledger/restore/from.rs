//! Putting a backup's journal in the place of the one that is lost: beside it first, whole and synced, then by two renames.
//! What was there is kept aside, for nobody knows better than its owner what can still be read from it.

use std::fs;
use std::path::{Path, PathBuf};

use domain::backup::BackedUp;
use domain::id::LogId;

use super::here::{self, Here};
use super::plan::{Plan, Records, Source};
use super::{RestoreError, Restored, Restoring, cleared, mark, marker, may_be_named, watched};
use crate::backup::{Backup, Checked, Manifest};
use crate::keyring::{Keyring, KeyringError};
use crate::ledger::directory::{DirectoryError, io_failed};
use crate::ledger::keys::Keys;
use crate::log::copying::put;
use crate::log::engine::Options;
use crate::log::journal;
use crate::log::lock::Lock;
use crate::log::put_back::PutBack;
use crate::log::segment::{make_dir, sync_dir};
use crate::log::{LogError, Progress};

/// Where the files of the backup go first.
pub(in crate::ledger) const COMING: &str = "journal.coming";
/// What the journal is called that was there before, with a number behind it.
const ASIDE: &str = "journal.aside";

/// Puts a backup into a data directory at rest, whose keyring must be of the same log, and lets the log go on behind it as
/// [`super::restore`] does. Everything in the backup is read, and everything that may be refused is, before anything here is
/// changed; when this is cut off, it is begun again. Durable when it returns.
///
/// # Errors
/// As [`super::restore`]; when the backup is not whole, or of another log; when nothing is missing here, or other records are.
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
    let mark = mark(path)?;
    let checked = backup.checked(&watched(mark.as_ref()), told)?;
    let keyring = of_the_same_log(path, backup.manifest.first, order)?;
    checked.survey.reaches(&checked.journal, mark.as_ref())?;
    let here = Here::read(path, keyring.as_ref())?;
    let is_here = here.as_ref().map(|here| here.has(&checked, mark.as_ref(), order.over)).transpose()?;
    let is_here = is_here.unwrap_or_default();
    let generations = here.map(|here| here.generations).unwrap_or_default();
    let Checked { survey, checkpoint, .. } = checked;
    let source = Source { checkpoint, run: run(&backup.manifest) };
    let plan = Plan::agree(path, order, Records { mark, survey, backup: Some(source) }, (keyring, &generations))?;

    if !is_here {
        copy(&backup, path)?;
    }
    // Before the records of the backup are here: the head mark may be older than they are, and they would be served.
    let begins = plan.begin(path)?;
    let aside = if is_here { None } else { take_place(path)? };
    Ok(Restored { aside, ..plan.carry_out(path, begins, &PutBack::open(path)?, options)? })
}

/// What the record of a backup says that is in no run of it. Which run lay there before, its own file does not say.
fn run(manifest: &Manifest) -> BackedUp {
    let Manifest { backup, region, until, head, .. } = manifest;
    BackedUp { backup: *backup, size: head.size, replaces: 0, region: region.clone(), until: *until }
}

/// A keyring of another log is left as it is. None, where all are lost and a new one is to be made.
fn of_the_same_log(path: &Path, first: LogId, order: &Restoring) -> Result<Option<Keyring>, RestoreError> {
    let keys = Keys::read(path)?;
    if order.declares_lost && !keys.exist().map_err(io_failed("read"))? {
        if let Some(here) = here::owner(path)?.filter(|here| *here != first) {
            return Err(RestoreError::OtherLog { backup: first, what: "journal", here });
        }
        // A disk that is only not mounted looks the same, but for this.
        return if !order.declares_all_lost && keys.have_root(first)? { Err(RestoreError::RootLeft) } else { Ok(None) };
    }
    let keyring = Keys::open(path, first).map_err(|refused| match refused {
        DirectoryError::Keyring(KeyringError::AnotherLog { found }) => {
            RestoreError::OtherLog { backup: first, what: "keyring", here: found }
        }
        other => other.into(),
    })?;
    Ok(Some(keyring))
}

/// Copies the backup's journal beside the one that is here. Durable when it returns.
fn copy(backup: &Backup, path: &Path) -> Result<(), RestoreError> {
    let coming = path.join(COMING);
    cleared(fs::remove_dir_all(&coming)).map_err(io_failed("clear"))?;
    make_dir(&coming)?;
    for file in &backup.manifest.files {
        put(&backup.run(), file, &coming).map_err(in_backup)?;
    }
    Ok(sync_dir(&coming)?)
}

/// Puts the copy in the place of the journal here, and says where that one lies now.
fn take_place(path: &Path) -> Result<Option<PathBuf>, RestoreError> {
    let (coming, here) = (path.join(COMING), path.join(journal::NAME));
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
