//! What the auditor's program says, in plain words and as JSON: each verdict with what it does not cover.

use domain::subject::AnchorLevel;
use events::note::{Kind, VerifierKey};
use serde::Serialize;

use crate::check::{Status, Verdict};
use crate::plain::plain;
use crate::verify::{self, Consistent, Unsound};

/// The outcome of a verification.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Report {
    /// `consistent` or `broken`.
    pub verdict: &'static str,
    /// The first position that is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<u64>,
    /// Why it is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The head, as one text to keep: size and hash.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub head: Option<String>,
    /// What the log says it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// Its generations: more than one where it was restored from a backup.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub generations: Vec<Generation>,
    /// How many streams there are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub streams: Option<usize>,
    /// The map roots in the log, each made again from its records.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub map_roots: Option<MapRoots>,
    /// Sealed parts by the inventory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parts: Option<Parts>,
    /// Erasures that were certified.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certified_erasures: Option<usize>,
    /// Where its controller left: in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left: Option<String>,
    /// Whether the head was confirmed by what the caller expected.
    pub expected: bool,
    /// Who stands for the checkpoint, where a policy was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub anchoring: Option<Verdict>,
    /// What this does not prove.
    pub not_covered: Vec<&'static str>,
}

/// A log between two restores.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Generation {
    /// Its id.
    pub log: String,
    /// What its checkpoints are signed for.
    pub origin: String,
    /// The position of its first record.
    pub from: u64,
    /// The keys of its checkpoints that it names, as verifier keys.
    pub signers: Vec<Signer>,
}

/// A key of checkpoints.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Signer {
    /// The position of the record that names it.
    pub from: u64,
    /// The key with its name, as a `vkey`.
    pub key: String,
}

impl Report {
    /// With the verdict on the checkpoint. Who has it confirmed by others need not be told that nobody has.
    #[must_use]
    pub fn anchored(mut self, anchoring: Option<Verdict>) -> Self {
        if anchoring.as_ref().is_some_and(|anchoring| anchoring.status == Status::Holds) {
            self.not_covered.retain(|note| *note != UNCONFIRMED);
        }
        self.anchoring = anchoring;
        self
    }
}

/// The roots of the map of stream heads.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct MapRoots {
    /// How many the log names: all are right.
    pub confirmed: u64,
    /// How many records the last one is of.
    pub up_to: u64,
}

/// Sealed parts, by the operator's inventory.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct Parts {
    /// There.
    pub present: u64,
    /// Not there, by a certified erasure.
    pub erased: u64,
    /// Not there, because the keyring had destroyed their key before a restore.
    pub erased_before_restore: u64,
    /// Not there, and their key was declared lost.
    pub lost: u64,
    /// Still there behind a certified erasure.
    pub residue: u64,
}

const UNCONFIRMED: &str = "nobody outside has confirmed this head: a log rewritten from the start, or from the middle \
with every later hash, would go unnoticed. Keep the head line and give it with --expect next time.";
const UNMAPPED: &str = "there is no map root in this log yet, so nobody who has only a part of it can be shown that a stream \
is complete.";
const INVENTORY: &str = "whether the sealed parts are there is the operator's inventory; only somebody with the keys can \
open them (`lethe verify`).";
const RESTORED: &str = "what was recorded after the backup that this log was restored from, and is not in it: whoever kept a \
checkpoint of an earlier generation that is of more records than the next one goes on from has seen some of it.";
const REGISTER: &str = "that keys were destroyed before a restore is the keyring's register: the orders and certificates \
were recorded after the backup and are not in this log.";
const TIME: &str = "times are the operator's claim.";

impl From<&Consistent> for Report {
    fn from(log: &Consistent) -> Self {
        let verify::Parts { present, erased, erased_before, lost, residue } = log.parts;
        let unconfirmed = (!log.expected).then_some(UNCONFIRMED);
        let restored = (log.generations.len() > 1).then_some(RESTORED);
        let register = (log.parts.erased_before > 0).then_some(REGISTER);
        let unmapped = (log.maps.count == 0).then_some(UNMAPPED);
        Self {
            verdict: "consistent",
            position: None,
            reason: None,
            head: Some(log.head.to_string()),
            origin: log.generations.last().map(|generation| generation.of.origin.clone()),
            generations: log.generations.iter().map(Generation::from).collect(),
            streams: Some(log.streams),
            map_roots: Some(MapRoots { confirmed: log.maps.count, up_to: log.maps.size }),
            parts: Some(Parts { present, erased, erased_before_restore: erased_before, lost, residue }),
            certified_erasures: Some(log.certified),
            left: log.left.map(left),
            expected: log.expected,
            anchoring: None,
            not_covered: unconfirmed
                .into_iter()
                .chain(restored)
                .chain(register)
                .chain(unmapped)
                .chain([INVENTORY, TIME])
                .collect(),
        }
    }
}

