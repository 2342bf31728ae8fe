//! From a data directory to a ledger in service: made where there is none, read to its end, views folded.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::event::Event;
use domain::id::{ActorId, RegisterId};
use domain::time::Time;
use domain::{ledger, register};
use events::ledger::{Clock, Directory, DirectoryError, Founding, Fresh, Intent, Refused, Unreadable, open_entry};
use events::log::engine::Options;
use events::log::{Log as _, LogError};
use indicatif::{ProgressBar, ProgressStyle};
use projections::Views;
use replay::rebuild::{BootError, boot};

use crate::app::App;
use crate::demo::{self, DemoError};
use crate::kept::NotKept;
use crate::publish::{Publishing, WitnessError, Witnesses};
use crate::tokens;

/// How a ledger is opened.
#[derive(Clone, Debug)]
pub struct Opening {
    /// Whose data a new ledger will hold.
    pub controller: String,
    /// What a new ledger's checkpoints will be signed for.
    pub origin: String,
    /// Whether it must be a demo ledger, or must not; either will do where it is not said, and a new one is none.
    pub demo: Option<bool>,
    /// Whether a new ledger is one for tests: it says so in its first record, and only there and in a demo may erasures go
    /// without a cooling-off. One that is there may be a demo or test ledger then.
    pub test: bool,
    /// How long a fenced erasure waits before its keys are destroyed, in milliseconds; a day where it is not said, and no time
    /// in a demo.
    pub cooling_off_ms: Option<i64>,
    /// Fields that are not kept.
    pub not_kept: NotKept,
    /// How it is published: the witnesses are asked before anything is written.
    pub publishing: Publishing,
    /// Whether it is published at all. Whoever only appends may know no witness, so what it appends is signed by the server.
    pub signs: bool,
}

