//! One call: in, on to the target, back, and counted.

use std::{
    fmt,
    sync::Arc,
    time::{Instant, SystemTime},
};

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header, request, response};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use tokio::sync::watch;

use super::{
    aws_json::{self, error_type, failure, plain_error},
    gate::{After, Before, Gate, Passing},
    signature,
    upstream::{BODY_LIMIT, Upstream, UpstreamError},
    web,
};
use crate::{
    call::{Call, Service},
    dynamodb::{self, Meter, Outcome},
    permission, sqs,
    tables::Tables,
};

type Answer = Response<Full<Bytes>>;

/// The connection is to be closed without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the connection is cut")]
pub(super) struct Cut;

/// Why there is no answer to pass back.
#[derive(Debug, thiserror::Error)]
enum NoAnswer {
    #[error(transparent)]
    Upstream(#[from] UpstreamError),
    #[error(transparent)]
    Cut(#[from] Cut),
}

/// What all calls through one proxy share.
pub(super) struct Exchange {
    service: Service,
    upstream: Upstream,
    meter: Meter,
    observer: Box<dyn Fn(Call) + Send + Sync>,
    gate: Option<Arc<dyn Gate>>,
    tables: Arc<Tables>,
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
        gate: Option<Arc<dyn Gate>>,
        reports: watch::Sender<usize>,
    ) -> Self {
        let meter = Meter::new(tables.clone(), upstream.clone());
        Self { service, upstream, meter, observer, gate, tables: Arc::new(tables), reports }
    }

    /// Answers one request.
    pub(super) async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Result<Answer, Cut> {
        let service = self.service;
        let (started, clock) = (SystemTime::now(), Instant::now());
        let (mut parts, body) = request.into_parts();
        let body = match Limited::new(body, BODY_LIMIT).collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) if error.is::<LengthLimitError>() => {
                let message = "the request is larger than 16 MiB";
                return Ok(failure(service, StatusCode::PAYLOAD_TOO_LARGE, message));
            }
            Err(_) => return Ok(failure(service, StatusCode::BAD_REQUEST, "the request broke off")),
        };
        let (caller, operation) = match service {
            Service::Web => (web::take_caller(&mut parts.uri), web::operation(&parts)),
            _ => (signature::take_caller(&mut parts.headers), aws_json::operation(&parts.headers)),
        };
        let received = Received { caller, operation, started, clock };
        let failed = |_| Ok(failure(service, StatusCode::BAD_GATEWAY, "the proxy failed"));
        match service {
            // What was passed on is carried out and counted even if its caller is gone, as AWS bills it.
            Service::DynamoDb => {
                tokio::spawn(self.dynamodb(received, parts, body)).await.unwrap_or_else(failed)
            }
            Service::Web => tokio::spawn(self.other(received, parts, body)).await.unwrap_or_else(failed),
            // A long poll must end with its caller: later messages would go to nobody.
            Service::Sqs => self.other(received, parts, body).await,
        }
    }

    /// A call to DynamoDB, which is billed by what it reads and writes.
    async fn dynamodb(
        self: Arc<Self>,
        received: Received,
        parts: request::Parts,
        body: Bytes,
    ) -> Result<Answer, Cut> {
        let begun = self.meter.begin(&received.operation, body.clone(), &parts.headers).await;
        let answer = self.pass(&received, parts, body.clone()).await;
        let report = Outstanding::new(&self);
        let mut call = self.call(received, &answer);
        let (answer, outcome) = match answer {
            Ok((parts, body)) => {
                let status = parts.status.as_u16();
                let outcome_body = body.clone();
                let error = call.error_type.clone();
                let outcome = move || Outcome::read(status, error.as_deref(), &outcome_body);
                (Ok(Response::from_parts(parts, Full::new(body))), Some(outcome))
            }
            Err(error) => (self.no_answer(error), None),
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

    /// A call to what has no units: SQS, whose requests count, or a web service.
    async fn other(
        self: Arc<Self>,
        received: Received,
        parts: request::Parts,
        body: Bytes,
    ) -> Result<Answer, Cut> {
        let answer = self.pass(&received, parts, body.clone()).await;
        let report = Outstanding::new(&self);
        let mut call = self.call(received, &answer);
        let (answer, received) = match answer {
            Ok((parts, received)) => (Ok(Response::from_parts(parts, Full::new(received.clone()))), received),
            Err(error) => (self.no_answer(error), Bytes::new()),
        };
        tokio::spawn(async move {
            if call.service == Service::Sqs {
                call.permissions = permission::needed(call.service, &call.operation, &body);
                let counted = sqs::count(&call.operation, &body, call.status, &received);
                call.resources.extend(counted.queue);
                call.sqs_requests = counted.requests;
            }
            (self.observer)(call);
            drop(report);
        });
        answer
    }

    /// Passes a call on, if the gate lets it. All calls go to the target here and nowhere else.
    async fn pass(
        &self,
        received: &Received,
        mut parts: request::Parts,
        mut body: Bytes,
    ) -> Result<(response::Parts, Bytes), NoAnswer> {
        let Some(gate) = &self.gate else {
            return Ok(self.upstream.send(Request::from_parts(parts, Full::new(body))).await?);
        };
        let passing = Passing {
            caller: received.caller.clone(),
            service: self.service,
            operation: received.operation.clone(),
            body: body.clone(),
            tables: Arc::clone(&self.tables),
        };
        let mut again = None;
        match gate.before(&passing).await {
            Before::Pass => {}
            Before::Replace(other) => {
                parts.headers.remove(header::CONTENT_LENGTH);
                body = other;
            }
            Before::Twice => again = Some((parts.clone(), body.clone())),
            Before::Answer(status, body) => {
                let mut answer = Response::new(());
                *answer.status_mut() = status;
                let content_type = HeaderValue::from_static(self.service.content_type());
                answer.headers_mut().insert(header::CONTENT_TYPE, content_type);
                return Ok((answer.into_parts().0, body));
            }
            Before::Cut => return Err(Cut.into()),
        }
        let answer = self.upstream.send(Request::from_parts(parts, Full::new(body))).await;
        if let Some((parts, body)) = again {
            // Whatever comes of it: nobody asked for this one.
            let _ = self.upstream.send(Request::from_parts(parts, Full::new(body))).await;
        }
        match gate.after(&passing).await {
            After::Pass => Ok(answer?),
            After::Cut => Err(Cut.into()),
        }
    }

    /// What the caller gets where there is no answer.
    fn no_answer(&self, error: NoAnswer) -> Result<Answer, Cut> {
        match error {
            NoAnswer::Cut(cut) => Err(cut),
            NoAnswer::Upstream(error) => {
                Ok(failure(self.service, StatusCode::BAD_GATEWAY, &error.to_string()))
            }
        }
    }

    /// What is known of a call once it is answered.
    fn call(&self, received: Received, answer: &Result<(response::Parts, Bytes), NoAnswer>) -> Call {
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
