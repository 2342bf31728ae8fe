//! Relay connections over the views' pages, and cursors that hold no personal data.

use async_graphql::OutputType;
use async_graphql::connection::{Connection, CursorType, Edge, EmptyFields};
use domain::time::Time;
use projections::{Cursor, CursorGone, Cut, Page};

use super::outcome::bad_request;

/// The most rows of one page.
pub const MOST: usize = 100;
/// The rows of a page where nobody says how many.
pub const USUAL: usize = 20;

/// A page's place, written without anything personal: a row's id and where it stood.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Opaque(pub Cursor);

/// A text that is no cursor of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this cursor is none that a page gave out")]
pub struct NotACursor;

impl CursorType for Opaque {
    type Error = NotACursor;

    fn decode_cursor(text: &str) -> Result<Self, NotACursor> {
        let plain = text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        let (id, rest) = text.split_at_checked(32).filter(|_| plain).ok_or(NotACursor)?;
        let (position, at) = rest.split_at_checked(16).ok_or(NotACursor)?;
        let id = u128::from_str_radix(id, 16).map_err(|_| NotACursor)?;
        let position = u64::from_str_radix(position, 16).map_err(|_| NotACursor)?;
        let at = u64::from_str_radix(at, 16).map_err(|_| NotACursor)?;
        Ok(Self(Cursor { id: id.to_be_bytes(), position, at: Time(at.cast_signed()) }))
    }

    fn encode_cursor(&self) -> String {
        let Cursor { id, position, at } = self.0;
        format!("{:032x}{position:016x}{:016x}", u128::from_be_bytes(id), at.0.cast_unsigned())
    }
}

/// The arguments of a connection.
#[derive(Clone, Debug, Default)]
pub struct Paging {
    /// The first so many …
    pub first: Option<i32>,
    /// … behind this.
    pub after: Option<String>,
    /// The last so many …
    pub last: Option<i32>,
    /// … before this.
    pub before: Option<String>,
}

impl Paging {
    /// The cut of a list that they ask for.
    pub fn cut(&self) -> async_graphql::Result<Cut> {
        let cursor = |text: &Option<String>| match text {
            None => Ok(None),
            Some(text) => Opaque::decode_cursor(text).map(|opaque| Some(opaque.0)).map_err(bad_request),
        };
        match (self.first, self.last, &self.after, &self.before) {
            (Some(_), Some(_), ..) => Err(bad_request("give first or last, not both")),
            (first, None, after, None) => Ok(Cut::First { count: count(first)?, after: cursor(after)? }),
            (None, last, None, before) => Ok(Cut::Last { count: count(last)?, before: cursor(before)? }),
            _ => Err(bad_request("after goes with first, before with last")),
        }
    }
}

fn count(asked: Option<i32>) -> async_graphql::Result<usize> {
    let Some(asked) = asked else { return Ok(USUAL) };
    match usize::try_from(asked) {
        Ok(count) if count <= MOST => Ok(count),
        _ => Err(bad_request(format!("a page has at most {MOST} rows"))),
    }
}

/// The part of a list in memory that a cut asks for, with the numbers of its rows. `number` finds the row of a cursor.
pub fn cut_list<'a, T>(
    list: &'a [T],
    cut: &Cut,
    number: impl Fn(&Cursor) -> Option<usize>,
) -> Result<Page<(usize, &'a T)>, CursorGone> {
    let find = |cursor: Option<&Cursor>| cursor.map(|cursor| number(cursor).ok_or(CursorGone)).transpose();
    let length = list.len();
    let (start, end) = match cut {
        Cut::First { count, after } => {
            let start = find(after.as_ref())?.map_or(0, |row| row + 1);
            (start, start.saturating_add(*count).min(length))
        }
        Cut::Last { count, before } => {
            let end = find(before.as_ref())?.unwrap_or(length);
            (end.saturating_sub(*count), end)
        }
    };
    let items = list.iter().enumerate().take(end).skip(start).collect();
    Ok(Page { items, has_next: end < length, has_previous: start > 0 })
}

/// A page as a connection.
pub fn connection<T: OutputType>(
    page: Result<Page<(Cursor, T)>, CursorGone>,
) -> async_graphql::Result<Connection<Opaque, T, EmptyFields, EmptyFields>> {
    let page = match page {
        Ok(page) => page,
        Err(gone) => return Err(bad_request(gone)),
    };
    let mut connection = Connection::new(page.has_previous, page.has_next);
    connection.edges.extend(page.items.into_iter().map(|(cursor, node)| Edge::new(Opaque(cursor), node)));
    Ok(connection)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_in_memory_is_cut_from_both_ends() {
        let cursor = |id: u8| Some(Cursor { id: [id; 16], position: 0, at: Time(0) });
        let number = |cursor: &Cursor| Some(usize::from(cursor.id[0])).filter(|row| *row < 5);
        let cut = |cut: Cut| {
            let page = cut_list(&[10, 11, 12, 13, 14], &cut, number)?;
            assert!(page.items.iter().all(|(row, item)| row + 10 == **item));
            let rows: Vec<_> = page.items.iter().map(|(row, _)| *row).collect();
            Ok((rows, page.has_previous, page.has_next))
        };
        assert_eq!(cut(Cut::First { count: 2, after: None }), Ok((vec![0, 1], false, true)));
        assert_eq!(cut(Cut::First { count: 9, after: cursor(1) }), Ok((vec![2, 3, 4], true, false)));
        assert_eq!(cut(Cut::First { count: 2, after: cursor(4) }), Ok((vec![], true, false)));
        assert_eq!(cut(Cut::Last { count: 2, before: None }), Ok((vec![3, 4], true, false)));
        assert_eq!(cut(Cut::Last { count: 9, before: cursor(2) }), Ok((vec![0, 1], false, true)));
        assert_eq!(cut(Cut::First { count: 1, after: cursor(7) }), Err(CursorGone));
    }

    #[test]
    fn a_cursor_reads_back_and_nothing_else_does() {
        let cursor = Opaque(Cursor { id: [7; 16], position: 9, at: Time(-5) });
        assert_eq!(Opaque::decode_cursor(&cursor.encode_cursor()), Ok(cursor));
        for strange in ["", "abc", &"g".repeat(64), &"A".repeat(64)] {
            assert_eq!(Opaque::decode_cursor(strange), Err(NotACursor), "{strange}");
        }
    }
}
