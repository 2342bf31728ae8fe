//! Backups: taken while others write, read back, put back, cut off, damaged, and of another log.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use domain::compartment::Compartment;
use domain::event::Follow as _;
use domain::id::KeyId;
use domain::subject::{Case, Residue, ResidueKind};
use events::backup::{self, BackingUp, Backup};
use events::keyring::KeyState;
use events::ledger::{Ledger, Made, Restored, Restoring, restore_from};
use events::log::frame::{self, Sums};
use events::log::segment::Header;
use events::log::{Log as _, PartBytes, journal};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::json;
use tests::acts::{Act, NOW, REGISTER, approve, case, destroy, doomed, keep_backups, perform_all};
use tests::book::{self, FENCED, RESIDUE};
use tests::cast::{self, Someone};
use tests::client::text;
use tests::collected::Collected;
use tests::desk;
use tests::files::{lose, read_files, write_files};
use tests::kill::{Rounds, kill_at_random};
use tests::powercut::check::scratch;
use tests::powercut::{Plan, Recorder, check};
use tests::programs::{lethe, lethe_audit};
use tests::server::{Server, until};

use crate::tamper::{Verdict, audit};

type Files = BTreeMap<PathBuf, Vec<u8>>;

const NEW: &str = "muster.example/log-2";
/// What a machine has beside the backup.
const KEYS: [&str; 3] = ["keyring", "keyring.copy", "anchor"];

fn restore_into(backup: &Path, home: &Path, origin: &str) -> Result<Restored, String> {
    restore_with(backup, home, origin, false)
}

fn restore_with(backup: &Path, home: &Path, origin: &str, declares_lost: bool) -> Result<Restored, String> {
    let order = Restoring { declares_lost, ..Restoring::new(origin, NOW) };
    let restore = || restore_from(backup, home, &order, book::options(), &|_, _| {});
    book::patiently(|| restore().map_err(|failed| failed.to_string()))
}

/// Keyring and anchor of a directory at rest, carried over to another one.
fn carry_keys(from: &Path, to: &Path) {
    let mut files = read_files(from);
    files.retain(|path, _| KEYS.iter().any(|part| path.starts_with(part)));
    write_files(to, &files);
}

/// The views of the first so many records.
fn digest(ledger: &Ledger<Collected>, size: u64) -> [u8; 32] {
    let mut views = Collected::default();
    views.follow(book::read_all(ledger).unwrap().into_iter().take(size as usize).collect());
    views.digest()
}

fn look(dir: &Path) -> Result<u64, String> {
    let backup = book::patiently(|| Backup::open(dir).map_err(|failed| failed.to_string()))?;
    backup.check(&|_, _| {}).map_err(|failed| failed.to_string())?;
    Ok(backup.manifest.head.size)
}

/// Whatever the register says of copies, the backups that the log knows are kept as long as it says of them.
#[test]
fn a_certificate_names_the_backups_that_the_log_knows() {
    let (home, out) = (scratch(), scratch());
    let ledger = book::wrote(home.path(), [1, 2]);
    let backups = |who: Someone| {
        perform_all(&ledger, who, &Act::TO_THE_FENCE[..3]);
        approve(&ledger, who).unwrap();
        destroy(&ledger, who).unwrap();
        let (_, state) = ledger.state::<Case>(&case(who).0).unwrap();
        let residues = state.erasures()[0].residues.clone();
        residues.into_iter().map(|it| it.residue).find(|it| it.kind == ResidueKind::OldBackups)
    };
    keep_backups(&ledger, 0);
    assert_eq!(backups(Someone(1)), None, "there is none");
    let made = book::back_up(&ledger, out.path()).unwrap();
    let known =
        Residue { kind: ResidueKind::OldBackups, count: Some(1), until: Some(made.manifest.until), disclosure: None };
    assert_eq!(backups(Someone(2)), Some(known));
}

