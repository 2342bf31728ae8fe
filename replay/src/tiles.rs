//! The tree of a published directory: its rows as tiles, `tile/<L>/<N>[.p/<W>]`. Source: <https://c2sp.org/tlog-tiles>.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use events::bundle::{self, WIDTH};
use events::tree::{Frontier, Node, ROW_HEIGHT, Rows};

use crate::partial;
use crate::source::read_regular;

/// The bytes of a hash.
const HASH: u64 = 32;

/// A tile that is not what it should be.
#[derive(Debug, thiserror::Error)]
pub enum TilesError {
    /// It cannot be read.
    #[error("cannot read {file}: {source}")]
    Io {
        /// The file.
        file: String,
        /// Why not.
        source: io::Error,
    },
    /// It has not as many bytes as its path says.
    #[error("{file} holds {found} bytes where {wanted} belong")]
    Length {
        /// The file.
        file: String,
        /// Its length.
        found: usize,
        /// The length by its path.
        wanted: u64,
    },
    /// The tree has no such hashes.
    #[error("a tree of {size} records has no {count} hashes from {first} on in row {row}")]
    Beyond {
        /// How many leaves it has.
        size: u64,
        /// The row.
        row: u32,
        /// The first one.
        first: u64,
        /// How many.
        count: usize,
    },
}

/// The tiles of a directory, for a tree of this size.
#[derive(Clone, Debug)]
pub struct Tiles {
    directory: PathBuf,
    size: u64,
}

impl Tiles {
    /// Nothing is read before it is asked for.
    pub fn of(directory: &Path, size: u64) -> Self {
        Self { directory: directory.to_owned(), size }
    }

    /// The bytes of a tile that begins with so many hashes.
    fn tile(&self, row: u32, number: u64, width: u64) -> Result<Vec<u8>, TilesError> {
        let (file, width) = partial::find(&self.directory, &row.to_string(), number, width);
        self.file(file, width)
    }

    fn file(&self, file: String, width: u64) -> Result<Vec<u8>, TilesError> {
        let wanted = width * HASH;
        match read_regular(&self.directory.join(&file), wanted) {
            Ok(bytes) if bytes.len() as u64 == wanted => Ok(bytes),
            Ok(bytes) => Err(TilesError::Length { file, found: bytes.len(), wanted }),
            Err(source) => Err(TilesError::Io { file, source }),
        }
    }
}

impl Rows for Tiles {
    type Error = TilesError;

    fn read(&self, row: u32, first: u64, count: usize) -> Result<Vec<Node>, TilesError> {
        let (number, skipped) = (first / WIDTH, first % WIDTH);
        let beyond = || TilesError::Beyond { size: self.size, row, first, count };
        let width = bundle::width(number, row_length(self.size, row)).ok_or_else(beyond)?;
        if count == 0 || skipped + count as u64 > width {
            return Err(beyond());
        }
        let bytes = self.tile(row, number, width)?;
        let (hashes, _) = bytes.as_chunks::<{ HASH as usize }>();
        let run: Vec<Node> = hashes.iter().skip(skipped as usize).take(count).copied().collect();
        if run.len() == count { Ok(run) } else { Err(beyond()) }
    }
}

/// How many hashes a row has in a tree of this size.
pub fn row_length(size: u64, row: u32) -> u64 {
    size.checked_shr(row.saturating_mul(ROW_HEIGHT)).unwrap_or(0)
}

/// The first record below a tile.
pub fn first_below(row: u32, number: u64) -> u64 {
    number.saturating_mul(WIDTH.saturating_pow(row.saturating_add(1)))
}

/// A tree that grows leaf by leaf up to a size, and tells of every tile it has there.
#[derive(Debug, Default)]
pub struct Growing {
    frontier: Frontier,
    rows: Vec<Vec<Node>>,
    size: u64,
}

impl Growing {
    /// Without a leaf yet.
    pub fn to(size: u64) -> Self {
        Self { size, ..Self::default() }
    }

