//! One controller's log, keys and views, and the write path: load, decide, seal, append.

mod backup;
mod certify;
mod clock;
mod command;
mod declarations;
mod directory;
mod ends;
pub mod epoch;
mod erase;
mod fresh;
mod keys;
mod leave;
mod lost;
mod moves;
mod operator;
mod owners;
pub mod publish;
mod read;
mod redact;
mod repeat;
mod restore;
mod retention;
mod states;
mod suppress;
mod tail;
mod writer;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Sender};
use std::thread::JoinHandle;

use domain::event::{Event, Follow, Recorded};
use domain::id::{ErasureId, KeyId, LogId};
use domain::subject::{self, redaction};
use parking_lot::{Condvar, Mutex, RwLock, RwLockReadGuard};
use tokio::sync::oneshot;

pub use backup::{Made, NotMade};
pub use certify::Finished;
pub use clock::{Clock, WrongClock};
pub use command::{Accepted, Failure, Intent, Refused};
pub use declarations::{Declaration, Declarations};
pub use directory::{Ask, Directory, DirectoryError, Founding};
pub use epoch::{Heads, Logged};
pub use erase::{EraseError, Planned};
pub use fresh::Fresh;
pub use keys::{Keys, Moved, NAME as KEYS};
pub use leave::LeaveError;
pub use lost::{Declared, NotLost, declare_lost, put_keyring_aside};
pub use moves::Now;
pub use operator::Waited;
pub use owners::{Owned, Owners};
pub use publish::{PublishError, Published, Publishing, Signed};
pub use read::{Fault, Opened, Unreadable, open_entry};
pub use redact::{Home, RedactionPreview};
pub(crate) use restore::Survey;
pub use restore::{RestoreError, Restored, Restoring, restore, restore_from};
pub use retention::{Due, Run};
pub use tail::Tail;
pub use writer::{Appended, Unwritten};

use crate::keyring::{KeyState, Keyring};
use crate::log::engine::Embedded;
use crate::log::lock::Lock;
use crate::log::{Entry, Log, LogError, PartPlace};
use crate::seal::Leaf;
use moves::{Find, Led};
use publish::{Publisher, Step};
use read::open_entry_by;
use states::States;
use writer::{Answers, Append, Message, Writer};

/// A ledger in service. All its state hangs off this value; dropping it drains the writer.
pub struct Ledger<V: Follow> {
    shared: Arc<Shared<V>>,
    queue: Option<Sender<Message>>,
    writer: Option<JoinHandle<()>>,
    steps: Option<Sender<Step>>,
    publisher: Option<JoinHandle<()>>,
}

/// What callers and the writer share.
pub(crate) struct Shared<V> {
    _lock: Lock,
    pub(crate) log: Embedded,
    pub(crate) keyring: Keyring,
    pub(crate) log_id: LogId,
    pub(crate) clock: Clock,
    pub(crate) owners: RwLock<Owners>,
    pub(crate) views: RwLock<V>,
    pub(crate) states: States,
    pub(crate) published: Published,
    pub(crate) heads: Heads,
    grown: (Mutex<u64>, Condvar),
    stopped: AtomicBool,
    /// Keys that are certified to be destroyed may be there, fenced.
    resurrected: AtomicBool,
    /// Whether the clock says that the ledger was closed before it was opened.
    was_closed: bool,
}

/// A ledger that was read to its end, before its writer starts. Made by the boot in `replay`.
pub struct Parts<V> {
    /// Held for as long as the ledger is in service.
    pub lock: Lock,
    /// The log.
    pub log: Embedded,
    /// Its keys, with the fences of `owners` applied.
    pub keyring: Keyring,
    /// Which log.
    pub log_id: LogId,
    /// Its clock.
    pub clock: Clock,
    /// Folded from every record.
    pub owners: Owners,
    /// Folded from every record.
    pub views: V,
    /// The tree over every record, and who signs it.
    pub publishing: Publishing,
    /// The map of stream heads over every record.
    pub heads: Heads,
}

