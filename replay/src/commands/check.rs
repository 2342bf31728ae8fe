//! `lethe-audit check`: judges an evidence file.

use std::error::Error;
use std::path::{Path, PathBuf};

use clap::Args;
use events::evidence::{self, Evidence};
use replay::certificate::{self, CertificateFile};
use replay::check::{Checked, Stamped, check};
use replay::gather::against;
use replay::policy::{self, Policy};
use replay::source::{Source, read_regular};
use replay::timestamp;
use replay::timestamp::certificate::Certificate;

/// Judges an evidence file, a receipt or the certificate of an erasure under a policy: integrity, completeness, anchoring and erasure, each with what it
/// does not cover. Exit code 0: it holds, 1: something speaks against it or the policy is not met, 2: unreadable.
#[derive(Args)]
pub struct Arguments {
    /// The file.
    file: PathBuf,
    /// What is accepted: a C2SP policy with `log`, `witness`, `group` and `quorum` lines.
    #[arg(long)]
    policy: PathBuf,
    /// An audit copy, for a receipt: its checkpoint, and what stands where the receipt says; for a certificate: all that the
    /// log says of its erasure.
    #[arg(long)]
    against: Option<PathBuf>,
    /// The answer of a time-stamping authority for the checkpoint in the file (or in `--against`).
    #[arg(long, requires = "certificate")]
    stamp: Option<PathBuf>,
    /// The authority's certificate, or that of who issued it (PEM).
    #[arg(long)]
    certificate: Vec<PathBuf>,
    /// For machines.
    #[arg(long)]
    pub json: bool,
}

/// The most bytes of a token or a certificate.
const MOST_STAMP: u64 = 256 << 10;

/// Reads, and judges.
pub fn run(arguments: &Arguments) -> Result<Checked, Box<dyn Error>> {
    let policy = Policy::parse(&read_regular(&arguments.policy, policy::MOST_BYTES as u64)?)?;
    let bytes = read_regular(&arguments.file, evidence::MOST_BYTES as u64)?;
    if certificate::is_one(&bytes) {
        return of_certificate(arguments, &bytes, &policy);
    }
    let mut evidence = Evidence::parse(&bytes)?;
    if let Some(copy) = &arguments.against {
        against(&mut evidence, &Source::open(copy)?)?;
    }
    let stamp = arguments.stamp.as_ref().map(|stamp| stamped(&evidence, stamp, &arguments.certificate)).transpose()?;
    let mut checked = check(&evidence, &policy, stamp);
    checked.name(&bytes, evidence.receipt.is_some());
    Ok(checked)
}

/// A certificate is held against what the copy says of its erasure.
fn of_certificate(arguments: &Arguments, bytes: &[u8], policy: &Policy) -> Result<Checked, Box<dyn Error>> {
    let file = CertificateFile::parse(bytes)?;
    let stamp = arguments.stamp.as_ref().map(|stamp| stamped(&file.evidence, stamp, &arguments.certificate));
    let held = arguments.against.as_ref().map(|copy| {
        let source = Source::open(copy)?;
        Ok::<_, Box<dyn Error>>(certificate::held_against(&source, &file)?)
    });
    Ok(certificate::judge(&file, policy, stamp.transpose()?, held.transpose()?.as_ref()))
}

/// When the authority saw the checkpoint of the file.
fn stamped(evidence: &Evidence, stamp: &Path, certificates: &[PathBuf]) -> Result<Stamped, Box<dyn Error>> {
    let note = evidence.checkpoint.as_ref().ok_or("there is no checkpoint that could have been stamped")?;
    let token = read_regular(stamp, MOST_STAMP)?;
    let mut trusted = Vec::new();
    for file in certificates {
        trusted.extend(Certificate::read(&read_regular(file, MOST_STAMP)?)?);
    }
    let stamp = timestamp::verify(note.to_string().as_bytes(), &token, &trusted)?;
    Ok(Stamped { at: stamp.time, by: stamp.authority })
}
