//! Consents: all that one person agreed and said no to, as of a day and as known at a time. And: may we?

mod code;
mod input;
mod may_contact;
mod person;
mod question;
mod statement;

use std::collections::BTreeMap;

use async_graphql::{Context, Enum, ID, InputObject, Object, SimpleObject};
use domain::consent::{self, AsOf, Fact, Scope, Standing};
use domain::id::{ConsentsId, ContactId, PointId};
use domain::notice::Shown;
use domain::register::Slug;
use projections::Views;

use super::outcome::{Ask, bad_request, forbidden};
use super::purpose::{Channel, seen_from};
use super::scalars::{Day, Position, Time, hex};
use super::values::ErasureMark;
use crate::access::Viewer;
use crate::app::App;

pub use may_contact::MayContactQuery;
pub use statement::ConsentMutation;

/// Where a consent stands.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "consent::State", name = "ConsentState")]
pub enum State {
    /// Asked, and no answer yet.
    Requested,
    /// Given, on somebody's word or from an earlier system.
    Given,
    /// Given with the code.
    Confirmed,
    Refused,
    Withdrawn,
    /// Given once, and its time is over.
    Expired,
    Objected,
}

/// What a consent rests on.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "consent::Evidence", name = "ConsentEvidence")]
pub enum Evidence {
    ConfirmedByCode,
    AgentsWord,
    ImportedWithoutProof,
}

/// Where a statement of the person reached us.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "consent::Source", name = "ConsentSource")]
pub enum Source {
    WebForm,
    PreferencePage,
    Portal,
    MailingPlatform,
    Email,
    Phone,
    Paper,
    InPerson,
    Import,
}

/// How the person made the statement.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "consent::Method", name = "ConsentMethod")]
pub enum Method {
    Code,
    Checkbox,
    Signature,
    Spoken,
    Written,
    Link,
    Flag,
}

/// All consents of one person, seen from one day and one state of knowledge.
pub struct Consents {
    found: projections::Consents,
    as_of: AsOf,
    /// A contact that was named and of which nobody can tell any more, or now, whose it is.
    gone: Option<ContactId>,
    /// Values of contact points, where the viewer may see them; nothing where not.
    points: Option<BTreeMap<PointId, String>>,
}

impl Consents {
    /// The consents of a contact's person, while that can be read.
    pub fn of_contact(app: &App, viewer: &Viewer, contact: ContactId, as_of: AsOf) -> Option<Self> {
        let views = app.ledger().views();
        Some(Self::new(&views, viewer, views.consents_of(contact)?, as_of))
    }

    /// The consents of one stream. They are facts and stay; whose they are does not.
    pub fn find(app: &App, viewer: &Viewer, id: ConsentsId, as_of: AsOf) -> Option<Self> {
        let views = app.ledger().views();
        Some(Self::new(&views, viewer, views.consents(id)?, as_of))
    }

    fn new(views: &Views, viewer: &Viewer, found: projections::Consents, as_of: AsOf) -> Self {
        let points = viewer.may("contact").then(|| values(views, &found));
        let gone = |contact: &ContactId| views.contact(*contact).is_none_or(|contact| contact.subject.is_none());
        let gone = found.notes.values().map(|note| note.contact).find(gone);
        Self { found, as_of, gone, points }
    }

    fn statement(&self, scope: &Scope, entry: &consent::Entry) -> Statement {
        let Scope { purpose, channel, point } = scope;
        let (way, shown) = match &entry.fact {
            Fact::Requested { way, shown, .. } | Fact::Confirmed { way, shown, .. } => (way, Some(shown)),
            Fact::Given { way, shown, .. } => (way, shown.as_ref()),
            Fact::Refused { way, .. } | Fact::Withdrawn { way, .. } | Fact::Objected { way, .. } => (way, None),
        };
        let note = self.found.notes.get(&entry.position).filter(|_| self.points.is_some() && self.gone.is_none());
        Statement {
            purpose: purpose.as_ref().map(Slug::to_string),
            channel: channel.map(Into::into),
            point_id: point.map(|point| ID(point.to_string())),
            point_value: point.and_then(|point| self.points.as_ref()?.get(&point).cloned()),
            notice: shown.map(ShownNotice::from),
            source: way.source.into(),
            method: way.method.into(),
            contact_id: note.map(|note| ID(note.contact.to_string())),
            words: note.and_then(|note| Some(note.words.as_ref()?.as_str().to_owned())),
            recorded_at: Time(entry.recorded_at),
            effective_at: Time(entry.effective_at),
            late: entry.is_late(),
            position: Position(entry.position),
        }
    }

