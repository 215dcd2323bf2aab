//! `Type: HttpApi` in the `Events` of a function.
//!
//! <https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-property-function-httpapi.html>

use std::time::Duration;

use crate::{error::LineError, node::Node, text::Located};

/// A route of the HTTP API, payload format 2.0.
#[derive(Clone, Debug, PartialEq)]
pub struct HttpRoute {
    /// Upper case; `ANY` for all.
    pub method: String,
    /// `/products/{id}`, or `$default`.
    pub path: String,
    /// The authorizer that decides whether a request is allowed.
    pub authorizer: RouteAuthorizer,
    /// The integration timeout: after it, the client receives 503.
    pub timeout: Duration,
    /// The throttle of this route.
    pub throttle: Throttle,
    /// The line that declares it.
    pub line: usize,
}

/// `Auth.Authorizer` of a route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RouteAuthorizer {
    /// Not set: the default authorizer of the API, if it has one.
    Default,
    /// `NONE`: no authorizer, even if the API has a default one.
    None {
        /// The line of `NONE`.
        line: usize,
    },
    /// The authorizer of this name.
    Named(Located),
}

/// The throttling limits of a route. A limit that is not set is inherited.
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-throttling.html>
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Throttle {
    /// `ThrottlingRateLimit`: requests per second.
    pub rate: Option<f64>,
    /// `ThrottlingBurstLimit`: requests at once.
    pub burst: Option<u32>,
}

const SHORTEST_TIMEOUT: Duration = Duration::from_millis(50);
const LONGEST_TIMEOUT: Duration = Duration::from_secs(30);

impl HttpRoute {
    pub(crate) fn read(properties: &Node) -> Result<Self, LineError> {
        let method = properties.get("Method").map_or(Ok("ANY"), Node::text)?;
        let method = if method == "*" { "ANY".to_owned() } else { method.to_ascii_uppercase() };
        let path = properties.get("Path").map_or(Ok("$default"), Node::text)?;
        if path != "$default" && !path.starts_with('/') {
            return Err(properties.error(format!("the path {path} must begin with /")));
        }
        if let Some(version) = properties.get("PayloadFormatVersion")
            && version.text()? != "2.0"
        {
            return Err(version.error("only PayloadFormatVersion 2.0 is supported"));
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

impl Throttle {
    pub(crate) fn read(node: Option<&Node>) -> Result<Self, LineError> {
        let Some(node) = node else { return Ok(Self::default()) };
        let rate: Option<f64> = node.get("ThrottlingRateLimit").map(Node::number).transpose()?;
        if !rate.is_none_or(|rate| rate.is_finite() && rate >= 0.0) {
            return Err(node.error("ThrottlingRateLimit must be requests per second, 0 or more"));
        }
        Ok(Self { rate, burst: node.get("ThrottlingBurstLimit").map(Node::number).transpose()? })
    }

    /// These limits; those that are not set are taken from `inherited`.
    #[must_use]
    pub fn or(self, inherited: Self) -> Self {
        Self { rate: self.rate.or(inherited.rate), burst: self.burst.or(inherited.burst) }
    }
}

fn authorizer(name: Option<&Node>) -> Result<RouteAuthorizer, LineError> {
    let Some(node) = name else { return Ok(RouteAuthorizer::Default) };
    Ok(match node.text()? {
        "NONE" => RouteAuthorizer::None { line: node.line },
        _ => RouteAuthorizer::Named(node.located()?),
    })
}

/// HTTP APIs: 50 milliseconds to 30 seconds, and 30 seconds by default. The often quoted 29 seconds are those of REST
/// and WebSocket APIs.
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html>
fn timeout(node: Option<&Node>) -> Result<Duration, LineError> {
    let Some(node) = node else { return Ok(LONGEST_TIMEOUT) };
    let timeout = Duration::from_millis(node.number()?);
    if (SHORTEST_TIMEOUT..=LONGEST_TIMEOUT).contains(&timeout) {
        Ok(timeout)
    } else {
        Err(node.error("TimeoutInMillis must be 50 to 30000"))
    }
}
