//! A view that keeps a mark of every fact and every value it was given, and drops what a fence withholds: what was followed
//! live and what was replayed must leave the same marks.

use std::collections::BTreeMap;

use domain::compartment::Compartment;
use domain::event::{Event, Follow, Recorded};
use domain::id::SubjectId;
use domain::subject;
use events::wire;

type Mark = [u8; 32];

/// Everything that was followed.
#[derive(Default)]
pub struct Collected {
    facts: BTreeMap<u64, Fact>,
}

struct Fact {
    hash: Mark,
    /// Whose values it has and a mark of them, where all of them can be read.
    values: Option<(Vec<(SubjectId, Compartment)>, Mark)>,
}

impl Follow for Collected {
    fn follow(&mut self, records: Vec<Recorded>) {
        for Recorded { place, event } in records {
            let fact = Fact { hash: place.hash, values: values(&event) };
            // What comes again brings values back and changes nothing else.
            let news = self.facts.insert(place.position, fact).is_none();
            if let Event::Case(subject::Event::Fenced { closed, .. }) = &event
                && news
            {
                for closed in closed.iter().filter_map(|closed| closed.here()) {
                    self.forget(closed.subject(), &closed.expose().compartments);
                }
            }
        }
    }
}

impl Collected {
    /// How many facts.
    pub fn len(&self) -> usize {
        self.facts.len()
    }

    pub fn is_empty(&self) -> bool {
        self.facts.is_empty()
    }

    /// One mark of all of it.
    pub fn digest(&self) -> Mark {
        let mut hasher = blake3::Hasher::new();
        for (position, fact) in &self.facts {
            hasher.update(&position.to_be_bytes());
            hasher.update(&fact.hash);
            hasher.update(&fact.values.as_ref().map_or([0; 32], |(_, mark)| *mark));
        }
        *hasher.finalize().as_bytes()
    }

    /// The positions whose marks differ.
    pub fn differences(&self, other: &Self) -> Vec<u64> {
        let mark =
            |of: &Self, at: &u64| of.facts.get(at).map(|fact| (fact.hash, fact.values.as_ref().map(|(_, mark)| *mark)));
        let all = self.facts.keys().chain(other.facts.keys().filter(|at| !self.facts.contains_key(at)));
        all.filter(|at| mark(self, at) != mark(other, at)).copied().collect()
    }

    /// How many records of a subject have values.
    pub fn held_of(&self, subject: SubjectId) -> usize {
        let of = |fact: &&Fact| {
            fact.values.as_ref().is_some_and(|(owners, _)| owners.iter().any(|(owner, _)| *owner == subject))
        };
        self.facts.values().filter(of).count()
    }

    fn forget(&mut self, subject: SubjectId, compartments: &[Compartment]) {
        for fact in self.facts.values_mut() {
            fact.values = fact.values.take().filter(|(owners, _)| {
                !owners.iter().any(|(owner, compartment)| *owner == subject && compartments.contains(compartment))
            });
        }
    }
}

fn values(event: &Event) -> Option<(Vec<(SubjectId, Compartment)>, Mark)> {
    let written = wire::write(event).ok()?;
    let mut hasher = blake3::Hasher::new();
    for part in &written.parts {
        part.fields.iter().for_each(|field| {
            hasher.update(blake3::hash(field).as_bytes());
        });
    }
    let owners = written.parts.iter().map(|part| (part.subject, part.compartment)).collect();
    Some((owners, *hasher.finalize().as_bytes()))
}
