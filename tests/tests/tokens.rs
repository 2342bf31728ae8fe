//! Two tokens in one anchor, under a server that runs: one goes away and comes back, and nobody tells the server.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tests::client::{Client, text};
use tests::desk::{self, Registered};
use tests::programs::{lethe, lethe_audit};
use tests::server::{Server, until};
use tests::token::{Home, LABEL, with_token};

const OTHER: &str = "the other root";

/// A ledger whose anchor has both tokens as its members.
fn ledger(home: &Home) -> PathBuf {
    home.add_token(OTHER);
    let data = home.path().join("ledger");
    let (one, other) = (home.line(LABEL), home.line(OTHER));
    let init = ["keyring", "init", "--data", data.to_str().unwrap(), "--anchor", &one, "--anchor", &other];
    let said = lethe(&init).done();
    assert!(said.contains(LABEL) && said.contains(OTHER), "{said}");
    data
}

fn serve(data: &Path) -> Server {
    Server::at(data, &["--cooling-off", "0"])
}

/// Asks for an erasure and approves it: what the answer to the approval says.
fn approve(agent: &Client, dpo: &Client, of: &Registered) -> Value {
    let asked = agent.change("requestErasure", &desk::erasure_request(of, "please forget me"), "erasure { id }");
    let fields = "erasure { id stage waitsFor certificate { level } }";
    dpo.change("approveErasure", &json!({ "erasureId": asked["erasure"]["id"] }), fields)["erasure"].clone()
}

fn standing(dpo: &Client, erasure: &str) -> Value {
    let query = "query($id: ID!) { erasure(id: $id) { stage waitsFor certificate { level epochBefore epochAfter } } }";
    dpo.ask(query, json!({ "id": erasure }))["erasure"].clone()
}

/// It is ordered and no more, and says for whom it waits.
fn waits(erasure: &Value) {
    assert_eq!(erasure["stage"], "DESTRUCTION_ORDERED", "{erasure}");
    assert!(erasure["certificate"].is_null(), "{erasure}");
    let said = erasure["waitsFor"].as_array().unwrap();
    assert_eq!(said.len(), 1, "{erasure}");
    let said = text(&said[0]);
    assert!(said.starts_with("member 2 of the anchor (pkcs11 "), "{said}");
}

/// Both members hold the one root and no other.
fn both_hold_one_root(data: &Path) {
    let said = lethe(&["keyring", "status", "--data", data.to_str().unwrap()]).done();
    assert_eq!(said.matches("holds this root and no other").count(), 2, "{said}");
}

#[test]
#[ignore = "needs SoftHSM2"]
fn a_token_that_comes_back_is_found_by_the_server_that_runs() {
    with_token(|home| {
        let data = ledger(home);
        let server = serve(&data);
        let (agent, dpo) = (server.client("agent"), server.client("dpo"));
        let [wanda, bertha] = [("Wanda", "wanda@example.org"), ("Bertha", "bertha@example.org")]
            .map(|(name, mail)| desk::register(&agent, name, "Weg", mail));
        let mut anna = desk::person("Anna", "Anders", "anna@example.org");
        anna["notes"] = json!("a note of somebody else");
        let anna = agent.change("registerContact", &anna, "contact { id }")["contact"]["id"].clone();
        home.take_away(OTHER);
        let erasure = approve(&agent, &dpo, &wanda);
        waits(&erasure);
        let id = text(&erasure["id"]);
        waits(&standing(&dpo, &id));
        desk::register(&agent, "Nina", "Neu", "nina@example.org");
        let note = json!({ "contactId": anna, "fields": ["NOTES"], "words": "a mistake" });
        let asked = agent.change("requestRedaction", &note, "redaction { id }")["redaction"]["id"].clone();
        let redacted = json!({ "redactionId": asked });
        let redacted = dpo.change("approveRedaction", &redacted, "redaction { stage waitsFor }")["redaction"].clone();
        assert_eq!(redacted["stage"], "DESTRUCTION_ORDERED", "{redacted}");
        assert!(text(&redacted["waitsFor"]).starts_with("member 2 of the anchor (pkcs11 "), "{redacted}");
        home.give_back(OTHER);
        until("the token is found again", || standing(&dpo, &id)["stage"] == "CERTIFIED");
        assert_eq!(standing(&dpo, &id)["waitsFor"], json!([]));
        let query = "query($id: ID!) { redaction(id: $id) { stage waitsFor } }";
        let redacted = dpo.ask(query, json!({ "id": asked }))["redaction"].clone();
        assert_eq!(redacted, json!({ "stage": "CERTIFIED", "waitsFor": null }));
        both_hold_one_root(&data);
        let erasure = approve(&agent, &dpo, &bertha);
        assert_eq!((&erasure["stage"], &erasure["waitsFor"]), (&json!("CERTIFIED"), &json!([])));
        assert!(!server.err().contains("panicked"));
        server.stop();
        lethe(&["verify", "--data", data.to_str().unwrap()]).done();
    });
}

#[test]
#[ignore = "needs SoftHSM2"]
fn a_token_that_was_away_when_the_server_began_is_found_too() {
    with_token(|home| {
        let data = ledger(home);
        let server = serve(&data);
        let wanda = desk::register(&server.client("agent"), "Wanda", "Weg", "wanda@example.org");
        server.stop();
        home.take_away(OTHER);
        let server = serve(&data);
        let (agent, dpo) = (server.client("agent"), server.client("dpo"));
        let erasure = approve(&agent, &dpo, &wanda);
        waits(&erasure);
        home.give_back(OTHER);
        let id = text(&erasure["id"]);
        until("the token is found", || standing(&dpo, &id)["stage"] == "CERTIFIED");
        both_hold_one_root(&data);
    });
}

