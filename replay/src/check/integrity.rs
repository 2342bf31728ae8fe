//! Whether the records are what was written: each stream linked without a gap, the last covered record of each under the
//! root, and what was disclosed under its commitment.

use std::collections::BTreeSet;

use events::record::NO_HASH;
use events::seal::{Leaf, verify_opening};
use events::wire;

use super::report::Disclosed;
use super::{Line, Read, Verdict};
use crate::receipt::Receipt;

pub(super) fn judge(read: &Read<'_>) -> Verdict {
    let mut verdict = Verdict::new();
    for (trail, lines) in read.evidence.trails.iter().zip(&read.trails) {
        if let Err(wrong) = linked(trail, lines) {
            verdict.breaks(format!("{}: {wrong}", trail.stream));
            continue;
        }
        verdict.finds(format!("{}: {} records, each linked to the one before.", trail.stream, lines.len()));
        under_the_root(read, trail, lines, &mut verdict);
        disclosures(trail, lines, &mut verdict);
    }
    for (other, line) in read.evidence.others.iter().zip(&read.others) {
        let at = line.record.position;
        match line.event() {
            Err(wrong) => verdict.breaks(wrong),
            Ok(_) if at >= read.covered() => {
                verdict.finds(format!("Record {at} is under no root yet: nothing is built on it."));
            }
            Ok(_) if !read.stands(line, other.path.as_deref()) => {
                verdict.breaks(format!("Record {at} does not stand under the root."));
            }
            Ok(_) => {}
        }
    }
    if let Some(opened) = opened(read) {
        verdict
            .finds(format!("This file is a disclosure of {opened}: what it shows cannot be taken back by an erasure."));
    }
    verdict.leaves_out("events that were never written, and two ids for one person.");
    verdict.leaves_out("times: they are the operator's claim, but for those of witnesses and stamps under anchoring.");
    if read.evidence.trails.len() > 1 {
        verdict.leaves_out("that these streams, and no others, are one person's: that is the controller's statement.");
    }
    verdict
}

/// One stream: positions grow, revisions count, hashes link, facts have their form.
fn linked(trail: &events::evidence::Trail, lines: &[Line<'_>]) -> Result<(), String> {
    let (mut before, mut hash) = (None, NO_HASH);
    for (revision, (line, audited)) in (0_u64..).zip(lines.iter().zip(&trail.records)) {
        let record = &line.record;
        let at = record.position;
        if record.stream != trail.stream {
            return Err(format!("record {at} is of another stream"));
        }
        if record.revision != revision {
            return Err(format!("record {at} has revision {} where {revision} comes next", record.revision));
        }
        if record.previous_in_stream != hash {
            return Err(format!("record {at} does not link to the one before it"));
        }
        if before.is_some_and(|before| before >= at) {
            return Err(format!("record {at} stands before the one in front of it"));
        }
        if audited.parts.len() != record.personal.len() {
            return Err(format!("the inventory of record {at} is another record's"));
        }
        line.event()?;
        (before, hash) = (Some(at), line.hash);
    }
    Ok(())
}

/// The last record that the checkpoint covers: those before it are linked to it. Behind it a receipt may vouch.
fn under_the_root(read: &Read<'_>, trail: &events::evidence::Trail, lines: &[Line<'_>], verdict: &mut Verdict) {
    let covered = lines.iter().take_while(|line| line.record.position < read.covered()).count();
    match lines.get(..covered).and_then(<[_]>::last) {
        None if trail.path.is_some() => verdict.breaks(format!("{}: it has a path and no record.", trail.stream)),
        None => {}
        Some(last) if read.stands(last, trail.path.as_deref()) => {
            verdict.finds(format!("{}: record {} stands under the root.", trail.stream, last.record.position));
        }
        Some(last) => {
            verdict.breaks(format!("{}: record {} does not stand under the root.", trail.stream, last.record.position));
        }
    }
    let promised = read.evidence.receipt.as_ref().and_then(|note| Receipt::parse(note).ok());
    let vouched = promised.and_then(|receipt| lines.iter().rposition(|line| line.hash == receipt.hash));
    let unsigned = lines.len() - covered.max(vouched.map_or(0, |last| last + 1));
    if unsigned > 0 {
        verdict.lacks(format!(
            "{}: its last {unsigned} of {} records are under no root yet: nobody has signed them, and whoever made this \
             file could have made them.",
            trail.stream,
            lines.len()
        ));
    }
}

