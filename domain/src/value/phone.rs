//! Phone numbers: kept as written, and in the form of ITU-T E.164 where the country's rules allow it.

use super::{Invalid, line, texts};
use crate::compartment::Country;
use crate::limits::{PHONE_CHARS, PHONE_DIGITS};

texts! {
    /// A phone number, as written.
    Phone;
}

impl Phone {
    /// 1 to 20 digits with the marks people write between them. Letters only as the mark of an extension: `ext. 12`, `x12`.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let text = line(text, PHONE_CHARS)?;
        let digits = text.chars().filter(char::is_ascii_digit).count();
        if digits == 0 {
            return Err(Invalid::Phone("it has no digit"));
        }
        if digits > PHONE_DIGITS {
            return Err(Invalid::Phone("it has more than 20 digits"));
        }
        let (number, extension) = split_extension(text);
        let plain = |c: char| c.is_ascii_digit() || " \u{a0}+-./()*#".contains(c);
        if !number.chars().all(plain) || !extension.chars().all(plain) || number.rfind('+').is_some_and(|at| at > 1) {
            return Err(Invalid::Phone("it holds a character that stands in no number"));
        }
        Ok(Self(text.to_owned()))
    }

    /// The number as E.164 writes it (`+4930…`), where it says its country itself or follows the rules of the country
    /// it was written in. None where there is doubt: an extension, a missing area code, a length no number there has.
    pub fn normalized(&self, country: Option<Country>) -> Option<String> {
        let (number, extension) = split_extension(&self.0);
        if !extension.is_empty() || number.contains(['*', '#']) {
            return None;
        }
        let number = number.trim_start_matches(['(', ' ']);
        if let Some(rest) = number.strip_prefix('+') {
            return international(&digits(&rest.replace("(0)", "")));
        }
        let plan = country.and_then(|country| PLANS.iter().find(|plan| plan.country.as_bytes() == country.0))?;
        let digits = digits(number);
        match plan.abroad.iter().find_map(|prefix| digits.strip_prefix(prefix)) {
            Some(rest) => international(rest),
            None => plan.national(&digits),
        }
    }

    /// The number that is most likely meant, also where [`Phone::normalized`] leaves it open: an extension falls away, 00 is
    /// read as +, and so does a trunk 0 behind the country's code. For lists that had better stop one too many.
    pub fn likely(&self, country: Option<Country>) -> Option<String> {
        if let Some(number) = self.normalized(country) {
            return Some(number);
        }
        let (number, _) = split_extension(&self.0);
        let number = Self(number.replace("(0)", ""));
        let all = digits(&number.0);
        let abroad = if number.0.contains('+') { Some(all.as_str()) } else { all.strip_prefix("00") };
        abroad.map_or_else(|| number.normalized(country), |rest| international(rest).or_else(|| without_trunk(rest)))
    }
}

/// A number of another country whose trunk prefix was left in.
fn without_trunk(digits: &str) -> Option<String> {
    PLANS.iter().find_map(|plan| {
        let rest = digits.strip_prefix(plan.code)?.strip_prefix(plan.trunk).filter(|_| !plan.trunk.is_empty())?;
        plan.fits(rest).then(|| format!("+{}{rest}", plan.code))
    })
}

fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

/// A country code and what follows: at most 15 digits (E.164, 6.2), and of a country we know only lengths it has.
fn international(digits: &str) -> Option<String> {
    let known = PLANS.iter().filter(|plan| digits.starts_with(plan.code)).max_by_key(|plan| plan.code.len());
    let fits = match known {
        Some(plan) => digits.strip_prefix(plan.code).is_some_and(|rest| plan.fits(rest)),
        None => !digits.starts_with('0') && (8..=15).contains(&digits.len()),
    };
    fits.then(|| format!("+{digits}"))
}

/// The number and its extension, if it has one.
fn split_extension(text: &str) -> (&str, &str) {
    match text.find(|c: char| c.is_ascii_alphabetic()) {
        Some(at) => {
            let (number, rest) = text.split_at(at);
            let mark = ["ext.", "ext", "x.", "x"].into_iter().find_map(|mark| strip_mark(rest, mark));
            mark.map_or((text, ""), |extension| (number, extension))
        }
        None => (text, ""),
    }
}

fn strip_mark<'a>(text: &'a str, mark: &str) -> Option<&'a str> {
    let (head, rest) = text.split_at_checked(mark.len())?;
    let rest = rest.trim();
    (head.eq_ignore_ascii_case(mark) && !rest.is_empty()).then_some(rest)
}

/// How numbers are written within one country.
struct Plan {
    country: &'static str,
    code: &'static str,
    /// What stands before a national number and falls away abroad; empty where nothing does.
    trunk: &'static str,
    /// Whether a number may stand without the trunk prefix.
    bare: bool,
    /// What stands before a number of another country.
    abroad: &'static [&'static str],
    /// The fewest and most digits of a national significant number.
    lengths: (usize, usize),
}

impl Plan {
    fn national(&self, digits: &str) -> Option<String> {
        let with_trunk = (!self.trunk.is_empty()).then(|| digits.strip_prefix(self.trunk)).flatten();
        let bare = (self.trunk.is_empty() || self.bare).then_some(digits);
        let number = [with_trunk, bare].into_iter().flatten().find(|number| self.fits(number))?;
        Some(format!("+{}{number}", self.code))
    }

    fn fits(&self, number: &str) -> bool {
        let (least, most) = self.lengths;
        (least..=most).contains(&number.len()) && (self.code == "39" || !number.starts_with('0'))
    }
}

const fn zero(country: &'static str, code: &'static str, least: usize, most: usize) -> Plan {
    Plan { country, code, trunk: "0", bare: false, abroad: &["00"], lengths: (least, most) }
}

