//! A function and its environments: reused when idle, started when none is, retired when long unused, as Lambda does.

use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{sync::Semaphore, time::MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use crate::{
    concurrency::Concurrency,
    environment::{Environment, FunctionConfig, Handled, INIT_WITHIN, Processes, Services},
    invocation::{CompletedInvocation, Invocation, Outcome, Usage},
    report::Report,
};

/// One function.
#[derive(Debug)]
pub struct Pool {
    function: Arc<str>,
    config: RwLock<Current>,
    report: Report,
    services: Services,
    concurrency: Concurrency,
    /// The bound of this machine: beyond it, invocations wait.
    permits: Semaphore,
    idle: Mutex<Vec<(u64, Environment)>>,
    processes: Processes,
    counters: Counters,
}

/// The recipe that environments are started by, and how many there were before it.
#[derive(Debug)]
struct Current {
    generation: u64,
    config: Arc<FunctionConfig>,
}

#[derive(Debug, Default)]
struct Counters {
    cold_starts: AtomicU64,
    invocations: AtomicU64,
    errors: AtomicU64,
    throttles: AtomicU64,
}

/// A function at one moment.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Status {
    /// Environments that exist, starting ones included.
    pub environments: usize,
    /// Of those, the ones that wait for an event.
    pub idle: usize,
    /// Invocations that are under way or wait for an environment.
    pub running: u32,
    /// Invocations that have ended since the start.
    pub invocations: u64,
    /// Of those, the ones that had to start an environment.
    pub cold_starts: u64,
    /// Of those, the ones that failed.
    pub errors: u64,
    /// Invocations that were turned away.
    pub throttles: u64,
}

impl Pool {
    /// A function without environments.
    #[must_use]
    pub fn new(
        config: FunctionConfig,
        concurrency: Concurrency,
        max_environments: u32,
        report: Report,
        services: Services,
    ) -> Self {
        Self {
            function: Arc::clone(&config.function),
            config: RwLock::new(Current { generation: 0, config: Arc::new(config) }),
            report,
            services,
            concurrency,
            permits: Semaphore::new(max_environments as usize),
            idle: Mutex::default(),
            processes: Processes::default(),
            counters: Counters::default(),
        }
    }

