//! Loads a [`Template`] from a file.

mod references;
#[cfg(test)]
mod tests;
mod unhosted;

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use crate::{
    error::{Notes, Problem, TemplateError},
    evaluate::{IMPLICIT_API, Scope},
    members::{Known, Members},
    node::{self, Entry, Node, Value},
    parameters::Settings,
    resources::{
        function::{self, Function},
        http_api::HttpApi,
        kind::{Kind, kind},
        queue::Queue,
        table::Table,
    },
};

/// The resources of a template that run code, hold data or carry messages.
#[derive(Clone, Debug)]
pub struct Template {
    /// The file it was read from.
    pub path: PathBuf,
    /// In the order of the template.
    pub functions: Vec<Function>,
    /// In the order of the template.
    pub tables: Vec<Table>,
    /// In the order of the template.
    pub queues: Vec<Queue>,
    /// The HTTP API that functions' `HttpApi` events belong to.
    pub http_api: Option<HttpApi>,
    /// Resources that functions may need and that are not hosted: `Uploads (AWS::S3::Bucket)`.
    pub not_hosted: Vec<String>,
    /// What SAM accepts and may not be meant.
    pub warnings: Vec<Problem>,
}

/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/transform-aws-serverless.html>
const SAM: &str = "AWS::Serverless-2016-10-31";

const SECTIONS: Known = Known {
    of: "a template",
    supported: &["Conditions", "Globals", "Mappings", "Parameters", "Resources", "Transform"],
    ignored: &["AWSTemplateFormatVersion", "Description", "Metadata", "Outputs", "Rules"],
    hints: &[],
};

const ATTRIBUTES: Known = Known {
    of: "a resource",
    supported: &["Condition", "Metadata", "Properties", "Type"],
    ignored: &[
        "Connectors",
        "CreationPolicy",
        "DeletionPolicy",
        "DependsOn",
        "IgnoreGlobals",
        "UpdatePolicy",
        "UpdateReplacePolicy",
    ],
    hints: &[],
};

impl Template {
    /// Reads the template at `path`.
    ///
    /// # Errors
    /// Every mistake and every unsupported feature, each with its place.
    pub fn load(path: &Path, settings: &Settings) -> Result<Self, TemplateError> {
        Self::load_with(path, settings, |_| Vec::new())
    }

    /// The same, with the problems that `check` finds besides.
    ///
    /// # Errors
    /// As [`Template::load`], and those of `check`.
    pub fn load_with(
        path: &Path,
        settings: &Settings,
        check: impl FnOnce(&Self) -> Vec<Problem>,
    ) -> Result<Self, TemplateError> {
        Self::parse_with(&text(path)?, path, settings, check)
    }

    /// Reads a template from `text`; `path` is the file that errors name.
    ///
    /// # Errors
    /// As [`Template::load`].
    pub fn parse(text: &str, path: &Path, settings: &Settings) -> Result<Self, TemplateError> {
        Self::parse_with(text, path, settings, |_| Vec::new())
    }

    fn parse_with(
        text: &str,
        path: &Path,
        settings: &Settings,
        check: impl FnOnce(&Self) -> Vec<Problem>,
    ) -> Result<Self, TemplateError> {
        let (root, warnings) = tree(text, path)?;
        let scope = Scope::new(&root, settings, Notes::default());
        let template = read(&root, &scope, path, warnings);
        let found = check(&template);
        into_error(scope.notes, found, path).map(|()| template)
    }
}

/// The names of the parameters that the template at `path` declares.
///
/// # Errors
/// If it is not YAML.
pub fn parameter_names(path: &Path) -> Result<BTreeSet<String>, TemplateError> {
    let (root, _) = tree(&text(path)?, path)?;
    let declared = Node::entries(root.get("Parameters")).unwrap_or_default();
    Ok(declared.iter().map(|entry| entry.key.clone()).collect())
}

/// The contents of the file at `path`.
pub(crate) fn text(path: &Path) -> Result<String, TemplateError> {
    fs::read_to_string(path).map_err(|source| TemplateError::Unreadable { path: path.to_owned(), source })
}

/// The template as a tree, and its repeated keys.
pub(crate) fn tree(text: &str, path: &Path) -> Result<(Node, Vec<Problem>), TemplateError> {
    node::parse(text)
        .map_err(|problem| TemplateError::Problems { path: path.to_owned(), problems: vec![problem] })
}

