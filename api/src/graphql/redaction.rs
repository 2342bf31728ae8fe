//! Redactions: one value, one message or one node goes, and the rest stays; and the recycle bin, whose purge is one.

use async_graphql::connection::{Connection, EmptyFields};
use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use domain::compartment::Compartment;
use domain::event::{Stream, StreamKind};
use domain::id::{CaseId, DocumentId, ErasureId, MessageId, SubjectId};
use domain::limits::BIN_DAYS;
use domain::personal::Gone;
use domain::subject::redaction::{Command, NotRedacted, Wanted, What};
use domain::subject::{self, AnchorLevel, Case, Rejection, Stage, SubjectKind};
use domain::value::Text;
use domain::{contact, organization};
use events::ledger::{Accepted, EraseError, Fresh, RedactionPreview as Preview};
use events::log::Log as _;
use projections::{RedactionFacts, Views};

use super::connection::{Opaque, Paging, connection};
use super::document::RedactDocumentInput;
use super::erasure::{ErasureStage, ErasureStep, level_words, organization_of};
use super::hold::Hold;
use super::outcome::{Ask, ErrorCode, Kind, No, Problems, UserError, bad_request, envelope, payload};
use super::scalars::{CommandId, Day, Time};
use crate::access::Viewer;
use crate::app::{App, Envelope};
use crate::error::Failure;

/// One redaction: what is to go, and how far it is.
pub struct Redaction {
    facts: RedactionFacts,
    wanted: Option<Wanted>,
    revision: u64,
}

impl Redaction {
    fn of(views: &Views, redaction: &projections::Redaction<'_>) -> Self {
        let revision = views.case(redaction.facts.case).map_or(0, |case| case.revision);
        Self { facts: redaction.facts.clone(), wanted: redaction.wanted.cloned(), revision }
    }

    fn find(app: &App, id: ErasureId) -> Option<Self> {
        let views = app.ledger().views();
        views.redaction(id).map(|redaction| Self::of(&views, &redaction))
    }
}

/// One redaction: one value, one message or one node goes for good, and the rest of it stays.
#[Object]
impl Redaction {
    /// `erasure_…`: a redaction is a small erasure.
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
    async fn stage(&self) -> ErasureStage {
        self.facts.stage.into()
    }
    /// The compartment whose key dies, and is replaced for what stays.
    async fn compartment(&self) -> String {
        self.facts.compartment.to_string()
    }
    /// Which member of the anchor it waits for, where its old key is ordered to be destroyed and that member is away.
    async fn waits_for(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<String>> {
        Ok(ctx.app()?.waits_for_anchor(self.facts.stage))
    }
    /// The day from which on it may be purged, for what was moved to the recycle bin.
    async fn purge_on(&self) -> Option<Day> {
        self.facts.purge_on.map(Day)
    }
    /// Of which node, while that can be read.
    async fn node_id(&self) -> Option<ID> {
        self.wanted.as_ref().map(|wanted| ID(wanted.stream.to_string()))
    }
    /// Which fields, by their names; empty where a message or the whole node goes.
    async fn fields(&self) -> Option<Vec<&'static str>> {
        self.wanted.as_ref().map(fields_of)
    }
    /// Which message of a ticket.
    async fn message_id(&self) -> Option<ID> {
        match self.wanted.as_ref()?.what {
            What::Message(message) => Some(ID(message.to_string())),
            _ => None,
        }
    }
    /// Why, in words.
    async fn words(&self) -> Option<&str> {
        self.wanted.as_ref()?.words.as_ref().map(Text::as_str)
    }
    /// How many sealed parts lost something. None before it is carried out.
    async fn touched_parts(&self) -> usize {
        self.facts.touched
    }
    /// How many sealed parts have another key since.
    async fn resealed_parts(&self) -> usize {
        self.facts.resealed
    }
    /// Every step, oldest first.
    async fn steps(&self) -> Vec<ErasureStep> {
        self.facts.steps.iter().map(ErasureStep::from).collect()
    }
    /// How the old key was destroyed. Only when it is done.
    async fn certificate(&self) -> Option<RedactionCertificate> {
        self.facts.certificate.as_ref().map(|certificate| RedactionCertificate {
            level: certificate.level.name(),
            words: level_words(certificate.level),
            epoch_before: certificate.epoch_before,
            epoch_after: certificate.epoch_after,
        })
    }
}

