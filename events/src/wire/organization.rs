//! Stored forms of organizations. Whatever is the same as for a contact has the contact's form.

use domain::holding::Holding;
use domain::organization::{Event, Profile, ProfileChange};
use domain::point::Point;
use domain::profile::{Address, Dated};
use domain::value::Line;

use super::contact::{AddressV1, HoldingChangeV1, OldIdV1, PointV1, SocialLinkV1};
use super::values::{ChangeV1, Form, mirror};
use super::{Columns, HeldFields, Shape, WireError, Written, exactly, held, plain};
use crate::codec::{decode, encode};

mirror! { facts DatedLineV1 = Dated<Line> { value: String, from: Option<i32>, until: Option<i32> } }
mirror! { facts DatedAddressV1 = Dated<Address> { value: AddressV1, from: Option<i32>, until: Option<i32> } }
mirror! { part OrganizationProfileV1 = Profile {
    name: Option<String>, former_names: Vec<DatedLineV1>, invoice_address: Option<AddressV1>,
    former_invoice_addresses: Vec<DatedAddressV1>, delivery_addresses: Vec<DatedAddressV1>, website: Option<String>,
    parent: Option<[u8; 16]>, social_links: Vec<SocialLinkV1>, notes: Option<String>, tags: Vec<String>,
    source_words: Option<String>, reason_words: Option<String>, old_id: Option<OldIdV1>, points: Vec<PointV1>,
} }
mirror! { part OrganizationProfileChangeV1 = ProfileChange {
    name: ChangeV1<String>, former_names: ChangeV1<Vec<DatedLineV1>>, invoice_address: ChangeV1<AddressV1>,
    former_invoice_addresses: ChangeV1<Vec<DatedAddressV1>>, delivery_addresses: ChangeV1<Vec<DatedAddressV1>>,
    website: ChangeV1<String>, parent: ChangeV1<[u8; 16]>, social_links: ChangeV1<Vec<SocialLinkV1>>,
    notes: ChangeV1<String>, tags: ChangeV1<Vec<String>>, source_words: ChangeV1<String>,
    reason_words: ChangeV1<String>, old_id: ChangeV1<OldIdV1>,
} }

facts! { RegisteredV1 { source: u16, reason: u16, hold_until: Option<i32> } }
facts! { ChangedV1 { cause: u16, holding: HoldingChangeV1, has_profile: bool } }
facts! { PointAddedV1 {} }
part! { PointPartV1 { point: PointV1 } }
facts! { PointRetiredV1 {} }
part! { PointIdPartV1 { point: [u8; 16] } }

pub(crate) const STRUCTURES: &[(&str, Columns)] =
    &[("DatedLineV1", DatedLineV1::FIELDS), ("DatedAddressV1", DatedAddressV1::FIELDS)];

pub(crate) const SHAPES: &[Shape] = &[
    Shape {
        kind: "organization.registered",
        version: 1,
        facts: RegisteredV1::FIELDS,
        parts: &[("one", OrganizationProfileV1::FIELDS)],
    },
    Shape {
        kind: "organization.changed",
        version: 1,
        facts: ChangedV1::FIELDS,
        parts: &[("one where has_profile", OrganizationProfileChangeV1::FIELDS)],
    },
    Shape {
        kind: "organization.point-added",
        version: 1,
        facts: PointAddedV1::FIELDS,
        parts: &[("one", PointPartV1::FIELDS)],
    },
    Shape {
        kind: "organization.point-retired",
        version: 1,
        facts: PointRetiredV1::FIELDS,
        parts: &[("one", PointIdPartV1::FIELDS)],
    },
];

