//! Evidence from the running ledger: what it holds of streams, with the ways to the last root, and the log's word on what
//! no root covers yet.

use std::collections::BTreeSet;
use std::sync::Arc;

use domain::event::{Event, Stream, StreamKind};
use domain::id::{ActorId, ErasureId};
use domain::time::Time;
use domain::{ledger, subject};
use events::bundle::Inventoried;
use events::checkpoint::Checkpoint;
use events::evidence::{Audited, Opening};
use events::ledger::{Logged, Signed, disclose};
use events::log::{Entry, Log as _};
use events::record::Record;
use replay::gather::{Found, Gathered};
use replay::receipt::Receipt;
use replay::verify::facts;

use crate::app::App;
use crate::error::{Code, Failure};

/// How much is read of a stream at a time, in bytes.
const CHUNK: usize = 1 << 20;
/// How long after a receipt its record may wait for a root: room for a restart.
const PROMISE_MS: i64 = 600_000;

impl App {
    /// The evidence file of some streams: everything that needs no key, and its proofs. Nothing where one has no record.
    pub fn evidence(&self, streams: &[Stream]) -> Result<Option<Vec<u8>>, Failure> {
        let gathered = self.gather(streams)?;
        gathered.map(|gathered| self.file(gathered)).transpose()
    }

    /// The receipt of a record of consents for the actor who wrote it: the trail, the record's sealed values opened, and the
    /// log's word that a root will cover it. What it holds, this actor has said. Nothing where it is no such record.
    pub fn receipt(&self, position: u64, by: ActorId) -> Result<Option<Vec<u8>>, Failure> {
        let Some(entry) = self.ledger().log().record(position).map_err(damaged)? else { return Ok(None) };
        let record = Record::parse(&entry.record).map_err(damaged)?;
        if record.stream.kind != StreamKind::Consents || record.actor != by {
            return Ok(None);
        }
        let Some(mut gathered) = self.gather(&[record.stream])? else { return Ok(None) };
        let published = self.ledger().published();
        let receipt = Receipt {
            origin: published.key().name().to_owned(),
            log: record.log,
            position,
            hash: entry.hash,
            by: Time(self.now().0.saturating_add(PROMISE_MS)),
        };
        gathered.receipt = Some(receipt.sign(published.signer()).map_err(Failure::internal)?);
        let opened = disclose(&entry, self.ledger().keyring()).map_err(damaged)?;
        let number = u32::try_from(record.revision).map_err(damaged)?;
        let openings =
            (0_u8..).zip(opened).filter_map(|(part, leaves)| Some(Opening { record: number, part, leaves: leaves? }));
        gathered.streams.iter_mut().for_each(|found| found.openings.extend(openings.clone()));
        gathered.others.push(entry.record.clone());
        self.file(gathered).map(Some)
    }

    fn file(&self, gathered: Gathered) -> Result<Vec<u8>, Failure> {
        let evidence = gathered.evidence(self.ledger().published().rows()).map_err(damaged)?;
        evidence.to_bytes().map_err(Failure::internal)
    }

    fn gather(&self, streams: &[Stream]) -> Result<Option<Gathered>, Failure> {
        // All proofs must be of one root: an epoch may end between two of them.
        loop {
            let mut maps = Vec::with_capacity(streams.len());
            let mut gathered = Gathered::default();
            for stream in streams {
                let entries = self.entries(stream)?;
                if entries.is_empty() {
                    return Ok(None);
                }
                gathered.others.extend(self.excuses(&entries)?);
                let (logged, map) = self.ledger().prove_head(&stream.id).unzip();
                maps.push(logged);
                gathered.streams.push(Found { stream: *stream, map, records: audited(&entries), openings: Vec::new() });
            }
            gathered.others.extend(self.generations()?);
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

    fn entries(&self, stream: &Stream) -> Result<Vec<Entry>, Failure> {
        let mut entries: Vec<Entry> = Vec::new();
        loop {
            let from = entries.len() as u64;
            let more = self.ledger().log().read_stream(&stream.id, from, CHUNK).map_err(damaged)?;
            if more.is_empty() {
                return Ok(entries);
            }
            entries.extend(more);
        }
    }

    fn record(&self, position: u64) -> Result<Vec<u8>, Failure> {
        let entry = self.ledger().log().record(position).map_err(damaged)?;
        entry.map(|entry| entry.record).ok_or_else(|| Failure::internal("a record of our own is not there"))
    }

    /// The records behind which the log went on after a restore, the oldest first: each begins a stream of the log's own.
    fn generations(&self) -> Result<Vec<Vec<u8>>, Failure> {
        let (mut log, mut found) = (self.ledger().log_id(), Vec::new());
        loop {
            let first = self.ledger().log().read_stream(&log.0, 0, 1).map_err(damaged)?.into_iter().next();
            let first = first.ok_or_else(|| Failure::internal("a generation of the log has no first record"))?;
            let Event::Log(ledger::Event::Continued(went_on)) =
                facts(&Record::parse(&first.record).map_err(damaged)?).map_err(damaged)?
            else {
                found.reverse();
                return Ok(found);
            };
            found.push(first.record);
            log = went_on.old_log;
        }
    }

    /// The orders and certificates of the erasures that took a key of these records.
    fn excuses(&self, entries: &[Entry]) -> Result<Vec<Vec<u8>>, Failure> {
        let mut erasures = BTreeSet::new();
        for entry in entries {
            let record = Record::parse(&entry.record).map_err(damaged)?;
            let views = self.ledger().views();
            let taken = record.personal.iter().filter_map(|part| views.erasure_of_key(part.key));
            erasures.extend(taken.map(|erasure| (erasure.facts.id, erasure.facts.case)));
        }
        let mut excuses = Vec::new();
        for (erasure, case) in erasures {
            let case = self.entries(&Stream { kind: StreamKind::Case, id: case.0 })?;
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

/// Whether it orders or certifies this erasure.
fn decides(event: &subject::Event, of: ErasureId) -> bool {
    match event {
        subject::Event::DestructionOrdered { erasure, .. } | subject::Event::Certified { erasure, .. } => {
            *erasure == of
        }
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
