//! Lists of a directory, filtered and sorted.
//!
//! A filter that names an organization, tags, a source or a reason is put together from sets of rows, one bit a row. When
//! few rows are left they are sorted at once; else the sort order is walked from the page's place and each row's bit
//! asked. One large set alone is asked as it is. So a page takes some ten microseconds without a filter, and at a million rows some hundred with one. Without
//! that bound is only a span of changes that holds more than [`SPAN`] rows, in a list by name or creation of which few
//! pass the rest: at most all rows are walked, some ten milliseconds at a million.

use std::cmp::Ordering;
use std::ops::Range;

use domain::holding::{ReasonKind, SourceKind};
use domain::id::OrganizationId;
use domain::time::Time;
use domain::value::Tag;

use super::{Directory, by_change, by_name, time_key};
use crate::fold::first_sixteen;
use crate::page::{Cursor, CursorGone, Cut, Page, Span};
use crate::store::{Bits, Gap, Rows};
use crate::subjects::sheet::Listed;

/// Up to so many rows are sorted for a page; of more, the order is walked.
const SORTED: usize = 512;
/// A set alone is large when it has one of so many rows.
const LARGE: usize = 8;
/// A span of changes with up to so many rows is made a set.
const SPAN: usize = 50_000;

/// By what a list is sorted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Sort {
    /// Folded name; of the same name, who was registered first.
    #[default]
    Name,
    /// When it was registered.
    Created,
    /// When it changed last.
    Changed,
}

/// Which way.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Direction {
    /// Smallest first, oldest first.
    #[default]
    Ascending,
    /// Largest first, newest first.
    Descending,
}

/// Which rows. What is not named is not asked.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Filter {
    /// Contacts: of this organization. Organizations: with this parent.
    pub organization: Option<OrganizationId>,
    /// With all these tags, folded.
    pub tags: Vec<Tag>,
    /// From this source.
    pub source: Option<SourceKind>,
    /// For this reason.
    pub reason: Option<ReasonKind>,
    /// Registered within.
    pub created: Span,
    /// Changed last within.
    pub changed: Span,
    /// Also what lies in the recycle bin.
    pub with_bin: bool,
}

/// A condition that another view answers: sets of which a row is in any, and a question to each of these rows.
pub(crate) struct Also<'a> {
    /// No other rows; any, where none are named.
    pub rows: Option<Vec<&'a Rows>>,
    /// And of these only those of which this is true.
    pub check: &'a dyn Fn(u32) -> bool,
}

/// A filter, made ready to be asked for every row.
pub(super) struct Sieve<'a> {
    among: Among<'a>,
    rows: Range<u32>,
    changed: Span,
    check: Option<&'a dyn Fn(u32) -> bool>,
}

/// The rows that a filter's sets leave.
enum Among<'a> {
    All,
    Set(&'a Rows),
    Bits(Bits),
}

impl Among<'_> {
    fn has(&self, row: u32) -> bool {
        match self {
            Self::All => true,
            Self::Set(rows) => rows.contains(row),
            Self::Bits(bits) => bits.has(row),
        }
    }
}

/// Where a page begins.
struct Place {
    row: u32,
    name: String,
    changed: (Time, u64),
}

impl<S: Listed> Directory<S> {
    /// A part of the list of rows that pass the filter.
    pub fn page(
        &self,
        filter: &Filter,
        also: Option<&Also<'_>>,
        (sort, direction): (Sort, Direction),
        cut: &Cut,
    ) -> Result<Page<u32>, CursorGone> {
        let sieve = self.sieve(filter, also, sort);
        let (_, cursor, forward) = cut.parts();
        let ascending = (direction == Direction::Ascending) == forward;
        let place = cursor.map(|cursor| self.place(sort, cursor)).transpose()?;
        Ok(match &sieve.among {
            Among::Bits(bits) if bits.len() <= SORTED => {
                let mut rows: Vec<u32> = bits.iter().filter(|row| self.passes(&sieve, *row)).collect();
                self.sort(&mut rows, sort);
                let before = place.map(|place| self.count_before(&rows, sort, &place, ascending));
                if ascending {
                    cut.take(rows.iter().skip(before.unwrap_or(0)).copied())
                } else {
                    cut.take(rows.iter().take(before.unwrap_or(rows.len())).rev().copied())
                }
            }
            _ => self.walk(&sieve, sort, ascending, place.as_ref(), cut),
        })
    }

