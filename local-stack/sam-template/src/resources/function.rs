//! `AWS::Serverless::Function`

use std::{collections::BTreeMap, time::Duration};

use super::{event::EventSource, event_invoke::EventInvokeConfig, select};
use crate::{error::LineError, evaluate::Scope, node::Node, text::Text};

/// A function, with the template's `Globals` merged in.
#[derive(Clone, Debug, PartialEq)]
pub struct Function {
    /// Its name in the template.
    pub logical_id: String,
    /// `FunctionName`, or else the name of the binary.
    pub name: String,
    /// The binary that cargo builds for it.
    pub binary: String,
    /// The folder of its code, relative to the template.
    pub code_uri: String,
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
    /// The configuration of its asynchronous invocations.
    pub event_invoke: EventInvokeConfig,
}

const KEYS: [&str; 11] = [
    "FunctionName",
    "CodeUri",
    "Runtime",
    "Timeout",
    "MemorySize",
    "Architectures",
    "ReservedConcurrentExecutions",
    "Environment",
    "Events",
    "EventInvokeConfig",
    "DeadLetterQueue",
];

impl Function {
    pub(crate) fn read(
        scope: &Scope,
        id: &str,
        line: usize,
        resource: &Node,
        globals: Option<&Node>,
    ) -> Result<Self, LineError> {
        let own = select(scope, resource.get("Properties"), &KEYS, line)?;
        let globals = select(scope, globals, &KEYS, line)?;
        let property = |key: &str| own.get(key).or_else(|| globals.get(key));
        if let Some(runtime) = property("Runtime")
            && !runtime.text()?.starts_with("provided")
        {
            return Err(runtime.error("only functions on the runtime provided.al2023 (Rust) are supported"));
        }
        let binary = resource.at(&["Metadata", "BuildProperties", "Binary"]).ok_or_else(|| {
            let rule = "needs Metadata: {BuildMethod: rust-cargolambda, BuildProperties: {Binary: NAME}}";
            LineError::new(line, format!("{id} {rule}: it names the binary to run"))
        })?;
        let binary = binary.text()?.to_owned();
        let name = own.get("FunctionName").map(Node::text).transpose()?;
        let timeout = property("Timeout").map_or(Ok(3), Node::number)?;
        let architectures = Node::texts(property("Architectures"))?;
        let mut environment = BTreeMap::new();
        for properties in [&globals, &own] {
            for entry in Node::entries(properties.at(&["Environment", "Variables"]))? {
                environment.insert(entry.key.clone(), scope.resolvable_text(&entry.node)?);
            }
        }
        let mut events = Vec::new();
        for entry in Node::entries(own.get("Events"))? {
            events.push(EventSource::read(&entry.key, &entry.node)?);
        }
        Ok(Self {
            logical_id: id.to_owned(),
            name: name.unwrap_or(&binary).to_owned(),
            binary,
            code_uri: property("CodeUri").map_or(Ok("."), Node::text)?.to_owned(),
            timeout: Duration::from_secs(timeout),
            memory_mb: property("MemorySize").map_or(Ok(128), Node::number)?,
            architecture: architectures.into_iter().next().unwrap_or_else(|| "x86_64".to_owned()),
            reserved_concurrency: own.get("ReservedConcurrentExecutions").map(Node::number).transpose()?,
            environment,
            events,
            event_invoke: EventInvokeConfig::read(&own, &globals)?,
        })
    }
}
