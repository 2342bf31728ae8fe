//! What an erasure does not reach, until nothing of it is left: behind the last residue stands the final certificate.

use std::collections::BTreeSet;

use domain::id::{ActorId, CaseId, ErasureId, KeyId, RegisterId};
use domain::register::{self, Register, ResidueDays};
use domain::subject::{Case, Command, Rejection, Residue, ResidueEnd, ResidueKind, Stage};
use domain::time::{Day, Time};
use events::ledger::{Accepted, EraseError, Fresh, Refused};
use projections::{ErasureFacts, ResidueFacts};

use super::{App, Envelope, intent};

impl App {
    /// Names more that a certified erasure does not reach. Durable when it returns; blocks.
    pub fn name_residues(
        &self,
        by: ActorId,
        (case, erasure): (CaseId, ErasureId),
        residues: Vec<Residue>,
        envelope: Envelope,
    ) -> Result<Accepted, EraseError> {
        // What was over before the destruction holds nothing that it took.
        let early =
            |since| residues.iter().filter_map(|it| it.until).find(|until| *until < since).map(|on| (on, since));
        if let Some((on, since)) = self.certified_on(erasure).and_then(early).filter(|_| !self.is_repeated(&envelope)) {
            return Err(Refused::Rejected(Rejection::EarlyEnd { on, since }).into());
        }
        let command = Command::NameResidues { erasure, residues };
        Ok(self.ledger.submit_blocking(&intent::<Case>(by, case.0, command, envelope, Fresh::new())?)?)
    }

    /// Closes a residue, on somebody's word. Durable when it returns; blocks.
    pub fn close_residue(
        &self,
        by: ActorId,
        (case, erasure): (CaseId, ErasureId),
        (number, end, on): (u16, ResidueEnd, Day),
        envelope: Envelope,
    ) -> Result<Accepted, EraseError> {
        if let Some(since) = self.residue_since(erasure, number).filter(|since| on < *since) {
            return Err(Refused::Rejected(Rejection::EarlyEnd { on, since }).into());
        }
        let command = Command::CloseResidue { erasure, number, end, on };
        Ok(self.ledger.submit_blocking(&intent::<Case>(by, case.0, command, envelope, Fresh::new())?)?)
    }

    /// Since when there is this residue: what was handed out, since then; all else, since the keys were destroyed.
    fn residue_since(&self, erasure: ErasureId, number: u16) -> Option<Day> {
        let handed_out = {
            let views = self.ledger.views();
            let at = usize::from(number).checked_sub(1)?;
            let disclosure = views.erasure(erasure)?.facts.residues.get(at)?.residue.disclosure;
            let all = views.residues(erasure);
            let handed_out = all.iter().find(|it| Some(it.facts.disclosure.id) == disclosure);
            handed_out.map(|it| it.facts.at.day().min(self.now().day()))
        };
        handed_out.or_else(|| self.certified_on(erasure))
    }

    /// Says for how many days copies outside the ledger are kept. Durable when it returns; blocks.
    pub fn set_residue_days(
        &self,
        by: ActorId,
        id: RegisterId,
        set: ResidueDays,
        envelope: Envelope,
    ) -> Result<Accepted, Refused<register::Rejection>> {
        let command = register::Command::SetResidueDays(set);
        self.ledger.submit_blocking(&intent::<Register>(by, id.0, command, envelope, Fresh::new())?)
    }

    /// Closes every residue whose last day is over, by the ledger's clock, as far as the ledger saw that time pass: what is
    /// final stays final. It destroys nothing. Says how many that were. Blocks.
    pub fn close_due_residues(&self) -> Result<usize, EraseError> {
        let is_over = |it: &ResidueFacts| {
            let today = self.ledger.clock().waited(it.named.at).day();
            it.closed.is_none() && it.residue.until.is_some_and(|until| until < today)
        };
        self.close_residues(|erasure| {
            erasure.residues.iter().any(|it| is_over(it) && ResidueEnd::RanOut.fits(it.residue.kind))
        })
    }

    /// Closes what is overwritten: of these keys, or of all where none are named. Blocks.
    pub fn close_swept_residues(&self, keys: &[KeyId]) -> Result<usize, EraseError> {
        let of_keys: BTreeSet<ErasureId> = {
            let views = self.ledger.views();
            keys.iter().filter_map(|key| views.erasure_of_key(*key)).map(|erasure| erasure.facts.id).collect()
        };
        let is_asked = |erasure: &ErasureFacts| keys.is_empty() || of_keys.contains(&erasure.id);
        let waits = |it: &ResidueFacts| it.closed.is_none() && it.residue.kind == ResidueKind::SealedParts;
        self.close_residues(|erasure| is_asked(erasure) && erasure.residues.iter().any(waits))
    }

    fn close_residues(&self, wanted: impl Fn(&ErasureFacts) -> bool) -> Result<usize, EraseError> {
        let due: Vec<(CaseId, ErasureId, ActorId, Vec<Time>)> = {
            let views = self.ledger.views();
            let due = views.provisional().filter(|erasure| wanted(erasure));
            let named = |erasure: &ErasureFacts| erasure.residues.iter().map(|it| it.named.at).collect();
            due.filter_map(|erasure| Some((erasure.case, erasure.id, certifier(erasure)?, named(erasure)))).collect()
        };
        let mut closed = 0;
        for (case, erasure, by, named) in due {
            closed += self.ledger.close_residues(case, erasure, by, &named)?;
        }
        Ok(closed)
    }
}

/// In whose name the certificate was written: its end is written in the same.
fn certifier(erasure: &ErasureFacts) -> Option<ActorId> {
    erasure.steps.iter().rev().find(|step| step.stage == Stage::Certified).map(|step| step.actor)
}
