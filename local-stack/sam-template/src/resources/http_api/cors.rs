//! `CorsConfiguration`, and the values that AWS rejects in it.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-cors.html>

use crate::{
    error::Invalid,
    members::{Known, Members},
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

const KNOWN: Known = Known {
    of: "CorsConfiguration",
    supported: &[
        "AllowCredentials",
        "AllowHeaders",
        "AllowMethods",
        "AllowOrigins",
        "ExposeHeaders",
        "MaxAge",
    ],
    ignored: &[],
    hints: &[],
};

impl Cors {
    pub(crate) fn read(cors: Members<'_>) -> Option<Self> {
        if matches!(cors.node.value, Value::Scalar(_)) {
            // SAM's short form.
            let all = Self { allow_origins: vec!["*".to_owned()], ..Self::default() };
            return cors
                .valid(cors.node.boolean())
                .map(|allowed| if allowed { all } else { Self::default() });
        }
        let cors = cors.check(&KNOWN);
        for origin in cors.elements("AllowOrigins") {
            cors.valid(check_origin(origin));
        }
        let read = Self {
            allow_origins: cors.texts("AllowOrigins"),
            allow_methods: cors.texts("AllowMethods"),
            allow_headers: cors.texts("AllowHeaders"),
            expose_headers: cors.texts("ExposeHeaders"),
            allow_credentials: cors.boolean("AllowCredentials").unwrap_or(false),
            max_age: cors.read("MaxAge", max_age),
        };
        if let Some(credentials) = cors.get("AllowCredentials").filter(|_| read.allow_credentials)
            && read.allow_origins.iter().any(|origin| origin == "*")
        {
            cors.problem(
                credentials,
                "API Gateway does not support AllowCredentials if AllowOrigins holds *: name the origins, or use https://*",
            );
        }
        Some(read)
    }
}

/// The page's table: `*`, `https://*`, `http://*`, or an origin.
fn check_origin(node: &Node) -> Result<(), Invalid> {
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

fn max_age(node: &Node) -> Result<i32, Invalid> {
    let seconds = node.number()?;
    if (-1..=86_400).contains(&seconds) {
        Ok(seconds)
    } else {
        Err(node.error("MaxAge must be -1 to 86400 seconds"))
    }
}
