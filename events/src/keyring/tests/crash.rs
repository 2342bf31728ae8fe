//! The process ends at every step there is, in the middle of every write, in each copy and in the anchor.

use super::home::{Files, Shaky, filled};
use super::image;
use super::*;
use crate::keyring::disk::cut;

impl Home {
    fn shaky(&self) -> Vec<Box<dyn Anchor>> {
        vec![Box::new(Shaky::new(self.file_anchor()).0)]
    }

    fn open_shaky(&self) -> Result<Keyring, KeyringError> {
        Keyring::open(&self.copies(), self.shaky(), LOG)
    }
}

/// Does something from the same files on, cut at its first step, its second, and so on until it is done; `after` looks
/// at what every cut left. Gives how many cuts there were.
fn cut_everywhere(
    home: &Home,
    start: &Files,
    act: impl Fn() -> Result<(), KeyringError>,
    after: impl Fn(u64, &Result<(), KeyringError>),
) -> u64 {
    for steps in 0.. {
        home.put(start);
        cut::after(Some(steps));
        let done = act();
        let cut = cut::happened();
        cut::after(None);
        after(steps, &done);
        if !cut {
            done.unwrap();
            return steps;
        }
    }
    unreachable!()
}

/// A keyring that is at rest, with one destruction behind it, and five keys to be destroyed.
fn before_a_destruction(home: &Home) -> (Files, Vec<KeyId>, Vec<KeyId>) {
    let ring = filled(home, 304);
    let all: Vec<KeyId> = ring.fingerprints().into_iter().map(|(id, _)| id).collect();
    ring.destroy(&[all[17], all[200]]).unwrap();
    drop(ring);
    let victims = vec![all[2], all[3], all[190], all[201], all[303]];
    (home.files(), all, victims)
}

/// Every other key is as it was, and all victims are alive or all are dead.
fn all_or_none(ring: &Keyring, all: &[KeyId], victims: &[KeyId]) -> bool {
    let dead = victims.iter().filter(|id| ring.state(id) == KeyState::Erased { epoch: 2 }).count();
    let live = victims.iter().filter(|id| matches!(ring.state(id), KeyState::Live(_))).count();
    assert!((dead, live) == (victims.len(), 0) || (dead, live) == (0, victims.len()), "{dead} dead, {live} alive");
    for id in all.iter().filter(|id| !victims.contains(id)) {
        match ring.state(id) {
            KeyState::Live(key) => assert_eq!(key.fingerprint(), *id),
            state => {
                assert!([all[17], all[200]].contains(id));
                assert_eq!(state, KeyState::Erased { epoch: 1 });
            }
        }
    }
    dead > 0
}

#[test]
fn a_destruction_cut_anywhere_is_done_or_was_never_begun() {
    let home = Home::new();
    let (start, all, victims) = before_a_destruction(&home);
    let (died, lived) = (std::cell::Cell::new(0), std::cell::Cell::new(0));
    let act = || {
        let ring = home.open_shaky()?;
        ring.destroy(&victims).map(drop)
    };
    let cuts = cut_everywhere(&home, &start, act, |steps, done| {
        let roots_then = home.file_anchor().roots(LOG).unwrap().len();
        let ring = home.open();
        let dead = all_or_none(&ring, &all, &victims);
        assert!(dead || done.is_err(), "cut at {steps}: said to be done, and it is not");
        assert_eq!(home.file_anchor().roots(LOG).unwrap().len(), 1, "cut at {steps}: {roots_then} roots were there");
        let outcome = if dead { &died } else { &lived };
        outcome.set(outcome.get() + 1);
        // Nothing is left of either tree but the valid one.
        if dead && steps % 3 == 0 {
            let disk = home.everything();
            let given = image::open(&disk, LOG.0, &image::roots(&disk));
            assert!(victims.iter().all(|id| !given.contains(&id.0)), "cut at {steps}");
        }
        assert_eq!(ring.destroy(&victims).unwrap().epoch_after, 2, "cut at {steps}");
        drop(ring);
        assert!(all_or_none(&home.open(), &all, &victims));
    });
    let (dead, alive) = (died.get(), lived.get());
    assert!(cuts > 60 && dead > 10 && alive > 20, "{cuts} cuts: {dead} dead, {alive} alive");
}

/// What is finished at open may be cut off too, at each of its steps.
#[test]
fn a_recovery_cut_anywhere_goes_on() {
    let home = Home::new();
    let (start, all, victims) = before_a_destruction(&home);
    let mut cuts = 0;
    for first in (6..).step_by(7) {
        home.put(&start);
        cut::after(Some(first));
        let done = home.open_shaky().and_then(|ring| ring.destroy(&victims).map(drop));
        let cut = cut::happened();
        cut::after(None);
        if !cut {
            done.unwrap();
            break;
        }
        let left = home.files();
        cuts += cut_everywhere(
            &home,
            &left,
            || home.open_shaky().map(drop),
            |_, _| {
                let ring = home.open();
                all_or_none(&ring, &all, &victims);
                ring.destroy(&victims).unwrap();
                drop(ring);
                assert!(all_or_none(&home.open(), &all, &victims));
            },
        );
    }
    assert!(cuts > 60, "{cuts} cuts");
}

