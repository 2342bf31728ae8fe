//! Retentions that are over: what waits, what is overdue, and the word of a second person behind which it is destroyed.

use async_graphql::connection::{Connection, EmptyFields};
use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use domain::id::{ActorId, ErasureId};
use domain::subject::Confirmed;
use events::ledger::Due;
use projections::Cursor;

use super::connection::{MOST, Opaque, Paging, connection, cut_list};
use super::erasure::Erasure;
use super::outcome::{Ask, No, UserError};
use super::scalars::{CommandId, Day, Position, hex};
use crate::app::App;
use crate::error::Failure;

/// From how many days on what is over counts as overdue.
const OVERDUE_DAYS: i32 = 30;

/// A key whose time is over. It names nobody: ids alone.
pub struct DueKey(Due);

/// A key whose time is over and that is not destroyed.
#[Object]
impl DueKey {
    /// `key_…`, the fingerprint that records name.
    async fn key(&self) -> ID {
        ID(self.0.key.to_string())
    }
    /// `subject_…`: whose it is.
    async fn subject_id(&self) -> ID {
        ID(self.0.subject.to_string())
    }
    /// Such as `support(2026)`.
    async fn compartment(&self) -> String {
        self.0.over.compartment.to_string()
    }
    /// Why it ends, in words.
    async fn basis(&self) -> &str {
        self.0.over.basis.as_str()
    }
    /// The last day it was to be kept.
    async fn until(&self) -> Day {
        Day(self.0.over.until)
    }
    /// The retention that fenced it; none before the next run.
    async fn erasure(&self, ctx: &Context<'_>) -> Option<async_graphql::Result<Erasure>> {
        let id = self.0.fenced?;
        ctx.app().map(|app| Erasure::find(app, id)).transpose()
    }
    /// `hold_…`: a legal hold that keeps it.
    async fn hold(&self) -> Option<ID> {
        self.0.hold.map(|hold| ID(hold.to_string()))
    }
}

/// What the register says is over, as of now.
pub struct RetentionReport(Vec<Due>);

