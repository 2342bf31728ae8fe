//! Organizations: companies, offices, sole traders.

use std::sync::Arc;

use async_graphql::connection::{Connection, EmptyFields};
use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, SimpleObject};
use domain::event::{Stream, StreamKind};
use domain::holding::{Holding, HoldingChange};
use domain::id::OrganizationId;
use domain::organization::{self, Command, Field, Profile, ProfileChange};
use domain::owner::{Company, Owner};
use domain::profile::{self, Change, Dated};
use domain::suppression::DropPlace;
use domain::value::{Line, Tag, Text, Website};
use events::ledger::{Accepted, Fresh};
use projections::{Direction, Facts, Filter, OrganizationSheet, Span, TicketFilter, Views};

use super::connection::{Opaque, Paging, connection};
use super::contact::{self, Contact, SortBy, points, read_page, tags};
use super::history::{History, history};
use super::outcome::{Ask, ErrorCode, Kind, No, Problems, UserError, bad_request, envelope, payload};
use super::quote::{self, Quote, QuoteState, QuotesAsked};
use super::redaction::{self, BinMark, RedactionMark};
use super::scalars::{CommandId, Day, Time};
use super::suppression::check_suppressed;
use super::ticket::{self, Ticket, TicketState};
use super::values::{
    Address, AddressInput, Cause, ContactPoint, ContactPointInput, ErasureMark, OldIdInput, OldIdentity, Reason,
    SocialLink, SocialLinkInput, Source, change, profile_path,
};
use crate::app::{App, Envelope};
use crate::error::Failure;

/// How far up the parents of a parent are looked at.
const GENERATIONS: usize = 100;

/// One organization, as the views had it when it was asked for.
pub struct Organization {
    pub(super) id: OrganizationId,
    facts: Facts,
    /// The drawer's own packed form, as with contacts.
    sheet: Option<Box<[u8]>>,
}

impl Organization {
    /// The organization with this id, whether or not anything can still be read of it.
    pub fn find(app: &App, id: OrganizationId) -> Option<Self> {
        app.ledger().views().organization(id).map(Self::from)
    }

    /// The same for whoever registers organizations and may not read them.
    fn without_values(self) -> Self {
        Self { sheet: None, ..self }
    }

    fn sheet(&self) -> Option<OrganizationSheet<'_>> {
        self.sheet.as_deref().map(OrganizationSheet::from_bytes)
    }

    fn text(&self, field: Field) -> Option<&str> {
        self.sheet()?.text(field)
    }

    fn profile(&self) -> Option<Profile> {
        self.sheet().map(|sheet| sheet.profile())
    }
}

impl From<projections::Organization<'_>> for Organization {
    fn from(organization: projections::Organization<'_>) -> Self {
        let sheet = organization.sheet.map(|sheet| sheet.bytes().into());
        Self { id: organization.id, facts: *organization.facts, sheet }
    }
}

/// The organizations that the rows of one page name, each read once.
#[derive(Default)]
pub(super) struct Shared(Vec<(OrganizationId, Option<Arc<Organization>>)>);

impl Shared {
    /// This one, from the views or from an earlier row.
    pub fn take(&mut self, views: &Views, id: OrganizationId) -> Option<Arc<Organization>> {
        if let Some((_, known)) = self.0.iter().find(|(known, _)| *known == id) {
            return known.clone();
        }
        let read = views.organization(id).map(|organization| Arc::new(organization.into()));
        self.0.push((id, read.clone()));
        read
    }
}

/// A name that an organization had.
#[derive(SimpleObject)]
pub struct FormerName {
    pub name: String,
    /// Its first day, where known.
    pub from: Option<Day>,
    /// Its last day.
    pub until: Option<Day>,
}

impl From<Dated<Line>> for FormerName {
    fn from(dated: Dated<Line>) -> Self {
        Self { name: dated.value.into_string(), from: dated.from.map(Day), until: dated.until.map(Day) }
    }
}

/// An address that held, or holds, for a time.
#[derive(SimpleObject)]
pub struct DatedAddress {
    pub address: Address,
    /// Its first day, where known.
    pub from: Option<Day>,
    /// Its last day, where it is over.
    pub until: Option<Day>,
}

