//! What a restore refuses before it changes anything, and what a cut leaves of one that has begun.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use domain::event::Follow as _;
use domain::id::KeyId;
use events::keyring::KeyState;
use events::ledger::{Ledger, Restored, Restoring, restore, restore_from};
use events::log::{Log as _, headmark, journal};
use tests::acts::{Act, NOW, destroy, doomed, perform, perform_all, redact, register};
use tests::book;
use tests::cast::Someone;
use tests::collected::Collected;
use tests::files::{lose, read_files, write_files};
use tests::kill::{Rounds, kill_at_random};
use tests::powercut::check::scratch;
use tests::powercut::{Plan, Recorder, check};
use tests::programs::lethe;

use crate::tamper::{Verdict, audit};

type Files = BTreeMap<PathBuf, Vec<u8>>;

const SECOND: &str = "muster.example/log-2";
const THIRD: &str = "muster.example/log-3";
const KEYS: [&str; 3] = ["keyring", "keyring.copy", "anchor"];

fn from(backup: &Path, home: &Path, order: &Restoring) -> Result<Restored, String> {
    let restore = || restore_from(backup, home, order, book::options(), &|_, _| {});
    book::patiently(|| restore().map_err(|failed| failed.to_string()))
}

fn plain(origin: &str) -> Restoring {
    Restoring::new(origin, NOW)
}

fn losing(origin: &str) -> Restoring {
    Restoring { declares_lost: true, ..plain(origin) }
}

fn over(origin: &str) -> Restoring {
    Restoring { over: true, ..plain(origin) }
}

/// What a directory holds, but for the lock.
fn all(home: &Path) -> Files {
    let mut files = read_files(home);
    files.remove(Path::new("lock"));
    files
}

/// The answer of a restore that is refused; nothing may be changed by it.
fn refused(backup: &Path, home: &Path, order: &Restoring) -> String {
    let before = all(home);
    let why = from(backup, home, order).unwrap_err();
    let after = all(home);
    let others: Vec<&PathBuf> =
        before.keys().chain(after.keys()).filter(|at| before.get(*at) != after.get(*at)).collect();
    assert!(others.is_empty(), "{why}: and {others:?} were changed");
    why
}

fn keep(files: &Files, parts: &[&str]) -> Files {
    let kept = files.iter().filter(|(path, _)| parts.iter().any(|part| path.starts_with(part)));
    kept.map(|(path, bytes)| (path.clone(), bytes.clone())).collect()
}

fn begun(home: &Path) -> Ledger<Collected> {
    book::create(home).unwrap();
    let ledger = book::open(home).unwrap();
    register(&ledger);
    ledger
}

fn live(ledger: &Ledger<Collected>, who: impl IntoIterator<Item = u64>) {
    who.into_iter().for_each(|who| perform_all(ledger, Someone(who), &Act::DAILY));
}

fn size(ledger: &Ledger<Collected>) -> u64 {
    ledger.log().head().size
}

/// The views of the first so many records.
fn digest(ledger: &Ledger<Collected>, size: u64) -> [u8; 32] {
    let mut views = Collected::default();
    views.follow(book::read_all(ledger).unwrap().into_iter().take(size as usize).collect());
    views.digest()
}

/// A byte of the journal's first segment is not what it was.
fn damage(home: &Path, at: usize) {
    let first = home.join(journal::NAME).join("00000000000000000000.segment");
    let mut bytes = fs::read(&first).unwrap();
    bytes[at] ^= 1;
    fs::write(&first, bytes).unwrap();
}

