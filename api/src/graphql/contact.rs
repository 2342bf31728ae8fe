//! Contacts: the people we know, in each of their roles.

use std::collections::HashSet;
use std::sync::Arc;

use async_graphql::connection::{Connection, EmptyFields};
use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object};
use domain::compartment::Country;
use domain::contact::{self, Command, Field, Profile, ProfileChange};
use domain::event::{Stream, StreamKind};
use domain::holding::{Holding, HoldingChange};
use domain::id::{ContactId, OrganizationId, PointId, SubjectId};
use domain::owner::{Owner, Person};
use domain::point::Point;
use domain::profile::Change;
use domain::suppression::DropPlace;
use domain::value::{Language, Line, Tag, Text, Website};
use events::ledger::{Accepted, Fresh};
use projections::{ContactSheet, Cursor, Direction, Facts, Filter, Page, Sort, Span, TicketFilter, Views};

use super::connection::{Opaque, Paging, connection};
use super::consent::{ConsentFilter, Consents};
use super::erasure::known;
use super::history::{History, history};
use super::organization::{Organization, Shared};
use super::outcome::{Ask, ErrorCode, Kind, No, Problems, UserError, bad_request, payload};
use super::purpose::seen_from;
use super::quote::{self, Quote, QuoteState, QuotesAsked};
use super::redaction::{self, BinMark, RedactionMark};
use super::scalars::{CommandId, Day, Time};
use super::suppression::check_suppressed;
use super::ticket::{self, Ticket, TicketState};
use super::values::{
    Address, AddressInput, Cause, ContactPoint, ContactPointInput, ErasureMark, OldIdInput, OldIdentity, PertinentDate,
    PertinentDateInput, Reason, SocialLink, SocialLinkInput, Source, change, profile_path,
};
use crate::app::{App, Envelope, Whose};
use crate::error::Failure;

/// One contact, as the views had it when it was asked for.
pub struct Contact {
    pub(super) id: ContactId,
    facts: Facts,
    /// The drawer's own packed form: a page copies one piece of memory a row, and a field is read off when it is asked.
    sheet: Option<Box<[u8]>>,
    /// Their organization, where a page has read it along.
    organization: Option<Arc<Organization>>,
    /// The ids of their points, where the values are not for the viewer.
    points: Option<Vec<PointId>>,
}

impl Contact {
    /// The contact with this id, whether or not anything can still be read of it.
    pub fn find(app: &App, id: ContactId) -> Option<Self> {
        app.ledger().views().contact(id).map(Self::from)
    }

    /// The same for whoever registers contacts and may not read them: facts and the ids of contact points.
    fn without_values(self) -> Self {
        let points = self.sheet().map(|sheet| sheet.points().map(|point| point.id).collect());
        Self { sheet: None, organization: None, points, ..self }
    }

    fn sheet(&self) -> Option<ContactSheet<'_>> {
        self.sheet.as_deref().map(ContactSheet::from_bytes)
    }

    fn text(&self, field: Field) -> Option<&str> {
        self.sheet()?.text(field)
    }

    fn profile(&self) -> Option<Profile> {
        self.sheet().map(|sheet| sheet.profile())
    }
}

impl From<projections::Contact<'_>> for Contact {
    fn from(contact: projections::Contact<'_>) -> Self {
        let sheet = contact.sheet.map(|sheet| sheet.bytes().into());
        Self { id: contact.id, facts: *contact.facts, sheet, organization: None, points: None }
    }
}

/// A page of contacts. Where their organizations are asked for, they are read under the same lock, each once.
pub(super) fn read_page(
    ctx: &Context<'_>,
    views: &Views,
    page: Page<projections::Contact<'_>>,
) -> Page<(Cursor, Contact)> {
    let ahead = ctx.look_ahead();
    let nodes = [ahead.field("nodes"), ahead.field("edges").field("node")];
    let asked = nodes.iter().any(|node| node.field("organization").exists()) && ctx.may_read("organization").is_ok();
    let mut shared = Shared::default();
    page.map(|contact| {
        let organization = contact.sheet.filter(|_| asked).and_then(|sheet| sheet.organization());
        let organization = organization.and_then(|id| shared.take(views, id));
        (contact.cursor(), Contact { organization, ..Contact::from(contact) })
    })
}

