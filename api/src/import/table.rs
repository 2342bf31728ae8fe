//! A file of contacts, opened and ready to be read row by row.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::Path;

use super::cells::Cells;
use super::country::Countries;
use super::delimiter::{self, Delimiter};
use super::encoding::{self, Detected, Text};
use super::mapping::{MapError, MapFile, Mapping};
use super::reason::Reject;
use super::record::{Record, Records};
use super::row::Row;

/// Why a file cannot be imported at all.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// The disk said no.
    #[error("the file cannot be read: {0}")]
    Io(#[from] io::Error),
    /// There is nothing in it.
    #[error("the file is empty")]
    Empty,
    /// It is a spreadsheet program's own file, or another archive.
    #[error("the file is not text but an archive or a spreadsheet; export it as CSV")]
    NotText,
    /// The first line is broken.
    #[error("the header cannot be read: {0}")]
    Header(Reject),
    /// Its columns cannot be told.
    #[error(transparent)]
    Mapping(#[from] MapError),
}

/// What became of one row.
pub struct Taken<'a> {
    /// Its values, or why it is not taken.
    pub row: Result<Row, Reject>,
    /// The row as it stands in the file: for the file of rejects and for nothing else.
    pub raw: &'a str,
}

/// An opened file: how it is written, which column is which field, and its rows.
pub struct Table<R> {
    records: Records<R>,
    detected: Detected,
    delimiter: Delimiter,
    mapping: Mapping,
    header: String,
    countries: Countries,
}

impl Table<File> {
    /// Opens a file.
    pub fn open(path: &Path, told: &MapFile) -> Result<Self, TableError> {
        Self::new(File::open(path)?, told)
    }
}

impl<R: Read + Seek> Table<R> {
    /// Reads the source once to tell its encoding, and again from the start up to its header.
    pub fn new(mut source: R, told: &MapFile) -> Result<Self, TableError> {
        source.rewind()?;
        let detected = encoding::detect(&mut source)?;
        source.rewind()?;
        let mut magic = [0; 4];
        if source.read(&mut magic)? == 4 && matches!(&magic, b"PK\x03\x04" | b"\xD0\xCF\x11\xE0" | b"%PDF") {
            return Err(TableError::NotText);
        }
        source.rewind()?;
        let mut text = Text::new(source, detected.encoding);
        let mut beginning = String::new();
        text.read_into(&mut beginning)?;
        let (delimiter, skipped) = match delimiter::declared(&beginning) {
            Some(declared) => declared,
            None => (delimiter::detect(&beginning), 0),
        };
        let beginning = beginning.split_off(skipped);
        let first_line = if skipped > 0 { 2 } else { 1 };
        let mut records = Records::new(beginning, text, delimiter.byte(), first_line);
        let (mapping, header) = header(&mut records, told)?;
        Ok(Self { records, detected, delimiter, mapping, header, countries: Countries::default() })
    }
}

fn header<R: Read>(records: &mut Records<R>, told: &MapFile) -> Result<(Mapping, String), TableError> {
    let Some(Record { line, raw, fields }) = records.read()? else { return Err(TableError::Empty) };
    let fields = fields.map_err(|fault| TableError::Header(Reject::of_fault(line, fault)))?;
    Ok((Mapping::new(fields.iter(), told)?, raw.to_owned()))
}

impl<R: Read> Table<R> {
    /// In which encoding it is read.
    pub fn detected(&self) -> Detected {
        self.detected
    }

    /// What separates its fields.
    pub fn delimiter(&self) -> Delimiter {
        self.delimiter
    }

    /// Which column is which field.
    pub fn mapping(&self) -> &Mapping {
        &self.mapping
    }

    /// The header as it stands in the file: for the file of rejects.
    pub fn header(&self) -> &str {
        &self.header
    }

    /// How many bytes were read so far, of [`Detected::bytes`]: for progress.
    pub fn bytes(&self) -> u64 {
        self.records.bytes()
    }

    /// The next row that is not blank; `None` at the end.
    pub fn read(&mut self) -> io::Result<Option<Taken<'_>>> {
        let Some(Record { line, raw, fields }) = self.records.read()? else { return Ok(None) };
        let row = match fields {
            Ok(fields) => {
                Cells::new(&self.mapping, fields, line).and_then(|mut cells| Row::read(&mut cells, &mut self.countries))
            }
            Err(fault) => Err(Reject::of_fault(line, fault)),
        };
        Ok(Some(Taken { row, raw }))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use proptest::prelude::*;

