//! The steps that people take: ask, take back, refuse, approve, order.

use async_graphql::{Context, ID, InputObject, Object};
use domain::id::{ErasureId, SubjectId};
use domain::subject::{self, Asked, Command, Rejection, SubjectKind};
use domain::value::Text;
use events::ledger::{Accepted, EraseError, Fresh, Refused};

use super::whose::{field, known, people, standing, whose};
use super::{AskedHow, Erasure, ErasurePayload, Ground, IdentityCheck, RefusalGround};
use crate::app::{App, intent};
use crate::error::Failure;
use crate::graphql::claim::{ClaimHash, ClaimSlip};
use crate::graphql::outcome::{Ask, No, Problems, envelope};
use crate::graphql::scalars::{CommandId, Day, Time};
use crate::graphql::suppression::until;

/// A request to be forgotten. Exactly one of the three ids says whose.
#[derive(InputObject)]
pub struct RequestErasureInput {
    pub contact_id: Option<ID>,
    pub organization_id: Option<ID>,
    pub actor_id: Option<ID>,
    pub ground: Ground,
    pub how: AskedHow,
    /// The day the request came in.
    pub asked_on: Day,
    pub identity_check: IdentityCheck,
    /// The day that was checked.
    pub identity_on: Day,
    /// What was asked, in words.
    pub words: Option<String>,
    /// Where the certificate goes, by e-mail or by post. Sealed under a key of its own, which is over 30 days after the delivery.
    pub deliver_to: Option<String>,
    /// The hash of a claim code that the person's browser drew and keeps, with which they can come back. Without one the
    /// server draws a code and shows it once, in `claimSlip`; none where nobody asked (`OWN_REVIEW`).
    pub claim_hash: Option<ClaimHash>,
    /// For an organization: the contacts of the people who go with it.
    #[graphql(default)]
    pub people: Vec<ID>,
    pub effective_at: Option<Time>,
    pub command_id: Option<CommandId>,
}

/// A request that is taken back.
#[derive(InputObject)]
pub struct WithdrawErasureRequestInput {
    pub erasure_id: ID,
    pub effective_at: Option<Time>,
    pub expected_revision: Option<u64>,
    pub command_id: Option<CommandId>,
}

/// A request that is refused.
#[derive(InputObject)]
pub struct RefuseErasureInput {
    pub erasure_id: ID,
    pub ground: RefusalGround,
    pub words: Option<String>,
    pub expected_revision: Option<u64>,
    pub command_id: Option<CommandId>,
}

/// A request that a second person agrees to.
#[derive(InputObject)]
pub struct ApproveErasureInput {
    pub erasure_id: ID,
    /// Whether the addresses of whom it reaches go on the suppression list, so that they are not taken in again. They stay
    /// there as keyed fingerprints, which the certificate says. Counts with the approval that is accepted.
    #[graphql(default)]
    pub suppress: bool,
    /// Until when; moved to the end of the month, and three years from now where it is not said.
    pub suppress_until: Option<Day>,
    pub expected_revision: Option<u64>,
    pub command_id: Option<CommandId>,
}

/// A fenced erasure whose keys are to be destroyed now.
#[derive(InputObject)]
pub struct OrderDestructionInput {
    pub erasure_id: ID,
    pub expected_revision: Option<u64>,
    pub command_id: Option<CommandId>,
}

/// The mutations of erasures.
#[derive(Default)]
pub struct ErasureMutation;

#[Object]
impl ErasureMutation {
    /// Somebody asks to be forgotten.
    async fn request_erasure(
        &self,
        ctx: &Context<'_>,
        input: RequestErasureInput,
    ) -> async_graphql::Result<ErasurePayload> {
        ErasurePayload::of(request(ctx, input).await)
    }

    /// The request is taken back. Once it is approved, only a DPO may do so; what was fenced is read again.
    async fn withdraw_erasure_request(
        &self,
        ctx: &Context<'_>,
        input: WithdrawErasureRequestInput,
    ) -> async_graphql::Result<ErasurePayload> {
        ErasurePayload::of(withdraw(ctx, input).await)
    }

    /// No, says a DPO who did not write the request down. What was fenced is read again.
    async fn refuse_erasure(
        &self,
        ctx: &Context<'_>,
        input: RefuseErasureInput,
    ) -> async_graphql::Result<ErasurePayload> {
        ErasurePayload::of(refuse(ctx, input).await)
    }

