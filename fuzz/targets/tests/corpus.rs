//! Replays what the fuzzer kept, and the repository's own fixtures, through every target.

#![allow(clippy::unwrap_used, reason = "a test that cannot continue must panic")]

use std::{
    fs,
    path::{Path, PathBuf},
};

use fuzz_targets::{TARGETS, Target};

/// The files that a target reads: its corpus, and its fixtures.
fn inputs(target: &Target) -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let corpus = root.join("fuzz/corpus").join(target.name);
    let places = target.fixtures.iter().map(|fixture| root.join(fixture)).chain([corpus]);
    places.flat_map(|place| files_below(&place)).collect()
}

/// The file itself, or all files in the folder and its folders.
fn files_below(place: &Path) -> Vec<PathBuf> {
    if !place.is_dir() {
        return vec![place.to_owned()];
    }
    files(place).iter().flat_map(|place| files_below(place)).collect()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

#[test]
fn no_input_that_was_kept_breaks_a_promise() {
    for target in &TARGETS {
        let inputs = inputs(target);
        assert!(!inputs.is_empty(), "{} has nothing to read", target.name);
        for input in inputs {
            let bytes = fs::read(&input).unwrap();
            let held = std::panic::catch_unwind(|| (target.run)(&bytes));
            assert!(held.is_ok(), "{} breaks a promise at {}", target.name, input.display());
        }
    }
}

#[test]
fn every_target_has_a_binary_and_a_corpus_and_nothing_else_has() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let names = |folder: &str| -> Vec<String> {
        let files = files(&fuzz.join(folder));
        files.iter().map(|file| file.file_stem().unwrap().to_str().unwrap().to_owned()).collect()
    };
    let mut targets: Vec<_> = TARGETS.iter().map(|target| target.name.to_owned()).collect();
    targets.sort();
    assert_eq!(names("fuzz_targets"), targets);
    assert_eq!(names("corpus"), targets);
}
