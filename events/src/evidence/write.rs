//! To bytes.

use super::{Audited, Evidence, MAGIC, MOST_BYTES, Opening, Placed, Trail};
use crate::bytes::put_name;
use crate::note::SignedNote;
use crate::seal::Leaf;
use crate::tree::Node;

/// There is more of something than its count can say, or more bytes than anybody reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the evidence would have too many {0}")]
pub struct TooMuch(&'static str);

impl TooMuch {
    /// Whether a file of so many bytes would be read; for whoever gathers what is to be in it.
    pub fn unless_fits(bytes: usize) -> Result<(), Self> {
        if bytes > MOST_BYTES { Err(Self("bytes")) } else { Ok(()) }
    }
}

impl Evidence {
    /// The bytes of the file: never more than are read again.
    pub fn to_bytes(&self) -> Result<Vec<u8>, TooMuch> {
        let mut out = MAGIC.to_vec();
        optional(&mut out, self.receipt.as_ref(), note)?;
        optional(&mut out, self.checkpoint.as_ref(), note)?;
        list(&mut out, &self.replays, "replays", |out, replay| {
            note(out, &replay.note)?;
            path(out, &replay.path)
        })?;
        optional(&mut out, self.map.as_ref(), placed)?;
        list(&mut out, &self.trails, "streams", trail)?;
        list(&mut out, &self.others, "single records", placed)?;
        TooMuch::unless_fits(out.len())?;
        Ok(out)
    }
}

fn trail(out: &mut Vec<u8>, trail: &Trail) -> Result<(), TooMuch> {
    put_name(out, trail.stream.kind.name());
    out.extend_from_slice(&trail.stream.id);
    optional(out, trail.map.as_ref(), |out, map| {
        let bytes = map.to_bytes();
        out.extend_from_slice(&u16::try_from(bytes.len()).map_err(|_| TooMuch("map hashes"))?.to_be_bytes());
        out.extend_from_slice(&bytes);
        Ok(())
    })?;
    list(out, &trail.records, "records", audited)?;
    optional(out, trail.path.as_ref(), |out, hashes| path(out, hashes))?;
    list(out, &trail.openings, "openings", opening)
}

fn audited(out: &mut Vec<u8>, audited: &Audited) -> Result<(), TooMuch> {
    record(out, &audited.record)?;
    crate::bundle::put_lines(out, &audited.parts);
    Ok(())
}

fn opening(out: &mut Vec<u8>, opening: &Opening) -> Result<(), TooMuch> {
    out.extend_from_slice(&opening.record.to_be_bytes());
    out.push(opening.part);
    list(out, &opening.leaves, "leaves", |out, leaf| {
        match leaf {
            Leaf::Bare(hash) => {
                out.push(0);
                out.extend_from_slice(hash);
            }
            Leaf::Shown { salt, value } => {
                out.push(1);
                out.extend_from_slice(salt);
                out.extend_from_slice(&u16::try_from(value.len()).map_err(|_| TooMuch("bytes"))?.to_be_bytes());
                out.extend_from_slice(value);
            }
        }
        Ok(())
    })
}

fn placed(out: &mut Vec<u8>, placed: &Placed) -> Result<(), TooMuch> {
    record(out, &placed.record)?;
    optional(out, placed.path.as_ref(), |out, hashes| path(out, hashes))
}

fn record(out: &mut Vec<u8>, record: &[u8]) -> Result<(), TooMuch> {
    out.extend_from_slice(&u16::try_from(record.len()).map_err(|_| TooMuch("bytes"))?.to_be_bytes());
    out.extend_from_slice(record);
    Ok(())
}

fn path(out: &mut Vec<u8>, path: &[Node]) -> Result<(), TooMuch> {
    out.push(u8::try_from(path.len()).map_err(|_| TooMuch("hashes"))?);
    out.extend_from_slice(path.as_flattened());
    Ok(())
}

fn note(out: &mut Vec<u8>, note: &SignedNote) -> Result<(), TooMuch> {
    let text = note.to_string();
    out.extend_from_slice(&u32::try_from(text.len()).map_err(|_| TooMuch("bytes"))?.to_be_bytes());
    out.extend_from_slice(text.as_bytes());
    Ok(())
}

fn optional<T>(
    out: &mut Vec<u8>,
    value: Option<T>,
    put: impl Fn(&mut Vec<u8>, T) -> Result<(), TooMuch>,
) -> Result<(), TooMuch> {
    out.push(value.is_some().into());
    value.map_or(Ok(()), |value| put(out, value))
}

fn list<T>(
    out: &mut Vec<u8>,
    all: &[T],
    what: &'static str,
    put: impl Fn(&mut Vec<u8>, &T) -> Result<(), TooMuch>,
) -> Result<(), TooMuch> {
    out.extend_from_slice(&u32::try_from(all.len()).map_err(|_| TooMuch(what))?.to_be_bytes());
    all.iter().try_for_each(|one| put(out, one))
}
