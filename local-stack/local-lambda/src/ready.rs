//! The ready file: tells programs that start the stack where its servers are.

use std::{collections::BTreeMap, fs, io, path::Path};

use serde_json::json;

use crate::resource_ids::ResourceIds;

/// The URLs of a running stack's servers.
#[derive(Clone, Debug)]
pub struct Addresses {
    /// The HTTP API.
    pub http: String,
    /// Lambda's Invoke API.
    pub invoke: String,
    /// The control API.
    pub control: String,
    /// DynamoDB.
    pub dynamodb: String,
    /// SQS.
    pub sqs: String,
}

/// The URLs of servers that the surrounding program has started beside the stack, by their names.
pub type OtherServers = BTreeMap<String, String>;

impl Addresses {
    /// Writes the addresses, and the names of tables and URLs of queues by logical id, as JSON. Readers never see a
    /// half-written file.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self, others: &OtherServers, resource_ids: &ResourceIds, file: &Path) -> io::Result<()> {
        let mut ready = json!({
            "http": self.http,
            "invoke": self.invoke,
            "control": self.control,
            "dynamodb": self.dynamodb,
            "sqs": self.sqs,
            "region": resource_ids.account.region,
            "process_id": std::process::id(),
            "tables": resource_ids.tables,
            "queues": resource_ids.queue_urls,
        });
        for (name, address) in others {
            ready[name] = address.as_str().into();
        }
        let unfinished = file.with_extension("unfinished");
        fs::write(&unfinished, ready.to_string())?;
        fs::rename(unfinished, file)
    }
}
