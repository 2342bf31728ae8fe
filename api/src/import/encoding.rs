//! Which encoding a file is in, and its text, read piece by piece.

use std::fmt;
use std::io::{self, Read};

use encoding_rs::{CoderResult, Decoder, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

/// How many bytes are read at once.
const PIECE: usize = 64 * 1024;

/// The encodings that exports come in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Encoding {
    /// UTF-8, or plain ASCII.
    Utf8,
    /// UTF-16, low byte first.
    Utf16Le,
    /// UTF-16, high byte first.
    Utf16Be,
    /// Windows-1252, which also reads ISO 8859-1.
    Windows1252,
}

/// What was found out about a file before it is read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Detected {
    /// The encoding it will be read in.
    pub encoding: Encoding,
    /// Whether a byte order mark says so; without one it is a guess from the bytes.
    pub marked: bool,
    /// How long the file is, in bytes.
    pub bytes: u64,
}

impl fmt::Display for Detected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.encoding {
            Encoding::Utf8 => "UTF-8",
            Encoding::Utf16Le => "UTF-16 (little-endian)",
            Encoding::Utf16Be => "UTF-16 (big-endian)",
            Encoding::Windows1252 => "Windows-1252",
        })?;
        f.write_str(if self.marked { " with a byte order mark" } else { " without a byte order mark" })
    }
}

/// Reads the source to its end, in constant memory, and says what it is written in.
///
/// A byte order mark decides. Else bytes that look like UTF-16 are it; else what is valid UTF-8 is UTF-8, and the rest is
/// Windows-1252, in which every byte is a character. A few broken bytes among many good UTF-8 sequences are damage and do
/// not turn the whole file into Windows-1252.
pub fn detect(source: &mut impl Read) -> io::Result<Detected> {
    let mut piece = vec![0; PIECE];
    let length = fill(source, &mut piece)?;
    let first = piece.get(..length).unwrap_or_default();
    let by_mark = marked(first);
    let by_look = utf_16(first);
    let mut check = Utf8Check::default();
    check.take(first);
    let mut bytes = length as u64;
    loop {
        let length = fill(source, &mut piece)?;
        if length == 0 {
            break;
        }
        bytes += length as u64;
        check.take(piece.get(..length).unwrap_or_default());
    }
    let by_bytes = if check.is_utf_8() { Encoding::Utf8 } else { Encoding::Windows1252 };
    Ok(Detected { encoding: by_mark.or(by_look).unwrap_or(by_bytes), marked: by_mark.is_some(), bytes })
}

fn marked(first: &[u8]) -> Option<Encoding> {
    match first {
        [0xEF, 0xBB, 0xBF, ..] => Some(Encoding::Utf8),
        [0xFF, 0xFE, ..] => Some(Encoding::Utf16Le),
        [0xFE, 0xFF, ..] => Some(Encoding::Utf16Be),
        _ => None,
    }
}

/// In UTF-16 the delimiters, line ends and header names are pairs of a zero and an ASCII byte, always the same way round,
/// and pairs of two ASCII bytes are few: about a quarter of Chinese text.
fn utf_16(first: &[u8]) -> Option<Encoding> {
    let ascii = |byte: u8| matches!(byte, b'\t' | b'\n' | b'\r' | b' '..=b'~');
    let (mut low_first, mut high_first, mut both, mut pairs) = (0usize, 0usize, 0usize, 0usize);
    for pair in first.chunks_exact(2) {
        pairs += 1;
        match *pair {
            [a, 0] if ascii(a) => low_first += 1,
            [0, b] if ascii(b) => high_first += 1,
            [a, b] if ascii(a) && ascii(b) => both += 1,
            _ => {}
        }
    }
    let enough =
        |count: usize, other: usize| count * 10 >= pairs && both * 5 <= pairs * 2 && count > other * 10 && count > 1;
    if enough(low_first, high_first) {
        Some(Encoding::Utf16Le)
    } else if enough(high_first, low_first) {
        Some(Encoding::Utf16Be)
    } else {
        None
    }
}

/// Counts sequences of UTF-8 over pieces that may cut one in two.
#[derive(Default)]
struct Utf8Check {
    tail: Vec<u8>,
    good: u64,
    broken: u64,
}

impl Utf8Check {
    fn take(&mut self, bytes: &[u8]) {
        self.tail.extend_from_slice(bytes);
        let whole = self.tail.len() - unfinished(&self.tail);
        let (whole, rest) = self.tail.split_at_checked(whole).unwrap_or((&self.tail, &[]));
        for chunk in whole.utf8_chunks() {
            self.good += chunk.valid().bytes().filter(|byte| *byte >= 0xC2).count() as u64;
            self.broken += u64::from(!chunk.invalid().is_empty());
        }
        self.tail = rest.to_vec();
    }

    fn is_utf_8(&self) -> bool {
        let broken = self.broken + u64::from(!self.tail.is_empty());
        broken == 0 || self.good > broken.saturating_mul(100)
    }
}

/// How many bytes at the end begin a sequence that the next piece may finish: at most three.
fn unfinished(bytes: &[u8]) -> usize {
    match std::str::from_utf8(bytes.get(bytes.len().saturating_sub(4)..).unwrap_or_default()) {
        Ok(_) => 0,
        Err(_) => {
            let from_end = bytes.iter().rev().take(3).position(|byte| *byte >= 0xC2).map(|at| at + 1);
            let needed = |length: usize| bytes.get(bytes.len() - length).map_or(0, |lead| sequence_length(*lead));
            from_end.filter(|length| needed(*length) > *length).unwrap_or(0)
        }
    }
}