const fn plain(country: &'static str, code: &'static str, least: usize, most: usize) -> Plan {
    Plan { country, code, trunk: "", bare: true, abroad: &["00"], lengths: (least, most) }
}

const fn north_america(country: &'static str) -> Plan {
    Plan { country, code: "1", trunk: "1", bare: true, abroad: &["011"], lengths: (10, 10) }
}

/// Common countries, after the national numbering plans that the ITU publishes.
const PLANS: [Plan; 57] = [
    zero("AE", "971", 8, 9),
    zero("AR", "54", 10, 11),
    zero("AT", "43", 4, 13),
    zero("AU", "61", 9, 9),
    zero("BE", "32", 8, 9),
    zero("BG", "359", 7, 9),
    zero("CH", "41", 9, 9),
    zero("CN", "86", 9, 11),
    zero("DE", "49", 4, 13),
    zero("EG", "20", 8, 10),
    zero("FI", "358", 5, 12),
    zero("FR", "33", 9, 9),
    zero("GB", "44", 9, 10),
    zero("HR", "385", 8, 9),
    zero("IE", "353", 7, 9),
    zero("IL", "972", 8, 9),
    zero("JP", "81", 9, 10),
    zero("KR", "82", 8, 10),
    zero("LT", "370", 8, 8),
    zero("NL", "31", 9, 9),
    zero("NZ", "64", 8, 10),
    zero("RO", "40", 9, 9),
    zero("RS", "381", 8, 9),
    zero("SA", "966", 8, 9),
    zero("SE", "46", 7, 9),
    zero("SI", "386", 8, 8),
    zero("SK", "421", 9, 9),
    zero("TH", "66", 8, 9),
    zero("UA", "380", 9, 9),
    zero("VE", "58", 10, 10),
    zero("ZA", "27", 9, 9),
    plain("CL", "56", 9, 9),
    plain("CO", "57", 10, 10),
    plain("CY", "357", 8, 8),
    plain("CZ", "420", 9, 9),
    plain("DK", "45", 8, 8),
    plain("EE", "372", 7, 8),
    plain("ES", "34", 9, 9),
    plain("GR", "30", 10, 10),
    plain("HK", "852", 8, 8),
    plain("IS", "354", 7, 7),
    plain("IT", "39", 6, 11),
    plain("LU", "352", 4, 11),
    plain("LV", "371", 8, 8),
    plain("MT", "356", 8, 8),
    plain("MX", "52", 10, 10),
    plain("NO", "47", 8, 8),
    plain("PL", "48", 9, 9),
    plain("PT", "351", 9, 9),
    plain("SG", "65", 8, 8),
    north_america("CA"),
    north_america("US"),
    Plan { country: "BR", code: "55", trunk: "0", bare: true, abroad: &["00"], lengths: (10, 11) },
    Plan { country: "HU", code: "36", trunk: "06", bare: false, abroad: &["00"], lengths: (8, 9) },
    Plan { country: "IN", code: "91", trunk: "0", bare: true, abroad: &["00"], lengths: (10, 10) },
    Plan { country: "RU", code: "7", trunk: "8", bare: true, abroad: &["810"], lengths: (10, 10) },
    Plan { country: "TR", code: "90", trunk: "0", bare: true, abroad: &["00"], lengths: (10, 10) },
];

#[cfg(test)]
mod tests {
    use super::*;

    fn normalized(text: &str, country: &str) -> Option<String> {
        Phone::parse(text).expect("a number").normalized(Country::parse(country).ok())
    }

    #[test]
    fn numbers_are_normalized_by_the_rules_of_their_country() {
        for (text, country, e164) in [
            ("030-0074321", "DE", "+49300074321"),
            ("+49 (0)30 1234567", "GB", "+49301234567"),
            ("(+44) 20 7946 0000", "", "+442079460000"),
            ("0049 30 1234567", "DE", "+49301234567"),
            ("(206) 555-0100", "US", "+12065550100"),
            ("1-206-555-0100", "CA", "+12065550100"),
            ("011 49 30 1234567", "US", "+49301234567"),
            ("020 7946 0000", "GB", "+442079460000"),
            ("88.60.15.31", "DK", "+4588601531"),
            ("06 698 12345", "IT", "+390669812345"),
            ("(91) 745 62 00 01", "ES", ""),
            ("915 551 234", "ES", "+34915551234"),
            ("(11) 2167-7646", "BR", "+551121677646"),
            ("06 1 234 5678", "HU", "+3612345678"),
            ("8 (495) 123-45-67", "RU", "+74951234567"),
        ] {
            assert_eq!(normalized(text, country), Some(e164.to_owned()).filter(|e164| !e164.is_empty()), "{text}");
        }
    }

    #[test]
    fn where_there_is_doubt_there_is_no_normalized_form() {
        for (text, country) in [
            ("(171) 555-7788", "GB"),
            ("(5) 555-4729", "MX"),
            ("07-98 92 35", "NO"),
            ("030 1234567 ext. 12", "DE"),
            ("030 1234567", ""),
            ("+49 1", "DE"),
            ("+0 30 1234567", "DE"),
            ("+9999999999999999", ""),
            ("*21#", "DE"),
        ] {
            assert_eq!(normalized(text, country), None, "{text}");
        }
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in ["call me", "", "()", "123456789012345678901", "12 34 extra", "555-HELP", "1 + 1", "12 ext", "1\n2"]
        {
            assert!(Phone::parse(text).is_err(), "{text:?}");
        }
        assert!(Phone::parse("(5) 555-4729 X 12").is_ok());
    }

    #[test]
    fn every_plan_is_of_a_country() {
        for plan in &PLANS {
            assert!(Country::parse(plan.country).is_ok(), "{}", plan.country);
        }
    }
}
