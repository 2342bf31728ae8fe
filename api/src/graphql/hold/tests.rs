use domain::actor::Role;
use domain::id::{ActorId, CaseId, CommandId, ErasureId};
use domain::subject::{Case, Command, Stage};
use domain::time::Time;
use events::ledger::EraseError;
use serde_json::{Value, json};

use crate::app::Envelope;
use crate::graphql::testing::{Desk, NOW, command_id};

const HOLD: &str = "hold { id stage inForce compartments reviewOn reviewOverdue matter contacts { name }
    steps { stage actor } } position repeated errors { message code path }";
const ERASURE: &str = "erasure { id stage destroyableFrom holds { id } waitsFor certificate { coolingOff } }
    position repeated errors { message code path }";

fn place(whose: &str, more: &str) -> String {
    format!(
        "placeHold(input: {{ {whose} reviewOn: \"2027-03-01\" matter: \"Anders against Muster\" {more} }}) {{ {HOLD} }}"
    )
}

fn step(name: &str, hold: &str) -> String {
    format!("{name}(input: {{ holdId: \"{hold}\" }}) {{ {HOLD} }}")
}

fn request(contact: &str) -> String {
    format!(
        "requestErasure(input: {{ contactId: \"{contact}\" ground: OBJECTED how: EMAIL askedOn: \"2026-09-20\"
            identityCheck: KNOWN_POINT identityOn: \"2026-09-21\" }}) {{ {ERASURE} }}"
    )
}

fn requested(desk: &Desk, contact: &str) -> String {
    desk.done(&request(contact))["erasure"]["id"].as_str().unwrap().to_owned()
}

fn approve(erasure: &str) -> String {
    format!("approveErasure(input: {{ erasureId: \"{erasure}\" }}) {{ {ERASURE} }}")
}

fn order(erasure: &str, command: &str) -> String {
    format!("orderDestruction(input: {{ erasureId: \"{erasure}\" commandId: \"{command}\" }}) {{ {ERASURE} }}")
}

fn id(payload: &Value) -> String {
    payload["hold"]["id"].as_str().unwrap_or_else(|| panic!("{payload}")).to_owned()
}

fn case_of(desk: &Desk, erasure: &str) -> (CaseId, ErasureId) {
    let id: ErasureId = erasure.parse().unwrap();
    (desk.app.ledger().views().erasure(id).unwrap().facts.case, id)
}

fn stage(desk: &Desk, erasure: &str) -> Stage {
    desk.app.ledger().views().erasure(erasure.parse().unwrap()).unwrap().facts.stage
}

fn read(desk: &Desk, contact: &str) -> Value {
    desk.get(Role::Agent, &format!("{{ contact(id: \"{contact}\") {{ name }} }}"))["contact"]["name"].clone()
}

/// The desk with a second DPO, who is asked for by this viewer.
fn second(desk: &Desk) -> ActorId {
    desk.hire(Role::Dpo, "Second")
}

fn as_second(desk: &Desk, second: ActorId, case: CaseId, command: Command) {
    desk.submit::<Case>(case.0, second, command);
}

/// Places a hold as the DPO and has the second one approve it.
fn in_force(desk: &Desk, other: ActorId, whose: &str, more: &str) -> String {
    let placed = desk.tried(Role::Dpo, &place(whose, more));
    let hold = id(&placed);
    let (case, parsed) =
        (desk.app.ledger().views().hold(hold.parse().unwrap()).unwrap().facts.case, hold.parse().unwrap());
    desk.app.approve_hold(other, case, parsed, Envelope::default()).unwrap();
    hold
}

