use std::thread;

use domain::actor::Role;
use domain::id::{CaseId, ErasureId, OrganizationId, SubjectId, TicketId};
use domain::owner::{Company, Person};
use domain::subject::{self, Asked, AskedHow, Case, Ground, IdentityCheck, Request, Stage, SubjectKind};
use domain::ticket::{self, Origin, Priority, Question, Ticket};
use domain::time::Time;
use domain::value::{Line, Text};
use events::ledger::{EraseError, Fresh, Refused};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::app::{App, Envelope, intent};
use crate::graphql::testing::{Desk, NOW, command_id};

const ERASURE: &str = "erasure { id stage due overdue requestedBy approvedBy words refusalWords keys compartments
    destroyableFrom steps { stage position actor } contacts { name } people { name } unfenced refused
    certificate { level words epochBefore epochAfter survives { compartment basis until } links } }";
const REST: &str = "position repeated revision errors { message code path }";

fn request(whose: &str, more: &str) -> String {
    format!(
        "requestErasure(input: {{ {whose} ground: CONSENT_WITHDRAWN how: EMAIL askedOn: \"2026-09-20\"
            identityCheck: KNOWN_POINT identityOn: \"2026-09-21\" {more} }}) {{ {ERASURE} {REST} }}"
    )
}

fn requested(desk: &Desk, contact: &str) -> String {
    let done = desk.done(&request(&format!("contactId: \"{contact}\""), "words: \"please forget me\""));
    done["erasure"]["id"].as_str().unwrap().to_owned()
}

fn approve(erasure: &str, command_id: &str) -> String {
    format!("approveErasure(input: {{ erasureId: \"{erasure}\" commandId: \"{command_id}\" }}) {{ {ERASURE} {REST} }}")
}

fn read(desk: &Desk, contact: &str) -> Value {
    desk.get(Role::Agent, &format!("{{ contact(id: \"{contact}\") {{ name erasure {{ reason erasure }} }} }}"))["contact"]
        .clone()
}

fn ids(desk: &Desk, erasure: &str) -> (CaseId, ErasureId) {
    let id: ErasureId = erasure.parse().unwrap();
    (desk.app.ledger().views().erasure(id).unwrap().facts.case, id)
}

fn stage(desk: &Desk, erasure: &str) -> Stage {
    desk.app.ledger().views().erasure(erasure.parse().unwrap()).unwrap().facts.stage
}

