//! What can be said about consent, and how it is written down: all of one person in one stream, guarded by what was read.

use std::sync::Arc;
use std::time::Duration;

use async_graphql::{Context, InputObject, Object, SimpleObject};
use domain::actor::Role;
use domain::compartment::Compartment;
use domain::consent::{self, About, Act, AsOf, Asked, Command, Fact, Rejection, Scope, Way};
use domain::contact;
use domain::event::{Stream, StreamKind};
use domain::id::{ConsentsId, ContactId, NoticeId, PointId, SubjectId};
use domain::notice::{self, Shown};
use domain::owner::Owner;
use domain::personal::Gone;
use domain::register::{Purpose, Register, Slug};
use domain::time::{self, Day as AnyDay};
use domain::value::{Language, Text};
use events::ledger::{Accepted, Failure as LedgerFailure, Fresh, Refused};
use events::log::Log as _;
use events::record::Record;

use super::super::contact::contact_id;
use super::super::outcome::{Ask, ErrorCode, Kind, No, Problems, UserError, payload};
use super::super::purpose::{Channel, slug};
use super::super::scalars::{CommandId, Day, Position, Time, hex};
use super::{Consents, Method, Source, code};
use crate::access::Viewer;
use crate::app::{App, Envelope};
use crate::error::{Code, Failure};

/// How often a statement is tried again when what it rests on moves, and the pause between: what moves is being written.
const TRIES: usize = 50;
const PAUSE: Duration = Duration::from_millis(2);

/// The text that the person was shown.
#[derive(InputObject, Clone)]
pub struct ShownNoticeInput {
    pub id: String,
    pub version: u32,
    /// The language in which it was shown.
    pub language: String,
}

/// A request for a consent. The code comes back once, in the payload.
#[derive(InputObject)]
pub struct RequestConsentInput {
    pub contact_id: String,
    pub purpose: String,
    pub channel: Channel,
    pub point_id: String,
    pub notice: ShownNoticeInput,
    /// The last day the consent will hold, if the person named one.
    pub valid_until: Option<Day>,
    /// How many days the code counts; 14 unless told otherwise.
    pub code_days: Option<u16>,
    pub source: Source,
    pub method: Method,
    /// What was said or seen, in words; sealed.
    pub words: Option<String>,
    /// Of the person's consents.
    pub expected_revision: Option<u64>,
    pub command_id: Option<CommandId>,
}

/// A code that the person presented.
#[derive(InputObject)]
pub struct ConfirmConsentInput {
    pub code: String,
    /// Where it was presented.
    pub source: Source,
    /// What was said or seen, in words; sealed.
    pub words: Option<String>,
    /// Of the person's consents.
    pub expected_revision: Option<u64>,
    pub command_id: Option<CommandId>,
}

/// A consent that rests on somebody's word, or on an earlier system.
#[derive(InputObject)]
pub struct GiveConsentInput {
    pub contact_id: String,
    pub purpose: String,
    pub channel: Channel,
    pub point_id: String,
    /// Only an imported consent may have none.
    pub notice: Option<ShownNoticeInput>,
    /// The last day it holds, if the person named one.
    pub valid_until: Option<Day>,
    /// An earlier system said so and had no proof.
    #[graphql(default)]
    pub imported: bool,
    pub source: Source,
    pub method: Method,
    /// What was said, seen or signed, in words; sealed.
    pub words: Option<String>,
    pub effective_at: Option<Time>,
    /// Of the person's consents.
    pub expected_revision: Option<u64>,
    pub command_id: Option<CommandId>,
}

/// A no to a question.
#[derive(InputObject)]
pub struct RefuseConsentInput {
    pub contact_id: String,
    pub purpose: String,
    pub channel: Channel,
    pub point_id: String,
    pub source: Source,
    pub method: Method,
    /// What was said, in words; sealed.
    pub words: Option<String>,
    pub effective_at: Option<Time>,
    /// Of the person's consents.
    pub expected_revision: Option<u64>,
    pub command_id: Option<CommandId>,
}

/// What the person takes back: what is not named is all of it.
#[derive(InputObject)]
pub struct WithdrawConsentInput {
    pub contact_id: String,
    pub purpose: Option<String>,
    pub channel: Option<Channel>,
    pub point_id: Option<String>,
    pub source: Source,
    pub method: Method,
    /// What was said, in words; sealed.
    pub words: Option<String>,
    pub effective_at: Option<Time>,
    /// Of the person's consents.
    pub expected_revision: Option<u64>,
    pub command_id: Option<CommandId>,
}

