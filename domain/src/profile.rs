//! Profiles: what is held about a person or an organization beside the points they are reached at.
//!
//! [`profile!`] makes of one list of fields the profile, the change of a profile (a [`Change`] for each field) and the
//! names of the fields for a [`FieldPolicy`].

use std::collections::BTreeSet;
use std::fmt;

use crate::compartment::Country;
use crate::id::OrganizationId;
use crate::limits::{ADDRESS_LINES, DATES, FORMER, SOCIAL_LINKS, TAGS};
use crate::time::Day;
use crate::value::{Language, Line, Tag, Text, Website, Weigh, looks_like_card};

/// What happens to one field.
#[derive(Clone, PartialEq, Eq, Default)]
pub enum Change<T> {
    /// It stays.
    #[default]
    Keep,
    /// It goes.
    Clear,
    /// It becomes this.
    Set(T),
}

impl<T: Clone + PartialEq> Change<T> {
    /// Whether the field stays.
    pub fn is_keep(&self) -> bool {
        matches!(self, Self::Keep)
    }

    /// The new value, where there is one.
    pub fn set(&self) -> Option<&T> {
        match self {
            Self::Set(value) => Some(value),
            Self::Keep | Self::Clear => None,
        }
    }

    /// Puts the change into the field.
    pub fn apply(&self, slot: &mut impl Slot<Value = T>) {
        match self {
            Self::Keep => {}
            Self::Clear => slot.put(None),
            Self::Set(value) => slot.put(Some(value.clone())),
        }
    }

    /// The change, or none where the field is so already.
    pub fn unless_same(self, slot: &impl Slot<Value = T>) -> Self {
        let same = match &self {
            Self::Keep => true,
            Self::Clear => slot.held().is_none(),
            Self::Set(value) => slot.is(value),
        };
        if same { Self::Keep } else { self }
    }
}

impl<T> fmt::Debug for Change<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Keep => "Keep",
            Self::Clear => "Clear",
            Self::Set(_) => "Set",
        })
    }
}

/// A field of a profile: one value or none, or a list that may be empty.
pub trait Slot {
    /// What a change sets.
    type Value: Clone + PartialEq;
    /// The value, where there is one.
    fn held(&self) -> Option<Self::Value>;
    /// Whether it is this value already; an empty list is one that holds nothing.
    fn is(&self, value: &Self::Value) -> bool;
    /// Another value, or none.
    fn put(&mut self, value: Option<Self::Value>);
}

impl<T: Clone + PartialEq> Slot for Option<T> {
    type Value = T;

    fn held(&self) -> Option<T> {
        self.clone()
    }

    fn is(&self, value: &T) -> bool {
        self.as_ref() == Some(value)
    }

    fn put(&mut self, value: Option<T>) {
        *self = value;
    }
}

impl<T: Clone + PartialEq> Slot for Vec<T> {
    type Value = Self;

    fn held(&self) -> Option<Self> {
        (!self.is_empty()).then(|| self.clone())
    }

    fn is(&self, value: &Self) -> bool {
        self == value
    }

    fn put(&mut self, value: Option<Self>) {
        *self = value.unwrap_or_default();
    }
}

/// Which fields an installation keeps at all (GDPR Art. 5(1)(c)): all, but for those it refuses.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FieldPolicy<F> {
    refused: BTreeSet<F>,
}

impl<F> Default for FieldPolicy<F> {
    fn default() -> Self {
        Self { refused: BTreeSet::new() }
    }
}

impl<F: Ord> FieldPolicy<F> {
    /// A policy that keeps all fields but these.
    pub fn refusing(fields: impl IntoIterator<Item = F>) -> Self {
        Self { refused: fields.into_iter().collect() }
    }

    /// Whether this field may be kept.
    pub fn keeps(&self, field: &F) -> bool {
        !self.refused.contains(field)
    }
}

