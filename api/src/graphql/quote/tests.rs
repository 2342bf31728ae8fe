use domain::actor::Role;
use domain::time::Time;
use serde_json::{Value, json};

use crate::graphql::testing::{Desk, NOW, command_id};

const READ: &str = "id revision state version sentVersion acceptedVersion accepted { number } answeredAt contact { firstName } organization { name }
    erasure { reason } lastVersion { number validUntil title notes rejectionReason author { name }
    total { netMinor taxMinor grossMinor currency decimals }
    lines { description quantityMilli unitPriceMinor discountBasisPoints taxBasisPoints amounts { grossMinor } } }";

const REST: &str = "position repeated errors { message code path currentRevision }";

const OFFER: &str = r#"offer: { currency: "EUR", validUntil: "2026-10-31", title: "Two pumps", notes: "ex works", lines: [
    { description: "Pump", quantityMilli: "2000", unitPriceMinor: "1999", taxBasisPoints: 1900 }
    { description: "Hose", quantityMilli: 1500, unitPriceMinor: 333, discountBasisPoints: 1000, taxBasisPoints: 700 }] }"#;

fn draft(values: &str) -> String {
    format!("draftQuote(input: {{ {values} }}) {{ quote {{ {READ} }} {REST} }}")
}

fn act(mutation: &str, quote: &str, values: &str) -> String {
    format!("{mutation}(input: {{ quoteId: \"{quote}\" {values} }}) {{ quote {{ {READ} }} {REST} }}")
}

fn id(payload: &Value) -> String {
    payload["quote"]["id"].as_str().unwrap().into()
}

fn drafted(desk: &Desk, contact: &str) -> String {
    id(&desk.done(&draft(&format!("contactId: \"{contact}\" {OFFER}"))))
}

