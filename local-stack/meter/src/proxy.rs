//! The metering proxy: forwards requests to DynamoDB, SQS or another HTTP API, and meters each.

mod aws_json;
mod exchange;
mod interceptor;
mod signature;
mod web;

use std::{fmt, io, sync::Arc};

use hyper::service::service_fn;
use loopback::{Clients, Listener};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use self::exchange::Exchange;
pub use self::interceptor::{BoxFuture, CallInterceptor, InterceptedCall, RequestAction, ResponseAction};
use crate::{
    call::ApiCall,
    service::Service,
    tables::Tables,
    upstream::{InvalidEndpoint, Upstream, UpstreamClient},
};

/// A running proxy on 127.0.0.1. It stops when its token is cancelled.
pub struct Proxy {
    port: u16,
    unreported: watch::Receiver<usize>,
}

/// Why a proxy did not start.
#[derive(Debug, thiserror::Error)]
pub enum ProxyError {
    /// The proxy cannot listen on its port.
    #[error("cannot listen on port {port} of 127.0.0.1: {cause}")]
    Port {
        /// The port.
        port: u16,
        /// The error of the operating system.
        cause: io::Error,
    },
    /// The upstream's endpoint is not valid.
    #[error(transparent)]
    Endpoint(#[from] InvalidEndpoint),
}

impl Proxy {
    /// Starts a proxy for `upstream` on `port` of 127.0.0.1 (0 takes any free one).
    ///
    /// The access key id that signed a request becomes [`ApiCall::caller`], and the proxy replaces it by `local`: a
    /// DynamoDB Local without `-sharedDb` keeps one database for each id, and emulators do not verify signatures. So
    /// the proxy cannot be used for AWS itself. Callers of [`Service::Web`] put `/~ID` before their paths instead.
    /// `tables` must hold every table whose request units are to be metered; services other than DynamoDB need none.
    /// `observer` receives each call once, as soon as it is metered, and must not block. `interceptor` may change, answer
    /// or drop calls.
    ///
    /// # Errors
    /// If the port is taken or the endpoint is not valid.
    pub async fn start(
        port: u16,
        service: Service,
        upstream: Upstream,
        tables: Tables,
        observer: impl Fn(ApiCall) + Send + Sync + 'static,
        interceptor: Option<Arc<dyn CallInterceptor>>,
        stop: CancellationToken,
    ) -> Result<Self, ProxyError> {
        let upstream = UpstreamClient::new(upstream)?;
        let listener = Listener::bind(port).await.map_err(|cause| ProxyError::Port { port, cause })?;
        let port = listener.port();
        let (reports, unreported) = watch::channel(0);
        let exchange =
            Arc::new(Exchange::new(service, upstream, tables, Box::new(observer), interceptor, reports));
        let service = service_fn(move |request| Arc::clone(&exchange).respond(request));
        tokio::spawn(loopback::serve(listener, Clients::OfThisMachine, stop, service));
        Ok(Self { port, unreported })
    }

    /// The URL of the proxy: `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Waits until the observer has received every call that has its response by now.
    pub async fn flush(&self) {
        // An error means that the proxy has stopped and reports nothing more.
        let _ = self.unreported.clone().wait_for(|count| *count == 0).await;
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy").field("port", &self.port).finish_non_exhaustive()
    }
}
