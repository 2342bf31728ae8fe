//! Where a journal ends: found from its last segments, at open. A frame that was being written when the power went is torn,
//! and cut; everything else that is wrong is damage.

use std::sync::Arc;

use super::frame::{self, Layout, Sums};
use super::segment::{HEADER, Segment};
use super::walk::{AHEAD, Frames, Step};
use super::{Head, LogError, PartBytes};
use crate::record::{NO_HASH, Record, hash};

/// A last frame that never became whole, so nobody was ever told that it is durable.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Torn {
    /// The position its first record would have had.
    pub position: u64,
    /// Where it begins in the last segment, in bytes.
    pub offset: u64,
    /// How many bytes of it, or of what is left of it, there are.
    pub bytes: u64,
}

/// The end of a journal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct End {
    /// What is whole.
    pub head: Head,
    /// Where the next frame goes in the last segment.
    pub offset: u64,
    /// Where the last frame begins in it, if it has one.
    pub last: Option<u64>,
    /// What was found there.
    pub torn: Option<Torn>,
}

/// Finds the end. Below `floor`, the size that the head mark remembers, nothing counts as torn.
pub fn find_end(segments: &[Arc<Segment>], floor: u64) -> Result<End, LogError> {
    let Some((last, before)) = segments.split_last() else { return Err(LogError::NotFound) };
    let mut tail = Tail::read(last)?;
    let rest = rest(last, tail.offset)?;
    let written = rest.iter().rposition(|byte| *byte != 0).map_or(0, |last| last as u64 + 1);
    let mut torn = (written > 0).then_some(Torn { position: tail.next, offset: tail.offset, bytes: written });
    if torn.is_some() {
        let why = tail.bad.take().unwrap_or_else(|| "bytes stand where nothing was written".to_owned());
        if tail.next < floor || later_frame(&rest, &last.sums, tail.next) {
            return Err(LogError::damaged(tail.next, &last.name, why));
        }
    } else if let Some(bytes) = tail.drop_torn(last, floor)? {
        torn = Some(Torn { position: tail.next, offset: tail.offset, bytes });
    }
    if tail.next < floor {
        return Err(LogError::Behind { size: tail.next, marked: floor });
    }
    let head = match &tail.last {
        Some((offset, layout)) => head_of(last, *offset, layout)?,
        None => head_before(last, before)?,
    };
    let last = tail.last.map(|(offset, _)| offset.into());
    Ok(End { head, offset: tail.offset, last, torn })
}

/// What the frames of one segment come to.
struct Tail {
    next: u64,
    offset: u64,
    last: Option<(u32, Layout)>,
    before_last: Option<(u32, Layout)>,
    bad: Option<String>,
}

impl Tail {
    fn read(segment: &Arc<Segment>) -> Result<Self, LogError> {
        let mut frames = Frames::new(Arc::clone(segment), HEADER, AHEAD);
        let mut tail = Self { next: segment.header.first, offset: HEADER, last: None, before_last: None, bad: None };
        loop {
            match frames.next(Some(tail.next))? {
                Step::Frame { offset, layout } => {
                    (tail.next, tail.offset) = (layout.end(), frames.offset());
                    tail.before_last = tail.last.replace((offset, layout));
                }
                Step::End => return Ok(tail),
                Step::Bad(what) => {
                    tail.bad = Some(what);
                    return Ok(tail);
                }
            }
        }
    }

    /// The head of the last frame may be whole and its parts not. Swept parts are not torn: whoever sweeps has the head
    /// mark synced first. Gives the bytes that are dropped.
    fn drop_torn(&mut self, segment: &Segment, floor: u64) -> Result<Option<u64>, LogError> {
        let Some((offset, layout)) = self.last.take_if(|(_, layout)| layout.first >= floor) else { return Ok(None) };
        for part in &layout.parts {
            let mut bytes = vec![0; part.span.length as usize];
            segment.read_at(&mut bytes, u64::from(offset) + u64::from(part.span.offset))?;
            if !matches!(segment.sums.judge(bytes, &part.sum), PartBytes::Present(_)) {
                (self.next, self.offset) = (layout.first, offset.into());
                self.last = self.before_last.take();
                return Ok(Some(layout.length));
            }
        }
        self.last = Some((offset, layout));
        Ok(None)
    }
}

fn rest(segment: &Segment, offset: u64) -> Result<Vec<u8>, LogError> {
    let mut bytes = vec![0; usize::try_from(segment.header.size.saturating_sub(offset)).unwrap_or(0)];
    segment.read_at(&mut bytes, offset)?;
    Ok(bytes)
}

/// Whether a whole frame stands somewhere behind a bad one. Only one frame is ever under way, so then the bad one was whole.
fn later_frame(rest: &[u8], sums: &Sums, expected: u64) -> bool {
    let starts = rest.windows(frame::MAGIC.len()).enumerate().skip(1).filter(|(_, bytes)| *bytes == frame::MAGIC);
    starts.into_iter().any(|(at, _)| {
        let found = rest.get(at..).map(|bytes| frame::read(bytes, sums));
        matches!(found, Some(Ok(layout)) if layout.first > expected)
    })
}

fn head_of(segment: &Segment, offset: u32, layout: &Layout) -> Result<Head, LogError> {
    let position = layout.end().saturating_sub(1);
    let span = layout.records.last().copied().unwrap_or_default();
    let mut bytes = vec![0; span.length as usize];
    segment.read_at(&mut bytes, u64::from(offset) + u64::from(span.offset))?;
    let record = Record::parse(&bytes).map_err(|source| LogError::Malformed { position, source })?;
    if record.position != position {
        return Err(LogError::damaged(position, &segment.name, format!("record {} is in its place", record.position)));
    }
    if record.log != segment.header.log {
        return Err(LogError::damaged(position, &segment.name, "it is of another log than its file"));
    }
    if record.index + 1 != record.count {
        return Err(LogError::damaged(position, &segment.name, "it is not the last record of its command"));
    }
    Ok(Head { size: layout.end(), hash: hash(&bytes), recorded_at: record.recorded_at })
}

/// The head of a journal whose last segment has no frame yet.
fn head_before(last: &Segment, before: &[Arc<Segment>]) -> Result<Head, LogError> {
    let first = last.header.first;
    let Some(segment) = before.last() else {
        let whole = first == 0 && last.header.previous == NO_HASH;
        return if whole {
            Ok(Head::EMPTY)
        } else {
            Err(LogError::damaged(0, &last.name, "files are missing before it"))
        };
    };
    let tail = Tail::read(segment)?;
    let Some((offset, layout)) = tail.last.filter(|_| tail.next == first && tail.bad.is_none()) else {
        let what = tail.bad.unwrap_or_else(|| format!("the next file begins with record {first}"));
        return Err(LogError::damaged(tail.next, &segment.name, what));
    };
    let head = head_of(segment, offset, &layout)?;
    if head.hash != last.header.previous {
        return Err(LogError::damaged(first, &last.name, "the file does not link to the record before it"));
    }
    Ok(head)
}
