//! Lambda authorizers: a function that is asked before the route's own.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html>

mod cache;
mod response;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use sam_template::{HttpRoute, IdentitySource, ResponseFormat, RouteAuthorizer, Template};
use tokio::time::timeout;

use self::{cache::Cache, response::AuthorizerResponse};
use super::{
    context::{API_ID, Context},
    event,
    gateway_error::GatewayError,
};
use crate::{
    invocation::{Invocation, Outcome},
    pool::Pool,
    report::{Report, Tone},
};

/// How long an authorizer may take.
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html>
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// The authorizers of an API by their names.
#[derive(Debug)]
pub(crate) struct Authorizers(BTreeMap<String, Arc<Authorizer>>);

/// One authorizer. Its cache is one for all routes.
#[derive(Debug)]
pub(crate) struct Authorizer {
    /// For people and the bill: `authorizer Tokens`.
    source: Arc<str>,
    function: Arc<Pool>,
    responses: ResponseFormat,
    identity: Vec<IdentitySource>,
    cache: Cache,
    report: Report,
}

impl Authorizers {
    pub(crate) fn new(template: &Template, pools: &[Arc<Pool>], report: &Report) -> Self {
        let declared = template.http_api.iter().flat_map(|api| &api.authorizers);
        let authorizers = declared.filter_map(|declared| {
            let mut functions = template.functions.iter().zip(pools);
            let (_, function) = functions.find(|(function, _)| function.logical_id == declared.function)?;
            let authorizer = Authorizer {
                source: format!("authorizer {}", declared.name).into(),
                function: Arc::clone(function),
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
    pub(crate) fn of(
        &self,
        route: &HttpRoute,
        api: Option<&sam_template::HttpApi>,
    ) -> Option<Arc<Authorizer>> {
        let name = match &route.authorizer {
            RouteAuthorizer::Default => api?.default_authorizer.as_ref()?,
            RouteAuthorizer::None { .. } => return None,
            RouteAuthorizer::Named(name) => name,
        };
        self.0.get(&name.text).cloned()
    }
}

impl Authorizer {
    /// Lets the request pass and keeps what the authorizer said of it, or refuses it.
    pub(crate) async fn authorize(&self, context: &mut Context) -> Result<(), GatewayError> {
        let identity: Option<Vec<String>> = self
            .identity
            .iter()
            .map(|source| value(source, context).filter(|value| !value.is_empty()))
            .collect();
        let identity = identity.ok_or(GatewayError::Unauthorized)?;
        let arn = route_arn(context);
        let verdict = match self.cache.get(&identity) {
            Some(verdict) => verdict,
            None => {
                let verdict = self.ask(context, &arn, &identity).await.map_err(|error| {
                    context.authorizer_error = Some(error);
                    GatewayError::Internal
                })?;
                let verdict = Arc::new(verdict);
                self.cache.put(identity, &verdict);
                verdict
            }
        };
        context.authorized = Some(verdict.said().clone());
        if verdict.allows(&arn) { Ok(()) } else { Err(GatewayError::Forbidden) }
    }

    /// Invokes the function; or why there is no verdict.
    async fn ask(
        &self,
        context: &Context,
        arn: &str,
        identity: &[String],
    ) -> Result<AuthorizerResponse, String> {
        let event = event::authorizer(context, arn, identity).to_string();
        let invocation = Invocation::new(&self.source, vec![context.request_id.to_string()], event);
        // A task of its own: a function goes on when its client leaves or waits no longer.
        let (function, report, responses) = (Arc::clone(&self.function), self.report.clone(), self.responses);
        let asked = tokio::spawn(async move {
            let invoked = function.invoke(invocation).await;
            let verdict = match &invoked.outcome {
                Outcome::Response(payload) => AuthorizerResponse::parse(payload, responses),
                Outcome::Error(_) => Err(invoked.outcome.error_message().unwrap_or_default()),
                Outcome::Throttled => Err("throttled".to_owned()),
            };
            match &verdict {
                Ok(_) => report.invocation(&invoked, Tone::Good, "decided"),
                Err(error) => report.invocation(&invoked, Tone::Bad, error),
            }
            verdict
        });
        match timeout(ANSWER_WITHIN, asked).await {
            Ok(verdict) => verdict.unwrap_or_else(|_| Err("the stack is stopping".to_owned())),
            Err(_) => Err("the authorizer timed out".to_owned()),
        }
    }
}

/// What a request has at an identity source.
fn value(source: &IdentitySource, context: &Context) -> Option<String> {
    match source {
        IdentitySource::Header(name) => context.header(name).map(str::to_owned),
        IdentitySource::QueryString(name) => {
            event::query_parameters(context.parts.uri.query().unwrap_or_default()).remove(name)
        }
        IdentitySource::StageVariable(name) => context.api.stage_variables.get(name).cloned(),
        IdentitySource::Context(name) => context.variable(name),
    }
}

/// What policies allow or deny: this very method and path.
fn route_arn(context: &Context) -> String {
    let (region, account, stage) = (&context.api.region, &context.api.account_id, &context.api.stage);
    let method = &context.parts.method;
    format!("arn:aws:execute-api:{region}:{account}:{API_ID}/{stage}/{method}{}", context.path)
}
