//! Every reader of bytes from outside is given its examples, and then some thousands of others that were made of them: bent,
//! cut, doubled, mixed. The same ones at every run.

use std::collections::BTreeSet;
use std::panic::catch_unwind;
use std::path::Path;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tests::fuzz::{TARGETS, Target};

/// How many bent examples each reader gets.
const ROUNDS: u64 = 4_000;
/// What lies at the edge of a length, a count, a text.
const EDGES: [u8; 12] = [0x00, 0x01, 0x02, 0x0a, 0x20, 0x2b, 0x30, 0x3d, 0x7f, 0x80, 0xfe, 0xff];

#[test]
fn no_bytes_break_a_reader() {
    for target in TARGETS {
        let examples = (target.examples)();
        examples.iter().for_each(|example| give(target, example));
        for round in 0..ROUNDS {
            let mut rng = StdRng::seed_from_u64(round);
            let mut bytes = one_of(&mut rng, &examples).clone();
            for _ in 0..rng.random_range(1..=4) {
                bend(&mut rng, &mut bytes, &examples);
            }
            give(target, &bytes);
        }
    }
}

/// What bends is worth something: of each reader some examples are still read, and some are not.
#[test]
fn examples_are_read_and_bent_ones_are_refused() {
    let evidence = TARGETS.iter().find(|target| target.name == "evidence").unwrap();
    let examples = (evidence.examples)();
    let read = |bytes: &[u8]| events::evidence::Evidence::parse(bytes).is_ok();
    assert!(examples.iter().all(|example| read(example)));
    let (mut taken, mut refused) = (0, 0);
    for round in 0..400 {
        let mut rng = StdRng::seed_from_u64(round);
        let mut bytes = examples[0].clone();
        bend(&mut rng, &mut bytes, &examples);
        if read(&bytes) { taken += 1 } else { refused += 1 }
    }
    assert!(taken > 40 && refused > 40, "{taken} were read, {refused} were not");
}

/// The programs for `cargo fuzz` are those of the targets, each in a file that gives its bytes to the one of its name.
#[test]
fn every_target_has_a_program() {
    let home = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz");
    let manifest = std::fs::read_to_string(home.join("Cargo.toml")).unwrap();
    let mut there: BTreeSet<String> = std::fs::read_dir(home.join("fuzz_targets"))
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    for target in TARGETS {
        let file = format!("{}.rs", target.name);
        assert!(there.remove(&file), "there is no fuzz/fuzz_targets/{file}");
        let text = std::fs::read_to_string(home.join("fuzz_targets").join(&file)).unwrap();
        assert!(text.contains(&format!("tests::fuzz::{}(bytes)", target.name)), "{file} gives its bytes to another");
        assert!(manifest.contains(&format!("name = \"{}\"\npath = \"fuzz_targets/{file}\"", target.name)), "{file}");
    }
    assert!(there.is_empty(), "no target for {there:?}");
}

fn give(target: &Target, bytes: &[u8]) {
    let hex = || bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    assert!(catch_unwind(|| (target.run)(bytes)).is_ok(), "{} breaks on {}", target.name, hex());
}

fn one_of<'a, T>(rng: &mut StdRng, of: &'a [T]) -> &'a T {
    &of[rng.random_range(0..of.len())]
}

/// A place in bytes of this length, or right behind them.
fn place(rng: &mut StdRng, length: usize) -> usize {
    rng.random_range(0..=length)
}

fn bend(rng: &mut StdRng, bytes: &mut Vec<u8>, examples: &[Vec<u8>]) {
    let (at, other) = (place(rng, bytes.len()), place(rng, bytes.len()));
    let (from, to) = (at.min(other), at.max(other));
    match rng.random_range(0..8) {
        0 if at < bytes.len() => bytes[at] ^= 1 << rng.random_range(0..8),
        1 if at < bytes.len() => bytes[at] = *one_of(rng, &EDGES),
        2 if at < bytes.len() => bytes[at] = rng.random(),
        3 => bytes.insert(at, *one_of(rng, &EDGES)),
        4 => bytes.truncate(at),
        5 => drop(bytes.drain(from..to.min(from + 40))),
        6 => {
            let twice = bytes[from..to].to_vec();
            bytes.splice(to..to, twice);
        }
        7 => {
            let mixed = one_of(rng, examples);
            let (begin, end) = (place(rng, mixed.len()), place(rng, mixed.len()));
            bytes.splice(from..to, mixed[begin.min(end)..begin.max(end)].iter().copied());
        }
        _ => {}
    }
}
