//! Where a path leads, whether or not there is anything yet.

use std::path::{Component, Path, PathBuf};

/// The path without links, `.` and `..`, as far as what it names exists; what is to be made is taken as it is said. Two paths
/// with one answer lead to one place.
pub fn of(path: &Path) -> PathBuf {
    let mut place = PathBuf::new();
    for component in std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => drop(place.pop()),
            other => {
                place.push(other);
                place = place.canonicalize().unwrap_or(place);
            }
        }
    }
    place
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_a_place_is_that_place() {
        let room = tempfile::tempdir().unwrap();
        let home = room.path().canonicalize().unwrap();
        std::fs::create_dir_all(home.join("data/deep")).unwrap();
        std::os::unix::fs::symlink(home.join("data/deep"), home.join("link")).unwrap();
        let inside = home.join("data/new/copy");
        for way in ["data/new/copy", "none/../data/new/copy", "./data/x/../new/./copy", "link/../new/copy"] {
            assert_eq!(of(&home.join(way)), inside, "{way}");
        }
        assert_ne!(of(&home.join("new/copy")), inside);
    }
}
