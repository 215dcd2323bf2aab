//! HTTP to what is not an AWS service, over the same hyper and TLS stack as the SDK's (docs/decisions/0002): no second
//! one in the binary.

use std::fmt;

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

/// A server. Build it once, outside the handler: connections are kept.
#[derive(Clone, Debug)]
pub struct Web {
    name: &'static str,
    base: String,
    connector: SharedHttpConnector,
}

/// A whole answer.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
}

/// A text that must not be seen: neither `Debug` nor an error shows it.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Hides `text`.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The text, for the header or the call that needs it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

impl Web {
    /// The server at `base`, such as `https://api.stripe.com`; errors call it `name`.
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

    /// Sends a POST request and reads the answer to its end. There is no timeout here: bound it by a
    /// [`crate::Deadline`].
    ///
    /// # Errors
    /// [`Error::Unavailable`] when no whole answer comes, whatever became of the request; [`Error::Internal`] for an
    /// address or header that cannot be sent. No error holds a header.
    pub async fn post(&self, path: &str, headers: &[(&str, &str)], body: String) -> Result<Reply, Error> {
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
        let body = ByteStream::new(response.into_body()).collect().await.map_err(|error| failed(&error))?;
        Ok(Reply { status, body: body.to_vec() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_not_shown() {
        let secret = Secret::new("sk_live_1".to_owned());
        assert_eq!((format!("{secret:?}").as_str(), secret.expose()), ("Secret", "sk_live_1"));
    }

    #[tokio::test]
    async fn a_server_that_is_not_there_is_unavailable_and_the_error_holds_no_header() {
        let web = Web::new("the server", "http://127.0.0.1:1");
        let error = web.post("/", &[("authorization", "Bearer sk_live_1")], String::new()).await.unwrap_err();
        assert!(matches!(&error, Error::Unavailable { dependency: "the server", .. }), "{error:?}");
        assert!(!format!("{error:?} {error}").contains("sk_live_1"), "{error:?}");
    }
}
