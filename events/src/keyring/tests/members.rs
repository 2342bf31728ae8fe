//! Anchors of several members, and anchors that go away.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use parking_lot::Mutex;

use super::home::{STEADY, Shaky, filled};
use super::*;
use crate::keyring::disk::cut;

struct Two {
    home: Home,
    left: [Arc<AtomicI64>; 2],
}

/// Two members with roots of their own, and what lets each of them fail.
impl Two {
    fn anchors(home: &Home) -> (Vec<Box<dyn Anchor>>, [Arc<AtomicI64>; 2]) {
        let at = |name: &str| Shaky::new(FileAnchor::at(home.0.path().join(name)).unwrap());
        let ((one, left), (two, right)) = (at("anchor"), at("anchor.2"));
        (vec![Box::new(one), Box::new(two)], [left, right])
    }

    fn new() -> (Self, Keyring) {
        let home = Home::new();
        let (anchors, left) = Self::anchors(&home);
        let ring = Keyring::create(&home.copies(), anchors, LOG).unwrap();
        (Self { home, left }, ring)
    }

    fn open(&mut self) -> Result<Keyring, KeyringError> {
        let (anchors, left) = Self::anchors(&self.home);
        self.left = left;
        Keyring::open(&self.home.copies(), anchors, LOG)
    }

    fn roots(&self) -> [Vec<u64>; 2] {
        ["anchor", "anchor.2"].map(|name| FileAnchor::at(self.home.0.path().join(name)).unwrap().roots(LOG).unwrap())
    }
}

/// An anchor with a level of its own.
struct Graded(FileAnchor, Arc<Mutex<Level>>);

impl Anchor for Graded {
    fn identity(&self) -> Identity {
        self.0.identity()
    }
    fn level(&self) -> Level {
        *self.1.lock()
    }
    fn describe(&self) -> Description {
        Description { level: self.level(), ..self.0.describe() }
    }
    fn roots(&self, log: LogId) -> Result<Vec<u64>, AnchorError> {
        self.0.roots(log)
    }
    fn create_root(&self, log: LogId, root: u64) -> Result<(), AnchorError> {
        self.0.create_root(log, root)
    }
    fn destroy_root(&self, log: LogId, root: u64) -> Result<(), AnchorError> {
        self.0.destroy_root(log, root)
    }
    fn seal(&self, log: LogId, root: u64, top: &Key) -> Result<Vec<u8>, AnchorError> {
        self.0.seal(log, root, top)
    }
    fn open(&self, log: LogId, root: u64, sealed: &[u8]) -> Result<Key, AnchorError> {
        self.0.open(log, root, sealed)
    }
}

#[test]
fn each_of_two_members_opens_the_keyring_and_both_lose_their_root() {
    let (mut two, ring) = Two::new();
    let keys = mint(&ring, 3);
    let before = two.roots();
    ring.destroy(&[keys[0].0]).unwrap();
    let after = two.roots();
    assert!(
        before.iter().zip(&after).all(|(old, new)| new.len() == 1 && !old.contains(&new[0])),
        "{before:?} {after:?}"
    );
    drop(ring);
    for gone in ["anchor", "anchor.2"] {
        let aside = two.home.0.path().join("aside");
        let gone = std::fs::read_dir(two.home.0.path().join(gone)).unwrap();
        let gone = gone.map(|file| file.unwrap().path()).find(|path| !path.ends_with("id")).unwrap();
        std::fs::rename(&gone, &aside).unwrap();
        let ring = two.open().unwrap();
        assert_eq!(ring.state(&keys[1].0), KeyState::Live(keys[1].1.clone()), "without {}", gone.display());
        assert_eq!(ring.state(&keys[0].0), KeyState::Erased { epoch: 1 });
        drop(ring);
        std::fs::rename(&aside, &gone).unwrap();
    }
}

