//! Somebody who knows the format changes the log and writes right checksums: position and reason are named, by the
//! auditor's library, by the auditor's program and by the boot; and what cannot be known without a head that somebody kept,
//! is shown not to be known.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use domain::id::{ActorId, KeyId, LogId};
use domain::time::Time;
use events::chain::Head;
use events::log::headmark;
use events::log::{Part, PartBytes};
use events::record::{NO_HASH, Record};
use replay::source::{Source, SourceError};
use replay::verify::{Consistent, Failed, verify};
use replay::{copy, source};
use tests::book::{self, SWEPT};
use tests::files::{read_files, write_files};
use tests::forge::{Forger, apart};
use tests::powercut::check::scratch;
use tests::programs::program;

/// The log that is forged, written once.
static BOOK: LazyLock<BTreeMap<PathBuf, Vec<u8>>> = LazyLock::new(|| {
    let home = scratch();
    book::write(home.path());
    read_files(home.path())
});

pub fn with_book() -> (tempfile::TempDir, Forger) {
    let home = scratch();
    write_files(home.path(), &BOOK);
    let forger = Forger::read(home.path());
    (home, forger)
}

/// What a verification, by whichever way, came to.
#[derive(Debug, PartialEq)]
pub enum Verdict {
    Consistent,
    Broken(u64, String),
    Unreadable(String),
}

pub fn audit(path: &Path, expect: Option<Head>) -> Verdict {
    let source = book::patiently(|| match Source::open(path) {
        Err(SourceError::InUse) => Err(SourceError::InUse.to_string()),
        opened => Ok(opened),
    });
    let verified =
        source.unwrap().map_err(Failed::from).and_then(|source| verify(&source, expect, &mut |_, _| {}, &|_, _| {}));
    match verified {
        Ok(_) => Verdict::Consistent,
        Err(Failed::Broken(unsound)) => Verdict::Broken(unsound.position(), unsound.to_string()),
        Err(why) => Verdict::Unreadable(why.to_string()),
    }
}

/// The same by the program, whose exit code is what a script goes by.
pub fn audit_by_program(path: &Path, expect: Option<Head>) -> Verdict {
    let mut command = Command::new(program("lethe-audit"));
    command.arg("verify").arg(path).arg("--json");
    if let Some(head) = expect {
        command.arg("--expect").arg(head.to_string());
    }
    let done = command.output().unwrap();
    let said: Option<serde_json::Value> = serde_json::from_slice(&done.stdout).ok();
    match (done.status.code(), said) {
        (Some(0), Some(said)) if said["verdict"] == "consistent" => Verdict::Consistent,
        (Some(1), Some(said)) if said["verdict"] == "broken" => {
            Verdict::Broken(said["position"].as_u64().unwrap(), said["reason"].as_str().unwrap().to_owned())
        }
        (Some(2), None) => Verdict::Unreadable(String::from_utf8_lossy(&done.stderr).trim().to_owned()),
        other => panic!("{other:?}, {}", String::from_utf8_lossy(&done.stderr)),
    }
}

pub fn assert_broken(verdict: &Verdict, position: u64, reason: &str, what: &str) {
    match verdict {
        Verdict::Broken(at, why) if *at == position && why.contains(reason) => {}
        other => panic!("{what}: record {position}, {reason:?} was expected, and this was said: {other:?}"),
    }
}

/// What the boot says instead of going into service.
fn refusal(path: &Path) -> String {
    book::open(path).err().expect("it went into service")
}

type Forgery = fn(&mut Forger, usize);

