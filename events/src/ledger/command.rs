//! A command's way: load its stream, decide, seal, append; and again when something moved in between.

use std::collections::HashMap;
use std::sync::Arc;

use domain::aggregate::{Aggregate, Circumstances};
use domain::compartment::Compartment;
use domain::event::{Event, Follow, Stream, StreamKind};
use domain::id::{ActorId, CommandId, KeyId, SubjectId};
use domain::time::Time;

use super::owners::Owned;
use super::read::Unreadable;
use super::repeat::repeat;
use super::writer::{Append, Appended, Sealed, Unwritten};
use super::{Fresh, Ledger, whole_stream};
use crate::ids::{IdMap, IdSet};
use crate::keyring::{KeyState, KeyringError};
use crate::log::Log as _;
use crate::record::{Draft, FORMAT_VERSION, Hash, PartRef};
use crate::seal::{Binding, Plain, SealError, seal};
use crate::wire::{self, WireError, Written};

/// The first moment of 1900: compartments have years, and what is older is a slip of the pen.
const LONG_AGO: Time = Time(-25_567 * Time::DAY_MS);

/// How often a decision is taken again when something moved.
const TRIES: usize = 3;

/// What somebody wants to happen to one stream.
pub struct Intent<A: Aggregate> {
    /// The id of the stream, new or known.
    pub id: [u8; 16],
    /// What is wanted.
    pub command: A::Command,
    /// What a retry will name it with.
    pub command_id: CommandId,
    /// Who wants it.
    pub actor: ActorId,
    /// When it became true; now, when it is not said.
    pub effective_at: Option<Time>,
    /// The revision of the last record that the client has seen.
    pub expected: Option<u64>,
    /// Other streams that the command's values were read from, and how many records they had.
    pub reads: Vec<(Stream, u64)>,
    /// Subjects whose keys must be exactly these when it is written.
    pub keys: Vec<(SubjectId, Vec<(Compartment, KeyId)>)>,
    /// What was drawn for this attempt.
    pub fresh: Fresh,
}

/// It is durable; views and answers have it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Accepted {
    /// The stream.
    pub stream: Stream,
    /// The revision of its last record.
    pub revision: u64,
    /// The position of the command's last record; of the stream's last where there was nothing to do.
    pub position: u64,
    /// The hash of that record.
    pub hash: Hash,
    /// When it was written.
    pub recorded_at: Time,
    /// Whether an earlier command with this id had done it.
    pub repeated: bool,
}

