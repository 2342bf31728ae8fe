//! A copy of a journal, made while it is written: its segments up to one durable size, each up to its last frame.
//!
//! What is swept meanwhile is swept behind a certificate. So a copy that met a swept part goes on to a later size, until it
//! meets no more of them: then every part that is absent has the record in the copy that says why.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use domain::id::KeyId;

use super::frame::Layout;
use super::journal::{self, Journal};
use super::segment::{HEADER, Segment, make_dir, sync_dir};
use super::walk::{AHEAD, Walk};
use super::{LogError, PartBytes, Progress};
use crate::record::Hash;

/// How often a copy goes on to a later size.
const PASSES: u32 = 16;
/// How much is read at once where bytes are only passed on.
const PIECE: usize = 1 << 20;

/// A file of a copy.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Copied {
    /// Its name in the journal.
    pub name: String,
    /// How many bytes it has up to the end of its last frame; nothing but zeros stands behind them.
    pub bytes: u64,
    /// BLAKE3 of these.
    pub hash: Hash,
}

/// A copy that is being made.
pub struct Copying<'a> {
    journal: &'a Journal,
    /// Where its journal goes.
    dir: PathBuf,
    /// An earlier copy: a file that is the same there is linked.
    earlier: Option<(&'a Path, &'a [Copied])>,
    /// Whether a key is gone, so that its parts may be absent.
    gone: &'a dyn Fn(&KeyId) -> bool,
    files: Vec<Copied>,
    /// How many swept parts each of them has.
    swept: Vec<u64>,
    passes: u32,
}

impl<'a> Copying<'a> {
    /// Begins a copy below a directory that is there and empty.
    pub fn begin(
        journal: &'a Journal,
        below: &Path,
        earlier: Option<(&'a Path, &'a [Copied])>,
        gone: &'a dyn Fn(&KeyId) -> bool,
    ) -> Result<Self, LogError> {
        let dir = below.join(journal::NAME);
        make_dir(&dir)?;
        Ok(Self { journal, dir, earlier, gone, files: Vec::new(), swept: Vec::new(), passes: 0 })
    }

    /// Copies all that is durable now, and says whether that is enough; else it is called again. What was copied is durable
    /// when it returns.
    ///
    /// # Errors
    /// Damage, with its place: a part that is not what was written, while its key lives, too.
    pub fn go_on(&mut self, told: &Progress<'_>) -> Result<bool, LogError> {
        let (size, segments) = (self.journal.head().size, self.journal.segments());
        let before: u64 = self.swept.iter().sum();
        // The last one may have grown.
        self.files.pop();
        self.swept.pop();
        for (number, segment) in segments.iter().enumerate().skip(self.files.len()) {
            if segment.header.first >= size && number > 0 {
                break;
            }
            let next = segments.get(number + 1).map_or(size, |next| next.header.first);
            let end = next.min(size);
            let one = One { segments: &segments, number, segment, end, gone: self.gone };
            let (copied, swept) = self.copy(&one)?;
            self.files.push(copied);
            self.swept.push(swept);
            told(end, size);
        }
        sync_dir(&self.dir)?;
        self.passes += 1;
        Ok(self.swept.iter().sum::<u64>() == before || self.passes == PASSES)
    }

    /// The files.
    pub fn end(self) -> Vec<Copied> {
        self.files
    }

    fn copy(&self, one: &One<'_>) -> Result<(Copied, u64), LogError> {
        let path = self.dir.join(&one.segment.name);
        cleared(fs::remove_file(&path)).map_err(LogError::io("remove", &path))?;
        let same_name = |(below, files): (&'a Path, &'a [Copied])| {
            files.iter().find(|file| file.name == one.segment.name).map(|file| (below, file))
        };
        if let Some((below, known)) = self.earlier.and_then(same_name) {
            let found = one.read(&mut |_, _| Ok(()))?;
            // Where no link can be made, or where the earlier one is not whole any more, it is copied.
            let linked = || fs::hard_link(below.join(journal::NAME).join(&known.name), &path);
            if found.0 == *known && compare(below, known).is_ok() && linked().is_ok() {
                return Ok(found);
            }
        }
        let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&path);
        let file = file.map_err(LogError::io("create", &path))?;
        let write = |bytes: &[u8], at: u64| file.write_all_at(bytes, at).map_err(LogError::io("write", &path));
        let done = one.read(&mut |bytes, at| write(bytes, at))?;
        file.set_len(one.segment.header.size).map_err(LogError::io("write", &path))?;
        file.sync_all().map_err(LogError::io("sync", &path))?;
        Ok(done)
    }
}

/// Who gets the bytes: a piece, and where in its file it stands.
type Take<'a> = dyn FnMut(&[u8], u64) -> Result<(), LogError> + 'a;

/// One segment of a journal, up to a size.
struct One<'a> {
    segments: &'a Arc<Vec<Arc<Segment>>>,
    number: usize,
    segment: &'a Arc<Segment>,
    end: u64,
    gone: &'a dyn Fn(&KeyId) -> bool,
}

