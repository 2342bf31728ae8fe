//! An import: a file's rows become commands of the ledger, a batch at a time. Killed half-way and run again it goes on,
//! because a row that came in is known again by its source and id.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};

use domain::actor::Role;
use domain::aggregate::Aggregate;
use domain::contact::{self, Contact};
use domain::holding::{ChangeCause, Holding, HoldingChange, ReasonKind, SourceKind};
use domain::id::{ActorId, ContactId, OrganizationId, SubjectId};
use domain::organization::{self, Organization};
use domain::profile::{FieldPolicy, OldId};
use domain::value::Line;
use events::ledger::{Fresh, Intent, Refused};
use projections::{Cut, Direction, Filter, Sort};
use serde::{Deserialize, Serialize};

use super::{MapFile, Origin, Reason, Reject, Rejects, Report, Row, Spot, Table, update_contact, update_organization};
use crate::app::App;
use crate::local::Reply;
use crate::tokens;

/// How many rows are decided and written together.
const BATCH: usize = 256;
/// How many rows of a view are read at a time.
const PAGE: usize = 1000;

/// What an operator asks for.
#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct Order {
    /// The file.
    pub file: PathBuf,
    /// The data directory, where no file for rejected rows may lie.
    pub data: PathBuf,
    /// Which column is what, where the guess will not do.
    pub map: Option<PathBuf>,
    /// What the system that the file comes from is called.
    pub source: Option<String>,
    /// Why these people are held.
    pub reason: String,
    /// Whether changed rows are applied.
    pub update: bool,
    /// Where the rows go that were not taken.
    pub rejects: Option<PathBuf>,
    /// Whether nothing is to be changed.
    pub dry_run: bool,
}

/// Carries out an import. What is told on the way holds no content of any row.
pub fn run(app: &App, order: &Order, told: &mut dyn FnMut(Reply)) -> Result<(), String> {
    let map = match &order.map {
        None => MapFile::default(),
        Some(file) => {
            let text = std::fs::read_to_string(file).map_err(|failed| format!("the map cannot be read: {failed}"))?;
            MapFile::parse(&text).map_err(words)?
        }
    };
    let mut table = Table::open(&order.file, &map).map_err(words)?;
    told(Reply::Say(format!("{}, {}", table.detected(), table.delimiter())));
    told(Reply::Say(table.mapping().to_string()));
    let source = order.source.clone().unwrap_or_else(|| file_stem(&order.file));
    let origin = Origin {
        source: Line::parse(&source).map_err(|wrong| format!("the source {wrong}"))?,
        source_words: None,
        reason_words: None,
    };
    let reason = order.reason.to_uppercase().replace('-', "_");
    let reason = ReasonKind::named(&reason).ok_or("there is no such reason to hold data")?;
    let rejects = order.rejects.as_ref().map(|path| Rejects::create(path, &order.data, table.header())).transpose();
    let actor = if order.dry_run {
        ActorId([0; 16])
    } else {
        tokens::actor_for(app, None, Role::Integration, "Import").map_err(words)?
    };
    let holding = Holding { source: SourceKind::Import, reason, hold_until: None };
    let mut import = Import {
        app,
        order,
        origin,
        holding,
        actor,
        known: Known::of(app)?,
        rejects: rejects.map_err(words)?,
        report: Report::default(),
        told,
    };
    let size = std::fs::metadata(&order.file).map_or(0, |file| file.len());
    let mut batch = Vec::with_capacity(BATCH);
    loop {
        let taken = table.read().map_err(|failed| format!("the file cannot be read: {failed}"))?;
        let last = taken.is_none();
        if let Some(taken) = taken {
            batch.push((taken.row, taken.raw.to_owned()));
        }
        if last || batch.len() == BATCH {
            import.take(std::mem::take(&mut batch))?;
            (import.told)(Reply::Progress { done: table.bytes(), of: size });
        }
        if last {
            break;
        }
    }
    import.end()
}

/// One run.
struct Import<'a> {
    app: &'a App,
    order: &'a Order,
    origin: Origin,
    holding: Holding,
    actor: ActorId,
    known: Known,
    rejects: Option<Rejects>,
    report: Report,
    told: &'a mut dyn FnMut(Reply),
}

/// A row of a batch on its way: what it asks for, and where it stands.
struct Asked<A: Aggregate> {
    intent: Intent<A>,
    line: u64,
    raw: String,
}

