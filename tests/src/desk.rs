//! What people at their desks send through GraphQL: contacts, notices, consents, erasures, with values that a test can name.

use rand::Rng;
use serde_json::{Value, json};

use crate::client::{Client, text};
use crate::server::until;

/// A command id as a client draws it.
pub fn command_id() -> String {
    format!("command_{:032x}", rand::rng().random::<u128>())
}

/// An id that names nothing.
pub fn nobody(kind: &str) -> String {
    format!("{kind}_{:032x}", rand::rng().random::<u128>())
}

/// The input that registers a person with one mail address.
pub fn person(first: &str, last: &str, mail: &str) -> Value {
    json!({
        "source": "PHONE", "reason": "ENQUIRY", "firstName": first, "lastName": last,
        "points": [{ "kind": "EMAIL", "value": mail }],
    })
}

/// Somebody who was registered.
#[derive(Clone, Debug)]
pub struct Registered {
    pub id: String,
    /// The contact point of the mail address.
    pub point: String,
    pub position: String,
}

/// Registers a person with one mail address.
pub fn register(agent: &Client, first: &str, last: &str, mail: &str) -> Registered {
    let done = agent.change("registerContact", &person(first, last, mail), "contact { id points { id } }");
    Registered {
        id: text(&done["contact"]["id"]),
        point: text(&done["contact"]["points"][0]["id"]),
        position: text(&done["position"]),
    }
}

/// Publishes a notice, as an input names it that was shown.
pub fn notice(dpo: &Client, purpose: &str) -> Value {
    let input = json!({ "purpose": purpose, "language": "en", "text": format!("May we write to you for {purpose}?") });
    let done = dpo.change("publishNotice", &input, "notice { id version }");
    json!({ "id": done["notice"]["id"], "version": done["notice"]["version"], "language": "en" })
}

/// A consent by mail on an agent's word.
pub fn consent(of: &Registered, purpose: &str, shown: &Value) -> Value {
    json!({
        "contactId": of.id, "purpose": purpose, "channel": "EMAIL", "pointId": of.point, "notice": shown,
        "source": "PHONE", "method": "SPOKEN",
    })
}

/// A request for a consent by mail, which gets a code.
pub fn asked(of: &Registered, purpose: &str, shown: &Value) -> Value {
    json!({
        "contactId": of.id, "purpose": purpose, "channel": "EMAIL", "pointId": of.point, "notice": shown,
        "source": "WEB_FORM", "method": "CHECKBOX",
    })
}

/// The withdrawal of all that a person agreed to for a purpose.
pub fn withdrawal(of: &Registered, purpose: &str) -> Value {
    json!({ "contactId": of.id, "purpose": purpose, "source": "EMAIL", "method": "WRITTEN" })
}

/// Whether this person may be written to: the answer as it stands.
pub fn may_contact(who: &Client, of: &Registered, purpose: &str) -> Value {
    let query = "query($contact: ID!, $purpose: String!, $point: ID!) {
        mayContact(contactId: $contact, purpose: $purpose, channel: EMAIL, pointId: $point) { allowed why decidedBy words }
    }";
    who.ask(query, json!({ "contact": of.id, "purpose": purpose, "point": of.point }))["mayContact"].clone()
}

/// A request to be forgotten, written on the day it came.
pub fn erasure_request(of: &Registered, words: &str) -> Value {
    let today = today();
    json!({
        "contactId": of.id, "ground": "CONSENT_WITHDRAWN", "how": "EMAIL", "askedOn": today,
        "identityCheck": "KNOWN_POINT", "identityOn": today, "words": words,
    })
}

/// Has somebody forgotten: asked for by one, approved by another. Returns the erasure's id and where it stands.
pub fn forget(asks: &Client, approves: &Client, of: &Registered) -> (String, String) {
    let asked = asks.change("requestErasure", &erasure_request(of, "please forget me"), "erasure { id }");
    let id = text(&asked["erasure"]["id"]);
    let approved = approves.change("approveErasure", &json!({ "erasureId": id }), "erasure { stage }");
    let stage = text(&approved["erasure"]["stage"]);
    if stage == "CERTIFIED" {
        until_swept(approves, &id);
    }
    (id, stage)
}

/// The sweep runs behind the answer, and its end is a record.
pub fn until_swept(officer: &Client, erasure: &str) {
    let query = "query($id: ID!) { erasure(id: $id) { certificate { residues { kind closed { on } } } } }";
    until("the sweep of an erasure", || {
        let found = officer.ask(query, json!({ "id": erasure }));
        let residues = found["erasure"]["certificate"]["residues"].as_array().expect("residues").clone();
        residues.iter().all(|residue| residue["kind"] != "SEALED_PARTS" || !residue["closed"].is_null())
    });
}

/// Today in UTC, as the API writes a day.
pub fn today() -> String {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    domain::time::Time(since.as_millis().try_into().unwrap()).day().to_string()
}
