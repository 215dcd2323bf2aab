//! The connection to the upstream server: kept-alive connections, a timeout, whole responses.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, Request, Uri, header, response, uri::Authority};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use tokio::time;

/// The largest body of a request or a response: DynamoDB accepts and returns at most 16 MB.
pub(crate) const BODY_LIMIT: usize = 16 * 1024 * 1024;

/// The server that a proxy forwards requests to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upstream {
    /// `http://HOST:PORT`; no TLS.
    pub endpoint: String,
    /// The longest that one call may take.
    pub timeout: Duration,
}

/// The endpoint of an [`Upstream`] is not a URL of the form `http://HOST:PORT`.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is not an endpoint: expected http://HOST:PORT")]
pub struct InvalidEndpoint(String);

/// An HTTP client for one upstream server.
#[derive(Clone, Debug)]
pub(crate) struct UpstreamClient(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    authority: Authority,
    timeout: Duration,
    http: Client<HttpConnector, Full<Bytes>>,
}

/// A whole response.
#[derive(Debug)]
pub(crate) struct UpstreamResponse {
    pub(crate) head: response::Parts,
    pub(crate) body: Bytes,
}

/// Why the upstream returned no whole response.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UpstreamError {
    #[error("{0} does not respond: {1}")]
    Unreachable(Authority, String),
    #[error("{0} has not responded within {1:?}")]
    Timeout(Authority, Duration),
    #[error("the response of {0} is incomplete")]
    Incomplete(Authority),
    #[error("the response of {0} is larger than {BODY_LIMIT} bytes")]
    TooLarge(Authority),
}

impl Upstream {
    /// Longer than the 20 s of the longest long poll of SQS.
    const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);

    /// An upstream with a timeout of 30 s.
    pub fn new(endpoint: impl Into<String>) -> Self {
        Self { endpoint: endpoint.into(), timeout: Self::DEFAULT_TIMEOUT }
    }
}

impl UpstreamClient {
    pub(crate) fn new(Upstream { endpoint, timeout }: Upstream) -> Result<Self, InvalidEndpoint> {
        let authority = endpoint
            .parse::<Uri>()
            .ok()
            .filter(|uri| uri.scheme_str() == Some("http") && uri.path() == "/")
            .and_then(|uri| uri.authority().cloned())
            .ok_or(InvalidEndpoint(endpoint))?;
        let mut connector = HttpConnector::new();
        // Small requests must not wait for the acknowledgement of the packet before.
        connector.set_nodelay(true);
        let http = Client::builder(TokioExecutor::new()).build(connector);
        Ok(Self(Arc::new(Inner { authority, timeout, http })))
    }

    /// Sends a request to the upstream, whatever host its URI names, and waits for the whole response.
    pub(crate) async fn send(
        &self,
        mut request: Request<Full<Bytes>>,
    ) -> Result<UpstreamResponse, UpstreamError> {
        let Inner { authority, timeout, http } = &*self.0;
        let mut uri = std::mem::take(request.uri_mut()).into_parts();
        uri.scheme = Some(http::uri::Scheme::HTTP);
        uri.authority = Some(authority.clone());
        let unreachable =
            |cause: &dyn std::fmt::Display| UpstreamError::Unreachable(authority.clone(), cause.to_string());
        *request.uri_mut() = Uri::from_parts(uri).map_err(|error| unreachable(&error))?;
        strip_connection(request.headers_mut());
        let exchange = async {
            let response = http.request(request).await.map_err(|error| unreachable(&root_cause(&error)))?;
            let (mut head, body) = response.into_parts();
            strip_connection(&mut head.headers);
            match Limited::new(body, BODY_LIMIT).collect().await {
                Ok(body) => Ok(UpstreamResponse { head, body: body.to_bytes() }),
                Err(error) if error.is::<LengthLimitError>() => {
                    Err(UpstreamError::TooLarge(authority.clone()))
                }
                Err(_) => Err(UpstreamError::Incomplete(authority.clone())),
            }
        };
        time::timeout(*timeout, exchange)
            .await
            .unwrap_or_else(|_| Err(UpstreamError::Timeout(authority.clone(), *timeout)))
    }
}

/// Removes the headers that belong to one connection: bodies are forwarded whole.
fn strip_connection(headers: &mut HeaderMap) {
    for name in [header::CONNECTION, header::TRANSFER_ENCODING, header::UPGRADE, header::TE] {
        headers.remove(name);
    }
    headers.remove("keep-alive");
}

/// The innermost source of an error: "Connection refused" instead of "client error (Connect)".
fn root_cause(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}