#[test]
fn a_person_is_forgotten_and_the_certificate_says_how() {
    let desk = Desk::open();
    let maria = desk.contact("Maria");
    let command = command_id();
    let asked = request(&format!("contactId: \"{maria}\""), &format!("words: \"forget me\" commandId: \"{command}\""));
    let first = desk.done(&asked);
    assert_eq!(first["erasure"]["stage"], "REQUESTED");
    assert_eq!(first["erasure"]["due"], "2026-10-20", "one month after it came in");
    assert_eq!(first["erasure"]["words"], "forget me");
    assert_eq!(first["erasure"]["contacts"], json!([{ "name": "Maria" }]));
    let again = desk.done(&asked);
    assert_eq!((&again["repeated"], &again["position"]), (&json!(true), &first["position"]));
    assert_eq!(again["erasure"]["id"], first["erasure"]["id"]);
    let other = desk.refused(Role::Agent, &request(&format!("contactId: \"{maria}\""), ""));
    assert_eq!(other.0, "CONFLICT", "one at a time: {}", other.2);

    let erasure = first["erasure"]["id"].as_str().unwrap();
    assert_eq!(desk.refused(Role::Agent, &approve(erasure, &command_id())).0, "PERMISSION");
    let command = command_id();
    let approved = desk.tried(Role::Dpo, &approve(erasure, &command));
    assert_eq!(approved["errors"], json!([]), "{approved}");
    let done = &approved["erasure"];
    assert_eq!(done["stage"], "CERTIFIED");
    let steps: Vec<_> = done["steps"].as_array().unwrap().iter().map(|step| step["stage"].as_str().unwrap()).collect();
    assert_eq!(steps, ["REQUESTED", "APPROVED", "FENCED", "DESTRUCTION_ORDERED", "CERTIFIED"]);
    assert_eq!(done["approvedBy"], desk.viewer(Role::Dpo).actor.to_string());
    assert_eq!((&done["keys"], &done["compartments"]), (&json!(1), &json!(["relationship"])));
    assert_eq!(done["certificate"]["level"], "A0");
    assert!(done["certificate"]["words"].as_str().unwrap().contains("logical"));
    assert_eq!(done["certificate"]["survives"][0]["compartment"], "claims");
    let links: Vec<&str> =
        done["certificate"]["links"].as_array().unwrap().iter().map(|it| it.as_str().unwrap()).collect();
    let until = done["certificate"]["survives"][0]["until"].as_str().unwrap();
    assert_eq!(
        links.iter().filter(|link| link.contains(until)).count(),
        2,
        "keys that are kept, and the case file: {links:?}"
    );
    assert!(links.len() == 5 && links[4].contains("Other systems"), "{links:?}");
    assert_eq!(done["contacts"], json!(null));
    desk.until_swept(erasure);
    let again = desk.tried(Role::Dpo, &approve(erasure, &command));
    assert_eq!((&again["repeated"], &again["position"]), (&json!(true), &approved["position"]));

    let gone = read(&desk, &maria);
    assert_eq!((&gone["name"], &gone["erasure"]["erasure"]), (&json!(null), &json!(erasure)));
    assert!(gone["erasure"]["reason"].as_str().unwrap().contains("logical"));
    let twice = desk.refused(Role::Agent, &request(&format!("contactId: \"{maria}\""), ""));
    assert_eq!(twice.0, "ERASED");
    let desk = desk.restart();
    assert_eq!(read(&desk, &maria), gone);
    let listed = desk.get(Role::Dpo, "{ erasures(first: 5, stages: [CERTIFIED]) { edges { node { id overdue } } } }");
    assert_eq!(listed["erasures"]["edges"], json!([{ "node": { "id": erasure, "overdue": false } }]));
}

#[test]
fn who_asked_does_not_decide() {
    let desk = Desk::open();
    let maria = desk.contact("Maria");
    let own = desk.tried(Role::Dpo, &request(&format!("contactId: \"{maria}\""), ""));
    let erasure = own["erasure"]["id"].as_str().unwrap();
    assert_eq!(desk.refused(Role::Dpo, &approve(erasure, &command_id())).0, "PERMISSION");
    let refuse =
        format!("refuseErasure(input: {{ erasureId: \"{erasure}\" ground: NO_GROUND }}) {{ {ERASURE} {REST} }}");
    assert_eq!(desk.refused(Role::Dpo, &refuse).0, "PERMISSION");
    assert_eq!(stage(&desk, erasure), Stage::Requested);
    assert_eq!(read(&desk, &maria)["name"], "Maria");
}

#[test]
fn what_is_refused_or_withdrawn_changes_nothing_about_the_person() {
    let desk = Desk::open();
    let maria = desk.contact("Maria");
    let first = requested(&desk, &maria);
    let refused = desk.tried(
        Role::Dpo,
        &format!("refuseErasure(input: {{ erasureId: \"{first}\" ground: CLAIMS words: \"a claim\" }}) {{ {ERASURE} {REST} }}"),
    );
    assert_eq!(refused["erasure"]["stage"], "REFUSED", "{refused}");
    assert_eq!(
        (&refused["erasure"]["refused"], &refused["erasure"]["refusalWords"]),
        (&json!("CLAIMS"), &json!("a claim"))
    );
    assert_eq!(desk.refused(Role::Dpo, &approve(&first, &command_id())).0, "CONFLICT");
    let second = requested(&desk, &maria);
    assert_eq!(ids(&desk, &first).0, ids(&desk, &second).0, "in the same case");
    let withdraw = format!("withdrawErasureRequest(input: {{ erasureId: \"{second}\" }}) {{ {ERASURE} {REST} }}");
    assert_eq!(desk.done(&withdraw)["erasure"]["stage"], "WITHDRAWN");
    assert_eq!(read(&desk, &maria)["name"], "Maria");
    let missing = desk.refused(Role::Dpo, &approve("erasure_00000000000000000000000000000000", &command_id()));
    assert_eq!((missing.0.as_str(), missing.1.as_str()), ("NOT_FOUND", "erasureId"));
}