/// How the old key of a redaction was destroyed.
#[derive(SimpleObject)]
pub struct RedactionCertificate {
    /// How hard it is to bring the old root key back: `A0` to `A3`.
    level: &'static str,
    /// What that means. At level A0 it says that the erasure is logical.
    words: &'static str,
    /// The keyring's epoch when the destruction was ordered.
    epoch_before: u64,
    /// The epoch since.
    epoch_after: u64,
}

/// What was redacted of a node, or waits for it.
#[derive(SimpleObject)]
pub struct RedactionMark {
    /// Under which redaction.
    redaction: ID,
    /// Which fields; empty where a message or the whole node goes.
    fields: Vec<&'static str>,
    message_id: Option<ID>,
    stage: ErasureStage,
    /// When that stage was reached.
    at: Time,
    /// In words. At anchor level A0 they say that the erasure is logical.
    reason: &'static str,
}

/// That a node lies in the recycle bin.
#[derive(SimpleObject)]
pub struct BinMark {
    /// Under which redaction: a second person purges it with `approveRedaction`.
    redaction: ID,
    /// The day from which on it may be purged.
    purge_on: Option<Day>,
    /// When it was moved there.
    at: Option<Time>,
    /// Who moved it.
    by: Option<ID>,
}

/// What was redacted of a node, and what waits for it, while that can be read.
pub(super) fn marks(app: &App, stream: Stream) -> Vec<RedactionMark> {
    let views = app.ledger().views();
    let withdrawn = |found: &projections::Redaction<'_>| found.facts.stage == Stage::Withdrawn;
    let found = views.redactions_in(&stream).filter(|found| !withdrawn(found) && !found.is_in_bin());
    let mark = |found: projections::Redaction<'_>| {
        let wanted = found.wanted?;
        let message_id = match wanted.what {
            What::Message(message) => Some(ID(message.to_string())),
            _ => None,
        };
        Some(RedactionMark {
            redaction: ID(found.facts.id.to_string()),
            fields: fields_of(wanted),
            message_id,
            stage: found.facts.stage.into(),
            at: Time(found.facts.steps.last().map_or(domain::time::Time(0), |step| step.at)),
            reason: reason(found.facts),
        })
    };
    found.filter_map(mark).collect()
}

/// Where a node lies in the recycle bin.
pub(super) fn bin(app: &App, stream: Stream) -> Option<BinMark> {
    let views = app.ledger().views();
    let found = views.bin_of(&stream)?;
    let moved = found.facts.steps.first();
    Some(BinMark {
        redaction: ID(found.facts.id.to_string()),
        purge_on: found.facts.purge_on.map(Day),
        at: moved.map(|step| Time(step.at)),
        by: moved.map(|step| ID(step.actor.to_string())),
    })
}

/// Why something that a redaction took cannot be read.
pub(super) fn reason(facts: &RedactionFacts) -> &'static str {
    match (facts.stage, facts.certificate.as_ref().map(|certificate| certificate.level)) {
        (Stage::Certified, Some(AnchorLevel::A0)) => {
            "redacted (logical: the key was destroyed in a file, anchor level A0)"
        }
        (Stage::Certified, _) => "redacted: the key was destroyed",
        (Stage::Requested, _) => "asked for, and waits for a second person",
        _ => "redacted: the destruction of the key was ordered and is being carried out",
    }
}

fn fields_of(wanted: &Wanted) -> Vec<&'static str> {
    let What::Fields(fields) = &wanted.what else { return Vec::new() };
    let name = |code: &u32| {
        let code = u16::try_from(*code).ok()?;
        match wanted.stream.kind {
            StreamKind::Organization => organization::Field::from_code(code).map(organization::Field::name),
            _ => contact::Field::from_code(code).map(contact::Field::name),
        }
    };
    fields.iter().filter_map(name).collect()
}

/// What a redaction would do, as things are.
pub struct RedactionPreview {
    preview: Preview,
    homes: Vec<(SubjectId, Compartment)>,
    stream: Stream,
    is_whole: bool,
}

