//! The code of a function, and how SAM builds it.
//!
//! <https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/building-rust.html>

use crate::{
    error::{Position, Problem},
    members::{Known, Members},
    node::{Node, Value},
    text::Located,
};

/// Where a function's binary comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Code {
    /// `CodeUri`: a folder, relative to the template.
    pub uri: Located,
    /// `Metadata.BuildProperties.Binary`
    pub binary: Option<Located>,
    /// `Metadata.BuildMethod`
    pub build: BuildMethod,
}

/// `Metadata.BuildMethod`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BuildMethod {
    /// `rust-cargolambda`
    Cargo,
    /// `makefile`
    Makefile,
    /// Not set: the folder is deployed as it is, or holds a crate that is built before.
    None,
}

const METADATA: Known = Known { of: "BuildProperties", supported: &["Binary"], ignored: &[], hints: &[] };

impl Code {
    /// `at` is the place of the function.
    pub(super) fn read(
        properties: Members<'_>,
        resource: &Node,
        at: Position,
        warnings: &mut Vec<Problem>,
    ) -> Self {
        let here = || Located { at, text: ".".to_owned() };
        let uri = match properties.get("CodeUri") {
            Some(node) if !matches!(node.value, Value::Invalid) && is_in_s3(node) => {
                properties.problem(node, "code in S3 is not fetched: name a folder");
                here()
            }
            _ => properties.located("CodeUri").unwrap_or_else(here),
        };
        let metadata = resource.get("Metadata").map(|node| Members { node, ..properties });
        let method = metadata.and_then(|metadata| metadata.located("BuildMethod"));
        let build = match method.as_ref().map(|method| method.text.as_str()) {
            None => BuildMethod::None,
            Some("rust-cargolambda") => BuildMethod::Cargo,
            Some("makefile") => BuildMethod::Makefile,
            Some(other) => {
                let message =
                    format!("the build method {other} is not supported: use rust-cargolambda or makefile");
                properties.notes.problem(method.map_or(at, |method| method.at), message);
                BuildMethod::None
            }
        };
        let build_properties = metadata.and_then(|metadata| metadata.members("BuildProperties"));
        if let Some(node) = build_properties.map(|members| members.node)
            && build != BuildMethod::Makefile
        {
            // They change how fast a binary is, or what it can do, so this is said; but most start without.
            let entries = Node::entries(Some(node)).unwrap_or_default();
            warnings.extend(entries.iter().filter(|entry| !METADATA.supported.contains(&&*entry.key)).map(
                |entry| {
                    Problem::new(entry.at, format!("{} is not passed on: cargo builds without it", entry.key))
                },
            ));
        }
        let binary = build_properties.and_then(|members| members.located("Binary"));
        Self { uri, binary, build }
    }
}

fn is_in_s3(node: &Node) -> bool {
    match &node.value {
        Value::Mapping(_) => true,
        Value::Scalar(text) => text.starts_with("s3://"),
        _ => false,
    }
}
