//! `lethe-audit bundle`: evidence of streams from an audit copy.

use std::error::Error;
use std::fs::OpenOptions;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;

use clap::Args;
use domain::event::Stream;
use events::note::{MOST_BYTES, SignedNote};
use replay::gather;
use replay::source::{Source, read_regular};

/// Verifies an audit copy and makes one file of everything it has about some streams, with the proofs: records, the map of
/// stream heads, the way to the checkpoint. It names nobody.
#[derive(Args)]
pub struct Arguments {
    /// The audit copy.
    directory: PathBuf,
    /// Which stream, such as consents_0123…; several are a statement that they belong together.
    #[arg(long, required = true)]
    stream: Vec<Stream>,
    /// A confirmation by replay of this log, from `verify --countersign`.
    #[arg(long)]
    replay: Vec<PathBuf>,
    /// Where the file goes; nothing is overwritten.
    #[arg(long)]
    out: PathBuf,
}

/// Says what was written.
pub fn run(arguments: Arguments) -> Result<String, Box<dyn Error>> {
    let Arguments { directory, stream, replay, out } = arguments;
    let read = |file: &PathBuf| -> Result<SignedNote, Box<dyn Error>> {
        Ok(SignedNote::parse(&read_regular(file, MOST_BYTES as u64)?)?)
    };
    let replays = replay.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    let evidence = gather::from_copy(&Source::open(&directory)?, &stream, &replays)?;
    let bytes = evidence.to_bytes()?;
    let file = OpenOptions::new().write(true).create_new(true).open(&out)?;
    file.write_all_at(&bytes, 0)?;
    file.sync_all()?;
    let records: usize = evidence.trails.iter().map(|trail| trail.records.len()).sum();
    Ok(format!("{records} records of {} streams, {} bytes", evidence.trails.len(), bytes.len()))
}
