//! The name of a purpose in records and requests.

use std::fmt;
use std::str::FromStr;

use crate::limits::SLUG_CHARS;

/// Lower-case letters, digits and hyphens, a letter first.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slug(Box<str>);

/// A text that cannot name a purpose.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("a purpose is named with lower-case letters, digits and hyphens, begins with a letter, and has at most 64")]
pub struct NotASlug;

impl Slug {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Takes back what was parsed once and comes out of the log; today's limits do not apply to it.
    pub fn from_log(text: String) -> Self {
        Self(text.into())
    }
}

impl FromStr for Slug {
    type Err = NotASlug;

    fn from_str(text: &str) -> Result<Self, NotASlug> {
        let begins = text.starts_with(|c: char| c.is_ascii_lowercase());
        let plain = text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'));
        if begins && plain && text.len() <= SLUG_CHARS { Ok(Self(text.into())) } else { Err(NotASlug) }
    }
}

impl fmt::Display for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slug_has_one_form() {
        assert_eq!("product-news2".parse::<Slug>().map(|slug| slug.to_string()), Ok("product-news2".to_owned()));
        for text in ["", "News", "2news", "-news", "a b", "ä", &"a".repeat(SLUG_CHARS + 1)] {
            assert_eq!(text.parse::<Slug>(), Err(NotASlug), "{text}");
        }
    }
}
