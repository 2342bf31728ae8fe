//! A controller leaves: exported, asked for by one and approved by another, waited for, and then every key dies at once.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use domain::event::Event;
use domain::id::ActorId;
use domain::leaving::{self, LeaveOrder, LeaveReason};
use domain::ledger::Event as Fact;
use domain::subject::AnchorLevel;
use events::keyring::Level;
use events::ledger::{Clock, Directory, Founding, LeaveError, Ledger};
use events::log::engine::Options;
use events::record::Record;
use replay::source::Source;
use replay::verify::{Consistent, Failed, facts, verify};
use serde_json::{Value, json};
use tests::acts::{Act, perform_all};
use tests::book;
use tests::cast::Someone;
use tests::client::Client;
use tests::desk;
use tests::files::{read_files, write_files};
use tests::forge::Forger;
use tests::programs::{Ended, issue_token, lethe, lethe_audit, program, run};
use tests::server::{Server, until};

use crate::exporting::export;

const ANNA: ActorId = ActorId([0xa1; 16]);
const BERTA: ActorId = ActorId([0xb1; 16]);
const GONE: &str = "the controller of this ledger has left";

/// `lethe leave` in somebody's name.
fn leave(token: &str, data: &Path, arguments: &[&str]) -> Ended {
    let mut command = Command::new(program("lethe"));
    command.arg("leave").args(arguments).arg("--data").arg(data).env("LETHE_TOKEN", token);
    run(&mut command)
}

