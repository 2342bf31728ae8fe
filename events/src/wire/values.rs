//! The stored form of each value: what a record or a sealed part holds for it. Values were checked when they came in; read
//! back they are taken as they are.

use domain::actor::Role;
use domain::channel::Channel;
use domain::compartment::Country;
use domain::consent::{Evidence, Method, Source};
use domain::holding::{ChangeCause, ReasonKind, SourceKind};
use domain::id::*;
use domain::leaving::LeaveReason;
use domain::ledger::SignatureKind;
use domain::point::{PointKind, Reach};
use domain::profile::Change;
use domain::register::{CompartmentKind, CountedFrom, LegalBasis, Slug};
use domain::subject::{
    AnchorLevel, AskedHow, Ground, IdentityCheck, OutsideSource, RefusalGround, ResidueEnd, ResidueKind, StillLinks,
    SubjectKind, UnfenceGround,
};
use domain::suppression::{DropPlace, SuppressionAct, SuppressionReason};
use domain::ticket::{Direction, Origin, Priority};
use domain::time::{Day, Time};
use domain::value::{BasisPoints, Currency, Handle, Language, Line, Tag, Text, Website};
use serde::{Deserialize, Serialize};

use super::WireError;
use super::shape::Blank;

/// A value of the domain and its stored form.
pub(crate) trait Form: Sized {
    /// What is stored.
    type Stored;
    /// The stored form.
    fn store(&self) -> Self::Stored;
    /// Reads the stored form.
    fn load(stored: Self::Stored) -> Result<Self, WireError>;
}

macro_rules! texts {
    ($($ty:ty)*) => {$(
        impl Form for $ty {
            type Stored = String;

            fn store(&self) -> String {
                self.as_str().to_owned()
            }

            fn load(stored: String) -> Result<Self, WireError> {
                Ok(Self::from_log(stored))
            }
        }
    )*};
}

texts! { Line Text Tag Website Language Handle Reach Slug }

macro_rules! ids {
    ($($ty:ty)*) => {$(
        impl Form for $ty {
            type Stored = [u8; 16];

            fn store(&self) -> [u8; 16] {
                self.0
            }

            fn load(stored: [u8; 16]) -> Result<Self, WireError> {
                Ok(Self(stored))
            }
        }
    )*};
}

ids! { ContactId OrganizationId PointId ConsentsId SubjectId CaseId ErasureId DisclosureId HoldId TicketId MessageId QuoteId DocumentId NoticeId
RegisterId ActorId TokenId CommandId LogId KeyId }

macro_rules! codes {
    ($($ty:ty: $what:literal)*) => {$(
        impl Form for $ty {
            type Stored = u16;

            fn store(&self) -> u16 {
                self.code()
            }

            fn load(stored: u16) -> Result<Self, WireError> {
                Self::from_code(stored).ok_or(WireError::Code($what))
            }
        }
    )*};
}

codes! { SourceKind: "source" ReasonKind: "reason" ChangeCause: "cause" PointKind: "kind of point"
Direction: "direction" Origin: "origin" Priority: "priority"
Channel: "channel" Evidence: "evidence" Method: "method" Source: "source" CompartmentKind: "compartment"
CountedFrom: "beginning" LegalBasis: "legal basis"
SubjectKind: "kind of subject" Ground: "ground" AskedHow: "way of asking" IdentityCheck: "identity check"
RefusalGround: "ground" UnfenceGround: "ground" OutsideSource: "source" AnchorLevel: "level" LeaveReason: "reason" StillLinks: "link" Role: "role"
SignatureKind: "algorithm" ResidueKind: "residue" ResidueEnd: "end of a residue"
SuppressionAct: "act" SuppressionReason: "reason" DropPlace: "place" }

macro_rules! plain {
    ($($ty:ty)*) => {$(
        impl Form for $ty {
            type Stored = Self;

            fn store(&self) -> Self {
                self.clone()
            }

            fn load(stored: Self) -> Result<Self, WireError> {
                Ok(stored)
            }
        }
    )*};
}

plain! { bool u8 u16 u32 u64 i64 String [u8; 32] }

impl Form for Day {
    type Stored = i32;

    fn store(&self) -> i32 {
        self.0
    }

    fn load(stored: i32) -> Result<Self, WireError> {
        Ok(Self(stored))
    }
}

impl Form for Time {
    type Stored = i64;

    fn store(&self) -> i64 {
        self.0
    }

    fn load(stored: i64) -> Result<Self, WireError> {
        Ok(Self(stored))
    }
}

impl Form for Currency {
    type Stored = [u8; 3];

    fn store(&self) -> [u8; 3] {
        self.bytes()
    }

    fn load(stored: [u8; 3]) -> Result<Self, WireError> {
        Self::from_log(stored).ok_or(WireError::Code("currency"))
    }
}

impl Form for BasisPoints {
    type Stored = u16;

    fn store(&self) -> u16 {
        self.get()
    }

    fn load(stored: u16) -> Result<Self, WireError> {
        Self::new(stored.into()).map_err(|_| WireError::Code("basis points"))
    }
}

impl Form for Country {
    type Stored = [u8; 2];

    fn store(&self) -> [u8; 2] {
        self.0
    }

    fn load(stored: [u8; 2]) -> Result<Self, WireError> {
        Ok(Self(stored))
    }
}

impl<T: Form> Form for Option<T> {
    type Stored = Option<T::Stored>;

    fn store(&self) -> Self::Stored {
        self.as_ref().map(T::store)
    }

    fn load(stored: Self::Stored) -> Result<Self, WireError> {
        stored.map(T::load).transpose()
    }
}

impl<T: Form> Form for Vec<T> {
    type Stored = Vec<T::Stored>;

    fn store(&self) -> Self::Stored {
        self.iter().map(T::store).collect()
    }

    fn load(stored: Self::Stored) -> Result<Self, WireError> {
        stored.into_iter().map(T::load).collect()
    }
}

/// What becomes of a field: stays (0), is cleared (1), is set (2).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum ChangeV1<T> {
    Keep,
    Clear,
    Set(T),
}

impl<T: Form> Form for Change<T> {
    type Stored = ChangeV1<T::Stored>;

    fn store(&self) -> Self::Stored {
        match self {
            Self::Keep => ChangeV1::Keep,
            Self::Clear => ChangeV1::Clear,
            Self::Set(value) => ChangeV1::Set(value.store()),
        }
    }

    fn load(stored: Self::Stored) -> Result<Self, WireError> {
        Ok(match stored {
            ChangeV1::Keep => Self::Keep,
            ChangeV1::Clear => Self::Clear,
            ChangeV1::Set(value) => Self::Set(T::load(value)?),
        })
    }
}

impl<T> Blank for ChangeV1<T> {
    fn blank() -> Option<Self> {
        Some(Self::Keep)
    }
}

/// Declares the stored form of a structure of the domain whose fields have the same names, and how one becomes the other.
macro_rules! mirror {
    ($kind:ident $name:ident = $domain:path { $($field:ident: $type:ty),* $(,)? }) => {
        $kind! { $name { $($field: $type),* } }

        impl $crate::wire::values::Form for $domain {
            type Stored = $name;

            fn store(&self) -> $name {
                $name { $($field: $crate::wire::values::Form::store(&self.$field)),* }
            }

            fn load(stored: $name) -> Result<Self, $crate::wire::WireError> {
                Ok(Self { $($field: $crate::wire::values::Form::load(stored.$field)?),* })
            }
        }
    };
}
pub(crate) use mirror;
