//! Rows of delimited text (RFC 4180), read so that one bad row costs one row and not the rest of the file.
//!
//! The `csv` crate reads an open quotation mark to the end of the file, without limit, and cannot begin again behind it;
//! hence these lines of our own.

use std::io::{self, Read};

use super::encoding::Text;

/// The longest row, in bytes of UTF-8. What is longer is a reject.
pub const MAX_RECORD_BYTES: usize = 64 * 1024;
/// The most lines that a row may span. It bounds the work that unclosed quotation marks can cause.
pub const MAX_RECORD_LINES: u64 = 500;

/// Why a row cannot be taken apart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// A quotation mark is opened in this column (from 1) and not closed.
    Unclosed(u32),
    /// Text follows the closing quotation mark of this column (from 1).
    AfterQuote(u32),
    /// The row is longer than [`MAX_RECORD_BYTES`].
    TooLong,
}

/// The fields of one row, in one allocation that is used again for the next.
#[derive(Default, Clone, PartialEq, Eq)]
pub struct Fields {
    text: Vec<u8>,
    ends: Vec<usize>,
}

impl Fields {
    /// How many there are.
    pub fn count(&self) -> usize {
        self.ends.len()
    }

    /// The field at this place, from 0; empty where the row has none.
    pub fn get(&self, index: usize) -> &str {
        let start = index.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        let bytes = self.ends.get(index).and_then(|end| self.text.get(start..*end)).unwrap_or_default();
        // Fields are cut out of a `str` at ASCII bytes, so this always holds.
        std::str::from_utf8(bytes).unwrap_or_default()
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.count()).map(|index| self.get(index))
    }

    /// Whether nothing but blanks is in any of them.
    pub fn is_blank(&self) -> bool {
        self.text.iter().all(|byte| byte.is_ascii_whitespace())
    }

    fn clear(&mut self) {
        self.text.clear();
        self.ends.clear();
    }

    fn end(&mut self) {
        self.ends.push(self.text.len());
    }

    fn column(&self) -> u32 {
        u32::try_from(self.ends.len()).unwrap_or(u32::MAX).saturating_add(1)
    }
}

/// One row as it stands in the file.
pub struct Record<'a> {
    /// The line it begins on, from 1.
    pub line: u64,
    /// Its text without the line end; of a row that is too long, the beginning.
    pub raw: &'a str,
    /// Its fields, or why there are none.
    pub fields: Result<&'a Fields, Fault>,
}

/// The rows of a text, in constant memory.
pub struct Records<R> {
    text: Text<R>,
    delimiter: u8,
    buffer: String,
    start: usize,
    ended: bool,
    line: u64,
    fields: Fields,
}

impl<R: Read> Records<R> {
    /// Reads rows from `beginning` and then from where the text stands; `line` is the number of the first line.
    pub fn new(beginning: String, text: Text<R>, delimiter: u8, line: u64) -> Self {
        Self { text, delimiter, buffer: beginning, start: 0, ended: false, line, fields: Fields::default() }
    }

    /// How many bytes of the source were read so far: for progress.
    pub fn bytes(&self) -> u64 {
        self.text.bytes()
    }