    use super::super::{Field, Point, Reason};
    use super::*;

    const PLANTED: &str = "Plantagenet";

    fn open(bytes: &[u8]) -> Result<Table<Cursor<Vec<u8>>>, TableError> {
        Table::new(Cursor::new(bytes.to_vec()), &MapFile::default())
    }

    fn rows(bytes: &[u8]) -> Vec<Result<Row, Reject>> {
        let mut table = open(bytes).unwrap();
        let mut rows = Vec::new();
        while let Some(taken) = table.read().unwrap() {
            rows.push(taken.row);
        }
        rows
    }

    fn one(text: &str) -> Row {
        let mut rows = rows(text.as_bytes());
        assert_eq!(rows.len(), 1);
        rows.remove(0).unwrap()
    }

    fn warnings(row: &Row) -> Vec<String> {
        row.warnings.iter().map(ToString::to_string).collect()
    }

    fn rejects(text: &str) -> Vec<String> {
        rows(text.as_bytes()).into_iter().filter_map(Result::err).map(|reject| reject.to_string()).collect()
    }

    const HEADER: [&str; 7] = ["Kundennr", "Firma", "Ansprechpartner", "Straße", "PLZ", "Land", "Telefon"];
    const CELLS: [&str; 7] =
        ["K-1", "Müller & Söhne", "Jörg Groß", "Königsallee 5", "01067", "Österreich", "01 / 234 56 78"];

    #[test]
    fn every_encoding_and_delimiter_gives_the_same_row() {
        let mut seen: Option<Row> = None;
        for (delimiter, expected) in [(",", Delimiter::Comma), (";", Delimiter::Semicolon), ("\t", Delimiter::Tab)] {
            for line_end in ["\n", "\r\n", "\r"] {
                let text = [HEADER, CELLS].map(|cells| cells.join(delimiter) + line_end).concat();
                let wide = |bytes: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(bytes).collect::<Vec<u8>>();
                let (western, _, lost) = encoding_rs::WINDOWS_1252.encode(&text);
                assert!(!lost);
                let mark = |mark: &[u8], bytes: &[u8]| [mark, bytes].concat();
                for bytes in [
                    text.as_bytes().to_vec(),
                    mark(b"\xEF\xBB\xBF", text.as_bytes()),
                    wide(u16::to_le_bytes),
                    mark(b"\xFF\xFE", &wide(u16::to_le_bytes)),
                    wide(u16::to_be_bytes),
                    mark(b"\xFE\xFF", &wide(u16::to_be_bytes)),
                    western.into_owned(),
                ] {
                    assert_eq!(open(&bytes).unwrap().delimiter(), expected);
                    let row = rows(&bytes).remove(0).unwrap();
                    assert_eq!(row.line, 2);
                    assert!(seen.get_or_insert(row.clone()) == &row, "{expected} {bytes:?}");
                }
            }
        }
        let row = seen.unwrap();
        assert_eq!(row.organization.unwrap().as_str(), CELLS[1]);
        assert_eq!(row.person.unwrap().displayed.as_str(), CELLS[2]);
        assert_eq!(row.address.postal_code.unwrap().as_str(), CELLS[4]);
        assert_eq!(row.address.country.unwrap().read.unwrap().to_string(), "AT");
        assert!(matches!(&row.points[..], [Point::Phone(number)] if number.written.as_str() == CELLS[6]
            && number.normalized.as_ref().unwrap().as_str() == "+4312345678"));
    }

    #[test]
    fn blanks_around_cells_and_names_in_parts_make_one_name() {
        let row = one(
            "rec_id, given_name, surname, street_number, address_1, address_2, suburb, date_of_birth, soc_sec_id\n\
             rec-1, , waller, 6, tullaroop street, willaroo, st james, 19081209, 6988048\n",
        );
        let person = row.person.unwrap();
        assert_eq!((person.displayed.as_str(), person.first), ("waller", None));
        assert_eq!(person.born.unwrap().to_string(), "1908-12-09");
        let lines: Vec<&str> = row.address.lines.iter().map(|line| line.as_str()).collect();
        assert_eq!(lines, ["6 tullaroop street", "willaroo"]);
        let row = one("Vorname;Nachname;Straße;Hausnummer\nAnna;Groß;Am Hof;3 a\n");
        assert_eq!(row.person.unwrap().displayed.as_str(), "Anna Groß");
        assert_eq!(row.address.lines[0].as_str(), "Am Hof 3 a");
    }