    /// Yes, says a DPO who did not write the request down. What dies is fenced at once, and destroyed when the cooling-off
    /// is over and no hold is in force. Called again, it finishes what was cut off.
    async fn approve_erasure(
        &self,
        ctx: &Context<'_>,
        input: ApproveErasureInput,
    ) -> async_graphql::Result<ErasurePayload> {
        ErasurePayload::of(approve(ctx, input).await)
    }

    /// Destroys what is fenced now and not with the server's next look at what is due. Refused before `destroyableFrom`, and
    /// while a hold is in force.
    async fn order_destruction(
        &self,
        ctx: &Context<'_>,
        input: OrderDestructionInput,
    ) -> async_graphql::Result<ErasurePayload> {
        ErasurePayload::of(order(ctx, input).await)
    }
}

pub(in crate::graphql) type Done = Result<(Erasure, Accepted), No>;

/// All that the case would refuse is refused before one is opened: a refusal writes nothing.
async fn request(ctx: &Context<'_>, input: RequestErasureInput) -> Done {
    let (app, viewer) = ctx.may("requestErasure")?;
    let whose = whose(input.contact_id.as_ref(), input.organization_id.as_ref(), input.actor_id.as_ref())?;
    let envelope = envelope(input.command_id, None, input.effective_at);
    let is_retry = app.is_repeated(&envelope);
    let mut problems = Problems::default();
    let words = input.words.and_then(|words| problems.take(&["words"], Text::parse(&words)));
    let deliver_to = input.deliver_to.and_then(|address| problems.take(&["deliverTo"], Text::parse(&address)));
    let people = people(app, whose, &input.people, is_retry, &mut problems)?;
    let now = app.now();
    for (field, day) in [("askedOn", input.asked_on.0), ("identityOn", input.identity_on.0)] {
        if day > now.day() {
            problems.note(&[field], Rejection::FutureDay(day));
        }
    }
    if envelope.effective_at.is_some_and(|at| at > now) {
        problems.note(&["effectiveAt"], Refused::<Rejection>::Future);
    }
    if input.ground == Ground::RetentionOver {
        problems.note(&["ground"], Rejection::NotAsked);
    }
    let claim = input.claim_hash.map(|hash| hash.0);
    if !is_retry && claim.is_some_and(|mark| app.is_claim_of_another(mark, None)) {
        problems.note(&["claimHash"], Rejection::ClaimUsed);
    }
    problems.end()?;
    let asked = Asked {
        ground: input.ground.into(),
        how: input.how.into(),
        on: input.asked_on.0,
        identity: input.identity_check.into(),
        identity_on: input.identity_on.0,
    };
    let (subject, kind) = known(app, whose, &[field(whose)])?;
    if is_retry && app.case_of(subject).is_none() {
        return Err(Refused::<Rejection>::CommandReused.into());
    }
    let reached: Vec<SubjectId> = std::iter::once(subject).chain(people.iter().copied()).collect();
    if !is_retry {
        app.check_unreached(&reached)?;
    }
    if !is_retry && !people.is_empty() && kind == SubjectKind::Organization {
        let (of, reached) = (app.clone(), reached.clone());
        let fits = tokio::task::spawn_blocking(move || of.check_reach(&reached)).await;
        fits.map_err(|_| Failure::internal("a thread that plans an erasure failed"))??;
    }
    let case = app.open_case(viewer.actor, subject, kind).await?;
    let mut fresh = Fresh::new();
    let erasure: ErasureId = fresh.id().map_err(Failure::internal)?;
    let command = Command::RequestErasure { erasure, asked, request: subject::Request { words, people } };
    let request = intent::<subject::Case>(viewer.actor, case.0, command, envelope, fresh).map_err(Failure::from)?;
    let of = app.clone();
    let accepted = tokio::task::spawn_blocking(move || of.request_erasure(&reached, &request)).await;
    let accepted = accepted.map_err(|_| Failure::internal("a thread that requests an erasure failed"))??;
    let found = {
        let views = app.ledger().views();
        let erasures = views.case(case).map(|case| case.erasures.to_vec()).unwrap_or_default();
        let mut found = erasures.iter().rev().filter_map(|id| views.erasure(*id));
        found
            .find(|erasure| erasure.facts.steps.first().is_some_and(|step| step.position == accepted.position))
            .map(|erasure| Erasure::of(&views, &erasure))
    };
    let found = found.ok_or_else(|| Failure::internal("an erasure that the views do not have"))?;
    let (of, by, id) = (app.clone(), viewer.actor, found.facts.id);
    let nobody_asked = asked.how == subject::AskedHow::OwnReview && claim.is_none();
    let rest = tokio::task::spawn_blocking(move || {
        deliver_to.map_or(Ok(()), |address| of.give_address_once(by, (case, id), address))?;
        if nobody_asked { Ok(None) } else { of.mark_request(by, (case, id), claim) }
    });
    let code = rest.await.map_err(|_| Failure::internal("a thread that completes a request failed"))??;
    let found = Erasure::find(app, id).ok_or_else(|| Failure::internal("an erasure that the views do not have"))?;
    let revision = found.revision;
    let slip = code.map(|code| ClaimSlip::of(app, id, &code));
    Ok((found.with_slip(slip), Accepted { revision, ..accepted }))
}

