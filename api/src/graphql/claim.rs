//! Who was erased and comes back: the slip with the code, what the number of a certificate shows, what the code shows, and
//! the link from who they are now.

mod typed;

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use domain::id::{CaseId, ErasureId};
use domain::subject::{self, Command, Rejection, Stage};
use domain::value::Text;
use events::claim::ClaimCode;
use events::ledger::{Accepted, Fresh};
use projections::ErasureFacts;
use replay::certificate::slip;
use zeroize::Zeroizing;

use super::erasure::{
    AskedHow, CertificateForm, CertificateLanguage, Done, Erasure, ErasurePayload, Ground, Survivor, field, known,
    level_words, standing, whose,
};
use super::evidence::EvidenceFile;
use super::outcome::{Ask, ErrorCode, No, Problems, UserError, bad_request, envelope, payload};
use super::residue::{ResidueEnd, ResidueKind};
use super::scalars::{CommandId, Day, Position, Time, hex};
use crate::app::App;
use crate::error::Failure;
use crate::evidence::{EvidenceError, OldRecord};
use crate::http::ByGet;

pub use typed::{ClaimHash, TypedCode};

/// How many records of an old trail are listed; the file has all of them.
const LISTED: usize = 1_000;

/// The slip for the person, apart from the certificate.
pub struct ClaimSlip {
    erasure: ErasureId,
    origin: String,
    code: Zeroizing<String>,
}

impl ClaimSlip {
    /// The slip of a code that was just drawn.
    pub(super) fn of(app: &App, erasure: ErasureId, code: &ClaimCode) -> Self {
        let origin = app.ledger().published().key().name().to_owned();
        Self { erasure, origin, code: code.write() }
    }
}

/// The slip for the person alone. It is in the answer that drew the code and nowhere else: neither in the certificate nor in
/// any copy for an authority.
#[Object]
impl ClaimSlip {
    /// The number that the certificate will have.
    async fn certificate(&self) -> ID {
        ID(self.erasure.to_string())
    }
    async fn code(&self) -> &str {
        &self.code
    }
    /// All of it as a text to print, with what the code is for.
    async fn text(&self, #[graphql(default_with = "CertificateLanguage::En")] language: CertificateLanguage) -> String {
        slip(self.erasure, &self.origin, &self.code, language.into())
    }
}

/// What the number of a certificate shows: the erasure, by days, and nothing that leads to anybody or to any record.
#[derive(SimpleObject)]
pub struct ErasureEntry {
    /// The number of the certificate.
    certificate: ID,
    ground: Ground,
    how: AskedHow,
    asked_on: Day,
    /// When the keys were destroyed.
    destroyed_on: Option<Day>,
    form: CertificateForm,
    final_on: Option<Day>,
    /// How hard it is to bring the old root key back: `A0` to `A3`.
    level: &'static str,
    /// What that means.
    words: &'static str,
    /// What was destroyed.
    compartments: Vec<String>,
    /// What is kept, why, until when.
    survives: Vec<Survivor>,
    /// What may still link records of the erased, and until when, in words.
    links: Vec<String>,
    /// What the erasure does not reach, or not yet.
    residues: Vec<EntryResidue>,
    /// Whether there is a code that shows more.
    has_claim_code: bool,
}

/// A residue, without what it is of.
#[derive(SimpleObject)]
pub struct EntryResidue {
    number: u16,
    kind: ResidueKind,
    until: Option<Day>,
    end: Option<ResidueEnd>,
    ended_on: Option<Day>,
}

impl ErasureEntry {
    fn find(app: &App, erasure: ErasureId) -> Option<Self> {
        Self::of(app.ledger().views().erasure(erasure)?.facts)
    }

    fn of(facts: &ErasureFacts) -> Option<Self> {
        let certificate = facts.certificate.as_ref()?;
        let certified = facts.steps.iter().rev().find(|step| step.stage == Stage::Certified);
        let residues = (1..).zip(&facts.residues).map(|(number, it)| EntryResidue {
            number,
            kind: it.residue.kind.into(),
            until: it.residue.until.map(Day),
            end: it.closed.map(|(end, ..)| end.into()),
            ended_on: it.closed.map(|(_, on, _)| Day(on)),
        });
        Some(Self {
            certificate: ID(facts.id.to_string()),
            ground: facts.asked.ground.into(),
            how: facts.asked.how.into(),
            asked_on: Day(facts.asked.on),
            destroyed_on: certified.map(|step| Day(step.at.day())),
            form: facts.certified_finally.map_or(CertificateForm::Provisional, |_| CertificateForm::Final),
            final_on: facts.certified_finally.map(|told| Day(told.at.day())),
            level: certificate.level.name(),
            words: level_words(certificate.level),
            compartments: facts.compartments.iter().map(ToString::to_string).collect(),
            survives: certificate.survives.iter().map(Survivor::from).collect(),
            links: certificate.links.iter().map(|link| link.dated(link.words(), &certificate.survives)).collect(),
            residues: residues.collect(),
            has_claim_code: facts.claim.is_some(),
        })
    }
}

