//! A disk that is full: a failure is answered, the server ends, and what was acknowledged is there when it starts again.

use std::path::Path;
use std::process::Command;

use serde_json::json;
use tests::client::{Client, text};
use tests::desk;
use tests::powercut::Recorder;
use tests::programs::{lethe, lethe_audit};
use tests::server::{Server, command};

/// The disk under the data directory fails like this from the nth call on, until a file appears.
fn failing(data: &Path, fault: &str, command: &mut Command) -> tempfile::TempDir {
    Recorder::new(data).loose("index").fault(fault).arm(command)
}

/// Registers people until it fails. Returns those that were acknowledged, and the command that was not.
fn register_until_it_fails(agent: &Client) -> (Vec<(String, String)>, serde_json::Value) {
    let mut there = Vec::new();
    for number in 0..2_000 {
        let name = format!("Planted{number:05}");
        let mut input = desk::person("Ada", &name, "ada@planted.example");
        input["commandId"] = json!(desk::command_id());
        let query = "mutation($input: RegisterContactInput!) {
            registerContact(input: $input) { contact { id } errors { code } }
        }";
        match agent.try_send(query, json!({ "input": input })) {
            Ok(answer) if answer.body.get("errors").is_none() => {
                there.push((text(&answer.body["data"]["registerContact"]["contact"]["id"]), name));
            }
            Ok(answer) => {
                assert_eq!(answer.code(), "UNAVAILABLE", "{answer:#?}");
                assert!(!answer.body.to_string().contains("Planted"), "{answer:#?}");
                return (there, input);
            }
            Err(gone) => panic!("the server went without an answer: {gone}"),
        }
    }
    panic!("the disk never filled up");
}

#[test]
fn a_full_disk_is_answered_with_a_failure_and_loses_nothing_acknowledged() {
    let of_the_log = ["write,journal/*,45,ENOSPC", "sync,journal/*,45,ENOSPC", "write,head,60,ENOSPC"];
    // The reserve is begun at the start; more keys are drawn when half of it is gone.
    let of_the_keys = ["write,keyring/keys.*,27,ENOSPC", "sync,keyring.copy/keys.*,7,ENOSPC"];
    for fault in of_the_log.into_iter().chain(of_the_keys) {
        let home = tempfile::tempdir().unwrap();
        let data = home.path().join("ledger");
        let server = Server::at(&data, &[]);
        let token = server.token("agent", "Nancy");
        assert!(server.stop().status.success());

        let freed = home.path().join("freed");
        let mut full = command(&data, &[]);
        let until = format!("{fault},until={}", freed.display());
        let _trace = failing(&data, &until, &mut full);
        let mut server = Server::spawn(full, &data).unwrap_or_else(|ended| panic!("{fault}: {ended:?}"));
        let (there, lost) = register_until_it_fails(&server.with_token(&token));
        let ended = server.wait();
        assert_eq!(ended.status.code(), Some(1), "{fault}: {}", ended.err);
        assert!(ended.err.contains("a write failed, so the writer stopped"), "{fault}: {}", ended.err);
        assert!(!ended.err.contains("Planted") && !ended.err.contains("panicked"), "{fault}: {}", ended.err);
        drop(server);

        let server = Server::at(&data, &[]);
        let agent = server.with_token(&token);
        assert!(!there.is_empty(), "{fault}");
        for (id, name) in &there {
            let read = agent.ask("query($id: ID!) { contact(id: $id) { lastName } }", json!({ "id": id }));
            assert_eq!(read["contact"]["lastName"], json!(name), "{fault}");
        }
        // Whether the last one got in or not: sent again with its command id, it is there once.
        agent.change("registerContact", &lost, "");
        let again = agent.change("registerContact", &lost, "");
        assert_eq!(again["repeated"], true, "{fault}");
        let found = agent.ask(
            "query($name: String!) { contacts(search: $name) { nodes { id } } }",
            json!({ "name": lost["lastName"] }),
        );
        assert_eq!(found["contacts"]["nodes"].as_array().unwrap().len(), 1, "{fault}");
        assert!(server.stop().status.success());
        let data = data.to_str().unwrap();
        lethe(&["verify", "--data", data]).done();
        assert_eq!(lethe_audit(&["verify", data]).code, Some(0), "{fault}");
    }
}

/// The head mark is synced by a thread of its own, and its failure was seen by the next append only: the server stayed
/// ready.
#[test]
fn a_head_mark_that_cannot_be_synced_ends_a_server_that_nobody_writes_to() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("ledger");
    assert!(Server::at(&data, &[]).stop().status.success());
    let mut broken = command(&data, &[]);
    let _trace = failing(&data, "sync,head,6,EIO,on", &mut broken);
    let mut server = Server::spawn(broken, &data).unwrap();
    let ended = server.wait();
    assert_eq!(ended.status.code(), Some(1), "{}", ended.err);
    assert!(ended.err.contains("a write failed, so the writer stopped"), "{}", ended.err);
    drop(server);
    assert!(Server::at(&data, &[]).stop().status.success());
}

#[test]
fn a_disk_without_room_for_a_new_ledger_leaves_none_behind() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("ledger");
    std::fs::create_dir(&data).unwrap();
    for nth in [1, 3, 6, 9, 12] {
        let mut full = command(&data, &[]);
        let _trace = failing(&data, &format!("space,*,{nth},ENOSPC,on"), &mut full);
        let ended = Server::spawn(full, &data).err().unwrap_or_else(|| panic!("call {nth}: it is served"));
        assert!(ended.code == Some(1) && !ended.err.contains("panicked"), "call {nth}: {ended:?}");
    }
    assert!(Server::at(&data, &[]).stop().status.success());
}
