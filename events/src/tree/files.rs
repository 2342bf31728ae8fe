//! The rows of a tree as files: `tree/0`, `tree/1`, ... in the data directory, hashes behind one another. They follow from
//! the records, so they are never synced and may be lost at any time: whoever grows a tree over them writes what differs.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::{Frontier, Node, ROW_HEIGHT, Rows};
use crate::log::LogError;

/// The name of their directory.
pub const NAME: &str = "tree";

/// Enough for every position that a `u64` can name.
const MOST_ROWS: usize = 8;
const NODE: u64 = 32;

/// The files of all rows.
#[derive(Debug)]
pub struct RowFiles {
    dir: PathBuf,
    files: Vec<File>,
}

impl RowFiles {
    /// Opens them, or makes them.
    pub fn open(data: &Path) -> Result<Self, LogError> {
        let dir = data.join(NAME);
        fs::create_dir_all(&dir).map_err(LogError::io("make", &dir))?;
        let open = |row: usize| {
            let path = dir.join(row.to_string());
            let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(&path);
            file.map_err(LogError::io("open", &path))
        };
        let files = (0..MOST_ROWS).map(open).collect::<Result<_, _>>()?;
        Ok(Self { dir, files })
    }

    /// The directory they are in.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    fn file(&self, row: u32) -> Result<&File, LogError> {
        let beyond = || LogError::io("find", &self.dir)(io::Error::from(io::ErrorKind::NotFound));
        self.files.get(row as usize).ok_or_else(beyond)
    }

    /// Writes hashes of a row, where they are not there already.
    fn put(&self, row: u32, first: u64, nodes: &[Node]) -> Result<(), LogError> {
        let (file, offset, bytes) = (self.file(row)?, first * NODE, nodes.as_flattened());
        let mut there = vec![0; bytes.len()];
        if file.read_exact_at(&mut there, offset).is_ok() && there == bytes {
            return Ok(());
        }
        file.write_all_at(bytes, offset).map_err(LogError::io("write", &self.dir))
    }
}

impl Rows for RowFiles {
    type Error = LogError;

    fn read(&self, row: u32, first: u64, count: usize) -> Result<Vec<Node>, LogError> {
        let mut nodes = vec![[0; NODE as usize]; count];
        let bytes = nodes.as_flattened_mut();
        self.file(row)?.read_exact_at(bytes, first * NODE).map_err(LogError::io("read", &self.dir))?;
        Ok(nodes)
    }
}

/// A tree that grows over its files.
#[derive(Debug)]
pub struct Tree {
    frontier: Frontier,
    rows: std::sync::Arc<RowFiles>,
}

impl Tree {
    /// Without a leaf, over the files of a data directory.
    pub fn open(data: &Path) -> Result<Self, LogError> {
        Ok(Self { frontier: Frontier::new(), rows: RowFiles::open(data)?.into() })
    }

    /// How many leaves.
    pub fn size(&self) -> u64 {
        self.frontier.size()
    }

    /// Its rows.
    pub fn rows(&self) -> &std::sync::Arc<RowFiles> {
        &self.rows
    }

    /// Appends leaves; the files have their hashes when this returns.
    pub fn grow(&mut self, leaves: &[Node]) -> Result<(), LogError> {
        let first = self.frontier.size();
        let mut above: Vec<(u32, u64, Node)> = Vec::new();
        for leaf in leaves {
            self.frontier.push(*leaf, &mut |row, at, node| {
                if row > 0 {
                    above.push((row, at, node));
                }
            });
        }
        self.rows.put(0, first, leaves)?;
        above.iter().try_for_each(|(row, at, node)| self.rows.put(*row, *at, std::slice::from_ref(node)))
    }
}

/// How many hashes a row has in a tree of this size.
pub fn width(row: u32, size: u64) -> u64 {
    size.checked_shr(row * ROW_HEIGHT).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::{leaf, root};

    #[test]
    fn rows_that_were_lost_or_bent_are_written_again() {
        let dir = tempfile::tempdir().unwrap();
        let leaves: Vec<Node> = (0..1000_u32).map(|number| leaf(&number.to_be_bytes())).collect();
        let grown = |chunk: usize| {
            let mut tree = Tree::open(dir.path()).unwrap();
            leaves.chunks(chunk).for_each(|some| tree.grow(some).unwrap());
            assert_eq!(root(&**tree.rows(), 1000).unwrap(), tree.frontier.root());
            (0..2).map(|row| std::fs::read(dir.path().join(NAME).join(row.to_string())).unwrap()).collect::<Vec<_>>()
        };
        let whole = grown(1000);
        assert_eq!((whole[0].len() as u64, whole[1].len() as u64), (width(0, 1000) * 32, width(1, 1000) * 32));
        for bent in [vec![], vec![0; 31], vec![9; 32_000], whole[0][..17_000].to_vec()] {
            std::fs::write(dir.path().join(NAME).join("0"), bent).unwrap();
            std::fs::remove_file(dir.path().join(NAME).join("1")).unwrap();
            assert_eq!(grown(77), whole);
        }
    }
}
