//! Loopback HTTP servers.

use std::{convert::Infallible, future::Future, io, sync::Arc, time::Duration};

use bytes::Bytes;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::{Request, Response, StatusCode, body::Incoming, service::service_fn};
use loopback::{Clients, Listener};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::error::Error;

/// A response whose body is in memory.
pub(crate) type HttpResponse = Response<Full<Bytes>>;

/// How long a client may continue to send a body that is too large.
const DRAIN_WITHIN: Duration = Duration::from_secs(5);

/// Listens on `port` of 127.0.0.1 and `[::1]`; 0 takes any free one. `flag` changes it.
pub(crate) async fn listen(port: u16, flag: &'static str) -> Result<Listener, Error> {
    Listener::bind_localhost(port).await.map_err(|cause| match cause.kind() {
        io::ErrorKind::AddrInUse => Error::PortTaken { port, flag },
        _ => Error::system(format!("listen on port {port} (change it with {flag})"), cause),
    })
}

/// Handles the requests of a server.
pub(crate) trait Serve: Send + Sync + 'static {
    /// Handles one request.
    fn handle(&self, request: Request<Incoming>) -> impl Future<Output = HttpResponse> + Send;
}

/// Lets `api` handle the requests of `clients` until `stop`, and then lets the running ones end.
pub(crate) async fn serve(listener: Listener, clients: Clients, stop: CancellationToken, api: impl Serve) {
    let api = Arc::new(api);
    let service = service_fn(move |request| {
        let api = Arc::clone(&api);
        async move { Ok::<_, Infallible>(api.handle(request).await) }
    });
    loopback::serve(listener, clients, stop, service).await;
}

/// Why a request's body could not be read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum BodyError {
    TooLarge,
    Broken,
}

/// Reads a body of at most `limit` bytes.
pub(crate) async fn body(mut incoming: Incoming, limit: usize) -> Result<Bytes, BodyError> {
    match Limited::new(&mut incoming, limit).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => {
            // A client that is still sending would not see the response if the connection was closed.
            let rest = async { while let Some(Ok(_)) = incoming.frame().await {} };
            let _ = timeout(DRAIN_WITHIN, rest).await;
            Err(BodyError::TooLarge)
        }
        Err(_) => Err(BodyError::Broken),
    }
}

/// A JSON response.
pub(crate) fn json(status: StatusCode, body: impl Into<Bytes>) -> HttpResponse {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    let content_type = http::HeaderValue::from_static("application/json");
    response.headers_mut().insert(http::header::CONTENT_TYPE, content_type);
    response
}