impl From<Dated<profile::Address>> for DatedAddress {
    fn from(dated: Dated<profile::Address>) -> Self {
        Self { address: dated.value.into(), from: dated.from.map(Day), until: dated.until.map(Day) }
    }
}

/// An organization. What is personal is null once it is erased, and `erasure` says why.
#[Object]
impl Organization {
    /// `organization_…`
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
    async fn erasure(&self, ctx: &Context<'_>) -> Option<async_graphql::Result<ErasureMark>> {
        if self.sheet.is_some() {
            return None;
        }
        let mark = ctx.app().map(|app| app.erasure_of(&self.id.0).map_err(Into::into));
        mark.and_then(|mark| mark).transpose()
    }
    /// What it is called now.
    async fn name(&self) -> Option<&str> {
        self.text(Field::Name)
    }
    /// What it was called before.
    async fn former_names(&self) -> Option<Vec<FormerName>> {
        Some(self.profile()?.former_names.into_iter().map(Into::into).collect())
    }
    /// Where invoices go.
    async fn invoice_address(&self) -> Option<Address> {
        self.profile()?.invoice_address.map(Address::from)
    }
    /// Where invoices went before.
    async fn former_invoice_addresses(&self) -> Option<Vec<DatedAddress>> {
        Some(self.profile()?.former_invoice_addresses.into_iter().map(Into::into).collect())
    }
    /// Every place that goods were or are delivered to.
    async fn delivery_addresses(&self) -> Option<Vec<DatedAddress>> {
        Some(self.profile()?.delivery_addresses.into_iter().map(Into::into).collect())
    }
    async fn website(&self) -> Option<&str> {
        self.text(Field::Website)
    }
    /// The organization it belongs to.
    async fn parent(&self, ctx: &Context<'_>) -> Option<async_graphql::Result<Organization>> {
        let id = self.sheet()?.parent()?;
        ctx.may_read("organization").map(|(app, _)| Self::find(app, id)).transpose()
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
    async fn source_words(&self) -> Option<&str> {
        self.text(Field::SourceWords)
    }
    async fn reason_words(&self) -> Option<&str> {
        self.text(Field::ReasonWords)
    }
    /// By what a former system knew it.
    async fn old_id(&self) -> Option<OldIdentity> {
        self.profile()?.old_id.map(OldIdentity::from)
    }
    /// The ways to reach it, retired ones too.
    async fn points(&self) -> Option<Vec<ContactPoint>> {
        Some(self.sheet()?.points().map(ContactPoint::from).collect())
    }
    /// What was redacted of it, and what waits for that, while it can be read.
    async fn redactions(&self, ctx: &Context<'_>) -> async_graphql::Result<Vec<RedactionMark>> {
        Ok(redaction::marks(ctx.app()?, Stream { kind: StreamKind::Organization, id: self.id.0 }))
    }
    /// That it lies in the recycle bin, when it does.
    async fn bin(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<BinMark>> {
        Ok(redaction::bin(ctx.app()?, Stream { kind: StreamKind::Organization, id: self.id.0 }))
    }
    /// What happened to it, record by record, oldest first.
    async fn history(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Option<async_graphql::Result<History>> {
        let stream = Stream { kind: StreamKind::Organization, id: self.id.0 };
        history(ctx, stream, Paging { first, after, last, before }).await.transpose()
    }
    /// The people who work for it.
    #[allow(clippy::too_many_arguments, reason = "arguments of a field")]
    async fn contacts(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        #[graphql(default)] sort_by: SortBy,
        #[graphql(default)] descending: bool,
    ) -> Option<async_graphql::Result<Connection<Opaque, Contact, EmptyFields, EmptyFields>>> {
        let paging = Paging { first, after, last, before };
        Some(self.people(ctx, &paging, sort_by, descending))
    }
    /// What it asked us, by when.
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
        let filter = TicketFilter { organization: Some(self.id), status, ..TicketFilter::default() };
        Some(ticket::page(ctx, &Paging { first, after, last, before }, &filter, descending))
    }
    /// What we offered it, by when.
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
        let asked = QuotesAsked { organization_id: Some(ID(self.id.to_string())), state, ..QuotesAsked::default() };
        Some(quote::page(ctx, &Paging { first, after, last, before }, &asked, descending))
    }
}

impl Organization {
    fn people(
        &self,
        ctx: &Context<'_>,
        paging: &Paging,
        sort_by: SortBy,
        descending: bool,
    ) -> async_graphql::Result<Connection<Opaque, Contact, EmptyFields, EmptyFields>> {
        let (app, _) = ctx.may_read("contacts")?;
        let cut = paging.cut()?;
        let filter = Filter { organization: Some(self.id), ..Filter::default() };
        let views = app.ledger().views();
        let page = views.contacts(&filter, sort_by.into(), direction(descending), &cut);
        let page = page.map(|page| read_page(ctx, &views, page));
        drop(views);
        connection(page)
    }
}

/// Which way a list goes.
pub(super) fn direction(descending: bool) -> Direction {
    if descending { Direction::Descending } else { Direction::Ascending }
}

payload! {
    /// What became of a change to an organization. Who may not read organizations gets it without anything personal.
    OrganizationPayload { organization: Organization }
}

/// A name that an organization had.
#[derive(InputObject)]
pub struct FormerNameInput {
    pub name: String,
    pub from: Option<Day>,
    pub until: Option<Day>,
}

impl FormerNameInput {
    fn parse(self, problems: &mut Problems) -> Option<Dated<Line>> {
        let value = problems.take(&["name"], Line::parse(&self.name))?;
        Some(Dated { value, from: self.from.map(|day| day.0), until: self.until.map(|day| day.0) })
    }
}

/// An address that held, or holds, for a time.
#[derive(InputObject)]
pub struct DatedAddressInput {
    pub address: AddressInput,
    pub from: Option<Day>,
    pub until: Option<Day>,
}

impl DatedAddressInput {
    fn parse(self, kept: &[&profile::Address], problems: &mut Problems) -> Dated<profile::Address> {
        let value = problems.inside(&["address"], |p| self.address.parse(kept, p));
        Dated { value, from: self.from.map(|day| day.0), until: self.until.map(|day| day.0) }
    }
}

/// What an organization is registered with. A source, a reason to hold it and a name are required.
#[derive(InputObject)]
pub struct RegisterOrganizationInput {
    pub source: Source,
    pub source_words: Option<String>,
    pub reason: Reason,
    pub reason_words: Option<String>,
    pub hold_until: Option<Day>,
    pub name: String,
    #[graphql(default)]
    pub former_names: Vec<FormerNameInput>,
    pub invoice_address: Option<AddressInput>,
    #[graphql(default)]
    pub former_invoice_addresses: Vec<DatedAddressInput>,
    #[graphql(default)]
    pub delivery_addresses: Vec<DatedAddressInput>,
    pub website: Option<String>,
    /// The organization it belongs to.
    pub parent_id: Option<ID>,
    #[graphql(default)]
    pub social_links: Vec<SocialLinkInput>,
    pub notes: Option<String>,
    #[graphql(default)]
    pub tags: Vec<String>,
    pub old_id: Option<OldIdInput>,
    #[graphql(default)]
    pub points: Vec<ContactPointInput>,
    pub effective_at: Option<Time>,
    pub command_id: Option<CommandId>,
}

/// What becomes of an organization's fields: left out stays, `null` clears. With the reason `CHANGE`, a name or invoice
/// address that is left behind joins the former ones, and a delivery address that leaves the list stays in it as over.
/// Contact points are given when it is registered (an import adds and retires them later); they do not change here.
#[derive(InputObject)]
pub struct ChangeOrganizationInput {
    pub organization_id: ID,
    /// Whether it was wrong or has changed.
    pub reason: Cause,
    pub source: Option<Source>,
    pub hold_reason: Option<Reason>,
    pub hold_until: MaybeUndefined<Day>,
    pub name: MaybeUndefined<String>,
    pub former_names: MaybeUndefined<Vec<FormerNameInput>>,
    pub invoice_address: MaybeUndefined<AddressInput>,
    pub former_invoice_addresses: MaybeUndefined<Vec<DatedAddressInput>>,
    pub delivery_addresses: MaybeUndefined<Vec<DatedAddressInput>>,
    pub website: MaybeUndefined<String>,
    pub parent_id: MaybeUndefined<ID>,
    pub social_links: MaybeUndefined<Vec<SocialLinkInput>>,
    pub notes: MaybeUndefined<String>,
    pub tags: MaybeUndefined<Vec<String>>,
    pub source_words: MaybeUndefined<String>,
    pub reason_words: MaybeUndefined<String>,
    pub effective_at: Option<Time>,
    pub expected_revision: Option<u64>,
    pub command_id: Option<CommandId>,
}

/// The mutations of organizations.
#[derive(Default)]
pub struct OrganizationMutation;

#[Object]
impl OrganizationMutation {
    /// An organization comes in.
    async fn register_organization(
        &self,
        ctx: &Context<'_>,
        input: RegisterOrganizationInput,
    ) -> async_graphql::Result<OrganizationPayload> {
        OrganizationPayload::of(register(ctx, input).await)
    }

