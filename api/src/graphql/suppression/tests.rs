use std::sync::Arc;

use domain::actor::Role;
use domain::event::Event;
use domain::id::{CaseId, ErasureId};
use domain::ledger;
use domain::subject::Stage;
use domain::suppression::{Address, DropPlace, Dropped};
use domain::time::Time;
use events::ledger::open_entry;
use events::log::Log as _;
use serde_json::{Value, json};

use crate::app::{App, Envelope};
use crate::graphql::testing::{Desk, NOW, command_id};

const ERRORS: &str = "position repeated errors { message code path }";
const MAIL: &str = "maria.anders@planted.example";

fn register(mail: &str, more: &str) -> String {
    format!(
        r#"registerContact(input: {{ source: PHONE, reason: ENQUIRY, firstName: "Maria",
            points: [{{ kind: EMAIL, value: "{mail}" }}] {more} }}) {{ contact {{ id pointIds }} {ERRORS} }}"#
    )
}

fn suppress(address: &str, more: &str) -> String {
    format!(
        r#"suppress(input: {{ address: "{address}", reason: ASKED {more} }})
           {{ suppression {{ act reason purposes until }} {ERRORS} }}"#
    )
}

fn unsuppress(address: &str, more: &str) -> String {
    format!(
        r#"unsuppress(input: {{ address: "{address}", reason: INVITED {more} }})
           {{ suppression {{ act purposes until }} {ERRORS} }}"#
    )
}

/// What a DPO does, and must not be refused.
fn done(desk: &Desk, mutation: &str) -> Value {
    let payload = desk.tried(Role::Dpo, mutation);
    assert_eq!(payload["errors"], json!([]), "{mutation}");
    payload
}

fn registered(desk: &Desk, mail: &str) -> (String, String) {
    let contact = desk.done(&register(mail, ""))["contact"].clone();
    (contact["id"].as_str().unwrap().into(), contact["pointIds"][0].as_str().unwrap().into())
}

fn dropped(desk: &Desk, mutation: &str) {
    let (code, path, words) = desk.refused(Role::Agent, mutation);
    assert_eq!((&*code, &*path, &*words), ("DROPPED", "", "this is not taken in"));
}

fn last(desk: &Desk) -> Event {
    let entry = desk.app.ledger().log().record(desk.size() - 1).unwrap().unwrap();
    open_entry(&entry, desk.app.ledger().keyring()).unwrap().recorded.event
}

fn list(desk: &Desk) -> Value {
    let query = "{ suppressionList { years { year entries } unsettled } }";
    desk.get(Role::Dpo, query)["suppressionList"].clone()
}

fn requested(desk: &Desk, contact: &str) -> (CaseId, ErasureId) {
    let payload = desk.done(&format!(
        "requestErasure(input: {{ contactId: \"{contact}\" ground: OBJECTED how: EMAIL askedOn: \"2026-09-20\"
            identityCheck: KNOWN_POINT identityOn: \"2026-09-21\" }}) {{ erasure {{ id }} {ERRORS} }}"
    ));
    let id: ErasureId = payload["erasure"]["id"].as_str().unwrap().parse().unwrap();
    (desk.app.ledger().views().erasure(id).unwrap().facts.case, id)
}

fn approve(erasure: ErasureId, more: &str) -> String {
    format!(
        "approveErasure(input: {{ erasureId: \"{erasure}\" {more} }})
            {{ erasure {{ stage certificate {{ residues {{ kind until }} }} }} {ERRORS} }}"
    )
}

fn dropped_at(place: DropPlace) -> Event {
    Event::Log(ledger::Event::Dropped(Dropped { place, purpose: None, count: 1 }))
}

#[test]
fn a_suppressed_address_is_dropped_and_no_record_says_whose_it_was() {
    let desk = Desk::open();
    let other = registered(&desk, "other@planted.example").0;
    let done = done(&desk, &suppress("Maria.Anders@planted.example", ""));
    let expected = json!({ "act": "ADDED", "reason": "ASKED", "purposes": [], "until": "2029-09-30" });
    assert_eq!(done["suppression"], expected, "three years, and to the end of the month");

    let size = desk.size();
    dropped(&desk, &register(MAIL, ""));
    assert_eq!((desk.size(), last(&desk)), (size + 1, dropped_at(DropPlace::Registration)));
    let point = format!(
        r#"addContactPoint(input: {{ contactId: "{other}", point: {{ kind: EMAIL, value: "{MAIL}" }} }})
           {{ contact {{ id }} {ERRORS} }}"#
    );
    dropped(&desk, &point);
    assert_eq!(last(&desk), dropped_at(DropPlace::ContactPoint));
    let organization = format!(
        r#"registerOrganization(input: {{ source: PHONE, reason: CONTRACT, name: "Anders",
            points: [{{ kind: EMAIL, value: "{MAIL}" }}] }}) {{ organization {{ id }} {ERRORS} }}"#
    );
    dropped(&desk, &organization);
    assert_eq!(desk.size(), size + 3);
    let found = desk.get(Role::Agent, r#"{ contacts(search: "anders") { nodes { id } } }"#);
    assert_eq!(found["contacts"]["nodes"], json!([]));
    // Whoever may register and not read learns no more.
    let answers = [Role::Agent, Role::Integration].map(|role| desk.tried(role, &register(MAIL, "")));
    assert_eq!(answers[0], answers[1]);
    for (name, bytes) in desk.files() {
        let text = String::from_utf8_lossy(&bytes).to_lowercase();
        assert!(!text.contains("maria.anders"), "{name}");
    }
}

