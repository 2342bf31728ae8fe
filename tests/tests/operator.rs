//! The operator's commands: what they leave, and whom they take for one person.

use std::fs;
use std::path::Path;

use serde_json::json;
use tests::client::text;
use tests::desk;
use tests::programs::{lethe, lethe_audit};
use tests::server::Server;

#[test]
fn who_only_looks_where_no_ledger_is_leaves_none() {
    let home = tempfile::tempdir().unwrap();
    let path = |name: &str| home.path().join(name).to_str().unwrap().to_owned();
    let (data, file, absent) = (path("ledger"), path("people.csv"), path("nofile.csv"));
    fs::write(&file, "id,name,email\n1,Nancy Planted,nancy@example.org\n").unwrap();
    for (arguments, why) in [
        (vec!["token", "list"], "there is no ledger in this directory"),
        (vec!["token", "revoke", "token_00000000000000000000000000000000"], "there is no ledger in this directory"),
        (vec!["clock", "confirm"], "there is no ledger in this directory"),
        (vec!["keyring", "confirm"], "there is no ledger in this directory"),
        (vec!["keyring", "status"], "there is no ledger in this directory"),
        (vec!["keyring", "rotate"], "there is no ledger in this directory"),
        (vec!["keyring", "move", "--to", "file"], "there is no ledger in this directory"),
        (vec!["retention", "run", "--dry-run"], "there is no ledger in this directory"),
        (vec!["retention", "run"], "there is no ledger in this directory"),
        (vec!["verify"], "there is no ledger in this directory"),
        (vec!["import", "contacts", &absent, "--dry-run"], "the file cannot be read"),
        (vec!["import", "contacts", &absent], "the file cannot be read"),
        (vec!["import", "contacts", &file, "--reason", "none"], "there is no such reason"),
        (vec!["token", "issue", "--role", "king", "--name", "Nancy"], "there is no such role"),
        (vec!["token", "issue", "--role", "agent", "--name", " "], "the name must not be empty"),
    ] {
        let ended = lethe(&[arguments.clone(), vec!["--data", &data]].concat());
        assert_eq!(ended.code, Some(1), "{arguments:?}: {ended:?}");
        assert!(ended.err.contains(why), "{arguments:?}: {ended:?}");
        assert!(!Path::new(&data).exists(), "{arguments:?} left something");
    }
    let dry = lethe(&["import", "contacts", &file, "--data", &data, "--dry-run"]).done();
    assert!(dry.contains("1 new") && !Path::new(&data).exists(), "{dry}");
    lethe(&["import", "contacts", &file, "--data", &data]).done();
    lethe(&["import", "contacts", &file, "--data", &data, "--dry-run"]).done();
    lethe_audit(&["verify", &data]).done();
}

/// The actor that a token was issued to.
fn issued_to(data: &Path, role: &str, name: &str) -> String {
    let data = data.to_str().unwrap();
    let said = lethe(&["token", "issue", "--data", data, "--role", role, "--name", name]).done();
    said.split(' ').nth(2).unwrap().trim_end_matches(':').to_owned()
}

#[test]
fn one_name_in_a_role_is_one_person_however_it_is_typed() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("ledger");
    let actor = issued_to(&data, "dpo", "Dpo P");
    for name in ["Dpo P", "  dpo  p ", "DPO\u{a0}P"] {
        assert_eq!(issued_to(&data, "dpo", name), actor, "{name:?}");
    }
    assert_ne!(issued_to(&data, "dpo", "Dpo Q"), actor);
    let issue = |role: &str, name: &str| {
        lethe(&["token", "issue", "--data", data.to_str().unwrap(), "--role", role, "--name", name])
    };
    for name in ["Dpo\u{200b} P", "Dpo P\u{feff}", "Dpo\u{ad}P", "Dpo\u{7}P"] {
        let refused = issue("dpo", name);
        assert_eq!(refused.code, Some(1), "{name:?}");
        assert!(refused.err.contains("the name holds a c"), "{refused:?}");
    }
    let other = issue("agent", "dpo p");
    assert!(other.code == Some(0) && other.err.contains("one person could ask and approve"), "{other:?}");
    assert!(!issue("agent", "Somebody Else").err.contains("approve"));

    let server = Server::at(&data, &[]);
    let agent = server.client("agent");
    let [one, other] = ["Dpo P", "dpo p"].map(|name| server.with_token(&server.token("dpo", name)));
    let person = desk::register(&agent, "Wanda", "Weg", "wanda@example.org");
    let asked = one.change("requestErasure", &desk::erasure_request(&person, "please"), "erasure { id }");
    let refused = other.refused("approveErasure", &json!({ "erasureId": text(&asked["erasure"]["id"]) }));
    assert!(refused[0]["message"].as_str().unwrap().contains("another person must approve it"), "{refused:?}");
}
