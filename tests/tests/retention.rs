//! What is over although nobody asked: a year dies while the next one lives, and our clock alone destroys nothing.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use domain::aggregate::Aggregate;
use domain::compartment::Compartment;
use domain::event::Event;
use domain::id::{ActorId, CaseId, ErasureId, HoldId, KeyId, SubjectId, TicketId};
use domain::owner::Person;
use domain::register::{self, CompartmentKind, CountedFrom, Register, Retention, Rule};
use domain::subject::{
    self, Case, Confirmed, CoolingOff, Holding, OutsideSource, OutsideTime, Stage, SubjectKind, UnfenceGround,
};
use domain::ticket::{self, Origin, Priority, Question, Ticket};
use domain::time::Time;
use domain::value::{Line, Text};
use events::keyring::KeyState;
use events::ledger::{Accepted, Clock, Directory, Fresh, Intent, Ledger, Refused, Run};
use replay::rebuild::{self, Booted};
use replay::timestamp::request::Request;
use serde_json::json;
use tests::acts::{self, AGENT, Act, OFFICER, REGISTER, perform, perform_all};
use tests::authority::{Authority, Key, VALID};
use tests::book;
use tests::cast::{Someone, day};
use tests::client::text;
use tests::collected::Collected;
use tests::desk;
use tests::powercut::check::scratch;
use tests::programs::{Ended, issue_token, lethe_audit, program, run as ended};
use tests::server::Server;

const MARIA: Someone = Someone(1);
/// Who says how long things are kept.
const RULER: ActorId = ActorId([3; 16]);
const OLD: Compartment = Compartment::Support(2026);
const NEW: Compartment = Compartment::Support(2027);

fn at(day_text: &str) -> Time {
    day(day_text).start()
}

fn try_say<A: Aggregate>(
    ledger: &Ledger<Collected>,
    (id, by, command): ([u8; 16], ActorId, A::Command),
    effective_at: Option<Time>,
) -> Result<Accepted, Refused<A::Rejection>> {
    let (expected, reads, keys, fresh) = (None, Vec::new(), Vec::new(), Fresh::new());
    let command_id = Fresh::new().id().unwrap();
    ledger.submit_blocking::<A>(&Intent {
        id,
        command,
        command_id,
        actor: by,
        effective_at,
        expected,
        reads,
        keys,
        fresh,
    })
}

fn say<A: Aggregate>(ledger: &Ledger<Collected>, id: [u8; 16], by: ActorId, command: A::Command) {
    try_say::<A>(ledger, (id, by, command), None).unwrap();
}

/// Support dies two years after its own; Maria has a ticket of 2026 and one of 2027.
fn begin(path: &Path) -> Ledger<Collected> {
    let ledger = book::open_or_create(path).unwrap();
    let rule = Rule::AtMost {
        basis: Line::parse("answered long ago").unwrap(),
        months: 24,
        counted_from: CountedFrom::EndOfYear,
    };
    let retention = Retention { kind: CompartmentKind::Support, country: None, rule };
    say::<Register>(&ledger, REGISTER.0, RULER, register::Command::SetRetention(retention));
    perform_all(&ledger, MARIA, &Act::DAILY);
    ledger.clock().set(at("2027-05-10"));
    try_say::<Ticket>(&ledger, (Fresh::new().id::<TicketId>().unwrap().0, AGENT, question()), None).unwrap();
    ledger
}

fn question() -> ticket::Command {
    ticket::Command::Open {
        person: Some(Person { subject: MARIA.subject(), contact: MARIA.contact() }),
        company: None,
        question: Question { line: Line::parse("once more").unwrap(), body: MARIA.text("once more") },
        message: Fresh::new().id().unwrap(),
        priority: Priority::Normal,
        origin: Origin::Email,
    }
}

fn boot_at(path: &Path, now: Time) -> (Ledger<Collected>, Booted) {
    let open = || Directory::open(path, book::options(), &|_, _| {}).map_err(|failed| failed.to_string());
    let directory = book::patiently(open).unwrap();
    rebuild::boot(directory, Collected::default(), Clock::set_to(now), &|_, _| {}).unwrap()
}

fn run(ledger: &Ledger<Collected>) -> Run {
    try_run(ledger).unwrap()
}

fn try_run(ledger: &Ledger<Collected>) -> Result<Run, events::ledger::EraseError> {
    ledger.fence_due(REGISTER, AGENT, CoolingOff::NONE, &|_| SubjectKind::Person, &mut |done, of| assert!(done <= of))
}