/// What the person objects to: what is not named is all of it.
#[derive(InputObject)]
pub struct ObjectToProcessingInput {
    pub contact_id: String,
    pub purpose: Option<String>,
    pub channel: Option<Channel>,
    pub point_id: Option<String>,
    pub source: Source,
    pub method: Method,
    /// What was said, in words; sealed.
    pub words: Option<String>,
    pub effective_at: Option<Time>,
    /// Of the person's consents.
    pub expected_revision: Option<u64>,
    pub command_id: Option<CommandId>,
}

payload! {
    /// What became of a statement about consent.
    ConsentsPayload { consents: Consents }
}

/// What became of a request for a consent.
#[derive(SimpleObject)]
pub struct RequestConsentPayload {
    /// The person's consents as they are now.
    pub consents: Option<Consents>,
    /// Their id.
    pub consents_id: Option<String>,
    /// The code, for the one message to the contact point. It is kept nowhere: a retry gets null.
    pub code: Option<String>,
    /// The last moment at which the code counts.
    pub expires_at: Option<Time>,
    /// The position of the command's record in the log; it is durable.
    pub position: Option<Position>,
    /// The hash of that record.
    pub record_hash: Option<String>,
    /// The revision of the person's consents.
    pub revision: Option<u64>,
    /// Whether an earlier command with this id had done it.
    pub repeated: bool,
    /// Why not. Empty when it happened.
    pub errors: Vec<UserError>,
}

/// The mutations of consents.
#[derive(Default)]
pub struct ConsentMutation;

#[Object]
impl ConsentMutation {
    /// The person is asked and sent a code, which is in the payload once.
    async fn request_consent(
        &self,
        ctx: &Context<'_>,
        input: RequestConsentInput,
    ) -> async_graphql::Result<RequestConsentPayload> {
        let none = |errors| RequestConsentPayload {
            consents: None,
            consents_id: None,
            code: None,
            expires_at: None,
            position: None,
            record_hash: None,
            revision: None,
            repeated: false,
            errors,
        };
        match request(ctx, input).await {
            Ok(payload) => Ok(payload),
            Err(No::User(errors)) => Ok(none(errors)),
            Err(No::Failure(failure)) => Err(failure.into()),
        }
    }

    /// The person presented the code: a confirmed opt-in.
    async fn confirm_consent(
        &self,
        ctx: &Context<'_>,
        input: ConfirmConsentInput,
    ) -> async_graphql::Result<ConsentsPayload> {
        ConsentsPayload::of(confirm(ctx, input).await)
    }

    /// A consent without a code: somebody's word, and reads so for ever.
    async fn give_consent(&self, ctx: &Context<'_>, input: GiveConsentInput) -> async_graphql::Result<ConsentsPayload> {
        ConsentsPayload::of(give(ctx, input).await)
    }

    /// The person was asked and said no.
    async fn refuse_consent(
        &self,
        ctx: &Context<'_>,
        input: RefuseConsentInput,
    ) -> async_graphql::Result<ConsentsPayload> {
        ConsentsPayload::of(refuse(ctx, input).await)
    }

    /// The person takes back what was given (Art. 7(3) GDPR).
    async fn withdraw_consent(
        &self,
        ctx: &Context<'_>,
        input: WithdrawConsentInput,
    ) -> async_graphql::Result<ConsentsPayload> {
        ConsentsPayload::of(withdraw(ctx, input).await)
    }

    /// The person objects to processing (Art. 21 GDPR).
    async fn object_to_processing(
        &self,
        ctx: &Context<'_>,
        input: ObjectToProcessingInput,
    ) -> async_graphql::Result<ConsentsPayload> {
        ConsentsPayload::of(object(ctx, input).await)
    }
}

type Done = Result<(Consents, Accepted), No>;

