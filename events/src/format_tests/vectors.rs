//! The log of the golden files: one record of every kind and more, in one chain, with fixed keys, salts and nonces.

use domain::compartment::Compartment;
use domain::event::{Event, Stream};
use domain::id::{ActorId, CommandId, LogId, SubjectId};
use domain::leaving::Leaving;
use domain::ledger::{self, TreeHead};
use domain::subject::{self, redaction};
use domain::time::Time;

use super::samples::{self, AT, LOG};
use crate::keyring::Key;
use crate::log::{Entry, Part, PartBytes};
use crate::record::{Draft, FORMAT_VERSION, Hash, Link, NO_HASH, PartRef, Record, hash};
use crate::seal::{Binding, Plain, Sealed, open, reseal_with, seal_with};
use crate::tree::{Frontier, leaf};
use crate::wire::{self, Written};

/// The records of the register: one command. All others have one each.
const TOGETHER: std::ops::Range<usize> = 58..61;

/// A record of the golden log with all that went into it.
pub struct Made {
    pub kind: &'static str,
    pub version: u16,
    pub facts: Vec<u8>,
    pub record: Vec<u8>,
    pub hash: Hash,
    pub parts: Vec<MadePart>,
}

/// One of its parts.
pub struct MadePart {
    pub plain: Plain,
    pub key: [u8; 32],
    pub salt: [u8; 64],
    pub nonce: [u8; 24],
    pub associated: Vec<u8>,
    pub sealed: Sealed,
}

impl Made {
    /// As the log takes it.
    pub fn entry(&self) -> Entry {
        let part = |part: &MadePart| Part {
            key: Key::new(part.key).fingerprint(),
            bytes: PartBytes::Present(part.sealed.bytes.clone()),
        };
        Entry { record: self.record.clone(), hash: self.hash, parts: self.parts.iter().map(part).collect() }
    }
}

/// The whole log.
pub fn log() -> Vec<Made> {
    let (mut made, mut streams, mut keys) = (Vec::<Made>::new(), Vec::new(), Vec::new());
    let all = samples::all();
    for (position, (stream, event)) in all.into_iter().enumerate() {
        let event = rooted(event, &made);
        let written = wire::write(&event).unwrap();
        let before: Vec<(usize, Hash)> =
            streams.iter().filter(|(of, _)| *of == stream).map(|(_, record)| *record).collect();
        // Every record of a case names the one before it as its cause.
        let index = if TOGETHER.contains(&position) { position - TOGETHER.start } else { 0 };
        let draft = Draft {
            stream,
            revision: before.len() as u64,
            kind: written.kind,
            version: written.version,
            effective_at: Time(AT.0 + 1_000 * position as i64 - 500 * i64::from(position > 0)),
            // Two people have a controller leave.
            actor: ActorId([if written.kind == "log.leave-approved" { 0xa1 } else { 0xa0 }; 16]),
            command: command_id(position - index),
            index: index as u16,
            count: if TOGETHER.contains(&position) { TOGETHER.len() as u16 } else { 1 },
            causation: before.last().filter(|_| written.kind.starts_with("case.")).map(|(cause, _)| *cause as u64),
            facts: written.facts.clone(),
            personal: Vec::new(),
        };
        let again = resealed(&event, &made, &draft);
        let record = record(&mut keys, position, (written, again), draft, &before, made.last());
        streams.push((stream, (position, record.hash)));
        made.push(record);
    }
    made
}

/// Puts in the roots of the records so far.
fn rooted(event: Event, made: &[Made]) -> Event {
    let tree = |size: usize| {
        let mut frontier = Frontier::new();
        made[..size].iter().for_each(|made| frontier.push(leaf(&made.record), &mut |_, _, _| ()));
        TreeHead { size: size as u64, root: frontier.root() }
    };
    match event {
        Event::Log(ledger::Event::Mapped { size, streams, .. }) => {
            let root = super::document::map_of(&made[..size as usize]).root();
            ledger::Event::Mapped { size, streams, root }.into()
        }
        Event::Log(ledger::Event::Continued(mut continued)) => {
            continued.restored = tree(made.len());
            continued.checkpoint = continued.checkpoint.map(|known| tree(known.size as usize));
            ledger::Event::Continued(continued).into()
        }
        // A request names the last export.
        Event::Log(ledger::Event::Leaving(Leaving::Requested { reason, export: Some(_) })) => {
            let export = made.iter().rposition(|made| made.kind == "log.exported").map(|position| position as u64);
            ledger::Event::Leaving(Leaving::Requested { reason, export }).into()
        }
        other => other,
    }
}

