//! The subcommands that are more than a call, one file each.

pub mod bundle;
pub mod certificate;
pub mod check;
pub mod cosign;
pub mod forensic;
pub mod witness;

use std::error::Error;
use std::fs::OpenOptions;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use events::note::{FileSigner, Kind, Signer as _, VerifierKey};
use replay::check::{Verdict, anchoring_of};
use replay::countersign::Replayed;
use replay::policy::{self, Policy};
use replay::source::read_regular;
use replay::verify::Consistent;

/// Who stands for the checkpoint that lies with a log.
pub fn anchoring(log: &Consistent, policy: &Path) -> Result<Verdict, Box<dyn Error>> {
    let policy = Policy::parse(&read_regular(policy, policy::MOST_BYTES as u64)?)?;
    Ok(anchoring_of(log.published.as_ref().map(|(note, _)| note), log.head.size, &policy))
}

/// Signs that a log was replayed and holds, up to the checkpoint that lies with it: so evidence under that can take the note
/// along. The key's public form comes back.
pub fn countersign(log: &Consistent, key: &Path, name: &str, out: &Path) -> Result<VerifierKey, Box<dyn Error>> {
    let origin = log.generations.last().map(|generation| generation.of.origin.clone());
    let origin = origin.ok_or("the log names no origin")?;
    let signer = FileSigner::at(key)?;
    let signed = log.published.as_ref().map(|(_, checkpoint)| checkpoint).filter(|signed| signed.origin == origin);
    let (size, root) = signed.map_or((log.head.size, log.root), |signed| (signed.size, signed.root));
    let note = Replayed { origin, size, root }.sign(name, &signer)?;
    let file = OpenOptions::new().write(true).create_new(true).open(out)?;
    file.write_all_at(note.to_string().as_bytes(), 0)?;
    file.sync_all()?;
    Ok(VerifierKey::new(name, Kind::Note, signer.public())?)
}
