//! One frame: what one commit makes durable, as it lies in the journal. Pure bytes, no file.
//!
//! ```text
//! magic "LFRM" · length of the head (u32) · length of the parts (u32)
//! first position (u64) · count of records (u32) · count of parts (u32)
//! records    { length (u32), bytes }
//! parts      { record (u32, from 0 in this frame), part (u16), key id (16), length (u32), checksum (16) }
//! checksum (16) over all of the above: the end of the head
//! the parts' bytes, one behind the other
//! ```
//!
//! Checksums are keyed BLAKE3, cut to 16 bytes; the keys come from the log's id, so a frame of another log is no frame here.
//! They find accidents; who changes bytes on purpose is found by the chain.

use domain::id::{KeyId, LogId};

use super::{Entry, PartBytes};
use crate::bytes::{Malformed, Reader};

/// The first bytes of every frame.
pub const MAGIC: [u8; 4] = *b"LFRM";
/// The bytes in front of the first record.
pub const PREFIX: usize = 28;
/// The bytes of a checksum.
pub const SUM: usize = 16;
const PART: usize = 4 + 2 + 16 + 4 + SUM;

/// A checksum.
pub type Sum = [u8; SUM];

/// The keys of the checksums of one log.
#[derive(Clone, Debug)]
pub struct Sums {
    head: [u8; 32],
    part: [u8; 32],
}

impl Sums {
    /// Of this log.
    pub fn of(log: LogId) -> Self {
        Self {
            head: blake3::derive_key("lethe 2026 journal frame v1", &log.0),
            part: blake3::derive_key("lethe 2026 journal part v1", &log.0),
        }
    }

    fn head(&self, bytes: &[u8]) -> Sum {
        cut(&blake3::keyed_hash(&self.head, bytes))
    }

    /// Of a part's bytes.
    pub fn part(&self, bytes: &[u8]) -> Sum {
        cut(&blake3::keyed_hash(&self.part, bytes))
    }

    /// What is there of a part.
    pub fn judge(&self, bytes: Vec<u8>, sum: &Sum) -> PartBytes {
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        if self.part(&bytes) == *sum {
            PartBytes::Present(bytes)
        } else if bytes.iter().all(|byte| *byte == 0) {
            PartBytes::Swept { length }
        } else {
            PartBytes::Damaged { length }
        }
    }
}

/// The first 16 bytes of a hash.
pub fn cut(hash: &blake3::Hash) -> Sum {
    hash.as_bytes().first_chunk().copied().unwrap_or_default()
}

/// Where something lies, in bytes from the frame's first.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Span {
    /// The first byte.
    pub offset: u32,
    /// How many.
    pub length: u32,
}

impl Span {
    /// These bytes of a frame.
    pub fn of<'a>(&self, bytes: &'a [u8]) -> Option<&'a [u8]> {
        let start = usize::try_from(self.offset).ok()?;
        bytes.get(start..start.checked_add(usize::try_from(self.length).ok()?)?)
    }
}

/// What a frame says of one part.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PartHead {
    /// Which record of the frame, from 0.
    pub record: u32,
    /// Which part of that record, from 0.
    pub part: u16,
    /// The key it was sealed under.
    pub key: KeyId,
    /// Where its bytes are.
    pub span: Span,
    /// Their checksum.
    pub sum: Sum,
}

/// The lengths in the first bytes of a frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Lengths {
    /// Up to the end of the checksum.
    pub head: u32,
    /// Of all parts.
    pub parts: u32,
}

impl Lengths {
    /// The whole frame.
    pub fn total(&self) -> u64 {
        u64::from(self.head) + u64::from(self.parts)
    }
}

