//! Reading the whole tree, from its top node down, in every copy: what one copy holds and another does not is named.

use std::thread;

use domain::id::LogId;

use super::cell::{self, FAN, Place, Side};
use super::copies::Copies;
use super::inner::{self, Child};
use super::leaf::{self, Slot};
use super::table::{Entry, Page};
use super::{KeyringError, Wrong};

/// The slots of one inner node above the leaves make a page of the table.
const PAGE_LEAVES: usize = super::table::PAGE / FAN;

/// How a tree is read.
pub(super) struct Walk<'a> {
    pub(super) copies: &'a Copies,
    pub(super) log: LogId,
    /// How many leaves count.
    pub(super) leaves: u64,
    /// A slot that died later than this was never written by us.
    pub(super) epoch: u64,
}

impl Walk<'_> {
    /// Every slot, in order.
    pub(super) fn pages(&self, top: Option<&Child>) -> Result<Vec<Page>, KeyringError> {
        self.read_pages(&self.leaves(top, |_, _| Ok(()))?)
    }

    /// The nodes on the side that is not valid and that are not zeros in every copy.
    pub(super) fn stale(&self, top: Option<&Child>) -> Result<Vec<(Place, Side)>, KeyringError> {
        let mut stale = Vec::new();
        let mut look = |level, children: &[Child]| {
            for (index, child) in (0..).zip(children) {
                let (place, side) = (Place { level, index }, child.side.other());
                for copy in 0..self.copies.len() {
                    if self.copies.read(copy, place, side)?.iter().any(|byte| *byte != 0) {
                        stale.push((place, side));
                        break;
                    }
                }
            }
            Ok(())
        };
        let leaves = self.leaves(top, &mut look)?;
        if top.is_some() {
            look(0, &leaves)?;
        }
        Ok(stale)
    }

    /// The leaves; every inner level is shown on the way down.
    fn leaves(
        &self,
        top: Option<&Child>,
        mut seen: impl FnMut(u8, &[Child]) -> Result<(), KeyringError>,
    ) -> Result<Vec<Child>, KeyringError> {
        let mut children: Vec<Child> = top.cloned().into_iter().collect();
        for level in (1..=cell::height(self.leaves)).rev() {
            seen(level, &children)?;
            let mut below = Vec::with_capacity(cell::nodes(self.leaves, level - 1) as usize);
            for (index, child) in (0..).zip(&children) {
                let place = Place { level, index };
                let count = children_of(place, self.leaves);
                let open = |bytes: &[u8]| inner::open(self.log, place, &child.key, bytes, count);
                below.extend(self.node(place, child.side, open)?);
            }
            children = below;
        }
        Ok(children)
    }

    /// Reads leaves on every core, since opening and naming their keys costs a few microseconds each.
    fn read_pages(&self, leaves: &[Child]) -> Result<Vec<Page>, KeyringError> {
        let pages: Vec<(u64, &[Child])> = (0..).step_by(PAGE_LEAVES).zip(leaves.chunks(PAGE_LEAVES)).collect();
        let threads = thread::available_parallelism().map_or(1, usize::from);
        let share = pages.len().div_ceil(threads).max(1);
        let read = |pages: &[(u64, &[Child])]| pages.iter().map(|(first, leaves)| self.page(*first, leaves)).collect();
        thread::scope(|scope| {
            let shares: Vec<_> = pages.chunks(share).map(|pages| scope.spawn(move || read(pages))).collect();
            let mut pages = Vec::with_capacity(leaves.len() / PAGE_LEAVES + 1);
            for share in shares {
                let read: Result<Vec<Page>, KeyringError> =
                    share.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
                pages.extend(read?);
            }
            Ok(pages)
        })
    }

    fn page(&self, first: u64, leaves: &[Child]) -> Result<Page, KeyringError> {
        let mut page = Page::with_capacity(super::table::PAGE);
        for (index, child) in (first..).zip(leaves) {
            let place = Place { level: 0, index };
            for slot in self.node(place, child.side, |bytes| leaf::open(self.log, place, &child.key, bytes))? {
                match slot {
                    Slot::Destroyed { epoch, .. } if epoch > self.epoch => return Err(damaged(place)),
                    slot => Entry::put(&mut page, &slot),
                }
            }
        }
        Ok(page)
    }

    /// What a node holds. Every copy must say the same; bytes that are the same are opened once.
    fn node<T: PartialEq>(
        &self,
        place: Place,
        side: Side,
        open: impl Fn(&[u8]) -> Option<T>,
    ) -> Result<T, KeyringError> {
        let first = self.copies.read(0, place, side)?;
        let said = open(&first);
        let mut differs = None;
        for copy in 1..self.copies.len() {
            let bytes = self.copies.read(copy, place, side)?;
            if bytes == first {
                continue;
            }
            match (&said, open(&bytes)) {
                (None, None) => {}
                (None, Some(_)) => differs = Some(0),
                (Some(said), Some(other)) if other == *said => {}
                (Some(_), _) => differs = Some(copy),
            }
        }
        match (differs, said) {
            (Some(copy), _) => Err(KeyringError::Copy { copy: self.copies.dir(copy), wrong: Wrong::Damaged }),
            (None, said) => said.ok_or(damaged(place)),
        }
    }
}

/// How many children of an inner node count.
pub(super) fn children_of(place: Place, leaves: u64) -> usize {
    let below = cell::nodes(leaves, place.level.saturating_sub(1));
    below.saturating_sub(place.first_child().index).min(FAN as u64) as usize
}

pub(super) fn damaged(place: Place) -> KeyringError {
    KeyringError::DamagedNode { level: place.level, index: place.index }
}
