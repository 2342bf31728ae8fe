use domain::actor::Role;
use serde_json::json;

use crate::graphql::testing::Desk;

const HELD: &str = "id compartments { compartment parts keptOn keptUntil purposes { purpose legalBasis }
    things { kind id values { name value } } }";

#[test]
fn a_person_is_told_all_that_is_held_about_them() {
    let desk = Desk::open();
    let registered = desk.done(
        "registerContact(input: { source: PHONE, reason: CONTRACT, firstName: \"Maria\", tags: [\"metal\"]
            workAddress: { lines: [\"Hauptstr. 1\"], city: \"Berlin\", country: \"DE\" }
            points: [{ kind: EMAIL, value: \"m@crafts.example\", label: \"work\" }] })
         { contact { id points { id } } errors { message code path } }",
    );
    let maria = registered["contact"]["id"].as_str().unwrap();
    let point = registered["contact"]["points"][0]["id"].as_str().unwrap();
    let asked = desk.done(&format!(
        "requestErasure(input: {{ contactId: \"{maria}\" ground: OBJECTED how: LETTER askedOn: \"2026-09-01\"
            identityCheck: DOCUMENT_SEEN identityOn: \"2026-09-01\" words: \"forget me\" }})
         {{ erasure {{ id case }} errors {{ message code path }} }}"
    ));
    let held = desk.get(Role::Dpo, &format!("{{ subject(contactId: \"{maria}\") {{ {HELD} }} }}"))["subject"].clone();
    let relationship = &held["compartments"][0];
    assert_eq!((&relationship["compartment"], &relationship["keptOn"]), (&json!("relationship"), &json!(null)));
    assert_eq!(
        relationship["things"],
        json!([{ "kind": "contact", "id": maria, "values": [
            { "name": "SOURCE", "value": "PHONE" },
            { "name": "REASON", "value": "CONTRACT" },
            { "name": "FIRST_NAME", "value": "Maria" },
            { "name": "WORK_ADDRESS", "value": "Hauptstr. 1, Berlin, DE" },
            { "name": "TAGS", "value": "metal" },
            { "name": format!("EMAIL {point}"), "value": "m@crafts.example (work)" },
        ] }])
    );
    let claims = &held["compartments"][1];
    assert_eq!(claims["compartment"], "claims");
    assert!(claims["keptUntil"].is_string());
    let erasure = asked["erasure"]["id"].as_str().unwrap();
    assert_eq!(claims["things"][0]["id"], asked["erasure"]["case"]);
    assert_eq!(claims["things"][0]["values"][1], json!({ "name": format!("WORDS {erasure}"), "value": "forget me" }));
    let by_id = desk.get(Role::Dpo, &format!("{{ subject(id: {}) {{ {HELD} }} }}", held["id"]));
    assert_eq!(by_id["subject"], held);
}

#[test]
fn it_is_for_the_dpo_and_nobody_is_held_who_was_erased() {
    let desk = Desk::open();
    let maria = desk.contact("Maria");
    let query = format!("{{ subject(contactId: \"{maria}\") {{ id }} }}");
    for role in [Role::Agent, Role::Integration, Role::Auditor, Role::Admin] {
        assert_eq!(desk.ask(role, &query)["errors"][0]["extensions"]["code"], "FORBIDDEN");
    }
    assert!(desk.get(Role::Dpo, &query)["subject"]["id"].is_string());
    desk.erase(&maria);
    assert_eq!(desk.get(Role::Dpo, &query)["subject"], json!(null));
    let both = desk.ask(Role::Dpo, "{ subject { id } }");
    assert_eq!(both["errors"][0]["extensions"]["code"], "BAD_USER_INPUT");
}
