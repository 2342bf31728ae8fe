//! Sets of row numbers: two bytes a row where they are few, one bit where they are many.

/// Rows of one chunk have the same upper sixteen bits.
const CHUNK: usize = 1 << 16;
/// Words of a chunk's bits.
const WORDS: usize = CHUNK / 64;
/// From this many on, bits are the smaller form.
const FEW: usize = 4_096;

/// A set of row numbers, in order.
#[derive(Default)]
pub(crate) struct Rows {
    chunks: Vec<(u16, Chunk)>,
}

enum Chunk {
    Few(Vec<u16>),
    Many(Box<[u64]>, u32),
}

impl Rows {
    /// Adds a row; false if it was there.
    pub fn insert(&mut self, row: u32) -> bool {
        let (high, low) = split(row);
        let at = match self.chunks.binary_search_by_key(&high, |chunk| chunk.0) {
            Ok(at) => at,
            Err(at) => {
                self.chunks.reserve_exact(1 + self.chunks.len() / 4);
                self.chunks.insert(at, (high, Chunk::Few(Vec::new())));
                at
            }
        };
        self.chunks.get_mut(at).is_some_and(|(_, chunk)| chunk.insert(low))
    }

    /// Takes a row out; false if it was not there.
    pub fn remove(&mut self, row: u32) -> bool {
        let (high, low) = split(row);
        let Ok(at) = self.chunks.binary_search_by_key(&high, |chunk| chunk.0) else { return false };
        let Some((_, chunk)) = self.chunks.get_mut(at) else { return false };
        let removed = chunk.remove(low);
        if chunk.len() == 0 {
            self.chunks.remove(at);
        }
        removed
    }

    /// Whether the row is in.
    pub fn contains(&self, row: u32) -> bool {
        let (high, low) = split(row);
        // Where no chunk is missing, each stands at its own number.
        let direct = self.chunks.get(usize::from(high)).filter(|chunk| chunk.0 == high);
        let search = || self.chunks.binary_search_by_key(&high, |chunk| chunk.0).ok();
        let chunk = direct.or_else(|| self.chunks.get(search()?));
        chunk.is_some_and(|(_, chunk)| chunk.contains(low))
    }

    /// How many rows are in.
    pub fn len(&self) -> usize {
        self.chunks.iter().map(|(_, chunk)| chunk.len()).sum()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    /// All rows in order.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        self.chunks.iter().flat_map(|(high, chunk)| chunk.from(0).map(move |low| join(*high, low)))
    }

    /// The rows after this one, in order; all of them without one.
    pub fn after(&self, row: Option<u32>) -> impl Iterator<Item = u32> + '_ {
        let from = row.map_or(Some(0), |row| row.checked_add(1));
        let (high, low) = split(from.unwrap_or(u32::MAX));
        let first = self.chunks.partition_point(|chunk| chunk.0 < high);
        let chunks = self.chunks.iter().skip(first).filter(move |_| from.is_some());
        chunks.flat_map(move |(at, chunk)| {
            let from = if *at == high { low } else { 0 };
            chunk.from(from).map(move |low| join(*at, low))
        })
    }

    /// The rows before this one, the nearest first; all of them, the last first, without one.
    pub fn before(&self, row: Option<u32>) -> impl Iterator<Item = u32> + '_ {
        let to = row.map_or(Some(u32::MAX), |row| row.checked_sub(1));
        let (high, low) = split(to.unwrap_or(0));
        let end = self.chunks.partition_point(|chunk| chunk.0 <= high);
        let chunks = self.chunks.iter().take(end).rev().filter(move |_| to.is_some());
        chunks.flat_map(move |(at, chunk)| {
            let to = if *at == high { low } else { u16::MAX };
            chunk.back(to).map(move |low| join(*at, low))
        })
    }

    /// Puts all rows into bits.
    pub fn mark(&self, bits: &mut Bits) {
        for (high, chunk) in &self.chunks {
            let start = usize::from(*high) * WORDS;
            match chunk {
                Chunk::Few(rows) => rows.iter().for_each(|low| bits.set(join(*high, *low))),
                Chunk::Many(words, _) => {
                    let into = bits.words.iter_mut().skip(start);
                    into.zip(words.iter()).for_each(|(into, word)| *into |= word);
                }
            }
        }
    }
}

