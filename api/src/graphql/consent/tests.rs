//! Consent through the schema: asked, confirmed, taken back, seen from other days, and by whom.

use domain::actor::Role::{self, Admin, Agent, Auditor, Dpo, Integration};
use domain::time::Time;
use serde_json::{Value, json};

use crate::graphql::testing::{Desk, NOW, command_id};

const ERRORS: &str = "errors { message code path currentRevision }";

/// A desk, a notice for the newsletter and one for news about products.
struct Office {
    desk: Desk,
    newsletter: String,
    news: String,
}

/// A contact with a mail address and a mobile number.
struct Someone {
    id: String,
    mail: String,
    mobile: String,
}

impl Office {
    fn open() -> Self {
        let desk = Desk::open();
        let newsletter = publish(&desk, "newsletter", "May we write to you?");
        let news = publish(&desk, "product-news", "May we tell you of new products?");
        Self { desk, newsletter, news }
    }

    fn someone(&self, name: &str) -> Someone {
        self.register(name, "")
    }

    fn register(&self, name: &str, more: &str) -> Someone {
        let payload = self.desk.done(&format!(
            r#"registerContact(input: {{ source: WEB_FORM, reason: CONSENT, firstName: "{name}" {more}, points: [
                {{ kind: EMAIL, value: "{name}@a.example" }}, {{ kind: MOBILE, value: "+49 151 5550{}" }}
            ] }}) {{ contact {{ id points {{ id kind }} }} {ERRORS} }}"#,
            1000 + name.len()
        ));
        let contact = &payload["contact"];
        Someone {
            id: text(&contact["id"]),
            mail: text(&contact["points"][0]["id"]),
            mobile: text(&contact["points"][1]["id"]),
        }
    }

    fn request(&self, who: &Someone, more: &str) -> String {
        format!(
            r#"requestConsent(input: {{ contactId: "{}", purpose: "newsletter", channel: EMAIL, pointId: "{}",
                notice: {{ id: "{}", version: 1, language: "en" }}, source: WEB_FORM, method: CHECKBOX {more} }})
               {{ code consentsId expiresAt position repeated recordHash revision consents {{ {ENTRIES} }} {ERRORS} }}"#,
            who.id, who.mail, self.newsletter
        )
    }

    fn asked(&self, who: &Someone) -> String {
        let payload = self.desk.tried(Integration, &self.request(who, ""));
        assert_eq!(payload["errors"], json!([]));
        text(&payload["code"])
    }

    fn give(&self, who: &Someone, channel: &str, more: &str) -> String {
        let point = if channel == "EMAIL" { &who.mail } else { &who.mobile };
        format!(
            r#"giveConsent(input: {{ contactId: "{}", purpose: "product-news", channel: {channel}, pointId: "{point}",
                notice: {{ id: "{}", version: 1, language: "en" }}, source: PHONE, method: SPOKEN {more} }})
               {{ repeated position revision consents {{ id {ENTRIES} }} {ERRORS} }}"#,
            who.id, self.news
        )
    }

    fn may(&self, who: &Someone, purpose: &str, channel: &str, day: &str) -> (bool, String, Value) {
        let point = if channel == "EMAIL" { &who.mail } else { &who.mobile };
        let data = self.desk.get(
            Agent,
            &format!(
                r#"{{ mayContact(contactId: "{}", purpose: "{purpose}", channel: {channel}, pointId: "{point}" {day})
                   {{ allowed basis why words decidedBy }} }}"#,
                who.id
            ),
        );
        let may = &data["mayContact"];
        (may["allowed"].as_bool().unwrap(), text(&may["why"]), may["decidedBy"].clone())
    }

    fn consents(&self, role: Role, which: &str) -> Value {
        let query = format!("{{ consents({which}) {{ id asOf knownAt erasure {{ reason }} {ENTRIES} {RECORDS} }} }}");
        self.desk.get(role, &query)["consents"].clone()
    }

    fn move_to(&self, days: i64) {
        self.desk.app.ledger().clock().set(NOW.plus_ms(days * Time::DAY_MS));
    }
}

const ENTRIES: &str =
    "entries { state evidence purpose channel pointId pointValue validUntil pending decidedBy position
    notice { id version hash } source method contactId words recordedAt effectiveAt late }";
