//! A controller that leaves, as whoever reads the log sees it: its steps come in their order and from two people, nothing
//! else is changed between approval and end, and nothing follows the end.

use domain::event::Event;
use domain::leaving::{Leave, LeaveStage, OutOfTurn};
use domain::ledger;

use super::Reason;
use crate::record::Record;
use crate::wire;

/// What every step's kind begins with.
const STEP: &str = "log.leave-";
/// What a request may name.
const EXPORTED: &str = "log.exported";
/// Behind a restore it is decided anew.
const CONTINUED: &str = "log.continued";
/// What the log says of itself while its controller leaves, behind a restore too, and who may take the next step.
const WHILE_LEAVING: [&str; 12] = [
    "actor.token-issued",
    "actor.token-revoked",
    "log.clock",
    "log.reopened",
    "log.signer",
    "log.map",
    EXPORTED,
    "log.backed-up",
    "log.keyring",
    CONTINUED,
    "log.erasures",
    "log.nothing-newer",
];
/// What it says behind the order.
const BEHIND_THE_ORDER: [&str; 2] = ["log.clock", "log.signer"];

/// Whether a record of this kind may stand behind what there is, whatever it says.
pub(crate) fn admits(leave: &Leave, kind: &str) -> Result<(), OutOfTurn> {
    let may = match leave.stage {
        LeaveStage::Stays | LeaveStage::Requested { .. } => true,
        LeaveStage::Approved { .. } => kind.starts_with(STEP) || WHILE_LEAVING.contains(&kind),
        LeaveStage::Ordered(_) => kind.starts_with(STEP) || BEHIND_THE_ORDER.contains(&kind),
        LeaveStage::Left { .. } => return Err(OutOfTurn::BehindTheEnd),
    };
    if may { Ok(()) } else { Err(OutOfTurn::Change) }
}

/// Whether a record may be behind the last step with only what is admitted there between: then that step is the last.
pub(crate) fn is_between(kind: &str) -> bool {
    BEHIND_THE_ORDER.contains(&kind)
}

/// Checks a record, and gives what it leads to where it is a step or an export.
pub(super) fn next(leave: &Leave, record: &Record<'_>) -> Result<Option<Leave>, Reason> {
    admits(leave, record.kind)?;
    if record.kind == EXPORTED {
        return Ok(Some(Leave { export: Some(record.position), ..leave.clone() }));
    }
    if record.kind == CONTINUED {
        return Ok(Some(Leave { stage: LeaveStage::Stays, ..leave.clone() }));
    }
    if !record.kind.starts_with(STEP) {
        return Ok(None);
    }
    let Event::Log(event) = wire::read(record.kind, record.version, record.facts, Vec::new())? else { return Ok(None) };
    if let ledger::Event::Leaving(step) = &event {
        leave.allows(record.actor, step)?;
    }
    let mut next = leave.clone();
    next.evolve((record.position, record.recorded_at, record.actor), &event);
    Ok(Some(next))
}