    /// How many leaves it has.
    pub fn len(&self) -> u64 {
        self.frontier.size()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The root over the leaves it has.
    pub fn root(&self) -> Node {
        self.frontier.root()
    }

    /// Takes the next leaf. `tile` is told row, number and hashes of each tile that is full by it, and at the size of the
    /// others too. Leaves behind the size are left out.
    pub fn push<E>(&mut self, leaf: Node, tile: &mut impl FnMut(u32, u64, &[Node]) -> Result<(), E>) -> Result<(), E> {
        if self.len() >= self.size {
            return Ok(());
        }
        let mut full = Vec::new();
        let Self { frontier, rows, .. } = self;
        frontier.push(leaf, &mut |row, at, node| {
            let index = row as usize;
            if rows.len() <= index {
                rows.resize_with(index + 1, Vec::new);
            }
            let Some(run) = rows.get_mut(index) else { return };
            run.push(node);
            if run.len() as u64 == WIDTH {
                full.push((row, at / WIDTH, std::mem::take(run)));
            }
        });
        for (row, number, run) in full {
            tile(row, number, &run)?;
        }
        if self.len() == self.size {
            for (row, run) in (0..).zip(&self.rows).filter(|(_, run)| !run.is_empty()) {
                tile(row, row_length(self.size, row) / WIDTH, run)?;
            }
        }
        Ok(())
    }
}

/// Writes one tile below a directory.
pub fn write_tile(out: &Path, row: u32, number: u64, hashes: &[Node]) -> io::Result<()> {
    let file = out.join(bundle::path(&row.to_string(), number, hashes.len() as u64));
    if let Some(parent) = file.parent() {
        fs::create_dir_all(parent)?;
    }
    fs::write(file, hashes.as_flattened())
}

/// Why tiles could not be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError<E> {
    /// The rows cannot be read.
    #[error(transparent)]
    Rows(E),
    /// The operating system refused.
    #[error("cannot write the tiles: {0}")]
    Io(#[from] io::Error),
}

/// Writes every tile of a tree of this size below a directory. Tiles of other sizes that are there already stay.
pub fn write_tiles<R: Rows>(out: &Path, rows: &R, size: u64) -> Result<(), WriteError<R::Error>> {
    for row in (0..).take_while(|row| row_length(size, *row) > 0) {
        let mut number = 0;
        while let Some(width) = bundle::width(number, row_length(size, row)) {
            let hashes = rows.read(row, number * WIDTH, width as usize).map_err(WriteError::Rows)?;
            write_tile(out, row, number, &hashes)?;
            number += 1;
        }
    }
    Ok(())
}

impl Tiles {
    /// Whether a tile has these hashes. One that is not full may have grown since.
    pub fn holds(&self, row: u32, number: u64, hashes: &[Node]) -> Result<bool, TilesError> {
        Ok(self.tile(row, number, hashes.len() as u64)?.starts_with(hashes.as_flattened()))
    }
}

#[cfg(test)]
mod tests {
    use events::tree;

    use super::*;

    /// The rows of a tree in memory.
    struct Memory(Vec<Vec<Node>>);

    impl Memory {
        fn of(size: u64) -> Self {
            let (mut rows, mut frontier) = (vec![Vec::new(); 4], Frontier::new());
            for n in 0..size {
                frontier.push(tree::leaf(&n.to_be_bytes()), &mut |row, _, hash| rows[row as usize].push(hash));
            }
            Self(rows)
        }
    }

    impl Rows for Memory {
        type Error = std::convert::Infallible;

        fn read(&self, row: u32, first: u64, count: usize) -> Result<Vec<Node>, Self::Error> {
            Ok(self.0[row as usize][first as usize..][..count].to_vec())
        }
    }

    fn written(sizes: &[u64]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for size in sizes {
            write_tiles(dir.path(), &Memory::of(*size), *size).unwrap();
        }
        dir
    }