#[test]
fn a_hold_of_two_people_stops_an_erasure_at_its_fence_and_two_people_let_it_go_on() {
    let desk = Desk::open();
    let (maria, other) = (desk.contact("Maria"), second(&desk));
    let whose = format!("contactId: \"{maria}\"");
    let placed = desk.tried(Role::Dpo, &place(&whose, ""));
    let hold = id(&placed);
    assert_eq!((&placed["hold"]["stage"], &placed["hold"]["inForce"]), (&json!("PLACED"), &json!(false)));
    assert_eq!(placed["hold"]["matter"], "Anders against Muster");
    let own = desk.refused(Role::Dpo, &step("approveHold", &hold));
    assert_eq!(own.0, "PERMISSION", "four eyes: {}", own.2);
    let case = desk.app.ledger().views().hold(hold.parse().unwrap()).unwrap().facts.case;
    desk.app.approve_hold(other, case, hold.parse().unwrap(), Envelope::default()).unwrap();

    let preview =
        desk.get(Role::Dpo, &format!("{{ erasurePreview(contactId: \"{maria}\") {{ holds {{ id }} waitsFor }} }}"));
    assert_eq!(preview["erasurePreview"]["holds"], json!([{ "id": hold }]));
    let erasure = requested(&desk, &maria);
    let approved = desk.tried(Role::Dpo, &approve(&erasure));
    assert_eq!((&approved["errors"], &approved["erasure"]["stage"]), (&json!([]), &json!("FENCED")));
    assert_eq!(approved["erasure"]["holds"], json!([{ "id": hold }]));
    let words = approved["erasure"]["waitsFor"][0].as_str().unwrap();
    assert!(words.contains(&hold) && words.contains("2027-03-01"), "{words}");
    assert!(!words.contains("Anders"), "no personal data: {words}");
    assert_eq!(preview["erasurePreview"]["waitsFor"][0], words);
    let refused = desk.refused(Role::Dpo, &order(&erasure, &command_id()));
    assert_eq!((refused.0.as_str(), refused.2.as_str()), ("HOLD", words));
    assert_eq!(desk.app.destroy_due().unwrap(), 0);
    assert_eq!(stage(&desk, &erasure), Stage::Fenced);

    let desk = desk.restart();
    assert_eq!(desk.app.destroy_due().unwrap(), 0, "also after a restart");
    let asked = desk.tried(Role::Dpo, &step("liftHold", &hold));
    assert_eq!((&asked["hold"]["stage"], &asked["hold"]["inForce"]), (&json!("LIFT_REQUESTED"), &json!(true)));
    assert_eq!(desk.refused(Role::Dpo, &step("approveHoldLift", &hold)).0, "PERMISSION");
    assert_eq!(desk.app.destroy_due().unwrap(), 0, "one person does not lift it");
    as_second(&desk, other, case, Command::ApproveLift { hold: hold.parse().unwrap() });
    assert_eq!(desk.app.destroy_due().unwrap(), 1);
    assert_eq!((stage(&desk, &erasure), read(&desk, &maria)), (Stage::Certified, json!(null)));
    let listed = desk.get(Role::Dpo, "{ holds(first: 5, stages: [LIFTED]) { edges { node { id steps { stage } } } } }");
    let steps = ["PLACED", "IN_FORCE", "LIFT_REQUESTED", "LIFTED"].map(|stage| json!({ "stage": stage }));
    assert_eq!(listed["holds"]["edges"], json!([{ "node": { "id": hold, "steps": steps } }]));
}

/// Where an erasure stands when a hold is put in force, and what comes of both.
#[test]
fn holds_in_every_state_of_an_erasure() {
    for (state, placed, held) in [
        ("nothing", true, true),
        ("requested", true, true),
        ("approved", true, true),
        ("fenced", true, true),
        ("unfenced", true, true),
        ("withdrawn", true, true),
        ("ordered", false, false),
        ("certified", true, false),
    ] {
        let desk = Desk::open();
        let (maria, other) = (desk.contact("Maria"), second(&desk));
        let dpo = desk.viewer(Role::Dpo).actor;
        let erasure = if state == "nothing" { None } else { Some(requested(&desk, &maria)) };
        let mut app = desk.app.clone();
        app.cooling_off_ms = Time::DAY_MS;
        if let Some((case, id)) = erasure.as_deref().map(|erasure| case_of(&desk, erasure)) {
            match state {
                "approved" => desk.submit::<Case>(case.0, dpo, Command::Approve { erasure: id }),
                "requested" => {}
                _ => {
                    app.approve_erasure(dpo, case, id, Envelope::default()).unwrap();
                }
            }
            match state {
                "unfenced" => {
                    let ground = domain::subject::UnfenceGround::Mistake;
                    app.ledger().lift_fence(case, id, dpo, ground, None).unwrap();
                }
                "withdrawn" => desk.submit::<Case>(case.0, dpo, Command::WithdrawRequest { erasure: id }),
                "ordered" => {
                    app.ledger().clock().set(NOW.plus_ms(Time::DAY_MS));
                    app.ledger().order_destruction(app.register().unwrap(), case, id, dpo, None, None).unwrap();
                }
                "certified" => {
                    app.ledger().clock().set(NOW.plus_ms(Time::DAY_MS));
                    assert_eq!(app.destroy_due().unwrap(), 1);
                }
                _ => {}
            }
        }
        let whose = erasure.as_ref().map_or(format!("contactId: \"{maria}\""), |id| format!("erasureId: \"{id}\""));
        if !placed {
            let late = desk.refused(Role::Dpo, &place(&whose, ""));
            assert_eq!(late.0, "CONFLICT", "{state}");
            assert!(late.2.contains("too late"), "{state}: {}", late.2);
            continue;
        }
        let hold = in_force(&desk, other, &whose, "");
        if state == "certified" {
            let named = desk.refused(Role::Dpo, &place(&whose, "compartments: [\"relationship\"]"));
            assert!(named.2.contains("too late"), "{}", named.2);
        }
        let erasure = match state {
            "nothing" | "withdrawn" => Some(requested(&desk, &maria)),
            "certified" => None,
            _ => erasure,
        };
        if let Some(erasure) = &erasure {
            let approved = matches!(state, "fenced" | "unfenced");
            if !approved {
                let approval = desk.tried(Role::Dpo, &approve(erasure));
                assert_eq!(approval["erasure"]["stage"], "FENCED", "{state}: {approval}");
            } else if state == "unfenced" {
                let (case, id) = case_of(&desk, erasure);
                let (register, wait) = (desk.app.register().unwrap(), desk.app.wait());
                desk.app.ledger().fence_approved(register, case, id, dpo, wait).unwrap();
            }
            desk.app.ledger().clock().set(NOW.plus_ms(2 * Time::DAY_MS));
            assert_eq!(desk.app.destroy_due().unwrap(), 0, "{state}");
            assert_eq!(stage(&desk, erasure) == Stage::Fenced, held, "{state}");
            let withdraw = format!("withdrawErasureRequest(input: {{ erasureId: \"{erasure}\" }}) {{ {ERASURE} }}");
            assert_eq!(desk.tried(Role::Dpo, &withdraw)["erasure"]["stage"], "WITHDRAWN", "{state}");
            assert_eq!(read(&desk, &maria), "Maria", "{state}: a hold keeps nobody from giving back");
        }
        let asked = desk.tried(Role::Dpo, &step("liftHold", &hold));
        assert_eq!(asked["hold"]["stage"], "LIFT_REQUESTED", "{state}");
    }
}

