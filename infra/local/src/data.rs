//! The folder that keeps a stack's data for its next run, and names in folders that several stacks share.

use std::{
    fs::{self, File, TryLockError},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
};

use anyhow::Context as _;

/// A data folder, ours alone until this is dropped (or the process dies).
pub struct Folder {
    path: PathBuf,
    _lock: File,
}

impl Folder {
    /// Takes `path`, creating it if need be.
    ///
    /// # Errors
    /// Another stack uses it, or it cannot be written.
    pub fn take(path: &Path) -> anyhow::Result<Self> {
        fs::create_dir_all(path).with_context(|| format!("cannot create {}", path.display()))?;
        let lock = File::create(path.join("lock")).with_context(|| format!("cannot write to {}", path.display()))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: path.to_owned(), _lock: lock }),
            Err(TryLockError::WouldBlock) => anyhow::bail!("another stack uses {}", path.display()),
            Err(TryLockError::Error(error)) => Err(error).context("cannot lock the data folder"),
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// A path beside `path` that nobody else writes to: what is written there can be renamed into place.
pub(crate) fn beside(path: &Path) -> PathBuf {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let mut fresh = path.as_os_str().to_owned();
    fresh.push(format!(".{}-{count}", std::process::id()));
    fresh.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_stack_at_a_time_uses_a_folder() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("data");
        let first = Folder::take(&path).unwrap();
        assert!(Folder::take(&path).is_err());
        drop(first);
        Folder::take(&path).unwrap();
    }
}
