//! The history of one stream: every record with its facts, and, for whoever may see them, the values it changed, before and
//! after, as far as their keys still live. An auditor's history is read without any key.

use std::collections::BTreeMap;

use async_graphql::connection::{Connection, EmptyFields};
use async_graphql::{Context, ID, Object, SimpleObject};
use domain::actor::Role;
use domain::event::{Event, Place, Stream, StreamKind};
use domain::id::ErasureId;
use domain::personal::Held;
use domain::subject::{Link, Recipient, redaction};
use domain::time::Time as Moment;
use domain::{actor, consent, contact, document, organization, quote, subject, ticket};
use events::ledger::{Failure as LedgerFailure, Fault, Unreadable};
use events::log::{Entry, Log as _};
use events::record::Record;
use projections::{Cursor, Cut, Page};
use replay::describe::describe;
use replay::verify::facts;

use super::connection::{Opaque, Paging, connection};
use super::fields::{Named, contact_fields, organization_fields, quote_fields};
use super::outcome::{Ask, bad_request, forbidden};
use super::scalars::{Position, Time, hex};
use super::values::ErasureMark;
use crate::access::Viewer;
use crate::app::App;
use crate::error::{Code, Failure};

/// How much is read of the log at a time, in bytes.
const CHUNK: usize = 1 << 20;

/// A page of a history.
pub type History = Connection<Opaque, HistoryRecord, EmptyFields, EmptyFields>;

/// One record of a stream.
#[derive(SimpleObject)]
pub struct HistoryRecord {
    /// Its place in the log.
    position: Position,
    /// Its place in the stream.
    revision: u64,
    /// The ledger's clock when it was written.
    recorded_at: Time,
    /// When it became true, as the command said.
    occurred_at: Time,
    /// Whether it was recorded more than a day after.
    late: bool,
    /// What happened, in words.
    kind: &'static str,
    /// What the record says without a key.
    facts: Vec<Fact>,
    /// The values that it changed; null where they cannot be read, or not by this role.
    changes: Option<Vec<ValueChange>>,
    /// Why values of it cannot be read, when a key was fenced or destroyed.
    erasure: Option<ErasureMark>,
    /// Who.
    actor: ID,
    /// By which command.
    command: String,
    /// The record's hash.
    hash: String,
}

/// A fact by its name.
#[derive(SimpleObject)]
pub struct Fact {
    name: &'static str,
    value: Option<String>,
}

/// What became of one value.
#[derive(SimpleObject, Clone, PartialEq, Eq)]
pub struct ValueChange {
    /// Which.
    field: String,
    /// What it was; null where it was nothing.
    before: Option<String>,
    /// What it is since; null where it is nothing any more.
    after: Option<String>,
}

/// The field `history`.
#[derive(Default)]
pub struct HistoryQuery;

