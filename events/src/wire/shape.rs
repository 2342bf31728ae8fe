//! How a form is declared: once, as a type and as the table that `FORMAT.md` must show.

use crate::codec::CodecError;

/// The personal fields of a part, each as its canonical bytes, in order: what the commitment has its leaves from.
pub type Fields = Vec<Vec<u8>>;

/// Name and stored type of each field, in order.
pub type Columns = &'static [(&'static str, &'static str)];

/// One stored form, for the document and for those who read logs without this program.
#[derive(Debug)]
pub struct Shape {
    /// The name of the fact.
    pub kind: &'static str,
    /// The version of the form.
    pub version: u16,
    /// Name and stored type of each fact.
    pub facts: Columns,
    /// The sealed parts in order: how many there are of it, and name and stored type of each field.
    pub parts: &'static [(&'static str, Columns)],
}

/// A part's stored form.
pub(crate) trait Part: Sized {
    /// Each field's canonical bytes.
    fn to_fields(&self) -> Result<Fields, CodecError>;
    /// Reads what [`Part::to_fields`] wrote, and nothing else.
    fn from_fields(fields: &[Vec<u8>]) -> Result<Self, CodecError>;
}

/// What is read in the place of a field that a redaction took: nothing, where the form can say so. Such a field has no bytes.
pub(crate) trait Blank: Sized {
    /// The value that says nothing.
    fn blank() -> Option<Self> {
        None
    }
}

impl<T> Blank for Option<T> {
    fn blank() -> Option<Self> {
        Some(None)
    }
}

impl<T> Blank for Vec<T> {
    fn blank() -> Option<Self> {
        Some(Vec::new())
    }
}

impl Blank for String {}
impl Blank for [u8; 16] {}

/// Declares the facts of a form.
macro_rules! facts {
    ($(#[$doc:meta])* $name:ident { $($field:ident: $type:ty),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
        pub(crate) struct $name {
            $(pub(crate) $field: $type,)*
        }

        impl $name {
            pub(crate) const FIELDS: $crate::wire::Columns = &[$((stringify!($field), stringify!($type))),*];
        }
    };
}

/// Declares the fields of a sealed part, or of a structure inside one.
macro_rules! part {
    ($(#[$doc:meta])* $name:ident { $($field:ident: $type:ty),* $(,)? }) => {
        facts! { $(#[$doc])* $name { $($field: $type),* } }

        impl $crate::wire::shape::Part for $name {
            fn to_fields(&self) -> Result<$crate::wire::Fields, $crate::codec::CodecError> {
                Ok(vec![$($crate::codec::encode(&self.$field)?),*])
            }

            fn from_fields(fields: &[Vec<u8>]) -> Result<Self, $crate::codec::CodecError> {
                let mut fields = fields.iter();
                let part = Self {
                    $($field: {
                        let bytes = fields.next().ok_or($crate::codec::CodecError::Unreadable(stringify!($name)))?;
                        match <$type as $crate::wire::shape::Blank>::blank().filter(|_| bytes.is_empty()) {
                            Some(blank) => blank,
                            None => $crate::codec::decode(bytes, stringify!($field))?,
                        }
                    },)*
                };
                match fields.next() {
                    None => Ok(part),
                    Some(_) => Err($crate::codec::CodecError::Unreadable(stringify!($name))),
                }
            }
        }
    };
}
