//! One segment file of the journal: a header, frames, and zeros up to its size.
//!
//! ```text
//! magic "LETHESEG" · format version (u16) · log id (16) · first position (u64)
//! hash of the record before (32) · size of the file (u64) · checksum (16) · zeros up to byte 4096
//! ```
//!
//! The file is written full of zeros and synced before it is used, so that a sync of a frame later has no new blocks to
//! note down. Its header, its name and the directory are synced before the first frame.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

use domain::id::LogId;

use super::frame::{SUM, Sums, cut};
use super::{LogError, name_of};
use crate::bytes::{Malformed, Reader};
use crate::record::Hash;

/// Where the first frame begins.
pub const HEADER: u64 = 4096;
/// The first bytes of every segment.
pub const MAGIC: [u8; 8] = *b"LETHESEG";
/// The version of the segment's and the frame's form.
pub const VERSION: u16 = 1;

const FIELDS: usize = 8 + 2 + 16 + 8 + 32 + 8;
const CONTEXT: &str = "lethe 2026 journal segment v1";
/// Zeros are written and synced in pieces, so that nobody waits long behind them.
const PIECE: usize = 1 << 20;

/// What the first bytes of a segment say.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Header {
    /// Which log it belongs to.
    pub log: LogId,
    /// The position of its first record.
    pub first: u64,
    /// The hash of the record before that.
    pub previous: Hash,
    /// The size of the file, in bytes.
    pub size: u64,
}

impl Header {
    /// The 4096 bytes.
    pub fn write(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(HEADER as usize);
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&VERSION.to_be_bytes());
        out.extend_from_slice(&self.log.0);
        out.extend_from_slice(&self.first.to_be_bytes());
        out.extend_from_slice(&self.previous);
        out.extend_from_slice(&self.size.to_be_bytes());
        let sum = blake3::derive_key(CONTEXT, &out);
        out.extend_from_slice(&cut(&blake3::Hash::from_bytes(sum)));
        out.resize(HEADER as usize, 0);
        out
    }

    /// Reads them; every byte counts.
    pub fn read(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut r = Reader::new(bytes);
        let summed = r.clone().take(FIELDS, "header")?;
        let magic = r.array::<8>("magic")?;
        let version = r.u16("format version")?;
        let header = Self {
            log: LogId(r.array("log id")?),
            first: r.u64("position")?,
            previous: r.array("previous hash")?,
            size: r.u64("size")?,
        };
        let sum = cut(&blake3::Hash::from_bytes(blake3::derive_key(CONTEXT, summed)));
        if magic != MAGIC {
            return Err(Malformed::Value("magic"));
        }
        if r.array::<SUM>("checksum")? != sum {
            return Err(Malformed::Value("checksum"));
        }
        if version != VERSION {
            return Err(Malformed::Value("format version"));
        }
        if r.rest().iter().any(|byte| *byte != 0) {
            return Err(Malformed::Value("header"));
        }
        Ok(header)
    }
}

/// A segment in use.
#[derive(Debug)]
pub struct Segment {
    /// What its header says.
    pub header: Header,
    /// Its name in the journal's directory.
    pub name: String,
    /// The keys of the checksums in it.
    pub sums: Sums,
    pub(super) file: File,
}

/// The name of the segment whose first record has this position.
pub fn name(first: u64) -> String {
    format!("{first:020}.segment")
}

/// The position in a segment's name.
pub fn first_in(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(".segment")?;
    let plain = digits.len() == 20 && digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|_| plain)
}

