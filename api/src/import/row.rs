//! One row of a file as validated values: what becomes an organization, a contact and the link between them.

use domain::compartment::Country;
use domain::limits::{ADDRESS_LINES, POINTS, SOCIAL_LINKS, TAGS};
use domain::suppression::Address as Suppressible;
use domain::time::Day;
use domain::value::{Handle, Invalid, Language, Line, Mail, Phone, Tag, Text, Website, looks_like_card};

use super::cells::Cells;
use super::country::Countries;
use super::date;
use super::field::Field;
use super::reason::{Oddity, Reason, Reject, Warning};

/// A value as it stands in the file, and what it was read as, where that is beyond doubt.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Written<T> {
    /// As it stands in the file.
    pub written: Line,
    /// What it means.
    pub read: Option<T>,
}

/// A row that can be taken. Two rows with the same values are equal wherever they stand.
#[derive(Clone, Debug)]
pub struct Row {
    /// The line it begins on, from 1.
    pub line: u64,
    /// How the old system knows it. Personal.
    pub id: Option<Line>,
    /// The organization's name.
    pub organization: Option<Line>,
    /// The person; none where the row names an organization only. Points, address and the rest are the person's where
    /// there is one, else the organization's.
    pub person: Option<Person>,
    /// Where they are.
    pub address: Address,
    /// How they are reached, in the order of the columns, none twice.
    pub points: Vec<Point>,
    /// The web page.
    pub website: Option<Website>,
    /// Profiles in social networks.
    pub social_links: Vec<Website>,
    /// Free text, one paragraph for each column.
    pub notes: Option<Text>,
    /// Tags, none twice.
    pub tags: Vec<Tag>,
    /// What is odd about it.
    pub warnings: Vec<Warning>,
}

impl PartialEq for Row {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
            && self.organization == other.organization
            && self.person == other.person
            && self.address == other.address
            && self.points == other.points
            && self.website == other.website
            && self.social_links == other.social_links
            && self.notes == other.notes
            && self.tags == other.tags
    }
}

/// Who it is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Person {
    /// The whole name; put together from first and last name where the file has no column for it.
    pub displayed: Line,
    /// First names, where they have a column of their own. A displayed name is never taken apart.
    pub first: Option<Line>,
    /// Family name, likewise.
    pub last: Option<Line>,
    /// Ms, Herr.
    pub salutation: Option<Line>,
    /// Dr.
    pub honorific: Option<Line>,
    /// Head of Purchasing.
    pub job_title: Option<Line>,
    /// As the file says it.
    pub gender: Option<Line>,
    /// The language to write in.
    pub language: Option<Language>,
    /// The day of birth.
    pub born: Option<Day>,
}

/// An address; everything may be missing.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Address {
    /// Street with its number, then more lines.
    pub lines: Vec<Line>,
    /// Town or suburb.
    pub city: Option<Line>,
    /// State, county, province.
    pub region: Option<Line>,
    /// As written.
    pub postal_code: Option<Line>,
    /// As written, and its code where the name is known.
    pub country: Option<Written<Country>>,
}

/// One way to reach somebody.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Point {
    /// An e-mail address.
    Email(Mail),
    /// A landline, or a number of unknown kind.
    Phone(Number),
    /// A mobile phone.
    Mobile(Number),
    /// A fax.
    Fax(Number),
    /// A handle in a messenger.
    Messenger(Handle),
}

impl Point {
    fn field(&self) -> Field {
        match self {
            Self::Email(_) => Field::Email,
            Self::Phone(_) => Field::Phone,
            Self::Mobile(_) => Field::Mobile,
            Self::Fax(_) => Field::Fax,
            Self::Messenger(_) => Field::Messenger,
        }
    }
}

/// A number as written, and as ITU-T E.164 writes it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Number {
    /// As it stands in the file.
    pub written: Phone,
    /// By the rules of the row's country; none where there is doubt. A phone number like the other, so that `Debug` hides it.
    pub normalized: Option<Phone>,
}

impl Row {
    /// Reads a row from its cells.
    pub fn read(cells: &mut Cells<'_>, countries: &mut Countries) -> Result<Self, Reject> {
        let id = cells.line(Field::Id)?;
        let organization = cells.line(Field::Organization)?;
        let address = address(cells, countries)?;
        let country = address.country.as_ref().and_then(|country| country.read);
        let points = points(cells, country)?;
        let person = person(cells, country, &points, organization.is_some())?;
        let row = Self {
            line: cells.line_number(),
            id,
            organization,
            person,
            address,
            points,
            website: websites(cells, Field::Website)?.into_iter().next(),
            social_links: websites(cells, Field::SocialLink)?,
            notes: notes(cells)?,
            tags: tags(cells)?,
            warnings: cells.take_warnings(),
        };
        Ok(row)
    }

