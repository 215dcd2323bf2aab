//! Replaces the environments of a function when its binary has been rebuilt, and rebuilds binaries for `--watch`.
//!
//! Files are polled. cargo's `.d` files list the sources of each binary, so there are few of them, and build results are
//! not among them.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use tokio_util::sync::CancellationToken;

use crate::{
    build::{Binaries, Projects},
    pool::Pool,
    report::Report,
};

/// How often files are polled. A change counts when the next poll finds no further one.
const POLL_EVERY: Duration = Duration::from_millis(200);

/// The modification time and size of a file; none while it does not exist.
type Stamp = Option<(SystemTime, u64)>;

fn stamp(file: &Path) -> Stamp {
    let metadata = fs::metadata(file).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}

/// Files and their stamps at the last poll.
#[derive(Debug, Default)]
struct Files {
    settled: BTreeMap<PathBuf, Stamp>,
    changing: BTreeMap<PathBuf, Stamp>,
}

impl Files {
    fn of(files: impl IntoIterator<Item = PathBuf>) -> Self {
        let settled = files.into_iter().map(|file| (file.clone(), stamp(&file))).collect();
        Self { settled, changing: BTreeMap::new() }
    }

    /// The files that have changed, and have not changed again since the last poll.
    fn changed(&mut self) -> Vec<PathBuf> {
        let mut changed = Vec::new();
        for (file, settled) in &mut self.settled {
            let now = stamp(file);
            if now == *settled {
                self.changing.remove(file);
            } else if now.is_some() && self.changing.get(file) == Some(&now) {
                self.changing.remove(file);
                *settled = now;
                changed.push(file.clone());
            } else {
                self.changing.insert(file.clone(), now);
            }
        }
        changed
    }
}

/// Replaces the environments of each function whose binary is rebuilt, until `stop`. Running invocations end in the
/// environment they have.
pub async fn replace_rebuilt(functions: Vec<Arc<Pool>>, report: Report, stop: CancellationToken) {
    let mut files = Files::of(functions.iter().map(|function| function.binary()));
    while tick(&stop).await {
        let changed = files.changed();
        for function in functions.iter().filter(|function| changed.contains(&function.binary())) {
            function.replace();
            report.note(&format!("{}: rebuilt, its environments are replaced", function.name()));
        }
    }
}

/// Builds again when a source of the binaries is saved, until `stop`. A build that fails changes no function; cargo's
/// errors go to standard error.
pub async fn watch(projects: Projects, mut binaries: Binaries, report: Report, stop: CancellationToken) {
    let mut files = Files::of(sources(&binaries));
    while tick(&stop).await {
        let changed = files.changed();
        if changed.is_empty() {
            continue;
        }
        let names: Vec<_> = changed.iter().filter_map(|file| file.file_name()?.to_str()).collect();
        report.note(&format!("{} changed: building ...", names.join(", ")));
        let built = tokio::select! {
            () = stop.cancelled() => return,
            built = projects.build() => built,
        };
        match built {
            Ok(built) => {
                binaries = built;
                // There may be other sources now. The next poll finds changes during the build.
                let mut next = Files::of(sources(&binaries));
                for (file, stamp) in &mut next.settled {
                    if let Some(before) = files.settled.get(file) {
                        *stamp = *before;
                    }
                }
                files = next;
            }
            Err(error) => report.note(&error.to_string()),
        }
    }
}

async fn tick(stop: &CancellationToken) -> bool {
    stop.run_until_cancelled(tokio::time::sleep(POLL_EVERY)).await.is_some()
}

/// The sources of the binaries, and the manifests of their packages.
fn sources(binaries: &Binaries) -> BTreeSet<PathBuf> {
    let mut sources = BTreeSet::new();
    for binary in binaries.values() {
        let listed = fs::read_to_string(binary.with_extension("d")).unwrap_or_default();
        sources.extend(listed.lines().flat_map(dependencies));
    }
    let manifests: BTreeSet<_> = sources
        .iter()
        .flat_map(|source| source.ancestors().skip(1))
        .flat_map(|folder| [folder.join("Cargo.toml"), folder.join("Cargo.lock")])
        .filter(|manifest| manifest.is_file())
        .collect();
    sources.extend(manifests);
    sources
}

/// The paths after the colon of `target: source source`; a space within a path is written `\ `.
fn dependencies(line: &str) -> Vec<PathBuf> {
    let Some((_, sources)) = line.split_once(": ") else { return Vec::new() };
    let sources = sources.replace("\\ ", "\0");
    sources.split_whitespace().map(|source| PathBuf::from(source.replace('\0', " "))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargos_lists_of_sources_are_read() {
        let line = r"/t/debug/a\ b: /w/a\ b/src/main.rs /w/lib.rs";
        assert_eq!(dependencies(line), [PathBuf::from("/w/a b/src/main.rs"), PathBuf::from("/w/lib.rs")]);
        assert!(dependencies("").is_empty());
    }

    #[test]
    fn a_change_counts_once_and_only_when_the_file_is_stable() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("f");
        fs::write(&file, "1").unwrap();
        let mut files = Files::of([file.clone()]);
        assert!(files.changed().is_empty());
        fs::write(&file, "22").unwrap();
        assert!(files.changed().is_empty(), "it may still be written to");
        fs::write(&file, "333").unwrap();
        assert!(files.changed().is_empty(), "it was");
        assert_eq!(files.changed(), std::slice::from_ref(&file));
        assert!(files.changed().is_empty());
        fs::remove_file(&file).unwrap();
        assert!(files.changed().is_empty() && files.changed().is_empty(), "a removed file is not rebuilt");
    }
}
