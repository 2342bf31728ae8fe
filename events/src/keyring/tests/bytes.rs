//! How much a destruction writes, which is the same on every machine.

use super::home::filled;
use super::*;

const KEYS: usize = 200_000;

/// A person's keys, drawn together when the person came.
fn person(all: &[KeyId], number: usize) -> [KeyId; 3] {
    [0, 1, 2].map(|at| all[number * 3 + at])
}

#[test]
fn a_destruction_writes_few_bytes_at_a_large_tree() {
    let home = Home::new();
    let ring = filled(&home, KEYS);
    let all: Vec<KeyId> = ring.fingerprints().into_iter().map(|(id, _)| id).collect();
    let written = |keys: &[KeyId]| {
        let before = ring.written();
        ring.destroy(keys).unwrap();
        let after = ring.written();
        assert!(after.cleared > before.cleared, "the old nodes are overwritten too");
        after.kept - before.kept
    };
    // Three keys far apart, each drawn when it was needed.
    let apart = written(&[all[5], all[70_000], all[199_999]]);
    assert!(apart < 32 * 1024, "{apart} bytes for one person");
    let together = written(&person(&all, 30_000));
    assert!(together < 16 * 1024, "{together} bytes for one person with keys in one leaf");
    let step = KEYS / 3 / 101;
    let hundred: Vec<KeyId> = (1..=100).flat_map(|number| person(&all, number * step)).collect();
    let each = written(&hundred) / 100;
    assert!(each < 8 * 1024, "{each} bytes each of a hundred");
    let scattered: Vec<KeyId> = all.iter().skip(11).step_by(all.len() / 300).take(300).copied().collect();
    let each = written(&scattered) / 100;
    assert!(each < 8 * 1024, "{each} bytes each of a hundred whose keys are all far apart");
}

#[test]
fn a_block_is_drawn_without_rewriting_a_leaf() {
    let home = Home::new();
    let ring = filled(&home, 8192 + 256);
    let before = (home.files(), ring.written());
    ring.ring.fill(256).unwrap();
    let (after, written) = (home.files(), ring.written());
    for (path, old) in before.0.iter().filter(|(path, _)| path.to_string_lossy().contains("keys.0.")) {
        assert_eq!(after[path][..old.len()], old[..], "{path:?}");
    }
    // Sixteen leaves, a node above them, its entry above that, and a header, in two copies.
    assert_eq!(written.kept - before.1.kept, 2 * (16 * 585 + 585 + 73 + 512));
    assert_eq!(written.cleared, before.1.cleared);
}
