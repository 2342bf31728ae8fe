//! What a destruction leaves to whoever has an image of everything, and some root.

use super::home::filled;
use super::image::{self, Given};
use super::*;
use crate::keyring::rotate::Fault;

/// A keyring before and after a destruction of few keys, far apart.
struct Shred {
    before: Vec<u8>,
    after: Vec<u8>,
    old_roots: Vec<image::Root>,
    new_roots: Vec<image::Root>,
    died: Vec<KeyId>,
    live: Vec<KeyId>,
}

impl Shred {
    fn new(fault: Option<Fault>) -> Self {
        let home = Home::new();
        let ring = filled(&home, 1200);
        // One destruction before it, so that nodes lie on both sides.
        let all: Vec<KeyId> = ring.fingerprints().into_iter().map(|(id, _)| id).collect();
        ring.destroy(&[all[100], all[500]]).unwrap();
        let before = home.everything();
        let died = vec![all[3], all[117], all[119], all[700], all[1199]];
        ring.ring.tree().fault = fault;
        ring.destroy(&died).unwrap();
        let after = home.everything();
        let gone = |id: &&KeyId| !died.contains(id) && ![all[100], all[500]].contains(id);
        let live = all.iter().filter(gone).copied().collect();
        let (old_roots, new_roots) = (image::roots(&before), image::roots(&after));
        Self { before, after, old_roots, new_roots, died, live }
    }

    /// The new root, on all that the disk ever held.
    fn by_the_new_root(&self) -> Given {
        image::open(&[&self.before[..], &self.after].concat(), LOG.0, &self.new_roots)
    }

    fn dead_in(&self, given: &Given) -> usize {
        self.died.iter().filter(|id| given.contains(&id.0)).count()
    }

    fn live_in(&self, given: &Given) -> usize {
        self.live.iter().filter(|id| given.contains(&id.0)).count()
    }
}

#[test]
fn an_image_taken_after_gives_all_live_keys_and_no_dead_one() {
    let shred = Shred::new(None);
    assert_eq!((shred.old_roots.len(), shred.new_roots.len()), (1, 1));
    assert_ne!(shred.old_roots, shred.new_roots);
    let given = image::open(&shred.after, LOG.0, &shred.new_roots);
    assert_eq!((shred.dead_in(&given), shred.live_in(&given)), (0, shred.live.len()));
    // Nor does any older image, to whoever has only the root that there is now.
    let given = shred.by_the_new_root();
    assert_eq!((shred.dead_in(&given), shred.live_in(&given)), (0, shred.live.len()));
    // Step 5: of the old tree nothing is left, even to whoever kept the old root: 75 leaves, 5 nodes above, and one.
    assert_eq!(image::count(&shred.after), 81);
    let given = image::open(&shred.after, LOG.0, &shred.old_roots);
    assert_eq!((shred.dead_in(&given), shred.live_in(&given)), (0, 0));
}

/// Else the reader is blind, and all the other tests here with it.
#[test]
fn the_old_root_and_the_old_image_give_the_dead_keys() {
    let shred = Shred::new(None);
    let given = image::open(&shred.before, LOG.0, &shred.old_roots);
    assert_eq!((shred.dead_in(&given), shred.live_in(&given)), (5, shred.live.len()));
    // At any place, in any order, cut out of its file.
    let moved: Vec<u8> = shred.before.iter().rev().copied().take(9).chain(shred.before.iter().copied()).collect();
    assert_eq!(image::open(&moved, LOG.0, &shred.old_roots), given);
}

#[test]
fn planted_faults_are_caught() {
    for fault in [Fault::LeafKey, Fault::InnerKey, Fault::Root] {
        let shred = Shred::new(Some(fault));
        let given = shred.by_the_new_root();
        assert!(shred.dead_in(&given) > 0, "{fault:?} gives nothing back");
        assert_eq!(shred.live_in(&given), shred.live.len(), "{fault:?}");
    }
}

#[test]
fn what_was_destroyed_is_out_of_every_file_and_its_name_is_still_known() {
    let home = Home::new();
    let ring = home.create();
    let keys = mint(&ring, 20);
    drawn(&ring, 256);
    ring.destroy(&ids(&keys)).unwrap();
    drop(ring);
    let disk = home.everything();
    for (id, key) in &keys {
        assert!(!contains(&disk, key.expose()), "the key");
        assert_eq!(home.open().state(id), KeyState::Erased { epoch: 1 });
    }
}

#[test]
fn only_the_ways_to_the_victims_are_written() {
    let home = Home::new();
    let ring = filled(&home, 4096);
    let all: Vec<KeyId> = ring.fingerprints().into_iter().map(|(id, _)| id).collect();
    let before = home.files();
    ring.destroy(&[all[3], all[1500]]).unwrap();
    let after = home.files();
    for copy in ["keyring", "keyring.copy"] {
        let nodes = |level: u8| -> Vec<usize> {
            let room = super::cell::room(level) as usize;
            let mut changed = Vec::new();
            for side in ["a", "b"] {
                let name = std::path::Path::new(copy).join(format!("keys.{level}.{side}"));
                let (old, new) = (before.get(&name).cloned().unwrap_or_default(), &after[&name]);
                let piece = |file: &[u8], index: usize| {
                    file.get(index * room..)
                        .unwrap_or_default()
                        .iter()
                        .chain(std::iter::repeat(&0))
                        .take(room)
                        .copied()
                        .collect::<Vec<u8>>()
                };
                changed.extend((0..new.len().div_ceil(room)).filter(|index| piece(&old, *index) != piece(new, *index)));
            }
            changed.sort_unstable();
            changed.dedup();
            changed
        };
        assert_eq!([nodes(0), nodes(1), nodes(2)], [vec![0, 93], vec![0, 5], vec![0]], "{copy}");
    }
}

#[test]
fn a_batch_of_a_hundred_dies_in_one_epoch() {
    let home = Home::new();
    let ring = filled(&home, 1616);
    let all: Vec<KeyId> = ring.fingerprints().into_iter().map(|(id, _)| id).collect();
    let batch: Vec<KeyId> = all.iter().step_by(all.len() / 100).take(100).copied().collect();
    assert_eq!(ring.destroy(&batch).unwrap(), Destroyed { epoch_before: 0, epoch_after: 1 });
    drop(ring);
    let ring = home.open();
    assert_eq!(ring.counts().erased, 100);
    assert!(batch.iter().all(|id| ring.state(id) == KeyState::Erased { epoch: 1 }));
    let given = image::open(&home.everything(), LOG.0, &image::roots(&home.everything()));
    assert!(batch.iter().all(|id| !given.contains(&id.0)));
    assert_eq!(all.iter().filter(|id| given.contains(&id.0)).count(), all.len() - 100);
}
