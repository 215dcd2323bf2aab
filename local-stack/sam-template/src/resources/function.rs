//! `AWS::Serverless::Function`
//!
//! <https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-resource-function.html>

mod code;
mod environment;
mod names;

use std::{collections::BTreeMap, time::Duration};

pub use self::code::{BuildMethod, Code};
pub(crate) use self::names::assign as assign_names;
use super::{event::EventSource, event_invoke::EventInvokeConfig, http_api::merge, properties};
use crate::{
    error::{Position, Problem},
    evaluate::Scope,
    members::{Known, Members},
    node::{Entry, Node},
    text::{Located, Text},
};

/// A function, with the template's `Globals` merged in.
#[derive(Clone, Debug, PartialEq)]
pub struct Function {
    /// Its name in the template.
    pub logical_id: String,
    /// `FunctionName`, or else the name of its binary, or else the logical id: of several functions with one binary.
    pub name: String,
    /// The place of its declaration.
    pub at: Position,
    /// Its code.
    pub code: Code,
    /// `Handler`: the value of `_HANDLER`.
    pub handler: String,
    /// The timeout of an invocation.
    pub timeout: Duration,
    /// Memory in MB.
    pub memory_mb: u32,
    /// `x86_64` or `arm64`.
    pub architecture: String,
    /// The reserved concurrency, if set.
    pub reserved_concurrency: Option<u32>,
    /// Environment variables.
    pub environment: BTreeMap<String, Text>,
    /// Its triggers, in the order of the template.
    pub events: Vec<EventSource>,
    /// `AutoPublishAlias`
    pub alias: Option<String>,
    /// The configuration of its asynchronous invocations.
    pub event_invoke: EventInvokeConfig,
    /// `FunctionName`
    pub(crate) function_name: Option<Located>,
}

/// Lambda has no file system, network or processor of its own here, and every version is the latest.
const KNOWN: Known = Known {
    of: "a function",
    supported: &[
        "Architectures",
        "AutoPublishAlias",
        "CodeUri",
        "DeadLetterQueue",
        "Environment",
        "EventInvokeConfig",
        "Events",
        "FunctionName",
        "Handler",
        "MemorySize",
        "PackageType",
        "ReservedConcurrentExecutions",
        "Runtime",
        "Timeout",
    ],
    ignored: &[
        "AssumeRolePolicyDocument",
        "AutoPublishAliasAllProperties",
        "AutoPublishCodeSha256",
        "CodeSigningConfigArn",
        "DeploymentPreference",
        "Description",
        "EphemeralStorage",
        "KmsKeyArn",
        "LoggingConfig",
        "PermissionsBoundary",
        "Policies",
        "PropagateTags",
        "ProvisionedConcurrencyConfig",
        "RecursiveLoop",
        "Role",
        "RolePath",
        "RuntimeManagementConfig",
        "SnapStart",
        "SourceKMSKeyArn",
        "Tags",
        "Tracing",
        "VersionDescription",
        "VpcConfig",
    ],
    hints: &[
        ("FileSystemConfigs", "there are no file systems of EFS here; leave it out"),
        ("FunctionUrlConfig", "function URLs are not imitated; use an HttpApi event"),
        ("ImageConfig", "containers are not run; use a binary and the runtime provided.al2023"),
        ("ImageUri", "containers are not run; use a binary and the runtime provided.al2023"),
        ("InlineCode", "only binaries are run; use CodeUri"),
        ("Layers", "layers are not fetched; put what the function needs into its binary, and leave them out"),
    ],
};

impl Function {
    pub(crate) fn read(
        scope: &Scope<'_>,
        Entry { key: id, at, node: resource }: &Entry,
        globals: Option<&Node>,
        warnings: &mut Vec<Problem>,
    ) -> Self {
        let own = properties(scope, resource.get("Properties"), *at, &KNOWN);
        let globals = properties(scope, globals, *at, &KNOWN);
        let node = merge(&globals, &own);
        let members = Members { node: &node, notes: &scope.notes };
        check_runtime(members);
        let code = Code::read(members, resource, *at, warnings);
        let function_name = members.located("FunctionName");
        if let Some(name) = &function_name {
            names::check(members, name);
        }
        let mut events = Vec::new();
        for Entry { key, node, .. } in members.entries("Events") {
            events.extend(EventSource::read(key, Members { node, notes: &scope.notes }));
        }
        Self {
            logical_id: id.clone(),
            name: id.clone(),
            at: *at,
            code,
            handler: members.text("Handler").unwrap_or("bootstrap").to_owned(),
            timeout: Duration::from_secs(members.within("Timeout", TIMEOUT).unwrap_or(3).into()),
            memory_mb: members.within("MemorySize", MEMORY_MB).unwrap_or(128),
            architecture: architecture(members),
            reserved_concurrency: members.number("ReservedConcurrentExecutions"),
            environment: environment::read(members),
            events,
            alias: members.text("AutoPublishAlias").map(str::to_owned),
            event_invoke: EventInvokeConfig::read(members),
            function_name,
        }
    }
}

/// Seconds: <https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html>
const TIMEOUT: std::ops::RangeInclusive<u32> = 1..=900;
/// <https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html>
const MEMORY_MB: std::ops::RangeInclusive<u32> = 128..=10_240;

fn check_runtime(members: Members<'_>) {
    if let (Some(node), Some(runtime)) = (members.get("Runtime"), members.text("Runtime"))
        && !runtime.starts_with("provided")
    {
        members.problem(
            node,
            format!("{runtime} is not supported: only functions on the runtime provided.al2023 (Rust) are"),
        );
    }
    if let (Some(node), Some(kind)) = (members.get("PackageType"), members.text("PackageType"))
        && kind != "Zip"
    {
        members.problem(node, format!("the package type {kind} is not supported: only Zip is"));
    }
}

/// "The default value is `x86_64`", and a function has one.
/// <https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html>
fn architecture(members: Members<'_>) -> String {
    let names = members.texts("Architectures");
    let known = matches!(names.as_slice(), [name] if ["x86_64", "arm64"].contains(&name.as_str()));
    if let Some(node) = members.get("Architectures")
        && !known
        && !names.is_empty()
    {
        members
            .problem(node, format!("Architectures must be [x86_64] or [arm64], not [{}]", names.join(", ")));
    }
    names.into_iter().next().unwrap_or_else(|| "x86_64".to_owned())
}
