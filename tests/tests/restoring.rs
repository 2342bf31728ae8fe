//! A journal is put back from a backup: the log refuses to serve, `lethe restore` opens a new generation of it, what was
//! erased stays erased, and whoever kept a checkpoint sees what is gone. And what nobody sees who kept nothing.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use domain::event::{Stream, StreamKind};
use domain::id::{KeyId, LogId};
use events::chain::Head;
use events::checkpoint::Checkpoint;
use events::keyring::KeyState;
use events::ledger::{Restored, Restoring, Signed, restore};
use events::log::{Log as _, headmark, journal};
use events::note::{FileSigner, Kind, SignedNote, VerifierKey};
use events::record::Record;
use events::tree::{self, Node};
use replay::check::{Status, check};
use replay::copy::from_directory;
use replay::gather::from_copy;
use replay::policy::Policy;
use replay::report::Report;
use replay::source::Source;
use replay::verify::{Consistent, verify};
use tests::acts::{Act, NOW, destroy, doomed, perform_all, register};
use tests::book;
use tests::cast::Someone;
use tests::files::{read_files, write_files};
use tests::forge::Forger;
use tests::powercut::check::scratch;
use tests::programs::{issue_token, lethe, program, run};

use crate::tamper::{Verdict, assert_broken, audit, audit_by_program};

/// Is erased behind the backup.
const LEAVES: Someone = Someone(1);
/// Is not.
const REMAINS: Someone = Someone(2);
/// Comes in behind the backup, and is lost with what came behind it.
const LOST: Someone = Someone(3);
/// Comes in behind the restore.
const LATER: Someone = Someone(4);

const OLD: &str = "muster.example/log";
const NEW: &str = "muster.example/log-2";

type Files = BTreeMap<PathBuf, Vec<u8>>;

/// What was before the backup was put back.
struct Before {
    /// The journal as the backup has it.
    journal: Files,
    /// The whole directory when the backup was taken.
    all: Files,
    /// The log's head then.
    backed_up: Head,
    /// And at its end.
    head: Head,
    /// Destroyed in between.
    keys: Vec<KeyId>,
    /// How many records had values of whom they were about, before and behind the erasure.
    held: (usize, usize),
    /// The last checkpoint.
    signed: Signed,
    old_key: VerifierKey,
}

/// Two people come in, a backup is taken; one of them is erased, somebody else comes in.
fn lived(home: &Path) -> Before {
    book::create(home).unwrap();
    let ledger = book::open(home).unwrap();
    register(&ledger);
    for who in [LEAVES, REMAINS] {
        perform_all(&ledger, who, &Act::DAILY);
    }
    drop(ledger);
    let (journal, all) = (read_files(&home.join(journal::NAME)), read_files(home));
    let ledger = book::open(home).unwrap();
    let backed_up = head_of(&ledger);
    let held = ledger.views().held_of(LEAVES.subject());
    perform_all(&ledger, LEAVES, &Act::TO_THE_FENCE);
    let mut keys = doomed(&ledger, LEAVES.subject());
    keys.sort_unstable();
    assert!(!keys.is_empty());
    destroy(&ledger, LEAVES).unwrap();
    perform_all(&ledger, LOST, &Act::DAILY);
    let signed = ledger.publish_now().unwrap().as_ref().clone();
    let held = (held, ledger.views().held_of(LEAVES.subject()));
    let old_key = ledger.published().key().clone();
    Before { journal, all, backed_up, head: head_of(&ledger), keys, held, signed, old_key }
}

fn head_of(ledger: &events::ledger::Ledger<tests::collected::Collected>) -> Head {
    let head = ledger.log().head();
    Head { size: head.size, hash: head.hash }
}

fn put_back(home: &Path, before: &Before) {
    let dir = home.join(journal::NAME);
    fs::remove_dir_all(&dir).unwrap();
    write_files(&dir, &before.journal);
}

