//! Validated values, parsed once at the edge. Each is kept as it was written, trimmed; a normalized form stands beside it.
//!
//! They are about people more often than not, so `Debug` shows a length and never the value, and there is no `Display`.

mod card;
mod country;
mod mail;
mod money;
mod phone;
mod text;
mod web;

pub use card::looks_like_card;
pub use mail::Mail;
pub use money::{BasisPoints, Currency, Money};
pub use phone::Phone;
pub use text::{Line, Tag, Text};
pub use web::{Handle, Language, Website};

/// Why a text is not the value that was asked for, in words a user may read. It never holds the text.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Invalid {
    /// Nothing, or only spaces.
    #[error("must not be empty")]
    Empty,
    /// More characters than allowed.
    #[error("is longer than {limit} characters")]
    TooLong {
        /// How many are allowed.
        limit: usize,
    },
    /// More bytes than allowed.
    #[error("is longer than {limit} bytes")]
    TooManyBytes {
        /// How many are allowed.
        limit: usize,
    },
    /// A control character, or a line break where one line is asked for.
    #[error("holds a control character or a line break")]
    ControlCharacter,
    /// Not a mail address (RFC 5321, 5322, 6531).
    #[error("is not a mail address: {0}")]
    Mail(&'static str),
    /// Not a phone number.
    #[error("is not a phone number: {0}")]
    Phone(&'static str),
    /// Not the address of a web page.
    #[error("is not a web address: it is written https://example.org or example.org")]
    Website,
    /// Not a handle.
    #[error("is not a handle: it is one word without spaces")]
    Handle,
    /// Not a country.
    #[error("is not a country: it is written as two letters of ISO 3166-1, such as DE")]
    Country,
    /// Not a language.
    #[error("is not a language: it is written as in BCP 47, such as de or pt-BR")]
    Language,
    /// Not a currency.
    #[error("is not a currency: it is written as three letters of ISO 4217, such as EUR")]
    Currency,
    /// Not a share.
    #[error("is not a share: it is written in basis points from 0 to 10000 (1900 is 19 %)")]
    BasisPoints,
    /// Digits of a payment card where none may be kept.
    #[error("looks like the number of a payment card, which must not be kept")]
    CardNumber,
}

/// What a value weighs in a sealed part, in bytes: its text and the lengths around it.
pub trait Weigh {
    /// An upper bound of the bytes it takes.
    fn weight(&self) -> usize;
}

impl<T: Weigh> Weigh for Option<T> {
    fn weight(&self) -> usize {
        1 + self.as_ref().map_or(0, Weigh::weight)
    }
}

impl<T: Weigh> Weigh for Vec<T> {
    fn weight(&self) -> usize {
        8 + self.iter().map(Weigh::weight).sum::<usize>()
    }
}

impl Weigh for crate::id::OrganizationId {
    fn weight(&self) -> usize {
        16
    }
}

impl Weigh for crate::time::Day {
    fn weight(&self) -> usize {
        4
    }
}

impl Weigh for crate::compartment::Country {
    fn weight(&self) -> usize {
        2
    }
}

/// A newtype of text that cannot print itself.
macro_rules! texts {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// The text in clear. Whoever calls this answers for where it goes.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The text in clear, for whoever takes it over.
            pub fn into_string(self) -> String {
                self.0
            }

            /// Takes back what was parsed once and comes out of the log; today's limits do not apply to it.
            pub fn from_log(text: String) -> Self {
                Self(text)
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!(stringify!($name), "({} bytes)"), self.0.len())
            }
        }

        impl $crate::value::Weigh for $name {
            fn weight(&self) -> usize {
                8 + self.0.len()
            }
        }
    )*};
}
pub(crate) use texts;

/// Characters that take no room, or an empty one, and so make two texts of what reads the same: those of the property
/// Default_Ignorable_Code_Point (Unicode Standard, section 5.21), the marks of direction, and the blank of Braille.
pub fn is_unseen(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
        | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// Whether a text shows nothing: a name of blanks, unseen characters and accents without a letter would be nobody's.
fn shows_nothing(text: &str) -> bool {
    let accent = |c| matches!(c, '\u{300}'..='\u{36f}');
    text.chars().all(|c| c.is_whitespace() || is_unseen(c) || accent(c))
}

/// The text without the spaces around it, measured in characters and free of control characters.
fn line(text: &str, limit: usize) -> Result<&str, Invalid> {
    let text = text.trim();
    if shows_nothing(text) {
        return Err(Invalid::Empty);
    }
    if text.chars().any(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')) {
        return Err(Invalid::ControlCharacter);
    }
    if text.chars().nth(limit).is_some() {
        return Err(Invalid::TooLong { limit });
    }
    Ok(text)
}
