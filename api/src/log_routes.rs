//! The log for auditors, below `/log`: its head, and the log as C2SP `tlog-tiles` have it (checkpoint, tiles of the tree,
//! entry bundles), with the inventory beside them. A token of an auditor or a DPO opens it; a demo shows it to everybody.
//!
//! Records are pseudonymous and never personal, and no bundle reaches beyond the durable size.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Path, State};
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use events::bundle::{self, WIDTH, put_parts, put_record};
use events::chain::Head;
use events::log::{Entry, Log as _, LogError};
use events::tree::{self, Rows as _};
use tokio::sync::Semaphore;

use crate::app::App;
use crate::error::{Code, Failure};
use crate::graphql::Schema;
use crate::http::accept::Format;
use crate::http::origin::sent_to_loopback;
use crate::http::refusal::Refusal;
use crate::http::{Edge, secure};
use crate::limits::Exceeded;

/// Bundles that are read at the same time: one may hold 16 MiB of records, and as much of sealed parts.
const READERS: usize = 4;
/// How much is read of the log at a time, in bytes.
const CHUNK: usize = 1 << 20;

/// What lies below `/log/tile`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tile {
    Entries,
    Inventory,
}

struct Routes {
    edge: Arc<Edge<Schema, App>>,
    app: App,
    room: Semaphore,
}

/// The routes `/log/head`, `/log/checkpoint`, `/log/tile/<L>/…`, `/log/tile/entries/…` and `/log/tile/inventory/…`.
pub fn routes(edge: &Arc<Edge<Schema, App>>, app: &App) -> Router {
    let routes = Routes { edge: Arc::clone(edge), app: app.clone(), room: Semaphore::new(READERS) };
    Router::new()
        .route("/log/head", get(head))
        .route("/log/checkpoint", get(checkpoint))
        .route("/log/tile/{row}/{*path}", get(hashes))
        .route("/log/tile/entries/{*path}", get(entries))
        .route("/log/tile/inventory/{*path}", get(inventory))
        .with_state(Arc::new(routes))
}

type Asked = (State<Arc<Routes>>, ConnectInfo<SocketAddr>, HeaderMap);

async fn head((State(routes), ConnectInfo(peer), headers): Asked) -> Response<Body> {
    let answer = routes.admit(&headers, peer).map(|()| {
        let head = routes.app.ledger().log().head();
        let line = format!("{}\n", Head { size: head.size, hash: head.hash });
        ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], line).into_response()
    });
    secured(answer)
}

/// The signed root. It changes, so nobody may keep it.
async fn checkpoint((State(routes), ConnectInfo(peer), headers): Asked) -> Response<Body> {
    let answer = routes.admit(&headers, peer).and_then(|()| {
        let signed = routes.app.ledger().published().latest().ok_or_else(nothing_here)?;
        let kind = (header::CONTENT_TYPE, "text/plain; charset=utf-8");
        Ok(([kind, (header::CACHE_CONTROL, "no-store")], signed.note.to_string()).into_response())
    });
    secured(answer)
}

/// A tile of the tree, as far as the last checkpoint covers it.
async fn hashes(
    (State(routes), ConnectInfo(peer), headers): Asked,
    Path((row, path)): Path<(String, String)>,
) -> Response<Body> {
    let answer = routes.admit(&headers, peer).and_then(|()| {
        let number = row.parse().ok().filter(|number: &u32| number.to_string() == row && *number < 64);
        let (number, (tile, width)) = number.zip(bundle::parse_path(&row, &path)).ok_or_else(nothing_here)?;
        let published = routes.app.ledger().published();
        let size = published.latest().map_or(0, |signed| signed.checkpoint.size);
        let first = tile.checked_mul(WIDTH).ok_or_else(nothing_here)?;
        if first.checked_add(width).is_none_or(|end| end > tree::files::width(number, size)) {
            return Err(nothing_here());
        }
        let nodes = published.rows().read(number, first, usize::try_from(width).unwrap_or_default());
        let nodes = nodes.map_err(|failed| failed_with(Failure::new(Code::Damaged, failed)))?;
        Ok(octets(nodes.as_flattened().to_vec(), width == WIDTH))
    });
    secured(answer)
}

