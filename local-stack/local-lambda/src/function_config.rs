//! What the functions are started with.

use std::path::Path;

use sam_template::Function;

use crate::{
    build::Binaries, environment::FunctionConfig, error::Error, metering::Metering, resource_ids::ResourceIds,
};

/// What the environments of a function start with: the template's variables and Lambda's own.
/// <https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html>
pub(super) fn function_config(
    function: &Function,
    binaries: &Binaries,
    resource_ids: &ResourceIds,
    metering: &Metering,
) -> Result<FunctionConfig, Error> {
    let binary = binaries.get(&function.binary).cloned();
    let binary = binary.ok_or_else(|| Error::Build(format!("there is no binary {}", function.binary)))?;
    let task_root = binary.parent().unwrap_or(Path::new("/")).display().to_string();
    let log_group = format!("/aws/lambda/{}", function.name);
    let mut variables = resource_ids.environment(function)?;
    let mut web = Vec::new();
    for (name, value) in &mut variables {
        if let Some(proxy) = metering.web.get(value) {
            value.clone_from(proxy);
            web.push(name.clone());
        }
    }
    let own: [(&str, &str); 19] = [
        ("AWS_ACCESS_KEY_ID", "local"),
        ("AWS_SECRET_ACCESS_KEY", "local"),
        ("AWS_SESSION_TOKEN", "local"),
        ("AWS_REGION", &resource_ids.region),
        ("AWS_DEFAULT_REGION", &resource_ids.region),
        ("AWS_ENDPOINT_URL_DYNAMODB", &metering.dynamodb),
        ("AWS_ENDPOINT_URL_SQS", &metering.sqs),
        ("AWS_EXECUTION_ENV", "AWS_Lambda_provided.al2023"),
        ("AWS_LAMBDA_FUNCTION_NAME", &function.name),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", &function.memory_mb.to_string()),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
        ("AWS_LAMBDA_LOG_GROUP_NAME", &log_group),
        ("AWS_LAMBDA_LOG_STREAM_NAME", "local"),
        ("LAMBDA_TASK_ROOT", &task_root),
        ("LANG", "en_US.UTF-8"),
        ("PATH", "/usr/local/bin:/usr/bin:/bin"),
        ("TZ", ":UTC"),
        ("_HANDLER", "bootstrap"),
    ];
    variables.extend(own.map(|(name, value)| (name.to_owned(), value.to_owned())));
    Ok(FunctionConfig {
        function: function.name.as_str().into(),
        function_arn: resource_ids.function_arn(&function.name),
        binary,
        variables,
        web,
        timeout: function.timeout,
        memory_mb: function.memory_mb,
    })
}
