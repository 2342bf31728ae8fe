//! Customers as they come: their organizations, how they are reached, and what changes about them.

use domain::compartment::Country;
use domain::contact::{self, Contact};
use domain::holding::{ChangeCause, Holding, HoldingChange, ReasonKind, SourceKind};
use domain::id::{ConsentsId, ContactId, PointId, SubjectId};
use domain::organization::{self, Organization};
use domain::owner::{Company, Person};
use domain::point::{Point, PointKind};
use domain::profile::{Address, Change, FieldPolicy};
use domain::time::{Day, Time};
use domain::value::{Language, Line, Tag, Text};
use events::ledger::Fresh;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use super::DemoError;
use super::consents::{Asking, FATES};
use super::desk::{Desk, QuoteFate, TicketFate};
use super::diary::Diary;
use super::office::Office;
use super::words::{Locale, Words};

/// People of one organization.
const PEOPLE: usize = 5;
/// How many tickets, quotes and changes there are at most, each, and how many customers there are for one at least.
const DESK: usize = 200;
const RARE: usize = 8;
const TAGS: [&str; 6] = ["key account", "gardening", "cold chain", "fair 2024", "reseller", "écologique"];

/// Somebody who was registered.
#[derive(Clone, Debug)]
pub struct Customer {
    /// Which one, from 0.
    pub number: usize,
    /// The contact.
    pub contact: ContactId,
    /// Whose data it is.
    pub subject: SubjectId,
    /// Their consents.
    pub consents: ConsentsId,
    /// Their mail address.
    pub email: PointId,
    /// Their phone number.
    pub phone: PointId,
    /// The language they are written to in.
    pub language: String,
    /// Whom they work for.
    pub company: Company,
}

impl Customer {
    /// As a ticket or quote names them.
    pub fn person(&self) -> Person {
        Person { subject: self.subject, contact: self.contact }
    }
}

/// An organization that comes in.
pub struct NewFirm {
    /// What it is called.
    pub name: String,
    /// Behind the @ of its mail addresses.
    pub domain: String,
    /// Its number.
    pub phone: String,
    /// Where it is.
    pub address: Address,
}

impl NewFirm {
    /// Registers it.
    pub fn register(&self, office: &Office, at: Time, diary: &mut Diary) -> Result<Company, DemoError> {
        let mut fresh = Fresh::new();
        let company = Company { subject: fresh.id()?, organization: fresh.id()? };
        let country = self.address.country_code;
        let mail = Point::parse(fresh.id()?, PointKind::Email, None, &format!("office@{}", self.domain), None)?;
        let phone = Point::parse(fresh.id()?, PointKind::Phone, None, &self.phone, country)?;
        let profile = organization::Profile {
            name: Some(Line::parse(&self.name)?),
            invoice_address: Some(self.address.clone()),
            points: vec![mail, phone],
            ..organization::Profile::default()
        };
        let holding = Holding { source: SourceKind::ContractPartner, reason: ReasonKind::Contract, hold_until: None };
        let (subject, policy) = (company.subject, FieldPolicy::default());
        let command = organization::Command::Register { subject, holding, profile: Box::new(profile), policy };
        diary.write::<Organization>(at, office.agent(0), company.organization.0, command);
        Ok(company)
    }
}

/// Somebody who comes in.
pub struct Newcomer<'a> {
    /// First name.
    pub first: &'a str,
    /// Last name.
    pub last: &'a str,
    /// The name as it is shown, where the family's comes first.
    pub displayed: Option<String>,
    /// What they do.
    pub job: &'a str,
    /// Their address.
    pub email: String,
    /// Their number.
    pub phone: String,
    /// As in BCP 47.
    pub language: &'a str,
    /// By which rules their number is read.
    pub country: Option<Country>,
    /// Whom they work for.
    pub company: Company,
    /// Where from, why.
    pub holding: Holding,
    /// What they are tagged with.
    pub tag: Option<&'a str>,
    /// Their birthday.
    pub birthday: Option<Day>,
}

