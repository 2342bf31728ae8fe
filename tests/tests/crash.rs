//! A whole ledger, killed and cut off from power while several threads write, fence and erase.

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tests::acts::{Act, ask_for, perform_all};
use tests::book;
use tests::cast::Someone;
use tests::kill::{Rounds, kill_at_random};
use tests::ledger_driver::{Care, look};
use tests::powercut::check::scratch;
use tests::powercut::{Acknowledged, Plan, Recorder, Trace, check, check_recovery};

fn driver(directory: &Path, turns: u32) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ledger_driver"));
    command.arg(directory).arg(turns.to_string());
    command
}

fn recorder(directory: &Path) -> Recorder {
    Recorder::new(directory).acknowledged_on(1).loose("index")
}

fn record(directory: &Path, turns: u32) -> Trace {
    let recording = recorder(directory).run(driver(directory, turns)).unwrap();
    assert!(recording.output.status.success(), "{}", String::from_utf8_lossy(&recording.output.stderr));
    recording.trace
}

fn opener(directory: &Path, acknowledged: &Acknowledged) -> Result<(), String> {
    look(directory, &acknowledged.lines(), Care::Look).map(drop)
}

fn times() -> usize {
    std::env::var("LETHE_STATES").map_or(1, |times| times.parse().expect("LETHE_STATES is a number"))
}

#[test]
fn a_killed_ledger_loses_nothing_it_said_and_goes_on() {
    // Several directories: a log that only grows is opened ever more slowly.
    for seed in 0..4 {
        let home = scratch();
        let rounds = 12 * times();
        let plan = Rounds { seed, rounds, longest: Duration::from_millis(120) };
        let said = kill_at_random(
            plan,
            home.path(),
            |directory| driver(directory, 100_000),
            |directory, lines| look(directory, lines, Care::GoOn).map(drop),
        );
        assert!(said > rounds, "{said}");
    }
}

#[test]
fn a_power_cut_loses_nothing_the_ledger_said() {
    let (home, out) = (scratch(), scratch());
    let recorder = recorder(home.path()).trace_to(&out.path().join("trace"));
    recorder.run(driver(home.path(), 3)).unwrap();
    // Reopened, and on.
    let trace = recorder.run(driver(home.path(), 3)).unwrap().trace;
    let (finished, settled, number) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
    let report = check(&trace, &Plan { most: 900, ..Plan::default() }, |directory, acknowledged| {
        let care = if number.fetch_add(1, Ordering::Relaxed) % 4 == 0 { Care::GoOn } else { Care::Look };
        let booted = look(directory, &acknowledged.lines(), care)?;
        finished.fetch_add(booted.finished, Ordering::Relaxed);
        settled.fetch_add(booted.settled.retired, Ordering::Relaxed);
        Ok(())
    });
    report.assert_green();
    assert!(report.states > 500, "{}", report.states);
    assert!(finished.into_inner() > 0, "no cut left an order without its certificate");
    assert!(settled.into_inner() > 0, "no cut left a key that no record names");
}

#[test]
fn a_power_cut_while_the_ledger_recovers_loses_nothing_either() {
    let home = scratch();
    let plan = Plan { most: 150, per_step: 4, ..Plan::default() };
    let again = |directory: &Path| (recorder(directory), driver(directory, 0));
    check_recovery(&record(home.path(), 2), &plan, 10, again, opener).assert_green();
}

#[test]
fn without_its_syncs_the_ledger_loses_what_it_said() {
    let home = scratch();
    let trace = record(home.path(), 2);
    let plan = Plan { failures: 1, ..Plan::default() };
    let of_the_journal = |path: &str| path.starts_with("journal/");
    check(&trace.without_syncs(of_the_journal), &plan, opener).assert_red();
    check(&trace.with_answers_before_syncs(of_the_journal), &plan, opener).assert_red();
}

#[test]
fn without_the_sync_of_a_block_a_record_lacks_its_key() {
    let home = scratch();
    let trace = record(home.path(), 2);
    let plan = Plan { failures: 1, ..Plan::default() };
    let report = check(&trace.without_syncs(|path| path.contains("/keys.")), &plan, opener);
    report.assert_red();
    let why = &report.failures[0];
    assert!(why.contains("key is lost") || why.contains("the keyring"), "{why}");
}

/// Two people in one record, both fenced, and one fence lifted: replay brought the other one back as well (I5).
#[test]
fn a_lifted_fence_brings_back_nobody_else() {
    let home = scratch();
    let (one, other) = (Someone(1), Someone(2));
    let ledger = book::open_or_create(home.path()).unwrap();
    perform_all(&ledger, one, &[Act::Contact]);
    perform_all(&ledger, other, &[Act::Contact]);
    ask_for(&ledger, one, other).unwrap();
    for who in [one, other] {
        perform_all(&ledger, who, &Act::TO_THE_FENCE);
    }
    perform_all(&ledger, one, &[Act::Unfence]);
    let lived = ledger.views().held_of(other.subject());
    drop(ledger);
    let ledger = book::open(home.path()).unwrap();
    assert_eq!(ledger.views().held_of(other.subject()), lived, "a fenced person is back");
    assert!(ledger.views().held_of(one.subject()) >= 6, "the other is not");
    perform_all(&ledger, other, &[Act::Unfence]);
    let both = ledger.views().digest();
    drop(ledger);
    assert_eq!(book::open(home.path()).unwrap().views().digest(), both);
}

/// A crash between the lock and everything else left a directory that nobody could use.
#[test]
fn a_directory_with_nothing_but_a_lock_is_made_anew() {
    let home = scratch();
    std::fs::write(home.path().join("lock"), "").unwrap();
    look(home.path(), &[], Care::Look).unwrap();
    let other = scratch();
    std::fs::write(other.path().join("letters"), "").unwrap();
    assert!(look(other.path(), &[], Care::Look).unwrap_err().contains("something else"));
}

/// A power cut brought back the mark that a ledger is being made, and the ledger could not be made again.
#[test]
fn a_ledger_half_made_is_made_anew_at_every_step() {
    let home = scratch();
    let trace = record(home.path(), 0);
    let plan = Plan { most: 250, per_step: 3, ..Plan::default() };
    check(&trace, &plan, opener).assert_green();
}