async fn request(ctx: &Context<'_>, input: RequestConsentInput) -> Result<RequestConsentPayload, No> {
    let (app, viewer) = ctx.may("requestConsent")?;
    if viewer.roles != [Role::Integration] {
        // Whoever is a person in any role gets no code, or an agent could confirm for others.
        return Err(UserError::new(ErrorCode::Permission, "a code goes to an integration and to nobody else").into());
    }
    let mut problems = Problems::default();
    let said = Said::parse(&input.contact_id, (input.source, input.method), input.words, &mut problems)?;
    let said = said.under(input.command_id, input.expected_revision, None);
    let asked = Question::parse(&input.purpose, input.channel, &input.point_id, Some(input.notice), &mut problems);
    problems.end()?;
    let asked = asked.ok_or_else(|| Failure::internal("a question without a problem"))?;
    let (code, code_hash) = code::draw()?;
    let mut fresh = Fresh::new();
    fresh.note(code_hash);
    let act = |app: &App, person: &Person, envelope: &mut Envelope| {
        let asked = asked.ask(app, person, input.valid_until, envelope)?;
        Ok(Act::Request { asked, code_hash, code_days: input.code_days })
    };
    let (consents, accepted) = write(app, viewer, said, fresh, act).await?;
    let request = consents.found.trail.entries().iter().find(|entry| entry.position == accepted.position);
    let expires_at = request.and_then(|entry| match &entry.fact {
        Fact::Requested { expires_at, .. } => Some(Time(*expires_at)),
        _ => None,
    });
    Ok(RequestConsentPayload {
        consents_id: Some(consents.found.id.to_string()),
        consents: Some(consents),
        code: (!accepted.repeated).then_some(code),
        expires_at,
        position: Some(Position(accepted.position)),
        record_hash: Some(hex(&accepted.hash)),
        revision: Some(accepted.revision),
        repeated: accepted.repeated,
        errors: Vec::new(),
    })
}

async fn confirm(ctx: &Context<'_>, input: ConfirmConsentInput) -> Done {
    let (app, viewer) = ctx.may("confirmConsent")?;
    let code_hash = code::hash(&input.code)
        .ok_or_else(|| UserError::at(&["code"], "not a code: it is 28 letters and digits, in groups of four"))?;
    let contact = asked_under(app, &code_hash)?;
    let mut problems = Problems::default();
    let said = Said::of(contact, (input.source, Method::Code), input.words, &mut problems);
    problems.end()?;
    let said = said.under(input.command_id, input.expected_revision, None);
    write(app, viewer, said, Fresh::new(), |_: &App, _: &Person, _: &mut Envelope| Ok(Act::Confirm { code_hash })).await
}

async fn give(ctx: &Context<'_>, input: GiveConsentInput) -> Done {
    let (app, viewer) = ctx.may("giveConsent")?;
    let mut problems = Problems::default();
    let said = Said::parse(&input.contact_id, (input.source, input.method), input.words, &mut problems)?;
    let said = said.under(input.command_id, input.expected_revision, input.effective_at);
    let asked = Question::parse(&input.purpose, input.channel, &input.point_id, input.notice, &mut problems);
    problems.end()?;
    let asked = asked.ok_or_else(|| Failure::internal("a question without a problem"))?;
    let act = |app: &App, person: &Person, envelope: &mut Envelope| {
        Ok(Act::Give { asked: asked.ask(app, person, input.valid_until, envelope)?, imported: input.imported })
    };
    write(app, viewer, said, Fresh::new(), act).await
}

async fn refuse(ctx: &Context<'_>, input: RefuseConsentInput) -> Done {
    let (app, viewer) = ctx.may("refuseConsent")?;
    let mut problems = Problems::default();
    let said = Said::parse(&input.contact_id, (input.source, input.method), input.words, &mut problems)?;
    let said = said.under(input.command_id, input.expected_revision, input.effective_at);
    let asked = Question::parse(&input.purpose, input.channel, &input.point_id, None, &mut problems);
    problems.end()?;
    let asked = asked.ok_or_else(|| Failure::internal("a question without a problem"))?;
    let act = |app: &App, person: &Person, _: &mut Envelope| {
        known_purpose(app, &asked.purpose)?;
        person.known_point(asked.point)?;
        let Question { purpose, channel, point, .. } = asked.clone();
        Ok(Act::Refuse { about: About { purpose, channel: channel.into(), point } })
    };
    write(app, viewer, said, Fresh::new(), act).await
}

