use domain::actor::Role::{Admin, Agent, Auditor, Dpo, Integration};
use domain::time::Time;
use serde_json::{Value, json};

use crate::graphql::testing::{Desk, NOW};

const ERRORS: &str = "errors { message code path }";

fn set(slug: &str, basis: &str, more: &str) -> String {
    format!(
        r#"setPurpose(input: {{ slug: "{slug}", title: "Events", basis: {basis}, compartment: RELATIONSHIP,
            channels: [SMS, EMAIL], waitsForConsent: true {more} }})
           {{ position revision purpose {{ slug title channels doubleOptIn validityMonths retired }} {ERRORS} }}"#
    )
}

fn retain(country: &str, rule: &str) -> String {
    format!(
        r#"setRetention(input: {{ compartment: FISCAL, country: "{country}", rule: {rule} }})
           {{ retention {{ compartment country kept {{ basis months countedFrom }} }} {ERRORS} }}"#
    )
}

#[test]
fn a_purpose_is_added_and_changed_and_the_register_remembers() {
    let desk = Desk::open();
    let slugs = |which: &str| {
        let data = desk.get(Auditor, &format!("{{ purposes{which} {{ slug }} }}"));
        data["purposes"].as_array().unwrap().iter().map(|purpose| purpose["slug"].clone()).collect::<Vec<Value>>()
    };
    assert_eq!(slugs("").len(), 6);
    desk.app.ledger().clock().set(NOW.plus_ms(2 * Time::DAY_MS));
    let added = desk.tried(Dpo, &set("events", "CONSENT", ", doubleOptIn: true, validityMonths: 12"));
    let purpose = json!({ "slug": "events", "title": "Events", "channels": ["EMAIL", "SMS"], "doubleOptIn": true,
        "validityMonths": 12, "retired": false });
    assert_eq!((&added["errors"], &added["purpose"]), (&json!([]), &purpose));
    assert!(slugs("").contains(&json!("events")));
    assert!(!slugs(r#"(asOf: "2026-09-22")"#).contains(&json!("events")));
    assert!(!slugs(r#"(knownAt: "2026-09-22T00:00:00Z")"#).contains(&json!("events")));
    let same = desk.tried(Dpo, &set("events", "CONSENT", ", doubleOptIn: true, validityMonths: 12"));
    assert_eq!(same["position"], added["position"], "nothing to change is no record");
    assert_eq!(desk.refused(Dpo, &set("events", "LEGITIMATE_INTEREST", "")).0, "CONFLICT");
    assert_eq!(desk.refused(Dpo, &set("events", "CONSENT", ", expectedRevision: 0")).0, "CONFLICT");
    assert_eq!(desk.refused(Dpo, &set("Anna Muster", "CONSENT", "")).1, "slug");
}

#[test]
fn a_retention_keeps_to_the_law() {
    let desk = Desk::open();
    let kept =
        |months: u16| format!(r#"{{ kept: {{ basis: "§ 132(1) BAO", months: {months}, countedFrom: END_OF_YEAR }} }}"#);
    let set = desk.tried(Dpo, &retain("AT", &kept(84)));
    let austria = json!({ "compartment": "FISCAL", "country": "AT",
        "kept": { "basis": "§ 132(1) BAO", "months": 84, "countedFrom": "END_OF_YEAR" } });
    assert_eq!((&set["errors"], &set["retention"]), (&json!([]), &austria));
    let data = desk.get(Agent, "{ retentions { compartment country kept { basis months countedFrom } } }");
    assert!(data["retentions"].as_array().unwrap().contains(&austria));
    for (country, rule) in
        [("AT", kept(12)), ("AT", "{ dies: true }".into()), ("Austria", kept(84)), ("AT", "{ dies: false }".into())]
    {
        assert_eq!(desk.refused(Dpo, &retain(country, &rule)).0, "VALIDATION", "{country} {rule}");
    }
}

#[test]
fn only_the_data_protection_officer_changes_the_register() {
    let desk = Desk::open();
    for role in [Agent, Integration, Auditor, Admin] {
        assert_eq!(desk.refused(role, &set("events", "CONSENT", "")).0, "PERMISSION", "{role:?}");
        assert_eq!(desk.refused(role, &retain("AT", "{ dies: true }")).0, "PERMISSION", "{role:?}");
        assert_eq!(desk.get(role, "{ purposes { slug } }")["purposes"].as_array().unwrap().len(), 6, "{role:?}");
    }
}
