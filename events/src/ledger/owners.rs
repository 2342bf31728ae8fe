//! Whose key is whose. It stands only inside sealed parts and is folded from them, at boot and behind every append.

use std::collections::{BTreeMap, HashSet};

use domain::compartment::Compartment;
use domain::event::{Event, Place};
use domain::id::{ActorId, CaseId, ErasureId, KeyId, SubjectId};
use domain::subject;

use crate::ids::{IdMap, IdSet};

/// A part's owner, as its sealed bytes say.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Owned {
    /// Whose.
    pub subject: SubjectId,
    /// What it dies with.
    pub compartment: Compartment,
    /// Under which key.
    pub key: KeyId,
}

/// Why a part may not join the log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Turned {
    /// Its key is fenced, or its compartment is closed.
    Fenced,
    /// Somebody else was first to give this compartment a key.
    OtherKey,
}

/// An order of destruction.
pub(super) struct Order {
    /// Where it was given.
    pub(super) case: CaseId,
    /// By whom.
    pub(super) actor: ActorId,
    /// The keys that die.
    pub(super) keys: Vec<KeyId>,
}

/// The keys of every subject that still has any, what is fenced, what is closed, and what was ordered to be destroyed.
#[derive(Default)]
pub struct Owners {
    keys: IdMap<SubjectId, Vec<(Compartment, KeyId)>>,
    owners: IdMap<KeyId, (SubjectId, Compartment)>,
    fenced: IdSet<KeyId>,
    /// Compartment codes that may get no new key, by subject.
    closed: IdMap<SubjectId, HashSet<u16>>,
    ordered: IdSet<KeyId>,
    /// Orders of destruction that no certificate follows yet.
    orders: BTreeMap<ErasureId, Order>,
    lost: IdSet<KeyId>,
}

impl Owners {
    /// The key of a compartment, where it has one.
    pub fn key(&self, subject: SubjectId, compartment: Compartment) -> Option<KeyId> {
        self.keys_of(subject).iter().find(|(of, _)| *of == compartment).map(|(_, key)| *key)
    }

    /// Every key of a subject, in the order they were first used.
    pub fn keys_of(&self, subject: SubjectId) -> &[(Compartment, KeyId)] {
        self.keys.get(&subject).map_or(&[], Vec::as_slice)
    }

    /// Whose key it is.
    pub fn owner(&self, key: &KeyId) -> Option<(SubjectId, Compartment)> {
        self.owners.get(key).copied()
    }

    /// Whether parts under this key are withheld.
    pub fn is_fenced(&self, key: &KeyId) -> bool {
        self.fenced.contains(key)
    }

    /// Every key that is fenced.
    pub fn fenced(&self) -> impl Iterator<Item = &KeyId> {
        self.fenced.iter()
    }

    /// Whether a record ordered the destruction of this key.
    pub fn is_ordered(&self, key: &KeyId) -> bool {
        self.ordered.contains(key)
    }

    /// Every key whose destruction was certified.
    pub fn certified(&self) -> impl Iterator<Item = &KeyId> {
        let open: HashSet<&KeyId> = self.orders.values().flat_map(|order| &order.keys).collect();
        self.ordered.iter().filter(move |key| !open.contains(key))
    }

    /// Whether a record declared this key lost.
    pub fn is_lost(&self, key: &KeyId) -> bool {
        self.lost.contains(key)
    }

    /// Orders of destruction without a certificate, by erasure.
    pub(super) fn orders(&self) -> impl Iterator<Item = (&ErasureId, &Order)> {
        self.orders.iter()
    }

    /// Whether a part may join behind all that was taken so far.
    pub fn admit(&self, part: &Owned) -> Result<(), Turned> {
        if self.fenced.contains(&part.key) || self.ordered.contains(&part.key) {
            return Err(Turned::Fenced);
        }
        match self.key(part.subject, part.compartment) {
            Some(key) if key == part.key => Ok(()),
            Some(_) => Err(Turned::OtherKey),
            None if self.is_closed(part.subject, part.compartment) => Err(Turned::Fenced),
            None => Ok(()),
        }
    }

    /// Takes a record's event and the owners of those of its parts that could be opened.
    pub fn take(&mut self, place: &Place, event: &Event, parts: &[Owned]) {
        for part in parts {
            self.own(part);
        }
        match event {
            Event::Case(subject::Event::Fenced { keys, .. }) => {
                self.fenced.extend(keys.iter().copied());
                self.close(keys, parts);
            }
            Event::Case(subject::Event::Unfenced { keys, .. }) => {
                for key in keys {
                    self.fenced.remove(key);
                    if let Some((subject, _)) = self.owners.get(key) {
                        self.closed.remove(subject);
                    }
                }
            }
            Event::Case(subject::Event::DestructionOrdered { erasure, keys, .. }) => {
                self.ordered.extend(keys.iter().copied());
                let order = Order { case: CaseId(place.stream.id), actor: place.actor, keys: keys.clone() };
                self.orders.insert(*erasure, order);
            }
            Event::Case(subject::Event::Certified { erasure, .. }) => {
                self.orders.remove(erasure);
            }
            Event::Log(domain::ledger::Event::KeysLost { keys }) => self.lost.extend(keys.iter().copied()),
            _ => {}
        }
    }

    /// Forgets the owners of keys that were destroyed.
    pub fn forget(&mut self, keys: &[KeyId]) {
        for key in keys {
            self.fenced.remove(key);
            let Some((subject, _)) = self.owners.remove(key) else { continue };
            let Some(held) = self.keys.get_mut(&subject) else { continue };
            held.retain(|(_, of)| of != key);
            if held.is_empty() {
                self.keys.remove(&subject);
                self.closed.remove(&subject);
            }
        }
    }

    fn own(&mut self, part: &Owned) {
        if self.owners.insert(part.key, (part.subject, part.compartment)).is_none() {
            self.keys.entry(part.subject).or_default().push((part.compartment, part.key));
        }
    }

    /// An erasure closes every compartment of its subjects to new keys, but for the kinds that stay.
    fn close(&mut self, fenced: &[KeyId], parts: &[Owned]) {
        let of_keys = fenced.iter().filter_map(|key| self.owners.get(key)).map(|(subject, _)| *subject);
        let subjects: IdSet<SubjectId> = of_keys.chain(parts.iter().map(|part| part.subject)).collect();
        for subject in subjects {
            let stays = self.keys_of(subject).iter().filter(|(_, key)| !fenced.contains(key));
            let stays = stays.map(|(compartment, _)| compartment.code().0).collect();
            self.closed.insert(subject, stays);
        }
    }

    /// Closed means: an erasure is under way and the kind is not one of those that stay.
    fn is_closed(&self, subject: SubjectId, compartment: Compartment) -> bool {
        self.closed.get(&subject).is_some_and(|stays| !stays.contains(&compartment.code().0))
    }
}
