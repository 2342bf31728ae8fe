//! Drawing a block: new leaves, and new nodes above them as they are needed. Nothing that counts is rewritten and no
//! member of the anchor is asked. Until a header counts the leaves, nothing that was written for them exists.

use super::KeyringError;
use super::cell::{self, FAN, Place, Side};
use super::header::Header;
use super::inner::{self, Child};
use super::leaf::{self, Slot};
use super::tree::Tree;

/// How far a tree reaches when its next header is committed.
pub(super) struct Grown {
    pub(super) leaves: u64,
    pub(super) top: Option<Child>,
}

/// Nodes in a row on one level that are in no node above yet.
struct Fresh {
    level: u8,
    first: u64,
    nodes: Vec<Child>,
}

impl Tree {
    /// Puts keys into new leaves, sixteen into each. They are durable in every copy when it returns.
    pub(super) fn draw(&mut self, slots: &[Slot]) -> Result<(), KeyringError> {
        let Grown { leaves, top } = self.plant(slots)?;
        self.copies.sync()?;
        self.commit(Header { leaves, ..self.header.clone() }, self.top_key.clone(), top)
    }

    /// Writes new leaves with these slots, and what they need above. Nothing is synced.
    pub(super) fn plant(&mut self, slots: &[Slot]) -> Result<Grown, KeyringError> {
        let first = self.header.leaves;
        let mut fresh = Fresh { level: 0, first, nodes: Vec::with_capacity(slots.len() / FAN) };
        for (index, slots) in (first..).zip(slots.chunks(FAN)) {
            let (place, child) = (Place { level: 0, index }, Child::fresh(Side::A)?);
            let bytes = leaf::seal(self.log(), place, &child.key, slots)?;
            self.copies.write(place, child.side, 0, &bytes)?;
            fresh.nodes.push(child);
        }
        let leaves = first + fresh.nodes.len() as u64;
        while cell::nodes(leaves, fresh.level) > 1 && !fresh.nodes.is_empty() {
            fresh = self.plant_above(fresh)?;
        }
        // Where no node is left over, all found room below the top node there is.
        Ok(Grown { leaves, top: fresh.nodes.pop().or_else(|| self.top.clone()) })
    }

    /// Hangs nodes under the last node of the level above and under new ones, which are what is left to be hung.
    fn plant_above(&mut self, mut fresh: Fresh) -> Result<Fresh, KeyringError> {
        if let Some(top) = self.top.as_ref().filter(|_| fresh.level == self.header.height()) {
            // The tree grows at the top: what was its top node is the first child of the new one.
            fresh.nodes.insert(0, top.clone());
            fresh.first = 0;
        }
        let first = Place { level: fresh.level, index: fresh.first };
        let mut above = Fresh { level: fresh.level + 1, first: first.index.div_ceil(FAN as u64), nodes: Vec::new() };
        let (mut place, mut number) = first.parent();
        let mut rest = fresh.nodes.as_slice();
        while !rest.is_empty() {
            let (now, later) = rest.split_at_checked(FAN - number).unwrap_or((rest, &[]));
            if number > 0 {
                self.add(place, number, now)?;
            } else {
                let node = Child::fresh(Side::A)?;
                let bytes = inner::seal(self.log(), place, &node.key, now)?;
                self.copies.write(place, node.side, 0, &bytes)?;
                above.nodes.push(node);
            }
            (place.index, number, rest) = (place.index + 1, 0, later);
        }
        Ok(above)
    }

    /// Writes children behind a node that counts already. They count with the next header.
    fn add(&mut self, place: Place, first: usize, children: &[Child]) -> Result<(), KeyringError> {
        let node = self.child(place)?;
        let (mut from, mut bytes) = (None, Vec::new());
        for (number, child) in (first..).zip(children) {
            let (at, added) = inner::add(self.log(), place, &node.key, number, child)?;
            from = from.or(Some(at));
            bytes.extend(added);
        }
        self.copies.write(place, node.side, from.unwrap_or_default(), &bytes)
    }
}
