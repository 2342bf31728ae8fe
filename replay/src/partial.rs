//! A tile or bundle that is not full may be gone once there is one with more, which begins with the same. Source:
//! <https://c2sp.org/tlog-tiles>, "Partial Tiles".

use std::fs;
use std::path::Path;

use events::bundle::{self, WIDTH};

/// The file of a tile or bundle below a directory, and how many entries it has: the one that is asked for; where that is
/// gone, the full one; where there is none either, the one that has the fewest more. Where there is nothing, the one that is
/// asked for, so that an error names it.
pub fn find(directory: &Path, what: &str, number: u64, width: u64) -> (String, u64) {
    let named = |width: u64| (bundle::path(what, number, width), width);
    let there = |(file, _): &(String, u64)| fs::symlink_metadata(directory.join(file)).is_ok();
    let widths = [width, WIDTH].into_iter().chain(width + 1..WIDTH);
    widths.map(named).find(there).unwrap_or_else(|| named(width))
}