fn restore_as(home: &Path, origin: &str) -> Result<Restored, String> {
    let order = Restoring::new(origin, NOW);
    book::patiently(|| restore(home, &order, book::options(), &|_, _| {}).map_err(|failed| failed.to_string()))
}

fn verified(home: &Path) -> Consistent {
    let source = book::patiently(|| Source::open(home).map_err(|failed| failed.to_string())).unwrap();
    verify(&source, None, &mut |_, _| {}, &|_, _| {}).unwrap()
}

#[test]
fn a_log_put_back_from_a_backup_goes_on_as_another_generation() {
    let home = scratch();
    let before = lived(home.path());
    put_back(home.path(), &before);
    let refused = book::open(home.path()).err().unwrap();
    assert!(refused.contains("records are missing") && refused.contains("lethe restore"), "{refused}");

    let restored = restore_as(home.path(), NEW).unwrap();
    assert_eq!(restored.generation.from, before.backed_up.size);
    assert_eq!(restored.old.origin, OLD);
    assert_eq!(restored.marked, Some(before.head.size));
    assert_eq!(restored.checkpoint.map(|known| known.size), Some(before.head.size));
    assert_eq!(restored.erased, before.keys);
    assert!(restored.awaiting > 0, "keys of somebody whose records are gone");
    assert_ne!(restored.key.public(), before.old_key.public());
    assert!(restored.old_key.as_ref().is_some_and(|aside| aside.exists()));

    let (ledger, booted) = book::boot(home.path()).unwrap();
    assert!(before.keys.iter().all(|key| matches!(ledger.keyring().state(key), KeyState::Erased { .. })));
    let held = ledger.views().held_of(LEAVES.subject());
    assert!(held < before.held.0 && held <= before.held.1, "{held} of {:?}", before.held);
    assert!(ledger.views().held_of(REMAINS.subject()) > 0);
    assert_eq!(ledger.views().held_of(LOST.subject()), 0);
    assert!(before.keys.iter().all(|key| booted.residue.contains(key)), "their parts are to be swept again");
    assert_eq!(ledger.keyring().counts().awaiting, restored.awaiting, "nobody confirmed that they are gone");
    ledger.sweep(&before.keys).unwrap();
    // Life goes on, across the line too: what was sealed before it is withheld and given back.
    perform_all(&ledger, LATER, &Act::DAILY);
    perform_all(&ledger, REMAINS, &Act::TO_THE_FENCE);
    perform_all(&ledger, REMAINS, &[Act::Unfence]);
    assert!(book::read_all(&ledger).unwrap().len() as u64 > before.backed_up.size);
    let (digest, head) = (ledger.views().digest(), head_of(&ledger));
    drop(ledger);

    let ledger = book::open(home.path()).unwrap();
    assert_eq!(ledger.views().digest(), digest, "replay equals live");
    drop(ledger);
    let consistent = verified(home.path());
    let origins: Vec<_> = consistent.generations.iter().map(|one| (one.of.origin.as_str(), one.of.from)).collect();
    assert_eq!(origins, [(OLD, 0), (NEW, before.backed_up.size)]);
    assert_eq!(consistent.generations[1].signers, [(before.backed_up.size, restored.key.public())]);
    assert_eq!((consistent.head, consistent.parts.erased), (head, 0));
    assert!(consistent.parts.erased_before > 0, "{:?}", consistent.parts);
    let said = Report::from(&consistent).to_string();
    assert!(said.contains("keys were destroyed before the restore") && said.contains(NEW), "{said}");
    assert_eq!(audit_by_program(home.path(), None), Verdict::Consistent);
    // A head from before the backup is in it, one from behind it is not.
    assert_eq!(audit(home.path(), Some(before.backed_up)), Verdict::Consistent);
    assert!(matches!(audit(home.path(), Some(before.head)), Verdict::Broken(..)));
    assert_eq!(restore_as(home.path(), "muster.example/log-3").unwrap_err(), NOTHING);
}

