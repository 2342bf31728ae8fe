//! Actors: employees and integrations under pseudonyms, with their roles and tokens. Who they are is sealed like anybody's
//! data; what they may, and which tokens are theirs, are facts.

use std::collections::{BTreeMap, BTreeSet};

use crate::aggregate::{Aggregate, Circumstances};
use crate::code::codes;
use crate::compartment::Compartment;
use crate::event::StreamKind;
use crate::id::{SubjectId, TokenId};
use crate::limits::{LIVE_TOKENS, TOKEN_DAYS, TOKEN_DAYS_MOST};
use crate::owner::Owner;
use crate::personal::{Gone, Held};
use crate::time::Time;
use crate::value::{Line, Mail};

codes! {
    /// What an actor may; the table of operations stands in the API.
    pub enum Role {
        /// Works with contacts, tickets and quotes.
        Agent = 1 "AGENT",
        /// A program: a web form, a mailer.
        Integration = 2 "INTEGRATION",
        /// The data protection officer.
        Dpo = 3 "DPO",
        /// Reads the log without names.
        Auditor = 4 "AUDITOR",
        /// Looks after actors and tokens.
        Admin = 5 "ADMIN",
    }

    /// Whether a token counts.
    pub enum TokenState {
        /// It does.
        Live = 1 "LIVE",
        /// Its time is over.
        Expired = 2 "EXPIRED",
        /// It was taken back, or its actor has left.
        Revoked = 3 "REVOKED",
    }
}

/// Who an actor is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Profile {
    /// The name that others read.
    pub name: Line,
    /// Where they are reached.
    pub mail: Option<Mail>,
}

/// Intent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Command {
    /// An actor begins.
    Register {
        /// Whose data the profile is.
        subject: SubjectId,
        /// What it may.
        roles: Vec<Role>,
        /// Who it is.
        profile: Profile,
    },
    /// Name or mail become other.
    Change {
        /// All of it, as it is now.
        profile: Profile,
    },
    /// It may other things from now on.
    ChangeRoles {
        /// All of them.
        roles: Vec<Role>,
    },
    /// A token is made. The ledger draws the secret and keeps only its hash.
    IssueToken {
        /// A new id.
        token: TokenId,
        /// BLAKE3 of the secret, 32 random bytes.
        hash: [u8; 32],
        /// How many days it counts; 90 unless told otherwise.
        days: Option<u16>,
        /// What it is for, in words.
        label: Option<Line>,
    },
    /// A token counts no more.
    RevokeToken {
        /// Which.
        token: TokenId,
    },
    /// The actor acts no more; all its tokens die.
    Leave,
}

/// Fact.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Event {
    /// An actor began.
    Registered {
        /// What it may, in the order of their codes.
        roles: Vec<Role>,
        /// Who it is; under [`Compartment::Relationship`] of its own subject.
        profile: Held<Profile>,
    },
    /// Name or mail became other.
    Changed {
        /// All of it; under [`Compartment::Relationship`].
        profile: Held<Profile>,
    },
    /// It may other things from here on.
    RolesChanged {
        /// All of them, in the order of their codes.
        roles: Vec<Role>,
    },
    /// A token was made.
    TokenIssued {
        /// Its id, which is not the secret.
        token: TokenId,
        /// BLAKE3 of the secret.
        hash: [u8; 32],
        /// The last moment at which it counts.
        expires_at: Time,
        /// What it is for; under [`Compartment::Relationship`].
        label: Option<Held<Line>>,
    },
    /// A token counts no more.
    TokenRevoked {
        /// Which.
        token: TokenId,
    },
    /// The actor acts no more, and none of its tokens counts.
    Left,
}

/// Why not.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Rejection {
    /// The id is taken.
    #[error("this actor is registered already")]
    AlreadyRegistered,
    /// The id names nobody.
    #[error("there is no such actor")]
    NotRegistered,
    /// Gone for good; who comes back is a new actor.
    #[error("this actor has left; who comes back is registered anew")]
    Left,
    /// The profile's key is destroyed.
    #[error("this actor was erased")]
    Erased,
    /// The profile's key is fenced.
    #[error("an erasure of this actor was approved; nothing new is written about them")]
    Withheld,
    /// The key was lost.
    #[error("the key of this actor was lost; nothing new is written about them")]
    Lost,
    /// Nothing it may do.
    #[error("an actor has at least one role")]
    NoRole,
    /// A confirmation code is shown to programs and never to people, so nobody is both.
    #[error("an integration is a program and has no other role")]
    IntegrationAlone,
    /// Out of range.
    #[error("a token counts for at least 1 day and at most {0}")]
    TokenDays(u16),
    /// Ids and secrets are never used twice.
    #[error("this token was issued before")]
    TokenUsed,
    /// Too many keys on one ring.
    #[error("this actor has {0} tokens that count; revoke one first")]
    TooManyTokens(usize),
    /// Not of this actor.
    #[error("this actor has no such token")]
    NoSuchToken,
}

/// A token as it is now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Token {
    /// BLAKE3 of the secret.
    pub hash: [u8; 32],
    /// The last moment at which it counts.
    pub expires_at: Time,
    /// Taken back, or its actor has left.
    pub revoked: bool,
}

impl Token {
    /// Whether it counts at this moment.
    pub fn state(&self, now: Time) -> TokenState {
        match self {
            Self { revoked: true, .. } => TokenState::Revoked,
            Self { expires_at, .. } if now > *expires_at => TokenState::Expired,
            _ => TokenState::Live,
        }
    }
}

