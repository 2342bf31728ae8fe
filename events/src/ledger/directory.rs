//! A data directory: what lies where, how a ledger is made in it, and how it is opened for the boot in `replay`.
//!
//! ```text
//! lock       held by the process that uses the directory
//! journal/   the log: segment files, synced
//! index/     sled: may be lost at any time
//! head       the head mark
//! tree/      the rows of the tree and the last checkpoint: may be lost at any time
//! signer/    the key that signs checkpoints; in no backup of the rest, and a link where it lies elsewhere
//! keyring/   the keys and the suppression list, and keyring.copy/ the same once more
//! journal.coming   there while a backup is put back; journal.aside.<n> is what it took the place of
//! restoring  there while a log that was put back from a backup goes on as another one
//! anchor/    the root that the keys are sealed under (level A0)
//! ```
//!
//! Keyring and anchor may lie elsewhere: `keyring.conf` says so ([`Keys`]).

use std::error::Error;
use std::fs;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use domain::event::{Event, Stream, StreamKind};
use domain::id::{ErasureId, LogId};
use domain::ledger::{self, SignatureKind};
use domain::time::Time;

use super::keys::{self, Keys, Moved};
use super::publish::{CADENCE, Published};
use super::{Fresh, leave, lost, restore};
use crate::keyring::{AnchorError, AnchorSettings, Description, Keyring, KeyringError, Repaired};
use crate::log::engine::{Embedded, Options};
use crate::log::headmark;
use crate::log::lock::{self, Lock};
use crate::log::segment::sync_dir;
use crate::log::{Commit, Entry, Log as _, LogError, Progress};
use crate::note::{FileSigner, Signer as _, SignerError};
use crate::random::NoRandomness;
use crate::record::{Draft, Link, NO_HASH, TooLarge, hash};
use crate::tree::files::Tree;
use crate::wire::{self, WireError};

/// There while a ledger is being made: whatever lies beside it was never in service. It holds the id of the log, so that who
/// makes it anew knows what was left elsewhere.
const MAKING: &str = "making";

/// The file of the key that signs, in the directory.
const SIGNING_KEY: &str = "signer/key";

/// What a new ledger is.
#[derive(Clone, Debug)]
pub struct Founding {
    /// Whose data it will hold.
    pub controller: String,
    /// What checkpoints will be signed for; no spaces.
    pub origin: String,
    /// Whether clocks may be set and erasures may skip their cooling-off.
    pub demo: bool,
    /// The first record's time.
    pub at: Time,
}

/// Log and keyring of a directory, locked, before anything in them was believed.
pub struct Directory {
    /// No other process uses it.
    pub lock: Lock,
    /// The log.
    pub log: Embedded,
    /// Its keys; they mint when the log was read.
    pub keyring: Keyring,
    /// Which log: the last of its generations.
    pub log_id: LogId,
    /// The tree over its records, which grows as they are read.
    pub tree: Tree,
    /// The file of the key that checkpoints are signed with.
    pub signing_key: PathBuf,
    /// How long after one checkpoint the next may come.
    pub cadence: Duration,
    /// Whether nothing is signed; see [`super::Publishing::held`].
    pub held: bool,
    /// Whom to ask, once the log is read and before anything is written or signed, whether it is the one that they know.
    pub ask: Option<Ask>,
    /// Whether keys are destroyed anew that the log says were destroyed and that live in the keyring; it is refused, else.
    pub destroys_again: bool,
}

/// Says no where somebody outside knows another log than this one.
pub type Ask = Box<dyn FnOnce(&Published) -> Result<(), Box<dyn Error + Send + Sync>>>;

