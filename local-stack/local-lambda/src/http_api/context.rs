//! The state of a request: the `$context` variables of AWS's documentation.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use http::{
    HeaderMap,
    header::{HOST, USER_AGENT},
    request::Parts,
};
use hyper::body::Body;
pub(crate) use sam_template::HTTP_API_ID as API_ID;
use serde_json::Value;
use uuid::Uuid;

use super::{gateway_error::GatewayError, url};
use crate::{aws_account::AwsAccount, metering::UsageRecorder, server::HttpResponse};

/// Every client is on this machine.
pub(crate) const SOURCE_IP: &str = "127.0.0.1";

/// What all requests of an API share.
#[derive(Debug)]
pub(crate) struct Api {
    pub(crate) account: AwsAccount,
    pub(crate) stage: String,
    pub(crate) stage_variables: BTreeMap<String, String>,
}

/// One request.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) api: Arc<Api>,
    pub(crate) parts: Parts,
    pub(crate) request_id: Uuid,
    pub(crate) received: SystemTime,
    started: Instant,
    /// Decoded. Empty if it is not UTF-8: then the request is rejected.
    pub(crate) path: String,
    pub(crate) route_key: Option<Arc<str>>,
    pub(crate) path_parameters: BTreeMap<String, String>,
    /// Bytes of the body.
    pub(crate) request_length: usize,
    pub(crate) authorized: Option<AuthorizerContext>,
    /// Why the authorizer failed.
    pub(crate) authorizer_error: Option<String>,
    pub(crate) integration: Option<Integration>,
    pub(crate) error: Option<GatewayError>,
    response: Option<Response>,
}

/// What an authorizer returned besides its decision.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct AuthorizerContext {
    pub(crate) principal: Option<String>,
    /// The `context` object; null if there is none.
    pub(crate) context: Value,
}

/// The result of the integration.
#[derive(Debug)]
pub(crate) struct Integration {
    pub(crate) request_id: Uuid,
    pub(crate) latency: Duration,
    pub(crate) lambda_status: Option<u16>,
    pub(crate) function_status: Option<u16>,
    pub(crate) error: Option<String>,
}

#[derive(Debug)]
struct Response {
    status: u16,
    length: u64,
    latency: Duration,
}

fn length(response: &HttpResponse) -> u64 {
    response.body().size_hint().exact().unwrap_or_default()
}

impl Context {
    pub(crate) fn new(api: Arc<Api>, parts: Parts) -> Self {
        let path = url::decode(parts.uri.path()).unwrap_or_default();
        Self {
            api,
            parts,
            request_id: Uuid::new_v4(),
            received: SystemTime::now(),
            started: Instant::now(),
            path,
            route_key: None,
            path_parameters: BTreeMap::new(),
            request_length: 0,
            authorized: None,
            authorizer_error: None,
            integration: None,
            error: None,
            response: None,
        }
    }

    /// Rejects a request that cannot be converted to an event.
    pub(crate) fn check(&self) -> Result<(), GatewayError> {
        let headers = &self.parts.headers;
        let host = loopback::host(&self.parts).is_ok();
        let text = headers.values().all(|value| value.to_str().is_ok());
        if host && text && !self.path.is_empty() { Ok(()) } else { Err(GatewayError::BadRequest) }
    }

    pub(crate) fn matched(&mut self, route_key: &Arc<str>, parameters: BTreeMap<String, String>) {
        self.route_key = Some(Arc::clone(route_key));
        self.path_parameters = parameters;
    }

    pub(crate) fn record_response(&mut self, response: &HttpResponse) {
        self.response = Some(Response {
            status: response.status().as_u16(),
            length: length(response),
            latency: self.started.elapsed(),
        });
    }