/// Why a ledger does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The log cannot be published.
    #[error(transparent)]
    Publish(#[from] PublishError),
    /// The system gave no thread.
    #[error("a thread cannot be started: {0}")]
    Thread(#[from] std::io::Error),
}

impl<V: Follow> Ledger<V> {
    /// Starts the writer behind what was read, and whoever signs behind the writer.
    pub fn start(parts: Parts<V>) -> Result<Self, StartError> {
        let Parts { lock, log, keyring, log_id, clock, owners, views, publishing, heads } = parts;
        let head = log.head();
        let was_closed = clock.opened_after(head.recorded_at, owners.away());
        let Publishing { published, tree, cadence, held } = publishing;
        let shared = Arc::new(Shared {
            _lock: lock,
            log,
            keyring,
            log_id,
            clock,
            owners: RwLock::new(owners),
            views: RwLock::new(views),
            states: States::default(),
            published,
            heads,
            grown: (Mutex::new(head.size), Condvar::new()),
            stopped: AtomicBool::new(false),
            resurrected: AtomicBool::new(false),
            was_closed,
        });
        let (queue, messages) = mpsc::channel();
        let (steps, durable) = mpsc::channel();
        shared.tell_anchors();
        let publisher = Publisher::start(shared.clone(), tree, cadence, held)?;
        let publisher = std::thread::Builder::new().name("publisher".into()).spawn(move || publisher.run(&durable))?;
        let writer = Writer { shared: shared.clone(), last: head.recorded_at, publisher: steps.clone() };
        let writer = std::thread::Builder::new().name("writer".into()).spawn(move || writer.run(&messages))?;
        Ok(Self { shared, queue: Some(queue), writer: Some(writer), steps: Some(steps), publisher: Some(publisher) })
    }

    /// Which log: the last of its generations.
    pub fn log_id(&self) -> LogId {
        self.shared.log_id
    }

    /// The log itself, for reading.
    pub fn log(&self) -> &Embedded {
        &self.shared.log
    }

    /// Its keys.
    pub fn keyring(&self) -> &Keyring {
        &self.shared.keyring
    }

    /// Its clock.
    pub fn clock(&self) -> &Clock {
        &self.shared.clock
    }

    /// Opens what an entry holds, wherever its parts are by now.
    pub fn open(&self, entry: &Entry) -> Result<Opened, Unreadable> {
        self.shared.open(entry)
    }

    /// The leaves of each part of an entry that is under a wanted key, all of them shown that are there; nothing for a part
    /// whose key is gone or not wanted, which is not opened. Handing them out is a disclosure.
    pub fn disclose(
        &self,
        entry: &Entry,
        wanted: impl Fn(&KeyId) -> bool,
    ) -> Result<Vec<Option<Vec<Leaf>>>, Unreadable> {
        self.shared.led(|state, moved| read::disclose(entry, state, moved, wanted))
    }

    /// Whose keys are whose.
    pub fn owners(&self) -> RwLockReadGuard<'_, Owners> {
        self.shared.owners.read()
    }

    /// The views as of the durable size. Held briefly: the writer waits for it.
    pub fn views(&self) -> RwLockReadGuard<'_, V> {
        self.shared.views.read()
    }

    /// Whether a write failed, so that the process should end and verify at its next start.
    pub fn is_stopped(&self) -> bool {
        self.shared.is_stopped()
    }

    /// Takes no more records and signs nothing more, for the rest of the process: for whoever learned that somebody outside
    /// has another history of this log.
    pub fn stop(&self) {
        self.shared.stop();
    }

    /// Records from a position on, as they become durable; see [`Tail`].
    pub fn tail(&self, from: u64) -> Tail<V> {
        Tail::new(self.shared.clone(), from)
    }

    /// What was published of the log.
    pub fn published(&self) -> &Published {
        &self.shared.published
    }

    /// Signs all that is durable now, without waiting for the cadence.
    pub fn publish_now(&self) -> Result<Arc<Signed>, PublishError> {
        let (reply, answer) = mpsc::channel();
        let sent = self.steps.as_ref().map(|steps| steps.send(Step::Now(reply)));
        if !matches!(sent, Some(Ok(()))) {
            return Err(PublishError::Stopped);
        }
        self.publisher.as_ref().inspect(|publisher| publisher.thread().unpark());
        answer.recv().unwrap_or(Err(PublishError::Stopped))
    }

    /// Hands appends to the writer as one message. No answer means that it has stopped.
    fn send(&self, appends: Vec<Append>) -> oneshot::Receiver<Answers> {
        let (reply, answers) = oneshot::channel();
        if let Some(queue) = &self.queue {
            // A message that is not taken is dropped, and its reply with it.
            let _ = queue.send(Message { appends, reply });
        }
        answers
    }
}

