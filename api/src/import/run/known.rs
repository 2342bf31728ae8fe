//! Whom the ledger knows already. Only keyed hashes are kept, for the length of the run: sixteen bytes and an id each.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hash};

use domain::id::{ContactId, OrganizationId};
use domain::profile::OldId;
use domain::value::Line;
use projections::{Cut, Direction, Filter, Sort};

use super::words;
use crate::app::App;

/// How many rows of a view are read at a time.
const PAGE: usize = 1000;

type Key = (u64, u64);

/// Contacts by source and old id; organizations likewise, and by name.
pub struct Known {
    hasher: (RandomState, RandomState),
    contacts: HashMap<Key, ContactId>,
    companies: HashMap<Key, OrganizationId>,
    names: HashMap<Key, Company>,
}

/// An organization that a row may mean.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Company {
    /// Its id.
    pub id: OrganizationId,
    /// Whether it is known by a row's id.
    pub numbered: bool,
    /// Whether this run made it and only because people's rows name it: a row of its own is still to fill it in.
    pub bare: bool,
}

impl Known {
    /// Everybody in the views who was not forgotten.
    pub fn of(app: &App) -> Result<Self, String> {
        let hasher = (RandomState::new(), RandomState::new());
        let mut known = Self { hasher, contacts: HashMap::new(), companies: HashMap::new(), names: HashMap::new() };
        let (sort, up) = (Sort::Created, Direction::Ascending);
        let all = Filter { with_bin: true, ..Filter::default() };
        let mut cut = Cut::first(PAGE);
        loop {
            let views = app.ledger().views();
            let page = views.contacts(&all, sort, up, &cut).map_err(words)?;
            for contact in &page.items {
                if let Some(old) = contact.sheet.and_then(|sheet| sheet.old_id()) {
                    known.add_contact(&old, contact.id);
                }
            }
            let Some(last) = page.items.last().filter(|_| page.has_next) else { break };
            cut = Cut::First { count: PAGE, after: Some(last.cursor()) };
        }
        let mut cut = Cut::first(PAGE);
        loop {
            let views = app.ledger().views();
            let page = views.organizations(&all, sort, up, &cut).map_err(words)?;
            for organization in &page.items {
                let Some(sheet) = organization.sheet else { continue };
                let old = sheet.old_id();
                let company = Company { id: organization.id, numbered: old.is_some(), bare: false };
                known.add_company(old.as_ref(), sheet.text(domain::organization::Field::Name), company);
            }
            let Some(last) = page.items.last().filter(|_| page.has_next) else { break };
            cut = Cut::First { count: PAGE, after: Some(last.cursor()) };
        }
        Ok(known)
    }

    /// The contact that a row with this id was before.
    pub fn contact(&self, old: &OldId) -> Option<ContactId> {
        self.contacts.get(&self.id_key(old)).copied()
    }

    /// From here on a row with this id is this contact.
    pub fn add_contact(&mut self, old: &OldId, id: ContactId) {
        self.contacts.insert(self.id_key(old), id);
    }

    /// The organization that people's rows mean by this name: of several, the first.
    pub fn named(&self, name: &Line) -> Option<Company> {
        self.names.get(&self.name_key(name.as_str())).copied()
    }

    /// The organization that a row of its own means: by its id; by its name where the row has no id, or where nothing else
    /// has given one to the organization of that name.
    pub fn company(&self, old: Option<&OldId>, name: &Line) -> Option<Company> {
        let Some(old) = old else { return self.named(name) };
        let numbered = self.companies.get(&self.id_key(old)).copied();
        let numbered = numbered.map(|id| Company { id, numbered: true, bare: false });
        numbered.or_else(|| self.named(name).filter(|company| !company.numbered))
    }

    /// From here on rows with this id, and of this name where no other has it, mean this organization.
    pub fn add_company(&mut self, old: Option<&OldId>, name: Option<&str>, company: Company) {
        if let Some(old) = old {
            self.companies.insert(self.id_key(old), company.id);
        }
        if let Some(name) = name {
            let named = self.names.entry(self.name_key(name)).or_insert(company);
            if named.id == company.id {
                *named = company;
            }
        }
    }

    /// Nobody is known as this contact: it was not taken.
    pub fn forget_contact(&mut self, id: ContactId) {
        self.contacts.retain(|_, known| *known != id);
    }

    /// Nor as this organization.
    pub fn forget_company(&mut self, id: OrganizationId) {
        self.companies.retain(|_, known| *known != id);
        self.names.retain(|_, known| known.id != id);
    }

    fn id_key(&self, old: &OldId) -> Key {
        self.key((old.source.as_str(), old.id.as_str()))
    }

    fn name_key(&self, name: &str) -> Key {
        self.key(name.to_lowercase())
    }

    fn key(&self, of: impl Hash) -> Key {
        (self.hasher.0.hash_one(&of), self.hasher.1.hash_one(&of))
    }
}
