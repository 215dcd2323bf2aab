//! How long an invocation may still take. Every call to the outside is bounded by it.

use std::{
    future::Future,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use lambda_runtime::Context;

use crate::Error;

/// Kept back for writing the answer, so that a slow dependency ends in a clear 503 and not in a killed function.
const RESERVE: Duration = Duration::from_millis(300);

/// The longest any one step may wait, however much time the function has.
const LONGEST_STEP: Duration = Duration::from_secs(5);

/// The time of an invocation that was given no deadline.
const WITHOUT_DEADLINE: Duration = Duration::from_secs(10);

/// The moment by which an invocation must have its answer.
#[derive(Clone, Copy, Debug)]
pub struct Deadline(Instant);

impl Deadline {
    /// The deadline that Lambda gave this invocation, less a reserve for writing the answer. Where none is given, or
    /// one that was over before the start (`cargo lambda watch` sends one in 1970), it is ten seconds.
    #[must_use]
    pub fn of(context: &Context) -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let left = Duration::from_millis(context.deadline).checked_sub(since);
        Self::within(left.unwrap_or(WITHOUT_DEADLINE).saturating_sub(RESERVE))
    }

    /// A deadline `left` from now.
    #[must_use]
    pub fn within(left: Duration) -> Self {
        Self(Instant::now() + left)
    }

    /// The time that is left; zero when the deadline has passed.
    #[must_use]
    pub fn remaining(&self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }

    /// An earlier deadline, `reserve` before this one: for a step after which others must still find time.
    #[must_use]
    pub fn before(&self, reserve: Duration) -> Self {
        Self(self.0.checked_sub(reserve).unwrap_or_else(Instant::now))
    }

    /// Runs one call to `dependency`, giving up at the deadline, or after five seconds if that is earlier.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when time runs out; else what the call fails with.
    pub async fn bound<T, E>(
        &self,
        dependency: &'static str,
        call: impl Future<Output = Result<T, E>>,
    ) -> Result<T, Error>
    where
        E: Into<Error>,
    {
        let limit = self.remaining().min(LONGEST_STEP);
        // Boxed: an SDK call is a deep future, and handlers hold several.
        match tokio::time::timeout(limit, Box::pin(call)).await {
            Ok(result) => result.map_err(Into::into),
            Err(_) => {
                Err(Error::unavailable(dependency, format!("no answer within {} ms", limit.as_millis())))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_silent_dependency_is_unavailable_at_the_deadline() {
        let deadline = Deadline::within(Duration::from_millis(50));
        let silent = std::future::pending::<Result<(), Error>>();
        let error = deadline.bound("DynamoDB", silent).await.unwrap_err();
        assert!(matches!(error, Error::Unavailable { dependency: "DynamoDB", .. }), "{error:?}");
    }

    #[test]
    fn lambdas_deadline_is_shortened_by_the_reserve() {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let mut context = Context::default();
        context.deadline = u64::try_from((now + Duration::from_secs(10)).as_millis()).unwrap();
        let left = Deadline::of(&context).remaining();
        assert!(left <= Duration::from_secs(10) - RESERVE && left > Duration::from_secs(9), "{left:?}");
    }

    #[test]
    fn a_deadline_before_the_start_is_none() {
        let mut context = Context::default();
        context.deadline = 600_000;
        assert!(Deadline::of(&context).remaining() > Duration::from_secs(9));
    }
}