const NOTHING: &str = "the log reaches its head mark: there is nothing to restore";

#[test]
fn checkpoints_go_on_under_another_origin_and_contradict_none() {
    let home = scratch();
    let before = lived(home.path());
    put_back(home.path(), &before);
    let restored = restore_as(home.path(), NEW).unwrap();
    let ledger = book::open(home.path()).unwrap();
    let signed = ledger.publish_now().unwrap();
    let Checkpoint { origin, size, root } = Checkpoint::open(&signed.note, &restored.key).unwrap();
    assert_eq!(origin, NEW);
    assert!(Checkpoint::open(&signed.note, &before.old_key).is_err());
    let old = Checkpoint::open(&before.signed.note, &before.old_key).unwrap();
    assert!(old.size > restored.generation.from && old.origin == OLD, "it is of records that are gone");
    // Every record of the old generation has a proof under the new origin.
    for index in [0, 3, restored.generation.from - 1, restored.generation.from] {
        let leaf = tree::leaf(&ledger.log().record(index).unwrap().unwrap().record);
        let path = tree::inclusion(ledger.published().rows(), index, size).unwrap();
        tree::included(leaf, index, size, &root, &path).unwrap();
    }
    // The size that the old log signed for is reached again, with other records: under another name.
    perform_all(&ledger, LATER, &Act::DAILY);
    perform_all(&ledger, LATER, &Act::TO_THE_FENCE);
    perform_all(&ledger, Someone(5), &Act::DAILY);
    ledger.publish_now().unwrap();
    let again: Node = tree::root(ledger.published().rows(), old.size).unwrap();
    assert_ne!(again, old.root);
    drop(ledger);
    let stored = fs::read(home.path().join("tree/checkpoint")).unwrap();
    Checkpoint::open(&SignedNote::parse(&stored).unwrap(), &restored.key).unwrap();
}

/// The file about somebody whose erasure was not restored named no reason for what is gone of them.
#[test]
fn evidence_of_somebody_erased_before_a_restore_holds() {
    let (home, out) = (scratch(), scratch());
    let before = lived(home.path());
    put_back(home.path(), &before);
    let restored = restore_as(home.path(), NEW).unwrap();
    let ledger = book::open(home.path()).unwrap();
    ledger.sweep(&before.keys).unwrap();
    ledger.publish_now().unwrap();
    drop(ledger);
    let copy = out.path().join("copy");
    book::patiently(|| from_directory(home.path(), &copy).map_err(|failed| failed.to_string())).unwrap();
    let stream = Stream { kind: StreamKind::Contact, id: LEAVES.contact().0 };
    let evidence = from_copy(&Source::open(&copy).unwrap(), &[stream], &[]).unwrap();
    let policy = format!("log {}\nlog {}\nquorum none\n", before.old_key, restored.key);
    let policy = Policy::parse(policy.as_bytes()).unwrap();
    let judged = check(&evidence, &policy, None);
    assert_eq!((judged.integrity.status, judged.erasure.status), (Status::Holds, Status::Holds), "{judged}");
    assert!(judged.to_string().contains("destroyed before a restore"), "{judged}");
    for left_out in ["log.erasures", "log.continued"] {
        let mut less = evidence.clone();
        less.others.retain(|other| Record::parse(&other.record).unwrap().kind != left_out);
        assert!(less.others.len() < evidence.others.len(), "{left_out}");
        assert_eq!(check(&less, &policy, None).erasure.status, Status::Broken, "{left_out}");
    }
}

