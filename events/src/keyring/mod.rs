//! The keys, apart from everything they protect: in their own directory, in their own format, never in sled.
//!
//! A slot holds a key and nothing else; whose it is, stands only inside the sealed parts. Keys are drawn in blocks ahead
//! of need, and a block is durable before the first of its keys is handed out, so no record is durable before its key.
//! A slot is used once: what was handed out, retired or destroyed is never handed out again.
//!
//! The keys lie in a tree (DESIGN §6): sixteen slots in a leaf, sixteen nodes below an inner one, every node under a key of
//! its own that its parent holds, and the key of the top node under the root in the anchor. A destruction writes the way
//! to its victims anew and destroys the root, so every older copy of the tree is dead too.

mod anchor;
pub mod carve;
mod cell;
mod copies;
mod disk;
mod draw;
mod end;
mod error;
#[cfg(test)]
pub(crate) mod example;
mod header;
mod inner;
mod key;
mod leaf;
mod marks;
mod members;
mod migrate;
mod reach;
mod relocate;
mod repair;
mod reserve;
mod ring;
mod rotate;
mod seal;
mod suppression;
mod table;
#[cfg(test)]
mod tests;
mod tree;
mod walk;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use domain::id::{KeyId, LogId};

pub use anchor::{
    Anchor, AnchorError, AnchorSettings, Declared, Description, FileAnchor, Identity, Level, PinError, PinPlace,
    TokenAnchor, TokenError, TokenName, TokenSettings,
};
pub use copies::Written;
pub use error::{KeyringError, Waiting, Wrong};
pub use key::Key;
pub use repair::Repaired;
pub use suppression::SuppressionList;

use ring::Ring;

/// What the keyring answers about a fingerprint. The ledger calls a key lost that a record names and that was never had.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum KeyState {
    /// Here it is.
    Live(Key),
    /// It is there, and an erasure that was approved waits for it.
    Fenced,
    /// Never handed out, or in a log that is gone; nothing is sealed under it again.
    Retired,
    /// Destroyed.
    Erased {
        /// In which epoch.
        epoch: u64,
    },
    /// This keyring never held such a key, and the log says that it is lost.
    Lost,
    /// This keyring never held such a key.
    NeverHad,
}

/// A slot, without its key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Standing {
    /// The key is there; it may still wait in the reserve.
    Live,
    /// The key is there and fenced.
    Fenced,
    /// Retired, and kept until [`Keyring::confirm_retired`].
    Awaiting,
    /// Retired; destroyed with the next destruction.
    Retired,
    /// Destroyed.
    Erased {
        /// In which epoch.
        epoch: u64,
    },
}

/// How many slots stand how.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Counts {
    /// Handed out, or about to be.
    pub live: usize,
    /// Of those, the ones that nobody has yet.
    pub spare: usize,
    /// Fenced.
    pub fenced: usize,
    /// Retired, waiting for somebody to confirm it.
    pub awaiting: usize,
    /// Retired.
    pub retired: usize,
    /// Destroyed.
    pub erased: usize,
}

/// What [`Keyring::settle`] found.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Settled {
    /// Keys that no record names; they die with the next destruction.
    pub retired: usize,
    /// Keys that no record names; they wait until somebody confirms that no newer log exists.
    pub awaiting: usize,
    /// Retired keys that a record names after all: a newer log came back.
    pub revived: usize,
}

/// Between which epochs a set of keys was destroyed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Destroyed {
    /// The epoch in which they were last there.
    pub epoch_before: u64,
    /// The epoch in which they are gone.
    pub epoch_after: u64,
}

/// The anchors of a keyring, as its settings name them.
pub struct Anchors {
    /// Its members.
    pub members: Vec<Box<dyn Anchor>>,
    /// Those that a move was to reach which may have been cut short.
    pub moving: Vec<Box<dyn Anchor>>,
}

