//! What is handed out through the schema, judged by the auditor's program, and what stays of it behind an erasure.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use domain::actor::Role::{Admin, Agent, Auditor, Dpo, Integration};
use domain::event::Stream;
use events::evidence::Evidence;
use events::log::Log as _;
use events::seal::Leaf;
use replay::check::{Checked, Status, check};
use replay::policy::Policy;
use serde_json::{Value, json};

use crate::graphql::testing::{Desk, NOW, command_id};

const NAME: &str = "Wilhelmina";
const COMPANY: &str = "Zwiebelturm";
const RECIPIENT: &str = "Xanthippe Rechtsanwälte";
const WORDS: &str = "for the suit about the roof";
const DISCLOSURE: &str = "{ id case at position by parts until digest recipient words }";
const HOLDS: [Status; 4] = [Status::Holds; 4];

/// A person with a contact, a ticket that an organization is part of, and a request to be forgotten.
struct House {
    desk: Desk,
    contact: String,
    company: String,
    ticket: String,
}

impl House {
    fn open() -> Self {
        let desk = Desk::open();
        let (contact, company) = (desk.contact(NAME), desk.organization(COMPANY));
        let opened = desk.done(&format!(
            r#"openTicket(input: {{ contactId: "{contact}", organizationId: "{company}", origin: EMAIL,
                subjectLine: "The roof", body: "It leaks" }}) {{ ticket {{ id }} errors {{ message }} }}"#
        ));
        let ticket = opened["ticket"]["id"].as_str().unwrap().to_owned();
        Self { desk, contact, company, ticket }
    }

    fn publish(&self) {
        let ledger = self.desk.app.ledger();
        ledger.publish_now().unwrap();
        ledger.end_epoch(Duration::ZERO).unwrap().unwrap();
        ledger.publish_now().unwrap();
    }

    /// What is handed out, with more than the recipient where a test says so.
    fn disclose(&self, more: &str) -> String {
        disclose(&format!(r#"contactId: "{}""#, self.contact), more)
    }

    fn handed_out(&self, more: &str) -> Handed {
        Handed::of(self.desk.tried(Dpo, &self.disclose(more)))
    }

    fn request(&self) -> String {
        let asked = self.desk.done(&format!(
            r#"requestErasure(input: {{ contactId: "{}", ground: OBJECTED, how: EMAIL, askedOn: "2026-09-20",
                identityCheck: KNOWN_POINT, identityOn: "2026-09-20" }}) {{ erasure {{ id }} errors {{ message }} }}"#,
            self.contact
        ));
        asked["erasure"]["id"].as_str().unwrap().to_owned()
    }

    fn approve(&self, erasure: &str) {
        let approved = self.desk.tried(
            Dpo,
            &format!(
                r#"approveErasure(input: {{ erasureId: "{erasure}" }}) {{ erasure {{ stage }} errors {{ message }} }}"#
            ),
        );
        assert_eq!(approved["erasure"]["stage"], "CERTIFIED", "{approved}");
    }

    fn judge(&self, evidence: &Evidence) -> Checked {
        let key = self.desk.app.ledger().published().key();
        check(evidence, &Policy::parse(format!("log {key}\nquorum none\n").as_bytes()).unwrap(), None)
    }

    fn evidence(&self, of: &str) -> Evidence {
        let answer = self.desk.get(Auditor, &format!(r#"{{ evidence(ids: ["{of}"]) {{ file }} }}"#));
        Evidence::parse(&BASE64.decode(answer["evidence"]["file"].as_str().unwrap()).unwrap()).unwrap()
    }
}

fn disclose(whose: &str, more: &str) -> String {
    format!(
        r#"discloseEvidence(input: {{ {whose}, recipient: "{RECIPIENT}", {more} }}) {{ file bytes position recordHash revision
            repeated disclosure {DISCLOSURE} errors {{ message code path }} }}"#
    )
}

/// A file that was handed out, and what was said with it.
struct Handed {
    said: Value,
    bytes: Vec<u8>,
    evidence: Evidence,
}

