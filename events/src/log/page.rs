//! One page of the index: the rows of some records in a row, in about 3.5 KB: what one value in sled holds.
//!
//! ```text
//! version (u8) · first position (u64) · count of rows (u16) · rows · checksum (16)
//! ```
//!
//! A row leaves out what it shares with the row before it in the page. Numbers are LEB128. The checksum is keyed with the
//! log's id, so a page of another log is no page here.

use domain::id::{CommandId, KeyId, LogId};
use domain::time::Time;

use super::frame::{SUM, Span, Sum, cut};
use super::row::{Row, RowPart};
use crate::bytes::{Malformed, Reader};

/// A page is closed before it gets larger than this, if it has a row. sled keeps values of this size in its log; those above
/// about 7 KiB it would put into files of their own that it never syncs.
pub const SIZE: usize = 3500;

const VERSION: u8 = 1;
const PREFIX: usize = 1 + 8 + 2;
const SAME_FRAME: u8 = 1;
const SAME_COMMAND: u8 = 2;
const SAME_STREAM: u8 = 4;

/// The key of the checksums of one log's pages.
pub type PageKey = [u8; 32];

/// Of this log.
pub fn key_of(log: LogId) -> PageKey {
    blake3::derive_key("lethe 2026 index page v1", &log.0)
}

/// Writes rows into pages.
pub struct PageWriter {
    key: PageKey,
    first: u64,
    count: u16,
    bytes: Vec<u8>,
    last: Option<Row>,
}

impl PageWriter {
    /// With no row yet.
    pub fn new(key: PageKey) -> Self {
        Self { key, first: 0, count: 0, bytes: Vec::with_capacity(2 * SIZE), last: None }
    }

    /// Adds a row. When the page before it is full, that page comes back, with its first position.
    pub fn push(&mut self, row: Row) -> Option<(u64, Vec<u8>)> {
        let before = self.bytes.len();
        if self.count > 0 {
            put_row(&mut self.bytes, &row, self.last.as_ref());
        }
        let closed = if self.count > 0 && self.bytes.len() + SUM > SIZE {
            self.bytes.truncate(before);
            self.close()
        } else {
            None
        };
        if self.count == 0 {
            self.first = row.position;
            self.bytes.resize(PREFIX, 0);
            put_row(&mut self.bytes, &row, None);
        }
        self.count += 1;
        self.last = Some(row);
        closed
    }

    /// The page as it is, if it has a row; the next row begins a new one.
    pub fn close(&mut self) -> Option<(u64, Vec<u8>)> {
        if self.count == 0 {
            return None;
        }
        let mut page = std::mem::replace(&mut self.bytes, Vec::with_capacity(2 * SIZE));
        let mut prefix = Vec::with_capacity(PREFIX);
        prefix.push(VERSION);
        prefix.extend_from_slice(&self.first.to_be_bytes());
        prefix.extend_from_slice(&self.count.to_be_bytes());
        if let Some(place) = page.get_mut(..PREFIX) {
            place.copy_from_slice(&prefix);
        }
        let sum = cut(&blake3::keyed_hash(&self.key, &page));
        page.extend_from_slice(&sum);
        (self.count, self.last) = (0, None);
        Some((self.first, page))
    }

    /// The first position in the page that is not closed: all rows before it are in pages that came back.
    pub fn first(&self) -> u64 {
        self.first
    }
}

/// Reads all rows of a page.
pub fn read(bytes: &[u8], key: &PageKey) -> Result<Vec<Row>, Malformed> {
    let mut rows = Vec::new();
    read_each(bytes, key, |row| {
        rows.push(row.clone());
        true
    })?;
    Ok(rows)
}

/// Reads the row of one position. The checksum is left aside: whoever reads by a row checks what lies there.
pub fn find(bytes: &[u8], position: u64) -> Result<Option<Row>, Malformed> {
    let mut found = None;
    rows(Reader::new(bytes), |row| {
        if row.position == position {
            found = Some(row.clone());
        }
        found.is_none()
    })?;
    Ok(found)
}

/// Reads rows until `take` says that it is enough.
pub fn read_each(bytes: &[u8], key: &PageKey, take: impl FnMut(&Row) -> bool) -> Result<(), Malformed> {
    let (summed, sum) = bytes.split_last_chunk::<SUM>().ok_or(Malformed::Short("checksum"))?;
    if cut(&blake3::keyed_hash(key, summed)) != *sum {
        return Err(Malformed::Value("checksum"));
    }
    match rows(Reader::new(summed), take)? {
        Some(rest) => rest.end(),
        None => Ok(()),
    }
}

/// What is behind the last row comes back, if all were taken.
fn rows<'a>(mut r: Reader<'a>, mut take: impl FnMut(&Row) -> bool) -> Result<Option<Reader<'a>>, Malformed> {
    if r.u8("version")? != VERSION {
        return Err(Malformed::Value("version"));
    }
    let (first, count) = (r.u64("position")?, r.u16("count")?);
    let mut row = Row {
        position: first,
        segment: 0,
        frame: 0,
        span: Span::default(),
        hash: [0; 32],
        stream: [0; 16],
        revision: 0,
        command: CommandId([0; 16]),
        index: 0,
        count: 0,
        recorded_at: Time(0),
        parts: Vec::new(),
    };
    for number in 0..count {
        row.position = first.checked_add(number.into()).ok_or(Malformed::Value("position"))?;
        next_row(&mut r, &mut row)?;
        if !take(&row) {
            return Ok(None);
        }
    }
    Ok(Some(r))
}

