//! The suppression list: whom not to take in and not to write to again. A DPO puts addresses there and takes them off; nobody
//! reads any, and nobody is told whether one is there.

use std::convert::Infallible;

use async_graphql::{Context, Enum, InputObject, Object, SimpleObject};
use domain::compartment::Country;
use domain::id::{ActorId, CommandId as AnyCommandId};
use domain::limits::{SUPPRESSION_MONTHS, SUPPRESSION_MONTHS_MOST};
use domain::point::Point;
use domain::register::Slug;
use domain::suppression::{self, Address, DropPlace};
use domain::time;
use events::ledger::{Accepted, Failure as LedgerFailure, Fresh, Refused};

use super::outcome::{Ask, ErrorCode, Kind, No, Problems, UserError, envelope, payload};
use super::purpose::slug;
use super::scalars::{CommandId, Day};
use crate::app::App;
use crate::error::Failure;

/// What was done to the suppression list.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "suppression::SuppressionAct", name = "SuppressionAct")]
pub enum Act {
    Added,
    Removed,
}

/// Why an address goes on the suppression list or comes off it.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "suppression::SuppressionReason", name = "SuppressionReason")]
pub enum Reason {
    /// The person does not want to hear from us.
    Asked,
    /// An objection that is to hold when the person's data is gone (Art. 21(3) GDPR).
    Objected,
    /// The person was erased, here or in another system.
    Erased,
    /// A court or an authority ordered it.
    Ordered,
    /// The person wants to be reached again.
    Invited,
    /// It was the wrong address.
    Mistake,
}

/// What was done, as the log says it; and until when it counts, which only the list knows.
#[derive(SimpleObject)]
pub struct Suppression {
    act: Act,
    reason: Reason,
    /// For all direct contact where none is named.
    purposes: Vec<String>,
    /// The last day it counts, which is the last of a month.
    until: Option<Day>,
}

payload! {
    /// What became of a change to the suppression list. It says nothing of what the list held before.
    SuppressionPayload { suppression: Suppression }
}

/// An address that is not to be taken in, nor to be written to.
#[derive(InputObject)]
pub struct SuppressInput {
    /// A mail address, or a phone number.
    pub address: String,
    /// Two letters of ISO 3166-1, for a number that does not begin with its country code.
    pub country: Option<String>,
    /// Only these purposes; all direct contact where none is named, and then nobody with this address is taken in.
    #[graphql(default)]
    pub purposes: Vec<String>,
    /// Until when; moved to the end of the month, and three years from now where it is not said. At most ten years.
    pub until: Option<Day>,
    pub reason: Reason,
    pub command_id: Option<CommandId>,
}

/// An address that may be taken in and written to again.
#[derive(InputObject)]
pub struct UnsuppressInput {
    /// A mail address, or a phone number.
    pub address: String,
    /// Two letters of ISO 3166-1, for a number that does not begin with its country code.
    pub country: Option<String>,
    /// Only these purposes; whatever it is on the list for where none is named.
    #[graphql(default)]
    pub purposes: Vec<String>,
    pub reason: Reason,
    pub command_id: Option<CommandId>,
}

/// The mutations of the suppression list.
#[derive(Default)]
pub struct SuppressionMutation;

#[Object]
impl SuppressionMutation {
    /// An address is not taken in and not written to from here on. Only a keyed fingerprint of it is kept.
    async fn suppress(&self, ctx: &Context<'_>, input: SuppressInput) -> async_graphql::Result<SuppressionPayload> {
        SuppressionPayload::of(suppress(ctx, input).await)
    }

    /// An address may be taken in and written to again. Whether it was on the list is not said.
    async fn unsuppress(&self, ctx: &Context<'_>, input: UnsuppressInput) -> async_graphql::Result<SuppressionPayload> {
        SuppressionPayload::of(unsuppress(ctx, input).await)
    }
}

type Done = Result<(Suppression, Accepted), No>;
type Recorded = Result<Accepted, Refused<Infallible>>;

async fn suppress(ctx: &Context<'_>, input: SuppressInput) -> Done {
    let (app, _) = ctx.may("suppress")?;
    let is_retry = app.is_repeated(&envelope(input.command_id, None, None));
    let (address, purposes) = parse(app, &input.address, input.country, &input.purposes, is_retry)?;
    let until = until(app, input.until, "until", is_retry)?;
    let said = suppression::Suppression {
        act: suppression::SuppressionAct::Added,
        reason: input.reason.into(),
        purposes: purposes.clone(),
    };
    let of = app.clone();
    let listed = move |by, command, said| {
        // The list is changed before the record, which would be refused.
        if of.ledger().is_closed() {
            return Err(Refused::Leaving);
        }
        if !is_retry {
            of.ledger().suppress(&[address], &purposes, until, None).map_err(LedgerFailure::from)?;
        }
        of.ledger().record_suppression(by, command, said)
    };
    let (suppression, accepted) = act(ctx, "suppress", input.command_id, said, listed).await?;
    Ok((Suppression { until: Some(Day(until.end_of_month())), ..suppression }, accepted))
}

