//! What an image of the disk gives back, by `lethe-audit forensic`: nothing that was destroyed to whoever has the current
//! root, and everything to whoever kept the old one. Three keys die among three thousand, far apart: victims that lie
//! close together rotate each other's nodes, and hide what is left undone.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use domain::compartment::Compartment;
use domain::event::{Stream, StreamKind};
use domain::id::{ActorId, CommandId, KeyId, LogId, SubjectId};
use domain::time::Time;
use events::keyring::{Key, KeyState};
use events::log::carve::binding;
use events::log::frame::{self, Sums};
use events::log::{Entry, Part, PartBytes};
use events::record::{Draft, Link, NO_HASH, PartRef, Record, hash};
use events::seal::{Plain, seal};
use serde_json::Value;
use tempfile::TempDir;
use tests::acts::{Act, destroy, perform_all};
use tests::book;
use tests::cast::Someone;
use tests::files::{read_files, write_files};
use tests::programs::{Ended, lethe_audit};
use tests::vault::{self, Vault};

const ERASED: [Someone; 3] = [Someone(1), Someone(2), Someone(3)];
const STAYS: Someone = Someone(4);

type Files = BTreeMap<PathBuf, Vec<u8>>;

/// A ledger with three people erased, and its files from before and after.
struct Shred {
    home: TempDir,
    log: LogId,
    before: Files,
    after: Files,
    /// By fingerprint.
    died: Vec<[u8; 16]>,
    /// A key that lives.
    live: (KeyId, Key),
}

static SHRED: LazyLock<Shred> = LazyLock::new(Shred::new);

impl Shred {
    fn new() -> Self {
        let home = TempDir::new().unwrap();
        let data = home.path().join("data");
        let ledger = book::open_or_create(&data).unwrap();
        let live = ledger.keyring().mint().unwrap();
        for who in ERASED {
            perform_all(&ledger, who, &[Act::Contact]);
            // Nobody has these, and they are live until somebody opens the ledger again.
            (0..990).for_each(|_| drop(ledger.keyring().mint().unwrap()));
        }
        perform_all(&ledger, STAYS, &Act::DAILY);
        ERASED.iter().for_each(|who| perform_all(&ledger, *who, &Act::TO_THE_FENCE));
        let before = read_files(&data);
        for who in ERASED {
            destroy(&ledger, who).unwrap();
        }
        let gone = ledger.keyring().fingerprints().into_iter().map(|(id, _)| id);
        let gone = gone.filter(|id| matches!(ledger.keyring().state(id), KeyState::Erased { .. }));
        let died: Vec<[u8; 16]> = gone.map(|id| id.0).collect();
        assert_eq!(died.len(), 3);
        let log = ledger.log_id();
        drop(ledger);
        let after = read_files(&data);
        Self { home, log, before, after, died, live }
    }

    fn data(&self) -> PathBuf {
        self.home.path().join("data")
    }

    /// Asks what some images give back to the root that there is now.
    fn ask(&self, images: &[&Path], more: &[&str]) -> (Ended, Value) {
        let data = self.data();
        self.ask_with(images, &[&["--data", data.to_str().unwrap()], more].concat())
    }

    fn ask_with(&self, images: &[&Path], more: &[&str]) -> (Ended, Value) {
        let images: Vec<&str> = images.iter().map(|image| image.to_str().unwrap()).collect();
        // Several tests may ask at once, and whoever reads the records of a directory holds it meanwhile.
        let ask = || {
            let ended = lethe_audit(&[&["forensic", "--json"], &images[..], more].concat());
            if ended.err.contains("uses this directory") { Err(ended.err) } else { Ok(ended) }
        };
        let ended = book::patiently(ask).unwrap();
        let said = serde_json::from_str(&ended.out).unwrap_or(Value::Null);
        (ended, said)
    }

