//! Stored forms of a controller's way out: facts of the log's own.

use domain::leaving::{LeaveOrder, Leaving};
use domain::time::Time;

use super::values::{Form, mirror};
use super::{Shape, WireError};
use crate::codec::{decode, encode};

facts! { LeaveRequestedV1 { reason: u16, export: Option<u64> } }
facts! { LeaveApprovedV1 { from: i64 } }
facts! { LeaveWithdrawnV1 {} }
facts! { LeaveCertifiedV1 { epoch: u64, level: u16 } }
mirror! { facts LeaveOrderedV1 = LeaveOrder { keys: u64, epoch: u64, level: u16, members: Vec<String> } }

pub(super) const REQUESTED: Shape =
    Shape { kind: "log.leave-requested", version: 1, facts: LeaveRequestedV1::FIELDS, parts: &[] };
pub(super) const APPROVED: Shape =
    Shape { kind: "log.leave-approved", version: 1, facts: LeaveApprovedV1::FIELDS, parts: &[] };
pub(super) const WITHDRAWN: Shape =
    Shape { kind: "log.leave-withdrawn", version: 1, facts: LeaveWithdrawnV1::FIELDS, parts: &[] };
pub(super) const ORDERED: Shape =
    Shape { kind: "log.leave-ordered", version: 1, facts: LeaveOrderedV1::FIELDS, parts: &[] };
pub(super) const CERTIFIED: Shape =
    Shape { kind: "log.leave-certified", version: 1, facts: LeaveCertifiedV1::FIELDS, parts: &[] };

pub(super) fn write(step: &Leaving) -> Result<(&'static str, Vec<u8>), WireError> {
    Ok(match step {
        Leaving::Requested { reason, export } => {
            (REQUESTED.kind, encode(&LeaveRequestedV1 { reason: reason.store(), export: *export })?)
        }
        Leaving::Approved { from } => (APPROVED.kind, encode(&LeaveApprovedV1 { from: from.0 })?),
        Leaving::Withdrawn => (WITHDRAWN.kind, encode(&LeaveWithdrawnV1 {})?),
        Leaving::Ordered(order) => (ORDERED.kind, encode(&order.store())?),
        Leaving::Certified { epoch, level } => {
            (CERTIFIED.kind, encode(&LeaveCertifiedV1 { epoch: *epoch, level: level.store() })?)
        }
    })
}

pub(super) fn read(kind: &str, facts: &[u8]) -> Result<Option<Leaving>, WireError> {
    Ok(Some(match kind {
        "log.leave-requested" => {
            let LeaveRequestedV1 { reason, export } = decode(facts, "facts")?;
            Leaving::Requested { reason: Form::load(reason)?, export }
        }
        "log.leave-approved" => {
            let LeaveApprovedV1 { from } = decode(facts, "facts")?;
            Leaving::Approved { from: Time(from) }
        }
        "log.leave-withdrawn" => {
            let LeaveWithdrawnV1 {} = decode(facts, "facts")?;
            Leaving::Withdrawn
        }
        "log.leave-ordered" => Leaving::Ordered(Form::load(decode(facts, "facts")?)?),
        "log.leave-certified" => {
            let LeaveCertifiedV1 { epoch, level } = decode(facts, "facts")?;
            Leaving::Certified { epoch, level: Form::load(level)? }
        }
        _ => return Ok(None),
    }))
}

#[cfg(test)]
mod tests {
    use domain::leaving::LeaveReason;
    use domain::ledger;
    use domain::subject::AnchorLevel;

    use super::*;
    use crate::wire::{self, reads_back};

    #[test]
    fn every_step_reads_back() {
        let members = vec!["file 00".into(), "pkcs11 maker model 1".into()];
        for step in [
            Leaving::Requested { reason: LeaveReason::ContractOver, export: Some(7) },
            Leaving::Requested { reason: LeaveReason::TrialOver, export: None },
            Leaving::Approved { from: Time(5) },
            Leaving::Withdrawn,
            Leaving::Ordered(LeaveOrder { keys: 3, epoch: 1, level: AnchorLevel::A3, members }),
            Leaving::Certified { epoch: 1, level: AnchorLevel::A0 },
        ] {
            reads_back(&wire::Event::Log(ledger::Event::Leaving(step)));
        }
    }
}
