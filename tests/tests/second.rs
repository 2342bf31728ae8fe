//! The second verifier, `verifier/verify.py`, which was written from `FORMAT.md` alone: over the golden files and over logs
//! that were just written it finds what `lethe-audit` finds, in whole ones and in bent ones.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use domain::id::ActorId;
use events::bundle;
use events::chain::Head;
use events::checkpoint::Checkpoint;
use events::log::PartBytes;
use events::note::{FileSigner, Kind, Signature, SignedNote, Signer, VerifierKey};
use events::record::Record;
use events::tree::{self, Frontier};
use serde_json::Value;
use tests::book;
use tests::forge::Forger;
use tests::powercut::check::scratch;
use tests::programs::{Ended, lethe_audit, run};
use tests::server::Server;

/// A log with everything in it, also parts that are still there behind a certified erasure.
static BOOK: LazyLock<Forger> = LazyLock::new(|| {
    let home = scratch();
    book::write(home.path());
    Forger::read(home.path())
});

/// The log of the demo: years of consents in every state, and an erasure that was swept.
fn demo() -> Forger {
    let home = scratch();
    let data = home.path().join("ledger");
    Server::at(&data, &["--demo"]).stop();
    Forger::read(&data)
}

/// Runs a script of the second verifier.
fn python(script: &str, arguments: &[&str]) -> Ended {
    let python = std::env::var_os("LETHE_PYTHON").expect(
        "LETHE_PYTHON names a Python with the packages of verifier/requirements.txt; `cargo xtask test` makes one",
    );
    // -B: nothing is written beside the sources.
    run(Command::new(python).arg("-B").arg(root().join("verifier").join(script)).args(arguments))
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Writes an audit copy with the records as they are, and with a head.
fn write_copy(log: &Forger, head: Head) -> tempfile::TempDir {
    let copy = scratch();
    for (number, entries) in log.entries.chunks(256).enumerate() {
        let (mut records, mut parts) = (Vec::new(), Vec::new());
        for entry in entries {
            bundle::put_record(&mut records, &entry.record);
            bundle::put_parts(&mut parts, entry);
        }
        for (what, bytes) in [("entries", records), ("inventory", parts)] {
            put(copy.path(), &bundle::path(what, number as u64, entries.len() as u64), &bytes);
        }
    }
    put(copy.path(), "audit-copy", format!("lethe audit copy 1\n{head}\n").as_bytes());
    copy
}

fn put(copy: &Path, path: &str, bytes: &[u8]) {
    let path = copy.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

/// What both say, which is the same.
fn judge(copy: &Path, more: &[&str]) -> (i32, Value) {
    let arguments = [&["verify", copy.to_str().unwrap(), "--json"], more].concat();
    let (first, second) = (lethe_audit(&arguments), python("verify.py", &arguments));
    let code = first.code.unwrap();
    assert_eq!(second.code, Some(code), "{first:?} and {second:?}");
    if code == 2 {
        return (2, Value::Null);
    }
    let (first, second) = (json(&first.out), json(&second.out));
    let compared = ["verdict", "position", "head", "origin", "streams", "parts", "certified_erasures"];
    for name in compared {
        assert_eq!(first[name], second[name], "{name} in {first} and {second}");
    }
    (code, second)
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|failed| panic!("{failed}: {text}"))
}

fn trail(copy: &Path, stream: &str, day: &str) -> Value {
    let arguments = ["trail", copy.to_str().unwrap(), "--stream", stream, "--as-of", day, "--json"];
    let (first, second) = (lethe_audit(&arguments).done(), python("verify.py", &arguments).done());
    let (first, second) = (json(&first), json(&second));
    assert_eq!(first, second, "the trail of {stream} on {day}");
    first
}

fn consents(log: &Forger) -> BTreeSet<String> {
    let records = log.entries.iter().map(|entry| Record::parse(&entry.record).unwrap());
    records.filter(|record| record.kind.starts_with("consents.")).map(|record| record.stream.to_string()).collect()
}

#[test]
#[ignore = "needs python3 and two packages"]
fn every_trail_of_the_demo_is_told_alike() {
    let log = demo();
    let copy = write_copy(&log, log.head());
    let (code, found) = judge(copy.path(), &["--expect", &log.head().to_string()]);
    assert!(code == 0 && found["parts"]["erased"].as_u64() > Some(0), "{found}");
    let mut seen = BTreeSet::new();
    let days = ["2026-12-31", "2025-06-01", "2024-09-15", "2030-01-01"];
    for (number, stream) in consents(&log).iter().enumerate() {
        let told = trail(copy.path(), stream, days[number % days.len()]);
        seen.extend(told["states"].as_array().unwrap().iter().map(|held| held["state"].as_str().unwrap().to_owned()));
    }
    let all = ["CONFIRMED", "EXPIRED", "GIVEN", "OBJECTED", "REFUSED", "REQUESTED", "WITHDRAWN"];
    assert_eq!(seen, all.map(str::to_owned).into());
}

#[test]
#[ignore = "needs python3 and two packages"]
fn what_was_resealed_is_judged_alike() {
    let home = scratch();
    crate::redaction::write(home.path());
    let log = Forger::read(home.path());
    let (code, found) = judge(write_copy(&log, log.head()).path(), &[]);
    assert!(code == 0 && found["certified_erasures"] == 2, "{found}");
    for (reason, forge) in crate::redaction::FORGERIES {
        let mut log = Forger::read(home.path());
        let at = log.find("case.resealed");
        log.edit(at, |draft, _| forge(draft));
        log.relink(at + 1);
        let (code, found) = judge(write_copy(&log, log.head()).path(), &[]);
        assert!(code == 1 && found["position"] == at, "{reason}: {found}");
    }
}

#[test]
#[ignore = "needs python3 and two packages"]
fn a_controller_that_left_is_judged_alike() {
    let home = scratch();
    let data = home.path().join("ledger");
    crate::leaving::write(&data);
    let log = Forger::read(&data);
    let (code, found) = judge(write_copy(&log, log.head()).path(), &[]);
    assert!(code == 0 && found["left"] == true && found["parts"]["residue"].as_u64() > Some(0), "{found}");
    for (bend, reason) in crate::leaving::FORGERIES {
        let mut log = log.clone();
        let at = bend(&mut log);
        log.relink(at);
        let (code, found) = judge(write_copy(&log, log.head()).path(), &[]);
        assert!(code == 1 && found["position"].as_u64() >= Some(at as u64), "{reason}: {found}");
    }
}

#[test]
#[ignore = "needs python3 and two packages"]
fn residue_and_lifted_fences_are_found_alike() {
    let copy = write_copy(&BOOK, BOOK.head());
    let (code, found) = judge(copy.path(), &[]);
    let count = |what: &str| found["parts"][what].as_u64().unwrap();
    assert!(code == 0 && count("erased") > 0 && count("residue") > 0 && count("present") > 0, "{found}");
    for stream in consents(&BOOK) {
        trail(copy.path(), &stream, "2026-12-31");
    }
}

type Bend = fn(&mut Forger);

/// What betrays itself: the copy names the head that its records end at.
const BENDS: &[(&str, Bend)] = &[
    ("an edit", |log| log.edit(40, |draft, _| draft.actor = ActorId([9; 16]))),
    ("an edit of the facts", |log| {
        let at = log.find("consents.given");
        log.edit(at, |draft, _| draft.facts[8] ^= 1);
    }),
    ("two records in another order", |log| log.entries.swap(30, 31)),
    ("an inner record deleted", |log| drop(log.entries.remove(30))),
    ("an inner record deleted, the others renumbered", |log| {
        log.entries.remove(30);
        log.renumber();
    }),
    ("a withdrawal dropped, the others renumbered", |log| {
        let at = log.find("consents.withdrawn");
        log.entries.remove(at);
        log.renumber();
    }),
    ("a record twice", |log| log.entries.insert(30, log.entries[30].clone())),
    ("a revision left out", |log| {
        let at = log.find("consents.withdrawn");
        log.edit(at, |draft, _| draft.revision += 1);
    }),
    ("true after it was recorded", |log| {
        log.edit(35, |draft, _| draft.effective_at = domain::time::Time(i64::MAX));
        log.relink(36);
    }),
    ("a link of its stream", |log| {
        let at = log.find("consents.withdrawn");
        log.edit(at, |_, link| link.previous_in_stream[0] ^= 1);
        let hash = log.entries[at].hash;
        log.edit(at + 1, |_, link| link.previous = hash);
    }),
    ("half of the last command", |log| log.edit(log.entries.len() - 1, |draft, _| draft.count = 2)),
    ("half a command", |log| {
        log.edit(35, |draft, _| draft.count = 2);
        log.relink(36);
    }),
    ("a part swept without an excuse", |log| {
        let at = log.find("consents.given");
        log.entries[at].parts[0].bytes = PartBytes::Swept { length: 100 };
    }),
    ("a part that is damaged", |log| {
        let at = log.find("contact.registered");
        log.entries[at].parts[0].bytes = PartBytes::Damaged { length: 100 };
    }),
    ("a part that the inventory leaves out", |log| {
        let at = log.find("contact.registered");
        log.entries[at].parts.pop();
    }),
    ("facts with a byte too many", |log| {
        let at = log.find("contact.registered");
        log.edit(at, |draft, _| draft.facts.push(0));
        log.relink(at + 1);
    }),
    ("facts with a code that was never given", |log| {
        let at = log.find("case.opened");
        log.edit(at, |draft, _| draft.facts = vec![0, 99]);
        log.relink(at + 1);
    }),
    ("a discount of more than all", |log| {
        let at = log.find("quote.drafted");
        // Currency (3), last day (4), count of items (8), quantity (8), price (8).
        log.edit(at, |draft, _| draft.facts[31..33].copy_from_slice(&10_001_u16.to_be_bytes()));
        log.relink(at + 1);
    }),
    ("a currency in small letters", |log| {
        let at = log.find("quote.drafted");
        log.edit(at, |draft, _| draft.facts[..3].make_ascii_lowercase());
        log.relink(at + 1);
    }),
    ("a fence around no compartment", |log| {
        let at = log.find("case.fenced");
        // Erasure (16), count (8), then code and bucket.
        log.edit(at, |draft, _| draft.facts[26..30].copy_from_slice(&[9; 4]));
        log.relink(at + 1);
    }),
    ("a part that its kind does not have", |log| {
        let at = log.find("case.erasure-approved");
        // The ground of a refusal, and that there are words.
        let facts = [Record::parse(&log.entries[at].record).unwrap().facts, &[0, 1, 1]].concat();
        log.edit(at, |draft, _| (draft.kind, draft.facts) = ("case.erasure-refused", facts));
        log.relink(at + 1);
    }),
    ("an erasure without its certificate", |log| {
        let at = log.find("case.certified");
        log.cut_out(log.command(at));
        log.relink(at);
    }),
    ("a certificate without its order", |log| {
        let at = log.find("case.destruction-ordered");
        log.entries.remove(at);
        log.relink(at);
    }),
];

#[test]
#[ignore = "needs python3 and two packages"]
fn both_refuse_what_was_bent_and_name_the_same_record() {
    for (what, bend) in BENDS {
        let mut log = BOOK.clone();
        bend(&mut log);
        let (code, found) = judge(write_copy(&log, log.head()).path(), &[]);
        assert_eq!(code, 1, "{what}: {found}");
    }
}

#[test]
#[ignore = "needs python3 and two packages"]
fn what_leaves_no_trace_is_found_by_a_head_that_was_kept() {
    let kept = BOOK.head().to_string();
    let mut cut = BOOK.clone();
    cut.entries.pop();
    let mut dropped = BOOK.clone();
    let at = dropped.find("consents.withdrawn");
    dropped.entries.remove(at);
    dropped.relink(at);
    for (what, log) in [("the tail cut", cut), ("a consent dropped and all written anew", dropped)] {
        let copy = write_copy(&log, log.head());
        assert_eq!(judge(copy.path(), &[]).0, 0, "{what}");
        assert_eq!(judge(copy.path(), &["--expect", &kept]).0, 1, "{what}");
        // Under the old head line nobody needs to have kept it.
        assert_eq!(judge(write_copy(&log, BOOK.head()).path(), &[]).0, 1, "{what}");
    }
    let whole = write_copy(&BOOK, BOOK.head());
    assert_eq!(judge(whole.path(), &["--expect", &kept]).0, 0);
    assert_eq!(judge(whole.path(), &["--expect", &format!("7:{}", "0".repeat(64))]).0, 1);
}

#[test]
#[ignore = "needs python3 and two packages"]
fn files_of_a_copy_that_are_damaged_or_missing_are_named() {
    let name = |what| bundle::path(what, 0, BOOK.head().size);
    assert!(BOOK.head().size < 256, "one bundle");
    for (what, path) in [("entries", name("entries")), ("inventory", name("inventory"))] {
        let copy = write_copy(&BOOK, BOOK.head());
        let bytes = fs::read(copy.path().join(&path)).unwrap();
        for bent in [&bytes[..bytes.len() - 1], &[bytes.as_slice(), b"x"].concat()] {
            put(copy.path(), &path, bent);
            assert_eq!(judge(copy.path(), &[]).0, 1, "{what}");
        }
        fs::remove_file(copy.path().join(&path)).unwrap();
        assert_eq!(judge(copy.path(), &[]).0, 1, "{what}");
    }
    let copy = write_copy(&BOOK, BOOK.head());
    fs::remove_file(copy.path().join("audit-copy")).unwrap();
    assert_eq!(judge(copy.path(), &[]).0, 2);
}

#[test]
#[ignore = "needs python3 and two packages"]
fn what_decides_nothing_may_come_from_later() {
    let mut log = BOOK.clone();
    let at = log.find("ticket.opened");
    log.edit(at, |draft, _| draft.version = 99);
    log.relink(at + 1);
    assert_eq!(judge(write_copy(&log, log.head()).path(), &[]).0, 0);
}

#[test]
#[ignore = "needs python3 and two packages"]
fn a_head_has_one_form_for_both() {
    let copy = write_copy(&BOOK, BOOK.head());
    let head = BOOK.head().to_string();
    for bad in [format!("0{head}"), format!("+{head}"), head.to_uppercase()] {
        assert_eq!(judge(copy.path(), &["--expect", &bad]).0, 2, "{bad}");
    }
    for bad in [head.clone(), format!("0{head}\n"), format!("{head}\r\n"), format!("{head}\n\n"), String::new()] {
        put(copy.path(), "audit-copy", format!("lethe audit copy 1\n{bad}").as_bytes());
        assert_eq!(judge(copy.path(), &[]).0, 1, "{bad:?}");
    }
}

#[test]
#[ignore = "needs python3 and two packages"]
fn what_has_grown_since_is_read_alike() {
    let (home, out) = (scratch(), scratch());
    book::write(home.path());
    let copy = out.path().join("copy");
    lethe_audit(&["copy", "--data", home.path().to_str().unwrap(), copy.to_str().unwrap()]).done();
    let size = BOOK.head().size;
    for (from, to) in [(size, size + 1), (size + 1, 256)] {
        for (what, more) in [("entries", &[0, 1, 9][..]), ("inventory", &[0]), ("0", &[9; 32])] {
            let file = |width| copy.join(bundle::path(what, 0, width));
            let bytes = [fs::read(file(from)).unwrap(), more.repeat((to - from) as usize)].concat();
            fs::write(file(to), &bytes).unwrap();
            fs::remove_file(file(from)).unwrap();
            assert_eq!(judge(&copy, &[]).0, 0, "{what} of {to}");
            let mut other = bytes.clone();
            other[40] ^= 1;
            for bad in [&other[..], &bytes[..bytes.len() - 1]] {
                fs::write(file(to), bad).unwrap();
                assert_eq!(judge(&copy, &[]).0, i32::from(what != "inventory" || bad.len() < bytes.len()), "{what}");
            }
            fs::write(file(to), &bytes).unwrap();
        }
    }
    let tile = copy.join(bundle::path("0", 0, 256));
    fs::remove_file(tile).unwrap();
    assert_eq!(judge(&copy, &[]).0, 1, "no tile");
}

/// Publishes the log beside its copy: the tiles of the tree and a signed checkpoint. The key as a verifier takes it.
fn publish(log: &Forger, copy: &Path) -> String {
    let origin = judge(copy, &[]).1["origin"].as_str().unwrap().to_owned();
    let (mut frontier, mut rows) = (Frontier::new(), [Vec::new(), Vec::new(), Vec::new()]);
    for entry in &log.entries {
        frontier.push(tree::leaf(&entry.record), &mut |row, _, hash| rows[row as usize].push(hash));
    }
    for (row, hashes) in rows.iter().enumerate() {
        for (number, tile) in hashes.chunks(256).enumerate() {
            put(copy, &bundle::path(&row.to_string(), number as u64, tile.len() as u64), &tile.concat());
        }
    }
    let home = scratch();
    let signer = FileSigner::at(&home.path().join("key")).unwrap();
    let checkpoint = Checkpoint { origin: origin.clone(), size: log.head().size, root: frontier.root() };
    let mut note = SignedNote::new(checkpoint.to_string()).unwrap();
    note.sign(&origin, Kind::Note, 0, &signer).unwrap();
    put(copy, "checkpoint", note.to_string().as_bytes());
    VerifierKey::new(&origin, Kind::Note, signer.public()).unwrap().to_string()
}

#[test]
#[ignore = "needs python3 and two packages"]
fn the_second_checks_tiles_and_checkpoint_too() {
    let log = demo();
    assert!(log.head().size > 256, "one full tile");
    let copy = write_copy(&log, log.head());
    let key = publish(&log, copy.path());
    let verify = |copy: &Path, key: &str| {
        let said = python("verify.py", &["verify", copy.to_str().unwrap(), "--json", "--key", key]);
        (said.code, said.out.parse::<Value>().unwrap_or_default())
    };
    let (code, found) = verify(copy.path(), &key);
    assert_eq!((code, &found["hash_tiles"]), (Some(0), &Value::from(3)), "{found}");
    assert_eq!(found["checkpoint"]["signature_checked"], true, "{found}");

    let other = publish(&log, write_copy(&log, log.head()).path());
    assert_eq!(verify(copy.path(), &other).0, Some(1), "another key");
    for path in ["checkpoint", "tile/0/000", "tile/1/000.p/1"] {
        let whole = fs::read(copy.path().join(path)).unwrap();
        let mut bent = whole.clone();
        let middle = bent.len() / 2;
        bent[middle] ^= 1;
        put(copy.path(), path, &bent);
        assert_eq!(verify(copy.path(), &key).0, Some(1), "{path}");
        put(copy.path(), path, &whole);
    }
    assert_eq!(verify(copy.path(), &key).0, Some(0));

    // Something is dropped or changed, and all written anew, down to the head line. The signed checkpoint is that of before.
    let rewritings: [Bend; 2] = [
        |log| drop(log.entries.remove(log.find("consents.withdrawn"))),
        |log| log.edit(log.find("consents.withdrawn"), |draft, _| draft.actor = ActorId([9; 16])),
    ];
    for rewrite in rewritings {
        let (mut bent, from) = (log.clone(), log.find("consents.withdrawn"));
        rewrite(&mut bent);
        // A root of the map would give it away; whoever writes all anew leaves it out.
        let maps: Vec<usize> = (0..bent.entries.len()).filter(|at| bent.kind(*at) == "log.map").collect();
        maps.into_iter().rev().for_each(|at| drop(bent.entries.remove(at)));
        bent.relink(from);
        let rewritten = write_copy(&bent, bent.head());
        assert_eq!(judge(rewritten.path(), &[]).0, 0);
        put(rewritten.path(), "checkpoint", &fs::read(copy.path().join("checkpoint")).unwrap());
        assert_eq!(verify(rewritten.path(), &key).0, Some(1));
    }
}

#[test]
#[ignore = "needs python3 and two packages"]
fn a_checkpoint_that_another_key_signed_is_found_by_the_keys_that_the_log_names() {
    let log = demo();
    let copy = write_copy(&log, log.head());
    let key = publish(&log, copy.path());
    assert_eq!(judge(copy.path(), &[]).0, 1);
    let told = python("verify.py", &["verify", copy.path().to_str().unwrap(), "--key", &key]);
    assert_eq!(told.code, Some(0), "who gives that key trusts it: {told:?}");
}

#[test]
#[ignore = "needs python3 and two packages"]
fn a_signed_checkpoint_that_is_no_note_is_refused() {
    let log = demo();
    let copy = write_copy(&log, log.head());
    publish(&log, copy.path());
    let home = scratch();
    let signer = FileSigner::at(&home.path().join("key")).unwrap();
    let whole = fs::read_to_string(copy.path().join("checkpoint")).unwrap();
    let (text, origin) = (whole.split_once("\n\n").unwrap().0, whole.split_once('\n').unwrap().0);
    let key = VerifierKey::new(origin, Kind::Note, signer.public()).unwrap();
    // All of these are signed as they are, so it is their form that is refused.
    let signed = |more: &str| {
        let text = format!("{text}\n{more}");
        let bytes = signer.sign(text.as_bytes()).unwrap().to_vec();
        let signature = Signature { name: origin.to_owned(), key_id: key.id(), bytes };
        format!("{text}\n{signature}\n")
    };
    let verify = |note: String| {
        put(copy.path(), "checkpoint", note.as_bytes());
        python("verify.py", &["verify", copy.path().to_str().unwrap(), "--key", &key.to_string()]).code
    };
    let with = |line: &str, count: usize| signed("") + &line.repeat(count);
    // The base64 of five bytes, the fewest that a signature has.
    let other = "\u{2014} x YWJjZGU=\n";
    for (what, note) in [("as it is", signed("")), ("a fourth line", signed("x\n")), ("99 others", with(other, 99))] {
        assert_eq!(verify(note), Some(0), "{what}");
    }
    for (what, note) in [
        ("100 others", with(other, 100)),
        ("a key id without a signature", with("\u{2014} x YWJjZA==\n", 1)),
        ("less than a key id", with("\u{2014} x YWJj\n", 1)),
        ("base64 in another form", with("\u{2014} x YWJjZGV=\n", 1)),
        ("DEL in a name", with("\u{2014} x\u{7f}y YWJjZGU=\n", 1)),
        ("a C1 character in a name", with("\u{2014} x\u{9b}y YWJjZGU=\n", 1)),
        ("a tab", signed("a\tb\n")),
        ("an empty line", signed("\nx\n")),
        ("too long", signed(&("x".repeat(1 << 20) + "\n"))),
    ] {
        assert_eq!(verify(note), Some(1), "{what}");
    }
}

#[test]
#[ignore = "needs python3 and two packages"]
fn a_copy_has_regular_files_of_a_length_that_they_can_have() {
    let copy = write_copy(&BOOK, BOOK.head());
    for (what, code) in [("entries", 1), ("inventory", 1), ("audit-copy", 2)] {
        let file = if code == 2 { what.to_owned() } else { bundle::path(what, 0, BOOK.head().size) };
        let path = copy.path().join(&file);
        let whole = fs::read(&path).unwrap();
        fs::File::options().write(true).open(&path).unwrap().set_len(1 << 34).unwrap();
        assert_eq!(judge(copy.path(), &[]).0, code, "{what} of 16 GiB");
        for target in ["/dev/zero", "nowhere"] {
            fs::remove_file(&path).unwrap();
            symlink(target, &path).unwrap();
            assert_eq!(judge(copy.path(), &[]).0, code, "{what} is a link to {target}");
        }
        fs::remove_file(&path).unwrap();
        put(copy.path(), &file, &whole);
    }
    assert_eq!(judge(copy.path(), &[]).0, 0);
    symlink("/dev/zero", copy.path().join("checkpoint")).unwrap();
    let told = python("verify.py", &["verify", copy.path().to_str().unwrap()]);
    assert_eq!(told.code, Some(1), "a checkpoint that is none is not left out: {told:?}");
}

#[test]
#[ignore = "needs python3 and two packages"]
fn the_chain_comes_before_what_is_not_known() {
    let mut log = BOOK.clone();
    let at = log.find("log.signer");
    log.edit(at, |draft, _| draft.version = 99);
    log.relink(at + 1);
    assert_eq!(judge(write_copy(&log, log.head()).path(), &[]).0, 2);
    log.edit(at, |_, link| link.previous[0] ^= 1);
    log.relink(at + 1);
    assert_eq!(judge(write_copy(&log, log.head()).path(), &[]).0, 1);
}

#[test]
#[ignore = "needs python3 and two packages"]
fn the_golden_files_are_read_with_every_value_and_every_sealed_part() {
    let copy = scratch();
    let golden = root().join("events/golden");
    let said = python("golden.py", &[golden.to_str().unwrap(), copy.path().to_str().unwrap()]).done();
    assert!(said.contains("sealed parts opened"), "{said}");
    assert_eq!(judge(copy.path(), &[]).0, 0);

    let document = fs::read_to_string(root().join("events/FORMAT.md")).unwrap();
    let example = document.split("<!-- told: trail -->").nth(1).and_then(|text| text.split("```").nth(1)).unwrap();
    let example = json(example.strip_prefix("json").unwrap());
    let (stream, day) = (example["stream"].as_str().unwrap(), example["as_of"].as_str().unwrap());
    assert_eq!(trail(copy.path(), stream, day), example);
}
