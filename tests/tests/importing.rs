//! An import that is killed half-way and run again goes on: in the end everything is there once.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use tests::programs::{Ended, lethe, program};

const ROWS: usize = 4_000;
const BAD: usize = 40;

fn file(home: &Path) -> String {
    let mut text = "id,company,name,city,email\n".to_owned();
    for n in 0..ROWS {
        let mail = if n % (ROWS / BAD) == 7 { "no mail" } else { "someone@example.org" };
        text.push_str(&format!("{n},Company {},Person {n},Ulm,{mail}\n", n / 5));
    }
    let path = home.join("people.csv");
    fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

fn head(data: &str) -> u64 {
    let said = lethe(&["verify", "--data", data]).done();
    let head = said.lines().find_map(|line| line.strip_prefix("head ")).unwrap().to_owned();
    head.split(':').next().unwrap().parse().unwrap()
}

fn import(arguments: &[&str]) -> Ended {
    lethe(&[&["import", "contacts"], arguments].concat())
}

#[test]
fn killed_at_any_moment_and_run_again_it_goes_on() {
    let home = tempfile::tempdir().unwrap();
    let (file, rejects) = (file(home.path()), home.path().join("rejects.csv"));
    let [whole, data] = ["whole", "data"].map(|name| home.path().join(name).to_str().unwrap().to_owned());
    let counts = import(&[&file, "--data", &whole]).done();
    let taken = ROWS - BAD;
    assert!(counts.contains(&format!("{taken} new, 0 unchanged, 0 changed, {BAD} rejected")), "{counts}");

    let again = [file.as_str(), "--data", &data, "--rejects", rejects.to_str().unwrap()];
    let mut killed = 0;
    for wait_ms in [400, 700, 1_000, 1_500] {
        let mut command = Command::new(program("lethe"));
        command.args(["import", "contacts"]).args(again).stdin(Stdio::null()).stdout(Stdio::null());
        let mut child = command.stderr(Stdio::null()).spawn().unwrap();
        thread::sleep(Duration::from_millis(wait_ms));
        if child.try_wait().unwrap().is_none() {
            child.kill().unwrap();
            killed += 1;
        }
        child.wait().unwrap();
        // A fast machine may have finished; then the file is whole, and goes so that the next run may write it.
        if let Ok(text) = fs::read_to_string(&rejects) {
            assert_eq!(text.lines().count(), 1 + BAD, "a killed run leaves no part of the file");
            fs::remove_file(&rejects).unwrap();
        }
        let left = fs::read_dir(home.path()).unwrap().map(|entry| entry.unwrap().file_name());
        let known = |name: &std::ffi::OsString| ["people.csv", "whole", "data"].iter().any(|known| name == known);
        assert_eq!(left.filter(|name| !known(name)).count(), 0, "{killed} killed runs leave nothing but the ledger");
    }
    import(&again).done();
    assert_eq!(fs::read_to_string(&rejects).unwrap().lines().count(), 1 + BAD);
    let counts = import(&[&file, "--data", &data]).done();
    let expected = format!("0 new, {taken} unchanged, 0 changed, {BAD} rejected; 0 organizations made");
    assert!(counts.contains(&expected), "{counts}");
    assert_eq!(head(&data), head(&whole), "no record too many, none too few");
}
