//! The functions and event source mappings as Lambda's API describes them: what the stack knows, and no more.
//!
//! <https://docs.aws.amazon.com/lambda/latest/api/API_FunctionConfiguration.html>,
//! <https://docs.aws.amazon.com/lambda/latest/api/API_EventSourceMappingConfiguration.html>

use std::{collections::BTreeMap, time::Duration};

use sam_template::{EventSource, StartingPosition};
use serde_json::{Value, json};
use uuid::Uuid;

use super::qualified_name::LATEST;
use crate::{hosted_function::HostedFunction, resource_ids::ResourceIds};

/// The configuration of a function, which is always ready: `aws lambda wait` looks at its states.
pub(super) fn configuration(function: &HostedFunction, arn: &str) -> Value {
    let declaration = &function.declaration;
    json!({
        "FunctionName": function.pool.name(),
        "FunctionArn": arn,
        "Runtime": "provided.al2023",
        "PackageType": "Zip",
        "Architectures": [declaration.architecture],
        "Timeout": declaration.timeout.as_secs(),
        "MemorySize": declaration.memory_mb,
        "Environment": {"Variables": function.pool.declared_variables(declaration)},
        "Version": LATEST,
        "State": "Active",
        "LastUpdateStatus": "Successful",
    })
}

/// The response of `GetFunction`.
pub(super) fn function(function: &HostedFunction, arn: &str) -> Value {
    let mut described = json!({"Configuration": configuration(function, arn)});
    if let Some(concurrency) = function.declaration.reserved_concurrency {
        described["Concurrency"] = json!({"ReservedConcurrentExecutions": concurrency});
    }
    described
}

/// The aliases of a function: the one that the template declares, if it does.
pub(super) fn aliases(function: &HostedFunction) -> Value {
    let alias = function.declaration.alias.iter().map(|name| {
        json!({"Name": name, "AliasArn": format!("{}:{name}", function.pool.arn()), "FunctionVersion": LATEST})
    });
    json!({"Aliases": alias.collect::<Vec<_>>()})
}

/// The event source mappings of `functions`, or those of one event source.
pub(super) fn event_source_mappings<'a>(
    functions: impl Iterator<Item = &'a HostedFunction>,
    ids: &ResourceIds,
    query: &BTreeMap<String, String>,
) -> Value {
    let mappings = functions.flat_map(|function| {
        let events = function.declaration.events.iter().enumerate();
        events.filter_map(|(index, event)| mapping(function, index, event, ids))
    });
    let source = query.get("EventSourceArn");
    let wanted = |mapping: &Value| source.is_none_or(|arn| mapping["EventSourceArn"] == **arn);
    json!({"EventSourceMappings": mappings.filter(wanted).collect::<Vec<_>>()})
}

fn mapping(function: &HostedFunction, index: usize, event: &EventSource, ids: &ResourceIds) -> Option<Value> {
    let (enabled, batch_size, window, reports_failures) = match event {
        EventSource::Sqs(source) => {
            (source.enabled, source.batch_size, source.window, source.report_batch_item_failures)
        }
        EventSource::Stream(source) => {
            (source.enabled, source.batch_size, source.window, source.report_batch_item_failures)
        }
        EventSource::HttpApi(_) | EventSource::Schedule(_) => return None,
    };
    let arn = function.pool.arn();
    let mut described = json!({
        // The same at every start.
        "UUID": Uuid::new_v5(&Uuid::NAMESPACE_URL, format!("{arn}/{index}").as_bytes()),
        "FunctionArn": arn,
        "State": if enabled { "Enabled" } else { "Disabled" },
        "BatchSize": batch_size,
        "MaximumBatchingWindowInSeconds": window.as_secs(),
        "FunctionResponseTypes": if reports_failures { vec!["ReportBatchItemFailures"] } else { vec![] },
    });
    match event {
        EventSource::Sqs(source) => {
            described["EventSourceArn"] = json!(ids.queue_arn(&source.queue)?);
            if let Some(most) = source.maximum_concurrency {
                described["ScalingConfig"] = json!({"MaximumConcurrency": most});
            }
        }
        EventSource::Stream(source) => {
            described["EventSourceArn"] = json!(ids.streams.get(&source.table)?);
            described["StartingPosition"] = json!(match source.starting_position {
                StartingPosition::TrimHorizon => "TRIM_HORIZON",
                StartingPosition::Latest => "LATEST",
            });
            // -1 is Lambda's word for no limit.
            described["MaximumRetryAttempts"] =
                source.maximum_retries.map_or(json!(-1), |retries| json!(retries));
            let age = source.maximum_age.as_ref().map(Duration::as_secs);
            described["MaximumRecordAgeInSeconds"] = age.map_or(json!(-1), |age| json!(age));
            described["BisectBatchOnFunctionError"] = json!(source.bisect_on_error);
            described["ParallelizationFactor"] = json!(source.parallelization_factor);
        }
        EventSource::HttpApi(_) | EventSource::Schedule(_) => {}
    }
    Some(described)
}