    fn entry(&self, scope: &Scope, standing: &Standing) -> Option<ConsentEntry> {
        let decides = self.found.trail.entries().iter().find(|entry| entry.position == standing.decided_by)?;
        Some(ConsentEntry {
            state: standing.state.into(),
            evidence: standing.evidence.map(Into::into),
            valid_until: standing.valid_until.map(Day),
            pending: standing.pending.map(Position),
            decided_by: Position(standing.decided_by),
            statement: self.statement(scope, decides),
        })
    }

    fn record(&self, entry: &consent::Entry) -> ConsentRecord {
        let (state, evidence, valid_until, code_expires_at) = match &entry.fact {
            Fact::Requested { valid_until, expires_at, .. } => {
                (State::Requested, None, *valid_until, Some(Time(*expires_at)))
            }
            Fact::Given { evidence, valid_until, .. } => (State::Given, Some((*evidence).into()), *valid_until, None),
            Fact::Confirmed { valid_until, .. } => {
                (State::Confirmed, Some(Evidence::ConfirmedByCode), *valid_until, None)
            }
            Fact::Refused { .. } => (State::Refused, None, None, None),
            Fact::Withdrawn { .. } => (State::Withdrawn, None, None, None),
            Fact::Objected { .. } => (State::Objected, None, None, None),
        };
        let (valid_until, statement) = (valid_until.map(Day), self.statement(&entry.scope(), entry));
        ConsentRecord { state, evidence, valid_until, code_expires_at, statement }
    }
}

/// The values of all points of the contacts that were named.
fn values(views: &Views, found: &projections::Consents) -> BTreeMap<PointId, String> {
    let named = found.notes.values().filter_map(|note| views.contact(note.contact)?.sheet);
    named.flat_map(|sheet| sheet.points()).map(|point| (point.id, point.value.to_owned())).collect()
}

/// All consents of one person: one stream, and so one trail.
#[Object]
impl Consents {
    /// `consents_…`
    pub(super) async fn id(&self) -> ID {
        ID(self.found.id.to_string())
    }
    /// For `expectedRevision`: of the newest record, however far back the question goes.
    async fn revision(&self) -> u64 {
        self.found.revision
    }
    /// What held at the end of this day.
    async fn as_of(&self) -> Day {
        Day(self.as_of.day)
    }
    /// What was known by then; null: all that is known now.
    async fn known_at(&self) -> Option<Time> {
        self.as_of.known_at.map(Time)
    }
    /// Why nobody can tell any more, or now, whose they are, when nobody can.
    async fn erasure(&self, ctx: &Context<'_>) -> Option<async_graphql::Result<ErasureMark>> {
        // The proof may outlive the person it names: then it is their contact that tells why.
        let stream = match (self.found.subject, self.gone) {
            (None, _) => self.found.id.0,
            (Some(_), Some(contact)) => contact.0,
            (Some(_), None) => return None,
        };
        let mark = ctx.app().and_then(|app| app.erasure_of(&stream).map_err(Into::into));
        mark.transpose()
    }
    /// Where each consent stood on the day, with the record that decides. A no that names less than purpose, channel and
    /// point has an entry of its own, for it reaches what was never asked for, too.
    async fn entries(&self) -> Vec<ConsentEntry> {
        let state_on = self.found.state_on(self.as_of);
        state_on.iter().filter_map(|(scope, standing)| self.entry(scope, standing)).collect()
    }
    /// Every record that counts on the day, in the order in which they became true.
    async fn records(&self) -> Vec<ConsentRecord> {
        let seen = self.found.trail.entries().iter().filter(|entry| self.as_of.sees(entry));
        seen.map(|entry| self.record(entry)).collect()
    }
}

