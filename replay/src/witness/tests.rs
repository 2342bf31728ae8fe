//! The witness without a network: every answer, races, and what becomes of its state.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use events::checkpoint::Checkpoint;
use events::note::{FileSigner, Kind, SignedNote, Signer, VerifierKey};
use events::tree::{self, Frontier, Node, Rows};

use super::{Answer, State, Store, Witness, WitnessError, store};

const ORIGIN: &str = "log.example/one";

/// A tree of so many leaves; another seed is another history from the leaf of this number on.
struct Tree {
    rows: Vec<Vec<Node>>,
}

impl Tree {
    fn of(size: u64, forked_at: u64) -> Self {
        let (mut rows, mut frontier) = (vec![Vec::new(); 2], Frontier::new());
        for n in 0..size {
            let entry = [n.to_be_bytes(), u64::from(n >= forked_at).to_be_bytes()].concat();
            frontier.push(tree::leaf(&entry), &mut |row, _, hash| rows[row as usize].push(hash));
        }
        Self { rows }
    }
}

impl Rows for Tree {
    type Error = std::convert::Infallible;

    fn read(&self, row: u32, first: u64, count: usize) -> Result<Vec<Node>, Self::Error> {
        Ok(self.rows[row as usize][first as usize..][..count].to_vec())
    }
}

/// A log with its keys, and a directory for a witness.
struct Scene {
    dir: tempfile::TempDir,
    tree: Tree,
    forked: Tree,
}

impl Scene {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap(), tree: Tree::of(300, 300), forked: Tree::of(300, 5) }
    }

    fn signer(&self, name: &str) -> FileSigner {
        FileSigner::at(&self.dir.path().join("keys").join(name)).unwrap()
    }

    fn log_key(&self, origin: &str) -> VerifierKey {
        VerifierKey::new(origin, Kind::Note, self.signer("log").public()).unwrap()
    }

    fn state(&self) -> PathBuf {
        self.dir.path().join("state")
    }

    fn open(&self) -> Result<Witness, WitnessError> {
        self.open_as("w.example/1", "witness")
    }

    fn open_as(&self, name: &str, key: &str) -> Result<Witness, WitnessError> {
        let logs = vec![self.log_key(ORIGIN), self.log_key("log.example/two")];
        Witness::open(Store::hold(&self.state())?, name, Box::new(self.signer(key)), logs)
    }

    fn note(&self, tree: &Tree, size: u64) -> SignedNote {
        let Ok(root) = tree::root(tree, size);
        self.signed(&Checkpoint { origin: ORIGIN.into(), size, root })
    }

    fn signed(&self, checkpoint: &Checkpoint) -> SignedNote {
        let mut note = SignedNote::new(checkpoint.to_string()).unwrap();
        note.sign(&checkpoint.origin, Kind::Note, 0, &self.signer("log")).unwrap();
        note
    }

    fn request(&self, old: u64, size: u64) -> String {
        let Ok(path) = tree::consistency(&self.tree, old, size);
        request(old, &path, &self.note(&self.tree, size))
    }
}

fn request(old: u64, path: &[Node], note: &SignedNote) -> String {
    events::proof::Consistency { old, path: path.to_vec(), note: note.clone() }.to_string()
}

fn cosigned(answer: &Answer) -> &str {
    let Answer::Cosigned(lines) = answer else { panic!("{answer:?}") };
    lines
}

#[test]
fn a_log_that_grows_is_cosigned_at_every_step() {
    let scene = Scene::new();
    let witness = scene.open().unwrap();
    let steps = [0, 1, 1, 2, 7, 8, 255, 256, 256, 257, 300];
    for (old, size) in [0].into_iter().chain(steps).zip(steps) {
        let note = scene.note(&scene.tree, size);
        let answer = witness.add(scene.request(old, size).as_bytes());
        // What a client does: put the answer behind the checkpoint, and read it as one note.
        let whole = SignedNote::parse(format!("{note}{}", cosigned(&answer)).as_bytes()).unwrap();
        let keys = [witness.key().clone()];
        let signed = whole.verify(&keys).unwrap();
        assert!(signed[0].at > Some(1_700_000_000), "{old} to {size}");
        assert_eq!(witness.latest(&store::file_name(ORIGIN)), Some(whole.to_string()));
    }
}