const RECORDS: &str = "records { state evidence purpose channel pointId pointValue words position late codeExpiresAt }";

fn publish(desk: &Desk, purpose: &str, words: &str) -> String {
    let payload = desk.tried(
        Dpo,
        &format!(
            r#"publishNotice(input: {{ purpose: "{purpose}", language: "en", text: "{words}",
                effectiveAt: "2026-07-01T00:00:00Z" }})
               {{ notice {{ id }} {ERRORS} }}"#
        ),
    );
    text(&payload["notice"]["id"])
}

fn confirm(code: &str) -> String {
    format!(
        r#"confirmConsent(input: {{ code: "{code}", source: WEB_FORM }}) {{ position consents {{ id {ENTRIES} }} {ERRORS} }}"#
    )
}

fn no(verb: &str, who: &Someone, scope: &str) -> String {
    format!(
        r#"{verb}(input: {{ contactId: "{}", source: PHONE, method: SPOKEN {scope} }})
           {{ repeated position consents {{ id {ENTRIES} }} {ERRORS} }}"#,
        who.id
    )
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}

fn codes(payload: &Value) -> Vec<String> {
    payload["errors"].as_array().unwrap().iter().map(|error| text(&error["code"])).collect()
}

#[test]
fn a_double_opt_in_from_the_question_to_the_yes() {
    let office = Office::open();
    let anna = office.someone("Anna");
    assert_eq!(office.may(&anna, "newsletter", "EMAIL", "").1, "NEVER_ASKED");
    let asked = office.desk.tried(Integration, &office.request(&anna, ""));
    assert_eq!(asked["errors"], json!([]));
    assert_eq!(asked["expiresAt"], "2026-10-05T14:13:20.000Z");
    assert!(text(&asked["consentsId"]).starts_with("consents_"));
    assert_eq!(asked["consents"]["entries"][0]["state"], "REQUESTED");
    assert_eq!(office.may(&anna, "newsletter", "EMAIL", ""), (false, "NOT_ANSWERED".into(), asked["position"].clone()));

    let yes = office.desk.tried(Integration, &confirm(&text(&asked["code"])));
    assert_eq!(yes["errors"], json!([]));
    let entry = &yes["consents"]["entries"][0];
    assert_eq!((&entry["state"], &entry["evidence"]), (&json!("CONFIRMED"), &json!("CONFIRMED_BY_CODE")));
    assert_eq!((&entry["purpose"], &entry["channel"]), (&json!("newsletter"), &json!("EMAIL")));
    assert_eq!((&entry["pointId"], &entry["validUntil"]), (&json!(anna.mail), &json!("2028-09-21")));
    assert_eq!((&entry["method"], &entry["decidedBy"]), (&json!("CODE"), &yes["position"]));
    let hash: String = blake3::hash(b"May we write to you?").to_hex().to_string();
    assert_eq!(entry["notice"], json!({ "id": office.newsletter, "version": 1, "hash": hash }));
    assert_eq!(office.may(&anna, "newsletter", "EMAIL", ""), (true, "CONFIRMED".into(), yes["position"].clone()));
    assert_eq!(office.may(&anna, "newsletter", "EMAIL", "day: \"2028-09-22\"").1, "EXPIRED");
}

#[test]
fn a_word_without_the_code_is_never_a_confirmed_opt_in() {
    let office = Office::open();
    let anna = office.someone("Anna");
    let given =
        office.give(&anna, "EMAIL", "").replace("product-news", "newsletter").replace(&office.news, &office.newsletter);
    let given = office.desk.done(&given);
    assert_eq!(given["consents"]["entries"][0]["evidence"], "AGENTS_WORD");
    assert_eq!(office.may(&anna, "newsletter", "EMAIL", "").1, "NOT_CONFIRMED");
    let (code, _, _) = office.desk.refused(Agent, &office.give(&anna, "EMAIL", "").replace("SPOKEN", "CODE"));
    assert_eq!(code, "VALIDATION");
}

