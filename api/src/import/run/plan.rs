//! What one row asks for: nothing, something new, or a change. All of it is put to the domain's rules before any of it is
//! sent, so that a row is taken whole or not at all, and a dry run says the same as a real one.

use std::collections::HashMap;

use domain::aggregate::{Aggregate, Circumstances};
use domain::contact::{self, Contact};
use domain::holding::{ChangeCause, HoldingChange};
use domain::id::{ContactId, FromRandom, OrganizationId};
use domain::organization::{self, Organization};
use domain::point::Point;
use domain::value::Line;
use events::ledger::{Fresh, Intent};

use super::known::Company;
use super::stages::{Ask, Becomes};
use super::{Import, words};
use crate::import::{Reason, Row, Update, update_contact, update_organization};

/// Why a row's plan ends early.
pub enum Stop {
    /// The row is not taken.
    Refused(Reason),
    /// The run cannot go on.
    Failed(String),
}

impl From<String> for Stop {
    fn from(failed: String) -> Self {
        Self::Failed(failed)
    }
}

/// What a dry run would have made or changed: as much as the views would hold of it.
#[derive(Default)]
pub struct Imagined {
    contacts: HashMap<ContactId, (contact::Profile, Contact)>,
    companies: HashMap<OrganizationId, (organization::Profile, Organization)>,
}

