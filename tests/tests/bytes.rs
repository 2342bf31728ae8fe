//! Raw bytes of every file are flipped, zeroed, cut off, added and swapped, by the hundred. Then either every record and
//! every live part reads right, or there is an error with a sentence: no panic, no wrong content, nothing less in silence.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use domain::event::{Event, Place};
use events::ledger::open_entry;
use events::log::Log;
use events::record::Record;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use replay::copy;
use replay::source::Source;
use replay::verify::{Consistent, verify};
use tests::acts::destroy;
use tests::book::{self, RESIDUE};
use tests::files::{read_files, write_files};
use tests::powercut::check::scratch;
use tests::programs::program;

type Files = BTreeMap<PathBuf, Vec<u8>>;

/// A directory at rest, an audit copy of it, and what they say.
struct Original {
    data: Files,
    copy: Files,
    told: Told,
    consistent: Consistent,
    /// The same directory a few records and a destruction earlier.
    earlier: Files,
}

/// Everything that reads of a ledger give.
#[derive(PartialEq)]
struct Told {
    records: Vec<(Place, Event)>,
    streams: BTreeMap<[u8; 16], Vec<(Place, Event)>>,
    commands: Vec<u64>,
    digest: [u8; 32],
}

static ORIGINAL: LazyLock<Original> = LazyLock::new(|| {
    let (home, out) = (scratch(), scratch());
    book::write_before_the_erasures(home.path());
    let earlier = read_files(home.path());
    book::write_erasures(home.path());
    let told = tell(home.path()).unwrap();
    let data = read_files(home.path());
    copy::from_directory(home.path(), out.path()).unwrap();
    let consistent = audit(out.path()).unwrap();
    // What was published is beside a copy only.
    assert_eq!(audit(home.path()).unwrap(), Consistent { published: None, ..consistent.clone() });
    Original { data, copy: read_files(out.path()), told, consistent, earlier }
});

fn tell(path: &Path) -> Result<Told, String> {
    let ledger = book::open(path)?;
    let records = book::read_all(&ledger)?;
    let log = ledger.log();
    let (mut streams, mut commands) = (BTreeMap::new(), Vec::new());
    for recorded in &records {
        let id = recorded.place.stream.id;
        if let Entry::Vacant(free) = streams.entry(id) {
            let entries = log.read_stream(&id, 0, usize::MAX).map_err(|failed| failed.to_string())?;
            let opened = entries.iter().map(|entry| open_entry(entry, ledger.keyring()));
            let opened = opened.map(|opened| opened.map(|opened| (opened.recorded.place, opened.recorded.event)));
            free.insert(opened.collect::<Result<_, _>>().map_err(|failed| failed.to_string())?);
        }
        commands.push(log.command(&recorded.place.command).map_or(u64::MAX, |place| place.first));
        let single = log.record(recorded.place.position).map_err(|failed| failed.to_string())?;
        let record = single.as_ref().and_then(|entry| Record::parse(&entry.record).ok());
        if record.is_none_or(|record| record.position != recorded.place.position) {
            return Err(format!("record {} is not what a single read gives", recorded.place.position));
        }
    }
    let digest = ledger.views().digest();
    let records = records.into_iter().map(|recorded| (recorded.place, recorded.event)).collect();
    Ok(Told { records, streams, commands, digest })
}

fn audit(path: &Path) -> Result<Consistent, String> {
    let source = book::patiently(|| Source::open(path).map_err(|failed| failed.to_string()))?;
    verify(&source, None, &mut |_, _| {}, &|_, _| {}).map_err(|failed| failed.to_string())
}

/// One way to harm files.
#[derive(Debug)]
enum Harm {
    Flip(PathBuf, usize, u8),
    Zero(PathBuf, usize, usize),
    Noise(PathBuf, usize, usize),
    Truncate(PathBuf, usize),
    Extend(PathBuf, usize),
    Swap(PathBuf, PathBuf),
    Remove(PathBuf),
    RollBack(PathBuf),
}

