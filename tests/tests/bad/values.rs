//! Values that are not as they must be. Each is named by its path; all that is wrong with an input is said at once.

use serde_json::{Value, json};
use tests::client::Client;
use tests::desk;
use tests::server::{Server, unchanged};

/// Tries an input with other fields in it, and expects exactly these paths to be wrong.
fn wrong(agent: &Client, operation: &str, good: &Value, other: Value, paths: &[&str]) {
    let mut input = good.clone();
    input.as_object_mut().unwrap().extend(other.as_object().unwrap().clone());
    let errors = agent.refused(operation, &input);
    let said: Vec<String> = errors
        .iter()
        .map(|error| {
            assert_eq!(error["code"], "VALIDATION", "{error}");
            assert!(!error["message"].as_str().unwrap().is_empty(), "{error}");
            error["path"].as_array().unwrap().iter().map(|part| part.as_str().unwrap()).collect::<Vec<_>>().join(".")
        })
        .collect();
    assert_eq!(said, paths, "{operation} {other}: {errors:?}");
}

#[test]
fn values_of_a_contact_are_checked() {
    let server = Server::start(&[]);
    let (agent, auditor) = (server.client("agent"), server.client("auditor"));
    let good = desk::person("Ada", "Planted", "ada@planted.example");
    let try_one = |other: Value, paths: &[&str]| wrong(&agent, "registerContact", &good, other, paths);
    let point = |kind: &str, value: &str| json!({ "points": [{ "kind": kind, "value": value }] });
    unchanged(&auditor, || {
        try_one(json!({ "firstName": "x".repeat(201) }), &["firstName"]);
        try_one(json!({ "notes": "é".repeat(8 * 1024 + 1) }), &["notes"]);
        try_one(json!({ "tags": ["x", "x".repeat(65)] }), &["tags.1"]);
        for control in ["A\u{0}da", "Ada\nPlanted", "Ada\u{1b}[2J", "Ada\u{7f}", "A\u{85}da"] {
            try_one(json!({ "firstName": control }), &["firstName"]);
        }
        try_one(json!({ "notes": "bell\u{7}" }), &["notes"]);
        try_one(json!({ "firstName": " " }), &["firstName"]);
        for mail in [
            "ada",
            "ada@",
            "@planted.example",
            "ada@planted",
            "a da@planted.example",
            "ada@@planted.example",
            "ada@-x.example",
        ] {
            try_one(point("EMAIL", mail), &["points.0.value"]);
        }
        try_one(point("EMAIL", &format!("{}@planted.example", "x".repeat(65))), &["points.0.value"]);
        for phone in ["call me", "+", "()", "-", "x".repeat(41).as_str(), "123456789012345678901"] {
            try_one(point("PHONE", phone), &["points.0.value"]);
        }
        for country in ["Germny", "XX", "ZZ", "D", ""] {
            try_one(json!({ "workAddress": { "city": "Berlin", "country": country } }), &["workAddress.country"]);
        }
        try_one(json!({ "website": "not a page" }), &["website"]);
        try_one(json!({ "language": "deutsch, bitte" }), &["language"]);
        for (field, kind) in [("organizationId", "organization"), ("samePersonAs", "contact")] {
            try_one(json!({ field: "Ada" }), &[field]);
            let mut nobody = good.clone();
            nobody[field] = json!(desk::nobody(kind));
            assert_eq!(agent.refused_with("registerContact", &nobody), "NOT_FOUND", "{field}");
        }
        try_one(
            json!({ "firstName": "\u{0}", "lastName": "\u{0}", "website": "no" }),
            &["firstName", "lastName", "website"],
        );
        let nameless = json!({ "source": "PHONE", "reason": "ENQUIRY" });
        assert_eq!(agent.refused_with("registerContact", &nameless), "VALIDATION");
        // The number of a payment card must not be kept, wherever it stands.
        let card =
            json!({ "source": "PHONE", "reason": "ENQUIRY", "firstName": "Ada", "notes": "card 4111 1111 1111 1111" });
        let refused = agent.refused("registerContact", &card);
        assert_eq!((&refused[0]["code"], &refused[0]["path"]), (&json!("VALIDATION"), &json!(["notes"])));
    });
}

#[test]
fn days_and_moments_are_checked() {
    let server = Server::start(&[]);
    let (agent, auditor) = (server.client("agent"), server.client("auditor"));
    let good = desk::person("Ada", "Planted", "ada@planted.example");
    unchanged(&auditor, || {
        for (field, value) in [
            ("birthday", "1970-02-30"),
            ("birthday", "30.01.1970"),
            ("birthday", "1970-1-1"),
            ("birthday", "yesterday"),
            ("holdUntil", "9999999-01-01"),
            ("effectiveAt", "2026-01-31"),
            ("effectiveAt", "2026-01-31T25:00:00Z"),
            ("commandId", "command_1"),
            ("commandId", "contact_00000000000000000000000000000000"),
        ] {
            let mut input = good.clone();
            input[field] = json!(value);
            let answer = agent.mutate("registerContact", &input, "");
            assert_eq!(answer.code(), "GRAPHQL_VALIDATION", "{field} {value}: {answer:#?}");
            assert!(!answer.body.to_string().contains(value), "{answer:#?}");
        }
        wrong(&agent, "registerContact", &good, json!({ "effectiveAt": "2999-01-01T00:00:00Z" }), &["effectiveAt"]);
    });
}

#[test]
fn values_of_other_nouns_are_checked() {
    let server = Server::start(&[]);
    let [agent, dpo, auditor] = ["agent", "dpo", "auditor"].map(|role| server.client(role));
    let ada = desk::register(&agent, "Ada", "Planted", "ada@planted.example");
    unchanged(&auditor, || {
        let organization = json!({ "source": "PHONE", "reason": "CONTRACT", "name": "Planted Ltd" });
        let try_one = |other: Value, paths: &[&str]| wrong(&agent, "registerOrganization", &organization, other, paths);
        try_one(json!({ "name": "x".repeat(201) }), &["name"]);
        try_one(json!({ "name": "" }), &["name"]);
        try_one(json!({ "invoiceAddress": { "country": "Atlantis" } }), &["invoiceAddress.country"]);
        let point = json!({ "contactId": ada.id, "point": { "kind": "EMAIL", "value": "ada@planted.example" } });
        wrong(
            &agent,
            "addContactPoint",
            &point,
            json!({ "point": { "kind": "EMAIL", "value": "ada" } }),
            &["point.value"],
        );
        wrong(&agent, "addContactPoint", &point, json!({ "contactId": "ada" }), &["contactId"]);
        let ticket = json!({ "contactId": ada.id, "subjectLine": "Late", "body": "Where is it?", "origin": "EMAIL" });
        wrong(&agent, "openTicket", &ticket, json!({ "subjectLine": "x".repeat(201) }), &["subjectLine"]);
        wrong(&agent, "openTicket", &ticket, json!({ "body": "\u{0}" }), &["body"]);
        wrong(&agent, "openTicket", &ticket, json!({ "body": "x".repeat(16 * 1024 + 1) }), &["body"]);
        let notice = json!({ "purpose": "newsletter", "language": "en", "text": "May we?" });
        wrong(&dpo, "publishNotice", &notice, json!({ "text": "x".repeat(16 * 1024 + 1) }), &["text"]);
        wrong(&dpo, "publishNotice", &notice, json!({ "purpose": "world-domination" }), &["purpose"]);
        wrong(&dpo, "publishNotice", &notice, json!({ "language": "e" }), &["language"]);
    });
}
