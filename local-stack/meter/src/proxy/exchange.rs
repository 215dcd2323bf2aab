//! One API call: the request is received, forwarded and answered, then metered.

use std::{
    fmt,
    sync::Arc,
    time::{Instant, SystemTime},
};

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header, request};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use tokio::sync::watch;

use super::{
    aws_json::{self, error_response, error_type, plain_error},
    interceptor::{CallInterceptor, InterceptedCall, RequestAction, ResponseAction},
    signature, web,
};
use crate::{
    call::ApiCall,
    dynamodb::{Consumption, DynamoDbMeter, Outcome, PendingCall},
    permission,
    rules::RequestUnits,
    service::Service,
    sqs,
    tables::Tables,
    upstream::{BODY_LIMIT, UpstreamClient, UpstreamError, UpstreamResponse},
};

type BoxedObserver = Box<dyn Fn(ApiCall) + Send + Sync>;
type ProxyResult = Result<Response<Full<Bytes>>, Disconnected>;

/// The connection must be closed without a response.
#[derive(Debug, thiserror::Error)]
#[error("the connection is closed without a response")]
pub(super) struct Disconnected;

/// Why there is no response to return.
#[derive(Debug, thiserror::Error)]
enum NoResponse {
    #[error(transparent)]
    Upstream(#[from] UpstreamError),
    #[error(transparent)]
    Disconnected(#[from] Disconnected),
}

/// The state that all calls through one proxy share.
pub(super) struct Exchange {
    service: Service,
    upstream: UpstreamClient,
    meter: DynamoDbMeter,
    observer: BoxedObserver,
    interceptor: Option<Arc<dyn CallInterceptor>>,
    tables: Tables,
    /// How many calls have their response but are not reported yet.
    reports: watch::Sender<usize>,
}

/// A request that has arrived.
struct Received {
    caller: String,
    operation: String,
    started: SystemTime,
    clock: Instant,
}

/// Counts a call as unreported until it is dropped, so that [`super::Proxy::flush`] does not wait for a report that fails.
struct Unreported(Arc<Exchange>);

impl Exchange {
    pub(super) fn new(
        service: Service,
        upstream: UpstreamClient,
        tables: Tables,
        observer: BoxedObserver,
        interceptor: Option<Arc<dyn CallInterceptor>>,
        reports: watch::Sender<usize>,
    ) -> Self {
        let meter = DynamoDbMeter::new(tables.clone(), upstream.clone());
        Self { service, upstream, meter, observer, interceptor, tables, reports }
    }

    /// Responds to one request.
    pub(super) async fn respond(self: Arc<Self>, request: Request<Incoming>) -> ProxyResult {
        let service = self.service;
        let (started, clock) = (SystemTime::now(), Instant::now());
        let (mut parts, body) = request.into_parts();
        let body = match Limited::new(body, BODY_LIMIT).collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) if error.is::<LengthLimitError>() => {
                let message = "the request is larger than 16 MiB";
                return Ok(error_response(service, StatusCode::PAYLOAD_TOO_LARGE, message));
            }
            Err(_) => {
                return Ok(error_response(service, StatusCode::BAD_REQUEST, "the request is incomplete"));
            }
        };
        let (caller, operation) = match service {
            Service::Web => (web::take_caller(&mut parts.uri), web::operation(&parts)),
            _ => (signature::take_caller(&mut parts.headers), aws_json::operation(&parts.headers)),
        };
        let received = Received { caller, operation, started, clock };
        let failed = |_| Ok(error_response(service, StatusCode::BAD_GATEWAY, "the proxy failed"));
        match service {
            // Once forwarded, a request is completed and metered even if its caller has left: AWS bills it.
            Service::DynamoDb | Service::Web => {
                tokio::spawn(self.exchange(received, parts, body)).await.unwrap_or_else(failed)
            }
            // A long poll must end when its caller leaves, or nobody would receive the messages that it takes.
            Service::Sqs => self.exchange(received, parts, body).await,
        }
    }

    async fn exchange(
        self: Arc<Self>,
        received: Received,
        parts: request::Parts,
        body: Bytes,
    ) -> ProxyResult {
        let pending = match self.service {
            Service::DynamoDb => {
                Some(self.meter.begin(&received.operation, body.clone(), &parts.headers).await)
            }
            Service::Sqs | Service::Web => None,
        };
        let result = self.forward(&received, parts, body.clone()).await;
        let report = Unreported::new(&self);
        let mut call = self.call(received, &result);
        let response = result.as_ref().ok().map(|response| response.body.clone());
        // Metering may read from the upstream: the caller does not wait for that.
        let exchange = Arc::clone(&self);
        tokio::spawn(async move {
            exchange.meter(&mut call, pending, &body, response).await;
            (exchange.observer)(call);
            drop(report);
        });
        self.response(result)
    }

