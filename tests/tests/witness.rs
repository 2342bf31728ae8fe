//! The witness as a program: over HTTP, with its client, killed, and stopped.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use events::checkpoint::Checkpoint;
use events::note::{FileSigner, Kind, SignedNote, Signer, VerifierKey};
use events::proof::Consistency;
use events::tree::{self, Frontier, Node, Rows};
use replay::tiles::{Tiles, write_tiles};
use replay::witness::client::{Asked, Client, SubmitError};
use replay::witness::{Answer, Store, Witness, server};
use tests::client::http;
use tests::kill::{Rounds, kill_under_load};
use tests::programs::{Ended, lethe_audit, program};
use tests::server::until;

const ORIGIN: &str = "log.example/one";
const NAME: &str = "witness.example/w1";

/// A log in memory. From `forked_at` on it has other entries than its twin.
struct Log {
    rows: Vec<Vec<Node>>,
    signer: FileSigner,
    _dir: tempfile::TempDir,
}

impl Log {
    fn new(size: u64, forked_at: u64) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let signer = FileSigner::at(&dir.path().join("log")).unwrap();
        let mut log = Self { rows: Vec::new(), signer, _dir: dir };
        log.rewrite(size, forked_at);
        log
    }

    /// The same key, another history.
    fn rewrite(&mut self, size: u64, forked_at: u64) {
        let (mut rows, mut frontier) = (vec![Vec::new(); 2], Frontier::new());
        for n in 0..size {
            let entry = format!("{n} {}", n >= forked_at);
            frontier.push(tree::leaf(entry.as_bytes()), &mut |row, _, hash| rows[row as usize].push(hash));
        }
        self.rows = rows;
    }

    fn key(&self) -> VerifierKey {
        VerifierKey::new(ORIGIN, Kind::Note, self.signer.public()).unwrap()
    }

    fn note(&self, size: u64) -> SignedNote {
        let Ok(root) = tree::root(self, size);
        let mut note = SignedNote::new(Checkpoint { origin: ORIGIN.into(), size, root }.to_string()).unwrap();
        note.sign(ORIGIN, Kind::Note, 0, &self.signer).unwrap();
        note
    }

    fn request(&self, old: u64, size: u64) -> String {
        let Ok(path) = tree::consistency(self, old, size);
        Consistency { old, path, note: self.note(size) }.to_string()
    }

    fn path(&self) -> impl FnMut(u64, u64) -> Result<Vec<Node>, std::convert::Infallible> + '_ {
        |old, new| tree::consistency(self, old, new)
    }

    /// Publishes the tree of a size, as a copy of the log would be.
    fn publish(&self, size: u64, out: &Path) {
        write_tiles(out, self, size).unwrap();
        std::fs::write(out.join("checkpoint"), self.note(size).to_string()).unwrap();
    }
}

impl Rows for Log {
    type Error = std::convert::Infallible;

    fn read(&self, row: u32, first: u64, count: usize) -> Result<Vec<Node>, Self::Error> {
        Ok(self.rows[row as usize][first as usize..][..count].to_vec())
    }
}

fn command(state: &Path, log: &VerifierKey) -> Command {
    let mut command = Command::new(program("lethe-audit"));
    command.args(["witness", "--listen", "127.0.0.1:0", "--name", NAME, "--log", &log.to_string(), "--state"]);
    command.arg(state);
    command
}

/// A running witness, killed when dropped.
struct Running {
    process: Child,
    key: VerifierKey,
    address: String,
}

