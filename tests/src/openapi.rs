//! `docs/openapi.yaml`, and whether a response is as it says.

use std::{collections::BTreeSet, fmt, fs};

use serde_json::{Value, json};

use crate::Response;

/// The description of the API.
#[derive(Debug)]
pub struct Openapi(Value);

/// A kind of answer of an operation.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Documented {
    /// `createOrder`
    pub operation: String,
    /// The status, or `default`.
    pub status: String,
    /// The last part of the problem's type, `gateway` for a response of API Gateway itself, or empty for a success.
    pub kind: String,
}

impl fmt::Display for Documented {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.operation, self.status, self.kind)
    }
}

/// What `info.description` says of every response of a function: no body is taken for another type than it is declared
/// as, and no error is stored.
fn check_security_headers(operation: &str, response: &Response) {
    let problem = response.problem().is_some();
    if problem || response.status < 400 {
        assert_eq!(response.header("x-content-type-options"), "nosniff", "{operation}: {response:?}");
    }
    if problem {
        assert_eq!(response.header("cache-control"), "no-store", "{operation}: {response:?}");
    }
}

const PROBLEM: &str = "urn:farthing:problem:";
/// What API Gateway answers itself.
const GATEWAY: &str = "gateway";

impl Openapi {
    /// Reads it.
    ///
    /// # Panics
    /// When it cannot be read.
    #[must_use]
    pub fn read() -> Self {
        let file = crate::workspace().join("docs/openapi.yaml");
        Self(serde_saphyr::from_str(&fs::read_to_string(file).unwrap()).unwrap())
    }

    /// Every kind of answer that it knows.
    #[must_use]
    pub fn documented(&self) -> BTreeSet<Documented> {
        let mut all = BTreeSet::new();
        for (operation, responses) in self.operations() {
            for (status, documented) in responses.as_object().unwrap() {
                let of = |kind: &str| Documented {
                    operation: operation.to_owned(),
                    status: status.clone(),
                    kind: kind.to_owned(),
                };
                let success = status.starts_with(['2', '3']);
                let contents = self.resolved(documented)["content"].as_object();
                match contents {
                    Some(contents) if !success => {
                        for content in contents.values() {
                            all.extend(self.kinds(&content["schema"]).into_iter().map(|kind| of(&kind)));
                        }
                    }
                    _ => {
                        all.insert(of(""));
                    }
                }
            }
        }
        all
    }

    /// The documented kind that a response is of.
    ///
    /// # Panics
    /// When it is of none, or not as the description says.
    #[must_use]
    pub fn check(&self, operation: &str, response: &Response) -> Documented {
        let (_, responses) = self.operations().find(|(id, _)| *id == operation).unwrap();
        let exact = response.status.to_string();
        let status = if responses.get(&exact).is_some() { exact } else { "default".to_owned() };
        let documented = self.resolved(&responses[&status]);
        self.check_headers(operation, documented, response);
        check_security_headers(operation, response);
        let kind = match documented["content"].as_object() {
            None => {
                assert!(response.body.is_empty(), "{operation} has a body: {response:?}");
                String::new()
            }
            Some(contents) => {
                let content = contents.get(response.header("content-type"));
                let content =
                    content.unwrap_or_else(|| panic!("{operation} answers another type: {response:?}"));
                self.check_schema(operation, &content["schema"], &response.json());
                match response.problem() {
                    Some(slug) => slug,
                    None if response.status >= 400 => GATEWAY.to_owned(),
                    None => String::new(),
                }
            }
        };
        Documented { operation: operation.to_owned(), status, kind }
    }

    fn check_headers(&self, operation: &str, documented: &Value, response: &Response) {
        for (name, header) in documented["headers"].as_object().into_iter().flatten() {
            let header = self.resolved(header);
            let Some(value) = response.headers.get(name) else {
                assert!(header["required"] != true, "{operation} lacks {name}: {response:?}");
                continue;
            };
            let text = value.to_str().unwrap();
            let value = match header["schema"]["type"].as_str() {
                Some("integer") => json!(text.parse::<i64>().unwrap()),
                _ => json!(text),
            };
            self.check_schema(operation, &header["schema"], &value);
        }
    }

    fn check_schema(&self, operation: &str, schema: &Value, value: &Value) {
        // References are to the description's own parts.
        let whole = json!({"allOf": [schema], "components": self.0["components"]});
        let validator =
            jsonschema::draft202012::options().should_validate_formats(true).build(&whole).unwrap();
        let errors: Vec<_> = validator.iter_errors(value).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{operation}: {errors:?} in {value}");
    }

    /// Method and path of every operation: `GET`, `/products`.
    pub fn routes(&self) -> impl Iterator<Item = (String, &str)> {
        self.paths().map(|(method, path, _)| (method, path))
    }

    /// The name of the operation of a route.
    ///
    /// # Panics
    /// When it is not documented.
    #[must_use]
    pub fn operation(&self, method: &str, path: &str) -> &str {
        let operation = self.paths().find(|(of, at, _)| of == method && *at == path);
        let (_, _, operation) = operation.unwrap_or_else(|| panic!("{method} {path} is not documented"));
        operation["operationId"].as_str().unwrap()
    }

    fn operations(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.paths().map(|(_, _, it)| (it["operationId"].as_str().unwrap(), &it["responses"]))
    }

    fn paths(&self) -> impl Iterator<Item = (String, &str, &Value)> {
        self.0["paths"].as_object().unwrap().iter().flat_map(|(path, methods)| {
            let methods = methods.as_object().unwrap().iter();
            methods.map(|(method, operation)| (method.to_uppercase(), path.as_str(), operation))
        })
    }

    /// The part itself where a part is only referred to.
    fn resolved<'a>(&'a self, part: &'a Value) -> &'a Value {
        match part["$ref"].as_str() {
            Some(reference) => self.0.pointer(reference.strip_prefix('#').unwrap()).unwrap(),
            None => part,
        }
    }

    /// The kinds of errors that a schema describes.
    fn kinds(&self, schema: &Value) -> Vec<String> {
        let schema = self.resolved(schema);
        if let Some(alternatives) = schema["oneOf"].as_array() {
            return alternatives.iter().flat_map(|schema| self.kinds(schema)).collect();
        }
        self.problem(schema).map_or_else(|| vec![GATEWAY.to_owned()], |slug| vec![slug])
    }

    fn problem(&self, schema: &Value) -> Option<String> {
        let schema = self.resolved(schema);
        let own = schema["properties"]["type"]["const"].as_str();
        let own = own.and_then(|kind| kind.strip_prefix(PROBLEM)).map(str::to_owned);
        own.or_else(|| schema["allOf"].as_array()?.iter().find_map(|part| self.problem(part)))
    }
}
