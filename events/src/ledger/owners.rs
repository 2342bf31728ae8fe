//! Whose key is whose. It stands only inside sealed parts and is folded from them, at boot and behind every append.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use domain::backup::Backups;
use domain::compartment::Compartment;
use domain::event::{Event, Place};
use domain::id::{ActorId, CaseId, ErasureId, HoldId, KeyId, SubjectId};
use domain::leaving::Leave;
use domain::register::{End, LiveCompartment, Register, term};
use domain::subject::{self, ResidueKind, Survivor, redaction};
use domain::suppression::SuppressionAct;
use domain::time::{Day, Time};

use super::clock::Away;
use super::declarations::Declarations;
use super::ends::Ends;
use super::moves::{Moves, Now};
use crate::ids::{IdMap, IdSet};
use crate::log::PartPlace;
use crate::record::{PartRef, Record};

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

/// A legal hold that is not lifted. Whose it is stands under claims, which die no sooner than it is lifted.
struct Hold {
    subject: Option<SubjectId>,
    compartments: Vec<Compartment>,
    in_force: bool,
}

/// The keys of every subject that still has any, what is fenced, what is closed, and what was ordered to be destroyed.
#[derive(Default)]
pub struct Owners {
    keys: IdMap<SubjectId, Vec<(Compartment, KeyId)>>,
    owners: IdMap<KeyId, (SubjectId, Compartment)>,
    /// The erasure that fenced a key. The writer lets no second one fence it, so lifting a fence lifts nobody else's.
    fenced: IdMap<KeyId, ErasureId>,
    /// The compartment codes that stay open to new keys, by subject and erasure. It outlives the keys: a command that read
    /// whose something is before the fence comes too late also when everything is destroyed.
    closed: IdMap<SubjectId, BTreeMap<ErasureId, HashSet<u16>>>,
    /// Whom an erasure closed, for as long as its fence can be lifted.
    closes: BTreeMap<ErasureId, IdSet<SubjectId>>,
    ordered: IdSet<KeyId>,
    /// Orders of destruction that no certificate follows yet.
    orders: BTreeMap<ErasureId, Order>,
    lost: IdSet<KeyId>,
    holds: BTreeMap<HoldId, Hold>,
    declarations: Declarations,
    ends: Ends,
    backups: Backups,
    moves: Moves,
    leave: Leave,
    /// Where an operator said that it was earlier than the records before say, and what time it was then.
    earlier: Vec<(u64, Time)>,
    /// The day of the last restore that found keys destroyed by erasures that its log does not know.
    restored: Option<Day>,
    /// When the ledger was closed, since an operator last confirmed the time.
    away: Vec<Away>,
    /// Whether addresses were put on the suppression list of this keyring.
    listed: bool,
    /// Who said, of which keys that wait, that no newer log exists.
    nothing_newer: ([u8; 32], BTreeSet<ActorId>),
    /// When the last record was written.
    last: Option<Time>,
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

    /// Everybody who has a key.
    pub(super) fn subjects(&self) -> Vec<SubjectId> {
        self.keys.keys().copied().collect()
    }

    /// What is known of the end of keys that nobody asked to be destroyed.
    pub(super) fn ends(&self) -> &Ends {
        &self.ends
    }

    /// When a compartment ends that an erasure left. Where a restore lost the certificate that said so, nothing lives of the
    /// subject but what some erasure left, and its time counts from the day of the restore: no sooner than was promised.
    pub(super) fn left(&self, register: &Register, subject: SubjectId, compartment: Compartment) -> Option<End> {
        if let Some(end) = self.ends.left(subject, compartment) {
            return Some(end.clone());
        }
        let day = self.restored.filter(|_| compartment.year().is_none())?;
        if self.key(subject, Compartment::Relationship).is_some() {
            return None;
        }
        let (basis, until) = term(register, LiveCompartment { compartment, last_record: day }, day).ok()??;
        Some(End { basis, until })
    }

    /// The erasure or retention that fenced a key.
    pub(super) fn fenced_by(&self, key: &KeyId) -> Option<ErasureId> {
        self.fenced.get(key).copied()
    }

    /// Whose key it is.
    pub fn owner(&self, key: &KeyId) -> Option<(SubjectId, Compartment)> {
        self.owners.get(key).copied()
    }

    /// Whether parts under this key are withheld.
    pub fn is_fenced(&self, key: &KeyId) -> bool {
        self.fenced.contains_key(key)
    }