/// A header that reached one copy is the commit; until then the epoch before goes on.
#[test]
fn the_first_header_that_is_durable_decides() {
    let home = Home::new();
    let (start, all, victims) = before_a_destruction(&home);
    let act = || home.open_shaky().and_then(|ring| ring.destroy(&victims).map(drop));
    let decided = std::cell::Cell::new(0);
    cut_everywhere(&home, &start, act, |steps, _| {
        let headers = ["keyring", "keyring.copy"].map(|dir| {
            let found = super::header::Found::read(&home.files()[&std::path::Path::new(dir).join("header")]);
            found.map_or(0, |found| found.header.epoch)
        });
        if headers[0] != headers[1] {
            decided.set(decided.get() + 1);
        }
        assert_eq!(all_or_none(&home.open(), &all, &victims), headers.contains(&2), "cut at {steps}: {headers:?}");
    });
    assert!(decided.get() > 0, "no cut came between the copies");
}

#[test]
fn a_block_cut_anywhere_was_drawn_or_was_not() {
    let home = Home::new();
    // The next block begins a new level, so every kind of write is in it.
    let ring = filled(&home, 4096);
    let all: Vec<KeyId> = ring.fingerprints().into_iter().map(|(id, _)| id).collect();
    drop(ring);
    let start = home.files();
    let act = || {
        let ring = crate::keyring::Ring::open(&home.copies(), home.shaky().into(), LOG)?;
        ring.fill(512)?;
        assert_eq!(ring.fingerprints().len(), 4608);
        Ok(())
    };
    let cuts = cut_everywhere(&home, &start, act, |steps, done| {
        let ring = home.open();
        let slots = ring.fingerprints();
        assert!(slots.len() == 4608 || slots.len() == 4096 && done.is_err(), "cut at {steps}: {}", slots.len());
        assert!(all.iter().zip(&slots).all(|(id, (found, _))| id == found), "cut at {steps}");
        // What an attempt left does not stand in the way of the next one, nor of a destruction.
        ring.settle(all_used, true).unwrap();
        let (id, key) = ring.mint().unwrap();
        ring.destroy(&[all[9]]).unwrap();
        drop(ring);
        let ring = home.open();
        assert_eq!(ring.state(&id), KeyState::Live(key), "cut at {steps}");
        assert_eq!(ring.state(&all[9]), KeyState::Erased { epoch: 1 });
    });
    assert!(cuts > 20, "{cuts} cuts");
}

#[test]
fn marks_cut_anywhere_leave_a_keyring_that_opens() {
    let home = Home::new();
    let ring = filled(&home, 512);
    let all: Vec<KeyId> = ring.fingerprints().into_iter().map(|(id, _)| id).collect();
    drop(ring);
    let start = home.files();
    let used = |key: &KeyId| *key == all[4];
    let act = || {
        let ring = crate::keyring::Ring::open(&home.copies(), home.shaky().into(), LOG)?;
        ring.settle(used, true).map(drop)
    };
    let cuts = cut_everywhere(&home, &start, act, |steps, _| {
        let ring = home.open();
        ring.settle(used, true).unwrap();
        assert!(ring.counts().retired == 511, "cut at {steps}: {:?}", ring.counts());
        assert!(matches!(ring.state(&all[4]), KeyState::Live(_)));
        ring.destroy(&[all[4]]).unwrap();
        drop(ring);
        assert_eq!(home.open().counts().retired, 0, "cut at {steps}");
    });
    assert!(cuts > 6, "{cuts} cuts");
}

#[test]
fn a_keyring_cut_while_it_was_made_is_made_again_or_is_there() {
    let home = Home::new();
    let act = || crate::keyring::Ring::create(&home.copies(), home.shaky(), LOG).map(drop);
    let there = std::cell::Cell::new(0);
    let cuts = cut_everywhere(&home, &Files::new(), act, |steps, done| {
        let exists = home.copies().iter().any(|dir| Keyring::exists(dir).unwrap());
        assert!(exists || done.is_err(), "cut at {steps}");
        there.set(there.get() + u64::from(exists));
        let ring = if exists { home.open() } else { home.create() };
        ring.settle(all_used, true).unwrap();
        let (id, key) = ring.mint().unwrap();
        drop(ring);
        assert_eq!(home.open().state(&id), KeyState::Live(key));
        assert_eq!(home.file_anchor().roots(LOG).unwrap().len(), 1);
    });
    assert!(cuts > 10 && there.get() > 2, "{cuts} cuts, {} behind its name", there.get());
}