/// The erasure stands in the organization's case and reaches her key; the hold stands in hers.
#[test]
fn a_hold_on_somebody_stops_the_erasure_of_the_organization_she_goes_along_with() {
    let desk = Desk::open();
    let (acme, other) = (desk.organization("Acme"), second(&desk));
    let registered = desk.done(&format!(
        "registerContact(input: {{ source: PHONE, reason: CONTRACT, firstName: \"Maria\",
            organizationId: \"{acme}\" }}) {{ contact {{ id }} errors {{ message code path }} }}"
    ));
    let maria = registered["contact"]["id"].as_str().unwrap().to_owned();
    let hold = in_force(&desk, other, &format!("contactId: \"{maria}\""), "");
    let asked = desk.done(&format!(
        "requestErasure(input: {{ organizationId: \"{acme}\" ground: OBJECTED how: EMAIL askedOn: \"2026-09-20\"
            identityCheck: KNOWN_POINT identityOn: \"2026-09-21\" people: [\"{maria}\"] }}) {{ {ERASURE} }}"
    ));
    let erasure = asked["erasure"]["id"].as_str().unwrap().to_owned();
    let approved = desk.tried(Role::Dpo, &approve(&erasure));
    assert_eq!(
        (&approved["erasure"]["stage"], &approved["erasure"]["holds"]),
        (&json!("FENCED"), &json!([{ "id": hold }]))
    );
    let refused = desk.refused(Role::Dpo, &order(&erasure, &command_id()));
    assert!(refused.0 == "HOLD" && refused.2.contains(&hold), "{refused:?}");
    let desk = desk.restart();
    assert_eq!(desk.app.destroy_due().unwrap(), 0);
    let (case, id) = case_of(&desk, &erasure);
    let (keys, epoch_before) = {
        let (_, state) = desk.app.ledger().state::<Case>(&case.0).unwrap();
        (state.open_erasure().unwrap().keys.clone(), desk.app.ledger().keyring().epoch())
    };
    let beside = Command::OrderDestruction { erasure: id, keys, epoch_before };
    let intent = crate::app::intent::<Case>(other, case.0, beside, Envelope::default(), events::ledger::Fresh::new());
    assert!(desk.app.ledger().submit_blocking(&intent.unwrap()).is_err(), "whoever decides beside it meets the writer");
    assert_eq!(stage(&desk, &erasure), Stage::Fenced);
}

#[test]
fn a_hold_keeps_what_it_covers_and_nothing_else() {
    let desk = Desk::open();
    let (maria, other) = (desk.contact("Maria"), second(&desk));
    in_force(
        &desk,
        other,
        &format!("contactId: \"{maria}\""),
        "compartments: [\"support(2026)\", \"fiscal(DE, 2026)\"]",
    );
    let erasure = requested(&desk, &maria);
    let done = desk.tried(Role::Dpo, &approve(&erasure));
    assert_eq!(done["erasure"]["stage"], "CERTIFIED", "nothing that dies is covered: {done}");
    assert_eq!(done["erasure"]["certificate"]["coolingOff"], "no cooling-off: demo or test ledger");
}

