//! Stored forms of the register of purposes and compartments.

use domain::register::{Event, Purpose, ResidueDays, Retention, Rule};
use serde::{Deserialize, Serialize};

use super::values::{Form, mirror};
use super::{Columns, HeldFields, Shape, WireError, Written, exactly};
use crate::codec::{decode, encode};

mirror! { facts PurposeSetV1 = Purpose {
    slug: String, title: String, basis: u16, compartment: u16, double_opt_in: bool, validity_months: Option<u16>,
    channels: Vec<u16>, waits_for_consent: bool, retired: bool,
} }
mirror! { facts RetentionSetV1 = Retention { kind: u16, country: Option<[u8; 2]>, rule: RuleV1 } }

mirror! { facts ResidueDaysSetV1 = ResidueDays { kind: u16, days: u16 } }

/// What becomes of a compartment: it dies with the relationship (0), is kept (1), or is kept at most so long (2).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum RuleV1 {
    DiesWithRelationship,
    Kept { basis: String, months: u16, counted_from: u16 },
    AtMost { basis: String, months: u16, counted_from: u16 },
}

impl Form for Rule {
    type Stored = RuleV1;

    fn store(&self) -> RuleV1 {
        match self {
            Self::DiesWithRelationship => RuleV1::DiesWithRelationship,
            Self::Kept { basis, months, counted_from } => {
                RuleV1::Kept { basis: basis.store(), months: *months, counted_from: counted_from.store() }
            }
            Self::AtMost { basis, months, counted_from } => {
                RuleV1::AtMost { basis: basis.store(), months: *months, counted_from: counted_from.store() }
            }
        }
    }

    fn load(stored: RuleV1) -> Result<Self, WireError> {
        Ok(match stored {
            RuleV1::DiesWithRelationship => Self::DiesWithRelationship,
            RuleV1::Kept { basis, months, counted_from } => {
                Self::Kept { basis: Form::load(basis)?, months, counted_from: Form::load(counted_from)? }
            }
            RuleV1::AtMost { basis, months, counted_from } => {
                Self::AtMost { basis: Form::load(basis)?, months, counted_from: Form::load(counted_from)? }
            }
        })
    }
}

pub(crate) const STRUCTURES: &[(&str, Columns)] = &[(
    "RuleV1",
    &[
        ("DiesWithRelationship", "0"),
        ("Kept", "1, then basis: String, months: u16, counted_from: u16"),
        ("AtMost", "2, then basis: String, months: u16, counted_from: u16"),
    ],
)];

pub(crate) const SHAPES: &[Shape] = &[
    Shape { kind: "register.purpose-set", version: 1, facts: PurposeSetV1::FIELDS, parts: &[] },
    Shape { kind: "register.retention-set", version: 1, facts: RetentionSetV1::FIELDS, parts: &[] },
    Shape { kind: "register.residue-days-set", version: 1, facts: ResidueDaysSetV1::FIELDS, parts: &[] },
];

pub(crate) fn write(event: &Event) -> Result<Written, WireError> {
    let (kind, facts) = match event {
        Event::PurposeSet(purpose) => ("register.purpose-set", encode(&purpose.store())?),
        Event::RetentionSet(retention) => ("register.retention-set", encode(&retention.store())?),
        Event::ResidueDaysSet(set) => ("register.residue-days-set", encode(&set.store())?),
    };
    Ok(Written { kind, version: 1, facts, parts: Vec::new() })
}

pub(crate) fn read(kind: &str, version: u16, facts: &[u8], parts: Vec<HeldFields>) -> Result<Option<Event>, WireError> {
    let [] = exactly(parts)?;
    Ok(Some(match (kind, version) {
        ("register.purpose-set", 1) => Event::PurposeSet(Form::load(decode(facts, "register.purpose-set")?)?),
        ("register.retention-set", 1) => Event::RetentionSet(Form::load(decode(facts, "register.retention-set")?)?),
        ("register.residue-days-set", 1) => {
            Event::ResidueDaysSet(Form::load(decode(facts, "register.residue-days-set")?)?)
        }
        _ => return Ok(None),
    }))
}

#[cfg(test)]
mod tests {
    use crate::wire::{self, reads_back};

    #[test]
    fn every_event_reads_back() {
        let days = domain::register::ResidueDays { kind: domain::subject::ResidueKind::OldBackups, days: 90 };
        for event in domain::register::defaults().into_iter().chain([domain::register::Event::ResidueDaysSet(days)]) {
            reads_back(&wire::Event::Register(event));
        }
    }
}
