//! Whether what was resealed is what it was: the same commitment as the part of the record that it names, in the same
//! compartment, and out of the key that it says. Needs no key.

use std::collections::BTreeMap;

use domain::compartment::Compartment;
use domain::id::KeyId;
use domain::subject::redaction::{PartOf, Resealed};
use events::record::{Hash, Record};

use super::{Failed, Unsound};
use crate::source::Source;

/// What a `case.resealed` says of one part.
struct Claim {
    at: u64,
    of: PartOf,
    compartment: Compartment,
    from: KeyId,
    /// Key and commitment of what goes on; none for what was left behind.
    to: Option<(KeyId, Hash)>,
}

/// All of them, in their order.
#[derive(Default)]
pub(super) struct Claims(Vec<Claim>);

/// A part by the record that it was made for: what it is in, what hides it, and its key as far as it was followed.
struct Was {
    compartment: Compartment,
    commitment: Hash,
    key: Option<KeyId>,
}

impl Claims {
    /// Takes a record. What it says must hold with its own parts; whether it holds with those that it names, is seen later.
    pub fn take(
        &mut self,
        record: &Record<'_>,
        (compartment, from, to): (Compartment, KeyId, Option<KeyId>),
        resealed: &Resealed,
    ) -> Result<(), &'static str> {
        let at = record.position;
        for (moved, part) in resealed.moved.iter().zip(&record.personal) {
            if part.compartment != compartment || Some(part.key) != to {
                return Err("a part it moves is not under the key, or not in the compartment, that it names");
            }
            let to = Some((part.key, part.commitment));
            self.0.push(Claim { at, of: moved.of, compartment, from, to });
        }
        let dropped = resealed.dropped.iter().map(|of| Claim { at, of: *of, compartment, from, to: None });
        self.0.extend(dropped);
        let ahead = |of: &PartOf| of.position >= at;
        let named = resealed.moved.iter().map(|moved| &moved.of).chain(&resealed.dropped);
        if named.into_iter().any(ahead) { Err("it moves a part of a record that is not before it") } else { Ok(()) }
    }

    /// Holds all of them against the records that they name, which are read once more.
    pub fn confirm(&self, source: &Source) -> Result<(), Failed> {
        let Some(last) = self.0.iter().map(|claim| claim.of.position).max() else { return Ok(()) };
        let mut parts = self.named(source, last)?;
        for claim in &self.0 {
            let wrong = |reason: &str| Unsound::Facts { position: claim.at, reason: reason.to_owned() };
            let was = parts.get_mut(&claim.of).ok_or_else(|| wrong("it moves a part that there is not"))?;
            if was.key != Some(claim.from) || was.compartment != claim.compartment {
                return Err(wrong("it moves a part that was not under the key that it names").into());
            }
            if claim.to.is_some_and(|(_, commitment)| commitment != was.commitment) {
                return Err(wrong("what it seals anew is not what it was: its commitment is another").into());
            }
            was.key = claim.to.map(|(key, _)| key);
        }
        Ok(())
    }

    fn named(&self, source: &Source, last: u64) -> Result<BTreeMap<PartOf, Was>, Failed> {
        let mut parts: BTreeMap<PartOf, Was> = BTreeMap::new();
        let positions: std::collections::BTreeSet<u64> = self.0.iter().map(|claim| claim.of.position).collect();
        for (position, audited) in (0..=last).zip(source.records()) {
            let audited = audited?;
            let Ok(record) = Record::parse(&audited.record) else { continue };
            // What was moved is named by the record that it was made for, never by the one that moved it.
            if !positions.contains(&position) || record.kind == "case.resealed" {
                continue;
            }
            for (part, found) in (0..).zip(&record.personal) {
                let was = Was { compartment: found.compartment, commitment: found.commitment, key: Some(found.key) };
                parts.insert(PartOf { position, part }, was);
            }
        }
        Ok(parts)
    }
}