#[Object]
impl HistoryQuery {
    /// The records of a node or stream, oldest first; null where there is no such thing. An erasure's are those of its case.
    async fn history(
        &self,
        ctx: &Context<'_>,
        id: ID,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Option<async_graphql::Result<History>> {
        by_id(ctx, &id, Paging { first, after, last, before }).await.transpose()
    }
}

async fn by_id(ctx: &Context<'_>, id: &str, paging: Paging) -> async_graphql::Result<Option<History>> {
    let (app, _) = ctx.may_read("history")?;
    let stream = match id.parse::<ErasureId>() {
        Ok(erasure) => {
            let case = app.ledger().views().erasure(erasure).map(|erasure| erasure.facts.case);
            let Some(case) = case else { return Ok(None) };
            Stream { kind: StreamKind::Case, id: case.0 }
        }
        Err(_) => id.parse().map_err(bad_request)?,
    };
    history(ctx, stream, paging).await
}

/// The history of a stream, for the root field and for the edges of nodes.
pub(super) async fn history(
    ctx: &Context<'_>,
    stream: Stream,
    paging: Paging,
) -> async_graphql::Result<Option<History>> {
    let (app, viewer) = ctx.may_read("history")?;
    if !may_see(viewer, stream.kind) {
        return Err(forbidden());
    }
    let cut = paging.cut()?;
    let cursors = match cut {
        Cut::First { after, .. } => after,
        Cut::Last { before, .. } => before,
    };
    if cursors.is_some_and(|cursor| cursor.id != stream.id) {
        return Err(bad_request("this cursor is of another history"));
    }
    let with_values = viewer.is(Role::Agent) || viewer.is(Role::Dpo);
    let sheet = Sheet { with_matters: viewer.may("hold"), ..Sheet::default() };
    let of = app.clone();
    let read = tokio::task::spawn_blocking(move || read(&of, stream, &cut, with_values.then_some(sheet))).await;
    let page = read.map_err(|_| Failure::internal("a thread that reads a history failed"))??;
    page.map(|page| connection(Ok(page))).transpose()
}

/// What actors do with their tokens, and what the ledger records of itself, is not for agents.
fn may_see(viewer: &Viewer, kind: StreamKind) -> bool {
    let inner = matches!(kind, StreamKind::Actor | StreamKind::Log | StreamKind::Anchor);
    !inner || viewer.is(Role::Dpo) || viewer.is(Role::Auditor)
}

type Read = Option<Page<(Cursor, HistoryRecord)>>;

/// Without a sheet, nothing is opened.
fn read(app: &App, stream: Stream, cut: &Cut, mut sheet: Option<Sheet>) -> Result<Read, Failure> {
    let Some(head) = app.ledger().log().stream_head(&stream.id) else { return Ok(None) };
    let count = head.revision + 1;
    let (from, to) = match *cut {
        Cut::First { count: wanted, after } => {
            let from = after.map_or(0, |after| after.position.saturating_add(1)).min(count);
            (from, from.saturating_add(wanted as u64).min(count))
        }
        Cut::Last { count: wanted, before } => {
            let to = before.map_or(count, |before| before.position.min(count));
            (to.saturating_sub(wanted as u64), to)
        }
    };
    let mut items = Vec::new();
    // What a value was before is known only to whoever has followed it from the beginning.
    let mut next = if sheet.is_some() { 0 } else { from };
    while next < to {
        let entries = app.ledger().log().read_stream(&stream.id, next, CHUNK).map_err(damaged)?;
        if entries.is_empty() {
            return Err(damaged(Unreadable { position: head.position, fault: Fault::Parts }));
        }
        for entry in entries.iter().take(usize::try_from(to - next).unwrap_or(usize::MAX)) {
            let record = Record::parse(&entry.record).map_err(damaged)?;
            if record.stream.kind != stream.kind {
                return Ok(None);
            }
            let (event, changes) = match &mut sheet {
                Some(sheet) => sheet.open(app, entry, &record)?,
                None => (closed(&record)?, None),
            };
            if record.revision >= from {
                let cursor = Cursor { id: stream.id, position: record.revision, at: record.recorded_at };
                items.push((cursor, told(app, &record, entry, &event, changes)));
            }
        }
        next += entries.len() as u64;
    }
    Ok(Some(Page { items, has_next: to < count, has_previous: from > 0 }))
}

fn closed(record: &Record<'_>) -> Result<Event, Failure> {
    facts(record).map_err(damaged)
}

fn damaged(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Failure {
    Failure::new(Code::Damaged, cause)
}

fn told(
    app: &App,
    record: &Record<'_>,
    entry: &Entry,
    event: &Event,
    changes: Option<Vec<ValueChange>>,
) -> HistoryRecord {
    let erasure = app.mark_of(record);
    let (kind, facts) = describe(event);
    let facts = facts.into_iter().map(|(name, value)| {
        let value = match value {
            serde_json::Value::Null => None,
            serde_json::Value::String(text) => Some(text),
            other => Some(other.to_string()),
        };
        Fact { name, value }
    });
    HistoryRecord {
        position: Position(record.position),
        revision: record.revision,
        recorded_at: Time(record.recorded_at),
        occurred_at: Time(record.effective_at),
        late: record.recorded_at.0.saturating_sub(record.effective_at.0) > Moment::DAY_MS,
        kind,
        facts: facts.collect(),
        changes,
        erasure,
        actor: ID(record.actor.to_string()),
        command: record.command.to_string(),
        hash: hex(&entry.hash),
    }
}

/// The values of a stream as they stand behind a record.
#[derive(Default)]
struct Sheet {
    contact: contact::Profile,
    organization: organization::Profile,
    named: BTreeMap<String, String>,
    /// Whether the viewer may know what legal holds are for.
    with_matters: bool,
}

/// Words that belong to one record and to no later one.
const WORDS: &str = "WORDS";

impl Sheet {
    /// Opens a record with whatever keys live, and takes it over. No changes are known where none of its parts opens.
    fn open(
        &mut self,
        app: &App,
        entry: &Entry,
        record: &Record<'_>,
    ) -> Result<(Event, Option<Vec<ValueChange>>), Failure> {
        let ledger = app.ledger();
        let opened = ledger.open(entry);
        let opened = opened.map_err(|unreadable| Failure::from(LedgerFailure::from(unreadable)))?;
        let event = opened.recorded.event;
        self.named.remove(WORDS);
        let before = self.named.clone();
        self.take(&opened.recorded.place, &event);
        let is_matter = matches!(event, Event::Case(subject::Event::HoldPlaced { .. }));
        let unread = !record.personal.is_empty() && opened.owned.is_empty() || is_matter && !self.with_matters;
        let changes = (!unread).then(|| differing(&before, &self.named));
        Ok((event, changes))
    }

    fn take(&mut self, place: &Place, event: &Event) {
        match event {
            Event::Contact(event) => self.take_contact(event),
            Event::Organization(event) => self.take_organization(place, event),
            Event::Ticket(event) => self.take_ticket(event),
            Event::Quote(event) => self.take_quote(event),
            Event::Consents(event) => self.take_consents(event),
            Event::Case(event) => self.take_case(event),
            Event::Actor(event) => self.take_actor(event),
            Event::Document(document::Event::Attached { file: Held::Here(file) }) => {
                self.set("NAME", file.expose().name.as_str().to_owned());
                self.set("MEDIA_TYPE", file.expose().media_type.as_str().to_owned());
            }
            Event::Document(_) => {}
            Event::Log(_) | Event::Notice(_) | Event::Register(_) | Event::Anchor(_) => {}
        }
    }

    fn take_contact(&mut self, event: &contact::Event) {
        let profile = &mut self.contact;
        match event {
            contact::Event::Registered { profile: Held::Here(held), .. } => profile.clone_from(held.expose()),
            contact::Event::Changed { profile: Some(Held::Here(change)), .. } => profile.apply(change.expose()),
            contact::Event::PointAdded { point: Held::Here(point) } => profile.points.push(point.expose().clone()),
            contact::Event::PointRetired { point: Held::Here(retired) } => {
                profile.points.retain(|point| point.id != *retired.expose());
            }
            _ => return,
        }
        self.named = contact_fields(profile).into_iter().collect();
    }

    fn take_organization(&mut self, place: &Place, event: &organization::Event) {
        let profile = &mut self.organization;
        match event {
            organization::Event::Registered { profile: Held::Here(held), .. } => profile.clone_from(held.expose()),
            organization::Event::Changed { cause, profile: Some(Held::Here(change)), .. } => {
                profile.follow(change.expose(), *cause, place.effective_at.day());
            }
            organization::Event::PointAdded { point: Held::Here(point) } => {
                profile.points.push(point.expose().clone());
            }
            organization::Event::PointRetired { point: Held::Here(retired) } => {
                profile.points.retain(|point| point.id != *retired.expose());
            }
            _ => return,
        }
        self.named = organization_fields(profile).into_iter().collect();
    }

    fn take_ticket(&mut self, event: &ticket::Event) {
        match event {
            ticket::Event::Opened { message, person, organization, .. } => {
                let mut question = None;
                if let Some(part) = person.as_ref().and_then(Held::here).map(|part| part.expose()) {
                    self.set("CONTACT", part.contact.to_string());
                    self.set_id("ORGANIZATION", part.organization);
                    question = Some(&part.question);
                }
                if let Some(part) = organization.as_ref().and_then(Held::here).map(|part| part.expose()) {
                    self.set("ORGANIZATION", part.organization.to_string());
                    question = question.or(part.question.as_ref());
                }
                // No text is empty but one that a redaction took.
                if let Some(question) = question.filter(|question| !question.body.as_str().is_empty()) {
                    self.set("SUBJECT", question.line.as_str().to_owned());
                    self.set(&format!("MESSAGE {message}"), question.body.as_str().to_owned());
                }
            }
            ticket::Event::Replied { message, body: Held::Here(body), .. }
            | ticket::Event::NoteAdded { message, body: Held::Here(body) } => {
                self.set(&format!("MESSAGE {message}"), body.expose().as_str().to_owned());
            }
            ticket::Event::Solved { solution: Held::Here(solution) } => {
                self.set("SOLUTION", solution.expose().as_str().to_owned());
            }
            _ => {}
        }
    }

    fn take_quote(&mut self, event: &quote::Event) {
        match event {
            quote::Event::Drafted { person, organization, .. } => {
                let mut texts = None;
                if let Some(part) = organization.as_ref().and_then(Held::here).map(|part| part.expose()) {
                    self.set("ORGANIZATION", part.organization.to_string());
                    self.set_id("CONTACT", part.contact);
                    texts = Some(&part.texts);
                }
                if let Some(part) = person.as_ref().and_then(Held::here).map(|part| part.expose()) {
                    self.set("CONTACT", part.contact.to_string());
                    texts = texts.or(part.texts.as_ref());
                }
                self.named.extend(texts.into_iter().flat_map(quote_fields));
            }
            quote::Event::Revised { texts: Held::Here(texts), .. } => {
                self.named.retain(|name, _| name == "CONTACT" || name == "ORGANIZATION");
                self.named.extend(quote_fields(texts.expose()));
            }
            quote::Event::Rejected { reason: Some(Held::Here(reason)), .. } => {
                self.set(WORDS, reason.expose().as_str().to_owned());
            }
            _ => {}
        }
    }

    fn take_consents(&mut self, event: &consent::Event) {
        let Held::Here(person) = &event.person else { return };
        let consent::Person { contact, words } = person.expose();
        self.set("CONTACT", contact.to_string());
        self.named.extend(words.as_ref().map(|words| (WORDS.to_owned(), words.as_str().to_owned())));
    }

    fn take_case(&mut self, event: &subject::Event) {
        match event {
            subject::Event::Linked { link: Held::Here(link) } => self.named.extend(linked(*link.expose())),
            subject::Event::Unlinked { link: Held::Here(link) } => {
                let [(name, _)] = linked(*link.expose());
                self.named.remove(&name);
            }
            subject::Event::Disclosed { disclosure, to: Held::Here(to) } => {
                let Recipient { recipient, words } = to.expose();
                self.set(&format!("RECIPIENT {}", disclosure.id), recipient.as_str().to_owned());
                self.named.extend(words.as_ref().map(|words| (WORDS.to_owned(), words.as_str().to_owned())));
            }
            subject::Event::HoldPlaced { hold, matter: Held::Here(matter), .. } if self.with_matters => {
                self.set(&format!("MATTER {hold}"), matter.expose().as_str().to_owned());
            }
            subject::Event::Redaction(redaction::Event::Requested { wanted: Held::Here(wanted), .. }) => {
                self.set("REDACTED", wanted.expose().stream.to_string());
                let words = wanted.expose().words.as_ref();
                self.named.extend(words.map(|words| (WORDS.to_owned(), words.as_str().to_owned())));
            }
            subject::Event::Returned { returned: Held::Here(returned) } => {
                let subject::Returned { erasure, reason } = returned.expose();
                self.set("RETURNED", erasure.to_string());
                self.set(WORDS, reason.as_str().to_owned());
            }
            subject::Event::ErasureRequested { request: Held::Here(request), .. } => {
                let words = request.expose().words.as_ref();
                self.named.extend(words.map(|words| (WORDS.to_owned(), words.as_str().to_owned())));
            }
            subject::Event::ErasureRefused { words: Some(Held::Here(words)), .. }
            | subject::Event::Unfenced { words: Some(Held::Here(words)), .. } => {
                self.set(WORDS, words.expose().as_str().to_owned());
            }
            _ => {}
        }
    }

    fn take_actor(&mut self, event: &actor::Event) {
        match event {
            actor::Event::Registered { profile: Held::Here(profile), .. }
            | actor::Event::Changed { profile: Held::Here(profile) } => {
                let actor::Profile { name, mail } = profile.expose();
                self.set("NAME", name.as_str().to_owned());
                match mail {
                    Some(mail) => self.set("MAIL", mail.as_str().to_owned()),
                    None => drop(self.named.remove("MAIL")),
                }
            }
            actor::Event::TokenIssued { token, label: Some(Held::Here(label)), .. } => {
                self.set(&format!("LABEL {token}"), label.expose().as_str().to_owned());
            }
            _ => {}
        }
    }

    fn set(&mut self, name: &str, value: String) {
        self.named.insert(name.to_owned(), value);
    }

    fn set_id(&mut self, name: &str, id: Option<impl ToString>) {
        self.named.extend(id.map(|id| (name.to_owned(), id.to_string())));
    }
}

fn linked(link: Link) -> [Named; 1] {
    let (noun, id) = match link {
        Link::Contact(id) => ("CONTACT", id.to_string()),
        Link::Organization(id) => ("ORGANIZATION", id.to_string()),
        Link::Actor(id) => ("ACTOR", id.to_string()),
    };
    [(format!("{noun} {id}"), id)]
}

/// What is other, in the order of the names.
fn differing(before: &BTreeMap<String, String>, after: &BTreeMap<String, String>) -> Vec<ValueChange> {
    let gone = before.keys().filter(|field| !after.contains_key(*field));
    let mut fields: Vec<&String> = after.keys().chain(gone).collect();
    fields.sort_unstable();
    let changes = fields.into_iter().map(|field| ValueChange {
        field: field.clone(),
        before: before.get(field).cloned(),
        after: after.get(field).cloned(),
    });
    changes.filter(|change| change.before != change.after).collect()
}

#[cfg(test)]
mod tests;
