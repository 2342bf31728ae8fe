//! A backup: the log up to one durable size, in a directory of its own, from which [`crate::ledger::restore_from`] puts it
//! back. It has no key, no root, no signing key and no head mark; who holds it holds what is sealed and opens none of it.
//!
//! ```text
//! backup     what it is and what belongs to it: written last, so without it there is no backup
//! run.<n>/   journal/ and the last checkpoint, of the run that `backup` names
//! lock       held while a run is under way
//! ```
//!
//! A run makes a directory of its own and counts only when its `backup` has taken the place of the one before, in one step;
//! then the old run is removed. What a crash leaves is removed by the next run.

mod manifest;

use std::fs;
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use domain::backup::Region;
use domain::id::{BackupId, LogId};
use domain::ledger::TreeHead;
use domain::time::Day;

pub use manifest::Manifest;
#[cfg(test)]
pub(crate) use manifest::example;

use crate::chain::Broken;
use crate::checkpoint::Checkpoint;
use crate::ledger::{Fresh, Survey};
use crate::log::copying::{Copied, compare};
use crate::log::journal::{self, Journal};
use crate::log::lock::{self, Lock};
use crate::log::segment::{self, make_dir, sync_dir};
use crate::log::{LogError, Part, PartBytes, Progress, name_of};
use crate::note::{MOST_BYTES, NoteError, SignedNote};
use crate::random::NoRandomness;

/// The file that makes a directory a backup.
pub const NAME: &str = "backup";
/// The file of a run with the last checkpoint before it.
pub const CHECKPOINT: &str = "checkpoint";

const NEW: &str = "backup.new";
const RUN: &str = "run.";
/// The most bytes that the file may have: some ten thousand segments.
const MOST: u64 = 4 << 20;

/// What an operator says of a backup.
#[derive(Clone, Debug)]
pub struct BackingUp {
    /// The directory: one of its own, outside the data directory.
    pub dir: PathBuf,
    /// Where it lies.
    pub region: Option<Region>,
    /// The last day on which it is kept.
    pub until: Day,
}