    /// How many rows pass the filter.
    pub fn count(&self, filter: &Filter, also: Option<&Also<'_>>) -> usize {
        let sieve = self.sieve(filter, also, Sort::Name);
        let all_rows = sieve.rows.len() >= self.len() && sieve.changed.is_all() && sieve.check.is_none();
        let passes = |row: &u32| self.passes(&sieve, *row);
        match &sieve.among {
            Among::All if all_rows => self.present(),
            Among::All => self.present.iter().filter(passes).count(),
            Among::Set(rows) if all_rows => rows.len(),
            Among::Set(rows) => rows.iter().filter(passes).count(),
            Among::Bits(bits) if all_rows => bits.len(),
            Among::Bits(bits) => bits.iter().filter(passes).count(),
        }
    }

    pub(super) fn sieve<'a>(&'a self, filter: &Filter, also: Option<&Also<'a>>, sort: Sort) -> Sieve<'a> {
        let mut sets = Sets { rows: self.len(), alone: Vec::new(), bits: None };
        if let Some(organization) = filter.organization {
            sets.only(self.members(&organization.0));
        }
        filter.tags.iter().for_each(|tag| sets.only(self.tags.get(&*tag.folded())));
        filter.source.iter().for_each(|source| sets.only(self.sources.get(source)));
        filter.reason.iter().for_each(|reason| sets.only(self.reasons.get(reason)));
        also.and_then(|also| also.rows.as_ref()).into_iter().for_each(|rows| sets.any(rows));
        let mut changed = filter.changed;
        if !changed.is_all() && sort != Sort::Changed {
            let (from, until) = self.changes_within(changed);
            if self.changes.count(from, until) <= SPAN {
                sets.these(self.changes.between(from, until));
                changed = Span::default();
            }
        }
        let check = also.map(|also| also.check);
        Sieve { among: sets.among(), rows: self.created_within(filter.created), changed, check }
    }

    pub(super) fn passes(&self, sieve: &Sieve<'_>, row: u32) -> bool {
        let changed_at = || self.facts.get(row as usize).map_or(Time(i64::MIN), |facts| facts.changed_at);
        sieve.among.has(row)
            && sieve.rows.contains(&row)
            && (sieve.changed.is_all() || sieve.changed.holds(changed_at()))
            && sieve.check.is_none_or(|check| check(row))
    }

    fn walk(&self, sieve: &Sieve<'_>, sort: Sort, ascending: bool, place: Option<&Place>, cut: &Cut) -> Page<u32> {
        let passes = |row: &u32| self.passes(sieve, *row);
        match (sort, ascending) {
            (Sort::Created, true) => {
                let after = place.map(|place| place.row).max(sieve.rows.start.checked_sub(1));
                cut.take(self.present.after(after).take_while(|row| *row < sieve.rows.end).filter(passes))
            }
            (Sort::Created, false) => {
                let before = place.map_or(sieve.rows.end, |place| place.row.min(sieve.rows.end));
                let rows = self.present.before(Some(before)).take_while(|row| *row >= sieve.rows.start);
                cut.take(rows.filter(passes))
            }
            (Sort::Name, true) => {
                let from = place.map_or(self.names.start(), |place| self.name_gap(place, true));
                cut.take(self.names.forward(from).filter(passes))
            }
            (Sort::Name, false) => {
                let until = place.map_or(self.names.end(), |place| self.name_gap(place, false));
                cut.take(self.names.backward(until).filter(passes))
            }
            (Sort::Changed, true) => {
                let (from, until) = self.changes_within(sieve.changed);
                let from = place.map_or(from, |place| self.change_gap(place, true).max(from));
                cut.take(self.changes.between(from, until).filter(passes))
            }
            (Sort::Changed, false) => {
                let (from, until) = self.changes_within(sieve.changed);
                let until = place.map_or(until, |place| self.change_gap(place, false).min(until));
                cut.take(self.changes.between(from, until).rev().filter(passes))
            }
        }
    }