impl Newcomer<'_> {
    /// Registers them.
    pub fn register(&self, office: &Office, number: usize, at: Time, diary: &mut Diary) -> Result<Customer, DemoError> {
        let mut fresh = Fresh::new();
        let customer = Customer {
            number,
            contact: fresh.id()?,
            subject: fresh.id()?,
            consents: fresh.id()?,
            email: fresh.id()?,
            phone: fresh.id()?,
            language: self.language.to_owned(),
            company: self.company,
        };
        let profile = contact::Profile {
            first_name: Some(Line::parse(self.first)?),
            last_name: Some(Line::parse(self.last)?),
            displayed_name: self.displayed.as_deref().map(Line::parse).transpose()?,
            job_title: Some(Line::parse(self.job)?),
            organization: Some(self.company.organization),
            language: Some(Language::parse(self.language)?),
            tags: self.tag.map(Tag::parse).transpose()?.into_iter().collect(),
            birthday: self.birthday,
            reason_words: (self.holding.reason == ReasonKind::LegitimateInterest)
                .then(|| Text::parse("Sells on what we deliver; asks for spare parts now and then."))
                .transpose()?,
            points: vec![
                Point::parse(customer.email, PointKind::Email, None, &self.email, None)?,
                Point::parse(customer.phone, PointKind::Mobile, None, &self.phone, self.country)?,
            ],
            ..contact::Profile::default()
        };
        let command = contact::Command::Register {
            subject: customer.subject,
            holding: self.holding,
            profile: Box::new(profile),
            policy: FieldPolicy::default(),
        };
        diary.write::<Contact>(at, office.agent(number), customer.contact.0, command);
        Ok(customer)
    }
}

/// Customers without end, one after the other.
pub struct Customers<'a> {
    office: &'a Office,
    words: &'a Words,
    seed: u64,
    total: usize,
    span: (Time, Time),
    next: usize,
    firm: Option<(Company, String, usize)>,
}

impl<'a> Customers<'a> {
    /// So many, spread evenly over a time.
    pub fn new(office: &'a Office, words: &'a Words, seed: u64, total: usize, (begin, end): (Time, Time)) -> Self {
        let span = (begin.plus_ms(7 * Time::DAY_MS), end);
        Self { office, words, seed, total, span, next: 0, firm: None }
    }

    /// Lets those of the next half day come. Returns until when all is written that happens; nothing when all are here.
    pub fn arrive(&mut self, diary: &mut Diary) -> Result<Option<Time>, DemoError> {
        if self.next == self.total {
            return Ok(None);
        }
        let horizon = self.arrival(self.next).plus_ms(Time::DAY_MS / 2);
        while self.next < self.total && self.arrival(self.next) <= horizon {
            self.come(self.next, diary)?;
            self.next += 1;
        }
        // Who comes next may come at any time behind the one who came last.
        Ok(Some(horizon.min(self.arrival(self.next))))
    }

    /// Between eight and five, all of them in order; those of one organization a minute apart.
    fn arrival(&self, number: usize) -> Time {
        let (begin, end) = self.span;
        let part = (number - number % PEOPLE) as f64 / self.total.max(1) as f64;
        let at = begin.0 as f64 + (end.0 - begin.0) as f64 * part;
        let day = (at / Time::DAY_MS as f64).floor();
        let of_day = at / Time::DAY_MS as f64 - day;
        let first = (day + (8.0 + 9.0 * of_day) / 24.0) * Time::DAY_MS as f64;
        Time(first as i64 + (number % PEOPLE) as i64 * 60_000)
    }

