use domain::actor::{Actor, Command, Role};
use domain::time::Time;
use serde_json::json;

use crate::graphql::testing::{Desk, NOW, command_id};
use crate::http::auth::{AuthError, Authenticate as _};

const TOKEN: &str =
    "token { id label state expiresAt actor { id name } } repeated revision errors { message code path }";

fn issue(actor: &str, more: &str) -> String {
    format!("issueToken(input: {{ actorId: \"{actor}\" {more} }}) {{ secret {TOKEN} }}")
}

#[test]
fn a_token_lets_in_until_it_is_revoked() {
    let desk = Desk::open();
    let agent = desk.viewer(Role::Agent).actor;
    let command = command_id();
    let asked = issue(&agent.to_string(), &format!("label: \"laptop\" commandId: \"{command}\""));
    let issued = desk.tried(Role::Admin, &asked);
    assert_eq!(issued["errors"], json!([]), "{issued}");
    let secret = issued["secret"].as_str().unwrap();
    assert!(secret.starts_with("lethe_") && secret.len() == 70, "256 bits");
    assert_eq!((&issued["token"]["label"], &issued["token"]["state"]), (&json!("laptop"), &json!("LIVE")));
    assert_eq!(issued["token"]["expiresAt"], NOW.plus_ms(90 * Time::DAY_MS).to_string());
    let viewer = desk.app.viewer(secret).unwrap();
    assert_eq!((viewer.actor, viewer.roles), (agent, vec![Role::Agent]));

    let again = desk.tried(Role::Admin, &asked);
    assert_eq!((&again["repeated"], &again["secret"]), (&json!(true), &json!(null)), "it is told once");
    assert_eq!(again["token"]["id"], issued["token"]["id"]);

    let token = issued["token"]["id"].as_str().unwrap();
    let revoke = format!("revokeToken(input: {{ tokenId: \"{token}\" }}) {{ {TOKEN} }}");
    assert_eq!(desk.refused(Role::Dpo, &revoke).0, "PERMISSION");
    assert_eq!(desk.tried(Role::Admin, &revoke)["token"]["state"], "REVOKED");
    assert_eq!(desk.app.viewer(secret), Err(AuthError::Revoked));
    let listed = desk.get(Role::Auditor, "{ tokens { id state } }");
    assert_eq!(listed["tokens"], json!([{ "id": token, "state": "REVOKED" }]));
    let desk = desk.restart();
    assert_eq!(desk.app.viewer(secret), Err(AuthError::Revoked));
}

/// An admin alone asked for an erasure and approved it, with two tokens that were told to nobody else.
#[test]
fn the_token_of_an_officer_is_issued_to_its_bearer_or_at_the_machine() {
    let mut desk = Desk::open();
    let officer = desk.viewer(Role::Dpo).actor;
    let size = desk.size();
    let (code, path, words) = desk.refused(Role::Admin, &issue(&officer.to_string(), ""));
    assert_eq!((code.as_str(), path.as_str()), ("PERMISSION", "actorId"), "{words}");
    assert_eq!(desk.size(), size);
    let agent = desk.viewer(Role::Agent).actor.to_string();
    assert_eq!(desk.tried(Role::Admin, &issue(&agent, ""))["errors"], json!([]));
    // Whoever is both would be an agent as well.
    desk.viewers.get_mut(&Role::Admin).unwrap().roles.push(Role::Dpo);
    assert_eq!(desk.refused(Role::Admin, &issue(&agent, "")).0, "PERMISSION");
    let own = desk.viewer(Role::Admin).actor.to_string();
    assert_eq!(desk.tried(Role::Admin, &issue(&own, ""))["errors"], json!([]));
}

#[test]
fn a_token_runs_out() {
    let desk = Desk::open();
    let agent = desk.viewer(Role::Agent).actor.to_string();
    let issued = desk.tried(Role::Admin, &issue(&agent, "days: 1"));
    let secret = issued["secret"].as_str().unwrap();
    desk.app.ledger().clock().set(NOW.plus_ms(Time::DAY_MS));
    assert!(desk.app.viewer(secret).is_ok(), "its last moment");
    desk.app.ledger().clock().set(NOW.plus_ms(Time::DAY_MS + 1));
    assert_eq!(desk.app.viewer(secret), Err(AuthError::Expired));
}

