//! `lethe-audit certificate`: the certificate of an erasure from an audit copy.

use std::error::Error;
use std::fs::OpenOptions;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;

use clap::Args;
use domain::id::ErasureId;
use replay::certificate::{Language, from_copy};
use replay::source::Source;

/// Verifies an audit copy and writes the certificate of an erasure: a text that anybody can read, with the records that prove
/// it. The log has not signed it; `check --against` holds it against a copy.
#[derive(Args)]
pub struct Arguments {
    /// The audit copy.
    directory: PathBuf,
    /// Its number, such as erasure_0123….
    erasure: ErasureId,
    /// The language: en or de.
    #[arg(long, default_value = "en")]
    language: Language,
    /// Where the file goes; nothing is overwritten.
    #[arg(long)]
    out: PathBuf,
}

/// Says what was written.
pub fn run(arguments: &Arguments) -> Result<String, Box<dyn Error>> {
    let Arguments { directory, erasure, language, out } = arguments;
    let certificate = from_copy(&Source::open(directory)?, *erasure, *language)?;
    let text = certificate.to_text()?;
    let file = OpenOptions::new().write(true).create_new(true).open(out)?;
    file.write_all_at(text.as_bytes(), 0)?;
    file.sync_all()?;
    Ok(format!("the certificate of {erasure}, {} bytes", text.len()))
}
