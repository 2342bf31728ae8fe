//! The audit copy: records as C2SP `tlog-tiles` entry bundles, and beside them the inventory of sealed parts.
//!
//! Source of the layout: <https://c2sp.org/tlog-tiles>. A bundle holds 256 entries, each a `uint16` length and the bytes;
//! the last one may hold fewer, and then its path says how many.

use crate::bytes::{Malformed, Reader};
use crate::log::{Entry, Part, PartBytes};

/// Entries in a full bundle.
pub const WIDTH: u64 = 256;

/// The most bytes that a bundle of records of this width takes.
pub fn most_of_records(width: u64) -> u64 {
    width * (2 + crate::record::MAX_RECORD as u64)
}

/// The most bytes that a bundle of the inventory of this width takes: at most 255 parts each.
pub fn most_of_inventory(width: u64) -> u64 {
    width * (1 + 255 * 5)
}

/// The path of a bundle below `tile/<what>`: groups of three digits, all but the last with an `x`, and the width where it
/// is not full.
pub fn path(what: &str, number: u64, width: u64) -> String {
    let mut groups = vec![format!("{:03}", number % 1000)];
    let mut rest = number / 1000;
    while rest > 0 {
        groups.insert(0, format!("x{:03}", rest % 1000));
        rest /= 1000;
    }
    let full = format!("tile/{what}/{}", groups.join("/"));
    if width == WIDTH { full } else { format!("{full}.p/{width}") }
}

/// Which bundle a path below `tile/<what>/` names, and how many entries it has; nothing when it is not written as
/// [`path`] writes it.
pub fn parse_path(what: &str, written: &str) -> Option<(u64, u64)> {
    let (digits, width) = match written.split_once(".p/") {
        Some((digits, width)) => (digits, width.parse().ok().filter(|width| (1..WIDTH).contains(width))?),
        None => (written, WIDTH),
    };
    let number = digits.split('/').try_fold(0_u64, |number, group| {
        let plain: u64 = group.strip_prefix('x').unwrap_or(group).parse().ok()?;
        number.checked_mul(1000)?.checked_add(plain)
    })?;
    (path(what, number, width) == format!("tile/{what}/{written}")).then_some((number, width))
}

/// How many entries bundle `number` has in a log of this size; none when it has none.
pub fn width(number: u64, size: u64) -> Option<u64> {
    let left = size.checked_sub(number.checked_mul(WIDTH)?)?;
    (left > 0).then_some(left.min(WIDTH))
}

/// Adds a record to a bundle of records.
pub fn put_record(out: &mut Vec<u8>, record: &[u8]) {
    debug_assert!(record.len() <= crate::record::MAX_RECORD);
    out.extend_from_slice(&(record.len() as u16).to_be_bytes());
    out.extend_from_slice(record);
}

/// The records of a bundle.
pub fn records(bundle: &[u8]) -> Result<Vec<&[u8]>, Malformed> {
    let mut reader = Reader::new(bundle);
    let mut records = Vec::with_capacity(WIDTH as usize);
    while !reader.rest().is_empty() {
        let length = reader.u16("length of a record")?;
        records.push(reader.take(length.into(), "record")?);
    }
    Ok(records)
}

/// What the operator says of one sealed part.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Presence {
    /// It is there.
    Present,
    /// It was overwritten on purpose.
    Swept,
    /// Something else is in its place.
    Missing,
}

/// One line of the inventory: a part, its length in bytes, and whether it is there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Inventoried {
    /// Whether it is there.
    pub presence: Presence,
    /// How long it is or was.
    pub length: u32,
}

impl Inventoried {
    /// What is there of a part.
    pub fn of(part: &Part) -> Self {
        match &part.bytes {
            PartBytes::Present(bytes) => {
                Self { presence: Presence::Present, length: u32::try_from(bytes.len()).unwrap_or(u32::MAX) }
            }
            PartBytes::Swept { length } => Self { presence: Presence::Swept, length: *length },
            PartBytes::Damaged { length } => Self { presence: Presence::Missing, length: *length },
        }
    }
}

/// Adds a record's parts to a bundle of the inventory: how many, then a code and a length for each.
pub fn put_parts(out: &mut Vec<u8>, entry: &Entry) {
    let lines: Vec<_> = entry.parts.iter().map(Inventoried::of).collect();
    put_lines(out, &lines);
}

/// Adds the lines of one record: how many, then a code and a length for each. A record has at most 255 parts.
pub fn put_lines(out: &mut Vec<u8>, lines: &[Inventoried]) {
    out.push(u8::try_from(lines.len()).unwrap_or(u8::MAX));
    for Inventoried { presence, length } in lines {
        out.push(match presence {
            Presence::Present => 1,
            Presence::Swept => 2,
            Presence::Missing => 3,
        });
        out.extend_from_slice(&length.to_be_bytes());
    }
}

/// Takes the lines of one record.
pub fn take_lines(reader: &mut Reader<'_>) -> Result<Vec<Inventoried>, Malformed> {
    let count = reader.u8("count of parts")?;
    let line = |reader: &mut Reader<'_>| {
        let presence = match reader.u8("presence")? {
            1 => Presence::Present,
            2 => Presence::Swept,
            3 => Presence::Missing,
            _ => return Err(Malformed::Value("presence")),
        };
        Ok(Inventoried { presence, length: reader.u32("length of a part")? })
    };
    (0..count).map(|_| line(reader)).collect()
}

/// The inventory of a bundle's records.
pub fn inventory(bundle: &[u8]) -> Result<Vec<Vec<Inventoried>>, Malformed> {
    let mut reader = Reader::new(bundle);
    let mut records = Vec::with_capacity(WIDTH as usize);
    while !reader.rest().is_empty() {
        records.push(take_lines(&mut reader)?);
    }
    Ok(records)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_those_of_tlog_tiles() {
        assert_eq!(path("entries", 0, 256), "tile/entries/000");
        assert_eq!(path("entries", 1_234_067, 256), "tile/entries/x001/x234/067");
        assert_eq!(path("entries", 1, 7), "tile/entries/001.p/7");
        assert_eq!(parse_path("entries", "x001/x234/067"), Some((1_234_067, 256)));
        assert_eq!(parse_path("entries", "001.p/7"), Some((1, 7)));
        for strange in ["1", "001.p/256", "001.p/0", "x000/001", "../001", "001.p/07", ""] {
            assert_eq!(parse_path("entries", strange), None, "{strange}");
        }
    }

    #[test]
    fn widths_follow_the_size() {
        assert_eq!(
            (width(0, 0), width(0, 1), width(0, 256), width(1, 256), width(1, 300)),
            (None, Some(1), Some(256), None, Some(44))
        );
    }
}
