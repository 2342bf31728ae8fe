//! What every anchor keeps, whatever holds its roots: one suite for all kinds.

use domain::id::LogId;
use events::keyring::{Anchor, AnchorError, Key};

/// The log that is told of.
pub const LOG: LogId = LogId([0xa7; 16]);

const OTHER: LogId = LogId([0xa8; 16]);

/// Tries an anchor that holds no root yet. `again` opens the same one anew, as after a restart.
pub fn conforms(again: &dyn Fn() -> Box<dyn Anchor>) {
    an_anchor_begins_empty(&*again());
    a_root_is_made_once(again);
    what_is_sealed_opens_under_its_root_only(&*again());
    what_was_changed_does_not_open(&*again());
    a_destroyed_root_is_gone_and_the_others_are_not(again);
    it_says_what_it_is(&*again());
}

fn an_anchor_begins_empty(anchor: &dyn Anchor) {
    assert!(anchor.roots(LOG).unwrap().is_empty());
    assert!(is_missing(anchor.seal(LOG, 0, &key()), 0));
    assert!(is_missing(anchor.open(LOG, 0, &[0; 60]), 0));
    anchor.destroy_root(LOG, 0).unwrap();
}

fn a_root_is_made_once(again: &dyn Fn() -> Box<dyn Anchor>) {
    let (anchor, top) = (again(), key());
    for root in [10, 0, 9, u64::MAX] {
        anchor.create_root(LOG, root).unwrap();
    }
    anchor.create_root(OTHER, 4).unwrap();
    let sealed = anchor.seal(LOG, 9, &top).unwrap();
    assert!(matches!(anchor.create_root(LOG, 9), Err(AnchorError::Exists { log: LOG, root: 9 })));
    drop(anchor);
    let anchor = again();
    assert_eq!(anchor.roots(LOG).unwrap(), [0, 9, 10, u64::MAX], "by number, and durable");
    assert_eq!(anchor.roots(OTHER).unwrap(), [4]);
    assert_eq!(anchor.open(LOG, 9, &sealed).unwrap(), top, "no other root took its place");
}

fn what_is_sealed_opens_under_its_root_only(anchor: &dyn Anchor) {
    let top = key();
    let sealed = anchor.seal(LOG, 10, &top).unwrap();
    assert!(sealed.len() <= 1024);
    assert_eq!(anchor.open(LOG, 10, &sealed).unwrap(), top);
    assert_ne!(anchor.seal(LOG, 10, &top).unwrap(), sealed, "no nonce is used twice");
    assert!(does_not_open(anchor.open(LOG, 9, &sealed)));
    assert!(does_not_open(anchor.open(OTHER, 4, &sealed)));
    assert!(is_missing(anchor.open(LOG, 4, &sealed), 4), "that is a root of another log");
}

fn what_was_changed_does_not_open(anchor: &dyn Anchor) {
    let top = key();
    let sealed = anchor.seal(LOG, 10, &top).unwrap();
    for at in 0..sealed.len() {
        let mut changed = sealed.clone();
        changed[at] ^= 1;
        assert!(does_not_open(anchor.open(LOG, 10, &changed)), "byte {at}");
        assert!(does_not_open(anchor.open(LOG, 10, &sealed[..at])), "{at} bytes");
    }
    assert!(does_not_open(anchor.open(LOG, 10, &[&sealed[..], &[0]].concat())));
    assert_eq!(anchor.open(LOG, 10, &sealed).unwrap(), top);
}

fn a_destroyed_root_is_gone_and_the_others_are_not(again: &dyn Fn() -> Box<dyn Anchor>) {
    let (anchor, top) = (again(), key());
    let (old, new) = (anchor.seal(LOG, 9, &top).unwrap(), anchor.seal(LOG, 10, &top).unwrap());
    anchor.destroy_root(LOG, 9).unwrap();
    anchor.destroy_root(LOG, 9).unwrap();
    for anchor in [anchor, again()] {
        assert_eq!(anchor.roots(LOG).unwrap(), [0, 10, u64::MAX]);
        assert_eq!(anchor.roots(OTHER).unwrap(), [4]);
        assert!(is_missing(anchor.open(LOG, 9, &old), 9));
        assert!(is_missing(anchor.seal(LOG, 9, &top), 9));
        assert_eq!(anchor.open(LOG, 10, &new).unwrap(), top);
    }
    let anchor = again();
    anchor.create_root(LOG, 9).unwrap();
    assert!(does_not_open(anchor.open(LOG, 9, &old)), "a new root of that number is another one");
}

fn it_says_what_it_is(anchor: &dyn Anchor) {
    let said = anchor.describe();
    assert_eq!(said.level, anchor.level());
    assert!(said.words.ends_with(said.level.words()), "{}", said.words);
}

fn key() -> Key {
    Key::random().unwrap()
}

fn is_missing<T>(answer: Result<T, AnchorError>, number: u64) -> bool {
    matches!(answer, Err(AnchorError::NoRoot { root, .. }) if root == number)
}

fn does_not_open(answer: Result<Key, AnchorError>) -> bool {
    matches!(answer, Err(AnchorError::DoesNotOpen))
}
