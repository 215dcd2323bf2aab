//! A local stack that one test has to itself.

use std::{
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::{Duration, Instant},
};

use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;
use tokio::{
    process::{Child, Command},
    sync::OnceCell,
};

use crate::{Backend, Dynamodb, eventually, processes::kill_with, workspace};

/// How the stack of a test is started.
#[derive(Debug, Default)]
pub struct Options {
    /// Template parameters, beside those that make payments fast and admit rushes.
    pub parameters: Vec<(&'static str, String)>,
    /// More flags. Without `--dynamodb-endpoint`, the stack gets a DynamoDB as the backend has it.
    pub flags: Vec<String>,
    /// Whether the stack has cargo build the functions when it starts, as `cargo run` does. Otherwise it finds those that
    /// were built once for all tests.
    pub builds_functions: bool,
    /// The folder for temporary files, if not the system's.
    pub temporary: Option<PathBuf>,
}

impl Options {
    /// For tests that count, or hold a payment up: nothing is done twice because the machine is busy.
    #[must_use]
    pub fn unhurried() -> Self {
        let parameters = [("PaymentTimeoutMs", "5000"), ("PaymentVisibilitySeconds", "120")];
        let parameters = parameters.map(|(name, value)| (name, value.to_owned())).to_vec();
        Self { parameters, ..Self::default() }
    }
}

/// The running stack. Dropping it ends it.
#[derive(Debug)]
pub(crate) struct OwnStack {
    process: Child,
    folder: TempDir,
    /// Only held: it goes when the stack has ended.
    _dynamodb: Option<Dynamodb>,
}

const READY_WITHIN: Duration = Duration::from_secs(60);
/// Lines that are shown apart from the rest of a log.
const MOST_ERRORS: usize = 20;
const STOPPED_WITHIN: Duration = Duration::from_secs(30);

/// The binary of the local stack, in a folder with those of the functions. They are built once, optimized if this is.
///
/// # Panics
/// When cargo cannot build them.
pub async fn farthing() -> &'static Path {
    static BINARY: OnceCell<PathBuf> = OnceCell::const_new();
    BINARY
        .get_or_init(|| async {
            let functions = crate::functions();
            let names: Vec<_> = functions.iter().map(String::as_str).chain(["farthing"]).collect();
            let built = local_lambda::build::build(workspace(), &names, !cfg!(debug_assertions)).await;
            built.unwrap_or_else(|error| panic!("{error}")).remove("farthing").unwrap()
        })
        .await
}

impl OwnStack {
    /// Starts a stack on free ports, with fast payments, and returns what it wrote into its ready file.
    pub(crate) async fn start(mut options: Options) -> (Self, Value) {
        let folder = TempDir::new().unwrap();
        let ready_file = folder.path().join("ready.json");
        let mut dynamodb = None;
        if Backend::current() == Backend::DynamodbLocal
            && !options.flags.iter().any(|flag| flag == "--dynamodb-endpoint")
        {
            let server = Dynamodb::start().await;
            options.flags.extend(["--dynamodb-endpoint".to_owned(), server.endpoint()]);
            dynamodb = Some(server);
        }
        let farthing = farthing().await;
        let mut command = Command::new(farthing);
        if !options.builds_functions {
            command.arg("--bin-dir").arg(farthing.parent().unwrap());
        }
        command.current_dir(workspace());
        command.envs(options.temporary.map(|folder| ("TMPDIR", folder)));
        for port in
            ["--port", "--invoke-port", "--control-port", "--dynamodb-port", "--sqs-port", "--payment-port"]
        {
            command.args([port, "0"]);
        }
        command.arg("--exit-with-stdin").arg("--ready-file").arg(&ready_file);
        let fast = [
            ("PaymentLatencyMs", "0..20".to_owned()),
            // Two cores that also run fifty functions keep a provider waiting for longer than it thinks.
            ("PaymentTimeoutMs", "1000".to_owned()),
            ("PaymentVisibilitySeconds", "2".to_owned()),
            // Tests come in rushes.
            ("ThrottlingRateLimit", "1000".to_owned()),
            ("ThrottlingBurstLimit", "2000".to_owned()),
            ("OrderRateLimit", "1000".to_owned()),
            ("OrderBurstLimit", "2000".to_owned()),
        ];
        for (name, value) in fast.into_iter().chain(options.parameters) {
            command.arg("--parameter").arg(format!("{name}={value}"));
        }
        command.args(&options.flags);
        let log = std::fs::File::create(folder.path().join("stack.log")).unwrap();
        // The stack stops when this process ends, however it ends: its standard input is closed.
        command.stdin(Stdio::piped()).stdout(log.try_clone().unwrap()).stderr(log);
        let mut process = command.kill_on_drop(true).spawn().unwrap();
        let ready = eventually(READY_WITHIN, || {
            let ended = process.try_wait().unwrap();
            let read = std::fs::read(&ready_file).ok();
            let log = folder.path().join("stack.log");
            async move {
                let log = || std::fs::read_to_string(log).unwrap_or_default();
                assert!(ended.is_none(), "the stack ended:\n{}", log());
                read.ok_or_else(log)
            }
        })
        .await;
        (Self { process, folder, _dynamodb: dynamodb }, serde_json::from_slice(&ready).unwrap())
    }

    pub(crate) fn process_id(&self) -> u32 {
        self.process.id().unwrap()
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("stack.log")).unwrap_or_default()
    }

    /// Ends the stack with a signal, waits, and returns its exit status and the processes that it had.
    pub(crate) async fn stop(mut self, signal: Signal) -> (ExitStatus, Vec<u32>) {
        let id = self.process_id();
        let functions = crate::children(id).into_iter().map(|(id, _)| id).collect();
        kill_with(id, signal);
        let status = tokio::time::timeout(STOPPED_WITHIN, self.process.wait()).await;
        (status.unwrap_or_else(|_| panic!("the stack goes on:\n{}", self.log())).unwrap(), functions)
    }
}

/// Whether a line of the log shows an error, a warning, or a 5xx response.
fn is_error(line: &str) -> bool {
    [r#""level":"ERROR""#, r#""level":"WARN""#, " MB  5", "error", "timed out"]
        .iter()
        .any(|sign| line.contains(sign))
}

impl Drop for OwnStack {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = self.log();
            // First, because whoever shows a long output to people cuts it at its end.
            let errors: Vec<_> = log.lines().filter(|line| is_error(line)).take(MOST_ERRORS).collect();
            eprintln!("--- the first errors in the stack's log\n{}", errors.join("\n"));
            eprintln!("--- the stack's log\n{log}");
        }
        // Ending its standard input stops the stack and its functions in order; dropping it would only kill the stack.
        drop(self.process.stdin.take());
        let deadline = Instant::now() + STOPPED_WITHIN;
        while matches!(self.process.try_wait(), Ok(None)) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}
