//! A redaction's way through log and keyring: what stays of a compartment is sealed anew under another key, the old key is
//! ordered to be destroyed by the same command, and dies as every ordered key does.

use domain::aggregate::{Aggregate as _, Circumstances};
use domain::compartment::Compartment;
use domain::contact;
use domain::event::{Event, Follow, Stream, StreamKind};
use domain::id::{ActorId, CaseId, CommandId, ErasureId, KeyId, RegisterId, SubjectId};
use domain::owner::Owner;
use domain::personal::{Gone, Held};
use domain::subject::redaction::{self, Command, Moved, NotRedacted, PartOf, Plan, Resealed, Wanted, What};
use domain::subject::{self, Case, Rejection};
use domain::{document, organization, quote, ticket};

use super::certify::Ordered;
use super::command::{Accepted, Failure, Refused, block_on};
use super::erase::EraseError;
use super::owners::Owned;
use super::read::{Fault, Unreadable, unseal};
use super::writer::{Append, Appended, BATCH_BYTES, Sealed, Unwritten};
use super::{Fresh, Ledger};
use crate::keyring::{Key, KeyringError};
use crate::log::carve::LONGEST;
use crate::log::{Entry, Log as _, LogError, PartPlace};
use crate::record::{Draft, FORMAT_VERSION, PartRef, Record};
use crate::seal::{self, Binding};
use crate::wire::{self, Written};

/// How often it is tried when something moved, and how often what came in meanwhile is sealed before each try.
const TRIES: usize = 50;
const PASSES: usize = 20;
/// How many parts one record moves, and how many it leaves behind: so many always fit.
const MOVED: usize = 200;
const DROPPED: usize = 1_000;
/// How many bytes one redaction may write; they are one frame of the journal, with what is in its batch before them.
const MOST_BYTES: usize = 256 << 20;
/// What a part that is moved takes besides its own bytes: its number, what went of it, its key, its place in the frame.
const MOVED_BYTES: usize = 512;
/// A frame that no carver looks at would hide what its parts still open with.
const _: () = assert!(((MOST_BYTES + BATCH_BYTES) as u64) < LONGEST - (16 << 20));

/// What a redaction would do, as things are.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct RedactionPreview {
    /// Parts that lose something of what they say, or all of it. An older backup has them whole, and nobody opens them.
    pub touched: usize,
    /// Parts that are sealed anew because they share the key. In an older backup nobody opens them either.
    pub resealed: usize,
    /// Parts that go whole: those of the touched that are not sealed anew.
    pub dropped: usize,
}

impl std::iter::Sum for RedactionPreview {
    fn sum<I: Iterator<Item = Self>>(each: I) -> Self {
        let add = |all: Self, one: Self| Self {
            touched: all.touched + one.touched,
            resealed: all.resealed + one.resealed,
            dropped: all.dropped + one.dropped,
        };
        each.fold(Self::default(), add)
    }
}

/// Whose a stream is and in which compartment, or why that cannot be read.
pub type Home = Result<(SubjectId, Compartment), Gone>;

/// What becomes of a part.
enum Goes {
    Whole,
    Leaves(Vec<u32>),
}

/// What was sealed anew so far. What comes in meanwhile is sealed behind it, so that a compartment that is written to all the
/// time is done once and then caught up with.
#[derive(Default)]
pub(super) struct Begun {
    /// From which key, for records from which revision on.
    of: Option<(KeyId, u64)>,
    to: Option<(KeyId, Key)>,
    /// The last record that was read.
    last: Option<u64>,
    made: Made,
}

/// The records of one redaction, and the parts of each.
#[derive(Default)]
struct Made {
    resealed: Vec<Resealed>,
    parts: Vec<Vec<MadePart>>,
    bytes: usize,
}

type MadePart = (PartRef, Vec<u8>, Owned);

impl<V: Follow> Ledger<V> {
    /// Whose a stream is and in which compartment: where its words are sealed. None where there is no such stream.
    pub fn home(&self, stream: &Stream) -> Result<Option<Home>, Failure> {
        Ok(self.homes(stream)?.into_iter().next())
    }

