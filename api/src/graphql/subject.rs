//! A subject: everything that is held about somebody (Art. 15 GDPR), and what an erasure would take and leave.

use std::collections::{BTreeMap, BTreeSet};

use async_graphql::{ComplexObject, Context, ID, Object, SimpleObject};
use domain::compartment::Compartment;
use domain::consent;
use domain::event::Event;
use domain::holding::Holding;
use domain::id::{HoldId, KeyId, OrganizationId, QuoteId, SubjectId, TicketId};
use domain::personal::{Gone, Held};
use domain::register::{CompartmentKind, Fate};
use domain::subject::{SubjectKind, covers};
use domain::time::Day as Date;
use domain::{quote, ticket};
use events::ledger::{EraseError, Planned};
use events::log::{Log as _, LogError};
use events::record::Record;
use projections::{ContactSheet, Cut, Direction, Filter, HeldThing, OrganizationSheet, Sort, Views};
use replay::describe::describe;

use super::claim::Return;
use super::contact::Contact;
use super::disclosure::Disclosure;
use super::erasure::{contacts_of, organization_of, people as going_along, whose};
use super::evidence::{EvidenceFile, file};
use super::fields::{Named, contact_fields, organization_fields, put, quote_fields};
use super::hold::Hold;
use super::outcome::{Ask, Problems, bad_request};
use super::quote::Quote;
use super::scalars::Day;
use super::ticket::Ticket;
use crate::app::{App, Person, Whose};
use crate::error::Failure;

/// How many of other people's parts are named one by one.
const OTHERS: usize = 100;

/// Everything that is held about a subject.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct Subject {
    #[graphql(skip)]
    subject: SubjectId,
    /// `subject_…`; it stands only inside sealed parts.
    id: ID,
    /// Files with its opened values that were handed out, oldest first. No erasure reaches them.
    disclosures: Vec<Disclosure>,
    /// Legal holds on it, lifted ones too, oldest first.
    holds: Vec<Hold>,
    /// The erasures of who they were before, which they showed the codes of, oldest first.
    returns: Vec<Return>,
    /// By compartment, in their order.
    compartments: Vec<HeldCompartment>,
}

#[ComplexObject]
impl Subject {
    /// Everything about all its streams that needs no key, in one file, as the query `evidence` makes it: that they belong
    /// together is the controller's statement. `discloseEvidence` opens what is sealed.
    async fn evidence(&self, ctx: &Context<'_>) -> Option<async_graphql::Result<EvidenceFile>> {
        let subject = self.subject;
        match ctx.may_read("evidence") {
            Ok((app, _)) => file(app, move |app| app.evidence(&app.streams_of(subject))).await.transpose(),
            Err(forbidden) => Some(Err(forbidden)),
        }
    }
}

/// What is held in one compartment: what dies together.
#[derive(SimpleObject)]
pub struct HeldCompartment {
    /// Such as `relationship` or `support(2026)`.
    compartment: String,
    /// The day of the last record in it.
    last_record: Day,
    /// How many sealed parts are under its key.
    parts: usize,
    /// The purposes that it serves, by the register.
    purposes: Vec<ServedPurpose>,
    /// On which law it would outlive an erasure today; null where it would die.
    kept_on: Option<String>,
    /// Until when it would.
    kept_until: Option<Day>,
    /// What is there.
    things: Vec<HeldNode>,
}

/// A purpose that a compartment serves.
#[derive(SimpleObject)]
pub struct ServedPurpose {
    purpose: String,
    title: String,
    legal_basis: &'static str,
}

/// One thing that is held, as far as it is this subject's.
#[derive(SimpleObject)]
pub struct HeldNode {
    /// Such as `contact` or `ticket`.
    kind: &'static str,
    id: ID,
    /// Every value that can be read.
    values: Vec<NamedValue>,
}

/// A value by its name.
#[derive(SimpleObject)]
pub struct NamedValue {
    name: String,
    value: String,
}

