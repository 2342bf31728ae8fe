//! Whom somebody forgot on purpose does not come back with the next file: told through the documented commands against the real
//! server, killed in between.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tests::client::{Client, text};
use tests::desk;
use tests::files::Search;
use tests::programs::{Ended, lethe};
use tests::server::Server;

const PLANTED: [&str; 4] =
    ["Friederike Quittenbaum", "fritzi@quittenbrot.example", "+49307654321", "rosalinde@herbstzeitlose.example"];

const CUSTOMERS: &str = "id,name,country,phone,email
Q1,Friederike Quittenbaum,Germany,030-7654321,fritzi@quittenbrot.example
Q2,Rosalinde Herbstzeitlose,Germany,030-7654322,rosalinde@herbstzeitlose.example
";

fn import(server: &Server, file: &std::path::Path) -> Ended {
    let [file, data] = [file, &server.data].map(|path| path.to_str().unwrap().to_owned());
    lethe(&["import", "contacts", &file, "--data", &data])
}

fn find(agent: &Client, search: &str) -> Option<String> {
    let query = "query($search: String!) { contacts(search: $search) { nodes { id } } }";
    let found = agent.ask(query, json!({ "search": search }))["contacts"]["nodes"].clone();
    found.get(0).map(|contact| text(&contact["id"]))
}

/// The codes of a refusal.
fn refused(who: &Client, input: &Value) -> Value {
    let query = "mutation($input: RegisterContactInput!) {
        it: registerContact(input: $input) { contact { id } errors { code message path } } }";
    let answer = who.ask(query, json!({ "input": input }));
    assert_eq!(answer["it"]["contact"], Value::Null, "{answer}");
    answer["it"]["errors"].clone()
}

/// Whether the server answered a `suppress` before it was gone.
fn answers(who: &Client, input: &Value) -> bool {
    let query = "mutation($input: SuppressInput!) { suppress(input: $input) { position errors { code } } }";
    let sent = who.post().json(&json!({ "query": query, "variables": { "input": input } })).send();
    let answer = sent.and_then(|answer| answer.text()).ok().and_then(|text| serde_json::from_str(&text).ok());
    answer.is_some_and(|answer: Value| answer["data"]["suppress"]["position"].is_string())
}

fn dropped() -> Value {
    json!([{ "code": "DROPPED", "message": "this is not taken in", "path": [] }])
}

#[test]
fn who_was_erased_for_good_is_not_imported_again() {
    let home = TempDir::new().unwrap();
    let (data, file) = (home.path().join("ledger"), home.path().join("customers.csv"));
    std::fs::write(&file, CUSTOMERS).unwrap();
    let server = Server::at(&data, &["--cooling-off", "0"]);
    let [agent, officer, second] = [("agent", "Nancy"), ("dpo", "First"), ("dpo", "Second")]
        .map(|(role, name)| server.with_token(&server.token(role, name)));
    assert!(import(&server, &file).done().contains("2 rows: 2 new"));
    let fritzi = find(&agent, "fritzi").unwrap();
    let today = desk::today();
    let request = json!({
        "contactId": fritzi, "ground": "OBJECTED", "how": "EMAIL", "askedOn": today,
        "identityCheck": "KNOWN_POINT", "identityOn": today,
    });
    let erasure = text(&officer.change("requestErasure", &request, "erasure { id }")["erasure"]["id"]);
    let approval = json!({ "erasureId": erasure, "suppress": true });
    let approved =
        second.change("approveErasure", &approval, "erasure { stage certificate { residues { kind until } } }");
    assert_eq!(approved["erasure"]["stage"], "CERTIFIED");
    let residues = approved["erasure"]["certificate"]["residues"].as_array().unwrap();
    let named = residues.iter().find(|residue| residue["kind"] == "SUPPRESSION_LIST");
    assert!(named.is_some_and(|list| list["until"].is_string()), "the certificate names the list: {approved}");

    let said = import(&server, &file).done();
    assert!(said.contains("1 suppressed"), "{said}");
    assert!(said.contains("2 rows: 0 new, 1 unchanged, 0 changed, 0 rejected"), "{said}");
    // By phone alone, by mail alone, after a restart, and after one without a goodbye.
    let by_phone = json!({ "source": "PHONE", "reason": "ENQUIRY", "firstName": "F",
        "points": [{ "kind": "MOBILE", "value": "+49 (0)30 7654321" }] });
    let by_mail = desk::person("F", "Q", "Fritzi@Quittenbrot.example");
    for input in [&by_phone, &by_mail] {
        assert_eq!(refused(&agent, input), dropped());
    }
    let ended = server.stop();
    assert!(!ended.err.contains("quittenbrot"), "{}", ended.err);
    drop(Server::at(&data, &[]));
    let server = Server::at(&data, &[]);
    let agent = server.with_token(agent.token());
    assert_eq!(refused(&agent, &by_mail), dropped());
    drop(server);
    let verified = lethe(&["verify", "--data", data.to_str().unwrap()]).done();
    assert!(verified.contains("head "), "{verified}");
    let search = Search::for_texts(PLANTED.map(str::to_owned));
    assert_eq!(search.find_in(&data), [""; 0]);
    assert_eq!(search.find(verified.as_bytes()), []);
}

