//! What the functions' calls and invocations would cost on AWS.
//!
//! Every environment signs with its own access key id and reaches DynamoDB and SQS through a counting proxy, so the
//! stack knows which function made each call. Requests to web services are not signed: there, the access key id is in
//! the URL. The rules and prices are those of the crate `meter`.

mod call_log;
mod unit_of_work;
mod usage_recorder;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use meter::{CallInterceptor, Index, Key, Projection, Proxy, Service, Table, Tables, Upstream};
use sam_template::Template;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

pub use self::call_log::RecordedCall;
pub use self::unit_of_work::UnitOfWork;
pub use self::usage_recorder::UsageRecorder;
use crate::{access_keys, error::Error, resource_ids::ResourceIds, sqs_server};

/// How long it may take to count calls that have already been answered.
const FLUSH_WITHIN: Duration = Duration::from_millis(500);

/// The proxies before DynamoDB, SQS and web services.
#[derive(Debug)]
pub struct Metering {
    /// What has been counted.
    pub usage: Arc<UsageRecorder>,
    /// The DynamoDB endpoint of functions.
    pub dynamodb: String,
    /// The SQS endpoint of functions and pollers.
    pub sqs: String,
    /// The proxies' URLs by the URLs of the web services behind them.
    pub web_services: BTreeMap<String, String>,
    proxies: Vec<Proxy>,
}

/// What the proxies stand before.
#[derive(Debug)]
pub struct Endpoints<'a> {
    /// The URL of DynamoDB.
    pub dynamodb: &'a str,
    /// The URL of SQS.
    pub sqs: &'a str,
    /// The URLs of web services.
    pub web_services: &'a [String],
    /// The keys and indexes of DynamoDB's tables.
    pub tables: Tables,
}

impl Metering {
    /// Starts a proxy before each endpoint; they run until `stop`. `interceptor` may change or block calls.
    ///
    /// # Errors
    /// When an endpoint is not a URL, or no port is free.
    pub async fn start(
        usage: Arc<UsageRecorder>,
        interceptor: Arc<dyn CallInterceptor>,
        endpoints: Endpoints<'_>,
        stop: &CancellationToken,
    ) -> Result<Self, Error> {
        let proxy = async |service, endpoint, tables| {
            let recorder = Arc::clone(&usage);
            Proxy::start(
                0,
                service,
                Upstream::new(endpoint),
                tables,
                move |call| recorder.record_call(call),
                Some(Arc::clone(&interceptor)),
                stop.clone(),
            )
            .await
        };
        let dynamodb_proxy = proxy(Service::DynamoDb, endpoints.dynamodb, endpoints.tables).await?;
        let sqs_proxy = proxy(Service::Sqs, endpoints.sqs, Tables::default()).await?;
        let (dynamodb, sqs) = (dynamodb_proxy.endpoint(), sqs_proxy.endpoint());
        let (mut web_services, mut proxies) = (BTreeMap::new(), vec![dynamodb_proxy, sqs_proxy]);
        for url in endpoints.web_services {
            let proxy = proxy(Service::Web, url, Tables::default()).await?;
            web_services.insert(url.clone(), proxy.endpoint());
            proxies.push(proxy);
        }
        Ok(Self { usage, dynamodb, sqs, web_services, proxies })
    }

    /// An SQS client for the pollers of event sources, whose calls are on the bill as well.
    #[must_use]
    pub fn poller_sqs(&self, region: &str) -> aws_sdk_sqs::Client {
        sqs_server::client(&self.sqs, region, access_keys::POLLER)
    }

    /// Waits a moment until all calls that have been answered are counted. A call that hangs is not waited for.
    pub async fn flush(&self) {
        let flushed = futures_util::future::join_all(self.proxies.iter().map(Proxy::flush));
        let _ = timeout(FLUSH_WITHIN, flushed).await;
    }
}

/// The keys and indexes of the template's tables, by the tables' local names.
pub(crate) fn tables(template: &Template, resource_ids: &ResourceIds) -> Tables {
    let key = |key: &sam_template::Key| Key::new(key.partition.clone(), key.sort.as_deref());
    let index = |index: &sam_template::Index| Index {
        key: key(&index.key),
        projection: match &index.projection {
            sam_template::Projection::All => Projection::All,
            sam_template::Projection::KeysOnly => Projection::KeysOnly,
            sam_template::Projection::Include(names) => Projection::Include(names.clone()),
        },
    };
    let tables = template.tables.iter().filter_map(|table| {
        let indexes = table.global_indexes.iter().chain(&table.local_indexes).map(index).collect();
        Some((resource_ids.tables.get(&table.logical_id)?.clone(), Table { key: key(&table.key), indexes }))
    });
    tables.collect()
}
