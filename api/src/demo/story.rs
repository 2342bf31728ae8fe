//! The four people whom the README tells of by name. All is counted back from the present, so that it reads the same
//! whenever the demo is made.

use domain::channel::Channel;
use domain::compartment::Country;
use domain::consent::{Method, Source, Way};
use domain::holding::{Holding, ReasonKind, SourceKind};
use domain::id::{CaseId, ErasureId};
use domain::profile::Address;
use domain::subject::{self, AskedHow, Case, Ground, IdentityCheck, Link, Request, SubjectKind};
use domain::time::Time;
use domain::value::{Line, Text};
use events::ledger::Fresh;

use super::consents::Asking;
use super::customers::{Customer, NewFirm, Newcomer};
use super::desk::{Desk, QuoteFate, TicketFate};
use super::diary::{Diary, Erase};
use super::office::Office;
use super::words::Words;
use super::{DemoError, People, Somebody};

/// Who they are, and the firm each works for.
struct Part {
    name: &'static str,
    first: &'static str,
    last: &'static str,
    job: &'static str,
    email: &'static str,
    phone: &'static str,
    language: &'static str,
    country: Country,
    firm: &'static str,
    office: &'static str,
    city: &'static str,
}

const MARIA: Part = Part {
    name: "Maria Lindqvist",
    first: "Maria",
    last: "Lindqvist",
    job: "Inköpschef",
    email: "maria.lindqvist@fjallvind.example",
    phone: "+46 70 174 06 15",
    language: "sv",
    country: Country(*b"SE"),
    firm: "Fjällvind Växthus AB",
    office: "+46 8 465 004 31",
    city: "Östersund",
};

const TOMAS: Part = Part {
    name: "Tomáš Dvořák",
    first: "Tomáš",
    last: "Dvořák",
    job: "Jednatel",
    email: "tomas.dvorak@zelenydum.example",
    phone: "+420 601 555 012",
    language: "cs",
    country: Country(*b"CZ"),
    firm: "Zelený dům s.r.o.",
    office: "+420 222 555 012",
    city: "Olomouc",
};

const ELENI: Part = Part {
    name: "Ελένη Παπαδοπούλου",
    first: "Ελένη",
    last: "Παπαδοπούλου",
    job: "Διευθύντρια",
    email: "eleni.papadopoulou@elaiones.example",
    phone: "+30 69 0555 0142",
    language: "el",
    country: Country(*b"GR"),
    firm: "Ελαιώνες Μεσσηνίας Α.Ε.",
    office: "+30 21 0555 0142",
    city: "Καλαμάτα",
};

const JONAS: Part = Part {
    name: "Jonas Brandt",
    first: "Jonas",
    last: "Brandt",
    job: "Geschäftsführer",
    email: "jonas.brandt@hofgut-birkenau.example",
    phone: "+49 171 39200 71",
    language: "de",
    country: Country(*b"DE"),
    firm: "Hofgut Birkenau GmbH",
    office: "+49 30 23125 117",
    city: "Göttingen",
};

/// Where the story is told.
struct Stage<'a> {
    office: &'a Office,
    words: &'a Words,
    now: Time,
}

/// Writes down what happens to the four. Maria Lindqvist takes the newsletter back, Tomáš Dvořák never presents his code,
/// Ελένη Παπαδοπούλου waits for the approval of her erasure, and Jonas Brandt is erased.
pub fn write(office: &Office, words: &Words, now: Time, diary: &mut Diary) -> Result<People, DemoError> {
    let stage = Stage { office, words, now };
    let people = People {
        withdrawn: stage.maria(diary)?,
        unanswered: stage.tomas(diary)?,
        waiting: stage.eleni(diary)?,
        erased: stage.jonas(diary)?,
    };
    Ok(people)
}

