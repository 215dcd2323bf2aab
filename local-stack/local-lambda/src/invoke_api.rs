//! Lambda's API: `cargo lambda invoke`, `aws lambda invoke` and any SDK reach the functions, and list them.
//!
//! <https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html>. Lists are complete: they are not divided into pages.

mod describe;
mod qualified_name;
mod refusal;

use std::{collections::BTreeMap, sync::Arc};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, request::Parts};
use hyper::{Method, Request, StatusCode, body::Incoming};
use serde_json::{Value, json};

use self::{qualified_name::QualifiedName, refusal::Refusal};
use crate::{
    async_invocation::AsyncInvocations,
    hosted_function::HostedFunction,
    http_api::query_parameters,
    invocation::{CompletedInvocation, Invocation, LARGEST_PAYLOAD, LogType, Outcome},
    report::Report,
    resource_ids::ResourceIds,
    server::{self, BodyError, HttpResponse, Serve},
};

/// The most bytes of a log tail.
const LOG_TAIL: usize = 4 * 1024;
/// The largest event of an asynchronous invocation: 1 MB since October 2025.
/// <https://aws.amazon.com/blogs/compute/more-room-to-build-serverless-services-now-support-payloads-up-to-1-mb>
const LARGEST_EVENT: usize = 1024 * 1024;

/// The API of the template's functions.
#[derive(Debug)]
pub struct InvokeApi {
    functions: Vec<HostedFunction>,
    events: Arc<AsyncInvocations>,
    resource_ids: Arc<ResourceIds>,
    source: Arc<str>,
    report: Report,
}

impl Serve for InvokeApi {
    async fn handle(&self, request: Request<Incoming>) -> HttpResponse {
        self.respond(request).await.unwrap_or_else(|refusal| refusal.response())
    }
}

impl InvokeApi {
    /// An API to these functions. `Event` invocations go to `events`.
    #[must_use]
    pub fn new(
        functions: Vec<HostedFunction>,
        events: Arc<AsyncInvocations>,
        resource_ids: Arc<ResourceIds>,
        report: Report,
    ) -> Self {
        Self { functions, events, resource_ids, source: "Invoke".into(), report }
    }

    async fn respond(&self, request: Request<Incoming>) -> Result<HttpResponse, Refusal> {
        let (parts, body) = request.into_parts();
        let path: Vec<_> = parts.uri.path().split('/').filter(|segment| !segment.is_empty()).collect();
        let query = query_parameters(parts.uri.query().unwrap_or_default());
        match (&parts.method, path.as_slice()) {
            (&Method::POST, ["2015-03-31", "functions", name, "invocations"]) => {
                let (function, _) = self.find(name, &query)?;
                self.invoke(function, &parts, body).await
            }
            (&Method::GET, path) => self
                .describe(path, &query)
                .map(|described| server::json(StatusCode::OK, described.to_string())),
            _ => Err(unknown_operation()),
        }
    }

    fn find(
        &self,
        name: &str,
        query: &BTreeMap<String, String>,
    ) -> Result<(&HostedFunction, String), Refusal> {
        let account = &self.resource_ids.account;
        let name = QualifiedName::read(name, query, account)?;
        let function = name.find(&self.functions, account)?;
        Ok((function, name.arn(function)))
    }

    fn describe(&self, path: &[&str], query: &BTreeMap<String, String>) -> Result<Value, Refusal> {
        Ok(match path {
            ["2015-03-31", "functions"] => {
                let functions = self.functions.iter();
                let all = functions.map(|function| describe::configuration(function, &function.pool.arn()));
                json!({"Functions": all.collect::<Vec<_>>()})
            }
            ["2015-03-31", "functions", name] => {
                let (function, arn) = self.find(name, query)?;
                describe::function(function, &arn)
            }
            ["2015-03-31", "functions", name, "configuration"] => {
                let (function, arn) = self.find(name, query)?;
                describe::configuration(function, &arn)
            }
            ["2015-03-31", "functions", name, "aliases"] => describe::aliases(self.find(name, query)?.0),
            ["2015-03-31", "event-source-mappings"] => match query.get("FunctionName") {
                Some(name) => {
                    let function = self.find(name, &BTreeMap::new())?.0;
                    describe::event_source_mappings(std::iter::once(function), &self.resource_ids, query)
                }
                None => describe::event_source_mappings(self.functions.iter(), &self.resource_ids, query),
            },
            _ => return Err(unknown_operation()),
        })
    }

