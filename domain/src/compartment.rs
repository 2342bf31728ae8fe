//! Compartments: what one key covers, and so what dies together.

use std::fmt;
use std::str::FromStr;

/// Two capital letters of ISO 3166-1.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Country(pub [u8; 2]);

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b] = self.0;
        write!(f, "{}{}", char::from(a), char::from(b))
    }
}

/// One compartment of a subject. Years are of the Gregorian calendar in UTC.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Compartment {
    /// Who the person is to us and how to reach them.
    Relationship,
    /// Tickets opened in this year.
    Support(u16),
    /// Enquiries, quotes and orders begun in this year.
    Sales(u16),
    /// What this country's tax law keeps of this year: the controller's register, never the person's country.
    Fiscal(Country, u16),
    /// What proves a consent.
    ConsentProof,
    /// What is needed to answer claims: requests, how identity was checked, who was told.
    Claims,
    /// One document: a key of its own.
    Document(u32),
    /// Where the certificate of the subject's erasure of this number goes. No register has a say in it: it outlives the
    /// erasure, and dies soon after the delivery.
    Delivery(u16),
}

impl Compartment {
    /// The form that records hold: a registered code and a bucket within it.
    pub fn code(self) -> (u16, u32) {
        match self {
            Self::Relationship => (1, 0),
            Self::Support(year) => (2, year.into()),
            Self::Sales(year) => (3, year.into()),
            Self::Fiscal(Country([a, b]), year) => (4, u32::from_be_bytes([a, b, 0, 0]) | u32::from(year)),
            Self::ConsentProof => (5, 0),
            Self::Claims => (6, 0),
            Self::Document(number) => (7, number),
            Self::Delivery(number) => (8, number.into()),
        }
    }

    /// The year it is of, where it has one.
    pub fn year(self) -> Option<u16> {
        match self {
            Self::Support(year) | Self::Sales(year) | Self::Fiscal(_, year) => Some(year),
            Self::Relationship | Self::ConsentProof | Self::Claims | Self::Document(_) | Self::Delivery(_) => None,
        }
    }

    /// Whether it is of a year that a business may have data of, where it is of a year.
    pub fn is_of_our_times(self) -> bool {
        self.year().is_none_or(|year| (1900..=2200).contains(&year))
    }

    /// Reads the form of [`Compartment::code`]; nothing else is a compartment.
    pub fn from_code(code: u16, bucket: u32) -> Option<Self> {
        let [a, b, high, low] = bucket.to_be_bytes();
        let year = u16::from_be_bytes([high, low]);
        let found = match code {
            1 => Self::Relationship,
            2 => Self::Support(year),
            3 => Self::Sales(year),
            4 if a.is_ascii_uppercase() && b.is_ascii_uppercase() => Self::Fiscal(Country([a, b]), year),
            5 => Self::ConsentProof,
            6 => Self::Claims,
            7 => Self::Document(bucket),
            8 => Self::Delivery(year),
            _ => return None,
        };
        (found.code() == (code, bucket)).then_some(found)
    }
}

impl fmt::Display for Compartment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Relationship => f.write_str("relationship"),
            Self::Support(year) => write!(f, "support({year})"),
            Self::Sales(year) => write!(f, "sales({year})"),
            Self::Fiscal(country, year) => write!(f, "fiscal({country}, {year})"),
            Self::ConsentProof => f.write_str("consent-proof"),
            Self::Claims => f.write_str("claims"),
            Self::Document(number) => write!(f, "document({number})"),
            Self::Delivery(number) => write!(f, "delivery({number})"),
        }
    }
}

/// A text that names no compartment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a compartment: write relationship, consent-proof, claims, support(2026), sales(2026), fiscal(DE, 2026), document(7) \
     or delivery(1)"
)]
pub struct NotACompartment;

impl FromStr for Compartment {
    type Err = NotACompartment;

    /// Reads what is written, and nothing else: the one form of each.
    fn from_str(text: &str) -> Result<Self, NotACompartment> {
        let inside = |name: &str| text.strip_prefix(name)?.strip_prefix('(')?.strip_suffix(')');
        let year = |text: &str| text.trim().parse::<u16>().map_err(|_| NotACompartment);
        let found = if let Some(bucket) = inside("support") {
            Self::Support(year(bucket)?)
        } else if let Some(bucket) = inside("sales") {
            Self::Sales(year(bucket)?)
        } else if let Some(number) = inside("document") {
            Self::Document(number.parse().map_err(|_| NotACompartment)?)
        } else if let Some(number) = inside("delivery") {
            Self::Delivery(year(number)?)
        } else if let Some((country, bucket)) = inside("fiscal").and_then(|inside| inside.split_once(',')) {
            let country: [u8; 2] = country.as_bytes().try_into().map_err(|_| NotACompartment)?;
            Self::Fiscal(Country(country), year(bucket)?)
        } else {
            match text {
                "relationship" => Self::Relationship,
                "consent-proof" => Self::ConsentProof,
                "claims" => Self::Claims,
                _ => return Err(NotACompartment),
            }
        };
        let (code, bucket) = found.code();
        let is_one = Self::from_code(code, bucket) == Some(found) && found.to_string() == text;
        if is_one { Ok(found) } else { Err(NotACompartment) }
    }
}

impl fmt::Debug for Compartment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_reads_back_and_strange_ones_do_not() {
        for compartment in [
            Compartment::Relationship,
            Compartment::Support(2026),
            Compartment::Sales(2026),
            Compartment::Fiscal(Country(*b"DE"), 2026),
            Compartment::ConsentProof,
            Compartment::Claims,
            Compartment::Document(0),
            Compartment::Document(u32::MAX),
            Compartment::Delivery(1),
        ] {
            let (code, bucket) = compartment.code();
            assert_eq!(Compartment::from_code(code, bucket), Some(compartment));
            assert_eq!(compartment.to_string().parse(), Ok(compartment));
        }
        for text in [
            "",
            "Claims",
            "support",
            "support()",
            "support(02026)",
            "fiscal(de, 2026)",
            "fiscal(DE,2026)",
            "sales(70000)",
        ] {
            assert_eq!(text.parse::<Compartment>(), Err(NotACompartment), "{text}");
        }
        for odd in ["support(26)", "sales(1)", "fiscal(DE, 2206)"] {
            assert!(!odd.parse::<Compartment>().unwrap().is_of_our_times(), "{odd}");
        }
        for (code, bucket) in [(0, 0), (1, 1), (2, 0x0001_0000), (4, 2026), (8, 0x0001_0000), (9, 0)] {
            assert_eq!(Compartment::from_code(code, bucket), None, "{code} {bucket}");
        }
    }
}
