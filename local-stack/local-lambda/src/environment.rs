//! One execution environment: a real process of a real binary, with its own Runtime API.
//!
//! Its life cycle: <https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html>

mod output;
mod process;

use std::{io::ErrorKind, sync::Arc, time::Duration};

use embedded_dynamodb::TemporaryFolder;
use loopback::{Clients, Listener};
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, timeout},
};

pub use self::process::Processes;
use self::process::{Launch, Process};
use crate::{
    access_keys::AccessKeys,
    error::Error,
    faults::Faults,
    function_config::FunctionConfig,
    invocation::{CompletedInvocation, Invocation, LogType, Outcome, Usage},
    metering::UsageRecorder,
    report::Report,
    runtime_api::{PendingInvocation, RuntimeApi},
    server,
};

/// What all environments share.
#[derive(Clone, Debug)]
pub struct Services {
    /// Issues each environment its access key id.
    pub access_keys: Arc<AccessKeys>,
    /// Counts what is billed.
    pub usage: Arc<UsageRecorder>,
    /// Injects faults into invocations.
    pub faults: Arc<Faults>,
    /// Has the folders of their temporary files.
    pub temporary: Arc<TemporaryFolder>,
}

/// A process that handles one invocation at a time. Dropping it kills the process.
#[derive(Debug)]
pub struct Environment {
    function: Arc<str>,
    memory_mb: u32,
    timeout: Duration,
    started: Instant,
    /// When its last invocation ended.
    idle_since: Instant,
    init: Option<oneshot::Receiver<Result<(), Outcome>>>,
    invocations: mpsc::Sender<PendingInvocation>,
    process: Process,
    /// Bytes and lines in its log at the end of its last invocation.
    logged: (u64, u64),
}

/// How an environment handled an invocation.
#[derive(Debug)]
pub enum Handled {
    /// The invocation has ended. The environment can be reused if it is still there.
    Completed(CompletedInvocation, Option<Environment>),
    /// The process ended before it received the event, so no code has run for it.
    NotReceived(Invocation),
    /// The init phase failed, so no code has run for the event.
    InitFailed(Invocation, InitFailure),
}

/// Why the init phase of an environment failed, and how long it took.
#[derive(Debug)]
pub struct InitFailure {
    /// The failure in Lambda's words.
    pub outcome: Outcome,
    /// What it took.
    pub usage: Usage,
}

/// How long a line may take from a process to the stack, for a log tail.
const LOG_ARRIVES_WITHIN: Duration = Duration::from_millis(20);
/// How long to wait for a binary that does not exist.
const BINARY_WITHIN: Duration = Duration::from_secs(2);
const BINARY_EVERY: Duration = Duration::from_millis(20);
/// How long the first init phase may take, as in Lambda.
pub const INIT_WITHIN: Duration = Duration::from_secs(10);

impl Environment {
    /// Starts the process and returns at once: the first invocation waits for the init phase.
    ///
    /// # Errors
    /// When the process cannot be started.
    pub async fn start(
        config: &FunctionConfig,
        report: &Report,
        services: &Services,
        processes: &Processes,
    ) -> Result<Self, Error> {
        let listener =
            Listener::bind(0).await.map_err(|cause| Error::system("listen for the Runtime API", cause))?;
        let (invocations, receiver) = mpsc::channel(1);
        let (init_sender, init) = oneshot::channel();
        let kill = processes.kill_token();
        let api = RuntimeApi::new(config, Arc::clone(&services.faults), kill.clone(), receiver, init_sender);
        let started = Instant::now();
        let launch = Launch {
            runtime_api_port: listener.port(),
            access_key_id: services.access_keys.issue(&config.function, kill.clone()),
            kill,
            temporary: Arc::clone(&services.temporary),
        };
        let process = loop {
            match processes.start(config, &launch, report) {
                // A build is replacing the binary right now.
                Err(Error::System { cause, .. })
                    if matches!(cause.kind(), ErrorKind::NotFound | ErrorKind::ExecutableFileBusy)
                        && started.elapsed() < BINARY_WITHIN =>
                {
                    tokio::time::sleep(BINARY_EVERY).await;
                }
                process => break process?,
            }
        };
        tokio::spawn(server::serve(listener, Clients::OfThisMachine, launch.kill, api));
        Ok(Self {
            function: Arc::clone(&config.function),
            memory_mb: config.memory_mb,
            timeout: config.timeout,
            started,
            idle_since: started,
            init: Some(init),
            invocations,
            process,
            logged: (0, 0),
        })
    }

    /// Whether the process is running.
    #[must_use]
    pub fn alive(&self) -> bool {
        self.process.alive()
    }

    /// How long it has been idle.
    #[must_use]
    pub fn idle_for(&self) -> Duration {
        self.idle_since.elapsed()
    }

    /// Lets the process handle one event. The init phase of a new process may take `init_within`.
    pub async fn invoke(mut self, invocation: Invocation, init_within: Duration) -> Handled {
        let init = match self.initialise(init_within).await {
            Ok(init) => init,
            Err(outcome) => {
                let usage = self.usage(Some(self.started.elapsed()), Duration::ZERO);
                return Handled::InitFailed(invocation, InitFailure { outcome, usage });
            }
        };
        let ((received, was_received), (completed, outcome)) = (oneshot::channel(), oneshot::channel());
        let pending = PendingInvocation { invocation: invocation.clone(), received, completed };
        let handed_over =
            async { self.invocations.send(pending).await.is_ok() && was_received.await.is_ok() };
        let was_received = tokio::select! {
            biased;
            was_received = handed_over => was_received,
            _ = self.process.ended() => false,
        };
        if !was_received {
            return Handled::NotReceived(invocation);
        }
        let (start, request_id) = (Instant::now(), invocation.request_id);
        let outcome = tokio::select! {
            biased;
            Ok(outcome) = outcome => outcome,
            status = self.process.ended() => {
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
            // Lines that were written before the response have not arrived yet.
            tokio::time::sleep(LOG_ARRIVES_WITHIN).await;
        }
        let usage = self.usage(init, duration);
        self.idle_since = Instant::now();
        let environment = self.alive().then_some(self);
        Handled::Completed(invocation.completed(outcome, usage), environment)
    }

    /// Waits for the init phase of a new process, and returns how long it took. None when it was over before.
    async fn initialise(&mut self, within: Duration) -> Result<Option<Duration>, Outcome> {
        let Some(init) = self.init.take() else { return Ok(None) };
        let ready = tokio::select! {
            biased;
            ready = timeout(within, init) => ready,
            status = self.process.ended() => {
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
