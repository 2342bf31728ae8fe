//! Stored forms of actors: roles and tokens are facts, who it is is sealed.

use domain::actor::{Event, Profile};
use domain::value::{Line, Mail};

use super::values::{Form, mirror};
use super::{Columns, HeldFields, Shape, WireError, Written, exactly, held, plain};
use crate::codec::{decode, encode};

mirror! { part ProfileV1 = Profile { name: String, mail: Option<String> } }
part! { LabelV1 { label: String } }

facts! { RolesV1 { roles: Vec<u16> } }
facts! { ChangedV1 {} }
facts! { TokenIssuedV1 { token: [u8; 16], hash: [u8; 32], expires_at: i64, has_label: bool } }
facts! { TokenRevokedV1 { token: [u8; 16] } }
facts! { LeftV1 {} }

impl Form for Mail {
    type Stored = String;

    fn store(&self) -> String {
        self.as_str().to_owned()
    }

    fn load(stored: String) -> Result<Self, WireError> {
        Ok(Self::from_log(stored))
    }
}

const PROFILE: &[(&str, Columns)] = &[("one", ProfileV1::FIELDS)];

pub(crate) const STRUCTURES: &[(&str, Columns)] = &[];

pub(crate) const SHAPES: &[Shape] = &[
    Shape { kind: "actor.registered", version: 1, facts: RolesV1::FIELDS, parts: PROFILE },
    Shape { kind: "actor.changed", version: 1, facts: ChangedV1::FIELDS, parts: PROFILE },
    Shape { kind: "actor.roles-changed", version: 1, facts: RolesV1::FIELDS, parts: &[] },
    Shape {
        kind: "actor.token-issued",
        version: 1,
        facts: TokenIssuedV1::FIELDS,
        parts: &[("one where has_label", LabelV1::FIELDS)],
    },
    Shape { kind: "actor.token-revoked", version: 1, facts: TokenRevokedV1::FIELDS, parts: &[] },
    Shape { kind: "actor.left", version: 1, facts: LeftV1::FIELDS, parts: &[] },
];

pub(crate) fn write(event: &Event) -> Result<Written, WireError> {
    let mut parts = Vec::new();
    let (kind, facts) = match event {
        Event::Registered { roles, profile } => {
            parts.push(plain(profile, Form::store)?);
            ("actor.registered", encode(&RolesV1 { roles: roles.store() })?)
        }
        Event::Changed { profile } => {
            parts.push(plain(profile, Form::store)?);
            ("actor.changed", encode(&ChangedV1 {})?)
        }
        Event::RolesChanged { roles } => ("actor.roles-changed", encode(&RolesV1 { roles: roles.store() })?),
        Event::TokenIssued { token, hash, expires_at, label } => {
            if let Some(label) = label {
                parts.push(plain(label, |label| LabelV1 { label: label.store() })?);
            }
            let (token, expires_at, has_label) = (token.store(), expires_at.store(), label.is_some());
            ("actor.token-issued", encode(&TokenIssuedV1 { token, hash: *hash, expires_at, has_label })?)
        }
        Event::TokenRevoked { token } => ("actor.token-revoked", encode(&TokenRevokedV1 { token: token.store() })?),
        Event::Left => ("actor.left", encode(&LeftV1 {})?),
    };
    Ok(Written { kind, version: 1, facts, parts })
}

pub(crate) fn read(kind: &str, version: u16, facts: &[u8], parts: Vec<HeldFields>) -> Result<Option<Event>, WireError> {
    Ok(Some(match (kind, version) {
        ("actor.registered", 1) => {
            let RolesV1 { roles } = decode(facts, "actor.registered")?;
            let [profile] = exactly(parts)?;
            Event::Registered { roles: Form::load(roles)?, profile: held(profile, Profile::load)? }
        }
        ("actor.changed", 1) => {
            let ChangedV1 {} = decode(facts, "actor.changed")?;
            let [profile] = exactly(parts)?;
            Event::Changed { profile: held(profile, Profile::load)? }
        }
        ("actor.roles-changed", 1) => {
            let [] = exactly(parts)?;
            let RolesV1 { roles } = decode(facts, "actor.roles-changed")?;
            Event::RolesChanged { roles: Form::load(roles)? }
        }
        ("actor.token-issued", 1) => token_issued(facts, parts)?,
        ("actor.token-revoked", 1) => {
            let [] = exactly(parts)?;
            let TokenRevokedV1 { token } = decode(facts, "actor.token-revoked")?;
            Event::TokenRevoked { token: Form::load(token)? }
        }
        ("actor.left", 1) => {
            let [] = exactly(parts)?;
            let LeftV1 {} = decode(facts, "actor.left")?;
            Event::Left
        }
        _ => return Ok(None),
    }))
}

fn token_issued(facts: &[u8], parts: Vec<HeldFields>) -> Result<Event, WireError> {
    let TokenIssuedV1 { token, hash, expires_at, has_label } = decode(facts, "actor.token-issued")?;
    let label = if has_label {
        let [label] = exactly(parts)?;
        Some(held(label, |form: LabelV1| Line::load(form.label))?)
    } else {
        let [] = exactly(parts)?;
        None
    };
    Ok(Event::TokenIssued { token: Form::load(token)?, hash, expires_at: Form::load(expires_at)?, label })
}

#[cfg(test)]
mod tests {
    use domain::actor::Role;
    use domain::compartment::Compartment;
    use domain::id::{SubjectId, TokenId};
    use domain::personal::Held;
    use domain::time::Time;

    use super::*;
    use crate::wire::{self, reads_back};

    #[test]
    fn every_event_reads_back() {
        fn sealed<T>(value: T) -> Held<T> {
            Held::new(SubjectId([9; 16]), Compartment::Relationship, value)
        }
        let name = Line::parse("Nancy").unwrap();
        let profile = || sealed(Profile { name: name.clone(), mail: Mail::parse("nancy@example.org").ok() });
        let issued = |label| Event::TokenIssued { token: TokenId([1; 16]), hash: [2; 32], expires_at: Time(3), label };
        for event in [
            Event::Registered { roles: vec![Role::Agent, Role::Dpo], profile: profile() },
            Event::Changed { profile: profile() },
            Event::RolesChanged { roles: vec![Role::Auditor] },
            issued(None),
            issued(Some(sealed(name.clone()))),
            Event::TokenRevoked { token: TokenId([1; 16]) },
            Event::Left,
        ] {
            reads_back(&wire::Event::Actor(event));
        }
    }
}
