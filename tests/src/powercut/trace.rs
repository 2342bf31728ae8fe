//! The trace: what a program did to its directory and what it acknowledged, in one order, as `shim/record.c` wrote it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// An open file or directory: the run it belongs to in the high half, the shim's number in the low.
pub type Handle = u64;
/// A socket or the pipe of acknowledgements, numbered like a handle; the pipe is channel 0 of its run.
pub type Channel = u64;

/// One thing that happened. Paths are relative to the recorded directory; the empty one is the directory itself.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    Started {
        root: String,
    },
    Opened {
        handle: Handle,
        path: String,
        created: bool,
        truncated: bool,
    },
    Wrote {
        handle: Handle,
        offset: u64,
        bytes: Vec<u8>,
    },
    Truncated {
        handle: Handle,
        length: u64,
    },
    /// The file is at least this long from here on.
    Allocated {
        handle: Handle,
        end: u64,
    },
    SyncBegan {
        handle: Handle,
        number: u64,
    },
    SyncEnded {
        handle: Handle,
        number: u64,
        failed: bool,
    },
    Renamed {
        from: String,
        to: String,
    },
    /// A file or an empty directory is gone.
    Removed {
        path: String,
    },
    MadeDirectory {
        path: String,
    },
    Linked {
        from: String,
        to: String,
    },
    Acknowledged {
        channel: Channel,
        bytes: Vec<u8>,
    },
    /// The shim did not know the call; the program ended here.
    Refused {
        call: String,
        path: String,
    },
    /// Nothing that counts: `sync_file_range`, a swallowed sync.
    Noted {
        what: String,
        path: String,
    },
    /// The shim answered with this errno; 0 is a short write.
    Faulted {
        kind: String,
        path: String,
        error: u16,
    },
    /// All before this is on the disk: what was there when the recording began.
    Settled,
}

/// A whole recording, of one run or of several on the same directory.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    pub steps: Vec<Step>,
    bytes: Arc<Vec<u8>>,
}

/// What one channel was sent at one step.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    pub channel: Channel,
    pub bytes: Vec<u8>,
}

/// What had been acknowledged when the power went.
#[derive(Clone, Default)]
pub struct Acknowledged {
    /// What an earlier run had acknowledged, where this trace records a recovery.
    pub before: Option<Arc<Acknowledged>>,
    all: Arc<Vec<Answer>>,
    count: usize,
}

pub(crate) const MAGIC: u32 = 0x5250_4c43;
const HEAD: usize = 48;

impl Trace {
    /// Reads a trace. A torn last entry (the program was killed while it wrote) is left out.
    ///
    /// # Errors
    /// Bytes that are no trace, in words.
    pub fn read(path: &Path) -> Result<Self, String> {
        let bytes = std::fs::read(path).map_err(|e| format!("{}: {e}", path.display()))?;
        let (mut steps, mut run, mut rest) = (Vec::new(), 0, bytes.as_slice());
        while let Some((entry, more)) = Entry::split(rest)? {
            run += u64::from(entry.op == 1);
            steps.push(entry.step(run << 32)?);
            rest = more;
        }
        Ok(Self { steps, bytes: Arc::new(bytes) })
    }

    /// Writes the recording as it was read, so that a red state can be built again from it. Returns where.
    pub fn save(&self, folder: &Path) -> PathBuf {
        std::fs::create_dir_all(folder).unwrap();
        let path = folder.join(format!("{}.trace", &blake3::hash(&self.bytes).to_hex()[..16]));
        std::fs::write(&path, &*self.bytes).unwrap();
        path
    }

    /// The call that the shim did not know, if there was one.
    pub fn refused(&self) -> Option<String> {
        self.steps.iter().find_map(|step| match step {
            Step::Refused { call, path } => Some(format!("{call} on {path:?}")),
            _ => None,
        })
    }

    /// How many faults the shim answered with.
    pub fn faults(&self) -> usize {
        self.steps.iter().filter(|step| matches!(step, Step::Faulted { .. })).count()
    }

    /// A control: the same run had the syncs of these paths not been there.
    #[must_use]
    pub fn without_syncs(&self, of: impl Fn(&str) -> bool) -> Self {
        let mut names = Names::default();
        let mut kept = self.clone();
        kept.steps.retain(|step| match step {
            Step::SyncBegan { handle, .. } | Step::SyncEnded { handle, .. } => !of(names.of(*handle)),
            step => names.learn(step),
        });
        kept
    }

    /// A control: the same run had every answer been sent before the last sync of these paths that was over when it was sent.
    #[must_use]
    pub fn with_answers_before_syncs(&self, of: impl Fn(&str) -> bool) -> Self {
        let mut names = Names::default();
        let mut steps: Vec<Step> = Vec::with_capacity(self.steps.len());
        let (mut begun, mut place) = (HashMap::new(), None);
        for step in &self.steps {
            names.learn(step);
            match step {
                Step::SyncBegan { handle, number } if of(names.of(*handle)) => {
                    begun.insert((*handle, *number), steps.len());
                }
                Step::SyncEnded { handle, number, failed: false } => {
                    place = begun.remove(&(*handle, *number)).or(place)
                }
                Step::Acknowledged { .. } => {
                    let at = place.unwrap_or(steps.len());
                    steps.insert(at, step.clone());
                    place = place.map(|at| at + 1);
                    begun.values_mut().filter(|begin| **begin >= at).for_each(|begin| *begin += 1);
                    continue;
                }
                _ => {}
            }
            steps.push(step.clone());
        }
        Self { steps, bytes: self.bytes.clone() }
    }

