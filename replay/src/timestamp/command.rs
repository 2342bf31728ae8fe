//! `lethe-audit timestamp`: makes a request for a time stamp, and checks the answer.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Subcommand;
use serde::Serialize;

use super::certificate::{Certificate, Trust};
use super::request::Request;
use super::{Refused, Stamp, TOKEN_MOST, verify};
use crate::plain::plain;

/// The most bytes of a file that is stamped: a checkpoint has a few hundred, an evidence bundle some thousand.
const FILE_MOST: u64 = 64 * 1024 * 1024;
/// The most bytes of a file of certificates.
const CERTIFICATES_MOST: u64 = 262_144;
/// The most bytes of a request.
const REQUEST_MOST: u64 = 4096;

/// What is done about time stamps.
#[derive(Subcommand)]
pub enum Command {
    /// Makes a request (RFC 3161) for a time stamp of a file, such as a checkpoint. Send it to an authority as
    /// application/timestamp-query; the authority sees a hash and not the file.
    Request {
        /// What is to be stamped.
        file: PathBuf,
        /// Where the request goes: a new file.
        #[arg(long)]
        out: PathBuf,
        /// Whether the request holds a random number that the answer must repeat.
        #[arg(long, num_args = 0..=1, require_equals = true, default_value_t = true, default_missing_value = "true")]
        nonce: bool,
    },
    /// Checks a time stamp of a file. Exit code 0: it holds, 1: it does not, 2: unreadable.
    Verify {
        /// What was stamped.
        file: PathBuf,
        /// The authority's answer, or the bare token out of it.
        #[arg(long)]
        token: PathBuf,
        /// The certificate of the authority, or of one that issued it (PEM or DER). May be given several times.
        #[arg(long, required = true)]
        certificate: Vec<PathBuf>,
        /// The request, to see that this is the answer to it.
        #[arg(long)]
        request: Option<PathBuf>,
        /// For machines.
        #[arg(long)]
        json: bool,
    },
}

const BROKEN: u8 = 1;
const UNREADABLE: u8 = 2;

/// Why there is no good answer.
#[derive(Debug, thiserror::Error)]
enum Failed {
    /// A file cannot be read or written.
    #[error("{}: {source}", file.display())]
    Io { file: PathBuf, source: io::Error },
    /// A file is not what it should be.
    #[error("{}: {why}", file.display())]
    Unreadable { file: PathBuf, why: Refused },
    /// The stamp does not hold.
    #[error("{0}")]
    Broken(Refused),
}

/// The outcome, in plain words and as JSON.
#[derive(Serialize)]
struct Report {
    verdict: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stamp: Option<Stamped>,
    not_covered: Vec<&'static str>,
}

#[derive(Serialize)]
struct Stamped {
    time: String,
    accuracy_ms: Option<u64>,
    authority: String,
    certificate_serial: String,
    certificate_sha256: String,
    issued_under: Option<String>,
    policy: String,
    serial: String,
    answers_the_request: bool,
}

const ONLY: &str = "anything but that these bytes existed at that time, if the authority is honest and its key was its own \
alone: not who made them, not that they are true, not that there are no others.";
const REVOKED: &str = "whether a certificate was revoked; ask its issuer.";
const REQUEST: &str = "whether this is the answer to a request of ours; give it with --request.";

/// Does it, and tells what came of it.
pub fn run(command: Command) -> ExitCode {
    match command {
        Command::Request { file, out, nonce } => match ask(&file, &out, nonce) {
            Ok(()) => ExitCode::SUCCESS,
            Err(failed) => unreadable(&failed),
        },
        Command::Verify { file, token, certificate, request, json } => {
            match check(&file, &token, &certificate, request.as_deref()) {
                Ok(stamp) => print(&Report::holds(&stamp, request.is_some()), json, ExitCode::SUCCESS),
                Err(Failed::Broken(why)) => print(&Report::broken(&why), json, ExitCode::from(BROKEN)),
                Err(failed) => unreadable(&failed),
            }
        }
    }
}

/// Writes the request into a new file: one that is there may be the only memory of a nonce.
fn ask(file: &Path, out: &Path, nonce: bool) -> Result<(), Failed> {
    let bytes = read(file, FILE_MOST)?;
    let failed = |source| Failed::Io { file: out.to_owned(), source };
    let mut random = [0; 8];
    getrandom::fill(&mut random).map_err(|error| failed(io::Error::other(error.to_string())))?;
    let request = Request::of(&bytes, nonce.then_some(random)).and_then(|request| request.bytes());
    let request = request.map_err(|why| Failed::Unreadable { file: out.to_owned(), why })?;
    let written = OpenOptions::new().write(true).create_new(true).open(out);
    written.and_then(|mut written| written.write_all(&request)).map_err(failed)
}

