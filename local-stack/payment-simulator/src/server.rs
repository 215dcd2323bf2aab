//! The HTTP server of the simulator.

use std::{convert::Infallible, io, path::Path, sync::Arc};

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::{Request, Response, StatusCode, body::Incoming, service::service_fn};
use loopback::{Clients, Listener};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::{
    api::{self, Api},
    behaviour::Behaviour,
};

/// Larger than any request of the API.
const LARGEST_BODY: usize = 64 * 1024;

/// Why the simulator cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The simulator cannot listen on its port.
    #[error("the simulated payment provider cannot listen on port {port}: {cause}")]
    Port {
        /// The port.
        port: u16,
        /// The error of the operating system.
        cause: io::Error,
    },
    /// The journal cannot be opened or read.
    #[error("the simulated payment provider cannot use its journal {path}: {cause}")]
    Journal {
        /// The file.
        path: String,
        /// The error of the operating system.
        cause: io::Error,
    },
}

/// A running simulator. It stops when it is dropped.
#[derive(Debug)]
pub struct Simulator {
    /// `http://127.0.0.1:12111`
    pub url: String,
    _stop: DropGuard,
}

impl Simulator {
    /// Starts a simulator on a port of 127.0.0.1 (0 takes any free one). With `journal`, it continues from the state that
    /// an earlier simulator wrote there.
    ///
    /// # Errors
    /// When the port is taken or the journal cannot be used.
    pub async fn start(port: u16, behaviour: Behaviour, journal: Option<&Path>) -> Result<Self, StartError> {
        let api = Api::new(behaviour, journal).map_err(|cause| StartError::Journal {
            path: journal.unwrap_or(Path::new("")).display().to_string(),
            cause,
        })?;
        let taken = |cause| StartError::Port { port, cause };
        let listener = Listener::bind(port).await.map_err(taken)?;
        let url = listener.url();
        let stop = CancellationToken::new();
        let api = Arc::new(api);
        let service = service_fn(move |request| handle(Arc::clone(&api), request));
        tokio::spawn(loopback::serve(listener, Clients::OfThisMachine, stop.clone(), service));
        Ok(Self { url, _stop: stop.drop_guard() })
    }
}

async fn handle(api: Arc<Api>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let header =
        |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let mut received = api::Request {
        method: request.method().to_string(),
        path: request.uri().path().to_owned(),
        authorization: header("authorization"),
        idempotency_key: header("idempotency-key"),
        body: Vec::new(),
    };
    match Limited::new(request.into_body(), LARGEST_BODY).collect().await {
        Ok(body) => received.body = body.to_bytes().to_vec(),
        Err(_) => return Ok(respond(StatusCode::BAD_REQUEST, Bytes::new())),
    }
    // In a task of its own, because a request that has arrived is processed even if its client has left.
    let response = tokio::spawn(async move { api.respond(received).await }).await;
    Ok(match response {
        Ok(api::Response { status, body, retry_after, replayed }) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            let mut response = respond(status, Bytes::from(body.to_string()));
            if let Some(seconds) = retry_after {
                response.headers_mut().insert(http::header::RETRY_AFTER, seconds.into());
            }
            if replayed {
                let yes = http::HeaderValue::from_static("true");
                response.headers_mut().insert("idempotent-replayed", yes);
            }
            response
        }
        Err(_) => respond(StatusCode::INTERNAL_SERVER_ERROR, Bytes::new()),
    })
}

fn respond(status: StatusCode, body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    let json = http::HeaderValue::from_static("application/json");
    response.headers_mut().insert(http::header::CONTENT_TYPE, json);
    response
}
