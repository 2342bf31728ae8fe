//! Purposes and retention: what data is used for and on which legal basis, and how long each compartment is kept.

use async_graphql::{Context, Enum, InputObject, Object, OneofObject, SimpleObject};
use domain::compartment::Country;
use domain::consent::AsOf;
use domain::register::{self, Command, Register, Slug};
use domain::value::Line;
use events::ledger::{Accepted, Fresh};

use super::outcome::{Ask, ErrorCode, Kind, No, Problems, payload};
use super::scalars::{CommandId, Day, Time};
use crate::app::{App, Envelope};
use crate::error::Failure;

/// A way to reach somebody, each asked for by itself.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "domain::channel::Channel", name = "Channel")]
pub enum Channel {
    Email,
    Phone,
    Sms,
    Post,
    Messenger,
}

/// Why processing is lawful: Art. 6(1)(a) to (f) GDPR, in that order.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "register::LegalBasis", name = "LegalBasis")]
pub enum LegalBasis {
    Consent,
    Contract,
    LegalObligation,
    VitalInterests,
    PublicTask,
    LegitimateInterest,
}

/// What one key covers and what dies together.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "register::CompartmentKind", name = "CompartmentKind")]
pub enum CompartmentKind {
    Relationship,
    Support,
    Sales,
    Fiscal,
    ConsentProof,
    Claims,
    Document,
    /// Where the certificate of an erasure goes; no register has a say in it.
    Delivery,
}

/// Where a retention begins to count.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "register::CountedFrom", name = "CountedFrom")]
pub enum CountedFrom {
    /// The end of the compartment's year; where it has none, the end of the year of the erasure.
    EndOfYear,
    /// The day of the last record in the compartment.
    LastRecord,
}

/// What data is used for and consent is asked for.
#[derive(SimpleObject, Clone)]
pub struct Purpose {
    /// What records and callers name it by.
    pub slug: String,
    /// What people read.
    pub title: String,
    pub basis: LegalBasis,
    /// The compartment that serves it.
    pub compartment: CompartmentKind,
    /// Whether only a consent confirmed with the code allows it.
    pub double_opt_in: bool,
    /// How many months a consent holds; null: until it is withdrawn.
    pub validity_months: Option<u16>,
    /// The ways it may reach somebody.
    pub channels: Vec<Channel>,
    /// Whether nobody is contacted without a consent.
    pub waits_for_consent: bool,
    /// No longer used: allows nothing.
    pub retired: bool,
}

impl From<&register::Purpose> for Purpose {
    fn from(purpose: &register::Purpose) -> Self {
        Self {
            slug: purpose.slug.to_string(),
            title: purpose.title.as_str().to_owned(),
            basis: purpose.basis.into(),
            compartment: purpose.compartment.into(),
            double_opt_in: purpose.double_opt_in,
            validity_months: purpose.validity_months,
            channels: purpose.channels.iter().map(|channel| (*channel).into()).collect(),
            waits_for_consent: purpose.waits_for_consent,
            retired: purpose.retired,
        }
    }
}

/// How long a kind of compartment is kept once its subject asks to be forgotten.
#[derive(SimpleObject, Clone)]
pub struct Retention {
    pub compartment: CompartmentKind,
    /// Whose tax law, for fiscal data only: the controller's register, never the person's country.
    pub country: Option<String>,
    /// What keeps it also when its subject asks to be forgotten; what has a year is over then, although nobody asks. Null: it
    /// dies with the relationship.
    pub kept: Option<Kept>,
    /// It dies with the relationship, and at the latest then, although nobody asks.
    pub at_most: Option<Kept>,
}

/// What keeps a compartment, and for how long.
#[derive(SimpleObject, Clone)]
pub struct Kept {
    /// The article of law, in words.
    pub basis: String,
    pub months: u16,
    pub counted_from: CountedFrom,
}

impl From<register::Retention> for Retention {
    fn from(retention: register::Retention) -> Self {
        let (kept, at_most) = match retention.rule {
            register::Rule::DiesWithRelationship => (None, None),
            register::Rule::Kept { basis, months, counted_from } => {
                (Some(Kept { basis: basis.into_string(), months, counted_from: counted_from.into() }), None)
            }
            register::Rule::AtMost { basis, months, counted_from } => {
                (None, Some(Kept { basis: basis.into_string(), months, counted_from: counted_from.into() }))
            }
        };
        let country = retention.country.map(|country| country.to_string());
        Self { compartment: retention.kind.into(), country, kept, at_most }
    }
}

