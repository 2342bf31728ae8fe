//! Notices: the exact text that people were shown when they were asked for a consent, in every version and language.
//!
//! The text speaks to everybody and so is a fact; its hash in a consent says which text a person saw.

use std::collections::BTreeMap;

use crate::aggregate::{Aggregate, Circumstances};
use crate::event::StreamKind;
use crate::id::NoticeId;
use crate::register::Slug;
use crate::value::{Language, Text};

/// What somebody was shown: which notice, which version, and the hash of the very text, which also tells the language.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Shown {
    /// Which notice.
    pub notice: NoticeId,
    /// Which version of it, from 1.
    pub version: u32,
    /// BLAKE3 of the text's UTF-8 bytes.
    pub hash: [u8; 32],
}

/// Intent: publish a text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Command {
    /// The purpose it asks consent for, which never changes within a notice.
    pub purpose: Slug,
    /// The language of the text, as in BCP 47: `de`, `de-AT`.
    pub language: Language,
    /// The version this is a translation of; none for a new version.
    pub translation_of: Option<u32>,
    /// The exact text.
    pub text: Text,
    /// BLAKE3 of the text, made by the ledger; no client sends it.
    pub hash: [u8; 32],
}

/// Fact.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Event {
    /// A text can be shown from now on.
    Published {
        /// The purpose it asks consent for.
        purpose: Slug,
        /// The language of the text.
        language: Language,
        /// Which version, from 1 without gaps.
        version: u32,
        /// The exact text.
        text: Text,
        /// BLAKE3 of the text's UTF-8 bytes.
        hash: [u8; 32],
    },
}

/// Why a text is not published.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Rejection {
    /// One notice, one purpose.
    #[error("this notice is about {0}; publish a new notice for another purpose")]
    AnotherPurpose(Slug),
    /// A translation of nothing.
    #[error("there is no version {0} of this notice to translate")]
    NoSuchVersion(u32),
    /// A published text never changes.
    #[error("version {version} is already published in {}; a changed text is a new version", .language.as_str())]
    AlreadyPublished {
        /// Which version.
        version: u32,
        /// In which language.
        language: Language,
    },
}

/// A notice as it is now: what was published, without the texts.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Notice {
    purpose: Option<Slug>,
    published: BTreeMap<(u32, Language), [u8; 32]>,
}

impl Notice {
    /// The purpose it asks consent for; none before the first text.
    pub fn purpose(&self) -> Option<&Slug> {
        self.purpose.as_ref()
    }

    /// The version that is shown now; 0 before the first text.
    pub fn version(&self) -> u32 {
        self.published.last_key_value().map_or(0, |((version, _), _)| *version)
    }

    /// What somebody was shown who read this version in this language.
    pub fn shown(&self, notice: NoticeId, version: u32, language: &Language) -> Option<Shown> {
        let hash = self.published.get(&(version, language.clone()))?;
        Some(Shown { notice, version, hash: *hash })
    }

    /// Whether this text was ever published here.
    pub fn published(&self, shown: &Shown) -> bool {
        self.published.iter().any(|((version, _), hash)| *version == shown.version && *hash == shown.hash)
    }
}

impl Aggregate for Notice {
    const KIND: StreamKind = StreamKind::Notice;
    type Command = Command;
    type Event = Event;
    type Rejection = Rejection;

    fn decide(&self, command: &Command, _: &Circumstances) -> Result<Vec<Event>, Rejection> {
        let Command { purpose, language, translation_of, text, hash } = command;
        if let Some(other) = self.purpose.as_ref().filter(|other| *other != purpose) {
            return Err(Rejection::AnotherPurpose(other.clone()));
        }
        let version = match *translation_of {
            None => self.version().saturating_add(1),
            Some(version) if (1..=self.version()).contains(&version) => version,
            Some(version) => return Err(Rejection::NoSuchVersion(version)),
        };
        if self.published.contains_key(&(version, language.clone())) {
            return Err(Rejection::AlreadyPublished { version, language: language.clone() });
        }
        let (purpose, language, text, hash) = (purpose.clone(), language.clone(), text.clone(), *hash);
        Ok(vec![Event::Published { purpose, language, version, text, hash }])
    }

    fn evolve(&mut self, event: &Event) {
        let Event::Published { purpose, language, version, text: _, hash } = event;
        self.purpose = Some(purpose.clone());
        self.published.insert((*version, language.clone()), *hash);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::ActorId;
    use crate::time::Time;

    const WHEN: Circumstances = Circumstances { actor: ActorId([1; 16]), effective_at: Time(0), now: Time(0) };

    fn text(language: &str, translation_of: Option<u32>, text: &str) -> Command {
        let (purpose, language) = ("newsletter".parse().unwrap(), Language::parse(language).unwrap());
        Command { purpose, language, translation_of, text: Text::parse(text).unwrap(), hash: [text.len() as u8; 32] }
    }

    fn published(commands: &[Command]) -> Notice {
        let mut notice = Notice::default();
        for command in commands {
            for event in notice.decide(command, &WHEN).unwrap() {
                notice.evolve(&event);
            }
        }
        notice
    }

    #[test]
    fn versions_count_up_and_translations_share_them() {
        let notice =
            published(&[text("en", None, "May we?"), text("de", Some(1), "Dürfen wir?"), text("en", None, "May")]);
        let id = NoticeId([9; 16]);
        assert_eq!(notice.version(), 2);
        assert_eq!(notice.purpose(), "newsletter".parse().ok().as_ref());
        assert_eq!(
            notice.shown(id, 1, &Language::parse("de").unwrap()),
            Some(Shown { notice: id, version: 1, hash: [12; 32] })
        );
        assert_eq!(notice.shown(id, 2, &Language::parse("de").unwrap()), None);
        assert!(notice.published(&Shown { notice: id, version: 1, hash: [7; 32] }));
        assert!(!notice.published(&Shown { notice: id, version: 2, hash: [7; 32] }));
    }

    #[test]
    fn a_published_text_never_changes() {
        let notice = published(&[text("en", None, "May we?")]);
        let again = notice.decide(&text("en", Some(1), "May we, please?"), &WHEN);
        assert_eq!(again, Err(Rejection::AlreadyPublished { version: 1, language: Language::parse("en").unwrap() }));
        assert_eq!(notice.decide(&text("de", Some(2), "Dürfen wir?"), &WHEN), Err(Rejection::NoSuchVersion(2)));
        assert_eq!(notice.decide(&text("de", Some(0), "Dürfen wir?"), &WHEN), Err(Rejection::NoSuchVersion(0)));
        let other = Command { purpose: "support".parse().unwrap(), ..text("en", None, "May we?") };
        assert_eq!(notice.decide(&other, &WHEN), Err(Rejection::AnotherPurpose("newsletter".parse().unwrap())));
    }
}