impl Import<'_> {
    fn take(&mut self, rows: Vec<(Result<Row, Reject>, String)>) -> Result<(), String> {
        let (mut organizations, mut contacts) = (Vec::new(), Vec::new());
        for (row, raw) in rows {
            self.report.rows += 1;
            match row {
                Ok(row) => self.sort(&row, raw, &mut organizations, &mut contacts)?,
                Err(reject) => self.reject(reject, &raw)?,
            }
        }
        self.submit(organizations, Reason::Organization)?;
        self.submit(contacts, Reason::Contact)
    }

    /// What a row asks for: nothing, something new, or a change.
    fn sort(
        &mut self,
        row: &Row,
        raw: String,
        organizations: &mut Vec<Asked<Organization>>,
        contacts: &mut Vec<Asked<Contact>>,
    ) -> Result<(), String> {
        self.report.warnings += row.warnings.len() as u64;
        let organization = self.organization(row, &raw, organizations)?;
        let mut fresh = Fresh::new();
        let Some(profile) = draw(&mut fresh, |ids| self.origin.contact(row, organization, ids))? else { return Ok(()) };
        let known = profile.old_id.as_ref().and_then(|old| self.known.contact(old));
        let held = known.and_then(|id| Some((id, self.app.ledger().views().contact(id)?.sheet?.profile())));
        if let Some((id, held)) = held {
            let Some(update) = update_contact(profile, &held) else {
                self.report.unchanged += 1;
                return Ok(());
            };
            self.changed(row.line);
            if self.order.update && !self.order.dry_run {
                let change = contact::Command::Change {
                    cause: ChangeCause::Change,
                    holding: HoldingChange::default(),
                    profile: Box::new(update.profile),
                    policy: FieldPolicy::default(),
                };
                let add = update.add.into_iter().map(|point| contact::Command::AddPoint { point });
                let retire = update.retire.into_iter().map(|point| contact::Command::RetirePoint { point });
                for command in std::iter::once(change).chain(add).chain(retire) {
                    let intent = self.intent(id.0, command, Fresh::new())?;
                    contacts.push(Asked { intent, line: row.line, raw: raw.clone() });
                }
            }
            return Ok(());
        }
        self.report.new += 1;
        let id: ContactId = fresh.id().map_err(words)?;
        let subject: SubjectId = fresh.id().map_err(words)?;
        if let Some(old) = &profile.old_id {
            self.known.add_contact(old, id);
        }
        if !self.order.dry_run {
            let (holding, profile) = (self.holding, Box::new(profile));
            let command = contact::Command::Register { subject, holding, profile, policy: FieldPolicy::default() };
            contacts.push(Asked { intent: self.intent(id.0, command, fresh)?, line: row.line, raw });
        }
        Ok(())
    }

    /// The organization that a row names, known or new.
    fn organization(
        &mut self,
        row: &Row,
        raw: &str,
        organizations: &mut Vec<Asked<Organization>>,
    ) -> Result<Option<OrganizationId>, String> {
        let mut fresh = Fresh::new();
        let Some(profile) = draw(&mut fresh, |ids| self.origin.organization(row, ids))? else { return Ok(None) };
        let Some(name) = profile.name.clone() else { return Ok(None) };
        let alone = row.person.is_none();
        if let Some(id) = self.known.organization(&name) {
            let held = self.app.ledger().views().organization(id).and_then(|known| Some(known.sheet?.profile()));
            match held.filter(|_| alone).and_then(|held| update_organization(profile, &held)) {
                None => self.report.unchanged += u64::from(alone),
                Some(update) => {
                    self.changed(row.line);
                    if self.order.update && !self.order.dry_run {
                        let change = organization::Command::Change {
                            cause: ChangeCause::Change,
                            holding: HoldingChange::default(),
                            profile: Box::new(update.profile),
                            policy: FieldPolicy::default(),
                        };
                        let add = update.add.into_iter().map(|point| organization::Command::AddPoint { point });
                        let retire =
                            update.retire.into_iter().map(|point| organization::Command::RetirePoint { point });
                        for command in std::iter::once(change).chain(add).chain(retire) {
                            let intent = self.intent(id.0, command, Fresh::new())?;
                            organizations.push(Asked { intent, line: row.line, raw: raw.to_owned() });
                        }
                    }
                }
            }
            return Ok(Some(id));
        }
        self.report.new += u64::from(alone);
        self.report.organizations += 1;
        let id: OrganizationId = fresh.id().map_err(words)?;
        let subject: SubjectId = fresh.id().map_err(words)?;
        self.known.add_organization(&name, id);
        if !self.order.dry_run {
            let (holding, profile) = (self.holding, Box::new(profile));
            let command = organization::Command::Register { subject, holding, profile, policy: FieldPolicy::default() };
            let intent = self.intent(id.0, command, fresh)?;
            organizations.push(Asked { intent, line: row.line, raw: raw.to_owned() });
        }
        Ok(Some(id))
    }

    fn submit<A: Aggregate>(
        &mut self,
        asked: Vec<Asked<A>>,
        reason: impl Fn(A::Rejection) -> Reason,
    ) -> Result<(), String> {
        let (intents, places): (Vec<_>, Vec<_>) =
            asked.into_iter().map(|Asked { intent, line, raw }| (intent, (line, raw))).unzip();
        let outcomes = self.app.ledger().submit_all_blocking(&intents);
        for (outcome, (line, raw)) in outcomes.into_iter().zip(places) {
            match outcome {
                Ok(_) => {}
                Err(Refused::Rejected(rejection)) => {
                    self.report.new = self.report.new.saturating_sub(1);
                    self.reject(Reject { spot: Spot { line, column: None }, reason: reason(rejection) }, &raw)?;
                }
                Err(failed) => return Err(format!("line {line}: {failed}; run it again to go on")),
            }
        }
        Ok(())
    }

    fn changed(&mut self, line: u64) {
        self.report.changed += 1;
        if !self.order.update {
            (self.told)(Reply::Say(format!("line {line}: changed since; --update applies it")));
        }
    }

    fn reject(&mut self, reject: Reject, raw: &str) -> Result<(), String> {
        self.report.rejected += 1;
        (self.told)(Reply::Say(format!("{}: {}", reject.spot, reject.reason)));
        match &mut self.rejects {
            None => Ok(()),
            Some(rejects) => rejects.write(raw).map_err(|failed| format!("a rejected row was not written: {failed}")),
        }
    }

    fn end(self) -> Result<(), String> {
        if let Some(rejects) = self.rejects {
            rejects.finish().map_err(|failed| format!("the rejected rows were not written: {failed}"))?;
        }
        let dry = if self.order.dry_run { "dry run, nothing was changed: " } else { "" };
        (self.told)(Reply::Say(format!("{dry}{}", self.report)));
        Ok(())
    }

    fn intent<A: Aggregate>(&self, id: [u8; 16], command: A::Command, mut fresh: Fresh) -> Result<Intent<A>, String> {
        let command_id = fresh.id().map_err(words)?;
        Ok(Intent {
            id,
            command,
            command_id,
            actor: self.actor,
            effective_at: None,
            expected: None,
            reads: Vec::new(),
            keys: Vec::new(),
            fresh,
        })
    }
}

