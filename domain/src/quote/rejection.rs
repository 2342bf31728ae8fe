//! What a quote refuses, in words a user may read.

use super::amount::TooLarge;
use crate::personal::Gone;
use crate::time::Day;

/// Why not.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Rejection {
    /// The id is taken.
    #[error("this quote is drafted already")]
    AlreadyDrafted,
    /// The id names nothing.
    #[error("there is no such quote")]
    NotDrafted,
    /// It is for nobody.
    #[error("a quote is for a contact or an organization")]
    NobodyNamed,
    /// Whom it is for was erased.
    #[error("this quote takes no more text: whom it is for was erased")]
    Erased,
    /// An erasure was approved.
    #[error("this quote takes no more text: the erasure of whom it is for was approved")]
    Fenced,
    /// The key was lost.
    #[error("this quote takes no more text: the key of whom it is for was lost")]
    Lost,
    /// It offers nothing.
    #[error("a quote has 1 to {limit} lines")]
    WrongNumberOfLines {
        /// How many are allowed.
        limit: usize,
    },
    /// Lines and descriptions are not as many.
    #[error("each line of a quote has one description")]
    DescriptionsDiffer,
    /// A line offers nothing, or too much.
    #[error("the quantity on a line is more than 0 and at most {limit} thousandths")]
    WrongQuantity {
        /// The largest, in thousandths.
        limit: u64,
    },
    /// A sum that no record can hold.
    #[error("the amounts of this quote are too large")]
    AmountTooLarge,
    /// Too many words.
    #[error("this is too much at once: all texts together may have {limit} bytes")]
    TooMuch {
        /// How many bytes are allowed.
        limit: usize,
    },
    /// Too many versions.
    #[error("a quote may have {limit} versions")]
    TooManyVersions {
        /// How many are allowed.
        limit: u32,
    },
    /// Its last day is over.
    #[error("the last day of this quote is over: {valid_until}")]
    Expired {
        /// The day.
        valid_until: Day,
    },
    /// There is a later version, or never was this one.
    #[error("the last version of this quote is {last}")]
    NotTheLastVersion {
        /// Its number.
        last: u32,
    },
    /// No version went out.
    #[error("this quote was not sent")]
    NotSent,
    /// Another version went out last.
    #[error("the version of this quote that was sent last is {last}")]
    NotTheLastSent {
        /// Its number.
        last: u32,
    },
    /// It was accepted.
    #[error("this quote was accepted and changes no more")]
    Accepted,
    /// It was rejected.
    #[error("this quote was rejected; a new version may follow")]
    Rejected,
}

impl From<Gone> for Rejection {
    fn from(gone: Gone) -> Self {
        match gone {
            Gone::Erased => Self::Erased,
            Gone::Withheld => Self::Fenced,
            Gone::Lost => Self::Lost,
        }
    }
}

impl From<TooLarge> for Rejection {
    fn from(_: TooLarge) -> Self {
        Self::AmountTooLarge
    }
}
