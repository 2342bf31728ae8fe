use domain::actor::Role::{Admin, Agent, Auditor, Dpo, Integration};
use serde_json::{Value, json};

use crate::graphql::testing::{Desk, command_id};

fn publish(more: &str, words: &str) -> String {
    format!(
        r#"publishNotice(input: {{ purpose: "newsletter", text: "{words}" {more} }}) {{ repeated position
            notice {{ id purpose revision version languages versions {{ version language text hash position }} }}
            errors {{ message code path }} }}"#
    )
}

#[test]
fn a_notice_has_versions_and_translations_and_the_ledger_hashes_their_texts() {
    let desk = Desk::open();
    let command = command_id();
    let first = publish(&format!(r#", language: "en", commandId: "{command}""#), "  May we?\\r\\nYes? ");
    let published = desk.tried(Dpo, &first);
    assert_eq!(published["errors"], json!([]));
    let version = &published["notice"]["versions"][0];
    assert_eq!(version["text"], "May we?\nYes?");
    assert_eq!(version["hash"], json!(blake3::hash(b"May we?\nYes?").to_hex().to_string()));
    assert_eq!(desk.tried(Dpo, &first)["repeated"], json!(true));

    let of = format!(r#", noticeId: {}"#, published["notice"]["id"]);
    desk.tried(Dpo, &publish(&format!(r#"{of}, language: "de", translationOf: 1"#), "Dürfen wir?"));
    let second = desk.tried(Dpo, &publish(&format!(r#"{of}, language: "en""#), "May we, please?"));
    assert_eq!((&second["notice"]["version"], &second["notice"]["languages"]), (&json!(2), &json!(["en"])));
    for role in [Agent, Integration, Dpo, Auditor, Admin] {
        let all = desk.get(role, r#"{ notices(purpose: "newsletter") { versions { version language } } }"#);
        let versions = json!([
            { "version": 1, "language": "de" }, { "version": 1, "language": "en" }, { "version": 2, "language": "en" }
        ]);
        assert_eq!(all["notices"], json!([{ "versions": versions }]), "{role:?}");
    }
    assert_eq!(desk.get(Agent, r#"{ notices(purpose: "support") { id } }"#)["notices"], json!([]));

    let again = publish(&format!(r#"{of}, language: "de", translationOf: 1"#), "Dürfen wir denn?");
    assert_eq!(desk.refused(Dpo, &again).0, "CONFLICT");
    assert_eq!(desk.refused(Dpo, &publish(&format!(r#"{of}, language: "de", translationOf: 7"#), "x")).0, "NOT_FOUND");
}

#[test]
fn what_is_wrong_with_a_notice_is_said_field_by_field() {
    let desk = Desk::open();
    let size = desk.size();
    let wrong = publish(r#", language: "12""#, " ").replace("\"newsletter\"", "\"nothing\"");
    let payload = desk.tried(Dpo, &wrong);
    let paths: Vec<&Value> = payload["errors"].as_array().unwrap().iter().map(|error| &error["path"][0]).collect();
    assert_eq!(paths, ["purpose", "language", "text"]);
    let unknown = r#", language: "en", noticeId: "notice_00000000000000000000000000000000""#;
    assert_eq!(desk.refused(Dpo, &publish(unknown, "x")).0, "NOT_FOUND");
    for role in [Agent, Integration, Auditor, Admin] {
        assert_eq!(desk.refused(role, &publish(r#", language: "en""#, "x")).0, "PERMISSION", "{role:?}");
    }
    assert_eq!(desk.size(), size);
}
