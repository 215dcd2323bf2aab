//! Where the template's resources are here: the values of `Ref` and `Fn::GetAtt`.

use std::collections::BTreeMap;

use crate::aws_clients::AwsClients;
use sam_template::{Function, Reference, Template};

use crate::{error::Error, queues};

/// Names, URLs and ARNs of what the stack made.
#[derive(Clone, Debug, Default)]
pub struct ResourceIds {
    /// The region that everything is said to be in.
    pub region: String,
    /// The account that everything is said to belong to.
    pub account_id: String,
    /// Table names by logical id.
    pub tables: BTreeMap<String, String>,
    /// Stream ARNs by the logical id of the table.
    pub streams: BTreeMap<String, String>,
    /// Queue names by logical id.
    pub queue_names: BTreeMap<String, String>,
    /// Queue URLs by logical id.
    pub queue_urls: BTreeMap<String, String>,
    /// Function names by logical id.
    pub functions: BTreeMap<String, String>,
}

impl ResourceIds {
    /// What can be said before anything runs.
    #[must_use]
    pub fn of(template: &Template, region: &str, account_id: &str) -> Self {
        let functions =
            template.functions.iter().map(|function| (function.logical_id.clone(), function.name.clone()));
        let queues = template.queues.iter().map(|queue| (queue.logical_id.clone(), queue.name.clone()));
        Self {
            region: region.to_owned(),
            account_id: account_id.to_owned(),
            functions: functions.collect(),
            queue_names: queues.collect(),
            ..Self::default()
        }
    }

    /// Makes the tables and queues that are missing, and notes what all of them are called.
    ///
    /// # Errors
    /// When DynamoDB or SQS refuses.
    pub async fn make(&mut self, aws: &AwsClients, template: &Template) -> Result<(), Error> {
        self.tables = embedded_dynamodb::ensure_tables(&aws.dynamodb(), template).await?;
        self.streams = embedded_dynamodb::stream_arns(&aws.dynamodb(), template).await?;
        self.queue_urls = queues::ensure_queues(&aws.sqs(), template, self).await?;
        Ok(())
    }

    /// The ARN of a queue.
    #[must_use]
    pub fn queue_arn(&self, logical_id: &str) -> Option<String> {
        let name = self.queue_names.get(logical_id)?;
        Some(format!("arn:aws:sqs:{}:{}:{name}", self.region, self.account_id))
    }

    /// The ARN of a function, by its local name.
    #[must_use]
    pub fn function_arn(&self, name: &str) -> String {
        format!("arn:aws:lambda:{}:{}:function:{name}", self.region, self.account_id)
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
                .or_else(|| self.tables.get(id).map(|name| self.table_arn(name))),
            Some(_) => None,
        }
    }

    fn table_arn(&self, name: &str) -> String {
        format!("arn:aws:dynamodb:{}:{}:table/{name}", self.region, self.account_id)
    }

    /// The environment variables of a function as the template gives them.
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