fn disclosures(trail: &events::evidence::Trail, lines: &[Line<'_>], verdict: &mut Verdict) {
    for opening in &trail.openings {
        let part = lines.get(opening.record as usize).and_then(|line| {
            line.record.personal.get(usize::from(opening.part)).map(|part| (line.record.position, part))
        });
        match part {
            Some((at, part)) if verify_opening(&part.commitment, &opening.leaves) => {
                verdict.finds(format!("Record {at}: what was disclosed of part {} is what was sealed.", opening.part));
            }
            Some((at, _)) => {
                verdict.breaks(format!("Record {at}: what was disclosed of part {} was never sealed.", opening.part));
            }
            None => verdict.breaks("It discloses a part that no record has."),
        }
    }
}

/// How many sealed parts the file opens, each counted once, in words; nothing where it opens none.
fn opened(read: &Read<'_>) -> Option<String> {
    let trails = read.evidence.trails.iter();
    let parts = trails.flat_map(|trail| trail.openings.iter().map(|it| (trail.stream, it.record, it.part)));
    let parts = parts.collect::<BTreeSet<_>>().len();
    (parts > 0).then(|| counted(parts as u64))
}

/// Parts, counted.
pub(super) fn counted(parts: u64) -> String {
    match parts {
        1 => "1 sealed part".to_owned(),
        parts => format!("{parts} sealed parts"),
    }
}

/// What was disclosed and holds, for people to read.
pub(super) fn disclosed(read: &Read<'_>) -> Vec<Disclosed> {
    let mut all = Vec::new();
    for (trail, lines) in read.evidence.trails.iter().zip(&read.trails) {
        for opening in &trail.openings {
            let Some(line) = lines.get(opening.record as usize) else { continue };
            let Some(part) = line.record.personal.get(usize::from(opening.part)) else { continue };
            if !verify_opening(&part.commitment, &opening.leaves) {
                continue;
            }
            let record = &line.record;
            let names = wire::fields_of(record.kind, record.version, record.facts, opening.part);
            let fields = opening.leaves.iter().enumerate().map(|(index, leaf)| {
                let name = match index {
                    0 => "subject",
                    1 => "compartment",
                    field => names.get(field - 2).copied().unwrap_or("field"),
                };
                let value = match leaf {
                    Leaf::Shown { value, .. } => Some(readable(value)),
                    Leaf::Bare(_) => None,
                };
                (name.to_owned(), value)
            });
            all.push(Disclosed {
                position: line.record.position,
                part: opening.part,
                kind: line.record.kind.to_owned(),
                fields: fields.collect(),
            });
        }
    }
    all
}

/// A stored value: the text in it where it is one (its length goes before it), hexadecimal digits where it is none.
fn readable(value: &[u8]) -> String {
    let hex = || value.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let text = |bytes: &[u8]| {
        let (length, text) = bytes.split_first_chunk::<8>()?;
        let fits = u64::from_be_bytes(*length) == text.len() as u64;
        let text = std::str::from_utf8(text).ok().filter(|text| fits && !text.chars().any(char::is_control))?;
        Some(text.to_owned())
    };
    match value {
        [1, some @ ..] => text(value).or_else(|| text(some)).unwrap_or_else(hex),
        [0] => "(none)".to_owned(),
        value => text(value).unwrap_or_else(hex),
    }
}
