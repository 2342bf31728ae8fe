//! Plain text: one line, many lines, a tag.

use unicode_normalization::UnicodeNormalization;

use super::{Invalid, line, shows_nothing, texts};
use crate::limits::{LINE_CHARS, TAG_CHARS, TEXT_BYTES};

texts! {
    /// One line of text.
    Line;
    /// Many lines of text. Line breaks are `\n`.
    Text;
    /// A word somebody hangs on a contact or an organization. Kept as written, compared folded.
    Tag;
}

impl Line {
    /// 1 to [`LINE_CHARS`] characters without control characters; spaces around it are dropped.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        line(text, LINE_CHARS).map(|text| Self(text.to_owned()))
    }
}

impl Text {
    /// 1 to [`TEXT_BYTES`] bytes; of the control characters only line breaks and tabs. White space around it is dropped.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let text = text.trim().replace("\r\n", "\n").replace('\r', "\n");
        if shows_nothing(&text) {
            return Err(Invalid::Empty);
        }
        if text.len() > TEXT_BYTES {
            return Err(Invalid::TooManyBytes { limit: TEXT_BYTES });
        }
        if text.chars().any(|c| c.is_control() && c != '\n' && c != '\t') {
            return Err(Invalid::ControlCharacter);
        }
        Ok(Self(text))
    }
}

impl Tag {
    /// 1 to [`TAG_CHARS`] characters on one line.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        line(text, TAG_CHARS).map(|text| Self(text.to_owned()))
    }

    /// The form by which tags are compared: compatible forms as one (NFKC), lower case.
    pub fn folded(&self) -> String {
        self.0.nfkc().collect::<String>().to_lowercase()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_trimmed_and_measured_in_characters() {
        assert_eq!(Line::parse("  Größe\u{a0}"), Ok(Line("Größe".into())));
        assert_eq!(Line::parse(" \t"), Err(Invalid::Empty));
        assert_eq!(Line::parse("a\nb"), Err(Invalid::ControlCharacter));
        assert_eq!(Line::parse("a\u{2028}b"), Err(Invalid::ControlCharacter));
        assert!(Line::parse(&"ß".repeat(LINE_CHARS)).is_ok());
        assert_eq!(Line::parse(&"ß".repeat(LINE_CHARS + 1)), Err(Invalid::TooLong { limit: LINE_CHARS }));
    }

    #[test]
    fn what_shows_nothing_is_empty() {
        for unseen in ["\u{200b}", "\u{301}", "\u{feff}\u{202e}", "\u{ad} \u{e0041}\u{fe0f}"] {
            assert_eq!(Line::parse(unseen), Err(Invalid::Empty), "{unseen:?}");
            assert_eq!(Text::parse(unseen), Err(Invalid::Empty), "{unseen:?}");
        }
        // Joiners and marks of direction belong to names that show something.
        assert!(Line::parse("می\u{200c}خواهم").is_ok() && Line::parse("E\u{301}ric").is_ok());
    }

    #[test]
    fn a_text_keeps_its_lines() {
        assert_eq!(Text::parse("a\r\n\tb\rc\n"), Ok(Text("a\n\tb\nc".into())));
        assert_eq!(Text::parse("a\u{7}b"), Err(Invalid::ControlCharacter));
        assert_eq!(Text::parse("\n\n"), Err(Invalid::Empty));
        assert!(Text::parse(&"x".repeat(TEXT_BYTES)).is_ok());
        assert_eq!(Text::parse(&"ß".repeat(TEXT_BYTES / 2 + 1)), Err(Invalid::TooManyBytes { limit: TEXT_BYTES }));
    }

    #[test]
    fn tags_compare_folded_and_stay_as_written() {
        let tag = Tag::parse("Ｋey Account").expect("a tag");
        assert_eq!(tag.as_str(), "Ｋey Account");
        assert_eq!(tag.folded(), Tag::parse("key ACCOUNT").expect("a tag").folded());
    }

    #[test]
    fn nothing_prints_the_text() {
        assert_eq!(format!("{:?}", Line::parse("Maria").expect("a line")), "Line(5 bytes)");
    }
}