    #[test]
    fn odd_values_are_kept_or_left_out_with_a_warning() {
        let row = one("name,country,phone,fax,homepage,birthday,address\n\
             Ann,Atlantis,not known,+1 23,#HOME.HTM#,02/03/1990,\"House\n1 Road\"\n");
        assert_eq!(
            warnings(&row),
            [
                "line 2, column 2: the country is not known; it is kept as written",
                "line 2, column 3: the phone is left out: it is not a phone number: it has no digit",
                "line 2, column 4: the number does not follow the rules of its country; it is kept as written",
                "line 2, column 6: the date is left out: it is not understood or could be two days",
                "line 2, column 5: the website is left out: it is not a web address: it is written https://example.org or \
                 example.org",
            ]
        );
        assert_eq!(row.address.lines.len(), 2);
        assert_eq!(row.address.country.unwrap().written.as_str(), "Atlantis");
        assert_eq!(row.points.len(), 1);
        let row = one("name,note\n\"Ann\nLee\",Stra\u{fffd}e\n");
        assert_eq!(
            warnings(&row),
            [
                "line 2, column 1: line breaks became spaces",
                "line 2, column 2: a character was unreadable before or is no text in this encoding",
            ]
        );
    }

    #[test]
    fn a_row_may_name_an_organization_only_or_a_mail_address_only() {
        let rows = rows(b"company,contact_name,email,tags\nAcme,,info@acme.example,a;b;A\n,,ann@example.org; Bo@example.org,\n,,,x\n");
        let acme = rows[0].as_ref().unwrap();
        assert!(acme.person.is_none() && acme.points.len() == 1 && acme.tags.len() == 2);
        let list = rows[1].as_ref().unwrap();
        assert_eq!(list.person.as_ref().unwrap().displayed.as_str(), "ann@example.org");
        assert_eq!(list.points.len(), 2);
        assert_eq!(rows[2].as_ref().unwrap_err().reason, Reason::Nobody);
    }

    #[test]
    fn each_fault_costs_one_row_and_says_where() {
        let text = format!(
            "id,name,email\n\
             1,Ann,ann@example.org\n\
             2,\"open,x\n\
             3,Bo,bo@example.org,{PLANTED}\n\
             4,Bo\n\
             5,Bo,{PLANTED}\n\
             6,B\0o,\n\
             7,{PLANTED}{},\n\
             8,\"{PLANTED}\" x,\n\
             9,Cy,,,\n\
             \n\
             10,,\n",
            "x".repeat(300)
        );
        assert_eq!(
            rejects(&text),
            [
                "line 3, column 2: text follows a closing quotation mark",
                "line 4: the row has 4 fields and the header 3",
                "line 5: the row has 2 fields and the header 3",
                "line 6, column 3: the email is not a mail address: it has no @",
                "line 7, column 2: the displayed_name holds a control character or a line break",
                "line 8, column 2: the displayed_name is longer than 200 characters",
                "line 9, column 2: text follows a closing quotation mark",
                "line 12: there is neither a name, nor an organization, nor a mail address",
            ]
        );
        assert_eq!(rows(text.as_bytes()).iter().filter(|row| row.is_ok()).count(), 2);
    }

    #[test]
    fn what_goes_to_the_file_of_rejects_is_the_row_itself() {
        let mut table = open(b"sep=;\r\nid;name\r\n1;\"a\r\nb\"; x\r\n2;\"open\r\n").unwrap();
        assert_eq!(table.header(), "id;name");
        let taken = table.read().unwrap().unwrap();
        assert_eq!((taken.raw, taken.row.unwrap_err().spot.line), ("1;\"a\r\nb\"; x", 3));
        let taken = table.read().unwrap().unwrap();
        assert_eq!((taken.raw, taken.row.unwrap_err().spot.line), ("2;\"open", 5));
        assert!(table.read().unwrap().is_none());
    }

    #[test]
    fn a_file_that_is_no_table_is_a_typed_error() {
        assert!(matches!(open(b""), Err(TableError::Empty)));
        assert!(matches!(open(b"\n\n \n"), Err(TableError::Empty)));
        assert!(matches!(open(b"PK\x03\x04name,email\n"), Err(TableError::NotText)));
        assert!(matches!(open(b"name,\"email\n"), Err(TableError::Header(_))));
        assert!(matches!(open(b"Plantagenet,Ulm\n"), Err(TableError::Mapping(MapError::NoHeader))));
    }

