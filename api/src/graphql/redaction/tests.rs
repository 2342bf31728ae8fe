use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use domain::actor::Role::{Agent, Auditor, Dpo};
use domain::compartment::Compartment;
use events::evidence::Evidence;
use events::keyring::KeyState;
use replay::check::{Status, check};
use replay::policy::Policy;
use serde_json::{Value, json};

use crate::graphql::testing::{Desk, command_id};

const REDACTION: &str =
    "redaction { id stage compartment purgeOn nodeId fields messageId words touchedParts resealedParts
    steps { stage actor } certificate { level words } } position repeated errors { message code path }";

fn request(what: &str) -> String {
    format!("requestRedaction(input: {{ {what} words: \"It was another person's.\" }}) {{ {REDACTION} }}")
}

fn approve(redaction: &str, more: &str) -> String {
    format!("approveRedaction(input: {{ redactionId: \"{redaction}\" {more} }}) {{ {REDACTION} }}")
}

fn id(payload: &Value) -> String {
    assert_eq!(payload["errors"], json!([]), "{payload}");
    payload["redaction"]["id"].as_str().unwrap().to_owned()
}

fn with_notes(desk: &Desk) -> String {
    let registered = desk.done(
        r#"registerContact(input: { source: PHONE, reason: CONTRACT, firstName: "Maria", notes: "Qsecret" })
           { contact { id } errors { message code path } }"#,
    );
    registered["contact"]["id"].as_str().unwrap().into()
}

fn ticket(desk: &Desk, contact: &str) -> (String, Vec<String>) {
    let opened = desk.done(&format!(
        r#"openTicket(input: {{ contactId: "{contact}", subjectLine: "Crate", body: "Qfirst", origin: EMAIL }})
           {{ ticket {{ id }} errors {{ message code path }} }}"#
    ));
    let ticket = opened["ticket"]["id"].as_str().unwrap().to_owned();
    desk.done(&format!(
        r#"addInternalNote(input: {{ ticketId: "{ticket}", body: "Qsecond" }}) {{ errors {{ message code path }} }}"#
    ));
    let messages = messages(desk, &ticket);
    (ticket, messages.iter().map(|message| message["id"].as_str().unwrap().to_owned()).collect())
}

fn messages(desk: &Desk, ticket: &str) -> Vec<Value> {
    let ask =
        format!(r#"{{ ticket(id: "{ticket}") {{ messages {{ nodes {{ id body erasure {{ reason at }} }} }} }} }}"#);
    desk.get(Agent, &ask)["ticket"]["messages"]["nodes"].as_array().unwrap().clone()
}

fn contact(desk: &Desk, id: &str) -> Value {
    let ask = format!(
        r#"{{ contact(id: "{id}") {{ firstName notes erasure {{ reason }} bin {{ purgeOn redaction }}
            redactions {{ fields stage reason redaction }} }} }}"#
    );
    desk.get(Agent, &ask)["contact"].clone()
}

