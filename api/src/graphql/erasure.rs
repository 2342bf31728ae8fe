//! Erasures: who asked to be forgotten, how far it is, what dies and what stays.

use async_graphql::connection::{Connection, EmptyFields};
use async_graphql::{Context, Enum, ID, InputObject, Object, SimpleObject};
use domain::event::{Stream, StreamKind};
use domain::id::{CaseId, ContactId, ErasureId, HoldId, OrganizationId, SubjectId};
use domain::limits::PEOPLE;
use domain::personal::Gone;
use domain::subject::{self, AnchorLevel, Asked, Command, Rejection, Stage, SubjectKind};
use domain::value::{Line, Text};
use events::ledger::{Accepted, EraseError, Fresh, Refused};
use projections::{ErasureFacts, HeldThing, Views};
use replay::certificate::Language;

use super::claim::{ClaimHash, ClaimSlip};
use super::connection::{Opaque, Paging, connection};
use super::contact::Contact;
use super::disclosure::Disclosure;
use super::history::{History, history};
use super::hold::Hold;
use super::outcome::{Ask, ErrorCode, Kind, No, Problems, UserError, bad_request, envelope, payload};
use super::residue::Residue;
use super::scalars::{CommandId, Day, Position, Time};
use super::suppression::until;
use crate::app::{App, Person, Whose, intent};
use crate::error::Failure;
use crate::evidence::EvidenceError;

/// Why data must go: Art. 17(1)(a) to (f) GDPR, in that order.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "subject::Ground", name = "ErasureGround")]
pub enum Ground {
    NoLongerNecessary,
    ConsentWithdrawn,
    Objected,
    Unlawful,
    LegalDuty,
    Child,
    /// Nobody asked: the register says that its time is over.
    RetentionOver,
}

/// How a request came in.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "subject::AskedHow", name = "AskedHow")]
pub enum AskedHow {
    Email,
    Letter,
    Phone,
    InPerson,
    WebForm,
    Portal,
    /// Nobody asked: the controller found that it must go.
    OwnReview,
}

/// How we know that it was the person who asked.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "subject::IdentityCheck", name = "IdentityCheck")]
pub enum IdentityCheck {
    KnownPoint,
    SignedIn,
    CalledBack,
    DocumentSeen,
    KnownInPerson,
    Attorney,
    NotNeeded,
}

/// Why an erasure is refused.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "subject::RefusalGround", name = "RefusalGround")]
pub enum RefusalGround {
    UnfoundedOrExcessive,
    IdentityNotShown,
    NoGround,
    Expression,
    LegalDuty,
    PublicHealth,
    Archives,
    Claims,
    NotController,
}

/// Why a fence was lifted.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "subject::UnfenceGround", name = "UnfenceGround")]
pub enum UnfenceGround {
    RequestWithdrawn,
    Mistake,
    NeededForClaims,
    /// Its time is not over after all.
    NotOver,
    /// An erasure of the whole person took its keys along.
    ErasedInstead,
}

/// How far an erasure is.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "subject::Stage", name = "ErasureStage")]
pub enum ErasureStage {
    Requested,
    Withdrawn,
    Refused,
    Approved,
    Fenced,
    DestructionOrdered,
    Certified,
}

/// One erasure, from the request on.
pub struct Erasure {
    facts: ErasureFacts,
    subject: Option<SubjectId>,
    words: Option<String>,
    answer: Option<String>,
    address: Option<String>,
    people: Vec<SubjectId>,
    revision: u64,
    slip: Option<ClaimSlip>,
}

impl Erasure {
    /// The erasure with this id.
    pub fn find(app: &App, id: ErasureId) -> Option<Self> {
        let views = app.ledger().views();
        let erasure = views.erasure(id)?;
        Some(Self::of(&views, &erasure))
    }