/// The queries of the register.
#[derive(Default)]
pub struct PurposeQuery;

#[Object]
impl PurposeQuery {
    /// All purposes by name, retired ones too: as they are, or as the register had them at the end of a day, as far as was
    /// known by then.
    async fn purposes(
        &self,
        ctx: &Context<'_>,
        as_of: Option<Day>,
        known_at: Option<Time>,
    ) -> async_graphql::Result<Vec<Purpose>> {
        let (app, _) = ctx.may_read("purposes")?;
        let views = app.ledger().views();
        if as_of.is_none() && known_at.is_none() {
            return Ok(views.register().purposes().map(Purpose::from).collect());
        }
        let register = views.register_as_of(seen_from(app, as_of, known_at));
        Ok(register.purposes().map(Purpose::from).collect())
    }

    /// How long each kind of compartment is kept.
    async fn retentions(&self, ctx: &Context<'_>) -> async_graphql::Result<Vec<Retention>> {
        let (app, _) = ctx.may_read("retentions")?;
        Ok(app.ledger().views().register().retentions().map(Retention::from).collect())
    }
}

/// From which side a past state is looked at: today with all that is known, unless told otherwise.
pub(super) fn seen_from(app: &App, as_of: Option<Day>, known_at: Option<Time>) -> AsOf {
    AsOf { day: as_of.map_or_else(|| app.now().day(), |day| day.0), known_at: known_at.map(|at| at.0) }
}

/// A purpose as it is to be. A known slug changes that purpose, which keeps its legal basis.
#[derive(InputObject)]
pub struct SetPurposeInput {
    /// Lower-case letters, digits and hyphens.
    pub slug: String,
    pub title: String,
    pub basis: LegalBasis,
    pub compartment: CompartmentKind,
    #[graphql(default)]
    pub double_opt_in: bool,
    pub validity_months: Option<u16>,
    pub channels: Vec<Channel>,
    pub waits_for_consent: bool,
    #[graphql(default)]
    pub retired: bool,
    pub effective_at: Option<Time>,
    /// Of the register.
    pub expected_revision: Option<u64>,
    pub command_id: Option<CommandId>,
}

/// What becomes of a compartment once its subject asks to be forgotten.
#[derive(OneofObject)]
pub enum RuleInput {
    /// `true`: it dies with the relationship.
    Dies(bool),
    /// It is kept so long, also when its subject asks to be forgotten; what has a year is over then, although nobody asks.
    Kept(KeptInput),
    /// It dies with the relationship, and at the latest then, although nobody asks. Only for what has a year.
    AtMost(KeptInput),
}

/// What keeps a compartment, and for how long.
#[derive(InputObject)]
pub struct KeptInput {
    /// The article of law, in words.
    pub basis: String,
    pub months: u16,
    pub counted_from: CountedFrom,
}

/// How long a kind of compartment is to be kept.
#[derive(InputObject)]
pub struct SetRetentionInput {
    pub compartment: CompartmentKind,
    /// Two letters of ISO 3166-1, for fiscal data only.
    pub country: Option<String>,
    pub rule: RuleInput,
    pub effective_at: Option<Time>,
    /// Of the register.
    pub expected_revision: Option<u64>,
    pub command_id: Option<CommandId>,
}

payload! {
    /// What became of a change to a purpose. The revision is the register's.
    PurposePayload { purpose: Purpose }
}

payload! {
    /// What became of a change to a retention. The revision is the register's.
    RetentionPayload { retention: Retention }
}

/// The mutations of the register.
#[derive(Default)]
pub struct PurposeMutation;

#[Object]
impl PurposeMutation {
    /// A purpose is added or changed.
    async fn set_purpose(&self, ctx: &Context<'_>, input: SetPurposeInput) -> async_graphql::Result<PurposePayload> {
        PurposePayload::of(set_purpose(ctx, input).await)
    }

    /// It is said how long a kind of compartment is kept.
    async fn set_retention(
        &self,
        ctx: &Context<'_>,
        input: SetRetentionInput,
    ) -> async_graphql::Result<RetentionPayload> {
        RetentionPayload::of(set_retention(ctx, input).await)
    }
}

