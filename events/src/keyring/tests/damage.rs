//! Files that are not what was written: an error with a place, or nothing changes.

use std::fs;

use super::home::filled;
use super::*;

/// Slots in every standing, then a bit flipped at hundreds of places of each file: in both copies at once, so that no
/// copy helps out, and in one of them.
#[test]
fn a_flipped_bit_is_an_error_or_changes_nothing() {
    let home = Home::new();
    let ring = home.create();
    let keys = mint(&ring, 60);
    drawn(&ring, 256);
    drop(ring);
    let ring = home.open();
    ring.destroy(&ids(&keys[..20])).unwrap();
    ring.settle(|key| ids(&keys[..40]).contains(key), false).unwrap();
    ring.mint().unwrap();
    drop(ring);
    let ring = home.open();
    let right: Vec<_> = ring.fingerprints().iter().map(|(id, standing)| (*id, *standing, ring.state(id))).collect();
    let epoch = ring.epoch();
    drop(ring);

    let whole = home.files();
    let (mut opened, mut refused) = (0, 0);
    for (path, bytes) in whole.iter().filter(|(path, _)| !path.starts_with("keyring.copy")) {
        let twin = path.strip_prefix("keyring").map(|name| PathBuf::from("keyring.copy").join(name)).ok();
        let bits = bytes.len() * 8;
        let step = (bits / 120).max(1) | 1;
        for (number, bit) in (0..bits).step_by(step).enumerate() {
            let mut harmed = bytes.clone();
            harmed[bit / 8] ^= 1 << (bit % 8);
            let both = number % 2 == 0;
            fs::write(home.0.path().join(path), &harmed).unwrap();
            if let Some(twin) = twin.as_ref().filter(|_| both) {
                fs::write(home.0.path().join(twin), &harmed).unwrap();
            }
            match home.try_open() {
                Err(_) => refused += 1,
                Ok(ring) => {
                    opened += 1;
                    assert_eq!(ring.epoch(), epoch);
                    for (id, standing, state) in &right {
                        assert_eq!(ring.state(id), *state, "bit {bit} of {path:?}, {standing:?}");
                    }
                }
            }
            home.put(&whole);
        }
    }
    assert!(opened > 100 && refused > 200, "{opened} opened, {refused} were refused");
}

#[test]
fn files_that_are_cut_off_are_damage() {
    let home = Home::new();
    drop(filled(&home, 512));
    let whole = home.files();
    for name in ["header", "marks", "keys.0.a", "keys.1.a", "keys.2.a"] {
        let length = whole[&PathBuf::from("keyring").join(name)].len();
        for at in (0..length).step_by(length / 19 + 1) {
            let mut files = whole.clone();
            for copy in ["keyring", "keyring.copy"] {
                files.get_mut(&PathBuf::from(copy).join(name)).unwrap().truncate(at);
            }
            home.put(&files);
            match (name, home.try_open()) {
                // The older of the two headers is cut, or zeros are.
                ("header", Ok(ring)) => assert_eq!(ring.fingerprints().len(), 512),
                ("header", Err(KeyringError::NotAKeyring | KeyringError::DamagedHeader)) => {}
                ("header", Err(KeyringError::DamagedNode { .. })) => {}
                ("marks", Err(KeyringError::DamagedMarks)) => {}
                ("keys.0.a", Err(KeyringError::DamagedNode { level: 0, index })) => {
                    // The first leaf that is not whole.
                    let cut = (0..).find(|leaf| leaf * 640 + 585 > at as u64).unwrap();
                    assert_eq!(index, cut, "cut at {at}");
                }
                ("keys.1.a", Err(KeyringError::DamagedNode { level: 1, .. })) => {}
                ("keys.2.a", Err(KeyringError::DamagedNode { level: 2, .. })) => {}
                (_, Err(other)) => panic!("{name} cut at {at}: {other}"),
                (_, Ok(_)) => panic!("{name} cut at {at}: it opens"),
            }
        }
    }
}

#[test]
fn an_older_header_in_both_copies_is_refused() {
    let home = Home::new();
    let ring = filled(&home, 512);
    let (id, _) = ring.mint().unwrap();
    drop(ring);
    let before = home.files();
    home.open().destroy(&[id]).unwrap();
    let mut files = home.files();
    for copy in ["keyring", "keyring.copy"] {
        let path = PathBuf::from(copy).join("header");
        files.insert(path.clone(), before[&path].clone());
    }
    home.put(&files);
    assert!(matches!(home.try_open(), Err(KeyringError::Anchor(AnchorError::NoRoot { .. }))));
}