    /// Everybody of whom a stream tells, and in which compartment: first where its words are sealed, behind it who is only
    /// named there. What is kept of it for others, for the tax office say, does not count. Nobody where there is no such
    /// stream.
    pub fn homes(&self, stream: &Stream) -> Result<Vec<Home>, Failure> {
        let failed = |failed: LogError| Unreadable { position: u64::MAX, fault: failed.into() };
        let entries = self.shared.log.read_stream(&stream.id, 0, 1).map_err(failed)?;
        let Some(opened) = entries.first().map(|entry| self.open(entry)).transpose()? else { return Ok(Vec::new()) };
        let is_it = opened.recorded.place.stream == *stream;
        Ok(if is_it { homes(&opened.recorded.event) } else { Vec::new() })
    }

    /// Whether this actor may carry it out as things are. Writes nothing. `expected` is the revision of the case that the
    /// client has seen.
    pub fn check_redaction(
        &self,
        (case, redaction): (CaseId, ErasureId),
        by: ActorId,
        expected: Option<u64>,
    ) -> Result<(), EraseError> {
        let now = self.shared.clock.now().max(self.shared.log.head().recorded_at);
        let when = Circumstances { actor: by, effective_at: now, now };
        let (count, state) = self.state::<Case>(&case.0)?;
        redaction::check(&state, redaction, &when).map_err(Refused::Rejected)?;
        seen(expected, count)
    }

    /// What a redaction of this would do. Writes nothing.
    pub fn preview_redaction(
        &self,
        (subject, compartment): (SubjectId, Compartment),
        wanted: &Wanted,
    ) -> Result<RedactionPreview, EraseError> {
        let mut preview = RedactionPreview::default();
        let Some(from) = self.shared.owners.read().key(subject, compartment) else { return Ok(preview) };
        self.each_part(&from, None, wanted, &mut |_, goes, _| {
            match goes {
                Goes::Leaves(leaves) if leaves.is_empty() => preview.resealed += 1,
                Goes::Leaves(_) => (preview.touched, preview.resealed) = (preview.touched + 1, preview.resealed + 1),
                Goes::Whole => (preview.touched, preview.dropped) = (preview.touched + 1, preview.dropped + 1),
            }
            Ok(())
        })?;
        Ok(preview)
    }

    /// Carries out what another actor asked for: what stays is resealed, the old key destroyed, and that certified. When it
    /// returns, all of it is durable, but where a member of the anchor is away: then it is ordered, and waits. What is cut off
    /// behind the order is led on by the next call, or the next open. `expected` is the revision of the case that the client
    /// has seen.
    pub fn redact(
        &self,
        register: RegisterId,
        (case, redaction): (CaseId, ErasureId),
        by: ActorId,
        command_id: Option<CommandId>,
        expected: Option<u64>,
    ) -> Result<Accepted, EraseError> {
        let before = command_id.map(|command| self.redacted_by(case, redaction, by, command)).transpose()?.flatten();
        let accepted = match before {
            Some(accepted) => accepted,
            None => self.order_redaction((case, redaction), by, command_id, expected)?,
        };
        match self.lead_on(register, redaction) {
            Err(error) if error.is_of_anchor() => tracing::warn!(%error, "a redaction waits for the anchor"),
            led => led?,
        }
        Ok(accepted)
    }

    /// Destroys and certifies what this redaction ordered, where that was cut off. Durable when it returns.
    pub fn lead_on(&self, register: RegisterId, redaction: ErasureId) -> Result<(), EraseError> {
        let open = self.shared.owners.read().open_orders().into_iter().find(|(_, id, ..)| *id == redaction);
        let Some((case, erasure, actor, keys)) = open else { return Ok(()) };
        let order = Ordered { case, erasure, actor, keys };
        self.finish(Some(register), &[order])?.pop().map_or(Ok(()), |certified| certified.map(drop))
    }

