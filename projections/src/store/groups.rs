//! Rows by an id that many of them share: the contacts of an organization, the tickets of a contact.

use super::{Ids, Rows};

/// A set of rows for each id that has any.
#[derive(Default)]
pub(crate) struct Groups {
    ids: Ids,
    rows: Vec<Rows>,
}

impl Groups {
    /// The rows of an id; none where it has none.
    pub fn get(&self, id: &[u8; 16]) -> Option<&Rows> {
        self.ids.get(id).and_then(|group| self.rows.get(group as usize))
    }

    /// Puts a row under an id.
    pub fn add(&mut self, id: [u8; 16], row: u32) {
        let group = self.ids.add(id) as usize;
        if group >= self.rows.len() {
            self.rows.resize_with(group + 1, Rows::default);
        }
        if let Some(rows) = self.rows.get_mut(group) {
            rows.insert(row);
        }
    }

    /// Takes a row from under an id. An id without rows is forgotten: that anybody had it is personal.
    pub fn remove(&mut self, id: &[u8; 16], row: u32) {
        let rows = self.ids.get(id).and_then(|group| self.rows.get_mut(group as usize));
        if rows.is_some_and(|rows| rows.remove(row) && rows.is_empty()) {
            self.ids.remove(id);
        }
    }

    /// All ids with their rows, in the order of the ids.
    pub fn sorted(&self) -> Vec<([u8; 16], &Rows)> {
        let rows = self.rows.iter().enumerate().filter(|(_, rows)| !rows.is_empty());
        let mut all: Vec<_> = rows.filter_map(|(group, rows)| Some((self.ids.id(group as u32)?, rows))).collect();
        all.sort_unstable_by_key(|(id, _)| *id);
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_without_rows_is_forgotten() {
        let mut groups = Groups::default();
        groups.add([1; 16], 7);
        groups.add([1; 16], 3);
        groups.add([2; 16], 7);
        assert!(groups.get(&[1; 16]).unwrap().iter().eq([3, 7]));
        groups.remove(&[1; 16], 7);
        groups.remove(&[1; 16], 3);
        assert!(groups.get(&[1; 16]).is_none());
        groups.add([3; 16], 1);
        let sorted: Vec<([u8; 16], usize)> = groups.sorted().iter().map(|(id, rows)| (*id, rows.len())).collect();
        assert_eq!(sorted, [([2; 16], 1), ([3; 16], 1)]);
    }
}