/// What the register says is over: the one that ended first at the front, at most 100 a page.
#[Object]
impl RetentionReport {
    /// How many keys are over and not destroyed.
    async fn count(&self) -> usize {
        self.0.len()
    }
    /// All keys whose time is over.
    async fn due(
        &self,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> async_graphql::Result<Connection<Opaque, DueKey, EmptyFields, EmptyFields>> {
        page(&self.0, &Paging { first, after, last, before })
    }
    /// Those whose time was over more than 30 days ago.
    async fn overdue(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> async_graphql::Result<Connection<Opaque, DueKey, EmptyFields, EmptyFields>> {
        let today = ctx.app()?.now().day();
        let late = |due: &&Due| due.over.until.0.saturating_add(OVERDUE_DAYS) < today.0;
        let late: Vec<Due> = self.0.iter().filter(late).cloned().collect();
        page(&late, &Paging { first, after, last, before })
    }
}

fn page(all: &[Due], paging: &Paging) -> async_graphql::Result<Connection<Opaque, DueKey, EmptyFields, EmptyFields>> {
    let number = |cursor: &Cursor| all.iter().position(|due| due.key.0 == cursor.id);
    let cursor = |due: &Due| Cursor { id: due.key.0, position: 0, at: due.over.until.start() };
    let cut = cut_list(all, &paging.cut()?, number);
    connection(cut.map(|page| page.map(|(_, due)| (cursor(due), DueKey(due.clone())))))
}

/// The queries of retentions.
#[derive(Default)]
pub struct RetentionQuery;

#[Object]
impl RetentionQuery {
    /// What the register says is over.
    async fn retention(&self, ctx: &Context<'_>) -> async_graphql::Result<RetentionReport> {
        let (app, _) = ctx.may_read("retention")?;
        let of = app.clone();
        let due = tokio::task::spawn_blocking(move || of.retention_due()).await;
        match due {
            Ok(Ok(due)) => Ok(RetentionReport(due)),
            Ok(Err(error)) => Err(match No::from(error) {
                No::Failure(failure) => failure.into(),
                No::User(errors) => super::outcome::bad_request(words(&errors)),
            }),
            Err(_) => Err(Failure::internal("a thread that looks what is over failed").into()),
        }
    }
}

fn words(errors: &[UserError]) -> String {
    errors.iter().map(|error| error.message.as_str()).collect::<Vec<_>>().join("; ")
}

/// Retentions whose time is over, as a second person says.
#[derive(InputObject)]
pub struct ConfirmRetentionInput {
    /// At most 100 of those that are fenced, `erasure_…`.
    pub erasure_ids: Vec<ID>,
    /// Names the record of the first, which a retry finds again; the others are not confirmed twice either.
    pub command_id: Option<CommandId>,
}

/// What became of retentions that were confirmed.
#[derive(SimpleObject, Default)]
pub struct ConfirmRetentionPayload {
    /// Those that are confirmed, as they are now: destroyed, or waiting for the end of their cooling-off or of a hold.
    confirmed: Vec<Erasure>,
    /// The position of the record of the first.
    position: Option<Position>,
    /// The hash of that record.
    record_hash: Option<String>,
    /// Whether an earlier command with this id had done it.
    repeated: bool,
    /// Why not, for each of the others; `path` names its number.
    errors: Vec<UserError>,
}

/// The mutations of retentions.
#[derive(Default)]
pub struct RetentionMutation;

#[Object]
impl RetentionMutation {
    /// The time of these keys is over, says a DPO who did not have them fenced. They are destroyed, all in one rotation of
    /// the keyring, where no cooling-off and no hold keeps them. Called again, it changes nothing.
    async fn confirm_retention(
        &self,
        ctx: &Context<'_>,
        input: ConfirmRetentionInput,
    ) -> async_graphql::Result<ConfirmRetentionPayload> {
        match confirm(ctx, input).await {
            Ok(payload) => Ok(payload),
            Err(No::User(errors)) => Ok(ConfirmRetentionPayload { errors, ..ConfirmRetentionPayload::default() }),
            Err(No::Failure(failure)) => Err(failure.into()),
        }
    }
}

const PATH: &str = "erasureIds";

async fn confirm(ctx: &Context<'_>, input: ConfirmRetentionInput) -> Result<ConfirmRetentionPayload, No> {
    let ids = &input.erasure_ids;
    let (app, viewer) = ctx.may("confirmRetention")?;
    if ids.is_empty() {
        return Err(UserError::at(&[PATH], "name at least one").into());
    }
    if ids.len() > MOST {
        return Err(UserError::at(&[PATH], format!("at most {MOST} at a time")).into());
    }
    let mut which: Vec<ErasureId> = Vec::with_capacity(ids.len());
    for (number, id) in ids.iter().enumerate() {
        let id = id.parse().map_err(|wrong| UserError::at(&[PATH, &number.to_string()], wrong))?;
        if !which.contains(&id) {
            which.push(id);
        }
    }
    let settled = settled(app, viewer.actor, which.clone(), input.command_id.map(|id| id.0)).await?;
    let mut payload = ConfirmRetentionPayload {
        confirmed: settled.confirmed.iter().filter_map(|id| Erasure::find(app, *id)).collect(),
        position: settled.first.map(|first| Position(first.position)),
        record_hash: settled.first.map(|first| hex(&first.hash)),
        repeated: settled.first.is_some_and(|first| first.repeated),
        errors: Vec::new(),
    };
    for (id, error) in settled.refused {
        let number = which.iter().position(|other| *other == id).unwrap_or_default().to_string();
        let No::User(errors) = No::from(error) else {
            return Err(Failure::internal("a retention that was confirmed could not be destroyed").into());
        };
        let path = || vec![PATH.to_owned(), number.clone()];
        payload.errors.extend(errors.into_iter().map(|error| UserError { path: path(), ..error }));
    }
    Ok(payload)
}

async fn settled(
    app: &App,
    by: ActorId,
    which: Vec<ErasureId>,
    command_id: Option<domain::id::CommandId>,
) -> Result<crate::app::Settled, No> {
    let of = app.clone();
    let settle = move || of.confirm_retention(by, &which, &Confirmed::Person, command_id, &mut |_, _| ());
    let settled = tokio::task::spawn_blocking(settle).await;
    Ok(settled.map_err(|_| Failure::internal("a thread that confirms retentions failed"))??)
}

#[cfg(test)]
mod tests;
