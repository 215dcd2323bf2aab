//! A function and its environments: reused when idle, started when none is, as Lambda does.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicU32, Ordering},
};

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::{
    environment::{Environment, Handled, Keeper, Recipe},
    invocation::{Invocation, Invoked, Outcome},
    report::Report,
};

/// One function.
#[derive(Debug)]
pub struct Pool {
    recipe: Recipe,
    report: Report,
    /// `ReservedConcurrentExecutions`: beyond it, invocations are throttled.
    reserved: Option<u32>,
    running: AtomicU32,
    /// The bound of this machine: beyond it, invocations wait.
    permits: Semaphore,
    idle: Mutex<Vec<Environment>>,
    keeper: Keeper,
}

impl Pool {
    /// A function without environments.
    #[must_use]
    pub fn new(recipe: Recipe, reserved: Option<u32>, max_environments: u32, report: Report) -> Self {
        Self {
            recipe,
            report,
            reserved,
            running: AtomicU32::new(0),
            permits: Semaphore::new(max_environments as usize),
            idle: Mutex::new(Vec::new()),
            keeper: Keeper::default(),
        }
    }

    /// The function's local name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.recipe.function
    }

    /// The function's ARN.
    #[must_use]
    pub fn arn(&self) -> &str {
        &self.recipe.function_arn
    }

    /// Runs the function once.
    pub async fn invoke(&self, invocation: Invocation) -> Invoked {
        let Some(_running) = Running::enter(self) else {
            return self.without_running(&invocation, Outcome::Throttled);
        };
        let Ok(_permit) = self.permits.acquire().await else {
            return self
                .without_running(&invocation, Outcome::error("ServiceException", "the stack is stopping"));
        };
        let mut invocation = invocation;
        loop {
            let environment = match self.take_idle() {
                Some(environment) => environment,
                None => match Environment::start(&self.recipe, &self.report, &self.keeper).await {
                    Ok(environment) => environment,
                    Err(error) => {
                        let outcome = Outcome::error("Runtime.InvalidEntrypoint", &error.to_string());
                        return self.without_running(&invocation, outcome);
                    }
                },
            };
            match environment.invoke(invocation).await {
                Handled::Ended(invoked, environment) => {
                    self.give_back(environment);
                    return invoked;
                }
                // The process was gone before it took the event: another one shall have it. A process that cannot even
                // start ends with an init error, so this ends.
                Handled::NotTaken(same) => invocation = same,
            }
        }
    }

    /// The environment that was used last, if it is still alive.
    fn take_idle(&self) -> Option<Environment> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(Environment::alive);
        idle.pop()
    }

    fn give_back(&self, environment: Option<Environment>) {
        if !self.permits.is_closed() {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).extend(environment);
        }
    }

    fn without_running(&self, invocation: &Invocation, outcome: Outcome) -> Invoked {
        Invoked {
            function: self.recipe.function.clone(),
            request_id: invocation.request_id,
            outcome,
            init: None,
            duration: std::time::Duration::ZERO,
        }
    }

    /// Lets no environment start any more, asks the idle ones to end (not in a `hurry`), and kills those that
    /// are busy or do not end.
    pub async fn stop(&self, hurry: &CancellationToken) {
        self.permits.close();
        let idle = std::mem::take(&mut *self.idle.lock().unwrap_or_else(PoisonError::into_inner));
        let ends = futures_util::future::join_all(idle.into_iter().map(Environment::stop));
        let _ = hurry.run_until_cancelled(ends).await;
        self.keeper.end().await;
    }
}

/// Counts an invocation that is under way.
struct Running<'a>(&'a Pool);

impl<'a> Running<'a> {
    fn enter(pool: &'a Pool) -> Option<Self> {
        let before = pool.running.fetch_add(1, Ordering::SeqCst);
        let running = Self(pool);
        pool.reserved.is_none_or(|reserved| before < reserved).then_some(running)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::SeqCst);
    }
}
