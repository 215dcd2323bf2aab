//! API Gateway's HTTP API, as clients and functions see it.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api.html>
//!
//! A request passes, in this order: the limits of `quotas`, its route, the route's throttle, the route's authorizer,
//! and the function. Each of them may end it with a `GatewayError`.

mod access_log;
mod authorizer;
mod context;
mod cors;
mod event;
mod gateway_error;
mod quotas;
mod response;
mod routes;
mod throttle;
mod url;

use std::{sync::Arc, time::Instant};

use bytes::Bytes;
use hyper::{Request, body::Incoming};
use sam_template::{EventSource, HttpApi as DeclaredApi};
use tokio::time::timeout;

pub(crate) use self::url::query_parameters;
use self::{
    access_log::AccessLog,
    authorizer::Authorizers,
    context::{Api, Context, Integration},
    cors::CorsRules,
    gateway_error::GatewayError,
    routes::{Matched, Route, Routes},
    throttle::Throttle,
};
use crate::{
    aws_account::AwsAccount,
    hosted_function::{HostedFunction, Trigger},
    invocation::{CompletedInvocation, Invocation, LARGEST_PAYLOAD, Outcome},
    metering::UsageRecorder,
    report::{Report, Severity},
    server::{self, BodyError, HttpResponse, Serve},
};

/// The HTTP API of a template.
#[derive(Debug)]
pub struct HttpApi {
    api: Arc<Api>,
    routes: Routes,
    cors: Option<CorsRules>,
    access_log: Option<AccessLog>,
    usage: Arc<UsageRecorder>,
    report: Report,
}

impl Serve for HttpApi {
    async fn handle(&self, request: Request<Incoming>) -> HttpResponse {
        let (parts, body) = request.into_parts();
        let mut context = Context::new(Arc::clone(&self.api), parts);
        let mut response = match self.route(&mut context, body).await {
            Ok(response) => response,
            Err(error) => {
                context.error = Some(error);
                error.response()
            }
        };
        if let Some(cors) = &self.cors {
            cors.apply(&context.parts, response.headers_mut());
        }
        if let Ok(id) = context.request_id.to_string().parse() {
            response.headers_mut().insert("apigw-requestid", id);
        }
        context.record_usage(&response, &self.usage);
        if let Some(log) = &self.access_log {
            context.record_response(&response);
            self.report.access(&log.line(&context));
        }
        response
    }
}

impl HttpApi {
    /// The API with the routes of `functions`. `declared` are its settings in the template, if there are any.
    #[must_use]
    pub fn new(
        declared: Option<&DeclaredApi>,
        functions: &[HostedFunction],
        account: &AwsAccount,
        usage: Arc<UsageRecorder>,
        report: &Report,
    ) -> Self {
        let authorizers = Authorizers::new(declared, functions, report);
        let mut routes = Routes::default();
        for function in functions {
            for event in &function.declaration.events {
                let EventSource::HttpApi(route) = event else { continue };
                routes.add(Route {
                    key: route.key().into(),
                    method: route.method.clone(),
                    function: Arc::clone(&function.pool),
                    timeout: route.timeout,
                    throttle: Throttle::of(route, declared),
                    authorizer: authorizers.of(route, declared),
                    pattern: routes::pattern(&route.path),
                });
            }
        }
        Self {
            api: Arc::new(Api {
                account: account.clone(),
                stage: declared.map_or_else(|| "$default".to_owned(), |api| api.stage.clone()),
                stage_variables: declared.map(|api| api.stage_variables.clone()).unwrap_or_default(),
            }),
            routes,
            cors: declared.and_then(|api| api.cors.clone()).map(CorsRules::new),
            usage,
            access_log: declared.and_then(|api| api.access_log_format.as_deref()).map(AccessLog::new),
            report: report.clone(),
        }
    }

    /// Each route with its function.
    #[must_use]
    pub fn triggers(&self) -> Vec<Trigger> {
        let trigger = |route: &Route| Trigger {
            source: route.key.to_string(),
            function: route.function.name().to_owned(),
        };
        self.routes.iter().map(trigger).collect()
    }