/// A directory that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// There are other things in it.
    #[error("this directory holds something else than a ledger")]
    NotOurs,
    /// There is no ledger in it.
    #[error("there is no ledger in this directory")]
    Empty,
    /// The operating system refused.
    #[error("cannot {action} the data directory: {source}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// Why not.
        source: io::Error,
    },
    /// The log cannot be used.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The keyring cannot be used.
    #[error(transparent)]
    Keyring(#[from] KeyringError),
    /// The anchor cannot be used.
    #[error(transparent)]
    Anchor(#[from] AnchorError),
    /// The file that names keyring and anchor is not to be understood.
    #[error("line {line} of {} does not say where the keys lie", keys::NAME)]
    KeysUnclear {
        /// From 1; 0 where a line is missing.
        line: usize,
    },
    /// A path or a name has characters that the file cannot hold.
    #[error("{} cannot be written into {}", path.display(), keys::NAME)]
    Unsayable {
        /// Which, or the file where it is a name.
        path: PathBuf,
    },
    /// The keys are to lie where they cannot.
    #[error("{} and {} are named, and each copy of the keyring and each anchor needs a directory of its own, outside the others", one.display(), other.display())]
    Shared {
        /// A directory.
        one: PathBuf,
        /// The same one, or one inside it.
        other: PathBuf,
    },
    /// Where the keys are to lie is said already.
    #[error("there is a {} in this directory already", keys::NAME)]
    KeysSaid,
    /// The key that signs cannot be used.
    #[error(transparent)]
    Signer(#[from] SignerError),
    /// The first record cannot be written.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// The first record is too large.
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
    /// No randomness.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
    /// An erasure is to be finished first.
    #[error(
        "the destruction of keys was ordered by {erasure} and is not certified yet: start the ledger, which finishes it"
    )]
    OpenOrder {
        /// Which.
        erasure: ErasureId,
    },
    /// Its controller left.
    #[error(
        "the controller of this ledger has left: every key was destroyed, as record {position} certifies, and nothing is \
         recorded any more. `lethe-audit copy`, `verify` and `trail` read the log, which needs no key"
    )]
    Left {
        /// The last record.
        position: u64,
    },
    /// An order that every key be destroyed is there, and the log that leads to it does not hold.
    #[error("every key was ordered to be destroyed, and is not, for the log does not hold: {0}")]
    NotLeft(String),
    /// A restore was cut off.
    #[error("a restore of this directory was cut off: `lethe restore` begins it again")]
    Restoring,
}

impl Directory {
    /// Whether a ledger lies here, complete or half made. A directory with anything else in it is refused.
    pub fn exists(path: &Path) -> Result<bool, DirectoryError> {
        let io = |source| DirectoryError::Io { action: "read", source };
        let entries = match fs::read_dir(path) {
            Err(missing) if missing.kind() == io::ErrorKind::NotFound => return Ok(false),
            entries => entries.map_err(io)?,
        };
        if path.join(MAKING).exists() {
            return Ok(false);
        }
        if path.join("journal").is_dir() {
            return Ok(true);
        }
        if path.join(restore::COMING).exists() || restore::is_under_way(path) {
            return Err(DirectoryError::Restoring);
        }
        // Whoever makes a ledger takes the lock first, and may be gone right behind it; where its keys are to lie may be
        // said before.
        for entry in entries {
            let name = entry.map_err(io)?.file_name();
            if name != lock::NAME && name != keys::NAME {
                return Err(DirectoryError::NotOurs);
            }
        }
        Ok(false)
    }

    /// Makes a ledger with its first record. Durable when it returns; what a crash leaves is made anew.
    pub fn create(path: &Path, founding: &Founding, options: Options) -> Result<LogId, DirectoryError> {
        let io = |action| move |source| DirectoryError::Io { action, source };
        fs::create_dir_all(path).map_err(io("make"))?;
        if Self::exists(path)? {
            return Err(LogError::Exists.into());
        }
        let making = path.join(MAKING);
        let _lock = Lock::take(path)?;
        // Somebody else may have been quicker.
        if Self::exists(path)? {
            return Err(LogError::Exists.into());
        }
        let log_id = begun(path)?;
        for part in ["journal", "index", "keyring", "keyring.copy", "anchor", "tree", "signer"] {
            cleared(fs::remove_dir_all(path.join(part))).map_err(io("clear"))?;
        }
        cleared(fs::remove_file(path.join(headmark::NAME))).map_err(io("clear"))?;
        drop(Keys::read(path)?.create(log_id)?);
        let log = Embedded::create(path, log_id, options)?;
        let signer = FileSigner::at(&path.join(SIGNING_KEY))?;
        log.append(&opening(log_id, founding, signer.public())?)?;
        log.sync_mark()?;
        fs::remove_file(&making).map_err(io("write to"))?;
        sync_dir(path)?;
        Ok(log_id)
    }