/// What an erasure would take and leave, by the register and by what is held now.
#[derive(SimpleObject)]
pub struct ErasurePreview {
    /// The keys that would be destroyed.
    dies: Vec<PlannedCompartment>,
    /// The keys that would stay: why, and until when.
    stays: Vec<PlannedCompartment>,
    /// How many sealed parts could never be opened again.
    parts: usize,
    /// The contacts of the subject: all of them are the same person's.
    contacts: Vec<Contact>,
    /// The organization, where the subject is one.
    organization_id: Option<ID>,
    /// For an organization: the contacts who work for it, of whom some may go with it.
    people: Vec<Contact>,
    /// Parts of other people in the records that would lose some of theirs. They stay.
    others: Vec<OtherParts>,
    /// How many other people that are.
    other_people: usize,
    /// Tickets about the subject that are not closed.
    open_tickets: Vec<Ticket>,
    /// Quotes for the subject that are neither accepted nor rejected.
    open_quotes: Vec<Quote>,
    /// Files with opened values that were handed out before: they stay with whoever has them.
    disclosures: Vec<Disclosure>,
    /// Holds in force on what would die: nothing is destroyed before they are lifted.
    holds: Vec<Hold>,
    /// What the erasure would wait for once it is approved, in words.
    waits_for: Vec<String>,
}

/// One compartment of one subject, and what would become of it.
#[derive(SimpleObject)]
pub struct PlannedCompartment {
    compartment: String,
    /// How many sealed parts are under its key.
    parts: usize,
    /// The contacts of whose person it is.
    contact_ids: Vec<ID>,
    /// The organization whose it is.
    organization_id: Option<ID>,
    /// On which law it stays.
    basis: Option<String>,
    /// The last day it is kept.
    until: Option<Day>,
}

/// Another person's parts in the same records.
#[derive(SimpleObject)]
pub struct OtherParts {
    contact_ids: Vec<ID>,
    organization_id: Option<ID>,
    parts: usize,
}

/// The queries of subjects.
#[derive(Default)]
pub struct SubjectQuery;

#[Object]
impl SubjectQuery {
    /// Everything that is held about somebody, named by a contact, an organization or the subject's own id; null where
    /// nothing is held (any more).
    async fn subject(
        &self,
        ctx: &Context<'_>,
        contact_id: Option<ID>,
        organization_id: Option<ID>,
        id: Option<ID>,
    ) -> Option<async_graphql::Result<Subject>> {
        subject(ctx, contact_id, organization_id, id).await.transpose()
    }

    /// What an erasure would take and leave; null where nothing is held (any more).
    async fn erasure_preview(
        &self,
        ctx: &Context<'_>,
        contact_id: Option<ID>,
        organization_id: Option<ID>,
        #[graphql(default)] people: Vec<ID>,
    ) -> Option<async_graphql::Result<ErasurePreview>> {
        erasure_preview(ctx, contact_id, organization_id, people).await.transpose()
    }
}

async fn subject(
    ctx: &Context<'_>,
    contact_id: Option<ID>,
    organization_id: Option<ID>,
    id: Option<ID>,
) -> async_graphql::Result<Option<Subject>> {
    let (app, _) = ctx.may_read("subject")?;
    let subject = match (id, &contact_id, &organization_id) {
        (Some(id), None, None) => id.parse::<SubjectId>().map_err(bad_request)?,
        (Some(_), ..) => return Err(bad_request("name one of contactId, organizationId and id")),
        (None, contact, organization) => {
            let whose = named(contact.as_ref(), organization.as_ref())?;
            let Some((subject, _)) = held_by(app, whose)? else { return Ok(None) };
            subject
        }
    };
    let of = app.clone();
    let read = tokio::task::spawn_blocking(move || held(&of, subject)).await;
    Ok(read.map_err(|_| Failure::internal("a thread that reads a subject failed"))??)
}

