//! Who acts, what may they do, and whose is this token?

use std::collections::BTreeMap;

use domain::actor::{Event, Profile, Role, Token, TokenState};
use domain::event::Place;
use domain::id::{ActorId, SubjectId, TokenId};
use domain::personal::Held;
use domain::time::Time;
use domain::value::{Line, is_unseen};

use crate::digest::Digest;
use crate::fold::fold;
use crate::subjects::{Owned, Subjects, Thing};

/// One actor.
#[derive(Clone, Copy)]
pub struct Actor<'a> {
    /// Its id, a pseudonym.
    pub id: ActorId,
    /// What stays for ever.
    pub facts: &'a ActorFacts,
    /// Who it is, while that can be read.
    pub profile: Option<&'a Profile>,
    /// Whose the profile is, while that can be read.
    pub subject: Option<SubjectId>,
    labels: &'a BTreeMap<TokenId, (u32, Line)>,
}

impl<'a> Actor<'a> {
    /// Whether they act here. Whoever has left acts no more, nor does whoever was erased, or is about to be: who they are
    /// cannot be read.
    pub fn acts(&self) -> bool {
        !self.facts.left && self.profile.is_some()
    }

    /// Whether a token of theirs counts. None does of somebody who acts no more.
    pub fn token_state(&self, issued: &IssuedToken, now: Time) -> TokenState {
        state(&issued.token, self.acts(), now)
    }

    /// Whether they act under this name, as names are compared: without letter case, accents, more than single blanks, and
    /// what nobody sees.
    pub fn is_called(&self, name: &str) -> bool {
        self.acts() && self.profile.is_some_and(|profile| folded_name(profile.name.as_str()) == folded_name(name))
    }

    /// What a token is for, in words.
    pub fn label(&self, token: TokenId) -> Option<&'a Line> {
        self.labels.get(&token).map(|(_, label)| label)
    }
}

/// What stays of an actor for ever.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ActorFacts {
    /// When it was registered.
    pub registered_at: Time,
    /// The revision of its stream.
    pub revision: u64,
    /// What it may, in the order of their codes.
    pub roles: Vec<Role>,
    /// Whether it acts no more.
    pub left: bool,
    /// Its tokens.
    pub tokens: BTreeMap<TokenId, IssuedToken>,
}

/// A token, and how it came to be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct IssuedToken {
    /// The token as it is now.
    pub token: Token,
    /// When it was issued.
    pub issued_at: Time,
    /// By whom.
    pub issued_by: ActorId,
}

/// Whose a token is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Bearer<'a> {
    /// Who acts.
    pub actor: ActorId,
    /// With which token.
    pub token: TokenId,
    /// What they may; nothing once they act no more.
    pub roles: &'a [Role],
    /// Whether the token counts. Only a live one lets anybody in.
    pub state: TokenState,
    /// The last moment at which it counts.
    pub expires_at: Time,
}

struct Row {
    id: ActorId,
    facts: ActorFacts,
    profile: Owned<Profile>,
    labels: BTreeMap<TokenId, (u32, Line)>,
}

/// All actors.
#[derive(Default)]
pub(crate) struct Actors {
    rows: Vec<Row>,
    by_id: BTreeMap<ActorId, u32>,
    by_hash: BTreeMap<[u8; 32], (u32, TokenId)>,
}