    /// Every key that is fenced.
    pub fn fenced(&self) -> impl Iterator<Item = &KeyId> {
        self.fenced.keys()
    }

    /// Another erasure that took one of these keys. A key is fenced once: what two erasures shared would be destroyed by the
    /// first, also when the second is withdrawn.
    pub fn taken(&self, keys: &[KeyId], erasure: ErasureId) -> Option<ErasureId> {
        let fenced = keys.iter().find_map(|key| self.fenced.get(key).copied().filter(|by| *by != erasure));
        let of_order = |key: &KeyId| {
            let order = self.orders.iter().find(|(by, order)| **by != erasure && order.keys.contains(key));
            order.map(|(by, _)| *by)
        };
        fenced.or_else(|| keys.iter().filter(|key| self.ordered.contains(key)).find_map(of_order))
    }

    /// A legal hold in force that covers one of these keys. An erasure reaches people by their keys, in whoever's case it
    /// stands; a hold, by whose it is.
    pub fn keeping(&self, keys: &[KeyId]) -> Option<HoldId> {
        if self.holds.is_empty() {
            return None;
        }
        let owned: Vec<(SubjectId, Compartment)> = keys.iter().filter_map(|key| self.owner(key)).collect();
        let covers = |hold: &Hold| {
            let own = owned.iter().filter(|(subject, _)| Some(*subject) == hold.subject);
            hold.in_force && own.into_iter().any(|(_, compartment)| subject::covers(&hold.compartments, *compartment))
        };
        self.holds.iter().find(|(_, hold)| covers(hold)).map(|(id, _)| *id)
    }

    /// A legal hold in force, whatever it covers.
    pub fn in_force(&self) -> Option<HoldId> {
        self.holds.iter().find(|(_, hold)| hold.in_force).map(|(id, _)| *id)
    }

    /// How far the controller has come that leaves.
    pub fn leaving(&self) -> &Leave {
        &self.leave
    }

    /// The erasure that ordered keys to be destroyed which a hold would keep, of any of its compartments: it is under way,
    /// so the hold comes too late.
    pub fn too_late(&self, subject: SubjectId, compartments: &[Compartment]) -> Option<ErasureId> {
        let wanted = |key: &KeyId| {
            let owner = self.owner(key).filter(|(of, _)| *of == subject);
            owner.is_some_and(|(_, compartment)| subject::covers(compartments, compartment))
        };
        self.orders.iter().find(|(_, order)| order.keys.iter().any(wanted)).map(|(erasure, _)| *erasure)
    }

