//! Where sealed parts are that were resealed: a map folded from the facts of `case.resealed`, and how a reader follows it.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use domain::id::{ErasureId, KeyId};
use domain::personal::Gone;
use domain::subject::redaction::{PartOf, Resealed};

use super::read::{Fault, Unreadable};
use crate::ids::IdMap;
use crate::log::{Entry, Log, LogError, PartPlace};
use crate::record::Record;

/// Where a part is since it was resealed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Now {
    /// The record that moved it.
    pub position: u64,
    /// Its number there; none where it went with the old key.
    pub part: Option<u16>,
    /// The key it is under there.
    pub key: Option<KeyId>,
}

/// Every part that was moved, by the record that it was made for.
#[derive(Default)]
pub(super) struct Moves {
    /// Each place that a part was moved to, in their order: the last is not durable yet while it is written, and until then
    /// the part is read where it was before.
    now: HashMap<PartPlace, Vec<Now>>,
    origins: HashMap<PartPlace, PartPlace>,
    by_key: IdMap<KeyId, Vec<PartPlace>>,
    /// Everything that a redaction touched.
    touched: HashMap<ErasureId, Vec<PartPlace>>,
    /// The leaves that a part lost.
    gone: HashMap<PartPlace, Vec<u32>>,
}

impl Moves {
    /// Takes a record that stands at this position.
    pub fn take(&mut self, position: u64, redaction: ErasureId, to: Option<KeyId>, resealed: &Resealed) {
        let touched = resealed.moved.iter().map(|moved| moved.of).chain(resealed.dropped.iter().copied());
        self.touched.entry(redaction).or_default().extend(touched.map(place));
        for (number, moved) in (0..).zip(&resealed.moved) {
            let origin = place(moved.of);
            self.now.entry(origin).or_default().push(Now { position, part: Some(number), key: to });
            if !moved.gone.is_empty() {
                self.gone.entry(origin).or_default().extend(&moved.gone);
            }
            self.origins.insert(PartPlace { position, part: number }, origin);
            to.into_iter().for_each(|to| self.by_key.entry(to).or_default().push(origin));
        }
        for dropped in &resealed.dropped {
            self.now.entry(place(*dropped)).or_default().push(Now { position, part: None, key: None });
        }
    }

    /// Where a part of a record is by what stands before a position, if it was moved or left behind.
    pub fn now(&self, origin: &PartPlace, before: u64) -> Option<Now> {
        self.now.get(origin)?.iter().rev().find(|now| now.position < before).copied()
    }

    /// The part of which record this is: itself, where it was never moved.
    pub fn origin(&self, place: PartPlace) -> PartPlace {
        self.origins.get(&place).copied().unwrap_or(place)
    }

    /// What was moved to a key, by the records that it was made for.
    pub fn under(&self, key: &KeyId) -> &[PartPlace] {
        self.by_key.get(key).map_or(&[], Vec::as_slice)
    }

    /// What a redaction moved or left behind, by the records that it was made for.
    pub fn touched(&self, redaction: ErasureId) -> &[PartPlace] {
        self.touched.get(&redaction).map_or(&[], Vec::as_slice)
    }

    /// The leaves that a part lost, by their numbers.
    pub fn gone(&self, origin: &PartPlace) -> &[u32] {
        self.gone.get(origin).map_or(&[], Vec::as_slice)
    }

    /// Whether nothing was ever moved.
    pub fn is_empty(&self) -> bool {
        self.now.is_empty()
    }
}

/// The same place in the words of the log.
pub(super) fn place(of: PartOf) -> PartPlace {
    PartPlace { position: of.position, part: u16::try_from(of.part).unwrap_or(u16::MAX) }
}

/// Where a part is by what stands before a position, as somebody knows it.
pub type Find<'a> = dyn Fn(&PartPlace, u64) -> Option<Now> + 'a;

/// The record and the number of the part that one was moved to, or why it is gone.
pub(crate) type Found = Result<(Arc<Entry>, u16), Gone>;