#[test]
fn bad_holds_are_answered_and_change_nothing() {
    let desk = Desk::open();
    let (maria, acme) = (desk.contact("Maria"), desk.organization("Acme"));
    let size = desk.size();
    let whose = format!("contactId: \"{maria}\"");
    let refused = |input: &str| {
        let (code, path, _) = desk.refused(Role::Dpo, &format!("placeHold(input: {{ {input} }}) {{ {HOLD} }}"));
        (code, path)
    };
    let answer = |code: &str, path: &str| (code.to_owned(), path.to_owned());
    let review = "reviewOn: \"2027-03-01\"";
    assert_eq!(refused(&format!("{whose} {review}")), answer("VALIDATION", "matter"), "without a matter");
    assert_eq!(refused(&format!("{whose} {review} matter: \"  \"")), answer("VALIDATION", "matter"));
    let matter = "matter: \"a claim\"";
    assert_eq!(refused(&format!("{whose} {matter} reviewOn: \"2026-09-21\"")), answer("VALIDATION", "reviewOn"));
    let years: Vec<_> = (1900..2001).map(|year| format!("\"support({year})\"")).collect();
    let many = format!("{whose} {matter} {review} compartments: [{}]", years.join(" "));
    assert_eq!(refused(&many), answer("VALIDATION", "compartments"));
    let odd = format!("{whose} {matter} {review} compartments: [\"claims\", \"hobbies\"]");
    assert_eq!(refused(&odd), answer("VALIDATION", "compartments.1"));
    for nobodys in ["support(26)", "sales(1)", "fiscal(ZZ, 2026)", "document(0)", "delivery(0)", "delivery(1)"] {
        let odd = format!("{whose} {matter} {review} compartments: [\"support(2026)\", \"{nobodys}\"]");
        assert_eq!(refused(&odd), answer("VALIDATION", "compartments.1"), "{nobodys}");
    }
    assert_eq!(refused(&format!("{matter} {review}")), answer("VALIDATION", ""));
    assert_eq!(refused(&format!("{whose} organizationId: \"{acme}\" {matter} {review}")), answer("VALIDATION", ""));
    let nobody = "contactId: \"contact_00000000000000000000000000000000\"";
    assert_eq!(refused(&format!("{nobody} {matter} {review}")), answer("NOT_FOUND", "contactId"));
    let none = "erasureId: \"erasure_00000000000000000000000000000000\"";
    assert_eq!(refused(&format!("{none} {matter} {review}")), answer("NOT_FOUND", "erasureId"));
    let missing = desk.refused(Role::Dpo, &step("approveHold", "hold_00000000000000000000000000000000"));
    assert_eq!((missing.0.as_str(), missing.1.as_str()), ("NOT_FOUND", "holdId"));
    assert_eq!(desk.refused(Role::Agent, &place(&whose, "")).0, "PERMISSION");
    assert_eq!(desk.size(), size, "no case was opened either");

    let command = command_id();
    let first = desk.tried(Role::Dpo, &place(&whose, &format!("commandId: \"{command}\"")));
    let again = desk.tried(Role::Dpo, &place(&whose, &format!("commandId: \"{command}\"")));
    assert_eq!((&again["repeated"], &again["position"]), (&json!(true), &first["position"]));
    assert_eq!(again["hold"]["id"], first["hold"]["id"]);
    let gone = desk.tried(Role::Dpo, &step("liftHold", &id(&first)));
    assert_eq!(gone["hold"]["stage"], "LIFTED", "what was never in force is gone at once");
    let twice = desk.refused(Role::Dpo, &step("liftHold", &id(&first)));
    assert_eq!(twice.0, "CONFLICT");
}

