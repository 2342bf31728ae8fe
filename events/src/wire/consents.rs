//! Stored forms of a person's consents. What an auditor needs is facts; who it is stands in the sealed part that every
//! record of the stream has.

use domain::consent::{About, Event, Fact, Person, Scope, Way};

use super::notice::ShownV1;
use super::values::{Form, mirror};
use super::{Columns, HeldFields, Shape, WireError, Written, exactly, held, plain};
use crate::codec::{decode, encode};

mirror! { facts AboutV1 = About { purpose: String, channel: u16, point: [u8; 16] } }
mirror! { facts ScopeV1 = Scope { purpose: Option<String>, channel: Option<u16>, point: Option<[u8; 16]> } }
mirror! { facts WayV1 = Way { source: u16, method: u16 } }
mirror! { part PersonV1 = Person { contact: [u8; 16], words: Option<String> } }

facts! { RequestedV1 {
    about: AboutV1, shown: ShownV1, code_hash: [u8; 32], expires_at: i64, valid_until: Option<i32>,
    validity_months: Option<u16>, way: WayV1,
} }
facts! { GivenV1 {
    about: AboutV1, shown: Option<ShownV1>, valid_until: Option<i32>, way: WayV1, evidence: u16,
} }
facts! { ConfirmedV1 {
    about: AboutV1, shown: ShownV1, code_hash: [u8; 32], valid_until: Option<i32>, way: WayV1,
} }
facts! { RefusedV1 { about: AboutV1, way: WayV1 } }
facts! { WithdrawnV1 { scope: ScopeV1, way: WayV1 } }
facts! { ObjectedV1 { scope: ScopeV1, way: WayV1 } }

pub(crate) const STRUCTURES: &[(&str, Columns)] =
    &[("AboutV1", AboutV1::FIELDS), ("ScopeV1", ScopeV1::FIELDS), ("WayV1", WayV1::FIELDS)];

const PERSON: &[(&str, Columns)] = &[("one", PersonV1::FIELDS)];

pub(crate) const SHAPES: &[Shape] = &[
    Shape { kind: "consents.requested", version: 1, facts: RequestedV1::FIELDS, parts: PERSON },
    Shape { kind: "consents.given", version: 1, facts: GivenV1::FIELDS, parts: PERSON },
    Shape { kind: "consents.confirmed", version: 1, facts: ConfirmedV1::FIELDS, parts: PERSON },
    Shape { kind: "consents.refused", version: 1, facts: RefusedV1::FIELDS, parts: PERSON },
    Shape { kind: "consents.withdrawn", version: 1, facts: WithdrawnV1::FIELDS, parts: PERSON },
    Shape { kind: "consents.objected", version: 1, facts: ObjectedV1::FIELDS, parts: PERSON },
];

pub(crate) fn write(event: &Event) -> Result<Written, WireError> {
    let (kind, facts) = match &event.fact {
        Fact::Requested { about, shown, code_hash, expires_at, valid_until, validity_months, way } => {
            let form = RequestedV1 {
                about: about.store(),
                shown: shown.store(),
                code_hash: *code_hash,
                expires_at: expires_at.store(),
                valid_until: valid_until.store(),
                validity_months: *validity_months,
                way: way.store(),
            };
            ("consents.requested", encode(&form)?)
        }
        Fact::Given { about, shown, valid_until, way, evidence } => {
            let form = GivenV1 {
                about: about.store(),
                shown: shown.store(),
                valid_until: valid_until.store(),
                way: way.store(),
                evidence: evidence.store(),
            };
            ("consents.given", encode(&form)?)
        }
        Fact::Confirmed { about, shown, code_hash, valid_until, way } => {
            let form = ConfirmedV1 {
                about: about.store(),
                shown: shown.store(),
                code_hash: *code_hash,
                valid_until: valid_until.store(),
                way: way.store(),
            };
            ("consents.confirmed", encode(&form)?)
        }
        Fact::Refused { about, way } => {
            ("consents.refused", encode(&RefusedV1 { about: about.store(), way: way.store() })?)
        }
        Fact::Withdrawn { scope, way } => {
            ("consents.withdrawn", encode(&WithdrawnV1 { scope: scope.store(), way: way.store() })?)
        }
        Fact::Objected { scope, way } => {
            ("consents.objected", encode(&ObjectedV1 { scope: scope.store(), way: way.store() })?)
        }
    };
    let person = plain(&event.person, |person| person.store())?;
    Ok(Written { kind, version: 1, facts, parts: vec![person] })
}

