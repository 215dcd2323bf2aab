//! Errors of the stack, each with what to do about it.

/// Why the stack cannot start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The template cannot be used.
    #[error(transparent)]
    Template(#[from] sam_template::TemplateError),
    /// A function's environment refers to something that has no value.
    #[error("the function {function} needs {reference} in its environment, which has no value")]
    UnknownReference {
        /// The function.
        function: String,
        /// What it refers to.
        reference: String,
    },
    /// DynamoDB has created a table without the stream that the template declares.
    #[error("the table {0} has no stream, although the template declares one. Was it created without?")]
    NoStream(String),
    /// A port is taken.
    #[error(
        "port {port} is taken: stop what listens there, or choose another with {flag} (0 takes any free one)"
    )]
    PortTaken {
        /// The port.
        port: u16,
        /// The flag that changes it.
        flag: &'static str,
    },
    /// The surrounding program cannot use the value of a parameter of the template.
    #[error("the parameter {name} cannot be used: {why}")]
    Parameter {
        /// The parameter.
        name: &'static str,
        /// What is expected.
        why: String,
    },
    /// cargo did not build the functions.
    #[error("{0}")]
    Build(String),
    /// DynamoDB cannot be used.
    #[error(transparent)]
    Dynamo(#[from] embedded_dynamodb::Error),
    /// SQS cannot be used.
    #[error("SQS cannot {action}: {cause}. Is the endpoint right, and does it answer?")]
    Sqs {
        /// The call.
        action: String,
        /// What went wrong.
        cause: String,
    },
    /// What the surrounding program wanted to prepare before any function runs.
    #[error("{0}")]
    Prepare(String),
    /// A part of the stack has panicked.
    #[error(
        "the local stack has a bug ({0}; the panic's message is above) and has stopped. Please report it with the lines before it"
    )]
    Broken(String),
    /// The counting proxies cannot be started.
    #[error("cannot count calls: {0}")]
    Metering(#[from] meter::ProxyError),
    /// The price list cannot be read.
    #[error(transparent)]
    Prices(#[from] meter::prices::PriceError),
    /// The operating system returned an error.
    #[error("cannot {action}: {cause}")]
    System {
        /// What was tried.
        action: String,
        /// The error.
        cause: std::io::Error,
    },
}

impl Error {
    pub(crate) fn system(action: impl Into<String>, cause: std::io::Error) -> Self {
        Self::System { action: action.into(), cause }
    }
}
