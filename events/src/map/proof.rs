//! The proof of where a stream stands, or that there is none with an id.

use domain::event::{Stream, StreamKind};

use super::{Leaf, bit, empty, node};
use crate::bytes::{Malformed, Reader, put_name};
use crate::chain::StreamHead;
use crate::record::Hash;

/// An id has no more bits, so no way through the map has more nodes.
const LONGEST: usize = 128;

/// The leaf at which the way by an id's bits ends, and what stands beside that way. Below 1 KB at a million streams.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MapProof {
    /// The leaf; none when the map is empty.
    pub(super) end: Option<StreamHead>,
    /// Each node on the way, from the root: its bit, and the hash on the other side. Bits grow strictly.
    pub(super) path: Vec<(u8, Hash)>,
}

/// What a proof shows of an id, if the root is honest: who has recomputed the root by replay knows that.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Standing {
    /// The stream with this id has this head.
    Present(StreamHead),
    /// No stream has this id.
    Absent,
}

/// Why a proof proves nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Refused {
    /// Its hashes do not lead to the root.
    #[error("the map proof does not lead to the map's root")]
    Root,
    /// It leads to the root, on the way of another id.
    #[error("the map proof is about another stream")]
    Way,
}

impl MapProof {
    /// What the proof shows of a stream id under a root of the map.
    pub fn verify(&self, root: &Hash, id: &[u8; 16]) -> Result<Standing, Refused> {
        let Some(end) = self.end else {
            return if *root == empty() { Ok(Standing::Absent) } else { Err(Refused::Root) };
        };
        if self.root_over(&end) != *root {
            return Err(Refused::Root);
        }
        if self.path.iter().any(|(at, _)| bit(id, *at) != bit(&end.stream.id, *at)) {
            return Err(Refused::Way);
        }
        Ok(if end.stream.id == *id { Standing::Present(end) } else { Standing::Absent })
    }

    fn root_over(&self, end: &StreamHead) -> Hash {
        self.path.iter().rev().fold(Leaf::from(end).hash(), |below, (at, sibling)| {
            if bit(&end.stream.id, *at) { node(*at, sibling, &below) } else { node(*at, &below, sibling) }
        })
    }

    /// The bytes of the proof, as `FORMAT.md` shows them.
    pub fn to_bytes(&self) -> Vec<u8> {
        let Some(StreamHead { stream, count, hash }) = &self.end else { return vec![0] };
        let mut out = vec![1];
        out.extend_from_slice(&stream.id);
        put_name(&mut out, stream.kind.name());
        out.extend_from_slice(&count.to_be_bytes());
        out.extend_from_slice(hash);
        out.push(self.path.len().min(LONGEST) as u8);
        for (at, sibling) in &self.path {
            out.push(*at);
            out.extend_from_slice(sibling);
        }
        out
    }

    /// Reads a proof that stands alone: nothing may follow it.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        let proof = Self::read(&mut reader)?;
        reader.end()?;
        Ok(proof)
    }

    /// Reads a proof that stands inside something else.
    pub fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        match reader.u8("map proof")? {
            0 => return Ok(Self { end: None, path: Vec::new() }),
            1 => {}
            _ => return Err(Malformed::Value("map proof")),
        }
        let id = reader.array("stream id")?;
        let kind = StreamKind::named(reader.name("stream kind")?).ok_or(Malformed::Value("stream kind"))?;
        let count = reader.u64("record count")?;
        if count == 0 {
            return Err(Malformed::Value("record count"));
        }
        let end = StreamHead { stream: Stream { kind, id }, count, hash: reader.array("stream head")? };
        Ok(Self { end: Some(end), path: read_path(reader)? })
    }
}

fn read_path(reader: &mut Reader<'_>) -> Result<Vec<(u8, Hash)>, Malformed> {
    let length = usize::from(reader.u8("number of nodes")?);
    if length > LONGEST {
        return Err(Malformed::Value("number of nodes"));
    }
    let mut path = Vec::with_capacity(length);
    let mut next = 0;
    for _ in 0..length {
        let at = reader.u8("bit")?;
        if !(next..LONGEST).contains(&at.into()) {
            return Err(Malformed::Value("bit"));
        }
        next = usize::from(at) + 1;
        path.push((at, reader.array("sibling")?));
    }
    Ok(path)
}