impl Harm {
    fn draw(rng: &mut StdRng, files: &Files, path: &Path, others: &[PathBuf]) -> Self {
        let (path, length) = (path.to_owned(), files[path].len());
        // Half of the time near something that is written: files are mostly zeros.
        let written: Vec<usize> = (0..length).filter(|at| files[&path][*at] != 0).collect();
        let at = match written.get(rng.random_range(0..written.len().max(1))) {
            Some(at) if rng.random() => *at,
            _ => rng.random_range(0..length.max(1)),
        };
        let many = 1 << rng.random_range(0..13);
        match rng.random_range(0..20) {
            _ if length == 0 => Self::Extend(path, many),
            0..9 => Self::Flip(path, at, 1 << rng.random_range(0..8)),
            9..12 => Self::Zero(path, at, many),
            12..15 => Self::Noise(path, at, many),
            15 => Self::Truncate(path, at),
            16 => Self::Extend(path, many),
            17 => Self::Swap(path, others[rng.random_range(0..others.len())].clone()),
            18 => Self::Remove(path),
            _ => Self::RollBack(path),
        }
    }

    fn apply(&self, files: &mut Files, earlier: &Files, rng: &mut StdRng) {
        let range = |files: &Files, path: &PathBuf, at: usize, many: usize| at..(at + many).min(files[path].len());
        match self {
            Self::Flip(path, at, bit) => files.get_mut(path).unwrap()[*at] ^= bit,
            Self::Zero(path, at, many) => {
                let range = range(files, path, *at, *many);
                files.get_mut(path).unwrap()[range].fill(0);
            }
            Self::Noise(path, at, many) => {
                let range = range(files, path, *at, *many);
                rng.fill(&mut files.get_mut(path).unwrap()[range]);
            }
            Self::Truncate(path, at) => files.get_mut(path).unwrap().truncate(*at),
            Self::Extend(path, many) => files.get_mut(path).unwrap().extend((0..*many).map(|_| rng.random::<u8>())),
            Self::Swap(one, other) => {
                let (first, second) = (files[one].clone(), files[other].clone());
                files.insert(one.clone(), second);
                files.insert(other.clone(), first);
            }
            Self::Remove(path) => drop(files.remove(path)),
            Self::RollBack(path) => match earlier.get(path) {
                Some(bytes) => drop(files.insert(path.clone(), bytes.clone())),
                None => drop(files.remove(path)),
            },
        }
    }
}

fn times() -> usize {
    std::env::var("LETHE_STATES").map_or(1, |times| times.parse().expect("LETHE_STATES is a number"))
}

fn quietly<T>(work: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err("PANIC".to_owned()))
}

fn is_a_sentence(text: &str) -> bool {
    text != "PANIC" && text.split(' ').count() > 3 && !text.contains('{') && !text.contains("::")
}

/// How the outcomes fell.
#[derive(Default, Debug)]
struct Outcomes {
    right: usize,
    refused: BTreeMap<String, usize>,
}

impl Outcomes {
    fn note<T>(&mut self, outcome: &Result<T, String>) {
        match outcome {
            Ok(_) => self.right += 1,
            Err(why) => {
                let kind: String = why.chars().filter(|c| !c.is_ascii_hexdigit() || c.is_alphabetic()).collect();
                *self.refused.entry(kind).or_default() += 1;
            }
        }
    }
}

