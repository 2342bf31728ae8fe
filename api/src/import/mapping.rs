//! Which column of a file is which field: guessed from the header, overruled by a mapping file.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;

use super::field::Field;
use super::guess::{Guess, guess};

/// A mapping file: TOML. Columns that it does not name are guessed.
///
/// ```toml
/// [columns]
/// "Kd.-Nr." = "id"
/// "Bezeichnung" = "job_title"
/// "Rabattgruppe" = "ignore"
///
/// [constants]
/// country = "Germany"
/// ```
///
/// A constant stands in where a row's own cells leave its field empty.
#[derive(Deserialize, Default, Debug, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct MapFile {
    #[serde(default)]
    columns: BTreeMap<String, String>,
    #[serde(default)]
    constants: BTreeMap<String, String>,
}

impl MapFile {
    /// Reads the text of a mapping file.
    pub fn parse(text: &str) -> Result<Self, MapError> {
        toml::from_str(text).map_err(|error| {
            let line =
                error.span().map_or(0, |span| text.get(..span.start).unwrap_or_default().matches('\n').count() + 1);
            MapError::NotToml { line, reason: error.message().to_owned() }
        })
    }
}

/// Why a file cannot be mapped. These texts name columns and fields, never the content of a row.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum MapError {
    /// The mapping file is no TOML of the expected form.
    #[error("the mapping file cannot be read at line {line}: {reason}")]
    NotToml {
        /// From 1; 0 where there is none.
        line: usize,
        /// What the parser says.
        reason: String,
    },
    /// The mapping file names a field that does not exist.
    #[error("the mapping file maps {0:?} to no field there is; the fields are: {list}, and ignore", list = all_fields())]
    UnknownField(String),
    /// The mapping file names a column that the file does not have.
    #[error("the mapping file names the column {0:?}, which the file does not have")]
    MissingColumn(String),
    /// The mapping file names a column whose name stands twice in the header.
    #[error("the mapping file names the column {0:?}, which the file has more than once")]
    AmbiguousColumn(String),
    /// Two columns are mapped to a field that takes one.
    #[error("two columns are mapped to {0}, which takes one")]
    Duplicate(Field),
    /// A constant that would make all rows one.
    #[error("{0} cannot be a constant")]
    Constant(Field),
    /// Nothing in the header is known, or it looks like data. Its text may be a person's and is not shown.
    #[error("the first line does not look like names of columns; put a header line there, or a mapping file beside it")]
    NoHeader,
}

fn all_fields() -> String {
    Field::ALL.iter().map(|field| field.name()).collect::<Vec<_>>().join(", ")
}

/// What becomes of a column.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Target {
    /// It is read into this field.
    Field(Field),
    /// It is not read.
    Ignored(Why),
}

/// Why a column is not read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Why {
    /// The mapping file says so.
    Told,
    /// Its name is not known.
    Unknown,
    /// It names something that is taken only when the mapping file says so.
    Sensitive,
    /// Another column is read into the field that its name tells.
    Taken(Field),
}

/// A column of the file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Column {
    /// Its name in the header.
    pub name: String,
    /// What becomes of it.
    pub target: Target,
    /// Whether that is a guess.
    pub guessed: bool,
}

/// Which column is which field. Its `Display` is the table that is printed before anything is imported.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mapping {
    columns: Vec<Column>,
    constants: Vec<(Field, String)>,
}

