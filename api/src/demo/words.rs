//! The lists that the story is made of: names by language and script, and what people write.

use domain::compartment::Country;
use rand::Rng;
use rand::seq::IndexedRandom;
use serde::Deserialize;
use unicode_normalization::UnicodeNormalization;

use super::DemoError;

/// All lists.
pub struct Words {
    /// One for each language.
    pub locales: Vec<Locale>,
    /// What is written elsewhere than on people.
    pub texts: Texts,
}

#[derive(Deserialize)]
struct Locales {
    locale: Vec<Locale>,
}

/// The names, places and numbers of one language.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Locale {
    /// As in BCP 47.
    pub language: String,
    country: String,
    /// Whether the family's name comes first.
    #[serde(default)]
    pub family_first: bool,
    first: Vec<String>,
    last: Vec<String>,
    firms: Vec<String>,
    cities: Vec<String>,
    streets: Vec<String>,
    jobs: Vec<String>,
    phone: String,
    mobile: String,
}

/// What is written elsewhere than on people.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Texts {
    /// What people are shown when they are asked for a consent.
    pub notice: Vec<NoticeText>,
    /// What they ask.
    pub ticket: Vec<TicketText>,
    /// What they are offered.
    pub product: Vec<Product>,
}

/// One text of a notice.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoticeText {
    /// What it asks consent for.
    pub purpose: String,
    /// As in BCP 47.
    pub language: String,
    /// From 1.
    pub version: u32,
    /// The text.
    pub text: String,
}

/// A ticket from question to solution.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TicketText {
    /// As in BCP 47.
    pub language: String,
    /// What stands above it.
    pub line: String,
    /// What the customer asks.
    pub question: String,
    /// What we say.
    pub answer: String,
    /// How it ended.
    pub solution: String,
}

/// A line of a quote.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Product {
    /// What it is.
    pub description: String,
    /// What one costs, in cents.
    pub unit_price_minor: i64,
}

/// A name as it is written, and in plain Latin letters for an address.
#[derive(Clone, Copy)]
pub struct Name<'a> {
    /// In its script.
    pub written: &'a str,
    latin: Option<&'a str>,
}

impl Words {
    /// Reads the lists that are part of the program.
    pub fn read() -> Result<Self, DemoError> {
        let locales: Locales =
            toml::from_str(include_str!("locales.toml")).map_err(|_| DemoError::Words("locales.toml"))?;
        let texts = toml::from_str(include_str!("texts.toml")).map_err(|_| DemoError::Words("texts.toml"))?;
        Ok(Self { locales: locales.locale, texts })
    }

    /// A locale by number; there is one for every number.
    pub fn locale(&self, number: usize) -> Result<&Locale, DemoError> {
        self.locales.iter().cycle().nth(number % self.locales.len().max(1)).ok_or(DemoError::Words("no locale"))
    }
}

impl Locale {
    /// A first name.
    pub fn first(&self, rng: &mut impl Rng) -> Result<Name<'_>, DemoError> {
        one(&self.first, rng).map(Name::read)
    }

    /// A last name.
    pub fn last(&self, rng: &mut impl Rng) -> Result<Name<'_>, DemoError> {
        one(&self.last, rng).map(Name::read)
    }

    /// The name of a firm after somebody.
    pub fn firm(&self, name: Name<'_>, rng: &mut impl Rng) -> Result<String, DemoError> {
        Ok(one(&self.firms, rng)?.replace("{}", name.written))
    }

    /// A city and its postcode.
    pub fn city(&self, rng: &mut impl Rng) -> Result<(&str, &str), DemoError> {
        one(&self.cities, rng)?.split_once('|').ok_or(DemoError::Words("a city without a postcode"))
    }

    /// A street with a number.
    pub fn street(&self, rng: &mut impl Rng) -> Result<String, DemoError> {
        Ok(digits(one(&self.streets, rng)?, rng))
    }

    /// A job title.
    pub fn job(&self, rng: &mut impl Rng) -> Result<&str, DemoError> {
        one(&self.jobs, rng)
    }

    /// A landline number.
    pub fn phone(&self, rng: &mut impl Rng) -> String {
        digits(&self.phone, rng)
    }

    /// A mobile number.
    pub fn mobile(&self, rng: &mut impl Rng) -> String {
        digits(&self.mobile, rng)
    }

    /// Where they live.
    pub fn country(&self) -> Result<Country, DemoError> {
        Ok(Country::parse(&self.country)?)
    }
}

impl<'a> Name<'a> {
    fn read(text: &'a str) -> Self {
        match text.split_once('|') {
            Some((written, latin)) => Self { written, latin: Some(latin) },
            None => Self { written: text, latin: None },
        }
    }

    /// For an address: small letters of ASCII, digits and hyphens.
    pub fn latin(&self) -> String {
        let text = self.latin.unwrap_or(self.written).to_lowercase().replace(' ', "-");
        let plain = |c: char| match c {
            'ß' => Some("ss"),
            'ł' => Some("l"),
            'ø' => Some("o"),
            'đ' => Some("d"),
            'ı' => Some("i"),
            _ => None,
        };
        let spelled = text
            .chars()
            .flat_map(|c| plain(c).map_or_else(|| c.to_string(), str::to_owned).chars().collect::<Vec<_>>());
        spelled.nfkd().filter(|c| c.is_ascii_alphanumeric() || *c == '-').collect()
    }
}

/// One of a list.
pub fn one<'a, T: AsRef<str>>(list: &'a [T], rng: &mut impl Rng) -> Result<&'a str, DemoError> {
    list.choose(rng).map(AsRef::as_ref).ok_or(DemoError::Words("an empty list"))
}

/// A pattern with a digit for each #; the first one is never 0, for a house has no number 0.
fn digits(pattern: &str, rng: &mut impl Rng) -> String {
    let mut least = 1;
    let digit = |c| {
        if c != '#' {
            return c;
        }
        let digit = rng.random_range(least..10);
        least = 0;
        char::from_digit(digit, 10).unwrap_or('0')
    };
    pattern.chars().map(digit).collect()
}