/// What a redaction would do, as things are.
#[Object]
impl RedactionPreview {
    /// How many sealed parts lose something, or all of it.
    async fn touched_parts(&self) -> usize {
        self.preview.touched
    }
    /// How many sealed parts are sealed anew under another key, because they share the one that dies.
    async fn resealed_parts(&self) -> usize {
        self.preview.resealed
    }
    /// The compartment whose key dies; where a whole node tells of two, the same of both.
    async fn compartment(&self) -> String {
        self.homes.first().map(|(_, compartment)| compartment.to_string()).unwrap_or_default()
    }
    /// The legal holds in force that stop it.
    async fn holds(&self, ctx: &Context<'_>) -> async_graphql::Result<Vec<String>> {
        let app = ctx.app()?;
        let mut holds = Vec::new();
        for (subject, compartment) in &self.homes {
            let Some(case) = app.case_of(*subject) else { continue };
            let views = app.ledger().views();
            let in_force = views.holds_in(case).into_iter().filter(|hold| hold.facts.stage.is_in_force());
            let stops = in_force.filter(|hold| subject::covers(&hold.facts.compartments, *compartment));
            holds.extend(stops.map(|hold| Hold::words(hold.facts)));
        }
        Ok(holds)
    }
    /// What that means, in sentences.
    async fn says(&self, ctx: &Context<'_>) -> async_graphql::Result<Vec<String>> {
        let Preview { touched, resealed, dropped } = self.preview;
        if touched == 0 {
            return Ok(vec!["Nothing of it is sealed there, or not any more.".into()]);
        }
        let mut says = vec![
            format!("{touched} sealed parts lose something; {resealed} are sealed anew under another key."),
            format!(
                "Backups made before lose all {} parts that share the key, also what stays: nobody opens them there.",
                resealed + dropped
            ),
            "It cannot be undone, and it does not wait once a second person approves it.".into(),
        ];
        let app = ctx.app()?;
        let keys = |subject| app.ledger().owners().keys_of(subject).to_vec();
        let fiscal = |(compartment, _): &(Compartment, _)| matches!(compartment, Compartment::Fiscal(..));
        let copied = matches!(self.stream.kind, StreamKind::Contact | StreamKind::Organization | StreamKind::Quote);
        if copied && self.homes.iter().any(|(subject, _)| keys(*subject).iter().any(fiscal)) {
            says.push(
                "What an accepted quote copied for the tax office, a name or an address too, stays there.".into(),
            );
        }
        let documents = app.documents_on(&self.stream).len();
        if self.is_whole && documents > 0 {
            says.push(format!("{documents} documents hang on it; they have keys of their own, and go first."));
        }
        let cases = self.homes.iter().filter_map(|(subject, _)| app.case_of(*subject));
        let copies: usize = cases.map(|case| app.ledger().views().disclosures_in(case).len()).sum();
        if copies > 0 {
            says.push(format!("{copies} files with opened values were handed out before; no redaction reaches them."));
        }
        Ok(says)
    }
}

payload! {
    /// What became of a step of a redaction.
    RedactionPayload { redaction: Redaction }
}

/// What is to be redacted: fields of one contact or organization, or one message of a ticket.
#[derive(InputObject)]
pub struct RequestRedactionInput {
    pub contact_id: Option<ID>,
    pub organization_id: Option<ID>,
    pub ticket_id: Option<ID>,
    /// The fields of the contact or organization, by the names that a history shows: `NOTES`, `BIRTHDAY`. All that was ever
    /// recorded in them goes.
    #[graphql(default)]
    pub fields: Vec<String>,
    /// The message of the ticket; the first one goes with the line that the ticket is about.
    pub message_id: Option<ID>,
    /// Why, in words. Sealed.
    pub words: Option<String>,
    pub command_id: Option<CommandId>,
}

/// A redaction that a second person agrees to.
#[derive(InputObject)]
pub struct ApproveRedactionInput {
    pub redaction_id: ID,
    pub expected_revision: Option<u64>,
    pub command_id: Option<CommandId>,
}

/// A redaction that is taken back.
#[derive(InputObject)]
pub struct WithdrawRedactionInput {
    pub redaction_id: ID,
    pub expected_revision: Option<u64>,
    pub command_id: Option<CommandId>,
}