/// The wait is what the fence says, across restarts and whatever the program is started with.
#[test]
fn a_cooling_off_is_waited_for_and_goes_on_behind_a_restart() {
    let desk = Desk::open();
    let maria = desk.contact("Maria");
    let erasure = requested(&desk, &maria);
    let mut app = desk.app.clone();
    (app.demo, app.cooling_off_ms) = (false, 3 * Time::DAY_MS);
    let (case, parsed) = case_of(&desk, &erasure);
    let dpo = desk.viewer(Role::Dpo).actor;
    app.approve_erasure(dpo, case, parsed, Envelope::default()).unwrap();
    drop(app);
    let desk = desk.restart();
    let until = NOW.plus_ms(3 * Time::DAY_MS);
    let facts = desk.get(Role::Dpo, &format!("{{ erasure(id: \"{erasure}\") {{ stage destroyableFrom waitsFor }} }}"));
    assert_eq!(facts["erasure"]["stage"], "FENCED");
    assert_eq!(facts["erasure"]["destroyableFrom"], until.to_string());
    let early = desk.refused(Role::Dpo, &order(&erasure, &command_id()));
    assert_eq!((early.0.as_str(), &json!([early.2])), ("CONFLICT", &facts["erasure"]["waitsFor"]));
    desk.app.ledger().clock().set(until.plus_ms(-1));
    assert_eq!(desk.app.destroy_due().unwrap(), 0, "an app that asks for no wait does not shorten this one");
    let beside = desk.app.ledger().order_destruction(desk.app.register().unwrap(), case, parsed, dpo, None, None);
    assert!(matches!(beside, Err(EraseError::Refused(_))), "nor does whoever asks the ledger: {beside:?}");
    desk.app.ledger().clock().set(until);
    let command = command_id();
    let ordered = desk.tried(Role::Dpo, &order(&erasure, &command));
    assert_eq!((&ordered["errors"], &ordered["erasure"]["stage"]), (&json!([]), &json!("CERTIFIED")));
    let words = ordered["erasure"]["certificate"]["coolingOff"].as_str().unwrap();
    assert!(words.contains(&NOW.to_string()) && words.contains(&until.to_string()), "{words}");
    let again = desk.tried(Role::Dpo, &order(&erasure, &command));
    assert_eq!((&again["repeated"], &again["position"]), (&json!(true), &ordered["position"]));
}

/// Outside a demo proofs wait for a day, also where the program is started with less.
#[test]
fn claims_wait_for_a_day_outside_a_demo() {
    let desk = Desk::open();
    let maria = desk.contact("Maria");
    let dies = domain::register::Command::SetRetention(domain::register::Retention {
        kind: domain::register::CompartmentKind::Claims,
        country: None,
        rule: domain::register::Rule::DiesWithRelationship,
    });
    let register = desk.app.register().unwrap();
    desk.submit::<domain::register::Register>(register.0, desk.viewer(Role::Dpo).actor, dies);
    let erasure = requested(&desk, &maria);
    let (case, parsed) = case_of(&desk, &erasure);
    let mut app = desk.app.clone();
    app.demo = false;
    app.approve_erasure(desk.viewer(Role::Dpo).actor, case, parsed, Envelope::default()).unwrap();
    assert_eq!(stage(&desk, &erasure), Stage::Fenced);
    let facts = app.ledger().views().erasure(parsed).unwrap().facts.clone();
    assert_eq!(app.destroyable_from(&facts), Some(NOW.plus_ms(Time::DAY_MS)));
    let late = desk.refused(Role::Dpo, &place(&format!("erasureId: \"{erasure}\""), ""));
    assert!(late.0 == "FENCED" && late.2.contains("refuse the erasure instead"), "{late:?}");
    app.ledger().clock().set(NOW.plus_ms(Time::DAY_MS));
    assert_eq!(app.destroy_due().unwrap(), 1);
}

#[test]
fn what_is_due_together_is_destroyed_in_one_rotation() {
    let desk = Desk::open();
    let names = ["Maria", "Anna", "Bert"];
    let contacts = names.map(|name| desk.contact(name));
    let mut app = desk.app.clone();
    app.cooling_off_ms = Time::DAY_MS;
    let erasures = contacts.each_ref().map(|contact| requested(&desk, contact));
    let dpo = desk.viewer(Role::Dpo).actor;
    for erasure in &erasures {
        let (case, erasure) = case_of(&desk, erasure);
        app.approve_erasure(dpo, case, erasure, Envelope::default()).unwrap();
    }
    let epoch = app.ledger().keyring().epoch();
    app.ledger().clock().set(NOW.plus_ms(Time::DAY_MS));
    assert_eq!(app.destroy_due().unwrap(), 3);
    assert_eq!(app.ledger().keyring().epoch(), epoch + 1);
    for (erasure, contact) in erasures.iter().zip(&contacts) {
        let facts = app.ledger().views().erasure(erasure.parse().unwrap()).unwrap().facts.clone();
        let certificate = facts.certificate.unwrap();
        assert_eq!((certificate.epoch_before, certificate.epoch_after), (epoch, epoch + 1));
        assert_eq!(read(&desk, contact), json!(null));
    }
    drop(app);
    let desk = desk.restart();
    assert!(contacts.iter().all(|contact| read(&desk, contact) == json!(null)));
}

