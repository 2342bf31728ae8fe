//! The lists of a directory, made at once at the end of a replay: to sort everything once is much less work than to look
//! for the place of each row and each word.

use std::ops::Range;

use super::{Directory, Word, bytes, time_key};
use crate::fold::first_sixteen;
use crate::store::Order;
use crate::subjects::sheet::Listed;

impl<S: Listed> Directory<S> {
    /// The lists wait for [`Self::list_all`]. To be called before there is any row.
    pub fn put_off(&mut self) {
        self.put_off = true;
    }

    /// Lists all rows.
    pub fn list_all(&mut self) {
        self.put_off = false;
        self.names = self.sorted_names();
        self.changes = self.sorted_changes();
        self.words = self.sorted_words();
        for row in self.present.iter().collect::<Vec<_>>() {
            self.list_holding(row);
            self.list_groups(row);
        }
    }

    fn sorted_names(&self) -> Order<u128, u32> {
        let mut names: Vec<(u128, u32)> =
            self.present.iter().map(|row| (first_sixteen(&self.name_of(row)), row)).collect();
        names.sort_unstable();
        for run in long_runs(&names) {
            let rows = names.get_mut(run).unwrap_or_default();
            rows.sort_by_cached_key(|(_, row)| (self.name_of(*row), *row));
        }
        Order::of(names.into_iter())
    }

    fn sorted_changes(&self) -> Order<u64, u32> {
        let facts = |row| Some((row, self.facts(row)?));
        let changes = self.present.iter().filter_map(facts);
        let mut changes: Vec<(u64, u64, u32)> =
            changes.map(|(row, facts)| (time_key(facts.changed_at), facts.changed, row)).collect();
        changes.sort_unstable();
        Order::of(changes.into_iter().map(|(at, _, row)| (at, row)))
    }

    fn sorted_words(&self) -> Order<u128, Word> {
        let mut words: Vec<(u128, Word)> = Vec::new();
        for row in self.present.iter() {
            let texts = S::words(bytes(&self.sheets, row));
            words.extend(texts.iter().enumerate().map(|(number, text)| (first_sixteen(text), Word::new(row, number))));
        }
        words.sort_unstable();
        for run in long_runs(&words) {
            let words = words.get_mut(run).unwrap_or_default();
            words.sort_by_cached_key(|(_, word)| (self.words_of(word.row()).get(word.number()).to_owned(), *word));
        }
        Order::of(words.into_iter())
    }
}

/// Where more than one text begins with the same sixteen bytes and may go on: texts hold no zero byte.
fn long_runs<I>(sorted: &[(u128, I)]) -> Vec<Range<usize>> {
    let mut start = 0;
    let mut runs = Vec::new();
    for run in sorted.chunk_by(|(one, _), (other, _)| one == other) {
        if run.len() > 1 && run.first().is_some_and(|(key, _)| *key as u8 != 0) {
            runs.push(start..start + run.len());
        }
        start += run.len();
    }
    runs
}
