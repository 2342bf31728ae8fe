//! Erasures: who asked to be forgotten, how far it is, what dies and what stays.

mod change;
mod refusal;
mod whose;

pub use change::ErasureMutation;
pub(super) use change::{Done, answered};
pub(super) use whose::{Named, field, known, named, people, standing, whose};

use async_graphql::connection::{Connection, EmptyFields};
use async_graphql::{Context, Enum, ID, Object, SimpleObject};
use domain::event::{Stream, StreamKind};
use domain::id::{ErasureId, HoldId, OrganizationId, SubjectId};
use domain::subject::{self, AnchorLevel, Rejection, Stage};
use domain::value::Line;
use projections::{ErasureFacts, HeldThing, Views};
use replay::certificate::Language;

use super::claim::ClaimSlip;
use super::connection::{Opaque, Paging, connection};
use super::contact::Contact;
use super::disclosure::Disclosure;
use super::history::{History, history};
use super::hold::Hold;
use super::outcome::{Ask, bad_request, payload};
use super::residue::Residue;
use super::scalars::{Day, Position, Time};
use crate::app::App;
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