/// A contact, an organization, a ticket or a quote that goes.
#[derive(InputObject)]
pub struct MoveToBinInput {
    pub node_id: ID,
    /// The day from which on it may be purged; in 30 days where none is named.
    pub purge_on: Option<Day>,
    /// Why, in words. Sealed.
    pub words: Option<String>,
    pub command_id: Option<CommandId>,
}

/// What is taken out of the recycle bin.
#[derive(InputObject)]
pub struct RestoreFromBinInput {
    pub node_id: ID,
    pub expected_revision: Option<u64>,
    pub command_id: Option<CommandId>,
}

/// The mutations of redactions.
#[derive(Default)]
pub struct RedactionMutation;

#[Object]
impl RedactionMutation {
    /// Somebody asks that a value or a message goes for good. `redactionPreview` says what that takes along.
    async fn request_redaction(
        &self,
        ctx: &Context<'_>,
        input: RequestRedactionInput,
    ) -> async_graphql::Result<RedactionPayload> {
        RedactionPayload::of(request(ctx, input).await)
    }

    /// It stays after all.
    async fn withdraw_redaction(
        &self,
        ctx: &Context<'_>,
        input: WithdrawRedactionInput,
    ) -> async_graphql::Result<RedactionPayload> {
        RedactionPayload::of(withdraw(ctx, input).await)
    }

    /// Yes, says a DPO who did not ask for it. What stays is sealed anew, and the old key destroyed, before this is answered.
    /// What lies in the recycle bin is purged so, from its day on.
    async fn approve_redaction(
        &self,
        ctx: &Context<'_>,
        input: ApproveRedactionInput,
    ) -> async_graphql::Result<RedactionPayload> {
        RedactionPayload::of(approve(ctx, input).await)
    }

    /// A node goes: it is in no list from here on, and from its day on a DPO may purge it. One that tells of two, of a person
    /// and their organization, has a redaction for each; they are purged, and taken out, together. The documents that hang on
    /// it go first, each for itself.
    async fn move_to_bin(&self, ctx: &Context<'_>, input: MoveToBinInput) -> async_graphql::Result<RedactionPayload> {
        RedactionPayload::of(move_to_bin(ctx, input).await)
    }

    /// A node that was moved to the bin, and not purged yet, is as it was.
    async fn restore_from_bin(
        &self,
        ctx: &Context<'_>,
        input: RestoreFromBinInput,
    ) -> async_graphql::Result<RedactionPayload> {
        RedactionPayload::of(restore(ctx, input).await)
    }
}

pub(super) type Done = Result<(Redaction, Accepted), No>;

async fn request(ctx: &Context<'_>, input: RequestRedactionInput) -> Done {
    ctx.may("requestRedaction")?;
    let RequestRedactionInput { contact_id, organization_id, ticket_id, fields, message_id, words, command_id } = input;
    let mut problems = Problems::default();
    let asked = Asked { contact_id, organization_id, ticket_id, fields, message_id };
    let target = asked.parse(&mut problems);
    let words = words.and_then(|words| problems.take(&["words"], Text::parse(&words)));
    problems.end()?;
    let Some((stream, what)) = target else { return Err(Failure::internal("a redaction of nothing").into()) };
    begin(ctx, "requestRedaction", Wanted { stream, what, words }, None, command_id).await
}

/// A document goes for good: it has a key of its own, so its redaction is that of the whole node.
pub(super) async fn of_document(ctx: &Context<'_>, input: RedactDocumentInput) -> Done {
    ctx.may("redactDocument")?;
    let RedactDocumentInput { document_id, words, command_id } = input;
    let id: DocumentId = document_id.parse().map_err(|wrong| UserError::at(&["documentId"], wrong))?;
    let mut problems = Problems::default();
    let words = words.and_then(|words| problems.take(&["words"], Text::parse(&words)));
    problems.end()?;
    let stream = Stream { kind: StreamKind::Document, id: id.0 };
    begin(ctx, "redactDocument", Wanted { stream, what: What::Node, words }, None, command_id).await
}