async fn erasure_preview(
    ctx: &Context<'_>,
    contact_id: Option<ID>,
    organization_id: Option<ID>,
    people: Vec<ID>,
) -> async_graphql::Result<Option<ErasurePreview>> {
    let (app, _) = ctx.may_read("erasurePreview")?;
    let whose = named(contact_id.as_ref(), organization_id.as_ref())?;
    let Some((subject, kind)) = held_by(app, whose)? else { return Ok(None) };
    let mut problems = Problems::default();
    let going = going_along(app, whose, &people, false, &mut problems)?;
    if problems.end().is_err() {
        return Err(bad_request("people names contacts who work for the organization and go with it"));
    }
    let subjects = std::iter::once(subject).chain(going.into_iter().filter(|person| *person != subject)).collect();
    let of = app.clone();
    let read = tokio::task::spawn_blocking(move || preview(&of, subjects, kind)).await;
    match read.map_err(|_| Failure::internal("a thread that plans an erasure failed"))? {
        Ok(preview) => Ok(Some(preview)),
        Err(EraseError::NoRule(missing)) => Err(bad_request(missing)),
        Err(EraseError::Failed(failed)) => Err(Failure::from(failed).into()),
        Err(failed) => Err(Failure::internal(failed).into()),
    }
}

fn named(contact: Option<&ID>, organization: Option<&ID>) -> async_graphql::Result<Whose> {
    whose(contact, organization, None).map_err(|wrong| bad_request(wrong.message))
}

/// The subject, or nothing where nothing of it can be read.
fn held_by(app: &App, whose: Whose) -> async_graphql::Result<Option<(SubjectId, SubjectKind)>> {
    match app.person(whose)? {
        Person::Known(subject, kind) => Ok(Some((subject, kind))),
        Person::Unknown | Person::Gone(_) => Ok(None),
    }
}

/// Views are read under one lock, so that it is one moment's answer.
fn held(app: &App, id: SubjectId) -> Result<Option<Subject>, Failure> {
    let plans = plans(app, id)?;
    let views = app.ledger().views();
    let Some(held) = views.subject(id) else { return Ok(None) };
    let compartments = held.compartments.iter().map(|held| {
        let compartment = held.holding.compartment;
        let plan = plans.get(&compartment);
        let (kept_on, kept_until) = plan.map_or((None, None), |(plan, _)| kept(&plan.fate));
        HeldCompartment {
            compartment: compartment.to_string(),
            last_record: Day(held.holding.last_record),
            parts: plan.map_or(0, |(_, parts)| *parts),
            purposes: purposes(&views, compartment),
            kept_on,
            kept_until,
            things: held.things.iter().map(|thing| HeldNode::of(&views, thing, compartment)).collect(),
        }
    });
    let compartments = compartments.collect();
    let disclosures = views.disclosures(id).into_iter().map(Disclosure::from).collect();
    let holds = views.holds_of(id).iter().map(|hold| Hold::of(&views, hold)).collect();
    let things = held.compartments.iter().flat_map(|held| &held.things);
    let cases = things.filter_map(|thing| if let HeldThing::Case(case) = thing { Some(case.id) } else { None });
    let cases: BTreeSet<_> = cases.collect();
    let cases = cases.into_iter().filter_map(|id| views.case(id));
    let returns = cases.flat_map(|case| case.returns.iter().map(Return::from)).collect();
    Ok(Some(Subject { subject: id, id: ID(id.to_string()), disclosures, holds, returns, compartments }))
}

/// What would become of each compartment, and its number of sealed parts; nothing where the register does not say.
fn plans(app: &App, id: SubjectId) -> Result<BTreeMap<Compartment, (Planned, usize)>, Failure> {
    let counted = |plan: Planned| Ok((plan.compartment, (plan.clone(), parts(app, &plan)?)));
    match app.ledger().plan_erasure(app.register()?, &[id]) {
        Ok(planned) => planned.into_iter().map(counted).collect(),
        Err(EraseError::NoRule(_)) => Ok(BTreeMap::new()),
        Err(EraseError::Failed(failed)) => Err(failed.into()),
        Err(failed) => Err(Failure::internal(failed)),
    }
}

