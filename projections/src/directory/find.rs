//! Finding rows by the beginnings of words.
//!
//! The words of all rows stand in one order. Rows are listed in the order of the word that the first word of the question
//! finds, and of the same word in the order of registration; a row with several such words is listed at the first. What
//! the other words find is put into one bit a row, and all of them must agree. So the first page of two letters asks some
//! fifty rows, and the worst question passes once over the words that begin with its words: six bytes each.

use std::cmp::Ordering;

use super::list::{Also, Filter, Sieve, Sort, is_before};
use super::{Directory, Word, by_word, bytes};
use crate::fold::first_sixteen;
use crate::page::{Cursor, CursorGone, Cut, Page};
use crate::store::{Bits, Gap};
use crate::subjects::sheet::Listed;
use crate::words::question;

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
        let words = question(text);
        let Some((first, others)) = words.split_first() else { return Ok(cut.take(std::iter::empty())) };
        let sieve = self.sieve(filter, also, Sort::Name);
        let others = others.iter().map(|word| self.found(word)).reduce(|mut all, more| {
            all.and(&more);
            all
        });
        let (from, until) = self.range(first);
        let (_, cursor, forward) = cut.parts();
        let place = cursor.map(|cursor| self.found_at(first, cursor, forward)).transpose()?;
        let row = |word| self.hit(word, first, others.as_ref(), &sieve);
        Ok(if forward {
            let from = place.map_or(from, |place| place.max(from));
            cut.take(self.words.between(from, until).filter_map(row))
        } else {
            let until = place.map_or(until, |place| place.min(until));
            cut.take(self.words.between(from, until).rev().filter_map(row))
        })
    }

    fn hit(&self, word: Word, first: &str, others: Option<&Bits>, sieve: &Sieve<'_>) -> Option<u32> {
        let row = word.row();
        let found = others.is_none_or(|others| others.has(row)) && self.passes(sieve, row);
        (found && self.first_word(row, first) == Some(word.number())).then_some(row)
    }

    /// Where the words begin that begin so, and where they end.
    fn range(&self, beginning: &str) -> (Gap, Gap) {
        let low = first_sixteen(beginning);
        let long = beginning.len() > 16;
        let taken = 8 * beginning.len().min(16) as u32;
        let high = low | u128::MAX.checked_shr(taken).unwrap_or(0);
        let from = self.words.gap(low, |word| long && self.beginning(word, beginning) == Ordering::Less);
        let until = self.words.gap(high, |word| !long || self.beginning(word, beginning) != Ordering::Greater);
        (from, until)
    }

    /// How a word compares to all words that begin so.
    fn beginning(&self, word: Word, beginning: &str) -> Ordering {
        let words = S::words(bytes(&self.sheets, word.row()));
        let text = words.get(word.number());
        if text.starts_with(beginning) { Ordering::Equal } else { text.cmp(beginning) }
    }

    fn found(&self, beginning: &str) -> Bits {
        let (from, until) = self.range(beginning);
        let mut bits = Bits::none(self.len());
        self.words.between(from, until).for_each(|word| bits.set(word.row()));
        bits
    }

    fn first_word(&self, row: u32, beginning: &str) -> Option<usize> {
        self.words_of(row).iter().position(|word| word.starts_with(beginning))
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
