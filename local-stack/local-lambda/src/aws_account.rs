//! The account and region that the stack's resources belong to.

/// An account in a region: what the ARNs of its resources start with.
#[derive(Clone, Debug, Default)]
pub struct AwsAccount {
    /// The account id, twelve digits.
    pub id: String,
    /// The region.
    pub region: String,
}

impl AwsAccount {
    /// The ARN of a queue by its name.
    #[must_use]
    pub fn queue_arn(&self, name: &str) -> String {
        self.arn("sqs", name)
    }

    /// The ARN of a function by its name.
    #[must_use]
    pub fn function_arn(&self, name: &str) -> String {
        self.arn("lambda", &format!("function:{name}"))
    }

    /// The ARN of a table by its name.
    #[must_use]
    pub fn table_arn(&self, name: &str) -> String {
        self.arn("dynamodb", &format!("table/{name}"))
    }

    /// The ARN of any resource.
    #[must_use]
    pub fn arn(&self, service: &str, resource: &str) -> String {
        format!("arn:aws:{service}:{}:{}:{resource}", self.region, self.id)
    }
}
