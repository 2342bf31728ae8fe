//! Actors: who may act here, and the tokens they act with.

use async_graphql::{Context, Enum, ID, InputObject, Object, SimpleObject};
use domain::actor::{self, Command, Rejection, Role as Named};
use domain::id::{ActorId, TokenId};
use domain::value::Line;
use events::ledger::{Accepted, Fresh};
use events::log::Log as _;
use events::record::Record;
use projections::IssuedToken;
use replay::verify::facts;

use super::outcome::{Ask, ErrorCode, Kind, No, Problems, UserError, envelope, payload};
use super::scalars::{CommandId, Position, Time, hex};
use super::values::ErasureMark;
use crate::access::Viewer;
use crate::app::App;
use crate::error::{Code, Failure};
use crate::tokens;

/// What an actor may; the documentation has the table of operations.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "actor::Role", name = "Role")]
pub enum Role {
    Agent,
    Integration,
    Dpo,
    Auditor,
    Admin,
}

/// Whether a token counts.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "actor::TokenState", name = "TokenState")]
pub enum TokenState {
    Live,
    Expired,
    Revoked,
}

/// Who acts. Their name is personal data like anybody's.
pub struct Actor {
    id: ActorId,
    name: Option<String>,
    mail: Option<String>,
    registered_at: domain::time::Time,
    revision: u64,
    roles: Vec<actor::Role>,
    left: bool,
}

impl Actor {
    /// The actor with this id.
    pub fn find(app: &App, id: ActorId) -> Option<Self> {
        app.ledger().views().actor(id).map(Self::from)
    }
}

impl From<projections::Actor<'_>> for Actor {
    fn from(actor: projections::Actor<'_>) -> Self {
        let profile = actor.profile;
        Self {
            id: actor.id,
            name: profile.map(|profile| profile.name.as_str().to_owned()),
            mail: profile.and_then(|profile| profile.mail.as_ref()).map(|mail| mail.as_str().to_owned()),
            registered_at: actor.facts.registered_at,
            revision: actor.facts.revision,
            roles: actor.facts.roles.clone(),
            left: actor.facts.left,
        }
    }
}

/// Somebody or something that acts. An agent sees names, to assign tickets; whoever looks after actors sees the rest.
#[Object]
impl Actor {
    /// `actor_…`
    pub(super) async fn id(&self) -> ID {
        ID(self.id.to_string())
    }
    async fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }
    async fn mail(&self, ctx: &Context<'_>) -> Option<&str> {
        self.mail.as_deref().filter(|_| sees_all(ctx))
    }
    async fn roles(&self, ctx: &Context<'_>) -> Option<Vec<Role>> {
        sees_all(ctx).then(|| self.roles.iter().copied().map(Into::into).collect())
    }
    /// Whether they act no more.
    async fn left(&self) -> bool {
        self.left
    }
    async fn registered_at(&self) -> Time {
        Time(self.registered_at)
    }
    /// For `expectedRevision`.
    async fn revision(&self) -> u64 {
        self.revision
    }
    /// Why the name cannot be read, when it cannot.
    async fn erasure(&self, ctx: &Context<'_>) -> Option<async_graphql::Result<ErasureMark>> {
        if self.name.is_some() {
            return None;
        }
        ctx.app().and_then(|app| Ok(app.erasure_of(&self.id.0)?)).transpose()
    }
}

/// An access token; its secret is kept nowhere.
#[derive(SimpleObject)]
pub struct Token {
    /// `token_…`; not the secret.
    id: ID,
    /// Whose it is.
    actor: Actor,
    /// What it is for, while that can be read.
    label: Option<String>,
    state: TokenState,
    issued_at: Time,
    /// The actor who issued it.
    issued_by: ID,
    /// The last moment at which it counts.
    expires_at: Time,
}

impl Token {
    fn find(app: &App, actor: ActorId, token: TokenId) -> Option<Self> {
        let views = app.ledger().views();
        let actor = views.actor(actor)?;
        let issued = actor.facts.tokens.get(&token)?;
        Some(Self::of(app, &actor, token, issued))
    }