    /// The addresses that it is asked for by the suppression list.
    pub fn addresses(&self) -> impl Iterator<Item = Suppressible> + '_ {
        self.points.iter().filter_map(|point| match point {
            Point::Email(mail) => Some(Suppressible::mail(mail)),
            Point::Phone(number) | Point::Mobile(number) | Point::Fax(number) => {
                number.normalized.as_ref().map(|number| Suppressible::phone(number.as_str()))
            }
            Point::Messenger(_) => None,
        })
    }
}

fn person(
    cells: &mut Cells<'_>,
    country: Option<Country>,
    points: &[Point],
    organized: bool,
) -> Result<Option<Person>, Reject> {
    let (first, last) = (cells.line(Field::FirstName)?, cells.line(Field::LastName)?);
    let job_title = cells.line(Field::JobTitle)?;
    let displayed = match cells.line(Field::DisplayedName)? {
        Some(displayed) => Some(displayed),
        None => joined(cells, &first, &last)?,
    };
    let displayed = match displayed {
        Some(displayed) => displayed,
        None if organized => return Ok(None),
        None => nameless(cells, points)?,
    };
    Ok(Some(Person {
        displayed,
        first,
        last,
        job_title,
        salutation: cells.line(Field::Salutation)?,
        honorific: cells.line(Field::Honorific)?,
        gender: cells.line(Field::Gender)?,
        language: cells.lenient(Field::Language, Language::parse)?,
        born: born(cells, country)?,
    }))
}

fn joined(cells: &Cells<'_>, first: &Option<Line>, last: &Option<Line>) -> Result<Option<Line>, Reject> {
    let words: Vec<&str> = [first, last].into_iter().flatten().map(Line::as_str).collect();
    if words.is_empty() {
        return Ok(None);
    }
    let joined = Line::parse(&words.join(" "));
    joined.map(Some).map_err(|invalid| cells.reject(Field::LastName, Reason::Value(Field::DisplayedName, invalid)))
}

/// A list of mail addresses has people too: the address stands for the name.
fn nameless(cells: &mut Cells<'_>, points: &[Point]) -> Result<Line, Reject> {
    let mail = points.iter().find_map(|point| match point {
        Point::Email(mail) => Line::parse(mail.as_str()).ok(),
        _ => None,
    });
    let mail = mail.ok_or_else(|| cells.reject_row(Reason::Nobody))?;
    cells.warn(Field::Email, Oddity::Nameless);
    Ok(mail)
}

fn born(cells: &mut Cells<'_>, country: Option<Country>) -> Result<Option<Day>, Reject> {
    let Some(written) = cells.line(Field::DateOfBirth)? else { return Ok(None) };
    let read = date::read(written.as_str(), country);
    if read.is_none() {
        cells.warn(Field::DateOfBirth, Oddity::Date);
    }
    Ok(read)
}

fn address(cells: &mut Cells<'_>, countries: &mut Countries) -> Result<Address, Reject> {
    Ok(Address {
        lines: address_lines(cells)?,
        city: cells.line(Field::City)?,
        region: cells.line(Field::Region)?,
        postal_code: cells.line(Field::PostalCode)?,
        country: country(cells, countries)?,
    })
}

/// The street's number follows it, or precedes it where the file's columns stand that way round. Line breaks in the cell
/// are lines.
fn address_lines(cells: &mut Cells<'_>) -> Result<Vec<Line>, Reject> {
    let street = cells.text(Field::Street)?.unwrap_or_default();
    let number = cells.text(Field::StreetNumber)?.unwrap_or_default();
    let street = if cells.stands_before(Field::StreetNumber, Field::Street) {
        format!("{number} {street}")
    } else {
        format!("{street} {number}")
    };
    let mut lines = Vec::new();
    let more = cells.texts(Field::AddressLine)?;
    for (column, text) in std::iter::once((None, street)).chain(more.into_iter().map(|(at, text)| (Some(at), text))) {
        for line in text.split(['\n', '\r']).filter(|line| !line.trim().is_empty()) {
            match Line::parse(line) {
                Ok(_) if lines.len() == ADDRESS_LINES => {
                    let invalid = Invalid::TooLong { limit: ADDRESS_LINES };
                    cells.warn(Field::AddressLine, Oddity::LeftOut(Field::AddressLine, invalid));
                }
                Ok(line) => lines.push(line),
                Err(invalid) => return Err(cells.reject_at(Field::Street, column, invalid)),
            }
        }
    }
    Ok(lines)
}