#[test]
fn a_keyring_that_is_only_not_mounted_is_not_given_up() {
    let (home, out) = (scratch(), scratch());
    let ledger = begun(home.path());
    live(&ledger, 1..3);
    book::back_up(&ledger, out.path()).unwrap();
    drop(ledger);
    let disks = keep(&all(home.path()), &KEYS[..2]);
    lose(home.path(), &KEYS[..2]);
    let why = refused(out.path(), home.path(), &losing(SECOND));
    assert!(why.contains("the anchor holds a root of this log") && why.contains("--all"), "{why}");
    let journal = keep(&all(home.path()), &[journal::NAME]);
    lose(home.path(), &[journal::NAME]);
    let why = refused(out.path(), home.path(), &losing(SECOND));
    assert!(why.contains("the anchor holds a root of this log"), "{why}");
    write_files(home.path(), &journal);
    // Who says that they are lost is heard, and not before all else is right.
    let all_lost = |origin| Restoring { declares_all_lost: true, ..losing(origin) };
    assert!(refused(out.path(), home.path(), &all_lost(SECOND)).contains("nothing to restore"));
    let why = refused(out.path(), home.path(), &Restoring { over: true, ..all_lost("muster.example/log") });
    assert!(why.contains("nothing to restore") || why.contains("this origin before"), "{why}");
    lose(home.path(), &[journal::NAME]);
    let why = refused(out.path(), home.path(), &all_lost("muster.example/log"));
    assert!(why.contains("this origin before"), "{why}");

    write_files(home.path(), &journal);
    write_files(home.path(), &disks);
    let ledger = book::open(home.path()).unwrap();
    assert!(ledger.views().held_of(Someone(1).subject()) > 0, "they are mounted again");
    drop(ledger);
    lose(home.path(), &[journal::NAME, KEYS[0], KEYS[1]]);
    let restored = from(out.path(), home.path(), &all_lost(SECOND)).unwrap();
    assert!(!restored.lost.is_empty());
    assert_eq!(book::open(home.path()).unwrap().views().held_of(Someone(1).subject()), 0);
    lose(home.path(), &KEYS[..2]);
    write_files(home.path(), &disks);
    assert!(book::open(home.path()).is_err(), "its root was given up");
}

/// The older backup was the only one at hand; when the newer one is found, the log has gone on for a while.
#[test]
fn a_whole_journal_of_another_generation_is_not_put_aside_without_a_word() {
    let (home, older, newer) = (scratch(), scratch(), scratch());
    let ledger = begun(home.path());
    live(&ledger, 1..3);
    book::back_up(&ledger, older.path()).unwrap();
    live(&ledger, 3..8);
    let backed_up = book::back_up(&ledger, newer.path()).unwrap().manifest.head.size;
    let held = digest(&ledger, backed_up);
    drop(ledger);
    lose(home.path(), &[journal::NAME]);
    let first = from(older.path(), home.path(), &plain(SECOND)).unwrap();
    let ledger = book::open(home.path()).unwrap();
    live(&ledger, 20..21);
    let acknowledged = size(&ledger);
    assert!(acknowledged < backed_up);
    drop(ledger);

    let why = refused(newer.path(), home.path(), &plain(THIRD));
    let behind = acknowledged - first.generation.from;
    assert!(why.contains(&format!("{behind} records")) && why.contains("--over"), "{why}");
    let ledger = book::open(home.path()).unwrap();
    live(&ledger, 21..27);
    assert!(size(&ledger) > backed_up, "it does not depend on how many there are");
    drop(ledger);
    assert!(refused(newer.path(), home.path(), &plain(THIRD)).contains("--over"));
    let why = refused(newer.path(), home.path(), &over(SECOND));
    assert!(why.contains("this origin before"), "{why}");

    let restored = from(newer.path(), home.path(), &over(THIRD)).unwrap();
    assert!(restored.aside.as_ref().is_some_and(|aside| aside.exists()));
    let ledger = book::open(home.path()).unwrap();
    assert_eq!(digest(&ledger, backed_up), held, "keys that waited live again, for a newer log came back");
    assert_eq!(ledger.views().held_of(Someone(20).subject()), 0);
    drop(ledger);
    assert_eq!(audit(home.path(), None), Verdict::Consistent);
}

