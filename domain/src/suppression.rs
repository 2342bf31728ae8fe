//! The suppression list: whom not to take in and not to write to again, by their address. The list lies beside the keyring and holds
//! no address; here stands what two addresses are compared by, and what records say of the list.

use std::fmt;

use unicode_normalization::UnicodeNormalization as _;

use crate::code::codes;
use crate::compartment::Country;
use crate::point::{Point, PointKind, Reach};
use crate::register::Slug;
use crate::value::{Invalid, Mail, Phone, is_unseen};

codes! {
    /// What was done to the list.
    pub enum SuppressionAct {
        /// Addresses were put on it.
        Added = 1 "ADDED",
        /// Addresses were taken off it.
        Removed = 2 "REMOVED",
    }

    /// Why.
    pub enum SuppressionReason {
        /// The person does not want to hear from us.
        Asked = 1 "ASKED",
        /// An objection that is to hold when the person's data is gone (Art. 21(3) GDPR).
        Objected = 2 "OBJECTED",
        /// The person was erased, here or in another system.
        Erased = 3 "ERASED",
        /// A court or an authority ordered it.
        Ordered = 4 "ORDERED",
        /// The person wants to be reached again.
        Invited = 5 "INVITED",
        /// It was the wrong address.
        Mistake = 6 "MISTAKE",
    }

    /// Where the list turned something away.
    pub enum DropPlace {
        /// Rows of an imported file.
        Import = 1 "IMPORT",
        /// A contact or an organization that was to be registered.
        Registration = 2 "REGISTRATION",
        /// A way to reach somebody who is known.
        ContactPoint = 3 "CONTACT_POINT",
        /// The question whether somebody may be written to.
        Sending = 4 "SENDING",
    }
}

/// What was done to the list, by whom the record says. No address, no end, and not how many: nothing of it leads to an entry.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Suppression {
    /// What.
    pub act: SuppressionAct,
    /// Why.
    pub reason: SuppressionReason,
    /// For which purposes; for all direct contact where none is named.
    pub purposes: Vec<Slug>,
}

/// Something that the list turned away, without a word of whom it was about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Dropped {
    /// Where.
    pub place: DropPlace,
    /// For which purpose somebody was to be written to.
    pub purpose: Option<Slug>,
    /// How often since that was last recorded.
    pub count: u64,
}

/// An address in the one form that it is compared by.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Address(String);

/// A text that is no address which can be suppressed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NoAddress {
    /// It is none at all.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// One number in this country, another in the next.
    #[error("it does not say of which country it is: write it with its country code, or name the country")]
    NoCountry,
}

impl Address {
    /// A mail address, or a phone number by the rules of a country where it does not begin with a country code.
    pub fn parse(text: &str, country: Option<Country>) -> Result<Self, NoAddress> {
        if text.contains('@') {
            return Ok(Self::mail(&Mail::parse(text)?));
        }
        Phone::parse(text)?.likely(country).map(|number| Self::phone(&number)).ok_or(NoAddress::NoCountry)
    }

    /// A mail address. Whoever gives the local part in other letters means the same mailbox in practice, whatever RFC 5321
    /// leaves to the receiver; a list that is to keep somebody out had better not be got round by a capital letter.
    pub fn mail(mail: &Mail) -> Self {
        Self::folded(&mail.normalized())
    }

    /// A number as E.164 writes it.
    pub fn phone(e164: &str) -> Self {
        Self(format!("tel:{e164}"))
    }

    /// The address of a point, where it has a form that it can be compared by. Handles, letters' addresses and numbers that
    /// leave their country open have none; of whatever kind it is called, a mail address is one.
    pub fn of(point: &Point) -> Option<Self> {
        Self::of_parts(point.kind, point.value.as_str(), point.normalized.as_ref().map(Reach::as_str))
    }

    /// The same, of a point's kind, the value as written and the form it is compared by elsewhere.
    pub fn of_parts(kind: PointKind, value: &str, normalized: Option<&str>) -> Option<Self> {
        match (kind, normalized) {
            (PointKind::Phone | PointKind::Mobile | PointKind::Fax, Some(number)) => Some(Self::phone(number)),
            _ => Self::parse(value, None).ok(),
        }
    }