#[test]
fn every_refusal_has_its_code() {
    let scene = Scene::new();
    let witness = scene.open().unwrap();
    cosigned(&witness.add(scene.request(0, 5).as_bytes()));
    let add = |text: String| {
        let answer = witness.add(text.as_bytes());
        (answer.status(), answer.content_type(), answer.body())
    };
    let refused = |text: String| add(text).0;
    let Ok(path) = tree::consistency(&scene.tree, 5, 9);
    let note = scene.note(&scene.tree, 9);

    // 400: no request, or an old size beyond the checkpoint, whatever the witness has seen.
    for text in ["", "old 5\n", "old 5\n\n", "old x\n\n", "add\n\n"] {
        assert_eq!(refused(text.into()), 400, "{text:?}");
    }
    assert_eq!(refused(scene.request(5, 9).replace("old 5", "old 05")), 400);
    assert_eq!(refused(scene.request(5, 9).replace("old 5", "old 5 ")), 400);
    assert_eq!(refused(scene.request(5, 9).replace('\n', "\r\n")), 400);
    assert_eq!(refused(request(10, &[], &note)), 400);
    assert_eq!(refused(request(5, &vec![[1; 32]; 64], &note)), 400);
    let huge = Checkpoint { origin: ORIGIN.into(), size: 1 << 63, root: [1; 32] };
    assert_eq!(refused(request(5, &path, &scene.signed(&huge))), 400);

    // 404 and 403: another log, and nobody's signature.
    let strange = Checkpoint { origin: "log.example/three".into(), size: 9, root: [1; 32] };
    assert_eq!(refused(request(0, &[], &scene.signed(&strange))), 404);
    let mut unsigned = SignedNote::new(note.text().to_owned()).unwrap();
    unsigned.sign(ORIGIN, Kind::Note, 0, &scene.signer("stranger")).unwrap();
    assert_eq!(refused(request(5, &path, &unsigned)), 403);
    let mut bent = note.clone();
    let mut signature = bent.signatures()[0].clone();
    signature.bytes[3] ^= 1;
    bent.add(signature);
    assert_eq!(refused(request(5, &path, &bent)), 403);
    let mut under_two = SignedNote::new(note.text().to_owned()).unwrap();
    under_two.sign("log.example/two", Kind::Note, 0, &scene.signer("log")).unwrap();
    assert_eq!(refused(request(5, &path, &under_two)), 403, "the key of another origin");

    // 409: with the size where the old one is stale, without where the root is another.
    for old in [0, 4, 6, 9] {
        let Ok(path) = tree::consistency(&scene.tree, old, 9);
        assert_eq!(add(request(old, &path, &note)), (409, "text/x.tlog.size", "5\n".into()), "{old}");
    }
    let fork = scene.note(&Tree::of(5, 3), 5);
    let (status, kind, _) = add(request(5, &[], &fork));
    assert_eq!((status, kind), (409, "text/plain; charset=utf-8"));

    // 422: a proof of something else.
    assert_eq!(refused(request(5, &[], &note)), 422);
    assert_eq!(refused(request(5, &path[1..], &note)), 422);
    assert_eq!(refused(request(5, &[path.as_slice(), &[[1; 32]]].concat(), &note)), 422);
    assert_eq!(refused(request(5, &path, &scene.note(&Tree::of(9, 3), 9))), 422);
    assert_eq!(refused(request(5, &path, &scene.note(&scene.tree, 5))), 422, "the same tree needs no proof");
    for at in 0..path.len() {
        let mut bent = path.clone();
        bent[at][31] ^= 1;
        assert_eq!(refused(request(5, &bent, &note)), 422);
    }
    let second = Checkpoint { origin: "log.example/two".into(), size: 9, root: [1; 32] };
    assert_eq!(refused(request(0, &[[1; 32]], &scene.signed(&second))), 422, "a proof from nothing");
    let empty = Checkpoint { origin: "log.example/two".into(), size: 0, root: [1; 32] };
    assert_eq!(refused(request(0, &[], &scene.signed(&empty))), 422, "an empty tree with a root");

    // None of it was remembered.
    cosigned(&witness.add(scene.request(5, 9).as_bytes()));
}

