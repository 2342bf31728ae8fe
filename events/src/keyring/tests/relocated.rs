//! A keyring goes from one anchor to another: whatever happens on the way, one of the two opens it, and in the end the
//! other one has nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use super::home::{Files, STEADY, Shaky};
use super::*;
use crate::keyring::disk::cut;

/// A keyring with a retired key and a live one, and where it goes from and to.
struct Moving {
    home: Home,
    live: (KeyId, Key),
    retired: KeyId,
    start: Files,
    from: &'static [&'static str],
    to: &'static [&'static str],
}

/// What lets each of these members fail.
type Left = Vec<Arc<AtomicI64>>;

impl Moving {
    fn new(from: &'static [&'static str], to: &'static [&'static str]) -> Self {
        let home = Home::new();
        // All directories have their ids from the start, or a cut would have to hit their making too.
        let _ = anchors(&home, to);
        let ring = Keyring::create(&home.copies(), anchors(&home, from).0, LOG).unwrap();
        let (live, retired) = (ring.mint().unwrap(), ring.mint().unwrap().0);
        drop(ring);
        let ring = Keyring::open(&home.copies(), anchors(&home, from).0, LOG).unwrap();
        ring.settle(|key| *key == live.0, true).unwrap();
        drop(ring);
        let start = home.files();
        Self { home, live, retired, start, from, to }
    }

    fn go(&self) -> Result<Destroyed, KeyringError> {
        let Self { home, from, to, .. } = self;
        Keyring::relocate(&home.copies(), anchors(home, from).0, anchors(home, to).0, LOG)
    }

    fn open_both(&self) -> Result<(Keyring, Left), KeyringError> {
        let ((members, mut left), (moving, more)) = (anchors(&self.home, self.from), anchors(&self.home, self.to));
        left.extend(more);
        Ok((Keyring::open(&self.home.copies(), Anchors { members, moving }, LOG)?, left))
    }

    fn roots(&self, name: &str) -> Vec<u64> {
        FileAnchor::at(self.home.0.path().join(name)).unwrap().roots(LOG).unwrap()
    }

    /// It is whole at one of the two, and the other one has no root.
    fn stands(&self, ring: &Keyring) -> bool {
        let moved = ring.epoch() == 1;
        let (there, gone) = if moved { (self.to, self.from) } else { (self.from, self.to) };
        assert!(there.iter().all(|name| self.roots(name).len() == 1), "moved: {moved}");
        assert!(gone.iter().all(|name| there.contains(name) || self.roots(name).is_empty()), "moved: {moved}");
        assert_eq!(ring.state(&self.live.0), KeyState::Live(self.live.1.clone()));
        let retired = if moved { KeyState::Erased { epoch: 1 } } else { KeyState::Retired };
        assert_eq!(ring.state(&self.retired), retired);
        let named: Vec<Identity> = ring.status().members.into_iter().map(|member| member.identity).collect();
        let wanted: Vec<Identity> = anchors(&self.home, there).0.iter().map(|anchor| anchor.identity()).collect();
        assert_eq!(named, wanted);
        moved
    }
}

fn anchors(home: &Home, names: &[&str]) -> (Vec<Box<dyn Anchor>>, Left) {
    let at = |name: &&str| Shaky::new(FileAnchor::at(home.0.path().join(name)).unwrap());
    let (anchors, left): (Vec<_>, Left) = names.iter().map(at).unzip();
    (anchors.into_iter().map(|anchor| Box::new(anchor) as Box<dyn Anchor>).collect(), left)
}

#[test]
fn a_keyring_moves_to_other_members_and_the_old_ones_have_nothing_left() {
    for (from, to) in
        [(&["anchor"][..], &["other"][..]), (&["anchor"], &["anchor", "other"]), (&["one", "two"], &["two"])]
    {
        let moving = Moving::new(from, to);
        assert_eq!(moving.go().unwrap(), Destroyed { epoch_before: 0, epoch_after: 1 });
        let ring = Keyring::open(&moving.home.copies(), anchors(&moving.home, to).0, LOG).unwrap();
        assert!(moving.stands(&ring));
        drop(ring);
        let refused = Keyring::open(&moving.home.copies(), anchors(&moving.home, from).0, LOG).err().unwrap();
        assert!(
            matches!(refused, KeyringError::MissingMember { .. } | KeyringError::StrangeMember { .. }),
            "{refused}"
        );
        // An old keyring does not open in its old place either.
        moving.home.put(&{
            let mut files = moving.home.files();
            files.extend(moving.start.clone().into_iter().filter(|(path, _)| path.starts_with("keyring")));
            files.extend(moving.start.clone().into_iter().filter(|(path, _)| path.starts_with("keyring.copy")));
            files
        });
        assert!(Keyring::open(&moving.home.copies(), anchors(&moving.home, from).0, LOG).is_err());
    }
}

