//! Two copies: one of them missing, behind or damaged, and the repair.

use std::fs;
use std::path::Path;

use super::home::{Files, filled, is_in};
use super::*;

/// A keyring at rest with a hundred dead keys, and what it answers.
struct Rest {
    home: Home,
    files: Files,
    right: Vec<(KeyId, KeyState)>,
}

impl Rest {
    fn new() -> Self {
        let home = Home::new();
        let ring = filled(&home, 608);
        let all: Vec<KeyId> = ring.fingerprints().into_iter().map(|(id, _)| id).collect();
        ring.destroy(&all[40..60]).unwrap();
        drop(ring);
        let ring = home.open();
        let right = all.iter().map(|id| (*id, ring.state(id))).collect();
        drop(ring);
        Self { files: home.files(), home, right }
    }

    fn is_right(&self) {
        let ring = self.home.open();
        assert!(self.right.iter().all(|(id, state)| ring.state(id) == *state));
    }

    fn repair(&self) -> Vec<PathBuf> {
        let repaired = self.repair_by(false).unwrap().into_iter();
        repaired.map(|repaired| (repaired.copy, assert!(repaired.aside.is_none())).0).collect()
    }

    fn repair_by(&self, older: bool) -> Result<Vec<Repaired>, KeyringError> {
        Keyring::repair(&self.home.copies(), self.home.anchor(), LOG, older)
    }

    fn refused(&self) -> (PathBuf, Wrong) {
        match self.home.try_open() {
            Err(KeyringError::Copy { copy, wrong }) => (copy, wrong),
            Err(other) => panic!("{other}"),
            Ok(_) => panic!("it opens"),
        }
    }
}

/// The files of a copy, as if it were the other one.
fn same_in(files: &Files, from: &str, to: &str) -> Files {
    let of = files.iter().filter(|(path, _)| is_in(path, from));
    of.map(|(path, bytes)| (Path::new(to).join(path.file_name().unwrap()), bytes.clone())).collect()
}

#[test]
fn the_copies_are_the_same() {
    let rest = Rest::new();
    let [one, other] = ["keyring", "keyring.copy"].map(|dir| same_in(&rest.files, dir, "x"));
    assert_eq!(one.keys().collect::<Vec<_>>(), other.keys().collect::<Vec<_>>());
    for (path, bytes) in &one {
        assert!(other[path] == *bytes, "{path:?}");
    }
    assert_eq!(rest.repair(), Vec::<PathBuf>::new(), "there is nothing to repair");
}

#[test]
fn a_missing_copy_is_named_and_made_again() {
    let rest = Rest::new();
    for gone in rest.home.copies() {
        rest.home.put(&rest.files);
        fs::remove_dir_all(&gone).unwrap();
        assert_eq!(rest.refused(), (gone.clone(), Wrong::Missing));
        assert_eq!(rest.repair(), [gone]);
        rest.is_right();
        assert_eq!(rest.home.files().len(), rest.files.len());
    }
    rest.home.put(&rest.files);
    rest.home.copies().iter().for_each(|dir| fs::remove_dir_all(dir).unwrap());
    assert!(matches!(rest.home.try_open(), Err(KeyringError::NotAKeyring)));
    let nothing = rest.repair_by(false);
    assert!(matches!(nothing, Err(KeyringError::NotAKeyring)));
}

/// Behind by blocks of keys, under the same root: the older copy opens just as well, and must not win.
#[test]
fn a_copy_that_is_behind_is_named_and_the_newer_one_wins() {
    let rest = Rest::new();
    let ring = rest.home.open();
    ring.ring.fill(256).unwrap();
    ring.ring.fill(256).unwrap();
    drop(ring);
    let newer = rest.home.files();
    for (number, dir) in ["keyring", "keyring.copy"].into_iter().enumerate() {
        let mut files = newer.clone();
        files.extend(same_in(&rest.files, dir, dir));
        rest.home.put(&files);
        let copy = rest.home.copies()[number].clone();
        assert_eq!(rest.refused(), (copy.clone(), Wrong::Behind));
        assert_eq!(rest.repair(), [copy]);
        rest.is_right();
        assert_eq!(rest.home.open().fingerprints().len(), 1120);
    }
}

/// What only the newer one holds is nobody's to throw away: here 512 keys, for one leaf that is spoilt.
#[test]
fn a_damaged_copy_that_is_newer_is_not_overwritten_by_an_older_one() {
    let rest = Rest::new();
    let ring = rest.home.open();
    ring.ring.fill(256).unwrap();
    ring.ring.fill(256).unwrap();
    drop(ring);
    let mut files = rest.home.files();
    files.extend(same_in(&rest.files, "keyring", "keyring"));
    files.get_mut(Path::new("keyring.copy/keys.0.a")).unwrap()[9 * 640 + 99] ^= 4;
    rest.home.put(&files);
    let refused = rest.repair_by(false).unwrap_err();
    let newer = rest.home.copies()[1].clone();
    assert!(
        matches!(&refused, KeyringError::NewerDamaged { copy, damaged, whole, .. } if *copy == newer && damaged > whole)
    );
    assert!(refused.to_string().contains("repair --older"), "{refused}");
    assert!(rest.home.files() == files, "nothing was touched");
    let repaired = rest.repair_by(true).unwrap();
    let aside = rest.home.0.path().join("keyring.copy.damaged.1");
    assert_eq!(repaired, [Repaired { copy: newer, aside: Some(aside.clone()) }]);
    rest.is_right();
    assert_eq!(fs::read(aside.join("keys.0.a")).unwrap(), files[Path::new("keyring.copy/keys.0.a")]);
}

