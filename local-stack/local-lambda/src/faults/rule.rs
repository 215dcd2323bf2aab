//! What strikes, whom, and how often.

use std::path::Path;

use meter::Service;
use serde::{Deserialize, Serialize};

use crate::error::Error;

/// Rules, and the seed of their chances.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// The same seed strikes the same calls, as far as calls come in the same order.
    #[serde(default)]
    pub seed: u64,
    /// All that apply strike, in this order.
    #[serde(default)]
    pub rules: Vec<Rule>,
}

/// One fault, and where it strikes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// What happens.
    pub fault: Fault,
    /// A function's name, or `pollers` for the event sources' own calls; all callers if missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caller: Option<String>,
    /// `dynamodb`, `sqs` or `web`; all if missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<Service>,
    /// `TransactWriteItems`, `POST /v1/payment_intents/*/confirm`; all if missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// How often it strikes: 0 to 1.
    #[serde(default = "always", deserialize_with = "rate")]
    pub rate: f64,
    /// After so many strikes it is spent; never if missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u64>,
}

/// What happens to a call, or to the process that makes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// The call takes so much longer.
    Delay {
        /// Milliseconds.
        ms: u64,
    },
    /// The service refuses: `ThrottlingException`, `ProvisionedThroughputExceededException`, `InternalServerError`.
    Error {
        /// The error's name.
        name: String,
    },
    /// A transaction is cancelled because each of its items is in another one.
    Conflict,
    /// A write is refused if it touches an item of a transaction that is under way, as AWS does.
    Overlap,
    /// The connection breaks before the call arrives.
    CutBefore,
    /// The call is carried out, and the connection breaks before its answer.
    CutAfter,
    /// The calling process dies before its call arrives.
    KillBefore,
    /// The calling process dies when its call has been carried out.
    KillAfter,
    /// A function's process dies when it answers its invocation.
    KillResponse,
    /// The call is carried out twice: a message is delivered twice, a payment provider asked twice.
    Duplicate,
    /// Messages become visible later, each by a chance of its own: they come late and in another order.
    Postpone {
        /// At most so many seconds.
        seconds: u32,
    },
    /// A delete is answered with success and not carried out: the message comes again.
    LoseDelete,
}

impl Plan {
    /// The plan in a file.
    ///
    /// # Errors
    /// When the file cannot be read, or is no plan.
    pub fn load(file: &Path) -> Result<Self, Error> {
        let cannot = |cause| Error::system(format!("read the faults in {}", file.display()), cause);
        let text = std::fs::read(file).map_err(cannot)?;
        serde_json::from_slice(&text).map_err(|error| cannot(error.into()))
    }
}

impl Rule {
    /// Whether a call is one that the rule is about.
    pub(super) fn fits(&self, caller: &str, service: Option<Service>, operation: &str) -> bool {
        let kind_fits = match self.fault {
            Fault::Conflict => operation == "TransactWriteItems",
            Fault::LoseDelete => operation.starts_with("DeleteMessage"),
            Fault::Duplicate if service == Some(Service::Web) => true,
            Fault::Duplicate | Fault::Postpone { .. } => operation.starts_with("SendMessage"),
            _ => true,
        };
        kind_fits
            && self.service.is_none_or(|wanted| service == Some(wanted))
            && self.caller.as_deref().is_none_or(|wanted| wanted == caller)
            && self.operation.as_deref().is_none_or(|wanted| wanted == operation)
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
    fn a_rule_is_about_what_it_names() {
        let rule =
            rule(r#"{"fault": "cut-after", "caller": "a", "service": "dynamodb", "operation": "PutItem"}"#)
                .unwrap();
        let dynamodb = Some(Service::DynamoDb);
        assert!(rule.fits("a", dynamodb, "PutItem"));
        assert!(!rule.fits("b", dynamodb, "PutItem"));
        assert!(!rule.fits("a", Some(Service::Sqs), "PutItem"));
        assert!(!rule.fits("a", dynamodb, "GetItem"));
        assert!(!rule.fits("a", None, ""));
    }

    #[test]
    fn a_fault_meets_only_calls_that_it_can_strike() {
        let fits = |fault: &str, operation: &str| {
            rule(&format!(r#"{{"fault": {fault}}}"#)).unwrap().fits("", Some(Service::Sqs), operation)
        };
        assert!(fits(r#""lose-delete""#, "DeleteMessageBatch") && !fits(r#""lose-delete""#, "SendMessage"));
        assert!(fits(r#"{"postpone": {"seconds": 1}}"#, "SendMessage"));
        assert!(!fits(r#""duplicate""#, "ReceiveMessage"));
    }

    #[test]
    fn what_is_not_understood_is_refused() {
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
