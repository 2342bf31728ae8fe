//! `lethe-audit`: what an auditor runs. Checking needs no key, no server and no sled, and only reads; a witness has a key
//! and a state of its own, and whoever examines images needs the anchor.

#![allow(clippy::print_stdout, reason = "a command line program prints its answer")]
#![allow(clippy::print_stderr, reason = "and its faults")]

mod commands;

use std::collections::HashSet;
use std::error::Error;
use std::fmt::Display;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use domain::event::{Stream, StreamKind};
use domain::time::{Day, Time};
use events::chain::Head;
use indicatif::{ProgressBar, ProgressStyle};
use replay::check::Status;
use replay::copy;
use replay::plain::plain;
use replay::report::Report;
use replay::source::Source;
use replay::timestamp;
use replay::trail::Collector;
use replay::verify::{Failed, verify};
use serde::Serialize;

/// Checks a Lethe log and prints trails from it, offline and without keys.
#[derive(Parser)]
#[command(name = "lethe-audit", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Takes an audit copy: all records and the inventory of sealed parts, no personal data.
    Copy {
        /// A running server, such as http://127.0.0.1:8080 or https://crm.example.
        #[arg(long, requires = "token", conflicts_with = "data", required_unless_present = "data")]
        server: Option<String>,
        /// An auditor's token.
        #[arg(long)]
        token: Option<String>,
        /// The authorities (PEM) that its certificate must lead to; those that the system trusts where it is not said.
        #[arg(long, value_name = "FILE", requires = "server")]
        ca: Option<PathBuf>,
        /// A data directory at rest; not a byte of it changes.
        #[arg(long)]
        data: Option<PathBuf>,
        /// Where the copy goes: an empty or new directory.
        out: PathBuf,
    },
    /// Verifies an audit copy or a data directory at rest. Exit code 0: consistent, 1: broken, 2: unreadable.
    Verify {
        /// The audit copy or data directory.
        directory: PathBuf,
        /// A head that was kept from an earlier verification, SIZE:HASH.
        #[arg(long)]
        expect: Option<Head>,
        /// What is accepted as the log's checkpoint: a C2SP policy.
        #[arg(long)]
        policy: Option<PathBuf>,
        /// Sign that the log holds, with the key of this file (made where there is none); the note goes to `--out`.
        #[arg(long, value_name = "KEY", requires = "name", requires = "out")]
        countersign: Option<PathBuf>,
        /// The name of that key, such as auditor.example.
        #[arg(long)]
        name: Option<String>,
        /// Where the confirmation goes; nothing is overwritten.
        #[arg(long)]
        out: Option<PathBuf>,
        /// For machines.
        #[arg(long)]
        json: bool,
    },
    /// Verifies, then prints one stream's trail, or draws streams for a spot check.
    Trail {
        /// The audit copy or data directory.
        directory: PathBuf,
        /// Which stream, such as consents_0123….
        #[arg(long, conflicts_with = "sample", required_unless_present = "sample")]
        stream: Option<Stream>,
        /// The day whose states are shown; today where it is not said.
        #[arg(long)]
        as_of: Option<Day>,
        /// Only what was recorded by the end of this day.
        #[arg(long)]
        known_at: Option<Day>,
        /// Draws this many streams of consents.
        #[arg(long)]
        sample: Option<usize>,
        /// The seed of the draw: the same seed draws the same streams of the same log.
        #[arg(long, default_value_t = 0, requires = "sample")]
        seed: u64,
        /// For machines.
        #[arg(long)]
        json: bool,
    },
    /// Makes one evidence file of streams from an audit copy.
    Bundle(commands::bundle::Arguments),
    /// Makes the certificate of an erasure from an audit copy; the log has not signed it.
    Certificate(commands::certificate::Arguments),
    /// Judges an evidence file, a receipt or a certificate.
    Check(commands::check::Arguments),
    /// Says what images of disks give back to whoever has the current root.
    Forensic(commands::forensic::Arguments),
    /// Makes requests for time stamps and checks the answers (RFC 3161).
    #[command(subcommand)]
    Timestamp(timestamp::command::Command),
    /// Runs a witness, which cosigns the checkpoints of logs that it watches.
    Witness(commands::witness::Arguments),
    /// Has a witness cosign the checkpoint of a published directory or an audit copy.
    Cosign(commands::cosign::Arguments),
}