#[test]
fn an_old_checkpoint_that_comes_again_is_not_cosigned() {
    let scene = Scene::new();
    let witness = scene.open().unwrap();
    for (old, size) in [(0, 5), (5, 9)] {
        cosigned(&witness.add(scene.request(old, size).as_bytes()));
    }
    for old in [0, 5] {
        assert_eq!(witness.add(scene.request(old, 5).as_bytes()), Answer::Size(9));
    }
    // Not even one that claims to come from the future.
    assert_eq!(witness.add(request(9, &[], &scene.note(&scene.tree, 5)).as_bytes()).status(), 400);
}

#[test]
fn of_two_histories_only_one_is_cosigned() {
    let scene = Scene::new();
    let witness = scene.open().unwrap();
    cosigned(&witness.add(scene.request(0, 9).as_bytes()));
    let Ok(path) = tree::consistency(&scene.forked, 9, 20);
    assert_eq!(witness.add(request(9, &path, &scene.note(&scene.forked, 20)).as_bytes()).status(), 422);
    assert_eq!(witness.add(request(9, &[], &scene.note(&scene.forked, 9)).as_bytes()), Answer::OtherRoot);
}

#[test]
fn extension_lines_are_cosigned_as_they_stand_and_strangers_signatures_are_left_out() {
    let scene = Scene::new();
    let witness = scene.open().unwrap();
    let text = format!("{}an extension\n", scene.note(&scene.tree, 4).text());
    let mut note = SignedNote::new(text).unwrap();
    note.sign("stranger.example", Kind::Note, 0, &scene.signer("stranger")).unwrap();
    note.sign(ORIGIN, Kind::Note, 0, &scene.signer("log")).unwrap();
    let answer = witness.add(request(0, &[], &note).as_bytes());
    let keys = [witness.key().clone()];
    assert!(SignedNote::parse(format!("{note}{}", cosigned(&answer)).as_bytes()).unwrap().verify(&keys).is_ok());
    let kept = witness.latest(&store::file_name(ORIGIN)).unwrap();
    assert!(kept.contains("an extension") && !kept.contains("stranger.example"));
}

#[test]
fn a_log_that_changes_its_key_goes_on() {
    let scene = Scene::new();
    cosigned(&scene.open().unwrap().add(scene.request(0, 5).as_bytes()));
    let new = VerifierKey::new(ORIGIN, Kind::Note, scene.signer("new").public()).unwrap();
    let store = Store::hold(&scene.state()).unwrap();
    let witness = Witness::open(store, "w.example/1", Box::new(scene.signer("witness")), vec![new]).unwrap();
    assert_eq!(witness.add(scene.request(5, 9).as_bytes()), Answer::Unsigned, "the old key is trusted no more");
    let mut note = scene.note(&scene.tree, 9);
    note.sign(ORIGIN, Kind::Note, 0, &scene.signer("new")).unwrap();
    let Ok(path) = tree::consistency(&scene.tree, 5, 9);
    cosigned(&witness.add(request(5, &path, &note).as_bytes()));
}