#[test]
fn the_members_must_be_those_that_the_header_names() {
    let (two, ring) = Two::new();
    let (keys, before) = (mint(&ring, 2), two.roots());
    drop(ring);
    let at = |name: &str| FileAnchor::at(two.home.0.path().join(name)).unwrap();
    let open = |names: &[&str]| {
        let anchors: Vec<Box<dyn Anchor>> = names.iter().map(|name| Box::new(at(name)) as Box<dyn Anchor>).collect();
        Keyring::open(&two.home.copies(), anchors, LOG)
    };
    let (second, third) = (at("anchor.2").identity(), at("anchor.3").identity());
    let answer = open(&["anchor"]).err().unwrap();
    assert!(
        matches!(&answer, KeyringError::MissingMember { member: 2, identity, instead: None } if *identity == second),
        "{answer}"
    );
    let answer = open(&["anchor", "anchor.3"]).err().unwrap();
    assert!(answer.to_string().contains(&second.to_string()), "{answer}");
    assert!(matches!(answer, KeyringError::MissingMember { member: 2, instead: Some(found), .. } if found == third));
    let answer = open(&["anchor", "anchor.2", "anchor.3"]).err().unwrap();
    assert!(matches!(answer, KeyringError::StrangeMember { identity } if identity == third));
    let answer = open(&["anchor", "anchor"]).err().unwrap();
    assert!(matches!(answer, KeyringError::SameMember { .. }), "one of them twice");
    // A stranger that was given the roots and the other one's number stays a stranger.
    for file in std::fs::read_dir(two.home.0.path().join("anchor.2")).unwrap().map(|file| file.unwrap().path()) {
        if !file.ends_with("id") {
            std::fs::copy(&file, two.home.0.path().join("anchor.3").join(file.file_name().unwrap())).unwrap();
        }
    }
    assert!(matches!(open(&["anchor", "anchor.3"]), Err(KeyringError::MissingMember { .. })));
    assert_eq!(two.roots(), before, "nothing was touched");
    let ring = open(&["anchor.2", "anchor"]).unwrap();
    assert_eq!(ring.state(&keys[0].0), KeyState::Live(keys[0].1.clone()), "the order of the lines says nothing");
    assert!(matches!(Keyring::create(&two.home.copies(), vec![], LOG), Err(KeyringError::Members { given: 0, .. })));
}

#[test]
fn a_destruction_is_worth_what_the_weakest_member_gives() {
    let home = Home::new();
    let levels = [Level::A3, Level::A1, Level::A2].map(|level| Arc::new(Mutex::new(level)));
    let member = |(name, level): (&str, &Arc<Mutex<Level>>)| -> Box<dyn Anchor> {
        Box::new(Graded(FileAnchor::at(home.0.path().join(name)).unwrap(), level.clone()))
    };
    let ring =
        Keyring::create(&home.copies(), ["one", "two", "three"].into_iter().zip(&levels).map(member).collect(), LOG);
    let ring = ring.unwrap();
    assert_eq!(ring.level(), Level::A1);
    *levels[1].lock() = Level::A3;
    assert_eq!(ring.level(), Level::A2, "a declaration counts from when it is made");
}

/// An image from before a move opens with the root that was there, if anybody kept it: a move makes no key harder to bring back.
#[test]
fn a_key_that_lay_under_a_weaker_anchor_is_worth_no_more_than_that() {
    let home = Home::new();
    let at = |name: &str, level| -> Vec<Box<dyn Anchor>> {
        let level = Arc::new(Mutex::new(level));
        vec![Box::new(Graded(FileAnchor::at(home.0.path().join(name)).unwrap(), level))]
    };
    let open = |name, level, used: &[KeyId]| {
        let ring = Keyring::open(&home.copies(), at(name, level), LOG).unwrap();
        ring.settle(|key| used.contains(key), true).unwrap();
        ring
    };
    let ring = Keyring::create(&home.copies(), at("files", Level::A0), LOG).unwrap();
    let old = ring.mint().unwrap().0;
    drop(ring);
    Keyring::relocate(&home.copies(), at("files", Level::A0), at("module", Level::A1), LOG).unwrap();
    let ring = open("module", Level::A3, &[old]);
    let new = ring.mint().unwrap().0;
    let levels = |ring: &Keyring| [vec![old], vec![new], vec![old, new]].map(|keys| ring.level_of(&keys));
    assert_eq!((ring.level(), levels(&ring)), (Level::A3, [Level::A0, Level::A3, Level::A0]));
    ring.destroy(&[old]).unwrap();
    assert_eq!(levels(&ring), [Level::A0, Level::A3, Level::A0], "also when it is gone");
    drop(ring);
    let ring = open("module", Level::A3, &[old, new]);
    assert_eq!(levels(&ring), [Level::A0, Level::A3, Level::A0], "a restart does not forget it");
    drop(ring);
    Keyring::relocate(&home.copies(), at("module", Level::A1), at("another", Level::A3), LOG).unwrap();
    let ring = open("another", Level::A3, &[old, new]);
    assert_eq!(levels(&ring), [Level::A0; 3], "of several moves the weakest counts");
    assert_eq!(ring.level_of(&[KeyId([9; 16])]), Level::A0, "it was never here");
}

