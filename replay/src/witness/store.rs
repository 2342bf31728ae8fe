//! What a witness keeps on disk: for each log one file, the note that it cosigned last. It proves itself: the cosignature in
//! it is by the witness's own key, so what was torn, bent or brought from elsewhere is told from what was written here. That
//! a whole file is gone, or an older one put in its place, nothing here can tell; the directory belongs to the witness alone.

use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use events::checkpoint::Checkpoint;
use events::log::LogError;
use events::log::lock::Lock;
use events::log::segment::{make_dir, sync_dir};
use events::note::{MOST_BYTES, SignedNote, VerifierKey};
use sha2::{Digest as _, Sha256};

use super::State;
use crate::source::read_regular;

/// The directory with one file for each log.
const LOGS: &str = "logs";
/// The key, where it lies in the directory too.
const KEY: &str = "key";
/// The extension of a file while it is written.
const MAKING: &str = "new";

/// A state directory that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another witness uses it.
    #[error("another witness uses the state directory {0}")]
    InUse(PathBuf),
    /// The operating system refused.
    #[error("cannot {action} {path}: {source}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A file is not one that this witness has written.
    #[error(
        "{path} is no state of this witness: {why}. Nothing is cosigned until it is whole again; a witness that forgot what \
         it saw could cosign another history"
    )]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// The directory cannot be locked or synced.
    #[error(transparent)]
    Log(LogError),
}

/// The state directory, held by this process alone.
pub struct Store {
    dir: PathBuf,
    logs: PathBuf,
    _lock: Lock,
}

impl Store {
    /// Locks the directory, making it where there is none. It is refused when it has a key but no states any more.
    pub fn hold(dir: &Path) -> Result<Self, StoreError> {
        make_dir(dir).map_err(StoreError::Log)?;
        let lock = Lock::take(dir).map_err(|failed| match failed {
            LogError::Locked => StoreError::InUse(dir.to_owned()),
            failed => StoreError::Log(failed),
        })?;
        let logs = dir.join(LOGS);
        // The states' directory is made before a key is drawn, so a key without it has lost what it cosigned.
        if dir.join(KEY).exists() && !logs.exists() {
            return Err(StoreError::Foreign { path: logs, why: "it is gone, and the key is there".into() });
        }
        make_dir(&logs).map_err(StoreError::Log)?;
        Ok(Self { dir: dir.to_owned(), logs, _lock: lock })
    }

    /// Where the key of the witness lies, unless it lies elsewhere.
    pub fn key_file(&self) -> PathBuf {
        self.dir.join(KEY)
    }

    /// Reads every state into `state`. Refused when one is not this witness's own.
    pub(super) fn load(&self, key: &VerifierKey, state: &mut State) -> Result<(), StoreError> {
        for entry in fs::read_dir(&self.logs).map_err(failed("list", &self.logs))? {
            let path = entry.map_err(failed("list", &self.logs))?.path();
            if path.extension() == Some(MAKING.as_ref()) {
                // Its write was never finished, so nobody got an answer for it.
                fs::remove_file(&path).map_err(failed("remove", &path))?;
                continue;
            }
            let (checkpoint, at) = whole(&path, key, state)?;
            state.see(&checkpoint, at);
        }
        Ok(())
    }

    /// Replaces the state of a log. Durable when it returns; a crash leaves the old one or the new one.
    pub(super) fn write(&self, origin: &str, note: &SignedNote) -> Result<(), StoreError> {
        let path = self.logs.join(file_name(origin));
        let making = path.with_extension(MAKING);
        let mut options = OpenOptions::new();
        let file = options
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&making)
            .map_err(failed("open", &making))?;
        file.write_all_at(note.to_string().as_bytes(), 0).map_err(failed("write", &making))?;
        file.sync_all().map_err(failed("sync", &making))?;
        fs::rename(&making, &path).map_err(failed("rename", &making))?;
        sync_dir(&self.logs).map_err(StoreError::Log)
    }

    /// The state of the log with this file name, when there is one.
    pub(super) fn read(&self, name: &str) -> Option<SignedNote> {
        let plain = name.len() == 64 && name.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        let bytes = plain.then(|| fs::read(self.logs.join(name)).ok())??;
        SignedNote::parse(&bytes).ok()
    }
}

/// The state in a file, when it is whole and this witness's own.
fn whole(path: &Path, key: &VerifierKey, state: &State) -> Result<(Checkpoint, u64), StoreError> {
    let foreign = |why: String| StoreError::Foreign { path: path.to_owned(), why };
    let bytes = read_regular(path, MOST_BYTES as u64).map_err(failed("read", path))?;
    let note = SignedNote::parse(&bytes).map_err(|bad| foreign(bad.to_string()))?;
    let checkpoint = Checkpoint::parse(note.text()).map_err(|bad| foreign(bad.to_string()))?;
    if path.file_name() != Some(file_name(&checkpoint.origin).as_ref()) {
        return Err(foreign(format!("it is the state of {} under the name of another", checkpoint.origin)));
    }
    let signed = note.verify(std::slice::from_ref(key)).map_err(|bad| foreign(bad.to_string()))?;
    let at = signed.first().and_then(|signed| signed.at).ok_or_else(|| foreign("it has no time".into()))?;
    // A log that has since changed its key, or is trusted no more, has no signature that could be checked.
    match note.verify(state.trusted(&checkpoint.origin)) {
        Err(events::note::NoteError::Wrong(log)) => Err(foreign(format!("the signature of {log} is wrong"))),
        _ => Ok((checkpoint, at)),
    }
}

fn failed<'a>(action: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> StoreError + 'a {
    move |source| StoreError::Io { action, path: path.to_owned(), source }
}

/// The SHA-256 hash of the origin in hexadecimal digits.
pub(super) fn file_name(origin: &str) -> String {
    Sha256::digest(origin).iter().map(|byte| format!("{byte:02x}")).collect()
}
