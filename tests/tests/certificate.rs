//! The certificate of an erasure, as the person and the authority get it: asked for, approved, read, checked, bent, and in the
//! end final. With programs and files.

use std::fs;
use std::path::Path;

use domain::time::Time;
use serde_json::{Value, json};
use tests::client::{Client, text};
use tests::desk;
use tests::files::Search;
use tests::forge::{Forger, apart};
use tests::programs::{Ended, lethe_audit};
use tests::server::{Server, until};

const PLANTED: [&str; 3] = ["Zenobia Quastenflosser", "Hinterbrandmeister", "zenobia@quastenflosser.example"];

/// A server, an erasure in it that is certified, and where files go.
struct House {
    server: Server,
    dir: tempfile::TempDir,
    erasure: String,
}

impl House {
    fn open() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let server = Server::at(&dir.path().join("data"), &["--cooling-off", "0"]);
        let (agent, dpo) = (server.client("agent"), server.client("dpo"));
        let person = desk::register(&agent, PLANTED[0], PLANTED[1], PLANTED[2]);
        let (erasure, stage) = desk::forget(&agent, &dpo, &person);
        assert_eq!(stage, "CERTIFIED");
        Self { server, dir, erasure }
    }

    fn dpo(&self) -> Client {
        self.server.client("dpo")
    }

    fn path(&self, name: &str) -> String {
        self.dir.path().join(name).to_str().unwrap().to_owned()
    }

    fn policy(&self) -> String {
        let key = self.server.client("auditor").ask("{ log { key } }", json!({}))["log"]["key"].clone();
        let file = self.path("policy");
        fs::write(&file, format!("log {}\nquorum none\n", text(&key))).unwrap();
        file
    }

    fn erasure(&self) -> Value {
        let query = "query($id: ID!) { erasure(id: $id) { certificateFile german: certificateFile(language: DE)
            certificate { form residues { number kind until closed { end } } } } }";
        self.dpo().ask(query, json!({ "id": self.erasure }))["erasure"].clone()
    }

    fn certificate(&self, name: &str) -> String {
        let file = self.path(name);
        fs::write(&file, text(&self.erasure()["certificateFile"])).unwrap();
        file
    }

    /// A copy that has everything of the erasure.
    fn copy(&self, name: &str) -> String {
        let (out, auditor) = (self.path(name), self.server.client("auditor"));
        let taken = lethe_audit(&["copy", "--server", &self.server.at_path(""), "--token", auditor.token(), &out]);
        assert_eq!(taken.code, Some(0), "{}", taken.err);
        out
    }

    fn until_swept(&self) {
        until("the sealed parts are overwritten, and that is recorded", || {
            let residues = self.erasure()["certificate"]["residues"].clone();
            residues.as_array().unwrap().iter().any(|it| it["closed"]["end"] == "SWEPT")
        });
    }
}

fn checked(file: &str, policy: &str, more: &[&str]) -> Ended {
    lethe_audit(&[&["check", file, "--policy", policy], more].concat())
}