impl Handed {
    fn of(said: Value) -> Self {
        assert_eq!(said["errors"], json!([]), "{said}");
        let bytes = BASE64.decode(said["file"].as_str().unwrap()).unwrap();
        assert_eq!(said["bytes"], json!(bytes.len()));
        let evidence = Evidence::parse(&bytes).unwrap();
        Self { said, bytes, evidence }
    }

    fn parts(&self) -> usize {
        self.evidence.trails.iter().map(|trail| trail.openings.len()).sum()
    }

    /// Everything that is shown in the file.
    fn shown(&self) -> Vec<u8> {
        let leaves = self.evidence.trails.iter().flat_map(|trail| &trail.openings).flat_map(|opening| &opening.leaves);
        let values = leaves.filter_map(|leaf| if let Leaf::Shown { value, .. } = leaf { Some(value) } else { None });
        values.flatten().copied().collect()
    }

    fn shows(&self, text: &str) -> bool {
        contains(&self.shown(), text.as_bytes())
    }
}

fn contains(bytes: &[u8], text: &[u8]) -> bool {
    bytes.windows(text.len()).any(|window| window == text)
}

fn statuses(checked: &Checked) -> [Status; 4] {
    [&checked.integrity, &checked.completeness, &checked.anchoring, &checked.erasure].map(|verdict| verdict.status)
}

