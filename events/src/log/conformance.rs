//! What every engine must do, told once. An engine's own tests call [`conform`] with a way to open the same log again.

use std::collections::HashMap;

use domain::compartment::Compartment;
use domain::event::{Stream, StreamKind};
use domain::id::{ActorId, CommandId, KeyId, LogId};
use domain::time::Time;

use super::{CommandPlace, Commit, Entry, Head, Log, LogError, Part, PartBytes, PartPlace, StreamHead};
use crate::record::{Draft, Hash, Link, NO_HASH, PartRef, hash};

/// Which log the tests write.
pub const LOG: LogId = LogId([0xa7; 16]);

/// Small numbers that are the same at every run.
pub struct Dice(pub u64);

impl Dice {
    /// A number below `n`.
    pub fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % n
    }

    /// Some bytes, never all zeros.
    pub fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.below(255) as u8 + 1).collect()
    }

    /// An id.
    pub fn id(&mut self) -> [u8; 16] {
        self.bytes(16).try_into().unwrap()
    }
}

/// Writes entries that continue a log, and remembers all of them.
pub struct Author {
    /// Whose records.
    pub log: LogId,
    /// Every entry so far.
    pub entries: Vec<Entry>,
    /// The stream of every entry.
    pub stream_of: Vec<[u8; 16]>,
    streams: HashMap<[u8; 16], (u64, Hash)>,
    dice: Dice,
    /// The clock.
    pub now: i64,
}

impl Author {
    /// Of an empty log.
    pub fn new(seed: u64) -> Self {
        let dice = Dice(seed);
        Self {
            log: LOG,
            entries: Vec::new(),
            stream_of: Vec::new(),
            streams: HashMap::new(),
            dice,
            now: 1_700_000_000_000,
        }
    }

    /// One command: `count` records in one stream, each with a part under each of these keys.
    pub fn command(&mut self, stream: [u8; 16], count: u16, keys: &[KeyId], bytes: usize) -> (CommandId, Vec<Entry>) {
        let command = CommandId(self.dice.id());
        self.now += 10;
        let entries = (0..count).map(|index| self.entry(stream, command, index, count, keys, bytes)).collect();
        (command, entries)
    }

    /// A commit of one command.
    pub fn commit(&mut self, stream: [u8; 16], count: u16, keys: &[KeyId], bytes: usize) -> Commit {
        Commit { entries: self.command(stream, count, keys, bytes).1 }
    }

    fn entry(
        &mut self,
        stream: [u8; 16],
        command: CommandId,
        index: u16,
        count: u16,
        keys: &[KeyId],
        bytes: usize,
    ) -> Entry {
        let (revision, previous_in_stream) = self.streams.get(&stream).copied().unwrap_or((0, NO_HASH));
        let personal =
            keys.iter().map(|key| PartRef { compartment: Compartment::Relationship, key: *key, commitment: [9; 32] });
        let draft = Draft {
            stream: Stream { kind: StreamKind::Contact, id: stream },
            revision,
            kind: "contact.registered",
            version: 1,
            effective_at: Time(self.now),
            actor: ActorId([4; 16]),
            command,
            index,
            count,
            causation: None,
            facts: self.dice.bytes(bytes),
            personal: personal.collect(),
        };
        let previous = self.entries.last().map_or(NO_HASH, |entry| entry.hash);
        let position = self.entries.len() as u64;
        let link = Link { log: self.log, position, recorded_at: Time(self.now), previous, previous_in_stream };
        let record = draft.write(&link).unwrap();
        let hash = hash(&record);
        let parts = keys.iter().map(|key| Part { key: *key, bytes: PartBytes::Present(self.dice.bytes(bytes + 3)) });
        let entry = Entry { record, hash, parts: parts.collect() };
        self.streams.insert(stream, (revision + 1, hash));
        self.entries.push(entry.clone());
        self.stream_of.push(stream);
        entry
    }

    /// What the log's head must be.
    pub fn head(&self) -> Head {
        let Some(last) = self.entries.last() else { return Head::EMPTY };
        Head { size: self.entries.len() as u64, hash: last.hash, recorded_at: Time(self.now) }
    }

    /// What a stream holds.
    pub fn stream(&self, stream: &[u8; 16]) -> Vec<Entry> {
        let mine = self.stream_of.iter().zip(&self.entries).filter(|(of, _)| *of == stream);
        mine.map(|(_, entry)| entry.clone()).collect()
    }

