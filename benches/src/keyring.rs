//! The keyring alone: how much memory a key takes, and what it costs to destroy the keys of one person, and of a hundred, among
//! millions of others.

use std::path::Path;
use std::time::{Duration, Instant};

use domain::id::{KeyId, LogId};
use events::keyring::{FileAnchor, Keyring};

use crate::report::percentile;
use crate::{Done, report};

/// How many keys a person has: one for each of three compartments.
const OF_ONE: usize = 3;
/// How many people are destroyed one by one, and how many in a batch.
const PEOPLE: usize = 100;

/// Keys drawn, then destroyed: people whose keys came one behind the other, as a registration draws them, and people whose keys
/// lie as far apart as they can.
pub fn destroy(dir: &Path, runs: usize, keys: usize) -> Done {
    let before = report::resident("self")?;
    let copies = [dir.join("one"), dir.join("two")];
    let ring = Keyring::create(&copies, vec![Box::new(FileAnchor::at(dir.join("anchor"))?)], LogId([1; 16]))?;
    let begin = Instant::now();
    let stride = (keys / (2 * runs * PEOPLE * 2 * OF_ONE)).max(2 * OF_ONE);
    let (mut apart, mut together) = (Vec::new(), Vec::new());
    for number in 0..keys {
        let (id, _) = ring.mint()?;
        match number % stride {
            0 => apart.push(id),
            1..=OF_ONE => together.push(id),
            _ => {}
        }
    }
    let drawn = begin.elapsed();
    let resident = report::resident("self")?.saturating_sub(before);
    println!("keyring, {keys} keys: {} bytes resident a key, drawn in {drawn:.1?}", resident / keys.max(1) as u64);

    shred(&ring, runs, "near each other", together.chunks_exact(OF_ONE).map(<[KeyId]>::to_vec).collect())?;
    shred(&ring, runs, "far apart", spread(&apart))
}

/// People one by one, then in batches.
fn shred(ring: &Keyring, runs: usize, how: &str, mut people: Vec<Vec<KeyId>>) -> Done {
    let mut times = Vec::new();
    let begun = ring.written();
    let singly = runs * PEOPLE;
    for person in people.drain(..singly.min(people.len())) {
        times.push(timed(ring, &person)?);
    }
    let written = ring.written();
    let of_one = |bytes: u64| bytes / times.len().max(1) as u64;
    println!(
        "destroy one person of {OF_ONE} keys {how}: {} bytes kept, {} cleared",
        of_one(written.kept - begun.kept),
        of_one(written.cleared - begun.cleared)
    );
    let (p50, p99) = (percentile(&mut times, 0.5), percentile(&mut times, 0.99));
    println!("destroy one person: p50 {p50:.1?}, p99 {p99:.1?} of {}", times.len());

    for batch in people.chunks(PEOPLE).take(runs) {
        let begun = ring.written();
        let time = timed(ring, &batch.concat())?;
        let written = ring.written();
        println!(
            "destroy {} people together, keys {how}: {time:.1?}, {} bytes kept a person, {} cleared",
            batch.len(),
            (written.kept - begun.kept) / batch.len() as u64,
            (written.cleared - begun.cleared) / batch.len() as u64
        );
    }
    Ok(())
}

fn timed(ring: &Keyring, keys: &[KeyId]) -> Done<Duration> {
    let begin = Instant::now();
    ring.destroy(keys)?;
    Ok(begin.elapsed())
}

fn spread(victims: &[KeyId]) -> Vec<Vec<KeyId>> {
    let people = victims.len() / OF_ONE;
    let of = |person| victims.iter().skip(person).step_by(people.max(1)).take(OF_ONE).copied().collect();
    (0..people).map(of).collect()
}
