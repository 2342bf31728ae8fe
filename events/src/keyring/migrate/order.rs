//! The order of a destruction, written and synced before the first slot is overwritten: a crash in the middle is finished
//! at open, and no half-written slot is taken for a damaged one. It holds no key, only what stays of each.
//!
//! ```text
//! magic (16) · log id (16) · epoch after (u64) · count (u64) · for each: slot (u64), fingerprint (16) · check (32)
//! ```
//!
//! An order of an epoch that the header has reached is done; the next one is written over it.

use blake3::hazmat::hash_derive_key_context;
use domain::id::{KeyId, LogId};

use crate::bytes::{Malformed, Reader};
use crate::derive::{Context, derive};

const MAGIC: [u8; 16] = *b"lethe destroys:\n";

static ORDER_CHECK: Context = Context::new(|| hash_derive_key_context("lethe 2026-11 keyring: order check"));

/// Which slots are overwritten, and in which epoch they died.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Order {
    pub(super) log: LogId,
    pub(super) epoch: u64,
    /// By slot.
    pub(super) slots: Vec<(u64, KeyId)>,
}

impl Order {
    #[cfg(test)]
    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(80 + 24 * self.slots.len());
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&self.log.0);
        out.extend_from_slice(&self.epoch.to_be_bytes());
        out.extend_from_slice(&(self.slots.len() as u64).to_be_bytes());
        for (slot, fingerprint) in &self.slots {
            out.extend_from_slice(&slot.to_be_bytes());
            out.extend_from_slice(&fingerprint.0);
        }
        let check = derive(&ORDER_CHECK, &[&out]);
        out.extend_from_slice(&check);
        out
    }

    /// The order that these bytes begin with. One that was not written to its end was never begun: `None`.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        Self::parse(bytes).ok().flatten()
    }

    fn parse(bytes: &[u8]) -> Result<Option<Self>, Malformed> {
        let mut reader = Reader::new(bytes);
        let magic: [u8; 16] = reader.array("magic")?;
        let log = LogId(reader.array("log id")?);
        let epoch = reader.u64("epoch")?;
        let count = usize::try_from(reader.u64("count")?).map_err(|_| Malformed::Value("count"))?;
        let length = count.checked_mul(24).ok_or(Malformed::Value("count"))?;
        let mut list = Reader::new(reader.take(length, "slots")?);
        let check: [u8; 32] = reader.array("check")?;
        let said = bytes.get(..48 + length).ok_or(Malformed::Short("slots"))?;
        if magic != MAGIC || derive(&ORDER_CHECK, &[said]) != check {
            return Ok(None);
        }
        let mut slots = Vec::with_capacity(count);
        for _ in 0..count {
            slots.push((list.u64("slot")?, KeyId(list.array("fingerprint")?)));
        }
        Ok(Some(Self { log, epoch, slots }))
    }
}
