//! Loopback HTTP servers.

use std::{
    convert::Infallible,
    future::Future,
    io,
    net::{Ipv4Addr, Ipv6Addr},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::{Request, Response, StatusCode, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use crate::error::Error;

/// A response whose body is in memory.
pub(crate) type HttpResponse = Response<Full<Bytes>>;

/// How long a client may continue to send a body that is too large.
const DRAIN_WITHIN: Duration = Duration::from_secs(5);

/// A port of this machine's loopback addresses.
#[derive(Debug)]
pub(crate) struct Listener {
    port: u16,
    v4: TcpListener,
    /// `localhost` is `[::1]` to some clients, cargo-lambda among them.
    v6: Option<TcpListener>,
}

/// Listens on `port` of 127.0.0.1; 0 takes any free one.
pub(crate) async fn listen(port: u16, flag: &'static str) -> Result<(TcpListener, u16), Error> {
    let listener =
        TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(|cause| match cause.kind() {
            io::ErrorKind::AddrInUse => Error::PortTaken { port, flag },
            _ => Error::system(format!("listen on port {port} (change it with {flag})"), cause),
        })?;
    let port = listener.local_addr().map_err(|cause| Error::system("listen", cause))?.port();
    Ok((listener, port))
}

impl Listener {
    /// Listens on `port` of 127.0.0.1 and, where there is IPv6, of `[::1]`; 0 takes any free one.
    pub(crate) async fn bind(port: u16, flag: &'static str) -> Result<Self, Error> {
        let (v4, port) = listen(port, flag).await?;
        let v6 = TcpListener::bind((Ipv6Addr::LOCALHOST, port)).await.ok();
        Ok(Self { port, v4, v6 })
    }

    /// Listens on any free port of 127.0.0.1 only.
    pub(crate) async fn any() -> Result<Self, Error> {
        let (v4, port) = listen(0, "--port").await?;
        Ok(Self { port, v4, v6: None })
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    async fn accept(&self) -> io::Result<TcpStream> {
        let v6 = async {
            match &self.v6 {
                Some(listener) => listener.accept().await,
                None => std::future::pending().await,
            }
        };
        let (stream, _) = tokio::select! {
            accepted = self.v4.accept() => accepted?,
            accepted = v6 => accepted?,
        };
        Ok(stream)
    }
}

/// Handles the requests of a server.
pub(crate) trait Serve: Send + Sync + 'static {
    /// Handles one request.
    fn handle(&self, request: Request<Incoming>) -> impl Future<Output = HttpResponse> + Send;
}

/// Lets `api` handle requests until `stop`, and then lets the running ones end.
pub(crate) async fn serve(listener: Listener, stop: CancellationToken, api: impl Serve) {
    let api = Arc::new(api);
    loop {
        let stream = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => match accepted {
                Ok(stream) => stream,
                // No file descriptors are left, or the client has gone: the next accept may succeed.
                Err(_) => { tokio::task::yield_now().await; continue }
            },
        };
        // Small responses must not wait for the peer's acknowledgement.
        let _ = stream.set_nodelay(true);
        let (api, stop) = (Arc::clone(&api), stop.clone());
        tokio::spawn(async move {
            let service = service_fn(move |request| {
                let api = Arc::clone(&api);
                async move { Ok::<_, Infallible>(api.handle(request).await) }
            });
            let mut builder = http1::Builder::new();
            builder.timer(TokioTimer::new());
            let connection = builder.serve_connection(TokioIo::new(stream), service);
            tokio::pin!(connection);
            tokio::select! {
                // An error here is the client's: it sent no HTTP or closed the connection.
                _ = connection.as_mut() => return,
                () = stop.cancelled() => connection.as_mut().graceful_shutdown(),
            }
            let _ = connection.await;
        });
    }
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
