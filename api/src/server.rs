//! The server: the ledger behind GraphQL, the log behind its tiles, and an end that drains both.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum_server::Handle;

use crate::app::App;
use crate::config::Config;
use crate::graphql;
use crate::http::metrics::Metrics;
use crate::http::{Edge, serve, vitals};
use crate::publish::{NoAuthority, WitnessError, Witnesses};
use crate::replays::Replays;
use crate::{local, log_routes, tour};

/// How often the server looks whether the writer has stopped.
const WATCH: Duration = Duration::from_millis(100);

/// Why the server ended, other than by being told to.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address cannot be listened on.
    #[error("cannot listen on {0}: {1}")]
    Bind(SocketAddr, #[source] std::io::Error),
    /// The network failed.
    #[error("the network failed: {0}")]
    Network(#[from] std::io::Error),
    /// The metrics cannot be kept.
    #[error("the metrics cannot be kept")]
    Metrics,
    /// A witness has seen another log than this one, or cannot be asked as it is configured.
    #[error(transparent)]
    Witness(#[from] WitnessError),
    /// An authority whose word on the time is to count cannot be known.
    #[error(transparent)]
    Authority(#[from] NoAuthority),
    /// Every key is gone.
    #[error("the controller has left: every key was destroyed, and there is nothing left to serve")]
    Left,
    /// A write failed.
    #[error("a write failed, so the writer stopped; the log is verified at the next start")]
    Stopped,
}

/// Serves until the process is told to end or a write fails. `ready` is told the address when requests are taken.
pub async fn run(app: App, config: Config, data: &Path, ready: impl FnOnce(SocketAddr)) -> Result<(), ServeError> {
    let limits = config.limits;
    let app = app.confirmed_by(Replays::of(config.log.replays.clone()));
    let app = app.witnessed_by(config.log.witness.iter().map(|witness| witness.vkey.clone()).collect());
    let app = app.stamped_by(config.log.authorities()?);
    let metrics = Metrics::new().map_err(|_| ServeError::Metrics)?;
    let edge = Edge::new(graphql::schema(app.clone()), app.clone(), config.allow_origin.clone(), limits, &metrics);
    let router = router(&app, &edge, &metrics);
    let (asked, publishing) = (app.clone(), config.log.clone());
    let begin = move || Witnesses::of(&publishing)?.begin(&asked);
    let witnesses = tokio::task::spawn_blocking(begin).await.map_err(std::io::Error::other)??;
    let listener = serve::bind(config.listen).map_err(|failed| ServeError::Bind(config.listen, failed))?;
    let address = listener.local_addr()?;
    local::listen(data, app.clone())?;
    let handle = Handle::new();
    let stopped = handle.clone();
    let watched = app.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = serve::told_to_stop() => tracing::info!("told to stop"),
            () = writer_stopped(&watched) => tracing::error!("the writer has stopped; the server ends"),
        }
        serve::stop(&stopped, &limits);
    });
    serve::every_five_seconds(&Arc::new(metrics), Metrics::fold);
    serve::every_five_seconds(&edge, |edge| edge.door().sweep());
    app.watch_erasures();
    app.watch_retention();
    let mut contradicted = witnesses.watch(&app);
    ready(address);
    serve::serve(listener, router, config.tls.as_ref(), handle, &limits).await?;
    let last = app.clone();
    let recorded = tokio::task::spawn_blocking(move || last.record_sendings()).await;
    if !matches!(recorded, Ok(Ok(()))) {
        tracing::error!("what the suppression list dropped in the last seconds could not be recorded");
    }
    match contradicted.try_recv() {
        Ok(failed) => Err(failed.into()),
        Err(_) if app.ledger().has_left() => Err(ServeError::Left),
        Err(_) if app.ledger().is_stopped() => Err(ServeError::Stopped),
        Err(_) => Ok(()),
    }
}

fn router(app: &App, edge: &Arc<Edge<graphql::Schema, App>>, metrics: &Metrics) -> Router {
    let asked = app.clone();
    let ready = Arc::new(move || if asked.ledger().is_stopped() { Err("the writer has stopped\n") } else { Ok(()) });
    let log = log_routes::routes(edge, app);
    edge.route().merge(log).merge(vitals(ready, metrics.clone())).merge(tour::routes(app.demo))
}

async fn writer_stopped(app: &App) {
    while !app.ledger().is_stopped() {
        tokio::time::sleep(WATCH).await;
    }
}
