//! Where the keys lie and what holds their root: said before there is a ledger, looked at, turned and moved.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::json;
use tests::acts::{Act, perform_all};
use tests::book;
use tests::cast::Someone;
use tests::client::text;
use tests::desk;
use tests::programs::{Ended, lethe, lethe_audit, program};
use tests::server::{Server, until};
use tests::token::{LABEL, with_token};

fn keyring(data: &Path, arguments: &[&str]) -> Ended {
    let data = data.to_str().unwrap();
    let (verb, rest) = arguments.split_first().unwrap();
    lethe(&[&["keyring", verb, "--data", data][..], rest].concat())
}

fn refused(ended: &Ended, why: &str) {
    assert!(ended.code == Some(1) && ended.err.contains(why), "{ended:?}");
    assert!(!ended.err.contains("panicked"), "{ended:?}");
}

/// What lies in a directory of root files beside its id.
fn roots(dir: &Path) -> usize {
    fs::read_dir(dir).unwrap().filter(|file| file.as_ref().unwrap().file_name() != "id").count()
}

#[test]
fn a_keyring_is_placed_looked_at_turned_and_moved() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("ledger");
    let place = |name: &str| format!("file:{}", home.path().join(name).display());
    let copies: Vec<String> = ["one", "two"].map(|name| home.path().join(name).display().to_string()).into();
    let init = ["init", "--anchor", &place("root"), "--copy", &copies[0], "--copy", &copies[1]];
    keyring(&data, &init).done();
    refused(&keyring(&data, &init), "there is a keyring.conf in this directory already");
    assert!(!home.path().join("root").exists(), "the root is made with the ledger");

    let server = Server::at(&data, &[]);
    let agent = server.client("agent");
    desk::register(&agent, "Wanda", "Weg", "wanda@example.org");
    assert!(!data.join("keyring").exists() && copies.iter().all(|copy| Path::new(copy).join("header").exists()));
    let said = keyring(&data, &["status"]).done();
    for word in ["level A0: logical only", "member file ", "holds this root and no other", "epoch 0", "0 destroyed"] {
        assert!(said.contains(word), "{word}: {said}");
    }
    assert!(copies.iter().all(|copy| said.contains(&format!("copy {copy} at header"))), "{said}");
    let said = keyring(&data, &["rotate"]).done();
    // Keys drawn ahead while the ledger was made go with it, where that was quick enough to draw any.
    assert!(said.contains("epoch 1 begins; "), "{said}");
    assert!(keyring(&data, &["status"]).done().contains("epoch 1; the root is number 1"));
    desk::register(&agent, "Bertha", "Bleibt", "bertha@example.org");
    refused(&keyring(&data, &["move", "--to", &place("new")]), "a keyring moves at rest");
    refused(&keyring(&data, &["init", "--anchor", "file"]), "there is a log in this directory already");
    server.stop();

    let moved = keyring(&data, &["move", "--to", &place("new"), "--to", &place("newer")]).done();
    assert!(moved.contains("its old anchor holds no root of it"), "{moved}");
    assert_eq!(["root", "new", "newer"].map(|dir| roots(&home.path().join(dir))), [0, 1, 1]);
    let said = keyring(&data, &["status"]).done();
    assert_eq!(said.matches("holds this root and no other").count(), 2, "{said}");
    // Whoever changes the file by hand is told which member is missing, and what stands there instead.
    let conf = fs::read_to_string(data.join("keyring.conf")).unwrap();
    for (wrong, why) in [
        (
            conf.replace(&format!("anchor file = {{ dir = \"{}\" }}\n", home.path().join("newer").display()), ""),
            "member 2 of the keyring's anchor is file",
        ),
        (conf.replace("/newer", "/root"), "but file "),
        (format!("{conf}anchor file {}\n", home.path().join("root").display()), "is no member of the keyring's anchor"),
    ] {
        assert_ne!(wrong, conf);
        fs::write(data.join("keyring.conf"), wrong).unwrap();
        refused(&lethe(&["verify", "--data", data.to_str().unwrap()]), why);
    }
    fs::write(data.join("keyring.conf"), &conf).unwrap();
    keyring(&data, &["move", "--to", "file"]).done();
    assert_eq!(["new", "newer"].map(|dir| roots(&home.path().join(dir))), [0, 0]);
    assert!(data.join("anchor").exists());
    lethe(&["verify", "--data", data.to_str().unwrap()]).done();
    lethe_audit(&["verify", data.to_str().unwrap()]).done();
}

