//! A directory of root files: level A0, since whoever copied a file before has the root after.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use blake3::hazmat::hash_derive_key_context;
use chacha20poly1305::aead::AeadInPlace;
use chacha20poly1305::{KeyInit, Tag, XChaCha20Poly1305, XNonce};
use domain::id::LogId;
use zeroize::Zeroizing;

use super::{Anchor, AnchorError, Description, Identity, Level, associated, each_once};
use crate::bytes::Reader;
use crate::derive::{Context, derive};
use crate::keyring::Key;
use crate::random;

static ROOT_CHECK: Context = Context::new(|| hash_derive_key_context("lethe 2026-11 anchor: root check"));

/// The first bytes of a root file.
pub(in crate::keyring) const ROOT_MAGIC: [u8; 16] = *b"lethe root file\n";
const SEALED: usize = 24 + 32 + 16;
/// The name of the file with what tells this directory from others: 32 hex digits, drawn when it is made.
const ID: &str = "id";

/// Level A0: each root is a file in a directory of its own, which should not lie on the disk of the keyring.
///
/// ```text
/// magic (16) · log id (16) · root (u64) · 32 random bytes · check (32) = BLAKE3 derive_key over all before it
/// ```
pub struct FileAnchor {
    dir: PathBuf,
    id: String,
}

impl FileAnchor {
    /// The anchor in this directory, which is made (mode 0700) and given its id where they are missing.
    pub fn at(dir: impl Into<PathBuf>) -> Result<Self, AnchorError> {
        let dir = dir.into();
        make_dir(&dir)?;
        let id = match fs::read(dir.join(ID)) {
            Ok(bytes) => parse_id(&bytes).ok_or(AnchorError::DamagedId)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => name(&dir)?,
            Err(error) => return Err(error.into()),
        };
        Ok(Self { dir, id })
    }

    fn path(&self, log: LogId, root: u64) -> PathBuf {
        self.dir.join(format!("{log}.{root}"))
    }

    fn key(&self, log: LogId, root: u64) -> Result<Key, AnchorError> {
        let bytes = match fs::read(self.path(log, root)) {
            Ok(bytes) => Zeroizing::new(bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(AnchorError::NoRoot { log, root }),
            Err(error) => return Err(error.into()),
        };
        parse(&bytes, log, root).ok_or(AnchorError::Damaged { log, root })
    }
}

impl Anchor for FileAnchor {
    fn identity(&self) -> Identity {
        Identity::new("file", &[&self.id])
    }

    fn level(&self) -> Level {
        Level::A0
    }

    fn describe(&self) -> Description {
        let words = format!("root files in {}: {}", self.dir.display(), Level::A0.words());
        Description { kind: "file", level: Level::A0, serial: Some(self.id.clone()), words }
    }

    fn roots(&self, log: LogId) -> Result<Vec<u64>, AnchorError> {
        let mut roots = Vec::new();
        for entry in fs::read_dir(&self.dir)? {
            let name = entry?.file_name();
            let number = name.to_str().and_then(|name| name.strip_prefix(&format!("{log}.")));
            roots.extend(number.and_then(|number| number.parse::<u64>().ok()));
        }
        each_once(log, roots)
    }

    fn create_root(&self, log: LogId, root: u64) -> Result<(), AnchorError> {
        if self.path(log, root).try_exists()? {
            return Err(AnchorError::Exists { log, root });
        }
        let key = Key::random()?;
        let mut bytes = Zeroizing::new(Vec::with_capacity(104));
        bytes.extend_from_slice(&ROOT_MAGIC);
        bytes.extend_from_slice(&log.0);
        bytes.extend_from_slice(&root.to_be_bytes());
        bytes.extend_from_slice(key.expose());
        let check = derive(&ROOT_CHECK, &[&bytes]);
        bytes.extend_from_slice(&check);
        Ok(write(&self.dir, &self.path(log, root), &bytes)?)
    }

    fn destroy_root(&self, log: LogId, root: u64) -> Result<(), AnchorError> {
        let path = self.path(log, root);
        let file = match OpenOptions::new().write(true).open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        let length = file.metadata()?.len().min(4096);
        file.write_all_at(&vec![0; usize::try_from(length).unwrap_or_default()], 0)?;
        file.sync_all()?;
        fs::remove_file(&path)?;
        sync_dir(&self.dir)?;
        if path.try_exists()? { Err(AnchorError::Remains { log, root }) } else { Ok(()) }
    }

