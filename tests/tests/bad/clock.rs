//! A clock that jumps: nothing is written until an operator confirms the time; what time makes of tokens and codes.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;
use tempfile::TempDir;
use tests::acts::{Act, perform_all};
use tests::book;
use tests::cast::Someone;
use tests::client::{Client, text};
use tests::desk;
use tests::programs::{issue_token, lethe, lethe_audit, program, run};
use tests::server::{Server, command, size};
use tests::shim;

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;

/// A data directory, and the file that says by how much the machine's clock is wrong.
struct Machine {
    home: TempDir,
}

impl Machine {
    fn new() -> Self {
        let machine = Self { home: tempfile::tempdir().unwrap() };
        machine.set_clock(0);
        machine
    }

    fn data(&self) -> PathBuf {
        self.home.path().join("ledger")
    }

    fn clock(&self) -> PathBuf {
        self.home.path().join("clock")
    }

    /// All at once, as a clock is set.
    fn set_clock(&self, wrong_by: i64) {
        let next = self.home.path().join("next");
        std::fs::write(&next, wrong_by.to_string()).unwrap();
        std::fs::rename(next, self.clock()).unwrap();
    }

    fn under_its_clock<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        let library = shim::library("clock", include_str!("../../shim/clock.c"));
        command.env("LD_PRELOAD", library).env("LETHE_CLOCK_FILE", self.clock())
    }

    fn serve(&self) -> Server {
        let mut command = command(&self.data(), &[]);
        self.under_its_clock(&mut command);
        Server::spawn(command, &self.data()).unwrap_or_else(|ended| panic!("{ended:?}"))
    }
}

/// A write is refused as a failure, a read is not, and the log stays as long as it was.
fn assert_stopped(agent: &Client, auditor: &Client) {
    let before = size(auditor);
    let answer = agent.mutate("registerContact", &desk::person("Eve", "Unwanted", "eve@unwanted.example"), "");
    assert_eq!((answer.code().as_str(), &answer.body["data"]), ("UNAVAILABLE", &json!(null)), "{answer:#?}");
    assert_eq!(size(auditor), before);
}

fn confirm(data: &Path) -> String {
    lethe(&["clock", "confirm", "--data", data.to_str().unwrap()]).done()
}

#[test]
fn a_clock_that_jumps_stops_writes_until_an_operator_confirms_the_time() {
    let machine = Machine::new();
    let data = machine.data();
    let server = machine.serve();
    let (agent, auditor) = (server.client("agent"), server.client("auditor"));
    let ada = desk::register(&agent, "Ada", "Planted", "ada@planted.example");
    for jump in [2 * HOUR, -3 * HOUR, 0] {
        machine.set_clock(jump);
        assert_stopped(&agent, &auditor);
        let before = size(&auditor);
        assert!(confirm(&data).contains("the time is confirmed"));
        assert_eq!(size(&auditor), before + 1, "the confirmation is a record");
        desk::register(&agent, "Bob", "Planted", "bob@planted.example");
    }
    let stopped = server.stop();
    assert!(stopped.status.success() && !stopped.err.contains("Planted"), "{}", stopped.err);

    // Away for two months: nobody knows whether that is true.
    machine.set_clock(60 * DAY);
    let server = machine.serve();
    let (agent, auditor) = (server.with_token(agent.token()), server.with_token(auditor.token()));
    assert_stopped(&agent, &auditor);
    confirm(&data);
    agent.change("changeContact", &json!({ "contactId": ada.id, "reason": "CHANGE", "lastName": "Later" }), "");
    server.stop();
    let verified = lethe_audit(&["verify", data.to_str().unwrap()]);
    assert_eq!(verified.code, Some(0), "{verified:?}");
}

#[test]
fn what_has_run_out_counts_no_more() {
    let machine = Machine::new();
    let server = machine.serve();
    let [agent, integration, dpo, auditor] = ["agent", "integration", "dpo", "auditor"].map(|role| server.client(role));
    let guest = server.with_token(&issue_token(&machine.data(), "agent", "A guest", &["--days", "1"]));
    let shown = desk::notice(&dpo, "newsletter");
    let ada = desk::register(&agent, "Ada", "Planted", "ada@planted.example");
    let mut asked = desk::asked(&ada, "newsletter", &shown);
    asked["codeDays"] = json!(1);
    let code = text(&integration.change("requestConsent", &asked, "code")["code"]);
    assert_eq!(guest.send("{ viewer { actor } }", json!({})).status, 200);

    machine.set_clock(3 * DAY);
    confirm(&machine.data());
    let answer = guest.send("{ viewer { actor } }", json!({}));
    assert_eq!((answer.status, answer.code().as_str()), (401, "TOKEN_EXPIRED"));
    let before = size(&auditor);
    let late = json!({ "code": code, "source": "WEB_FORM" });
    assert_eq!(integration.refused_with("confirmConsent", &late), "CODE_EXPIRED");
    assert_eq!(size(&auditor), before);
    assert_eq!(desk::may_contact(&agent, &ada, "newsletter")["why"], "NOT_ANSWERED");
}

/// The machine went down behind the order of an erasure and came back with a wrong clock: the server did not start, and
/// neither could the time be confirmed.
#[test]
fn an_erasure_that_was_cut_off_is_certified_when_the_time_is_confirmed() {
    let machine = Machine::new();
    let ledger = book::open_or_create(&machine.data()).unwrap();
    perform_all(&ledger, Someone(1), &[Act::Contact]);
    perform_all(&ledger, Someone(1), &Act::TO_THE_FENCE);
    perform_all(&ledger, Someone(1), &[Act::Order]);
    drop(ledger);
    machine.set_clock(400 * DAY);
    let data = machine.data();
    let data = data.to_str().unwrap();
    let mut confirm = Command::new(program("lethe"));
    let said = run(machine.under_its_clock(confirm.args(["clock", "confirm", "--data", data]))).done();
    assert!(said.contains("certified now: 1"), "{said}");
    assert_eq!(lethe_audit(&["verify", data]).code, Some(0));
}
