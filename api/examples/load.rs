//! Sends one small mutation again and again from many clients that keep their connections, and says how often it was
//! answered: `cargo run --release -p api --example load ADDR [CLIENTS [SECONDS [QUERY]]]`. A comment in the query keeps it
//! out of the server's cache of documents.
#![allow(clippy::print_stdout, reason = "a program for the terminal")]

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const QUERY: &str = "mutation Register($name: String!, $tags: [String!]) { register(name: $name, tags: $tags) \
                     { id letters tags position } }";
const VARIABLES: &str = "{\"name\":\"Gudrun Hansdottir\",\"tags\":[\"press\",\"north\"]}";

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let address: SocketAddr = arguments.next().ok_or("usage: load ADDR [CLIENTS [SECONDS [QUERY]]]")?.parse()?;
    let clients: usize = arguments.next().map_or(Ok(64), |text| text.parse())?;
    let seconds: u64 = arguments.next().map_or(Ok(5), |text| text.parse())?;
    let head =
        "POST /graphql HTTP/1.1\r\nhost: x\r\nauthorization: Bearer secret\r\ncontent-type: application/json\r\n";
    let query = serde_json::to_string(arguments.next().as_deref().unwrap_or(QUERY))?;
    let body = format!("{{\"query\":{query},\"variables\":{VARIABLES}}}");
    let request: Arc<[u8]> = format!("{head}content-length: {}\r\n\r\n{body}", body.len()).into_bytes().into();
    let end = Instant::now() + Duration::from_secs(seconds);
    let running: Vec<_> = (0..clients).map(|_| tokio::spawn(client(address, Arc::clone(&request), end))).collect();
    let mut took = Vec::new();
    for client in running {
        took.extend(client.await??);
    }
    took.sort_unstable();
    let at = |part: usize| took.get(took.len().saturating_mul(part) / 1000).copied().unwrap_or_default();
    println!("{} requests/s, median {:?}, p99 {:?}", took.len() as u64 / seconds.max(1), at(500), at(990));
    Ok(())
}

async fn client(address: SocketAddr, request: Arc<[u8]>, end: Instant) -> io::Result<Vec<Duration>> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let mut took = Vec::new();
    let mut buffer = vec![0; 4096];
    while Instant::now() < end {
        let asked = Instant::now();
        stream.write_all(&request).await?;
        answered(&mut stream, &mut buffer).await?;
        took.push(asked.elapsed());
    }
    Ok(took)
}

/// Reads one answer, which must be a 200 without errors.
async fn answered(stream: &mut TcpStream, buffer: &mut [u8]) -> io::Result<()> {
    let mut filled = 0;
    loop {
        let read = stream.read(buffer.get_mut(filled..).unwrap_or_default()).await?;
        filled = filled.saturating_add(read);
        let text = std::str::from_utf8(buffer.get(..filled).unwrap_or_default()).map_err(io::Error::other)?;
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
            if length.is_some_and(|length| body.len() >= length) {
                let good = head.starts_with("HTTP/1.1 200") && !body.contains("\"errors\"");
                return if good { Ok(()) } else { Err(io::Error::other(text.to_owned())) };
            }
        }
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}
