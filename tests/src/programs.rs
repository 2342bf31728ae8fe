//! The programs of the workspace, built where cargo built the tests.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

/// A program by its name. Both are built on first use, at once: `cargo test -p tests` alone builds neither, and what they
/// share is compiled once.
pub fn program(name: &str) -> PathBuf {
    static BUILT: LazyLock<PathBuf> = LazyLock::new(build);
    BUILT.join(name)
}

fn build() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let profile = test.parent().and_then(Path::parent).unwrap().to_owned();
    let target = profile.parent().unwrap();
    let mut command = Command::new(std::env::var("CARGO").unwrap_or_else(|_| "cargo".into()));
    command.args(["build", "--quiet", "--workspace", "--bin", "lethe", "--bin", "lethe-audit", "--target-dir"]);
    command.arg(target);
    if profile.ends_with("release") {
        command.arg("--release");
    }
    let done = command.stdin(Stdio::null()).current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    profile
}

/// What a program said, and how it ended.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Ended {
    /// What it printed, when it did what it was told.
    ///
    /// # Panics
    /// When it did not.
    pub fn done(self) -> String {
        assert_eq!(self.code, Some(0), "{self:?}");
        self.out
    }
}

/// Runs `lethe` to its end.
pub fn lethe<A: AsRef<OsStr>>(arguments: &[A]) -> Ended {
    run(Command::new(program("lethe")).args(arguments))
}

/// Runs `lethe-audit` to its end.
pub fn lethe_audit<A: AsRef<OsStr>>(arguments: &[A]) -> Ended {
    run(Command::new(program("lethe-audit")).args(arguments))
}

/// Runs a command to its end.
pub fn run(command: &mut Command) -> Ended {
    let output = command.stdin(Stdio::null()).output().unwrap();
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    Ended { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
}

/// Has `lethe token issue` make a token, and reads it off.
pub fn issue_token(data: &Path, role: &str, name: &str, more: &[&str]) -> String {
    let data = data.to_str().unwrap();
    let said =
        lethe(&[&["token", "issue", "--test", "--data", data, "--role", role, "--name", name], more].concat()).done();
    said.trim().rsplit(' ').next().unwrap().to_owned()
}
