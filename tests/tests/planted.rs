//! Values that stand nowhere else are planted in every personal field, and then searched for in every file that came of it
//! and in everything that was printed (I1, I2).

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use replay::copy;
use tests::acts::{Act, perform_all};
use tests::book;
use tests::cast::Someone;
use tests::files::{Search, read_files};
use tests::powercut::check::scratch;
use tests::programs::program;

const EVERYBODY: [Someone; 8] =
    [Someone(1), Someone(2), Someone(3), Someone(4), Someone(10), Someone(11), Someone(12), Someone(13)];

fn values(of: &[Someone]) -> Search {
    Search::for_texts(of.iter().flat_map(Someone::values))
}

/// Ids that stand inside sealed parts only.
fn subjects(of: &[Someone]) -> Search {
    let ids = of.iter().flat_map(|who| [who.subject(), who.id("company's subject"), who.id("actor's subject")]);
    Search::for_ids(ids.map(|subject| subject.0))
}

#[test]
fn no_file_of_a_ledger_or_of_an_audit_copy_holds_a_value_or_a_subject() {
    let (home, out, backup) = (scratch(), scratch(), scratch());
    book::write(home.path());
    book::back_up(&book::open(home.path()).unwrap(), backup.path()).unwrap();
    assert!(read_files(backup.path()).values().map(Vec::len).sum::<usize>() > 10_000, "there is little to search");
    // The index catches up and writes its files; a harmed one is set aside and made anew.
    drop(book::open(home.path()).unwrap());
    harm_index(home.path());
    drop(book::open(home.path()).unwrap());
    copy::from_directory(home.path(), out.path()).unwrap();
    assert!(read_files(home.path()).len() > 8, "there is little to search");
    for path in [home.path(), out.path(), backup.path()] {
        assert_eq!(values(&EVERYBODY).find_in(path), [""; 0]);
        assert_eq!(subjects(&EVERYBODY).find_in(path), [""; 0]);
    }
    let verified = Command::new(program("lethe-audit")).arg("verify").arg(home.path()).output().unwrap();
    assert!(verified.status.success());
    assert_eq!(values(&EVERYBODY).find(&[verified.stdout, verified.stderr].concat()), []);
}

fn harm_index(data: &Path) {
    for (file, mut bytes) in read_files(&data.join("index")) {
        bytes.iter_mut().step_by(97).for_each(|byte| *byte ^= 0x55);
        std::fs::write(data.join("index").join(file), bytes).unwrap();
    }
}

#[test]
fn a_program_under_load_prints_and_leaves_no_value() {
    let home = scratch();
    let done = Command::new(env!("CARGO_BIN_EXE_ledger_driver")).arg(home.path()).arg("4").output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let said = String::from_utf8(done.stdout.clone()).unwrap();
    let seeds = said.lines().filter_map(|line| line.split(' ').nth(1)?.parse().ok());
    let mut who: Vec<Someone> = seeds.map(Someone).filter(|who| who.0 > 1 << 24).collect();
    who.sort_unstable_by_key(|who| who.0);
    who.dedup();
    assert_eq!(who.len(), 20, "{said}");
    assert_eq!(values(&who).find_in(home.path()), [""; 0]);
    assert_eq!(subjects(&who).find_in(home.path()), [""; 0]);
    assert_eq!(values(&who).find(&[done.stdout, done.stderr].concat()), []);
}

/// The controls: what is planted in clear is found, and everything that is searched for was really given to the ledger.
#[test]
fn what_is_planted_in_clear_is_found() {
    let home = scratch();
    book::create(home.path()).unwrap();
    let who = Someone(77);
    let ledger = book::open(home.path()).unwrap();
    perform_all(&ledger, who, &Act::DAILY);
    perform_all(&ledger, who, &Act::TO_THE_FENCE);
    perform_all(&ledger, who, &[Act::Unfence, Act::Actor]);
    let held: Vec<u8> = book::read_all(&ledger).unwrap().iter().flat_map(|recorded| plain(&recorded.event)).collect();
    drop(ledger);
    let search = values(&[who]);
    let given: BTreeSet<String> = search.find(&held).into_iter().map(|(_, value)| value).collect();
    assert_eq!(given, who.values().into_iter().collect(), "what is searched for was not all given to the ledger");
    let file = home.path().join("index").join("notes.tmp");
    let forms: [fn(&str) -> Vec<u8>; 3] = [
        |value| value.as_bytes().to_vec(),
        |value| value.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        |value| value.to_lowercase().into_bytes(),
    ];
    for form in forms {
        let all: Vec<u8> = who.values().iter().flat_map(|value| [b"..", form(value).as_slice()].concat()).collect();
        std::fs::write(&file, all).unwrap();
        let found = search.find_in(home.path());
        for value in who.values() {
            assert!(found.iter().any(|found| found.starts_with(&value)), "{value} was not found");
        }
    }
    std::fs::write(&file, who.subject().0).unwrap();
    assert_eq!(subjects(&[who]).find_in(home.path()).len(), 1);
    std::fs::write(&file, format!("{}", who.subject())).unwrap();
    assert_eq!(subjects(&[who]).find_in(home.path()).len(), 1);
}

/// What would be sealed of an event, in clear.
fn plain(event: &domain::event::Event) -> Vec<u8> {
    let written = events::wire::write(event).map(|written| written.parts).unwrap_or_default();
    written.into_iter().flat_map(|part| part.fields.clone().into_iter().flatten()).collect()
}
