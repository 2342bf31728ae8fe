//! A published directory and a witness: the checkpoint there is cosigned with proofs from the tiles beside it.

use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use events::checkpoint::Checkpoint;
use events::log::segment::sync_dir;
use events::note::{MOST_BYTES, NoteError, SignedNote};
use events::tree;

use super::client::{Client, SubmitError};
use crate::source::read_regular;
use crate::tiles::{Tiles, TilesError};

/// The file with the checkpoint.
pub const CHECKPOINT: &str = "checkpoint";

/// Why a published checkpoint was not cosigned.
#[derive(Debug, thiserror::Error)]
pub enum CosignError {
    /// The file cannot be read or written.
    #[error("cannot {0} the file `checkpoint`: {1}")]
    Io(&'static str, #[source] io::Error),
    /// It holds no checkpoint.
    #[error("the file `checkpoint` holds none: {0}")]
    Note(#[from] NoteError),
    /// A tile is not what it should be.
    #[error(transparent)]
    Tiles(#[from] TilesError),
    /// The tiles are another tree's.
    #[error("the tiles do not lead to the root of the checkpoint")]
    OtherTree,
    /// The witness did not cosign.
    #[error(transparent)]
    Submit(#[from] SubmitError),
    /// The directory cannot be synced.
    #[error(transparent)]
    Log(#[from] events::log::LogError),
}

/// Has the checkpoint of the directory cosigned. Its file is replaced whole, and durable when this returns.
pub fn cosign(dir: &Path, client: &Client) -> Result<Checkpoint, CosignError> {
    let file = dir.join(CHECKPOINT);
    let bytes = read_regular(&file, MOST_BYTES as u64).map_err(|failed| CosignError::Io("read", failed))?;
    let mut note = SignedNote::parse(&bytes)?;
    let checkpoint = Checkpoint::parse(note.text())?;
    let tiles = Tiles::of(dir, checkpoint.size);
    if tree::root(&tiles, checkpoint.size)? != checkpoint.root {
        return Err(CosignError::OtherTree);
    }
    let signatures = client.submit(&note, 0, |old, new| tree::consistency(&tiles, old, new))?;
    signatures.into_iter().for_each(|signature| note.add(signature));
    replace(&file, note.to_string().as_bytes()).map_err(|failed| CosignError::Io("replace", failed))?;
    sync_dir(dir)?;
    Ok(checkpoint)
}

fn replace(file: &Path, bytes: &[u8]) -> io::Result<()> {
    let making = file.with_extension("new");
    let made = OpenOptions::new().write(true).create(true).truncate(true).open(&making)?;
    made.write_all_at(bytes, 0)?;
    made.sync_all()?;
    fs::rename(&making, file)
}