    pub(super) fn of(views: &Views, erasure: &projections::Erasure<'_>) -> Self {
        let request = erasure.request;
        Self {
            facts: erasure.facts.clone(),
            subject: erasure.subject,
            words: request.and_then(|request| request.words.as_ref()).map(|words| words.as_str().to_owned()),
            answer: erasure.words.map(|words| words.as_str().to_owned()),
            address: erasure.address.map(|address| address.as_str().to_owned()),
            people: request.map(|request| request.people.clone()).unwrap_or_default(),
            revision: views.case(erasure.facts.case).map_or(0, |case| case.revision),
            slip: None,
        }
    }

    /// With the code that was just drawn for it.
    pub(super) fn with_slip(self, slip: Option<ClaimSlip>) -> Self {
        Self { slip, ..self }
    }

    /// A hold on one of its keys, by whose they are: what keeps it also where its request can be read no more.
    fn keeping(&self, app: &App) -> Option<HoldId> {
        if self.facts.stage != Stage::Fenced {
            return None;
        }
        app.ledger().owners().keeping(&self.facts.keys)
    }
}

fn stopping(views: &Views, erasure: ErasureId, other: Option<HoldId>) -> Vec<projections::Hold<'_>> {
    let mut holds = views.stopping(erasure);
    if !holds.iter().any(|hold| Some(hold.facts.id) == other) {
        holds.extend(other.and_then(|other| views.hold(other)));
    }
    holds
}