/// Reads the lengths. Nothing but zeros is the end of what was written, and `None`.
pub fn lengths(prefix: &[u8]) -> Result<Option<Lengths>, Malformed> {
    if prefix.iter().all(|byte| *byte == 0) {
        return Ok(None);
    }
    let mut r = Reader::new(prefix);
    if r.array::<4>("magic")? != MAGIC {
        return Err(Malformed::Value("magic"));
    }
    let lengths = Lengths { head: r.u32("length")?, parts: r.u32("length")? };
    if (lengths.head as usize) < PREFIX + SUM {
        return Err(Malformed::Value("length"));
    }
    Ok(Some(lengths))
}

/// A frame without its bytes: where everything in it lies.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Layout {
    /// The position of its first record.
    pub first: u64,
    /// The records.
    pub records: Vec<Span>,
    /// The parts, by record and number.
    pub parts: Vec<PartHead>,
    /// The bytes of the whole frame.
    pub length: u64,
}

impl Layout {
    /// The position behind its last record.
    pub fn end(&self) -> u64 {
        self.first.saturating_add(self.records.len() as u64)
    }

    /// The parts of one record, by its number in the frame.
    pub fn parts_of(&self, record: usize) -> &[PartHead] {
        let record = u32::try_from(record).unwrap_or(u32::MAX);
        let from = self.parts.partition_point(|part| part.record < record);
        let to = self.parts.partition_point(|part| part.record <= record);
        self.parts.get(from..to).unwrap_or(&[])
    }
}

/// The commit has something that no frame can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unfit(pub &'static str);

/// Writes the frame of a commit behind what `out` holds; its layout tells where things came to lie.
pub fn write(out: &mut Vec<u8>, sums: &Sums, first: u64, entries: &[Entry]) -> Result<Layout, Unfit> {
    let start = out.len();
    let count = |length: usize| u32::try_from(length).map_err(|_| Unfit("it is too large"));
    let here = |out: &Vec<u8>| count(out.len() - start);
    let part_count: usize = entries.iter().map(|entry| entry.parts.len()).sum();
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&[0; 8]);
    out.extend_from_slice(&first.to_be_bytes());
    out.extend_from_slice(&count(entries.len())?.to_be_bytes());
    out.extend_from_slice(&count(part_count)?.to_be_bytes());
    let mut layout = Layout { first, records: Vec::with_capacity(entries.len()), parts: Vec::new(), length: 0 };
    layout.parts.reserve(part_count);
    for entry in entries {
        let length = count(entry.record.len())?;
        out.extend_from_slice(&length.to_be_bytes());
        layout.records.push(Span { offset: here(out)?, length });
        out.extend_from_slice(&entry.record);
    }
    let head = here(out)? as usize + part_count * PART + SUM;
    let mut offset = count(head)?;
    for (record, entry) in entries.iter().enumerate() {
        for (number, part) in entry.parts.iter().enumerate() {
            let PartBytes::Present(bytes) = &part.bytes else { return Err(Unfit("one of its parts is absent")) };
            let part = PartHead {
                record: count(record)?,
                part: u16::try_from(number).map_err(|_| Unfit("it has too many parts"))?,
                key: part.key,
                span: Span { offset, length: count(bytes.len())? },
                sum: sums.part(bytes),
            };
            write_part(out, &part);
            offset = offset.checked_add(part.span.length).ok_or(Unfit("it is too large"))?;
            layout.parts.push(part);
        }
    }
    let parts = offset - count(head)?;
    put(out, start + 4, &count(head)?.to_be_bytes());
    put(out, start + 8, &parts.to_be_bytes());
    let sum = sums.head(out.get(start..).unwrap_or(&[]));
    out.extend_from_slice(&sum);
    for part in entries.iter().flat_map(|entry| &entry.parts) {
        if let PartBytes::Present(bytes) = &part.bytes {
            out.extend_from_slice(bytes);
        }
    }
    layout.length = u64::from(offset);
    Ok(layout)
}

fn write_part(out: &mut Vec<u8>, part: &PartHead) {
    out.extend_from_slice(&part.record.to_be_bytes());
    out.extend_from_slice(&part.part.to_be_bytes());
    out.extend_from_slice(&part.key.0);
    out.extend_from_slice(&part.span.length.to_be_bytes());
    out.extend_from_slice(&part.sum);
}