/// Exit codes: what an auditor's script goes by.
const BROKEN: u8 = 1;
const UNREADABLE: u8 = 2;

/// Records are read by one thread and freed by another, which the system's allocator does slowly.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match Arguments::parse().command {
        Command::Copy { server, token, ca, data, out } => copy_log(server.zip(token), ca.as_deref(), data, &out),
        Command::Verify { directory, expect, policy, countersign, name, out, json } => {
            let confirm = countersign.zip(name).zip(out).map(|((key, name), out)| Confirm { key, name, out });
            verify_log(&directory, expect, policy.as_deref(), confirm, json)
        }
        Command::Bundle(arguments) => ended(commands::bundle::run(arguments).map(Some)),
        Command::Certificate(arguments) => ended(commands::certificate::run(&arguments).map(Some)),
        Command::Check(arguments) => checked(&arguments),
        Command::Forensic(arguments) => examined(&arguments),
        Command::Timestamp(command) => timestamp::command::run(command),
        Command::Trail { directory, stream, as_of, known_at, sample, seed, json } => {
            let day = as_of.unwrap_or_else(today);
            let known_at = known_at.map(Day::end);
            let streams = match (stream, sample) {
                (Some(stream), _) => vec![stream],
                (None, Some(count)) => match draw(&directory, count, seed) {
                    Ok(streams) => streams,
                    Err(failed) => return told(&failed, json),
                },
                (None, None) => Vec::new(),
            };
            trails(&directory, &streams, day, known_at, json)
        }
        Command::Witness(arguments) => ended(commands::witness::run(arguments).map(|()| None)),
        Command::Cosign(arguments) => ended(commands::cosign::run(arguments).map(Some)),
    }
}

fn copy_log(server: Option<(String, String)>, ca: Option<&Path>, data: Option<PathBuf>, out: &Path) -> ExitCode {
    let copied = match (server, data) {
        (Some((server, token)), _) => copy::from_server(&server, &token, ca, out),
        (_, Some(data)) => copy::from_directory(&data, out),
        _ => return ExitCode::from(UNREADABLE),
    };
    match copied {
        Ok(head) => {
            println!("copied {} records; head {head}", head.size);
            ExitCode::SUCCESS
        }
        Err(failed) => {
            complain(&failed);
            ExitCode::from(UNREADABLE)
        }
    }
}

/// A confirmation to be signed.
struct Confirm {
    key: PathBuf,
    name: String,
    out: PathBuf,
}

fn verify_log(
    directory: &Path,
    expect: Option<Head>,
    policy: Option<&Path>,
    confirm: Option<Confirm>,
    json: bool,
) -> ExitCode {
    let consistent = match run(directory, expect, &mut |_, _| {}) {
        Ok(consistent) => consistent,
        Err(failed) => return told(&failed, json),
    };
    let judged = policy.map(|policy| commands::anchoring(&consistent, policy)).transpose();
    let judged = match judged {
        Ok(judged) => judged,
        Err(failed) => return ended(Err(failed)),
    };
    let met = judged.as_ref().is_none_or(|anchoring| anchoring.status == Status::Holds);
    print(&Report::from(&consistent).anchored(judged), json);
    match confirm
        .filter(|_| met)
        .map(|Confirm { key, name, out }| commands::countersign(&consistent, &key, &name, &out))
    {
        Some(Err(failed)) => ended(Err(failed)),
        Some(Ok(key)) => {
            eprintln!("confirmed, for policies: replay NAME {key}");
            ExitCode::SUCCESS
        }
        None if met => ExitCode::SUCCESS,
        None => ExitCode::from(BROKEN),
    }
}

fn checked(arguments: &commands::check::Arguments) -> ExitCode {
    match commands::check::run(arguments) {
        Ok(checked) => {
            print(&checked, arguments.json);
            if checked.holds() { ExitCode::SUCCESS } else { ExitCode::from(BROKEN) }
        }
        Err(failed) => ended(Err(failed)),
    }
}

