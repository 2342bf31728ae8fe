//! A redaction's way through the app.

use domain::document::On;
use domain::event::{Stream, StreamKind};
use domain::id::{ActorId, CaseId, ContactId, ErasureId, SubjectId, TicketId};
use domain::personal::Gone;
use domain::subject::redaction::{NotRedacted, What};
use domain::subject::{Rejection, Stage};
use events::ledger::{Accepted, EraseError, Refused};
use projections::{Redaction, Views};

use super::{App, Envelope};

impl App {
    /// Carries out a redaction that another actor asked for; of a node in the recycle bin, all that were asked for with it,
    /// itself behind the others: when it is certified, nothing of the node can be read. Durable and certified when it returns;
    /// the old parts are overwritten behind it. Blocks.
    pub fn approve_redaction(
        &self,
        by: ActorId,
        case: CaseId,
        redaction: ErasureId,
        envelope: Envelope,
    ) -> Result<Accepted, EraseError> {
        let register = self.register_id()?;
        let _one = self.erasing.lock();
        if !self.is_repeated(&envelope) {
            let others = self.with_redaction((case, redaction));
            self.ledger.check_redaction((case, redaction), by, envelope.expected_revision)?;
            self.check_whole((case, redaction), &others)?;
            others.iter().try_for_each(|other| self.ledger.check_redaction(*other, by, None))?;
            for other in others {
                self.ledger.redact(register, other, by, None, None)?;
                self.sweep_redacted(other.1);
            }
        }
        let Envelope { command_id, expected_revision, .. } = envelope;
        let accepted = self.ledger.redact(register, (case, redaction), by, command_id, expected_revision)?;
        self.sweep_redacted(redaction);
        Ok(accepted)
    }

    /// The redactions with which the same node lies in the recycle bin for others of whom it tells.
    pub fn with_redaction(&self, (case, redaction): (CaseId, ErasureId)) -> Vec<(CaseId, ErasureId)> {
        let views = self.ledger.views();
        let Some(stream) = node_of(&views, redaction) else { return Vec::new() };
        let others = views.redactions_in(&stream).filter(|found| found.is_in_bin() && is_whole(found));
        others.map(|found| (found.facts.case, found.facts.id)).filter(|(of, _)| *of != case).collect()
    }

    /// The documents that hang on a contact or a ticket, and can be read.
    pub fn documents_on(&self, stream: &Stream) -> Vec<Stream> {
        let on = match stream.kind {
            StreamKind::Contact => On::Contact(ContactId(stream.id)),
            StreamKind::Ticket => On::Ticket(TicketId(stream.id)),
            _ => return Vec::new(),
        };
        let views = self.ledger.views();
        views.documents(on).map(|document| Stream { kind: StreamKind::Document, id: document.id.0 }).collect()
    }

    /// Whether nothing of a node, or that hangs on it, can be read any more behind these redactions of it; what was not asked
    /// for would stay.
    fn check_whole(
        &self,
        (case, redaction): (CaseId, ErasureId),
        others: &[(CaseId, ErasureId)],
    ) -> Result<(), EraseError> {
        let (stream, subjects) = {
            let views = self.ledger.views();
            let Some(stream) = node_of(&views, redaction) else { return Ok(()) };
            let cases = others.iter().map(|(case, _)| *case).chain([case]);
            let subjects: Vec<SubjectId> = cases.filter_map(|case| views.case(case)?.subject).collect();
            (stream, subjects)
        };
        for home in self.ledger.homes(&stream)? {
            let left = match home {
                Ok((subject, _)) if !subjects.contains(&subject) => NotRedacted::OfOthersToo.into(),
                Err(Gone::Withheld) => Rejection::Withheld,
                _ => continue,
            };
            return Err(Refused::Rejected(left).into());
        }
        match self.documents_on(&stream).len() {
            0 => Ok(()),
            left => Err(Refused::Rejected(NotRedacted::HasDocuments(left).into()).into()),
        }
    }

    fn sweep_redacted(&self, redaction: ErasureId) {
        let views = self.ledger.views();
        // What waits for the anchor is not swept before its certificate excuses it.
        let done = views.redaction(redaction).filter(|found| found.facts.stage == Stage::Certified);
        let keys = done.map(|found| found.facts.keys.clone());
        drop(views);
        self.sweep(keys.unwrap_or_default());
    }
}

/// The node that goes whole with a redaction.
fn node_of(views: &Views, redaction: ErasureId) -> Option<Stream> {
    let found = views.redaction(redaction).filter(is_whole)?;
    found.wanted.map(|wanted| wanted.stream)
}

fn is_whole(found: &Redaction<'_>) -> bool {
    found.wanted.is_some_and(|wanted| wanted.what == What::Node)
}
