//! Tickets: what somebody asked, what was answered, and how it ended.

use async_graphql::connection::{Connection, EmptyFields};
use async_graphql::{Context, Enum, ID, InputObject, MaybeUndefined, Object};
use domain::actor;
use domain::aggregate::Aggregate as _;
use domain::event::{Stream, StreamKind};
use domain::id::{ActorId, ContactId, MessageId, OrganizationId, TicketId};
use domain::ticket::{self, Command, Question};
use domain::value::{Line, Text};
use events::ledger::{Accepted, Fresh};
use projections::{Cursor, MessageFacts, MessageKind, TicketFilter};

use super::actor::Actor;
use super::connection::{Opaque, Paging, connection, cut_list};
use super::contact::{Contact, person};
use super::history::{History, history};
use super::organization::{Organization, company, direction};
use super::outcome::{Ask, ErrorCode, Kind, No, Problems, UserError, bad_request, envelope, payload};
use super::redaction::{self, BinMark, RedactionMark};
use super::scalars::{CommandId, Day, Time};
use super::values::ErasureMark;
use crate::app::{App, Envelope};
use crate::error::Failure;

/// How a ticket stands.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "ticket::Status")]
pub enum TicketState {
    Open,
    Solved,
    Closed,
}

/// How soon a ticket is to be looked at.
#[derive(Enum, Clone, Copy, PartialEq, Eq, Default)]
#[graphql(remote = "ticket::Priority", name = "TicketPriority")]
pub enum Priority {
    Low,
    #[default]
    Normal,
    High,
    Urgent,
}

/// How a ticket came in.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "ticket::Origin", name = "TicketOrigin")]
pub enum Origin {
    Email,
    Phone,
    Portal,
    WebForm,
    Chat,
    Other,
}

/// Who wrote a message.
#[derive(Enum, Clone, Copy, PartialEq, Eq, Default)]
#[graphql(remote = "ticket::Direction", name = "MessageDirection")]
pub enum Direction {
    FromCustomer,
    #[default]
    FromUs,
}

/// One ticket without its messages, as the views had it when it was asked for.
pub struct Ticket {
    pub(super) id: TicketId,
    opened_at: domain::time::Time,
    changed_at: domain::time::Time,
    revision: u64,
    origin: Origin,
    priority: Priority,
    state: TicketState,
    owner: Option<ActorId>,
    reopen_until: Option<domain::time::Day>,
    message_count: usize,
    contact: Option<ContactId>,
    organization: Option<OrganizationId>,
    line: Option<String>,
    solution: Option<String>,
}

impl Ticket {
    /// The ticket with this id, whether or not anything can still be read of it.
    pub fn find(app: &App, id: TicketId) -> Option<Self> {
        app.ledger().views().ticket(id).map(Self::from)
    }

    fn said(&self, app: &App, paging: &Paging) -> async_graphql::Result<Messages> {
        let cut = paging.cut()?;
        let views = app.ledger().views();
        let Some(ticket) = views.ticket(self.id) else {
            return Err(Failure::internal("a ticket that the views do not have").into());
        };
        let known = &ticket.facts.messages;
        let page = cut_list(known, &cut, |cursor| known.iter().position(|message| message.id.0 == cursor.id));
        let page = page.map(|page| page.map(|(number, facts)| Message::of(facts, ticket.body(number))));
        drop(views);
        connection(page)
    }
}

impl From<projections::Ticket<'_>> for Ticket {
    fn from(ticket: projections::Ticket<'_>) -> Self {
        let facts = ticket.facts;
        Self {
            id: ticket.id,
            opened_at: facts.opened_at,
            changed_at: facts.changed_at,
            revision: facts.revision,
            origin: facts.origin.into(),
            priority: facts.priority.into(),
            state: facts.status.into(),
            owner: facts.owner,
            reopen_until: facts.reopen_until,
            message_count: facts.messages.len(),
            contact: ticket.contact(),
            organization: ticket.organization(),
            line: ticket.line().map(|line| line.as_str().to_owned()),
            solution: ticket.solution().map(|text| text.as_str().to_owned()),
        }
    }
}