/// The same ledger with a cooling-off of one day.
fn cooling(desk: &Desk) -> App {
    let mut app = desk.app.clone();
    app.cooling_off_ms = Time::DAY_MS;
    app
}

#[test]
fn a_cooling_off_gives_the_person_back_when_the_request_is_withdrawn() {
    let desk = Desk::open();
    let (maria, anna) = (desk.contact("Maria"), desk.contact("Anna"));
    let app = cooling(&desk);
    let dpo = desk.viewer(Role::Dpo).actor;
    let (first, second) = (requested(&desk, &maria), requested(&desk, &anna));
    for erasure in [&first, &second] {
        let (case, erasure) = ids(&desk, erasure);
        app.approve_erasure(dpo, case, erasure, Envelope::default()).unwrap();
    }
    assert_eq!((stage(&desk, &first), &read(&desk, &maria)["name"]), (Stage::Fenced, &json!(null)));
    assert!(read(&desk, &maria)["erasure"]["reason"].as_str().unwrap().starts_with("withheld"));
    assert_eq!(app.destroy_due().unwrap(), 0);
    let withdraw = format!("withdrawErasureRequest(input: {{ erasureId: \"{first}\" }}) {{ {ERASURE} {REST} }}");
    let size = desk.size();
    for role in [Role::Agent, Role::Integration] {
        assert_eq!(desk.refused(role, &withdraw).0, "PERMISSION", "{role:?} undoes what two people agreed to");
    }
    assert_eq!((desk.size(), stage(&desk, &first)), (size, Stage::Fenced));
    let withdrawn = desk.tried(Role::Dpo, &withdraw);
    assert_eq!(
        (&withdrawn["erasure"]["stage"], &withdrawn["erasure"]["unfenced"]),
        (&json!("WITHDRAWN"), &json!("REQUEST_WITHDRAWN"))
    );
    assert_eq!(withdrawn["erasure"]["approvedBy"], dpo.to_string(), "a lifted fence is nobody's approval");
    assert_eq!(read(&desk, &maria)["name"], "Maria");
    app.ledger().clock().set(NOW.plus_ms(Time::DAY_MS));
    assert_eq!(app.destroy_due().unwrap(), 1, "the one that nobody withdrew");
    assert_eq!((stage(&desk, &first), stage(&desk, &second)), (Stage::Withdrawn, Stage::Certified));
    assert_eq!(read(&desk, &anna)["name"], json!(null));
}

/// The portal ended with one call what a data protection officer had written down.
#[test]
fn only_who_wrote_a_request_down_takes_it_back_or_an_officer() {
    let mut desk = Desk::open();
    let erasure = requested(&desk, &desk.contact("Maria"));
    let withdraw = format!("withdrawErasureRequest(input: {{ erasureId: \"{erasure}\" }}) {{ {ERASURE} {REST} }}");
    let size = desk.size();
    let (code, _, words) = desk.refused(Role::Integration, &withdraw);
    assert!(code == "PERMISSION" && words.contains("somebody else wrote this request down"), "{code} {words}");
    assert_eq!((desk.size(), stage(&desk, &erasure)), (size, Stage::Requested));
    desk.relieve(Role::Agent);
    assert_eq!(desk.refused(Role::Agent, &withdraw).0, "PERMISSION");
    assert_eq!(desk.tried(Role::Dpo, &withdraw)["erasure"]["stage"], "WITHDRAWN");
}

/// One record of 2038, and the clock back: an operator said that it is 2026, and nobody waits for twelve years.
#[test]
fn behind_a_wrong_later_time_an_erasure_takes_no_longer() {
    for wait in [0, Time::DAY_MS] {
        let mut desk = Desk::open().cooling(wait);
        let maria = desk.contact("Maria");
        let clock = |desk: &Desk, time: Time| desk.app.ledger().clock().set(time);
        clock(&desk, Time(2_147_483_648_000));
        desk.contact("Late");
        let today = NOW.plus_ms(60_000);
        clock(&desk, today);
        desk.app.ledger().confirm_clock().unwrap();
        let erasure = requested(&desk, &maria);
        let approved = desk.tried(Role::Dpo, &approve(&erasure, &command_id()));
        assert_eq!(approved["errors"], json!([]), "{approved}");
        if wait > 0 {
            let query = format!("{{ erasure(id: \"{erasure}\") {{ destroyableFrom waitsFor }} }}");
            let shown = desk.get(Role::Dpo, &query)["erasure"].clone();
            assert_eq!(shown["destroyableFrom"], today.plus_ms(wait).to_string(), "{shown}");
            desk = desk.restart_at(today.plus_ms(wait - 1)).cooling(wait);
            desk.app.ledger().confirm_clock().unwrap();
            assert_eq!(desk.app.destroy_due().unwrap(), 0, "it waits as long as ever");
            clock(&desk, today.plus_ms(wait));
            assert_eq!(desk.app.destroy_due().unwrap(), 1);
        }
        assert_eq!(stage(&desk, &erasure), Stage::Certified, "{wait}");
    }
}

