//! Commands that come too late, twice, or about nobody: stale revisions, used command ids, people who are gone, wrong codes.

use serde_json::{Value, json};
use tests::client::{Client, text};
use tests::desk::{self, Registered};
use tests::programs::lethe;
use tests::server::{Server, real, unchanged};

fn rename(of: &Registered, name: &str) -> Value {
    json!({ "contactId": of.id, "reason": "CHANGE", "lastName": name })
}

fn with(mut input: Value, field: &str, value: Value) -> Value {
    input[field] = value;
    input
}

#[test]
fn a_stale_revision_is_a_conflict_and_names_the_one_by_now() {
    let server = Server::start(&[]);
    let (agent, auditor) = (server.client("agent"), server.client("auditor"));
    let ada = desk::register(&agent, "Ada", "Planted", "ada@planted.example");
    let changed = agent.change("changeContact", &with(rename(&ada, "Plantagenet"), "expectedRevision", json!(0)), "");
    assert_eq!(changed["revision"], 1);
    unchanged(&auditor, || {
        for stale in [0, 7] {
            let errors = agent.refused("changeContact", &with(rename(&ada, "Late"), "expectedRevision", json!(stale)));
            assert_eq!(
                (&errors[0]["code"], &errors[0]["currentRevision"]),
                (&json!("CONFLICT"), &json!(1)),
                "{errors:?}"
            );
        }
    });
    agent.change("changeContact", &with(rename(&ada, "Late"), "expectedRevision", json!(1)), "");
}

#[test]
fn a_command_id_is_good_for_one_command() {
    let server = Server::start(&[]);
    let (agent, auditor) = (server.client("agent"), server.client("auditor"));
    let ada = desk::register(&agent, "Ada", "Planted", "ada@planted.example");
    let bob = desk::register(&agent, "Bob", "Planted", "bob@planted.example");
    let id = json!(desk::command_id());
    let first = with(rename(&ada, "Plantagenet"), "commandId", id.clone());
    let done = agent.change("changeContact", &first, "contact { id }");
    assert_eq!(done["repeated"], false);
    unchanged(&auditor, || {
        let again = agent.change("changeContact", &first, "contact { id lastName }");
        assert_eq!((&again["repeated"], &again["position"]), (&json!(true), &done["position"]));
        assert_eq!(again["contact"], json!({ "id": ada.id, "lastName": "Plantagenet" }));
        let other_values = with(first.clone(), "lastName", json!("Other"));
        let other_node = with(first.clone(), "contactId", json!(bob.id));
        for (operation, input) in [
            ("changeContact", other_values),
            ("changeContact", other_node),
            ("changeContact", with(first.clone(), "reason", json!("CORRECTION"))),
            ("registerContact", with(desk::person("Cyd", "Planted", "cyd@planted.example"), "commandId", id.clone())),
            ("retireContactPoint", json!({ "contactId": ada.id, "pointId": ada.point, "commandId": id })),
        ] {
            assert_eq!(agent.refused_with(operation, &input), "COMMAND_REUSED", "{input}");
        }
    });
}

#[test]
fn a_rejected_command_is_decided_anew() {
    let server = Server::start(&[]);
    let agent = server.client("agent");
    let ada = desk::register(&agent, "Ada", "Planted", "ada@planted.example");
    let ticket = json!({ "contactId": ada.id, "subjectLine": "Late", "body": "Where is it?", "origin": "EMAIL" });
    let ticket = text(&agent.change("openTicket", &ticket, "ticket { id }")["ticket"]["id"]);
    let reopen = json!({ "ticketId": ticket, "commandId": desk::command_id() });
    assert_eq!(agent.refused("reopenTicket", &reopen).len(), 1);
    agent.change("solveTicket", &json!({ "ticketId": ticket, "solution": "It was in the cellar." }), "");
    assert_eq!(agent.change("reopenTicket", &reopen, "")["repeated"], false);
}