    /// Opens a ledger's parts and holds the directory until they are dropped.
    pub fn open(path: &Path, options: Options, progress: &Progress) -> Result<Self, DirectoryError> {
        if !Self::exists(path)? {
            return Err(DirectoryError::Empty);
        }
        let lock = Lock::take(path)?;
        restore::finish(path)?;
        let log = Embedded::open(path, options, progress)?;
        leave::refuse_left(path, &log)?;
        let log_id = log.log();
        // The keys are those of all generations.
        let keyring = Keys::open(path, log.journal().first_log())?;
        lost::recall(&log, &keyring)?;
        let tree = Tree::open(path)?;
        let (signing_key, cadence) = (path.join(SIGNING_KEY), CADENCE);
        Ok(Self {
            lock,
            log,
            keyring,
            log_id,
            tree,
            signing_key,
            cadence,
            held: false,
            ask: None,
            destroys_again: false,
        })
    }

    /// Copies the newest whole copy of the keyring over the others, and says which these were; where a damaged one is newer, only
    /// when the `older` one is wanted. Nobody may use the directory meanwhile.
    pub fn repair_keyring(
        path: &Path,
        older: bool,
        options: Options,
        progress: &Progress,
    ) -> Result<Vec<Repaired>, DirectoryError> {
        if !Self::exists(path)? {
            return Err(DirectoryError::Empty);
        }
        let _lock = Lock::take(path)?;
        let log = Embedded::open(path, options, progress)?;
        leave::refuse_left(path, &log)?;
        let keys = Keys::read(path)?;
        Ok(Keyring::repair(&keys.copies, keys.anchor()?.0, log.journal().first_log(), older)?)
    }

    /// Says where the keys of a ledger are to lie that is yet to be made here, and what holds their root. Tokens are logged
    /// in to, and what they are is the answer. Durable when it returns.
    pub fn init_keyring(
        path: &Path,
        copies: Vec<PathBuf>,
        anchors: Vec<AnchorSettings>,
    ) -> Result<Vec<Description>, DirectoryError> {
        fs::create_dir_all(path).map_err(io_failed("make"))?;
        if Self::exists(path)? {
            return Err(LogError::Exists.into());
        }
        let _lock = Lock::take(path)?;
        if Self::exists(path)? {
            return Err(LogError::Exists.into());
        }
        if path.join(keys::NAME).exists() {
            return Err(DirectoryError::KeysSaid);
        }
        let place = |found: PathBuf| path.join(found);
        let copies: Vec<PathBuf> =
            if copies.is_empty() { Keys::of(path).copies } else { copies.into_iter().map(place).collect() };
        let anchors: Vec<AnchorSettings> = anchors.into_iter().map(|settings| settings.below(path)).collect();
        Keys::check(&copies, &anchors)?;
        let mut described = Vec::with_capacity(anchors.len());
        for settings in &anchors {
            // A directory of root files is made with the ledger.
            if let AnchorSettings::Pkcs11(_) = settings {
                described.push(settings.anchor()?.describe());
            }
        }
        Keys { copies, anchors, moving: Vec::new() }.write(path)?;
        Ok(described)
    }

    /// Moves the keyring to other members of its anchor. Nobody may use the directory meanwhile. No root is left in the
    /// anchor that it had, and all is durable, when it returns.
    ///
    /// # Errors
    /// Among others when keys were ordered to be destroyed and that is not certified: their certificate says what is true of
    /// the anchor that they were destroyed in.
    pub fn move_keyring(
        path: &Path,
        to: Vec<AnchorSettings>,
        options: Options,
        progress: &Progress,
    ) -> Result<Moved, DirectoryError> {
        if !Self::exists(path)? {
            return Err(DirectoryError::Empty);
        }
        let _lock = Lock::take(path)?;
        let log = Embedded::open(path, options, progress)?;
        leave::refuse_left(path, &log)?;
        if let Some(erasure) = lost::open_orders(log.journal())?.first() {
            return Err(DirectoryError::OpenOrder { erasure: *erasure });
        }
        Keys::move_to(path, to, log.journal().first_log())
    }

    /// Where the program that uses the directory listens for its own commands.
    pub fn socket(path: &Path) -> PathBuf {
        path.join("lethe.sock")
    }
}

pub(super) fn io_failed(action: &'static str) -> impl FnOnce(io::Error) -> DirectoryError {
    move |source| DirectoryError::Io { action, source }
}

