//! The command line.

use std::path::PathBuf;

use clap::Parser;

use crate::{metering::UnitOfWork, report::Format};

/// Runs the functions of a SAM template on this machine: HTTP API, queue, stream and schedule triggers, DynamoDB and
/// SQS. Everything listens on 127.0.0.1 only. Ctrl-C stops it.
#[derive(Clone, Debug, Parser)]
#[command(version)]
#[allow(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub struct Options {
    /// The SAM template.
    #[arg(long, value_name = "FILE", default_value = "template.yaml")]
    pub template: PathBuf,
    /// A value for a parameter of the template. Can be repeated.
    #[arg(long = "parameter", value_name = "NAME=VALUE", value_parser = parameter)]
    pub parameters: Vec<(String, String)>,
    /// The region that functions see.
    #[arg(long, default_value = "us-east-1")]
    pub region: String,
    /// The port of the HTTP API; 0 takes any free one.
    #[arg(long, default_value_t = 3000)]
    pub port: u16,
    /// The port of Lambda's Invoke API, for `cargo lambda invoke` and the AWS SDKs.
    #[arg(long, default_value_t = 9000)]
    pub invoke_port: u16,
    /// The port of the control API: `/_local/functions`, `/_local/bill`, `/_local/calls`, `/_local/faults`.
    #[arg(long, default_value_t = 9100)]
    pub control_port: u16,
    /// The port of the embedded DynamoDB.
    #[arg(long, default_value_t = 8000)]
    pub dynamodb_port: u16,
    /// The port of the embedded SQS.
    #[arg(long, default_value_t = 9324)]
    pub sqs_port: u16,
    /// Uses this DynamoDB (DynamoDB Local, an emulator) instead of the embedded one.
    #[arg(long, value_name = "URL")]
    pub dynamodb_endpoint: Option<String>,
    /// Uses this SQS (ElasticMQ, an emulator) instead of the embedded one.
    #[arg(long, value_name = "URL")]
    pub sqs_endpoint: Option<String>,
    /// The URL of a web service that functions call, as it is in their variables. Calls to it are recorded, and faults can
    /// be injected. HTTP only. Can be repeated.
    #[arg(long = "web-service", value_name = "URL")]
    pub web_services: Vec<String>,
    /// Keeps the embedded DynamoDB's data in this folder. Without it, the data is deleted when the stack stops.
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Leaves the tables empty.
    #[arg(long)]
    pub no_seed: bool,
    /// Builds and runs the functions as they are deployed: slower to build, faster to run.
    #[arg(long)]
    pub release: bool,
    /// Takes the functions' binaries from this folder instead of building them.
    #[arg(long, value_name = "DIR", conflicts_with = "release")]
    pub bin_dir: Option<PathBuf>,
    /// Builds again when a source file is saved, and replaces the environments of functions that have changed.
    #[arg(long, conflicts_with = "bin_dir")]
    pub watch: bool,
    /// The account's concurrency. Further invocations are throttled.
    #[arg(long, value_name = "N", default_value_t = 1000)]
    pub account_concurrency: u32,
    /// Retires environments that have been idle for this long.
    #[arg(long, value_name = "SECONDS", default_value_t = 300, value_parser = clap::value_parser!(u32).range(1..))]
    pub retire_after: u32,
    /// The most environments of one function at once, which protects this machine; Lambda has no such limit. Further
    /// invocations wait.
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub max_environments: u32,
    /// Fault rules from the start on, as JSON: see docs/faults.md.
    #[arg(long, value_name = "FILE")]
    pub faults: Option<PathBuf>,
    /// The unit of work that the bill is divided by: the responses of a route with a status, or with any status of
    /// success.
    #[arg(long, value_name = "NAME=ROUTE[ STATUS]")]
    pub bill_per: Option<UnitOfWork>,
    /// Writes no lines for invocations.
    #[arg(long)]
    pub quiet: bool,
    /// The format of lines.
    #[arg(long, value_enum, default_value_t)]
    pub log_format: Format,
    /// Writes everything that functions log, not only warnings and errors.
    #[arg(long)]
    pub verbose: bool,
    /// Writes the addresses of the running stack to this file as JSON when it is ready.
    #[arg(long, value_name = "FILE")]
    pub ready_file: Option<PathBuf>,
    /// Stops when standard input ends, for programs that start the stack and may crash.
    #[arg(long)]
    pub exit_with_stdin: bool,
}

fn parameter(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("expected NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Options::command().debug_assert();
    }

    #[test]
    fn parameters_are_pairs() {
        assert_eq!(parameter("A=b=c"), Ok(("A".to_owned(), "b=c".to_owned())));
        assert!(parameter("A").is_err());
    }
}
