//! A quote: what we offer for how much, in numbered versions, and what became of it.
//!
//! Amounts, currency and dates are facts, so that reports keep their numbers after an erasure; the texts and whom it is for
//! are sealed under the year it was drafted in. Where an organization is named, the texts are under its key, and the part
//! of the contact holds the reference only; so a person who is forgotten does not take the company's quote along.
//!
//! drafted → sent → accepted or rejected; each revision is a new version to be sent anew. Only the version sent last can
//! be accepted, up to its last day. With the acceptance goes a copy of what an invoice needs of it, under the key of the tax
//! office's year: made when the fact is made, never later, and never under a key that both share. Nothing changes after an acceptance; after a rejection a new version may follow.

mod amount;
mod rejection;
mod voucher;

pub use amount::{Amounts, Item, PricedItem, TooLarge, Total};
pub use rejection::Rejection;
pub use voucher::{Copy, Voucher};

use crate::aggregate::{Aggregate, Circumstances};
use crate::code::codes;
use crate::compartment::Compartment;
use crate::event::StreamKind;
use crate::id::{ContactId, OrganizationId};
use crate::limits::{PART_BYTES, QUANTITY_MILLI, QUOTE_LINES, QUOTE_VERSIONS};
use crate::owner::{Company, Home, Person};
use crate::personal::{Gone, Held};
use crate::time::Day;
use crate::value::{Currency, Line, Text, Weigh as _};

codes! {
    /// How a quote stands on a day.
    pub enum Status {
        /// Its last version was not sent.
        Draft = 1 "DRAFT",
        /// It was sent and waits for an answer.
        Sent = 2 "SENT",
        /// It was sent and its last day is over.
        Expired = 3 "EXPIRED",
        /// It was accepted.
        Accepted = 4 "ACCEPTED",
        /// It was rejected.
        Rejected = 5 "REJECTED",
    }
}

/// The words of one version.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Texts {
    /// What it is about, in one line.
    pub title: Option<Line>,
    /// What is offered on each line, in their order.
    pub descriptions: Vec<Line>,
    /// Terms and other words below the lines.
    pub notes: Option<Text>,
}

/// The facts of one version.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Terms {
    /// Of all its amounts.
    pub currency: Currency,
    /// The last day it can be accepted.
    pub valid_until: Day,
    /// Its lines.
    pub items: Vec<PricedItem>,
    /// Their sum.
    pub total: Amounts,
}

/// One version as a command asks for it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Offer {
    /// Of all its amounts.
    pub currency: Currency,
    /// The last day it can be accepted.
    pub valid_until: Day,
    /// Its lines; as many as there are descriptions.
    pub items: Vec<Item>,
    /// Its words.
    pub texts: Texts,
}

/// What is sealed under the organization.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OrganizationPart {
    /// Whom it is for.
    pub organization: OrganizationId,
    /// The contact, where it is the same subject: a record holds one part for each subject.
    pub contact: Option<ContactId>,
    /// The words.
    pub texts: Texts,
}

/// What is sealed under the person.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PersonPart {
    /// Whom it is for, or who asks for their organization.
    pub contact: ContactId,
    /// The words, where no organization is named.
    pub texts: Option<Texts>,
}

/// Intent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Command {
    /// The first version.
    Draft {
        /// Who asks.
        person: Option<Person>,
        /// For whom.
        company: Option<Company>,
        /// What.
        offer: Offer,
    },
    /// The next version.
    Revise {
        /// What.
        offer: Offer,
    },
    /// A version went out.
    MarkSent {
        /// Which.
        version: u32,
    },
    /// They take it.
    Accept {
        /// Which version.
        version: u32,
        /// What an invoice needs of it.
        copy: Option<Box<Copy>>,
    },
    /// They do not.
    Reject {
        /// Which version.
        version: u32,
        /// Their reason.
        reason: Option<Text>,
    },
}

/// Facts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Event {
    /// Version 1.
    Drafted {
        /// Its facts.
        terms: Terms,
        /// Who asks.
        person: Option<Held<PersonPart>>,
        /// For whom.
        organization: Option<Held<OrganizationPart>>,
    },
    /// The next version.
    Revised {
        /// Its number.
        version: u32,
        /// Its facts.
        terms: Terms,
        /// Its words.
        texts: Held<Texts>,
    },
    /// A version went out.
    Sent {
        /// Which.
        version: u32,
    },
    /// They took it.
    Accepted {
        /// Which version.
        version: u32,
    },
    /// What an invoice needs of the accepted version, copied for the tax office: behind [`Event::Accepted`], of the same command.
    VoucherKept {
        /// Which version.
        version: u32,
        /// Under [`Compartment::Fiscal`].
        voucher: Held<Voucher>,
    },
    /// They did not.
    Rejected {
        /// Which version.
        version: u32,
        /// Their reason.
        reason: Option<Held<Text>>,
    },
}

