//! The five steps in which keys are destroyed, with the header as their one commit point:
//!
//! ```text
//! 1 a new root in every member, and a new top key under each
//! 2 new versions, under new keys, of every node on the way to a victim, on the side that is not valid; synced, read back
//! 3 the header that names them, in every copy
//! 4 older roots are destroyed, and seen to be gone
//! 5 the old versions are overwritten with zeros
//! ```
//!
//! No node is overwritten while a root exists that opens it. Before 3 everything is undone, behind it everything is
//! finished, whatever failed in between.

use super::cell::Place;
use super::header::Header;
use super::inner::{self, Child};
use super::leaf::{self, Slot};
use super::members::{Member, Members};
use super::tree::Tree;
use super::walk::damaged;
use super::{Key, KeyringError};

/// What a planted fault leaves undone. Each must be found by whoever tries every key on every node.
#[cfg(test)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Fault {
    /// A leaf keeps its key.
    LeafKey,
    /// A node between the top and the leaves keeps its key.
    InnerKey,
    /// The old root goes on.
    Root,
}

/// What the next header will name.
struct Next {
    members: Vec<Member>,
    root: u64,
    top_key: Key,
    top: Option<Child>,
}

impl Tree {
    /// Destroys the keys of these slots, sorted, and raises the epoch. [`KeyringError::RootRemains`] where a member of the
    /// anchor failed behind the commit: the keys are gone from the tree, and [`Tree::finish`] must succeed before anybody
    /// says so. After any other error nothing happened.
    pub(super) fn destroy(&mut self, victims: &[u64]) -> Result<(), KeyringError> {
        let members = self.members.clone();
        self.turn(victims, &members)
    }

    /// The same, with the new roots in these members; the others lose theirs, seen like any older root.
    pub(super) fn turn(&mut self, victims: &[u64], to: &Members) -> Result<(), KeyringError> {
        let done = self.try_turn(victims, to);
        self.note(done)
    }

    /// Steps 4 and 5 of the last rotation, as far as they were not done.
    pub(super) fn finish(&mut self) -> Result<(), KeyringError> {
        let done = self.try_finish();
        self.note(done)
    }

    fn try_turn(&mut self, victims: &[u64], to: &Members) -> Result<(), KeyringError> {
        self.try_finish()?;
        let (before, after) = self.members.moving_to(to);
        self.members = before;
        let root = self.members.highest(self.log())?.max(Some(self.header.highest_root)).map_or(0, |root| root + 1);
        let next = match self.prepare(root, victims, &after) {
            Ok(next) => next,
            Err(failed @ (KeyringError::Io(_) | KeyringError::NoRandomness(_))) => return Err(failed),
            Err(failed) => {
                return match self
                    .undo(root)
                    .and_then(|()| self.members.keep_only(self.log(), &self.header.members, false))
                {
                    // A disk that failed comes before a token that did: what is on it is known after the next open.
                    Err(disk @ KeyringError::Io(_)) => Err(disk),
                    Err(error) => {
                        tracing::error!(%error, "a rotation of the keyring is not undone yet");
                        Err(failed)
                    }
                    Ok(()) => Err(failed),
                };
            }
        };
        let epoch = self.header.epoch + 1;
        let Next { members, root, top_key, top } = next;
        let header = Header { epoch, members, highest_root: root, clearing: true, ..self.header.clone() };
        self.commit(header, top_key, top)?;
        self.members = after;
        self.stale.iter_mut().for_each(|(_, side)| *side = side.other());
        self.try_finish()
    }

    /// Remembers for whom a destruction waits.
    fn note(&self, done: Result<(), KeyringError>) -> Result<(), KeyringError> {
        *self.waiting.lock() = done.as_ref().err().and_then(KeyringError::waiting);
        done
    }

    fn try_finish(&mut self) -> Result<(), KeyringError> {
        self.members.keep_only(self.log(), &self.header.members, self.header.clearing)?;
        self.clear_stale()?;
        if self.header.clearing {
            // This also overwrites the header before the last, so no older one is left.
            self.commit_same(Header { clearing: false, ..self.header.clone() })?;
        }
        Ok(())
    }

    /// Removes what an attempt left that was not committed: its nodes first, since its roots are the sign of it. These are
    /// for [`Tree::finish`].
    pub(super) fn undo(&mut self, highest_root: u64) -> Result<(), KeyringError> {
        self.clear_stale()?;
        // No number is used twice.
        self.commit_same(Header { highest_root, ..self.header.clone() })
    }

