//! Who was erased and comes back: the mark of their code on the request, and the link from who they are now.

use domain::event::Event;
use domain::id::{ActorId, CaseId, CommandId, ErasureId};
use domain::subject::{self, Case, ClaimMark, Command, OldErasure, Rejection, Stage};
use events::claim::ClaimCode;
use events::keyring::KeyringError;
use events::ledger::{Accepted, EraseError, Failure, Fresh, Refused};
use events::log::Log as _;
use events::record::Record;
use replay::verify::facts;

use super::{App, Envelope, intent};

impl App {
    /// Whether a code of this hash was given out for another erasure than this.
    pub fn is_claim_of_another(&self, mark: ClaimMark, erasure: Option<ErasureId>) -> bool {
        self.ledger.views().erasure_of_claim(mark).is_some_and(|found| Some(found.facts.id) != erasure)
    }

    /// Marks a request that was just written down: with the hash that came with it, or with that of a code that is drawn here
    /// and returned. A retry finds the mark and gets no code: it was in the answer to the first, and nowhere else. Blocks.
    pub fn mark_request(
        &self,
        by: ActorId,
        (case, erasure): (CaseId, ErasureId),
        hash: Option<ClaimMark>,
    ) -> Result<Option<ClaimCode>, EraseError> {
        let _one = self.erasing.lock();
        let marked = self.ledger.views().erasure(erasure).and_then(|found| found.facts.claim);
        match (marked.map(|(mark, _)| mark), hash) {
            (Some(marked), Some(hash)) if marked != hash => return Err(Refused::CommandReused.into()),
            (Some(_), _) => return Ok(None),
            // A retry that comes when all is over.
            (None, _) if !may_be_marked(self.stands(case, erasure)?) => return Ok(None),
            (None, _) => {}
        }
        let (mark, code) = drawn_unless(hash)?;
        self.mark(by, (case, erasure), mark, Envelope::default())?;
        Ok(code)
    }

    /// Puts another code in the place of one that was lost, before the certificate. A retry gets no code. Durable when it
    /// returns; blocks.
    pub fn replace_claim_code(
        &self,
        by: ActorId,
        of: (CaseId, ErasureId),
        hash: Option<ClaimMark>,
        envelope: Envelope,
    ) -> Result<(Accepted, Option<ClaimCode>), EraseError> {
        let _one = self.erasing.lock();
        let earlier = envelope.command_id.map(|command| self.marked_by(command)).transpose()?.flatten();
        let (mark, code) = match earlier {
            Some(earlier) => (hash.unwrap_or(earlier), None),
            None => drawn_unless(hash)?,
        };
        Ok((self.mark(by, of, mark, envelope)?, code))
    }

    /// The erasure that this is the code of, as the register has it.
    pub fn claimed(&self, code: &ClaimCode) -> Result<OldErasure, Rejection> {
        let mark = code.mark();
        let views = self.ledger.views();
        let found = views.erasure_of_claim(mark).ok_or(Rejection::NoSuchClaim)?;
        Ok(OldErasure { erasure: found.facts.id, stage: found.facts.stage, mark })
    }

    fn mark(
        &self,
        by: ActorId,
        (case, erasure): (CaseId, ErasureId),
        mark: ClaimMark,
        envelope: Envelope,
    ) -> Result<Accepted, EraseError> {
        if self.is_claim_of_another(mark, Some(erasure)) {
            return Err(Refused::Rejected(Rejection::ClaimUsed).into());
        }
        let command = Command::MarkClaim { erasure, mark };
        Ok(self.ledger.submit_blocking(&intent::<Case>(by, case.0, command, envelope, Fresh::new())?)?)
    }

    /// The mark that an earlier command of this id made; one that nobody has where it did something else, so that the ledger
    /// says so.
    fn marked_by(&self, command: CommandId) -> Result<Option<ClaimMark>, EraseError> {
        let Some(placed) = self.ledger.log().command(&command) else { return Ok(None) };
        let entry = self.ledger.log().record(placed.first).ok().flatten();
        let record = entry.as_ref().and_then(|entry| Record::parse(&entry.record).ok());
        Ok(Some(match record.map(|record| facts(&record)) {
            Some(Ok(Event::Case(subject::Event::ClaimMarked { mark, .. }))) => mark,
            _ => ClaimMark([0; 32]),
        }))
    }
}

fn may_be_marked(stage: Stage) -> bool {
    stage.is_open()
}

fn drawn_unless(hash: Option<ClaimMark>) -> Result<(ClaimMark, Option<ClaimCode>), EraseError> {
    if let Some(hash) = hash {
        return Ok((hash, None));
    }
    let code = ClaimCode::draw().map_err(|none| Failure::from(KeyringError::from(none)))?;
    Ok((code.mark(), Some(code)))
}
