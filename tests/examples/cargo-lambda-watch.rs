//! `cargo lambda watch` with the routes and the variables that template.yaml gives the functions.
//!
//!     cargo-lambda-watch READY_FILE [FLAG...]
//!
//! `READY_FILE` is what a running local stack has written (`cargo run -- --ready-file READY_FILE`): the functions use its
//! tables and queues. Routes and variables are written into files beside it, which end in `.toml` and `.env`. The flags
//! are those of `cargo lambda watch`.

#![allow(clippy::unwrap_used, reason = "a program that cannot continue must end with a message")]

use std::{collections::BTreeMap, env, fmt::Write, fs, os::unix::process::CommandExt, process::Command};

use e2e::{routes, template, workspace};
use serde_json::Value;

fn main() {
    let mut arguments = env::args_os().skip(1);
    let Some(ready_file) = arguments.next() else {
        eprintln!("usage: cargo-lambda-watch READY_FILE [FLAG...]");
        std::process::exit(2);
    };
    let ready_file = fs::canonicalize(&ready_file)
        .unwrap_or_else(|error| panic!("{}: {error}; is the stack running?", ready_file.display()));
    let ready: Value = serde_json::from_slice(&fs::read(&ready_file).unwrap()).unwrap();
    let (config, variables) = (ready_file.with_extension("toml"), ready_file.with_extension("env"));
    fs::write(&config, router()).unwrap();
    fs::write(&variables, environment(&ready)).unwrap();
    let mut watch = Command::new("cargo");
    watch.current_dir(workspace()).args(["lambda", "watch", "--global"]).arg(config);
    let error = watch.arg("--env-file").arg(variables).args(arguments).exec();
    panic!("cargo lambda watch: {error}");
}

/// The routes of the template in cargo-lambda's configuration format.
fn router() -> String {
    let mut paths: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (function, route) in routes() {
        let entry = format!("{{ method = {:?}, function = {function:?} }}", route.method);
        paths.entry(route.path).or_default().push(entry);
    }
    paths.iter().fold("[watch.router]\n".to_owned(), |mut file, (path, entries)| {
        writeln!(file, "{path:?} = [{}]", entries.join(", ")).unwrap();
        file
    })
}

/// The variables of all functions: a variable has the same value in each function that has it.
fn environment(ready: &Value) -> String {
    let mut variables = BTreeMap::from([
        ("AWS_REGION".to_owned(), "us-east-1".to_owned()),
        ("AWS_ACCESS_KEY_ID".to_owned(), "local".to_owned()),
        ("AWS_SECRET_ACCESS_KEY".to_owned(), "local".to_owned()),
        ("AWS_ENDPOINT_URL_DYNAMODB".to_owned(), ready["dynamodb"].as_str().unwrap().to_owned()),
        ("AWS_ENDPOINT_URL_SQS".to_owned(), ready["sqs"].as_str().unwrap().to_owned()),
    ]);
    for function in template().functions {
        for (name, text) in function.environment {
            let value = text.resolve(|reference| {
                let id = &reference.resource;
                let named = ready["tables"].get(id).or_else(|| ready["queues"].get(id))?;
                named.as_str().map(str::to_owned)
            });
            variables.insert(name, value.unwrap_or_else(|reference| panic!("what is {reference:?}?")));
        }
    }
    variables.iter().fold(String::new(), |mut file, (name, value)| {
        writeln!(file, "{name}={value}").unwrap();
        file
    })
}
