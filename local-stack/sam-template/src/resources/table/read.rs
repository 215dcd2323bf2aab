//! Reads `AWS::DynamoDB::Table` and `AWS::Serverless::SimpleTable`.
//!
//! The rules: <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_CreateTable.html>

use std::collections::BTreeSet;

use super::{Attribute, AttributeType, Index, Key, Projection, StreamView, Table};
use crate::{
    error::Invalid,
    evaluate::Scope,
    members::{Known, Members},
    node::{Entry, Node},
    resources::properties,
};

const TABLE: Known = Known {
    of: "a table",
    supported: &[
        "AttributeDefinitions",
        "GlobalSecondaryIndexes",
        "KeySchema",
        "LocalSecondaryIndexes",
        "StreamSpecification",
        "TableName",
        "TimeToLiveSpecification",
    ],
    ignored: &[
        "BillingMode",
        "ContributorInsightsSpecification",
        "DeletionProtectionEnabled",
        "OnDemandThroughput",
        "PointInTimeRecoverySpecification",
        "ProvisionedThroughput",
        "ResourcePolicy",
        "SSESpecification",
        "TableClass",
        "Tags",
        "WarmThroughput",
    ],
    hints: &[
        ("ImportSourceSpecification", "nothing is imported from S3; leave it out"),
        ("KinesisStreamSpecification", "there are no streams of Kinesis here; use StreamSpecification"),
    ],
};

const INDEX: Known = Known {
    of: "an index",
    supported: &["IndexName", "KeySchema", "Projection"],
    ignored: &[
        "ContributorInsightsSpecification",
        "OnDemandThroughput",
        "ProvisionedThroughput",
        "WarmThroughput",
    ],
    hints: &[],
};

/// <https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-resource-simpletable.html>
const SIMPLE: Known = Known {
    of: "a simple table",
    supported: &["PrimaryKey", "TableName"],
    ignored: &["PointInTimeRecoverySpecification", "ProvisionedThroughput", "SSESpecification", "Tags"],
    hints: &[],
};

impl Table {
    pub(crate) fn read(scope: &Scope<'_>, Entry { key: id, at, node: resource }: &Entry) -> Option<Self> {
        let node = properties(scope, resource.get("Properties"), *at, &TABLE);
        let table = Members { node: &node, notes: &scope.notes };
        let attributes =
            table.require("AttributeDefinitions").map(|_| table.elements("AttributeDefinitions"));
        let attributes: Vec<_> = attributes?.iter().filter_map(|node| table.valid(attribute(node))).collect();
        let indexes = |key: &str| {
            let members = table.elements(key).iter().map(|node| Members { node, ..table });
            members.filter_map(index).collect::<Vec<_>>()
        };
        let read = Self {
            logical_id: id.clone(),
            name: name(table, id, scope),
            at: *at,
            attributes,
            key: table.valid(key(table.require("KeySchema")?))?,
            global_indexes: indexes("GlobalSecondaryIndexes"),
            local_indexes: indexes("LocalSecondaryIndexes"),
            stream: table
                .members("StreamSpecification")
                .and_then(|stream| table.valid(stream_view(stream.require("StreamViewType")?))),
            ttl_attribute: ttl_attribute(table),
        };
        check_attributes(table, &read);
        Some(read)
    }

    /// SAM's short form: the primary key is `id`, a string, if it names no other.
    pub(crate) fn read_simple(scope: &Scope<'_>, Entry { key: id, at, node: resource }: &Entry) -> Self {
        let node = properties(scope, resource.get("Properties"), *at, &SIMPLE);
        let table = Members { node: &node, notes: &scope.notes };
        let primary = table.members("PrimaryKey");
        let partition = primary.and_then(|primary| primary.text("Name")).unwrap_or("id").to_owned();
        let kind = primary.and_then(|primary| {
            primary.read("Type", |kind| match kind.text()? {
                "String" => Ok(AttributeType::String),
                "Number" => Ok(AttributeType::Number),
                "Binary" => Ok(AttributeType::Binary),
                other => Err(kind.error(format!("{other} is not a type: use String, Number or Binary"))),
            })
        });
        Self {
            logical_id: id.clone(),
            name: name(table, id, scope),
            at: *at,
            attributes: vec![Attribute {
                name: partition.clone(),
                kind: kind.unwrap_or(AttributeType::String),
            }],
            key: Key { partition, sort: None },
            global_indexes: Vec::new(),
            local_indexes: Vec::new(),
            stream: None,
            ttl_attribute: None,
        }
    }
}