fn put_row(out: &mut Vec<u8>, row: &Row, before: Option<&Row>) {
    let same = |flag: u8, same: fn(&Row, &Row) -> bool| before.filter(|before| same(before, row)).map_or(0, |_| flag);
    let flags = same(SAME_FRAME, |a, b| (a.segment, a.frame) == (b.segment, b.frame))
        | same(SAME_COMMAND, |a, b| (a.command, a.count) == (b.command, b.count))
        | same(SAME_STREAM, |a, b| a.stream == b.stream);
    out.push(flags);
    if flags & SAME_FRAME == 0 {
        put(out, row.segment);
        put(out, row.frame.into());
    }
    put(out, row.span.offset.into());
    put(out, row.span.length.into());
    out.extend_from_slice(&row.hash);
    if flags & SAME_STREAM == 0 {
        out.extend_from_slice(&row.stream);
    }
    put(out, row.revision);
    if flags & SAME_COMMAND == 0 {
        out.extend_from_slice(&row.command.0);
        put(out, row.count.into());
    }
    put(out, row.index.into());
    put_signed(out, row.recorded_at.0.wrapping_sub(before.map_or(0, |before| before.recorded_at.0)));
    put(out, row.parts.len() as u64);
    for part in &row.parts {
        out.extend_from_slice(&part.key.0);
        put(out, part.span.offset.into());
        put(out, part.span.length.into());
        out.extend_from_slice(&part.sum);
    }
}

/// Reads the next row over the one before it.
fn next_row(r: &mut Reader<'_>, row: &mut Row) -> Result<(), Malformed> {
    let flags = r.u8("flags")?;
    if flags & SAME_FRAME == 0 {
        (row.segment, row.frame) = (number(r)?, number(r)?);
    }
    row.span = Span { offset: number(r)?, length: number(r)? };
    row.hash = r.array("hash")?;
    if flags & SAME_STREAM == 0 {
        row.stream = r.array("stream")?;
    }
    row.revision = number(r)?;
    if flags & SAME_COMMAND == 0 {
        row.command = CommandId(r.array("command")?);
        row.count = number(r)?;
    }
    row.index = number(r)?;
    row.recorded_at = Time(row.recorded_at.0.wrapping_add(signed(r)?));
    row.parts.clear();
    for _ in 0..number::<u16>(r)? {
        let key = KeyId(r.array("key id")?);
        let span = Span { offset: number(r)?, length: number(r)? };
        row.parts.push(RowPart { key, span, sum: r.array::<{ size_of::<Sum>() }>("checksum")? });
    }
    Ok(())
}

fn put(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push((number as u8 & 0x7f) | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn put_signed(out: &mut Vec<u8>, number: i64) {
    put(out, (number.wrapping_shl(1) ^ (number >> 63)) as u64);
}

fn number<T: TryFrom<u64>>(r: &mut Reader<'_>) -> Result<T, Malformed> {
    let mut number = 0u64;
    for shift in (0..64).step_by(7) {
        let byte = r.u8("number")?;
        number |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return T::try_from(number).map_err(|_| Malformed::Value("number"));
        }
    }
    Err(Malformed::Value("number"))
}

fn signed(r: &mut Reader<'_>) -> Result<i64, Malformed> {
    let zigzag: u64 = number(r)?;
    Ok((zigzag >> 1) as i64 ^ -((zigzag & 1) as i64))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(position: u64) -> Row {
        Row {
            position,
            segment: position / 7,
            frame: (position / 3) as u32 * 1000,
            span: Span { offset: 40, length: 300 + position as u32 },
            hash: [position as u8; 32],
            stream: [(position / 2) as u8; 16],
            revision: position % 2,
            command: CommandId([(position / 5) as u8; 16]),
            index: (position % 5) as u16,
            count: 5,
            recorded_at: Time(1_700_000_000_000 + (position as i64 % 3) * 1000 - 7),
            parts: (0..position % 4)
                .map(|part| RowPart {
                    key: KeyId([part as u8; 16]),
                    span: Span { offset: 9000 + part as u32, length: 200 },
                    sum: [3; 16],
                })
                .collect(),
        }
    }

    #[test]
    fn rows_read_back_from_pages_of_the_size_that_sled_keeps_inline() {
        let key = key_of(LogId([1; 16]));
        let mut writer = PageWriter::new(key);
        let mut pages: Vec<_> = (0..500).filter_map(|position| writer.push(row(position))).collect();
        pages.extend(writer.close());
        assert!(pages.iter().all(|(_, page)| page.len() <= SIZE));
        let rows: Vec<_> = pages.iter().flat_map(|(_, page)| read(page, &key).unwrap()).collect();
        assert_eq!(rows, (0..500).map(row).collect::<Vec<_>>());
        let (first, page) = &pages[3];
        assert_eq!(find(page, first + 1), Ok(Some(row(first + 1))));
        assert!(read(page, &key_of(LogId([2; 16]))).is_err(), "a page of another log");
    }

    #[test]
    fn a_page_with_a_changed_byte_is_no_page() {
        let key = key_of(LogId([1; 16]));
        let mut writer = PageWriter::new(key);
        writer.push(row(3));
        let (_, page) = writer.close().unwrap();
        for at in 0..page.len() {
            let mut bent = page.clone();
            bent[at] ^= 1;
            assert!(read(&bent, &key).is_err(), "byte {at}");
        }
    }
}
