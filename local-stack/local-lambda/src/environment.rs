//! One execution environment: a real process of a real binary, with a Runtime API of its own.
//!
//! Its life: <https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html>

mod output;
mod process;

use std::{collections::BTreeMap, io::ErrorKind, path::PathBuf, sync::Arc, time::Duration};

use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, timeout},
};

use self::process::Process;
pub use self::process::Processes;
use crate::{
    error::Error,
    faults::Faults,
    invocation::{CompletedInvocation, Invocation, LogType, Outcome, Usage},
    metering::UsageRecorder,
    report::Report,
    runtime_api::{RuntimeApi, Work},
    server::{self, Listener},
};

/// What an environment is started with.
#[derive(Clone, Debug)]
pub struct FunctionConfig {
    /// The function's local name.
    pub function: Arc<str>,
    /// Its ARN.
    pub function_arn: String,
    /// The binary.
    pub binary: PathBuf,
    /// All of the process's environment variables but those that differ from one environment to the next.
    pub variables: BTreeMap<String, String>,
    /// Those of the variables that hold the URL of a proxy before a web service: it tells environments apart by the
    /// path.
    pub web: Vec<String>,
    /// How long an invocation may take.
    pub timeout: Duration,
    /// `MemorySize`
    pub memory_mb: u32,
}

/// What all environments share.
#[derive(Clone, Debug)]
pub struct Services {
    /// Counts what is billed.
    pub account: Arc<UsageRecorder>,
    /// May strike.
    pub faults: Arc<Faults>,
}

/// A process that handles one invocation at a time. Dropping it kills the process.
#[derive(Debug)]
pub struct Environment {
    function: Arc<str>,
    memory_mb: u32,
    timeout: Duration,
    started: Instant,
    /// When it was last given back.
    idle_since: Instant,
    init: Option<oneshot::Receiver<Result<(), Outcome>>>,
    work: mpsc::Sender<Work>,
    process: Process,
    /// Bytes and lines that it had written to its log at the end of its last invocation.
    logged: (u64, u64),
}

/// How an environment handled an invocation.
#[derive(Debug)]
pub enum Handled {
    /// It ended; the environment can be used again if it is given back.
    Ended(CompletedInvocation, Option<Environment>),
    /// The process was gone before it took the event: nothing has run.
    NotTaken(Invocation),
    /// The process could not be made ready: nothing has run.
    InitFailed(Invocation, InitFailure),
}

/// Why and after how long an environment was given up before it was ready.
#[derive(Debug)]
pub struct InitFailure {
    /// The failure in Lambda's words.
    pub outcome: Outcome,
    /// What it took.
    pub usage: Usage,
}

/// How long lines take from a process to the stack, for a log tail.
const LINES_ARRIVE_WITHIN: Duration = Duration::from_millis(20);
/// How long a binary that is not there is waited for.
const BINARY_WITHIN: Duration = Duration::from_secs(2);
const BINARY_EVERY: Duration = Duration::from_millis(20);
/// How long the first start may take, as in Lambda.
pub const INIT_WITHIN: Duration = Duration::from_secs(10);

impl Environment {
    /// Starts the process. It is not waited for: the first invocation does that.
    ///
    /// # Errors
    /// When the process cannot be started.
    pub async fn start(
        config: &FunctionConfig,
        report: &Report,
        services: &Services,
        processes: &Processes,
    ) -> Result<Self, Error> {
        let (listener, port) = Listener::any().await?;
        let (work, receiver) = mpsc::channel(1);
        let (init, initialised) = oneshot::channel();
        let kill = processes.kill_switch();
        let faults = Arc::clone(&services.faults);
        let api = RuntimeApi::new(config, (faults, kill.clone()), receiver, init);
        let started = Instant::now();
        let access_key_id = services.account.access_keys().add(&config.function, kill.clone());
        let process = loop {
            match Process::start(config, port, report, &access_key_id, (processes, &kill)) {
                // A build is just putting the binary in its place.
                Err(Error::System { cause, .. })
                    if matches!(cause.kind(), ErrorKind::NotFound | ErrorKind::ExecutableFileBusy)
                        && started.elapsed() < BINARY_WITHIN =>
                {
                    tokio::time::sleep(BINARY_EVERY).await;
                }
                process => break process?,
            }
        };
        tokio::spawn(server::serve(listener, process.ended(), api));
        Ok(Self {
            function: Arc::clone(&config.function),
            memory_mb: config.memory_mb,
            timeout: config.timeout,
            started,
            idle_since: started,
            init: Some(initialised),
            work,
            process,
            logged: (0, 0),
        })
    }

