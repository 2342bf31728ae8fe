//! The copies of the keyring: the same files in several directories. Every write goes to all of them, and counts when it
//! is synced in all. No copy is written before the one before it is synced: what a power cut spoils on the way, beside what
//! was being written too, is spoilt in one of them.
//!
//! ```text
//! header             the commit point
//! marks              what is known of unused slots
//! suppressed         the suppression list, once there was one
//! keys.<level>.<a|b> the nodes of a level, on one of its two sides
//! ```
//!
//! All are mode 0600 in a directory of mode 0700. Whoever holds the lock on a header is the only one who writes.

mod listed;

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use domain::id::LogId;

use super::cell::{self, Place, Side};
use super::disk::{self, options, sync_dir};
use super::header::{self, Found};
use super::marks::{self, Marks};
use super::suppression::file as list;
use super::{Identity, KeyringError, Wrong, anchor, migrate};

/// All copies, open.
pub(super) struct Copies {
    copies: Vec<Copy>,
    /// What is written in the first copy, and in the others when that is synced.
    waiting: Vec<Waiting>,
    written: Written,
}

/// Bytes of a node for one copy.
struct Waiting {
    copy: usize,
    place: Place,
    side: Side,
    from: u64,
    bytes: Vec<u8>,
}

/// How much may wait, in nodes. More is synced in between.
const MOST_WAITING: usize = 16 * 1024;

/// How many bytes were written, in all copies together.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Written {
    /// Nodes, headers and marks.
    pub kept: u64,
    /// Zeros over nodes that are no longer valid.
    pub cleared: u64,
}

/// What the copies say when they are opened.
pub(super) struct Opened {
    pub(super) copies: Copies,
    pub(super) found: Found,
    pub(super) marks: Marks,
    /// The copies that a crash left one header behind, and what their headers should say.
    pub(super) behind: Vec<usize>,
}

struct Copy {
    dir: PathBuf,
    header: File,
    nodes: BTreeMap<(u8, Side), Nodes>,
    /// A file was made since the directory was synced.
    named: bool,
}

struct Nodes {
    file: File,
    unsynced: bool,
}

/// A copy as it is found: its header, or where there is none, the one that a crash left without its name.
struct Candidate {
    copy: Copy,
    found: Result<Found, KeyringError>,
    unnamed: bool,
}

impl Copies {
    /// Whether there is a header in this directory.
    pub(super) fn exist(dir: &Path) -> io::Result<bool> {
        dir.join(header::NAME).try_exists()
    }

    /// Makes the directories and clears what an attempt left that was cut short. There is no keyring before
    /// [`Copies::name`].
    pub(super) fn create(dirs: &[PathBuf]) -> Result<Self, KeyringError> {
        let mut copies = Vec::with_capacity(dirs.len());
        for dir in dirs {
            if Self::exist(dir)? {
                return Err(KeyringError::Exists);
            }
            anchor::make_dir(dir)?;
            check_dir(dir)?;
            let header = options().create(true).truncate(false).open(unnamed(dir))?;
            lock(&header)?;
            header.set_len(0)?;
            clear_dir(dir, &[&unnamed(dir)])?;
            copies.push(Copy { dir: dir.clone(), header, nodes: BTreeMap::new(), named: false });
        }
        Ok(Self::over(copies))
    }

    /// Writes the first header in every copy, and then gives each its name: with the first name there is a keyring.
    pub(super) fn name(&mut self, bytes: &[u8], at: u64) -> Result<(), KeyringError> {
        self.sync()?;
        for copy in &self.copies {
            disk::write(&copy.header, bytes, at)?;
            disk::sync(&copy.header)?;
            sync_dir(&copy.dir)?;
        }
        self.copies.iter().try_for_each(Copy::name)
    }