    async fn route(&self, context: &mut Context, body: Incoming) -> Result<HttpResponse, GatewayError> {
        quotas::check(&context.parts)?;
        context.check()?;
        let Some(Matched { route, parameters }) =
            self.routes.find(context.parts.method.as_str(), context.parts.uri.path())
        else {
            // A matching route takes precedence, even $default: that is why AWS's page recommends an OPTIONS route
            // without an authorizer beside a $default route with one.
            let preflight = self.cors.as_ref().and_then(|cors| cors.preflight(&context.parts));
            return preflight.ok_or(GatewayError::NotFound);
        };
        context.matched(&route.key, parameters);
        if route.throttle.as_ref().is_some_and(|throttle| !throttle.admit()) {
            return Err(GatewayError::TooManyRequests);
        }
        let body = server::body(body, quotas::LARGEST_BODY).await.map_err(|error| match error {
            BodyError::TooLarge => GatewayError::PayloadTooLarge,
            BodyError::Broken => GatewayError::BadRequest,
        })?;
        context.request_length = body.len();
        if let Some(authorizer) = &route.authorizer {
            authorizer.authorize(context).await?;
        }
        self.integrate(context, &route, &body).await
    }

    /// Invokes the route's function.
    async fn integrate(
        &self,
        context: &mut Context,
        route: &Route,
        body: &Bytes,
    ) -> Result<HttpResponse, GatewayError> {
        let event = event::integration(context, body).to_string();
        if event.len() > LARGEST_PAYLOAD {
            return Err(GatewayError::PayloadTooLarge);
        }
        let invocation = Invocation::new(&route.key, vec![context.request_id.to_string()], event);
        let (request_id, started) = (invocation.request_id, Instant::now());
        // A separate task, because a function continues when its client disconnects or the integration times out.
        let (function, report) = (Arc::clone(&route.function), self.report.clone());
        let invoked = tokio::spawn(async move { respond(&function.invoke(invocation).await, &report) });
        let result = match timeout(route.timeout, invoked).await {
            Ok(result) => {
                result.unwrap_or_else(|_| IntegrationResult::failed(GatewayError::Internal, "stopping"))
            }
            Err(_) => {
                IntegrationResult::failed(GatewayError::ServiceUnavailable, "the integration timed out")
            }
        };
        context.integration = Some(Integration {
            request_id,
            latency: started.elapsed(),
            lambda_status: result.lambda_status,
            function_status: result.response.as_ref().ok().map(|response| response.status().as_u16()),
            error: result.error,
        });
        result.response
    }
}

/// The result of an integration, for the client and for the access log.
struct IntegrationResult {
    response: Result<HttpResponse, GatewayError>,
    /// The status of Lambda's Invoke: 200 even for a function that failed.
    lambda_status: Option<u16>,
    error: Option<String>,
}

impl IntegrationResult {
    fn failed(gateway_error: GatewayError, error: impl Into<String>) -> Self {
        Self { response: Err(gateway_error), lambda_status: None, error: Some(error.into()) }
    }
}

/// Converts an ended invocation to a response, and writes its line to the report.
fn respond(invoked: &CompletedInvocation, report: &Report) -> IntegrationResult {
    let result = match &invoked.outcome {
        Outcome::Response(payload) => match response::from_payload(payload) {
            Some(response) => {
                IntegrationResult { response: Ok(response), lambda_status: Some(200), error: None }
            }
            None => IntegrationResult {
                lambda_status: Some(200),
                ..IntegrationResult::failed(GatewayError::Internal, "the function's response is malformed")
            },
        },
        Outcome::Error(_) => IntegrationResult {
            lambda_status: Some(200),
            ..IntegrationResult::failed(
                GatewayError::Internal,
                invoked.outcome.error_message().unwrap_or_default(),
            )
        },
        Outcome::Throttled => IntegrationResult {
            lambda_status: Some(429),
            ..IntegrationResult::failed(GatewayError::ServiceUnavailable, "throttled")
        },
    };
    let status = match &result.response {
        Ok(response) => response.status(),
        Err(error) => error.status(),
    };
    let severity = match status.as_u16() {
        500.. => Severity::Failure,
        400.. => Severity::Warning,
        _ => Severity::Success,
    };
    let note = result.error.as_ref().map(|error| format!(" {error}")).unwrap_or_default();
    report.invocation(invoked, severity, &format!("{}{note}", status.as_u16()));
    result
}
