//! Fault rules: which fault, for which calls, how often.

use std::path::Path;

use meter::Service;
use serde::{Deserialize, Serialize};

use crate::error::Error;

/// Rules, and the seed of their random numbers.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// The same seed selects the same calls, as far as calls come in the same order.
    #[serde(default)]
    pub seed: u64,
    /// All rules that match a call are applied, in this order.
    #[serde(default)]
    pub rules: Vec<Rule>,
}

/// One fault, and the calls that it applies to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// What happens.
    pub fault: Fault,
    /// A function's name, or `pollers` for the event sources; all callers if missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caller: Option<String>,
    /// `dynamodb`, `sqs` or `web`; all if missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<Service>,
    /// `TransactWriteItems`, `POST /v1/payment_intents/*/confirm`; all if missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// The probability of the fault: 0 to 1.
    #[serde(default = "always", deserialize_with = "rate")]
    pub rate: f64,
    /// The most faults that it injects; without a limit if missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u64>,
}

/// What happens to a call, or to the process that makes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// The call is delayed.
    Delay {
        /// Milliseconds.
        ms: u64,
    },
    /// The service returns an error: `ThrottlingException`, `ProvisionedThroughputExceededException`, `InternalServerError`.
    Error {
        /// The error's name.
        name: String,
    },
    /// A transaction is cancelled because each of its items is in another one.
    Conflict,
    /// A write is rejected if it touches an item of a running transaction, as on AWS.
    Overlap,
    /// The connection breaks before the call arrives.
    CutBefore,
    /// The call is carried out, and the connection breaks before its response.
    CutAfter,
    /// The calling process crashes before its call arrives.
    KillBefore,
    /// The calling process crashes when its call has been carried out.
    KillAfter,
    /// A function's process crashes when it responds to its invocation.
    KillResponse,
    /// The call is carried out twice: a message is delivered twice, a payment provider receives a request twice.
    Duplicate,
    /// Messages become visible later, each after a random delay: they arrive late and in another order.
    Postpone {
        /// The longest delay in seconds.
        seconds: u32,
    },
    /// A delete succeeds and is not carried out: the message is delivered again.
    LoseDelete,
}

impl Plan {
    /// The plan in a file.
    ///
    /// # Errors
    /// When the file cannot be read or parsed.
    pub fn load(file: &Path) -> Result<Self, Error> {
        let cannot = |cause| Error::system(format!("read the faults in {}", file.display()), cause);
        let text = std::fs::read(file).map_err(cannot)?;
        serde_json::from_slice(&text).map_err(|error| cannot(error.into()))
    }
}

impl Rule {
    /// Whether the rule applies to a call.
    pub(super) fn applies_to(&self, caller: &str, service: Option<Service>, operation: &str) -> bool {
        let fault_applies = match self.fault {
            Fault::Conflict => operation == "TransactWriteItems",
            Fault::LoseDelete => operation.starts_with("DeleteMessage"),
            Fault::Duplicate if service == Some(Service::Web) => true,
            Fault::Duplicate | Fault::Postpone { .. } => operation.starts_with("SendMessage"),
            _ => true,
        };
        fault_applies
            && self.service.is_none_or(|expected| service == Some(expected))
            && self.caller.as_deref().is_none_or(|expected| expected == caller)
            && self.operation.as_deref().is_none_or(|expected| expected == operation)
    }
}

fn always() -> f64 {
    1.0
}

fn rate<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let rate = f64::deserialize(deserializer)?;
    if (0.0..=1.0).contains(&rate) {
        Ok(rate)
    } else {
        Err(serde::de::Error::custom(format!("the rate {rate} is not from 0 to 1")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(json: &str) -> Result<Rule, serde_json::Error> {
        serde_json::from_str(json)
    }

    #[test]
    fn a_rule_applies_to_the_calls_that_it_names() {
        let rule =
            rule(r#"{"fault": "cut-after", "caller": "a", "service": "dynamodb", "operation": "PutItem"}"#)
                .unwrap();
        let dynamodb = Some(Service::DynamoDb);
        assert!(rule.applies_to("a", dynamodb, "PutItem"));
        assert!(!rule.applies_to("b", dynamodb, "PutItem"));
        assert!(!rule.applies_to("a", Some(Service::Sqs), "PutItem"));
        assert!(!rule.applies_to("a", dynamodb, "GetItem"));
        assert!(!rule.applies_to("a", None, ""));
    }

    #[test]
    fn a_fault_applies_only_to_calls_that_it_can_change() {
        let applies = |fault: &str, operation: &str| {
            rule(&format!(r#"{{"fault": {fault}}}"#)).unwrap().applies_to("", Some(Service::Sqs), operation)
        };
        assert!(
            applies(r#""lose-delete""#, "DeleteMessageBatch") && !applies(r#""lose-delete""#, "SendMessage")
        );
        assert!(applies(r#"{"postpone": {"seconds": 1}}"#, "SendMessage"));
        assert!(!applies(r#""duplicate""#, "ReceiveMessage"));
    }

    #[test]
    fn unknown_members_are_rejected() {
        for bad in [
            r#"{"fault": "explode"}"#,
            r#"{"fault": "conflict", "rate": 1.5}"#,
            r#"{"fault": "conflict", "sometimes": true}"#,
            r#"{"rate": 1}"#,
        ] {
            assert!(rule(bad).is_err(), "{bad}");
        }
    }
}