#[test]
fn a_backup_taken_while_others_write_is_the_log_up_to_its_size() {
    let (home, other, out) = (scratch(), scratch(), scratch());
    let ledger = book::wrote(home.path(), 1..12);
    let stop = AtomicBool::new(false);
    let mut inodes = Vec::new();
    let runs: Result<Vec<Made>, String> = std::thread::scope(|scope| {
        for writer in 1..4 {
            let (ledger, stop) = (&ledger, &stop);
            scope.spawn(move || {
                let more = (1000 * writer..).take_while(|_| !stop.load(Ordering::Acquire));
                more.for_each(|who| perform_all(ledger, Someone(who), &Act::DAILY));
            });
        }
        let runs = (0..4).map(|_| {
            let made = book::back_up(&ledger, out.path())?;
            let run = out.path().join(format!("run.{}/journal", made.manifest.run));
            inodes.push(fs::metadata(run.join(&made.manifest.files[0].name)).unwrap().ino());
            Ok(made)
        });
        let runs = runs.collect();
        stop.store(true, Ordering::Release);
        runs
    });
    let runs = runs.unwrap();
    for (before, after) in runs.iter().zip(&runs[1..]) {
        assert!(before.manifest.head.size < after.manifest.head.size);
        assert_eq!((after.manifest.backup, after.replaces), (before.manifest.backup, before.manifest.head.size));
    }
    assert!(runs[0].manifest.files.len() > 2 && inodes.iter().all(|inode| *inode == inodes[0]), "it is copied anew");
    let last = runs.last().unwrap();
    let before = runs[2].manifest.head.size;
    assert!(
        (before + 1..=last.manifest.head.size).contains(&last.checkpoint),
        "what was there when it began is signed"
    );
    assert!(last.recorded.position >= last.manifest.head.size, "the record of it is not in it");
    let size = last.manifest.head.size;
    assert!(ledger.log().head().size > size);
    let until = last.manifest.until;
    assert_eq!(ledger.owners().backups().kept_until(size), Some(until));
    assert_eq!(ledger.owners().backups().kept_until(1), None);
    drop(ledger);

    let names: Vec<String> =
        fs::read_dir(out.path()).unwrap().map(|it| it.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(names.len(), 3, "one run, what it is, and the lock: {names:?}");
    for path in read_files(out.path()).keys() {
        let is_segment =
            path.extension().is_some_and(|of| of == "segment") && path.parent().unwrap().ends_with("journal");
        let known = is_segment || ["backup", "lock", "checkpoint"].iter().any(|name| path.ends_with(name));
        assert!(known, "{} belongs into no backup", path.display());
    }

    carry_keys(home.path(), other.path());
    let restored = restore_into(out.path(), other.path(), NEW).unwrap();
    assert_eq!((restored.generation.from, restored.marked, &restored.aside), (size, None, &None));
    assert_eq!(restored.checkpoint.map(|known| known.size), Some(last.checkpoint));
    let (ledger, back) = (book::open(home.path()).unwrap(), book::open(other.path()).unwrap());
    for position in 0..size {
        let entry = |ledger: &Ledger<Collected>| ledger.log().record(position).unwrap().unwrap();
        assert_eq!(entry(&back), entry(&ledger), "record {position}");
    }
    assert_eq!(digest(&back, size), digest(&ledger, size));
    perform_all(&back, Someone(5_000), &Act::DAILY);
    // Its backups are recorded in what was restored, and the last one by the restore, which cannot say what lay there before.
    let recorded = |ledger: &Ledger<Collected>| -> Vec<u64> {
        ledger.owners().backups().taken_before(u64::MAX).map(|run| run.size).collect()
    };
    assert_eq!(recorded(&ledger), recorded(&back)[1..]);
    assert_eq!(recorded(&back).last(), Some(&size));
    drop(back);
    assert_eq!(audit(other.path(), None), Verdict::Consistent);
}

/// Behind the sweep a backup has zeros where an older one has what is sealed; each holds for itself.
#[test]
fn what_was_swept_is_not_in_a_newer_backup() {
    let (home, out, old) = (scratch(), scratch(), scratch());
    book::write_before_the_erasures(home.path());
    let ledger = book::open(home.path()).unwrap();
    let keys = doomed(&ledger, RESIDUE.subject());
    book::back_up(&ledger, out.path()).unwrap();
    write_files(old.path(), &read_files(out.path()));
    let present = |dir: &Path| parts(dir, &keys).iter().filter(|part| matches!(part, PartBytes::Present(_))).count();
    assert!(present(old.path()) > 3 && parts(old.path(), &keys).len() == present(old.path()));
    destroy(&ledger, RESIDUE).unwrap();
    book::back_up(&ledger, out.path()).unwrap();
    assert_eq!(present(out.path()), present(old.path()), "they are there until they are swept");
    ledger.sweep(&keys).unwrap();
    book::back_up(&ledger, out.path()).unwrap();
    assert_eq!(present(out.path()), 0);
    assert!(!parts(out.path(), &keys).is_empty());
    look(out.path()).unwrap();
    look(old.path()).unwrap();
}

/// Somebody is erased and swept while the copy is under way, so the certificate stands behind the size it began with.
#[test]
fn what_is_swept_during_a_backup_has_its_certificate_in_it() {
    let (home, out) = (scratch(), scratch());
    let ledger = book::wrote(home.path(), 1..12);
    let who = Someone(50);
    perform_all(&ledger, who, &[Act::DAILY.as_slice(), &Act::TO_THE_FENCE].concat());
    let (keys, size) = (doomed(&ledger, who.subject()), ledger.log().head().size);
    let once = std::sync::Once::new();
    let meanwhile = |_: u64, _: u64| {
        once.call_once(|| {
            destroy(&ledger, who).unwrap();
            ledger.sweep(&keys).unwrap();
        });
    };
    let order = BackingUp { dir: out.path().to_owned(), region: None, until: NOW.day() };
    let made = ledger.back_up(&order, &meanwhile).unwrap();
    assert!(made.manifest.files.len() > 2 && made.manifest.head.size > size, "it went on to a later size");
    drop(ledger);
    assert!(parts(out.path(), &keys).iter().any(|part| matches!(part, PartBytes::Swept { .. })));
    lose(home.path(), &["journal"]);
    assert_eq!(restore_into(out.path(), home.path(), NEW).unwrap().erased, [], "the backup says itself who is gone");
    drop(book::open(home.path()).unwrap());
    assert_eq!(audit(home.path(), None), Verdict::Consistent);
}

/// A backup of what is damaged would take the place of one that is not.
#[test]
fn a_damaged_part_whose_key_lives_is_no_backup() {
    let (home, out) = (scratch(), scratch());
    let ledger = book::wrote(home.path(), 1..3);
    let first = book::back_up(&ledger, out.path()).unwrap().manifest.head.size;
    let files = read_files(home.path());
    let segment = Path::new(journal::NAME).join("00000000000000000000.segment");
    let part = first_part(&files[&segment]);
    let file = fs::OpenOptions::new().write(true).open(home.path().join(&segment)).unwrap();
    for bytes in [vec![7; part.len()], vec![0; part.len()]] {
        file.write_all_at(&bytes, part.start as u64).unwrap();
        let refused = book::back_up(&ledger, out.path()).unwrap_err();
        assert!(refused.contains("sealed part 0 is not what was written, and its key lives"), "{refused}");
        assert!(refused.contains("00000000000000000000.segment"), "{refused}");
        assert_eq!(look(out.path()), Ok(first));
    }
}

/// What a backup holds under some keys.
fn parts(dir: &Path, keys: &[KeyId]) -> Vec<PartBytes> {
    // A journal alone is read by the position of its head mark, which a backup has none of.
    let (home, backup) = (scratch(), Backup::open(dir).unwrap());
    write_files(&home.path().join(journal::NAME), &read_files(&backup.run().join(journal::NAME)));
    let put_back = events::log::put_back::PutBack::open(home.path()).unwrap();
    let entries = put_back.journal().entries().map(Result::unwrap);
    entries.flat_map(|entry| entry.parts).filter(|part| keys.contains(&part.key)).map(|part| part.bytes).collect()
}

#[test]
fn a_backup_that_is_cut_off_is_none_and_the_one_before_stays() {
    let (home, out, traces) = (scratch(), scratch(), scratch());
    drop(book::wrote(home.path(), 1..4));
    let driver = |home: &Path, into: &Path, times: u64| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ledger_driver"));
        command.arg(home).arg("back-up").arg(into).arg(times.to_string());
        command
    };
    let whole = |dir: &Path, said: &[String]| {
        let acknowledged = said.iter().filter_map(|line| line.strip_prefix("backed-up ")?.parse::<u64>().ok()).max();
        match (look(dir), acknowledged) {
            (Ok(size), acknowledged) if size >= acknowledged.unwrap_or(0) => Ok(()),
            (Err(why), None) if why.contains("there is no backup") => Ok(()),
            (found, acknowledged) => Err(format!("{acknowledged:?} was said, and found is {found:?}")),
        }
    };
    // Cut off from power at any step of two runs.
    let recorder = Recorder::new(out.path()).acknowledged_on(1).trace_to(&traces.path().join("trace"));
    recorder.run(driver(home.path(), out.path(), 1)).unwrap();
    let trace = recorder.run(driver(home.path(), out.path(), 1)).unwrap().trace;
    let report = check(&trace, &Plan { most: 250, ..Plan::default() }, |dir, said| whole(dir, &said.lines()));
    report.assert_green();
    assert!(report.states > 60, "{}", report.states);

    // Killed at any time; the ledger goes on.
    let into = scratch();
    let plan = Rounds { seed: 7, rounds: 9, longest: Duration::from_millis(60) };
    let said = kill_at_random(plan, into.path(), |dir| driver(home.path(), dir, 100_000), whole);
    assert!(said > 9, "{said}");
    // What they left goes with the next one.
    let ledger = book::open(home.path()).unwrap();
    book::back_up(&ledger, into.path()).unwrap();
    assert_eq!(fs::read_dir(into.path()).unwrap().count(), 3);
}

