//! Which sealed parts are gone and by which erasure. Whether a part is there is the operator's word.

use std::collections::{BTreeMap, BTreeSet};

use domain::event::{Event, Stream};
use domain::id::{ErasureId, KeyId};
use domain::leaving::Leaving;
use domain::ledger;
use domain::subject::{self, redaction, redaction::PartOf};
use events::bundle::Presence;
use events::record::{Hash, PartRef};

use super::integrity::counted;
use super::{Line, Read, Verdict};

/// What the file knows of erasures.
#[derive(Default)]
struct Erasures {
    /// The erasures that ordered a key's destruction, each with its stream.
    ordered: BTreeMap<KeyId, Vec<(ErasureId, Stream)>>,
    /// Certified ones with the stream of their certificate, and at which level.
    certified: BTreeMap<(ErasureId, Stream), subject::AnchorLevel>,
    /// Keys that the keyring had destroyed before a restore, by the record behind it that says so.
    before: BTreeMap<KeyId, u64>,
    /// Keys that were declared lost, by the record that says so.
    lost: BTreeMap<KeyId, u64>,
    /// The record that certifies that every key is gone, because the controller left, and at which level.
    left: Option<(u64, subject::AnchorLevel)>,
    /// Parts that were resealed, by the record they are of: the last record that says so, and what it says.
    resealed: BTreeMap<PartOf, Resealed>,
}

/// What became of a part that a redaction moved.
struct Resealed {
    at: u64,
    to: KeyId,
    commitment: Option<Hash>,
    gone: usize,
}

/// Why a part is sealed for ever.
enum Excuse {
    Erased(ErasureId, subject::AnchorLevel),
    Before(u64),
    Lost(u64),
    Resealed { at: u64, gone: usize },
}

impl Erasures {
    fn of(read: &Read<'_>) -> Self {
        let mut erasures = Self::default();
        // What is under no root anybody can write.
        let anchored = |line: &&Line<'_>| line.record.position < read.covered();
        let lines = read.trails.iter().flatten().chain(&read.others).filter(anchored);
        let mut said: Vec<_> = lines.filter_map(|line| line.event().ok().map(|event| (line, event))).collect();
        said.sort_by_key(|(line, _)| line.record.position);
        // Behind a restore, and behind what was said there already: anywhere else it would break the log.
        let mut restoring = BTreeSet::new();
        for (line, event) in said {
            let at = line.record.position;
            match event {
                Event::Log(ledger::Event::Continued(_)) => drop(restoring.insert(at + 1)),
                Event::Log(ledger::Event::ErasedBefore { keys, .. }) if restoring.contains(&at) => {
                    restoring.insert(at + 1);
                    erasures.before.extend(keys.into_iter().map(|key| (key, at)));
                }
                Event::Log(ledger::Event::Leaving(Leaving::Certified { level, .. })) => {
                    erasures.left = Some((at, level))
                }
                Event::Log(ledger::Event::KeysLost { keys }) => {
                    erasures.lost.extend(keys.into_iter().map(|key| (key, at)));
                }
                Event::Case(subject::Event::Redaction(redaction::Event::Resealed { to, resealed, .. })) => {
                    erasures.moved(line, to, resealed);
                }
                Event::Case(subject::Event::DestructionOrdered { erasure, keys, .. }) => {
                    let order = (erasure, line.record.stream);
                    keys.into_iter().for_each(|key| erasures.ordered.entry(key).or_default().push(order));
                }
                Event::Case(subject::Event::Certified { erasure, certificate }) => {
                    erasures.certified.insert((erasure, line.record.stream), certificate.level);
                }
                _ => {}
            }
        }
        erasures
    }

    fn moved(&mut self, line: &Line<'_>, to: Option<KeyId>, resealed: redaction::Resealed) {
        let redaction::Resealed { moved, dropped } = resealed;
        self.resealed.retain(|part, _| !dropped.contains(part));
        for (number, moved) in moved.into_iter().enumerate() {
            let commitment = line.record.personal.get(number).map(|part| part.commitment);
            let at = line.record.position;
            let Some(to) = to else { continue };
            let gone = moved.gone.len() + self.resealed.get(&moved.of).map_or(0, |before| before.gone);
            self.resealed.insert(moved.of, Resealed { at, to, commitment, gone });
        }
    }

