//! What customers ask and what they are offered: a ticket and a quote in each of their states.

use domain::id::{ActorId, QuoteId, TicketId};
use domain::quote::{self, Item, Offer, Quote};
use domain::ticket::{self, Direction, Origin, Priority, Question, Ticket};
use domain::time::{Day, Time};
use domain::value::{BasisPoints, Currency, Line, Text};
use events::ledger::Fresh;

use super::DemoError;
use super::customers::Customer;
use super::diary::Diary;
use super::office::Office;
use super::words::{Texts, TicketText};

const HOUR_MS: i64 = 3_600_000;
/// How far back what is still open was begun, in days.
const RECENT: i64 = 9;

/// How a ticket goes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum TicketFate {
    /// Answered, and open.
    Open,
    /// Solved.
    Solved,
    /// Solved, and open again after a reply.
    Reopened,
    /// Closed, after a note and a higher priority.
    Closed,
    /// Urgent, and nobody's.
    Urgent,
}

/// How a quote goes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum QuoteFate {
    /// Not sent yet.
    Draft,
    /// Sent, and no answer yet.
    Sent,
    /// Revised, and accepted then.
    Accepted,
    /// Rejected.
    Rejected,
    /// Never answered.
    Expired,
}

impl TicketFate {
    /// One after the other.
    pub fn nth(number: usize) -> Self {
        match number % 5 {
            0 => Self::Open,
            1 => Self::Solved,
            2 => Self::Reopened,
            3 => Self::Closed,
            _ => Self::Urgent,
        }
    }
}

impl QuoteFate {
    /// One after the other.
    pub fn nth(number: usize) -> Self {
        match number % 5 {
            0 => Self::Draft,
            1 => Self::Sent,
            2 => Self::Accepted,
            3 => Self::Rejected,
            _ => Self::Expired,
        }
    }
}

/// A customer at the desk.
pub struct Desk<'a> {
    /// Where.
    pub office: &'a Office,
    /// What is said there.
    pub texts: &'a Texts,
    /// Who.
    pub customer: &'a Customer,
}

