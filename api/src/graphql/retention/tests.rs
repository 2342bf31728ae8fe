//! What is over, as a DPO sees it and a second one confirms it.

use domain::actor::Role;
use domain::id::{ActorId, ErasureId, SubjectId};
use domain::subject::{Confirmed, Stage};
use domain::time::{Day, Time};
use events::ledger::Run;
use events::note::{FileSigner, Kind, Signature, VerifierKey};
use replay::certificate::{CertificateFile, judge};
use replay::policy::Policy;
use serde_json::{Value, json};

use crate::graphql::testing::Desk;

const REPORT: &str = "{ retention { count due { nodes { key subjectId compartment basis until hold
    erasure { id stage ground over { compartment basis until } } } } overdue { nodes { key } } } }";

const FENCED: &str = "withheld: the register says that its time is over";
const ERASED: &str = "erased (logical: the key was destroyed in a file, anchor level A0)";

fn at(text: &str) -> Time {
    text.parse::<Day>().unwrap().start()
}

/// Support dies two years after its own, and somebody asked something this year.
fn begin() -> (Desk, String, String) {
    let desk = Desk::open();
    let set = desk.tried(
        Role::Dpo,
        r#"setRetention(input: { compartment: SUPPORT, rule: { atMost: { basis: "answered long ago", months: 24,
            countedFrom: END_OF_YEAR } } }) { retention { kept { months } atMost { basis months } } errors { message } }"#,
    );
    let retention = json!({ "kept": null, "atMost": { "basis": "answered long ago", "months": 24 } });
    assert_eq!((&set["errors"], &set["retention"]), (&json!([]), &retention));
    let maria = desk.contact("Maria");
    let ticket = ask(&desk, &maria);
    (desk, maria, ticket)
}

fn ask(desk: &Desk, contact: &str) -> String {
    let opened = desk.done(&format!(
        r#"openTicket(input: {{ contactId: "{contact}", origin: EMAIL, subjectLine: "Printer", body: "It burns" }})
           {{ ticket {{ id }} errors {{ message }} }}"#
    ));
    opened["ticket"]["id"].as_str().unwrap().to_owned()
}

fn ticket(desk: &Desk, id: &str) -> Value {
    let query = format!("{{ ticket(id: \"{id}\") {{ subjectLine erasure {{ reason }} contact {{ firstName }} }} }}");
    desk.get(Role::Agent, &query)["ticket"].clone()
}

fn name(desk: &Desk, contact: &str) -> Value {
    desk.get(Role::Agent, &format!("{{ contact(id: \"{contact}\") {{ firstName }} }}"))["contact"]["firstName"].clone()
}

fn run(desk: &Desk, by: Option<ActorId>) -> Run {
    desk.app.run_retention(by, &mut |_, _| ()).unwrap()
}

fn confirm(ids: &[ErasureId]) -> String {
    let ids: Vec<String> = ids.iter().map(|id| format!("\"{id}\"")).collect();
    format!(
        "confirmRetention(input: {{ erasureIds: [{}] }}) {{ confirmed {{ stage over {{ until }} approvedBy
            confirmed {{ by name }} certificate {{ words }} }} errors {{ message code path }} }}",
        ids.join(" ")
    )
}

#[test]
fn nothing_to_confirm_is_no_confirmation() {
    let desk = Desk::open();
    let nothing = "confirmRetention(input: { erasureIds: [] }) { errors { message code path } }";
    let (code, path, _) = desk.refused(Role::Dpo, nothing);
    assert_eq!((code.as_str(), path.as_str()), ("VALIDATION", "erasureIds"));
}