fn check(file: &Path, token: &Path, given: &[PathBuf], request: Option<&Path>) -> Result<Stamp, Failed> {
    let unreadable = |file: &Path| {
        let file = file.to_owned();
        |why| Failed::Unreadable { file, why }
    };
    let bytes = read(file, FILE_MOST)?;
    let mut certificates = Vec::new();
    for file in given {
        certificates.extend(Certificate::read(&read(file, CERTIFICATES_MOST)?).map_err(unreadable(file))?);
    }
    let asked = match request {
        Some(file) => Some(Request::parse(&read(file, REQUEST_MOST)?).map_err(unreadable(file))?),
        None => None,
    };
    let stamp = verify(&bytes, &read(token, TOKEN_MOST)?, &certificates).map_err(|why| match why {
        Refused::Unreadable(_) => unreadable(token)(why),
        why => Failed::Broken(why),
    })?;
    asked.map_or(Ok(()), |asked| asked.check_answer(&bytes, &stamp)).map_err(Failed::Broken)?;
    Ok(stamp)
}

/// Reads a file of at most so many bytes.
fn read(path: &Path, most: u64) -> Result<Vec<u8>, Failed> {
    let failed = |source| Failed::Io { file: path.to_owned(), source };
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(most + 1).read_to_end(&mut bytes)).map_err(failed)?;
    if bytes.len() as u64 > most {
        return Err(failed(io::Error::new(io::ErrorKind::InvalidData, format!("it has more than {most} bytes"))));
    }
    Ok(bytes)
}

fn unreadable(failed: &Failed) -> ExitCode {
    let _ = writeln!(io::stderr(), "{}", plain(&failed.to_string()));
    ExitCode::from(UNREADABLE)
}

/// Whoever reads may have gone, as `head` does: that is no failure.
fn print(report: &Report, json: bool, code: ExitCode) -> ExitCode {
    let text = if json { serde_json::to_string_pretty(report).unwrap_or_default() } else { report.to_string() };
    let _ = writeln!(io::stdout(), "{text}");
    code
}

impl Report {
    fn holds(stamp: &Stamp, answers: bool) -> Self {
        let asked = (!answers).then_some(REQUEST);
        let stamp = Stamped {
            time: stamp.time.to_string(),
            accuracy_ms: stamp.accuracy_ms,
            authority: stamp.authority.clone(),
            certificate_serial: hex(&stamp.certificate_serial),
            certificate_sha256: hex(&stamp.certificate),
            issued_under: match &stamp.trust {
                Trust::Given => None,
                Trust::IssuedUnder(name) => Some(name.clone()),
            },
            policy: stamp.policy.clone(),
            serial: hex(&stamp.serial),
            answers_the_request: answers,
        };
        let not_covered = [ONLY, REVOKED].into_iter().chain(asked).collect();
        Self { verdict: "holds", reason: None, stamp: Some(stamp), not_covered }
    }

    fn broken(why: &Refused) -> Self {
        Self { verdict: "broken", reason: Some(why.to_string()), stamp: None, not_covered: Vec::new() }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(stamp) = &self.stamp else {
            return write!(f, "BROKEN: {}", self.reason.as_deref().unwrap_or_default());
        };
        write!(f, "HOLDS: these bytes existed at {}", stamp.time)?;
        match stamp.accuracy_ms {
            Some(ms) => writeln!(f, ", give or take {ms} ms.")?,
            None => writeln!(f, "; how exact that is, the authority does not say.")?,
        }
        writeln!(f, "authority {}", stamp.authority)?;
        match &stamp.issued_under {
            Some(name) => writeln!(f, "its certificate was issued under the given one of {name}")?,
            None => writeln!(f, "its certificate is the given one")?,
        }
        writeln!(f, "certificate {}, SHA-256 {}", stamp.certificate_serial, stamp.certificate_sha256)?;
        writeln!(f, "policy {}, serial number {}", stamp.policy, stamp.serial)?;
        if stamp.answers_the_request {
            writeln!(f, "It answers the given request.")?;
        }
        let mut notes = self.not_covered.iter().peekable();
        while let Some(note) = notes.next() {
            write!(f, "Not covered: {note}{}", if notes.peek().is_some() { "\n" } else { "" })?;
        }
        Ok(())
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