/// The retentions that were fenced and not lifted, each in its case.
fn fenced(ledger: &Ledger<Collected>) -> Vec<(CaseId, ErasureId)> {
    let fenced = ledger.fenced_retentions();
    for (case, erasure) in &fenced {
        let (_, state) = ledger.state::<Case>(&case.0).unwrap();
        let found = state.erasures().iter().find(|it| it.id == *erasure).unwrap();
        assert!(found.is_retention() && found.stage == Stage::Fenced, "{found:?}");
    }
    fenced
}

fn confirm(ledger: &Ledger<Collected>, by: ActorId, confirmed: &Confirmed) -> Result<usize, String> {
    let answers = ledger.confirm_retention(REGISTER, by, &fenced(ledger), confirmed, None).unwrap();
    answers
        .into_iter()
        .map(|answer| answer.map_err(|no| no.to_string()))
        .collect::<Result<Vec<_>, _>>()
        .map(|all| all.len())
}

fn destroy(ledger: &Ledger<Collected>) -> Vec<Result<(), String>> {
    let due: Vec<_> = fenced(ledger).into_iter().map(|(case, erasure)| (case, erasure, OFFICER)).collect();
    let done = ledger.destroy_all(REGISTER, &due).unwrap();
    done.into_iter().map(|done| done.map(drop).map_err(|no| no.to_string())).collect()
}

fn key(ledger: &Ledger<Collected>, compartment: Compartment) -> KeyId {
    ledger.owners().key(MARIA.subject(), compartment).unwrap()
}

fn outside(time: Time) -> Confirmed {
    let by = Line::parse("witness.example/w1").unwrap();
    Confirmed::Outside(OutsideTime { source: OutsideSource::Witness, at: time, by, size: 1 })
}

#[test]
fn a_year_dies_while_the_next_one_lives_and_the_customer_stays() {
    let home = scratch();
    let ledger = begin(home.path());
    ledger.clock().set(at("2028-12-31"));
    assert_eq!((run(&ledger), ledger.due(REGISTER).unwrap()), (Run::default(), vec![]), "its last day is not over");
    let (old, new) = (key(&ledger, OLD), key(&ledger, NEW));

    ledger.clock().set(at("2029-01-01"));
    let due = ledger.due(REGISTER).unwrap();
    assert!(due.iter().all(|due| due.over.compartment == OLD && due.over.until == day("2028-12-31")), "{due:?}");
    let done = run(&ledger);
    assert_eq!((done.fenced, done.keys), (2, 2), "hers and that of her company, which stands in the same ticket");
    assert_eq!(run(&ledger), Run::default(), "once is enough");
    assert_eq!(ledger.keyring().state(&old), KeyState::Fenced);
    assert!(perform(&ledger, MARIA, Act::Reply).is_err(), "nobody writes under a fenced key");
    let own = confirm(&ledger, AGENT, &Confirmed::Person).unwrap_err();
    assert!(own.contains("another person must confirm"), "{own}");
    let alone = destroy(&ledger);
    assert!(alone.iter().all(|no| no.as_ref().unwrap_err().contains("by our clock alone")), "{alone:?}");

    let ruler = confirm(&ledger, RULER, &Confirmed::Person).unwrap_err();
    assert!(ruler.contains("said yourself how long"), "{ruler}");
    assert_eq!(confirm(&ledger, OFFICER, &Confirmed::Person), Ok(2));
    let epoch = ledger.keyring().epoch();
    assert_eq!(destroy(&ledger), [Ok(()), Ok(())]);
    assert_eq!(ledger.keyring().epoch(), epoch + 1, "both in one rotation");
    assert!(matches!(ledger.keyring().state(&old), KeyState::Erased { .. }));
    assert!(matches!(ledger.keyring().state(&new), KeyState::Live(_)));
    let relationship = key(&ledger, Compartment::Relationship);
    assert!(matches!(ledger.keyring().state(&relationship), KeyState::Live(_)), "she stays a customer");
    let lived = ledger.views().digest();
    drop(ledger);

    let (ledger, booted) = boot_at(home.path(), at("2029-01-01"));
    assert_eq!((booted.finished, ledger.views().digest()), (0, lived), "replay is as it was live");
    ledger.clock().set(at("2029-01-02"));
    let late = (Fresh::new().id::<TicketId>().unwrap().0, AGENT, question());
    let refused = try_say::<Ticket>(&ledger, late, Some(at("2026-11-11")));
    assert!(matches!(refused, Err(Refused::Fenced)), "its bucket stays closed: {refused:?}");
    let now = (Fresh::new().id::<TicketId>().unwrap().0, AGENT, question());
    try_say::<Ticket>(&ledger, now, None).unwrap();
    assert_eq!(ledger.due(REGISTER).unwrap(), []);
}

