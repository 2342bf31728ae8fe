//! The proof for who comes back with a code: the structure of the old trail and its erasure, without any value.

use std::collections::{BTreeMap, BTreeSet};

use domain::event::{Stream, StreamKind};
use domain::id::{CaseId, ErasureId, KeyId};
use domain::time::Time;
use events::evidence::TooMuch;
use events::ledger::Failure as LedgerFailure;
use events::log::{Entry, Log as _};
use events::record::{Hash, PartRef, Record};

use super::{Asked, EvidenceError, damaged};
use crate::app::App;
use crate::error::Failure;

/// One record of the old trail.
pub struct OldRecord {
    /// Its place in the log.
    pub position: u64,
    /// When it was recorded.
    pub at: Time,
    /// What it is.
    pub kind: String,
    /// Its hash.
    pub hash: Hash,
    /// How many sealed parts it has.
    pub parts: usize,
    /// How many of them are sealed for ever by this erasure.
    pub gone: usize,
}

/// The old trail, and the file that proves it.
pub struct OldTrail {
    /// Its records, in their order.
    pub records: Vec<OldRecord>,
    /// An evidence file without openings.
    pub file: Vec<u8>,
}

impl App {
    /// What an erasure made unreadable. Streams that are this person's alone are in the file as a whole; of streams with
    /// living data of others, the records that this person had a part in, one by one. Nothing where the erasure is unknown or
    /// not certified. Blocks.
    pub fn old_trail(&self, erasure: ErasureId) -> Result<Option<OldTrail>, EvidenceError> {
        let (keys, case) = {
            let views = self.ledger().views();
            let Some(facts) = views.erasure(erasure).map(|erasure| erasure.facts) else { return Ok(None) };
            if facts.certificate.is_none() {
                return Ok(None);
            }
            (facts.keys.iter().copied().collect::<BTreeSet<KeyId>>(), facts.case)
        };
        let mut touched = self.touched(&keys)?;
        // Where it was asked for and certified, whatever stands there.
        touched.entry(Stream { kind: StreamKind::Case, id: case.0 }).or_default();
        let (mut streams, mut singly, mut records) = (Vec::new(), Vec::new(), BTreeMap::new());
        for (stream, touched) in touched {
            let mut entries = self.entries(&stream, u64::MAX)?;
            let is_own = stream.id == case.0 || self.is_own(&entries, &keys, case)?;
            if !is_own {
                entries.retain(|entry| self.position(entry).is_ok_and(|position| touched.contains(&position)));
                singly.extend(entries.iter().map(|entry| entry.record.clone()));
            } else {
                streams.push(stream);
            }
            for entry in &entries {
                let old = self.old_record(entry, &keys)?;
                records.insert(old.position, old);
            }
        }
        let gathered = self.gather(&Asked { singly: &singly, ..Asked::whole(&streams) })?;
        let Some(gathered) = gathered else { return Ok(None) };
        Ok(Some(OldTrail { records: records.into_values().collect(), file: self.file(gathered)? }))
    }

    /// The streams with parts under these keys, and where in them.
    fn touched(&self, keys: &BTreeSet<KeyId>) -> Result<BTreeMap<Stream, BTreeSet<u64>>, EvidenceError> {
        let (mut touched, mut bytes) = (BTreeMap::<Stream, BTreeSet<u64>>::new(), 0);
        for key in keys {
            for place in self.ledger().places(key)? {
                // What a redaction sealed anew is a part of the record that it was made for.
                let position = self.ledger().owners().origin(place).position;
                let entry = self.ledger().log().record(position).map_err(damaged)?;
                let Some(entry) = entry else { continue };
                let stream = Record::parse(&entry.record).map_err(damaged)?.stream;
                if touched.entry(stream).or_default().insert(position) {
                    bytes += entry.record.len();
                    TooMuch::unless_fits(bytes).map_err(EvidenceError::TooMuch)?;
                }
            }
        }
        Ok(touched)
    }

    /// Whether nobody else has a part in these records: each is under a key of this erasure, of an earlier one in the same
    /// case, or under one that lives and is known to be the same person's.
    fn is_own(&self, entries: &[Entry], keys: &BTreeSet<KeyId>, case: CaseId) -> Result<bool, Failure> {
        let (views, owners) = (self.ledger().views(), self.ledger().owners());
        let subject = views.case(case).and_then(|case| case.subject);
        let own = |part: &PartRef| {
            let erased = views.erasure_of_key(part.key).is_some_and(|erasure| erasure.facts.case == case);
            let redacted = || views.redactions_of_key(part.key).iter().any(|redaction| redaction.facts.case == case);
            let lives = || owners.owner(&part.key).is_some_and(|(owner, _)| Some(owner) == subject);
            keys.contains(&part.key) || erased || redacted() || lives()
        };
        for entry in entries {
            if !Record::parse(&entry.record).map_err(damaged)?.personal.iter().all(own) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn old_record(&self, entry: &Entry, keys: &BTreeSet<KeyId>) -> Result<OldRecord, Failure> {
        let record = Record::parse(&entry.record).map_err(damaged)?;
        let now = self.ledger().owners().keys_now(&record, self.ledger().log().head().size);
        Ok(OldRecord {
            position: record.position,
            at: record.recorded_at,
            kind: record.kind.to_owned(),
            hash: entry.hash,
            parts: record.personal.len(),
            gone: now.iter().flatten().filter(|key| keys.contains(key)).count(),
        })
    }

    fn position(&self, entry: &Entry) -> Result<u64, Failure> {
        Ok(Record::parse(&entry.record).map_err(damaged)?.position)
    }
}

impl From<LedgerFailure> for EvidenceError {
    fn from(failed: LedgerFailure) -> Self {
        Self::Failed(failed.into())
    }
}