impl Import<'_> {
    /// What the row asks for.
    pub(super) fn plan(&mut self, row: &Row, raw: Option<String>) -> Result<Ask, String> {
        let mut ask = Ask {
            line: row.line,
            raw,
            becomes: Becomes::New,
            company: None,
            contact: None,
            works_for: None,
            organizations: Vec::new(),
            contacts: Vec::new(),
            refused: None,
        };
        let planned = if row.person.is_some() { self.person(row, &mut ask) } else { self.company(row, &mut ask) };
        match planned {
            Ok(()) => Ok(ask),
            Err(Stop::Refused(reason)) => Ok(Ask { refused: Some(reason), ..ask }),
            Err(Stop::Failed(failed)) => Err(failed),
        }
    }

    /// A row that names a person: a contact, and the organization of that name where there is none yet.
    fn person(&mut self, row: &Row, ask: &mut Ask) -> Result<(), Stop> {
        let held = self.held_contact(row)?;
        let named = row.organization.as_ref().and_then(|name| self.known.named(name));
        let mut company = Fresh::new();
        let (works_for, is_new) = match (named, &row.organization) {
            (Some(named), _) => (Some(named.id), false),
            (None, Some(_)) => (Some(company.id().map_err(words)?), true),
            (None, None) => (None, false),
        };
        let mut fresh = Fresh::new();
        let Some(profile) = draw(&mut fresh, |ids| self.origin.contact(row, works_for, ids))? else {
            return Err(Stop::Refused(Reason::Nobody));
        };
        let Some((id, held)) = held else {
            self.works_for(row, ask, works_for.filter(|_| is_new), company)?;
            ask.works_for = works_for;
            return self.new_contact(ask, profile, fresh);
        };
        let Some(update) = update_contact(profile, &held) else {
            ask.becomes = Becomes::Unchanged;
            return Ok(());
        };
        ask.becomes = Becomes::Changed;
        if !self.order.update {
            return Ok(());
        }
        self.works_for(row, ask, works_for.filter(|_| is_new), company)?;
        ask.works_for = works_for;
        let mut next = held;
        next.apply(&update.profile);
        move_points(&mut next.points, &update);
        let Update { profile, add, retire } = update;
        let change = contact::Command::Change {
            cause: ChangeCause::Change,
            holding: HoldingChange::default(),
            profile: Box::new(profile),
            policy: self.app.kept.contacts.clone(),
        };
        // A point goes before another comes, so that a full list takes it.
        let retire = retire.into_iter().map(|point| contact::Command::RetirePoint { point });
        let add = add.into_iter().map(|point| contact::Command::AddPoint { point });
        let commands = retire.chain(add).chain([change]).collect();
        let imagined = self.imagined.contacts.get(&id).map(|(_, state)| state.clone());
        let state = self.state_of(&id.0, imagined)?;
        let (intents, state) = self.intents(id.0, state, commands, Fresh::new(), Reason::Contact)?;
        self.asked_of_contact(ask, id, intents, || (next, state));
        Ok(())
    }

    fn new_contact(&mut self, ask: &mut Ask, profile: contact::Profile, mut fresh: Fresh) -> Result<(), Stop> {
        let id: ContactId = fresh.id().map_err(words)?;
        let subject = fresh.id().map_err(words)?;
        let kept = self.order.dry_run.then(|| profile.clone());
        let old = profile.old_id.clone();
        let (holding, profile) = (self.holding, Box::new(profile));
        let command = contact::Command::Register { subject, holding, profile, policy: self.app.kept.contacts.clone() };
        let (intents, state) = self.intents(id.0, Contact::default(), vec![command], fresh, Reason::Contact)?;
        ask.contact = Some(id);
        if let Some(old) = &old {
            self.known.add_contact(old, id);
        }
        self.asked_of_contact(ask, id, intents, || (kept.unwrap_or_default(), state));
        Ok(())
    }

    /// Makes the organization that a person's row names, by its name alone.
    fn works_for(
        &mut self,
        row: &Row,
        ask: &mut Ask,
        new: Option<OrganizationId>,
        mut fresh: Fresh,
    ) -> Result<(), Stop> {
        let Some(id) = new else { return Ok(()) };
        let Some(profile) = draw(&mut fresh, |ids| self.origin.organization(row, ids))? else { return Ok(()) };
        self.new_company(ask, Company { id, numbered: false, bare: true }, profile, fresh)
    }

    /// A row that names an organization and no person is the organization's own.
    fn company(&mut self, row: &Row, ask: &mut Ask) -> Result<(), Stop> {
        let mut fresh = Fresh::new();
        let profile = draw(&mut fresh, |ids| self.origin.organization(row, ids))?;
        let Some(profile) = profile else { return Err(Stop::Refused(Reason::Nobody)) };
        let Some(name) = profile.name.clone() else { return Err(Stop::Refused(Reason::Nobody)) };
        let old = profile.old_id.clone();
        let Some((company, held)) = self.held_company(row, &name)? else {
            let id = fresh.id().map_err(words)?;
            return self.new_company(ask, Company { id, numbered: old.is_some(), bare: false }, profile, fresh);
        };
        let Some(update) = update_organization(profile, &held) else {
            ask.becomes = Becomes::Unchanged;
            return Ok(());
        };
        // What this very run made of a name alone gets the rest without being asked for.
        ask.becomes = if company.bare { Becomes::New } else { Becomes::Changed };
        if !company.bare && !self.order.update {
            return Ok(());
        }
        let id = company.id;
        let mut next = held;
        next.apply(&update.profile);
        move_points(&mut next.points, &update);
        let Update { profile, add, retire } = update;
        let change = organization::Command::Change {
            cause: if company.bare { ChangeCause::Correction } else { ChangeCause::Change },
            holding: HoldingChange::default(),
            profile: Box::new(profile),
            policy: self.app.kept.organizations.clone(),
        };
        let retire = retire.into_iter().map(|point| organization::Command::RetirePoint { point });
        let add = add.into_iter().map(|point| organization::Command::AddPoint { point });
        let commands = retire.chain(add).chain([change]).collect();
        let imagined = self.imagined.companies.get(&id).map(|(_, state)| state.clone());
        let state = self.state_of(&id.0, imagined)?;
        let (intents, state) = self.intents(id.0, state, commands, Fresh::new(), Reason::Organization)?;
        let company = Company { id, numbered: company.numbered || old.is_some(), bare: false };
        self.known.add_company(old.as_ref(), Some(name.as_str()), company);
        self.asked_of_company(ask, id, intents, || (next, state));
        Ok(())
    }

    fn new_company(
        &mut self,
        ask: &mut Ask,
        company: Company,
        profile: organization::Profile,
        mut fresh: Fresh,
    ) -> Result<(), Stop> {
        let subject = fresh.id().map_err(words)?;
        let kept = self.order.dry_run.then(|| profile.clone());
        let (old, name) = (profile.old_id.clone(), profile.name.clone());
        let (holding, profile) = (self.holding, Box::new(profile));
        let command =
            organization::Command::Register { subject, holding, profile, policy: self.app.kept.organizations.clone() };
        let (intents, state) =
            self.intents(company.id.0, Organization::default(), vec![command], fresh, Reason::Organization)?;
        ask.company = Some(company.id);
        self.known.add_company(old.as_ref(), name.as_ref().map(Line::as_str), company);
        self.asked_of_company(ask, company.id, intents, || (kept.unwrap_or_default(), state));
        Ok(())
    }

    /// The contact that this row was before, as it stands behind all rows before this one.
    fn held_contact(&mut self, row: &Row) -> Result<Option<(ContactId, contact::Profile)>, String> {
        let Some(old) = self.origin.old_id(row) else { return Ok(None) };
        if self.known.contact(&old).is_some_and(|id| self.under_way.contains(&id.0)) {
            self.settle()?;
        }
        let Some(id) = self.known.contact(&old) else { return Ok(None) };
        if let Some((profile, _)) = self.imagined.contacts.get(&id) {
            return Ok(Some((id, profile.clone())));
        }
        let views = self.app.ledger().views();
        Ok(views.contact(id).and_then(|contact| Some((id, contact.sheet?.profile()))))
    }

    /// Likewise the organization.
    fn held_company(&mut self, row: &Row, name: &Line) -> Result<Option<(Company, organization::Profile)>, String> {
        let old = self.origin.old_id(row);
        if self.known.company(old.as_ref(), name).is_some_and(|company| self.under_way.contains(&company.id.0)) {
            self.settle()?;
        }
        let Some(company) = self.known.company(old.as_ref(), name) else { return Ok(None) };
        if let Some((profile, _)) = self.imagined.companies.get(&company.id) {
            return Ok(Some((company, profile.clone())));
        }
        let views = self.app.ledger().views();
        Ok(views.organization(company.id).and_then(|known| Some((company, known.sheet?.profile()))))
    }

    fn asked_of_contact(
        &mut self,
        ask: &mut Ask,
        id: ContactId,
        intents: Vec<Intent<Contact>>,
        then: impl FnOnce() -> (contact::Profile, Contact),
    ) {
        if self.order.dry_run {
            self.imagined.contacts.insert(id, then());
        } else {
            ask.contacts = intents;
        }
    }

    fn asked_of_company(
        &mut self,
        ask: &mut Ask,
        id: OrganizationId,
        intents: Vec<Intent<Organization>>,
        then: impl FnOnce() -> (organization::Profile, Organization),
    ) {
        if self.order.dry_run {
            self.imagined.companies.insert(id, then());
        } else {
            ask.organizations = intents;
        }
    }

    fn state_of<A: Aggregate>(&self, id: &[u8; 16], imagined: Option<A>) -> Result<A, String> {
        match imagined {
            Some(state) => Ok(state),
            None => self.app.ledger().state::<A>(id).map(|(_, state)| (*state).clone()).map_err(words),
        }
    }

    /// The commands as the ledger takes them, and the state behind them, if the domain takes them all.
    fn intents<A: Aggregate>(
        &self,
        id: [u8; 16],
        mut state: A,
        commands: Vec<A::Command>,
        fresh: Fresh,
        reason: impl Fn(A::Rejection) -> Reason,
    ) -> Result<(Vec<Intent<A>>, A), Stop> {
        let now = self.app.now();
        let when = Circumstances { actor: self.actor, effective_at: now, now };
        let mut drawn = Some(fresh);
        let mut intents = Vec::with_capacity(commands.len());
        for command in commands {
            let events = state.decide(&command, &when).map_err(|rejection| Stop::Refused(reason(rejection)))?;
            events.iter().for_each(|event| state.evolve(event));
            let mut fresh = drawn.take().unwrap_or_default();
            intents.push(Intent {
                id,
                command,
                command_id: fresh.id().map_err(words)?,
                actor: self.actor,
                effective_at: None,
                expected: None,
                reads: Vec::new(),
                keys: Vec::new(),
                fresh,
            });
        }
        Ok((intents, state))
    }
}

fn move_points<C>(points: &mut Vec<Point>, update: &Update<C>) {
    points.retain(|point| !update.retire.contains(&point.id));
    points.extend(update.add.iter().cloned());
}

/// Draws as many ids as something needs; the system's randomness may fail, and then there is none of it.
fn draw<T, I: FromRandom>(
    fresh: &mut Fresh,
    make: impl FnOnce(&mut dyn FnMut() -> I) -> Option<T>,
) -> Result<Option<T>, String> {
    let mut failed = None;
    let mut next = || {
        fresh.id().unwrap_or_else(|none| {
            failed = Some(none);
            I::from_random([0; 16])
        })
    };
    let made = make(&mut next);
    match failed {
        None => Ok(made),
        Some(none) => Err(none.to_string()),
    }
}
