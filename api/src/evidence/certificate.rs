//! The certificate of an erasure from the running ledger, signed by the log.

use domain::event::{Stream, StreamKind};
use domain::id::ErasureId;
use events::note::SignedNote;
use events::record::Record;
use replay::certificate::{CertificateFile, Language, NotCertified, stated};
use replay::gather::Gathered;

use super::{EvidenceError, damaged};
use crate::app::App;
use crate::error::Failure;

impl App {
    /// The certificate of an erasure as it stands now, with its proof; nothing where the erasure is unknown or not certified.
    /// Blocks.
    pub fn certificate(&self, erasure: ErasureId, language: Language) -> Result<Option<String>, EvidenceError> {
        let case = self.ledger().views().erasure(erasure).map(|erasure| erasure.facts.case);
        let Some(case) = case else { return Ok(None) };
        let declared: Vec<_> = self.ledger().owners().declarations().all().iter().map(|declared| declared.id).collect();
        let anchors = declared.into_iter().map(|id| Stream { kind: StreamKind::Anchor, id: id.0 });
        let mut records = vec![self.record(0)?];
        for stream in std::iter::once(Stream { kind: StreamKind::Case, id: case.0 }).chain(anchors) {
            records.extend(self.entries(&stream, u64::MAX)?.into_iter().map(|entry| entry.record));
        }
        records.sort_by_key(|record| Record::parse(record).map_or(u64::MAX, |record| record.position));
        let (statement, proof) = match stated(erasure, records.iter().map(Vec::as_slice)) {
            Ok(stated) => stated,
            Err(NotCertified::Unknown(_) | NotCertified::Early(_)) => return Ok(None),
            Err(failed) => return Err(damaged(failed).into()),
        };
        let last = proof.last().and_then(|record| Some(Record::parse(record).ok()?.position));
        let signed = self.covering(last.map_or(0, |position| position + 1));
        let signed = signed.ok_or_else(|| Failure::internal("no checkpoint can be signed"))?;
        let checkpoint = Some((signed.note.clone(), signed.checkpoint.size));
        let published = self.ledger().published();
        let gathered = Gathered { checkpoint, others: proof, ..Gathered::default() };
        let evidence = gathered.evidence(published.rows()).map_err(damaged)?;
        let origin = &signed.checkpoint.origin;
        let note = SignedNote::new(statement.text(origin, language)).map_err(Failure::internal)?;
        let mut file = CertificateFile { note, evidence };
        file.sign(origin, published.signer()).map_err(Failure::internal)?;
        file.to_text().map(Some).map_err(EvidenceError::TooMuch)
    }
}

#[cfg(test)]
mod tests;
