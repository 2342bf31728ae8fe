//! An import: a file's rows become commands of the ledger. Killed half-way and run again it goes on, because a row that
//! came in is known again by its source and id. Rows are read, planned and written at the same time, each a little ahead
//! of the next.

mod known;
mod plan;
mod stages;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::fs::File;
use std::path::{Path, PathBuf};

use domain::holding::{Holding, ReasonKind, SourceKind};
use domain::id::ActorId;
use domain::suppression::DropPlace;
use domain::value::Line;
use serde::{Deserialize, Serialize};

use self::known::Known;
use self::plan::Imagined;
use self::stages::{Ask, Batch, Becomes, Stages};
use super::{MapFile, Origin, Reject, Rejects, Report, Row, Spot, Table};
use crate::app::App;
use crate::local::Reply;
use crate::tokens;

/// Why people are held where an order does not say.
const REASON: ReasonKind = ReasonKind::Contract;

/// What an operator asks for.
#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct Order {
    /// The file.
    pub file: PathBuf,
    /// The data directory, where no file for rejected rows may lie.
    pub data: PathBuf,
    /// Which column is what, where the guess will not do.
    pub map: Option<PathBuf>,
    /// What the system that the file comes from is called; the file's name where it is not said.
    pub source: Option<String>,
    /// Why these people are held; [`ReasonKind::Contract`] where it is not said.
    pub reason: Option<String>,
    /// Whether changed rows are applied.
    pub update: bool,
    /// Where the rows go that were not taken.
    pub rejects: Option<PathBuf>,
    /// Whether nothing is to be changed.
    pub dry_run: bool,
}

/// Whether an import can begin: its file and its map can be read, and source and reason are ones.
pub fn legible(order: &Order) -> Result<(), String> {
    table(order)?;
    origin(order).map(drop)
}

/// Carries out an import. What is told on the way holds no content of any row.
pub fn run(app: &App, order: &Order, told: &mut dyn FnMut(Reply)) -> Result<(), String> {
    let table = table(order)?;
    told(Reply::Say(format!("{}, {}", table.detected(), table.delimiter())));
    told(Reply::Say(table.mapping().to_string()));
    let (source, reason) = origin(order)?;
    let default = |said: bool, note: &'static str| if said { "" } else { note };
    let (by_name, by_rule) = (" (the file's name; --source says another)", " (not said; --reason says another)");
    told(Reply::Say(format!("source: {}{}", source.as_str(), default(order.source.is_some(), by_name))));
    told(Reply::Say(format!("reason: {}{}", reason.name(), default(order.reason.is_some(), by_rule))));
    let rejects = order.rejects.as_ref().map(|path| Rejects::create(path, &order.data, table.header())).transpose();
    let rejects = rejects.map_err(words)?;
    let actor = if order.dry_run {
        ActorId([0; 16])
    } else {
        tokens::actor_for(app, None, domain::actor::Role::Integration, "Import").map_err(words)?
    };
    let mut import = Import {
        app,
        order,
        origin: Origin { source, source_words: None, reason_words: None },
        holding: Holding { source: SourceKind::Import, reason, hold_until: None },
        actor,
        known: Known::of(app)?,
        imagined: Imagined::default(),
        planned: Vec::new(),
        under_way: HashSet::new(),
        stages: None,
        bytes: 0,
        size: std::fs::metadata(&order.file).map_or(0, |file| file.len()),
        rejects,
        report: Report::default(),
        told,
    };
    import.take(table)?;
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
    /// Where a dry run keeps what it does not write.
    imagined: Imagined,
    /// Rows that are planned and not yet sent.
    planned: Vec<Ask>,
    /// Streams that the views do not show yet as they will be.
    under_way: HashSet<[u8; 16]>,
    stages: Option<Stages>,
    bytes: u64,
    size: u64,
    rejects: Option<Rejects>,
    report: Report,
    told: &'a mut dyn FnMut(Reply),
}

