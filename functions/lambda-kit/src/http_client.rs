//! An HTTP client for servers outside AWS. It uses the same hyper and TLS stack as the SDK (docs/decisions/0002), so that
//! the binary holds only one.

use std::time::Duration;

use aws_smithy_http_client::{
    Connector,
    tls::{Provider, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::client::{
    http::{HttpConnector, SharedHttpConnector},
    orchestrator::HttpRequest,
};
use aws_smithy_types::{body::SdkBody, byte_stream::ByteStream};

use crate::{Error, error::chain};

/// A client of one server. Build it once, outside the handler: it keeps connections open.
#[derive(Clone, Debug)]
pub struct HttpClient {
    name: &'static str,
    base: String,
    connector: SharedHttpConnector,
}

/// A complete response.
#[derive(Clone, Debug)]
pub struct HttpResponse {
    /// The HTTP status.
    pub status: u16,
    /// The headers, with names in lower case. A value that is no text is left out.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl HttpResponse {
    /// The first header of this name, which is in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(header, _)| header == name).map(|(_, value)| value.as_str())
    }

    /// How long the server asks its client to wait (`Retry-After` in seconds). A date is not read: it needs two clocks that
    /// agree.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.header("retry-after")?.trim().parse().ok().map(Duration::from_secs)
    }
}

impl HttpClient {
    /// A client of the server at `base`, such as `https://api.stripe.com`. Errors name the server `name`.
    #[must_use]
    pub fn new(name: &'static str, base: &str) -> Self {
        let builder = Connector::builder();
        let connector = if base.starts_with("http://") {
            builder.build_http()
        } else {
            builder.tls_provider(Provider::Rustls(CryptoMode::Ring)).build()
        };
        let connector = SharedHttpConnector::new(connector);
        Self { name, base: base.trim_end_matches('/').to_owned(), connector }
    }

    /// Sends a POST request and reads the whole response. It sets no timeout: use
    /// [`Deadline::with_timeout`](crate::Deadline::with_timeout).
    ///
    /// # Errors
    /// [`Error::Unavailable`] when no complete response arrives: the server may or may not have processed the request.
    /// [`Error::Internal`] for an address or header that cannot be sent. No error holds a header.
    pub async fn post(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        body: String,
    ) -> Result<HttpResponse, Error> {
        let unsendable = |what: &str| Error::Internal(format!("cannot send {what} to {}", self.name));
        let mut request = HttpRequest::new(SdkBody::from(body));
        request.set_method("POST").map_err(|_| unsendable("the method"))?;
        request.set_uri(format!("{}{path}", self.base)).map_err(|_| unsendable("the address"))?;
        for (name, value) in headers {
            let (name, value) = ((*name).to_owned(), (*value).to_owned());
            request.headers_mut().try_insert(name, value).map_err(|_| unsendable("a header"))?;
        }
        let failed = |error: &dyn std::error::Error| Error::unavailable(self.name, chain(error));
        let response = self.connector.call(request).await.map_err(|error| failed(&error))?;
        let status = response.status().as_u16();
        let headers = response.headers().iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
        let headers = headers.collect();
        let body = ByteStream::new(response.into_body()).collect().await.map_err(|error| failed(&error))?;
        Ok(HttpResponse { status, headers, body: body.to_vec() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_read_in_seconds() {
        let after = |value: &str| {
            let headers = vec![("retry-after".to_owned(), value.to_owned())];
            HttpResponse { status: 429, headers, body: Vec::new() }.retry_after()
        };
        assert_eq!(after("2"), Some(Duration::from_secs(2)));
        for other in ["", "-1", "1.5", "Wed, 21 Oct 2026 07:28:00 GMT"] {
            assert_eq!(after(other), None, "{other}");
        }
    }

    #[tokio::test]
    async fn a_server_that_is_not_there_is_unavailable_and_the_error_holds_no_header() {
        let client = HttpClient::new("the server", "http://127.0.0.1:1");
        let error =
            client.post("/", &[("authorization", "Bearer sk_live_1")], String::new()).await.unwrap_err();
        assert!(matches!(&error, Error::Unavailable { dependency: "the server", .. }), "{error:?}");
        assert!(!format!("{error:?} {error}").contains("sk_live_1"), "{error:?}");
    }
}