#[test]
fn however_many_ask_at_once_the_size_never_goes_back() {
    let scene = Scene::new();
    let witness = scene.open().unwrap();
    // All requests are made before, so that the threads do nothing but ask.
    let requests: Vec<Vec<String>> =
        (0..40).map(|old| (old..41).map(|size| scene.request(old, size)).collect()).collect();
    let largest = AtomicU64::new(0);
    thread::scope(|scope| {
        for seed in 0..8_usize {
            let (witness, requests, largest) = (&witness, &requests, &largest);
            scope.spawn(move || {
                let mut at = seed;
                for _ in 0..400 {
                    let before = largest.load(Ordering::SeqCst);
                    // Half of them guess the size, half take what was seen last.
                    at = (at * 7 + 3 + seed) % 40;
                    let old = if at % 2 == 0 { at } else { (before as usize).min(39) };
                    let size = old + at % (41 - old);
                    let Some(text) = requests[old].get(size - old) else { continue };
                    match witness.add(text.as_bytes()) {
                        Answer::Cosigned(_) => {
                            assert!(size as u64 >= before, "{before} was cosigned before {size} was asked for");
                            largest.fetch_max(size as u64, Ordering::SeqCst);
                        }
                        Answer::Size(seen) => assert!(seen >= before, "{seen} after {before}"),
                        other => panic!("{other:?}"),
                    }
                }
            });
        }
    });
    let kept = SignedNote::parse(witness.latest(&store::file_name(ORIGIN)).unwrap().as_bytes()).unwrap();
    assert_eq!(Checkpoint::parse(kept.text()).unwrap().size, largest.into_inner());
}

#[test]
fn a_restart_forgets_nothing() {
    let scene = Scene::new();
    cosigned(&scene.open().unwrap().add(scene.request(0, 5).as_bytes()));
    let witness = scene.open().unwrap();
    assert_eq!(witness.add(scene.request(0, 9).as_bytes()), Answer::Size(5));
    cosigned(&witness.add(scene.request(5, 9).as_bytes()));
    drop(witness);
    assert_eq!(scene.open().unwrap().add(scene.request(5, 9).as_bytes()), Answer::Size(9));
}

#[test]
fn a_second_witness_on_one_directory_is_refused() {
    let scene = Scene::new();
    let _first = scene.open().unwrap();
    let second = scene.open().err().map(|refused| refused.to_string()).unwrap();
    assert!(second.starts_with("another witness uses the state directory"), "{second}");
}

#[test]
fn every_bent_byte_of_a_state_is_refused_or_means_the_same() {
    let scene = Scene::new();
    cosigned(&scene.open().unwrap().add(scene.request(0, 5).as_bytes()));
    let file = scene.state().join("logs").join(store::file_name(ORIGIN));
    let good = fs::read(&file).unwrap();
    let store = Store::hold(&scene.state()).unwrap();
    let load = || load(&scene, &store);
    let seen = load().unwrap();
    let (mut refused, mut same) = (0, 0);
    let bent = (0..good.len()).flat_map(|at| [1, 0x20, 0x80].map(|bit| (at, bit)));
    let mut bytes = good.clone();
    for (at, bit) in bent {
        bytes[at] ^= bit;
        fs::write(&file, &bytes).unwrap();
        match load() {
            Err(_) => refused += 1,
            Ok(state) => {
                assert_eq!(state, seen, "byte {at}");
                same += 1;
            }
        }
        bytes[at] ^= bit;
    }
    // The name and id of the log's key may be a stranger's: such a signature is ignored, as everywhere.
    assert!(refused > same * 5, "{refused} refused, {same} the same");
    for cut in 0..good.len() {
        fs::write(&file, &good[..cut]).unwrap();
        assert!(load().is_err(), "cut to {cut}");
    }
    fs::write(&file, [good.as_slice(), b"\n"].concat()).unwrap();
    assert!(load().is_err(), "more behind its end");
    fs::write(&file, &good).unwrap();
    assert_eq!(load().unwrap(), seen);
}

/// What a witness would know when it starts.
fn load(scene: &Scene, store: &Store) -> Result<Option<super::Seen>, WitnessError> {
    let key = VerifierKey::new("w.example/1", Kind::Cosignature, scene.signer("witness").public()).unwrap();
    let mut state = State::new(vec![scene.log_key(ORIGIN)]);
    store.load(&key, &mut state)?;
    Ok(state.seen(ORIGIN))
}

