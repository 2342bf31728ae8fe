//! What is done to the files of a keyring, and nothing else is: writing at a place, syncing, renaming, removing.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

use super::anchor;

/// How a file is opened: to read and write, by its owner alone.
pub(super) fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).mode(0o600);
    options
}

/// Writes at a place. Nothing is durable when it returns.
pub(super) fn write(file: &File, bytes: &[u8], at: u64) -> io::Result<()> {
    #[cfg(test)]
    cut::write(file, bytes, at)?;
    file.write_all_at(bytes, at)
}

/// What was written is durable when it returns.
pub(super) fn sync(file: &File) -> io::Result<()> {
    #[cfg(test)]
    cut::step()?;
    file.sync_data()
}

/// New names and lost ones are durable when it returns.
pub(super) fn sync_dir(dir: &Path) -> io::Result<()> {
    #[cfg(test)]
    cut::step()?;
    anchor::sync_dir(dir)
}

pub(super) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    #[cfg(test)]
    cut::step()?;
    fs::rename(from, to)
}

/// Removes a file. One that is not there is no error.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    #[cfg(test)]
    cut::step()?;
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Writes a file whole beside its name and gives it the name. The name is durable after a [`sync_dir`].
pub(super) fn replace(dir: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let beside = dir.join(format!("{name}.new"));
    let file = options().create(true).truncate(true).open(&beside)?;
    write(&file, bytes, 0)?;
    sync(&file)?;
    rename(&beside, &dir.join(name))
}

/// So many bytes from a place on; fewer where the file ends.
pub(super) fn read_up_to(file: &File, at: u64, length: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    let mut read = 0;
    while let Some(rest @ [_, ..]) = bytes.get_mut(read..) {
        match file.read_at(rest, at + read as u64) {
            Ok(0) => break,
            Ok(count) => read += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(read);
    Ok(bytes)
}

/// A whole file, or `None` where there is none.
pub(super) fn read_whole(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// For tests: the process ends at a chosen step of a thread, in the middle of a write where it is one.
#[cfg(test)]
pub(super) mod cut {
    use std::cell::Cell;

    use super::*;

    thread_local! {
        static LEFT: Cell<Option<u64>> = const { Cell::new(None) };
        static REFUSED: Cell<bool> = const { Cell::new(false) };
    }

    /// Lets so many steps of this thread happen and no more; `None` for all.
    pub(in super::super) fn after(steps: Option<u64>) {
        LEFT.set(steps);
        REFUSED.set(false);
    }

    /// Whether a step was refused.
    pub(in super::super) fn happened() -> bool {
        REFUSED.get()
    }

    pub(in super::super) fn step() -> io::Result<()> {
        match LEFT.get() {
            Some(0) => {
                REFUSED.set(true);
                Err(io::Error::other("the power is gone"))
            }
            left => {
                LEFT.set(left.map(|left| left - 1));
                Ok(())
            }
        }
    }

    /// The first write that is refused is half done.
    pub(super) fn write(file: &File, bytes: &[u8], at: u64) -> io::Result<()> {
        if LEFT.get() == Some(0) && !REFUSED.get() {
            file.write_all_at(&bytes[..bytes.len() / 2], at)?;
        }
        step()
    }
}