/// The old key is not lost with its generation; whoever finds it signs nothing that counts.
#[test]
fn the_key_of_a_generation_that_ended_signs_no_more() {
    let home = scratch();
    let before = lived(home.path());
    put_back(home.path(), &before);
    let restored = restore_as(home.path(), NEW).unwrap();
    let old = FileSigner::read(restored.old_key.as_ref().unwrap()).unwrap();
    let new = FileSigner::read(&home.path().join("signer/key")).unwrap();
    let ledger = book::open(home.path()).unwrap();
    let (now, rows) = (ledger.publish_now().unwrap().checkpoint.size, ledger.published().rows());
    let roots: BTreeMap<u64, Node> = (0..=now).map(|size| (size, tree::root(rows, size).unwrap())).collect();
    drop(ledger);
    let signed = |size: u64, origin: &str, signer: &FileSigner| {
        let of = Checkpoint { origin: origin.into(), size, root: roots[&size] };
        let mut note = SignedNote::new(of.to_string()).unwrap();
        note.sign(origin, Kind::Note, 0, signer).unwrap();
        fs::write(home.path().join("tree/checkpoint"), note.to_string()).unwrap();
        let copy = tempfile::tempdir().unwrap();
        book::patiently(|| from_directory(home.path(), copy.path()).map_err(|failed| failed.to_string())).unwrap();
        audit(copy.path(), None)
    };
    let from = restored.generation.from;
    assert_eq!(signed(now, NEW, &new), Verdict::Consistent);
    assert_eq!(signed(from, OLD, &old), Verdict::Consistent, "it was the key of what was restored");
    let others = [(now, OLD, &old), (from + 1, OLD, &old), (now, NEW, &old), (now, OLD, &new), (from, NEW, &new)];
    for (size, origin, signer) in others {
        assert_broken(&signed(size, origin, signer), size, "not signed by the key that the log names", origin);
    }
}

#[test]
fn an_origin_that_was_used_is_refused_and_so_is_one_that_no_key_can_have() {
    let home = scratch();
    let before = lived(home.path());
    put_back(home.path(), &before);
    let untouched = read_files(&home.path().join(journal::NAME));
    for (origin, why) in
        [(OLD, "were signed for this origin before"), ("a b", "cannot be the name of a key"), ("", "cannot")]
    {
        let refused = restore_as(home.path(), origin).unwrap_err();
        assert!(refused.contains(why), "{origin}: {refused}");
    }
    assert_eq!(read_files(&home.path().join(journal::NAME)), untouched);
    restore_as(home.path(), NEW).unwrap();
    // The same backup once more: the second generation is gone, and its origin stays used.
    drop(book::open(home.path()).unwrap());
    put_back(home.path(), &before);
    assert!(restore_as(home.path(), NEW).unwrap_err().contains("were signed for this origin before"));
    let again = restore_as(home.path(), "muster.example/log-3").unwrap();
    assert!(again.other_mark);
    let ledger = book::open(home.path()).unwrap();
    assert_eq!(ledger.published().key().name(), "muster.example/log-3");
    drop(ledger);
    assert_eq!(verified(home.path()).generations.len(), 2);
}

#[test]
fn another_history_is_no_backup() {
    let (home, other) = (scratch(), scratch());
    let mut before = lived(home.path());
    // The same log, which went on otherwise from the backup.
    write_files(other.path(), &before.all);
    let ledger = book::open(other.path()).unwrap();
    for who in 5..20 {
        perform_all(&ledger, Someone(who), &Act::DAILY);
    }
    assert!(ledger.log().head().size > before.head.size);
    drop(ledger);
    before.journal = read_files(&other.path().join(journal::NAME));
    put_back(home.path(), &before);
    let refused = restore_as(home.path(), NEW).unwrap_err();
    assert!(refused.contains("another history"), "{refused}");
}

