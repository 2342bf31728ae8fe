//! Asks a witness to cosign: the client of `add-checkpoint`. Blocking; never to be called on an async thread.

use std::fmt::Display;
use std::io::Read as _;
use std::path::Path;
use std::time::Duration;

use events::checkpoint::Checkpoint;
use events::note::{NoteError, Signature, SignedNote, VerifierKey};
use events::proof::{Consistency, MOST_HASHES};
use events::tree::Node;
use reqwest::blocking::Response;
use reqwest::header::CONTENT_TYPE;
use reqwest::{StatusCode, redirect};

use super::answer::SIZE_TYPE;
use crate::https::{self, TrustError};

/// How long a connection, and how long a whole request, may take.
const CONNECT: Duration = Duration::from_secs(5);
const REQUEST: Duration = Duration::from_secs(20);
/// The most bytes that are read of an answer.
const MOST_ANSWER: u64 = 1 << 16;
/// The most of a refusal that is shown.
const MOST_SHOWN: usize = 200;

/// A witness that can be asked, and the keys by which its cosignatures are known.
pub struct Client {
    http: reqwest::blocking::Client,
    url: String,
    keys: Vec<VerifierKey>,
}

/// Why there is no cosignature.
#[derive(Debug, thiserror::Error)]
pub enum SubmitError {
    /// The witness has cosigned a larger tree of this log: the log was rolled back, or this checkpoint is an old one.
    #[error(
        "the witness has cosigned {theirs} records of this log, and this checkpoint has {ours}: the log was rolled back, or \
         this is an older copy of it"
    )]
    Ahead {
        /// The size that the witness has cosigned.
        theirs: u64,
        /// The size of the checkpoint.
        ours: u64,
    },
    /// The witness has seen another history of this log.
    #[error("the witness has cosigned another history of this log: {0}")]
    Forked(String),
    /// The witness does not know the log, or not its key.
    #[error("the witness does not trust this log: {0}")]
    Distrusted(String),
    /// The note is no checkpoint.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// The proof could not be made.
    #[error("no proof could be made from the tree of {old} records: {why}")]
    NoProof {
        /// The size that the witness has.
        old: u64,
        /// Why not.
        why: String,
    },
    /// The witness could not be asked, or did not answer in time.
    #[error("the witness could not be asked: {0}")]
    Unreachable(String),
    /// Nobody can be trusted.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// The witness answered something else.
    #[error("the witness answered {status}: {text}")]
    Refused {
        /// The status.
        status: u16,
        /// The first words of its answer.
        text: String,
    },
    /// The answer has no cosignature by the keys of this witness.
    #[error("the witness sent no cosignature by its key that holds")]
    Uncosigned,
}

impl SubmitError {
    /// Whether the witness has seen another history than the one it was shown: a human must look, and nothing may be signed.
    pub fn contradicts(&self) -> bool {
        matches!(self, Self::Ahead { .. } | Self::Forked(_))
    }
}

/// What a witness said when it was asked how far it has seen the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// It has cosigned this many records.
    Size(u64),
    /// It had never seen the log, and has cosigned this checkpoint.
    Cosigned(Vec<Signature>),
}

/// One answer that is no failure.
enum Answered {
    Cosigned(Vec<Signature>),
    Size(u64),
}

impl Client {
    /// A client for the witness at this URL (its submission prefix). Only signatures by these keys are believed.
    pub fn new(url: &str, keys: Vec<VerifierKey>) -> Result<Self, SubmitError> {
        Self::trusting(url, keys, None)
    }

    /// The same for a witness whose certificate leads to one of these authorities (PEM), and to none of the system's.
    pub fn trusting(url: &str, keys: Vec<VerifierKey>, ca: Option<&Path>) -> Result<Self, SubmitError> {
        let http = https::builder(ca)?
            .connect_timeout(CONNECT)
            .timeout(REQUEST)
            .redirect(redirect::Policy::none())
            .build()
            .map_err(unreachable)?;
        Ok(Self { http, url: format!("{}/add-checkpoint", url.trim_end_matches('/')), keys })
    }