#[test]
fn about_nobody_nothing_is_written() {
    let server = Server::start(&[]);
    let [agent, dpo, auditor] = ["agent", "dpo", "auditor"].map(|role| server.client(role));
    let nobody = Registered { id: desk::nobody("contact"), point: desk::nobody("point"), position: String::new() };
    let shown = desk::notice(&dpo, "product-news");
    unchanged(&auditor, || {
        assert_eq!(agent.refused_with("changeContact", &rename(&nobody, "Nobody")), "NOT_FOUND");
        assert_eq!(agent.refused_with("giveConsent", &desk::consent(&nobody, "product-news", &shown)), "NOT_FOUND");
        assert_eq!(agent.refused_with("withdrawConsent", &desk::withdrawal(&nobody, "product-news")), "NOT_FOUND");
        assert_eq!(agent.refused_with("requestErasure", &desk::erasure_request(&nobody, "x")), "NOT_FOUND");
        assert_eq!(dpo.refused_with("approveErasure", &json!({ "erasureId": desk::nobody("erasure") })), "NOT_FOUND");
        let reply = json!({ "ticketId": desk::nobody("ticket"), "body": "Hello?" });
        assert_eq!(agent.refused_with("replyToTicket", &reply), "NOT_FOUND");
        let sent = json!({ "quoteId": desk::nobody("quote"), "version": 1 });
        assert_eq!(agent.refused_with("markQuoteSent", &sent), "NOT_FOUND");
        for id in ["contact_1", "ada", "", "organization_00000000000000000000000000000000"] {
            let input = json!({ "contactId": id, "reason": "CHANGE", "lastName": "Nobody" });
            assert_eq!(agent.refused_with("changeContact", &input), "VALIDATION");
        }
        assert_eq!(
            agent.ask("query($id: ID!) { contact(id: $id) { id } }", json!({ "id": nobody.id }))["contact"],
            Value::Null
        );
        assert_eq!(agent.ask_refused("{ contact(id: \"ada\") { id } }", json!({})), "BAD_USER_INPUT");
        assert_eq!(desk::may_contact(&agent, &nobody, "product-news")["allowed"], false);
    });
}

/// Everything that could be tried about a person who is going or gone, and the answer to each.
fn try_everything(people: &[Client; 4], of: &Registered, shown: &Value, code: &str) {
    let [agent, dpo, _, auditor] = people;
    let ticket = json!({ "contactId": of.id, "subjectLine": "Late", "body": "Where is it?", "origin": "EMAIL" });
    let offer = json!({
        "currency": "EUR", "validUntil": "2999-01-31",
        "lines": [{ "description": "Tea", "quantityMilli": 1000, "unitPriceMinor": 100, "taxBasisPoints": 1900 }],
    });
    unchanged(auditor, || {
        for (operation, input) in [
            ("changeContact", rename(of, "Gone")),
            (
                "addContactPoint",
                json!({ "contactId": of.id, "point": { "kind": "EMAIL", "value": "new@planted.example" } }),
            ),
            ("retireContactPoint", json!({ "contactId": of.id, "pointId": of.point })),
            ("giveConsent", desk::consent(of, "product-news", shown)),
            ("withdrawConsent", desk::withdrawal(of, "product-news")),
            ("objectToProcessing", desk::withdrawal(of, "product-news")),
            ("openTicket", ticket),
            ("draftQuote", json!({ "contactId": of.id, "offer": offer })),
            ("requestErasure", desk::erasure_request(of, "once more")),
        ] {
            assert_eq!(agent.refused_with(operation, &input), code, "{operation}");
        }
        let same = with(desk::person("Ada", "Again", "ada@again.example"), "samePersonAs", json!(of.id));
        assert_eq!(agent.refused("registerContact", &same)[0]["path"], json!(["samePersonAs"]));
        assert_eq!(desk::may_contact(agent, of, "product-news")["allowed"], false);
        let held = dpo.ask("query($id: ID!) { subject(contactId: $id) { id } }", json!({ "id": of.id }));
        assert_eq!(held["subject"], Value::Null);
    });
}

