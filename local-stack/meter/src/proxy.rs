//! The counting proxy: passes calls on to DynamoDB, SQS or a web service, and tells what each is billed as.

mod aws_json;
mod exchange;
mod gate;
mod server;
mod signature;
mod upstream;
mod web;

use std::{fmt, io, sync::Arc, time::Duration};

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use self::exchange::Exchange;
pub use self::gate::{After, Before, Decision, Gate, Passing};
pub(crate) use self::upstream::Upstream;
use crate::{
    call::{Call, Service},
    tables::Tables,
};

/// A running proxy on 127.0.0.1. It stops when its token is cancelled.
pub struct Proxy {
    port: u16,
    unreported: watch::Receiver<usize>,
}

/// Where calls are passed on to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// `http://HOST:PORT`; no TLS.
    pub endpoint: String,
    /// How long one call may take there.
    pub limit: Duration,
}

/// Why a proxy did not start.
#[derive(Debug, thiserror::Error)]
pub enum ProxyError {
    /// Its port cannot be had.
    #[error("cannot listen on port {port} of 127.0.0.1: {cause}")]
    Port {
        /// The port asked for.
        port: u16,
        /// What the system said.
        cause: io::Error,
    },
    /// The target is not a URL of the form `http://HOST:PORT`.
    #[error("{0:?} is not an endpoint: expected http://HOST:PORT")]
    Endpoint(String),
}

impl Target {
    /// Above the 20 s that a long poll of SQS may take.
    const LIMIT: Duration = Duration::from_secs(30);

    /// A target that is given 30 s for each call.
    pub fn new(endpoint: impl Into<String>) -> Self {
        Self { endpoint: endpoint.into(), limit: Self::LIMIT }
    }
}

impl Proxy {
    /// Starts a proxy before `target` on `port` of 127.0.0.1 (0 takes any free one).
    ///
    /// The access key id that signed a call becomes [`Call::caller`], and is replaced by `local` on the way: a
    /// DynamoDB Local that is not shared keeps one database for each id, and emulators do not verify signatures. So
    /// the proxy is of no use before AWS itself. A web service's callers put `/~ID` before their paths instead. `tables`
    /// must hold every table whose units are to be right; other services need none. `observer` gets each call once, as
    /// soon as it is counted, and must not block. `gate`, if there is one, may stand in the way of each.
    ///
    /// # Errors
    /// When the port cannot be had, or the endpoint is not one.
    pub async fn start(
        port: u16,
        service: Service,
        target: Target,
        tables: Tables,
        observer: impl Fn(Call) + Send + Sync + 'static,
        gate: Option<Arc<dyn Gate>>,
        stop: CancellationToken,
    ) -> Result<Self, ProxyError> {
        let upstream = Upstream::new(target)?;
        let (listener, port) =
            server::listen(port).await.map_err(|cause| ProxyError::Port { port, cause })?;
        let (reports, unreported) = watch::channel(0);
        let exchange = Arc::new(Exchange::new(service, upstream, tables, Box::new(observer), gate, reports));
        tokio::spawn(server::serve(listener, exchange, stop));
        Ok(Self { port, unreported })
    }

    /// Where it answers: `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Waits until the observer has had every call that was answered so far.
    pub async fn quiet(&self) {
        // An error says that the proxy is gone, and with it all that it could report.
        let _ = self.unreported.clone().wait_for(|count| *count == 0).await;
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy").field("port", &self.port).finish_non_exhaustive()
    }
}
