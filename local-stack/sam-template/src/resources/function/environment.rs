//! Environment variables.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html>

use std::collections::BTreeMap;

use crate::{
    error::Invalid,
    evaluate::resolvable_text,
    members::{Known, Members},
    node::Entry,
    text::Text,
};

const ENVIRONMENT: Known = Known { of: "Environment", supported: &["Variables"], ignored: &[], hints: &[] };

/// The names that Lambda sets itself: "Reserved environment variables".
/// <https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime>
const RESERVED: [&str; 18] = [
    "_HANDLER",
    "_X_AMZN_TRACE_ID",
    "AWS_ACCESS_KEY",
    "AWS_ACCESS_KEY_ID",
    "AWS_DEFAULT_REGION",
    "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_INITIALIZATION_TYPE",
    "AWS_LAMBDA_LOG_GROUP_NAME",
    "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_LAMBDA_RUNTIME_API",
    "AWS_REGION",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "LAMBDA_RUNTIME_DIR",
    "LAMBDA_TASK_ROOT",
];

/// "The total size of all environment variables doesn't exceed 4 KB", in bytes.
const LARGEST: usize = 4 * 1024;

/// The function's variables. The values that only a deployment knows do not count towards the limit of their size.
pub(super) fn read(function: Members<'_>) -> BTreeMap<String, Text> {
    let Some(environment) = function.members("Environment") else { return BTreeMap::new() };
    let mut variables = BTreeMap::new();
    for entry in environment.check(&ENVIRONMENT).entries("Variables") {
        let value = check_name(entry).and_then(|()| resolvable_text(&entry.node));
        variables.extend(function.valid(value).map(|value| (entry.key.clone(), value)));
    }
    let size: usize = variables.iter().map(|(name, value)| name.len() + value.literals().len()).sum();
    if let Some(node) = environment.get("Variables")
        && size > LARGEST
    {
        function.problem(node, format!("the variables have {size} bytes; Lambda takes {LARGEST}"));
    }
    variables
}

/// "Keys start with a letter and are at least two characters", "keys only contain letters, numbers, and the underscore".
fn check_name(Entry { key, at, .. }: &Entry) -> Result<(), Invalid> {
    let wrong = |message: String| Err(Invalid::Because(crate::Problem::new(*at, message)));
    if RESERVED.contains(&key.as_str()) {
        return wrong(format!("{key} is reserved: Lambda sets it, and takes no value for it"));
    }
    let letters = key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if key.len() >= 2 && letters && key.starts_with(|first: char| first.is_ascii_alphabetic()) {
        return Ok(());
    }
    wrong(format!(
        "{key} is not a name of a variable: two or more letters, digits and underscores, a letter first"
    ))
}
