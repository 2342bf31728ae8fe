//! Disclosures: a file with opened values that a DPO hands out, and what is known of those that were.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use domain::event::Stream;
use domain::id::CaseId;
use domain::subject::{Recipient, Rejection};
use domain::value::{Line, Text};
use projections::DisclosureFacts;

use super::erasure::{Named, named};
use super::outcome::{Ask, ErrorCode, Kind, No, Problems, UserError, envelope};
use super::scalars::{CommandId, Day, Position, Time, hex};
use crate::app::{App, DiscloseError, HandedOut, Handing};
use crate::error::Failure;

/// How many streams may be named.
const STREAMS: usize = 100;

/// A file with opened values that was handed out. No erasure reaches it.
pub struct Disclosure {
    facts: DisclosureFacts,
    to: Option<Recipient>,
}

impl From<projections::Disclosure<'_>> for Disclosure {
    fn from(disclosure: projections::Disclosure<'_>) -> Self {
        Self { facts: disclosure.facts.clone(), to: disclosure.to.cloned() }
    }
}

/// A file with opened values that was handed out. No erasure reaches it.
#[Object]
impl Disclosure {
    /// `disclosure_…`
    async fn id(&self) -> ID {
        ID(self.facts.disclosure.id.to_string())
    }
    /// The stream it is recorded in: `history` shows it.
    async fn case(&self) -> ID {
        ID(self.facts.case.to_string())
    }
    /// When it was recorded, before anybody had the file.
    async fn at(&self) -> Time {
        Time(self.facts.at)
    }
    /// The position of its record.
    async fn position(&self) -> Position {
        Position(self.facts.position)
    }
    /// The actor who handed it out.
    async fn by(&self) -> ID {
        ID(self.facts.actor.to_string())
    }
    /// How many sealed parts are opened in it.
    async fn parts(&self) -> u32 {
        self.facts.disclosure.parts
    }
    /// The day the copy must be gone, where one was agreed.
    async fn until(&self) -> Option<Day> {
        self.facts.disclosure.until.map(Day)
    }
    /// BLAKE3 of the file.
    async fn digest(&self) -> String {
        hex(&self.facts.disclosure.digest)
    }
    /// Who got it, while that can be read and the viewer may.
    async fn recipient(&self, ctx: &Context<'_>) -> Option<&str> {
        let to = self.to.as_ref().filter(|_| ctx.may_read("erasure").is_ok());
        to.map(|to| to.recipient.as_str())
    }
    /// What for, while that can be read and the viewer may.
    async fn words(&self, ctx: &Context<'_>) -> Option<&str> {
        let to = self.to.as_ref().filter(|_| ctx.may_read("erasure").is_ok());
        to.and_then(|to| to.words.as_ref()).map(Text::as_str)
    }
}

/// What is to be handed out. Exactly one of `contactId`, `organizationId`, `actorId` and `subjectId` says whose values are
/// opened: those of nobody else.
#[derive(InputObject)]
pub struct DiscloseEvidenceInput {
    pub contact_id: Option<ID>,
    pub organization_id: Option<ID>,
    pub actor_id: Option<ID>,
    pub subject_id: Option<ID>,
    /// The streams, 100 at most; all that hold data of the subject where none is named.
    #[graphql(default)]
    pub ids: Vec<ID>,
    /// Who gets the file.
    pub recipient: String,
    /// What for, on which basis.
    pub words: Option<String>,
    /// The day the copy must be gone.
    pub until: Option<Day>,
    pub command_id: Option<CommandId>,
}

/// What became of a disclosure.
#[derive(SimpleObject)]
pub struct DiscloseEvidencePayload {
    /// What was recorded, before the file is here.
    disclosure: Option<Disclosure>,
    /// The file in base64, for `lethe-audit check`. A retry gets the one of the first time; null where it would be another.
    file: Option<String>,
    /// How many bytes it has.
    bytes: Option<i32>,
    /// The position of the record; it is durable.
    position: Option<Position>,
    /// The hash of that record.
    record_hash: Option<String>,
    /// The revision of the case by then.
    revision: Option<u64>,
    /// Whether an earlier command with this id had recorded it.
    repeated: bool,
    /// Why not. Empty when it happened.
    errors: Vec<UserError>,
}

/// The mutations of disclosures.
#[derive(Default)]
pub struct DisclosureMutation;

#[Object]
impl DisclosureMutation {
    /// Opens what is held about somebody in one evidence file, to be handed out. The disclosure is recorded first, and is
    /// named beside every later erasure, which does not reach the file.
    async fn disclose_evidence(
        &self,
        ctx: &Context<'_>,
        input: DiscloseEvidenceInput,
    ) -> async_graphql::Result<DiscloseEvidencePayload> {
        match disclose(ctx, input).await {
            Ok((app, handed)) => Ok(DiscloseEvidencePayload::of(&app, handed)),
            Err(No::User(errors)) => Ok(DiscloseEvidencePayload {
                disclosure: None,
                file: None,
                bytes: None,
                position: None,
                record_hash: None,
                revision: None,
                repeated: false,
                errors,
            }),
            Err(No::Failure(failure)) => Err(failure.into()),
        }
    }
}

