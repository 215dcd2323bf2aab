//! `Type: HttpApi` in the `Events` of a function.
//!
//! <https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-property-function-httpapi.html>

use std::time::Duration;

use super::{AuthorizerName, Throttle};
use crate::{error::Fault, node::Node};

/// A route of the HTTP API, payload format 2.0.
#[derive(Clone, Debug, PartialEq)]
pub struct HttpRoute {
    /// Upper case; `ANY` for all.
    pub method: String,
    /// `/products/{id}`, or `$default`.
    pub path: String,
    /// Who is asked whether a request is allowed.
    pub authorizer: RouteAuthorizer,
    /// How long the function may take before the client is told that it is unavailable.
    pub timeout: Duration,
    /// The route's own throttle.
    pub throttle: Throttle,
    /// The line that declares it.
    pub line: usize,
}

/// `Auth.Authorizer` of a route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RouteAuthorizer {
    /// Not set: the API's default, if it has one.
    Default,
    /// `NONE`: nobody, whatever the API's default is.
    None {
        /// The line that says so.
        line: usize,
    },
    /// This one.
    Named(AuthorizerName),
}

const SHORTEST_TIMEOUT: Duration = Duration::from_millis(50);
const LONGEST_TIMEOUT: Duration = Duration::from_secs(30);

impl HttpRoute {
    pub(crate) fn read(properties: &Node) -> Result<Self, Fault> {
        let method = properties.get("Method").map_or(Ok("ANY"), Node::text)?;
        let method = if method == "*" { "ANY".to_owned() } else { method.to_ascii_uppercase() };
        let path = properties.get("Path").map_or(Ok("$default"), Node::text)?;
        if path != "$default" && !path.starts_with('/') {
            return Err(properties.fault(format!("the path {path} must begin with /")));
        }
        if let Some(version) = properties.get("PayloadFormatVersion")
            && version.text()? != "2.0"
        {
            return Err(version.fault("only PayloadFormatVersion 2.0 is supported"));
        }
        Ok(Self {
            method,
            path: path.to_owned(),
            authorizer: authorizer(properties.at(&["Auth", "Authorizer"]))?,
            timeout: timeout(properties.get("TimeoutInMillis"))?,
            throttle: Throttle::read(properties.get("RouteSettings"))?,
            line: properties.line,
        })
    }

    /// The route as API Gateway names it: `GET /products/{id}`, or `$default`.
    #[must_use]
    pub fn key(&self) -> String {
        match self.path.as_str() {
            "$default" => self.path.clone(),
            path => format!("{} {path}", self.method),
        }
    }
}

fn authorizer(name: Option<&Node>) -> Result<RouteAuthorizer, Fault> {
    let Some(node) = name else { return Ok(RouteAuthorizer::Default) };
    Ok(match node.text()? {
        "NONE" => RouteAuthorizer::None { line: node.line },
        _ => RouteAuthorizer::Named(AuthorizerName::read(node)?),
    })
}

/// HTTP APIs: 50 milliseconds to 30 seconds, and 30 seconds by default. The often quoted 29 seconds are those of REST
/// and WebSocket APIs.
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html>
fn timeout(node: Option<&Node>) -> Result<Duration, Fault> {
    let Some(node) = node else { return Ok(LONGEST_TIMEOUT) };
    let timeout = Duration::from_millis(node.number()?);
    if (SHORTEST_TIMEOUT..=LONGEST_TIMEOUT).contains(&timeout) {
        Ok(timeout)
    } else {
        Err(node.fault("TimeoutInMillis must be 50 to 30000"))
    }
}