#[test]
fn a_directory_without_a_head_mark_is_restored_and_says_what_it_cannot_know() {
    let home = scratch();
    let before = lived(home.path());
    put_back(home.path(), &before);
    fs::remove_file(home.path().join(headmark::NAME)).unwrap();
    let refused = book::open(home.path()).err().unwrap();
    assert!(refused.contains("head mark is missing") && refused.contains("lethe restore"), "{refused}");
    let restored = restore_as(home.path(), NEW).unwrap();
    assert_eq!(restored.marked, None);
    // The last checkpoint lies beside the tree, and the log's own key signed it.
    assert_eq!(restored.checkpoint.map(|known| known.size), Some(before.head.size));
    drop(book::open(home.path()).unwrap());
}

/// Everything that is written before the new head mark takes the old one's place is taken back; behind that it is done.
#[test]
fn a_restore_that_was_cut_off_is_begun_again() {
    let home = scratch();
    let before = lived(home.path());
    put_back(home.path(), &before);
    let old_mark = fs::read(home.path().join(headmark::NAME)).unwrap();
    let cut_off = restore_as(home.path(), NEW).unwrap();
    let new_mark = fs::read(home.path().join(headmark::NAME)).unwrap();
    let marker = [cut_off.generation.log.0.as_slice(), &before.backed_up.size.to_be_bytes()].concat();
    fs::write(home.path().join(headmark::NAME), old_mark).unwrap();
    fs::write(home.path().join("restoring"), &marker).unwrap();
    let refused = book::open(home.path()).err().unwrap();
    assert!(refused.contains("was cut off: `lethe restore` begins it again"), "{refused}");
    assert!(!matches!(audit(home.path(), None), Verdict::Consistent), "an auditor does not take it for a log");

    let restored = restore_as(home.path(), NEW).unwrap();
    assert_ne!(restored.generation.log, cut_off.generation.log);
    assert_eq!(restored.erased, before.keys);
    drop(book::open(home.path()).unwrap());
    assert_eq!(verified(home.path()).generations.len(), 2);

    // Cut off behind the last step that counts.
    let home = scratch();
    let before = lived(home.path());
    put_back(home.path(), &before);
    let done = restore_as(home.path(), NEW).unwrap();
    let marker = [done.generation.log.0.as_slice(), &before.backed_up.size.to_be_bytes()].concat();
    assert_ne!(fs::read(home.path().join(headmark::NAME)).unwrap(), new_mark);
    fs::write(home.path().join("restoring"), marker).unwrap();
    assert_eq!(book::open(home.path()).unwrap().log_id(), done.generation.log);
    assert!(!home.path().join("restoring").exists());

    // And cut off while the first file was written.
    put_back(home.path(), &before);
    fs::write(home.path().join("restoring"), [7; 5]).unwrap();
    restore_as(home.path(), "muster.example/log-3").unwrap();
    drop(book::open(home.path()).unwrap());
}

#[test]
fn what_is_forged_about_a_restore_is_named() {
    let home = scratch();
    let before = lived(home.path());
    put_back(home.path(), &before);
    restore_as(home.path(), NEW).unwrap();
    let ledger = book::open(home.path()).unwrap();
    ledger.sweep(&before.keys).unwrap();
    perform_all(&ledger, LATER, &Act::DAILY);
    drop(ledger);
    let files = read_files(home.path());
    let at = usize::try_from(before.backed_up.size).unwrap();
    type Forgery = fn(&mut Forger, usize);
    let forgeries: &[(&str, Forgery, u64, &str)] = &[
        ("records before it dropped", |f, at| f.cut_out(at - 1..at), 0, "records were restored"),
        (
            "a record before it changed",
            |f, at| f.edit(at - 1, |draft, _| draft.actor.0 = [9; 16]),
            0,
            "root it names is not",
        ),
        (
            "the register's word dropped",
            |f, at| f.cut_out(at + 1..at + 2),
            u64::MAX,
            "is missing, and no certified erasure",
        ),
        ("the register's word put off", |f, at| f.swap(at + 1), 2, "does not stand behind a restore"),
        (
            "an old record's id behind it",
            |f, at| f.edit(at + 2, |_, link| link.log = LogId([9; 16])),
            2,
            "belongs to another log",
        ),
    ];
    for (what, forgery, distance, reason) in forgeries {
        let home = scratch();
        write_files(home.path(), &files);
        let mut forger = Forger::read(home.path());
        assert_eq!((forger.kind(at), forger.kind(at + 1)), ("log.continued", "log.erasures"));
        forgery(&mut forger, at);
        forger.relink(0);
        forger.write(home.path());
        forger.write_mark(home.path());
        let verdict = audit(home.path(), None);
        match distance {
            &u64::MAX => {
                assert!(matches!(&verdict, Verdict::Broken(_, why) if why.contains(reason)), "{what}: {verdict:?}")
            }
            distance => {
                let dropped = u64::from(what.contains("records before it dropped"));
                assert_broken(&verdict, before.backed_up.size + distance - dropped, reason, what);
            }
        }
    }
}

