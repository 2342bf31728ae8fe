//! A log that a witness cosigns, its published copy, and evidence from it, as auditors handle them: with programs and files.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};
use tests::desk::{self, Registered};
use tests::files::{Search, read_files};
use tests::programs::{Ended, lethe, lethe_audit, program};
use tests::server::{Server, until};

/// A server whose checkpoints a witness cosigns, somebody with a trail, and where everything lies.
struct House {
    server: Option<Server>,
    witness: Child,
    log_key: String,
    witness_key: String,
    url: String,
    person: Registered,
    position: u64,
    dir: tempfile::TempDir,
}

impl Drop for House {
    fn drop(&mut self) {
        let _already_over = self.witness.kill();
        let _waited = self.witness.wait();
    }
}

impl House {
    fn open() -> Self {
        Self::of(&[])
    }

    fn of(kind: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("data");
        let before = Server::at(&data, kind);
        let log_key = asked(&before, "{ log { key } }")["log"]["key"].as_str().unwrap().to_owned();
        drop(before);
        let (witness, witness_key, url) = witness(dir.path(), "127.0.0.1:0", &log_key);
        let settings = format!(
            "[log]\ncadence-ms = 50\nepoch-minutes = 0\ncosign-seconds = 1\n\n[[log.witness]]\nurl = \"{url}\"\nvkey = \"{witness_key}\"\n"
        );
        fs::write(dir.path().join("lethe.toml"), settings).unwrap();
        let config = dir.path().join("lethe.toml");
        let server = Server::at(&data, &[&["--config", config.to_str().unwrap()], kind].concat());
        let (agent, dpo) = (server.client("agent"), server.client("dpo"));
        let person = desk::register(&agent, "Petra", "Probe", "petra@example.org");
        let shown = desk::notice(&dpo, "newsletter");
        let given =
            agent.change("giveConsent", &desk::consent(&person, "newsletter", &shown), "position consents { id }");
        agent.change("withdrawConsent", &desk::withdrawal(&person, "newsletter"), "consents { id }");
        let position = given["position"].as_str().unwrap().parse().unwrap();
        Self { server: Some(server), witness, log_key, witness_key, url, person, position, dir }
    }

    fn server(&self) -> &Server {
        self.server.as_ref().unwrap()
    }

    fn stop(&mut self) {
        let stopped = self.server.take().unwrap().stop();
        assert!(stopped.status.success(), "{}", stopped.err);
    }

    fn path(&self, name: &str) -> String {
        self.dir.path().join(name).to_str().unwrap().to_owned()
    }

    fn policy(&self, name: &str, more: &str) -> String {
        let Self { log_key, witness_key, .. } = self;
        let file = self.path(name);
        fs::write(&file, format!("log {log_key}\nwitness w1 {witness_key}\n{more}")).unwrap();
        file
    }

    /// A copy of which the witness has cosigned the checkpoint, with a map root that knows the trail.
    fn copy(&self, name: &str) -> String {
        let (out, auditor) = (self.path(name), self.server().client("auditor"));
        until("the checkpoint covers the trail and a root of the map, and is cosigned", || {
            let _ = fs::remove_dir_all(&out);
            let taken =
                lethe_audit(&["copy", "--server", &self.server().at_path(""), "--token", auditor.token(), &out]);
            assert_eq!(taken.code, Some(0), "{}", taken.err);
            let checkpoint = fs::read_to_string(Path::new(&out).join("checkpoint")).unwrap();
            let size: u64 = checkpoint.lines().nth(1).unwrap().parse().unwrap();
            checkpoint.contains("witness.example/w1") && size > self.position + 3
        });
        out
    }

    fn consents(&self) -> String {
        let agent = self.server().client("agent");
        let query = "query($id: ID!) { consents(contactId: $id) { id } }";
        let told = agent.ask(query, json!({ "id": self.person.id }));
        told["consents"]["id"].as_str().unwrap().to_owned()
    }
}

/// A witness, its key and its address.
fn witness(dir: &Path, listen: &str, log_key: &str) -> (Child, String, String) {
    let mut witness = Command::new(program("lethe-audit"))
        .args(["witness", "--listen", listen, "--name", "witness.example/w1", "--log", log_key, "--state"])
        .arg(dir.join("witness"))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(witness.stdout.take().unwrap()).lines();
    let key = said.next().unwrap().unwrap();
    (witness, key, said.next().unwrap().unwrap().replace("listening on ", ""))
}

fn asked(server: &Server, query: &str) -> Value {
    server.client("auditor").ask(query, json!({}))
}

fn checked(file: &str, policy: &str, more: &[&str]) -> Ended {
    lethe_audit(&[&["check", file, "--policy", policy], more].concat())
}

