//! The disk as the recorder saw it: of every file and every entry, what is settled and what may still go either way.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::image::{Content, Image};
use super::trace::{Handle, Step};

/// How much of one write reached the disk.
#[derive(Clone, Debug, PartialEq)]
pub enum Tear {
    /// The first bytes, and not the rest.
    Prefix(usize),
    /// The length, but zeros after the first bytes.
    Zeros(usize),
    /// Sectors of 512 bytes, each or not, by a bit of this number in turn.
    Sectors(u64),
}

/// What a cut leaves of what was not settled: steps by their place in the trace.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Choice {
    pub kept: BTreeSet<usize>,
    pub torn: BTreeMap<usize, Tear>,
}

/// All that was done up to a step of the trace.
pub struct Disk {
    objects: Vec<Object>,
    handles: HashMap<Handle, usize>,
    begun: HashMap<(Handle, u64), usize>,
}

enum Object {
    File { base: Content, rest: Vec<Change> },
    Directory { entries: BTreeMap<String, Slot> },
}

/// A change of a file that is not in its base: not settled, or settled behind one that is not.
struct Change {
    step: usize,
    what: What,
    settled: bool,
    /// A sync that should have settled it has failed; no later one does.
    forgotten: bool,
}

enum What {
    Write(u64, Vec<u8>),
    Truncate(u64),
    Allocate(u64),
}

#[derive(Default)]
struct Slot {
    base: Option<usize>,
    rest: Vec<(usize, Option<usize>)>,
}

impl Slot {
    fn now(&self) -> Option<usize> {
        self.rest.last().map_or(self.base, |(_, object)| *object)
    }

    fn after(&self, choice: &Choice) -> Option<usize> {
        self.rest.iter().rev().find(|(step, _)| choice.kept.contains(step)).map_or(self.base, |(_, object)| *object)
    }
}

impl Default for Disk {
    fn default() -> Self {
        let root = Object::Directory { entries: BTreeMap::new() };
        Self { objects: vec![root], handles: HashMap::new(), begun: HashMap::new() }
    }
}

impl Disk {
    /// Does what the program did. `number` is the step's place in the trace.
    ///
    /// # Errors
    /// A step that makes no sense after those before it: the trace has a hole.
    pub fn follow(&mut self, number: usize, step: &Step) -> Result<(), String> {
        let lost = |what: &str| format!("step {number}: {what} is not known; a call went past the recorder");
        match step {
            Step::Opened { handle, path, created, truncated } => {
                if *created {
                    let file = self.add(Object::File { base: Content::default(), rest: Vec::new() });
                    self.assign(number, path, Some(file)).ok_or_else(|| lost(path))?;
                }
                let object = self.find(path).ok_or_else(|| lost(path))?;
                self.handles.insert(*handle, object);
                if *truncated {
                    self.change(number, *handle, What::Truncate(0)).ok_or_else(|| lost(path))?;
                }
            }
            Step::Wrote { handle, offset, bytes } => {
                self.change(number, *handle, What::Write(*offset, bytes.clone())).ok_or_else(|| lost("a handle"))?;
            }
            Step::Truncated { handle, length } => {
                self.change(number, *handle, What::Truncate(*length)).ok_or_else(|| lost("a handle"))?;
            }
            Step::Allocated { handle, end } => {
                self.change(number, *handle, What::Allocate(*end)).ok_or_else(|| lost("a handle"))?;
            }
            Step::SyncBegan { handle, number: sync } => {
                self.begun.insert((*handle, *sync), number);
            }
            Step::SyncEnded { handle, number: sync, failed } => {
                let begun = self.begun.remove(&(*handle, *sync)).ok_or_else(|| lost("a sync"))?;
                let object = *self.handles.get(handle).ok_or_else(|| lost("a handle"))?;
                self.sync(object, begun, *failed);
            }
            Step::Renamed { from, to } => {
                let object = self.find(from).ok_or_else(|| lost(from))?;
                self.assign(number, from, None).ok_or_else(|| lost(from))?;
                self.assign(number, to, Some(object)).ok_or_else(|| lost(to))?;
            }
            Step::Removed { path } => self.assign(number, path, None).ok_or_else(|| lost(path))?,
            Step::MadeDirectory { path } => {
                let directory = self.add(Object::Directory { entries: BTreeMap::new() });
                self.assign(number, path, Some(directory)).ok_or_else(|| lost(path))?;
            }
            Step::Linked { from, to } => {
                let object = self.find(from).ok_or_else(|| lost(from))?;
                self.assign(number, to, Some(object)).ok_or_else(|| lost(to))?;
            }
            Step::Settled => (0..self.objects.len()).for_each(|object| self.sync(object, number, false)),
            Step::Started { .. }
            | Step::Acknowledged { .. }
            | Step::Refused { .. }
            | Step::Noted { .. }
            | Step::Faulted { .. } => {}
        }
        Ok(())
    }

