//! The way to the target: kept-alive connections, a time limit, whole answers.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, Request, Uri, header, response, uri::Authority};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use tokio::time;

use super::{ProxyError, Target};

/// The most bytes of a body, of a request or of an answer: DynamoDB takes and gives 16 MB at most.
pub(super) const BODY_LIMIT: usize = 16 * 1024 * 1024;

#[derive(Clone, Debug)]
pub(crate) struct Upstream(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    authority: Authority,
    limit: Duration,
    http: Client<HttpConnector, Full<Bytes>>,
}

/// Why the target gave no whole answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UpstreamError {
    #[error("{0} does not answer: {1}")]
    Unreachable(Authority, String),
    #[error("{0} has not answered within {1:?}")]
    Late(Authority, Duration),
    #[error("the answer of {0} broke off")]
    Broken(Authority),
    #[error("the answer of {0} is larger than {BODY_LIMIT} bytes")]
    TooLarge(Authority),
}

impl Upstream {
    pub(super) fn new(target: Target) -> Result<Self, ProxyError> {
        let Target { endpoint, limit } = target;
        let authority = endpoint
            .parse::<Uri>()
            .ok()
            .filter(|uri| uri.scheme_str() == Some("http") && uri.path() == "/")
            .and_then(|uri| uri.authority().cloned())
            .ok_or(ProxyError::Endpoint(endpoint))?;
        let mut connector = HttpConnector::new();
        // Small requests must not wait for the target's acknowledgement.
        connector.set_nodelay(true);
        let http = Client::builder(TokioExecutor::new()).build(connector);
        Ok(Self(Arc::new(Inner { authority, limit, http })))
    }

    /// Sends a request to the target, whatever host its URI names, and waits for the whole answer.
    pub(crate) async fn send(
        &self,
        mut request: Request<Full<Bytes>>,
    ) -> Result<(response::Parts, Bytes), UpstreamError> {
        let Inner { authority, limit, http } = &*self.0;
        let mut uri = std::mem::take(request.uri_mut()).into_parts();
        uri.scheme = Some(http::uri::Scheme::HTTP);
        uri.authority = Some(authority.clone());
        let unreachable =
            |cause: &dyn std::fmt::Display| UpstreamError::Unreachable(authority.clone(), cause.to_string());
        *request.uri_mut() = Uri::from_parts(uri).map_err(|error| unreachable(&error))?;
        strip_connection(request.headers_mut());
        let exchange = async {
            let answer = http.request(request).await.map_err(|error| unreachable(&root(&error)))?;
            let (mut parts, body) = answer.into_parts();
            strip_connection(&mut parts.headers);
            match Limited::new(body, BODY_LIMIT).collect().await {
                Ok(body) => Ok((parts, body.to_bytes())),
                Err(error) if error.is::<LengthLimitError>() => {
                    Err(UpstreamError::TooLarge(authority.clone()))
                }
                Err(_) => Err(UpstreamError::Broken(authority.clone())),
            }
        };
        time::timeout(*limit, exchange)
            .await
            .unwrap_or_else(|_| Err(UpstreamError::Late(authority.clone(), *limit)))
    }
}

/// Removes what belongs to one connection, not to the message: bodies are passed on whole.
fn strip_connection(headers: &mut HeaderMap) {
    for name in [header::CONNECTION, header::TRANSFER_ENCODING, header::UPGRADE, header::TE] {
        headers.remove(name);
    }
    headers.remove("keep-alive");
}

/// What is at the bottom of an error: "Connection refused", not "client error (Connect)".
fn root(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}