    fn of(app: &App, actor: &projections::Actor<'_>, id: TokenId, issued: &IssuedToken) -> Self {
        Self {
            id: ID(id.to_string()),
            actor: (*actor).into(),
            label: actor.label(id).map(|label| label.as_str().to_owned()),
            state: actor.token_state(issued, app.now()).into(),
            issued_at: Time(issued.issued_at),
            issued_by: ID(issued.issued_by.to_string()),
            expires_at: Time(issued.token.expires_at),
        }
    }
}

/// What became of a new token.
#[derive(SimpleObject)]
pub struct IssueTokenPayload {
    token: Option<Token>,
    /// What the bearer sends. It is told once, here, and kept nowhere: a repeated command does not know it any more.
    secret: Option<String>,
    /// The position of the command's record in the log; it is durable.
    position: Option<Position>,
    /// The hash of that record.
    record_hash: Option<String>,
    /// The actor's revision.
    revision: Option<u64>,
    /// Whether an earlier command with this id had done it.
    repeated: bool,
    /// Why not. Empty when it happened.
    errors: Vec<UserError>,
}

payload! {
    /// What became of a change to a token.
    TokenPayload { token: Token }
}

/// A token for an actor.
#[derive(InputObject)]
pub struct IssueTokenInput {
    pub actor_id: ID,
    /// How many days it counts; 90 unless told otherwise.
    pub days: Option<u16>,
    /// What it is for.
    pub label: Option<String>,
    pub expected_revision: Option<u64>,
    pub command_id: Option<CommandId>,
}

/// A token that is taken back.
#[derive(InputObject)]
pub struct RevokeTokenInput {
    pub token_id: ID,
    pub expected_revision: Option<u64>,
    pub command_id: Option<CommandId>,
}

/// The mutations of tokens.
#[derive(Default)]
pub struct ActorMutation;

#[Object]
impl ActorMutation {
    /// A new token. It lets in from the next request on.
    async fn issue_token(&self, ctx: &Context<'_>, input: IssueTokenInput) -> async_graphql::Result<IssueTokenPayload> {
        let none = |errors| IssueTokenPayload {
            token: None,
            secret: None,
            position: None,
            record_hash: None,
            revision: None,
            repeated: false,
            errors,
        };
        match issue(ctx, input).await {
            Ok((token, secret, accepted)) => Ok(IssueTokenPayload {
                token: Some(token),
                secret,
                position: Some(Position(accepted.position)),
                record_hash: Some(hex(&accepted.hash)),
                revision: Some(accepted.revision),
                repeated: accepted.repeated,
                errors: Vec::new(),
            }),
            Err(No::User(errors)) => Ok(none(errors)),
            Err(No::Failure(failure)) => Err(failure.into()),
        }
    }

    /// A token is taken back. It lets nobody in from the next request on.
    async fn revoke_token(&self, ctx: &Context<'_>, input: RevokeTokenInput) -> async_graphql::Result<TokenPayload> {
        TokenPayload::of(revoke(ctx, input).await)
    }
}

/// Whoever issues a token reads it. So that nobody is two of the four eyes: the token of a data protection officer goes to
/// nobody but its bearer, or is issued at the machine; and an officer issues none to anybody else.
fn may_issue(app: &App, viewer: &Viewer, actor: ActorId) -> Result<(), No> {
    let is_officers = app.ledger().views().actor(actor).is_some_and(|actor| actor.facts.roles.contains(&Named::Dpo));
    if viewer.actor == actor || !(is_officers || viewer.is(Named::Dpo)) {
        return Ok(());
    }
    let words = "whoever issues a token can act with it: a data protection officer's is issued by `lethe token issue` at the \
        machine, and an officer issues none to others";
    Err(UserError { code: ErrorCode::Permission, ..UserError::at(&["actorId"], words) }.into())
}

async fn issue(ctx: &Context<'_>, input: IssueTokenInput) -> Result<(Token, Option<String>, Accepted), No> {
    let (app, viewer) = ctx.may("issueToken")?;
    let actor: ActorId = input.actor_id.parse().map_err(|wrong| UserError::at(&["actorId"], wrong))?;
    may_issue(app, viewer, actor)?;
    let mut problems = Problems::default();
    let label = input.label.and_then(|label| problems.take(&["label"], Line::parse(&label)));
    problems.end()?;
    let mut fresh = Fresh::new();
    let token: TokenId = fresh.id().map_err(Failure::internal)?;
    let (secret, hash) = tokens::draw()?;
    fresh.note(hash);
    let envelope = envelope(input.command_id, input.expected_revision, None);
    let command = Command::IssueToken { token, hash, days: input.days, label };
    let accepted = app.submit::<actor::Actor>(viewer, actor.0, command, envelope, fresh).await?;
    let (token, secret) =
        if accepted.repeated { (issued(app, accepted.position)?, None) } else { (token, Some(secret)) };
    let token =
        Token::find(app, actor, token).ok_or_else(|| Failure::internal("a token that the views do not have"))?;
    Ok((token, secret, accepted))
}

