//! The journal that lies in a directory, beside a backup that is to take its place.

use std::path::Path;

use domain::id::LogId;

use super::{RestoreError, Survey};
use crate::backup::Checked;
use crate::chain::Generation;
use crate::keyring::{KeyState, Keyring};
use crate::log::headmark::Mark;
use crate::log::journal::{self, Journal};
use crate::log::segment::{self, Segment};
use crate::log::{Head, LogError, Part, PartBytes};
use crate::record::{Hash, NO_HASH};

/// A journal all of which can be read.
pub(super) struct Here {
    journal: Journal,
    head: Head,
    /// Its generations.
    pub(super) generations: Vec<Generation>,
}

impl Here {
    /// The journal of a directory, where all of it can be read that a key lives for.
    ///
    /// # Errors
    /// When the controller left.
    pub(super) fn read(path: &Path, keyring: Option<&Keyring>) -> Result<Option<Self>, RestoreError> {
        let Ok((journal, _)) = Journal::open(path, None, false) else { return Ok(None) };
        let gone = |part: &Part| match keyring {
            Some(keyring) => matches!(keyring.state(&part.key), KeyState::Erased { .. } | KeyState::Lost),
            None => true,
        };
        let harmed = |part: &Part| !matches!(part.bytes, PartBytes::Present(_)) && !gone(part);
        let Ok(survey) = Survey::read(&journal, &[], &harmed, &|_, _| {}) else { return Ok(None) };
        survey.refuse_left()?;
        Ok(Some(Self { journal, head: survey.head, generations: survey.generations }))
    }

    /// Whether the backup's records are here already, and no more of them, as behind a restore that was cut off; else they may
    /// take the place of these. `over` is the word for records that leave service.
    ///
    /// # Errors
    /// When these are as good as the backup's, or better; and when they are others, and `over` was not said.
    pub(super) fn has(&self, backup: &Checked, mark: Option<&Mark>, over: bool) -> Result<bool, RestoreError> {
        let (here, theirs) = (self.head, backup.survey.head);
        if (here.size, here.hash) == (theirs.size, theirs.hash) {
            return Ok(true);
        }
        if last_of(&backup.journal, here.size)? == Some(here.hash) {
            return Ok(false);
        }
        let goes_on = last_of(&self.journal, theirs.size)? == Some(theirs.hash);
        if goes_on && self.reaches(mark)? {
            return Err(RestoreError::NothingMissing);
        }
        if over {
            return Ok(false);
        }
        if goes_on {
            return Err(RestoreError::MoreHere { here: here.size, backup: theirs.size });
        }
        let common = self.common(&backup.journal, here.size.min(theirs.size))?;
        Err(RestoreError::OtherWay { common, here: here.size - common, backup: theirs.size - common })
    }

    fn reaches(&self, mark: Option<&Mark>) -> Result<bool, LogError> {
        let Some(mark) = mark.filter(|mark| mark.log == self.journal.log()) else { return Ok(false) };
        Ok(last_of(&self.journal, mark.head.size)? == Some(mark.head.hash))
    }

    /// How many records two journals have in common, of so many at most.
    fn common(&self, other: &Journal, most: u64) -> Result<u64, LogError> {
        let (mut same, mut differ) = (0, most.saturating_add(1));
        while same + 1 < differ {
            let half = same + (differ - same) / 2;
            let is_same = last_of(&self.journal, half)? == last_of(other, half)?;
            if is_same { same = half } else { differ = half }
        }
        Ok(same)
    }
}

/// The hash of the last of so many records, if there are so many.
pub(super) fn last_of(journal: &Journal, size: u64) -> Result<Option<Hash>, LogError> {
    match size.checked_sub(1) {
        Some(last) => journal.hash_of(last),
        None => Ok(Some(NO_HASH)),
    }
}

/// Whose journal lies in a directory, where one does: its first file says so, and may be damaged behind that.
pub(super) fn owner(path: &Path) -> Result<Option<LogId>, RestoreError> {
    let dir = path.join(journal::NAME);
    let first = dir.join(segment::name(0));
    match Segment::open(&first, false) {
        Ok(segment) => Ok(Some(segment.header.log)),
        Err(_) if journal::names(&dir)?.is_empty() => Ok(None),
        Err(_) => Err(RestoreError::NobodysJournal),
    }
}
