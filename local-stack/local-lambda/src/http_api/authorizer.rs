//! Lambda authorizers: functions that allow or deny a request before the route's own function.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html>

mod cache;
mod response;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use sam_template::{HttpApi, HttpRoute, IdentitySource, ResponseFormat, RouteAuthorizer};
use tokio::time::timeout;

use self::{cache::Cache, response::AuthorizerResponse};
use super::{
    context::{API_ID, Context},
    event,
    gateway_error::GatewayError,
    url,
};
use crate::{
    hosted_function::HostedFunction,
    invocation::{Invocation, Outcome},
    pool::Pool,
    report::{Report, Severity},
};

/// How long an authorizer may take.
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html>
const RESPONSE_WITHIN: Duration = Duration::from_secs(10);

/// The authorizers of an API by their names.
#[derive(Debug)]
pub(crate) struct Authorizers(BTreeMap<String, Arc<Authorizer>>);

/// One authorizer. All its routes share its cache.
#[derive(Debug)]
pub(crate) struct Authorizer {
    /// The source of its invocations: `authorizer Tokens`.
    source: Arc<str>,
    function: Arc<Pool>,
    responses: ResponseFormat,
    identity: Vec<IdentitySource>,
    cache: Cache,
    report: Report,
}

impl Authorizers {
    pub(crate) fn new(api: Option<&HttpApi>, functions: &[HostedFunction], report: &Report) -> Self {
        let declared = api.into_iter().flat_map(|api| &api.authorizers);
        let authorizers = declared.filter_map(|declared| {
            let is_authorizer =
                |function: &&HostedFunction| function.declaration.logical_id == declared.function;
            let function = functions.iter().find(is_authorizer)?;
            let authorizer = Authorizer {
                source: format!("authorizer {}", declared.name).into(),
                function: Arc::clone(&function.pool),
                responses: declared.response_format,
                identity: declared.identity.clone(),
                cache: Cache::new(declared.ttl),
                report: report.clone(),
            };
            Some((declared.name.clone(), Arc::new(authorizer)))
        });
        Self(authorizers.collect())
    }

    /// The authorizer of a route, if it has one.
    pub(crate) fn of(&self, route: &HttpRoute, api: Option<&HttpApi>) -> Option<Arc<Authorizer>> {
        let name = match &route.authorizer {
            RouteAuthorizer::Default => api?.default_authorizer.as_ref()?,
            RouteAuthorizer::None { .. } => return None,
            RouteAuthorizer::Named(name) => name,
        };
        self.0.get(&name.text).cloned()
    }
}

impl Authorizer {
    /// Allows or denies the request, and keeps the context that the authorizer returned.
    pub(crate) async fn authorize(&self, context: &mut Context) -> Result<(), GatewayError> {
        let identity: Option<Vec<String>> = self
            .identity
            .iter()
            .map(|source| value(source, context).filter(|value| !value.is_empty()))
            .collect();
        let identity = identity.ok_or(GatewayError::Unauthorized)?;
        let arn = route_arn(context);
        let response = match self.cache.get(&identity) {
            Some(response) => response,
            None => {
                let response = self.invoke(context, &arn, &identity).await.map_err(|error| {
                    context.authorizer_error = Some(error);
                    GatewayError::Internal
                })?;
                let response = Arc::new(response);
                self.cache.put(identity, &response);
                response
            }
        };
        context.authorized = Some(response.context().clone());
        if response.allows(&arn) { Ok(()) } else { Err(GatewayError::Forbidden) }
    }

    /// Invokes the function. An error says why it did not return a valid response.
    async fn invoke(
        &self,
        context: &Context,
        arn: &str,
        identity: &[String],
    ) -> Result<AuthorizerResponse, String> {
        let event = event::authorizer(context, arn, identity).to_string();
        let invocation = Invocation::new(&self.source, vec![context.request_id.to_string()], event);
        // A separate task, because a function continues when its client disconnects or the authorizer times out.
        let (function, report, responses) = (Arc::clone(&self.function), self.report.clone(), self.responses);
        let task = tokio::spawn(async move {
            let invoked = function.invoke(invocation).await;
            let response = match &invoked.outcome {
                Outcome::Response(payload) => AuthorizerResponse::parse(payload, responses),
                Outcome::Error(_) => Err(invoked.outcome.error_message().unwrap_or_default()),
                Outcome::Throttled => Err("throttled".to_owned()),
            };
            match &response {
                Ok(_) => report.invocation(&invoked, Severity::Success, "decided"),
                Err(error) => report.invocation(&invoked, Severity::Failure, error),
            }
            response
        });
        match timeout(RESPONSE_WITHIN, task).await {
            Ok(response) => response.unwrap_or_else(|_| Err("the stack is stopping".to_owned())),
            Err(_) => Err("the authorizer timed out".to_owned()),
        }
    }
}

/// The value of an identity source.
fn value(source: &IdentitySource, context: &Context) -> Option<String> {
    match source {
        IdentitySource::Header(name) => context.header(name).map(str::to_owned),
        IdentitySource::QueryString(name) => {
            url::query_parameters(context.parts.uri.query().unwrap_or_default()).remove(name)
        }
        IdentitySource::StageVariable(name) => context.api.stage_variables.get(name).cloned(),
        IdentitySource::Context(name) => context.variable(name),
    }
}

/// The ARN of this method and path, which policies allow or deny.
fn route_arn(context: &Context) -> String {
    let (stage, method) = (&context.api.stage, &context.parts.method);
    context.api.account.arn("execute-api", &format!("{API_ID}/{stage}/{method}{}", context.path))
}
