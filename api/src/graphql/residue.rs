//! What an erasure does not reach, or not yet, and for how long copies outside the ledger are kept.

use async_graphql::{Context, Enum, ID, InputObject, Object, SimpleObject};
use domain::register::ResidueDays;
use domain::subject;
use events::ledger::Accepted;
use projections::ResidueFacts;

use super::erasure::{Done, ErasurePayload, answered, standing};
use super::outcome::{Ask, No, Problems, envelope, payload};
use super::scalars::{CommandId, Day, Position, Time};
use crate::error::Failure;

/// What is left somewhere.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "subject::ResidueKind", name = "ResidueKind")]
pub enum ResidueKind {
    /// Files with opened values that were handed out.
    DisclosedOpenings,
    /// Backups from before the destruction.
    OldBackups,
    /// Images of memory, such as snapshots of virtual machines.
    MemoryImages,
    /// Fingerprints of addresses, kept so that nobody writes there again. No final certificate waits for them.
    SuppressionList,
    /// Sealed parts that nobody can open any more and that are not overwritten yet.
    SealedParts,
}

/// How a residue came to its end.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "subject::ResidueEnd", name = "ResidueEnd")]
pub enum ResidueEnd {
    /// Its recipient was told of the erasure (Art. 19 GDPR).
    RecipientTold,
    /// To tell its recipient was impossible, or would have been out of proportion (Art. 19 GDPR).
    CannotBeTold,
    Destroyed,
    /// The last day it was kept is over: the ledger says so, and nobody else.
    RanOut,
    /// Every part of it was overwritten: the ledger says so, and nobody else.
    Swept,
}

/// What an erasure does not reach, or not yet.
#[derive(SimpleObject)]
pub struct Residue {
    /// From 1; what `closeResidue` names it by.
    number: u16,
    kind: ResidueKind,
    /// How many files, copies, entries or sealed parts; null where nobody has counted them.
    count: Option<u32>,
    /// The last day it is kept; null where nobody has said so.
    until: Option<Day>,
    /// The disclosure, where it is one.
    disclosure_id: Option<ID>,
    /// How it came to its end; null while it is open.
    closed: Option<ClosedResidue>,
}

/// The end of a residue.
#[derive(SimpleObject)]
pub struct ClosedResidue {
    end: ResidueEnd,
    on: Day,
    /// When that was recorded.
    at: Time,
    /// The position of its record.
    position: Position,
    /// Who said so.
    actor: ID,
}

impl From<(u16, &ResidueFacts)> for Residue {
    fn from((number, facts): (u16, &ResidueFacts)) -> Self {
        let subject::Residue { kind, count, until, disclosure } = facts.residue;
        Self {
            number,
            kind: kind.into(),
            count,
            until: until.map(Day),
            disclosure_id: disclosure.map(|id| ID(id.to_string())),
            closed: facts.closed.map(|(end, on, told)| ClosedResidue {
                end: end.into(),
                on: Day(on),
                at: Time(told.at),
                position: Position(told.position),
                actor: ID(told.actor.to_string()),
            }),
        }
    }
}

/// For how many days copies outside the ledger are kept.
#[derive(SimpleObject)]
pub struct KeptDays {
    kind: ResidueKind,
    /// 0: there are no such copies.
    days: u16,
}

/// A residue that was found.
#[derive(InputObject)]
pub struct ResidueInput {
    pub kind: ResidueKind,
    /// How many, where somebody has counted.
    pub count: Option<u32>,
    /// The last day it is kept, where that is known.
    pub until: Option<Day>,
}

/// More that a certified erasure does not reach.
#[derive(InputObject)]
pub struct NameResiduesInput {
    pub erasure_id: ID,
    /// None at all only where the certificate names none yet, as those of old ledgers do not.
    pub residues: Vec<ResidueInput>,
    pub expected_revision: Option<u64>,
    pub command_id: Option<CommandId>,
}

/// A residue that came to its end.
#[derive(InputObject)]
pub struct CloseResidueInput {
    pub erasure_id: ID,
    /// Its number, from 1.
    pub number: u16,
    pub end: ResidueEnd,
    /// The day on which that was so.
    pub on: Day,
    pub expected_revision: Option<u64>,
    pub command_id: Option<CommandId>,
}

/// How long copies outside the ledger are to be kept.
#[derive(InputObject)]
pub struct SetResidueDaysInput {
    /// `OLD_BACKUPS` or `MEMORY_IMAGES`.
    pub kind: ResidueKind,
    /// 0: there are no such copies.
    pub days: u16,
    pub effective_at: Option<Time>,
    /// Of the register.
    pub expected_revision: Option<u64>,
    pub command_id: Option<CommandId>,
}