/// Why a profile is not taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Rejection {
    /// A list is too long.
    #[error("at most {limit} {what} may be kept")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many are allowed.
        limit: usize,
    },
    /// All values together are too long for one record.
    #[error("this is too much at once: all values together may have {limit} bytes")]
    TooMuch {
        /// How many bytes are allowed.
        limit: usize,
    },
    /// The installation does not keep this field.
    #[error("{field} is not kept here")]
    NotKept {
        /// Its name.
        field: &'static str,
    },
    /// A text holds digits of a payment card.
    #[error("{field} holds what looks like the number of a payment card, which must not be kept")]
    CardNumber {
        /// Its name.
        field: &'static str,
    },
}

/// What is asked of a field's value beyond its own form.
pub trait Content {
    /// Whether the value may stand in this field.
    fn check(&self, field: &'static str) -> Result<(), Rejection>;
}

macro_rules! plain {
    ($($ty:ty)*) => {$(
        impl Content for $ty {
            fn check(&self, _field: &'static str) -> Result<(), Rejection> {
                Ok(())
            }
        }
    )*};
}

plain! { Line Website Language Day OrganizationId OldId }

impl Content for Text {
    fn check(&self, field: &'static str) -> Result<(), Rejection> {
        if looks_like_card(self.as_str()) { Err(Rejection::CardNumber { field }) } else { Ok(()) }
    }
}

impl Content for Address {
    fn check(&self, _field: &'static str) -> Result<(), Rejection> {
        at_most(self.lines.len(), ADDRESS_LINES, "lines of an address")
    }
}

macro_rules! lists {
    ($($ty:ty: $limit:ident $what:literal;)*) => {$(
        impl Content for Vec<$ty> {
            fn check(&self, _field: &'static str) -> Result<(), Rejection> {
                at_most(self.len(), $limit, $what)
            }
        }
    )*};
}

lists! {
    Tag: TAGS "tags";
    SocialLink: SOCIAL_LINKS "social links";
    Pertinent: DATES "dates";
    Dated<Line>: FORMER "former names";
}

impl Content for Vec<Dated<Address>> {
    fn check(&self, field: &'static str) -> Result<(), Rejection> {
        at_most(self.len(), FORMER, "addresses")?;
        self.iter().try_for_each(|dated| dated.value.check(field))
    }
}

fn at_most(count: usize, limit: usize, what: &'static str) -> Result<(), Rejection> {
    if count > limit { Err(Rejection::TooMany { what, limit }) } else { Ok(()) }
}

/// A postal address.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Address {
    /// Street and number, building, floor, in the order they are written.
    pub lines: Vec<Line>,
    /// Postcode.
    pub postcode: Option<Line>,
    /// City.
    pub city: Option<Line>,
    /// Region, state, canton.
    pub region: Option<Line>,
    /// The country as it was written.
    pub country: Option<Line>,
    /// The country it means, where that is known.
    pub country_code: Option<Country>,
}

/// A page on a network that is somebody's.
#[derive(Clone, PartialEq, Eq)]
pub struct SocialLink {
    /// What the network is called.
    pub network: Line,
    /// Where the page is.
    pub page: Website,
}

/// A day that matters to somebody, such as their jubilee.
#[derive(Clone, PartialEq, Eq)]
pub struct Pertinent {
    /// What it is.
    pub label: Line,
    /// The day.
    pub day: Day,
}

/// By what a former system knew somebody; personal, and gone with the key.
#[derive(Clone, PartialEq, Eq)]
pub struct OldId {
    /// What that system is called here.
    pub source: Line,
    /// What stood in its id column.
    pub id: Line,
}

/// A value that held for a time.
#[derive(Clone, PartialEq, Eq)]
pub struct Dated<T> {
    /// The value.
    pub value: T,
    /// Its first day, where known.
    pub from: Option<Day>,
    /// Its last day, where it is over.
    pub until: Option<Day>,
}

