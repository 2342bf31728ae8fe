//! Certificates are provisional until nothing is left, through GraphQL.

use domain::actor::Role;
use domain::time::Time;
use serde_json::{Value, json};

use crate::graphql::testing::{Desk, NOW, command_id};

const REST: &str = "erasure { stage certificate { form finalAt finalPosition residues {
    number kind count until disclosureId closed { end on actor } } } } position repeated errors { message code path }";

/// Asked for by an agent and approved by a DPO; no cooling-off.
fn erased(desk: &Desk, contact: &str) -> String {
    let asked = desk.done(&format!(
        "requestErasure(input: {{ contactId: \"{contact}\" ground: OBJECTED how: LETTER askedOn: \"2026-09-20\"
            identityCheck: KNOWN_POINT identityOn: \"2026-09-20\" }}) {{ erasure {{ id }} errors {{ message code path }} }}"
    ));
    let erasure = asked["erasure"]["id"].as_str().unwrap().to_owned();
    let approve = format!(
        "approveErasure(input: {{ erasureId: \"{erasure}\" }}) {{ erasure {{ stage }} errors {{ message code path }} }}"
    );
    assert_eq!(desk.tried(Role::Dpo, &approve)["erasure"]["stage"], "CERTIFIED");
    erasure
}

fn days(desk: &Desk, kind: &str, days: u16) -> Value {
    desk.tried(
        Role::Dpo,
        &format!("setResidueDays(input: {{ kind: {kind} days: {days} }}) {{ kept {{ kind days }} errors {{ message code path }} }}"),
    )
}

fn close(erasure: &str, number: u64, end: &str, on: &str) -> String {
    format!(
        "closeResidue(input: {{ erasureId: \"{erasure}\" number: {number} end: {end} on: \"{on}\" commandId: \"{}\" }}) {{ {REST} }}",
        command_id()
    )
}

fn certificate(desk: &Desk, erasure: &str) -> Value {
    let query = format!(
        "{{ erasure(id: \"{erasure}\") {{ certificate {{ form finalAt residues {{ number kind count until closed {{ end }} }} }} }} }}"
    );
    desk.get(Role::Dpo, &query)["erasure"]["certificate"].clone()
}

fn until_swept(desk: &Desk, erasure: &str) -> Value {
    desk.until_swept(erasure);
    certificate(desk, erasure)
}

#[test]
fn nobody_having_said_how_long_copies_are_kept_the_certificate_waits_for_somebody_who_does() {
    let desk = Desk::open();
    let erasure = erased(&desk, &desk.contact("Maria"));
    let certificate = until_swept(&desk, &erasure);
    assert_eq!(certificate["form"], "PROVISIONAL");
    assert_eq!(
        certificate["residues"],
        json!([
            { "number": 1, "kind": "OLD_BACKUPS", "count": null, "until": null, "closed": null },
            { "number": 2, "kind": "MEMORY_IMAGES", "count": null, "until": null, "closed": null },
            { "number": 3, "kind": "SEALED_PARTS", "count": 1, "until": null, "closed": { "end": "SWEPT" } },
        ])
    );
    assert_eq!(desk.app.close_due_residues().unwrap(), 0, "no clock closes what nobody has dated");

    let agent = desk.ask(Role::Agent, &format!("mutation {{ {} }}", close(&erasure, 1, "DESTROYED", "2026-09-21")));
    assert!(agent.to_string().contains("PERMISSION"), "{agent}");
    let refused = |number, end, on| desk.refused(Role::Dpo, &close(&erasure, number, end, on));
    assert_eq!(refused(9, "DESTROYED", "2026-09-21").0, "NOT_FOUND");
    assert_eq!(refused(1, "RAN_OUT", "2026-09-21").1, "end", "only the ledger says so");
    assert_eq!(refused(1, "RECIPIENT_TOLD", "2026-09-21").0, "VALIDATION");
    assert_eq!(refused(1, "DESTROYED", "2027-09-21").0, "VALIDATION");
    let early = refused(1, "DESTROYED", "1999-01-01");
    assert!(early.0 == "VALIDATION" && early.2.contains("is left since 2026-09-21"), "{early:?}");
    let first = desk.tried(Role::Dpo, &close(&erasure, 1, "DESTROYED", "2026-09-21"));
    assert_eq!(first["erasure"]["certificate"]["form"], "PROVISIONAL", "{first}");
    let twice = refused(1, "DESTROYED", "2026-09-21");
    assert_eq!((twice.0.as_str(), twice.2.contains("was closed already")), ("CONFLICT", true), "{}", twice.2);
    let last = desk.tried(Role::Dpo, &close(&erasure, 2, "DESTROYED", "2026-09-21"));
    assert_eq!(last["errors"], json!([]));
    assert_eq!(last["erasure"]["certificate"]["form"], "FINAL");
    assert!(last["erasure"]["certificate"]["finalPosition"].is_string(), "{last}");
    let late = format!(
        "nameResidues(input: {{ erasureId: \"{erasure}\" residues: [{{ kind: MEMORY_IMAGES }}] }}) {{ {REST} }}"
    );
    assert_eq!(desk.refused(Role::Dpo, &late).0, "CONFLICT");
    let before = self::certificate(&desk, &erasure);
    let desk = desk.restart();
    assert_eq!(self::certificate(&desk, &erasure), before, "and a restart knows it");
}

