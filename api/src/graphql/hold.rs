//! Legal holds: what nobody may destroy, for which matter, and when somebody looks at it again.

use std::collections::BTreeSet;

use async_graphql::connection::{Connection, EmptyFields};
use async_graphql::{Context, Enum, ID, InputObject, Object, SimpleObject};
use domain::compartment::Compartment;
use domain::id::{CaseId, ErasureId, HoldId, OrganizationId, SubjectId};
use domain::limits::HOLD_COMPARTMENTS;
use domain::subject::{self, Command, Holding, Rejection, SubjectKind};
use domain::value::Text;
use events::ledger::{Accepted, EraseError, Refused};
use projections::{HoldFacts, Views};

use super::connection::{Opaque, Paging, connection};
use super::contact::Contact;
use super::erasure::{Named, contacts_of, named, organization_of};
use super::outcome::{Ask, ErrorCode, Kind as _, No, Problems, UserError, bad_request, envelope, payload};
use super::scalars::{CommandId, Day, Position, Time};
use crate::app::{App, Envelope};
use crate::error::Failure;

/// How far a hold is.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "subject::HoldStage", name = "HoldStage")]
pub enum HoldStage {
    /// It keeps nothing before a second person agrees.
    Placed,
    /// It keeps what it covers.
    InForce,
    /// Somebody asks that it be lifted; until a second person agrees, it keeps what it covers.
    LiftRequested,
    /// It keeps nothing any more.
    Lifted,
}

/// A legal hold: while it is in force, nothing that it covers is destroyed.
pub struct Hold {
    facts: HoldFacts,
    matter: Option<String>,
    subject: Option<SubjectId>,
    revision: u64,
}

impl Hold {
    pub(super) fn of(views: &Views, hold: &projections::Hold<'_>) -> Self {
        let case = views.case(hold.facts.case);
        Self {
            facts: hold.facts.clone(),
            matter: hold.matter.map(|matter| matter.as_str().to_owned()),
            subject: case.as_ref().and_then(|case| case.subject),
            revision: case.map_or(0, |case| case.revision),
        }
    }

    /// In force, and why nothing is destroyed, in words without personal data.
    pub(super) fn words(facts: &HoldFacts) -> String {
        Rejection::OnHold { hold: facts.id, review_on: facts.review_on }.to_string()
    }
}

/// A legal hold: while it is in force, nothing that it covers is destroyed.
#[Object]
impl Hold {
    /// `hold_…`
    async fn id(&self) -> ID {
        ID(self.facts.id.to_string())
    }
    /// The stream it stands in: `history` shows it.
    async fn case(&self) -> ID {
        ID(self.facts.case.to_string())
    }
    /// The case's revision, for `expectedRevision`.
    async fn revision(&self) -> u64 {
        self.revision
    }
    async fn stage(&self) -> HoldStage {
        self.facts.stage.into()
    }
    /// Whether it keeps what it covers.
    async fn in_force(&self) -> bool {
        self.facts.stage.is_in_force()
    }
    /// What it covers; everything where none is named. Claims always go with it, for they say what it is for.
    async fn compartments(&self) -> Vec<String> {
        self.facts.compartments.iter().map(ToString::to_string).collect()
    }
    /// The day by which somebody looks whether it is still needed.
    async fn review_on(&self) -> Day {
        Day(self.facts.review_on)
    }
    /// Whether that day is over and it is not lifted.
    async fn review_overdue(&self, ctx: &Context<'_>) -> async_graphql::Result<bool> {
        let stands = self.facts.stage != subject::HoldStage::Lifted;
        Ok(stands && self.facts.review_on < ctx.app()?.now().day())
    }
    /// What the data is needed for, while that can be read and the viewer may.
    async fn matter(&self, ctx: &Context<'_>) -> Option<&str> {
        self.matter.as_deref().filter(|_| ctx.may_read("hold").is_ok())
    }
    /// The contacts of the person, while anything can be read of them and the viewer may.
    async fn contacts(&self, ctx: &Context<'_>) -> Option<async_graphql::Result<Vec<Contact>>> {
        let subject = self.subject?;
        let contacts = ctx.may_read("contact").map(|(app, _)| contacts_of(app, subject));
        contacts.map(|contacts| (!contacts.is_empty()).then_some(contacts)).transpose()
    }
    /// The id of the organization, while anything can be read of it.
    async fn organization_id(&self, ctx: &Context<'_>) -> Option<async_graphql::Result<ID>> {
        let subject = self.subject?;
        let found: async_graphql::Result<Option<OrganizationId>> =
            ctx.may_read("organization").map(|(app, _)| organization_of(app, subject));
        found.map(|id| id.map(|id| ID(id.to_string()))).transpose()
    }
    /// Every step, oldest first: who placed it, who approved it, who asked that it be lifted, who lifted it.
    async fn steps(&self) -> Vec<HoldStep> {
        self.facts.steps.iter().map(HoldStep::from).collect()
    }
}

