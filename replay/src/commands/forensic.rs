//! `lethe-audit forensic`: what images give back to whoever has the current root.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use domain::id::LogId;
use events::keyring::{Anchor, AnchorSettings, Anchors};
use events::ledger::Keys;
use indicatif::{ProgressBar, ProgressStyle};
use replay::forensic::{Case, Options, Ordered, Report, examine};
use replay::source::Source;

/// Searches copies of a data directory, or raw images of disks, for everything that a keyring or a journal ever wrote there,
/// and says what the current root opens of it. Exit code 0: nothing that was destroyed, and everything else; 1: something that
/// was destroyed, or not everything else, so that nothing is shown; 2: unreadable, or of another log.
#[derive(Args)]
pub struct Arguments {
    /// Files, devices, or directories of files.
    #[arg(required = true)]
    images: Vec<PathBuf>,
    /// The data directory that is in use: its `keyring.conf` names the anchor, and at rest its records say what was destroyed.
    #[arg(long, required_unless_present = "keyring_conf")]
    data: Option<PathBuf>,
    /// A `keyring.conf` that names the anchor with the current root; its paths begin where it lies.
    #[arg(long, value_name = "FILE", conflicts_with = "data")]
    keyring_conf: Option<PathBuf>,
    /// An audit copy, or a data directory at rest, whose records say what was destroyed.
    #[arg(long, value_name = "DIR")]
    ledger: Option<PathBuf>,
    /// The first id of the log, where no records are given and the anchor holds roots of several.
    #[arg(long)]
    log: Option<LogId>,
    /// Looks at every byte for keys in clear, as 32 bytes or as hexadecimal digits: some ten megabytes a second and core.
    #[arg(long)]
    deep: bool,
    /// How often a key is tried on a node, and how often on a sealed part, for which nobody named it.
    #[arg(long, default_value_t = 20_000_000)]
    tries: u64,
    /// For machines.
    #[arg(long)]
    pub json: bool,
}

/// Searches, and judges.
pub fn run(arguments: &Arguments) -> Result<Report, Box<dyn Error>> {
    let keys = match (&arguments.data, &arguments.keyring_conf) {
        (Some(data), _) => Keys::read(data)?,
        (_, Some(file)) => Keys::parse(file.parent().unwrap_or(Path::new(".")), &fs::read_to_string(file)?)?,
        _ => return Err("where the root is was not said".into()),
    };
    let ledger = arguments.ledger.as_ref().or(arguments.data.as_ref());
    let ordered = ledger.map(|ledger| Ordered::read(&Source::open(ledger)?)).transpose()?;
    let case = Case { images: arguments.images.clone(), anchors: anchors(&keys)?, log: arguments.log, ordered };
    let bar = ProgressBar::new(0);
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {bytes}/{total_bytes}, {bytes_per_sec}") {
        bar.set_style(style);
    }
    let report = examine(case, Options { tries: arguments.tries, deep: arguments.deep }, &|done, all| {
        bar.set_length(all);
        bar.set_position(done);
    });
    bar.finish_and_clear();
    Ok(report?)
}

/// The members of the anchor. Nothing is made where nothing is.
fn anchors(keys: &Keys) -> Result<Vec<Box<dyn Anchor>>, Box<dyn Error>> {
    for member in &keys.anchors {
        if let AnchorSettings::File { dir } = member
            && !dir.is_dir()
        {
            return Err(format!("there is no anchor in {}", dir.display()).into());
        }
    }
    let (Anchors { members, moving }, is_one_away) = keys.anchor()?;
    if is_one_away {
        return Err("a member of the anchor cannot be reached, and what its root opens would not be seen".into());
    }
    Ok(members.into_iter().chain(moving).collect())
}
