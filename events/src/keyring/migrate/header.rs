//! The header of the first format: whose it is, how often keys were destroyed, and how far its slots were begun.
//!
//! ```text
//! magic (16) · version (u16) = 1 · log id (16) · counter (u64) · epoch (u64) · begun (u64) · root (u64)
//! length (u16) and bytes of the top key, as the anchor sealed it · zeros up to 4,064 · check (32)
//! ```
//!
//! It stands twice, at 0 and at 4,096. The first copy is synced before the second is written, so one of them is
//! always whole; the valid one with the higher counter counts.

use blake3::hazmat::hash_derive_key_context;
use domain::id::LogId;

use crate::bytes::{Malformed, Reader};
use crate::derive::{Context, derive};
use crate::keyring::KeyringError;

/// The size of one copy, in bytes.
pub(super) const HEADER: usize = 4096;
/// Where the slots begin.
pub(super) const SLOTS_AT: u64 = 2 * HEADER as u64;

/// The first bytes of a header.
pub(in super::super) const MAGIC: [u8; 16] = *b"lethe keyring 1\n";
const VERSION: u16 = 1;
const CHECK: usize = 32;
#[cfg(test)]
const MAX_TOP: usize = 1024;

static HEADER_CHECK: Context = Context::new(|| hash_derive_key_context("lethe 2026-11 keyring: header check"));

/// What a header says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in super::super) struct Header {
    pub(super) log: LogId,
    /// Counts the writes of the header.
    pub(super) counter: u64,
    /// Counts the destructions.
    pub(super) epoch: u64,
    /// Every slot below may have been handed out; none from here on ever was.
    pub(super) begun: u64,
    /// Under which root of the anchor the top key is sealed.
    pub(super) root: u64,
    pub(super) top: Vec<u8>,
}

impl Header {
    #[cfg(test)]
    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(HEADER);
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&VERSION.to_be_bytes());
        out.extend_from_slice(&self.log.0);
        for number in [self.counter, self.epoch, self.begun, self.root] {
            out.extend_from_slice(&number.to_be_bytes());
        }
        out.extend_from_slice(&(self.top.len().min(MAX_TOP) as u16).to_be_bytes());
        out.extend_from_slice(&self.top);
        out.resize(HEADER - CHECK, 0);
        let check = derive(&HEADER_CHECK, &[&out]);
        out.extend_from_slice(&check);
        out
    }

    /// The header of a file that begins with these two copies, and which copy does not say the same.
    pub(super) fn read(copies: &[u8]) -> Result<(Self, Option<usize>), KeyringError> {
        let (first, second) = copies.split_at_checked(HEADER).unwrap_or((copies, &[]));
        let missing = match first.starts_with(&MAGIC) || second.starts_with(&MAGIC) {
            true => KeyringError::DamagedHeader,
            false => KeyringError::NotAKeyring,
        };
        match (Self::parse(first)?, Self::parse(second)?) {
            (None, None) => Err(missing),
            (Some(one), Some(two)) if one == two => Ok((one, None)),
            (Some(one), Some(two)) if one.counter > two.counter => Ok((one, Some(1))),
            (Some(one), None) => Ok((one, Some(1))),
            (_, Some(two)) => Ok((two, Some(0))),
        }
    }

    /// `None` for a damaged copy. A whole one of another version is an error: nobody may guess on.
    fn parse(copy: &[u8]) -> Result<Option<Self>, KeyringError> {
        let Some((said, check)) = copy.split_last_chunk::<CHECK>() else { return Ok(None) };
        if copy.len() != HEADER || !said.starts_with(&MAGIC) || derive(&HEADER_CHECK, &[said]) != *check {
            return Ok(None);
        }
        match Self::fields(said) {
            Ok((VERSION, header)) => Ok(Some(header)),
            Ok((other, _)) => Err(KeyringError::UnknownVersion(other)),
            Err(_) => Ok(None),
        }
    }

    fn fields(said: &[u8]) -> Result<(u16, Self), Malformed> {
        let mut reader = Reader::new(said);
        reader.take(MAGIC.len(), "magic")?;
        let version = reader.u16("version")?;
        let log = LogId(reader.array("log id")?);
        let (counter, epoch) = (reader.u64("counter")?, reader.u64("epoch")?);
        let (begun, root) = (reader.u64("begun")?, reader.u64("root")?);
        let length = reader.u16("length of the top key")?;
        let top = reader.take(length.into(), "top key")?.to_vec();
        Ok((version, Self { log, counter, epoch, begun, root, top }))
    }
}