/// Somebody puts the whole directory back as it was before an erasure, keys, head mark and signing key too, and calls it the
/// present. In it, nothing is wrong: the person is there again, and nobody who kept nothing can know better (which is why
/// A0 says "logical"). Whoever kept a head or a checkpoint sees it, at once and for ever.
#[test]
fn a_restore_that_hides_an_erasure() {
    let home = scratch();
    let before = lived(home.path());
    for entry in fs::read_dir(home.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { fs::remove_dir_all(path).unwrap() } else { fs::remove_file(path).unwrap() }
    }
    write_files(home.path(), &before.all);
    let ledger = book::open(home.path()).unwrap();
    assert_eq!(ledger.views().held_of(LEAVES.subject()), before.held.0, "all of it is back");
    drop(ledger);
    assert_eq!(audit(home.path(), None), Verdict::Consistent);
    let said = Report::from(&verified(home.path())).to_string();
    assert!(said.contains("nobody outside has confirmed this head"), "{said}");

    let short = audit(home.path(), Some(before.head));
    assert_broken(&short, before.head.size - 1, "does not have the expected head: it ends at", "it is too short");
    let ledger = book::open(home.path()).unwrap();
    for who in 5..20 {
        perform_all(&ledger, Someone(who), &Act::DAILY);
    }
    ledger.publish_now().unwrap();
    // The same key has now signed, or stands ready to sign, another root for a size it signed for before: with the old
    // checkpoint in hand, that is proof.
    let old = Checkpoint::open(&before.signed.note, ledger.published().key()).unwrap();
    assert!(ledger.log().head().size > old.size);
    assert_ne!(tree::root(ledger.published().rows(), old.size).unwrap(), old.root);
    let path = tree::consistency(ledger.published().rows(), old.size, ledger.log().head().size).unwrap();
    let new = ledger.published().latest().unwrap().checkpoint.clone();
    assert!(tree::consistent((old.size, &old.root), (new.size, &new.root), &path).is_err());
    drop(ledger);
    let longer = audit(home.path(), Some(before.head));
    assert_broken(&longer, before.head.size - 1, "does not have the expected head", "it went on otherwise");
}

