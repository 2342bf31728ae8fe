//! All views of one ledger, and what may be asked of them.

use domain::compartment::Compartment;
use domain::event::{Event, Follow, Recorded};
use domain::id::{ContactId, OrganizationId, SubjectId};

use crate::contacts::{Contact, Contacts};
use crate::directory::{Direction, Filter, Sort};
use crate::organizations::{Organization, Organizations};
use crate::page::{CursorGone, Cut, Page};
use crate::subjects::{Subjects, Thing};

/// All views of one ledger.
#[derive(Default)]
pub struct Views {
    next: u64,
    subjects: Subjects,
    contacts: Contacts,
    organizations: Organizations,
}

impl Follow for Views {
    fn follow(&mut self, records: Vec<Recorded>) {
        for Recorded { place, event } in records {
            let seen = place.position < self.next;
            self.next = self.next.max(place.position + 1);
            match event {
                Event::Contact(event) => self.contacts.follow(&mut self.subjects, &place, event, seen),
                Event::Organization(event) => self.organizations.follow(&mut self.subjects, &place, event, seen),
                _ => {}
            }
        }
    }
}

impl Views {
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
        Ok(self.contact_page(self.contacts.page(filter, None, (sort, direction), cut)?))
    }

    /// A part of the contacts that are found.
    pub fn find_contacts(&self, text: &str, filter: &Filter, cut: &Cut) -> Result<Page<Contact<'_>>, CursorGone> {
        Ok(self.contact_page(self.contacts.find(text, filter, None, cut)?))
    }

    /// How many contacts pass a filter.
    pub fn count_contacts(&self, filter: &Filter) -> usize {
        self.contacts.count(filter, None)
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
        Ok(self.organization_page(self.organizations.page(filter, None, (sort, direction), cut)?))
    }

    /// A part of the organizations that are found.
    pub fn find_organizations(
        &self,
        text: &str,
        filter: &Filter,
        cut: &Cut,
    ) -> Result<Page<Organization<'_>>, CursorGone> {
        Ok(self.organization_page(self.organizations.find(text, filter, None, cut)?))
    }

    /// How many organizations pass a filter.
    pub fn count_organizations(&self, filter: &Filter) -> usize {
        self.organizations.count(filter, None)
    }

    fn contact_page(&self, page: Page<u32>) -> Page<Contact<'_>> {
        page.filter_map(|row| self.contacts.contact(row, &self.subjects))
    }

    fn organization_page(&self, page: Page<u32>) -> Page<Organization<'_>> {
        page.filter_map(|row| self.organizations.organization(row, &self.subjects))
    }

    /// Drops all that is held about a subject in one compartment.
    fn forget(&mut self, subject: SubjectId, compartment: Compartment) {
        let Some(row) = self.subjects.row(subject) else { return };
        for thing in self.subjects.take(row, compartment) {
            match thing {
                Thing::Contact(row) => self.contacts.clear(row),
                Thing::Organization(row) => self.organizations.clear(row),
                Thing::Consents(_) | Thing::Case(_) | Thing::Ticket(_) | Thing::Quote(_) | Thing::Actor(_) => {}
            }
        }
    }
}
