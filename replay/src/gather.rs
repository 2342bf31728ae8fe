//! Evidence is gathered: the records of streams, and the ways from them to the last root.

use std::collections::BTreeSet;

use domain::event::{Event, Stream};
use domain::id::{ErasureId, KeyId};
use domain::leaving::Leaving;
use domain::ledger;
use domain::subject::{self, redaction};
use events::chain::StreamHead;
use events::evidence::{Audited, Evidence, Opening, Placed, Replay, Trail};
use events::map::{MapProof, StreamMap};
use events::note::SignedNote;
use events::record::{Record, hash};
use events::tree::{self, Node, Rows};

use crate::countersign::Replayed;
use crate::receipt::Receipt;
use crate::source::{Source, SourceError};
use crate::tiles::TilesError;
use crate::verify::{Failed, facts, verify};

/// What is gathered, before the ways are looked up.
#[derive(Default)]
pub struct Gathered {
    /// The log's word on a record that no root covers yet.
    pub receipt: Option<SignedNote>,
    /// The last checkpoint, and how many records it covers.
    pub checkpoint: Option<(SignedNote, u64)>,
    /// Confirmations by replay.
    pub replays: Vec<SignedNote>,
    /// The record of the map that the proofs of the streams lead to.
    pub map: Option<Vec<u8>>,
    /// The streams.
    pub streams: Vec<Found>,
    /// Single records.
    pub others: Vec<Vec<u8>>,
}

/// One stream.
pub struct Found {
    /// Which.
    pub stream: Stream,
    /// Its head in the map, where there is a map.
    pub map: Option<MapProof>,
    /// Its records.
    pub records: Vec<Audited>,
    /// What is disclosed.
    pub openings: Vec<Opening>,
}

impl Gathered {
    /// The evidence, with the ways to the root read from the tree.
    pub fn evidence<R: Rows>(self, rows: &R) -> Result<Evidence, R::Error> {
        let size = self.checkpoint.as_ref().map_or(0, |(_, size)| *size);
        let way = |record: &[u8]| {
            let position = Record::parse(record).ok().map(|record| record.position).filter(|position| *position < size);
            position.map(|position| tree::inclusion(rows, position, size)).transpose()
        };
        let placed = |record: Vec<u8>| Ok(Placed { path: way(&record)?, record });
        let trail = |found: Found| {
            let Found { stream, map, records, openings } = found;
            // The last one that the root covers: those before it are linked to it.
            let covered = records.iter().rev().map(|audited| way(&audited.record)).find_map(Result::transpose);
            Ok(Trail { stream, map, path: covered.transpose()?, records, openings })
        };
        let replay = |note: SignedNote| Ok(Replay { path: between(rows, &note, size)?, note });
        let mut seen = BTreeSet::new();
        let others = self.others.into_iter().filter(|record| seen.insert(record.clone()));
        Ok(Evidence {
            receipt: self.receipt,
            checkpoint: self.checkpoint.map(|(note, _)| note),
            replays: self.replays.into_iter().map(replay).collect::<Result<_, _>>()?,
            map: self.map.map(placed).transpose()?,
            trails: self.streams.into_iter().map(trail).collect::<Result<_, _>>()?,
            others: others.map(placed).collect::<Result<_, _>>()?,
        })
    }
}

/// The proof that a confirmation is of this log; none where it is of more than the checkpoint covers.
fn between<R: Rows>(rows: &R, note: &SignedNote, size: u64) -> Result<Vec<Node>, R::Error> {
    match Replayed::parse(note) {
        Ok(replayed) if replayed.size <= size => tree::consistency(rows, replayed.size, size),
        _ => Ok(Vec::new()),
    }
}

