//! Changes, answers or drops API calls on their way, to test how an application handles faults.

use std::{fmt, future::Future, pin::Pin};

use bytes::Bytes;
use http::StatusCode;

use crate::{dynamodb::written_items, service::Service, tables::Tables};

/// An API call on its way to the upstream.
#[derive(Clone, Debug)]
pub struct InterceptedCall {
    /// The access key id of the caller; empty if it is not known.
    pub caller: String,
    /// The service that is called.
    pub service: Service,
    /// The action: `GetItem`, `SendMessage`, `POST /v1/refunds`.
    pub operation: String,
    /// The body of the request.
    pub body: Bytes,
    pub(super) tables: Tables,
}

/// What the proxy does with a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RequestAction {
    /// Forwards it.
    Forward,
    /// Forwards it with another body.
    ReplaceBody(Bytes),
    /// Forwards it twice, and returns the first response.
    Duplicate,
    /// Responds without forwarding it.
    Respond {
        /// The HTTP status.
        status: StatusCode,
        /// The body.
        body: Bytes,
    },
    /// Closes the connection without forwarding it.
    Disconnect,
}

/// What the proxy does with a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseAction {
    /// Returns it to the caller.
    Forward,
    /// Closes the connection without returning it.
    Disconnect,
}

/// The future of an interceptor's decision.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Decides about every request and response. The proxy's own reads are not intercepted.
pub trait CallInterceptor: fmt::Debug + Send + Sync {
    /// Is called before the request is forwarded.
    fn on_request<'a>(&'a self, call: &'a InterceptedCall) -> BoxFuture<'a, RequestAction>;

    /// Is called when the upstream has responded or failed, but only if the request was forwarded.
    fn on_response<'a>(&'a self, call: &'a InterceptedCall) -> BoxFuture<'a, ResponseAction>;
}

impl InterceptedCall {
    /// The items that the call writes or checks, in the order of the request. Each is a text that is the same for the
    /// same item; none for an item whose table is not known.
    #[must_use]
    pub fn written_items(&self) -> Vec<Option<String>> {
        match self.service {
            Service::DynamoDb => written_items(&self.operation, &self.body, &self.tables),
            Service::Sqs | Service::Web => Vec::new(),
        }
    }
}
