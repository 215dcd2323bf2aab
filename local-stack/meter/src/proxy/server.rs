//! Accepts connections and serves their requests.

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

/// Serves until `stop` is cancelled, then completes the requests in flight.
pub(super) async fn serve(listener: TcpListener, exchange: Arc<Exchange>, stop: CancellationToken) {
    while let Some(accepted) = stop.run_until_cancelled(listener.accept()).await {
        let Ok((stream, _)) = accepted else {
            // No file descriptor is free, or the client has left: the next accept may succeed.
            tokio::task::yield_now().await;
            continue;
        };
        // Small responses must not wait for the acknowledgement of the packet before.
        let _ = stream.set_nodelay(true);
        let (exchange, stop) = (Arc::clone(&exchange), stop.clone());
        tokio::spawn(async move {
            let service = service_fn(move |request| {
                let exchange = Arc::clone(&exchange);
                exchange.respond(request)
            });
            let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
            tokio::pin!(connection);
            // An error here is the client's: it did not send HTTP, or has left.
            if stop.run_until_cancelled(connection.as_mut()).await.is_none() {
                connection.as_mut().graceful_shutdown();
                let _ = connection.await;
            }
        });
    }
}