impl Running {
    fn start(state: &Path, log: &Log) -> Self {
        let mut process = command(state, &log.key()).stdout(Stdio::piped()).spawn().unwrap();
        let (key, address) = greeting(process.stdout.take().unwrap()).unwrap();
        Self { process, key, address }
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    fn client(&self) -> Client {
        Client::new(&self.url(), vec![self.key.clone()]).unwrap()
    }

    /// Status, type and body.
    fn post(&self, body: impl Into<reqwest::blocking::Body>) -> (u16, String, String) {
        let client = http();
        let answer = client.post(format!("{}/add-checkpoint", self.url())).body(body).send().unwrap();
        let kind = answer.headers()["content-type"].to_str().unwrap().to_owned();
        (answer.status().as_u16(), kind, answer.text().unwrap())
    }

    fn get(&self, path: &str) -> (u16, String) {
        let answer = http().get(format!("{}{path}", self.url())).send().unwrap();
        (answer.status().as_u16(), answer.text().unwrap())
    }

    /// Tells it to stop, and waits until it has.
    fn stop(mut self) -> Option<i32> {
        let told = Command::new("kill").arg(self.process.id().to_string()).status().unwrap();
        assert!(told.success());
        self.process.wait().unwrap().code()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _already_over = self.process.kill();
        let _already_waited_for = self.process.wait();
    }
}

/// The two lines that a witness says at its start; nothing when it was killed before.
fn greeting(out: ChildStdout) -> Option<(VerifierKey, String)> {
    let mut lines = BufReader::new(out).lines().map_while(Result::ok);
    let key = lines.next()?.parse().ok()?;
    let address = lines.next()?.strip_prefix("listening on http://")?.to_owned();
    Some((key, address))
}

fn state() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let state = dir.path().join("witness");
    (dir, state)
}

#[test]
fn a_witness_answers_over_http_as_the_specification_says() {
    let ((_dir, state), log) = (state(), Log::new(300, 300));
    let witness = Running::start(&state, &log);
    assert_eq!((witness.key.kind(), witness.key.name()), (Kind::Cosignature, NAME));
    let (status, said) = witness.get("/");
    assert!(status == 200 && said.contains(&witness.key.to_string()) && said.lines().count() == 1, "{said}");

    let (status, _, lines) = witness.post(log.request(0, 7));
    let cosigned = SignedNote::parse(format!("{}{lines}", log.note(7)).as_bytes()).unwrap();
    assert_eq!((status, cosigned.verify(std::slice::from_ref(&witness.key)).unwrap().len()), (200, 1));
    assert_eq!(witness.post(log.request(0, 9)), (409, "text/x.tlog.size".into(), "7\n".into()));
    assert_eq!(witness.post("old 7\n").0, 400);
    assert_eq!(witness.post(log.request(7, 9).replace("old 7", "old 10")).0, 400);
    assert_eq!(witness.post(Log::new(9, 9).request(0, 9)).0, 403, "the same origin under another key");
    assert_eq!(witness.post(log.request(0, 9).replace(ORIGIN, "log.example/two")).0, 404);
    assert_eq!(witness.post(log.request(7, 9).replacen("old 7\n", "old 7\n\n", 1)).0, 400);
    assert_eq!(witness.post(Consistency { old: 7, path: Vec::new(), note: log.note(9) }.to_string()).0, 422);
    assert_eq!(witness.post(vec![b'x'; server::MOST_BYTES + 1]).0, 413);
    assert_eq!(witness.get("/add-checkpoint").0, 405);
    assert_eq!(witness.get("/elsewhere").0, 404);

    let hash = std::fs::read_dir(state.join("logs")).unwrap().next().unwrap().unwrap().file_name();
    let (status, latest) = witness.get(&format!("/{}/checkpoint", hash.to_str().unwrap()));
    assert_eq!((status, latest), (200, cosigned.to_string()));
    for strange in ["/00/checkpoint", "/..%2fkey/checkpoint", "/%2e%2e/checkpoint"] {
        assert_eq!(witness.get(strange).0, 404, "{strange}");
    }
    assert_eq!(witness.stop(), Some(0), "a witness that is told to stop ends well");
    let again = Running::start(&state, &log);
    assert_eq!(again.post(log.request(0, 9)).2, "7\n", "and knows what it saw");
}

#[test]
fn a_second_root_of_one_size_is_a_conflict_without_a_size() {
    let ((_dir, state), mut log) = (state(), Log::new(20, 20));
    let witness = Running::start(&state, &log);
    assert_eq!(witness.post(log.request(0, 7)).0, 200);
    log.rewrite(20, 3);
    let (status, kind, _) = witness.post(log.request(7, 7));
    assert_eq!((status, kind.as_str()), (409, "text/plain; charset=utf-8"));
    assert_eq!(witness.post(log.request(7, 9)).0, 422);
}

