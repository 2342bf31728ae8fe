//! All that a restore is asked before it changes anything, and the answers.

use std::fs;
use std::io;
use std::path::Path;

use domain::backup::BackedUp;
use domain::id::KeyId;
use domain::ledger::TreeHead;

use super::{RestoreError, Restoring, Survey};
use crate::chain::Generation;
use crate::checkpoint::Checkpoint;
use crate::keyring::{KeyState, Keyring};
use crate::ledger::publish::STORED;
use crate::log::headmark::Mark;
use crate::note::{FileSigner, Kind, SignedNote, Signer, SignerError, VerifierKey};
use crate::tree::files;

/// A backup that records came from.
pub(super) struct Source {
    /// The checkpoint that came along, if one did.
    pub(super) checkpoint: Option<TreeHead>,
    /// Which run it is.
    pub(super) run: BackedUp,
}

/// The records that a log is to go on behind, wherever they lie yet.
pub(super) struct Records {
    /// What the head mark of the directory says, as far as there is one.
    pub(super) mark: Option<Mark>,
    /// What they are.
    pub(super) survey: Survey,
    /// Where they came from.
    pub(super) backup: Option<Source>,
}

/// A restore that nothing speaks against.
pub(super) struct Plan<'a> {
    pub(super) order: &'a Restoring,
    pub(super) records: Records,
    pub(super) signed: SignedBefore,
    /// None where a new one is to be made.
    pub(super) keyring: Option<Keyring>,
    /// Keys that the records seal under as if they lived, and that the keyring has destroyed; sorted.
    pub(super) erased: Vec<KeyId>,
    /// Keys that the records seal under, and that the keyring never held; sorted.
    pub(super) lost: Vec<KeyId>,
}

/// What the last checkpoint that lies beside the tree says: its origin, and itself where the log's own key signed it for the
/// generation that was restored.
#[derive(Default)]
pub(super) struct SignedBefore {
    pub(super) origin: Option<String>,
    pub(super) checkpoint: Option<TreeHead>,
}

impl<'a> Plan<'a> {
    /// Asks whether a log may go on behind these records with this keyring, or with a new one. `here` are the generations of
    /// a journal that may be put aside. Nothing is changed.
    pub(super) fn agree(
        path: &Path,
        order: &'a Restoring,
        records: Records,
        (keyring, here): (Option<Keyring>, &[Generation]),
    ) -> Result<Self, RestoreError> {
        let survey = &records.survey;
        survey.refuse_left()?;
        let signed = signed_before(path, &survey.last)?;
        let used = |generation: &Generation| generation.origin == order.origin;
        if survey.generations.iter().chain(here).any(used) || signed.origin.as_ref() == Some(&order.origin) {
            return Err(RestoreError::UsedOrigin);
        }
        keyring.as_ref().map_or(Ok(()), Keyring::finish).map_err(RestoreError::Unfinished)?;
        let state = |key: &KeyId| keyring.as_ref().map_or(KeyState::NeverHad, |keyring| keyring.state(key));
        let erased = unexcused(survey, |key| matches!(state(key), KeyState::Erased { .. }));
        let lost = unexcused(survey, |key| state(key) == KeyState::NeverHad);
        if !lost.is_empty() && !order.declares_lost {
            return Err(RestoreError::KeysUnknown(lost.len()));
        }
        Ok(Self { order, records, signed, keyring, erased, lost })
    }
}

fn unexcused(survey: &Survey, is: impl Fn(&KeyId) -> bool) -> Vec<KeyId> {
    let named = survey.named.keys().filter(|key| !survey.excused.contains(*key));
    let mut keys: Vec<KeyId> = named.filter(|key| is(key)).copied().collect();
    keys.sort_unstable();
    keys
}

fn signed_before(path: &Path, old: &Generation) -> Result<SignedBefore, RestoreError> {
    let signer = signer(&path.join("signer/key"))?;
    let Ok(bytes) = fs::read(path.join(files::NAME).join(STORED)) else { return Ok(SignedBefore::default()) };
    let Ok(note) = SignedNote::parse(&bytes) else { return Ok(SignedBefore::default()) };
    let origin = Checkpoint::parse(note.text()).ok().map(|checkpoint| checkpoint.origin);
    let known = match signer {
        Some(signer) => {
            let key = VerifierKey::new(&old.origin, Kind::Note, signer.public())?;
            Checkpoint::open(&note, &key).ok()
        }
        None => None,
    };
    Ok(SignedBefore { origin, checkpoint: known.map(|known| TreeHead { size: known.size, root: known.root }) })
}

/// The key that signs here, where there is one.
pub(super) fn signer(key: &Path) -> Result<Option<FileSigner>, RestoreError> {
    match FileSigner::read(key) {
        Err(SignerError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => Ok(None),
        read => Ok(Some(read?)),
    }
}
