//! The end of a keyring: no root is left in any member of its anchor, without a successor, and no file in any copy.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use domain::id::LogId;

use super::header::{self, Found};
use super::members::Members;
use super::{Anchor, Identity, KeyringError, copies, disk};

/// Destroys every root of the log, sees that they are gone, and only then overwrites and removes the files: they are dead by
/// then, and what a crash leaves of them is removed when this is called again. Durable when it returns.
pub(super) fn end(members: &Members, dirs: &[PathBuf], log: LogId) -> Result<(), KeyringError> {
    members.keep_none(log)?;
    dirs.iter().try_for_each(|dir| wipe(dir, log))
}

/// The same without opening anything. All who held a root must be among the anchors, or nobody sees that it is gone.
pub(super) fn end_at(
    dirs: &[PathBuf],
    anchors: Vec<Box<dyn Anchor>>,
    log: LogId,
    members: &[String],
) -> Result<(), KeyringError> {
    for (member, named) in (1..).zip(members) {
        if anchors.iter().all(|anchor| anchor.identity().to_string() != *named) {
            let identity = Identity::new(named, &[]);
            let instead = anchors.first().map(|anchor| anchor.identity());
            return Err(KeyringError::MissingMember { member, identity, instead });
        }
    }
    end(&Members::all_of(anchors), dirs, log)
}

/// Overwrites and removes the files of a copy; the header, which says whose it is, as the last. What else lies there stays.
fn wipe(dir: &Path, log: LogId) -> Result<(), KeyringError> {
    let header = dir.join(header::NAME);
    let named = disk::read_whole(&header)?.and_then(|bytes| Found::read(&bytes).ok());
    if let Some(found) = named.map(|found| found.header.log).filter(|found| *found != log) {
        return Err(KeyringError::AnotherLog { found });
    }
    let mut files = match fs::read_dir(dir) {
        Err(gone) if gone.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<PathBuf>>>()?,
    };
    files.retain(|path| path.file_name().and_then(|name| name.to_str()).is_some_and(copies::is_ours));
    files.sort_by_key(|path| *path == header);
    for path in files {
        overwrite(&path)?;
        disk::remove(&path)?;
    }
    disk::sync_dir(dir)?;
    // Where nothing else lies in it, the directory goes too.
    if fs::remove_dir(dir).is_ok()
        && let Some(above) = dir.parent()
    {
        disk::sync_dir(above)?;
    }
    Ok(())
}

fn overwrite(path: &Path) -> io::Result<()> {
    let file = disk::options().open(path)?;
    let (length, zeros) = (file.metadata()?.len(), vec![0; 1 << 16]);
    for at in (0..length).step_by(zeros.len()) {
        let some = usize::try_from(length - at).unwrap_or(usize::MAX).min(zeros.len());
        disk::write(&file, zeros.get(..some).unwrap_or_default(), at)?;
    }
    disk::sync(&file)
}