#[test]
fn a_full_disk_leaves_the_backup_that_was_there() {
    let (home, out) = (scratch(), scratch());
    let ledger = book::wrote(home.path(), 1..4);
    let first = book::back_up(&ledger, out.path()).unwrap().manifest.head.size;
    perform_all(&ledger, Someone(9), &Act::DAILY);
    drop(ledger);
    for fault in
        ["write,run.2/journal/*,2,ENOSPC,once", "sync,run.2/journal/*,1,EIO,once", "write,backup.new,1,ENOSPC,on"]
    {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ledger_driver"));
        command.arg(home.path()).arg("back-up").arg(out.path()).arg("1");
        let _trace = Recorder::new(out.path()).fault(fault).arm(&mut command);
        let done = command.output().unwrap();
        let said = String::from_utf8(done.stdout).unwrap();
        assert!(
            done.status.success() && said.starts_with("not: ") && said.contains("cannot "),
            "{fault}: {said} {}",
            String::from_utf8_lossy(&done.stderr)
        );
        assert_eq!(look(out.path()), Ok(first), "{fault}");
        let left = fs::read_dir(out.path()).unwrap().count();
        assert!(left <= 4, "{fault}: its files are in the way");
    }
    let ledger = book::open(home.path()).unwrap();
    assert!(book::back_up(&ledger, out.path()).unwrap().manifest.head.size > first);
}