#[test]
fn a_certificate_is_checked_bent_and_in_the_end_final() {
    let house = House::open();
    house.until_swept();
    let (policy, file) = (house.policy(), house.certificate("provisional"));
    let told = checked(&file, &policy, &[]);
    assert_eq!(told.code, Some(0), "{}", told.out);
    for say in ["certificate: HOLDS", "has signed it", "a logical erasure, and no more", "It is provisional: 2 of its"]
    {
        assert!(told.out.contains(say), "{say}: {}", told.out);
    }
    let (written, german) = (fs::read_to_string(&file).unwrap(), text(&house.erasure()["german"]));
    assert!(written.contains("LOGICAL") && german.contains("LOGISCHE"), "{written}");
    // As a shell or a mail program hands it on.
    let mailed = house.path("mailed");
    fs::write(&mailed, format!("{written}\r\n\n")).unwrap();
    assert_eq!(checked(&mailed, &policy, &[]).out, checked(&file, &policy, &[]).out);
    let planted = Search::for_texts(PLANTED.map(str::to_owned));
    assert_eq!(planted.find(written.as_bytes()), []);
    assert_eq!(planted.find_in(&house.dir.path().join("data")), [""; 0]);

    // Against a copy of the log, also without the signature; and a lie in either part is found.
    let copy = house.copy("copy");
    let told = checked(&file, &policy, &["--against", &copy]);
    assert_eq!(told.code, Some(0), "{}", told.out);
    assert!(told.out.contains("says the same, what was asked included"), "{}", told.out);
    let own = house.path("own");
    lethe_audit(&["certificate", &copy, &house.erasure, "--out", &own]).done();
    assert_eq!(checked(&own, &policy, &[]).code, Some(1), "nobody has signed it");
    let told = checked(&own, &policy, &["--against", &copy]);
    assert_eq!(told.code, Some(0), "{}", told.out);
    for (was, is) in [("by mail", "by letter"), ("PROVISIONAL", "FINAL"), ("A0, a LOGICAL", "A3, a")] {
        for (from, against) in [(&file, false), (&own, true)] {
            let bent = house.path("bent");
            fs::write(&bent, fs::read_to_string(from).unwrap().replacen(was, is, 1)).unwrap();
            let more = if against { vec!["--against", copy.as_str()] } else { vec![] };
            let told = checked(&bent, &policy, &more);
            assert!(told.code == Some(1) && told.out.contains("certificate: BROKEN"), "{is}: {}", told.out);
        }
    }
    // A number that the log does not know, and an erasure that is not certified.
    let nobody = lethe_audit(&["certificate", &copy, &desk::nobody("erasure"), "--out", &house.path("nobody")]);
    assert!(nobody.code == Some(2) && nobody.err.contains("the log has no erasure_"), "{}", nobody.err);

    close_all(&house);
    let told = checked(&house.certificate("final"), &policy, &[]);
    assert_eq!(told.code, Some(0), "{}", told.out);
    assert!(told.out.contains("It is final, by record"), "{}", told.out);
    let told = checked(&file, &policy, &["--against", &house.copy("later")]);
    assert_eq!(told.code, Some(0), "what was provisional stays true: {}", told.out);
    assert!(told.out.contains("later records of this erasure"), "{}", told.out);
    let verified = lethe_audit(&["verify", &house.path("later")]);
    assert_eq!(verified.code, Some(0), "{}", verified.out);
}

/// Backups and images of memory: nobody has said how long they are kept.
fn close_all(house: &House) {
    let dpo = house.dpo();
    for number in [1, 2] {
        let input = json!({ "erasureId": house.erasure, "number": number, "end": "DESTROYED", "on": desk::today() });
        dpo.change("closeResidue", &input, "erasure { stage }");
    }
    assert_eq!(house.erasure()["certificate"]["form"], "FINAL");
    assert!(Path::new(&house.path("data")).is_dir());
}

/// A note that was redacted is no person who was erased, although its key was ordered to be destroyed and certified.
#[test]
fn a_redaction_has_no_certificate_of_an_erasure() {
    let house = House::open();
    let (agent, dpo) = (house.server.client("agent"), house.dpo());
    let mut anna = desk::person("Anna", "Anders", "anna@example.org");
    anna["notes"] = json!("a note of somebody else");
    let anna = agent.change("registerContact", &anna, "contact { id }")["contact"]["id"].clone();
    let what = json!({ "contactId": anna, "fields": ["NOTES"], "words": "a mistake" });
    let asked = agent.change("requestRedaction", &what, "redaction { id }");
    let redaction = json!({ "redactionId": asked["redaction"]["id"] });
    let done = dpo.change("approveRedaction", &redaction, "redaction { stage }");
    assert_eq!(done["redaction"]["stage"], "CERTIFIED");
    let (copy, out) = (house.copy("copy"), house.path("out"));
    let made = lethe_audit(&["certificate", &copy, &text(&asked["redaction"]["id"]), "--out", &out]);
    assert!(made.code == Some(2) && made.err.contains("the log has no erasure_"), "{made:?}");
    assert!(!Path::new(&out).exists());
}

