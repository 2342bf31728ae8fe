//! The maps in memory: which records a stream has, which records have parts under a key, where a command's records are.
//! They are made from rows in order without a gap, and only therefore is a miss an answer.
//!
//! Positions are 32 bits here, so one embedded log holds at most 4,294,967,295 records; lists of up to three positions
//! stand in the table itself. Tables are split by the first byte of the id, which is random, so none is ever large enough
//! for its growth to be felt by the writer.

use std::collections::VecDeque;

use domain::id::{CommandId, KeyId};
use domain::time::Time;

use super::row::Row;
use super::{CommandPlace, Counts, StreamHead};
use crate::ids::IdMap;
use crate::record::Hash;

/// How many records these maps can count.
pub const FULL: u64 = u32::MAX as u64;

/// Positions in order.
#[derive(Clone, Debug)]
enum Positions {
    Few(u8, [u32; 3]),
    #[allow(clippy::box_collection, reason = "the box keeps the common, short list at 16 bytes")]
    Many(Box<Vec<u32>>),
}

impl Positions {
    fn as_slice(&self) -> &[u32] {
        match self {
            Self::Few(count, few) => few.get(..usize::from(*count)).unwrap_or(few),
            Self::Many(many) => many,
        }
    }

    fn push(&mut self, position: u32) {
        match self {
            Self::Few(count, few) => match few.get_mut(usize::from(*count)) {
                Some(place) => (*place, *count) = (position, *count + 1),
                None => *self = Self::Many(Box::new(few.iter().copied().chain([position]).collect())),
            },
            Self::Many(many) => many.push(position),
        }
    }
}

impl Default for Positions {
    fn default() -> Self {
        Self::Few(0, [0; 3])
    }
}

/// One table for each first byte of an id.
#[derive(Debug)]
struct Split<V> {
    tables: Vec<IdMap<[u8; 16], V>>,
    seldom: IdMap<[u8; 16], V>,
}

impl<V> Split<V> {
    fn new() -> Self {
        Self { tables: (0..256).map(|_| IdMap::default()).collect(), seldom: IdMap::default() }
    }

    fn table(&mut self, id: &[u8; 16]) -> &mut IdMap<[u8; 16], V> {
        let [first, ..] = id;
        self.tables.get_mut(usize::from(*first)).unwrap_or(&mut self.seldom)
    }

    fn get(&self, id: &[u8; 16]) -> Option<&V> {
        let [first, ..] = id;
        self.tables.get(usize::from(*first)).unwrap_or(&self.seldom).get(id)
    }

    fn len(&self) -> u64 {
        self.tables.iter().map(|table| table.len() as u64).sum()
    }
}

#[derive(Debug, Default)]
struct StreamRecords {
    positions: Positions,
    hash: Hash,
}

/// All three maps.
#[derive(Debug)]
pub struct Maps {
    next: u64,
    streams: Split<StreamRecords>,
    keys: Split<Positions>,
    commands: Commands,
}

/// A row does not go on where the ones before it ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Gap {
    /// Its position is not the next.
    #[error("record {0} is missing")]
    Position(u64),
    /// Its revision is not the next in its stream.
    #[error("record {0} does not have the next revision of its stream")]
    Revision(u64),
}

impl Maps {
    /// Of an empty log. Commands stay for `window_ms` of records, and up to an eighth of it longer.
    pub fn new(window_ms: i64) -> Self {
        Self { next: 0, streams: Split::new(), keys: Split::new(), commands: Commands::new(window_ms) }
    }

    /// The position of the row that comes next.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// Takes the next row.
    pub fn take(&mut self, row: &Row) -> Result<(), Gap> {
        let position = u32::try_from(row.position).map_err(|_| Gap::Position(row.position))?;
        if row.position != self.next {
            return Err(Gap::Position(self.next));
        }
        let stream = self.streams.table(&row.stream).entry(row.stream).or_default();
        if stream.positions.as_slice().len() as u64 != row.revision {
            return Err(Gap::Revision(row.position));
        }
        stream.positions.push(position);
        stream.hash = row.hash;
        for part in &row.parts {
            let positions = self.keys.table(&part.key.0).entry(part.key.0).or_default();
            if positions.as_slice().last() != Some(&position) {
                positions.push(position);
            }
        }
        if row.index == 0 {
            self.commands.take(row.command, position, row.count, row.recorded_at);
        }
        self.next += 1;
        Ok(())
    }

