//! The real server as a process of its own: `lethe serve` on a free port of the loopback, and what it says.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::client::{Client, http};
use crate::programs::{self, Ended, program};

/// A server that runs. It is killed when it is dropped; [`Server::stop`] ends it as an operator would.
pub struct Server {
    process: Child,
    said: Said,
    /// Where it listens.
    pub address: SocketAddr,
    /// Its data directory.
    pub data: PathBuf,
    home: Option<TempDir>,
}

/// Both standard streams, as far as they came.
#[derive(Default)]
struct Said {
    out: Arc<Mutex<Vec<u8>>>,
    err: Arc<Mutex<Vec<u8>>>,
    readers: Vec<JoinHandle<()>>,
}

/// What a server that has ended had said.
pub struct Stopped {
    pub status: ExitStatus,
    pub out: String,
    pub err: String,
}

impl Server {
    /// A new ledger in a directory of its own, which goes with the server.
    pub fn start(arguments: &[&str]) -> Self {
        let home = tempfile::tempdir().unwrap();
        let data = home.path().join("ledger");
        let mut server = Self::at(&data, arguments);
        server.home = Some(home);
        server
    }

    /// The ledger of a directory.
    ///
    /// # Panics
    /// When the server ends instead of listening.
    pub fn at(data: &Path, arguments: &[&str]) -> Self {
        Self::try_at(data, arguments).unwrap_or_else(|ended| panic!("{ended:?}"))
    }

    /// The ledger of a directory, or what the program said when it would not serve it.
    ///
    /// # Errors
    /// The exit code and both streams.
    pub fn try_at(data: &Path, arguments: &[&str]) -> Result<Self, Ended> {
        Self::spawn(command(data, arguments), data)
    }

    /// Starts a prepared command; see [`command`].
    ///
    /// # Errors
    /// As [`Server::try_at`].
    pub fn spawn(mut command: Command, data: &Path) -> Result<Self, Ended> {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let mut said = Said::default();
        let listens = said.read_out(process.stdout.take().unwrap());
        said.read_err(process.stderr.take().unwrap());
        let Ok(address) = listens.recv_timeout(PATIENCE) else {
            let _already_over = process.kill();
            let status = process.wait().unwrap();
            let (out, err) = said.end();
            return Err(Ended { code: status.code(), out, err });
        };
        let server = Self { process, said, address, data: data.to_owned(), home: None };
        until("the server is ready", || server.get("/ready").is_some_and(|(status, _)| status == 200));
        Ok(server)
    }

    /// The number of its process.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// A new token for somebody with this role and name, from the operator's command.
    pub fn token(&self, role: &str, name: &str) -> String {
        programs::issue_token(&self.data, role, name, &[])
    }

    /// A client with a new token for somebody with this role, named after it.
    pub fn client(&self, role: &str) -> Client {
        self.with_token(&self.token(role, &format!("A person in the role {role}")))
    }

    /// A client with this token.
    pub fn with_token(&self, token: &str) -> Client {
        Client::new(&self.url(), token)
    }

    /// Where GraphQL is.
    pub fn url(&self) -> String {
        self.at_path("/graphql")
    }

