//! What separates the fields: comma, semicolon or tab, told from the first rows.

use std::fmt;

use super::record::{Fields, Scan, scan};

/// How many rows are looked at.
const ROWS: usize = 50;

/// What stands between two fields.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Delimiter {
    /// `,`
    Comma,
    /// `;`, as spreadsheets write it where the comma is the decimal sign.
    Semicolon,
    /// A tab.
    Tab,
}

impl Delimiter {
    const ALL: [Self; 3] = [Self::Comma, Self::Semicolon, Self::Tab];

    /// The byte.
    pub fn byte(self) -> u8 {
        match self {
            Self::Comma => b',',
            Self::Semicolon => b';',
            Self::Tab => b'\t',
        }
    }
}

impl fmt::Display for Delimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Comma => "comma",
            Self::Semicolon => "semicolon",
            Self::Tab => "tab",
        })
    }
}

/// Tells the delimiter from the beginning of a text: the one that cuts the header and most rows behind it into the same
/// number of fields, and of several such the one that makes more fields. One column alone reads as comma.
pub fn detect(beginning: &str) -> Delimiter {
    let mut best = (Delimiter::Comma, (0, 1));
    for delimiter in Delimiter::ALL {
        let score = score(beginning.as_bytes(), delimiter);
        if score > best.1 {
            best = (delimiter, score);
        }
    }
    best.0
}

/// The line `sep=;` that spreadsheets write before the header: the delimiter it names and its length with its line end.
pub fn declared(beginning: &str) -> Option<(Delimiter, usize)> {
    let (first, rest) = beginning.split_once('\n')?;
    let named = first.trim_end_matches('\r').strip_prefix("sep=")?;
    let delimiter = Delimiter::ALL.into_iter().find(|one| named.as_bytes() == [one.byte()])?;
    Some((delimiter, beginning.len() - rest.len()))
}

/// Per hundred rows, how many have as many fields as the header; then how many that is.
fn score(mut bytes: &[u8], delimiter: Delimiter) -> (usize, usize) {
    let mut fields = Fields::default();
    let (mut header, mut rows, mut alike) = (0, 0, 0);
    while rows < ROWS && !bytes.is_empty() {
        let Scan::Row { length, .. } = scan(bytes, delimiter.byte(), true, &mut fields) else { break };
        bytes = bytes.get(length..).unwrap_or_default();
        if fields.is_blank() {
            continue;
        }
        header = if rows == 0 { fields.count() } else { header };
        rows += 1;
        alike += usize::from(fields.count() == header);
    }
    if header < 2 { (0, header) } else { (alike * 100 / rows, header) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delimiter_that_cuts_the_rows_alike_is_it() {
        for (text, expected) in [
            ("name,city\nAnna,Rom\n", Delimiter::Comma),
            ("name;city;note\n\"Groß, Anna\";Rom;a, b, c\nBo;Ulm;\n", Delimiter::Semicolon),
            ("name\tcity\nAnna, Dr.\tRom; Lazio\n", Delimiter::Tab),
            ("name,note\n\"a;b;c\",\"d;e;f\"\n\"g;h;i\",j\n", Delimiter::Comma),
            ("\"last, first\";\"phone, fax\"\nx;y\nz;w\n", Delimiter::Semicolon),
            ("email\na@example.org\n", Delimiter::Comma),
            ("", Delimiter::Comma),
        ] {
            assert_eq!(detect(text), expected, "{text}");
        }
    }

    #[test]
    fn a_spreadsheet_may_name_it_in_the_first_line() {
        assert_eq!(declared("sep=;\r\nname;city\r\n"), Some((Delimiter::Semicolon, 7)));
        assert_eq!(declared("sep=\t\nname\n"), Some((Delimiter::Tab, 6)));
        assert_eq!(declared("sepa,name\n"), None);
    }
}