#[test]
fn evidence_is_taken_from_a_published_copy_and_holds_anywhere() {
    let house = House::open();
    let (copy, stream, file) = (house.copy("copy"), house.consents(), house.path("trail.evidence"));
    let policy = house.policy("policy", "quorum w1\n");
    let verified = lethe_audit(&["verify", &copy, "--policy", &policy]);
    assert_eq!(verified.code, Some(0), "{}", verified.out);
    assert!(verified.out.contains("w1, a witness, has cosigned"), "{}", verified.out);
    let made = lethe_audit(&["bundle", &copy, "--stream", &stream, "--out", &file]);
    assert_eq!(made.code, Some(0), "{}", made.err);
    let told = checked(&file, &policy, &[]);
    assert_eq!(told.code, Some(0), "{}", told.out);
    for say in
        ["integrity: HOLDS", "completeness: HOLDS", "anchoring: HOLDS", "erasure: HOLDS", "if the map's root is honest"]
    {
        assert!(told.out.contains(say), "{say}: {}", told.out);
    }
    let own = house.policy("own", "operator w1\nquorum w1\n");
    let told = checked(&file, &own, &[]);
    assert!(told.out.contains("w1, a witness run by the operator,"), "{}", told.out);
    assert!(told.out.contains("nobody outside has confirmed this root"), "{}", told.out);

    // Somebody replays the log, and a policy demands that.
    let (key, note) = (house.path("auditor.key"), house.path("replayed"));
    let signed = lethe_audit(&["verify", &copy, "--countersign", &key, "--name", "auditor.example", "--out", &note]);
    assert_eq!(signed.code, Some(0), "{}", signed.err);
    let replay = signed.err.lines().find_map(|line| line.split_once("replay NAME ")).unwrap().1.to_owned();
    let demanding = house.policy("demanding", &format!("replay auditor {replay}\nquorum w1\n"));
    assert_eq!(checked(&file, &demanding, &[]).code, Some(1), "it has no confirmation yet");
    let file = house.path("confirmed.evidence");
    lethe_audit(&["bundle", &copy, "--stream", &stream, "--replay", &note, "--out", &file]).done();
    let told = checked(&file, &demanding, &[]);
    assert_eq!(told.code, Some(0), "{}", told.out);
    assert!(told.out.contains("auditor has replayed the first"), "{}", told.out);

    // A stranger's log, another quorum, no such stream, and no file.
    let stranger = house.path("stranger");
    fs::write(&stranger, "quorum none\n").unwrap();
    assert_eq!(checked(&file, &stranger, &[]).code, Some(1));
    assert_eq!(checked(&copy, &policy, &[]).code, Some(2));
    let nobody = lethe_audit(&["bundle", &copy, "--stream", &desk::nobody("consents"), "--out", &house.path("nobody")]);
    assert_eq!(nobody.code, Some(0), "that there is none is proved, too: {}", nobody.err);
    let told = checked(&house.path("nobody"), &policy, &[]);
    assert!(told.out.contains("there was no such stream in the first"), "{}", told.out);
}

#[test]
fn what_is_bent_in_a_published_copy_is_found() {
    let house = House::open();
    let copy = house.copy("copy");
    let policy = house.policy("policy", "quorum w1\n");
    let checkpoint = Path::new(&copy).join("checkpoint");
    let whole = fs::read_to_string(&checkpoint).unwrap();
    let lines: Vec<&str> = whole.lines().collect();
    let size: u64 = lines[1].parse().unwrap();
    let verify = |policy: Option<&str>| {
        let more = policy.map_or(vec![], |policy| vec!["--policy", policy]);
        lethe_audit(&[&["verify", copy.as_str()], &more[..]].concat())
    };
    let broken = |what: &str, said: &str, policy: Option<&str>| {
        let told = verify(policy);
        assert!(told.code == Some(1) && told.out.contains(said), "{what}: {:?} {}", told.code, told.out);
    };
    let mut other = lines.clone();
    let root = BASE64.encode([7; 32]);
    other[2] = &root;
    fs::write(&checkpoint, other.join("\n") + "\n").unwrap();
    broken("another root", "signs another root", None);
    let more = (size + 1000).to_string();
    other[1] = &more;
    fs::write(&checkpoint, other.join("\n") + "\n").unwrap();
    broken("a longer log", "are missing", None);
    let unsigned = whole.replacen(lines[0], "other.example/log", 1);
    fs::write(&checkpoint, unsigned).unwrap();
    broken("another origin", "not signed by the key that the log names", None);
    fs::write(
        &checkpoint,
        whole.lines().filter(|line| !line.contains("witness.example")).collect::<Vec<_>>().join("\n") + "\n",
    )
    .unwrap();
    broken("no cosignature", "have not cosigned it", Some(&policy));
    fs::write(&checkpoint, &whole).unwrap();
    let tile = Path::new(&copy).join(format!("tile/0/000.p/{size}"));
    let bytes = fs::read(&tile).unwrap();
    let mut bent = bytes.clone();
    bent[33] ^= 1;
    fs::write(&tile, bent).unwrap();
    broken("a tile", "tile 0 of row 0 is not the records'", None);
    fs::remove_file(&tile).unwrap();
    broken("no tile", "tile/0/000", None);
    fs::write(&tile, bytes).unwrap();
    assert_eq!(verify(Some(&policy)).code, Some(0));
}