    /// Records the request for the bill. Requests that the throttle or the authorizer rejects are free:
    /// <https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-pricing.html>
    pub(crate) fn record_usage(&self, response: &HttpResponse, usage: &UsageRecorder) {
        let free = [GatewayError::TooManyRequests, GatewayError::Unauthorized, GatewayError::Forbidden];
        if let Some(route) = &self.route_key
            && !self.error.is_some_and(|error| free.contains(&error))
        {
            let bytes = length(response).max(self.request_length as u64);
            usage.record_request(route, response.status().as_u16(), bytes);
        }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        text(&self.parts.headers, name)
    }

    pub(crate) fn host(&self) -> &str {
        self.header(HOST.as_str()).unwrap_or(SOURCE_IP)
    }

    pub(crate) fn user_agent(&self) -> &str {
        self.header(USER_AGENT.as_str()).unwrap_or_default()
    }

    pub(crate) fn epoch_ms(&self) -> u64 {
        let since = self.received.duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }

    /// `21/Nov/2026:08:15:30 +0000`
    pub(crate) fn time(&self) -> String {
        access_log_time(self.received)
    }

    /// The value of `$context.NAME`; none if it does not apply to this request, or to this stack.
    /// <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-logging-variables.html>
    pub(crate) fn variable(&self, name: &str) -> Option<String> {
        if let Some(property) = name.strip_prefix("authorizer.") {
            return self.authorizer_variable(property);
        }
        let integration = self.integration.as_ref();
        let response = self.response.as_ref();
        let milliseconds = |time: Duration| time.as_millis().to_string();
        Some(match name {
            "accountId" => self.api.account.id.clone(),
            "apiId" | "domainPrefix" => API_ID.to_owned(),
            "awsEndpointRequestId" | "integration.requestId" => integration?.request_id.to_string(),
            "dataProcessed" => (self.request_length as u64 + response?.length).to_string(),
            "domainName" => self.host().to_owned(),
            "error.message" => self.error?.message().to_owned(),
            "error.messageString" => format!("\"{}\"", self.error?.message()),
            "httpMethod" => self.parts.method.to_string(),
            "identity.sourceIp" => SOURCE_IP.to_owned(),
            "identity.userAgent" => self.header(USER_AGENT.as_str())?.to_owned(),
            "integration.error" | "integrationErrorMessage" => integration?.error.clone()?,
            "integration.integrationStatus" | "integrationStatus" => integration?.lambda_status?.to_string(),
            "integration.latency" | "integrationLatency" => milliseconds(integration?.latency),
            "integration.status" => integration?.function_status?.to_string(),
            "path" => self.path.clone(),
            "protocol" => "HTTP/1.1".to_owned(),
            "requestId" | "extendedRequestId" => self.request_id.to_string(),
            "requestTime" => self.time(),
            "requestTimeEpoch" => self.epoch_ms().to_string(),
            "responseLatency" => milliseconds(response?.latency),
            "responseLength" => response?.length.to_string(),
            "routeKey" => self.route_key.as_deref()?.to_owned(),
            "stage" => self.api.stage.clone(),
            "status" => response?.status.to_string(),
            _ => return None,
        })
    }

    fn authorizer_variable(&self, property: &str) -> Option<String> {
        match (property, &self.authorized) {
            ("error", _) => self.authorizer_error.clone(),
            ("principalId", authorized) => authorized.as_ref()?.principal.clone(),
            (property, authorized) => match authorized.as_ref()?.context.get(property)? {
                Value::String(text) => Some(text.clone()),
                other => Some(other.to_string()),
            },
        }
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn access_log_time(now: SystemTime) -> String {
    let written = |time: jiff::Timestamp| time.strftime("%d/%b/%Y:%H:%M:%S +0000").to_string();
    jiff::Timestamp::try_from(now).map_or_else(|_| String::new(), written)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_in_access_logs() {
        let time = UNIX_EPOCH + Duration::from_secs(1_795_248_930);
        assert_eq!(access_log_time(time), "21/Nov/2026:08:15:30 +0000");
    }
}
