//! The pipeline runs what was reviewed: actions by commit, Python packages by hash, and deploys only what passed the checks.

use std::{
    fs,
    path::{Path, PathBuf},
};

use e2e::workspace;
use serde_json::Value;

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The files of a folder, and of those below it.
fn files(folder: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![workspace().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files
}

fn workflow(name: &str) -> Value {
    serde_saphyr::from_str(&read(&workspace().join(".github/workflows").join(name))).unwrap()
}

/// The lines that take an action by something else than a commit and the version that it is.
fn unpinned(workflow: &str) -> Vec<&str> {
    let uses = workflow.lines().filter_map(|line| line.trim_start_matches([' ', '-']).strip_prefix("uses: "));
    uses.filter(|action| {
        let commit = action.split_once('@').and_then(|(_, at)| at.split_once(" # v"));
        let pinned = commit.is_some_and(|(commit, _)| {
            commit.len() == 40 && commit.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        });
        !pinned && !action.starts_with("./.github/workflows/")
    })
    .collect()
}

#[test]
fn actions_are_taken_by_commit() {
    let mut actions = 0;
    for file in files(".github/workflows") {
        let text = read(&file);
        actions += text.matches("uses: ").count();
        assert_eq!(unpinned(&text), Vec::<&str>::new(), "{}", file.display());
    }
    assert!(actions > 10, "{actions} actions: this proves nothing");
    let commit = "3d3c42e5aac5ba805825da76410c181273ba90b1";
    let line = format!("  - uses: actions/checkout@{commit}");
    assert_eq!(unpinned(&format!("{line} # v7.0.1")), Vec::<&str>::new());
    for loose in ["  - uses: actions/checkout@v7", "  uses: o/r@main # v1", &line] {
        assert_eq!(unpinned(loose).len(), 1, "{loose}");
    }
}

/// The lines that install Python packages without hashes.
fn unhashed(script: &str) -> Vec<&str> {
    let installs = |line: &&str| {
        let code = line.trim_start();
        !code.starts_with(['#', '/']) && code.contains("pip") && code.contains(" install ")
    };
    // Hints for people, in backquotes, install nothing.
    script
        .lines()
        .filter(installs)
        .filter(|line| !line.contains("--require-hashes") && !line.contains('`'))
        .collect()
}

#[test]
fn python_packages_are_installed_by_hash() {
    let mut installs = 0;
    for file in [".github/workflows", ".ci", "scripts"].into_iter().flat_map(files) {
        let Ok(text) = fs::read_to_string(&file) else { continue };
        installs += text.matches("--require-hashes").count();
        assert_eq!(unhashed(&text), Vec::<&str>::new(), "{}", file.display());
    }
    assert!(installs > 0, "nothing is installed: this proves nothing");
    assert_eq!(unhashed("  pip install --quiet x==1").len(), 1);
}

#[test]
fn each_python_package_is_one_version_with_its_hashes() {
    for file in files("scripts/requirements").iter().filter(|file| file.extension().unwrap() == "txt") {
        let text = read(file);
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let joined = lines.collect::<Vec<_>>().join("\n").replace("\\\n", "");
        for package in joined.lines() {
            assert!(
                package.contains("==") && package.contains("--hash=sha256:"),
                "{}: {package}",
                file.display()
            );
        }
        for tool in read(&file.with_extension("in")).lines() {
            assert!(
                joined.lines().any(|package| package.starts_with(tool)),
                "{} lacks {tool}",
                file.display()
            );
        }
    }
}

/// The jobs that may ask GitHub for a token that AWS accepts.
fn trusted_jobs(workflow: &Value) -> Vec<String> {
    let trusted = |of: &Value| of["permissions"]["id-token"] == "write" || of["permissions"] == "write-all";
    let all = trusted(workflow);
    let jobs = workflow["jobs"].as_object().unwrap().iter();
    let jobs = jobs.filter(|(_, job)| if job["permissions"].is_null() { all } else { trusted(job) });
    jobs.map(|(name, _)| name.clone()).collect()
}

#[test]
fn only_what_passed_the_checks_on_main_is_deployed() {
    let deploy = workflow("deploy.yml");
    let jobs = &deploy["jobs"];
    assert_eq!(jobs["ci"]["uses"], "./.github/workflows/ci.yml");
    assert_eq!(jobs["build"]["needs"], "ci");
    assert!(jobs["build"]["if"].as_str().unwrap().contains("github.ref == 'refs/heads/main'"));
    assert_eq!(jobs["dev"]["needs"], "build");
    assert_eq!(jobs["prod"]["needs"], "dev");
    assert!(workflow("ci.yml")["jobs"]["ci"]["if"].is_null(), "a job that is skipped counts as passed");
    // `always()` and its like would run a job after one that failed.
    for (name, job) in jobs.as_object().unwrap() {
        let condition = job["if"].as_str().unwrap_or_default();
        assert!(
            !["always()", "failure()", "cancelled()"].iter().any(|one| condition.contains(one)),
            "{name}"
        );
        assert!(job["continue-on-error"].is_null(), "{name}");
    }
}

#[test]
fn no_other_job_may_deploy() {
    let mut trusted = Vec::new();
    for file in files(".github/workflows") {
        let name = file.file_name().unwrap().to_str().unwrap();
        assert!(
            !read(&file).contains("pull_request_target"),
            "{name} runs foreign code with this repository's rights"
        );
        trusted.extend(trusted_jobs(&workflow(name)).into_iter().map(|job| format!("{name} {job}")));
    }
    trusted.sort();
    assert_eq!(trusted, ["deploy-to.yml deploy", "deploy.yml dev", "deploy.yml prod"]);
}
