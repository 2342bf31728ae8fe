//! Rows in a sort order, in blocks: a million places cost a few megabytes, an insert moves one block, and a walk may
//! begin anywhere and go both ways.
//!
//! An entry is a number that sorts as the first bytes of the key do, and the item. Only where these numbers are equal
//! is the caller asked how an item compares, so a search touches little memory.

use std::cmp::Ordering;

/// Entries of a full block.
const BLOCK: usize = 256;
/// Entries of a block that is filled at once.
const FILLED: usize = 224;

/// Items in order.
pub(crate) struct Order<K, I> {
    /// The first key of every block, together in memory.
    firsts: Vec<K>,
    blocks: Vec<Block<K, I>>,
}

struct Block<K, I> {
    keys: Vec<K>,
    items: Vec<I>,
}

/// A place between two items.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Gap {
    block: usize,
    at: usize,
}

impl<K, I> Default for Order<K, I> {
    fn default() -> Self {
        Self { firsts: Vec::new(), blocks: Vec::new() }
    }
}

impl<K: Ord + Copy, I: Copy + PartialEq> Order<K, I> {
    /// Of items that are in order already. Blocks are left with some room, so that later ones do not split each of them.
    pub fn of(sorted: impl Iterator<Item = (K, I)>) -> Self {
        let mut order = Self::default();
        for (key, item) in sorted {
            match order.blocks.last_mut().filter(|block| block.keys.len() < FILLED) {
                Some(block) => {
                    block.keys.push(key);
                    block.items.push(item);
                }
                None => order.push(key, item),
            }
        }
        order
    }

    /// Adds an item. `than` tells how an item with the same key compares to it.
    pub fn insert(&mut self, key: K, item: I, than: impl Fn(I) -> Ordering) {
        let gap = self.gap(key, |other| than(other) == Ordering::Less);
        let last = gap.block + 1 >= self.blocks.len();
        let Some(block) = self.blocks.get_mut(gap.block) else {
            return self.push(key, item);
        };
        if last && gap.at == BLOCK {
            return self.push(key, item);
        }
        block.keys.insert(gap.at, key);
        block.items.insert(gap.at, item);
        if gap.at == 0 {
            self.firsts.get_mut(gap.block).into_iter().for_each(|first| *first = key);
        }
        if block.keys.len() > BLOCK {
            self.split(gap.block);
        }
    }

    /// Takes an item out; false if it was not there.
    pub fn remove(&mut self, key: K, item: I, than: impl Fn(I) -> Ordering) -> bool {
        let gap = self.gap(key, |other| than(other) == Ordering::Less);
        let Some((found, gap)) = self.forward(gap).next().map(|found| (found, self.settle(gap))) else { return false };
        if found != item {
            return false;
        }
        let Some(block) = self.blocks.get_mut(gap.block) else { return false };
        block.keys.remove(gap.at);
        block.items.remove(gap.at);
        match block.keys.first().copied() {
            Some(first) => self.firsts.get_mut(gap.block).into_iter().for_each(|place| *place = first),
            None => {
                self.blocks.remove(gap.block);
                self.firsts.remove(gap.block);
            }
        }
        true
    }

    /// The place behind all items that come before: those of a lower key, and those of the same key of which `before`
    /// says so.
    pub fn gap(&self, key: K, before: impl Fn(I) -> bool) -> Gap {
        let is_before = |other: K, item: Option<&I>| match other.cmp(&key) {
            Ordering::Less => true,
            Ordering::Equal => item.is_some_and(|item| before(*item)),
            Ordering::Greater => false,
        };
        let first_item = |at: usize| self.blocks.get(at).and_then(|block| block.items.first());
        let blocks = partition(self.firsts.len(), |at| {
            self.firsts.get(at).is_some_and(|first| is_before(*first, first_item(at)))
        });
        let block = blocks.saturating_sub(1);
        let at = self.blocks.get(block).map_or(0, |found| {
            partition(found.keys.len(), |at| {
                found.keys.get(at).is_some_and(|other| is_before(*other, found.items.get(at)))
            })
        });
        Gap { block, at }
    }

    /// The place before all items.
    pub fn start(&self) -> Gap {
        Gap { block: 0, at: 0 }
    }

    /// The place behind all items.
    pub fn end(&self) -> Gap {
        Gap { block: self.blocks.len(), at: 0 }
    }

