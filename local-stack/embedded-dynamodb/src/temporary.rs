//! Folders for temporary files, which do not stay when their process is killed.

use std::{
    fs::{self, DirEntry, File, OpenOptions, Permissions, TryLockError},
    io,
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::Path,
};

use tempfile::TempDir;

/// A folder in the system's folder for temporary files, which only its owner may open (mode 700).
///
/// It is removed when this value is dropped. A process that is killed leaves its folders, and the next [`Self::create`]
/// removes them: each holds a file that its process has locked, and the system releases the lock when the process ends.
#[derive(Debug)]
pub struct TemporaryFolder {
    folder: TempDir,
    _lock: File,
}

const PREFIX: &str = "farthing-";
const LOCK: &str = "lock";

impl TemporaryFolder {
    /// Creates a folder, and removes those whose processes have ended.
    ///
    /// # Errors
    /// When the folder or its lock cannot be created.
    pub fn create() -> io::Result<Self> {
        Self::create_in(&std::env::temp_dir())
    }

    fn create_in(parent: &Path) -> io::Result<Self> {
        for entry in fs::read_dir(parent)?.flatten() {
            if entry.file_name().to_string_lossy().starts_with(PREFIX) {
                // What cannot be removed is left: it may be another user's.
                let _ = remove_if_abandoned(&entry);
            }
        }
        let private = Permissions::from_mode(0o700);
        let folder = tempfile::Builder::new().prefix(PREFIX).permissions(private).tempdir_in(parent)?;
        // It gets its name when it is locked: without that name, nobody takes the folder for abandoned.
        let unlocked = folder.path().join("unlocked");
        let lock = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&unlocked)?;
        lock.lock()?;
        fs::rename(unlocked, folder.path().join(LOCK))?;
        Ok(Self { folder, _lock: lock })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Creates a folder in it, with the same mode.
    ///
    /// # Errors
    /// When the folder cannot be created.
    pub fn create_folder(&self) -> io::Result<TempDir> {
        tempfile::Builder::new().permissions(Permissions::from_mode(0o700)).tempdir_in(self.path())
    }
}

fn remove_if_abandoned(entry: &DirEntry) -> io::Result<()> {
    if !entry.file_type()?.is_dir() {
        return Ok(());
    }
    let lock = File::open(entry.path().join(LOCK))?;
    match lock.try_lock() {
        Ok(()) => fs::remove_dir_all(entry.path()),
        Err(TryLockError::WouldBlock) => Ok(()),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_of_ended_processes_are_removed_and_others_are_not() {
        let parent = TempDir::new().unwrap();
        let living = TemporaryFolder::create_in(parent.path()).unwrap();
        let folder = |name: &str, lock: bool| {
            let path = parent.path().join(name);
            fs::create_dir(&path).unwrap();
            fs::write(path.join("data"), "").unwrap();
            if lock {
                fs::write(path.join(LOCK), "").unwrap();
            }
            path
        };
        let ended = folder("farthing-ended", true);
        let (starting, other) = (folder("farthing-starting", false), folder("other-ended", true));
        let next = TemporaryFolder::create_in(parent.path()).unwrap();
        assert!(!ended.exists());
        for kept in [living.path(), next.path(), &starting, &other] {
            assert!(kept.exists(), "{kept:?}");
        }
        let path = next.path().to_owned();
        drop(next);
        assert!(!path.exists() && living.path().exists());
    }

    #[test]
    fn only_the_owner_may_open_a_folder() {
        let parent = TempDir::new().unwrap();
        let folder = TemporaryFolder::create_in(parent.path()).unwrap();
        let inner = folder.create_folder().unwrap();
        for path in [folder.path(), inner.path()] {
            assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o700, "{path:?}");
        }
    }
}