/// Harms files of one kind so often, and opens the directory each time as the server does and as the auditor does.
fn harm(
    seed: u64,
    often: usize,
    which: impl Fn(&Path) -> bool,
    judge: impl Fn(&Harm, &Result<Told, String>),
) -> Outcomes {
    let original = &*ORIGINAL;
    let paths: Vec<PathBuf> = original.data.keys().filter(|path| which(path)).cloned().collect();
    assert!(!paths.is_empty());
    let mut outcomes = Outcomes::default();
    for number in 0..often * times() {
        let mut rng = StdRng::seed_from_u64(seed << 32 | number as u64);
        let path = &paths[rng.random_range(0..paths.len())];
        let harm = Harm::draw(&mut rng, &original.data, path, &paths);
        let mut files = original.data.clone();
        harm.apply(&mut files, &original.earlier, &mut rng);
        let home = scratch();
        write_files(home.path(), &files);
        let said = format!("seed {seed}, number {number}, {harm:?}");

        let audited = quietly(|| audit(home.path()));
        match &audited {
            Ok(consistent) => {
                let parts = (consistent.parts.present, consistent.parts.residue, consistent.parts.erased);
                let all = &original.consistent;
                assert_eq!(consistent.head, all.head, "{said}: the auditor calls another log consistent");
                let before = (all.parts.present, all.parts.residue, all.parts.erased);
                // A part of a destroyed key may be harmed: it is gone either way.
                assert_eq!(parts.0, before.0, "{said}");
                assert_eq!(parts.1 + parts.2, before.1 + before.2, "{said}");
            }
            Err(why) => assert!(is_a_sentence(why), "{said}: {why}"),
        }
        assert_eq!(read_files(home.path()), files, "{said}: the auditor changed a file");
        if number % 50 == 0 {
            let done = Command::new(program("lethe-audit")).arg("verify").arg(home.path()).output().unwrap();
            assert_eq!(done.status.success(), audited.is_ok(), "{said}: the program and the library differ");
            assert!(matches!(done.status.code(), Some(0..=2)), "{said}: {done:?}");
        }

        let opened = quietly(|| tell(home.path()));
        outcomes.note(&opened);
        match &opened {
            Ok(told) if *told == original.told => {}
            Ok(told) => {
                let (n, of) = (told.records.len(), original.told.records.len());
                let differ = told.records.iter().zip(&original.told.records).position(|(a, b)| a != b);
                panic!("{said}: it serves {n} of {of} records, and differs from {differ:?} on");
            }
            Err(why) => assert!(is_a_sentence(why), "{said}: {why}"),
        }
        judge(&harm, &opened);
    }
    outcomes
}

fn is_in(path: &Path, directory: &str) -> bool {
    path.starts_with(directory)
}

#[test]
fn a_harmed_journal_reads_right_or_says_what_is_wrong() {
    let outcomes = harm(1, 250, |path| is_in(path, "journal"), |_, _| {});
    assert!(outcomes.right > 10 && outcomes.refused.len() > 5, "{outcomes:#?}");
}

#[test]
fn a_harmed_head_mark_does_too() {
    let outcomes = harm(
        2,
        80,
        |path| path == Path::new("head"),
        |harm, opened| {
            if let Harm::Remove(_) = harm {
                assert!(opened.is_err(), "{harm:?}");
            }
        },
    );
    assert!(outcomes.right > 5 && !outcomes.refused.is_empty(), "{outcomes:#?}");
}

#[test]
fn a_harmed_keyring_or_anchor_does_too() {
    let outcomes = harm(3, 250, |path| is_in(path, "keyring") || is_in(path, "anchor"), |_, _| {});
    assert!(outcomes.right > 5 && outcomes.refused.len() > 3, "{outcomes:#?}");
}

#[test]
fn a_harmed_index_is_made_anew() {
    let outcomes = harm(
        4,
        200,
        |path| is_in(path, "index"),
        |harm, opened| {
            assert!(opened.is_ok(), "{harm:?}: {:?}", opened.as_ref().err());
        },
    );
    assert!(outcomes.right > 0);
}

#[test]
fn a_harmed_tree_is_made_anew_and_a_harmed_signing_key_is_refused() {
    harm(
        6,
        100,
        |path| is_in(path, "tree"),
        |harm, opened| assert!(opened.is_ok(), "{harm:?}: {:?}", opened.as_ref().err()),
    );
    let outcomes = harm(7, 60, |path| is_in(path, "signer"), |_, _| {});
    assert!(outcomes.refused.len() > 1, "{outcomes:#?}");
}

