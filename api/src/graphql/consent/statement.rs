//! What can be said about consent, and how it is written down: all of one person in one stream, guarded by what was read.

use std::time::Duration;

use async_graphql::{Context, ID, Object, SimpleObject};
use domain::actor::Role;
use domain::consent::{self, About, Act, AsOf, Command, Fact, Scope, Way};
use domain::id::{ConsentsId, ContactId};
use domain::value::Text;
use events::ledger::{Accepted, Failure as LedgerFailure, Fresh, Refused};

use super::super::contact::contact_id;
use super::super::outcome::{Ask, ErrorCode, No, Problems, UserError, payload};
use super::super::purpose::{Channel, slug};
use super::super::scalars::{CommandId, Position, Time, hex};
use super::input::{
    ConfirmConsentInput, GiveConsentInput, ObjectToProcessingInput, RefuseConsentInput, RequestConsentInput,
    WithdrawConsentInput,
};
use super::person::{Person, asked_under};
use super::question::{Question, known_purpose};
use super::{Consents, Method, Source, code};
use crate::access::Viewer;
use crate::app::{App, Envelope};
use crate::error::Failure;

/// How often a statement is tried again when what it rests on moves, and the pause between: what moves is being written.
const TRIES: usize = 50;
const PAUSE: Duration = Duration::from_millis(2);

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
    pub consents_id: Option<ID>,
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
        consents_id: Some(ID(consents.found.id.to_string())),
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

fn scope(purpose: Option<String>, channel: Option<Channel>, point: Option<ID>, problems: &mut Problems) -> Scope {
    Scope {
        purpose: purpose.and_then(|purpose| slug(&["purpose"], &purpose, problems)),
        channel: channel.map(Into::into),
        point: point.and_then(|point| point.parse().map_err(|wrong| problems.note(&["pointId"], wrong)).ok()),
    }
}