async fn move_to_bin(ctx: &Context<'_>, input: MoveToBinInput) -> Done {
    let (app, _) = ctx.may("moveToBin")?;
    let stream = node(&input.node_id)?;
    let mut problems = Problems::default();
    let words = input.words.and_then(|words| problems.take(&["words"], Text::parse(&words)));
    problems.end()?;
    let today = app.now().day();
    let purge_on = input.purge_on.map_or(domain::time::Day(today.0.saturating_add(BIN_DAYS)), |day| day.0);
    begin(ctx, "moveToBin", Wanted { stream, what: What::Node, words }, Some(purge_on), input.command_id).await
}

/// What the case would refuse is refused before one is opened, and so is what is not there.
async fn begin(
    ctx: &Context<'_>,
    operation: &'static str,
    wanted: Wanted,
    purge_on: Option<domain::time::Day>,
    command_id: Option<CommandId>,
) -> Done {
    let (app, viewer) = ctx.may(operation)?;
    let envelope = envelope(command_id, None, None);
    let homes = homes(app, &wanted)?;
    if !app.is_repeated(&envelope) {
        if let Some(day) = purge_on.filter(|day| *day <= app.now().day()) {
            return Err(UserError::of(&["purgeOn"], Rejection::from(NotRedacted::PurgeOver(day))).into());
        }
        let documents = app.documents_on(&wanted.stream);
        let left = documents.into_iter().filter(|document| bin(app, *document).is_none()).count();
        if wanted.what == What::Node && left > 0 {
            return Err(UserError::of(&["nodeId"], Rejection::from(NotRedacted::HasDocuments(left))).into());
        }
        if planned(app, homes.clone(), wanted.clone()).await?.touched == 0 {
            return Err(UserError::of(&[], Rejection::from(NotRedacted::Nothing)).into());
        }
    }
    // Where the words are comes last: whoever finds that in the bin finds all of it there.
    for (number, other) in homes.iter().enumerate().skip(1) {
        let command_id = envelope.command_id.map(|first| beside(first, number));
        let envelope = Envelope { command_id, ..Envelope::default() };
        ask(app, viewer, *other, wanted.clone(), purge_on, envelope).await?;
    }
    let Some(home) = homes.first() else { return Err(Failure::internal("a redaction of nobody").into()) };
    ask(app, viewer, *home, wanted, purge_on, envelope).await
}

/// The id of a further command of the same request, the same for its retry.
fn beside(first: domain::id::CommandId, number: usize) -> domain::id::CommandId {
    let mut hasher = blake3::Hasher::new_derive_key("lethe 2026 another command of one request");
    hasher.update(&first.0).update(&(number as u64).to_be_bytes());
    let mut id = [0; 16];
    hasher.finalize_xof().fill(&mut id);
    domain::id::CommandId(id)
}

/// What it would do, as things are.
async fn planned(app: &App, homes: Vec<(SubjectId, Compartment)>, wanted: Wanted) -> Result<Preview, No> {
    let of = app.clone();
    let plan = move || {
        let each = homes.into_iter().map(|home| of.ledger().preview_redaction(home, &wanted));
        each.sum::<Result<Preview, EraseError>>()
    };
    let planned = tokio::task::spawn_blocking(plan).await;
    Ok(planned.map_err(|_| Failure::internal("a thread that plans a redaction failed"))??)
}

async fn ask(
    app: &App,
    viewer: &Viewer,
    (subject, compartment): (SubjectId, Compartment),
    wanted: Wanted,
    purge_on: Option<domain::time::Day>,
    envelope: Envelope,
) -> Done {
    let of_organization = wanted.stream.kind == StreamKind::Organization || organization_of(app, subject).is_some();
    let kind = if of_organization { SubjectKind::Organization } else { SubjectKind::Person };
    let case = app.open_case(viewer.actor, subject, kind).await?;
    let mut fresh = Fresh::new();
    let redaction: ErasureId = fresh.id().map_err(Failure::internal)?;
    let command = subject::Command::Redaction(Command::Request { redaction, compartment, wanted, purge_on });
    let accepted = app.submit::<Case>(viewer, case.0, command, envelope, fresh).await?;
    let views = app.ledger().views();
    let position = accepted.position;
    let found = views.redaction_requested_at(position).map(|found| Redaction::of(&views, &found));
    Ok((found.ok_or_else(|| Failure::internal("a redaction that the views do not have"))?, accepted))
}

