//! Which legal holds are there, how far is each, and when does somebody look at it again?
//!
//! Days, compartments and people who approve are facts and stay. What a hold is for is part of the drawer and goes with the
//! claims.

use std::collections::{BTreeMap, BTreeSet};

use domain::compartment::Compartment;
use domain::event::Place;
use domain::id::{ActorId, CaseId, ErasureId, HoldId, SubjectId};
use domain::subject::{Event, HoldStage, Stage, covers};
use domain::time::{Day, Time};
use domain::value::Text;

use crate::digest::Digest;
use crate::erasures::ErasureFacts;
use crate::page::{Cursor, CursorGone, Cut, Page};
use crate::subjects::Thing;
use crate::views::Views;

/// One hold, for ever.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HoldFacts {
    /// Its id.
    pub id: HoldId,
    /// In which case.
    pub case: CaseId,
    /// How far it is.
    pub stage: HoldStage,
    /// What it covers, in their order; everything where none is named, and claims always.
    pub compartments: Vec<Compartment>,
    /// The day by which somebody looks whether it is still needed.
    pub review_on: Day,
    /// Every step with its time, position and actor, oldest first.
    pub steps: Vec<HoldStep>,
}

/// One step of a hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct HoldStep {
    /// What it led to.
    pub stage: HoldStage,
    /// When it was recorded.
    pub at: Time,
    /// The position of its record.
    pub position: u64,
    /// Who took it.
    pub actor: ActorId,
}

/// One hold, with what can be read of what it is for.
#[derive(Clone, Copy)]
pub struct Hold<'a> {
    /// What stays for ever.
    pub facts: &'a HoldFacts,
    /// What the data is needed for, while that can be read.
    pub matter: Option<&'a Text>,
}

impl Hold<'_> {
    /// Its place in the list.
    pub fn cursor(&self) -> Cursor {
        let placed = self.facts.steps.first();
        let (position, at) = placed.map_or((0, Time(0)), |step| (step.position, step.at));
        Cursor { id: self.facts.id.0, position, at }
    }
}

/// The facts of all holds, and their order by the day they are looked at again.
#[derive(Default)]
pub(crate) struct Holds {
    holds: BTreeMap<HoldId, HoldFacts>,
    by_case: BTreeMap<CaseId, Vec<HoldId>>,
    by_review: BTreeSet<(Day, HoldId)>,
}

impl Holds {
    pub fn get(&self, id: HoldId) -> Option<&HoldFacts> {
        self.holds.get(&id)
    }

    /// Takes a record's facts.
    pub fn follow(&mut self, place: &Place, event: &Event) {
        let case = CaseId(place.stream.id);
        if let Event::HoldPlaced { hold: id, compartments, review_on, .. } = event {
            let (compartments, stage, steps) = (compartments.clone(), HoldStage::Placed, Vec::new());
            self.by_review.insert((*review_on, *id));
            self.by_case.entry(case).or_default().push(*id);
            self.holds.insert(*id, HoldFacts { id: *id, case, stage, compartments, review_on: *review_on, steps });
        }
        let (hold, stage) = match event {
            Event::HoldPlaced { hold, .. } => (hold, HoldStage::Placed),
            Event::HoldApproved { hold } => (hold, HoldStage::InForce),
            Event::HoldLiftRequested { hold, .. } => (hold, HoldStage::LiftRequested),
            Event::HoldLifted { hold } => (hold, HoldStage::Lifted),
            _ => return,
        };
        if let Some(facts) = self.holds.get_mut(hold) {
            let Place { position, recorded_at: at, actor, .. } = *place;
            facts.stage = stage;
            facts.steps.push(HoldStep { stage, at, position, actor });
        }
    }

    pub fn write_digest(&self, out: &mut Digest<'_>) {
        out.facts(&(&self.holds, &self.by_case, &self.by_review));
    }

    fn of_case(&self, case: CaseId) -> impl Iterator<Item = HoldId> {
        self.by_case.get(&case).into_iter().flatten().copied()
    }
}

impl Views {
    /// One hold.
    pub fn hold(&self, id: HoldId) -> Option<Hold<'_>> {
        self.erasures.hold(id)
    }

    /// The holds of one case, oldest first.
    pub fn holds_in(&self, case: CaseId) -> Vec<Hold<'_>> {
        self.erasures.holds().of_case(case).filter_map(|id| self.hold(id)).collect()
    }

    /// The holds on what is held about a subject, oldest first, while it can be read whose they are.
    pub fn holds_of(&self, subject: SubjectId) -> Vec<Hold<'_>> {
        let Some(row) = self.subjects.row(subject) else { return Vec::new() };
        let held = self.subjects.held_in(row, Compartment::Claims);
        let cases = held.filter_map(|thing| if let Thing::Case(row) = thing { Some(row) } else { None });
        let cases = cases.filter_map(|row| self.erasures.case(row, &self.subjects));
        cases.flat_map(|case| self.holds_in(case.id)).collect()
    }

    /// The holds in force that stop an erasure, or would stop it: those of its case and those of the people who go with it,
    /// as far as they can be read. Before the fence any will do; behind it, one that covers what is closed.
    pub fn stopping(&self, erasure: ErasureId) -> Vec<Hold<'_>> {
        let Some(erasure) = self.erasure(erasure) else { return Vec::new() };
        if !erasure.facts.stage.is_open() {
            return Vec::new();
        }
        let people = erasure.request.map_or(&[][..], |request| &request.people);
        let own = self.holds_in(erasure.facts.case).into_iter();
        let all = own.chain(people.iter().flat_map(|person| self.holds_of(*person)));
        let closed = &erasure.facts.compartments;
        let stops = |hold: &Hold<'_>| {
            let covered = closed.iter().any(|compartment| covers(&hold.facts.compartments, *compartment));
            hold.facts.stage.is_in_force() && (closed.is_empty() || covered)
        };
        all.filter(stops).collect()
    }

    /// Whether a backup was put back since an erasure was approved or fenced. What was decided between the backup and that is
    /// gone: that it be withdrawn, or a hold.
    pub fn restored_since(&self, decided: &ErasureFacts) -> bool {
        let last = decided.steps.last().filter(|_| matches!(decided.stage, Stage::Approved | Stage::Fenced));
        last.zip(self.continued).is_some_and(|(step, continued)| step.position < continued)
    }

    /// A part of the holds at any of these stages (all, without any), the one to be looked at first at the front.
    pub fn holds(&self, stages: &[HoldStage], cut: &Cut) -> Result<Page<Hold<'_>>, CursorGone> {
        let holds = self.erasures.holds();
        let (_, cursor, forward) = cut.parts();
        let place = |cursor: Cursor| {
            let facts = holds.get(HoldId(cursor.id)).ok_or(CursorGone)?;
            Ok((facts.review_on, facts.id))
        };
        let place = cursor.map(place).transpose()?;
        let is_asked = |(_, id): &&(Day, HoldId)| {
            stages.is_empty() || holds.get(*id).is_some_and(|facts| stages.contains(&facts.stage))
        };
        use std::ops::Bound::{Excluded, Unbounded};
        let place = place.map_or(Unbounded, Excluded);
        let ids = if forward {
            cut.take(holds.by_review.range((place, Unbounded)).filter(is_asked))
        } else {
            cut.take(holds.by_review.range((Unbounded, place)).rev().filter(is_asked))
        };
        Ok(ids.filter_map(|(_, id)| self.hold(*id)))
    }
}