/// What a code shows: the erasure, the structure of the trail that it ended, and the proof of both.
#[derive(SimpleObject)]
pub struct ClaimProof {
    erasure: ErasureEntry,
    /// The stream of the old case.
    case: ID,
    /// The records of the old trail, oldest first: what they are, and no value. At most 1000 of them.
    trail: Vec<OldTrailRecord>,
    /// How many there are.
    records: usize,
    /// All of them as evidence without any value: `lethe-audit check` judges it offline.
    evidence: EvidenceFile,
}

/// One record of the old trail.
#[derive(SimpleObject)]
pub struct OldTrailRecord {
    position: Position,
    recorded_at: Time,
    /// What it is, such as `contact.registered`.
    kind: String,
    hash: String,
    /// How many sealed parts it has.
    sealed: usize,
    /// How many of them nobody can ever open again, by this erasure.
    gone: usize,
}

impl From<&OldRecord> for OldTrailRecord {
    fn from(old: &OldRecord) -> Self {
        Self {
            position: Position(old.position),
            recorded_at: Time(old.at),
            kind: old.kind.clone(),
            hash: hex(&old.hash),
            sealed: old.parts,
            gone: old.gone,
        }
    }
}

/// The answer to a code.
#[derive(SimpleObject)]
pub struct ClaimAnswer {
    proof: Option<ClaimProof>,
    /// Why not: mistyped (`VALIDATION`), no erasure has it (`NOT_FOUND`), not certified yet (`CONFLICT`).
    errors: Vec<UserError>,
}

/// That somebody was somebody before.
#[derive(SimpleObject)]
pub struct Return {
    /// The number of the old certificate.
    certificate: ID,
    /// Why they are linked to it.
    reason: String,
    /// When that was recorded.
    at: Time,
    /// The position of its record.
    position: Position,
}

impl From<&projections::Return> for Return {
    fn from(back: &projections::Return) -> Self {
        Self {
            certificate: ID(back.erasure.to_string()),
            reason: back.reason.as_str().to_owned(),
            at: Time(back.told.at),
            position: Position(back.told.position),
        }
    }
}

payload! {
    /// What became of a link to an earlier erasure.
    ReturnPayload { returned: Return }
}

/// Another code for a request whose slip was lost, or never came.
#[derive(InputObject)]
pub struct ReplaceClaimCodeInput {
    pub erasure_id: ID,
    /// The hash of a code that the person's browser drew; without one the server draws a code and shows it once.
    pub claim_hash: Option<ClaimHash>,
    pub expected_revision: Option<u64>,
    pub command_id: Option<CommandId>,
}

/// Somebody who was erased, was added again, and showed the code. Exactly one of the three ids says who they are now.
#[derive(InputObject)]
pub struct LinkReturnInput {
    pub contact_id: Option<ID>,
    pub organization_id: Option<ID>,
    pub actor_id: Option<ID>,
    pub code: TypedCode,
    /// Why they were added again and want to be linked, in words.
    pub reason: String,
    pub command_id: Option<CommandId>,
}

/// The queries of claims.
#[derive(Default)]
pub struct ClaimQuery;

#[Object]
impl ClaimQuery {
    /// A certified erasure by the number of its certificate, for whoever kept the letter and lost the code. Null where there
    /// is none.
    async fn erasure_by_certificate(
        &self,
        ctx: &Context<'_>,
        certificate: ID,
    ) -> Option<async_graphql::Result<ErasureEntry>> {
        let found = ctx.may_read("erasureByCertificate").and_then(|(app, _)| {
            let id = certificate.parse().map_err(bad_request)?;
            Ok(ErasureEntry::find(app, id))
        });
        found.transpose()
    }

    /// What a claim code shows: the erasure, the structure of the old trail, and the proof of both, without any value. By POST
    /// only.
    async fn erasure_by_claim(&self, ctx: &Context<'_>, code: TypedCode) -> async_graphql::Result<ClaimAnswer> {
        if ctx.data_opt::<ByGet>().is_some() {
            return Err(bad_request(
                "a claim code is sent by POST, in the variables: addresses are written down everywhere",
            ));
        }
        let (app, _) = ctx.may_read("erasureByClaim")?;
        match proof(app, &code).await {
            Ok(proof) => Ok(ClaimAnswer { proof: Some(proof), errors: Vec::new() }),
            Err(No::User(errors)) => Ok(ClaimAnswer { proof: None, errors }),
            Err(No::Failure(failed)) => Err(failed.into()),
        }
    }
}

/// The mutations of claims.
#[derive(Default)]
pub struct ClaimMutation;

