//! One record: one fact in its canonical bytes, as `FORMAT.md` shows them.
//!
//! The caller makes a [`Draft`]; only the writer knows position, time and previous hashes, and turns it into bytes. What is
//! read is parsed by [`Record::parse`], which trusts nothing and keeps no copy.

use domain::compartment::Compartment;
use domain::event::{Place, Stream, StreamKind};
use domain::id::{ActorId, CommandId, KeyId, LogId};
use domain::time::Time;

use crate::bytes::{Malformed, Reader, put_name};

/// The format version that this program writes, and the only one it reads so far.
pub const FORMAT_VERSION: u8 = 1;
/// The suite: BLAKE3 for chain, keys and commitments, XChaCha20-Poly1305 for seals.
pub const SUITE: u8 = 1;
/// The largest record, in bytes: it must fit an entry of a C2SP `tlog-tiles` bundle, whose length is a `u16`.
pub const MAX_RECORD: usize = 65_535;

/// Hash of nothing: what the first record and the first of each stream link to.
pub const NO_HASH: [u8; 32] = [0; 32];

/// The kind of the one record with which a log goes on under another id.
pub const CONTINUED: &str = "log.continued";

const RECORD_CONTEXT: &str = "lethe 2026 record v1";

/// A BLAKE3 hash.
pub type Hash = [u8; 32];

/// BLAKE3 `derive_key` over a record's bytes; the previous record's hash is inside them, so this is the chain.
pub fn hash(record: &[u8]) -> Hash {
    use std::sync::LazyLock;
    static KEYED: LazyLock<blake3::Hasher> = LazyLock::new(|| blake3::Hasher::new_derive_key(RECORD_CONTEXT));
    *KEYED.clone().update(record).finalize().as_bytes()
}

/// The hash of a notice's text, which consents name it by: plain BLAKE3 over its UTF-8 bytes, so that anybody with the text
/// can tell that it is the one.
pub fn notice_hash(text: &str) -> Hash {
    *blake3::hash(text.as_bytes()).as_bytes()
}

/// What a record says of one sealed part: what it was sealed under, and a hiding commitment. Never whose it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PartRef {
    /// What it dies with.
    pub compartment: Compartment,
    /// The key it was sealed under.
    pub key: KeyId,
    /// The commitment to its fields (DESIGN §4).
    pub commitment: Hash,
}

/// A fact on its way into the log: everything that the caller decides.
#[derive(Clone, Debug)]
pub struct Draft {
    /// Which stream it joins.
    pub stream: Stream,
    /// The revision it will have there; the writer refuses it when the stream is elsewhere.
    pub revision: u64,
    /// The name of the fact.
    pub kind: &'static str,
    /// The version of the stored form of this kind.
    pub version: u16,
    /// When it became true.
    pub effective_at: Time,
    /// Who.
    pub actor: ActorId,
    /// By which command.
    pub command: CommandId,
    /// Its place among the records of its command.
    pub index: u16,
    /// How many records its command has.
    pub count: u16,
    /// The position of the record that led to it, in the same stream.
    pub causation: Option<u64>,
    /// The stored form of what is not personal.
    pub facts: Vec<u8>,
    /// One for each sealed part.
    pub personal: Vec<PartRef>,
}

/// What only the writer knows.
#[derive(Clone, Copy, Debug)]
pub struct Link {
    /// Which generation of the log.
    pub log: LogId,
    /// The place in the whole.
    pub position: u64,
    /// The writer's clock.
    pub recorded_at: Time,
    /// The hash of the record before.
    pub previous: Hash,
    /// The hash of the record before in this stream.
    pub previous_in_stream: Hash,
}

/// A record would be larger than [`MAX_RECORD`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a record would be {0} bytes; at most {MAX_RECORD} fit")]
pub struct TooLarge(pub usize);

impl Draft {
    /// The size of the record this becomes, in bytes.
    pub fn size(&self) -> usize {
        let fixed = 1 + 1 + 16 + 8 + 8 + 8 + 1 + 2 + 1 + 16 + 8 + 32 + 32 + 16 + 16 + 2 + 2 + 1 + 2 + 1;
        let causation = if self.causation.is_some() { 8 } else { 0 };
        fixed
            + causation
            + self.kind.len()
            + self.stream.kind.name().len()
            + self.facts.len()
            + self.personal.len() * PART_REF
    }

