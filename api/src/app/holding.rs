//! A legal hold's way through the app. Its steps and those of erasures go on one at a time, so that no hold comes between an
//! order and what was asked before it.

use domain::id::{ActorId, CaseId, HoldId, SubjectId};
use domain::subject::{Case, Command, Holding};
use events::ledger::{Accepted, EraseError, Fresh, Refused};

use super::{App, Envelope, intent};

impl App {
    /// Places a hold on what is held about the subject of a case. Durable when it returns; blocks.
    pub fn place_hold(
        &self,
        by: ActorId,
        (case, subject): (CaseId, Option<SubjectId>),
        holding: Holding,
        envelope: Envelope,
    ) -> Result<Accepted, EraseError> {
        let mut fresh = Fresh::new();
        let hold: HoldId =
            fresh.id().map_err(|none| events::ledger::Failure::from(events::keyring::KeyringError::from(none)))?;
        let _one = self.erasing.lock();
        if let Some(subject) = subject.filter(|_| !self.is_repeated(&envelope)) {
            self.ledger.check_hold(subject, &holding.compartments).map_err(Refused::Rejected)?;
        }
        let command = Command::PlaceHold { hold, holding };
        Ok(self.ledger.submit_blocking(&intent::<Case>(by, case.0, command, envelope, fresh)?)?)
    }

    /// Puts a hold in force that another actor placed. Durable when it returns; blocks.
    pub fn approve_hold(
        &self,
        by: ActorId,
        case: CaseId,
        hold: HoldId,
        envelope: Envelope,
    ) -> Result<Accepted, EraseError> {
        let _one = self.erasing.lock();
        if !self.is_repeated(&envelope) {
            let of = self.ledger.owners().hold(hold).map(|(subject, covered)| (subject, covered.to_vec()));
            if let Some((subject, covered)) = of {
                self.ledger.check_hold(subject, &covered).map_err(Refused::Rejected)?;
            }
        }
        let approve = intent::<Case>(by, case.0, Command::ApproveHold { hold }, envelope, Fresh::new())?;
        Ok(self.ledger.submit_blocking(&approve)?)
    }

    /// Asks that a hold be lifted, or lifts one that another actor asked for. What waited for it goes on with the next look
    /// at what is due. Durable when it returns; blocks.
    pub fn lift_hold(
        &self,
        by: ActorId,
        case: CaseId,
        command: Command,
        envelope: Envelope,
    ) -> Result<Accepted, EraseError> {
        let _one = self.erasing.lock();
        let lift = intent::<Case>(by, case.0, command, envelope, Fresh::new())?;
        Ok(self.ledger.submit_blocking(&lift)?)
    }
}
