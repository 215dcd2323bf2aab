//! Has cargo build the binaries that the template names.

use std::{
    collections::{BTreeMap, HashMap},
    ffi::OsStr,
    path::{Path, PathBuf},
    process::Stdio,
};

use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::Command,
};

use crate::{code::Code, error::Error};

/// Where each binary is: by its name or, for a template's functions, by their logical ids.
pub type Binaries = HashMap<String, PathBuf>;

/// The code of a template's functions, and how it is built.
#[derive(Clone, Debug)]
pub struct Projects {
    /// By the logical ids of the functions.
    functions: BTreeMap<String, Code>,
    release: bool,
}

impl Projects {
    /// The code of functions, by their logical ids.
    #[must_use]
    pub fn new(functions: BTreeMap<String, Code>, release: bool) -> Self {
        Self { functions, release }
    }

    /// The number of functions that cargo builds.
    #[must_use]
    pub fn unbuilt(&self) -> usize {
        self.functions.values().filter(|code| matches!(code, Code::Cargo { .. })).count()
    }

    /// Has cargo build all that is not built.
    ///
    /// # Errors
    /// The first project that does not build.
    pub async fn build(&self) -> Result<Binaries, Error> {
        let mut folders: BTreeMap<&Path, Vec<&str>> = BTreeMap::new();
        for code in self.functions.values() {
            let Code::Cargo { folder, binary } = code else { continue };
            let binaries = folders.entry(folder).or_default();
            if !binaries.contains(&binary.as_str()) {
                binaries.push(binary);
            }
        }
        let mut built = BTreeMap::new();
        for (folder, names) in folders {
            built.insert(folder, build(folder, &names, self.release).await?);
        }
        let path = |code: &Code| match code {
            Code::Built(file) => Ok(file.clone()),
            Code::Cargo { folder, binary } => {
                let path = built.get(folder.as_path()).and_then(|built| built.get(binary));
                path.cloned().ok_or_else(|| Error::Build(format!("cargo built no binary named {binary}")))
            }
        };
        self.functions.iter().map(|(id, code)| Ok((id.clone(), path(code)?))).collect()
    }
}

/// Builds `binaries` in the workspace of `folder`. cargo's progress goes to standard error as it comes.
///
/// No package is named: so cargo resolves the features of the workspace's default members, as `cargo run` did, and
/// compiles no dependency a second time.
///
/// # Errors
/// When cargo cannot be run or does not build every binary.
pub async fn build(folder: &Path, binaries: &[&str], release: bool) -> Result<Binaries, Error> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(&cargo);
    command.current_dir(folder).arg("build").arg("--message-format=json-render-diagnostics");
    for binary in binaries {
        command.arg("--bin").arg(binary);
    }
    if release {
        command.arg("--release");
    }
    // The variables that `cargo run` sets for its program must not reach another cargo.
    for (name, _) in std::env::vars_os() {
        if is_set_by_cargo_run(&name) {
            command.env_remove(name);
        }
    }
    let cannot = |error: &dyn std::fmt::Display| {
        Error::Build(format!(
            "cannot run {}: {error}. Rust and cargo must be installed (https://rustup.rs).",
            cargo.display()
        ))
    };
    let mut cargo_process = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| cannot(&error))?;
    let mut built = Binaries::new();
    if let Some(output) = cargo_process.stdout.take() {
        let mut lines = BufReader::new(output).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            built.extend(executable(&line));
        }
    }
    let status = cargo_process.wait().await.map_err(|error| cannot(&error))?;
    if !status.success() {
        return Err(Error::Build(
            "cargo could not build the functions: its errors are above. Fix them and start again.".to_owned(),
        ));
    }
    match binaries.iter().find(|binary| !built.contains_key(**binary)) {
        Some(missing) => {
            Err(Error::Build(format!("cargo built no binary named {missing}, which the template names")))
        }
        None => Ok(built),
    }
}

fn is_set_by_cargo_run(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    let kept = [
        "CARGO_HOME",
        "CARGO_TARGET_DIR",
        "CARGO_TERM_",
        "CARGO_BUILD_",
        "CARGO_NET_",
        "CARGO_INCREMENTAL",
        "CARGO_PROFILE_",
    ];
    name.starts_with("CARGO_") && !kept.iter().any(|kept| name.starts_with(kept))
}

/// The name and path in one of cargo's messages, if it is about a binary.
fn executable(message: &str) -> Option<(String, PathBuf)> {
    let message: Value = serde_json::from_str(message).ok()?;
    let binary = message["target"]["kind"].as_array()?.iter().any(|kind| kind == "bin");
    let path = message["executable"].as_str().filter(|_| binary)?;
    Some((message["target"]["name"].as_str()?.to_owned(), PathBuf::from(path)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_cargos_messages() {
        let message = r#"{"reason":"compiler-artifact","target":{"kind":["bin"],"name":"get-order"},"executable":"/t/get-order"}"#;
        assert_eq!(executable(message), Some(("get-order".to_owned(), PathBuf::from("/t/get-order"))));
        let library =
            r#"{"reason":"compiler-artifact","target":{"kind":["lib"],"name":"orders"},"executable":null}"#;
        assert_eq!(executable(library), None);
        assert_eq!(executable("warning: text"), None);
    }

    #[test]
    fn keeps_the_settings_of_cargo_itself() {
        assert!(is_set_by_cargo_run(OsStr::new("CARGO_MANIFEST_DIR")));
        assert!(!is_set_by_cargo_run(OsStr::new("CARGO_TARGET_DIR")));
        assert!(!is_set_by_cargo_run(OsStr::new("PATH")));
    }
}