/// One erasure, from the request to the certificate.
#[Object]
impl Erasure {
    /// `erasure_…`
    pub(super) async fn id(&self) -> ID {
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
    async fn ground(&self) -> Ground {
        self.facts.asked.ground.into()
    }
    async fn how(&self) -> AskedHow {
        self.facts.asked.how.into()
    }
    async fn asked_on(&self) -> Day {
        Day(self.facts.asked.on)
    }
    async fn identity_check(&self) -> IdentityCheck {
        self.facts.asked.identity.into()
    }
    async fn identity_on(&self) -> Day {
        Day(self.facts.asked.identity_on)
    }
    /// The last day to answer: one month after it came in (Art. 12(3) GDPR).
    async fn due(&self) -> Day {
        Day(self.facts.due)
    }
    /// Whether that day is over and somebody still has to do something.
    async fn overdue(&self, ctx: &Context<'_>) -> async_graphql::Result<bool> {
        Ok(self.facts.stage.is_open() && self.facts.due < ctx.app()?.now().day())
    }
    /// The actor who wrote the request down; another one must approve or refuse it.
    async fn requested_by(&self) -> ID {
        ID(self.facts.by.to_string())
    }
    /// The actor who approved it.
    async fn approved_by(&self) -> Option<ID> {
        self.facts
            .steps
            .iter()
            .rev()
            .find(|step| step.stage == Stage::Approved && is_approval(&self.facts, step))
            .map(|step| ID(step.actor.to_string()))
    }
    /// Every step, oldest first.
    async fn steps(&self, ctx: &Context<'_>) -> Option<async_graphql::Result<Vec<ErasureStep>>> {
        let read = ctx.may_read("erasure");
        Some(read.map(|_| self.facts.steps.iter().map(ErasureStep::from).collect()))
    }
    /// The compartments that are closed to new keys.
    async fn compartments(&self) -> Vec<String> {
        self.facts.compartments.iter().map(ToString::to_string).collect()
    }
    /// How many keys are fenced or destroyed.
    async fn keys(&self) -> usize {
        self.facts.keys.len()
    }
    /// From when on the keys of a fenced erasure may be destroyed, by the ledger's clock. The server does so then, if nobody
    /// withdraws or refuses it before, no hold is in force, and it has seen that time pass; `waitsFor` says what else it waits
    /// for, and `orderDestruction` does not.
    async fn destroyable_from(&self, ctx: &Context<'_>) -> Option<async_graphql::Result<Time>> {
        ctx.app().map(|app| app.destroyable_from(&self.facts).map(Time)).transpose()
    }
    /// The holds in force that keep it from its destruction: of whom it is about, and of people who go with it. Where none of
    /// these people can be read any more, one of theirs.
    async fn holds(&self, ctx: &Context<'_>) -> async_graphql::Result<Vec<Hold>> {
        let app = ctx.app()?;
        let other = self.keeping(app);
        let views = app.ledger().views();
        Ok(stopping(&views, self.facts.id, other).iter().map(|hold| Hold::of(&views, hold)).collect())
    }
    /// Why it does not go on by itself now, in words: its time, somebody's word, a hold, or a member of the anchor that is away.
    async fn waits_for(&self, ctx: &Context<'_>) -> async_graphql::Result<Vec<String>> {
        let app = ctx.app()?;
        let from = app.destroyable_from(&self.facts).filter(|from| *from > app.now());
        let cooling = from.map(|from| Rejection::CoolingOff(from).to_string());
        let other = self.keeping(app);
        let views = app.ledger().views();
        let word = app.wants_a_word(&views, &self.facts).map(str::to_owned);
        let holds = stopping(&views, self.facts.id, other);
        let holds = holds.iter().map(|hold| Hold::words(hold.facts)).collect::<Vec<_>>();
        let anchor = app.waits_for_anchor(self.facts.stage);
        Ok(cooling.into_iter().chain(word).chain(holds).chain(anchor).collect())
    }
    /// What was asked, in words, while they can be read and the viewer may.
    async fn words(&self, ctx: &Context<'_>) -> Option<&str> {
        self.words.as_deref().filter(|_| ctx.may_read("erasure").is_ok())
    }
    /// Why it was refused.
    async fn refused(&self) -> Option<RefusalGround> {
        self.facts.refused.map(Into::into)
    }
    /// Why it was refused, in words, while they can be read and the viewer may.
    async fn refusal_words(&self, ctx: &Context<'_>) -> Option<&str> {
        self.answer.as_deref().filter(|_| ctx.may_read("erasure").is_ok())
    }
    /// Why its fence was lifted.
    async fn unfenced(&self) -> Option<UnfenceGround> {
        self.facts.unfenced.map(Into::into)
    }
    /// The contacts of the person, while anything can be read of them.
    async fn contacts(&self, ctx: &Context<'_>) -> Option<async_graphql::Result<Vec<Contact>>> {
        let subject = self.subject?;
        let contacts = ctx.may_read("contact").map(|(app, _)| contacts_of(app, subject));
        contacts.map(|contacts| (!contacts.is_empty()).then_some(contacts)).transpose()
    }
    /// The id of the organization, while anything can be read of it.
    async fn organization_id(&self, ctx: &Context<'_>) -> Option<async_graphql::Result<ID>> {
        let subject = self.subject?;
        let found = ctx.may_read("organization").map(|(app, _)| organization_of(app, subject));
        found.map(|id| id.map(|id| ID(id.to_string()))).transpose()
    }
    /// The contacts of the people who go with an organization, while anything can be read of them.
    async fn people(&self, ctx: &Context<'_>) -> Option<async_graphql::Result<Vec<Contact>>> {
        let read = ctx.may_read("contact");
        Some(read.map(|(app, _)| self.people.iter().flat_map(|person| contacts_of(app, *person)).collect()))
    }
    /// What happened to the case, record by record, oldest first.
    async fn history(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Option<async_graphql::Result<History>> {
        let stream = Stream { kind: StreamKind::Case, id: self.facts.case.0 };
        history(ctx, stream, Paging { first, after, last, before }).await.transpose()
    }
    /// Files with opened values that were handed out before its fence, of the subject and of the people who go with it as far
    /// as they can be read: copies that no erasure reaches.
    async fn disclosures(&self, ctx: &Context<'_>) -> Option<async_graphql::Result<Vec<Disclosure>>> {
        let read = ctx.may_read("erasure").map(|(app, _)| app.ledger().views());
        Some(read.map(|views| views.residues(self.facts.id).into_iter().map(Disclosure::from).collect()))
    }
    /// What the register said was over, why, and the last days it was kept; empty where somebody asked.
    async fn over(&self) -> Vec<Survivor> {
        self.facts.over.iter().map(Survivor::from).collect()
    }
    /// Who confirmed that, beside our clock.
    async fn confirmed(&self) -> Option<RetentionConfirmed> {
        self.facts.confirmed.as_ref().map(RetentionConfirmed::from)
    }
    /// Where the certificate goes, while that can be read and the viewer may deliver it.
    async fn deliver_to(&self, ctx: &Context<'_>) -> Option<&str> {
        self.address.as_deref().filter(|_| ctx.may("deliverCertificate").is_ok())
    }
    /// The days on which it went there.
    async fn delivered_on(&self) -> Vec<Day> {
        self.facts.deliveries.iter().map(|(on, ..)| Day(*on)).collect()
    }
    /// The last day that the address is kept, where that is known; behind it, its key is due for destruction.
    async fn address_until(&self) -> Option<Day> {
        self.facts.address_until().map(Day)
    }
    /// Whether somebody has a claim code of it, with which they can come back.
    async fn has_claim_code(&self) -> bool {
        self.facts.claim.is_some()
    }
    /// The slip for the person. Only in the answer to the mutation that drew its code, and not in that to a retry: the code is
    /// kept nowhere. Null where the person's browser drew it.
    async fn claim_slip(&self) -> Option<&ClaimSlip> {
        self.slip.as_ref()
    }
    /// What became of the code, in words; null where there is none.
    async fn claim_words(&self) -> Option<&'static str> {
        self.facts.claim.as_ref()?;
        Some(match (&self.slip, self.facts.stage.is_open()) {
            (Some(_), _) => "The code is in this answer and in no other one: hand the slip out now.",
            (None, true) => {
                "The code was shown once, or the person's browser drew it; it is kept nowhere. Where it did not arrive, \
                 replaceClaimCode puts another in its place before the erasure is certified."
            }
            (None, false) => {
                "The code was shown once, or the person's browser drew it; it is kept nowhere, and no other one is made."
            }
        })
    }
    /// The certificate as a file for the person and for the authority: a text that anybody can read, signed by the log, with
    /// the records that prove it. `lethe-audit check` judges it offline. Null before it is certified.
    async fn certificate_file(
        &self,
        ctx: &Context<'_>,
        #[graphql(default_with = "CertificateLanguage::En")] language: CertificateLanguage,
    ) -> Option<async_graphql::Result<String>> {
        self.facts.certificate.as_ref()?;
        certificate_file(ctx, self.facts.id, language).await.transpose()
    }
    /// What was done to the keys and what stays. Only when it is done.
    async fn certificate(&self, ctx: &Context<'_>) -> Option<async_graphql::Result<Certificate>> {
        let certificate = self.facts.certificate.as_ref()?;
        Some(ctx.may_read("erasure").map(|(app, _)| Certificate::of(certificate, &self.facts, app.is_trial)))
    }
}

/// Who confirmed that a retention is over: a second person, or a time from outside.
#[derive(SimpleObject)]
pub struct RetentionConfirmed {
    /// `PERSON`, `WITNESS` or `AUTHORITY`.
    by: &'static str,
    /// The name of the witness or authority.
    name: Option<String>,
    /// What time it was there.
    time: Option<Time>,
}

impl From<&subject::Confirmed> for RetentionConfirmed {
    fn from(confirmed: &subject::Confirmed) -> Self {
        match confirmed {
            subject::Confirmed::Person => Self { by: "PERSON", name: None, time: None },
            subject::Confirmed::Outside(outside) => Self {
                by: outside.source.name(),
                name: Some(outside.by.as_str().to_owned()),
                time: Some(Time(outside.at)),
            },
        }
    }
}

/// A lifted fence leads back to approved as well, and is nobody's approval. A retention is approved by whoever confirms it.
fn is_approval(facts: &ErasureFacts, step: &projections::Step) -> bool {
    if facts.is_retention() {
        return true;
    }
    let at = facts.steps.iter().position(|other| other.position == step.position).unwrap_or_default();
    let before = at.checked_sub(1).and_then(|before| facts.steps.get(before));
    before.is_none_or(|before| before.stage == Stage::Requested)
}

/// One step of an erasure.
#[derive(SimpleObject)]
pub struct ErasureStep {
    /// What it led to.
    stage: ErasureStage,
    /// When it was recorded.
    at: Time,
    /// The position of its record.
    position: Position,
    /// Who took it.
    actor: ID,
}

impl From<&projections::Step> for ErasureStep {
    fn from(step: &projections::Step) -> Self {
        Self {
            stage: step.stage.into(),
            at: Time(step.at),
            position: Position(step.position),
            actor: ID(step.actor.to_string()),
        }
    }
}

/// What was done to the keys, and what stays.
#[derive(SimpleObject)]
pub struct Certificate {
    /// How hard it is to bring the old root key back: `A0` to `A3`.
    level: &'static str,
    /// What that means. At level A0 it says that the erasure is logical.
    words: &'static str,
    /// The keyring's epoch when the destruction was ordered.
    epoch_before: u64,
    /// The epoch since.
    epoch_after: u64,
    /// How long the keys were fenced before they might be destroyed, in words.
    cooling_off: String,
    /// What stays, why, until when. Null behind a retention: only what is named under `over` is gone, and everything else lives on.
    survives: Option<Vec<Survivor>>,
    /// What may still link streams of the erased, and until when, in words.
    links: Vec<String>,
    /// Provisional as long as a residue is open that the final one waits for.
    form: CertificateForm,
    /// When the final certificate was recorded.
    final_at: Option<Time>,
    /// The position of the final certificate's record.
    final_position: Option<Position>,
    /// What the erasure does not reach, or not yet.
    residues: Vec<Residue>,
}

/// A language that certificates are written in.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
pub enum CertificateLanguage {
    /// English.
    En,
    /// German.
    De,
}

impl From<CertificateLanguage> for Language {
    fn from(language: CertificateLanguage) -> Self {
        match language {
            CertificateLanguage::En => Self::En,
            CertificateLanguage::De => Self::De,
        }
    }
}

async fn certificate_file(
    ctx: &Context<'_>,
    erasure: ErasureId,
    language: CertificateLanguage,
) -> async_graphql::Result<Option<String>> {
    let (app, _) = ctx.may_read("erasure")?;
    let of = app.clone();
    let made = tokio::task::spawn_blocking(move || of.certificate(erasure, language.into())).await;
    match made.map_err(|_| Failure::internal("a thread that makes a certificate failed"))? {
        Ok(file) => Ok(file),
        Err(EvidenceError::Failed(failed)) => Err(failed.into()),
        Err(EvidenceError::TooMuch(much)) => Err(bad_request(much)),
    }
}

/// Whether something is left that a certificate waits for.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
pub enum CertificateForm {
    /// Something is left.
    Provisional,
    /// Nothing is.
    Final,
}

impl Certificate {
    fn of(certificate: &subject::Certificate, facts: &ErasureFacts, is_trial: bool) -> Self {
        Self {
            cooling_off: cooling_off_words(facts, is_trial),
            level: certificate.level.name(),
            words: level_words(certificate.level),
            epoch_before: certificate.epoch_before,
            epoch_after: certificate.epoch_after,
            survives: (!facts.is_retention()).then(|| certificate.survives.iter().map(Survivor::from).collect()),
            links: certificate.links.iter().map(|link| link.dated(link.words(), &certificate.survives)).collect(),
            form: facts.certified_finally.map_or(CertificateForm::Provisional, |_| CertificateForm::Final),
            final_at: facts.certified_finally.map(|told| Time(told.at)),
            final_position: facts.certified_finally.map(|told| Position(told.position)),
            residues: (1..).zip(&facts.residues).map(Residue::from).collect(),
        }
    }
}

fn cooling_off_words(facts: &ErasureFacts, is_trial: bool) -> String {
    let fenced = facts.steps.iter().rev().find(|step| step.stage == Stage::Fenced).map(|step| step.effective_at);
    match (facts.cooling_off, fenced) {
        (Some(until), Some(fenced)) => format!("fenced at {fenced}, and not to be destroyed before {until}"),
        _ if is_trial => "no cooling-off: demo or test ledger".into(),
        _ => "no cooling-off: whoever ran the server had set none".into(),
    }
}

pub(super) fn level_words(level: AnchorLevel) -> &'static str {
    match level {
        AnchorLevel::A0 => {
            "logical erasure: the keys were destroyed in files, or had their root in one; whoever kept a copy of it may undo it"
        }
        AnchorLevel::A1 => "the keys were destroyed in hardware; not every device that held their root is declared",
        AnchorLevel::A2 => "the keys were destroyed in a cloud's key service, which delays the destruction",
        AnchorLevel::A3 => "the keys were destroyed in declared hardware",
    }
}

