//! What the functions receive is read in one place, where a struct is read from an object only.

use std::{fs, path::PathBuf};

use e2e::workspace;

/// The sources of the functions, without their tests, each with its path.
fn sources() -> Vec<(PathBuf, String)> {
    let mut sources = Vec::new();
    let mut folders = vec![workspace().join("functions")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && path.file_name().is_none_or(|name| name != "tests") {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs")
                && !path.ends_with("tests.rs")
            {
                let text = fs::read_to_string(&path).unwrap();
                let code = text.split("#[cfg(test)]").next().unwrap().to_owned();
                sources.push((path, code));
            }
        }
    }
    sources
}

#[test]
fn no_json_is_read_past_the_one_reader() {
    let mut reads = 0;
    for (path, code) in sources() {
        reads += code.matches("json::from_").count();
        let own = path.ends_with("lambda-kit/src/json.rs") || path.ends_with("lambda-kit/src/http/body.rs");
        let past = [
            "serde_json::from_",
            "serde_json::Deserializer",
            "#[serde(untagged",
            "#[serde(flatten",
            "#[serde(tag",
        ]
        .into_iter()
        .find(|way| !own && code.contains(way));
        assert_eq!(
            past,
            None,
            "{}: read it by lambda_kit::json, which takes no array for a struct",
            path.display()
        );
    }
    assert!(reads >= 3, "{reads} reads: this proves nothing");
}
