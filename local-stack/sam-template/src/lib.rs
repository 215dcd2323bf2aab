//! Loads an AWS SAM template: its functions, HTTP API, tables, queues and triggers, as typed values.
//!
//! Parameters, conditions and intrinsic functions are evaluated as CloudFormation does; what depends on a deployed
//! resource (a queue's URL, a stream's ARN) stays a reference in a [`Text`], which the caller resolves. Anything
//! that this crate does not support is an error that names the line.

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
pub use policies::{AllowedAction, policies};
pub use resources::{
    Destination,
    event::{
        EventSource, FilterCriteria, ScheduleKind, ScheduleSource, SqsSource, StartingPosition, StreamSource,
    },
    event_invoke::EventInvokeConfig,
    function::Function,
    http_api::{
        Authorizer, Cors, HttpApi, HttpRoute, IdentitySource, ResponseFormat, RouteAuthorizer, RouteSettings,
        Throttle,
    },
    queue::{Queue, RedrivePolicy},
    table::{Attribute, AttributeType, Index, Key, Projection, StreamView, Table},
};
pub use text::{Located, Reference, Text};
