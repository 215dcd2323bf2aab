//! A proxy with its upstream, and the calls that it has reported.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use aws_credential_types::Credentials;
use aws_sdk_dynamodb::{
    config::{BehaviorVersion, Region, retry::RetryConfig},
    types::{
        AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection,
        ProjectionType, ScalarAttributeType,
    },
};
use aws_smithy_http_client::Builder;
use embedded_dynamodb::Embedded;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use meter::{ApiCall, Index, Key, Proxy, Service, Table, Tables, Upstream};
use rustack_sqs_core::{config::SqsConfig, handler::RustackSqsHandler, provider::RustackSqs};
use rustack_sqs_http::service::{SqsHttpConfig, SqsHttpService};
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

pub(crate) const TABLE: &str = "things";
pub(crate) const INDEX: &str = "by-state";
pub(crate) const CALLER: &str = "AKIDONE";

/// A proxy under test.
pub(crate) struct Metered {
    pub(crate) proxy: Proxy,
    calls: Arc<Mutex<Vec<ApiCall>>>,
    _stop: DropGuard,
}

/// DynamoDB behind a proxy, with one table: key `id`, index `by-state` on `state`, keys only.
pub(crate) struct Dynamo {
    pub(crate) metered: Metered,
    /// Through the proxy, signed by [`CALLER`].
    pub(crate) client: aws_sdk_dynamodb::Client,
    /// Without the proxy.
    pub(crate) direct: aws_sdk_dynamodb::Client,
    server: Embedded,
}

impl Metered {
    pub(crate) async fn before(service: Service, target: Upstream, tables: Tables) -> Self {
        let (calls, stop) = (Arc::new(Mutex::new(Vec::new())), CancellationToken::new());
        let seen = Arc::clone(&calls);
        let observer = move |call| seen.lock().unwrap().push(call);
        let proxy = Proxy::start(0, service, target, tables, observer, None, stop.clone()).await.unwrap();
        Self { proxy, calls, _stop: stop.drop_guard() }
    }

    /// The calls since the last time that this was called.
    pub(crate) async fn calls(&self) -> Vec<ApiCall> {
        tokio::time::timeout(Duration::from_secs(10), self.proxy.flush())
            .await
            .expect("calls are not reported");
        std::mem::take(&mut *self.calls.lock().unwrap())
    }

    /// The only call since the last time.
    pub(crate) async fn call(&self) -> ApiCall {
        let mut calls = self.calls().await;
        assert_eq!(calls.len(), 1, "{calls:?}");
        calls.remove(0)
    }
}

impl Dynamo {
    pub(crate) async fn start() -> Self {
        let server = Embedded::start(0, "us-east-1", None).await.unwrap();
        let metered = Metered::before(Service::DynamoDb, Upstream::new(server.endpoint()), tables()).await;
        let client = dynamodb(&metered.proxy.endpoint(), CALLER);
        let direct = dynamodb(&server.endpoint(), "local");
        create_table(&direct).await;
        Self { metered, client, direct, server }
    }

    /// The endpoint of the server.
    pub(crate) fn endpoint(&self) -> String {
        self.server.endpoint()
    }

    pub(crate) async fn stop(self) {
        self.server.stop().await;
    }

    /// The read half units and write units of the only call since the last time.
    pub(crate) async fn units(&self) -> (u64, u64) {
        let call = self.metered.call().await;
        assert_eq!(call.gap, None, "{call:?}");
        (call.units.read_half_units, call.units.write_units)
    }
}

pub(crate) fn tables() -> Tables {
    let index = Index { key: Key::new("state", None), projection: meter::Projection::KeysOnly };
    [(TABLE.to_owned(), Table { key: Key::new("id", None), indexes: vec![index] })].into_iter().collect()
}

async fn create_table(client: &aws_sdk_dynamodb::Client) {
    let attribute = |name: &str| {
        let kind = ScalarAttributeType::S;
        AttributeDefinition::builder().attribute_name(name).attribute_type(kind).build().unwrap()
    };
    let key = |name: &str| {
        KeySchemaElement::builder().attribute_name(name).key_type(KeyType::Hash).build().unwrap()
    };
    let index = GlobalSecondaryIndex::builder()
        .index_name(INDEX)
        .key_schema(key("state"))
        .projection(Projection::builder().projection_type(ProjectionType::KeysOnly).build())
        .build()
        .unwrap();
    let request = client.create_table().table_name(TABLE).billing_mode(BillingMode::PayPerRequest);
    let request = request.attribute_definitions(attribute("id")).attribute_definitions(attribute("state"));
    request.key_schema(key("id")).global_secondary_indexes(index).send().await.unwrap();
}

pub(crate) fn dynamodb(endpoint: &str, key_id: &str) -> aws_sdk_dynamodb::Client {
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new(key_id, "secret", None, None, "test"))
        .http_client(Builder::new().build_http())
        .retry_config(RetryConfig::disabled())
        .endpoint_url(endpoint);
    aws_sdk_dynamodb::Client::from_conf(config.build())
}

pub(crate) fn sqs(endpoint: &str, key_id: &str) -> aws_sdk_sqs::Client {
    let config = aws_sdk_sqs::Config::builder()
        .behavior_version(aws_sdk_sqs::config::BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new(key_id, "secret", None, None, "test"))
        .http_client(Builder::new().build_http())
        .retry_config(RetryConfig::disabled())
        .endpoint_url(endpoint);
    aws_sdk_sqs::Client::from_conf(config.build())
}

/// An embedded SQS, and a guard that stops it when dropped.
pub(crate) async fn sqs_server() -> (String, DropGuard) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let config = SqsConfig {
        skip_signature_validation: true,
        default_region: "us-east-1".to_owned(),
        account_id: "000000000000".to_owned(),
        host: "127.0.0.1".to_owned(),
        port,
    };
    let handler = Arc::new(RustackSqsHandler::new(Arc::new(RustackSqs::new(config))));
    let http = SqsHttpConfig { region: "us-east-1".to_owned(), ..SqsHttpConfig::default() };
    let service = SqsHttpService::new(handler, http);
    let stop = CancellationToken::new();
    let stopped = stop.clone();
    tokio::spawn(async move {
        while let Some(Ok((stream, _))) = stopped.run_until_cancelled(listener.accept()).await {
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service.clone()));
        }
    });
    (format!("http://127.0.0.1:{port}"), stop.drop_guard())
}