/// Where the keys cannot lie is said before anything is written: what is written is read at every open.
#[test]
fn keys_are_not_placed_where_they_cannot_lie() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("ledger");
    let place = |name: &str| home.path().join(name).display().to_string();
    let anchor = |name: &str| format!("file:{}", place(name));
    fs::create_dir(place("taken")).unwrap();
    fs::write(home.path().join("taken/keys.kdbx"), "mine").unwrap();
    fs::create_dir_all(place("disk/lost+found")).unwrap();
    fs::create_dir(place("one")).unwrap();
    std::os::unix::fs::symlink(place("one"), place("link")).unwrap();
    let five: Vec<String> = (0..5).map(|number| anchor(&format!("root{number}"))).collect();
    let five: Vec<&str> = five.iter().flat_map(|anchor| ["--anchor", anchor]).collect();
    for (how, why) in [
        (&["--anchor", &anchor("root"), "--copy", &place("taken")][..], "is no copy of a keyring, and not empty"),
        (&["--anchor", &anchor("root"), "--copy", &place("one"), "--copy", &place("link")], "a directory of its own"),
        (&["--anchor", &anchor("root"), "--anchor", &anchor("root")], "a directory of its own"),
        (&["--anchor", &anchor("one/root"), "--copy", &place("one")], "outside the others"),
        (&["--anchor", &anchor("none/../one/root"), "--copy", &place("one")], "outside the others"),
        (&five, "an anchor has 1 to 4 members, and 5 are named"),
    ] {
        refused(&keyring(&data, &[&["init"], how].concat()), why);
        assert!(!data.join("keyring.conf").exists(), "{why}");
    }
    assert_eq!(fs::read(home.path().join("taken/keys.kdbx")).unwrap(), b"mine");
    keyring(&data, &["init", "--anchor", &anchor("root"), "--copy", &place("disk"), "--copy", &place("second")]).done();
    Server::at(&data, &[]).stop();
    let five: Vec<&str> = five.iter().map(|part| if *part == "--anchor" { "--to" } else { part }).collect();
    refused(&keyring(&data, &[&["move"], &five[..]].concat()), "an anchor has 1 to 4 members, and 5 are named");
    let twice = ["move", "--to", &anchor("root"), "--to", &anchor("root")];
    refused(&keyring(&data, &twice), "a directory of its own");
    lethe(&["verify", "--data", data.to_str().unwrap()]).done();
    assert!(keyring(&data, &["status"]).done().contains("member file "), "it is where it was");
}

/// The certificate says what is true of the anchor that the keys were destroyed in, so it is written before they move.
#[test]
fn a_keyring_does_not_move_while_an_order_of_destruction_is_open() {
    let home = tempfile::tempdir().unwrap();
    let (data, who) = (home.path().join("ledger"), Someone(1));
    let ledger = book::open_or_create(&data).unwrap();
    perform_all(&ledger, who, &[Act::Contact]);
    perform_all(&ledger, who, &Act::TO_THE_FENCE);
    perform_all(&ledger, who, &[Act::Order]);
    drop(ledger);
    let to = format!("file:{}", home.path().join("new").display());
    let refused_move = keyring(&data, &["move", "--to", &to]);
    refused(&refused_move, "is not certified yet");
    assert!(refused_move.err.contains("erasure_"), "{refused_move:?}");
    assert!(!home.path().join("new").exists(), "nothing was begun");
    let finished = lethe(&["clock", "confirm", "--data", data.to_str().unwrap()]).done();
    assert!(finished.contains("certified now: 1"), "{finished}");
    keyring(&data, &["move", "--to", &to]).done();
}

