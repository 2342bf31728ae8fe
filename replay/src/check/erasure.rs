//! Which sealed parts are gone and by which erasure. Whether a part is there is the operator's word.

use std::collections::BTreeMap;

use domain::event::{Event, Stream};
use domain::id::{ErasureId, KeyId};
use domain::subject;
use events::bundle::Presence;

use super::integrity::counted;
use super::{Line, Read, Verdict};

/// What the file knows of erasures.
#[derive(Default)]
struct Erasures {
    /// The erasures that ordered a key's destruction, each with its stream.
    ordered: BTreeMap<KeyId, Vec<(ErasureId, Stream)>>,
    /// Certified ones with the stream of their certificate, and at which level.
    certified: BTreeMap<(ErasureId, Stream), subject::AnchorLevel>,
}

impl Erasures {
    fn of(read: &Read<'_>) -> Self {
        let mut erasures = Self::default();
        // What is under no root anybody can write.
        let anchored = |line: &&Line<'_>| line.record.position < read.covered();
        let cases = read.trails.iter().flatten().chain(&read.others).filter(anchored);
        for (line, event) in cases.filter_map(|line| line.event().ok().map(|event| (line, event))) {
            match event {
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

    /// A certified erasure that destroyed a key. A certificate counts in the case that ordered, and nowhere else.
    fn of_key(&self, key: &KeyId) -> Option<(ErasureId, subject::AnchorLevel)> {
        let mut orders = self.ordered.get(key)?.iter();
        orders.find_map(|order| Some((order.0, *self.certified.get(order)?)))
    }
}

/// The disclosures that the cases in the file tell of: copies that no erasure reaches.
fn handed_out(read: &Read<'_>, verdict: &mut Verdict) {
    for line in read.trails.iter().flatten().chain(&read.others) {
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
        verdict.lacks("Nothing can be said where the records or the root do not hold.");
        return verdict;
    }
    let erasures = Erasures::of(read);
    let mut there = 0;
    for (trail, lines) in read.evidence.trails.iter().zip(&read.trails) {
        for (audited, line) in trail.records.iter().zip(lines) {
            for (number, (part, listed)) in line.record.personal.iter().zip(&audited.parts).enumerate() {
                let at = format!("record {}, part {number}", line.record.position);
                match (erasures.of_key(&part.key), listed.presence) {
                    (Some((erasure, level)), presence) => {
                        let logical = if level == subject::AnchorLevel::A0 { " (logical)" } else { "" };
                        verdict.finds(format!("{at}: sealed for ever by {erasure}, certified at {level:?}{logical}."));
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
    if there > 0 {
        verdict.finds(format!("{there} sealed parts are there, under keys that no erasure in this file destroyed."));
    }
    handed_out(read, &mut verdict);
    verdict.leaves_out(
        "whether sealed parts are there: that is the operator's inventory, and only a key holder can open them.",
    );
    verdict.leaves_out("copies of keys or of values outside the ledger, disclosures among them.");
    verdict
}