#[test]
fn the_dpo_hands_out_what_is_held_of_a_person_and_of_nobody_else() {
    let house = House::open();
    house.publish();
    let handed = house.handed_out(&format!(r#"words: "{WORDS}", until: "2026-12-31""#));
    let disclosure = &handed.said["disclosure"];
    assert_eq!(disclosure["parts"], json!(handed.parts()));
    assert_eq!(disclosure["digest"], json!(blake3::hash(&handed.bytes).to_hex().to_string()));
    assert_eq!((&disclosure["until"], &disclosure["recipient"]), (&json!("2026-12-31"), &json!(RECIPIENT)));
    assert_eq!(disclosure["words"], json!(WORDS));
    assert_eq!(disclosure["by"], json!(house.desk.viewer(Dpo).actor.to_string()));
    let streams: Vec<String> = handed.evidence.trails.iter().map(|trail| trail.stream.to_string()).collect();
    let case = disclosure["case"].as_str().unwrap();
    assert_eq!(streams, [&house.contact, &house.ticket, case], "all that hold data of the person");

    // The ticket's first record has a part of the person and one of the organization.
    assert!(handed.shows(NAME) && handed.shows("It leaks"));
    let ticket = &handed.evidence.trails[1];
    let keys = events::record::Record::parse(&ticket.records[0].record).unwrap().personal.len();
    assert_eq!((keys, ticket.openings.len()), (2, 1), "the organization's part stays closed");
    let company: domain::id::OrganizationId = house.company.parse().unwrap();
    assert!(!contains(&handed.shown(), &company.0) && !handed.shows(COMPANY));
    assert!(!contains(&handed.bytes, RECIPIENT.as_bytes()), "the file does not say who has it");

    let checked = house.judge(&handed.evidence);
    assert_eq!(checked.integrity.status, Status::Holds, "{checked}");
    let words = checked.to_string();
    assert!(words.contains(&format!("This file is a disclosure of {} sealed parts", handed.parts())), "{words}");
    assert!(words.contains(&format!("first_name: {NAME}")), "{words}");
    house.publish();
    let whole = house.judge(&house.handed_out("").evidence);
    assert_eq!(statuses(&whole), HOLDS, "{whole}");
}

#[test]
fn the_record_is_there_before_the_file() {
    let house = House::open();
    let before = house.desk.size();
    let handed = house.handed_out("");
    let position: u64 = handed.said["position"].as_str().unwrap().parse().unwrap();
    let entry = house.desk.app.ledger().log().record(position).unwrap().unwrap();
    let record = events::record::Record::parse(&entry.record).unwrap();
    assert_eq!((record.kind, position + 1), ("case.disclosed", house.desk.size()));
    assert_eq!(position, before + 1, "the case was opened for it");
    assert!(contains(record.facts, blake3::hash(&handed.bytes).as_bytes()));
    assert!(!contains(&entry.record, RECIPIENT.as_bytes()));
    let latest = handed
        .evidence
        .trails
        .iter()
        .flat_map(|trail| &trail.records)
        .map(|audited| events::record::Record::parse(&audited.record).unwrap().position);
    assert!(latest.max().unwrap() < position, "no file holds its own record");

    // Where no record can be written, nobody gets a file: a clock that went back stops all appends.
    let ask = format!("mutation {{ it: {} }}", house.disclose(""));
    house.desk.app.ledger().clock().set(NOW.plus_ms(-60_000));
    let failed = house.desk.ask(Dpo, &ask);
    assert_eq!((&failed["data"], &failed["errors"][0]["extensions"]["code"]), (&Value::Null, &json!("UNAVAILABLE")));
    house.desk.app.ledger().clock().set(NOW);
    assert!(house.desk.ask(Dpo, &ask)["data"]["it"]["file"].is_string());
}

#[test]
fn nobody_but_the_dpo_hands_anything_out() {
    let house = House::open();
    let before = house.desk.size();
    for role in [Agent, Integration, Auditor, Admin] {
        let refused = house.desk.refused(role, &house.disclose(""));
        assert_eq!(refused.0, "PERMISSION", "{role:?}");
    }
    let dry = format!(r#"{{ subject(contactId: "{}") {{ evidence {{ file }} }} }}"#, house.contact);
    for role in [Agent, Auditor] {
        assert_eq!(house.desk.ask(role, &dry)["errors"][0]["extensions"]["code"], "FORBIDDEN");
    }
    assert_eq!(house.desk.size(), before);
}

#[test]
fn what_cannot_be_handed_out_is_said_and_nothing_is_written() {
    let house = House::open();
    let desk = &house.desk;
    let stranger = desk.contact("Nobody");
    let before = desk.size();
    let refused = |whose: &str, more: &str| {
        let (code, path, words) = desk.refused(Dpo, &disclose(whose, more));
        assert!(!words.contains(RECIPIENT) && !words.contains(NAME), "{words}");
        (code, path)
    };
    let person = format!(r#"contactId: "{}""#, house.contact);
    let no = |code: &str, path: &str| (code.to_owned(), path.to_owned());
    let ids = |ids: &[&str]| format!("ids: {}", json!(ids));
    assert_eq!(refused(&person, &ids(&[&house.ticket, &stranger])), no("NOT_FOUND", "ids.1"), "nothing of this person");
    let nowhere = format!("ticket_{:032x}", 7);
    assert_eq!(refused(&person, &ids(&[&nowhere])), no("NOT_FOUND", "ids.0"));
    let disguised = house.ticket.replace("ticket", "quote");
    assert_eq!(refused(&person, &ids(&[&disguised])), no("NOT_FOUND", "ids.0"), "an id of another kind");
    assert_eq!(refused(&person, &ids(&["roof"])), no("VALIDATION", "ids.0"));
    assert_eq!(refused(&person, &ids(&[&house.ticket, &house.ticket])), no("VALIDATION", "ids.1"));
    assert_eq!(refused(&person, &ids(&vec![house.ticket.as_str(); 101])), no("VALIDATION", "ids"));
    assert_eq!(refused(&person, r#"until: "2026-09-20""#), no("VALIDATION", "until"));
    assert_eq!(refused(&person, &format!("organizationId: {:?}", house.company)), no("VALIDATION", ""));
    assert_eq!(refused(&format!("contactId: \"contact_{:032x}\"", 7), ""), no("NOT_FOUND", "contactId"));
    assert_eq!(refused(&format!("subjectId: \"subject_{:032x}\"", 7), ""), no("NOT_FOUND", "subjectId"));
    let empty = disclose(&person, "").replace(RECIPIENT, "  ");
    assert_eq!(desk.refused(Dpo, &empty).1, "recipient");
    assert_eq!(desk.size(), before, "not even a case");

    desk.erase(&house.contact);
    assert_eq!(refused(&person, ""), no("ERASED", "contactId"));
}

#[test]
fn a_single_stream_may_be_named_and_the_subject_by_its_own_id() {
    let house = House::open();
    let subject = house.desk.subject(&house.contact);
    let more = format!(r#"ids: ["{}"]"#, house.ticket);
    let handed = Handed::of(house.desk.tried(Dpo, &disclose(&format!(r#"subjectId: "{subject}""#), &more)));
    let streams: Vec<Stream> = handed.evidence.trails.iter().map(|trail| trail.stream).collect();
    assert_eq!((streams, handed.parts()), (vec![house.ticket.parse().unwrap()], 1));
    assert!(handed.shows("It leaks") && !handed.shows(NAME));
    let company = Handed::of(house.desk.tried(Dpo, &disclose(&format!(r#"organizationId: "{}""#, house.company), "")));
    assert!(company.shows(COMPANY) && !company.shows(NAME) && !company.shows("It leaks"));
}

#[test]
fn a_retry_gets_the_same_record_and_no_other_file() {
    let house = House::open();
    house.publish();
    let command = command_id();
    let more = format!(r#"commandId: "{command}", ids: ["{}"]"#, house.contact);
    let first = house.handed_out(&more);
    let size = house.desk.size();
    let again = house.handed_out(&more);
    assert_eq!(again.bytes, first.bytes, "nothing was signed since, so it is the same file");
    assert_eq!(again.said["repeated"], json!(true));
    for same in ["position", "recordHash", "revision", "disclosure"] {
        assert_eq!(again.said[same], first.said[same]);
    }
    // The log grows, and is signed: the file would be another one, and its record would not be true of it.
    house.desk.contact("Somebody");
    house.publish();
    let later = house.desk.tried(Dpo, &house.disclose(&more));
    assert_eq!((&later["file"], &later["errors"][0]["code"]), (&Value::Null, &json!("CONFLICT")), "{later}");
    assert_eq!((&later["position"], &later["disclosure"]), (&first.said["position"], &first.said["disclosure"]));
    // Nor does one command id stand for another disclosure.
    for other in [
        house.disclose(&more).replace(RECIPIENT, "Somebody else"),
        house.disclose(&format!(r#"{more}, until: "2026-12-31""#)),
        disclose(&format!(r#"organizationId: "{}""#, house.company), &format!(r#"commandId: "{command}""#)),
    ] {
        assert_eq!(house.desk.refused(Dpo, &other).0, "COMMAND_REUSED", "{other}");
    }
    let kinds = (size..house.desk.size()).map(|position| {
        let entry = house.desk.app.ledger().log().record(position).unwrap().unwrap();
        events::record::Record::parse(&entry.record).unwrap().kind.to_owned()
    });
    assert_eq!(kinds.filter(|kind| kind == "case.disclosed").count(), 0);
}

#[test]
fn an_erasure_names_the_copies_that_it_does_not_reach() {
    let house = House::open();
    let desk = &house.desk;
    let first = house.handed_out(&format!(r#"words: "{WORDS}", until: "2026-12-31""#)).said["disclosure"].clone();
    let second = house.handed_out(&format!(r#"ids: ["{}"]"#, house.ticket)).said["disclosure"].clone();
    let preview = format!(r#"{{ erasurePreview(contactId: "{}") {{ disclosures {DISCLOSURE} }} }}"#, house.contact);
    assert_eq!(desk.get(Dpo, &preview)["erasurePreview"]["disclosures"], json!([first, second]));
    let held = format!(r#"{{ subject(contactId: "{}") {{ disclosures {DISCLOSURE} }} }}"#, house.contact);
    assert_eq!(desk.get(Dpo, &held)["subject"]["disclosures"], json!([first, second]));

    let erasure = house.request();
    house.approve(&erasure);
    desk.until_swept(&erasure);
    let case = first["case"].as_str().unwrap();
    // What is kept for claims may still have to be shown; that is no copy of what was erased.
    let subject = desk.app.ledger().views().erasure(erasure.parse().unwrap()).unwrap().subject.unwrap();
    let stays = Handed::of(desk.tried(Dpo, &disclose(&format!(r#"subjectId: "{subject}""#), "")));
    assert!(!stays.shows(NAME) && stays.shows(RECIPIENT), "who got a copy is data of the person too");

    let register =
        format!("{{ erasures(first: 1) {{ nodes {{ disclosures {DISCLOSURE} certificate {{ links }} }} }} }}");
    let restarted = {
        let listed = desk.get(Dpo, &register)["erasures"]["nodes"][0].clone();
        assert_eq!(listed["disclosures"], json!([first, second]));
        let links = listed["certificate"]["links"].to_string();
        assert!(links.contains("handed out before"), "{links}");
        house.publish();
        let evidence = house.evidence(case);
        let checked = house.judge(&evidence);
        assert_eq!(statuses(&checked), HOLDS, "{checked}");
        let words = checked.to_string();
        for named in [&first, &second] {
            let (id, digest) = (named["id"].as_str().unwrap(), named["digest"].as_str().unwrap());
            assert!(words.contains(id) && words.contains(digest), "{words}");
        }
        assert!(
            words.contains("to be gone by 2026-12-31") && words.contains("No erasure reaches that copy"),
            "{words}"
        );
        assert!(!words.contains(RECIPIENT));
        house.desk.restart()
    };
    assert_eq!(restarted.get(Dpo, &register)["erasures"]["nodes"][0]["disclosures"], json!([first, second]));
    let auditor = restarted.get(
        Auditor,
        &format!(r#"{{ history(id: "{case}") {{ nodes {{ kind facts {{ name value }} changes {{ after }} }} }} }}"#),
    );
    let told = auditor["history"]["nodes"][1].clone();
    assert_eq!((&told["kind"], &told["facts"][0]["value"]), (&json!("disclosed"), &first["id"]));
    assert!(!auditor.to_string().contains(RECIPIENT));
}

#[test]
fn who_goes_along_with_an_organization_takes_their_copies_along() {
    let desk = Desk::open();
    let company = desk.organization(COMPANY);
    let registered = desk.done(&format!(
        r#"registerContact(input: {{ source: PHONE, reason: CONTRACT, firstName: "{NAME}", organizationId: "{company}" }})
           {{ contact {{ id }} errors {{ message }} }}"#
    ));
    let worker = registered["contact"]["id"].as_str().unwrap();
    let hand_out = |whose: String| Handed::of(desk.tried(Dpo, &disclose(&whose, ""))).said["disclosure"].clone();
    let of_worker = hand_out(format!(r#"contactId: "{worker}""#));
    let of_company = hand_out(format!(r#"organizationId: "{company}""#));
    let stranger = desk.contact("Nobody");
    hand_out(format!(r#"contactId: "{stranger}""#));
    let whose = format!(r#"organizationId: "{company}", people: ["{worker}"]"#);
    let preview = desk.get(Dpo, &format!("{{ erasurePreview({whose}) {{ disclosures {DISCLOSURE} }} }}"));
    assert_eq!(preview["erasurePreview"]["disclosures"], json!([of_company, of_worker]));
    let asked = desk.done(&format!(
        r#"requestErasure(input: {{ {whose}, ground: OBJECTED, how: EMAIL, askedOn: "2026-09-20",
            identityCheck: KNOWN_POINT, identityOn: "2026-09-20" }})
           {{ erasure {{ id disclosures {DISCLOSURE} }} errors {{ message }} }}"#
    ));
    assert_eq!(asked["erasure"]["disclosures"], json!([of_worker, of_company]), "oldest first");
    let approved = desk.tried(
        Dpo,
        &format!(
            r#"approveErasure(input: {{ erasureId: {} }}) {{ erasure {{ disclosures {DISCLOSURE} certificate {{ links }} }}
               errors {{ message }} }}"#,
            asked["erasure"]["id"]
        ),
    );
    assert_eq!(approved["erasure"]["disclosures"], json!([of_worker, of_company]));
    assert!(approved["erasure"]["certificate"]["links"].to_string().contains("handed out before"));
}

#[test]
fn a_certificate_says_nothing_of_copies_where_there_are_none() {
    let house = House::open();
    Handed::of(house.desk.tried(Dpo, &disclose(&format!(r#"organizationId: "{}""#, house.company), "")));
    let erasure = house.request();
    house.approve(&erasure);
    let read = format!(r#"{{ erasure(id: "{erasure}") {{ disclosures {{ id }} certificate {{ links }} }} }}"#);
    let read = house.desk.get(Dpo, &read)["erasure"].clone();
    assert_eq!(read["disclosures"], json!([]));
    assert!(!read["certificate"]["links"].to_string().contains("handed out"), "{read}");
}

#[test]
fn a_bent_opening_was_never_sealed() {
    let house = House::open();
    house.publish();
    let handed = house.handed_out("");
    for trail in 0..handed.evidence.trails.len() {
        let mut bent = handed.evidence.clone();
        let Some(Leaf::Shown { value, .. }) = bent.trails[trail].openings[0].leaves.last_mut() else {
            // A case's first part has no field: its subject is bent.
            continue;
        };
        value[0] ^= 1;
        let checked = house.judge(&bent);
        assert_eq!(checked.integrity.status, Status::Broken, "{checked}");
        assert!(checked.to_string().contains("was never sealed"), "{checked}");
    }
}

#[test]
fn evidence_of_a_whole_person_opens_nothing() {
    let house = House::open();
    house.publish();
    let query = format!(r#"{{ subject(contactId: "{}") {{ evidence {{ file bytes }} }} }}"#, house.contact);
    let answer = house.desk.get(Dpo, &query);
    let bytes = BASE64.decode(answer["subject"]["evidence"]["file"].as_str().unwrap()).unwrap();
    let evidence = Evidence::parse(&bytes).unwrap();
    let streams: Vec<String> = evidence.trails.iter().map(|trail| trail.stream.to_string()).collect();
    assert_eq!(streams, [house.contact.clone(), house.ticket.clone()]);
    assert!(evidence.trails.iter().all(|trail| trail.openings.is_empty()));
    let checked = house.judge(&evidence);
    assert_eq!(statuses(&checked), HOLDS, "{checked}");
    assert!(!contains(&bytes, NAME.as_bytes()) && !checked.to_string().contains("is a disclosure"));
}

/// More streams than anybody may name, each with its proofs, in one file.
#[test]
fn a_person_with_many_streams_fits_one_file() {
    let house = House::open();
    for number in 0..120 {
        house.desk.done(&format!(
            r#"openTicket(input: {{ contactId: "{}", origin: EMAIL, subjectLine: "Roof {number}", body: "It leaks" }})
               {{ errors {{ message }} }}"#,
            house.contact
        ));
    }
    house.handed_out("");
    house.publish();
    let handed = house.handed_out("");
    assert_eq!(handed.evidence.trails.len(), 123);
    let checked = house.judge(&handed.evidence);
    assert_eq!(statuses(&checked), HOLDS, "{checked}");
}

#[test]
fn who_gets_a_copy_stands_in_no_file() {
    let house = House::open();
    let handed = house.handed_out(&format!(r#"words: "{WORDS}""#));
    assert!(handed.said["disclosure"]["recipient"].is_string());
    let erasure = house.request();
    house.approve(&erasure);
    let planted = [RECIPIENT, WORDS, NAME, "Xanthippe"];
    let found = || {
        let files = house.desk.files();
        assert!(files.len() > 8, "there is little to search");
        let stands = |text: &&str| files.iter().any(|(_, bytes)| forms(text).iter().any(|form| contains(bytes, form)));
        planted.into_iter().filter(stands).collect::<Vec<&str>>()
    };
    assert_eq!(found(), [""; 0]);
    std::fs::write(house.desk.path().join("control"), RECIPIENT.to_owned() + WORDS).unwrap();
    assert_eq!(found(), [RECIPIENT, WORDS, "Xanthippe"], "what stands there is found");
}

/// A text as it may stand in a file.
fn forms(text: &str) -> [Vec<u8>; 4] {
    let hex: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
    let utf16 = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    [text.into(), utf16, hex.into(), BASE64.encode(text).into()]
}
