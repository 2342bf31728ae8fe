//! What a sealed part costs: 200 bytes in three fields, sealed and opened on one thread.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use domain::compartment::Compartment;
use domain::event::{Stream, StreamKind};
use domain::id::{LogId, SubjectId};
use events::keyring::Key;
use events::seal::{Binding, Plain, open, seal};

fn parts(criterion: &mut Criterion) {
    let Ok(key) = Key::random() else { return };
    let plain = Plain {
        subject: SubjectId([1; 16]),
        compartment: Compartment::Relationship,
        fields: vec![vec![2; 40], vec![3; 60], vec![4; 100]],
    };
    let place = Binding {
        format: 1,
        log: LogId([5; 16]),
        stream: Stream { kind: StreamKind::Contact, id: [6; 16] },
        revision: 7,
        kind: "contact.registered",
        schema: 1,
        part: 0,
        key: key.fingerprint(),
    };
    let Ok(sealed) = seal(&plain, &key, &place) else { return };
    criterion.bench_function("seal 200 bytes in 3 fields", |bencher| {
        bencher.iter(|| seal(black_box(&plain), &key, &place));
    });
    criterion.bench_function("open 200 bytes in 3 fields", |bencher| {
        bencher.iter(|| open(black_box(&sealed.bytes), &key, &place, &sealed.commitment));
    });
}

criterion_group!(benches, parts);
criterion_main!(benches);