impl DiscloseEvidencePayload {
    fn of(app: &App, handed: HandedOut) -> Self {
        let HandedOut { accepted, disclosure, file } = handed;
        let views = app.ledger().views();
        let all = views.disclosures_in(CaseId(accepted.stream.id));
        let recorded = all.into_iter().find(|it| it.facts.disclosure.id == disclosure.id).map(Disclosure::from);
        drop(views);
        let other = "this was recorded before, and the log has grown since: its file cannot be made again byte for byte. \
                     To hand out another one, disclose again with another commandId";
        Self {
            disclosure: recorded,
            bytes: file.as_ref().map(|file| i32::try_from(file.len()).unwrap_or(i32::MAX)),
            errors: if file.is_some() { Vec::new() } else { vec![UserError::new(ErrorCode::Conflict, other)] },
            file: file.map(|file| BASE64.encode(file)),
            position: Some(Position(accepted.position)),
            record_hash: Some(hex(&accepted.hash)),
            revision: Some(accepted.revision),
            repeated: accepted.repeated,
        }
    }
}

/// All that the case would refuse is refused before one is opened: a refusal writes nothing.
async fn disclose(ctx: &Context<'_>, input: DiscloseEvidenceInput) -> Result<(App, HandedOut), No> {
    let (app, viewer) = ctx.may("discloseEvidence")?;
    let envelope = envelope(input.command_id, None, None);
    let is_retry = app.is_repeated(&envelope);
    let mut problems = Problems::default();
    let recipient = problems.take(&["recipient"], Line::parse(&input.recipient));
    let words = input.words.as_ref().and_then(|words| problems.take(&["words"], Text::parse(words)));
    let streams = streams(&input.ids, &mut problems);
    let until = input.until.map(|day| day.0);
    if let Some(day) = until.filter(|day| !is_retry && *day < app.now().day()) {
        problems.note(&["until"], Rejection::PastDay(day));
    }
    problems.end()?;
    let Some(recipient) = recipient else { return Err(Failure::internal("a recipient that is none").into()) };
    let (subject, kind) = named(
        app,
        &Named {
            contact: input.contact_id.as_ref(),
            organization: input.organization_id.as_ref(),
            actor: input.actor_id.as_ref(),
            subject: input.subject_id.as_ref(),
        },
    )?;
    let handing = Handing { subject, streams, until, to: Recipient { recipient, words } };
    let case = match app.case_of(subject) {
        Some(case) => case,
        None if is_retry => return Err(events::ledger::Refused::<Rejection>::CommandReused.into()),
        None => {
            let (of, checked) = (app.clone(), handing.clone());
            let checked = tokio::task::spawn_blocking(move || of.check_disclosure(&checked)).await;
            checked.map_err(thread_failed)?.map_err(|error| refused(error, &handing))?;
            app.open_case(viewer.actor, subject, kind).await?
        }
    };
    let (of, by, handed) = (app.clone(), viewer.actor, handing.clone());
    let handed = tokio::task::spawn_blocking(move || of.disclose(by, case, &handed, envelope)).await;
    let handed = handed.map_err(thread_failed)?.map_err(|error| refused(error, &handing))?;
    Ok((app.clone(), handed))
}

fn thread_failed(_: tokio::task::JoinError) -> Failure {
    Failure::internal("a thread that discloses failed")
}

fn streams(ids: &[ID], problems: &mut Problems) -> Vec<Stream> {
    if ids.len() > STREAMS {
        problems.note(&["ids"], format!("name at most {STREAMS} streams, or none for all of them"));
        return Vec::new();
    }
    let mut streams = Vec::with_capacity(ids.len());
    for (number, id) in ids.iter().enumerate() {
        match id.parse::<Stream>() {
            Ok(stream) if streams.contains(&stream) => {
                problems.note(&["ids", &number.to_string()], "this stream is named twice");
            }
            Ok(stream) => streams.push(stream),
            Err(wrong) => problems.note(&["ids", &number.to_string()], wrong),
        }
    }
    streams
}

fn refused(error: DiscloseError, handing: &Handing) -> No {
    let at = |code, stream: Option<Stream>, words: &str| {
        let number = stream.and_then(|stream| handing.streams.iter().position(|named| *named == stream));
        let path = std::iter::once("ids".to_owned()).chain(number.map(|number| number.to_string()));
        UserError { path: path.collect(), ..UserError::new(code, words) }.into()
    };
    match error {
        DiscloseError::Refused(refused) => refused.into(),
        DiscloseError::NoStream(stream) => at(ErrorCode::NotFound, Some(stream), "there is no such stream"),
        DiscloseError::Nothing(stream) => {
            let code = Rejection::NothingOpened.kind();
            at(code, Some(stream), "nothing of this subject can be opened in this stream")
        }
        DiscloseError::TooMuch(much) => at(ErrorCode::Validation, None, &format!("{much}; name fewer streams")),
        DiscloseError::Failed(failed) => No::Failure(failed),
    }
}

#[cfg(test)]
mod tests;