/// One step of a hold.
#[derive(SimpleObject)]
pub struct HoldStep {
    /// What it led to.
    stage: HoldStage,
    /// When it was recorded.
    at: Time,
    /// The position of its record.
    position: Position,
    /// Who took it.
    actor: ID,
}

impl From<&projections::HoldStep> for HoldStep {
    fn from(step: &projections::HoldStep) -> Self {
        Self {
            stage: step.stage.into(),
            at: Time(step.at),
            position: Position(step.position),
            actor: ID(step.actor.to_string()),
        }
    }
}

payload! {
    /// What became of a step of a hold.
    HoldPayload { hold: Hold }
}

/// What must not be destroyed. Exactly one of the five ids says whose data it is; `erasureId` is for those of whom an erasure
/// fenced everything else that names them.
#[derive(InputObject)]
pub struct PlaceHoldInput {
    pub contact_id: Option<ID>,
    pub organization_id: Option<ID>,
    pub actor_id: Option<ID>,
    pub subject_id: Option<ID>,
    pub erasure_id: Option<ID>,
    /// What the data is needed for, in words: a claim, a file number. Sealed.
    pub matter: Option<String>,
    /// Such as `relationship` or `support(2026)`; everything, also what comes later, where none is named.
    #[graphql(default)]
    pub compartments: Vec<String>,
    /// The day by which somebody looks whether it is still needed.
    pub review_on: Day,
    pub expected_revision: Option<u64>,
    pub command_id: Option<CommandId>,
}

/// A hold that a second person agrees to.
#[derive(InputObject)]
pub struct ApproveHoldInput {
    pub hold_id: ID,
    pub expected_revision: Option<u64>,
    pub command_id: Option<CommandId>,
}

/// A hold that is not needed any more.
#[derive(InputObject)]
pub struct LiftHoldInput {
    pub hold_id: ID,
    pub expected_revision: Option<u64>,
    pub command_id: Option<CommandId>,
}

/// A lift that a second person agrees to.
#[derive(InputObject)]
pub struct ApproveHoldLiftInput {
    pub hold_id: ID,
    pub expected_revision: Option<u64>,
    pub command_id: Option<CommandId>,
}

/// The mutations of holds.
#[derive(Default)]
pub struct HoldMutation;

#[Object]
impl HoldMutation {
    /// What is held about somebody is needed for a matter. In force when a second DPO approves it.
    async fn place_hold(&self, ctx: &Context<'_>, input: PlaceHoldInput) -> async_graphql::Result<HoldPayload> {
        HoldPayload::of(place(ctx, input).await)
    }

    /// Yes, says a DPO who did not place it: from here on nothing that it covers is destroyed. Of a hold that somebody asked to
    /// lift, any DPO says so that it stays in force.
    async fn approve_hold(&self, ctx: &Context<'_>, input: ApproveHoldInput) -> async_graphql::Result<HoldPayload> {
        let said = (input.hold_id, envelope(input.command_id, input.expected_revision, None));
        let done = step(ctx, "approveHold", said, |app, by, (case, hold), envelope| {
            app.approve_hold(by, case, hold, envelope)
        });
        HoldPayload::of(done.await)
    }

    /// It is not needed any more. A hold in force keeps what it covers until another DPO approves that; one that was never in
    /// force is gone at once.
    async fn lift_hold(&self, ctx: &Context<'_>, input: LiftHoldInput) -> async_graphql::Result<HoldPayload> {
        let said = (input.hold_id, envelope(input.command_id, input.expected_revision, None));
        let done = step(ctx, "liftHold", said, |app, by, (case, hold), envelope| {
            app.lift_hold(by, case, Command::LiftHold { hold }, envelope)
        });
        HoldPayload::of(done.await)
    }

