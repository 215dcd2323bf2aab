//! `AWS::DynamoDB::Table`

mod read;

use crate::error::Position;

/// A table. Billing, encryption and recovery have no local counterpart and are not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// Its name in the template.
    pub logical_id: String,
    /// `TableName`, or else the logical id.
    pub name: String,
    /// The place of its declaration.
    pub at: Position,
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