impl Stage<'_> {
    fn maria(&self, diary: &mut Diary) -> Result<Somebody, DemoError> {
        let maria = self.enter(&MARIA, 1_400, 0, diary)?;
        let asking = Asking { office: self.office, customer: &maria };
        let code = asking.request(self.ago(700, 9), diary)?;
        asking.confirm(code, self.ago(700, 8), diary);
        let news = ("product-news", Channel::Email, maria.email);
        let written = Way { source: Source::Email, method: Method::Written };
        asking.give(news, written, self.ago(500, 3), None, diary)?;
        asking.withdraw(("newsletter", Channel::Email, maria.email), self.ago(60, 5), diary)?;
        let desk = self.desk(&maria);
        desk.ticket(TicketFate::Solved, 1, self.ago(300, 6), self.now, diary)?;
        desk.quote(QuoteFate::Accepted, 2, self.ago(40, 6), self.now, diary)?;
        Ok(somebody(&MARIA, &maria, None))
    }

    fn tomas(&self, diary: &mut Diary) -> Result<Somebody, DemoError> {
        let tomas = self.enter(&TOMAS, 25, 1, diary)?;
        Asking { office: self.office, customer: &tomas }.request(self.ago(24, 7), diary)?;
        Ok(somebody(&TOMAS, &tomas, None))
    }

    fn eleni(&self, diary: &mut Diary) -> Result<Somebody, DemoError> {
        let eleni = self.enter(&ELENI, 800, 2, diary)?;
        let asking = Asking { office: self.office, customer: &eleni };
        let news = ("product-news", Channel::Phone, eleni.phone);
        let spoken = Way { source: Source::Phone, method: Method::Spoken };
        asking.give(news, spoken, self.ago(790, 4), None, diary)?;
        self.desk(&eleni).ticket(TicketFate::Open, 0, self.ago(8, 4), self.now, diary)?;
        let request = self.request(&eleni, 6, Ground::NoLongerNecessary, diary)?;
        Ok(somebody(&ELENI, &eleni, Some(request)))
    }

    fn jonas(&self, diary: &mut Diary) -> Result<Somebody, DemoError> {
        let jonas = self.enter(&JONAS, 1_100, 3, diary)?;
        let asking = Asking { office: self.office, customer: &jonas };
        let code = asking.request(self.ago(1_090, 9), diary)?;
        asking.confirm(code, self.ago(1_089, 20), diary);
        asking.withdraw(("newsletter", Channel::Email, jonas.email), self.ago(50, 9), diary)?;
        self.desk(&jonas).ticket(TicketFate::Closed, 3, self.ago(900, 9), self.now, diary)?;
        let (case, erasure) = self.request(&jonas, 48, Ground::ConsentWithdrawn, diary)?;
        let [dpo, _] = self.office.actors.dpos;
        diary.erase(self.ago(45, 6), dpo, Erase { register: self.office.register, case, erasure });
        Ok(somebody(&JONAS, &jonas, Some((case, erasure))))
    }

    fn enter(&self, part: &Part, days: i64, number: usize, diary: &mut Diary) -> Result<Customer, DemoError> {
        let domain = part.email.split_once('@').map_or(part.email, |(_, domain)| domain);
        let address =
            Address { city: Some(Line::parse(part.city)?), country_code: Some(part.country), ..Address::default() };
        let firm = NewFirm { name: part.firm.into(), domain: domain.into(), phone: part.office.into(), address };
        let company = firm.register(self.office, self.ago(days, 12), diary)?;
        let newcomer = Newcomer {
            first: part.first,
            last: part.last,
            displayed: None,
            job: part.job,
            email: part.email.into(),
            phone: part.phone.into(),
            language: part.language,
            country: Some(part.country),
            company,
            holding: Holding { source: SourceKind::WebForm, reason: ReasonKind::Contract, hold_until: None },
            tag: None,
            birthday: None,
        };
        newcomer.register(self.office, number, self.ago(days, 11), diary)
    }

    /// An agent opens the case of somebody and writes down that they want to be forgotten.
    fn request(
        &self,
        customer: &Customer,
        days: i64,
        ground: Ground,
        diary: &mut Diary,
    ) -> Result<(CaseId, ErasureId), DemoError> {
        let mut fresh = Fresh::new();
        let (case, erasure): (CaseId, ErasureId) = (fresh.id()?, fresh.id()?);
        let at = self.ago(days, 7);
        let asked = subject::Asked {
            ground,
            how: AskedHow::Email,
            on: at.day(),
            identity: IdentityCheck::KnownPoint,
            identity_on: at.day(),
        };
        let words = Some(Text::parse("Please delete everything you have about me.")?);
        let commands = [
            subject::Command::Open { subject: customer.subject, kind: SubjectKind::Person },
            subject::Command::Link(Link::Contact(customer.contact)),
            subject::Command::RequestErasure { erasure, asked, request: Request { words, people: Vec::new() } },
        ];
        for (minute, command) in (0..).zip(commands) {
            diary.write::<Case>(at.plus_ms(minute * 60_000), self.office.agent(0), case.0, command);
        }
        Ok((case, erasure))
    }

    fn desk<'a>(&'a self, customer: &'a Customer) -> Desk<'a> {
        Desk { office: self.office, texts: &self.words.texts, customer }
    }

    /// So many days and hours before the present.
    fn ago(&self, days: i64, hours: i64) -> Time {
        self.now.plus_ms(-days * Time::DAY_MS - hours * 3_600_000)
    }
}

fn somebody(part: &Part, customer: &Customer, erasure: Option<(CaseId, ErasureId)>) -> Somebody {
    let Customer { contact, subject, consents, email, phone, .. } = *customer;
    Somebody { name: part.name, contact, subject, consents, email, phone, erasure }
}
