//! A journal that was put back from a backup goes on as the next generation of the same log: under another id, another
//! origin and another signing key, so that nothing that was signed for the records that are gone is ever contradicted.
//!
//! The old directory refuses to serve, and the new one does; one step leads from the one to the other, the rename of the new
//! head mark over the old. What a crash leaves before it is taken back by the next restore, which begins again.

mod from;
mod here;
mod marker;
mod plan;
mod survey;

use std::fs;
use std::path::{Path, PathBuf};

use domain::backup::BackedUp;
use domain::event::{Event, Stream, StreamKind};
use domain::id::{KeyId, LogId};
use domain::ledger::{Continued, Event as Fact, SignatureKind, TreeHead};
use domain::time::Time;

use super::Fresh;
use super::directory::{Directory, DirectoryError, io_failed, own};
use super::keys::Keys;
use crate::backup::BackupError;
use crate::chain::{Broken, Generation};
use crate::keyring::KeyringError;
use crate::log::engine::Options;
use crate::log::headmark::{HeadMark, Mark};
use crate::log::lock::Lock;
use crate::log::put_back::{PutBack, replace_mark};
use crate::log::recover::Torn;
use crate::log::segment::sync_dir;
use crate::log::{Commit, Head, LogError, Progress};
use crate::note::{FileSigner, Kind, NoKey, Signer, SignerError, VerifierKey, may_be_named};
use crate::record::{Link, NO_HASH};
use crate::tree::files;

pub(super) use from::COMING;
pub use from::restore_from;
use marker::Marker;
pub(super) use marker::{finish, is_under_way};
use plan::{Plan, Records, signer};
pub(crate) use survey::Survey;

/// The most keys that one record names: it must fit 65,535 bytes.
const KEYS: usize = 4000;

/// How a log goes on.
#[derive(Clone, Debug)]
pub struct Restoring {
    /// What its checkpoints will be signed for: never used for this log before, no spaces.
    pub origin: String,
    /// The time of its records, or of the last one restored where that is later.
    pub at: Time,
    /// Whether keys are declared lost that the log names and the keyring never held; it is refused, else. Where there is no
    /// keyring at all, a backup is put back with a new one.
    pub declares_lost: bool,
    /// Whether that is done, too, where the anchor holds a root of this log: it is destroyed, and no keyring opens with it again.
    pub declares_all_lost: bool,
    /// Whether a journal that is whole is put aside for a backup that lacks some of its records.
    pub over: bool,
}

impl Restoring {
    /// Without a word of what may be lost.
    pub fn new(origin: impl Into<String>, at: Time) -> Self {
        Self { origin: origin.into(), at, declares_lost: false, declares_all_lost: false, over: false }
    }
}

/// What a restore found, and what is gone.
#[derive(Clone, Debug)]
pub struct Restored {
    /// The generation that begins.
    pub generation: Generation,
    /// The one before it.
    pub old: Generation,
    /// What new checkpoints are verified with.
    pub key: VerifierKey,
    /// Where the old signing key lies now, where there was one.
    pub old_key: Option<PathBuf>,
    /// How many records the head mark knew; nobody knows where there was none.
    pub marked: Option<u64>,
    /// Whether the head mark was of another generation than the last one restored, so that a restore itself is gone.
    pub other_mark: bool,
    /// The last checkpoint of the old generation that is known.
    pub checkpoint: Option<TreeHead>,
    /// Keys that the keyring has destroyed and no restored record ordered to be.
    pub erased: Vec<KeyId>,
    /// How many sealed parts of the restored records these sealed: of who was erased, and of who lives where a part was
    /// resealed behind the backup.
    pub erased_parts: u64,
    /// Keys that the keyring never held, and that are declared lost.
    pub lost: Vec<KeyId>,
    /// Keys that no restored record names: they wait until somebody confirms that no newer log exists.
    pub awaiting: usize,
    /// What was cut from the journal's end: a frame that was being written when the backup was taken.
    pub torn: Option<Torn>,
    /// Where the journal lies now that was here before, if one was and a backup took its place.
    pub aside: Option<PathBuf>,
}