/// What outlives an erasure.
#[derive(SimpleObject)]
pub struct Survivor {
    compartment: String,
    /// On which law.
    basis: String,
    /// The last day it is kept.
    until: Day,
}

impl From<&subject::Survivor> for Survivor {
    fn from(survivor: &subject::Survivor) -> Self {
        let basis = Line::as_str(&survivor.basis).to_owned();
        Self { compartment: survivor.compartment.to_string(), basis, until: Day(survivor.until) }
    }
}

/// The contacts of a subject, as far as they can be read.
pub(super) fn contacts_of(app: &App, subject: SubjectId) -> Vec<Contact> {
    let views = app.ledger().views();
    let held = views.subject(subject).map(|held| held.compartments).unwrap_or_default();
    let things = held.into_iter().flat_map(|compartment| compartment.things);
    things
        .filter_map(|thing| if let HeldThing::Contact(contact) = thing { Some(contact.into()) } else { None })
        .collect()
}

/// The organization that a subject is, while it can be read.
pub(super) fn organization_of(app: &App, subject: SubjectId) -> Option<OrganizationId> {
    let views = app.ledger().views();
    let held = views.subject(subject)?;
    let mut things = held.compartments.iter().flat_map(|compartment| &compartment.things);
    things.find_map(|thing| if let HeldThing::Organization(it) = thing { Some(it.id) } else { None })
}

