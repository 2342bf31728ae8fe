//! What goes on beside the planning of rows: the next rows are read, and the ones before are sealed and written. Batches
//! keep their order in every stage, and their number is bounded, so memory is.

use std::collections::HashSet;
use std::fs::File;
use std::io;
use std::mem;
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread::{Builder, Scope};

use domain::aggregate::Aggregate;
use domain::contact::Contact;
use domain::id::{ContactId, OrganizationId};
use domain::organization::Organization;
use events::ledger::{Intent, Refused};

use crate::app::App;
use crate::import::{Reason, Reject, Row, Table};

/// How many rows are planned and written together.
const ROWS: usize = 512;
/// And how many bytes of them, where rows are long.
const BYTES: usize = 1 << 20;
/// How many batches may be on their way from the plan to the disk.
const AHEAD: usize = 4;

/// Rows as they were read.
pub struct Read {
    /// Their values or why there are none, and the rows as they stand in the file where these may be needed.
    pub rows: Vec<(Result<Row, Reject>, Option<String>)>,
    /// How much of the file was read by then.
    pub bytes: u64,
}

/// What a row becomes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Becomes {
    /// Something new.
    New,
    /// What is known already.
    Unchanged,
    /// Something known that differs from it.
    Changed,
}

/// What a row asks of the ledger: all of it, or the row is not taken.
pub struct Ask {
    /// The line it begins on.
    pub line: u64,
    /// The row as it stands in the file, where it may be needed.
    pub raw: Option<String>,
    /// What it becomes when all is done.
    pub becomes: Becomes,
    /// The organization it makes.
    pub company: Option<OrganizationId>,
    /// The contact it makes.
    pub contact: Option<ContactId>,
    /// The organization its contact works for.
    pub works_for: Option<OrganizationId>,
    /// What it asks of organizations.
    pub organizations: Vec<Intent<Organization>>,
    /// What it asks of contacts.
    pub contacts: Vec<Intent<Contact>>,
    /// Why it is not taken.
    pub refused: Option<Reason>,
}

/// Rows on their way.
pub struct Batch {
    /// They.
    pub asks: Vec<Ask>,
    /// The streams that they write to.
    pub streams: Vec<[u8; 16]>,
    /// How much of the file was read by then.
    pub bytes: u64,
}

/// The stages that write, seen from where rows are planned.
pub struct Stages {
    to: SyncSender<Batch>,
    from: Receiver<Result<Batch, String>>,
    ahead: usize,
}

/// Reads the file on a thread of its own, a little ahead.
pub fn read<'scope>(
    scope: &'scope Scope<'scope, '_>,
    mut table: Table<File>,
    keep_raw: bool,
) -> io::Result<Receiver<io::Result<Read>>> {
    let (to, rows) = mpsc::sync_channel(1);
    Builder::new().name("read".into()).spawn_scoped(scope, move || {
        loop {
            let read = read_batch(&mut table, keep_raw);
            let last = !matches!(&read, Ok(read) if !read.rows.is_empty());
            if to.send(read).is_err() || last {
                return;
            }
        }
    })?;
    Ok(rows)
}

fn read_batch(table: &mut Table<File>, keep_raw: bool) -> io::Result<Read> {
    let (mut rows, mut bytes) = (Vec::with_capacity(ROWS), 0);
    while rows.len() < ROWS && bytes < BYTES {
        let Some(taken) = table.read()? else { break };
        bytes += taken.raw.len();
        rows.push((taken.row, keep_raw.then(|| taken.raw.to_owned())));
    }
    Ok(Read { rows, bytes: table.bytes() })
}

impl Stages {
    /// Starts the threads; they end when this value is dropped.
    pub fn start<'scope>(scope: &'scope Scope<'scope, '_>, app: &'scope App) -> io::Result<Self> {
        let (to, batches) = mpsc::sync_channel::<Batch>(AHEAD);
        let (on, organized) = mpsc::sync_channel(AHEAD);
        let (done, from) = mpsc::sync_channel(AHEAD);
        Builder::new().name("organizations".into()).spawn_scoped(scope, move || {
            let mut missing = HashSet::new();
            for mut batch in batches {
                let written = write_organizations(app, &mut batch.asks, &mut missing).map(|()| batch);
                if on.send(written).is_err() {
                    return;
                }
            }
        })?;
        Builder::new().name("contacts".into()).spawn_scoped(scope, move || {
            for batch in organized {
                let written = batch.and_then(|mut batch| {
                    write::<Contact>(app, &mut batch.asks, |ask| &mut ask.contacts, Reason::Contact).map(|()| batch)
                });
                if done.send(written).is_err() {
                    return;
                }
            }
        })?;
        Ok(Self { to, from, ahead: 0 })
    }

    /// Hands a batch on. Gives back those that are written by now, and waits for one where too many are on their way.
    pub fn send(&mut self, batch: Batch) -> Result<Vec<Batch>, String> {
        let mut done = Vec::new();
        while self.ahead >= AHEAD {
            done.push(self.next()?);
        }
        while let Ok(batch) = self.from.try_recv() {
            self.ahead -= 1;
            done.push(batch?);
        }
        self.to.send(batch).map_err(|_| ENDED)?;
        self.ahead += 1;
        Ok(done)
    }

    /// Waits for all that is on its way.
    pub fn finish(&mut self) -> Result<Vec<Batch>, String> {
        (0..self.ahead).map(|_| self.next()).collect()
    }

    fn next(&mut self) -> Result<Batch, String> {
        self.ahead -= 1;
        self.from.recv().map_err(|_| ENDED)?
    }
}

const ENDED: &str = "a thread of the import has ended; run it again to go on";

/// Organizations are durable before anybody who works for them is sent; nobody works for one that was not taken.
pub(super) fn write_organizations(
    app: &App,
    asks: &mut [Ask],
    missing: &mut HashSet<OrganizationId>,
) -> Result<(), String> {
    write::<Organization>(app, asks, |ask| &mut ask.organizations, Reason::Organization)?;
    missing.extend(asks.iter().filter(|ask| ask.refused.is_some()).filter_map(|ask| ask.company));
    for ask in asks.iter_mut().filter(|ask| ask.works_for.is_some_and(|id| missing.contains(&id))) {
        ask.refused.get_or_insert(Reason::WithoutOrganization);
    }
    Ok(())
}

fn write<A: Aggregate>(
    app: &App,
    asks: &mut [Ask],
    asked: impl Fn(&mut Ask) -> &mut Vec<Intent<A>>,
    reason: impl Fn(A::Rejection) -> Reason,
) -> Result<(), String> {
    let (mut intents, mut whose) = (Vec::with_capacity(asks.len()), Vec::with_capacity(asks.len()));
    for (at, ask) in asks.iter_mut().enumerate().filter(|(_, ask)| ask.refused.is_none()) {
        let mine = mem::take(asked(ask));
        whose.extend(std::iter::repeat_n(at, mine.len()));
        intents.extend(mine);
    }
    if intents.is_empty() {
        return Ok(());
    }
    for (outcome, at) in app.ledger().submit_all_blocking(&intents).into_iter().zip(whose) {
        let Some(ask) = asks.get_mut(at) else { continue };
        let refused = match outcome {
            Ok(_) => continue,
            Err(Refused::Rejected(rejection)) => reason(rejection),
            Err(Refused::Fenced) => Reason::Fenced,
            Err(Refused::TooLarge) => Reason::TooLarge,
            Err(failed) => return Err(format!("line {}: {failed}; run it again to go on", ask.line)),
        };
        ask.refused.get_or_insert(refused);
    }
    Ok(())
}