/// A keyring, without its keys.
#[derive(Debug)]
pub struct Status {
    /// The members of its anchor.
    pub members: Vec<MemberStatus>,
    /// What a destruction is worth now: as much as at the member that gives least.
    pub level: Level,
    /// How many destructions there were.
    pub epoch: u64,
    /// The number of the root that opens it, the same in every member.
    pub root: u64,
    /// How many headers were written; the same in every copy.
    pub counter: u64,
    /// The directories of its copies.
    pub copies: Vec<PathBuf>,
    /// Whether an older root may be left of the last destruction.
    pub unfinished: bool,
    /// How many keys stand how.
    pub counts: Counts,
}

/// A member of the anchor.
#[derive(Debug)]
pub struct MemberStatus {
    /// Who it is.
    pub identity: Identity,
    /// What it is.
    pub description: Description,
    /// The numbers of this log's roots in it, or why it does not say.
    pub roots: Result<Vec<u64>, AnchorError>,
}

/// The keys of one log.
///
/// A failed write stops it: every later mint and destruction is refused, since nobody knows what reached the disk.
pub struct Keyring {
    ring: Arc<Ring>,
    suppression: SuppressionList,
    filler: Option<JoinHandle<()>>,
}

impl Keyring {
    /// Makes an empty keyring with a copy in each of these directories, and its root in each member of the anchor. All are
    /// durable when it returns. Roots that an interrupted attempt left for this log are destroyed.
    pub fn create(copies: &[PathBuf], anchor: Vec<Box<dyn Anchor>>, log: LogId) -> Result<Self, KeyringError> {
        Self::start(Ring::create(copies, anchor, log)?)
    }

    /// Opens a keyring, reads every slot in every copy, and finishes or undoes a destruction that a crash interrupted. A
    /// keyring of the first format is moved over. Keys are handed out after [`Keyring::settle`].
    ///
    /// # Errors
    /// Among others when the anchors are not those that the header names.
    pub fn open(copies: &[PathBuf], anchors: impl Into<Anchors>, log: LogId) -> Result<Self, KeyringError> {
        Self::start(Ring::open(copies, anchors.into(), log)?)
    }

    /// Copies the newest tree that opens whole under the anchor's roots over every copy that is not the same, and says
    /// which these were. Nothing of them is kept, and nothing merged. Durable when it returns; cut short, it is asked for
    /// again.
    ///
    /// # Errors
    /// Among others [`KeyringError::NewerDamaged`]; where the `older` one is wanted all the same, that copy is put aside.
    pub fn repair(
        copies: &[PathBuf],
        anchors: impl Into<Anchors>,
        log: LogId,
        older: bool,
    ) -> Result<Vec<Repaired>, KeyringError> {
        repair::repair(copies, anchors.into(), log, older)
    }

    /// Whether a move between these may begin.
    ///
    /// # Errors
    /// When one of the new members that is no old one holds roots of this log: they would be another keyring's.
    pub fn may_move(from: &[Box<dyn Anchor>], to: &[Box<dyn Anchor>], log: LogId) -> Result<(), KeyringError> {
        relocate::may_move(from, to, log)
    }

    /// Moves a keyring that nobody uses from its anchor to another one, with a rotation: new roots, in each of these
    /// members; the header, which is the commit; and no root of this log is left in those that it had. The retired keys
    /// die with it. Cut short, it is finished or undone when the keyring is opened with both anchors.
    ///
    /// # Errors
    /// [`KeyringError::RootRemains`] when it is done, but for the roots of the old anchor.
    pub fn relocate(
        copies: &[PathBuf],
        from: Vec<Box<dyn Anchor>>,
        to: Vec<Box<dyn Anchor>>,
        log: LogId,
    ) -> Result<Destroyed, KeyringError> {
        relocate::relocate(copies, from, to, log)
    }

    /// Takes a keyring of this log back that was made and never was in service, so that it can be made again. Another log's
    /// is left as it is.
    pub fn unmake(copies: &[PathBuf], log: LogId) -> Result<(), KeyringError> {
        copies::unname(copies, log)
    }