impl Segment {
    /// Opens a segment and checks its header, its name and its size.
    pub fn open(path: &Path, writable: bool) -> Result<Self, LogError> {
        let name = name_of(path);
        let first = first_in(&name).unwrap_or(0);
        let file = OpenOptions::new().read(true).write(writable).open(path).map_err(LogError::io("open", path))?;
        let damaged = |what: String| LogError::Damaged { position: first, file: name.clone(), what };
        let mut bytes = vec![0; HEADER as usize];
        match file.read_exact_at(&mut bytes, 0) {
            Err(short) if short.kind() == std::io::ErrorKind::UnexpectedEof => {
                return Err(damaged("the file is shorter than its header".to_owned()));
            }
            done => done.map_err(LogError::io("read", path))?,
        }
        let header = Header::read(&bytes).map_err(|bad| damaged(format!("the header is not one: {bad}")))?;
        if header.first != first {
            return Err(damaged(format!("its header says that it begins with record {}", header.first)));
        }
        let size = file.metadata().map_err(LogError::io("look at", path))?.len();
        if size != header.size {
            return Err(damaged(format!("the file has {size} bytes and its header says {}", header.size)));
        }
        Ok(Self { sums: Sums::of(header.log), header, name, file })
    }

    /// Takes a file made by [`prepare`] into use: when this returns, header and name are durable. A segment of the same
    /// name, which can only be one without a record, is replaced.
    pub fn begin(dir: &Path, prepared: &str, file: File, header: Header) -> Result<Self, LogError> {
        let (from, name) = (dir.join(prepared), name(header.first));
        write_whole(&file, &header.write(), 0, &from)?;
        file.sync_all().map_err(LogError::io("sync", &from))?;
        std::fs::rename(&from, dir.join(&name)).map_err(LogError::io("rename", &from))?;
        sync_dir(dir)?;
        Ok(Self { sums: Sums::of(header.log), header, name, file })
    }

    /// Reads exactly this many bytes at a place inside the file.
    pub(super) fn read_at(&self, bytes: &mut [u8], offset: u64) -> Result<(), LogError> {
        self.file.read_exact_at(bytes, offset).map_err(LogError::io("read", Path::new(&self.name)))
    }

    /// Writes in one call; less than everything is an error.
    pub(super) fn write_at(&self, bytes: &[u8], offset: u64) -> Result<(), LogError> {
        write_whole(&self.file, bytes, offset, Path::new(&self.name))
    }

    /// Makes what was written durable.
    pub(super) fn sync(&self) -> Result<(), LogError> {
        self.file.sync_data().map_err(LogError::io("sync", Path::new(&self.name)))
    }
}

/// Makes a file of zeros for a segment to come; it is durable but for its name when this returns.
pub fn prepare(path: &Path, size: u64) -> Result<File, LogError> {
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(true).mode(0o600).open(path);
    let file = file.map_err(LogError::io("create", path))?;
    let zeros = vec![0; PIECE];
    let mut offset = 0;
    while offset < size {
        let piece = zeros.get(..usize::try_from(size - offset).unwrap_or(PIECE).min(PIECE)).unwrap_or(&zeros);
        write_whole(&file, piece, offset, path)?;
        offset += piece.len() as u64;
        if offset.is_multiple_of(4 * PIECE as u64) {
            file.sync_data().map_err(LogError::io("sync", path))?;
        }
    }
    file.sync_all().map_err(LogError::io("sync", path))?;
    Ok(file)
}

fn write_whole(file: &File, bytes: &[u8], offset: u64, path: &Path) -> Result<(), LogError> {
    let written = file.write_at(bytes, offset).map_err(LogError::io("write", path))?;
    if written == bytes.len() {
        return Ok(());
    }
    Err(LogError::io("write", path)(std::io::Error::new(std::io::ErrorKind::WriteZero, "only a part was written")))
}

/// Makes names in a directory durable.
pub fn sync_dir(dir: &Path) -> Result<(), LogError> {
    let opened = File::open(dir).map_err(LogError::io("open", dir))?;
    opened.sync_all().map_err(LogError::io("sync", dir))
}

/// Makes a directory only its owner may enter, and the name of it durable.
pub fn make_dir(dir: &Path) -> Result<(), LogError> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(LogError::io("create", dir))?;
    match dir.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => sync_dir(parent),
        _ => Ok(()),
    }
}
