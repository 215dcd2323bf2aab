//! Takes connections and hands on whole requests.

use std::{io, net::Ipv4Addr, sync::Arc};

use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::exchange::Exchange;

pub(super) async fn listen(port: u16) -> io::Result<(TcpListener, u16)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    let port = listener.local_addr()?.port();
    Ok((listener, port))
}

/// Serves until `stop`; then lets the calls that are under way end.
pub(super) async fn serve(listener: TcpListener, exchange: Arc<Exchange>, stop: CancellationToken) {
    while let Some(accepted) = stop.run_until_cancelled(listener.accept()).await {
        let Ok((stream, _)) = accepted else {
            // Out of file descriptors, or a client that left: the next accept may work.
            tokio::task::yield_now().await;
            continue;
        };
        // Small answers must not wait for the peer's acknowledgement.
        let _ = stream.set_nodelay(true);
        let (exchange, stop) = (Arc::clone(&exchange), stop.clone());
        tokio::spawn(async move {
            let service = service_fn(move |request| {
                let exchange = Arc::clone(&exchange);
                exchange.answer(request)
            });
            let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
            tokio::pin!(connection);
            // An error here is the client's: it sent no HTTP or went away.
            if stop.run_until_cancelled(connection.as_mut()).await.is_none() {
                connection.as_mut().graceful_shutdown();
                let _ = connection.await;
            }
        });
    }
}
