use domain::actor::Role;
use serde_json::json;

use crate::graphql::testing::{Desk, command_id};

const REST: &str = "revision errors { message code path }";

fn register(more: &str) -> String {
    format!(
        "registerContact(input: {{ source: PHONE, reason: CONTRACT, firstName: \"Maria\" {more} }})
         {{ contact {{ id organization {{ id }} }} {REST} }}"
    )
}

fn change(contact: &str, more: &str) -> String {
    format!(
        "changeContact(input: {{ contactId: \"{contact}\", reason: CHANGE {more} }})
         {{ contact {{ id organization {{ id }} tags workAddress {{ country countryCode }} }} {REST} }}"
    )
}

fn organization(more: &str) -> String {
    format!(
        "registerOrganization(input: {{ source: PHONE, reason: CONTRACT, name: \"Acme\" {more} }})
         {{ organization {{ id }} {REST} }}"
    )
}

fn belongs(organization: &str, more: &str) -> String {
    format!(
        "changeOrganization(input: {{ organizationId: \"{organization}\", reason: CHANGE {more} }})
         {{ organization {{ id }} {REST} }}"
    )
}

#[test]
fn nothing_new_points_to_who_is_gone() {
    let desk = Desk::open();
    let (maria, acme) = (desk.contact("Maria"), desk.organization("Acme"));
    let (withheld, gone) = (desk.organization("Withheld"), desk.organization("Gone"));
    let (away, erased) = (desk.contact("Away"), desk.contact("Erased"));
    desk.fence(&withheld);
    desk.fence(&away);
    desk.erase(&gone);
    desk.erase(&erased);
    let nowhere = |kind: &str| format!("{kind}_00000000000000000000000000000000");
    let size = desk.size();
    let refused = |mutation: &str| {
        let (code, path, _) = desk.refused(Role::Agent, mutation);
        (code, path)
    };
    let answer = |code: &str, path: &str| (code.to_owned(), path.to_owned());
    for (id, code) in [(&withheld, "FENCED"), (&gone, "ERASED"), (&nowhere("organization"), "NOT_FOUND")] {
        let (employer, parent) = (format!("organizationId: \"{id}\""), format!("parentId: \"{id}\""));
        assert_eq!(refused(&register(&employer)), answer(code, "organizationId"));
        assert_eq!(refused(&change(&maria, &employer)), answer(code, "organizationId"));
        assert_eq!(refused(&organization(&parent)), answer(code, "parentId"));
        assert_eq!(refused(&belongs(&acme, &parent)), answer(code, "parentId"));
    }
    for (id, code) in [(&away, "FENCED"), (&erased, "ERASED"), (&nowhere("contact"), "NOT_FOUND")] {
        assert_eq!(refused(&register(&format!("samePersonAs: \"{id}\""))), answer(code, "samePersonAs"));
    }
    assert_eq!(refused(&register("organizationId: \"Acme\"")), answer("VALIDATION", "organizationId"));
    assert_eq!(refused(&register("samePersonAs: \"Maria\"")), answer("VALIDATION", "samePersonAs"));
    assert_eq!(desk.size(), size);
}

#[test]
fn who_points_to_an_organization_that_is_gone_can_be_said_again() {
    let desk = Desk::open();
    let acme = desk.organization("Acme");
    let first = register(&format!("organizationId: \"{acme}\", commandId: \"{}\"", command_id()));
    let registered = desk.done(&first);
    let maria = registered["contact"]["id"].as_str().unwrap();
    desk.fence(&acme);
    assert_eq!(desk.done(&first), registered, "a retry");
    let saved = desk.done(&change(maria, &format!("organizationId: \"{acme}\", jobTitle: \"Baker\"")));
    assert_eq!(saved["contact"]["organization"]["id"], json!(acme), "a form that gives back what it was given");
}
