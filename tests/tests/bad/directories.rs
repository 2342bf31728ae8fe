//! Directories that are not served: in use, not ours, a demo's, or with the keys of another log.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use tests::files::read_files;
use tests::programs::{Ended, issue_token, lethe, lethe_audit};
use tests::server::{self, Server};

/// What must be as it was. The lock is taken to look, and the index may be made again at any time.
fn kept(data: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = read_files(data);
    files.retain(|path, _| path != Path::new("lock") && !path.starts_with("index"));
    files
}

/// `serve` ends with a sentence that holds this, and without a change.
fn refused(data: &Path, arguments: &[&str], reason: &str) -> Ended {
    let before = kept(data);
    let ended = Server::try_at(data, arguments).err().unwrap_or_else(|| panic!("{reason}: it is served"));
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.err.contains(reason) && ended.out.is_empty(), "{ended:?}");
    assert_eq!(kept(data), before, "{reason}: something was changed");
    ended
}

#[test]
fn a_directory_that_another_process_holds_is_refused() {
    let server = Server::start(&[]);
    let data = server.data.to_str().unwrap();
    let second = Server::try_at(&server.data, &[]).err().expect("a second server on one directory");
    assert!(second.code == Some(1) && second.err.contains("another process"), "{second:?}");
    let verified = lethe(&["verify", "--data", data]);
    assert!(verified.code == Some(1) && verified.err.contains("another process"), "{verified:?}");
    let out = tempfile::tempdir().unwrap();
    let copied = lethe_audit(&["copy", "--data", data, out.path().to_str().unwrap()]);
    assert!(copied.code == Some(2) && copied.err.contains("copy --server URL --token TOKEN"), "{copied:?}");
    assert_eq!(server.get("/ready").unwrap().0, 200);
    let err = server.stop().err;
    assert!(!err.contains("panicked"), "{err}");
}

#[test]
fn a_directory_of_somebody_else_is_refused_by_every_command() {
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("holiday.jpg"), "not a ledger").unwrap();
    refused(home.path(), &[], "something else than a ledger");
    refused(home.path(), &["--demo"], "something else than a ledger");
    let data = home.path().to_str().unwrap();
    let csv = home.path().join("holiday.jpg");
    for arguments in [
        &["token", "issue", "--data", data, "--role", "agent", "--name", "Nancy"][..],
        &["token", "list", "--data", data],
        &["import", "contacts", csv.to_str().unwrap(), "--data", data],
        &["verify", "--data", data],
        &["clock", "confirm", "--data", data],
    ] {
        let ended = lethe(arguments);
        assert!(ended.code == Some(1) && ended.err.contains("something else than a ledger"), "{ended:?}");
    }
    let audited = lethe_audit(&["verify", data]);
    assert!(
        audited.code == Some(2) && audited.err.contains("neither an audit copy nor a data directory"),
        "{audited:?}"
    );
    assert_eq!(kept(home.path()).len(), 1);
}

#[test]
fn a_demo_and_a_real_ledger_are_never_mixed() {
    let home = tempfile::tempdir().unwrap();
    let (real, demo) = (home.path().join("real"), home.path().join("demo"));
    assert!(Server::spawn(server::real(&real, &[]), &real).unwrap().stop().status.success());
    refused(&real, &["--demo"], "no demo");
    assert!(Server::at(&demo, &["--demo"]).stop().status.success());
    let mixed = Server::spawn(server::real(&demo, &[]), &demo).err().unwrap();
    assert!(mixed.code == Some(1) && mixed.err.contains("a demo or test ledger"), "{mixed:?}");
}

#[test]
fn a_keyring_of_another_log_is_refused_and_the_right_one_goes_on() {
    let home = tempfile::tempdir().unwrap();
    let [ours, theirs, aside] = ["ours", "theirs", "aside"].map(|name| home.path().join(name));
    for data in [&ours, &theirs] {
        issue_token(data, "agent", "Nancy Planted", &[]);
    }
    let whole = lethe(&["verify", "--data", ours.to_str().unwrap()]).done();
    for (swapped, reason) in [
        (&["keyring", "keyring.copy", "anchor"][..], "the keyring belongs to log_"),
        (&["keyring", "keyring.copy"], "the keyring belongs to log_"),
        (&["anchor"], "member 1 of the keyring's anchor is file "),
    ] {
        let move_all = |from: &Path, to: &Path| {
            std::fs::create_dir_all(to).unwrap();
            swapped.iter().for_each(|part| std::fs::rename(from.join(part), to.join(part)).unwrap());
        };
        move_all(&ours, &aside);
        move_all(&theirs, &ours);
        let ended = refused(&ours, &[], reason);
        assert!(!ended.err.contains("Nancy") && !ended.err.contains("panicked"), "{ended:?}");
        move_all(&ours, &theirs);
        move_all(&aside, &ours);
        assert_eq!(lethe(&["verify", "--data", ours.to_str().unwrap()]).done(), whole);
    }
}

#[test]
fn a_lost_copy_of_the_keyring_is_named_and_made_again() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("ledger");
    issue_token(&data, "agent", "Nancy Planted", &[]);
    let whole = lethe(&["verify", "--data", data.to_str().unwrap()]).done();
    for copy in ["keyring", "keyring.copy"] {
        std::fs::remove_dir_all(data.join(copy)).unwrap();
        let ended = refused(&data, &[], "lethe keyring repair");
        assert!(ended.err.contains("missing") && !ended.err.contains("Nancy"), "{ended:?}");
        let repaired = lethe(&["keyring", "repair", "--data", data.to_str().unwrap()]).done();
        assert!(repaired.contains("was copied anew"), "{repaired}");
        let again = lethe(&["keyring", "repair", "--data", data.to_str().unwrap()]).done();
        assert!(again.contains("whole and the same"), "{again}");
        assert_eq!(lethe(&["verify", "--data", data.to_str().unwrap()]).done(), whole);
    }
}