    /// What an earlier command with this id came to.
    fn redacted_by(
        &self,
        case: CaseId,
        redaction: ErasureId,
        by: ActorId,
        command: CommandId,
    ) -> Result<Option<Accepted>, EraseError> {
        let Some(placed) = self.shared.log.command(&command) else { return Ok(None) };
        let first = self.open(&self.entry(placed.first)?).map_err(Failure::from)?.recorded;
        let approved = redaction::Event::Approved { redaction };
        let same = first.event == Event::Case(subject::Event::Redaction(approved));
        if !same || first.place.stream.id != case.0 || first.place.actor != by {
            return Err(Refused::<Rejection>::CommandReused.into());
        }
        let last = self.entry(placed.first + u64::from(placed.count).saturating_sub(1))?;
        let record = parse(&last)?;
        Ok(Some(Accepted {
            stream: record.stream,
            revision: record.revision,
            position: record.position,
            hash: last.hash,
            recorded_at: record.recorded_at,
            repeated: true,
        }))
    }

    /// Seals what stays anew and orders the destruction of the old key, in one command, and goes no further; whoever orders it
    /// leads it on, or the next open does. Durable when it returns.
    pub fn order_redaction(
        &self,
        (case, redaction): (CaseId, ErasureId),
        by: ActorId,
        command_id: Option<CommandId>,
        expected: Option<u64>,
    ) -> Result<Accepted, EraseError> {
        let mut begun = Begun::default();
        for _ in 0..TRIES {
            let (count, state) = self.state::<Case>(&case.0)?;
            seen(expected, count)?;
            let command_id = match command_id {
                Some(command_id) => command_id,
                None => Fresh::new().id().map_err(|none| Failure::from(KeyringError::from(none)))?,
            };
            match self.order_once((case, count, &*state), redaction, (by, command_id), &mut begun)? {
                Ok(accepted) => return Ok(accepted),
                Err(Unwritten::Conflict { .. } | Unwritten::KeysChanged | Unwritten::Fenced) => {
                    self.shared.states.evict(&case.0);
                }
                Err(Unwritten::CommandUsed) => return Err(Refused::<Rejection>::CommandReused.into()),
                Err(Unwritten::UnderWay(other)) => return Err(EraseError::UnderWay(other)),
                Err(Unwritten::OnHold(hold)) => return Err(EraseError::OnHold(hold)),
                Err(Unwritten::TooLarge(_)) => return Err(Refused::<Rejection>::TooLarge.into()),
                Err(unwritten) => return Err(Failure::from(unwritten).into()),
            }
        }
        Err(Failure::Busy.into())
    }

    fn order_once(
        &self,
        (case, count, state): (CaseId, u64, &Case),
        redaction: ErasureId,
        by: (ActorId, CommandId),
        begun: &mut Begun,
    ) -> Result<Result<Accepted, Unwritten>, EraseError> {
        let append = self.plan_redaction((case, count, state), redaction, by, begun)?;
        let stream = Stream { kind: StreamKind::Case, id: case.0 };
        let revision = (count + append.records.len() as u64).saturating_sub(1);
        let answers = block_on(self.send(vec![append])).unwrap_or_default();
        let answer = answers.into_iter().next().unwrap_or(Err(Unwritten::Stopped));
        Ok(answer.map(|Appended { position, hash, recorded_at }| Accepted {
            stream,
            revision,
            position,
            hash,
            recorded_at,
            repeated: false,
        }))
    }