async fn withdraw(ctx: &Context<'_>, input: WithdrawConsentInput) -> Done {
    let (app, viewer) = ctx.may("withdrawConsent")?;
    let mut problems = Problems::default();
    let said = Said::parse(&input.contact_id, (input.source, input.method), input.words, &mut problems)?;
    let said = said.under(input.command_id, input.expected_revision, input.effective_at);
    let scope = scope(input.purpose, input.channel, input.point_id, &mut problems);
    problems.end()?;
    let act = |app: &App, person: &Person, _: &mut Envelope| Ok(Act::Withdraw { scope: person.scope(app, &scope)? });
    write(app, viewer, said, Fresh::new(), act).await
}

async fn object(ctx: &Context<'_>, input: ObjectToProcessingInput) -> Done {
    let (app, viewer) = ctx.may("objectToProcessing")?;
    let mut problems = Problems::default();
    let said = Said::parse(&input.contact_id, (input.source, input.method), input.words, &mut problems)?;
    let said = said.under(input.command_id, input.expected_revision, input.effective_at);
    let scope = scope(input.purpose, input.channel, input.point_id, &mut problems);
    problems.end()?;
    let act = |app: &App, person: &Person, _: &mut Envelope| Ok(Act::Object { scope: person.scope(app, &scope)? });
    write(app, viewer, said, Fresh::new(), act).await
}

/// Writes a statement down in the one stream of the person, again while what it was read from moves.
async fn write(
    app: &App,
    viewer: &Viewer,
    said: Said,
    drawn: Fresh,
    act: impl Fn(&App, &Person, &mut Envelope) -> Result<Act, No>,
) -> Done {
    for _ in 0..TRIES {
        let (mut envelope, mut fresh) = (said.envelope.clone(), drawn.clone());
        let person = Person::find(app, said.contact)?;
        let act = act(app, &person, &mut envelope)?;
        if let Some(id) = person.consents(app, &mut fresh, &mut envelope)? {
            let (subject, contact, words, way) = (person.subject, person.contact, said.words.clone(), said.way);
            let command = Command { subject, contact, words, way, act };
            match app.submit::<consent::Consents>(viewer, id.0, command, envelope, fresh).await {
                Err(Refused::Failed(LedgerFailure::Busy)) => {}
                done => return written(app, viewer, done?),
            }
        }
        tokio::time::sleep(PAUSE).await;
    }
    Err(Failure::from(LedgerFailure::Busy).into())
}

fn written(app: &App, viewer: &Viewer, accepted: Accepted) -> Done {
    let consents = Consents::find(app, viewer, ConsentsId(accepted.stream.id), AsOf::day(app.now().day()));
    Ok((consents.ok_or_else(|| Failure::internal("consents that the views do not have"))?, accepted))
}

/// What every statement says of itself.
struct Said {
    contact: ContactId,
    way: Way,
    words: Option<Text>,
    envelope: Envelope,
}

impl Said {
    fn parse(contact: &str, way: (Source, Method), words: Option<String>, problems: &mut Problems) -> Result<Self, No> {
        Ok(Self::of(contact_id(contact)?, way, words, problems))
    }

    fn of(contact: ContactId, way: (Source, Method), words: Option<String>, problems: &mut Problems) -> Self {
        let words = words.and_then(|words| problems.take(&["words"], Text::parse(&words)));
        let way = Way { source: way.0.into(), method: way.1.into() };
        Self { contact, way, words, envelope: Envelope::default() }
    }

    fn under(self, command_id: Option<CommandId>, expected_revision: Option<u64>, at: Option<Time>) -> Self {
        let (command_id, effective_at) = (command_id.map(|id| id.0), at.map(|at| at.0));
        Self { envelope: Envelope { command_id, expected_revision, effective_at, ..Envelope::default() }, ..self }
    }
}

/// The person behind a contact, with the contact's stream as it was read.
struct Person {
    contact: ContactId,
    subject: SubjectId,
    count: u64,
    state: Arc<contact::Contact>,
}

impl Person {
    fn find(app: &App, contact: ContactId) -> Result<Self, No> {
        let (count, state) = app.ledger().state::<contact::Contact>(&contact.0).map_err(Failure::from)?;
        match state.owner() {
            Owner::Subject(subject) => Ok(Self { contact, subject, count, state }),
            Owner::Nobody => Err(not_found("contactId", "there is no such contact")),
            Owner::Gone(gone) => Err(no_more(gone)),
        }
    }