    /// Whose a hold is and what it covers, while it is not lifted and that can be read.
    pub fn hold(&self, id: HoldId) -> Option<(SubjectId, &[Compartment])> {
        self.holds.get(&id).and_then(|hold| Some((hold.subject?, hold.compartments.as_slice())))
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

    /// Which backups there are: what is destroyed here may still be sealed in those from before.
    pub fn backups(&self) -> &Backups {
        &self.backups
    }

    /// Orders of destruction without a certificate, by erasure.
    pub(super) fn orders(&self) -> impl Iterator<Item = (&ErasureId, &Order)> {
        self.orders.iter()
    }

    /// Whether a part may join behind all that was taken so far.
    pub fn admit(&self, part: &Owned) -> Result<(), Turned> {
        if self.fenced.contains_key(&part.key) {
            return Err(Turned::Fenced);
        }
        // A redaction gave what stays another key: whoever sealed under the old one does so again.
        if self.ordered.contains(&part.key) {
            let is_closed = self.is_closed(part.subject, part.compartment);
            return Err(if is_closed { Turned::Fenced } else { Turned::OtherKey });
        }
        match self.key(part.subject, part.compartment) {
            Some(key) if key == part.key => Ok(()),
            Some(_) => Err(Turned::OtherKey),
            None if self.is_closed(part.subject, part.compartment) => Err(Turned::Fenced),
            None => Ok(()),
        }
    }

    /// Whether what was resealed from a key may join behind all that was taken so far.
    pub fn admit_resealed(&self, from: &KeyId, parts: &[Owned]) -> Result<(), Turned> {
        if self.fenced.contains_key(from) || self.ordered.contains(from) {
            return Err(Turned::Fenced);
        }
        let follows = |part: &Owned| self.key(part.subject, part.compartment) == Some(*from);
        if parts.iter().all(follows) { Ok(()) } else { Err(Turned::OtherKey) }
    }

    /// Where a part is by what stands before a position, if it was resealed. What this has taken and what is durable differ
    /// while a batch is written.
    pub fn moved(&self, origin: &PartPlace, before: u64) -> Option<Now> {
        self.moves.now(origin, before)
    }

    /// The key that each part of a record is under by what stands before a position; none where it went with a redaction.
    pub fn keys_now(&self, record: &Record<'_>, before: u64) -> Vec<Option<KeyId>> {
        let place = |part| PartPlace { position: record.position, part };
        let now = |(number, part): (u16, &PartRef)| match self.moved(&place(number), before) {
            Some(now) => now.key,
            None => Some(part.key),
        };
        (0..).zip(&record.personal).map(now).collect()
    }

    /// Whether anything was ever resealed.
    pub fn has_moved(&self) -> bool {
        !self.moves.is_empty()
    }

    /// The part of which record a part is that may have been resealed.
    pub fn origin(&self, place: PartPlace) -> PartPlace {
        self.moves.origin(place)
    }

    /// What was resealed under a key, by the records that it was made for.
    pub fn moved_under(&self, key: &KeyId) -> &[PartPlace] {
        self.moves.under(key)
    }

    /// What a redaction moved or left behind, by the records that it was made for.
    pub fn touched(&self, redaction: ErasureId) -> &[PartPlace] {
        self.moves.touched(redaction)
    }

    /// The leaves that a part lost to redactions, by their numbers.
    pub fn leaves_gone(&self, origin: &PartPlace) -> &[u32] {
        self.moves.gone(origin)
    }

    /// Takes a record's event and the owners of those of its parts that could be opened.
    pub fn take(&mut self, place: &Place, event: &Event, parts: &[Owned]) {
        for part in parts {
            self.own(part);
        }
        self.declarations.take(place, event);
        let is_retention =
            matches!(event, Event::Case(subject::Event::Fenced { erasure, .. }) if self.ends.is_open(*erasure));
        self.ends.take(place, event, parts);
        match event {
            Event::Case(subject::Event::Fenced { erasure, keys, compartments, .. }) => {
                self.fenced.extend(keys.iter().map(|key| (*key, *erasure)));
                if is_retention {
                    self.shut(*erasure, keys, compartments, parts);
                } else {
                    self.close(*erasure, keys, parts);
                }
            }
            Event::Case(subject::Event::Unfenced { erasure, keys, .. }) => {
                for key in keys {
                    if self.fenced.get(key) == Some(erasure) {
                        self.fenced.remove(key);
                    }
                }
                self.reopen(*erasure);
            }
            Event::Case(subject::Event::Redaction(redaction::Event::Resealed {
                redaction,
                from,
                to,
                resealed,
                ..
            })) => {
                self.moves.take(place.position, *redaction, *to, resealed);
                // Whose the old key is, is still asked until it is gone.
                if let Some((subject, _)) = self.owners.get(from) {
                    self.keys.get_mut(subject).into_iter().for_each(|keys| keys.retain(|(_, key)| key != from));
                }
            }
            Event::Case(subject::Event::DestructionOrdered { erasure, keys, .. }) => {
                self.ordered.extend(keys.iter().copied());
                let order = Order { case: CaseId(place.stream.id), actor: place.actor, keys: keys.clone() };
                self.orders.insert(*erasure, order);
            }
            Event::Case(subject::Event::Certified { erasure, certificate }) => {
                self.orders.remove(erasure);
                let reached = self.closes.remove(erasure).unwrap_or_default();
                self.leave(&reached, &certificate.survives);
            }
            Event::Case(subject::Event::HoldPlaced { hold, compartments, .. }) => {
                let subject = parts.first().map(|part| part.subject);
                let compartments = compartments.clone();
                self.holds.insert(*hold, Hold { subject, compartments, in_force: false });
            }
            Event::Case(subject::Event::HoldApproved { hold }) => {
                self.holds.get_mut(hold).into_iter().for_each(|hold| hold.in_force = true);
            }
            Event::Case(subject::Event::HoldLifted { hold }) => {
                self.holds.remove(hold);
            }
            // No part follows a key that is gone, and the record itself says that it was destroyed.
            Event::Log(domain::ledger::Event::ErasedBefore { keys, .. }) => {
                self.ordered.extend(keys.iter().copied());
                self.restored = Some(place.recorded_at.day());
            }
            Event::Log(domain::ledger::Event::KeysLost { keys }) => {
                self.lost.extend(keys.iter().copied());
                // With a new keyring begins a new list.
                self.listed = false;
            }
            Event::Log(domain::ledger::Event::Suppressed(said)) if said.act == SuppressionAct::Added => {
                self.listed = true;
            }
            Event::Case(subject::Event::ResiduesNamed { residues, .. }) => {
                self.listed |= residues.iter().any(|residue| residue.kind == ResidueKind::SuppressionList);
            }
            Event::Log(domain::ledger::Event::ClockConfirmed { now }) => {
                self.away.clear();
                if *now < place.recorded_at {
                    self.earlier.push((place.position, *now));
                }
            }
            Event::Log(domain::ledger::Event::NothingNewer { digest, .. }) => {
                if self.nothing_newer.0 != *digest {
                    self.nothing_newer = (*digest, BTreeSet::new());
                }
                self.nothing_newer.1.insert(place.actor);
            }
            Event::Log(domain::ledger::Event::BackedUp(run)) => self.backups.take(run.clone()),
            Event::Log(event) => self.leave.evolve((place.position, place.recorded_at, place.actor), event),
            _ => {}
        }
        if matches!(event, Event::Log(domain::ledger::Event::Continued(_))) {
            self.nothing_newer = Default::default();
        }
        self.pass(place.recorded_at, event);
    }

    /// Some records are written first when the ledger was closed.
    fn pass(&mut self, at: Time, event: &Event) {
        use domain::ledger::Event::{Continued, KeysLost, Reopened};
        let after = self.last.replace(at);
        if let (Some(since), Event::Log(Reopened | KeysLost { .. } | Continued(_))) = (after, event) {
            self.away.extend(Away::between(since, at));
        }
    }

    /// Whether addresses were put on the suppression list, so that there is one.
    pub fn is_listed(&self) -> bool {
        self.listed
    }

    /// Who said of these keys, by their digest, that no newer log exists.
    pub(super) fn said_nothing_newer(&self, digest: &[u8; 32]) -> BTreeSet<ActorId> {
        let (of, who) = &self.nothing_newer;
        if of == digest { who.clone() } else { BTreeSet::new() }
    }

    /// When the ledger was closed, since an operator last confirmed the time.
    pub(super) fn away(&self) -> &[Away] {
        &self.away
    }

    /// Whether anything here waits, or may wait, for time to pass: a fence, what a certificate names, or a controller that leaves.
    pub(super) fn waits(&self) -> bool {
        !self.fenced.is_empty() || !self.ordered.is_empty() || self.leave.approved_at().is_some()
    }

    /// When a record was written at the latest: what it says, or what an operator said behind it.
    pub fn written_at(&self, position: u64, recorded_at: Time) -> Time {
        let behind = self.earlier.iter().filter(|(at, _)| *at > position).map(|(_, now)| *now);
        behind.fold(recorded_at, Time::min)
    }

    /// What was declared about the devices that hold the keys' root.
    pub fn declarations(&self) -> &Declarations {
        &self.declarations
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
            }
        }
    }

    fn own(&mut self, part: &Owned) {
        if self.owners.insert(part.key, (part.subject, part.compartment)).is_none() {
            self.keys.entry(part.subject).or_default().push((part.compartment, part.key));
        }
    }

    /// An erasure closes every compartment of its subjects to new keys, but for the kinds that stay.
    fn close(&mut self, erasure: ErasureId, fenced: &[KeyId], parts: &[Owned]) {
        let of_keys = fenced.iter().filter_map(|key| self.owners.get(key)).map(|(subject, _)| *subject);
        let subjects: IdSet<SubjectId> = of_keys.chain(parts.iter().map(|part| part.subject)).collect();
        for subject in &subjects {
            let stays = self.keys_of(*subject).iter().filter(|(_, key)| !fenced.contains(key));
            let stays = stays.map(|(compartment, _)| compartment.code().0).collect();
            self.closed.entry(*subject).or_default().insert(erasure, stays);
        }
        self.closes.insert(erasure, subjects);
    }

    /// A retention closes the buckets it fenced. Whose they are, say its parts, and the keys while they are known.
    fn shut(&mut self, erasure: ErasureId, fenced: &[KeyId], compartments: &[Compartment], parts: &[Owned]) {
        let of_keys = fenced.iter().filter_map(|key| self.owners.get(key)).map(|(subject, _)| *subject);
        let subjects: IdSet<SubjectId> = of_keys.chain(parts.iter().map(|part| part.subject)).collect();
        subjects.into_iter().for_each(|subject| self.ends.shut(erasure, subject, compartments));
    }

    /// What an erasure left of those it reached ends on the days that its certificate says.
    fn leave(&mut self, reached: &IdSet<SubjectId>, survives: &[Survivor]) {
        for subject in reached {
            let kept: Vec<Compartment> = self.keys_of(*subject).iter().map(|(compartment, _)| *compartment).collect();
            for Survivor { compartment, basis, until } in survives.iter().filter(|it| kept.contains(&it.compartment)) {
                self.ends.ends(*subject, *compartment, &End { basis: basis.clone(), until: *until });
            }
        }
    }

    fn reopen(&mut self, erasure: ErasureId) {
        for subject in self.closes.remove(&erasure).into_iter().flatten() {
            if let Some(closed) = self.closed.get_mut(&subject) {
                closed.remove(&erasure);
            }
        }
    }

    /// Closed means: an erasure is under way, or done, and the kind is not one of those that stay. No erasure closes the
    /// addresses of certificates: one may be given when there is a certificate to go there.
    pub fn is_closed(&self, subject: SubjectId, compartment: Compartment) -> bool {
        if self.ends.is_shut(subject, compartment) {
            return true;
        }
        if matches!(compartment, Compartment::Delivery(_)) {
            return false;
        }
        let code = compartment.code().0;
        self.closed.get(&subject).is_some_and(|closed| closed.values().any(|stays| !stays.contains(&code)))
    }
}

