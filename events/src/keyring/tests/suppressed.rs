//! The suppression list: what it answers, what its files say to whoever reads them, and what is left of a year's key when the
//! last of its entries is gone.

use std::fs;
use std::path::Path;

use domain::id::ErasureId;
use domain::register::Slug;
use domain::suppression::Address;
use domain::time::Day;

use super::home::{Files, is_in};
use super::*;
use crate::keyring::disk::cut;

const MARIA: &str = "maria.anders@planted.example";
const SEVERAL: &[&str] = &[MARIA, "+49 30 0074321", "hanna@other.example"];

fn address(text: &str) -> Address {
    Address::parse(text, None).unwrap()
}

fn day(text: &str) -> Day {
    text.parse().unwrap()
}

fn newsletter() -> Slug {
    "newsletter".parse().unwrap()
}

fn holds(ring: &Keyring, text: &str, on: &str) -> bool {
    ring.suppression().holds(&address(text), None, day(on))
}

/// Suppressed for all direct contact.
fn add(ring: &Keyring, text: &str, until: &str, today: &str) {
    ring.suppression().add(&[address(text)], &[], day(until), None, day(today)).unwrap();
}

/// Two addresses of 2026 and one of 2027.
fn listed(home: &Home) -> Keyring {
    let ring = home.create();
    add(&ring, SEVERAL[0], "2028-03-10", "2026-05-05");
    add(&ring, SEVERAL[1], "2028-06-01", "2026-05-06");
    add(&ring, SEVERAL[2], "2030-01-31", "2027-01-01");
    ring
}

/// Where the list lies in every copy.
fn lists(files: &Files) -> Vec<(&Path, &Vec<u8>)> {
    let lists = files.iter().filter(|(path, _)| path.file_name().unwrap() == "suppressed");
    lists.map(|(path, bytes)| (path.as_path(), bytes)).collect()
}

#[test]
fn it_holds_an_address_for_a_purpose_until_the_end_of_a_month() {
    let home = Home::new();
    let ring = listed(&home);
    let only = address("only@news.example");
    ring.suppression()
        .add(std::slice::from_ref(&only), &[newsletter()], day("2026-12-01"), None, day("2026-05-05"))
        .unwrap();
    let check = |ring: &Keyring| {
        let list = ring.suppression();
        assert!(holds(ring, MARIA, "2028-03-31"), "the last day of its month");
        assert!(!holds(ring, MARIA, "2028-04-01"));
        assert!(holds(ring, "Maria.Anders@Planted.EXAMPLE", "2026-05-05"));
        assert!(!holds(ring, "mario.anders@planted.example", "2026-05-05"));
        assert!(list.holds(&address(MARIA), Some(&newsletter()), day("2026-05-05")), "all direct contact is also this");
        assert!(list.holds(&only, Some(&newsletter()), day("2026-12-31")));
        assert!(!list.holds(&only, None, day("2026-05-05")), "it may be taken in");
        assert!(!list.holds(&only, Some(&"product-news".parse().unwrap()), day("2026-05-05")));
        assert_eq!(list.counts(), [(2026, 3), (2027, 1)]);
    };
    check(&ring);
    drop(ring);
    let ring = home.open();
    check(&ring);
    ring.suppression().remove(std::slice::from_ref(&only), &[]).unwrap();
    ring.suppression().remove(&[address(MARIA)], &[newsletter()]).unwrap();
    assert!(!ring.suppression().holds(&only, Some(&newsletter()), day("2026-05-05")));
    assert!(holds(&ring, MARIA, "2026-05-05"), "she is not on it for the newsletter alone");
}