    async fn invoke(
        &self,
        function: &HostedFunction,
        parts: &Parts,
        body: Incoming,
    ) -> Result<HttpResponse, Refusal> {
        let kind = header(&parts.headers, "x-amz-invocation-type");
        let log_type = match header(&parts.headers, "x-amz-log-type").as_deref() {
            None | Some("None") => LogType::None,
            Some("Tail") => LogType::Tail,
            Some(other) => {
                return Err(Refusal::invalid(&format!("{other} is not a log type: use None or Tail")));
            }
        };
        let client_context =
            header(&parts.headers, "x-amz-client-context").map(|text| client_context(&text)).transpose()?;
        let mut invocation = Invocation::new(&self.source, Vec::new(), payload(body).await?);
        let function = Arc::clone(&function.pool);
        match kind.as_deref().unwrap_or("RequestResponse") {
            "RequestResponse" => {
                invocation.log_type = log_type;
                invocation.client_context = client_context;
                let report = self.report.clone();
                // A separate task, because a function continues when its caller disconnects.
                let run = async move {
                    let invoked = function.invoke(invocation).await;
                    report.outcome(&invoked);
                    invoked
                };
                let stopping = |_| {
                    Refusal::new(
                        StatusCode::INTERNAL_SERVER_ERROR,
                        "ServiceException",
                        "the stack is stopping",
                    )
                };
                Ok(response(&tokio::spawn(run).await.map_err(stopping)?, log_type))
            }
            "Event" if invocation.payload.len() > LARGEST_EVENT => {
                let length = invocation.payload.len();
                Err(Refusal::too_large(&format!(
                    "{length} byte payload is too large for the Event invocation type (limit {LARGEST_EVENT} bytes)"
                )))
            }
            "Event" => {
                self.events.accept(&function, invocation);
                Ok(server::json(StatusCode::ACCEPTED, ""))
            }
            "DryRun" => Ok(server::json(StatusCode::NO_CONTENT, "")),
            other => {
                let text = format!("{other} is not an invocation type: use RequestResponse, Event or DryRun");
                Err(Refusal::invalid(&text))
            }
        }
    }
}

fn unknown_operation() -> Refusal {
    let text = "the local stack has these operations of Lambda: Invoke, ListFunctions, GetFunction, \
                GetFunctionConfiguration, ListAliases, ListEventSourceMappings";
    Refusal::new(StatusCode::NOT_FOUND, "UnknownOperationException", text)
}

fn header(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
}

/// The event: JSON, `{}` if the body is empty.
async fn payload(body: Incoming) -> Result<Bytes, Refusal> {
    let payload = server::body(body, LARGEST_PAYLOAD).await.map_err(|error| match error {
        BodyError::TooLarge => Refusal::too_large(&format!(
            "Request must be smaller than {LARGEST_PAYLOAD} bytes for the InvokeFunction operation"
        )),
        BodyError::Broken => Refusal::content("the payload ended early"),
    })?;
    let payload = if payload.is_empty() { "{}".into() } else { payload };
    match serde_json::from_slice::<serde::de::IgnoredAny>(&payload) {
        Ok(_) => Ok(payload),
        Err(_) => Err(Refusal::content("Could not parse request body into json: the payload is not JSON")),
    }
}

/// The client context for the function, JSON, of the caller's, which is encoded in base64.
fn client_context(encoded: &str) -> Result<HeaderValue, Refusal> {
    let decoded = STANDARD.decode(encoded).ok();
    let context =
        decoded.and_then(|text| serde_json::from_slice::<Value>(&text).ok()).filter(Value::is_object);
    // A header of the Runtime API has only the characters of ASCII.
    let escaped = |c: char| match c {
        ' '..='~' => c.to_string(),
        c => c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")).collect(),
    };
    let ascii = context.map(|context| context.to_string().chars().map(escaped).collect::<String>());
    ascii
        .and_then(|text| HeaderValue::from_str(&text).ok())
        .ok_or_else(|| Refusal::content("Client context must be a valid Base64-encoded JSON object."))
}

/// The last 4 KB of the log as in CloudWatch: the function's lines between Lambda's own.
fn log_tail(invoked: &CompletedInvocation) -> String {
    let log = format!("{}{}{}", invoked.log_start(), invoked.usage.log_tail, invoked.log_end());
    let mut start = log.len().saturating_sub(LOG_TAIL);
    while !log.is_char_boundary(start) {
        start += 1;
    }
    log[start..].to_owned()
}

fn response(invoked: &CompletedInvocation, log_type: LogType) -> HttpResponse {
    let mut response = match &invoked.outcome {
        Outcome::Response(payload) => server::json(StatusCode::OK, payload.clone()),
        Outcome::Error(payload) => {
            let mut response = server::json(StatusCode::OK, payload.clone());
            response.headers_mut().insert("x-amz-function-error", HeaderValue::from_static("Unhandled"));
            response
        }
        Outcome::Throttled => {
            let kind = "TooManyRequestsException";
            Refusal::new(StatusCode::TOO_MANY_REQUESTS, kind, "Rate Exceeded.").response()
        }
    };
    response.headers_mut().insert("x-amz-executed-version", HeaderValue::from_static("$LATEST"));
    if log_type == LogType::Tail
        && let Ok(tail) = STANDARD.encode(log_tail(invoked)).parse()
    {
        response.headers_mut().insert("x-amz-log-result", tail);
    }
    if let Ok(id) = invoked.request_id.to_string().parse() {
        response.headers_mut().insert("x-amzn-requestid", id);
    }
    response
}
