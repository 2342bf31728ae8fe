//! Reading images: piece by piece, with so much of the next piece behind each that nothing is cut apart.

use std::fs::{self, File};
use std::io::{self, Seek as _, SeekFrom};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use domain::id::KeyId;
use events::keyring::carve::{self as keys, Carved, Windows};
use events::log::carve as frames;
use memchr::memmem::Finder;
use rayon::prelude::*;

use super::ForensicError;

/// How much is searched at once.
const PIECE: usize = 8 << 20;

/// What is searched, in order.
pub(super) struct Images(Vec<Image>);

struct Image {
    name: String,
    file: File,
    length: u64,
}

/// What the first reading found.
pub(crate) struct Searched {
    /// Of keyrings.
    pub(crate) carved: Carved,
    /// Where frames of journals may begin.
    pub(super) frames: Vec<FrameAt>,
    /// How many images there are.
    pub(super) images: usize,
    /// How many bytes they have.
    pub(super) bytes: u64,
}

/// A place in an image.
#[derive(Clone, Copy, Debug)]
pub(super) struct FrameAt {
    image: usize,
    offset: u64,
    length: u64,
}

impl Images {
    /// Opens files and devices, and all files below directories. Links are not followed.
    pub(super) fn open(paths: &[PathBuf]) -> Result<Self, ForensicError> {
        let mut images = Vec::new();
        for path in paths {
            gather(path, &mut images).map_err(failed(path))?;
        }
        if images.iter().all(|image| image.length == 0) {
            return Err(ForensicError::Nothing);
        }
        Ok(Self(images))
    }

    /// Finds everything that has first bytes to be found by.
    pub(super) fn search(&self, progress: &dyn Fn(u64, u64)) -> Result<Searched, ForensicError> {
        let bytes = self.0.iter().map(|image| image.length).sum();
        let mut searched = Searched { carved: Carved::new(), frames: Vec::new(), images: self.0.len(), bytes };
        let finders: Vec<Finder<'_>> = keys::MAGICS.into_iter().map(Finder::new).collect();
        let frame = Finder::new(&frames::MAGIC);
        let mut done = 0;
        for (number, image) in self.0.iter().enumerate() {
            image.pieces(keys::LONGEST, |at, piece| {
                let own = |found: &usize| *found < PIECE;
                let mut at_all: Vec<usize> =
                    finders.iter().flat_map(|finder| finder.find_iter(piece).take_while(own)).collect();
                at_all.sort_unstable();
                for found in at_all {
                    let bytes = piece.get(found..).unwrap_or_default();
                    searched.carved.take(bytes);
                    if let Some((behind, length)) = Carved::old_slots(bytes) {
                        let slots = image.at_most(at + found as u64 + behind, length)?;
                        searched.carved.take_old_slots(bytes, &slots);
                    }
                }
                for found in frame.find_iter(piece).take_while(own) {
                    let offset = at + found as u64;
                    let beginning = piece.get(found..).unwrap_or_default();
                    if let Some(length) = frames::length(beginning) {
                        searched.frames.push(FrameAt { image: number, offset, length });
                    }
                }
                progress(done + at, bytes);
                Ok(())
            })?;
            done += image.length;
        }
        Ok(searched)
    }

    /// Looks for keys in clear at every byte.
    pub(super) fn deep(
        &self,
        windows: &Windows,
        progress: &dyn Fn(u64, u64),
    ) -> Result<Vec<(String, u64, KeyId)>, ForensicError> {
        let all = self.0.iter().map(|image| image.length).sum();
        let (mut found, mut done) = (Vec::new(), 0);
        for image in &self.0 {
            image.pieces(Windows::OVERLAP, |at, piece| {
                // Each thread begins a little before its share, so that nothing on the border is missed.
                let share = 256 << 10;
                let starts: Vec<usize> = (0..piece.len()).step_by(share).collect();
                let here: Vec<(usize, KeyId)> = starts
                    .into_par_iter()
                    .flat_map_iter(|start| {
                        let end = start.saturating_add(share + Windows::OVERLAP).min(piece.len());
                        let bytes = piece.get(start..end).unwrap_or_default();
                        windows.find(bytes).into_iter().map(move |(at, name)| (start + at, name))
                    })
                    .collect();
                found.extend(here.into_iter().map(|(offset, name)| (image.name.clone(), at + offset as u64, name)));
                progress(done + at, all);
                Ok(())
            })?;
            done += image.length;
        }
        found.sort_unstable();
        found.dedup();
        Ok(found)
    }

    /// The bytes of a frame, as far as its image has them.
    pub(super) fn frame(&self, at: FrameAt) -> Result<Vec<u8>, ForensicError> {
        self.0.get(at.image).map_or(Ok(Vec::new()), |image| image.at_most(at.offset, at.length))
    }
}

impl Image {
    /// Gives every piece with its place, and up to so many bytes more behind it.
    fn pieces(
        &self,
        behind: usize,
        mut each: impl FnMut(u64, &[u8]) -> Result<(), ForensicError>,
    ) -> Result<(), ForensicError> {
        for at in (0..self.length).step_by(PIECE) {
            each(at, &self.at_most(at, (PIECE + behind) as u64)?)?;
        }
        Ok(())
    }

    fn at_most(&self, at: u64, length: u64) -> Result<Vec<u8>, ForensicError> {
        let length = self.length.saturating_sub(at).min(length);
        let mut bytes = vec![0; usize::try_from(length).unwrap_or_default()];
        self.file.read_exact_at(&mut bytes, at).map_err(failed(Path::new(&self.name)))?;
        Ok(bytes)
    }
}

fn gather(path: &Path, images: &mut Vec<Image>) -> io::Result<()> {
    let kind = fs::metadata(path)?.file_type();
    if kind.is_dir() {
        let mut below = fs::read_dir(path)?.collect::<io::Result<Vec<_>>>()?;
        below.sort_by_key(fs::DirEntry::file_name);
        for entry in below {
            // A link leads to what is named elsewhere, or is no part of the copy; a socket has no bytes.
            let kind = entry.file_type()?;
            if kind.is_dir() || kind.is_file() {
                gather(&entry.path(), images)?;
            }
        }
        return Ok(());
    }
    let mut file = File::open(path)?;
    // A device says its length so, and only so.
    let length = file.seek(SeekFrom::End(0))?;
    images.push(Image { name: path.display().to_string(), file, length });
    Ok(())
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> ForensicError {
    let image = path.display().to_string();
    move |source| ForensicError::Io { image, source }
}