/// Why a log does not go on.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// The directory cannot be used.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// What was put back does not hold.
    #[error("what was put back is broken at {0}")]
    Broken(#[from] Broken),
    /// Nothing was put back.
    #[error("the log reaches its head mark: there is nothing to restore")]
    NothingMissing,
    /// It is not the log that was here.
    #[error("what was put back is another history than the one that was here: at record {0} they differ")]
    OtherHistory(u64),
    /// The origin cannot be used.
    #[error("the origin cannot be the name of a key: it is empty, or has a space or a plus")]
    Origin,
    /// The origin was used.
    #[error("checkpoints of this log were signed for this origin before: a restored log needs another")]
    UsedOrigin,
    /// The keyring is older than the log.
    #[error(
        "the keyring never held {0} keys that the log names: with it, the log would not be read. Put the newest keyring here; \
         where there is no newer one, --declare-lost restores the log without what these keys sealed"
    )]
    KeysUnknown(usize),
    /// The backup cannot be used.
    #[error(transparent)]
    Backup(#[from] BackupError),
    /// It is a backup of another log.
    #[error("this is a backup of {backup}, and the {what} here belongs to {here}")]
    OtherLog {
        /// The first generation of the backup's.
        backup: LogId,
        /// What is another's: the keyring, or the journal.
        what: &'static str,
        /// The first generation of that one's.
        here: LogId,
    },
    /// There is no keyring, and the journal is too damaged.
    #[error("there is no keyring, and the journal here does not say whose it is: if it may be put aside, move it away")]
    NobodysJournal,
    /// The keyring may be only not mounted.
    #[error(
        "there is no keyring here, and the anchor holds a root of this log, which opens one. Bring the keyring here; where none \
         exists anywhere any more, --declare-lost --all destroys this root and makes a new keyring"
    )]
    RootLeft,
    /// A member of the anchor holds an older root.
    #[error(
        "the last destruction of keys is not over, and a new generation could not say when they were gone: {0}. Have the member \
         here first"
    )]
    Unfinished(#[source] KeyringError),
    /// What is here is whole, and more than the backup has.
    #[error(
        "the journal here is whole and has {here} records, and the backup {backup}: nothing is put back over it; `lethe restore` \
         without a backup goes on with what is here, and --over puts it aside"
    )]
    MoreHere {
        /// How many are here.
        here: u64,
        /// How many the backup has.
        backup: u64,
    },
    /// What is here is whole, and goes another way than the backup.
    #[error(
        "the journal here is whole and goes another way than the backup: {common} records are the same, and behind them {here} \
         records are here and {backup} in the backup. --over puts the journal here aside, so that its records leave service"
    )]
    OtherWay {
        /// How many records are the same.
        common: u64,
        /// How many come behind them here.
        here: u64,
        /// How many come behind them in the backup.
        backup: u64,
    },
    /// The signing key.
    #[error(transparent)]
    Signer(#[from] SignerError),
    /// The new signing key has no name.
    #[error(transparent)]
    NoKey(#[from] NoKey),
}

impl From<LogError> for RestoreError {
    fn from(failed: LogError) -> Self {
        DirectoryError::from(failed).into()
    }
}

/// Lets the log of a directory at rest go on behind what a backup brought back. Durable when it returns; what a crash leaves
/// is refused by whoever opens it, until this is called again.
///
/// # Errors
/// When somebody uses the directory, when the log needs no restore, when what is there does not hold as far as it goes.
/// The journal is then as it was.
pub fn restore(
    path: &Path,
    order: &Restoring,
    options: Options,
    told: &Progress<'_>,
) -> Result<Restored, RestoreError> {
    if !may_be_named(&order.origin) {
        return Err(RestoreError::Origin);
    }
    if !Directory::exists(path)? {
        return Err(DirectoryError::Empty.into());
    }
    let _lock = Lock::take(path)?;
    let begun = marker::take_back(path)?;
    let mark = mark(path)?;
    let back = PutBack::open(path)?;
    let survey = Survey::read(back.journal(), &watched(mark.as_ref()), &|_| false, told)?;
    survey.refuse_left()?;
    // What a restore that was cut off put here may reach a mark that is as old as the journal was that lay here.
    if survey.reaches(back.journal(), mark.as_ref())? && !begun {
        return Err(RestoreError::NothingMissing);
    }
    let keyring = Keys::open(path, back.journal().first_log())?;
    let plan = Plan::agree(path, order, Records { mark, survey, backup: None }, (Some(keyring), &[]))?;
    let begins = plan.begin(path)?;
    plan.carry_out(path, begins, &back, options)
}

impl Plan<'_> {
    /// From here on nobody serves the directory until the restore is done. Durable when it returns.
    fn begin(&self, path: &Path) -> Result<LogId, RestoreError> {
        let log: LogId = Fresh::new().id().map_err(DirectoryError::from)?;
        Marker { log, first: self.records.survey.head.size }.put(path)?;
        Ok(log)
    }

    /// Lets the journal that is here now go on as this log. Whatever stops it, a second restore begins again.
    fn carry_out(self, path: &Path, log: LogId, back: &PutBack, options: Options) -> Result<Restored, RestoreError> {
        let Self { order, records, signed, keyring, erased, lost } = self;
        let Records { mark, survey, backup } = records;
        let (old, key_file) = (survey.last.clone(), path.join("signer/key"));
        if back.journal().head() != survey.head {
            let (position, file) = (survey.head.size, back.journal().file_of(survey.head.size));
            return Err(LogError::Damaged { position, file, what: "what was put back ends elsewhere".into() }.into());
        }
        let keyring = match keyring {
            Some(keyring) => keyring,
            None => Keys::read(path)?.create(back.journal().first_log())?,
        };
        let settled = keyring.settle(|key| survey.named.contains_key(key), false).map_err(DirectoryError::from)?;
        let old_key = put_aside(&key_file, &old.origin)?;
        let signer = FileSigner::at(&key_file)?;
        let key = VerifierKey::new(&order.origin, Kind::Note, signer.public())?;
        let came_along = backup.as_ref().and_then(|backup| backup.checkpoint);
        let checkpoint = marked_checkpoint(mark.as_ref(), &old).max_by_size(signed.checkpoint).max_by_size(came_along);
        let continued = Continued {
            log,
            old_log: old.log,
            old_origin: old.origin.clone(),
            origin: order.origin.clone(),
            restored: TreeHead { size: survey.head.size, root: survey.root },
            checkpoint,
            algorithm: SignatureKind::Ed25519,
            public_key: signer.public(),
        };
        let run = backup.map(|backup| backup.run);
        let commit = first_commit(&survey.head, continued, (&erased, keyring.epoch()), (&lost, run), order.at)?;
        let head = back.go_on(log, &commit, options)?;
        for derived in ["index", files::NAME] {
            cleared(fs::remove_dir_all(path.join(derived))).map_err(io_failed("clear"))?;
        }
        replace_mark(path, log, head)?;
        Marker::remove(path)?;
        let generation = Generation { log, origin: order.origin.clone(), from: survey.head.size };
        let parts = |key: &KeyId| u64::from(survey.named.get(key).copied().unwrap_or_default());
        Ok(Restored {
            generation,
            other_mark: mark.is_some_and(|mark| mark.log != old.log),
            old,
            key,
            old_key,
            marked: mark.map(|mark| mark.head.size),
            checkpoint,
            erased_parts: erased.iter().map(parts).sum(),
            erased,
            lost,
            awaiting: settled.awaiting,
            torn: back.journal().torn(),
            aside: None,
        })
    }
}