payload! {
    /// What became of a step of an erasure.
    ErasurePayload { erasure: Erasure }
}

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

pub(super) type Done = Result<(Erasure, Accepted), No>;

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
pub(super) fn answered(
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

pub(super) fn standing(app: &App, text: &str) -> Result<(CaseId, ErasureId), No> {
    let id: ErasureId = text.parse().map_err(|wrong| UserError::at(&["erasureId"], wrong))?;
    let case = app.ledger().views().erasure(id).map(|erasure| erasure.facts.case);
    let nobody = || UserError {
        path: vec!["erasureId".into()],
        ..UserError::new(ErrorCode::NotFound, "there is no such erasure")
    };
    Ok((case.ok_or_else(nobody)?, id))
}

/// Whose, by exactly one id.
pub(super) fn whose(contact: Option<&ID>, organization: Option<&ID>, actor: Option<&ID>) -> Result<Whose, UserError> {
    match (contact, organization, actor) {
        (Some(id), None, None) => id.parse().map(Whose::Contact).map_err(|wrong| UserError::at(&["contactId"], wrong)),
        (None, Some(id), None) => {
            id.parse().map(Whose::Organization).map_err(|wrong| UserError::at(&["organizationId"], wrong))
        }
        (None, None, Some(id)) => id.parse().map(Whose::Actor).map_err(|wrong| UserError::at(&["actorId"], wrong)),
        _ => Err(UserError::new(ErrorCode::Validation, "name exactly one contact, organization or actor")),
    }
}

/// The subject, or why nothing can be said of it any more; `path` is the field that names it.
pub(super) fn known(app: &App, whose: Whose, path: &[&str]) -> Result<(SubjectId, SubjectKind), No> {
    let noun = match whose {
        Whose::Contact(_) => "contact",
        Whose::Organization(_) => "organization",
        Whose::Actor(_) => "actor",
    };
    let (code, words) = match app.person(whose)? {
        Person::Known(subject, kind) => return Ok((subject, kind)),
        Person::Unknown => (ErrorCode::NotFound, format!("there is no such {noun}")),
        Person::Gone(Gone::Erased) => (ErrorCode::Erased, format!("this {noun} was erased")),
        Person::Gone(Gone::Lost) => (ErrorCode::Lost, format!("the key of this {noun} was lost")),
        Person::Gone(Gone::Withheld) => (ErrorCode::Fenced, format!("an erasure of this {noun} was approved")),
    };
    Err(UserError { code, ..UserError::at(path, words) }.into())
}

/// The ids by which somebody may be named, of which exactly one is given.
pub(super) struct Named<'a> {
    pub contact: Option<&'a ID>,
    pub organization: Option<&'a ID>,
    pub actor: Option<&'a ID>,
    pub subject: Option<&'a ID>,
}

