//! Web addresses, handles, languages.

use super::mail::is_label;
use super::{Invalid, line, texts};
use crate::limits::{HANDLE_CHARS, LANGUAGE_CHARS, WEBSITE_CHARS};

texts! {
    /// The address of a web page, as written, with or without its scheme.
    Website;
    /// What somebody is called on a messenger or a network: one word.
    Handle;
    /// A language tag of BCP 47, as written.
    Language;
}

impl Website {
    /// `http` or `https` or no scheme, a host, perhaps a port and a path. No user names: they come with passwords.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let text = line(text, WEBSITE_CHARS)?;
        let rest = match text.split_once("://") {
            Some((scheme, rest)) if ["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) => rest,
            Some((scheme, _)) if !scheme.contains(['/', '?', '#']) => return Err(Invalid::Website),
            _ => text,
        };
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let (host, port) = authority.split_once(':').unwrap_or((authority, "80"));
        let good = host.contains('.') && host.split('.').all(is_label) && port.parse::<u16>().is_ok();
        if !good || text.chars().any(char::is_whitespace) {
            return Err(Invalid::Website);
        }
        Ok(Self(text.to_owned()))
    }
}

impl Handle {
    /// 1 to [`HANDLE_CHARS`] characters without spaces.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let text = line(text, HANDLE_CHARS)?;
        if text.chars().any(char::is_whitespace) {
            return Err(Invalid::Handle);
        }
        Ok(Self(text.to_owned()))
    }
}

impl Language {
    /// The shape of BCP 47 (RFC 5646, 2.1): subtags of 1 to 8 letters or digits, the first of 2 to 8 letters.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let text = line(text, LANGUAGE_CHARS)?;
        let (first, rest) = text.split_once('-').map_or((text, None), |(first, rest)| (first, Some(rest)));
        let word = |tag: &str| (1..=8).contains(&tag.len()) && tag.bytes().all(|b| b.is_ascii_alphanumeric());
        let good = (2..=8).contains(&first.len())
            && first.bytes().all(|b| b.is_ascii_alphabetic())
            && rest.is_none_or(|rest| rest.split('-').all(word));
        if good { Ok(Self(text.to_owned())) } else { Err(Invalid::Language) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn web_addresses() {
        for text in
            ["example.org", "https://Example.org/a?b#c", "http://bücher.example:8080/", "example.org/?u=https://b.de"]
        {
            assert!(Website::parse(text).is_ok(), "{text}");
        }
        for text in [
            "",
            "example",
            "ftp://example.org",
            "javascript:alert(1)",
            "javascript://example.org/%0aalert(1)",
            "https://user:secret@example.org",
            "https://",
            "https://a..b",
            "example.org/a b",
            "example.org:port",
        ] {
            assert!(Website::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn handles_and_languages() {
        assert!(Handle::parse("@maria:matrix.org").is_ok());
        assert_eq!(Handle::parse("maria anders"), Err(Invalid::Handle));
        for text in ["de", "pt-BR", "zh-Hant-TW", "gsw", "en-x-a"] {
            assert!(Language::parse(text).is_ok(), "{text}");
        }
        for text in ["d", "german-", "de_DE", "de--DE", "12", "de-123456789", "deutschland"] {
            assert_eq!(Language::parse(text), Err(Invalid::Language), "{text}");
        }
    }
}