async fn withdraw(ctx: &Context<'_>, input: WithdrawRedactionInput) -> Done {
    let (app, viewer) = ctx.may("withdrawRedaction")?;
    let (case, redaction) = standing(app, &input.redaction_id)?;
    let envelope = envelope(input.command_id, input.expected_revision, None);
    take_back(app, viewer, (case, redaction), envelope).await
}

/// With what is taken out of the bin goes all that was moved there with it.
async fn take_back(app: &App, viewer: &Viewer, (case, redaction): (CaseId, ErasureId), envelope: Envelope) -> Done {
    let others = app.with_redaction((case, redaction));
    let withdraw = |redaction| subject::Command::Redaction(Command::Withdraw { redaction });
    let accepted = app.submit::<Case>(viewer, case.0, withdraw(redaction), envelope, Fresh::new()).await?;
    for (case, other) in others.into_iter().filter(|_| !accepted.repeated) {
        app.submit::<Case>(viewer, case.0, withdraw(other), Envelope::default(), Fresh::new()).await?;
    }
    answered(app, redaction, accepted)
}

async fn restore(ctx: &Context<'_>, input: RestoreFromBinInput) -> Done {
    let (app, viewer) = ctx.may("restoreFromBin")?;
    let stream = node(&input.node_id)?;
    let envelope = envelope(input.command_id, input.expected_revision, None);
    let earlier = envelope.command_id.and_then(|command| app.ledger().log().command(&command));
    let found = {
        let views = app.ledger().views();
        let by_it = |found: &projections::Redaction<'_>| {
            found.facts.steps.iter().any(|step| earlier.is_some_and(|earlier| earlier.first == step.position))
        };
        let taken_out = views.redactions_in(&stream).find(by_it);
        taken_out.or_else(|| views.bin_of(&stream)).map(|found| (found.facts.case, found.facts.id))
    };
    let nobody = || UserError { code: ErrorCode::NotFound, ..UserError::at(&["nodeId"], "this is not in the bin") };
    let found = found.ok_or_else(nobody)?;
    if earlier.is_none() && matches!(app.ledger().home(&stream).map_err(Failure::from)?, Some(Err(Gone::Erased))) {
        let words = format!("this {} was erased while it was in the bin", stream.kind.name());
        return Err(UserError { code: ErrorCode::Erased, ..UserError::at(&["nodeId"], words) }.into());
    }
    take_back(app, viewer, found, envelope).await
}

async fn approve(ctx: &Context<'_>, input: ApproveRedactionInput) -> Done {
    let (app, viewer) = ctx.may("approveRedaction")?;
    let (case, redaction) = standing(app, &input.redaction_id)?;
    let envelope = envelope(input.command_id, input.expected_revision, None);
    let (of, by) = (app.clone(), viewer.actor);
    let done = tokio::task::spawn_blocking(move || of.approve_redaction(by, case, redaction, envelope)).await;
    let accepted = done.map_err(|_| Failure::internal("a thread of a redaction failed"))??;
    answered(app, redaction, accepted)
}

fn answered(app: &App, redaction: ErasureId, accepted: Accepted) -> Done {
    let found = Redaction::find(app, redaction);
    let found = found.ok_or_else(|| Failure::internal("a redaction that the views do not have"))?;
    let revision = found.revision;
    Ok((found, Accepted { revision, ..accepted }))
}

fn standing(app: &App, text: &str) -> Result<(CaseId, ErasureId), No> {
    let id: ErasureId = text.parse().map_err(|wrong| UserError::at(&["redactionId"], wrong))?;
    let case = app.ledger().views().redaction(id).map(|redaction| redaction.facts.case);
    let nobody =
        || UserError { code: ErrorCode::NotFound, ..UserError::at(&["redactionId"], "there is no such redaction") };
    Ok((case.ok_or_else(nobody)?, id))
}

