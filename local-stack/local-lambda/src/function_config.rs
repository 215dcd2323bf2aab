//! What the execution environments of a function are started with.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use sam_template::Function;

use crate::{build::Binaries, error::Error, metering::Metering, resource_ids::ResourceIds};

/// The configuration of a function.
#[derive(Clone, Debug)]
pub struct FunctionConfig {
    /// The function's local name.
    pub function: Arc<str>,
    /// Its ARN.
    pub function_arn: String,
    /// The binary.
    pub binary: PathBuf,
    /// The environment variables of every process, except those that differ from one environment to the next.
    pub variables: BTreeMap<String, String>,
    /// The names of the variables that hold the URL of a web service's proxy. The proxy tells callers apart by the path,
    /// so each environment adds its access key id to these URLs.
    pub web_service_variables: Vec<String>,
    /// How long an invocation may take.
    pub timeout: Duration,
    /// `MemorySize`
    pub memory_mb: u32,
}

impl FunctionConfig {
    /// The configuration of a function, with the template's environment variables and Lambda's own, of which
    /// `AWS_EXECUTION_ENV` is not defined for OS-only runtimes.
    /// <https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html>
    ///
    /// # Errors
    /// When its binary has not been built, or a variable refers to something unknown.
    pub fn new(
        function: &Function,
        binaries: &Binaries,
        resource_ids: &ResourceIds,
        metering: &Metering,
    ) -> Result<Self, Error> {
        let binary = binaries.get(&function.logical_id).cloned();
        let binary = binary.ok_or_else(|| Error::Build(format!("{} has no binary", function.logical_id)))?;
        let task_root = binary.parent().unwrap_or(Path::new("/")).display().to_string();
        let log_group = format!("/aws/lambda/{}", function.name);
        let mut variables = resource_ids.environment(function)?;
        let mut web_service_variables = Vec::new();
        for (name, value) in &mut variables {
            if let Some(proxy) = metering.web_services.get(value) {
                value.clone_from(proxy);
                web_service_variables.push(name.clone());
            }
        }
        let region = &resource_ids.account.region;
        let own: [(&str, &str); 19] = [
            ("AWS_ACCESS_KEY_ID", "local"),
            ("AWS_SECRET_ACCESS_KEY", "local"),
            ("AWS_SESSION_TOKEN", "local"),
            ("AWS_REGION", region),
            ("AWS_DEFAULT_REGION", region),
            ("AWS_ENDPOINT_URL_DYNAMODB", &metering.dynamodb),
            ("AWS_ENDPOINT_URL_SQS", &metering.sqs),
            ("AWS_LAMBDA_FUNCTION_NAME", &function.name),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", &function.memory_mb.to_string()),
            ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
            ("AWS_LAMBDA_LOG_GROUP_NAME", &log_group),
            ("AWS_LAMBDA_LOG_STREAM_NAME", "local"),
            ("LAMBDA_RUNTIME_DIR", "/var/runtime"),
            ("LAMBDA_TASK_ROOT", &task_root),
            ("LANG", "en_US.UTF-8"),
            ("PATH", "/usr/local/bin:/usr/bin:/bin"),
            ("TZ", ":UTC"),
            ("_HANDLER", &function.handler),
        ];
        variables.extend(own.map(|(name, value)| (name.to_owned(), value.to_owned())));
        Ok(Self {
            function: function.name.as_str().into(),
            function_arn: resource_ids.function_arn(&function.name),
            binary,
            variables,
            web_service_variables,
            timeout: function.timeout,
            memory_mb: function.memory_mb,
        })
    }
}
