//! What signs notes: a file with a key, or whatever stands in its place.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use ed25519_dalek::{Signer as _, SigningKey};
use zeroize::Zeroizing;

use crate::log::segment::sync_dir;
use crate::random::{self, NoRandomness};

/// The first line of a key file.
const MAGIC: &str = "lethe signing key 1\n";

/// A secret Ed25519 key, wherever it is kept: a file, a token.
pub trait Signer: Send + Sync {
    /// The public key.
    fn public(&self) -> [u8; 32];

    /// An Ed25519 signature over the message.
    ///
    /// # Errors
    /// When whatever holds the key does not answer.
    fn sign(&self, message: &[u8]) -> Result<[u8; 64], SignError>;
}

/// Nothing was signed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// The name cannot be a key's.
    #[error("the name cannot be a key's: it is empty, or has a space or a plus")]
    Name,
    /// What holds the key does not answer.
    #[error("what holds the signing key does not answer: {0}")]
    Silent(String),
}

/// A key file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SignerError {
    /// The operating system refused.
    #[error("cannot {action} the signing key {path}: {source}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// It is no key file.
    #[error("{0} is no signing key")]
    NoKey(PathBuf),
    /// No randomness.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
    /// The log cannot sync.
    #[error(transparent)]
    Log(#[from] crate::log::LogError),
}

/// A key in a file that only its owner may read: one line that says so, and 32 bytes as hexadecimal digits. It belongs to
/// no backup of the data directory: whoever has both can sign another history.
pub struct FileSigner {
    key: SigningKey,
}

impl FileSigner {
    /// Reads the key of a file, or draws one where there is no file. Durable when it returns.
    pub fn at(path: &Path) -> Result<Self, SignerError> {
        match Self::read(path) {
            Err(SignerError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => Self::create(path),
            read => read,
        }
    }

    /// Reads the key of a file.
    pub fn read(path: &Path) -> Result<Self, SignerError> {
        let text = Zeroizing::new(fs::read_to_string(path).map_err(failed("read", path))?);
        let no_key = || SignerError::NoKey(path.to_owned());
        let digits = text.strip_prefix(MAGIC).and_then(|rest| rest.strip_suffix('\n')).ok_or_else(no_key)?;
        let seed = blake3::Hash::from_hex(digits).map_err(|_| no_key())?;
        Ok(Self { key: SigningKey::from_bytes(&Zeroizing::new(*seed.as_bytes())) })
    }

    fn create(path: &Path) -> Result<Self, SignerError> {
        let seed = Zeroizing::new(random::bytes::<32>()?);
        let text = Zeroizing::new(format!("{MAGIC}{}\n", blake3::Hash::from_bytes(*seed).to_hex()));
        let parent = above(path);
        fs::create_dir_all(parent).map_err(failed("make the directory of", path))?;
        // Under another name first, so that a crash leaves a whole key or none.
        let making = path.with_extension("new");
        let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&making);
        let written = |file: File| file.write_all_at(text.as_bytes(), 0).and_then(|()| file.sync_all());
        file.and_then(written).map_err(failed("write", &making))?;
        fs::rename(&making, path).map_err(failed("write", path))?;
        sync_dir(parent)?;
        // The directory's own name, which may be as new.
        sync_dir(above(parent))?;
        Ok(Self { key: SigningKey::from_bytes(&seed) })
    }
}

/// The directory that holds a file or a directory.
fn above(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn failed<'a>(action: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> SignerError + 'a {
    move |source| SignerError::Io { action, path: path.to_owned(), source }
}

impl Signer for FileSigner {
    fn public(&self) -> [u8; 32] {
        self.key.verifying_key().to_bytes()
    }

    fn sign(&self, message: &[u8]) -> Result<[u8; 64], SignError> {
        Ok(self.key.sign(message).to_bytes())
    }
}

impl std::fmt::Debug for FileSigner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FileSigner")
    }
}
