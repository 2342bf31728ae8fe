//! Notices: the exact texts that people are shown when they are asked for a consent.

use async_graphql::{ComplexObject, Context, ID, InputObject, Object, SimpleObject};
use domain::event::{Stream, StreamKind};
use domain::id::NoticeId;
use domain::notice::{self, Command};
use domain::register::Register;
use domain::value::{Language, Text};
use events::ledger::{Accepted, Fresh};

use super::outcome::{Ask, ErrorCode, Kind, No, Problems, UserError, bad_request, payload};
use super::purpose::slug;
use super::scalars::{CommandId, Position, Time, hex};
use crate::app::{App, Envelope};
use crate::error::Failure;

/// One notice in all its versions and languages. All of it are facts: the text speaks to everybody.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct Notice {
    #[graphql(skip)]
    id: NoticeId,
    /// The purpose it asks consent for.
    pub purpose: String,
    /// For `expectedRevision`.
    pub revision: u64,
    /// The version that is shown now.
    pub version: u32,
    /// The languages of that version.
    pub languages: Vec<String>,
    /// Every text, by version and language.
    pub versions: Vec<NoticeVersion>,
}

/// One text.
#[derive(SimpleObject)]
pub struct NoticeVersion {
    /// From 1; translations share it.
    pub version: u32,
    /// As in BCP 47.
    pub language: String,
    /// The exact text.
    pub text: String,
    /// BLAKE3 of its UTF-8 bytes, made by the ledger.
    pub hash: String,
    /// Since when.
    pub published_at: Time,
    /// The position of its record.
    pub position: Position,
}

impl From<&projections::Notice> for Notice {
    fn from(notice: &projections::Notice) -> Self {
        let version = notice.version();
        let of_now = notice.published.keys().filter(|(of, _)| *of == version);
        let languages = of_now.map(|(_, language)| language.as_str().to_owned()).collect();
        let versions = notice.published.iter().map(|((version, language), published)| NoticeVersion {
            version: *version,
            language: language.as_str().to_owned(),
            text: published.text.as_str().to_owned(),
            hash: hex(&published.hash),
            published_at: Time(published.at),
            position: Position(published.position),
        });
        let versions = versions.collect();
        let (id, purpose) = (notice.id, notice.purpose.to_string());
        Self { id, purpose, revision: notice.revision, version, languages, versions }
    }
}

#[ComplexObject]
impl Notice {
    /// `notice_…`
    pub(super) async fn id(&self) -> ID {
        ID(self.id.to_string())
    }
}

impl Notice {
    /// The notice with this id.
    pub fn find(app: &App, id: NoticeId) -> Option<Self> {
        app.ledger().views().notice(id).map(Self::from)
    }
}

/// The queries of notices.
#[derive(Default)]
pub struct NoticeQuery;

#[Object]
impl NoticeQuery {
    /// All notices, or those for one purpose, or the one with this id.
    async fn notices(
        &self,
        ctx: &Context<'_>,
        purpose: Option<String>,
        id: Option<ID>,
    ) -> async_graphql::Result<Vec<Notice>> {
        let (app, _) = ctx.may_read("notices")?;
        let id: Option<NoticeId> = id.map(|id| id.parse().map_err(bad_request)).transpose()?;
        let views = app.ledger().views();
        let asked = views.notices().filter(|notice| id.is_none_or(|id| notice.id == id));
        let asked = asked.filter(|notice| purpose.as_deref().is_none_or(|purpose| notice.purpose.as_str() == purpose));
        Ok(asked.map(Notice::from).collect())
    }
}

/// A text to publish. No client sends a hash.
#[derive(InputObject)]
pub struct PublishNoticeInput {
    /// The notice that gets a version or a translation; without, it is a new notice.
    pub notice_id: Option<ID>,
    /// The purpose it asks consent for, which never changes within a notice.
    pub purpose: String,
    /// As in BCP 47: `de`, `de-AT`.
    pub language: String,
    /// The version this is a translation of; without, it is a new version.
    pub translation_of: Option<u32>,
    /// The exact text, at most 16 KiB.
    pub text: String,
    pub effective_at: Option<Time>,
    pub expected_revision: Option<u64>,
    pub command_id: Option<CommandId>,
}

payload! {
    /// What became of a text.
    NoticePayload { notice: Notice }
}

/// The mutations of notices.
#[derive(Default)]
pub struct NoticeMutation;

#[Object]
impl NoticeMutation {
    /// A text can be shown from now on: a new notice, a new version of one, or a translation.
    async fn publish_notice(
        &self,
        ctx: &Context<'_>,
        input: PublishNoticeInput,
    ) -> async_graphql::Result<NoticePayload> {
        NoticePayload::of(publish(ctx, input).await)
    }
}

async fn publish(ctx: &Context<'_>, input: PublishNoticeInput) -> Result<(Notice, Accepted), No> {
    let (app, viewer) = ctx.may("publishNotice")?;
    let (mut fresh, mut problems) = (Fresh::new(), Problems::default());
    let id = match &input.notice_id {
        None => fresh.id().map_err(Failure::internal)?,
        Some(text) => known(app, text)?,
    };
    let purpose = slug(&["purpose"], &input.purpose, &mut problems);
    let register = app.register()?;
    let (count, state) = app.ledger().state::<Register>(&register.0).map_err(Failure::from)?;
    if purpose.as_ref().is_some_and(|purpose| state.purpose(purpose).is_none()) {
        problems.note(&["purpose"], "the register has no such purpose");
    }
    let language = problems.take(&["language"], Language::parse(&input.language));
    let text = problems.take(&["text"], Text::parse(&input.text));
    problems.end()?;
    let (Some(purpose), Some(language), Some(text)) = (purpose, language, text) else {
        return Err(Failure::internal("a notice without a problem").into());
    };
    let hash = blake3::hash(text.as_str().as_bytes()).into();
    let command = Command { purpose, language, translation_of: input.translation_of, text, hash };
    let envelope = Envelope {
        command_id: input.command_id.map(|id| id.0),
        expected_revision: input.expected_revision,
        effective_at: input.effective_at.map(|at| at.0),
        reads: vec![(Stream { kind: StreamKind::Register, id: register.0 }, count)],
        ..Envelope::default()
    };
    let accepted = app.submit::<notice::Notice>(viewer, id.0, command, envelope, fresh).await?;
    let notice = Notice::find(app, NoticeId(accepted.stream.id));
    Ok((notice.ok_or_else(|| Failure::internal("a notice that the views do not have"))?, accepted))
}

fn known(app: &App, text: &str) -> Result<NoticeId, No> {
    let id = text.parse().map_err(|wrong| UserError::at(&["noticeId"], wrong))?;
    if app.ledger().views().notice(id).is_none() {
        let missing = UserError::at(&["noticeId"], "there is no such notice");
        return Err(UserError { code: ErrorCode::NotFound, ..missing }.into());
    }
    Ok(id)
}

impl Kind for notice::Rejection {
    fn kind(&self) -> ErrorCode {
        match self {
            Self::AnotherPurpose(_) => ErrorCode::Validation,
            Self::NoSuchVersion(_) => ErrorCode::NotFound,
            Self::AlreadyPublished { .. } => ErrorCode::Conflict,
        }
    }
}

#[cfg(test)]
mod tests;
