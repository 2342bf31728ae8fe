//! The one writer: it alone orders records. It drains its queue, checks guards, links, writes one frame, syncs, lets the
//! views follow, and only then answers everybody in the batch.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender};

use domain::event::{Event, Follow, Recorded, Stream};
use domain::id::{CommandId, ErasureId, HoldId, KeyId, SubjectId};
use domain::leaving::Leaving;
use domain::ledger;
use domain::subject::{self, redaction};
use domain::time::Time;
use tokio::sync::oneshot;

use super::Shared;
use super::clock::WrongClock;
use super::owners::{Owned, Owners, Turned};
use super::publish::Step;
use crate::chain::leaving::admits;
use crate::ids::{IdMap, IdSet};
use crate::log::{Commit, Entry, Log as _, LogError, Part, PartBytes};
use crate::record::{Draft, Hash, Link, NO_HASH, TooLarge, hash};
use domain::compartment::Compartment;

/// How many bytes one frame may gather before it is written.
pub(super) const BATCH_BYTES: usize = 1 << 20;

/// One record on its way: what the chain will hold, what is sealed beside it, and what views will see.
pub struct Sealed {
    /// The record but for its place.
    pub draft: Draft,
    /// The sealed parts, in the order of the draft's.
    pub parts: Vec<Vec<u8>>,
    /// Whose they are.
    pub owned: Vec<Owned>,
    /// The fact itself.
    pub event: Event,
}

/// One command's records and what must still hold when they are written.
pub struct Append {
    /// The records, all of one stream and one command.
    pub records: Vec<Sealed>,
    /// Streams that the decision read, and how many records they had.
    pub reads: Vec<(Stream, u64)>,
    /// Subjects whose keys must be exactly these.
    pub keys: Vec<(SubjectId, Vec<(Compartment, KeyId)>)>,
    /// Keys, and the last record with a part under each: no other part may have come.
    pub last_parts: Vec<(KeyId, Option<u64>)>,
    /// An operator's word on the clock rides along.
    pub confirms_clock: bool,
}

/// What became of each append of one message, in its order.
pub type Answers = Vec<Result<Appended, Unwritten>>;

/// What the writer is sent: appends of one caller, each written or not for itself, and answered together.
pub struct Message {
    /// What is to be written.
    pub appends: Vec<Append>,
    /// Where the answers go.
    pub reply: oneshot::Sender<Answers>,
}

/// The records are durable and the views have them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// The position of the command's last record.
    pub position: u64,
    /// Its hash.
    pub hash: Hash,
    /// When it was written.
    pub recorded_at: Time,
}

/// Nothing was written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unwritten {
    /// A stream is elsewhere than the decision thought.
    #[error("stream {stream} has {count} records by now")]
    Conflict {
        /// Which.
        stream: Stream,
        /// How many records it has.
        count: u64,
    },
    /// The command id was used.
    #[error("the command id was used before")]
    CommandUsed,
    /// A part would be sealed under a key that is fenced, or in a closed compartment.
    #[error("a key is fenced")]
    Fenced,
    /// A fence would take a key that another erasure took.
    #[error("{0} took a key before")]
    UnderWay(ErasureId),
    /// A key would be ordered to be destroyed that a legal hold keeps.
    #[error("{0} keeps a key")]
    OnHold(HoldId),
    /// The controller is leaving, or has left.
    #[error("this ledger takes no changes: its controller is leaving")]
    Leaving,
    /// The keys of a subject are others by now.
    #[error("a key changed")]
    KeysChanged,
    /// The clock cannot be right.
    #[error(transparent)]
    Clock(#[from] WrongClock),
    /// A record is too large.
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
    /// The writer has stopped and the process should end.
    #[error("the writer has stopped")]
    Stopped,
}

/// What the writer remembers between batches.
pub(super) struct Writer<V: Follow> {
    pub(super) shared: Arc<Shared<V>>,
    pub(super) last: Time,
    /// Who signs behind it.
    pub(super) publisher: Sender<Step>,
}

/// What a batch has taken so far.
#[derive(Default)]
struct Batch {
    entries: Vec<Entry>,
    news: Vec<Recorded>,
    answers: Vec<(oneshot::Sender<Answers>, Answers)>,
    streams: IdMap<[u8; 16], (u64, Hash)>,
    commands: IdSet<CommandId>,
    bytes: usize,
}