/// Fenced without a wait, and looked at by a server that has one: it counts from the fence, whatever the log's time.
#[test]
fn a_fence_without_a_wait_counts_from_when_it_was_made() {
    let desk = Desk::open();
    let maria = desk.contact("Maria");
    desk.app.ledger().clock().set(Time(2_147_483_648_000));
    desk.contact("Late");
    desk.app.ledger().clock().set(NOW);
    desk.app.ledger().confirm_clock().unwrap();
    let (_, erasure) = desk.fence(&maria);
    let desk = desk.restart_at(NOW.plus_ms(60_000)).cooling(Time::DAY_MS);
    let facts = desk.app.ledger().views().erasure(erasure).unwrap().facts.clone();
    assert_eq!(desk.app.destroyable_from(&facts), Some(NOW.plus_ms(Time::DAY_MS)));
}

fn waits_for(desk: &Desk, erasure: &str) -> String {
    desk.get(Role::Dpo, &format!("{{ erasure(id: \"{erasure}\") {{ waitsFor }} }}"))["erasure"]["waitsFor"].to_string()
}

/// The clock was a day wrong, and somebody wrote a record: the next start counted that day as waited.
#[test]
fn however_often_the_ledger_is_opened_again_only_time_in_which_it_was_open_counts() {
    let desk = Desk::open().cooling(Time::DAY_MS);
    let erasure = requested(&desk, &desk.contact("Maria"));
    desk.tried(Role::Dpo, &approve(&erasure, &command_id()));
    let mut now = NOW.plus_ms(Time::DAY_MS + 3_600_000);
    let mut desk = desk.restart_at(now).cooling(Time::DAY_MS);
    for hours in [0, 1, 20] {
        assert_eq!(desk.app.look_at_erasures(true).unwrap(), 0, "{hours}");
        assert!(waits_for(&desk, &erasure).contains("the machine's clock says how long"), "{hours}");
        desk.contact("Late");
        now = now.plus_ms(hours * 3_600_000);
        desk = desk.restart_at(now).cooling(Time::DAY_MS);
    }
    let (away, clock) = (now, |desk: &Desk, time: Time| desk.app.ledger().clock().set(time));
    clock(&desk, away.plus_ms(Time::DAY_MS - 1));
    assert_eq!(desk.app.look_at_erasures(true).unwrap(), 0);
    // It wrote nothing since it was opened, so of this day nobody can say later that it was open.
    desk = desk.restart_at(away.plus_ms(Time::DAY_MS)).cooling(Time::DAY_MS);
    assert_eq!(desk.app.look_at_erasures(true).unwrap(), 0);
    // Back, and nothing goes on; then an operator says that the clock is right, and that holds behind a start.
    clock(&desk, NOW);
    assert_eq!(desk.app.look_at_erasures(true).unwrap(), 0);
    desk = desk.restart_at(away.plus_ms(Time::DAY_MS + 1)).cooling(Time::DAY_MS);
    desk.app.ledger().confirm_clock().unwrap();
    desk = desk.restart_at(away.plus_ms(Time::DAY_MS + 1)).cooling(Time::DAY_MS);
    assert_eq!(desk.app.look_at_erasures(true).unwrap(), 1);
    assert_eq!(stage(&desk, &erasure), Stage::Certified);
}

