//! A long story of commits that follows from its number alone: the program `log_driver` appends it, and whoever opens the
//! directory later knows to the byte what must be there.

use std::path::Path;
use std::time::Duration;

use domain::compartment::Compartment;
use domain::event::{Stream, StreamKind};
use domain::id::{ActorId, CommandId, KeyId, LogId};
use domain::ledger;
use domain::time::Time;
use events::chain::Chain;
use events::log::engine::{Embedded, Options};
use events::log::{Commit, Entry, Log, LogError, Part, PartBytes, PartPlace};
use events::record::{Draft, Link, NO_HASH, PartRef};
use events::wire;

/// The log of the story.
pub const LOG: LogId = LogId([7; 16]);

/// Opens the log of a directory, or makes it where none with records is. Its segments are small, so that there are many, and
/// its head mark is synced often.
///
/// # Errors
/// As the engine has them.
pub fn open(directory: &Path) -> Result<Embedded, LogError> {
    let options = Options { segment_size: 48 << 10, mark_every: Duration::from_millis(2), ..Options::default() };
    match Embedded::open(directory, options, &|_, _| {}) {
        Err(LogError::NotFound) => Embedded::create(directory, LOG, options),
        opened => opened,
    }
}

/// Tells the commits one after another.
#[derive(Default)]
pub struct Story {
    chain: Chain,
    commits: u64,
}

/// What was appended in one commit.
pub struct Chapter {
    pub commit: Commit,
    /// The position of its first record.
    pub first: u64,
}

impl Story {
    /// The next commit: one to three commands of one or two records each, with up to three parts of very different lengths.
    pub fn tell(&mut self) -> Chapter {
        let (number, first) = (self.commits, self.chain.head().size);
        let mut commit = Commit::default();
        for command in 0..1 + number % 3 {
            let count = 1 + ((number + command) % 2) as u16;
            for index in 0..count {
                let entry = self.entry(command, index, count);
                self.chain.take(&entry.record).unwrap();
                commit.entries.push(entry);
            }
        }
        self.commits += 1;
        Chapter { commit, first }
    }

    /// How many records have been told of.
    pub fn size(&self) -> u64 {
        self.chain.head().size
    }

    fn entry(&self, command: u64, index: u16, count: u16) -> Entry {
        let head = self.chain.head();
        let position = head.size;
        let stream = match position {
            0 => Stream { kind: StreamKind::Log, id: LOG.0 },
            _ => Stream { kind: StreamKind::Contact, id: [1 + (position % 5) as u8; 16] },
        };
        let before = self.chain.stream(&stream.id);
        let parts: Vec<Part> = (0..position % 4).map(|part| sealed(position, part)).collect();
        let reference =
            |part: &Part| PartRef { compartment: Compartment::Relationship, key: part.key, commitment: [9; 32] };
        let draft = Draft {
            stream,
            revision: before.map_or(0, |before| before.count),
            kind: if position == 0 { "log.opened" } else { "contact.registered" },
            version: 1,
            effective_at: Time(0),
            actor: ActorId([3; 16]),
            command: CommandId((u128::from(self.commits) << 8 | u128::from(command)).to_be_bytes()),
            index,
            count,
            causation: None,
            facts: if position == 0 { opened() } else { vec![position as u8; (position * 131 % 900) as usize] },
            personal: parts.iter().map(reference).collect(),
        };
        let link = Link {
            log: LOG,
            position,
            recorded_at: Time(1_000 + i64::try_from(position).unwrap()),
            previous: head.hash,
            previous_in_stream: before.map_or(NO_HASH, |before| before.hash),
        };
        let record = draft.write(&link).unwrap();
        Entry { hash: events::record::hash(&record), record, parts }
    }
}

/// The one kind whose facts the chain reads.
fn opened() -> Vec<u8> {
    let event = ledger::Event::Opened { log: LOG, controller: String::new(), origin: "driver".into(), demo: true };
    wire::write(&event.into()).unwrap().facts
}

fn sealed(position: u64, part: u64) -> Part {
    let key = KeyId((u128::from(position) << 8 | u128::from(part) | 1 << 127).to_be_bytes());
    let length = 40 + (position * 977 + part * 3_001) % 6_000;
    Part { key, bytes: PartBytes::Present((0..length).map(|at| (at * 7 + position) as u8 | 1).collect()) }
}

/// The parts that are removed behind commit `number`: every fifth commit those of the one three before it.
pub fn swept_after(number: u64, chapters: &[Chapter]) -> Vec<PartPlace> {
    let Some(chapter) = number.checked_sub(3).filter(|_| number % 5 == 4) else { return Vec::new() };
    let chapter = &chapters[usize::try_from(chapter).unwrap()];
    let mut places = Vec::new();
    for (position, entry) in (chapter.first..).zip(&chapter.commit.entries) {
        places.extend((0..).zip(&entry.parts).map(|(part, _)| PartPlace { position, part }));
    }
    places
}

/// Nothing acknowledged is lost, nothing half appears: the log holds whole commits of the story, to the byte.
///
/// # Errors
/// What is wrong, with the position.
pub fn look(log: &dyn Log, acknowledged: &[String]) -> Result<(), String> {
    let said = |word: &str| -> Vec<u64> {
        acknowledged.iter().filter_map(|line| line.strip_prefix(word)).map(|n| n.parse().unwrap()).collect()
    };
    let (mut story, mut chapters, size) = (Story::default(), Vec::new(), log.head().size);
    while story.size() < size {
        chapters.push(story.tell());
    }
    if story.size() != size {
        return Err(format!("{size} records are there: the last commit is not whole"));
    }
    let commits = chapters.len() as u64;
    if let Some(last) = said("commit ").into_iter().max().filter(|last| *last >= commits) {
        return Err(format!("commit {last} was acknowledged, {commits} are there"));
    }
    if size > 0 && log.head().hash != story.chain.head().hash {
        return Err("the head is not the story's".into());
    }
    let swept: Vec<PartPlace> = said("swept ").into_iter().flat_map(|number| swept_after(number, &chapters)).collect();
    // A removal that nobody acknowledged may have come to any part of its bytes.
    let going: Vec<PartPlace> = (0..commits).flat_map(|number| swept_after(number, &chapters)).collect();
    let mut position = 0;
    while position < size {
        let entries = log.read(position, 100_000).map_err(|e| e.to_string())?;
        if entries.is_empty() {
            return Err(format!("nothing is read at {position} of {size}"));
        }
        for entry in entries {
            same(&entry, position, &chapters, &swept, &going)?;
            position += 1;
        }
    }
    Ok(())
}

fn same(entry: &Entry, at: u64, chapters: &[Chapter], swept: &[PartPlace], going: &[PartPlace]) -> Result<(), String> {
    let chapter = &chapters[chapters.partition_point(|chapter| chapter.first <= at) - 1];
    let told = &chapter.commit.entries[usize::try_from(at - chapter.first).unwrap()];
    if (&told.record, told.hash, told.parts.len()) != (&entry.record, entry.hash, entry.parts.len()) {
        return Err(format!("record {at} is not what was appended"));
    }
    for (part, (was, is)) in (0..).zip(told.parts.iter().zip(&entry.parts)) {
        let place = PartPlace { position: at, part };
        let gone = matches!(is.bytes, PartBytes::Swept { .. });
        let right = if swept.contains(&place) { gone } else { was == is || going.contains(&place) };
        if was.key != is.key || !right {
            return Err(format!("part {part} of record {at} is not what it must be"));
        }
    }
    Ok(())
}