impl Chunk {
    fn len(&self) -> usize {
        match self {
            Self::Few(rows) => rows.len(),
            Self::Many(_, count) => *count as usize,
        }
    }

    fn contains(&self, low: u16) -> bool {
        match self {
            Self::Few(rows) => rows.binary_search(&low).is_ok(),
            Self::Many(words, _) => words.get(usize::from(low) / 64).is_some_and(|word| word >> (low % 64) & 1 == 1),
        }
    }

    fn insert(&mut self, low: u16) -> bool {
        match self {
            Self::Few(rows) => {
                let Err(at) = rows.binary_search(&low) else { return false };
                rows.insert(at, low);
                if rows.len() > FEW {
                    let mut words = vec![0; WORDS].into_boxed_slice();
                    for low in rows.iter() {
                        flip(&mut words, *low, true);
                    }
                    *self = Self::Many(words, FEW as u32 + 1);
                }
                true
            }
            Self::Many(words, count) => {
                let new = flip(words, low, true);
                *count += u32::from(new);
                new
            }
        }
    }

    /// Becomes few again at half of what makes it many, so that it does not go to and fro.
    fn remove(&mut self, low: u16) -> bool {
        match self {
            Self::Few(rows) => {
                let found = rows.binary_search(&low);
                found.map(|at| rows.remove(at)).is_ok()
            }
            Self::Many(words, count) => {
                let gone = flip(words, low, false);
                *count -= u32::from(gone);
                if (*count as usize) < FEW / 2 {
                    let rows = self.from(0).collect();
                    *self = Self::Few(rows);
                }
                gone
            }
        }
    }

    fn from(&self, low: u16) -> Box<dyn Iterator<Item = u16> + '_> {
        match self {
            Self::Few(rows) => {
                let start = rows.partition_point(|row| *row < low);
                Box::new(rows.iter().skip(start).copied())
            }
            Self::Many(words, _) => {
                let first = usize::from(low) / 64;
                let mask = u64::MAX << (low % 64);
                Box::new(words.iter().enumerate().skip(first).flat_map(move |(at, word)| {
                    let word = if at == first { word & mask } else { *word };
                    ones(word).map(move |bit| (at * 64) as u16 + bit)
                }))
            }
        }
    }

    fn back(&self, low: u16) -> Box<dyn Iterator<Item = u16> + '_> {
        match self {
            Self::Few(rows) => {
                let end = rows.partition_point(|row| *row <= low);
                Box::new(rows.iter().take(end).rev().copied())
            }
            Self::Many(words, _) => {
                let last = usize::from(low) / 64;
                let mask = u64::MAX >> (63 - low % 64);
                Box::new(words.iter().enumerate().take(last + 1).rev().flat_map(move |(at, word)| {
                    let word = if at == last { word & mask } else { *word };
                    ones_back(word).map(move |bit| (at * 64) as u16 + bit)
                }))
            }
        }
    }
}

/// One bit a row, made for one question.
pub(crate) struct Bits {
    words: Vec<u64>,
}

impl Bits {
    /// No row of so many.
    pub fn none(rows: usize) -> Self {
        Self { words: vec![0; rows.div_ceil(CHUNK) * WORDS] }
    }

    /// Puts a row in.
    pub fn set(&mut self, row: u32) {
        if let Some(word) = self.words.get_mut(row as usize / 64) {
            *word |= 1 << (row % 64);
        }
    }

    /// Whether a row is in.
    pub fn has(&self, row: u32) -> bool {
        self.words.get(row as usize / 64).is_some_and(|word| word >> (row % 64) & 1 == 1)
    }

    /// Leaves only what is in both.
    pub fn and(&mut self, other: &Self) {
        self.words.iter_mut().zip(&other.words).for_each(|(word, other)| *word &= other);
    }

