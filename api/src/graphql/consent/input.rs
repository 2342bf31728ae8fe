//! What comes in about consent.

use async_graphql::{ID, InputObject};

use super::super::purpose::Channel;
use super::super::scalars::{CommandId, Day, Time};
use super::{Method, Source};

/// The text that the person was shown.
#[derive(InputObject, Clone)]
pub struct ShownNoticeInput {
    pub id: ID,
    pub version: u32,
    /// The language in which it was shown.
    pub language: String,
}

/// A request for a consent. The code comes back once, in the payload.
#[derive(InputObject)]
pub struct RequestConsentInput {
    pub contact_id: ID,
    pub purpose: String,
    pub channel: Channel,
    pub point_id: ID,
    pub notice: ShownNoticeInput,
    /// The last day the consent will hold, if the person named one.
    pub valid_until: Option<Day>,
    /// How many days the code counts; 14 unless told otherwise.
    pub code_days: Option<u16>,
    pub source: Source,
    pub method: Method,
    /// What was said or seen, in words; sealed.
    pub words: Option<String>,
    /// Of the person's consents.
    pub expected_revision: Option<u64>,
    pub command_id: Option<CommandId>,
}

/// A code that the person presented.
#[derive(InputObject)]
pub struct ConfirmConsentInput {
    pub code: String,
    /// Where it was presented.
    pub source: Source,
    /// What was said or seen, in words; sealed.
    pub words: Option<String>,
    /// Of the person's consents.
    pub expected_revision: Option<u64>,
    pub command_id: Option<CommandId>,
}

/// A consent that rests on somebody's word, or on an earlier system.
#[derive(InputObject)]
pub struct GiveConsentInput {
    pub contact_id: ID,
    pub purpose: String,
    pub channel: Channel,
    pub point_id: ID,
    /// Only an imported consent may have none.
    pub notice: Option<ShownNoticeInput>,
    /// The last day it holds, if the person named one.
    pub valid_until: Option<Day>,
    /// An earlier system said so and had no proof.
    #[graphql(default)]
    pub imported: bool,
    pub source: Source,
    pub method: Method,
    /// What was said, seen or signed, in words; sealed.
    pub words: Option<String>,
    pub effective_at: Option<Time>,
    /// Of the person's consents.
    pub expected_revision: Option<u64>,
    pub command_id: Option<CommandId>,
}

/// A no to a question.
#[derive(InputObject)]
pub struct RefuseConsentInput {
    pub contact_id: ID,
    pub purpose: String,
    pub channel: Channel,
    pub point_id: ID,
    pub source: Source,
    pub method: Method,
    /// What was said, in words; sealed.
    pub words: Option<String>,
    pub effective_at: Option<Time>,
    /// Of the person's consents.
    pub expected_revision: Option<u64>,
    pub command_id: Option<CommandId>,
}

/// What the person takes back: what is not named is all of it.
#[derive(InputObject)]
pub struct WithdrawConsentInput {
    pub contact_id: ID,
    pub purpose: Option<String>,
    pub channel: Option<Channel>,
    pub point_id: Option<ID>,
    pub source: Source,
    pub method: Method,
    /// What was said, in words; sealed.
    pub words: Option<String>,
    pub effective_at: Option<Time>,
    /// Of the person's consents.
    pub expected_revision: Option<u64>,
    pub command_id: Option<CommandId>,
}

/// What the person objects to: what is not named is all of it.
#[derive(InputObject)]
pub struct ObjectToProcessingInput {
    pub contact_id: ID,
    pub purpose: Option<String>,
    pub channel: Option<Channel>,
    pub point_id: Option<ID>,
    pub source: Source,
    pub method: Method,
    /// What was said, in words; sealed.
    pub words: Option<String>,
    pub effective_at: Option<Time>,
    /// Of the person's consents.
    pub expected_revision: Option<u64>,
    pub command_id: Option<CommandId>,
}
