//! `Auth.Authorizers` of an HTTP API.
//!
//! <https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-property-httpapi-lambdaauthorizer.html>

use std::time::Duration;

use crate::{
    error::{Invalid, Position},
    members::{Known, Members},
    node::{Entry, Node},
};

/// A Lambda authorizer, payload format 2.0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authorizer {
    /// Its name in `Auth.Authorizers`.
    pub name: String,
    /// The place that declares it.
    pub at: Position,
    /// Logical id of the authorizer function.
    pub function: String,
    /// The format of the function's response.
    pub response_format: ResponseFormat,
    /// The identity sources, in the order in which the function receives them.
    pub identity: Vec<IdentitySource>,
    /// How long a response is cached for requests with the same identity; zero for no caching.
    pub ttl: Duration,
}

/// The format of an authorizer's response: `EnableSimpleResponses`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseFormat {
    /// `{"isAuthorized": true}`
    Simple,
    /// `{"policyDocument": {...}}`
    Policy,
}

/// An identity source: the part of a request that authorization depends on.
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html>
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IdentitySource {
    /// A header, whatever its case.
    Header(String),
    /// A query string parameter.
    QueryString(String),
    /// A stage variable.
    StageVariable(String),
    /// A `$context` variable, such as `routeKey`.
    Context(String),
}

/// SAM's default, in seconds.
const DEFAULT_TTL: u64 = 300;
/// The longest, in seconds.
const LONGEST_TTL: u64 = 3_600;

const KNOWN: Known = Known {
    of: "an authorizer",
    supported: &["AuthorizerPayloadFormatVersion", "EnableSimpleResponses", "FunctionArn", "Identity"],
    ignored: &["EnableFunctionDefaultPermissions", "FunctionInvokeRole"],
    hints: &[],
};

const IDENTITY: Known = Known {
    of: "Identity",
    supported: &["Context", "Headers", "QueryStrings", "ReauthorizeEvery", "StageVariables"],
    ignored: &[],
    hints: &[],
};

impl Authorizer {
    pub(crate) fn read_all(auth: Option<Members<'_>>) -> Vec<Self> {
        let Some(auth) = auth else { return Vec::new() };
        auth.entries("Authorizers").iter().filter_map(|entry| Self::read(entry, auth)).collect()
    }

    fn read(Entry { key, at, node }: &Entry, auth: Members<'_>) -> Option<Self> {
        let authorizer = Members { node, ..auth };
        if let Some(jwt) = authorizer.get("JwtConfiguration") {
            let message = format!(
                "the authorizer {key} is a JWT authorizer, which is not supported: use a Lambda authorizer"
            );
            authorizer.problem(jwt, message);
            return None;
        }
        let authorizer = authorizer.check(&KNOWN);
        let function = authorizer.referenced("FunctionArn");
        if let Some(version) = authorizer.require("AuthorizerPayloadFormatVersion")
            && version.text().is_ok_and(|version| version != "2.0")
        {
            authorizer
                .problem(version, "only authorizers with AuthorizerPayloadFormatVersion 2.0 are supported");
        }
        let response_format = match authorizer.boolean("EnableSimpleResponses").unwrap_or(false) {
            true => ResponseFormat::Simple,
            false => ResponseFormat::Policy,
        };
        let sources = authorizer.members("Identity").map(|identity| identity.check(&IDENTITY));
        let identity = sources.map(identity).unwrap_or_default();
        let ttl = sources.and_then(|sources| sources.read("ReauthorizeEvery", |node| ttl(node, &identity)));
        // "To enable caching, your authorizer must have at least one identity source."
        let ttl = if identity.is_empty() { 0 } else { ttl.unwrap_or(DEFAULT_TTL) };
        Some(Self {
            name: key.clone(),
            at: *at,
            function: function?.text,
            response_format,
            identity,
            ttl: Duration::from_secs(ttl),
        })
    }
}

fn ttl(node: &Node, identity: &[IdentitySource]) -> Result<u64, Invalid> {
    let ttl = node.number()?;
    if ttl > LONGEST_TTL {
        return Err(node.error(format!("ReauthorizeEvery must be 0 to {LONGEST_TTL} seconds")));
    }
    if ttl > 0 && identity.is_empty() {
        let rule = "an authorizer without identity sources cannot be cached: name Headers, QueryStrings, StageVariables \
                    or Context, or set ReauthorizeEvery to 0";
        return Err(node.error(rule));
    }
    Ok(ttl)
}

/// In SAM's order.
fn identity(sources: Members<'_>) -> Vec<IdentitySource> {
    let mut identity = Vec::new();
    identity.extend(sources.texts("Headers").into_iter().map(IdentitySource::Header));
    identity.extend(sources.texts("QueryStrings").into_iter().map(IdentitySource::QueryString));
    identity.extend(sources.texts("StageVariables").into_iter().map(IdentitySource::StageVariable));
    identity.extend(sources.texts("Context").into_iter().map(IdentitySource::Context));
    identity
}
