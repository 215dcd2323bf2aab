//! What can keep the stack from starting, each with what to do about it.

/// Why the stack cannot start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The template cannot be used.
    #[error(transparent)]
    Template(#[from] sam_template::TemplateError),
    /// The template uses something that only the stack can judge.
    #[error("{path}:{line}: {message}")]
    Unsupported {
        /// The template.
        path: String,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong, and what is expected.
        message: String,
    },
    /// A function refers to something that has no value here.
    #[error(
        "the function {function} needs {reference} in its environment, which the local stack cannot tell: it knows the names and ARNs of tables, queues and functions, and the URLs of queues"
    )]
    UnknownReference {
        /// The function.
        function: String,
        /// What it refers to.
        reference: String,
    },
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
    /// A parameter of the template that the program around the stack reads has a value that it cannot use.
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
        /// What was asked.
        action: String,
        /// What went wrong.
        cause: String,
    },
    /// What the program around the stack wanted to prepare before any function runs.
    #[error("{0}")]
    Prepare(String),
    /// A part of the stack has panicked.
    #[error(
        "the local stack has a fault ({0}; the panic's message is above) and has stopped. Please report it with the lines before it"
    )]
    Broken(String),
    /// The counting proxies cannot be started.
    #[error("cannot count calls: {0}")]
    Metering(#[from] meter::ProxyError),
    /// The price list cannot be read.
    #[error(transparent)]
    Prices(#[from] meter::prices::PriceError),
    /// Something that the operating system refuses.
    #[error("cannot {action}: {cause}")]
    System {
        /// What was tried.
        action: String,
        /// What the system said.
        cause: std::io::Error,
    },
}

impl Error {
    pub(crate) fn system(action: impl Into<String>, cause: std::io::Error) -> Self {
        Self::System { action: action.into(), cause }
    }
}