#[test]
fn a_damaged_backup_is_refused_with_its_place_and_nothing_is_changed() {
    let (home, out, other) = (scratch(), scratch(), scratch());
    book::write_before_the_erasures(home.path());
    book::write_erasures(home.path());
    let ledger = book::open(home.path()).unwrap();
    let manifest = book::back_up(&ledger, out.path()).unwrap().manifest;
    drop(ledger);
    carry_keys(home.path(), other.path());
    let (files, before) = (read_files(out.path()), read_files(other.path()));
    let segments: Vec<&PathBuf> = files.keys().filter(|path| path.extension().is_some()).collect();
    assert_eq!(segments.len(), manifest.files.len());
    assert!(segments.len() > 1);
    let refused = |files: &Files| {
        let bent = scratch();
        write_files(bent.path(), files);
        let why = restore_into(bent.path(), other.path(), NEW).unwrap_err();
        let mut after = read_files(other.path());
        after.remove(Path::new("lock"));
        assert_eq!(after, before, "{why}");
        why
    };
    let mut rng = StdRng::seed_from_u64(3);
    for (number, path) in segments.iter().enumerate() {
        let name = path.file_name().unwrap().to_str().unwrap();
        let end = manifest.files[number].bytes;
        for _ in 0..6 {
            let mut files = files.clone();
            let at = rng.random_range(0..end) as usize;
            files.get_mut(*path).unwrap()[at] ^= 1 << rng.random_range(0..8);
            let why = refused(&files);
            assert!(why.contains(name) || why.contains("record "), "byte {at} of {name}: {why}");
            assert!(why.contains("backup") || why.contains("log"), "{why}");
        }
        let mut cut = files.clone();
        cut.get_mut(*path).unwrap().truncate(end as usize - 7);
        assert!(refused(&cut).contains(name));
        let mut missing = files.clone();
        missing.remove(*path);
        assert!(refused(&missing).contains(name));
    }
    // A part that somebody made zeros of looks swept.
    let mut swept = files.clone();
    let sealed = first_part(&files[segments[0]]);
    swept.get_mut(segments[0]).unwrap()[sealed].fill(0);
    assert!(refused(&swept).contains("is not what the backup says of it"));
    let manifest = PathBuf::from(backup::NAME);
    for at in [0, 40, 90, files[&manifest].len() - 3] {
        let mut bent = files.clone();
        bent.get_mut(&manifest).unwrap()[at] ^= 1;
        assert!(refused(&bent).contains("of the file backup is not what a backup says"), "{at}");
    }
    let mut none = files.clone();
    none.remove(&manifest);
    assert!(refused(&none).contains("there is no backup in this directory"));
    assert_eq!(restore_into(out.path(), other.path(), NEW).unwrap().generation.from, look(out.path()).unwrap());
}

