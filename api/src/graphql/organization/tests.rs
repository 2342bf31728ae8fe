use domain::actor::Role;
use serde_json::json;

use crate::graphql::testing::{Desk, command_id};

const ACME: &str = r#"
    source: REFERRAL, sourceWords: "from Kurt", reason: CONTRACT, name: "Acme GmbH"
    formerNames: [{ name: "Acme KG", until: "2020-12-31" }]
    invoiceAddress: { lines: ["Hauptstr. 1"], postcode: "10115", city: "Berlin", country: "DE" }
    deliveryAddresses: [{ address: { lines: ["Tor 3"], city: "Berlin" }, from: "2021-01-01" }]
    website: "acme.example", socialLinks: [{ network: "Mastodon", page: "social.example/acme" }]
    notes: "pays late", tags: ["metal"], oldId: { source: "old crm", id: "77" }
    points: [{ kind: PHONE, value: "030 1234567" }]
"#;

const ALL: &str = "id revision source reason holdUntil erasure { reason } name formerNames { name from until }
    invoiceAddress { lines postcode city countryCode } formerInvoiceAddresses { address { city } from until }
    deliveryAddresses { address { lines city } from until } website parent { name }
    socialLinks { network page } notes tags sourceWords reasonWords oldId { source id }
    points { kind value normalized retired }";

const REST: &str = "position repeated revision errors { message code path currentRevision }";

fn register(command_id: &str, values: &str) -> String {
    format!(
        "registerOrganization(input: {{ commandId: \"{command_id}\" {values} }}) {{ organization {{ {ALL} }} {REST} }}"
    )
}

fn change(organization: &str, values: &str) -> String {
    format!(
        "changeOrganization(input: {{ organizationId: \"{organization}\" {values} }})
         {{ organization {{ {ALL} }} {REST} }}"
    )
}

#[test]
fn an_organization_comes_in_and_is_read_back_whole() {
    let desk = Desk::open();
    let registered = desk.done(&register(&command_id(), ACME));
    let acme = &registered["organization"];
    assert_eq!(acme["name"], "Acme GmbH");
    assert_eq!(acme["formerNames"], json!([{ "name": "Acme KG", "from": null, "until": "2020-12-31" }]));
    assert_eq!(acme["invoiceAddress"]["countryCode"], "DE");
    assert_eq!(acme["deliveryAddresses"][0]["from"], "2021-01-01");
    assert_eq!(acme["website"], "acme.example");
    assert_eq!(acme["socialLinks"][0]["network"], "Mastodon");
    assert_eq!((&acme["notes"], &acme["tags"][0]), (&json!("pays late"), &json!("metal")));
    assert_eq!(acme["sourceWords"], "from Kurt");
    assert_eq!(acme["oldId"], json!({ "source": "old crm", "id": "77" }));
    assert_eq!(acme["points"][0]["normalized"], "+49301234567", "read as of the country of its address");
    let found =
        desk.get(Role::Dpo, &format!("{{ organization(id: \"{}\") {{ {ALL} }} }}", acme["id"].as_str().unwrap()));
    assert_eq!(found["organization"], *acme);
}