payload! {
    /// What became of a change to how long copies are kept. The revision is the register's.
    KeptDaysPayload { kept: KeptDays }
}

/// The queries of residues.
#[derive(Default)]
pub struct ResidueQuery;

#[Object]
impl ResidueQuery {
    /// For how many days backups and images of memory are kept; what is not listed, nobody has said.
    async fn residue_days(&self, ctx: &Context<'_>) -> async_graphql::Result<Vec<KeptDays>> {
        let (app, _) = ctx.may_read("residueDays")?;
        let views = app.ledger().views();
        let kept = subject::ResidueKind::ALL.iter().filter_map(|kind| {
            let days = views.register().residue_days(*kind)?;
            Some(KeptDays { kind: (*kind).into(), days })
        });
        Ok(kept.collect())
    }
}

/// The mutations of residues.
#[derive(Default)]
pub struct ResidueMutation;

#[Object]
impl ResidueMutation {
    /// More was found that a certified erasure does not reach. Refused behind the final certificate.
    async fn name_residues(
        &self,
        ctx: &Context<'_>,
        input: NameResiduesInput,
    ) -> async_graphql::Result<ErasurePayload> {
        ErasurePayload::of(name(ctx, input).await)
    }

    /// A residue came to its end. With the last one that is waited for, the final certificate is recorded.
    async fn close_residue(
        &self,
        ctx: &Context<'_>,
        input: CloseResidueInput,
    ) -> async_graphql::Result<ErasurePayload> {
        ErasurePayload::of(close(ctx, input).await)
    }

    /// It is said for how many days backups or images of memory are kept. Certificates of later erasures name them until then.
    async fn set_residue_days(
        &self,
        ctx: &Context<'_>,
        input: SetResidueDaysInput,
    ) -> async_graphql::Result<KeptDaysPayload> {
        KeptDaysPayload::of(set_days(ctx, input).await)
    }
}

async fn name(ctx: &Context<'_>, input: NameResiduesInput) -> Done {
    let (app, viewer) = ctx.may("nameResidues")?;
    let (case, erasure) = standing(app, &input.erasure_id)?;
    let mut problems = Problems::default();
    let residues = problems.each("residues", input.residues, |residue, problems| {
        let ResidueInput { kind, count, until } = residue;
        if kind == ResidueKind::SealedParts {
            problems.note(&["kind"], "sealed parts are named and swept by the ledger itself");
        }
        if count == Some(0) {
            problems.note(&["count"], "none at all is no residue");
        }
        Some(subject::Residue { kind: kind.into(), count, until: until.map(|day| day.0), disclosure: None })
    });
    problems.end()?;
    let envelope = envelope(input.command_id, input.expected_revision, None);
    let (of, by) = (app.clone(), viewer.actor);
    let done = tokio::task::spawn_blocking(move || of.name_residues(by, (case, erasure), residues, envelope)).await;
    answered(app, erasure, done)
}

async fn close(ctx: &Context<'_>, input: CloseResidueInput) -> Done {
    let (app, viewer) = ctx.may("closeResidue")?;
    let (case, erasure) = standing(app, &input.erasure_id)?;
    let end: subject::ResidueEnd = input.end.into();
    let mut problems = Problems::default();
    if end.is_the_ledgers() {
        problems.note(&["end"], "only the ledger itself says so");
    }
    problems.end()?;
    let envelope = envelope(input.command_id, input.expected_revision, None);
    let (of, by, ended) = (app.clone(), viewer.actor, (input.number, end, input.on.0));
    let done = tokio::task::spawn_blocking(move || of.close_residue(by, (case, erasure), ended, envelope)).await;
    answered(app, erasure, done)
}

async fn set_days(ctx: &Context<'_>, input: SetResidueDaysInput) -> Result<(KeptDays, Accepted), No> {
    let (app, viewer) = ctx.may("setResidueDays")?;
    let register = app.register()?;
    let set = ResidueDays { kind: input.kind.into(), days: input.days };
    let envelope = envelope(input.command_id, input.expected_revision, input.effective_at);
    let (of, by) = (app.clone(), viewer.actor);
    let done = tokio::task::spawn_blocking(move || of.set_residue_days(by, register, set, envelope)).await;
    let accepted = done.map_err(|_| Failure::internal("a thread of the register failed"))??;
    Ok((KeptDays { kind: input.kind, days: input.days }, accepted))
}

#[cfg(test)]
mod tests;
