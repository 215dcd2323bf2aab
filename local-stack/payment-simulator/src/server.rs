//! The simulator on a port of this machine.

use std::{convert::Infallible, io, path::Path, sync::Arc, time::Duration};

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::{Request, Response, StatusCode, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use payments::Latency;
use serde::Deserialize;
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::api::{self, Answer, Api};

/// More than any request needs.
const LARGEST_BODY: usize = 64 * 1024;

/// How the simulator takes requests.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Behaviour {
    /// How long each call takes.
    #[serde(rename = "latency_ms")]
    pub latency: Latency,
    /// The part of the calls that fail without having changed anything, 0 to 1.
    #[serde(default)]
    pub failure_rate: f64,
}

/// Why the simulator cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The port cannot be had.
    #[error("the simulated payment provider cannot listen on port {port}: {cause}")]
    Port {
        /// The port that was asked for.
        port: u16,
        /// Why not.
        cause: io::Error,
    },
    /// The journal cannot be read.
    #[error("the simulated payment provider cannot use its journal {path}: {cause}")]
    Journal {
        /// The file.
        path: String,
        /// Why not.
        cause: io::Error,
    },
}

/// A running simulator. Dropping it stops it.
#[derive(Debug)]
pub struct Simulator {
    /// Where it answers: `http://127.0.0.1:12111`.
    pub url: String,
    _stop: DropGuard,
}

impl Simulator {
    /// Starts a simulator on a port of 127.0.0.1 (0 takes any free one). With `journal`, it knows what an earlier one
    /// has written there.
    ///
    /// # Errors
    /// When the port is taken or the journal cannot be used.
    pub async fn start(port: u16, behaviour: Behaviour, journal: Option<&Path>) -> Result<Self, StartError> {
        let api = Api::new(behaviour, journal).map_err(|cause| StartError::Journal {
            path: journal.unwrap_or(Path::new("")).display().to_string(),
            cause,
        })?;
        let taken = |cause| StartError::Port { port, cause };
        let listener = TcpListener::bind(("127.0.0.1", port)).await.map_err(taken)?;
        let url = format!("http://{}", listener.local_addr().map_err(taken)?);
        let stop = CancellationToken::new();
        tokio::spawn(serve(listener, Arc::new(api), stop.clone()));
        Ok(Self { url, _stop: stop.drop_guard() })
    }
}

async fn serve(listener: TcpListener, api: Arc<Api>, stop: CancellationToken) {
    while let Some(accepted) = stop.run_until_cancelled(listener.accept()).await {
        let Ok((stream, _)) = accepted else {
            // Out of file descriptors, for instance: they come back.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let (api, stop) = (Arc::clone(&api), stop.clone());
        tokio::spawn(async move {
            let service = service_fn(|request| handle(Arc::clone(&api), request));
            let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
            // A connection that breaks is its client's to notice.
            let _ = stop.run_until_cancelled(connection).await;
        });
    }
}

async fn handle(api: Arc<Api>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let header =
        |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let mut read = api::Request {
        method: request.method().to_string(),
        path: request.uri().path().to_owned(),
        authorization: header("authorization"),
        idempotency_key: header("idempotency-key"),
        body: Vec::new(),
    };
    match Limited::new(request.into_body(), LARGEST_BODY).collect().await {
        Ok(body) => read.body = body.to_bytes().to_vec(),
        Err(_) => return Ok(respond(StatusCode::BAD_REQUEST, Bytes::new())),
    }
    // A task of its own: what has arrived is carried out, whether or not the client still waits.
    let answer = tokio::spawn(async move { api.answer(read).await }).await;
    Ok(match answer {
        Ok(Answer { status, body }) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            respond(status, Bytes::from(body.to_string()))
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
