//! Keyrings of the first format: whatever they held, the tree holds.

use std::fs;
use std::sync::atomic::Ordering;

use super::home::{Files, STEADY, Shaky};
use super::*;
use crate::keyring::disk::cut;
use crate::keyring::migrate::old::{self, AWAITING, LIVE, RETIRED, Slot};

/// A keyring of the first format with 300 slots in every standing; two of them are ordered to be destroyed.
struct Old {
    home: Home,
    keys: Vec<(KeyId, Key)>,
    files: Files,
}

const DEAD: usize = 7;
const ORDERED: [usize; 2] = [20, 299];

impl Old {
    fn new(ordered: bool) -> Self {
        let home = Home::new();
        let keys: Vec<(KeyId, Key)> =
            (0..300).map(|_| Key::random().unwrap()).map(|key| (key.fingerprint(), key)).collect();
        let slot = |(number, (id, key)): (usize, &(KeyId, Key))| match number {
            DEAD => Slot::Destroyed(*id, 3),
            50 => Slot::Held(key.clone(), AWAITING),
            51 => Slot::Held(key.clone(), RETIRED),
            _ => Slot::Held(key.clone(), LIVE),
        };
        let slots: Vec<Slot> = keys.iter().enumerate().map(slot).collect();
        let order: Vec<_> = ORDERED.iter().filter(|_| ordered).map(|at| (*at as u64, keys[*at].0)).collect();
        old::write(&home.copies()[0], &home.file_anchor(), LOG, 4, &slots, &order);
        let files = home.files();
        Self { home, keys, files }
    }

    fn is_moved(&self, ring: &Keyring, ordered: bool) {
        for (number, (id, key)) in self.keys.iter().enumerate() {
            let right = match number {
                DEAD => KeyState::Erased { epoch: 3 },
                50 | 51 => KeyState::Retired,
                at if ordered && ORDERED.contains(&at) => KeyState::Erased { epoch: 5 },
                _ => KeyState::Live(key.clone()),
            };
            assert_eq!(ring.state(id), right, "slot {number}");
        }
        assert_eq!(ring.epoch(), 4 + u64::from(ordered));
        let slots: Vec<KeyId> = ring.fingerprints().into_iter().map(|(id, _)| id).take(300).collect();
        assert_eq!(slots, ids(&self.keys), "slots never move");
    }

    /// The old files, the old root and all that was sealed under it are gone.
    fn nothing_old_is_left(&self) {
        let now = self.home.files();
        let names: Vec<String> = now.keys().map(|path| path.display().to_string()).collect();
        assert!(!names.iter().any(|name| name.ends_with("/keys") || name.ends_with("/order")), "{names:?}");
        assert_eq!(self.home.file_anchor().roots(LOG).unwrap().len(), 1);
        assert!(!now.contains_key(&PathBuf::from(format!("anchor/{LOG}.0"))));
        let disk: Vec<u8> = now.into_values().flatten().collect();
        let old = &self.files[&PathBuf::from("keyring/keys")];
        assert!(!contains(&disk, &old[66..140]), "the old top key, as it was sealed");
    }
}

#[test]
fn a_keyring_of_slots_becomes_a_tree_and_answers_as_before() {
    for ordered in [false, true] {
        let old = Old::new(ordered);
        assert!(Keyring::exists(&old.home.copies()[0]).unwrap());
        let ring = old.home.open();
        old.is_moved(&ring, ordered);
        old.nothing_old_is_left();
        ring.settle(|key| *key == old.keys[1].0 || *key == old.keys[50].0, true).unwrap();
        assert_eq!(ring.state(&old.keys[50].0), KeyState::Live(old.keys[50].1.clone()), "a newer log came back");
        let spare = mint(&ring, 40);
        assert!(spare.iter().all(|(id, _)| !ids(&old.keys).contains(id)));
        ring.destroy(&[old.keys[1].0]).unwrap();
        drop(ring);
        let ring = old.home.open();
        assert_eq!(ring.state(&old.keys[51].0), KeyState::Erased { epoch: 5 + u64::from(ordered) });
        assert_eq!(ring.state(&old.keys[DEAD].0), KeyState::Erased { epoch: 3 });
        // Both copies are there from now on.
        assert!(old.home.copies().iter().all(|dir| dir.join("header").exists()));
    }
}

#[test]
fn a_move_cut_anywhere_is_done_again_or_finished() {
    let old = Old::new(true);
    let mut finished = 0;
    for steps in 0.. {
        old.home.put(&old.files);
        cut::after(Some(steps));
        let done = old.home.try_open();
        let cut = cut::happened();
        cut::after(None);
        assert_eq!(cut, done.is_err(), "cut at {steps}");
        drop(done);
        finished += u32::from(old.home.copies()[0].join("header").exists());
        let ring = old.home.open();
        old.is_moved(&ring, true);
        old.nothing_old_is_left();
        if !cut {
            assert!(steps > 20 && finished > 5, "{steps} steps, {finished} behind the commit");
            break;
        }
    }
}

#[test]
fn a_damaged_keyring_of_slots_is_refused_and_nothing_is_lost() {
    let old = Old::new(false);
    let mut files = old.files.clone();
    files.get_mut(&PathBuf::from("keyring/keys")).unwrap()[8192 + 128 * 9 + 60] ^= 1;
    old.home.put(&files);
    assert!(matches!(old.home.try_open(), Err(KeyringError::DamagedSlot(9))));
    fs::write(old.home.copies()[0].join("keys"), &old.files[&PathBuf::from("keyring/keys")]).unwrap();
    old.is_moved(&old.home.open(), false);

    let other = LogId([8; 16]);
    let old = Old::new(false);
    let answer = Keyring::open(&old.home.copies(), old.home.anchor(), other);
    assert!(matches!(answer, Err(KeyringError::AnotherLog { found: LOG })));
    assert_eq!(old.home.files()[&PathBuf::from("keyring/keys")], old.files[&PathBuf::from("keyring/keys")]);
}

/// The order was cut short, and so is the end of the old root: what the order names still lies there.
#[test]
fn what_was_ordered_is_not_erased_while_the_old_root_is_there() {
    let (old, mut waited) = (Old::new(true), 0);
    for calls in 0..30 {
        old.home.put(&old.files);
        let (anchor, left) = Shaky::new(old.home.file_anchor());
        left.store(calls, Ordering::Relaxed);
        let Ok(ring) = Keyring::open(&old.home.copies(), vec![Box::new(anchor) as Box<dyn Anchor>], LOG) else {
            continue;
        };
        if old.home.file_anchor().roots(LOG).unwrap().len() == 1 {
            break;
        }
        waited += 1;
        let ordered = old.keys[ORDERED[0]].0;
        assert_eq!(ring.state(&ordered), KeyState::Fenced, "after {calls} calls");
        assert!(matches!(ring.destroy(&[ordered]), Err(KeyringError::RootRemains { .. })));
        left.store(STEADY, Ordering::Relaxed);
        assert_eq!(ring.destroy(&[ordered]).unwrap(), Destroyed { epoch_before: 4, epoch_after: 5 });
    }
    assert!(waited > 0, "no call fell between the new header and the end of the old root");
}
