//! Points: the addresses, numbers and handles at which somebody is reached. Each has an id of its own, so that a consent
//! can name it without saying it; a changed address is a new point.

use std::collections::BTreeMap;
use std::fmt;

use crate::channel::Channel;
use crate::code::codes;
use crate::compartment::Country;
use crate::id::PointId;
use crate::limits::{POINTS, POINTS_EVER};
use crate::value::{Handle, Invalid, Line, Mail, Phone, Weigh, texts};

codes! {
    /// What a point is.
    pub enum PointKind {
        /// A mail address.
        Email = 1 "EMAIL",
        /// A landline number.
        Phone = 2 "PHONE",
        /// A mobile number.
        Mobile = 3 "MOBILE",
        /// A fax number.
        Fax = 4 "FAX",
        /// A handle on a messenger; the label says which.
        Messenger = 5 "MESSENGER",
        /// Anything else that reaches somebody.
        Other = 6 "OTHER",
    }
}

impl PointKind {
    /// Whether somebody is reached through this channel at such a point. A letter goes to a point of kind `OTHER`, whose
    /// value is the address.
    pub fn serves(self, channel: Channel) -> bool {
        match channel {
            Channel::Email => self == Self::Email,
            Channel::Phone => matches!(self, Self::Phone | Self::Mobile),
            Channel::Sms => self == Self::Mobile,
            Channel::Post => self == Self::Other,
            Channel::Messenger => matches!(self, Self::Messenger | Self::Mobile),
        }
    }
}

texts! {
    /// What is written on an envelope, dialled or typed to reach somebody.
    Reach;
}

/// One way to reach somebody.
#[derive(Clone, PartialEq, Eq)]
pub struct Point {
    /// Its id.
    pub id: PointId,
    /// What it is.
    pub kind: PointKind,
    /// What they call it: work, home, Signal.
    pub label: Option<Line>,
    /// As written.
    pub value: Reach,
    /// The form it is compared by, where there is one.
    pub normalized: Option<Reach>,
}

impl Point {
    /// Reads a value as its kind asks; phone numbers are normalized by the rules of the country, where one is given.
    pub fn parse(
        id: PointId,
        kind: PointKind,
        label: Option<Line>,
        value: &str,
        country: Option<Country>,
    ) -> Result<Self, Invalid> {
        let (value, normalized) = match kind {
            PointKind::Email => Mail::parse(value).map(|mail| (mail.as_str().to_owned(), Some(mail.normalized())))?,
            PointKind::Phone | PointKind::Mobile | PointKind::Fax => {
                Phone::parse(value).map(|phone| (phone.as_str().to_owned(), phone.normalized(country)))?
            }
            PointKind::Messenger => (Handle::parse(value)?.into_string(), None),
            PointKind::Other => (Line::parse(value)?.into_string(), None),
        };
        Ok(Self { id, kind, label, value: Reach::from_log(value), normalized: normalized.map(Reach::from_log) })
    }
}

impl fmt::Debug for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Point({})", self.kind.name())
    }
}

impl Weigh for Point {
    fn weight(&self) -> usize {
        16 + 2 + self.label.weight() + self.value.weight() + self.normalized.weight()
    }
}

/// Why a point is not taken, or not retired.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Rejection {
    /// There is no such point here.
    #[error("there is no such contact point here")]
    Unknown,
    /// It was retired before.
    #[error("this contact point was retired before")]
    Retired,
    /// The id names a point already.
    #[error("the id of this contact point is in use")]
    InUse,
    /// Too many.
    #[error("at most {limit} contact points may be kept")]
    TooMany {
        /// How many are allowed.
        limit: usize,
    },
}

/// The points of one contact or organization, without their values.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Points(BTreeMap<PointId, Standing>);

/// What the state knows of a point.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Standing {
    /// What it is.
    pub kind: PointKind,
    /// Whether it is used no more.
    pub retired: bool,
}

impl Points {
    /// One of them.
    pub fn get(&self, id: PointId) -> Option<Standing> {
        self.0.get(&id).copied()
    }

    /// Those in use.
    pub fn in_use(&self) -> impl Iterator<Item = (PointId, PointKind)> + '_ {
        self.0.iter().filter(|(_, standing)| !standing.retired).map(|(id, standing)| (*id, standing.kind))
    }

    /// Whether these may come in.
    pub fn check_new(&self, points: &[Point]) -> Result<(), Rejection> {
        let twice = |(at, point): (usize, &Point)| points.iter().take(at).any(|other| other.id == point.id);
        if points.iter().any(|point| self.0.contains_key(&point.id)) || points.iter().enumerate().any(twice) {
            return Err(Rejection::InUse);
        }
        if self.in_use().count() + points.len() > POINTS {
            return Err(Rejection::TooMany { limit: POINTS });
        }
        if self.0.len() + points.len() > POINTS_EVER {
            return Err(Rejection::TooMany { limit: POINTS_EVER });
        }
        Ok(())
    }

    /// Whether this one may be retired.
    pub fn check_retire(&self, id: PointId) -> Result<(), Rejection> {
        match self.get(id) {
            None => Err(Rejection::Unknown),
            Some(Standing { retired: true, .. }) => Err(Rejection::Retired),
            Some(Standing { retired: false, .. }) => Ok(()),
        }
    }

    /// A point came in.
    pub fn add(&mut self, point: &Point) {
        self.0.insert(point.id, Standing { kind: point.kind, retired: false });
    }

    /// A point is used no more.
    pub fn retire(&mut self, id: PointId) {
        if let Some(standing) = self.0.get_mut(&id) {
            standing.retired = true;
        }
    }
}