#[test]
fn what_is_not_this_witnesss_own_state_is_refused_with_a_sentence() {
    let scene = Scene::new();
    cosigned(&scene.open().unwrap().add(scene.request(0, 5).as_bytes()));
    let logs = scene.state().join("logs");
    let file = logs.join(store::file_name(ORIGIN));
    let said = |opened: Result<Witness, WitnessError>| opened.err().map(|refused| refused.to_string()).unwrap();
    for (name, key) in [("w.example/2", "witness"), ("w.example/1", "another")] {
        assert!(said(scene.open_as(name, key)).contains("is no state of this witness"), "{name} {key}");
    }
    let strange = |path: &Path, bytes: &[u8]| {
        fs::write(path, bytes).unwrap();
        let refused = said(scene.open());
        assert!(refused.contains("is no state of this witness"), "{refused}");
        fs::remove_file(path).unwrap();
    };
    strange(&logs.join("notes.txt"), b"hello");
    strange(&logs.join(store::file_name("log.example/two")), &fs::read(&file).unwrap());
    strange(&logs.join(store::file_name("log.example/two")), b"");
    // A link is no state either, and a write that was never finished is none that anybody knows of.
    fs::write(file.with_extension("new"), b"torn").unwrap();
    drop(scene.open().unwrap());
    let elsewhere = scene.dir.path().join("elsewhere");
    fs::rename(&file, &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &file).unwrap();
    assert!(said(scene.open()).contains("regular file"));
}

#[test]
fn a_witness_with_a_key_and_no_states_does_not_start_anew() {
    let scene = Scene::new();
    let store = Store::hold(&scene.state()).unwrap();
    FileSigner::at(&store.key_file()).unwrap();
    drop(store);
    fs::remove_dir_all(scene.state().join("logs")).unwrap();
    let refused = Store::hold(&scene.state()).err().map(|refused| refused.to_string()).unwrap();
    assert!(refused.contains("it is gone, and the key is there"), "{refused}");
}

#[test]
fn a_clock_that_went_back_is_waited_for() {
    let scene = Scene::new();
    let mut witness = scene.open().unwrap();
    witness.clock = || 2_000;
    cosigned(&witness.add(scene.request(0, 5).as_bytes()));
    witness.clock = || 1_999;
    assert_eq!(witness.add(scene.request(5, 9).as_bytes()).status(), 503);
    drop(witness);
    let mut witness = scene.open().unwrap();
    witness.clock = || 1_999;
    assert_eq!(witness.add(scene.request(5, 9).as_bytes()).status(), 503, "after a restart as well");
    witness.clock = || 2_000;
    cosigned(&witness.add(scene.request(5, 9).as_bytes()));
}

#[test]
fn a_witness_that_cannot_keep_what_it_saw_says_so_and_nothing_more() {
    let scene = Scene::new();
    let witness = scene.open().unwrap();
    cosigned(&witness.add(scene.request(0, 5).as_bytes()));
    let logs = scene.state().join("logs");
    let aside = scene.dir.path().join("aside");
    fs::rename(&logs, &aside).unwrap();
    assert_eq!(witness.add(scene.request(5, 9).as_bytes()).status(), 503);
    fs::rename(&aside, &logs).unwrap();
    assert_eq!(witness.add(scene.request(5, 9).as_bytes()).status(), 503, "until it is started again");
    drop(witness);
    cosigned(&scene.open().unwrap().add(scene.request(5, 9).as_bytes()));
}

#[test]
fn a_witnesss_key_is_no_logs_key() {
    let scene = Scene::new();
    let store = Store::hold(&scene.state()).unwrap();
    let key = VerifierKey::new(ORIGIN, Kind::Cosignature, scene.signer("log").public()).unwrap();
    let opened = Witness::open(store, "w.example/1", Box::new(scene.signer("witness")), vec![key]);
    assert!(matches!(opened, Err(WitnessError::Kind(_))));
}
