//! Many clients in one thread: each has one connection that is kept, and one request under way. It is made to be cheap,
//! since clients and server share a machine: no HTTP library, answers are looked at and not parsed.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::LocalSet;

use crate::Done;

/// Where to send requests, and as whom.
#[derive(Clone)]
pub struct Door {
    /// The server.
    pub address: SocketAddr,
    /// A bearer token.
    pub token: String,
}

/// What came of it.
#[derive(Default)]
pub struct Load {
    /// How long each answer took.
    pub times: Vec<Duration>,
    /// From the first request to the last answer.
    pub took: Duration,
    /// The bytes of the answers' bodies.
    pub bytes: usize,
}

impl Load {
    /// Answers a second.
    pub fn rate(&self) -> f64 {
        self.times.len() as f64 / self.took.as_secs_f64()
    }
}

/// Sends what `bodies` gives, from so many clients, until it ends or the time is over. An answer that does not begin with
/// `begins`, or that holds an error of its own, ends the measure.
pub fn drive<I>(door: &Door, clients: usize, time: Duration, bodies: I, begins: &'static str) -> Done<Load>
where
    I: Iterator<Item = String> + 'static,
{
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, async {
        let bodies = Rc::new(RefCell::new(bodies));
        let mut connections = Vec::new();
        for _ in 0..clients {
            connections.push(Connection::open(door).await?);
        }
        let begin = Instant::now();
        let until = begin + time;
        let tasks: Vec<_> = connections
            .into_iter()
            .map(|connection| tokio::task::spawn_local(connection.work(Rc::clone(&bodies), until, begins)))
            .collect();
        let mut load = Load::default();
        for task in tasks {
            let (times, bytes) = task.await?.map_err(|failed| failed.to_string())?;
            load.times.extend(times);
            load.bytes += bytes;
        }
        load.took = begin.elapsed();
        Ok(load)
    })
}

/// One client that asks one thing after the other.
pub struct Asker {
    runtime: tokio::runtime::Runtime,
    connection: Connection,
}

impl Asker {
    /// Connects.
    pub fn new(door: &Door) -> Done<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let connection = runtime.block_on(Connection::open(door))?;
        Ok(Self { runtime, connection })
    }

    /// The answer to one request.
    pub fn ask(&mut self, body: &str) -> Done<serde_json::Value> {
        let answer = self.runtime.block_on(self.connection.ask(body))?;
        Ok(serde_json::from_slice(answer)?)
    }
}

struct Connection {
    stream: TcpStream,
    head: String,
    request: Vec<u8>,
    answer: Vec<u8>,
}

impl Connection {
    async fn open(door: &Door) -> Done<Self> {
        let stream = TcpStream::connect(door.address).await?;
        stream.set_nodelay(true)?;
        let head = format!(
            "POST /graphql HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n\
             Accept: application/json\r\nContent-Length: ",
            door.address, door.token
        );
        Ok(Self { stream, head, request: Vec::new(), answer: Vec::new() })
    }

    async fn work<I: Iterator<Item = String>>(
        mut self,
        bodies: Rc<RefCell<I>>,
        until: Instant,
        begins: &'static str,
    ) -> Done<(Vec<Duration>, usize)> {
        let (mut times, mut bytes) = (Vec::new(), 0);
        loop {
            let body = bodies.borrow_mut().next();
            let begin = Instant::now();
            let Some(body) = body.filter(|_| begin < until) else { return Ok((times, bytes)) };
            let answer = self.ask(&body).await?;
            times.push(begin.elapsed());
            bytes += answer.len();
            if !answer.starts_with(begins.as_bytes()) {
                return Err(format!("{body} was answered {}", String::from_utf8_lossy(answer)).into());
            }
        }
    }

    async fn ask(&mut self, body: &str) -> Done<&[u8]> {
        self.request.clear();
        self.request.extend_from_slice(self.head.as_bytes());
        self.request.extend_from_slice(body.len().to_string().as_bytes());
        self.request.extend_from_slice(b"\r\n\r\n");
        self.request.extend_from_slice(body.as_bytes());
        self.stream.write_all(&self.request).await?;
        self.answer.clear();
        loop {
            if self.stream.read_buf(&mut self.answer).await? == 0 {
                return Err("the server closed the connection".into());
            }
            if let Some((start, end)) = body_of(&self.answer)?
                && self.answer.len() >= end
            {
                return self.answer.get(start..end).ok_or_else(|| "an answer without a body".into());
            }
        }
    }
}

/// Where the body of an answer begins and ends, once all of its head is there.
fn body_of(answer: &[u8]) -> Done<Option<(usize, usize)>> {
    let Some(end) = answer.windows(4).position(|window| window == b"\r\n\r\n") else { return Ok(None) };
    let (head, _) = answer.split_at(end);
    let head = std::str::from_utf8(head)?;
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>())
    });
    let length = length.ok_or("an answer without a length")??;
    Ok(Some((end + 4, end + 4 + length)))
}