#[test]
fn a_clock_at_2038_and_back_destroys_nothing_also_across_a_restart() {
    let home = scratch();
    let ledger = begin(home.path());
    let held = ledger.views().held_of(MARIA.subject());
    ledger.clock().set(at("2038-01-19"));
    assert_eq!(run(&ledger).fenced, 2);
    assert!(destroy(&ledger).iter().all(Result::is_err));
    drop(ledger);
    let (ledger, booted) = boot_at(home.path(), at("2038-01-20"));
    assert_eq!(booted.finished, 0);
    assert!(destroy(&ledger).iter().all(Result::is_err));
    let witness = confirm(&ledger, OFFICER, &outside(at("2027-05-10"))).unwrap_err();
    assert!(witness.contains("more than a day from ours"), "{witness}");
    drop(ledger);

    let now = at("2027-05-11");
    let (ledger, _) = boot_at(home.path(), now);
    let early = confirm(&ledger, OFFICER, &Confirmed::Person).unwrap_err();
    assert!(early.contains("is kept until 20"), "also where the log says 2038: {early}");
    assert!(try_run(&ledger).is_err(), "nothing is written before somebody says what time it is");
    ledger.confirm_clock().unwrap();
    assert_eq!(run(&ledger), Run { lifted: 2, ..Run::default() });
    for compartment in [OLD, NEW, Compartment::Relationship] {
        assert!(matches!(ledger.keyring().state(&key(&ledger, compartment)), KeyState::Live(_)), "{compartment}");
    }
    assert!(ledger.views().held_of(MARIA.subject()) >= held, "all is read again");
    assert_eq!(fenced(&ledger), []);
    let lived = ledger.views().digest();
    drop(ledger);
    let (ledger, _) = boot_at(home.path(), now);
    assert_eq!(ledger.views().digest(), lived);
    ledger.confirm_clock().unwrap();
    perform(&ledger, MARIA, Act::Note).unwrap();
}

/// The clock was at 2038 when something was written, and an operator said later that it was not: all goes on by the time that is.
#[test]
fn behind_2038_what_is_over_dies_and_what_is_not_does_not() {
    let home = scratch();
    let ledger = begin(home.path());
    ledger.clock().set(at("2038-01-19"));
    perform(&ledger, Someone(2), Act::Contact).unwrap();
    drop(ledger);
    let (ledger, _) = boot_at(home.path(), at("2028-12-31"));
    ledger.confirm_clock().unwrap();
    assert_eq!(run(&ledger), Run::default(), "its last day is not over, whatever the log says");
    let old = key(&ledger, OLD);
    drop(ledger);
    let (ledger, _) = boot_at(home.path(), at("2029-01-01"));
    ledger.confirm_clock().unwrap();
    let wait = CoolingOff { asked_ms: Time::DAY_MS, is_demo: false };
    let fence = |_: SubjectId| SubjectKind::Person;
    assert_eq!(ledger.fence_due(REGISTER, AGENT, wait, &fence, &mut |_, _| ()).unwrap().fenced, 2);
    assert_eq!(confirm(&ledger, OFFICER, &Confirmed::Person), Ok(2));
    assert!(destroy(&ledger).iter().all(|early| early.as_ref().unwrap_err().contains("from 2029-01-02")));
    ledger.clock().set(at("2029-01-02"));
    assert_eq!(destroy(&ledger), [Ok(()), Ok(())]);
    assert!(matches!(ledger.keyring().state(&old), KeyState::Erased { .. }));
}