    /// The stream of the person's consents: the one there is; or a new one, if nobody has begun another when it is written,
    /// which would have given the person a key for proofs of consent. Nothing while somebody is beginning one.
    fn consents(&self, app: &App, fresh: &mut Fresh, envelope: &mut Envelope) -> Result<Option<ConsentsId>, No> {
        let owners = app.ledger().owners();
        let keys = owners.keys_of(self.subject).to_vec();
        let begun = keys.iter().find(|(compartment, _)| *compartment == Compartment::ConsentProof);
        if begun.is_some_and(|(_, key)| owners.is_fenced(key)) {
            return Err(no_more(Gone::Withheld));
        }
        drop(owners);
        if let Some(known) = app.ledger().views().consents_of(self.contact) {
            return Ok(Some(known.id));
        }
        if begun.is_some() {
            return Ok(None);
        }
        envelope.keys.push((self.subject, keys));
        Ok(Some(fresh.id().map_err(Failure::internal)?))
    }

    fn known_point(&self, point: PointId) -> Result<(), No> {
        if self.state.points().get(point).is_none() {
            return Err(not_found("pointId", "the contact has no such contact point"));
        }
        Ok(())
    }

    /// A scope of what the register and the contact know: it becomes a fact that everybody reads.
    fn scope(&self, app: &App, scope: &Scope) -> Result<Scope, No> {
        scope.purpose.iter().try_for_each(|purpose| known_purpose(app, purpose))?;
        scope.point.iter().try_for_each(|point| self.known_point(*point))?;
        Ok(scope.clone())
    }
}

/// What was asked, as an input names it.
#[derive(Clone)]
struct Question {
    purpose: Slug,
    channel: Channel,
    point: PointId,
    notice: Option<(NoticeId, u32, Language)>,
}

impl Question {
    fn parse(
        purpose: &str,
        channel: Channel,
        point: &str,
        notice: Option<ShownNoticeInput>,
        problems: &mut Problems,
    ) -> Option<Self> {
        let purpose = slug(&["purpose"], purpose, problems);
        let point = point.parse().map_err(|wrong| problems.note(&["pointId"], wrong)).ok();
        let notice = match notice {
            None => None,
            Some(ShownNoticeInput { id, version, language }) => {
                let id = id.parse().map_err(|wrong| problems.note(&["notice", "id"], wrong)).ok();
                let language = problems.take(&["notice", "language"], Language::parse(&language));
                Some((id?, version, language?))
            }
        };
        Some(Self { purpose: purpose?, channel, point: point?, notice })
    }

    /// What other streams say of it, and that they must still say so when it is written. A retry meets the register and
    /// the contact point as the first attempt did.
    fn ask(&self, app: &App, person: &Person, valid_until: Option<Day>, envelope: &mut Envelope) -> Result<Asked, No> {
        let earlier = earlier(app, envelope)?;
        let register = app.register()?;
        let (count, now) = app.ledger().state::<Register>(&register.0).map_err(Failure::from)?;
        let purpose = match earlier {
            Some(at) => {
                let then = AsOf { day: AnyDay(i32::MAX), known_at: Some(at) };
                app.ledger().views().register_as_of(then).purpose(&self.purpose).cloned()
            }
            None => now.purpose(&self.purpose).cloned(),
        };
        let purpose: Purpose = purpose.ok_or_else(|| not_found("purpose", NO_PURPOSE))?;
        envelope.reads.push((Stream { kind: StreamKind::Register, id: register.0 }, count));
        envelope.reads.push((Stream { kind: StreamKind::Contact, id: person.contact.0 }, person.count));
        let channel = self.channel.into();
        let point = person.state.points().get(self.point);
        let point_in_use =
            point.is_some_and(|point| point.kind.serves(channel) && (!point.retired || earlier.is_some()));
        let shown = self.shown(app, envelope)?;
        Ok(Asked {
            purpose,
            channel,
            point: self.point,
            point_in_use,
            shown,
            valid_until: valid_until.map(|day| day.0),
        })
    }

    fn shown(&self, app: &App, envelope: &mut Envelope) -> Result<Option<(Shown, Slug)>, No> {
        let Some((id, version, language)) = &self.notice else { return Ok(None) };
        let (count, notice) = app.ledger().state::<notice::Notice>(&id.0).map_err(Failure::from)?;
        let shown = notice.shown(*id, *version, language).zip(notice.purpose().cloned());
        let shown = shown
            .ok_or_else(|| not_found("notice", "this version of the notice was not published in this language"))?;
        envelope.reads.push((Stream { kind: StreamKind::Notice, id: id.0 }, count));
        Ok(Some(shown))
    }
}