impl<V: Follow> Writer<V> {
    /// Until every sender is gone, or a write fails.
    pub(super) fn run(mut self, queue: &Receiver<Message>) {
        while let Ok(first) = queue.recv() {
            if self.shared.is_stopped() {
                self.shared.stop();
                refuse_one(first);
                return refuse(queue);
            }
            let mut batch = Batch::default();
            self.take(&mut batch, first);
            while batch.bytes < BATCH_BYTES
                && let Ok(next) = queue.try_recv()
            {
                self.take(&mut batch, next);
            }
            if self.write(batch).is_err() {
                return refuse(queue);
            }
        }
    }

    /// Takes one message into the batch. What comes behind an append that is turned away was decided on it where it is of
    /// the same stream, whatever its revision. What is turned away behind records that are not durable yet is told when they
    /// are: it may be because of them, and whoever tries again must find them. Where nothing is written there is nothing to
    /// wait for.
    fn take(&mut self, batch: &mut Batch, message: Message) {
        let Message { appends, reply } = message;
        let mut turned_away = HashSet::new();
        let answers = appends.into_iter().map(|append| {
            let stream = append.records.first().map(|first| first.draft.stream);
            if let Some(stream) = stream.filter(|stream| turned_away.contains(stream)) {
                return Err(Unwritten::Conflict { stream, count: self.stream(batch, &stream.id).0 });
            }
            self.consider(batch, append).inspect_err(|_| turned_away.extend(stream))
        });
        let answers: Answers = answers.collect();
        if !batch.entries.is_empty() {
            batch.answers.push((reply, answers));
        } else {
            let _ = reply.send(answers);
        }
    }

    /// What the append will have come to when the batch is written.
    fn consider(&mut self, batch: &mut Batch, append: Append) -> Result<Appended, Unwritten> {
        let at = if append.confirms_clock {
            self.shared.clock.confirm(self.last)
        } else {
            self.shared.clock.next(self.last)?
        };
        // The clock may have stepped back a little since the command was decided; nothing is recorded before it was true.
        let at = append.records.iter().map(|record| record.draft.effective_at).fold(at, Time::max);
        self.guard(batch, &append)?;
        let linked = self.link(batch, &append, at)?;
        Ok(self.admit(batch, append, at, linked))
    }

    fn guard(&self, batch: &Batch, append: &Append) -> Result<(), Unwritten> {
        let log = &self.shared.log;
        if let Some(first) = append.records.first() {
            let command = &first.draft.command;
            if batch.commands.contains(command) || log.command(command).is_some() {
                return Err(Unwritten::CommandUsed);
            }
            let (count, _) = self.stream(batch, &first.draft.stream.id);
            if count != first.draft.revision {
                return Err(Unwritten::Conflict { stream: first.draft.stream, count });
            }
        }
        for (stream, read) in &append.reads {
            let (count, _) = self.stream(batch, &stream.id);
            if count != *read {
                return Err(Unwritten::Conflict { stream: *stream, count });
            }
        }
        let owners = self.shared.owners.read();
        append.records.iter().try_for_each(|record| may_follow(&owners, record))?;
        if append.keys.iter().any(|(subject, keys)| owners.keys_of(*subject) != keys.as_slice()) {
            return Err(Unwritten::KeysChanged);
        }
        for (key, last) in &append.last_parts {
            let under = |entry: &Entry| entry.parts.iter().any(|part| part.key == *key);
            if batch.entries.iter().any(under) || log.last_part_of(key) != *last {
                return Err(Unwritten::KeysChanged);
            }
        }
        for record in &append.records {
            if let Event::Case(subject::Event::Fenced { erasure, keys, .. }) = &record.event
                && let Some(other) = owners.taken(keys, *erasure)
            {
                return Err(Unwritten::UnderWay(other));
            }
            match &record.event {
                Event::Case(subject::Event::DestructionOrdered { keys, .. }) => {
                    owners.keeping(keys).map_or(Ok(()), |hold| Err(Unwritten::OnHold(hold)))?;
                }
                Event::Case(subject::Event::HoldApproved { hold }) => {
                    let late = owners.hold(*hold).and_then(|(subject, covered)| owners.too_late(subject, covered));
                    late.map_or(Ok(()), |erasure| Err(Unwritten::UnderWay(erasure)))?;
                }
                Event::Case(subject::Event::Redaction(redaction::Event::Resealed { redaction, from, .. })) => {
                    owners.taken(&[*from], *redaction).map_or(Ok(()), |other| Err(Unwritten::UnderWay(other)))?;
                }
                _ => {}
            }
        }
        append.records.iter().try_for_each(|record| {
            let admitted = match &record.event {
                Event::Case(subject::Event::Redaction(redaction::Event::Resealed { from, .. })) => {
                    owners.admit_resealed(from, &record.owned)
                }
                _ => record.owned.iter().try_for_each(|part| owners.admit(part)),
            };
            admitted.map_err(|turned| match turned {
                Turned::Fenced => Unwritten::Fenced,
                Turned::OtherKey => Unwritten::KeysChanged,
            })
        })
    }