    /// Seals what stays, and makes the records that say so and give the order.
    pub(super) fn plan_redaction(
        &self,
        (case, count, state): (CaseId, u64, &Case),
        redaction: ErasureId,
        (by, command_id): (ActorId, CommandId),
        begun: &mut Begun,
    ) -> Result<Append, EraseError> {
        let now = self.shared.clock.now().max(self.shared.log.head().recorded_at);
        let when = Circumstances { actor: by, effective_at: now, now };
        let found = redaction::check(state, redaction, &when).map_err(Refused::Rejected)?;
        let (Owner::Subject(subject), Some(wanted)) = (state.owner(), &found.wanted) else {
            return Err(Refused::Rejected(Rejection::Erased).into());
        };
        let nothing = || Refused::Rejected(Rejection::from(NotRedacted::Nothing));
        let from = self.shared.owners.read().key(subject, found.compartment).ok_or_else(nothing)?;
        if let Some(other) = self.shared.owners.read().taken(&[from], redaction) {
            return Err(EraseError::UnderWay(other));
        }
        let stream = Stream { kind: StreamKind::Case, id: case.0 };
        // The approval stands before them.
        begun.go_on(from, count + 1);
        for _ in 0..PASSES {
            self.reseal(stream, begun, wanted)?;
            if self.shared.log.last_part_of(&from) == begun.last {
                break;
            }
        }
        let (last, resealed) = (begun.last, begun.made.resealed.clone());
        let moves = resealed.iter().any(|resealed| !resealed.moved.is_empty());
        let to = begun.to.as_ref().map(|(to, _)| *to).filter(|_| moves);
        let epoch_before = self.shared.keyring.epoch();
        let plan = Plan { from, to, resealed, epoch_before };
        let command = subject::Command::Redaction(Command::CarryOut { redaction, plan });
        let events = state.decide(&command, &when).map_err(Refused::Rejected)?;
        let of_command = u16::try_from(events.len()).map_err(|_| Refused::<Rejection>::TooLarge)?;
        let mut parts = begun.made.parts.iter().cloned();
        let mut records = Vec::with_capacity(events.len());
        for (index, event) in (0..of_command).zip(events) {
            let is_resealed = matches!(&event, subject::Event::Redaction(redaction::Event::Resealed { .. }));
            let of_record = if is_resealed { parts.next().unwrap_or_default() } else { Vec::new() };
            let event = Event::Case(event);
            let Written { kind, version, facts, .. } = wire::write(&event).map_err(Failure::from)?;
            let draft = Draft {
                stream,
                revision: count + u64::from(index),
                kind,
                version,
                effective_at: now,
                actor: by,
                command: command_id,
                index,
                count: of_command,
                causation: None,
                facts,
                personal: of_record.iter().map(|(part, ..)| *part).collect(),
            };
            let owned = of_record.iter().map(|(.., owned)| *owned).collect();
            let parts = of_record.into_iter().map(|(_, bytes, _)| bytes).collect();
            records.push(Sealed { draft, parts, owned, event });
        }
        let (reads, keys, last_parts) = (Vec::new(), Vec::new(), vec![(from, last)]);
        Ok(Append { records, reads, keys, last_parts, confirms_clock: false })
    }

    /// Seals what stays of what was not read yet under a new key.
    fn reseal(&self, stream: Stream, begun: &mut Begun, wanted: &Wanted) -> Result<(), EraseError> {
        let Begun { of, to, last, made } = begun;
        let Some((from, first)) = *of else { return Ok(()) };
        *last = self.each_part(&from, *last, wanted, &mut |of, goes, opened| match goes {
            Goes::Whole => made.drop_part(of),
            Goes::Leaves(gone) => {
                let (to, key) = match to {
                    Some(to) => to,
                    None => to.insert(self.shared.keyring.mint().map_err(Failure::from)?),
                };
                let (record, part) = made.room();
                let binding = Binding {
                    format: FORMAT_VERSION,
                    log: self.shared.log_id,
                    stream,
                    revision: first + record,
                    kind: "case.resealed",
                    schema: 1,
                    part,
                    key: *to,
                };
                made.move_part(of, gone, opened, (&*key, *to), &binding)
            }
        })?;
        Ok(())
    }