#[test]
fn a_receipt_is_kept_or_convicts() {
    let house = House::open();
    let agent = house.server().client("agent");
    let query = "query($position: Position!) { receipt(position: $position) { file } }";
    let told = agent.ask(query, json!({ "position": house.position.to_string() }));
    let file = house.path("receipt");
    fs::write(&file, BASE64.decode(told["receipt"]["file"].as_str().unwrap()).unwrap()).unwrap();
    let policy = house.policy("policy", "quorum none\n");
    let at_once = checked(&file, &policy, &[]);
    assert!(at_once.out.contains("is durable and under a root by"), "{}", at_once.out);
    let copy = house.copy("copy");
    let kept = checked(&file, &policy, &["--against", &copy]);
    assert!(kept.code == Some(0) && kept.out.contains("It kept its word"), "{:?} {}", kept.code, kept.out);
}

/// The DPO hands a file out; its record is in every later copy of the log, and names the file.
#[test]
fn a_disclosure_is_checked_offline_and_found_in_the_log() {
    let mut house = House::open();
    let dpo = house.server().client("dpo");
    let input = json!({ "contactId": house.person.id, "recipient": "Qkanzlei Roth", "until": "2999-12-31" });
    let handed = dpo.change("discloseEvidence", &input, "file disclosure { case digest parts }");
    let disclosure = &handed["disclosure"];
    let (case, digest) = (disclosure["case"].as_str().unwrap(), disclosure["digest"].as_str().unwrap());
    let file = house.path("disclosed.evidence");
    fs::write(&file, BASE64.decode(handed["file"].as_str().unwrap()).unwrap()).unwrap();
    let policy = house.policy("policy", "quorum none\n");
    let told = checked(&file, &policy, &[]);
    assert_eq!(told.code, Some(0), "{}", told.out);
    let counted = format!("This file is a disclosure of {} sealed parts", disclosure["parts"]);
    for say in [counted.as_str(), digest, "first_name: Petra", "last_name: Probe"] {
        assert!(told.out.contains(say), "{say}: {}", told.out);
    }

    let copy = house.copy("copy");
    let trail = lethe_audit(&["trail", &copy, "--stream", case]);
    assert_eq!(trail.code, Some(0), "{}", trail.err);
    for say in ["disclosed", digest, "gone by=2999-12-31"] {
        assert!(trail.out.contains(say), "{say}: {}", trail.out);
    }
    let of_case = house.path("case.evidence");
    lethe_audit(&["bundle", &copy, "--stream", case, "--out", &of_case]).done();
    let told = checked(&of_case, &policy, &[]);
    assert!(told.out.contains(digest) && told.out.contains("to be gone by 2999-12-31"), "{}", told.out);
    assert!(!told.out.contains("This file is a disclosure"), "{}", told.out);
    house.stop();
    let planted = Search::for_texts(["Qkanzlei Roth".to_owned(), "Qkanzlei".to_owned()]);
    assert_eq!(planted.find_in(Path::new(&house.path("data"))), [""; 0]);
    assert_eq!(planted.find_in(Path::new(&copy)), [""; 0]);
}

/// What was ever signed, and what it was signed for: everything of a directory but what follows from the rest.
fn kept(data: &str) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = read_files(Path::new(data));
    files.retain(|path, _| {
        path.starts_with("tree/checkpoint") || !(path.starts_with("tree") || path.starts_with("index"))
    });
    files
}

impl House {
    fn again(&mut self, kind: &[&str]) {
        let config = self.path("lethe.toml");
        self.server = Some(Server::at(Path::new(&self.path("data")), &[&["--config", config.as_str()], kind].concat()));
    }