    /// How many records a stream has behind this batch, and the hash of the last.
    fn stream(&self, batch: &Batch, id: &[u8; 16]) -> (u64, Hash) {
        let behind = batch.streams.get(id).copied();
        behind
            .or_else(|| self.shared.log.stream_head(id).map(|head| (head.revision + 1, head.hash)))
            .unwrap_or((0, NO_HASH))
    }

    /// The records' bytes and hashes at the places they would get.
    fn link(&self, batch: &Batch, append: &Append, at: Time) -> Result<Vec<(Vec<u8>, Hash)>, Unwritten> {
        let head = self.shared.log.head();
        let mut position = head.size + batch.entries.len() as u64;
        let mut previous = batch.entries.last().map_or(head.hash, |entry| entry.hash);
        let mut linked = Vec::with_capacity(append.records.len());
        let mut in_stream = None;
        for Sealed { draft, .. } in &append.records {
            let previous_in_stream = in_stream.unwrap_or_else(|| self.stream(batch, &draft.stream.id).1);
            let link = Link { log: self.shared.log_id, position, recorded_at: at, previous, previous_in_stream };
            let bytes = draft.write(&link)?;
            let hash = hash(&bytes);
            (position, previous, in_stream) = (position + 1, hash, Some(hash));
            linked.push((bytes, hash));
        }
        Ok(linked)
    }

    fn admit(&mut self, batch: &mut Batch, append: Append, at: Time, linked: Vec<(Vec<u8>, Hash)>) -> Appended {
        self.last = at;
        let first = self.shared.log.head().size + batch.entries.len() as u64;
        let mut owners = self.shared.owners.write();
        let mut answer = Appended { position: first, hash: NO_HASH, recorded_at: at };
        for (position, (record, (bytes, hash))) in (first..).zip(append.records.into_iter().zip(linked)) {
            let Sealed { draft, parts, owned, event } = record;
            batch.commands.insert(draft.command);
            batch.streams.insert(draft.stream.id, (draft.revision + 1, hash));
            batch.bytes += bytes.len() + parts.iter().map(Vec::len).sum::<usize>();
            let place = domain::event::Place {
                position,
                stream: draft.stream,
                revision: draft.revision,
                recorded_at: at,
                effective_at: draft.effective_at,
                actor: draft.actor,
                command: draft.command,
                hash,
            };
            owners.take(&place, &event, &owned);
            answer = Appended { position, hash, recorded_at: at };
            let parts = draft.personal.iter().zip(parts);
            let parts = parts.map(|(part, bytes)| Part { key: part.key, bytes: PartBytes::Present(bytes) }).collect();
            batch.entries.push(Entry { record: bytes, hash, parts });
            batch.news.push(Recorded { place, event });
        }
        answer
    }

    /// One frame, one sync; then the views; then the answers.
    fn write(&mut self, batch: Batch) -> Result<(), LogError> {
        if batch.entries.is_empty() {
            return Ok(());
        }
        let Batch { entries, news, answers, .. } = batch;
        let commit = Commit { entries };
        if let Err(failed) = self.shared.log.append(&commit) {
            tracing::error!(error = %failed, "the writer stops: a write failed");
            self.shared.stop();
            for (reply, promised) in answers {
                let _ = reply.send(promised.into_iter().map(|_| Err(Unwritten::Stopped)).collect());
            }
            return Err(failed);
        }
        self.shared.follow(news);
        // Before the answers: whoever was answered and asks for a checkpoint gets one that covers it. Where the publisher has
        // stopped, it has stopped the ledger too.
        let _ = self.publisher.send(Step::Durable(commit.entries));
        for (reply, answers) in answers {
            let _ = reply.send(answers);
        }
        Ok(())
    }
}