fn parts(app: &App, planned: &Planned) -> Result<usize, events::ledger::Failure> {
    Ok(app.ledger().places(&planned.key)?.len())
}

fn kept(fate: &Fate) -> (Option<String>, Option<Day>) {
    match fate {
        Fate::Dies => (None, None),
        Fate::Kept { basis, until } => (Some(basis.as_str().to_owned()), Some(Day(*until))),
    }
}

fn purposes(views: &Views, compartment: Compartment) -> Vec<ServedPurpose> {
    let serves =
        views.register().purposes().filter(|purpose| purpose.compartment == CompartmentKind::from(compartment));
    let served = serves.filter(|purpose| !purpose.retired).map(|purpose| ServedPurpose {
        purpose: purpose.slug.to_string(),
        title: purpose.title.as_str().to_owned(),
        legal_basis: purpose.basis.name(),
    });
    served.collect()
}

impl HeldNode {
    fn of(views: &Views, thing: &HeldThing<'_>, compartment: Compartment) -> Self {
        let (kind, id, values) = match thing {
            HeldThing::Contact(contact) => {
                let mut values = holding(&contact.facts.holding);
                values.extend(contact.sheet.iter().flat_map(all_of_contact));
                ("contact", contact.id.to_string(), values)
            }
            HeldThing::Organization(organization) => {
                let mut values = holding(&organization.facts.holding);
                values.extend(organization.sheet.iter().flat_map(all_of_organization));
                ("organization", organization.id.to_string(), values)
            }
            HeldThing::Consents(consents) => ("consents", consents.id.to_string(), statements(consents)),
            HeldThing::Case(case) => ("case", case.id.to_string(), case_values(views, case, compartment)),
            HeldThing::Ticket(ticket) => ("ticket", ticket.id.to_string(), ticket_values(ticket)),
            HeldThing::Quote(quote) => ("quote", quote.id.to_string(), quote_values(quote)),
            HeldThing::Document(document) => ("document", document.id.to_string(), document_values(document)),
            HeldThing::Actor(actor) => ("actor", actor.id.to_string(), actor_values(actor)),
        };
        let values = values.into_iter().map(|(name, value)| NamedValue { name, value });
        Self { kind, id: ID(id), values: values.collect() }
    }
}

fn document_values(document: &projections::Document<'_>) -> Vec<Named> {
    let Some(sheet) = document.sheet else { return Vec::new() };
    vec![
        ("NAME".to_owned(), sheet.name.as_str().to_owned()),
        ("MEDIA_TYPE".to_owned(), sheet.media_type.as_str().to_owned()),
        ("BYTES".to_owned(), sheet.size.to_string()),
    ]
}

fn holding(holding: &Holding) -> Vec<Named> {
    let mut values = vec![
        ("SOURCE".to_owned(), holding.source.name().to_owned()),
        ("REASON".to_owned(), holding.reason.name().to_owned()),
    ];
    put(&mut values, "HOLD_UNTIL", &holding.hold_until);
    values
}

fn all_of_contact(sheet: &ContactSheet<'_>) -> Vec<Named> {
    let mut values = contact_fields(&sheet.profile());
    let retired =
        sheet.points().filter(|point| point.retired.is_some()).filter_map(|point| super::fields::point(&point.point()));
    values.extend(retired.map(|(name, value)| (format!("RETIRED {name}"), value)));
    values
}

fn all_of_organization(sheet: &OrganizationSheet<'_>) -> Vec<Named> {
    let mut values = organization_fields(&sheet.profile());
    let retired =
        sheet.points().filter(|point| point.retired.is_some()).filter_map(|point| super::fields::point(&point.point()));
    values.extend(retired.map(|(name, value)| (format!("RETIRED {name}"), value)));
    values
}

