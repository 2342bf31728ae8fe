//! Quotes: what we offer for how much, in numbered versions, and what became of it.

use async_graphql::connection::{Connection, EmptyFields};
use async_graphql::{Context, Enum, ID, InputObject, Object, SimpleObject};
use domain::compartment::Country;
use domain::event::{Stream, StreamKind};
use domain::id::{ActorId, ContactId, OrganizationId, QuoteId};
use domain::quote::{self, Command, Item, Offer, PricedItem, Rejection, Terms, Texts};
use domain::value::{BasisPoints, Currency, Line, Text};
use events::ledger::{Accepted, Fresh, Refused};
use projections::{Cursor, QuoteFilter, Version};

use super::actor::Actor;
use super::connection::{Opaque, Paging, connection, cut_list};
use super::contact::{Contact, person};
use super::history::{History, history};
use super::organization::{Organization, company, direction};
use super::outcome::{Ask, ErrorCode, Kind, No, Problems, UserError, bad_request, envelope, payload};
use super::redaction::{self, BinMark, RedactionMark};
use super::scalars::{CommandId, Day, Int64, Time};
use super::values::{Address, ErasureMark};
use crate::app::{App, Envelope};
use crate::error::Failure;

/// How a quote stands today.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "quote::Status")]
pub enum QuoteState {
    Draft,
    Sent,
    Expired,
    Accepted,
    Rejected,
}

/// Sums in minor units of a currency: 1999 EUR with 2 decimals are 19.99 €.
#[derive(SimpleObject)]
pub struct Amounts {
    /// Without tax, discount taken off.
    pub net_minor: Int64,
    pub tax_minor: Int64,
    /// Both together.
    pub gross_minor: Int64,
    /// Three letters of ISO 4217.
    pub currency: String,
    /// How many decimal places the minor unit stands for.
    pub decimals: u32,
}

impl Amounts {
    fn of(amounts: quote::Amounts, currency: Currency) -> Self {
        Self {
            net_minor: Int64(amounts.net_minor),
            tax_minor: Int64(amounts.tax_minor),
            gross_minor: Int64(amounts.gross_minor),
            currency: currency.to_string(),
            decimals: currency.decimals(),
        }
    }
}

/// A line of a quote. What is offered is null once it is erased; the numbers stay.
#[derive(SimpleObject)]
pub struct QuoteLine {
    pub description: Option<String>,
    /// How many, in thousandths: 1500 are one and a half.
    pub quantity_milli: Int64,
    /// For one, in minor units.
    pub unit_price_minor: Int64,
    /// What is taken off, in hundredths of a percent.
    pub discount_basis_points: u16,
    /// What is put on, in hundredths of a percent.
    pub tax_basis_points: u16,
    pub amounts: Amounts,
}

impl QuoteLine {
    fn of(PricedItem { item, amounts }: &PricedItem, currency: Currency, description: Option<&Line>) -> Self {
        Self {
            description: description.map(|line| line.as_str().to_owned()),
            // Never above the limit of a line, which fits.
            quantity_milli: Int64(item.quantity_milli.cast_signed()),
            unit_price_minor: Int64(item.unit_price_minor),
            discount_basis_points: item.discount.get(),
            tax_basis_points: item.tax.get(),
            amounts: Amounts::of(*amounts, currency),
        }
    }
}

/// One version of a quote, as the views had it when it was asked for.
pub struct QuoteVersion {
    number: u32,
    terms: Terms,
    actor: ActorId,
    at: domain::time::Time,
    texts: Option<Texts>,
    reason: Option<String>,
}

impl QuoteVersion {
    fn of(quote: &projections::Quote<'_>, number: u32, version: &Version) -> Self {
        Self {
            number,
            terms: version.terms.clone(),
            actor: version.actor,
            at: version.at,
            texts: quote.texts(number).cloned(),
            reason: quote.reason(number).map(|reason| reason.as_str().to_owned()),
        }
    }
}