    /// Opens the copies of this log's keyring and compares their headers. A copy that lacks no more than a crash's last
    /// step is named in [`Opened::behind`]; any other difference is an error.
    pub(super) fn open(dirs: &[PathBuf], log: LogId) -> Result<Opened, KeyringError> {
        let mut candidates = Vec::with_capacity(dirs.len());
        let mut missing = None;
        for dir in dirs {
            match Candidate::open(dir)? {
                Some(candidate) => candidates.push(candidate),
                None => missing = missing.or(Some(dir.clone())),
            }
        }
        let newest = newest(&candidates, log)?;
        if let Some(copy) = missing {
            return Err(KeyringError::Copy { copy, wrong: Wrong::Missing });
        }
        // One header is written after another is synced, so a crash leaves no more than one copy with a torn one.
        let torn = candidates.iter().filter(|candidate| candidate.found.as_ref().is_ok_and(|found| found.torn));
        if torn.count() > 1 {
            return Err(KeyringError::DamagedHeader);
        }
        let mut behind = Vec::new();
        let mut copies = Vec::with_capacity(candidates.len());
        for (number, Candidate { copy, found, unnamed }) in candidates.into_iter().enumerate() {
            let wrong = |wrong| Err(KeyringError::Copy { copy: copy.dir.clone(), wrong });
            match found {
                Ok(found) if found.says(&newest) => {}
                Ok(_) if unnamed => return wrong(Wrong::Missing),
                Ok(found) => match newest.header.counter - found.header.counter {
                    0 => return wrong(Wrong::Damaged),
                    1 => behind.push(number),
                    _ => return wrong(Wrong::Behind),
                },
                Err(KeyringError::DamagedHeader | KeyringError::NotAKeyring) => return wrong(Wrong::Damaged),
                Err(error) => return Err(error),
            }
            if unnamed {
                copy.name()?;
            }
            copies.push(copy);
        }
        let mut copies = Self::over(copies);
        copies.open_nodes(newest.header.height())?;
        let marks = copies.read_marks(log)?;
        Ok(Opened { copies, found: newest, marks, behind })
    }

    fn over(copies: Vec<Copy>) -> Self {
        Self { copies, waiting: Vec::new(), written: Written::default() }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.copies.len()
    }

    pub(super) fn dir(&self, copy: usize) -> PathBuf {
        self.copies.get(copy).map(|copy| copy.dir.clone()).unwrap_or_default()
    }

    pub(super) fn written(&self) -> Written {
        self.written
    }

    /// The bytes of a node in one copy; fewer where the file ends.
    pub(super) fn read(&self, copy: usize, place: Place, side: Side) -> io::Result<Vec<u8>> {
        match self.copies.get(copy).and_then(|copy| copy.nodes.get(&(place.level, side))) {
            Some(nodes) => disk::read_up_to(&nodes.file, at(place), cell::length(place.level)),
            None => Ok(Vec::new()),
        }
    }

    /// Writes bytes of a node into every copy, from this byte of it on. They are durable, and in every copy but the first
    /// they are to be read, after [`Copies::sync`].
    pub(super) fn write(&mut self, place: Place, side: Side, from: u64, bytes: &[u8]) -> Result<(), KeyringError> {
        for copy in 0..self.copies.len() {
            self.write_to(Waiting { copy, place, side, from, bytes: bytes.to_vec() })?;
            self.written.kept += bytes.len() as u64;
        }
        self.sync_some()
    }

    /// Writes zeros over nodes, in every copy that holds anything there. Durable when it returns.
    pub(super) fn clear(&mut self, nodes: &[(Place, Side)]) -> Result<(), KeyringError> {
        // What waits may be for one of them.
        self.sync()?;
        for &(place, side) in nodes {
            for copy in 0..self.copies.len() {
                let there = self.read(copy, place, side)?;
                let Some(last) = there.iter().rposition(|byte| *byte != 0) else { continue };
                self.write_to(Waiting { copy, place, side, from: 0, bytes: vec![0; last + 1] })?;
                self.written.cleared += last as u64 + 1;
            }
            self.sync_some()?;
        }
        self.sync()
    }

    /// Every node that was written is durable in every copy when it returns.
    pub(super) fn sync(&mut self) -> Result<(), KeyringError> {
        let mut waiting = std::mem::take(&mut self.waiting);
        // In the order in which they were written.
        waiting.sort_by_key(|waiting| waiting.copy);
        let mut waiting = waiting.into_iter().peekable();
        for (number, copy) in self.copies.iter_mut().enumerate() {
            while let Some(Waiting { place, side, from, bytes, .. }) = waiting.next_if(|next| next.copy == number) {
                copy.write(place, side, from, &bytes)?;
            }
            copy.sync()?;
        }
        Ok(())
    }

    fn write_to(&mut self, what: Waiting) -> Result<(), KeyringError> {
        match self.copies.first_mut().filter(|_| what.copy == 0) {
            Some(first) => first.write(what.place, what.side, what.from, &what.bytes),
            None => {
                self.waiting.push(what);
                Ok(())
            }
        }
    }

    fn sync_some(&mut self) -> Result<(), KeyringError> {
        if self.waiting.len() < MOST_WAITING { Ok(()) } else { self.sync() }
    }

    /// Writes a header, copy after copy. From the first synced one on it is valid, and durable in all when it returns.
    pub(super) fn write_header(&mut self, bytes: &[u8], at: u64) -> Result<(), KeyringError> {
        for copy in 0..self.copies.len() {
            self.write_header_of(copy, bytes, at)?;
        }
        Ok(())
    }