    /// Submits a checkpoint. `known` is the size that the witness had when it was last asked; when it has another, it says so
    /// and is asked once more. `path` makes the hashes that show that the tree of a size continues that of another.
    ///
    /// Returns the cosignatures, each of which holds.
    ///
    /// # Errors
    /// [`SubmitError::Ahead`] and [`SubmitError::Forked`] must be brought to a human: the log is not what it was.
    pub fn submit<E: Display>(
        &self,
        note: &SignedNote,
        known: u64,
        mut path: impl FnMut(u64, u64) -> Result<Vec<Node>, E>,
    ) -> Result<Vec<Signature>, SubmitError> {
        let size = Checkpoint::parse(note.text())?.size;
        let mut old = known.min(size);
        for last in [false, true] {
            let hashes = if old == 0 || old == size { Ok(Vec::new()) } else { path(old, size) };
            let hashes = hashes.map_err(|why| SubmitError::NoProof { old, why: why.to_string() })?;
            if hashes.len() > MOST_HASHES {
                return Err(SubmitError::NoProof { old, why: "it has too many hashes".into() });
            }
            match self.post(note, old, hashes)? {
                Answered::Cosigned(signatures) => return Ok(signatures),
                Answered::Size(theirs) if theirs > size => return Err(SubmitError::Ahead { theirs, ours: size }),
                Answered::Size(theirs) if last || theirs == old => {
                    return Err(SubmitError::Refused { status: 409, text: theirs.to_string() });
                }
                Answered::Size(theirs) => old = theirs,
            }
        }
        Err(SubmitError::Uncosigned)
    }

    /// Asks how far the witness has seen the log. One that has never seen it cosigns this checkpoint instead.
    pub fn ask_size(&self, note: &SignedNote) -> Result<Asked, SubmitError> {
        match self.post(note, 0, Vec::new())? {
            Answered::Cosigned(signatures) => Ok(Asked::Cosigned(signatures)),
            Answered::Size(size) => Ok(Asked::Size(size)),
        }
    }

    fn post(&self, note: &SignedNote, old: u64, path: Vec<Node>) -> Result<Answered, SubmitError> {
        let body = Consistency { old, path, note: note.clone() }.to_string();
        let response = self.http.post(&self.url).body(body).send().map_err(unreachable)?;
        let status = response.status();
        let is_size = response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind == SIZE_TYPE);
        let text = read(response)?;
        match status {
            StatusCode::OK => self.believe(note, &text).map(Answered::Cosigned),
            StatusCode::CONFLICT if is_size => match text.strip_suffix('\n').and_then(decimal) {
                Some(size) => Ok(Answered::Size(size)),
                None => Err(SubmitError::Refused { status: 409, text: shown(&text) }),
            },
            StatusCode::CONFLICT | StatusCode::UNPROCESSABLE_ENTITY => Err(SubmitError::Forked(shown(&text))),
            StatusCode::NOT_FOUND | StatusCode::FORBIDDEN => Err(SubmitError::Distrusted(shown(&text))),
            status => Err(SubmitError::Refused { status: status.as_u16(), text: shown(&text) }),
        }
    }

    /// The signatures of an answer that are by this witness's keys. Lines by other keys are ignored.
    fn believe(&self, note: &SignedNote, lines: &str) -> Result<Vec<Signature>, SubmitError> {
        let lines = lines.strip_suffix('\n').ok_or(SubmitError::Uncosigned)?;
        let mut cosigned = SignedNote::new(note.text().to_owned())?;
        for line in lines.split('\n') {
            let signature = Signature::parse(line)?;
            if self.keys.iter().any(|key| key.name() == signature.name && key.id() == signature.key_id) {
                cosigned.add(signature);
            }
        }
        cosigned.verify(&self.keys).map_err(|_| SubmitError::Uncosigned)?;
        Ok(cosigned.signatures().to_vec())
    }
}

fn read(response: Response) -> Result<String, SubmitError> {
    let mut bytes = Vec::new();
    let read = response.take(MOST_ANSWER).read_to_end(&mut bytes);
    read.map_err(|failed| SubmitError::Unreachable(failed.to_string()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn decimal(text: &str) -> Option<u64> {
    let plain = text.bytes().all(|b| b.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    text.parse().ok().filter(|_| plain)
}

/// The first words of what somebody else wrote, on one line.
fn shown(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MOST_SHOWN).collect::<String>().trim().to_owned()
}

fn unreachable(failed: reqwest::Error) -> SubmitError {
    SubmitError::Unreachable(https::reason(failed))
}