pub(crate) fn write(event: &Event) -> Result<Written, WireError> {
    let (kind, facts, parts) = match event {
        Event::Registered { holding, profile } => {
            let Holding { source, reason, hold_until } = holding;
            let form = RegisteredV1 { source: source.store(), reason: reason.store(), hold_until: hold_until.store() };
            ("organization.registered", encode(&form)?, vec![plain(profile, |profile| profile.store())?])
        }
        Event::Changed { cause, holding, profile } => {
            let form = ChangedV1 { cause: cause.store(), holding: holding.store(), has_profile: profile.is_some() };
            let part = profile.as_ref().map(|profile| plain(profile, |profile| profile.store())).transpose()?;
            ("organization.changed", encode(&form)?, part.into_iter().collect())
        }
        Event::PointAdded { point } => {
            let part = plain(point, |point| PointPartV1 { point: point.store() })?;
            ("organization.point-added", encode(&PointAddedV1 {})?, vec![part])
        }
        Event::PointRetired { point } => {
            let part = plain(point, |point| PointIdPartV1 { point: point.store() })?;
            ("organization.point-retired", encode(&PointRetiredV1 {})?, vec![part])
        }
    };
    Ok(Written { kind, version: 1, facts, parts })
}

pub(crate) fn read(kind: &str, version: u16, facts: &[u8], parts: Vec<HeldFields>) -> Result<Option<Event>, WireError> {
    Ok(Some(match (kind, version) {
        ("organization.registered", 1) => {
            let RegisteredV1 { source, reason, hold_until } = decode(facts, "organization.registered")?;
            let holding = Holding {
                source: Form::load(source)?,
                reason: Form::load(reason)?,
                hold_until: Form::load(hold_until)?,
            };
            let [part] = exactly(parts)?;
            let profile = held(part, |form: OrganizationProfileV1| Profile::load(form).map(Box::new))?;
            Event::Registered { holding, profile }
        }
        ("organization.changed", 1) => {
            let form: ChangedV1 = decode(facts, "organization.changed")?;
            let profile = if form.has_profile {
                let [part] = exactly(parts)?;
                Some(held(part, |form: OrganizationProfileChangeV1| ProfileChange::load(form).map(Box::new))?)
            } else {
                let [] = exactly(parts)?;
                None
            };
            Event::Changed { cause: Form::load(form.cause)?, holding: Form::load(form.holding)?, profile }
        }
        ("organization.point-added", 1) => {
            let PointAddedV1 {} = decode(facts, "organization.point-added")?;
            let [part] = exactly(parts)?;
            Event::PointAdded { point: held(part, |form: PointPartV1| Point::load(form.point))? }
        }
        ("organization.point-retired", 1) => {
            let PointRetiredV1 {} = decode(facts, "organization.point-retired")?;
            let [part] = exactly(parts)?;
            Event::PointRetired { point: held(part, |form: PointIdPartV1| Form::load(form.point))? }
        }
        _ => return Ok(None),
    }))
}

#[cfg(test)]
mod tests {
    use domain::compartment::Compartment;
    use domain::holding::{ChangeCause, HoldingChange, ReasonKind, SourceKind};
    use domain::id::{OrganizationId, PointId, SubjectId};
    use domain::personal::Held;
    use domain::point::PointKind;
    use domain::profile::Change;
    use domain::time::Day;

    use super::*;
    use crate::wire::{self, reads_back};

    fn held<T>(value: T) -> Held<T> {
        Held::new(SubjectId([9; 16]), Compartment::Relationship, value)
    }

    #[test]
    fn every_event_reads_back() {
        let point = Point::parse(PointId([1; 16]), PointKind::Phone, None, "030-0074321", None).unwrap();
        let line = |text| Line::parse(text).unwrap();
        let address = || Address { lines: vec![line("Obere Str. 57")], ..Address::default() };
        let profile = Profile {
            name: Some(line("Alfreds Futterkiste")),
            former_names: vec![Dated { value: line("Alfreds"), from: None, until: Some(Day(19_000)) }],
            delivery_addresses: vec![Dated { value: address(), from: Some(Day(1)), until: None }],
            parent: Some(OrganizationId([4; 16])),
            points: vec![point.clone()],
            ..Profile::default()
        };
        let holding =
            Holding { source: SourceKind::Import, reason: ReasonKind::Contract, hold_until: Some(Day(30_000)) };
        let change = ProfileChange {
            invoice_address: Change::Set(address()),
            parent: Change::Clear,
            ..ProfileChange::default()
        };
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
            reads_back(&wire::Event::Organization(event));
        }
    }
}
