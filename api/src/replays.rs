//! Confirmations by replay that auditors have handed in: notes from `lethe-audit verify --countersign`, in a directory. They
//! go along with evidence; whether they are believed is for whoever checks it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use events::note::{MOST_BYTES, NoteError, SignedNote};
use parking_lot::Mutex;
use replay::countersign::Replayed;
use replay::source::read_regular;

/// A directory of confirmations. It is read at the start and whenever a file in it has changed.
#[derive(Debug, Default)]
pub struct Replays {
    dir: Option<PathBuf>,
    read: Mutex<Read>,
}

/// What was read, and of which files.
#[derive(Debug, Default)]
struct Read {
    files: Vec<Listed>,
    notes: Vec<(Replayed, SignedNote)>,
}

/// A file by name, length, and when it was changed.
type Listed = (OsString, u64, Option<SystemTime>);

/// Why a file is left out.
#[derive(Debug, thiserror::Error)]
enum Unfit {
    #[error("it cannot be read: {0}")]
    Io(#[from] io::Error),
    #[error(transparent)]
    Note(#[from] NoteError),
}

impl Replays {
    /// Those in this directory; none where none is named. What cannot be read there is told to the program log.
    pub fn of(dir: Option<PathBuf>) -> Self {
        let replays = Self { dir, read: Mutex::default() };
        replays.refresh(&mut replays.read.lock());
        replays
    }

    /// Those of a log that a checkpoint of this size can be held against: of each key the one of the most records.
    pub fn up_to(&self, origin: &str, size: u64) -> Vec<SignedNote> {
        let mut read = self.read.lock();
        self.refresh(&mut read);
        let mut best = BTreeMap::new();
        for (replayed, note) in &read.notes {
            if replayed.origin != origin || replayed.size > size {
                continue;
            }
            let keys: Vec<_> = note.signatures().iter().map(|by| (&by.name, by.key_id)).collect();
            let known = best.entry(keys).or_insert((replayed.size, note));
            if known.0 < replayed.size {
                *known = (replayed.size, note);
            }
        }
        best.into_values().map(|(_, note)| note.clone()).collect()
    }

    fn refresh(&self, read: &mut Read) {
        let Some(dir) = &self.dir else { return };
        let files = list(dir).unwrap_or_else(|failed| {
            tracing::warn!(directory = %dir.display(), error = %failed, "confirmations by replay cannot be read");
            Vec::new()
        });
        if files == read.files {
            return;
        }
        read.notes.clear();
        for (name, ..) in &files {
            let file = dir.join(name);
            match confirmation(&file) {
                Ok(found) => read.notes.push(found),
                Err(unfit) => {
                    tracing::warn!(file = %file.display(), error = %unfit, "this is no confirmation by replay");
                }
            }
        }
        read.files = files;
    }
}

fn list(dir: &Path) -> io::Result<Vec<Listed>> {
    let listed = |entry: io::Result<std::fs::DirEntry>| {
        let entry = entry?;
        let about = entry.metadata()?;
        Ok((entry.file_name(), about.len(), about.modified().ok()))
    };
    let mut files = std::fs::read_dir(dir)?.map(listed).collect::<io::Result<Vec<Listed>>>()?;
    files.sort_unstable();
    Ok(files)
}

fn confirmation(file: &Path) -> Result<(Replayed, SignedNote), Unfit> {
    let note = SignedNote::parse(&read_regular(file, MOST_BYTES as u64)?)?;
    Ok((Replayed::parse(&note)?, note))
}