/// Where the first sealed part of a segment lies in its file.
fn first_part(segment: &[u8]) -> std::ops::Range<usize> {
    let log = Header::read(&segment[..4096]).unwrap().log;
    let mut at = 4096;
    loop {
        let layout = frame::read(&segment[at..], &Sums::of(log)).unwrap();
        if let Some(part) = layout.parts.first() {
            let from = at + part.span.offset as usize;
            return from..from + part.span.length as usize;
        }
        at += layout.length as usize;
    }
}

#[test]
fn a_backup_goes_nowhere_where_something_else_lies() {
    let (home, out, other) = (scratch(), scratch(), scratch());
    let ledger = book::wrote(home.path(), 1..3);
    fs::write(out.path().join("holiday.jpg"), "not a backup").unwrap();
    assert_eq!(book::back_up(&ledger, out.path()).unwrap_err(), "this directory holds something else than a backup");
    assert_eq!(read_files(out.path()).len(), 1);
    lose(out.path(), &["holiday.jpg"]);
    book::back_up(&ledger, out.path()).unwrap();
    drop(ledger);

    let stranger = book::wrote(other.path(), 1..3);
    let before = read_files(out.path());
    let refused = book::back_up(&stranger, out.path()).unwrap_err();
    assert!(refused.contains("and not of the log that is here"), "{refused}");
    // The same log on another way: what lies there may be all that is left of its records.
    drop(stranger);
    let mut earlier = read_files(home.path());
    earlier.retain(|path, _| path != Path::new("lock"));
    let ledger = book::open(home.path()).unwrap();
    perform_all(&ledger, Someone(7), &Act::DAILY);
    let last = book::back_up(&ledger, out.path()).unwrap().manifest.head.size;
    drop(ledger);
    let rolled_back = scratch();
    write_files(rolled_back.path(), &earlier);
    let ledger = book::open(rolled_back.path()).unwrap();
    perform_all(&ledger, Someone(8), &[Act::DAILY.as_slice(), &Act::TO_THE_FENCE].concat());
    perform_all(&ledger, Someone(9), &Act::DAILY);
    let refused = book::back_up(&ledger, out.path()).unwrap_err();
    assert!(
        refused.contains(&format!("has {last} records")) && refused.contains("name another directory"),
        "{refused}"
    );
    assert_eq!(look(out.path()), Ok(last));
    assert_ne!(read_files(out.path()), before);
}

