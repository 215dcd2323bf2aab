//! The template's functions as the stack hosts them, and what invokes them.

use std::sync::Arc;

use sam_template::Function;

use crate::pool::Pool;

/// A function of the template and its environments.
#[derive(Clone, Debug)]
pub struct HostedFunction {
    /// The function as the template declares it.
    pub declaration: Function,
    /// Its environments.
    pub pool: Arc<Pool>,
}

/// Something that invokes a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trigger {
    /// A route key, a queue, a stream or the expression of a schedule, for people.
    pub source: String,
    /// The function's local name.
    pub function: String,
}
