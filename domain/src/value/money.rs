//! Money: whole minor units of a currency. No floating point anywhere near it.

use std::fmt;

use super::Invalid;

/// A currency of ISO 4217 that is in use.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency([u8; 3]);

/// The active list of ISO 4217 without metals, test codes and units of account.
const ACTIVE: &str = "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BOV BRL BSD BTN BWP BYN BZD \
CAD CDF CHE CHF CHW CLF CLP CNY COP COU CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF \
GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD \
MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR \
RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX \
USD USN UYI UYU UYW UZS VED VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG";

impl Currency {
    /// Three capital letters of the active list.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let text = text.trim();
        let found = ACTIVE.split(' ').find(|code| *code == text).ok_or(Invalid::Currency)?;
        <[u8; 3]>::try_from(found.as_bytes()).map(Self).map_err(|_| Invalid::Currency)
    }

    /// The three letters.
    pub fn bytes(self) -> [u8; 3] {
        self.0
    }

    /// Takes back three letters that a record holds; a currency that has left the list since is still one.
    pub fn from_log(letters: [u8; 3]) -> Option<Self> {
        letters.iter().all(u8::is_ascii_uppercase).then_some(Self(letters))
    }

    /// How many decimal places its minor unit stands for: 2 for the cent.
    pub fn decimals(self) -> u32 {
        match &self.0 {
            b"BIF" | b"CLP" | b"DJF" | b"GNF" | b"ISK" | b"JPY" | b"KMF" | b"KRW" | b"PYG" | b"RWF" | b"UGX"
            | b"UYI" | b"VND" | b"VUV" | b"XAF" | b"XOF" | b"XPF" => 0,
            b"BHD" | b"IQD" | b"JOD" | b"KWD" | b"LYD" | b"OMR" | b"TND" => 3,
            b"CLF" | b"UYW" => 4,
            _ => 2,
        }
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|letter| write!(f, "{}", char::from(*letter)))
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// An amount in minor units: 1999 EUR are 19.99 €.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Money {
    /// Minor units; may be negative.
    pub minor: i64,
    /// Of what.
    pub currency: Currency,
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decimals = self.currency.decimals();
        let unit = 10u64.pow(decimals);
        let sign = if self.minor < 0 { "-" } else { "" };
        let (whole, part) = (self.minor.unsigned_abs() / unit, self.minor.unsigned_abs() % unit);
        match usize::try_from(decimals) {
            Ok(width) if width > 0 => write!(f, "{sign}{whole}.{part:0width$} {}", self.currency),
            _ => write!(f, "{sign}{whole} {}", self.currency),
        }
    }
}

/// A share of the whole in basis points, 0 to 10,000: 1900 are 19 %.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct BasisPoints(u16);

impl BasisPoints {
    /// The whole.
    pub const WHOLE: u16 = 10_000;

    /// Not more than the whole.
    pub fn new(points: u32) -> Result<Self, Invalid> {
        let points = u16::try_from(points).ok().filter(|points| *points <= Self::WHOLE);
        points.map(Self).ok_or(Invalid::BasisPoints)
    }

    /// The number of them.
    pub fn get(self) -> u16 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_at_most_the_whole() {
        assert_eq!(BasisPoints::new(10_000).map(BasisPoints::get), Ok(10_000));
        assert_eq!(BasisPoints::new(10_001), Err(Invalid::BasisPoints));
        assert_eq!(BasisPoints::new(65_536 + 5), Err(Invalid::BasisPoints));
    }

    #[test]
    fn money_is_written_with_the_places_of_its_currency() {
        let money = |minor, code| Money { minor, currency: Currency::parse(code).expect("a currency") }.to_string();
        assert_eq!(money(1999, "EUR"), "19.99 EUR");
        assert_eq!(money(-5, "EUR"), "-0.05 EUR");
        assert_eq!(money(1999, "JPY"), "1999 JPY");
        assert_eq!(money(1999, "KWD"), "1.999 KWD");
        assert_eq!(money(i64::MIN, "JPY"), "-9223372036854775808 JPY");
    }

    #[test]
    fn only_active_currencies_parse() {
        for code in ACTIVE.split(' ') {
            assert_eq!(Currency::parse(code).map(|found| found.to_string()), Ok(code.to_owned()));
        }
        for code in ["eur", "DEM", "XXX", "EU", "AED AFN", ""] {
            assert_eq!(Currency::parse(code), Err(Invalid::Currency), "{code}");
        }
        assert_eq!(Currency::from_log(*b"DEM").map(|found| found.to_string()), Some("DEM".to_owned()));
        assert_eq!(Currency::from_log(*b"D1M"), None);
    }
}
