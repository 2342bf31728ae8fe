//! A retention that is over: fenced by what the register and our clock say, and destroyed only when somebody else says so too.
//! Local time alone destroys nothing.

use super::decide::{fence, find, sorted};
use super::{
    Asked, AskedHow, Case, Closing, CoolingOff, Erasure, Event, Ground, IdentityCheck, OutsideSource, Rejection, Stage,
    SubjectKind, Survivor, hold,
};
use crate::aggregate::Circumstances;
use crate::compartment::Compartment;
use crate::id::{ActorId, ErasureId, KeyId, SubjectId};
use crate::personal::Held;
use crate::time::{Day, Time};
use crate::value::Line;

/// How far a time from outside may be from ours, in milliseconds: a day.
pub const FRESH_MS: i64 = Time::DAY_MS;

/// What is over of one subject.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Over {
    /// A new id.
    pub erasure: ErasureId,
    /// Whose.
    pub subject: SubjectId,
    /// What the subject is, where it has no case yet.
    pub kind: SubjectKind,
    /// The compartments, why they end and their last days.
    pub over: Vec<Survivor>,
    /// The fingerprints of their keys.
    pub keys: Vec<KeyId>,
    /// The compartments whose keys stay.
    pub stays: Vec<Compartment>,
    /// What decides how long it waits.
    pub wait: CoolingOff,
}

/// Who says, beside our clock, that a retention is over.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Confirmed {
    /// A second person: whoever gave the command.
    Person,
    /// A time from outside.
    Outside(OutsideTime),
}

impl Confirmed {
    /// Whether it rests on the person who gives the command: their own word, or that an authority is one to trust, which
    /// anybody can make one of. The server itself gives the word of those that its settings name.
    pub fn is_persons_word(&self) -> bool {
        match self {
            Self::Person => true,
            Self::Outside(outside) => outside.source == OutsideSource::Authority,
        }
    }
}

/// A time that somebody outside claims for a checkpoint of this log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OutsideTime {
    /// What it is.
    pub source: OutsideSource,
    /// The time.
    pub at: Time,
    /// The name of the witness or authority.
    pub by: Line,
    /// How many records the checkpoint covers.
    pub size: u64,
}

/// Fences what is over. A fence of retention closes only the buckets it names; what outlives it goes on.
pub(super) fn fence_over(case: &Case, over: &Over, when: &Circumstances) -> Result<Vec<Event>, Rejection> {
    if case.erasures.iter().any(|earlier| earlier.id == over.erasure) {
        return Err(Rejection::ErasureIdUsed(over.erasure));
    }
    let mut ends = over.over.clone();
    ends.sort_by_key(|end| end.compartment);
    is_over(&ends, when.now)?;
    let closed: Vec<Compartment> = ends.iter().map(|end| end.compartment).collect();
    if let Some(hold) = hold::keeping(case, &closed) {
        return Err(Rejection::OnHold { hold: hold.id, review_on: hold.review_on });
    }
    let is_new = !case.owner.is_known();
    let subject = Held::new(over.subject, Compartment::Claims, ());
    let opened = is_new.then_some(Event::Opened { kind: over.kind, subject });
    let stays = kept_under(over, is_new);
    let fenced = fence(over.erasure, &[Closing { subject: over.subject, closed: closed.clone(), stays }], &over.keys)?;
    let wait_ms = over.wait.ms(&closed);
    let erasure = over.erasure;
    let set = Event::CoolingOffSet { erasure, until: when.now.plus_ms(wait_ms) };
    let begun = Event::RetentionOver { erasure, by: when.actor, on: when.now.day(), over: ends };
    Ok(opened.into_iter().chain([begun, fenced]).chain((wait_ms > 0).then_some(set)).collect())
}

/// What is closed is sealed under one key that stays, so that the record shows as few keys of one person as it can: under
/// claims, with which the case stands; where these end too, under each that stays.
fn kept_under(over: &Over, is_new: bool) -> Vec<Compartment> {
    match is_new || over.stays.contains(&Compartment::Claims) {
        true => vec![Compartment::Claims],
        false => sorted(&over.stays),
    }
}

/// A second person, or a time from outside that is less than a day from ours and past the last day too.
pub(super) fn confirm(
    case: &Case,
    erasure: ErasureId,
    confirmed: &Confirmed,
    when: &Circumstances,
) -> Result<Vec<Event>, Rejection> {
    let known = case.erasures.iter().find(|found| found.id == erasure);
    let known = known.ok_or(Rejection::NoSuchErasure(erasure))?;
    if !known.is_retention() {
        return Err(Rejection::NotARetention(erasure));
    }
    if known.confirmed.is_some() && known.stage != Stage::Withdrawn {
        return Ok(vec![]);
    }
    let found = find(case, erasure, &[Stage::Fenced], "fenced", "confirmed")?;
    is_over(&found.over, when.now)?;
    if confirmed.is_persons_word() && found.by == when.actor {
        return Err(Rejection::ConfirmingOwnRun);
    }
    match confirmed {
        Confirmed::Person => {}
        Confirmed::Outside(outside) if !outside.is_fresh(when.now) => {
            return Err(Rejection::StaleTime { at: outside.at });
        }
        Confirmed::Outside(outside) => is_over(&found.over, outside.at)?,
    }
    Ok(vec![Event::RetentionConfirmed { erasure, confirmed: confirmed.clone() }])
}

impl OutsideTime {
    /// Whether it is less than a day from this time, before or behind.
    pub fn is_fresh(&self, now: Time) -> bool {
        self.at.0.abs_diff(now.0) < FRESH_MS.unsigned_abs()
    }
}

/// A retention as it begins: as an erasure that nobody asked for.
pub(super) fn begun(id: ErasureId, by: ActorId, on: Day, over: &[Survivor]) -> Erasure {
    Erasure {
        id,
        stage: Stage::Approved,
        asked: asked(on),
        by,
        due: on.plus_months(1),
        people: Ok(vec![]),
        keys: vec![],
        compartments: vec![],
        cooling_off: None,
        epoch_before: None,
        over: over.to_vec(),
        confirmed: None,
        residues: vec![],
        residues_named: false,
        is_final: false,
    }
}

/// How a retention stands in the register of erasures.
pub fn asked(on: Day) -> Asked {
    let (how, identity) = (AskedHow::OwnReview, IdentityCheck::NotNeeded);
    Asked { ground: Ground::RetentionOver, how, on, identity, identity_on: on }
}

fn is_over(ends: &[Survivor], at: Time) -> Result<(), Rejection> {
    let early = ends.iter().find(|end| end.until >= at.day());
    early.map_or(Ok(()), |end| Err(Rejection::NotOver { compartment: end.compartment, until: end.until }))
}

#[cfg(test)]
mod tests;