fn statements(consents: &projections::Consents) -> Vec<Named> {
    let mut values = Vec::new();
    for entry in consents.trail.entries() {
        let fact = entry.fact.clone();
        let event = Event::Consents(consent::Event { fact, person: Held::Gone(Gone::Withheld) });
        let (kind, facts) = describe(&event);
        let facts = facts.into_iter().filter(|(_, value)| !value.is_null()).map(|(name, value)| match value {
            serde_json::Value::String(text) => format!("{name}={text}"),
            other => format!("{name}={other}"),
        });
        let text = std::iter::once(kind.to_owned()).chain(facts).collect::<Vec<_>>().join(", ");
        values.push((format!("STATEMENT {}", entry.effective_at), text));
        let note = consents.notes.get(&entry.position).and_then(|note| note.words.as_ref());
        put(&mut values, &format!("WORDS {}", entry.effective_at), &note.cloned());
    }
    values
}

/// Links die with the relationship; requests and their words are held for claims.
fn case_values(views: &Views, case: &projections::Case<'_>, compartment: Compartment) -> Vec<Named> {
    let mut values = Vec::new();
    if compartment == Compartment::Relationship {
        let links = case.links.iter().map(|link| match link {
            domain::subject::Link::Contact(id) => id.to_string(),
            domain::subject::Link::Organization(id) => id.to_string(),
            domain::subject::Link::Actor(id) => id.to_string(),
        });
        values.extend(links.map(|id| ("LINK".to_owned(), id)));
        return values;
    }
    for disclosure in views.disclosures_in(case.id) {
        let id = disclosure.facts.disclosure.id;
        put(&mut values, &format!("RECIPIENT {id}"), &disclosure.to.map(|to| to.recipient.clone()));
        put(&mut values, &format!("WORDS {id}"), &disclosure.to.and_then(|to| to.words.clone()));
    }
    for back in case.returns {
        values.push((format!("RETURNED {}", back.erasure), back.reason.as_str().to_owned()));
    }
    for erasure in case.erasures.iter().filter_map(|id| views.erasure(*id)) {
        let id = erasure.facts.id;
        values.push((format!("ERASURE {id}"), erasure.facts.stage.words().to_owned()));
        put(&mut values, &format!("WORDS {id}"), &erasure.request.and_then(|request| request.words.clone()));
        put(&mut values, &format!("ANSWER {id}"), &erasure.words.cloned());
    }
    values
}

fn ticket_values(ticket: &projections::Ticket<'_>) -> Vec<Named> {
    let mut values = vec![("STATUS".to_owned(), ticket.facts.status.name().to_owned())];
    values.extend(ticket.contact().map(|id| ("CONTACT".to_owned(), id.to_string())));
    put(&mut values, "ORGANIZATION", &ticket.organization());
    put(&mut values, "SUBJECT", &ticket.line().cloned());
    for (number, message) in ticket.facts.messages.iter().enumerate() {
        put(&mut values, &format!("MESSAGE {}", message.id), &ticket.body(number).cloned());
    }
    put(&mut values, "SOLUTION", &ticket.solution().cloned());
    values
}

fn quote_values(quote: &projections::Quote<'_>) -> Vec<Named> {
    let mut values: Vec<Named> = Vec::new();
    values.extend(quote.contact().map(|id| ("CONTACT".to_owned(), id.to_string())));
    put(&mut values, "ORGANIZATION", &quote.organization());
    for (number, version) in (1..).zip(&quote.facts.versions) {
        let named = quote.texts(number).map(quote_fields).unwrap_or_default();
        values.extend(named.into_iter().map(|(name, value)| (format!("VERSION {number} {name}"), value)));
        let gross = format!("{} {} (minor units)", version.terms.total.gross_minor, version.terms.currency);
        values.push((format!("VERSION {number} GROSS"), gross));
        put(&mut values, &format!("VERSION {number} REJECTED"), &quote.reason(number).cloned());
    }
    values
}

