//! What a ticket refuses, in words a user may read.

use crate::personal::Gone;
use crate::time::Day;

/// Why not.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Rejection {
    /// The id is taken.
    #[error("this ticket is open already")]
    AlreadyOpened,
    /// The id names nothing.
    #[error("there is no such ticket")]
    NotOpened,
    /// Nobody asks.
    #[error("a ticket belongs to a contact or an organization")]
    NobodyNamed,
    /// Whose it is was erased.
    #[error("this ticket takes no more text: whose it is was erased")]
    Erased,
    /// An erasure was approved.
    #[error("this ticket takes no more text: the erasure of whose it is was approved")]
    Fenced,
    /// The key was lost.
    #[error("this ticket takes no more text: the key of whose it is was lost")]
    Lost,
    /// There is a solution.
    #[error("this ticket is solved; reopen it first")]
    AlreadySolved,
    /// It waits for an answer.
    #[error("this ticket is open")]
    NotSolved,
    /// It is over.
    #[error("this ticket is closed")]
    Closed,
    /// It was over for too long.
    #[error("this ticket could be reopened until {until}; open a new one")]
    TooLate {
        /// The last day.
        until: Day,
    },
    /// Too many messages.
    #[error("a ticket may have {limit} messages; open a new one")]
    TooManyMessages {
        /// How many are allowed.
        limit: usize,
    },
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
