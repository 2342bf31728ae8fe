//! A keyring in two directories and its anchor in a third.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use tempfile::TempDir;

use super::*;
use crate::keyring::disk::cut;

pub const LOG: LogId = LogId([7; 16]);

pub struct Home(pub TempDir);

/// Every file below some directories, by path.
pub type Files = BTreeMap<PathBuf, Vec<u8>>;

impl Home {
    pub fn new() -> Self {
        // In memory where there is such a place: files are cut by hand here, and thousands of syncs would only wait.
        let memory = PathBuf::from("/dev/shm");
        Self(if memory.is_dir() { TempDir::new_in(memory) } else { TempDir::new() }.unwrap())
    }

    pub fn copies(&self) -> Vec<PathBuf> {
        ["keyring", "keyring.copy"].map(|name| self.0.path().join(name)).into()
    }

    pub fn file_anchor(&self) -> FileAnchor {
        FileAnchor::at(self.0.path().join("anchor")).unwrap()
    }

    pub fn anchor(&self) -> Vec<Box<dyn Anchor>> {
        vec![Box::new(self.file_anchor())]
    }

    pub fn create(&self) -> Keyring {
        Keyring::create(&self.copies(), self.anchor(), LOG).unwrap()
    }

    pub fn open(&self) -> Keyring {
        self.try_open().unwrap()
    }

    pub fn try_open(&self) -> Result<Keyring, KeyringError> {
        let anchor: Box<dyn Anchor> = Box::new(FileAnchor::at(self.0.path().join("anchor"))?);
        Keyring::open(&self.copies(), vec![anchor], LOG)
    }

    /// All files, keyring and anchor.
    pub fn files(&self) -> Files {
        let mut files = Files::new();
        for dir in fs::read_dir(self.0.path()).unwrap() {
            let dir = dir.unwrap().path();
            for file in fs::read_dir(dir).unwrap() {
                let path = file.unwrap().path();
                files.insert(path.strip_prefix(self.0.path()).unwrap().to_owned(), fs::read(&path).unwrap());
            }
        }
        files
    }

    /// Puts files back as they were, and removes all others.
    pub fn put(&self, files: &Files) {
        for dir in fs::read_dir(self.0.path()).unwrap() {
            fs::remove_dir_all(dir.unwrap().path()).unwrap();
        }
        for (path, bytes) in files {
            let path = self.0.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
    }

    /// Every byte of every file.
    pub fn everything(&self) -> Vec<u8> {
        self.files().into_values().flatten().collect()
    }
}

/// An anchor that can be told to fail after so many calls, as a token does that is pulled out. Every call is a step at
/// which a process may end, too.
pub struct Shaky<A> {
    pub anchor: A,
    pub left: Arc<AtomicI64>,
}

/// What lets a [`Shaky`] anchor never fail.
pub const STEADY: i64 = i64::MAX / 2;

impl<A: Anchor> Shaky<A> {
    pub fn new(anchor: A) -> (Self, Arc<AtomicI64>) {
        let left = Arc::new(AtomicI64::new(STEADY));
        (Self { anchor, left: left.clone() }, left)
    }

    fn call<T>(&self, done: impl FnOnce(&A) -> Result<T, AnchorError>) -> Result<T, AnchorError> {
        if self.left.fetch_sub(1, Ordering::Relaxed) <= 0 {
            self.left.fetch_add(1, Ordering::Relaxed);
            return Err(std::io::Error::other("the token is gone").into());
        }
        cut::step()?;
        done(&self.anchor)
    }
}

impl<A: Anchor> Anchor for Shaky<A> {
    fn identity(&self) -> Identity {
        self.anchor.identity()
    }

    fn level(&self) -> Level {
        self.anchor.level()
    }

    fn describe(&self) -> Description {
        self.anchor.describe()
    }

    fn declare(&self, declared: &Declared) -> Result<Level, AnchorError> {
        self.call(|anchor| anchor.declare(declared))
    }

    fn roots(&self, log: LogId) -> Result<Vec<u64>, AnchorError> {
        self.call(|anchor| anchor.roots(log))
    }

    fn create_root(&self, log: LogId, root: u64) -> Result<(), AnchorError> {
        self.call(|anchor| anchor.create_root(log, root))
    }

    fn destroy_root(&self, log: LogId, root: u64) -> Result<(), AnchorError> {
        self.call(|anchor| anchor.destroy_root(log, root))
    }

    fn seal(&self, log: LogId, root: u64, top: &Key) -> Result<Vec<u8>, AnchorError> {
        self.call(|anchor| anchor.seal(log, root, top))
    }

    fn open(&self, log: LogId, root: u64, sealed: &[u8]) -> Result<Key, AnchorError> {
        self.call(|anchor| anchor.open(log, root, sealed))
    }
}

pub fn mint(ring: &Keyring, count: usize) -> Vec<(KeyId, Key)> {
    (0..count).map(|_| ring.mint().unwrap()).collect()
}

pub fn ids(keys: &[(KeyId, Key)]) -> Vec<KeyId> {
    keys.iter().map(|(id, _)| *id).collect()
}

pub fn all_used(_: &KeyId) -> bool {
    true
}

/// Waits until the thread behind the ring has drawn so many slots.
pub fn drawn(ring: &Keyring, count: usize) {
    while ring.fingerprints().len() < count {
        std::thread::yield_now();
    }
}

/// A keyring with so many slots, all of them drawn and none handed out by anybody but the caller.
pub fn filled(home: &Home, slots: usize) -> Keyring {
    let ring = home.create();
    ring.ring.fill(256).unwrap();
    while ring.fingerprints().len() < slots {
        ring.ring.fill((slots - ring.fingerprints().len()).min(4096)).unwrap();
    }
    ring
}

pub fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

pub fn is_in(path: &Path, dir: &str) -> bool {
    path.starts_with(dir)
}
