//! The roots of the map of stream heads that a log names, each made again from the records before it. A root nobody made
//! again is the operator's word, and so is every proof under it.

use events::chain::StreamHead;
use events::map::{Lagging, MAP_LAG};
use events::record::Hash;

/// What a `log.map` says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Named {
    pub(crate) size: u64,
    pub(crate) streams: u64,
    pub(crate) root: Hash,
}

/// The map roots that a whole log names and that its records have.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct MapRoots {
    /// How many.
    pub count: u64,
    /// The size that the last one is of: up to there a proof of where a stream ends, or that there is none, can be believed.
    pub size: u64,
}

/// What is wrong with a map root that a log names.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum WrongMap {
    /// It is of records that come later.
    #[error("its map is of {0} records, which is more than come before it")]
    Ahead(u64),
    /// It comes too late for a reader that keeps the steps it may.
    #[error("its map is of {0} records, which is more than {MAP_LAG} behind it")]
    Late(u64),
    /// It does not go on from the one before.
    #[error("its map is of {size} records, and the one before was of {before}")]
    Order {
        /// How many it is of.
        size: u64,
        /// How many the one before was of.
        before: u64,
    },
    /// There are other streams.
    #[error("its map has {named} streams, where the first {size} records have {found}")]
    Streams {
        /// How many records it is of.
        size: u64,
        /// What it says.
        named: u64,
        /// What there is.
        found: u64,
    },
    /// The heads are others.
    #[error("its map root is not that of the first {0} records")]
    Root(u64),
}

/// Follows the log, a step behind the chain.
#[derive(Default)]
pub(crate) struct Maps {
    lagging: Lagging,
    confirmed: MapRoots,
}

impl Maps {
    /// Makes the root again that the record behind all those taken names.
    pub(crate) fn confirm(&mut self, named: Named) -> Result<(), WrongMap> {
        let Named { size, streams, root } = named;
        let (position, before) = (self.lagging.pushed(), self.confirmed.size);
        if size > position {
            return Err(WrongMap::Ahead(size));
        }
        if size <= before {
            return Err(WrongMap::Order { size, before });
        }
        // Neither ahead nor behind the last one: then it is older than the steps that are kept.
        let made = self.lagging.advance_to(size).map_err(|_| WrongMap::Late(size))?;
        let found = self.lagging.map().len();
        if streams != found {
            return Err(WrongMap::Streams { size, named: streams, found });
        }
        if root != made {
            return Err(WrongMap::Root(size));
        }
        self.confirmed = MapRoots { count: self.confirmed.count + 1, size };
        Ok(())
    }

    /// The head of a record's stream behind it: of every record, in order.
    pub(crate) fn take(&mut self, head: StreamHead) {
        self.lagging.push(head);
    }

    /// What was confirmed.
    pub(crate) fn confirmed(&self) -> MapRoots {
        self.confirmed
    }
}

#[cfg(test)]
mod tests {
    use domain::event::{Stream, StreamKind};
    use events::map::StreamMap;

    use super::*;

    /// One of seven streams in turn.
    fn step(position: u64) -> StreamHead {
        let stream = Stream { kind: StreamKind::Ticket, id: [position as u8 % 7; 16] };
        StreamHead { stream, count: position / 7 + 1, hash: [position as u8; 32] }
    }

    fn behind(records: u64) -> Maps {
        let mut maps = Maps::default();
        (0..records).for_each(|position| maps.take(step(position)));
        maps
    }

    fn honest(size: u64) -> Named {
        let mut map = StreamMap::new();
        (0..size).for_each(|position| map.put(&step(position)));
        Named { size, streams: map.len(), root: map.root() }
    }

    #[test]
    fn honest_roots_are_confirmed_and_counted() {
        let mut maps = behind(20);
        assert_eq!(maps.confirm(honest(3)), Ok(()));
        assert_eq!(maps.confirm(honest(20)), Ok(()), "a map may be of all records before it");
        assert_eq!(maps.confirmed(), MapRoots { count: 2, size: 20 });
    }

    #[test]
    fn what_breaks_a_rule_is_named_and_confirms_nothing() {
        let mut maps = behind(20);
        maps.confirm(honest(5)).unwrap();
        let wrong_root = Named { root: [7; 32], ..honest(9) };
        let wrong_count = Named { streams: 6, ..honest(9) };
        for (named, wrong) in [
            (honest(21), WrongMap::Ahead(21)),
            (honest(5), WrongMap::Order { size: 5, before: 5 }),
            (honest(4), WrongMap::Order { size: 4, before: 5 }),
            (wrong_count, WrongMap::Streams { size: 9, named: 6, found: 7 }),
            (wrong_root, WrongMap::Root(9)),
        ] {
            assert_eq!(maps.confirm(named), Err(wrong));
        }
        assert_eq!(maps.confirmed(), MapRoots { count: 1, size: 5 });
    }

    #[test]
    fn a_map_of_nothing_is_none() {
        assert_eq!(behind(3).confirm(honest(0)), Err(WrongMap::Order { size: 0, before: 0 }));
    }

    #[test]
    fn a_map_may_be_as_late_as_the_format_says_and_no_later() {
        assert_eq!(behind(MAP_LAG + 3).confirm(honest(3)), Ok(()));
        assert_eq!(behind(MAP_LAG + 4).confirm(honest(3)), Err(WrongMap::Late(3)));
    }
}
