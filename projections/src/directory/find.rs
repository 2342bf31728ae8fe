//! Finding rows by the beginnings of words.
//!
//! The words of all rows stand in one order. Rows are listed in the order of the word that the first word of the question
//! finds, and of the same word in the order of registration; a row with several such words is listed at the first. What
//! the other words find is put into one bit a row, and all of them must agree; what may be meant in several ways, or is longer
//! than what is looked up, is compared with the row itself. So the first page of two letters asks some
//! fifty rows, and the worst question passes once over the words that begin with its words: six bytes each.

use super::list::{Also, Filter, Sieve, Sort, is_before};
use super::{Directory, Word, by_word};
use crate::fold::first_sixteen;
use crate::page::{Cursor, CursorGone, Cut, Page};
use crate::store::{Bits, Gap};
use crate::subjects::sheet::Listed;
use crate::words::{Wanted, question};

impl<S: Listed> Directory<S> {
    /// A part of the list of rows that pass the filter and have words that begin with all words of the question. A
    /// question without a letter or digit finds nothing.
    pub fn find(
        &self,
        text: &str,
        filter: &Filter,
        also: Option<&Also<'_>>,
        cut: &Cut,
    ) -> Result<Page<u32>, CursorGone> {
        let wanted = question(text);
        let Some((first, others)) = wanted.split_first() else { return Ok(cut.take(std::iter::empty())) };
        let sieve = self.sieve(filter, also, Sort::Name);
        // The order of the first one's lead says all of it where it is plain.
        let others = others.iter().chain((!first.is_plain()).then_some(first)).map(|wanted| self.found(wanted));
        let others = others.reduce(|mut all, more| {
            all.and(&more);
            all
        });
        let doubtful: Vec<&Wanted> = wanted.iter().filter(|wanted| !wanted.is_plain()).collect();
        let first = first.lead();
        let (from, until) = self.range(first);
        let (_, cursor, forward) = cut.parts();
        let place = cursor.map(|cursor| self.found_at(first, cursor, forward)).transpose()?;
        let row = |word| self.hit(word, first, others.as_ref(), &doubtful, &sieve);
        Ok(if forward {
            let from = place.map_or(from, |place| place.max(from));
            cut.take(self.words.between(from, until).filter_map(row))
        } else {
            let until = place.map_or(until, |place| place.min(until));
            cut.take(self.words.between(from, until).rev().filter_map(row))
        })
    }

    fn hit(
        &self,
        word: Word,
        first: &str,
        others: Option<&Bits>,
        doubtful: &[&Wanted],
        sieve: &Sieve<'_>,
    ) -> Option<u32> {
        let row = word.row();
        if !others.is_none_or(|others| others.has(row)) || !self.passes(sieve, row) {
            return None;
        }
        let words = self.words_of(row);
        let is_first = words.iter().position(|word| word.starts_with(first)) == Some(word.number());
        (is_first && doubtful.iter().all(|wanted| wanted.is_met_by(&words))).then_some(row)
    }

    /// Where the words begin that begin so, and where they end. A beginning that is looked up is shorter than the keys.
    fn range(&self, beginning: &str) -> (Gap, Gap) {
        let low = first_sixteen(beginning);
        let taken = 8 * beginning.len().min(16) as u32;
        let high = low | u128::MAX.checked_shr(taken).unwrap_or(0);
        (self.words.gap(low, |_| false), self.words.gap(high, |_| true))
    }

    /// Rows that have what is looked up for it; where it is not plain, others among them.
    fn found(&self, wanted: &Wanted) -> Bits {
        let mut any = Bits::none(self.len());
        for mut beginnings in wanted.lists() {
            let Some(first) = beginnings.next() else { continue };
            let mut all = self.beginning(first);
            beginnings.for_each(|beginning| all.and(&self.beginning(beginning)));
            any.or(&all);
        }
        any
    }

    fn beginning(&self, beginning: &str) -> Bits {
        let (from, until) = self.range(beginning);
        let mut bits = Bits::none(self.len());
        self.words.between(from, until).for_each(|word| bits.set(word.row()));
        bits
    }

    /// The place of the row that a cursor names: behind it for a walk forward, before it for one backward.
    fn found_at(&self, first: &str, cursor: Cursor, behind: bool) -> Result<Gap, CursorGone> {
        let row = self.ids.get(&cursor.id).filter(|row| self.present.contains(*row)).ok_or(CursorGone)?;
        let words = self.words_of(row);
        let number = words.iter().position(|word| word.starts_with(first)).ok_or(CursorGone)?;
        let text = words.get(number);
        let word = Word::new(row, number);
        let before = |other| is_before(by_word::<S>(&self.sheets, other, text, word), behind);
        Ok(self.words.gap(first_sixteen(text), before))
    }
}