/// The state: facts, and where the texts are sealed.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Quote(Option<Drafted>);

/// A quote that was drafted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Drafted {
    home: Result<Home, Gone>,
    version: u32,
    valid_until: Day,
    sent: Option<SentVersion>,
    answer: Answer,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct SentVersion {
    version: u32,
    valid_until: Day,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Answer {
    Open,
    Accepted,
    Rejected,
}

impl Quote {
    /// How it stands on a day; none before it is drafted. Expiry is no event: it follows from the last day.
    pub fn status(&self, today: Day) -> Option<Status> {
        self.0.map(|quote| match (quote.answer, quote.sent) {
            (Answer::Accepted, _) => Status::Accepted,
            (Answer::Rejected, _) => Status::Rejected,
            (Answer::Open, Some(sent)) if sent.version == quote.version && sent.valid_until < today => Status::Expired,
            (Answer::Open, Some(sent)) if sent.version == quote.version => Status::Sent,
            (Answer::Open, _) => Status::Draft,
        })
    }

    /// The number of its last version; none before it is drafted.
    pub fn version(&self) -> Option<u32> {
        self.0.map(|quote| quote.version)
    }
}

impl Drafted {
    fn not_accepted(&self) -> Result<(), Rejection> {
        if self.answer == Answer::Accepted { Err(Rejection::Accepted) } else { Ok(()) }
    }

    fn revise(&self, offer: &Offer, today: Day) -> Result<Vec<Event>, Rejection> {
        self.not_accepted()?;
        if self.version >= QUOTE_VERSIONS {
            return Err(Rejection::TooManyVersions { limit: QUOTE_VERSIONS });
        }
        let terms = offer.terms(today)?;
        let texts = self.home?.seal(offer.texts.clone());
        Ok(vec![Event::Revised { version: self.version + 1, terms, texts }])
    }

    /// Sending the same version once more changes nothing.
    fn send(&self, version: u32, today: Day) -> Result<Vec<Event>, Rejection> {
        self.not_accepted()?;
        if version != self.version {
            return Err(Rejection::NotTheLastVersion { last: self.version });
        }
        if self.answer == Answer::Rejected {
            return Err(Rejection::Rejected);
        }
        in_time(self.valid_until, today)?;
        let sent_before = self.sent.is_some_and(|sent| sent.version == version);
        Ok(if sent_before { Vec::new() } else { vec![Event::Sent { version }] })
    }

    /// The version that waits for an answer, if it is this one.
    fn awaiting(&self, version: u32) -> Result<SentVersion, Rejection> {
        match (self.answer, self.sent) {
            (Answer::Accepted, _) => Err(Rejection::Accepted),
            (Answer::Rejected, _) => Err(Rejection::Rejected),
            (Answer::Open, None) => Err(Rejection::NotSent),
            (Answer::Open, Some(sent)) if sent.version == version => Ok(sent),
            (Answer::Open, Some(sent)) => Err(Rejection::NotTheLastSent { last: sent.version }),
        }
    }

    /// Of somebody who was erased nothing is copied any more: a yes needs no key.
    fn accept(&self, version: u32, copy: Option<&Copy>, today: Day) -> Result<Vec<Event>, Rejection> {
        in_time(self.awaiting(version)?.valid_until, today)?;
        let kept = copy.and_then(|copy| Some(copy.keep(self.home.ok()?.subject, version, today)));
        Ok(std::iter::once(Event::Accepted { version }).chain(kept).collect())
    }

    /// A no needs no time limit, and without words no key.
    fn reject(&self, version: u32, reason: Option<&Text>) -> Result<Vec<Event>, Rejection> {
        self.awaiting(version)?;
        let reason = match reason {
            Some(reason) => Some(self.home?.seal(reason.clone())),
            None => None,
        };
        Ok(vec![Event::Rejected { version, reason }])
    }

    fn evolve(&mut self, event: &Event) {
        match event {
            Event::Drafted { .. } | Event::VoucherKept { .. } => {}
            Event::Revised { version, terms, .. } => {
                (self.version, self.valid_until) = (*version, terms.valid_until);
                if self.answer == Answer::Rejected {
                    (self.answer, self.sent) = (Answer::Open, None);
                }
            }
            Event::Sent { version } => {
                self.sent = Some(SentVersion { version: *version, valid_until: self.valid_until });
            }
            Event::Accepted { .. } => self.answer = Answer::Accepted,
            Event::Rejected { .. } => self.answer = Answer::Rejected,
        }
    }
}

impl Offer {
    /// The facts of this version, with every amount computed here and nowhere else.
    fn terms(&self, today: Day) -> Result<Terms, Rejection> {
        if self.items.is_empty() || self.items.len() > QUOTE_LINES {
            return Err(Rejection::WrongNumberOfLines { limit: QUOTE_LINES });
        }
        if self.items.len() != self.texts.descriptions.len() {
            return Err(Rejection::DescriptionsDiffer);
        }
        if self.items.iter().any(|item| !(1..=QUANTITY_MILLI).contains(&item.quantity_milli)) {
            return Err(Rejection::WrongQuantity { limit: QUANTITY_MILLI });
        }
        let weight = self.texts.title.weight() + self.texts.descriptions.weight() + self.texts.notes.weight();
        if weight > PART_BYTES {
            return Err(Rejection::TooMuch { limit: PART_BYTES });
        }
        in_time(self.valid_until, today)?;
        let items = self.items.iter().map(Item::price).collect::<Result<Vec<_>, _>>()?;
        let total = items.iter().map(|item| item.amounts).total()?;
        Ok(Terms { currency: self.currency, valid_until: self.valid_until, items, total })
    }
}

impl Aggregate for Quote {
    const KIND: StreamKind = StreamKind::Quote;
    type Command = Command;
    type Event = Event;
    type Rejection = Rejection;

    fn decide(&self, command: &Command, when: &Circumstances) -> Result<Vec<Event>, Rejection> {
        let today = when.effective_at.day();
        let Some(quote) = &self.0 else { return draft(command, today) };
        match command {
            Command::Draft { .. } => Err(Rejection::AlreadyDrafted),
            Command::Revise { offer } => quote.revise(offer, today),
            Command::MarkSent { version } => quote.send(*version, today),
            Command::Accept { version, copy } => quote.accept(*version, copy.as_deref(), today),
            Command::Reject { version, reason } => quote.reject(*version, reason.as_ref()),
        }
    }

    fn evolve(&mut self, event: &Event) {
        match (event, &mut self.0) {
            (Event::Drafted { terms, person, organization }, state) => {
                let home = organization.as_ref().map(Home::of).or_else(|| person.as_ref().map(Home::of));
                let (version, valid_until, sent, answer) = (1, terms.valid_until, None, Answer::Open);
                *state = home.map(|home| Drafted { home, version, valid_until, sent, answer });
            }
            (event, Some(quote)) => quote.evolve(event),
            (_, None) => {}
        }
    }
}

fn in_time(valid_until: Day, today: Day) -> Result<(), Rejection> {
    if valid_until < today { Err(Rejection::Expired { valid_until }) } else { Ok(()) }
}

/// What begins a quote; everything else needs one that was begun.
fn draft(command: &Command, today: Day) -> Result<Vec<Event>, Rejection> {
    let Command::Draft { person, company, offer } = command else { return Err(Rejection::NotDrafted) };
    let compartment = Compartment::Sales(today.year());
    let same = matches!((person, company), (Some(person), Some(company)) if person.subject == company.subject);
    let organization_part = company.map(|company| {
        let contact = person.filter(|_| same).map(|person| person.contact);
        let part = OrganizationPart { organization: company.organization, contact, texts: offer.texts.clone() };
        Held::new(company.subject, compartment, part)
    });
    let person_part = person.filter(|_| !same).map(|person| {
        let texts = company.is_none().then(|| offer.texts.clone());
        Held::new(person.subject, compartment, PersonPart { contact: person.contact, texts })
    });
    if person_part.is_none() && organization_part.is_none() {
        return Err(Rejection::NobodyNamed);
    }
    let terms = offer.terms(today)?;
    Ok(vec![Event::Drafted { terms, person: person_part, organization: organization_part }])
}

#[cfg(test)]
mod tests;