/// Whether a record may stand behind what a controller did that leaves, and is the next step where it is one.
fn may_follow(owners: &Owners, record: &Sealed) -> Result<(), Unwritten> {
    let leave = owners.leaving();
    admits(leave, record.draft.kind).map_err(|_| Unwritten::Leaving)?;
    let Event::Log(ledger::Event::Leaving(step)) = &record.event else { return Ok(()) };
    // A hold or an order may have come since somebody asked.
    let is_kept = || owners.in_force().is_some() || owners.orders().next().is_some();
    let keeps = matches!(step, Leaving::Approved { .. }) && is_kept();
    if keeps || leave.allows(record.draft.actor, step).is_err() { Err(Unwritten::Leaving) } else { Ok(()) }
}

/// After a failed write nothing is written any more: the disk is verified at the next start.
fn refuse(queue: &Receiver<Message>) {
    while let Ok(message) = queue.recv() {
        refuse_one(message);
    }
}

fn refuse_one(message: Message) {
    let Message { appends, reply } = message;
    let _ = reply.send(appends.iter().map(|_| Err(Unwritten::Stopped)).collect());
}

#[cfg(test)]
mod tests {
    use domain::aggregate::Aggregate;
    use domain::contact::{self, Contact};
    use domain::event::StreamKind;
    use domain::holding::{ChangeCause, Holding, HoldingChange, ReasonKind, SourceKind};
    use domain::id::{ActorId, CaseId, ContactId};
    use domain::ledger;
    use domain::profile::{Change, FieldPolicy};
    use domain::register::{self, Register};
    use domain::subject::Case;
    use domain::subject::redaction::{Wanted, What};
    use domain::value::{Line, Text};

    use super::*;
    use crate::ledger::redact::Begun;
    use crate::ledger::{Clock, Directory, Founding, Fresh, Heads, Intent, Ledger, Owners, Parts, Publishing};
    use crate::log::engine::Options;
    use crate::note::FileSigner;
    use crate::tree;
    use crate::wire::{self, Written};

    struct Nothing;

    impl Follow for Nothing {
        fn follow(&mut self, _: Vec<Recorded>) {}
    }

    const NOW: Time = Time(1_790_000_000_000);

    fn open(path: &std::path::Path) -> Ledger<Nothing> {
        let founding = Founding { controller: "Muster".into(), origin: "muster.example".into(), demo: true, at: NOW };
        Directory::create(path, &founding, Options::default()).unwrap();
        let Directory { lock, log, keyring, log_id, mut tree, signing_key, .. } =
            Directory::open(path, Options::default(), &|_, _| {}).unwrap();
        let opening = [0, 1].map(|position| tree::leaf(&log.record(position).unwrap().unwrap().record));
        tree.grow(&opening).unwrap();
        let signer = Arc::new(FileSigner::at(&signing_key).unwrap());
        let publishing = Publishing::over(tree, "muster.example", signer, log.mark().checkpoint).unwrap();
        let (clock, owners, heads) = (Clock::set_to(NOW), Owners::default(), Heads::default());
        Ledger::start(Parts { lock, log, keyring, log_id, clock, owners, views: Nothing, publishing, heads }).unwrap()
    }

    /// Another record of the log's own stream, and where its answer comes.
    fn message(ledger: &Ledger<Nothing>) -> (Message, oneshot::Receiver<Answers>) {
        let event = Event::Log(ledger::Event::ClockConfirmed { now: NOW });
        let Written { kind, version, facts, .. } = wire::write(&event).unwrap();
        let mut fresh = Fresh::new();
        let draft = Draft {
            stream: Stream { kind: StreamKind::Log, id: ledger.log_id().0 },
            revision: 2,
            kind,
            version,
            effective_at: NOW,
            actor: fresh.id().unwrap(),
            command: fresh.id().unwrap(),
            index: 0,
            count: 1,
            causation: None,
            facts,
            personal: Vec::new(),
        };
        let record = Sealed { draft, parts: Vec::new(), owned: Vec::new(), event };
        let (reads, keys, last_parts) = (Vec::new(), Vec::new(), Vec::new());
        let append = Append { records: vec![record], reads, keys, last_parts, confirms_clock: false };
        let (reply, answers) = oneshot::channel();
        (Message { appends: vec![append], reply }, answers)
    }

