//! What is known of the end of keys that nobody asked to be destroyed: what erasures left and until when, which buckets a
//! retention closed, and in whose case all this is written.

use std::collections::BTreeMap;

use domain::compartment::Compartment;
use domain::event::{Event, Place};
use domain::id::{CaseId, ErasureId, SubjectId};
use domain::limits::UNDELIVERED_DAYS;
use domain::register::End;
use domain::subject::{self, delivery::kept_until};
use domain::time::Day;
use domain::value::Line;

use super::owners::Owned;
use crate::ids::IdMap;

/// Why an address ends.
const UNDELIVERED: &str = "the address for a certificate, kept so long at most without a delivery (Art. 5(1)(e) GDPR)";
/// The same, behind one.
const DELIVERED: &str = "delivered, or never to be: the address is not needed any more (Art. 5(1)(e) GDPR)";

/// Folded from every record, beside the owners of keys.
#[derive(Default)]
pub(super) struct Ends {
    /// Retentions that are fenced, or about to be, and not ordered to be destroyed: their case, and whose buckets they closed.
    open: BTreeMap<ErasureId, (CaseId, Vec<SubjectId>)>,
    /// The buckets that retentions closed to new keys. They stay closed when the keys are gone.
    shut: IdMap<SubjectId, Vec<(ErasureId, Compartment)>>,
    /// Where the records about a subject's keys stand, as far as that can be read.
    cases: IdMap<SubjectId, CaseId>,
    /// What erasures left, and until when.
    left: IdMap<SubjectId, Vec<(Compartment, End)>>,
    /// Whose addresses certificates go to, as far as that can be read.
    addresses: BTreeMap<ErasureId, (SubjectId, Compartment)>,
    /// When the addresses end to which one was delivered, or none will be.
    delivered: BTreeMap<(SubjectId, Compartment), End>,
}

impl Ends {
    /// Fences of retention that can still be lifted.
    pub(super) fn open(&self) -> impl Iterator<Item = (ErasureId, CaseId)> {
        self.open.iter().map(|(erasure, (case, _))| (*erasure, *case))
    }

    /// Those of them that closed a bucket of these subjects.
    pub(super) fn open_of(&self, subjects: &[SubjectId]) -> Vec<(ErasureId, CaseId)> {
        let of = |closed: &[SubjectId]| closed.iter().any(|subject| subjects.contains(subject));
        let open = self.open.iter().filter(|(_, (_, closed))| of(closed));
        open.map(|(erasure, (case, _))| (*erasure, *case)).collect()
    }

    /// Whether it is a retention whose fence can still be lifted.
    pub(super) fn is_open(&self, erasure: ErasureId) -> bool {
        self.open.contains_key(&erasure)
    }

    /// Whether a retention closed this bucket.
    pub(super) fn is_shut(&self, subject: SubjectId, compartment: Compartment) -> bool {
        self.shut.get(&subject).is_some_and(|shut| shut.iter().any(|(_, of)| *of == compartment))
    }

    /// The case of a subject, as far as it can be read.
    pub(super) fn case(&self, subject: SubjectId) -> Option<CaseId> {
        self.cases.get(&subject).copied()
    }

    /// When a compartment ends that an erasure left.
    pub(super) fn left(&self, subject: SubjectId, compartment: Compartment) -> Option<&End> {
        if let Some(delivered) = self.delivered.get(&(subject, compartment)) {
            return Some(delivered);
        }
        let left = self.left.get(&subject)?;
        left.iter().find(|(of, _)| *of == compartment).map(|(_, end)| end)
    }

    /// An address is over so many days behind the last day that a certificate went there.
    fn said(&mut self, erasure: ErasureId, on: Day) {
        let Some(address) = self.addresses.get(&erasure) else { return };
        let end = End { basis: Line::from_log(DELIVERED.to_owned()), until: kept_until(on) };
        if self.delivered.get(address).is_none_or(|known| known.until < end.until) {
            self.delivered.insert(*address, end);
        }
    }

    /// Whether or not anything ever goes there, an address ends.
    fn given(&mut self, erasure: ErasureId, address: (SubjectId, Compartment), on: Day) {
        self.addresses.insert(erasure, address);
        self.delivered.remove(&address);
        let end = End { basis: Line::from_log(UNDELIVERED.to_owned()), until: on.plus_days(UNDELIVERED_DAYS) };
        self.ends(address.0, address.1, &end);
    }

    /// Says when a compartment of a subject ends. Where it was said before, the later day counts.
    pub(super) fn ends(&mut self, subject: SubjectId, compartment: Compartment, end: &End) {
        let left = self.left.entry(subject).or_default();
        match left.iter_mut().find(|(of, _)| *of == compartment) {
            Some((_, known)) if known.until < end.until => *known = end.clone(),
            Some(_) => {}
            None => left.push((compartment, end.clone())),
        }
    }

    /// Takes a record's event and the owners of those of its parts that could be opened.
    pub(super) fn take(&mut self, place: &Place, event: &Event, parts: &[Owned]) {
        let Event::Case(event) = event else { return };
        let case = CaseId(place.stream.id);
        match event {
            subject::Event::Opened { .. } => {
                self.cases.extend(parts.iter().map(|part| (part.subject, case)));
            }
            subject::Event::RetentionOver { erasure, .. } => drop(self.open.insert(*erasure, (case, Vec::new()))),
            // Where the claims of somebody are gone, a part of a fence under what stays still says whose case it was.
            subject::Event::Fenced { .. } => {
                for part in parts {
                    self.cases.entry(part.subject).or_insert(case);
                }
            }
            subject::Event::Unfenced { erasure, .. } => {
                let (_, subjects) = self.open.remove(erasure).unwrap_or((case, Vec::new()));
                for subject in subjects {
                    self.shut.entry(subject).or_default().retain(|(by, _)| by != erasure);
                }
            }
            subject::Event::DestructionOrdered { erasure, .. } => drop(self.open.remove(erasure)),
            subject::Event::DeliveryAddressGiven { erasure, .. } => {
                if let Some(part) = parts.first() {
                    self.given(*erasure, (part.subject, part.compartment), place.effective_at.day());
                }
            }
            subject::Event::CertificateDelivered { erasure, on, .. } => self.said(*erasure, *on),
            subject::Event::ErasureRefused { erasure, .. } | subject::Event::ErasureWithdrawn { erasure } => {
                self.said(*erasure, place.effective_at.day());
            }
            _ => {}
        }
    }

    /// A retention closes the buckets it fenced, and nothing else.
    pub(super) fn shut(&mut self, erasure: ErasureId, subject: SubjectId, compartments: &[Compartment]) {
        if let Some((_, subjects)) = self.open.get_mut(&erasure) {
            subjects.push(subject);
        }
        self.shut.entry(subject).or_default().extend(compartments.iter().map(|compartment| (erasure, *compartment)));
    }
}
