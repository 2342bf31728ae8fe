//! Everything that is done again behind an erasure: none of it brings a key back.

use std::path::Path;

use serde_json::{Value, json};
use tests::client::Client;
use tests::desk;
use tests::files::Search;
use tests::programs::{Ended, lethe};
use tests::server::Server;
use tests::vault::Vault;

const CUSTOMERS: &str = "\
customer_id;company_name;contact_name;city;country;phone;email
K7;Wegwarte Handel;Wanda Wegwarte;Berlin;Germany;030-7654321;wanda@wegwarte.example
";

fn import(data: &Path, file: &Path) -> Ended {
    let [data, file] = [data, file].map(|path| path.to_str().unwrap());
    lethe(&["import", "contacts", file, "--data", data, "--reason", "contract"])
}

fn found(agent: &Client) -> Vec<Value> {
    let query = r#"{ contacts(search: "wegwarte") { nodes { id name } } }"#;
    agent.ask(query, json!({}))["contacts"]["nodes"].as_array().unwrap().clone()
}

fn name(agent: &Client, id: &str) -> Value {
    let asked = "query($id: ID!) { contact(id: $id) { name erasure { reason } } }";
    agent.ask(asked, json!({ "id": id }))["contact"].clone()
}

#[test]
fn nothing_that_is_done_again_brings_a_key_back() {
    let home = tempfile::tempdir().unwrap();
    let (data, file) = (home.path().join("ledger"), home.path().join("customers.csv"));
    std::fs::write(&file, CUSTOMERS).unwrap();
    let server = Server::at(&data, &["--cooling-off", "0"]);
    let (agent, dpo) = (server.client("agent"), server.client("dpo"));
    import(&data, &file).done();
    let imported = found(&agent)[0]["id"].as_str().unwrap().to_owned();
    let mut input = desk::person("Willi", "Wiesengrund", "willi@wiesengrund.example");
    input["commandId"] = json!(desk::command_id());
    let registered = agent.change("registerContact", &input, "contact { id }");
    let willi = registered["contact"]["id"].as_str().unwrap().to_owned();

    let before = Vault::of(&data);
    for id in [&imported, &willi] {
        let of = desk::Registered { id: id.clone(), point: String::new(), position: String::new() };
        assert_eq!(desk::forget(&agent, &dpo, &of).1, "CERTIFIED");
    }
    let after = Vault::of(&data);
    let dead: Vec<_> = before.slots.keys().filter(|name| !after.slots.contains_key(*name)).copied().collect();
    assert!(dead.len() > 1, "{} keys died", dead.len());
    let is_dead = |data: &Path| {
        let now = Vault::of(data);
        assert!(dead.iter().all(|name| !now.slots.contains_key(name)), "a key is back");
    };

    // The same command, the same address, the same file; each is somebody new, or is refused.
    let retried = agent.mutate("registerContact", &input, "contact { id name }");
    assert!(!retried.body.to_string().contains("Willi"), "{retried:?}");
    let told = &retried.body["data"]["registerContact"]["errors"][0]["code"];
    assert_eq!(told, "ERASED", "nobody is told to try under another id: {retried:?}");
    let again = desk::register(&agent, "Willi", "Wiesengrund", "willi@wiesengrund.example");
    assert_ne!(again.id, willi);
    import(&data, &file).done();
    assert!(found(&agent).iter().all(|contact| contact["id"] != *imported), "who comes in again is somebody new");
    is_dead(&data);
    // A reader from before, a second server, and the first one started again.
    for id in [&imported, &willi] {
        assert!(name(&agent, id)["name"].is_null(), "{id}");
    }
    let refused = Server::try_at(&data, &[]).err().expect("a second server on the same data");
    assert!(refused.err.contains("another process"), "{refused:?}");
    server.stop();
    let server = Server::at(&data, &["--cooling-off", "0"]);
    let agent = server.with_token(agent.token());
    for id in [&imported, &willi] {
        assert!(name(&agent, id)["name"].is_null(), "{id}");
    }
    is_dead(&data);
    server.stop();
    let planted = ["wegwarte", "wiesengrund", "+49307654321"].map(str::to_owned);
    assert_eq!(Search::for_texts(planted).find_in(&data), [""; 0]);
}