async fn unsuppress(ctx: &Context<'_>, input: UnsuppressInput) -> Done {
    let (app, _) = ctx.may("unsuppress")?;
    let is_retry = app.is_repeated(&envelope(input.command_id, None, None));
    let (address, purposes) = parse(app, &input.address, input.country, &input.purposes, is_retry)?;
    let said = suppression::Suppression {
        act: suppression::SuppressionAct::Removed,
        reason: input.reason.into(),
        purposes: purposes.clone(),
    };
    let of = app.clone();
    let unlisted = move |by, command, said| of.ledger().unsuppress(&address, by, command, said);
    act(ctx, "unsuppress", input.command_id, said, unlisted).await
}

/// Changes the list and records who did, and what is answered then.
async fn act(
    ctx: &Context<'_>,
    operation: &'static str,
    command: Option<CommandId>,
    said: suppression::Suppression,
    done: impl FnOnce(ActorId, AnyCommandId, suppression::Suppression) -> Recorded + Send + 'static,
) -> Done {
    let (_, viewer) = ctx.may(operation)?;
    let command: AnyCommandId = match command {
        Some(command) => command.0,
        None => Fresh::new().id().map_err(Failure::internal)?,
    };
    let suppression = Suppression {
        act: said.act.into(),
        reason: said.reason.into(),
        purposes: said.purposes.iter().map(Slug::to_string).collect(),
        until: None,
    };
    let by = viewer.actor;
    let done = tokio::task::spawn_blocking(move || done(by, command, said));
    let accepted = done.await.map_err(|_| Failure::internal("a thread of the suppression list failed"))??;
    Ok((suppression, accepted))
}

fn parse(
    app: &App,
    address: &str,
    country: Option<String>,
    purposes: &[String],
    is_retry: bool,
) -> Result<(Address, Vec<Slug>), No> {
    let mut problems = Problems::default();
    let country = country.and_then(|code| problems.take(&["country"], Country::parse(&code)));
    let address = match Address::parse(address, country) {
        Ok(address) => Some(address),
        Err(wrong) => {
            problems.note(&["address"], wrong);
            None
        }
    };
    let mut named: Vec<Slug> = problems.each("purposes", purposes.to_vec(), |text, p| {
        let slug = slug(&[], &text, p)?;
        let known = is_retry || app.ledger().views().register().purpose(&slug).is_some();
        if !known {
            p.note(&[], "the register has no such purpose");
        }
        known.then_some(slug)
    });
    problems.end()?;
    named.sort();
    named.dedup();
    Ok((address.ok_or_else(|| Failure::internal("an address without a problem"))?, named))
}

/// The day until which something is suppressed, where it is one.
pub(super) fn until(app: &App, asked: Option<Day>, field: &str, is_retry: bool) -> Result<time::Day, No> {
    let today = app.now().day();
    let until = asked.map_or_else(|| today.plus_months(SUPPRESSION_MONTHS), |asked| asked.0);
    if !is_retry && until <= today {
        return Err(UserError::at(&[field], "this day is over").into());
    }
    if !is_retry && until > today.plus_months(SUPPRESSION_MONTHS_MOST) {
        let words = format!("nobody is suppressed for more than {SUPPRESSION_MONTHS_MOST} months");
        return Err(UserError::at(&[field], words).into());
    }
    Ok(until)
}

/// Whoever is to be reached at one of these points is not taken in where one of them is suppressed. That it was dropped is
/// recorded before it is answered; whose address it was is not.
pub(super) async fn check_suppressed(app: &App, points: &[Point], place: DropPlace) -> Result<(), No> {
    if !app.suppresses(points) {
        return Ok(());
    }
    let of = app.clone();
    let recorded = tokio::task::spawn_blocking(move || of.record_dropped(place, 1)).await;
    recorded.map_err(|_| Failure::internal("a thread of the suppression list failed"))?.map_err(Failure::from)?;
    Err(UserError::dropped().into())
}

impl Kind for Infallible {
    fn kind(&self) -> ErrorCode {
        match *self {}
    }
}

/// How much stands on the suppression list.
#[derive(SimpleObject)]
pub struct SuppressionList {
    /// By the year in which they were put there.
    years: Vec<SuppressionYear>,
    /// How many erasures put addresses there and are not certified yet.
    unsettled: usize,
}

/// The entries of one year, which are under one key. It dies with the last of them.
#[derive(SimpleObject)]
pub struct SuppressionYear {
    year: u16,
    /// An address has one for each purpose. Those that have run out are cleared away when something is destroyed next.
    entries: usize,
}

/// The query of the suppression list.
#[derive(Default)]
pub struct SuppressionQuery;

#[Object]
impl SuppressionQuery {
    /// How much stands on the suppression list; of whom, nobody can read.
    async fn suppression_list(&self, ctx: &Context<'_>) -> async_graphql::Result<SuppressionList> {
        let (app, _) = ctx.may_read("suppressionList")?;
        let list = app.ledger().keyring().suppression();
        let years = list.counts().into_iter().map(|(year, entries)| SuppressionYear { year, entries });
        Ok(SuppressionList { years: years.collect(), unsettled: list.unsettled().len() })
    }
}

#[cfg(test)]
mod tests;
