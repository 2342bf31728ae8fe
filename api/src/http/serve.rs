//! Listens: timeouts, TLS, and an end that lets open requests finish.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::connect_info::IntoMakeServiceWithConnectInfo;
use axum_server::Handle;
use axum_server::accept::NoDelayAcceptor;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use hyper_util::rt::TokioTimer;

use crate::config::Tls;
use crate::limits::Limits;

/// A listener that was bound before the server is ready, so that its address is known and can be printed.
pub fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let listener = TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Serves until `handle` is told to stop; see [`stop`]. HTTP/1.1, with TLS too.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    tls: Option<&Tls>,
    handle: Handle<SocketAddr>,
    limits: &Limits,
) -> io::Result<()> {
    let service: IntoMakeServiceWithConnectInfo<Router, SocketAddr> = router.into_make_service_with_connect_info();
    let head = Duration::from_millis(limits.head_ms);
    let server = axum_server::from_tcp(listener)?.handle(handle);
    match tls {
        None => {
            let mut server = server.acceptor(NoDelayAcceptor::new()).http1_only();
            server.http_builder().http1().timer(TokioTimer::new()).header_read_timeout(head);
            server.serve(service).await
        }
        Some(tls) => {
            let config = RustlsConfig::from_pem_chain_file(&tls.cert, &tls.key).await?;
            let mut server = server.acceptor(RustlsAcceptor::new(config).acceptor(NoDelayAcceptor::new())).http1_only();
            server.http_builder().http1().timer(TokioTimer::new()).header_read_timeout(head);
            server.serve(service).await
        }
    }
}

/// Stops: no new connection, open requests have `limits.drain_ms` to finish. The ledger's writer must be closed after
/// [`serve`] has returned and not before, so that what was accepted is answered.
pub fn stop(handle: &Handle<SocketAddr>, limits: &Limits) {
    handle.graceful_shutdown(Some(Duration::from_millis(limits.drain_ms)));
}

/// Returns when the program is told to end (SIGTERM, or Ctrl-C).
pub async fn told_to_stop() -> io::Result<()> {
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted,
        _ = terminate.recv() => Ok(()),
    }
}

/// Runs `chore` every five seconds for as long as what it needs exists.
pub fn every_five_seconds<T: Send + Sync + 'static>(of: &Arc<T>, chore: impl Fn(&T) + Send + 'static) {
    let of = Arc::downgrade(of);
    tokio::spawn(async move {
        let mut ticks = tokio::time::interval(Duration::from_secs(5));
        loop {
            ticks.tick().await;
            let Some(of) = of.upgrade() else { return };
            chore(&of);
        }
    });
}