fn node(text: &str) -> Result<Stream, No> {
    let wrong = || UserError::at(&["nodeId"], "name a contact, an organization, a ticket, a quote or a document");
    let stream: Stream = text.parse().map_err(|_| wrong())?;
    use StreamKind::{Contact, Document, Organization, Quote, Ticket};
    let kinds = [Contact, Organization, Ticket, Quote, Document];
    if kinds.contains(&stream.kind) { Ok(stream) } else { Err(wrong().into()) }
}

/// Whose keys have what goes. A whole node goes from everybody of whom it tells, and can still be read there.
fn homes(app: &App, wanted: &Wanted) -> Result<Vec<(SubjectId, Compartment)>, No> {
    if wanted.what == What::Node {
        let homes = app.ledger().homes(&wanted.stream).map_err(Failure::from)?;
        let living: Vec<_> = homes.into_iter().flatten().collect();
        if !living.is_empty() {
            return Ok(living);
        }
    }
    home(app, wanted.stream).map(|home| vec![home])
}

/// Whose it is and in which compartment.
pub(super) fn home(app: &App, stream: Stream) -> Result<(SubjectId, Compartment), No> {
    let noun = stream.kind.name();
    let (code, words) = match app.ledger().home(&stream).map_err(Failure::from)? {
        Some(Ok(home)) => return Ok(home),
        None => (ErrorCode::NotFound, format!("there is no such {noun}")),
        Some(Err(Gone::Erased)) => (ErrorCode::Erased, format!("this {noun} was erased")),
        Some(Err(Gone::Withheld)) => (ErrorCode::Fenced, format!("an erasure of this {noun} was approved")),
        Some(Err(Gone::Lost)) => (ErrorCode::Lost, format!("the key of this {noun} was lost")),
    };
    Err(UserError::new(code, words).into())
}

/// What is to be redacted, as a client names it.
struct Asked {
    contact_id: Option<ID>,
    organization_id: Option<ID>,
    ticket_id: Option<ID>,
    fields: Vec<String>,
    message_id: Option<ID>,
}

impl Asked {
    fn parse(self, problems: &mut Problems) -> Option<(Stream, What)> {
        let Self { contact_id, organization_id, ticket_id, fields, message_id } = self;
        let (path, text) = match (&contact_id, &organization_id, &ticket_id) {
            (Some(id), None, None) => ("contactId", id),
            (None, Some(id), None) => ("organizationId", id),
            (None, None, Some(id)) => ("ticketId", id),
            _ => {
                problems.note(&[], "name exactly one contact, organization or ticket");
                return None;
            }
        };
        let noun = match path {
            "contactId" => StreamKind::Contact,
            "organizationId" => StreamKind::Organization,
            _ => StreamKind::Ticket,
        };
        let stream = text.parse::<Stream>().ok().filter(|stream| stream.kind == noun);
        let Some(stream) = stream else {
            problems.note(&[path], format!("this is no {} id", noun.name()));
            return None;
        };
        if noun == StreamKind::Ticket {
            let message = message_id.as_ref().map(|id| id.parse::<MessageId>());
            return match message {
                Some(Ok(message)) if fields.is_empty() => Some((stream, What::Message(message))),
                Some(Err(wrong)) => {
                    problems.note(&["messageId"], wrong);
                    None
                }
                _ => {
                    problems.note(&["messageId"], "of a ticket, name one message and no field");
                    None
                }
            };
        }
        if message_id.is_some() || fields.is_empty() {
            problems.note(&["fields"], "of a contact or an organization, name fields and no message");
            return None;
        }
        let mut codes = problems.each("fields", fields, |name, problems| {
            let code = match noun {
                StreamKind::Organization => organization::Field::named(&name).map(organization::Field::code),
                _ => contact::Field::named(&name).map(contact::Field::code),
            };
            if code.is_none() {
                problems.note(&[], "there is no such field, or it is not redacted by itself");
            }
            code.map(u32::from)
        });
        codes.sort_unstable();
        codes.dedup();
        Some((stream, What::Fields(codes)))
    }
}

impl Kind for NotRedacted {
    fn kind(&self) -> ErrorCode {
        match self {
            Self::NoSuch(_) | Self::Nothing => ErrorCode::NotFound,
            Self::OutOfOrder { .. }
            | Self::TooEarly(_)
            | Self::InBin(_)
            | Self::OfOthersToo
            | Self::HasDocuments(_)
            | Self::UnderWay(_) => ErrorCode::Conflict,
            Self::Kept(_) => ErrorCode::Hold,
            Self::ApprovingOwn => ErrorCode::Permission,
            Self::PurgeOver(_) => ErrorCode::Validation,
        }
    }
}