    /// Whoever was turned away because of them tried again on a log without them, and was told a revision that a power cut
    /// could take back.
    #[test]
    fn nobody_hears_of_records_that_are_not_durable() {
        let dir = tempfile::tempdir().unwrap();
        let ledger = open(dir.path());
        let publisher = std::sync::mpsc::channel().0;
        let mut writer = Writer { shared: ledger.shared.clone(), last: NOW, publisher };
        let mut batch = Batch::default();
        let ((first, mut accepted), (second, mut refused)) = (message(&ledger), message(&ledger));
        writer.take(&mut batch, first);
        writer.take(&mut batch, second);
        assert!(accepted.try_recv().is_err());
        assert!(refused.try_recv().is_err(), "it was told before the sync");
        writer.write(batch).unwrap();
        assert!(accepted.try_recv().unwrap()[0].is_ok());
        let stream = Stream { kind: StreamKind::Log, id: ledger.log_id().0 };
        assert_eq!(refused.try_recv().unwrap(), [Err(Unwritten::Conflict { stream, count: 3 })]);

        let (third, mut alone) = message(&ledger);
        let mut batch = Batch::default();
        writer.take(&mut batch, third);
        assert!(alone.try_recv().unwrap()[0].is_err(), "there is nothing to wait for");
    }

    /// While a second redaction was written, what the first had moved was read where it had been before both: under a key
    /// that was destroyed. Whoever read it then was told that the person was erased.
    #[test]
    fn what_was_moved_is_read_where_it_was_until_its_next_move_is_durable() {
        let dir = tempfile::tempdir().unwrap();
        let ledger = open(dir.path());
        let maria = maria(&ledger);
        let (case, officer) = (maria.case, maria.officer);
        let key = ledger.owners().key(maria.subject, Compartment::Relationship).unwrap();
        ledger.order_redaction((case, maria.ask(&ledger, contact::Field::Notes)), officer, None, None).unwrap();
        ledger.keyring().destroy(&[key]).unwrap();

        let second = maria.ask(&ledger, contact::Field::JobTitle);
        let (count, state) = ledger.state::<Case>(&case.0).unwrap();
        let command = Fresh::new().id().unwrap();
        let mut begun = Begun::default();
        let append = ledger.plan_redaction((case, count, &state), second, (officer, command), &mut begun).unwrap();
        let (reply, _answers) = oneshot::channel();
        let publisher = std::sync::mpsc::channel().0;
        let mut writer = Writer { shared: ledger.shared.clone(), last: NOW, publisher };
        let mut batch = Batch::default();
        let read = |ledger: &Ledger<Nothing>| {
            let entry = ledger.log().read_stream(&maria.contact, 0, 1).unwrap().remove(0);
            match ledger.open(&entry).unwrap().recorded.event {
                Event::Contact(contact::Event::Registered { profile, .. }) => {
                    let profile = profile.read(|profile| profile.expose().clone());
                    profile.map(|profile| (profile.notes.is_some(), profile.job_title.is_some()))
                }
                event => panic!("{event:?}"),
            }
        };
        writer.take(&mut batch, Message { appends: vec![append], reply });
        assert_eq!(read(&ledger), Ok((false, true)), "it is not durable, so it has not happened");
        writer.write(batch).unwrap();
        assert_eq!(read(&ledger), Ok((false, false)));
    }

    /// A compartment that was written to while it was sealed anew was sealed anew from its first part on, under one more key,
    /// until the tries were used up.
    #[test]
    fn what_was_sealed_anew_is_not_sealed_again_for_what_comes_in_meanwhile() {
        let dir = tempfile::tempdir().unwrap();
        let ledger = open(dir.path());
        let maria = maria(&ledger);
        let redaction = maria.ask(&ledger, contact::Field::Notes);
        let mut begun = Begun::default();
        let (count, state) = ledger.state::<Case>(&maria.case.0).unwrap();
        let mut parts = || {
            let command = Fresh::new().id().unwrap();
            let by = (maria.officer, command);
            let append = ledger.plan_redaction((maria.case, count, &state), redaction, by, &mut begun).unwrap();
            append.records.into_iter().flat_map(|record| record.parts).collect::<Vec<_>>()
        };
        let first = parts();
        let job_title = Change::Set(Line::parse("Baker").unwrap());
        let profile = Box::new(contact::ProfileChange { job_title, ..contact::ProfileChange::default() });
        let (cause, holding) = (ChangeCause::Change, HoldingChange::default());
        let change = contact::Command::Change { cause, holding, profile, policy: FieldPolicy::default() };
        say::<Contact>(&ledger, maria.contact, maria.agent, change);
        let second = parts();
        assert_eq!((first.len(), second.len()), (1, 2));
        assert_eq!(second[0], first[0], "the same bytes under the same key");
    }

