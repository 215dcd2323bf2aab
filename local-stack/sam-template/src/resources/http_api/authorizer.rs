//! `Auth.Authorizers` of an HTTP API.
//!
//! <https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-property-httpapi-lambdaauthorizer.html>

use std::time::Duration;

use crate::{
    error::LineError,
    node::{Entry, Node},
    resources::referenced,
};

/// A Lambda authorizer, payload format 2.0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authorizer {
    /// Its name in `Auth.Authorizers`.
    pub name: String,
    /// The line that declares it.
    pub line: usize,
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

impl Authorizer {
    pub(crate) fn read_all(authorizers: Option<&Node>) -> Result<Vec<Self>, LineError> {
        Node::entries(authorizers)?.iter().map(Self::read).collect()
    }

    fn read(Entry { key, line, node }: &Entry) -> Result<Self, LineError> {
        if let Some(jwt) = node.get("JwtConfiguration") {
            return Err(jwt.error(format!(
                "the authorizer {key} is a JWT authorizer, which is not supported: use a Lambda authorizer"
            )));
        }
        let function = referenced(node, "FunctionArn")?;
        let version = node.require("AuthorizerPayloadFormatVersion")?;
        if version.text()? != "2.0" {
            return Err(
                version.error("only authorizers with AuthorizerPayloadFormatVersion 2.0 are supported")
            );
        }
        let response_format = match node.get("EnableSimpleResponses").map_or(Ok(false), Node::boolean)? {
            true => ResponseFormat::Simple,
            false => ResponseFormat::Policy,
        };
        let identity = identity(node.get("Identity"))?;
        let given = node.at(&["Identity", "ReauthorizeEvery"]);
        let ttl = given.map_or(Ok(DEFAULT_TTL), Node::number)?;
        if let Some(given) = given {
            if ttl > LONGEST_TTL {
                return Err(given.error(format!("ReauthorizeEvery must be 0 to {LONGEST_TTL} seconds")));
            }
            if ttl > 0 && identity.is_empty() {
                let rule = "an authorizer without identity sources cannot be cached: name Headers, QueryStrings, \
                            StageVariables or Context, or set ReauthorizeEvery to 0";
                return Err(given.error(rule));
            }
        }
        // "To enable caching, your authorizer must have at least one identity source."
        let ttl = if identity.is_empty() { 0 } else { ttl };
        Ok(Self {
            name: key.clone(),
            line: *line,
            function,
            response_format,
            identity,
            ttl: Duration::from_secs(ttl),
        })
    }
}

/// In SAM's order.
fn identity(node: Option<&Node>) -> Result<Vec<IdentitySource>, LineError> {
    let names = |key: &str| Node::texts(node.and_then(|node| node.get(key)));
    let mut sources = Vec::new();
    sources.extend(names("Headers")?.into_iter().map(IdentitySource::Header));
    sources.extend(names("QueryStrings")?.into_iter().map(IdentitySource::QueryString));
    sources.extend(names("StageVariables")?.into_iter().map(IdentitySource::StageVariable));
    sources.extend(names("Context")?.into_iter().map(IdentitySource::Context));
    Ok(sources)
}
