//! Pages in sled 0.34.7: the only file that names it. sled panics on damage, so every call is caught, and after the first
//! failure the store is given up as a whole: what it holds can be made again.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

/// Pages by the position of their first row.
pub struct Store {
    db: Option<::sled::Db>,
}

/// The store cannot be used any more.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It said so.
    #[error("sled failed: {0}")]
    Failed(#[from] ::sled::Error),
    /// It panicked.
    #[error("sled panicked")]
    Panicked,
    /// A key that is no position.
    #[error("sled holds a key of {0} bytes")]
    Key(usize),
    /// It was given up before.
    #[error("sled was given up")]
    Closed,
}

/// What sled may keep in memory of its pages, in bytes. It takes about four times of it; the kernel's cache does the rest.
const CACHE: u64 = 8 << 20;

impl Store {
    /// Opens the store, or makes an empty one.
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        let config = ::sled::Config::new().path(dir).cache_capacity(CACHE).flush_every_ms(None);
        caught(|| config.open()).map(|db| Self { db: Some(db) })
    }

    /// Every page in order, until `take` says that it is enough.
    pub fn scan(&self, mut take: impl FnMut(u64, &[u8]) -> bool) -> Result<(), StoreError> {
        let mut pages = self.db()?.iter();
        while let Some((key, page)) = caught(|| pages.next().transpose())? {
            if !take(position(&key)?, &page) {
                return Ok(());
            }
        }
        Ok(())
    }

    /// The page that begins at or before a position.
    pub fn page(&self, at: u64) -> Result<Option<Vec<u8>>, StoreError> {
        let db = self.db()?;
        let found = caught(|| db.range(..=at.to_be_bytes()).next_back().transpose())?;
        Ok(found.map(|(_, page)| page.to_vec()))
    }

    /// Puts a page.
    pub fn put(&self, first: u64, page: &[u8]) -> Result<(), StoreError> {
        let db = self.db()?;
        caught(|| db.insert(first.to_be_bytes(), page)).map(|_| ())
    }

    /// Hands what was put to the operating system. sled does not sync it, and nobody relies on it.
    pub fn flush(&self) -> Result<(), StoreError> {
        let db = self.db()?;
        caught(|| db.flush()).map(|_| ())
    }

    fn db(&self) -> Result<&::sled::Db, StoreError> {
        self.db.as_ref().ok_or(StoreError::Closed)
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        if let Some(db) = self.db.take() {
            let _ = catch_unwind(AssertUnwindSafe(move || drop(db)));
        }
    }
}

fn position(key: &[u8]) -> Result<u64, StoreError> {
    key.try_into().map(u64::from_be_bytes).map_err(|_| StoreError::Key(key.len()))
}

fn caught<T>(call: impl FnOnce() -> Result<T, ::sled::Error>) -> Result<T, StoreError> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(done) => done.map_err(StoreError::Failed),
        Err(_) => Err(StoreError::Panicked),
    }
}
