//! Why a row is rejected, or taken with a warning: a place and a sentence, never the content.

use std::fmt;

use domain::value::Invalid;

use super::record::{Fault, MAX_RECORD_BYTES};

/// Why a row is not taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Reason {
    /// A quotation mark without its partner.
    #[error("a quotation mark is opened and not closed")]
    Unclosed,
    /// Text between a closing quotation mark and the delimiter.
    #[error("text follows a closing quotation mark")]
    AfterQuote,
    /// A row beyond the limit.
    #[error("the row is longer than {MAX_RECORD_BYTES} bytes")]
    TooLong,
    /// Not as many fields as the header has columns.
    #[error("the row has {found} fields and the header {expected}")]
    FieldCount {
        /// As many as the header has.
        expected: usize,
        /// As many as the row has.
        found: usize,
    },
    /// A value that may not be recorded.
    #[error("the {field} {invalid}", field = .0, invalid = .1)]
    Value(super::field::Field, Invalid),
    /// More ways to reach somebody than are kept.
    #[error("{0}")]
    Point(domain::point::Rejection),
    /// Nobody to make a contact or an organization of.
    #[error("there is neither a name, nor an organization, nor a mail address")]
    Nobody,
    /// Somebody is being erased.
    #[error("this person's or organization's data is being erased")]
    Fenced,
    /// Beyond what a record holds.
    #[error("it is too large to be recorded")]
    TooLarge,
    /// The organization of this name was refused.
    #[error("the organization it names was not taken")]
    WithoutOrganization,
    /// The ledger does not take it as a contact.
    #[error("{0}")]
    Contact(domain::contact::Rejection),
    /// The ledger does not take it as an organization.
    #[error("{0}")]
    Organization(domain::organization::Rejection),
}

/// What is odd about a row that is taken all the same.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Oddity {
    /// Kept as written, without a normalized form beside it.
    #[error("the number does not follow the rules of its country; it is kept as written")]
    Number,
    /// Kept as written, without a code beside it.
    #[error("the country is not known; it is kept as written")]
    Country,
    /// Left out: it is no day, or could be two.
    #[error("the date is left out: it is not understood or could be two days")]
    Date,
    /// Left out: the domain does not take it.
    #[error("the {field} is left out: it {invalid}", field = .0, invalid = .1)]
    LeftOut(super::field::Field, Invalid),
    /// Line breaks and tabs in a cell that takes one line became spaces.
    #[error("line breaks became spaces")]
    LineBreak,
    /// The file holds U+FFFD, or bytes that are no text in its encoding.
    #[error("a character was unreadable before or is no text in this encoding")]
    Damaged,
    /// The person has no name, so the mail address stands for it.
    #[error("there is no name; the mail address stands for it")]
    Nameless,
}

/// A place in the file.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Spot {
    /// The line that the row begins on, from 1.
    pub line: u64,
    /// The column, from 1, where it is one column's.
    pub column: Option<u32>,
}

impl fmt::Display for Spot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.column {
            Some(column) => write!(f, "line {}, column {column}", self.line),
            None => write!(f, "line {}", self.line),
        }
    }
}

/// A row that is not taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{spot}: {reason}")]
pub struct Reject {
    /// Where.
    pub spot: Spot,
    /// Why.
    pub reason: Reason,
}

/// Something odd in a row that is taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Warning {
    /// Where.
    pub spot: Spot,
    /// What.
    pub oddity: Oddity,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.spot, self.oddity)
    }
}

impl Reject {
    /// The reject that a row which cannot be taken apart is.
    pub fn of_fault(line: u64, fault: Fault) -> Self {
        let (column, reason) = match fault {
            Fault::Unclosed(column) => (Some(column), Reason::Unclosed),
            Fault::AfterQuote(column) => (Some(column), Reason::AfterQuote),
            Fault::TooLong => (None, Reason::TooLong),
        };
        Self { spot: Spot { line, column }, reason }
    }
}
