//! From bytes, strictly: one evidence has one form, and what is not of it is refused.

use domain::event::{Stream, StreamKind};

use super::{Audited, Evidence, MAGIC, MOST_BYTES, Opening, Placed, Replay, Trail};
use crate::bytes::{Malformed, Reader};
use crate::map::MapProof;
use crate::note::SignedNote;
use crate::proof::MOST_HASHES;
use crate::seal::Leaf;
use crate::tree::Node;

type Read<T> = Result<T, Malformed>;

impl Evidence {
    /// Reads the bytes of a file and nothing else.
    pub fn parse(bytes: &[u8]) -> Read<Self> {
        if bytes.len() > MOST_BYTES {
            return Err(Malformed::Value("size"));
        }
        let mut r = Reader::new(bytes);
        if r.array("magic")? != *MAGIC {
            return Err(Malformed::Value("magic"));
        }
        let evidence = Self {
            receipt: optional(&mut r, "receipt", note)?,
            checkpoint: optional(&mut r, "checkpoint", note)?,
            replays: list(&mut r, "replays", |r| Ok(Replay { note: note(r)?, path: path(r)? }))?,
            map: optional(&mut r, "map record", placed)?,
            trails: list(&mut r, "streams", trail)?,
            others: list(&mut r, "single records", placed)?,
        };
        r.end()?;
        Ok(evidence)
    }
}

fn trail(r: &mut Reader<'_>) -> Read<Trail> {
    let kind = StreamKind::named(r.name("stream kind")?).ok_or(Malformed::Value("stream kind"))?;
    Ok(Trail {
        stream: Stream { kind, id: r.array("stream id")? },
        map: optional(r, "map proof", |r| {
            let length = r.u16("map proof")?;
            MapProof::parse(r.take(length.into(), "map proof")?)
        })?,
        records: list(r, "records", |r| Ok(Audited { record: record(r)?, parts: crate::bundle::take_lines(r)? }))?,
        path: optional(r, "path", path)?,
        openings: list(r, "openings", opening)?,
    })
}

fn opening(r: &mut Reader<'_>) -> Read<Opening> {
    Ok(Opening {
        record: r.u32("record of an opening")?,
        part: r.u8("part of an opening")?,
        leaves: list(r, "leaves", |r| match r.u8("leaf")? {
            0 => Ok(Leaf::Bare(r.array("leaf")?)),
            1 => {
                let salt = r.array("salt")?;
                let length = r.u16("value")?;
                Ok(Leaf::Shown { salt, value: r.take(length.into(), "value")?.to_vec() })
            }
            _ => Err(Malformed::Value("leaf")),
        })?,
    })
}

fn placed(r: &mut Reader<'_>) -> Read<Placed> {
    Ok(Placed { record: record(r)?, path: optional(r, "path", path)? })
}

fn record(r: &mut Reader<'_>) -> Read<Vec<u8>> {
    let length = r.u16("record")?;
    Ok(r.take(length.into(), "record")?.to_vec())
}

fn path(r: &mut Reader<'_>) -> Read<Vec<Node>> {
    let count = usize::from(r.u8("path")?);
    if count > MOST_HASHES {
        return Err(Malformed::Value("path"));
    }
    (0..count).map(|_| r.array("path")).collect()
}

fn note(r: &mut Reader<'_>) -> Read<SignedNote> {
    let length = r.u32("note")?;
    let bytes = r.take(usize::try_from(length).unwrap_or(usize::MAX), "note")?;
    SignedNote::parse(bytes).map_err(|_| Malformed::Value("note"))
}

fn optional<T>(r: &mut Reader<'_>, what: &'static str, take: impl Fn(&mut Reader<'_>) -> Read<T>) -> Read<Option<T>> {
    match r.u8(what)? {
        0 => Ok(None),
        1 => take(r).map(Some),
        _ => Err(Malformed::Value(what)),
    }
}

/// No count is believed: room is made as things come.
fn list<T>(r: &mut Reader<'_>, what: &'static str, take: impl Fn(&mut Reader<'_>) -> Read<T>) -> Read<Vec<T>> {
    let count = r.u32(what)?;
    let mut all = Vec::new();
    for _ in 0..count {
        all.push(take(r)?);
    }
    Ok(all)
}
