//! A function's execution environments: idle ones are reused, new ones are started when none is idle, and unused ones
//! are retired, as in Lambda.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use sam_template::Function;
use tokio::{sync::Semaphore, time::MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use crate::{
    concurrency::Concurrency,
    environment::{Environment, Handled, INIT_WITHIN, Processes, Services},
    function_config::FunctionConfig,
    invocation::{CompletedInvocation, Invocation, Outcome, Usage},
    report::Report,
};

/// One function and its execution environments.
#[derive(Debug)]
pub struct Pool {
    function: Arc<str>,
    config: RwLock<Current>,
    report: Report,
    services: Services,
    concurrency: Concurrency,
    /// The most environments that this machine runs at once: further invocations wait.
    permits: Semaphore,
    idle: Mutex<Vec<(u64, Environment)>>,
    processes: Processes,
    counters: Counters,
}

/// The configuration that environments are started with. The generation counts the builds before it.
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

/// The state of a function.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Status {
    /// Environments, including starting ones.
    pub environments: usize,
    /// Environments that wait for an event.
    pub idle: usize,
    /// Invocations that run or wait for an environment.
    pub running: u32,
    /// Invocations that have ended.
    pub invocations: u64,
    /// Invocations that started an environment.
    pub cold_starts: u64,
    /// Invocations that failed.
    pub errors: u64,
    /// Invocations that were throttled.
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

    /// The environment variables that the template declares, with their values.
    #[must_use]
    pub fn declared_variables(&self, declaration: &Function) -> BTreeMap<String, String> {
        let (_, config) = self.current();
        let declared = |(name, _): &(&String, &String)| declaration.environment.contains_key(*name);
        config.variables.iter().filter(declared).map(|(name, value)| (name.clone(), value.clone())).collect()
    }

    /// The file of its binary.
    #[must_use]
    pub fn binary(&self) -> PathBuf {
        self.current().1.binary.clone()
    }

    /// The current state.
    #[must_use]
    pub fn status(&self) -> Status {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Status {
            environments: self.processes.count(),
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
        let Some(_running) = self.concurrency.acquire() else {
            self.counters.throttles.fetch_add(1, Ordering::Relaxed);
            return self.without_running(invocation, Outcome::Throttled);
        };
        let Ok(_permit) = self.permits.acquire().await else {
            return self
                .without_running(invocation, Outcome::error("ServiceException", "the stack is stopping"));
        };
        let invoked = self.run(invocation).await;
        self.services.usage.record_invocation(&invoked);
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
            // In Lambda, the first init phase may take ten seconds, and the second the function's own timeout.
            let init_within = if failed_init.is_none() { INIT_WITHIN } else { config.timeout };
            match environment.invoke(invocation, init_within).await {
                Handled::Completed(mut invoked, environment) => {
                    if let Some(init) = &mut invoked.usage.init {
                        *init += failed_init.unwrap_or_default();
                    }
                    self.give_back(generation, environment);
                    return invoked;
                }
                // Another environment gets the event. This loop ends, because a process that cannot start fails in its
                // init phase.
                Handled::NotReceived(same) => invocation = same,
                Handled::InitFailed(same, mut failure) => {
                    let init = failure.usage.init.unwrap_or_default();
                    if let Some(before) = failed_init {
                        failure.usage.init = Some(before + init);
                        return same.completed(failure.outcome, failure.usage);
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

    /// Replaces all environments because the binary has changed. Running invocations end in the environment they have.
    pub fn replace(&self) {
        let mut current = self.config.write().unwrap_or_else(PoisonError::into_inner);
        current.generation += 1;
        drop(current);
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// The most recently used environment of this generation that is still alive.
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

    /// Retires environments that have been idle for `after`, until `stop`.
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
        invocation.completed(outcome, usage)
    }

    /// Starts no more environments, asks the idle ones to end (unless `hurry` is cancelled), and kills those that are
    /// busy or do not end.
    pub async fn stop(&self, hurry: &CancellationToken) {
        self.permits.close();
        let idle = std::mem::take(&mut *self.idle.lock().unwrap_or_else(PoisonError::into_inner));
        let ends =
            futures_util::future::join_all(idle.into_iter().map(|(_, environment)| environment.stop()));
        let _ = hurry.run_until_cancelled(ends).await;
        self.processes.end().await;
    }
}
