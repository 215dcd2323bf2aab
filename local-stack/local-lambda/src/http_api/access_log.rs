//! `AccessLogSettings`: one line for each request, in the template's format.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-logging.html>

use super::context::Context;

/// A parsed log format.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct AccessLog(Vec<Part>);

#[derive(Debug, PartialEq, Eq)]
enum Part {
    Literal(String),
    /// The name after `$context.`.
    Variable(String),
}

const PREFIX: &str = "$context.";

impl AccessLog {
    pub(crate) fn new(format: &str) -> Self {
        let mut parts = Vec::new();
        let mut rest = format.trim_end();
        while let Some((literal, after)) = rest.split_once(PREFIX) {
            let end = after.find(|c: char| !c.is_ascii_alphanumeric() && c != '.' && c != '_');
            let (name, after) = after.split_at(end.unwrap_or(after.len()));
            // A full stop at the end of a name ends a sentence.
            let trimmed = name.trim_end_matches('.');
            parts.push(Part::Literal(literal.to_owned()));
            parts.push(Part::Variable(trimmed.to_owned()));
            parts.push(Part::Literal(name[trimmed.len()..].to_owned()));
            rest = after;
        }
        parts.push(Part::Literal(rest.to_owned()));
        Self(parts)
    }

    /// The line of a completed request. A variable without a value is `-`.
    pub(crate) fn line(&self, context: &Context) -> String {
        let value = |part: &Part| match part {
            Part::Literal(literal) => literal.clone(),
            Part::Variable(name) => context.variable(name).unwrap_or_else(|| "-".to_owned()),
        };
        self.0.iter().map(value).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn http_api_logging_variables_end_where_no_name_goes_on() {
        let AccessLog(parts) = AccessLog::new("{\"a\":\"$context.identity.sourceIp\"} $context.status.\n");
        let literal = |text: &str| Part::Literal(text.to_owned());
        let variable = |text: &str| Part::Variable(text.to_owned());
        let expected = [
            literal("{\"a\":\""),
            variable("identity.sourceIp"),
            literal(""),
            literal("\"} "),
            variable("status"),
            literal("."),
            literal(""),
        ];
        assert_eq!(parts, expected);
    }
}