    /// Where a stream stands.
    pub fn stream_head(&self, stream: &[u8; 16]) -> Option<StreamHead> {
        let records = self.streams.get(stream)?;
        let positions = records.positions.as_slice();
        let revision = (positions.len() as u64).checked_sub(1)?;
        Some(StreamHead { revision, position: u64::from(*positions.last()?), hash: records.hash })
    }

    /// The positions of a stream's records from a revision on.
    pub fn stream(&self, stream: &[u8; 16], from: u64) -> Vec<u64> {
        let positions = self.streams.get(stream).map(|records| records.positions.as_slice());
        let from = usize::try_from(from).unwrap_or(usize::MAX);
        positions.and_then(|positions| positions.get(from..)).unwrap_or(&[]).iter().map(|at| u64::from(*at)).collect()
    }

    /// The positions of the records that have a part under a key.
    pub fn key(&self, key: &KeyId) -> Vec<u64> {
        let positions = self.keys.get(&key.0).map_or(&[][..], Positions::as_slice);
        positions.iter().map(|at| u64::from(*at)).collect()
    }

    /// The last record with a part under a key.
    pub fn last_of_key(&self, key: &KeyId) -> Option<u64> {
        self.keys.get(&key.0)?.as_slice().last().map(|at| u64::from(*at))
    }

    /// Where a command's records are.
    pub fn command(&self, command: &CommandId) -> Option<CommandPlace> {
        self.commands.get(command)
    }

    /// How much there is.
    pub fn counts(&self) -> Counts {
        Counts { streams: self.streams.len(), keys: self.keys.len(), commands: self.commands.len() }
    }
}

/// Command ids by the eighth of the window that they fall in; what is too old goes as a whole.
#[derive(Debug)]
struct Commands {
    eighth_ms: i64,
    eighths: VecDeque<(i64, Split<(u32, u16)>)>,
}

impl Commands {
    fn new(window_ms: i64) -> Self {
        Self { eighth_ms: (window_ms / 8).max(1), eighths: VecDeque::new() }
    }

    fn take(&mut self, command: CommandId, position: u32, count: u16, recorded_at: Time) {
        let eighth = recorded_at.0.div_euclid(self.eighth_ms);
        while self.eighths.front().is_some_and(|(oldest, _)| *oldest < eighth - 8) {
            self.eighths.pop_front();
        }
        if self.eighths.back().is_none_or(|(latest, _)| *latest < eighth) {
            self.eighths.push_back((eighth, Split::new()));
        }
        if let Some((_, commands)) = self.eighths.back_mut() {
            commands.table(&command.0).insert(command.0, (position, count));
        }
    }

    fn get(&self, command: &CommandId) -> Option<CommandPlace> {
        let found = self.eighths.iter().rev().find_map(|(_, commands)| commands.get(&command.0));
        found.map(|(first, count)| CommandPlace { first: u64::from(*first), count: *count })
    }

    fn len(&self) -> u64 {
        self.eighths.iter().map(|(_, commands)| commands.len()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_list_takes_16_bytes_and_a_long_one_keeps_its_order() {
        assert_eq!(size_of::<Positions>(), 16);
        let mut positions = Positions::default();
        for position in 0..100 {
            assert_eq!(positions.as_slice(), (0..position).collect::<Vec<_>>());
            positions.push(position);
        }
    }

    #[test]
    fn commands_stay_for_the_whole_window_and_not_much_longer() {
        let mut commands = Commands::new(800);
        for position in 0..40 {
            let at = i64::from(position) * 50;
            commands.take(CommandId([position as u8; 16]), position, 1, Time(at));
            for old in 0..=position {
                let age = at - i64::from(old) * 50;
                let known = commands.get(&CommandId([old as u8; 16])).is_some();
                assert!(known || age > 800, "gone after {age} ms");
                assert!(!known || age <= 900, "still there after {age} ms");
            }
        }
    }
}