/// One version of a quote. Its words are null once they are erased; its numbers stay.
#[Object]
impl QuoteVersion {
    /// From 1.
    async fn number(&self) -> u32 {
        self.number
    }
    /// Who made it.
    async fn author(&self, ctx: &Context<'_>) -> Option<async_graphql::Result<Actor>> {
        ctx.app().map(|app| Actor::find(app, self.actor)).transpose()
    }
    async fn made_at(&self) -> Time {
        Time(self.at)
    }
    /// The last day it can be accepted.
    async fn valid_until(&self) -> Day {
        Day(self.terms.valid_until)
    }
    /// What it is about, in one line.
    async fn title(&self) -> Option<&str> {
        self.texts.as_ref()?.title.as_ref().map(Line::as_str)
    }
    async fn lines(&self) -> Vec<QuoteLine> {
        let descriptions = self.texts.as_ref().map_or(&[][..], |texts| &texts.descriptions);
        let descriptions = descriptions.iter().map(Some).chain(std::iter::repeat(None));
        let currency = self.terms.currency;
        let lines = self.terms.items.iter().zip(descriptions);
        lines.map(|(item, description)| QuoteLine::of(item, currency, description)).collect()
    }
    async fn total(&self) -> Amounts {
        Amounts::of(self.terms.total, self.terms.currency)
    }
    /// Terms and other words below the lines.
    async fn notes(&self) -> Option<&str> {
        self.texts.as_ref()?.notes.as_ref().map(Text::as_str)
    }
    /// Why it was rejected, in their words.
    async fn rejection_reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }
}

/// One quote with the version that counts, as the views had it when it was asked for.
pub struct Quote {
    pub(super) id: QuoteId,
    drafted_at: domain::time::Time,
    changed_at: domain::time::Time,
    revision: u64,
    state: QuoteState,
    sent: Option<(u32, domain::time::Time)>,
    accepted: Option<u32>,
    answered_at: Option<domain::time::Time>,
    contact: Option<ContactId>,
    organization: Option<OrganizationId>,
    standing: Option<QuoteVersion>,
    voucher: Option<Voucher>,
}

/// What an invoice needs of an accepted quote. Amounts stand in `accepted`.
#[derive(SimpleObject)]
pub struct Voucher {
    /// The name of whom it is for.
    recipient: Option<String>,
    /// Where the invoice goes.
    address: Option<Address>,
    title: Option<String>,
    /// What was offered on each line, in their order.
    descriptions: Vec<String>,
}

impl From<&quote::Voucher> for Voucher {
    fn from(voucher: &quote::Voucher) -> Self {
        let own = |line: &Line| line.as_str().to_owned();
        Self {
            recipient: voucher.recipient.as_ref().map(own),
            address: voucher.address.clone().map(Address::from),
            title: voucher.texts.title.as_ref().map(own),
            descriptions: voucher.texts.descriptions.iter().map(own).collect(),
        }
    }
}

type Versions = Connection<Opaque, QuoteVersion, EmptyFields, EmptyFields>;

impl Quote {
    /// The quote with this id as it stands today, whether or not anything can still be read of it.
    pub fn find(app: &App, id: QuoteId) -> Option<Self> {
        let today = app.now().day();
        app.ledger().views().quote(id).map(|quote| Self::of(&quote, today))
    }

    fn of(quote: &projections::Quote<'_>, today: domain::time::Day) -> Self {
        let facts = quote.facts;
        let number = facts.standing();
        Self {
            id: quote.id,
            drafted_at: facts.drafted_at,
            changed_at: facts.changed_at,
            revision: facts.revision,
            state: facts.status(today).into(),
            sent: facts.sent,
            accepted: facts.accepted,
            answered_at: facts.answered_at,
            contact: quote.contact(),
            organization: quote.organization(),
            standing: facts.version(number).map(|version| QuoteVersion::of(quote, number, version)),
            voucher: quote.voucher().map(Voucher::from),
        }
    }

