//! What each part of an append, a boot and a verification costs, on one thread.

#![allow(clippy::unwrap_used, reason = "a benchmark that cannot be set up has nothing to measure")]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use domain::compartment::Compartment;
use domain::contact::{self, Profile};
use domain::event::{Event, Stream, StreamKind};
use domain::holding::{Holding, ReasonKind, SourceKind};
use domain::id::{ActorId, CommandId, KeyId, LogId, PointId, SubjectId};
use domain::ledger;
use domain::personal::Held;
use domain::point::{Point, PointKind};
use domain::profile::Address;
use domain::time::Time;
use domain::value::Line;
use events::chain::Chain;
use events::keyring::{FileAnchor, Key, Keyring};
use events::log::frame::{self, Sums};
use events::log::{Entry, Part, PartBytes};
use events::record::{Draft, Link, NO_HASH, PartRef, Record, hash};
use events::seal::{Binding, Plain, open, seal};
use events::tree::leaf;
use events::wire::{self, Written};

const LOG: LogId = LogId([5; 16]);

fn line(text: &str) -> Option<Line> {
    Some(Line::from_log(text.to_owned()))
}

/// A contact with ten fields and two points.
fn contact() -> Event {
    let mail = Point::parse(PointId([1; 16]), PointKind::Email, None, "maria.anders@example.org", None).unwrap();
    let phone = Point::parse(PointId([2; 16]), PointKind::Mobile, None, "+49 171 1234567", None).unwrap();
    let profile = Profile {
        salutation: line("Frau"),
        first_name: line("Maria"),
        last_name: line("Anders"),
        job_title: line("Sales Representative"),
        work_address: Some(Address {
            lines: vec![Line::from_log("Obere Str. 57".to_owned())],
            postcode: line("12209"),
            city: line("Berlin"),
            ..Address::default()
        }),
        points: vec![mail, phone],
        ..Profile::default()
    };
    let holding = Holding { source: SourceKind::Import, reason: ReasonKind::Contract, hold_until: None };
    let profile = Held::new(SubjectId([9; 16]), Compartment::Relationship, Box::new(profile));
    Event::Contact(contact::Event::Registered { holding, profile })
}

fn place(key: KeyId) -> Binding<'static> {
    Binding {
        format: 1,
        log: LOG,
        stream: Stream { kind: StreamKind::Contact, id: [6; 16] },
        revision: 0,
        kind: "contact.registered",
        schema: 1,
        part: 0,
        key,
    }
}

fn draft(position: u64, facts: &[u8], part: PartRef) -> Draft {
    let mut id = [6; 16];
    if let Some(bytes) = id.first_chunk_mut() {
        *bytes = position.to_be_bytes();
    }
    let (stream, kind) = match position {
        0 => (Stream { kind: StreamKind::Log, id }, "log.opened"),
        _ => (Stream { kind: StreamKind::Contact, id }, "contact.registered"),
    };
    Draft {
        stream,
        revision: 0,
        kind,
        version: 1,
        effective_at: Time(0),
        actor: ActorId([1; 16]),
        command: CommandId(id),
        index: 0,
        count: 1,
        causation: None,
        facts: facts.to_vec(),
        personal: vec![part],
    }
}

fn link(position: u64, previous: [u8; 32]) -> Link {
    Link { log: LOG, position, recorded_at: Time(0), previous, previous_in_stream: NO_HASH }
}

fn seals(criterion: &mut Criterion) {
    let key = Key::random().unwrap();
    let place = place(key.fingerprint());
    let three = Plain {
        subject: SubjectId([1; 16]),
        compartment: Compartment::Relationship,
        fields: vec![vec![2; 40], vec![3; 60], vec![4; 100]],
    };
    let one =
        Plain { subject: SubjectId([1; 16]), compartment: Compartment::Support(2026), fields: vec![vec![2; 508]] };
    let Written { parts, .. } = wire::write(&contact()).unwrap();
    let [contact, ..] = parts.as_slice() else { return };
    for (what, plain) in [("200 bytes in 3 fields", &three), ("500 bytes in 1 field", &one), ("a contact", contact)] {
        let sealed = seal(plain, &key, &place).unwrap();
        criterion.bench_function(&format!("seal {what}"), |bencher| {
            bencher.iter(|| seal(black_box(plain), &key, &place));
        });
        criterion.bench_function(&format!("open {what}"), |bencher| {
            bencher.iter(|| open(black_box(&sealed.bytes), &key, &place, &sealed.commitment));
        });
    }
}