/// An actor as it is now.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Actor {
    owner: Owner,
    roles: Vec<Role>,
    tokens: BTreeMap<TokenId, Token>,
    left: bool,
}

impl Actor {
    /// Whose data the profile is.
    pub fn owner(&self) -> Owner {
        self.owner
    }

    /// What it may; nothing once it has left.
    pub fn roles(&self) -> &[Role] {
        if self.left { &[] } else { &self.roles }
    }

    /// Whether it acts no more.
    pub fn has_left(&self) -> bool {
        self.left
    }

    /// All its tokens, by id.
    pub fn tokens(&self) -> impl Iterator<Item = (TokenId, &Token)> {
        self.tokens.iter().map(|(id, token)| (*id, token))
    }

    /// Whether a token of this actor counts; nothing if it has no such token.
    pub fn token_state(&self, token: TokenId, now: Time) -> Option<TokenState> {
        self.tokens.get(&token).map(|token| token.state(now))
    }
}

impl Aggregate for Actor {
    const KIND: StreamKind = StreamKind::Actor;
    type Command = Command;
    type Event = Event;
    type Rejection = Rejection;

    fn decide(&self, command: &Command, when: &Circumstances) -> Result<Vec<Event>, Rejection> {
        match (self.owner.is_known(), command) {
            (false, Command::Register { subject, roles, profile }) => {
                let profile = Held::new(*subject, Compartment::Relationship, profile.clone());
                Ok(vec![Event::Registered { roles: in_order(roles)?, profile }])
            }
            (false, _) => Err(Rejection::NotRegistered),
            (true, Command::Register { .. }) => Err(Rejection::AlreadyRegistered),
            (true, Command::RevokeToken { token }) => self.revoke(*token),
            (true, Command::Leave) => Ok(if self.left { vec![] } else { vec![Event::Left] }),
            (true, _) if self.left => Err(Rejection::Left),
            (true, Command::Change { profile }) => {
                let profile = Held::new(self.subject()?, Compartment::Relationship, profile.clone());
                Ok(vec![Event::Changed { profile }])
            }
            (true, Command::ChangeRoles { roles }) => {
                self.subject()?;
                let roles = in_order(roles)?;
                Ok(if roles == self.roles { vec![] } else { vec![Event::RolesChanged { roles }] })
            }
            (true, Command::IssueToken { token, hash, days, label }) => {
                self.issue(*token, *hash, days.unwrap_or(TOKEN_DAYS), label.as_ref(), when.now).map(|event| vec![event])
            }
        }
    }

    fn evolve(&mut self, event: &Event) {
        match event {
            Event::Registered { roles, profile } => {
                (self.owner, self.roles) = (Owner::of(profile), roles.clone());
            }
            Event::Changed { profile: _ } => {}
            Event::RolesChanged { roles } => self.roles.clone_from(roles),
            Event::TokenIssued { token, hash, expires_at, label: _ } => {
                self.tokens.insert(*token, Token { hash: *hash, expires_at: *expires_at, revoked: false });
            }
            Event::TokenRevoked { token } => {
                if let Some(token) = self.tokens.get_mut(token) {
                    token.revoked = true;
                }
            }
            Event::Left => {
                self.left = true;
                self.tokens.values_mut().for_each(|token| token.revoked = true);
            }
        }
    }
}

impl Actor {
    fn issue(
        &self,
        token: TokenId,
        hash: [u8; 32],
        days: u16,
        label: Option<&Line>,
        now: Time,
    ) -> Result<Event, Rejection> {
        let subject = self.subject()?;
        if !(1..=TOKEN_DAYS_MOST).contains(&days) {
            return Err(Rejection::TokenDays(TOKEN_DAYS_MOST));
        }
        if self.tokens.contains_key(&token) || self.tokens.values().any(|known| known.hash == hash) {
            return Err(Rejection::TokenUsed);
        }
        if self.tokens.values().filter(|token| token.state(now) == TokenState::Live).count() >= LIVE_TOKENS {
            return Err(Rejection::TooManyTokens(LIVE_TOKENS));
        }
        let expires_at = now.plus_ms(i64::from(days) * Time::DAY_MS);
        let label = label.map(|label| Held::new(subject, Compartment::Relationship, label.clone()));
        Ok(Event::TokenIssued { token, hash, expires_at, label })
    }

    fn revoke(&self, id: TokenId) -> Result<Vec<Event>, Rejection> {
        let token = self.tokens.get(&id).ok_or(Rejection::NoSuchToken)?;
        Ok(if token.revoked { vec![] } else { vec![Event::TokenRevoked { token: id }] })
    }

    fn subject(&self) -> Result<SubjectId, Rejection> {
        match self.owner {
            Owner::Nobody => Err(Rejection::NotRegistered),
            Owner::Subject(subject) => Ok(subject),
            Owner::Gone(Gone::Erased) => Err(Rejection::Erased),
            Owner::Gone(Gone::Withheld) => Err(Rejection::Withheld),
            Owner::Gone(Gone::Lost) => Err(Rejection::Lost),
        }
    }
}

fn in_order(roles: &[Role]) -> Result<Vec<Role>, Rejection> {
    let roles: Vec<Role> = roles.iter().copied().collect::<BTreeSet<_>>().into_iter().collect();
    match roles.as_slice() {
        [] => Err(Rejection::NoRole),
        [_, _, ..] if roles.contains(&Role::Integration) => Err(Rejection::IntegrationAlone),
        _ => Ok(roles),
    }
}

#[cfg(test)]
mod tests;
