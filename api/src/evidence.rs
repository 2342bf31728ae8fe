//! Evidence from the running ledger: what it holds of streams, with the ways to the last root, and the log's word on what
//! no root covers yet. Nothing personal is opened here but what a receipt's writer has said, and what a disclosure wants.

mod certificate;
mod claim;

use std::collections::BTreeSet;
use std::sync::Arc;

use domain::event::{Event, Stream, StreamKind};
use domain::id::{ActorId, CaseId, ErasureId, KeyId};
use domain::ledger;
use domain::subject::{self, redaction};
use domain::time::Time;
use events::bundle::Inventoried;
use events::checkpoint::Checkpoint;
use events::evidence::{Audited, Opening, TooMuch};
use events::ledger::{Logged, Signed};
use events::log::{Entry, Log as _};
use events::record::Record;
use replay::gather::{self, Found, Gathered, OfTheLog};
use replay::receipt::Receipt;
use replay::verify::facts;

use crate::app::App;
use crate::error::{Code, Failure};

pub use claim::OldRecord;

/// How much is read of a stream at a time, in bytes.
const CHUNK: usize = 1 << 20;
/// How long after a receipt its record may wait for a root: room for a restart.
const PROMISE_MS: i64 = 600_000;

/// Why there is no file.
#[derive(Debug)]
pub enum EvidenceError {
    /// It would be larger than what anybody reads.
    TooMuch(TooMuch),
    /// The machine failed.
    Failed(Failure),
}

impl From<Failure> for EvidenceError {
    fn from(failed: Failure) -> Self {
        Self::Failed(failed)
    }
}

/// A file with opened parts, before anybody has it.
pub struct OpenedFile {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// How many sealed parts are opened in it.
    pub parts: u32,
    /// Streams of which nothing was opened.
    pub closed: Vec<Stream>,
}

/// What is to be gathered.
struct Asked<'a> {
    streams: &'a [Stream],
    /// Of their records those below this position.
    below: u64,
    /// Keys whose parts are opened.
    keys: &'a [KeyId],
    /// Records of other streams, one by one.
    singly: &'a [Vec<u8>],
}

impl<'a> Asked<'a> {
    fn whole(streams: &'a [Stream]) -> Self {
        Self { streams, below: u64::MAX, keys: &[], singly: &[] }
    }
}

impl App {
    /// The evidence file of some streams: everything that needs no key, and its proofs. Nothing where one has no record.
    pub fn evidence(&self, streams: &[Stream]) -> Result<Option<Vec<u8>>, EvidenceError> {
        let gathered = self.gather(&Asked::whole(streams))?;
        gathered.map(|gathered| self.file(gathered)).transpose()
    }

    /// The evidence file of some streams as they were below a position, with every part opened that is under one of these
    /// keys, while the key lives. Nothing where a stream has no record. Whoever hands it out records that first.
    pub fn opened(&self, streams: &[Stream], keys: &[KeyId], below: u64) -> Result<Option<OpenedFile>, EvidenceError> {
        let Some(gathered) = self.gather(&Asked { streams, below, keys, singly: &[] })? else { return Ok(None) };
        let parts = gathered.streams.iter().map(|found| found.openings.len()).sum::<usize>();
        let closed = gathered.streams.iter().filter(|found| found.openings.is_empty());
        let closed = closed.map(|found| found.stream).collect();
        let parts = u32::try_from(parts).map_err(Failure::internal)?;
        Ok(Some(OpenedFile { bytes: self.file(gathered)?, parts, closed }))
    }

