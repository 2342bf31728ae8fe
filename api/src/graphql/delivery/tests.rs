//! A certificate goes to the address that its request gave, through GraphQL.

use domain::actor::Role;
use domain::subject::Confirmed;
use domain::time::Time;
use events::keyring::KeyState;
use serde_json::{Value, json};

use crate::graphql::testing::{Desk, NOW, command_id};

const ADDRESS: &str = "Quastenweg 7, 8001 Zenobia";
const REST: &str = "repeated errors { message code path }";

fn requested(desk: &Desk, command: &str) -> Value {
    let maria = desk.contact("Maria");
    request(desk, &maria, command)
}

fn request(desk: &Desk, contact: &str, command: &str) -> Value {
    desk.done(&format!(
        "requestErasure(input: {{ contactId: \"{contact}\" ground: OBJECTED how: LETTER askedOn: \"2026-09-20\"
            identityCheck: KNOWN_POINT identityOn: \"2026-09-20\" deliverTo: \"{ADDRESS}\" commandId: \"{command}\" }})
            {{ erasure {{ id revision deliverTo }} revision {REST} }}"
    ))
}

fn approve(desk: &Desk, erasure: &str) {
    let approve = format!("approveErasure(input: {{ erasureId: \"{erasure}\" }}) {{ erasure {{ stage }} {REST} }}");
    assert_eq!(desk.tried(Role::Dpo, &approve)["erasure"]["stage"], "CERTIFIED");
}

fn deliver(erasure: &str, command: &str) -> String {
    format!(
        "deliverCertificate(input: {{ erasureId: \"{erasure}\" commandId: \"{command}\" }}) {{
            delivered {{ address file erasure {{ deliveredOn addressUntil certificate {{ survives {{ compartment }} }} }} }} {REST} }}"
    )
}

#[test]
fn a_certificate_goes_to_its_address_which_outlives_the_erasure() {
    let desk = Desk::open();
    let command = command_id();
    let maria = desk.contact("Maria");
    let first = request(&desk, &maria, &command);
    let erasure = first["erasure"]["id"].as_str().unwrap().to_owned();
    assert_eq!(first["erasure"]["deliverTo"], json!(null), "an agent does not read it back");
    let again = request(&desk, &maria, &command);
    assert_eq!((&again["repeated"], &again["revision"]), (&json!(true), &first["revision"]), "once");
    let early = desk.refused(Role::Dpo, &deliver(&erasure, &command_id()));
    assert!(early.2.contains("only one that is certified"), "{}", early.2);
    approve(&desk, &erasure);

    let command = command_id();
    let sent = desk.tried(Role::Dpo, &deliver(&erasure, &command));
    assert_eq!(sent["errors"], json!([]), "{sent}");
    let sent = &sent["delivered"];
    assert_eq!(sent["address"], ADDRESS);
    let file = sent["file"].as_str().unwrap();
    assert!(file.contains(&erasure) && file.contains("delivery(1)") && !file.contains("Zenobia"), "{file}");
    assert_eq!(
        (&sent["erasure"]["deliveredOn"], &sent["erasure"]["addressUntil"]),
        (&json!(["2026-09-21"]), &json!("2026-10-21"))
    );
    let survives = sent["erasure"]["certificate"]["survives"].as_array().unwrap();
    assert!(survives.iter().any(|kept| kept["compartment"] == "delivery(1)"), "{survives:?}");
    assert_eq!(desk.tried(Role::Dpo, &deliver(&erasure, &command))["repeated"], true);
    let agent = desk.ask(Role::Agent, &format!("mutation {{ {} }}", deliver(&erasure, &command_id())));
    assert!(agent.to_string().contains("PERMISSION"), "{agent}");

    let desk = desk.restart();
    let query = format!("{{ erasure(id: \"{erasure}\") {{ deliverTo deliveredOn }} }}");
    let read = desk.get(Role::Dpo, &query)["erasure"].clone();
    assert_eq!(read, json!({ "deliverTo": ADDRESS, "deliveredOn": ["2026-09-21"] }));
    for (name, bytes) in desk.files() {
        assert!(!bytes.windows(7).any(|window| window == b"Zenobia"), "{name} holds the address in clear");
    }
}