#[test]
fn a_quote_is_drafted_revised_sent_and_accepted() {
    let desk = Desk::open();
    let (maria, acme) = (desk.contact("Maria"), desk.organization("Acme GmbH"));
    let first =
        desk.done(&draft(&format!("contactId: \"{maria}\", organizationId: \"{acme}\" {OFFER}")))["quote"].clone();
    let quote = first["id"].as_str().unwrap();
    assert_eq!((&first["state"], &first["version"]), (&json!("DRAFT"), &json!(1)));
    assert_eq!(
        (&first["contact"]["firstName"], &first["organization"]["name"]),
        (&json!("Maria"), &json!("Acme GmbH"))
    );
    let last = &first["lastVersion"];
    assert_eq!((&last["title"], &last["notes"]), (&json!("Two pumps"), &json!("ex works")));
    let total =
        json!({ "netMinor": "4448", "taxMinor": "792", "grossMinor": "5240", "currency": "EUR", "decimals": 2 });
    assert_eq!(last["total"], total, "39.98 and 7.60 tax; 4.50 and 0.32 tax");
    let hose = json!({ "description": "Hose", "quantityMilli": "1500", "unitPriceMinor": "333",
        "discountBasisPoints": 1000, "taxBasisPoints": 700, "amounts": { "grossMinor": "482" } });
    assert_eq!(last["lines"][1], hose);

    desk.done(&act("markQuoteSent", quote, "version: 1"));
    let rejected = desk.done(&act("rejectQuote", quote, r#"version: 1, reason: "too dear""#));
    assert_eq!(
        (&rejected["quote"]["state"], &rejected["quote"]["lastVersion"]["rejectionReason"]),
        (&json!("REJECTED"), &json!("too dear"))
    );
    let cheaper = OFFER.replace("1999", "999").replace("EUR", "JPY");
    let revised = desk.done(&act("reviseQuote", quote, &cheaper));
    assert_eq!((&revised["quote"]["state"], &revised["quote"]["version"]), (&json!("DRAFT"), &json!(2)));
    assert_eq!(revised["quote"]["lastVersion"]["total"]["decimals"], 0);
    let sent = desk.done(&act("markQuoteSent", quote, "version: 2"));
    assert_eq!((&sent["quote"]["state"], &sent["quote"]["sentVersion"]), (&json!("SENT"), &json!(2)));
    let accepted = desk.done(&act("acceptQuote", quote, "version: 2"));
    assert_eq!(accepted["quote"]["state"], "ACCEPTED");
    assert_eq!(accepted["quote"]["answeredAt"], NOW.to_string());

    let versions = desk.get(
        Role::Dpo,
        &format!("{{ quote(id: \"{quote}\") {{ versions(first: 1) {{ nodes {{ number rejectionReason lines {{ unitPriceMinor }} }} pageInfo {{ endCursor hasNextPage }} }} }} }}"),
    );
    let versions = &versions["quote"]["versions"];
    assert_eq!(versions["nodes"][0]["lines"][0]["unitPriceMinor"], "1999", "a version stays as it was");
    assert_eq!(
        (&versions["nodes"][0]["rejectionReason"], &versions["pageInfo"]["hasNextPage"]),
        (&json!("too dear"), &json!(true))
    );
    let after = &versions["pageInfo"]["endCursor"];
    let next = desk.get(
        Role::Dpo,
        &format!("{{ quote(id: \"{quote}\") {{ versions(first: 9, after: {after}) {{ nodes {{ number }} }} }} }}"),
    );
    assert_eq!(next["quote"]["versions"]["nodes"], json!([{ "number": 2 }]));
}

#[test]
fn every_mutation_again_is_the_same_command() {
    let desk = Desk::open();
    let maria = desk.contact("Maria");
    let drafting = draft(&format!("contactId: \"{maria}\", commandId: \"{}\" {OFFER}", command_id()));
    let quote = id(&desk.done(&drafting));
    let again = desk.done(&drafting);
    assert_eq!((&again["repeated"], id(&again)), (&json!(true), quote.clone()));
    let steps = [
        ("markQuoteSent", "version: 1"),
        ("rejectQuote", r#"version: 1, reason: "too dear""#),
        ("reviseQuote", OFFER),
        ("markQuoteSent", "version: 2"),
        ("acceptQuote", "version: 2"),
    ];
    for (revision, (mutation, values)) in steps.into_iter().enumerate() {
        let step =
            act(mutation, &quote, &format!("{values}, commandId: \"{}\", expectedRevision: {revision}", command_id()));
        let first = desk.done(&step);
        assert_eq!(
            (&first["repeated"], &first["quote"]["revision"]),
            // An acceptance brings its copy for the tax office along.
            (&json!(false), &json!(revision + 1 + usize::from(mutation == "acceptQuote"))),
            "{mutation}"
        );
        let again = desk.done(&step);
        assert_eq!((&again["repeated"], &again["position"]), (&json!(true), &first["position"]), "{mutation}");
    }
    let other = drafting.replace("1999", "1998");
    assert_eq!(desk.refused(Role::Agent, &other).0, "COMMAND_REUSED");
}

#[test]
fn what_a_quote_refuses_is_said_and_nothing_is_recorded() {
    let desk = Desk::open();
    let maria = desk.contact("Maria");
    let quote = drafted(&desk, &maria);
    let size = desk.size();
    let refused = |mutation: &str| {
        let (code, path, _) = desk.refused(Role::Agent, mutation);
        (code, path)
    };
    let of = |code: &str, path: &str| (code.to_owned(), path.to_owned());
    let with = |from: &str, to: &str| draft(&format!("contactId: \"{maria}\" {}", OFFER.replace(from, to)));
    assert_eq!(refused(&draft(OFFER)), of("VALIDATION", ""), "for nobody");
    assert_eq!(refused(&with("EUR", "DEM")), of("VALIDATION", "offer.currency"));
    assert_eq!(refused(&with("2026-10-31", "2026-09-20")), of("VALIDATION", "offer.validUntil"));
    assert_eq!(refused(&with("Pump\",", " \",")), of("VALIDATION", "offer.lines.0.description"));
    assert_eq!(refused(&with("\"2000\"", "0")), of("VALIDATION", ""));
    assert_eq!(refused(&with("\"2000\"", "-1")), of("VALIDATION", ""));
    assert_eq!(refused(&with("1999", "9223372036854775807")), of("VALIDATION", ""), "no sum that fits");
    assert_eq!(
        refused(&with("taxBasisPoints: 1900", "taxBasisPoints: 10001")),
        of("VALIDATION", "offer.lines.0.taxBasisPoints")
    );
    assert_eq!(refused(&act("markQuoteSent", &quote, "version: 2")), of("CONFLICT", ""));
    assert_eq!(refused(&act("acceptQuote", &quote, "version: 1")), of("CONFLICT", ""), "it was not sent");
    assert_eq!(refused(&act("rejectQuote", &quote, r#"version: 1, reason: " ""#)), of("VALIDATION", "reason"));
    assert_eq!(refused(&act("reviseQuote", &maria, OFFER)), of("VALIDATION", "quoteId"));
    let nobody = "quote_00000000000000000000000000000000";
    assert_eq!(refused(&act("acceptQuote", nobody, "version: 1")), of("NOT_FOUND", ""));
    let stale = desk.tried(Role::Agent, &act("reviseQuote", &quote, &format!("{OFFER}, expectedRevision: 3")));
    assert_eq!((&stale["errors"][0]["code"], &stale["errors"][0]["currentRevision"]), (&json!("CONFLICT"), &json!(0)));
    assert_eq!(desk.size(), size);

    desk.done(&act("markQuoteSent", &quote, "version: 1"));
    desk.done(&act("acceptQuote", &quote, "version: 1"));
    assert_eq!(refused(&act("reviseQuote", &quote, OFFER)), of("CONFLICT", ""), "nothing changes after an acceptance");
}

#[test]
fn an_accepted_quote_shows_what_was_accepted() {
    let desk = Desk::open();
    let maria = desk.contact("Maria");
    let quote = drafted(&desk, &maria);
    desk.done(&act("markQuoteSent", &quote, "version: 1"));
    let revised = desk.done(&act("reviseQuote", &quote, &OFFER.replace("EUR", "USD")));
    assert_eq!((&revised["quote"]["version"], &revised["quote"]["acceptedVersion"]), (&json!(2), &json!(null)));
    assert_eq!(revised["quote"]["accepted"], json!(null));
    let accepted = desk.done(&act("acceptQuote", &quote, "version: 1"))["quote"].clone();
    assert_eq!((&accepted["state"], &accepted["version"]), (&json!("ACCEPTED"), &json!(1)));
    assert_eq!((&accepted["acceptedVersion"], &accepted["accepted"]["number"]), (&json!(1), &json!(1)));
    assert_eq!(accepted["lastVersion"]["total"]["currency"], "EUR", "not the draft that nobody saw");
}

#[test]
fn a_quote_goes_out_behind_its_draft_and_is_answered_behind_that() {
    let desk = Desk::open();
    let maria = desk.contact("Maria");
    let quote = drafted(&desk, &maria);
    let early = r#"version: 1, effectiveAt: "2026-09-21T00:00:00Z""#;
    let refused = |mutation: &str| {
        let (code, path, _) = desk.refused(Role::Agent, &act(mutation, &quote, early));
        assert_eq!((&*code, &*path), ("VALIDATION", "effectiveAt"), "{mutation}");
    };
    refused("markQuoteSent");
    desk.done(&act("markQuoteSent", &quote, &format!("version: 1, effectiveAt: \"{NOW}\"")));
    refused("acceptQuote");
    refused("rejectQuote");
    desk.done(&act("acceptQuote", &quote, &format!("version: 1, effectiveAt: \"{NOW}\"")));
}

#[test]
fn a_sent_quote_expires_by_its_date_alone() {
    let desk = Desk::open();
    let maria = desk.contact("Maria");
    let (quote, other) = (drafted(&desk, &maria), drafted(&desk, &maria));
    desk.done(&act("markQuoteSent", &quote, "version: 1"));
    let size = desk.size();
    let in_state = |state: &str| {
        let query = format!(
            "{{ quotes(filter: {{ state: {state} }}) {{ nodes {{ id }} }} contact(id: \"{maria}\") {{ quotes(state: {state}) {{ nodes {{ id }} }} }} }}"
        );
        let data = desk.get(Role::Agent, &query);
        assert_eq!(data["quotes"], data["contact"]["quotes"]);
        data["quotes"]["nodes"].clone()
    };
    assert_eq!(
        (in_state("SENT"), in_state("EXPIRED"), in_state("DRAFT")),
        (json!([{ "id": quote }]), json!([]), json!([{ "id": other }]))
    );
    desk.app.ledger().clock().set(Time(NOW.0 + 60 * Time::DAY_MS));
    assert_eq!((in_state("SENT"), in_state("EXPIRED")), (json!([]), json!([{ "id": quote }])));
    let read =
        desk.get(Role::Agent, &format!("{{ quote(id: \"{quote}\") {{ state }} quotes {{ nodes {{ state }} }} }}"));
    assert_eq!(read["quote"]["state"], "EXPIRED");
    assert_eq!(read["quotes"]["nodes"], json!([{ "state": "EXPIRED" }, { "state": "DRAFT" }]));
    let (code, _, words) = desk.refused(Role::Agent, &act("acceptQuote", &quote, "version: 1"));
    assert_eq!((&*code, &*words), ("CONFLICT", "the last day of this quote is over: 2026-10-31"));
    assert_eq!(desk.size(), size);
}

#[test]
fn only_agents_make_quotes_and_the_dpo_reads_them() {
    let desk = Desk::open();
    let maria = desk.contact("Maria");
    let quote = drafted(&desk, &maria);
    let mutations = [
        draft(&format!("contactId: \"{maria}\" {OFFER}")),
        act("reviseQuote", &quote, OFFER),
        act("markQuoteSent", &quote, "version: 1"),
        act("acceptQuote", &quote, "version: 1"),
        act("rejectQuote", &quote, "version: 1"),
    ];
    for role in [Role::Integration, Role::Dpo, Role::Auditor, Role::Admin] {
        for mutation in &mutations {
            assert_eq!(desk.refused(role, mutation).0, "PERMISSION", "{role:?} {mutation}");
        }
    }
    let query = format!("{{ quote(id: \"{quote}\") {{ version }} quotes {{ nodes {{ version }} }} }}");
    assert_eq!(desk.get(Role::Dpo, &query)["quotes"]["nodes"], json!([{ "version": 1 }]));
    for role in [Role::Integration, Role::Auditor, Role::Admin] {
        assert_eq!(desk.ask(role, &query)["errors"][0]["extensions"]["code"], "FORBIDDEN", "{role:?}");
    }
}

#[test]
fn a_person_who_is_erased_takes_their_own_quotes_words_along_and_not_the_companys() {
    let desk = Desk::open();
    let (maria, acme) = (desk.contact("Maria"), desk.organization("Acme GmbH"));
    let own = drafted(&desk, &maria);
    let shared = id(&desk.done(&draft(&format!("contactId: \"{maria}\", organizationId: \"{acme}\" {OFFER}"))));
    desk.erase(&maria);
    let desk = desk.restart();
    let read =
        |quote: &str| desk.get(Role::Agent, &format!("{{ quote(id: \"{quote}\") {{ {READ} }} }}"))["quote"].clone();
    let (own_read, shared_read) = (read(&own), read(&shared));
    assert_eq!((&own_read["lastVersion"]["title"], &own_read["contact"]), (&json!(null), &json!(null)));
    assert_eq!(own_read["lastVersion"]["lines"][0]["description"], json!(null));
    assert_eq!(own_read["lastVersion"]["total"]["grossMinor"], "5240", "amounts stay");
    assert_eq!((&shared_read["contact"], &shared_read["lastVersion"]["title"]), (&json!(null), &json!("Two pumps")));
    for quote in [own_read, shared_read] {
        assert!(quote["erasure"]["reason"].as_str().unwrap().contains("logical"));
    }
    assert_eq!(desk.refused(Role::Agent, &act("reviseQuote", &own, OFFER)).0, "ERASED");
    desk.done(&act("reviseQuote", &shared, OFFER));
}

/// Everything under one key would have died with the person, or kept all of the rest alive.
#[test]
fn an_accepted_quote_keeps_what_an_invoice_needs_for_the_tax_office_alone() {
    let desk = Desk::open();
    let maria = desk.contact("Maria");
    let quote = drafted(&desk, &maria);
    desk.done(&act("markQuoteSent", &quote, "version: 1"));
    let other = desk.refused(Role::Agent, &act("acceptQuote", &quote, r#"version: 1, fiscalCountry: "FR""#));
    assert_eq!((other.0.as_str(), other.1.as_str()), ("VALIDATION", "fiscalCountry"), "{}", other.2);
    let command = command_id();
    let accept = act("acceptQuote", &quote, &format!("version: 1, commandId: \"{command}\""));
    desk.done(&accept);
    let kept = json!({ "recipient": "Maria", "title": "Two pumps", "descriptions": ["Pump", "Hose"] });
    let read = |desk: &Desk| {
        let fields = "voucher { recipient title descriptions } contact { firstName } lastVersion { title notes }";
        desk.get(Role::Agent, &format!("{{ quote(id: \"{quote}\") {{ {fields} }} }}"))["quote"].clone()
    };
    assert_eq!(read(&desk)["voucher"], kept, "the notes are nobody's business there");
    assert_eq!(desk.done(&accept)["repeated"], true, "a retry is the same command");
    desk.erase(&maria);
    let after = json!({ "voucher": kept, "contact": null, "lastVersion": { "title": null, "notes": null } });
    assert_eq!(read(&desk), after);
    let desk = desk.restart();
    assert_eq!(read(&desk), after, "replay is as it was live");
    let due = desk.app.retention_due().unwrap();
    assert_eq!(due, [], "the tax office has eight years");
    desk.app.ledger().clock().set("2035-01-01".parse::<domain::time::Day>().unwrap().start());
    let due: Vec<String> =
        desk.app.retention_due().unwrap().iter().map(|due| due.over.compartment.to_string()).collect();
    assert!(due.contains(&"fiscal(DE, 2026)".to_owned()), "{due:?}");
}
