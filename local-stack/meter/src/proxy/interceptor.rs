//! Who may stand in the way of calls: for faults, where an application must be seen to bear them.

use std::{fmt, future::Future, pin::Pin, sync::Arc};

use bytes::Bytes;
use http::StatusCode;

use crate::{call::Service, dynamodb::written_items, tables::Tables};

/// A call on its way to the target.
#[derive(Clone, Debug)]
pub struct Passing {
    /// The access key id of the caller; empty if it is not known.
    pub caller: String,
    /// What is called.
    pub service: Service,
    /// The action: `GetItem`, `SendMessage`, `POST /v1/refunds`.
    pub operation: String,
    /// The request's body.
    pub body: Bytes,
    pub(super) tables: Arc<Tables>,
}

/// What happens to a call before it is passed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Before {
    /// It goes on.
    Pass,
    /// It goes on with another body.
    Replace(Bytes),
    /// It goes on twice; the first answer counts.
    Twice,
    /// It does not go on, and is answered with this.
    Answer(StatusCode, Bytes),
    /// It does not go on, and the connection is closed without an answer.
    Cut,
}

/// What happens to an answer before it is passed back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum After {
    /// It goes back.
    Pass,
    /// The connection is closed without it.
    Cut,
}

/// What a gate decides, in its own time.
pub type Decision<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Asked about every call on both sides of the target. The proxy's own reads do not pass it.
pub trait Gate: fmt::Debug + Send + Sync {
    /// Before the call is passed on.
    fn before<'a>(&'a self, call: &'a Passing) -> Decision<'a, Before>;

    /// After the target has answered, or failed to. Not asked if [`Gate::before`] let nothing through.
    fn after<'a>(&'a self, call: &'a Passing) -> Decision<'a, After>;
}

impl Passing {
    /// The items that the call writes or checks, in order, each as a text that tells items apart; none for an item
    /// whose table is not known.
    #[must_use]
    pub fn written_items(&self) -> Vec<Option<String>> {
        match self.service {
            Service::DynamoDb => written_items(&self.operation, &self.body, &self.tables),
            Service::Sqs | Service::Web => Vec::new(),
        }
    }
}