/// A token that goes away at any call: nothing is called destroyed while an old root may be there, and it goes on when
/// the token is back.
#[test]
fn a_token_that_goes_away_leaves_keys_fenced_and_is_waited_for() {
    let (mut behind, mut before) = (0, 0);
    for (calls, member) in (0..40).flat_map(|calls| [(calls, 0), (calls, 1)]) {
        let (mut two, ring) = Two::new();
        let keys = mint(&ring, 40);
        let victims = [keys[1].0, keys[20].0];
        two.left[member].store(calls, Ordering::Relaxed);
        let Err(error) = ring.destroy(&victims) else { continue };
        for id in victims {
            assert_eq!(ring.state(&id), KeyState::Fenced, "call {calls} of member {member}: {error}");
            assert!(!ring.ring.holds(&keys[1].1) && !ring.ring.holds(&keys[20].1), "a key is in memory");
        }
        assert_eq!(ring.state(&keys[2].0), KeyState::Live(keys[2].1.clone()));
        ring.mint().unwrap();
        match error {
            KeyringError::RootRemains { member: said, .. } if ring.epoch() == 1 => {
                behind += 1;
                assert_eq!(said, member + 1);
                // It is gone from the tree: nothing brings it back, and nobody is shown it.
                ring.unfence(&victims).unwrap();
                assert_eq!(ring.state(&victims[0]), KeyState::Fenced);
                assert_eq!(ring.open_fenced(&victims[0]).unwrap(), None);
                assert!(
                    matches!(ring.destroy(&victims), Err(KeyringError::RootRemains { .. })),
                    "asked again too soon"
                );
                assert!(matches!(ring.destroy(&[keys[30].0]), Err(KeyringError::RootRemains { .. })));
                assert_eq!(ring.state(&keys[30].0), KeyState::Fenced, "it waits out of memory, too");
            }
            KeyringError::Member { .. } | KeyringError::RootRemains { .. } => {
                before += 1;
                assert_eq!(ring.epoch(), 0);
                // Nothing happened yet, so the fence can still be lifted.
                ring.unfence(&victims).unwrap();
                assert_eq!(ring.state(&victims[0]), KeyState::Live(keys[1].1.clone()));
            }
            other => panic!("call {calls} of member {member}: {other}"),
        }
        // Half of them go on in the same process, the others at the next open.
        if calls % 2 == 0 {
            two.left[member].store(STEADY, Ordering::Relaxed);
        }
        let ring = if calls % 2 == 0 {
            ring
        } else {
            drop(ring);
            two.open().unwrap()
        };
        assert_eq!(ring.destroy(&victims).unwrap(), Destroyed { epoch_before: 0, epoch_after: 1 });
        assert_eq!(ring.state(&victims[1]), KeyState::Erased { epoch: 1 });
        assert!(two.roots().iter().all(|roots| roots.len() == 1), "{:?}", two.roots());
    }
    assert!(behind > 2 && before > 8, "{behind} behind the commit, {before} before it");
}