impl Actors {
    /// One of them.
    pub fn get(&self, id: ActorId, subjects: &Subjects) -> Option<Actor<'_>> {
        self.by_id.get(&id).and_then(|row| self.actor(*row, subjects))
    }

    /// All of them, in the order they were registered.
    pub fn iter<'a>(&'a self, subjects: &'a Subjects) -> impl Iterator<Item = Actor<'a>> {
        (0..self.rows.len() as u32).filter_map(|row| self.actor(row, subjects))
    }

    pub fn actor(&self, row: u32, subjects: &Subjects) -> Option<Actor<'_>> {
        let Row { id, facts, profile, labels } = self.rows.get(row as usize)?;
        let subject = profile.as_ref().and_then(|(holder, _)| subjects.id(*holder));
        Some(Actor { id: *id, facts, profile: profile.as_ref().map(|(_, profile)| profile), subject, labels })
    }

    /// Whose token it is whose secret has this hash.
    pub fn bearer(&self, hash: &[u8; 32], now: Time) -> Option<Bearer<'_>> {
        let (row, id) = self.by_hash.get(hash)?;
        let Row { id: actor, facts, profile, .. } = self.rows.get(*row as usize)?;
        let token = facts.tokens.get(id)?.token;
        let acts = !facts.left && profile.is_some();
        let roles = if acts { &facts.roles } else { &[][..] };
        Some(Bearer { actor: *actor, token: *id, roles, state: state(&token, acts, now), expires_at: token.expires_at })
    }

    /// Takes a record. Of one that was seen before, only what it says of the person.
    pub fn follow(&mut self, subjects: &mut Subjects, place: &Place, event: Event, seen: bool) {
        if !seen {
            self.follow_facts(place, &event);
        }
        let Some(row) = self.by_id.get(&ActorId(place.stream.id)).copied() else { return };
        let Some(actor) = self.rows.get_mut(row as usize) else { return };
        let (thing, day) = (Thing::Actor(row), place.recorded_at.day());
        match event {
            Event::Registered { profile: Held::Here(profile), .. }
            | Event::Changed { profile: Held::Here(profile) } => {
                let holder = subjects.hold(&profile, thing, day);
                actor.profile = Some((holder, profile.into_exposed()));
            }
            Event::TokenIssued { token, label: Some(Held::Here(label)), .. } => {
                let holder = subjects.hold(&label, thing, day);
                actor.labels.insert(token, (holder, label.into_exposed()));
            }
            Event::Registered { profile: Held::Gone(_), .. }
            | Event::Changed { profile: Held::Gone(_) }
            | Event::TokenIssued { label: None | Some(Held::Gone(_)), .. }
            | Event::RolesChanged { .. }
            | Event::TokenRevoked { .. }
            | Event::Left => {}
        }
    }

    /// Drops what is a subject's.
    pub fn forget(&mut self, row: u32, subject: u32) {
        let Some(actor) = self.rows.get_mut(row as usize) else { return };
        actor.profile.take_if(|(holder, _)| *holder == subject);
        actor.labels.retain(|_, (holder, _)| *holder != subject);
    }

    /// Facts, profiles and every list.
    pub fn write_digest(&self, out: &mut Digest<'_>, subjects: &Subjects) {
        for Row { id, facts, profile, labels } in &self.rows {
            out.facts(&(id, facts));
            if let Some((holder, profile)) = profile {
                out.subject(Some(*holder), subjects);
                out.bytes(profile.name.as_str().as_bytes());
                out.bytes(profile.mail.as_ref().map_or(&[], |mail| mail.as_str().as_bytes()));
            }
            for (token, (holder, label)) in labels {
                out.facts(&(token, subjects.id(*holder)));
                out.bytes(label.as_str().as_bytes());
            }
        }
        out.facts(&self.by_hash);
    }

    fn follow_facts(&mut self, place: &Place, event: &Event) {
        let id = ActorId(place.stream.id);
        if let Event::Registered { roles, .. } = event {
            let (registered_at, roles) = (place.recorded_at, roles.clone());
            let facts = ActorFacts { registered_at, revision: 0, roles, left: false, tokens: BTreeMap::new() };
            self.by_id.insert(id, self.rows.len() as u32);
            self.rows.push(Row { id, facts, profile: None, labels: BTreeMap::new() });
        }
        let Some(row) = self.by_id.get(&id).copied() else { return };
        let Some(Row { facts, .. }) = self.rows.get_mut(row as usize) else { return };
        facts.revision = place.revision;
        match event {
            Event::Registered { .. } | Event::Changed { .. } => {}
            Event::RolesChanged { roles } => facts.roles.clone_from(roles),
            Event::TokenIssued { token, hash, expires_at, .. } => {
                let issued = Token { hash: *hash, expires_at: *expires_at, revoked: false };
                let (issued_at, issued_by) = (place.recorded_at, place.actor);
                facts.tokens.insert(*token, IssuedToken { token: issued, issued_at, issued_by });
                self.by_hash.insert(*hash, (row, *token));
            }
            Event::TokenRevoked { token } => {
                facts.tokens.get_mut(token).into_iter().for_each(|issued| issued.token.revoked = true);
            }
            Event::Left => {
                facts.left = true;
                facts.tokens.values_mut().for_each(|issued| issued.token.revoked = true);
            }
        }
    }
}

fn state(token: &Token, acts: bool, now: Time) -> TokenState {
    Token { revoked: token.revoked || !acts, ..*token }.state(now)
}

/// A name as names are compared.
fn folded_name(name: &str) -> String {
    let seen: String = name.chars().filter(|c| !is_unseen(*c)).collect();
    fold(&seen).split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_read_the_same_are_one() {
        for other in
            ["agent p", " Agent  P ", "AGENT\u{a0}P", "Ag\u{e9}nt P", "Agent\u{2003}P", "Agent\u{200b} P\u{feff}"]
        {
            assert_eq!(folded_name(other), folded_name("Agent P"), "{other:?}");
        }
        assert_ne!(folded_name("Agent Q"), folded_name("Agent P"));
        assert_ne!(folded_name("AgentP"), folded_name("Agent P"));
    }
}