    /// The same in one copy.
    pub(super) fn write_header_of(&mut self, copy: usize, bytes: &[u8], at: u64) -> Result<(), KeyringError> {
        let Some(copy) = self.copies.get(copy) else { return Ok(()) };
        disk::write(&copy.header, bytes, at)?;
        disk::sync(&copy.header)?;
        self.written.kept += bytes.len() as u64;
        Ok(())
    }

    /// The header's bytes as they stand in one copy.
    pub(super) fn header_bytes(&self, copy: usize, at: u64, length: usize) -> io::Result<Vec<u8>> {
        self.copies.get(copy).map_or(Ok(Vec::new()), |copy| disk::read_up_to(&copy.header, at, length))
    }

    /// Replaces the marks in every copy. They are durable when it returns.
    pub(super) fn write_marks(&mut self, bytes: &[u8]) -> Result<(), KeyringError> {
        for copy in &self.copies {
            disk::replace(&copy.dir, marks::NAME, bytes)?;
            sync_dir(&copy.dir)?;
            self.written.kept += bytes.len() as u64;
        }
        Ok(())
    }

    /// The newest marks, brought to the copies that a crash left without them.
    fn read_marks(&self, log: LogId) -> Result<Marks, KeyringError> {
        let mut found = Vec::with_capacity(self.copies.len());
        for copy in &self.copies {
            let bytes = disk::read_whole(&copy.dir.join(marks::NAME))?;
            found.push((copy, bytes.and_then(|bytes| Marks::read(&bytes, log))));
        }
        let newest = found.iter().filter_map(|(_, marks)| marks.as_ref()).max_by_key(|marks| marks.counter).cloned();
        let newest = newest.ok_or(KeyringError::DamagedMarks)?;
        for (copy, marks) in found {
            let wrong = |wrong| Err(KeyringError::Copy { copy: copy.dir.clone(), wrong });
            match marks {
                None => return wrong(Wrong::Damaged),
                Some(marks) if marks == newest => {}
                Some(marks) if marks.counter + 1 == newest.counter => {
                    disk::replace(&copy.dir, marks::NAME, &newest.bytes(log))?;
                    sync_dir(&copy.dir)?;
                }
                Some(marks) if marks.counter == newest.counter => return wrong(Wrong::Damaged),
                Some(_) => return wrong(Wrong::Behind),
            }
        }
        Ok(newest)
    }

    /// Opens the node files there are. What a killed process had not synced is, before anybody acts on it.
    fn open_nodes(&mut self, height: u8) -> Result<(), KeyringError> {
        for copy in &mut self.copies {
            for (level, side) in (0..=height).flat_map(|level| [(level, Side::A), (level, Side::B)]) {
                let path = copy.dir.join(file_name(level, side));
                match options().open(path) {
                    Ok(file) => {
                        file.sync_data()?;
                        copy.nodes.insert((level, side), Nodes { file, unsynced: false });
                    }
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    Err(error) => return Err(error.into()),
                }
            }
        }
        Ok(())
    }
}

impl Copy {
    fn name(&self) -> Result<(), KeyringError> {
        disk::rename(&unnamed(&self.dir), &self.dir.join(header::NAME))?;
        Ok(sync_dir(&self.dir)?)
    }

    fn write(&mut self, place: Place, side: Side, from: u64, bytes: &[u8]) -> Result<(), KeyringError> {
        let nodes = match self.nodes.entry((place.level, side)) {
            std::collections::btree_map::Entry::Occupied(there) => there.into_mut(),
            std::collections::btree_map::Entry::Vacant(free) => {
                let path = self.dir.join(file_name(place.level, side));
                let file = options().create(true).truncate(false).open(path)?;
                self.named = true;
                free.insert(Nodes { file, unsynced: false })
            }
        };
        nodes.unsynced = true;
        Ok(disk::write(&nodes.file, bytes, at(place) + from)?)
    }

    fn sync(&mut self) -> Result<(), KeyringError> {
        for nodes in self.nodes.values_mut().filter(|nodes| nodes.unsynced) {
            disk::sync(&nodes.file)?;
            nodes.unsynced = false;
        }
        if self.named {
            sync_dir(&self.dir)?;
            self.named = false;
        }
        Ok(())
    }
}