    /// Whether a keyring may be made with copies in these directories and as many members of its anchor.
    ///
    /// # Errors
    /// When there would be too many members, or something else lies in a directory.
    pub fn check_places(copies: &[PathBuf], members: usize) -> Result<(), KeyringError> {
        if members == 0 || members > header::MOST_MEMBERS {
            return Err(KeyringError::Members { most: header::MOST_MEMBERS, given: members });
        }
        copies.iter().filter(|dir| dir.exists()).try_for_each(|dir| copies::check_dir(dir))
    }

    /// Gives the directories that are there another name beside theirs, and says which. Durable when it returns.
    pub fn put_aside(copies: &[PathBuf]) -> Result<Vec<PathBuf>, KeyringError> {
        copies.iter().filter(|dir| dir.exists()).map(|dir| repair::put_aside(dir, "lost")).collect()
    }

    /// Whether this directory holds a copy of a keyring, whosever it is.
    pub fn exists(dir: &Path) -> io::Result<bool> {
        Ok(copies::Copies::exist(dir)? || migrate::exists(dir)?)
    }

    /// A key that nobody ever had. It is durable; waits for the disk only when keys go faster than they are drawn.
    pub fn mint(&self) -> Result<(KeyId, Key), KeyringError> {
        self.ring.mint()
    }

    /// What is known about a key.
    pub fn state(&self, key: &KeyId) -> KeyState {
        self.ring.state(key)
    }

    /// What the log says of keys that this keyring never held, because it took the place of one that was lost: which ones were
    /// declared lost, and which ones were destroyed, in which epoch of that one. The log remembers it, not the keyring.
    pub fn recall(&self, lost: impl IntoIterator<Item = KeyId>, erased: impl IntoIterator<Item = (KeyId, u64)>) {
        self.ring.recall(lost, erased);
    }

    /// Withholds keys and drops them from memory. The log remembers it, not the keyring; what is no live key stays as
    /// it is.
    pub fn fence(&self, keys: &[KeyId]) {
        self.ring.fence(keys);
    }

    /// Gives fenced keys back.
    pub fn unfence(&self, keys: &[KeyId]) -> Result<(), KeyringError> {
        self.ring.unfence(keys)
    }

    /// The key behind a fence, for an opening that is a record of its own. `None` for a key that is not fenced.
    pub fn open_fenced(&self, key: &KeyId) -> Result<Option<Key>, KeyringError> {
        self.ring.open_fenced(key)
    }

    /// Retires every key that may have been handed out and that no record names, nor the suppression list. Must be called after the log was read;
    /// until then nothing is minted, and after that (as in a keyring just made) it does nothing. They die with the next destruction if the log had reached its head mark (so that
    /// only a crash left them); else they wait for [`Keyring::confirm_retired`]. Durable when it returns.
    pub fn settle(&self, used: impl Fn(&KeyId) -> bool, reached_head_mark: bool) -> Result<Settled, KeyringError> {
        let listed = self.suppression.keys();
        self.ring.settle(|key| used(key) || listed.contains(key), reached_head_mark)
    }

    /// Somebody confirmed that no newer log exists: the keys that waited for it die with the next destruction. Says how
    /// many; durable when it returns.
    pub fn confirm_retired(&self) -> Result<usize, KeyringError> {
        self.ring.confirm_retired()
    }

    /// Destroys keys, and the retired ones with them, and raises the epoch. Durable when it returns: no member of the
    /// anchor holds a root that opens them in any copy of the tree, however old. Whatever fails, they are out of memory
    /// and withheld. Asked again for keys that are all gone, it changes nothing and says when they went. The cost grows
    /// with the keys that die and with the height of the tree.
    pub fn destroy(&self, keys: &[KeyId]) -> Result<Destroyed, KeyringError> {
        self.ring.destroy(keys)
    }