    /// The next row that is not blank; `None` at the end. After a row that could not be taken apart, reading goes on
    /// with the line behind its first.
    pub fn read(&mut self) -> io::Result<Option<Record<'_>>> {
        loop {
            if self.start < self.buffer.len() {
                let rest = self.buffer.as_bytes().get(self.start..).unwrap_or_default();
                let found = scan(rest, self.delimiter, self.ended, &mut self.fields);
                match found {
                    Scan::Unfinished => {}
                    Scan::Row { length, lines } if self.fields.is_blank() => {
                        self.start += length;
                        self.line += lines;
                        continue;
                    }
                    Scan::Row { length, lines } => return Ok(Some(self.row(length, lines))),
                    Scan::Fault(fault) => return self.fault(fault).map(Some),
                }
            } else if self.ended {
                return Ok(None);
            }
            self.refill()?;
        }
    }

    /// How many bytes are set aside for the text that is held.
    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.buffer.capacity() + self.fields.text.capacity()
    }

    fn rest(&self) -> &[u8] {
        self.buffer.as_bytes().get(self.start..).unwrap_or_default()
    }

    fn refill(&mut self) -> io::Result<()> {
        self.buffer.drain(..self.start);
        self.start = 0;
        self.ended = !self.text.read_into(&mut self.buffer)?;
        Ok(())
    }

    fn row(&mut self, length: usize, lines: u64) -> Record<'_> {
        let (start, line) = (self.start, self.line);
        self.start += length;
        self.line += lines;
        let raw = self.buffer.get(start..self.start).unwrap_or_default().trim_end_matches(['\r', '\n']);
        Record { line, raw, fields: Ok(&self.fields) }
    }

    /// Steps over the first line of what is left, which may be longer than the buffer.
    fn fault(&mut self, fault: Fault) -> io::Result<Record<'_>> {
        let line = self.line;
        self.line += 1;
        while line_length(self.rest(), self.ended).is_none() && self.rest().len() <= MAX_RECORD_BYTES && !self.ended {
            self.refill()?;
        }
        let length = line_length(self.rest(), self.ended);
        let raw = cut(self.buffer.get(self.start..).unwrap_or_default(), length.unwrap_or(usize::MAX));
        let raw = raw.trim_end_matches(['\r', '\n']).to_owned();
        match length {
            Some(length) => self.start += length,
            None => self.skip_line()?,
        }
        // The copy keeps the borrow simple; faults are rare.
        self.fields.clear();
        self.fields.text = raw.into_bytes();
        Ok(Record { line, raw: std::str::from_utf8(&self.fields.text).unwrap_or_default(), fields: Err(fault) })
    }

    fn skip_line(&mut self) -> io::Result<()> {
        loop {
            if let Some(length) = line_length(self.rest(), self.ended) {
                self.start += length;
                return Ok(());
            }
            // A carriage return at the very end may be half of a line end: it stays.
            self.start = self.buffer.len() - usize::from(self.buffer.ends_with('\r'));
            self.refill()?;
        }
    }
}

fn cut(text: &str, length: usize) -> &str {
    let mut length = length.min(MAX_RECORD_BYTES).min(text.len());
    while !text.is_char_boundary(length) {
        length -= 1;
    }
    text.get(..length).unwrap_or_default()
}

/// The length of the first line with its line end; `None` where its end is not there yet.
fn line_length(bytes: &[u8], ended: bool) -> Option<usize> {
    let at = bytes.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
    match at.map(|at| (at, bytes.get(at), bytes.get(at + 1))) {
        Some((at, Some(b'\r'), Some(b'\n'))) => Some(at + 2),
        Some((_, Some(b'\r'), None)) if !ended => None,
        Some((at, _, _)) => Some(at + 1),
        None => ended.then_some(bytes.len()),
    }
}

/// What stands at the beginning of some bytes.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Scan {
    /// The end of the row is not there yet.
    Unfinished,
    /// A row of this many bytes and lines, its line end included.
    Row { length: usize, lines: u64 },
    /// No row.
    Fault(Fault),
}

/// Takes the first row apart. `ended` says that nothing comes behind these bytes.
pub(super) fn scan(bytes: &[u8], delimiter: u8, ended: bool, fields: &mut Fields) -> Scan {
    fields.clear();
    let limit = bytes.get(..MAX_RECORD_BYTES).unwrap_or(bytes);
    let cut_off = limit.len() < bytes.len();
    let mut scanner = Scanner { bytes: limit, at: 0, lines: 0, delimiter, ended: ended && !cut_off };
    match scanner.row(fields) {
        Some(Ok(())) => Scan::Row { length: scanner.at, lines: scanner.lines.max(1) },
        Some(Err(fault)) => Scan::Fault(fault),
        None if !cut_off => Scan::Unfinished,
        None if scanner.lines > 0 => Scan::Fault(Fault::Unclosed(fields.column())),
        None => Scan::Fault(Fault::TooLong),
    }
}

struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
    lines: u64,
    delimiter: u8,
    ended: bool,
}

impl Scanner<'_> {
    /// `None` means that the bytes ended before the row did.
    fn row(&mut self, fields: &mut Fields) -> Option<Result<(), Fault>> {
        loop {
            let blanks = self.blanks();
            let field = if self.peek() == Some(b'"') {
                self.quoted(fields)
            } else {
                self.at -= blanks;
                self.plain(fields)
            };
            if let Err(fault) = field? {
                return Some(Err(fault));
            }
            fields.end();
            match self.peek() {
                Some(byte) if byte == self.delimiter => self.at += 1,
                Some(_) => return self.line_end().then_some(Ok(())),
                None => return self.ended.then_some(Ok(())),
            }
        }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn rest(&self) -> &[u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    /// Steps over blanks before and behind quotation marks. A tab may be the delimiter.
    fn blanks(&mut self) -> usize {
        let count = self.rest().iter().take_while(|byte| **byte == b' ').count();
        self.at += count;
        count
    }

    fn plain(&mut self, fields: &mut Fields) -> Option<Result<(), Fault>> {
        let rest = self.rest();
        let length = rest.iter().position(|byte| *byte == self.delimiter || matches!(byte, b'\n' | b'\r'));
        let length = length.or_else(|| self.ended.then_some(rest.len()))?;
        fields.text.extend_from_slice(rest.get(..length)?);
        self.at += length;
        Some(Ok(()))
    }

    fn quoted(&mut self, fields: &mut Fields) -> Option<Result<(), Fault>> {
        let unclosed = Err(Fault::Unclosed(fields.column()));
        self.at += 1;
        loop {
            let rest = self.rest();
            let Some(length) = rest.iter().position(|byte| *byte == b'"') else {
                self.lines += line_ends(rest);
                return (self.ended || self.lines > MAX_RECORD_LINES).then_some(unclosed);
            };
            let inside = rest.get(..length)?;
            fields.text.extend_from_slice(inside);
            self.lines += line_ends(inside);
            if self.lines > MAX_RECORD_LINES {
                return Some(unclosed);
            }
            self.at += length + 1;
            if self.peek() == Some(b'"') {
                fields.text.push(b'"');
                self.at += 1;
                continue;
            }
            self.blanks();
            return match self.peek() {
                Some(byte) if byte == self.delimiter || matches!(byte, b'\n' | b'\r') => Some(Ok(())),
                Some(_) => Some(Err(Fault::AfterQuote(fields.column()))),
                None => self.ended.then_some(Ok(())),
            };
        }
    }

    /// Steps over the line end that stands here; false where half of it may still come.
    fn line_end(&mut self) -> bool {
        let Some(length) = line_length(self.rest(), self.ended) else { return false };
        self.at += length;
        self.lines += 1;
        true
    }
}

/// Line ends are LF, CR LF and CR.
fn line_ends(bytes: &[u8]) -> u64 {
    let pairs = bytes.windows(2).filter(|pair| *pair == b"\r\n").count();
    let singles = bytes.iter().filter(|byte| matches!(byte, b'\n' | b'\r')).count();
    (singles - pairs) as u64
}

#[cfg(test)]
mod tests {
    use super::super::encoding::Encoding;
    use super::*;
    use proptest::prelude::*;

    type Seen = (u64, Result<Vec<String>, Fault>);

    fn read(text: &[u8], delimiter: u8) -> Vec<Seen> {
        let mut records = Records::new(String::new(), Text::new(text, Encoding::Utf8), delimiter, 1);
        let mut seen = Vec::new();
        while let Some(record) = records.read().unwrap() {
            seen.push((record.line, record.fields.map(|fields| fields.iter().map(str::to_owned).collect())));
        }
        seen
    }

    fn row(line: u64, fields: &[&str]) -> Seen {
        (line, Ok(fields.iter().map(ToString::to_string).collect()))
    }

    #[test]
    fn quotes_blanks_and_line_ends_read_as_they_are_meant() {
        let text = b"a,b,c\r\n1, \"two, \"\"2\"\"\" ,3\n\n\"x\ny\",,z\rlast,\"\",5\" pipe";
        let expected = vec![
            row(1, &["a", "b", "c"]),
            row(2, &["1", "two, \"2\"", "3"]),
            row(4, &["x\ny", "", "z"]),
            row(6, &["last", "", "5\" pipe"]),
        ];
        assert_eq!(read(text, b','), expected);
    }

    #[test]
    fn an_unclosed_quote_costs_its_own_line_only() {
        let text = b"a,b\n1,\"open\n2,two\n3,\"three\"\n4,four\n";
        let expected = vec![
            row(1, &["a", "b"]),
            (2, Err(Fault::AfterQuote(2))),
            row(3, &["2", "two"]),
            row(4, &["3", "three"]),
            row(5, &["4", "four"]),
        ];
        assert_eq!(read(text, b','), expected);
        let text = b"a,b\n1,\"open\n2,two\n";
        assert_eq!(read(text, b','), vec![row(1, &["a", "b"]), (2, Err(Fault::Unclosed(2))), row(3, &["2", "two"])]);
    }

    #[test]
    fn a_row_without_end_is_stepped_over_without_being_held() {
        let long = "x".repeat(5 * MAX_RECORD_BYTES);
        let text = format!("a\n{long}\nb\n\"{long}\nc\n{long}");
        let seen = read(text.as_bytes(), b',');
        let expected =
            [row(1, &["a"]), (2, Err(Fault::TooLong)), row(3, &["b"]), (4, Err(Fault::TooLong)), row(5, &["c"])];
        assert_eq!(seen.get(..5), Some(&expected[..]));
        assert_eq!(seen.get(5), Some(&(6, Err(Fault::TooLong))));
        assert_eq!(seen.len(), 6);
    }

    #[test]
    fn a_quote_that_swallows_many_lines_is_unclosed() {
        let text = format!("a\n\"open\n{}x\"\n", "row\n".repeat(5_000));
        let seen = read(text.as_bytes(), b',');
        assert_eq!(seen.get(1), Some(&(2, Err(Fault::Unclosed(1)))));
        assert_eq!(seen.len(), 5_003);
    }

    #[test]
    fn line_ends_at_the_edge_of_a_piece_are_one() {
        for length in 65_525..65_540 {
            let text = format!("{},b\r\nc,d\r\n", "x".repeat(length));
            let seen = read(text.as_bytes(), b',');
            assert_eq!(seen.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [1, 2], "{length}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic_the_reader_and_lines_only_grow(bytes in proptest::collection::vec(
            prop_oneof![Just(b'"'), Just(b','), Just(b'\n'), Just(b'\r'), Just(b' '), any::<u8>()], 0..600)) {
            let seen = read(&bytes, b',');
            prop_assert!(seen.windows(2).all(|pair| pair[0].0 < pair[1].0));
        }

        #[test]
        fn what_the_csv_crate_writes_reads_back(rows in proptest::collection::vec(
            proptest::collection::vec("[a-zü\" ,;\r\n]{1,9}", 2..4), 1..6)) {
            let mut writer = csv::WriterBuilder::new().flexible(true).quote_style(csv::QuoteStyle::Always).from_writer(vec![]);
            for row in &rows {
                writer.write_record(row).unwrap();
            }
            let seen = read(&writer.into_inner().unwrap(), b',');
            let blank = |row: &Vec<String>| row.iter().all(|field| field.trim().is_empty());
            let rows: Vec<_> = rows.into_iter().filter(|row| !blank(row)).collect();
            prop_assert_eq!(seen.into_iter().map(|(_, fields)| fields.unwrap()).collect::<Vec<_>>(), rows);
        }
    }
}
