//! All views of one ledger, and what may be asked of them.

use std::collections::BTreeSet;

use domain::compartment::Compartment;
use domain::consent::{AsOf, State};
use domain::document::On;
use domain::event::{Event, Follow, Recorded};
use domain::id::{
    ActorId, CaseId, ConsentsId, ContactId, DocumentId, ErasureId, KeyId, NoticeId, OrganizationId, QuoteId,
    RegisterId, SubjectId, TicketId,
};
use domain::ledger;
use domain::register::{LiveCompartment, Register, Slug};
use domain::subject::{ClaimMark, Stage};
use domain::time::{Day, Time};

use crate::actors::{Actor, Actors, Bearer};
use crate::consents::{Consents, Statements};
use crate::contacts::{Contact, Contacts};
use crate::directory::{Also, Direction, Filter, Sort};
use crate::documents::{Document, Documents};
use crate::erasures::{Case, Erasure, ErasureFacts, Erasures};
use crate::notices::{Notice, Notices};
use crate::organizations::{Organization, Organizations};
use crate::page::{CursorGone, Cut, Page};
use crate::quotes::{Quote, QuoteFilter, Quotes};
use crate::register::Registers;
use crate::store::Rows;
use crate::subjects::{Subjects, Thing};
use crate::tickets::{Ticket, TicketFilter, Tickets};

/// All views of one ledger.
#[derive(Default)]
pub struct Views {
    pub(crate) next: u64,
    pub(crate) subjects: Subjects,
    pub(crate) contacts: Contacts,
    pub(crate) organizations: Organizations,
    pub(crate) tickets: Tickets,
    pub(crate) quotes: Quotes,
    pub(crate) statements: Statements,
    pub(crate) notices: Notices,
    pub(crate) registers: Registers,
    pub(crate) erasures: Erasures,
    pub(crate) actors: Actors,
    /// Where the log last went on behind a backup that was put back.
    pub(crate) continued: Option<u64>,
    pub(crate) documents: Documents,
}

/// Contacts by consent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConsentFilter {
    /// To what.
    pub purpose: Slug,
    /// That stands in any of these states.
    pub states: Vec<State>,
    /// On this day. What was so on another day than today is asked of the log, not of a list.
    pub today: Day,
}

impl Follow for Views {
    fn follow(&mut self, records: Vec<Recorded>) {
        for record in records {
            self.apply(record);
        }
        self.settle();
    }

    fn replay(&mut self) {
        self.contacts.put_off();
        self.organizations.put_off();
    }

    fn replayed(&mut self) {
        self.contacts.list_all();
        self.organizations.list_all();
    }
}

impl Views {
    fn apply(&mut self, Recorded { place, event }: Recorded) {
        let seen = place.position < self.next;
        if !seen {
            self.next = place.position + 1;
            self.statements.turn_to(place.recorded_at.day());
        }
        let subjects = &mut self.subjects;
        match event {
            Event::Contact(event) => {
                self.contacts.follow(subjects, &place, event, seen);
                let holder = self.contacts.row(&place.stream.id).and_then(|row| self.contacts.holder(row));
                let consents = holder.and_then(|holder| self.statements.row_of(holder, &self.subjects));
                consents.into_iter().for_each(|row| self.statements.touch(row));
            }
            Event::Organization(event) => self.organizations.follow(subjects, &place, event, seen),
            Event::Consents(event) => {
                let contact = |id: ContactId| self.contacts.row(&id.0);
                self.statements.follow(subjects, &place, event, seen, contact);
            }
            Event::Case(event) => {
                let closings = if seen { Vec::new() } else { self.erasures.closings(subjects, &place, &event) };
                self.erasures.follow(subjects, &place, event, seen);
                for (subject, compartments) in closings {
                    compartments.into_iter().for_each(|compartment| self.forget(subject, compartment));
                }
            }
            Event::Ticket(event) => self.tickets.follow(subjects, &place, event, seen),
            Event::Quote(event) => self.quotes.follow(subjects, &place, event, seen),
            Event::Actor(event) => self.actors.follow(subjects, &place, event, seen),
            Event::Document(event) => self.documents.follow(subjects, &place, event, seen),
            Event::Notice(event) if !seen => self.notices.follow(&place, event),
            Event::Register(event) if !seen => self.registers.follow(&place, event),
            Event::Log(ledger::Event::Continued(_)) if !seen => self.continued = Some(place.position),
            Event::Log(ledger::Event::ErasedBefore { keys, .. }) if !seen => {
                self.erasures.erased_before(&keys, place.recorded_at);
            }
            Event::Log(ledger::Event::KeysLost { keys }) if !seen => {
                self.erasures.declared_lost(&keys, place.recorded_at);
            }
            Event::Log(_) | Event::Notice(_) | Event::Register(_) | Event::Anchor(_) => {}
        }
    }

