//! How fast the embedded log is on this machine: for `examples/log_speed.rs` and the benches. Records and parts are of the
//! usual sizes; nothing is sealed and no rule is asked.

use std::collections::VecDeque;
use std::path::Path;
use std::time::{Duration, Instant};

use domain::compartment::Compartment;
use domain::event::{Stream, StreamKind};
use domain::id::{ActorId, CommandId, KeyId, LogId};
use domain::time::Time;

use super::engine::{Embedded, Options};
use super::{Commit, Entry, Log, LogError, Part, PartBytes};
use crate::record::{Draft, Hash, Link, NO_HASH, PartRef, hash};

/// Writes records that follow each other: one command each, with one part, in streams of five.
pub struct Source {
    log: LogId,
    size: u64,
    previous: Hash,
    stream: [u8; 16],
    in_stream: Hash,
    part: usize,
}

impl Source {
    /// Of an empty log; each part has this many bytes.
    pub fn new(log: LogId, part: usize) -> Self {
        Self { log, size: 0, previous: NO_HASH, stream: [0; 16], in_stream: NO_HASH, part }
    }

    /// The next commit.
    pub fn commit(&mut self, records: usize) -> Result<Commit, LogError> {
        let entries = (0..records).map(|_| self.entry()).collect::<Result<_, _>>()?;
        Ok(Commit { entries })
    }

    fn entry(&mut self) -> Result<Entry, LogError> {
        let (position, revision) = (self.size, self.size % 5);
        if revision == 0 {
            (self.stream, self.in_stream) = (id("stream", position), NO_HASH);
        }
        let key = KeyId(id("key", position / 5));
        let draft = Draft {
            stream: Stream { kind: StreamKind::Contact, id: self.stream },
            revision,
            kind: "contact.registered",
            version: 1,
            effective_at: Time(1_700_000_000_000),
            actor: ActorId([4; 16]),
            command: CommandId(id("command", position)),
            index: 0,
            count: 1,
            causation: None,
            facts: vec![7; 24],
            personal: vec![PartRef { compartment: Compartment::Relationship, key, commitment: [9; 32] }],
        };
        let link = Link {
            log: self.log,
            position,
            recorded_at: Time(1_700_000_000_000 + position as i64 / 100),
            previous: self.previous,
            previous_in_stream: self.in_stream,
        };
        let what = "it is too large";
        let record = draft.write(&link).map_err(|_| LogError::NotNext { position, what })?;
        let hash = hash(&record);
        (self.size, self.previous, self.in_stream) = (position + 1, hash, hash);
        let bytes = id("part", position).repeat(self.part.div_ceil(16));
        Ok(Entry { record, hash, parts: vec![Part { key, bytes: PartBytes::Present(bytes) }] })
    }
}

fn id(of: &str, number: u64) -> [u8; 16] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(of.as_bytes()).update(&number.to_be_bytes());
    super::frame::cut(&hasher.finalize())
}

/// What appending came to.
#[derive(Clone, Copy, Debug)]
pub struct Appends {
    /// Records a second, each commit durable before the next.
    pub per_second: f64,
    /// The middle commit's time.
    pub median: Duration,
    /// What 99 of 100 commits stay under.
    pub p99: Duration,
}

/// Appends this many commits of this many records to a new log in an empty directory.
pub fn appends(dir: &Path, commits: usize, records: usize) -> Result<(Embedded, Appends), LogError> {
    let log = Embedded::create(dir, LogId([1; 16]), Options::default())?;
    let mut source = Source::new(log.log(), 250);
    let mut times = Vec::with_capacity(commits);
    let mut ready = VecDeque::new();
    for _ in 0..commits {
        if ready.is_empty() {
            for _ in 0..16 {
                ready.push_back(source.commit(records)?);
            }
        }
        let Some(commit) = ready.pop_front() else { break };
        let begun = Instant::now();
        log.append(&commit)?;
        times.push(begun.elapsed());
    }
    let total: Duration = times.iter().sum();
    times.sort_unstable();
    let at = |percent: usize| times.get(times.len() * percent / 100).copied().unwrap_or_default();
    let per_second = (commits * records) as f64 / total.as_secs_f64();
    Ok((log, Appends { per_second, median: at(50), p99: at(99) }))
}

/// Reads everything from the beginning, as boot does: entries a second.
pub fn read(log: &dyn Log) -> Result<f64, LogError> {
    let (begun, size) = (Instant::now(), log.head().size);
    let mut next = 0;
    while next < size {
        next += log.read(next, 4 << 20)?.len() as u64;
    }
    Ok(size as f64 / begun.elapsed().as_secs_f64())
}

/// Opens a log at rest, first with its index and then with none: records a second each. The second is a rebuild.
pub fn opens(dir: &Path) -> Result<(f64, f64), LogError> {
    let open = || {
        let begun = Instant::now();
        let log = Embedded::open(dir, Options::default(), &|_, _| {})?;
        Ok::<_, LogError>(log.head().size as f64 / begun.elapsed().as_secs_f64())
    };
    let kept = open()?;
    let index = dir.join(super::index::NAME);
    std::fs::remove_dir_all(&index).map_err(LogError::io("remove", &index))?;
    Ok((kept, open()?))
}
