//! What the keyring answers, whatever lies below.

use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use super::*;

#[test]
fn every_answer_is_another_one() {
    let home = Home::new();
    let ring = home.create();
    let keys = mint(&ring, 4);
    let [live, fenced, unused, dead] = [0, 1, 2, 3].map(|at: usize| keys[at].0);
    drop(ring);

    let ring = home.open();
    ring.fence(&[fenced]);
    ring.settle(|key| *key != unused, true).unwrap();
    let retired = ring.state(&unused);
    ring.destroy(&[dead]).unwrap();
    assert_eq!(ring.state(&live), KeyState::Live(keys[0].1.clone()));
    assert_eq!(ring.state(&fenced), KeyState::Fenced);
    assert_eq!(retired, KeyState::Retired);
    assert_eq!(ring.state(&dead), KeyState::Erased { epoch: 1 });
    assert_eq!(ring.state(&KeyId([9; 16])), KeyState::NeverHad);
}

#[test]
fn a_key_handed_out_is_there_after_a_restart() {
    let home = Home::new();
    let keys = mint(&home.create(), 1000);
    let ring = home.open();
    for (id, key) in keys {
        assert_eq!(key.fingerprint(), id);
        assert_eq!(ring.state(&id), KeyState::Live(key));
    }
}

#[test]
fn no_key_is_handed_out_before_the_log_was_read() {
    let home = Home::new();
    drop(home.create());
    let ring = home.open();
    assert!(matches!(ring.mint(), Err(KeyringError::NotSettled)));
    ring.settle(all_used, true).unwrap();
    ring.mint().unwrap();
}

#[test]
fn who_only_looks_draws_nothing() {
    let home = Home::new();
    let ring = home.create();
    let (named, _) = ring.mint().unwrap();
    drop(ring);
    let before = home.open().fingerprints().len();
    for _ in 0..3 {
        let ring = home.open();
        ring.settle(|key| *key == named, true).unwrap();
        ring.state(&named);
        std::thread::sleep(std::time::Duration::from_millis(20));
        assert_eq!(ring.fingerprints().len(), before);
    }
}

#[test]
fn what_may_have_been_handed_out_is_never_handed_out_again() {
    let home = Home::new();
    let ring = home.create();
    let (named, _) = ring.mint().unwrap();
    drawn(&ring, 256);
    let before: HashSet<KeyId> = ring.fingerprints().into_iter().map(|(id, _)| id).collect();
    drop(ring);

    let ring = home.open();
    let settled = ring.settle(|key| *key == named, true).unwrap();
    assert_eq!(settled, Settled { retired: 255, awaiting: 0, revived: 0 });
    for (id, _) in mint(&ring, 2000) {
        assert!(!before.contains(&id), "{id} comes twice");
    }
    ring.destroy(&[named]).unwrap();
    for id in before {
        assert_eq!(ring.state(&id), KeyState::Erased { epoch: 1 });
    }
}

#[test]
fn a_second_settling_retires_nothing() {
    let home = Home::new();
    let ring = home.create();
    let (id, key) = ring.mint().unwrap();
    assert_eq!(ring.settle(|_| false, true).unwrap(), Settled::default());
    assert_eq!(ring.state(&id), KeyState::Live(key));
}

#[test]
fn after_a_restore_unused_keys_wait_until_somebody_confirms() {
    let home = Home::new();
    let ring = home.create();
    let [(named, _), (unnamed, _), (dead, _)] = [(); 3].map(|()| ring.mint().unwrap());
    drop(ring);
    let used = |key: &KeyId| [named, dead].contains(key);

    let ring = home.open();
    assert_eq!(ring.settle(used, false).unwrap().awaiting, 254);
    ring.destroy(&[dead]).unwrap();
    drop(ring);

    // At the next start the log has a head mark of its own again, which confirms nothing.
    let ring = home.open();
    ring.settle(used, true).unwrap();
    assert_eq!(ring.state(&unnamed), KeyState::Retired);
    assert_eq!(ring.counts().awaiting, 254);
    assert_eq!(ring.confirm_retired().unwrap(), 254);
    drop(ring);

    let ring = home.open();
    ring.settle(used, true).unwrap();
    ring.destroy(&[named]).unwrap();
    assert_eq!(ring.state(&unnamed), KeyState::Erased { epoch: 2 });
    assert_eq!(ring.state(&dead), KeyState::Erased { epoch: 1 });
}

