//! One execution environment: a real process of a real binary, with a Runtime API of its own.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    process::{ExitStatus, Stdio},
    sync::Arc,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, BufReader},
    process::{Child, Command},
    sync::{mpsc, oneshot, watch},
    time::{Instant, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    error::Error,
    invocation::{Invocation, Invoked, Outcome},
    report::Report,
    runtime_api::{RuntimeApi, Work},
    server,
};

/// What an environment is started with.
#[derive(Clone, Debug)]
pub struct Recipe {
    /// The function's local name.
    pub function: String,
    /// Its ARN.
    pub function_arn: String,
    /// The binary.
    pub binary: PathBuf,
    /// All of the process's environment variables but the Runtime API's address.
    pub variables: BTreeMap<String, String>,
    /// How long an invocation may take.
    pub timeout: Duration,
}

/// A process that handles one invocation at a time. Dropping it kills the process.
#[derive(Debug)]
pub struct Environment {
    function: String,
    timeout: Duration,
    started: Instant,
    init: Option<oneshot::Receiver<Result<(), Outcome>>>,
    work: mpsc::Sender<Work>,
    exit: watch::Receiver<Option<ExitStatus>>,
    process_id: Option<Pid>,
    kill: CancellationToken,
}

/// Watches over the processes of a function: none outlives it.
#[derive(Clone, Debug, Default)]
pub struct Keeper {
    kill: CancellationToken,
    processes: TaskTracker,
}

impl Keeper {
    /// Kills every process that is left, and waits until all have ended.
    pub async fn end(&self) {
        self.kill.cancel();
        self.processes.close();
        self.processes.wait().await;
    }
}

/// How an environment handled an invocation.
#[derive(Debug)]
pub enum Handled {
    /// It ended; the environment can be used again if it is given back.
    Ended(Invoked, Option<Environment>),
    /// The process was gone before it took the event: nothing has run.
    NotTaken(Invocation),
}

/// How long the first start may take, as in Lambda.
const INIT_WITHIN: Duration = Duration::from_secs(10);
/// How long a process may take to end after SIGTERM.
const TERM_WITHIN: Duration = Duration::from_millis(300);

