//! `lethe`: the server and its operator's commands.

#![allow(clippy::print_stdout, reason = "a command line program prints its answer")]
#![allow(clippy::print_stderr, reason = "and its faults")]

use std::error::Error;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use api::cli::{self, Command, Data, Founder, Import, ImportContacts, Line, Retention, Serve, Token};
use api::config::Config;
use api::kept::NotKept;
use api::local::leave::Step;
use api::local::{Order, Reply, Stamped, carry_out};
use api::open::{self, Opening, open};
use api::publish::Publishing;
use api::{backup, error, export, graphql, import, restore, server, welcome};
use clap::Parser;
use events::chain::Head;
use events::keyring::{AnchorSettings, Repaired};
use events::ledger::{self, Clock, Directory, DirectoryError, KEYS};
use events::log::engine::Options;
use events::log::{Log as _, LogError};
use events::memory;
use indicatif::ProgressBar;
use tracing_subscriber::EnvFilter;

/// Sealed parts are made by one thread and freed by another, which the system's allocator does slowly.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    error::hush_panics();
    let leaks = memory::keep();
    tracing_subscriber::fmt()
        .json()
        .with_env_filter(EnvFilter::try_from_env("LETHE_LOG").unwrap_or_else(|_| EnvFilter::new("info")))
        .with_writer(std::io::stderr)
        .init();
    let command = Line::parse().command;
    leaks.iter().filter(|_| opens_keys(&command)).for_each(|leak| tracing::warn!("{leak}"));
    match run(command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failed) => {
            eprintln!("lethe: {failed}");
            ExitCode::FAILURE
        }
    }
}

/// Whether a command has the keys in its own memory, where no server does it.
fn opens_keys(command: &Command) -> bool {
    !matches!(command, Command::Schema | Command::Token(_) | Command::Clock(_))
}

fn run(command: Command) -> Result<(), Box<dyn Error>> {
    match command {
        Command::Serve(serve) => serve_ledger(serve),
        Command::Import(Import::Contacts(import)) => import_contacts(import),
        Command::Token(Token::Issue { data, role, name, days }) => {
            order(&data, &Order::IssueToken { role: role.to_uppercase(), name, days })
        }
        Command::Token(Token::List { data }) => order(&data, &Order::ListTokens),
        Command::Token(Token::Revoke { data, token }) => order(&data, &Order::RevokeToken { token }),
        Command::Retention(Retention::Run { data, dry_run, cooling_off }) => {
            let opening = Opening { cooling_off_ms: Some(hours(cooling_off)), ..opening(&data) };
            order_with(&data, &opening, &Order::RunRetention { dry_run, token: std::env::var("LETHE_TOKEN").ok() })
        }
        Command::Retention(Retention::Confirm {
            data,
            timestamp: Some(token),
            checkpoint: Some(checkpoint),
            certificate,
            ..
        }) => {
            let read = |path: &Path| std::fs::read(path).map_err(|failed| format!("{}: {failed}", path.display()));
            let (checkpoint, token) = (read(&checkpoint)?, read(&token)?);
            let certificate = certificate.as_deref().map(read).transpose()?;
            let stamped = Stamped { checkpoint, token, certificate };
            order(&data, &Order::ConfirmRetentionByTime { token: officer()?, stamped })
        }
        Command::Retention(Retention::Confirm { data, erasures, .. }) => {
            order(&data, &Order::ConfirmRetention { token: officer()?, erasures })
        }
        Command::Clock(cli::Clock::Confirm { data }) => order(&data, &Order::ConfirmClock),
        Command::Keyring(cli::Keyring::Confirm { data, destroy }) => {
            order(&data, &Order::ConfirmKeys { destroy: destroy.then(officer).transpose()? })
        }
        Command::Keyring(cli::Keyring::Repair { data, older }) => repair_keyring(&data.path, older),
        Command::Keyring(cli::Keyring::Init { data, anchor, copy }) => init_keyring(&data, anchor, &copy),
        Command::Keyring(cli::Keyring::Status { data }) => order(&data, &Order::KeyringStatus),
        Command::Keyring(cli::Keyring::Rotate { data }) => order(&data, &Order::RotateKeyring),
        Command::Keyring(cli::Keyring::Move { data, to }) => move_keyring(&data, to),
        Command::Keyring(cli::Keyring::DeclareLost { data, list: true, .. }) => begin_list(&data.path),
        Command::Keyring(cli::Keyring::DeclareLost { data, all, put_aside, .. }) => {
            declare_lost(&data.path, all, put_aside)
        }
        Command::Keyring(cli::Keyring::DestroyAgain { data }) => destroy_again(&data.path),
        Command::Verify { data } => verify(&data),
        Command::Backup(backup) => back_up(backup),
        Command::Export { dir, data } => export(&dir, &data),
        Command::Leave(step) => {
            let (data, step) = step.order();
            let token = if step.is_a_look() { String::new() } else { officer()? };
            let wait = if let Step::Approve { cooling_off } = step { Some(hours(cooling_off)) } else { None };
            let opening = Opening { cooling_off_ms: wait, ..opening(&data) };
            order_with(&data, &opening, &Order::Leave { step, token })
        }
        Command::Restore { backup, data, origin, losses } => {
            restore::run(&data, backup.as_deref(), origin, losses)?.iter().for_each(|line| println!("{line}"));
            Ok(())
        }
        Command::Schema => {
            print!("{}", graphql::sdl());
            Ok(())
        }
    }
}