/// It answered that it waits for nothing.
#[test]
fn what_waits_for_a_clock_to_be_confirmed_says_so() {
    let desk = Desk::open().cooling(Time::DAY_MS);
    let erasure = requested(&desk, &desk.contact("Maria"));
    desk.tried(Role::Dpo, &approve(&erasure, &command_id()));
    let desk = desk.restart_at(NOW.plus_ms(20 * Time::DAY_MS)).cooling(Time::DAY_MS);
    desk.contact("Late");
    desk.app.ledger().clock().set(NOW.plus_ms(2 * Time::DAY_MS));
    assert!(waits_for(&desk, &erasure).contains("lethe clock confirm"));
}

#[test]
fn a_used_command_id_lifts_no_fence() {
    let desk = Desk::open();
    let maria = desk.contact("Maria");
    let app = cooling(&desk);
    let erasure = requested(&desk, &maria);
    let (case, id) = ids(&desk, &erasure);
    let used: domain::id::CommandId = command_id().parse().unwrap();
    let envelope = Envelope { command_id: Some(used), ..Envelope::default() };
    app.approve_erasure(desk.viewer(Role::Dpo).actor, case, id, envelope.clone()).unwrap();
    let again = app.withdraw_erasure(desk.viewer(Role::Agent), case, id, envelope);
    assert!(matches!(again, Err(EraseError::Refused(Refused::CommandReused))), "{again:?}");
    assert_eq!(stage(&desk, &erasure), Stage::Fenced);
}

#[test]
fn an_approval_that_was_cut_off_is_finished_by_the_next() {
    let desk = Desk::open();
    let maria = desk.contact("Maria");
    let erasure = requested(&desk, &maria);
    let (case, id) = ids(&desk, &erasure);
    let dpo = desk.viewer(Role::Dpo).actor;
    desk.submit::<Case>(case.0, dpo, subject::Command::Approve { erasure: id });
    let desk = desk.restart();
    assert_eq!(stage(&desk, &erasure), Stage::Approved);
    let finished = desk.tried(Role::Dpo, &approve(&erasure, &command_id()));
    assert_eq!(finished["erasure"]["stage"], "CERTIFIED", "{finished}");
    assert_eq!(read(&desk, &maria)["name"], json!(null));
}

/// The approver got no answer and may well believe that it is done.
#[test]
fn an_approval_that_was_cut_off_is_led_on_by_the_server() {
    let desk = Desk::open();
    let [maria, otto] = ["Maria", "Otto"].map(|name| desk.contact(name));
    let [erasure, given_back] = [&maria, &otto].map(|of| requested(&desk, of));
    let dpo = desk.viewer(Role::Dpo).actor;
    for of in [&erasure, &given_back] {
        let (case, id) = ids(&desk, of);
        desk.submit::<Case>(case.0, dpo, subject::Command::Approve { erasure: id });
    }
    let waits = |desk: &Desk| {
        let query = format!("{{ erasure(id: \"{erasure}\") {{ waitsFor }} }}");
        desk.get(Role::Dpo, &query)["erasure"]["waitsFor"][0].as_str().unwrap_or_default().to_owned()
    };
    assert!(waits(&desk).contains("approved and not fenced yet"), "{}", waits(&desk));
    desk.tried(
        Role::Dpo,
        &format!("withdrawErasureRequest(input: {{ erasureId: \"{given_back}\" }}) {{ {ERASURE} {REST} }}"),
    );
    let desk = desk.restart();
    assert_eq!(desk.app.look_at_erasures(false).unwrap(), 1);
    assert_eq!(stage(&desk, &erasure), Stage::Certified);
    assert_eq!(stage(&desk, &given_back), Stage::Withdrawn);
    assert_eq!(read(&desk, &maria)["name"], json!(null));
    assert_eq!(desk.app.look_at_erasures(false).unwrap(), 0);
}

#[test]
fn two_approvals_at_once_come_to_one_certificate() {
    let desk = Desk::open();
    let maria = desk.contact("Maria");
    let erasure = requested(&desk, &maria);
    let (case, id) = ids(&desk, &erasure);
    let dpos = [desk.viewer(Role::Dpo).actor, desk.hire(Role::Dpo, "Second")];
    let app = &desk.app;
    let done: Vec<_> = thread::scope(|scope| {
        let both = dpos.map(|dpo| scope.spawn(move || app.approve_erasure(dpo, case, id, Envelope::default())));
        both.map(|one| one.join().unwrap()).into_iter().collect()
    });
    assert_eq!(done.iter().filter(|done| done.is_ok()).count(), 1, "{done:?}");
    let certified = desk.app.ledger().views();
    let steps = &certified.erasure(id).unwrap().facts.steps;
    assert_eq!(steps.iter().filter(|step| step.stage == Stage::Certified).count(), 1);
}