/// Two people agreed that it is over, and then a third kept it longer: the register as it is counts.
#[test]
fn what_the_register_keeps_longer_since_is_not_destroyed() {
    let home = scratch();
    let ledger = begin(home.path());
    ledger.clock().set(at("2029-01-01"));
    run(&ledger);
    assert_eq!(confirm(&ledger, OFFICER, &Confirmed::Person), Ok(2));
    let basis = Line::parse("a law that came since").unwrap();
    let rule = Rule::Kept { basis, months: 120, counted_from: CountedFrom::EndOfYear };
    let longer = Retention { kind: CompartmentKind::Support, country: None, rule };
    say::<Register>(&ledger, REGISTER.0, RULER, register::Command::SetRetention(longer));
    let kept = destroy(&ledger);
    assert!(kept.iter().all(|no| no.as_ref().unwrap_err().contains("is kept until 2036-12-31")), "{kept:?}");
    for (case, erasure) in fenced(&ledger) {
        assert!(ledger.order_destruction(REGISTER, case, erasure, OFFICER, None, None).is_err());
    }
    assert_eq!(run(&ledger).lifted, 2);
    assert!(matches!(ledger.keyring().state(&key(&ledger, OLD)), KeyState::Live(_)));
}

#[test]
fn a_time_from_outside_must_be_fresh_and_past_the_last_day() {
    let home = scratch();
    let ledger = begin(home.path());
    let now = at("2029-01-01").plus_ms(3_600_000);
    ledger.clock().set(now);
    run(&ledger);
    let says = |time| confirm(&ledger, AGENT, &outside(time)).map_err(|no| no.chars().take(20).collect::<String>());
    assert_eq!(says(now.plus_ms(-Time::DAY_MS)), Err("the time outside was".into()));
    assert_eq!(says(now.plus_ms(Time::DAY_MS)), Err("the time outside was".into()));
    assert_eq!(says(now.plus_ms(-3_600_001)), Err("support(2026) is kep".into()), "there it is New Year's Eve");
    assert_eq!(says(now.plus_ms(-3_600_000)), Ok(2));
    assert_eq!(destroy(&ledger), [Ok(()), Ok(())]);
}

#[test]
fn what_a_hold_keeps_is_not_fenced_and_what_was_fenced_is_read_again() {
    let home = scratch();
    let ledger = begin(home.path());
    ledger.clock().set(at("2029-01-01"));
    perform_all(&ledger, MARIA, &[Act::Case]);
    let (case, hold) = (acts::case(MARIA).0, HoldId([7; 16]));
    let place = |hold| {
        let matter = Text::parse("Anders against Muster").unwrap();
        let holding = Holding { compartments: vec![OLD], review_on: day("2031-01-01"), matter };
        say::<Case>(&ledger, case, AGENT, subject::Command::PlaceHold { hold, holding });
        say::<Case>(&ledger, case, OFFICER, subject::Command::ApproveHold { hold });
    };
    place(hold);
    let done = run(&ledger);
    assert_eq!((done.held, done.fenced), (1, 1), "her company's is fenced");
    let held: Vec<_> = ledger.due(REGISTER).unwrap().into_iter().filter_map(|due| due.hold).collect();
    assert_eq!(held, [hold]);
    say::<Case>(&ledger, case, AGENT, subject::Command::LiftHold { hold });
    say::<Case>(&ledger, case, OFFICER, subject::Command::ApproveLift { hold });
    assert_eq!(run(&ledger).fenced, 1, "hers, in the case that she had");

    assert_eq!(confirm(&ledger, OFFICER, &Confirmed::Person), Ok(2));
    place(HoldId([8; 16]));
    let answers = destroy(&ledger);
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1, "{answers:?}");
    assert_eq!(ledger.keyring().state(&key(&ledger, OLD)), KeyState::Fenced);
    assert_eq!(run(&ledger).lifted, 1);
    assert!(matches!(ledger.keyring().state(&key(&ledger, OLD)), KeyState::Live(_)));
    let grounds: Vec<_> = book::read_all(&ledger)
        .unwrap()
        .into_iter()
        .filter_map(|recorded| match recorded.event {
            Event::Case(subject::Event::Unfenced { ground, .. }) => Some(ground),
            _ => None,
        })
        .collect();
    assert_eq!(grounds, [UnfenceGround::NeededForClaims]);
}