/// Nothing was written, or nobody knows.
#[derive(Debug, thiserror::Error)]
pub enum Refused<R: std::error::Error> {
    /// The domain said no.
    #[error(transparent)]
    Rejected(R),
    /// The client has not seen the last records of the stream.
    #[error("it has changed since: its revision is {current:?} by now")]
    Conflict {
        /// The revision of the last record; none when there is none.
        current: Option<u64>,
    },
    /// The id was used for another operation, node or value, or by somebody else.
    #[error("this command id was used for something else")]
    CommandReused,
    /// A part would be about somebody whose data is being erased.
    #[error("this person's data is being erased")]
    Fenced,
    /// The controller is leaving, or has left.
    #[error("this ledger takes no changes: its controller is leaving")]
    Leaving,
    /// It says that it became true later than now.
    #[error("it cannot have become true later than now")]
    Future,
    /// It was done, and what it wrote was erased or redacted since: whoever tries again under another id writes it anew.
    #[error("this command was carried out, and what it wrote was erased since: do not repeat it")]
    Erased,
    /// It says that it became true in a year that no business has data of.
    #[error("it cannot have become true before 1900")]
    LongAgo,
    /// It does not fit into a record.
    #[error("it is too large to be recorded")]
    TooLarge,
    /// The machine failed; the cause is for the program log.
    #[error("it failed")]
    Failed(#[from] Failure),
}

/// What can fail. For the program log, never for a client.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The stream could not be read.
    #[error(transparent)]
    Read(#[from] Unreadable),
    /// A form could not be written.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// No key could be had.
    #[error(transparent)]
    Keyring(#[from] KeyringError),
    /// A part could not be sealed.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// Nothing was written.
    #[error(transparent)]
    Unwritten(#[from] Unwritten),
    /// It moved each time it was tried.
    #[error("it changed under every attempt")]
    Busy,
}

/// An attempt that waits for the writer.
struct Sent<A> {
    stream: Stream,
    epoch: u64,
    count: u64,
    state: Arc<A>,
}

/// What an attempt came to.
enum Attempt<A> {
    Done(Accepted),
    Sent(Append, Sent<A>),
}

/// What commands of one batch find that were decided behind others: what will be there when those are written.
struct Ahead<A> {
    streams: IdMap<[u8; 16], (u64, Arc<A>)>,
    minted: HashMap<(SubjectId, Compartment), KeyId>,
}

/// What became of a command, once it is known.
type Outcome<A> = Option<Result<Accepted, Refused<<A as Aggregate>::Rejection>>>;

impl<V: Follow> Ledger<V> {
    /// Carries out a command. When it returns, its records are durable and the views have them.
    pub async fn submit<A: Aggregate>(&self, intent: &Intent<A>) -> Result<Accepted, Refused<A::Rejection>> {
        let done = self.submit_all(std::slice::from_ref(intent)).await.pop();
        done.unwrap_or(Err(Refused::Failed(Failure::Busy)))
    }

    /// Carries out many commands, which the writer gets as one message and makes durable with one sync where nothing else
    /// is waiting. Each is a command of its own, accepted or refused for itself; those of one stream are decided in their
    /// order, each on what the ones before it come to. The answers are in the order of the commands. What is sealed stays in
    /// memory until it is written: some hundred commands at a time are as good as more.
    pub async fn submit_all<A: Aggregate>(
        &self,
        intents: &[Intent<A>],
    ) -> Vec<Result<Accepted, Refused<A::Rejection>>> {
        let mut outcomes: Vec<Outcome<A>> = intents.iter().map(|_| None).collect();
        let mut tries = 0;
        while tries < TRIES && outcomes.iter().any(Option::is_none) {
            // A round counts when the writer turned something away that is to be tried again; what only waited for
            // commands before it has not had its turn.
            tries += usize::from(self.round(intents, &mut outcomes, tries + 1 == TRIES).await);
        }
        outcomes.into_iter().map(|outcome| outcome.unwrap_or(Err(Failure::Busy.into()))).collect()
    }

    /// Tries every command that has no outcome yet. Says whether one that was sent is to be tried again; what a fence turns
    /// away in the last round is not.
    async fn round<A: Aggregate>(&self, intents: &[Intent<A>], outcomes: &mut [Outcome<A>], is_last: bool) -> bool {
        let mut ahead = Ahead { streams: IdMap::default(), minted: HashMap::new() };
        let (mut appends, mut sent) = (Vec::new(), Vec::new());
        for (intent, outcome) in intents.iter().zip(outcomes.iter_mut()).filter(|(_, outcome)| outcome.is_none()) {
            match self.attempt(intent, &mut ahead) {
                Ok(Attempt::Sent(append, what)) => {
                    appends.push(append);
                    sent.push((intent, outcome, what));
                }
                // Decided on records that are not written yet: it is decided again when they are.
                _ if ahead.streams.contains_key(&intent.id) => {}
                Ok(Attempt::Done(accepted)) => *outcome = Some(Ok(accepted)),
                Err(refused) => *outcome = Some(Err(refused)),
            }
        }
        if appends.is_empty() {
            return false;
        }
        let answers = self.send(appends).await.unwrap_or_default();
        let answers = answers.into_iter().chain(std::iter::repeat(Err(Unwritten::Stopped)));
        let (mut again, mut turned_away) = (false, IdSet::default());
        for ((intent, outcome, what), answer) in sent.into_iter().zip(answers) {
            // The writer took nothing behind what it turned away of the same stream.
            if turned_away.contains(&intent.id) {
                continue;
            }
            if answer.is_err() {
                turned_away.insert(intent.id);
            }
            let is_fenced = is_last && answer == Err(Unwritten::Fenced);
            *outcome = self.conclude(intent, what, answer).or(is_fenced.then_some(Err(Refused::Fenced)));
            again |= outcome.is_none();
        }
        again
    }

    /// [`Ledger::submit`] for threads that may block.
    pub fn submit_blocking<A: Aggregate>(&self, intent: &Intent<A>) -> Result<Accepted, Refused<A::Rejection>> {
        block_on(self.submit(intent))
    }

    /// [`Ledger::submit_all`] for threads that may block.
    pub fn submit_all_blocking<A: Aggregate>(
        &self,
        intents: &[Intent<A>],
    ) -> Vec<Result<Accepted, Refused<A::Rejection>>> {
        block_on(self.submit_all(intents))
    }

    /// The state of a stream and how many records it was folded from.
    pub fn state<A: Aggregate>(&self, id: &[u8; 16]) -> Result<(u64, Arc<A>), Failure> {
        // A kept state may lag behind: whoever folded it may have been slower than whoever wrote.
        let written = self.shared.log.stream_head(id).map_or(0, |head| head.revision + 1);
        if let Some(cached) = self.shared.states.get::<A>(id).filter(|(count, _)| *count >= written) {
            return Ok(cached);
        }
        let epoch = self.shared.states.epoch();
        let (count, state) = self.fold::<A>(id, u64::MAX)?;
        let state = Arc::new(state);
        self.shared.states.put(*id, epoch, count, state.clone());
        Ok((count, state))
    }

    /// The state of a stream before a revision.
    pub(super) fn fold<A: Aggregate>(&self, id: &[u8; 16], before: u64) -> Result<(u64, A), Failure> {
        let entries = whole_stream(&self.shared.log, id, 0)
            .map_err(|failed| Unreadable { position: u64::MAX, fault: failed.into() })?;
        let mut state = A::default();
        let mut count = 0;
        for entry in entries {
            let opened = self.shared.open(&entry)?;
            if opened.recorded.place.revision >= before {
                break;
            }
            if let Ok(event) = A::Event::try_from(opened.recorded.event) {
                state.evolve(&event);
            }
            count += 1;
        }
        Ok((count, state))
    }

    /// Decides and seals.
    fn attempt<A: Aggregate>(
        &self,
        intent: &Intent<A>,
        ahead: &mut Ahead<A>,
    ) -> Result<Attempt<A>, Refused<A::Rejection>> {
        let stream = Stream { kind: A::KIND, id: intent.id };
        if let Some(done) = repeat(self, intent)? {
            return Ok(Attempt::Done(done));
        }
        // Who is to take the next step may need a token, and one that was stolen is revoked; the writer refuses the rest.
        if self.is_closed() && A::KIND != StreamKind::Actor {
            return Err(Refused::Leaving);
        }
        // Behind a wrong, later time that was written nobody is to wait for an erasure until then. Everything else follows the
        // order of the log, in which what came later counts.
        let (clock, last) = (&self.shared.clock, self.shared.log.head().recorded_at);
        let now = if A::KIND == StreamKind::Case { clock.decides(last) } else { clock.now().max(last) };
        let effective_at = intent.effective_at.unwrap_or(now);
        if effective_at > now {
            return Err(Refused::Future);
        }
        if effective_at < LONG_AGO {
            return Err(Refused::LongAgo);
        }
        let epoch = self.shared.states.epoch();
        let (count, state) = match ahead.streams.get(&intent.id) {
            Some(ahead) => ahead.clone(),
            None => self.state::<A>(&intent.id)?,
        };
        if intent.expected.is_some_and(|expected| expected.checked_add(1) != Some(count)) {
            return Err(Refused::Conflict { current: count.checked_sub(1) });
        }
        let when = Circumstances { actor: intent.actor, effective_at, now };
        let events = state.decide(&intent.command, &when).map_err(Refused::Rejected)?;
        if events.is_empty() {
            return self.unchanged(stream, count).map(Attempt::Done);
        }
        let mut next = (*state).clone();
        for event in &events {
            next.evolve(event);
        }
        let (next, after) = (Arc::new(next), count + events.len() as u64);
        let records = self.seal(intent, stream, count, effective_at, events, &mut ahead.minted).map_err(unsealed)?;
        ahead.streams.insert(intent.id, (after, next.clone()));
        let (reads, keys, last_parts) = (intent.reads.clone(), intent.keys.clone(), Vec::new());
        let append = Append { records, reads, keys, last_parts, confirms_clock: false };
        Ok(Attempt::Sent(append, Sent { stream, epoch, count: after, state: next }))
    }

    /// What the writer's answer means; nothing when it is to be tried again.
    fn conclude<A: Aggregate>(
        &self,
        intent: &Intent<A>,
        sent: Sent<A>,
        answer: Result<Appended, Unwritten>,
    ) -> Outcome<A> {
        let Sent { stream, epoch, count, state } = sent;
        match answer {
            Ok(Appended { position, hash, recorded_at }) => {
                self.shared.states.put(stream.id, epoch, count, state);
                let revision = count.saturating_sub(1);
                Some(Ok(Accepted { stream, revision, position, hash, recorded_at, repeated: false }))
            }
            Err(Unwritten::Conflict { stream: moved, count }) => {
                self.shared.states.evict(&moved.id);
                let named = moved == stream && intent.expected.is_some();
                if named {
                    return Some(Err(Refused::Conflict { current: count.checked_sub(1) }));
                }
                intent.reads.iter().any(|(read, _)| *read == moved).then_some(Err(Failure::Busy.into()))
            }
            Err(Unwritten::Fenced) if !self.reconsidered(&stream) => Some(Err(Refused::Fenced)),
            Err(Unwritten::CommandUsed | Unwritten::KeysChanged | Unwritten::Fenced) => {
                self.shared.states.evict(&stream.id);
                (!intent.keys.is_empty()).then_some(Err(Failure::Busy.into()))
            }
            // A fence that was planned is planned again; any other stays what it is.
            Err(Unwritten::UnderWay(_)) if intent.keys.is_empty() => Some(Err(Refused::Fenced)),
            Err(Unwritten::UnderWay(_)) => Some(Err(Failure::Busy.into())),
            // Whoever orders a destruction asked before, so a hold came in between.
            Err(Unwritten::OnHold(_)) => Some(Err(Failure::Busy.into())),
            Err(Unwritten::TooLarge(_)) => Some(Err(Refused::TooLarge)),
            Err(Unwritten::Leaving) => Some(Err(Refused::Leaving)),
            Err(unwritten) => Some(Err(Failure::from(unwritten).into())),
        }
    }

    /// A part was turned away at a fence. Where the state was folded before the fence, deciding again gives the better
    /// answer; where there is no state yet, there is none.
    fn reconsidered(&self, stream: &Stream) -> bool {
        self.shared.log.stream_head(&stream.id).is_some()
    }

    fn unchanged<R: std::error::Error>(&self, stream: Stream, count: u64) -> Result<Accepted, Refused<R>> {
        let entries = whole_stream(&self.shared.log, &stream.id, count.saturating_sub(1));
        let entries =
            entries.map_err(|failed| Failure::from(Unreadable { position: u64::MAX, fault: failed.into() }))?;
        let Some(last) = entries.first() else {
            return Err(Refused::Conflict { current: None });
        };
        let opened = self.shared.open(last).map_err(Failure::from)?;
        let place = opened.recorded.place;
        Ok(Accepted {
            stream,
            revision: place.revision,
            position: place.position,
            hash: place.hash,
            recorded_at: place.recorded_at,
            repeated: false,
        })
    }

    fn seal<A: Aggregate>(
        &self,
        intent: &Intent<A>,
        stream: Stream,
        count: u64,
        effective_at: Time,
        events: Vec<A::Event>,
        minted: &mut HashMap<(SubjectId, Compartment), KeyId>,
    ) -> Result<Vec<Sealed>, Failure> {
        let of_command =
            u16::try_from(events.len()).map_err(|_| Unwritten::TooLarge(crate::record::TooLarge(usize::MAX)))?;
        let mut sealed = Vec::with_capacity(events.len());
        for (index, event) in (0..of_command).zip(events) {
            let event: Event = event.into();
            let Written { kind, version, facts, parts } = wire::write(&event)?;
            let mut record = Sealed {
                draft: Draft {
                    stream,
                    revision: count + u64::from(index),
                    kind,
                    version,
                    effective_at,
                    actor: intent.actor,
                    command: intent.command_id,
                    index,
                    count: of_command,
                    causation: None,
                    facts,
                    personal: Vec::with_capacity(parts.len()),
                },
                parts: Vec::with_capacity(parts.len()),
                owned: Vec::with_capacity(parts.len()),
                event,
            };
            for plain in &parts {
                self.seal_part(&mut record, plain, minted)?;
            }
            sealed.push(record);
        }
        Ok(sealed)
    }

    fn seal_part(
        &self,
        record: &mut Sealed,
        plain: &Plain,
        minted: &mut HashMap<(SubjectId, Compartment), KeyId>,
    ) -> Result<(), Failure> {
        let Plain { subject, compartment, .. } = *plain;
        let known = self.shared.owners.read().key(subject, compartment);
        let known = known.or_else(|| minted.get(&(subject, compartment)).copied());
        let (id, key) = match known.map(|id| (id, self.shared.keyring.state(&id))) {
            Some((id, KeyState::Live(key))) => (id, key),
            Some(_) => return Err(Unwritten::Fenced.into()),
            None => {
                let (id, key) = self.shared.keyring.mint()?;
                minted.insert((subject, compartment), id);
                (id, key)
            }
        };
        let draft = &mut record.draft;
        let binding = Binding {
            format: FORMAT_VERSION,
            log: self.shared.log_id,
            stream: draft.stream,
            revision: draft.revision,
            kind: draft.kind,
            schema: draft.version,
            part: u8::try_from(record.parts.len()).unwrap_or(u8::MAX),
            key: id,
        };
        let sealed = seal(plain, &key, &binding)?;
        draft.personal.push(PartRef { compartment, key: id, commitment: sealed.commitment });
        record.parts.push(sealed.bytes);
        record.owned.push(Owned { subject, compartment, key: id });
        Ok(())
    }
}

impl<R: std::error::Error> From<Unreadable> for Refused<R> {
    fn from(unreadable: Unreadable) -> Self {
        Self::Failed(unreadable.into())
    }
}

/// Why a command's parts were not sealed: some reasons are answers.
fn unsealed<R: std::error::Error>(failure: Failure) -> Refused<R> {
    match failure {
        Failure::Unwritten(Unwritten::Fenced) => Refused::Fenced,
        Failure::Unwritten(Unwritten::TooLarge(_)) | Failure::Seal(SealError::TooLong(_)) => Refused::TooLarge,
        failure => Refused::Failed(failure),
    }
}

/// Waits for a future on a thread of its own.
pub(super) fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(std::thread::Thread);
    impl std::task::Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Arc::new(Unpark(std::thread::current())).into();
    let mut context = std::task::Context::from_waker(&waker);
    let mut future = std::pin::pin!(future);
    loop {
        match future.as_mut().poll(&mut context) {
            std::task::Poll::Ready(output) => return output,
            std::task::Poll::Pending => std::thread::park(),
        }
    }
}