fn country(cells: &mut Cells<'_>, countries: &mut Countries) -> Result<Option<Written<Country>>, Reject> {
    let Some(written) = cells.line(Field::Country)? else { return Ok(None) };
    let read = countries.named(written.as_str());
    if read.is_none() {
        cells.warn(Field::Country, Oddity::Country);
    }
    Ok(Some(Written { written, read }))
}

fn points(cells: &mut Cells<'_>, country: Option<Country>) -> Result<Vec<Point>, Reject> {
    let mut points = Vec::new();
    let mut add = |point: Point| {
        if !points.contains(&point) {
            points.push(point);
        }
    };
    for (column, text) in cells.texts(Field::Email)? {
        for one in text.split([';', ',', ' ', '\n', '\r', '\t']).filter(|one| !one.is_empty()) {
            let mail = Mail::parse(one).map_err(|invalid| cells.reject_at(Field::Email, Some(column), invalid))?;
            add(Point::Email(mail));
        }
    }
    for number in numbers(cells, Field::Phone, country)? {
        add(Point::Phone(number));
    }
    for number in numbers(cells, Field::Mobile, country)? {
        add(Point::Mobile(number));
    }
    for number in numbers(cells, Field::Fax, country)? {
        add(Point::Fax(number));
    }
    for (column, text) in cells.texts(Field::Messenger)? {
        match Handle::parse(&text) {
            Ok(handle) => add(Point::Messenger(handle)),
            Err(invalid) => cells.leave_out(Field::Messenger, column, invalid)?,
        }
    }
    if let Some(point) = points.get(POINTS) {
        let too_many = domain::point::Rejection::TooMany { limit: POINTS };
        return Err(cells.reject(point.field(), Reason::Point(too_many)));
    }
    Ok(points)
}

/// Numbers that a country's rules do not fit are kept with a warning; what is no number at all is left out with one.
fn numbers(cells: &mut Cells<'_>, field: Field, country: Option<Country>) -> Result<Vec<Number>, Reject> {
    let mut numbers = Vec::new();
    for (column, text) in cells.texts(field)? {
        match Phone::parse(&text) {
            Ok(written) => {
                let normalized = written.normalized(country).and_then(|number| Phone::parse(&number).ok());
                if normalized.is_none() && (country.is_some() || text.starts_with('+')) {
                    cells.warn_at(column, Oddity::Number);
                }
                numbers.push(Number { written, normalized });
            }
            Err(invalid) => cells.leave_out(field, column, invalid)?,
        }
    }
    Ok(numbers)
}

fn websites(cells: &mut Cells<'_>, field: Field) -> Result<Vec<Website>, Reject> {
    let mut websites = Vec::new();
    for (column, text) in cells.texts(field)? {
        let full = if field == Field::Website { !websites.is_empty() } else { websites.len() == SOCIAL_LINKS };
        match Website::parse(&text) {
            Ok(website) if websites.contains(&website) => {}
            Ok(_) if full => cells.leave_out(field, column, Invalid::TooLong { limit: websites.len() })?,
            Ok(website) => websites.push(website),
            Err(invalid) => cells.leave_out(field, column, invalid)?,
        }
    }
    Ok(websites)
}

fn notes(cells: &mut Cells<'_>) -> Result<Option<Text>, Reject> {
    let paragraphs = cells.texts(Field::Notes)?;
    let Some((first, _)) = paragraphs.first() else { return Ok(None) };
    let first = *first;
    if let Some((column, _)) = paragraphs.iter().find(|(_, text)| looks_like_card(text)) {
        return Err(cells.reject_at(Field::Notes, Some(*column), Invalid::CardNumber));
    }
    let paragraphs: Vec<String> = paragraphs.into_iter().map(|(_, text)| text).collect();
    let notes = Text::parse(&paragraphs.join("\n\n"));
    notes.map(Some).map_err(|invalid| cells.reject_at(Field::Notes, Some(first), invalid))
}

fn tags(cells: &mut Cells<'_>) -> Result<Vec<Tag>, Reject> {
    let mut tags: Vec<Tag> = Vec::new();
    for (column, text) in cells.texts(Field::Tags)? {
        for one in text.split([',', ';', '|', '\n']).filter(|one| !one.trim().is_empty()) {
            match Tag::parse(one) {
                Ok(tag) if tags.iter().any(|known| known.folded() == tag.folded()) => {}
                Ok(_) if tags.len() == TAGS => {
                    cells.leave_out(Field::Tags, column, Invalid::TooLong { limit: TAGS })?;
                }
                Ok(tag) => tags.push(tag),
                Err(invalid) => cells.leave_out(Field::Tags, column, invalid)?,
            }
        }
    }
    Ok(tags)
}