#[test]
fn first_requests_at_once_open_one_case() {
    let desk = Desk::open();
    let maria = desk.contact("Maria");
    let subject = desk.subject(&maria);
    let agent = desk.viewer(Role::Agent).actor;
    let cases: Vec<CaseId> = Runtime::new().unwrap().block_on(async {
        let opening: Vec<_> = (0..16)
            .map(|_| {
                let app = desk.app.clone();
                tokio::spawn(async move { app.open_case(agent, subject, SubjectKind::Person).await.unwrap() })
            })
            .collect();
        let mut cases = Vec::new();
        for one in opening {
            cases.push(one.await.unwrap());
        }
        cases
    });
    assert!(cases.iter().all(|case| *case == cases[0]), "{cases:?}");
}

#[test]
fn bad_requests_are_answered_and_change_nothing() {
    let desk = Desk::open();
    let (maria, acme) = (desk.contact("Maria"), desk.organization("Acme"));
    let size = desk.size();
    let contact = format!("contactId: \"{maria}\"");
    let refused = |whose: &str, more: &str| {
        let (code, path, _) = desk.refused(Role::Agent, &request(whose, more));
        (code, path)
    };
    let answer = |code: &str, path: &str| (code.to_owned(), path.to_owned());
    let validation = |path: &str| answer("VALIDATION", path);
    assert_eq!(refused("", ""), validation(""));
    assert_eq!(refused(&format!("{contact} organizationId: \"{acme}\""), ""), validation(""));
    assert_eq!(refused("contactId: \"nobody\"", ""), validation("contactId"));
    let nobody = "contact_00000000000000000000000000000000";
    assert_eq!(refused(&format!("contactId: \"{nobody}\""), ""), answer("NOT_FOUND", "contactId"));
    assert_eq!(refused(&contact, "words: \"\\u0007\""), validation("words"));
    assert_eq!(refused(&format!("organizationId: \"{acme}\""), "people: [\"x\"]"), validation("people.0"));
    let company = format!("organizationId: \"{acme}\"");
    assert_eq!(refused(&company, &format!("people: [\"{nobody}\"]")), answer("NOT_FOUND", "people.0"));
    assert_eq!(refused(&contact, &format!("people: [\"{maria}\"]")), validation("people"));
    assert_eq!(refused(&company, &format!("people: [\"{maria}\"]")), validation("people.0"), "she works elsewhere");
    assert_eq!(refused(&contact, "effectiveAt: \"2027-01-01T00:00:00Z\""), validation("effectiveAt"));
    let on = |asked: &str, identity: &str| {
        let request = request(&contact, "");
        let request = request.replace("2026-09-20", asked).replace("2026-09-21", identity);
        let (code, path, _) = desk.refused(Role::Agent, &request);
        (code, path)
    };
    assert_eq!(on("2027-01-01", "2026-09-21"), validation("askedOn"));
    assert_eq!(on("2026-09-20", "2027-01-01"), validation("identityOn"));
    assert_eq!(desk.size(), size, "no case was opened either");
    let used = command_id();
    desk.done(&format!(
        "registerContact(input: {{ source: PHONE, reason: CONTRACT, firstName: \"Anna\", commandId: \"{used}\" }})
         {{ errors {{ message }} }}"
    ));
    assert_eq!(refused(&contact, &format!("commandId: \"{used}\"")), answer("COMMAND_REUSED", "commandId"));
    assert_eq!(desk.size(), size + 1, "for a used command id neither");
}

