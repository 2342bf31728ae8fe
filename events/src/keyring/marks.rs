//! What is known of slots whose keys no record names: a small file of its own, replaced whole, so that no leaf is
//! rewritten when a log was read. A mark on a destroyed slot says nothing any more.
//!
//! ```text
//! magic (16) · log id (16) · counter (u64) · count (u32)
//! for each run of slots: first (u64) · how many (u32) · mark (u8): 1 awaiting, 2 retired
//! check (32) = BLAKE3 derive_key over all before it
//! ```

use std::collections::BTreeMap;

use blake3::hazmat::hash_derive_key_context;
use domain::id::LogId;

use crate::bytes::{Malformed, Reader};
use crate::derive::{Context, derive};

/// The name of its file.
pub(super) const NAME: &str = "marks";

const MAGIC: [u8; 16] = *b"lethe key marks\n";
const CHECK: usize = 32;

static MARKS_CHECK: Context = Context::new(|| hash_derive_key_context("lethe 2026-11 key tree: marks check"));

/// Why a key may not be used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(super) enum Mark {
    /// Never handed out again, kept until somebody confirms that no newer log names it.
    Awaiting = 1,
    /// Never handed out again, and dies with the next destruction.
    Retired = 2,
}

/// All marks.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(super) struct Marks {
    /// Counts the writes.
    pub(super) counter: u64,
    /// By slot.
    pub(super) slots: BTreeMap<u64, Mark>,
}

impl Marks {
    /// Changes the mark of some slots, and counts that.
    pub(super) fn set(&mut self, slots: &[u64], mark: Option<Mark>) {
        self.counter += 1;
        for slot in slots {
            match mark {
                Some(mark) => drop(self.slots.insert(*slot, mark)),
                None => drop(self.slots.remove(slot)),
            }
        }
    }

    pub(super) fn bytes(&self, log: LogId) -> Vec<u8> {
        let runs = self.runs();
        let mut out = Vec::with_capacity(76 + 13 * runs.len());
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&log.0);
        out.extend_from_slice(&self.counter.to_be_bytes());
        out.extend_from_slice(&(runs.len() as u32).to_be_bytes());
        for (first, count, mark) in runs {
            out.extend_from_slice(&first.to_be_bytes());
            out.extend_from_slice(&count.to_be_bytes());
            out.push(mark as u8);
        }
        let check = derive(&MARKS_CHECK, &[&out]);
        out.extend_from_slice(&check);
        out
    }

    /// The marks of this log that these bytes are, or `None`.
    pub(super) fn read(bytes: &[u8], log: LogId) -> Option<Self> {
        let (said, check) = bytes.split_last_chunk::<CHECK>()?;
        if derive(&MARKS_CHECK, &[said]) != *check {
            return None;
        }
        Self::fields(said.strip_prefix(&MAGIC)?.strip_prefix(&log.0)?).ok()
    }

    fn fields(said: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(said);
        let counter = reader.u64("counter")?;
        let mut slots = BTreeMap::new();
        for _ in 0..reader.u32("count")? {
            let (first, count) = (reader.u64("slot")?, reader.u32("how many")?);
            let mark = match reader.u8("mark")? {
                1 => Mark::Awaiting,
                2 => Mark::Retired,
                _ => return Err(Malformed::Value("mark")),
            };
            let end = first.checked_add(count.into()).ok_or(Malformed::Value("slot"))?;
            slots.extend((first..end).map(|slot| (slot, mark)));
        }
        reader.end()?;
        Ok(Self { counter, slots })
    }

    fn runs(&self) -> Vec<(u64, u32, Mark)> {
        let mut runs: Vec<(u64, u32, Mark)> = Vec::new();
        for (&slot, &mark) in &self.slots {
            match runs.last_mut() {
                Some((first, count, as_before)) if *first + u64::from(*count) == slot && *as_before == mark => {
                    *count += 1;
                }
                _ => runs.push((slot, 1, mark)),
            }
        }
        runs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: LogId = LogId([7; 16]);

    fn marks() -> Marks {
        let mut marks = Marks::default();
        marks.set(&[3, 4, 5, 9, 10], Some(Mark::Retired));
        marks.set(&[11, 12], Some(Mark::Awaiting));
        marks.set(&[4], None);
        marks
    }

    #[test]
    fn marks_are_read_as_they_were_written() {
        let bytes = marks().bytes(LOG);
        assert_eq!(bytes.len(), 76 + 4 * 13, "runs are written, not slots");
        assert_eq!(Marks::read(&bytes, LOG), Some(marks()));
        assert_eq!(Marks::read(&bytes, LogId([8; 16])), None);
        assert_eq!(marks().counter, 3);
    }

    #[test]
    fn no_flipped_bit_and_no_cut_is_read() {
        let whole = marks().bytes(LOG);
        for bit in 0..whole.len() * 8 {
            let mut bytes = whole.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Marks::read(&bytes, LOG), None, "bit {bit}");
        }
        assert!((0..whole.len()).all(|length| Marks::read(&whole[..length], LOG).is_none()));
    }
}
