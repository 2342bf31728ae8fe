//! Pages: a part of a list, cut by keys, so that it stays right while rows are added.

use domain::time::Time;

use crate::store::Rows;

/// A place in a list: behind one row. It holds no personal data: in a list by name it is the row's id, and the name is
/// looked up again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cursor {
    /// The row.
    pub id: [u8; 16],
    /// The position of the record that changed it last, for lists by change.
    pub position: u64,
    /// When that was recorded.
    pub at: Time,
}

/// The row that a cursor names cannot be read any more, so its place in a list by name or in a search is unknown. Lists by
/// time go on: their places do not hang on what a person is called.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the place this page should begin at is gone; begin again from the first page")]
pub struct CursorGone;

/// Which part of a list.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cut {
    /// The first so many, behind a place.
    First {
        /// How many.
        count: usize,
        /// Behind which place; from the beginning without one.
        after: Option<Cursor>,
    },
    /// The last so many, before a place, in the order of the list.
    Last {
        /// How many.
        count: usize,
        /// Before which place; from the end without one.
        before: Option<Cursor>,
    },
}

impl Cut {
    /// The first so many.
    pub fn first(count: usize) -> Self {
        Self::First { count, after: None }
    }

    pub(crate) fn parts(&self) -> (usize, Option<Cursor>, bool) {
        match *self {
            Self::First { count, after } => (count, after, true),
            Self::Last { count, before } => (count, before, false),
        }
    }

    /// Takes one row more than asked for from a walk that goes the way of this cut.
    pub(crate) fn take<T>(&self, walk: impl Iterator<Item = T>) -> Page<T> {
        let (count, cursor, forward) = self.parts();
        let mut items: Vec<T> = walk.take(count.saturating_add(1)).collect();
        let more = items.len() > count;
        items.truncate(count);
        if forward {
            return Page { items, has_next: more, has_previous: cursor.is_some() };
        }
        items.reverse();
        Page { items, has_next: cursor.is_some(), has_previous: more }
    }
}

/// A part of the rows that are in all these sets and pass a check, by row number. The smallest set is walked, so a page takes
/// at most as many steps as that has rows.
pub(crate) fn cut_rows(
    sets: &[&Rows],
    passes: impl Fn(u32) -> bool,
    descending: bool,
    cursor: Option<u32>,
    cut: &Cut,
) -> Page<u32> {
    let Some(smallest) = sets.iter().min_by_key(|rows| rows.len()) else { return cut.take(std::iter::empty()) };
    let passes = |row: &u32| sets.iter().all(|rows| rows.contains(*row)) && passes(*row);
    let (_, _, forward) = cut.parts();
    if forward == descending {
        cut.take(smallest.before(cursor).filter(passes))
    } else {
        cut.take(smallest.after(cursor).filter(passes))
    }
}

/// A part of a list.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Page<T> {
    /// The rows, in the order of the list.
    pub items: Vec<T>,
    /// Whether there are more behind them. Before a cursor there are: the row that it names.
    pub has_next: bool,
    /// Whether there are more before them. Behind a cursor there are: the row that it names.
    pub has_previous: bool,
}

impl<T> Page<T> {
    pub(crate) fn filter_map<U>(self, to: impl FnMut(T) -> Option<U>) -> Page<U> {
        let Self { items, has_next, has_previous } = self;
        Page { items: items.into_iter().filter_map(to).collect(), has_next, has_previous }
    }

    /// The same page of something else.
    pub fn map<U>(self, to: impl FnMut(T) -> U) -> Page<U> {
        let Self { items, has_next, has_previous } = self;
        Page { items: items.into_iter().map(to).collect(), has_next, has_previous }
    }
}

/// From a moment on, and up to before another one.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Span {
    /// The first moment in it; since ever without one.
    pub from: Option<Time>,
    /// The first moment no more in it; for ever without one.
    pub until: Option<Time>,
}

impl Span {
    /// Whether a moment lies in it.
    pub fn holds(&self, time: Time) -> bool {
        self.from.is_none_or(|from| from <= time) && self.until.is_none_or(|until| time < until)
    }

    pub(crate) fn is_all(&self) -> bool {
        *self == Self::default()
    }
}
