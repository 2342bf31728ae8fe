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
    fn a_cursor_reads_back_and_nothing_else_does() {
        let cursor = Opaque(Cursor { id: [7; 16], position: 9, at: Time(-5) });
        assert_eq!(Opaque::decode_cursor(&cursor.encode_cursor()), Ok(cursor));
        for strange in ["", "abc", &"g".repeat(64), &"A".repeat(64)] {
            assert_eq!(Opaque::decode_cursor(strange), Err(NotACursor), "{strange}");
        }
    }
}
