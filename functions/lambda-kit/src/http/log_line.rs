//! The log line of one invocation.

use std::time::Instant;

use lambda_http::{RequestExt, http::StatusCode, request::RequestContext};

use domain_primitives::Problem;

/// The log line of one invocation.
pub(super) struct LogLine {
    started: Instant,
    route: String,
    cold_start: bool,
}

impl LogLine {
    pub(super) fn start(event: &lambda_http::Request, cold_start: bool) -> Self {
        // The route and not the path: a path holds ids, and log queries count by route.
        let route = match event.request_context_ref() {
            Some(RequestContext::ApiGatewayV2(context)) => context.route_key.clone().unwrap_or_default(),
            _ => String::new(),
        };
        Self { started: Instant::now(), route, cold_start }
    }

    pub(super) fn write(
        &self,
        request_id: &str,
        correlation_id: &str,
        status: u16,
        problem: Option<&Problem>,
    ) {
        let duration_ms = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let Self { route, cold_start, .. } = self;
        let kind = problem.map(Problem::slug);
        let cause = problem.and_then(Problem::cause);
        if status >= StatusCode::INTERNAL_SERVER_ERROR.as_u16() {
            tracing::error!(
                request_id,
                correlation_id,
                route,
                status,
                duration_ms,
                cold_start,
                problem = kind,
                cause,
                "invocation"
            );
        } else {
            tracing::info!(
                request_id,
                correlation_id,
                route,
                status,
                duration_ms,
                cold_start,
                problem = kind,
                "invocation"
            );
        }
    }
}
