//! Given what happened, when somebody acts, then.

use proptest::prelude::*;

use super::*;
use crate::id::ActorId;

const SUBJECT: SubjectId = SubjectId([1; 16]);
const TOKEN: TokenId = TokenId([2; 16]);
const DAY: i64 = Time::DAY_MS;

fn at(now: i64) -> Circumstances {
    Circumstances { actor: ActorId([9; 16]), effective_at: Time(now), now: Time(now) }
}

fn profile(name: &str) -> Profile {
    Profile { name: Line::parse(name).unwrap(), mail: Mail::parse("dana@example.org").ok() }
}

fn register(roles: &[Role]) -> Command {
    Command::Register { subject: SUBJECT, roles: roles.to_vec(), profile: profile("Dana") }
}

fn issue(byte: u8, days: Option<u16>) -> Command {
    Command::IssueToken { token: TokenId([byte; 16]), hash: [byte; 32], days, label: None }
}

fn given(commands: &[Command]) -> Actor {
    let mut actor = Actor::default();
    for command in commands {
        for event in actor.decide(command, &at(0)).unwrap() {
            actor.evolve(&event);
        }
    }
    actor
}

fn dana(commands: &[Command]) -> Actor {
    let all: Vec<Command> = std::iter::once(register(&[Role::Agent])).chain(commands.iter().cloned()).collect();
    given(&all)
}

#[test]
fn an_actor_is_registered_once_with_a_sealed_profile() {
    let events = Actor::default().decide(&register(&[Role::Dpo, Role::Agent, Role::Dpo]), &at(0)).unwrap();
    let profile = Held::new(SUBJECT, Compartment::Relationship, profile("Dana"));
    assert_eq!(events, [Event::Registered { roles: vec![Role::Agent, Role::Dpo], profile }]);
    assert_eq!(dana(&[]).decide(&register(&[Role::Agent]), &at(0)), Err(Rejection::AlreadyRegistered));
    assert_eq!(Actor::default().decide(&Command::Leave, &at(0)), Err(Rejection::NotRegistered));
}

#[test]
fn an_integration_has_no_other_role() {
    let says = |roles: &[Role]| Actor::default().decide(&register(roles), &at(0)).err();
    assert_eq!(says(&[]), Some(Rejection::NoRole));
    assert_eq!(says(&[Role::Integration, Role::Agent]), Some(Rejection::IntegrationAlone));
    assert_eq!(says(&[Role::Integration]), None);
    let roles = vec![Role::Agent, Role::Integration];
    assert_eq!(dana(&[]).decide(&Command::ChangeRoles { roles }, &at(0)), Err(Rejection::IntegrationAlone));
}

#[test]
fn roles_and_profile_change() {
    let roles = vec![Role::Dpo, Role::Agent];
    let changed = dana(&[Command::ChangeRoles { roles: roles.clone() }]);
    assert_eq!(changed.roles(), [Role::Agent, Role::Dpo]);
    assert_eq!(changed.decide(&Command::ChangeRoles { roles }, &at(0)), Ok(vec![]), "it is so already");
    let events = changed.decide(&Command::Change { profile: profile("Dana B.") }, &at(0)).unwrap();
    let profile = Held::new(SUBJECT, Compartment::Relationship, profile("Dana B."));
    assert_eq!(events, [Event::Changed { profile }]);
}

#[test]
fn a_token_counts_for_ninety_days_unless_told_otherwise() {
    let actor = dana(&[issue(2, None)]);
    assert_eq!(actor.token_state(TOKEN, Time(90 * DAY)), Some(TokenState::Live));
    assert_eq!(actor.token_state(TOKEN, Time(90 * DAY + 1)), Some(TokenState::Expired));
    assert_eq!(actor.token_state(TokenId([99; 16]), Time(0)), None);
    let short = dana(&[issue(2, Some(1))]);
    assert_eq!(short.token_state(TOKEN, Time(DAY + 1)), Some(TokenState::Expired));
    for days in [0, TOKEN_DAYS_MOST + 1] {
        assert_eq!(actor.decide(&issue(3, Some(days)), &at(0)), Err(Rejection::TokenDays(TOKEN_DAYS_MOST)));
    }
}

#[test]
fn a_label_is_sealed() {
    let label = Line::parse("Dana's laptop").unwrap();
    let command = Command::IssueToken { token: TOKEN, hash: [2; 32], days: None, label: Some(label.clone()) };
    let events = dana(&[]).decide(&command, &at(5)).unwrap();
    let label = Some(Held::new(SUBJECT, Compartment::Relationship, label));
    let expires_at = Time(90 * DAY + 5);
    assert_eq!(events, [Event::TokenIssued { token: TOKEN, hash: [2; 32], expires_at, label }]);
}

