//! What an evidence file is worth: separate verdicts, each with what it does not cover. Needs the file and a policy, and
//! no log, no server and no key.

mod anchoring;
mod completeness;
mod erasure;
mod integrity;
mod report;

use domain::event::Event;
use domain::time::Time;
use events::checkpoint::Checkpoint;
use events::evidence::Evidence;
use events::record::{Hash, Record, hash};
use events::tree::{self, Node};

use crate::policy::Policy;
use crate::verify::facts;

pub use anchoring::of_log as anchoring_of;
pub use report::{Checked, Finding, Status, Verdict};

/// Judges a file. `stamp` is when a time-stamping authority saw its checkpoint, where that was checked.
pub fn check(evidence: &Evidence, policy: &Policy, stamp: Option<Stamped>) -> Checked {
    let read = match Read::of(evidence) {
        Ok(read) => read,
        Err(reason) => return Checked::unreadable(reason),
    };
    let anchored = anchoring::judge(&read, policy, stamp.as_ref());
    let integrity = integrity::judge(&read);
    let sound = integrity.status != Status::Broken;
    let completeness = completeness::judge(&read, policy, sound && anchored.root.is_some());
    let erasure = erasure::judge(&read, sound && anchored.root.is_some());
    let disclosed = integrity::disclosed(&read);
    Checked { certificate: None, integrity, completeness, anchoring: anchored.verdict, erasure, disclosed }
}

/// When a time-stamping authority saw the checkpoint, and who that was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamped {
    /// The time, by the authority.
    pub at: Time,
    /// The authority.
    pub by: String,
}

/// A record of the file, parsed and hashed.
pub(crate) struct Line<'a> {
    pub bytes: &'a [u8],
    pub record: Record<'a>,
    pub hash: Hash,
}

impl<'a> Line<'a> {
    fn of(bytes: &'a [u8]) -> Result<Self, String> {
        let record = Record::parse(bytes).map_err(|bad| format!("a record in it is none: {bad}"))?;
        if record.kind.split('.').next() != Some(record.stream.kind.name()) {
            return Err(format!("record {} is of a kind that its stream has not", record.position));
        }
        Ok(Self { bytes, record, hash: hash(bytes) })
    }

    pub fn event(&self) -> Result<Event, String> {
        facts(&self.record).map_err(|failed| failed.to_string())
    }
}

/// The file with its records parsed: what all verdicts start from.
pub(crate) struct Read<'a> {
    pub evidence: &'a Evidence,
    pub checkpoint: Option<Checkpoint>,
    pub map: Option<Line<'a>>,
    pub trails: Vec<Vec<Line<'a>>>,
    pub others: Vec<Line<'a>>,
}

impl<'a> Read<'a> {
    pub fn of(evidence: &'a Evidence) -> Result<Self, String> {
        let checkpoint = evidence.checkpoint.as_ref().map(|note| Checkpoint::parse(note.text())).transpose();
        let lines = |records: &'a [events::evidence::Audited]| {
            records.iter().map(|audited| Line::of(&audited.record)).collect::<Result<Vec<_>, _>>()
        };
        Ok(Self {
            evidence,
            checkpoint: checkpoint.map_err(|bad| bad.to_string())?,
            map: evidence.map.as_ref().map(|map| Line::of(&map.record)).transpose()?,
            trails: evidence.trails.iter().map(|trail| lines(&trail.records)).collect::<Result<_, _>>()?,
            others: evidence.others.iter().map(|other| Line::of(&other.record)).collect::<Result<_, _>>()?,
        })
    }

    /// How many records the checkpoint covers.
    pub fn covered(&self) -> u64 {
        self.checkpoint.as_ref().map_or(0, |checkpoint| checkpoint.size)
    }

    /// Why the verdicts that rest on records and root are not given.
    pub fn why_nothing(&self) -> &'static str {
        match &self.checkpoint {
            None => "The file has no checkpoint: nothing leads to a root that somebody signed.",
            Some(_) => "Nothing can be said where the records or the root do not hold.",
        }
    }

    /// The way from a record to the root, where the file has it.
    pub fn path_of(&self, line: &Line<'_>) -> Option<&[Node]> {
        let single = self.others.iter().zip(&self.evidence.others).find(|(other, _)| other.hash == line.hash);
        if let Some((_, placed)) = single {
            return placed.path.as_deref();
        }
        let covered = |line: &&Line<'_>| line.record.position < self.covered();
        let trails = self.trails.iter().zip(&self.evidence.trails);
        let mut lasts =
            trails.filter_map(|(lines, trail)| Some((lines.iter().rfind(covered)?, trail.path.as_deref()?)));
        lasts.find(|(last, _)| last.hash == line.hash).map(|(_, path)| path)
    }

    /// Whether a record stands under the root of the checkpoint.
    pub fn stands(&self, line: &Line<'_>, path: Option<&[Node]>) -> bool {
        let (Some(checkpoint), Some(path)) = (&self.checkpoint, path) else { return false };
        let leaf = tree::leaf(line.bytes);
        tree::included(leaf, line.record.position, checkpoint.size, &checkpoint.root, path).is_ok()
    }
}