    /// A removed part, in what the log must give back.
    pub fn sweep(&mut self, place: PartPlace) {
        let part = &mut self.entries[place.position as usize].parts[place.part as usize];
        if let PartBytes::Present(bytes) = &part.bytes {
            part.bytes = PartBytes::Swept { length: bytes.len() as u32 };
        }
    }

    /// Some commits of all sizes.
    pub fn fill(&mut self, log: &dyn Log, commits: u64) {
        for _ in 0..commits {
            let mut commit = Commit::default();
            for _ in 0..=self.dice.below(3) {
                let stream = [self.dice.below(12) as u8 + 1; 16];
                let keys = [KeyId([0x30 + stream[0]; 16]), KeyId([0x60; 16])];
                let keys = &keys[..self.dice.below(3) as usize];
                let (count, bytes) = (self.dice.below(3) as u16 + 1, self.dice.below(300) as usize);
                commit.entries.extend(self.command(stream, count, keys, bytes).1);
            }
            assert_eq!(log.append(&commit).unwrap(), self.head());
        }
    }
}

/// Everything that a log holds, read from its beginning.
pub fn read_all(log: &dyn Log, max_bytes: usize) -> Result<Vec<Entry>, LogError> {
    let mut entries = Vec::new();
    loop {
        let more = log.read(entries.len() as u64, max_bytes)?;
        if more.is_empty() {
            return Ok(entries);
        }
        entries.extend(more);
    }
}

/// The log holds what the author wrote, whichever way it is asked.
pub fn assert_holds(log: &dyn Log, author: &Author) {
    assert_eq!(log.head(), author.head());
    for max_bytes in [1, 2000, 1 << 20] {
        assert!(read_all(log, max_bytes).unwrap() == author.entries, "read by {max_bytes}");
    }
    for (position, entry) in author.entries.iter().enumerate() {
        assert_eq!(log.record(position as u64).unwrap().as_ref(), Some(entry), "record {position}");
    }
    assert_eq!(log.record(author.entries.len() as u64).unwrap(), None);
    for stream in author.streams.keys() {
        let entries = author.stream(stream);
        assert_eq!(log.read_stream(stream, 0, usize::MAX).unwrap(), entries);
        assert_eq!(log.read_stream(stream, 1, usize::MAX).unwrap(), entries[1..]);
        assert_eq!(log.read_stream(stream, 0, 1).unwrap(), entries[..1]);
        let position = author.stream_of.iter().rposition(|of| of == stream).unwrap() as u64;
        let (count, hash) = author.streams[stream];
        assert_eq!(log.stream_head(stream), Some(StreamHead { revision: count - 1, position, hash }));
    }
    assert_eq!(log.counts().streams, author.streams.len() as u64);
    assert_eq!(log.stream_head(&[0xee; 16]), None);
    assert_eq!(log.read_stream(&[0xee; 16], 0, 100).unwrap(), []);
}

/// The whole suite. `open` opens the same log again, after the one before was dropped; the first time it is empty.
pub fn conform(open: &mut dyn FnMut() -> Box<dyn Log>) {
    let (log, mut author) = (open(), Author::new(1));
    assert_eq!(log.head(), Head::EMPTY);
    assert_eq!(log.read(0, 100).unwrap(), []);

    author.fill(&*log, 40);
    assert_holds(&*log, &author);
    drop(log);
    let log = open();
    assert_holds(&*log, &author);

    commands_are_known_again(&*log, &mut author);
    what_does_not_follow_is_refused(&*log, &mut author);
    removed_parts_are_gone(&*log, &mut author);
    readers_see_whole_entries_while_the_writer_writes(&*log, &mut author);
    drop(log);
    let log = open();
    assert_holds(&*log, &author);
    commands_are_known_again(&*log, &mut author);
}

fn commands_are_known_again(log: &dyn Log, author: &mut Author) {
    let first = log.head().size;
    let (command, entries) = author.command([7; 16], 3, &[], 20);
    assert_eq!(log.command(&command), None);
    log.append(&Commit { entries }).unwrap();
    assert_eq!(log.command(&command), Some(CommandPlace { first, count: 3 }));
    author.now += 9 * 86_400_000;
    log.append(&author.commit([7; 16], 1, &[], 20)).unwrap();
    assert_eq!(log.command(&command), None, "the window is over");
}