fn wires(criterion: &mut Criterion) {
    let event = contact();
    criterion.bench_function("wire: write a contact", |bencher| bencher.iter(|| wire::write(black_box(&event))));
    let Written { kind, version, facts, parts } = wire::write(&event).unwrap();
    let read = || {
        let parts = parts.iter().map(|part| Held::new(part.subject, part.compartment, part.fields.clone())).collect();
        wire::read(kind, version, &facts, parts)
    };
    criterion.bench_function("wire: read a contact", |bencher| bencher.iter(|| black_box(read())));
}

fn records(criterion: &mut Criterion) {
    let part = PartRef { compartment: Compartment::Relationship, key: KeyId([7; 16]), commitment: [8; 32] };
    let draft = draft(1, &[0; 9], part);
    let at = link(1, [2; 32]);
    criterion.bench_function("record: write and hash", |bencher| {
        bencher.iter(|| draft.write(black_box(&at)).map(|bytes| hash(&bytes)));
    });
    let bytes = draft.write(&at).unwrap();
    criterion.bench_function("record: parse and hash", |bencher| {
        bencher.iter(|| (Record::parse(black_box(&bytes)).is_ok(), hash(&bytes)));
    });
}

fn opened() -> Vec<u8> {
    let event = ledger::Event::Opened { log: LOG, controller: String::new(), origin: "bench".into(), demo: true };
    wire::write(&event.into()).unwrap().facts
}

fn chains(criterion: &mut Criterion) {
    let part = PartRef { compartment: Compartment::Relationship, key: KeyId([7; 16]), commitment: [8; 32] };
    let mut previous = NO_HASH;
    let records: Vec<_> = (0..10_000)
        .map(|position| {
            let mut draft = draft(position, &[0; 9], part);
            if position == 0 {
                draft.stream.id = LOG.0;
                (draft.facts, draft.personal) = (opened(), Vec::new());
            }
            let bytes = draft.write(&link(position, previous)).unwrap();
            previous = hash(&bytes);
            (bytes, previous)
        })
        .collect();
    let parsed: Vec<_> =
        records.iter().map(|(bytes, hash)| (Record::parse(bytes).unwrap(), *hash, leaf(bytes))).collect();
    criterion.bench_function("chain: check 10,000 records", |bencher| {
        bencher.iter(|| {
            let mut chain = Chain::new();
            parsed.iter().try_for_each(|(record, hash, leaf)| chain.check(record, *hash, *leaf)).unwrap();
            chain.head()
        });
    });
}

fn keys(criterion: &mut Criterion) {
    let dir = tempfile::tempdir().unwrap();
    let anchor = Box::new(FileAnchor::at(dir.path().join("anchor")).unwrap());
    let keyring = Keyring::create(&[dir.path().join("keyring")], vec![anchor], LOG).unwrap();
    criterion.bench_function("keyring: mint", |bencher| bencher.iter(|| keyring.mint().unwrap()));
    let (known, live) = keyring.mint().unwrap();
    criterion.bench_function("keyring: state", |bencher| bencher.iter(|| keyring.state(black_box(&known))));
    // Live keys are all in memory. Only a fenced one must be fetched from the tree, node by node.
    let place = place(known);
    let fields = vec![vec![2; 40], vec![3; 60], vec![4; 100]];
    let plain = Plain { subject: SubjectId([1; 16]), compartment: Compartment::Relationship, fields };
    let sealed = seal(&plain, &live, &place).unwrap();
    for _ in 0..100_000 {
        keyring.mint().unwrap();
    }
    keyring.fence(&[known]);
    criterion.bench_function("open 200 bytes in 3 fields, key from the tree", |bencher| {
        bencher.iter(|| {
            let key = keyring.open_fenced(black_box(&known)).unwrap().unwrap();
            open(&sealed.bytes, &key, &place, &sealed.commitment)
        });
    });
}

fn frames(criterion: &mut Criterion) {
    let sums = Sums::of(LOG);
    let part = PartRef { compartment: Compartment::Relationship, key: KeyId([7; 16]), commitment: [8; 32] };
    let bytes = draft(1, &[0; 17], part).write(&link(1, [2; 32])).unwrap();
    let sealed = Part { key: part.key, bytes: PartBytes::Present(vec![3; 640]) };
    let entries = vec![Entry { hash: hash(&bytes), record: bytes, parts: vec![sealed] }; 64];
    let mut out = Vec::new();
    criterion.bench_function("frame: write 64 records with a part each", |bencher| {
        bencher.iter(|| {
            out.clear();
            frame::write(&mut out, &sums, 1, black_box(&entries))
        });
    });
    criterion.bench_function("frame: read its head", |bencher| bencher.iter(|| frame::read(black_box(&out), &sums)));
}

criterion_group!(benches, seals, wires, records, chains, keys, frames);
criterion_main!(benches);