#[test]
fn an_erasure_takes_along_what_a_retention_fenced() {
    let home = scratch();
    let ledger = begin(home.path());
    ledger.clock().set(at("2029-01-01"));
    perform_all(&ledger, MARIA, &[Act::Case, Act::Link]);
    run(&ledger);
    let (old, case) = (key(&ledger, OLD), acts::case(MARIA));
    perform_all(&ledger, MARIA, &[Act::Request]);
    acts::approve(&ledger, MARIA).unwrap();
    let (_, state) = ledger.state::<Case>(&case.0).unwrap();
    let stages: Vec<_> = state.erasures().iter().map(|it| (it.is_retention(), it.stage)).collect();
    assert_eq!(stages, [(true, Stage::Withdrawn), (false, Stage::Fenced)]);
    acts::destroy(&ledger, MARIA).unwrap();
    assert!(matches!(ledger.keyring().state(&old), KeyState::Erased { .. }));
    let lived = ledger.views().digest();
    drop(ledger);
    assert_eq!(boot_at(home.path(), at("2029-01-01")).0.views().digest(), lived);
}

#[test]
fn what_an_erasure_left_ends_on_the_day_its_certificate_says() {
    let home = scratch();
    let ledger = begin(home.path());
    perform_all(&ledger, MARIA, &[Act::Case, Act::Link, Act::Request]);
    acts::approve(&ledger, MARIA).unwrap();
    acts::destroy(&ledger, MARIA).unwrap();
    drop(ledger);
    let (ledger, _) = boot_at(home.path(), at("2030-12-31"));
    let hers = |ledger: &Ledger<Collected>| {
        let due = ledger.due(REGISTER).unwrap();
        let hers = due.into_iter().filter(|due| due.subject == MARIA.subject());
        hers.map(|due| due.over.compartment).collect::<Vec<_>>()
    };
    assert_eq!(hers(&ledger), [], "three years from the end of 2027");
    ledger.clock().set(at("2031-01-01"));
    let left = [Compartment::ConsentProof, Compartment::Claims];
    assert_eq!(hers(&ledger).into_iter().collect::<BTreeSet<_>>(), BTreeSet::from(left));
    run(&ledger);
    confirm(&ledger, OFFICER, &Confirmed::Person).unwrap();
    assert!(destroy(&ledger).iter().all(Result::is_ok));
    assert_eq!(ledger.owners().keys_of(MARIA.subject()), [], "nothing is left of her");
    drop(ledger);
    let (ledger, _) = boot_at(home.path(), at("2031-01-02"));
    assert_eq!(run(&ledger), Run::default());
}

#[test]
fn a_crash_behind_any_step_destroys_what_was_ordered_and_nothing_else() {
    let home = scratch();
    let ledger = begin(home.path());
    let now = at("2029-01-01");
    ledger.clock().set(now);
    run(&ledger);
    let old = key(&ledger, OLD);
    drop(ledger);
    let (ledger, booted) = boot_at(home.path(), now);
    assert_eq!((booted.finished, ledger.keyring().state(&old)), (0, KeyState::Fenced));
    assert_eq!(confirm(&ledger, OFFICER, &Confirmed::Person), Ok(2));
    drop(ledger);
    let (ledger, booted) = boot_at(home.path(), now);
    assert_eq!((booted.finished, ledger.keyring().state(&old)), (0, KeyState::Fenced), "confirmed is not ordered");
    assert_eq!(confirm(&ledger, OFFICER, &Confirmed::Person), Ok(2), "saying it again changes nothing");
    for (case, erasure) in fenced(&ledger) {
        ledger.order_destruction(REGISTER, case, erasure, OFFICER, None, None).unwrap();
    }
    assert_eq!(ledger.keyring().state(&old), KeyState::Fenced);
    drop(ledger);
    let (ledger, booted) = boot_at(home.path(), now);
    assert_eq!(booted.finished, 2);
    assert!(matches!(ledger.keyring().state(&old), KeyState::Erased { .. }));
}

const FENCED: &str = "withheld: the register says that its time is over";
const ERASED: &str = "erased (logical: the key was destroyed in a file, anchor level A0)";

/// `lethe retention …` in somebody's name.
fn lethe_as(token: Option<&str>, data: &Path, arguments: &[&str]) -> Ended {
    let mut command = Command::new(program("lethe"));
    command.arg("retention").args(arguments).arg("--data").arg(data).env_remove("LETHE_TOKEN");
    if let Some(token) = token {
        command.env("LETHE_TOKEN", token);
    }
    ended(&mut command)
}

