//! What a destruction leaves to whoever has an image of everything, and some root.

use super::home::filled;
use super::image::{self, Given};
use super::*;
use crate::keyring::carve::Opener;
use crate::keyring::carve::Windows;
use crate::keyring::cell::FAN;
use crate::keyring::leaf::Slot;
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
        Self::of(1200, &[3, 117, 119, 700, 1199], |ring, _| ring.ring.tree().fault = fault)
    }

    /// With so many slots, of which these die; before that, something is planted, and what these slots hold is known to it.
    fn of(slots: usize, victims: &[usize], plant: impl FnOnce(&Keyring, &[Key])) -> Self {
        let home = Home::new();
        let ring = filled(&home, slots);
        // One destruction before it, so that nodes lie on both sides.
        let all: Vec<KeyId> = ring.fingerprints().into_iter().map(|(id, _)| id).collect();
        ring.destroy(&[all[100], all[500]]).unwrap();
        let before = home.everything();
        let died: Vec<KeyId> = victims.iter().map(|slot| all[*slot]).collect();
        let keys: Vec<Key> = died.iter().map(|id| live(&ring, id)).collect();
        plant(&ring, &keys);
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

fn live(ring: &Keyring, id: &KeyId) -> Key {
    let KeyState::Live(key) = ring.state(id) else { panic!("{id} is not alive") };
    key
}

/// Victims that lie close together rotate each other's nodes, and hide what is left undone.
const FEW: [usize; 3] = [17, 1502, 2999];

#[test]
fn three_of_three_thousand_keys_die_and_no_image_gives_them_back() {
    let shred = Shred::of(3008, &FEW, |_, _| {});
    let given = shred.by_the_new_root();
    assert_eq!((shred.dead_in(&given), shred.live_in(&given)), (0, 3003));
    let given = image::open(&shred.before, LOG.0, &shred.old_roots);
    assert_eq!((shred.dead_in(&given), shred.live_in(&given)), (3, 3003), "else the reader is blind");
}

#[test]
fn what_is_left_undone_for_three_of_three_thousand_is_caught() {
    for fault in [Fault::LeafKey, Fault::InnerKey, Fault::Root] {
        let shred = Shred::of(3008, &FEW, |ring, _| ring.ring.tree().fault = Some(fault));
        let given = shred.by_the_new_root();
        assert_eq!((shred.dead_in(&given), shred.live_in(&given)), (3, 3003), "{fault:?}");
    }
}

/// What a tree does that splits its leaves: the key stands in another one too, which nobody rotates.
#[test]
fn a_key_that_moved_is_caught() {
    let shred = Shred::of(3008, &FEW, |ring, keys| {
        let mut half: Vec<Slot> = (0..FAN).map(|_| Slot::Held(Key::random().unwrap())).collect();
        half[9] = Slot::Held(keys[1].clone());
        ring.ring.tree().draw(&half).unwrap();
    });
    let given = image::open(&shred.after, LOG.0, &shred.new_roots);
    let dead: Vec<&KeyId> = shred.died.iter().filter(|id| given.contains(&id.0)).collect();
    assert_eq!(dead, [&shred.died[1]]);
    let graph = image::graphs(&shred.after, LOG.0, &shred.new_roots).remove(0);
    assert!(graph.destroyed().contains_key(dead[0]) && graph.slots().contains(dead[0]), "it is gone in one place only");
}

#[test]
fn a_key_that_somebody_kept_in_clear_is_caught() {
    let mut kept = Vec::new();
    let shred = Shred::of(3008, &FEW, |_, keys| kept = keys[2].expose().to_vec());
    let names = || Windows::new(shred.died.iter().chain(&shred.live).copied().collect());
    assert_eq!(names().find(&[&shred.before[..], &shred.after].concat()), [], "no file of a keyring holds a key");
    let mut image = shred.after.clone();
    let at = image.len() / 3 * 2 + 1;
    image.splice(at..at, kept);
    assert_eq!(names().find(&image), [(at, shred.died[2])]);
}

/// The end of a block of the disk may cut a node apart, and the other half lie elsewhere.
#[test]
fn a_leaf_that_is_cut_apart_gives_the_keys_in_front_of_the_cut() {
    let shred = Shred::of(608, &[17], |_, _| {});
    let known = shred.died.iter().chain(&shred.live).copied().collect();
    let mut image = shred.after.clone();
    let node = image.windows(17).position(|bytes| bytes.starts_with(b"LETHENOD\0") && bytes[16] == 1).unwrap();
    let second = node + 1 + image[node + 1..].windows(17).position(|bytes| bytes == &image[node..node + 17]).unwrap();
    for at in [node, second] {
        image[at + 512..at + 585].fill(0x55);
    }
    let kept = image::carve(&image);
    let root = kept.roots(LOG).next().unwrap();
    let graph = kept.open(LOG, Opener::Root(root), &known, 0).unwrap();
    // 471 bytes of ciphertext are there: 14 entries, of which one is a name.
    assert_eq!(graph.cut, 13);
    assert_eq!(shred.live.iter().filter(|id| graph.key(id).is_some()).count(), shred.live.len() - 2);
    assert!(graph.key(&shred.died[0]).is_none());
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
