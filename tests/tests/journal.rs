//! The log under power cuts and `kill -9`: nothing acknowledged is lost, nothing appears by half.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use tests::kill::{Rounds, kill_at_random};
use tests::log_driver::{look, open};
use tests::powercut::check::scratch;
use tests::powercut::{Acknowledged, Plan, Recorder, Trace, check, check_recovery};

fn driver(directory: &Path, commits: u32) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_log_driver"));
    command.arg(directory).arg(commits.to_string());
    command
}

fn recorder(directory: &Path) -> Recorder {
    Recorder::new(directory).acknowledged_on(1).loose("index")
}

fn record(directory: &Path, commits: u32) -> Trace {
    let recording = recorder(directory).run(driver(directory, commits)).unwrap();
    assert!(recording.output.status.success(), "{}", String::from_utf8_lossy(&recording.output.stderr));
    recording.trace
}

fn opener(directory: &Path, acknowledged: &Acknowledged) -> Result<(), String> {
    let log = open(directory).map_err(|e| e.to_string())?;
    look(&log, &acknowledged.lines())
}

#[test]
fn a_power_cut_loses_nothing_acknowledged() {
    let (home, out) = (scratch(), scratch());
    let recorder = recorder(home.path()).trace_to(&out.path().join("trace"));
    recorder.run(driver(home.path(), 60)).unwrap();
    // Reopened, and on.
    let trace = recorder.run(driver(home.path(), 40)).unwrap().trace;
    let report = check(&trace, &Plan { most: 1_200, ..Plan::default() }, opener);
    report.assert_green();
    assert!(report.states > 600, "{}", report.states);
}

#[test]
fn a_power_cut_during_recovery_loses_nothing_either() {
    let home = scratch();
    let plan = Plan { most: 300, per_step: 6, ..Plan::default() };
    let again = |directory: &Path| (recorder(directory), driver(directory, 2));
    check_recovery(&record(home.path(), 20), &plan, 15, again, opener).assert_green();
}

#[test]
fn without_the_sync_of_the_journal_commits_are_lost() {
    let home = scratch();
    let trace = record(home.path(), 30);
    let (plan, of_the_journal) = (Plan { failures: 1, ..Plan::default() }, |path: &str| path.starts_with("journal/"));
    check(&trace.without_syncs(of_the_journal), &plan, opener).assert_red();
    check(&trace.with_answers_before_syncs(of_the_journal), &plan, opener).assert_red();
}

#[test]
fn a_killed_writer_loses_nothing_it_said() {
    let home = scratch();
    let plan = Rounds { seed: 11, rounds: 40, longest: Duration::from_millis(20) };
    let said = kill_at_random(
        plan,
        home.path(),
        |directory| driver(directory, 100_000),
        |directory, lines| look(&open(directory).map_err(|e| e.to_string())?, lines),
    );
    assert!(said > 40, "{said}");
}

#[test]
fn a_failing_disk_stops_the_writer_and_the_next_start_is_whole() {
    // A segment goes by the name it was made under. Some of these hit its making, some a frame.
    let often = ["write,journal/*,N,EIO,once", "write,journal/*,N,short,once", "sync,journal/*,N,EIO,once"];
    let mut faults: Vec<String> =
        often.iter().flat_map(|fault| [5, 9, 12, 16, 19].map(|n| fault.replace('N', &n.to_string()))).collect();
    faults.extend(
        ["write,head,5,EIO,once", "space,journal/*,30,ENOSPC,on", "open,journal/*,3,ENOSPC,on"].map(String::from),
    );
    for fault in &faults {
        let (home, out) = (scratch(), scratch());
        let trace = out.path().join("trace");
        let failed = recorder(home.path()).trace_to(&trace).fault(fault).run(driver(home.path(), 60)).unwrap();
        assert!(failed.trace.faults() > 0, "{fault}: it never came to that");
        assert!(!failed.output.status.success(), "{fault}: the writer went on");
        let whole = recorder(home.path()).trace_to(&trace).run(driver(home.path(), 5)).unwrap();
        assert!(whole.output.status.success(), "{fault}: {}", String::from_utf8_lossy(&whole.output.stderr));
        let report = check(&whole.trace, &Plan { most: 100, ..Plan::default() }, opener);
        assert!(report.states > 0 && report.failures.is_empty(), "{fault}: {:?}", report.failures);
    }
}