/// Whom the ledger knows already: contacts by source and old id, organizations by name. Only keyed hashes are kept, for the
/// length of the run: sixteen bytes and an id each.
struct Known {
    hasher: (RandomState, RandomState),
    contacts: HashMap<(u64, u64), ContactId>,
    organizations: HashMap<(u64, u64), OrganizationId>,
}

impl Known {
    fn of(app: &App) -> Result<Self, String> {
        let hasher = (RandomState::new(), RandomState::new());
        let mut known = Self { hasher, contacts: HashMap::new(), organizations: HashMap::new() };
        let (all, sort, up) = (Filter::default(), Sort::Created, Direction::Ascending);
        let mut cut = Cut::first(PAGE);
        loop {
            let views = app.ledger().views();
            let page = views.contacts(&all, sort, up, &cut).map_err(words)?;
            for contact in &page.items {
                if let Some(old) = contact.sheet.and_then(|sheet| sheet.profile().old_id) {
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
                if let Some(name) = organization.sheet.and_then(|sheet| sheet.profile().name) {
                    known.add_organization(&name, organization.id);
                }
            }
            let Some(last) = page.items.last().filter(|_| page.has_next) else { break };
            cut = Cut::First { count: PAGE, after: Some(last.cursor()) };
        }
        Ok(known)
    }

    fn contact(&self, old: &OldId) -> Option<ContactId> {
        self.contacts.get(&self.hash((old.source.as_str(), old.id.as_str()))).copied()
    }

    fn add_contact(&mut self, old: &OldId, id: ContactId) {
        self.contacts.insert(self.hash((old.source.as_str(), old.id.as_str())), id);
    }

    fn organization(&self, name: &Line) -> Option<OrganizationId> {
        self.organizations.get(&self.hash(name.as_str().to_lowercase())).copied()
    }

    fn add_organization(&mut self, name: &Line, id: OrganizationId) {
        self.organizations.insert(self.hash(name.as_str().to_lowercase()), id);
    }

    fn hash(&self, of: impl std::hash::Hash) -> (u64, u64) {
        (self.hasher.0.hash_one(&of), self.hasher.1.hash_one(&of))
    }
}

/// Draws as many ids as something needs; the system's randomness may fail, and then there is none of it.
fn draw<T, I: domain::id::FromRandom>(
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

fn file_stem(path: &Path) -> String {
    path.file_stem().map_or_else(|| "import".to_owned(), |stem| stem.to_string_lossy().into_owned())
}

fn words(error: impl std::fmt::Display) -> String {
    error.to_string()
}