#[test]
fn files_of_one_kind_in_place_of_another_are_noticed() {
    let kinds = |path: &Path| !is_in(path, "index") && path.file_name().is_some_and(|name| name != "lock");
    let paths: Vec<PathBuf> = ORIGINAL.data.keys().filter(|path| kinds(path)).cloned().collect();
    for one in &paths {
        for other in paths.iter().filter(|other| *other != one) {
            let mut files = ORIGINAL.data.clone();
            files.insert(one.clone(), ORIGINAL.data[other].clone());
            let home = scratch();
            write_files(home.path(), &files);
            match quietly(|| tell(home.path())) {
                Ok(told) => assert!(told == ORIGINAL.told, "{} in place of {}", other.display(), one.display()),
                Err(why) => assert!(is_a_sentence(&why), "{} in place of {}: {why}", other.display(), one.display()),
            }
        }
    }
}

#[test]
fn a_harmed_audit_copy_is_broken_or_the_same() {
    let original = &*ORIGINAL;
    let paths: Vec<PathBuf> = original.copy.keys().cloned().collect();
    let mut kinds = BTreeSet::new();
    for number in 0..300 * times() {
        let mut rng = StdRng::seed_from_u64(5 << 32 | number as u64);
        let path = &paths[rng.random_range(0..paths.len())];
        let harm = Harm::draw(&mut rng, &original.copy, path, &paths);
        let mut files = original.copy.clone();
        harm.apply(&mut files, &Files::new(), &mut rng);
        let home = scratch();
        write_files(home.path(), &files);
        let audited = quietly(|| audit(home.path()));
        match &audited {
            Ok(consistent) => {
                assert_eq!(consistent.head, original.consistent.head, "number {number}, {harm:?}");
                assert_eq!(consistent.streams, original.consistent.streams, "number {number}, {harm:?}");
            }
            Err(why) => {
                assert!(is_a_sentence(why), "number {number}, {harm:?}: {why}");
                kinds.insert(why.clone());
            }
        }
        if number % 30 == 0 {
            let done = Command::new(program("lethe-audit")).arg("verify").arg(home.path()).output().unwrap();
            assert_eq!(done.status.success(), audited.is_ok(), "number {number}, {harm:?}");
            assert!(matches!(done.status.code(), Some(0..=2)), "number {number}, {harm:?}: {done:?}");
        }
    }
    assert!(kinds.len() > 20, "{kinds:#?}");
}

/// Somebody puts an older copy of the keyring back, in which the key of an erased person still lies (I6).
#[test]
fn an_older_keyring_brings_nobody_back() {
    let home = scratch();
    book::write_before_the_erasures(home.path());
    let earlier = read_files(home.path());
    let ledger = book::open(home.path()).unwrap();
    destroy(&ledger, RESIDUE).unwrap();
    let erased = ledger.views().digest();
    drop(ledger);
    let mut files = read_files(home.path());
    let of_the_keys = |path: &Path| is_in(path, "keyring") || is_in(path, "keyring.copy");
    assert_ne!(files[Path::new("keyring/header")], earlier[Path::new("keyring/header")]);
    files.retain(|path, _| !of_the_keys(path));
    files.extend(earlier.into_iter().filter(|(path, _)| of_the_keys(path)));
    let other = scratch();
    write_files(other.path(), &files);
    match book::open(other.path()) {
        Err(why) => assert!(is_a_sentence(&why), "{why}"),
        Ok(ledger) => {
            assert_eq!(ledger.views().digest(), erased, "the views hold somebody who was erased");
            let left = ledger.keyring().counts();
            // Two others are in cooling-off, with three keys each.
            assert!(left.erased > 0 && left.fenced == 6, "the keys are there again: {left:?}");
        }
    }
}