    /// Yes, says a DPO who did not ask for the lift: what waited for the hold goes on.
    async fn approve_hold_lift(
        &self,
        ctx: &Context<'_>,
        input: ApproveHoldLiftInput,
    ) -> async_graphql::Result<HoldPayload> {
        let said = (input.hold_id, envelope(input.command_id, input.expected_revision, None));
        let done = step(ctx, "approveHoldLift", said, |app, by, (case, hold), envelope| {
            app.lift_hold(by, case, Command::ApproveLift { hold }, envelope)
        });
        HoldPayload::of(done.await)
    }
}

type Done = Result<(Hold, Accepted), No>;

/// All that the case would refuse is refused before one is opened: a refusal writes nothing.
async fn place(ctx: &Context<'_>, input: PlaceHoldInput) -> Done {
    let (app, viewer) = ctx.may("placeHold")?;
    let envelope = envelope(input.command_id, input.expected_revision, None);
    let is_retry = app.is_repeated(&envelope);
    let mut problems = Problems::default();
    let matter = match input.matter.as_deref().map(str::trim) {
        None | Some("") => {
            problems.note(&["matter"], "a hold needs a matter: say what the data is needed for");
            None
        }
        Some(matter) => problems.take(&["matter"], Text::parse(matter)),
    };
    let compartments: Vec<Compartment> = problems.each("compartments", input.compartments.clone(), |text, problems| {
        text.parse().map_err(|wrong| problems.note(&[], wrong)).ok()
    });
    if compartments.iter().collect::<BTreeSet<_>>().len() > HOLD_COMPARTMENTS {
        problems.note(&["compartments"], Rejection::TooManyHeld(HOLD_COMPARTMENTS));
    }
    let review_on = input.review_on.0;
    if !is_retry && review_on <= app.now().day() {
        problems.note(&["reviewOn"], Rejection::ReviewOver(review_on));
    }
    problems.end()?;
    let Some(matter) = matter else { return Err(Failure::internal("a matter that is none").into()) };
    let (case, subject) = whose(app, &input, is_retry)?;
    if !is_retry {
        check_compartments(app, subject.map(|(subject, _)| subject), &compartments)?;
    }
    let case = match (case, subject) {
        (Some(case), _) => case,
        (None, Some((subject, kind))) => {
            app.ledger().check_hold(subject, &compartments).map_err(Refused::Rejected)?;
            app.open_case(viewer.actor, subject, kind).await?
        }
        (None, None) => return Err(Failure::internal("a hold of nobody").into()),
    };
    let holding = Holding { compartments, review_on, matter };
    let (of, by, subject) = (app.clone(), viewer.actor, subject.map(|(subject, _)| subject));
    let done = tokio::task::spawn_blocking(move || of.place_hold(by, (case, subject), holding, envelope)).await;
    let accepted = done.map_err(|_| Failure::internal("a thread of a hold failed"))??;
    let views = app.ledger().views();
    let placed = views.holds_in(case).into_iter();
    let mut placed =
        placed.filter(|hold| hold.facts.steps.first().is_some_and(|step| step.position == accepted.position));
    let hold = placed.next().map(|hold| Hold::of(&views, &hold));
    Ok((hold.ok_or_else(|| Failure::internal("a hold that the views do not have"))?, accepted))
}

/// A hold on what nobody can have would keep nothing of what was meant, and nobody would know. What somebody has may be held,
/// whatever it is; what may still come, where it is of a year and the register has a rule for it.
fn check_compartments(app: &App, subject: Option<SubjectId>, compartments: &[Compartment]) -> Result<(), No> {
    let has = |compartment| subject.is_some_and(|subject| app.ledger().owners().key(subject, compartment).is_some());
    let views = app.ledger().views();
    let mut problems = Problems::default();
    for (number, compartment) in compartments.iter().enumerate().filter(|(_, compartment)| !has(**compartment)) {
        let path = ["compartments", &number.to_string()];
        match compartment {
            Compartment::Document(_) | Compartment::Delivery(_) if subject.is_some() => {
                problems.note(&path, Rejection::HasNo(*compartment));
            }
            Compartment::Document(_) | Compartment::Delivery(_) => {}
            _ if !compartment.is_of_our_times() || views.register().rule(*compartment).is_none() => {
                problems.note(&path, Rejection::NobodyHas(*compartment));
            }
            _ => {}
        }
    }
    problems.end()
}

/// The case that a hold goes into, where it is open, and whose it is, where that can be read.
type Place = (Option<CaseId>, Option<(SubjectId, SubjectKind)>);