/// Whose data it is, by a node or by the subject's own id.
pub(super) fn named(app: &App, ids: &Named<'_>) -> Result<(SubjectId, SubjectKind), No> {
    let Named { contact, organization, actor, subject } = *ids;
    let Some(id) = subject else {
        let whose = whose(contact, organization, actor)?;
        return known(app, whose, &[field(whose)]);
    };
    if contact.is_some() || organization.is_some() || actor.is_some() {
        let words = "name exactly one contact, organization, actor or subject";
        return Err(UserError::new(ErrorCode::Validation, words).into());
    }
    let at = |code, words: String| UserError { code, ..UserError::at(&["subjectId"], words) };
    let subject: SubjectId = id.parse().map_err(|wrong| at(ErrorCode::Validation, format!("{wrong}")))?;
    if app.ledger().views().subject(subject).is_none() {
        return Err(at(ErrorCode::NotFound, "nothing is held of this subject, or not any more".into()).into());
    }
    let organization = organization_of(app, subject).is_some();
    Ok((subject, if organization { SubjectKind::Organization } else { SubjectKind::Person }))
}

/// The field that names whose it is.
pub(super) fn field(whose: Whose) -> &'static str {
    match whose {
        Whose::Contact(_) => "contactId",
        Whose::Organization(_) => "organizationId",
        Whose::Actor(_) => "actorId",
    }
}

