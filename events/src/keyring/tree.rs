//! The tree of wrapping keys: every node under a random key that stands in its parent and nowhere else, the top node's
//! in the header under the top key, the top key in the header under the roots of the anchor, and nowhere else.

use std::path::PathBuf;
use std::sync::Arc;

use domain::id::LogId;
use parking_lot::Mutex;

use super::cell::{FAN, Place, Side};
use super::copies::{Copies, Opened, Written};
use super::draw::Grown;
use super::header::{Found, Header};
use super::inner::{self, Child};
use super::leaf::{self, Slot};
use super::marks::{Mark, Marks};
use super::members::Members;
use super::table::Page;
use super::walk::{Walk, children_of, damaged};
use super::{Key, KeyringError, Waiting, migrate};

/// The tree on the disk, and of it in memory the header, the top key and the marks.
pub(super) struct Tree {
    pub(super) copies: Copies,
    pub(super) members: Members,
    pub(super) header: Header,
    pub(super) top_key: Key,
    pub(super) top: Option<Child>,
    pub(super) marks: Marks,
    /// Nodes that are no longer valid, or never were, and are to be cleared.
    pub(super) stale: Vec<(Place, Side)>,
    /// Whom the last destruction waits for. It can be asked while the tree is at work.
    pub(super) waiting: Arc<Mutex<Option<Waiting>>>,
    #[cfg(test)]
    pub(super) fault: Option<super::rotate::Fault>,
}

/// What a tree is begun with. The number of slots is a multiple of sixteen.
#[derive(Default)]
pub(super) struct Contents {
    pub(super) epoch: u64,
    pub(super) slots: Vec<Slot>,
    pub(super) marks: Marks,
}

impl Tree {
    /// Makes a tree with a new root in every member. It is there, durable in every copy, when it returns, and not before
    /// its header has its name in one of them.
    pub(super) fn create(
        dirs: &[PathBuf],
        members: Members,
        log: LogId,
        contents: &Contents,
    ) -> Result<Self, KeyringError> {
        let copies = Copies::create(dirs)?;
        let root = members.highest(log)?.map_or(0, |highest| highest + 1);
        let top_key = Key::random()?;
        let header = Header {
            log,
            counter: 0,
            epoch: contents.epoch,
            leaves: 0,
            highest_root: root,
            // What was moved over here still lies under an older root.
            clearing: !contents.slots.is_empty(),
            members: members.renew(log, root, &top_key)?,
            left: None,
        };
        let marks = contents.marks.clone();
        let mut tree = Self {
            copies,
            members,
            header,
            top_key,
            top: None,
            marks,
            stale: Vec::new(),
            waiting: Arc::default(),
            #[cfg(test)]
            fault: None,
        };
        let Grown { leaves, top } = tree.plant(&contents.slots)?;
        (tree.header.leaves, tree.top) = (leaves, top);
        tree.copies.write_marks(&tree.marks.bytes(log))?;
        let bytes = tree.header.bytes(&tree.top_key, tree.top.as_ref())?;
        tree.copies.name(&bytes, tree.header.at())?;
        Ok(tree)
    }

    /// Opens the tree and reads every slot in every copy. A rotation that a crash interrupted is finished or undone, and a
    /// keyring of slots in one file is moved over.
    ///
    /// A move to other members that was cut short is finished or undone like any rotation, when they are given too.
    pub(super) fn open(
        dirs: &[PathBuf],
        members: &Members,
        moving: Option<&Members>,
        log: LogId,
    ) -> Result<(Self, Vec<Page>), KeyringError> {
        migrate::move_over(dirs, members, log)?;
        let Opened { copies, found, marks, behind } = Copies::open(dirs, log)?;
        let Found { header, .. } = &found;
        let members = members.named_by(&header.members, moving)?;
        let (top_key, refused) = members.open(log, &header.members)?;
        let top = found.top(&top_key)?;
        let walk = Walk { copies: &copies, log, leaves: header.leaves, epoch: header.epoch };
        let pages = walk.pages(top.as_ref())?;
        let undone = members.highest_reached(log).filter(|highest| *highest > header.highest_root);
        match refused {
            // A newer root, and a member that knows nothing of this header: the keyring is older than its anchor.
            Some(error) if undone.is_some() && error.knows_nothing() => return Err(error.into()),
            Some(error) => tracing::warn!(%error, "a member of the anchor does not open the keyring; another one does"),
            None => {}
        }
        let stale = match header.clearing || undone.is_some() {
            true => walk.stale(top.as_ref())?,
            false => Vec::new(),
        };
        let mut tree = Self {
            copies,
            members,
            header: found.header,
            top_key,
            top,
            marks,
            stale,
            waiting: Arc::default(),
            #[cfg(test)]
            fault: None,
        };
        tree.bring_up(&behind)?;
        if let Some(highest) = undone {
            tracing::warn!("undoing a rotation of the keyring that was not committed");
            tree.undo(highest)?;
        }
        match tree.finish() {
            Err(error @ KeyringError::RootRemains { .. }) => {
                tracing::error!(%error, "a rotation of the keyring is not over");
            }
            finished => {
                finished?;
                migrate::remove_old(dirs)?;
            }
        }
        Ok((tree, pages))
    }