fn sequence_length(lead: u8) -> usize {
    match lead {
        0xC2..=0xDF => 2,
        0xE0..=0xEF => 3,
        0xF0..=0xF4 => 4,
        _ => 1,
    }
}

/// Text decoded from a source, a piece at a time. Bytes that are no text in the encoding become U+FFFD.
pub struct Text<R> {
    source: R,
    decoder: Decoder,
    piece: Vec<u8>,
    bytes: u64,
    ended: bool,
}

impl<R: Read> Text<R> {
    /// Reads the source from where it stands. A byte order mark is left out.
    pub fn new(source: R, encoding: Encoding) -> Self {
        let encoding = match encoding {
            Encoding::Utf8 => UTF_8,
            Encoding::Utf16Le => UTF_16LE,
            Encoding::Utf16Be => UTF_16BE,
            Encoding::Windows1252 => WINDOWS_1252,
        };
        let decoder = encoding.new_decoder_with_bom_removal();
        Self { source, decoder, piece: vec![0; PIECE], bytes: 0, ended: false }
    }

    /// How many bytes were read so far: for progress.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Adds the next piece to the end of `text`; false when there is none left.
    pub fn read_into(&mut self, text: &mut String) -> io::Result<bool> {
        if self.ended {
            return Ok(false);
        }
        let length = fill(&mut self.source, &mut self.piece)?;
        self.bytes += length as u64;
        self.ended = length < self.piece.len();
        let mut bytes = self.piece.get(..length).unwrap_or_default();
        loop {
            text.reserve(self.decoder.max_utf8_buffer_length(bytes.len()).unwrap_or(PIECE).max(16));
            let (result, read, _) = self.decoder.decode_to_string(bytes, text, self.ended);
            bytes = bytes.get(read..).unwrap_or_default();
            if result == CoderResult::InputEmpty {
                return Ok(true);
            }
        }
    }
}

/// Reads until the piece is full or the source ends.
fn fill(source: &mut impl Read, piece: &mut [u8]) -> io::Result<usize> {
    let mut length = 0;
    while let Some(rest) = piece.get_mut(length..).filter(|rest| !rest.is_empty()) {
        match source.read(rest) {
            Ok(0) => break,
            Ok(read) => length += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> (Detected, String) {
        let detected = detect(&mut &bytes[..]).unwrap();
        let mut text = String::new();
        let mut decoded = Text::new(bytes, detected.encoding);
        while decoded.read_into(&mut text).unwrap() {}
        (detected, text)
    }

    fn utf_16(text: &str, bytes: impl Fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(bytes).collect()
    }

    const TEXT: &str = "name,city\nZoë Grün,Łódź\n李雷,北京\n";

    #[test]
    fn unicode_is_found_with_and_without_a_mark() {
        let marked = format!("\u{feff}{TEXT}");
        for (bytes, encoding, mark) in [
            (TEXT.as_bytes().to_vec(), Encoding::Utf8, false),
            (marked.as_bytes().to_vec(), Encoding::Utf8, true),
            (utf_16(TEXT, u16::to_le_bytes), Encoding::Utf16Le, false),
            (utf_16(&marked, u16::to_le_bytes), Encoding::Utf16Le, true),
            (utf_16(TEXT, u16::to_be_bytes), Encoding::Utf16Be, false),
            (utf_16(&marked, u16::to_be_bytes), Encoding::Utf16Be, true),
        ] {
            let (detected, text) = read(&bytes);
            assert_eq!((detected.encoding, detected.marked), (encoding, mark));
            assert_eq!(detected.bytes, bytes.len() as u64);
            assert_eq!(text, TEXT);
        }
    }

    #[test]
    fn windows_1252_is_what_is_not_utf_8() {
        let (detected, text) = read(b"name;preis\nJ\xfcrgen Gro\xdf;5 \x80\n");
        assert_eq!(detected.encoding, Encoding::Windows1252);
        assert_eq!(text, "name;preis\nJürgen Groß;5 €\n");
        let (detected, text) = read(b"name\nRen\xe9");
        assert_eq!((detected.encoding, text.as_str()), (Encoding::Windows1252, "name\nRené"));
    }

    #[test]
    fn a_broken_byte_among_many_good_ones_is_damage_and_not_another_encoding() {
        let mut bytes = "Łukasz Żółć\n".repeat(100).into_bytes();
        bytes.push(0xFF);
        let (detected, text) = read(&bytes);
        assert_eq!(detected.encoding, Encoding::Utf8);
        assert!(text.ends_with('\u{fffd}') && text.starts_with("Łukasz"));
    }

    #[test]
    fn pieces_that_cut_a_character_in_two_read_whole() {
        for shift in 0..4 {
            let text = format!("{}{}", "x".repeat(shift), "€𝄞ü".repeat(PIECE / 3));
            let (detected, read) = read(text.as_bytes());
            assert_eq!(detected.encoding, Encoding::Utf8, "shift {shift}");
            assert!(read == text, "shift {shift}");
        }
    }

    #[test]
    fn one_character_cut_in_two_is_still_utf_8() {
        let (detected, _) = read(format!("{}ü", "x".repeat(PIECE - 1)).as_bytes());
        assert_eq!(detected.encoding, Encoding::Utf8);
    }

    #[test]
    fn an_empty_file_is_read_as_nothing() {
        let (detected, text) = read(b"");
        assert_eq!((detected.bytes, text.as_str()), (0, ""));
    }
}
