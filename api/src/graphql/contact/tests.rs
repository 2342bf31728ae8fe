use domain::actor::Role;
use domain::contact::{Command, Field, Profile};
use domain::holding::{Holding, ReasonKind, SourceKind};
use domain::id::{ContactId, SubjectId};
use domain::organization;
use domain::profile::{Address, FieldPolicy};
use domain::value::Line;
use events::ledger::Fresh;
use serde_json::{Value, json};

use crate::graphql::testing::{Desk, command_id};
use crate::kept::NotKept;

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

fn company(more: &str) -> String {
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
fn a_tag_is_kept_once() {
    let desk = Desk::open();
    let maria = desk.contact("Maria");
    let changed = desk.done(&change(&maria, r#"tags: ["Key", "key", " KEY ", "new"]"#));
    assert_eq!(changed["contact"]["tags"], json!(["Key", "new"]));
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
        assert_eq!(refused(&company(&parent)), answer(code, "parentId"));
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

#[test]
fn an_address_reads_back_as_it_was_written() {
    let desk = Desk::open();
    let read = |contact: &Value| contact["contact"]["workAddress"].clone();
    for (written, code) in [("DE", "DE"), ("Germany", "DE"), ("at", "AT")] {
        let maria = desk.contact("Maria");
        let address = format!("workAddress: {{ country: \"{written}\" }}");
        let saved = desk.done(&change(&maria, &address));
        assert_eq!(read(&saved), json!({ "country": written, "countryCode": code }));
        assert_eq!(desk.done(&change(&maria, &address)), saved, "given back, it is no change");
    }
    let imported = desk.import(Address { country: Some(Line::parse("Ruritanien").unwrap()), ..Address::default() });
    let back = desk.done(&change(&imported, "workAddress: { city: \"Strelsau\", country: \"Ruritanien\" }"));
    assert_eq!(read(&back), json!({ "country": "Ruritanien", "countryCode": null }));
    let known = desk.done(&change(&imported, "workAddress: { country: \"Zenda\", countryCode: \"CZ\" }"));
    assert_eq!(read(&known), json!({ "country": "Zenda", "countryCode": "CZ" }));
    let refused = desk.refused(Role::Agent, &change(&imported, "workAddress: { country: \"Ruritanien\" }"));
    assert_eq!((refused.0.as_str(), refused.1.as_str()), ("VALIDATION", "workAddress.country"), "it is gone by now");
}

#[test]
fn a_number_is_read_as_of_the_country_of_its_contact() {
    let desk = Desk::open();
    let maria = desk.contact("Maria");
    desk.done(&change(&maria, "workAddress: { city: \"Berlin\", country: \"DE\" }"));
    let add = format!(
        "addContactPoint(input: {{ contactId: \"{maria}\", commandId: \"{}\", point: {{ kind: PHONE, value: \"030 7654321\" }} }})
         {{ contact {{ points {{ value normalized }} }} repeated {REST} }}",
        command_id()
    );
    let added = desk.done(&add);
    let point = json!([{ "value": "030 7654321", "normalized": "+49307654321" }]);
    assert_eq!(added["contact"]["points"], point);
    desk.done(&change(&maria, "workAddress: { country: \"AT\" }"));
    assert_eq!(desk.done(&add)["repeated"], true, "the country is the one that the command met");
}

#[test]
fn an_empty_list_where_there_is_none_is_no_change() {
    let desk = Desk::open();
    let maria = desk.contact("Maria");
    let size = desk.size();
    desk.done(&change(&maria, "tags: [], dates: [], socialLinks: []"));
    assert_eq!(desk.size(), size);
    assert_eq!(desk.done(&change(&maria, "tags: [\"a\"]"))["contact"]["tags"], json!(["a"]));
    assert_eq!(desk.done(&change(&maria, "tags: []"))["contact"]["tags"], json!([]));
}

#[test]
fn what_is_wrong_is_named_by_the_way_to_it() {
    let desk = Desk::open();
    let maria = desk.contact("Maria");
    let path = |mutation: &str| desk.refused(Role::Agent, mutation).1;
    let point = "{ kind: EMAIL, value: \"ada\" }";
    let add = format!("addContactPoint(input: {{ contactId: \"{maria}\", point: {point} }}) {{ {REST} }}");
    assert_eq!(path(&add), "point.value");
    let good = "{ kind: EMAIL, value: \"ada@people.example\" }";
    assert_eq!(path(&register(&format!("points: [{good}, {point}]"))), "points.1.value");
    let dates = "dates: [{ label: \"\", day: \"2020-01-01\" }]";
    assert_eq!(path(&register(dates)), "dates.0.label");
    assert_eq!(path(&register("workAddress: { lines: [\"a\", \"\"] }")), "workAddress.lines.1");
    assert_eq!(path(&register("oldId: { source: \"\", id: \"7\" }")), "oldId.source");
    let card = "4111 1111 1111 1111";
    assert_eq!(path(&change(&maria, &format!("notes: \"{card}\""))), "notes");
    assert_eq!(path(&register(&format!("sourceWords: \"{card}\""))), "sourceWords");
    assert_eq!(path(&register("holdUntil: \"2020-01-01\"")), "holdUntil");
    let moved = "deliveryAddresses: [{ address: { city: \"Berlin\" } }, { address: { country: \"Atlantis\" } }]";
    assert_eq!(path(&company(moved)), "deliveryAddresses.1.address.country");
    let nowhere = "point_00000000000000000000000000000000";
    let retire =
        format!("retireContactPoint(input: {{ contactId: \"{maria}\", pointId: \"{nowhere}\" }}) {{ {REST} }}");
    assert_eq!(path(&retire), "pointId");
}

#[test]
fn a_former_systems_id_is_read_back() {
    let desk = Desk::open();
    let registered = desk.done(&register("oldId: { source: \"Northwind\", id: \"ALFKI\" }"));
    let query = format!("{{ contact(id: {}) {{ oldId {{ source id }} }} }}", registered["contact"]["id"]);
    assert_eq!(desk.get(Role::Agent, &query)["contact"]["oldId"], json!({ "source": "Northwind", "id": "ALFKI" }));
}

#[test]
fn a_field_that_is_not_kept_is_refused_by_its_name() {
    let contacts = FieldPolicy::refusing([Field::Birthday, Field::WorkAddress]);
    let organizations = FieldPolicy::refusing([organization::Field::Parent]);
    let desk = Desk::open().keeping(NotKept { contacts, organizations });
    let (maria, acme) = (desk.contact("Maria"), desk.organization("Acme"));
    let size = desk.size();
    let path = |mutation: &str| {
        let (code, path, words) = desk.refused(Role::Agent, mutation);
        assert_eq!(code, "VALIDATION", "{words}");
        assert!(words.ends_with("is not kept here"), "{words}");
        path
    };
    assert_eq!(path(&register("birthday: \"1970-01-01\"")), "birthday");
    assert_eq!(path(&change(&maria, "workAddress: { city: \"Berlin\" }")), "workAddress");
    assert_eq!(path(&company(&format!("parentId: \"{acme}\""))), "parentId");
    assert_eq!(path(&belongs(&desk.organization("B"), &format!("parentId: \"{acme}\""))), "parentId");
    assert_eq!(desk.size(), size + 1, "only the organization that was to belong to another");
    desk.done(&change(&maria, "birthday: null, tags: [\"a\"]"));
}

impl Desk {
    /// A contact as an import brings it in, where nobody knows the country.
    fn import(&self, work_address: Address) -> String {
        let mut fresh = Fresh::new();
        let (id, subject): (ContactId, SubjectId) = (fresh.id().unwrap(), fresh.id().unwrap());
        let last_name = Some(Line::parse("Rassendyll").unwrap());
        let profile = Profile { last_name, work_address: Some(work_address), ..Profile::default() };
        let holding = Holding { source: SourceKind::Import, reason: ReasonKind::Contract, hold_until: None };
        let command =
            Command::Register { subject, holding, profile: Box::new(profile), policy: FieldPolicy::default() };
        self.submit::<domain::contact::Contact>(id.0, self.viewer(Role::Agent).actor, command);
        id.to_string()
    }
}
