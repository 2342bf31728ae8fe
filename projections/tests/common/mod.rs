//! A small world to tell stories in: a log with keys that can be fenced and destroyed, and the views that follow it.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::collections::{BTreeMap, BTreeSet};

use domain::compartment::Compartment;
use domain::event::{Event, Follow, Place, Recorded, Stream, StreamKind};
use domain::id::{ActorId, CommandId, ContactId, KeyId, OrganizationId, PointId, SubjectId};
use domain::personal::{Gone, Held, Personal};
use domain::point::{Point, PointKind};
use domain::time::{Day, Time};
use domain::value::Line;
use domain::{actor, consent, contact, organization, quote, subject, ticket};
use projections::Views;

/// Whose key, and of what.
pub type Key = (SubjectId, Compartment);

/// How a key stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum KeyState {
    Fenced,
    Destroyed,
}

/// When parts under keys that are fenced now begin to read as withheld, while a log is folded anew.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fences {
    /// At the record that fenced them, as it was live.
    AtTheirRecord,
    /// From the first record on.
    FromTheStart,
}

/// Numbers that are the same for the same seed.
#[derive(Default)]
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, n: usize) -> usize {
        (self.roll() % n as u64) as usize
    }

    pub fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    pub fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }

    pub fn id(&mut self) -> [u8; 16] {
        (u128::from(self.roll()) << 64 | u128::from(self.roll())).to_le_bytes()
    }
}

/// A log in memory with everything it ever held, and the views that follow it.
#[derive(Default)]
pub struct World {
    pub log: Vec<Recorded>,
    pub revisions: BTreeMap<[u8; 16], u64>,
    pub keys: BTreeMap<Key, KeyState>,
    pub views: Views,
    pub now: i64,
}

impl World {
    /// Appends a record, and lets the views follow.
    pub fn append(&mut self, kind: StreamKind, id: [u8; 16], event: impl Into<Event>) -> u64 {
        self.append_late(kind, id, event, Time(self.now))
    }

    /// The same of what became true earlier.
    pub fn append_late(&mut self, kind: StreamKind, id: [u8; 16], event: impl Into<Event>, effective_at: Time) -> u64 {
        let revision = self.revisions.entry(id).or_default();
        let place = Place {
            position: self.log.len() as u64,
            stream: Stream { kind, id },
            revision: *revision,
            recorded_at: Time(self.now),
            effective_at,
            actor: ActorId([9; 16]),
            command: CommandId([8; 16]),
            hash: [0; 32],
        };
        *revision += 1;
        let recorded = Recorded { place, event: event.into() };
        self.log.push(recorded.clone());
        self.views.follow(vec![recorded]);
        place.position
    }

    /// The next record is of a later day.
    pub fn pass_days(&mut self, days: i64) {
        self.now += days * Time::DAY_MS;
    }

    pub fn today(&self) -> Day {
        Time(self.now).day()
    }

    /// Everything the views hold, as bytes.
    pub fn digest(views: &Views) -> Vec<u8> {
        let mut all = Vec::new();
        views.write_digest(&mut |bytes| all.extend_from_slice(bytes));
        all
    }

    /// The records before a position of the streams that have a part under one of these keys, as they can be opened with
    /// the keys as they are then.
    pub fn again(&self, keys: &[Key], before: u64, states: &BTreeMap<Key, KeyState>) -> Vec<Recorded> {
        let touched: BTreeSet<Stream> = self
            .log
            .iter()
            .filter(|record| parts(record).iter().any(|key| keys.contains(key)))
            .map(|record| record.place.stream)
            .collect();
        let earlier =
            self.log.iter().filter(|record| record.place.position < before && touched.contains(&record.place.stream));
        earlier.map(|record| opened(record, states)).collect()
    }

    /// Folds the log anew, as a boot does: what is destroyed is gone from the start. In batches of one, lists are made on the
    /// way; else at the end.
    pub fn replay(&self, batch: usize, fences: Fences) -> Views {
        let gone = |state: &KeyState| *state == KeyState::Destroyed || fences == Fences::FromTheStart;
        let gone_now = self.keys.iter().filter(|(_, state)| gone(state));
        let mut states: BTreeMap<Key, KeyState> = gone_now.map(|(key, state)| (*key, *state)).collect();
        let from_the_start = states.clone();
        let mut views = Views::default();
        if batch > 1 {
            views.replay();
        }
        let mut waiting = Vec::new();
        for record in &self.log {
            waiting.push(opened(record, &states));
            match &record.event {
                Event::Case(subject::Event::Fenced { keys, .. }) => {
                    views.follow(std::mem::take(&mut waiting));
                    for key in keys {
                        states.entry(self.owner(key)).or_insert(KeyState::Fenced);
                    }
                }
                Event::Case(subject::Event::Unfenced { keys, .. }) => {
                    views.follow(std::mem::take(&mut waiting));
                    let keys: Vec<Key> = keys.iter().map(|key| self.owner(key)).collect();
                    states.retain(|key, _| from_the_start.contains_key(key) || !keys.contains(key));
                    views.follow(self.again(&keys, record.place.position, &states));
                }
                _ if waiting.len() >= batch => views.follow(std::mem::take(&mut waiting)),
                _ => {}
            }
        }
        views.follow(waiting);
        if batch > 1 {
            views.replayed();
        }
        views
    }

    /// Whose key has this fingerprint.
    pub fn owner(&self, key: &KeyId) -> Key {
        let all: BTreeSet<Key> = self.log.iter().flat_map(parts).collect();
        all.into_iter().find(|owner| fingerprint(*owner) == *key).expect("a key of somebody")
    }

