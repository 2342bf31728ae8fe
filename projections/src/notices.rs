//! Which texts were people shown, in which version and language?

use std::collections::BTreeMap;

use domain::event::Place;
use domain::id::NoticeId;
use domain::notice::{Event, Shown};
use domain::register::Slug;
use domain::time::Time;
use domain::value::{Language, Text};

use crate::digest::Digest;

/// A notice in all its versions. All of it are facts: the text speaks to everybody.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Notice {
    /// Its id.
    pub id: NoticeId,
    /// The purpose it asks consent for.
    pub purpose: Slug,
    /// The revision of its stream.
    pub revision: u64,
    /// What was published, by version and language.
    pub published: BTreeMap<(u32, Language), Published>,
}

/// One text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Published {
    /// The exact text.
    pub text: Text,
    /// BLAKE3 of its UTF-8 bytes.
    pub hash: [u8; 32],
    /// Since when.
    pub at: Time,
    /// The position of its record.
    pub position: u64,
}

impl Notice {
    /// The version that is shown now.
    pub fn version(&self) -> u32 {
        self.published.last_key_value().map_or(0, |((version, _), _)| *version)
    }

    /// What somebody saw who was shown this version in this language.
    pub fn shown(&self, version: u32, language: &Language) -> Option<Shown> {
        let published = self.published.get(&(version, language.clone()))?;
        Some(Shown { notice: self.id, version, hash: published.hash })
    }
}

/// All notices.
#[derive(Default)]
pub(crate) struct Notices(BTreeMap<NoticeId, Notice>);

impl Notices {
    /// One of them.
    pub fn get(&self, id: NoticeId) -> Option<&Notice> {
        self.0.get(&id)
    }

    /// All of them, by id.
    pub fn iter(&self) -> impl Iterator<Item = &Notice> {
        self.0.values()
    }

    /// Takes a record.
    pub fn follow(&mut self, place: &Place, event: Event) {
        let Event::Published { purpose, language, version, text, hash } = event;
        let id = NoticeId(place.stream.id);
        let first = || Notice { id, purpose, revision: 0, published: BTreeMap::new() };
        let notice = self.0.entry(id).or_insert_with(first);
        notice.revision = place.revision;
        let published = Published { text, hash, at: place.effective_at, position: place.position };
        notice.published.insert((version, language), published);
    }

    /// All texts.
    pub fn write_digest(&self, out: &mut Digest<'_>) {
        for notice in self.0.values() {
            out.facts(&(notice.id, &notice.purpose, notice.revision));
            for ((version, language), published) in &notice.published {
                out.facts(&(version, language.as_str(), published.hash, published.at, published.position));
                out.bytes(published.text.as_str().as_bytes());
            }
        }
    }
}