    pub(super) fn log(&self) -> LogId {
        self.header.log
    }

    pub(super) fn written(&self) -> Written {
        self.copies.written()
    }

    /// Whether the last destruction was committed and something older is left.
    pub(super) fn is_unfinished(&self) -> bool {
        self.header.clearing
    }

    /// What a slot holds, read from the disk.
    pub(super) fn slot(&self, slot: u64) -> Result<Slot, KeyringError> {
        let place = Place { level: 0, index: slot / FAN as u64 };
        let child = self.child(place)?;
        let slots = self.node(place, child.side, |bytes| leaf::open(self.log(), place, &child.key, bytes))?;
        slots.into_iter().nth((slot % FAN as u64) as usize).ok_or(damaged(place))
    }

    /// Changes the marks of slots. Durable when it returns.
    pub(super) fn mark(&mut self, slots: &[u64], mark: Option<Mark>) -> Result<(), KeyringError> {
        self.marks.set(slots, mark);
        self.copies.write_marks(&self.marks.bytes(self.log()))
    }

    /// The key and the side of a node, from the nodes above it.
    pub(super) fn child(&self, place: Place) -> Result<Child, KeyringError> {
        let top = Place { level: self.header.height(), index: 0 };
        let mut child = self.top.clone().ok_or(damaged(place))?;
        for level in (place.level..top.level).rev() {
            let below = place.above(level);
            let (above, number) = below.parent();
            let children = self.children(above, &child)?;
            child = children.into_iter().nth(number).ok_or(damaged(below))?;
        }
        Ok(child)
    }

    /// The children of an inner node.
    pub(super) fn children(&self, place: Place, node: &Child) -> Result<Vec<Child>, KeyringError> {
        let count = children_of(place, self.header.leaves);
        self.node(place, node.side, |bytes| inner::open(self.log(), place, &node.key, bytes, count))
    }

    /// A node from the first copy that has it.
    pub(super) fn node<T>(
        &self,
        place: Place,
        side: Side,
        open: impl Fn(&[u8]) -> Option<T>,
    ) -> Result<T, KeyringError> {
        for copy in 0..self.copies.len() {
            if let Some(said) = open(&self.copies.read(copy, place, side)?) {
                return Ok(said);
            }
        }
        Err(damaged(place))
    }

    /// Commits the next header. All it names must be synced before.
    pub(super) fn commit(&mut self, header: Header, top_key: Key, top: Option<Child>) -> Result<(), KeyringError> {
        let header = Header { counter: self.header.counter + 1, ..header };
        let bytes = header.bytes(&top_key, top.as_ref())?;
        self.copies.write_header(&bytes, header.at())?;
        (self.header, self.top_key, self.top) = (header, top_key, top);
        Ok(())
    }

    /// Commits the next header over the same tree.
    pub(super) fn commit_same(&mut self, header: Header) -> Result<(), KeyringError> {
        self.commit(header, self.top_key.clone(), self.top.clone())
    }

    /// A crash left some copies one header behind. All that this header names was synced in them before it was written.
    fn bring_up(&mut self, behind: &[usize]) -> Result<(), KeyringError> {
        let Some(ahead) = (0..self.copies.len()).find(|copy| !behind.contains(copy)) else { return Ok(()) };
        let bytes = self.copies.header_bytes(ahead, self.header.at(), self.header.length())?;
        for copy in behind {
            tracing::warn!("a copy of the keyring was one step behind; it is brought up");
            self.copies.write_header_of(*copy, &bytes, self.header.at())?;
        }
        Ok(())
    }
}

/// How many slots there are over so many leaves.
pub(super) fn slots(leaves: u64) -> u64 {
    leaves * FAN as u64
}