/// A crash behind any of the orders of a batch, before the keys are gone, or before the certificates.
#[test]
fn a_batch_that_was_cut_off_is_finished_at_the_next_open() {
    for (orders, destroyed) in [(1, false), (2, false), (3, false), (3, true)] {
        let desk = Desk::open();
        let contacts = ["Maria", "Anna", "Bert"].map(|name| desk.contact(name));
        let fenced = contacts.each_ref().map(|contact| desk.fence(contact));
        let dpo = desk.viewer(Role::Dpo).actor;
        let epoch = desk.app.ledger().keyring().epoch();
        let mut keys = Vec::new();
        for (case, erasure) in &fenced[..orders] {
            desk.app
                .ledger()
                .order_destruction(desk.app.register().unwrap(), *case, *erasure, dpo, None, None)
                .unwrap();
            keys.extend(desk.app.ledger().views().erasure(*erasure).unwrap().facts.keys.clone());
        }
        if destroyed {
            desk.app.ledger().keyring().destroy(&keys).unwrap();
        }
        let desk = desk.restart();
        assert_eq!(desk.app.ledger().keyring().epoch(), epoch + 1, "one rotation, {orders} {destroyed}");
        for (number, (_, erasure)) in fenced.iter().enumerate() {
            let facts = desk.app.ledger().views().erasure(*erasure).unwrap().facts.clone();
            let expected = if number < orders { Stage::Certified } else { Stage::Fenced };
            assert_eq!(facts.stage, expected, "{orders} {destroyed}");
            let epochs = facts.certificate.map(|certificate| (certificate.epoch_before, certificate.epoch_after));
            assert_eq!(epochs, (number < orders).then_some((epoch, epoch + 1)));
        }
        assert_eq!(desk.app.destroy_due().unwrap(), 3 - orders, "the others are due as before");
    }
}

/// Years may lie between a fence and its certificate. What a law kept then and keeps no more lives all the same, for no fence
/// took it: the certificate said nothing of it.
#[test]
fn a_certificate_behind_a_long_hold_names_every_key_that_lives() {
    use domain::register::{Command as Set, CompartmentKind, CountedFrom, Register, Retention, Rule};
    let desk = Desk::open();
    let (maria, other, register) = (desk.contact("Maria"), second(&desk), desk.app.register().unwrap());
    let dpo = desk.viewer(Role::Dpo).actor;
    let set = |kind, rule| {
        desk.submit::<Register>(register.0, dpo, Set::SetRetention(Retention { kind, country: None, rule }));
    };
    let basis = domain::value::Line::parse("six months for questions").unwrap();
    set(CompartmentKind::Support, Rule::Kept { basis, months: 6, counted_from: CountedFrom::EndOfYear });
    desk.done(&format!(
        "openTicket(input: {{ origin: EMAIL subjectLine: \"Printer\" body: \"It is on fire\" contactId: \"{maria}\" }})
         {{ errors {{ message code path }} }}"
    ));
    let hold = in_force(&desk, other, &format!("contactId: \"{maria}\""), "compartments: [\"relationship\"]");
    let erasure = requested(&desk, &maria);
    desk.tried(Role::Dpo, &approve(&erasure));
    assert_eq!(stage(&desk, &erasure), Stage::Fenced);

    desk.app.ledger().clock().set(NOW.plus_ms(400 * Time::DAY_MS));
    set(CompartmentKind::Claims, Rule::DiesWithRelationship);
    desk.tried(Role::Dpo, &step("liftHold", &hold));
    let (case, id) = case_of(&desk, &erasure);
    as_second(&desk, other, case, Command::ApproveLift { hold: hold.parse().unwrap() });
    assert_eq!(desk.app.destroy_due().unwrap(), 1);
    let certificate = desk.app.ledger().views().erasure(id).unwrap().facts.certificate.clone().unwrap();
    let says = |compartment: &str| {
        let found = certificate.survives.iter().find(|survivor| survivor.compartment.to_string() == compartment);
        let found = found.unwrap_or_else(|| panic!("{compartment} lives and is not named"));
        (found.basis.as_str().to_owned(), found.until.to_string())
    };
    assert_eq!(says("support(2026)"), ("six months for questions".into(), "2027-06-30".into()), "over, and there");
    let (basis, until) = says("claims");
    assert!(basis.contains("no law any more") && until == "2027-10-26", "{basis} {until}");
    let subject = desk.app.ledger().views().case(case).unwrap().subject.unwrap();
    assert_eq!(desk.app.ledger().owners().keys_of(subject).len(), certificate.survives.len(), "and nothing else lives");
}

