//! The process of an execution environment.

use std::{
    process::{ExitStatus, Stdio},
    sync::Arc,
    time::Duration,
};

use embedded_dynamodb::TemporaryFolder;
use rustix::process::{Pid, Resource, Rlimit, Signal, WaitId, WaitIdOptions, kill_process, prlimit, waitid};
use tempfile::TempDir;
use tokio::{
    process::{Child, Command},
    sync::watch,
    task::JoinSet,
    time::timeout,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::output::Output;
use crate::{error::Error, function_config::FunctionConfig, report::Report};

/// How long a process may take to end after SIGTERM.
const TERM_WITHIN: Duration = Duration::from_millis(300);
/// How long to read the output of a process that has ended.
const LAST_LINES_WITHIN: Duration = Duration::from_millis(100);
/// Memory that a process may map on top of its `MemorySize`: the stacks and arenas of its threads, which it reserves
/// and hardly touches.
const RESERVED: u64 = 64 * 1024 * 1024;

/// The processes of a function. None of them outlives it.
#[derive(Clone, Debug, Default)]
pub struct Processes {
    kill: CancellationToken,
    running: TaskTracker,
}

/// What one process is started with, besides the configuration of its function.
#[derive(Debug)]
pub(super) struct Launch {
    pub(super) runtime_api_port: u16,
    pub(super) access_key_id: String,
    /// Kills the process. It is also cancelled when the process has ended.
    pub(super) kill: CancellationToken,
    /// Has the folder of its temporary files.
    pub(super) temporary: Arc<TemporaryFolder>,
}

impl Processes {
    /// A token that kills one more process. [`Self::end`] cancels all of them.
    pub(super) fn kill_token(&self) -> CancellationToken {
        self.kill.child_token()
    }

    /// How many processes are running.
    #[must_use]
    pub fn count(&self) -> usize {
        self.running.len()
    }

    /// Kills every running process, and waits until all have ended.
    pub async fn end(&self) {
        self.kill.cancel();
        self.running.close();
        self.running.wait().await;
    }

    /// Starts the binary of a function.
    pub(super) fn start(
        &self,
        config: &FunctionConfig,
        launch: &Launch,
        report: &Report,
    ) -> Result<Process, Error> {
        let Launch { runtime_api_port, access_key_id, kill, temporary } = launch;
        let failed = |cause| Error::system(format!("start {}", config.binary.display()), cause);
        let temporary = temporary.create_folder().map_err(failed)?;
        let web_services = config.web_service_variables.iter();
        let mut child = Command::new(&config.binary)
            .env_clear()
            .envs(&config.variables)
            .env("AWS_LAMBDA_RUNTIME_API", format!("127.0.0.1:{runtime_api_port}"))
            .env("AWS_ACCESS_KEY_ID", access_key_id)
            .envs(web_services.map(|name| (name, format!("{}/~{access_key_id}", config.variables[name]))))
            .env("TMPDIR", temporary.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // Ctrl-C in a terminal reaches the whole process group, but the stack ends the functions.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(failed)?;
        let id = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
        limit_memory(id, config.memory_mb);
        let output = Arc::new(Output::default());
        let mut readers = JoinSet::new();
        let stdout =
            Arc::clone(&output).read(child.stdout.take(), Arc::clone(&config.function), report.clone());
        readers.spawn(stdout);
        let stderr =
            Arc::clone(&output).read(child.stderr.take(), Arc::clone(&config.function), report.clone());
        readers.spawn(stderr);
        let (exited, exit) = watch::channel(None);
        self.running.spawn(reap(child, readers, kill.clone(), exited, temporary));
        Ok(Process { id, exit, kill: kill.clone(), output })
    }
}

/// A running process. Dropping it kills it.
#[derive(Debug)]
pub(crate) struct Process {
    id: Option<Pid>,
    exit: watch::Receiver<Option<ExitStatus>>,
    kill: CancellationToken,
    output: Arc<Output>,
}

impl Process {
    /// Whether it is running. This asks the kernel, which knows of the end first.
    pub(crate) fn alive(&self) -> bool {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        let running = |id| matches!(waitid(WaitId::Pid(id), options), Ok(None));
        !self.kill.is_cancelled() && self.id.is_some_and(running)
    }

    /// Kills it.
    pub(crate) fn kill(&self) {
        self.kill.cancel();
    }

    /// Completes when it has ended.
    pub(crate) async fn ended(&self) -> ExitStatus {
        match self.exit.clone().wait_for(Option::is_some).await {
            Ok(status) => status.unwrap_or_default(),
            Err(_) => ExitStatus::default(),
        }
    }

    /// Lambda's error type and description of how it ended: `Runtime.ExitError`, `signal: killed`.
    pub(crate) fn describe(&self, status: ExitStatus) -> (&'static str, String) {
        use std::os::unix::process::ExitStatusExt;
        if self.output.out_of_memory() {
            // Lambda kills a process that needs too much memory. Here its allocations fail, and it aborts.
            return ("Runtime.OutOfMemory", "signal: killed".to_owned());
        }
        let how = match (status.code(), status.signal()) {
            (Some(code), _) => format!("exit status {code}"),
            (None, Some(6)) => "signal: aborted".to_owned(),
            (None, Some(9)) => "signal: killed".to_owned(),
            (None, Some(11)) => "signal: segmentation fault".to_owned(),
            (None, Some(signal)) => format!("signal: {signal}"),
            (None, None) => "unknown".to_owned(),
        };
        ("Runtime.ExitError", how)
    }

    /// The most memory that it has held so far, in MB, where the system reports it.
    pub(crate) fn most_memory_mb(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id?.as_raw_nonzero())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        line.trim().strip_suffix(" kB")?.parse::<u64>().ok().map(|kib| kib.div_ceil(1024))
    }

    /// Bytes and lines that it has written to its log so far.
    pub(crate) fn logged(&self) -> (u64, u64) {
        self.output.written()
    }

    /// The end of its log since the last call.
    pub(crate) fn take_log_tail(&self) -> String {
        self.output.take_tail()
    }

    /// Asks it to end, and kills it if it does not.
    pub(crate) async fn stop(self) {
        if let Some(id) = self.id.filter(|_| self.alive()) {
            let _ = kill_process(id, Signal::TERM);
        }
        let _ = timeout(TERM_WITHIN, self.ended()).await;
        self.kill();
        self.ended().await;
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Makes allocations beyond `MemorySize` fail. Only private writable memory counts, so a binary's code does not.
fn limit_memory(process: Option<Pid>, memory_mb: u32) {
    let most = Some(u64::from(memory_mb) * 1024 * 1024 + RESERVED);
    if process.is_some() {
        let _ = prlimit(process, Resource::Data, Rlimit { current: most, maximum: most });
    }
}

/// Waits for the end of the process, or kills it when `kill` is cancelled, and sends its exit status.
async fn reap(
    mut child: Child,
    mut readers: JoinSet<()>,
    kill: CancellationToken,
    exited: watch::Sender<Option<ExitStatus>>,
    temporary: TempDir,
) {
    let status = tokio::select! {
        status = child.wait() => status,
        () = kill.cancelled() => {
            let _ = child.start_kill();
            child.wait().await
        }
    };
    drop(temporary);
    kill.cancel();
    // The last lines say why it ended. A child process that it left behind may keep its output open.
    let _ = timeout(LAST_LINES_WITHIN, async { while readers.join_next().await.is_some() {} }).await;
    exited.send_replace(Some(status.unwrap_or_default()));
}