    /// The receipt of a record of consents for the actor who wrote it: the trail, the record's sealed values opened, and the
    /// log's word that a root will cover it. What it holds, this actor has said. Nothing where it is no such record.
    pub fn receipt(&self, position: u64, by: ActorId) -> Result<Option<Vec<u8>>, EvidenceError> {
        let Some(entry) = self.ledger().log().record(position).map_err(damaged)? else { return Ok(None) };
        let record = Record::parse(&entry.record).map_err(damaged)?;
        if record.stream.kind != StreamKind::Consents || record.actor != by {
            return Ok(None);
        }
        let Some(mut gathered) = self.gather(&Asked::whole(&[record.stream]))? else { return Ok(None) };
        let published = self.ledger().published();
        let receipt = Receipt {
            origin: published.key().name().to_owned(),
            log: record.log,
            position,
            hash: entry.hash,
            by: Time(self.now().0.saturating_add(PROMISE_MS)),
        };
        gathered.receipt = Some(receipt.sign(published.signer()).map_err(Failure::internal)?);
        let number = u32::try_from(record.revision).map_err(damaged)?;
        let openings = self.openings(&entry, number, |_| true)?;
        gathered.streams.iter_mut().for_each(|found| found.openings.extend(openings.clone()));
        gathered.others.push(entry.record.clone());
        self.file(gathered).map(Some)
    }

    fn file(&self, gathered: Gathered) -> Result<Vec<u8>, EvidenceError> {
        let evidence = gathered.evidence(self.ledger().published().rows()).map_err(damaged)?;
        evidence.to_bytes().map_err(EvidenceError::TooMuch)
    }

    fn gather(&self, asked: &Asked<'_>) -> Result<Option<Gathered>, EvidenceError> {
        if asked.streams.is_empty() {
            return Ok(None);
        }
        // All proofs must be of one root: an epoch may end between two of them.
        loop {
            let mut maps = Vec::with_capacity(asked.streams.len());
            let mut gathered = Gathered::default();
            let (mut erasures, mut bytes) = (BTreeSet::new(), asked.singly.iter().map(Vec::len).sum::<usize>());
            for stream in asked.streams {
                let entries = self.entries(stream, asked.below)?;
                if entries.is_empty() {
                    return Ok(None);
                }
                bytes += entries.iter().map(|entry| entry.record.len()).sum::<usize>();
                TooMuch::unless_fits(bytes).map_err(EvidenceError::TooMuch)?;
                erasures.extend(self.erasures_of(&entries)?);
                let (logged, map) = self.ledger().prove_head(&stream.id).unzip();
                maps.push(logged);
                let mut openings = Vec::new();
                for (number, entry) in (0_u32..).zip(&entries) {
                    openings.extend(self.openings(entry, number, |key| asked.keys.contains(key))?);
                }
                gathered.streams.push(Found { stream: *stream, map, records: audited(&entries), openings });
            }
            gathered.others = self.excuses(&erasures)?;
            gathered.others.extend_from_slice(asked.singly);
            gathered.others.extend(self.of_the_log()?.records(&gather::keys(&gathered.streams)));
            maps.dedup();
            let [map] = maps[..] else { continue };
            if let Some(Logged { position, .. }) = map {
                gathered.map = Some(self.record(position)?);
            }
            // An erasure without its certificate under the root would be nobody's word.
            let excuses = gathered.others.iter().filter_map(|record| Record::parse(record).ok());
            let needed = excuses.map(|record| record.position).chain(map.map(|logged| logged.position)).max();
            let signed = self.covering(needed.map_or(0, |position| position + 1));
            if let Some(Checkpoint { origin, size, .. }) = signed.as_ref().map(|signed| &signed.checkpoint) {
                gathered.replays = self.replays.up_to(origin, *size);
            }
            gathered.checkpoint = signed.map(|signed| (signed.note.clone(), signed.checkpoint.size));
            return Ok(Some(gathered));
        }
    }

    /// The last checkpoint that witnesses cosigned, where it covers so many records; else the last one.
    fn covering(&self, size: u64) -> Option<Arc<Signed>> {
        let published = self.ledger().published();
        let cosigned = published.cosigned().filter(|signed| signed.checkpoint.size >= size);
        let latest = || published.latest().filter(|signed| signed.checkpoint.size >= size);
        let signed = cosigned.or_else(latest);
        // The record of a root may be so new that no checkpoint covers it.
        signed.or_else(|| self.ledger().publish_now().ok())
    }

    /// The records of a stream below a position. An id of another kind of stream has none.
    fn entries(&self, stream: &Stream, below: u64) -> Result<Vec<Entry>, Failure> {
        let mut entries: Vec<Entry> = Vec::new();
        loop {
            let from = entries.len() as u64;
            let more = self.ledger().log().read_stream(&stream.id, from, CHUNK).map_err(damaged)?;
            if more.is_empty() {
                return Ok(entries);
            }
            for entry in more {
                let record = Record::parse(&entry.record).map_err(damaged)?;
                if record.position >= below || record.stream != *stream {
                    return Ok(entries);
                }
                entries.push(entry);
            }
        }
    }