/// Where the system lets it, a server keeps its memory out of swap and out of core dumps; else it says what it needs.
#[test]
fn a_server_keeps_its_memory_or_names_the_limit() {
    let server = Server::start(&[]);
    keeps_its_memory(server.pid(), || server.err());
}

/// So does every other program that has the keys, before it reads anything: each is looked at while it waits for its first file.
#[test]
fn whoever_opens_the_keyring_keeps_its_memory_too() {
    let home = tempfile::tempdir().unwrap();
    let (data, conf) = (home.path().join("ledger"), home.path().join("ledger/keyring.conf"));
    drop(book::open_or_create(&data).unwrap());
    assert!(Command::new("mkfifo").arg(&conf).status().unwrap().success());
    let (data, conf) = (data.to_str().unwrap(), conf.to_str().unwrap());
    for (name, arguments) in [
        ("lethe", &["verify", "--data", data][..]),
        ("lethe", &["keyring", "repair", "--data", data]),
        ("lethe", &["keyring", "status", "--data", data]),
        ("lethe", &["retention", "run", "--data", data]),
        ("lethe-audit", &["forensic", data, "--keyring-conf", conf]),
    ] {
        let said = home.path().join("said");
        let mut command = Command::new(program(name));
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(File::create(&said).unwrap());
        let mut process = command.spawn().unwrap();
        let mut writes = None;
        until("the file is opened", || {
            // Nobody can write before somebody reads.
            const O_NONBLOCK: i32 = 0o4000;
            writes = OpenOptions::new().write(true).custom_flags(O_NONBLOCK).open(conf).ok();
            assert!(writes.is_some() || process.try_wait().unwrap().is_none(), "{name} {arguments:?} ended before");
            writes.is_some()
        });
        keeps_its_memory(process.id(), || fs::read_to_string(&said).unwrap());
        drop(writes);
        assert!(!process.wait().unwrap().success(), "nothing stood in the file");
    }
}

fn keeps_its_memory(pid: u32, said: impl Fn() -> String) {
    let about = |file: &str| fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap();
    let status = about("status");
    let locked = status.lines().find_map(|line| line.strip_prefix("VmLck:")).unwrap();
    let locked: u64 = locked.trim().trim_end_matches(" kB").parse().unwrap();
    let warned = said().contains("RLIMIT_MEMLOCK");
    assert!((locked > 0) != warned, "{locked} kB are locked, and it warned: {warned}");
    let core = about("limits").lines().find(|line| line.starts_with("Max core file size")).unwrap().to_owned();
    assert_eq!(core.split_whitespace().skip(4).take(2).collect::<Vec<_>>(), ["0", "0"], "{core}");
    // The files of a process that leaves no core are root's.
    assert_eq!(fs::metadata(format!("/proc/{pid}/environ")).unwrap().uid(), 0);
}

/// Two people declare the device, and one of them alone does not.
fn declare(server: &Server) {
    let (dpo, admin) = (server.client("dpo"), server.client("admin"));
    let asked = dpo.ask("{ keyring { level members { serial } } }", json!({}));
    let device = json!({ "device": "the module in the safe", "serial": asked["keyring"]["members"][0]["serial"],
        "noBackup": true });
    let declared = dpo.change("declareAnchor", &device, "declaration { id }");
    let id = json!({ "declarationId": declared["declaration"]["id"] });
    let refused = dpo.refused("confirmAnchor", &id);
    assert!(refused[0]["message"].as_str().unwrap().contains("another person must confirm"), "{refused:?}");
    assert_eq!(dpo.ask("{ keyring { level } }", json!({}))["keyring"]["level"], "A1");
    admin.change("confirmAnchor", &id, "declaration { counts }");
    let stranger = json!({ "device": "another", "serial": "0", "noBackup": true });
    assert_eq!(dpo.refused("declareAnchor", &stranger)[0]["path"], json!(["serial"]));
}

