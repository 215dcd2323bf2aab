//! `AWS::Serverless::HttpApi`

use std::time::Duration;

use super::properties;
use crate::{error::Fault, evaluate::Scope, node::Node};

/// An API Gateway HTTP API.
#[derive(Clone, Debug, PartialEq)]
pub struct HttpApi {
    /// Its name in the template.
    pub logical_id: String,
    /// Cross-origin rules, if any.
    pub cors: Option<Cors>,
    /// The default throttle of every route, if any.
    pub throttle: Option<Throttle>,
}

/// `CorsConfiguration`: an empty list allows nothing, `*` everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cors {
    /// Origins that may call.
    pub allow_origins: Vec<String>,
    /// Methods that they may use.
    pub allow_methods: Vec<String>,
    /// Request headers that they may send.
    pub allow_headers: Vec<String>,
    /// Response headers that they may read.
    pub expose_headers: Vec<String>,
    /// Whether they may send credentials.
    pub allow_credentials: bool,
    /// How long a browser may remember the answer to a preflight.
    pub max_age: Option<Duration>,
}

/// `DefaultRouteSettings`
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Throttle {
    /// Requests per second, steadily.
    pub rate: f64,
    /// Requests at once.
    pub burst: u32,
}

impl HttpApi {
    pub(crate) fn read(scope: &Scope, id: &str, resource: &Node) -> Result<Self, Fault> {
        let api = properties(scope, resource, &["CorsConfiguration", "DefaultRouteSettings"])?;
        Ok(Self {
            logical_id: id.to_owned(),
            cors: api.get("CorsConfiguration").map(cors).transpose()?,
            throttle: api.get("DefaultRouteSettings").map(throttle).transpose()?.flatten(),
        })
    }
}

fn cors(node: &Node) -> Result<Cors, Fault> {
    let max_age = node.get("MaxAge").map(Node::number).transpose()?;
    Ok(Cors {
        allow_origins: Node::texts(node.get("AllowOrigins"))?,
        allow_methods: Node::texts(node.get("AllowMethods"))?,
        allow_headers: Node::texts(node.get("AllowHeaders"))?,
        expose_headers: Node::texts(node.get("ExposeHeaders"))?,
        allow_credentials: node.get("AllowCredentials").map_or(Ok(false), Node::boolean)?,
        max_age: max_age.map(Duration::from_secs),
    })
}

fn throttle(node: &Node) -> Result<Option<Throttle>, Fault> {
    let rate = node.get("ThrottlingRateLimit").map(Node::number).transpose()?;
    let burst = node.get("ThrottlingBurstLimit").map(Node::number).transpose()?;
    Ok(rate.zip(burst).map(|(rate, burst)| Throttle { rate, burst }))
}
