//! Frames of a journal in bytes of any kind, at any offset. A frame says by itself which log it belongs to, where its
//! records are and where their parts; nothing around it is looked at. One whose checksum is wrong is read as far as its
//! lengths make sense: whether a part is one, its seal says.

use domain::id::{KeyId, LogId};

use super::PartBytes;
use super::frame::{self, Layout, Lengths, PREFIX, PartHead, SUM, Sums};
use crate::record::{FORMAT_VERSION, PartRef, Record};
use crate::seal::Binding;

pub use super::frame::MAGIC;

/// The longest frame that is looked at, in bytes: more than a writer makes of one commit, also where a redaction seals much
/// anew.
pub const LONGEST: u64 = 320 << 20;

/// How many bytes of a frame tell its length.
pub const BEGINNING: usize = PREFIX;

/// A frame as it was found.
pub struct Carved<'a> {
    /// The log of its first record.
    pub log: LogId,
    /// Whether its head is what was written.
    pub whole: bool,
    bytes: &'a [u8],
    layout: Layout,
    sums: Sums,
}

/// A sealed part as it was found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CarvedPart {
    /// Which part of its record, from 0.
    pub number: u8,
    /// What the record says of it.
    pub named: PartRef,
    /// What is there of it.
    pub bytes: PartBytes,
}

/// How many bytes the frame has that begins so, if that may be one.
pub fn length(beginning: &[u8]) -> Option<u64> {
    let lengths = lengths(beginning)?;
    (lengths.total() <= LONGEST).then_some(lengths.total())
}

/// The frame that these bytes begin with, its parts as far as they are there.
pub fn carve(bytes: &[u8]) -> Option<Carved<'_>> {
    let head = bytes.get(..usize::try_from(lengths(bytes)?.head).ok()?)?;
    // Behind the length of the first record, its format and its suite.
    let log = LogId(*head.get(PREFIX + 4 + 2..)?.first_chunk()?);
    let sums = Sums::of(log);
    let (layout, whole) = match frame::read(head, &sums) {
        Ok(layout) => (layout, true),
        Err(_) => (frame::unchecked(head).ok()?, false),
    };
    let carved = Carved { log, whole, bytes, layout, sums };
    carved.records().next()?;
    Some(carved)
}

fn lengths(beginning: &[u8]) -> Option<Lengths> {
    let lengths = frame::lengths(beginning.get(..PREFIX)?).ok().flatten()?;
    (u64::from(lengths.head) >= (PREFIX + SUM + 4) as u64).then_some(lengths)
}

impl<'a> Carved<'a> {
    /// Its records, each with its bytes and its parts.
    pub fn records(&self) -> impl Iterator<Item = (Record<'a>, &'a [u8], Vec<CarvedPart>)> + '_ {
        self.layout.records.iter().enumerate().filter_map(|(number, span)| {
            let bytes = span.of(self.bytes)?;
            let record = Record::parse(bytes).ok()?;
            let parts = self.layout.parts_of(number).iter().filter_map(|part| self.part(&record, part)).collect();
            Some((record, bytes, parts))
        })
    }

    fn part(&self, record: &Record<'_>, head: &PartHead) -> Option<CarvedPart> {
        let named = *record.personal.get(usize::from(head.part))?;
        let bytes = match head.span.of(self.bytes) {
            // Where the head is not whole, its checksums say nothing.
            Some(bytes) if !self.whole && bytes.iter().any(|byte| *byte != 0) => PartBytes::Present(bytes.to_vec()),
            Some(bytes) => self.sums.judge(bytes.to_vec(), &head.sum),
            None => PartBytes::Damaged { length: head.span.length },
        };
        Some(CarvedPart { number: u8::try_from(head.part).ok()?, named, bytes })
    }
}

/// Where a part of a record belongs, sealed under this key.
pub fn binding<'a>(record: &Record<'a>, part: u8, key: KeyId) -> Binding<'a> {
    Binding {
        format: FORMAT_VERSION,
        log: record.log,
        stream: record.stream,
        revision: record.revision,
        kind: record.kind,
        schema: record.version,
        part,
        key,
    }
}

#[cfg(test)]
mod tests {
    use domain::compartment::Compartment;
    use domain::event::{Stream, StreamKind};
    use domain::id::{ActorId, CommandId};
    use domain::time::Time;

    use super::*;
    use crate::log::{Entry, Part};
    use crate::record::{Draft, Link, NO_HASH, hash};

    const LOG: LogId = LogId([5; 16]);

    fn frame() -> Vec<u8> {
        let named = PartRef { compartment: Compartment::Claims, key: KeyId([3; 16]), commitment: [4; 32] };
        let draft = Draft {
            stream: Stream { kind: StreamKind::Contact, id: [9; 16] },
            revision: 0,
            kind: "contact.registered",
            version: 1,
            effective_at: Time(0),
            actor: ActorId([0; 16]),
            command: CommandId([1; 16]),
            index: 0,
            count: 1,
            causation: None,
            facts: vec![7; 40],
            personal: vec![named, named],
        };
        let link = Link { log: LOG, position: 8, recorded_at: Time(1), previous: NO_HASH, previous_in_stream: NO_HASH };
        let record = draft.write(&link).unwrap();
        let part = |byte: u8| Part { key: named.key, bytes: PartBytes::Present(vec![byte; 50]) };
        let entry = Entry { hash: hash(&record), record, parts: vec![part(1), part(2)] };
        let mut out = Vec::new();
        frame::write(&mut out, &Sums::of(LOG), 8, &[entry]).unwrap();
        out
    }

    #[test]
    fn a_frame_is_read_from_itself_alone() {
        let whole = [frame(), vec![0xaa; 100]].concat();
        assert_eq!(length(&whole), Some(frame().len() as u64));
        let carved = carve(&whole).unwrap();
        assert_eq!((carved.log, carved.whole), (LOG, true));
        let (record, _, parts) = carved.records().next().unwrap();
        assert_eq!(record.position, 8);
        assert_eq!(parts.iter().map(|part| part.number).collect::<Vec<_>>(), [0, 1]);
        assert_eq!(parts[1].bytes, PartBytes::Present(vec![2; 50]));
    }

    #[test]
    fn a_frame_that_is_not_whole_is_read_as_far_as_it_makes_sense() {
        let mut torn = frame();
        let end = torn.len();
        torn[end - 120] ^= 1;
        let carved = carve(&torn).unwrap();
        assert!(!carved.whole);
        assert_eq!(carved.records().next().unwrap().2.len(), 2);
        let cut = frame();
        let (_, _, parts) = carve(&cut[..end - 10]).unwrap().records().next().unwrap();
        assert_eq!(parts[1].bytes, PartBytes::Damaged { length: 50 });
        assert!(carve(&cut[..60]).is_none());
        assert!(carve(b"LFRM and other words, which are no frame at all").is_none());
    }
}