/// The other member opens the keyring while one is away: what died then is not called erased before its root is gone.
#[test]
fn what_one_member_may_still_open_is_not_erased_after_a_restart_either() {
    let (mut two, ring) = Two::new();
    let keys = mint(&ring, 3);
    let aside = two.home.0.path().join("aside");
    // The calls before step 4: two lists, making, sealing and opening; then the second member is gone.
    let mut calls = 0;
    let error = loop {
        two.left[1].store(calls, Ordering::Relaxed);
        match ring.destroy(&[keys[0].0]) {
            Err(error) if ring.epoch() == 1 => break error,
            _ => calls += 1,
        }
    };
    assert!(matches!(error, KeyringError::RootRemains { member: 2, .. }), "{error}");
    drop(ring);
    let (anchors, left) = Two::anchors(&two.home);
    left[1].store(0, Ordering::Relaxed);
    let ring = Keyring::open(&two.home.copies(), anchors, LOG).unwrap();
    assert_eq!(ring.state(&keys[0].0), KeyState::Fenced);
    assert!(matches!(ring.destroy(&[keys[0].0]), Err(KeyringError::RootRemains { member: 2, .. })));
    left[1].store(STEADY, Ordering::Relaxed);
    assert_eq!(ring.destroy(&[keys[0].0]).unwrap(), Destroyed { epoch_before: 0, epoch_after: 1 });
    assert_eq!(ring.state(&keys[0].0), KeyState::Erased { epoch: 1 });
    drop(ring);
    assert!(!aside.exists());
    assert_eq!(two.open().unwrap().state(&keys[1].0), KeyState::Live(keys[1].1.clone()));
}

/// Somebody puts the keyring of yesterday back, and today's root is in the anchor.
#[test]
fn a_keyring_older_than_its_anchor_is_refused_with_the_reason() {
    let home = Home::new();
    let ring = filled(&home, 304);
    let (id, _) = ring.mint().unwrap();
    drop(ring);
    let mut files = home.files();
    home.open().destroy(&[id]).unwrap();
    let today = home.files();
    files.retain(|path, _| !super::home::is_in(path, "anchor"));
    files.extend(today.clone().into_iter().filter(|(path, _)| super::home::is_in(path, "anchor")));
    home.put(&files);
    let refused = home.try_open().err().unwrap();
    assert!(matches!(refused, KeyringError::Anchor(AnchorError::NoRoot { .. })), "{refused}");
    assert!(refused.to_string().contains("holds no root"), "{refused}");
    home.put(&today);
    assert_eq!(home.open().state(&id), KeyState::Erased { epoch: 1 }, "the root of today is still there");
}

/// The power goes between the new nodes and the header, and one member is away when it is back.
#[test]
fn a_rotation_that_was_cut_is_undone_while_a_member_is_away() {
    let (mut two, ring) = Two::new();
    let key = mint(&ring, 1).remove(0);
    drop(ring);
    let start = two.home.files();
    let left = (0..)
        .find_map(|steps| {
            two.home.put(&start);
            let ring = two.open().unwrap();
            cut::after(Some(steps));
            let done = ring.destroy(&[key.0]);
            cut::after(None);
            let both = two.roots().iter().all(|roots| roots.len() == 2);
            let written = two.home.files().iter().any(|(path, bytes)| {
                path.file_name().is_some_and(|name| name == "keys.0.b") && bytes.iter().any(|byte| *byte != 0)
            });
            assert!(done.is_err(), "no cut fell there");
            (both && written).then(|| two.home.files())
        })
        .unwrap();
    for away in 0..2 {
        two.home.put(&left);
        let (anchors, members) = Two::anchors(&two.home);
        members[away].store(0, Ordering::Relaxed);
        let ring = Keyring::open(&two.home.copies(), anchors, LOG).unwrap();
        assert_eq!(ring.state(&key.0), KeyState::Live(key.1.clone()));
        assert_eq!((two.roots()[away].len(), two.roots()[1 - away].len()), (2, 1), "what could be reached is undone");
        assert!(ring.destroy(&[key.0]).is_err());
        members[away].store(STEADY, Ordering::Relaxed);
        assert_eq!(ring.destroy(&[key.0]).unwrap(), Destroyed { epoch_before: 0, epoch_after: 1 });
        assert!(two.roots().iter().all(|roots| roots.len() == 1));
    }
}

/// An anchor whose device takes the disk along when it fails.
struct Spoils(FileAnchor, Arc<AtomicI64>);

