//! Which tickets wait for whom, and what do they say?
//!
//! How a ticket stands are facts, and a ticket stays in the lists when its texts are gone. Texts, and whose ticket it is,
//! are part of the drawer.

use std::collections::{BTreeMap, BTreeSet};

use domain::event::Place;
use domain::id::{ActorId, ContactId, MessageId, OrganizationId, TicketId};
use domain::personal::Held;
use domain::ticket::{Direction, Event, OrganizationPart, Origin, PersonPart, Priority, Question, Status};
use domain::time::{Day, Time};
use domain::value::{Line, Text};

use crate::digest::Digest;
use crate::page::{Cursor, CursorGone, Cut, Page, cut_rows};
use crate::store::{Groups, Ids, Rows};
use crate::subjects::{Owned, Subjects, Thing, take_if};

/// What stays of a ticket for ever.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TicketFacts {
    /// When it was opened.
    pub opened_at: Time,
    /// The position of that record.
    pub opened: u64,
    /// When it changed last.
    pub changed_at: Time,
    /// The position of that record.
    pub changed: u64,
    /// The revision of its stream.
    pub revision: u64,
    /// How it came in.
    pub origin: Origin,
    /// How soon.
    pub priority: Priority,
    /// How it stands.
    pub status: Status,
    /// Who works on it.
    pub owner: Option<ActorId>,
    /// The last day a closed ticket may be reopened.
    pub reopen_until: Option<Day>,
    /// Its messages, without what they say.
    pub messages: Vec<MessageFacts>,
}

/// What stays of a message for ever.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MessageFacts {
    /// Its id.
    pub id: MessageId,
    /// What kind.
    pub kind: MessageKind,
    /// Who wrote it down.
    pub actor: ActorId,
    /// When it was said.
    pub at: Time,
    /// The position of its record.
    pub position: u64,
}

/// Whose words a message holds, and who may read it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum MessageKind {
    /// The customer wrote it.
    FromCustomer,
    /// We wrote it, for the customer.
    FromUs,
    /// We wrote it, for ourselves.
    Note,
}

/// One ticket.
#[derive(Clone, Copy)]
pub struct Ticket<'a> {
    /// Its id.
    pub id: TicketId,
    /// What stays for ever.
    pub facts: &'a TicketFacts,
    sheet: Option<&'a Sheet>,
    only: Option<u32>,
}

/// What the drawer holds of a ticket.
#[derive(Default)]
struct Sheet {
    person: Owned<(ContactId, Option<OrganizationId>)>,
    company: Owned<OrganizationId>,
    line: Owned<Line>,
    solution: Owned<Text>,
    bodies: Vec<Owned<Text>>,
}

impl<'a> Ticket<'a> {
    /// Who asks.
    pub fn contact(&self) -> Option<ContactId> {
        self.read(|sheet| sheet.person.as_ref()).map(|(contact, _)| *contact)
    }

    /// For which organization.
    pub fn organization(&self) -> Option<OrganizationId> {
        let own = self.read(|sheet| sheet.person.as_ref()).and_then(|(_, organization)| *organization);
        own.or_else(|| self.read(|sheet| sheet.company.as_ref()).copied())
    }

    /// What it is about.
    pub fn line(&self) -> Option<&'a Line> {
        self.read(|sheet| sheet.line.as_ref())
    }

    /// What solved it.
    pub fn solution(&self) -> Option<&'a Text> {
        self.read(|sheet| sheet.solution.as_ref())
    }

    /// What a message says, by its place in [`TicketFacts::messages`].
    pub fn body(&self, message: usize) -> Option<&'a Text> {
        self.read(|sheet| sheet.bodies.get(message).and_then(Option::as_ref))
    }

    /// Whether anything of it can still be read.
    pub fn is_held(&self) -> bool {
        self.sheet.is_some()
    }

    /// Its place in any list.
    pub fn cursor(&self) -> Cursor {
        Cursor { id: self.id.0, position: self.facts.opened, at: self.facts.opened_at }
    }

    fn read<T>(&self, field: impl FnOnce(&'a Sheet) -> Option<&'a (u32, T)>) -> Option<&'a T> {
        let (owner, value) = field(self.sheet?)?;
        self.only.is_none_or(|only| only == *owner).then_some(value)
    }
}