#[test]
fn a_copy_of_another_log_is_not_overwritten() {
    let rest = Rest::new();
    let other = Home::new();
    let strange = LogId([9; 16]);
    drop(Keyring::create(&other.copies(), other.anchor(), strange).unwrap());
    let mut files = rest.files.clone();
    files.retain(|path, _| !is_in(path, "keyring.copy"));
    files.extend(same_in(&other.files(), "keyring", "keyring.copy"));
    rest.home.put(&files);
    let refused = rest.repair_by(true).unwrap_err();
    assert!(matches!(refused, KeyringError::AnotherLog { found } if found == strange), "{refused}");
    assert!(rest.home.files() == files, "nothing was touched");
}

#[test]
fn a_keyring_is_not_made_where_something_else_lies() {
    for name in ["keys.kdbx", "header.html", "suppressed.csv", "keys.0.c", "notes"] {
        let home = Home::new();
        let dir = &home.copies()[1];
        fs::create_dir_all(dir).unwrap();
        fs::write(dir.join(name), "mine").unwrap();
        let refused = Keyring::create(&home.copies(), home.anchor(), LOG).err().unwrap();
        assert!(matches!(&refused, KeyringError::NotEmpty { found, .. } if found == name), "{refused}");
        assert_eq!(fs::read(dir.join(name)).unwrap(), b"mine");
    }
}

/// Behind by a destruction: the older copy opens under no root, and brings nobody back.
#[test]
fn a_copy_from_before_a_destruction_brings_nobody_back() {
    let rest = Rest::new();
    let (victim, _) = rest.right[7].clone();
    rest.home.open().destroy(&[victim]).unwrap();
    let newer = rest.home.files();
    for (number, dir) in ["keyring", "keyring.copy"].into_iter().enumerate() {
        let mut files = newer.clone();
        files.retain(|path, _| !is_in(path, dir));
        files.extend(same_in(&rest.files, dir, dir));
        rest.home.put(&files);
        assert_eq!(rest.refused().1, Wrong::Behind);
        assert_eq!(rest.repair(), [rest.home.copies()[number].clone()]);
        assert_eq!(rest.home.open().state(&victim), KeyState::Erased { epoch: 2 });
    }
}

/// A header of one copy is newer by one, as a crash leaves it, but the nodes it names are not all there.
#[test]
fn a_copy_is_brought_up_only_where_it_holds_what_the_header_names() {
    let rest = Rest::new();
    let ring = rest.home.open();
    ring.ring.fill(256).unwrap();
    drop(ring);
    let newer = rest.home.files();
    let mut files = newer.clone();
    files.insert("keyring.copy/header".into(), rest.files[Path::new("keyring.copy/header")].clone());
    rest.home.put(&files);
    rest.is_right();
    assert_eq!(rest.home.files(), newer, "a crash left it so: it is brought up");
    files.extend(same_in(&rest.files, "keyring.copy", "keyring.copy"));
    rest.home.put(&files);
    assert_eq!(rest.refused(), (rest.home.copies()[1].clone(), Wrong::Damaged));
    assert_eq!(rest.repair(), [rest.home.copies()[1].clone()]);
    rest.is_right();
}

#[test]
fn a_damaged_copy_is_named_and_the_other_one_goes_over_it() {
    let rest = Rest::new();
    for (number, dir) in ["keyring", "keyring.copy"].into_iter().enumerate() {
        let copy = rest.home.copies()[number].clone();
        // A node above the leaves, a leaf, and the marks; on the side that is valid.
        for (name, at) in [("keys.1.b", 100), ("keys.0.b", 2 * 640 + 100), ("keys.0.a", 9 * 640 + 99), ("marks", 20)] {
            let mut files = rest.files.clone();
            files.get_mut(&Path::new(dir).join(name)).unwrap()[at] ^= 4;
            rest.home.put(&files);
            assert_eq!(rest.refused(), (copy.clone(), Wrong::Damaged), "{name}");
            assert_eq!(rest.repair(), vec![copy.clone()], "{name}");
            rest.is_right();
        }
    }
}

#[test]
fn a_repair_cut_anywhere_is_begun_again() {
    let rest = Rest::new();
    let mut files = rest.files.clone();
    files.get_mut(Path::new("keyring/keys.0.a")).unwrap()[9 * 640 + 99] ^= 4;
    for steps in 0.. {
        rest.home.put(&files);
        disk::cut::after(Some(steps));
        let done = rest.repair_by(false);
        let cut = disk::cut::happened();
        disk::cut::after(None);
        if !cut {
            assert_eq!(done.unwrap().len(), 1);
            assert!(steps > 10, "{steps} steps");
            break;
        }
        rest.repair();
        rest.is_right();
    }
}

#[test]
fn a_keyring_in_use_is_not_repaired() {
    let rest = Rest::new();
    let _ring = rest.home.open();
    let answer = rest.repair_by(false);
    assert!(matches!(answer, Err(KeyringError::InUse)));
}
