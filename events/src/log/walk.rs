//! Reading frames in their order, every byte of their heads checked.

use std::sync::Arc;

use super::LogError;
use super::frame::{self, Layout, Lengths, PREFIX};
use super::row::FramePlace;
use super::segment::{HEADER, Segment};
use crate::record::hash;

/// How much is read at once where everything will be read.
pub const AHEAD: usize = 4 << 20;

/// What stands at the next place of a segment.
pub enum Step {
    /// A frame.
    Frame {
        /// Where it begins in the file.
        offset: u32,
        /// What is in it.
        layout: Layout,
    },
    /// Nothing was written here.
    End,
    /// Something that is no frame.
    Bad(String),
}

/// Reads one segment frame by frame, through a buffer.
pub struct Frames {
    segment: Arc<Segment>,
    offset: u64,
    ahead: usize,
    buffer: Vec<u8>,
    start: u64,
}

impl Frames {
    /// Begins at a place where a frame begins.
    pub fn new(segment: Arc<Segment>, offset: u64, ahead: usize) -> Self {
        Self { segment, offset, ahead, buffer: Vec::new(), start: 0 }
    }

    /// The place behind the last frame that was read.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Reads on. A frame must begin with the record that is expected, where one is.
    pub fn next(&mut self, expected: Option<u64>) -> Result<Step, LogError> {
        let left = self.segment.header.size.saturating_sub(self.offset);
        if left < PREFIX as u64 {
            return Ok(if self.rest_is_zero()? {
                Step::End
            } else {
                Step::Bad("bytes too few for a frame".to_owned())
            });
        }
        let lengths = match frame::lengths(self.bytes(self.offset, PREFIX)?) {
            Ok(None) => return Ok(Step::End),
            Ok(Some(lengths)) if lengths.total() <= left => lengths,
            Ok(Some(_)) => return Ok(Step::Bad("a frame reaches beyond the end of the file".to_owned())),
            Err(bad) => return Ok(Step::Bad(format!("no frame begins here: {bad}"))),
        };
        self.frame(expected, lengths)
    }

    fn frame(&mut self, expected: Option<u64>, lengths: Lengths) -> Result<Step, LogError> {
        let total = usize::try_from(lengths.total()).unwrap_or(usize::MAX);
        let offset = self.offset;
        let segment = Arc::clone(&self.segment);
        let layout = match frame::read(self.bytes(offset, total)?, &segment.sums) {
            Ok(layout) if expected.is_none_or(|expected| layout.first == expected) => layout,
            Ok(layout) => return Ok(Step::Bad(format!("a frame begins with record {}", layout.first))),
            Err(bad) => return Ok(Step::Bad(format!("a frame is damaged: {bad}"))),
        };
        self.offset += lengths.total();
        let Ok(offset) = u32::try_from(offset) else { return Ok(Step::Bad("the file is too large".to_owned())) };
        Ok(Step::Frame { offset, layout })
    }

    /// The bytes of a frame that was just read.
    pub fn frame_bytes(&mut self, offset: u32, layout: &Layout) -> Result<&[u8], LogError> {
        self.bytes(offset.into(), usize::try_from(layout.length).unwrap_or(usize::MAX))
    }

    /// Whether nothing but zeros is between here and the end of the file.
    pub fn rest_is_zero(&mut self) -> Result<bool, LogError> {
        let mut offset = self.offset;
        while offset < self.segment.header.size {
            let piece = usize::try_from(self.segment.header.size - offset).unwrap_or(AHEAD).min(AHEAD);
            if self.bytes(offset, piece)?.iter().any(|byte| *byte != 0) {
                return Ok(false);
            }
            offset += piece as u64;
        }
        Ok(true)
    }

