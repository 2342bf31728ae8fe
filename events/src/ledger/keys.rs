//! Where the keys of a data directory lie, and what anchors them: the file `keyring.conf`, which is read at every open.
//!
//! ```text
//! copy keyring            a copy of the keyring; each in a directory of its own, better on a disk of its own
//! copy keyring.copy
//! anchor file anchor      a member of the anchor, of level A0
//! ```
//!
//! Paths begin at the data directory, or are whole. Without the file it is as above.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use domain::id::LogId;

use super::directory::DirectoryError;
use crate::keyring::{Anchor, FileAnchor, Keyring};

/// The name of the file.
pub const NAME: &str = "keyring.conf";

/// What it says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Keys {
    /// The directories of the keyring's copies.
    pub copies: Vec<PathBuf>,
    /// The directories of the file anchors.
    pub anchors: Vec<PathBuf>,
}

impl Keys {
    /// As it is where nothing is said.
    pub fn of(data: &Path) -> Self {
        Self {
            copies: ["keyring", "keyring.copy"].map(|name| data.join(name)).into(),
            anchors: vec![data.join("anchor")],
        }
    }

    /// What holds for a data directory.
    ///
    /// # Errors
    /// A line that says nothing known, or no copy, or no anchor.
    pub fn read(data: &Path) -> Result<Self, DirectoryError> {
        let text = match fs::read_to_string(data.join(NAME)) {
            Ok(text) => text,
            Err(none) if none.kind() == io::ErrorKind::NotFound => return Ok(Self::of(data)),
            Err(source) => return Err(DirectoryError::Io { action: "read", source }),
        };
        let mut keys = Self { copies: Vec::new(), anchors: Vec::new() };
        let lines = text.lines().map(str::trim);
        for (number, line) in (1..).zip(lines).filter(|(_, line)| !line.is_empty() && !line.starts_with('#')) {
            match line.split_once(' ').map(|(word, rest)| (word, rest.trim())) {
                Some(("copy", path)) => keys.copies.push(data.join(path)),
                Some(("anchor", rest)) if rest.starts_with("file ") => {
                    keys.anchors.push(data.join(rest.trim_start_matches("file ").trim()));
                }
                _ => return Err(DirectoryError::KeysUnclear { line: number }),
            }
        }
        if keys.copies.is_empty() || keys.anchors.is_empty() {
            return Err(DirectoryError::KeysUnclear { line: 0 });
        }
        Ok(keys)
    }

    /// The members of the anchor.
    pub fn anchor(&self) -> Result<Vec<Box<dyn Anchor>>, DirectoryError> {
        let member = |dir: &PathBuf| Ok(Box::new(FileAnchor::at(dir)?) as Box<dyn Anchor>);
        self.anchors.iter().map(member).collect()
    }

    /// Makes an empty keyring.
    pub(super) fn create(&self, log: LogId) -> Result<Keyring, DirectoryError> {
        Ok(Keyring::create(&self.copies, self.anchor()?, log)?)
    }

    /// Opens the keyring.
    pub(super) fn open(&self, log: LogId) -> Result<Keyring, DirectoryError> {
        Ok(Keyring::open(&self.copies, self.anchor()?, log)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Keys, DirectoryError> {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(NAME), text).unwrap();
        Keys::read(dir.path())
    }

    #[test]
    fn copies_and_anchors_may_lie_elsewhere() {
        let keys = read("# two disks\ncopy /mnt/one\ncopy  /mnt/two\n\nanchor file /mnt/three\n").unwrap();
        assert_eq!(keys.copies, ["/mnt/one", "/mnt/two"].map(PathBuf::from));
        assert_eq!(keys.anchors, [PathBuf::from("/mnt/three")]);
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(Keys::read(dir.path()).unwrap(), Keys::of(dir.path()));
    }

    #[test]
    fn what_is_unclear_is_refused_with_its_line() {
        let line = |text| match read(text) {
            Err(DirectoryError::KeysUnclear { line }) => Some(line),
            _ => None,
        };
        assert_eq!(line("copy one\ncopies two\n"), Some(2));
        assert_eq!(line("copy one\nanchor cloud two\n"), Some(2));
        assert_eq!(line("copy one\n"), Some(0), "no anchor");
        assert_eq!(line(""), Some(0), "nothing");
    }
}