    pub fn at_path(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// A plain GET without a token: the status and the text; nothing where nobody answers.
    pub fn get(&self, path: &str) -> Option<(u16, String)> {
        let answer = http().get(self.at_path(path)).send().ok()?;
        Some((answer.status().as_u16(), answer.text().ok()?))
    }

    /// What stands on its standard output by now.
    pub fn out(&self) -> String {
        text(&self.said.out)
    }

    /// What stands in its program log by now.
    pub fn err(&self) -> String {
        text(&self.said.err)
    }

    /// The token that the welcome of a demo printed for somebody.
    pub fn welcomed(&self, who: &str) -> String {
        let out = self.out();
        let line = out.lines().find(|line| line.rsplit_once(' ').is_some_and(|(name, _)| name.trim() == who));
        line.unwrap_or_else(|| panic!("no token for {who} in the welcome")).rsplit(' ').next().unwrap().to_owned()
    }

    /// Asks it to end, as an operator does, and waits.
    pub fn stop(mut self) -> Stopped {
        let pid = self.process.id().to_string();
        assert!(Command::new("sh").args(["-c", "kill -TERM $0", &pid]).status().unwrap().success());
        self.wait()
    }

    /// Waits until it ends by itself.
    pub fn wait(&mut self) -> Stopped {
        let gives_up = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = self.process.try_wait().unwrap() {
                break status;
            }
            assert!(Instant::now() < gives_up, "the server does not end");
            std::thread::sleep(STEP);
        };
        let (out, err) = std::mem::take(&mut self.said).end();
        Stopped { status, out, err }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _already_over = self.process.kill();
        let _waited = self.process.wait();
        // The directory goes when nobody uses it any more.
        drop(self.home.take());
    }
}

/// The command that serves a directory on a free port; the caller may add to it.
pub fn real(data: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(program("lethe"));
    command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(data).args(arguments);
    command
}

/// The same of a demo, or of a ledger for tests.
pub fn command(data: &Path, arguments: &[&str]) -> Command {
    let mut command = real(data, arguments);
    if !arguments.contains(&"--demo") {
        command.arg("--test");
    }
    command
}

/// Waits for what another process does; gives up where it never would.
///
/// # Panics
/// When it never happens.
pub fn until(what: &str, mut happened: impl FnMut() -> bool) {
    let gives_up = Instant::now() + PATIENCE;
    while !happened() {
        assert!(Instant::now() < gives_up, "{what}: it never happened");
        std::thread::sleep(STEP);
    }
}

/// How many records the log has, by its own head; asked with the token of an auditor or a DPO.
pub fn size(client: &Client) -> u64 {
    let log = client.ask("{ log { size } }", json!({}));
    log["log"]["size"].as_str().and_then(|size| size.parse().ok()).unwrap_or_else(|| panic!("{log}"))
}

/// Runs what must not be written: the log is as long behind it as before.
pub fn unchanged<T>(auditor: &Client, tried: impl FnOnce() -> T) -> T {
    let head = |client: &Client| client.ask("{ log { head } }", json!({}))["log"]["head"].clone();
    let before: Value = head(auditor);
    let result = tried();
    assert_eq!(head(auditor), before, "something was written");
    result
}

/// Far longer than anything takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(300);
const STEP: Duration = Duration::from_millis(5);

impl Said {
    fn read_out(&mut self, out: impl Read + Send + 'static) -> mpsc::Receiver<SocketAddr> {
        let (tell, told) = mpsc::channel();
        let kept = Arc::clone(&self.out);
        self.readers.push(std::thread::spawn(move || {
            let mut lines = BufReader::new(out);
            let mut line = Vec::new();
            while lines.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
                kept.lock().unwrap().extend_from_slice(&line);
                let text = String::from_utf8_lossy(&line);
                if let Some(address) = text.trim().strip_prefix("lethe listens on http://") {
                    let _nobody_waits = tell.send(address.parse().unwrap());
                }
                line.clear();
            }
        }));
        told
    }

    fn read_err(&mut self, mut err: impl Read + Send + 'static) {
        let kept = Arc::clone(&self.err);
        self.readers.push(std::thread::spawn(move || {
            let mut some = [0; 4096];
            while let Ok(read @ 1..) = err.read(&mut some) {
                kept.lock().unwrap().extend_from_slice(&some[..read]);
            }
        }));
    }

    fn end(self) -> (String, String) {
        self.readers.into_iter().for_each(|reader| reader.join().unwrap());
        (text(&self.out), text(&self.err))
    }
}

fn text(bytes: &Mutex<Vec<u8>>) -> String {
    String::from_utf8_lossy(&bytes.lock().unwrap()).into_owned()
}
