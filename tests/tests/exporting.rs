//! An export: everything that can still be read, in plain files, and a record that it was made.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use replay::copy;
use replay::source::Source;
use replay::verify::{facts, verify};
use serde_json::{Value, json};
use tests::client::{Client, text};
use tests::desk;
use tests::programs::{Ended, lethe_audit, program, run};
use tests::server::Server;

/// `lethe export` in somebody's name.
pub fn export(token: Option<&str>, data: &Path, dir: &Path) -> Ended {
    let mut command = Command::new(program("lethe"));
    command.arg("export").arg(dir).arg("--data").arg(data).env_remove("LETHE_TOKEN");
    if let Some(token) = token {
        command.env("LETHE_TOKEN", token);
    }
    run(&mut command)
}

fn refused(ended: &Ended, why: &str) {
    assert!(ended.code == Some(1) && ended.err.contains(why) && !ended.err.contains("panicked"), "{ended:?}");
}

fn lines(dir: &Path, noun: &str) -> Vec<Value> {
    let text = fs::read_to_string(dir.join(format!("{noun}.jsonl"))).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn line(dir: &Path, noun: &str, id: &str) -> Value {
    let found: Vec<Value> = lines(dir, noun).into_iter().filter(|line| line["id"] == id).collect();
    assert_eq!(found.len(), 1, "{noun}: {id}");
    found[0].clone()
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// What Wanda asks is talked over at length, with a document, an offer and a consent; Zoe is forgotten. Their ids.
fn busy(agent: &Client, dpo: &Client) -> (desk::Registered, desk::Registered, String) {
    let shown = desk::notice(dpo, "newsletter");
    let wanda = desk::register(agent, "Wanda", "Weg", "wanda@example.org");
    let zoe = desk::register(agent, "Zoe", "Zaun", "zoe@example.org");
    agent.change("giveConsent", &desk::consent(&wanda, "newsletter", &shown), "");
    let opened = json!({ "contactId": wanda.id, "subjectLine": "Where is it?", "body": "It never came.",
        "origin": "EMAIL" });
    let ticket = text(&agent.change("openTicket", &opened, "ticket { id }")["ticket"]["id"]);
    // More than fit a page.
    for number in 0..101 {
        let body = format!("answer number {number}");
        agent.change("replyToTicket", &json!({ "ticketId": ticket, "body": body }), "");
    }
    let file = json!({ "contactId": wanda.id, "name": "offer.txt", "mediaType": "text/plain", "content": "aGVsbG8=" });
    agent.change("attachDocument", &file, "document { id }");
    desk::forget(agent, dpo, &zoe);
    (wanda, zoe, ticket)
}

#[test]
fn an_export_holds_what_can_be_read_and_says_what_cannot() {
    let room = tempfile::tempdir().unwrap();
    let data = room.path().join("ledger");
    let server = Server::at(&data, &["--cooling-off", "0"]);
    let (agent, dpo, admin) = (server.client("agent"), server.client("dpo"), server.client("admin"));
    let (wanda, zoe, ticket) = busy(&agent, &dpo);
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("export");

    refused(&export(None, &data, &dir), "LETHE_TOKEN");
    refused(&export(Some(agent.token()), &data, &dir), "only a data protection officer or an admin");
    refused(&export(Some("lethe_00"), &data, &dir), "not known here");
    refused(&export(Some(dpo.token()), &data, &data.join("export")), "outside the data directory");
    assert!(!dir.exists());
    let said = export(Some(dpo.token()), &data, &dir).done();
    assert!(said.contains("2 contacts") && !said.contains("Wanda"), "{said}");
    refused(&export(Some(dpo.token()), &data, &dir), "is there already");
    assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1, "nothing lies beside it");
    for file in files(&dir) {
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600, "{}", file.display());
    }

    let found = line(&dir, "contacts", &wanda.id);
    assert_eq!((&found["firstName"], &found["erasure"]), (&json!("Wanda"), &Value::Null));
    assert_eq!(found["points"][0]["value"], "wanda@example.org");
    let gone = line(&dir, "contacts", &zoe.id);
    assert_eq!(gone["firstName"], Value::Null);
    assert!(gone["erasure"]["reason"].as_str().unwrap().contains("logical"), "{gone}");
    let talk = line(&dir, "tickets", &ticket);
    let messages = talk["messages"].as_array().unwrap();
    assert_eq!((messages.len(), &messages[101]["body"]), (102, &json!("answer number 100")));
    assert!(talk.get("pages").is_none() && talk["contact"]["id"] == json!(wanda.id));
    let consents = line(&dir, "consents", &text(&found["consents"]["id"]));
    assert_eq!(consents["entries"][0]["pointValue"], "wanda@example.org");
    let documents = lines(&dir, "documents");
    assert_eq!((documents.len(), &documents[0]["content"]), (1, &json!("aGVsbG8=")));
    assert!(lines(&dir, "notices")[0]["versions"][0]["text"].as_str().unwrap().contains("newsletter"));
    assert!(lines(&dir, "actors").iter().any(|actor| actor["roles"] == json!(["DPO"])));
    assert_eq!(lines(&dir, "erasures")[0]["stage"], "CERTIFIED");
    assert!(
        lines(&dir, "purposes").len() > 1 && lines(&dir, "retentions").len() > 1 && lines(&dir, "holds").is_empty()
    );

    // The manifest names every file by its hash, the log names the manifest, and nobody.
    let manifest = fs::read(dir.join("export.json")).unwrap();
    let named: Value = serde_json::from_slice(&manifest).unwrap();
    for file in named["files"].as_array().unwrap() {
        let bytes = fs::read(dir.join(text(&file["file"]))).unwrap();
        assert_eq!(file["blake3"], json!(blake3::hash(&bytes).to_hex().to_string()));
    }
    lethe_audit(&["verify", dir.join("log").to_str().unwrap()]).done();
    let auditor = server.client("auditor");
    let out = home.path().join("copy");
    copy::from_server(&server.at_path(""), auditor.token(), None, &out).unwrap();
    let mut recorded = Vec::new();
    let mut each = |record: &events::record::Record<'_>, _| {
        if record.kind == "log.exported" {
            recorded.push((facts(record).unwrap(), record.personal.len()));
        }
    };
    verify(&Source::open(&out).unwrap(), None, &mut each, &|_, _| {}).unwrap();
    let [(domain::event::Event::Log(domain::ledger::Event::Exported(exported)), 0)] = &recorded[..] else {
        panic!("{recorded:?}")
    };
    assert_eq!(exported.digest, *blake3::hash(&manifest).as_bytes());
    let counts = (exported.contacts, exported.tickets, exported.documents, exported.consents, exported.erasures);
    assert_eq!(counts, (2, 1, 1, 1, 1));
    server.stop();

    // And at rest, by an admin.
    let dir = home.path().join("at-rest");
    export(Some(admin.token()), &data, &dir).done();
    assert_eq!(line(&dir, "contacts", &wanda.id)["firstName"], "Wanda");
    lethe_audit(&["verify", dir.join("log").to_str().unwrap()]).done();
}