/// A backup of another log, or with nothing missing: typed, and no unused key dies.
#[test]
fn the_wrong_backup_is_refused_and_no_key_dies() {
    let (home, other, out, strange) = (scratch(), scratch(), scratch(), scratch());
    let ledger = book::wrote(home.path(), 1..3);
    book::back_up(&ledger, out.path()).unwrap();
    let counts = ledger.keyring().counts();
    drop(ledger);
    let stranger = book::wrote(other.path(), 5..9);
    book::back_up(&stranger, strange.path()).unwrap();
    drop(stranger);
    let keys = |home: &Path| {
        let mut files = read_files(home);
        files.retain(|path, _| KEYS.iter().any(|part| path.starts_with(part)));
        files
    };
    let before = keys(home.path());
    assert!(restore_into(out.path(), home.path(), NEW).unwrap_err().contains("there is nothing to restore"));
    let refused = restore_into(strange.path(), home.path(), NEW).unwrap_err();
    assert!(
        refused.contains("this is a backup of log_") && refused.contains("keyring here belongs to log_"),
        "{refused}"
    );
    lose(home.path(), &["journal"]);
    let refused = restore_into(strange.path(), home.path(), NEW).unwrap_err();
    assert!(refused.contains("this is a backup of log_"), "{refused}");
    assert!(!home.path().join("journal").exists(), "something was put back");
    assert!(keys(home.path()) == before, "the keyring was changed");

    // The head mark is newer than the right one: keys that no record names wait, and none dies.
    let restored = restore_into(out.path(), home.path(), NEW).unwrap();
    assert!(restored.awaiting > 0);
    let ledger = book::open(home.path()).unwrap();
    assert_eq!(ledger.keyring().counts().erased, counts.erased);
    assert_eq!(ledger.keyring().counts().awaiting, restored.awaiting);
    perform_all(&ledger, Someone(4), &Act::DAILY);
}

/// What is here and can be read goes before a backup; what is damaged is kept aside.
#[test]
fn a_damaged_journal_is_put_aside_and_a_whole_one_is_not() {
    let (home, out) = (scratch(), scratch());
    let ledger = book::wrote(home.path(), 1..6);
    let backed_up = book::back_up(&ledger, out.path()).unwrap().manifest;
    perform_all(&ledger, Someone(7), &Act::DAILY);
    let size = ledger.log().head().size;
    drop(ledger);
    let whole = read_files(home.path());
    fs::remove_file(home.path().join("head")).unwrap();
    let refused = restore_into(out.path(), home.path(), NEW).unwrap_err();
    assert!(refused.contains(&format!("whole and has {size} records")), "{refused}");
    write_files(home.path(), &whole);

    let first = home.path().join(journal::NAME).join(&backed_up.files[0].name);
    let mut bytes = fs::read(&first).unwrap();
    bytes[5_000] ^= 1;
    fs::write(&first, &bytes).unwrap();
    let damaged = read_files(&home.path().join(journal::NAME));
    assert!(book::open(home.path()).is_err());
    let restored = restore_into(out.path(), home.path(), NEW).unwrap();
    assert_eq!((restored.generation.from, restored.marked), (backed_up.head.size, Some(size)));
    let aside = read_files(restored.aside.as_ref().unwrap());
    assert_eq!(aside, damaged, "somebody may want to look at it");
    let ledger = book::open(home.path()).unwrap();
    assert!(ledger.views().held_of(Someone(3).subject()) > 0);
    assert_eq!(ledger.views().held_of(Someone(7).subject()), 0, "came in behind the backup");
}

