//! A legal hold: while it is in force, nothing that it covers is destroyed (Art. 17(3)(e) and 18(1)(c) GDPR). Two people put
//! it in force and two people lift it.

use super::{Case, Erasure, Event, Rejection, Stage};
use crate::aggregate::Circumstances;
use crate::compartment::Compartment;
use crate::id::{ActorId, HoldId};
use crate::limits::HOLD_COMPARTMENTS;
use crate::personal::Held;
use crate::time::Day;
use crate::value::Text;

/// How far a hold is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum HoldStage {
    /// Placed; it keeps nothing before a second person agrees.
    Placed,
    /// It keeps what it covers.
    InForce,
    /// Somebody asks that it be lifted; until a second person agrees, it keeps what it covers.
    LiftRequested,
    /// It keeps nothing any more.
    Lifted,
}

impl HoldStage {
    /// All of them, in their order.
    pub const ALL: [Self; 4] = [Self::Placed, Self::InForce, Self::LiftRequested, Self::Lifted];

    /// Whether it keeps what it covers.
    pub fn is_in_force(self) -> bool {
        matches!(self, Self::InForce | Self::LiftRequested)
    }

    /// The word for sentences.
    pub fn words(self) -> &'static str {
        match self {
            Self::Placed => "placed and not approved",
            Self::InForce => "in force",
            Self::LiftRequested => "in force and asked to be lifted",
            Self::Lifted => "lifted",
        }
    }
}

/// One hold, as far as it has come.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hold {
    /// Its id.
    pub id: HoldId,
    /// How far it is.
    pub stage: HoldStage,
    /// What it covers, sorted; everything where none is named.
    pub compartments: Vec<Compartment>,
    /// The day by which somebody looks whether it is still needed.
    pub review_on: Day,
    /// Who placed it.
    pub by: ActorId,
    /// Who asked that it be lifted.
    pub lift_by: Option<ActorId>,
}

/// Whether a hold on these compartments (on all, without any) covers one. What it is for is sealed under claims, so claims
/// are always kept with it.
pub fn covers(compartments: &[Compartment], compartment: Compartment) -> bool {
    compartments.is_empty() || compartment == Compartment::Claims || compartments.contains(&compartment)
}

/// What a hold is placed with.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Holding {
    /// What it covers; everything where none is named.
    pub compartments: Vec<Compartment>,
    /// The day by which somebody looks whether it is still needed.
    pub review_on: Day,
    /// What the data is needed for.
    pub matter: Text,
}

pub(super) fn place(case: &Case, hold: HoldId, holding: &Holding, when: &Circumstances) -> Result<Event, Rejection> {
    let subject = super::decide::subject(case).map_err(|no| match no {
        Rejection::Withheld => Rejection::NoMatterNow,
        no => no,
    })?;
    if case.holds.iter().any(|earlier| earlier.id == hold) {
        return Err(Rejection::HoldIdUsed(hold));
    }
    if holding.review_on <= when.now.day() {
        return Err(Rejection::ReviewOver(holding.review_on));
    }
    let compartments = super::decide::sorted(&holding.compartments);
    if compartments.len() > HOLD_COMPARTMENTS {
        return Err(Rejection::TooManyHeld(HOLD_COMPARTMENTS));
    }
    in_time(case, &compartments)?;
    let matter = Held::new(subject, Compartment::Claims, holding.matter.clone());
    Ok(Event::HoldPlaced { hold, compartments, review_on: holding.review_on, by: when.actor, matter })
}

/// A second person agrees to a hold. Where a lift was asked for, anybody says that the hold stays after all: one person is
/// enough to keep what two put in force, or else whoever asked by mistake could only wait for somebody to agree.
pub(super) fn approve(case: &Case, id: HoldId, when: &Circumstances) -> Result<Event, Rejection> {
    let stages = [HoldStage::Placed, HoldStage::LiftRequested];
    let hold = find(case, id, &stages, "placed and not approved, or asked to be lifted", "approved")?;
    if hold.stage == HoldStage::LiftRequested {
        return Ok(Event::HoldApproved { hold: id });
    }
    if hold.by == when.actor {
        return Err(Rejection::ApprovingOwnHold);
    }
    in_time(case, &hold.compartments)?;
    // The claims are gone, and with them the matter and whose it is: such a hold would be in force and keep nothing.
    match super::decide::subject(case) {
        Err(Rejection::Erased) => Err(Rejection::Erased),
        _ => Ok(Event::HoldApproved { hold: id }),
    }
}

/// What was never in force kept nothing, so one person is enough to take it back.
pub(super) fn lift(case: &Case, id: HoldId, when: &Circumstances) -> Result<Event, Rejection> {
    let found = find(case, id, &[HoldStage::Placed, HoldStage::InForce], "not asked to be lifted yet", "lifted")?;
    Ok(match found.stage {
        HoldStage::Placed => Event::HoldLifted { hold: id },
        _ => Event::HoldLiftRequested { hold: id, by: when.actor },
    })
}

pub(super) fn approve_lift(case: &Case, id: HoldId, when: &Circumstances) -> Result<Event, Rejection> {
    let hold = find(case, id, &[HoldStage::LiftRequested], "asked to be lifted", "lifted by a second person")?;
    if hold.lift_by == Some(when.actor) {
        return Err(Rejection::ApprovingOwnLift);
    }
    Ok(Event::HoldLifted { hold: id })
}

/// The hold in force that covers one of these compartments.
pub(super) fn keeping<'a>(case: &'a Case, compartments: &[Compartment]) -> Option<&'a Hold> {
    let covers = |hold: &&Hold| compartments.iter().any(|compartment| covers(&hold.compartments, *compartment));
    case.holds.iter().filter(|hold| hold.stage.is_in_force()).find(covers)
}

/// No way leads back from an order of destruction. What an earlier erasure left can be held; what it took, cannot.
fn in_time(case: &Case, compartments: &[Compartment]) -> Result<(), Rejection> {
    let wanted = |erasure: &&Erasure, compartment: &Compartment| match erasure.stage {
        Stage::DestructionOrdered => covers(compartments, *compartment),
        Stage::Certified => !compartments.is_empty() && covers(compartments, *compartment),
        _ => false,
    };
    let taken = |erasure: &&Erasure| erasure.compartments.iter().any(|compartment| wanted(erasure, compartment));
    case.erasures.iter().find(taken).map_or(Ok(()), |erasure| Err(Rejection::HoldTooLate(erasure.id)))
}

fn find<'a>(
    case: &'a Case,
    id: HoldId,
    stages: &[HoldStage],
    wanted: &'static str,
    act: &'static str,
) -> Result<&'a Hold, Rejection> {
    let found = case.holds.iter().find(|hold| hold.id == id).ok_or(Rejection::NoSuchHold(id))?;
    if !stages.contains(&found.stage) {
        return Err(Rejection::HoldOutOfOrder { stage: found.stage, wanted, act });
    }
    Ok(found)
}

#[cfg(test)]
mod tests;
