//! The values of `Ref` and `Fn::GetAtt`.
//!
//! What the local stack hosts gets its names, ARNs and URLs when it starts, so it stays a reference. Everything else gets
//! the name and the ARN that it might have on AWS.

use super::{Scope, resolvable_text};
use crate::{
    error::{Invalid, Position, Problem},
    node::{Node, Value},
    resources::kind::{Kind, kind},
    text::Text,
};

/// The implicit API of `HttpApi` events that do not name one.
pub(crate) const IMPLICIT_API: &str = "ServerlessHttpApi";
/// The id of the HTTP API, in the events of functions and as the value of `Ref`.
pub const HTTP_API_ID: &str = "local";

/// Types whose `Ref` is their ARN.
const REF_IS_ARN: [&str; 6] = [
    "AWS::Scheduler::ScheduleGroup",
    "AWS::SecretsManager::Secret",
    "AWS::Serverless::StateMachine",
    "AWS::SNS::Subscription",
    "AWS::SNS::Topic",
    "AWS::StepFunctions::StateMachine",
];

/// The beginning of the resource part of ARNs, for types that have one.
/// <https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html>
const ARN_PREFIXES: [(&str, &str, &str); 11] = [
    ("AWS::Cognito::UserPool", "cognito-idp", "userpool/"),
    ("AWS::Events::EventBus", "events", "event-bus/"),
    ("AWS::IAM::ManagedPolicy", "iam", "policy/"),
    ("AWS::IAM::Role", "iam", "role/"),
    ("AWS::KMS::Key", "kms", "key/"),
    ("AWS::Kinesis::Stream", "kinesis", "stream/"),
    ("AWS::Logs::LogGroup", "logs", "log-group:"),
    ("AWS::SSM::Parameter", "ssm", "parameter/"),
    ("AWS::SecretsManager::Secret", "secretsmanager", "secret:"),
    ("AWS::Serverless::StateMachine", "states", "stateMachine:"),
    ("AWS::StepFunctions::StateMachine", "states", "stateMachine:"),
];

impl Scope<'_> {
    /// The value of an attribute of a resource, or of `Ref` without one.
    pub(super) fn resource_value(
        &self,
        id: &str,
        attribute: Option<&str>,
        at: Position,
    ) -> Result<Text, Invalid> {
        let wrong = |message: String| Invalid::Because(Problem::new(at, message));
        let Some(resource) = self.resources.get(id) else {
            return self.generated(id, attribute).ok_or_else(|| {
                wrong(format!("{id} is neither a parameter nor a resource of this template"))
            });
        };
        if let Some(condition) = resource.get("Condition")
            && !self.condition(condition.text()?, condition.at)?
        {
            let condition = condition.text()?;
            return Err(wrong(format!("{id} does not exist: its condition {condition} is false")));
        }
        let name = resource.require("Type")?.text()?;
        let known: &[&str] = match kind(name) {
            Kind::Function => &["Arn"],
            Kind::Table | Kind::SimpleTable => &["Arn", "StreamArn"],
            Kind::Queue => &["Arn", "QueueName", "QueueUrl"],
            Kind::HttpApi => return Ok(self.api_value(attribute)),
            _ => return self.unhosted(id, name, resource, attribute, at).map(Text::literal),
        };
        match attribute {
            Some("StreamArn") if resource.at(&["Properties", "StreamSpecification"]).is_none() => {
                Err(wrong(format!("{id} has no stream: give it a StreamSpecification")))
            }
            Some(attribute) if !known.contains(&attribute) => {
                Err(wrong(format!("{id} has no attribute {attribute} here: it has {}", known.join(", "))))
            }
            _ => Ok(Text::reference(id, attribute)),
        }
    }

    /// The values of resources that SAM adds: the implicit API, and the roles of functions.
    fn generated(&self, id: &str, attribute: Option<&str>) -> Option<Text> {
        if id == IMPLICIT_API {
            return Some(self.api_value(attribute));
        }
        let function = self.resources.get(id.strip_suffix("Role")?)?;
        let function = kind(function.get("Type")?.text().ok()?) == Kind::Function;
        function.then(|| Text::literal(self.plausible("AWS::IAM::Role", &self.local_name(id), attribute)))
    }

    fn api_value(&self, attribute: Option<&str>) -> Text {
        Text::literal(match attribute {
            Some("ApiEndpoint") => {
                format!("https://{HTTP_API_ID}.execute-api.{}.amazonaws.com", self.settings.region)
            }
            _ => HTTP_API_ID.to_owned(),
        })
    }

    fn unhosted(
        &self,
        id: &str,
        kind: &str,
        resource: &Node,
        attribute: Option<&str>,
        at: Position,
    ) -> Result<String, Invalid> {
        let properties = resource.get("Properties");
        let text = |node: &Node| Ok(resolvable_text(&self.evaluate(node))?.literals());
        if let ("AWS::SSM::Parameter", Some("Value"), Some(value)) =
            (kind, attribute, properties.and_then(|properties| properties.get("Value")))
        {
            return text(value);
        }
        let circle = || Invalid::Because(Problem::new(at, format!("the name of {id} depends on itself")));
        let name = self.resource_names.get(id, &self.notes, circle, || {
            let of_the_type = format!("{}Name", kind.rsplit("::").next().unwrap_or_default());
            let given = [of_the_type.as_str(), "Name"].into_iter().find_map(|key| properties?.get(key));
            match given.map(|given| self.evaluate(given)) {
                Some(Node { value: Value::Null, .. }) | None => Ok(self.local_name(id)),
                Some(given) => Ok(resolvable_text(&given)?.literals()),
            }
        })?;
        // The names of buckets have no upper-case letters.
        let name = if kind == "AWS::S3::Bucket" { name.to_lowercase() } else { name };
        Ok(self.plausible(kind, &name, attribute))
    }

    /// The physical id that `CloudFormation` would make up.
    fn local_name(&self, id: &str) -> String {
        format!("{}-{id}", self.settings.stack_name)
    }

    /// The value that an attribute might have on AWS. What names a server ends in `.invalid`, which no server has.
    fn plausible(&self, kind: &str, name: &str, attribute: Option<&str>) -> String {
        let address = |attribute: &str| {
            ["Domain", "Endpoint", "URL", "Url", "Uri"].iter().any(|part| attribute.contains(part))
        };
        match attribute {
            None if REF_IS_ARN.contains(&kind) => self.arn(kind, name),
            Some(attribute) if attribute.ends_with("Arn") => self.arn(kind, name),
            Some(attribute) if address(attribute) => format!("{}.invalid", name.to_lowercase()),
            _ => name.to_owned(),
        }
    }

    fn arn(&self, kind: &str, name: &str) -> String {
        let known = ARN_PREFIXES.iter().find(|(known, ..)| *known == kind);
        let service = kind.split("::").nth(1).unwrap_or_default().to_lowercase();
        let (service, prefix) =
            known.map_or((service.as_str(), ""), |(_, service, prefix)| (service, prefix));
        // These services have names for all regions, and S3 for all accounts.
        let region = if matches!(service, "iam" | "s3") { "" } else { &self.settings.region };
        let account = if service == "s3" { "" } else { &self.settings.account_id };
        let name = name.strip_prefix('/').filter(|_| prefix == "parameter/").unwrap_or(name);
        format!("arn:aws:{service}:{region}:{account}:{prefix}{name}")
    }
}