/// As an operator does it: a server that runs, a machine that burns down, another one.
#[test]
fn whoever_was_erased_after_the_backup_stays_erased_on_the_new_machine() {
    let room = tempfile::tempdir().unwrap();
    let path = |name: &str| room.path().join(name).to_str().unwrap().to_owned();
    let [data, other, out] = ["ledger", "moved", "backup"].map(path);
    let server = Server::at(Path::new(&data), &["--cooling-off", "0"]);
    let (agent, dpo) = (server.client("agent"), server.client("dpo"));
    let [before, after, stays] = ["Before", "After", "Stays"].map(|name| {
        let mail = format!("{name}@planted.example").to_lowercase();
        desk::register(&agent, "Qwanda", &format!("Q{name}planted"), &mail)
    });
    desk::forget(&agent, &dpo, &before);
    let inside = lethe(&["backup", &format!("{data}/backup"), "--data", &data]);
    assert!(inside.code == Some(1) && inside.err.contains("outside the data directory"), "{inside:?}");
    let round = lethe(&["backup", &format!("{data}/../none/../ledger/b"), "--data", &data]);
    assert!(round.code == Some(1) && round.err.contains("outside the data directory"), "{round:?}");
    let nowhere = lethe(&["backup", &out, "--data", &data, "--region", "Über See"]);
    assert!(nowhere.code == Some(1) && nowhere.err.contains("a region is named with"), "{nowhere:?}");
    let said = lethe(&["backup", &out, "--data", &data, "--region", "eu-central-1", "--keep-days", "35"]).done();
    for line in ["(eu-central-1)", "records, read back", "head ", "It is kept until ", "No key is in it"] {
        assert!(said.contains(line), "{line}: {said}");
    }
    desk::forget(&agent, &dpo, &after);
    let erased = |server: &Server, of: &desk::Registered| {
        let query = "query($id: ID!) { contact(id: $id) { lastName erasure { at reason } } }";
        server.client("agent").ask(query, json!({ "id": of.id }))["contact"].clone()
    };
    until("she is erased", || {
        let told = erased(&server, &after);
        told["lastName"].is_null() && told["erasure"]["reason"].as_str().is_some_and(|why| why.contains("logical"))
    });
    let lists = server.client("auditor").get_path("/log/head").text().unwrap();
    assert!(server.stop().status.success());

    carry_keys(Path::new(&data), Path::new(&other));
    fs::remove_dir_all(&data).unwrap();
    let restored = lethe(&["restore", &out, "--data", &other, "--origin", NEW]).done();
    assert!(restored.contains("keys that this log shows as alive were destroyed. They stay destroyed"), "{restored}");
    let server = Server::at(Path::new(&other), &["--cooling-off", "0"]);
    for (of, reason) in
        [(&before, "erased (logical"), (&after, "erased before the log was restored from a backup (logical")]
    {
        let told = erased(&server, of);
        assert!(told["lastName"].is_null(), "{told}");
        assert!(text(&told["erasure"]["reason"]).starts_with(reason), "{told}");
        assert!(text(&told["erasure"]["at"]).starts_with("20"), "{told}");
    }
    assert_eq!(erased(&server, &stays)["lastName"], json!("QStaysplanted"));
    let changed = json!({ "contactId": after.id, "reason": "CORRECTION", "firstName": "Again" });
    assert_eq!(server.client("agent").refused_with("changeContact", &changed), "ERASED");
    assert!(server.stop().status.success());
    lethe(&["verify", "--data", &other]).done();
    let verified = lethe_audit(&["verify", &other]);
    assert_eq!(verified.code, Some(0), "{verified:?}");
    let old = lethe_audit(&["verify", &other, "--expect", lists.trim()]);
    assert_eq!(old.code, Some(1), "who kept the old head sees what is gone: {old:?}");
}