    /// Destroys the retired keys and no other, with a new root and a new way to them, and raises the epoch. Durable, with
    /// the same promise as [`Keyring::destroy`], when it returns.
    pub fn rotate(&self) -> Result<Destroyed, KeyringError> {
        self.ring.rotate()
    }

    /// Ends the keyring: its keys leave memory, every root of this log is destroyed in every member of the anchor, without a
    /// successor, and seen to be gone, and the files of every copy are overwritten and removed, the suppression list with them.
    /// Durable when it returns. What fails is gone on with when this is called again, or by [`Keyring::end_at`].
    pub fn end(&self) -> Result<(), KeyringError> {
        self.ring.end()
    }

    /// The same for a keyring that nobody uses and that may not open any more: `members` are those that held its roots.
    pub fn end_at(
        copies: &[PathBuf],
        anchors: Vec<Box<dyn Anchor>>,
        log: LogId,
        members: &[String],
    ) -> Result<(), KeyringError> {
        end::end_at(copies, anchors, log, members)
    }

    /// Whether the last destruction waits for a member of the anchor that did not show that its older roots are gone.
    pub fn is_unfinished(&self) -> bool {
        self.ring.is_unfinished()
    }

    /// Which member of the anchor the last destruction waits for, whether it was committed or not; none where there is none, or
    /// where it is not known which one. Never waits for a destruction at work.
    pub fn waiting(&self) -> Option<Waiting> {
        self.ring.waiting()
    }

    /// Goes on with such a destruction, and does nothing where there is none. What died in it is erased when it returns.
    pub fn finish(&self) -> Result<(), KeyringError> {
        self.ring.finish()
    }

    /// Takes over what a record declares about the device of one of the anchor's members, and says what a destruction is
    /// worth from now on.
    ///
    /// # Errors
    /// When no member is that device.
    pub fn declare(&self, declared: &Declared) -> Result<Level, AnchorError> {
        self.ring.declare(declared)
    }

    /// What it is, without its keys. Asks every member of the anchor.
    pub fn status(&self) -> Status {
        self.ring.status()
    }

    /// Whom not to take in and not to write to again.
    pub fn suppression(&self) -> &SuppressionList {
        &self.suppression
    }

    /// Whether a write has failed, so that the process should end.
    pub fn is_stopped(&self) -> bool {
        self.ring.is_stopped()
    }

    /// How many destructions there were.
    pub fn epoch(&self) -> u64 {
        self.ring.epoch()
    }

    /// How many bytes were written since it was opened.
    pub fn written(&self) -> Written {
        self.ring.written()
    }

    /// What a destruction is worth.
    pub fn level(&self) -> Level {
        self.ring.level()
    }

    /// What the destruction of these keys is worth: no more than at the weakest anchor under which one of them has lain, for an
    /// image from then may have been kept with its root. A key that was never here is worth nothing.
    pub fn level_of(&self, keys: &[KeyId]) -> Level {
        self.ring.level_of(keys)
    }

    /// Every slot there is, in order.
    pub fn fingerprints(&self) -> Vec<(KeyId, Standing)> {
        self.ring.fingerprints()
    }

    /// How many slots stand how.
    pub fn counts(&self) -> Counts {
        self.ring.counts()
    }

    fn start(ring: Ring) -> Result<Self, KeyringError> {
        let ring = Arc::new(ring);
        let suppression = SuppressionList::open(Arc::clone(&ring))?;
        let filling = Arc::clone(&ring);
        let filler = thread::Builder::new().name("keyring".into()).spawn(move || filling.keep_filled())?;
        Ok(Self { ring, suppression, filler: Some(filler) })
    }
}

impl From<Vec<Box<dyn Anchor>>> for Anchors {
    fn from(members: Vec<Box<dyn Anchor>>) -> Self {
        Self { members, moving: Vec::new() }
    }
}

impl Drop for Keyring {
    fn drop(&mut self) {
        self.ring.close();
        if let Some(filler) = self.filler.take() {
            // It only ever ends; a panic in it was reported where it happened.
            let _ = filler.join();
        }
    }
}