/// Which tickets. What is not named is not asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct TicketFilter {
    /// That stand so.
    pub status: Option<Status>,
    /// That this actor works on; or nobody.
    pub owner: Option<Option<ActorId>>,
    /// This urgent.
    pub priority: Option<Priority>,
    /// Of this contact.
    pub contact: Option<ContactId>,
    /// Of this organization.
    pub organization: Option<OrganizationId>,
}

/// All tickets.
#[derive(Default)]
pub(crate) struct Tickets {
    ids: Ids,
    facts: Vec<TicketFacts>,
    sheets: Vec<Option<Box<Sheet>>>,
    all: Rows,
    by_status: BTreeMap<Status, Rows>,
    by_owner: BTreeMap<Option<ActorId>, Rows>,
    by_priority: BTreeMap<Priority, Rows>,
    by_contact: Groups,
    by_organization: Groups,
}

impl Tickets {
    /// One ticket.
    pub fn get(&self, id: TicketId) -> Option<Ticket<'_>> {
        self.ids.get(&id.0).and_then(|row| self.ticket(row))
    }

    pub fn ticket(&self, row: u32) -> Option<Ticket<'_>> {
        let id = TicketId(self.ids.id(row)?);
        let sheet = self.sheets.get(row as usize)?.as_deref();
        Some(Ticket { id, facts: self.facts.get(row as usize)?, sheet, only: None })
    }

    /// One ticket, as far as it is this subject's.
    pub fn ticket_of(&self, row: u32, subject: u32) -> Option<Ticket<'_>> {
        self.ticket(row).map(|ticket| Ticket { only: Some(subject), ..ticket })
    }

    /// A part of the list, by when they were opened.
    pub fn page(
        &self,
        filter: &TicketFilter,
        hidden: &BTreeSet<[u8; 16]>,
        newest_first: bool,
        cut: &Cut,
    ) -> Result<Page<Ticket<'_>>, CursorGone> {
        let (_, cursor, _) = cut.parts();
        let cursor = cursor.map(|cursor| self.ids.get(&cursor.id).ok_or(CursorGone)).transpose()?;
        let none = Rows::default();
        let mut sets = vec![&self.all];
        sets.extend(filter.status.map(|status| self.by_status.get(&status).unwrap_or(&none)));
        sets.extend(filter.owner.map(|owner| self.by_owner.get(&owner).unwrap_or(&none)));
        sets.extend(filter.priority.map(|priority| self.by_priority.get(&priority).unwrap_or(&none)));
        sets.extend(filter.contact.map(|contact| self.by_contact.get(&contact.0).unwrap_or(&none)));
        sets.extend(filter.organization.map(|one| self.by_organization.get(&one.0).unwrap_or(&none)));
        let shown = |row| hidden.is_empty() || self.ids.id(row).is_none_or(|id| !hidden.contains(&id));
        Ok(cut_rows(&sets, shown, newest_first, cursor, cut).filter_map(|row| self.ticket(row)))
    }

    /// Takes a record. Of one that was seen before, only what it says of people.
    pub fn follow(&mut self, subjects: &mut Subjects, place: &Place, event: Event, seen: bool) {
        if !seen {
            self.follow_facts(place, &event);
        }
        let Some(row) = self.ids.get(&place.stream.id) else { return };
        let day = place.recorded_at.day();
        match event {
            Event::Opened { person, organization, .. } => {
                self.clear(row, |_| true);
                if let Some(Held::Here(part)) = person {
                    let holder = subjects.hold(&part, Thing::Ticket(row), day);
                    self.open_for_person(row, holder, part.into_exposed());
                }
                if let Some(Held::Here(part)) = organization {
                    let holder = subjects.hold(&part, Thing::Ticket(row), day);
                    self.open_for_company(row, holder, part.into_exposed());
                }
            }
            Event::Replied { message, body: Held::Here(body), .. }
            | Event::NoteAdded { message, body: Held::Here(body) } => {
                let holder = subjects.hold(&body, Thing::Ticket(row), day);
                self.say(row, message, holder, body.into_exposed());
            }
            Event::Solved { solution: Held::Here(solution) } => {
                let holder = subjects.hold(&solution, Thing::Ticket(row), day);
                self.write(row, |sheet| sheet.solution = Some((holder, solution.into_exposed())));
            }
            Event::Replied { body: Held::Gone(_), .. }
            | Event::NoteAdded { body: Held::Gone(_), .. }
            | Event::Solved { solution: Held::Gone(_) }
            | Event::Assigned { .. }
            | Event::PriorityChanged { .. }
            | Event::Reopened
            | Event::Closed { .. } => {}
        }
    }

    /// Drops what is a subject's.
    pub fn forget(&mut self, row: u32, subject: u32) {
        self.clear(row, |holder| holder == subject);
    }

    /// Facts, sheets and every list.
    pub fn write_digest(&self, out: &mut Digest<'_>, subjects: &Subjects) {
        for (row, facts) in self.facts.iter().enumerate() {
            out.bytes(&self.ids.id(row as u32).unwrap_or_default());
            out.facts(facts);
            let Some(sheet) = self.sheets.get(row).and_then(Option::as_deref) else { continue };
            out.facts(&sheet.person.as_ref().map(|(holder, person)| (subjects.id(*holder), person)));
            out.facts(&sheet.company.as_ref().map(|(holder, company)| (subjects.id(*holder), company)));
            let line = sheet.line.as_ref().map(|(holder, line)| (*holder, line.as_str()));
            let texts = [&sheet.solution].into_iter().chain(&sheet.bodies);
            let texts = texts.map(|text| text.as_ref().map(|(holder, text)| (*holder, text.as_str())));
            for (number, (holder, text)) in [line].into_iter().chain(texts).enumerate().filter_map(present) {
                out.number(number as u64);
                out.subject(Some(holder), subjects);
                out.bytes(text.as_bytes());
            }
        }
        out.rows(&self.all);
        out.sets(&self.by_status);
        out.sets(&self.by_owner);
        out.sets(&self.by_priority);
        out.groups(&self.by_contact);
        out.groups(&self.by_organization);
    }

    fn follow_facts(&mut self, place: &Place, event: &Event) {
        if let Event::Opened { priority, origin, .. } = event {
            self.begin(place, *priority, *origin);
        }
        let Some(row) = self.ids.get(&place.stream.id) else { return };
        let Some(facts) = self.facts.get_mut(row as usize) else { return };
        (facts.changed_at, facts.changed, facts.revision) = (place.recorded_at, place.position, place.revision);
        let (actor, at, position) = (place.actor, place.effective_at, place.position);
        let mut say = |id, kind| facts.messages.push(MessageFacts { id, kind, actor, at, position });
        match event {
            Event::Opened { message, .. } => say(*message, MessageKind::FromCustomer),
            Event::Replied { message, direction: Direction::FromCustomer, .. } => {
                say(*message, MessageKind::FromCustomer)
            }
            Event::Replied { message, direction: Direction::FromUs, .. } => say(*message, MessageKind::FromUs),
            Event::NoteAdded { message, .. } => say(*message, MessageKind::Note),
            Event::Assigned { to } => move_row(&mut self.by_owner, &mut facts.owner, *to, row),
            Event::PriorityChanged { priority } => move_row(&mut self.by_priority, &mut facts.priority, *priority, row),
            Event::Solved { .. } => move_row(&mut self.by_status, &mut facts.status, Status::Solved, row),
            Event::Reopened => {
                facts.reopen_until = None;
                move_row(&mut self.by_status, &mut facts.status, Status::Open, row);
            }
            Event::Closed { reopen_until } => {
                facts.reopen_until = Some(*reopen_until);
                move_row(&mut self.by_status, &mut facts.status, Status::Closed, row);
            }
        }
    }

    fn begin(&mut self, place: &Place, priority: Priority, origin: Origin) {
        let row = self.ids.add(place.stream.id);
        self.facts.push(TicketFacts {
            opened_at: place.recorded_at,
            opened: place.position,
            changed_at: place.recorded_at,
            changed: place.position,
            revision: place.revision,
            origin,
            priority,
            status: Status::Open,
            owner: None,
            reopen_until: None,
            messages: Vec::new(),
        });
        self.sheets.push(None);
        self.all.insert(row);
        self.by_status.entry(Status::Open).or_default().insert(row);
        self.by_owner.entry(None).or_default().insert(row);
        self.by_priority.entry(priority).or_default().insert(row);
    }

    fn open_for_person(&mut self, row: u32, holder: u32, part: PersonPart) {
        let PersonPart { contact, organization, question } = part;
        self.by_contact.add(contact.0, row);
        organization.into_iter().for_each(|organization| self.by_organization.add(organization.0, row));
        self.write(row, |sheet| {
            sheet.person = Some((holder, (contact, organization)));
            sheet.ask(holder, question);
        });
    }

    fn open_for_company(&mut self, row: u32, holder: u32, part: OrganizationPart) {
        let OrganizationPart { organization, question } = part;
        self.by_organization.add(organization.0, row);
        self.write(row, |sheet| {
            sheet.company = Some((holder, organization));
            question.into_iter().for_each(|question| sheet.ask(holder, question));
        });
    }

    fn say(&mut self, row: u32, message: MessageId, holder: u32, body: Text) {
        let messages = self.facts.get(row as usize).map_or(&[][..], |facts| &facts.messages);
        let Some(number) = messages.iter().rposition(|known| known.id == message) else { return };
        self.write(row, |sheet| {
            if number >= sheet.bodies.len() {
                sheet.bodies.resize_with(number + 1, || None);
            }
            if let Some(place) = sheet.bodies.get_mut(number) {
                *place = Some((holder, body));
            }
        });
    }

    fn write(&mut self, row: u32, change: impl FnOnce(&mut Sheet)) {
        if let Some(sheet) = self.sheets.get_mut(row as usize) {
            change(sheet.get_or_insert_default());
        }
    }

    fn clear(&mut self, row: u32, is_theirs: impl Fn(u32) -> bool) {
        let Some(place) = self.sheets.get_mut(row as usize) else { return };
        let Some(sheet) = place else { return };
        if let Some((_, (contact, organization))) = take_if(&mut sheet.person, &is_theirs) {
            self.by_contact.remove(&contact.0, row);
            organization.into_iter().for_each(|organization| self.by_organization.remove(&organization.0, row));
        }
        if let Some((_, organization)) = take_if(&mut sheet.company, &is_theirs) {
            self.by_organization.remove(&organization.0, row);
        }
        take_if(&mut sheet.line, &is_theirs);
        take_if(&mut sheet.solution, &is_theirs);
        sheet.bodies.iter_mut().for_each(|body| drop(take_if(body, &is_theirs)));
        if sheet.is_empty() {
            *place = None;
        }
    }
}

impl Sheet {
    fn ask(&mut self, holder: u32, question: Question) {
        // No text is empty but one that a redaction took.
        let is_there = !question.body.as_str().is_empty();
        self.line = is_there.then_some((holder, question.line));
        self.bodies = vec![is_there.then_some((holder, question.body))];
    }

    fn is_empty(&self) -> bool {
        let Self { person, company, line, solution, bodies } = self;
        person.is_none()
            && company.is_none()
            && line.is_none()
            && solution.is_none()
            && bodies.iter().all(Option::is_none)
    }
}

/// Moves a row from the set of its old value to that of its new one.
pub(crate) fn move_row<K: Ord + Copy>(sets: &mut BTreeMap<K, Rows>, value: &mut K, to: K, row: u32) {
    sets.entry(*value).or_default().remove(row);
    sets.entry(to).or_default().insert(row);
    *value = to;
}

fn present<T>((number, value): (usize, Option<T>)) -> Option<(usize, T)> {
    value.map(|value| (number, value))
}