/// A data directory was copied, and both went on.
#[test]
fn a_backup_of_a_fork_is_refused_and_the_right_one_is_not() {
    let (home, other, right, strange) = (scratch(), scratch(), scratch(), scratch());
    let ledger = begun(home.path());
    live(&ledger, 1..4);
    drop(ledger);
    write_files(other.path(), &all(home.path()));
    let ledger = book::open(home.path()).unwrap();
    live(&ledger, 4..5);
    let backed_up = book::back_up(&ledger, right.path()).unwrap().manifest.head.size;
    live(&ledger, 5..6);
    drop(ledger);
    let ledger = book::open(other.path()).unwrap();
    live(&ledger, 30..36);
    book::back_up(&ledger, strange.path()).unwrap();
    drop(ledger);

    let whole = all(home.path());
    let is_other = |why: String| assert!(why.contains("another history"), "{why}");
    is_other(refused(strange.path(), home.path(), &plain(SECOND)));
    is_other(refused(strange.path(), home.path(), &over(SECOND)));
    damage(home.path(), 5_000);
    is_other(refused(strange.path(), home.path(), &plain(SECOND)));
    lose(home.path(), &[journal::NAME]);
    is_other(refused(strange.path(), home.path(), &plain(SECOND)));
    // Its journal was put here by hand, beside the head mark of this one.
    write_files(home.path(), &keep(&all(other.path()), &[journal::NAME]));
    assert!(book::open(home.path()).is_err());
    let why = refused(right.path(), home.path(), &plain(SECOND));
    assert!(why.contains("--over"), "{why}");
    let restored = from(right.path(), home.path(), &over(SECOND)).unwrap();
    assert_eq!((restored.generation.from, restored.marked.is_some()), (backed_up, true));
    let ledger = book::open(home.path()).unwrap();
    assert!(ledger.views().held_of(Someone(4).subject()) > 0);
    drop(ledger);

    let home = scratch();
    write_files(home.path(), &whole);
    assert!(refused(right.path(), home.path(), &over(SECOND)).contains("nothing to restore"));
    damage(home.path(), 5_000);
    assert!(from(right.path(), home.path(), &plain(SECOND)).unwrap().aside.is_some());
}

/// Where there is no keyring to say whose log it is, the journal does.
#[test]
fn a_backup_of_another_log_is_refused_where_no_keyring_says_so() {
    let (home, out) = (scratch(), scratch());
    let ledger = begun(home.path());
    live(&ledger, 1..4);
    drop(ledger);
    lose(home.path(), &KEYS);
    for people in [1, 9] {
        let (other, strange) = (scratch(), scratch());
        let ledger = begun(other.path());
        live(&ledger, 50..50 + people);
        book::back_up(&ledger, strange.path()).unwrap();
        drop(ledger);
        let why = refused(strange.path(), home.path(), &Restoring { over: true, ..losing(SECOND) });
        assert!(why.contains("this is a backup of log_") && why.contains("the journal here belongs to log_"), "{why}");
        let whole = all(home.path());
        damage(home.path(), 5_000);
        let why = refused(strange.path(), home.path(), &losing(SECOND));
        assert!(why.contains("the journal here belongs to log_"), "{why}");
        damage(home.path(), 30);
        let why = refused(strange.path(), home.path(), &losing(SECOND));
        assert!(why.contains("the journal here does not say whose it is"), "{why}");
        lose(home.path(), &[journal::NAME]);
        write_files(home.path(), &keep(&whole, &[journal::NAME]));
    }
    drop(out);
}

/// A member of the anchor was away when somebody's keys were destroyed: it still holds a root that opens them.
#[test]
fn no_log_is_restored_while_a_destruction_is_not_over() {
    let (home, out) = (scratch(), scratch());
    let conf = "copy keyring\ncopy keyring.copy\nanchor file anchor\nanchor file second\n";
    fs::write(home.path().join("keyring.conf"), conf).unwrap();
    let ledger = begun(home.path());
    live(&ledger, 1..3);
    book::back_up(&ledger, out.path()).unwrap();
    perform_all(&ledger, Someone(1), &Act::TO_THE_FENCE);
    let keys = doomed(&ledger, Someone(1).subject());
    let second = home.path().join("second");
    let root = read_files(&second).into_keys().find(|name| name.to_str().unwrap().starts_with("log_")).unwrap();
    let (there, away) = (second.join(&root), second.join("away"));
    fs::rename(&there, &away).unwrap();
    fs::create_dir(&there).unwrap();
    destroy(&ledger, Someone(1)).unwrap_err();
    drop(ledger);
    lose(home.path(), &[journal::NAME]);
    let why = from(out.path(), home.path(), &plain(SECOND)).unwrap_err();
    assert!(
        why.contains("the last destruction of keys is not over") && why.contains("member 2 of the anchor"),
        "{why}"
    );
    assert!(!home.path().join(journal::NAME).exists(), "something was put back");

    fs::remove_dir(&there).unwrap();
    fs::rename(&away, &there).unwrap();
    let restored = from(out.path(), home.path(), &plain(SECOND)).unwrap();
    assert!(keys.iter().all(|key| restored.erased.contains(key)));
    for _ in 0..2 {
        let ledger = book::open(home.path()).unwrap();
        assert!(keys.iter().all(|key| matches!(ledger.keyring().state(key), KeyState::Erased { .. })));
    }
}

