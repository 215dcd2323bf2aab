//! `AWS::DynamoDB::Table`

use super::properties;
use crate::{error::LineError, evaluate::Scope, node::Node};

/// A table. Billing, encryption and recovery have no local counterpart and are not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// Its name in the template.
    pub logical_id: String,
    /// `TableName`, or else the logical id.
    pub name: String,
    /// The attributes of all keys.
    pub attributes: Vec<Attribute>,
    /// The primary key.
    pub key: Key,
    /// Global secondary indexes.
    pub global_indexes: Vec<Index>,
    /// Local secondary indexes.
    pub local_indexes: Vec<Index>,
    /// The images in the records of the stream, if the table has one.
    pub stream: Option<StreamView>,
    /// The time to live attribute.
    pub ttl_attribute: Option<String>,
}

/// A key attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    /// Its name.
    pub name: String,
    /// Its type.
    pub kind: AttributeType,
}

/// The types that a key attribute can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttributeType {
    /// A string, `S`.
    String,
    /// A number, `N`.
    Number,
    /// Bytes, `B`.
    Binary,
}

/// A primary key or the key of an index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// The partition key.
    pub partition: String,
    /// The sort key.
    pub sort: Option<String>,
}

/// A secondary index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Index {
    /// Its name.
    pub name: String,
    /// Its key.
    pub key: Key,
    /// The attributes that it copies from the table.
    pub projection: Projection,
}

/// The projected attributes of an index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Projection {
    /// All attributes.
    All,
    /// The keys of the table and the index.
    KeysOnly,
    /// The keys and these.
    Include(Vec<String>),
}

/// The images in a stream record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamView {
    /// The key.
    KeysOnly,
    /// The item after the change.
    NewImage,
    /// The item before the change.
    OldImage,
    /// Both.
    NewAndOldImages,
}

impl Table {
    pub(crate) fn read(scope: &Scope, id: &str, resource: &Node) -> Result<Self, LineError> {
        let keys = [
            "TableName",
            "AttributeDefinitions",
            "KeySchema",
            "GlobalSecondaryIndexes",
            "LocalSecondaryIndexes",
            "StreamSpecification",
            "TimeToLiveSpecification",
        ];
        let table = properties(scope, resource, &keys)?;
        let name = table.get("TableName").map(Node::text).transpose()?;
        let attributes = Node::elements(Some(table.require("AttributeDefinitions")?))?;
        let indexes =
            |key: &str| Node::elements(table.get(key))?.iter().map(index).collect::<Result<Vec<_>, _>>();
        let ttl = table.at(&["TimeToLiveSpecification", "AttributeName"]);
        Ok(Self {
            logical_id: id.to_owned(),
            name: name.unwrap_or(id).to_owned(),
            attributes: attributes.iter().map(attribute).collect::<Result<_, _>>()?,
            key: key(table.require("KeySchema")?)?,
            global_indexes: indexes("GlobalSecondaryIndexes")?,
            local_indexes: indexes("LocalSecondaryIndexes")?,
            stream: table.at(&["StreamSpecification", "StreamViewType"]).map(stream_view).transpose()?,
            ttl_attribute: ttl.map(Node::text).transpose()?.map(str::to_owned),
        })
    }
}

fn attribute(node: &Node) -> Result<Attribute, LineError> {
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

fn key(schema: &Node) -> Result<Key, LineError> {
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

fn index(node: &Node) -> Result<Index, LineError> {
    let projection = node.require("Projection")?;
    let kind = projection.require("ProjectionType")?;
    Ok(Index {
        name: node.require("IndexName")?.text()?.to_owned(),
        key: key(node.require("KeySchema")?)?,
        projection: match kind.text()? {
            "ALL" => Projection::All,
            "KEYS_ONLY" => Projection::KeysOnly,
            "INCLUDE" => Projection::Include(Node::texts(projection.get("NonKeyAttributes"))?),
            other => {
                return Err(kind.error(format!("{other} is not a projection: use ALL, KEYS_ONLY or INCLUDE")));
            }
        },
    })
}

fn stream_view(node: &Node) -> Result<StreamView, LineError> {
    match node.text()? {
        "KEYS_ONLY" => Ok(StreamView::KeysOnly),
        "NEW_IMAGE" => Ok(StreamView::NewImage),
        "OLD_IMAGE" => Ok(StreamView::OldImage),
        "NEW_AND_OLD_IMAGES" => Ok(StreamView::NewAndOldImages),
        other => Err(node.error(format!("{other} is not a stream view type"))),
    }
}
