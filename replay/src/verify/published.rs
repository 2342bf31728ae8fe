//! The checkpoint and the tiles that lie with a log: whether they are those of its records, and of its key.

use events::checkpoint::Checkpoint;
use events::note::{Kind, SignedNote, VerifierKey};
use events::tree::{self, Node};

use super::{Generation, Unsound};
use crate::source::{Source, SourceError};
use crate::tiles::{Growing, Tiles, first_below};

/// What was published with a copy, and the tree that the records make.
pub(super) struct Published {
    pub(super) note: SignedNote,
    pub(super) checkpoint: Checkpoint,
    tiles: Tiles,
    tree: Growing,
}

impl Published {
    pub(super) fn of(source: &Source) -> Result<Option<Self>, SourceError> {
        let found = source.published()?;
        Ok(found.map(|(note, checkpoint, tiles)| {
            let tree = Growing::to(checkpoint.size);
            Self { note, checkpoint, tiles, tree }
        }))
    }

    pub(super) fn take(&mut self, leaf: Node) -> Result<(), Unsound> {
        let Self { tiles, tree, checkpoint, .. } = self;
        let before = tree.len();
        tree.push(leaf, &mut |row, number, hashes| {
            let reason = match tiles.holds(row, number, hashes) {
                Ok(true) => return Ok(()),
                Ok(false) => format!("tile {number} of row {row} is not the records'"),
                Err(failed) => failed.to_string(),
            };
            Err(Unsound::Published { position: first_below(row, number), reason })
        })?;
        let reached = before < checkpoint.size && tree.len() == checkpoint.size;
        if reached && tree.root() != checkpoint.root {
            let reason = format!("the checkpoint signs another root for the first {} records", checkpoint.size);
            return Err(Unsound::Published { position: before, reason });
        }
        Ok(())
    }

    pub(super) fn end(&self, size: u64, generations: &[Generation]) -> Result<(), Unsound> {
        let Checkpoint { size: signed, .. } = self.checkpoint;
        if signed > size {
            let reason = format!("the checkpoint is of {signed} records, and {} of them are missing", signed - size);
            return Err(Unsound::Published { position: size, reason });
        }
        // The key that the log names for it: whether that is to be believed is for a policy to say.
        if let Some((origin, public)) = signer(generations, signed)
            && !self.is_signed_by(origin, public)
        {
            let reason = "the checkpoint is not signed by the key that the log names for it".into();
            return Err(Unsound::Published { position: signed, reason });
        }
        if signed == 0 && self.checkpoint.root != tree::empty() {
            return Err(Unsound::Published {
                position: 0,
                reason: "the checkpoint signs a root for no records".into(),
            });
        }
        Ok(())
    }

    fn is_signed_by(&self, origin: &str, public: [u8; 32]) -> bool {
        let Ok(key) = VerifierKey::new(origin, Kind::Note, public) else { return false };
        origin == self.checkpoint.origin && self.note.verify(&[key]).is_ok()
    }
}

/// Who signs for so many records, and for which origin: whom the last record below that size names. A key that another one
/// followed signs no more. A log of an early form was signed before it said by whom, so its first key counts there.
fn signer(generations: &[Generation], size: u64) -> Option<(&str, [u8; 32])> {
    let named = || {
        generations.iter().flat_map(|generation| {
            generation.signers.iter().map(|(from, public)| (*from, (generation.of.origin.as_str(), *public)))
        })
    };
    let last = named().take_while(|(from, _)| *from < size).last();
    last.or_else(|| named().next()).map(|(_, signer)| signer)
}

#[cfg(test)]
mod tests {
    use domain::id::LogId;

    use super::*;

    fn generation(from: u64, origin: &str, signers: &[(u64, u8)]) -> Generation {
        let of = events::chain::Generation { log: LogId([0; 16]), origin: origin.into(), from };
        Generation { of, signers: signers.iter().map(|(at, key)| (*at, [*key; 32])).collect() }
    }

    #[test]
    fn a_key_that_another_one_followed_signs_no_more() {
        let log = [generation(0, "a", &[(1, 1), (40, 2)]), generation(60, "b", &[(60, 3)])];
        let signs = |size| signer(&log, size).map(|(origin, [key, ..])| (origin, key));
        for (size, who) in
            [(0, ("a", 1)), (2, ("a", 1)), (40, ("a", 1)), (41, ("a", 2)), (60, ("a", 2)), (61, ("b", 3))]
        {
            assert_eq!(signs(size), Some(who), "{size}");
        }
        assert_eq!(signer(&[generation(0, "a", &[])], 9), None);
    }
}