/// A directory that was rolled back, head mark and all: the backup is of the same history, and longer. Whoever lost power
/// never finds the backup's records served by the old generation, which may have signed others behind them.
#[test]
fn a_restore_that_is_cut_off_is_begun_again_or_done() {
    let (home, out) = (scratch(), scratch());
    let backed_up = rolled_back(home.path(), out.path());
    let driver = |home: &Path| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ledger_driver"));
        command.arg(home).arg("restore").arg(out.path()).arg(SECOND);
        command
    };
    let files = all(home.path());
    let recorder = Recorder::new(home.path()).acknowledged_on(1);
    let recorded = recorder.run(driver(home.path())).unwrap();
    let said = String::from_utf8_lossy(&recorded.output.stdout).into_owned();
    assert!(said.contains(&format!("restored {backed_up}")), "{said}");
    let plan = Plan { most: 250, ..Plan::default() };
    let report = check(&recorded.trace, &plan, |dir, said| goes_on(dir, out.path(), backed_up, &said.lines()));
    report.assert_green();
    assert!(report.states > 60, "{}", report.states);

    // Killed at any time: a second one begins it again, or finds it done.
    for seed in 0..6 {
        let home = scratch();
        write_files(home.path(), &files);
        let plan = Rounds { seed, rounds: 3, longest: Duration::from_millis(40) };
        kill_at_random(plan, home.path(), driver, |_, _| Ok(()));
        goes_on(home.path(), out.path(), backed_up, &[]).unwrap();
    }
}

/// A directory as it was before the last few people came, whose keyring is the newest. Says how many records the backup has.
fn rolled_back(home: &Path, out: &Path) -> u64 {
    let ledger = begun(home);
    live(&ledger, 1..3);
    drop(ledger);
    let earlier = all(home);
    let ledger = book::open(home).unwrap();
    live(&ledger, 3..4);
    let backed_up = book::back_up(&ledger, out).unwrap().manifest.head.size;
    live(&ledger, 4..5);
    drop(ledger);
    let rolled_back = [journal::NAME, headmark::NAME, "tree", "index"];
    lose(home, &rolled_back);
    write_files(home, &keep(&earlier, &rolled_back));
    backed_up
}

/// What a cut left is the old journal or a restore that is begun again, until it is done; behind that it is another generation.
fn goes_on(home: &Path, backup: &Path, backed_up: u64, said: &[String]) -> Result<(), String> {
    let is_done = said.iter().any(|line| line.starts_with("restored "));
    let served = served(home)?;
    match served {
        Some((1, size)) if size >= backed_up => return Err("the old generation serves what the backup brought".into()),
        Some((2, _)) => {}
        _ if is_done => return Err(format!("it was done, and {served:?} is served")),
        _ => {
            let restored = from(backup, home, &plain(SECOND))?;
            if restored.generation.from != backed_up {
                return Err(format!("it goes on from {}", restored.generation.from));
            }
        }
    }
    let ledger = book::open(home)?;
    if ledger.views().held_of(Someone(3).subject()) == 0 {
        return Err("what the backup brought is not read".into());
    }
    perform(&ledger, Someone(90), Act::Contact)?;
    drop(ledger);
    drop(book::open(home)?);
    match audit(home, None) {
        Verdict::Consistent => Ok(()),
        broken => Err(format!("{broken:?}")),
    }
}

/// How many generations and records are served, if any are; the keyring is not told.
fn served(home: &Path) -> Result<Option<(usize, u64)>, String> {
    use events::ledger::Directory;
    match book::patiently(|| Directory::open(home, book::options(), &|_, _| {}).map_err(|why| why.to_string())) {
        Ok(open) => Ok(Some((open.log.journal().logs().len(), open.log.head().size))),
        Err(why) if why.contains("was cut off: `lethe restore` begins it again") => Ok(None),
        Err(why) => Err(why),
    }
}

