//! The tour, step by step, through the schema on a real demo ledger: what the page sends, with what it carries on.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

use std::collections::BTreeMap;

use api::graphql::{Schema, schema};
use api::http::auth::Authenticate as _;
use api::kept::NotKept;
use api::open::{Opening, open};
use api::publish::Publishing;
use api::tour::steps::{Carried, steps};
use api::welcome;
use async_graphql::{Request, Variables};
use domain::time::{Day, Time};
use events::ledger::Clock;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

/// The answers of the tour, by operation.
fn walk() -> BTreeMap<String, Value> {
    let dir = tempfile::tempdir().unwrap();
    let opening = Opening {
        controller: "nobody".into(),
        origin: "nobody.example/log".into(),
        demo: Some(true),
        test: false,
        cooling_off_ms: None,
        not_kept: NotKept::default(),
        publishing: Publishing::default(),
        signs: true,
    };
    let app = open(dir.path(), &opening, Clock::demo()).unwrap();
    let tokens = welcome::tokens(&app).unwrap();
    let schema: Schema = schema(app.clone());
    let runtime = Runtime::new().unwrap();
    let today = app.now().day();
    let mut carried: Carried =
        [("today", today), ("then", Day(today.0 - 365))].map(|(name, day)| (name.to_owned(), day.to_string())).into();
    let mut answers = BTreeMap::new();
    for step in steps() {
        let token = tokens.iter().find(|told| told.who == step.role).unwrap();
        for operation in step.operations() {
            let viewer = app.viewer(&token.issued.text).unwrap();
            let request = Request::new(&step.document)
                .operation_name(operation)
                .variables(Variables::from_json(step.fill(&carried)))
                .data(viewer);
            let response = runtime.block_on(schema.execute(request));
            assert!(response.errors.is_empty(), "{}: {:?}", step.file, response.errors);
            let data = response.data.into_json().unwrap();
            step.take(&data, &mut carried);
            answers.insert(operation.to_owned(), data);
        }
    }
    answers
}

/// The states of a list of consents, by purpose.
fn states(entries: &Value) -> BTreeMap<&str, &str> {
    let entries = entries.as_array().unwrap().iter();
    entries.map(|entry| (entry["purpose"].as_str().unwrap(), entry["state"].as_str().unwrap())).collect()
}

#[test]
fn eight_steps_lead_from_a_person_to_the_proof_that_she_is_forgotten() {
    let answers = walk();
    let found = &answers["Find"]["contacts"]["edges"][0]["node"];
    assert_eq!((&found["name"], &found["jobTitle"]), (&json!("Maria Lindqvist"), &json!("Inköpschef")));

    let consents = &answers["Consents"];
    let before = [("newsletter", "CONFIRMED"), ("product-news", "GIVEN")];
    assert_eq!(states(&consents["then"]["entries"]), before.into());
    let today = [("newsletter", "WITHDRAWN"), ("product-news", "GIVEN")];
    assert_eq!(states(&consents["today"]["entries"]), today.into());

    let withdrawn = &answers["Withdraw"]["withdrawConsent"];
    assert_eq!(withdrawn["errors"], json!([]));
    let both = [("newsletter", "WITHDRAWN"), ("product-news", "WITHDRAWN")];
    assert_eq!(states(&withdrawn["consents"]["entries"]), both.into());
    let trail = answers["Trail"]["consents"]["records"].as_array().unwrap();
    let told: Vec<_> = trail.iter().map(|record| record["state"].as_str().unwrap()).collect();
    assert_eq!(told, ["REQUESTED", "CONFIRMED", "GIVEN", "WITHDRAWN", "WITHDRAWN"]);

    assert_eq!(answers["Request"]["requestErasure"]["erasure"]["stage"], "REQUESTED");
    let preview = &answers["Preview"]["erasurePreview"];
    assert!(preview["dies"].as_array().unwrap().iter().any(|dies| dies["compartment"] == "relationship"));
    let stays = preview["stays"].as_array().unwrap();
    assert!(stays.iter().any(|stays| stays["compartment"] == "consent-proof" && stays["basis"].is_string()));
    let approved = &answers["Approve"]["approveErasure"];
    assert_eq!((&approved["errors"], &approved["erasure"]["stage"]), (&json!([]), &json!("CERTIFIED")));

    let gone = &answers["Read"]["node"];
    assert_eq!((&gone["name"], &gone["jobTitle"], &gone["email"]), (&Value::Null, &Value::Null, &Value::Null));
    assert!(gone["erasure"]["reason"].as_str().unwrap().contains("logical"), "{gone}");
    let still: Vec<_> = answers["Proof"]["consents"]["records"].as_array().unwrap().iter().map(said).collect();
    assert_eq!(still, trail.iter().map(said).collect::<Vec<_>>());
    assert_eq!(answers["Proof"]["erasure"]["certificate"]["level"], "A0");
}

fn said(record: &Value) -> [&Value; 4] {
    ["position", "state", "purpose", "notice"].map(|field| &record[field])
}

#[test]
fn a_half_made_demo_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let now = Time(1_790_000_000_000);
    let options = events::log::engine::Options::default();
    events::ledger::Directory::create(dir.path(), &api::demo::founding(now), options).unwrap();
    let opening = Opening {
        controller: "nobody".into(),
        origin: "nobody".into(),
        demo: Some(true),
        test: false,
        cooling_off_ms: None,
        not_kept: NotKept::default(),
        publishing: Publishing::default(),
        signs: true,
    };
    let refused = open(dir.path(), &opening, Clock::demo());
    assert!(matches!(refused, Err(api::open::OpenError::HalfADemo)));
}
