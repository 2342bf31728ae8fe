//! Whose stream it is: known from the sealed part of its first record, for as long as that can be opened.

use crate::id::SubjectId;
use crate::personal::{Gone, Held};

/// Whose data a stream holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Owner {
    /// The stream has no record yet.
    #[default]
    Nobody,
    /// This subject's.
    Subject(SubjectId),
    /// Somebody's who cannot be named any more, or not now.
    Gone(Gone),
}

impl Owner {
    /// The owner by the first part of the stream.
    pub fn of<T>(part: &Held<T>) -> Self {
        part.read(|personal| personal.subject()).map_or_else(Self::Gone, Self::Subject)
    }

    /// Whether the stream has begun.
    pub fn is_known(self) -> bool {
        self != Self::Nobody
    }
}
