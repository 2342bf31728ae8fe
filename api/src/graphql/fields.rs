//! Personal values as named texts: what a person is shown of what is held about them, and what a history shows of a change.
//! Every profile is taken apart field by field, so that a new field cannot be forgotten.

use domain::compartment::Country;
use domain::contact;
use domain::id::OrganizationId;
use domain::organization;
use domain::point::Point;
use domain::profile::{Address, Dated, OldId, Pertinent, SocialLink};
use domain::quote::Texts;
use domain::time::Day;
use domain::value::{Language, Line, Tag, Text, Website};

/// A name and a value, both as text.
pub type Named = (String, String);

/// A value as somebody reads it.
pub trait Spell {
    /// The text; none where there is nothing.
    fn spell(&self) -> Option<String>;
}

macro_rules! spell_texts {
    ($($ty:ty)*) => {$(
        impl Spell for $ty {
            fn spell(&self) -> Option<String> {
                Some(self.as_str().to_owned())
            }
        }
    )*};
}

spell_texts! { Line Text Tag Website Language }

macro_rules! spell_shown {
    ($($ty:ty)*) => {$(
        impl Spell for $ty {
            fn spell(&self) -> Option<String> {
                Some(self.to_string())
            }
        }
    )*};
}

spell_shown! { Day OrganizationId Country }

impl<T: Spell> Spell for Option<T> {
    fn spell(&self) -> Option<String> {
        self.as_ref().and_then(Spell::spell)
    }
}

impl<T: Spell> Spell for Vec<T> {
    fn spell(&self) -> Option<String> {
        join(self.iter().map(Spell::spell), "; ")
    }
}

impl<T: Spell> Spell for Dated<T> {
    fn spell(&self) -> Option<String> {
        let days = [self.from.map(|day| format!("from {day}")), self.until.map(|day| format!("until {day}"))];
        join(std::iter::once(self.value.spell()).chain(days), " ")
    }
}

impl Spell for Address {
    fn spell(&self) -> Option<String> {
        let Self { lines, postcode, city, region, country, country_code } = self;
        let code = country_code.filter(|_| country.is_none());
        let rest = [postcode.spell(), city.spell(), region.spell(), country.spell(), code.spell()];
        join(lines.iter().map(Spell::spell).chain(rest), ", ")
    }
}

impl Spell for SocialLink {
    fn spell(&self) -> Option<String> {
        join([self.network.spell(), self.page.spell()].into_iter(), ": ")
    }
}

impl Spell for Pertinent {
    fn spell(&self) -> Option<String> {
        join([self.label.spell(), self.day.spell()].into_iter(), ": ")
    }
}

impl Spell for OldId {
    fn spell(&self) -> Option<String> {
        join([self.source.spell(), self.id.spell()].into_iter(), ": ")
    }
}

impl Spell for Point {
    fn spell(&self) -> Option<String> {
        let label = self.label.as_ref().map(|label| format!("({})", label.as_str()));
        join([Some(self.value.as_str().to_owned()), label].into_iter(), " ")
    }
}

fn join(parts: impl Iterator<Item = Option<String>>, by: &str) -> Option<String> {
    let parts: Vec<String> = parts.flatten().collect();
    (!parts.is_empty()).then(|| parts.join(by))
}

macro_rules! profile_fields {
    ($(#[$doc:meta])* $name:ident of $noun:ident { $($field:ident $variant:ident)* }) => {
        $(#[$doc])*
        pub fn $name(profile: &$noun::Profile) -> Vec<Named> {
            let $noun::Profile { $($field,)* points } = profile;
            let mut named = Vec::new();
            $(put(&mut named, $noun::Field::$variant.name(), $field);)*
            points.iter().for_each(|held| named.extend(point(held)));
            named
        }
    };
}

profile_fields! {
    /// All of a contact.
    contact_fields of contact {
        salutation Salutation gender Gender honorific Honorific first_name FirstName last_name LastName
        displayed_name DisplayedName job_title JobTitle organization Organization work_address WorkAddress
        website Website social_links SocialLinks notes Notes tags Tags dates Dates birthday Birthday language Language
        source_words SourceWords reason_words ReasonWords old_id OldId
    }
}

profile_fields! {
    /// All of an organization.
    organization_fields of organization {
        name Name former_names FormerNames invoice_address InvoiceAddress
        former_invoice_addresses FormerInvoiceAddresses delivery_addresses DeliveryAddresses website Website
        parent Parent social_links SocialLinks notes Notes tags Tags source_words SourceWords
        reason_words ReasonWords old_id OldId
    }
}

/// A way to reach somebody.
pub fn point(point: &Point) -> Option<Named> {
    Some((format!("{} {}", point.kind.name(), point.id), point.spell()?))
}

/// The words of a version of a quote.
pub fn quote_fields(texts: &Texts) -> Vec<Named> {
    let Texts { title, descriptions, notes } = texts;
    let mut named = Vec::new();
    put(&mut named, "TITLE", title);
    for (number, line) in (1..).zip(descriptions) {
        put(&mut named, &format!("LINE {number}"), line);
    }
    put(&mut named, "NOTES", notes);
    named
}

/// Adds a value, if there is one.
pub fn put(named: &mut Vec<Named>, name: &str, value: &impl Spell) {
    named.extend(value.spell().map(|text| (name.to_owned(), text)));
}