impl Mapping {
    /// Maps the columns of a header: what the mapping file says, then guesses for the rest, from left to right.
    pub fn new<'a>(header: impl Iterator<Item = &'a str>, told: &MapFile) -> Result<Self, MapError> {
        let names: Vec<&str> = header.map(str::trim).collect();
        let mut targets = told_targets(&names, told)?;
        guess_targets(&names, &mut targets);
        let constants = constants(told)?;
        let looks_like_data = names.iter().any(|name| is_data(name));
        let known = targets.iter().any(|target| matches!(target, Some((Target::Field(_), _))));
        if looks_like_data || !known {
            return Err(MapError::NoHeader);
        }
        let columns = names.iter().zip(targets).map(|(name, target)| {
            let (target, guessed) = target.unwrap_or((Target::Ignored(Why::Unknown), true));
            Column { name: (*name).to_owned(), target, guessed }
        });
        Ok(Self { columns: columns.collect(), constants })
    }

    /// The columns as they stand in the file.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The places of the columns that are read into this field, from 0.
    pub fn places(&self, field: Field) -> impl Iterator<Item = usize> {
        let here = self.columns.iter().enumerate().filter(move |(_, column)| column.target == Target::Field(field));
        here.map(|(place, _)| place)
    }

    /// What stands in where a row leaves this field empty.
    pub fn constant(&self, field: Field) -> Option<&str> {
        self.constants.iter().find(|(of, _)| *of == field).map(|(_, value)| value.as_str())
    }

    /// Whether a second run can know a row again.
    pub fn has_id(&self) -> bool {
        self.places(Field::Id).next().is_some()
    }
}

type Targets = Vec<Option<(Target, bool)>>;

fn told_targets(names: &[&str], told: &MapFile) -> Result<Targets, MapError> {
    let mut targets: Targets = vec![None; names.len()];
    let mut taken = Vec::new();
    for (column, field) in &told.columns {
        let mut places = names.iter().enumerate().filter(|(_, name)| **name == column.trim());
        let place = places.next().map(|(place, _)| place).ok_or_else(|| MapError::MissingColumn(column.clone()))?;
        if places.next().is_some() {
            return Err(MapError::AmbiguousColumn(column.clone()));
        }
        let target = match field.as_str() {
            "ignore" => Target::Ignored(Why::Told),
            name => Target::Field(Field::named(name).ok_or_else(|| MapError::UnknownField(name.to_owned()))?),
        };
        if let Target::Field(field) = target {
            if !field.repeats() && taken.contains(&field) {
                return Err(MapError::Duplicate(field));
            }
            taken.push(field);
        }
        if let Some(slot) = targets.get_mut(place) {
            *slot = Some((target, false));
        }
    }
    Ok(targets)
}

fn guess_targets(names: &[&str], targets: &mut Targets) {
    let of = |target: &Option<(Target, bool)>| match target {
        Some((Target::Field(field), _)) => Some(*field),
        _ => None,
    };
    let mut taken: Vec<Field> = targets.iter().filter_map(of).collect();
    for (name, slot) in names.iter().zip(targets) {
        if slot.is_some() {
            continue;
        }
        let target = match guess(name) {
            Guess::Field(field) if !field.repeats() && taken.contains(&field) => Target::Ignored(Why::Taken(field)),
            Guess::Field(field) => Target::Field(field),
            Guess::Sensitive => Target::Ignored(Why::Sensitive),
            Guess::Unknown => Target::Ignored(Why::Unknown),
        };
        if let Target::Field(field) = target {
            taken.push(field);
        }
        *slot = Some((target, true));
    }
}

fn constants(told: &MapFile) -> Result<Vec<(Field, String)>, MapError> {
    let of = |(name, value): (&String, &String)| match Field::named(name) {
        Some(Field::Id) => Err(MapError::Constant(Field::Id)),
        Some(field) => Ok((field, value.clone())),
        None => Err(MapError::UnknownField(name.clone())),
    };
    told.constants.iter().map(of).collect()
}

/// Names of columns hold no addresses, no long numbers and no control characters.
fn is_data(name: &str) -> bool {
    let digits = name.chars().filter(char::is_ascii_digit).count();
    let address = name.split_once('@').is_some_and(|(local, domain)| !local.is_empty() && domain.contains('.'));
    address || digits > 4 || name.len() > 200 || name.chars().any(char::is_control)
}