#[test]
fn an_address_may_be_suppressed_for_one_purpose_alone() {
    let desk = Desk::open();
    done(&desk, &suppress(MAIL, r#"purposes: ["newsletter"], until: "2027-01-15""#));
    let (maria, point) = registered(&desk, MAIL);
    let may = |purpose: &str, day: &str| {
        let query = format!(
            r#"{{ mayContact(contactId: "{maria}", purpose: "{purpose}", channel: EMAIL, pointId: "{point}" {day})
               {{ allowed why basis words decidedBy }} }}"#
        );
        desk.get(Role::Agent, &query)["mayContact"].clone()
    };
    let no = json!({ "allowed": false, "why": "DROPPED", "basis": null, "words": "Nobody is contacted there.",
        "decidedBy": null });
    let size = desk.size();
    assert_eq!((may("newsletter", ""), may("newsletter", "")), (no.clone(), no));
    assert_eq!(may("product-news", "")["why"], "NEVER_ASKED");
    assert_eq!(may("newsletter", r#", day: "2026-09-01""#)["why"], "NO_SUCH_PURPOSE", "another day, another question");
    let asked_with = |time: Time| format!(r#", knownAt: "{time}""#);
    for time in [NOW, NOW.plus_ms(9 * Time::DAY_MS)] {
        assert_eq!(may("newsletter", &asked_with(time))["why"], "DROPPED", "who says when it is asks for now: {time}");
    }
    let tomorrow = format!(r#", day: "2026-09-23"{}"#, asked_with(NOW.plus_ms(2 * Time::DAY_MS)));
    assert_eq!(may("newsletter", &tomorrow)["why"], "DROPPED");
    assert_eq!(
        may("newsletter", &asked_with(NOW.plus_ms(-Time::DAY_MS)))["why"],
        "NO_SUCH_PURPOSE",
        "known the day before"
    );
    assert_eq!(desk.size(), size, "a question writes nothing");
    desk.app.record_sendings().unwrap();
    let purpose = Some("newsletter".parse().unwrap());
    let counted = Dropped { place: DropPlace::Sending, purpose, count: 5 };
    assert_eq!((desk.size(), last(&desk)), (size + 1, Event::Log(ledger::Event::Dropped(counted))));
    desk.app.record_sendings().unwrap();
    assert_eq!(desk.size(), size + 1, "it is said once");
    done(&desk, &suppress(MAIL, ""));
    assert_eq!(may("security-notices", "")["why"], "DROPPED", "all direct contact, whatever it rests on");
}

#[test]
fn what_runs_out_lets_them_in_again() {
    let desk = Desk::open();
    done(&desk, &suppress(MAIL, r#"until: "2026-11-02""#));
    let at = |day: &str| desk.app.ledger().clock().set(format!("{day}T12:00:00Z").parse().unwrap());
    at("2026-11-30");
    dropped(&desk, &register(MAIL, ""));
    at("2026-12-01");
    registered(&desk, MAIL);
    assert_eq!(list(&desk)["years"], json!([{ "year": 2026, "entries": 1 }]), "time alone clears nothing away");
    // Its key dies with the next destruction.
    let key = desk.app.ledger().keyring().suppression().keys()[0];
    desk.erase(&desk.contact("Jan"));
    assert_eq!(list(&desk)["years"], json!([]));
    let state = desk.app.ledger().keyring().state(&key);
    assert!(matches!(state, events::keyring::KeyState::Erased { .. }), "{state:?}");
}

#[test]
fn an_address_comes_off_the_list_and_a_retry_says_it_once() {
    let desk = Desk::open();
    let (on, off) = (command_id(), command_id());
    let suppress_it = suppress(MAIL, &format!("commandId: \"{on}\""));
    let unsuppress_it = unsuppress(MAIL, &format!("commandId: \"{off}\""));
    let first = done(&desk, &suppress_it);
    let size = desk.size();
    let again = done(&desk, &suppress_it);
    assert_eq!((&again["position"], &again["repeated"]), (&first["position"], &json!(true)));
    done(&desk, &unsuppress_it);
    // The first command once more: it was done, and is not done again.
    assert_eq!(done(&desk, &suppress_it)["repeated"], true);
    assert_eq!(done(&desk, &unsuppress_it)["repeated"], true);
    assert_eq!(desk.size(), size + 1);
    registered(&desk, MAIL);
    let other = suppress(MAIL, &format!("purposes: [\"newsletter\"], commandId: \"{off}\""));
    assert_eq!(desk.refused(Role::Dpo, &other).0, "COMMAND_REUSED");
    assert_eq!(list(&desk)["years"], json!([]), "and nothing was listed for it");
    for role in [Role::Agent, Role::Integration, Role::Admin] {
        assert_eq!(desk.refused(role, &suppress(MAIL, "")).0, "PERMISSION");
    }
}

/// Who was taken in before hears of it again, whatever the list holds by now.
#[test]
fn a_retry_of_what_was_taken_in_is_not_dropped() {
    let desk = Desk::open();
    let before = register(MAIL, &format!("commandId: \"{}\"", command_id()));
    let contact = desk.done(&before)["contact"]["id"].clone();
    done(&desk, &suppress(MAIL, ""));
    let again = desk.done(&before);
    assert_eq!((&again["contact"]["id"], &again["repeated"]), (&contact, &json!(true)));
    dropped(&desk, &register(MAIL, &format!("commandId: \"{}\"", command_id())));
}

#[test]
fn what_cannot_be_suppressed_is_refused_and_writes_nothing() {
    let desk = Desk::open();
    let size = desk.size();
    let refused = |mutation: String| {
        let (code, path, words) = desk.refused(Role::Dpo, &mutation);
        assert_eq!(code, "VALIDATION", "{mutation}");
        (path, words)
    };
    assert_eq!(refused(suppress(MAIL, r#"until: "2026-09-21""#)).1, "this day is over");
    assert_eq!(refused(suppress(MAIL, r#"until: "2036-09-22""#)).1, "nobody is suppressed for more than 120 months");
    assert_eq!(refused(suppress("maria", "")).0, "address");
    let (path, words) = refused(suppress("030 1234567", ""));
    assert_eq!((&*path, words.contains("country code")), ("address", true));
    assert_eq!(refused(suppress(MAIL, r#"purposes: ["newsletter", "nothing"]"#)).0, "purposes.1");
    assert_eq!((desk.size(), list(&desk)), (size, json!({ "years": [], "unsettled": 0 })));
    done(&desk, &suppress("030 1234567", r#"country: "DE""#));
    let phone = r#"registerContact(input: { source: PHONE, reason: ENQUIRY, firstName: "Jan",
        points: [{ kind: FAX, value: "+49 30 123 45 67" }] }) { contact { id } position errors { message code path } }"#;
    dropped(&desk, phone);
}

#[test]
fn an_erasure_keeps_the_addresses_out_and_the_certificate_says_so() {
    let desk = Desk::open();
    let maria = registered(&desk, MAIL).0;
    let (_, erasure) = requested(&desk, &maria);
    let done = done(&desk, &approve(erasure, r#"suppress: true, suppressUntil: "2028-02-02""#));
    assert_eq!(done["erasure"]["stage"], "CERTIFIED");
    let residues = done["erasure"]["certificate"]["residues"].as_array().unwrap();
    assert!(residues.contains(&json!({ "kind": "SUPPRESSION_LIST", "until": "2028-02-29" })), "{residues:?}");
    assert_eq!(list(&desk), json!({ "years": [{ "year": 2026, "entries": 1 }], "unsettled": 0 }));
    dropped(&desk, &register(MAIL, ""));
    let desk = desk.restart();
    dropped(&desk, &register(MAIL, ""));

    let jan = registered(&desk, "jan@planted.example").0;
    let (_, erasure) = requested(&desk, &jan);
    let done = self::done(&desk, &approve(erasure, ""));
    assert!(!done["erasure"]["certificate"]["residues"].to_string().contains("SUPPRESSION"), "nobody asked for it");
    registered(&desk, "jan@planted.example");
}

#[test]
fn an_erasure_that_ends_otherwise_gives_the_addresses_up() {
    let desk = Desk::open();
    let app = App::new(Arc::clone(desk.app.shared_ledger()), true, Time::DAY_MS);
    let dpo = desk.viewer(Role::Dpo);
    let until = Some(NOW.day().plus_months(24));
    for end in ["withdrawn", "refused", "refused before it was approved", "certified"] {
        let mail = format!("{}@planted.example", end.replace(' ', "."));
        let (contact, _) = registered(&desk, &mail);
        let (case, erasure) = requested(&desk, &contact);
        if end.ends_with("approved") {
            // Whoever asked may not approve: nothing of it stays.
            let agent = desk.viewer(Role::Agent).actor;
            assert!(app.approve_suppressing(agent, case, erasure, until, Envelope::default()).is_err());
            assert_eq!(list(&desk)["unsettled"], 0);
            let late = Envelope { expected_revision: Some(99), ..Envelope::default() };
            assert!(app.approve_suppressing(dpo.actor, case, erasure, until, late).is_err());
        } else {
            app.approve_suppressing(dpo.actor, case, erasure, until, Envelope::default()).unwrap();
            assert_eq!(list(&desk)["unsettled"], 1);
            dropped(&desk, &register(&mail, ""));
        }
        match end {
            "withdrawn" => {
                app.withdraw_erasure(dpo, case, erasure, Envelope::default()).unwrap();
            }
            "certified" => {
                desk.app.ledger().clock().set(NOW.plus_ms(Time::DAY_MS));
                assert_eq!(app.destroy_due().unwrap(), 1);
            }
            _ => {
                let why = (domain::subject::RefusalGround::NoGround, None);
                app.refuse_erasure(dpo.actor, case, erasure, why, Envelope::default()).unwrap();
            }
        }
        assert_eq!(list(&desk)["unsettled"], 0, "{end}");
        match end {
            "certified" => dropped(&desk, &register(&mail, "")),
            _ => drop(registered(&desk, &mail)),
        }
    }
    assert_eq!(list(&desk)["years"], json!([{ "year": 2026, "entries": 1 }]));
}

/// A crash between the list and the record that follows it, on every way.
/// It answered as if it had put the addresses there.
#[test]
fn an_approval_that_cannot_read_the_addresses_any_more_says_so() {
    let desk = Desk::open().cooling(Time::DAY_MS);
    let (contact, _) = registered(&desk, MAIL);
    let (_, first) = requested(&desk, &contact);
    done(&desk, &approve(first, ""));
    let size = desk.size();
    let (code, _, words) = desk.refused(Role::Dpo, &approve(first, "suppress: true"));
    assert!(code == "VALIDATION" && words.contains("was approved before"), "{code} {words}");
    assert_eq!((desk.size(), list(&desk)["unsettled"].clone()), (size, json!(0)));
}

#[test]
fn a_list_without_its_record_is_led_on_after_a_crash() {
    let desk = Desk::open();
    let until = NOW.day().plus_months(24);
    let address = |mail: &str| [Address::parse(mail, None).unwrap()];
    let [asked, approved, certified] = ["asked@x.example", "approved@x.example", "certified@x.example"];
    let erasures = [asked, approved, certified].map(|mail| requested(&desk, &registered(&desk, mail).0));
    let dpo = desk.viewer(Role::Dpo).actor;
    for ((_, erasure), mail) in erasures.iter().zip([asked, approved, certified]) {
        desk.app.ledger().suppress(&address(mail), &[], until, Some(*erasure)).unwrap();
    }
    desk.app.ledger().suppress(&address(MAIL), &[], until, None).unwrap();
    for (case, erasure) in &erasures[1..] {
        desk.submit::<domain::subject::Case>(case.0, dpo, domain::subject::Command::Approve { erasure: *erasure });
    }
    let (case, erasure) = erasures[2];
    let (register_id, wait) = (desk.app.register().unwrap(), domain::subject::CoolingOff::NONE);
    desk.app.ledger().fence_approved(register_id, case, erasure, dpo, wait).unwrap();
    desk.app.ledger().destroy_fenced(register_id, case, erasure, dpo).unwrap();
    // What a crash right behind the certificate leaves: the list still names it.
    desk.app.ledger().suppress(&address(certified), &[], until, Some(erasure)).unwrap();

    let desk = desk.restart();
    desk.app.settle_suppressions().unwrap();
    assert_eq!(list(&desk)["unsettled"], 1, "only what was approved waits");
    dropped(&desk, &register(MAIL, ""));
    dropped(&desk, &register(approved, ""));
    dropped(&desk, &register(certified, ""));
    registered(&desk, asked);
    // The approval goes on, and so does the command that had no record.
    let (case, erasure) = erasures[1];
    let other = desk.hire(Role::Dpo, "Second");
    desk.app.approve_erasure(other, case, erasure, Envelope::default()).unwrap();
    assert_eq!(desk.app.ledger().views().erasure(erasure).unwrap().facts.stage, Stage::Certified);
    assert_eq!(list(&desk)["unsettled"], 0);
    dropped(&desk, &register(approved, ""));
    assert_eq!(done(&desk, &suppress(MAIL, r#"until: "2027-01-01""#))["repeated"], false);
}