#[cfg(test)]
mod tests {
    use domain::event::{Stream, StreamKind};
    use domain::id::CommandId;
    use domain::subject::redaction::Resealed;
    use domain::time::Time;

    use super::*;

    const MARIA: SubjectId = SubjectId([1; 16]);

    fn take(owners: &mut Owners, position: u64, event: subject::Event, parts: &[Owned]) {
        let stream = Stream { kind: StreamKind::Case, id: [2; 16] };
        let (recorded_at, effective_at, actor, command) = (Time(0), Time(0), ActorId([3; 16]), CommandId([4; 16]));
        let place =
            Place { position, stream, revision: position, recorded_at, effective_at, actor, command, hash: [0; 32] };
        owners.take(&place, &Event::Case(event), parts);
    }

    fn part(key: u8) -> Owned {
        Owned { subject: MARIA, compartment: Compartment::Support(2026), key: KeyId([key; 16]) }
    }

    /// It was told that an erasure had been approved, which was not so, and of a new stream for good.
    #[test]
    fn what_was_sealed_while_a_redaction_came_is_sealed_again() {
        let mut owners = Owners::default();
        let erasure = ErasureId([5; 16]);
        take(&mut owners, 0, subject::Event::ErasureApproved { erasure }, &[part(1)]);
        assert_eq!(owners.admit(&part(1)), Ok(()));
        let (from, to) = (KeyId([1; 16]), Some(KeyId([9; 16])));
        let compartment = Compartment::Support(2026);
        let (resealed, more) = (Resealed::default(), false);
        let resealed = redaction::Event::Resealed { redaction: erasure, compartment, from, to, resealed, more };
        take(&mut owners, 1, subject::Event::Redaction(resealed), &[part(9)]);
        let ordered = subject::Event::DestructionOrdered { erasure, keys: vec![from], epoch_before: 1 };
        take(&mut owners, 2, ordered, &[]);
        assert_eq!(owners.admit(&part(1)), Err(Turned::OtherKey));
        assert_eq!(owners.admit(&part(9)), Ok(()));

        let (erasure, keys, closed) = (ErasureId([6; 16]), vec![KeyId([9; 16])], Vec::new());
        let compartments = vec![compartment];
        take(&mut owners, 3, subject::Event::Fenced { erasure, compartments, keys: keys.clone(), closed }, &[]);
        assert_eq!(owners.admit(&part(9)), Err(Turned::Fenced));
        take(&mut owners, 4, subject::Event::DestructionOrdered { erasure, keys: keys.clone(), epoch_before: 2 }, &[]);
        owners.forget(&keys);
        assert_eq!(owners.admit(&part(9)), Err(Turned::Fenced), "and stays so");
    }
}