#[test]
fn a_client_learns_the_size_and_believes_only_the_witnesss_key() {
    let ((_dir, state), log) = (state(), Log::new(300, 300));
    let witness = Running::start(&state, &log);
    let client = witness.client();
    let Asked::Cosigned(first) = client.ask_size(&log.note(7)).unwrap() else { panic!("it knew the log") };
    assert_eq!(first.len(), 1);
    assert_eq!(client.ask_size(&log.note(9)).unwrap(), Asked::Size(7));
    // What it guesses is wrong, then too large, then right; then there is nothing new.
    for (known, size) in [(0, 9), (200, 100), (100, 256), (256, 256), (0, 256)] {
        let signatures = client.submit(&log.note(size), known, log.path()).unwrap();
        let mut note = log.note(size);
        signatures.into_iter().for_each(|signature| note.add(signature));
        assert!(note.verify(std::slice::from_ref(&witness.key)).is_ok(), "{known} {size}");
    }
    let stranger = VerifierKey::new(NAME, Kind::Cosignature, log.signer.public()).unwrap();
    let deceived = Client::new(&witness.url(), vec![stranger]).unwrap();
    assert!(matches!(deceived.submit(&log.note(300), 0, log.path()), Err(SubmitError::Uncosigned)));
    let broken = |_, _| Err::<Vec<Node>, _>("the tiles are gone");
    assert!(matches!(client.submit(&log.note(300), 7, broken), Err(SubmitError::NoProof { old: 7, .. })));
}

#[test]
fn a_client_tells_a_log_that_was_rolled_back_from_one_that_was_rewritten() {
    let ((_dir, state), mut log) = (state(), Log::new(300, 300));
    let witness = Running::start(&state, &log);
    let client = witness.client();
    client.submit(&log.note(200), 0, log.path()).unwrap();
    for known in [0, 100, 150, 200] {
        let refused = client.submit(&log.note(150), known, log.path());
        assert!(matches!(refused, Err(SubmitError::Ahead { theirs: 200, ours: 150 })), "{known}");
    }
    assert_eq!(client.ask_size(&log.note(150)).unwrap(), Asked::Size(200));
    log.rewrite(300, 120);
    for size in [200, 250] {
        let refused = client.submit(&log.note(size), 0, log.path());
        assert!(matches!(refused, Err(SubmitError::Forked(_))), "{size}");
    }
    let other = Log::new(300, 300);
    assert!(matches!(client.submit(&other.note(300), 0, other.path()), Err(SubmitError::Distrusted(_))));
    let url = witness.url();
    drop(witness);
    let gone = Client::new(&url, vec![log.key()]).unwrap().submit(&log.note(300), 0, log.path());
    assert!(matches!(gone, Err(SubmitError::Unreachable(_))));
}

/// A server that answers whatever it is asked with this.
fn answering(answer: &'static str) -> Client {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for asked in listener.incoming() {
            let mut asked = BufReader::new(asked.unwrap());
            let (mut line, mut length) = (String::new(), 0);
            while asked.read_line(&mut line).unwrap() > 2 {
                let named = line.to_ascii_lowercase();
                length = named.strip_prefix("content-length: ").map_or(length, |length| length.trim().parse().unwrap());
                line.clear();
            }
            asked.read_exact(&mut vec![0; length]).unwrap();
            asked.get_mut().write_all(answer.as_bytes()).unwrap();
        }
    });
    Client::new(&url, vec![Log::new(0, 0).key()]).unwrap()
}