    /// The canonical bytes.
    pub fn write(&self, link: &Link) -> Result<Vec<u8>, TooLarge> {
        let size = self.size();
        let (true, Ok(facts), Ok(parts)) =
            (size <= MAX_RECORD, u16::try_from(self.facts.len()), u8::try_from(self.personal.len()))
        else {
            return Err(TooLarge(size));
        };
        let mut out = Vec::with_capacity(size);
        out.extend_from_slice(&[FORMAT_VERSION, SUITE]);
        out.extend_from_slice(&link.log.0);
        out.extend_from_slice(&link.position.to_be_bytes());
        out.extend_from_slice(&link.recorded_at.0.to_be_bytes());
        out.extend_from_slice(&self.effective_at.0.to_be_bytes());
        put_name(&mut out, self.kind);
        out.extend_from_slice(&self.version.to_be_bytes());
        put_name(&mut out, self.stream.kind.name());
        out.extend_from_slice(&self.stream.id);
        out.extend_from_slice(&self.revision.to_be_bytes());
        out.extend_from_slice(&link.previous);
        out.extend_from_slice(&link.previous_in_stream);
        out.extend_from_slice(&self.actor.0);
        out.extend_from_slice(&self.command.0);
        out.extend_from_slice(&self.index.to_be_bytes());
        out.extend_from_slice(&self.count.to_be_bytes());
        match self.causation {
            None => out.push(0),
            Some(position) => {
                out.push(1);
                out.extend_from_slice(&position.to_be_bytes());
            }
        }
        out.extend_from_slice(&facts.to_be_bytes());
        out.extend_from_slice(&self.facts);
        out.push(parts);
        for part in &self.personal {
            let (code, bucket) = part.compartment.code();
            out.extend_from_slice(&code.to_be_bytes());
            out.extend_from_slice(&bucket.to_be_bytes());
            out.extend_from_slice(&part.key.0);
            out.extend_from_slice(&part.commitment);
        }
        debug_assert_eq!(out.len(), size);
        Ok(out)
    }
}

/// The bytes of one [`PartRef`].
const PART_REF: usize = 2 + 4 + 16 + 32;

/// A record as it was read. Borrowed from its bytes; nothing in it is believed beyond its form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// Which generation of the log.
    pub log: LogId,
    /// The place in the whole.
    pub position: u64,
    /// The writer's clock.
    pub recorded_at: Time,
    /// When it became true.
    pub effective_at: Time,
    /// The name of the fact.
    pub kind: &'a str,
    /// The version of the stored form of this kind.
    pub version: u16,
    /// Which stream it belongs to.
    pub stream: Stream,
    /// The place in that stream.
    pub revision: u64,
    /// The hash of the record before.
    pub previous: Hash,
    /// The hash of the record before in this stream.
    pub previous_in_stream: Hash,
    /// Who.
    pub actor: ActorId,
    /// By which command.
    pub command: CommandId,
    /// Its place among the records of its command.
    pub index: u16,
    /// How many records its command has.
    pub count: u16,
    /// The position of the record that led to it, in the same stream.
    pub causation: Option<u64>,
    /// The stored form of what is not personal.
    pub facts: &'a [u8],
    /// One for each sealed part.
    pub personal: Vec<PartRef>,
}

