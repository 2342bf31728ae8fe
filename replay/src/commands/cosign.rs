//! `lethe-audit cosign`: has a witness cosign the checkpoint of a published directory.

use std::error::Error;
use std::path::{Path, PathBuf};

use clap::Args;
use events::note::VerifierKey;
use replay::witness::client::Client;
use replay::witness::published;

/// Submits the checkpoint of a published directory or an audit copy to a witness, and adds its cosignature to the file.
#[derive(Args)]
pub struct Arguments {
    /// The witness, such as https://witness.example.
    #[arg(long)]
    witness: String,
    /// Its key (vkey).
    #[arg(long)]
    vkey: VerifierKey,
    /// The authorities (PEM) that its certificate must lead to; those that the system trusts where it is not said.
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// The directory with `checkpoint` and the tiles.
    #[arg(long, default_value = ".")]
    dir: PathBuf,
}

/// Says what was cosigned.
pub fn run(arguments: Arguments) -> Result<String, Box<dyn Error>> {
    let Arguments { witness, vkey, ca, dir } = arguments;
    let name = vkey.name().to_owned();
    let client = Client::trusting(&witness, vec![vkey], ca.as_deref())?;
    let checkpoint = published::cosign(Path::new(&dir), &client)?;
    Ok(format!("{name} has cosigned {} records of {}", checkpoint.size, checkpoint.origin))
}