async fn entries(asked: Asked, Path(path): Path<String>) -> Response<Body> {
    secured(tile(asked, Tile::Entries, &path).await)
}

async fn inventory(asked: Asked, Path(path): Path<String>) -> Response<Body> {
    secured(tile(asked, Tile::Inventory, &path).await)
}

async fn tile(
    (State(routes), ConnectInfo(peer), headers): Asked,
    tile: Tile,
    path: &str,
) -> Result<Response<Body>, Refusal> {
    routes.admit(&headers, peer)?;
    let named = match tile {
        Tile::Entries => bundle::parse_path("entries", path),
        Tile::Inventory => bundle::parse_path("inventory", path),
    };
    let (number, width) = named.ok_or_else(nothing_here)?;
    let first = number.checked_mul(WIDTH).ok_or_else(nothing_here)?;
    let end = first.checked_add(width).ok_or_else(nothing_here)?;
    if end > routes.app.ledger().log().head().size {
        return Err(nothing_here());
    }
    let _permit = routes.room.try_acquire().map_err(|_| Exceeded::Concurrent)?;
    let app = routes.app.clone();
    let read = tokio::task::spawn_blocking(move || read(&app, tile, first, end)).await;
    let bytes = match read {
        Ok(Ok(bytes)) => bytes,
        Ok(Err(failed)) => return Err(failed_with(Failure::new(Code::Damaged, failed))),
        Err(_) => return Err(failed_with(Failure::internal("a thread that reads a bundle failed"))),
    };
    Ok(octets(bytes, tile == Tile::Entries && width == WIDTH))
}

/// A full tile of records or hashes never changes. It is for whoever has the token, so no shared cache may keep it.
fn octets(bytes: Vec<u8>, never_changes: bool) -> Response<Body> {
    let mut response = ([(header::CONTENT_TYPE, "application/octet-stream")], bytes).into_response();
    if never_changes {
        let kept = HeaderValue::from_static("private, max-age=31536000, immutable");
        response.headers_mut().insert(header::CACHE_CONTROL, kept);
        response.headers_mut().insert(header::VARY, HeaderValue::from_static("authorization"));
    }
    response
}

fn read(app: &App, tile: Tile, first: u64, end: u64) -> Result<Vec<u8>, LogError> {
    let mut bundle = Vec::new();
    let mut next = first;
    while next < end {
        let read = app.ledger().log().read(next, CHUNK)?;
        let left = usize::try_from(end - next).unwrap_or(usize::MAX);
        let some: &[Entry] = read.get(..read.len().min(left)).unwrap_or_default();
        if some.is_empty() {
            return Err(LogError::Damaged { position: next, file: "the log".into(), what: "it is not there".into() });
        }
        for entry in some {
            match tile {
                Tile::Entries => put_record(&mut bundle, &entry.record),
                Tile::Inventory => put_parts(&mut bundle, entry),
            }
        }
        next += some.len() as u64;
    }
    Ok(bundle)
}

impl Routes {
    fn admit(&self, headers: &HeaderMap, peer: SocketAddr) -> Result<(), Refusal> {
        // A demo shows its log to everybody on this machine, and to no page that leads its own name here.
        if self.app.demo && sent_to_loopback(headers) {
            return Ok(());
        }
        let viewer = self.edge.door().admit(headers, peer.ip())?;
        if viewer.may("log") {
            return Ok(());
        }
        Err(Refusal::new(StatusCode::FORBIDDEN, "FORBIDDEN", "Your role does not include the log."))
    }
}

fn nothing_here() -> Refusal {
    Refusal::new(StatusCode::NOT_FOUND, "NOT_FOUND", "The log has nothing here.")
}

fn failed_with(failure: Failure) -> Refusal {
    let code = failure.code().as_str();
    Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, code, async_graphql::Error::from(failure).message)
}

fn secured(answer: Result<Response<Body>, Refusal>) -> Response<Body> {
    let mut response = answer.unwrap_or_else(|refusal| refusal.answer(Format::Json));
    secure(response.headers_mut());
    response
}

#[cfg(test)]
mod tests;
