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
//! Paths begin at the data directory, or are whole. Without the file it is as in the first lines. While a keyring moves to
//! another anchor, lines with `moving` name its members; who opens the keyring finishes the move or undoes it, and writes
//! the file anew.

use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use domain::id::LogId;

use super::directory::DirectoryError;
use crate::keyring::{Anchor, AnchorSettings, Anchors, Description, Destroyed, Identity, Keyring, KeyringError};
use crate::place;

/// The name of the file.
pub const NAME: &str = "keyring.conf";

/// What it says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Keys {
    /// The directories of the keyring's copies.
    pub copies: Vec<PathBuf>,
    /// The members of the anchor.
    pub anchors: Vec<AnchorSettings>,
    /// The members of the one that the keyring moves to, where that is not over.
    pub moving: Vec<AnchorSettings>,
}

/// What a move did.
#[derive(Debug)]
pub struct Moved {
    /// From which epoch to which.
    pub destroyed: Destroyed,
    /// The members of the anchor now.
    pub members: Vec<Description>,
}

impl Keys {
    /// As it is where nothing is said.
    pub fn of(data: &Path) -> Self {
        Self {
            copies: ["keyring", "keyring.copy"].map(|name| data.join(name)).into(),
            anchors: vec![AnchorSettings::of(data)],
            moving: Vec::new(),
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
        let mut keys = Self { copies: Vec::new(), anchors: Vec::new(), moving: Vec::new() };
        let lines = text.lines().map(str::trim);
        for (number, line) in (1..).zip(lines).filter(|(_, line)| !line.is_empty() && !line.starts_with('#')) {
            match line.split_once(' ').map(|(word, rest)| (word, rest.trim())) {
                Some(("copy", path)) => keys.copies.push(data.join(path)),
                Some((word @ ("anchor" | "moving"), rest)) => {
                    let settings = settings(rest).ok_or(DirectoryError::KeysUnclear { line: number })?.below(data);
                    if word == "anchor" { keys.anchors.push(settings) } else { keys.moving.push(settings) }
                }
                _ => return Err(DirectoryError::KeysUnclear { line: number }),
            }
        }
        if keys.copies.is_empty() || keys.anchors.is_empty() {
            return Err(DirectoryError::KeysUnclear { line: 0 });
        }
        Ok(keys)
    }

    /// The members of the anchor, and of the one that the keyring moves to. Tokens are logged in to; one that is away is no
    /// error where another member is there. The second answer is whether one is away.
    pub fn anchor(&self) -> Result<(Anchors, bool), DirectoryError> {
        Ok(Anchors::reach(&self.copies, &self.anchors, &self.moving)?)
    }

    /// Writes the file. Durable when it returns.
    pub fn write(&self, data: &Path) -> Result<(), DirectoryError> {
        let mut text = String::from("# where the keys lie, and what holds their root\n");
        let lines = self.copies.iter().map(|copy| Ok(format!("copy {}", said(data, copy)?)));
        let members = |word: &'static str, members: &[AnchorSettings]| -> Vec<Result<String, DirectoryError>> {
            let line = |member: &AnchorSettings| {
                let unsayable = || DirectoryError::Unsayable { path: data.join(NAME) };
                Ok(format!("{word} {}", member.clone().from(data).line().ok_or_else(unsayable)?))
            };
            members.iter().map(line).collect()
        };
        for line in lines.chain(members("anchor", &self.anchors)).chain(members("moving", &self.moving)) {
            text.push_str(&line?);
            text.push('\n');
        }
        let (new, path) = (data.join(format!("{NAME}.new")), data.join(NAME));
        let written = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new);
        let written = written.and_then(|file| file.write_all_at(text.as_bytes(), 0).and_then(|()| file.sync_all()));
        let named = written.and_then(|()| fs::rename(&new, &path)).and_then(|()| fs::File::open(data)?.sync_all());
        named.map_err(|source| DirectoryError::Io { action: "write to", source })
    }

    /// Whether the keys may be placed so: none too many, nothing where anything else lies, and no root beside the keys that it
    /// opens.
    pub(super) fn check(copies: &[PathBuf], anchors: &[AnchorSettings]) -> Result<(), DirectoryError> {
        Keyring::check_places(copies, anchors.len())?;
        let dirs = anchors.iter().filter_map(|settings| match settings {
            AnchorSettings::File { dir } => Some(dir),
            AnchorSettings::Pkcs11(_) => None,
        });
        let places: Vec<(&PathBuf, PathBuf)> = copies.iter().chain(dirs).map(|dir| (dir, place::of(dir))).collect();
        for (number, (one, at)) in places.iter().enumerate() {
            for (other, inside) in places.iter().skip(number + 1) {
                if at.starts_with(inside) || inside.starts_with(at) {
                    return Err(DirectoryError::Shared { one: PathBuf::from(one), other: PathBuf::from(other) });
                }
            }
        }
        let twice = |settings: &&AnchorSettings| anchors.iter().filter(|other| other == settings).count() > 1;
        match anchors.iter().find(twice) {
            Some(AnchorSettings::Pkcs11(token)) => {
                let identity = Identity::new("pkcs11", &[&token.token.to_string()]);
                Err(KeyringError::SameMember { identity }.into())
            }
            _ => Ok(()),
        }
    }

    /// Whether there is a copy of a keyring, whosever it is.
    pub(super) fn exist(&self) -> io::Result<bool> {
        let exist = self.copies.iter().map(|copy| Keyring::exists(copy)).collect::<io::Result<Vec<bool>>>()?;
        Ok(exist.contains(&true))
    }

    /// Whether a member of the anchor holds a root of this log. A directory of root files that is missing is not made for it.
    pub(super) fn have_root(&self, log: LogId) -> Result<bool, DirectoryError> {
        for member in self.anchors.iter().chain(&self.moving) {
            let is_missing = matches!(member, AnchorSettings::File { dir } if !dir.exists());
            if !is_missing && !member.anchor()?.roots(log)?.is_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Makes an empty keyring. One of this log that is there was never in service.
    pub(super) fn create(&self, log: LogId) -> Result<Keyring, DirectoryError> {
        Keyring::unmake(&self.copies, log)?;
        Ok(Keyring::create(&self.copies, anchors(&self.anchors)?, log)?)
    }

    /// Opens the keyring of a data directory. A move that is over is so in the file, too, when it returns.
    pub(super) fn open(data: &Path, log: LogId) -> Result<Keyring, DirectoryError> {
        let keys = Self::read(data)?;
        let (given, is_away) = keys.anchor()?;
        let to: Vec<Identity> = given.moving.iter().map(|anchor| anchor.identity()).collect();
        let keyring = Keyring::open(&keys.copies, given, log)?;
        if keys.moving.is_empty() || is_away || keyring.is_unfinished() {
            return Ok(keyring);
        }
        let members = keyring.status().members;
        let moved = members.len() == to.len() && members.iter().all(|member| to.contains(&member.identity));
        let anchors = if moved { keys.moving } else { keys.anchors };
        Self { anchors, moving: Vec::new(), ..keys }.write(data)?;
        tracing::warn!(finished = moved, "a move of the keyring to another anchor was cut short");
        Ok(keyring)
    }

    /// Moves the keyring of a data directory that nobody uses to other members of its anchor. What is to happen stands in
    /// the file before it begins, so that the next open finishes or undoes it.
    pub(super) fn move_to(data: &Path, to: Vec<AnchorSettings>, log: LogId) -> Result<Moved, DirectoryError> {
        // A move before it that was cut short, or any rotation, is to be over.
        let keyring = Self::open(data, log)?;
        keyring.finish()?;
        drop(keyring);
        let keys = Self::read(data)?;
        let to: Vec<AnchorSettings> = to.into_iter().map(|settings| settings.below(data)).collect();
        Self::check(&keys.copies, &to)?;
        let (from, new) = (anchors(&keys.anchors)?, anchors(&to)?);
        Keyring::may_move(&from, &new, log)?;
        let members = new.iter().map(|anchor| anchor.describe()).collect();
        Self { moving: to.clone(), ..keys.clone() }.write(data)?;
        let moved = Keyring::relocate(&keys.copies, from, new, log);
        if moved.is_err() {
            // It is where it was, or over but for old roots: the file is to say which.
            if let Err(error) = Self::open(data, log) {
                tracing::error!(%error, "a move of the keyring is finished or undone when it is opened");
            }
        }
        let destroyed = moved?;
        Self { anchors: to, ..keys }.write(data)?;
        Ok(Moved { destroyed, members })
    }
}

pub(super) fn anchors(settings: &[AnchorSettings]) -> Result<Vec<Box<dyn Anchor>>, DirectoryError> {
    settings.iter().map(|member| Ok(member.anchor()?)).collect()
}

/// A path as the file says it: from the data directory on where it lies there.
fn said(data: &Path, path: &Path) -> Result<String, DirectoryError> {
    let said = path.strip_prefix(data).unwrap_or(path).to_str();
    let said = said.filter(|said| !said.contains(char::is_control) && said.trim() == *said && !said.is_empty());
    said.map(str::to_owned).ok_or_else(|| DirectoryError::Unsayable { path: path.to_owned() })
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
    use crate::keyring::{AnchorError, FileAnchor, Key, Level};

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

    const LOG: LogId = LogId([7; 16]);

    /// A directory of root files that calls itself a token.
    struct Token(FileAnchor);

    impl Anchor for Token {
        fn identity(&self) -> Identity {
            Identity::new("pkcs11", &["maker", "model", "1"])
        }
        fn level(&self) -> Level {
            self.0.level()
        }
        fn describe(&self) -> Description {
            self.0.describe()
        }
        fn roots(&self, log: LogId) -> Result<Vec<u64>, AnchorError> {
            self.0.roots(log)
        }
        fn create_root(&self, log: LogId, root: u64) -> Result<(), AnchorError> {
            self.0.create_root(log, root)
        }
        fn destroy_root(&self, log: LogId, root: u64) -> Result<(), AnchorError> {
            self.0.destroy_root(log, root)
        }
        fn seal(&self, log: LogId, root: u64, top: &Key) -> Result<Vec<u8>, AnchorError> {
            self.0.seal(log, root, top)
        }
        fn open(&self, log: LogId, root: u64, sealed: &[u8]) -> Result<Key, AnchorError> {
            self.0.open(log, root, sealed)
        }
    }

    /// A keyring with a token as a member, and the token is away.
    fn with_token_away(files: &[&str], conf: &str) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| FileAnchor::at(dir.path().join(name)).unwrap();
        let mut anchors: Vec<Box<dyn Anchor>> = vec![Box::new(Token(at("token")))];
        anchors.extend(files.iter().map(|name| Box::new(at(name)) as Box<dyn Anchor>));
        let copies = ["keyring", "keyring.copy"].map(|name| dir.path().join(name));
        drop(Keyring::create(&copies, anchors, LOG).unwrap());
        fs::write(dir.path().join(NAME), format!("copy keyring\ncopy keyring.copy\n{conf}")).unwrap();
        dir
    }

    const AWAY: &str = r#"pkcs11 = { library = "/none/p11.so", token = { label = "one" }, pin = { env = "PIN" } }"#;

    #[test]
    fn a_keyring_opens_without_a_token_that_is_away_where_another_member_is_there() {
        let dir = with_token_away(&["anchor"], &format!("anchor {AWAY}\nanchor file anchor\n"));
        let keyring = Keys::open(dir.path(), LOG).unwrap();
        let members = keyring.status().members;
        assert!(members[0].description.words.contains("pkcs11 maker model 1 is away"), "{members:?}");
        assert!(members[0].roots.is_err() && members[1].roots.as_ref().is_ok_and(|roots| roots.len() == 1));
        assert!(keyring.rotate().is_err(), "both are to lose their root");
        assert_eq!(keyring.epoch(), 0);
    }

    #[test]
    fn a_keyring_whose_only_token_is_away_is_refused_with_the_reason() {
        for conf in [format!("anchor {AWAY}\n"), format!("anchor {AWAY}\nanchor file strange\n")] {
            let dir = with_token_away(&[], &conf);
            let refused = Keys::open(dir.path(), LOG).err().unwrap().to_string();
            assert!(refused.contains("/none/p11.so"), "{refused}");
        }
    }

    /// The keyring was to move to a token that is away since, or from one.
    #[test]
    fn a_keyring_that_was_to_move_opens_where_it_is_and_the_move_is_not_forgotten() {
        let to = format!("anchor file anchor\nmoving {AWAY}\n");
        let dir = tempfile::tempdir().unwrap();
        let copies = ["keyring", "keyring.copy"].map(|name| dir.path().join(name));
        let anchor: Box<dyn Anchor> = Box::new(FileAnchor::at(dir.path().join("anchor")).unwrap());
        drop(Keyring::create(&copies, vec![anchor], LOG).unwrap());
        fs::write(dir.path().join(NAME), format!("copy keyring\ncopy keyring.copy\n{to}")).unwrap();
        let keyring = Keys::open(dir.path(), LOG).unwrap();
        assert_eq!(keyring.status().members.len(), 1);
        drop(keyring);
        assert_eq!(Keys::read(dir.path()).unwrap().moving.len(), 1, "a root may be left there");
    }
}