/// The queries of redactions.
#[derive(Default)]
pub struct RedactionQuery;

#[Object]
impl RedactionQuery {
    /// What a redaction would do: how many sealed parts it touches, and what older backups lose.
    #[allow(clippy::too_many_arguments, reason = "arguments of a field")]
    async fn redaction_preview(
        &self,
        ctx: &Context<'_>,
        contact_id: Option<ID>,
        organization_id: Option<ID>,
        ticket_id: Option<ID>,
        #[graphql(default)] fields: Vec<String>,
        message_id: Option<ID>,
        #[graphql(desc = "Alone: a whole node, as `moveToBin` and `redactDocument` take it.")] node_id: Option<ID>,
    ) -> Option<async_graphql::Result<RedactionPreview>> {
        let is_else = contact_id.is_some() || organization_id.is_some() || ticket_id.is_some() || message_id.is_some();
        let asked = match &node_id {
            None => {
                let mut problems = Problems::default();
                let asked = Asked { contact_id, organization_id, ticket_id, fields, message_id };
                asked.parse(&mut problems).filter(|_| problems.end().is_ok())
            }
            Some(id) => node(id).ok().filter(|_| !is_else && fields.is_empty()).map(|stream| (stream, What::Node)),
        };
        preview(ctx, asked).await.transpose()
    }

    /// The redaction with this id.
    async fn redaction(&self, ctx: &Context<'_>, id: ID) -> Option<async_graphql::Result<Redaction>> {
        let found = ctx.may_read("redaction").and_then(|(app, _)| {
            let id = id.parse().map_err(bad_request)?;
            Ok(Redaction::find(app, id))
        });
        found.transpose()
    }

    /// All redactions at any of these stages (at all of them where none is named), the oldest at the front.
    async fn redactions(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        #[graphql(default)] stages: Vec<ErasureStage>,
    ) -> async_graphql::Result<Connection<Opaque, Redaction, EmptyFields, EmptyFields>> {
        page(ctx, "redactions", Paging { first, after, last, before }, stages, None)
    }

    /// What lies in the recycle bin, the oldest at the front.
    async fn bin(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> async_graphql::Result<Connection<Opaque, Redaction, EmptyFields, EmptyFields>> {
        page(ctx, "bin", Paging { first, after, last, before }, Vec::new(), Some(true))
    }
}

fn page(
    ctx: &Context<'_>,
    operation: &'static str,
    paging: Paging,
    stages: Vec<ErasureStage>,
    in_bin: Option<bool>,
) -> async_graphql::Result<Connection<Opaque, Redaction, EmptyFields, EmptyFields>> {
    let (app, _) = ctx.may_read(operation)?;
    let cut = paging.cut()?;
    let stages: Vec<Stage> = stages.into_iter().map(Into::into).collect();
    let views = app.ledger().views();
    let page = views.redactions(&stages, in_bin, &cut);
    let page = page.map(|page| page.map(|found| (found.cursor(), Redaction::of(&views, &found))));
    drop(views);
    connection(page)
}

async fn preview(ctx: &Context<'_>, asked: Option<(Stream, What)>) -> async_graphql::Result<Option<RedactionPreview>> {
    let (app, _) = ctx.may_read("redactionPreview")?;
    let Some((stream, what)) = asked else {
        return Err(bad_request("name fields of one contact or organization, one message of a ticket, or one node"));
    };
    let wanted = Wanted { stream, what, words: None };
    let is_whole = wanted.what == What::Node;
    let read = async {
        let homes = homes(app, &wanted)?;
        let preview = planned(app, homes.clone(), wanted).await?;
        Ok::<_, No>(RedactionPreview { preview, homes, stream, is_whole })
    };
    match read.await {
        Ok(preview) => Ok(Some(preview)),
        Err(No::User(_)) => Ok(None),
        Err(No::Failure(failure)) => Err(failure.into()),
    }
}

#[cfg(test)]
mod tests;