impl Environment {
    /// Starts the process. It is not waited for: the first invocation does that.
    ///
    /// # Errors
    /// When the process cannot be started.
    pub async fn start(recipe: &Recipe, report: &Report, keeper: &Keeper) -> Result<Self, Error> {
        let (listener, port) = server::listen(0, "--port").await?;
        let (work, receiver) = mpsc::channel(1);
        let (init, initialised) = oneshot::channel();
        let api = Arc::new(RuntimeApi::new(recipe.function_arn.clone(), recipe.timeout, receiver, init));
        let mut child = Command::new(&recipe.binary)
            .env_clear()
            .envs(&recipe.variables)
            .env("AWS_LAMBDA_RUNTIME_API", format!("127.0.0.1:{port}"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // Ctrl-C in a terminal reaches the whole process group: functions are ended by the stack, not by it.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(|cause| Error::system(format!("start {}", recipe.binary.display()), cause))?;
        let process_id = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
        let kill = keeper.kill.child_token();
        tokio::spawn(server::serve(listener, kill.clone(), move |request| {
            let api = Arc::clone(&api);
            async move { api.handle(request).await }
        }));
        log_lines(child.stdout.take(), recipe, report);
        log_lines(child.stderr.take(), recipe, report);
        let (exited, exit) = watch::channel(None);
        keeper.processes.spawn(reap(child, kill.clone(), exited));
        Ok(Self {
            function: recipe.function.clone(),
            timeout: recipe.timeout,
            started: Instant::now(),
            init: Some(initialised),
            work,
            exit,
            process_id,
            kill,
        })
    }

    /// Whether the process is still there.
    #[must_use]
    pub fn alive(&self) -> bool {
        self.exit.borrow().is_none() && !self.kill.is_cancelled()
    }

    /// Has the process handle one event.
    pub async fn invoke(mut self, invocation: Invocation) -> Handled {
        let request_id = invocation.request_id;
        let ended = |environment: Self, outcome, init, duration| {
            let function = environment.function.clone();
            Handled::Ended(Invoked { function, request_id, outcome, init, duration }, environment.reusable())
        };
        let init = match self.initialise().await {
            Ok(init) => init,
            Err(outcome) => {
                let took = self.started.elapsed();
                self.kill.cancel();
                return ended(self, outcome, Some(took), Duration::ZERO);
            }
        };
        let ((taken, was_taken), (end, outcome)) = (oneshot::channel(), oneshot::channel());
        let work = Work { invocation: invocation.clone(), taken, ended: end };
        let handed_over = async { self.work.send(work).await.is_ok() && was_taken.await.is_ok() };
        let took_it = tokio::select! {
            biased;
            took_it = handed_over => took_it,
            _ = gone(self.exit.clone()) => false,
        };
        if !took_it {
            return Handled::NotTaken(invocation);
        }
        let start = Instant::now();
        let outcome = tokio::select! {
            biased;
            Ok(outcome) = outcome => outcome,
            status = gone(self.exit.clone()) => crashed(&request_id.to_string(), status),
            () = tokio::time::sleep(self.timeout) => {
                self.kill.cancel();
                timed_out(&request_id.to_string(), self.timeout)
            }
        };
        ended(self, outcome, init, start.elapsed())
    }

    /// Waits for a new process to be ready. None when it was ready before.
    async fn initialise(&mut self) -> Result<Option<Duration>, Outcome> {
        let Some(init) = self.init.take() else { return Ok(None) };
        let ready = tokio::select! {
            biased;
            ready = timeout(INIT_WITHIN, init) => ready,
            status = gone(self.exit.clone()) => {
                let how = describe(status);
                return Err(Outcome::error("Runtime.ExitError", &format!("Error: Runtime exited with error: {how}")));
            }
        };
        match ready {
            Ok(Ok(Ok(()))) => Ok(Some(self.started.elapsed())),
            Ok(Ok(Err(outcome))) => Err(outcome),
            Ok(Err(_)) => {
                Err(Outcome::error("Runtime.ExitError", "Error: Runtime exited without providing a reason"))
            }
            Err(_) => {
                let message = format!("Init timed out after {} seconds", INIT_WITHIN.as_secs());
                Err(Outcome::error("Sandbox.Timedout", &message))
            }
        }
    }

    fn reusable(self) -> Option<Self> {
        self.alive().then_some(self)
    }

    /// Asks the process to end, and kills it if it does not.
    pub async fn stop(self) {
        if let Some(process_id) = self.process_id.filter(|_| self.alive()) {
            let _ = kill_process(process_id, Signal::TERM);
        }
        let _ = timeout(TERM_WITHIN, gone(self.exit.clone())).await;
        self.kill.cancel();
        gone(self.exit.clone()).await;
    }
}

impl Drop for Environment {
    fn drop(&mut self) {
        self.kill.cancel();
    }
}

/// Waits for the end of the process, or kills it when told to, and tells its exit status.
async fn reap(mut child: Child, kill: CancellationToken, exited: watch::Sender<Option<ExitStatus>>) {
    let status = tokio::select! {
        status = child.wait() => status,
        () = kill.cancelled() => {
            let _ = child.start_kill();
            child.wait().await
        }
    };
    kill.cancel();
    exited.send_replace(Some(status.unwrap_or_default()));
}

/// Completes when the process has ended.
async fn gone(mut exit: watch::Receiver<Option<ExitStatus>>) -> ExitStatus {
    match exit.wait_for(Option::is_some).await {
        Ok(status) => status.unwrap_or_default(),
        Err(_) => ExitStatus::default(),
    }
}

/// The words of Lambda for how a process ended: `signal: killed`, `exit status 1`.
fn describe(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit status {code}"),
        (None, Some(9)) => "signal: killed".to_owned(),
        (None, Some(signal)) => format!("signal: {signal}"),
        (None, None) => "unknown".to_owned(),
    }
}

fn crashed(request_id: &str, status: ExitStatus) -> Outcome {
    let how = describe(status);
    Outcome::error(
        "Runtime.ExitError",
        &format!("RequestId: {request_id} Error: Runtime exited with error: {how}"),
    )
}

fn timed_out(request_id: &str, limit: Duration) -> Outcome {
    let message =
        format!("RequestId: {request_id} Error: Task timed out after {:.2} seconds", limit.as_secs_f64());
    Outcome::error("Sandbox.Timedout", &message)
}

fn log_lines(output: Option<impl AsyncRead + Unpin + Send + 'static>, recipe: &Recipe, report: &Report) {
    let Some(output) = output else { return };
    let (function, report) = (recipe.function.clone(), report.clone());
    tokio::spawn(async move {
        let mut lines = BufReader::new(output).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            report.log(&function, &line);
        }
    });
}
