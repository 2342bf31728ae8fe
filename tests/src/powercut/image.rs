//! A directory in memory: what a disk holds at one moment. Cheap to copy, for bytes are shared until they change.

use std::collections::BTreeMap;
use std::fs::{DirBuilder, OpenOptions};
use std::os::unix::fs::{DirBuilderExt, FileExt, FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

const CHUNK: usize = 16 * 1024;
static ZEROS: [u8; CHUNK] = [0; CHUNK];

/// The bytes of one file. What was never written reads as zeros and takes no room.
#[derive(Clone, Default)]
pub struct Content {
    chunks: BTreeMap<u64, Arc<[u8; CHUNK]>>,
    length: u64,
}

/// A directory and all below it. Paths are relative.
#[derive(Clone, Default)]
pub struct Image {
    pub directories: Vec<PathBuf>,
    pub files: BTreeMap<PathBuf, Content>,
}

impl Content {
    pub fn length(&self) -> u64 {
        self.length
    }

    pub fn write(&mut self, mut offset: u64, mut bytes: &[u8]) {
        self.length = self.length.max(offset + bytes.len() as u64);
        while !bytes.is_empty() {
            let (index, within) = (offset / CHUNK as u64, (offset % CHUNK as u64) as usize);
            let (now, rest) = bytes.split_at(bytes.len().min(CHUNK - within));
            if self.chunks.contains_key(&index) || now != &ZEROS[..now.len()] {
                let chunk = self.chunks.entry(index).or_insert_with(|| Arc::new([0; CHUNK]));
                Arc::make_mut(chunk)[within..within + now.len()].copy_from_slice(now);
            }
            offset += now.len() as u64;
            bytes = rest;
        }
    }

    pub fn truncate(&mut self, length: u64) {
        if length < self.length {
            self.chunks.split_off(&length.div_ceil(CHUNK as u64));
            let within = (length % CHUNK as u64) as usize;
            if let Some(chunk) = self.chunks.get_mut(&(length / CHUNK as u64)) {
                Arc::make_mut(chunk)[within..].fill(0);
            }
        }
        self.length = length;
    }

    /// The bytes in rows, zeros left out: offset and bytes, none of them beyond the end.
    fn rows(&self) -> impl Iterator<Item = (u64, &[u8])> {
        self.chunks.iter().filter_map(|(index, chunk)| {
            let offset = index * CHUNK as u64;
            let length = self.length.saturating_sub(offset).min(CHUNK as u64) as usize;
            let bytes = &chunk[..length];
            (bytes != &ZEROS[..length]).then_some((offset, bytes))
        })
    }

    fn differs(&self, file: &[u8]) -> Option<u64> {
        if file.len() as u64 != self.length {
            return Some(self.length.min(file.len() as u64));
        }
        file.chunks(CHUNK).enumerate().find_map(|(index, real)| {
            let ours = self.chunks.get(&(index as u64)).map_or(&ZEROS, |chunk| &**chunk);
            if real == &ours[..real.len()] {
                return None;
            }
            (0..real.len()).find(|at| real[*at] != ours[*at]).map(|at| (index * CHUNK + at) as u64)
        })
    }
}

impl Image {
    /// What a real directory holds; sockets and pipes are left out.
    pub fn read(root: &Path) -> Self {
        let mut image = Self::default();
        image.read_below(root, Path::new(""));
        image
    }

    fn read_below(&mut self, root: &Path, below: &Path) {
        for entry in std::fs::read_dir(root.join(below)).unwrap() {
            let entry = entry.unwrap();
            let (path, kind) = (below.join(entry.file_name()), entry.file_type().unwrap());
            if kind.is_dir() {
                self.directories.push(path.clone());
                self.read_below(root, &path);
            } else if !kind.is_socket() && !kind.is_fifo() {
                let mut content = Content::default();
                content.write(0, &std::fs::read(root.join(&path)).unwrap());
                self.files.insert(path, content);
            }
        }
    }

    /// Writes it below `root`, which is emptied first. Nobody but the owner may read it.
    pub fn build(&self, root: &Path) {
        if root.exists() {
            std::fs::remove_dir_all(root).unwrap();
        }
        let mut private = DirBuilder::new();
        private.mode(0o700).create(root).unwrap();
        for directory in &self.directories {
            private.create(root.join(directory)).unwrap();
        }
        for (path, content) in &self.files {
            let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(root.join(path)).unwrap();
            file.set_len(content.length).unwrap();
            for (offset, bytes) in content.rows() {
                file.write_all_at(bytes, offset).unwrap();
            }
        }
    }

    /// The first place in which a real directory is not this one: a call has gone past the recorder.
    pub fn compare(&self, root: &Path) -> Result<(), String> {
        let real = Self::read(root);
        let names = |image: &Self| {
            let mut names: Vec<_> = image.directories.iter().chain(image.files.keys()).cloned().collect();
            names.sort();
            names
        };
        let (ours, theirs) = (names(self), names(&real));
        if ours != theirs {
            return Err(format!("the trace ends with {ours:?}, the directory holds {theirs:?}"));
        }
        for (path, content) in &self.files {
            if let Some(at) = content.differs(&std::fs::read(root.join(path)).unwrap()) {
                return Err(format!("{} is not what the trace says, from byte {at}", path.display()));
            }
        }
        Ok(())
    }

    /// The same in the shim's words, to stand at the head of a trace.
    pub(crate) fn entries(&self) -> Vec<u8> {
        use super::trace::entry;
        let mut out = Vec::new();
        for directory in &self.directories {
            out.extend(entry(10, 0, 0, 0, &directory.to_string_lossy(), &[]));
        }
        for (number, (path, content)) in (0xf000_0000..).zip(&self.files) {
            out.extend(entry(2, 1, number, 0, &path.to_string_lossy(), &[]));
            out.extend(entry(4, 0, number, content.length, "", &[]));
            for (offset, bytes) in content.rows() {
                out.extend(entry(3, 0, number, offset, "", bytes));
            }
        }
        out.extend(entry(16, 0, 0, 0, "", &[]));
        out
    }
}