/// Somebody without the backup, or with no patience, says `lethe restore` alone.
#[test]
fn a_restore_that_was_cut_off_goes_on_by_hand_as_another_generation() {
    let (home, out) = (scratch(), scratch());
    let backed_up = rolled_back(home.path(), out.path());
    let files = all(home.path());
    from(out.path(), home.path(), &plain(SECOND)).unwrap();
    let mut put_back = keep(&read_files(out.path()), &["run.1"]);
    put_back.retain(|path, _| path.extension().is_some());
    lose(home.path(), &[journal::NAME, headmark::NAME]);
    for (path, bytes) in put_back {
        write_files(home.path(), &[(path.strip_prefix("run.1").unwrap().to_owned(), bytes)].into());
    }
    write_files(home.path(), &keep(&files, &[headmark::NAME]));
    fs::write(home.path().join("restoring"), [[9; 16].as_slice(), &backed_up.to_be_bytes()].concat()).unwrap();
    assert!(book::open(home.path()).err().unwrap().contains("`lethe restore` begins it again"));
    let by_hand = |origin| {
        let order = plain(origin);
        book::patiently(|| restore(home.path(), &order, book::options(), &|_, _| {}).map_err(|why| why.to_string()))
    };
    assert!(by_hand("muster.example/log").unwrap_err().contains("this origin before"));
    assert!(book::open(home.path()).err().unwrap().contains("`lethe restore` begins it again"), "it was refused");
    assert_eq!(by_hand(THIRD).unwrap().generation.from, backed_up);
    drop(book::open(home.path()).unwrap());
    assert!(by_hand("muster.example/log-4").unwrap_err().contains("nothing to restore"));
}

#[test]
fn a_full_disk_leaves_what_was_there_or_a_restore_to_be_begun_again() {
    let (home, out) = (scratch(), scratch());
    let backed_up = rolled_back(home.path(), out.path());
    let files = all(home.path());
    for (fault, begun) in [
        ("write,journal.coming/*,2,ENOSPC,once", false),
        ("sync,journal.coming/*,1,EIO,once", false),
        ("write,restoring*,1,ENOSPC,once", false),
        ("write,journal/*,1,ENOSPC,once", true),
        ("write,head.new,1,ENOSPC,once", true),
    ] {
        let home = scratch();
        write_files(home.path(), &files);
        let mut command = Command::new(env!("CARGO_BIN_EXE_ledger_driver"));
        command.arg(home.path()).arg("restore").arg(out.path()).arg(SECOND);
        let _trace = Recorder::new(home.path()).fault(fault).arm(&mut command);
        let done = command.output().unwrap();
        let said = String::from_utf8(done.stdout).unwrap();
        assert!(said.starts_with("not: ") && said.contains("cannot "), "{fault}: {said}");
        assert_eq!(served(home.path()).unwrap().is_none(), begun, "{fault}: {said}");
        goes_on(home.path(), out.path(), backed_up, &[]).unwrap_or_else(|why| panic!("{fault}: {why}"));
    }
}

/// No run holds its own record: the log that goes on behind one is told of it.
#[test]
fn the_backup_that_was_restored_is_known_to_the_log_that_goes_on() {
    let (home, out) = (scratch(), scratch());
    let ledger = begun(home.path());
    live(&ledger, 1..3);
    let made = book::back_up(&ledger, out.path()).unwrap().manifest;
    drop(ledger);
    lose(home.path(), &[journal::NAME]);
    from(out.path(), home.path(), &plain(SECOND)).unwrap();
    for _ in 0..2 {
        let ledger = book::open(home.path()).unwrap();
        let owners = ledger.owners();
        let known: Vec<_> = owners.backups().taken_before(size(&ledger)).collect();
        assert_eq!(known.iter().map(|run| (run.backup, run.size)).collect::<Vec<_>>(), [(made.backup, made.head.size)]);
        assert_eq!(owners.backups().kept_until(made.head.size), Some(made.until));
    }
    assert_eq!(audit(home.path(), None), Verdict::Consistent);
}