/// The subjects of the people who go with an organization, each once. They must work for it, unless a retry says again who
/// did so once.
pub(super) fn people(
    app: &App,
    whose: Whose,
    ids: &[ID],
    is_retry: bool,
    problems: &mut Problems,
) -> Result<Vec<SubjectId>, Failure> {
    const PATH: &[&str] = &["people"];
    let Whose::Organization(organization) = whose else {
        if !ids.is_empty() {
            problems.note(PATH, Rejection::PeopleOfAPerson);
        }
        return Ok(Vec::new());
    };
    let mut people = Vec::with_capacity(ids.len());
    for (number, text) in ids.iter().enumerate() {
        let path = &["people", &number.to_string()];
        let id: ContactId = match text.parse() {
            Ok(id) => id,
            Err(wrong) => {
                problems.note(path, wrong);
                continue;
            }
        };
        let Some((subject, _)) = problems.found(known(app, Whose::Contact(id), path))? else { continue };
        if !is_retry && !works_for(app, id, organization) {
            problems.note(path, "this contact does not work for this organization");
        } else if !people.contains(&subject) {
            people.push(subject);
        }
    }
    if people.len() > PEOPLE {
        problems.note(PATH, Rejection::TooManyPeople(PEOPLE));
    }
    Ok(people)
}

fn works_for(app: &App, contact: ContactId, organization: OrganizationId) -> bool {
    let views = app.ledger().views();
    views.contact(contact).and_then(|contact| contact.sheet?.organization()) == Some(organization)
}

