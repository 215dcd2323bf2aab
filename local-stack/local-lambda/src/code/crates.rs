//! What cargo says of a crate.

use std::{path::Path, process::Command};

use serde_json::Value;

/// Checks that cargo finds a crate or workspace: in the folder or, as cargo does, above it.
pub(super) fn check_manifest(folder: &Path) -> Result<(), String> {
    let absolute = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    if absolute.ancestors().any(|folder| folder.join("Cargo.toml").is_file()) {
        return Ok(());
    }
    Err(format!("there is no Cargo.toml in {}", folder.display()))
}

/// The binary of the crate in a folder, or of the workspace there, if it has only one.
pub(super) fn only_binary(folder: &Path) -> Result<String, String> {
    let mut binaries = binaries(folder)?;
    binaries.sort();
    match binaries.as_slice() {
        [binary] => Ok(binary.clone()),
        [] => Err(format!("the crate in {} has no binary", folder.display())),
        _ => Err(format!(
            "{} has the binaries {}: say which with Metadata: {{BuildProperties: {{Binary: NAME}}}}",
            folder.display(),
            binaries.join(", ")
        )),
    }
}

fn binaries(folder: &Path) -> Result<Vec<String>, String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let manifest = folder.join("Cargo.toml");
    let output = Command::new(&cargo)
        .args(["metadata", "--no-deps", "--format-version=1", "--offline", "--manifest-path"])
        .arg(&manifest)
        .output()
        .map_err(|error| format!("cannot run {}: {error}", cargo.display()))?;
    if !output.status.success() {
        let errors = String::from_utf8_lossy(&output.stderr);
        let errors: Vec<_> = errors.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        return Err(format!("cargo cannot read {}: {}", manifest.display(), errors.join(" ")));
    }
    let metadata: Value = serde_json::from_slice(&output.stdout)
        .map_err(|error| format!("cannot read what cargo says of {}: {error}", manifest.display()))?;
    let manifest = manifest.canonicalize().unwrap_or(manifest);
    let packages = metadata["packages"].as_array().map_or(&[][..], Vec::as_slice);
    let here: Vec<_> = packages
        .iter()
        .filter(|package| package["manifest_path"].as_str().is_some_and(|path| Path::new(path) == manifest))
        .collect();
    let chosen = if here.is_empty() { packages.iter().collect() } else { here };
    let targets = chosen.into_iter().filter_map(|package| package["targets"].as_array()).flatten();
    let is_binary = |target: &&Value| {
        target["kind"].as_array().is_some_and(|kinds| kinds.iter().any(|kind| kind == "bin"))
    };
    Ok(targets.filter(is_binary).filter_map(|target| Some(target["name"].as_str()?.to_owned())).collect())
}