#[test]
fn without_an_address_nothing_is_delivered_and_a_new_one_takes_its_place() {
    let desk = Desk::open();
    let maria = desk.contact("Maria");
    let asked = desk.done(&format!(
        "requestErasure(input: {{ contactId: \"{maria}\" ground: OBJECTED how: LETTER askedOn: \"2026-09-20\"
            identityCheck: KNOWN_POINT identityOn: \"2026-09-20\" }}) {{ erasure {{ id addressUntil }} {REST} }}"
    ));
    let erasure = asked["erasure"]["id"].as_str().unwrap();
    assert_eq!(desk.refused(Role::Dpo, &deliver(erasure, &command_id())).0, "NOT_FOUND");
    let give = |address: &str| {
        format!(
            "giveDeliveryAddress(input: {{ erasureId: \"{erasure}\" address: \"{address}\" }}) {{ erasure {{ deliverTo }} {REST} }}"
        )
    };
    assert_eq!(desk.refused(Role::Agent, &give("")).1, "address");
    desk.done(&give(ADDRESS));
    let read = || {
        desk.get(Role::Dpo, &format!("{{ erasure(id: \"{erasure}\") {{ deliverTo }} }}"))["erasure"]["deliverTo"]
            .clone()
    };
    assert_eq!(read(), ADDRESS);
    desk.done(&give("maria@zenobia.example"));
    assert_eq!(read(), "maria@zenobia.example");
    let nobody = give(ADDRESS).replace(erasure, "erasure_00000000000000000000000000000000");
    assert_eq!(desk.refused(Role::Agent, &nobody).0, "NOT_FOUND");
}

fn give(erasure: &str, address: &str) -> String {
    format!(
        "giveDeliveryAddress(input: {{ erasureId: \"{erasure}\" address: \"{address}\" }})
            {{ erasure {{ deliverTo addressUntil }} {REST} }}"
    )
}

fn asked(desk: &Desk, contact: &str) -> String {
    let asked = desk.done(&format!(
        "requestErasure(input: {{ contactId: \"{contact}\" ground: OBJECTED how: LETTER askedOn: \"2026-09-20\"
            identityCheck: KNOWN_POINT identityOn: \"2026-09-20\" }}) {{ erasure {{ id }} {REST} }}"
    ));
    asked["erasure"]["id"].as_str().unwrap().to_owned()
}

fn sent(desk: &Desk, erasure: &str) -> Value {
    let sent = desk.tried(Role::Dpo, &deliver(erasure, &command_id()));
    assert_eq!(sent["errors"], json!([]), "{sent}");
    sent["delivered"].clone()
}

/// A run of the retention, and another officer who confirms what it found. How many were destroyed.
fn retained(desk: &Desk) -> usize {
    desk.app.run_retention(None, &mut |_, _| ()).unwrap();
    let officer = desk.hire(Role::Dpo, "Another");
    let waiting = desk.app.retention_waiting();
    let settled = desk.app.confirm_retention(officer, &waiting, &Confirmed::Person, None, &mut |_, _| ()).unwrap();
    assert!(settled.refused.is_empty(), "{:?}", settled.refused);
    settled.destroyed
}

/// A person may think of an address when the letter is written: behind the fence, and behind the certificate.
#[test]
fn an_address_is_given_at_every_stage() {
    let desk = Desk::open().cooling(Time::DAY_MS);
    let erasure = asked(&desk, &desk.contact("Maria"));
    let approval = format!("approveErasure(input: {{ erasureId: \"{erasure}\" }}) {{ erasure {{ stage }} {REST} }}");
    assert_eq!(desk.tried(Role::Dpo, &approval)["erasure"]["stage"], "FENCED");
    let given = desk.tried(Role::Dpo, &give(&erasure, "In the fence"));
    assert_eq!((&given["errors"], &given["erasure"]["deliverTo"]), (&json!([]), &json!("In the fence")));
    desk.app.ledger().clock().set(NOW.plus_ms(Time::DAY_MS));
    assert_eq!(desk.app.destroy_due().unwrap(), 1);
    assert_eq!(sent(&desk, &erasure)["address"], "In the fence");
    let given = desk.tried(Role::Dpo, &give(&erasure, ADDRESS));
    assert_eq!(given["errors"], json!([]), "{given}");

    let desk = desk.restart_at(NOW.plus_ms(Time::DAY_MS));
    assert_eq!(sent(&desk, &erasure)["address"], ADDRESS);
    // The first erasure of this case had no address before its fence, the next one has one at once.
    let anna = desk.contact("Anna");
    let first = asked(&desk, &anna);
    approve(&desk, &first);
    let given = desk.tried(Role::Dpo, &give(&first, ADDRESS));
    assert_eq!(given["errors"], json!([]), "{given}");
}