/// A list that is gone read like one that holds nobody.
#[test]
fn a_list_that_is_gone_is_no_empty_list() {
    let home = TempDir::new().unwrap();
    let data = home.path().join("ledger");
    let server = Server::at(&data, &[]);
    let officer = server.client("dpo");
    officer.change("suppress", &json!({ "address": PLANTED[1], "reason": "ASKED" }), "");
    server.stop();
    let files = ["keyring", "keyring.copy"].map(|copy| data.join(copy).join("suppressed"));
    let kept = std::fs::read(&files[0]).unwrap();
    let lose = || files.iter().for_each(|file| std::fs::remove_file(file).unwrap());
    lose();
    let refused = Server::try_at(&data, &[]).err().unwrap();
    assert!(refused.code == Some(1) && refused.err.contains("the suppression list is gone"), "{refused:?}");
    std::fs::write(&files[1], kept).unwrap();
    let server = Server::at(&data, &[]);
    let by_mail = desk::person("F", "Q", PLANTED[1]);
    assert_eq!(refused_by(&server, &by_mail), dropped(), "its key was not retired");
    server.stop();
    let begin = || lethe(&["keyring", "declare-lost", "--list", "--data", data.to_str().unwrap()]);
    let there = begin();
    assert!(there.code == Some(1) && there.err.contains("the suppression list is there"), "{there:?}");
    lose();
    assert!(begin().done().contains("holds nobody"));
    desk::register(&Server::at(&data, &[]).client("agent"), "F", "Q", PLANTED[1]);
}

fn refused_by(server: &Server, input: &Value) -> Value {
    refused(&server.client("agent"), input)
}

/// What the server answered for is on the list, wherever it was killed; what it did not answer for is there or not, and asked
/// again it is there with its record.
#[test]
fn killed_at_any_moment_the_list_holds_what_was_answered() {
    let home = TempDir::new().unwrap();
    let data = home.path().join("ledger");
    let token = {
        let server = Server::at(&data, &[]);
        let [officer, agent] = ["dpo", "agent"].map(|role| server.client(role));
        (officer.token().to_owned(), agent.token().to_owned())
    };
    let (mut answered, mut number) = (Vec::new(), 0);
    for round in 0..4_u64 {
        let server = Server::at(&data, &[]);
        let officer = server.with_token(&token.0);
        let over = AtomicBool::new(false);
        let asked = thread::scope(|scope| {
            let asking = scope.spawn(|| {
                let mut asked = Vec::new();
                while !over.load(Ordering::Relaxed) {
                    number += 1;
                    let input = json!({
                        "address": format!("someone{number}@planted{round}.example"), "reason": "ASKED",
                        "commandId": desk::command_id(),
                    });
                    let is_answered = answers(&officer, &input);
                    asked.push((input, is_answered));
                    if !is_answered {
                        break;
                    }
                }
                asked
            });
            thread::sleep(Duration::from_millis(150 + 130 * round));
            // SIGKILL.
            drop(server);
            over.store(true, Ordering::Relaxed);
            asking.join().unwrap()
        });
        let server = Server::at(&data, &[]);
        let [officer, agent] = [&token.0, &token.1].map(|token| server.with_token(token));
        for (input, was_answered) in asked {
            let again = officer.change("suppress", &input, "suppression { until }");
            assert!(!was_answered || again["repeated"] == true, "{again}");
            answered.push(text(&input["address"]));
        }
        for mail in answered.iter().rev().take(20).chain(answered.iter().take(5)) {
            assert_eq!(refused(&agent, &desk::person("F", "Q", mail)), dropped(), "{mail}");
        }
        let mail = format!("nobody{round}@planted.example");
        desk::register(&agent, "F", "Q", &mail);
    }
    assert!(answered.len() > 8, "{answered:?}");
    assert_eq!(Search::for_texts(answered).find_in(&data), [""; 0]);
}