    /// The steps that a cut now may take or leave, oldest first, with the place of each write in its file (empty for others).
    pub fn pending(&self) -> BTreeMap<usize, Range<u64>> {
        let mut pending = BTreeMap::new();
        let mut named = BTreeSet::from([0]);
        for object in &self.objects {
            let Object::Directory { entries } = object else { continue };
            for slot in entries.values() {
                named.extend(slot.base);
                named.extend(slot.rest.iter().filter_map(|(_, object)| *object));
                pending.extend(slot.rest.iter().map(|(step, _)| (*step, 0..0)));
            }
        }
        for object in named {
            let Object::File { rest, .. } = &self.objects[object] else { continue };
            for change in rest.iter().filter(|change| !change.settled) {
                let place = match &change.what {
                    What::Write(offset, bytes) => *offset..offset + bytes.len() as u64,
                    What::Truncate(_) | What::Allocate(_) => 0..0,
                };
                pending.insert(change.step, place);
            }
        }
        pending
    }

    /// The directory as a cut now leaves it.
    pub fn image(&self, choice: &Choice) -> Image {
        let mut image = Image::default();
        self.image_below(0, Path::new(""), choice, &mut image);
        image
    }

    fn image_below(&self, directory: usize, below: &Path, choice: &Choice, image: &mut Image) {
        let Object::Directory { entries } = &self.objects[directory] else { return };
        for (name, slot) in entries {
            let Some(object) = slot.after(choice) else { continue };
            let path: PathBuf = below.join(name);
            match &self.objects[object] {
                Object::Directory { .. } => {
                    image.directories.push(path.clone());
                    self.image_below(object, &path, choice, image);
                }
                Object::File { base, rest } => {
                    let mut content = base.clone();
                    for change in rest.iter().filter(|c| c.settled || choice.kept.contains(&c.step)) {
                        change.what.apply(&mut content, choice.torn.get(&change.step).filter(|_| !change.settled));
                    }
                    image.files.insert(path, content);
                }
            }
        }
    }

    fn add(&mut self, object: Object) -> usize {
        self.objects.push(object);
        self.objects.len() - 1
    }

    fn find(&self, path: &str) -> Option<usize> {
        path.split('/').filter(|name| !name.is_empty()).try_fold(0, |at, name| match &self.objects[at] {
            Object::Directory { entries } => entries.get(name)?.now(),
            Object::File { .. } => None,
        })
    }

    fn assign(&mut self, step: usize, path: &str, object: Option<usize>) -> Option<()> {
        let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
        let parent = self.find(parent)?;
        let Object::Directory { entries } = &mut self.objects[parent] else { return None };
        entries.entry(name.to_owned()).or_default().rest.push((step, object));
        Some(())
    }

    fn change(&mut self, step: usize, handle: Handle, what: What) -> Option<()> {
        let object = *self.handles.get(&handle)?;
        let Object::File { rest, .. } = &mut self.objects[object] else { return None };
        rest.push(Change { step, what, settled: false, forgotten: false });
        Some(())
    }

    fn sync(&mut self, object: usize, begun: usize, failed: bool) {
        match &mut self.objects[object] {
            Object::File { base, rest } => {
                for change in rest.iter_mut().filter(|c| c.step < begun && !c.settled && !c.forgotten) {
                    if failed { change.forgotten = true } else { change.settled = true }
                }
                let settled = rest.iter().take_while(|c| c.settled).count();
                rest.drain(..settled).for_each(|change| change.what.apply(base, None));
            }
            Object::Directory { entries } if !failed => {
                for slot in entries.values_mut() {
                    let settled = slot.rest.iter().take_while(|(step, _)| *step < begun).count();
                    if let Some((_, object)) = slot.rest.drain(..settled).next_back() {
                        slot.base = object;
                    }
                }
            }
            Object::Directory { .. } => {}
        }
    }
}

impl What {
    fn apply(&self, content: &mut Content, tear: Option<&Tear>) {
        match (self, tear) {
            (Self::Truncate(length), _) => content.truncate(*length),
            (Self::Allocate(end), _) => content.truncate(content.length().max(*end)),
            (Self::Write(offset, bytes), None) => content.write(*offset, bytes),
            (Self::Write(offset, bytes), Some(Tear::Prefix(n))) => content.write(*offset, &bytes[..*n]),
            (Self::Write(offset, bytes), Some(Tear::Zeros(n))) => {
                content.write(*offset, &bytes[..*n]);
                content.truncate(content.length().max(offset + bytes.len() as u64));
            }
            (Self::Write(offset, bytes), Some(Tear::Sectors(bits))) => write_sectors(content, *offset, bytes, *bits),
        }
    }
}

fn write_sectors(content: &mut Content, mut offset: u64, mut bytes: &[u8], mut bits: u64) {
    while !bytes.is_empty() {
        let (sector, rest) = bytes.split_at(bytes.len().min(512 - (offset % 512) as usize));
        if bits & 1 == 1 {
            content.write(offset, sector);
        }
        offset += sector.len() as u64;
        bytes = rest;
        bits = bits.rotate_right(1);
    }
}