fn refused(ended: &Ended, why: &str) {
    assert!(ended.code == Some(1) && ended.err.contains(why) && !ended.err.contains("panicked"), "{ended:?}");
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// A ledger that is a demo's, with nobody in it.
fn found(data: &Path) {
    let (controller, origin) = ("Muster GmbH".into(), "muster.example/log".into());
    let founding = Founding { controller, origin, demo: true, at: Clock::system().now() };
    Directory::create(data, &founding, Options::default()).unwrap();
}

/// Somebody with values that stand nowhere else.
fn plant(agent: &Client) -> desk::Registered {
    let wanda = desk::register(agent, "Qwandalyn", "Qwegsberger", "qwandalyn@example.org");
    let file = json!({ "contactId": wanda.id, "name": "q.txt", "mediaType": "text/plain", "content": "UXdhbmRhbHlu" });
    agent.change("attachDocument", &file, "document { id }");
    let ticket = json!({ "contactId": wanda.id, "subjectLine": "Qwhere", "body": "Qwnever came.", "origin": "EMAIL" });
    agent.change("openTicket", &ticket, "ticket { id }");
    wanda
}

/// What an image gives back, by the roots that a directory's anchor has now, or by those that another file names.
fn forensic(image: &Path, more: &[&str]) -> (Ended, Value) {
    let ended = lethe_audit(&[&["forensic", path(image), "--json"], more].concat());
    let said = serde_json::from_str(&ended.out).unwrap_or(Value::Null);
    (ended, said)
}

/// The files of a data directory, but for some of its parts.
fn image_of(data: &Path, to: &Path, without: &[&str]) {
    let mut files = read_files(data);
    files.retain(|file, _| without.iter().all(|part| !file.starts_with(part)));
    write_files(to, &files);
}

#[test]
fn behind_the_last_record_nothing_can_be_read_and_nothing_is_appended() {
    let home = tempfile::tempdir().unwrap();
    let (data, at) = (home.path().join("ledger"), |name: &str| home.path().join(name));
    found(&data);
    // A demo has somebody's token from its first start on, and takes all of them back at each.
    issue_token(&data, "agent", "Nancy", &[]);
    let mut server = Server::at(&data, &["--demo"]);
    let (anna, berta) = (server.token("dpo", "Anna"), server.token("dpo", "Berta"));
    let agent = server.token("agent", "Nancy");
    let (nancy, officer, second) = (server.with_token(&agent), server.with_token(&anna), server.with_token(&berta));
    let wanda = plant(&nancy);
    let suppressed = json!({ "address": "qwandalyn@example.org", "reason": "ASKED", "until": "2030-12-31" });
    officer.change("suppress", &suppressed, "");

    // Nothing is destroyed that was not returned, and by nobody alone.
    let ask = ["request", "--reason", "contract-over"];
    refused(&leave(&anna, &data, &ask), "nothing was exported");
    refused(&leave(&agent, &data, &ask), "only a data protection officer");
    export(Some(&anna), &data, &at("export")).done();
    refused(&leave(&anna, &data, &["order"]), "nobody has asked");
    leave(&anna, &data, &ask).done();
    refused(&leave(&berta, &data, &ask), "it was asked for before");
    refused(&leave(&anna, &data, &["approve"]), "another person must approve it");
    refused(&leave(&anna, &data, &["order"]), "must approve it first");

    // Nor while something is to be kept.
    let hold = json!({ "contactId": wanda.id, "matter": "a claim", "reviewOn": "2027-03-01" });
    let hold = json!({ "holdId": officer.change("placeHold", &hold, "hold { id }")["hold"]["id"] });
    second.change("approveHold", &hold, "");
    refused(&leave(&berta, &data, &["approve"]), "is in force");
    officer.change("liftHold", &hold, "");
    second.change("approveHoldLift", &hold, "");

    // From the approval on nothing changes, until it is withdrawn.
    leave(&berta, &data, &["approve"]).done();
    let person = desk::person("Zoe", "Zaun", "zoe@example.org");
    let no = nancy.refused("registerContact", &person);
    assert_eq!(no[0]["code"], "LEAVING", "{no:?}");
    let read = nancy.ask("query($id: ID!) { contact(id: $id) { firstName } }", json!({ "id": wanda.id }));
    assert_eq!(read["contact"]["firstName"], "Qwandalyn", "and everything is read as before");
    let status = leave(&anna, &data, &["status"]).done();
    assert!(status.contains("takes no changes"), "{status}");
    leave(&anna, &data, &["withdraw"]).done();
    desk::register(&nancy, "Zoe", "Zaun", "zoe@example.org");
    leave(&berta, &data, &["request", "--reason", "other-system", "--returned-otherwise"]).done();
    leave(&anna, &data, &["approve"]).done();
    export(Some(&anna), &data, &at("last-export")).done();

    let before = at("before");
    image_of(&data, &before, &["lethe.sock"]);
    let said = leave(&berta, &data, &["order"]).done();
    assert!(said.contains("level A0: logical only") && said.contains("head "), "{said}");
    let stopped = server.wait();
    assert!(stopped.err.contains("the controller has left"), "{}", stopped.err);
    nothing_opens(&data, &before, home.path());
    nothing_is_appended(&data, home.path(), &berta);
}

/// No file of a keyring is left, and no root; what was sealed is there, and opens with nothing that is left.
fn nothing_opens(data: &Path, before: &Path, home: &Path) {
    assert!(!data.join("keyring").exists() && !data.join("keyring.copy").exists());
    let anchor: Vec<_> = fs::read_dir(data.join("anchor")).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert_eq!(anchor, ["id"]);
    let image = home.join("image");
    image_of(data, &image, &["anchor"]);
    let (ended, said) = forensic(&image, &["--data", path(data)]);
    assert!(ended.code == Some(0), "{ended:?}");
    let parts = &said["parts"];
    assert!(parts["opened"] == 0 && parts["closed_of_destroyed"].as_u64() > Some(5), "{said}");
    // Nor from an older image, by the roots that there are now; whoever kept the anchor too has everything: that is A0.
    let older = home.join("older");
    image_of(before, &older, &["anchor"]);
    let (ended, said) = forensic(&older, &["--data", path(data)]);
    assert!(ended.code == Some(0) && said["parts"]["opened"] == 0, "{ended:?}");
    assert!(said["found"]["headers"].as_u64() > Some(0), "its keyring is in it: {said}");
    fs::write(before.join("keyring.conf"), "copy keyring\nanchor file anchor\n").unwrap();
    let (ended, said) = forensic(&older, &["--keyring-conf", path(&before.join("keyring.conf"))]);
    assert!(said["parts"]["opened"].as_u64() > Some(5), "a carver that sees nothing finds nothing: {ended:?}");
}

/// The log is read as before and says what happened; whoever would go on with it is told.
fn nothing_is_appended(data: &Path, home: &Path, token: &str) {
    let copy = home.join("copy");
    lethe_audit(&["copy", "--data", path(data), path(&copy)]).done();
    let verified = lethe_audit(&["verify", path(&copy)]).done();
    assert!(verified.contains("The controller left") && verified.contains("A0 (logical)"), "{verified}");
    let consistent = consistent(&copy).unwrap();
    assert!(consistent.left.is_some() && consistent.parts.present == 0 && consistent.parts.residue > 5);
    let checkpoint = consistent.published.unwrap().1;
    assert_eq!(checkpoint.size, consistent.head.size, "the last checkpoint covers the last record");
    let (last, d) = (journal(data), path(data));
    for order in [
        &["serve", "--listen", "127.0.0.1:0", "--data", d][..],
        &["verify", "--data", d],
        &["token", "list", "--data", d],
        &["clock", "confirm", "--data", d],
        &["backup", path(&home.join("backup")), "--data", d],
        &["keyring", "status", "--data", d],
        &["keyring", "repair", "--data", d],
        &["keyring", "declare-lost", "--all", "--data", d],
        &["keyring", "move", "--to", "file:elsewhere", "--data", d],
        &["restore", "--data", d, "--origin", "muster.example/again"],
    ] {
        refused(&lethe(order), GONE);
    }
    refused(&export(Some(token), data, &home.join("too-late")), GONE);
    refused(&leave(token, data, &["withdraw"]), GONE);
    assert!(!data.join("keyring").exists() && !home.join("too-late").exists());
    assert_eq!(journal(data), last);
}

fn journal(data: &Path) -> std::collections::BTreeMap<std::path::PathBuf, Vec<u8>> {
    read_files(&data.join("journal"))
}

fn consistent(copy: &Path) -> Result<Consistent, Failed> {
    verify(&Source::open(copy).unwrap(), None, &mut |_, _| {}, &|_, _| {})
}

/// A ledger whose two officers have agreed that its controller leaves, and what is to be destroyed.
fn approved(data: &Path) -> (Ledger<tests::collected::Collected>, LeaveOrder) {
    let ledger = book::open_or_create(data).unwrap();
    perform_all(&ledger, Someone(1), &Act::DAILY);
    let request = leaving::Command::Request { reason: LeaveReason::Dissolved, returned_otherwise: true };
    ledger.leave(&request, ANNA).unwrap();
    ledger.leave(&leaving::Command::Approve { wait_ms: 0 }, BERTA).unwrap();
    let keyring = ledger.keyring();
    let members = keyring.status().members.iter().map(|member| member.identity.to_string()).collect();
    assert_eq!(keyring.level(), Level::A0);
    let order = LeaveOrder { keys: 9, epoch: keyring.epoch(), level: AnchorLevel::A0, members };
    (ledger, order)
}

/// The process ends behind the order, and at each of the later steps something more is gone: whoever opens the directory
/// next goes on, and nothing is certified before all of it is.
#[test]
fn what_a_crash_leaves_is_finished_by_whoever_opens_it_next() {
    type Crash = fn(&Path);
    let steps: [(&str, Crash); 4] = [
        ("nothing was done", |_| {}),
        ("the root is gone", |data| root_is_gone(data)),
        ("and one copy's nodes", |data| {
            root_is_gone(data);
            fs::remove_file(data.join("keyring/keys.0.a")).unwrap();
            fs::write(data.join("keyring/header"), [0; 100]).unwrap();
        }),
        ("and everything", |data| {
            root_is_gone(data);
            fs::remove_dir_all(data.join("keyring")).unwrap();
            fs::remove_dir_all(data.join("keyring.copy")).unwrap();
        }),
    ];
    for (what, crash) in steps {
        let home = tempfile::tempdir().unwrap();
        let data = home.path().join("ledger");
        let (ledger, order) = approved(&data);
        ledger.leave(&leaving::Command::Order(order), ANNA).unwrap();
        drop(ledger);
        let size = Forger::read(&data).entries.len();
        assert!(consistent_at_rest(&data).left.is_none(), "{what}");
        crash(&data);
        for _ in 0..2 {
            let refused = book::open(&data).err().unwrap();
            assert!(refused.contains(GONE), "{what}: {refused}");
        }
        assert_eq!(Forger::read(&data).entries.len(), size + 1, "{what}: one certificate");
        assert_eq!(consistent_at_rest(&data).left, Some((size as u64, AnchorLevel::A0)), "{what}");
        assert!(!data.join("keyring").exists() && !data.join("keyring.copy").exists(), "{what}");
        assert_eq!(fs::read_dir(data.join("anchor")).unwrap().count(), 1, "{what}");
    }
}

fn root_is_gone(data: &Path) {
    for file in fs::read_dir(data.join("anchor")).unwrap().map(|file| file.unwrap()) {
        if file.file_name() != "id" {
            fs::remove_file(file.path()).unwrap();
        }
    }
}

fn consistent_at_rest(data: &Path) -> Consistent {
    verify(&Source::open(data).unwrap(), None, &mut |_, _| {}, &|_, _| {}).unwrap()
}

/// Whoever held a root must show that it is gone: an anchor that is another one shows nothing, and certifies nothing.
#[test]
fn another_anchor_in_the_place_of_the_one_that_was_certifies_nothing() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("ledger");
    let (ledger, order) = approved(&data);
    ledger.leave(&leaving::Command::Order(order), ANNA).unwrap();
    drop(ledger);
    fs::rename(data.join("anchor"), home.path().join("anchor")).unwrap();
    let said = book::open(&data).err().unwrap();
    assert!(said.contains("member 1 of the keyring's anchor is file"), "{said}");
    assert!(consistent_at_rest(&data).left.is_none() && data.join("keyring/header").exists());
    fs::remove_dir_all(data.join("anchor")).unwrap();
    fs::rename(home.path().join("anchor"), data.join("anchor")).unwrap();
    assert!(book::open(&data).err().unwrap().contains(GONE));
}