#[test]
fn a_move_to_another_anchor_cut_anywhere_is_finished_or_undone() {
    for (from, to) in [(&["anchor"][..], &["other"][..]), (&["one", "two"], &["two", "three"])] {
        let moving = Moving::new(from, to);
        let (mut undone, mut finished) = (0, 0);
        for steps in 0.. {
            moving.home.put(&moving.start);
            cut::after(Some(steps));
            let done = moving.go();
            let cut = cut::happened();
            cut::after(None);
            assert_eq!(cut, done.is_err(), "cut at {steps}");
            if !cut {
                break;
            }
            let (ring, _) = moving.open_both().unwrap();
            if moving.stands(&ring) {
                finished += 1
            } else {
                undone += 1
            }
            drop(ring);
            // What is there now needs nothing else.
            let here = if moving.roots(to[0]).is_empty() || moving.roots(from[0]).len() == 1 { from } else { to };
            let ring = Keyring::open(&moving.home.copies(), anchors(&moving.home, here).0, LOG).unwrap();
            moving.stands(&ring);
        }
        assert!(undone > 10 && finished > 5, "{undone} undone, {finished} finished");
    }
}

#[test]
fn an_old_token_that_goes_away_in_a_move_is_waited_for() {
    let moving = Moving::new(&["anchor"], &["other"]);
    let mut waited = 0;
    for calls in 0..30 {
        moving.home.put(&moving.start);
        let (from, left) = anchors(&moving.home, moving.from);
        left[0].store(calls, Ordering::Relaxed);
        let done = Keyring::relocate(&moving.home.copies(), from, anchors(&moving.home, moving.to).0, LOG);
        if let Err(KeyringError::RootRemains { identity, .. }) = &done
            && !moving.roots("other").is_empty()
        {
            waited += 1;
            assert_eq!(*identity, FileAnchor::at(moving.home.0.path().join("anchor")).unwrap().identity());
            // It is still away: what died in the move is not called erased.
            let ((members, left), (to, _)) = (anchors(&moving.home, moving.from), anchors(&moving.home, moving.to));
            left[0].store(0, Ordering::Relaxed);
            let ring = Keyring::open(&moving.home.copies(), Anchors { members, moving: to }, LOG).unwrap();
            assert!(ring.is_unfinished());
            assert_eq!(ring.state(&moving.retired), KeyState::Fenced);
            assert!(matches!(ring.finish(), Err(KeyringError::RootRemains { .. })));
            left[0].store(STEADY, Ordering::Relaxed);
            ring.finish().unwrap();
            assert!(moving.stands(&ring) && !ring.is_unfinished());
            continue;
        }
        let (ring, _) = moving.open_both().unwrap();
        assert_eq!(moving.stands(&ring), done.is_ok(), "{done:?}");
    }
    assert!(waited > 0, "no call fell between the header and the destruction");
}

/// Roots of this log in the new anchor would be another keyring's, and the move would end with them destroyed.
#[test]
fn a_move_to_an_anchor_that_knows_the_log_is_refused() {
    let moving = Moving::new(&["anchor"], &["other"]);
    FileAnchor::at(moving.home.0.path().join("other")).unwrap().create_root(LOG, 12).unwrap();
    assert!(matches!(moving.go(), Err(KeyringError::KnowsLog { .. })));
    assert_eq!(moving.roots("other"), [12]);
    moving.stands_at_home();
}

impl Moving {
    fn stands_at_home(&self) {
        let ring = Keyring::open(&self.home.copies(), anchors(&self.home, self.from).0, LOG).unwrap();
        assert_eq!((ring.epoch(), ring.state(&self.live.0)), (0, KeyState::Live(self.live.1.clone())));
    }
}

/// A rotation without anybody to forget: only what was retired is gone, and no older root.
#[test]
fn a_rotation_destroys_the_retired_and_nothing_else() {
    let moving = Moving::new(&["anchor"], &["other"]);
    let ring = moving.home.open();
    assert_eq!(ring.rotate().unwrap(), Destroyed { epoch_before: 0, epoch_after: 1 });
    assert_eq!(ring.state(&moving.retired), KeyState::Erased { epoch: 1 });
    assert_eq!(ring.rotate().unwrap(), Destroyed { epoch_before: 1, epoch_after: 2 });
    assert_eq!(moving.roots("anchor"), [ring.status().root]);
    drop(ring);
    assert_eq!(moving.home.open().state(&moving.live.0), KeyState::Live(moving.live.1.clone()));
    let mut old = moving.start.clone();
    let now = moving.home.files();
    old.retain(|path, _| !path.starts_with("anchor"));
    old.extend(now.into_iter().filter(|(path, _)| path.starts_with("anchor")));
    moving.home.put(&old);
    assert!(moving.home.try_open().is_err(), "the tree of before has no root");
}
