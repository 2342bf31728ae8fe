//! `lethe-audit witness`: watches logs, and cosigns what continues what it saw before.

use std::error::Error;
use std::fs;
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::Args;
use events::note::{FileSigner, VerifierKey};
use replay::witness::{Store, Witness, server};

/// Runs a witness of transparency logs (c2sp.org/tlog-witness). It prints its key, then its address.
#[derive(Args)]
pub struct Arguments {
    /// Where it listens, such as 127.0.0.1:7475.
    #[arg(long)]
    listen: SocketAddr,
    /// Its own directory, with what it has seen. It belongs to this witness alone, and no older copy may be put in its place.
    #[arg(long)]
    state: PathBuf,
    /// Its name, such as witness.example/w1.
    #[arg(long)]
    name: String,
    /// Its key file, drawn where there is none; `key` in its directory where it is not said.
    #[arg(long)]
    key: Option<PathBuf>,
    /// The key of a log that it watches (vkey); may be given many times.
    #[arg(long, num_args = 1.., required_unless_present = "log_file")]
    log: Vec<VerifierKey>,
    /// A file with more of them, one on each line; blank lines and lines that begin with # are left out.
    #[arg(long)]
    log_file: Option<PathBuf>,
}

/// Serves until it is told to stop.
pub fn run(arguments: Arguments) -> Result<(), Box<dyn Error>> {
    let Arguments { listen, state, name, key, log: mut logs, log_file } = arguments;
    if let Some(file) = log_file {
        logs.extend(listed(&file)?);
    }
    let store = Store::hold(&state)?;
    let signer = FileSigner::at(&key.unwrap_or_else(|| store.key_file()))?;
    let witness = Witness::open(store, &name, Box::new(signer), logs)?;
    let vkey = witness.key().to_string();
    // Whoever started it may read no further than the address.
    server::run(witness, listen, |address| {
        let _ = writeln!(io::stdout(), "{vkey}\nlistening on http://{address}");
    })?;
    Ok(())
}

fn listed(file: &Path) -> Result<Vec<VerifierKey>, String> {
    let text = fs::read_to_string(file).map_err(|failed| format!("cannot read {}: {failed}", file.display()))?;
    let lines = (1..).zip(text.lines()).map(|(number, line)| (number, line.trim()));
    let keys = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    keys.map(|(number, line)| line.parse().map_err(|bad| format!("{} line {number}: {bad}", file.display()))).collect()
}