    /// Adds to a call what AWS would bill for it.
    async fn meter(
        &self,
        call: &mut ApiCall,
        pending: Option<PendingCall>,
        request: &[u8],
        response: Option<Bytes>,
    ) {
        call.permissions = permission::required(call.service, &call.operation, request);
        if let Some(pending) = pending {
            let outcome = match response {
                Some(body) => Outcome::read(call.status, call.error_type.as_deref(), &body),
                None => Outcome::Unknown,
            };
            let Consumption { units, tables, gap } = self.meter.finish(pending, outcome).await;
            (call.units, call.resources, call.gap) = (units, tables, gap);
        } else if call.service == Service::Sqs {
            let response = response.unwrap_or_default();
            let metered = sqs::meter(&call.operation, request, call.status, &response);
            call.resources.extend(metered.queue);
            call.sqs_requests = metered.requests;
        }
    }

    /// Forwards a request as the interceptor decides. Every request of a caller reaches the upstream through here.
    async fn forward(
        &self,
        received: &Received,
        mut parts: request::Parts,
        mut body: Bytes,
    ) -> Result<UpstreamResponse, NoResponse> {
        let Some(interceptor) = &self.interceptor else {
            return Ok(self.upstream.send(Request::from_parts(parts, Full::new(body))).await?);
        };
        let call = InterceptedCall {
            caller: received.caller.clone(),
            service: self.service,
            operation: received.operation.clone(),
            body: body.clone(),
            tables: self.tables.clone(),
        };
        let mut duplicate = None;
        match interceptor.on_request(&call).await {
            RequestAction::Forward => {}
            RequestAction::ReplaceBody(other) => {
                parts.headers.remove(header::CONTENT_LENGTH);
                body = other;
            }
            RequestAction::Duplicate => duplicate = Some((parts.clone(), body.clone())),
            RequestAction::Respond { status, body } => {
                let mut response = Response::new(());
                *response.status_mut() = status;
                let content_type = HeaderValue::from_static(self.service.content_type());
                response.headers_mut().insert(header::CONTENT_TYPE, content_type);
                return Ok(UpstreamResponse { head: response.into_parts().0, body });
            }
            RequestAction::Disconnect => return Err(Disconnected.into()),
        }
        let result = self.upstream.send(Request::from_parts(parts, Full::new(body))).await;
        if let Some((parts, body)) = duplicate {
            // The caller has sent one request, so the response to the duplicate does not matter.
            let _ = self.upstream.send(Request::from_parts(parts, Full::new(body))).await;
        }
        match interceptor.on_response(&call).await {
            ResponseAction::Forward => Ok(result?),
            ResponseAction::Disconnect => Err(Disconnected.into()),
        }
    }

    /// The response to the caller: a 502 if the upstream has failed.
    fn response(&self, result: Result<UpstreamResponse, NoResponse>) -> ProxyResult {
        match result {
            Ok(UpstreamResponse { head, body }) => Ok(Response::from_parts(head, Full::new(body))),
            Err(NoResponse::Disconnected(disconnected)) => Err(disconnected),
            Err(NoResponse::Upstream(error)) => {
                Ok(error_response(self.service, StatusCode::BAD_GATEWAY, &error.to_string()))
            }
        }
    }

    /// The call as far as it is known before it is metered.
    fn call(&self, received: Received, result: &Result<UpstreamResponse, NoResponse>) -> ApiCall {
        let (status, error_type) = match result {
            Ok(UpstreamResponse { head, .. }) if head.status.is_success() => (head.status, None),
            Ok(UpstreamResponse { head, body }) => (head.status, error_type(&head.headers, body)),
            Err(_) => (StatusCode::BAD_GATEWAY, Some(plain_error(self.service.internal_error()).to_owned())),
        };
        ApiCall {
            caller: received.caller,
            service: self.service,
            operation: received.operation,
            resources: Vec::new(),
            permissions: Vec::new(),
            units: RequestUnits::default(),
            sqs_requests: 0,
            status: status.as_u16(),
            error_type,
            gap: None,
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

impl Unreported {
    fn new(exchange: &Arc<Exchange>) -> Self {
        exchange.reports.send_modify(|count| *count += 1);
        Self(Arc::clone(exchange))
    }
}

impl Drop for Unreported {
    fn drop(&mut self) {
        self.0.reports.send_modify(|count| *count -= 1);
    }
}
