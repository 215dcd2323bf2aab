//! The identifiers of the template's resources in this stack: the values of `Ref` and `Fn::GetAtt`.

use std::collections::BTreeMap;

use sam_template::{Function, Reference};

use crate::{aws_account::AwsAccount, error::Error};

/// Names, URLs and ARNs of the template's resources, by logical id.
#[derive(Clone, Debug, Default)]
pub struct ResourceIds {
    /// The account and region of all of them.
    pub account: AwsAccount,
    /// Table names.
    pub tables: BTreeMap<String, String>,
    /// Stream ARNs by the logical id of the table.
    pub streams: BTreeMap<String, String>,
    /// Queue names.
    pub queue_names: BTreeMap<String, String>,
    /// Queue URLs.
    pub queue_urls: BTreeMap<String, String>,
    /// Function names.
    pub functions: BTreeMap<String, String>,
}

impl ResourceIds {
    /// The ARN of a queue by its logical id.
    #[must_use]
    pub fn queue_arn(&self, logical_id: &str) -> Option<String> {
        self.queue_names.get(logical_id).map(|name| self.account.arn("sqs", name))
    }

    /// The ARN of a function by its name.
    #[must_use]
    pub fn function_arn(&self, name: &str) -> String {
        self.account.arn("lambda", &format!("function:{name}"))
    }

    fn resolve(&self, reference: &Reference) -> Option<String> {
        let id = &reference.resource;
        match reference.attribute.as_deref() {
            None => self
                .queue_urls
                .get(id)
                .or_else(|| self.tables.get(id))
                .or_else(|| self.functions.get(id))
                .cloned(),
            Some("StreamArn") => self.streams.get(id).cloned(),
            Some("QueueName") => self.queue_names.get(id).cloned(),
            Some("QueueUrl") => self.queue_urls.get(id).cloned(),
            Some("Arn") => self
                .queue_arn(id)
                .or_else(|| self.functions.get(id).map(|name| self.function_arn(name)))
                .or_else(|| {
                    self.tables.get(id).map(|name| self.account.arn("dynamodb", &format!("table/{name}")))
                }),
            Some(_) => None,
        }
    }

    /// The environment variables of a function as the template declares them.
    ///
    /// # Errors
    /// [`Error::UnknownReference`] for a reference that has no value here.
    pub fn environment(&self, function: &Function) -> Result<BTreeMap<String, String>, Error> {
        let mut variables = BTreeMap::new();
        for (name, text) in &function.environment {
            let value = text.resolve(|reference| self.resolve(reference)).map_err(|reference| {
                let Reference { resource, attribute } = reference;
                let reference =
                    attribute.map_or_else(|| resource.clone(), |attribute| format!("{resource}.{attribute}"));
                Error::UnknownReference { function: function.name.clone(), reference }
            })?;
            variables.insert(name.clone(), value);
        }
        Ok(variables)
    }
}