#[test]
fn a_witness_that_talks_nonsense_is_not_believed() {
    let log = Log::new(9, 9);
    let said = |answer| answering(answer).submit(&log.note(9), 0, log.path()).unwrap_err();
    const END: &str = "\r\nConnection: close\r\n\r\n";
    let text = |head: &str, body: &str| -> &'static str {
        format!("HTTP/1.1 {head}\r\nContent-Length: {}{END}{body}", body.len()).leak()
    };
    let size = |body| text("409 Conflict\r\nContent-Type: text/x.tlog.size", body);
    assert!(matches!(said(text("200 OK", "")), SubmitError::Uncosigned));
    assert!(matches!(said(text("200 OK", "hello\n")), SubmitError::Note(_)));
    assert!(matches!(said(text("200 OK", "\u{2014} stranger.example AAAAAAAA\n")), SubmitError::Uncosigned));
    for strange in ["", "7", "07\n", "+7\n", "seven\n", "7\n\n", "99999999999999999999\n"] {
        assert!(matches!(said(size(strange)), SubmitError::Refused { status: 409, .. }), "{strange:?}");
    }
    assert!(matches!(said(size("10\n")), SubmitError::Ahead { theirs: 10, ours: 9 }));
    assert!(matches!(said(size("7\n")), SubmitError::Refused { status: 409, .. }), "the same size, twice");
    assert!(matches!(said(text("500 Oh", "\u{7}no\n")), SubmitError::Refused { status: 500, text } if text == "no"));
    let moved = said(text("307 Over There\r\nLocation: http://127.0.0.1:1/", ""));
    assert!(matches!(moved, SubmitError::Refused { status: 307, .. }), "a checkpoint follows nobody");
}

#[test]
fn a_published_directory_is_cosigned_by_a_command() {
    let ((dir, state), log) = (state(), Log::new(300, 300));
    let witness = Running::start(&state, &log);
    let published = dir.path().join("log");
    let cosign = |vkey: &VerifierKey| -> Ended {
        let (url, vkey) = (witness.url(), vkey.to_string());
        lethe_audit(&["cosign", "--witness", &url, "--vkey", &vkey, "--dir", published.to_str().unwrap()])
    };
    for size in [200, 300, 300] {
        log.publish(size, &published);
        let said = cosign(&witness.key).done();
        assert_eq!(said.trim(), format!("{NAME} has cosigned {size} records of {ORIGIN}"));
        let note = SignedNote::parse(&std::fs::read(published.join("checkpoint")).unwrap()).unwrap();
        assert_eq!(note.verify(&[log.key(), witness.key.clone()]).unwrap().len(), 2);
    }
    let refused = |ended: Ended, why: &str| {
        assert!(ended.code == Some(2) && ended.err.contains(why), "{ended:?}");
    };
    log.publish(250, &published);
    refused(cosign(&witness.key), "has cosigned 300 records of this log, and this checkpoint has 250");
    log.publish(300, &published);
    let before = std::fs::read(published.join("checkpoint")).unwrap();
    refused(cosign(&VerifierKey::new(NAME, Kind::Cosignature, log.signer.public()).unwrap()), "no cosignature");
    let tile = published.join("tile/0/001.p/44");
    let mut bytes = std::fs::read(&tile).unwrap();
    bytes[40] ^= 1;
    std::fs::write(&tile, bytes).unwrap();
    refused(cosign(&witness.key), "do not lead to the root");
    assert_eq!(std::fs::read(published.join("checkpoint")).unwrap(), before, "the file is as it was");
    assert!(tree::root(&Tiles::of(&published, 256), 256).is_ok());
}

#[test]
fn two_witnesses_do_not_share_a_state() {
    let ((_dir, state), log) = (state(), Log::new(9, 9));
    let first = Running::start(&state, &log);
    let second = command(&state, &log.key()).output().unwrap();
    let said = String::from_utf8(second.stderr).unwrap();
    assert!(second.status.code() == Some(2) && said.contains("another witness uses the state directory"), "{said}");
    assert_eq!(first.post(log.request(0, 9)).0, 200);
}