fn what_does_not_follow_is_refused(log: &dyn Log, author: &mut Author) {
    let refused = |entries: Vec<Entry>| {
        let head = log.head();
        let error = log.append(&Commit { entries }).unwrap_err();
        assert!(matches!(error, LogError::NotNext { .. } | LogError::Malformed { .. }), "{error}");
        assert_eq!(log.head(), head);
    };
    let next = author.commit([8; 16], 3, &[KeyId([0x38; 16])], 20).entries;
    refused(Vec::new());
    refused(next[..2].to_vec());
    refused(next[1..].to_vec());
    refused(vec![next[0].clone(), next[2].clone()]);
    let mut partless = next.clone();
    partless[1].parts.clear();
    refused(partless);
    let mut other_key = next.clone();
    other_key[1].parts[0].key = KeyId([1; 16]);
    refused(other_key);
    let mut absent = next.clone();
    absent[1].parts[0].bytes = PartBytes::Swept { length: 23 };
    refused(absent);
    let mut no_record = next.clone();
    no_record[0].record.truncate(40);
    no_record[0].hash = hash(&no_record[0].record);
    refused(no_record);
    let mut elsewhere = Author::new(2);
    refused(elsewhere.commit([8; 16], 1, &[], 20).entries);
    log.append(&Commit { entries: next }).unwrap();
}

fn removed_parts_are_gone(log: &dyn Log, author: &mut Author) {
    let (mine, shared) = (KeyId([0x3c; 16]), KeyId([0x60; 16]));
    let mut commit = author.commit([12; 16], 1, &[mine, shared], 50);
    commit.entries.extend(author.command([13; 16], 2, &[shared], 50).1);
    log.append(&commit).unwrap();
    let under = |key: KeyId| {
        let parts = |(position, entry): (usize, &Entry)| {
            let parts = entry.parts.iter().enumerate().filter(|(_, part)| part.key == key);
            parts.map(|(part, _)| PartPlace { position: position as u64, part: part as u16 }).collect::<Vec<_>>()
        };
        author.entries.iter().enumerate().flat_map(parts).collect::<Vec<_>>()
    };
    let places = log.parts_of(&mine).unwrap();
    assert!(places.len() > 1);
    assert_eq!(places, under(mine));
    assert_eq!(log.parts_of(&shared).unwrap(), under(shared));
    assert_eq!(log.parts_of(&KeyId([0xee; 16])).unwrap(), []);
    for key in [mine, shared, KeyId([0xee; 16])] {
        assert_eq!(log.last_part_of(&key), under(key).last().map(|place| place.position));
    }
    assert_eq!(log.streams_of(&[mine, KeyId([0x3d; 16])]).unwrap(), {
        let mut streams = [12, 13].map(|n| [n; 16]).to_vec();
        streams.retain(|stream| *stream == [12; 16] || !under(KeyId([0x3d; 16])).is_empty());
        streams
    });
    log.remove_parts(&places).unwrap();
    log.remove_parts(&places).unwrap();
    places.iter().for_each(|place| author.sweep(*place));
    assert_eq!(log.parts_of(&mine).unwrap(), places, "a removed part keeps its place");
    assert_holds(log, author);
    let beyond = PartPlace { position: log.head().size, part: 0 };
    assert!(matches!(log.remove_parts(&[beyond]), Err(LogError::NoPart { .. })));
    let beyond = PartPlace { position: places[0].position, part: 9 };
    assert!(matches!(log.remove_parts(&[beyond]), Err(LogError::NoPart { .. })));
}

fn readers_see_whole_entries_while_the_writer_writes(log: &dyn Log, author: &mut Author) {
    let from = log.head().size;
    let commits: Vec<_> =
        (0..200).map(|n| author.commit([n as u8 % 12 + 1; 16], 2, &[KeyId([0x61; 16])], 40)).collect();
    let (author, done) = (&*author, std::sync::atomic::AtomicBool::new(false));
    std::thread::scope(|threads| {
        for _ in 0..3 {
            threads.spawn(|| {
                let mut next = from;
                while next < author.entries.len() as u64 {
                    let finished = done.load(std::sync::atomic::Ordering::Acquire);
                    let head = log.head();
                    let entries = log.read(next, 3000).unwrap();
                    assert!(!finished || !entries.is_empty() || next == head.size, "nothing more comes at {next}");
                    assert!(next >= head.size || !entries.is_empty(), "what is durable can be read");
                    for entry in entries {
                        assert_eq!(entry, author.entries[next as usize]);
                        assert_eq!(log.record(next).unwrap().as_ref(), Some(&entry));
                        let stream = author.stream_of[next as usize];
                        assert!(log.stream_head(&stream).unwrap().position >= next);
                        next += 1;
                    }
                }
            });
        }
        for commit in commits {
            log.append(&commit).unwrap();
        }
        done.store(true, std::sync::atomic::Ordering::Release);
    });
}