#[test]
fn of_two_ends_the_later_one_counts_under_the_key_of_the_last_year() {
    let home = Home::new();
    let ring = home.create();
    add(&ring, MARIA, "2029-05-31", "2026-05-05");
    add(&ring, MARIA, "2028-01-31", "2027-02-01");
    assert_eq!(ring.suppression().counts(), [(2027, 1)], "there is one entry, and no key without any");
    assert!(holds(&ring, MARIA, "2029-05-31"));
    ring.suppression().remove(&[address(MARIA)], &[]).unwrap();
    assert!(ring.suppression().is_empty() && !holds(&ring, MARIA, "2027-02-01"));
}

#[test]
fn no_file_holds_an_address_or_its_hash() {
    let home = Home::new();
    let ring = listed(&home);
    let all = home.everything();
    let hashes: Vec<[u8; 32]> = ring.suppression().hashes();
    drop(ring);
    assert_eq!((lists(&home.files()).len(), hashes.len()), (2, 3));
    for hash in &hashes {
        assert!(!contains(&all, hash) && !contains(&all, &hash[..16]), "the hash is sealed");
    }
    for text in SEVERAL.iter().flat_map(|text| [text.to_string(), text.replace([' ', '+'], "")]) {
        let hex: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
        use base64::Engine as _;
        let base64 = base64::engine::general_purpose::STANDARD_NO_PAD.encode(&text);
        for form in [text.clone(), hex, base64[..12].to_owned()] {
            assert!(!contains(&all, form.as_bytes()), "{form}");
        }
    }
    // The control: whoever keeps a hash in clear is found.
    assert!(contains(&[&all[..], &hashes[0]].concat(), &hashes[0]));
}

/// What was put there by an erasure goes with it, or stays without a word of it.
#[test]
fn what_an_erasure_put_there_goes_or_stays_with_it() {
    let home = Home::new();
    let ring = listed(&home);
    let [first, second] = [1, 2].map(|n| ErasureId([n; 16]));
    let put = |text: &str, erasure| {
        let list = ring.suppression();
        list.add(&[address(text)], &[], day("2031-01-31"), Some(erasure), day("2027-03-03")).unwrap();
    };
    put(MARIA, first);
    put("jan@planted.example", first);
    put("jan@planted.example", second);
    let until = day("2031-01-31");
    assert_eq!(ring.suppression().unsettled(), [(first, until), (second, until)].into());
    assert!(holds(&ring, MARIA, "2031-01-31"));
    ring.suppression().give_up(first).unwrap();
    assert!(holds(&ring, MARIA, "2028-03-31") && !holds(&ring, MARIA, "2028-04-01"), "she stood there before it");
    assert!(holds(&ring, "jan@planted.example", "2031-01-31"), "another erasure put him there too");
    ring.suppression().keep(second).unwrap();
    assert!(ring.suppression().unsettled().is_empty());
    drop(ring);
    let ring = home.open();
    assert!(ring.suppression().unsettled().is_empty() && holds(&ring, "jan@planted.example", "2031-01-31"));
}

/// The key of 2026 is in use although no record names it; when its entries have run out, it dies with the next destruction.
#[test]
fn a_years_key_dies_with_its_last_entry() {
    let home = Home::new();
    drop(listed(&home));
    let ring = home.open();
    let [old, new] = ring.suppression().keys().try_into().unwrap();
    let victim = ring.fingerprints().into_iter().map(|(id, _)| id).find(|id| ![old, new].contains(id)).unwrap();
    let settled = ring.settle(|id| *id == victim, true).unwrap();
    assert_eq!(settled.retired, 253, "all but three were used");
    let KeyState::Live(key) = ring.state(&old) else { panic!("{:?}", ring.state(&old)) };
    let before = home.files();

    ring.suppression().clear(day("2028-04-01")).unwrap();
    assert!(matches!(ring.state(&old), KeyState::Live(_)), "one of its two entries still counts");
    ring.suppression().clear(day("2028-07-01")).unwrap();
    assert_eq!(ring.state(&old), KeyState::Retired);
    assert!(!ring.ring.holds(&key), "it is out of memory at once");
    ring.destroy(&[victim]).unwrap();
    assert_eq!(ring.state(&old), KeyState::Erased { epoch: 1 });
    assert!(matches!(ring.state(&new), KeyState::Live(_)));
    assert!(holds(&ring, SEVERAL[2], "2028-07-01"));
    drop(ring);

    // To whoever has every image and the root there is: neither the key nor the entries under it.
    let now = home.everything();
    let image = [before.into_values().flatten().collect::<Vec<u8>>(), now.clone()].concat();
    let given = image::open(&image, LOG.0, &image::roots(&now));
    assert!(!given.contains(&old.0) && given.contains(&new.0));
    let ring = home.open();
    assert_eq!(ring.state(&old), KeyState::Erased { epoch: 1 });
    assert_eq!(ring.suppression().counts(), [(2027, 1)]);
}