fn left((position, level): (u64, AnchorLevel)) -> String {
    let logical = if level == AnchorLevel::A0 { " (logical)" } else { "" };
    format!(
        "The controller left: every key was destroyed, as record {position}, the last one there can be, certifies at \
         {level:?}{logical}. No sealed part opens any more."
    )
}

impl From<&verify::Generation> for Generation {
    fn from(generation: &verify::Generation) -> Self {
        let events::chain::Generation { log, origin, from } = &generation.of;
        let key = |public| {
            VerifierKey::new(origin, Kind::Note, public).map_or_else(|bad| bad.to_string(), |key| key.to_string())
        };
        let signers = generation.signers.iter().map(|(from, public)| Signer { from: *from, key: key(*public) });
        Self { log: log.to_string(), origin: origin.clone(), from: *from, signers: signers.collect() }
    }
}

impl From<&Unsound> for Report {
    fn from(unsound: &Unsound) -> Self {
        Self {
            verdict: "broken",
            position: Some(unsound.position()),
            reason: Some(unsound.to_string()),
            head: None,
            origin: None,
            generations: Vec::new(),
            streams: None,
            map_roots: None,
            parts: None,
            certified_erasures: None,
            left: None,
            expected: false,
            anchoring: None,
            not_covered: Vec::new(),
        }
    }
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.reason {
            Some(reason) => return write!(f, "BROKEN: {}", plain(reason)),
            None => writeln!(f, "CONSISTENT: every record is in its place and linked to the one before.")?,
        }
        if let Some(head) = &self.head {
            writeln!(f, "head {head}")?;
        }
        if let [_, _, ..] = self.generations.as_slice() {
            for Generation { log, origin, from, .. } in &self.generations {
                writeln!(f, "from record {from} on: {log}, checkpoints for {}", plain(origin))?;
            }
            writeln!(f, "The log was restored from a backup where another id begins.")?;
        }
        if let Some(Signer { key, .. }) = self.generations.last().and_then(|generation| generation.signers.last()) {
            writeln!(f, "by its own word checkpoints are signed with {}", plain(key))?;
        }
        if let (Some(streams), Some(parts), Some(certified)) = (self.streams, self.parts, self.certified_erasures) {
            writeln!(
                f,
                "streams {streams}; sealed parts: {} there, {} erased, {} lost, {} to be swept; certified erasures \
                 {certified}",
                parts.present, parts.erased, parts.lost, parts.residue
            )?;
        }
        if let Some(Parts { erased_before_restore: before @ 1.., .. }) = self.parts {
            writeln!(
                f,
                "{before} more are gone whose keys were destroyed before the restore, by the keyring's register"
            )?;
        }
        if let Some(MapRoots { confirmed, up_to }) = self.map_roots.filter(|roots| roots.confirmed > 0) {
            writeln!(f, "map roots: {confirmed} made again and right, the last one of the first {up_to} records")?;
        }
        if let Some(left) = &self.left {
            writeln!(f, "{left}")?;
        }
        if self.expected {
            writeln!(f, "The expected head is in this log.")?;
        }
        if let Some(anchoring) = &self.anchoring {
            write!(f, "anchoring: {anchoring}")?;
        }
        for note in &self.not_covered {
            writeln!(f, "Not covered: {note}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_that_is_broken_does_not_say_that_it_is_not() {
        let reason = "it is of kind x\nCONSISTENT: every record is in its place\u{1b}[8m".to_owned();
        let said = Report::from(&Unsound::Facts { position: 7, reason }).to_string();
        assert!(said.starts_with("BROKEN: record 7") && !said.contains(['\n', '\u{1b}']), "{said:?}");
    }
}