#[test]
fn every_wrong_code_has_its_own_answer_and_changes_nothing() {
    let office = Office::open();
    let (anna, bert, carl) = (office.someone("Anna"), office.someone("Bert"), office.someone("Carl"));
    let (used, over, overruled) = (office.asked(&anna), office.asked(&bert), office.asked(&carl));
    office.desk.tried(Integration, &confirm(&used));
    office.desk.done(&no("withdrawConsent", &carl, ""));
    office.move_to(15);
    let size = office.desk.size();
    for (presented, code) in [
        ("my code", "VALIDATION"),
        ("0000-0000-0000-0000-0000-0000-0000", "NOT_FOUND"),
        (&used, "CODE_USED"),
        (&over, "CODE_EXPIRED"),
        (&overruled, "CODE_OVERRULED"),
    ] {
        let payload = office.desk.tried(Integration, &confirm(presented));
        assert_eq!((codes(&payload), &payload["consents"]), (vec![code.to_owned()], &Value::Null), "{payload}");
    }
    assert_eq!(office.desk.size(), size);
}

#[test]
fn a_code_goes_to_no_person() {
    let office = Office::open();
    let anna = office.someone("Anna");
    for role in [Agent, Dpo, Auditor, Admin] {
        assert_eq!(office.desk.refused(role, &office.request(&anna, "")).0, "PERMISSION", "{role:?}");
        assert_eq!(office.desk.refused(role, &confirm("x")).0, "PERMISSION", "{role:?}");
    }
    let mut viewer = office.desk.viewer(Integration).clone();
    viewer.roles = vec![Agent, Integration];
    let request = async_graphql::Request::new(format!("mutation {{ it: {} }}", office.request(&anna, ""))).data(viewer);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let answer = runtime.block_on(crate::graphql::schema(office.desk.app.clone()).execute(request));
    let payload = answer.data.into_json().unwrap()["it"].clone();
    assert_eq!((codes(&payload), &payload["code"]), (vec!["PERMISSION".to_owned()], &Value::Null));
}