/// Forgeries that leave a trace in the chain: what is done at a position, how far from it the trace is, and how it reads.
const FORGERIES: &[(&str, Forgery, i64, &str)] = &[
    ("edit", |f, at| f.edit(at, |draft, _| draft.actor = ActorId([9; 16])), 1, "does not link to the record before"),
    ("drop", |f, at| drop(f.entries.remove(at)), 0, "it says that it is record"),
    ("reorder", |f, at| f.entries.swap(at, at + 1), 0, "it says that it is record"),
    ("insert", |f, at| f.entries.insert(at, f.entries[at].clone()), 1, "it says that it is record"),
    ("drop and renumber", |f, at| (f.entries.remove(at), f.renumber()).1, 0, "does not link to the record before"),
    (
        "reorder and renumber",
        |f, at| (f.entries.swap(at, at + 1), f.renumber()).1,
        0,
        "does not link to the record before",
    ),
    (
        "patch a previous hash",
        |f, at| f.edit(at, |_, link| link.previous[7] ^= 1),
        0,
        "does not link to the record before",
    ),
    ("edit and patch the next previous hash", edit_and_patch, 2, "does not link to the record before"),
    (
        "a time before the last",
        |f, at| relinked(f, at, |f| f.edit(at, |_, link| link.recorded_at = Time(5))),
        0,
        "before the record in front of it",
    ),
    (
        "true after it was recorded",
        |f, at| relinked(f, at, |f| f.edit(at, |draft, _| draft.effective_at = Time(i64::MAX))),
        0,
        "became true after it was recorded",
    ),
    (
        "another log's record",
        |f, at| relinked(f, at, |f| f.edit(at, |_, link| link.log = LogId([9; 16]))),
        0,
        "belongs to another log",
    ),
    (
        "half a command",
        |f, at| relinked(f, at, |f| f.edit(at, |draft, _| draft.count = 2)),
        1,
        "not complete and together",
    ),
    (
        "a cause that comes later",
        |f, at| relinked(f, at, |f| f.edit(at, |draft, _| draft.causation = Some(u64::MAX))),
        0,
        "names a cause that is not before it",
    ),
    (
        "a link of its stream",
        |f, at| {
            f.relink(at);
            f.edit(at, |_, link| link.previous_in_stream[0] ^= 1)
        },
        0,
        "in stream",
    ),
    (
        "a revision",
        |f, at| {
            f.relink(at);
            f.edit(at, |draft, _| draft.revision += 1)
        },
        0,
        "comes next",
    ),
];

fn edit_and_patch(forger: &mut Forger, at: usize) {
    forger.edit(at, |draft, _| draft.actor = ActorId([9; 16]));
    let hash = forger.entries[at].hash;
    forger.edit(at + 1, |_, link| link.previous = hash);
}

/// A change at a position, and every link behind it made right again, but for what the change itself says.
fn relinked(forger: &mut Forger, at: usize, change: impl Fn(&mut Forger)) {
    change(forger);
    forger.relink(at + 1);
}

#[test]
fn what_leaves_a_trace_in_the_chain_is_named_with_its_position() {
    let size = with_book().1.entries.len();
    for (number, (what, forgery, distance, reason)) in FORGERIES.iter().enumerate() {
        for at in [3 + number, size / 2 + number, size - 8] {
            let (home, mut forger) = with_book();
            // Where the next record is of the same stream, a patched previous hash leaves a wrong link in the stream first.
            let at = (at..size).find(|at| apart_enough(&forger, *at)).unwrap();
            forgery(&mut forger, at);
            forger.write(home.path());
            forger.write_mark(home.path());
            let position = u64::try_from(at as i64 + distance).unwrap();
            let refused = refusal(home.path());
            if misplaced(reason) {
                // A journal is opened from its end, where the last record stands in a wrong place already.
                let verdict = audit(home.path(), None);
                assert!(matches!(&verdict, Verdict::Broken(_, why) if misplaced(why)), "{what} at {at}: {verdict:?}");
                assert!(misplaced(&refused), "{what} at {at}: {refused}");
                continue;
            }
            assert_broken(&audit(home.path(), None), position, reason, what);
            assert!(refused.contains(&format!("record {position}")), "{what} at {position}: {refused}");
            if number % 5 == 0 {
                assert_broken(&audit_by_program(home.path(), None), position, reason, what);
            }
        }
    }
}

fn misplaced(reason: &str) -> bool {
    reason.contains("is in its place") || reason.contains("says that it is record")
}

/// Records of different streams stand side by side, and both are the only ones of their commands.
fn apart_enough(forger: &Forger, at: usize) -> bool {
    let Some(records) = forger.entries.get(at..at + 2) else { return false };
    let [first, second] = [0, 1].map(|of: usize| apart(&records[of].record).0);
    first.stream != second.stream && first.revision > 0
}