fn people(server: &Server) -> [Client; 4] {
    [
        server.client("agent"),
        server.with_token(&server.token("dpo", "The first officer")),
        server.with_token(&server.token("dpo", "The second officer")),
        server.client("auditor"),
    ]
}

#[test]
fn about_a_fenced_person_nothing_is_written_and_everything_again_when_the_fence_is_lifted() {
    let server = Server::start(&["--cooling-off", "1"]);
    let people = people(&server);
    let [agent, dpo, second, auditor] = &people;
    let shown = desk::notice(dpo, "product-news");
    let ada = desk::register(agent, "Ada", "Planted", "ada@planted.example");
    agent.change("giveConsent", &desk::consent(&ada, "product-news", &shown), "");
    let (erasure, stage) = desk::forget(agent, dpo, &ada);
    assert_eq!(stage, "FENCED");
    let query = "query($id: ID!) { contact(id: $id) { name email erasure { reason } } }";
    let read = agent.ask(query, json!({ "id": ada.id }))["contact"].clone();
    assert_eq!((&read["name"], &read["email"]), (&Value::Null, &Value::Null));
    assert!(text(&read["erasure"]["reason"]).starts_with("withheld"), "{read}");
    try_everything(&people, &ada, &shown, "FENCED");

    let own = json!({ "erasureId": erasure, "ground": "CLAIMS" });
    second.change("refuseErasure", &own, "");
    assert_eq!(agent.ask(query, json!({ "id": ada.id }))["contact"]["name"], "Ada Planted");
    agent.change("changeContact", &rename(&ada, "Back"), "");
    assert!(tests::server::size(auditor) > 0);
}

/// Outside a demo, where the start says nothing of it.
/// It was taken, and somebody was destroyed within a second of the approval.
#[test]
fn a_real_ledger_never_goes_without_a_cooling_off() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("real");
    let serve = |more: &[&str]| Server::spawn(real(&data, more), &data);
    serve(&[]).unwrap().stop();
    for more in [&["--cooling-off", "0"][..], &["--cooling-off", "0", "--test"]] {
        let refused = serve(more).err().unwrap();
        assert!(refused.code == Some(1) && refused.err.contains("without a cooling-off only in a demo"), "{refused:?}");
    }
    let data = data.to_str().unwrap();
    let refused = lethe(&["retention", "run", "--cooling-off", "0", "--data", data]);
    assert!(refused.code == Some(1) && refused.err.contains("without a cooling-off only in a demo"), "{refused:?}");
    let far = lethe(&["retention", "run", "--cooling-off", "4294967295", "--data", data]);
    assert!(far.code == Some(2) && far.err.contains("8784"), "{far:?}");
    let trial = home.path().join("trial");
    Server::at(&trial, &["--cooling-off", "0"]).stop();
    let refused = Server::spawn(real(&trial, &[]), &trial).err().unwrap();
    assert!(refused.err.contains("open it with --demo or --test"), "{refused:?}");
}

#[test]
fn an_approved_erasure_waits_for_a_day_and_nobody_hurries_it() {
    let server = Server::start(&[]);
    let people = people(&server);
    let [agent, dpo, second, auditor] = &people;
    let ada = desk::register(agent, "Ada", "Planted", "ada@planted.example");
    let (erasure, stage) = desk::forget(agent, dpo, &ada);
    assert_eq!(stage, "FENCED");
    let query = "query($id: ID!) { erasure(id: $id) { destroyableFrom waitsFor steps { at } } }";
    let read = dpo.ask(query, json!({ "id": erasure }))["erasure"].clone();
    let at = |text: &Value| text.as_str().unwrap().parse::<domain::time::Time>().unwrap().0;
    let fenced = at(&read["steps"].as_array().unwrap().last().unwrap()["at"]);
    let waits = at(&read["destroyableFrom"]) - fenced;
    assert!((86_000_000..=86_400_000).contains(&waits), "{waits} ms");
    unchanged(auditor, || {
        for person in [dpo, second] {
            assert_eq!(person.refused_with("orderDestruction", &json!({ "erasureId": erasure })), "CONFLICT");
        }
    });
    second.change("refuseErasure", &json!({ "erasureId": erasure, "ground": "CLAIMS" }), "");
}

