//! Where everything is, for programs that start the stack.

use std::{collections::BTreeMap, fs, io, path::Path};

use serde_json::json;

use crate::resource_ids::ResourceIds;

/// The addresses of a running stack.
#[derive(Clone, Debug)]
pub struct Addresses {
    /// The HTTP API.
    pub http: String,
    /// Lambda's Invoke API.
    pub invoke: String,
    /// What the stack tells about itself.
    pub control: String,
    /// DynamoDB.
    pub dynamodb: String,
    /// SQS.
    pub sqs: String,
    /// Servers that the program around the stack has started beside it, by name.
    pub others: BTreeMap<String, String>,
}

impl Addresses {
    /// Writes the addresses, and the names of tables and queues by logical id, as JSON. The file appears whole.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self, resource_ids: &ResourceIds, file: &Path) -> io::Result<()> {
        let map = |names: &BTreeMap<String, String>| json!(names);
        let mut ready = json!({
            "http": self.http,
            "invoke": self.invoke,
            "control": self.control,
            "dynamodb": self.dynamodb,
            "sqs": self.sqs,
            "region": resource_ids.region,
            "process_id": std::process::id(),
            "tables": map(&resource_ids.tables),
            "queues": map(&resource_ids.queue_urls),
        });
        for (name, address) in &self.others {
            ready[name] = address.as_str().into();
        }
        let unfinished = file.with_extension("unfinished");
        fs::write(&unfinished, ready.to_string())?;
        fs::rename(unfinished, file)
    }
}
