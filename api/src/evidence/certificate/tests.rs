//! Certificates taken through the schema and judged by the auditor's program.

use domain::actor::Role::{Agent, Dpo};
use replay::certificate::{CertificateFile, judge};
use replay::check::{Checked, Status};
use replay::policy::Policy;
use serde_json::json;

use crate::graphql::testing::Desk;

const NAME: &str = "Wilhelmina";

fn erased(desk: &Desk) -> String {
    let contact = desk.contact(NAME);
    let asked = desk.done(&format!(
        "requestErasure(input: {{ contactId: \"{contact}\" ground: CONSENT_WITHDRAWN how: LETTER askedOn: \"2026-09-20\"
            identityCheck: KNOWN_POINT identityOn: \"2026-09-21\" words: \"forget {NAME}\" }})
            {{ erasure {{ id certificateFile }} errors {{ message code path }} }}"
    ));
    assert_eq!(asked["erasure"]["certificateFile"], json!(null), "there is none before it is certified");
    let erasure = asked["erasure"]["id"].as_str().unwrap().to_owned();
    let approve = format!("approveErasure(input: {{ erasureId: \"{erasure}\" }}) {{ errors {{ message code path }} }}");
    assert_eq!(desk.tried(Dpo, &approve)["errors"], json!([]));
    erasure
}

fn file(desk: &Desk, erasure: &str, language: &str) -> String {
    let query = format!("{{ erasure(id: \"{erasure}\") {{ certificateFile(language: {language}) }} }}");
    desk.get(Agent, &query)["erasure"]["certificateFile"].as_str().unwrap().to_owned()
}

fn policy(desk: &Desk) -> Policy {
    Policy::parse(format!("log {}\nquorum none\n", desk.app.ledger().published().key()).as_bytes()).unwrap()
}

fn judged(desk: &Desk, text: &str) -> Checked {
    judge(&CertificateFile::parse(text.as_bytes()).unwrap(), &policy(desk), None, None)
}

#[test]
fn a_certificate_is_read_by_people_and_held_against_its_records() {
    let desk = Desk::open();
    let erasure = erased(&desk);
    for (language, says) in [
        (
            "EN",
            ["LOGICAL erasure", "PROVISIONAL", "demonstration", "the consent it rested on was withdrawn", "by letter"],
        ),
        ("DE", ["LOGISCHE Löschung", "VORLÄUFIGE", "Vorführung", "die Einwilligung wurde widerrufen", "per Brief"]),
    ] {
        let text = file(&desk, &erasure, language);
        for say in says.iter().chain(&[erasure.as_str(), "Muster GmbH", "relationship", "claims"]) {
            assert!(text.contains(say), "{say}: {text}");
        }
        assert!(!text.contains(NAME));
        let checked = judged(&desk, &text);
        assert!(checked.holds(), "{checked}");
        let words = checked.to_string();
        for say in ["certificate: HOLDS", "a logical erasure, and no more", "has signed it", "It is provisional: "] {
            assert!(words.contains(say), "{say}: {words}");
        }
    }
}

/// No record with a sealed part is in the file: it would name a key that lives.
#[test]
fn no_key_that_lives_is_named() {
    let desk = Desk::open();
    let erasure = erased(&desk);
    let text = file(&desk, &erasure, "EN");
    let file = CertificateFile::parse(text.as_bytes()).unwrap();
    let records = file.evidence.others.iter().map(|placed| events::record::Record::parse(&placed.record).unwrap());
    let records: Vec<_> = records.collect();
    assert!(records.iter().all(|record| record.personal.is_empty()));
    let kinds: Vec<_> = records.iter().map(|record| record.kind).collect();
    let first = ["log.opened", "case.erasure-approved", "case.destruction-ordered", "case.certified"];
    assert!(kinds.starts_with(&first), "{kinds:?}");
    assert!(file.evidence.trails.is_empty());
}

/// Every line that is changed, left out or added is found: by the signature, and by the records where they speak of it.
#[test]
fn what_is_bent_is_found() {
    let desk = Desk::open();
    let erasure = erased(&desk);
    let text = file(&desk, &erasure, "EN");
    for (was, is) in [
        ("LOGICAL erasure: the keys were destroyed in files", "erasure: the keys were destroyed in hardware"),
        ("PROVISIONAL", "FINAL"),
        ("Destruction of 1 keys", "Destruction of 9 keys"),
        ("by letter", "by mail"),
        ("epoch 0 to epoch 1", "epoch 0 to epoch 2"),
    ] {
        assert!(text.contains(was), "{was}: {text}");
        let checked = judged(&desk, &text.replace(was, is));
        assert!(!checked.holds(), "{is}: {checked}");
        assert_eq!(checked.certificate.as_ref().unwrap().status, Status::Broken, "{is}: {checked}");
    }
    // Without the signature: what the records say is still found, and the log's word is nobody's.
    let (before, behind) = text.split_once("\n— ").unwrap();
    let unsigned = format!("{before}{}", behind.split_once('\n').unwrap().1);
    let checked = judged(&desk, &unsigned);
    assert_eq!(checked.certificate.as_ref().unwrap().status, Status::NotChecked, "{checked}");
    assert!(!checked.holds());
    let checked = judged(&desk, &unsigned.replace("PROVISIONAL", "FINAL"));
    assert_eq!(checked.certificate.unwrap().status, Status::Broken);
    // Nothing else is read as one.
    for other in [text.replace("-----END", "----END"), format!("{text}x"), text.replacen("en\n", "fr\n", 1)] {
        assert!(CertificateFile::parse(other.as_bytes()).is_err());
    }
    let stranger = Policy::parse(b"quorum none\n").unwrap();
    let checked = judge(&CertificateFile::parse(text.as_bytes()).unwrap(), &stranger, None, None);
    assert!(!checked.holds(), "{checked}");
}

/// A redaction is ordered and certified by the same records, and nobody approves it by that of an erasure.
#[test]
fn what_nobody_approved_is_no_erasure() {
    let desk = Desk::open();
    let erasure = erased(&desk);
    let mut file = CertificateFile::parse(file(&desk, &erasure, "EN").as_bytes()).unwrap();
    let is_approval = |record: &[u8]| events::record::Record::parse(record).unwrap().kind == "case.erasure-approved";
    file.evidence.others.retain(|placed| !is_approval(&placed.record));
    let text = file.note.text().lines().filter(|line| !line.starts_with("  Approved: "));
    let text: String = text.map(|line| format!("{line}\n")).collect();
    assert_ne!(text, file.note.text());
    file.note = events::note::SignedNote::new(text).unwrap();
    let checked = judge(&file, &policy(&desk), None, None);
    assert_eq!(checked.certificate.as_ref().unwrap().status, Status::Broken, "{checked}");
    assert!(checked.to_string().contains("It is of no erasure"), "{checked}");
}

#[test]
fn the_certificate_of_somebody_else_is_not_made_of_these_records() {
    let desk = Desk::open();
    let (one, two) = (erased(&desk), erased(&desk));
    let (one, two) = (file(&desk, &one, "EN"), file(&desk, &two, "EN"));
    let marks = "-----BEGIN";
    let swapped = one.split_once(marks).unwrap().0.to_owned() + marks + two.split_once(marks).unwrap().1;
    let checked = judged(&desk, &swapped);
    assert_eq!(checked.certificate.as_ref().unwrap().status, Status::Broken, "{checked}");
}