/// A contact: one role a person has towards us. What is personal is null once it is erased, and `erasure` says why.
#[Object]
impl Contact {
    /// `contact_…`
    pub(super) async fn id(&self) -> ID {
        ID(self.id.to_string())
    }
    /// For `expectedRevision`.
    async fn revision(&self) -> u64 {
        self.facts.revision
    }
    async fn created_at(&self) -> Time {
        Time(self.facts.created_at)
    }
    async fn changed_at(&self) -> Time {
        Time(self.facts.changed_at)
    }
    /// Where the data came from.
    async fn source(&self) -> Source {
        self.facts.holding.source.into()
    }
    /// Why it is held.
    async fn reason(&self) -> Reason {
        self.facts.holding.reason.into()
    }
    /// Until when it is held.
    async fn hold_until(&self) -> Option<Day> {
        self.facts.holding.hold_until.map(Day)
    }
    /// Why nothing personal can be read, when it cannot.
    async fn erasure(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<ErasureMark>> {
        if self.sheet.is_some() {
            return Ok(None);
        }
        Ok(ctx.app()?.erasure_of(&self.id.0)?)
    }
    /// The name to show: the displayed one, or first and last name.
    async fn name(&self) -> Option<String> {
        let parts = [self.text(Field::FirstName), self.text(Field::LastName)];
        let joined = parts.into_iter().flatten().collect::<Vec<_>>().join(" ");
        self.text(Field::DisplayedName).map(str::to_owned).or((!joined.is_empty()).then_some(joined))
    }
    async fn salutation(&self) -> Option<&str> {
        self.text(Field::Salutation)
    }
    async fn gender(&self) -> Option<&str> {
        self.text(Field::Gender)
    }
    async fn honorific(&self) -> Option<&str> {
        self.text(Field::Honorific)
    }
    async fn first_name(&self) -> Option<&str> {
        self.text(Field::FirstName)
    }
    async fn last_name(&self) -> Option<&str> {
        self.text(Field::LastName)
    }
    async fn displayed_name(&self) -> Option<&str> {
        self.text(Field::DisplayedName)
    }
    async fn job_title(&self) -> Option<&str> {
        self.text(Field::JobTitle)
    }
    /// The organization they work for.
    async fn organization(&self, ctx: &Context<'_>) -> Option<async_graphql::Result<Arc<Organization>>> {
        if let Some(known) = &self.organization {
            return Some(Ok(known.clone()));
        }
        let id = self.sheet()?.organization()?;
        let found = ctx.may_read("organization").map(|(app, _)| Organization::find(app, id).map(Arc::new));
        found.transpose()
    }
    async fn work_address(&self) -> Option<Address> {
        self.profile()?.work_address.map(Address::from)
    }
    async fn website(&self) -> Option<&str> {
        self.text(Field::Website)
    }
    async fn social_links(&self) -> Option<Vec<SocialLink>> {
        Some(self.profile()?.social_links.into_iter().map(SocialLink::from).collect())
    }
    async fn notes(&self) -> Option<&str> {
        self.text(Field::Notes)
    }
    async fn tags(&self) -> Option<Vec<String>> {
        Some(self.sheet()?.tags().into_iter().map(Tag::into_string).collect())
    }
    async fn dates(&self) -> Option<Vec<PertinentDate>> {
        Some(self.profile()?.dates.into_iter().map(PertinentDate::from).collect())
    }
    async fn birthday(&self) -> Option<Day> {
        self.profile()?.birthday.map(Day)
    }
    async fn language(&self) -> Option<&str> {
        self.text(Field::Language)
    }
    async fn source_words(&self) -> Option<&str> {
        self.text(Field::SourceWords)
    }
    async fn reason_words(&self) -> Option<&str> {
        self.text(Field::ReasonWords)
    }
    /// By what a former system knew them.
    async fn old_id(&self) -> Option<OldIdentity> {
        self.profile()?.old_id.map(OldIdentity::from)
    }
    /// The ways to reach them, retired ones too.
    async fn points(&self) -> Option<Vec<ContactPoint>> {
        Some(self.sheet()?.points().map(ContactPoint::from).collect())
    }
    /// The ids of these ways, in the same order: what consents name, also for whoever may not read the ways themselves.
    async fn point_ids(&self) -> Option<Vec<ID>> {
        let ids = |ids: Vec<PointId>| ids.into_iter().map(|id| ID(id.to_string())).collect();
        let known = || self.sheet().map(|sheet| sheet.points().map(|point| point.id).collect());
        self.points.clone().or_else(known).map(ids)
    }
    /// What they asked us, by when.
    #[allow(clippy::too_many_arguments, reason = "arguments of a field")]
    async fn tickets(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        state: Option<TicketState>,
        #[graphql(default)] descending: bool,
    ) -> Option<async_graphql::Result<Connection<Opaque, Ticket, EmptyFields, EmptyFields>>> {
        let status = state.map(Into::into);
        let filter = TicketFilter { contact: Some(self.id), status, ..TicketFilter::default() };
        Some(ticket::page(ctx, &Paging { first, after, last, before }, &filter, descending))
    }
    /// What we offered them, by when.
    #[allow(clippy::too_many_arguments, reason = "arguments of a field")]
    async fn quotes(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        state: Option<QuoteState>,
        #[graphql(default)] descending: bool,
    ) -> Option<async_graphql::Result<Connection<Opaque, Quote, EmptyFields, EmptyFields>>> {
        let asked = QuotesAsked { contact_id: Some(ID(self.id.to_string())), state, ..QuotesAsked::default() };
        Some(quote::page(ctx, &Paging { first, after, last, before }, &asked, descending))
    }
    /// Their person's consents: today, or as of a day, or as known at a time. Null where nobody ever spoke of consent.
    async fn consents(
        &self,
        ctx: &Context<'_>,
        as_of: Option<Day>,
        known_at: Option<Time>,
    ) -> Option<async_graphql::Result<Consents>> {
        let (app, viewer) = match ctx.may_read("consents") {
            Ok(asked) => asked,
            Err(no) => return Some(Err(no)),
        };
        Consents::of_contact(app, viewer, self.id, seen_from(app, as_of, known_at)).map(Ok)
    }
    /// The first mail address in use.
    async fn email(&self) -> Option<&str> {
        let mut points = self.sheet()?.points();
        points
            .find(|point| point.retired.is_none() && point.kind == domain::point::PointKind::Email)
            .map(|point| point.value)
    }
    /// The first phone number in use.
    async fn phone(&self) -> Option<&str> {
        use domain::point::PointKind::{Mobile, Phone};
        let mut points = self.sheet()?.points();
        points.find(|point| point.retired.is_none() && matches!(point.kind, Phone | Mobile)).map(|point| point.value)
    }
    /// What was redacted of it, and what waits for that, while it can be read.
    async fn redactions(&self, ctx: &Context<'_>) -> async_graphql::Result<Vec<RedactionMark>> {
        Ok(redaction::marks(ctx.app()?, Stream { kind: StreamKind::Contact, id: self.id.0 }))
    }
    /// That it lies in the recycle bin, when it does.
    async fn bin(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<BinMark>> {
        Ok(redaction::bin(ctx.app()?, Stream { kind: StreamKind::Contact, id: self.id.0 }))
    }
    /// What happened to them, record by record, oldest first.
    async fn history(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Option<async_graphql::Result<History>> {
        let stream = Stream { kind: StreamKind::Contact, id: self.id.0 };
        history(ctx, stream, Paging { first, after, last, before }).await.transpose()
    }
}

payload! {
    /// What became of a change to a contact. Who may not read contacts gets it without anything personal, also of what
    /// they gave themselves: a retry shows what others have added since.
    ContactPayload { contact: Contact }
}

/// What a contact is registered with. A source and a reason to hold it are required; so is something to call them by.
#[derive(InputObject)]
pub struct RegisterContactInput {
    pub source: Source,
    pub source_words: Option<String>,
    pub reason: Reason,
    pub reason_words: Option<String>,
    pub hold_until: Option<Day>,
    pub salutation: Option<String>,
    pub gender: Option<String>,
    pub honorific: Option<String>,
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    pub displayed_name: Option<String>,
    pub job_title: Option<String>,
    /// The organization they work for.
    pub organization_id: Option<ID>,
    pub work_address: Option<AddressInput>,
    pub website: Option<String>,
    #[graphql(default)]
    pub social_links: Vec<SocialLinkInput>,
    pub notes: Option<String>,
    #[graphql(default)]
    pub tags: Vec<String>,
    #[graphql(default)]
    pub dates: Vec<PertinentDateInput>,
    pub birthday: Option<Day>,
    pub language: Option<String>,
    pub old_id: Option<OldIdInput>,
    #[graphql(default)]
    pub points: Vec<ContactPointInput>,
    /// Another contact of the same person, so that both are one person's data.
    pub same_person_as: Option<ID>,
    pub effective_at: Option<Time>,
    pub command_id: Option<CommandId>,
}

/// What becomes of a contact's fields: left out stays, `null` clears.
#[derive(InputObject)]
pub struct ChangeContactInput {
    pub contact_id: ID,
    /// Whether it was wrong or has changed.
    pub reason: Cause,
    pub source: Option<Source>,
    pub hold_reason: Option<Reason>,
    pub hold_until: MaybeUndefined<Day>,
    pub salutation: MaybeUndefined<String>,
    pub gender: MaybeUndefined<String>,
    pub honorific: MaybeUndefined<String>,
    pub first_name: MaybeUndefined<String>,
    pub last_name: MaybeUndefined<String>,
    pub displayed_name: MaybeUndefined<String>,
    pub job_title: MaybeUndefined<String>,
    pub organization_id: MaybeUndefined<ID>,
    pub work_address: MaybeUndefined<AddressInput>,
    pub website: MaybeUndefined<String>,
    pub social_links: MaybeUndefined<Vec<SocialLinkInput>>,
    pub notes: MaybeUndefined<String>,
    pub tags: MaybeUndefined<Vec<String>>,
    pub dates: MaybeUndefined<Vec<PertinentDateInput>>,
    pub birthday: MaybeUndefined<Day>,
    pub language: MaybeUndefined<String>,
    pub source_words: MaybeUndefined<String>,
    pub reason_words: MaybeUndefined<String>,
    pub effective_at: Option<Time>,
    pub expected_revision: Option<u64>,
    pub command_id: Option<CommandId>,
}

/// One more way to reach a contact.
#[derive(InputObject)]
pub struct AddContactPointInput {
    pub contact_id: ID,
    pub point: ContactPointInput,
    pub effective_at: Option<Time>,
    pub expected_revision: Option<u64>,
    pub command_id: Option<CommandId>,
}

/// A way to reach a contact that is used no more.
#[derive(InputObject)]
pub struct RetireContactPointInput {
    pub contact_id: ID,
    pub point_id: ID,
    pub effective_at: Option<Time>,
    pub expected_revision: Option<u64>,
    pub command_id: Option<CommandId>,
}

/// The mutations of contacts.
#[derive(Default)]
pub struct ContactMutation;

#[Object]
impl ContactMutation {
    /// A contact comes in.
    async fn register_contact(
        &self,
        ctx: &Context<'_>,
        input: RegisterContactInput,
    ) -> async_graphql::Result<ContactPayload> {
        ContactPayload::of(register(ctx, input).await)
    }

    /// Some of a contact becomes other.
    async fn change_contact(
        &self,
        ctx: &Context<'_>,
        input: ChangeContactInput,
    ) -> async_graphql::Result<ContactPayload> {
        ContactPayload::of(change_contact(ctx, input).await)
    }

    /// A contact can be reached at one more point.
    async fn add_contact_point(
        &self,
        ctx: &Context<'_>,
        input: AddContactPointInput,
    ) -> async_graphql::Result<ContactPayload> {
        ContactPayload::of(add_point(ctx, input).await)
    }

    /// A contact point is used no more.
    async fn retire_contact_point(
        &self,
        ctx: &Context<'_>,
        input: RetireContactPointInput,
    ) -> async_graphql::Result<ContactPayload> {
        ContactPayload::of(retire_point(ctx, input).await)
    }
}

type Done = Result<(Contact, Accepted), No>;

async fn register(ctx: &Context<'_>, input: RegisterContactInput) -> Done {
    let (app, _) = ctx.may("registerContact")?;
    let mut fresh = Fresh::new();
    let mut problems = Problems::default();
    let envelope = Envelope {
        command_id: input.command_id.map(|id| id.0),
        effective_at: input.effective_at.map(|at| at.0),
        ..Envelope::default()
    };
    let holding = Holding {
        source: input.source.into(),
        reason: input.reason.into(),
        hold_until: input.hold_until.map(|day| day.0),
    };
    let is_retry = app.is_repeated(&envelope);
    let same = input.same_person_as.map(|id| problems.found(same_person(app, &id))).transpose()?.flatten();
    let employer =
        input.organization_id.map(|id| problems.found(organization(app, &id, "organizationId", |_| is_retry)));
    let employer = employer.transpose()?.flatten();
    let mut line = |name: &str, text: Option<String>| text.and_then(|text| problems.take(&[name], Line::parse(&text)));
    let mut profile = Profile {
        salutation: line("salutation", input.salutation),
        gender: line("gender", input.gender),
        honorific: line("honorific", input.honorific),
        first_name: line("firstName", input.first_name),
        last_name: line("lastName", input.last_name),
        displayed_name: line("displayedName", input.displayed_name),
        job_title: line("jobTitle", input.job_title),
        birthday: input.birthday.map(|day| day.0),
        ..Profile::default()
    };
    let mut text = |name: &str, text: Option<String>| text.and_then(|text| problems.take(&[name], Text::parse(&text)));
    profile.notes = text("notes", input.notes);
    profile.source_words = text("sourceWords", input.source_words);
    profile.reason_words = text("reasonWords", input.reason_words);
    profile.website = input.website.and_then(|page| problems.take(&["website"], Website::parse(&page)));
    profile.language = input.language.and_then(|tag| problems.take(&["language"], Language::parse(&tag)));
    let address = |address: AddressInput| problems.inside(&["workAddress"], |p| address.parse(&[], p));
    profile.work_address = input.work_address.map(address);
    profile.organization = employer;
    profile.social_links = problems.each("socialLinks", input.social_links, SocialLinkInput::parse);
    profile.tags = tags(input.tags, &mut problems);
    profile.dates = problems.each("dates", input.dates, PertinentDateInput::parse);
    profile.old_id = input.old_id.and_then(|old| problems.inside(&["oldId"], |p| old.parse(p)));
    let country = profile.work_address.as_ref().and_then(|address| address.country_code);
    profile.points = points(input.points, country, &mut fresh, &mut problems)?;
    problems.end()?;
    if !is_retry {
        check_suppressed(app, &profile.points, DropPlace::Registration).await?;
    }
    let id: ContactId = fresh.id().map_err(Failure::internal)?;
    let subject = match same {
        Some(subject) => subject,
        None => fresh.id().map_err(Failure::internal)?,
    };
    let command = Command::Register { subject, holding, profile: Box::new(profile), policy: app.kept.contacts.clone() };
    submit(ctx, "registerContact", id, command, envelope, fresh).await
}

async fn change_contact(ctx: &Context<'_>, input: ChangeContactInput) -> Done {
    let (app, _) = ctx.may("changeContact")?;
    let id = contact_id(&input.contact_id)?;
    let envelope = Envelope {
        command_id: input.command_id.map(|id| id.0),
        expected_revision: input.expected_revision,
        effective_at: input.effective_at.map(|at| at.0),
        ..Envelope::default()
    };
    let holding = HoldingChange {
        source: input.source.map(Into::into),
        reason: input.hold_reason.map(Into::into),
        hold_until: change(input.hold_until, |day| Some(day.0)),
    };
    let current = met(app, id, &envelope)?.and_then(|contact| contact.profile());
    let mut problems = Problems::default();
    let employed = current.as_ref().and_then(|current| current.organization);
    let employer = match input.organization_id {
        MaybeUndefined::Value(id) => {
            let settled = |id| employed == Some(id) || app.is_repeated(&envelope);
            problems.found(organization(app, &id, "organizationId", settled))?.map_or(Change::Keep, Change::Set)
        }
        other => change(other, |_| None),
    };
    let addresses: Vec<_> = current.iter().filter_map(|current| current.work_address.as_ref()).collect();
    let p = &mut problems;
    let mut profile = ProfileChange {
        salutation: change(input.salutation, |text| p.take(&["salutation"], Line::parse(&text))),
        gender: change(input.gender, |text| p.take(&["gender"], Line::parse(&text))),
        honorific: change(input.honorific, |text| p.take(&["honorific"], Line::parse(&text))),
        first_name: change(input.first_name, |text| p.take(&["firstName"], Line::parse(&text))),
        last_name: change(input.last_name, |text| p.take(&["lastName"], Line::parse(&text))),
        displayed_name: change(input.displayed_name, |text| p.take(&["displayedName"], Line::parse(&text))),
        job_title: change(input.job_title, |text| p.take(&["jobTitle"], Line::parse(&text))),
        organization: employer,
        work_address: change(input.work_address, |address| {
            Some(p.inside(&["workAddress"], |p| address.parse(&addresses, p)))
        }),
        website: change(input.website, |page| p.take(&["website"], Website::parse(&page))),
        social_links: change(input.social_links, |links| Some(p.each("socialLinks", links, SocialLinkInput::parse))),
        notes: change(input.notes, |text| p.take(&["notes"], Text::parse(&text))),
        tags: change(input.tags, |list| Some(tags(list, p))),
        dates: change(input.dates, |dates| Some(p.each("dates", dates, PertinentDateInput::parse))),
        birthday: change(input.birthday, |day| Some(day.0)),
        language: change(input.language, |tag| p.take(&["language"], Language::parse(&tag))),
        source_words: change(input.source_words, |text| p.take(&["sourceWords"], Text::parse(&text))),
        reason_words: change(input.reason_words, |text| p.take(&["reasonWords"], Text::parse(&text))),
        old_id: Change::Keep,
    };
    problems.end()?;
    // The state knows no values: what is so already is left out here, against the view.
    if let Some(current) = current {
        profile = profile.differing(&current);
        let mut after = current;
        after.apply(&profile);
        if !after.is_named() {
            return Err(UserError::new(ErrorCode::Validation, contact::Rejection::NameMissing).into());
        }
    }
    let command = Command::Change {
        cause: input.reason.into(),
        holding,
        profile: Box::new(profile),
        policy: app.kept.contacts.clone(),
    };
    submit(ctx, "changeContact", id, command, envelope, Fresh::new()).await
}

/// The contact as the command meets it; as it met it, where this is a retry.
fn met(app: &App, id: ContactId, envelope: &Envelope) -> Result<Option<Contact>, Failure> {
    let met = envelope.command_id.map(|command| app.met_by(command, id.0)).transpose()?.flatten();
    Ok(met.map_or_else(|| Contact::find(app, id), |views| views.contact(id).map(Contact::from)))
}

async fn add_point(ctx: &Context<'_>, input: AddContactPointInput) -> Done {
    let (app, _) = ctx.may("addContactPoint")?;
    let id = contact_id(&input.contact_id)?;
    let envelope = Envelope {
        command_id: input.command_id.map(|id| id.0),
        expected_revision: input.expected_revision,
        effective_at: input.effective_at.map(|at| at.0),
        ..Envelope::default()
    };
    let (mut fresh, mut problems) = (Fresh::new(), Problems::default());
    let address = met(app, id, &envelope)?.and_then(|contact| contact.profile()?.work_address);
    let country = address.and_then(|address| address.country_code);
    let point = problems.inside(&["point"], |p| input.point.parse(country, &mut fresh, p))?;
    problems.end()?;
    let Some(point) = point else { return Err(Failure::internal("a point without a problem").into()) };
    if !app.is_repeated(&envelope) {
        check_suppressed(app, std::slice::from_ref(&point), DropPlace::ContactPoint).await?;
    }
    submit(ctx, "addContactPoint", id, Command::AddPoint { point }, envelope, fresh).await
}

async fn retire_point(ctx: &Context<'_>, input: RetireContactPointInput) -> Done {
    ctx.may("retireContactPoint")?;
    let id = contact_id(&input.contact_id)?;
    let envelope = Envelope {
        command_id: input.command_id.map(|id| id.0),
        expected_revision: input.expected_revision,
        effective_at: input.effective_at.map(|at| at.0),
        ..Envelope::default()
    };
    let point: PointId = input.point_id.parse().map_err(|wrong| UserError::at(&["pointId"], wrong))?;
    submit(ctx, "retireContactPoint", id, Command::RetirePoint { point }, envelope, Fresh::new()).await
}

async fn submit(
    ctx: &Context<'_>,
    operation: &'static str,
    id: ContactId,
    command: Command,
    envelope: Envelope,
    fresh: Fresh,
) -> Done {
    let (app, viewer) = ctx.may(operation)?;
    let accepted = app.submit::<contact::Contact>(viewer, id.0, command, envelope, fresh).await?;
    let id = ContactId(accepted.stream.id);
    let contact = Contact::find(app, id).ok_or_else(|| Failure::internal("a contact that the views do not have"))?;
    Ok((if viewer.may("contact") { contact } else { contact.without_values() }, accepted))
}

/// A contact's id as an input gives it.
pub(super) fn contact_id(text: &str) -> Result<ContactId, No> {
    text.parse().map_err(|wrong| UserError::at(&["contactId"], wrong).into())
}

/// Whose data a contact is, for a command that is about them.
pub(super) fn person(app: &App, text: &str) -> Result<Person, No> {
    let contact = contact_id(text)?;
    let (_, state) = app.ledger().state::<contact::Contact>(&contact.0).map_err(Failure::from)?;
    let rejection = match state.owner() {
        Owner::Subject(subject) => return Ok(Person { subject, contact }),
        Owner::Gone(gone) => gone.into(),
        Owner::Nobody => contact::Rejection::NotRegistered,
    };
    Err(UserError::of(&["contactId"], rejection).into())
}

fn same_person(app: &App, text: &str) -> Result<SubjectId, No> {
    const PATH: &[&str] = &["samePersonAs"];
    let id = text.parse().map_err(|wrong| UserError::at(PATH, wrong))?;
    known(app, Whose::Contact(id), PATH).map(|(subject, _)| subject)
}

/// An organization that something is to point to. What is settled (it points there already, a retry says it again) is not
/// asked whether it could still be said.
pub(super) fn organization(
    app: &App,
    text: &str,
    field: &str,
    settled: impl Fn(OrganizationId) -> bool,
) -> Result<OrganizationId, No> {
    let id = text.parse().map_err(|wrong| UserError::at(&[field], wrong))?;
    if !settled(id) {
        known(app, Whose::Organization(id), &[field])?;
    }
    Ok(id)
}

/// Each tag once, as it was written first.
pub(super) fn tags(list: Vec<String>, problems: &mut Problems) -> Vec<Tag> {
    let mut seen = HashSet::new();
    let mut tags = problems.each("tags", list, |tag, p| p.take(&[], Tag::parse(&tag)));
    tags.retain(|tag| seen.insert(tag.folded()));
    tags
}

/// Points with ids of their own; numbers without a country code are read as of `country`.
pub(super) fn points(
    list: Vec<ContactPointInput>,
    country: Option<Country>,
    fresh: &mut Fresh,
    problems: &mut Problems,
) -> Result<Vec<Point>, No> {
    let mut failed = None;
    let points = problems.each("points", list, |point, p| match point.parse(country, fresh, p) {
        Ok(point) => point,
        Err(no) => {
            failed = Some(no);
            None
        }
    });
    failed.map_or(Ok(points), Err)
}

impl Kind for contact::Rejection {
    fn kind(&self) -> ErrorCode {
        match self {
            Self::NotRegistered => ErrorCode::NotFound,
            Self::Erased => ErrorCode::Erased,
            Self::Lost => ErrorCode::Lost,
            Self::Fenced => ErrorCode::Fenced,
            Self::AlreadyRegistered => ErrorCode::Conflict,
            Self::NameMissing | Self::HoldOver | Self::Profile(_) => ErrorCode::Validation,
            Self::Point(domain::point::Rejection::Unknown) => ErrorCode::NotFound,
            Self::Point(_) => ErrorCode::Validation,
        }
    }

    fn path(&self) -> Vec<String> {
        match self {
            Self::HoldOver => vec!["holdUntil".into()],
            Self::Profile(rejection) => profile_path(*rejection),
            Self::Point(domain::point::Rejection::Unknown | domain::point::Rejection::Retired) => {
                vec!["pointId".into()]
            }
            _ => Vec::new(),
        }
    }
}

/// By what a list of contacts or organizations is sorted.
#[derive(async_graphql::Enum, Clone, Copy, PartialEq, Eq, Default)]
#[graphql(remote = "Sort", name = "Sort")]
pub enum SortBy {
    #[default]
    Name,
    Created,
    Changed,
}

/// Which contacts. What is left out is not asked.
#[derive(InputObject, Default)]
pub struct ContactFilter {
    pub organization_id: Option<ID>,
    /// With all of these.
    #[graphql(default)]
    pub tags: Vec<String>,
    pub source: Option<Source>,
    pub reason: Option<Reason>,
    pub created_from: Option<Time>,
    pub created_before: Option<Time>,
    pub changed_from: Option<Time>,
    pub changed_before: Option<Time>,
}

impl ContactFilter {
    pub(super) fn parse(self) -> async_graphql::Result<Filter> {
        let organization = self.organization_id.map(|id| id.parse().map_err(bad_request)).transpose()?;
        let tags = self.tags.iter().map(|tag| Tag::parse(tag).map_err(bad_request));
        Ok(Filter {
            organization,
            tags: tags.collect::<Result<_, _>>()?,
            source: self.source.map(Into::into),
            reason: self.reason.map(Into::into),
            created: Span { from: self.created_from.map(|at| at.0), until: self.created_before.map(|at| at.0) },
            changed: Span { from: self.changed_from.map(|at| at.0), until: self.changed_before.map(|at| at.0) },
            with_bin: false,
        })
    }
}

/// The queries of contacts.
#[derive(Default)]
pub struct ContactQuery;

#[Object]
impl ContactQuery {
    /// The contact with this id.
    async fn contact(&self, ctx: &Context<'_>, id: ID) -> async_graphql::Result<Option<Contact>> {
        let (app, _) = ctx.may_read("contact")?;
        let id = id.parse().map_err(bad_request)?;
        Ok(Contact::find(app, id))
    }

    /// Contacts, filtered (also by their person's consent of today) and sorted; or found by the beginnings of words of
    /// name, mail and phone. What is found stands in an order of its own: with `search`, `sortBy` and `descending` do not
    /// count.
    #[allow(clippy::too_many_arguments, reason = "arguments of a field")]
    async fn contacts(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        filter: Option<ContactFilter>,
        #[graphql(default)] sort_by: SortBy,
        #[graphql(default)] descending: bool,
        search: Option<String>,
        consent: Option<ConsentFilter>,
    ) -> async_graphql::Result<Connection<Opaque, Contact, EmptyFields, EmptyFields>> {
        let (app, _) = ctx.may_read("contacts")?;
        let cut = Paging { first, after, last, before }.cut()?;
        let filter = filter.unwrap_or_default().parse()?;
        let consent = consent.map(|consent| consent.parse(app)).transpose()?;
        let direction = if descending { Direction::Descending } else { Direction::Ascending };
        let views = app.ledger().views();
        let page = match (search.as_deref().map(str::trim).filter(|text| !text.is_empty()), &consent) {
            (Some(text), None) => views.find_contacts(text, &filter, &cut),
            (Some(text), Some(consent)) => views.find_contacts_by_consent(text, consent, &filter, &cut),
            (None, None) => views.contacts(&filter, sort_by.into(), direction, &cut),
            (None, Some(consent)) => views.contacts_by_consent(consent, &filter, sort_by.into(), direction, &cut),
        };
        let page = page.map(|page| read_page(ctx, &views, page));
        drop(views);
        connection(page)
    }
}

#[cfg(test)]
mod tests;
