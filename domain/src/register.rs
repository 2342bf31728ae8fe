//! The register of purposes and compartments: what data is used for and on which legal basis, and how long each
//! compartment is kept. One stream a ledger; every change is a record.

mod defaults;
mod retention;
mod slug;

use std::collections::BTreeMap;

pub use defaults::defaults;
pub use retention::{
    CountedFrom, End, Fate, LiveCompartment, NoRule, Retention, Rule, end, floor, over, survivors, term,
};
pub use slug::{NotASlug, Slug};

use crate::aggregate::{Aggregate, Circumstances};
use crate::channel::Channel;
use crate::code::codes;
use crate::compartment::{Compartment, Country};
use crate::event::StreamKind;
use crate::limits::{DELIVERED_DAYS, MONTHS, RESIDUE_DAYS};
use crate::subject::ResidueKind;
use crate::value::Line;

codes! {
    /// Why processing is lawful: Art. 6(1)(a) to (f) GDPR, in that order.
    pub enum LegalBasis {
        /// (a) The person agreed.
        Consent = 1 "CONSENT",
        /// (b) A contract with the person, or steps before one.
        Contract = 2 "CONTRACT",
        /// (c) A law that obliges the controller.
        LegalObligation = 3 "LEGAL_OBLIGATION",
        /// (d) Somebody's life.
        VitalInterests = 4 "VITAL_INTERESTS",
        /// (e) A task in the public interest.
        PublicTask = 5 "PUBLIC_TASK",
        /// (f) An interest of the controller that outweighs the person's.
        LegitimateInterest = 6 "LEGITIMATE_INTEREST",
    }

    /// A compartment without its bucket; the numbers are those of [`Compartment::code`].
    pub enum CompartmentKind {
        /// Who the person is to us.
        Relationship = 1 "RELATIONSHIP",
        /// Tickets.
        Support = 2 "SUPPORT",
        /// Enquiries, quotes and orders.
        Sales = 3 "SALES",
        /// What tax law keeps.
        Fiscal = 4 "FISCAL",
        /// What proves a consent.
        ConsentProof = 5 "CONSENT_PROOF",
        /// What answers claims.
        Claims = 6 "CLAIMS",
        /// Documents, each with a key of its own.
        Document = 7 "DOCUMENT",
        /// Where a certificate goes.
        Delivery = 8 "DELIVERY",
    }
}

impl LegalBasis {
    /// Whether a person may object to it: Art. 21(1) and (2) GDPR name public tasks and legitimate interests. A consent
    /// is withdrawn instead, and an objection counts as that too.
    pub fn yields_to_objection(self) -> bool {
        matches!(self, Self::Consent | Self::PublicTask | Self::LegitimateInterest)
    }
}

impl From<Compartment> for CompartmentKind {
    fn from(compartment: Compartment) -> Self {
        match compartment {
            Compartment::Relationship => Self::Relationship,
            Compartment::Support(_) => Self::Support,
            Compartment::Sales(_) => Self::Sales,
            Compartment::Fiscal(..) => Self::Fiscal,
            Compartment::ConsentProof => Self::ConsentProof,
            Compartment::Claims => Self::Claims,
            Compartment::Document(_) => Self::Document,
            Compartment::Delivery(_) => Self::Delivery,
        }
    }
}

/// What data is used for and consent is asked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Purpose {
    /// What records and callers name it by.
    pub slug: Slug,
    /// What people read.
    pub title: Line,
    /// Why it is lawful.
    pub basis: LegalBasis,
    /// The compartment that serves it.
    pub compartment: CompartmentKind,
    /// Whether only a consent confirmed with the code allows it.
    pub double_opt_in: bool,
    /// How many months a consent to it holds; without, until it is withdrawn.
    pub validity_months: Option<u16>,
    /// The ways it may reach somebody, in the order of their codes.
    pub channels: Vec<Channel>,
    /// Whether nobody is contacted without a consent. Contract, security and legal notices never wait for one.
    pub waits_for_consent: bool,
    /// No longer used: allows nothing.
    pub retired: bool,
}

/// For how many days such copies are kept, from when they were made: so long they may hold what an erasure destroyed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ResidueDays {
    /// Backups or images of memory.
    pub kind: ResidueKind,
    /// How many days; none of them where there are no such copies.
    pub days: u16,
}

/// Intent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Command {
    /// Add a purpose or change it.
    SetPurpose(Purpose),
    /// Say how long a kind of compartment is kept.
    SetRetention(Retention),
    /// Say how long copies outside the ledger are kept.
    SetResidueDays(ResidueDays),
}

/// Fact.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Event {
    /// A purpose is now like this.
    PurposeSet(Purpose),
    /// A kind of compartment is now kept like this.
    RetentionSet(Retention),
    /// Copies outside the ledger are now kept so long.
    ResidueDaysSet(ResidueDays),
}

