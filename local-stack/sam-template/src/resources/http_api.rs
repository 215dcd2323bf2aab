//! `AWS::Serverless::HttpApi`
//!
//! <https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-resource-httpapi.html>

mod authorizer;
mod cors;
mod route;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

pub use self::{
    authorizer::{Authorizer, IdentitySource, ResponseFormat},
    cors::Cors,
    route::{HttpRoute, RouteAuthorizer, Throttle},
};
use super::select;
use crate::{
    error::LineError,
    evaluate::Scope,
    node::{Entry, Node, Value},
    text::Located,
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
    /// The authorizers that routes can name.
    pub authorizers: Vec<Authorizer>,
    /// The authorizer of routes that do not name one.
    pub default_authorizer: Option<Located>,
    /// `DefaultRouteSettings`: what each route has by default.
    pub default_throttle: Throttle,
    /// `RouteSettings`
    pub route_settings: Vec<RouteSettings>,
    /// `AccessLogSettings.Format`, if access logs are on.
    pub access_log_format: Option<String>,
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
    /// `resource` is none for the implicit API of `HttpApi` events that do not name one; `globals` is the section
    /// `Globals.HttpApi`.
    pub(crate) fn read(
        scope: &Scope,
        id: &str,
        resource: Option<&Node>,
        globals: Option<&Node>,
    ) -> Result<Self, LineError> {
        let own = resource.and_then(|resource| resource.get("Properties"));
        let api = merge(&select(scope, globals, &KEYS, 1)?, &select(scope, own, &KEYS, 1)?);
        if let Some(definition) = api.get("DefinitionBody").or_else(|| api.get("DefinitionUri")) {
            let rule =
                "an OpenAPI definition is not supported: declare routes as HttpApi events of functions";
            return Err(definition.error(rule));
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
                .map(Node::located)
                .transpose()?,
            default_throttle: Throttle::read(api.get("DefaultRouteSettings"))?,
            route_settings,
            access_log_format: format.map(Node::text).transpose()?.map(str::to_owned),
        })
    }
}

/// Merges `Globals` and a resource's own properties: mappings member by member, lists by joining them. Of other values
/// the resource's own one is taken.
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
