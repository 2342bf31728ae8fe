//! Ids to row numbers, without a map node for each: a table of row numbers beside the ids themselves.
//!
//! Ids are random, so their own bytes are the hash. A row number is given in the order of first sight; where ids are
//! never removed, row order is therefore the order of the log.

/// A slot of the table that holds no row.
const EMPTY: u32 = u32::MAX;

/// Sixteen random bytes to a row number and back.
#[derive(Default)]
pub(crate) struct Ids {
    ids: Vec<[u8; 16]>,
    slots: Vec<u32>,
    free: Vec<u32>,
}

impl Ids {
    /// The row of this id.
    pub fn get(&self, id: &[u8; 16]) -> Option<u32> {
        self.slot(id).and_then(|slot| self.slots.get(slot).copied())
    }

    /// The id of this row.
    pub fn id(&self, row: u32) -> Option<[u8; 16]> {
        self.ids.get(row as usize).copied()
    }

    /// The row of this id, a new one if it has none yet.
    pub fn add(&mut self, id: [u8; 16]) -> u32 {
        if let Some(row) = self.get(&id) {
            return row;
        }
        if (self.len() + 1) * 4 > self.slots.len() * 3 {
            self.grow();
        }
        let row = match self.free.pop() {
            Some(row) => row,
            None => self.ids.len() as u32,
        };
        match self.ids.get_mut(row as usize) {
            Some(place) => *place = id,
            None => self.ids.push(id),
        }
        self.place(row, &id);
        row
    }

    /// Takes an id out; its row number may be given to another one later.
    pub fn remove(&mut self, id: &[u8; 16]) -> Option<u32> {
        let mut hole = self.slot(id)?;
        let row = self.slots.get(hole).copied()?;
        let mut next = self.after(hole);
        while let Some(moved) = self.slots.get(next).copied().filter(|row| *row != EMPTY) {
            let home = self.id(moved).map_or(next, |id| self.home(&id));
            if self.distance(home, next) >= self.distance(hole, next) {
                self.put(hole, moved);
                hole = next;
            }
            next = self.after(next);
        }
        self.put(hole, EMPTY);
        self.free.push(row);
        Some(row)
    }

    /// How many ids there are.
    pub fn len(&self) -> usize {
        self.ids.len() - self.free.len()
    }

    fn slot(&self, id: &[u8; 16]) -> Option<usize> {
        let mut at = self.home(id);
        loop {
            let row = *self.slots.get(at)?;
            if row == EMPTY {
                return None;
            }
            if self.ids.get(row as usize) == Some(id) {
                return Some(at);
            }
            at = self.after(at);
        }
    }

    fn grow(&mut self) {
        let size = (self.slots.len() * 2).max(16);
        let rows: Vec<u32> = self.slots.iter().copied().filter(|row| *row != EMPTY).collect();
        self.slots = vec![EMPTY; size];
        for row in rows {
            if let Some(id) = self.id(row) {
                self.place(row, &id);
            }
        }
    }

    fn place(&mut self, row: u32, id: &[u8; 16]) {
        let mut at = self.home(id);
        while self.slots.get(at).is_some_and(|row| *row != EMPTY) {
            at = self.after(at);
        }
        self.put(at, row);
    }

    fn put(&mut self, at: usize, row: u32) {
        if let Some(slot) = self.slots.get_mut(at) {
            *slot = row;
        }
    }

    /// The table's size is a power of two.
    fn mask(&self) -> usize {
        self.slots.len().wrapping_sub(1)
    }

    fn home(&self, id: &[u8; 16]) -> usize {
        let (low, high) = (u128::from_le_bytes(*id) as u64, (u128::from_le_bytes(*id) >> 64) as u64);
        let mixed = (low ^ high.rotate_left(32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (mixed >> 32) as usize & self.mask()
    }

    fn after(&self, at: usize) -> usize {
        (at + 1) & self.mask()
    }

    fn distance(&self, from: usize, to: usize) -> usize {
        to.wrapping_sub(from) & self.mask()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: u32) -> [u8; 16] {
        let mut id = [0; 16];
        id[..4].copy_from_slice(&n.wrapping_mul(2_654_435_761).to_le_bytes());
        id
    }

    #[test]
    fn rows_are_given_in_order_and_found_again() {
        let mut ids = Ids::default();
        assert_eq!(ids.get(&id(1)), None);
        for n in 0..10_000 {
            assert_eq!(ids.add(id(n)), n);
        }
        for n in 0..10_000 {
            assert_eq!(ids.get(&id(n)), Some(n));
            assert_eq!(ids.id(n), Some(id(n)));
            assert_eq!(ids.add(id(n)), n);
        }
        assert_eq!(ids.get(&id(10_000)), None);
    }

    #[test]
    fn what_is_removed_is_gone_and_all_others_stay() {
        let mut ids = Ids::default();
        for n in 0..10_000 {
            ids.add(id(n));
        }
        for n in (0..10_000).filter(|n| n % 3 != 0) {
            assert_eq!(ids.remove(&id(n)), Some(n));
        }
        for n in 0..10_000 {
            assert_eq!(ids.get(&id(n)), (n % 3 == 0).then_some(n));
        }
        assert_eq!(ids.remove(&id(1)), None);
        assert_eq!(ids.len(), 3_334);
        let row = ids.add(id(20_000));
        assert!(row < 10_000 && row % 3 != 0, "a free row is used again");
        assert_eq!(ids.get(&id(20_000)), Some(row));
    }
}