/// A message in a ticket. Its words are null once they are erased.
pub struct Message {
    facts: MessageFacts,
    body: Option<String>,
}

type Messages = Connection<Opaque, Message, EmptyFields, EmptyFields>;

impl Message {
    fn of(facts: &MessageFacts, body: Option<&Text>) -> (Cursor, Self) {
        let cursor = Cursor { id: facts.id.0, position: facts.position, at: facts.at };
        (cursor, Self { facts: *facts, body: body.map(|body| body.as_str().to_owned()) })
    }
}

/// A message in a ticket.
#[Object]
impl Message {
    /// `message_…`
    async fn id(&self) -> ID {
        ID(self.facts.id.to_string())
    }
    /// Whether it is a note among us, which the customer does not see.
    async fn internal(&self) -> bool {
        self.facts.kind == MessageKind::Note
    }
    async fn direction(&self) -> Direction {
        match self.facts.kind {
            MessageKind::FromCustomer => Direction::FromCustomer,
            MessageKind::FromUs | MessageKind::Note => Direction::FromUs,
        }
    }
    /// Who wrote it; of a customer's message, who wrote it down.
    async fn author(&self, ctx: &Context<'_>) -> Option<async_graphql::Result<Actor>> {
        ctx.app().map(|app| Actor::find(app, self.facts.actor)).transpose()
    }
    /// When it was said.
    async fn at(&self) -> Time {
        Time(self.facts.at)
    }
    /// What it says; null once it is erased or redacted, and `erasure` says why.
    async fn body(&self) -> Option<&str> {
        self.body.as_deref()
    }
    /// Why it cannot be read, when it cannot.
    async fn erasure(&self, ctx: &Context<'_>) -> Option<async_graphql::Result<ErasureMark>> {
        if self.body.is_some() {
            return None;
        }
        let mark = ctx.app().and_then(|app| app.erasure_at(self.facts.position).map_err(Into::into));
        mark.transpose()
    }
}