    fn come(&mut self, number: usize, diary: &mut Diary) -> Result<(), DemoError> {
        let at = self.arrival(number);
        let rng = &mut StdRng::seed_from_u64(self.seed ^ (number as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        if number.is_multiple_of(PEOPLE) {
            self.firm = Some(self.found(number / PEOPLE, at, rng, diary)?);
        }
        let Some((company, domain, locale)) = &self.firm else { return Ok(()) };
        // One of five is from elsewhere.
        let away = if number % PEOPLE == PEOPLE - 1 { 7 } else { 0 };
        let locale = self.words.locale(locale + away)?;
        let customer = self.register(number, (*company, domain, locale), at, rng, diary)?;
        let fate = FATES.into_iter().cycle().nth(number % FATES.len()).unwrap_or(super::consents::Fate::Given);
        let asking = Asking { office: self.office, customer: &customer };
        asking.go(fate, at.plus_ms(1_200_000), self.later(at, rng), diary)?;
        self.at_the_desk(&customer, at, locale, rng, diary)
    }

    fn found(
        &self,
        number: usize,
        at: Time,
        rng: &mut StdRng,
        diary: &mut Diary,
    ) -> Result<(Company, String, usize), DemoError> {
        let locale = self.words.locale(number)?;
        let name = locale.last(rng)?;
        let domain = format!("{}-{number}.example", name.latin());
        let (city, postcode) = locale.city(rng)?;
        let firm = NewFirm {
            name: locale.firm(name, rng)?,
            domain: domain.clone(),
            phone: locale.phone(rng),
            address: Address {
                lines: vec![Line::parse(&locale.street(rng)?)?],
                postcode: Some(Line::parse(postcode)?),
                city: Some(Line::parse(city)?),
                country_code: Some(locale.country()?),
                ..Address::default()
            },
        };
        let company = firm.register(self.office, at.plus_ms(-600_000), diary)?;
        Ok((company, domain, number))
    }

    fn register(
        &self,
        number: usize,
        (company, domain, locale): (Company, &str, &Locale),
        at: Time,
        rng: &mut StdRng,
        diary: &mut Diary,
    ) -> Result<Customer, DemoError> {
        let (first, last) = (locale.first(rng)?, locale.last(rng)?);
        let between = if locale.language == "vi" { " " } else { "" };
        let displayed = locale.family_first.then(|| format!("{}{between}{}", last.written, first.written));
        let reasons = [ReasonKind::Contract, ReasonKind::Enquiry, ReasonKind::Consent, ReasonKind::LegitimateInterest];
        let reason = reasons.into_iter().cycle().nth(rng.random_range(0..4)).unwrap_or(ReasonKind::Contract);
        let sources = SourceKind::ALL.iter().copied();
        let source = sources.cycle().nth(rng.random_range(0..9)).unwrap_or(SourceKind::WebForm);
        let born = Day(rng.random_range(-7_000..13_000));
        let tag = TAGS.into_iter().cycle().nth(rng.random_range(0..6));
        let newcomer = Newcomer {
            first: first.written,
            last: last.written,
            displayed,
            job: locale.job(rng)?,
            email: format!("{}.{}@{domain}", first.latin(), last.latin()),
            phone: locale.mobile(rng),
            language: &locale.language,
            country: Some(locale.country()?),
            company,
            holding: Holding { source, reason, hold_until: None },
            tag: tag.filter(|_| number.is_multiple_of(3)),
            birthday: number.is_multiple_of(8).then_some(born),
        };
        newcomer.register(self.office, number, at, diary)
    }

    /// Some ask, some are offered something, and of some something changes.
    fn at_the_desk(
        &self,
        customer: &Customer,
        at: Time,
        locale: &Locale,
        rng: &mut StdRng,
        diary: &mut Diary,
    ) -> Result<(), DemoError> {
        let step = RARE.max(self.total / DESK);
        let (turn, variant) = (customer.number % step, customer.number / step);
        let later = self.later(at, rng);
        let desk = Desk { office: self.office, texts: &self.words.texts, customer };
        match turn {
            1 => self.change(customer, locale, later, rng, diary),
            2 => desk.ticket(TicketFate::nth(variant), variant, later, self.span.1, diary),
            3 => desk.quote(QuoteFate::nth(variant), variant, later, self.span.1, diary),
            _ => Ok(()),
        }
    }

    /// A new job and a new number: what was consented to for the old one does not come along.
    fn change(
        &self,
        customer: &Customer,
        locale: &Locale,
        at: Time,
        rng: &mut StdRng,
        diary: &mut Diary,
    ) -> Result<(), DemoError> {
        let (id, by) = (customer.contact.0, self.office.agent(customer.number));
        let profile = contact::ProfileChange {
            job_title: Change::Set(Line::parse(locale.job(rng)?)?),
            ..contact::ProfileChange::default()
        };
        let change = contact::Command::Change {
            cause: ChangeCause::Change,
            holding: HoldingChange::default(),
            profile: Box::new(profile),
            policy: FieldPolicy::default(),
        };
        diary.write::<Contact>(at, by, id, change);
        let (point, number): (PointId, _) = (Fresh::new().id()?, locale.mobile(rng));
        let point = Point::parse(point, PointKind::Mobile, None, &number, Some(locale.country()?))?;
        diary.write::<Contact>(at.plus_ms(60_000), by, id, contact::Command::AddPoint { point });
        diary.write::<Contact>(at.plus_ms(90_000), by, id, contact::Command::RetirePoint { point: customer.phone });
        Ok(())
    }

    /// Some time before the end.
    fn later(&self, at: Time, rng: &mut StdRng) -> Time {
        let left = (self.span.1.0 - at.0) as f64;
        at.plus_ms((left * rng.random_range(0.1..0.9)) as i64)
    }
}
