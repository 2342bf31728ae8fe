//! `lethe-bench`: measures the whole, one line a measure, on the disk that `--dir` names. `cargo bench` measures the parts.
//!
//! ```text
//! cargo run --release -p benches -- append
//! ```

#![allow(clippy::print_stdout, reason = "printing is what it is for")]

mod data;
mod erase;
mod http;
mod import;
mod keyring;
mod ledger;
mod load;
mod replays;
mod report;
mod size;
mod spring;
mod sweep;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use load::Kind;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Whatever went wrong ends the program.
type Done<T = ()> = Result<T, Box<dyn std::error::Error>>;

#[derive(Parser)]
#[command(name = "lethe-bench", about = "Measures a ledger, one line a measure.")]
struct Arguments {
    /// Where data is written: a directory on the disk that is meant. A new one below the build directory, if not said.
    #[arg(long, global = true)]
    dir: Option<PathBuf>,
    /// How often each measure is taken; the median is printed.
    #[arg(long, global = true, default_value_t = 3)]
    runs: usize,
    #[command(subcommand)]
    measure: Measure,
}

#[derive(Subcommand)]
enum Measure {
    /// Single durable appends to existing streams, by 1, 16 and 64 writers, and the bare disk beside them.
    Append {
        /// How long each run takes.
        #[arg(long, default_value_t = 5)]
        seconds: u64,
        /// How many writers.
        #[arg(long, value_delimiter = ',', default_value = "1,16,64")]
        writers: Vec<usize>,
        /// What is appended.
        #[arg(long, value_enum, default_value_t = Kind::Note)]
        kind: Kind,
    },
    /// Batches of commands, by 64 clients of 64 and 8 clients of 512.
    Batch {
        /// How long each run takes.
        #[arg(long, default_value_t = 5)]
        seconds: u64,
        /// Clients and commands in a batch, as 64x64.
        #[arg(long, value_delimiter = ',', default_value = "64x64,8x512")]
        shapes: Vec<String>,
        /// What is appended.
        #[arg(long, value_enum, default_value_t = Kind::Note)]
        kind: Kind,
    },
    /// The chain from an audit copy.
    Verify(Contacts),
    /// A ledger into service: verify, open personal data, make the views.
    Boot(Contacts),
    /// A lost index from the journal.
    Rebuild(Contacts),
    /// From approved to certified, for somebody with few records and with many.
    Erase {
        /// How many records.
        #[arg(long, value_delimiter = ',', default_value = "10,10000")]
        records: Vec<usize>,
        /// How many keys of others there are, drawn before and between these people's.
        #[arg(long, default_value_t = 0)]
        keys: usize,
    },
    /// The keyring alone: memory by keys, and the keys of one person and of a hundred destroyed among so many.
    Keyring {
        /// How many.
        #[arg(long, default_value_t = 3_000_000)]
        keys: usize,
    },
    /// Sealed parts overwritten behind an erasure, and what that costs those who write meanwhile.
    Sweep {
        /// How many parts.
        #[arg(long, default_value_t = 50_000)]
        parts: usize,
    },
    /// A year of support that is over for many people at once: from the first fence to the last certificate.
    Spring {
        /// How many people.
        #[arg(long, default_value_t = 10_000)]
        people: usize,
    },
    /// Contacts from a CSV file by `lethe import`, from its start to its end.
    Import {
        /// How many rows.
        #[arg(long, default_value_t = 100_000)]
        rows: usize,
        /// Writes the file here and measures nothing.
        #[arg(long, value_name = "FILE")]
        write: Option<PathBuf>,
    },
    /// Bytes of files by bytes of records and sealed parts.
    Disk(Contacts),
    /// Resident bytes by contacts, after a boot.
    Memory(Contacts),
    /// Pages of 50 contacts over HTTP, and the same page over constants.
    HttpPages(http::Taken),
    /// Changes to contacts over HTTP.
    HttpChanges(http::Taken),
    /// Searches over HTTP.
    HttpSearches(http::Taken),
    /// `mayContact` and consents as of days in the past, over HTTP.
    HttpConsents {
        /// How many records in all.
        #[arg(long, default_value_t = 10_000_000)]
        records: u64,
        #[command(flatten)]
        taken: http::Taken,
    },
    /// Evidence of one trail, made over HTTP and judged.
    HttpEvidence {
        /// How many records in all.
        #[arg(long, default_value_t = 10_000_000)]
        records: u64,
        #[command(flatten)]
        taken: http::Taken,
    },
    /// From approved to certified, over HTTP, for somebody with few records and with many.
    HttpErase {
        /// How many records.
        #[arg(long, value_delimiter = ',', default_value = "10,10000")]
        records: Vec<usize>,
    },
    /// From the start of the server to its first request.
    HttpBoot(http::Taken),
    /// A server whose answers are constants, for `http-pages`.
    #[command(hide = true)]
    Constants,
}

/// What is booted, verified and rebuilt: contacts with two points and one consent each, five to an organization.
#[derive(clap::Args, Clone, Copy)]
struct Contacts {
    /// How many, where the directory has no ledger yet.
    #[arg(long, default_value_t = 100_000)]
    contacts: usize,
}

fn main() -> Done {
    let Arguments { dir, runs, measure } = Arguments::parse();
    let place = report::Place::of(dir)?;
    println!("machine: {}", report::machine(place.path())?);
    let runs = runs.max(1);
    match measure {
        Measure::Append { seconds, writers, kind } => load::append(place.path(), runs, seconds, &writers, kind),
        Measure::Batch { seconds, shapes, kind } => load::batch(place.path(), runs, seconds, &shapes, kind),
        Measure::Verify(Contacts { contacts }) => replays::verify(place.path(), runs, contacts),
        Measure::Boot(Contacts { contacts }) => replays::boot(place.path(), runs, contacts),
        Measure::Rebuild(Contacts { contacts }) => replays::rebuild(place.path(), runs, contacts),
        Measure::Erase { records, keys } => erase::erase(place.path(), runs, &records, keys),
        Measure::Keyring { keys } => keyring::destroy(place.path(), runs, keys),
        Measure::Sweep { parts } => sweep::sweep(place.path(), runs, parts),
        Measure::Spring { people } => spring::clean(place.path(), people),
        Measure::Import { rows, write: Some(file) } => import::write(&file, rows),
        Measure::Import { rows, write: None } => import::import(place.path(), runs, rows),
        Measure::Disk(Contacts { contacts }) => size::disk(place.path(), contacts),
        Measure::Memory(Contacts { contacts }) => size::memory(place.path(), contacts),
        Measure::HttpPages(taken) => http::pages(place.path(), runs, &taken),
        Measure::HttpChanges(taken) => http::changes(place.path(), runs, &taken),
        Measure::HttpSearches(taken) => http::searches(place.path(), runs, &taken),
        Measure::HttpConsents { records, taken } => http::consents(place.path(), runs, records, &taken),
        Measure::HttpEvidence { records, taken } => http::evidence(place.path(), runs, records, &taken),
        Measure::HttpErase { records } => http::erasures(place.path(), runs, &records),
        Measure::HttpBoot(taken) => http::boots(place.path(), runs, &taken),
        Measure::Constants => http::constants::serve(),
    }
}