impl<V: Follow> Drop for Ledger<V> {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(writer) = self.writer.take() {
            let _ = writer.join();
        }
        self.steps = None;
        if let Some(publisher) = self.publisher.take() {
            publisher.thread().unpark();
            let _ = publisher.join();
        }
        if let Err(failed) = self.shared.log.sync_mark() {
            tracing::error!(error = %failed, "the head mark was not written; the log is checked at the next start");
        }
    }
}

impl<V: Follow> Shared<V> {
    /// A write may fail without an append: of the head mark, of a sweep, of the keyring.
    pub(crate) fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Acquire) || self.log.is_stopped() || self.keyring.is_stopped()
    }

    pub(crate) fn open(&self, entry: &Entry) -> Result<Opened, Unreadable> {
        self.led(|state, moved| open_entry_by(entry, state, moved))
    }

    /// Reads by the keyring and by where parts are now.
    fn led<T>(&self, read: impl FnOnce(&read::States<'_>, Option<&Led<'_>>) -> T) -> T {
        let state = |key: &KeyId| self.keyring.state(key);
        if !self.owners.read().has_moved() {
            return read(&state, None);
        }
        let find = |place: &PartPlace, before| self.owners.read().moved(place, before);
        read(&state, Some(&Led::new(&self.log, &find)))
    }

    pub(crate) fn stop(&self) {
        self.stopped.store(true, Ordering::Release);
        self.grown.1.notify_all();
    }

    /// Lets views, keys and states follow durable records, and wakes whoever waits for them.
    fn follow(&self, records: Vec<Recorded>) {
        let size = records.last().map(|recorded| recorded.place.position + 1);
        let mut plain = Vec::with_capacity(records.len());
        for recorded in records {
            let change = Change::of(&recorded.event);
            let position = recorded.place.position;
            plain.push(recorded);
            if let Some(change) = change {
                // What stays is read before it is forgotten, so that nobody finds the compartment empty in between.
                let again = self.resealed(&change, position);
                let mut views = self.views.write();
                views.follow(std::mem::take(&mut plain));
                views.follow(again);
                drop(views);
                self.change(change, position);
            }
        }
        self.views.write().follow(plain);
        if let Some(size) = size {
            *self.grown.0.lock() = size;
            self.grown.1.notify_all();
        }
    }

    /// What was declared about devices that are no members of the anchor, or no more, says nothing.
    fn tell_anchors(&self) {
        for declared in self.owners.read().declarations().said() {
            match self.keyring.declare(&declared) {
                Ok(level) => tracing::info!(%level, "a member of the anchor is declared upon"),
                Err(error) => tracing::info!(%error, "a declaration is about no member of the anchor"),
            }
        }
    }

    fn reopened(&self, keys: &[KeyId], moved: &[PartPlace], position: u64) -> Result<Vec<Recorded>, String> {
        let state = |key: &KeyId| self.keyring.state(key);
        let find = |place: &PartPlace, before| self.owners.read().moved(place, before);
        reopened(&self.log, &state, (&find, moved), keys, position).map_err(|bad| bad.to_string())
    }

    /// The records that a redaction touched, as they read behind it; none where it is another change.
    fn resealed(&self, change: &Change, position: u64) -> Vec<Recorded> {
        let Change::Resealed(redaction) = change else { return Vec::new() };
        let touched = self.owners.read().touched(*redaction).to_vec();
        self.read_again(self.reopened(&[], &touched, position))
    }

    fn read_again(&self, again: Result<Vec<Recorded>, String>) -> Vec<Recorded> {
        again.unwrap_or_else(|error| {
            tracing::error!(error, "what is to be read again could not be read");
            self.stop();
            Vec::new()
        })
    }

    fn change(&self, change: Change, position: u64) {
        match change {
            Change::Fenced(keys) => self.keyring.fence(&keys),
            Change::Unfenced(keys) => {
                let freed = self.keyring.unfence(&keys).map_err(|failed| failed.to_string());
                let moved = {
                    let owners = self.owners.read();
                    keys.iter().flat_map(|key| owners.moved_under(key)).copied().collect::<Vec<_>>()
                };
                let again = self.read_again(freed.and_then(|()| self.reopened(&keys, &moved, position)));
                self.views.write().follow(again);
            }
            Change::Declared => self.tell_anchors(),
            Change::Resealed(_) | Change::Ordered => {}
        }
        self.states.expire();
    }
}