    /// The function's local name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.function
    }

    /// The function's ARN.
    #[must_use]
    pub fn arn(&self) -> String {
        self.current().1.function_arn.clone()
    }

    /// The file of its binary.
    #[must_use]
    pub fn binary(&self) -> PathBuf {
        self.current().1.binary.clone()
    }

    /// How it stands now.
    #[must_use]
    pub fn status(&self) -> Status {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Status {
            environments: self.processes.processes(),
            idle: self.idle.lock().unwrap_or_else(PoisonError::into_inner).len(),
            running: self.concurrency.running(),
            invocations: count(&self.counters.invocations),
            cold_starts: count(&self.counters.cold_starts),
            errors: count(&self.counters.errors),
            throttles: count(&self.counters.throttles),
        }
    }

    /// Runs the function once.
    pub async fn invoke(&self, invocation: Invocation) -> CompletedInvocation {
        let Some(_running) = self.concurrency.enter() else {
            self.counters.throttles.fetch_add(1, Ordering::Relaxed);
            return self.without_running(invocation, Outcome::Throttled);
        };
        let Ok(_permit) = self.permits.acquire().await else {
            return self
                .without_running(invocation, Outcome::error("ServiceException", "the stack is stopping"));
        };
        let invoked = self.run(invocation).await;
        self.services.account.invoked(&invoked);
        self.counters.invocations.fetch_add(1, Ordering::Relaxed);
        if invoked.usage.init.is_some() {
            self.counters.cold_starts.fetch_add(1, Ordering::Relaxed);
        }
        if matches!(invoked.outcome, Outcome::Error(_)) {
            self.counters.errors.fetch_add(1, Ordering::Relaxed);
        }
        invoked
    }

    async fn run(&self, mut invocation: Invocation) -> CompletedInvocation {
        let mut failed_init: Option<Duration> = None;
        loop {
            let (generation, config) = self.current();
            let environment = match self.take_idle(generation) {
                Some(environment) => environment,
                None => {
                    match Environment::start(&config, &self.report, &self.services, &self.processes).await {
                        Ok(environment) => environment,
                        Err(error) => {
                            let outcome = Outcome::error("Runtime.InvalidEntrypoint", &error.to_string());
                            return self.without_running(invocation, outcome);
                        }
                    }
                }
            };
            // Lambda gives the first start ten seconds, and the second the function's own timeout.
            let init_within = if failed_init.is_none() { INIT_WITHIN } else { config.timeout };
            match environment.invoke(invocation, init_within).await {
                Handled::Ended(mut invoked, environment) => {
                    if let Some(init) = &mut invoked.usage.init {
                        *init += failed_init.unwrap_or_default();
                    }
                    self.give_back(generation, environment);
                    return invoked;
                }
                // The process was gone before it took the event: another one shall have it. A process that cannot even
                // start ends with an init error, so this ends.
                Handled::NotTaken(same) => invocation = same,
                Handled::InitFailed(same, mut failure) => {
                    let init = failure.usage.init.unwrap_or_default();
                    if let Some(before) = failed_init {
                        failure.usage.init = Some(before + init);
                        return same.ended(failure.outcome, failure.usage);
                    }
                    let why = failure.outcome.error_message().unwrap_or_default();
                    self.report
                        .note(&format!("{}: init failed and is tried once more: {why}", self.function));
                    failed_init = Some(init);
                    invocation = same;
                }
            }
        }
    }

    fn current(&self) -> (u64, Arc<FunctionConfig>) {
        let current = self.config.read().unwrap_or_else(PoisonError::into_inner);
        (current.generation, Arc::clone(&current.config))
    }

    /// Retires every environment that is there, because the binary has changed. What is under way ends undisturbed.
    pub fn replace(&self) {
        let mut current = self.config.write().unwrap_or_else(PoisonError::into_inner);
        current.generation += 1;
        drop(current);
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// The environment of this generation that was used last, if it is still alive.
    fn take_idle(&self, generation: u64) -> Option<Environment> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|(of, environment)| *of == generation && environment.alive());
        idle.pop().map(|(_, environment)| environment)
    }

    fn give_back(&self, generation: u64, environment: Option<Environment>) {
        if !self.permits.is_closed() && self.current().0 == generation {
            let environment = environment.map(|environment| (generation, environment));
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).extend(environment);
        }
    }

    /// Retires environments that nobody has used for `after`, until `stop`.
    pub async fn retire(self: Arc<Self>, after: Duration, stop: CancellationToken) {
        let mut ticks = tokio::time::interval((after / 4).max(Duration::from_millis(10)));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = ticks.tick() => {}
            }
            let mut unused = Vec::new();
            {
                let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
                while idle.first().is_some_and(|(_, environment)| environment.idle_for() >= after) {
                    unused.push(idle.remove(0).1);
                }
            }
            futures_util::future::join_all(unused.into_iter().map(Environment::stop)).await;
        }
    }

    fn without_running(&self, invocation: Invocation, outcome: Outcome) -> CompletedInvocation {
        let config = self.current().1;
        let usage =
            Usage { function: Arc::clone(&self.function), memory_mb: config.memory_mb, ..Usage::default() };
        invocation.ended(outcome, usage)
    }

    /// Lets no environment start any more, asks the idle ones to end (not in a `hurry`), and kills those that
    /// are busy or do not end.
    pub async fn stop(&self, hurry: &CancellationToken) {
        self.permits.close();
        let idle = std::mem::take(&mut *self.idle.lock().unwrap_or_else(PoisonError::into_inner));
        let ends =
            futures_util::future::join_all(idle.into_iter().map(|(_, environment)| environment.stop()));
        let _ = hurry.run_until_cancelled(ends).await;
        self.processes.end().await;
    }
}
