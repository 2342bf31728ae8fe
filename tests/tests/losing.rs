//! Keyrings that are older than the log, or gone: nobody who was erased comes back, and nothing that is lost is called erased.

use std::path::Path;

use domain::event::Event;
use domain::id::KeyId;
use domain::subject::{self, AnchorLevel};
use events::keyring::KeyState;
use events::ledger::{Clock, Declared, Directory, Ledger, declare_lost};
use events::log::Log as _;
use events::record::Record;
use replay::rebuild;
use serde_json::{Value, json};
use tests::acts::{Act, NOW, destroy, doomed, perform, perform_all};
use tests::book::{self, RESIDUE};
use tests::cast::Someone;
use tests::client::text;
use tests::collected::Collected;
use tests::desk;
use tests::files::{lose, read_files, write_files};
use tests::powercut::check::scratch;
use tests::programs::{issue_token, lethe};
use tests::server::Server;

use crate::tamper::{Verdict, audit};

const KEYS: [&str; 3] = ["keyring", "keyring.copy", "anchor"];

/// Everything that an erasure left behind is put back at once, the anchor too. Inside, nothing is wrong: this is why the
/// product said "logical". Whoever kept a head knows better.
#[test]
fn a_restore_of_everything_is_seen_from_outside_only() {
    let home = scratch();
    book::write_before_the_erasures(home.path());
    let earlier = read_files(home.path());
    let ledger = book::open(home.path()).unwrap();
    let held = ledger.views().held_of(RESIDUE.subject());
    let keys = doomed(&ledger, RESIDUE.subject());
    destroy(&ledger, RESIDUE).unwrap();
    let certified = book::read_all(&ledger).unwrap().into_iter().find_map(|recorded| match recorded.event {
        Event::Case(subject::Event::Certified { certificate, .. }) => Some(certificate.level),
        _ => None,
    });
    assert_eq!(certified, Some(AnchorLevel::A0), "the certificate claims no more than the file gives");
    let kept = events::chain::Head { size: ledger.log().head().size, hash: ledger.log().head().hash };
    drop(ledger);
    lose(home.path(), &["journal", "index", "tree", "head", "signer", "keyring", "keyring.copy", "anchor"]);
    write_files(home.path(), &earlier);
    let ledger = book::open(home.path()).unwrap();
    let fenced = keys.iter().filter(|key| ledger.keyring().state(key) == KeyState::Fenced).count();
    assert_eq!((ledger.views().held_of(RESIDUE.subject()), fenced), (held, keys.len()), "all of it is back");
    drop(ledger);
    assert_eq!(audit(home.path(), None), Verdict::Consistent);
    assert!(matches!(audit(home.path(), Some(kept)), Verdict::Broken(..)));
}

/// An older keyring, with the anchor of its time: its root opens it. The log knows better.
#[test]
fn an_older_keyring_with_its_anchor_is_refused_by_the_log() {
    let home = scratch();
    book::write_before_the_erasures(home.path());
    let earlier = read_files(home.path());
    let ledger = book::open(home.path()).unwrap();
    let keys = doomed(&ledger, RESIDUE.subject());
    destroy(&ledger, RESIDUE).unwrap();
    let erased = ledger.views().digest();
    drop(ledger);
    let put_back = |parts: &[&str]| {
        let other = scratch();
        let old = |path: &Path| parts.iter().any(|part| path.starts_with(part));
        let mut files = read_files(home.path());
        files.retain(|path, _| !old(path));
        files.extend(earlier.iter().filter(|(path, _)| old(path)).map(|(path, bytes)| (path.clone(), bytes.clone())));
        write_files(other.path(), &files);
        other
    };
    // By the anchor: its root is gone.
    let dead = put_back(&["keyring", "keyring.copy"]);
    let refused = book::open(dead.path()).err().unwrap();
    assert!(refused.contains("anchor"), "{refused}");
    // By the log, where the root came along.
    let other = put_back(&KEYS);
    let before = read_files(&other.path().join("keyring"));
    let refused = book::open(other.path()).err().unwrap();
    assert!(refused.contains(&format!("{} keys live in it that the log says were destroyed", keys.len())), "{refused}");
    assert!(refused.contains("lethe keyring destroy-again"), "{refused}");
    assert!(read_files(&other.path().join("keyring")) == before, "the keyring was changed");

    let opened =
        book::patiently(|| Directory::open(other.path(), book::options(), &|_, _| {}).map_err(|e| e.to_string()));
    let directory = Directory { destroys_again: true, ..opened.unwrap() };
    let (ledger, booted) = rebuild::boot(directory, Collected::default(), Clock::set_to(NOW), &|_, _| {}).unwrap();
    assert_eq!(booted.destroyed_again, keys.len());
    assert!(keys.iter().all(|key| matches!(ledger.keyring().state(key), KeyState::Erased { .. })));
    drop(ledger);
    let ledger = book::open(other.path()).unwrap();
    assert_eq!(ledger.views().digest(), erased);
}