impl Anchor for Spoils {
    fn identity(&self) -> Identity {
        self.0.identity()
    }
    fn level(&self) -> Level {
        self.0.level()
    }
    fn describe(&self) -> Description {
        self.0.describe()
    }
    fn roots(&self, log: LogId) -> Result<Vec<u64>, AnchorError> {
        self.0.roots(log)
    }
    fn create_root(&self, log: LogId, root: u64) -> Result<(), AnchorError> {
        if self.1.load(Ordering::Relaxed) > 0 {
            cut::after(Some(0));
            return Err(std::io::Error::other("the token is gone").into());
        }
        self.0.create_root(log, root)
    }
    fn destroy_root(&self, log: LogId, root: u64) -> Result<(), AnchorError> {
        self.0.destroy_root(log, root)
    }
    fn seal(&self, log: LogId, root: u64, top: &Key) -> Result<Vec<u8>, AnchorError> {
        self.0.seal(log, root, top)
    }
    fn open(&self, log: LogId, root: u64, sealed: &[u8]) -> Result<Key, AnchorError> {
        self.0.open(log, root, sealed)
    }
}

#[test]
fn a_disk_that_fails_while_a_rotation_is_undone_stops_the_keyring() {
    let home = Home::new();
    let fails = Arc::new(AtomicI64::new(0));
    let anchor: Box<dyn Anchor> = Box::new(Spoils(home.file_anchor(), fails.clone()));
    let ring = Keyring::create(&home.copies(), vec![anchor], LOG).unwrap();
    let key = ring.mint().unwrap();
    fails.store(1, Ordering::Relaxed);
    let failed = ring.destroy(&[key.0]);
    cut::after(None);
    assert!(matches!(failed, Err(KeyringError::Io(_))), "{failed:?}");
    assert!(ring.is_stopped());
    drop(ring);
    assert_eq!(home.open().state(&key.0), KeyState::Live(key.1));
}

fn why(failed: &Result<Destroyed, KeyringError>) -> Option<&AnchorError> {
    match failed {
        Err(KeyringError::RootRemains { member: 2, source, .. }) => Some(source),
        _ => None,
    }
}

/// A token that was away at the start, and comes back or is another one.
#[test]
fn a_member_that_is_away_at_the_start_is_waited_for_by_its_name() {
    let (two, ring) = Two::new();
    let keys = mint(&ring, 2);
    ring.settle(all_used, true).unwrap();
    let second = ring.status().members[1].identity.clone();
    drop(ring);
    let answers = Arc::new(Mutex::new(None::<&str>));
    let home = two.home.0.path().to_owned();
    let (told, at) = (answers.clone(), home.clone());
    let reach = move || -> Result<Box<dyn Anchor>, AnchorError> {
        match *told.lock() {
            Some(name) => Ok(Box::new(FileAnchor::at(at.join(name))?)),
            None => Err(TokenError::Gone.into()),
        }
    };
    let first: Box<dyn Anchor> = Box::new(FileAnchor::at(home.join("anchor")).unwrap());
    let away: Box<dyn Anchor> = Box::new(anchor::Away::by(anchor::Who::Member(second.clone()), Box::new(reach)));
    let ring = Keyring::open(&two.home.copies(), vec![first, away], LOG).unwrap();
    assert_eq!(ring.state(&keys[1].0), KeyState::Live(keys[1].1.clone()));
    let said = ring.status().members.remove(1);
    assert!(said.identity == second && said.roots.is_err() && said.description.words.contains("is away"), "{said:?}");
    let failed = ring.destroy(&[keys[0].0]);
    assert!(matches!(why(&failed), Some(AnchorError::Token(TokenError::Gone))), "{failed:?}");
    assert_eq!(ring.state(&keys[0].0), KeyState::Fenced);
    *answers.lock() = Some("anchor.3");
    let failed = ring.destroy(&[keys[0].0]);
    assert!(matches!(why(&failed), Some(AnchorError::AnotherMember { .. })), "{failed:?}");
    assert_eq!(two.roots().map(|roots| roots.len()), [1, 1]);
    *answers.lock() = Some("anchor.2");
    assert_eq!(ring.destroy(&[keys[0].0]).unwrap(), Destroyed { epoch_before: 0, epoch_after: 1 });
    assert_eq!(two.roots(), [[1], [1]]);
}