/// A ticket. Its words and whose it is are null once they are erased, and `erasure` says why; how it stands stays.
#[Object]
impl Ticket {
    /// `ticket_…`
    pub(super) async fn id(&self) -> ID {
        ID(self.id.to_string())
    }
    /// What was redacted of it, and what waits for that, while it can be read.
    async fn redactions(&self, ctx: &Context<'_>) -> async_graphql::Result<Vec<RedactionMark>> {
        Ok(redaction::marks(ctx.app()?, Stream { kind: StreamKind::Ticket, id: self.id.0 }))
    }
    /// That it lies in the recycle bin, when it does.
    async fn bin(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<BinMark>> {
        Ok(redaction::bin(ctx.app()?, Stream { kind: StreamKind::Ticket, id: self.id.0 }))
    }
    /// What happened to it, record by record, oldest first.
    async fn history(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Option<async_graphql::Result<History>> {
        let stream = Stream { kind: StreamKind::Ticket, id: self.id.0 };
        history(ctx, stream, Paging { first, after, last, before }).await.transpose()
    }
    /// For `expectedRevision`.
    async fn revision(&self) -> u64 {
        self.revision
    }
    async fn opened_at(&self) -> Time {
        Time(self.opened_at)
    }
    async fn changed_at(&self) -> Time {
        Time(self.changed_at)
    }
    async fn state(&self) -> TicketState {
        self.state
    }
    async fn priority(&self) -> Priority {
        self.priority
    }
    async fn origin(&self) -> Origin {
        self.origin
    }
    /// The last day a closed ticket may be reopened.
    async fn reopen_until(&self) -> Option<Day> {
        self.reopen_until.map(Day)
    }
    /// Who works on it.
    async fn owner(&self, ctx: &Context<'_>) -> Option<async_graphql::Result<Actor>> {
        let owner = self.owner?;
        ctx.app().map(|app| Actor::find(app, owner)).transpose()
    }
    /// Why something of it cannot be read, when it cannot: its words, who asked, or for whom.
    async fn erasure(&self, ctx: &Context<'_>) -> Option<async_graphql::Result<ErasureMark>> {
        if self.line.is_some() && self.contact.is_some() && self.organization.is_some() {
            return None;
        }
        let mark = ctx.app().map(|app| app.erasure_of(&self.id.0).map_err(Into::into));
        mark.and_then(|mark| mark).transpose()
    }
    /// What it is about, in one line.
    async fn subject_line(&self) -> Option<&str> {
        self.line.as_deref()
    }
    /// What solved it, the last time it was solved.
    async fn solution(&self) -> Option<&str> {
        self.solution.as_deref()
    }
    /// Who asks.
    async fn contact(&self, ctx: &Context<'_>) -> Option<async_graphql::Result<Contact>> {
        let id = self.contact?;
        ctx.may_read("contact").map(|(app, _)| Contact::find(app, id)).transpose()
    }
    /// For which organization.
    async fn organization(&self, ctx: &Context<'_>) -> Option<async_graphql::Result<Organization>> {
        let id = self.organization?;
        ctx.may_read("organization").map(|(app, _)| Organization::find(app, id)).transpose()
    }
    async fn message_count(&self) -> usize {
        self.message_count
    }
    /// Messages and internal notes, the first at the front.
    async fn messages(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Option<async_graphql::Result<Messages>> {
        let paging = Paging { first, after, last, before };
        Some(ctx.app().and_then(|app| self.said(app, &paging)))
    }
}

/// A part of the list of tickets, by when they were opened.
pub(super) fn page(
    ctx: &Context<'_>,
    paging: &Paging,
    filter: &TicketFilter,
    descending: bool,
) -> async_graphql::Result<Connection<Opaque, Ticket, EmptyFields, EmptyFields>> {
    let (app, _) = ctx.may_read("tickets")?;
    let cut = paging.cut()?;
    let views = app.ledger().views();
    let page = views.tickets(filter, direction(descending), &cut);
    let page = page.map(|page| page.map(|ticket| (ticket.cursor(), Ticket::from(ticket))));
    drop(views);
    connection(page)
}

payload! {
    /// What became of a change to a ticket.
    TicketPayload { ticket: Ticket }
}

/// What somebody asks. A contact, an organization or both say who.
#[derive(InputObject)]
pub struct OpenTicketInput {
    pub contact_id: Option<ID>,
    pub organization_id: Option<ID>,
    /// What it is about, in one line.
    pub subject_line: String,
    /// The first message.
    pub body: String,
    pub origin: Origin,
    #[graphql(default)]
    pub priority: Priority,
    pub effective_at: Option<Time>,
    pub command_id: Option<CommandId>,
}

/// A message that the customer reads or wrote. One of the customer's reopens a solved ticket.
#[derive(InputObject)]
pub struct ReplyToTicketInput {
    pub ticket_id: ID,
    #[graphql(default)]
    pub direction: Direction,
    pub body: String,
    pub effective_at: Option<Time>,
    pub expected_revision: Option<u64>,
    pub command_id: Option<CommandId>,
}

/// A message among us.
#[derive(InputObject)]
pub struct AddInternalNoteInput {
    pub ticket_id: ID,
    pub body: String,
    pub effective_at: Option<Time>,
    pub expected_revision: Option<u64>,
    pub command_id: Option<CommandId>,
}

/// Who is to work on a ticket.
#[derive(InputObject)]
pub struct AssignTicketInput {
    pub ticket_id: ID,
    /// An agent; `null` for nobody.
    pub owner_id: MaybeUndefined<ID>,
    pub effective_at: Option<Time>,
    pub expected_revision: Option<u64>,
    pub command_id: Option<CommandId>,
}

/// How soon a ticket is to be looked at.
#[derive(InputObject)]
pub struct SetTicketPriorityInput {
    pub ticket_id: ID,
    pub priority: Priority,
    pub effective_at: Option<Time>,
    pub expected_revision: Option<u64>,
    pub command_id: Option<CommandId>,
}

/// What solves a ticket.
#[derive(InputObject)]
pub struct SolveTicketInput {
    pub ticket_id: ID,
    pub solution: String,
    pub effective_at: Option<Time>,
    pub expected_revision: Option<u64>,
    pub command_id: Option<CommandId>,
}

/// A ticket that is not over. A closed one may be reopened for 30 days.
#[derive(InputObject)]
pub struct ReopenTicketInput {
    pub ticket_id: ID,
    pub effective_at: Option<Time>,
    pub expected_revision: Option<u64>,
    pub command_id: Option<CommandId>,
}

/// A ticket that is over.
#[derive(InputObject)]
pub struct CloseTicketInput {
    pub ticket_id: ID,
    pub effective_at: Option<Time>,
    pub expected_revision: Option<u64>,
    pub command_id: Option<CommandId>,
}

/// The mutations of tickets.
#[derive(Default)]
pub struct TicketMutation;

#[Object]
impl TicketMutation {
    /// Somebody asks.
    async fn open_ticket(&self, ctx: &Context<'_>, input: OpenTicketInput) -> async_graphql::Result<TicketPayload> {
        TicketPayload::of(open(ctx, input).await)
    }

    /// A message that the customer reads or wrote.
    async fn reply_to_ticket(
        &self,
        ctx: &Context<'_>,
        input: ReplyToTicketInput,
    ) -> async_graphql::Result<TicketPayload> {
        TicketPayload::of(reply(ctx, input).await)
    }

    /// A message among us.
    async fn add_internal_note(
        &self,
        ctx: &Context<'_>,
        input: AddInternalNoteInput,
    ) -> async_graphql::Result<TicketPayload> {
        TicketPayload::of(add_note(ctx, input).await)
    }

    /// Somebody is to work on it, or nobody.
    async fn assign_ticket(&self, ctx: &Context<'_>, input: AssignTicketInput) -> async_graphql::Result<TicketPayload> {
        TicketPayload::of(assign(ctx, input).await)
    }

    /// It is more or less urgent.
    async fn set_ticket_priority(
        &self,
        ctx: &Context<'_>,
        input: SetTicketPriorityInput,
    ) -> async_graphql::Result<TicketPayload> {
        let envelope = envelope(input.command_id, input.expected_revision, input.effective_at);
        let command = Command::SetPriority { priority: input.priority.into() };
        TicketPayload::of(act(ctx, "setTicketPriority", &input.ticket_id, command, envelope).await)
    }

    /// There is a solution.
    async fn solve_ticket(&self, ctx: &Context<'_>, input: SolveTicketInput) -> async_graphql::Result<TicketPayload> {
        TicketPayload::of(solve(ctx, input).await)
    }

    /// It is not over.
    async fn reopen_ticket(&self, ctx: &Context<'_>, input: ReopenTicketInput) -> async_graphql::Result<TicketPayload> {
        let envelope = envelope(input.command_id, input.expected_revision, input.effective_at);
        TicketPayload::of(act(ctx, "reopenTicket", &input.ticket_id, Command::Reopen, envelope).await)
    }

    /// It is over.
    async fn close_ticket(&self, ctx: &Context<'_>, input: CloseTicketInput) -> async_graphql::Result<TicketPayload> {
        let envelope = envelope(input.command_id, input.expected_revision, input.effective_at);
        TicketPayload::of(act(ctx, "closeTicket", &input.ticket_id, Command::Close, envelope).await)
    }
}

type Done = Result<(Ticket, Accepted), No>;

async fn open(ctx: &Context<'_>, input: OpenTicketInput) -> Done {
    let (app, _) = ctx.may("openTicket")?;
    let mut problems = Problems::default();
    let line = problems.take(&["subjectLine"], Line::parse(&input.subject_line));
    let body = problems.take(&["body"], Text::parse(&input.body));
    problems.end()?;
    let (Some(line), Some(body)) = (line, body) else { return Err(Failure::internal("text without a problem").into()) };
    let mut fresh = Fresh::new();
    let id = fresh.id().map_err(Failure::internal)?;
    let command = Command::Open {
        person: input.contact_id.map(|id| person(app, &id)).transpose()?,
        company: input.organization_id.map(|id| company(app, &id)).transpose()?,
        question: Question { line, body },
        message: fresh.id().map_err(Failure::internal)?,
        priority: input.priority.into(),
        origin: input.origin.into(),
    };
    let envelope = envelope(input.command_id, None, input.effective_at);
    submit(ctx, "openTicket", id, command, envelope, fresh).await
}

async fn reply(ctx: &Context<'_>, input: ReplyToTicketInput) -> Done {
    ctx.may("replyToTicket")?;
    let (mut fresh, body) = (Fresh::new(), text("body", &input.body)?);
    let message: MessageId = fresh.id().map_err(Failure::internal)?;
    let command = Command::Reply { message, direction: input.direction.into(), body };
    let envelope = envelope(input.command_id, input.expected_revision, input.effective_at);
    submit(ctx, "replyToTicket", ticket_id(&input.ticket_id)?, command, envelope, fresh).await
}

async fn add_note(ctx: &Context<'_>, input: AddInternalNoteInput) -> Done {
    ctx.may("addInternalNote")?;
    let (mut fresh, body) = (Fresh::new(), text("body", &input.body)?);
    let message: MessageId = fresh.id().map_err(Failure::internal)?;
    let envelope = envelope(input.command_id, input.expected_revision, input.effective_at);
    let command = Command::AddNote { message, body };
    submit(ctx, "addInternalNote", ticket_id(&input.ticket_id)?, command, envelope, fresh).await
}

async fn assign(ctx: &Context<'_>, input: AssignTicketInput) -> Done {
    let (app, _) = ctx.may("assignTicket")?;
    let mut envelope = envelope(input.command_id, input.expected_revision, input.effective_at);
    let to = match input.owner_id {
        MaybeUndefined::Undefined => return Err(UserError::at(&["ownerId"], "say who, or null for nobody").into()),
        MaybeUndefined::Null => None,
        MaybeUndefined::Value(id) => {
            Some(id.parse::<ActorId>().map_err(|wrong| No::from(UserError::at(&["ownerId"], wrong)))?)
        }
    };
    // A retry is no new question: who was an agent then may have left since.
    if let Some(owner) = to.filter(|_| !app.is_repeated(&envelope)) {
        envelope.reads.push(works(app, owner)?);
    }
    act(ctx, "assignTicket", &input.ticket_id, Command::Assign { to }, envelope).await
}

/// Makes sure that somebody works on tickets; the stream that says so, and how far it was read.
fn works(app: &App, owner: ActorId) -> Result<(Stream, u64), No> {
    let (count, state) = app.ledger().state::<actor::Actor>(&owner.0).map_err(Failure::from)?;
    let no = |code, words: &str| No::from(UserError { code, ..UserError::at(&["ownerId"], words) });
    if count == 0 {
        return Err(no(ErrorCode::NotFound, "there is no such actor"));
    }
    if !state.roles().contains(&actor::Role::Agent) {
        return Err(no(ErrorCode::Validation, "only an agent who has not left works on tickets"));
    }
    Ok((Stream { kind: actor::Actor::KIND, id: owner.0 }, count))
}

async fn solve(ctx: &Context<'_>, input: SolveTicketInput) -> Done {
    ctx.may("solveTicket")?;
    let solution = text("solution", &input.solution)?;
    let envelope = envelope(input.command_id, input.expected_revision, input.effective_at);
    act(ctx, "solveTicket", &input.ticket_id, Command::Solve { solution }, envelope).await
}

/// A command that draws nothing.
async fn act(ctx: &Context<'_>, operation: &'static str, id: &str, command: Command, envelope: Envelope) -> Done {
    ctx.may(operation)?;
    submit(ctx, operation, ticket_id(id)?, command, envelope, Fresh::new()).await
}

async fn submit(
    ctx: &Context<'_>,
    operation: &'static str,
    id: TicketId,
    command: Command,
    envelope: Envelope,
    fresh: Fresh,
) -> Done {
    let (app, viewer) = ctx.may(operation)?;
    let accepted = app.submit::<ticket::Ticket>(viewer, id.0, command, envelope, fresh).await?;
    let found = Ticket::find(app, TicketId(accepted.stream.id));
    let ticket = found.ok_or_else(|| Failure::internal("a ticket that the views do not have"))?;
    Ok((ticket, accepted))
}

fn ticket_id(text: &str) -> Result<TicketId, No> {
    text.parse().map_err(|wrong| UserError::at(&["ticketId"], wrong).into())
}

fn text(field: &str, text: &str) -> Result<Text, No> {
    Text::parse(text).map_err(|wrong| UserError::at(&[field], wrong).into())
}

impl Kind for ticket::Rejection {
    fn kind(&self) -> ErrorCode {
        match self {
            Self::NotOpened => ErrorCode::NotFound,
            Self::Erased => ErrorCode::Erased,
            Self::Lost => ErrorCode::Lost,
            Self::Fenced => ErrorCode::Fenced,
            Self::NobodyNamed | Self::TooManyMessages { .. } => ErrorCode::Validation,
            Self::AlreadyOpened | Self::AlreadySolved | Self::NotSolved | Self::Closed | Self::TooLate { .. } => {
                ErrorCode::Conflict
            }
        }
    }
}

/// Which tickets. What is left out is not asked.
#[derive(InputObject, Default)]
#[graphql(name = "TicketFilter")]
pub struct TicketsAsked {
    pub state: Option<TicketState>,
    /// That this actor works on.
    pub owner_id: Option<ID>,
    /// `true`: that nobody works on. It does not go with `ownerId`; `false` asks nothing.
    pub unassigned: Option<bool>,
    pub priority: Option<Priority>,
    pub contact_id: Option<ID>,
    pub organization_id: Option<ID>,
}

impl TicketsAsked {
    fn parse(self) -> async_graphql::Result<TicketFilter> {
        let owner = match (self.owner_id, self.unassigned) {
            (Some(_), Some(true)) => return Err(bad_request("give ownerId or unassigned, not both")),
            (Some(id), _) => Some(Some(id.parse().map_err(bad_request)?)),
            (None, Some(true)) => Some(None),
            (None, _) => None,
        };
        Ok(TicketFilter {
            status: self.state.map(Into::into),
            owner,
            priority: self.priority.map(Into::into),
            contact: self.contact_id.map(|id| id.parse().map_err(bad_request)).transpose()?,
            organization: self.organization_id.map(|id| id.parse().map_err(bad_request)).transpose()?,
        })
    }
}

/// The queries of tickets.
#[derive(Default)]
pub struct TicketQuery;

#[Object]
impl TicketQuery {
    /// The ticket with this id.
    async fn ticket(&self, ctx: &Context<'_>, id: ID) -> async_graphql::Result<Option<Ticket>> {
        let (app, _) = ctx.may_read("ticket")?;
        let id = id.parse().map_err(bad_request)?;
        Ok(Ticket::find(app, id))
    }

    /// Tickets by when they were opened, the oldest at the front unless told otherwise.
    #[allow(clippy::too_many_arguments, reason = "arguments of a field")]
    async fn tickets(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        filter: Option<TicketsAsked>,
        #[graphql(default)] descending: bool,
    ) -> async_graphql::Result<Connection<Opaque, Ticket, EmptyFields, EmptyFields>> {
        ctx.may_read("tickets")?;
        page(ctx, &Paging { first, after, last, before }, &filter.unwrap_or_default().parse()?, descending)
    }
}

#[cfg(test)]
mod tests;