#[test]
fn a_change_keeps_what_was_and_a_correction_does_not() {
    let desk = Desk::open();
    let id = desk.organization("Acme KG");
    let changed = desk.done(&change(&id, r#"reason: CHANGE, name: "Acme GmbH""#));
    let former = json!([{ "name": "Acme KG", "from": null, "until": "2026-09-21" }]);
    assert_eq!(changed["organization"]["formerNames"], former);
    let corrected = desk.done(&change(&id, r#"reason: CORRECTION, name: "ACME GmbH", notes: "new""#));
    assert_eq!(corrected["organization"]["formerNames"], former);
    assert_eq!(corrected["organization"]["notes"], "new");
    let cleared = desk.done(&change(&id, "reason: CHANGE, notes: null"));
    assert_eq!((&cleared["organization"]["notes"], &cleared["revision"]), (&json!(null), &json!(3)));
    let same = desk.done(&change(&id, r#"reason: CHANGE, name: "ACME GmbH""#));
    assert_eq!(same["revision"], 3, "nothing to record");
}

#[test]
fn a_retry_is_the_same_command_and_other_values_are_not() {
    let desk = Desk::open();
    let registering = command_id();
    let first = desk.done(&register(&registering, ACME));
    let id = first["organization"]["id"].as_str().unwrap();
    let changing = command_id();
    let values = format!(r#"commandId: "{changing}", reason: CHANGE, name: "Acme AG", notes: "pays late""#);
    let changed = desk.done(&change(id, &values));
    let at_once = desk.done(&change(id, &values));
    assert_eq!((&at_once["repeated"], &at_once["position"]), (&json!(true), &changed["position"]));
    desk.done(&change(id, r#"reason: CHANGE, name: "Acme SE""#));
    let size = desk.size();

    let desk = desk.restart();
    let again = desk.done(&register(&registering, ACME));
    assert_eq!((&again["repeated"], &again["position"]), (&json!(true), &first["position"]));
    assert_eq!(again["organization"]["id"], id);
    let again = desk.done(&change(id, &values));
    assert_eq!((&again["repeated"], &again["position"]), (&json!(true), &changed["position"]));
    let (code, path, _) = desk.refused(Role::Agent, &register(&registering, &ACME.replace("GmbH", "AG")));
    assert_eq!((&*code, &*path), ("COMMAND_REUSED", "commandId"));
    let (code, ..) = desk.refused(Role::Agent, &change(id, &values.replace("late", "soon")));
    assert_eq!(code, "COMMAND_REUSED");
    assert_eq!(desk.size(), size);
}

#[test]
fn a_contact_is_changed_again_by_no_retry() {
    let desk = Desk::open();
    let (id, command) = (desk.contact("Maria"), command_id());
    let change = format!(
        "changeContact(input: {{ contactId: \"{id}\", commandId: \"{command}\", reason: CHANGE, firstName: \"Mary\" }})
         {{ repeated position errors {{ message code path }} }}"
    );
    let first = desk.done(&change);
    let again = desk.done(&change);
    assert_eq!((&again["repeated"], &again["position"]), (&json!(true), &first["position"]));
}

#[test]
fn what_is_wrong_is_said_and_nothing_is_recorded() {
    let desk = Desk::open();
    let (id, other) = (desk.organization("Acme GmbH"), desk.organization("Acme Tochter GmbH"));
    desk.done(&change(&other, &format!(r#"reason: CHANGE, parentId: "{id}""#)));
    let size = desk.size();
    let refused = |mutation: &str| {
        let (code, path, _) = desk.refused(Role::Agent, mutation);
        (code, path)
    };
    let of = |code: &str, path: &str| (code.to_owned(), path.to_owned());
    let plain = r#"source: PHONE, reason: CONTRACT, name: "X""#;
    assert_eq!(refused(&register(&command_id(), &plain.replace('X', " "))), of("VALIDATION", "name"));
    assert_eq!(refused(&register(&command_id(), &format!(r#"{plain} website: "a b""#))), of("VALIDATION", "website"));
    assert_eq!(refused(&register(&command_id(), &format!(r#"{plain} parentId: "x""#))), of("VALIDATION", "parentId"));
    assert_eq!(
        refused(&register(&command_id(), &format!(r#"{plain} holdUntil: "2020-01-01""#))),
        of("VALIDATION", "holdUntil")
    );
    assert_eq!(refused(&change(&id, "reason: CHANGE, name: null")), of("VALIDATION", ""));
    assert_eq!(refused(&change("acme", "reason: CHANGE")), of("VALIDATION", "organizationId"));
    let nobody = "organization_00000000000000000000000000000000";
    assert_eq!(refused(&change(nobody, r#"reason: CHANGE, notes: "x""#)), of("NOT_FOUND", ""));
    for parent in [&id, &other] {
        let circle = format!(r#"reason: CHANGE, parentId: "{parent}""#);
        assert_eq!(refused(&change(&id, &circle)), of("VALIDATION", "parentId"));
    }
    let stale = desk.tried(Role::Agent, &change(&other, r#"reason: CHANGE, notes: "x", expectedRevision: 0"#));
    assert_eq!((&stale["errors"][0]["code"], &stale["errors"][0]["currentRevision"]), (&json!("CONFLICT"), &json!(1)));
    desk.done(&change(&other, "reason: CHANGE, notes: null, expectedRevision: 1"));
    assert_eq!(desk.size(), size);
}

#[test]
fn who_may_not_is_told_so() {
    let desk = Desk::open();
    let id = desk.organization("Acme GmbH");
    let registering = register(&command_id(), r#"source: PHONE, reason: CONTRACT, name: "Web GmbH""#);
    for role in [Role::Dpo, Role::Auditor, Role::Admin] {
        assert_eq!(desk.refused(role, &registering).0, "PERMISSION", "{role:?}");
    }
    for role in [Role::Integration, Role::Dpo, Role::Auditor, Role::Admin] {
        assert_eq!(desk.refused(role, &change(&id, "reason: CHANGE")).0, "PERMISSION", "{role:?}");
    }
    for role in [Role::Integration, Role::Auditor, Role::Admin] {
        for query in [format!("organization(id: \"{id}\") {{ name }}"), "organizations { nodes { name } }".into()] {
            let answer = desk.ask(role, &format!("{{ {query} }}"));
            assert_eq!(answer["errors"][0]["extensions"]["code"], "FORBIDDEN", "{role:?}");
        }
    }
}

#[test]
fn a_form_that_registers_somebody_reads_nothing_through_its_answer() {
    let desk = Desk::open();
    let id = desk.organization("Acme GmbH");
    let contact = format!(
        "mutation {{ registerContact(input: {{ source: WEB_FORM, reason: ENQUIRY, firstName: \"Eva\",
         organizationId: \"{id}\" }}) {{ contact {{ firstName organization {{ name }} }} errors {{ message }} }} }}"
    );
    let answer = desk.ask(Role::Integration, &contact);
    assert_eq!(answer["data"]["registerContact"]["contact"], json!({ "firstName": null, "organization": null }));
    let child = format!(
        "mutation {{ registerOrganization(input: {{ source: WEB_FORM, reason: ENQUIRY, name: \"Eva KG\",
         parentId: \"{id}\" }}) {{ organization {{ name parent {{ name }} contacts {{ nodes {{ id }} }} }} }} }}"
    );
    let answer = desk.ask(Role::Integration, &child);
    let read = json!({ "name": null, "parent": null, "contacts": null });
    assert_eq!(answer["data"]["registerOrganization"]["organization"], read);
    assert_eq!(answer["errors"][0]["extensions"]["code"], "FORBIDDEN", "the list of its people");
}

#[test]
fn organizations_and_their_people_are_listed_page_by_page() {
    let desk = Desk::open();
    for (name, tag) in [("Berta AG", "metal"), ("Acme GmbH", "metal"), ("Cäsar KG", "wood")] {
        desk.done(&register(
            &command_id(),
            &format!(r#"source: PHONE, reason: CONTRACT, name: "{name}", tags: ["{tag}"]"#),
        ));
    }
    let names = |arguments: &str| {
        let data = desk.get(
            Role::Agent,
            &format!("{{ organizations({arguments}) {{ nodes {{ name }} pageInfo {{ endCursor hasNextPage }} }} }}"),
        );
        let page = &data["organizations"];
        let nodes = page["nodes"].as_array().unwrap();
        let names: Vec<String> = nodes.iter().map(|node| node["name"].as_str().unwrap().into()).collect();
        (names.join(", "), page["pageInfo"]["endCursor"].clone())
    };
    let (first, cursor) = names("first: 2");
    assert_eq!(first, "Acme GmbH, Berta AG");
    assert_eq!(names(&format!("first: 2, after: {cursor}")).0, "Cäsar KG");
    assert_eq!(names("first: 9, sortBy: CREATED, descending: true").0, "Cäsar KG, Acme GmbH, Berta AG");
    assert_eq!(names("first: 9, filter: { tags: [\"metal\"] }").0, "Acme GmbH, Berta AG");
    assert_eq!(names("first: 9, search: \"caes\"").0, names("first: 9, search: \"nobody\"").0);
    assert_eq!(names("first: 9, search: \"cas\"").0, "Cäsar KG");
    let wrong = desk.ask(Role::Agent, "{ organizations(first: 101) { nodes { name } } }");
    assert_eq!(wrong["errors"][0]["extensions"]["code"], "BAD_USER_INPUT");
}

#[test]
fn a_contact_names_its_organization_and_an_erased_one_reads_null() {
    let desk = Desk::open();
    let id = desk.organization("Acme GmbH");
    for name in ["Anna", "Bert"] {
        let contact = desk.contact(name);
        desk.done(&format!(
            "changeContact(input: {{ contactId: \"{contact}\", reason: CHANGE, organizationId: \"{id}\" }})
             {{ errors {{ message code path }} }}"
        ));
    }
    desk.contact("Carl");
    let query = "{ contacts { edges { node { firstName ...at } } } } fragment at on Contact { organization { name } }";
    let page = desk.get(Role::Agent, query);
    let rows = page["contacts"]["edges"].as_array().unwrap();
    let read: Vec<_> = rows.iter().map(|row| row["node"]["organization"].clone()).collect();
    assert_eq!(read, [json!({ "name": "Acme GmbH" }), json!({ "name": "Acme GmbH" }), json!(null)]);
    let people = format!(
        "{{ organization(id: \"{id}\") {{ name erasure {{ reason }} contacts(first: 1, descending: true)
         {{ nodes {{ firstName organization {{ name }} }} pageInfo {{ hasNextPage }} }} }} }}"
    );
    let data = desk.get(Role::Agent, &people);
    let nodes = json!([{ "firstName": "Bert", "organization": { "name": "Acme GmbH" } }]);
    assert_eq!(data["organization"]["contacts"], json!({ "nodes": nodes, "pageInfo": { "hasNextPage": true } }));

    desk.erase(&id);
    let data = desk.get(Role::Agent, &people);
    assert_eq!(data["organization"]["name"], json!(null));
    assert!(data["organization"]["erasure"]["reason"].as_str().unwrap().contains("logical"));
    let page = desk.get(Role::Agent, query);
    assert_eq!(page["contacts"]["edges"][0]["node"]["organization"], json!({ "name": null }));
    assert_eq!(desk.refused(Role::Agent, &change(&id, r#"reason: CHANGE, notes: "x""#)).0, "ERASED");
}