/// Why a ledger could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The directory cannot be used.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// A witness cannot be asked as it is configured.
    #[error(transparent)]
    Witness(#[from] WitnessError),
    /// What is in it does not hold.
    #[error(transparent)]
    Boot(#[from] BootError),
    /// A demo ledger was asked for and this is none.
    #[error("this directory holds a ledger that is no demo; --demo makes one in a directory of its own")]
    NotADemo,
    /// And the other way round.
    #[error("this directory holds a demo or test ledger; open it with --demo or --test")]
    OnlyADemo,
    /// Erasures of a real ledger wait.
    #[error(
        "erasures go without a cooling-off only in a demo (--demo) or in a ledger that was made for tests (--test)"
    )]
    NoCoolingOff,
    /// The demo's story could not be told.
    #[error(transparent)]
    Demo(#[from] DemoError),
    /// The process ended while the story was told.
    #[error(
        "this demo ledger was not finished when it was made: remove the directory, or name another one with --data"
    )]
    HalfADemo,
    /// The register could not be written.
    #[error("the register of purposes could not be written: {0}")]
    Register(#[from] Refused<register::Rejection>),
    /// The first record is not what it must be.
    #[error("the first record cannot be read: {0}")]
    First(#[from] Unreadable),
    /// The log failed.
    #[error(transparent)]
    Log(#[from] LogError),
    /// No randomness.
    #[error(transparent)]
    NoRandomness(#[from] events::NoRandomness),
}

/// Opens the ledger of a directory, and makes one where there is none. `clock` is the ledger's.
pub fn open(path: &Path, opening: &Opening, clock: Clock) -> Result<App, OpenError> {
    let options = Options::default();
    let is_new = !Directory::exists(path)?;
    if is_new {
        Directory::create(path, &founding(opening, clock.now()), options)?;
    }
    let indexing = Progress::new("reading the index");
    let mut directory = Directory::open(path, options, &|done, of| indexing.tell(done, of))?;
    drop(indexing);
    directory.cadence = Duration::from_millis(opening.publishing.cadence_ms);
    directory.held = !opening.signs;
    let witnesses = Witnesses::of(&opening.publishing)?;
    if !witnesses.is_empty() {
        directory.ask = Some(Box::new(move |published| Ok(witnesses.ask(published)?)));
    }
    let is_demo = is_demo(&directory)?;
    match (is_demo, opening.demo) {
        (false, Some(true)) => return Err(OpenError::NotADemo),
        (true, Some(false)) if !opening.test => return Err(OpenError::OnlyADemo),
        (false, _) if opening.cooling_off_ms == Some(0) => return Err(OpenError::NoCoolingOff),
        _ => {}
    }
    if let Some(reason) = &directory.log.opened().index_set_aside {
        tracing::warn!(reason, "the index was made again from the journal");
    }
    if directory.log.opened().torn.is_some() {
        tracing::warn!("a frame that was being written when the process ended was cut; nothing acknowledged was in it");
    }
    let reading = Progress::new("verifying the log");
    let (ledger, booted) = boot(directory, Views::default(), clock, &|done, of| reading.tell(done, of))?;
    drop(reading);
    tracing::info!(records = booted.records, finished = booted.finished, "the log is verified and the views are built");
    if let Some(waiting) = ledger.keyring().waiting().filter(|_| booted.waiting > 0) {
        let (erasures, waiting) = (booted.waiting, waiting.to_string());
        tracing::warn!(
            erasures,
            waiting,
            "keys are ordered to be destroyed, and fenced; a member of the anchor is missing"
        );
    } else if booted.waiting > 0 {
        tracing::warn!(
            erasures = booted.waiting,
            "keys are destroyed and their certificates wait; confirm the clock if it was refused"
        );
    }
    if booted.resurrected > 0 {
        let keys = booted.resurrected;
        tracing::error!(
            keys,
            "keys that are certified to be destroyed are there again, fenced: the anchor did not answer"
        );
    }
    let is_shown = is_demo && opening.demo != Some(false);
    let cooling_off_ms = opening.cooling_off_ms.unwrap_or(if is_shown { 0 } else { Time::DAY_MS });
    let mut app = App::new(Arc::new(ledger), is_shown, cooling_off_ms).keeping(opening.not_kept.clone());
    app.is_trial = is_demo;
    app.settle_suppressions().map_err(BootError::from)?;
    if !booted.residue.is_empty() {
        app.sweep(booted.residue);
    }
    match opening.demo {
        Some(true) if is_new => {
            demo::populate(app.ledger(), demo::SEED, demo::CONTACTS)?;
        }
        // The tokens of its first start are issued as soon as the story is told.
        Some(true) if tokens::list(&app).is_empty() => return Err(OpenError::HalfADemo),
        _ => {}
    }
    if app.ledger().views().register_stream().is_none() {
        write_register(&app)?;
    }
    Ok(app)
}

/// Destroys the keys that an older keyring has brought back although the log says that they were destroyed, in a directory at
/// rest. Says how many, and how many an anchor has kept from it, which stay fenced; durable when it returns.
pub fn destroy_again(path: &Path) -> Result<(usize, usize), OpenError> {
    let reading = Progress::new("verifying the log");
    let mut directory = Directory::open(path, Options::default(), &|_, _| {})?;
    (directory.held, directory.destroys_again) = (true, true);
    let (ledger, booted) = boot(directory, Views::default(), Clock::system(), &|done, of| reading.tell(done, of))?;
    // The sealed parts are swept by the next start.
    drop(ledger);
    Ok((booted.destroyed_again, booted.resurrected))
}

fn founding(opening: &Opening, now: Time) -> Founding {
    let Opening { controller, origin, demo, test, .. } = opening;
    match demo {
        Some(true) => demo::founding(now),
        _ => Founding { controller: controller.clone(), origin: origin.clone(), demo: *test, at: now },
    }
}

fn is_demo(directory: &Directory) -> Result<bool, OpenError> {
    let Some(first) = directory.log.record(0)? else { return Ok(false) };
    let opened = open_entry(&first, &directory.keyring)?;
    Ok(matches!(opened.recorded.event, Event::Log(ledger::Event::Opened { demo: true, .. })))
}

/// The register that every ledger begins with; each line of it is a record like any later change.
fn write_register(app: &App) -> Result<(), OpenError> {
    let mut fresh = Fresh::new();
    let (register, operator): (RegisterId, ActorId) = (fresh.id()?, fresh.id()?);
    for event in register::defaults() {
        let command = match event {
            register::Event::PurposeSet(purpose) => register::Command::SetPurpose(purpose),
            register::Event::RetentionSet(retention) => register::Command::SetRetention(retention),
            register::Event::ResidueDaysSet(set) => register::Command::SetResidueDays(set),
        };
        let intent: Intent<register::Register> = Intent {
            id: register.0,
            command,
            command_id: fresh.id()?,
            actor: operator,
            effective_at: None,
            expected: None,
            reads: Vec::new(),
            keys: Vec::new(),
            fresh: Fresh::new(),
        };
        app.ledger().submit_blocking(&intent)?;
    }
    Ok(())
}

/// A progress line, shown only for what takes more than a second.
pub(crate) struct Progress {
    since: Instant,
    bar: ProgressBar,
}

impl Progress {
    pub(crate) fn new(what: &'static str) -> Self {
        let bar = ProgressBar::hidden().with_message(what);
        if let Ok(style) = ProgressStyle::with_template("{msg} {bar:30} {pos}/{len} records, {per_sec}") {
            bar.set_style(style);
        }
        Self { since: Instant::now(), bar }
    }

    pub(crate) fn tell(&self, done: u64, of: u64) {
        if self.since.elapsed() > Duration::from_secs(1) && self.bar.is_hidden() {
            self.bar.set_draw_target(indicatif::ProgressDrawTarget::stderr());
        }
        self.bar.set_length(of);
        self.bar.set_position(done);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
