//! Evidence taken through the schema and judged by the auditor's program.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use domain::actor::Role::{self, Agent, Auditor, Dpo, Integration};
use domain::time::Time;
use events::checkpoint::Checkpoint;
use events::evidence::Evidence;
use events::log::Log as _;
use events::note::SignedNote;
use events::proof::{Consistency, Inclusion};
use events::record::Record;
use replay::check::{Checked, Stamped, Status, check};
use replay::countersign::Replayed;
use replay::policy::Policy;
use replay::receipt::Receipt;
use serde_json::{Value, json};

use crate::graphql::testing::Desk;
use crate::replays::Replays;

const NAME: &str = "Wilhelmina";

/// A person who gave consent to news, took it back, and gave it again.
struct Case {
    desk: Desk,
    contact: String,
    consents: String,
    given: Vec<u64>,
}

impl Case {
    fn open() -> Self {
        let desk = Desk::open();
        let notice = desk.tried(
            Dpo,
            r#"publishNotice(input: { purpose: "product-news", language: "en", text: "May we?",
                effectiveAt: "2026-07-01T00:00:00Z" }) { notice { id } errors { message } }"#,
        );
        let notice = notice["notice"]["id"].as_str().unwrap().to_owned();
        let registered = desk.done(&format!(
            r#"registerContact(input: {{ source: WEB_FORM, reason: CONSENT, firstName: "{NAME}",
                points: [{{ kind: EMAIL, value: "{NAME}@a.example" }}] }})
                {{ contact {{ id points {{ id }} }} errors {{ message }} }}"#
        ));
        let (contact, point) = (&registered["contact"]["id"], &registered["contact"]["points"][0]["id"]);
        let contact = contact.as_str().unwrap().to_owned();
        let mut case = Self { desk, contact, consents: String::new(), given: Vec::new() };
        let scope =
            format!(r#"contactId: "{}", purpose: "product-news", channel: EMAIL, pointId: {point}"#, case.contact);
        let give = format!(
            r#"giveConsent(input: {{ {scope}, notice: {{ id: "{notice}", version: 1, language: "en" }}, source: PHONE,
                method: SPOKEN, words: "yes, said {NAME}" }}) {{ position consents {{ id }} errors {{ message }} }}"#
        );
        let withdraw = format!(
            r#"withdrawConsent(input: {{ {scope}, source: PHONE, method: SPOKEN }})
                {{ position consents {{ id }} errors {{ message }} }}"#
        );
        for said in [&give, &withdraw, &give] {
            let payload = case.desk.tried(Agent, said);
            assert_eq!(payload["errors"], json!([]));
            case.consents = payload["consents"]["id"].as_str().unwrap().to_owned();
            case.given.push(payload["position"].as_str().unwrap().parse().unwrap());
        }
        case
    }

    /// An epoch ends, and all is signed. The root covers what the publisher has taken up, so that comes first.
    fn publish(&self) {
        self.desk.app.ledger().publish_now().unwrap();
        self.desk.app.ledger().end_epoch(Duration::ZERO).unwrap().unwrap();
        self.desk.app.ledger().publish_now().unwrap();
    }

    fn policy(&self, more: &str) -> Policy {
        let key = self.desk.app.ledger().published().key();
        Policy::parse(format!("log {key}\n{more}quorum none\n").as_bytes()).unwrap()
    }

    fn file(&self, role: Role, query: &str) -> Option<Evidence> {
        let data = self.desk.get(role, &format!("{{ it: {query} {{ file bytes }} }}"));
        let file = data["it"]["file"].as_str()?;
        let bytes = BASE64.decode(file).unwrap();
        assert_eq!(data["it"]["bytes"], json!(bytes.len()));
        Some(Evidence::parse(&bytes).unwrap())
    }

    fn evidence(&self) -> Evidence {
        self.file(Auditor, &format!(r#"evidence(ids: ["{}"])"#, self.consents)).unwrap()
    }

    fn receipt(&self, position: u64) -> Option<Evidence> {
        self.file(Agent, &format!(r#"receipt(position: "{position}")"#))
    }

    fn judge(&self, evidence: &Evidence) -> Checked {
        check(evidence, &self.policy(""), None)
    }
}

fn statuses(checked: &Checked) -> [Status; 4] {
    [&checked.integrity, &checked.completeness, &checked.anchoring, &checked.erasure].map(|verdict| verdict.status)
}

const HOLDS: [Status; 4] = [Status::Holds; 4];

#[test]
fn a_whole_trail_holds_and_says_what_it_does_not_cover() {
    let case = Case::open();
    let early = case.judge(&case.evidence());
    assert_eq!(early.completeness.status, Status::NotChecked, "there is no root of the map yet: {early}");
    case.publish();
    let evidence = case.evidence();
    let checked = case.judge(&evidence);
    assert_eq!(statuses(&checked), HOLDS, "{checked}");
    assert!(checked.holds());
    let words = checked.to_string();
    for say in
        ["3 records", "are all there are, if the map's root is honest", "nobody outside", "events that were never"]
    {
        assert!(words.contains(say), "{say}: {words}");
    }
    let bytes = evidence.to_bytes().unwrap();
    assert!(!bytes.windows(NAME.len()).any(|window| window == NAME.as_bytes()), "no one is named");
    assert!(bytes.len() < 6_000, "{} bytes", bytes.len());
    let other = case.desk.app.ledger().published().key().to_string().replace("muster", "master");
    assert!(other.parse::<events::note::VerifierKey>().is_err());
    let stranger = Policy::parse(b"quorum none\n").unwrap();
    let unknown = check(&evidence, &stranger, None);
    assert_eq!(unknown.anchoring.status, Status::Broken);
    assert_eq!(unknown.completeness.status, Status::NotChecked, "nothing is complete under a root of nobody");
}

#[test]
fn whatever_is_left_out_is_missed() {
    let case = Case::open();
    case.publish();
    let whole = case.evidence();
    let without = |at: usize| {
        let mut less = whole.clone();
        less.trails[0].records.remove(at);
        case.judge(&less)
    };
    assert_eq!(without(0).integrity.status, Status::Broken, "the oldest");
    assert_eq!(without(1).integrity.status, Status::Broken, "one between");
    let newest = without(2);
    assert!(newest.integrity.status == Status::Broken || newest.completeness.status == Status::Broken, "{newest}");

    let mut newest_cut_well = whole.clone();
    newest_cut_well.trails[0].records.pop();
    newest_cut_well.trails[0].path = {
        let ledger = case.desk.app.ledger();
        let size = ledger.published().latest().unwrap().checkpoint.size;
        Some(events::tree::inclusion(ledger.published().rows(), case.given[1], size).unwrap())
    };
    let cut = case.judge(&newest_cut_well);
    assert_eq!((cut.integrity.status, cut.completeness.status), (Status::Holds, Status::Broken), "{cut}");

    let mut reordered = whole.clone();
    reordered.trails[0].records.swap(1, 2);
    assert_eq!(case.judge(&reordered).integrity.status, Status::Broken);

    let mut nothing = whole.clone();
    (nothing.trails[0].records, nothing.trails[0].path) = (Vec::new(), None);
    assert_eq!(case.judge(&nothing).completeness.status, Status::Broken, "a whole stream");

    let mut gone = whole.clone();
    gone.trails[0].records[0].parts[0].presence = events::bundle::Presence::Missing;
    assert_eq!(case.judge(&gone).erasure.status, Status::Broken, "a part without an excuse");
}

#[test]
fn what_nobody_signed_is_not_believed() {
    let case = Case::open();
    case.publish();
    let mut evidence = case.evidence();
    let records = &mut evidence.trails[0].records;
    let mut invented = records[2].clone();
    let position = invented.record.windows(8).position(|bytes| bytes == case.given[2].to_be_bytes()).unwrap();
    invented.record[position..position + 8].copy_from_slice(&(1_u64 << 40).to_be_bytes());
    records[2] = invented;
    let size = SignedNote::text(evidence.checkpoint.as_ref().unwrap()).lines().nth(1).unwrap().parse().unwrap();
    let ledger = case.desk.app.ledger();
    let path = events::tree::inclusion(ledger.published().rows(), case.given[1], size).unwrap();
    evidence.trails[0].path = Some(path);
    let checked = case.judge(&evidence);
    assert_eq!(checked.integrity.status, Status::NotChecked, "{checked}");
    assert!(checked.to_string().contains("nobody has signed them"), "{checked}");
}

#[test]
fn no_bent_byte_is_believed() {
    let case = Case::open();
    case.publish();
    let evidence = case.evidence();
    let bytes = evidence.to_bytes().unwrap();
    for at in 0..bytes.len() {
        let mut bent = bytes.clone();
        bent[at] ^= 1 << (at % 8);
        let Ok(mut read) = Evidence::parse(&bent) else { continue };
        if !case.judge(&read).holds() {
            continue;
        }
        // The length of a sealed part is the operator's word and nobody else's.
        for (audited, was) in read.trails[0].records.iter_mut().zip(&evidence.trails[0].records) {
            for (part, was) in audited.parts.iter_mut().zip(&was.parts) {
                part.length = was.length;
            }
        }
        assert_eq!(read, evidence, "byte {at}");
    }
}

#[test]
fn an_erasure_is_named_with_its_certificate() {
    let case = Case::open();
    case.publish();
    case.desk.erase(&case.contact);
    let evidence = case.file(Auditor, &format!(r#"evidence(ids: ["{}"])"#, case.contact)).unwrap();
    let checked = case.judge(&evidence);
    assert_eq!(statuses(&checked), HOLDS, "{checked}");
    let words = checked.to_string();
    assert!(words.contains("sealed for ever by erasure_") && words.contains("(logical)"), "{words}");

    let mut uncertified = evidence.clone();
    uncertified.others.pop();
    for part in uncertified.trails[0].records.iter_mut().flat_map(|audited| &mut audited.parts) {
        part.presence = events::bundle::Presence::Swept;
    }
    assert_eq!(case.judge(&uncertified).erasure.status, Status::Broken);

    // A certificate that stands nowhere yet could be anybody's.
    let mut invented = evidence.clone();
    invented.trails = uncertified.trails;
    let certificate = invented.others.last_mut().unwrap();
    certificate.record[18..26].copy_from_slice(&(1_u64 << 40).to_be_bytes());
    certificate.path = None;
    assert_eq!(case.judge(&invented).erasure.status, Status::Broken);
}

#[test]
fn a_receipt_holds_the_log_to_its_word() {
    let case = Case::open();
    let position = case.given[0];
    let receipt = case.receipt(position).unwrap();
    let checked = case.judge(&receipt);
    let words = checked.to_string();
    assert!(words.contains(&format!("record {position} is durable")), "{words}");
    assert!(words.contains(&format!("yes, said {NAME}")), "whoever said it sees it: {words}");
    case.publish();
    let kept = case.judge(&case.receipt(position).unwrap());
    assert!(kept.to_string().contains("It kept its word"), "{kept}");
    assert_eq!(statuses(&kept), HOLDS);

    // The log breaks it: it signs for a record that is not the one that stands there.
    let ledger = case.desk.app.ledger();
    let mut promised = Receipt::parse(receipt.receipt.as_ref().unwrap()).unwrap();
    promised.hash[0] ^= 1;
    let mut broken = case.receipt(position).unwrap();
    broken.receipt = Some(promised.sign(ledger.published().signer()).unwrap());
    let convicted = case.judge(&broken);
    assert_eq!(convicted.anchoring.status, Status::Broken);
    assert!(convicted.to_string().contains("PROOF OF MISBEHAVIOUR"), "{convicted}");

    // Nobody is convicted by a root that no log has signed, nor by what was stamped late.
    let dir = tempfile::tempdir().unwrap();
    let stranger = events::note::FileSigner::at(&dir.path().join("key")).unwrap();
    let mut framed = broken.clone();
    let mut note = SignedNote::new(framed.checkpoint.as_ref().unwrap().text().to_owned()).unwrap();
    note.sign(&promised.origin, events::note::Kind::Note, 0, &stranger).unwrap();
    framed.checkpoint = Some(note);
    let words = case.judge(&framed).to_string();
    assert!(words.contains("not to be seen") && !words.contains("PROOF"), "{words}");
    let late = Stamped { at: Time(promised.by.0 + 1), by: "an authority".into() };
    let words = check(&receipt, &case.policy(""), Some(late)).to_string();
    assert!(!words.contains("PROOF") && !words.contains("NOT KEPT"), "{words}");

    // Nobody else's record, nothing that is no consent, and no receipt by somebody else.
    assert!(case.file(Integration, &format!(r#"receipt(position: "{position}")"#)).is_none());
    assert!(case.receipt(0).is_none() && case.receipt(1 << 40).is_none());
    broken.receipt = Some(promised.sign(&stranger).unwrap());
    assert!(case.judge(&broken).to_string().contains("No log of the policy has signed the receipt"));
}

#[test]
fn who_replayed_the_log_vouches_for_its_map() {
    let case = Case::open();
    case.publish();
    let ledger = case.desk.app.ledger();
    let signed = ledger.published().latest().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let auditor = events::note::FileSigner::at(&dir.path().join("key")).unwrap();
    let key = |name: &str| {
        use events::note::{Kind, Signer as _, VerifierKey};
        VerifierKey::new(name, Kind::Note, auditor.public()).unwrap()
    };
    let policy = case.policy(&format!("replay auditor {}\n", key("auditor.example")));
    let mut evidence = case.evidence();
    assert_eq!(check(&evidence, &policy, None).completeness.status, Status::Broken, "it is demanded");
    let checkpoint = &signed.checkpoint;
    let replayed = Replayed { origin: checkpoint.origin.clone(), size: checkpoint.size, root: checkpoint.root };
    let note = |replayed: &Replayed| replayed.sign("auditor.example", &auditor).unwrap();
    let of = |note: SignedNote| events::evidence::Replay { note, path: Vec::new() };
    evidence.replays = vec![of(note(&replayed))];
    let checked = check(&evidence, &policy, None);
    assert_eq!(statuses(&checked), HOLDS, "{checked}");
    assert!(checked.to_string().contains("auditor has replayed the first"), "{checked}");
    for other in [
        Replayed { size: checkpoint.size - 3, ..replayed.clone() },
        Replayed { root: [0; 32], ..replayed.clone() },
        Replayed { origin: "other.example".into(), ..replayed },
    ] {
        evidence.replays = vec![of(note(&other))];
        assert_eq!(check(&evidence, &policy, None).completeness.status, Status::Broken, "{other:?}");
    }
}

#[test]
fn confirmations_that_were_handed_in_go_along() {
    let (dir, home) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut case = Case::open();
    case.publish();
    case.desk = case.desk.confirmed_by(Replays::of(Some(dir.path().to_owned())));
    let auditor = events::note::FileSigner::at(&home.path().join("key")).unwrap();
    let ledger = case.desk.app.ledger();
    let Checkpoint { origin, size, .. } = ledger.published().latest().unwrap().checkpoint.clone();
    let root = |size| events::tree::root(ledger.published().rows(), size).unwrap();
    let hand_in = |file: &str, by: &str, origin: &str, size: u64, root: [u8; 32]| {
        let note = Replayed { origin: origin.to_owned(), size, root }.sign(by, &auditor).unwrap();
        std::fs::write(dir.path().join(file), note.to_string()).unwrap();
    };
    let sizes = |evidence: &Evidence| {
        let all = evidence.replays.iter().map(|replay| (replay.note.signatures()[0].name.clone(), replay.note.clone()));
        all.map(|(by, note)| (by, Replayed::parse(&note).unwrap().size)).collect::<Vec<_>>()
    };
    assert_eq!(sizes(&case.evidence()), [], "nobody has confirmed anything");

    hand_in("first", "auditor.example", &origin, size - 4, root(size - 4));
    assert_eq!(sizes(&case.evidence()), [("auditor.example".to_owned(), size - 4)], "without a restart");
    hand_in("second", "auditor.example", &origin, size, root(size));
    hand_in("third", "auditor.example", &origin, size - 2, root(size - 2));
    hand_in("other", "other.example", &origin, size - 1, root(size - 1));
    // None of these goes along, and none stands in the way.
    hand_in("stranger", "stranger.example", "stranger.example/log", 3, [1; 32]);
    hand_in("ahead", "ahead.example", &origin, size + 1_000, [1; 32]);
    std::fs::write(dir.path().join("noise"), "I have seen nothing.\n").unwrap();
    std::fs::create_dir(dir.path().join("folder")).unwrap();
    let evidence = case.evidence();
    assert_eq!(sizes(&evidence), [("auditor.example".to_owned(), size), ("other.example".to_owned(), size - 1)]);
    assert_eq!(case.receipt(case.given[0]).unwrap().replays, evidence.replays, "receipts have them too");
    let key = |name: &str| {
        use events::note::{Kind, Signer as _, VerifierKey};
        VerifierKey::new(name, Kind::Note, auditor.public()).unwrap()
    };
    let policy = case.policy(&format!("replay auditor {}\n", key("auditor.example")));
    let checked = check(&evidence, &policy, None);
    assert_eq!(statuses(&checked), HOLDS, "{checked}");
    assert!(checked.to_string().contains("auditor has replayed the first"), "{checked}");

    std::fs::remove_file(dir.path().join("second")).unwrap();
    assert_eq!(sizes(&case.evidence())[0].1, size - 2, "what was taken back goes along no more");
    std::fs::remove_dir_all(dir.path()).unwrap();
    assert_eq!(sizes(&case.evidence()), []);
}

#[test]
fn evidence_of_a_restored_log_says_where_it_went_on() {
    let mut case = Case::open();
    case.publish();
    let continued = |evidence: &Evidence| {
        let found = evidence.others.iter().filter_map(|other| {
            let record = Record::parse(&other.record).unwrap();
            (record.kind == "log.continued").then_some((record.position, other.path.is_some()))
        });
        found.collect::<Vec<_>>()
    };
    assert_eq!(continued(&case.evidence()), []);
    let mut from = Vec::new();
    for origin in ["muster.example/log-2", "muster.example/log-3"] {
        from.push((case.desk.app.ledger().log().head().size, true));
        case.desk = case.desk.restored(origin);
        case.publish();
        let evidence = case.evidence();
        assert_eq!(continued(&evidence), from, "{origin}");
        let checked = case.judge(&evidence);
        assert_eq!(statuses(&checked), HOLDS, "{checked}");
    }
}

#[test]
fn proofs_are_files_that_others_read() {
    let case = Case::open();
    case.publish();
    let ledger = case.desk.app.ledger();
    let signed = ledger.published().latest().unwrap();
    let data = case
        .desk
        .get(Auditor, &format!(r#"{{ inclusionProof(position: "{}") consistencyProof(old: "5") }}"#, case.given[0]));
    let proof = Inclusion::parse(data["inclusionProof"].as_str().unwrap().as_bytes()).unwrap();
    let record = ledger.log().record(case.given[0]).unwrap().unwrap().record;
    proof.holds(&record, &signed.checkpoint).unwrap();
    let grown = Consistency::parse(data["consistencyProof"].as_str().unwrap().as_bytes()).unwrap();
    let old = events::tree::root(ledger.published().rows(), 5).unwrap();
    events::tree::consistent((5, &old), (signed.checkpoint.size, &signed.checkpoint.root), &grown.path).unwrap();
    let beyond = case.desk.get(Auditor, r#"{ inclusionProof(position: "99999") consistencyProof(old: "99999") }"#);
    assert_eq!(beyond, json!({ "inclusionProof": Value::Null, "consistencyProof": Value::Null }));
}