fn put(out: &mut [u8], at: usize, bytes: &[u8]) {
    if let Some(place) = out.get_mut(at..at + bytes.len()) {
        place.copy_from_slice(bytes);
    }
}

/// Reads the head of a frame: every one of its bytes is checked. The parts' bytes need not be there.
pub fn read(head: &[u8], sums: &Sums) -> Result<Layout, Malformed> {
    let (lengths, summed, sum) = split(head)?;
    if sums.head(summed) != *sum {
        return Err(Malformed::Value("checksum"));
    }
    layout(lengths, summed)
}

/// The same for whoever looks for what is left of a frame: nothing says that these bytes are the ones that were written.
pub fn unchecked(head: &[u8]) -> Result<Layout, Malformed> {
    let (lengths, summed, _) = split(head)?;
    layout(lengths, summed)
}

fn split(head: &[u8]) -> Result<(Lengths, &[u8], &Sum), Malformed> {
    let Some(lengths) = lengths(head.get(..PREFIX).ok_or(Malformed::Short("length"))?)? else {
        return Err(Malformed::Value("length"));
    };
    let head = head.get(..lengths.head as usize).ok_or(Malformed::Short("head"))?;
    let (summed, sum) = head.split_last_chunk::<SUM>().ok_or(Malformed::Short("checksum"))?;
    Ok((lengths, summed, sum))
}

fn layout(lengths: Lengths, summed: &[u8]) -> Result<Layout, Malformed> {
    let mut r = Reader::new(summed);
    r.take(12, "length")?;
    let (first, records, parts) = (r.u64("position")?, r.u32("count of records")?, r.u32("count of parts")?);
    if records == 0 || first.checked_add(records.into()).is_none() {
        return Err(Malformed::Value("count of records"));
    }
    let records = (0..records).map(|_| record(&mut r, summed.len())).collect::<Result<Vec<_>, _>>()?;
    let mut next = Span { offset: lengths.head, length: lengths.parts };
    let parts = (0..parts).map(|_| part(&mut r, &mut next)).collect::<Result<Vec<_>, _>>()?;
    r.end()?;
    if next.length != 0 {
        return Err(Malformed::Value("length"));
    }
    let layout = Layout { first, records, parts, length: lengths.total() };
    if numbered(&layout) { Ok(layout) } else { Err(Malformed::Value("numbers of parts")) }
}

fn record(r: &mut Reader<'_>, total: usize) -> Result<Span, Malformed> {
    let length = r.u32("record length")?;
    let offset = u32::try_from(total - r.rest().len()).map_err(|_| Malformed::Value("length"))?;
    r.take(length as usize, "record")?;
    Ok(Span { offset, length })
}

fn part(r: &mut Reader<'_>, left: &mut Span) -> Result<PartHead, Malformed> {
    let (record, part, key) = (r.u32("record number")?, r.u16("part number")?, KeyId(r.array("key id")?));
    let span = Span { offset: left.offset, length: r.u32("part length")? };
    left.length = left.length.checked_sub(span.length).ok_or(Malformed::Value("part length"))?;
    left.offset = left.offset.checked_add(span.length).ok_or(Malformed::Value("part length"))?;
    Ok(PartHead { record, part, key, span, sum: r.array("checksum")? })
}

/// Parts stand in the order of their records, and count from 0 in each.
fn numbered(layout: &Layout) -> bool {
    let mut before: Option<(u32, u16)> = None;
    layout.parts.iter().all(|part| {
        let fits = match before {
            Some((record, number)) if record == part.record => Some(part.part) == number.checked_add(1),
            Some((record, _)) => part.record > record && part.part == 0,
            None => part.part == 0,
        };
        before = Some((part.record, part.part));
        fits && (part.record as usize) < layout.records.len()
    })
}
