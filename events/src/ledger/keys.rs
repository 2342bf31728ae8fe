//! Where the keys of a data directory lie, and what anchors them: the file `keyring.conf`, which is read at every open.
//!
//! ```text
//! copy keyring            a copy of the keyring; each in a directory of its own, better on a disk of its own
//! copy keyring.copy
//! anchor file anchor      a member of the anchor: a directory of root files
//! ```
//!
//! Behind `anchor` there may stand [`AnchorSettings`] too, in one line, as for a token:
//!
//! ```text
//! anchor pkcs11 = { library = "/usr/lib/softhsm/libsofthsm2.so", token = { label = "lethe" }, pin = { file = "/etc/lethe/pin" } }
//! ```
//!
//! Paths begin at the data directory, or are whole. Without the file it is as in the first lines.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use domain::id::LogId;

use super::directory::DirectoryError;
use crate::keyring::{Anchor, AnchorSettings, Keyring};

/// The name of the file.
pub const NAME: &str = "keyring.conf";

/// What it says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Keys {
    /// The directories of the keyring's copies.
    pub copies: Vec<PathBuf>,
    /// The members of the anchor, in the order of the keyring's header.
    pub anchors: Vec<AnchorSettings>,
}

impl Keys {
    /// As it is where nothing is said.
    pub fn of(data: &Path) -> Self {
        Self {
            copies: ["keyring", "keyring.copy"].map(|name| data.join(name)).into(),
            anchors: vec![AnchorSettings::of(data)],
        }
    }

    /// What holds for a data directory.
    ///
    /// # Errors
    /// A line that says nothing known, or no copy, or no anchor.
    pub fn read(data: &Path) -> Result<Self, DirectoryError> {
        match fs::read_to_string(data.join(NAME)) {
            Ok(text) => Self::parse(data, &text),
            Err(none) if none.kind() == io::ErrorKind::NotFound => Ok(Self::of(data)),
            Err(source) => Err(DirectoryError::Io { action: "read", source }),
        }
    }

    /// What such a file says, wherever it lies: its paths begin at this directory.
    ///
    /// # Errors
    /// A line that says nothing known, or no copy, or no anchor.
    pub fn parse(data: &Path, text: &str) -> Result<Self, DirectoryError> {
        let mut keys = Self { copies: Vec::new(), anchors: Vec::new() };
        let lines = text.lines().map(str::trim);
        for (number, line) in (1..).zip(lines).filter(|(_, line)| !line.is_empty() && !line.starts_with('#')) {
            match line.split_once(' ').map(|(word, rest)| (word, rest.trim())) {
                Some(("copy", path)) => keys.copies.push(data.join(path)),
                Some(("anchor", rest)) => {
                    let settings = settings(rest).ok_or(DirectoryError::KeysUnclear { line: number })?;
                    keys.anchors.push(settings.below(data));
                }
                _ => return Err(DirectoryError::KeysUnclear { line: number }),
            }
        }
        if keys.copies.is_empty() || keys.anchors.is_empty() {
            return Err(DirectoryError::KeysUnclear { line: 0 });
        }
        Ok(keys)
    }

    /// The members of the anchor. Tokens are logged in to.
    pub fn anchor(&self) -> Result<Vec<Box<dyn Anchor>>, DirectoryError> {
        self.anchors.iter().map(|member| Ok(member.anchor()?)).collect()
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

/// `file` and a directory, or a line of TOML. What is wrong with it is not said: a PIN may stand there by mistake.
fn settings(rest: &str) -> Option<AnchorSettings> {
    match rest.strip_prefix("file ").map(str::trim).filter(|dir| !dir.starts_with('=')) {
        Some(dir) => Some(AnchorSettings::File { dir: dir.into() }),
        None => toml::from_str(rest).ok(),
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
        assert_eq!(keys.anchors, [AnchorSettings::File { dir: "/mnt/three".into() }]);
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(Keys::read(dir.path()).unwrap(), Keys::of(dir.path()));
    }

    #[test]
    fn an_anchor_may_lie_in_a_token_and_a_file_beside_it() {
        let token = r#"pkcs11 = { library = "p11.so", token = { label = "our root" }, pin = { file = "/pin" } }"#;
        let keys = read(&format!("copy /one\nanchor {token}\nanchor file = {{ dir = \"/two\" }}\n")).unwrap();
        assert_eq!(keys.anchors, [toml::from_str(token).unwrap(), AnchorSettings::File { dir: "/two".into() }]);
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(NAME), "copy keyring\ncopy keyring.copy\nanchor file = { dir = \"anchor\" }")
            .unwrap();
        assert_eq!(Keys::read(dir.path()).unwrap(), Keys::of(dir.path()), "paths begin at the data directory");
    }

    #[test]
    fn what_is_unclear_is_refused_with_its_line() {
        let line = |text| match read(text) {
            Err(DirectoryError::KeysUnclear { line }) => Some(line),
            _ => None,
        };
        assert_eq!(line("copy one\ncopies two\n"), Some(2));
        assert_eq!(line("copy one\nanchor cloud two\n"), Some(2));
        assert_eq!(line("copy one\nanchor pkcs11 = { library = \"two\", pin = \"1234\" }\n"), Some(2), "a PIN");
        assert_eq!(line("copy one\n"), Some(0), "no anchor");
        assert_eq!(line(""), Some(0), "nothing");
    }
}