#[test]
fn an_operator_runs_it_beside_the_server_and_a_second_person_confirms_at_rest() {
    let home = scratch();
    let data = home.path().join("ledger");
    let server = Server::at(&data, &["--cooling-off", "0"]);
    let (agent, dpo) = (server.client("agent"), server.client("dpo"));
    let second = server.token("dpo", "Second");
    let at_most = json!({ "basis": "answered long ago", "months": 24, "countedFrom": "END_OF_YEAR" });
    dpo.change("setRetention", &json!({ "compartment": "SUPPORT", "rule": { "atMost": at_most } }), "");
    let wanda = desk::register(&agent, "Wanda", "Weg", "wanda@example.org");
    let ticket = json!({
        "contactId": wanda.id, "origin": "EMAIL", "subjectLine": "Old", "body": "Very old",
        "effectiveAt": "2020-02-03T10:00:00Z",
    });
    let ticket = text(&agent.change("openTicket", &ticket, "ticket { id }")["ticket"]["id"]);

    let dry = lethe_as(None, &data, &["run", "--dry-run"]).done();
    assert!(dry.contains("1 keys are over") && dry.contains("support(2020)") && dry.contains("not fenced"), "{dry}");
    assert!(!dry.contains("Wanda"), "{dry}");
    let stranger = lethe_as(Some("lethe_00"), &data, &["run"]);
    assert!(stranger.code == Some(1) && stranger.err.contains("not known here"), "{stranger:?}");
    let agents = lethe_as(Some(agent.token()), &data, &["run"]);
    assert!(agents.err.contains("only a data protection officer"), "{agents:?}");
    let fenced = lethe_as(Some(dpo.token()), &data, &["run"]).done();
    assert!(fenced.contains("fenced now: 1 keys of 1 subjects") && fenced.contains("fenced by erasure_"), "{fenced}");
    let read =
        |what: &str| agent.ask(&format!("{{ ticket(id: \"{ticket}\") {{ {what} }} }}"), json!({}))["ticket"].clone();
    assert_eq!(read("subjectLine erasure { reason }"), json!({ "subjectLine": null, "erasure": { "reason": FENCED } }));
    let own = lethe_as(Some(dpo.token()), &data, &["confirm", "--all"]);
    assert!(own.code == Some(1) && own.err.contains("another person must confirm"), "{own:?}");
    let nobody = lethe_as(None, &data, &["confirm", "--all"]);
    assert!(nobody.code == Some(1) && nobody.err.contains("LETHE_TOKEN"), "{nobody:?}");
    server.stop();

    let said = lethe_as(Some(&second), &data, &["confirm", "--all"]).done();
    assert!(said.contains("confirmed: 1, destroyed now: 1"), "{said}");
    let over = lethe_as(None, &data, &["run"]).done();
    assert!(over.contains("Nothing is over."), "{over}");
    lethe_audit(&["verify", data.to_str().unwrap()]).done();
    let server = Server::at(&data, &[]);
    let agent = server.client("agent");
    let gone = format!("{{ ticket(id: \"{ticket}\") {{ erasure {{ reason }} contact {{ name }} }} }}");
    assert_eq!(agent.ask(&gone, json!({}))["ticket"], json!({ "erasure": { "reason": ERASED }, "contact": null }));
    let name = format!("{{ contact(id: \"{}\") {{ lastName }} }}", wanda.id);
    assert_eq!(agent.ask(&name, json!({}))["contact"]["lastName"], "Weg", "she stays a customer");
}

/// A ledger in a directory where a ticket of 2020 is over, and was fenced by nobody in particular: a checkpoint of it, and the
/// token of a DPO.
fn fenced_by_the_machine(data: &Path) -> (String, String) {
    let server = Server::at(data, &["--cooling-off", "0"]);
    let (agent, dpo) = (server.client("agent"), server.client("dpo"));
    let at_most = json!({ "basis": "answered long ago", "months": 24, "countedFrom": "END_OF_YEAR" });
    dpo.change("setRetention", &json!({ "compartment": "SUPPORT", "rule": { "atMost": at_most } }), "");
    let wanda = desk::register(&agent, "Wanda", "Weg", "wanda@example.org");
    let ticket = json!({
        "contactId": wanda.id, "origin": "EMAIL", "subjectLine": "Old", "body": "Very old",
        "effectiveAt": "2020-02-03T10:00:00Z",
    });
    agent.change("openTicket", &ticket, "ticket { id }");
    lethe_as(None, data, &["run"]).done();
    let checkpoint = server.client("auditor").get_path("/log/checkpoint").text().unwrap();
    let token = dpo.token().to_owned();
    server.stop();
    (checkpoint, token)
}