    /// The items behind a place.
    pub fn forward(&self, from: Gap) -> impl Iterator<Item = I> + '_ {
        let blocks = self.blocks.iter().enumerate().skip(from.block);
        blocks.flat_map(move |(number, block)| {
            let skip = if number == from.block { from.at } else { 0 };
            block.items.iter().skip(skip).copied()
        })
    }

    /// The items before a place, the nearest first.
    pub fn backward(&self, to: Gap) -> impl Iterator<Item = I> + '_ {
        let blocks = self.blocks.iter().enumerate().take(to.block + 1).rev();
        blocks.flat_map(move |(number, block)| {
            let take = if number == to.block { to.at } else { block.items.len() };
            block.items.iter().take(take).rev().copied()
        })
    }

    /// The items between two places, with their order.
    pub fn between(&self, from: Gap, to: Gap) -> impl DoubleEndedIterator<Item = I> + '_ {
        let blocks = self.blocks.iter().enumerate().take(to.block + 1).skip(from.block);
        blocks.flat_map(move |(number, block)| {
            let skip = if number == from.block { from.at } else { 0 };
            let end = if number == to.block { to.at } else { block.items.len() };
            block.items.get(skip..end).unwrap_or_default().iter().copied()
        })
    }

    /// How many items lie between two places.
    pub fn count(&self, from: Gap, to: Gap) -> usize {
        let blocks = self.blocks.get(from.block..to.block).unwrap_or_default();
        (blocks.iter().map(|block| block.items.len()).sum::<usize>() + to.at).saturating_sub(from.at)
    }

    fn push(&mut self, key: K, item: I) {
        let mut block = Block { keys: Vec::with_capacity(BLOCK + 1), items: Vec::with_capacity(BLOCK + 1) };
        block.keys.push(key);
        block.items.push(item);
        self.firsts.push(key);
        self.blocks.push(block);
    }

    fn split(&mut self, at: usize) {
        let Some(block) = self.blocks.get_mut(at) else { return };
        let middle = block.keys.len() / 2;
        let mut right = Block { keys: Vec::with_capacity(BLOCK + 1), items: Vec::with_capacity(BLOCK + 1) };
        right.keys.extend(block.keys.drain(middle..));
        right.items.extend(block.items.drain(middle..));
        if let Some(first) = right.keys.first() {
            self.firsts.insert(at + 1, *first);
            self.blocks.insert(at + 1, right);
        }
    }

    /// The same place, said by the item behind it.
    fn settle(&self, gap: Gap) -> Gap {
        let full = self.blocks.get(gap.block).is_some_and(|block| gap.at >= block.items.len());
        if full { Gap { block: gap.block + 1, at: 0 } } else { gap }
    }
}

/// How many of the first numbers below `len` are so; after one that is not, none is.
fn partition(len: usize, is_so: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (0, len);
    while low < high {
        let middle = low + (high - low) / 2;
        if is_so(middle) { low = middle + 1 } else { high = middle }
    }
    low
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Keys are coarse on purpose: most comparisons are ties.
    fn key(item: u32) -> u32 {
        item / 1_000
    }

    fn filled() -> (Order<u32, u32>, BTreeSet<u32>) {
        let (mut order, mut model) = (Order::default(), BTreeSet::new());
        for n in 0..20_000_u32 {
            let item = n.wrapping_mul(7_919) % 30_000;
            if model.insert(item) {
                order.insert(key(item), item, |other| other.cmp(&item));
            }
        }
        (order, model)
    }

    #[test]
    fn items_come_in_order_whatever_the_order_they_came_in() {
        let (order, model) = filled();
        assert!(order.forward(order.start()).eq(model.iter().copied()));
        assert!(order.backward(order.end()).eq(model.iter().rev().copied()));
        assert_eq!(order.count(order.start(), order.end()), model.len());
    }

    #[test]
    fn what_is_built_at_once_is_what_was_inserted_and_goes_on() {
        let (inserted, mut model) = filled();
        let mut order = Order::of(model.iter().map(|item| (key(*item), *item)));
        assert!(order.forward(order.start()).eq(inserted.forward(inserted.start())));
        for item in (0..30_000).filter(|item| item % 5 == 0) {
            if model.insert(item) {
                order.insert(key(item), item, |other| other.cmp(&item));
            }
        }
        assert!(order.forward(order.start()).eq(model.iter().copied()));
        assert_eq!(Order::<u32, u32>::of(std::iter::empty()).forward(Gap { block: 0, at: 0 }).next(), None);
    }

    #[test]
    fn a_walk_begins_anywhere_and_goes_both_ways() {
        let (order, model) = filled();
        for place in (0..30_100).step_by(97) {
            let gap = order.gap(key(place), |other| other <= place);
            assert!(order.forward(gap).eq(model.range(place + 1..).copied()), "forward from {place}");
            assert!(order.backward(gap).eq(model.range(..=place).rev().copied()), "backward from {place}");
            let later = order.gap(key(place + 500), |other| other <= place + 500);
            let between: Vec<u32> = model.range(place + 1..=place + 500).copied().collect();
            assert!(order.between(gap, later).eq(between.iter().copied()));
            assert!(order.between(gap, later).rev().eq(between.iter().rev().copied()));
            assert_eq!(order.count(gap, later), between.len());
        }
    }

    #[test]
    fn what_is_removed_is_gone_and_all_others_stay() {
        let (mut order, mut model) = filled();
        for item in (0..30_000).filter(|item| item % 4 != 0) {
            assert_eq!(order.remove(key(item), item, |other| other.cmp(&item)), model.remove(&item), "{item}");
        }
        assert!(order.forward(order.start()).eq(model.iter().copied()));
        model.iter().for_each(|item| assert!(order.remove(key(*item), *item, |other| other.cmp(item))));
        assert_eq!(order.forward(order.start()).next(), None);
        order.insert(1, 1_000, |_| Ordering::Equal);
        assert!(order.forward(order.start()).eq([1_000]));
    }
}
