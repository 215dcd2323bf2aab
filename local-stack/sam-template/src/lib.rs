//! Loads an AWS SAM template: its functions, HTTP API, tables, queues and triggers, as typed values.
//!
//! Parameters, conditions and intrinsic functions are evaluated as CloudFormation does; what depends on a deployed
//! resource (a queue's URL, a stream's ARN) stays a reference in a [`Text`], which the caller resolves. What
//! this crate does not support, and what AWS refuses, is a problem with its line and column; all problems are reported at once.

mod error;
mod evaluate;
mod load;
mod members;
mod node;
mod parameters;
mod policies;
mod resources;
mod text;

pub use error::{Position, Problem, TemplateError};
pub use evaluate::HTTP_API_ID;
pub use load::{Template, parameter_names};
pub use parameters::Settings;
pub use policies::{AllowedAction, policies};
pub use resources::{
    Destination,
    event::{
        EventSource, FilterCriteria, ScheduleKind, ScheduleSource, SqsSource, StartingPosition, StreamSource,
    },
    event_invoke::EventInvokeConfig,
    function::{BuildMethod, Code, Function},
    http_api::{
        Authorizer, Cors, HttpApi, HttpRoute, IdentitySource, ResponseFormat, RouteAuthorizer, RouteSettings,
        Throttle,
    },
    queue::{Queue, RedrivePolicy},
    table::{Attribute, AttributeType, Index, Key, Projection, StreamView, Table},
};
pub use text::{Located, Reference, Text};
