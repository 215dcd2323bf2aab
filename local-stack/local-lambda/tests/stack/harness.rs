//! A stack in this process, for one test.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use bytes::Bytes;
use clap::Parser;
use http_body_util::{BodyExt, Full};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use local_lambda::{
    Error, Stack,
    cli::Options,
    report::{Format, Lines, Report},
    sqs_server,
};
use sam_template::{Problem, TemplateError};
use serde_json::Value;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

/// How long a test waits for what must happen.
const WITHIN: Duration = Duration::from_secs(20);

/// A running stack and its output. Call [`Running::stop`] at the end.
pub(crate) struct Running {
    pub(crate) stack: Stack,
    pub(crate) dynamodb: aws_sdk_dynamodb::Client,
    pub(crate) sqs: aws_sdk_sqs::Client,
    folder: TempDir,
    lines: Written,
    http: Client<HttpConnector, Full<Bytes>>,
}

/// A response with its whole body.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: http::HeaderMap,
    pub(crate) body: Bytes,
}

impl Response {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {:?}", self.body))
    }

    /// A header, empty when it is missing.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

/// The `Resources` of a template around one puppet, with more `properties` and `resources` of a test.
/// Both are YAML, indented as they stand in a template.
pub(crate) fn puppet(properties: &str, resources: &str) -> String {
    format!(
        "Transform: AWS::Serverless-2016-10-31\nResources:\n  Puppet:\n    Type: AWS::Serverless::Function\n    \
         Metadata: {{BuildMethod: rust-cargolambda, BuildProperties: {{Binary: puppet}}}}\n    Properties:\n      \
         Runtime: provided.al2023\n{properties}\n{resources}\n"
    )
}

impl Running {
    /// Starts a stack on free ports with this template and these flags.
    pub(crate) async fn start(template: &str, flags: &[&str]) -> Self {
        Self::try_start(template, flags).await.unwrap()
    }

    /// The same for templates and flags that may be rejected. `$RECORD` in the template is replaced by a folder of this test.
    pub(crate) async fn try_start(template: &str, flags: &[&str]) -> Result<Self, Error> {
        let folder = tempfile::tempdir().unwrap();
        let record = folder.path().join("record");
        fs::create_dir(&record).unwrap();
        let file = folder.path().join("template.yaml");
        fs::write(&file, template.replace("$RECORD", record.to_str().unwrap())).unwrap();
        let lines = Written::default();
        let report = Report::to(Box::new(lines.clone()), Lines::All, Format::Json, false);
        let binaries = examples();
        let mut arguments = vec!["local-lambda", "--template", file.to_str().unwrap()];
        if !flags.contains(&"--watch") && !flags.contains(&"--bin-dir") {
            arguments.extend(["--bin-dir", binaries.to_str().unwrap()]);
        }
        for port in ["--port", "--invoke-port", "--control-port", "--dynamodb-port", "--sqs-port"] {
            if !flags.contains(&port) {
                arguments.extend([port, "0"]);
            }
        }
        arguments.extend(flags);
        let options = Options::try_parse_from(arguments).unwrap();
        let stack = Stack::start(&options, report, |_, _| async { Ok(()) }).await?;
        let dynamodb = embedded_dynamodb::client(&stack.addresses.dynamodb, &options.region, "local");
        let sqs = sqs_server::client(&stack.addresses.sqs, &options.region, "local");
        let http = Client::builder(TokioExecutor::new()).build_http();
        Ok(Self { stack, dynamodb, sqs, folder, lines, http })
    }

    /// What is wrong with a template that cannot be hosted: a line for each problem, `LINE: MESSAGE`.
    pub(crate) async fn refused(template: &str) -> String {
        match Self::try_start(template, &[]).await.err() {
            Some(Error::Template(TemplateError::Problems { problems, .. })) => {
                let line = |problem: &Problem| format!("{}: {}", problem.at.line, problem.message);
                problems.iter().map(line).collect::<Vec<_>>().join("\n")
            }
            other => panic!("{other:?}"),
        }
    }

    /// Stops the stack as Ctrl-C does.
    pub(crate) async fn stop(self) {
        self.stack.stop(&CancellationToken::new()).await;
    }

    /// Sends a request to the HTTP API.
    pub(crate) async fn http(&self, request: http::request::Builder, path: &str, body: &str) -> Response {
        self.send(request.uri(format!("{}{path}", self.stack.addresses.http)), body).await
    }

    /// The same with a body that need not be text.
    pub(crate) async fn http_bytes(
        &self,
        request: http::request::Builder,
        path: &str,
        body: Bytes,
    ) -> Response {
        self.send_bytes(request.uri(format!("{}{path}", self.stack.addresses.http)), body).await
    }