#[test]
fn a_newer_log_that_comes_back_finds_its_keys() {
    let home = Home::new();
    let ring = home.create();
    let keys = mint(&ring, 2);
    drop(ring);
    let ring = home.open();
    ring.settle(|_| false, false).unwrap();
    assert_eq!(ring.state(&keys[1].0), KeyState::Retired);
    drop(ring);

    let ring = home.open();
    ring.fence(&[keys[0].0]);
    let settled = ring.settle(|key| ids(&keys).contains(key), true).unwrap();
    assert_eq!(settled.revived, 2);
    assert_eq!(ring.state(&keys[0].0), KeyState::Fenced);
    assert_eq!(ring.state(&keys[1].0), KeyState::Live(keys[1].1.clone()));
}

#[test]
fn a_fence_can_be_looked_behind_and_lifted() {
    let home = Home::new();
    let ring = home.create();
    let (id, key) = ring.mint().unwrap();
    assert_eq!(ring.open_fenced(&id).unwrap(), None, "there is no fence");
    ring.fence(&[id, KeyId([9; 16])]);
    assert_eq!(ring.state(&id), KeyState::Fenced);
    assert_eq!(ring.open_fenced(&id).unwrap(), Some(key.clone()));
    ring.unfence(&[id, KeyId([9; 16])]).unwrap();
    assert_eq!(ring.state(&id), KeyState::Live(key));
    ring.fence(&[id]);
    ring.destroy(&[id]).unwrap();
    assert_eq!(ring.state(&id), KeyState::Erased { epoch: 1 });
    ring.unfence(&[id]).unwrap();
    assert_eq!(ring.state(&id), KeyState::Erased { epoch: 1 });
    assert_eq!(ring.open_fenced(&id).unwrap(), None);
}

#[test]
fn a_key_that_may_not_be_used_is_not_in_memory() {
    let home = Home::new();
    let ring = home.create();
    let keys = mint(&ring, 3);
    let held = |ring: &Keyring| [0, 1, 2].map(|at: usize| ring.ring.holds(&keys[at].1));
    assert_eq!(held(&ring), [true, true, true]);
    ring.fence(&[keys[0].0]);
    ring.destroy(&[keys[1].0]).unwrap();
    assert_eq!(held(&ring), [false, false, true]);
    drop(ring);
    let ring = home.open();
    ring.settle(|_| false, true).unwrap();
    assert_eq!(held(&ring), [false, false, false]);
}

#[test]
fn destroyed_stays_destroyed() {
    let home = Home::new();
    let ring = home.create();
    let keys = mint(&ring, 3);
    let asked = [keys[0].0, keys[2].0, keys[0].0];
    let done = Destroyed { epoch_before: 0, epoch_after: 1 };
    assert_eq!(ring.destroy(&asked).unwrap(), done);
    assert_eq!(ring.destroy(&asked).unwrap(), done, "asked again");
    assert_eq!(ring.epoch(), 1);
    drop(ring);

    let ring = home.open();
    ring.settle(all_used, true).unwrap();
    assert_eq!(ring.state(&keys[0].0), KeyState::Erased { epoch: 1 });
    assert_eq!(ring.state(&keys[1].0), KeyState::Live(keys[1].1.clone()));
    assert_eq!(ring.destroy(&asked).unwrap(), done, "asked after a restart");
    assert!(mint(&ring, 600).iter().all(|(id, _)| !asked.contains(id)));
    assert_eq!(ring.destroy(&[keys[0].0, keys[1].0]).unwrap(), Destroyed { epoch_before: 1, epoch_after: 2 });
    assert_eq!(ring.state(&keys[0].0), KeyState::Erased { epoch: 1 }, "it died in its own epoch");
}

#[test]
fn a_key_that_was_never_there_stops_a_destruction_before_it_begins() {
    let home = Home::new();
    let ring = home.create();
    let (id, key) = ring.mint().unwrap();
    let stranger = KeyId([9; 16]);
    assert!(matches!(ring.destroy(&[id, stranger]), Err(KeyringError::NeverHad(named)) if named == stranger));
    assert_eq!(ring.state(&id), KeyState::Live(key));
    assert_eq!(ring.epoch(), 0);
    ring.mint().unwrap();
}

#[test]
fn keys_are_never_in_clear_on_the_disk() {
    let home = Home::new();
    let ring = home.create();
    let keys = mint(&ring, 300);
    let disk = home.everything();
    let pieces: HashSet<&[u8]> = disk.windows(8).collect();
    for (_, key) in keys {
        assert!(key.expose().chunks(8).all(|piece| !pieces.contains(piece)));
    }
}