    /// Somebody with a case, and whoever redacts something of theirs.
    struct Maria {
        contact: [u8; 16],
        case: CaseId,
        subject: SubjectId,
        agent: ActorId,
        officer: ActorId,
    }

    fn maria(ledger: &Ledger<Nothing>) -> Maria {
        ledger.keyring().settle(|_| false, true).unwrap();
        let mut fresh = Fresh::new();
        let (contact, case): (ContactId, CaseId) = (fresh.id().unwrap(), fresh.id().unwrap());
        let (subject, agent, officer) = (fresh.id().unwrap(), fresh.id().unwrap(), fresh.id().unwrap());
        let line = |text| Line::parse(text).ok();
        let (first_name, job_title, notes) = (line("Maria"), line("Smith"), Text::parse("a note").ok());
        let profile = contact::Profile { first_name, job_title, notes, ..contact::Profile::default() };
        let holding = Holding { source: SourceKind::Phone, reason: ReasonKind::Contract, hold_until: None };
        let (profile, policy) = (Box::new(profile), FieldPolicy::default());
        say::<Contact>(ledger, contact.0, agent, contact::Command::Register { subject, holding, profile, policy });
        let kind = subject::SubjectKind::Person;
        say::<Case>(ledger, case.0, agent, subject::Command::Open { subject, kind });
        Maria { contact: contact.0, case, subject, agent, officer }
    }

    impl Maria {
        /// Asks that a field goes.
        fn ask(&self, ledger: &Ledger<Nothing>, field: contact::Field) -> ErasureId {
            let redaction = Fresh::new().id().unwrap();
            let stream = Stream { kind: StreamKind::Contact, id: self.contact };
            let wanted = Wanted { stream, what: What::Fields(vec![field.code().into()]), words: None };
            let (compartment, purge_on) = (Compartment::Relationship, None);
            let request = redaction::Command::Request { redaction, compartment, wanted, purge_on };
            say::<Case>(ledger, self.case.0, self.agent, subject::Command::Redaction(request));
            redaction
        }
    }

    fn say<A: Aggregate>(ledger: &Ledger<Nothing>, id: [u8; 16], actor: ActorId, command: A::Command) {
        let (effective_at, expected, reads, keys, fresh) = (None, None, Vec::new(), Vec::new(), Fresh::new());
        let command_id = Fresh::new().id().unwrap();
        let intent = Intent::<A> { id, command, command_id, actor, effective_at, expected, reads, keys, fresh };
        ledger.submit_blocking(&intent).unwrap();
    }

    /// A fence between two looks at the epoch left an empty state behind in the cache, and the next command was told that
    /// there is no such thing.
    #[test]
    fn a_kept_state_that_lags_behind_its_stream_is_folded_again() {
        let dir = tempfile::tempdir().unwrap();
        let ledger = open(dir.path());
        let id = [7; 16];
        let register::Event::PurposeSet(purpose) = register::defaults().into_iter().next().unwrap() else {
            panic!("the first default is no purpose");
        };
        let intent = Intent::<Register> {
            id,
            command: register::Command::SetPurpose(purpose),
            command_id: Fresh::new().id().unwrap(),
            actor: Fresh::new().id().unwrap(),
            effective_at: None,
            expected: None,
            reads: Vec::new(),
            keys: Vec::new(),
            fresh: Fresh::new(),
        };
        ledger.submit_blocking(&intent).unwrap();
        let states = &ledger.shared.states;
        states.evict(&id);
        states.put(id, states.epoch(), 0, Arc::new(Register::default()));
        assert_eq!(ledger.state::<Register>(&id).unwrap().0, 1);
    }
}
