use domain::actor::{self, Actor, Role};
use domain::time::Time;
use serde_json::{Value, json};

use crate::graphql::testing::{Desk, NOW, command_id};

const READ: &str = "id revision state priority origin reopenUntil subjectLine solution messageCount
    owner { id name } contact { firstName } organization { name } erasure { reason }
    messages { nodes { id internal direction body author { name } } }";

const REST: &str = "position repeated errors { message code path currentRevision }";

fn open(values: &str) -> String {
    format!(
        "openTicket(input: {{ origin: EMAIL, subjectLine: \"Printer\", body: \"It is on fire\" {values} }})
         {{ ticket {{ {READ} }} {REST} }}"
    )
}

fn act(mutation: &str, ticket: &str, values: &str) -> String {
    format!("{mutation}(input: {{ ticketId: \"{ticket}\" {values} }}) {{ ticket {{ {READ} }} {REST} }}")
}

fn id(payload: &Value) -> String {
    payload["ticket"]["id"].as_str().unwrap().into()
}

fn opened(desk: &Desk, contact: &str) -> String {
    id(&desk.done(&open(&format!("contactId: \"{contact}\""))))
}

#[test]
fn a_ticket_goes_from_the_question_to_its_end() {
    let desk = Desk::open();
    let (maria, acme) = (desk.contact("Maria"), desk.organization("Acme GmbH"));
    let first =
        desk.done(&open(&format!("contactId: \"{maria}\", organizationId: \"{acme}\", priority: HIGH")))["ticket"]
            .clone();
    let ticket = first["id"].as_str().unwrap();
    assert_eq!(
        (&first["state"], &first["priority"], &first["origin"]),
        (&json!("OPEN"), &json!("HIGH"), &json!("EMAIL"))
    );
    assert_eq!(
        (&first["contact"]["firstName"], &first["organization"]["name"]),
        (&json!("Maria"), &json!("Acme GmbH"))
    );
    assert_eq!((&first["subjectLine"], &first["erasure"]), (&json!("Printer"), &json!(null)));

    desk.done(&act("replyToTicket", ticket, r#"body: "Run""#));
    desk.done(&act("addInternalNote", ticket, r#"body: "not insured""#));
    desk.done(&act("setTicketPriority", ticket, "priority: URGENT"));
    let kim = desk.hire(Role::Agent, "Kim");
    let assigned = desk.done(&act("assignTicket", ticket, &format!("ownerId: \"{kim}\"")));
    assert_eq!(assigned["ticket"]["owner"], json!({ "id": kim.to_string(), "name": "Kim" }));
    let solved = desk.done(&act("solveTicket", ticket, r#"solution: "Water""#));
    assert_eq!((&solved["ticket"]["state"], &solved["ticket"]["solution"]), (&json!("SOLVED"), &json!("Water")));
    let reopened = desk.done(&act("replyToTicket", ticket, r#"direction: FROM_CUSTOMER, body: "Still on fire""#));
    assert_eq!(reopened["ticket"]["state"], "OPEN", "the customer's word reopens it");
    let closed = desk.done(&act("closeTicket", ticket, ""));
    assert_eq!(
        (&closed["ticket"]["state"], &closed["ticket"]["reopenUntil"]),
        (&json!("CLOSED"), &json!("2026-10-21"))
    );
    let reopened = desk.done(&act("reopenTicket", ticket, ""));
    assert_eq!((&reopened["ticket"]["state"], &reopened["ticket"]["reopenUntil"]), (&json!("OPEN"), &json!(null)));
    assert_eq!(desk.done(&act("assignTicket", ticket, "ownerId: null"))["ticket"]["owner"], json!(null));

    let messages = reopened["ticket"]["messages"]["nodes"].as_array().unwrap();
    let said: Vec<_> = messages.iter().map(|m| (&m["internal"], &m["direction"], &m["body"])).collect();
    let (yes, no) = (json!(true), json!(false));
    let (them, us) = (json!("FROM_CUSTOMER"), json!("FROM_US"));
    let words = [json!("It is on fire"), json!("Run"), json!("not insured"), json!("Still on fire")];
    assert_eq!(said, [(&no, &them, &words[0]), (&no, &us, &words[1]), (&yes, &us, &words[2]), (&no, &them, &words[3])]);
    assert_eq!(messages[1]["author"]["name"], "AGENT");
    let last = desk.get(
        Role::Dpo,
        &format!("{{ ticket(id: \"{ticket}\") {{ messages(last: 1) {{ nodes {{ body }} pageInfo {{ startCursor hasPreviousPage }} }} }} }}"),
    );
    assert_eq!(last["ticket"]["messages"]["nodes"], json!([{ "body": "Still on fire" }]));
    let before = &last["ticket"]["messages"]["pageInfo"]["startCursor"];
    let earlier = desk.get(
        Role::Dpo,
        &format!("{{ ticket(id: \"{ticket}\") {{ messages(last: 1, before: {before}) {{ nodes {{ body }} }} }} }}"),
    );
    assert_eq!(earlier["ticket"]["messages"]["nodes"], json!([{ "body": "not insured" }]));
}

#[test]
fn every_mutation_again_is_the_same_command() {
    let desk = Desk::open();
    let (maria, kim) = (desk.contact("Maria"), desk.hire(Role::Agent, "Kim"));
    let opening = open(&format!("contactId: \"{maria}\", commandId: \"{}\"", command_id()));
    let ticket = id(&desk.done(&opening));
    let again = desk.done(&opening);
    assert_eq!((&again["repeated"], id(&again)), (&json!(true), ticket.clone()));
    let steps = [
        ("replyToTicket", r#"body: "Run""#.to_owned()),
        ("addInternalNote", r#"body: "not insured""#.to_owned()),
        ("setTicketPriority", "priority: URGENT".to_owned()),
        ("assignTicket", format!("ownerId: \"{kim}\"")),
        ("solveTicket", r#"solution: "Water""#.to_owned()),
        ("reopenTicket", String::new()),
        ("closeTicket", String::new()),
    ];
    let mut revision = 0;
    for (mutation, values) in steps {
        let step =
            act(mutation, &ticket, &format!("{values} commandId: \"{}\", expectedRevision: {revision}", command_id()));
        let first = desk.done(&step);
        revision += 1;
        assert_eq!((&first["repeated"], &first["ticket"]["revision"]), (&json!(false), &json!(revision)), "{mutation}");
        if mutation == "assignTicket" {
            desk.submit::<Actor>(kim.0, desk.viewer(Role::Admin).actor, actor::Command::Leave);
        }
        let again = desk.done(&step);
        assert_eq!((&again["repeated"], &again["position"]), (&json!(true), &first["position"]), "{mutation}");
    }
}

/// A slip of the pen made a compartment that any rule says is over at once.
#[test]
fn nothing_became_true_before_1900() {
    let desk = Desk::open();
    let ticket = opened(&desk, &desk.contact("Maria"));
    let size = desk.size();
    let reply = act("replyToTicket", &ticket, r#"body: "Run" effectiveAt: "0026-09-20T10:00:00Z""#);
    let (code, path, words) = desk.refused(Role::Agent, &reply);
    assert_eq!((code.as_str(), path.as_str(), desk.size()), ("VALIDATION", "effectiveAt", size), "{words}");
    desk.done(&act("replyToTicket", &ticket, r#"body: "Run" effectiveAt: "1900-01-01T00:00:00Z""#));
}

#[test]
fn what_a_ticket_refuses_is_said_and_nothing_is_recorded() {
    let desk = Desk::open();
    let (maria, left) = (desk.contact("Maria"), desk.hire(Role::Agent, "Lee"));
    desk.submit::<Actor>(left.0, desk.viewer(Role::Admin).actor, actor::Command::Leave);
    let ticket = opened(&desk, &maria);
    let size = desk.size();
    let refused = |mutation: &str| {
        let (code, path, _) = desk.refused(Role::Agent, mutation);
        (code, path)
    };
    let of = |code: &str, path: &str| (code.to_owned(), path.to_owned());
    let nobody = "00000000000000000000000000000000";
    assert_eq!(refused(&open("")), of("VALIDATION", ""), "nobody asks");
    assert_eq!(refused(&open(&format!("contactId: \"contact_{nobody}\""))), of("NOT_FOUND", "contactId"));
    assert_eq!(refused(&open("organizationId: \"acme\"")), of("VALIDATION", "organizationId"));
    let empty = open(&format!("contactId: \"{maria}\"")).replace("Printer", " ").replace("It is on fire", "\\u0007");
    assert_eq!(desk.tried(Role::Agent, &empty)["errors"].as_array().unwrap().len(), 2, "both are named");
    assert_eq!(refused(&act("replyToTicket", &ticket, r#"body: " ""#)), of("VALIDATION", "body"));
    assert_eq!(refused(&act("solveTicket", &ticket, r#"solution: """#)), of("VALIDATION", "solution"));
    assert_eq!(refused(&act("reopenTicket", &ticket, "")), of("CONFLICT", ""));
    assert_eq!(refused(&act("closeTicket", &format!("ticket_{nobody}"), "")), of("NOT_FOUND", ""));
    assert_eq!(refused(&act("closeTicket", &maria, "")), of("VALIDATION", "ticketId"));
    assert_eq!(refused(&act("assignTicket", &ticket, "")), of("VALIDATION", "ownerId"));
    assert_eq!(
        refused(&act("assignTicket", &ticket, &format!("ownerId: \"actor_{nobody}\""))),
        of("NOT_FOUND", "ownerId")
    );
    for other in [left, desk.viewer(Role::Dpo).actor] {
        assert_eq!(
            refused(&act("assignTicket", &ticket, &format!("ownerId: \"{other}\""))),
            of("VALIDATION", "ownerId")
        );
    }
    let stale = desk.tried(Role::Agent, &act("closeTicket", &ticket, "expectedRevision: 7"));
    assert_eq!((&stale["errors"][0]["code"], &stale["errors"][0]["currentRevision"]), (&json!("CONFLICT"), &json!(0)));
    let later = act("closeTicket", &ticket, r#"effectiveAt: "2030-01-01T00:00:00Z""#);
    assert_eq!(refused(&later), of("VALIDATION", "effectiveAt"));
    assert_eq!(desk.size(), size);

    desk.done(&act("closeTicket", &ticket, ""));
    assert_eq!(refused(&act("replyToTicket", &ticket, r#"body: "Hello?""#)), of("CONFLICT", ""));
    desk.app.ledger().clock().set(Time(NOW.0 + 31 * Time::DAY_MS));
    assert_eq!(refused(&act("reopenTicket", &ticket, "")), of("CONFLICT", ""), "after 30 days");
}

#[test]
fn only_agents_work_on_tickets_and_the_dpo_reads_them() {
    let desk = Desk::open();
    let maria = desk.contact("Maria");
    let ticket = opened(&desk, &maria);
    let mutations = [
        open(&format!("contactId: \"{maria}\"")),
        act("replyToTicket", &ticket, r#"body: "x""#),
        act("addInternalNote", &ticket, r#"body: "x""#),
        act("assignTicket", &ticket, "ownerId: null"),
        act("setTicketPriority", &ticket, "priority: LOW"),
        act("solveTicket", &ticket, r#"solution: "x""#),
        act("reopenTicket", &ticket, ""),
        act("closeTicket", &ticket, ""),
    ];
    for role in [Role::Integration, Role::Dpo, Role::Auditor, Role::Admin] {
        for mutation in &mutations {
            assert_eq!(desk.refused(role, mutation).0, "PERMISSION", "{role:?} {mutation}");
        }
    }
    let query = format!("{{ ticket(id: \"{ticket}\") {{ subjectLine }} tickets {{ nodes {{ subjectLine }} }} }}");
    let printer = json!({ "subjectLine": "Printer" });
    assert_eq!(desk.get(Role::Dpo, &query), json!({ "ticket": printer, "tickets": { "nodes": [printer] } }));
    for role in [Role::Integration, Role::Auditor, Role::Admin] {
        assert_eq!(desk.ask(role, &query)["errors"][0]["extensions"]["code"], "FORBIDDEN", "{role:?}");
    }
}

#[test]
fn tickets_are_found_by_state_owner_and_whose_they_are() {
    let desk = Desk::open();
    let (maria, bert, acme) = (desk.contact("Maria"), desk.contact("Bert"), desk.organization("Acme GmbH"));
    let kim = desk.hire(Role::Agent, "Kim");
    let first = opened(&desk, &maria);
    let second = id(&desk.done(&open(&format!("contactId: \"{bert}\", organizationId: \"{acme}\""))));
    let third = id(&desk.done(&open(&format!("organizationId: \"{acme}\""))));
    desk.done(&act("assignTicket", &second, &format!("ownerId: \"{kim}\"")));
    desk.done(&act("closeTicket", &third, ""));
    let listed = |filter: &str| {
        let data = desk.get(Role::Agent, &format!("{{ tickets(filter: {{ {filter} }}) {{ nodes {{ id }} }} }}"));
        let nodes = data["tickets"]["nodes"].as_array().unwrap().clone();
        nodes.iter().map(|node| node["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(listed(""), format!("{first} {second} {third}"));
    assert_eq!(listed("state: OPEN"), format!("{first} {second}"));
    assert_eq!(listed(&format!("ownerId: \"{kim}\"")), second);
    assert_eq!(listed("unassigned: true, state: OPEN"), first);
    assert_eq!(listed("ownerId: null, unassigned: false, contactId: null"), listed(""), "null asks nothing");
    let nothing = desk.get(Role::Agent, "{ tickets(filter: null) { nodes { id } } }");
    assert_eq!(nothing, desk.get(Role::Agent, "{ tickets { nodes { id } } }"));
    let both = desk.ask(
        Role::Agent,
        &format!(
            "{{ tickets(filter: {{ ownerId: \"{}\", unassigned: true }}) {{ nodes {{ id }} }} }}",
            desk.viewer(Role::Agent).actor
        ),
    );
    assert_eq!(both["errors"][0]["extensions"]["code"], "BAD_USER_INPUT");
    assert_eq!(listed(&format!("contactId: \"{bert}\"")), second);
    assert_eq!(listed(&format!("organizationId: \"{acme}\"")), format!("{second} {third}"));
    let edges = desk.get(
        Role::Agent,
        &format!(
            "{{ contact(id: \"{bert}\") {{ tickets {{ nodes {{ id }} }} }}
               organization(id: \"{acme}\") {{ tickets(state: CLOSED) {{ nodes {{ id }} }} }} }}"
        ),
    );
    assert_eq!(edges["contact"]["tickets"]["nodes"], json!([{ "id": second }]));
    assert_eq!(edges["organization"]["tickets"]["nodes"], json!([{ "id": third }]));
    let page = desk.get(
        Role::Agent,
        "{ tickets(first: 1, descending: true) { edges { cursor node { id } } pageInfo { hasNextPage } } }",
    );
    assert_eq!(page["tickets"]["edges"][0]["node"]["id"], json!(third));
    let next = format!(
        "{{ tickets(first: 1, descending: true, after: {}) {{ nodes {{ id }} }} }}",
        page["tickets"]["edges"][0]["cursor"]
    );
    assert_eq!(desk.get(Role::Agent, &next)["tickets"]["nodes"], json!([{ "id": second }]));
}

#[test]
fn the_ticket_of_an_erased_person_reads_null_and_says_why() {
    let desk = Desk::open();
    let (maria, acme) = (desk.contact("Maria"), desk.organization("Acme GmbH"));
    let ticket = id(&desk.done(&open(&format!("contactId: \"{maria}\", organizationId: \"{acme}\""))));
    desk.done(&act("solveTicket", &ticket, r#"solution: "Water""#));
    desk.erase(&maria);
    read_erased(&desk, &ticket);
    read_erased(&desk.restart(), &ticket);
}

fn read_erased(desk: &Desk, ticket: &str) {
    let data = desk.get(Role::Agent, &format!("{{ ticket(id: \"{ticket}\") {{ {READ} }} }}"));
    let read = &data["ticket"];
    assert_eq!((&read["subjectLine"], &read["solution"], &read["contact"]), (&json!(null), &json!(null), &json!(null)));
    assert_eq!(read["messages"]["nodes"][0]["body"], json!(null));
    assert_eq!((&read["state"], &read["messageCount"]), (&json!("SOLVED"), &json!(1)), "facts stay");
    assert_eq!(read["organization"]["name"], "Acme GmbH", "another's data stays");
    assert!(read["erasure"]["reason"].as_str().unwrap().contains("logical"));
    assert_eq!(desk.refused(Role::Agent, &act("reopenTicket", ticket, "expectedRevision: 9")).0, "CONFLICT");
    assert_eq!(desk.refused(Role::Agent, &act("replyToTicket", ticket, r#"body: "Hello?""#)).0, "ERASED");
}

#[test]
fn a_ticket_about_an_erased_or_fenced_person_is_refused() {
    let desk = Desk::open();
    let (maria, bert) = (desk.contact("Maria"), desk.contact("Bert"));
    desk.erase(&maria);
    desk.fence(&bert);
    for (contact, code) in [(maria, "ERASED"), (bert, "FENCED")] {
        let (refused, path, _) = desk.refused(Role::Agent, &open(&format!("contactId: \"{contact}\"")));
        assert_eq!((&*refused, &*path), (code, "contactId"));
    }
}
