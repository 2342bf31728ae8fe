//! What a person was asked: a purpose, a way, a contact point and the text that was shown, with what other streams say of
//! them.

use domain::consent::{AsOf, Asked};
use domain::event::{Stream, StreamKind};
use domain::id::{NoticeId, PointId};
use domain::notice::{self, Shown};
use domain::register::{Purpose, Register, Slug};
use domain::time::{self, Day as AnyDay};
use domain::value::Language;
use events::log::Log as _;
use events::record::Record;

use super::super::outcome::{No, Problems};
use super::super::purpose::{Channel, slug};
use super::super::scalars::Day;
use super::input::ShownNoticeInput;
use super::person::{Person, not_found};
use crate::app::{App, Envelope};
use crate::error::{Code, Failure};

/// What was asked, as an input names it.
#[derive(Clone)]
pub(super) struct Question {
    pub(super) purpose: Slug,
    pub(super) channel: Channel,
    pub(super) point: PointId,
    pub(super) notice: Option<(NoticeId, u32, Language)>,
}

impl Question {
    pub(super) fn parse(
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
    pub(super) fn ask(
        &self,
        app: &App,
        person: &Person,
        valid_until: Option<Day>,
        envelope: &mut Envelope,
    ) -> Result<Asked, No> {
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

    pub(super) fn shown(&self, app: &App, envelope: &mut Envelope) -> Result<Option<(Shown, Slug, time::Time)>, No> {
        let Some((id, version, language)) = &self.notice else { return Ok(None) };
        let (count, notice) = app.ledger().state::<notice::Notice>(&id.0).map_err(Failure::from)?;
        let shown = notice.shown(*id, *version, language).zip(notice.purpose().cloned());
        let since = {
            let views = app.ledger().views();
            let published = views.notice(*id).and_then(|notice| notice.published.get(&(*version, language.clone())));
            published.map(|text| text.at)
        };
        let shown = shown.zip(since).map(|((shown, purpose), since)| (shown, purpose, since));
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

/// Only a purpose that the register knows, or once knew, becomes a fact: a free word could name somebody.
pub(super) fn known_purpose(app: &App, purpose: &Slug) -> Result<(), No> {
    match app.ledger().views().register().purpose(purpose) {
        Some(_) => Ok(()),
        None => Err(not_found("purpose", NO_PURPOSE)),
    }
}
