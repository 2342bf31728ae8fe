//! Bytes as a table: where, which, the name of the field, what it says.

use std::fmt::Write as _;

use super::golden::{hex, unhex};

/// Takes bytes apart from the front, a row a field.
pub struct Dump<'a> {
    rest: &'a [u8],
    at: usize,
    out: String,
}

impl<'a> Dump<'a> {
    pub fn of(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, at: 0, out: "| at | bytes | field | says |\n|---:|---|---|---|\n".to_owned() }
    }

    /// The next field.
    pub fn row(&mut self, length: usize, field: &str, says: &str) -> &mut Self {
        let (taken, rest) = self.rest.split_at(length);
        writeln!(self.out, "| {} | {} | {field} | {says} |", self.at, cell(taken)).unwrap();
        (self.rest, self.at) = (rest, self.at + length);
        self
    }

    /// Some fields of the same kind.
    pub fn rows(&mut self, fields: &[(usize, &str, &str)]) -> &mut Self {
        for (length, field, says) in fields {
            self.row(*length, field, says);
        }
        self
    }

    /// The table. Every byte must have been told of.
    pub fn end(&mut self) -> String {
        assert_eq!(self.rest, [0; 0], "bytes without a row, from {} on, behind\n{}", self.at, self.out);
        std::mem::take(&mut self.out)
    }
}

/// Bytes of a cell; the same byte many times is written once.
fn cell(bytes: &[u8]) -> String {
    match bytes.first() {
        None => "none".to_owned(),
        Some(first) if bytes.len() >= 8 && bytes.iter().all(|byte| byte == first) => {
            format!("`{first:02x}` × {}", bytes.len())
        }
        Some(_) => format!("`{}`", hex(bytes)),
    }
}

/// The bytes of a table that [`Dump`] made, from its text alone.
pub fn bytes_of(table: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for line in table.lines().filter(|line| line.starts_with('|')).skip(2) {
        let mut cells = line.split('|').skip(1).map(str::trim);
        let (at, cell) = (cells.next().unwrap(), cells.next().unwrap());
        assert_eq!(at.parse(), Ok(bytes.len()), "the offset in {line}");
        if cell == "none" {
            continue;
        }
        let (digits, times) = cell.split_once(" × ").unwrap_or((cell, "1"));
        bytes.extend(unhex(digits.trim_matches('`')).repeat(times.parse().unwrap()));
    }
    bytes
}