/// The backup was taken while the keys were fenced. A hold came, or the request was withdrawn; then the backup was put back,
/// and the first look of the server destroyed what two people had kept.
#[test]
fn what_was_fenced_before_a_restore_waits_for_somebody_who_orders_its_destruction() {
    let desk = Desk::open();
    let maria = desk.contact("Maria");
    let (case, erasure) = desk.fence(&maria);
    let desk = desk.restored("muster.example/log-2");
    assert_eq!(desk.app.look_at_erasures(true).unwrap(), 0);
    assert_eq!(stage(&desk, &erasure.to_string()), Stage::Fenced);
    let waits = desk.get(Role::Dpo, &format!("{{ erasure(id: \"{erasure}\") {{ waitsFor }} }}"));
    assert!(waits["erasure"]["waitsFor"][0].as_str().unwrap().contains("a backup was put back"), "{waits}");
    assert_eq!(desk.refused(Role::Dpo, &approve(&erasure.to_string())).0, "CONFLICT", "an approval is no such word");
    let desk = desk.restart();
    assert_eq!(desk.app.look_at_erasures(true).unwrap(), 0, "also after a restart");
    let other = in_force(&desk, second(&desk), &format!("erasureId: \"{erasure}\""), "");
    assert_eq!(desk.refused(Role::Dpo, &order(&erasure.to_string(), &command_id())).0, "HOLD");
    desk.tried(Role::Dpo, &step("liftHold", &other));
    as_second(&desk, second(&desk), case, Command::ApproveLift { hold: other.parse().unwrap() });
    let ordered = desk.tried(Role::Dpo, &order(&erasure.to_string(), &command_id()));
    assert_eq!((&ordered["errors"], &ordered["erasure"]["stage"]), (&json!([]), &json!("CERTIFIED")));

    let anna = desk.contact("Anna");
    desk.fence(&anna);
    assert_eq!(desk.app.look_at_erasures(true).unwrap(), 1, "what is fenced since goes on by itself");
}

/// The server was started with a clock that ran ahead, and its first look destroyed what was to wait for three days.
#[test]
fn a_clock_that_runs_ahead_at_a_start_ends_no_cooling_off() {
    let desk = Desk::open();
    let maria = desk.contact("Maria");
    let erasure = requested(&desk, &maria);
    let mut app = desk.app.clone();
    app.cooling_off_ms = 3 * Time::DAY_MS;
    let (case, id) = case_of(&desk, &erasure);
    let dpo = desk.viewer(Role::Dpo).actor;
    app.approve_erasure(dpo, case, id, Envelope::default()).unwrap();
    drop(app);
    let ahead = NOW.plus_ms(20 * Time::DAY_MS);
    let desk = desk.restart_at(ahead);
    assert_eq!(desk.app.look_at_erasures(true).unwrap(), 0);
    let waits = desk.get(Role::Dpo, &format!("{{ erasure(id: \"{erasure}\") {{ waitsFor }} }}"));
    assert!(waits["erasure"]["waitsFor"][0].as_str().unwrap().contains("the machine's clock"), "{waits}");
    desk.app.ledger().clock().set(ahead.plus_ms(3 * Time::DAY_MS - 1));
    assert_eq!(desk.app.look_at_erasures(true).unwrap(), 0);
    desk.app.ledger().clock().set(ahead.plus_ms(3 * Time::DAY_MS));
    assert_eq!(desk.app.look_at_erasures(true).unwrap(), 1, "it was open for so long");

    let anna = desk.contact("Anna");
    let erasure = requested(&desk, &anna);
    let mut app = desk.app.clone();
    app.cooling_off_ms = Time::DAY_MS;
    let (case, id) = case_of(&desk, &erasure);
    app.approve_erasure(dpo, case, id, Envelope::default()).unwrap();
    drop(app);
    let desk = desk.restart_at(ahead.plus_ms(9 * Time::DAY_MS));
    assert_eq!(desk.app.look_at_erasures(true).unwrap(), 0);
    desk.app.ledger().confirm_clock().unwrap();
    assert_eq!(desk.app.look_at_erasures(true).unwrap(), 1, "an operator said that the clock is right");
}

/// A token was away in the middle: the order stands, and nothing led it on before the next start.
#[test]
fn what_was_ordered_and_not_finished_is_tried_again() {
    let desk = Desk::open();
    let (case, erasure) = desk.fence(&desk.contact("Maria"));
    desk.app
        .ledger()
        .order_destruction(desk.app.register().unwrap(), case, erasure, desk.viewer(Role::Dpo).actor, None, None)
        .unwrap();
    assert_eq!(desk.app.look_at_erasures(false).unwrap(), 0);
    assert_eq!(stage(&desk, &erasure.to_string()), Stage::DestructionOrdered);
    assert_eq!(desk.app.look_at_erasures(true).unwrap(), 1);
    assert_eq!(stage(&desk, &erasure.to_string()), Stage::Certified);
}