/// The root is gone, or every header, and the copies are there: the keys are lost as surely as with no keyring at all.
#[test]
fn a_keyring_that_never_opens_again_is_put_aside_and_its_keys_are_declared_lost() {
    let root: &dyn Fn(&Path) = &|home| lose(home, &["anchor"]);
    let headers: &dyn Fn(&Path) = &|home| {
        KEYS[..2].iter().for_each(|dir| std::fs::write(home.join(dir).join("header"), "").unwrap());
    };
    for gone in [root, headers] {
        let home = scratch();
        drop(book::wrote(home.path(), 1..3));
        let data = home.path().to_str().unwrap();
        let aside = ["keyring", "declare-lost", "--all", "--put-aside", "--data", data];
        let refused = lethe(&aside);
        assert!(refused.code == Some(1) && refused.err.contains("it opens"), "{refused:?}");
        gone(home.path());
        let why = book::open(home.path()).err().unwrap();
        let refused = lethe(&["keyring", "declare-lost", "--all", "--data", data]);
        assert!(refused.code == Some(1) && refused.err.contains("--put-aside"), "{refused:?}");
        let said = lethe(&aside).done();
        assert!(said.contains("keyring.copy.lost.1") && said.contains("A new keyring was made"), "{why}: {said}");
        assert!(home.path().join("keyring.lost.1/keys.0.a").exists(), "what was there is nobody's to throw away");
        lethe(&["verify", "--data", data]).done();
        assert_eq!(audit(home.path(), None), Verdict::Consistent);
    }
}

/// A keyring of yesterday: the keys of today are lost. The log is read again when somebody has declared it, by a record.
#[test]
fn keys_that_are_lost_are_declared_and_the_chain_holds() {
    let home = scratch();
    drop(book::wrote(home.path(), 1..3));
    let yesterday = read_files(home.path());
    let ledger = book::open(home.path()).unwrap();
    for who in 3..59 {
        perform_all(&ledger, Someone(who), &Act::DAILY);
    }
    perform_all(&ledger, Someone(59), &[Act::Contact]);
    drop(ledger);
    lose(home.path(), &KEYS);
    let mut keys = yesterday;
    keys.retain(|path, _| KEYS.iter().any(|part| path.starts_with(part)));
    write_files(home.path(), &keys);
    let refused = book::open(home.path()).err().unwrap();
    assert!(refused.contains("the key is lost") && refused.contains("lethe keyring declare-lost"), "{refused}");
    let declared = declare(home.path(), false).unwrap();
    assert!(!declared.keys.is_empty() && !declared.made_new);

    let ledger = book::open(home.path()).unwrap();
    assert!(declared.keys.iter().all(|key| ledger.keyring().state(key) == KeyState::Lost));
    assert!(ledger.views().held_of(Someone(1).subject()) > 0, "of yesterday");
    assert_eq!(ledger.views().held_of(Someone(59).subject()), 0);
    let refused = perform(&ledger, Someone(59), Act::AddPoint).unwrap_err();
    assert!(refused.contains("its key was lost"), "lost is never called erased: {refused}");
    perform_all(&ledger, Someone(100), &Act::DAILY);
    let views = ledger.views().digest();
    drop(ledger);
    assert_eq!(book::open(home.path()).unwrap().views().digest(), views);
    assert_eq!(audit(home.path(), None), Verdict::Consistent);
    assert_eq!(
        declare(home.path(), false).unwrap_err(),
        "the keyring knows every key that the log names: nothing is lost"
    );
}