/// Between the header and the destruction: the library says of the old root that it is gone, since it has no token to look at.
#[test]
#[ignore = "needs SoftHSM2"]
fn a_token_that_vanishes_with_the_old_root_in_it_has_not_destroyed_it() {
    with_token(|home| {
        let data = ledger(home);
        let server = serve(&data);
        let (agent, dpo) = (server.client("agent"), server.client("dpo"));
        let wanda = desk::register(&agent, "Wanda", "Weg", "wanda@example.org");
        home.misbehave("vanish");
        let erasure = approve(&agent, &dpo, &wanda);
        assert_eq!(erasure["stage"], "DESTRUCTION_ORDERED", "{erasure}");
        assert!(text(&erasure["waitsFor"][0]).starts_with("member 1 of the anchor (pkcs11 "), "{erasure}");
        home.misbehave("");
        server.stop();
        home.put_back();
        let roots = home.objects(LABEL);
        assert_eq!(roots, 2, "the old one is there");
        let server = serve(&data);
        assert_eq!(standing(&server.client("dpo"), &text(&erasure["id"]))["stage"], "CERTIFIED");
        both_hold_one_root(&data);
    });
}

/// An image from before, examined with what the tokens hold: as long as a token keeps the old root it opens who was erased,
/// and then nothing does.
#[test]
#[ignore = "needs SoftHSM2"]
fn an_image_is_examined_with_the_root_that_is_in_the_tokens() {
    with_token(|home| {
        let data = ledger(home);
        let server = serve(&data);
        let (agent, dpo) = (server.client("agent"), server.client("dpo"));
        let [wanda, _] = [("Wanda", "wanda@example.org"), ("Bertha", "bertha@example.org")]
            .map(|(name, mail)| desk::register(&agent, name, "Weg", mail));
        let image = home.path().join("image");
        copy(&data, &image);
        home.misbehave("deaf");
        let erasure = approve(&agent, &dpo, &wanda);
        assert_eq!(erasure["stage"], "DESTRUCTION_ORDERED", "{erasure}");
        assert!(text(&erasure["waitsFor"][0]).contains("still holds root"), "{erasure}");
        server.stop();
        let (code, report) = examine(&data, &image);
        let opened = report["keys"]["destroyed_opened"].as_array().unwrap();
        assert!(code == Some(1) && !opened.is_empty(), "{report}");
        home.misbehave("");
        let server = serve(&data);
        assert_eq!(standing(&server.client("dpo"), &text(&erasure["id"]))["stage"], "CERTIFIED");
        server.stop();
        let (code, report) = examine(&data, &image);
        assert_eq!((code, &report["keys"]["destroyed_opened"]), (Some(0), &json!([])), "{report}");
        let count = |field: &str| report["keys"][field].as_u64().unwrap();
        assert!(count("live") > 0 && count("live") == count("live_opened") && count("destroyed") > 0, "{report}");
        assert_eq!(report["anchors"].as_array().unwrap().len(), 2);
        assert!(report["anchors"].as_array().unwrap().iter().all(|anchor| anchor["kind"] == "pkcs11"));
        home.take_away(OTHER);
        let images = image.to_str().unwrap();
        let refused = lethe_audit(&["forensic", images, "--data", data.to_str().unwrap()]);
        assert!(refused.code == Some(2) && refused.err.contains("a member of the anchor"), "{refused:?}");
    });
}

/// A service that is started again and again with a PIN that is wrong: the token is not locked by it.
#[test]
#[ignore = "needs SoftHSM2"]
fn a_wrong_pin_does_not_lock_the_token_however_often_the_server_is_started() {
    with_token(|home| {
        home.misbehave("counts");
        let data = home.path().join("ledger");
        let pin = home.path().join("pin");
        lethe(&["keyring", "init", "--data", data.to_str().unwrap(), "--anchor", &home.line(LABEL)]).done();
        serve(&data).stop();
        let (right, before) = (fs::read(&pin).unwrap(), home.logins());
        fs::write(&pin, "9182-7364").unwrap();
        let said: Vec<String> = (0..5).map(|_| Server::try_at(&data, &[]).err().unwrap().err).collect();
        assert!(
            said[1].contains("the token refused the PIN") && said[2].contains("one more wrong PIN locks it"),
            "{said:?}"
        );
        assert_eq!(home.logins(), before + 2, "the last try is left to somebody who knows what they do");
        fs::write(&pin, &right).unwrap();
        let still = Server::try_at(&data, &[]).err().unwrap().err;
        assert!(still.contains("log in with the maker's own tool first"), "{still}");
        home.log_in_by_hand();
        serve(&data).stop();
    });
}

fn examine(data: &Path, image: &Path) -> (Option<i32>, Value) {
    let data = data.to_str().unwrap();
    let ended = lethe_audit(&["forensic", "--json", image.to_str().unwrap(), data, "--data", data]);
    let report = serde_json::from_str(&ended.out).unwrap_or_else(|_| panic!("{ended:?}"));
    (ended.code, report)
}

/// As `cp -r` copies the files of a server that runs.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let (path, about) = (entry.path(), entry.file_type().unwrap());
        if about.is_dir() {
            copy(&path, &to.join(entry.file_name()));
        } else if about.is_file() {
            fs::copy(&path, to.join(entry.file_name())).unwrap();
        }
    }
}