#[test]
fn without_the_head_mark_rewritten_the_end_gives_it_away() {
    let (home, mut forger) = with_book();
    let last = forger.entries.len() - 1;
    forger.edit(last, |draft, _| draft.actor = ActorId([9; 16]));
    forger.write(home.path());
    assert_broken(&audit(home.path(), None), last as u64, "another history", "the last record edited");
    assert!(refusal(home.path()).contains("another history"));

    let (home, mut forger) = with_book();
    forger.entries.truncate(last - 4);
    forger.write(home.path());
    let verdict = audit(home.path(), None);
    assert_broken(&verdict, (last - 4) as u64, "5 records are missing", "the end cut off");
    assert_eq!(audit_by_program(home.path(), None), verdict);
    assert!(refusal(home.path()).contains("5 records are missing"));
}

#[test]
fn a_log_cut_short_and_robbed_of_its_head_mark_is_not_called_consistent() {
    let (home, mut forger) = with_book();
    forger.entries.truncate(forger.entries.len() - 5);
    forger.write(home.path());
    std::fs::remove_file(home.path().join(headmark::NAME)).unwrap();
    let verdict = audit(home.path(), None);
    let Verdict::Unreadable(why) = &verdict else { panic!("{verdict:?}") };
    assert!(why.contains("the head mark is missing; without it nobody can say whether records are missing"), "{why}");
    assert_eq!(audit_by_program(home.path(), None), verdict);
    let out = scratch();
    let refused = copy::from_directory(home.path(), &out.path().join("copy")).unwrap_err();
    assert_eq!(refused.to_string(), *why);
    assert!(!out.path().join("copy").exists());
    assert!(refusal(home.path()).contains("the head mark is missing"));
}

/// Nobody can know this from the log alone; whoever kept a head knows it.
#[test]
fn a_rewritten_suffix_is_found_by_the_expected_head_and_by_nothing_else() {
    for from in [0, 20] {
        let (home, mut forger) = with_book();
        let kept = forger.head();
        let edited = forger.entries.len() - 30;
        forger.edit(from.max(1), |draft, _| draft.effective_at = Time(draft.effective_at.0 - 1));
        forger.edit(edited, |draft, _| draft.actor = ActorId([9; 16]));
        forger.relink(from);
        forger.write(home.path());
        assert_broken(&audit(home.path(), None), kept.size - 1, "another history", "without the mark");
        forger.write_mark(home.path());

        assert_eq!(audit(home.path(), None), Verdict::Consistent);
        assert_eq!(audit_by_program(home.path(), None), Verdict::Consistent);
        drop(book::open(home.path()).expect("it boots, for nothing in it is wrong"));

        let found = audit(home.path(), Some(kept));
        assert_broken(&found, kept.size - 1, "does not have the expected head", "with --expect");
        assert_eq!(audit_by_program(home.path(), Some(kept)), found);
        // A head from before the rewritten part says nothing about it.
        if from > 0 {
            let (_, original) = with_book();
            let early = Head { size: 10, hash: original.entries[9].hash };
            assert_eq!(audit(home.path(), Some(early)), Verdict::Consistent);
        }
    }
}

#[test]
fn a_part_that_is_gone_without_an_excuse_is_missing() {
    let (home, mut forger) = with_book();
    let (at, length) = (forger.find("contact.registered"), 40);
    assert!(matches!(forger.entries[at].parts[0].bytes, PartBytes::Present(_)));
    for (gone, boots_not) in
        [(PartBytes::Swept { length }, "it is not there"), (PartBytes::Damaged { length }, "not those written")]
    {
        forger.entries[at].parts[0].bytes = gone;
        forger.write(home.path());
        let verdict = audit(home.path(), None);
        assert_broken(&verdict, at as u64, "sealed part 0 is missing", "a live part");
        assert_eq!(audit_by_program(home.path(), None), verdict);
        let refused = refusal(home.path());
        assert!(
            refused.contains(&format!("record {at}: sealed part 0 is damaged")) && refused.contains(boots_not),
            "{refused}"
        );
    }
}

#[test]
fn a_part_of_somebody_else_does_not_open_in_its_place() {
    let (home, mut forger) = with_book();
    let at = forger.find("contact.registered");
    let other = (at + 1..).find(|other| apart(&forger.entries[*other].record).0.kind == "contact.registered").unwrap();
    let bytes = forger.entries[other].parts[0].bytes.clone();
    forger.entries[at].parts[0].bytes = bytes;
    forger.write(home.path());
    // Who has no key cannot see it, and says so: presence is the operator's inventory.
    assert_eq!(audit(home.path(), None), Verdict::Consistent);
    let refused = refusal(home.path());
    assert!(refused.contains(&format!("record {at}: sealed part 0 is damaged")), "{refused}");
}

