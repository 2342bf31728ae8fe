//! What holds `FORMAT.md`, the golden files in `golden/` and the code together. When bytes change on purpose (a new kind, a
//! new version), `LETHE_BLESS=1 cargo test -p events format` writes golden files and tables again; read the difference
//! before it is committed. A golden line that was ever released must not change: when a kind gets a new version, `records.txt`
//! stays as it is under a name of its own and is only read, since the old version is not written any more.

mod document;
mod dump;
mod golden;
mod journal;
mod proofs;
mod samples;
mod tables;
mod vectors;

use std::path::{Path, PathBuf};

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn blessed() -> bool {
    std::env::var_os("LETHE_BLESS").is_some()
}

/// Compares a file with what the code makes of it, or writes it where that was asked for.
fn compare(name: &str, made: &str) {
    if blessed() {
        std::fs::create_dir_all(path(name).parent().unwrap()).unwrap();
        std::fs::write(path(name), made).unwrap();
    }
    let kept = std::fs::read_to_string(path(name)).unwrap_or_default();
    for (number, (kept, made)) in kept.lines().zip(made.lines()).enumerate() {
        assert_eq!(kept, made, "{name} and the code differ in line {}", number + 1);
    }
    assert_eq!(kept.lines().count(), made.lines().count(), "{name} has other lines than the code makes");
}