#[test]
fn keys_that_wait_since_a_restore_go_when_an_operator_says_so() {
    let home = scratch();
    let before = lived(home.path());
    put_back(home.path(), &before);
    let restored = restore_as(home.path(), NEW).unwrap();
    let data = home.path().to_str().unwrap();
    // What stands in the log is months old.
    lethe(&["clock", "confirm", "--data", data]).done();
    let [agent, first, second] = [("agent", "Ada"), ("dpo", "Dora"), ("admin", "Dirk")]
        .map(|(role, name)| issue_token(home.path(), role, name, &[]));
    let tried = |token: &str, more: &[&str]| {
        let mut command = Command::new(program("lethe"));
        command.args(["keyring", "confirm", "--data", data]).args(more).env("LETHE_TOKEN", token);
        run(&mut command)
    };
    let confirm_as = |token: &str, more: &[&str]| {
        let done = book::patiently(|| {
            let ended = tried(token, more);
            if ended.code == Some(0) { Ok(ended.out) } else { Err(ended.err) }
        });
        done.unwrap()
    };
    let confirm = |more: &[&str]| confirm_as("", more);
    let listed = confirm(&[]);
    assert!(listed.contains(&format!("{} keys wait", restored.awaiting)) && listed.contains("--destroy"), "{listed}");
    let keys: Vec<KeyId> = listed.lines().filter_map(|line| line.strip_prefix("  ")?.parse().ok()).collect();
    assert_eq!(keys.len(), restored.awaiting);
    let ledger = book::open(home.path()).unwrap();
    assert_eq!(ledger.keyring().counts().awaiting, restored.awaiting, "listing them destroys none");
    assert_eq!(ledger.waiting_keys(), keys);
    let erased = ledger.keyring().counts().erased;
    drop(ledger);

    for (token, why) in [("lethe_00", "not known here"), (agent.as_str(), "only a data protection officer")] {
        let refused = tried(token, &["--destroy"]);
        assert!(refused.code == Some(1) && refused.err.contains(why), "{refused:?}");
    }
    for _ in 0..2 {
        let alone = confirm_as(&first, &["--destroy"]);
        assert!(alone.contains(&format!("{} keys wait for a second person", keys.len())), "{alone}");
    }
    let ledger = book::open(home.path()).unwrap();
    assert_eq!(ledger.keyring().counts().awaiting, restored.awaiting, "one person destroys none");
    drop(ledger);
    let said = confirm_as(&second, &["--destroy"]);
    assert!(said.contains(&format!("{} keys are destroyed", keys.len())), "{said}");
    assert!(confirm(&[]).contains("No key waits.") && confirm_as(&first, &["--destroy"]).contains("No key waits."));
    let ledger = book::open(home.path()).unwrap();
    assert!(keys.iter().all(|key| matches!(ledger.keyring().state(key), KeyState::Erased { .. })));
    assert!(ledger.keyring().counts().erased >= erased + keys.len());
    assert!(ledger.views().held_of(REMAINS.subject()) > 0, "no other key went");
}

#[test]
fn the_program_says_what_was_lost() {
    let home = scratch();
    let before = lived(home.path());
    let run = |origin: &str| {
        let mut command = Command::new(program("lethe"));
        let done = command.args(["restore", "--origin", origin, "--data"]).arg(home.path()).output().unwrap();
        (done.status.success(), String::from_utf8(done.stdout).unwrap(), String::from_utf8(done.stderr).unwrap())
    };
    let (done, _, why) = run(NEW);
    assert!(!done && why.contains(NOTHING), "{why}");
    put_back(home.path(), &before);
    let (done, said, why) = run(NEW);
    assert!(done, "{why}");
    let gone = before.head.size - before.backed_up.size;
    for line in [
        format!("The log goes on from record {} as log_", before.backed_up.size),
        format!(
            "Gone are {gone} records: the log had {}, and {} were put back.",
            before.head.size, before.backed_up.size
        ),
        format!("can prove that {gone} of them are gone."),
        format!("{} keys that this log shows as alive were destroyed.", before.keys.len()),
        format!("  {}", before.keys[0]),
        format!("Auditors and witnesses need the new key: {NEW}+"),
    ] {
        assert!(said.contains(&line), "{line}\nis not in\n{said}");
    }
    let key = said.lines().find_map(|line| line.strip_prefix("Auditors and witnesses need the new key: ")).unwrap();
    let key: VerifierKey = key.parse().unwrap();
    assert_eq!(key.kind(), Kind::Note);
    let ledger = book::open(home.path()).unwrap();
    assert_eq!(ledger.published().key(), &key);
    let last = ledger.log().record(before.backed_up.size).unwrap().unwrap();
    assert_eq!(Record::parse(&last.record).unwrap().kind, "log.continued");
}
