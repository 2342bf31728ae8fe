//! Stored forms of contacts.

use domain::contact::{Event, Profile, ProfileChange};
use domain::holding::{Holding, HoldingChange};
use domain::id::PointId;
use domain::point::Point;
use domain::profile::{Address, OldId, Pertinent, SocialLink};

use super::shape::Blank;
use super::values::{ChangeV1, Form, mirror};
use super::{Columns, HeldFields, Shape, WireError, Written, exactly, held, plain};
use crate::codec::{decode, encode};

mirror! { facts AddressV1 = Address {
    lines: Vec<String>, postcode: Option<String>, city: Option<String>, region: Option<String>,
    country: Option<String>, country_code: Option<[u8; 2]>,
} }
mirror! { facts SocialLinkV1 = SocialLink { network: String, page: String } }
mirror! { facts PertinentV1 = Pertinent { label: String, day: i32 } }
mirror! { facts OldIdV1 = OldId { source: String, id: String } }
mirror! { facts PointV1 = Point {
    id: [u8; 16], kind: u16, label: Option<String>, value: String, normalized: Option<String>,
} }
mirror! { part ProfileV1 = Profile {
    salutation: Option<String>, gender: Option<String>, honorific: Option<String>, first_name: Option<String>,
    last_name: Option<String>, displayed_name: Option<String>, job_title: Option<String>,
    organization: Option<[u8; 16]>, work_address: Option<AddressV1>, website: Option<String>,
    social_links: Vec<SocialLinkV1>, notes: Option<String>, tags: Vec<String>, dates: Vec<PertinentV1>,
    birthday: Option<i32>, language: Option<String>, source_words: Option<String>, reason_words: Option<String>,
    old_id: Option<OldIdV1>, points: Vec<PointV1>,
} }
mirror! { part ProfileChangeV1 = ProfileChange {
    salutation: ChangeV1<String>, gender: ChangeV1<String>, honorific: ChangeV1<String>,
    first_name: ChangeV1<String>, last_name: ChangeV1<String>, displayed_name: ChangeV1<String>,
    job_title: ChangeV1<String>, organization: ChangeV1<[u8; 16]>, work_address: ChangeV1<AddressV1>,
    website: ChangeV1<String>, social_links: ChangeV1<Vec<SocialLinkV1>>, notes: ChangeV1<String>,
    tags: ChangeV1<Vec<String>>, dates: ChangeV1<Vec<PertinentV1>>, birthday: ChangeV1<i32>,
    language: ChangeV1<String>, source_words: ChangeV1<String>, reason_words: ChangeV1<String>,
    old_id: ChangeV1<OldIdV1>,
} }

mirror! { facts RegisteredV1 = Holding { source: u16, reason: u16, hold_until: Option<i32> } }
mirror! { facts HoldingChangeV1 = HoldingChange {
    source: Option<u16>, reason: Option<u16>, hold_until: ChangeV1<i32>,
} }
facts! { ChangedV1 { cause: u16, holding: HoldingChangeV1, has_profile: bool } }
facts! { PointAddedV1 {} }
part! { PointPartV1 { point: PointV1 } }
facts! { PointRetiredV1 {} }
part! { PointIdPartV1 { point: [u8; 16] } }

impl Blank for PointV1 {}

pub(crate) const STRUCTURES: &[(&str, Columns)] = &[
    ("AddressV1", AddressV1::FIELDS),
    ("SocialLinkV1", SocialLinkV1::FIELDS),
    ("PertinentV1", PertinentV1::FIELDS),
    ("OldIdV1", OldIdV1::FIELDS),
    ("PointV1", PointV1::FIELDS),
    ("HoldingChangeV1", HoldingChangeV1::FIELDS),
];

pub(crate) const SHAPES: &[Shape] = &[
    Shape { kind: "contact.registered", version: 1, facts: RegisteredV1::FIELDS, parts: &[("one", ProfileV1::FIELDS)] },
    Shape {
        kind: "contact.changed",
        version: 1,
        facts: ChangedV1::FIELDS,
        parts: &[("one where has_profile", ProfileChangeV1::FIELDS)],
    },
    Shape {
        kind: "contact.point-added",
        version: 1,
        facts: PointAddedV1::FIELDS,
        parts: &[("one", PointPartV1::FIELDS)],
    },
    Shape {
        kind: "contact.point-retired",
        version: 1,
        facts: PointRetiredV1::FIELDS,
        parts: &[("one", PointIdPartV1::FIELDS)],
    },
];