    fn made(&self, app: &App, paging: &Paging) -> async_graphql::Result<Versions> {
        let cut = paging.cut()?;
        let views = app.ledger().views();
        let Some(quote) = views.quote(self.id) else {
            return Err(Failure::internal("a quote that the views do not have").into());
        };
        let known = &quote.facts.versions;
        let number = |cursor: &Cursor| known.iter().position(|version| version.position == cursor.position);
        let page = cut_list(known, &cut, number).map(|page| {
            page.map(|(index, version)| {
                let cursor = Cursor { id: self.id.0, position: version.position, at: version.at };
                let number = u32::try_from(index + 1).unwrap_or(u32::MAX);
                (cursor, QuoteVersion::of(&quote, number, version))
            })
        });
        drop(views);
        connection(page)
    }
}

/// A quote. Its words and whom it is for are null once they are erased, and `erasure` says why; amounts and states stay.
#[Object]
impl Quote {
    /// `quote_…`
    pub(super) async fn id(&self) -> ID {
        ID(self.id.to_string())
    }
    /// What was redacted of it, and what waits for that, while it can be read.
    async fn redactions(&self, ctx: &Context<'_>) -> async_graphql::Result<Vec<RedactionMark>> {
        Ok(redaction::marks(ctx.app()?, Stream { kind: StreamKind::Quote, id: self.id.0 }))
    }
    /// That it lies in the recycle bin, when it does.
    async fn bin(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<BinMark>> {
        Ok(redaction::bin(ctx.app()?, Stream { kind: StreamKind::Quote, id: self.id.0 }))
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
        let stream = Stream { kind: StreamKind::Quote, id: self.id.0 };
        history(ctx, stream, Paging { first, after, last, before }).await.transpose()
    }
    /// For `expectedRevision`.
    async fn revision(&self) -> u64 {
        self.revision
    }
    async fn drafted_at(&self) -> Time {
        Time(self.drafted_at)
    }
    async fn changed_at(&self) -> Time {
        Time(self.changed_at)
    }
    /// As of today: a sent quote whose last day is over is expired.
    async fn state(&self) -> QuoteState {
        self.state
    }
    /// The number of the version that counts: the accepted one, else the last.
    async fn version(&self) -> u32 {
        self.standing.as_ref().map_or(0, |version| version.number)
    }
    /// The version that counts: the accepted one, also where a later draft was never sent; else the last.
    async fn last_version(&self) -> Option<&QuoteVersion> {
        self.standing.as_ref()
    }
    /// All versions, the first at the front.
    async fn versions(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Option<async_graphql::Result<Versions>> {
        let paging = Paging { first, after, last, before };
        Some(ctx.app().and_then(|app| self.made(app, &paging)))
    }
    /// Which version was sent last.
    async fn sent_version(&self) -> Option<u32> {
        self.sent.map(|(version, _)| version)
    }
    async fn sent_at(&self) -> Option<Time> {
        self.sent.map(|(_, at)| Time(at))
    }
    /// Which version was accepted.
    async fn accepted_version(&self) -> Option<u32> {
        self.accepted
    }
    /// What was accepted; it never changes.
    async fn accepted(&self) -> Option<&QuoteVersion> {
        self.standing.as_ref().filter(|_| self.accepted.is_some())
    }
    /// When it was accepted or rejected.
    async fn answered_at(&self) -> Option<Time> {
        self.answered_at.map(Time)
    }
    /// Why something of it cannot be read, when it cannot: its words, who asked, or for whom.
    async fn erasure(&self, ctx: &Context<'_>) -> Option<async_graphql::Result<ErasureMark>> {
        let words = self.standing.as_ref().is_some_and(|version| version.texts.is_some());
        if words && self.contact.is_some() && self.organization.is_some() {
            return None;
        }
        let mark = ctx.app().map(|app| app.erasure_of(&self.id.0).map_err(Into::into));
        mark.and_then(|mark| mark).transpose()
    }
    /// What is kept of it for the tax office once it is accepted, under a key of its own: it outlives the rest.
    async fn voucher(&self) -> Option<&Voucher> {
        self.voucher.as_ref()
    }
    /// Who asks.
    async fn contact(&self, ctx: &Context<'_>) -> Option<async_graphql::Result<Contact>> {
        let id = self.contact?;
        ctx.may_read("contact").map(|(app, _)| Contact::find(app, id)).transpose()
    }
    /// For which organization.
    async fn organization(&self, ctx: &Context<'_>) -> Option<async_graphql::Result<Organization>> {
        let id = self.organization?;
        ctx.may_read("organization").map(|(app, _)| Organization::find(app, id)).transpose()
    }
}

/// A part of the list of quotes, by when they were drafted.
pub(super) fn page(
    ctx: &Context<'_>,
    paging: &Paging,
    asked: &QuotesAsked,
    descending: bool,
) -> async_graphql::Result<Connection<Opaque, Quote, EmptyFields, EmptyFields>> {
    let (app, _) = ctx.may_read("quotes")?;
    let (cut, today) = (paging.cut()?, app.now().day());
    let filter = QuoteFilter {
        status: asked.state.map(|state| (state.into(), today)),
        contact: asked.contact_id.as_ref().map(|id| id.parse().map_err(bad_request)).transpose()?,
        organization: asked.organization_id.as_ref().map(|id| id.parse().map_err(bad_request)).transpose()?,
    };
    let views = app.ledger().views();
    let page = views.quotes(&filter, direction(descending), &cut);
    let page = page.map(|page| page.map(|quote| (quote.cursor(), Quote::of(&quote, today))));
    drop(views);
    connection(page)
}

payload! {
    /// What became of a change to a quote.
    QuotePayload { quote: Quote }
}

/// A line of a quote.
#[derive(InputObject)]
pub struct QuoteLineInput {
    /// What is offered.
    pub description: String,
    /// How many, in thousandths: 1500 are one and a half.
    pub quantity_milli: Int64,
    /// For one, in minor units; negative for what is given back.
    pub unit_price_minor: Int64,
    /// What is taken off, in hundredths of a percent.
    #[graphql(default)]
    pub discount_basis_points: u32,
    /// What is put on, in hundredths of a percent: 1900 are 19 %.
    pub tax_basis_points: u32,
}

/// One version of a quote. Amounts are computed from it: each line is rounded by itself, and totals are sums of lines.
#[derive(InputObject)]
pub struct OfferInput {
    /// Three letters of ISO 4217.
    pub currency: String,
    /// The last day it can be accepted.
    pub valid_until: Day,
    /// What it is about, in one line.
    pub title: Option<String>,
    pub lines: Vec<QuoteLineInput>,
    /// Terms and other words below the lines.
    pub notes: Option<String>,
}

impl OfferInput {
    fn parse(self) -> Result<Offer, No> {
        let mut problems = Problems::default();
        let p = &mut problems;
        let currency = p.take(&["offer", "currency"], Currency::parse(&self.currency));
        let title = self.title.and_then(|title| p.take(&["offer", "title"], Line::parse(&title)));
        let notes = self.notes.and_then(|notes| p.take(&["offer", "notes"], Text::parse(&notes)));
        let lines = p.inside(&["offer"], |p| p.each("lines", self.lines, QuoteLineInput::parse));
        let (items, descriptions) = lines.into_iter().unzip();
        problems.end()?;
        let Some(currency) = currency else { return Err(Failure::internal("a currency without a problem").into()) };
        Ok(Offer { currency, valid_until: self.valid_until.0, items, texts: Texts { title, descriptions, notes } })
    }
}

impl QuoteLineInput {
    fn parse(self, problems: &mut Problems) -> Option<(Item, Line)> {
        let description = problems.take(&["description"], Line::parse(&self.description));
        let discount = problems.take(&["discountBasisPoints"], BasisPoints::new(self.discount_basis_points));
        let tax = problems.take(&["taxBasisPoints"], BasisPoints::new(self.tax_basis_points));
        // A quantity below 0 is refused with those that are too large.
        let quantity_milli = u64::try_from(self.quantity_milli.0).unwrap_or(u64::MAX);
        let unit_price_minor = self.unit_price_minor.0;
        Some((Item { quantity_milli, unit_price_minor, discount: discount?, tax: tax? }, description?))
    }
}

/// The first version of a quote. A contact, an organization or both say for whom.
#[derive(InputObject)]
pub struct DraftQuoteInput {
    pub contact_id: Option<ID>,
    pub organization_id: Option<ID>,
    pub offer: OfferInput,
    pub effective_at: Option<Time>,
    pub command_id: Option<CommandId>,
}

/// The next version of a quote. What was sent stays as it was.
#[derive(InputObject)]
pub struct ReviseQuoteInput {
    pub quote_id: ID,
    pub offer: OfferInput,
    pub effective_at: Option<Time>,
    pub expected_revision: Option<u64>,
    pub command_id: Option<CommandId>,
}

/// A version that went out: the last one.
#[derive(InputObject)]
pub struct MarkQuoteSentInput {
    pub quote_id: ID,
    pub version: u32,
    pub effective_at: Option<Time>,
    pub expected_revision: Option<u64>,
    pub command_id: Option<CommandId>,
}

/// They take it: the version that was sent last, up to its last day.
#[derive(InputObject)]
pub struct AcceptQuoteInput {
    pub quote_id: ID,
    pub version: u32,
    /// Whose tax law keeps a copy of what an invoice needs: two letters of ISO 3166-1. Needed only where the register has
    /// fiscal retentions of several countries.
    pub fiscal_country: Option<String>,
    pub effective_at: Option<Time>,
    pub expected_revision: Option<u64>,
    pub command_id: Option<CommandId>,
}

/// They do not.
#[derive(InputObject)]
pub struct RejectQuoteInput {
    pub quote_id: ID,
    pub version: u32,
    /// Why, in their words.
    pub reason: Option<String>,
    pub effective_at: Option<Time>,
    pub expected_revision: Option<u64>,
    pub command_id: Option<CommandId>,
}

/// The mutations of quotes.
#[derive(Default)]
pub struct QuoteMutation;

#[Object]
impl QuoteMutation {
    /// The first version of a quote.
    async fn draft_quote(&self, ctx: &Context<'_>, input: DraftQuoteInput) -> async_graphql::Result<QuotePayload> {
        QuotePayload::of(draft(ctx, input).await)
    }

    /// The next version.
    async fn revise_quote(&self, ctx: &Context<'_>, input: ReviseQuoteInput) -> async_graphql::Result<QuotePayload> {
        QuotePayload::of(revise(ctx, input).await)
    }

    /// A version went out.
    async fn mark_quote_sent(
        &self,
        ctx: &Context<'_>,
        input: MarkQuoteSentInput,
    ) -> async_graphql::Result<QuotePayload> {
        let envelope = envelope(input.command_id, input.expected_revision, input.effective_at);
        let command = Command::MarkSent { version: input.version };
        QuotePayload::of(act(ctx, "markQuoteSent", &input.quote_id, command, envelope).await)
    }

    /// They take it.
    async fn accept_quote(&self, ctx: &Context<'_>, input: AcceptQuoteInput) -> async_graphql::Result<QuotePayload> {
        let envelope = envelope(input.command_id, input.expected_revision, input.effective_at);
        QuotePayload::of(accept(ctx, input, envelope).await)
    }

    /// They do not.
    async fn reject_quote(&self, ctx: &Context<'_>, input: RejectQuoteInput) -> async_graphql::Result<QuotePayload> {
        QuotePayload::of(reject(ctx, input).await)
    }
}

type Done = Result<(Quote, Accepted), No>;

async fn draft(ctx: &Context<'_>, input: DraftQuoteInput) -> Done {
    let (app, _) = ctx.may("draftQuote")?;
    let mut fresh = Fresh::new();
    let id = fresh.id().map_err(Failure::internal)?;
    let command = Command::Draft {
        offer: input.offer.parse()?,
        person: input.contact_id.map(|id| person(app, &id)).transpose()?,
        company: input.organization_id.map(|id| company(app, &id)).transpose()?,
    };
    let envelope = envelope(input.command_id, None, input.effective_at);
    submit(ctx, "draftQuote", id, command, envelope, fresh).await
}

async fn revise(ctx: &Context<'_>, input: ReviseQuoteInput) -> Done {
    ctx.may("reviseQuote")?;
    let command = Command::Revise { offer: input.offer.parse()? };
    let envelope = envelope(input.command_id, input.expected_revision, input.effective_at);
    act(ctx, "reviseQuote", &input.quote_id, command, envelope).await
}

/// A yes carries its own copy of what an invoice needs, as the views have it now.
async fn accept(ctx: &Context<'_>, input: AcceptQuoteInput, mut envelope: Envelope) -> Done {
    let (app, _) = ctx.may("acceptQuote")?;
    let id: QuoteId = input.quote_id.parse().map_err(|wrong| No::from(UserError::at(&["quoteId"], wrong)))?;
    let country = fiscal_country(app, input.fiscal_country.as_deref())?;
    let version = input.version;
    let copy = country.and_then(|country| {
        let (voucher, read) = app.voucher(id, version)?;
        envelope.reads.extend(read);
        Some(Box::new(quote::Copy { country, voucher }))
    });
    submit(ctx, "acceptQuote", id, Command::Accept { version, copy }, envelope, Fresh::new()).await
}

/// The one country whose tax law the register knows, or which of several was meant.
fn fiscal_country(app: &App, named: Option<&str>) -> Result<Option<Country>, No> {
    let views = app.ledger().views();
    let known: Vec<Country> = views.register().retentions().filter_map(|retention| retention.country).collect();
    let wrong = |words: String| Err(UserError::at(&["fiscalCountry"], words).into());
    let list = || known.iter().map(Country::to_string).collect::<Vec<_>>().join(", ");
    match (named, known.as_slice()) {
        (None, []) => Ok(None),
        (None, [only]) => Ok(Some(*only)),
        (None, _) => wrong(format!("say whose tax law keeps it: the register knows {}", list())),
        (Some(named), _) => match known.iter().find(|country| country.to_string() == named) {
            Some(country) => Ok(Some(*country)),
            None => wrong(format!("the register has no retention of fiscal data for it; it knows {}", list())),
        },
    }
}

async fn reject(ctx: &Context<'_>, input: RejectQuoteInput) -> Done {
    ctx.may("rejectQuote")?;
    let mut problems = Problems::default();
    let reason = input.reason.and_then(|reason| problems.take(&["reason"], Text::parse(&reason)));
    problems.end()?;
    let envelope = envelope(input.command_id, input.expected_revision, input.effective_at);
    act(ctx, "rejectQuote", &input.quote_id, Command::Reject { version: input.version, reason }, envelope).await
}

/// A command to a quote that is there.
async fn act(ctx: &Context<'_>, operation: &'static str, id: &str, command: Command, envelope: Envelope) -> Done {
    ctx.may(operation)?;
    let id = id.parse().map_err(|wrong| No::from(UserError::at(&["quoteId"], wrong)))?;
    submit(ctx, operation, id, command, envelope, Fresh::new()).await
}

async fn submit(
    ctx: &Context<'_>,
    operation: &'static str,
    id: QuoteId,
    command: Command,
    envelope: Envelope,
    fresh: Fresh,
) -> Done {
    let (app, viewer) = ctx.may(operation)?;
    follows_in_time(app, id, &command, &envelope)?;
    let offers = matches!(command, Command::Draft { .. } | Command::Revise { .. });
    let accepted = match app.submit::<quote::Quote>(viewer, id.0, command, envelope, fresh).await {
        Err(Refused::Rejected(over @ Rejection::Expired { .. })) if offers => {
            return Err(UserError::at(&["offer", "validUntil"], over).into());
        }
        tried => tried?,
    };
    let found = Quote::find(app, QuoteId(accepted.stream.id));
    let quote = found.ok_or_else(|| Failure::internal("a quote that the views do not have"))?;
    Ok((quote, accepted))
}

/// A version goes out once it is written, and is answered once it went out.
fn follows_in_time(app: &App, id: QuoteId, command: &Command, envelope: &Envelope) -> Result<(), No> {
    let (views, Some(at)) = (app.ledger().views(), envelope.effective_at) else { return Ok(()) };
    let Some(quote) = views.quote(id) else { return Ok(()) };
    let (since, words) = match command {
        Command::MarkSent { version } => {
            (quote.facts.version(*version).map(|version| version.at), "this version of the quote was written later")
        }
        Command::Accept { version, .. } | Command::Reject { version, .. } => {
            let sent = quote.facts.sent.filter(|(sent, _)| sent == version);
            (sent.map(|(_, at)| at), "this version of the quote was sent later")
        }
        Command::Draft { .. } | Command::Revise { .. } => return Ok(()),
    };
    if since.is_some_and(|since| at < since) { Err(UserError::at(&["effectiveAt"], words).into()) } else { Ok(()) }
}

impl Kind for Rejection {
    fn kind(&self) -> ErrorCode {
        match self {
            Self::NotDrafted => ErrorCode::NotFound,
            Self::Erased => ErrorCode::Erased,
            Self::Lost => ErrorCode::Lost,
            Self::Fenced => ErrorCode::Fenced,
            Self::NobodyNamed
            | Self::WrongNumberOfLines { .. }
            | Self::DescriptionsDiffer
            | Self::WrongQuantity { .. }
            | Self::AmountTooLarge
            | Self::TooMuch { .. }
            | Self::TooManyVersions { .. } => ErrorCode::Validation,
            Self::AlreadyDrafted
            | Self::Expired { .. }
            | Self::NotTheLastVersion { .. }
            | Self::NotSent
            | Self::NotTheLastSent { .. }
            | Self::Accepted
            | Self::Rejected => ErrorCode::Conflict,
        }
    }
}

/// Which quotes. What is left out is not asked.
#[derive(InputObject, Default)]
#[graphql(name = "QuoteFilter")]
pub struct QuotesAsked {
    /// That stand so today.
    pub state: Option<QuoteState>,
    pub contact_id: Option<ID>,
    pub organization_id: Option<ID>,
}

/// The queries of quotes.
#[derive(Default)]
pub struct QuoteQuery;

#[Object]
impl QuoteQuery {
    /// The quote with this id.
    async fn quote(&self, ctx: &Context<'_>, id: ID) -> async_graphql::Result<Option<Quote>> {
        let (app, _) = ctx.may_read("quote")?;
        let id = id.parse().map_err(bad_request)?;
        Ok(Quote::find(app, id))
    }

    /// Quotes by when they were drafted, the oldest at the front unless told otherwise.
    #[allow(clippy::too_many_arguments, reason = "arguments of a field")]
    async fn quotes(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        filter: Option<QuotesAsked>,
        #[graphql(default)] descending: bool,
    ) -> async_graphql::Result<Connection<Opaque, Quote, EmptyFields, EmptyFields>> {
        ctx.may_read("quotes")?;
        page(ctx, &Paging { first, after, last, before }, &filter.unwrap_or_default(), descending)
    }
}

#[cfg(test)]
mod tests;
