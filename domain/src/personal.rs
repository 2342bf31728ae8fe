//! Personal data: a value that knows whose it is and what it dies with, and that nothing can print or write by accident.

use crate::compartment::Compartment;
use crate::id::SubjectId;

/// A value about a subject. It has no `Display`, no `Serialize` and no value in its `Debug`; [`Personal::expose`] is the
/// one way in.
///
/// ```
/// use domain::{compartment::Compartment, id::SubjectId, personal::Personal};
/// let name = Personal::new(SubjectId([7; 16]), Compartment::Relationship, "Maria");
/// assert_eq!(name.expose().len(), 5);
/// ```
///
/// ```compile_fail
/// use domain::{compartment::Compartment, id::SubjectId, personal::Personal};
/// let name = Personal::new(SubjectId([7; 16]), Compartment::Relationship, "Maria");
/// println!("{name}");
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Personal<T> {
    subject: SubjectId,
    compartment: Compartment,
    value: T,
}

impl<T> Personal<T> {
    /// Marks a value as this subject's, to be sealed under the key of this compartment.
    pub fn new(subject: SubjectId, compartment: Compartment, value: T) -> Self {
        Self { subject, compartment, value }
    }

    /// Whose it is. The id is personal too.
    pub fn subject(&self) -> SubjectId {
        self.subject
    }

    /// What it dies with.
    pub fn compartment(&self) -> Compartment {
        self.compartment
    }

    /// The value in clear. Whoever calls this answers for where it goes.
    pub fn expose(&self) -> &T {
        &self.value
    }

    /// The value in clear, for whoever takes it over.
    pub fn into_exposed(self) -> T {
        self.value
    }
}

impl<T> std::fmt::Debug for Personal<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Personal({})", self.compartment)
    }
}

/// Why a value that was recorded cannot be read. A bad tag, or a lost key that nobody has declared lost, is a failure and never
/// gets here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Gone {
    /// Its key was destroyed.
    Erased,
    /// Its key is fenced: an erasure was approved and waits.
    Withheld,
    /// Its key was lost, as an operator has declared. That is no erasure: nobody asked for it.
    Lost,
}

/// Personal data as it is read: the value, or the reason why there is none.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Held<T> {
    /// The key is live.
    Here(Personal<T>),
    /// No key, and the log says why.
    Gone(Gone),
}

impl<T> Held<T> {
    /// A value just made, on its way to be sealed.
    pub fn new(subject: SubjectId, compartment: Compartment, value: T) -> Self {
        Self::Here(Personal::new(subject, compartment, value))
    }

    /// The value, where it is still there.
    pub fn here(&self) -> Option<&Personal<T>> {
        match self {
            Self::Here(personal) => Some(personal),
            Self::Gone(_) => None,
        }
    }

    /// Something of the value (an id, say), or the reason why there is none.
    pub fn read<U>(&self, part: impl FnOnce(&Personal<T>) -> U) -> Result<U, Gone> {
        match self {
            Self::Here(personal) => Ok(part(personal)),
            Self::Gone(gone) => Err(*gone),
        }
    }
}
