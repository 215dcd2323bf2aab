//! `Type: HttpApi` in the `Events` of a function.
//!
//! <https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-property-function-httpapi.html>

use std::time::Duration;

use super::path;
use crate::{
    error::{Invalid, Position},
    evaluate::HTTP_API_ID,
    members::{Known, Members},
    node::Node,
    text::Located,
};

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
    /// The place of its properties.
    pub at: Position,
}

/// `Auth.Authorizer` of a route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RouteAuthorizer {
    /// Not set: the default authorizer of the API, if it has one.
    Default,
    /// `NONE`: no authorizer, even if the API has a default one.
    None {
        /// The place of `NONE`.
        at: Position,
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

const KNOWN: Known = Known {
    of: "an HttpApi event",
    supported: &[
        "ApiId",
        "Auth",
        "Method",
        "Path",
        "PayloadFormatVersion",
        "RouteSettings",
        "TimeoutInMillis",
    ],
    ignored: &[],
    hints: &[],
};

const AUTH: Known = Known {
    of: "Auth of an HttpApi event",
    supported: &["Authorizer"],
    ignored: &[],
    hints: &[("AuthorizationScopes", "scopes are for JWT authorizers, which are not imitated; leave it out")],
};

const SETTINGS: Known = Known {
    of: "route settings",
    supported: &["ThrottlingBurstLimit", "ThrottlingRateLimit"],
    ignored: &["DataTraceEnabled", "DetailedMetricsEnabled", "LoggingLevel"],
    hints: &[],
};

/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html>
const METHODS: [&str; 8] = ["ANY", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"];

impl HttpRoute {
    pub(crate) fn read(properties: Members<'_>) -> Self {
        let properties = properties.check(&KNOWN);
        if let (Some(node), Some(version)) =
            (properties.get("PayloadFormatVersion"), properties.text("PayloadFormatVersion"))
            && version != "2.0"
        {
            properties.problem(node, "only PayloadFormatVersion 2.0 is supported");
        }
        if let (Some(node), Some(api)) = (properties.get("ApiId"), properties.text("ApiId"))
            && api != HTTP_API_ID
        {
            properties.problem(node, "ApiId must be !Ref to an AWS::Serverless::HttpApi of this template");
        }
        let auth = properties.members("Auth").map(|auth| auth.check(&AUTH));
        Self {
            method: properties.read("Method", method).unwrap_or_else(|| "ANY".to_owned()),
            path: properties.read("Path", path::read).unwrap_or_else(|| "$default".to_owned()),
            authorizer: auth
                .and_then(|auth| auth.read("Authorizer", authorizer))
                .unwrap_or(RouteAuthorizer::Default),
            timeout: properties.read("TimeoutInMillis", timeout).unwrap_or(LONGEST_TIMEOUT),
            throttle: Throttle::read(properties.members("RouteSettings")),
            at: properties.node.at,
        }
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
    pub(crate) fn read(settings: Option<Members<'_>>) -> Self {
        let Some(settings) = settings.map(|settings| settings.check(&SETTINGS)) else {
            return Self::default();
        };
        let rate = settings.read("ThrottlingRateLimit", |node| {
            let rate: f64 = node.number()?;
            let message = "ThrottlingRateLimit must be requests per second, 0 or more";
            if rate.is_finite() && rate >= 0.0 { Ok(rate) } else { Err(node.error(message)) }
        });
        Self { rate, burst: settings.number("ThrottlingBurstLimit") }
    }

    /// These limits; those that are not set are taken from `inherited`.
    #[must_use]
    pub fn or(self, inherited: Self) -> Self {
        Self { rate: self.rate.or(inherited.rate), burst: self.burst.or(inherited.burst) }
    }
}

fn method(node: &Node) -> Result<String, Invalid> {
    let method = match node.text()? {
        "*" => "ANY".to_owned(),
        name => name.to_ascii_uppercase(),
    };
    if METHODS.contains(&method.as_str()) {
        return Ok(method);
    }
    Err(node.error(format!("{method} is not a method of routes: {} are", METHODS.join(", "))))
}

fn authorizer(node: &Node) -> Result<RouteAuthorizer, Invalid> {
    Ok(match node.text()? {
        "NONE" => RouteAuthorizer::None { at: node.at },
        _ => RouteAuthorizer::Named(node.located()?),
    })
}

/// HTTP APIs: 50 milliseconds to 30 seconds, and 30 seconds by default. The often quoted 29 seconds are those of REST
/// and WebSocket APIs.
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html>
fn timeout(node: &Node) -> Result<Duration, Invalid> {
    let timeout = Duration::from_millis(node.number()?);
    if (SHORTEST_TIMEOUT..=LONGEST_TIMEOUT).contains(&timeout) {
        Ok(timeout)
    } else {
        Err(node.error("TimeoutInMillis must be 50 to 30000"))
    }
}