impl One<'_> {
    /// Passes on its bytes in order, each with its place.
    fn read(&self, take: &mut Take<'_>) -> Result<(Copied, u64), LogError> {
        let Self { segments, number, segment, end, .. } = self;
        let (mut hasher, mut swept) = (blake3::Hasher::new(), 0);
        let header = segment.header.write();
        hasher.update(&header);
        take(&header, 0)?;
        let mut place = HEADER;
        let first = segment.header.first;
        let walk = Walk::new(Arc::clone(segments), *number, HEADER, first, *end, AHEAD);
        let mut walk = walk.ok_or_else(|| LogError::damaged(first, &segment.name, "the file is gone"))?;
        while let Some(frame) = walk.next_frame()? {
            if frame.segment.header.first != first || u64::from(frame.place.offset) != place {
                return Err(LogError::damaged(frame.layout.first, &segment.name, "the records end here"));
            }
            let mut bytes = frame.bytes.to_vec();
            swept += self.parts(&frame.layout, &mut bytes)?;
            hasher.update(&bytes);
            take(&bytes, place)?;
            place += frame.layout.length;
        }
        let copied = Copied { name: segment.name.clone(), bytes: place, hash: *hasher.finalize().as_bytes() };
        Ok((copied, swept))
    }

    /// Looks at the parts of a frame, and makes zeros of what a sweep has just begun with. Says how many are absent.
    fn parts(&self, layout: &Layout, bytes: &mut [u8]) -> Result<u64, LogError> {
        let mut swept = 0;
        for part in &layout.parts {
            let stored = part.span.of(bytes).unwrap_or(&[]).to_vec();
            if let PartBytes::Present(_) = self.segment.sums.judge(stored, &part.sum) {
                continue;
            }
            if !(self.gone)(&part.key) {
                let what = format!("sealed part {} is not what was written, and its key lives", part.part);
                return Err(LogError::damaged(layout.first + u64::from(part.record), &self.segment.name, what));
            }
            let (from, length) = (part.span.offset as usize, part.span.length as usize);
            bytes.get_mut(from..from + length).unwrap_or_default().fill(0);
            swept += 1;
        }
        Ok(swept)
    }
}

/// Compares a file of a copy with what it should be. Nobody else may have made a link of it.
pub fn compare(below: &Path, file: &Copied) -> Result<(), LogError> {
    let (path, first) = place_of(below, file)?;
    let source = open_regular(&path)?;
    let mut hasher = blake3::Hasher::new();
    pass_on(&source, &path, file.bytes, &mut |bytes, _| {
        hasher.update(bytes);
        Ok(())
    })?;
    if hasher.finalize().as_bytes() == &file.hash {
        return Ok(());
    }
    Err(LogError::damaged(first, &file.name, "the file is not what the backup says of it"))
}

/// Writes a file of a copy into a journal, with zeros behind it. Durable but for its name when it returns.
pub fn put(below: &Path, file: &Copied, journal: &Path) -> Result<(), LogError> {
    let (path, first) = place_of(below, file)?;
    let segment = Segment::open(&path, false)?;
    let to = journal.join(&file.name);
    let target = super::segment::prepare(&to, segment.header.size)?;
    let mut hasher = blake3::Hasher::new();
    pass_on(&segment.file, &path, file.bytes, &mut |bytes, at| {
        hasher.update(bytes);
        target.write_all_at(bytes, at).map_err(LogError::io("write", &to))
    })?;
    if hasher.finalize().as_bytes() != &file.hash {
        return Err(LogError::damaged(first, &file.name, "the file is not what the backup says of it"));
    }
    target.sync_all().map_err(LogError::io("sync", &to))
}

fn place_of(below: &Path, file: &Copied) -> Result<(PathBuf, u64), LogError> {
    let first = super::segment::first_in(&file.name);
    let first = first.ok_or_else(|| LogError::damaged(0, &file.name, "it is no name of a segment"))?;
    Ok((below.join(journal::NAME).join(&file.name), first))
}

/// A link could lead anywhere.
fn open_regular(path: &Path) -> Result<File, LogError> {
    let found = fs::symlink_metadata(path).map_err(LogError::io("look at", path))?;
    if !found.is_file() {
        let none = std::io::Error::new(std::io::ErrorKind::InvalidData, "it is no regular file");
        return Err(LogError::io("open", path)(none));
    }
    File::open(path).map_err(LogError::io("open", path))
}

fn pass_on(source: &File, path: &Path, bytes: u64, take: &mut Take<'_>) -> Result<(), LogError> {
    let (mut at, mut buffer) = (0, vec![0; PIECE]);
    while at < bytes {
        let length = usize::try_from(bytes - at).unwrap_or(PIECE).min(PIECE);
        let piece = buffer.get_mut(..length).unwrap_or_default();
        source.read_exact_at(piece, at).map_err(LogError::io("read", path))?;
        take(piece, at)?;
        at += length as u64;
    }
    Ok(())
}

fn cleared(removed: std::io::Result<()>) -> std::io::Result<()> {
    match removed {
        Err(failed) if failed.kind() != std::io::ErrorKind::NotFound => Err(failed),
        _ => Ok(()),
    }
}