#[test]
#[ignore = "needs openssl"]
fn an_authority_whose_token_is_for_this_log_confirms_and_no_other() {
    let home = scratch();
    let data = home.path().join("ledger");
    let (checkpoint, officer) = fenced_by_the_machine(&data);
    let authority = Authority::new(Key::P256);
    authority.issue("stamper", "stamps", "root", VALID);
    let stamp = |name: &str, of: &str| {
        authority.write(name, of.as_bytes());
        let request = Request::of(of.as_bytes(), None).unwrap().bytes().unwrap();
        authority.write("request", &request);
        authority.answer(&authority.path("request"), "tsa", "stamper", &format!("{name}.tsr"), &[]);
    };
    stamp("ours", &checkpoint);
    let bent = checkpoint.replacen("lethe.local/log", "other.local/log", 1);
    assert_ne!(bent, checkpoint);
    stamp("bent", &bent);
    let path = |name: &str| authority.path(name).to_str().unwrap().to_owned();
    let confirm_as = |who: Option<&str>, token: &str, of: &str| {
        let (token, of, root) = (path(token), path(of), path("root.pem"));
        let more = ["confirm", "--timestamp", &token, "--checkpoint", &of, "--certificate", &root];
        lethe_as(who, &data, &more)
    };
    let confirm = |token: &str, of: &str| confirm_as(Some(&officer), token, of);
    let nobody = confirm_as(None, "ours.tsr", "ours");
    assert!(nobody.code == Some(1) && nobody.err.contains("LETHE_TOKEN"), "{nobody:?}");
    for (token, of, why) in [("bent.tsr", "bent", "is wrong"), ("bent.tsr", "ours", "other bytes")] {
        let refused = confirm(token, of);
        assert!(refused.code == Some(1) && refused.err.contains(why), "{refused:?}");
    }
    // Whoever set the rule could have made this authority too.
    let own = confirm("ours.tsr", "ours");
    assert!(own.code == Some(1) && own.err.contains("you said yourself how long this is kept"), "{own:?}");
    let settings = home.path().join("lethe.toml");
    std::fs::write(&settings, format!("[log]\nauthorities = [\"{}\"]\n", path("root.pem"))).unwrap();
    let server = Server::at(&data, &["--cooling-off", "0", "--config", settings.to_str().unwrap()]);
    let (token, of) = (path("ours.tsr"), path("ours"));
    let of_settings = ["confirm", "--timestamp", &token, "--checkpoint", &of];
    let nobody = lethe_as(None, &data, &of_settings);
    assert!(nobody.code == Some(1) && nobody.err.contains("LETHE_TOKEN"), "{nobody:?}");
    let said = lethe_as(Some(&officer), &data, &of_settings).done();
    assert!(said.contains("by CN=Test stamper") && said.contains("destroyed now: 1"), "{said}");
    server.stop();
}

/// One DPO had the keys fenced; another may say that an authority is one to trust.
#[test]
#[ignore = "needs openssl"]
fn an_authority_that_nobody_named_needs_a_second_person() {
    let home = scratch();
    let data = home.path().join("ledger");
    let (checkpoint, ruler) = fenced_by_the_machine(&data);
    let second = issue_token(&data, "dpo", "Second", &[]);
    let authority = Authority::new(Key::P256);
    authority.issue("stamper", "stamps", "root", VALID);
    authority.write("ours", checkpoint.as_bytes());
    authority.write("request", &Request::of(checkpoint.as_bytes(), None).unwrap().bytes().unwrap());
    authority.answer(&authority.path("request"), "tsa", "stamper", "ours.tsr", &[]);
    let path = |name: &str| authority.path(name).to_str().unwrap().to_owned();
    let (token, of, root) = (path("ours.tsr"), path("ours"), path("root.pem"));
    let confirm = ["confirm", "--timestamp", &token, "--checkpoint", &of, "--certificate", &root];
    let without = lethe_as(Some(&second), &data, &confirm[..5]);
    assert!(without.code == Some(1) && without.err.contains("no authority is named"), "{without:?}");
    let own = lethe_as(Some(&ruler), &data, &confirm);
    assert!(own.code == Some(1) && own.err.contains("another person must confirm"), "{own:?}");
    let said = lethe_as(Some(&second), &data, &confirm).done();
    assert!(said.contains("destroyed now: 1"), "{said}");
}
