//! A controller's way out through the app. Its steps and those of erasures and holds go on one at a time.

use domain::compartment::Compartment;
use domain::id::ActorId;
use domain::leaving::{Command, LeaveReason};
use events::ledger::{Appended, LeaveError};

use super::App;

impl App {
    /// Asks, in somebody's name, that every key be destroyed. Durable when it returns; blocks.
    pub fn request_leave(
        &self,
        by: ActorId,
        reason: LeaveReason,
        returned_otherwise: bool,
    ) -> Result<Appended, LeaveError> {
        let _one = self.erasing.lock();
        self.ledger.leave(&Command::Request { reason, returned_otherwise }, by)
    }

    /// Agrees, in somebody else's. From then on the ledger takes no changes. Durable when it returns; blocks.
    pub fn approve_leave(&self, by: ActorId) -> Result<Appended, LeaveError> {
        let _one = self.erasing.lock();
        // Proofs of consent, claims and vouchers die with the rest.
        let wait_ms = self.wait().ms(&[Compartment::Claims]);
        self.ledger.leave(&Command::Approve { wait_ms }, by)
    }

    /// Takes it back. Durable when it returns; blocks.
    pub fn withdraw_leave(&self, by: ActorId) -> Result<Appended, LeaveError> {
        let _one = self.erasing.lock();
        self.ledger.leave(&Command::Withdraw, by)
    }

    /// Has every key destroyed, and certifies it by the last record. The ledger has stopped when it returns; blocks.
    pub fn order_leave(&self, by: ActorId) -> Result<Appended, LeaveError> {
        let _one = self.erasing.lock();
        self.ledger.order_leave(by)
    }
}