/// Where one consent stands.
#[derive(SimpleObject)]
pub struct ConsentEntry {
    state: State,
    /// What it rests or rested on.
    evidence: Option<Evidence>,
    /// The last day it holds.
    valid_until: Option<Day>,
    /// The position of a later request that waits for its code.
    pending: Option<Position>,
    /// The position of the record that decides; the rest of the entry is that record's.
    decided_by: Position,
    #[graphql(flatten)]
    statement: Statement,
}

/// One record of the trail.
#[derive(SimpleObject)]
pub struct ConsentRecord {
    /// What it said.
    state: State,
    evidence: Option<Evidence>,
    valid_until: Option<Day>,
    /// The last moment at which the code of a request counts.
    code_expires_at: Option<Time>,
    #[graphql(flatten)]
    statement: Statement,
}

/// What was said, where, how and when.
#[derive(SimpleObject)]
pub struct Statement {
    /// Null: every purpose.
    purpose: Option<String>,
    /// Null: every channel.
    channel: Option<Channel>,
    /// Null: every contact point.
    point_id: Option<ID>,
    /// The address or number, where it can still be read and the viewer may.
    point_value: Option<String>,
    /// The text that was shown.
    notice: Option<ShownNotice>,
    source: Source,
    method: Method,
    /// Under which contact, where that can still be read and the viewer may.
    contact_id: Option<ID>,
    /// What was said, seen or signed, where it can still be read and the viewer may.
    words: Option<String>,
    /// When it was written.
    recorded_at: Time,
    /// When it became true.
    effective_at: Time,
    /// Whether it was written more than a day after it became true.
    late: bool,
    /// The position of its record.
    position: Position,
}

/// A text that somebody was shown.
#[derive(SimpleObject)]
pub struct ShownNotice {
    /// `notice_…`
    id: ID,
    version: u32,
    /// BLAKE3 of the very text, which also tells the language.
    hash: String,
}

impl From<&Shown> for ShownNotice {
    fn from(shown: &Shown) -> Self {
        Self { id: ID(shown.notice.to_string()), version: shown.version, hash: hex(&shown.hash) }
    }
}

/// Contacts whose person's consent to a purpose stands today in any of these states.
#[derive(InputObject)]
pub struct ConsentFilter {
    pub purpose: String,
    pub states: Vec<State>,
}

impl ConsentFilter {
    pub(super) fn parse(self, app: &App) -> async_graphql::Result<projections::ConsentFilter> {
        let purpose = self.purpose.parse().map_err(bad_request)?;
        let states = self.states.into_iter().map(Into::into).collect();
        Ok(projections::ConsentFilter { purpose, states, today: app.now().day() })
    }
}

/// The queries of consents.
#[derive(Default)]
pub struct ConsentQuery;

#[Object]
impl ConsentQuery {
    /// The consents of a contact's person, or those of one stream: today with all that is known, or as of a day, or as
    /// known at a time. Null where nobody ever spoke of consent, or where nobody can tell any more whose they are. Who may
    /// not see people asks by the stream's id.
    async fn consents(
        &self,
        ctx: &Context<'_>,
        contact_id: Option<ID>,
        id: Option<ID>,
        as_of: Option<Day>,
        known_at: Option<Time>,
    ) -> async_graphql::Result<Option<Consents>> {
        let (app, viewer) = ctx.may_read("consents")?;
        let as_of = seen_from(app, as_of, known_at);
        match (contact_id, id) {
            (Some(_), None) if !viewer.may("mayContact") => Err(forbidden()),
            (Some(contact), None) => {
                Ok(Consents::of_contact(app, viewer, contact.parse().map_err(bad_request)?, as_of))
            }
            (None, Some(id)) => Ok(Consents::find(app, viewer, id.parse().map_err(bad_request)?, as_of)),
            _ => Err(bad_request("give contactId or id, one of them")),
        }
    }
}

#[cfg(test)]
mod tests;