fn whose(app: &App, input: &PlaceHoldInput, is_retry: bool) -> Result<Place, No> {
    let PlaceHoldInput { contact_id, organization_id, actor_id, subject_id, erasure_id, .. } = input;
    let ids = Named {
        contact: contact_id.as_ref(),
        organization: organization_id.as_ref(),
        actor: actor_id.as_ref(),
        subject: subject_id.as_ref(),
    };
    let Some(id) = erasure_id else {
        let (subject, kind) = named(app, &ids).map_err(name_the_erasure)?;
        let case = app.case_of(subject);
        if is_retry && case.is_none() {
            return Err(Refused::<Rejection>::CommandReused.into());
        }
        return Ok((case, Some((subject, kind))));
    };
    if [contact_id, organization_id, actor_id, subject_id].into_iter().any(Option::is_some) {
        let words = "name exactly one contact, organization, actor, subject or erasure";
        return Err(UserError::new(ErrorCode::Validation, words).into());
    }
    let at = |code, words: String| UserError { code, ..UserError::at(&["erasureId"], words) };
    let id: ErasureId = id.parse().map_err(|wrong| at(ErrorCode::Validation, format!("{wrong}")))?;
    let views = app.ledger().views();
    let erasure = views.erasure(id).ok_or_else(|| at(ErrorCode::NotFound, "there is no such erasure".into()))?;
    let kind = views.case(erasure.facts.case).map(|case| case.kind);
    Ok((Some(erasure.facts.case), erasure.subject.zip(kind)))
}

/// Whom a fence hides can still be named by the erasure that fenced.
fn name_the_erasure(no: No) -> No {
    match no {
        No::User(mut errors) => {
            for error in errors.iter_mut().filter(|error| error.code == ErrorCode::Fenced) {
                error.message.push_str("; name that erasure instead, as erasureId");
            }
            No::User(errors)
        }
        failure => failure,
    }
}

async fn step(
    ctx: &Context<'_>,
    operation: &'static str,
    (hold, envelope): (ID, Envelope),
    act: impl FnOnce(App, domain::id::ActorId, (CaseId, HoldId), Envelope) -> Result<Accepted, EraseError> + Send + 'static,
) -> Done {
    let (app, viewer) = ctx.may(operation)?;
    let id: HoldId = hold.parse().map_err(|wrong| UserError::at(&["holdId"], wrong))?;
    let case = app.ledger().views().hold(id).map(|hold| hold.facts.case);
    let nobody =
        || UserError { code: Rejection::NoSuchHold(id).kind(), ..UserError::at(&["holdId"], "there is no such hold") };
    let case = case.ok_or_else(nobody)?;
    let (of, by) = (app.clone(), viewer.actor);
    let done = tokio::task::spawn_blocking(move || act(of, by, (case, id), envelope)).await;
    let accepted = done.map_err(|_| Failure::internal("a thread of a hold failed"))??;
    let views = app.ledger().views();
    let hold = views.hold(id).map(|hold| Hold::of(&views, &hold));
    Ok((hold.ok_or_else(|| Failure::internal("a hold that the views do not have"))?, accepted))
}

/// The queries of holds.
#[derive(Default)]
pub struct HoldQuery;

#[Object]
impl HoldQuery {
    /// The hold with this id.
    async fn hold(&self, ctx: &Context<'_>, id: ID) -> Option<async_graphql::Result<Hold>> {
        let found = ctx.may_read("hold").and_then(|(app, _)| {
            let id = id.parse().map_err(bad_request)?;
            let views = app.ledger().views();
            Ok(views.hold(id).map(|hold| Hold::of(&views, &hold)))
        });
        found.transpose()
    }

    /// The register of holds at any of these stages (at all of them where none is named), the one to be looked at first at
    /// the front.
    async fn holds(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        #[graphql(default)] stages: Vec<HoldStage>,
    ) -> async_graphql::Result<Connection<Opaque, Hold, EmptyFields, EmptyFields>> {
        let (app, _) = ctx.may_read("holds")?;
        let cut = Paging { first, after, last, before }.cut()?;
        let stages: Vec<subject::HoldStage> = stages.into_iter().map(Into::into).collect();
        let views = app.ledger().views();
        let page = views.holds(&stages, &cut);
        let page = page.map(|page| page.map(|hold| (hold.cursor(), Hold::of(&views, &hold))));
        drop(views);
        connection(page)
    }
}

#[cfg(test)]
mod tests;
