//! `cargo xtask test`: installs what the tests need and is missing, then runs all of them.
//! `cargo xtask corpus`: writes what `cargo fuzz` begins with.
//!
//! Plain `cargo test --workspace` runs everything that needs only Rust and a C compiler; tests that need more are marked
//! `#[ignore = "needs …"]` and run here. They find the npm packages through `LETHE_NPM`, and through `LETHE_PYTHON` a Python
//! with the packages of the second verifier.
//! Power cuts are tried in twice as many states.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for the terminal")]

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

/// The npm packages that the tests need, with their checksums.
const PACKAGES: [(&str, &str); 2] = [
    ("package.json", include_str!("../../audits/graphql-http/package.json")),
    ("package-lock.json", include_str!("../../audits/graphql-http/package-lock.json")),
];

/// The Python packages that the second verifier needs.
const REQUIREMENTS: &str = include_str!("../../../verifier/requirements.txt");

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = match arguments.first().map(String::as_str) {
        Some("test") => test(arguments.get(1..).unwrap_or_default()),
        Some("corpus") => corpus(),
        _ => Err("usage: cargo xtask test [FILTER …], cargo xtask corpus".to_owned()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("xtask: {why}");
            ExitCode::FAILURE
        }
    }
}

fn test(filters: &[String]) -> Result<(), String> {
    need("cc", "--version", &["gcc", "libc6-dev"])?;
    need("node", "--version", &["nodejs"])?;
    need("npm", "--version", &["npm"])?;
    need("openssl", "version", &["openssl"])?;
    need("softhsm2-util", "--version", &["softhsm2"])?;
    need("mke2fs", "-V", &["e2fsprogs"])?;
    need("python3", "--version", &["python3", "python3-venv"])?;
    let (packages, python) = (install_packages()?, install_python()?);
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let run = |arguments: &[&str]| {
        let mut command = Command::new(&cargo);
        command.current_dir(root()).env("LETHE_NPM", &packages).env("LETHE_PYTHON", &python).env("LETHE_STATES", "2");
        command.args(arguments).args(filters);
        must(&mut command)
    };
    if answers(Command::new(&cargo).args(["nextest", "--version"])) {
        run(&["nextest", "run", "--workspace", "--run-ignored", "all", "--no-tests", "pass"])?;
        // Nextest runs no examples of the documentation.
        run(&["test", "--workspace", "--doc"])
    } else {
        // Not `--include-ignored`: an example of the documentation that is ignored does not compile on purpose.
        run(&["test", "--workspace"])?;
        run(&["test", "--workspace", "--all-targets", "--", "--ignored"])
    }
}

/// The examples of every reader, a file each.
fn corpus() -> Result<(), String> {
    for target in tests::fuzz::TARGETS {
        let folder = root().join("fuzz/corpus").join(target.name);
        let failed = |e: std::io::Error| format!("{}: {e}", folder.display());
        std::fs::create_dir_all(&folder).map_err(failed)?;
        for (number, example) in (target.examples)().iter().enumerate() {
            std::fs::write(folder.join(format!("example-{number}")), example).map_err(failed)?;
        }
    }
    Ok(())
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_owned).unwrap_or_default()
}

/// The folder that holds `node_modules`.
fn install_packages() -> Result<PathBuf, String> {
    install("npm", &PACKAGES, |home| {
        must(Command::new("npm").args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"]).current_dir(home))
    })
}

/// The Python of a virtual environment that has the packages.
fn install_python() -> Result<PathBuf, String> {
    let home = install("python", &[("requirements.txt", REQUIREMENTS)], |home| {
        must(Command::new("python3").args(["-m", "venv", "--clear", "env"]).current_dir(home))?;
        let pip =
            ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement", "requirements.txt"];
        must(Command::new(home.join("env/bin/python")).args(pip).current_dir(home))
    })?;
    Ok(home.join("env/bin/python"))
}

/// Makes a folder below `target` with these files, and installs what they name, once.
fn install(
    name: &str,
    files: &[(&str, &str)],
    installs: impl Fn(&Path) -> Result<(), String>,
) -> Result<PathBuf, String> {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    let home = root().join(target).join(name);
    let stamp = home.join("installed");
    let wanted: String = files.iter().map(|(_, text)| *text).collect();
    if std::fs::read_to_string(&stamp).is_ok_and(|there| there == wanted) {
        return Ok(home);
    }
    let write = |path: &Path, text: &str| std::fs::write(path, text).map_err(|e| format!("{}: {e}", path.display()));
    std::fs::create_dir_all(&home).map_err(|e| format!("{}: {e}", home.display()))?;
    files.iter().try_for_each(|(name, text)| write(&home.join(name), text))?;
    installs(&home)?;
    write(&stamp, &wanted)?;
    Ok(home)
}

/// Makes sure that `program` runs and answers a question: from Debian's packages, where we may install them.
fn need(program: &str, question: &str, packages: &[&str]) -> Result<(), String> {
    if answers(Command::new(program).arg(question)) {
        return Ok(());
    }
    let missing = format!("the tests need {program}; install it (Debian: apt-get install {})", packages.join(" "));
    let Some(apt) = apt_get() else { return Err(missing) };
    println!("xtask: {program} is missing, installing {}", packages.join(" "));
    let with = |arguments: &[&str]| {
        let mut words = apt.iter().chain(arguments);
        let mut command = Command::new(words.next().copied().unwrap_or_default());
        must(command.args(words).env("DEBIAN_FRONTEND", "noninteractive"))
    };
    with(&["update", "-q"])?;
    with(&[&["install", "-q", "-y", "--no-install-recommends"], packages].concat())?;
    if answers(Command::new(program).arg(question)) { Ok(()) } else { Err(missing) }
}

/// How to call `apt-get` with the right to install, if there is a way without asking for a password.
fn apt_get() -> Option<Vec<&'static str>> {
    if !answers(Command::new("apt-get").arg("--version")) {
        return None;
    }
    let is_root = Command::new("id").arg("-u").output().is_ok_and(|out| out.stdout == b"0\n");
    if is_root {
        return Some(vec!["apt-get"]);
    }
    answers(Command::new("sudo").args(["-n", "true"])).then(|| vec!["sudo", "-n", "apt-get"])
}

fn answers(command: &mut Command) -> bool {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|s| s.success())
}

fn must(command: &mut Command) -> Result<(), String> {
    let status = command.status().map_err(|e| format!("{}: {e}", command.get_program().display()))?;
    if status.success() { Ok(()) } else { Err(format!("{} ended with {status}", command.get_program().display())) }
}