const NO_PURPOSE: &str = "the register has no such purpose";

/// When the command was written that this one may be a retry of.
fn earlier(app: &App, envelope: &Envelope) -> Result<Option<time::Time>, Failure> {
    let damaged = |cause: Box<dyn std::error::Error + Send + Sync>| Failure::new(Code::Damaged, cause);
    let log = app.ledger().log();
    let Some(placed) = envelope.command_id.and_then(|id| log.command(&id)) else { return Ok(None) };
    let entry = log.record(placed.first).map_err(|failed| damaged(failed.into()))?;
    let Some(entry) = entry else { return Ok(None) };
    Record::parse(&entry.record).map(|record| Some(record.recorded_at)).map_err(|bad| damaged(bad.into()))
}

/// Under which contact a code was asked for.
fn asked_under(app: &App, code_hash: &[u8; 32]) -> Result<ContactId, No> {
    let unknown = || UserError { code: ErrorCode::NotFound, ..UserError::at(&["code"], Rejection::CodeUnknown) };
    let id = app.ledger().views().consents_of_code(code_hash).ok_or_else(unknown)?;
    let (_, state) = app.ledger().state::<consent::Consents>(&id.0).map_err(Failure::from)?;
    if let Owner::Gone(gone) = state.person() {
        return Err(no_more(gone));
    }
    let about = state.requested(code_hash).ok_or_else(unknown)?;
    let found = app.ledger().views().consents(id).ok_or_else(unknown)?;
    // A point is of one contact, so every request about it was made under that contact.
    let asked = |entry: &&consent::Entry| matches!(&entry.fact, Fact::Requested { about: of, .. } if of == about);
    let contact = found.trail.entries().iter().filter(asked).find_map(|entry| found.notes.get(&entry.position));
    contact.map(|note| note.contact).ok_or_else(|| no_more(Gone::Withheld))
}

fn scope(purpose: Option<String>, channel: Option<Channel>, point: Option<String>, problems: &mut Problems) -> Scope {
    Scope {
        purpose: purpose.and_then(|purpose| slug(&["purpose"], &purpose, problems)),
        channel: channel.map(Into::into),
        point: point.and_then(|point| point.parse().map_err(|wrong| problems.note(&["pointId"], wrong)).ok()),
    }
}

/// Only a purpose that the register knows, or once knew, becomes a fact: a free word could name somebody.
fn known_purpose(app: &App, purpose: &Slug) -> Result<(), No> {
    match app.ledger().views().register().purpose(purpose) {
        Some(_) => Ok(()),
        None => Err(not_found("purpose", NO_PURPOSE)),
    }
}

fn not_found(field: &str, message: &str) -> No {
    UserError { code: ErrorCode::NotFound, ..UserError::at(&[field], message) }.into()
}

fn no_more(gone: Gone) -> No {
    let rejection = match gone {
        Gone::Erased => Rejection::Erased,
        Gone::Withheld => Rejection::Withheld,
    };
    UserError::new(rejection.kind(), rejection).into()
}

impl Kind for Rejection {
    fn kind(&self) -> ErrorCode {
        match self {
            Self::Erased => ErrorCode::Erased,
            Self::Withheld => ErrorCode::Fenced,
            Self::NoSuchPoint | Self::CodeUnknown => ErrorCode::NotFound,
            Self::CodeUsed => ErrorCode::CodeUsed,
            Self::CodeExpired(_) => ErrorCode::CodeExpired,
            Self::CodeOverruled => ErrorCode::CodeOverruled,
            Self::AnotherPerson | Self::CodeNotFresh | Self::TooManyRequests => ErrorCode::Conflict,
            Self::PurposeRetired(_)
            | Self::NeedsNoConsent(..)
            | Self::ChannelNotUsed { .. }
            | Self::NoNotice
            | Self::NoticeOfAnotherPurpose(_)
            | Self::AlreadyOver(_)
            | Self::CodeDays
            | Self::MethodCode
            | Self::MethodFlag => ErrorCode::Validation,
        }
    }
}
