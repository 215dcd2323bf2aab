//! Reads an AWS SAM template: its functions, HTTP API, tables, queues and triggers, as typed values.
//!
//! Parameters, conditions and intrinsic functions are evaluated as CloudFormation does; what depends on a deployed
//! resource (a queue's URL, a stream's ARN) stays a [`Text`] until somebody knows it. What this crate does not know is
//! one clear error that names the line, never a guess.

mod error;
mod evaluate;
mod load;
mod node;
mod parameters;
mod policies;
mod resources;
mod text;

pub use error::TemplateError;
pub use load::Template;
pub use parameters::Settings;
pub use policies::{Allowed, policies};
pub use resources::{
    Destination,
    event::{
        EventSource, FilterCriteria, ScheduleKind, ScheduleSource, SqsSource, StartingPosition, StreamSource,
    },
    event_invoke::EventInvokeConfig,
    function::Function,
    http_api::{
        Authorizer, AuthorizerName, Cors, HttpApi, HttpRoute, IdentitySource, Responses, RouteAuthorizer,
        RouteSettings, Throttle,
    },
    queue::{Queue, Redrive},
    table::{Attribute, AttributeType, Index, Key, Projection, StreamView, Table},
};
pub use text::{Reference, Text};
