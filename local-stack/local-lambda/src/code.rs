//! Where the code of each function is: a crate that cargo builds, or a folder with a file `bootstrap` that has been built.

mod crates;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use sam_template::{BuildMethod, Function, Problem, Template};

/// The code of a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Code {
    /// A binary of a crate or workspace.
    Cargo {
        /// The folder of the crate or workspace.
        folder: PathBuf,
        /// The name of the binary.
        binary: String,
    },
    /// A file that is ready to run.
    Built(PathBuf),
}

/// The file that Lambda starts on the runtimes `provided.*`.
const BOOTSTRAP: &str = "bootstrap";
/// Where `sam build` puts a function's files, in a folder of the function's logical id.
const SAM_BUILD: &str = ".aws-sam/build";

/// The code of each function, by logical id, and what is wrong with the others. Binaries that cargo would build are taken
/// from `binaries`, if that folder is given.
#[must_use]
pub fn locate(template: &Template, binaries: Option<&Path>) -> (BTreeMap<String, Code>, Vec<Problem>) {
    let (mut found, mut problems) = (BTreeMap::new(), Vec::new());
    for function in &template.functions {
        let code = code(function, &home(template), binaries).and_then(|code| match (code, binaries) {
            (Code::Cargo { binary, .. }, Some(folder)) => built(folder, &binary),
            (code, _) => Ok(code),
        });
        match code {
            Ok(code) => _ = found.insert(function.logical_id.clone(), code),
            Err(message) => {
                let place = function.code.binary.as_ref().filter(|_| binaries.is_some());
                let at = place.unwrap_or(&function.code.uri).at;
                problems.push(Problem::new(at, format!("{}: {message}", function.logical_id)));
            }
        }
    }
    (found, problems)
}

/// The folder that `CodeUri` is relative to.
fn home(template: &Template) -> PathBuf {
    let folder = template.path.parent().filter(|path| !path.as_os_str().is_empty());
    folder.unwrap_or(Path::new(".")).to_owned()
}

/// A binary in a folder of binaries.
fn built(folder: &Path, binary: &str) -> Result<Code, String> {
    let file = folder.join(binary);
    if file.is_file() {
        return Ok(Code::Built(file));
    }
    let hint = "build it, or leave out --bin-dir, and it is built";
    Err(format!("there is no binary {}: {hint}", file.display()))
}

fn code(function: &Function, home: &Path, binaries: Option<&Path>) -> Result<Code, String> {
    if let (Some(folder), Some(binary)) = (binaries, &function.code.binary) {
        return built(folder, &binary.text);
    }
    // Without the dots within `././source`.
    let folder: PathBuf = home.join(&function.code.uri.text).components().collect();
    if folder.is_file() {
        return Err(format!("CodeUri must name a folder, and {} is a file", folder.display()));
    }
    if !folder.is_dir() {
        let is_output = function.code.uri.text.contains("target/lambda");
        let hint = if is_output { ": `cargo lambda build` makes it" } else { "" };
        return Err(format!("there is no folder {}, which CodeUri names{hint}", folder.display()));
    }
    let built = [folder.join(BOOTSTRAP), home.join(SAM_BUILD).join(&function.logical_id).join(BOOTSTRAP)];
    let built = built.into_iter().find(|file| file.is_file());
    let crate_here = folder.join("Cargo.toml").is_file();
    match (function.code.build, &function.code.binary, built) {
        (BuildMethod::Cargo | BuildMethod::None, Some(binary), _) => {
            crates::check_manifest(&folder)?;
            Ok(Code::Cargo { folder, binary: binary.text.clone() })
        }
        (BuildMethod::Makefile | BuildMethod::None, _, Some(file)) => {
            check_machine(&file)?;
            Ok(Code::Built(file))
        }
        (BuildMethod::Makefile, _, None) => Err(format!(
            "make is not run here: build the function first with `sam build {}`, which puts it into {SAM_BUILD}",
            function.logical_id
        )),
        (BuildMethod::Cargo, None, _) | (BuildMethod::None, None, None) if crate_here => {
            let binary = crates::only_binary(&folder)?;
            Ok(Code::Cargo { folder, binary })
        }
        (BuildMethod::Cargo, None, _) => Err(format!("there is no Cargo.toml in {}", folder.display())),
        (BuildMethod::None, None, None) => Err(format!(
            "{} holds neither a file {BOOTSTRAP} nor a Cargo.toml: build the function first, or name its crate",
            folder.display()
        )),
    }
}

/// The machine that an ELF file is built for, if it is one that Lambda has:
/// <https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.eheader.html>
fn machine(file: &Path) -> Option<&'static str> {
    let bytes = fs::read(file).ok()?;
    let header = bytes.get(..20).filter(|header| header.starts_with(b"\x7fELF"))?;
    match header[18..] {
        [0x3e, 0] => Some("x86_64"),
        [0xb7, 0] => Some("aarch64"),
        _ => None,
    }
}