/// The id of the log that is being made here: the one of an attempt that was cut short, or a new one. Durable when it
/// returns.
fn begun(path: &Path) -> Result<LogId, DirectoryError> {
    let making = path.join(MAKING);
    let said = if_there(fs::read_to_string(&making)).map_err(io_failed("read"))?;
    if let Some(log) = said.and_then(|said| said.parse().ok()) {
        return Ok(log);
    }
    let log: LogId = Fresh::new().id()?;
    let file = fs::OpenOptions::new().write(true).create(true).truncate(true).open(&making);
    let written = file.and_then(|file| file.write_all_at(log.to_string().as_bytes(), 0).and_then(|()| file.sync_all()));
    written.map_err(io_failed("write to"))?;
    sync_dir(path)?;
    Ok(log)
}

fn if_there<T>(read: io::Result<T>) -> io::Result<Option<T>> {
    match read {
        Ok(read) => Ok(Some(read)),
        Err(none) if matches!(none.kind(), io::ErrorKind::NotFound | io::ErrorKind::InvalidData) => Ok(None),
        Err(failed) => Err(failed),
    }
}

fn cleared(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(failed) if failed.kind() != io::ErrorKind::NotFound => Err(failed),
        _ => Ok(()),
    }
}

/// The first records: the log is opened, and whoever signs it is named.
fn opening(log: LogId, founding: &Founding, public_key: [u8; 32]) -> Result<Commit, DirectoryError> {
    let Founding { controller, origin, demo, at } = founding.clone();
    let (stream, name) = (Stream { kind: StreamKind::Log, id: log.0 }, origin.clone());
    let events = [
        ledger::Event::Opened { log, controller, origin, demo },
        ledger::Event::SignerNamed { algorithm: SignatureKind::Ed25519, public_key, name },
    ];
    let (mut previous, mut entries) = (NO_HASH, Vec::new());
    for (position, event) in (0..).zip(events) {
        let link = Link { log, position, recorded_at: at, previous, previous_in_stream: previous };
        let entry = own(&Event::Log(event), stream, position, &link)?;
        previous = entry.hash;
        entries.push(entry);
    }
    Ok(Commit { entries })
}

/// A record of the ledger's own that no writer appends: the first of a log. Its actor is nobody in particular.
pub(super) fn own(event: &Event, stream: Stream, revision: u64, link: &Link) -> Result<Entry, DirectoryError> {
    let (mut fresh, written) = (Fresh::new(), wire::write(event)?);
    let draft = Draft {
        stream,
        revision,
        kind: written.kind,
        version: written.version,
        effective_at: link.recorded_at,
        actor: fresh.id()?,
        command: fresh.id()?,
        index: 0,
        count: 1,
        causation: None,
        facts: written.facts,
        personal: Vec::new(),
    };
    let record = draft.write(link)?;
    Ok(Entry { hash: hash(&record), record, parts: Vec::new() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyring::{Anchor as _, FileAnchor};

    /// The power went while the ledger was made: its keyring was there, on another disk, and its log was not.
    #[test]
    fn a_keyring_elsewhere_does_not_keep_a_ledger_half_made_from_being_made() {
        let home = tempfile::tempdir().unwrap();
        let (data, disk) = (home.path().join("ledger"), home.path().join("disk"));
        fs::create_dir(&data).unwrap();
        let at = |name: &str| disk.join(name).display().to_string();
        let conf = format!("copy {}\ncopy keyring\nanchor file {}\n", at("one"), at("root"));
        fs::write(data.join(keys::NAME), conf).unwrap();
        let founding =
            Founding { controller: "Muster".into(), origin: "muster.example".into(), demo: true, at: Time(0) };
        let first = begun_and_cut(&data);
        assert_eq!(Directory::create(&data, &founding, Options::default()).unwrap(), first);
        assert_eq!(FileAnchor::at(disk.join("root")).unwrap().roots(first).unwrap(), [1], "the first one is gone");
        assert!(!data.join(MAKING).exists());
        drop(Directory::open(&data, Options::default(), &|_, _| {}).unwrap());

        // A keyring that somebody uses is nobody's leftover.
        let other = home.path().join("other");
        fs::create_dir(&other).unwrap();
        fs::copy(data.join(keys::NAME), other.join(keys::NAME)).unwrap();
        let refused = Directory::create(&other, &founding, Options::default());
        assert!(matches!(refused, Err(DirectoryError::Keyring(KeyringError::Exists))), "{refused:?}");
        drop(Directory::open(&data, Options::default(), &|_, _| {}).unwrap());
    }

    fn begun_and_cut(data: &Path) -> LogId {
        let log = begun(data).unwrap();
        drop(Keys::read(data).unwrap().create(log).unwrap());
        assert!(!Directory::exists(data).unwrap());
        log
    }
}
