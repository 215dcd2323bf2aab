//! The response of an authorizer: a decision, or an IAM policy.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html>

use sam_template::ResponseFormat;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::http_api::context::AuthorizerContext;

/// An authorizer's response. A policy may allow one route and deny another, so it is kept whole.
#[derive(Debug)]
pub(super) struct AuthorizerResponse {
    decision: Decision,
    context: AuthorizerContext,
}

#[derive(Debug)]
enum Decision {
    Allowed,
    Denied,
    Policy(Vec<Statement>),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Simple {
    is_authorized: bool,
    #[serde(default)]
    context: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WithPolicy {
    principal_id: Option<String>,
    policy_document: Policy,
    #[serde(default)]
    context: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Policy {
    statement: Vec<Statement>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Statement {
    /// A name for people, which decides nothing.
    #[serde(rename = "Sid")]
    _sid: Option<String>,
    effect: Effect,
    #[serde(deserialize_with = "one_or_many")]
    action: Vec<String>,
    #[serde(deserialize_with = "one_or_many")]
    resource: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
enum Effect {
    Allow,
    Deny,
}

const ACTION: &str = "execute-api:Invoke";

impl AuthorizerResponse {
    /// Parses a response, or returns what is wrong with it. Statements with conditions and other members that this
    /// stack does not evaluate are errors.
    pub(super) fn parse(payload: &[u8], responses: ResponseFormat) -> Result<Self, String> {
        let malformed = |error: serde_json::Error| format!("the authorizer's response is malformed: {error}");
        let (decision, context) = match responses {
            ResponseFormat::Simple => {
                let response: Simple = serde_json::from_slice(payload).map_err(malformed)?;
                let decision = if response.is_authorized { Decision::Allowed } else { Decision::Denied };
                (decision, AuthorizerContext { principal: None, context: response.context })
            }
            ResponseFormat::Policy => {
                let response: WithPolicy = serde_json::from_slice(payload).map_err(malformed)?;
                let context =
                    AuthorizerContext { principal: response.principal_id, context: response.context };
                (Decision::Policy(response.policy_document.statement), context)
            }
        };
        if context.context.is_object() || context.context.is_null() {
            Ok(Self { decision, context })
        } else {
            Err("the authorizer's response is malformed: context is not an object".to_owned())
        }
    }

    /// What it contains besides its decision.
    pub(super) fn context(&self) -> &AuthorizerContext {
        &self.context
    }

    /// Whether it allows a method and path. A Deny overrides every Allow.
    pub(super) fn allows(&self, route_arn: &str) -> bool {
        let statements = match &self.decision {
            Decision::Allowed => return true,
            Decision::Denied => return false,
            Decision::Policy(statements) => statements,
        };
        let applies = |effect: Effect| {
            statements.iter().filter(|statement| statement.effect == effect).any(|statement| {
                // Actions are case-insensitive, resources are not.
                let action =
                    |pattern: &String| matches(&pattern.to_ascii_lowercase(), &ACTION.to_ascii_lowercase());
                statement.action.iter().any(action)
                    && statement.resource.iter().any(|pattern| matches(pattern, route_arn))
            })
        };
        applies(Effect::Allow) && !applies(Effect::Deny)
    }
}

fn one_or_many<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum OneOrMany {
        One(String),
        Many(Vec<String>),
    }
    Ok(match OneOrMany::deserialize(deserializer)? {
        OneOrMany::One(text) => vec![text],
        OneOrMany::Many(texts) => texts,
    })
}

/// IAM's wildcards: `*` is any text, `?` any one character.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html>
fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut at, mut matched) = (0, 0);
    // The last star, and the end of the text that it matches.
    let mut star: Option<(usize, usize)> = None;
    while matched < text.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, matched));
                at += 1;
            }
            Some(&c) if c == '?' || c == text[matched] => {
                at += 1;
                matched += 1;
            }
            _ => {
                let Some((position, end)) = star else { return false };
                star = Some((position, end + 1));
                (at, matched) = (position + 1, end + 1);
            }
        }
    }
    pattern[at..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn policy(statements: &Value) -> Result<AuthorizerResponse, String> {
        let response = json!({"principalId": "ada", "policyDocument": {"Version": "2012-10-17", "Statement": statements}});
        AuthorizerResponse::parse(response.to_string().as_bytes(), ResponseFormat::Policy)
    }

    #[test]
    fn http_api_lambda_authorizer_policies_allow_and_deny() {
        let statement = |effect: &str, action: &str, resource: Value| json!({"Effect": effect, "Action": action, "Resource": resource});
        let allow = statement("Allow", "execute-api:Invoke", json!(["arn:*/GET/a/*", "arn:x/POST/b?"]));
        let deny = statement("Deny", "execute-api:*", json!("arn:*/GET/a/secret"));
        let both = policy(&json!([allow, deny])).unwrap();
        for (arn, expected) in [
            ("arn:x/GET/a/1", true),
            ("arn:x/GET/a/", true),
            ("arn:x/GET/a", false),
            ("arn:x/GET/a/secret", false),
            ("arn:x/POST/b1", true),
            ("arn:x/POST/b", false),
        ] {
            assert_eq!(both.allows(arn), expected, "{arn}");
        }
        let other = policy(&json!([statement("Allow", "s3:*", json!("*"))])).unwrap();
        assert!(!other.allows("arn:x/GET/a/1"), "not this action");
        assert!(!policy(&json!([])).unwrap().allows("arn:x/GET/a/1"), "what is not allowed is denied");
    }

    #[test]
    fn http_api_lambda_authorizer_malformed_responses_are_errors() {
        let condition = json!([{"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {}}]);
        assert!(policy(&condition).unwrap_err().contains("Condition"));
        for response in
            ["{}", "true", r#"{"isAuthorized": "true"}"#, r#"{"isAuthorized": true, "context": 1}"#]
        {
            assert!(
                AuthorizerResponse::parse(response.as_bytes(), ResponseFormat::Simple).is_err(),
                "{response}"
            );
        }
        assert!(AuthorizerResponse::parse(br#"{"isAuthorized": true}"#, ResponseFormat::Policy).is_err());
    }
}
