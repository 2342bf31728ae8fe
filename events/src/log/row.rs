//! One row of the index: where a record lies in the journal, and what of its header reads are asked for.

use domain::id::{CommandId, KeyId};
use domain::time::Time;

use super::LogError;
use super::frame::{Layout, PartHead, Span, Sum};
use crate::record::{Hash, Record};

/// What the index knows of a record.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Row {
    /// Its position.
    pub position: u64,
    /// The position in the name of its segment.
    pub segment: u64,
    /// Where its frame begins in the segment.
    pub frame: u32,
    /// Where its bytes are in the frame.
    pub span: Span,
    /// Their hash.
    pub hash: Hash,
    /// Its stream.
    pub stream: [u8; 16],
    /// Its place in the stream.
    pub revision: u64,
    /// Its command.
    pub command: CommandId,
    /// Its place in the command.
    pub index: u16,
    /// How many records the command has.
    pub count: u16,
    /// When it was written.
    pub recorded_at: Time,
    /// Its parts, in their order.
    pub parts: Vec<RowPart>,
}

/// What the index knows of a part.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RowPart {
    /// The key it was sealed under.
    pub key: KeyId,
    /// Where its bytes are in the frame.
    pub span: Span,
    /// Their checksum.
    pub sum: Sum,
}

/// Where a frame begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FramePlace {
    /// The position in the segment's name.
    pub segment: u64,
    /// The offset in the file, in bytes.
    pub offset: u32,
}

impl Row {
    /// The row of one record of a frame. The record's own words must fit its place, and its parts the frame's.
    pub fn of(layout: &Layout, number: usize, place: FramePlace, bytes: &[u8], hash: Hash) -> Result<Self, LogError> {
        let position = layout.first + number as u64;
        let file = || super::segment::name(place.segment);
        let record = Record::parse(bytes).map_err(|source| LogError::Malformed { position, source })?;
        if record.position != position {
            return Err(LogError::damaged(position, &file(), format!("record {} is in its place", record.position)));
        }
        let parts = layout.parts_of(number);
        if !parts.iter().map(|part| part.key).eq(record.personal.iter().map(|part| part.key)) {
            return Err(LogError::damaged(position, &file(), "its parts are not those that the record names"));
        }
        let mut row = Self::unplaced(&record, hash);
        row.put(layout, number, place);
        Ok(row)
    }

    /// The row of a record that is not written yet.
    pub fn unplaced(record: &Record<'_>, hash: Hash) -> Self {
        Self {
            position: record.position,
            segment: 0,
            frame: 0,
            span: Span::default(),
            hash,
            stream: record.stream.id,
            revision: record.revision,
            command: record.command,
            index: record.index,
            count: record.count,
            recorded_at: record.recorded_at,
            parts: Vec::new(),
        }
    }

    /// The record has come to lie in this frame.
    pub fn put(&mut self, layout: &Layout, number: usize, place: FramePlace) {
        (self.segment, self.frame) = (place.segment, place.offset);
        self.span = layout.records.get(number).copied().unwrap_or_default();
        let part = |part: &PartHead| RowPart { key: part.key, span: part.span, sum: part.sum };
        self.parts = layout.parts_of(number).iter().map(part).collect();
    }

    /// Where its frame is.
    pub fn place(&self) -> FramePlace {
        FramePlace { segment: self.segment, offset: self.frame }
    }
}