/// The provisional certificate went out, its address is over by then, and months later the final one goes to a new one.
#[test]
fn where_an_address_is_over_another_one_takes_its_place() {
    let mut desk = Desk::open();
    let requested = requested(&desk, &command_id());
    let erasure = requested["erasure"]["id"].as_str().unwrap().to_owned();
    approve(&desk, &erasure);
    sent(&desk, &erasure);
    let later = NOW.plus_ms(31 * Time::DAY_MS);
    desk.app.ledger().clock().set(later);
    assert_eq!(retained(&desk), 1);
    assert_eq!(desk.refused(Role::Dpo, &deliver(&erasure, &command_id())).0, "NOT_FOUND");
    desk = desk.restart_at(later);
    let given = desk.tried(Role::Dpo, &give(&erasure, "Neuer Weg 1"));
    assert_eq!((&given["errors"], &given["erasure"]["deliverTo"]), (&json!([]), &json!("Neuer Weg 1")));
    assert_eq!(given["erasure"]["addressUntil"], "2027-04-20", "it waits half a year for a delivery");
    desk = desk.restart_at(later);
    let delivered = sent(&desk, &erasure);
    assert_eq!(
        (&delivered["address"], &delivered["erasure"]["addressUntil"]),
        (&json!("Neuer Weg 1"), &json!("2026-11-21"))
    );
    desk.app.ledger().clock().set(NOW.plus_ms(62 * Time::DAY_MS));
    assert_eq!(retained(&desk), 1, "and it is over as the first one was");
    assert_eq!(desk.refused(Role::Dpo, &deliver(&erasure, &command_id())).0, "NOT_FOUND");
}

/// Half a year behind a request that nobody decided about, its address is over, and may be given again.
#[test]
fn an_address_ends_although_nothing_goes_there_and_nobody_asked_gets_none() {
    let desk = Desk::open();
    let requested = requested(&desk, &command_id());
    let erasure = requested["erasure"]["id"].as_str().unwrap();
    let moved = |days| desk.app.ledger().clock().set(NOW.plus_ms(days * Time::DAY_MS));
    let due = || {
        desk.get(Role::Dpo, "{ retention { due { nodes { compartment until } } } }")["retention"]["due"]["nodes"]
            .clone()
    };
    moved(180);
    assert_eq!(due(), json!([]));
    moved(181);
    assert_eq!(due(), json!([{ "compartment": "delivery(1)", "until": "2027-03-20" }]));
    assert_eq!(retained(&desk), 1);
    let retention = desk.get(Role::Dpo, "{ erasures(first: 9) { nodes { id ground } } }");
    let nodes = retention["erasures"]["nodes"].as_array().unwrap();
    let retention = nodes.iter().find(|it| it["ground"] == "RETENTION_OVER").unwrap()["id"].as_str().unwrap();
    let refused = desk.refused(Role::Dpo, &give(retention, ADDRESS));
    assert!(refused.0 == "CONFLICT" && refused.2.contains("nobody asked"), "{refused:?}");
    let given = desk.tried(Role::Agent, &give(erasure, ADDRESS));
    assert_eq!(given["errors"], json!([]), "{given}");
    assert_eq!(due(), json!([]));
    // It is fenced with the rest half a year later, and even then another one may be given.
    moved(362);
    approve(&desk, erasure);
    let given = desk.tried(Role::Dpo, &give(erasure, "Zuletzt 3"));
    assert_eq!(given["errors"], json!([]), "{given}");
    assert_eq!(sent(&desk, erasure)["address"], "Zuletzt 3");
}

#[test]
fn a_delivery_is_not_before_the_certificate_and_an_earlier_one_takes_no_day_away() {
    let desk = Desk::open();
    let requested = requested(&desk, &command_id());
    let erasure = requested["erasure"]["id"].as_str().unwrap();
    approve(&desk, erasure);
    let on = |day: &str| deliver(erasure, &command_id()).replacen("commandId", &format!("on: \"{day}\" commandId"), 1);
    let early = desk.refused(Role::Dpo, &on("2020-01-01"));
    assert!(early.0 == "VALIDATION" && early.2.contains("too early"), "{early:?}");
    desk.app.ledger().clock().set(NOW.plus_ms(5 * Time::DAY_MS));
    for day in ["2026-09-26", "2026-09-22"] {
        assert_eq!(desk.tried(Role::Dpo, &on(day))["errors"], json!([]));
    }
    let read = desk.get(Role::Dpo, &format!("{{ erasure(id: \"{erasure}\") {{ addressUntil }} }}"));
    assert_eq!(read["erasure"]["addressUntil"], "2026-10-26");
    desk.app.ledger().clock().set(NOW.plus_ms(34 * Time::DAY_MS));
    let report = "{ retention { due { nodes { compartment until } } } }";
    assert_eq!(desk.get(Role::Dpo, report)["retention"]["due"]["nodes"], json!([]), "the ledger says the same");
}

