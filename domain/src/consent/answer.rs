//! May we? One answer for a person, a purpose, a channel, a contact point and a day: default no, least permissive wins.

use super::trail::{AsOf, Standing, State, Trail};
use super::{About, Evidence};
use crate::channel::Channel;
use crate::code::codes;
use crate::id::PointId;
use crate::register::{LegalBasis, Purpose};
use crate::time::Day;

codes! {
    /// Why we may or may not.
    pub enum Why {
        /// The law or a contract is enough.
        NeverWaits = 1 "NEVER_WAITS",
        /// It waits for no consent, and nobody said no.
        NotObjected = 2 "NOT_OBJECTED",
        /// A consent with a code.
        Confirmed = 3 "CONFIRMED",
        /// A consent on somebody's word.
        Given = 4 "GIVEN",
        /// A consent from an earlier system, without proof.
        Imported = 5 "IMPORTED",
        /// Nobody asked.
        NeverAsked = 6 "NEVER_ASKED",
        /// Asked, no answer.
        NotAnswered = 7 "NOT_ANSWERED",
        /// Given, but not with the code that this purpose needs.
        NotConfirmed = 8 "NOT_CONFIRMED",
        /// The answer was no.
        Refused = 9 "REFUSED",
        /// Taken back.
        Withdrawn = 10 "WITHDRAWN",
        /// Its time is over.
        Expired = 11 "EXPIRED",
        /// Objected to.
        Objected = 12 "OBJECTED",
        /// The purpose is retired.
        PurposeRetired = 13 "PURPOSE_RETIRED",
        /// The purpose does not use this channel.
        ChannelNotUsed = 14 "CHANNEL_NOT_USED",
    }
}

impl Why {
    /// A sentence for people.
    pub fn words(self) -> &'static str {
        match self {
            Self::NeverWaits => "This purpose rests on a contract or a law and waits for no consent.",
            Self::NotObjected => "This purpose waits for no consent, and the person has not said no.",
            Self::Confirmed => "The person agreed and confirmed it with the code.",
            Self::Given => "The person agreed, on an agent's word.",
            Self::Imported => "An earlier system says that the person agreed; there is no proof.",
            Self::NeverAsked => "The person never agreed to this.",
            Self::NotAnswered => "The person was asked and has not answered.",
            Self::NotConfirmed => "This purpose needs a consent confirmed with the code, and it was not confirmed.",
            Self::Refused => "The person was asked and said no.",
            Self::Withdrawn => "The person took the consent back.",
            Self::Expired => "The time of the consent is over.",
            Self::Objected => "The person objected.",
            Self::PurposeRetired => "This purpose is retired.",
            Self::ChannelNotUsed => "This purpose does not use this channel.",
        }
    }

    /// Whether this is a yes.
    pub fn allows(self) -> bool {
        matches!(self, Self::NeverWaits | Self::NotObjected | Self::Confirmed | Self::Given | Self::Imported)
    }
}

/// May we, on which basis, and which record decides.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Answer {
    /// Yes or no.
    pub allowed: bool,
    /// The purpose's legal basis.
    pub basis: LegalBasis,
    /// The position of the record that decides, where one does.
    pub decided_by: Option<u64>,
    /// Why; [`Why::words`] says it in a sentence.
    pub why: Why,
}

/// Whether this person may be contacted for this purpose, by this way, at this contact point, on this day.
///
/// `purpose` is the register's at that day, `trail` the person's (an empty one for a person without consents).
pub fn may_contact(purpose: &Purpose, trail: &Trail, channel: Channel, point: PointId, as_of: AsOf) -> Answer {
    let standing = trail.standing(&About { purpose: purpose.slug.clone(), channel, point }, as_of);
    let (why, decided_by) = reason(purpose, channel, standing, as_of.day);
    Answer { allowed: why.allows(), basis: purpose.basis, decided_by, why }
}

fn reason(purpose: &Purpose, channel: Channel, standing: Option<Standing>, day: Day) -> (Why, Option<u64>) {
    if purpose.retired {
        return (Why::PurposeRetired, None);
    }
    if !purpose.channels.contains(&channel) {
        return (Why::ChannelNotUsed, None);
    }
    if !purpose.basis.yields_to_objection() {
        return (Why::NeverWaits, None);
    }
    let no = standing.and_then(|standing| Some((no(standing.state)?, Some(standing.decided_by))));
    match (no, standing) {
        (Some(no), _) => no,
        (None, _) if !purpose.waits_for_consent => (Why::NotObjected, None),
        (None, None) => (Why::NeverAsked, None),
        (None, Some(standing)) => (consent(purpose, &standing, day), Some(standing.decided_by)),
    }
}

fn no(state: State) -> Option<Why> {
    match state {
        State::Refused => Some(Why::Refused),
        State::Withdrawn => Some(Why::Withdrawn),
        State::Objected => Some(Why::Objected),
        State::Requested | State::Given | State::Confirmed | State::Expired => None,
    }
}

/// The register may have shortened the validity since the consent was written down; the shorter time counts.
fn consent(purpose: &Purpose, standing: &Standing, day: Day) -> Why {
    let months = purpose.validity_months;
    let over = months.is_some_and(|months| standing.since.day().plus_months(months.into()) < day);
    match (standing.state, standing.evidence) {
        (State::Requested, _) => Why::NotAnswered,
        (State::Given | State::Confirmed, _) if over => Why::Expired,
        (State::Confirmed, _) => Why::Confirmed,
        (State::Given, _) if purpose.double_opt_in => Why::NotConfirmed,
        (State::Given, Some(Evidence::ImportedWithoutProof)) => Why::Imported,
        (State::Given, _) => Why::Given,
        (State::Refused | State::Withdrawn | State::Expired | State::Objected, _) => Why::Expired,
    }
}