#[test]
fn a_day_and_a_state_of_knowledge_are_two_questions() {
    let office = Office::open();
    let anna = office.someone("Anna");
    // Said on 1 August, written down on 21 September; taken back three days later.
    office.desk.done(&office.give(&anna, "EMAIL", r#", effectiveAt: "2026-08-01T10:00:00Z", words: "on the phone""#));
    office.move_to(3);
    office.desk.done(&no("withdrawConsent", &anna, ""));
    let of = |more: &str| {
        let consents = office.consents(Agent, &format!(r#"contactId: "{}" {more}"#, anna.id));
        let entries = consents["entries"].as_array().unwrap().clone();
        let exact = entries.iter().find(|entry| entry["pointId"] != Value::Null);
        exact.map(|entry| (text(&entry["state"]), entry["late"].clone()))
    };
    assert_eq!(of(""), Some(("WITHDRAWN".into(), json!(false))));
    assert_eq!(of(r#"asOf: "2026-09-23""#), Some(("GIVEN".into(), json!(true))));
    assert_eq!(of(r#"asOf: "2026-07-31""#), None);
    assert_eq!(of(r#"asOf: "2026-08-02", knownAt: "2026-08-02T00:00:00Z""#), None);
    assert_eq!(of(r#"knownAt: "2026-09-22T00:00:00Z""#), Some(("GIVEN".into(), json!(true))));
    assert!(office.may(&anna, "product-news", "EMAIL", r#"day: "2026-09-22""#).0);
    assert!(!office.may(&anna, "product-news", "EMAIL", r#"day: "2026-09-22", knownAt: "2026-09-01T00:00:00Z""#).0);
    let node = office.desk.get(
        Agent,
        &format!(
            r#"{{ contact(id: "{}") {{ consents(asOf: "2026-09-22") {{ asOf records {{ state words }} }} }} }}"#,
            anna.id
        ),
    );
    let records = json!([{ "state": "GIVEN", "words": "on the phone" }]);
    assert_eq!(node["contact"]["consents"], json!({ "asOf": "2026-09-22", "records": records }));
}

#[test]
fn a_no_reaches_what_it_names_and_the_least_permissive_rule_wins() {
    let office = Office::open();
    let anna = office.someone("Anna");
    office.desk.done(&office.give(&anna, "EMAIL", ""));
    office.desk.done(&office.give(&anna, "SMS", ""));
    office.desk.done(&no("withdrawConsent", &anna, ", channel: SMS"));
    assert_eq!(office.may(&anna, "product-news", "EMAIL", "").1, "GIVEN");
    assert_eq!(office.may(&anna, "product-news", "SMS", "").1, "WITHDRAWN");
    office.desk.done(&no("withdrawConsent", &anna, &format!(r#", purpose: "newsletter", pointId: "{}""#, anna.mail)));
    assert_eq!(office.may(&anna, "product-news", "EMAIL", "").1, "GIVEN");
    let objected = office.desk.done(&no("objectToProcessing", &anna, ""));
    assert_eq!(
        office.may(&anna, "product-news", "EMAIL", ""),
        (false, "OBJECTED".into(), objected["position"].clone())
    );
    assert_eq!(office.may(&anna, "newsletter", "EMAIL", "").1, "OBJECTED");
    // A contract needs no consent and yields to no objection.
    assert_eq!(office.may(&anna, "contract", "EMAIL", ""), (true, "NEVER_WAITS".into(), Value::Null));
    let refused = office.desk.done(&no(
        "refuseConsent",
        &anna,
        &format!(r#", purpose: "customer-survey", channel: EMAIL, pointId: "{}""#, anna.mail),
    ));
    assert_eq!(office.may(&anna, "customer-survey", "EMAIL", "").2, refused["position"]);
}

#[test]
fn what_is_not_so_is_no_yes() {
    let office = Office::open();
    let (anna, bert) = (office.someone("Anna"), office.someone("Bert"));
    assert_eq!(office.may(&anna, "no-such-thing", "EMAIL", "").1, "NO_SUCH_PURPOSE");
    assert_eq!(office.may(&anna, "newsletter", "SMS", "").1, "CHANNEL_NOT_USED");
    let foreign = Someone { id: anna.id.clone(), mail: bert.mail.clone(), mobile: bert.mobile.clone() };
    assert_eq!(office.may(&foreign, "newsletter", "EMAIL", "").1, "NO_SUCH_POINT");
    let crossed = Someone { id: anna.id.clone(), mail: anna.mobile.clone(), mobile: anna.mail.clone() };
    assert_eq!(office.may(&crossed, "contract", "EMAIL", "").1, "NO_SUCH_POINT", "nobody mails a number");
    assert_eq!(office.may(&crossed, "product-news", "SMS", "").1, "NO_SUCH_POINT");
    let size = office.desk.size();
    let give = |more: &dyn Fn(String) -> String| office.desk.refused(Agent, &more(office.give(&anna, "EMAIL", "")));
    assert_eq!(office.desk.refused(Agent, &office.give(&foreign, "EMAIL", "")).0, "NOT_FOUND");
    assert_eq!(give(&|input| input.replace("channel: EMAIL", "channel: PHONE")).0, "NOT_FOUND");
    assert_eq!(give(&|input| input.replace("\"product-news\"", "\"anna-muster\"")).0, "NOT_FOUND");
    assert_eq!(give(&|input| input.replace("\"product-news\"", "\"newsletter\"")).0, "VALIDATION");
    assert_eq!(give(&|input| input.replace("\"product-news\"", "\"contract\"")).0, "VALIDATION");
    assert_eq!(give(&|input| input.replace("version: 1", "version: 2")).0, "NOT_FOUND");
    assert_eq!(give(&|input| input.replace("\"en\"", "\"de\"")).0, "NOT_FOUND");
    let early = office.give(&anna, "EMAIL", r#", effectiveAt: "2026-06-30T00:00:00Z""#);
    let (code, path, _) = office.desk.refused(Agent, &early);
    assert_eq!((&*code, &*path), ("VALIDATION", "effectiveAt"), "the notice was not published then");
    let nowhere = "contact_00000000000000000000000000000000";
    assert_eq!(
        give(&|input| input.replace(&anna.id, nowhere)),
        ("NOT_FOUND".into(), "contactId".into(), "there is no such contact".into())
    );
    // Nothing but what the register and the contact know becomes a fact.
    assert_eq!(office.desk.refused(Agent, &no("withdrawConsent", &anna, r#", purpose: "anna-muster""#)).0, "NOT_FOUND");
    let other = no("objectToProcessing", &anna, &format!(r#", pointId: "{}""#, bert.mail));
    assert_eq!(office.desk.refused(Agent, &other).0, "NOT_FOUND");
    assert_eq!(office.desk.size(), size);
}

#[test]
fn a_retired_point_answers_for_the_days_it_was_in_use() {
    let office = Office::open();
    let anna = office.someone("Anna");
    office.desk.done(&office.give(&anna, "EMAIL", ""));
    office.move_to(5);
    office.desk.done(&format!(
        r#"retireContactPoint(input: {{ contactId: "{}", pointId: "{}" }}) {{ {ERRORS} }}"#,
        anna.id, anna.mail
    ));
    let may = |day: &str| office.may(&anna, "product-news", "EMAIL", day).1;
    assert_eq!(may(""), "NO_SUCH_POINT");
    assert_eq!(may(r#"day: "2026-09-26""#), "NO_SUCH_POINT", "from the day of its retirement on");
    assert_eq!(may(r#"day: "2026-09-25""#), "GIVEN");
    assert_eq!(may(r#"knownAt: "2026-09-25T00:00:00Z""#), "GIVEN");
}

#[test]
fn an_auditor_reads_by_the_streams_id_and_sees_nobody() {
    let office = Office::open();
    let anna = office.someone("Anna");
    let given = office.desk.done(&office.give(&anna, "EMAIL", r#", words: "at the fair""#));
    let id = text(&given["consents"]["id"]);
    let (by_id, by_contact) = (format!(r#"id: "{id}""#), format!(r#"contactId: "{}""#, anna.id));
    for (role, sees) in [(Agent, true), (Dpo, true), (Auditor, false), (Integration, false)] {
        let entry = office.consents(role, &by_id)["entries"][0].clone();
        assert_eq!(entry["pointId"], json!(anna.mail), "{role:?}");
        assert_eq!(entry["pointValue"], if sees { json!("Anna@a.example") } else { Value::Null }, "{role:?}");
        assert_eq!(entry["words"], if sees { json!("at the fair") } else { Value::Null }, "{role:?}");
        assert_eq!(entry["contactId"], if sees { json!(anna.id) } else { Value::Null }, "{role:?}");
    }
    assert_eq!(office.consents(Integration, &by_contact)["id"], json!(id));
    let node =
        |id: &str| office.desk.get(Agent, &format!(r#"{{ node(id: "{id}") {{ __typename id }} }}"#))["node"].clone();
    assert_eq!(node(&id), json!({ "__typename": "Consents", "id": id }));
    assert_eq!(node(&office.news), json!({ "__typename": "Notice", "id": office.news }));
    for (role, which) in [(Auditor, &by_contact), (Admin, &by_id)] {
        let answer = office.desk.ask(role, &format!("{{ consents({which}) {{ id }} }}"));
        assert_eq!(answer["errors"][0]["extensions"]["code"], "FORBIDDEN", "{role:?}");
    }
    let answer = office.desk.ask(Agent, "{ consents { id } }");
    assert_eq!(answer["errors"][0]["extensions"]["code"], "BAD_USER_INPUT");
}

#[test]
fn who_may_speak_of_consent() {
    let office = Office::open();
    let anna = office.someone("Anna");
    let point = format!(r#", purpose: "newsletter", channel: EMAIL, pointId: "{}""#, anna.mail);
    let mutations = [
        office.give(&anna, "EMAIL", ""),
        no("refuseConsent", &anna, &point),
        no("withdrawConsent", &anna, ""),
        no("objectToProcessing", &anna, ""),
    ];
    for mutation in &mutations {
        for role in [Agent, Integration] {
            assert_eq!(office.desk.tried(role, mutation)["errors"], json!([]), "{role:?} {mutation}");
        }
        for role in [Dpo, Auditor, Admin] {
            assert_eq!(office.desk.refused(role, mutation).0, "PERMISSION", "{role:?} {mutation}");
        }
    }
}

#[test]
fn a_retry_is_the_same_command_and_never_gets_the_code_again() {
    let office = Office::open();
    let anna = office.someone("Anna");
    let more = format!(r#", commandId: "{}""#, command_id());
    let first = office.desk.tried(Integration, &office.request(&anna, &more));
    office.desk.app.ledger().clock().set(NOW.plus_ms(70_001));
    let again = office.desk.tried(Integration, &office.request(&anna, &more));
    assert_eq!((&again["errors"], &again["repeated"], &again["code"]), (&json!([]), &json!(true), &Value::Null));
    for same in ["position", "recordHash", "consentsId", "expiresAt", "revision"] {
        assert_eq!(again[same], first[same], "{same}");
    }
    let other = office.desk.tried(Integration, &office.request(&anna, &format!("{more}, codeDays: 3")));
    assert_eq!(codes(&other), ["COMMAND_REUSED"]);
    assert_eq!(office.desk.tried(Integration, &confirm(&text(&first["code"])))["errors"], json!([]));

    // What it rested on may have changed since.
    let give = office.give(&anna, "EMAIL", &format!(r#", commandId: "{}""#, command_id()));
    let given = office.desk.done(&give);
    office.desk.app.ledger().clock().set(NOW.plus_ms(90_001));
    office.desk.done(&format!(
        r#"retireContactPoint(input: {{ contactId: "{}", pointId: "{}" }}) {{ {ERRORS} }}"#,
        anna.id, anna.mail
    ));
    let purpose = office.desk.tried(
        Dpo,
        &format!(
            r#"setPurpose(input: {{ slug: "product-news", title: "News", basis: CONSENT, compartment: RELATIONSHIP,
                channels: [POST], waitsForConsent: true, retired: true }}) {{ {ERRORS} }}"#
        ),
    );
    assert_eq!(purpose["errors"], json!([]));
    let again = office.desk.done(&give);
    assert_eq!((&again["repeated"], &again["position"]), (&json!(true), &given["position"]));
    assert_eq!(office.desk.refused(Agent, &office.give(&anna, "EMAIL", "")).0, "VALIDATION");
}

#[test]
fn a_retry_is_the_same_command_while_the_clock_runs() {
    use std::sync::atomic::{AtomicBool, Ordering};
    let office = Office::open();
    let clock = office.desk.app.ledger().clock();
    let done = AtomicBool::new(false);
    let tried = std::thread::scope(|scope| {
        scope.spawn(|| (1..).take_while(|_| !done.load(Ordering::Acquire)).for_each(|ms| clock.set(NOW.plus_ms(ms))));
        let tried = (0..200).map(|number| {
            let request = office.request(&office.someone(&format!("Anna{number}")), "");
            let request =
                request.replace("method: CHECKBOX", &format!(r#"method: CHECKBOX, commandId: "{}""#, command_id()));
            (office.desk.tried(Integration, &request), office.desk.tried(Integration, &request))
        });
        // Until one was written later than it was decided.
        let moved = |first: &Value| {
            let entry = &first["consents"]["entries"][0];
            entry["recordedAt"] != entry["effectiveAt"]
        };
        let tried = tried.into_iter().find(|(first, _)| moved(first));
        done.store(true, Ordering::Release);
        tried
    });
    let (first, again) = tried.expect("the clock moved between deciding and writing");
    assert_eq!((&again["errors"], &again["repeated"]), (&json!([]), &json!(true)));
    assert_eq!(again["expiresAt"], first["expiresAt"]);
}

#[test]
fn a_stale_revision_is_told_the_current_one() {
    let office = Office::open();
    let anna = office.someone("Anna");
    office.desk.done(&office.give(&anna, "EMAIL", ""));
    office.desk.done(&office.give(&anna, "SMS", ", expectedRevision: 0"));
    let stale = office.desk.tried(Agent, &office.give(&anna, "PHONE", ", expectedRevision: 0"));
    assert_eq!((codes(&stale), &stale["errors"][0]["currentRevision"]), (vec!["CONFLICT".to_owned()], &json!(1)));
}

#[test]
fn the_first_consents_of_one_person_end_in_one_stream() {
    let office = Office::open();
    for number in 0..20 {
        let anna = office.someone(&format!("Anna{number}"));
        let other = office.register("Anne", &format!(r#", samePersonAs: "{}""#, anna.id));
        let given = |who: &Someone, channel: &str| {
            let payload = office.desk.tried(Agent, &office.give(who, channel, ""));
            assert_eq!(payload["errors"], json!([]));
            text(&payload["consents"]["id"])
        };
        let ids = std::thread::scope(|scope| {
            let all = [(&anna, "EMAIL"), (&other, "EMAIL"), (&anna, "SMS"), (&other, "SMS")];
            let all = all.map(|(who, channel)| scope.spawn(move || given(who, channel)));
            all.map(|one| one.join().unwrap())
        });
        assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
        let consents = office.consents(Agent, &format!(r#"contactId: "{}""#, other.id));
        assert_eq!(consents["entries"].as_array().unwrap().len(), 4);
    }
}

#[test]
fn about_the_fenced_and_the_erased_nothing_is_written() {
    let office = Office::open();
    for (gone, code) in [(false, "FENCED"), (true, "ERASED")] {
        let anna = office.someone("Anna");
        let given = office.desk.done(&office.give(&anna, "EMAIL", r#", words: "on the phone""#));
        assert_eq!(given["consents"]["entries"][0]["words"], "on the phone");
        let sent = office.asked(&anna);
        if gone {
            office.desk.erase(&anna.id);
        } else {
            office.desk.fence(&anna.id);
        }
        let size = office.desk.size();
        assert_eq!(office.desk.refused(Agent, &office.give(&anna, "EMAIL", "")).0, code);
        assert_eq!(office.desk.refused(Agent, &no("withdrawConsent", &anna, "")).0, code);
        assert_eq!(codes(&office.desk.tried(Integration, &office.request(&anna, ""))), [code]);
        assert_eq!(codes(&office.desk.tried(Integration, &confirm(&sent))), [code]);
        assert_eq!(office.may(&anna, "product-news", "EMAIL", "").1, "CONTACT_GONE");
        assert_eq!(office.desk.size(), size);
        assert_eq!(office.consents(Agent, &format!(r#"contactId: "{}""#, anna.id)), Value::Null);
        // The trail stays for the auditor; the address does not, for anybody.
        let stays = office.consents(Dpo, &format!(r#"id: "{}""#, text(&given["consents"]["id"])));
        let entries = stays["entries"].as_array().unwrap();
        assert_eq!(entries.len(), 2);
        for personal in ["pointValue", "contactId", "words"] {
            assert!(entries.iter().all(|entry| entry[personal] == Value::Null), "{personal}: {stays}");
        }
        let reason = if gone { "erased (logical" } else { "withheld" };
        assert!(text(&stays["erasure"]["reason"]).starts_with(reason), "{stays}");
    }
}

#[test]
fn contacts_are_listed_by_consent() {
    let office = Office::open();
    let (anna, bert) = (office.someone("Anna"), office.someone("Bert"));
    office.someone("Carl");
    office.desk.done(&office.give(&anna, "EMAIL", ""));
    office.desk.done(&office.give(&bert, "EMAIL", ""));
    office.desk.done(&no("withdrawConsent", &bert, ""));
    let names = |more: &str| {
        let data = office.desk.get(Agent, &format!("{{ contacts({more}) {{ nodes {{ firstName }} }} }}"));
        let nodes = data["contacts"]["nodes"].as_array().unwrap().clone();
        nodes.iter().map(|node| text(&node["firstName"])).collect::<Vec<_>>()
    };
    let in_state = |states: &str| format!(r#"consent: {{ purpose: "product-news", states: [{states}] }}"#);
    assert_eq!(names(&in_state("GIVEN")), ["Anna"]);
    assert_eq!(names(&in_state("WITHDRAWN")), ["Bert"]);
    assert_eq!(names(&in_state("GIVEN, WITHDRAWN")), ["Anna", "Bert"]);
    assert_eq!(names(&format!(r#"search: "be", {}"#, in_state("GIVEN, WITHDRAWN"))), ["Bert"]);
    office.move_to(800);
    assert_eq!(names(&in_state("GIVEN")), Vec::<String>::new());
    assert_eq!(names(&in_state("EXPIRED")), ["Anna"]);
}
