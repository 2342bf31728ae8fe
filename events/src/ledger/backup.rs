//! A backup of a ledger in service: while others write, or at rest.

use domain::backup::BackedUp;
use domain::event::Follow;
use domain::id::KeyId;
use domain::ledger;

use super::command::Failure;
use super::publish::{PublishError, Signed};
use super::{Appended, Ledger};
use crate::backup::{BackingUp, BackupError, Manifest, Target, check};
use crate::chain::Head;
use crate::keyring::KeyState;
use crate::log::copying::Copying;
use crate::log::{LogError, Progress};

/// A backup that was made.
#[derive(Clone, Debug)]
pub struct Made {
    /// What it says of itself.
    pub manifest: Manifest,
    /// How many records the one had that lay there before; 0 for none.
    pub replaces: u64,
    /// The size of the checkpoint that lies in it; 0 for none.
    pub checkpoint: u64,
    /// The record of it.
    pub recorded: Appended,
}

/// Why there is none.
#[derive(Debug, thiserror::Error)]
pub enum NotMade {
    /// The place, or what was read back from it.
    #[error(transparent)]
    Backup(#[from] BackupError),
    /// The log cannot be read, or the copy not be written.
    #[error("the log was not copied: {0}")]
    Copying(#[from] LogError),
    /// No checkpoint could be signed.
    #[error("the log could not be signed: {0}")]
    Publish(#[from] PublishError),
    /// It could not be recorded, so it does not count.
    #[error("the backup could not be recorded, so it does not count: {0}")]
    Unrecorded(#[from] Failure),
}

impl<V: Follow> Ledger<V> {
    /// Makes a backup of all that is durable, reads it back, and records it. Others may write meanwhile; nobody waits. It is
    /// durable, and counts, when this returns; what a crash leaves is no backup, and the one that lay there before is whole.
    ///
    /// # Errors
    /// When the directory is used for something else, when what was read or read back does not hold.
    pub fn back_up(&self, order: &BackingUp, told: &Progress<'_>) -> Result<Made, NotMade> {
        let journal = self.shared.log.journal();
        let target = Target::take(&order.dir, journal)?;
        let gone = |key: &KeyId| matches!(self.shared.keyring.state(key), KeyState::Erased { .. } | KeyState::Lost);
        let (path, earlier) = (target.path(), target.earlier());
        let earlier = earlier.as_ref().map(|(path, manifest)| (path.as_path(), manifest.files.as_slice()));
        let mut copying = Copying::begin(journal, &path, earlier, &gone)?;
        let signed = loop {
            let signed = self.sign()?;
            if copying.go_on(told)? {
                break signed;
            }
        };
        let files = copying.end();
        if let Some(signed) = &signed {
            target.put_checkpoint(&signed.note)?;
        }
        let checked = check(&path, &files, &[], told)?;
        let manifest = Manifest {
            backup: target.backup,
            run: target.run,
            first: checked.first,
            log: checked.survey.last.log,
            origin: checked.survey.last.origin.clone(),
            head: Head { size: checked.survey.head.size, hash: checked.survey.head.hash },
            root: checked.survey.root,
            region: order.region.clone(),
            until: order.until,
            at: self.shared.clock.now(),
            files,
        };
        let replaces = target.earlier.as_ref().map_or(0, |earlier| earlier.head.size);
        let (backup, size, region, until) = (target.backup, manifest.head.size, order.region.clone(), order.until);
        let run = BackedUp { backup, size, replaces, region, until };
        let recorded = self.declare(ledger::Event::BackedUp(run), false)?;
        target.name(&manifest)?;
        Ok(Made { manifest, replaces, checkpoint: checked.checkpoint.map_or(0, |of| of.size), recorded })
    }

    /// A checkpoint of all that is durable, or the last one there was where nothing is signed here.
    fn sign(&self) -> Result<Option<Signed>, PublishError> {
        match self.publish_now() {
            Err(PublishError::Held) => self.published().before(),
            signed => signed.map(|signed| Some(signed.as_ref().clone())),
        }
    }
}