impl Candidate {
    fn open(dir: &Path) -> Result<Option<Self>, KeyringError> {
        let (mut unnamed_header, mut opened) = (false, options().open(dir.join(header::NAME)));
        if opened.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
            (unnamed_header, opened) = (true, options().open(unnamed(dir)));
        }
        let header = match opened {
            Ok(header) => header,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        lock(&header)?;
        // A process that was killed may have left what it had not synced; what is read here must not go away again.
        header.sync_data()?;
        anchor::sync_dir(dir)?;
        let found = Found::read(&disk::read_up_to(&header, 0, 2 * header::ROOM)?);
        let copy = Copy { dir: dir.to_owned(), header, nodes: BTreeMap::new(), named: false };
        Ok(Some(Self { copy, found, unnamed: unnamed_header }))
    }
}

/// The newest header that has its name. Where there is none, the reason is the first copy's.
fn newest(candidates: &[Candidate], log: LogId) -> Result<Found, KeyringError> {
    let mut newest: Option<&Found> = None;
    let mut refused = None;
    for candidate in candidates.iter().filter(|candidate| !candidate.unnamed) {
        match &candidate.found {
            Ok(found) if found.header.log != log => {
                return Err(KeyringError::AnotherLog { found: found.header.log });
            }
            Ok(found) if newest.is_none_or(|newest| newest.header.counter < found.header.counter) => {
                newest = Some(found);
            }
            Ok(_) => {}
            Err(KeyringError::UnknownVersion(version)) => return Err(KeyringError::UnknownVersion(*version)),
            Err(KeyringError::DamagedHeader) => refused = Some(KeyringError::DamagedHeader),
            Err(_) => {}
        }
    }
    newest.cloned().ok_or(refused.unwrap_or(KeyringError::NotAKeyring))
}

/// Whom the newest header there names, of all copies; nobody where there is none.
pub(super) fn named(dirs: &[PathBuf]) -> Result<Vec<Identity>, KeyringError> {
    let mut newest: Option<Found> = None;
    for dir in dirs {
        let Some(bytes) = disk::read_whole(&dir.join(header::NAME))? else { continue };
        if let Ok(found) = Found::read(&bytes)
            && newest.as_ref().is_none_or(|newest| newest.header.counter < found.header.counter)
        {
            newest = Some(found);
        }
    }
    Ok(newest.into_iter().flat_map(|found| found.header.members).map(|member| member.identity).collect())
}

/// Takes a keyring of this log back that never was in service: without its name there is none.
pub(super) fn unname(dirs: &[PathBuf], log: LogId) -> Result<(), KeyringError> {
    for dir in dirs {
        let path = dir.join(header::NAME);
        let Some(bytes) = disk::read_whole(&path)? else { continue };
        if Found::read(&bytes).is_ok_and(|found| found.header.log == log) {
            disk::remove(&path)?;
            disk::sync_dir(dir)?;
        }
    }
    Ok(())
}

/// Whether nothing lies in a directory but what an attempt to make a keyring there leaves. A disk of its own has `lost+found`.
pub(super) fn check_dir(dir: &Path) -> Result<(), KeyringError> {
    for entry in fs::read_dir(dir)? {
        let found = entry?.file_name();
        if !found.to_str().is_some_and(|name| is_ours(name) || migrate::is_its(name) || name == "lost+found") {
            return Err(KeyringError::NotEmpty { dir: dir.to_owned(), found });
        }
    }
    Ok(())
}

/// Whether a file of a keyring is called so, or one that takes its place when it is whole.
pub(super) fn is_ours(name: &str) -> bool {
    let name = name.strip_suffix(".new").unwrap_or(name);
    let nodes = |rest: &str| {
        let side =
            rest.split_once('.').filter(|(level, side)| level.parse::<u8>().is_ok() && ["a", "b"].contains(side));
        side.is_some()
    };
    [marks::NAME, header::NAME, list::NAME].contains(&name) || name.strip_prefix("keys.").is_some_and(nodes)
}

/// Removes the files of a keyring that is none, but not these.
pub(super) fn clear_dir(dir: &Path, but: &[&Path]) -> Result<(), KeyringError> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if is_ours(name) && !but.contains(&path.as_path()) {
            disk::remove(&path)?;
        }
    }
    Ok(sync_dir(dir)?)
}

/// Two writers would hand out the same keys.
pub(super) fn lock(file: &File) -> Result<(), KeyringError> {
    file.try_lock().map_err(|error| match error {
        TryLockError::WouldBlock => KeyringError::InUse,
        TryLockError::Error(error) => error.into(),
    })
}

/// Where a header lies that was not committed.
pub(super) fn unnamed(dir: &Path) -> PathBuf {
    dir.join("header.new")
}

fn file_name(level: u8, side: Side) -> String {
    format!("keys.{level}.{}", if side == Side::A { 'a' } else { 'b' })
}

fn at(place: Place) -> u64 {
    place.index * cell::room(place.level)
}