/// Their certificate was lost with the log, and what it said of the end of what stayed.
#[test]
fn what_an_erasure_left_ends_also_when_a_restore_lost_its_certificate() {
    let (home, out) = (scratch(), scratch());
    let (erased, stays) = (Someone(1), Someone(2));
    let ledger = book::wrote(home.path(), [1, 2]);
    book::back_up(&ledger, out.path()).unwrap();
    perform_all(&ledger, erased, &Act::TO_THE_FENCE);
    destroy(&ledger, erased).unwrap();
    let proof = |ledger: &Ledger<Collected>, of: Someone| ledger.owners().key(of.subject(), Compartment::ConsentProof);
    let kept = proof(&ledger, erased).unwrap();
    drop(ledger);
    lose(home.path(), &["journal"]);
    restore_into(out.path(), home.path(), NEW).unwrap();
    let ledger = book::open(home.path()).unwrap();
    assert_eq!(proof(&ledger, erased), Some(kept));
    let over = |day: &str| {
        ledger.clock().set(cast::day(day).start());
        ledger
            .due(REGISTER)
            .unwrap()
            .into_iter()
            .filter(|due| due.over.compartment == Compartment::ConsentProof)
            .collect::<Vec<_>>()
    };
    assert_eq!(over("2026-12-31"), [], "kept as long as the register says");
    let due = over("2031-01-01");
    assert_eq!(
        due.iter().map(|due| (due.subject, due.key)).collect::<Vec<_>>(),
        [(erased.subject(), kept)],
        "and not for ever"
    );
    assert!(proof(&ledger, stays).is_some(), "nobody ends who was not erased");
}

/// An erasure that the backup knows up to its fence, and no further.
#[test]
fn an_erasure_that_was_fenced_in_the_backup_is_over_when_it_is_restored() {
    let (home, out) = (scratch(), scratch());
    book::write_before_the_erasures(home.path());
    let ledger = book::open(home.path()).unwrap();
    book::back_up(&ledger, out.path()).unwrap();
    let keys = doomed(&ledger, RESIDUE.subject());
    let still = doomed(&ledger, FENCED.subject());
    destroy(&ledger, RESIDUE).unwrap();
    ledger.sweep(&keys).unwrap();
    drop(ledger);
    lose(home.path(), &["journal"]);
    let restored = restore_into(out.path(), home.path(), NEW).unwrap();
    let mut sorted = keys.clone();
    sorted.sort_unstable();
    assert_eq!(restored.erased, sorted);
    let (ledger, booted) = book::boot(home.path()).unwrap();
    assert!(keys.iter().all(|key| matches!(ledger.keyring().state(key), KeyState::Erased { .. })));
    assert!(still.iter().all(|key| ledger.keyring().state(key) == KeyState::Fenced));
    assert!(keys.iter().all(|key| booted.residue.contains(key)), "the backup brought their parts back: they are swept");
    ledger.sweep(&booted.residue).unwrap();
    // The case is led to its end like any other.
    destroy(&ledger, RESIDUE).unwrap();
    perform_all(&ledger, FENCED, &[Act::Unfence]);
    let held = ledger.views().digest();
    drop(ledger);
    assert_eq!(book::open(home.path()).unwrap().views().digest(), held);
    assert_eq!(audit(home.path(), None), Verdict::Consistent);
}

/// The machine is gone and the keys with it: what is left is a chain, and room for new people.
#[test]
fn a_backup_without_any_keyring_is_restored_when_the_loss_is_declared() {
    let (home, out, other) = (scratch(), scratch(), scratch());
    book::write(home.path());
    let ledger = book::open(home.path()).unwrap();
    let made = book::back_up(&ledger, out.path()).unwrap();
    drop(ledger);
    let refused = restore_into(out.path(), other.path(), NEW).unwrap_err();
    assert!(refused.contains("not a keyring"), "{refused}");
    let restored = restore_with(out.path(), other.path(), NEW, true).unwrap();
    assert_eq!(restored.generation.from, made.manifest.head.size);
    assert!(!restored.lost.is_empty() && restored.erased.is_empty());
    let ledger = book::open(other.path()).unwrap();
    assert!(restored.lost.iter().all(|key| ledger.keyring().state(key) == KeyState::Lost));
    for who in book::DAILY {
        assert_eq!(ledger.views().held_of(who.subject()), 0);
    }
    perform_all(&ledger, Someone(300), &Act::DAILY);
    let views = ledger.views().digest();
    drop(ledger);
    assert_eq!(book::open(other.path()).unwrap().views().digest(), views);
    assert_eq!(audit(other.path(), None), Verdict::Consistent);
}