async fn set_purpose(ctx: &Context<'_>, input: SetPurposeInput) -> Result<(Purpose, Accepted), No> {
    let (app, _) = ctx.may("setPurpose")?;
    let mut problems = Problems::default();
    let slug = slug(&["slug"], &input.slug, &mut problems);
    let title = problems.take(&["title"], Line::parse(&input.title));
    problems.end()?;
    let (Some(slug), Some(title)) = (slug, title) else {
        return Err(Failure::internal("a purpose without a problem").into());
    };
    let purpose = register::Purpose {
        slug: slug.clone(),
        title,
        basis: input.basis.into(),
        compartment: input.compartment.into(),
        double_opt_in: input.double_opt_in,
        validity_months: input.validity_months,
        channels: input.channels.into_iter().map(Into::into).collect(),
        waits_for_consent: input.waits_for_consent,
        retired: input.retired,
    };
    let envelope = envelope(input.command_id, input.expected_revision, input.effective_at);
    let accepted = submit(ctx, "setPurpose", Command::SetPurpose(purpose), envelope).await?;
    let views = app.ledger().views();
    let purpose = views.register().purpose(&slug).map(Purpose::from);
    Ok((purpose.ok_or_else(|| Failure::internal("a purpose that the views do not have"))?, accepted))
}

async fn set_retention(ctx: &Context<'_>, input: SetRetentionInput) -> Result<(Retention, Accepted), No> {
    ctx.may("setRetention")?;
    let mut problems = Problems::default();
    let country = input.country.and_then(|code| problems.take(&["country"], Country::parse(&code)));
    let rule = match input.rule {
        RuleInput::Dies(true) => Some(register::Rule::DiesWithRelationship),
        RuleInput::Dies(false) => {
            problems.note(&["rule", "dies"], "say true, or what keeps it");
            None
        }
        RuleInput::Kept(KeptInput { basis, months, counted_from }) => {
            let basis = problems.take(&["rule", "kept", "basis"], Line::parse(&basis));
            basis.map(|basis| register::Rule::Kept { basis, months, counted_from: counted_from.into() })
        }
        RuleInput::AtMost(KeptInput { basis, months, counted_from }) => {
            let basis = problems.take(&["rule", "atMost", "basis"], Line::parse(&basis));
            basis.map(|basis| register::Rule::AtMost { basis, months, counted_from: counted_from.into() })
        }
    };
    problems.end()?;
    let Some(rule) = rule else { return Err(Failure::internal("a rule without a problem").into()) };
    let retention = register::Retention { kind: input.compartment.into(), country, rule };
    let envelope = envelope(input.command_id, input.expected_revision, input.effective_at);
    let accepted = submit(ctx, "setRetention", Command::SetRetention(retention.clone()), envelope).await?;
    Ok((retention.into(), accepted))
}

fn envelope(command_id: Option<CommandId>, expected_revision: Option<u64>, effective_at: Option<Time>) -> Envelope {
    Envelope {
        command_id: command_id.map(|id| id.0),
        expected_revision,
        effective_at: effective_at.map(|at| at.0),
        ..Envelope::default()
    }
}

async fn submit(
    ctx: &Context<'_>,
    operation: &'static str,
    command: Command,
    envelope: Envelope,
) -> Result<Accepted, No> {
    let (app, viewer) = ctx.may(operation)?;
    let id = app.register()?;
    Ok(app.submit::<Register>(viewer, id.0, command, envelope, Fresh::new()).await?)
}

/// The name of a purpose as an input gives it.
pub(super) fn slug(path: &[&str], text: &str, problems: &mut Problems) -> Option<Slug> {
    text.parse().map_err(|wrong| problems.note(path, wrong)).ok()
}

impl Kind for register::Rejection {
    fn kind(&self) -> ErrorCode {
        match self {
            Self::BasisChanged(_) => ErrorCode::Conflict,
            Self::NoChannel
            | Self::ConsentWithoutAsking
            | Self::NeverWaits(_)
            | Self::DoubleOptInWithoutConsent
            | Self::Months
            | Self::Country
            | Self::NoYear
            | Self::ResidueDays
            | Self::Delivery
            | Self::BelowFloor { .. } => ErrorCode::Validation,
        }
    }
}

#[cfg(test)]
mod tests;
