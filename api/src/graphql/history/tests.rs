use domain::actor::Role;
use serde_json::{Value, json};

use crate::graphql::testing::Desk;

const RECORDS: &str =
    "pageInfo { hasNextPage hasPreviousPage } edges { cursor node { position revision kind late actor hash
    facts { name value } erasure { reason } changes { field before after } } }";

fn history(desk: &Desk, role: Role, id: &str, paging: &str) -> Value {
    desk.get(role, &format!("{{ history(id: \"{id}\" {paging}) {{ {RECORDS} }} }}"))["history"].clone()
}

/// Maria, who became Marie and has a mail address since.
fn changed(desk: &Desk) -> String {
    let maria = desk.contact("Maria");
    desk.done(&format!(
        "changeContact(input: {{ contactId: \"{maria}\" reason: CORRECTION firstName: \"Marie\" notes: \"late riser\" }})
         {{ errors {{ message code path }} }}"
    ));
    desk.done(&format!(
        "addContactPoint(input: {{ contactId: \"{maria}\" point: {{ kind: EMAIL value: \"m@crafts.example\" }} }})
         {{ errors {{ message code path }} }}"
    ));
    maria
}

#[test]
fn an_agent_sees_what_each_record_changed() {
    let desk = Desk::open();
    let maria = changed(&desk);
    let all = history(&desk, Role::Agent, &maria, "");
    let nodes: Vec<_> = all["edges"].as_array().unwrap().iter().map(|edge| &edge["node"]).collect();
    let kinds: Vec<_> = nodes.iter().map(|node| node["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["registered", "changed", "contact point added"]);
    assert_eq!(nodes[0]["changes"], json!([{ "field": "FIRST_NAME", "before": null, "after": "Maria" }]));
    assert_eq!(nodes[0]["facts"][0], json!({ "name": "source", "value": "PHONE" }));
    assert_eq!(
        nodes[1]["changes"],
        json!([
            { "field": "FIRST_NAME", "before": "Maria", "after": "Marie" },
            { "field": "NOTES", "before": null, "after": "late riser" },
        ])
    );
    assert_eq!(nodes[2]["changes"][0]["after"], "m@crafts.example");
    assert_eq!(nodes[1]["actor"], desk.viewer(Role::Agent).actor.to_string());
    let edge = desk.get(Role::Agent, &format!("{{ contact(id: \"{maria}\") {{ history(last: 2) {{ {RECORDS} }} }} }}"));
    assert_eq!(edge["contact"]["history"]["edges"][0], all["edges"][1], "a page knows what was before it");
}

#[test]
fn an_auditor_sees_every_record_and_no_value() {
    let desk = Desk::open();
    let maria = changed(&desk);
    let all = history(&desk, Role::Auditor, &maria, "");
    let edges = all["edges"].as_array().unwrap();
    assert_eq!(edges.len(), 3);
    assert!(edges.iter().all(|edge| edge["node"]["changes"].is_null()));
    let text = all.to_string();
    for value in ["Maria", "Marie", "late riser", "m@crafts.example"] {
        assert!(!text.contains(value), "{value}");
    }
    let hashes = |role| -> Vec<Value> {
        let all = history(&desk, role, &maria, "");
        all["edges"].as_array().unwrap().iter().map(|edge| edge["node"]["hash"].clone()).collect()
    };
    assert_eq!(hashes(Role::Auditor), hashes(Role::Dpo), "the same records");
}

#[test]
fn an_erased_person_keeps_a_history_without_values() {
    let desk = Desk::open();
    let maria = changed(&desk);
    let (_, erasure) = desk.fence(&maria);
    let withheld = history(&desk, Role::Agent, &maria, "");
    assert!(withheld["edges"][1]["node"]["changes"].is_null());
    assert!(withheld["edges"][1]["node"]["erasure"]["reason"].as_str().unwrap().starts_with("withheld"));
    let register = desk.app.register().unwrap();
    let case = desk.app.ledger().views().erasure(erasure).unwrap().facts.case;
    desk.app.ledger().destroy_fenced(register, case, erasure, desk.viewer(Role::Dpo).actor).unwrap();
    let erased = history(&desk, Role::Agent, &maria, "");
    let nodes: Vec<_> = erased["edges"].as_array().unwrap().iter().map(|edge| &edge["node"]).collect();
    assert_eq!(nodes.len(), 3, "never fewer records");
    assert!(nodes.iter().all(|node| node["changes"].is_null()));
    assert!(nodes[0]["erasure"]["reason"].as_str().unwrap().contains("logical"));
    let case = history(&desk, Role::Auditor, &erasure.to_string(), "");
    let kinds: Vec<_> = case["edges"].as_array().unwrap().iter().map(|edge| edge["node"]["kind"].clone()).collect();
    assert_eq!(
        kinds,
        [
            "opened",
            "erasure requested",
            "erasure approved",
            "fenced",
            "destruction ordered",
            "certified",
            "residues named"
        ]
    );
}

#[test]
fn pages_meet_without_gap_or_repeat() {
    let desk = Desk::open();
    let maria = changed(&desk);
    let first = history(&desk, Role::Agent, &maria, "first: 2");
    assert_eq!(first["pageInfo"], json!({ "hasNextPage": true, "hasPreviousPage": false }));
    let cursor = first["edges"][1]["cursor"].as_str().unwrap();
    let rest = history(&desk, Role::Agent, &maria, &format!("first: 2 after: \"{cursor}\""));
    assert_eq!(rest["edges"].as_array().unwrap().len(), 1);
    assert_eq!(rest["edges"][0]["node"]["revision"], 2);
    assert_eq!(rest["pageInfo"], json!({ "hasNextPage": false, "hasPreviousPage": true }));
    let back = history(&desk, Role::Agent, &maria, &format!("last: 1 before: \"{cursor}\""));
    assert_eq!(back["edges"][0], first["edges"][0]);
    let anna = desk.contact("Anna");
    let strange =
        desk.ask(Role::Agent, &format!("{{ history(id: \"{anna}\" after: \"{cursor}\") {{ edges {{ cursor }} }} }}"));
    assert_eq!(strange["errors"][0]["extensions"]["code"], "BAD_USER_INPUT");
}

#[test]
fn whose_history_is_whose_to_read() {
    let desk = Desk::open();
    let maria = changed(&desk);
    let code = |role, id: &str| {
        let answer = desk.ask(role, &format!("{{ history(id: \"{id}\") {{ edges {{ cursor }} }} }}"));
        answer["errors"][0]["extensions"]["code"].clone()
    };
    for role in [Role::Integration, Role::Admin] {
        assert_eq!(code(role, &maria), "FORBIDDEN");
    }
    let admin = desk.viewer(Role::Admin).actor.to_string();
    assert_eq!((code(Role::Agent, &admin), code(Role::Auditor, &admin)), (json!("FORBIDDEN"), json!(null)));
    assert_eq!(code(Role::Agent, "Maria"), "BAD_USER_INPUT");
    let other_noun = maria.replace("contact_", "ticket_");
    let none = desk.get(Role::Dpo, &format!("{{ history(id: \"{other_noun}\") {{ edges {{ cursor }} }} }}"));
    assert_eq!(none["history"], json!(null));
    let shown = desk.tried(
        Role::Integration,
        "registerContact(input: { source: WEB_FORM, reason: ENQUIRY, firstName: \"Eva\" }) { contact { id } }",
    );
    assert!(shown["contact"]["id"].is_string());
    let edge = desk.ask(
        Role::Integration,
        "mutation { registerContact(input: { source: WEB_FORM, reason: ENQUIRY, firstName: \"Eva\" })
         { contact { history { edges { cursor } } } } }",
    );
    assert_eq!(edge["errors"][0]["extensions"]["code"], "FORBIDDEN", "not by the way of an edge either");
}