impl Desk<'_> {
    /// A ticket. What is open was opened lately.
    pub fn ticket(
        &self,
        fate: TicketFate,
        variant: usize,
        at: Time,
        end: Time,
        diary: &mut Diary,
    ) -> Result<(), DemoError> {
        let over = matches!(fate, TicketFate::Solved | TicketFate::Closed);
        let at = if over { at } else { at.max(end.plus_ms(-RECENT * Time::DAY_MS)) };
        let text = self.ticket_text(variant)?;
        let ticket: TicketId = self.open(text, variant, at, diary)?;
        let us = self.office.agent(variant);
        let mut then = |hours: i64, command| diary.write::<Ticket>(at.plus_ms(hours * HOUR_MS), us, ticket.0, command);
        if fate == TicketFate::Urgent {
            then(1, ticket::Command::SetPriority { priority: Priority::Urgent });
            return Ok(());
        }
        then(2, ticket::Command::Assign { to: Some(us) });
        then(4, self.reply(Direction::FromUs, &text.answer)?);
        if fate == TicketFate::Closed {
            let body = Text::parse("Called the carrier; they look into it.")?;
            then(20, ticket::Command::AddNote { message: Fresh::new().id()?, body });
            then(21, ticket::Command::SetPriority { priority: Priority::High });
        }
        if fate != TicketFate::Open {
            then(30, ticket::Command::Solve { solution: Text::parse(&text.solution)? });
        }
        match fate {
            TicketFate::Reopened => then(50, self.reply(Direction::FromCustomer, &text.question)?),
            TicketFate::Closed => then(200, ticket::Command::Close),
            TicketFate::Open | TicketFate::Solved | TicketFate::Urgent => {}
        }
        Ok(())
    }

    /// A quote. What waits for us or for an answer was drafted lately.
    pub fn quote(
        &self,
        fate: QuoteFate,
        variant: usize,
        at: Time,
        end: Time,
        diary: &mut Diary,
    ) -> Result<(), DemoError> {
        let waits = matches!(fate, QuoteFate::Draft | QuoteFate::Sent);
        let at = if waits { at.max(end.plus_ms(-RECENT * Time::DAY_MS)) } else { at };
        let days = if fate == QuoteFate::Expired { 14 } else { 60 };
        let quote: QuoteId = Fresh::new().id()?;
        let us: ActorId = self.office.agent(variant + 1);
        let mut then = |hours: i64, command| diary.write::<Quote>(at.plus_ms(hours * HOUR_MS), us, quote.0, command);
        let (person, company) = (Some(self.customer.person()), Some(self.customer.company));
        then(0, quote::Command::Draft { person, company, offer: self.offer(variant, 0, at, days)? });
        if fate != QuoteFate::Draft {
            then(3, quote::Command::MarkSent { version: 1 });
        }
        match fate {
            QuoteFate::Accepted => {
                then(70, quote::Command::Revise { offer: self.offer(variant, 500, at, days)? });
                then(71, quote::Command::MarkSent { version: 2 });
                then(170, quote::Command::Accept { version: 2, copy: None });
            }
            QuoteFate::Rejected => {
                let reason = Some(Text::parse("The delivery would come too late for the season.")?);
                then(120, quote::Command::Reject { version: 1, reason });
            }
            QuoteFate::Draft | QuoteFate::Sent | QuoteFate::Expired => {}
        }
        Ok(())
    }

    fn open(&self, text: &TicketText, variant: usize, at: Time, diary: &mut Diary) -> Result<TicketId, DemoError> {
        let mut fresh = Fresh::new();
        let ticket: TicketId = fresh.id()?;
        let origin = Origin::ALL.iter().copied().cycle().nth(variant).unwrap_or(Origin::Email);
        let command = ticket::Command::Open {
            person: Some(self.customer.person()),
            company: Some(self.customer.company),
            question: Question { line: Line::parse(&text.line)?, body: Text::parse(&text.question)? },
            message: fresh.id()?,
            priority: Priority::Normal,
            origin,
        };
        let by = if origin == Origin::Email { self.office.agent(variant) } else { self.office.actors.integration };
        diary.write::<Ticket>(at, by, ticket.0, command);
        Ok(ticket)
    }

    fn reply(&self, direction: Direction, text: &str) -> Result<ticket::Command, DemoError> {
        Ok(ticket::Command::Reply { message: Fresh::new().id()?, direction, body: Text::parse(text)? })
    }

    /// In the customer's language, or else in English.
    fn ticket_text(&self, variant: usize) -> Result<&TicketText, DemoError> {
        let of = |language: &str| {
            let texts: Vec<_> = self.texts.ticket.iter().filter(|text| text.language == language).collect();
            texts.get(variant % texts.len().max(1)).copied()
        };
        of(&self.customer.language).or_else(|| of("en")).ok_or(DemoError::Words("no ticket"))
    }

    fn offer(&self, variant: usize, discount: u32, at: Time, days: i32) -> Result<Offer, DemoError> {
        let products = self.texts.product.iter().cycle().skip(variant).take(2 + variant % 2);
        let (mut items, mut descriptions) = (Vec::new(), Vec::new());
        for (number, product) in products.enumerate() {
            items.push(Item {
                quantity_milli: 1_000 * (1 + (variant as u64 + number as u64) % 9),
                unit_price_minor: product.unit_price_minor,
                discount: BasisPoints::new(discount)?,
                tax: BasisPoints::new(1_900)?,
            });
            descriptions.push(Line::parse(&product.description)?);
        }
        let texts = quote::Texts { title: Some(Line::parse("For the coming season")?), descriptions, notes: None };
        let (currency, valid_until) = (Currency::parse("EUR")?, Day(at.day().0 + days));
        Ok(Offer { currency, valid_until, items, texts })
    }
}