/// A copy is held against the file only where it is one of the log that signed the file's checkpoint, and has as much of it.
#[test]
fn a_copy_of_another_log_an_older_one_and_a_bent_one_prove_nothing() {
    let mut house = House::open();
    let (policy, older) = (house.policy(), house.copy("older"));
    let person = desk::register(&house.server.client("agent"), "Anna", "Anders", "anna@example.org");
    house.erasure = desk::forget(&house.server.client("agent"), &house.dpo(), &person).0;
    // It signs a checkpoint that covers the erasure, where there was none.
    house.certificate("signed");
    let (copy, own) = (house.copy("copy"), house.path("own"));
    lethe_audit(&["certificate", &copy, &house.erasure, "--out", &own]).done();
    assert_eq!(checked(&own, &policy, &["--against", &copy]).code, Some(0));
    let against = |file: &str, copy: &str| checked(file, &policy, &["--against", copy]);
    let old = against(&own, &older);
    assert!(old.code == Some(1) && old.out.contains("is older than the file"), "{}", old.out);
    assert!(!old.out.contains("certificate: BROKEN"), "{}", old.out);
    let stranger = House::open();
    let agent = stranger.server.client("agent");
    for number in 0..20 {
        desk::register(&agent, "Otto", "Other", &format!("o{number}@example.org"));
    }
    let other = against(&own, &stranger.copy("other"));
    assert!(other.code == Some(1) && other.out.contains("is of another log"), "{}", other.out);

    // The log anew, with a request that came in a day earlier: every hash in it is right.
    let House { server, dir, erasure } = house;
    server.stop();
    let data = dir.path().join("data");
    let mut forger = Forger::read(&data);
    let asked = (0..forger.entries.len()).rfind(|at| forger.kind(*at) == "case.erasure-requested").unwrap();
    let was = apart(&forger.entries[asked].record).1.recorded_at;
    (0..=asked).for_each(|position| {
        forger.edit(position, |draft, link| {
            link.recorded_at = link.recorded_at.plus_ms(-Time::DAY_MS);
            draft.effective_at = draft.effective_at.plus_ms(-Time::DAY_MS);
        });
    });
    forger.relink(0);
    forger.remap();
    forger.write(&data);
    forger.write_mark(&data);
    let lie = fs::read_to_string(&own).unwrap();
    let lie = lie.replace(&format!("down: {was}"), &format!("down: {}", was.plus_ms(-Time::DAY_MS)));
    assert_ne!(lie, fs::read_to_string(&own).unwrap());
    let bent = dir.path().join("bent").to_str().unwrap().to_owned();
    fs::write(&bent, lie).unwrap();
    let told = checked(&bent, &policy, &["--against", data.to_str().unwrap()]);
    assert!(told.code == Some(1) && told.out.contains("or was changed"), "{} {}", told.out, told.err);
    assert!(told.out.contains("certificate: BROKEN") && told.out.contains(&erasure), "{}", told.out);
}

#[test]
fn there_is_no_certificate_before_its_time() {
    let house = House::open();
    let agent = house.server.client("agent");
    let person = desk::register(&agent, "Anna", "Anders", "anna@example.org");
    let asked =
        agent.change("requestErasure", &desk::erasure_request(&person, "please"), "erasure { id certificateFile }");
    assert_eq!(asked["erasure"]["certificateFile"], json!(null));
    let copy = house.copy("copy");
    let id = text(&asked["erasure"]["id"]);
    let early = lethe_audit(&["certificate", &copy, &id, "--out", &house.path("early")]);
    assert!(early.code == Some(2) && early.err.contains("is not certified"), "{}", early.err);
}
