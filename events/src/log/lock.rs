//! The lock of a data directory: one process at a time.

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use super::LogError;

/// The name of the file that is locked.
pub const NAME: &str = "lock";

/// Held for as long as the process uses the directory; let go when dropped, or when the process ends in any way.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock, making its file where there is none. [`LogError::Locked`] when another process has it.
    pub fn take(dir: &Path) -> Result<Self, LogError> {
        let path = dir.join(NAME);
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(&path);
        Self::hold(file.map_err(LogError::io("open", &path))?, &path)
    }

    /// Takes the lock without changing a byte of the directory: `None` where no process ever took it.
    pub fn take_read_only(dir: &Path) -> Result<Option<Self>, LogError> {
        let path = dir.join(NAME);
        match File::open(&path) {
            Ok(file) => Self::hold(file, &path).map(Some),
            Err(missing) if missing.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(LogError::io("open", &path)(source)),
        }
    }

    fn hold(file: File, path: &Path) -> Result<Self, LogError> {
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(LogError::Locked),
            Err(TryLockError::Error(source)) => Err(LogError::io("lock", path)(source)),
        }
    }
}