    fn settle(&mut self) {
        let (subjects, contacts) = (&self.subjects, &self.contacts);
        self.statements.settle(|holder| {
            let held = subjects.held_in(holder, Compartment::Relationship);
            let rows = held.filter_map(|thing| if let Thing::Contact(row) = thing { Some(row) } else { None });
            rows.filter(|row| contacts.sheet(*row).is_some()).collect()
        });
    }

    /// Drops all that is held about a subject in one compartment.
    fn forget(&mut self, subject: u32, compartment: Compartment) {
        for thing in self.subjects.take(subject, compartment) {
            match thing {
                Thing::Contact(row) => {
                    self.contacts.clear(row);
                    self.statements.unlist(row);
                }
                Thing::Organization(row) => self.organizations.clear(row),
                Thing::Ticket(row) => self.tickets.forget(row, subject),
                Thing::Quote(row) => self.quotes.forget(row, subject, compartment),
                Thing::Actor(row) => self.actors.forget(row, subject),
                Thing::Document(row) => self.documents.forget(row),
                Thing::Case(row) => {
                    let still_held = self.subjects.held(subject).iter().any(|hold| hold.thing == thing);
                    self.erasures.forget(row, compartment, still_held);
                }
                Thing::Consents(row) => {
                    self.statements.forget(row);
                    let held = self.subjects.held_in(subject, Compartment::Relationship);
                    for thing in held.collect::<Vec<_>>() {
                        if let Thing::Contact(row) = thing {
                            self.statements.unlist(row);
                        }
                    }
                }
            }
        }
    }

    /// The position that comes next: how far the views have followed.
    pub fn cursor(&self) -> u64 {
        self.next
    }

