//! Somebody who knows the format: reads a journal, changes records, and writes it again with right checksums, and, where
//! asked to, with right hashes from the first record to the head mark.

use std::ops::Range;
use std::path::Path;

use domain::event::Event;
use domain::id::LogId;
use domain::ledger::Event as Fact;
use events::chain::StreamHead;
use events::log::frame::{self, Sums};
use events::log::headmark::{self, HeadMark};
use events::log::journal::{self, Journal};
use events::log::segment::{self, Header};
use events::log::{Entry, Head, PartBytes};
use events::map::StreamMap;
use events::record::{CONTINUED, Draft, Hash, Link, NO_HASH, Record, hash};
use events::wire;

/// The records of a journal, in hand.
#[derive(Clone)]
pub struct Forger {
    /// The log of the first record.
    pub log: LogId,
    pub entries: Vec<Entry>,
}

/// How many records stand in one frame of a forged journal.
const IN_A_FRAME: usize = 3;

impl Forger {
    /// Takes all records of a data directory at rest.
    pub fn read(data: &Path) -> Self {
        let journal = Journal::open_read_only(data).unwrap();
        Self { log: journal.first_log(), entries: journal.entries().collect::<Result<_, _>>().unwrap() }
    }

    /// Where it ends.
    pub fn head(&self) -> events::chain::Head {
        let hash = self.entries.last().map_or(NO_HASH, |entry| entry.hash);
        events::chain::Head { size: self.entries.len() as u64, hash }
    }

    /// The first position of a kind.
    pub fn find(&self, kind: &str) -> usize {
        let is = |entry: &Entry| Record::parse(&entry.record).is_ok_and(|record| record.kind == kind);
        self.entries.iter().position(is).unwrap_or_else(|| panic!("there is no {kind}"))
    }

    /// The kind of a record.
    pub fn kind(&self, position: usize) -> &str {
        Record::parse(&self.entries[position].record).unwrap().kind
    }

    /// The records of the command that a record belongs to.
    pub fn command(&self, position: usize) -> Range<usize> {
        let record = Record::parse(&self.entries[position].record).unwrap();
        let first = position - usize::from(record.index);
        first..first + usize::from(record.count)
    }

    /// Changes one record. Nothing behind it follows.
    pub fn edit(&mut self, position: usize, change: impl FnOnce(&mut Draft, &mut Link)) {
        let entry = &mut self.entries[position];
        let (mut draft, mut link) = apart(&entry.record);
        change(&mut draft, &mut link);
        entry.record = draft.write(&link).unwrap();
        entry.hash = hash(&entry.record);
    }

    /// Gives every record its position, as if none had ever stood elsewhere. The hashes stay wrong.
    pub fn renumber(&mut self) {
        for position in 0..self.entries.len() {
            self.edit(position, |_, link| link.position = position as u64);
        }
    }

    /// Takes records out.
    pub fn cut_out(&mut self, records: Range<usize>) {
        self.entries.drain(records);
    }

    /// A record changes places with the one behind it.
    pub fn swap(&mut self, position: usize) {
        self.entries.swap(position, position + 1);
    }

    /// Makes everything right from a position on: positions, revisions, and the hashes of chain and streams.
    pub fn relink(&mut self, from: usize) {
        for position in from..self.entries.len() {
            let stream = apart(&self.entries[position].record).0.stream;
            let before = self.entries[..position].iter().rev().find_map(|entry| {
                let record = Record::parse(&entry.record).ok()?;
                (record.stream.id == stream.id).then_some((record.revision, entry.hash))
            });
            let previous = position.checked_sub(1).map_or(NO_HASH, |before| self.entries[before].hash);
            self.edit(position, |draft, link| {
                (link.position, link.previous) = (position as u64, previous);
                draft.revision = before.map_or(0, |(revision, _)| revision + 1);
                link.previous_in_stream = before.map_or(NO_HASH, |(_, hash)| hash);
            });
        }
    }

    /// Makes the roots of the map of streams those of the records as they are now, and every hash behind them right.
    pub fn remap(&mut self) {
        for at in 0..self.entries.len() {
            let (draft, _) = apart(&self.entries[at].record);
            let Ok(Event::Log(Fact::Mapped { size, .. })) =
                wire::read(draft.kind, draft.version, &draft.facts, Vec::new())
            else {
                continue;
            };
            let mut map = StreamMap::new();
            for entry in &self.entries[..size as usize] {
                let record = Record::parse(&entry.record).unwrap();
                map.put(&StreamHead { stream: record.stream, count: record.revision + 1, hash: entry.hash });
            }
            let event = Event::Log(Fact::Mapped { size, streams: map.len(), root: map.root() });
            self.edit(at, |draft, _| draft.facts = wire::write(&event).unwrap().facts);
            self.relink(at);
        }
    }