    /// Takes in what is in the other.
    pub fn or(&mut self, other: &Self) {
        self.words.iter_mut().zip(&other.words).for_each(|(word, other)| *word |= other);
    }

    /// How many rows are in.
    pub fn len(&self) -> usize {
        self.words.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// All rows in order.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        let words = self.words.iter().enumerate();
        words.flat_map(|(at, word)| ones(*word).map(move |bit| (at * 64) as u32 + u32::from(bit)))
    }
}

fn split(row: u32) -> (u16, u16) {
    ((row >> 16) as u16, row as u16)
}

fn join(high: u16, low: u16) -> u32 {
    u32::from(high) << 16 | u32::from(low)
}

/// Sets or clears a bit; whether that changed it.
fn flip(words: &mut [u64], low: u16, on: bool) -> bool {
    let Some(word) = words.get_mut(usize::from(low) / 64) else { return false };
    let bit = 1 << (low % 64);
    let was = *word & bit != 0;
    if on {
        *word |= bit
    } else {
        *word &= !bit
    }
    was != on
}

fn ones(mut word: u64) -> impl Iterator<Item = u16> {
    std::iter::from_fn(move || {
        let bit = (word != 0).then(|| word.trailing_zeros() as u16)?;
        word &= word - 1;
        Some(bit)
    })
}

fn ones_back(mut word: u64) -> impl Iterator<Item = u16> {
    std::iter::from_fn(move || {
        let bit = (word != 0).then(|| 63 - word.leading_zeros() as u16)?;
        word &= !(1 << bit);
        Some(bit)
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Small steps make many rows in a chunk, large ones few, so both forms are walked.
    fn filled(steps: &[u32]) -> (Rows, BTreeSet<u32>) {
        let (mut rows, mut model) = (Rows::default(), BTreeSet::new());
        for step in steps {
            for n in 0..20_000_u32 {
                let row = n.wrapping_mul(*step) % 400_000;
                assert_eq!(rows.insert(row), model.insert(row));
            }
        }
        (rows, model)
    }

    #[test]
    fn a_set_of_rows_is_a_set() {
        for steps in [&[1][..], &[17], &[3, 12_345]] {
            let (mut rows, mut model) = filled(steps);
            assert_eq!(rows.len(), model.len());
            assert!(rows.iter().eq(model.iter().copied()));
            for row in (0..400_000).step_by(7) {
                assert_eq!(rows.contains(row), model.contains(&row));
                assert_eq!(rows.remove(row), model.remove(&row));
            }
            assert!(rows.iter().eq(model.iter().copied()));
            for row in 0..400_000 {
                rows.remove(row);
            }
            assert!(rows.is_empty());
        }
    }

    #[test]
    fn rows_are_walked_from_any_place_both_ways() {
        let (rows, model) = filled(&[1, 12_345]);
        for place in [0, 1, 63, 64, 19_999, 20_000, 65_535, 65_536, 131_071, 399_999, u32::MAX] {
            assert!(rows.after(Some(place)).eq(model.iter().copied().filter(|row| *row > place)), "after {place}");
            assert!(
                rows.before(Some(place)).eq(model.iter().rev().copied().filter(|row| *row < place)),
                "before {place}"
            );
        }
        assert!(rows.after(None).eq(model.iter().copied()));
        assert!(rows.before(None).eq(model.iter().rev().copied()));
    }

    #[test]
    fn bits_hold_what_two_sets_share() {
        let (rows, model) = filled(&[3]);
        let (mut all, mut even) = (Bits::none(400_000), Bits::none(400_000));
        rows.mark(&mut all);
        (0..400_000).step_by(2).for_each(|row| even.set(row));
        all.and(&even);
        let both: Vec<u32> = model.into_iter().filter(|row| row % 2 == 0).collect();
        assert_eq!(all.len(), both.len());
        assert!(all.iter().eq(both.iter().copied()));
        assert!(both.iter().all(|row| all.has(*row)) && !all.has(1));
    }
}
