//! The map of stream heads at a million streams: an update, an epoch of updates, a proof.

#![allow(clippy::unwrap_used, reason = "a benchmark that cannot be set up has nothing to measure")]

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use domain::event::{Stream, StreamKind};
use events::chain::StreamHead;
use events::map::{MapProof, StreamMap};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

const STREAMS: usize = 1_000_000;
const EPOCH: usize = 131_072;

fn heads(random: &mut StdRng) -> Vec<StreamHead> {
    let mut head = |_| StreamHead {
        stream: Stream { kind: StreamKind::Contact, id: random.random() },
        count: 1,
        hash: random.random(),
    };
    (0..STREAMS).map(&mut head).collect()
}

/// The next record of one of the streams.
fn next(heads: &[StreamHead], random: &mut StdRng) -> StreamHead {
    let head = heads.get(random.random_range(0..heads.len())).unwrap();
    StreamHead { count: head.count + 1, hash: random.random(), ..*head }
}

fn maps(criterion: &mut Criterion) {
    let mut random = StdRng::seed_from_u64(7);
    let heads = heads(&mut random);
    let mut map = StreamMap::new();
    heads.iter().for_each(|head| map.put(head));
    map.root();
    criterion.bench_function("map: one update and the root, a million streams", |bencher| {
        bencher.iter_batched(
            || next(&heads, &mut random),
            |head| {
                map.put(&head);
                map.root()
            },
            BatchSize::SmallInput,
        );
    });
    let mut epochs = criterion.benchmark_group("map: an epoch of updates and the root, a million streams");
    epochs.throughput(Throughput::Elements(EPOCH as u64)).sample_size(10);
    epochs.bench_function("131,072 records", |bencher| {
        bencher.iter_batched(
            || (0..EPOCH).map(|_| next(&heads, &mut random)).collect::<Vec<_>>(),
            |epoch| {
                epoch.iter().for_each(|head| map.put(head));
                map.root()
            },
            BatchSize::PerIteration,
        );
    });
    epochs.finish();
    criterion.bench_function("map: a proof, a million streams", |bencher| {
        bencher.iter_batched(
            || next(&heads, &mut random).stream.id,
            |id| map.prove(&id).to_bytes(),
            BatchSize::SmallInput,
        );
    });
    let (root, id) = (map.root(), next(&heads, &mut random).stream.id);
    let proof = map.prove(&id).to_bytes();
    criterion.bench_function("map: check a proof, a million streams", |bencher| {
        bencher.iter(|| MapProof::parse(black_box(&proof)).unwrap().verify(&root, &id).unwrap());
    });
}

criterion_group!(benches, maps);
criterion_main!(benches);