    /// The whole directory is put back, head mark and signing key too: only the witness knows what came behind it.
    fn roll_back(&mut self, kind: &[&str]) {
        let (data, backup) = (self.path("data"), self.path("backup"));
        self.stop();
        let copied = Command::new("cp").args(["-a", &data, &backup]).status().unwrap();
        assert!(copied.success());
        self.again(kind);
        let size = tests::server::size(&self.server().client("auditor"));
        desk::register(&self.server().client("agent"), "Later", "Gone", "later@example.org");
        let auditor = self.server().client("auditor");
        until("the witness has seen more than the backup has", || {
            let checkpoint = auditor.get_path("/log/checkpoint").text().unwrap();
            let signed: u64 = checkpoint.lines().nth(1).unwrap().parse().unwrap();
            signed > size && checkpoint.contains("witness.example/w1")
        });
        self.stop();
        fs::remove_dir_all(&data).unwrap();
        fs::rename(&backup, &data).unwrap();
    }
}

/// A demo had issued tokens before it asked, and revoked them behind the refusal: all of that was signed.
#[test]
fn a_log_that_was_rolled_back_is_not_served_and_signs_nothing() {
    let kind = ["--demo"];
    let mut house = House::of(&kind);
    house.roll_back(&kind);
    let (data, config) = (house.path("data"), house.path("lethe.toml"));
    let before = kept(&data);
    let refused = || {
        let tried = Server::try_at(Path::new(&data), &["--config", &config, "--demo"]).err().unwrap();
        assert!(tried.err.contains("rolled back") && tried.err.contains("Nothing is served"), "{tried:?}");
        assert_eq!(tried.code, Some(1));
    };
    refused();
    assert!(kept(&data) == before, "something was written");

    // A command that knows no witness appends, and signs nothing.
    let issued = lethe(&["token", "issue", "--data", &data, "--role", "agent", "--name", "Nancy"]);
    assert_eq!(issued.code, Some(0), "{}", issued.err);
    let appended = kept(&data);
    let checkpoint = Path::new("tree/checkpoint");
    assert!(appended != before && appended[checkpoint] == before[checkpoint]);
    refused();
    assert!(kept(&data) == appended);
}

/// Log, keys, anchor and head mark are put back at once, as they were before an erasure: inside, nothing is wrong. The
/// certificate claimed no more than that, and a witness that is asked knows better.
#[test]
fn an_erasure_that_a_restore_of_everything_undoes_was_called_logical_and_a_witness_finds_it() {
    let kind = ["--cooling-off", "0"];
    let mut house = House::of(&kind);
    let (data, backup, config) = (house.path("data"), house.path("backup"), house.path("lethe.toml"));
    house.stop();
    assert!(Command::new("cp").args(["-a", &data, &backup]).status().unwrap().success());
    house.again(&kind);
    let [agent, dpo, auditor] = ["agent", "dpo", "auditor"].map(|role| house.server().client(role));
    let size = tests::server::size(&auditor);
    let (erasure, stage) = desk::forget(&agent, &dpo, &house.person);
    assert_eq!(stage, "CERTIFIED");
    let told = dpo.ask("query($id: ID!) { erasure(id: $id) { certificateFile } }", json!({ "id": erasure }));
    let file = house.path("certificate");
    fs::write(&file, told["erasure"]["certificateFile"].as_str().unwrap()).unwrap();
    let judged = lethe_audit(&["check", &file, "--policy", &house.policy("policy", "quorum none\n")]);
    assert!(judged.out.contains("a logical erasure, and no more"), "{judged:?}");
    until("the witness has seen more than the backup has", || {
        let checkpoint = auditor.get_path("/log/checkpoint").text().unwrap();
        let signed: u64 = checkpoint.lines().nth(1).unwrap().parse().unwrap();
        signed > size + 3 && checkpoint.contains("witness.example/w1")
    });
    house.stop();
    fs::remove_dir_all(&data).unwrap();
    fs::rename(&backup, &data).unwrap();

    let inside = lethe_audit(&["verify", &data]);
    assert_eq!(inside.code, Some(0), "{inside:?}");
    let tried = Server::try_at(Path::new(&data), &[&["--config", config.as_str()], kind.as_slice()].concat());
    let tried = tried.err().unwrap();
    assert!(tried.err.contains("rolled back") && tried.err.contains("Nothing is served"), "{tried:?}");
}

/// The witness was away at the start, so the log was served; nothing is taken any more once it is back.
#[test]
fn a_log_that_a_witness_contradicts_later_is_served_no_more() {
    let mut house = House::open();
    house.roll_back(&[]);
    house.witness.kill().unwrap();
    house.witness.wait().unwrap();
    house.again(&[]);
    desk::register(&house.server().client("agent"), "Other", "Story", "other@example.org");
    let listen = house.url.strip_prefix("http://").unwrap().to_owned();
    let (witness, key, _) = witness(house.dir.path(), &listen, &house.log_key);
    (house.witness, house.witness_key) = (witness, key);
    let ended = house.server.take().unwrap().wait();
    assert_eq!(ended.status.code(), Some(1));
    assert!(ended.err.contains("Nothing is served before that is understood"), "{}", ended.err);
}