    #[test]
    fn the_tiles_of_seventy_thousand_records_are_those_of_the_specification() {
        let dir = written(&[70_000]);
        let there = |file: &str| fs::metadata(dir.path().join(file)).map(|file| file.len() / 32).ok();
        for (file, width) in [
            ("tile/0/000", Some(256)),
            ("tile/0/272", Some(256)),
            ("tile/0/273.p/112", Some(112)),
            ("tile/0/273", None),
            ("tile/1/000", Some(256)),
            ("tile/1/001.p/17", Some(17)),
            ("tile/2/000.p/1", Some(1)),
            ("tile/3", None),
        ] {
            assert_eq!(there(file), width, "{file}");
        }
        let (tiles, memory) = (Tiles::of(dir.path(), 70_000), Memory::of(70_000));
        assert_eq!(tree::root(&tiles, 70_000).unwrap(), tree::root(&memory, 70_000).unwrap());
        let Ok(path) = tree::consistency(&memory, 65_537, 70_000);
        assert_eq!(tree::consistency(&tiles, 65_537, 70_000).unwrap(), path);
    }

    #[test]
    fn a_tree_of_one_full_tile_has_a_tile_of_one_above_it() {
        let dir = written(&[256]);
        assert!(dir.path().join("tile/0/000").is_file() && dir.path().join("tile/1/000.p/1").is_file());
        assert!(tree::root(&Tiles::of(dir.path(), 256), 256).is_ok());
    }

    #[test]
    fn where_a_partial_tile_is_gone_the_full_one_has_its_hashes() {
        let dir = written(&[700, 1_000]);
        fs::remove_file(dir.path().join("tile/0/002.p/188")).unwrap();
        let Ok(root) = tree::root(&Memory::of(700), 700);
        assert_eq!(tree::root(&Tiles::of(dir.path(), 700), 700).unwrap(), root);
        fs::remove_file(dir.path().join("tile/0/002")).unwrap();
        assert!(matches!(tree::root(&Tiles::of(dir.path(), 700), 700), Err(TilesError::Io { .. })));
    }

    #[test]
    fn a_tile_that_has_grown_holds_the_hashes_that_it_had() {
        let dir = written(&[700, 701, 703]);
        let (tiles, memory) = (Tiles::of(dir.path(), 700), Memory::of(703));
        let old = &memory.0[0][512..700];
        let mut other = old.to_vec();
        other[187][0] ^= 1;
        for gone in ["188", "189", "191"] {
            assert!(tiles.holds(0, 2, old).unwrap() && !tiles.holds(0, 2, &other).unwrap(), "before {gone} is gone");
            fs::remove_file(dir.path().join("tile/0/002.p").join(gone)).unwrap();
        }
        let gone = tiles.holds(0, 2, old).unwrap_err().to_string();
        assert!(gone.contains("tile/0/002.p/188"), "{gone}");
        fs::write(dir.path().join("tile/0/002"), memory.0[0][512..].as_flattened()).unwrap();
        assert!(matches!(tiles.holds(0, 2, old), Err(TilesError::Length { .. })), "a full tile is full");
    }

    #[test]
    fn a_tile_that_is_too_short_too_long_or_no_file_is_refused() {
        let dir = written(&[300]);
        let (tile, tiles) = (dir.path().join("tile/0/001.p/44"), Tiles::of(dir.path(), 300));
        let good = fs::read(&tile).unwrap();
        for bytes in [&good[1..], &good[32..], &[], &[good.as_slice(), &[0]].concat()] {
            fs::write(&tile, bytes).unwrap();
            assert!(tree::root(&tiles, 300).is_err(), "{} bytes", bytes.len());
        }
        fs::remove_file(&tile).unwrap();
        std::os::unix::fs::symlink("/dev/zero", &tile).unwrap();
        assert!(tree::root(&tiles, 300).is_err());
    }

    #[test]
    fn what_a_tree_does_not_have_is_not_read() {
        let dir = written(&[300]);
        let tiles = Tiles::of(dir.path(), 300);
        for (row, first, count) in [(0, 299, 2), (0, 300, 1), (0, 255, 2), (1, 1, 1), (2, 0, 1), (99, 0, 1), (0, 0, 0)]
        {
            assert!(matches!(tiles.read(row, first, count), Err(TilesError::Beyond { .. })), "{row} {first} {count}");
        }
        assert_eq!(tiles.read(1, 0, 1).unwrap().len(), 1);
    }
}