/// "3 to 255 characters: a-z, A-Z, 0-9, underscore, hyphen and dot." The name that `CloudFormation` makes up is long
/// enough for any logical id, because it begins with the name of the stack.
fn name(table: Members<'_>, id: &str, scope: &Scope<'_>) -> String {
    let Some(name) = table.text("TableName") else {
        return if id.len() < 3 { format!("{}-{id}", scope.settings.stack_name) } else { id.to_owned() };
    };
    let letters = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'));
    if let Some(node) = table.get("TableName")
        && (!letters || !(3..=255).contains(&name.len()))
    {
        let rule = "3 to 255 letters, digits, underscores, hyphens and dots";
        table.problem(node, format!("{name} is not a name of a table: {rule}"));
    }
    name.to_owned()
}

/// "You must define every attribute of a key, and no other."
fn check_attributes(members: Members<'_>, table: &Table) {
    let indexes = table.global_indexes.iter().chain(&table.local_indexes);
    let keys = std::iter::once(&table.key).chain(indexes.map(|index| &index.key));
    let used: BTreeSet<_> =
        keys.flat_map(|key| [Some(&key.partition), key.sort.as_ref()]).flatten().collect();
    let defined: BTreeSet<_> = table.attributes.iter().map(|attribute| &attribute.name).collect();
    let Some(node) = members.get("AttributeDefinitions") else { return };
    for name in used.difference(&defined) {
        members.problem(node, format!("{name} is in a key, so it must be defined here"));
    }
    for name in defined.difference(&used) {
        members.problem(node, format!("{name} is in no key, so it must not be defined here"));
    }
}

fn ttl_attribute(table: Members<'_>) -> Option<String> {
    let ttl = table.members("TimeToLiveSpecification")?;
    let enabled = ttl.boolean("Enabled").unwrap_or(true);
    ttl.text("AttributeName").filter(|_| enabled).map(str::to_owned)
}

fn attribute(node: &Node) -> Result<Attribute, Invalid> {
    let kind = node.require("AttributeType")?;
    Ok(Attribute {
        name: node.require("AttributeName")?.text()?.to_owned(),
        kind: match kind.text()? {
            "S" => AttributeType::String,
            "N" => AttributeType::Number,
            "B" => AttributeType::Binary,
            other => return Err(kind.error(format!("{other} is not an attribute type: use S, N or B"))),
        },
    })
}

fn key(schema: &Node) -> Result<Key, Invalid> {
    let (mut partition, mut sort) = (None, None);
    for element in Node::elements(Some(schema))? {
        let name = element.require("AttributeName")?.text()?.to_owned();
        let kind = element.require("KeyType")?;
        match kind.text()? {
            "HASH" => partition = Some(name),
            "RANGE" => sort = Some(name),
            other => return Err(kind.error(format!("{other} is not a key type: use HASH or RANGE"))),
        }
    }
    Ok(Key { partition: partition.ok_or_else(|| schema.error("the key has no HASH attribute"))?, sort })
}

fn index(index: Members<'_>) -> Option<Index> {
    let index = index.check(&INDEX);
    let projection = index.require("Projection").and_then(|node| index.valid(projection(node)));
    let key = index.require("KeySchema").and_then(|node| index.valid(key(node)));
    index.require("IndexName");
    Some(Index { name: index.text("IndexName")?.to_owned(), key: key?, projection: projection? })
}

fn projection(projection: &Node) -> Result<Projection, Invalid> {
    let kind = projection.require("ProjectionType")?;
    match kind.text()? {
        "ALL" => Ok(Projection::All),
        "KEYS_ONLY" => Ok(Projection::KeysOnly),
        "INCLUDE" => Ok(Projection::Include(Node::texts(projection.get("NonKeyAttributes"))?)),
        other => Err(kind.error(format!("{other} is not a projection: use ALL, KEYS_ONLY or INCLUDE"))),
    }
}

fn stream_view(node: &Node) -> Result<StreamView, Invalid> {
    match node.text()? {
        "KEYS_ONLY" => Ok(StreamView::KeysOnly),
        "NEW_IMAGE" => Ok(StreamView::NewImage),
        "OLD_IMAGE" => Ok(StreamView::OldImage),
        "NEW_AND_OLD_IMAGES" => Ok(StreamView::NewAndOldImages),
        other => Err(node.error(format!("{other} is not a stream view type"))),
    }
}