#[test]
fn about_an_erased_person_nothing_is_written() {
    let server = Server::start(&["--cooling-off", "0"]);
    let people = people(&server);
    let [agent, dpo, ..] = &people;
    let shown = desk::notice(dpo, "product-news");
    let ada = desk::register(agent, "Ada", "Planted", "ada@planted.example");
    let (erasure, stage) = desk::forget(agent, dpo, &ada);
    assert_eq!(stage, "CERTIFIED");
    try_everything(&people, &ada, &shown, "ERASED");
    assert_eq!(dpo.refused_with("refuseErasure", &json!({ "erasureId": erasure, "ground": "CLAIMS" })), "CONFLICT");
}

#[test]
fn nobody_approves_what_they_asked_for() {
    let server = Server::start(&[]);
    let [agent, dpo, _, auditor] = &people(&server);
    let ada = desk::register(agent, "Ada", "Planted", "ada@planted.example");
    let asked = dpo.change("requestErasure", &desk::erasure_request(&ada, "forget me"), "erasure { id }");
    let approve = json!({ "erasureId": asked["erasure"]["id"] });
    // A second token of the same actor is the same person.
    let same = server.with_token(&server.token("dpo", "The first officer"));
    assert_ne!(same.token(), dpo.token());
    unchanged(auditor, || {
        for person in [dpo, &same, agent] {
            assert_eq!(person.refused_with("approveErasure", &approve), "PERMISSION");
        }
    });
}

#[test]
fn a_wrong_or_used_code_confirms_nothing() {
    let server = Server::start(&[]);
    let [agent, integration, dpo, auditor] = ["agent", "integration", "dpo", "auditor"].map(|role| server.client(role));
    let shown = desk::notice(&dpo, "newsletter");
    let ada = desk::register(&agent, "Ada", "Planted", "ada@planted.example");
    let asked = desk::asked(&ada, "newsletter", &shown);
    unchanged(&auditor, || assert_eq!(agent.refused_with("requestConsent", &asked), "PERMISSION"));
    let code = text(&integration.change("requestConsent", &asked, "code")["code"]);
    let other = text(&integration.change("requestConsent", &with(asked, "codeDays", json!(1)), "code")["code"]);
    assert_ne!(code, other);
    let confirm = |code: &str| json!({ "code": code, "source": "WEB_FORM" });
    let mut guessed: Vec<char> = code.chars().collect();
    guessed[0] = if guessed[0] == '0' { '1' } else { '0' };
    unchanged(&auditor, || {
        assert_eq!(integration.refused_with("confirmConsent", &confirm("")), "VALIDATION");
        assert_eq!(integration.refused_with("confirmConsent", &confirm("1234")), "VALIDATION");
        let guessed: String = guessed.into_iter().collect();
        assert_eq!(integration.refused_with("confirmConsent", &confirm(&guessed)), "NOT_FOUND");
        assert_eq!(agent.refused_with("confirmConsent", &confirm(&code)), "PERMISSION");
        assert_eq!(desk::may_contact(&agent, &ada, "newsletter")["allowed"], false);
    });
    integration.change("confirmConsent", &confirm(&code), "");
    assert_eq!(desk::may_contact(&agent, &ada, "newsletter")["why"], "CONFIRMED");
    unchanged(&auditor, || assert_eq!(integration.refused_with("confirmConsent", &confirm(&code)), "CODE_USED"));
}