    /// Some of an organization becomes other.
    async fn change_organization(
        &self,
        ctx: &Context<'_>,
        input: ChangeOrganizationInput,
    ) -> async_graphql::Result<OrganizationPayload> {
        OrganizationPayload::of(change_organization(ctx, input).await)
    }
}

type Done = Result<(Organization, Accepted), No>;

async fn register(ctx: &Context<'_>, input: RegisterOrganizationInput) -> Done {
    let (app, _) = ctx.may("registerOrganization")?;
    let envelope = envelope(input.command_id, None, input.effective_at);
    let holding = Holding {
        source: input.source.into(),
        reason: input.reason.into(),
        hold_until: input.hold_until.map(|day| day.0),
    };
    let (mut fresh, mut problems) = (Fresh::new(), Problems::default());
    let id: OrganizationId = fresh.id().map_err(Failure::internal)?;
    let subject = fresh.id().map_err(Failure::internal)?;
    let is_retry = app.is_repeated(&envelope);
    let parent = input.parent_id.map(|parent| problems.found(parent_of(app, id, &parent, |_| is_retry)));
    let parent = parent.transpose()?.flatten();
    let p = &mut problems;
    let mut profile = Profile {
        name: p.take(&["name"], Line::parse(&input.name)),
        former_names: p.each("formerNames", input.former_names, FormerNameInput::parse),
        invoice_address: input.invoice_address.map(|address| invoiced(address, &[], p)),
        former_invoice_addresses: dated(input.former_invoice_addresses, "formerInvoiceAddresses", &[], p),
        delivery_addresses: dated(input.delivery_addresses, "deliveryAddresses", &[], p),
        website: input.website.and_then(|page| p.take(&["website"], Website::parse(&page))),
        parent,
        social_links: p.each("socialLinks", input.social_links, SocialLinkInput::parse),
        notes: input.notes.and_then(|text| p.take(&["notes"], Text::parse(&text))),
        tags: tags(input.tags, p),
        source_words: input.source_words.and_then(|text| p.take(&["sourceWords"], Text::parse(&text))),
        reason_words: input.reason_words.and_then(|text| p.take(&["reasonWords"], Text::parse(&text))),
        old_id: input.old_id.and_then(|old| p.inside(&["oldId"], |p| old.parse(p))),
        points: Vec::new(),
    };
    let country = profile.invoice_address.as_ref().and_then(|address| address.country_code);
    profile.points = points(input.points, country, &mut fresh, p)?;
    problems.end()?;
    if !is_retry {
        check_suppressed(app, &profile.points, DropPlace::Registration).await?;
    }
    let command =
        Command::Register { subject, holding, profile: Box::new(profile), policy: app.kept.organizations.clone() };
    submit(ctx, "registerOrganization", id, command, envelope, fresh).await
}

async fn change_organization(ctx: &Context<'_>, input: ChangeOrganizationInput) -> Done {
    let (app, _) = ctx.may("changeOrganization")?;
    let id = organization_id(&input.organization_id)?;
    let envelope = envelope(input.command_id, input.expected_revision, input.effective_at);
    let holding = HoldingChange {
        source: input.source.map(Into::into),
        reason: input.hold_reason.map(Into::into),
        hold_until: change(input.hold_until, |day| Some(day.0)),
    };
    // The state knows no values: what is so already is left out here, against the view.
    let met = envelope.command_id.map(|command| app.met_by(command, id.0)).transpose()?.flatten();
    let known = met.map_or_else(|| Organization::find(app, id), |views| views.organization(id).map(Organization::from));
    let current = known.and_then(|organization| organization.profile());
    let mut problems = Problems::default();
    let above = current.as_ref().and_then(|current| current.parent);
    let parent = match input.parent_id {
        MaybeUndefined::Value(parent) => {
            let settled = |id| above == Some(id) || app.is_repeated(&envelope);
            problems.found(parent_of(app, id, &parent, settled))?.map_or(Change::Keep, Change::Set)
        }
        other => change(other, |_| None),
    };
    let kept: Vec<_> = current.iter().flat_map(addresses).collect();
    let p = &mut problems;
    let mut profile = ProfileChange {
        name: change(input.name, |text| p.take(&["name"], Line::parse(&text))),
        former_names: change(input.former_names, |names| Some(p.each("formerNames", names, FormerNameInput::parse))),
        invoice_address: change(input.invoice_address, |address| Some(invoiced(address, &kept, p))),
        former_invoice_addresses: change(input.former_invoice_addresses, |list| {
            Some(dated(list, "formerInvoiceAddresses", &kept, p))
        }),
        delivery_addresses: change(input.delivery_addresses, |list| Some(dated(list, "deliveryAddresses", &kept, p))),
        website: change(input.website, |page| p.take(&["website"], Website::parse(&page))),
        parent,
        social_links: change(input.social_links, |links| Some(p.each("socialLinks", links, SocialLinkInput::parse))),
        notes: change(input.notes, |text| p.take(&["notes"], Text::parse(&text))),
        tags: change(input.tags, |list| Some(tags(list, p))),
        source_words: change(input.source_words, |text| p.take(&["sourceWords"], Text::parse(&text))),
        reason_words: change(input.reason_words, |text| p.take(&["reasonWords"], Text::parse(&text))),
        old_id: Change::Keep,
    };
    problems.end()?;
    if let Some(current) = current {
        profile = profile.differing(&current);
    }
    let command = Command::Change {
        cause: input.reason.into(),
        holding,
        profile: Box::new(profile),
        policy: app.kept.organizations.clone(),
    };
    submit(ctx, "changeOrganization", id, command, envelope, Fresh::new()).await
}

fn invoiced(address: AddressInput, kept: &[&profile::Address], problems: &mut Problems) -> profile::Address {
    problems.inside(&["invoiceAddress"], |p| address.parse(kept, p))
}

fn dated(
    list: Vec<DatedAddressInput>,
    field: &str,
    kept: &[&profile::Address],
    problems: &mut Problems,
) -> Vec<Dated<profile::Address>> {
    problems.each(field, list, |address, p| Some(address.parse(kept, p)))
}

/// Every address that is held of it.
fn addresses(profile: &Profile) -> impl Iterator<Item = &profile::Address> {
    let dated = profile.former_invoice_addresses.iter().chain(&profile.delivery_addresses);
    profile.invoice_address.iter().chain(dated.map(|dated| &dated.value))
}

async fn submit(
    ctx: &Context<'_>,
    operation: &'static str,
    id: OrganizationId,
    command: Command,
    envelope: Envelope,
    fresh: Fresh,
) -> Done {
    let (app, viewer) = ctx.may(operation)?;
    let accepted = app.submit::<organization::Organization>(viewer, id.0, command, envelope, fresh).await?;
    let found = Organization::find(app, OrganizationId(accepted.stream.id));
    let organization = found.ok_or_else(|| Failure::internal("an organization that the views do not have"))?;
    Ok((if viewer.may("organization") { organization } else { organization.without_values() }, accepted))
}

/// An organization's id as an input gives it.
pub(super) fn organization_id(text: &str) -> Result<OrganizationId, No> {
    text.parse().map_err(|wrong| UserError::at(&["organizationId"], wrong).into())
}

/// Whose data an organization is, for a command that is about it.
pub(super) fn company(app: &App, text: &str) -> Result<Company, No> {
    let organization = organization_id(text)?;
    let (_, state) = app.ledger().state::<organization::Organization>(&organization.0).map_err(Failure::from)?;
    let rejection = match state.owner() {
        Owner::Subject(subject) => return Ok(Company { subject, organization }),
        Owner::Gone(gone) => gone.into(),
        Owner::Nobody => organization::Rejection::NotRegistered,
    };
    Err(UserError::of(&["organizationId"], rejection).into())
}

/// The organization that another one belongs to: there is one, and it does not belong to that one itself.
fn parent_of(
    app: &App,
    child: OrganizationId,
    text: &str,
    settled: impl Fn(OrganizationId) -> bool,
) -> Result<OrganizationId, No> {
    let parent = contact::organization(app, text, "parentId", settled)?;
    let views = app.ledger().views();
    let up = |id: &OrganizationId| views.organization(*id)?.sheet?.parent();
    if std::iter::successors(Some(parent), up).take(GENERATIONS).any(|above| above == child) {
        return Err(UserError::at(&["parentId"], "an organization cannot belong to itself").into());
    }
    Ok(parent)
}

impl Kind for organization::Rejection {
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

/// Which organizations. What is left out is not asked.
#[derive(InputObject, Default)]
pub struct OrganizationFilter {
    /// That belong to this one.
    pub parent_id: Option<ID>,
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

impl OrganizationFilter {
    fn parse(self) -> async_graphql::Result<Filter> {
        let tags = self.tags.iter().map(|tag| Tag::parse(tag).map_err(bad_request));
        Ok(Filter {
            organization: self.parent_id.map(|id| id.parse().map_err(bad_request)).transpose()?,
            tags: tags.collect::<Result<_, _>>()?,
            source: self.source.map(Into::into),
            reason: self.reason.map(Into::into),
            created: Span { from: self.created_from.map(|at| at.0), until: self.created_before.map(|at| at.0) },
            changed: Span { from: self.changed_from.map(|at| at.0), until: self.changed_before.map(|at| at.0) },
            with_bin: false,
        })
    }
}

/// The queries of organizations.
#[derive(Default)]
pub struct OrganizationQuery;

#[Object]
impl OrganizationQuery {
    /// The organization with this id.
    async fn organization(&self, ctx: &Context<'_>, id: ID) -> async_graphql::Result<Option<Organization>> {
        let (app, _) = ctx.may_read("organization")?;
        let id = id.parse().map_err(bad_request)?;
        Ok(Organization::find(app, id))
    }

    /// Organizations, filtered and sorted; or found by the beginnings of words of name, mail and phone. What is found
    /// stands in an order of its own: with `search`, `sortBy` and `descending` do not count.
    #[allow(clippy::too_many_arguments, reason = "arguments of a field")]
    async fn organizations(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        filter: Option<OrganizationFilter>,
        #[graphql(default)] sort_by: SortBy,
        #[graphql(default)] descending: bool,
        search: Option<String>,
    ) -> async_graphql::Result<Connection<Opaque, Organization, EmptyFields, EmptyFields>> {
        let (app, _) = ctx.may_read("organizations")?;
        let cut = Paging { first, after, last, before }.cut()?;
        let filter = filter.unwrap_or_default().parse()?;
        let views = app.ledger().views();
        let page = match search.as_deref().map(str::trim).filter(|text| !text.is_empty()) {
            Some(text) => views.find_organizations(text, &filter, &cut),
            None => views.organizations(&filter, sort_by.into(), direction(descending), &cut),
        };
        let page = page.map(|page| page.map(|found| (found.cursor(), Organization::from(found))));
        drop(views);
        connection(page)
    }
}

#[cfg(test)]
mod tests;