/// Leads a reader from a part to where it is by now. It keeps the last record it was led to: what one redaction moved stands
/// together.
pub(crate) struct Led<'a> {
    log: &'a dyn Log,
    find: &'a Find<'a>,
    last: RefCell<Option<(u64, Arc<Entry>)>>,
}

impl<'a> Led<'a> {
    /// By a map, in a log.
    pub fn new(log: &'a dyn Log, find: &'a Find<'a>) -> Self {
        Self { log, find, last: RefCell::default() }
    }

    /// The record and the number of the part that this one was moved to, or that it was left behind. What is not durable yet
    /// has not happened.
    pub fn to(&self, origin: &PartPlace) -> Result<Option<Found>, Fault> {
        let Some(now) = (self.find)(origin, self.log.head().size) else { return Ok(None) };
        let Some(part) = now.part else { return Ok(Some(Err(Gone::Erased))) };
        let mut last = self.last.borrow_mut();
        if let Some((_, entry)) = last.as_ref().filter(|(position, _)| *position == now.position) {
            return Ok(Some(Ok((entry.clone(), part))));
        }
        let entry = Arc::new(self.log.record(now.position)?.ok_or(Fault::Parts)?);
        *last = Some((now.position, entry.clone()));
        Ok(Some(Ok((entry, part))))
    }
}

/// The streams of the records at these places, sorted.
pub(super) fn streams(log: &dyn Log, places: &[PartPlace]) -> Result<Vec<[u8; 16]>, Unreadable> {
    let mut streams = Vec::new();
    for place in places {
        let unreadable = |fault| Unreadable { position: place.position, fault };
        let failed = |failed: LogError| unreadable(failed.into());
        let entry = log.record(place.position).map_err(failed)?.ok_or_else(|| unreadable(Fault::Parts))?;
        streams.push(Record::parse(&entry.record).map_err(|bad| unreadable(bad.into()))?.stream.id);
    }
    streams.sort_unstable();
    streams.dedup();
    Ok(streams)
}

#[cfg(test)]
mod tests {
    use domain::subject::redaction::Moved;

    use super::*;

    fn of(position: u64) -> PartOf {
        PartOf { position, part: 0 }
    }

    #[test]
    fn what_was_moved_twice_is_where_it_was_moved_last() {
        let mut moves = Moves::default();
        let moved = |positions: &[u64]| {
            let moved = positions.iter().map(|position| Moved { of: of(*position), gone: vec![5] });
            Resealed { moved: moved.collect(), dropped: vec![] }
        };
        moves.take(10, ErasureId([1; 16]), Some(KeyId([1; 16])), &moved(&[3, 4]));
        moves.take(20, ErasureId([2; 16]), Some(KeyId([2; 16])), &Resealed { dropped: vec![of(3)], ..moved(&[4]) });
        let at = |position, part| PartPlace { position, part };
        let first = |part| Some(Now { position: 10, part: Some(part), key: Some(KeyId([1; 16])) });
        assert_eq!([10, 11, 20].map(|before| moves.now(&at(4, 0), before)), [None, first(1), first(1)]);
        assert_eq!(moves.now(&at(4, 0), 21), Some(Now { position: 20, part: Some(0), key: Some(KeyId([2; 16])) }));
        assert_eq!(moves.now(&at(3, 0), 20), first(0));
        assert_eq!(moves.now(&at(3, 0), 21), Some(Now { position: 20, part: None, key: None }));
        assert_eq!((moves.origin(at(10, 1)), moves.origin(at(20, 0))), (at(4, 0), at(4, 0)));
        assert_eq!(moves.origin(at(5, 0)), at(5, 0), "never moved");
        assert_eq!(moves.under(&KeyId([2; 16])), [at(4, 0)]);
        assert_eq!(moves.touched(ErasureId([2; 16])), [at(4, 0), at(3, 0)]);
        assert_eq!((moves.gone(&at(4, 0)), moves.gone(&at(5, 0))), (&[5, 5][..], &[][..]));
    }
}