    /// Every part under a key of records behind one, opened, by the record that it was made for, with what a redaction would
    /// make of it; and the last of these records.
    fn each_part(
        &self,
        key: &KeyId,
        behind: Option<u64>,
        wanted: &Wanted,
        each: &mut dyn FnMut(PartOf, Goes, &seal::Opened) -> Result<(), EraseError>,
    ) -> Result<Option<u64>, EraseError> {
        let state = |key: &KeyId| self.shared.keyring.state(key);
        let mut last: Option<Entry> = None;
        let mut at = u64::MAX;
        let places = self.places(key)?;
        let read = places.iter().map(|place| place.position).max().max(behind);
        for place in places.into_iter().filter(|place| behind.is_none_or(|behind| place.position > behind)) {
            if at != place.position {
                (last, at) = (Some(self.entry(place.position)?), place.position);
            }
            let Some(entry) = &last else { continue };
            let record = parse(entry)?;
            let unreadable = |fault| Failure::from(Unreadable { position: place.position, fault });
            let number = usize::from(place.part);
            let (Some(part), Some(stored)) = (record.personal.get(number), entry.parts.get(number)) else {
                return Err(unreadable(Fault::Parts).into());
            };
            let opened = match unseal(&record, number, part, stored, &state).map_err(unreadable)? {
                Ok(opened) => opened,
                Err(Gone::Erased) => return Err(Refused::Rejected(Rejection::Erased).into()),
                Err(Gone::Withheld) => return Err(Refused::Rejected(Rejection::Withheld).into()),
                Err(Gone::Lost) => return Err(Refused::Rejected(Rejection::Lost).into()),
            };
            let origin = self.shared.owners.read().origin(place);
            let goes = if origin == place {
                goes(&record, origin, wanted, &opened)?
            } else {
                goes(&parse(&self.entry(origin.position)?)?, origin, wanted, &opened)?
            };
            each(PartOf { position: origin.position, part: origin.part.into() }, goes, &opened)?;
        }
        Ok(read)
    }

    fn entry(&self, position: u64) -> Result<Entry, Failure> {
        let unreadable = |fault| Unreadable { position, fault };
        let entry = self.shared.log.record(position).map_err(|failed| unreadable(failed.into()))?;
        Ok(entry.ok_or_else(|| unreadable(Fault::Parts))?)
    }
}

impl Begun {
    /// Where the key or the place in the case is another by now, it begins again; a key that was drawn for it stays.
    fn go_on(&mut self, from: KeyId, first: u64) {
        if self.of != Some((from, first)) {
            *self = Self { of: Some((from, first)), to: self.to.take(), ..Self::default() };
        }
    }
}

impl Made {
    /// The number of the record that the next moved part goes into, and its number there.
    fn room(&mut self) -> (u64, u8) {
        if self.resealed.last().is_none_or(|last| last.moved.len() >= MOVED) {
            self.begin();
        }
        let moved = self.resealed.last().map_or(0, |last| last.moved.len());
        // At most as many as stand above.
        (self.resealed.len().saturating_sub(1) as u64, moved as u8)
    }

    fn begin(&mut self) {
        self.resealed.push(Resealed::default());
        self.parts.push(Vec::new());
    }

    fn drop_part(&mut self, of: PartOf) -> Result<(), EraseError> {
        if self.resealed.last().is_none_or(|last| last.dropped.len() >= DROPPED) {
            self.begin();
        }
        self.resealed.last_mut().into_iter().for_each(|last| last.dropped.push(of));
        Ok(())
    }

    fn move_part(
        &mut self,
        of: PartOf,
        gone: Vec<u32>,
        opened: &seal::Opened,
        (key, id): (&Key, KeyId),
        binding: &Binding<'_>,
    ) -> Result<(), EraseError> {
        let goes = |leaf: usize| gone.iter().any(|gone| *gone as usize == leaf);
        let sealed = seal::reseal(opened, goes, key, binding).map_err(Failure::from)?;
        let (subject, compartment) = (opened.plain.subject, opened.plain.compartment);
        self.bytes += sealed.bytes.len() + MOVED_BYTES;
        if self.bytes > MOST_BYTES {
            return Err(Refused::<Rejection>::TooLarge.into());
        }
        let part = PartRef { compartment, key: id, commitment: sealed.commitment };
        let made = (part, sealed.bytes, Owned { subject, compartment, key: id });
        if let (Some(parts), Some(last)) = (self.parts.last_mut(), self.resealed.last_mut()) {
            parts.push(made);
            last.moved.push(Moved { of, gone });
        }
        Ok(())
    }
}