    fn place(&self, sort: Sort, cursor: Cursor) -> Result<Place, CursorGone> {
        let row = self.ids.get(&cursor.id).ok_or(CursorGone)?;
        let by_name = sort == Sort::Name;
        if by_name && !self.present.contains(row) {
            return Err(CursorGone);
        }
        let name = if by_name { self.name_of(row) } else { String::new() };
        Ok(Place { row, name, changed: (cursor.at, cursor.position) })
    }

    /// Behind the row for a walk upwards, before it for a walk downwards.
    fn name_gap(&self, place: &Place, behind: bool) -> Gap {
        let before = |other| is_before(by_name::<S>(&self.sheets, other, &place.name, place.row), behind);
        self.names.gap(first_sixteen(&place.name), before)
    }

    /// The place of a change, even if the row has changed again.
    fn change_gap(&self, place: &Place, behind: bool) -> Gap {
        let (at, position) = place.changed;
        self.changes.gap(time_key(at), |other| is_before(self.changed(other).cmp(&position), behind))
    }

    fn changes_within(&self, span: Span) -> (Gap, Gap) {
        let from = span.from.map_or(self.changes.start(), |from| self.changes.gap(time_key(from), |_| false));
        let until = span.until.map_or(self.changes.end(), |until| self.changes.gap(time_key(until), |_| false));
        (from, until.max(from))
    }

    /// Rows are given in the order of the log, and its clock never goes back.
    fn created_within(&self, span: Span) -> Range<u32> {
        let first = |time: Time| self.facts.partition_point(|facts| facts.created_at < time) as u32;
        span.from.map_or(0, first)..span.until.map_or(self.len() as u32, first)
    }

    fn sort(&self, rows: &mut [u32], sort: Sort) {
        match sort {
            Sort::Created => {}
            Sort::Name => rows.sort_by_cached_key(|row| (self.name_of(*row), *row)),
            Sort::Changed => rows.sort_by(|a, b| by_change(&self.facts, *a, *b)),
        }
    }

    /// How many of the sorted rows lie before a place, its own among them for a walk upwards.
    fn count_before(&self, rows: &[u32], sort: Sort, place: &Place, behind: bool) -> usize {
        rows.partition_point(|row| {
            let than = match sort {
                Sort::Created => row.cmp(&place.row),
                Sort::Changed => self.changed(*row).cmp(&place.changed.1),
                Sort::Name => self.name_of(*row).cmp(&place.name).then(row.cmp(&place.row)),
            };
            is_before(than, behind)
        })
    }

    fn changed(&self, row: u32) -> u64 {
        self.facts.get(row as usize).map_or(0, |facts| facts.changed)
    }
}

/// Whether what compares so lies before a gap that is behind the place itself, or before it.
pub(super) fn is_before(than: Ordering, behind: bool) -> bool {
    than == Ordering::Less || (behind && than == Ordering::Equal)
}

/// Sets that a row must be in, put together.
struct Sets<'a> {
    rows: usize,
    /// Each of these, of which one may be missing, and then there is no such row.
    alone: Vec<Option<&'a Rows>>,
    bits: Option<Bits>,
}

impl<'a> Sets<'a> {
    fn only(&mut self, rows: Option<&'a Rows>) {
        self.alone.push(rows);
    }

    fn any(&mut self, sets: &[&Rows]) {
        let mut bits = Bits::none(self.rows);
        sets.iter().for_each(|rows| rows.mark(&mut bits));
        self.and(bits);
    }

    fn these(&mut self, rows: impl Iterator<Item = u32>) {
        let mut bits = Bits::none(self.rows);
        rows.for_each(|row| bits.set(row));
        self.and(bits);
    }

    fn and(&mut self, bits: Bits) {
        match &mut self.bits {
            Some(all) => all.and(&bits),
            none => *none = Some(bits),
        }
    }

    fn among(mut self) -> Among<'a> {
        if let ([Some(rows)], None) = (&*self.alone, &self.bits)
            && rows.len() >= self.rows / LARGE
        {
            return Among::Set(rows);
        }
        for rows in std::mem::take(&mut self.alone) {
            self.any(rows.as_slice());
        }
        self.bits.map_or(Among::All, Among::Bits)
    }
}
