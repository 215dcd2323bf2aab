//! Accepts connections and serves their requests.

use std::{error::Error, sync::Arc};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Either;
use hyper::{
    body::{Body, Incoming},
    server::conn::http1,
    service::{Service, service_fn},
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio_util::sync::CancellationToken;

use crate::{border::Clients, listener::Listener};

/// The most headers of a request: as many as fit into API Gateway's limit of 10,240 bytes if each takes four, `a:` and the
/// end of its line.
const MOST_HEADERS: usize = 2_560;

/// Lets `service` respond to the requests that `clients` send until `stop`, and then lets the running ones end. A service
/// that returns an error closes the connection without a response.
pub async fn serve<S, B>(listener: Listener, clients: Clients, stop: CancellationToken, service: S)
where
    S: Service<Request<Incoming>, Response = Response<B>> + Send + Sync + 'static,
    S::Future: Send,
    S::Error: Into<Box<dyn Error + Send + Sync>> + Send,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let service = Arc::new(service);
    while let Some(accepted) = stop.run_until_cancelled(listener.accept()).await {
        let Ok(stream) = accepted else {
            // No file descriptor is free, or the client has gone: the next accept may succeed.
            tokio::task::yield_now().await;
            continue;
        };
        let (service, stop) = (Arc::clone(&service), stop.clone());
        tokio::spawn(async move {
            let respond = service_fn(move |request| respond(Arc::clone(&service), clients, request));
            let mut builder = http1::Builder::new();
            builder.timer(TokioTimer::new());
            if clients == Clients::Any {
                // A client of the API may end its side of the connection with its request, and still wait for the response.
                // Elsewhere it has left: a long poll that goes on without it would take a message that nobody gets.
                builder.half_close(true).max_headers(MOST_HEADERS);
            }
            let connection = builder.serve_connection(TokioIo::new(stream), respond);
            tokio::pin!(connection);
            // An error here is the client's: it sent no HTTP, or closed the connection.
            if stop.run_until_cancelled(connection.as_mut()).await.is_none() {
                connection.as_mut().graceful_shutdown();
                let _ = connection.await;
            }
        });
    }
}

async fn respond<S, B>(
    service: Arc<S>,
    clients: Clients,
    request: Request<Incoming>,
) -> Result<Response<Either<http_body_util::Full<Bytes>, B>>, S::Error>
where
    S: Service<Request<Incoming>, Response = Response<B>>,
{
    let (parts, body) = request.into_parts();
    if let Some(refusal) = clients.refusal(&parts) {
        return Ok(refusal.map(Either::Left));
    }
    let mut response = service.call(Request::from_parts(parts, body)).await?;
    clients.withhold(response.headers_mut());
    Ok(response.map(Either::Right))
}
