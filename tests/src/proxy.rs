//! A proxy before DynamoDB or SQS: it can take it away, or speak to it under another name.

use std::{
    convert::Infallible,
    sync::{
        Arc, LazyLock,
        atomic::{AtomicBool, Ordering},
    },
};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{
    HeaderMap, Request, Response, body::Incoming, header::AUTHORIZATION, server::conn::http1,
    service::service_fn,
};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioIo},
};
use tokio::{net::TcpListener, runtime::Runtime};
use tokio_util::sync::{CancellationToken, DropGuard};

/// A running proxy; it stops when dropped.
#[derive(Debug)]
pub struct Proxy {
    /// Where it answers.
    pub endpoint: String,
    state: Arc<State>,
    _stop: DropGuard,
}

#[derive(Debug)]
struct State {
    target: String,
    /// Where calls go that are not DynamoDB's, if elsewhere.
    others: Option<String>,
    access_key_id: Option<String>,
    http: Client<HttpConnector, Full<Bytes>>,
    down: AtomicBool,
}

/// Not a test's own runtime: that stands still while the test waits for its stack to stop.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
});

impl Proxy {
    /// A proxy to the server at `target`.
    pub async fn start(target: &str) -> Self {
        Self::serve("127.0.0.1", target, None, None).await
    }

    /// A proxy on another address of this machine, for callers that know AWS by one endpoint only.
    pub async fn start_for_both(address: &str, dynamodb: &str, sqs: &str) -> Self {
        Self::serve(address, dynamodb, Some(sqs.to_owned()), None).await
    }

    /// A proxy to the server at `target` that passes every call on under another access key id. Signatures are not made
    /// anew: for servers that do not check them.
    pub async fn start_as(target: &str, access_key_id: String) -> Self {
        Self::serve("127.0.0.1", target, None, Some(access_key_id)).await
    }

    async fn serve(
        address: &str,
        target: &str,
        others: Option<String>,
        access_key_id: Option<String>,
    ) -> Self {
        let (address, target) = (address.to_owned(), target.to_owned());
        RUNTIME.spawn(Self::serve_here(address, target, others, access_key_id)).await.unwrap()
    }

    async fn serve_here(
        address: String,
        target: String,
        others: Option<String>,
        access_key_id: Option<String>,
    ) -> Self {
        let listener = TcpListener::bind((address, 0)).await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(State {
            target,
            others,
            access_key_id,
            http: Client::builder(TokioExecutor::new()).build_http(),
            down: AtomicBool::new(false),
        });
        let stop = CancellationToken::new();
        let (served, stopped) = (Arc::clone(&state), stop.clone());
        tokio::spawn(async move {
            while let Some(Ok((stream, _))) = stopped.run_until_cancelled(listener.accept()).await {
                let (state, stopped) = (Arc::clone(&served), stopped.clone());
                tokio::spawn(async move {
                    let service = service_fn(move |request| State::pass(Arc::clone(&state), request));
                    let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
                    stopped.run_until_cancelled(connection).await
                });
            }
        });
        Self { endpoint, state, _stop: stop.drop_guard() }
    }

    /// Whether it answers nothing but internal errors from now on.
    pub fn set_down(&self, down: bool) {
        self.state.down.store(down, Ordering::SeqCst);
    }
}

impl State {
    async fn pass(state: Arc<Self>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
        let (mut parts, body) = request.into_parts();
        if state.down.load(Ordering::SeqCst) {
            return Ok(failure());
        }
        if let Some(id) = &state.access_key_id {
            call_by(id, &mut parts.headers);
        }
        let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        let operation = parts.headers.get("x-amz-target").and_then(|name| name.to_str().ok());
        let target = match &state.others {
            Some(others) if !operation.is_some_and(|name| name.starts_with("DynamoDB")) => others,
            _ => &state.target,
        };
        parts.uri = format!("{target}{path}").parse().unwrap();
        // The target is on this machine, whatever its callers call it.
        parts.headers.remove(hyper::header::HOST);
        let Ok(response) = state.http.request(Request::from_parts(parts, Full::new(body))).await else {
            return Ok(failure());
        };
        let (parts, body) = response.into_parts();
        let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
        Ok(Response::from_parts(parts, Full::new(body)))
    }
}

/// Puts another id into `Authorization: AWS4-HMAC-SHA256 Credential=ID/DATE/REGION/SERVICE/aws4_request, ...`.
fn call_by(access_key_id: &str, headers: &mut HeaderMap) {
    let signed = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let Some((start, rest)) = signed.and_then(|signed| signed.split_once("Credential=")) else { return };
    let Some((_, end)) = rest.split_once('/') else { return };
    let value = format!("{start}Credential={access_key_id}/{end}");
    headers.insert(AUTHORIZATION, http::HeaderValue::from_str(&value).unwrap());
}

fn failure() -> Response<Full<Bytes>> {
    let body = r#"{"__type":"com.amazonaws.dynamodb.v20120810#InternalServerError","message":"down"}"#;
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = http::StatusCode::INTERNAL_SERVER_ERROR;
    response
        .headers_mut()
        .insert("content-type", http::HeaderValue::from_static("application/x-amz-json-1.0"));
    response
}
