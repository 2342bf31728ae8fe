//! Where the certificate of an erasure goes, and that it went there.

use domain::id::{ActorId, CaseId, ErasureId};
use domain::subject::{Case, Command, Rejection, Stage};
use domain::time::Day;
use domain::value::Text;
use events::ledger::{Accepted, EraseError, Fresh, Refused};

use super::{App, Envelope, intent};

impl App {
    /// Says where the certificate goes. Durable when it returns; blocks.
    pub fn give_delivery_address(
        &self,
        by: ActorId,
        (case, erasure): (CaseId, ErasureId),
        address: Text,
        envelope: Envelope,
    ) -> Result<Accepted, EraseError> {
        // No fence comes between the look at what is open and the address.
        let _one = self.erasing.lock();
        let command = Command::GiveDeliveryAddress { erasure, address };
        Ok(self.ledger.submit_blocking(&intent::<Case>(by, case.0, command, envelope, Fresh::new())?)?)
    }

    /// The address that was given with a request: not given again where it stands already. Blocks.
    pub fn give_address_once(&self, by: ActorId, of: (CaseId, ErasureId), address: Text) -> Result<(), EraseError> {
        let given = self.ledger.views().erasure(of.1).is_some_and(|erasure| erasure.facts.address_given.is_some());
        if !given {
            self.give_delivery_address(by, of, address, Envelope::default())?;
        }
        Ok(())
    }

    /// Records that the certificate goes to its address, and then returns the address. Durable when it returns; blocks.
    pub fn deliver_certificate(
        &self,
        by: ActorId,
        (case, erasure): (CaseId, ErasureId),
        on: Day,
        envelope: Envelope,
    ) -> Result<(Accepted, Text), EraseError> {
        let address = self.ledger.views().erasure(erasure).and_then(|erasure| erasure.address.cloned());
        let address = address.ok_or(Refused::Rejected(Rejection::NoAddress))?;
        if let Some(certified) = self.certified_on(erasure).filter(|certified| on < *certified) {
            return Err(Refused::Rejected(Rejection::EarlyDelivery { on, certified }).into());
        }
        let command = Command::RecordDelivery { erasure, on };
        let recorded = self.ledger.submit_blocking(&intent::<Case>(by, case.0, command, envelope, Fresh::new())?)?;
        Ok((recorded, address))
    }

    /// The day of the certificate; today at the latest, also where the log says a later one.
    pub(super) fn certified_on(&self, erasure: ErasureId) -> Option<Day> {
        let views = self.ledger.views();
        let erasure = views.erasure(erasure)?;
        let certified = erasure.facts.steps.iter().rev().find(|step| step.stage == Stage::Certified)?;
        Some(certified.at.day().min(self.now().day()))
    }
}