/// Outside a demo it waits for a day, which nobody can shorten; and no command beside it changes anything.
#[test]
fn nothing_is_ordered_before_its_day() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("ledger");
    // A real ledger, as nobody's tests are.
    lethe(&["token", "issue", "--data", path(&data), "--role", "agent", "--name", "Otto"]).done();
    let (anna, berta) = (issue_token(&data, "dpo", "Anna", &[]), issue_token(&data, "dpo", "Berta", &[]));
    leave(&anna, &data, &["request", "--reason", "trial-over", "--returned-otherwise"]).done();
    refused(&leave(&berta, &data, &["approve", "--cooling-off", "0"]), "cooling-off");
    leave(&berta, &data, &["approve", "--cooling-off", "1"]).done();
    refused(&leave(&anna, &data, &["order"]), "nothing is destroyed before");
    let server = Server::at(&data, &["--cooling-off", "1"]);
    refused(&leave(&anna, &data, &["order"]), "nothing is destroyed before");
    refused(&lethe(&["token", "issue", "--data", path(&data), "--role", "admin", "--name", "Eva"]), "takes no changes");
    server.stop();
    // Tokens end before some waits do: whoever is there takes the next step with a new one.
    let anew = issue_token(&data, "dpo", "Anna", &[]);
    leave(&anew, &data, &["withdraw"]).done();
    issue_token(&data, "admin", "Eva", &[]);
}