/// Somebody puts the file back as it was when the key was alive: its entries are as dead as the key.
#[test]
fn an_older_list_is_refused_when_its_key_is_gone() {
    let home = Home::new();
    drop(listed(&home));
    let older = home.files();
    let ring = home.open();
    let old = ring.suppression().keys()[0];
    let victim = ring.fingerprints().into_iter().map(|(id, _)| id).find(|id| *id != old).unwrap();
    ring.settle(all_used, true).unwrap();
    ring.suppression().clear(day("2028-07-01")).unwrap();
    ring.destroy(&[victim]).unwrap();
    drop(ring);
    let mut files = home.files();
    files.extend(lists(&older).into_iter().map(|(path, bytes)| (path.to_owned(), bytes.clone())));
    home.put(&files);
    assert!(matches!(home.try_open(), Err(KeyringError::OldList(key)) if key == old));
}

#[test]
fn a_change_cut_anywhere_is_there_or_not_and_the_copies_agree() {
    let home = Home::new();
    drop(listed(&home));
    // The same key, a new key, and a key that goes.
    type Change = fn(&SuppressionList) -> Result<(), KeyringError>;
    let changes: [(&str, Change); 3] = [
        ("2027-05-05", |list| list.add(&[address("new@x.example")], &[], day("2031-05-05"), None, day("2027-05-05"))),
        ("2029-05-05", |list| list.add(&[address("new@x.example")], &[], day("2031-05-05"), None, day("2029-05-05"))),
        ("2027-05-05", |list| list.remove(&[address(SEVERAL[2])], &[])),
    ];
    for (today, change) in changes {
        let start = home.files();
        let state = |ring: &Keyring| (holds(ring, "new@x.example", today), holds(ring, SEVERAL[2], today));
        let mut seen = Vec::new();
        for steps in 0.. {
            home.put(&start);
            let ring = home.open();
            ring.settle(all_used, true).unwrap();
            ring.mint().unwrap();
            let before = state(&ring);
            cut::after(Some(steps));
            let done = change(ring.suppression());
            let was_cut = cut::happened();
            cut::after(None);
            assert_eq!(done.is_ok(), !was_cut);
            let answered = state(&ring);
            drop(ring);
            let ring = home.open();
            ring.settle(all_used, true).unwrap();
            let after = state(&ring);
            assert!(done.is_err() || after == answered, "what was answered is durable");
            assert!(holds(&ring, MARIA, "2027-05-05"), "what was there before");
            seen.push(after == before);
            drop(ring);
            let files = home.files();
            let [one, other] = lists(&files).try_into().unwrap();
            assert!(one.1 == other.1, "both copies hold the same list");
            if !was_cut {
                break;
            }
        }
        assert!(seen.first() == Some(&true) && seen.last() == Some(&false) && seen.len() > 4, "{seen:?}");
        assert!(seen.is_sorted_by(|before, after| before >= after), "there is one step that counts: {seen:?}");
        home.put(&start);
    }
}