#[test]
fn a_list_of_logs_is_read_from_a_file() {
    let ((dir, state), log) = (state(), Log::new(9, 9));
    let list = dir.path().join("logs");
    std::fs::write(&list, format!("# whom we watch\n\n{}\n", log.key())).unwrap();
    let start = || {
        let mut command = Command::new(program("lethe-audit"));
        command.args(["witness", "--listen", "127.0.0.1:0", "--name", NAME, "--log-file"]);
        command.arg(&list).arg("--state").arg(&state);
        command
    };
    let mut process = start().stdout(Stdio::piped()).spawn().unwrap();
    let (key, address) = greeting(process.stdout.take().unwrap()).unwrap();
    let running = Running { process, key, address };
    assert_eq!(running.post(log.request(0, 9)).0, 200);
    drop(running);
    std::fs::write(&list, "# whom we watch\nnobody\n").unwrap();
    let said = String::from_utf8(start().output().unwrap().stderr).unwrap();
    assert!(said.contains("line 2: this is no public key"), "{said}");
}

#[test]
fn connections_that_only_wait_do_not_keep_others_out_for_ever() {
    let ((_dir, state), log) = (state(), Log::new(9, 9));
    let witness = Running::start(&state, &log);
    let mut idle: Vec<TcpStream> =
        (0..server::MOST_CONNECTIONS).map(|_| TcpStream::connect(&witness.address).unwrap()).collect();
    // Each has a seat by the time that it is answered.
    for waiting in &mut idle {
        waiting.write_all(b"GET / HTTP/1.1\r\nHost: w\r\n\r\n").unwrap();
        assert_eq!(waiting.read(&mut [0; 1]).unwrap(), 1);
    }
    let mut one_more = TcpStream::connect(&witness.address).unwrap();
    let _already_closed = one_more.write_all(b"GET / HTTP/1.1\r\nHost: w\r\n\r\n");
    let heard = one_more.read(&mut [0; 1]);
    assert!(matches!(heard, Ok(0) | Err(_)), "no seat is free: {heard:?}");
    idle.truncate(server::MOST_CONNECTIONS / 2);
    until("a seat is free", || http().get(witness.url()).send().is_ok_and(|answer| answer.status() == 200));
}

#[test]
fn a_witness_that_is_killed_at_random_forgets_nothing_that_it_cosigned() {
    let ((_dir, state), log) = (state(), Log::new(250, 250));
    let log_key = log.key();
    let load = |out: ChildStdout, answered: &dyn Fn()| -> Vec<u64> {
        let Some((_, address)) = greeting(out) else { return Vec::new() };
        let client = http();
        let post = |text: String| {
            let answer = client.post(format!("http://{address}/add-checkpoint")).body(text).send().ok()?;
            Some((answer.status().as_u16(), answer.text().ok()?))
        };
        // Size 0 asks what it knows, which is one more than it has answered when it was killed in between; from there on it
        // grows by one until it is gone.
        let mut old = match post(log.request(0, 1)) {
            Some((409, size)) => size.trim().parse().unwrap(),
            Some((200, _)) => 1,
            _ => return Vec::new(),
        };
        let mut cosigned = vec![old];
        while old < 250 {
            let Some((200, _)) = post(log.request(old, old + 1)) else { break };
            answered();
            old += 1;
            cosigned.push(old);
        }
        cosigned
    };
    let knows = |state: &Path, cosigned: &[u64]| {
        let store = Store::hold(state).map_err(|refused| refused.to_string())?;
        let signer = FileSigner::at(&store.key_file()).unwrap();
        let witness = Witness::open(store, NAME, Box::new(signer), vec![log_key.clone()]);
        let witness = witness.map_err(|refused| refused.to_string())?;
        let last = cosigned.last().copied().unwrap_or(0);
        match witness.add(log.request(250, 250).as_bytes()) {
            Answer::Size(size) if (last..=last + 1).contains(&size) => Ok(()),
            Answer::Cosigned(_) if last >= 249 => Ok(()),
            other => Err(format!("{last} was cosigned, and now {other:?}")),
        }
    };
    let plan = Rounds { seed: 17, rounds: 12, longest: Duration::from_millis(120) };
    let answers = kill_under_load(plan, &state, |state| command(state, &log.key()), load, knows);
    assert!(answers > plan.rounds, "{answers} answers in all");
}
