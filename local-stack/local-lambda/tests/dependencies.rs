//! The local stack hosts any template, so it must not depend on the shop that this repository hosts with it.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// Folders of the shop, and of the programs that know it.
const SHOP: [&str; 4] =
    ["functions", "local-dynamo", "local-stack/farthing", "local-stack/payment-simulator"];

/// The folders of the workspace's crates that this crate depends on, itself included.
fn dependencies() -> Vec<PathBuf> {
    let arguments = ["tree", "--package", "local-lambda", "--edges", "normal,dev,build", "--prefix", "none"];
    let mut cargo = Command::new(env!("CARGO"));
    let tree = cargo.args(arguments).args(["--offline", "--locked"]).current_dir(env!("CARGO_MANIFEST_DIR"));
    let output = tree.output().expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    // `meter v0.1.0 (/home/ada/farthing/local-stack/meter)`; crates of a registry have no folder.
    let lines = String::from_utf8(output.stdout).expect("cargo writes UTF-8");
    let folder = |line: &str| Some(line.split_once(" (/")?.1.split_once(')')?.0.to_owned());
    lines.lines().filter_map(folder).map(|path| Path::new("/").join(path)).collect()
}

#[test]
fn no_crate_of_the_shop_is_a_dependency() {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("two folders down");
    let dependencies = dependencies();
    let known = workspace.join("local-stack/sam-template");
    assert!(dependencies.contains(&known), "cargo tree lists path dependencies: {dependencies:?}");
    for folder in SHOP {
        let shop = workspace.join(folder);
        let found = dependencies.iter().find(|dependency| dependency.starts_with(&shop));
        assert!(
            found.is_none(),
            "local-lambda depends on {}, which belongs to the shop. Move what needs it to local-stack/farthing, which \
             knows both, or move what is needed to a crate that knows no application",
            found.map(|path| path.display().to_string()).unwrap_or_default()
        );
    }
}
