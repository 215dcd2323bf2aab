//! The process of an execution environment: started, measured, bounded, ended.

use std::{
    process::{ExitStatus, Stdio},
    sync::Arc,
    time::Duration,
};

use rustix::process::{Pid, Resource, Rlimit, Signal, WaitId, WaitIdOptions, kill_process, prlimit, waitid};
use tempfile::TempDir;
use tokio::{
    process::{Child, Command},
    sync::watch,
    task::JoinSet,
    time::timeout,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{FunctionConfig, output::Output};
use crate::{error::Error, report::Report};

/// How long a process may take to end after SIGTERM.
const TERM_WITHIN: Duration = Duration::from_millis(300);
/// How long the output of a process that has ended is read.
const LAST_WORDS_WITHIN: Duration = Duration::from_millis(100);
/// Memory that a process may map on top of its `MemorySize`: the stacks and arenas of its threads, which it reserves
/// and hardly touches.
const RESERVED: u64 = 64 * 1024 * 1024;

/// Watches over the processes of a function: none outlives it.
#[derive(Clone, Debug, Default)]
pub struct Processes {
    kill: CancellationToken,
    processes: TaskTracker,
}

impl Processes {
    /// What kills one more process, and all of them when the function ends.
    pub(super) fn kill_switch(&self) -> CancellationToken {
        self.kill.child_token()
    }

    /// How many processes there are.
    #[must_use]
    pub fn processes(&self) -> usize {
        self.processes.len()
    }

    /// Kills every process that is left, and waits until all have ended.
    pub async fn end(&self) {
        self.kill.cancel();
        self.processes.close();
        self.processes.wait().await;
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
    /// Starts the binary of a recipe, told where its Runtime API is.
    pub(crate) fn start(
        config: &FunctionConfig,
        runtime_api_port: u16,
        report: &Report,
        access_key_id: &str,
        (processes, kill): (&Processes, &CancellationToken),
    ) -> Result<Self, Error> {
        let cannot = |cause| Error::system(format!("start {}", config.binary.display()), cause);
        let temporary = tempfile::Builder::new().prefix("lambda-tmp-").tempdir().map_err(cannot)?;
        let mut child = Command::new(&config.binary)
            .env_clear()
            .envs(&config.variables)
            .env("AWS_LAMBDA_RUNTIME_API", format!("127.0.0.1:{runtime_api_port}"))
            .env("AWS_ACCESS_KEY_ID", access_key_id)
            .envs(
                config.web.iter().map(|name| (name, format!("{}/~{access_key_id}", config.variables[name]))),
            )
            .env("TMPDIR", temporary.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // Ctrl-C in a terminal reaches the whole process group: functions are ended by the stack, not by it.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(cannot)?;
        let id = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
        limit_memory(id, config.memory_mb);
        let output = Arc::new(Output::default());
        let mut readers = JoinSet::new();
        let read = |name: &Arc<str>| (Arc::clone(&output), Arc::clone(name), report.clone());
        let (kept, name, to) = read(&config.function);
        readers.spawn(kept.read(child.stdout.take(), name, to));
        let (kept, name, to) = read(&config.function);
        readers.spawn(kept.read(child.stderr.take(), name, to));
        let (exited, exit) = watch::channel(None);
        processes.processes.spawn(reap(child, readers, kill.clone(), exited, temporary));
        Ok(Self { id, exit, kill: kill.clone(), output })
    }

    /// Whether it is still there. The kernel is asked, because it knows of an end before anyone has been told.
    pub(crate) fn alive(&self) -> bool {
        let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        let running = |id| matches!(waitid(WaitId::Pid(id), look), Ok(None));
        !self.kill.is_cancelled() && self.id.is_some_and(running)
    }

    /// Told when the process is killed or has ended.
    pub(crate) fn ended(&self) -> CancellationToken {
        self.kill.clone()
    }

    /// Kills it.
    pub(crate) fn kill(&self) {
        self.kill.cancel();
    }

    /// Completes when it has ended.
    pub(crate) async fn gone(&self) -> ExitStatus {
        match self.exit.clone().wait_for(Option::is_some).await {
            Ok(status) => status.unwrap_or_default(),
            Err(_) => ExitStatus::default(),
        }
    }

    /// The name and words of Lambda for how it ended: `Runtime.ExitError`, `signal: killed`.
    pub(crate) fn describe(&self, status: ExitStatus) -> (&'static str, String) {
        use std::os::unix::process::ExitStatusExt;
        if self.output.out_of_memory() {
            // Lambda's sandbox kills what outgrows its memory; here its allocations fail, and the process aborts.
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

    /// The most memory that it has held so far, in MB, where the system tells.
    pub(crate) fn most_memory_mb(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id?.as_raw_nonzero())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        line.trim().strip_suffix(" kB")?.parse::<u64>().ok().map(|kib| kib.div_ceil(1024))
    }

    /// Bytes and lines that it has written to its log so far.
    pub(crate) fn logged(&self) -> (u64, u64) {
        self.output.written()
    }

    /// The end of what it has written since the last time.
    pub(crate) fn take_log_tail(&self) -> String {
        self.output.take_tail()
    }

    /// Asks it to end, and kills it if it does not.
    pub(crate) async fn stop(self) {
        if let Some(id) = self.id.filter(|_| self.alive()) {
            let _ = kill_process(id, Signal::TERM);
        }
        let _ = timeout(TERM_WITHIN, self.gone()).await;
        self.kill();
        self.gone().await;
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Lets allocations beyond `MemorySize` fail. Private writable memory is what counts, so a binary's code does not.
/// On systems that do not tell, memory is not bounded.
fn limit_memory(process: Option<Pid>, memory_mb: u32) {
    let most = Some(u64::from(memory_mb) * 1024 * 1024 + RESERVED);
    if process.is_some() {
        let _ = prlimit(process, Resource::Data, Rlimit { current: most, maximum: most });
    }
}

/// Waits for the end of the process, or kills it when told to, and tells its exit status.
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
    // Its last words tell why it ended. A process of its own that it left behind may hold its output open.
    let _ = timeout(LAST_WORDS_WITHIN, async { while readers.join_next().await.is_some() {} }).await;
    exited.send_replace(Some(status.unwrap_or_default()));
}