async fn withdraw(ctx: &Context<'_>, input: WithdrawErasureRequestInput) -> Done {
    let (app, viewer) = ctx.may("withdrawErasureRequest")?;
    let (case, erasure) = standing(app, &input.erasure_id)?;
    let envelope = envelope(input.command_id, input.expected_revision, input.effective_at);
    let (of, viewer) = (app.clone(), viewer.clone());
    let done = tokio::task::spawn_blocking(move || of.withdraw_erasure(&viewer, case, erasure, envelope)).await;
    answered(app, erasure, done)
}

async fn refuse(ctx: &Context<'_>, input: RefuseErasureInput) -> Done {
    let (app, viewer) = ctx.may("refuseErasure")?;
    let (case, erasure) = standing(app, &input.erasure_id)?;
    let mut problems = Problems::default();
    let words = input.words.and_then(|words| problems.take(&["words"], Text::parse(&words)));
    problems.end()?;
    let envelope = envelope(input.command_id, input.expected_revision, None);
    let (of, by, why) = (app.clone(), viewer.actor, (input.ground.into(), words));
    let done = tokio::task::spawn_blocking(move || of.refuse_erasure(by, case, erasure, why, envelope)).await;
    answered(app, erasure, done)
}

async fn approve(ctx: &Context<'_>, input: ApproveErasureInput) -> Done {
    let (app, viewer) = ctx.may("approveErasure")?;
    let (case, erasure) = standing(app, &input.erasure_id)?;
    let envelope = envelope(input.command_id, input.expected_revision, None);
    let asked = input.suppress_until.filter(|_| input.suppress);
    let until = until(app, asked, "suppressUntil", app.is_repeated(&envelope))?;
    let suppress = input.suppress.then_some(until);
    let (of, by) = (app.clone(), viewer.actor);
    let approve = move || of.approve_suppressing(by, case, erasure, suppress, envelope);
    let done = tokio::task::spawn_blocking(approve).await;
    answered(app, erasure, done)
}

async fn order(ctx: &Context<'_>, input: OrderDestructionInput) -> Done {
    let (app, viewer) = ctx.may("orderDestruction")?;
    let (case, erasure) = standing(app, &input.erasure_id)?;
    let envelope = envelope(input.command_id, input.expected_revision, None);
    let (of, by) = (app.clone(), viewer.actor);
    let done = tokio::task::spawn_blocking(move || of.order_destruction(by, case, erasure, envelope)).await;
    answered(app, erasure, done)
}

/// The answer names the record of the command itself, which a retry finds again, and the revision that followed it.
pub(in crate::graphql) fn answered(
    app: &App,
    erasure: ErasureId,
    done: Result<Result<Accepted, EraseError>, tokio::task::JoinError>,
) -> Done {
    let accepted = done.map_err(|_| Failure::internal("a thread of an erasure failed"))??;
    let found =
        Erasure::find(app, erasure).ok_or_else(|| Failure::internal("an erasure that the views do not have"))?;
    let revision = found.revision;
    Ok((found, Accepted { revision, ..accepted }))
}