    fn seal(&self, log: LogId, root: u64, top: &Key) -> Result<Vec<u8>, AnchorError> {
        let cipher = XChaCha20Poly1305::new(self.key(log, root)?.expose().into());
        let nonce: [u8; 24] = random::bytes()?;
        let mut sealed = Zeroizing::new(*top.expose());
        let tag = cipher
            .encrypt_in_place_detached(XNonce::from_slice(&nonce), &associated(log, root), sealed.as_mut_slice())
            .map_err(|_| AnchorError::DoesNotOpen)?;
        Ok([&nonce, sealed.as_slice(), &tag].concat())
    }

    fn open(&self, log: LogId, root: u64, sealed: &[u8]) -> Result<Key, AnchorError> {
        open_under(&self.key(log, root)?, log, root, sealed).ok_or(AnchorError::DoesNotOpen)
    }
}

/// The top key that was sealed under a root of this number, by these 32 bytes of it.
pub(in crate::keyring) fn open_under(root: &Key, log: LogId, number: u64, sealed: &[u8]) -> Option<Key> {
    let sealed: &[u8; SEALED] = sealed.try_into().ok()?;
    let mut reader = Reader::new(sealed);
    let nonce: [u8; 24] = reader.array("nonce").ok()?;
    let mut key: Zeroizing<[u8; 32]> = Zeroizing::new(reader.array("key").ok()?);
    let tag: [u8; 16] = reader.array("tag").ok()?;
    let about = associated(log, number);
    let cipher = XChaCha20Poly1305::new(root.expose().into());
    cipher
        .decrypt_in_place_detached(XNonce::from_slice(&nonce), &about, key.as_mut_slice(), Tag::from_slice(&tag))
        .ok()?;
    Some(Key::copy(&key))
}

/// The root that bytes of any kind begin with. Its check may be wrong: it opens something, or nothing.
pub(in crate::keyring) fn carve_root(bytes: &[u8]) -> Option<(LogId, u64, Key)> {
    let mut reader = Reader::new(bytes.strip_prefix(&ROOT_MAGIC)?);
    let (log, number) = (LogId(reader.array("log id").ok()?), reader.u64("root").ok()?);
    Some((log, number, Key::new(reader.array("key").ok()?)))
}

/// Draws an id for a directory. Durable when it returns.
fn name(dir: &Path) -> Result<String, AnchorError> {
    let drawn: [u8; 16] = random::bytes()?;
    let id: String = drawn.iter().map(|byte| format!("{byte:02x}")).collect();
    write(dir, &dir.join(ID), format!("{id}\n").as_bytes())?;
    Ok(id)
}

/// Writes a file whole beside its name and gives it the name. Durable when it returns.
fn write(dir: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let unfinished = path.with_extension("new");
    let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
    file.write_all_at(bytes, 0)?;
    file.sync_all()?;
    fs::rename(&unfinished, path)?;
    sync_dir(dir)
}

/// Makes a directory, and its entry in the one above durable.
pub(in crate::keyring) fn make_dir(dir: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    match dir.parent() {
        Some(above) if !above.as_os_str().is_empty() => sync_dir(above),
        _ => sync_dir(Path::new(".")),
    }
}

pub(in crate::keyring) fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

fn parse_id(bytes: &[u8]) -> Option<String> {
    let digits: &[u8; 32] = bytes.strip_suffix(b"\n")?.try_into().ok()?;
    let is_digit = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    digits.iter().all(is_digit).then(|| digits.iter().copied().map(char::from).collect())
}

fn parse(bytes: &[u8], log: LogId, root: u64) -> Option<Key> {
    let (said, check) = bytes.split_last_chunk::<32>()?;
    let body = said.strip_prefix(&ROOT_MAGIC)?.strip_prefix(&log.0)?.strip_prefix(&root.to_be_bytes())?;
    let key: &[u8; 32] = body.try_into().ok()?;
    (derive(&ROOT_CHECK, &[said]) == *check).then(|| Key::copy(key))
}
