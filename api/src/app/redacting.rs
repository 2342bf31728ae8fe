//! A redaction's way through the app.

use domain::id::{ActorId, CaseId, ErasureId};
use events::ledger::{Accepted, EraseError};

use super::{App, Envelope};

impl App {
    /// Carries out a redaction that another actor asked for. Durable and certified when it returns; the old parts are
    /// overwritten behind it. Blocks.
    pub fn approve_redaction(
        &self,
        by: ActorId,
        case: CaseId,
        redaction: ErasureId,
        envelope: Envelope,
    ) -> Result<Accepted, EraseError> {
        let register = self.register_id()?;
        let _one = self.erasing.lock();
        let Envelope { command_id, expected_revision, .. } = envelope;
        let accepted = self.ledger.redact(register, (case, redaction), by, command_id, expected_revision)?;
        let keys = self.ledger.views().redaction(redaction).map(|found| found.facts.keys.clone());
        self.sweep(keys.unwrap_or_default());
        Ok(accepted)
    }
}
