//! API Gateway's HTTP API, as far as a client and a function can tell.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api.html>

mod answer;
mod cors;
mod event;
mod routes;
mod throttle;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use hyper::{Request, StatusCode, body::Incoming, header::HOST};
use sam_template::{EventSource, Template};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    http_api::{cors::CorsRules, routes::Routes, throttle::Throttle},
    invocation::{Invocation, Invoked, LARGEST_PAYLOAD, Outcome},
    pool::Pool,
    report::{Report, Tone},
    server::{self, Answer, BodyError, Listener},
};

/// The longest an integration may take.
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html>
const INTEGRATION_TIMEOUT: Duration = Duration::from_secs(30);

/// The HTTP API of a template.
#[derive(Debug)]
pub struct HttpApi {
    routes: Routes,
    cors: Option<CorsRules>,
    throttle: Option<Throttle>,
    account_id: String,
    report: Report,
}

impl HttpApi {
    /// The routes of the template's functions; `pools` are the functions in the order of the template.
    #[must_use]
    pub fn new(template: &Template, pools: &[Arc<Pool>], account_id: &str, report: Report) -> Self {
        let mut routes = Routes::default();
        for (function, pool) in template.functions.iter().zip(pools) {
            for event in &function.events {
                if let EventSource::HttpApi(route) = event {
                    routes.add(&route.method, &route.path, Arc::clone(pool));
                }
            }
        }
        let api = template.http_api.as_ref();
        Self {
            routes,
            cors: api.and_then(|api| api.cors.clone()).map(CorsRules::new),
            throttle: api.and_then(|api| api.throttle).map(Throttle::new),
            account_id: account_id.to_owned(),
            report,
        }
    }

    /// `GET /products -> list-products`, for people.
    #[must_use]
    pub fn describe(&self) -> Vec<(String, String)> {
        self.routes.describe()
    }

    /// Answers requests until `stop`.
    pub async fn serve(self, listener: Listener, stop: CancellationToken) {
        let api = Arc::new(self);
        server::serve(listener, stop, move |request| {
            let api = Arc::clone(&api);
            async move { api.handle(request).await }
        })
        .await;
    }

    async fn handle(&self, request: Request<Incoming>) -> Answer {
        let request_id = Uuid::new_v4();
        let origin = request.headers().get("origin").cloned();
        let mut answer = match self.cors.as_ref().and_then(|cors| cors.preflight(&request)) {
            Some(preflight) => preflight,
            None => self.route(request, request_id).await,
        };
        if let Some(cors) = &self.cors {
            cors.apply(origin.as_ref(), answer.headers_mut());
        }
        if let Ok(id) = request_id.to_string().parse() {
            answer.headers_mut().insert("apigw-requestid", id);
        }
        answer
    }

    async fn route(&self, request: Request<Incoming>, request_id: Uuid) -> Answer {
        let (parts, body) = request.into_parts();
        if !parts.headers.get(HOST).is_none_or(event::is_host)
            || !parts.headers.values().all(|value| value.to_str().is_ok())
        {
            return message(StatusCode::BAD_REQUEST, "Bad Request");
        }
        let Some(path) = event::decode(parts.uri.path()) else {
            return message(StatusCode::BAD_REQUEST, "Bad Request");
        };
        let Some(route) = self.routes.find(parts.method.as_str(), parts.uri.path()) else {
            return message(StatusCode::NOT_FOUND, "Not Found");
        };
        if self.throttle.as_ref().is_some_and(|throttle| !throttle.admit()) {
            return message(StatusCode::TOO_MANY_REQUESTS, "Too Many Requests");
        }
        let body = match server::body(body, LARGEST_PAYLOAD).await {
            Ok(body) => body,
            Err(BodyError::TooLarge) => {
                return message(StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large");
            }
            Err(BodyError::Broken) => return message(StatusCode::BAD_REQUEST, "Bad Request"),
        };
        let event = event::event(&parts, &path, &route, &body, request_id, &self.account_id).to_string();
        if event.len() > LARGEST_PAYLOAD {
            return message(StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large");
        }
        // A task of its own: a function goes on when its client leaves or waits no longer.
        let report = self.report.clone();
        let invocation = tokio::spawn(async move {
            let invocation = Invocation::new(&route.key, vec![request_id.to_string()], event);
            let invoked = route.function.invoke(invocation).await;
            respond(&invoked, &report)
        });
        match timeout(INTEGRATION_TIMEOUT, invocation).await {
            Ok(answer) => answer.unwrap_or_else(|_| internal_error()),
            Err(_) => message(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable"),
        }
    }
}

/// The response to an invocation, and its line in the report.
fn respond(invoked: &Invoked, report: &Report) -> Answer {
    let (answer, note) = match &invoked.outcome {
        Outcome::Answer(payload) => match answer::answer(payload) {
            Some(answer) => (answer, String::new()),
            None => (internal_error(), " the function's answer is not a response".to_owned()),
        },
        Outcome::Error(_) => {
            (internal_error(), format!(" {}", invoked.outcome.error_message().unwrap_or_default()))
        }
        Outcome::Throttled => {
            (message(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable"), " throttled".to_owned())
        }
    };
    let tone = match answer.status().as_u16() {
        500.. => Tone::Bad,
        400.. => Tone::Fair,
        _ => Tone::Good,
    };
    report.invocation(invoked, tone, &format!("{}{note}", answer.status().as_u16()));
    answer
}

fn internal_error() -> Answer {
    message(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")
}

/// API Gateway's own answers.
fn message(status: StatusCode, text: &str) -> Answer {
    server::json(status, Bytes::from(format!(r#"{{"message":"{text}"}}"#)))
}