    /// One contact; what is left of it, if it was forgotten.
    pub fn contact(&self, id: ContactId) -> Option<Contact<'_>> {
        self.contacts.row(&id.0).and_then(|row| self.contacts.contact(row, &self.subjects))
    }

    /// A part of the list of contacts.
    pub fn contacts(
        &self,
        filter: &Filter,
        sort: Sort,
        direction: Direction,
        cut: &Cut,
    ) -> Result<Page<Contact<'_>>, CursorGone> {
        let binned = self.hidden(filter);
        let check = |row: u32| !binned.contains(&self.contacts.id(row));
        let also = (!binned.is_empty()).then_some(Also { rows: None, check: &check });
        Ok(self.contact_page(self.contacts.page(filter, also.as_ref(), (sort, direction), cut)?))
    }

    /// A part of the contacts that are found.
    pub fn find_contacts(&self, text: &str, filter: &Filter, cut: &Cut) -> Result<Page<Contact<'_>>, CursorGone> {
        let binned = self.hidden(filter);
        let check = |row: u32| !binned.contains(&self.contacts.id(row));
        let also = (!binned.is_empty()).then_some(Also { rows: None, check: &check });
        Ok(self.contact_page(self.contacts.find(text, filter, also.as_ref(), cut)?))
    }

    /// What lies in the recycle bin, where it is not asked for as well.
    fn hidden(&self, filter: &Filter) -> BTreeSet<[u8; 16]> {
        if filter.with_bin { BTreeSet::new() } else { self.binned() }
    }

    /// How many contacts pass a filter.
    pub fn count_contacts(&self, filter: &Filter) -> usize {
        let binned = self.hidden(filter);
        let check = |row: u32| !binned.contains(&self.contacts.id(row));
        let also = (!binned.is_empty()).then_some(Also { rows: None, check: &check });
        self.contacts.count(filter, also.as_ref())
    }

    /// One organization; what is left of it, if it was forgotten.
    pub fn organization(&self, id: OrganizationId) -> Option<Organization<'_>> {
        self.organizations.row(&id.0).and_then(|row| self.organizations.organization(row, &self.subjects))
    }

    /// A part of the list of organizations.
    pub fn organizations(
        &self,
        filter: &Filter,
        sort: Sort,
        direction: Direction,
        cut: &Cut,
    ) -> Result<Page<Organization<'_>>, CursorGone> {
        let binned = self.hidden(filter);
        let check = |row: u32| !binned.contains(&self.organizations.id(row));
        let also = (!binned.is_empty()).then_some(Also { rows: None, check: &check });
        Ok(self.organization_page(self.organizations.page(filter, also.as_ref(), (sort, direction), cut)?))
    }

    /// A part of the organizations that are found.
    pub fn find_organizations(
        &self,
        text: &str,
        filter: &Filter,
        cut: &Cut,
    ) -> Result<Page<Organization<'_>>, CursorGone> {
        let binned = self.hidden(filter);
        let check = |row: u32| !binned.contains(&self.organizations.id(row));
        let also = (!binned.is_empty()).then_some(Also { rows: None, check: &check });
        Ok(self.organization_page(self.organizations.find(text, filter, also.as_ref(), cut)?))
    }

    /// How many organizations pass a filter.
    pub fn count_organizations(&self, filter: &Filter) -> usize {
        let binned = self.hidden(filter);
        let check = |row: u32| !binned.contains(&self.organizations.id(row));
        let also = (!binned.is_empty()).then_some(Also { rows: None, check: &check });
        self.organizations.count(filter, also.as_ref())
    }

    fn contact_page(&self, page: Page<u32>) -> Page<Contact<'_>> {
        page.filter_map(|row| self.contacts.contact(row, &self.subjects))
    }

    fn organization_page(&self, page: Page<u32>) -> Page<Organization<'_>> {
        page.filter_map(|row| self.organizations.organization(row, &self.subjects))
    }

    /// A part of the contacts with such a consent.
    pub fn contacts_by_consent(
        &self,
        consent: &ConsentFilter,
        filter: &Filter,
        sort: Sort,
        direction: Direction,
        cut: &Cut,
    ) -> Result<Page<Contact<'_>>, CursorGone> {
        let binned = self.hidden(filter);
        let check = |row: u32| self.stands(row, consent) && !binned.contains(&self.contacts.id(row));
        let ran_out = self.ran_out(consent.today);
        let also = Also { rows: Some(self.candidates(consent, &ran_out)), check: &check };
        Ok(self.contact_page(self.contacts.page(filter, Some(&also), (sort, direction), cut)?))
    }

    /// A part of the contacts with such a consent that are found.
    pub fn find_contacts_by_consent(
        &self,
        text: &str,
        consent: &ConsentFilter,
        filter: &Filter,
        cut: &Cut,
    ) -> Result<Page<Contact<'_>>, CursorGone> {
        let binned = self.hidden(filter);
        let check = |row: u32| self.stands(row, consent) && !binned.contains(&self.contacts.id(row));
        let ran_out = self.ran_out(consent.today);
        let also = Also { rows: Some(self.candidates(consent, &ran_out)), check: &check };
        Ok(self.contact_page(self.contacts.find(text, filter, Some(&also), cut)?))
    }

    /// The consents of a contact's person, while they can be read.
    pub fn consents_of(&self, contact: ContactId) -> Option<Consents> {
        let holder = self.contacts.row(&contact.0).and_then(|row| self.contacts.holder(row))?;
        self.consents_at(self.statements.row_of(holder, &self.subjects)?)
    }

    /// The consents of one stream. They are facts and stay; whose they are does not.
    pub fn consents(&self, id: ConsentsId) -> Option<Consents> {
        self.consents_at(self.statements.row(id)?)
    }

    /// The stream in which a code with this hash (BLAKE3) was sent.
    pub fn consents_of_code(&self, hash: &[u8; 32]) -> Option<ConsentsId> {
        self.statements.of_code(hash)
    }

    /// One ticket.
    pub fn ticket(&self, id: TicketId) -> Option<Ticket<'_>> {
        self.tickets.get(id)
    }

    /// A part of the list of tickets, by when they were opened.
    pub fn tickets(
        &self,
        filter: &TicketFilter,
        direction: Direction,
        cut: &Cut,
    ) -> Result<Page<Ticket<'_>>, CursorGone> {
        self.tickets.page(filter, &self.binned(), direction == Direction::Descending, cut)
    }

    /// One quote.
    pub fn quote(&self, id: QuoteId) -> Option<Quote<'_>> {
        self.quotes.get(id)
    }

    /// A part of the list of quotes, by when they were drafted.
    pub fn quotes(&self, filter: &QuoteFilter, direction: Direction, cut: &Cut) -> Result<Page<Quote<'_>>, CursorGone> {
        self.quotes.page(filter, &self.binned(), direction == Direction::Descending, cut)
    }

    /// One document; what is left of it, if it was redacted.
    pub fn document(&self, id: DocumentId) -> Option<Document<'_>> {
        self.documents.get(id, &self.subjects)
    }

    /// The documents that hang on a contact or a ticket, the first at the front.
    pub fn documents(&self, on: On) -> impl Iterator<Item = Document<'_>> {
        self.documents.on(on, &self.subjects)
    }

    /// One notice in all its versions.
    pub fn notice(&self, id: NoticeId) -> Option<&Notice> {
        self.notices.get(id)
    }

    /// All notices, by id.
    pub fn notices(&self) -> impl Iterator<Item = &Notice> {
        self.notices.iter()
    }

    /// Purposes and retention as they are.
    pub fn register(&self) -> &Register {
        self.registers.now()
    }

    /// The register's id and how many records its stream has; none before the first.
    pub fn register_stream(&self) -> Option<(RegisterId, u64)> {
        self.registers.stream()
    }

    /// Purposes and retention as they were.
    pub fn register_as_of(&self, as_of: AsOf) -> Register {
        self.registers.as_of(as_of)
    }

    /// One actor.
    pub fn actor(&self, id: ActorId) -> Option<Actor<'_>> {
        self.actors.get(id, &self.subjects)
    }

    /// All actors, in the order they were registered.
    pub fn actors(&self) -> impl Iterator<Item = Actor<'_>> {
        self.actors.iter(&self.subjects)
    }

    /// Whose token it is whose secret has this hash (BLAKE3). Only a live one lets anybody in.
    pub fn bearer(&self, hash: &[u8; 32], now: Time) -> Option<Bearer<'_>> {
        self.actors.bearer(hash, now)
    }

    /// One case.
    pub fn case(&self, id: CaseId) -> Option<Case<'_>> {
        self.erasures.case(self.erasures.case_row(id)?, &self.subjects)
    }

    /// One erasure.
    pub fn erasure(&self, id: ErasureId) -> Option<Erasure<'_>> {
        self.erasures.get(id, &self.subjects)
    }

    /// The erasure whose claim code has this hash, however far it is.
    pub fn erasure_of_claim(&self, mark: ClaimMark) -> Option<Erasure<'_>> {
        self.erasures.of_mark(mark, &self.subjects)
    }

    /// The erasures whose certificate is provisional because of their residues, in the order of their requests.
    pub fn provisional(&self) -> impl Iterator<Item = &ErasureFacts> {
        self.erasures.provisional()
    }

    /// A part of the erasures at any of these stages (all, without any), the one due first at the front.
    pub fn erasures(&self, stages: &[Stage], cut: &Cut) -> Result<Page<Erasure<'_>>, CursorGone> {
        self.erasures.page(stages, &self.subjects, cut)
    }

    /// The erasure that fenced or destroyed a key: why a record that names it cannot be opened.
    pub fn erasure_of_key(&self, key: KeyId) -> Option<Erasure<'_>> {
        self.erasures.of_key(key, &self.subjects)
    }

    /// When it was recorded that a key had been destroyed before the log was restored from a backup, which does not know the
    /// erasure, or not its end.
    pub fn erased_before(&self, key: KeyId) -> Option<Time> {
        self.erasures.before(key)
    }

    /// When a key was declared lost.
    pub fn lost(&self, key: KeyId) -> Option<Time> {
        self.erasures.lost(key)
    }

    /// Everything that is held about a subject, by compartment: the answer to an access request (Art. 15 GDPR). Nothing,
    /// once nothing is held.
    pub fn subject(&self, id: SubjectId) -> Option<SubjectHeld<'_>> {
        let row = self.subjects.row(id)?;
        let mut compartments: Vec<HeldIn<'_>> = Vec::new();
        for hold in self.subjects.held(row) {
            let Some(thing) = self.thing(hold.thing, row) else { continue };
            match compartments.last_mut().filter(|last| last.holding.compartment == hold.compartment) {
                Some(last) => {
                    last.holding.last_record = last.holding.last_record.max(hold.last);
                    last.things.push(thing);
                }
                None => {
                    let holding = LiveCompartment { compartment: hold.compartment, last_record: hold.last };
                    compartments.push(HeldIn { holding, things: vec![thing] });
                }
            }
        }
        Some(SubjectHeld { id, compartments })
    }

    fn thing(&self, thing: Thing, subject: u32) -> Option<HeldThing<'_>> {
        Some(match thing {
            Thing::Contact(row) => HeldThing::Contact(self.contacts.contact(row, &self.subjects)?),
            Thing::Organization(row) => HeldThing::Organization(self.organizations.organization(row, &self.subjects)?),
            Thing::Consents(row) => HeldThing::Consents(Box::new(self.consents_at(row)?)),
            Thing::Case(row) => HeldThing::Case(self.erasures.case(row, &self.subjects)?),
            Thing::Ticket(row) => HeldThing::Ticket(self.tickets.ticket_of(row, subject)?),
            Thing::Quote(row) => HeldThing::Quote(self.quotes.quote_of(row, subject)?),
            Thing::Actor(row) => HeldThing::Actor(self.actors.actor(row, &self.subjects)?),
            Thing::Document(row) => HeldThing::Document(self.documents.document(row, &self.subjects)?),
        })
    }

    fn consents_at(&self, row: u32) -> Option<Consents> {
        self.statements.consents(row, &self.subjects, |contact| ContactId(self.contacts.id(contact)))
    }

    /// The sets are as of the last record; what has run out since is added to what had by then.
    fn candidates<'a>(&'a self, consent: &ConsentFilter, ran_out: &'a Rows) -> Vec<&'a Rows> {
        let mut sets = self.statements.by_state(&consent.purpose, &consent.states);
        if consent.states.contains(&State::Expired) {
            sets.push(ran_out);
        }
        sets
    }

    fn ran_out(&self, today: Day) -> Rows {
        let mut contacts = Rows::default();
        let holders = self.statements.ended_before(today).filter_map(|row| self.statements.holder(row));
        for holder in holders {
            for thing in self.subjects.held_in(holder, Compartment::Relationship) {
                if let Thing::Contact(row) = thing {
                    contacts.insert(row);
                }
            }
        }
        contacts
    }

    fn stands(&self, contact: u32, consent: &ConsentFilter) -> bool {
        let holder = self.contacts.holder(contact);
        let row = holder.and_then(|holder| self.statements.row_of(holder, &self.subjects));
        let state_on = row.map_or_else(Vec::new, |row| self.statements.trail(row).state_on(AsOf::day(consent.today)));
        state_on.iter().any(|(scope, standing)| {
            let exact = scope.channel.is_some() && scope.point.is_some();
            exact && scope.purpose.as_ref() == Some(&consent.purpose) && consent.states.contains(&standing.state)
        })
    }
}

/// Everything that is held about a subject.
pub struct SubjectHeld<'a> {
    /// Whose.
    pub id: SubjectId,
    /// By compartment, in their order.
    pub compartments: Vec<HeldIn<'a>>,
}

/// What is held about a subject in one compartment.
pub struct HeldIn<'a> {
    /// Which compartment, and the day of the last record in it.
    pub holding: LiveCompartment,
    /// What is there.
    pub things: Vec<HeldThing<'a>>,
}

/// One thing in the drawer, as far as it is this subject's.
pub enum HeldThing<'a> {
    /// A contact.
    Contact(Contact<'a>),
    /// An organization.
    Organization(Organization<'a>),
    /// Whose consents these are.
    Consents(Box<Consents>),
    /// What is linked, asked and answered.
    Case(Case<'a>),
    /// A ticket.
    Ticket(Ticket<'a>),
    /// A quote.
    Quote(Quote<'a>),
    /// An actor's profile.
    Actor(Actor<'a>),
    /// A document.
    Document(Document<'a>),
}