    fn bytes(&mut self, offset: u64, length: usize) -> Result<&[u8], LogError> {
        let held = |start: u64, buffer: &Vec<u8>| {
            let from = usize::try_from(offset.checked_sub(start)?).ok()?;
            let to = from.checked_add(length)?;
            (to <= buffer.len()).then_some(from..to)
        };
        if held(self.start, &self.buffer).is_none() {
            let left = usize::try_from(self.segment.header.size.saturating_sub(offset)).unwrap_or(usize::MAX);
            self.buffer.resize(self.ahead.max(length).min(left), 0);
            self.start = offset;
            self.segment.read_at(&mut self.buffer, offset)?;
        }
        let range = held(self.start, &self.buffer);
        let bytes = range.and_then(|range| self.buffer.get(range));
        bytes.ok_or_else(|| LogError::damaged(self.segment.header.first, &self.segment.name, "a frame is cut off"))
    }
}

/// A frame in its place.
pub struct FrameAt<'a> {
    /// Where it is.
    pub place: FramePlace,
    /// In which file.
    pub segment: Arc<Segment>,
    /// What is in it.
    pub layout: Layout,
    /// All its bytes, the parts' too.
    pub bytes: &'a [u8],
}

/// Reads frames through all segments up to a size. Whatever is wrong or missing on the way is an error with a position.
pub struct Walk {
    segments: Arc<Vec<Arc<Segment>>>,
    number: usize,
    frames: Frames,
    next: u64,
    end: u64,
    last: Vec<u8>,
}

impl Walk {
    /// Begins with the frame at a place in the segment of this number, whose first record is `next`, and ends before
    /// record `end`. `None` when there is no such segment.
    pub fn new(
        segments: Arc<Vec<Arc<Segment>>>,
        number: usize,
        offset: u64,
        next: u64,
        end: u64,
        ahead: usize,
    ) -> Option<Self> {
        let segment = Arc::clone(segments.get(number)?);
        let frames = Frames::new(segment, offset, ahead);
        Some(Self { frames, segments, number, next, end, last: Vec::new() })
    }

    /// The position of the first record of the next frame.
    pub fn next_position(&self) -> u64 {
        self.next
    }

    /// Goes on to a later end. The segments have only become more, and what was read ahead may have been written since.
    pub fn until(&mut self, end: u64, segments: Arc<Vec<Arc<Segment>>>) {
        if end != self.end {
            self.frames.buffer.clear();
        }
        (self.end, self.segments) = (end, segments);
    }

    /// The next frame, or `None` at the end.
    pub fn next_frame(&mut self) -> Result<Option<FrameAt<'_>>, LogError> {
        let (offset, layout) = loop {
            if self.next >= self.end {
                return Ok(None);
            }
            match self.frames.next(Some(self.next))? {
                Step::Frame { offset, layout } => break (offset, layout),
                Step::End => self.cross()?,
                Step::Bad(what) => return Err(LogError::damaged(self.next, self.name(), what)),
            }
        };
        self.next = layout.end();
        let segment = Arc::clone(&self.frames.segment);
        let place = FramePlace { segment: segment.header.first, offset };
        let bytes = self.frames.frame_bytes(offset, &layout)?;
        self.last.clear();
        self.last.extend_from_slice(layout.records.last().and_then(|span| span.of(bytes)).unwrap_or(&[]));
        Ok(Some(FrameAt { place, segment, layout, bytes }))
    }

    fn cross(&mut self) -> Result<(), LogError> {
        if !self.frames.rest_is_zero()? {
            return Err(LogError::damaged(self.next, self.name(), "bytes stand where nothing was written"));
        }
        let Some(next) = self.segments.get(self.number + 1) else {
            return Err(LogError::damaged(self.next, self.name(), "the records end here"));
        };
        if next.header.first != self.next {
            let what = format!("the next file begins with record {}; those between are missing", next.header.first);
            return Err(LogError::damaged(self.next, self.name(), what));
        }
        if !self.last.is_empty() && hash(&self.last) != next.header.previous {
            return Err(LogError::damaged(self.next, &next.name, "the file does not link to the record before it"));
        }
        self.number += 1;
        self.frames = Frames::new(Arc::clone(next), HEADER, self.frames.ahead);
        Ok(())
    }

    fn name(&self) -> &str {
        &self.frames.segment.name
    }
}