fn check_machine(file: &Path) -> Result<(), String> {
    match machine(file) {
        Some(machine) if machine != std::env::consts::ARCH => Err(format!(
            "{} is built for {machine}, and this machine is {}: build it for this machine",
            file.display(),
            std::env::consts::ARCH
        )),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use sam_template::Settings;

    use super::*;

    /// Each function's code, or what is wrong with it, for functions with these members in a folder with these files.
    fn located(functions: &[&str], files: &[(&str, &str)]) -> (tempfile::TempDir, Vec<Result<Code, String>>) {
        let folder = tempfile::tempdir().unwrap();
        for (file, text) in files {
            let file = folder.path().join(file);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        }
        let mut text = "Resources:\n".to_owned();
        for (index, members) in functions.iter().enumerate() {
            text.push_str(&format!("  F{index}: {{Type: AWS::Serverless::Function, {members}}}\n"));
        }
        let path = folder.path().join("template.yaml");
        let template = Template::parse(&text, &path, &Settings::default()).unwrap();
        let results =
            template.functions.iter().map(|function| code(function, &home(&template), None)).collect();
        (folder, results)
    }

    const CRATE: &str = "[package]\nname = \"one\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[workspace]\n";
    const MAIN: &str = "fn main() {}\n";
    const TWO: &str =
        "[[bin]]\nname = \"a\"\npath = \"src/main.rs\"\n[[bin]]\nname = \"b\"\npath = \"src/main.rs\"\n";

    #[test]
    fn building_rust_a_crate_with_one_binary_needs_no_name() {
        let cargo = "Metadata: {BuildMethod: rust-cargolambda}, Properties: {CodeUri: one}";
        let files = [("one/Cargo.toml", CRATE), ("one/src/main.rs", MAIN)];
        let (folder, found) = located(&[cargo, "Properties: {CodeUri: one}"], &files);
        let one = Code::Cargo { folder: folder.path().join("one"), binary: "one".to_owned() };
        assert_eq!(found, [Ok(one.clone()), Ok(one)]);

        let two = format!("{CRATE}{TWO}");
        let (_, found) = located(&[cargo], &[("one/Cargo.toml", &two), ("one/src/main.rs", MAIN)]);
        let message = found[0].as_ref().unwrap_err();
        assert!(message.contains("has the binaries a, b: say which with Metadata"), "{message}");
    }

    #[test]
    fn a_folder_that_holds_a_bootstrap_is_taken_as_it_is() {
        let makefile = "Metadata: {BuildMethod: makefile}, Properties: {CodeUri: source}";
        let files = [
            ("built/bootstrap", "#!/bin/sh"),
            ("source/Makefile", ""),
            (".aws-sam/build/F1/bootstrap", "#!/bin/sh"),
        ];
        let (folder, found) = located(&["Properties: {CodeUri: built}", makefile, makefile], &files);
        let file = |name: &str| Ok(Code::Built(folder.path().join(name)));
        assert_eq!(found[..2], [file("built/bootstrap"), file(".aws-sam/build/F1/bootstrap")]);
        let message = found[2].as_ref().unwrap_err();
        assert!(message.contains("build the function first with `sam build F2`"), "{message}");
    }

    #[test]
    fn what_is_missing_is_named() {
        let named = "Metadata: {BuildProperties: {Binary: a}}, Properties: {CodeUri: empty}";
        let (_, found) = located(
            &[
                "Properties: {CodeUri: gone}",
                "Properties: {CodeUri: empty}",
                "Properties: {CodeUri: a.zip}",
                named,
            ],
            &[("empty/x", ""), ("a.zip", "")],
        );
        let messages: Vec<_> = found.into_iter().map(Result::unwrap_err).collect();
        for (message, expected) in messages.iter().zip([
            "gone, which CodeUri names",
            "empty holds neither a file bootstrap nor a Cargo.toml",
            "a.zip is a file",
            "there is no Cargo.toml in ",
        ]) {
            assert!(message.contains(expected), "{message}");
        }
    }

    #[test]
    fn a_bootstrap_for_another_machine_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(BOOTSTRAP);
        let other = if cfg!(target_arch = "x86_64") { 0xb7 } else { 0x3e };
        let mut header = b"\x7fELF".to_vec();
        header.extend([0; 14]);
        header.extend([other, 0]);
        fs::write(&file, header).unwrap();
        assert!(check_machine(&file).unwrap_err().contains("build it for this machine"));
        assert_eq!(check_machine(&std::env::current_exe().unwrap()), Ok(()));
    }
}