fn actor_values(actor: &projections::Actor<'_>) -> Vec<Named> {
    let mut values = Vec::new();
    put(&mut values, "NAME", &actor.profile.map(|profile| profile.name.clone()));
    let mail = actor.profile.and_then(|profile| profile.mail.as_ref());
    values.extend(mail.map(|mail| ("MAIL".to_owned(), mail.as_str().to_owned())));
    for token in actor.facts.tokens.keys() {
        put(&mut values, &format!("LABEL {token}"), &actor.label(*token).cloned());
    }
    values
}

fn preview(app: &App, subjects: Vec<SubjectId>, kind: SubjectKind) -> Result<ErasurePreview, EraseError> {
    let ledger = app.ledger();
    let register = ledger.views().register_stream().map(|(id, _)| id);
    let register = register.ok_or(domain::register::NoRule(Compartment::Claims))?;
    let planned = ledger.plan_erasure(register, &subjects)?;
    let (dies, stays): (Vec<_>, Vec<_>) = planned.into_iter().partition(|planned| planned.fate == Fate::Dies);
    let others = others(app, &dies, &subjects)?;
    let (holds, waits_for) = waits(app, &dies);
    let compartment = |planned: &Planned| PlannedCompartment::of(app, planned);
    let dies = dies.iter().map(compartment).collect::<Result<Vec<_>, _>>()?;
    let stays = stays.iter().map(compartment).collect::<Result<Vec<_>, _>>()?;
    let (open_tickets, open_quotes) = open(app, &subjects);
    let owner = subjects.first().copied();
    let organization =
        owner.filter(|_| kind == SubjectKind::Organization).and_then(|owner| organization_of(app, owner));
    Ok(ErasurePreview {
        parts: dies.iter().map(|compartment| compartment.parts).sum(),
        dies,
        stays,
        contacts: owner.map(|owner| contacts_of(app, owner)).unwrap_or_default(),
        organization_id: organization.map(|id| ID(id.to_string())),
        people: organization.map(|id| workers(app, id)).unwrap_or_default(),
        other_people: others.len(),
        others: others.into_iter().take(OTHERS).map(|(subject, parts)| OtherParts::of(app, subject, parts)).collect(),
        open_tickets,
        open_quotes,
        disclosures: disclosures(app, &subjects),
        holds,
        waits_for,
    })
}

/// The holds in force on what would die, and all that the erasure would wait for, in words.
fn waits(app: &App, dies: &[Planned]) -> (Vec<Hold>, Vec<String>) {
    let compartments: Vec<Compartment> = dies.iter().map(|planned| planned.compartment).collect();
    let hours = app.wait().ms(&compartments) / 3_600_000;
    let cooling = (hours > 0).then(|| format!("the keys wait, fenced, for {hours} hours before they may be destroyed"));
    let views = app.ledger().views();
    let mut holds: BTreeMap<HoldId, projections::Hold<'_>> = BTreeMap::new();
    for Planned { subject, compartment, .. } in dies {
        let stops = |hold: &projections::Hold<'_>| {
            hold.facts.stage.is_in_force() && covers(&hold.facts.compartments, *compartment)
        };
        holds.extend(views.holds_of(*subject).into_iter().filter(stops).map(|hold| (hold.facts.id, hold)));
    }
    let words = holds.values().map(|hold| Hold::words(hold.facts));
    let waits_for = cooling.into_iter().chain(words).collect();
    (holds.values().map(|hold| Hold::of(&views, hold)).collect(), waits_for)
}

fn disclosures(app: &App, subjects: &[SubjectId]) -> Vec<Disclosure> {
    let views = app.ledger().views();
    subjects.iter().flat_map(|subject| views.disclosures(*subject)).map(Disclosure::from).collect()
}

