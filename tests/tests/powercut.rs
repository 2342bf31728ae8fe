//! The power cut itself is tested first: on a small program that does right, and on the same one with a mistake built in.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use tests::kill::{Rounds, kill_at_random};
use tests::powercut::check::scratch;
use tests::powercut::{Acknowledged, Plan, Recorder, Trace, check, check_recovery};
use tests::powercut_driver::look;

fn driver(directory: &Path, count: u32, mistake: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_driver"));
    command.arg(directory).arg(count.to_string()).arg(mistake);
    command
}

fn record(directory: &Path, count: u32, mistake: &str) -> Trace {
    let recording = Recorder::new(directory).acknowledged_on(1).run(driver(directory, count, mistake)).unwrap();
    assert!(recording.output.status.success(), "{}", String::from_utf8_lossy(&recording.output.stderr));
    recording.trace
}

fn opener(directory: &Path, acknowledged: &Acknowledged) -> Result<(), String> {
    look(directory, &acknowledged.lines())
}

#[test]
fn a_program_that_syncs_before_it_answers_loses_nothing() {
    let home = scratch();
    let report = check(&record(home.path(), 60, ""), &Plan::default(), opener);
    report.assert_green();
    assert!(report.states > 300, "{}", report.states);
}

#[test]
fn each_mistake_is_found() {
    for mistake in ["no sync", "answer first", "no directory sync", "no mark sync", "no rename sync"] {
        let home = scratch();
        let report = check(&record(home.path(), 40, mistake), &Plan::default(), opener);
        assert!(!report.failures.is_empty(), "{mistake}: {} states are green", report.states);
    }
}

#[test]
fn a_red_state_can_be_built_again() {
    let home = scratch();
    let trace = record(home.path(), 40, "no sync");
    let seen = check(&trace, &Plan { failures: 1, ..Plan::default() }, opener);
    let first = seen.failures.first().unwrap();
    let number = |word: &str| -> usize {
        let rest = first.split_once(word).unwrap().1;
        rest.chars().take_while(char::is_ascii_digit).collect::<String>().parse().unwrap()
    };
    let only = Some((number("before step "), number("outcome ")));
    let again = check(&trace, &Plan { only, ..Plan::default() }, opener);
    assert_eq!((again.states, again.failures.first()), (1, Some(first)));
}

#[test]
fn controls_need_no_change_of_the_program() {
    let home = scratch();
    let trace = record(home.path(), 40, "");
    check(&trace.without_syncs(|path| path == "log"), &Plan::default(), opener).assert_red();
    check(&trace.with_answers_before_syncs(|path| path == "log"), &Plan::default(), opener).assert_red();

    let other = scratch();
    let recorder = Recorder::new(other.path()).acknowledged_on(1).swallow_syncs("log");
    let swallowed = recorder.run(driver(other.path(), 40, "")).unwrap();
    check(&swallowed.trace, &Plan::default(), opener).assert_red();
}

#[test]
fn a_run_that_goes_on_after_a_kill_is_one_trace() {
    let (home, out) = (scratch(), scratch());
    let recorder = Recorder::new(home.path()).acknowledged_on(1).trace_to(&out.path().join("trace"));
    recorder.run(driver(home.path(), 15, "no sync")).unwrap();
    let both = recorder.run(driver(home.path(), 15, "")).unwrap().trace;
    // The first run left all of it unsynced; the second syncs the same file, and only then is it there.
    check(&both, &Plan::default(), opener).assert_red();
    let home = scratch();
    let recorder = Recorder::new(home.path()).acknowledged_on(1).trace_to(&out.path().join("other"));
    recorder.run(driver(home.path(), 15, "")).unwrap();
    check(&recorder.run(driver(home.path(), 15, "")).unwrap().trace, &Plan::default(), opener).assert_green();
}

#[test]
fn a_cut_during_recovery_loses_nothing_either() {
    let home = scratch();
    let trace = record(home.path(), 30, "");
    let plan = Plan { most: 1_000, per_step: 6, ..Plan::default() };
    let again = |mistake: &'static str| {
        move |directory: &Path| (Recorder::new(directory).acknowledged_on(1), driver(directory, 2, mistake))
    };
    check_recovery(&trace, &plan, 40, again(""), opener).assert_green();
    check_recovery(&trace, &plan, 40, again("answer first"), opener).assert_red();
}

#[test]
fn a_call_the_shim_does_not_know_ends_the_run() {
    let home = scratch();
    let refused = Recorder::new(home.path()).run(driver(home.path(), 1, "write")).err().unwrap();
    assert!(refused.contains("write on \"log\""), "{refused}");
    let loose = scratch();
    std::fs::create_dir(loose.path().join("index")).unwrap();
    Recorder::new(loose.path()).loose("index").run(driver(&loose.path().join("index"), 1, "write")).unwrap();
}

