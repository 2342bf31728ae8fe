//! What people say about consent: to what, how far a no reaches, where and how it was said, and what it rests on.

use crate::channel::Channel;
use crate::code::codes;
use crate::id::PointId;
use crate::register::Slug;

codes! {
    /// Where a statement of the person reached us.
    pub enum Source {
        /// A form on a web site.
        WebForm = 1 "WEB_FORM",
        /// The page where people set their preferences.
        PreferencePage = 2 "PREFERENCE_PAGE",
        /// The customer portal.
        Portal = 3 "PORTAL",
        /// A mailing platform's message to us.
        MailingPlatform = 4 "MAILING_PLATFORM",
        /// A mail the person wrote.
        Email = 5 "EMAIL",
        /// A call.
        Phone = 6 "PHONE",
        /// A letter or a form on paper.
        Paper = 7 "PAPER",
        /// A talk, at a fair say.
        InPerson = 8 "IN_PERSON",
        /// The data of an earlier system.
        Import = 9 "IMPORT",
    }

    /// How the person made the statement.
    pub enum Method {
        /// Presented a code that only the person had.
        Code = 1 "CODE",
        /// Ticked a box.
        Checkbox = 2 "CHECKBOX",
        /// Signed.
        Signature = 3 "SIGNATURE",
        /// Said so.
        Spoken = 4 "SPOKEN",
        /// Wrote so in own words.
        Written = 5 "WRITTEN",
        /// Followed a link, as for unsubscribing in one step.
        Link = 6 "LINK",
        /// A yes or no in an earlier system, and nothing more.
        Flag = 7 "FLAG",
    }

    /// What a consent rests on. It never gets better: a new proof is a new record.
    pub enum Evidence {
        /// The person presented the code that was sent to the contact point.
        ConfirmedByCode = 1 "CONFIRMED_BY_CODE",
        /// Somebody of ours says that the person agreed.
        AgentsWord = 2 "AGENTS_WORD",
        /// An earlier system said so and had no proof.
        ImportedWithoutProof = 3 "IMPORTED_WITHOUT_PROOF",
    }
}

/// Exactly what a consent is for. A changed address is a new point, and no consent comes along.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct About {
    /// The purpose's slug.
    pub purpose: Slug,
    /// By which way.
    pub channel: Channel,
    /// To which address or number.
    pub point: PointId,
}

/// How far a no reaches: what is not named is all of it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Scope {
    /// One purpose, or all that wait for a consent or yield to an objection.
    pub purpose: Option<Slug>,
    /// One channel, or all.
    pub channel: Option<Channel>,
    /// One contact point, or all.
    pub point: Option<PointId>,
}

impl Scope {
    /// Whether this no reaches what a consent was for.
    pub fn covers(&self, about: &About) -> bool {
        self.purpose.as_ref().is_none_or(|purpose| *purpose == about.purpose)
            && self.channel.is_none_or(|channel| channel == about.channel)
            && self.point.is_none_or(|point| point == about.point)
    }
}

impl From<&About> for Scope {
    fn from(about: &About) -> Self {
        Self { purpose: Some(about.purpose.clone()), channel: Some(about.channel), point: Some(about.point) }
    }
}

/// Where and how a statement was made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Way {
    /// Where it reached us.
    pub source: Source,
    /// How it was made.
    pub method: Method,
}