impl PlannedCompartment {
    fn of(app: &App, planned: &Planned) -> Result<Self, EraseError> {
        let (basis, until) = kept(&planned.fate);
        let parts = parts(app, planned)?;
        let (contact_ids, organization_id) = names(app, planned.subject);
        let compartment = planned.compartment.to_string();
        Ok(Self { compartment, parts, contact_ids, organization_id, basis, until })
    }
}

impl OtherParts {
    fn of(app: &App, subject: SubjectId, parts: usize) -> Self {
        let (contact_ids, organization_id) = names(app, subject);
        Self { contact_ids, organization_id, parts }
    }
}

fn names(app: &App, subject: SubjectId) -> (Vec<ID>, Option<ID>) {
    let contacts = contacts_of(app, subject).iter().map(|contact| ID(contact.id.to_string())).collect();
    (contacts, organization_of(app, subject).map(|id| ID(id.to_string())))
}

/// Other subjects' live parts in the records that have a part under a key that dies.
fn others(app: &App, dies: &[Planned], subjects: &[SubjectId]) -> Result<BTreeMap<SubjectId, usize>, EraseError> {
    let failed = |position| {
        move |failed: LogError| {
            let unreadable = events::ledger::Unreadable { position, fault: failed.into() };
            EraseError::from(events::ledger::Failure::from(unreadable))
        }
    };
    let log = app.ledger().log();
    let mut positions = BTreeSet::new();
    for planned in dies {
        let places = log.parts_of(&planned.key).map_err(failed(u64::MAX))?;
        positions.extend(places.into_iter().map(|place| place.position));
    }
    let mut others = BTreeMap::new();
    for position in positions {
        let Some(entry) = log.record(position).map_err(failed(position))? else { continue };
        let keys: Vec<KeyId> = match Record::parse(&entry.record) {
            Ok(record) => record.personal.iter().map(|part| part.key).collect(),
            Err(source) => return Err(failed(position)(LogError::Malformed { position, source })),
        };
        let owners = app.ledger().owners();
        for (subject, _) in keys.iter().filter_map(|key| owners.owner(key)) {
            if !subjects.contains(&subject) {
                *others.entry(subject).or_default() += 1;
            }
        }
    }
    Ok(others)
}

fn open(app: &App, subjects: &[SubjectId]) -> (Vec<Ticket>, Vec<Quote>) {
    let today: Date = app.now().day();
    let (mut tickets, mut quotes) = (BTreeSet::<TicketId>::new(), BTreeSet::<QuoteId>::new());
    {
        let views = app.ledger().views();
        let held = subjects.iter().filter_map(|subject| views.subject(*subject));
        for thing in held.flat_map(|held| held.compartments).flat_map(|compartment| compartment.things) {
            match thing {
                HeldThing::Ticket(ticket) if ticket.facts.status != ticket::Status::Closed => {
                    tickets.insert(ticket.id);
                }
                HeldThing::Quote(quote) if !is_answered(quote.facts.status(today)) => {
                    quotes.insert(quote.id);
                }
                _ => {}
            }
        }
    }
    let tickets = tickets.into_iter().filter_map(|id| Ticket::find(app, id)).collect();
    (tickets, quotes.into_iter().filter_map(|id| Quote::find(app, id)).collect())
}

fn is_answered(status: quote::Status) -> bool {
    matches!(status, quote::Status::Accepted | quote::Status::Rejected)
}

/// Everybody who works for an organization.
fn workers(app: &App, organization: OrganizationId) -> Vec<Contact> {
    let filter = Filter { organization: Some(organization), with_bin: true, ..Filter::default() };
    let views = app.ledger().views();
    let everybody = Cut::first(usize::MAX - 1);
    let page = views.contacts(&filter, Sort::Name, Direction::Ascending, &everybody);
    page.map(|page| page.items.into_iter().map(Contact::from).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests;
