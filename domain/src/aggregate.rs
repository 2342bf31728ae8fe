//! What every aggregate is: a state folded from its stream, and two pure functions.

use crate::event::{Event, StreamKind};
use crate::id::ActorId;
use crate::time::Time;

/// What rides in every command beside its own values: who, and when. Nothing in `domain` asks a clock.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Circumstances {
    /// Who gives the command.
    pub actor: ActorId,
    /// When it became true; never later than `now`.
    pub effective_at: Time,
    /// The ledger's clock when it was decided.
    pub now: Time,
}

/// One noun of the business: its streams hold its history, `decide` says what a command may do, `evolve` what a fact means.
///
/// The state is folded from facts and from sealed ids, never from values that name or describe somebody, so that live and
/// replay decide alike after an erasure.
pub trait Aggregate: Default + Clone + Send + Sync + 'static {
    /// The kind of the streams it owns.
    const KIND: StreamKind;
    /// Intent, imperative.
    type Command;
    /// Fact, past tense.
    type Event: Into<Event> + TryFrom<Event> + Clone;
    /// Why not, in words a user may read.
    type Rejection: std::error::Error + Clone + PartialEq + Send + Sync + 'static;

    /// What the command makes happen. An empty list means: nothing to do, all is so already.
    fn decide(&self, command: &Self::Command, when: &Circumstances) -> Result<Vec<Self::Event>, Self::Rejection>;

    /// The state after a fact. Facts are never doubted here.
    fn evolve(&mut self, event: &Self::Event);
}