/// What a record changes beyond the views.
pub enum Change {
    /// These keys are withheld from here on.
    Fenced(Vec<KeyId>),
    /// And these no more.
    Unfenced(Vec<KeyId>),
    /// Somebody declared something about a device that may hold the root.
    Declared,
    /// This redaction moved what stays of a compartment to another key.
    Resealed(ErasureId),
    /// Keys are about to be destroyed, or were.
    Ordered,
}

impl Change {
    /// What this event changes.
    pub fn of(event: &Event) -> Option<Self> {
        match event {
            Event::Case(subject::Event::Fenced { keys, .. }) => Some(Self::Fenced(keys.clone())),
            Event::Case(subject::Event::Unfenced { keys, .. }) => Some(Self::Unfenced(keys.clone())),
            Event::Case(subject::Event::Redaction(redaction::Event::Resealed { redaction, more: false, .. })) => {
                Some(Self::Resealed(*redaction))
            }
            Event::Case(subject::Event::DestructionOrdered { .. } | subject::Event::Certified { .. }) => {
                Some(Self::Ordered)
            }
            Event::Anchor(_) => Some(Self::Declared),
            _ => None,
        }
    }
}

/// Where parts are by now, and those that are in question besides, by the records that they were made for.
pub type Whereabouts<'a> = (&'a Find<'a>, &'a [PartPlace]);

/// The records before `position` of every stream that has a part under one of these keys, in order: what views need again
/// when a fence is lifted, or when what stays of a compartment has another key. `state` says how each key stands at that
/// position: what is still fenced stays withheld.
pub fn reopened(
    log: &impl Log,
    state: &dyn Fn(&KeyId) -> KeyState,
    (find, moved): Whereabouts<'_>,
    keys: &[KeyId],
    position: u64,
) -> Result<Vec<Recorded>, Unreadable> {
    let failed = |failed: LogError| Unreadable { position, fault: failed.into() };
    let mut streams = log.streams_of(keys).map_err(failed)?;
    streams.extend(moves::streams(log, moved)?);
    streams.sort_unstable();
    streams.dedup();
    let led = Led::new(log, find);
    let mut again = Vec::new();
    for stream in streams {
        for entry in whole_stream(log, &stream, 0).map_err(failed)? {
            let opened = open_entry_by(&entry, state, Some(&led))?;
            if opened.recorded.place.position < position {
                again.push(opened.recorded);
            }
        }
    }
    again.sort_by_key(|recorded| recorded.place.position);
    Ok(again)
}

/// Every entry of a stream from a revision on.
pub(crate) fn whole_stream(log: &impl Log, stream: &[u8; 16], from: u64) -> Result<Vec<Entry>, LogError> {
    let mut entries: Vec<Entry> = Vec::new();
    loop {
        let more = log.read_stream(stream, from + entries.len() as u64, 1 << 20)?;
        if more.is_empty() {
            return Ok(entries);
        }
        entries.extend(more);
    }
}