#[test]
fn what_goes_past_the_shim_is_noticed() {
    let home = scratch();
    let refused = Recorder::new(home.path()).run(driver(home.path(), 1, "behind its back")).err().unwrap();
    assert!(refused.contains("the directory holds [\"log\", \"other\"]"), "{refused}");
}

#[test]
fn a_sync_that_failed_is_not_mended_by_the_next() {
    let home = scratch();
    let recorder = Recorder::new(home.path()).acknowledged_on(1).fault("sync,log,5,EIO,once");
    let recording = recorder.run(driver(home.path(), 10, "sync again")).unwrap();
    assert!(recording.output.status.success());
    check(&recording.trace, &Plan::default(), opener).assert_red();
}

#[test]
fn an_answer_on_a_socket_is_an_acknowledgement() {
    let home = scratch();
    let mut command = Command::new(env!("CARGO_BIN_EXE_driver"));
    command.arg(home.path()).arg("serve").stdout(Stdio::piped());
    let mut running = Recorder::new(home.path()).spawn(command);
    let mut address = String::new();
    BufReader::new(running.child.stdout.take().unwrap()).read_line(&mut address).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let connection = TcpStream::connect(address.trim()).unwrap();
                let mut answers = BufReader::new(&connection).lines();
                for _ in 0..25 {
                    (&connection).write_all(b"one more\n").unwrap();
                    assert!(answers.next().unwrap().unwrap().starts_with("entry "));
                }
            });
        }
    });
    let trace = running.finish(true).unwrap();
    let on_sockets = |directory: &Path, acknowledged: &Acknowledged| {
        let said: Vec<String> = acknowledged
            .channels()
            .values()
            .flat_map(|bytes| String::from_utf8_lossy(bytes).lines().map(str::to_owned).collect::<Vec<_>>())
            .collect();
        look(directory, &said)
    };
    let report = check(&trace, &Plan::default(), on_sockets);
    report.assert_green();
    check(&trace.with_answers_before_syncs(|path| path == "log"), &Plan::default(), on_sockets).assert_red();
    let last = check(&trace, &Plan { only: Some((trace.steps.len(), 0)), ..Plan::default() }, |_, acknowledged| {
        Err(format!("{} connections", acknowledged.channels().len()))
    });
    assert!(last.failures[0].ends_with("4 connections"), "{:?}", last.failures);
}

#[test]
fn the_disk_can_fail_and_fill_up() {
    for (fault, said) in [
        ("write,log,5,EIO,once", "entry 4: Input/output error"),
        ("write,log,5,ENOSPC,on", "entry 4: No space left on device"),
        ("sync,log,3,EIO,once", "Input/output error"),
        ("rename,mark,1,ENOSPC,once", "No space left on device"),
    ] {
        let home = scratch();
        let recording =
            Recorder::new(home.path()).acknowledged_on(1).fault(fault).run(driver(home.path(), 40, "")).unwrap();
        let stderr = String::from_utf8_lossy(&recording.output.stderr).into_owned();
        assert!(!recording.output.status.success() && stderr.contains(said), "{fault}: {stderr}");
        assert!(recording.trace.faults() > 0);
        check(&recording.trace, &Plan::default(), opener).assert_green();
    }
}

#[test]
fn a_short_write_is_written_on_and_a_full_disk_can_be_freed() {
    let (home, flags) = (scratch(), scratch());
    let freed = flags.path().join("freed");
    let full = format!("space,log,1,ENOSPC,until={}", freed.display());
    let recorder = Recorder::new(home.path()).acknowledged_on(1).fault("write,log,3,short,once").fault(&full);
    let recording = recorder.run(driver(home.path(), 5, "")).unwrap();
    assert!(!recording.output.status.success());
    std::fs::write(&freed, "").unwrap();
    let recording = recorder.run(driver(home.path(), 20, "")).unwrap();
    assert!(recording.output.status.success(), "{}", String::from_utf8_lossy(&recording.output.stderr));
    assert_eq!(recording.trace.faults(), 1);
    check(&recording.trace, &Plan::default(), opener).assert_green();
}

#[test]
fn a_killed_process_loses_nothing_it_said() {
    let home = scratch();
    let plan = Rounds { seed: 7, rounds: 100, longest: Duration::from_millis(4) };
    let said = kill_at_random(plan, home.path(), |directory| driver(directory, 100_000, ""), look);
    assert!(said > 100, "{said}");
}