/// A key whose destruction was ordered.
fn destroyed(forger: &Forger) -> KeyId {
    let who = SWEPT.contact().0;
    let mine = forger.entries.iter().filter_map(|entry| Record::parse(&entry.record).ok());
    mine.filter(|record| record.stream.id == who).flat_map(|record| record.personal).next().unwrap().key
}

#[test]
fn a_part_under_a_destroyed_key_behind_its_order_is_broken() {
    let (home, mut forger) = with_book();
    let key = destroyed(&forger);
    let at = forger.entries.len() - 1;
    forger.edit(at, |draft, _| draft.personal[0].key = key);
    let bytes = PartBytes::Present(vec![7; 90]);
    forger.entries[at].parts[0] = Part { key, bytes };
    forger.write(home.path());
    forger.write_mark(home.path());
    let verdict = audit(home.path(), None);
    assert_broken(&verdict, at as u64, "under a key whose destruction was ordered before", "a revived key");
    assert_eq!(audit_by_program(home.path(), None), verdict);
    let refused = refusal(home.path());
    assert!(refused.contains(&format!("record {at}")), "{refused}");
}

#[test]
fn a_certificate_that_is_taken_out_leaves_parts_without_an_excuse() {
    let (home, mut forger) = with_book();
    let certified = forger.find("case.certified");
    forger.cut_out(forger.command(certified));
    forger.relink(certified);
    forger.write(home.path());
    forger.write_mark(home.path());
    let Verdict::Broken(_, why) = audit(home.path(), None) else { panic!("an erasure without a certificate passed") };
    assert!(why.contains("no certified erasure destroyed its key"), "{why}");
}

#[test]
fn a_certificate_of_somebody_elses_order_is_none() {
    let (home, mut forger) = with_book();
    let (ordered, certified) = (forger.find("case.destruction-ordered"), forger.find("case.certified"));
    assert!(ordered < certified);
    // The certificate comes first, and every revision, time and link is made right again.
    let at = apart(&forger.entries[ordered].record).1.recorded_at;
    let certificate = forger.entries.remove(certified);
    forger.entries.insert(ordered, certificate);
    forger.edit(ordered, |draft, link| (draft.effective_at, link.recorded_at) = (at, at));
    forger.relink(ordered);
    forger.write(home.path());
    forger.write_mark(home.path());
    assert_broken(&audit(home.path(), None), ordered as u64, "nothing before it in its stream ordered", "before");

    // One that stands in somebody else's case, behind both orders.
    let (home, mut forger) = with_book();
    let others = apart(&forger.entries[ordered].record).0.stream;
    let at = (certified + 1..forger.entries.len()).find(|at| forger.kind(*at) == "case.certified").unwrap();
    forger.edit(at, |draft, _| draft.stream = others);
    forger.relink(at);
    forger.write(home.path());
    forger.write_mark(home.path());
    assert_broken(&audit(home.path(), None), at as u64, "nothing before it in its stream ordered", "elsewhere");
}

#[test]
fn a_key_beside_a_part_is_the_one_that_the_record_names() {
    let (home, mut forger) = with_book();
    let at = forger.find("contact.registered");
    forger.entries[at].parts[0].key = KeyId([9; 16]);
    forger.write(home.path());
    let verdict = audit(home.path(), None);
    assert_broken(&verdict, at as u64, "not the ones it names", "another key's id");
    assert_eq!(audit_by_program(home.path(), None), verdict);
    let refused = refusal(home.path());
    assert!(refused.contains(&format!("record {at}")), "{refused}");
}

#[test]
fn who_is_older_than_the_log_does_not_judge_it() {
    let (home, mut forger) = with_book();
    let at = forger.find("case.certified");
    forger.edit(at, |draft, _| draft.version = 99);
    forger.relink(at + 1);
    forger.write(home.path());
    forger.write_mark(home.path());
    let Verdict::Unreadable(why) = audit(home.path(), None) else { panic!("it was judged") };
    assert!(why.contains("older than the log") && why.contains("version 99"), "{why}");
    assert_eq!(audit_by_program(home.path(), None), Verdict::Unreadable(why));
}