#[test]
fn a_year_of_support_is_over_and_a_second_dpo_lets_it_die_while_the_name_still_reads() {
    let (desk, maria, old) = begin();
    desk.app.ledger().clock().set(at("2027-03-01"));
    let new = ask(&desk, &maria);
    desk.app.ledger().clock().set(at("2029-01-01"));
    let first = desk.get(Role::Dpo, REPORT)["retention"].clone();
    assert_eq!((&first["count"], &first["overdue"]["nodes"]), (&json!(1), &json!([])));
    let due = first["due"]["nodes"][0].clone();
    assert_eq!((&due["compartment"], &due["until"]), (&json!("support(2026)"), &json!("2028-12-31")));
    assert_eq!(due["subjectId"], desk.subject(&maria).to_string());
    assert_eq!((&due["basis"], &due["erasure"]), (&json!("answered long ago"), &json!(null)));
    assert!(!first.to_string().contains("Maria"), "it names nobody: {first}");
    desk.app.ledger().clock().set(at("2029-02-01"));
    assert_eq!(desk.get(Role::Dpo, REPORT)["retention"]["overdue"]["nodes"].as_array().unwrap().len(), 1);

    let officer = desk.viewer(Role::Dpo).actor;
    assert_eq!(run(&desk, Some(officer)).fenced, 1);
    assert_eq!(ticket(&desk, &old)["subjectLine"], Value::Null);
    assert_eq!(ticket(&desk, &old)["erasure"]["reason"], FENCED);
    let waiting = desk.app.retention_waiting();
    let own = desk.refused(Role::Dpo, &confirm(&waiting));
    assert_eq!((own.0.as_str(), own.1.as_str()), ("PERMISSION", "erasureIds.0"), "four eyes: {}", own.2);
    let order =
        format!("orderDestruction(input: {{ erasureId: \"{}\" }}) {{ errors {{ message code path }} }}", waiting[0]);
    assert_eq!(desk.refused(Role::Dpo, &order).0, "CONFLICT", "nobody confirmed it");
    assert_eq!(desk.app.destroy_due().unwrap(), 0);

    let other = desk.hire(Role::Dpo, "Second");
    let settled = desk.app.confirm_retention(other, &waiting, &Confirmed::Person, None, &mut |_, _| ()).unwrap();
    assert_eq!((settled.destroyed, settled.refused.len()), (1, 0));
    assert_eq!(ticket(&desk, &old)["erasure"]["reason"], ERASED);
    assert_eq!((&ticket(&desk, &new)["subjectLine"], name(&desk, &maria)), (&json!("Printer"), json!("Maria")));
    assert_eq!(desk.get(Role::Dpo, REPORT)["retention"]["count"], 0);
    let query = format!("{{ erasure(id: \"{}\") {{ ground stage approvedBy over {{ basis until }} }} }}", waiting[0]);
    let shown = desk.get(Role::Dpo, &query)["erasure"].clone();
    let over = json!([{ "basis": "answered long ago", "until": "2028-12-31" }]);
    let (ground, stage) = ("RETENTION_OVER", "CERTIFIED");
    assert_eq!(shown, json!({ "ground": ground, "stage": stage, "approvedBy": other.to_string(), "over": over }));

    let desk = desk.restart();
    assert_eq!(ticket(&desk, &old)["erasure"]["reason"], ERASED);
    assert_eq!((&ticket(&desk, &new)["subjectLine"], name(&desk, &maria)), (&json!("Printer"), json!("Maria")));
}

#[test]
fn what_the_server_fenced_is_confirmed_by_one_dpo_and_given_back_by_one() {
    let (mut desk, maria, old) = begin();
    let other = desk.contact("Anna");
    ask(&desk, &other);
    desk.app.ledger().clock().set(at("2029-01-01"));
    assert_eq!(run(&desk, None).fenced, 2);
    let waiting = desk.app.retention_waiting();
    let hers = waiting.iter().find(|id| {
        let subject: Option<SubjectId> = desk.app.ledger().views().erasure(**id).unwrap().subject;
        subject == Some(desk.subject(&maria))
    });
    let withdraw = format!(
        "withdrawErasureRequest(input: {{ erasureId: \"{}\" }}) {{ erasure {{ stage }} errors {{ message code path }} }}",
        hers.unwrap()
    );
    assert_eq!(desk.refused(Role::Agent, &withdraw).0, "PERMISSION");
    let given_back = desk.tried(Role::Dpo, &withdraw);
    assert_eq!((&given_back["errors"], &given_back["erasure"]["stage"]), (&json!([]), &json!("WITHDRAWN")));
    assert_eq!(ticket(&desk, &old)["subjectLine"], "Printer");

    let rest = desk.app.retention_waiting();
    let unknown: ErasureId = ErasureId([9; 16]);
    let ruler = desk.refused(Role::Dpo, &confirm(&rest));
    assert!(ruler.0 == "PERMISSION" && ruler.2.contains("said yourself how long"), "{ruler:?}");
    desk.relieve(Role::Dpo);
    let payload = desk.tried(Role::Dpo, &confirm(&[rest[0], unknown]));
    assert_eq!(payload["confirmed"][0]["stage"], "CERTIFIED", "{payload}");
    assert_eq!(payload["confirmed"][0]["confirmed"], json!({ "by": "PERSON", "name": null }));
    assert_eq!((&payload["errors"][0]["code"], &payload["errors"][0]["path"][1]), (&json!("NOT_FOUND"), &json!("1")));
    assert_eq!(desk.app.ledger().views().erasure(rest[0]).unwrap().facts.stage, Stage::Certified);
    let again = desk.tried(Role::Dpo, &confirm(&rest));
    assert_eq!((&again["errors"], &again["confirmed"][0]["stage"]), (&json!([]), &json!("CERTIFIED")), "{again}");
    lives_on(&desk, rest[0]);
}