#[test]
fn a_keyring_of_another_log_is_refused() {
    let home = Home::new();
    drop(home.create());
    let other = LogId([8; 16]);
    home.file_anchor().create_root(other, 0).unwrap();
    let answer = Keyring::open(&home.copies(), home.anchor(), other);
    assert!(matches!(answer, Err(KeyringError::AnotherLog { found: LOG })));
}

#[test]
fn a_foreign_anchor_is_refused() {
    let home = Home::new();
    drop(home.create());
    let elsewhere = Home::new();
    let foreign = || elsewhere.anchor();
    let answer = Keyring::open(&home.copies(), foreign(), LOG);
    assert!(matches!(answer, Err(KeyringError::MissingMember { member: 1, instead: Some(_), .. })));
    // Another one that says it is this one has another root, or none.
    fs::copy(home.0.path().join("anchor/id"), elsewhere.0.path().join("anchor/id")).unwrap();
    let answer = Keyring::open(&home.copies(), foreign(), LOG);
    assert!(matches!(answer, Err(KeyringError::Anchor(AnchorError::NoRoot { log: LOG, root: 0 }))));
    elsewhere.file_anchor().create_root(LOG, 0).unwrap();
    let answer = Keyring::open(&home.copies(), foreign(), LOG);
    assert!(matches!(answer, Err(KeyringError::Anchor(AnchorError::DoesNotOpen))));
}

#[test]
fn a_destroyed_root_opens_nothing_and_is_gone() {
    let home = Home::new();
    drop(home.create());
    let file = home.0.path().join(format!("anchor/{LOG}.0"));
    let root = fs::read(&file).unwrap()[40..72].to_vec();
    home.file_anchor().destroy_root(LOG, 0).unwrap();
    home.file_anchor().destroy_root(LOG, 0).unwrap();
    assert!(!contains(&home.everything(), &root));
    assert_eq!(home.file_anchor().roots(LOG).unwrap(), []);
    assert!(matches!(home.try_open(), Err(KeyringError::Anchor(AnchorError::NoRoot { .. }))));
}

#[test]
fn what_is_no_keyring_is_refused_and_one_is_never_made_over_another() {
    let home = Home::new();
    assert!(matches!(home.try_open(), Err(KeyringError::NotAKeyring)));
    let ring = home.create();
    assert!(matches!(home.try_open(), Err(KeyringError::InUse)));
    drop(ring);
    assert!(matches!(Keyring::create(&home.copies(), home.anchor(), LOG), Err(KeyringError::Exists)));
    for dir in home.copies() {
        fs::write(dir.join("header"), [b'x'; 20_000]).unwrap();
    }
    assert!(matches!(home.try_open(), Err(KeyringError::NotAKeyring)));
}

#[test]
fn an_attempt_that_was_cut_short_leaves_room_for_the_next() {
    let home = Home::new();
    home.file_anchor().create_root(LOG, 0).unwrap();
    for dir in home.copies() {
        fs::create_dir(&dir).unwrap();
        for left in ["header.new", "marks", "keys.0.a", "keys.1.a"] {
            fs::write(dir.join(left), [1; 5000]).unwrap();
        }
    }
    let (id, key) = home.create().mint().unwrap();
    assert_eq!(home.file_anchor().roots(LOG).unwrap(), [1]);
    assert_eq!(home.open().state(&id), KeyState::Live(key));
}

#[test]
fn nobody_else_may_read_the_files() {
    let home = Home::new();
    drop(home.create());
    let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    for dir in [home.copies(), vec![home.0.path().join("anchor")]].concat() {
        assert_eq!(mode(dir.clone()), 0o700);
        for file in fs::read_dir(dir).unwrap() {
            assert_eq!(mode(file.unwrap().path()), 0o600);
        }
    }
}

#[test]
fn many_at_once_never_get_the_same_key() {
    let home = Home::new();
    let ring = home.create();
    let keys: Vec<(KeyId, Key)> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| mint(&ring, 2000))).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(ids(&keys).into_iter().collect::<HashSet<_>>().len(), 16_000);
    drop(ring);
    let ring = home.open();
    assert!(keys.into_iter().all(|(id, key)| ring.state(&id) == KeyState::Live(key)));
}

#[test]
fn level_a0_says_so() {
    let home = Home::new();
    let ring = home.create();
    assert_eq!(ring.level(), Level::A0);
    assert_eq!(ring.level().to_string(), "A0");
}
