//! Copying the newest whole tree over the copies that are missing, behind or damaged.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use domain::id::LogId;

use super::copies::{self, Copies, Opened};
use super::disk::{self, options};
use super::header::{self, Found};
use super::marks::{self, Marks};
use super::members::Members;
use super::suppression::file::{self as list, Found as FoundList};
use super::walk::Walk;
use super::{Anchors, KeyringError, anchor};

/// How much is copied at once; what is all zeros is not written.
const PIECE: usize = 64 * 1024;

/// What was done to a copy.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Repaired {
    /// The copy that was made anew.
    pub copy: PathBuf,
    /// Where its directory lies that was newer and damaged.
    pub aside: Option<PathBuf>,
}

pub(super) fn repair(
    dirs: &[PathBuf],
    anchors: Anchors,
    log: LogId,
    older: bool,
) -> Result<Vec<Repaired>, KeyringError> {
    let (members, moving) = Members::of(anchors)?;
    let seen: Vec<Result<Seen, KeyringError>> =
        dirs.iter().map(|dir| look(dir, &members, moving.as_ref(), log)).collect();
    if seen.iter().any(|seen| matches!(seen, Err(KeyringError::InUse))) {
        return Err(KeyringError::InUse);
    }
    let whole = dirs.iter().zip(&seen).filter_map(|(dir, seen)| Some((dir, seen.as_ref().ok()?)));
    let age = |(opened, list): &Seen| {
        (opened.found.header.counter, opened.marks.counter, list.as_ref().map(|list| list.counter))
    };
    let Some((newest, source)) = whole.max_by_key(|(_, seen)| age(seen)) else {
        return Err(seen.into_iter().find_map(Result::err).unwrap_or(KeyringError::NotAKeyring));
    };
    let mut newer = Vec::new();
    for (dir, _) in dirs.iter().zip(&seen).filter(|(_, seen)| seen.is_err()) {
        newer.extend(newer_than(&source.0, dir, log)?.map(|newer| (dir, newer)));
    }
    if !older && let Some((_, refused)) = newer.pop() {
        return Err(refused);
    }
    let mut repaired = Vec::new();
    for (dir, seen) in dirs.iter().zip(&seen) {
        let same = |(other, list): &Seen| {
            other.found.says(&source.0.found) && other.marks == source.0.marks && *list == source.1
        };
        if !seen.as_ref().is_ok_and(same) {
            let aside = newer.iter().any(|(newer, _)| *newer == dir).then(|| put_aside(dir, "damaged")).transpose()?;
            copy_over(newest, dir)?;
            repaired.push(Repaired { copy: dir.clone(), aside });
        }
    }
    Ok(repaired)
}

/// What a copy that does not open says of its age, where that is more than the whole one's. Another log's copy is nobody's to
/// overwrite.
fn newer_than(whole: &Opened, dir: &Path, log: LogId) -> Result<Option<KeyringError>, KeyringError> {
    let header = disk::read_whole(&dir.join(header::NAME))?.and_then(|bytes| Found::read(&bytes).ok());
    if let Some(other) = header.as_ref().filter(|found| found.header.log != log) {
        return Err(KeyringError::AnotherLog { found: other.header.log });
    }
    let marks = disk::read_whole(&dir.join(marks::NAME))?.and_then(|bytes| Marks::read(&bytes, log));
    let (damaged, marks) = (header.map_or(0, |found| found.header.counter), marks.map_or(0, |marks| marks.counter));
    let (header, whole_marks) = (whole.found.header.counter, whole.marks.counter);
    let refused = KeyringError::NewerDamaged { copy: dir.to_owned(), damaged, marks, whole: header, whole_marks };
    Ok((damaged > header || marks > whole_marks).then_some(refused))
}

/// Gives a directory another name beside it.
pub(super) fn put_aside(dir: &Path, what: &str) -> Result<PathBuf, KeyringError> {
    let name = dir.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let free = (1..).map(|number: u32| dir.with_file_name(format!("{name}.{what}.{number}")));
    let Some(aside) = free.into_iter().find(|aside| !aside.exists()) else { return Err(KeyringError::Exists) };
    disk::rename(dir, &aside)?;
    disk::sync_dir(dir.parent().unwrap_or(Path::new(".")))?;
    Ok(aside)
}

/// A copy and its suppression list.
type Seen = (Opened, Option<FoundList>);

/// One copy alone, locked, when all of it opens.
fn look(dir: &PathBuf, members: &Members, moving: Option<&Members>, log: LogId) -> Result<Seen, KeyringError> {
    let opened = Copies::open(std::slice::from_ref(dir), log)?;
    let header = &opened.found.header;
    let (top_key, _) = members.named_by(&header.members, moving)?.open(log, &header.members)?;
    let top = opened.found.top(&top_key)?;
    Walk { copies: &opened.copies, log, leaves: header.leaves, epoch: header.epoch }.pages(top.as_ref())?;
    let list = opened.copies.read_list(log)?;
    Ok((opened, list))
}

/// From the first step on the copy counts as missing, and only with the last one it is there again.
fn copy_over(from: &Path, to: &Path) -> Result<(), KeyringError> {
    anchor::make_dir(to)?;
    disk::remove(&to.join(header::NAME))?;
    disk::sync_dir(to)?;
    copies::clear_dir(to, &[])?;
    for entry in fs::read_dir(from)? {
        let name = entry?.file_name();
        let text = name.to_string_lossy();
        if text.starts_with("keys.") || text == marks::NAME || text == list::NAME {
            copy_file(&from.join(&name), &to.join(&name))?;
        }
    }
    copy_file(&from.join(header::NAME), &copies::unnamed(to))?;
    disk::sync_dir(to)?;
    disk::rename(&copies::unnamed(to), &to.join(header::NAME))?;
    Ok(disk::sync_dir(to)?)
}

fn copy_file(from: &Path, to: &Path) -> Result<(), KeyringError> {
    let (source, target) = (File::open(from)?, options().create(true).truncate(true).open(to)?);
    let length = source.metadata()?.len();
    target.set_len(length)?;
    for at in (0..length).step_by(PIECE) {
        let piece = disk::read_up_to(&source, at, PIECE)?;
        if piece.iter().any(|byte| *byte != 0) {
            disk::write(&target, &piece, at)?;
        }
    }
    Ok(disk::sync(&target)?)
}
