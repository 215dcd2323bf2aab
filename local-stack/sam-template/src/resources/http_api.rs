//! `AWS::Serverless::HttpApi`
//!
//! <https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-resource-httpapi.html>

mod authorizer;
mod cors;
mod path;
mod route;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

pub use self::{
    authorizer::{Authorizer, IdentitySource, ResponseFormat},
    cors::Cors,
    route::{HttpRoute, RouteAuthorizer, Throttle},
};
use super::properties;
use crate::{
    error::Position,
    evaluate::Scope,
    members::{Known, Members},
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
    /// The place of the key.
    pub at: Position,
    /// The route's throttle.
    pub throttle: Throttle,
}

const KNOWN: Known = Known {
    of: "an HTTP API",
    supported: &[
        "AccessLogSettings",
        "Auth",
        "CorsConfiguration",
        "DefaultRouteSettings",
        "RouteSettings",
        "StageName",
        "StageVariables",
    ],
    ignored: &[
        "Description",
        "DisableExecuteApiEndpoint",
        "Domain",
        "FailOnWarnings",
        "Name",
        "PropagateTags",
        "Tags",
    ],
    hints: &[
        ("DefinitionBody", "OpenAPI is not read; declare routes as HttpApi events of functions"),
        ("DefinitionUri", "OpenAPI is not read; declare routes as HttpApi events of functions"),
    ],
};

const AUTH: Known = Known {
    of: "Auth",
    supported: &["Authorizers", "DefaultAuthorizer"],
    ignored: &[],
    hints: &[(
        "EnableIamAuthorizer",
        "requests are not signed here; use a Lambda authorizer, or leave it out",
    )],
};

const ACCESS_LOG: Known =
    Known { of: "AccessLogSettings", supported: &["Format"], ignored: &["DestinationArn"], hints: &[] };

impl HttpApi {
    /// `resource` is none for the implicit API of `HttpApi` events that do not name one; `globals` is the section
    /// `Globals.HttpApi`.
    pub(crate) fn read(
        scope: &Scope<'_>,
        id: &str,
        at: Position,
        resource: Option<&Node>,
        globals: Option<&Node>,
    ) -> Self {
        let own = resource.and_then(|resource| resource.get("Properties"));
        let merged = merge(&properties(scope, globals, at, &KNOWN), &properties(scope, own, at, &KNOWN));
        let api = Members { node: &merged, notes: &scope.notes };
        let auth = api.members("Auth").map(|auth| auth.check(&AUTH));
        let variable =
            |Entry { key, node, .. }: &Entry| Some((key.clone(), api.valid(node.text())?.to_owned()));
        let settings = |Entry { key, node, at }: &Entry| RouteSettings {
            route_key: key.clone(),
            at: *at,
            throttle: Throttle::read(Some(Members { node, ..api })),
        };
        let log = api.members("AccessLogSettings").map(|log| log.check(&ACCESS_LOG));
        Self {
            logical_id: id.to_owned(),
            stage: api.text("StageName").unwrap_or("$default").to_owned(),
            stage_variables: api.entries("StageVariables").iter().filter_map(variable).collect(),
            cors: api.members("CorsConfiguration").and_then(Cors::read),
            authorizers: Authorizer::read_all(auth),
            default_authorizer: auth.and_then(|auth| auth.located("DefaultAuthorizer")),
            default_throttle: Throttle::read(api.members("DefaultRouteSettings")),
            route_settings: api.entries("RouteSettings").iter().map(settings).collect(),
            access_log_format: log.and_then(|log| log.text("Format")).map(str::to_owned),
        }
    }
}

/// Merges `Globals` and a resource's own properties: mappings member by member, lists by joining them. Of other values
/// the resource's own one is taken.
/// <https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-specification-template-anatomy-globals.html>
pub(crate) fn merge(globals: &Node, own: &Node) -> Node {
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
    Node { at: own.at, value }
}