    /// The files of an anchor as it was, and the file that names it.
    fn kept_anchor(&self, files: &Files, to: &Path) -> PathBuf {
        let anchor: Files = files.iter().filter(|(path, _)| path.starts_with("anchor")).map(own).collect();
        write_files(to, &anchor);
        fs::write(to.join("keyring.conf"), "copy keyring\nanchor file anchor\n").unwrap();
        to.join("keyring.conf")
    }

    fn raw_before(&self) -> Vec<u8> {
        raw(&self.before)
    }

    fn raw_after(&self) -> Vec<u8> {
        raw(&self.after)
    }

    /// What the root of these files opens in them.
    fn vault(files: &Files) -> Vault {
        let anchor: Vec<u8> =
            files.iter().filter(|(path, _)| path.starts_with("anchor")).flat_map(|(_, b)| b.clone()).collect();
        Vault::open(&raw(files), &anchor)
    }

    /// The key of the second victim, as it was before.
    fn victim(&self) -> [u8; 32] {
        Self::vault(&self.before).slots[&self.died[1]]
    }
}

fn own((path, bytes): (&PathBuf, &Vec<u8>)) -> (PathBuf, Vec<u8>) {
    (path.clone(), bytes.clone())
}

/// All files in one, none of them where a file system would put it.
fn raw(files: &Files) -> Vec<u8> {
    let mut image = vec![0xee; 777];
    for (number, bytes) in files.values().enumerate() {
        image.extend(bytes);
        image.extend(vec![(number % 251) as u8; 1 + 2 * (number * 37 % 600)]);
    }
    image
}

fn written(dir: &TempDir, name: &str, bytes: &[u8]) -> PathBuf {
    let path = dir.path().join(name);
    fs::write(&path, bytes).unwrap();
    path
}

fn count(said: &Value, pointer: &str) -> u64 {
    said.pointer(pointer).and_then(Value::as_u64).unwrap_or_else(|| panic!("{pointer} in {said}"))
}

fn opened(said: &Value) -> Vec<String> {
    let list = said.pointer("/keys/destroyed_opened").and_then(Value::as_array);
    list.unwrap_or_else(|| panic!("{said}")).iter().map(|key| key.as_str().unwrap().to_owned()).collect()
}

/// Nothing that was destroyed, and everything else.
fn gives_back_the_living(said: &Value) {
    assert_eq!((opened(said).len(), count(said, "/keys/destroyed")), (0, 3), "{said}");
    let live = count(said, "/keys/live");
    assert!(live > 2_950, "{live} keys are few");
    assert_eq!(count(said, "/keys/live_opened"), live);
    assert!(count(said, "/parts/opened") > 10, "{said}");
    assert_eq!(count(said, "/parts/opened_of_destroyed"), 0);
    assert!(count(said, "/parts/closed_of_destroyed") >= 3, "the parts of the erased are not swept yet");
    assert_eq!(count(said, "/parts/closed_with_key"), 0);
    assert_eq!(said.pointer("/in_clear"), Some(&Value::Array(Vec::new())));
    assert_eq!(said.pointer("/in_records"), Some(&Value::Array(Vec::new())));
}