    /// What is hashed.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// The domain as name servers are asked for it (UTS 46), and the local part in small letters, composed behind that, without
    /// what nobody sees.
    fn folded(mail: &str) -> Self {
        let seen = |text: &str| text.chars().filter(|c| !is_unseen(*c)).collect::<String>();
        let small = |text: &str| seen(text).to_lowercase().nfc().collect::<String>();
        let (local, domain) = mail.rsplit_once('@').unwrap_or((mail, ""));
        let domain = idna::domain_to_ascii(domain).unwrap_or_else(|_| small(domain));
        Self(format!("mail:{}@{domain}", small(local)))
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Address(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::PointId;

    fn parsed(text: &str, country: &str) -> Result<Address, NoAddress> {
        Address::parse(text, Country::parse(country).ok())
    }

    #[test]
    fn an_address_has_one_form_however_it_is_written() {
        let maria = parsed("maria@example.org", "").unwrap();
        assert_eq!(parsed(" Maria@Example.ORG ", ""), Ok(maria.clone()));
        assert_ne!(parsed("maria@example.com", ""), Ok(maria.clone()));
        assert_eq!(parsed("Zoe\u{308}@example.org", ""), parsed("zo\u{eb}@example.org", ""));
        let berlin = parsed("030-1234567", "DE").unwrap();
        assert_eq!(parsed("+49 (0)30 1234567", ""), Ok(berlin.clone()));
        assert_ne!(parsed("030-1234567", "GB"), Ok(berlin.clone()));
        for written in ["+49 030 1234567", "0049 30 1234567", "+49 30 1234567 ext 12", "0049 (0)30 1234567 x1"] {
            assert_eq!(parsed(written, ""), Ok(berlin.clone()), "{written}");
        }
        let books = parsed("maria@b\u{fc}cher.example", "").unwrap();
        for written in
            ["maria@xn--bcher-kva.example", "Maria@BU\u{308}CHER.example", "maria@b\u{fc}cher.\u{ff45}xample"]
        {
            assert_eq!(parsed(written, ""), Ok(books.clone()), "{written}");
        }
        assert_eq!(parsed("J\u{30c}an@example.org", ""), parsed("\u{1f0}an@example.org", ""));
        for unseen in ["ma\u{200b}ria@example.org", "\u{feff}maria@example.org"] {
            assert_eq!(parsed(unseen, ""), Ok(maria.clone()), "{unseen:?}");
        }
        assert_eq!(format!("{maria:?}"), "Address(..)");
    }

    #[test]
    fn what_has_no_such_form_is_refused() {
        assert_eq!(parsed("030-1234567", ""), Err(NoAddress::NoCountry));
        assert!(matches!(parsed("maria@", ""), Err(NoAddress::Invalid(_))));
        assert!(matches!(parsed("Obere Str. 57", ""), Err(NoAddress::Invalid(_))));
    }

    #[test]
    fn a_point_has_the_address_that_it_is_found_by() {
        let of = |kind, value: &str, country: Option<Country>| {
            Address::of(&Point::parse(PointId([1; 16]), kind, None, value, country).unwrap())
        };
        assert_eq!(of(PointKind::Email, "Maria@Example.org", None), parsed("maria@example.org", "").ok());
        assert_eq!(of(PointKind::Fax, "030 1234567", Country::parse("DE").ok()), parsed("+49301234567", "").ok());
        assert_eq!(of(PointKind::Mobile, "030 1234567", None), None);
        assert_eq!(of(PointKind::Messenger, "@maria", None), None);
        assert_eq!(of(PointKind::Other, "maria@example.org", None), parsed("maria@example.org", "").ok());
        assert_eq!(of(PointKind::Messenger, "+49301234567", None), parsed("+49301234567", "").ok());
        assert_eq!(of(PointKind::Phone, "+49 030 1234567", None), parsed("+49301234567", "").ok());
    }
}
