//! The suppression list as a file in every copy of the keyring, replaced whole.
//!
//! ```text
//! magic (16) · log id (16) · counter (u64) · count of keys (u16)
//! for each key of the list: key id (16) · year (u16) · length (u32) · nonce (24) · sealed entries · tag (16)
//! check (32) = BLAKE3 derive_key over all before it
//!
//! entries: count (u32), then of each: hash (32) · until (i32) · length of the purpose (u8) · purpose · 0, or 1 and an
//! erasure's id (16); zeros up to the next 512 bytes
//! ```
//!
//! Sealed entries are bound to the log, the counter, their key and its year, so no two states of a list can be mixed.

use std::collections::BTreeMap;

use blake3::hazmat::hash_derive_key_context;
use domain::id::{ErasureId, KeyId, LogId};
use domain::register::Slug;
use domain::time::Day;
use zeroize::Zeroizing;

use super::{List, Row, Version};
use crate::bytes::{Malformed, Reader, put_name};
use crate::derive::{Context, derive};
use crate::keyring::seal::{NONCE, open, seal};
use crate::keyring::{Key, KeyringError};
use crate::random::{self, NoRandomness};

/// The name of the file.
pub(in super::super) const NAME: &str = "suppressed";

const MAGIC: [u8; 16] = *b"lethe suppressed";
const CHECK: usize = 32;
/// Entries are filled up to a multiple of this, so that the length says little of how many there are.
const ROOM: usize = 512;

static LIST_CHECK: Context = Context::new(|| hash_derive_key_context("lethe 2026-11 suppression list: check"));

/// A whole file of this log, its entries still sealed.
#[derive(Clone, PartialEq, Eq)]
pub(in super::super) struct Found {
    /// Counts the writes.
    pub(in super::super) counter: u64,
    /// The file.
    pub(in super::super) bytes: Vec<u8>,
    blocks: Vec<Block>,
}

/// The entries under one key.
#[derive(Clone, PartialEq, Eq)]
struct Block {
    id: KeyId,
    year: u16,
    sealed: Vec<u8>,
}

impl Found {
    /// Reads a file as far as that goes without a key. `None` for what nobody wrote so.
    pub(in super::super) fn read(bytes: Vec<u8>, log: LogId) -> Option<Result<Self, KeyringError>> {
        let (said, check) = bytes.split_last_chunk::<CHECK>()?;
        if derive(&LIST_CHECK, &[said]) != *check {
            return None;
        }
        let (found, rest) = said.strip_prefix(&MAGIC)?.split_first_chunk::<16>()?;
        if *found != log.0 {
            return Some(Err(KeyringError::AnotherLog { found: LogId(*found) }));
        }
        let (counter, blocks) = fields(rest).ok()?;
        Some(Ok(Self { counter, bytes, blocks }))
    }

    /// Opens the entries.
    pub(in super::super) fn open(&self, log: LogId, key: impl Fn(&KeyId) -> Option<Key>) -> Result<List, KeyringError> {
        let versions = self.blocks.iter().map(|Block { id, year, sealed }| {
            let key = key(id).ok_or(KeyringError::OldList(*id))?;
            let mut version = Version::new(*id, *year, &key);
            let mut sealed = Zeroizing::new(sealed.clone());
            let clear = open(&version.sealing, &associated(log, self.counter, *id, *year), &mut sealed);
            version.rows = clear.and_then(|clear| rows(clear).ok()).ok_or(KeyringError::DamagedList)?;
            Ok(version)
        });
        Ok(List { counter: self.counter, versions: versions.collect::<Result<_, KeyringError>>()? })
    }
}

impl List {
    /// The file, every block under a nonce of its own.
    pub(super) fn bytes(&self, log: LogId) -> Result<Vec<u8>, NoRandomness> {
        self.bytes_by(log, random::bytes)
    }

    /// The same with these nonces.
    pub(in super::super) fn bytes_by(
        &self,
        log: LogId,
        mut nonce: impl FnMut() -> Result<[u8; NONCE], NoRandomness>,
    ) -> Result<Vec<u8>, NoRandomness> {
        let mut out = Vec::new();
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&log.0);
        out.extend_from_slice(&self.counter.to_be_bytes());
        out.extend_from_slice(&(self.versions.len() as u16).to_be_bytes());
        for version in &self.versions {
            let Version { id, year, sealing, rows, .. } = version;
            let mut sealed = Vec::new();
            seal(sealing, nonce()?, &associated(log, self.counter, *id, *year), &mut entries(rows), &mut sealed);
            out.extend_from_slice(&id.0);
            out.extend_from_slice(&year.to_be_bytes());
            out.extend_from_slice(&(sealed.len() as u32).to_be_bytes());
            out.extend_from_slice(&sealed);
        }
        let check = derive(&LIST_CHECK, &[&out]);
        out.extend_from_slice(&check);
        Ok(out)
    }
}

fn associated(log: LogId, counter: u64, id: KeyId, year: u16) -> Vec<u8> {
    [&MAGIC[..], &log.0, &counter.to_be_bytes(), &id.0, &year.to_be_bytes()].concat()
}

fn fields(said: &[u8]) -> Result<(u64, Vec<Block>), Malformed> {
    let mut reader = Reader::new(said);
    let (counter, count) = (reader.u64("counter")?, reader.u16("count")?);
    let mut blocks = Vec::new();
    for _ in 0..count {
        let (id, year) = (KeyId(reader.array("key id")?), reader.u16("year")?);
        let length = reader.u32("length")? as usize;
        blocks.push(Block { id, year, sealed: reader.take(length, "entries")?.to_vec() });
    }
    reader.end()?;
    Ok((counter, blocks))
}

/// What is sealed of some entries.
pub(in super::super) fn entries(rows: &BTreeMap<Row, Day>) -> Zeroizing<Vec<u8>> {
    let most = rows.len() * (32 + 4 + 1 + 64 + 17) + 4;
    let mut out = Zeroizing::new(Vec::with_capacity(most.next_multiple_of(ROOM)));
    out.extend_from_slice(&(rows.len() as u32).to_be_bytes());
    for (Row { hash, purpose, erasure }, until) in rows {
        out.extend_from_slice(hash);
        out.extend_from_slice(&until.0.to_be_bytes());
        match purpose {
            Some(purpose) => put_name(&mut out, purpose.as_str()),
            None => out.push(0),
        }
        match erasure {
            Some(erasure) => {
                out.push(1);
                out.extend_from_slice(&erasure.0);
            }
            None => out.push(0),
        }
    }
    let length = out.len().next_multiple_of(ROOM);
    out.resize(length, 0);
    out
}

fn rows(clear: &[u8]) -> Result<BTreeMap<Row, Day>, Malformed> {
    let mut reader = Reader::new(clear);
    let mut rows = BTreeMap::new();
    for _ in 0..reader.u32("count")? {
        let hash = reader.array("hash")?;
        let until = Day(i32::from_be_bytes(reader.array("end")?));
        let purpose = match reader.rest().first() {
            Some(0) => reader.u8("purpose").map(|_| None)?,
            _ => Some(Slug::from_log(reader.name("purpose")?.to_owned())),
        };
        let erasure = match reader.u8("erasure")? {
            0 => None,
            1 => Some(ErasureId(reader.array("erasure")?)),
            _ => return Err(Malformed::Value("erasure")),
        };
        rows.insert(Row { hash, purpose, erasure }, until);
    }
    if reader.rest().iter().any(|byte| *byte != 0) { Err(Malformed::Value("room")) } else { Ok(rows) }
}
