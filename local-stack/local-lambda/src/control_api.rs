//! The control API: the state of the stack, on its own port.
//!
//! | path | response |
//! |---|---|
//! | `GET /_local/functions` | every function with its environments, queues with their depth, streams with the iterator age |
//! | `GET /_local/bill` | the bill so far, in US dollars |
//! | `GET /_local/bill.txt` | the same as a table |
//! | `GET`, `PUT`, `DELETE /_local/faults` | the fault rules and their counters |
//! | `GET /_local/calls?after=N` | the latest calls of functions to AWS, with their units |

use std::{collections::BTreeMap, sync::Arc};

use aws_sdk_sqs::types::QueueAttributeName as Name;
use hyper::{Method, Request, StatusCode, body::Incoming};
use serde_json::{Value, json};

use crate::{
    event_sources::stream::IteratorAge,
    faults::{Faults, Plan},
    metering::UsageRecorder,
    pool::Pool,
    resource_ids::ResourceIds,
    server::{self, HttpResponse, Serve},
};

/// What the API reports on.
#[derive(Debug)]
pub struct ControlApi {
    /// The functions.
    pub functions: Vec<Arc<Pool>>,
    /// How far functions lag behind streams, by `table -> function`.
    pub iterator_ages: BTreeMap<String, Arc<IteratorAge>>,
    /// Has the URLs of the queues.
    pub resource_ids: Arc<ResourceIds>,
    /// Reads the queues' depths.
    pub sqs: aws_sdk_sqs::Client,
    /// Has the bill and the latest calls.
    pub usage: Arc<UsageRecorder>,
    /// Has the fault rules.
    pub faults: Arc<Faults>,
}

/// The most bytes of a plan of faults.
const LARGEST_PLAN: usize = 1024 * 1024;

impl Serve for ControlApi {
    async fn handle(&self, request: Request<Incoming>) -> HttpResponse {
        match (request.method(), request.uri().path()) {
            (&Method::GET, "/_local/faults") => self.rules(),
            (&Method::PUT, "/_local/faults") => {
                let body = server::body(request.into_body(), LARGEST_PLAN).await.unwrap_or_default();
                match serde_json::from_slice(&body) {
                    Ok(plan) => {
                        self.faults.set(plan);
                        self.rules()
                    }
                    Err(error) => {
                        let message = json!({"message": format!("no fault was changed: {error}")});
                        server::json(StatusCode::BAD_REQUEST, message.to_string())
                    }
                }
            }
            (&Method::DELETE, "/_local/faults") => {
                self.faults.set(Plan::default());
                self.rules()
            }
            (&Method::GET, "/_local/functions") => {
                server::json(StatusCode::OK, self.functions().await.to_string())
            }
            (&Method::GET, "/_local/bill") => match self.usage.bill() {
                Ok((bill, per)) => {
                    server::json(StatusCode::OK, json!({"bill": bill, "per": per}).to_string())
                }
                Err(error) => not_found(&error.to_string()),
            },
            (&Method::GET, "/_local/bill.txt") => match self.usage.bill_table() {
                Ok(table) => text(table),
                Err(error) => not_found(&error.to_string()),
            },
            (&Method::GET, "/_local/calls") => {
                let after = request.uri().query().and_then(|query| query.strip_prefix("after="));
                let after = after.and_then(|number| number.parse().ok()).unwrap_or_default();
                let calls = json!({"calls": self.usage.calls_after(after)});
                server::json(StatusCode::OK, calls.to_string())
            }
            _ => not_found(
                "this port answers GET /_local/functions, /_local/bill, /_local/bill.txt, /_local/calls, /_local/faults",
            ),
        }
    }
}

impl ControlApi {
    fn rules(&self) -> HttpResponse {
        server::json(StatusCode::OK, json!({"rules": self.faults.rules()}).to_string())
    }

    async fn functions(&self) -> Value {
        let functions: BTreeMap<_, _> =
            self.functions.iter().map(|function| (function.name(), function.status())).collect();
        let depths = futures_util::future::join_all(
            self.resource_ids.queue_urls.iter().map(async |(id, url)| (id.clone(), self.depth(url).await)),
        );
        let queues: BTreeMap<_, _> = depths.await.into_iter().collect();
        let ages: BTreeMap<_, _> =
            self.iterator_ages.iter().map(|(name, age)| (name, age.now().as_millis())).collect();
        json!({"functions": functions, "queues": queues, "iterator_age_ms": ages})
    }

    /// The messages that are visible, in flight and delayed; null when SQS does not respond.
    async fn depth(&self, url: &str) -> Value {
        let names = [
            Name::ApproximateNumberOfMessages,
            Name::ApproximateNumberOfMessagesNotVisible,
            Name::ApproximateNumberOfMessagesDelayed,
        ];
        let request =
            self.sqs.get_queue_attributes().queue_url(url).set_attribute_names(Some(names.to_vec()));
        let Ok(response) = request.send().await else { return Value::Null };
        let attribute = |name: &Name| -> Option<u64> { response.attributes()?.get(name)?.parse().ok() };
        let [visible, in_flight, delayed] = &names;
        json!({"visible": attribute(visible), "in_flight": attribute(in_flight), "delayed": attribute(delayed)})
    }
}

fn not_found(message: &str) -> HttpResponse {
    server::json(StatusCode::NOT_FOUND, json!({"message": message}).to_string())
}

fn text(text: String) -> HttpResponse {
    let mut response = server::json(StatusCode::OK, text);
    let plain = http::HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(http::header::CONTENT_TYPE, plain);
    response
}