/// From a `log.continued` on, the id of the new log.
fn log_of(stream: Stream, last: Option<&Made>) -> LogId {
    let behind = last.is_some_and(|last| Record::parse(&last.record).unwrap().log == samples::NEXT_LOG);
    if behind || stream.id == samples::NEXT_LOG.0 { samples::NEXT_LOG } else { LOG }
}

fn command_id(number: usize) -> CommandId {
    let mut id = [0xcc; 16];
    id[15] = number as u8;
    CommandId(id)
}

fn record(
    keys: &mut Vec<(SubjectId, Compartment)>,
    position: usize,
    (written, again): (Written, Vec<MadePart>),
    mut draft: Draft,
    before: &[(usize, Hash)],
    last: Option<&Made>,
) -> Made {
    let Written { kind, version, facts, parts } = written;
    let log = log_of(draft.stream, last);
    let mut parts: Vec<MadePart> =
        (0..).zip(parts).map(|(number, plain)| part(keys, log, (position, number), plain, &draft)).collect();
    parts.extend(again);
    draft.personal.extend(parts.iter().map(|part| PartRef {
        compartment: part.plain.compartment,
        key: Key::new(part.key).fingerprint(),
        commitment: part.sealed.commitment,
    }));
    let link = Link {
        log,
        position: position as u64,
        recorded_at: Time(AT.0 + 1_000 * position as i64),
        previous: last.map_or(NO_HASH, |last| last.hash),
        previous_in_stream: before.last().map_or(NO_HASH, |(_, hash)| *hash),
    };
    let record = draft.write(&link).unwrap();
    let hash = hash(&record);
    Made { kind, version, facts, record, hash, parts }
}

/// The parts of a `case.resealed`: those that it moves, under the key `d1…`.
fn resealed(event: &Event, made: &[Made], draft: &Draft) -> Vec<MadePart> {
    let Event::Case(subject::Event::Redaction(redaction::Event::Resealed { resealed, .. })) = event else {
        return Vec::new();
    };
    let part = |(number, moved): (u8, &redaction::Moved)| {
        let from = &made[moved.of.position as usize];
        let (record, of) = (Record::parse(&from.record).unwrap(), moved.of.part as usize);
        let (part, key) = (&from.parts[of], Key::new([0xd1; 32]));
        let place = super::golden::binding(&record, of);
        let opened = open(&part.sealed.bytes, &Key::new(part.key), &place, &part.sealed.commitment).unwrap();
        let binding = Binding {
            format: FORMAT_VERSION,
            log: log_of(draft.stream, made.last()),
            stream: draft.stream,
            revision: draft.revision,
            kind: draft.kind,
            schema: draft.version,
            part: number,
            key: key.fingerprint(),
        };
        let nonce = [0x40 + 2 * number + 1; 24];
        let sealed = reseal_with(&opened, |leaf| moved.gone.contains(&(leaf as u32)), &key, &binding, nonce).unwrap();
        let mut plain = opened.plain.clone();
        moved.gone.iter().for_each(|leaf| plain.fields[*leaf as usize - 2].clear());
        MadePart { plain, key: [0xd1; 32], salt: part.salt, nonce, associated: binding.bytes(), sealed }
    };
    (0..).zip(&resealed.moved).map(part).collect()
}

/// Keys are `c1…`, `c2…` in the order of their first use; salt and nonce name position and part.
fn part(
    keys: &mut Vec<(SubjectId, Compartment)>,
    log: LogId,
    (position, number): (usize, u8),
    plain: Plain,
    draft: &Draft,
) -> MadePart {
    let of = (plain.subject, plain.compartment);
    let known = keys.iter().position(|known| *known == of).unwrap_or_else(|| {
        keys.push(of);
        keys.len() - 1
    });
    let key = [0xc1 + known as u8; 32];
    let (salt, nonce) = ([0x80 + position as u8; 64], [0x40 + 2 * number + 1; 24]);
    let stream: Stream = draft.stream;
    let binding = Binding {
        format: FORMAT_VERSION,
        log,
        stream,
        revision: draft.revision,
        kind: draft.kind,
        schema: draft.version,
        part: number,
        key: Key::new(key).fingerprint(),
    };
    let sealed = seal_with(&plain, &Key::new(key), &binding, &salt, nonce).unwrap();
    MadePart { plain, key, salt, nonce, associated: binding.bytes(), sealed }
}
