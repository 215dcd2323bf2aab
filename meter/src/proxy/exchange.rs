//! One call: in, on to the target, back, and counted.

use std::{
    fmt,
    sync::Arc,
    time::{Instant, SystemTime},
};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header, request, response};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::{
    signature,
    upstream::{BODY_LIMIT, Upstream, UpstreamError},
};
use crate::{
    call::{Call, Service},
    dynamodb::{self, Meter, Outcome},
    permission, sqs,
    tables::Tables,
};

type Answer = Response<Full<Bytes>>;

/// The content type of both services.
const AWS_JSON: &str = "application/x-amz-json-1.0";

/// What all calls through one proxy share.
pub(super) struct Exchange {
    service: Service,
    upstream: Upstream,
    meter: Meter,
    observer: Box<dyn Fn(Call) + Send + Sync>,
    /// How many calls are answered and not yet reported.
    reports: watch::Sender<usize>,
}

/// A call that came in.
struct Received {
    caller: String,
    operation: String,
    started: SystemTime,
    clock: Instant,
}

/// Counts a report as outstanding until it is dropped, so that a report that fails is not waited for.
struct Outstanding(Arc<Exchange>);

impl Exchange {
    pub(super) fn new(
        service: Service,
        upstream: Upstream,
        tables: Tables,
        observer: Box<dyn Fn(Call) + Send + Sync>,
        reports: watch::Sender<usize>,
    ) -> Self {
        let meter = Meter::new(tables, upstream.clone());
        Self { service, upstream, meter, observer, reports }
    }

    /// Answers one request.
    pub(super) async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Answer {
        let service = self.service;
        let (started, clock) = (SystemTime::now(), Instant::now());
        let (mut parts, body) = request.into_parts();
        let body = match Limited::new(body, BODY_LIMIT).collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) if error.is::<LengthLimitError>() => {
                return failure(service, StatusCode::PAYLOAD_TOO_LARGE, "the request is larger than 16 MiB");
            }
            Err(_) => return failure(service, StatusCode::BAD_REQUEST, "the request broke off"),
        };
        let caller = signature::take_caller(&mut parts.headers);
        let operation = operation(&parts.headers);
        let received = Received { caller, operation, started, clock };
        match service {
            // A write that was passed on is counted even if its caller is gone, as AWS bills it.
            Service::DynamoDb => {
                let task = tokio::spawn(self.dynamodb(received, parts, body));
                task.await.unwrap_or_else(|_| failure(service, StatusCode::BAD_GATEWAY, "the proxy failed"))
            }
            // A long poll must end with its caller: later messages would go to nobody.
            Service::Sqs => self.sqs(received, parts, body).await,
        }
    }

    async fn dynamodb(self: Arc<Self>, received: Received, parts: request::Parts, body: Bytes) -> Answer {
        let begun = self.meter.begin(&received.operation, body.clone(), &parts.headers).await;
        let answer = self.pass(parts, body.clone()).await;
        let report = Outstanding::new(&self);
        let mut call = self.call(received, &answer);
        let (answer, outcome) = match answer {
            Ok((parts, body)) => {
                let status = parts.status.as_u16();
                let outcome_body = body.clone();
                let error = call.error_type.clone();
                let outcome = move || Outcome::read(status, error.as_deref(), &outcome_body);
                (Response::from_parts(parts, Full::new(body)), Some(outcome))
            }
            Err(error) => (failure(self.service, StatusCode::BAD_GATEWAY, &error.to_string()), None),
        };
        // Counting may read from the target: the caller does not wait for that.
        tokio::spawn(async move {
            call.permissions = permission::needed(call.service, &call.operation, &body);
            let outcome = outcome.map_or(Outcome::Unknown, |read| read());
            let dynamodb::Counted { units, resources, uncounted } = self.meter.finish(begun, outcome).await;
            (call.units, call.resources, call.uncounted) = (units, resources, uncounted);
            (self.observer)(call);
            drop(report);
        });
        answer
    }

    async fn sqs(self: Arc<Self>, received: Received, parts: request::Parts, body: Bytes) -> Answer {
        let answer = self.pass(parts, body.clone()).await;
        let report = Outstanding::new(&self);
        let mut call = self.call(received, &answer);
        let (answer, received) = match answer {
            Ok((parts, received)) => (Response::from_parts(parts, Full::new(received.clone())), received),
            Err(error) => (failure(self.service, StatusCode::BAD_GATEWAY, &error.to_string()), Bytes::new()),
        };
        tokio::spawn(async move {
            call.permissions = permission::needed(call.service, &call.operation, &body);
            let counted = sqs::count(&call.operation, &body, call.status, &received);
            call.resources.extend(counted.queue);
            call.sqs_requests = counted.requests;
            (self.observer)(call);
            drop(report);
        });
        answer
    }

    /// Passes a call on. All calls go to the target here and nowhere else: whoever wants to hold one back, or to lose
    /// its answer, does it on either side of the one call below.
    async fn pass(
        &self,
        parts: request::Parts,
        body: Bytes,
    ) -> Result<(response::Parts, Bytes), UpstreamError> {
        self.upstream.send(Request::from_parts(parts, Full::new(body))).await
    }

    /// What is known of a call once it is answered.
    fn call(&self, received: Received, answer: &Result<(response::Parts, Bytes), UpstreamError>) -> Call {
        let (status, error_type) = match answer {
            Ok((parts, _)) if parts.status.is_success() => (parts.status, None),
            Ok((parts, body)) => (parts.status, error_type(&parts.headers, body)),
            Err(_) => (StatusCode::BAD_GATEWAY, Some(plain_error(self.service.internal_error()).to_owned())),
        };
        Call {
            caller: received.caller,
            service: self.service,
            operation: received.operation,
            resources: Vec::new(),
            permissions: Vec::new(),
            units: crate::units::Units::default(),
            sqs_requests: 0,
            status: status.as_u16(),
            error_type,
            uncounted: None,
            started: received.started,
            duration: received.clock.elapsed(),
        }
    }
}

impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exchange").field("service", &self.service).finish_non_exhaustive()
    }
}

impl Outstanding {
    fn new(exchange: &Arc<Exchange>) -> Self {
        exchange.reports.send_modify(|count| *count += 1);
        Self(Arc::clone(exchange))
    }
}

impl Drop for Outstanding {
    fn drop(&mut self) {
        self.0.reports.send_modify(|count| *count -= 1);
    }
}

/// `PutItem` of `X-Amz-Target: DynamoDB_20120810.PutItem`.
fn operation(headers: &HeaderMap) -> String {
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
    target.rsplit('.').next().unwrap_or_default().to_owned()
}

/// An error's name: in AWS JSON it is in the body's `__type`, or in a header.
fn error_type(headers: &HeaderMap, body: &[u8]) -> Option<String> {
    let header = headers.get("x-amzn-errortype").and_then(|value| value.to_str().ok());
    let body = || serde_json::from_slice::<Value>(body).ok()?["__type"].as_str().map(str::to_owned);
    let name = header.map(str::to_owned).or_else(body)?;
    Some(plain_error(&name).to_owned())
}

/// `com.amazonaws.dynamodb.v20120810#Name:http://...` without what stands around the name.
fn plain_error(name: &str) -> &str {
    let name = name.rsplit('#').next().unwrap_or(name);
    name.split(':').next().unwrap_or(name)
}

/// The proxy's own error, as the service would word it.
fn failure(service: Service, status: StatusCode, message: &str) -> Answer {
    let body = json!({"__type": service.internal_error(), "message": message}).to_string();
    let mut answer = Response::new(Full::new(Bytes::from(body)));
    *answer.status_mut() = status;
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(AWS_JSON));
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_has_a_plain_name() {
        let none = HeaderMap::new();
        let body = br#"{"__type":"com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException"}"#;
        assert_eq!(error_type(&none, body).unwrap(), "ConditionalCheckFailedException");
        let mut header = HeaderMap::new();
        header.insert("x-amzn-errortype", HeaderValue::from_static("QueueDoesNotExist:http://internal/"));
        assert_eq!(error_type(&header, b"").unwrap(), "QueueDoesNotExist");
        assert_eq!(error_type(&none, b"no json"), None);
    }

    #[test]
    fn an_operation_is_the_targets_last_part() {
        let mut headers = HeaderMap::new();
        assert_eq!(operation(&headers), "");
        headers.insert("x-amz-target", HeaderValue::from_static("AmazonSQS.SendMessage"));
        assert_eq!(operation(&headers), "SendMessage");
    }
}
