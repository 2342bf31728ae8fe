//! May we? One answer for a contact, a purpose, a channel, a contact point and a day, with the record that decides.

use async_graphql::{Context, Enum, ID, Object, SimpleObject};
use domain::consent::{Answer, Why};
use projections::NoAnswer;

use super::super::outcome::{Ask, bad_request};
use super::super::purpose::{Channel, LegalBasis, seen_from};
use super::super::scalars::{Day, Position, Time};

/// Why we may or may not.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
pub enum MayContactReason {
    NeverWaits,
    NotObjected,
    Confirmed,
    Given,
    Imported,
    NeverAsked,
    NotAnswered,
    NotConfirmed,
    Refused,
    Withdrawn,
    Expired,
    Objected,
    PurposeRetired,
    ChannelNotUsed,
    NoSuchContact,
    ContactGone,
    NoSuchPoint,
    NoSuchPurpose,
    /// Nobody is written to there, whatever consents say. Nothing more is said of it.
    Dropped,
}

impl From<Why> for MayContactReason {
    fn from(why: Why) -> Self {
        match why {
            Why::NeverWaits => Self::NeverWaits,
            Why::NotObjected => Self::NotObjected,
            Why::Confirmed => Self::Confirmed,
            Why::Given => Self::Given,
            Why::Imported => Self::Imported,
            Why::NeverAsked => Self::NeverAsked,
            Why::NotAnswered => Self::NotAnswered,
            Why::NotConfirmed => Self::NotConfirmed,
            Why::Refused => Self::Refused,
            Why::Withdrawn => Self::Withdrawn,
            Why::Expired => Self::Expired,
            Why::Objected => Self::Objected,
            Why::PurposeRetired => Self::PurposeRetired,
            Why::ChannelNotUsed => Self::ChannelNotUsed,
        }
    }
}

impl From<&NoAnswer> for MayContactReason {
    fn from(no: &NoAnswer) -> Self {
        match no {
            NoAnswer::NoSuchContact => Self::NoSuchContact,
            NoAnswer::ContactGone => Self::ContactGone,
            NoAnswer::NoSuchPoint => Self::NoSuchPoint,
            NoAnswer::NoSuchPurpose(_) => Self::NoSuchPurpose,
        }
    }
}

/// May we, on which basis, and why.
#[derive(SimpleObject)]
pub struct MayContact {
    allowed: bool,
    /// The legal basis of the purpose; null where there is no such purpose, point or contact.
    basis: Option<LegalBasis>,
    why: MayContactReason,
    /// The same in words.
    words: String,
    /// The position of the record that decides, where one does.
    decided_by: Option<Position>,
}

impl From<Result<Answer, NoAnswer>> for MayContact {
    fn from(answer: Result<Answer, NoAnswer>) -> Self {
        match answer {
            Ok(Answer { allowed, basis, decided_by, why }) => Self {
                allowed,
                basis: Some(basis.into()),
                why: why.into(),
                words: why.words().to_owned(),
                decided_by: decided_by.map(Position),
            },
            Err(no) => Self { allowed: false, basis: None, why: (&no).into(), words: no.to_string(), decided_by: None },
        }
    }
}

impl MayContact {
    /// No, and nothing that would say more.
    fn dropped() -> Self {
        let words = "Nobody is contacted there.".to_owned();
        Self { allowed: false, basis: None, why: MayContactReason::Dropped, words, decided_by: None }
    }
}

/// The query `mayContact`.
#[derive(Default)]
pub struct MayContactQuery;

#[Object]
impl MayContactQuery {
    /// Whether this contact may be contacted for this purpose, by this way, at this contact point: today, or on a day, as
    /// far as was known at a time. Default no; the least permissive rule wins. Of today or later the suppression list is
    /// asked too, unless it is about what was known on a day before.
    #[allow(clippy::too_many_arguments, reason = "arguments of a field")]
    async fn may_contact(
        &self,
        ctx: &Context<'_>,
        contact_id: ID,
        purpose: String,
        channel: Channel,
        point_id: ID,
        day: Option<Day>,
        known_at: Option<Time>,
    ) -> async_graphql::Result<MayContact> {
        let (app, _) = ctx.may_read("mayContact")?;
        let contact = contact_id.parse().map_err(bad_request)?;
        let point = point_id.parse().map_err(bad_request)?;
        let purpose = purpose.parse().map_err(bad_request)?;
        let as_of = seen_from(app, day, known_at);
        let answer = app.ledger().views().may_contact(contact, &purpose, channel.into(), point, as_of);
        // Whom the list holds today, nobody writes to; a question about another day is about what consents said then.
        let today = app.now().day();
        let is_known_now = known_at.is_none_or(|known| known.0.day() >= today);
        let asks_for_today = is_known_now && as_of.day >= today;
        if answer.is_ok() && asks_for_today && app.drops_sending(contact, point, &purpose) {
            return Ok(MayContact::dropped());
        }
        Ok(answer.into())
    }
}