#[test]
fn nobody_is_reached_by_two_open_erasures() {
    let desk = Desk::open();
    let acme = desk.organization("Acme");
    let maria = worker(&desk, "Maria", &acme);
    let own = request(&format!("contactId: \"{maria}\""), "");
    let along = request(&format!("organizationId: \"{acme}\""), &format!("people: [\"{maria}\"]"));
    let alone = request(&format!("organizationId: \"{acme}\""), "");
    for (first, second) in [(&along, &own), (&own, &along)] {
        let open = desk.done(first)["erasure"]["id"].as_str().unwrap().to_owned();
        let size = desk.size();
        let (code, _, words) = desk.refused(Role::Agent, second);
        assert!(code == "CONFLICT" && words.contains(&open), "{code} {words}");
        assert_eq!(desk.size(), size, "no case was opened either");
        desk.done(&format!("withdrawErasureRequest(input: {{ erasureId: \"{open}\" }}) {{ {ERASURE} {REST} }}"));
    }
    desk.done(&own);
    desk.done(&alone);
}

#[test]
fn an_open_erasure_is_found_behind_all_others() {
    let desk = Desk::open();
    let acme = desk.organization("Acme");
    for number in 0..100 {
        requested(&desk, &desk.contact(&format!("Person {number}")));
    }
    let maria = worker(&desk, "Maria", &acme);
    let open = requested(&desk, &maria);
    let along = request(&format!("organizationId: \"{acme}\""), &format!("people: [\"{maria}\"]"));
    let (code, _, words) = desk.refused(Role::Agent, &along);
    assert!(code == "CONFLICT" && words.contains(&open), "{code} {words}");
}

#[test]
fn of_two_requests_at_once_one_is_written() {
    let desk = Desk::open();
    let acme = desk.organization("Acme");
    let maria = worker(&desk, "Maria", &acme);
    // This one was let through when nothing was open yet, and comes to be written behind the other.
    let (subject, agent) = (desk.subject(&maria), desk.viewer(Role::Agent).actor);
    let opened = Runtime::new().unwrap().block_on(desk.app.open_case(agent, subject, SubjectKind::Person));
    let (case, mut fresh) = (opened.unwrap(), Fresh::new());
    let (erasure, day) = (fresh.id().unwrap(), NOW.day());
    let asked = Asked {
        ground: Ground::ConsentWithdrawn,
        how: AskedHow::Email,
        on: day,
        identity: IdentityCheck::KnownPoint,
        identity_on: day,
    };
    let command = subject::Command::RequestErasure { erasure, asked, request: Request { words: None, people: vec![] } };
    let late = intent::<Case>(agent, case.0, command, Envelope::default(), fresh).unwrap();
    let first = desk.done(&request(&format!("organizationId: \"{acme}\""), &format!("people: [\"{maria}\"]")));
    let open: ErasureId = first["erasure"]["id"].as_str().unwrap().parse().unwrap();
    let size = desk.size();
    let refused = desk.app.request_erasure(&[subject], &late);
    assert!(
        matches!(refused, Err(Refused::Rejected(subject::Rejection::ErasureOpen(id))) if id == open),
        "{refused:?}"
    );
    assert_eq!(desk.size(), size);
}

#[test]
fn whom_an_organization_takes_along_can_still_be_named() {
    let desk = Desk::open();
    let acme = desk.organization("Acme");
    let (maria, anna) = (worker(&desk, "Maria", &acme), worker(&desk, "Anna", &acme));
    desk.fence(&maria);
    desk.erase(&anna);
    let size = desk.size();
    for (person, code) in [(&maria, "FENCED"), (&anna, "ERASED")] {
        let along = request(&format!("organizationId: \"{acme}\""), &format!("people: [\"{person}\"]"));
        let (refused, path, _) = desk.refused(Role::Agent, &along);
        assert_eq!((refused.as_str(), path.as_str()), (code, "people.0"));
    }
    assert_eq!(desk.size(), size);
}

/// Somebody who works for this organization.
fn worker(desk: &Desk, first_name: &str, organization: &str) -> String {
    let registered = desk.done(&format!(
        "registerContact(input: {{ source: PHONE, reason: CONTRACT, firstName: \"{first_name}\",
            organizationId: \"{organization}\" }}) {{ contact {{ id }} errors {{ message code path }} }}"
    ));
    registered["contact"]["id"].as_str().unwrap().into()
}

