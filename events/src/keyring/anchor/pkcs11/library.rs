//! The library of a token, as this process has it: one that many may call, and that one of them may have to shut down.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error, RvError};
use parking_lot::{Mutex, ReentrantMutex, ReentrantMutexGuard};

use super::error::TokenError;

/// Libraries stay where they are until the process ends: one that is unloaded takes threads and sessions of others along.
static LOADED: Mutex<BTreeMap<PathBuf, Arc<Library>>> = Mutex::new(BTreeMap::new());

/// A library that is loaded.
pub(super) struct Library {
    path: PathBuf,
    functions: Pkcs11,
    /// How often it was shut down. Whoever calls it holds the lock, so that nobody shuts it down meanwhile.
    ended: ReentrantMutex<Cell<u64>>,
}

/// The one who calls it.
pub(super) type Turn<'l> = ReentrantMutexGuard<'l, Cell<u64>>;

impl Library {
    /// The library of this file, whatever way leads there.
    pub(super) fn load(path: &Path) -> Result<Arc<Self>, TokenError> {
        // A name alone is left to the system's search.
        let found = if path.components().count() > 1 { fs::canonicalize(path).ok() } else { None };
        let mut loaded = LOADED.lock();
        let place = found.unwrap_or_else(|| path.to_owned());
        if let Some(library) = loaded.get(&place) {
            return Ok(Arc::clone(library));
        }
        let functions = Pkcs11::new(path).map_err(|error| failed(path, &error))?;
        let library = Arc::new(Self { path: path.to_owned(), functions, ended: ReentrantMutex::default() });
        loaded.insert(place, Arc::clone(&library));
        Ok(library)
    }

    /// Waits until nobody else calls it.
    pub(super) fn turn(&self) -> Turn<'_> {
        self.ended.lock()
    }

    pub(super) fn functions(&self) -> &Pkcs11 {
        &self.functions
    }

    /// Initializes it, and says whether it was not: then it knows of every token that is there now.
    pub(super) fn begin(&self, _turn: &Turn<'_>) -> Result<bool, TokenError> {
        match self.functions.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
            Ok(()) => Ok(true),
            // Somebody else in the process may use it too, or we did before.
            Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => Ok(false),
            Err(error) => Err(failed(&self.path, &error)),
        }
    }

    /// Shuts it down and initializes it anew. Many a library lists the tokens that were there when it was initialized, and one
    /// that went away and came back is none of these. Every session of the process ends with it; whoever had one connects again.
    pub(super) fn begin_anew(&self, turn: &Turn<'_>) -> Result<(), TokenError> {
        tracing::debug!(library = %self.path.display(), "the library of the token is initialized anew");
        match self.functions.clone().finalize() {
            Ok(()) | Err(Error::Pkcs11(RvError::CryptokiNotInitialized, _)) => turn.set(turn.get() + 1),
            Err(error) => return Err(failed(&self.path, &error)),
        }
        self.begin(turn).map(|_| ())
    }
}

fn failed(path: &Path, error: &Error) -> TokenError {
    TokenError::Library { library: path.to_owned(), why: error.to_string() }
}