    /// Sends a GET request to the control API.
    pub(crate) async fn control(&self, path: &str) -> Response {
        self.send(http::Request::get(format!("{}{path}", self.stack.addresses.control)), "").await
    }

    /// Sends a GET request to Lambda's API.
    pub(crate) async fn lambda(&self, path: &str) -> Response {
        self.send(http::Request::get(format!("{}{path}", self.stack.addresses.invoke)), "").await
    }

    /// Invokes the puppet through the Invoke API.
    pub(crate) async fn invoke(&self, event: &Value) -> Response {
        self.invoke_function("puppet", event).await
    }

    /// Invokes a function through the Invoke API.
    pub(crate) async fn invoke_function(&self, name: &str, event: &Value) -> Response {
        self.invoke_with(&[], name, &event.to_string()).await
    }

    /// The same with headers and any payload.
    pub(crate) async fn invoke_with(&self, headers: &[(&str, &str)], name: &str, payload: &str) -> Response {
        let uri = format!("{}/2015-03-31/functions/{name}/invocations", self.stack.addresses.invoke);
        let request = headers
            .iter()
            .fold(http::Request::post(uri), |request, (name, value)| request.header(*name, *value));
        self.send(request, payload).await
    }

    /// Sets the fault rules.
    pub(crate) async fn set_faults(&self, plan: &Value) -> Response {
        let uri = format!("{}/_local/faults", self.stack.addresses.control);
        self.send(http::Request::put(uri), &plan.to_string()).await
    }

    /// Invokes the puppet through the Invoke API, asynchronously.
    pub(crate) async fn invoke_event(&self, event: &Value) -> Response {
        let uri = format!("{}/2015-03-31/functions/puppet/invocations", self.stack.addresses.invoke);
        let request = http::Request::post(uri).header("x-amz-invocation-type", "Event");
        self.send(request, &event.to_string()).await
    }

    async fn send(&self, request: http::request::Builder, body: &str) -> Response {
        self.send_bytes(request, Bytes::copy_from_slice(body.as_bytes())).await
    }

    async fn send_bytes(&self, request: http::request::Builder, body: Bytes) -> Response {
        self.try_send(request, body).await.unwrap()
    }

    /// Sends a request to any URL; an error if the connection breaks.
    pub(crate) async fn try_send(
        &self,
        request: http::request::Builder,
        body: impl Into<Bytes>,
    ) -> Result<Response, Box<dyn std::error::Error>> {
        let request = request.body(Full::new(body.into())).unwrap();
        let (parts, body) = self.http.request(request).await?.into_parts();
        let body = body.collect().await?.to_bytes();
        Ok(Response { status: parts.status.as_u16(), headers: parts.headers, body })
    }

    /// The invocations that puppets have recorded so far, oldest first: `{"event", "request_id", "environment", "process_id", ...}`.
    pub(crate) fn recorded(&self) -> Vec<Value> {
        let files = fs::read_dir(self.folder.path().join("record")).unwrap().map(|entry| entry.unwrap());
        let mut files: Vec<_> = files
            .filter(|entry| entry.path().extension().is_some_and(|extension| extension == "json"))
            .map(|entry| (entry.metadata().unwrap().modified().unwrap(), entry.path()))
            .collect();
        files.sort();
        files.iter().map(|(_, path)| serde_json::from_slice(&fs::read(path).unwrap()).unwrap()).collect()
    }

    /// The lines that the stack has written so far.
    pub(crate) fn lines(&self) -> Vec<Value> {
        self.lines.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The lines of one kind: `invocation`, `access`, `log`, `stack`.
    pub(crate) fn lines_of(&self, kind: &str) -> Vec<Value> {
        self.lines().into_iter().filter(|line| line["kind"] == kind).collect()
    }

    /// Polls until `check` finds something.
    pub(crate) async fn eventually<T>(&self, what: &str, mut check: impl FnMut(&Self) -> Option<T>) -> T {
        self.eventually_async(what, async || check(self)).await
    }

    /// The same for asynchronous checks.
    pub(crate) async fn eventually_async<T>(
        &self,
        what: &str,
        mut check: impl AsyncFnMut() -> Option<T>,
    ) -> T {
        let deadline = Instant::now() + WITHIN;
        loop {
            if let Some(found) = check().await {
                return found;
            }
            assert!(Instant::now() < deadline, "{what}: not within {WITHIN:?}: {:#?}", self.lines());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

/// Where cargo puts this package's examples: beside the folder of this test.
pub(crate) fn examples() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    test.parent().and_then(Path::parent).unwrap().join("examples")
}

/// The output of a report.
#[derive(Clone, Default)]
pub(crate) struct Written(Arc<Mutex<Vec<u8>>>);

impl Written {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