#[test]
fn a_failed_write_stops_the_keyring_and_the_next_open_goes_on() {
    let home = Home::new();
    let ring = home.create();
    let keys = mint(&ring, 2);
    drawn(&ring, 256);
    cut::after(Some(4));
    assert!(matches!(ring.destroy(&[keys[0].0]), Err(KeyringError::Io(_))));
    cut::after(None);
    assert_eq!(ring.state(&keys[0].0), KeyState::Fenced, "it is withheld");
    assert!(matches!(ring.mint(), Err(KeyringError::Stopped)));
    assert!(matches!(ring.destroy(&[keys[0].0]), Err(KeyringError::Stopped)));
    assert!(matches!(ring.confirm_retired(), Err(KeyringError::Stopped)));
    drop(ring);
    let ring = home.open();
    assert_eq!(ring.destroy(&[keys[0].0]).unwrap(), Destroyed { epoch_before: 0, epoch_after: 1 });
    assert_eq!(ring.state(&keys[1].0), KeyState::Live(keys[1].1.clone()));
}

/// A power cut may spoil what lies beside the bytes that were being written: never in two copies at once.
#[test]
fn no_copy_is_written_before_the_one_before_it_is_synced() {
    let home = Home::new();
    drop(filled(&home, 304));
    let start = home.files();
    let of = |files: &Files, dir: &str| -> Vec<(String, Vec<u8>)> {
        let named = files.iter().filter(|(path, _)| super::home::is_in(path, dir));
        let named =
            named.map(|(path, bytes)| (path.file_name().unwrap().to_string_lossy().into_owned(), bytes.clone()));
        named.filter(|(name, _)| name.starts_with("keys.")).collect()
    };
    let sizes = |files: &Files, dir: &str| -> Vec<(String, usize)> {
        of(files, dir).into_iter().map(|(name, bytes)| (name, bytes.len())).collect()
    };
    let at_first = std::cell::RefCell::new(None);
    let act = || crate::keyring::Ring::open(&home.copies(), home.shaky().into(), LOG)?.fill(256);
    let cuts = cut_everywhere(&home, &start, act, |_, _| {
        let now = home.files();
        if of(&now, "keyring.copy") != of(&start, "keyring.copy") && at_first.borrow().is_none() {
            at_first.replace(Some(sizes(&now, "keyring")));
        }
    });
    assert!(cuts > 20);
    assert_eq!(at_first.into_inner().unwrap(), sizes(&home.files(), "keyring"), "the first copy was whole by then");
}

#[test]
fn an_end_cut_anywhere_is_gone_on_with_and_no_file_goes_before_the_root() {
    let home = Home::new();
    drop(filled(&home, 304));
    let (start, members) = (home.files(), [home.file_anchor().identity().to_string()]);
    let is_rooted = || !home.file_anchor().roots(LOG).unwrap().is_empty();
    let is_there = || home.copies().iter().any(|copy| copy.exists());
    let seen = std::cell::Cell::new([false; 2]);
    let cuts = cut_everywhere(
        &home,
        &start,
        || Keyring::end_at(&home.copies(), home.shaky(), LOG, &members),
        |_, done| {
            let [gone, rooted] = seen.get();
            seen.set([gone || !is_rooted(), rooted || is_rooted()]);
            if is_rooted() {
                assert!(done.is_err());
                drop(home.open());
            }
            assert!(done.is_err() || !is_there() && !is_rooted());
            Keyring::end_at(&home.copies(), home.anchor(), LOG, &members).unwrap();
            assert!(!is_there() && !is_rooted());
        },
    );
    assert!(cuts > 10 && seen.get() == [true, true], "{cuts}");
}

#[test]
fn an_ended_keyring_gives_nothing_and_writes_nothing() {
    let home = Home::new();
    let ring = filled(&home, 304);
    let (id, _) = ring.mint().unwrap();
    ring.end().unwrap();
    assert!(!matches!(ring.state(&id), KeyState::Live(_)), "its keys left memory");
    assert!(matches!(ring.mint(), Err(KeyringError::Stopped)));
    assert!(matches!(ring.rotate(), Err(KeyringError::Stopped)) && !ring.is_stopped());
    ring.end().unwrap();
    drop(ring);
    assert!(home.copies().iter().all(|copy| !copy.exists()) && home.file_anchor().roots(LOG).unwrap().is_empty());
    let others = [Identity::new("file", &["another"]).to_string()];
    let refused = Keyring::end_at(&home.copies(), home.anchor(), LOG, &others);
    assert!(matches!(refused, Err(KeyringError::MissingMember { member: 1, .. })), "{refused:?}");
}