#[test]
fn a_preview_says_what_dies_what_stays_and_who_else_is_in_it() {
    let desk = Desk::open();
    let acme = desk.organization("Acme");
    let maria = &worker(&desk, "Maria", &acme);
    let ticket = ticket(&desk, desk.subject(maria), maria, desk.subject(&acme), acme.parse().unwrap());
    requested(&desk, maria);
    const PREVIEW: &str = "dies { compartment parts contactIds organizationId } stays { compartment basis until } parts
        contacts { id } people { id } others { contactIds organizationId parts } otherPeople
        openTickets { id state } openQuotes { id } organizationId";
    let preview = |whose: &str| {
        let data = desk.get(Role::Dpo, &format!("{{ erasurePreview({whose}) {{ {PREVIEW} }} }}"));
        data["erasurePreview"].clone()
    };
    let of_maria = preview(&format!("contactId: \"{maria}\""));
    assert_eq!(
        of_maria["dies"],
        json!([
            { "compartment": "relationship", "parts": 1, "contactIds": [maria], "organizationId": null },
            { "compartment": "support(2026)", "parts": 1, "contactIds": [maria], "organizationId": null },
        ])
    );
    assert_eq!(of_maria["stays"][0]["compartment"], "claims");
    assert!(!of_maria["stays"][0]["basis"].as_str().unwrap().is_empty());
    assert_eq!(of_maria["parts"], 2);
    assert_eq!(of_maria["others"], json!([{ "contactIds": [], "organizationId": acme, "parts": 1 }]));
    assert_eq!(of_maria["openTickets"], json!([{ "id": ticket.to_string(), "state": "OPEN" }]));
    let of_acme = preview(&format!("organizationId: \"{acme}\""));
    assert_eq!((&of_acme["organizationId"], &of_acme["people"]), (&json!(acme), &json!([{ "id": maria }])));
    assert_eq!(of_acme["others"][0]["contactIds"], json!([maria]));
    let with_maria = preview(&format!("organizationId: \"{acme}\" people: [\"{maria}\"]"));
    assert_eq!((&with_maria["otherPeople"], with_maria["dies"].as_array().unwrap().len()), (&json!(0), 4));
    let forbidden = desk.ask(Role::Agent, &format!("{{ erasurePreview(contactId: \"{maria}\") {{ parts }} }}"));
    assert_eq!(forbidden["errors"][0]["extensions"]["code"], "FORBIDDEN");
}

fn ticket(desk: &Desk, maria: SubjectId, contact: &str, acme: SubjectId, organization: OrganizationId) -> TicketId {
    let mut fresh = Fresh::new();
    let id: TicketId = fresh.id().unwrap();
    let command = ticket::Command::Open {
        person: Some(Person { subject: maria, contact: contact.parse().unwrap() }),
        company: Some(Company { subject: acme, organization }),
        question: Question { line: Line::parse("Broken").unwrap(), body: Text::parse("It broke.").unwrap() },
        message: fresh.id().unwrap(),
        priority: Priority::Normal,
        origin: Origin::Email,
    };
    desk.submit::<Ticket>(id.0, desk.viewer(Role::Agent).actor, command);
    id
}

#[test]
fn an_organization_takes_along_whom_the_request_names() {
    let desk = Desk::open();
    let (acme, other) = (desk.organization("Acme"), desk.organization("Other"));
    let (maria, anna) = (worker(&desk, "Maria", &acme), worker(&desk, "Anna", &other));
    let along = desk
        .ask(Role::Dpo, &format!("{{ erasurePreview(organizationId: \"{acme}\", people: [\"{anna}\"]) {{ parts }} }}"));
    assert_eq!(along["errors"][0]["extensions"]["code"], "BAD_USER_INPUT", "she works for the other one: {along}");
    let done = desk.done(&request(&format!("organizationId: \"{acme}\""), &format!("people: [\"{maria}\"]")));
    assert_eq!(done["erasure"]["people"], json!([{ "name": "Maria" }]));
    let erasure = done["erasure"]["id"].as_str().unwrap();
    let approved = desk.tried(Role::Dpo, &approve(erasure, &command_id()));
    assert_eq!((&approved["erasure"]["stage"], &approved["erasure"]["keys"]), (&json!("CERTIFIED"), &json!(2)));
    assert_eq!((&read(&desk, &maria)["name"], &read(&desk, &anna)["name"]), (&json!(null), &json!("Anna")));
}
