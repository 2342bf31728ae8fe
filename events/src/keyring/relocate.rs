//! Moving a keyring from one anchor to another: a rotation whose new roots are made elsewhere.

use std::path::PathBuf;

use domain::id::LogId;

use super::header::Left;
use super::marks::Mark;
use super::members::{self, Members};
use super::tree::Tree;
use super::{Anchor, Destroyed, KeyringError, Level};

pub(super) fn relocate(
    dirs: &[PathBuf],
    from: Vec<Box<dyn Anchor>>,
    to: Vec<Box<dyn Anchor>>,
    log: LogId,
) -> Result<Destroyed, KeyringError> {
    may_move(&from, &to, log)?;
    let (from, to) = (Members::new(from)?, Members::new(to)?);
    let (mut tree, _) = Tree::open(dirs, &from, None, log)?;
    let epoch_before = tree.header.epoch;
    let earlier = tree.header.left.map_or(Level::A3, |left| left.level);
    tree.header.left = Some(Left { level: from.level().min(earlier), leaves: tree.header.leaves });
    let retired = tree.marks.slots.iter().filter(|(_, mark)| **mark == Mark::Retired);
    let victims: Vec<u64> = retired.map(|(slot, _)| *slot).collect();
    tree.turn(&victims, &to)?;
    if !victims.is_empty() {
        tree.mark(&victims, None)?;
    }
    Ok(Destroyed { epoch_before, epoch_after: tree.header.epoch })
}

/// An attempt that is given up ends with the new members' roots destroyed, so no other keyring's may be among them.
pub(super) fn may_move(from: &[Box<dyn Anchor>], to: &[Box<dyn Anchor>], log: LogId) -> Result<(), KeyringError> {
    members::check(to)?;
    for anchor in to {
        let identity = anchor.identity();
        if from.iter().all(|old| old.identity() != identity) && !anchor.roots(log)?.is_empty() {
            return Err(KeyringError::KnowsLog { identity });
        }
    }
    Ok(())
}
