//! The witness over HTTP/1.1: `POST /add-checkpoint`, what it is on `GET /`, and for monitors the latest checkpoint of a log
//! on `GET /<SHA-256 of the origin>/checkpoint`. TLS is the business of what stands before it.

mod seats;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Path, State};
use axum::http::{HeaderName, StatusCode, header};
use axum::routing::{get, post};
use axum_server::Handle;
use hyper_util::rt::TokioTimer;
use tokio::time::timeout;

use self::seats::Seats;
use super::{Answer, Witness};

/// The most bytes of a request: 63 hashes, and sixteen signatures of the largest kind known.
pub const MOST_BYTES: usize = 1 << 17;
/// The most connections at once; one more is closed unheard.
pub const MOST_CONNECTIONS: usize = 256;
/// How long a head, and then a body, may take to arrive; an idle connection is closed after the first.
pub const HEAD: Duration = Duration::from_secs(30);
const BODY: Duration = Duration::from_secs(10);
/// How long open requests have when the witness is told to stop.
const DRAIN: Duration = Duration::from_secs(5);

const TEXT: &str = "text/plain; charset=utf-8";

/// Status, type and text: what every answer is.
type Told = (StatusCode, [(HeaderName, &'static str); 2], String);

/// Serves until the process gets SIGTERM or Ctrl-C; `ready` is told the address when requests are taken.
pub fn run(witness: Witness, listen: SocketAddr, ready: impl FnOnce(SocketAddr)) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let listener = TcpListener::bind(listen)?;
    listener.set_nonblocking(true)?;
    runtime.block_on(async {
        let handle = Handle::new();
        let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
        let stopped = handle.clone();
        tokio::spawn(async move {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            stopped.graceful_shutdown(Some(DRAIN));
        });
        let address = listener.local_addr()?;
        let server = axum_server::from_tcp(listener)?.handle(handle);
        let mut server = server.acceptor(Seats::new(MOST_CONNECTIONS)).http1_only();
        server.http_builder().http1().timer(TokioTimer::new()).header_read_timeout(HEAD);
        ready(address);
        server.serve(routes(Arc::new(witness)).into_make_service()).await
    })
}

/// The routes of a witness.
fn routes(witness: Arc<Witness>) -> Router {
    Router::new()
        .route("/", get(what_it_is))
        .route("/add-checkpoint", post(add))
        .route("/{origin}/checkpoint", get(latest))
        .with_state(witness)
}

async fn what_it_is(State(witness): State<Arc<Witness>>) -> Told {
    told(StatusCode::OK, TEXT, format!("This is a witness of transparency logs. {}\n", witness.key()))
}

/// The disk is written to by a thread that may block.
async fn add(State(witness): State<Arc<Witness>>, body: Body) -> Told {
    let request = match timeout(BODY, to_bytes(body, MOST_BYTES)).await {
        Ok(Ok(request)) => request,
        Ok(Err(_)) => return told(StatusCode::PAYLOAD_TOO_LARGE, TEXT, "the request is too large\n".into()),
        Err(_) => return told(StatusCode::REQUEST_TIMEOUT, TEXT, "the request took too long\n".into()),
    };
    let answer = tokio::task::spawn_blocking(move || witness.add(&request)).await;
    let answer = answer.unwrap_or(Answer::Failed("the witness has failed"));
    let status = StatusCode::from_u16(answer.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    told(status, answer.content_type(), answer.body())
}

async fn latest(State(witness): State<Arc<Witness>>, Path(origin): Path<String>) -> Told {
    match tokio::task::spawn_blocking(move || witness.latest(&origin)).await.ok().flatten() {
        Some(note) => told(StatusCode::OK, TEXT, note),
        None => told(StatusCode::NOT_FOUND, TEXT, "nothing was cosigned for such an origin\n".into()),
    }
}

fn told(status: StatusCode, kind: &'static str, text: String) -> Told {
    (status, [(header::CONTENT_TYPE, kind), (header::X_CONTENT_TYPE_OPTIONS, "nosniff")], text)
}
