//! Moving a keyring from one anchor to another: a rotation whose new roots are made elsewhere.

use std::path::PathBuf;

use domain::id::LogId;

use super::marks::Mark;
use super::members::Members;
use super::tree::Tree;
use super::{Anchor, AnchorError, Destroyed, KeyringError};

pub(super) fn relocate(
    dirs: &[PathBuf],
    from: Vec<Box<dyn Anchor>>,
    to: Vec<Box<dyn Anchor>>,
    log: LogId,
) -> Result<Destroyed, KeyringError> {
    let (from, to) = (Members::new(from)?, Members::new(to)?);
    knows_nothing(&from, &to, log)?;
    let (mut tree, _) = Tree::open(dirs, &from, None, log)?;
    let epoch_before = tree.header.epoch;
    let retired = tree.marks.slots.iter().filter(|(_, mark)| **mark == Mark::Retired);
    let victims: Vec<u64> = retired.map(|(slot, _)| *slot).collect();
    tree.turn(&victims, &to)?;
    if !victims.is_empty() {
        tree.mark(&victims, None)?;
    }
    Ok(Destroyed { epoch_before, epoch_after: tree.header.epoch })
}

/// What an attempt left that is given up is removed by its number of the log: no other keyring's roots may be among it.
fn knows_nothing(from: &Members, to: &Members, log: LogId) -> Result<(), KeyringError> {
    let (before, _) = from.moving_to(to);
    match before.left().map(|anchor| Ok((anchor.identity(), anchor.roots(log)?))).find(holds_any) {
        None => Ok(()),
        Some(Ok((identity, _))) => Err(KeyringError::KnowsLog { identity }),
        Some(Err(error)) => Err(error.into()),
    }
}

fn holds_any(found: &Result<(super::Identity, Vec<u64>), AnchorError>) -> bool {
    found.as_ref().map_or(true, |(_, roots)| !roots.is_empty())
}
