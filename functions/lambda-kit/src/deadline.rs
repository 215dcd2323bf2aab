//! How long an invocation may still take. Every call to another service ends before that.

use std::{
    future::Future,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use lambda_runtime::Context;

use crate::Error;

/// Time for writing the response, so that a slow dependency causes a clear 503 and not a function that is killed.
const RESERVE: Duration = Duration::from_millis(300);

/// The time of an invocation whose context has no deadline.
const WITHOUT_DEADLINE: Duration = Duration::from_secs(10);

/// The moment by which an invocation must have its response.
#[derive(Clone, Copy, Debug)]
pub struct Deadline(Instant);

impl Deadline {
    /// The longest time of one call, however much time the function has.
    pub const LONGEST_CALL: Duration = Duration::from_secs(5);

    /// The deadline that Lambda gave this invocation, less a reserve for writing the response. If there is none, or it
    /// had passed before the start (`cargo lambda watch` sends one in 1970), it is ten seconds.
    #[must_use]
    pub fn from_context(context: &Context) -> Self {
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
    pub fn remaining(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }

    /// An earlier deadline, `reserve` before this one: for a call after which others need time.
    #[must_use]
    pub fn before(self, reserve: Duration) -> Self {
        Self(self.0.checked_sub(reserve).unwrap_or_else(Instant::now))
    }

    /// This deadline, or an earlier one: `longest` from now.
    #[must_use]
    pub fn at_most(self, longest: Duration) -> Self {
        Self(self.0.min(Instant::now() + longest))
    }

    /// Sends a request to an AWS service: `deadline.send("SQS", request.send())`.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the deadline passes first; otherwise the classified error of the call, see
    /// [`Error::from_sdk`].
    pub fn send<T, E>(
        self,
        service: &'static str,
        request: impl Future<Output = Result<T, SdkError<E>>>,
    ) -> impl Future<Output = Result<T, Error>>
    where
        E: std::error::Error + ProvideErrorMetadata + 'static,
    {
        let call = async move { request.await.map_err(|error| Error::from_sdk(service, &error)) };
        self.with_timeout(service, call)
    }

    /// Runs one call to `dependency` until the deadline, and for at most five seconds.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when time runs out; otherwise the error of the call.
    pub fn with_timeout<T>(
        self,
        dependency: &'static str,
        call: impl Future<Output = Result<T, Error>>,
    ) -> impl Future<Output = Result<T, Error>> {
        // Boxed at once: the future of an SDK call is large, and handlers hold several.
        let call = Box::pin(call);
        async move {
            let limit = self.remaining().min(Self::LONGEST_CALL);
            tokio::time::timeout(limit, call).await.unwrap_or_else(|_| {
                Err(Error::unavailable(dependency, format!("no response within {} ms", limit.as_millis())))
            })
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
        let error = deadline.with_timeout("DynamoDB", silent).await.unwrap_err();
        assert!(matches!(error, Error::Unavailable { dependency: "DynamoDB", .. }), "{error:?}");
    }

    #[test]
    fn lambdas_deadline_is_shortened_by_the_reserve() {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let mut context = Context::default();
        context.deadline = u64::try_from((now + Duration::from_secs(10)).as_millis()).unwrap();
        let left = Deadline::from_context(&context).remaining();
        assert!(left <= Duration::from_secs(10) - RESERVE && left > Duration::from_secs(9), "{left:?}");
    }

    #[test]
    fn a_deadline_before_the_start_is_none() {
        let mut context = Context::default();
        context.deadline = 600_000;
        assert!(Deadline::from_context(&context).remaining() > Duration::from_secs(9));
    }
}