    /// Writes the journal anew, with right checksums, in two files and one more for each restore. The head mark stays as it
    /// is.
    pub fn write(&self, data: &Path) {
        let dir = data.join(journal::NAME);
        for entry in std::fs::read_dir(&dir).unwrap() {
            std::fs::remove_file(entry.unwrap().path()).unwrap();
        }
        let half = self.entries.len() / 2 / IN_A_FRAME * IN_A_FRAME;
        let mut log = self.log;
        let mut starts = vec![0, half];
        starts.extend((1..self.entries.len()).filter(|at| self.kind(*at) == CONTINUED));
        starts.sort_unstable();
        starts.dedup();
        let ends = starts.iter().skip(1).copied().chain([self.entries.len()]);
        for (from, to) in starts.iter().copied().zip(ends).filter(|(from, to)| from < to || *from == 0) {
            if from > 0 && self.kind(from) == CONTINUED {
                log = apart(&self.entries[from].record).1.log;
            }
            let previous = from.checked_sub(1).map_or(NO_HASH, |last| self.entries[last].hash);
            self.write_segment(&dir, log, from..to, previous);
        }
    }

    /// The log that the last record belongs to, but for one that lies.
    fn last_log(&self) -> LogId {
        let restored = (0..self.entries.len()).rev().find(|at| self.kind(*at) == CONTINUED);
        restored.map_or(self.log, |at| apart(&self.entries[at].record).1.log)
    }

    /// Writes the head mark that the log would have had.
    pub fn write_mark(&self, data: &Path) {
        std::fs::remove_file(data.join(headmark::NAME)).unwrap();
        let mut mark = HeadMark::create(data, self.last_log()).unwrap();
        let last = Record::parse(&self.entries.last().unwrap().record).unwrap().recorded_at;
        mark.remember(Head { size: self.head().size, hash: self.head().hash, recorded_at: last }).unwrap();
    }

    fn write_segment(&self, dir: &Path, log: LogId, Range { start: from, end: to }: Range<usize>, previous: Hash) {
        let sums = Sums::of(log);
        let mut frames = Vec::new();
        for (number, entries) in self.entries[from..to].chunks(IN_A_FRAME).enumerate() {
            let first = (from + number * IN_A_FRAME) as u64;
            let (start, whole) = (frames.len(), entries.iter().map(filled).collect::<Vec<_>>());
            let layout = frame::write(&mut frames, &sums, first, &whole).unwrap();
            let heads = entries.iter().flat_map(|entry| &entry.parts).zip(&layout.parts);
            for (part, head) in heads {
                let at = start + head.span.offset as usize;
                match part.bytes {
                    PartBytes::Present(_) => {}
                    PartBytes::Swept { .. } => frames[at..at + head.span.length as usize].fill(0),
                    PartBytes::Damaged { .. } => frames[at] ^= 1,
                }
            }
        }
        let size = segment::HEADER + frames.len() as u64 + (16 << 10);
        let mut file = Header { log, first: from as u64, previous, size }.write();
        file.extend(frames);
        file.resize(usize::try_from(size).unwrap(), 0);
        std::fs::write(dir.join(segment::name(from as u64)), file).unwrap();
    }
}

/// What is absent, with bytes in its place: a frame is written whole.
fn filled(entry: &Entry) -> Entry {
    let mut entry = entry.clone();
    for part in &mut entry.parts {
        if let PartBytes::Swept { length } | PartBytes::Damaged { length } = part.bytes {
            part.bytes = PartBytes::Present(vec![1; length as usize]);
        }
    }
    entry
}

/// A record as its writer had it.
pub fn apart(bytes: &[u8]) -> (Draft, Link) {
    let record = Record::parse(bytes).unwrap();
    let link = Link {
        log: record.log,
        position: record.position,
        recorded_at: record.recorded_at,
        previous: record.previous,
        previous_in_stream: record.previous_in_stream,
    };
    let draft = Draft {
        stream: record.stream,
        revision: record.revision,
        kind: Box::leak(record.kind.to_owned().into_boxed_str()),
        version: record.version,
        effective_at: record.effective_at,
        actor: record.actor,
        command: record.command,
        index: record.index,
        count: record.count,
        causation: record.causation,
        facts: record.facts.to_vec(),
        personal: record.personal.clone(),
    };
    (draft, link)
}