    #[test]
    fn constants_stand_in_for_empty_cells() {
        let told = MapFile::parse("[constants]\ncountry = 'Germany'\ntags = 'fair, 2026'").unwrap();
        let text = "name,country,phone\nAnn,,030 1234567\nBo,UK,\n";
        let mut table = Table::new(Cursor::new(text), &told).unwrap();
        let ann = table.read().unwrap().unwrap().row.unwrap();
        assert_eq!(ann.address.country.unwrap().read.unwrap().to_string(), "DE");
        assert!(matches!(&ann.points[..], [Point::Phone(number)] if number.normalized.is_some()));
        assert_eq!(ann.tags.len(), 2);
        let bo = table.read().unwrap().unwrap().row.unwrap();
        assert_eq!(bo.address.country.unwrap().read.unwrap().to_string(), "GB");
    }

    #[test]
    fn rows_are_equal_by_their_values_and_not_by_their_line() {
        let [one, same, other] = rows(b"id,name\n1,Ann\n1, Ann\n1,Anne\n").try_into().unwrap();
        assert!(one == same && one.as_ref().unwrap().line != same.unwrap().line);
        assert!(one != other);
    }

    proptest! {
        #[test]
        fn no_bytes_panic_the_import(bytes in proptest::collection::vec(any::<u8>(), 0..300), mark in 0..4usize) {
            let mark: &[u8] = [&b""[..], b"\xFF\xFE", b"\xFE\xFF", b"\xEF\xBB\xBF"][mark];
            for start in [&b""[..], b"name,email,phone,country,birthday,notes\n", b"n\0a\0m\0e\0,\0i\0d\0\n\0"] {
                let bytes = [mark, start, &bytes].concat();
                if let Ok(mut table) = open(&bytes) {
                    while table.read().unwrap().is_some() {}
                }
            }
        }

        #[test]
        fn no_table_reject_or_warning_holds_the_content_of_a_row(
            cells in proptest::collection::vec(("[\"\n\0;@+. x0-9\u{fffd}]{0,6}", "[\"\n\0;@+. x0-9\u{fffd}]{0,6}"), 1..40),
        ) {
            let cells: Vec<String> = cells.iter().map(|(one, two)| format!("{one}{PLANTED}{two}")).collect();
            let header = Field::ALL.iter().map(|field| field.name()).collect::<Vec<_>>().join(",");
            let width = Field::ALL.len();
            let row: Vec<&str> = cells.iter().map(String::as_str).cycle().take(width - cells.len() % 2).collect();
            let text = format!("{header}\n{}\n", row.join(","));
            let mut table = open(text.as_bytes()).unwrap();
            let mut said = table.mapping().to_string();
            while let Some(taken) = table.read().unwrap() {
                said += &match taken.row {
                    Ok(row) => format!("{row:?}{:?}", warnings(&row)),
                    Err(reject) => format!("{reject} {reject:?}"),
                };
            }
            prop_assert!(!said.contains(PLANTED), "{}", said);
        }
    }

    /// A source that is made while it is read: nothing holds it whole.
    struct Endless {
        at: u64,
        length: u64,
    }

    impl Endless {
        const HEADER: &[u8] = b"id,name\n";
        const ROW: &[u8] = b"0000000001,Ann Example\n";
    }

    impl Read for Endless {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let header = Self::HEADER.len() as u64;
            let mut count = 0;
            for byte in into.iter_mut().take((self.length - self.at) as usize) {
                *byte = match self.at.checked_sub(header) {
                    None => Self::HEADER[self.at as usize],
                    Some(at) => Self::ROW[(at % Self::ROW.len() as u64) as usize],
                };
                self.at += 1;
                count += 1;
            }
            Ok(count)
        }
    }

    impl Seek for Endless {
        fn seek(&mut self, _: io::SeekFrom) -> io::Result<u64> {
            self.at = 0;
            Ok(0)
        }
    }

    #[test]
    fn a_long_file_is_read_through_a_buffer_of_constant_size() {
        let rows = 200_000;
        let length = (Endless::HEADER.len() + rows * Endless::ROW.len()) as u64;
        let mut table = Table::new(Endless { at: 0, length }, &MapFile::default()).unwrap();
        let mut read = 0;
        while let Some(taken) = table.read().unwrap() {
            taken.row.unwrap();
            read += 1;
        }
        assert_eq!(read, rows);
        assert_eq!(table.bytes(), length);
        assert!(table.records.held() < 1024 * 1024, "{}", table.records.held());
    }
}