    /// Steps 1 and 2. The members have seen that the new top key opens. Every node that was written is in `stale` until the commit.
    fn prepare(&mut self, root: u64, victims: &[u64], to: &Members) -> Result<Next, KeyringError> {
        let log = self.log();
        let top_key = Key::random()?;
        #[cfg(test)]
        let root = if self.fault == Some(Fault::Root) { self.header.highest_root } else { root };
        #[cfg(test)]
        let members = match self.fault {
            Some(Fault::Root) => to.seal(log, root, &top_key)?,
            _ => to.renew(log, root, &top_key)?,
        };
        #[cfg(not(test))]
        let members = to.renew(log, root, &top_key)?;
        let place = Place { level: self.header.height(), index: 0 };
        let top = match self.top.clone() {
            Some(node) => Some(self.rotate(place, &node, victims)?),
            None => None,
        };
        self.copies.sync()?;
        if let Some(node) = &top {
            (0..self.copies.len()).try_for_each(|copy| self.read_back(copy, place, node, victims))?;
        }
        Ok(Next { members, root, top_key, top })
    }

    /// Writes a node and those below it on the way to the victims, each under a new key on its other side.
    fn rotate(&mut self, place: Place, node: &Child, victims: &[u64]) -> Result<Child, KeyringError> {
        let new = self.successor(place, node)?;
        let bytes = if place.level == 0 {
            let mut slots = self.node(place, node.side, |bytes| leaf::open(self.log(), place, &node.key, bytes))?;
            for (slot, held) in numbered(place).zip(&mut slots) {
                if victims.binary_search(&slot).is_ok() && matches!(held, Slot::Held(_)) {
                    *held = Slot::Destroyed { fingerprint: held.fingerprint(), epoch: self.header.epoch + 1 };
                }
            }
            leaf::seal(self.log(), place, &new.key, &slots)?
        } else {
            let mut children = self.children(place, node)?;
            for (below, child) in below(place).zip(&mut children) {
                let theirs = under(below, victims);
                if !theirs.is_empty() {
                    *child = self.rotate(below, child, theirs)?;
                }
            }
            inner::seal(self.log(), place, &new.key, &children)?
        };
        self.stale.push((place, new.side));
        self.copies.write(place, new.side, 0, &bytes)?;
        Ok(new)
    }

    fn successor(&self, _place: Place, node: &Child) -> Result<Child, KeyringError> {
        #[cfg(test)]
        match self.fault {
            Some(Fault::LeafKey) if _place.level == 0 => {
                return Ok(Child { side: node.side.other(), ..node.clone() });
            }
            Some(Fault::InnerKey) if _place.level == 1 => {
                return Ok(Child { side: node.side.other(), ..node.clone() });
            }
            _ => {}
        }
        Ok(Child::fresh(node.side.other())?)
    }

    /// Sees that the new nodes of a copy open from the new top key, and that the victims are gone from them.
    fn read_back(&self, copy: usize, place: Place, node: &Child, victims: &[u64]) -> Result<(), KeyringError> {
        let (log, bytes) = (self.log(), self.copies.read(copy, place, node.side)?);
        if place.level == 0 {
            let slots = leaf::open(log, place, &node.key, &bytes).ok_or(damaged(place))?;
            let dies = |held: &Slot| matches!(held, Slot::Destroyed { epoch, .. } if *epoch > self.header.epoch);
            let right =
                numbered(place).zip(&slots).all(|(slot, held)| victims.binary_search(&slot).is_ok() == dies(held));
            return if right { Ok(()) } else { Err(damaged(place)) };
        }
        let count = super::walk::children_of(place, self.header.leaves);
        let children = inner::open(log, place, &node.key, &bytes, count).ok_or(damaged(place))?;
        for (below, child) in below(place).zip(&children) {
            let theirs = under(below, victims);
            if !theirs.is_empty() {
                self.read_back(copy, below, child, theirs)?;
            }
        }
        Ok(())
    }

    fn clear_stale(&mut self) -> Result<(), KeyringError> {
        self.copies.clear(&std::mem::take(&mut self.stale))
    }
}

/// The slots of a leaf.
fn numbered(place: Place) -> std::ops::RangeFrom<u64> {
    place.first_child().index..
}

/// The nodes below an inner node.
fn below(place: Place) -> impl Iterator<Item = Place> {
    let Place { level, index } = place.first_child();
    (index..).map(move |index| Place { level, index })
}

/// Those of the sorted slots that lie under a node.
fn under(place: Place, slots: &[u64]) -> &[u64] {
    let width = 4 * (u32::from(place.level) + 1);
    let from = slots.partition_point(|slot| slot >> width < place.index);
    let to = slots.partition_point(|slot| slot >> width <= place.index);
    slots.get(from..to).unwrap_or_default()
}

/// For a planted fault: the top key once more under a root there is.
#[cfg(test)]
impl Members {
    fn seal(&self, log: domain::id::LogId, root: u64, top: &Key) -> Result<Vec<Member>, KeyringError> {
        let mut members = Vec::new();
        for anchor in self.anchors() {
            members.push(Member { root, identity: anchor.identity(), top: anchor.seal(log, root, top)? });
        }
        Ok(members)
    }
}