fn examined(arguments: &commands::forensic::Arguments) -> ExitCode {
    // It holds the root and every key that lives.
    events::memory::keep().iter().for_each(complain);
    match commands::forensic::run(arguments) {
        Ok(report) => {
            print(&report, arguments.json);
            if report.holds() { ExitCode::SUCCESS } else { ExitCode::from(BROKEN) }
        }
        Err(failed) => ended(Err(failed)),
    }
}

fn trails(directory: &Path, streams: &[Stream], day: Day, known_at: Option<Time>, json: bool) -> ExitCode {
    let mut collectors: Vec<_> = streams.iter().map(|stream| Collector::new(*stream, known_at)).collect();
    let verified = run(directory, None, &mut |record, hash| {
        collectors.iter_mut().for_each(|collector| collector.take(record, hash));
    });
    if let Err(failed) = verified {
        return told(&failed, json);
    }
    let mut trails = Vec::with_capacity(collectors.len());
    for (collector, stream) in collectors.into_iter().zip(streams) {
        if !collector.is_there() {
            eprintln!("the log has no record of {stream}");
            return ExitCode::from(UNREADABLE);
        }
        match collector.trail(day) {
            Ok(trail) => trails.push(trail),
            Err(failed) => return told(&failed, json),
        }
    }
    trails.iter().for_each(|trail| print(trail, json));
    ExitCode::SUCCESS
}

/// Streams of consents, drawn by seed: what an auditor who sees no names can spot-check.
fn draw(directory: &Path, count: usize, seed: u64) -> Result<Vec<Stream>, Failed> {
    let mut seen = HashSet::new();
    let mut streams = Vec::new();
    run(directory, None, &mut |record, _| {
        if record.stream.kind == StreamKind::Consents && seen.insert(record.stream.id) {
            streams.push(record.stream);
        }
    })?;
    // A draw by rank of a seeded hash: anyone with the same log and seed draws the same.
    streams.sort_by_key(|stream| {
        let mut bytes = seed.to_be_bytes().to_vec();
        bytes.extend_from_slice(&stream.id);
        events::record::hash(&bytes)
    });
    streams.truncate(count);
    Ok(streams)
}

fn run(
    directory: &Path,
    expect: Option<Head>,
    each: &mut (dyn FnMut(&events::record::Record<'_>, events::record::Hash) + Send),
) -> Result<replay::verify::Consistent, Failed> {
    let source = Source::open(directory)?;
    let bar = ProgressBar::new(source.size());
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} records, {per_sec}") {
        bar.set_style(style);
    }
    let verified = verify(&source, expect, each, &|done, _| bar.set_position(done));
    bar.finish_and_clear();
    verified
}

/// How a subcommand ended that gives no verdict.
fn ended(done: Result<Option<String>, Box<dyn Error>>) -> ExitCode {
    match done {
        Ok(said) => {
            said.iter().for_each(|said| println!("{}", plain(said)));
            ExitCode::SUCCESS
        }
        Err(failed) => {
            complain(&failed);
            ExitCode::from(UNREADABLE)
        }
    }
}

fn told(failed: &Failed, json: bool) -> ExitCode {
    match failed {
        Failed::Broken(unsound) => {
            print(&Report::from(unsound), json);
            ExitCode::from(BROKEN)
        }
        Failed::Unreadable(_) | Failed::Newer { .. } => {
            complain(&failed);
            ExitCode::from(UNREADABLE)
        }
    }
}

/// Whoever reads may have gone, as `head` does: that is no failure.
fn print(what: &(impl Serialize + Display), json: bool) {
    let text = if json { serde_json::to_string_pretty(what).unwrap_or_default() } else { what.to_string() };
    let _ = writeln!(io::stdout(), "{text}");
}

/// What went wrong may be told in the words of a file or a server.
fn complain(failed: &impl ToString) {
    eprintln!("{}", plain(&failed.to_string()));
}

fn today() -> Day {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Time(i64::try_from(since.as_millis()).unwrap_or(i64::MAX)).day()
}