pub(crate) fn write(event: &Event) -> Result<Written, WireError> {
    let (kind, facts, parts) = match event {
        Event::Registered { holding, profile } => {
            let part = plain(profile, |profile| profile.store())?;
            ("contact.registered", encode(&holding.store())?, vec![part])
        }
        Event::Changed { cause, holding, profile } => {
            let form = ChangedV1 { cause: cause.store(), holding: holding.store(), has_profile: profile.is_some() };
            let part = profile.as_ref().map(|profile| plain(profile, |profile| profile.store())).transpose()?;
            ("contact.changed", encode(&form)?, part.into_iter().collect())
        }
        Event::PointAdded { point } => {
            let part = plain(point, |point| PointPartV1 { point: point.store() })?;
            ("contact.point-added", encode(&PointAddedV1 {})?, vec![part])
        }
        Event::PointRetired { point } => {
            let part = plain(point, |point| PointIdPartV1 { point: point.store() })?;
            ("contact.point-retired", encode(&PointRetiredV1 {})?, vec![part])
        }
    };
    Ok(Written { kind, version: 1, facts, parts })
}

pub(crate) fn read(kind: &str, version: u16, facts: &[u8], parts: Vec<HeldFields>) -> Result<Option<Event>, WireError> {
    Ok(Some(match (kind, version) {
        ("contact.registered", 1) => {
            let [part] = exactly(parts)?;
            let profile = held(part, |form: ProfileV1| Profile::load(form).map(Box::new))?;
            Event::Registered { holding: Holding::load(decode::<RegisteredV1>(facts, "contact.registered")?)?, profile }
        }
        ("contact.changed", 1) => {
            let form: ChangedV1 = decode(facts, "contact.changed")?;
            let profile = if form.has_profile {
                let [part] = exactly(parts)?;
                Some(held(part, |form: ProfileChangeV1| ProfileChange::load(form).map(Box::new))?)
            } else {
                let [] = exactly(parts)?;
                None
            };
            Event::Changed { cause: Form::load(form.cause)?, holding: Form::load(form.holding)?, profile }
        }
        ("contact.point-added", 1) => {
            let PointAddedV1 {} = decode(facts, "contact.point-added")?;
            let [part] = exactly(parts)?;
            Event::PointAdded { point: held(part, |form: PointPartV1| Point::load(form.point))? }
        }
        ("contact.point-retired", 1) => {
            let PointRetiredV1 {} = decode(facts, "contact.point-retired")?;
            let [part] = exactly(parts)?;
            Event::PointRetired { point: held(part, |form: PointIdPartV1| PointId::load(form.point))? }
        }
        _ => return Ok(None),
    }))
}

#[cfg(test)]
mod tests {
    use domain::compartment::Compartment;
    use domain::holding::{ChangeCause, ReasonKind, SourceKind};
    use domain::id::{PointId, SubjectId};
    use domain::personal::Held;
    use domain::point::PointKind;
    use domain::profile::Change;
    use domain::value::Line;

    use super::*;
    use crate::wire::{self, reads_back};

    fn held<T>(value: T) -> Held<T> {
        Held::new(SubjectId([9; 16]), Compartment::Relationship, value)
    }

    #[test]
    fn every_event_reads_back() {
        let point = Point::parse(PointId([1; 16]), PointKind::Email, None, "maria@example.org", None).unwrap();
        let line = |text| Line::parse(text).unwrap();
        let profile = Profile {
            first_name: Some(line("Maria")),
            work_address: Some(Address {
                lines: vec![line("Obere Str. 57")],
                city: Some(line("Berlin")),
                ..Address::default()
            }),
            points: vec![point.clone()],
            ..Profile::default()
        };
        let holding = Holding { source: SourceKind::Import, reason: ReasonKind::Contract, hold_until: None };
        let change =
            ProfileChange { last_name: Change::Set(line("Anders")), tags: Change::Clear, ..ProfileChange::default() };
        for event in [
            Event::Registered { holding, profile: held(Box::new(profile)) },
            Event::Changed {
                cause: ChangeCause::Change,
                holding: HoldingChange::default(),
                profile: Some(held(Box::new(change))),
            },
            Event::Changed { cause: ChangeCause::Correction, holding: HoldingChange::default(), profile: None },
            Event::PointAdded { point: held(point) },
            Event::PointRetired { point: held(PointId([1; 16])) },
        ] {
            reads_back(&wire::Event::Contact(event));
        }
    }
}