/// The token that this record issued.
fn issued(app: &App, position: u64) -> Result<TokenId, Failure> {
    let entry = app.ledger().log().record(position).map_err(|failed| Failure::new(Code::Damaged, failed))?;
    let entry = entry.ok_or_else(|| Failure::internal("a record that the log does not have"))?;
    let record = Record::parse(&entry.record).map_err(|bad| Failure::new(Code::Damaged, bad))?;
    match facts(&record) {
        Ok(domain::event::Event::Actor(actor::Event::TokenIssued { token, .. })) => Ok(token),
        _ => Err(Failure::internal("a repeated command that issued no token")),
    }
}

async fn revoke(ctx: &Context<'_>, input: RevokeTokenInput) -> Result<(Token, Accepted), No> {
    let (app, viewer) = ctx.may("revokeToken")?;
    let token: TokenId = input.token_id.parse().map_err(|wrong| UserError::at(&["tokenId"], wrong))?;
    let holder = {
        let views = app.ledger().views();
        views.actors().find(|actor| actor.facts.tokens.contains_key(&token)).map(|actor| actor.id)
    };
    let actor = holder.ok_or_else(|| UserError::new(ErrorCode::NotFound, "there is no such token"))?;
    let envelope = envelope(input.command_id, input.expected_revision, None);
    let command = Command::RevokeToken { token };
    let accepted = app.submit::<actor::Actor>(viewer, actor.0, command, envelope, Fresh::new()).await?;
    let token =
        Token::find(app, actor, token).ok_or_else(|| Failure::internal("a token that the views do not have"))?;
    Ok((token, accepted))
}

impl Kind for Rejection {
    fn kind(&self) -> ErrorCode {
        match self {
            Self::NotRegistered | Self::NoSuchToken => ErrorCode::NotFound,
            Self::Erased => ErrorCode::Erased,
            Self::Lost => ErrorCode::Lost,
            Self::Withheld => ErrorCode::Fenced,
            Self::AlreadyRegistered | Self::Left | Self::TokenUsed | Self::TooManyTokens(_) => ErrorCode::Conflict,
            Self::NoRole | Self::IntegrationAlone | Self::TokenDays(_) => ErrorCode::Validation,
        }
    }
}

/// The queries of actors and tokens.
#[derive(Default)]
pub struct ActorQuery;

#[Object]
impl ActorQuery {
    /// Actors, in the order they were registered. For an agent: those that tickets can be assigned to.
    async fn actors(&self, ctx: &Context<'_>) -> async_graphql::Result<Vec<Actor>> {
        let (app, _) = ctx.may_read("actors")?;
        let whole = sees_all(ctx);
        let views = app.ledger().views();
        let assignable =
            |actor: &projections::Actor<'_>| actor.acts() && actor.facts.roles.contains(&actor::Role::Agent);
        Ok(views.actors().filter(|actor| whole || assignable(actor)).map(Actor::from).collect())
    }

    /// All tokens, those that count no more too, by actor.
    async fn tokens(&self, ctx: &Context<'_>) -> async_graphql::Result<Vec<Token>> {
        let (app, _) = ctx.may_read("tokens")?;
        let views = app.ledger().views();
        let tokens = views.actors().flat_map(|actor| {
            let of = actor.facts.tokens.iter();
            of.map(|(id, issued)| Token::of(app, &actor, *id, issued)).collect::<Vec<_>>()
        });
        Ok(tokens.collect())
    }
}

/// Agents get names and nothing else.
fn sees_all(ctx: &Context<'_>) -> bool {
    use actor::Role::{Admin, Auditor, Dpo};
    ctx.data_opt::<Viewer>().is_some_and(|viewer| [Dpo, Auditor, Admin].into_iter().any(|role| viewer.is(role)))
}

#[cfg(test)]
mod tests;
