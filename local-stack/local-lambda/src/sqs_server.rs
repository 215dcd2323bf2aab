//! The embedded SQS: rustack, an SQS API in memory, on a loopback port.

use std::sync::Arc;

use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use rustack_sqs_core::{config::SqsConfig, handler::RustackSqsHandler, provider::RustackSqs};
use rustack_sqs_http::service::{SqsHttpConfig, SqsHttpService};
use tokio_util::sync::CancellationToken;

use crate::{error::Error, server};

/// Serves on `port` of 127.0.0.1 (0 takes any free one) until `stop`, and tells where: `http://127.0.0.1:PORT`.
///
/// # Errors
/// When the port is taken.
pub async fn start(
    port: u16,
    region: &str,
    account_id: &str,
    stop: CancellationToken,
) -> Result<String, Error> {
    let (listener, port) = server::listen(port, "--sqs-port").await?;
    let config = SqsConfig {
        skip_signature_validation: true,
        default_region: region.to_owned(),
        account_id: account_id.to_owned(),
        host: "127.0.0.1".to_owned(),
        port,
    };
    let handler = Arc::new(RustackSqsHandler::new(Arc::new(RustackSqs::new(config))));
    let service =
        SqsHttpService::new(handler, SqsHttpConfig { region: region.to_owned(), ..SqsHttpConfig::default() });
    tokio::spawn(async move {
        loop {
            let stream = tokio::select! {
                () = stop.cancelled() => return,
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => stream,
                    Err(_) => { tokio::task::yield_now().await; continue }
                },
            };
            let _ = stream.set_nodelay(true);
            let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service.clone());
            let stop = stop.clone();
            tokio::spawn(async move {
                tokio::select! {
                    _ = connection => {}
                    () = stop.cancelled() => {}
                }
            });
        }
    });
    Ok(format!("http://127.0.0.1:{port}"))
}
