//! Stored forms of notices.

use domain::notice::{Event, Shown};

use super::values::{Form, mirror};
use super::{Columns, HeldFields, Shape, WireError, Written, exactly};
use crate::codec::{decode, encode};

mirror! { facts ShownV1 = Shown { notice: [u8; 16], version: u32, hash: [u8; 32] } }
facts! { PublishedV1 { purpose: String, language: String, version: u32, text: String, hash: [u8; 32] } }

pub(crate) const STRUCTURES: &[(&str, Columns)] = &[("ShownV1", ShownV1::FIELDS)];

pub(crate) const SHAPES: &[Shape] =
    &[Shape { kind: "notice.published", version: 1, facts: PublishedV1::FIELDS, parts: &[] }];

pub(crate) fn write(event: &Event) -> Result<Written, WireError> {
    let Event::Published { purpose, language, version, text, hash } = event;
    let form = PublishedV1 {
        purpose: purpose.store(),
        language: language.store(),
        version: *version,
        text: text.store(),
        hash: *hash,
    };
    Ok(Written { kind: "notice.published", version: 1, facts: encode(&form)?, parts: Vec::new() })
}

pub(crate) fn read(kind: &str, version: u16, facts: &[u8], parts: Vec<HeldFields>) -> Result<Option<Event>, WireError> {
    let ("notice.published", 1) = (kind, version) else { return Ok(None) };
    let [] = exactly(parts)?;
    let PublishedV1 { purpose, language, version, text, hash } = decode(facts, "notice.published")?;
    Ok(Some(Event::Published {
        purpose: Form::load(purpose)?,
        language: Form::load(language)?,
        version,
        text: Form::load(text)?,
        hash,
    }))
}

#[cfg(test)]
mod tests {
    use domain::register::Slug;
    use domain::value::{Language, Text};

    use super::*;
    use crate::wire::{self, reads_back};

    #[test]
    fn every_event_reads_back() {
        reads_back(&wire::Event::Notice(Event::Published {
            purpose: Slug::from_log("newsletter".into()),
            language: Language::parse("de").unwrap(),
            version: 1,
            text: Text::parse("Wir schreiben Ihnen einmal im Monat.").unwrap(),
            hash: [7; 32],
        }));
    }
}