/// The last checkpoint that the head mark knows of the log that was put back.
fn marked_checkpoint(mark: Option<&Mark>, old: &Generation) -> Option<TreeHead> {
    let (size, root) = mark.filter(|mark| mark.log == old.log)?.checkpoint;
    (size > 0).then_some(TreeHead { size, root })
}

/// The head mark, as far as there is one that can be read.
fn mark(path: &Path) -> Result<Option<Mark>, LogError> {
    match HeadMark::look(path) {
        Err(LogError::NoMark(_)) => Ok(None),
        looked => looked,
    }
}

/// The size whose root a head mark knows.
fn watched(mark: Option<&Mark>) -> Vec<u64> {
    mark.map(|mark| mark.checkpoint.0).into_iter().collect()
}

/// The larger of two checkpoints.
trait MaxBySize {
    fn max_by_size(self, other: Self) -> Self;
}

impl MaxBySize for Option<TreeHead> {
    fn max_by_size(self, other: Self) -> Self {
        [self, other].into_iter().flatten().max_by_key(|head| head.size)
    }
}

/// The old key signs nothing for the new origin. It is kept, under a name that says whose it was.
fn put_aside(key: &Path, origin: &str) -> Result<Option<PathBuf>, RestoreError> {
    let Some(signer) = signer(key)? else { return Ok(None) };
    let [a, b, c, d] = VerifierKey::new(origin, Kind::Note, signer.public())?.id();
    let aside = key.with_file_name(format!("old-{a:02x}{b:02x}{c:02x}{d:02x}.key"));
    fs::rename(key, &aside).map_err(io_failed("move a key in"))?;
    if let Some(dir) = key.parent() {
        sync_dir(dir)?;
    }
    Ok(Some(aside))
}

/// The records that begin the generation: that it does, which keys the keyring's register says are destroyed, which are
/// lost, and which backup it came from: none holds the record of itself.
fn first_commit(
    head: &Head,
    said: Continued,
    (erased, epoch): (&[KeyId], u64),
    (lost, run): (&[KeyId], Option<BackedUp>),
    at: Time,
) -> Result<Commit, RestoreError> {
    let (log, at) = (said.log, at.max(head.recorded_at));
    let erasures = erased.chunks(KEYS).map(|keys| Fact::ErasedBefore { keys: keys.to_vec(), epoch });
    let losses = lost.chunks(KEYS).map(|keys| Fact::KeysLost { keys: keys.to_vec() });
    let begins = [Fact::Continued(Box::new(said))].into_iter();
    let facts: Vec<Fact> = begins.chain(erasures).chain(losses).chain(run.map(Fact::BackedUp)).collect();
    let (mut commit, mut previous, mut previous_in_stream) = (Commit::default(), head.hash, NO_HASH);
    for (revision, fact) in (0..).zip(facts) {
        let position = head.size + revision;
        let link = Link { log, position, recorded_at: at, previous, previous_in_stream };
        let entry = own(&Event::Log(fact), Stream { kind: StreamKind::Log, id: log.0 }, revision, &link)?;
        (previous, previous_in_stream) = (entry.hash, entry.hash);
        commit.entries.push(entry);
    }
    Ok(commit)
}

fn cleared(removed: std::io::Result<()>) -> std::io::Result<()> {
    match removed {
        Err(failed) if failed.kind() != std::io::ErrorKind::NotFound => Err(failed),
        _ => Ok(()),
    }
}
