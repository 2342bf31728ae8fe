//! The link of who came back: made with the code, read while it lives, gone with the claims.

use domain::actor::Role;
use domain::id::CaseId;
use domain::subject::{Asked, AskedHow, Case, ClaimMark, Command, Ground, IdentityCheck, Request, SubjectKind};
use events::claim::ClaimCode;
use events::ledger::Fresh;
use serde_json::{Value, json};

use crate::app::Envelope;
use crate::graphql::testing::{Desk, NOW, command_id};

const REST: &str = "repeated position errors { message code path }";

/// Asks that somebody be forgotten and has it done: the erasure, its case, the code.
fn erased(desk: &Desk, contact: &str) -> (String, String, String) {
    let asked = desk.done(&format!(
        "requestErasure(input: {{ contactId: \"{contact}\" ground: OBJECTED how: LETTER askedOn: \"2026-09-20\"
            identityCheck: KNOWN_POINT identityOn: \"2026-09-20\" }}) {{ erasure {{ id case claimSlip {{ code }} }} {REST} }}"
    ));
    let [erasure, case] = ["id", "case"].map(|field| asked["erasure"][field].as_str().unwrap().to_owned());
    let code = asked["erasure"]["claimSlip"]["code"].as_str().unwrap_or_default().to_owned();
    let approve = format!("approveErasure(input: {{ erasureId: \"{erasure}\" }}) {{ erasure {{ stage }} {REST} }}");
    assert_eq!(desk.tried(Role::Dpo, &approve)["erasure"]["stage"], "CERTIFIED");
    (erasure, case, code)
}

fn link(contact: &str, code: &str, command: &str) -> String {
    format!(
        "linkReturn(input: {{ contactId: \"{contact}\" code: \"{code}\" reason: \"Back again\" commandId: \"{command}\" }})
            {{ returned {{ certificate reason }} {REST} }}"
    )
}

fn returns(desk: &Desk, contact: &str) -> Value {
    let query = format!(
        "{{ subject(contactId: \"{contact}\") {{ returns {{ certificate reason }} compartments {{ things {{ values {{ name value }} }} }} }} }}"
    );
    desk.get(Role::Dpo, &query)["subject"].clone()
}

fn history(desk: &Desk, case: &str) -> Value {
    let query = format!(
        "{{ history(id: \"{case}\", first: 100) {{ nodes {{ kind facts {{ name value }} changes {{ field after }} erasure {{ erasure }} }} }} }}"
    );
    let nodes = desk.get(Role::Dpo, &query)["history"]["nodes"].clone();
    let nodes = nodes.as_array().unwrap();
    nodes.iter().find(|node| node["kind"] == "returned").unwrap().clone()
}

#[test]
fn the_link_lives_as_long_as_the_new_claims() {
    let desk = Desk::open();
    let (number, _, code) = erased(&desk, &desk.contact("Zenobia"));
    let new = desk.contact("Zenobia");
    let command = command_id();
    let linked = desk.done(&link(&new, &code, &command));
    assert_eq!(linked["returned"], json!({ "certificate": number, "reason": "Back again" }));
    let size = desk.size();
    let again = desk.done(&link(&new, &code, &command));
    assert_eq!((&again["repeated"], &again["position"], desk.size()), (&json!(true), &linked["position"], size));
    assert_eq!(desk.refused(Role::Dpo, &link(&new, &code, &command_id())).0, "CONFLICT", "it is linked already");

    let desk = desk.restart();
    let held = returns(&desk, &new);
    assert_eq!(held["returns"], json!([{ "certificate": number, "reason": "Back again" }]));
    assert!(held["compartments"].to_string().contains(&format!("RETURNED {number}")), "{held}");

    let dies = "setRetention(input: { compartment: CLAIMS rule: { dies: true } }) { retention { compartment } errors { code } }";
    assert_eq!(desk.tried(Role::Dpo, dies)["errors"], json!([]));
    let (next, case, _) = erased(&desk, &new);
    assert_eq!(returns(&desk, &new), json!(null));
    let back = history(&desk, &case);
    assert_eq!((&back["changes"], &back["facts"]), (&json!(null), &json!([])));
    assert_eq!(back["erasure"]["erasure"], json!(next), "{back}");
    assert_eq!(desk.app.ledger().views().case(case.parse().unwrap()).unwrap().returns, [], "the drawer is empty");
    let desk = desk.restart();
    assert_eq!(history(&desk, &case)["changes"], json!(null));
    assert_eq!(desk.refused(Role::Dpo, &link(&new, &code, &command_id())).0, "ERASED");
    // A third time around it can be linked to both.
    let third = desk.contact("Zenobia");
    assert_eq!(desk.done(&link(&third, &code, &command_id()))["returned"]["certificate"], json!(number));
    let plain = code.replace('-', "");
    for (name, bytes) in desk.files() {
        let holds = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
        assert!(!holds(&code) && !holds(&plain), "{name} holds the code");
    }
    assert_eq!(desk.app.now(), NOW);
}

#[test]
fn nobody_gets_a_code_where_nobody_asked() {
    let desk = Desk::open();
    let maria = desk.contact("Maria");
    let asked = desk.done(&format!(
        "requestErasure(input: {{ contactId: \"{maria}\" ground: NO_LONGER_NECESSARY how: OWN_REVIEW askedOn: \"2026-09-20\"
            identityCheck: NOT_NEEDED identityOn: \"2026-09-20\" }}) {{ erasure {{ hasClaimCode claimSlip {{ code }} }} {REST} }}"
    ));
    assert_eq!(asked["erasure"], json!({ "hasClaimCode": false, "claimSlip": null }));
}