macro_rules! weigh {
    ($($name:ident$(<$t:ident>)? { $($field:ident)* })*) => {$(
        impl$(<$t: Weigh>)? Weigh for $name$(<$t>)? {
            fn weight(&self) -> usize {
                0 $(+ self.$field.weight())*
            }
        }

        impl$(<$t>)? fmt::Debug for $name$(<$t>)? {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(stringify!($name))
            }
        }
    )*};
}

weigh! {
    Address { lines postcode city region country country_code }
    SocialLink { network page }
    Pertinent { label day }
    OldId { source id }
    Dated<T> { value from until }
}

/// Makes `Profile`, `ProfileChange` and `Field` of a list of fields. Neither of the first two prints its values.
macro_rules! profile {
    ($($(#[$doc:meta])* $field:ident: $ty:ty = $variant:ident $code:literal $name:literal,)*) => {
        crate::code::codes! {
            /// The fields, for a policy of which are kept.
            pub enum Field {
                $($(#[$doc])* $variant = $code $name,)*
            }
        }

        /// What is held, as it was registered or as it stands after changes.
        #[derive(Clone, PartialEq, Eq, Default)]
        pub struct Profile {
            $($(#[$doc])* pub $field: $ty,)*
            /// Where they are reached. After registration, points come and go by events of their own.
            pub points: Vec<crate::point::Point>,
        }

        /// What becomes of each field.
        #[derive(Clone, PartialEq, Eq, Default)]
        pub struct ProfileChange {
            $($(#[$doc])* pub $field: crate::profile::Change<<$ty as crate::profile::Slot>::Value>,)*
        }

        impl Profile {
            /// Takes a change over.
            pub fn apply(&mut self, change: &ProfileChange) {
                $(change.$field.apply(&mut self.$field);)*
            }

            /// What the values weigh in a sealed part, in bytes.
            pub fn weight(&self) -> usize {
                use crate::value::Weigh as _;
                self.points.weight() $(+ self.$field.weight())*
            }

            fn check(&self, policy: &crate::profile::FieldPolicy<Field>) -> Result<(), crate::profile::Rejection> {
                $(crate::profile::check_field(crate::profile::Slot::held(&self.$field).as_ref(), policy, Field::$variant, $name)?;)*
                crate::profile::check_weight(self.weight())
            }
        }

        impl ProfileChange {
            /// Whether nothing changes.
            pub fn is_empty(&self) -> bool {
                true $(&& self.$field.is_keep())*
            }

            /// The change without what is so already in this profile. The caller reads the profile from a view: the
            /// state of the aggregate holds no value to compare with.
            pub fn differing(self, from: &Profile) -> Self {
                Self { $($field: self.$field.unless_same(&from.$field),)* }
            }

            fn check(&self, policy: &crate::profile::FieldPolicy<Field>) -> Result<(), crate::profile::Rejection> {
                use crate::value::Weigh as _;
                $(crate::profile::check_field(self.$field.set(), policy, Field::$variant, $name)?;)*
                crate::profile::check_weight(0 $(+ self.$field.set().map_or(0, |value| value.weight()))*)
            }
        }

        impl std::fmt::Debug for Profile {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("Profile")
            }
        }

        impl std::fmt::Debug for ProfileChange {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("ProfileChange")
            }
        }
    };
}
pub(crate) use profile;

pub(crate) fn check_field<T: Content, F: Ord>(
    value: Option<&T>,
    policy: &FieldPolicy<F>,
    field: F,
    name: &'static str,
) -> Result<(), Rejection> {
    let Some(value) = value else { return Ok(()) };
    if !policy.keeps(&field) {
        return Err(Rejection::NotKept { field: name });
    }
    value.check(name)
}

pub(crate) fn check_weight(weight: usize) -> Result<(), Rejection> {
    let limit = crate::limits::PART_BYTES;
    if weight > limit { Err(Rejection::TooMuch { limit }) } else { Ok(()) }
}