/// The first list: a crash may leave it in one copy alone.
#[test]
fn the_first_list_is_brought_to_the_other_copy() {
    let home = Home::new();
    let ring = home.create();
    add(&ring, MARIA, "2028-03-10", "2026-05-05");
    drop(ring);
    for copy in home.copies() {
        let file = copy.join("suppressed");
        let bytes = fs::read(&file).unwrap();
        fs::remove_file(&file).unwrap();
        assert!(holds(&home.open(), MARIA, "2026-05-05"));
        assert_eq!(fs::read(&file).unwrap(), bytes);
    }
    let ring = home.open();
    ring.settle(all_used, true).unwrap();
    add(&ring, SEVERAL[1], "2028-03-10", "2026-05-05");
    drop(ring);
    fs::remove_file(home.copies()[1].join("suppressed")).unwrap();
    let refused = home.try_open().err();
    assert!(matches!(refused, Some(KeyringError::Copy { wrong: Wrong::Missing, .. })), "{refused:?}");
}

#[test]
fn a_flipped_bit_is_found_in_one_copy_and_in_both() {
    let home = Home::new();
    drop(listed(&home));
    let files = home.files();
    let length = lists(&files)[0].1.len();
    for at in (0..length).step_by(13).chain([length - 1]) {
        let mut flipped = files.clone();
        let mut flip = |dir: &str| {
            let of = flipped.iter_mut().find(|(path, _)| is_in(path, dir) && path.ends_with("suppressed"));
            of.unwrap().1[at] ^= 1 << (at % 8);
        };
        flip("keyring");
        home.put(&flipped);
        let refused = home.try_open().err();
        assert!(matches!(refused, Some(KeyringError::Copy { wrong: Wrong::Damaged, .. })), "byte {at}: {refused:?}");
        if at % 5 == 0 {
            let repaired = Keyring::repair(&home.copies(), home.anchor(), LOG, false).unwrap();
            assert_eq!(repaired, [Repaired { copy: home.copies()[0].clone(), aside: None }]);
            assert!(home.files() == files);
        }
        let mut flip = |dir: &str| {
            let of = flipped.iter_mut().find(|(path, _)| is_in(path, dir) && path.ends_with("suppressed"));
            of.unwrap().1[at] ^= 1 << (at % 8);
        };
        flip("keyring.copy");
        home.put(&flipped);
        assert!(matches!(home.try_open(), Err(KeyringError::DamagedList)), "byte {at}");
    }
}

/// Its check is no secret, so somebody may mend it: the seal is what counts.
#[test]
fn entries_that_were_changed_and_checked_again_do_not_open() {
    let home = Home::new();
    drop(listed(&home));
    let mut files = home.files();
    let paths: Vec<_> = lists(&files).into_iter().map(|(path, _)| path.to_owned()).collect();
    for at in [39, 60, 200] {
        let before = files.clone();
        for path in &paths {
            let bytes = files.get_mut(path).unwrap();
            let end = bytes.len() - 32;
            bytes[at] ^= 1;
            let check = blake3::derive_key("lethe 2026-11 suppression list: check", &bytes[..end]);
            bytes[end..].copy_from_slice(&check);
        }
        home.put(&files);
        assert!(matches!(home.try_open(), Err(KeyringError::DamagedList)), "byte {at}");
        files = before;
    }
}

#[test]
fn a_list_of_another_log_is_refused() {
    let (home, other) = (Home::new(), Home::new());
    drop(listed(&home));
    let strange = LogId([8; 16]);
    let ring = Keyring::create(&other.copies(), other.anchor(), strange).unwrap();
    add(&ring, MARIA, "2028-03-10", "2026-05-05");
    drop(ring);
    let mut files = home.files();
    for (path, bytes) in lists(&other.files()) {
        files.insert(path.to_owned(), bytes.clone());
    }
    home.put(&files);
    assert!(matches!(home.try_open(), Err(KeyringError::AnotherLog { found }) if found == strange));
}