#[test]
#[ignore = "needs SoftHSM2"]
fn a_keyring_moves_into_a_token_and_out_of_it() {
    with_token(|home| {
        home.misbehave("hardware");
        let data = home.path().join("ledger");
        let token = format!(
            "pkcs11:library={},label={LABEL},pin-file={}",
            home.device().library.display(),
            home.path().join("pin").display()
        );
        fs::write(home.path().join("wrong"), "0000").unwrap();
        let wrong = token.replace("/pin", "/wrong");
        refused(&keyring(&data, &["init", "--anchor", &wrong]), "the token refused the PIN");
        let said = keyring(&data, &["init", "--anchor", &token]).done();
        assert!(said.contains("the token \"our root\""), "{said}");
        let server = Server::at(&data, &["--cooling-off", "0"]);
        let wanda = desk::register(&server.client("agent"), "Wanda", "Weg", "wanda@example.org");
        let said = keyring(&data, &["status"]).done();
        assert!(said.contains("level A1: in hardware; nobody has declared"), "{said}");
        assert!(said.contains("member pkcs11 "), "{said}");
        declare(&server);
        let said = keyring(&data, &["status"]).done();
        assert!(said.contains("level A3") && said.contains("in \"the module in the safe\""), "{said}");
        server.stop();
        assert!(keyring(&data, &["status"]).done().contains("level A3"), "a restart does not forget it");
        keyring(&data, &["move", "--to", "file"]).done();
        assert!(keyring(&data, &["status"]).done().contains("level A0"));
        refused(&keyring(&data, &["move", "--to", &wrong]), "the token refused the PIN");
        assert!(keyring(&data, &["status"]).done().contains("member file "), "nothing moved");
        keyring(&data, &["move", "--to", &token]).done();
        assert_eq!(roots(&data.join("anchor")), 0);
        // Her keys lay under a file for a while; those of who came since did not.
        let server = Server::at(&data, &["--cooling-off", "0"]);
        let (agent, dpo) = (server.client("agent"), server.client("dpo"));
        let bertha = desk::register(&agent, "Bertha", "Bald", "bertha@example.org");
        for (who, level) in [(&wanda, "A0"), (&bertha, "A3")] {
            let (erasure, _) = desk::forget(&agent, &dpo, who);
            let query = "query($id: ID!) { erasure(id: $id) { certificate { level } } }";
            let shown = dpo.ask(query, json!({ "id": erasure }));
            assert_eq!(shown["erasure"]["certificate"]["level"], level);
            let node = "query($id: ID!) { node(id: $id) { ... on Contact { erasure { reason } } } }";
            let shown = agent.ask(node, json!({ "id": who.id }));
            let reason = text(&shown["node"]["erasure"]["reason"]);
            assert_eq!(reason.contains("logical"), level == "A0", "{reason}");
        }
        // Each contact reads as its own certificate says, wherever the keyring is by then.
        let reads = |server: &Server, who: &desk::Registered| {
            let query = "query($id: ID!) { contact(id: $id) { erasure { reason } } }";
            text(&server.client("agent").ask(query, json!({ "id": who.id }))["contact"]["erasure"]["reason"])
        };
        let read_alike = |server: Server| {
            for (who, logical) in [(&wanda, true), (&bertha, false)] {
                let reason = reads(&server, who);
                assert_eq!(reason.contains("logical"), logical, "{reason}");
            }
            server.stop();
        };
        read_alike(server);
        keyring(&data, &["move", "--to", "file"]).done();
        read_alike(Server::at(&data, &["--cooling-off", "0"]));
        lethe(&["verify", "--data", data.to_str().unwrap()]).done();
    });
}