impl fmt::Display for Mapping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.columns.iter().map(|column| column.name.chars().count()).max().unwrap_or(0).clamp(6, 40);
        writeln!(f, "{:<width$}  field", "column")?;
        for Column { name, target, guessed } in &self.columns {
            let name: String = name.chars().take(width).collect();
            write!(f, "{name:<width$}  ")?;
            match target {
                Target::Field(field) if *guessed => writeln!(f, "{field:<15} (guessed)")?,
                Target::Field(field) => writeln!(f, "{field}")?,
                Target::Ignored(why) => writeln!(f, "{why}")?,
            }
        }
        for (field, _) in &self.constants {
            writeln!(f, "{:<width$}  {field}", "(constant)")?;
        }
        if !self.has_id() {
            writeln!(f, "No column is the id: a second run will not know these rows again.")?;
        }
        Ok(())
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Told => f.write_str("ignored, as the mapping file says"),
            Self::Unknown => f.write_str("ignored: the name is not known"),
            Self::Sensitive => f.write_str("ignored: such data is taken only when a mapping file says so"),
            Self::Taken(field) => write!(f, "ignored: another column is the {field}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mapping(header: &str, told: &str) -> Result<Mapping, MapError> {
        Mapping::new(header.split(','), &MapFile::parse(told)?)
    }

    fn fields(mapping: &Mapping) -> Vec<Option<Field>> {
        let of = |column: &Column| match column.target {
            Target::Field(field) => Some(field),
            Target::Ignored(_) => None,
        };
        mapping.columns().iter().map(of).collect()
    }

    #[test]
    fn the_table_says_what_becomes_of_each_column() {
        let mapping =
            mapping("rec_id, given_name, soc_sec_id, foo, surname, title", "columns.title = 'ignore'").unwrap();
        let expected = "\
column      field
rec_id      id              (guessed)
given_name  first_name      (guessed)
soc_sec_id  ignored: such data is taken only when a mapping file says so
foo         ignored: the name is not known
surname     last_name       (guessed)
title       ignored, as the mapping file says
";
        assert_eq!(mapping.to_string(), expected);
    }

    #[test]
    fn a_mapping_file_overrules_guesses() {
        let told = "[columns]\nplace = 'city'\nfoo = 'job_title'\n[constants]\ncountry = 'Germany'";
        let mapping = mapping("name,city,place,foo,email,email", told).unwrap();
        let city = Some(Field::City);
        let email = Some(Field::Email);
        let expected = [Some(Field::DisplayedName), None, city, Some(Field::JobTitle), email, email];
        assert_eq!(fields(&mapping), expected);
        assert_eq!(mapping.columns()[1].target, Target::Ignored(Why::Taken(Field::City)));
        assert_eq!(mapping.constant(Field::Country), Some("Germany"));
        assert_eq!(mapping.constant(Field::Region), None);
        assert!(!mapping.has_id());
    }

    #[test]
    fn a_wrong_mapping_is_a_typed_error() {
        for (header, told, expected) in [
            ("name", "columns.name = 'nmae'", MapError::UnknownField("nmae".into())),
            ("name", "constants.nmae = 'x'", MapError::UnknownField("nmae".into())),
            ("name", "columns.city = 'city'", MapError::MissingColumn("city".into())),
            ("name,a,a", "columns.a = 'city'", MapError::AmbiguousColumn("a".into())),
            ("name,a,b", "columns.a = 'city'\ncolumns.b = 'city'", MapError::Duplicate(Field::City)),
            ("name", "constants.id = '1'", MapError::Constant(Field::Id)),
            ("name", "columns.name = 'ignore'", MapError::NoHeader),
        ] {
            assert_eq!(mapping(header, told), Err(expected), "{header} {told}");
        }
        assert!(matches!(mapping("name", "a = 1"), Err(MapError::NotToml { .. })));
        assert!(matches!(mapping("name", "\n["), Err(MapError::NotToml { line: 2, .. })));
    }

    #[test]
    fn a_file_without_header_is_refused_without_being_quoted() {
        for first_line in ["Planted,Pia,Ulm", "name,pia.planted@example.org", "name,0711 8172635", "na\0me"] {
            let error = mapping(first_line, "").unwrap_err();
            assert_eq!(error, MapError::NoHeader, "{first_line}");
            assert!(!error.to_string().to_lowercase().contains("planted"));
        }
    }
}