#[Object]
impl ClaimMutation {
    /// Another claim code in the place of the one before, which is worth nothing from then on. Only before the certificate. A
    /// retry gets no code.
    async fn replace_claim_code(
        &self,
        ctx: &Context<'_>,
        input: ReplaceClaimCodeInput,
    ) -> async_graphql::Result<ErasurePayload> {
        ErasurePayload::of(replace(ctx, input).await)
    }

    /// Links who somebody is now to an earlier erasure of theirs, by its code. The link is sealed with the claims of who they
    /// are now, and dies with them.
    async fn link_return(&self, ctx: &Context<'_>, input: LinkReturnInput) -> async_graphql::Result<ReturnPayload> {
        ReturnPayload::of(link(ctx, input).await)
    }
}

async fn proof(app: &App, code: &TypedCode) -> Result<ClaimProof, No> {
    let old = app.claimed(&code.read()?).map_err(|no| UserError::of(&["code"], no))?;
    let early = || {
        let no = Rejection::OutOfOrder { stage: old.stage, wanted: "certified", act: "proved" };
        UserError::of(&["code"], no)
    };
    let of = app.clone();
    let made = tokio::task::spawn_blocking(move || of.old_trail(old.erasure)).await;
    let trail = match made.map_err(|_| Failure::internal("a thread that proves a trail failed"))? {
        Ok(trail) => trail.ok_or_else(early)?,
        Err(EvidenceError::Failed(failed)) => return Err(failed.into()),
        Err(EvidenceError::TooMuch(much)) => return Err(UserError::new(ErrorCode::Validation, much).into()),
    };
    let erasure = ErasureEntry::find(app, old.erasure).ok_or_else(early)?;
    let case = app.ledger().views().erasure(old.erasure).map(|erasure| erasure.facts.case);
    Ok(ClaimProof {
        erasure,
        case: ID(case.ok_or_else(early)?.to_string()),
        records: trail.records.len(),
        trail: trail.records.iter().take(LISTED).map(OldTrailRecord::from).collect(),
        evidence: EvidenceFile::of(&trail.file),
    })
}

async fn replace(ctx: &Context<'_>, input: ReplaceClaimCodeInput) -> Done {
    let (app, viewer) = ctx.may("replaceClaimCode")?;
    let of = standing(app, &input.erasure_id)?;
    let envelope = envelope(input.command_id, input.expected_revision, None);
    let (in_thread, by, hash) = (app.clone(), viewer.actor, input.claim_hash.map(|hash| hash.0));
    let replaced = tokio::task::spawn_blocking(move || in_thread.replace_claim_code(by, of, hash, envelope)).await;
    let (accepted, code) = replaced.map_err(|_| Failure::internal("a thread that marks a claim failed"))??;
    let found = Erasure::find(app, of.1).ok_or_else(|| Failure::internal("an erasure that the views do not have"))?;
    Ok((found.with_slip(code.map(|code| ClaimSlip::of(app, of.1, &code))), accepted))
}

/// All that the case would refuse is refused before one is opened: a refusal writes nothing.
async fn link(ctx: &Context<'_>, input: LinkReturnInput) -> Result<(Return, Accepted), No> {
    let (app, viewer) = ctx.may("linkReturn")?;
    let whose = whose(input.contact_id.as_ref(), input.organization_id.as_ref(), input.actor_id.as_ref())?;
    let mut problems = Problems::default();
    let reason = problems.take(&["reason"], Text::parse(&input.reason));
    let code = problems.found(input.code.read().map_err(No::from))?;
    problems.end()?;
    let (Some(reason), Some(code)) = (reason, code) else {
        return Err(Failure::internal("values that were not taken").into());
    };
    let old = app.claimed(&code).map_err(|no| UserError::of(&["code"], no))?;
    if old.stage != Stage::Certified {
        let no = Rejection::OutOfOrder { stage: old.stage, wanted: "certified", act: "come back to" };
        return Err(UserError::of(&["code"], no).into());
    }
    let (subject, kind) = known(app, whose, &[field(whose)])?;
    let envelope = envelope(input.command_id, None, None);
    if app.is_repeated(&envelope) && app.case_of(subject).is_none() {
        return Err(events::ledger::Refused::<Rejection>::CommandReused.into());
    }
    let case = app.open_case(viewer.actor, subject, kind).await?;
    let command = Command::LinkReturn { old, shown: code.mark(), reason };
    drop(code);
    let accepted = app.submit::<subject::Case>(viewer, case.0, command, envelope, Fresh::new()).await?;
    let returned = returned(app, case, accepted.position);
    Ok((returned.ok_or_else(|| Failure::internal("a link that the views do not have"))?, accepted))
}

fn returned(app: &App, case: CaseId, position: u64) -> Option<Return> {
    let views = app.ledger().views();
    let found = views.case(case)?.returns.iter().find(|back| back.told.position == position);
    found.map(Return::from)
}

#[cfg(test)]
mod tests;
