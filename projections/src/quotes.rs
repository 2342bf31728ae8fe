//! Which quotes are out, for how much, and for whom?
//!
//! Amounts and states are facts, and a quote stays in the lists when its texts are gone. Texts, and whom it is for, are part
//! of the drawer.

use std::collections::{BTreeMap, BTreeSet};

use domain::compartment::Compartment;
use domain::event::Place;
use domain::id::{ActorId, ContactId, OrganizationId, QuoteId};
use domain::personal::Held;
use domain::quote::{Event, OrganizationPart, PersonPart, Status, Terms, Texts, Voucher};
use domain::time::{Day, Time};
use domain::value::{Line, Text};

use crate::digest::Digest;
use crate::page::{Cursor, CursorGone, Cut, Page, cut_rows};
use crate::store::{Groups, Ids, Rows};
use crate::subjects::{Owned, Subjects, Thing, take_if};
use crate::tickets::move_row;

/// What stays of a quote for ever.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct QuoteFacts {
    /// When it was drafted.
    pub drafted_at: Time,
    /// The position of that record.
    pub drafted: u64,
    /// When it changed last.
    pub changed_at: Time,
    /// The position of that record.
    pub changed: u64,
    /// The revision of its stream.
    pub revision: u64,
    /// All versions; the first has number 1.
    pub versions: Vec<Version>,
    /// The version that was sent last, and when.
    pub sent: Option<(u32, Time)>,
    /// The version that was accepted.
    pub accepted: Option<u32>,
    /// When it was accepted or rejected, if it was.
    pub answered_at: Option<Time>,
    /// As the log says; a sent one may be expired today.
    stored: Status,
}

/// One version of a quote.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Version {
    /// Its amounts and its last day.
    pub terms: Terms,
    /// Who made it.
    pub actor: ActorId,
    /// When.
    pub at: Time,
    /// The position of its record.
    pub position: u64,
}

impl QuoteFacts {
    /// How it stands on a day.
    pub fn status(&self, today: Day) -> Status {
        let sent = self.sent.and_then(|(number, _)| self.version(number));
        let over = sent.is_some_and(|version| version.terms.valid_until < today);
        if self.stored == Status::Sent && over { Status::Expired } else { self.stored }
    }

    /// A version by its number.
    pub fn version(&self, number: u32) -> Option<&Version> {
        self.versions.get((number as usize).checked_sub(1)?)
    }

    /// The number of the version that counts: the accepted one, else the last.
    pub fn standing(&self) -> u32 {
        self.accepted.unwrap_or(self.versions.len() as u32)
    }
}

/// One quote.
#[derive(Clone, Copy)]
pub struct Quote<'a> {
    /// Its id.
    pub id: QuoteId,
    /// What stays for ever.
    pub facts: &'a QuoteFacts,
    sheet: Option<&'a Sheet>,
    only: Option<u32>,
}

/// What the drawer holds of a quote.
#[derive(Default)]
struct Sheet {
    person: Owned<ContactId>,
    company: Owned<(OrganizationId, Option<ContactId>)>,
    texts: BTreeMap<u32, (u32, Texts)>,
    reasons: BTreeMap<u32, (u32, Text)>,
    voucher: Owned<Box<Voucher>>,
}

impl Sheet {
    fn is_empty(&self) -> bool {
        let parties = self.person.is_none() && self.company.is_none();
        parties && self.texts.is_empty() && self.reasons.is_empty() && self.voucher.is_none()
    }
}

impl<'a> Quote<'a> {
    /// Who asks.
    pub fn contact(&self) -> Option<ContactId> {
        let own = self.read(|sheet| sheet.person.as_ref()).copied();
        own.or_else(|| self.read(|sheet| sheet.company.as_ref()).and_then(|(_, contact)| *contact))
    }

    /// For which organization.
    pub fn organization(&self) -> Option<OrganizationId> {
        self.read(|sheet| sheet.company.as_ref()).map(|(organization, _)| *organization)
    }

    /// The words of a version.
    pub fn texts(&self, version: u32) -> Option<&'a Texts> {
        self.read(|sheet| sheet.texts.get(&version))
    }

    /// Why a version was rejected, in their words.
    pub fn reason(&self, version: u32) -> Option<&'a Text> {
        self.read(|sheet| sheet.reasons.get(&version))
    }

    /// What is kept of it for the tax office, under a key of its own.
    pub fn voucher(&self) -> Option<&'a Voucher> {
        self.read(|sheet| sheet.voucher.as_ref()).map(Box::as_ref)
    }

    /// Whether anything of it can still be read.
    pub fn is_held(&self) -> bool {
        self.sheet.is_some()
    }

    /// Its place in any list.
    pub fn cursor(&self) -> Cursor {
        Cursor { id: self.id.0, position: self.facts.drafted, at: self.facts.drafted_at }
    }

    fn read<T>(&self, field: impl FnOnce(&'a Sheet) -> Option<&'a (u32, T)>) -> Option<&'a T> {
        let (owner, value) = field(self.sheet?)?;
        self.only.is_none_or(|only| only == *owner).then_some(value)
    }
}

