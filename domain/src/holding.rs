//! Why somebody's data is held: where it came from, the reason to keep it, and until when (GDPR Art. 5(1)(b), (e), 14(2)(f)).

use crate::code::codes;
use crate::profile::Change;
use crate::time::Day;

codes! {
    /// Where data about somebody came from. Words about it are sealed.
    pub enum SourceKind {
        /// They filled in a form on a web page.
        WebForm = 1 "WEB_FORM",
        /// They handed over their card.
        BusinessCard = 2 "BUSINESS_CARD",
        /// It was imported from another system.
        Import = 3 "IMPORT",
        /// Somebody else named them.
        Referral = 4 "REFERRAL",
        /// They called, or were called.
        Phone = 5 "PHONE",
        /// They wrote a mail.
        Email = 6 "EMAIL",
        /// They were met at a fair, a talk, a visit.
        Occasion = 7 "EVENT",
        /// It was publicly accessible (Art. 14(2)(f)).
        PublicSource = 8 "PUBLIC_SOURCE",
        /// A contract partner named them.
        ContractPartner = 9 "CONTRACT_PARTNER",
        /// Anything else; the words say what.
        Other = 10 "OTHER",
    }

    /// The reason to hold somebody's data. Words about it are sealed.
    pub enum ReasonKind {
        /// A contract, or steps before one (Art. 6(1)(b)).
        Contract = 1 "CONTRACT",
        /// They asked something (Art. 6(1)(b)).
        Enquiry = 2 "ENQUIRY",
        /// They consented (Art. 6(1)(a)).
        Consent = 3 "CONSENT",
        /// A legitimate interest (Art. 6(1)(f)); the words say which.
        LegitimateInterest = 4 "LEGITIMATE_INTEREST",
        /// A duty by law (Art. 6(1)(c)).
        LegalDuty = 5 "LEGAL_DUTY",
    }

    /// Why a value is changed (Art. 16 makes the difference).
    pub enum ChangeCause {
        /// It was wrong from the start.
        Correction = 1 "CORRECTION",
        /// It was right and has become another.
        Change = 2 "CHANGE",
    }
}

/// Source, reason and end of holding somebody's data: facts, required at registration.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Holding {
    /// Where the data came from.
    pub source: SourceKind,
    /// Why it is held.
    pub reason: ReasonKind,
    /// The last day it may be held for this reason; none where the reason has no known end.
    pub hold_until: Option<Day>,
}

/// What changes of a [`Holding`].
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct HoldingChange {
    /// Another source.
    pub source: Option<SourceKind>,
    /// Another reason.
    pub reason: Option<ReasonKind>,
    /// Another last day, or none.
    pub hold_until: Change<Day>,
}

impl HoldingChange {
    /// Whether nothing changes.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Holding {
    /// The change without what is so already.
    pub fn differing(&self, change: &HoldingChange) -> HoldingChange {
        HoldingChange {
            source: change.source.filter(|source| *source != self.source),
            reason: change.reason.filter(|reason| *reason != self.reason),
            hold_until: change.hold_until.clone().unless_same(&self.hold_until),
        }
    }

    /// Takes the change over.
    pub fn apply(&mut self, change: &HoldingChange) {
        self.source = change.source.unwrap_or(self.source);
        self.reason = change.reason.unwrap_or(self.reason);
        change.hold_until.apply(&mut self.hold_until);
    }
}