fn declare(home: &Path, all: bool) -> Result<Declared, String> {
    book::patiently(|| declare_lost(home, all, NOW, book::options(), &|_, _| {}).map_err(|failed| failed.to_string()))
}

/// No keyring is left anywhere: all that was personal is lost, what was erased stays erased, and people can come again.
#[test]
fn without_a_keyring_everything_personal_is_lost_and_nothing_else() {
    let home = scratch();
    book::write(home.path());
    let ledger = book::open(home.path()).unwrap();
    let erased: Vec<KeyId> = ledger.keyring().fingerprints().into_iter().map(|(key, _)| key).collect();
    let erased: Vec<KeyId> =
        erased.into_iter().filter(|key| matches!(ledger.keyring().state(key), KeyState::Erased { .. })).collect();
    let (size, facts) = (ledger.log().head().size, ledger.views().len());
    let named: Vec<KeyId> = (0..size).flat_map(|at| named(&ledger, at)).collect();
    drop(ledger);
    lose(home.path(), &["keyring", "keyring.copy"]);
    let refused = declare(home.path(), false).unwrap_err();
    assert!(refused.contains("there is no keyring here") && refused.contains("--all"), "{refused}");
    let declared = declare(home.path(), true).unwrap();
    assert!(declared.made_new && !declared.keys.is_empty());

    let ledger = book::open(home.path()).unwrap();
    for key in &named {
        match ledger.keyring().state(key) {
            KeyState::Erased { .. } => assert!(erased.contains(key), "{key} is lost, not erased"),
            KeyState::Lost => assert!(!erased.contains(key), "{key} was erased, not lost"),
            other => panic!("{key} is {other:?}"),
        }
    }
    assert!(named.iter().any(|key| erased.contains(key)));
    assert_eq!(ledger.views().len(), facts + 1, "every fact is there, and the declaration");
    for who in book::DAILY {
        assert_eq!(ledger.views().held_of(who.subject()), 0);
    }
    perform_all(&ledger, Someone(200), &Act::DAILY);
    perform_all(&ledger, Someone(200), &Act::TO_THE_FENCE);
    destroy(&ledger, Someone(200)).unwrap();
    let views = ledger.views().digest();
    drop(ledger);
    assert_eq!(book::open(home.path()).unwrap().views().digest(), views);
    assert_eq!(audit(home.path(), None), Verdict::Consistent);
}

fn named(ledger: &Ledger<Collected>, at: u64) -> Vec<KeyId> {
    let entry = ledger.log().record(at).unwrap().unwrap();
    Record::parse(&entry.record).unwrap().personal.iter().map(|part| part.key).collect()
}

#[test]
fn a_lost_person_reads_as_lost_over_graphql() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("ledger");
    let server = Server::at(&data, &[]);
    let person = desk::register(&server.client("agent"), "Qwanda", "Qplanted", "qwanda@planted.example");
    assert!(server.stop().status.success());
    lose(&data, &["keyring", "keyring.copy"]);
    let data_name = data.to_str().unwrap();
    let refused = lethe(&["keyring", "declare-lost", "--data", data_name]);
    assert!(refused.code == Some(1) && refused.err.contains("--all"), "{refused:?}");
    let said = lethe(&["keyring", "declare-lost", "--data", data_name, "--all"]).done();
    assert!(said.contains("keys are declared lost") && said.contains("A new keyring was made"), "{said}");
    let server = Server::at(&data, &[]);
    let token = issue_token(&data, "agent", "Somebody New", &[]);
    let query = "query($id: ID!) { contact(id: $id) { lastName erasure { reason } } }";
    let told: Value = server.with_token(&token).ask(query, json!({ "id": person.id }));
    assert!(told["contact"]["lastName"].is_null(), "{told}");
    assert!(text(&told["contact"]["erasure"]["reason"]).starts_with("lost: "), "{told}");
    let changed = json!({ "contactId": person.id, "reason": "CORRECTION", "firstName": "Again" });
    assert_eq!(server.with_token(&token).refused_with("changeContact", &changed), "LOST");
    assert!(server.stop().status.success());
}
