//! The suppression list in the copies: replaced in one after the other, and compared when it is read.

use domain::id::LogId;

use super::Copies;
use crate::keyring::disk::{self, sync_dir};
use crate::keyring::suppression::file::{Found, NAME};
use crate::keyring::{KeyringError, Wrong};

impl Copies {
    /// Replaces the suppression list in every copy. It is durable when it returns.
    pub(in crate::keyring) fn write_list(&mut self, bytes: &[u8]) -> Result<(), KeyringError> {
        for copy in &self.copies {
            disk::replace(&copy.dir, NAME, bytes)?;
            sync_dir(&copy.dir)?;
            self.written.kept += bytes.len() as u64;
        }
        Ok(())
    }

    /// The newest suppression list, brought to the copies that a crash left without it. `None` where there never was one.
    pub(in crate::keyring) fn read_list(&self, log: LogId) -> Result<Option<Found>, KeyringError> {
        let mut found = Vec::with_capacity(self.copies.len());
        for copy in &self.copies {
            let bytes = disk::read_whole(&copy.dir.join(NAME))?;
            let read = bytes.map(|bytes| Found::read(bytes, log).transpose()).transpose()?;
            found.push((copy, read));
        }
        let whole = found.iter().filter_map(|(_, list)| list.as_ref()?.as_ref());
        let Some(newest) = whole.max_by_key(|list| list.counter).cloned() else {
            let is_there = found.iter().any(|(_, list)| list.is_some());
            return if is_there { Err(KeyringError::DamagedList) } else { Ok(None) };
        };
        for (copy, list) in found {
            let wrong = |wrong| Err(KeyringError::Copy { copy: copy.dir.clone(), wrong });
            match list {
                Some(None) => return wrong(Wrong::Damaged),
                Some(Some(list)) if list == newest => {}
                Some(Some(list)) if list.counter == newest.counter => return wrong(Wrong::Damaged),
                Some(Some(list)) if list.counter + 1 < newest.counter => return wrong(Wrong::Behind),
                None if newest.counter > 1 => return wrong(Wrong::Missing),
                Some(Some(_)) | None => {
                    disk::replace(&copy.dir, NAME, &newest.bytes)?;
                    sync_dir(&copy.dir)?;
                }
            }
        }
        Ok(Some(newest))
    }
}