/// The certificate of a retention does not say that nothing else is kept.
fn lives_on(desk: &Desk, retention: ErasureId) {
    let query = format!(
        "{{ erasure(id: \"{retention}\") {{ certificateFile german: certificateFile(language: DE)
            certificate {{ survives {{ compartment }} }} }} }}"
    );
    let shown = desk.get(Role::Dpo, &query)["erasure"].clone();
    assert_eq!(shown["certificate"]["survives"], json!(null));
    for (file, says, never) in [
        ("certificateFile", "everything else of this person", "Nothing.\n"),
        ("german", "alles andere dieser", "Nichts.\n"),
    ] {
        let text = shown[file].as_str().unwrap();
        assert!(text.contains(says) && !text.contains(never) && text.contains("support(2026)"), "{text}");
        let policy = format!("log {}\nquorum none\n", desk.app.ledger().published().key());
        let file = CertificateFile::parse(text.as_bytes()).unwrap();
        let checked = judge(&file, &Policy::parse(policy.as_bytes()).unwrap(), None, None);
        assert!(checked.holds(), "{checked}");
    }
}

/// A witness that is trusted here, and what it says at a time of the last checkpoint.
fn cosign(desk: &Desk, signer: &FileSigner, at: Time) {
    cosign_by(desk, &[("w1", signer, at)]);
}

fn cosign_by(desk: &Desk, witnesses: &[(&str, &FileSigner, Time)]) {
    let published = desk.app.ledger().published();
    let signed = desk.app.ledger().publish_now().unwrap();
    let cosignature = |(name, signer, at): &(&str, &FileSigner, Time)| -> Signature {
        let mut note = signed.note.clone();
        note.sign(&format!("witness.example/{name}"), Kind::Cosignature, at.0.unsigned_abs() / 1_000, *signer).unwrap();
        note.signatures().last().unwrap().clone()
    };
    published.cosign(&signed, witnesses.iter().map(cosignature).collect());
}

#[test]
fn a_witness_whose_clock_agrees_lets_it_die_and_a_stale_one_does_not() {
    let (mut desk, maria, old) = begin();
    let home = tempfile::tempdir().unwrap();
    let signer = FileSigner::at(&home.path().join("key")).unwrap();
    let now = at("2029-01-01").plus_ms(3_600_000);
    desk.app.ledger().clock().set(now);
    assert_eq!(run(&desk, None).fenced, 1);
    cosign(&desk, &signer, now);
    assert_eq!(desk.app.confirm_by_time().unwrap(), 0, "it is nobody we trust");

    let key = VerifierKey::new("witness.example/w1", Kind::Cosignature, signer_key(&signer)).unwrap();
    desk.app = desk.app.clone().witnessed_by(vec![key.clone()]);
    for wrong in [now.plus_ms(-Time::DAY_MS), now.plus_ms(Time::DAY_MS), at("2028-12-31").plus_ms(86_399_000)] {
        cosign(&desk, &signer, wrong);
        assert_eq!(desk.app.confirm_by_time().unwrap(), 0, "{wrong}");
    }
    assert_eq!(ticket(&desk, &old)["erasure"]["reason"], FENCED);
    // Of two witnesses one says that it is the year before: one wrong clock, or one stolen key, is not enough beside ours.
    let second = FileSigner::at(&home.path().join("second")).unwrap();
    let trusted = VerifierKey::new("witness.example/w2", Kind::Cosignature, signer_key(&second)).unwrap();
    desk.app = desk.app.clone().witnessed_by(vec![key.clone(), trusted]);
    cosign_by(&desk, &[("w1", &signer, now), ("w2", &second, now.plus_ms(-3_700_000))]);
    assert_eq!(desk.app.confirm_by_time().unwrap(), 0);
    desk.app = desk.app.clone().witnessed_by(vec![key]);
    cosign(&desk, &signer, now.plus_ms(-60_000));
    assert_eq!(desk.app.confirm_by_time().unwrap(), 1);
    assert_eq!(ticket(&desk, &old)["erasure"]["reason"], ERASED);
    assert_eq!(name(&desk, &maria), json!("Maria"));
    let shown = desk.get(Role::Dpo, "{ erasures(first: 5) { nodes { stage confirmed { by name } } } }");
    let confirmed = json!({ "by": "WITNESS", "name": "witness.example/w1" });
    assert_eq!(shown["erasures"]["nodes"], json!([{ "stage": "CERTIFIED", "confirmed": confirmed }]));
}

fn signer_key(signer: &FileSigner) -> [u8; 32] {
    use events::note::Signer as _;
    signer.public()
}