impl Kind for Rejection {
    fn kind(&self) -> ErrorCode {
        match self {
            Self::NotOver { .. } | Self::NoEnd(_) | Self::NotARetention(_) | Self::NotConfirmed => ErrorCode::Conflict,
            Self::StaleTime { .. } => ErrorCode::Conflict,
            Self::ConfirmingOwnRun | Self::ConfirmingOwnRule => ErrorCode::Permission,
            Self::NotAsked => ErrorCode::Validation,
            Self::NotOpened | Self::NoSuchErasure(_) | Self::NotLinked | Self::NothingOpened => ErrorCode::NotFound,
            Self::NoSuchHold(_) | Self::NoSuchResidue(_) | Self::NoAddress => ErrorCode::NotFound,
            Self::Redaction(no) => no.kind(),
            Self::Erased => ErrorCode::Erased,
            Self::Lost => ErrorCode::Lost,
            Self::Withheld | Self::NoMatterNow => ErrorCode::Fenced,
            Self::ApprovingOwnRequest | Self::RefusingOwnRequest | Self::ApprovalStands => ErrorCode::Permission,
            Self::ApprovingOwnHold | Self::ApprovingOwnLift | Self::OthersRequest => ErrorCode::Permission,
            Self::NoSuchClaim => ErrorCode::NotFound,
            Self::ClaimUsed | Self::NobodyAsked(_) | Self::OwnErasure(_) | Self::AlreadyReturned(_) => {
                ErrorCode::Conflict
            }
            Self::NothingToFence | Self::OnHold { .. } => ErrorCode::Hold,
            Self::AlreadyOpened
            | Self::ErasureOpen(_)
            | Self::ErasureIdUsed(_)
            | Self::OutOfOrder { .. }
            | Self::OtherKeys
            | Self::CoolingOff(_)
            | Self::HoldTooLate(_)
            | Self::HoldIdUsed(_)
            | Self::HoldOutOfOrder { .. }
            | Self::ResidueClosed { .. }
            | Self::AlreadyFinal
            | Self::AddressOfNobody(_)
            | Self::TooManyAddresses
            | Self::NotRunOut { .. }
            | Self::Epochs { .. } => ErrorCode::Conflict,
            Self::FutureDay(_)
            | Self::PastDay(_)
            | Self::ReviewOver(_)
            | Self::OtherEnd { .. }
            | Self::FutureEnd(_)
            | Self::FutureDelivery(_)
            | Self::EarlyDelivery { .. }
            | Self::EarlyEnd { .. }
            | Self::NoResidueNamed
            | Self::TooManyResidues
            | Self::TooManyHeld(_)
            | Self::NobodyHas(_)
            | Self::SuppressUnread(_)
            | Self::HasNo(_)
            | Self::PeopleOfAPerson
            | Self::TooManyPeople(_)
            | Self::TooManyKeys
            | Self::TooManyStay(_) => ErrorCode::Validation,
        }
    }
}

impl From<EraseError> for No {
    fn from(error: EraseError) -> Self {
        match error {
            EraseError::Refused(refused) => refused.into(),
            EraseError::UnderWay(_) => UserError::new(ErrorCode::Conflict, error).into(),
            EraseError::OnHold(_) => UserError::new(ErrorCode::Hold, error).into(),
            EraseError::NoRule(missing) => UserError::new(ErrorCode::Conflict, missing).into(),
            EraseError::Failed(failed) => Self::Failure(failed.into()),
        }
    }
}

/// The queries of erasures.
#[derive(Default)]
pub struct ErasureQuery;

#[Object]
impl ErasureQuery {
    /// The erasure with this id.
    async fn erasure(&self, ctx: &Context<'_>, id: ID) -> Option<async_graphql::Result<Erasure>> {
        let found = ctx.may_read("erasure").and_then(|(app, _)| {
            let id = id.parse().map_err(bad_request)?;
            Ok(Erasure::find(app, id))
        });
        found.transpose()
    }

    /// The register of erasures at any of these stages (at all of them where none is named), the one due first at the
    /// front, so that those overdue lead a list of open stages.
    async fn erasures(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        #[graphql(default)] stages: Vec<ErasureStage>,
    ) -> async_graphql::Result<Connection<Opaque, Erasure, EmptyFields, EmptyFields>> {
        let (app, _) = ctx.may_read("erasures")?;
        let cut = Paging { first, after, last, before }.cut()?;
        let stages: Vec<Stage> = stages.into_iter().map(Into::into).collect();
        let views = app.ledger().views();
        let page = views.erasures(&stages, &cut);
        let page = page.map(|page| page.map(|erasure| (erasure.cursor(), Erasure::of(&views, &erasure))));
        drop(views);
        connection(page)
    }
}

#[cfg(test)]
mod tests;