pub(crate) fn read(kind: &str, version: u16, facts: &[u8], parts: Vec<HeldFields>) -> Result<Option<Event>, WireError> {
    let fact = match (kind, version) {
        ("consents.requested", 1) => requested(decode(facts, "consents.requested")?)?,
        ("consents.given", 1) => given(decode(facts, "consents.given")?)?,
        ("consents.confirmed", 1) => confirmed(decode(facts, "consents.confirmed")?)?,
        ("consents.refused", 1) => {
            let RefusedV1 { about, way } = decode(facts, "consents.refused")?;
            Fact::Refused { about: Form::load(about)?, way: Form::load(way)? }
        }
        ("consents.withdrawn", 1) => {
            let WithdrawnV1 { scope, way } = decode(facts, "consents.withdrawn")?;
            Fact::Withdrawn { scope: Form::load(scope)?, way: Form::load(way)? }
        }
        ("consents.objected", 1) => {
            let ObjectedV1 { scope, way } = decode(facts, "consents.objected")?;
            Fact::Objected { scope: Form::load(scope)?, way: Form::load(way)? }
        }
        _ => return Ok(None),
    };
    let [person] = exactly(parts)?;
    Ok(Some(Event { fact, person: held(person, Person::load)? }))
}

fn requested(form: RequestedV1) -> Result<Fact, WireError> {
    let RequestedV1 { about, shown, code_hash, expires_at, valid_until, validity_months, way } = form;
    Ok(Fact::Requested {
        about: Form::load(about)?,
        shown: Form::load(shown)?,
        code_hash,
        expires_at: Form::load(expires_at)?,
        valid_until: Form::load(valid_until)?,
        validity_months,
        way: Form::load(way)?,
    })
}

fn given(form: GivenV1) -> Result<Fact, WireError> {
    let GivenV1 { about, shown, valid_until, way, evidence } = form;
    Ok(Fact::Given {
        about: Form::load(about)?,
        shown: Form::load(shown)?,
        valid_until: Form::load(valid_until)?,
        way: Form::load(way)?,
        evidence: Form::load(evidence)?,
    })
}

fn confirmed(form: ConfirmedV1) -> Result<Fact, WireError> {
    let ConfirmedV1 { about, shown, code_hash, valid_until, way } = form;
    Ok(Fact::Confirmed {
        about: Form::load(about)?,
        shown: Form::load(shown)?,
        code_hash,
        valid_until: Form::load(valid_until)?,
        way: Form::load(way)?,
    })
}

#[cfg(test)]
mod tests {
    use domain::channel::Channel;
    use domain::compartment::Compartment;
    use domain::consent::{Evidence, Method, Source};
    use domain::id::{ContactId, NoticeId, PointId, SubjectId};
    use domain::notice::Shown;
    use domain::personal::Held;
    use domain::register::Slug;
    use domain::time::{Day, Time};

    use super::*;
    use crate::wire::{self, reads_back};

    #[test]
    fn every_event_reads_back() {
        let about =
            About { purpose: Slug::from_log("newsletter".into()), channel: Channel::Email, point: PointId([1; 16]) };
        let scope = Scope { channel: Some(Channel::Email), ..Scope::default() };
        let shown = Shown { notice: NoticeId([2; 16]), version: 3, hash: [4; 32] };
        let way = Way { source: Source::WebForm, method: Method::Checkbox };
        let (code_hash, valid_until) = ([5; 32], Some(Day(20_000)));
        for fact in [
            Fact::Requested {
                about: about.clone(),
                shown,
                code_hash,
                expires_at: Time(9),
                valid_until,
                validity_months: Some(24),
                way,
            },
            Fact::Given { about: about.clone(), shown: Some(shown), valid_until, way, evidence: Evidence::AgentsWord },
            Fact::Confirmed { about: about.clone(), shown, code_hash, valid_until: None, way },
            Fact::Refused { about, way },
            Fact::Withdrawn { scope: scope.clone(), way },
            Fact::Objected { scope, way },
        ] {
            let person = Person { contact: ContactId([6; 16]), words: None };
            let person = Held::new(SubjectId([7; 16]), Compartment::ConsentProof, person);
            reads_back(&wire::Event::Consents(Event { fact, person }));
        }
    }
}
