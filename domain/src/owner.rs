//! Whose data a stream holds: known from the sealed part of its first record, for as long as that can be opened.

use crate::compartment::Compartment;
use crate::id::{ContactId, OrganizationId, SubjectId};
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

/// The person a ticket or quote is about, as the command names them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Person {
    /// Whose data the contact is.
    pub subject: SubjectId,
    /// The contact.
    pub contact: ContactId,
}

/// The organization a ticket or quote is about, as the command names it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Company {
    /// Whose data the organization is.
    pub subject: SubjectId,
    /// The organization.
    pub organization: OrganizationId,
}

/// The subject and compartment that the texts of one ticket or quote are sealed under.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Home {
    /// Whose key.
    pub subject: SubjectId,
    /// Which of their keys.
    pub compartment: Compartment,
}

impl Home {
    /// Where this part is sealed.
    pub fn of<T>(part: &Held<T>) -> Result<Self, Gone> {
        part.read(|personal| Self { subject: personal.subject(), compartment: personal.compartment() })
    }

    /// One more value for the same key.
    pub fn seal<T>(self, value: T) -> Held<T> {
        Held::new(self.subject, self.compartment, value)
    }
}