#[test]
fn what_the_register_dates_ends_by_the_clock_and_the_last_end_is_the_final_certificate() {
    let desk = Desk::open();
    assert_eq!(days(&desk, "OLD_BACKUPS", 30)["errors"], json!([]));
    assert_eq!(days(&desk, "MEMORY_IMAGES", 0)["kept"], json!({ "kind": "MEMORY_IMAGES", "days": 0 }));
    assert_eq!(days(&desk, "SEALED_PARTS", 1)["errors"][0]["code"], "VALIDATION");
    let listed = desk.get(Role::Auditor, "{ residueDays { kind days } }");
    assert_eq!(listed["residueDays"].as_array().unwrap().len(), 2);
    let erasure = erased(&desk, &desk.contact("Maria"));
    let certificate = until_swept(&desk, &erasure);
    let backups = json!({ "number": 1, "kind": "OLD_BACKUPS", "count": null, "until": "2026-10-21", "closed": null });
    assert_eq!((&certificate["form"], &certificate["residues"][0]), (&json!("PROVISIONAL"), &backups));
    let moved = |days| desk.app.ledger().clock().set(NOW.plus_ms(days * Time::DAY_MS));
    moved(30);
    assert_eq!(desk.app.close_due_residues().unwrap(), 0, "its last day is not over");
    moved(31);
    assert_eq!(desk.app.close_due_residues().unwrap(), 1);
    assert_eq!(self::certificate(&desk, &erasure)["form"], "FINAL");
    assert_eq!(self::certificate(&desk, &erasure)["residues"][0]["closed"]["end"], "RAN_OUT");
    assert_eq!(desk.app.close_due_residues().unwrap(), 0, "once");
}

/// What is final stays final, so the machine's clock at a start is not believed alone.
#[test]
fn the_time_that_the_ledger_was_closed_makes_nothing_final() {
    let desk = Desk::open();
    days(&desk, "OLD_BACKUPS", 30);
    days(&desk, "MEMORY_IMAGES", 0);
    let erasure = erased(&desk, &desk.contact("Maria"));
    until_swept(&desk, &erasure);
    let desk = desk.restart_at(NOW.plus_ms(31 * Time::DAY_MS));
    assert_eq!(desk.app.close_due_residues().unwrap(), 0);
    assert_eq!(certificate(&desk, &erasure)["form"], "PROVISIONAL");
    desk.app.ledger().confirm_clock().unwrap();
    assert_eq!(desk.app.close_due_residues().unwrap(), 1, "an operator says that it is so");
    assert_eq!(certificate(&desk, &erasure)["form"], "FINAL");
}

#[test]
fn a_snapshot_that_is_found_later_is_named_and_waited_for() {
    let desk = Desk::open();
    days(&desk, "OLD_BACKUPS", 30);
    days(&desk, "MEMORY_IMAGES", 0);
    let erasure = erased(&desk, &desk.contact("Maria"));
    until_swept(&desk, &erasure);
    let name = |residues: &str| {
        format!("nameResidues(input: {{ erasureId: \"{erasure}\" residues: [{residues}] }}) {{ {REST} }}")
    };
    let none = desk.refused(Role::Dpo, &name(""));
    assert_eq!(none.0, "VALIDATION");
    let own = desk.refused(Role::Dpo, &name("{ kind: SEALED_PARTS }"));
    assert_eq!(own.1, "residues.0.kind");
    let early = desk.refused(Role::Dpo, &name("{ kind: MEMORY_IMAGES until: \"2026-09-20\" }"));
    assert!(early.0 == "VALIDATION" && early.2.contains("2026-09-21"), "over before the destruction: {early:?}");
    let named = desk.tried(Role::Dpo, &name("{ kind: MEMORY_IMAGES count: 2 until: \"2026-12-01\" }"));
    let found = &named["erasure"]["certificate"]["residues"][2];
    assert_eq!((&found["number"], &found["count"]), (&json!(3), &json!(2)), "{named}");
    let unknown = close("erasure_00000000000000000000000000000000", 1, "DESTROYED", "2026-09-21");
    assert_eq!(desk.refused(Role::Dpo, &unknown).0, "NOT_FOUND");
    let open = desk.done(&format!(
        "requestErasure(input: {{ contactId: \"{}\" ground: OBJECTED how: LETTER askedOn: \"2026-09-20\"
            identityCheck: KNOWN_POINT identityOn: \"2026-09-20\" }}) {{ erasure {{ id }} errors {{ message code path }} }}",
        desk.contact("Anna")
    ));
    let open = open["erasure"]["id"].as_str().unwrap();
    let early = desk.refused(Role::Dpo, &close(open, 1, "DESTROYED", "2026-09-21"));
    assert!(early.2.contains("only one that is certified"), "{}", early.2);
}