impl Import<'_> {
    fn take(&mut self, table: Table<File>) -> Result<(), String> {
        let (app, keep_raw) = (self.app, self.rejects.is_some());
        std::thread::scope(|scope| {
            let rows = stages::read(scope, table, keep_raw).map_err(words)?;
            self.stages = Some(Stages::start(scope, app).map_err(words)?);
            let taken = self.take_rows(rows);
            // The threads end with their channels.
            self.stages = None;
            taken
        })
    }

    fn take_rows(&mut self, rows: impl IntoIterator<Item = std::io::Result<stages::Read>>) -> Result<(), String> {
        for read in rows {
            let stages::Read { rows, bytes } = read.map_err(|failed| format!("the file cannot be read: {failed}"))?;
            for (row, raw) in rows {
                self.report.rows += 1;
                match row {
                    Ok(row) if self.is_suppressed(&row) => self.report.suppressed += 1,
                    Ok(row) => {
                        for warning in &row.warnings {
                            self.report.warnings += 1;
                            (self.told)(Reply::Say(format!("{warning}")));
                        }
                        let ask = self.plan(&row, raw)?;
                        self.pass_on(ask)?;
                    }
                    Err(reject) => self.reject(reject, raw.as_deref())?,
                }
            }
            self.bytes = bytes;
            self.send()?;
        }
        self.settle()
    }

    /// Whoever is suppressed for all direct contact is not taken in, nor is anybody with that address.
    fn is_suppressed(&self, row: &Row) -> bool {
        !self.app.has_no_suppressions()
            && row.addresses().any(|address| self.app.ledger().is_suppressed(&address, None))
    }

    /// What asks for nothing, or may not have it, is done with at once.
    fn pass_on(&mut self, ask: Ask) -> Result<(), String> {
        if ask.refused.is_some() || (ask.organizations.is_empty() && ask.contacts.is_empty()) {
            return self.conclude(&ask);
        }
        self.under_way.extend(streams(&ask));
        self.planned.push(ask);
        Ok(())
    }

    fn send(&mut self) -> Result<(), String> {
        let asks = std::mem::take(&mut self.planned);
        let streams = asks.iter().flat_map(streams).collect();
        let batch = Batch { asks, streams, bytes: self.bytes };
        let Some(stages) = self.stages.as_mut().filter(|_| !batch.asks.is_empty()) else {
            (self.told)(Reply::Progress { done: self.bytes, of: self.size });
            return Ok(());
        };
        stages.send(batch)?.into_iter().try_for_each(|batch| self.written(batch))
    }

    /// Waits until the views show all rows that were planned so far.
    fn settle(&mut self) -> Result<(), String> {
        self.send()?;
        let written = self.stages.as_mut().map(Stages::finish).transpose()?.unwrap_or_default();
        written.into_iter().try_for_each(|batch| self.written(batch))
    }

    fn written(&mut self, batch: Batch) -> Result<(), String> {
        for ask in &batch.asks {
            self.conclude(ask)?;
        }
        for stream in &batch.streams {
            self.under_way.remove(stream);
        }
        (self.told)(Reply::Progress { done: batch.bytes, of: self.size });
        Ok(())
    }

    /// Counts a row once it is known what became of it.
    fn conclude(&mut self, ask: &Ask) -> Result<(), String> {
        if let Some(reason) = ask.refused {
            ask.contact.into_iter().for_each(|id| self.known.forget_contact(id));
            ask.company.into_iter().for_each(|id| self.known.forget_company(id));
            let spot = Spot { line: ask.line, column: None };
            return self.reject(Reject { spot, reason }, ask.raw.as_deref());
        }
        self.report.organizations += u64::from(ask.company.is_some());
        match ask.becomes {
            Becomes::New => self.report.new += 1,
            Becomes::Unchanged => self.report.unchanged += 1,
            Becomes::Changed => {
                self.report.changed += 1;
                let applied = match (self.order.update, self.order.dry_run) {
                    (false, _) => "--update applies it",
                    (true, true) => "it would be applied",
                    (true, false) => "applied",
                };
                (self.told)(Reply::Say(format!("line {}: changed since; {applied}", ask.line)));
            }
        }
        Ok(())
    }

    fn reject(&mut self, reject: Reject, raw: Option<&str>) -> Result<(), String> {
        self.report.rejected += 1;
        (self.told)(Reply::Say(reject.to_string()));
        match (&mut self.rejects, raw) {
            (Some(rejects), Some(raw)) => {
                rejects.write(raw).map_err(|failed| format!("a rejected row was not written: {failed}"))
            }
            _ => Ok(()),
        }
    }

    fn end(self) -> Result<(), String> {
        if let Some(rejects) = self.rejects {
            rejects.finish().map_err(|failed| format!("the rejected rows were not written: {failed}"))?;
        }
        if self.report.suppressed > 0 {
            (self.told)(Reply::Say(format!("{} suppressed", self.report.suppressed)));
            if !self.order.dry_run {
                self.app.record_dropped(DropPlace::Import, self.report.suppressed).map_err(words)?;
            }
        }
        let dry = if self.order.dry_run { "dry run, nothing was changed: " } else { "" };
        (self.told)(Reply::Say(format!("{dry}{}", self.report)));
        Ok(())
    }
}

/// The streams that a row writes to.
fn streams(ask: &Ask) -> impl Iterator<Item = [u8; 16]> + '_ {
    let organizations = ask.organizations.iter().map(|intent| intent.id);
    organizations.chain(ask.contacts.iter().map(|intent| intent.id))
}

fn table(order: &Order) -> Result<Table<File>, String> {
    let map = match &order.map {
        None => MapFile::default(),
        Some(file) => {
            let text = std::fs::read_to_string(file).map_err(|failed| format!("the map cannot be read: {failed}"))?;
            MapFile::parse(&text).map_err(words)?
        }
    };
    Table::open(&order.file, &map).map_err(words)
}

/// Where the people of a file come from, and why they are held.
fn origin(order: &Order) -> Result<(Line, ReasonKind), String> {
    let source = order.source.clone().unwrap_or_else(|| file_stem(&order.file));
    let source = Line::parse(&source).map_err(|wrong| format!("the source {wrong}"))?;
    let Some(named) = &order.reason else { return Ok((source, REASON)) };
    let reason = ReasonKind::named(&named.to_uppercase().replace('-', "_"));
    Ok((source, reason.ok_or("there is no such reason to hold data")?))
}

fn file_stem(path: &Path) -> String {
    path.file_stem().map_or_else(|| "import".to_owned(), |stem| stem.to_string_lossy().into_owned())
}

fn words(error: impl std::fmt::Display) -> String {
    error.to_string()
}