/// What was decided behind the backup is gone, be it that they stay: nobody orders it alone by what was approved before.
#[test]
fn a_restore_takes_the_approval_back() {
    let home = tempfile::tempdir().unwrap();
    let (data, out) = (home.path().join("ledger"), home.path().join("backup"));
    let (anna, berta) = (issue_token(&data, "dpo", "Anna", &[]), issue_token(&data, "dpo", "Berta", &[]));
    leave(&anna, &data, &["request", "--reason", "trial-over", "--returned-otherwise"]).done();
    leave(&berta, &data, &["approve", "--cooling-off", "0"]).done();
    lethe(&["backup", path(&out), "--data", path(&data)]).done();
    leave(&berta, &data, &["withdraw"]).done();
    fs::remove_dir_all(data.join("journal")).unwrap();
    lethe(&["restore", path(&out), "--data", path(&data), "--origin", "muster.example/log-2"]).done();
    refused(&leave(&anna, &data, &["order"]), "nobody has asked that this controller leave");
    issue_token(&data, "admin", "Eva", &[]);
    assert!(consistent_at_rest(&data).left.is_none());
    leave(&anna, &data, &["request", "--reason", "trial-over", "--returned-otherwise"]).done();
    leave(&berta, &data, &["approve", "--cooling-off", "0"]).done();
    assert!(consistent_at_rest(&data).left.is_none());
}

type Bend = fn(&mut Forger) -> usize;

