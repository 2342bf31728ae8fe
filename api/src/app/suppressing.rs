//! The suppression list at the edge: who is asked for before anything is taken in or written to, what is said of it in the log,
//! and what an erasure puts on it.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::id::{CaseId, ContactId, ErasureId, PointId};
use domain::point::Point;
use domain::register::Slug;
use domain::subject::{Rejection, Stage};
use domain::suppression::{Address, DropPlace, Dropped};
use domain::time::Day;
use events::ledger::{EraseError, Failure, Refused};
use parking_lot::Mutex;
use projections::{HeldThing, PointSheet};

use super::App;

/// Why an erasure puts no address on the suppression list.
const WITHHELD: &str =
    "an address of whom this erasure reaches cannot be read now: a retention withholds it, or it was redacted";

/// How often each purpose was dropped since that was last recorded: one record for each question would be a way to fill the log.
pub(crate) type Unrecorded = Arc<Mutex<BTreeMap<Slug, u64>>>;

impl App {
    /// Whether one of these points is suppressed for all direct contact, so that whoever has it is not taken in.
    pub fn suppresses(&self, points: &[Point]) -> bool {
        let suppressed = |address| self.ledger.is_suppressed(&address, None);
        !self.has_no_suppressions() && points.iter().filter_map(Address::of).any(suppressed)
    }

    /// Whether nobody is suppressed.
    pub fn has_no_suppressions(&self) -> bool {
        self.ledger.keyring().suppression().is_empty()
    }

    /// Whether this contact may not be written to at this point for this purpose, whatever consents say. Counted; see
    /// [`App::record_sendings`].
    pub fn drops_sending(&self, contact: ContactId, point: PointId, purpose: &Slug) -> bool {
        if self.has_no_suppressions() {
            return false;
        }
        let address = {
            let views = self.ledger.views();
            let sheet = views.contact(contact).and_then(|contact| contact.sheet);
            let found = sheet.and_then(|sheet| sheet.points().find(|known| known.id == point));
            found.and_then(address_of)
        };
        let drops = address.is_some_and(|address| self.ledger.is_suppressed(&address, Some(purpose)));
        if drops {
            *self.unrecorded.lock().entry(purpose.clone()).or_default() += 1;
        }
        drops
    }

    /// Records that the list turned something away. Durable when it returns; blocks.
    pub fn record_dropped(&self, place: DropPlace, count: u64) -> Result<(), Failure> {
        self.ledger.record_dropped(Dropped { place, purpose: None, count }).map(drop)
    }

    /// Records what was dropped in answer to [`App::drops_sending`], one record for a purpose. What cannot be recorded now
    /// is counted on; a crash loses the count of the last seconds. Blocks.
    pub fn record_sendings(&self) -> Result<(), Failure> {
        if self.ledger.is_closed() {
            return Ok(());
        }
        let counts = std::mem::take(&mut *self.unrecorded.lock());
        let mut failed = None;
        for (purpose, count) in counts {
            let dropped = Dropped { place: DropPlace::Sending, purpose: Some(purpose.clone()), count };
            if let Err(error) = self.ledger.record_dropped(dropped) {
                *self.unrecorded.lock().entry(purpose).or_default() += count;
                failed = Some(error);
            }
        }
        failed.map_or(Ok(()), Err)
    }

    /// Leads the list on with what became of erasures: what a certified one put there stays, what one put there that is
    /// over goes. After a crash too, wherever it came. Blocks.
    pub fn settle_suppressions(&self) -> Result<(), EraseError> {
        let _one = self.erasing.lock();
        self.settle_list()
    }

    /// The same for whoever holds `erasing`, so that no approval is half done.
    pub(super) fn settle_list(&self) -> Result<(), EraseError> {
        let list = self.ledger.keyring().suppression();
        for erasure in list.unsettled().into_keys() {
            let stage = self.ledger.views().erasure(erasure).map(|erasure| erasure.facts.stage);
            let settled = match stage {
                Some(Stage::Approved | Stage::Fenced | Stage::DestructionOrdered) => continue,
                Some(Stage::Certified) => list.keep(erasure),
                // Of a request only the approval puts anything there: it did not come to it.
                Some(Stage::Requested | Stage::Withdrawn | Stage::Refused) | None => list.give_up(erasure),
            };
            settled.map_err(Failure::from)?;
        }
        Ok(())
    }

    /// Puts the addresses of whom an erasure reaches on the list, while they can be read. The caller holds `erasing` and goes
    /// on to the approval.
    pub(super) fn suppress_erased(&self, case: CaseId, erasure: ErasureId, until: Day) -> Result<(), EraseError> {
        let Some(addresses) = self.addresses_of(case, erasure) else {
            return Err(Refused::Rejected(Rejection::SuppressUnread(WITHHELD)).into());
        };
        Ok(self.ledger.suppress(&addresses, &[], until, Some(erasure)).map_err(Failure::from)?)
    }

    /// Every address of the contacts and organizations that an erasure reaches, retired ones too; nothing where one of them is
    /// withheld, by a retention say.
    fn addresses_of(&self, case: CaseId, erasure: ErasureId) -> Option<Vec<Address>> {
        let views = self.ledger.views();
        let people = views.erasure(erasure).and_then(|erasure| erasure.request.map(|request| request.people.clone()));
        let subjects = views.case(case).and_then(|case| case.subject).into_iter().chain(people.unwrap_or_default());
        let mut addresses = Vec::new();
        for held in subjects.filter_map(|subject| views.subject(subject)) {
            for thing in held.compartments.iter().flat_map(|compartment| &compartment.things) {
                match thing {
                    HeldThing::Contact(contact) => {
                        addresses.extend(contact.sheet?.points().filter_map(address_of));
                    }
                    HeldThing::Organization(organization) => {
                        addresses.extend(organization.sheet?.points().filter_map(address_of));
                    }
                    _ => {}
                }
            }
        }
        addresses.sort();
        addresses.dedup();
        Some(addresses)
    }
}

fn address_of(point: PointSheet<'_>) -> Option<Address> {
    Address::of_parts(point.kind, point.value, point.normalized)
}