/// An agent reads the history of a case, and read there what the hold was for.
#[test]
fn only_a_dpo_reads_what_a_hold_is_for() {
    let desk = Desk::open();
    let maria = desk.contact("Maria");
    let placed = desk.tried(Role::Dpo, &place(&format!("contactId: \"{maria}\""), ""));
    let case = desk.app.ledger().views().hold(id(&placed).parse().unwrap()).unwrap().facts.case;
    let read = format!(
        "{{ history(id: \"{case}\") {{ edges {{ node {{ kind facts {{ name value }} changes {{ field after }} }} }} }} }}"
    );
    let (dpo, agent) = (desk.get(Role::Dpo, &read), desk.get(Role::Agent, &read));
    assert!(dpo.to_string().contains("Anders against Muster"), "{dpo}");
    assert!(!agent.to_string().contains("Anders"), "{agent}");
    assert_eq!(agent["history"]["edges"][1]["node"]["changes"], json!(null));
    assert_eq!(agent["history"]["edges"][1]["node"]["facts"], dpo["history"]["edges"][1]["node"]["facts"]);
}

/// The request that names her cannot be read any more, and it was not said what the erasure waits for.
#[test]
fn a_hold_on_somebody_who_goes_along_is_named_when_the_request_is_fenced_with_the_claims() {
    let desk = Desk::open();
    let (acme, other) = (desk.organization("Acme"), second(&desk));
    let registered = desk.done(&format!(
        "registerContact(input: {{ source: PHONE, reason: CONTRACT, firstName: \"Maria\",
            organizationId: \"{acme}\" }}) {{ contact {{ id }} errors {{ message code path }} }}"
    ));
    let maria = registered["contact"]["id"].as_str().unwrap().to_owned();
    let hold = in_force(&desk, other, &format!("contactId: \"{maria}\""), "");
    let dies = domain::register::Command::SetRetention(domain::register::Retention {
        kind: domain::register::CompartmentKind::Claims,
        country: None,
        rule: domain::register::Rule::DiesWithRelationship,
    });
    let register = desk.app.register().unwrap();
    desk.submit::<domain::register::Register>(register.0, desk.viewer(Role::Dpo).actor, dies);
    let asked = desk.done(&format!(
        "requestErasure(input: {{ organizationId: \"{acme}\" ground: OBJECTED how: EMAIL askedOn: \"2026-09-20\"
            identityCheck: KNOWN_POINT identityOn: \"2026-09-21\" people: [\"{maria}\"] }}) {{ {ERASURE} }}"
    ));
    let erasure = asked["erasure"]["id"].as_str().unwrap().to_owned();
    let approved = desk.tried(Role::Dpo, &approve(&erasure));
    assert_eq!(approved["erasure"]["stage"], "FENCED");
    assert_eq!(approved["erasure"]["holds"], json!([{ "id": hold }]));
    assert!(approved["erasure"]["waitsFor"][0].as_str().unwrap().contains(&hold));
    assert_eq!(desk.app.look_at_erasures(true).unwrap(), 0);
}

/// Whoever asked by mistake, or was wrong, could not take it back.
#[test]
fn a_lift_that_was_asked_for_is_taken_back() {
    let desk = Desk::open();
    let (maria, other) = (desk.contact("Maria"), second(&desk));
    let hold = in_force(&desk, other, &format!("contactId: \"{maria}\""), "");
    desk.tried(Role::Dpo, &step("liftHold", &hold));
    let kept = desk.tried(Role::Dpo, &step("approveHold", &hold));
    assert_eq!((&kept["errors"], &kept["hold"]["stage"]), (&json!([]), &json!("IN_FORCE")));
    let case = desk.app.ledger().views().hold(hold.parse().unwrap()).unwrap().facts.case;
    let lift = Command::ApproveLift { hold: hold.parse().unwrap() };
    let late = crate::app::intent::<Case>(other, case.0, lift, Envelope::default(), events::ledger::Fresh::new());
    assert!(desk.app.ledger().submit_blocking(&late.unwrap()).is_err(), "nobody asks for it any more");
    let desk = desk.restart();
    let erasure = requested(&desk, &maria);
    assert_eq!(desk.tried(Role::Dpo, &approve(&erasure))["erasure"]["holds"], json!([{ "id": hold }]));
    assert_eq!(desk.app.look_at_erasures(true).unwrap(), 0);
}

#[test]
fn a_used_command_id_orders_nothing() {
    let desk = Desk::open();
    let (case, erasure) = desk.fence(&desk.contact("Maria"));
    let used: CommandId = command_id().parse().unwrap();
    let envelope = Envelope { command_id: Some(used), ..Envelope::default() };
    let holding = domain::subject::Holding {
        compartments: vec![],
        review_on: NOW.day().plus_months(1),
        matter: domain::value::Text::parse("a claim").unwrap(),
    };
    let dpo = desk.viewer(Role::Dpo).actor;
    desk.app.place_hold(dpo, (case, None), holding, envelope.clone()).unwrap();
    assert!(desk.app.order_destruction(dpo, case, erasure, envelope).is_err());
    assert_eq!(stage(&desk, &erasure.to_string()), Stage::Fenced);
}