    /// What became of a part: of where it was moved to, or of its own key. What was moved keeps its commitment, or it is
    /// something else.
    fn of_part(&self, position: u64, number: usize, part: &PartRef) -> Option<Excuse> {
        let of = PartOf { position, part: u32::try_from(number).unwrap_or(u32::MAX) };
        let moved = self.resealed.get(&of).filter(|moved| moved.commitment == Some(part.commitment));
        match moved {
            Some(moved) => self.of_key(&moved.to).or(Some(Excuse::Resealed { at: moved.at, gone: moved.gone })),
            None => self.of_key(&part.key),
        }
    }

    /// What became of a key. A certificate counts in the case that ordered, and nowhere else.
    fn of_key(&self, key: &KeyId) -> Option<Excuse> {
        let orders = self.ordered.get(key).into_iter().flatten();
        let certified = orders.filter_map(|order| Some(Excuse::Erased(order.0, *self.certified.get(order)?)));
        let before = self.before.get(key).map(|at| Excuse::Before(*at));
        certified.chain(before).chain(self.lost.get(key).map(|at| Excuse::Lost(*at))).next()
    }
}

impl std::fmt::Display for Excuse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Erased(erasure, level) => {
                let logical = if *level == subject::AnchorLevel::A0 { " (logical)" } else { "" };
                write!(f, "sealed for ever by {erasure}, certified at {level:?}{logical}")
            }
            Self::Resealed { at, gone: 0 } => {
                write!(f, "sealed anew under another key by record {at}, as it was: its commitment is the same")
            }
            Self::Resealed { at, gone } => write!(
                f,
                "sealed anew under another key by record {at}, without {gone} of its values: what stays has the same commitment"
            ),
            Self::Before(at) => write!(
                f,
                "its key was destroyed before a restore, by record {at}: the operator's word, for the order was not restored"
            ),
            Self::Lost(at) => write!(f, "its key was lost, by record {at}: the operator's word, and no erasure"),
        }
    }
}

/// The disclosures that the cases in the file tell of: copies that no erasure reaches.
fn handed_out(read: &Read<'_>, verdict: &mut Verdict) {
    for line in read.trails.iter().flatten().chain(&read.others).filter(|line| line.record.position < read.covered()) {
        let Ok(Event::Case(subject::Event::Disclosed { disclosure, .. })) = line.event() else { continue };
        let subject::Disclosure { id, digest, parts, until } = disclosure;
        let digest = digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let until = until.map_or_else(|| "without a day to be gone".to_owned(), |day| format!("to be gone by {day}"));
        verdict.finds(format!(
            "record {}: {id} on {}: {} opened in a file (BLAKE3 {digest}), {until}. No erasure reaches that copy.",
            line.record.position,
            line.record.recorded_at.day(),
            counted(parts.into()),
        ));
    }
}

pub(super) fn judge(read: &Read<'_>, sound: bool) -> Verdict {
    let mut verdict = Verdict::new();
    if !sound {
        verdict.lacks(read.why_nothing());
        return verdict;
    }
    let erasures = Erasures::of(read);
    let mut there = 0;
    for (trail, lines) in read.evidence.trails.iter().zip(&read.trails) {
        for (audited, line) in trail.records.iter().zip(lines) {
            for (number, (part, listed)) in line.record.personal.iter().zip(&audited.parts).enumerate() {
                let at = format!("record {}, part {number}", line.record.position);
                match (erasures.of_part(line.record.position, number, part), listed.presence) {
                    (Some(excuse), presence) => {
                        verdict.finds(format!("{at}: {excuse}."));
                        if presence == Presence::Present {
                            verdict.finds(format!("{at}: its sealed bytes are left over and not swept yet."));
                        }
                    }
                    (None, Presence::Present) => there += 1,
                    (None, Presence::Swept | Presence::Missing) => {
                        verdict.breaks(format!("{at}: it is missing, and no certified erasure in this file took it."));
                    }
                }
            }
        }
    }
    if let Some((at, level)) = erasures.left {
        let logical = if level == subject::AnchorLevel::A0 { " (logical)" } else { "" };
        verdict.finds(format!(
            "The controller left: every key was destroyed, certified by record {at} at {level:?}{logical}. {there} sealed parts \
             are there and open no more."
        ));
    } else if there > 0 {
        verdict.finds(format!("{there} sealed parts are there, under keys that no erasure in this file destroyed."));
    }
    handed_out(read, &mut verdict);
    verdict.leaves_out(
        "whether sealed parts are there: that is the operator's inventory, and only a key holder can open them.",
    );
    verdict.leaves_out("copies of keys or of values outside the ledger, disclosures among them.");
    verdict
}
