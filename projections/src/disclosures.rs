//! What was handed out of a subject, to whom, and until when? And which copies does an erasure not reach?
//!
//! When, how much and until when are facts and stay. To whom is part of the drawer and goes with the claims.

use domain::compartment::Compartment;
use domain::id::{ActorId, CaseId, ErasureId, SubjectId};
use domain::subject::{self, Recipient, Stage};
use domain::time::Time;

use crate::erasures::ErasureFacts;
use crate::subjects::Thing;
use crate::views::Views;

/// One disclosure, for ever.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DisclosureFacts {
    /// In which case.
    pub case: CaseId,
    /// What is known of the file.
    pub disclosure: subject::Disclosure,
    /// When it was recorded.
    pub at: Time,
    /// The position of its record.
    pub position: u64,
    /// Who handed it out.
    pub actor: ActorId,
}

/// One disclosure, with what can be read of who got it.
#[derive(Clone, Copy)]
pub struct Disclosure<'a> {
    /// What stays for ever.
    pub facts: &'a DisclosureFacts,
    /// Who got it, while that can be read.
    pub to: Option<&'a Recipient>,
}

impl Views {
    /// What was handed out of a subject, oldest first, while it can be read whose it was.
    pub fn disclosures(&self, subject: SubjectId) -> Vec<Disclosure<'_>> {
        let Some(row) = self.subjects.row(subject) else { return Vec::new() };
        let held = self.subjects.held_in(row, Compartment::Claims);
        let cases = held.filter_map(|thing| if let Thing::Case(row) = thing { Some(row) } else { None });
        cases.flat_map(|row| self.erasures.disclosures(row)).collect()
    }

    /// What was handed out in one case, oldest first.
    pub fn disclosures_in(&self, case: CaseId) -> Vec<Disclosure<'_>> {
        self.erasures.case_row(case).into_iter().flat_map(|row| self.erasures.disclosures(row)).collect()
    }

    /// The copies that an erasure does not reach: what was handed out before its fence, of its case and of the people who go
    /// with it as far as they can be read; oldest first.
    pub fn residues(&self, erasure: ErasureId) -> Vec<Disclosure<'_>> {
        let Some(erasure) = self.erasure(erasure) else { return Vec::new() };
        let people = erasure.request.map_or(&[][..], |request| &request.people);
        let own = self.disclosures_in(erasure.facts.case).into_iter();
        let all = own.chain(people.iter().flat_map(|person| self.disclosures(*person)));
        let fence = fence(erasure.facts);
        let mut residues: Vec<_> = all.filter(|disclosure| disclosure.facts.position < fence).collect();
        residues.sort_by_key(|disclosure| disclosure.facts.position);
        residues
    }
}

/// From where on nothing that dies can be opened any more.
fn fence(erasure: &ErasureFacts) -> u64 {
    let stands = !erasure.keys.is_empty();
    let fence = erasure.steps.iter().rev().find(|step| stands && step.stage == Stage::Fenced);
    fence.map_or(u64::MAX, |step| step.position)
}
