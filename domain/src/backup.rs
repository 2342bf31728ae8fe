//! Backups: that one was made, where it lies, and until when it is kept. What an erasure destroys is still sealed in the
//! backups from before it, so a certificate names the day on which the last of them runs out.

use std::fmt;
use std::str::FromStr;

use crate::id::BackupId;
use crate::limits::REGION_CHARS;
use crate::time::Day;

/// Where a backup lies, as its operator calls it (`eu-central-1`, `de-bunker`): lower-case letters, digits and hyphens.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Region(Box<str>);

/// A text that names no region.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("a region is named with lower-case letters, digits and hyphens, at most {REGION_CHARS} of them")]
pub struct NotARegion;

/// One run of a backup.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BackedUp {
    /// Which backup: every run into the same place has the same id.
    pub backup: BackupId,
    /// How many records it has.
    pub size: u64,
    /// How many records the run had that lay there; 0 for none. Every earlier one was gone by then.
    pub replaces: u64,
    /// Where it lies.
    pub region: Option<Region>,
    /// The last day on which it is kept.
    pub until: Day,
}

/// All runs that may still be kept.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Backups {
    runs: Vec<BackedUp>,
}

impl Region {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Region {
    type Err = NotARegion;

    fn from_str(text: &str) -> Result<Self, NotARegion> {
        let plain = text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'));
        if plain && (1..=REGION_CHARS).contains(&text.len()) { Ok(Self(text.into())) } else { Err(NotARegion) }
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Backups {
    /// Takes a run, behind those that were recorded before it. The record stands before the run counts, so the one that lay
    /// there may still be the one that is kept.
    pub fn take(&mut self, run: BackedUp) {
        self.runs.retain(|old| old.backup != run.backup || old.size >= run.replaces);
        self.runs.push(run);
    }

    /// Those that were taken of no more than so many records, oldest first: what was sealed below that position may stand in
    /// them, whatever became of it since.
    pub fn taken_before(&self, position: u64) -> impl Iterator<Item = &BackedUp> {
        self.runs.iter().filter(move |run| run.size <= position)
    }

    /// The latest day until which a backup from before a position is kept; nothing where there was none.
    pub fn kept_until(&self, position: u64) -> Option<Day> {
        self.taken_before(position).map(|run| run.until).max()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAILY: BackupId = BackupId([1; 16]);
    const YEARLY: BackupId = BackupId([2; 16]);

    fn run(backup: BackupId, size: u64, replaces: u64, until: i32) -> BackedUp {
        BackedUp { backup, size, replaces, region: None, until: Day(until) }
    }

    #[test]
    fn the_last_day_is_that_of_the_backup_that_is_kept_longest() {
        let mut backups = Backups::default();
        assert_eq!(backups.kept_until(u64::MAX), None);
        backups.take(run(YEARLY, 10, 0, 365));
        backups.take(run(DAILY, 20, 0, 30));
        backups.take(run(DAILY, 30, 20, 31));
        assert_eq!(backups.kept_until(9), None, "all were taken of more");
        assert_eq!(backups.kept_until(10), Some(Day(365)));
        assert_eq!(backups.kept_until(u64::MAX), Some(Day(365)));
        let sizes = |backups: &Backups, at| backups.taken_before(at).map(|run| run.size).collect::<Vec<_>>();
        assert_eq!(sizes(&backups, 30), [10, 20, 30], "the third may never have counted");
        backups.take(run(DAILY, 40, 30, 32));
        assert_eq!(sizes(&backups, u64::MAX), [10, 30, 40], "it was found there by the fourth");
        // One that was cut off before it counted: the fifth finds the third.
        backups.take(run(DAILY, 50, 30, 33));
        assert_eq!(sizes(&backups, u64::MAX), [10, 30, 40, 50]);
    }

    #[test]
    fn a_region_has_one_form() {
        assert_eq!("eu-central-1".parse::<Region>().map(|region| region.to_string()), Ok("eu-central-1".to_owned()));
        for text in ["", "EU", "a b", "ä", "a_b", &"a".repeat(REGION_CHARS + 1)] {
            assert_eq!(text.parse::<Region>(), Err(NotARegion), "{text}");
        }
    }
}