impl<'a> Record<'a> {
    /// Reads the canonical bytes and nothing else: every record has one form.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Malformed> {
        if bytes.len() > MAX_RECORD {
            return Err(Malformed::Value("size"));
        }
        let mut r = Reader::new(bytes);
        if r.u8("format version")? != FORMAT_VERSION {
            return Err(Malformed::Value("format version"));
        }
        if r.u8("suite")? != SUITE {
            return Err(Malformed::Value("suite"));
        }
        let record = Self {
            log: LogId(r.array("log id")?),
            position: r.u64("position")?,
            recorded_at: Time(r.i64("recorded time")?),
            effective_at: Time(r.i64("effective time")?),
            kind: r.name("kind")?,
            version: r.u16("schema version")?,
            stream: stream(&mut r)?,
            revision: r.u64("revision")?,
            previous: r.array("previous hash")?,
            previous_in_stream: r.array("previous hash in its stream")?,
            actor: ActorId(r.array("actor")?),
            command: CommandId(r.array("command id")?),
            index: r.u16("index in its command")?,
            count: r.u16("count of its command")?,
            causation: causation(&mut r)?,
            facts: {
                let length = r.u16("facts")?;
                r.take(length.into(), "facts")?
            },
            personal: parts(&mut r)?,
        };
        r.end()?;
        if record.index >= record.count {
            return Err(Malformed::Value("index in its command"));
        }
        Ok(record)
    }

    /// Where it stands, for those who fold it. The hash is that of the bytes it was parsed from.
    pub fn place(&self, hash: Hash) -> Place {
        Place {
            position: self.position,
            stream: self.stream,
            revision: self.revision,
            recorded_at: self.recorded_at,
            effective_at: self.effective_at,
            actor: self.actor,
            command: self.command,
            hash,
        }
    }
}

fn stream(r: &mut Reader<'_>) -> Result<Stream, Malformed> {
    let kind = StreamKind::named(r.name("stream kind")?).ok_or(Malformed::Value("stream kind"))?;
    Ok(Stream { kind, id: r.array("stream id")? })
}

fn causation(r: &mut Reader<'_>) -> Result<Option<u64>, Malformed> {
    match r.u8("causation")? {
        0 => Ok(None),
        1 => r.u64("causation").map(Some),
        _ => Err(Malformed::Value("causation")),
    }
}

fn parts(r: &mut Reader<'_>) -> Result<Vec<PartRef>, Malformed> {
    let count = r.u8("count of parts")?;
    let part = |r: &mut Reader<'_>| {
        let (code, bucket) = (r.u16("compartment")?, r.u32("compartment")?);
        Ok(PartRef {
            compartment: Compartment::from_code(code, bucket).ok_or(Malformed::Value("compartment"))?,
            key: KeyId(r.array("key id")?),
            commitment: r.array("commitment")?,
        })
    };
    (0..count).map(|_| part(r)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft() -> Draft {
        Draft {
            stream: Stream { kind: StreamKind::Contact, id: [3; 16] },
            revision: 0,
            kind: "contact.registered",
            version: 1,
            effective_at: Time(1_700_000_000_000),
            actor: ActorId([4; 16]),
            command: CommandId([5; 16]),
            index: 0,
            count: 1,
            causation: Some(6),
            facts: vec![0, 1, 2],
            personal: vec![PartRef {
                compartment: Compartment::Support(2026),
                key: KeyId([7; 16]),
                commitment: [8; 32],
            }],
        }
    }

    fn link() -> Link {
        Link {
            log: LogId([1; 16]),
            position: 9,
            recorded_at: Time(1_700_000_000_123),
            previous: [2; 32],
            previous_in_stream: NO_HASH,
        }
    }

    #[test]
    fn what_is_written_reads_back() {
        let bytes = draft().write(&link()).unwrap();
        let record = Record::parse(&bytes).unwrap();
        assert_eq!((record.position, record.kind, record.causation), (9, "contact.registered", Some(6)));
        assert_eq!((record.facts, record.personal.as_slice()), (&[0, 1, 2][..], &draft().personal[..]));
        assert_eq!(record.previous, [2; 32]);
    }

    #[test]
    fn no_other_form_reads() {
        let bytes = draft().write(&link()).unwrap();
        for end in 0..bytes.len() {
            assert!(Record::parse(&bytes[..end]).is_err(), "cut at {end}");
        }
        let mut longer = bytes.clone();
        longer.push(0);
        assert_eq!(Record::parse(&longer), Err(Malformed::Trailing(1)));
    }

    #[test]
    fn a_record_too_large_is_refused() {
        let mut large = draft();
        large.facts = vec![0; 65_536 - large.size() + 3];
        assert_eq!(large.write(&link()).unwrap_err(), TooLarge(65_536));
    }
}