#[test]
fn a_token_is_revoked_once_and_only_its_own_actors() {
    let revoke = Command::RevokeToken { token: TOKEN };
    assert_eq!(dana(&[]).decide(&revoke, &at(0)), Err(Rejection::NoSuchToken));
    let actor = dana(&[issue(2, None), revoke.clone()]);
    assert_eq!(actor.token_state(TOKEN, Time(0)), Some(TokenState::Revoked));
    assert_eq!(actor.decide(&revoke, &at(0)), Ok(vec![]), "it is so already");
    assert_eq!(actor.decide(&issue(2, None), &at(0)), Err(Rejection::TokenUsed));
    let same_secret = Command::IssueToken { token: TokenId([3; 16]), hash: [2; 32], days: None, label: None };
    assert_eq!(actor.decide(&same_secret, &at(0)), Err(Rejection::TokenUsed));
}

#[test]
fn only_tokens_that_count_are_counted() {
    let issued: Vec<Command> = (0..LIVE_TOKENS as u8).map(|byte| issue(byte, None)).collect();
    let full = dana(&issued);
    assert_eq!(full.decide(&issue(99, None), &at(0)), Err(Rejection::TooManyTokens(LIVE_TOKENS)));
    assert!(full.decide(&issue(99, None), &at(91 * DAY)).is_ok(), "the others have run out");
}

#[test]
fn who_has_left_may_nothing() {
    let actor = dana(&[issue(2, None), Command::Leave]);
    assert!(actor.has_left());
    assert_eq!(actor.roles(), []);
    assert_eq!(actor.token_state(TOKEN, Time(0)), Some(TokenState::Revoked));
    assert_eq!(actor.decide(&issue(3, None), &at(0)), Err(Rejection::Left));
    assert_eq!(actor.decide(&Command::Change { profile: profile("D") }, &at(0)), Err(Rejection::Left));
    assert_eq!(actor.decide(&Command::ChangeRoles { roles: vec![Role::Admin] }, &at(0)), Err(Rejection::Left));
    assert_eq!(actor.decide(&Command::Leave, &at(0)), Ok(vec![]));
}

#[test]
fn an_erased_actor_keeps_roles_and_loses_tokens_only() {
    for (gone, rejection) in [(Gone::Erased, Rejection::Erased), (Gone::Withheld, Rejection::Withheld)] {
        let mut actor = Actor::default();
        actor.evolve(&Event::Registered { roles: vec![Role::Agent], profile: Held::Gone(gone) });
        actor.evolve(&Event::TokenIssued { token: TOKEN, hash: [2; 32], expires_at: Time(DAY), label: None });
        assert_eq!(actor.decide(&issue(3, None), &at(0)), Err(rejection));
        assert_eq!(actor.decide(&Command::Change { profile: profile("D") }, &at(0)), Err(rejection));
        assert!(actor.decide(&Command::RevokeToken { token: TOKEN }, &at(0)).is_ok());
        assert!(actor.decide(&Command::Leave, &at(0)).is_ok());
    }
}

proptest! {
    /// Whatever is tried: nothing panics, a revoked token never comes back, and nobody is a program and a person.
    #[test]
    fn a_revoked_token_stays_revoked(acts in prop::collection::vec((0..6_u8, 0..4_u8, 0..200_i64), 1..60)) {
        let mut actor = Actor::default();
        let mut revoked = BTreeSet::new();
        for (act, byte, day) in acts {
            let command = match act {
                0 => register(&[Role::ALL[usize::from(byte)]]),
                1 => issue(byte, Some(30)),
                2 => Command::RevokeToken { token: TokenId([byte; 16]) },
                3 => Command::ChangeRoles { roles: Role::ALL[usize::from(byte)..].to_vec() },
                4 => Command::Change { profile: profile("Dana") },
                _ if byte == 0 => Command::Leave,
                _ => continue,
            };
            for event in actor.decide(&command, &at(day * DAY)).unwrap_or_default() {
                actor.evolve(&event);
            }
            revoked.extend(actor.tokens().filter(|(_, token)| token.revoked).map(|(id, _)| id));
            for id in &revoked {
                prop_assert_eq!(actor.token_state(*id, Time(0)), Some(TokenState::Revoked));
            }
            prop_assert!(actor.roles().len() <= 1 || !actor.roles().contains(&Role::Integration));
        }
    }
}
