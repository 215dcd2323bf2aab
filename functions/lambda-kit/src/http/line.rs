//! The log line of one invocation.

use std::time::Instant;

use lambda_http::{Request, RequestExt, http::StatusCode, request::RequestContext};

use domain_primitives::Problem;

/// The log line of one invocation.
pub(super) struct Line {
    started: Instant,
    route: String,
    cold_start: bool,
}

impl Line {
    pub(super) fn start(request: &Request, cold_start: bool) -> Self {
        // The route, not the path: paths hold ids, routes are what one counts by.
        let route = match request.request_context_ref() {
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
