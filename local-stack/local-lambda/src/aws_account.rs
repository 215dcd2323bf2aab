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
    /// The ARN of a resource.
    #[must_use]
    pub fn arn(&self, service: &str, resource: &str) -> String {
        format!("arn:aws:{service}:{}:{}:{resource}", self.region, self.id)
    }
}