    /// Every compartment of a subject that any record has a part of.
    pub fn keys_of(&self, subject: SubjectId) -> BTreeSet<Compartment> {
        self.log
            .iter()
            .flat_map(parts)
            .filter(|(owner, _)| *owner == subject)
            .map(|(_, compartment)| compartment)
            .collect()
    }
}

/// A fingerprint that is one of nobody else's.
pub fn fingerprint((subject, compartment): Key) -> KeyId {
    let mut id = subject.0;
    let (code, bucket) = compartment.code();
    id[0] ^= code as u8;
    id[1] ^= bucket as u8;
    id[2] ^= (bucket >> 8) as u8;
    KeyId(id)
}

/// Under which keys a record's parts are.
pub fn parts(record: &Recorded) -> Vec<Key> {
    let mut keys = Vec::new();
    let mut event = record.event.clone();
    each_part(&mut event, &mut |key| {
        keys.push(key);
        None
    });
    keys
}

/// A record as it reads with these keys.
pub fn opened(record: &Recorded, states: &BTreeMap<Key, KeyState>) -> Recorded {
    let mut recorded = record.clone();
    each_part(&mut recorded.event, &mut |key| match states.get(&key)? {
        KeyState::Fenced => Some(Gone::Withheld),
        KeyState::Destroyed => Some(Gone::Erased),
    });
    recorded
}

type Ask<'a> = &'a mut dyn FnMut(Key) -> Option<Gone>;

fn close<T>(held: &mut Held<T>, ask: Ask<'_>) {
    if let Held::Here(part) = held
        && let Some(gone) = ask((Personal::subject(part), part.compartment()))
    {
        *held = Held::Gone(gone);
    }
}

fn each_part(event: &mut Event, ask: Ask<'_>) {
    match event {
        Event::Contact(contact::Event::Registered { profile, .. }) => close(profile, ask),
        Event::Contact(contact::Event::Changed { profile: Some(profile), .. }) => close(profile, ask),
        Event::Contact(contact::Event::PointAdded { point }) => close(point, ask),
        Event::Contact(contact::Event::PointRetired { point }) => close(point, ask),
        Event::Organization(organization::Event::Registered { profile, .. }) => close(profile, ask),
        Event::Organization(organization::Event::Changed { profile: Some(profile), .. }) => close(profile, ask),
        Event::Organization(organization::Event::PointAdded { point }) => close(point, ask),
        Event::Organization(organization::Event::PointRetired { point }) => close(point, ask),
        Event::Consents(consent::Event { person, .. }) => close(person, ask),
        Event::Ticket(ticket::Event::Opened { person, organization, .. }) => {
            person.iter_mut().for_each(|part| close(part, ask));
            organization.iter_mut().for_each(|part| close(part, ask));
        }
        Event::Ticket(ticket::Event::Replied { body, .. } | ticket::Event::NoteAdded { body, .. }) => close(body, ask),
        Event::Ticket(ticket::Event::Solved { solution }) => close(solution, ask),
        Event::Quote(quote::Event::Drafted { person, organization, .. }) => {
            person.iter_mut().for_each(|part| close(part, ask));
            organization.iter_mut().for_each(|part| close(part, ask));
        }
        Event::Quote(quote::Event::Revised { texts, .. }) => close(texts, ask),
        Event::Quote(quote::Event::Rejected { reason: Some(reason), .. }) => close(reason, ask),
        Event::Actor(actor::Event::Registered { profile, .. } | actor::Event::Changed { profile }) => {
            close(profile, ask)
        }
        Event::Actor(actor::Event::TokenIssued { label: Some(label), .. }) => close(label, ask),
        Event::Case(subject::Event::Opened { subject, .. }) => close(subject, ask),
        Event::Case(subject::Event::Linked { link } | subject::Event::Unlinked { link }) => close(link, ask),
        Event::Case(subject::Event::Disclosed { to, .. }) => close(to, ask),
        Event::Case(subject::Event::HoldPlaced { matter, .. }) => close(matter, ask),
        Event::Case(subject::Event::ErasureRequested { request, .. }) => close(request, ask),
        Event::Case(
            subject::Event::ErasureRefused { words: Some(words), .. }
            | subject::Event::Unfenced { words: Some(words), .. },
        ) => close(words, ask),
        Event::Case(subject::Event::Fenced { closed, .. }) => closed.iter_mut().for_each(|part| close(part, ask)),
        _ => {}
    }
}

pub fn line(text: &str) -> Line {
    Line::parse(text).expect("a line")
}

pub fn mail(id: [u8; 16], address: &str) -> Point {
    Point::parse(PointId(id), PointKind::Email, None, address, None).expect("a mail address")
}

/// A contact comes in.
pub fn register(world: &mut World, id: ContactId, subject: SubjectId, profile: contact::Profile) {
    let holding = holding();
    let profile = Held::new(subject, Compartment::Relationship, Box::new(profile));
    world.append(StreamKind::Contact, id.0, contact::Event::Registered { holding, profile });
}

/// An organization comes in.
pub fn found(world: &mut World, id: OrganizationId, subject: SubjectId, name: &str) {
    let profile = organization::Profile { name: Some(line(name)), ..Default::default() };
    let profile = Held::new(subject, Compartment::Relationship, Box::new(profile));
    world.append(StreamKind::Organization, id.0, organization::Event::Registered { holding: holding(), profile });
}

pub fn holding() -> domain::holding::Holding {
    let (source, reason) = (domain::holding::SourceKind::WebForm, domain::holding::ReasonKind::Enquiry);
    domain::holding::Holding { source, reason, hold_until: None }
}

pub fn named(first: &str, last: &str) -> contact::Profile {
    contact::Profile { first_name: Some(line(first)), last_name: Some(line(last)), ..Default::default() }
}
