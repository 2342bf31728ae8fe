//! Actors and their tokens, for the command line and for GraphQL alike. Only a token's hash is kept; its text is told once.

use domain::actor::{self, Actor, Command, Profile, Role, TokenState};
use domain::id::{ActorId, SubjectId, TokenId};
use domain::value::{Line, is_unseen};
use events::ledger::{Accepted, Fresh, Intent, Refused};
use events::secret::token_hash;

use crate::app::App;
use crate::error::Failure;

/// A new token: its text, which is told once and kept nowhere.
pub struct Issued {
    /// What the bearer sends.
    pub text: String,
    /// Its id.
    pub token: TokenId,
    /// Whose it is.
    pub actor: ActorId,
}

/// One line of a list of tokens.
#[derive(Clone, Debug)]
pub struct Listed {
    /// Its id.
    pub token: TokenId,
    /// Whose it is.
    pub actor: ActorId,
    /// What they are.
    pub roles: Vec<Role>,
    /// Whether it counts.
    pub state: TokenState,
    /// Until when.
    pub expires_at: domain::time::Time,
}

/// Draws a token: 256 random bits, and the hash that is kept.
pub fn draw() -> Result<(String, [u8; 32]), Failure> {
    let mut bits = [0; 32];
    getrandom::fill(&mut bits).map_err(|none| Failure::internal(none.to_string()))?;
    let text = format!("lethe_{}", bits.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
    let hash = token_hash(&text);
    Ok((text, hash))
}

/// Whoever acts under this name in this role, as names are compared, or somebody new. `by` is whoever gives the command;
/// whoever is registered by nobody is by themselves.
pub fn actor_for(app: &App, by: Option<ActorId>, role: Role, name: &str) -> Result<ActorId, TokenError> {
    let name = self::name(name)?;
    let _one = app.naming.lock();
    let known = {
        let views = app.ledger().views();
        let mut actors = views.actors().filter(|actor| actor.facts.roles.contains(&role));
        actors.find(|actor| actor.is_called(name.as_str())).map(|actor| actor.id)
    };
    known.map_or_else(|| register(app, by, role, name), Ok)
}

/// Somebody else of this name. Who asks for an erasure and who approves it are told apart as actors, so a person who is
/// two of them could do both.
pub fn namesake(app: &App, actor: ActorId, name: &str) -> Option<ActorId> {
    let views = app.ledger().views();
    let mut actors = views.actors().filter(|other| other.id != actor && other.is_called(name));
    actors.next().map(|other| other.id)
}

/// A name that somebody may be given: nothing in it is unseen.
pub fn name(text: &str) -> Result<Line, TokenError> {
    let name = Line::parse(text)?;
    if name.as_str().chars().any(is_unseen) { Err(TokenError::Unseen) } else { Ok(name) }
}

/// Issues a token to an actor.
pub fn issue(app: &App, by: ActorId, actor: ActorId, days: Option<u16>) -> Result<Issued, TokenError> {
    let (text, hash) = draw()?;
    let mut fresh = Fresh::new();
    let token: TokenId = fresh.id().map_err(Failure::internal)?;
    fresh.note(hash);
    submit(app, by, actor, Command::IssueToken { token, hash, days, label: None }, fresh)?;
    Ok(Issued { text, token, actor })
}

/// Revokes a token: the next request with it is refused.
pub fn revoke(app: &App, by: ActorId, token: TokenId) -> Result<Accepted, TokenError> {
    let actor = {
        let views = app.ledger().views();
        let owner = views.actors().find(|actor| actor.facts.tokens.contains_key(&token)).map(|actor| actor.id);
        owner.ok_or(TokenError::Unknown)?
    };
    submit(app, by, actor, Command::RevokeToken { token }, Fresh::new())
}

/// All tokens there ever were.
pub fn list(app: &App) -> Vec<Listed> {
    let now = app.now();
    let views = app.ledger().views();
    let tokens = views.actors().flat_map(|actor| {
        let (id, facts) = (actor.id, actor.facts);
        let listed = facts.tokens.iter().map(|(token, issued)| Listed {
            token: *token,
            actor: id,
            roles: facts.roles.clone(),
            state: actor.token_state(issued, now),
            expires_at: issued.token.expires_at,
        });
        listed.collect::<Vec<_>>()
    });
    tokens.collect()
}

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// Nobody has it.
    #[error("there is no such token")]
    Unknown,
    /// The name is none.
    #[error("the name {0}")]
    Name(#[from] domain::value::Invalid),
    /// Two names would read the same.
    #[error("the name holds a character that nobody sees")]
    Unseen,
    /// The domain said no.
    #[error(transparent)]
    Refused(#[from] Refused<actor::Rejection>),
    /// The machine failed; the program log says why.
    #[error("it failed; the program log says why")]
    Failed(Failure),
}

impl From<Failure> for TokenError {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

fn register(app: &App, by: Option<ActorId>, role: Role, name: Line) -> Result<ActorId, TokenError> {
    let mut fresh = Fresh::new();
    let actor: ActorId = fresh.id().map_err(Failure::internal)?;
    let subject: SubjectId = fresh.id().map_err(Failure::internal)?;
    let profile = Profile { name, mail: None };
    let command = Command::Register { subject, roles: vec![role], profile };
    submit(app, by.unwrap_or(actor), actor, command, fresh)?;
    Ok(actor)
}

fn submit(app: &App, by: ActorId, actor: ActorId, command: Command, mut fresh: Fresh) -> Result<Accepted, TokenError> {
    let command_id = fresh.id().map_err(Failure::internal)?;
    let intent: Intent<Actor> = Intent {
        id: actor.0,
        command,
        command_id,
        actor: by,
        effective_at: None,
        expected: None,
        reads: Vec::new(),
        keys: Vec::new(),
        fresh,
    };
    Ok(app.ledger().submit_blocking(&intent)?)
}