/// Refuses a client that has not seen the last of this many records.
fn seen(expected: Option<u64>, count: u64) -> Result<(), EraseError> {
    match expected {
        Some(expected) if expected.checked_add(1) != Some(count) => {
            Err(Refused::<Rejection>::Conflict { current: count.checked_sub(1) }.into())
        }
        _ => Ok(()),
    }
}

/// Of whom the first record of a stream tells; first where the aggregate seals the words that follow.
fn homes(first: &Event) -> Vec<Home> {
    fn of<T>(part: &Held<T>) -> Home {
        part.read(|part| (part.subject(), part.compartment()))
    }
    match first {
        Event::Contact(contact::Event::Registered { profile, .. }) => vec![of(profile)],
        Event::Organization(organization::Event::Registered { profile, .. }) => vec![of(profile)],
        Event::Document(document::Event::Attached { file }) => vec![of(file)],
        Event::Ticket(ticket::Event::Opened { person, organization, .. }) => {
            person.iter().map(of).chain(organization.iter().map(of)).collect()
        }
        Event::Quote(quote::Event::Drafted { person, organization, .. }) => {
            organization.iter().map(of).chain(person.iter().map(of)).collect()
        }
        _ => Vec::new(),
    }
}

/// What a redaction takes of a part, by the record that it was made for.
fn goes(record: &Record<'_>, place: PartPlace, wanted: &Wanted, opened: &seal::Opened) -> Result<Goes, Failure> {
    let nothing = Goes::Leaves(Vec::new());
    if record.stream != wanted.stream {
        return Ok(nothing);
    }
    let part = u8::try_from(place.part).unwrap_or(u8::MAX);
    let columns = wire::fields_of(record.kind, record.version, record.facts, part);
    let there = |number: usize| opened.plain.fields.get(number).is_some_and(|field| says_something(record.kind, field));
    let leaves = |names: &[String]| {
        let named = columns.iter().enumerate().filter(|(_, column)| names.iter().any(|name| name.as_str() == **column));
        let leaves = named.filter(|(number, _)| there(*number)).map(|(number, _)| number as u32 + 2);
        Goes::Leaves(leaves.collect())
    };
    Ok(match &wanted.what {
        What::Node => Goes::Whole,
        What::Fields(fields) => leaves(&names(record.stream.kind, fields)),
        What::Message(wanted) => {
            let parts = record.personal.iter().map(|_| Held::Gone(Gone::Withheld)).collect();
            let unreadable = |bad: wire::WireError| Unreadable { position: record.position, fault: bad.into() };
            match wire::read(record.kind, record.version, record.facts, parts).map_err(unreadable)? {
                Event::Ticket(ticket::Event::Opened { message, .. }) if message == *wanted => {
                    leaves(&["question".to_owned()])
                }
                Event::Ticket(ticket::Event::Replied { message, .. } | ticket::Event::NoteAdded { message, .. })
                    if message == *wanted =>
                {
                    Goes::Whole
                }
                _ => nothing,
            }
        }
    })
}

/// A field that is empty, or that went before, has nothing to lose; nor has a change that leaves or clears it.
fn says_something(kind: &str, field: &[u8]) -> bool {
    let cleared = kind.ends_with(".changed") && field == [0, 0, 0, 1];
    !cleared && field.iter().any(|byte| *byte != 0)
}

/// The names that stored forms have for fields of a profile.
fn names(kind: StreamKind, fields: &[u32]) -> Vec<String> {
    let name = |code: &u32| {
        let code = u16::try_from(*code).ok()?;
        match kind {
            StreamKind::Contact => contact::Field::from_code(code).map(contact::Field::name),
            StreamKind::Organization => organization::Field::from_code(code).map(organization::Field::name),
            _ => None,
        }
    };
    fields.iter().filter_map(name).map(str::to_lowercase).collect()
}

fn parse(entry: &Entry) -> Result<Record<'_>, Failure> {
    Ok(Record::parse(&entry.record).map_err(|bad| Unreadable { position: u64::MAX, fault: bad.into() })?)
}
