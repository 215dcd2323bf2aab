//! `AWS::Serverless::HttpApi`
//!
//! <https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-resource-httpapi.html>

mod authorizer;
mod cors;
mod references;
mod route;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

pub(crate) use self::references::check;
pub use self::{
    authorizer::{Authorizer, IdentitySource, Responses},
    cors::Cors,
    route::{HttpRoute, RouteAuthorizer},
};
use super::select;
use crate::{
    error::Fault,
    evaluate::Scope,
    node::{Entry, Node, Value},
};

/// An API Gateway HTTP API.
#[derive(Clone, Debug, PartialEq)]
pub struct HttpApi {
    /// Its name in the template.
    pub logical_id: String,
    /// `StageName`, `$default` if it names none.
    pub stage: String,
    /// `StageVariables`
    pub stage_variables: BTreeMap<String, String>,
    /// Cross-origin rules, if any.
    pub cors: Option<Cors>,
    /// Who may be asked whether a request is allowed.
    pub authorizers: Vec<Authorizer>,
    /// The authorizer of routes that name none themselves.
    pub default_authorizer: Option<AuthorizerName>,
    /// `DefaultRouteSettings`: what each route has by default.
    pub default_throttle: Throttle,
    /// `RouteSettings`
    pub route_settings: Vec<RouteSettings>,
    /// `AccessLogSettings.Format`, if access logs are on.
    pub access_log_format: Option<String>,
}

/// An authorizer as a route or an API names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorizerName {
    /// The name in `Auth.Authorizers`.
    pub name: String,
    /// The line that names it.
    pub line: usize,
}

/// The throttle of one route: what it does not set is inherited.
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-throttling.html>
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Throttle {
    /// `ThrottlingRateLimit`: requests per second, steadily.
    pub rate: Option<f64>,
    /// `ThrottlingBurstLimit`: requests at once.
    pub burst: Option<u32>,
}

/// One entry of `RouteSettings`.
#[derive(Clone, Debug, PartialEq)]
pub struct RouteSettings {
    /// `GET /products`, `$default`.
    pub route_key: String,
    /// The line of the key.
    pub line: usize,
    /// The route's throttle.
    pub throttle: Throttle,
}

const KEYS: [&str; 9] = [
    "AccessLogSettings",
    "Auth",
    "CorsConfiguration",
    "DefaultRouteSettings",
    "DefinitionBody",
    "DefinitionUri",
    "RouteSettings",
    "StageName",
    "StageVariables",
];

impl HttpApi {
    /// `resource` is none for the API that SAM makes of `HttpApi` events that name none; `globals` is the section
    /// `Globals.HttpApi`.
    pub(crate) fn read(
        scope: &Scope,
        id: &str,
        resource: Option<&Node>,
        globals: Option<&Node>,
    ) -> Result<Self, Fault> {
        let own = resource.and_then(|resource| resource.get("Properties"));
        let api = merge(&select(scope, globals, &KEYS, 1)?, &select(scope, own, &KEYS, 1)?);
        if let Some(definition) = api.get("DefinitionBody").or_else(|| api.get("DefinitionUri")) {
            let rule =
                "an OpenAPI definition is not supported: declare routes as HttpApi events of functions";
            return Err(definition.fault(rule));
        }
        let auth = api.get("Auth");
        let mut stage_variables = BTreeMap::new();
        for Entry { key, node, .. } in Node::entries(api.get("StageVariables"))? {
            stage_variables.insert(key.clone(), node.text()?.to_owned());
        }
        let mut route_settings = Vec::new();
        for Entry { key, node, line } in Node::entries(api.get("RouteSettings"))? {
            route_settings.push(RouteSettings {
                route_key: key.clone(),
                line: *line,
                throttle: Throttle::read(Some(node))?,
            });
        }
        let format = api.at(&["AccessLogSettings", "Format"]);
        Ok(Self {
            logical_id: id.to_owned(),
            stage: api.get("StageName").map_or(Ok("$default"), Node::text)?.to_owned(),
            stage_variables,
            cors: api.get("CorsConfiguration").map(Cors::read).transpose()?,
            authorizers: Authorizer::read_all(auth.and_then(|auth| auth.get("Authorizers")))?,
            default_authorizer: auth
                .and_then(|auth| auth.get("DefaultAuthorizer"))
                .map(AuthorizerName::read)
                .transpose()?,
            default_throttle: Throttle::read(api.get("DefaultRouteSettings"))?,
            route_settings,
            access_log_format: format.map(Node::text).transpose()?.map(str::to_owned),
        })
    }
}

impl AuthorizerName {
    pub(crate) fn read(node: &Node) -> Result<Self, Fault> {
        Ok(Self { name: node.text()?.to_owned(), line: node.line })
    }
}

impl Throttle {
    pub(crate) fn read(node: Option<&Node>) -> Result<Self, Fault> {
        let Some(node) = node else { return Ok(Self::default()) };
        let rate: Option<f64> = node.get("ThrottlingRateLimit").map(Node::number).transpose()?;
        if !rate.is_none_or(|rate| rate.is_finite() && rate >= 0.0) {
            return Err(node.fault("ThrottlingRateLimit must be requests per second, 0 or more"));
        }
        Ok(Self { rate, burst: node.get("ThrottlingBurstLimit").map(Node::number).transpose()? })
    }

    /// This throttle, with what it leaves open taken from `inherited`.
    #[must_use]
    pub fn or(self, inherited: Self) -> Self {
        Self { rate: self.rate.or(inherited.rate), burst: self.burst.or(inherited.burst) }
    }
}

/// `Globals` under a resource's own properties: mappings are merged member by member, lists are joined, and of other
/// values the own one counts.
/// <https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-specification-template-anatomy-globals.html>
fn merge(globals: &Node, own: &Node) -> Node {
    let value = match (&globals.value, &own.value) {
        (Value::Mapping(inherited), Value::Mapping(entries)) => {
            let mut merged: Vec<Entry> =
                inherited.iter().filter(|entry| own.get(&entry.key).is_none()).cloned().collect();
            merged.extend(entries.iter().map(|entry| match globals.get(&entry.key) {
                Some(inherited) => Entry { node: merge(inherited, &entry.node), ..entry.clone() },
                None => entry.clone(),
            }));
            Value::Mapping(merged)
        }
        (Value::Sequence(inherited), Value::Sequence(nodes)) => {
            Value::Sequence(inherited.iter().chain(nodes).cloned().collect())
        }
        _ => own.value.clone(),
    };
    Node { line: own.line, value }
}