// The audit copy.

#[test]
fn a_copy_does_not_go_into_the_directory_that_must_not_change() {
    let (home, aside) = (with_book().0, scratch());
    std::os::unix::fs::symlink(home.path(), aside.path().join("link")).unwrap();
    for out in [home.path().join("copy"), home.path().join("journal/deep/copy"), aside.path().join("link/copy")] {
        let refused = copy::from_directory(home.path(), &out).unwrap_err();
        assert!(matches!(refused, copy::CopyError::Inside), "{refused}");
        assert!(!out.exists());
    }
}

fn with_copy() -> (tempfile::TempDir, Consistent) {
    let (home, out) = (with_book().0, scratch());
    copy::from_directory(home.path(), out.path()).unwrap();
    let consistent = verify(&Source::open(out.path()).unwrap(), None, &mut |_, _| {}, &|_, _| {}).unwrap();
    (out, consistent)
}

/// Rewrites the copy as its operator would, from a forged journal.
fn forged_copy(forge: impl FnOnce(&mut Forger)) -> tempfile::TempDir {
    let ((home, mut forger), out) = (with_book(), scratch());
    forge(&mut forger);
    forger.write(home.path());
    forger.write_mark(home.path());
    // What was signed before is not shown any more.
    std::fs::remove_file(home.path().join("tree/checkpoint")).unwrap();
    copy::from_directory(home.path(), out.path()).unwrap();
    out
}

#[test]
fn the_same_forgeries_are_named_in_an_audit_copy() {
    let size = with_book().1.entries.len();
    for (number, (what, forgery, distance, reason)) in FORGERIES.iter().enumerate() {
        let (_, mut original) = with_book();
        let at = (size / 3 + number..size).find(|at| apart_enough(&original, *at)).unwrap();
        let position = u64::try_from(at as i64 + distance).unwrap();
        forgery(&mut original, at);
        let (out, _) = with_copy();
        write_bundles(out.path(), &original);
        assert_broken(&audit(out.path(), None), position, reason, what);
        if number % 5 == 0 {
            assert_broken(&audit_by_program(out.path(), None), position, reason, what);
        }
    }
}

/// The bundles of an audit copy, whatever the records in them say of their place.
fn write_bundles(out: &Path, forger: &Forger) {
    std::fs::remove_dir_all(out.join("tile")).unwrap();
    // Whoever forges a copy leaves the checkpoint out, where no key is at hand to sign another one.
    let _not_there = std::fs::remove_file(out.join("checkpoint"));
    let size = forger.head().size;
    for (number, entries) in (0..).zip(forger.entries.chunks(256)) {
        let (mut records, mut parts) = (Vec::new(), Vec::new());
        for entry in entries {
            events::bundle::put_record(&mut records, &entry.record);
            events::bundle::put_parts(&mut parts, entry);
        }
        let width = events::bundle::width(number, size).unwrap();
        for (what, bytes) in [("entries", records), ("inventory", parts)] {
            let file = out.join(events::bundle::path(what, number, width));
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, bytes).unwrap();
        }
    }
    std::fs::write(out.join(source::HEAD_FILE), source::head_file(forger.head())).unwrap();
}

#[test]
fn the_head_of_a_copy_is_no_proof_and_a_head_that_was_kept_is() {
    let (_, original) = with_copy();
    let out = forged_copy(|forger| {
        forger.edit(30, |draft, _| draft.actor = ActorId([9; 16]));
        forger.relink(31);
    });
    assert_eq!(audit(out.path(), None), Verdict::Consistent);
    assert_eq!(audit_by_program(out.path(), None), Verdict::Consistent);
    let verdict = audit(out.path(), Some(original.head));
    assert_broken(&verdict, original.head.size - 1, "does not have the expected head", "a rewritten copy");
    assert_eq!(audit_by_program(out.path(), Some(original.head)), verdict);
    // And a copy that is shorter than what was kept.
    let out = forged_copy(|forger| forger.entries.truncate(forger.entries.len() - 5));
    assert_eq!(audit(out.path(), None), Verdict::Consistent);
    assert!(matches!(audit(out.path(), Some(original.head)), Verdict::Broken(..)));
}