/// Why nothing was gathered from an audit copy.
#[derive(Debug, thiserror::Error)]
pub enum GatherError {
    /// It does not verify.
    #[error(transparent)]
    Failed(#[from] Failed),
    /// It cannot be read again.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// A tile is not what it should be.
    #[error(transparent)]
    Tiles(#[from] TilesError),
    /// The log has no such stream.
    #[error("the log has no record of {0}")]
    NoStream(Stream),
    /// Nothing was published with the copy.
    #[error("this copy has no checkpoint: take it from a server, or from a directory that a server has used")]
    Unpublished,
}

/// The evidence of streams from an audit copy, which is verified first.
pub fn from_copy(source: &Source, streams: &[Stream], replays: &[SignedNote]) -> Result<Evidence, GatherError> {
    verify(source, None, &mut |_, _| {}, &|_, _| {})?;
    let (note, checkpoint, tiles) = source.published()?.ok_or(GatherError::Unpublished)?;
    let kept = Kept::of(source, streams, checkpoint.size)?;
    let heads = kept.map.as_ref().map(|(_, size)| heads(source, *size)).transpose()?;
    let Kept { mut found, map, excuses, .. } = kept;
    if let Some(mut heads) = heads {
        found.iter_mut().for_each(|found| found.map = Some(heads.prove(&found.stream.id)));
    }
    if let Some(missing) = found.iter().find(|found| found.records.is_empty() && found.map.is_none()) {
        return Err(GatherError::NoStream(missing.stream));
    }
    let gathered = Gathered {
        receipt: None,
        checkpoint: Some((note, checkpoint.size)),
        replays: replays.to_vec(),
        map: map.map(|(record, _)| record),
        others: excuses.of(&found),
        streams: found,
    };
    Ok(gathered.evidence(&tiles)?)
}

/// Leads what an evidence file has to the checkpoint of an audit copy, and adds what stands there in the place of its receipt.
pub fn against(evidence: &mut Evidence, source: &Source) -> Result<(), GatherError> {
    verify(source, None, &mut |_, _| {}, &|_, _| {})?;
    let (note, checkpoint, tiles) = source.published()?.ok_or(GatherError::Unpublished)?;
    let Evidence { receipt, replays, map, trails, others, .. } = std::mem::take(evidence);
    let found = trails.into_iter().map(|trail| {
        let Trail { stream, map, records, openings, .. } = trail;
        Found { stream, map, records, openings }
    });
    let mut gathered = Gathered {
        checkpoint: Some((note, checkpoint.size)),
        replays: replays.into_iter().map(|replay| replay.note).collect(),
        map: map.map(|placed| placed.record),
        streams: found.collect(),
        others: others.into_iter().map(|placed| placed.record).collect(),
        receipt,
    };
    let promised = gathered.receipt.as_ref().and_then(|note| Receipt::parse(note).ok());
    let position = promised.map_or(u64::MAX, |receipt| receipt.position);
    for audited in source.records() {
        let record = audited?.record;
        let wanted = Record::parse(&record).is_ok_and(|parsed| parsed.position == position || parsed.kind == CONTINUED);
        if wanted {
            gathered.others.push(record);
        }
    }
    *evidence = gathered.evidence(&tiles)?;
    Ok(())
}

const CONTINUED: &str = "log.continued";

/// What one pass over a copy keeps.
struct Kept {
    found: Vec<Found>,
    /// The last record of the map that the checkpoint covers, and the size it is of.
    map: Option<(Vec<u8>, u64)>,
    excuses: Excuses,
}

/// What may excuse an absent part.
#[derive(Default)]
struct Excuses {
    orders: Vec<(ErasureId, Vec<KeyId>, Vec<u8>)>,
    certificates: Vec<(ErasureId, Vec<u8>)>,
    /// What was resealed, from which key to which.
    resealed: Vec<(KeyId, Option<KeyId>, Vec<u8>)>,
    own: OfTheLog,
}

impl Kept {
    fn of(source: &Source, streams: &[Stream], signed: u64) -> Result<Self, GatherError> {
        let empty = |stream: &Stream| Found { stream: *stream, map: None, records: Vec::new(), openings: Vec::new() };
        let mut kept = Self { found: streams.iter().map(empty).collect(), map: None, excuses: Excuses::default() };
        for audited in source.records() {
            let audited = audited?;
            let Ok(record) = Record::parse(&audited.record) else { continue };
            if DECIDING.contains(&record.kind) {
                kept.decide(facts(&record)?, &record, &audited.record, signed);
            }
            if let Some(found) = kept.found.iter_mut().find(|found| found.stream == record.stream) {
                found.records.push(audited);
            }
        }
        Ok(kept)
    }

    fn decide(&mut self, event: Event, record: &Record<'_>, bytes: &[u8], signed: u64) {
        let (excuses, bytes) = (&mut self.excuses, bytes.to_vec());
        match event {
            Event::Log(ledger::Event::Mapped { size, .. }) if record.position < signed => {
                self.map = Some((bytes, size))
            }
            Event::Case(subject::Event::DestructionOrdered { erasure, keys, .. }) => {
                excuses.orders.push((erasure, keys, bytes));
            }
            Event::Case(subject::Event::Certified { erasure, .. }) => excuses.certificates.push((erasure, bytes)),
            Event::Case(subject::Event::Redaction(redaction::Event::Resealed { from, to, .. })) => {
                excuses.resealed.push((from, to, bytes));
            }
            Event::Log(event) => excuses.own.take(event, bytes),
            _ => {}
        }
    }
}

/// The kinds that say where streams stood and what became of keys.
const DECIDING: [&str; 8] = [
    "log.map",
    CONTINUED,
    "log.erasures",
    "log.keyring",
    "log.leave-certified",
    "case.destruction-ordered",
    "case.certified",
    "case.resealed",
];

/// Of the log's own records those that evidence takes along: every restore, and what was said of keys without an erasure.
#[derive(Default)]
pub struct OfTheLog {
    continued: Vec<Vec<u8>>,
    /// Behind each restore, in a row: each counts by the one before it.
    erased_before: Vec<(Vec<KeyId>, Vec<u8>)>,
    lost: Vec<(Vec<KeyId>, Vec<u8>)>,
    /// The last one of all, where the controller left.
    left: Option<Vec<u8>>,
}

impl OfTheLog {
    /// Looks at one of the log's own records.
    pub fn take(&mut self, event: ledger::Event, record: Vec<u8>) {
        match event {
            ledger::Event::Continued(_) => self.continued.push(record),
            ledger::Event::ErasedBefore { keys, .. } => self.erased_before.push((keys, record)),
            ledger::Event::KeysLost { keys } => self.lost.push((keys, record)),
            ledger::Event::Leaving(Leaving::Certified { .. }) => self.left = Some(record),
            _ => {}
        }
    }

    /// What belongs to records with parts under these keys.
    pub fn records(self, keys: &BTreeSet<KeyId>) -> Vec<Vec<u8>> {
        let touches = |said: &(Vec<KeyId>, Vec<u8>)| said.0.iter().any(|key| keys.contains(key));
        let before = if self.erased_before.iter().any(touches) { self.erased_before } else { Vec::new() };
        let lost = self.lost.into_iter().filter(touches);
        let of_keys = before.into_iter().chain(lost).map(|(_, record)| record);
        self.continued.into_iter().chain(of_keys).chain(self.left).collect()
    }
}

/// The keys of the sealed parts of these streams.
pub fn keys(found: &[Found]) -> BTreeSet<KeyId> {
    let records = found.iter().flat_map(|found| &found.records);
    let parsed = records.filter_map(|audited| Record::parse(&audited.record).ok());
    parsed.flat_map(|record| record.personal).map(|part| part.key).collect()
}

impl Excuses {
    /// Those that took a key of these streams, and what of the log's own belongs to them.
    fn of(self, found: &[Found]) -> Vec<Vec<u8>> {
        let mut keys = keys(found);
        let mut resealed = Vec::new();
        for (from, to, record) in self.resealed {
            if keys.contains(&from) {
                keys.extend(to);
                resealed.push(record);
            }
        }
        let orders = self.orders.into_iter().filter(|(_, ordered, _)| ordered.iter().any(|key| keys.contains(key)));
        let orders: Vec<_> = orders.collect();
        let erasures: BTreeSet<ErasureId> = orders.iter().map(|(erasure, ..)| *erasure).collect();
        let certificates = self.certificates.into_iter().filter(|(erasure, _)| erasures.contains(erasure));
        let orders = orders.into_iter().map(|(.., record)| record);
        let certificates = certificates.map(|(_, record)| record);
        orders.chain(certificates).chain(resealed).chain(self.own.records(&keys)).collect()
    }
}

/// The map of stream heads after so many records of a copy that was verified.
fn heads(source: &Source, size: u64) -> Result<StreamMap, GatherError> {
    let mut map = StreamMap::new();
    for audited in source.records().take(usize::try_from(size).unwrap_or(usize::MAX)) {
        let bytes = audited?.record;
        if let Ok(Record { stream, revision, .. }) = Record::parse(&bytes) {
            map.put(&StreamHead { stream, count: revision + 1, hash: hash(&bytes) });
        }
    }
    Ok(map)
}
