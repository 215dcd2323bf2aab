//! Nothing is forgotten when a function is added: each file that it needs is there.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    process::Command,
};

use e2e::{Openapi, fixtures::fixtures, functions, routes, workspace};
use serde_json::Value;

/// What the files of the repository say about functions, each by name.
#[derive(Clone, Debug, Default)]
struct Facts {
    /// In template.yaml.
    functions: BTreeSet<String>,
    /// In template.yaml: `GET /products`, with the function.
    routes: BTreeMap<String, String>,
    /// In docs/openapi.yaml: `GET /products`.
    documented: BTreeSet<String>,
    /// The binaries below functions/, each with its crate.
    binaries: BTreeMap<String, String>,
    /// `packages` in CargoLambda.toml.
    built: BTreeSet<String>,
    /// The folders in events/ that hold an event, each with whether one says which calls to AWS are expected.
    events: BTreeMap<String, bool>,
}

impl Facts {
    fn read() -> Self {
        let route = |method: &str, path: &str| format!("{method} {path}");
        let (binaries, built) = (binaries(), built());
        let mut events = BTreeMap::new();
        for fixture in fixtures() {
            *events.entry(fixture.function).or_default() |= fixture.expected.calls.is_some();
        }
        Self {
            functions: functions().into_iter().collect(),
            routes: routes()
                .into_iter()
                .map(|(function, at)| (route(&at.method, &at.path), function))
                .collect(),
            documented: Openapi::read().routes().map(|(method, path)| route(&method, path)).collect(),
            binaries,
            built,
            events,
        }
    }

    /// What is missing, a sentence each.
    fn forgotten(&self) -> Vec<String> {
        let mut forgotten = Vec::new();
        for name in self.functions.iter().filter(|name| !self.binaries.contains_key(*name)) {
            forgotten.push(format!(
                "template.yaml declares {name}, but there is no such binary: add functions/<service>/src/bin/{name}.rs"
            ));
        }
        for (name, package) in self.binaries.iter().filter(|(name, _)| !self.functions.contains(*name)) {
            forgotten.push(format!(
                "the crate {package} has the binary {name}, but no function runs it: add one with `Binary: {name}` to template.yaml"
            ));
        }
        let packages: BTreeSet<_> = self.binaries.values().collect();
        for package in packages.into_iter().filter(|package| !self.built.contains(*package)) {
            forgotten.push(format!(
                "`sam build` does not build the crate {package}: add it to `packages` in CargoLambda.toml"
            ));
        }
        for (route, name) in self.routes.iter().filter(|(route, _)| !self.documented.contains(*route)) {
            forgotten.push(format!(
                "template.yaml routes {route} to {name}, but the route is not documented: add it to docs/openapi.yaml"
            ));
        }
        for route in self.documented.iter().filter(|route| !self.routes.contains_key(*route)) {
            forgotten.push(format!(
                "docs/openapi.yaml documents {route}, but nothing answers it: add an HttpApi event to a function in template.yaml"
            ));
        }
        for name in self.functions.iter().filter(|name| !self.events.contains_key(*name)) {
            forgotten.push(format!("{name} has no sample event: add events/{name}/<case>.json"));
        }
        let http: BTreeSet<_> = self.routes.values().collect();
        for name in http.into_iter().filter(|name| self.events.get(*name) == Some(&false)) {
            forgotten.push(format!(
                "no event of {name} says how many calls to AWS it may make: add \"calls\" to \"expected\" in one of events/{name}/"
            ));
        }
        forgotten
    }
}

/// The binaries of the crates below functions/, as cargo knows them.
fn binaries() -> BTreeMap<String, String> {
    let arguments = ["metadata", "--no-deps", "--offline", "--format-version", "1"];
    let metadata = Command::new(env!("CARGO")).args(arguments).current_dir(workspace()).output().unwrap();
    let metadata: Value = serde_json::from_slice(&metadata.stdout).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let functions = workspace().join("functions").to_str().unwrap().to_owned();
    let mut binaries = BTreeMap::new();
    for package in metadata["packages"].as_array().unwrap() {
        if text(&package["manifest_path"]).starts_with(&functions) {
            let targets = package["targets"].as_array().unwrap().iter();
            let targets = targets.filter(|target| target["kind"][0] == "bin");
            binaries.extend(targets.map(|target| (text(&target["name"]), text(&package["name"]))));
        }
    }
    binaries
}

fn built() -> BTreeSet<String> {
    let file = fs::read_to_string(workspace().join("CargoLambda.toml")).unwrap();
    let packages = file.lines().find_map(|line| line.strip_prefix("packages = ")).unwrap();
    serde_json::from_str::<Vec<String>>(packages).unwrap().into_iter().collect()
}

#[test]
fn no_file_of_a_function_is_forgotten() {
    let forgotten = Facts::read().forgotten();
    assert!(forgotten.is_empty(), "\n{}", forgotten.join("\n"));
}

/// Everything that `GET /categories` needs.
fn complete() -> Facts {
    let one = |text: &str| BTreeSet::from([text.to_owned()]);
    let pair = |name: &str, value: &str| BTreeMap::from([(name.to_owned(), value.to_owned())]);
    Facts {
        functions: one("list-categories"),
        routes: pair("GET /categories", "list-categories"),
        documented: one("GET /categories"),
        binaries: pair("list-categories", "catalog"),
        built: one("catalog"),
        events: BTreeMap::from([("list-categories".to_owned(), true)]),
    }
}

#[test]
fn each_forgotten_file_is_named_in_a_sentence() {
    assert_eq!(complete().forgotten(), Vec::<String>::new());
    let without = |forget: fn(&mut Facts)| {
        let mut facts = complete();
        forget(&mut facts);
        facts.forgotten().join("\n")
    };
    assert_eq!(
        without(|facts| facts.binaries.clear()),
        "template.yaml declares list-categories, but there is no such binary: add functions/<service>/src/bin/list-categories.rs"
    );
    assert_eq!(
        without(|facts| {
            facts.functions.clear();
            facts.routes.clear();
            facts.documented.clear();
        }),
        "the crate catalog has the binary list-categories, but no function runs it: add one with `Binary: list-categories` to template.yaml"
    );
    assert_eq!(
        without(|facts| facts.built.clear()),
        "`sam build` does not build the crate catalog: add it to `packages` in CargoLambda.toml"
    );
    assert_eq!(
        without(|facts| facts.documented.clear()),
        "template.yaml routes GET /categories to list-categories, but the route is not documented: add it to docs/openapi.yaml"
    );
    assert_eq!(
        without(|facts| facts.routes.clear()),
        "docs/openapi.yaml documents GET /categories, but nothing answers it: add an HttpApi event to a function in template.yaml"
    );
    assert_eq!(
        without(|facts| facts.events.clear()),
        "list-categories has no sample event: add events/list-categories/<case>.json"
    );
    assert_eq!(
        without(|facts| facts.events = BTreeMap::from([("list-categories".to_owned(), false)])),
        "no event of list-categories says how many calls to AWS it may make: add \"calls\" to \"expected\" in one of events/list-categories/"
    );
}