/// Why the register stays as it is.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Rejection {
    /// Not one channel.
    #[error("a purpose needs at least one channel")]
    NoChannel,
    /// A consent that nobody asks for.
    #[error("a purpose that rests on consent waits for consent")]
    ConsentWithoutAsking,
    /// Contract, security or legal notices that would wait for a consent.
    #[error("a purpose that rests on {} never waits for consent", .0.name())]
    NeverWaits(LegalBasis),
    /// A code for a consent that nobody waits for.
    #[error("double opt-in makes sense only for a purpose that waits for consent")]
    DoubleOptInWithoutConsent,
    /// Out of range.
    #[error("a validity or retention has between 1 and 1,200 months")]
    Months,
    /// Another legal basis under an old name: what people agreed to must not turn into something else
    /// (EDPB Guidelines 05/2020, paragraphs 121 to 123).
    #[error("a purpose keeps its legal basis, {}; make a new purpose for another one", .0.name())]
    BasisChanged(LegalBasis),
    /// Fiscal data belongs to a country's tax law, and no other data does.
    #[error("a retention for fiscal data names its country, and no other retention does")]
    Country,
    /// An end that nobody could count to.
    #[error("only what has a year ends by itself: support, sales and fiscal data")]
    NoYear,
    /// What no register decides.
    #[error(
        "where a certificate goes is kept until it is delivered and {DELIVERED_DAYS} days more; no register says otherwise"
    )]
    Delivery,
    /// Shorter than the law allows.
    #[error("{country} asks for at least {months} months: {law}")]
    BelowFloor {
        /// Whose tax law.
        country: Country,
        /// How long at least.
        months: u16,
        /// The article.
        law: &'static str,
    },
    /// Not something that is kept by days.
    #[error("only backups and images of memory are kept for a number of days, which is at most {RESIDUE_DAYS}")]
    ResidueDays,
}

/// The register as it is now.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Register {
    purposes: BTreeMap<Slug, Purpose>,
    retentions: BTreeMap<(CompartmentKind, Option<Country>), Rule>,
    residues: BTreeMap<ResidueKind, u16>,
}

impl Register {
    /// The purpose of this name, retired ones too.
    pub fn purpose(&self, slug: &Slug) -> Option<&Purpose> {
        self.purposes.get(slug)
    }

    /// All purposes in the order of their names.
    pub fn purposes(&self) -> impl Iterator<Item = &Purpose> {
        self.purposes.values()
    }

    /// How long this compartment is kept, if the register says so.
    pub fn rule(&self, compartment: Compartment) -> Option<&Rule> {
        let country = match compartment {
            Compartment::Fiscal(country, _) => Some(country),
            _ => None,
        };
        let rule = self.retentions.get(&(compartment.into(), country));
        // A document dies with the relationship where nobody says otherwise.
        let document = || self.retentions.get(&(CompartmentKind::Relationship, None));
        rule.or_else(|| matches!(compartment, Compartment::Document(_)).then(document).flatten())
    }

    /// For how many days such copies are kept, if the register says so.
    pub fn residue_days(&self, kind: ResidueKind) -> Option<u16> {
        self.residues.get(&kind).copied()
    }

    /// All retention rules, by kind of compartment and, for fiscal data, country.
    pub fn retentions(&self) -> impl Iterator<Item = Retention> {
        self.retentions.iter().map(|((kind, country), rule)| Retention {
            kind: *kind,
            country: *country,
            rule: rule.clone(),
        })
    }
}

impl Aggregate for Register {
    const KIND: StreamKind = StreamKind::Register;
    type Command = Command;
    type Event = Event;
    type Rejection = Rejection;

    fn decide(&self, command: &Command, _: &Circumstances) -> Result<Vec<Event>, Rejection> {
        match command {
            Command::SetPurpose(purpose) => {
                let before = self.purposes.get(&purpose.slug);
                check_purpose(purpose, before)?;
                let purpose = in_order(purpose);
                Ok(if before == Some(&purpose) { vec![] } else { vec![Event::PurposeSet(purpose)] })
            }
            Command::SetRetention(retention) => {
                retention::check(retention)?;
                let unchanged = self.retentions.get(&(retention.kind, retention.country)) == Some(&retention.rule);
                Ok(if unchanged { vec![] } else { vec![Event::RetentionSet(retention.clone())] })
            }
            Command::SetResidueDays(set) => {
                let by_days = matches!(set.kind, ResidueKind::OldBackups | ResidueKind::MemoryImages);
                if !by_days || set.days > RESIDUE_DAYS {
                    return Err(Rejection::ResidueDays);
                }
                let unchanged = self.residue_days(set.kind) == Some(set.days);
                Ok(if unchanged { vec![] } else { vec![Event::ResidueDaysSet(*set)] })
            }
        }
    }

    fn evolve(&mut self, event: &Event) {
        match event {
            Event::PurposeSet(purpose) => {
                self.purposes.insert(purpose.slug.clone(), purpose.clone());
            }
            Event::RetentionSet(Retention { kind, country, rule }) => {
                self.retentions.insert((*kind, *country), rule.clone());
            }
            Event::ResidueDaysSet(ResidueDays { kind, days }) => {
                self.residues.insert(*kind, *days);
            }
        }
    }
}

fn check_purpose(purpose: &Purpose, before: Option<&Purpose>) -> Result<(), Rejection> {
    if purpose.compartment == CompartmentKind::Delivery {
        return Err(Rejection::Delivery);
    }
    if purpose.channels.is_empty() {
        return Err(Rejection::NoChannel);
    }
    if purpose.validity_months.is_some_and(|months| !(1..=MONTHS).contains(&months)) {
        return Err(Rejection::Months);
    }
    if let Some(before) = before.filter(|before| before.basis != purpose.basis) {
        return Err(Rejection::BasisChanged(before.basis));
    }
    match (purpose.basis, purpose.waits_for_consent, purpose.double_opt_in) {
        (LegalBasis::Consent, false, _) => Err(Rejection::ConsentWithoutAsking),
        (LegalBasis::Consent | LegalBasis::LegitimateInterest, true, _) => Ok(()),
        (basis, true, _) => Err(Rejection::NeverWaits(basis)),
        (_, false, true) => Err(Rejection::DoubleOptInWithoutConsent),
        (_, false, false) => Ok(()),
    }
}

fn in_order(purpose: &Purpose) -> Purpose {
    let mut purpose = purpose.clone();
    purpose.channels.sort_unstable();
    purpose.channels.dedup();
    purpose
}

#[cfg(test)]
mod tests;
