//! A server as a process of its own: the real one, or the one whose answers are constants.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use super::client::Door;
use crate::Done;

/// A server that ends with this value.
pub struct Server {
    child: Child,
    /// Kept open, so that the server can still print.
    _out: BufReader<ChildStdout>,
    /// How to ask it, as an agent.
    pub door: Door,
    /// And as a data protection officer; the server over constants has none.
    pub dpo: Option<Door>,
    /// From its start until it took requests.
    pub boot: Duration,
}

impl Server {
    /// `lethe serve`, and tokens for an agent and a data protection officer.
    pub fn lethe(data: &Path) -> Done<Self> {
        let program = std::env::current_exe()?.with_file_name("lethe");
        if !program.is_file() {
            return Err("build the server first: cargo build --release --bin lethe".into());
        }
        let mut command = Command::new(&program);
        command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(data);
        let mut server = Self::start(command)?;
        server.door.token = token(&program, data, "agent")?;
        server.dpo = Some(Door { token: token(&program, data, "dpo")?, ..server.door.clone() });
        Ok(server)
    }

    /// This program once more, with constants for answers.
    pub fn constants() -> Done<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("constants");
        let mut server = Self::start(command)?;
        super::constants::TOKEN.clone_into(&mut server.door.token);
        Ok(server)
    }

    fn start(mut command: Command) -> Done<Self> {
        let begin = Instant::now();
        let mut child = command.stdout(Stdio::piped()).stdin(Stdio::null()).spawn()?;
        let mut out = BufReader::new(child.stdout.take().ok_or("a server that prints nothing")?);
        let mut line = String::new();
        let address: SocketAddr = loop {
            line.clear();
            if out.read_line(&mut line)? == 0 {
                return Err("the server ended before it took requests".into());
            }
            if let Some((_, address)) = line.trim().split_once("listens on http://") {
                break address.parse()?;
            }
        };
        let door = Door { address, token: String::new() };
        Ok(Self { child, _out: out, door, dpo: None, boot: begin.elapsed() })
    }

    /// Its resident bytes.
    pub fn resident(&self) -> Done<u64> {
        crate::report::resident(&self.child.id().to_string())
    }

    /// The processor time it has used.
    pub fn processor(&self) -> Done<Duration> {
        crate::report::processor_of(&self.child.id().to_string())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let told = Command::new("kill").arg(self.child.id().to_string()).status();
        if told.is_err() {
            let _ = self.child.kill();
        }
        let _ = self.child.wait();
    }
}

/// Issued through the server's socket, as an operator does it.
fn token(program: &Path, data: &Path, role: &str) -> Done<String> {
    let issue = ["token", "issue", "--role", role, "--name", "Measuring", "--data"];
    let issued = Command::new(program).args(issue).arg(data).output()?;
    let printed = String::from_utf8(issued.stdout)?;
    let (_, token) = printed.trim().rsplit_once(": ").ok_or("no token was issued")?;
    Ok(token.to_owned())
}