/// `run.1` is what many programs call their output.
#[test]
fn a_directory_that_is_only_called_like_a_run_is_left_as_it_is() {
    let home = scratch();
    let ledger = begun(home.path());
    let strange: [(&str, &[&str]); 6] = [
        ("run.1/precious", &[]),
        ("run.1/journal/00000000000000000000.segment.old", &[]),
        ("run.1/checkpoint/precious", &[]),
        ("run.2", &[]),
        ("backup.new", &[]),
        ("run.7/journal/00000000000000000000.segment", &["run.7/precious"]),
    ];
    for (file, more) in strange {
        let out = scratch();
        for file in [file].iter().chain(more) {
            write_files(out.path(), &[(PathBuf::from(file), b"precious".to_vec())].into());
        }
        let before = read_files(out.path());
        let why = book::back_up(&ledger, out.path()).unwrap_err();
        assert_eq!(why, "this directory holds something else than a backup", "{file}");
        assert_eq!(read_files(out.path()), before, "{file}");
    }
    // What a run leaves that is cut off goes.
    let out = scratch();
    let files = ["run.3/journal/00000000000000000000.segment", "run.3/checkpoint"].map(PathBuf::from);
    write_files(out.path(), &files.into_iter().map(|file| (file, vec![0; 9])).collect());
    write_files(out.path(), &[("backup.new".into(), b"lethe back\0\0\0".to_vec())].into());
    book::back_up(&ledger, out.path()).unwrap();
    assert_eq!(fs::read_dir(out.path()).unwrap().count(), 3);
}

/// A link could lead to a device that never ends, or to what somebody else may change.
#[test]
fn a_backup_that_has_links_in_it_is_refused() {
    let (home, out, elsewhere) = (scratch(), scratch(), scratch());
    let ledger = begun(home.path());
    live(&ledger, 1..3);
    book::back_up(&ledger, out.path()).unwrap();
    drop(ledger);
    lose(home.path(), &[journal::NAME]);
    for name in ["backup", "run.1", "run.1/journal", "run.1/checkpoint", "run.1/journal/00000000000000000000.segment"] {
        let (at, to) = (out.path().join(name), elsewhere.path().join("it"));
        fs::rename(&at, &to).unwrap();
        symlink(&to, &at).unwrap();
        let why = refused(out.path(), home.path(), &plain(SECOND));
        assert!(why.contains("the backup does not have the files that it names"), "{name}: {why}");
        fs::remove_file(&at).unwrap();
        fs::rename(&to, &at).unwrap();
    }
    let pipe = out.path().join("run.1/journal/00000000000000009999.segment");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    assert!(refused(out.path(), home.path(), &plain(SECOND)).contains("files that it names"));
    fs::remove_file(pipe).unwrap();
    from(out.path(), home.path(), &plain(SECOND)).unwrap();
}

/// Behind a redaction what stays of somebody lies under another key. A backup from before has it under the old one.
#[test]
fn a_restore_counts_what_a_reseal_took_from_the_living() {
    let (home, out) = (scratch(), scratch());
    let ledger = begun(home.path());
    live(&ledger, 1..3);
    perform_all(&ledger, Someone(1), &[Act::Case, Act::Redaction]);
    let made = book::back_up(&ledger, out.path()).unwrap().manifest;
    let held = ledger.views().held_of(Someone(1).subject());
    let keys = doomed(&ledger, Someone(1).subject());
    redact(&ledger, Someone(1)).unwrap();
    let old: Vec<KeyId> =
        keys.into_iter().filter(|key| matches!(ledger.keyring().state(key), KeyState::Erased { .. })).collect();
    assert_eq!(old.len(), 1);
    let entries = ledger.log().read(0, usize::MAX).unwrap();
    let lost = entries.iter().take(made.head.size as usize).flat_map(|entry| &entry.parts);
    let lost = lost.filter(|part| part.key == old[0]).count() as u64;
    drop(ledger);
    lose(home.path(), &[journal::NAME]);
    let said =
        lethe(&["restore", out.path().to_str().unwrap(), "--data", home.path().to_str().unwrap(), "--origin", SECOND]);
    let said = said.done();
    assert!(lost > 1 && said.contains(&format!("{lost} sealed parts stay closed with them")), "{said}");
    assert!(said.contains("only resealed"), "{said}");
    let ledger = book::open(home.path()).unwrap();
    let left = ledger.views().held_of(Someone(1).subject());
    assert!(0 < left && left < held, "{left} of {held}");
    drop(ledger);
    assert_eq!(audit(home.path(), None), Verdict::Consistent);
}
