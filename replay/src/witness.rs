//! A witness: somebody who remembers the largest checkpoint of a log that it has seen, and cosigns the next one only with a
//! proof that it continues that one. Two histories of one log cannot both get its cosignatures.
//!
//! Source: <https://c2sp.org/tlog-witness>. A witness sees checkpoints and proofs, and never a record.

mod answer;
pub mod client;
pub mod published;
pub mod server;
mod state;
mod store;

use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use events::note::{Kind, NoKey, SignedNote, Signer, VerifierKey};

pub use answer::Answer;
pub use state::{Accepted, Seen, State};
pub use store::{Store, StoreError};

/// A state directory, a key, and the logs that are trusted.
pub struct Witness {
    key: VerifierKey,
    signer: Box<dyn Signer>,
    clock: fn() -> u64,
    /// Checking a request and persisting its checkpoint are one step under this lock.
    kept: Mutex<Kept>,
}

struct Kept {
    state: State,
    store: Store,
    /// Set when a write failed: what is on the disk is then not known, so nothing is cosigned any more.
    failed: bool,
}

/// Why there is no witness.
#[derive(Debug, thiserror::Error)]
pub enum WitnessError {
    /// The name cannot be a key's, or the key is none.
    #[error(transparent)]
    Key(#[from] NoKey),
    /// A key of a log is of another kind.
    #[error("{0} is no key of a log: a log signs with kind 0x01")]
    Kind(String),
    /// The state cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Witness {
    /// Reads the states of the directory, and holds its lock until dropped. A state that this key has not cosigned is
    /// refused.
    pub fn open(
        store: Store,
        name: &str,
        signer: Box<dyn Signer>,
        logs: Vec<VerifierKey>,
    ) -> Result<Self, WitnessError> {
        if let Some(other) = logs.iter().find(|log| log.kind() != Kind::Note) {
            return Err(WitnessError::Kind(other.to_string()));
        }
        let key = VerifierKey::new(name, Kind::Cosignature, signer.public())?;
        let mut state = State::new(logs);
        store.load(&key, &mut state)?;
        Ok(Self { key, signer, clock: now, kept: Mutex::new(Kept { state, store, failed: false }) })
    }

    /// The key that verifies its cosignatures.
    pub fn key(&self) -> &VerifierKey {
        &self.key
    }

    /// Answers one `add-checkpoint` request. When the answer is a cosignature, the checkpoint is durable.
    pub fn add(&self, request: &[u8]) -> Answer {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.failed {
            return Answer::Failed("a write failed before; the witness must be started again");
        }
        match self.cosign(&mut kept, request) {
            Ok(lines) => Answer::Cosigned(lines),
            Err(answer) => answer,
        }
    }

    /// The latest checkpoint of the log whose origin has this SHA-256 hash in hexadecimal digits, with the signatures of the
    /// log and of the witness.
    pub fn latest(&self, origin_hash: &str) -> Option<String> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.store.read(origin_hash).map(|note| note.to_string())
    }

    fn cosign(&self, kept: &mut Kept, request: &[u8]) -> Result<String, Answer> {
        let Accepted { checkpoint, mut note } = kept.state.check(request)?;
        let at = (self.clock)();
        // A cosignature says that this was the largest tree at that time, so an earlier time than the last would contradict it.
        let last = kept.state.seen(&checkpoint.origin).map_or(1, |seen| seen.at);
        if at < last {
            return Err(Answer::Failed("the clock of the witness stands before its last cosignature"));
        }
        let signed = note.sign(self.key.name(), Kind::Cosignature, at, &*self.signer);
        signed.map_err(|_| Answer::Failed("the key of the witness does not answer"))?;
        let Some(cosignature) = note.signatures().last().map(ToString::to_string) else {
            return Err(Answer::Failed("the witness could not sign"));
        };
        // Until the write is known to have succeeded it counts as failed: a panic in it leaves the witness shut.
        kept.failed = true;
        kept.store.write(&checkpoint.origin, &note).map_err(|_| Answer::Failed("the witness could not keep it"))?;
        kept.failed = false;
        kept.state.see(&checkpoint, at);
        Ok(format!("{cosignature}\n"))
    }
}

/// Seconds since 1970.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// The note with the text and only these signatures.
fn only(note: &SignedNote, wanted: impl Fn(&events::note::Signature) -> bool) -> Option<SignedNote> {
    let mut kept = SignedNote::new(note.text().to_owned()).ok()?;
    note.signatures().iter().filter(|signature| wanted(signature)).for_each(|signature| kept.add(signature.clone()));
    Some(kept)
}

#[cfg(test)]
mod tests;
