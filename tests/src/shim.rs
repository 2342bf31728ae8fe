//! Small C libraries that are put under a program with `LD_PRELOAD`, compiled beside the running test.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

/// The library of a source, compiled once for each version of it.
pub fn library(name: &str, source: &str) -> PathBuf {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _alone = ONE_AT_A_TIME.lock().unwrap();
    let home = std::env::current_exe().unwrap().parent().unwrap().to_owned();
    let library = home.join(format!("{name}-{}.so", &blake3::hash(source.as_bytes()).to_hex()[..16]));
    if !library.exists() {
        compile(&home, source, &library);
    }
    library
}

/// Compiled aside and moved, so that another process never loads half of it.
fn compile(home: &Path, source: &str, library: &Path) {
    let part = tempfile::tempdir_in(home).unwrap();
    let (c, so) = (part.path().join("shim.c"), part.path().join("shim.so"));
    std::fs::write(&c, source).unwrap();
    let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".into());
    let flags = ["-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o"];
    let done = Command::new(compiler).args(flags).arg(&so).arg(&c).args(["-ldl", "-lpthread"]).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    std::fs::rename(&so, library).unwrap();
}