/// A ticket in the name of a person and of their company: the person's code shows the record that they had a part in, and
/// nothing of the company's.
#[test]
fn a_stream_of_two_is_shown_record_by_record() {
    let desk = Desk::open();
    let (maria, company) = (desk.contact("Maria"), desk.organization("Muster"));
    let opened = desk.done(&format!(
        "openTicket(input: {{ contactId: \"{maria}\" organizationId: \"{company}\" origin: EMAIL subjectLine: \"Qline\" body: \"Qbody\" }})
            {{ ticket {{ id }} errors {{ message code path }} }}"
    ));
    let ticket = opened["ticket"]["id"].as_str().unwrap();
    let agent = desk.viewer(Role::Agent).actor;
    desk.done(&format!(
        "assignTicket(input: {{ ticketId: \"{ticket}\" ownerId: \"{agent}\" }}) {{ errors {{ message code path }} }}"
    ));
    let (_, _, code) = erased(&desk, &maria);
    let query = format!(
        "{{ erasureByClaim(code: \"{code}\") {{ errors {{ code }} proof {{ records trail {{ kind sealed gone }} evidence {{ bytes }} }} }} }}"
    );
    let shown = desk.get(Role::Integration, &query)["erasureByClaim"].clone();
    let trail = shown["proof"]["trail"].as_array().unwrap();
    let ticket = trail.iter().find(|record| record["kind"] == "ticket.opened").unwrap();
    assert_eq!(ticket, &json!({ "kind": "ticket.opened", "sealed": 2, "gone": 1 }), "{trail:?}");
    let others = ["organization.registered", "ticket.assigned"];
    assert!(!trail.iter().any(|record| others.contains(&record["kind"].as_str().unwrap())), "{trail:?}");
    assert!(trail.iter().any(|record| record["kind"] == "contact.registered"), "{trail:?}");
}

/// Marks stand in the log for everybody to read. Whoever copies one gets nobody's erasure by it, not even past the edge.
#[test]
fn a_mark_that_was_copied_leads_to_the_first() {
    let desk = Desk::open();
    let (number, _, code) = erased(&desk, &desk.contact("Maria"));
    let other = desk.done(&format!(
        "requestErasure(input: {{ contactId: \"{}\" ground: OBJECTED how: LETTER askedOn: \"2026-09-20\"
            identityCheck: KNOWN_POINT identityOn: \"2026-09-20\" }}) {{ erasure {{ id case }} {REST} }}",
        desk.contact("Anna")
    ));
    let [erasure, case] = ["id", "case"].map(|field| other["erasure"][field].as_str().unwrap().to_owned());
    let mark = ClaimCode::parse(&code).unwrap().mark();
    let copied = Command::MarkClaim { erasure: erasure.parse().unwrap(), mark };
    desk.submit::<Case>(case.parse::<CaseId>().unwrap().0, desk.viewer(Role::Agent).actor, copied);
    let found = || desk.app.ledger().views().erasure_of_claim(mark).map(|erasure| erasure.facts.id.to_string());
    assert_eq!(found(), Some(number.clone()));
    let another = Command::MarkClaim { erasure: erasure.parse().unwrap(), mark: ClaimMark([7; 32]) };
    desk.submit::<Case>(case.parse::<CaseId>().unwrap().0, desk.viewer(Role::Agent).actor, another);
    assert_eq!(found(), Some(number), "what was copied takes nothing along when it goes");
}

/// A crash between the request and its mark: whoever sends the request again gets the code that nobody had yet.
#[test]
fn a_request_that_was_cut_off_gets_its_code_with_the_retry() {
    let desk = Desk::open();
    let maria = desk.contact("Maria");
    let (agent, subject, command) = (desk.viewer(Role::Agent).actor, desk.subject(&maria), command_id());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let case = runtime.block_on(desk.app.open_case(agent, subject, SubjectKind::Person)).unwrap();
    let (on, mut fresh) = ("2026-09-20".parse().unwrap(), Fresh::new());
    let identity = IdentityCheck::KnownPoint;
    let asked = Asked { ground: Ground::Objected, how: AskedHow::Letter, on, identity, identity_on: on };
    let request = Request { words: None, people: Vec::new() };
    let request = Command::RequestErasure { erasure: fresh.id().unwrap(), asked, request };
    let envelope = Envelope { command_id: command.parse().ok(), ..Envelope::default() };
    runtime.block_on(desk.app.submit_as::<Case>(agent, case.0, request, envelope, fresh)).unwrap();
    let again = || {
        desk.done(&format!(
            "requestErasure(input: {{ contactId: \"{maria}\" ground: OBJECTED how: LETTER askedOn: \"2026-09-20\"
                identityCheck: KNOWN_POINT identityOn: \"2026-09-20\" commandId: \"{command}\" }})
                {{ erasure {{ claimSlip {{ code }} }} {REST} }}"
        ))
    };
    let first = again();
    assert!(first["repeated"] == true && first["erasure"]["claimSlip"]["code"].is_string(), "{first}");
    assert_eq!(again()["erasure"]["claimSlip"], json!(null), "once");
}
