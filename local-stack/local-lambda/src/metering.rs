//! What the functions' calls and invocations would be billed as on AWS.
//!
//! Every environment signs with an access key id of its own and reaches DynamoDB and SQS through a counting proxy, so
//! each call is known by the function that made it. Web services are not signed for: there, the id is in the URL. The
//! rules and prices are those of the crate `meter`.

mod call_log;
mod unit_of_work;
mod usage_recorder;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use crate::aws_clients::AwsClients;
use meter::{CallInterceptor, Index, Key, Projection, Proxy, Service, Table, Tables, Upstream};
use sam_template::Template;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

pub use self::call_log::RecordedCall;
pub use self::unit_of_work::UnitOfWork;
pub use self::usage_recorder::UsageRecorder;
use crate::{access_keys, error::Error, faults::Faults, resource_ids::ResourceIds};

/// How long calls that have been answered may take to be counted.
const QUIET_WITHIN: Duration = Duration::from_millis(500);

/// The proxies that stand before DynamoDB, SQS and web services.
#[derive(Debug)]
pub struct Metering {
    /// What has been counted.
    pub account: Arc<UsageRecorder>,
    /// Where functions find DynamoDB.
    pub dynamodb: String,
    /// Where functions and pollers find SQS.
    pub sqs: String,
    /// Where functions find web services: by the services' own URLs, the proxies' before them.
    pub web: BTreeMap<String, String>,
    proxies: Vec<Proxy>,
}

impl Metering {
    /// Starts the proxies before these endpoints.
    ///
    /// # Errors
    /// When an endpoint is none, or no port is free.
    pub async fn start(
        account: Arc<UsageRecorder>,
        faults: &Arc<Faults>,
        template: &Template,
        resource_ids: &ResourceIds,
        (dynamodb, sqs, web): (&str, &str, &[String]),
        stop: &CancellationToken,
    ) -> Result<Self, Error> {
        let proxy = async |service, endpoint, tables| {
            let seen = Arc::clone(&account);
            let observer = move |call| seen.called(call);
            let interceptor: Arc<dyn CallInterceptor> = faults.clone();
            Proxy::start(
                0,
                service,
                Upstream::new(endpoint),
                tables,
                observer,
                Some(interceptor),
                stop.clone(),
            )
            .await
        };
        let before_dynamodb = proxy(Service::DynamoDb, dynamodb, tables(template, resource_ids)).await?;
        let before_sqs = proxy(Service::Sqs, sqs, Tables::default()).await?;
        let (mut before_web, mut proxies) = (BTreeMap::new(), Vec::new());
        for url in web {
            let before = proxy(Service::Web, url, Tables::default()).await?;
            before_web.insert(url.clone(), before.endpoint());
            proxies.push(before);
        }
        let (dynamodb, sqs) = (before_dynamodb.endpoint(), before_sqs.endpoint());
        proxies.extend([before_dynamodb, before_sqs]);
        Ok(Self { account, dynamodb, sqs, web: before_web, proxies })
    }

    /// Clients for the pollers, whose calls are on the bill as well.
    #[must_use]
    pub fn pollers(&self, region: &str) -> AwsClients {
        AwsClients::new(region, &self.dynamodb, &self.sqs).signed_by(access_keys::POLLER)
    }

    /// Waits a moment until all calls that have been answered are counted; one that hangs is not waited for.
    pub async fn quiet(&self) {
        let quiet = futures_util::future::join_all(self.proxies.iter().map(meter::Proxy::flush));
        let _ = timeout(QUIET_WITHIN, quiet).await;
    }
}

/// Keys and indexes of the template's tables, by the tables' names here.
fn tables(template: &Template, resource_ids: &ResourceIds) -> Tables {
    let key = |key: &sam_template::Key| Key::new(key.partition.clone(), key.sort.as_deref());
    let index = |index: &sam_template::Index| Index {
        key: key(&index.key),
        projection: match &index.projection {
            sam_template::Projection::All => Projection::All,
            sam_template::Projection::KeysOnly => Projection::KeysOnly,
            sam_template::Projection::Include(names) => Projection::Include(names.clone()),
        },
    };
    let named = template.tables.iter().filter_map(|table| {
        let indexes = table.global_indexes.iter().chain(&table.local_indexes).map(index).collect();
        Some((resource_ids.tables.get(&table.logical_id)?.clone(), Table { key: key(&table.key), indexes }))
    });
    named.collect()
}
