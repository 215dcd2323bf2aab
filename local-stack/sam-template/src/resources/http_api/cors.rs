//! `CorsConfiguration`, and the values that AWS rejects in it.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-cors.html>

use crate::{
    error::LineError,
    node::{Node, Value},
};

/// `CorsConfiguration`: an empty list allows nothing, `*` everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cors {
    /// Allowed origins: `*`, `https://*`, `http://*` or whole origins.
    pub allow_origins: Vec<String>,
    /// Allowed methods.
    pub allow_methods: Vec<String>,
    /// Allowed request headers.
    pub allow_headers: Vec<String>,
    /// Response headers that scripts can read.
    pub expose_headers: Vec<String>,
    /// Whether requests may carry credentials.
    pub allow_credentials: bool,
    /// How many seconds a browser may cache the response to a preflight request; -1 for no caching.
    pub max_age: Option<i32>,
}

impl Cors {
    pub(crate) fn read(node: &Node) -> Result<Self, LineError> {
        if !matches!(node.value, Value::Mapping(_)) {
            // SAM's short form.
            return match node.boolean()? {
                true => Ok(Self { allow_origins: vec!["*".to_owned()], ..Self::default() }),
                false => Ok(Self::default()),
            };
        }
        for origin in Node::elements(node.get("AllowOrigins"))? {
            check_origin(origin)?;
        }
        let cors = Self {
            allow_origins: Node::texts(node.get("AllowOrigins"))?,
            allow_methods: Node::texts(node.get("AllowMethods"))?,
            allow_headers: Node::texts(node.get("AllowHeaders"))?,
            expose_headers: Node::texts(node.get("ExposeHeaders"))?,
            allow_credentials: node.get("AllowCredentials").map_or(Ok(false), Node::boolean)?,
            max_age: node.get("MaxAge").map(max_age).transpose()?,
        };
        if let Some(credentials) = node.get("AllowCredentials").filter(|_| cors.allow_credentials)
            && cors.allow_origins.iter().any(|origin| origin == "*")
        {
            return Err(credentials.error(
                "API Gateway does not support AllowCredentials if AllowOrigins holds *: name the origins, \
                 or use https://*",
            ));
        }
        Ok(cors)
    }
}

/// The page's table: `*`, `https://*`, `http://*`, or an origin.
fn check_origin(node: &Node) -> Result<(), LineError> {
    let origin = node.text()?;
    let host = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
    let allowed = match host {
        Some("*") => true,
        Some(host) => !host.is_empty() && !host.contains(['*', '/']),
        None => origin == "*",
    };
    if allowed {
        return Ok(());
    }
    Err(node.error(format!(
        "API Gateway does not take {origin} in AllowOrigins: use *, https://*, http://* or a whole origin such as \
         https://www.example.com"
    )))
}

fn max_age(node: &Node) -> Result<i32, LineError> {
    let seconds = node.number()?;
    if (-1..=86_400).contains(&seconds) {
        Ok(seconds)
    } else {
        Err(node.error("MaxAge must be -1 to 86400 seconds"))
    }
}