#[test]
fn only_an_admin_issues_and_only_to_somebody() {
    let desk = Desk::open();
    let agent = desk.viewer(Role::Agent).actor.to_string();
    for role in [Role::Agent, Role::Integration, Role::Dpo, Role::Auditor] {
        assert_eq!(desk.refused(role, &issue(&agent, "")).0, "PERMISSION");
    }
    assert_eq!(desk.refused(Role::Admin, &issue("actor_00000000000000000000000000000000", "")).0, "NOT_FOUND");
    assert_eq!(desk.refused(Role::Admin, &issue("anna", "")).1, "actorId");
    assert_eq!(desk.refused(Role::Admin, &issue(&agent, "days: 0")).0, "VALIDATION");
}

#[test]
fn an_agent_sees_names_to_assign_and_an_admin_sees_roles() {
    let desk = Desk::open();
    let query = "{ actors { name roles mail } }";
    assert_eq!(desk.get(Role::Agent, query)["actors"], json!([{ "name": "AGENT", "roles": null, "mail": null }]));
    let all = desk.get(Role::Admin, query);
    assert_eq!(all["actors"].as_array().unwrap().len(), Role::ALL.len());
    assert_eq!(all["actors"][2]["roles"], json!(["DPO"]));
    assert_eq!(desk.ask(Role::Integration, query)["errors"][0]["extensions"]["code"], "FORBIDDEN");
    assert_eq!(desk.ask(Role::Agent, "{ tokens { id } }")["errors"][0]["extensions"]["code"], "FORBIDDEN");
}

#[test]
fn whoever_is_fenced_or_erased_acts_no_more() {
    let desk = Desk::open();
    let [fenced, erased] = ["Fee", "Ede"].map(|name| desk.hire(Role::Agent, name).to_string());
    let [fee, ede] = [&fenced, &erased].map(|actor| {
        let issued = desk.tried(Role::Admin, &issue(actor, "label: \"laptop\""));
        issued["secret"].as_str().unwrap().to_owned()
    });
    assert!(desk.app.viewer(&fee).is_ok() && desk.app.viewer(&ede).is_ok());
    desk.fence(&fenced);
    assert_eq!(desk.app.viewer(&fee), Err(AuthError::Revoked), "with the next request");
    desk.erase(&erased);
    let states = |desk: &Desk| desk.get(Role::Auditor, "{ tokens { state } }")["tokens"].clone();
    assert_eq!(states(&desk), json!([{ "state": "REVOKED" }, { "state": "REVOKED" }]));
    assert!(crate::tokens::list(&desk.app).iter().all(|token| token.state == domain::actor::TokenState::Revoked));
    let desk = desk.restart();
    for secret in [&fee, &ede] {
        assert_eq!(desk.app.viewer(secret), Err(AuthError::Revoked), "after a restart");
    }
    assert_eq!(states(&desk), json!([{ "state": "REVOKED" }, { "state": "REVOKED" }]));
}

#[test]
fn whoever_has_left_acts_no_more_and_their_name_is_free() {
    let desk = Desk::open();
    let lee = desk.hire(Role::Agent, "Lee");
    let issued = desk.tried(Role::Admin, &issue(&lee.to_string(), ""));
    let named = |desk: &Desk| {
        let actors = desk.get(Role::Agent, "{ actors { name } }")["actors"].clone();
        actors.as_array().unwrap().iter().filter(|actor| actor["name"] == "Lee").count()
    };
    let actor_for = |desk: &Desk| crate::tokens::actor_for(&desk.app, None, Role::Agent, "lee").unwrap();
    assert_eq!((named(&desk), actor_for(&desk)), (1, lee));
    desk.submit::<Actor>(lee.0, desk.viewer(Role::Admin).actor, Command::Leave);
    assert_eq!(desk.app.viewer(issued["secret"].as_str().unwrap()), Err(AuthError::Revoked));
    assert_eq!(named(&desk), 0, "nobody to assign to");
    let other = actor_for(&desk);
    assert_ne!(other, lee, "a token for somebody of that name is not for them");
    assert_eq!(crate::tokens::namesake(&desk.app, other, "Lee"), None);
}

#[test]
fn a_demo_whose_people_were_erased_finds_new_ones() {
    let desk = Desk::open();
    let old = crate::welcome::tokens(&desk.app).unwrap();
    let agent = old.iter().find(|told| told.who == "agent").unwrap().issued.actor;
    desk.erase(&agent.to_string());
    let desk = desk.restart();
    let told = crate::welcome::tokens(&desk.app).unwrap();
    let new = told.iter().find(|told| told.who == "agent").unwrap();
    assert_ne!(new.issued.actor, agent);
    assert!(told.iter().all(|told| desk.app.viewer(&told.issued.text).is_ok()));
}