fn back_up(order_of: cli::Backup) -> Result<(), Box<dyn Error>> {
    let cli::Backup { dir, data, region, keep_days } = order_of;
    let (dir, home) = (std::path::absolute(dir)?, std::path::absolute(&data.path)?);
    order(&data, &Order::BackUp(backup::Order::new(dir, &home, region, keep_days)?))
}

fn export(dir: &Path, data: &Data) -> Result<(), Box<dyn Error>> {
    let token =
        std::env::var("LETHE_TOKEN").map_err(|_| "put the access token of a DPO or an admin into LETHE_TOKEN")?;
    let (dir, home) = (std::path::absolute(dir)?, std::path::absolute(&data.path)?);
    order(data, &Order::Export(export::Order::new(dir, &home, token)?))
}

fn repair_keyring(data: &Path, older: bool) -> Result<(), Box<dyn Error>> {
    let repaired = Directory::repair_keyring(data, older, Options::default(), &|_, _| {})?;
    match repaired.as_slice() {
        [] => println!("Both copies of the keyring are whole and the same."),
        _ => repaired.iter().for_each(|Repaired { copy, aside }| {
            println!("{} was copied anew.", copy.display());
            aside.iter().for_each(|aside| println!("What lay there, newer and damaged, lies in {}.", aside.display()));
        }),
    }
    Ok(())
}

fn init_keyring(data: &Path, anchors: Vec<AnchorSettings>, copies: &[PathBuf]) -> Result<(), Box<dyn Error>> {
    let copies = copies.iter().map(std::path::absolute).collect::<Result<_, _>>()?;
    let described = Directory::init_keyring(&std::path::absolute(data)?, copies, anchors)?;
    described.iter().for_each(|member| println!("{}", member.words));
    println!("Where the keys will lie is said in {}; `lethe serve` makes the ledger.", data.join(KEYS).display());
    Ok(())
}

/// The access token of a DPO.
fn hours(hours: u32) -> i64 {
    i64::from(hours) * 3_600_000
}

fn officer() -> Result<String, &'static str> {
    std::env::var("LETHE_TOKEN").map_err(|_| "put the access token of a DPO into LETHE_TOKEN")
}

fn move_keyring(data: &Path, to: Vec<AnchorSettings>) -> Result<(), Box<dyn Error>> {
    let moved = match Directory::move_keyring(&std::path::absolute(data)?, to, Options::default(), &|_, _| {}) {
        Err(DirectoryError::Log(LogError::Locked)) => {
            return Err("a server uses this directory, and works with the keys in it: a keyring moves at rest".into());
        }
        moved => moved?,
    };
    moved.members.iter().for_each(|member| println!("{}", member.words));
    println!("The keyring moved, in epoch {}; its old anchor holds no root of it.", moved.destroyed.epoch_after);
    Ok(())
}

fn declare_lost(data: &Path, all: bool, put_aside: bool) -> Result<(), Box<dyn Error>> {
    if put_aside {
        let aside = ledger::put_keyring_aside(data, Options::default(), &|_, _| {})?;
        aside.iter().for_each(|dir| println!("A copy of the keyring lies in {} now.", dir.display()));
    }
    let now = Clock::system().now();
    let declared = ledger::declare_lost(data, all, now, Options::default(), &|_, _| {})?;
    println!("{} keys are declared lost; what they sealed is gone, and that is no erasure:", declared.keys.len());
    declared.keys.iter().for_each(|key| println!("  {key}"));
    if declared.made_new {
        println!("A new keyring was made. No copy of the old one opens any more.");
    }
    Ok(())
}