#[test]
fn a_field_is_asked_for_by_one_and_taken_by_another() {
    let desk = Desk::open();
    let maria = with_notes(&desk);
    let what = format!(r#"contactId: "{maria}" fields: ["NOTES"]"#);
    let preview = desk.get(
        Agent,
        &format!("{{ redactionPreview({}) {{ touchedParts resealedParts compartment says holds }} }}", what),
    );
    let preview = &preview["redactionPreview"];
    assert_eq!((&preview["touchedParts"], &preview["resealedParts"]), (&json!(1), &json!(1)));
    assert!(preview["says"].to_string().contains("Backups made before lose all 1 parts"), "{preview}");
    let own = id(&desk.tried(Dpo, &request(&what)));
    assert_eq!(desk.refused(Dpo, &approve(&own, "")).0, "PERMISSION", "one's own");
    let withdraw = format!("withdrawRedaction(input: {{ redactionId: \"{own}\" }}) {{ {REDACTION} }}");
    assert_eq!(desk.tried(Agent, &withdraw)["redaction"]["stage"], "WITHDRAWN");
    let asked = desk.tried(Agent, &request(&what));
    let redaction = id(&asked);
    assert_eq!(asked["redaction"]["fields"], json!(["NOTES"]));
    assert_eq!(desk.refused(Agent, &approve(&redaction, "")).0, "PERMISSION", "an agent decides nothing");
    assert_eq!(contact(&desk, &maria)["notes"], "Qsecret");

    let command = command_id();
    let once = approve(&redaction, &format!(r#"commandId: "{command}""#));
    let approved = desk.tried(Dpo, &once);
    assert_eq!(approved["redaction"]["stage"], "CERTIFIED", "{approved}");
    assert!(approved["redaction"]["certificate"]["words"].as_str().unwrap().contains("logical"));
    let again = desk.tried(Dpo, &once);
    assert_eq!((&again["repeated"], &again["position"]), (&json!(true), &approved["position"]));
    let desk = desk.restart();
    let told = contact(&desk, &maria);
    assert_eq!((&told["notes"], &told["firstName"], &told["erasure"]), (&json!(null), &json!("Maria"), &json!(null)));
    assert_eq!(told["redactions"][0]["fields"], json!(["NOTES"]));
    assert!(told["redactions"][0]["reason"].as_str().unwrap().contains("redacted (logical"), "{told}");

    let history = format!(
        r#"{{ history(id: "{maria}") {{ nodes {{ kind changes {{ field after }} erasure {{ reason }} }} }} }}"#
    );
    let nodes = desk.get(Agent, &history)["history"]["nodes"].clone();
    assert_eq!(nodes[0]["changes"], json!([{ "field": "FIRST_NAME", "after": "Maria" }]));
    assert!(nodes[0]["erasure"]["reason"].as_str().unwrap().contains("redacted"), "{nodes}");
    for (name, bytes) in desk.files() {
        assert!(!bytes.windows(7).any(|window| window == b"Qsecret"), "{name}");
    }
}

#[test]
fn a_message_goes_and_says_why() {
    let desk = Desk::open();
    let maria = with_notes(&desk);
    let (ticket, ids) = ticket(&desk, &maria);
    for (number, line) in [(1, json!("Crate")), (0, json!(null))] {
        let asked = desk.tried(Agent, &request(&format!(r#"ticketId: "{ticket}" messageId: "{}""#, ids[number])));
        let done = desk.tried(Dpo, &approve(&id(&asked), ""));
        assert_eq!(done["redaction"]["stage"], "CERTIFIED", "{done}");
        let told = messages(&desk, &ticket);
        assert_eq!(told[number]["body"], json!(null));
        assert!(told[number]["erasure"]["reason"].as_str().unwrap().contains("redacted"), "{told:?}");
        let of = desk.get(Agent, &format!(r#"{{ ticket(id: "{ticket}") {{ subjectLine contact {{ id }} }} }}"#));
        assert_eq!((&of["ticket"]["subjectLine"], &of["ticket"]["contact"]["id"]), (&line, &json!(maria)));
    }
}

/// The sealed part of an organization has other fields than a person's.
#[test]
fn the_first_message_of_an_organization_that_asks_alone_goes() {
    let desk = Desk::open();
    let acme = desk.organization("Acme");
    let opened = desk.done(&format!(
        r#"openTicket(input: {{ organizationId: "{acme}", subjectLine: "Crate", body: "Qfirst", origin: EMAIL }})
           {{ ticket {{ id }} errors {{ message code path }} }}"#
    ));
    let ticket = opened["ticket"]["id"].as_str().unwrap().to_owned();
    let first = messages(&desk, &ticket)[0]["id"].as_str().unwrap().to_owned();
    let asked = desk.tried(Agent, &request(&format!(r#"ticketId: "{ticket}" messageId: "{first}""#)));
    let done = desk.tried(Dpo, &approve(&id(&asked), ""));
    assert_eq!(done["redaction"]["stage"], "CERTIFIED", "{done}");
    let desk = desk.restart();
    assert_eq!(messages(&desk, &ticket)[0]["body"], json!(null));
    let told = desk.get(Agent, &format!(r#"{{ ticket(id: "{ticket}") {{ subjectLine organization {{ id }} }} }}"#));
    assert_eq!(told["ticket"], json!({ "subjectLine": null, "organization": { "id": acme } }));
}

#[test]
fn what_is_in_the_bin_is_in_no_list_and_comes_back_or_is_purged() {
    let desk = Desk::open();
    let (maria, anna) = (with_notes(&desk), desk.contact("Anna"));
    let listed = |desk: &Desk| {
        let nodes = desk.get(Agent, "{ contacts { nodes { id } } }")["contacts"]["nodes"].clone();
        nodes.as_array().unwrap().iter().map(|node| node["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let found = |desk: &Desk| desk.get(Agent, r#"{ contacts(search: "mar") { nodes { id } } }"#)["contacts"].clone();
    let bin = |desk: &Desk| desk.get(Agent, "{ bin { nodes { id nodeId purgeOn } } }")["bin"]["nodes"].clone();
    let to_bin = |more: &str| format!(r#"moveToBin(input: {{ nodeId: "{maria}" {more} }}) {{ {REDACTION} }}"#);
    let moved = desk.tried(Agent, &to_bin(""));
    assert_eq!(moved["redaction"]["purgeOn"], "2026-10-21", "in 30 days: {moved}");
    assert_eq!(listed(&desk), [anna.as_str()]);
    assert_eq!(found(&desk)["nodes"], json!([]));
    assert_eq!(bin(&desk)[0]["nodeId"], json!(maria));
    assert_eq!(contact(&desk, &maria)["bin"]["purgeOn"], "2026-10-21");
    assert_eq!(desk.refused(Agent, &to_bin("")).0, "CONFLICT", "twice");
    let early = desk.refused(Dpo, &approve(&id(&moved), ""));
    assert!(early.0 == "CONFLICT" && early.2.contains("2026-10-21"), "{early:?}");

    let desk = desk.restart();
    assert_eq!(listed(&desk), [anna.as_str()]);
    let back = format!(r#"restoreFromBin(input: {{ nodeId: "{maria}" }}) {{ {REDACTION} }}"#);
    assert_eq!(desk.tried(Agent, &back)["redaction"]["stage"], "WITHDRAWN");
    assert_eq!(desk.refused(Agent, &back).0, "NOT_FOUND");
    assert_eq!((listed(&desk).len(), bin(&desk), contact(&desk, &maria)["bin"].clone()), (2, json!([]), json!(null)));

    let tomorrow = desk.tried(Agent, &to_bin(r#"purgeOn: "2026-09-22""#));
    let old = desk.app.ledger().owners().key(desk.subject(&maria), Compartment::Relationship).unwrap();
    desk.app.ledger().clock().set(domain::time::Time(crate::graphql::testing::NOW.0 + domain::time::Time::DAY_MS));
    let purged = desk.tried(Dpo, &approve(&id(&tomorrow), ""));
    assert_eq!(purged["redaction"]["stage"], "CERTIFIED", "{purged}");
    assert!(matches!(desk.app.ledger().keyring().state(&old), KeyState::Erased { .. }));
    let told = contact(&desk, &maria);
    assert!(told["firstName"].is_null() && told["erasure"]["reason"].as_str().unwrap().contains("redacted"), "{told}");
    assert_eq!((listed(&desk), bin(&desk)), (vec![anna], json!([])));
}

#[test]
fn what_was_erased_in_the_bin_does_not_come_back() {
    let desk = Desk::open();
    let anna = desk.contact("Anna");
    let to_bin = format!(r#"moveToBin(input: {{ nodeId: "{anna}" }}) {{ {REDACTION} }}"#);
    assert_eq!(desk.tried(Agent, &to_bin)["errors"], json!([]));
    desk.erase(&anna);
    let size = desk.size();
    let back = format!(r#"restoreFromBin(input: {{ nodeId: "{anna}" }}) {{ {REDACTION} }}"#);
    let refused = desk.refused(Agent, &back);
    assert_eq!((refused.0.as_str(), desk.size()), ("ERASED", size), "{refused:?}");
}

/// What it is was read from the node, and a ticket of an organization made a person of it for ever: nobody could be erased
/// with it.
#[test]
fn the_case_that_a_ticket_opens_is_its_organizations() {
    let desk = Desk::open();
    let acme = desk.organization("Acme");
    let maria = desk.done(&format!(
        r#"registerContact(input: {{ source: PHONE, reason: CONTRACT, firstName: "Maria", organizationId: "{acme}" }})
           {{ contact {{ id }} errors {{ message code path }} }}"#
    ));
    let maria = maria["contact"]["id"].as_str().unwrap();
    let opened = desk.done(&format!(
        r#"openTicket(input: {{ organizationId: "{acme}", subjectLine: "Crate", body: "Qfirst", origin: EMAIL }})
           {{ ticket {{ id }} errors {{ message code path }} }}"#
    ));
    let ticket = opened["ticket"]["id"].as_str().unwrap();
    id(&desk.tried(Agent, &format!(r#"moveToBin(input: {{ nodeId: "{ticket}" }}) {{ {REDACTION} }}"#)));
    let asked = desk.done(&format!(
        r#"requestErasure(input: {{ organizationId: "{acme}" people: ["{maria}"] ground: CONSENT_WITHDRAWN, how: EMAIL,
            askedOn: "2026-09-21", identityCheck: KNOWN_POINT, identityOn: "2026-09-21" }})
           {{ erasure {{ id }} errors {{ message code path }} }}"#
    ));
    assert!(asked["erasure"]["id"].is_string());
}

/// Of a message that went whole, the preview forgot the part itself; of a whole node there was none.
#[test]
fn the_preview_counts_what_backups_lose() {
    let desk = Desk::open();
    let maria = with_notes(&desk);
    let (ticket, ids) = ticket(&desk, &maria);
    let preview = |what: &str| {
        let ask = format!("{{ redactionPreview({what}) {{ touchedParts resealedParts says }} }}");
        desk.get(Agent, &ask)["redactionPreview"].clone()
    };
    for (what, touched, resealed, lost) in [
        (format!(r#"ticketId: "{ticket}" messageId: "{}""#, ids[1]), 1, 1, "all 2 parts"),
        (format!(r#"ticketId: "{ticket}" messageId: "{}""#, ids[0]), 1, 2, "all 2 parts"),
        (format!(r#"nodeId: "{ticket}""#), 2, 0, "all 2 parts"),
    ] {
        let told = preview(&what);
        assert_eq!((&told["touchedParts"], &told["resealedParts"]), (&json!(touched), &json!(resealed)), "{what}");
        assert!(told["says"].to_string().contains(lost), "{what}: {told}");
    }
    let (_, _, quote) = quoted(&desk);
    assert_eq!(preview(&format!(r#"nodeId: "{quote}""#))["touchedParts"], 3, "of both of whom it tells");
    let both =
        desk.ask(Agent, &format!(r#"{{ redactionPreview(nodeId: "{quote}" ticketId: "{ticket}") {{ says }} }}"#));
    assert!(both["errors"].is_array());
}

/// A contact and their organization, and a quote for both whose words lie under the organization.
fn quoted(desk: &Desk) -> (String, String, String) {
    let (maria, acme) = (with_notes(desk), desk.organization("Acme"));
    let offer = |title: &str| {
        format!(
            r#"offer: {{ currency: "EUR", validUntil: "2026-10-31", title: "{title}", notes: "Qnotes", lines: [
               {{ description: "Qpump", quantityMilli: "1000", unitPriceMinor: "100", taxBasisPoints: 1900 }}] }}"#
        )
    };
    let drafted = desk.done(&format!(
        r#"draftQuote(input: {{ contactId: "{maria}" organizationId: "{acme}" {} }})
           {{ quote {{ id }} errors {{ message code path }} }}"#,
        offer("Qtitle")
    ));
    let quote = drafted["quote"]["id"].as_str().unwrap().to_owned();
    desk.done(&format!(
        r#"reviseQuote(input: {{ quoteId: "{quote}" {} }}) {{ errors {{ message code path }} }}"#,
        offer("Qother")
    ));
    (maria, acme, quote)
}

fn quote(desk: &Desk, id: &str) -> Value {
    let ask = format!(
        r#"{{ quote(id: "{id}") {{ contact {{ id }} organization {{ id }} erasure {{ reason }} bin {{ redaction }}
            lastVersion {{ title notes lines {{ description }} }} }} }}"#
    );
    desk.get(Agent, &ask)["quote"].clone()
}

fn tomorrow(desk: &Desk) {
    let now = crate::graphql::testing::NOW.0 + domain::time::Time::DAY_MS;
    desk.app.ledger().clock().set(domain::time::Time(now));
}

/// Only the reference to the contact went, and every word of the quote stayed.
#[test]
fn the_purge_of_a_quote_for_two_leaves_nothing_of_it_to_read() {
    let desk = Desk::open();
    let (maria, acme, node) = quoted(&desk);
    let to_bin = format!(r#"moveToBin(input: {{ nodeId: "{node}" purgeOn: "2026-09-22" }}) {{ {REDACTION} }}"#);
    let bin = |desk: &Desk| desk.get(Agent, "{ bin { nodes { id nodeId } } }")["bin"]["nodes"].clone();
    let moved = id(&desk.tried(Agent, &to_bin));
    assert_eq!(bin(&desk), json!([{ "id": moved, "nodeId": node }]), "it is there once");
    assert_eq!(quote(&desk, &node)["bin"]["redaction"], json!(moved));
    let command = command_id();
    let back = format!(r#"restoreFromBin(input: {{ nodeId: "{node}" commandId: "{command}" }}) {{ {REDACTION} }}"#);
    for _ in 0..2 {
        assert_eq!(desk.tried(Agent, &back)["redaction"]["stage"], "WITHDRAWN", "and comes back whole");
    }
    assert_eq!((bin(&desk), quote(&desk, &node)["bin"].clone()), (json!([]), json!(null)));

    let moved = id(&desk.tried(Agent, &to_bin));
    tomorrow(&desk);
    let own = desk.refused(Agent, &approve(&moved, ""));
    assert_eq!(own.0, "PERMISSION");
    assert_eq!(quote(&desk, &node)["contact"]["id"], json!(maria), "a refusal takes nothing");
    let purged = desk.tried(Dpo, &approve(&moved, ""));
    assert_eq!(purged["redaction"]["stage"], "CERTIFIED", "{purged}");
    let nothing = |desk: &Desk| {
        let told = quote(desk, &node);
        assert!(told["contact"].is_null() && told["organization"].is_null(), "{told}");
        let version = &told["lastVersion"];
        assert!(version["title"].is_null() && version["notes"].is_null(), "{told}");
        assert!(!told.to_string().contains("Qpump") && !told["erasure"].is_null(), "{told}");
    };
    nothing(&desk);
    let ledger = desk.app.ledger();
    for subject in [desk.subject(&maria), desk.subject(&acme)] {
        assert!(ledger.owners().key(subject, Compartment::Sales(2026)).is_none(), "nothing of it stays");
    }
    let hand_out = format!(
        r#"discloseEvidence(input: {{ organizationId: "{acme}" ids: ["{node}"] recipient: "Court" }})
           {{ file errors {{ code }} }}"#
    );
    assert!(desk.tried(Dpo, &hand_out)["file"].is_null(), "and nothing can be opened");
    nothing(&desk.restart_at(domain::time::Time(crate::graphql::testing::NOW.0 + 2 * domain::time::Time::DAY_MS)));
}

/// A hold on whoever a quote tells of stops its purge, before anything is destroyed; only one of them was asked.
#[test]
fn a_hold_on_either_keeps_a_quote_for_two() {
    for of_organization in [true, false] {
        let desk = Desk::open();
        let (maria, acme, node) = quoted(&desk);
        let to_bin = format!(r#"moveToBin(input: {{ nodeId: "{node}" purgeOn: "2026-09-22" }}) {{ {REDACTION} }}"#);
        let moved = id(&desk.tried(Agent, &to_bin));
        let (field, whose) = if of_organization { ("organizationId", &acme) } else { ("contactId", &maria) };
        let hold = format!(
            r#"placeHold(input: {{ {field}: "{whose}" matter: "12 C 345/26" reviewOn: "2027-01-01" }})
               {{ hold {{ id }} errors {{ message code path }} }}"#
        );
        let hold = desk.tried(Dpo, &hold)["hold"]["id"].as_str().unwrap().to_owned();
        let approval = domain::subject::Command::ApproveHold { hold: hold.parse().unwrap() };
        let case = desk.app.case_of(desk.subject(whose)).unwrap();
        desk.submit::<domain::subject::Case>(case.0, desk.hire(Dpo, "Second"), approval);
        tomorrow(&desk);
        assert_eq!(desk.refused(Dpo, &approve(&moved, "")).0, "HOLD", "{field}");
        let told = quote(&desk, &node);
        assert_eq!((&told["contact"]["id"], &told["organization"]["id"]), (&json!(maria), &json!(acme)));
    }
}

/// The case was found by the contact alone, so that nothing that was held of her besides could be erased any more.
#[test]
fn somebody_whose_contact_was_purged_can_be_erased() {
    let desk = Desk::open();
    let (maria, acme) = (with_notes(&desk), desk.organization("Acme"));
    let (ticket, _) = ticket(&desk, &maria);
    desk.done(&format!(
        r#"openTicket(input: {{ organizationId: "{acme}", subjectLine: "Crate", body: "Qours", origin: EMAIL }})
           {{ errors {{ message code path }} }}"#
    ));
    let subjects = [desk.subject(&maria), desk.subject(&acme)];
    let moved = [&maria, &acme].map(|node| {
        let to_bin = format!(r#"moveToBin(input: {{ nodeId: "{node}" purgeOn: "2026-09-22" }}) {{ {REDACTION} }}"#);
        id(&desk.tried(Agent, &to_bin))
    });
    tomorrow(&desk);
    for redaction in moved {
        id(&desk.tried(Dpo, &approve(&redaction, "")));
    }
    let held =
        desk.get(Dpo, &format!(r#"{{ subject(contactId: "{maria}") {{ compartments {{ things {{ id }} }} }} }}"#));
    assert!(held.to_string().contains(&ticket), "what is held of her is found: {held}");
    let keys = |subject| desk.app.ledger().owners().keys_of(subject).to_vec();
    for (whose, subject) in
        [format!(r#"contactId: "{maria}""#), format!(r#"organizationId: "{acme}""#)].iter().zip(subjects)
    {
        assert!(keys(subject).iter().any(|(compartment, _)| *compartment == Compartment::Support(2026)));
        let ask = format!(
            r#"requestErasure(input: {{ {whose} ground: CONSENT_WITHDRAWN, how: EMAIL, askedOn: "2026-09-21",
                identityCheck: KNOWN_POINT, identityOn: "2026-09-21" }}) {{ erasure {{ id }} errors {{ message code path }} }}"#
        );
        let asked = desk.done(&ask);
        let erasure = asked["erasure"]["id"].as_str().unwrap();
        let approved = desk.tried(
            Dpo,
            &format!(
                r#"approveErasure(input: {{ erasureId: "{erasure}" }}) {{ erasure {{ stage }} errors {{ message }} }}"#
            ),
        );
        assert_eq!(approved["erasure"]["stage"], "CERTIFIED", "{approved}");
        let left = keys(subject);
        assert!(left.iter().all(|(compartment, _)| *compartment == Compartment::Claims), "{left:?}");
        assert_eq!(desk.refused(Agent, &ask).0, "ERASED", "and only once");
    }
}

#[test]
fn what_cannot_be_redacted_is_refused_and_nothing_is_written() {
    let desk = Desk::open();
    let maria = with_notes(&desk);
    let (ticket, ids) = ticket(&desk, &maria);
    let size = desk.size();
    let nobody = "contact_00000000000000000000000000000000";
    for (what, code, path) in [
        (format!(r#"contactId: "{maria}" fields: []"#), "VALIDATION", "fields"),
        (format!(r#"contactId: "{maria}" fields: ["POINTS"]"#), "VALIDATION", "fields.0"),
        (format!(r#"contactId: "{maria}" fields: ["BIRTHDAY"]"#), "NOT_FOUND", ""),
        (format!(r#"contactId: "{maria}" ticketId: "{ticket}" fields: ["NOTES"]"#), "VALIDATION", ""),
        (format!(r#"contactId: "{ticket}" fields: ["NOTES"]"#), "VALIDATION", "contactId"),
        (format!(r#"contactId: "{nobody}" fields: ["NOTES"]"#), "NOT_FOUND", ""),
        (format!(r#"ticketId: "{ticket}""#), "VALIDATION", "messageId"),
        (format!(r#"ticketId: "{ticket}" messageId: "Maria""#), "VALIDATION", "messageId"),
        (format!(r#"ticketId: "{ticket}" messageId: "{}" fields: ["NOTES"]"#, ids[0]), "VALIDATION", "messageId"),
        (r#"ticketId: "" messageId: """#.to_owned(), "VALIDATION", "ticketId"),
    ] {
        let (said, at, _) = desk.refused(Agent, &request(&what));
        assert_eq!((said.as_str(), at.as_str()), (code, path), "{what}");
    }
    let bin = |more: &str| format!(r#"moveToBin(input: {{ {more} }}) {{ {REDACTION} }}"#);
    let over = desk.refused(Agent, &bin(&format!(r#"nodeId: "{maria}" purgeOn: "2026-09-21""#)));
    assert_eq!((over.0.as_str(), over.1.as_str()), ("VALIDATION", "purgeOn"));
    assert_eq!(desk.refused(Agent, &bin(r#"nodeId: "Maria""#)).1, "nodeId");
    assert_eq!(desk.refused(Dpo, &approve("erasure_00000000000000000000000000000000", "")).0, "NOT_FOUND");
    assert_eq!(desk.size(), size, "a refusal writes nothing");
    desk.erase(&maria);
    assert_eq!(desk.refused(Agent, &request(&format!(r#"contactId: "{maria}" fields: ["NOTES"]"#))).0, "ERASED");
}

/// Offline, without a key: what was resealed is excused by its record, and what stays can still be disclosed.
#[test]
fn evidence_of_somebody_redacted_holds_and_opens_what_stays() {
    let desk = Desk::open();
    let maria = with_notes(&desk);
    let asked = desk.tried(Agent, &request(&format!(r#"contactId: "{maria}" fields: ["NOTES"]"#)));
    id(&desk.tried(Dpo, &approve(&id(&asked), "")));
    let ledger = desk.app.ledger();
    ledger.publish_now().unwrap();
    ledger.end_epoch(Duration::ZERO).unwrap().unwrap();
    ledger.publish_now().unwrap();
    let policy = format!("log {}\nquorum none\n", ledger.published().key());
    let policy = Policy::parse(policy.as_bytes()).unwrap();
    let ask = format!(r#"{{ evidence(ids: ["{maria}"]) {{ file }} }}"#);
    let file = desk.get(Auditor, &ask)["evidence"]["file"].clone();
    let hand_out = format!(
        r#"discloseEvidence(input: {{ contactId: "{maria}" recipient: "Court" }}) {{ file errors {{ message }} }}"#
    );
    let handed_out = desk.tried(Dpo, &hand_out)["file"].clone();
    for (file, opened) in [(file, false), (handed_out, true)] {
        let bytes = BASE64.decode(file.as_str().unwrap()).unwrap();
        assert_eq!(bytes.windows(5).any(|window| window == b"Maria"), opened, "what stays can be disclosed");
        assert!(!bytes.windows(7).any(|window| window == b"Qsecret"));
        let checked = check(&Evidence::parse(&bytes).unwrap(), &policy, None);
        let verdicts = [&checked.integrity, &checked.erasure].map(|verdict| verdict.status);
        assert_eq!(verdicts, [Status::Holds; 2], "{checked}");
        assert!(checked.to_string().contains("sealed anew under another key"), "{checked}");
    }
}