    pub(crate) fn answers(&self) -> Vec<Answer> {
        let answer = |step: &Step| match step {
            Step::Acknowledged { channel, bytes } => Some(Answer { channel: *channel, bytes: bytes.clone() }),
            _ => None,
        };
        self.steps.iter().filter_map(answer).collect()
    }
}

impl Acknowledged {
    pub(crate) fn new(all: Arc<Vec<Answer>>, count: usize, before: Option<Arc<Self>>) -> Self {
        Self { before, all, count }
    }

    /// The answers of this run, oldest first.
    pub fn answers(&self) -> &[Answer] {
        &self.all[..self.count]
    }

    /// Everything one channel was sent, as one text of bytes, by channel.
    pub fn channels(&self) -> HashMap<Channel, Vec<u8>> {
        let mut channels: HashMap<Channel, Vec<u8>> = HashMap::new();
        for answer in self.answers() {
            channels.entry(answer.channel).or_default().extend(&answer.bytes);
        }
        channels
    }

    /// The whole lines written to the pipe of acknowledgements, of earlier runs first. A line without its end is not yet said.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = self.before.as_ref().map(|before| before.lines()).unwrap_or_default();
        let pipe = |answer: &&Answer| answer.channel & 0xffff_ffff == 0;
        let mut part: HashMap<Channel, Vec<u8>> = HashMap::new();
        for answer in self.answers().iter().filter(pipe) {
            let line = part.entry(answer.channel).or_default();
            for &byte in &answer.bytes {
                match byte {
                    b'\n' => lines.push(String::from_utf8_lossy(&std::mem::take(line)).into_owned()),
                    _ => line.push(byte),
                }
            }
        }
        lines
    }
}

/// What each handle was opened as.
#[derive(Default)]
struct Names(HashMap<Handle, String>);

impl Names {
    fn learn(&mut self, step: &Step) -> bool {
        if let Step::Opened { handle, path, .. } = step {
            self.0.insert(*handle, path.clone());
        }
        true
    }

    fn of(&self, handle: Handle) -> &str {
        self.0.get(&handle).map_or("", String::as_str)
    }
}

struct Entry<'a> {
    op: u8,
    flags: u8,
    error: u16,
    handle: u64,
    offset: u64,
    length: u64,
    name: &'a [u8],
    name2: &'a [u8],
    data: &'a [u8],
}

impl<'a> Entry<'a> {
    fn split(bytes: &'a [u8]) -> Result<Option<(Self, &'a [u8])>, String> {
        let Some((head, rest)) = bytes.split_at_checked(HEAD) else { return Ok(None) };
        let u32_at = |at: usize| u32::from_le_bytes(head[at..at + 4].try_into().unwrap());
        let u64_at = |at: usize| u64::from_le_bytes(head[at..at + 8].try_into().unwrap());
        if u32_at(0) != MAGIC {
            return Err("not a trace: an entry does not begin as one".into());
        }
        let lengths = [u32_at(32), u32_at(36), u32_at(40)].map(|n| n as usize);
        let Some((body, rest)) = rest.split_at_checked(lengths.iter().sum()) else { return Ok(None) };
        let (name, more) = body.split_at(lengths[0]);
        let (name2, data) = more.split_at(lengths[1]);
        let error = u16::from_le_bytes([head[6], head[7]]);
        let (handle, offset, length) = (u64::from(u32_at(8)), u64_at(16), u64_at(24));
        Ok(Some((Self { op: head[4], flags: head[5], error, handle, offset, length, name, name2, data }, rest)))
    }

    fn step(&self, run: u64) -> Result<Step, String> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (name, name2) = (text(self.name), text(self.name2));
        let handle = run | self.handle;
        Ok(match self.op {
            1 => Step::Started { root: name },
            2 => Step::Opened { handle, path: name, created: self.flags & 1 != 0, truncated: self.flags & 2 != 0 },
            3 => Step::Wrote { handle, offset: self.offset, bytes: self.data.to_vec() },
            4 => Step::Truncated { handle, length: self.length },
            5 => Step::Allocated { handle, end: self.offset + self.length },
            6 => Step::SyncBegan { handle, number: self.length },
            7 => Step::SyncEnded { handle, number: self.length, failed: self.error != 0 },
            8 => Step::Renamed { from: name, to: name2 },
            9 => Step::Removed { path: name },
            10 => Step::MadeDirectory { path: name },
            11 => Step::Linked { from: name, to: name2 },
            12 => Step::Acknowledged { channel: handle, bytes: self.data.to_vec() },
            13 => Step::Refused { call: name, path: name2 },
            14 => Step::Noted { what: name, path: name2 },
            15 => Step::Faulted { kind: name, path: name2, error: self.error },
            16 => Step::Settled,
            other => return Err(format!("not a trace: an entry of kind {other}")),
        })
    }
}

/// One entry in the shim's form, for what the harness writes down before the program starts.
pub(crate) fn entry(op: u8, flags: u8, handle: u32, offset: u64, name: &str, data: &[u8]) -> Vec<u8> {
    let length_of = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap().to_le_bytes();
    let mut out = Vec::with_capacity(HEAD + name.len() + data.len());
    out.extend(MAGIC.to_le_bytes());
    out.extend([op, flags, 0, 0]);
    out.extend(handle.to_le_bytes());
    out.extend([0; 4]);
    out.extend(offset.to_le_bytes());
    out.extend(offset.to_le_bytes());
    out.extend(length_of(name.as_bytes()));
    out.extend([0; 4]);
    out.extend(length_of(data));
    out.extend([0; 4]);
    out.extend(name.as_bytes());
    out.extend(data);
    out
}