/// Why no backup was made, or none can be read.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The operating system refused.
    #[error("cannot {action} {file}: {source}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file's name.
        file: String,
        /// Why not.
        source: io::Error,
    },
    /// There are other things in it.
    #[error("this directory holds something else than a backup")]
    NotABackup,
    /// Nothing was ever finished in it.
    #[error("there is no backup in this directory: it was never finished, or lies elsewhere")]
    NoBackup,
    /// Somebody writes it.
    #[error("another process uses this backup")]
    InUse,
    /// It is of another log.
    #[error("this is a backup of {found}, and not of the log that is here")]
    OtherLog {
        /// The first of its generations.
        found: LogId,
    },
    /// It is of the same log, but of a history that is not this one's.
    #[error(
        "the backup that lies there has {size} records, and record {} is not the one of this log: it may be all that is left \
         of them, so name another directory",
        size.saturating_sub(1)
    )]
    OtherHistory {
        /// How many it has.
        size: u64,
    },
    /// The file that says what it is, is not one.
    #[error("line {line} of the file {NAME} is not what a backup says")]
    Unclear {
        /// From 1; 0 where a line is missing, or the last one does not fit those above.
        line: usize,
    },
    /// Files are missing, or there are others.
    #[error("the backup does not have the files that it names: {file}")]
    Files {
        /// One of those.
        file: String,
    },
    /// A file is damaged.
    #[error("the backup cannot be used: {0}")]
    Log(#[from] LogError),
    /// Its records do not hold.
    #[error("the backup is broken at {0}")]
    Broken(#[from] Broken),
    /// Its records hold and are not those that it names.
    #[error("the backup does not have the {0} that it names")]
    Other(&'static str),
    /// The checkpoint.
    #[error("the checkpoint of the backup is none: {0}")]
    Checkpoint(#[from] NoteError),
    /// No randomness.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
}

/// A backup that was opened: nobody makes another run of it meanwhile.
#[derive(Debug)]
pub struct Backup {
    _lock: Option<Lock>,
    dir: PathBuf,
    /// What it says of itself.
    pub manifest: Manifest,
}

/// A directory that a run goes to.
pub(crate) struct Target {
    _lock: Lock,
    dir: PathBuf,
    /// Which backup.
    pub(crate) backup: BackupId,
    /// Which of its runs.
    pub(crate) run: u64,
    /// The run before.
    pub(crate) earlier: Option<Manifest>,
    /// Whether this run may count already: else it is removed when it is dropped.
    counts: bool,
}

impl Backup {
    /// Opens what lies in a directory, as far as the file goes that says what it is.
    pub fn open(dir: &Path) -> Result<Self, BackupError> {
        let lock = match Lock::take_read_only(dir) {
            Err(LogError::Locked) => return Err(BackupError::InUse),
            lock => lock?,
        };
        let manifest = read_manifest(dir)?.ok_or(BackupError::NoBackup)?;
        Ok(Self { _lock: lock, dir: dir.to_owned(), manifest })
    }

    /// Where the files of its run are.
    pub fn run(&self) -> PathBuf {
        run_dir(&self.dir, self.manifest.run)
    }

    /// Reads all of it and compares it with what it says of itself: the files, the chain, every part by its checksum, the
    /// head, the root. No key is needed. What its checkpoint says, where it has one, fits its records; whether it was signed
    /// as it should, is for who knows the key.
    ///
    /// # Errors
    /// What is wrong, with its place.
    pub fn check(&self, told: &Progress<'_>) -> Result<Option<TreeHead>, BackupError> {
        Ok(self.checked(&[], told)?.checkpoint)
    }

    /// The same, with all that was read; the roots at some sizes are watched for.
    pub(crate) fn checked(&self, watch: &[u64], told: &Progress<'_>) -> Result<Checked, BackupError> {
        let checked = check(&self.run(), &self.manifest.files, watch, told)?;
        checked.compare(&self.manifest)?;
        Ok(checked)
    }
}

impl Target {
    /// Takes a directory for a run: an empty one, one with an earlier run of this log, or one in which a first run was cut
    /// off. What earlier runs left behind is removed.
    pub(crate) fn take(dir: &Path, journal: &Journal) -> Result<Self, BackupError> {
        make_dir(dir)?;
        for path in listed(dir)? {
            let name = name_of(&path);
            let ours = match name.as_str() {
                NAME | lock::NAME => true,
                NEW => is_begun(&path)?,
                _ => run_in(&name).is_some() && is_run(&path)?,
            };
            if !ours {
                return Err(BackupError::NotABackup);
            }
        }
        let lock = match Lock::take(dir) {
            Err(LogError::Locked) => return Err(BackupError::InUse),
            lock => lock?,
        };
        let earlier = read_manifest(dir)?;
        let backup = match &earlier {
            Some(manifest) => {
                same_history(manifest, journal)?;
                manifest.backup
            }
            None => Fresh::new().id()?,
        };
        let run = earlier.as_ref().map_or(1, |earlier| earlier.run + 1);
        let target = Self { _lock: lock, dir: dir.to_owned(), backup, run, earlier, counts: false };
        target.clear(target.earlier.as_ref().map(|earlier| earlier.run))?;
        make_dir(&target.path())?;
        Ok(target)
    }

    /// Where this run's files go.
    pub(crate) fn path(&self) -> PathBuf {
        run_dir(&self.dir, self.run)
    }

    /// Where those of the run before are, and which.
    pub(crate) fn earlier(&self) -> Option<(PathBuf, &Manifest)> {
        self.earlier.as_ref().map(|earlier| (run_dir(&self.dir, earlier.run), earlier))
    }

    /// Keeps the checkpoint beside the journal; durable when it returns.
    pub(crate) fn put_checkpoint(&self, note: &SignedNote) -> Result<(), BackupError> {
        write_new(&self.path().join(CHECKPOINT), note.to_string().as_bytes())
    }

    /// From here on this run is the backup; durable when it returns. The run before is removed.
    pub(crate) fn name(mut self, manifest: &Manifest) -> Result<(), BackupError> {
        sync_dir(&self.path())?;
        let (new, named) = (self.dir.join(NEW), self.dir.join(NAME));
        write_new(&new, manifest.to_string().as_bytes())?;
        self.counts = true;
        fs::rename(&new, &named).map_err(failed("rename", &new))?;
        sync_dir(&self.dir)?;
        self.clear(Some(self.run))
    }

    fn clear(&self, but: Option<u64>) -> Result<(), BackupError> {
        for entry in fs::read_dir(&self.dir).map_err(failed("read", &self.dir))? {
            let path = entry.map_err(failed("read", &self.dir))?.path();
            let name = name_of(&path);
            let run = run_in(&name);
            if run.is_some() && run != but {
                fs::remove_dir_all(&path).map_err(failed("remove", &path))?;
            }
            if name == NEW {
                fs::remove_file(&path).map_err(failed("remove", &path))?;
            }
        }
        Ok(sync_dir(&self.dir)?)
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        if !self.counts {
            // The next run removes what is left.
            let _ = fs::remove_dir_all(self.path());
        }
    }
}

/// What was read back from the files of a run.
pub(crate) struct Checked {
    /// Its journal.
    pub(crate) journal: Journal,
    /// The first generation of the log.
    pub(crate) first: LogId,
    /// What it holds.
    pub(crate) survey: Survey,
    /// What its checkpoint says.
    pub(crate) checkpoint: Option<TreeHead>,
}

/// Reads a run back from its files.
pub(crate) fn check(run: &Path, files: &[Copied], watch: &[u64], told: &Progress<'_>) -> Result<Checked, BackupError> {
    same_files(run, files)?;
    let (journal, _) = Journal::open(run, None, false)?;
    if let Some(torn) = journal.torn() {
        let (file, what) = (journal.file_of(torn.position), "bytes stand behind its last frame".to_owned());
        return Err(LogError::Damaged { position: torn.position, file, what }.into());
    }
    let checkpoint = checkpoint(run)?;
    let harmed = |part: &Part| matches!(part.bytes, PartBytes::Damaged { .. });
    let watch: Vec<u64> = watch.iter().copied().chain(checkpoint.map(|of| of.size)).collect();
    let survey = Survey::read(&journal, &watch, &harmed, told)?;
    if checkpoint.is_some_and(|of| survey.watched.get(&of.size) != Some(&of.root)) {
        return Err(BackupError::Other("checkpoint"));
    }
    // A part that somebody made zeros of looks swept: only the file as a whole says that it was not.
    files.iter().try_for_each(|file| compare(run, file))?;
    Ok(Checked { first: journal.first_log(), journal, survey, checkpoint })
}

impl Checked {
    fn compare(&self, manifest: &Manifest) -> Result<(), BackupError> {
        let Survey { head, root, last, .. } = &self.survey;
        for (same, what) in [
            (self.first == manifest.first && last.log == manifest.log, "log"),
            (last.origin == manifest.origin, "origin"),
            ((head.size, head.hash) == (manifest.head.size, manifest.head.hash), "head"),
            (*root == manifest.root, "root"),
        ] {
            if !same {
                return Err(BackupError::Other(what));
            }
        }
        Ok(())
    }
}

fn checkpoint(run: &Path) -> Result<Option<TreeHead>, BackupError> {
    let Some(bytes) = read_regular(&run.join(CHECKPOINT), MOST_BYTES as u64)? else { return Ok(None) };
    let note = SignedNote::parse(&bytes)?;
    let Checkpoint { size, root, .. } = Checkpoint::parse(note.text())?;
    Ok(Some(TreeHead { size, root }))
}

fn same_files(run: &Path, files: &[Copied]) -> Result<(), BackupError> {
    let dir = run.join(journal::NAME);
    let paths = match is_dir(run)? && is_dir(&dir)? {
        true => listed(&dir)?,
        false => return Err(BackupError::Files { file: name_of(run) }),
    };
    let mut found = Vec::new();
    for path in paths {
        let file = name_of(&path);
        if !is_file(&path)? {
            return Err(BackupError::Files { file });
        }
        found.push(file);
    }
    found.sort();
    let named: Vec<&String> = files.iter().map(|file| &file.name).collect();
    let other = found.iter().find(|file| !named.contains(file));
    let missing = || named.iter().copied().find(|file| !found.contains(file));
    match other.or_else(missing) {
        Some(file) => Err(BackupError::Files { file: file.clone() }),
        None => Ok(()),
    }
}

/// An older run may go; one of records that are not in this log any more may not.
fn same_history(manifest: &Manifest, journal: &Journal) -> Result<(), BackupError> {
    if manifest.first != journal.first_log() {
        return Err(BackupError::OtherLog { found: manifest.first });
    }
    let size = manifest.head.size;
    let last = size.checked_sub(1).map(|position| journal.hash_of(position)).transpose()?.flatten();
    if last == Some(manifest.head.hash) { Ok(()) } else { Err(BackupError::OtherHistory { size }) }
}

fn read_manifest(dir: &Path) -> Result<Option<Manifest>, BackupError> {
    let Some(bytes) = read_regular(&dir.join(NAME), MOST)? else { return Ok(None) };
    let text = std::str::from_utf8(&bytes).map_err(|_| BackupError::Unclear { line: 0 })?;
    Manifest::parse(text).map(Some)
}

/// Whether a directory has nothing in it but what a run writes, all of it or some: others call their output so too.
fn is_run(dir: &Path) -> Result<bool, BackupError> {
    if !is_dir(dir)? {
        return Ok(false);
    }
    for path in listed(dir)? {
        let ours = match name_of(&path).as_str() {
            journal::NAME => is_dir(&path)? && are_segments(&path)?,
            CHECKPOINT => is_file(&path)?,
            _ => false,
        };
        if !ours {
            return Ok(false);
        }
    }
    Ok(true)
}

fn are_segments(dir: &Path) -> Result<bool, BackupError> {
    for path in listed(dir)? {
        if segment::first_in(&name_of(&path)).is_none() || !is_file(&path)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether a file is what a run has begun to write of what it is. A cut leaves zeros of what was not durable.
fn is_begun(path: &Path) -> Result<bool, BackupError> {
    if !is_file(path)? {
        return Ok(false);
    }
    let begun = fs::read(path).map_err(failed("read", path))?;
    Ok(begun.iter().zip(manifest::FIRST.as_bytes()).all(|(found, said)| found == said || *found == 0))
}

fn is_dir(path: &Path) -> Result<bool, BackupError> {
    Ok(fs::symlink_metadata(path).map_err(failed("look at", path))?.is_dir())
}

fn is_file(path: &Path) -> Result<bool, BackupError> {
    Ok(fs::symlink_metadata(path).map_err(failed("look at", path))?.is_file())
}

fn listed(dir: &Path) -> Result<Vec<PathBuf>, BackupError> {
    let entries = fs::read_dir(dir).map_err(failed("read", dir))?;
    entries.map(|entry| Ok(entry.map_err(failed("read", dir))?.path())).collect()
}

/// A file that others may have made: a link could lead to a device that never ends.
fn read_regular(path: &Path, most: u64) -> Result<Option<Vec<u8>>, BackupError> {
    let found = match fs::symlink_metadata(path) {
        Err(missing) if missing.kind() == io::ErrorKind::NotFound => return Ok(None),
        found => found.map_err(failed("look at", path))?,
    };
    if !found.is_file() || found.len() > most {
        return Err(BackupError::Files { file: name_of(path) });
    }
    fs::read(path).map(Some).map_err(failed("read", path))
}

fn write_new(path: &Path, bytes: &[u8]) -> Result<(), BackupError> {
    let file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path);
    let file = file.map_err(failed("create", path))?;
    file.write_all_at(bytes, 0).map_err(failed("write", path))?;
    file.sync_all().map_err(failed("sync", path))
}

fn run_dir(dir: &Path, run: u64) -> PathBuf {
    dir.join(format!("{RUN}{run}"))
}

fn run_in(name: &str) -> Option<u64> {
    let run = name.strip_prefix(RUN)?;
    run.parse().ok().filter(|number: &u64| number.to_string() == run)
}

fn failed(action: &'static str, file: &Path) -> impl FnOnce(io::Error) -> BackupError {
    let file = name_of(file);
    move |source| BackupError::Io { action, file, source }
}