/// Which quotes. What is not named is not asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct QuoteFilter {
    /// That stand so, on this day.
    pub status: Option<(Status, Day)>,
    /// For this contact.
    pub contact: Option<ContactId>,
    /// For this organization.
    pub organization: Option<OrganizationId>,
}

/// All quotes.
#[derive(Default)]
pub(crate) struct Quotes {
    ids: Ids,
    facts: Vec<QuoteFacts>,
    sheets: Vec<Option<Box<Sheet>>>,
    all: Rows,
    by_status: BTreeMap<Status, Rows>,
    by_contact: Groups,
    by_organization: Groups,
}

impl Quotes {
    /// One quote.
    pub fn get(&self, id: QuoteId) -> Option<Quote<'_>> {
        self.ids.get(&id.0).and_then(|row| self.quote(row))
    }

    pub fn quote(&self, row: u32) -> Option<Quote<'_>> {
        let id = QuoteId(self.ids.id(row)?);
        let sheet = self.sheets.get(row as usize)?.as_deref();
        Some(Quote { id, facts: self.facts.get(row as usize)?, sheet, only: None })
    }

    /// One quote, as far as it is this subject's.
    pub fn quote_of(&self, row: u32, subject: u32) -> Option<Quote<'_>> {
        self.quote(row).map(|quote| Quote { only: Some(subject), ..quote })
    }

    /// A part of the list, by when they were drafted.
    pub fn page(
        &self,
        filter: &QuoteFilter,
        hidden: &BTreeSet<[u8; 16]>,
        newest_first: bool,
        cut: &Cut,
    ) -> Result<Page<Quote<'_>>, CursorGone> {
        let (_, cursor, _) = cut.parts();
        let cursor = cursor.map(|cursor| self.ids.get(&cursor.id).ok_or(CursorGone)).transpose()?;
        let none = Rows::default();
        let mut sets = vec![&self.all];
        sets.extend(filter.status.map(|(status, _)| {
            let stored = if status == Status::Expired { Status::Sent } else { status };
            self.by_status.get(&stored).unwrap_or(&none)
        }));
        sets.extend(filter.contact.map(|contact| self.by_contact.get(&contact.0).unwrap_or(&none)));
        sets.extend(filter.organization.map(|one| self.by_organization.get(&one.0).unwrap_or(&none)));
        let is_hidden = |row| !hidden.is_empty() && self.ids.id(row).is_some_and(|id| hidden.contains(&id));
        let stands = |row: u32| {
            let facts = self.facts.get(row as usize);
            let stands = |(status, today)| facts.is_some_and(|facts| facts.status(today) == status);
            filter.status.is_none_or(stands) && !is_hidden(row)
        };
        Ok(cut_rows(&sets, stands, newest_first, cursor, cut).filter_map(|row| self.quote(row)))
    }

    /// Takes a record. Of one that was seen before, only what it says of people.
    pub fn follow(&mut self, subjects: &mut Subjects, place: &Place, event: Event, seen: bool) {
        if !seen {
            self.follow_facts(place, &event);
        }
        let Some(row) = self.ids.get(&place.stream.id) else { return };
        let (thing, day) = (Thing::Quote(row), place.recorded_at.day());
        match event {
            Event::Drafted { person, organization, terms: _ } => {
                self.clear(row, |_| true);
                if let Some(Held::Here(part)) = person {
                    let holder = subjects.hold(&part, thing, day);
                    self.draft_for_person(row, holder, part.into_exposed());
                }
                if let Some(Held::Here(part)) = organization {
                    let holder = subjects.hold(&part, thing, day);
                    self.draft_for_company(row, holder, part.into_exposed());
                }
            }
            Event::Revised { version, texts: Held::Here(texts), .. } => {
                let holder = subjects.hold(&texts, thing, day);
                self.write(row, |sheet| drop(sheet.texts.insert(version, (holder, texts.into_exposed()))));
            }
            Event::Rejected { version, reason: Some(Held::Here(reason)) } => {
                let holder = subjects.hold(&reason, thing, day);
                self.write(row, |sheet| drop(sheet.reasons.insert(version, (holder, reason.into_exposed()))));
            }
            Event::VoucherKept { voucher: Held::Here(voucher), .. } => {
                let holder = subjects.hold(&voucher, thing, day);
                self.write(row, |sheet| sheet.voucher = Some((holder, Box::new(voucher.into_exposed()))));
            }
            Event::VoucherKept { voucher: Held::Gone(_), .. }
            | Event::Revised { texts: Held::Gone(_), .. }
            | Event::Rejected { reason: None | Some(Held::Gone(_)), .. }
            | Event::Sent { .. }
            | Event::Accepted { .. } => {}
        }
    }

    /// Drops what is a subject's in one compartment: the copy for the tax office, or all the rest.
    pub fn forget(&mut self, row: u32, subject: u32, compartment: Compartment) {
        if !matches!(compartment, Compartment::Fiscal(..)) {
            return self.clear(row, |holder| holder == subject);
        }
        if let Some(place) = self.sheets.get_mut(row as usize)
            && let Some(sheet) = place
        {
            take_if(&mut sheet.voucher, |holder| holder == subject);
            if sheet.is_empty() {
                *place = None;
            }
        }
    }

    /// Facts, sheets and every list.
    pub fn write_digest(&self, out: &mut Digest<'_>, subjects: &Subjects) {
        for (row, facts) in self.facts.iter().enumerate() {
            out.bytes(&self.ids.id(row as u32).unwrap_or_default());
            out.facts(facts);
            let Some(sheet) = self.sheets.get(row).and_then(Option::as_deref) else { continue };
            out.facts(&sheet.person.as_ref().map(|(holder, person)| (subjects.id(*holder), person)));
            out.facts(&sheet.company.as_ref().map(|(holder, company)| (subjects.id(*holder), company)));
            for (version, (holder, texts)) in &sheet.texts {
                out.facts(&(version, subjects.id(*holder)));
                let lines = texts.title.iter().chain(&texts.descriptions).map(Line::as_str);
                lines.chain(texts.notes.as_ref().map(Text::as_str)).for_each(|text| out.bytes(text.as_bytes()));
            }
            if let Some((holder, voucher)) = &sheet.voucher {
                out.facts(&(subjects.id(*holder), &voucher.address));
                let lines = voucher.recipient.iter().chain(&voucher.texts.title).chain(&voucher.texts.descriptions);
                lines.for_each(|line| out.bytes(line.as_str().as_bytes()));
            }
            for (version, (holder, reason)) in &sheet.reasons {
                out.facts(&(version, subjects.id(*holder)));
                out.bytes(reason.as_str().as_bytes());
            }
        }
        out.rows(&self.all);
        out.sets(&self.by_status);
        out.groups(&self.by_contact);
        out.groups(&self.by_organization);
    }

    fn follow_facts(&mut self, place: &Place, event: &Event) {
        if matches!(event, Event::Drafted { .. }) {
            self.begin(place);
        }
        let Some(row) = self.ids.get(&place.stream.id) else { return };
        let Some(facts) = self.facts.get_mut(row as usize) else { return };
        (facts.changed_at, facts.changed, facts.revision) = (place.recorded_at, place.position, place.revision);
        let (at, position, actor) = (place.effective_at, place.position, place.actor);
        let status = match event {
            Event::Drafted { terms, .. } | Event::Revised { terms, .. } => {
                facts.versions.push(Version { terms: terms.clone(), actor, at, position });
                facts.answered_at = None;
                Status::Draft
            }
            Event::Sent { version } => {
                facts.sent = Some((*version, at));
                Status::Sent
            }
            Event::Accepted { version } => {
                (facts.accepted, facts.answered_at) = (Some(*version), Some(at));
                Status::Accepted
            }
            Event::VoucherKept { .. } => return,
            Event::Rejected { .. } => {
                facts.answered_at = Some(at);
                Status::Rejected
            }
        };
        move_row(&mut self.by_status, &mut facts.stored, status, row);
    }

    fn begin(&mut self, place: &Place) {
        let row = self.ids.add(place.stream.id);
        self.facts.push(QuoteFacts {
            drafted_at: place.recorded_at,
            drafted: place.position,
            changed_at: place.recorded_at,
            changed: place.position,
            revision: place.revision,
            versions: Vec::new(),
            sent: None,
            accepted: None,
            answered_at: None,
            stored: Status::Draft,
        });
        self.sheets.push(None);
        self.all.insert(row);
    }

    fn draft_for_person(&mut self, row: u32, holder: u32, part: PersonPart) {
        self.by_contact.add(part.contact.0, row);
        self.write(row, |sheet| {
            sheet.person = Some((holder, part.contact));
            sheet.texts.extend(part.texts.map(|texts| (1, (holder, texts))));
        });
    }

    fn draft_for_company(&mut self, row: u32, holder: u32, part: OrganizationPart) {
        self.by_organization.add(part.organization.0, row);
        part.contact.into_iter().for_each(|contact| self.by_contact.add(contact.0, row));
        self.write(row, |sheet| {
            sheet.company = Some((holder, (part.organization, part.contact)));
            sheet.texts.insert(1, (holder, part.texts));
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
        if let Some((_, contact)) = take_if(&mut sheet.person, &is_theirs) {
            self.by_contact.remove(&contact.0, row);
        }
        if let Some((_, (organization, contact))) = take_if(&mut sheet.company, &is_theirs) {
            self.by_organization.remove(&organization.0, row);
            contact.into_iter().for_each(|contact| self.by_contact.remove(&contact.0, row));
        }
        sheet.texts.retain(|_, (holder, _)| !is_theirs(*holder));
        sheet.reasons.retain(|_, (holder, _)| !is_theirs(*holder));
        if sheet.is_empty() {
            *place = None;
        }
    }
}