/// What somebody who knows the format may bend, from which position on the hashes are made right, and what betrays it.
pub const FORGERIES: [(Bend, &str); 4] = [
    (|log| edit(log, "log.leave-approved", |draft| draft.actor = ANNA), "the word of one person"),
    (|log| cut(log, "log.leave-approved"), "the word of one person"),
    (|log| cut(log, "log.leave-ordered"), "no step that its controller could take"),
    (
        |log| {
            let again = log.entries[log.find("log.signer")].clone();
            log.entries.push(again);
            log.entries.len() - 1
        },
        "behind the record that certifies",
    ),
];

#[test]
fn one_person_alone_and_a_record_behind_the_end_are_found() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("ledger");
    write(&data);
    let log = Forger::read(&data);
    for (bend, why) in FORGERIES {
        let mut log = log.clone();
        let at = bend(&mut log);
        log.relink(at);
        let mut chain = events::chain::Chain::new();
        let broken = log.entries.iter().find_map(|entry| chain.take(&entry.record).err()).expect(why);
        assert!(broken.to_string().contains(why), "{why}: {broken}");
    }
}

fn edit(log: &mut Forger, kind: &str, change: impl FnOnce(&mut events::record::Draft)) -> usize {
    let at = log.find(kind);
    log.edit(at, |draft, _| change(draft));
    at
}

fn cut(log: &mut Forger, kind: &str) -> usize {
    let at = log.find(kind);
    log.cut_out(at..at + 1);
    at
}

/// Writes a log whose controller left.
pub fn write(data: &Path) {
    let (ledger, _) = approved(data);
    assert!(matches!(
        ledger.leave(&leaving::Command::Approve { wait_ms: 0 }, ANNA),
        Err(LeaveError::Rejected(leaving::Rejection::Approved))
    ));
    ledger.order_leave(ANNA).unwrap();
    assert!(ledger.has_left() && ledger.is_stopped());
    drop(ledger);
    let last = Forger::read(data).entries.pop().unwrap();
    let said = facts(&Record::parse(&last.record).unwrap()).unwrap();
    assert!(matches!(said, Event::Log(Fact::Leaving(leaving::Leaving::Certified { .. }))), "{said:?}");
}

/// The real program, killed at any time while it carries out the order.
#[test]
fn a_killed_order_is_gone_on_with_and_certifies_nothing_too_early() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("ledger");
    found(&data);
    let (anna, berta) = (issue_token(&data, "dpo", "Anna", &[]), issue_token(&data, "dpo", "Berta", &[]));
    leave(&anna, &data, &["request", "--reason", "trial-over", "--returned-otherwise"]).done();
    leave(&berta, &data, &["approve", "--cooling-off", "0"]).done();
    let mut seen = [0; 3];
    let is_ordered = |data: &Path| {
        let found = run(Command::new("grep").args(["-rqaF", "log.leave-ordered"]).arg(data.join("journal")));
        found.code == Some(0)
    };
    // At once, and so many milliseconds behind the order.
    for life in [None, Some(0), Some(0), Some(1), Some(2), Some(4), Some(8), Some(30), Some(2_000)] {
        let killed = home.path().join("killed");
        run(Command::new("cp").arg("-a").args([&data, &killed])).done();
        let mut order = Command::new(program("lethe"));
        order.args(["leave", "order", "--data"]).arg(&killed).env("LETHE_TOKEN", &anna);
        let mut order = order.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        if let Some(ms) = life {
            until("the order is there", || is_ordered(&killed));
            std::thread::sleep(Duration::from_millis(ms));
        }
        order.kill().unwrap();
        order.wait().unwrap();
        let log = Forger::read(&killed);
        let is_there = |kind: &str| (0..log.entries.len()).any(|at| log.kind(at) == kind);
        let (ordered, certified) = (is_there("log.leave-ordered"), is_there("log.leave-certified"));
        if certified {
            assert!(!killed.join("keyring").exists() && !killed.join("keyring.copy").exists());
            assert_eq!(fs::read_dir(killed.join("anchor")).unwrap().count(), 1);
        }
        seen[usize::from(ordered) + usize::from(certified)] += 1;
        if !ordered {
            lethe(&["verify", "--data", path(&killed)]).done();
            leave(&anna, &killed, &["order"]).done();
        }
        refused(&lethe(&["verify", "--data", path(&killed)]), GONE);
        assert!(consistent_at_rest(&killed).left.is_some());
        fs::remove_dir_all(&killed).unwrap();
    }
    assert!(seen[0] == 1 && seen[2] > 0, "{seen:?}");
}