#[test]
fn an_image_taken_after_gives_back_nobody_and_the_old_root_everybody() {
    let (shred, dir) = (&*SHRED, TempDir::new().unwrap());
    let (before, after) =
        (written(&dir, "before.raw", &shred.raw_before()), written(&dir, "after.raw", &shred.raw_after()));
    let (ended, said) = shred.ask(&[&after], &["--deep"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    gives_back_the_living(&said);
    assert_eq!(count(&said, "/found/nodes"), count(&said, "/found/nodes_opened"), "of old nodes nothing is left");
    // The directory itself is an image too.
    let (ended, said) = shred.ask(&[&shred.data()], &[]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    gives_back_the_living(&said);

    // Else the reader is blind.
    let old = shred.kept_anchor(&shred.before, &dir.path().join("old"));
    let data = shred.data();
    let with_old = ["--keyring-conf", old.to_str().unwrap(), "--ledger", data.to_str().unwrap()];
    let (ended, said) = shred.ask_with(&[&before], &with_old);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let names: Vec<String> = opened(&said);
    let died: Vec<String> = shred.died.iter().map(|id| KeyId(*id).to_string()).collect();
    assert!(died.iter().all(|id| names.contains(id)) && names.len() == 3, "{names:?} {died:?}");
    assert!(count(&said, "/parts/opened_of_destroyed") >= 3);
    let (ended, said) = shred.ask_with(&[&after], &with_old);
    assert_eq!(ended.code, Some(1), "nothing shows that it reads: {ended:?}");
    assert_eq!((opened(&said).len(), count(&said, "/keys/live_opened")), (0, 0), "of the old tree nothing is left");
}

/// Why a file as an anchor is called logical: whoever copied it before has the root after.
#[test]
fn an_old_root_in_an_old_image_is_found_and_said() {
    let (shred, dir) = (&*SHRED, TempDir::new().unwrap());
    let both = written(&dir, "both.raw", &[shred.raw_before(), shred.raw_after()].concat());
    let (ended, said) = shred.ask(&[&both], &[]);
    assert_eq!(ended.code, Some(0), "the root that there is now opens nothing: {ended:?}");
    gives_back_the_living(&said);
    assert_eq!(said.pointer("/old_roots/0/destroyed_opened"), Some(&3.into()), "{said}");
    let data = shred.data();
    let words = lethe_audit(&["forensic", both.to_str().unwrap(), "--data", data.to_str().unwrap()]).done();
    assert!(words.contains("The current root opens 0 of 3 destroyed keys and all "), "{words}");
    assert!(words.contains("It opens 3 of 3 destroyed keys") && words.contains("logical"), "{words}");
    assert!(ERASED.iter().chain([&STAYS]).all(|who| who.values().iter().all(|value| !words.contains(value))));
    // Taken before, and nothing beside it: nobody can tell whether the reader sees anything.
    let before = written(&dir, "before.raw", &shred.raw_before());
    let (ended, said) = shred.ask(&[&before], &[]);
    assert_eq!((ended.code, said.pointer("/verdict/status")), (Some(1), Some(&"not-checked".into())), "{ended:?}");
}

#[test]
#[ignore = "needs e2fsprogs"]
fn a_file_system_gives_back_the_same_and_so_do_its_deleted_files() {
    let (shred, dir) = (&*SHRED, TempDir::new().unwrap());
    let disk = ext4(&dir, "after.ext4", &shred.data());
    let (ended, said) = shred.ask(&[&disk], &["--deep"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    gives_back_the_living(&said);

    // A disk on which the keyring and the anchor of before were deleted, and nothing was overwritten.
    let old = dir.path().join("old");
    write_files(&old, &shred.before);
    let deleted = ext4(&dir, "before.ext4", &old);
    for path in shred.before.keys().filter(|path| path.starts_with("keyring") || path.starts_with("anchor")) {
        let remove = format!("rm /{}", path.display());
        let done = Command::new("debugfs").args(["-w", "-R", &remove]).arg(&deleted).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }
    let (ended, said) = shred.ask(&[&deleted, &disk], &[]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    gives_back_the_living(&said);
    assert_eq!(said.pointer("/old_roots/0/destroyed_opened"), Some(&3.into()), "{said}");
}

fn ext4(dir: &TempDir, name: &str, from: &Path) -> PathBuf {
    let image = dir.path().join(name);
    let mut make = Command::new("mke2fs");
    make.args(["-q", "-F", "-t", "ext4", "-d"]).arg(from).arg(&image).arg("64M");
    let made = make.output().expect("this test needs mke2fs (Debian: apt-get install e2fsprogs)");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    image
}

/// What a rotation would leave that keeps the key of a leaf, or of a node above it: what was there before opens again.
#[test]
fn nodes_under_keys_that_were_not_rotated_are_caught() {
    let (shred, dir) = (&*SHRED, TempDir::new().unwrap());
    let (old, new) = (Shred::vault(&shred.before), Shred::vault(&shred.after));
    let victim = shred.victim();
    let leaf = old.leaf_of(&victim);
    let above = (1, leaf.1 / 16);
    let (old_leaf, old_above) = (&old.nodes[&leaf], &old.nodes[&above]);
    let kept_leaf = new.seal(leaf, &new.nodes[&leaf].0, &old_leaf.1);
    let kept_above = new.seal(above, &new.nodes[&above].0, &old_above.1);
    // Nobody names this one for the leaf: every key must be tried.
    let elsewhere = new.seal(leaf, &new.nodes[&(0, leaf.1 + 40)].0, &old_leaf.1);
    let old_leaf = new.seal(leaf, &old_leaf.0, &old_leaf.1);
    for (what, left) in [
        ("a leaf's key", kept_leaf),
        ("a middle node's key", [kept_above, vec![0; 33], old_leaf.clone()].concat()),
        ("another leaf's key", elsewhere),
    ] {
        let image = written(&dir, "image", &[shred.raw_after(), vec![9; 3], left].concat());
        let (ended, said) = shred.ask(&[&image], &[]);
        assert_eq!(ended.code, Some(1), "{what}: {ended:?}");
        assert_eq!(opened(&said), [KeyId(vault::fingerprint(&victim)).to_string()], "{what}");
        assert!(count(&said, "/parts/opened_of_destroyed") > 0, "{what}");
        assert!(said.to_string().contains("ordered by the records"), "{said}");
    }
    // A node that nothing opens gives nothing back, and is no fault.
    let image = written(&dir, "image", &[shred.raw_after(), old_leaf].concat());
    assert_eq!(shred.ask(&[&image], &[]).0.code, Some(0));
}

#[test]
fn a_key_in_clear_is_caught_wherever_it_stands() {
    let (shred, dir) = (&*SHRED, TempDir::new().unwrap());
    let victim = shred.victim();
    let name = KeyId(shred.died[1]).to_string();
    let mut cached = shred.raw_after();
    let at = cached.len() / 2 + 1;
    cached.splice(at..at, victim);
    let image = written(&dir, "cached", &cached);
    assert_eq!(shred.ask(&[&image], &[]).0.code, Some(0), "it is not looked for");
    let (ended, said) = shred.ask(&[&image], &["--deep"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let there = said.pointer("/in_clear/0").unwrap();
    assert_eq!((there["key"].as_str(), there["offset"].as_u64()), (Some(&*name), Some(at as u64)), "{said}");
    let printed: String = victim.iter().map(|byte| format!("{byte:02x}")).collect();
    let image = written(&dir, "printed", format!("DEBUG the key is {printed}, is it not?").as_bytes());
    let (ended, said) = shred.ask(&[&image, &shred.data()], &["--deep"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert_eq!(said.pointer("/in_clear/0/key").and_then(Value::as_str), Some(&*name));
}

/// A key must lie under no key that does not rotate: not in a record, and not in what is sealed in one.
#[test]
fn a_key_in_an_event_is_caught() {
    let (shred, dir) = (&*SHRED, TempDir::new().unwrap());
    let victim = shred.victim();
    let sealed = [b"for the backup: ", &victim[..]].concat();
    let faults = [("sealed", shred.frame(vec![1, 2, 3], sealed)), ("in clear", shred.frame(victim.to_vec(), vec![7]))];
    for (what, frame) in faults {
        let image = written(&dir, "image", &[vec![1; 5], frame].concat());
        let (ended, said) = shred.ask(&[&image, &shred.data()], &[]);
        assert_eq!(ended.code, Some(1), "{what}: {ended:?}");
        let there = said.pointer("/in_records/0").unwrap();
        assert_eq!(there["key"].as_str(), Some(&*KeyId(shred.died[1]).to_string()), "{what}");
        assert_eq!(there["position"].as_u64(), Some(7_777), "{what}");
    }
    let image = written(&dir, "image", &shred.frame(vec![1, 2, 3], vec![7]));
    assert_eq!(shred.ask(&[&image, &shred.data()], &[]).0.code, Some(0), "the frame alone is no fault");
}

impl Shred {
    /// A frame of this log with these facts, and this sealed under a key that lives.
    fn frame(&self, facts: Vec<u8>, sealed: Vec<u8>) -> Vec<u8> {
        let (id, key) = &self.live;
        let plain = Plain { subject: SubjectId([1; 16]), compartment: Compartment::Relationship, fields: vec![sealed] };
        let named = |commitment| PartRef { compartment: Compartment::Relationship, key: *id, commitment };
        let draft = |commitment| Draft {
            stream: Stream { kind: StreamKind::Contact, id: [9; 16] },
            revision: 0,
            kind: "contact.registered",
            version: 1,
            effective_at: Time(0),
            actor: ActorId([0; 16]),
            command: CommandId([1; 16]),
            index: 0,
            count: 1,
            causation: None,
            facts: facts.clone(),
            personal: vec![named(commitment)],
        };
        let link = Link {
            log: self.log,
            position: 7_777,
            recorded_at: Time(1),
            previous: NO_HASH,
            previous_in_stream: NO_HASH,
        };
        let first = draft([0; 32]).write(&link).unwrap();
        let part = seal(&plain, key, &binding(&Record::parse(&first).unwrap(), 0, *id)).unwrap();
        let record = draft(part.commitment).write(&link).unwrap();
        let parts = vec![Part { key: *id, bytes: PartBytes::Present(part.bytes) }];
        let mut out = Vec::new();
        frame::write(&mut out, &Sums::of(self.log), 7_777, &[Entry { hash: hash(&record), record, parts }]).unwrap();
        out
    }
}

#[test]
fn another_log_and_nothing_at_all_get_a_clear_answer() {
    let (shred, dir) = (&*SHRED, TempDir::new().unwrap());
    let other = dir.path().join("other");
    drop(book::open_or_create(&other).unwrap());
    let data = other.to_str().unwrap();
    let after = written(&dir, "after.raw", &shred.raw_after());
    let refused = lethe_audit(&["forensic", after.to_str().unwrap(), "--data", data]);
    assert_eq!(refused.code, Some(2), "{refused:?}");
    assert!(
        refused.err.contains("no header of this log") && refused.err.contains(&shred.log.to_string()),
        "{refused:?}"
    );
    // Without any records, the anchor says whose log it is.
    let anchor = shred.kept_anchor(&shred.after, &dir.path().join("anchor of it"));
    let (ended, said) = shred.ask_with(&[&after], &["--keyring-conf", anchor.to_str().unwrap()]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(said["log"].as_str(), Some(&*shred.log.to_string()));
    let empty = written(&dir, "empty", b"");
    let zeros = written(&dir, "zeros", &[0; 100_000]);
    let ours = shred.data();
    let answers = [(&empty, "no byte"), (&zeros, "no header of this log"), (&dir.path().join("none"), "cannot read")];
    for (image, answer) in answers {
        let refused = lethe_audit(&["forensic", image.to_str().unwrap(), "--data", ours.to_str().unwrap()]);
        assert!(refused.code == Some(2) && refused.err.contains(answer), "{refused:?}");
    }
    let nobody = dir.path().join("nobody");
    fs::create_dir(&nobody).unwrap();
    fs::write(nobody.join("keyring.conf"), "copy keyring\nanchor file anchor\n").unwrap();
    let conf = nobody.join("keyring.conf");
    let refused = lethe_audit(&["forensic", after.to_str().unwrap(), "--keyring-conf", conf.to_str().unwrap()]);
    assert!(refused.code == Some(2) && refused.err.contains("no anchor"), "{refused:?}");
    assert!(!nobody.join("anchor").exists(), "nothing is made");
}
