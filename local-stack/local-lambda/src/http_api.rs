//! API Gateway's HTTP API, as far as a client and a function can tell.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api.html>
//!
//! A request passes, in this order: the limits of `quotas`, its route, the route's throttle, the route's authorizer,
//! and the function. What stops it on the way is a `GatewayError`.

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

use std::{sync::Arc, time::Instant};

use bytes::Bytes;
use hyper::{Request, body::Incoming};
use sam_template::{EventSource, Template};
use tokio::time::timeout;

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
    invocation::{CompletedInvocation, Invocation, LARGEST_PAYLOAD, Outcome},
    metering::UsageRecorder,
    pool::Pool,
    report::{Report, Tone},
    server::{self, BodyError, HttpResponse, Serve},
};

/// The HTTP API of a template.
#[derive(Debug)]
pub struct HttpApi {
    api: Arc<Api>,
    routes: Routes,
    cors: Option<CorsRules>,
    access_log: Option<AccessLog>,
    account: Arc<UsageRecorder>,
    report: Report,
}

impl Serve for HttpApi {
    async fn handle(&self, request: Request<Incoming>) -> HttpResponse {
        let (parts, body) = request.into_parts();
        let mut context = Context::new(Arc::clone(&self.api), parts);
        let mut answer = match self.route(&mut context, body).await {
            Ok(answer) => answer,
            Err(error) => {
                context.error = Some(error);
                error.answer()
            }
        };
        if let Some(cors) = &self.cors {
            cors.apply(&context.parts, answer.headers_mut());
        }
        if let Ok(id) = context.request_id.to_string().parse() {
            answer.headers_mut().insert("apigw-requestid", id);
        }
        context.bill(&answer, &self.account);
        if let Some(log) = &self.access_log {
            context.answered(&answer);
            self.report.access(&log.line(&context));
        }
        answer
    }
}

impl HttpApi {
    /// The routes of the template's functions; `pools` are the functions in the order of the template. The API is said to
    /// belong to an account id in a region; `account` hears what is billed.
    #[must_use]
    pub fn new(
        template: &Template,
        pools: &[Arc<Pool>],
        (account_id, region): (&str, &str),
        account: Arc<UsageRecorder>,
        report: Report,
    ) -> Self {
        let declared = template.http_api.as_ref();
        let authorizers = Authorizers::new(template, pools, &report);
        let mut routes = Routes::default();
        for (function, pool) in template.functions.iter().zip(pools) {
            for event in &function.events {
                let EventSource::HttpApi(route) = event else { continue };
                routes.add(Route {
                    key: route.key().into(),
                    method: route.method.clone(),
                    function: Arc::clone(pool),
                    timeout: route.timeout,
                    throttle: Throttle::of(route, declared),
                    authorizer: authorizers.of(route, declared),
                    pattern: routes::pattern(&route.path),
                });
            }
        }
        Self {
            api: Arc::new(Api {
                account_id: account_id.to_owned(),
                region: region.to_owned(),
                stage: declared.map_or_else(|| "$default".to_owned(), |api| api.stage.clone()),
                stage_variables: declared.map(|api| api.stage_variables.clone()).unwrap_or_default(),
            }),
            routes,
            cors: declared.and_then(|api| api.cors.clone()).map(CorsRules::new),
            account,
            access_log: declared.and_then(|api| api.access_log_format.as_deref()).map(AccessLog::new),
            report,
        }
    }

    /// `GET /products -> list-products`, for people.
    #[must_use]
    pub fn describe(&self) -> Vec<(String, String)> {
        self.routes.describe()
    }

    async fn route(&self, context: &mut Context, body: Incoming) -> Result<HttpResponse, GatewayError> {
        quotas::check(&context.parts)?;
        context.check()?;
        let Some(Matched { route, parameters }) =
            self.routes.find(context.parts.method.as_str(), context.parts.uri.path())
        else {
            // A route that matches comes first, even $default: that is why AWS's page asks for an OPTIONS route without
            // authorizer beside a $default route with one.
            let preflight = self.cors.as_ref().and_then(|cors| cors.preflight(&context.parts));
            return preflight.ok_or(GatewayError::NotFound);
        };
        context.matched(&route, parameters);
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
        // A task of its own: a function goes on when its client leaves or waits no longer.
        let (function, report) = (Arc::clone(&route.function), self.report.clone());
        let invoked = tokio::spawn(async move { respond(&function.invoke(invocation).await, &report) });
        let responded = match timeout(route.timeout, invoked).await {
            Ok(responded) => {
                responded.unwrap_or_else(|_| Responded::refused(GatewayError::Internal, "stopping"))
            }
            Err(_) => Responded::refused(GatewayError::ServiceUnavailable, "the integration timed out"),
        };
        context.integration = Some(Integration {
            request_id,
            latency: started.elapsed(),
            lambda_status: responded.lambda_status,
            function_status: responded.answer.as_ref().ok().map(|answer| answer.status().as_u16()),
            error: responded.error,
        });
        responded.answer
    }
}

/// What an invocation means for the client, and for the access log.
struct Responded {
    answer: Result<HttpResponse, GatewayError>,
    /// What Lambda's Invoke answered: 200 even for a function that failed.
    lambda_status: Option<u16>,
    error: Option<String>,
}

impl Responded {
    fn refused(refusal: GatewayError, error: impl Into<String>) -> Self {
        Self { answer: Err(refusal), lambda_status: None, error: Some(error.into()) }
    }
}

/// The response to an invocation, and its line in the report.
fn respond(invoked: &CompletedInvocation, report: &Report) -> Responded {
    let responded = match &invoked.outcome {
        Outcome::Response(payload) => match response::from_payload(payload) {
            Some(answer) => Responded { answer: Ok(answer), lambda_status: Some(200), error: None },
            None => Responded {
                lambda_status: Some(200),
                ..Responded::refused(GatewayError::Internal, "the function's answer is not a response")
            },
        },
        Outcome::Error(_) => Responded {
            lambda_status: Some(200),
            ..Responded::refused(GatewayError::Internal, invoked.outcome.error_message().unwrap_or_default())
        },
        Outcome::Throttled => Responded {
            lambda_status: Some(429),
            ..Responded::refused(GatewayError::ServiceUnavailable, "throttled")
        },
    };
    let status = match &responded.answer {
        Ok(answer) => answer.status(),
        Err(error) => error.status(),
    };
    let tone = match status.as_u16() {
        500.. => Tone::Bad,
        400.. => Tone::Fair,
        _ => Tone::Good,
    };
    let note = responded.error.as_ref().map(|error| format!(" {error}")).unwrap_or_default();
    report.invocation(invoked, tone, &format!("{}{note}", status.as_u16()));
    responded
}