#[test]
fn a_forged_copy_is_not_that_of_its_checkpoint() {
    let (out, _) = with_copy();
    let checkpoint = std::fs::read(out.path().join("checkpoint")).unwrap();
    let forged = forged_copy(|forger| {
        forger.edit(30, |draft, _| draft.actor = ActorId([9; 16]));
        forger.relink(31);
    });
    std::fs::write(forged.path().join("checkpoint"), checkpoint).unwrap();
    for what in ["tile/0", "tile/entries"] {
        assert!(out.path().join(what).is_dir(), "{what}");
    }
    for entry in std::fs::read_dir(out.path().join("tile/0")).unwrap() {
        let from = entry.unwrap().path();
        std::fs::create_dir_all(forged.path().join("tile/0/000.p")).unwrap();
        for tile in std::fs::read_dir(&from).unwrap().map(|tile| tile.unwrap()) {
            std::fs::copy(tile.path(), forged.path().join("tile/0/000.p").join(tile.file_name())).unwrap();
        }
    }
    assert!(matches!(audit(forged.path(), None), Verdict::Broken(_, why) if why.contains("tile 0 of row 0")));
}

#[test]
fn an_inventory_is_held_against_the_records() {
    let (out, consistent) = with_copy();
    assert!(consistent.parts.present > 0 && consistent.parts.erased > 0 && consistent.parts.residue > 0);
    let (_, forger) = with_book();
    let at = forger.find("contact.registered");
    let mut missing = forger.clone();
    missing.entries[at].parts[0].bytes = PartBytes::Swept { length: 9 };
    write_bundles(out.path(), &missing);
    assert_broken(&audit(out.path(), None), at as u64, "sealed part 0 is missing", "called swept");
    missing.entries[at].parts[0].bytes = PartBytes::Damaged { length: 9 };
    write_bundles(out.path(), &missing);
    assert_broken(&audit_by_program(out.path(), None), at as u64, "sealed part 0 is missing", "called missing");
    missing.entries[at].parts.clear();
    write_bundles(out.path(), &missing);
    assert_broken(&audit(out.path(), None), at as u64, "the inventory has 0 sealed parts", "not listed");
    let more = forger.entries[at].parts[0].clone();
    missing.entries[at].parts = vec![more.clone(), more];
    write_bundles(out.path(), &missing);
    assert_broken(&audit(out.path(), None), at as u64, "the record names 1", "listed twice");
}

#[test]
fn a_copy_of_devices_and_endless_files_is_refused_and_not_read() {
    let first = |what: &str| format!("tile/{what}/000.p/{}", with_book().1.head().size);
    let (entries, inventory) = (first("entries"), first("inventory"));
    for file in [&entries, &inventory] {
        let (out, _) = with_copy();
        let (bundle, elsewhere) = (out.path().join(file), out.path().join("elsewhere"));
        std::fs::rename(&bundle, &elsewhere).unwrap();
        // Not a link either, wherever it leads.
        for leads_to in [Path::new("/dev/zero"), &elsewhere] {
            std::os::unix::fs::symlink(leads_to, &bundle).unwrap();
            assert_broken(&audit_by_program(out.path(), None), 0, "it is no regular file", file);
            std::fs::remove_file(&bundle).unwrap();
        }
        // Larger than the memory of any machine; on the disk it takes nothing.
        std::fs::File::create(&bundle).unwrap().set_len(1 << 43).unwrap();
        assert_broken(&audit_by_program(out.path(), None), 0, "it is larger than", file);
    }
    let (out, _) = with_copy();
    let head = out.path().join(source::HEAD_FILE);
    std::fs::remove_file(&head).unwrap();
    std::os::unix::fs::symlink("/dev/zero", &head).unwrap();
    let verdict = audit_by_program(out.path(), None);
    assert!(matches!(&verdict, Verdict::Unreadable(why) if why.contains("no regular file")), "{verdict:?}");
}

#[test]
fn a_forged_first_record_opens_no_log() {
    let (home, mut forger) = with_book();
    forger.entries.remove(0);
    forger.relink(0);
    forger.edit(0, |_, link| link.previous = NO_HASH);
    forger.relink(1);
    forger.write(home.path());
    forger.write_mark(home.path());
    assert_broken(&audit(home.path(), None), 0, "does not open a log", "without its first record");
    assert!(refusal(home.path()).contains("record 0"));
}