    /// Whether the process is still there.
    #[must_use]
    pub fn alive(&self) -> bool {
        self.process.alive()
    }

    /// How long it has not been used.
    #[must_use]
    pub fn idle_for(&self) -> Duration {
        self.idle_since.elapsed()
    }

    /// Has the process handle one event. A new process must be ready `init_within`.
    pub async fn invoke(mut self, invocation: Invocation, init_within: Duration) -> Handled {
        let init = match self.initialise(init_within).await {
            Ok(init) => init,
            Err(outcome) => {
                let usage = self.usage(Some(self.started.elapsed()), Duration::ZERO);
                return Handled::InitFailed(invocation, InitFailure { outcome, usage });
            }
        };
        let ((taken, was_taken), (end, outcome)) = (oneshot::channel(), oneshot::channel());
        let work = Work { invocation: invocation.clone(), taken, ended: end };
        let handed_over = async { self.work.send(work).await.is_ok() && was_taken.await.is_ok() };
        let took_it = tokio::select! {
            biased;
            took_it = handed_over => took_it,
            _ = self.process.gone() => false,
        };
        if !took_it {
            return Handled::NotTaken(invocation);
        }
        let (start, request_id) = (Instant::now(), invocation.request_id);
        let outcome = tokio::select! {
            biased;
            Ok(outcome) = outcome => outcome,
            status = self.process.gone() => {
                let (kind, how) = self.process.describe(status);
                Outcome::error(kind, &format!("RequestId: {request_id} Error: Runtime exited with error: {how}"))
            }
            () = tokio::time::sleep(self.timeout) => {
                self.process.kill();
                let limit = self.timeout.as_secs_f64();
                let message = format!("RequestId: {request_id} Error: Task timed out after {limit:.2} seconds");
                Outcome::error("Sandbox.Timedout", &message)
            }
        };
        let duration = start.elapsed();
        if invocation.log_type == LogType::Tail {
            // Lines that were written before the answer are still on their way.
            tokio::time::sleep(LINES_ARRIVE_WITHIN).await;
        }
        let usage = self.usage(init, duration);
        self.idle_since = Instant::now();
        let environment = self.alive().then_some(self);
        Handled::Ended(invocation.ended(outcome, usage), environment)
    }

    /// Waits for a new process to be ready. None when it was ready before.
    async fn initialise(&mut self, within: Duration) -> Result<Option<Duration>, Outcome> {
        let Some(init) = self.init.take() else { return Ok(None) };
        let ready = tokio::select! {
            biased;
            ready = timeout(within, init) => ready,
            status = self.process.gone() => {
                let (kind, how) = self.process.describe(status);
                return Err(Outcome::error(kind, &format!("Error: Runtime exited with error: {how}")));
            }
        };
        match ready {
            Ok(Ok(Ok(()))) => Ok(Some(self.started.elapsed())),
            Ok(Ok(Err(outcome))) => Err(outcome),
            Ok(Err(_)) => {
                Err(Outcome::error("Runtime.ExitError", "Error: Runtime exited without providing a reason"))
            }
            Err(_) => {
                let message = format!("Init timed out after {:.2} seconds", within.as_secs_f64());
                Err(Outcome::error("Sandbox.Timedout", &message))
            }
        }
    }

    fn usage(&mut self, init: Option<Duration>, duration: Duration) -> Usage {
        let now = self.process.logged();
        let before = std::mem::replace(&mut self.logged, now);
        Usage {
            log_bytes: now.0 - before.0,
            log_lines: now.1 - before.1,
            log_tail: self.process.take_log_tail(),
            function: Arc::clone(&self.function),
            memory_mb: self.memory_mb,
            init,
            duration,
            most_memory_mb: self.process.most_memory_mb(),
        }
    }

    /// Asks the process to end, and kills it if it does not.
    pub async fn stop(self) {
        self.process.stop().await;
    }
}