/// Whoever takes requests says where the answer goes, and no more than that; and looks at nothing by it.
#[test]
fn a_program_says_it_of_its_own_requests_and_behind_the_approval_only_an_officer_does() {
    let desk = Desk::open();
    let mine = asked(&desk, &desk.contact("Maria"));
    let other = desk.refused(Role::Integration, &give(&mine, ADDRESS));
    assert!(other.0 == "PERMISSION" && other.2.contains("somebody else"), "{other:?}");
    let own = format!(
        "requestErasure(input: {{ contactId: \"{}\" ground: OBJECTED how: WEB_FORM askedOn: \"2026-09-20\"
            identityCheck: KNOWN_POINT identityOn: \"2026-09-20\" }}) {{ erasure {{ id }} {REST} }}",
        desk.contact("Anna")
    );
    let own = desk.tried(Role::Integration, &own)["erasure"]["id"].as_str().unwrap().to_owned();
    assert_eq!(desk.tried(Role::Integration, &give(&own, ADDRESS))["errors"], json!([]));
    approve(&desk, &mine);
    for role in [Role::Agent, Role::Integration] {
        let late = desk.refused(role, &give(&mine, "Elsewhere 1"));
        assert!(late.0 == "PERMISSION" && late.2.contains("only a data protection officer"), "{late:?}");
    }
    assert_eq!(desk.tried(Role::Dpo, &give(&mine, ADDRESS))["errors"], json!([]));
    for field in ["steps { actor }", "certificate { level }", "disclosures { id }"] {
        // What is certified cannot be asked for by a program that gives an address; of what it may, it sees no more.
        let look = give(&own, ADDRESS).replacen("{ deliverTo addressUntil }", &format!("{{ id {field} }}"), 1);
        let seen = desk.ask(Role::Integration, &format!("mutation {{ it: {look} }}"));
        let name = field.split(' ').next().unwrap();
        assert_eq!(seen["data"]["it"]["erasure"][name], json!(null), "{seen}");
        assert!(name == "certificate" || seen["errors"][0]["extensions"]["code"] == "FORBIDDEN", "{seen}");
    }
    let read =
        desk.get(Role::Agent, &format!("{{ erasure(id: \"{mine}\") {{ steps {{ stage }} disclosures {{ id }} }} }}"));
    assert_eq!(read["erasure"]["steps"].as_array().unwrap().len(), 5, "{read}");
}

/// The key of an address is one of the ledger's keys, and no erasure takes it but one that comes after its time.
#[test]
fn the_key_of_an_address_lives_when_the_others_are_destroyed() {
    let desk = Desk::open();
    let requested = requested(&desk, &command_id());
    let erasure = requested["erasure"]["id"].as_str().unwrap();
    let keys = || {
        let views = desk.app.ledger().views();
        let subject = views.erasure(erasure.parse().unwrap()).unwrap().subject.unwrap();
        drop(views);
        let keys = desk.app.ledger().owners().keys_of(subject).to_vec();
        keys.into_iter().map(|(compartment, key)| (compartment.to_string(), key)).collect::<Vec<_>>()
    };
    let before = keys();
    assert!(before.iter().any(|(compartment, _)| compartment == "delivery(1)"), "{before:?}");
    approve(&desk, erasure);
    let live = |key| matches!(desk.app.ledger().keyring().state(key), KeyState::Live(_));
    for (compartment, key) in &before {
        assert_eq!(live(key), compartment != "relationship", "{compartment}");
    }
    assert_eq!(desk.app.now(), NOW);
}

#[test]
fn the_key_of_an_address_dies_behind_the_delivery_by_a_second_persons_word() {
    let desk = Desk::open();
    let requested = requested(&desk, &command_id());
    let erasure = requested["erasure"]["id"].as_str().unwrap();
    approve(&desk, erasure);
    assert_eq!(desk.tried(Role::Dpo, &deliver(erasure, &command_id()))["errors"], json!([]));
    let report = || desk.get(Role::Dpo, "{ retention { due { nodes { compartment until } } } }")["retention"].clone();
    let moved = |days| desk.app.ledger().clock().set(NOW.plus_ms(days * Time::DAY_MS));
    moved(30);
    assert_eq!(report()["due"]["nodes"], json!([]), "its last day is not over");
    moved(31);
    let due = json!([{ "compartment": "delivery(1)", "until": "2026-10-21" }]);
    assert_eq!(report()["due"]["nodes"], due);
    desk.app.run_retention(None, &mut |_, _| ()).unwrap();
    let waiting = desk.app.retention_waiting();
    let officer = desk.viewer(Role::Dpo).actor;
    let settled = desk.app.confirm_retention(officer, &waiting, &Confirmed::Person, None, &mut |_, _| ()).unwrap();
    assert_eq!((settled.destroyed, settled.refused.len()), (1, 0));
    let read = desk.get(Role::Dpo, &format!("{{ erasure(id: \"{erasure}\") {{ deliverTo addressUntil }} }}"));
    assert_eq!(read["erasure"], json!({ "deliverTo": null, "addressUntil": "2026-10-21" }));
    assert_eq!(desk.refused(Role::Dpo, &deliver(erasure, &command_id())).0, "NOT_FOUND", "it has nowhere to go");
}