    /// The parts of a record under wanted keys, opened with whatever keys live.
    fn openings(&self, entry: &Entry, record: u32, wanted: impl Fn(&KeyId) -> bool) -> Result<Vec<Opening>, Failure> {
        let opened = self.ledger().disclose(entry, wanted).map_err(damaged)?;
        let opened = (0_u8..).zip(opened);
        Ok(opened.filter_map(|(part, leaves)| Some(Opening { record, part, leaves: leaves? })).collect())
    }

    fn record(&self, position: u64) -> Result<Vec<u8>, Failure> {
        let entry = self.ledger().log().record(position).map_err(damaged)?;
        entry.map(|entry| entry.record).ok_or_else(|| Failure::internal("a record of our own is not there"))
    }

    /// The records of the log's own streams, one for each generation, the oldest first.
    fn of_the_log(&self) -> Result<OfTheLog, Failure> {
        let (mut log, mut generations) = (Some(self.ledger().log_id()), Vec::new());
        while let Some(id) = log.take() {
            let entries = self.entries(&Stream { kind: StreamKind::Log, id: id.0 }, u64::MAX)?;
            for entry in entries.into_iter().rev() {
                let Ok(Event::Log(event)) = facts(&Record::parse(&entry.record).map_err(damaged)?) else { continue };
                if let ledger::Event::Continued(went_on) = &event {
                    log = Some(went_on.old_log);
                }
                generations.push((event, entry.record));
            }
        }
        let mut own = OfTheLog::default();
        generations.into_iter().rev().for_each(|(event, record)| own.take(event, record));
        Ok(own)
    }

    /// The erasures that took a key of these records, each with its case.
    fn erasures_of(&self, entries: &[Entry]) -> Result<BTreeSet<(ErasureId, CaseId)>, Failure> {
        let mut erasures = BTreeSet::new();
        for entry in entries {
            let record = Record::parse(&entry.record).map_err(damaged)?;
            let now = self.ledger().owners().keys_now(&record, self.ledger().log().head().size);
            let views = self.ledger().views();
            let taken = now.into_iter().flatten().filter_map(|key| views.erasure_of_key(key));
            erasures.extend(taken.map(|erasure| (erasure.facts.id, erasure.facts.case)));
            let redacted = record.personal.iter().flat_map(|part| views.redactions_of_key(part.key));
            erasures.extend(redacted.map(|redaction| (redaction.facts.id, redaction.facts.case)));
        }
        Ok(erasures)
    }

    /// The orders and certificates of these erasures.
    fn excuses(&self, erasures: &BTreeSet<(ErasureId, CaseId)>) -> Result<Vec<Vec<u8>>, Failure> {
        let mut excuses = Vec::new();
        for &(erasure, case) in erasures {
            let case = self.entries(&Stream { kind: StreamKind::Case, id: case.0 }, u64::MAX)?;
            for entry in case {
                let record = Record::parse(&entry.record).map_err(damaged)?;
                let decides = matches!(facts(&record), Ok(Event::Case(event)) if decides(&event, erasure));
                if decides {
                    excuses.push(entry.record);
                }
            }
        }
        Ok(excuses)
    }
}

/// Whether it orders or certifies this erasure, or moves parts for it.
fn decides(event: &subject::Event, of: ErasureId) -> bool {
    match event {
        subject::Event::DestructionOrdered { erasure, .. } | subject::Event::Certified { erasure, .. } => {
            *erasure == of
        }
        subject::Event::Redaction(redaction::Event::Resealed { redaction, .. }) => *redaction == of,
        _ => false,
    }
}

fn audited(entries: &[Entry]) -> Vec<Audited> {
    let one = |entry: &Entry| Audited {
        record: entry.record.clone(),
        parts: entry.parts.iter().map(Inventoried::of).collect(),
    };
    entries.iter().map(one).collect()
}

fn damaged(failed: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Failure {
    Failure::new(Code::Damaged, failed)
}