/// All problems as one error, if there are any.
pub(crate) fn into_error(notes: Notes, others: Vec<Problem>, path: &Path) -> Result<(), TemplateError> {
    let problems = notes.into_problems(others);
    if problems.is_empty() {
        return Ok(());
    }
    Err(TemplateError::Problems { path: path.to_owned(), problems })
}

/// The resources whose conditions are true.
pub(crate) fn present<'root>(root: &'root Node, scope: &Scope<'_>) -> Vec<&'root Entry> {
    let holds = |entry: &&Entry| {
        let Some(condition) = entry.node.get("Condition") else { return true };
        let holds = condition.text().and_then(|name| scope.condition(name, condition.at));
        scope.notes.valid(holds).unwrap_or(false)
    };
    let resources = scope.notes.valid(root.require("Resources").and_then(|node| Node::entries(Some(node))));
    resources.unwrap_or_default().iter().filter(holds).collect()
}

fn read(root: &Node, scope: &Scope<'_>, path: &Path, warnings: Vec<Problem>) -> Template {
    check_transforms(Members { node: root, notes: &scope.notes }.check(&SECTIONS));
    scope.check_conditions();
    let mut template = Template {
        path: path.to_owned(),
        functions: Vec::new(),
        tables: Vec::new(),
        queues: Vec::new(),
        http_api: None,
        not_hosted: Vec::new(),
        warnings,
    };
    for entry in present(root, scope) {
        resource(root, scope, entry, &mut template);
    }
    let globals = root.at(&["Globals", "HttpApi"]);
    if let (None, Some(node)) = (&template.http_api, globals) {
        template.http_api = Some(HttpApi::read(scope, IMPLICIT_API, node.at, None, globals));
    }
    function::assign_names(&mut template.functions, &scope.notes);
    references::check(&template, &scope.notes);
    template
}

/// Notes every transform but SAM's: it would make another template of this one.
fn check_transforms(root: Members<'_>) {
    let transforms = match root.get("Transform") {
        Some(Node { value: Value::Sequence(nodes), .. }) => nodes.as_slice(),
        Some(node) => std::slice::from_ref(node),
        None => &[],
    };
    for node in transforms {
        if let Some(name) = root.valid(node.text())
            && name != SAM
        {
            root.problem(node, format!("the transform {name} is not supported: only {SAM} is"));
        }
    }
}

fn resource(root: &Node, scope: &Scope<'_>, entry: &Entry, template: &mut Template) {
    let Entry { key: id, at, node } = entry;
    let members = Members { node, notes: &scope.notes }.check(&ATTRIBUTES);
    let Some((place, name)) = members.require("Type").zip(members.text("Type")) else { return };
    let problem = |message: String| scope.notes.problem(place.at, message);
    let globals = |kind: &str| root.at(&["Globals", kind]);
    match kind(name) {
        Kind::Function => {
            let function = Function::read(scope, entry, globals("Function"), &mut template.warnings);
            template.functions.push(function);
        }
        Kind::Table => template.tables.extend(Table::read(scope, entry)),
        Kind::SimpleTable => template.tables.push(Table::read_simple(scope, entry)),
        Kind::Queue => template.queues.push(Queue::read(scope, entry)),
        Kind::HttpApi if template.http_api.is_some() => problem("only one HTTP API is supported".to_owned()),
        Kind::HttpApi => {
            template.http_api = Some(HttpApi::read(scope, id, *at, Some(node), globals("HttpApi")));
        }
        Kind::Management => {}
        Kind::NotHosted { deliveries } => match unhosted::receiver(scope, node, deliveries) {
            Some(receiver) => problem(format!(
                "{name} is not hosted, so {receiver} would get nothing from {id}: leave {id} out, or use an event \
                 of the function (HttpApi, SQS, DynamoDB, Schedule, ScheduleV2)"
            )),
            None if unhosted::serves_management_only(scope, id) => {}
            None => template.not_hosted.push(format!("{id} ({name})")),
        },
        Kind::Unsupported(hint) => problem(format!("{name} is not supported: {hint}")),
        Kind::Unknown => problem(format!(
            "{name} is no type that the local stack knows. It hosts functions (AWS::Serverless::Function), HTTP APIs \
             (AWS::Serverless::HttpApi), tables (AWS::DynamoDB::Table, AWS::Serverless::SimpleTable) and queues \
             (AWS::SQS::Queue)"
        )),
    }
}