fn begin_list(data: &Path) -> Result<(), Box<dyn Error>> {
    let directory = Directory::open(data, Options::default(), &|_, _| {})?;
    let list = directory.keyring.suppression();
    if list.is_there() {
        return Err("the suppression list is there".into());
    }
    list.begin_anew()?;
    println!("The suppression list begins anew, and holds nobody. Whom it held may be taken in and written to again.");
    Ok(())
}

fn destroy_again(data: &Path) -> Result<(), Box<dyn Error>> {
    match open::destroy_again(data)? {
        (0, 0) => println!("No key lives that the log says was destroyed."),
        (count, 0) => println!("{count} keys are destroyed again."),
        (_, kept) => return Err(format!("{kept} keys are fenced, and the anchor does not let them go yet").into()),
    }
    Ok(())
}

fn serve_ledger(serve: Serve) -> Result<(), Box<dyn Error>> {
    let data = serve.data.unwrap_or_else(|| PathBuf::from(if serve.demo { "lethe-demo" } else { "lethe-data" }));
    let config = Config::load(serve.flags)?;
    let cooling_off_ms = serve.cooling_off.map(hours);
    let Founder { controller, origin, test } = serve.founder;
    let not_kept = config.not_kept.clone();
    let clock = if serve.demo { Clock::demo() } else { Clock::system() };
    let (demo, publishing) = (Some(serve.demo), config.log.clone());
    let opening = Opening { controller, origin, demo, test, cooling_off_ms, not_kept, publishing, signs: true };
    let app = open(&data, &opening, clock)?;
    // No token is issued any more where the controller is leaving.
    let greets = serve.demo && !app.ledger().is_closed();
    let tokens = if greets { welcome::tokens(&app)? } else { Vec::new() };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let scheme = if config.tls.is_some() { "https" } else { "http" };
    let ready = |address| {
        println!("lethe listens on {scheme}://{address}");
        if tokens.is_empty() {
            println!("let somebody in: lethe token issue --data {} --role agent --name NAME", data.display());
        } else {
            print!("{}", welcome::text(address, &tokens));
        }
    };
    let served = runtime.block_on(server::run(app.clone(), config, &data, ready));
    if !app.ledger().is_closed() {
        welcome::revoke(&app, &tokens);
    }
    drop(runtime);
    Ok(served?)
}

fn import_contacts(import: ImportContacts) -> Result<(), Box<dyn Error>> {
    let absolute = |path: &Path| std::path::absolute(path);
    let order_of = import::Order {
        file: absolute(&import.file)?,
        data: absolute(&import.data.path)?,
        map: import.map.as_deref().map(absolute).transpose()?,
        source: import.source,
        reason: import.reason,
        update: import.update,
        rejects: import.rejects.as_deref().map(absolute).transpose()?,
        dry_run: import.dry_run,
    };
    let config = import.config.as_deref().map(Config::read).transpose()?.unwrap_or_default();
    let opening = Opening { not_kept: config.not_kept, publishing: config.log, ..opening(&import.data) };
    order_with(&import.data, &opening, &Order::Import(order_of))
}

fn order(data: &Data, order: &Order) -> Result<(), Box<dyn Error>> {
    order_with(data, &opening(data), order)
}

fn order_with(data: &Data, opening: &Opening, order: &Order) -> Result<(), Box<dyn Error>> {
    let bar = if std::io::stderr().is_terminal() { ProgressBar::no_length() } else { ProgressBar::hidden() };
    let mut told = |reply| match reply {
        Reply::Say(line) => bar.suspend(|| println!("{line}")),
        Reply::Warn(line) => bar.suspend(|| eprintln!("lethe: {line}")),
        Reply::Progress { done, of } => {
            bar.set_length(of);
            bar.set_position(done);
        }
        Reply::Done | Reply::Failed(_) => {}
    };
    let done = carry_out(&data.path, opening, order, &mut told);
    bar.finish_and_clear();
    Ok(done?)
}

fn verify(data: &Data) -> Result<(), Box<dyn Error>> {
    if !Directory::exists(&data.path)? {
        return Err("there is no ledger in this directory".into());
    }
    let app = open(&data.path, &opening(data), Clock::system())?;
    let head = app.ledger().log().head();
    let head = Head { size: head.size, hash: head.hash };
    println!("CONSISTENT: every record is in its place, and every sealed part with a live key opens.");
    println!("head {head}");
    Ok(())
}

fn opening(data: &Data) -> Opening {
    let Founder { controller, origin, test } = data.founder.clone();
    Opening {
        controller,
        origin,
        demo: None,
        test,
        cooling_off_ms: None,
        not_kept: NotKept::default(),
        publishing: Publishing::default(),
        signs: false,
    }
}
