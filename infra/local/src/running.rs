//! What a running `cargo local up` runs with, written down so that `cargo local env` can tell it.
//!
//! Each stack has a file of its own in the workspace's `.local-stack`, which only its owner may read, since it holds secrets.
//! The stack holds a lock on it for as long as it runs: a file that can be locked was left behind by one that was killed.

use std::{
    fmt::Write as _,
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io::Write as _,
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{data::beside, environment::Variables};

/// What is written down.
#[derive(Clone, Serialize, Deserialize)]
pub struct Running {
    /// When it was ready.
    pub since: Timestamp,
    /// The port of its gateway.
    pub port: u16,
    /// The folder that keeps its data, in full.
    pub data: Option<PathBuf>,
    /// The functions' variables.
    pub variables: Variables,
}

/// The file of this process's stack; it goes when this is dropped.
pub struct Note {
    path: PathBuf,
    _lock: File,
}

impl Running {
    /// Writes it down in `workspace`.
    ///
    /// # Errors
    /// The workspace cannot be written to.
    pub fn note(&self, workspace: &Path) -> anyhow::Result<Note> {
        let folder = folder(workspace);
        let path = folder.join(format!("{}-{}.json", std::process::id(), self.port));
        let write = || {
            DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
            let fresh = beside(&path);
            let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh)?;
            file.write_all(&serde_json::to_vec(self)?)?;
            file.lock()?;
            fs::rename(&fresh, &path)?;
            anyhow::Ok(file)
        };
        let lock = write().with_context(|| format!("cannot write to {}", folder.display()))?;
        Ok(Note { path, _lock: lock })
    }

    /// The newest stack that runs in `workspace`, or the newest one of that port and that data folder.
    ///
    /// # Errors
    /// There is none.
    pub fn find(workspace: &Path, port: Option<u16>, data: Option<&Path>) -> anyhow::Result<Self> {
        // A folder that is not there has no stack either.
        let folder = data.map(|data| data.canonicalize().unwrap_or_else(|_| data.to_owned()));
        let wanted = |running: &Self| {
            port.is_none_or(|port| running.port == port) && (folder.is_none() || running.data == folder)
        };
        let newest = all(workspace).into_iter().filter(wanted).max_by_key(|running| running.since);
        newest.with_context(|| {
            let port = port.map(|port| format!(" on port {port}")).unwrap_or_default();
            let data = data.map(|data| format!(" with the data in {}", data.display())).unwrap_or_default();
            format!("no stack runs{port}{data}; start one with `cargo local up`")
        })
    }

    /// Lines for a shell. A variable that the functions must not see is exported empty, which they take for unset.
    pub fn exports(&self) -> String {
        let mut lines = String::new();
        for (name, value) in &self.variables {
            let value = value.as_deref().unwrap_or_default().replace('\'', r"'\''");
            // Writing to a string cannot fail.
            let _ = writeln!(lines, "export {name}='{value}'");
        }
        lines
    }
}

impl Drop for Note {
    fn drop(&mut self) {
        // What cannot be removed is found out by its lock.
        let _ = fs::remove_file(&self.path);
    }
}

fn folder(workspace: &Path) -> PathBuf {
    workspace.join(".local-stack").join("running")
}

/// Those that run. What was left behind is removed.
fn all(workspace: &Path) -> Vec<Running> {
    let entries = fs::read_dir(folder(workspace)).into_iter().flatten().flatten().map(|entry| entry.path());
    let notes = entries.filter(|path| path.extension().is_some_and(|extension| extension == "json"));
    notes.filter_map(|path| read(&path)).collect()
}

fn read(path: &Path) -> Option<Running> {
    let file = File::open(path).ok()?;
    if let Err(TryLockError::WouldBlock) = file.try_lock_shared() {
        return serde_json::from_slice(&fs::read(path).ok()?).ok();
    }
    let _ = fs::remove_file(path);
    None
}

#[cfg(test)]
mod tests {
    use std::{os::unix::fs::PermissionsExt as _, process::Command};

    use super::*;

    fn running(second: i64, port: u16, data: Option<&Path>) -> Running {
        let variables = [
            ("API_TOKENS", Some("it's a \"token\" $HOME `id` \\ ;\n#")),
            ("SENDERS", Some(r#"{"name": "gusto"}"#)),
            ("AWS_PROFILE", None),
        ];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.map(str::to_owned)));
        let data = data.map(Path::to_owned);
        Running { since: Timestamp::from_second(second).unwrap(), port, data, variables: variables.into() }
    }

    #[test]
    fn newest_stack_is_found_unless_one_is_named() {
        let workspace = tempfile::tempdir().unwrap();
        let data = tempfile::tempdir().unwrap();
        let kept = data.path().canonicalize().unwrap();
        let _first = running(1, 9001, Some(&kept)).note(workspace.path()).unwrap();
        let second = running(2, 9002, None).note(workspace.path()).unwrap();
        let port = |port, data| Running::find(workspace.path(), port, data).map(|running| running.port).ok();
        assert_eq!(port(None, None), Some(9002));
        assert_eq!(port(Some(9001), None), Some(9001));
        let roundabout = data.path().join(".");
        assert_eq!(port(None, Some(&roundabout)), Some(9001));
        assert_eq!(port(Some(9002), Some(data.path())), None);
        drop(second);
        assert_eq!(port(None, None), Some(9001));
        let error = Running::find(workspace.path(), Some(9002), None).err().unwrap();
        assert_eq!(error.to_string(), "no stack runs on port 9002; start one with `cargo local up`");
    }

    #[test]
    fn note_of_a_killed_stack_counts_no_more() {
        let workspace = tempfile::tempdir().unwrap();
        let note = running(1, 9001, None).note(workspace.path()).unwrap();
        let left_behind = folder(workspace.path()).join("1-9002.json");
        fs::copy(&note.path, &left_behind).unwrap();
        drop(note);
        assert!(Running::find(workspace.path(), None, None).is_err());
        assert!(!left_behind.exists());
    }

    #[test]
    fn only_its_owner_may_read_a_note() {
        let workspace = tempfile::tempdir().unwrap();
        let note = running(1, 9001, None).note(workspace.path()).unwrap();
        assert_eq!(fs::metadata(&note.path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::metadata(folder(workspace.path())).unwrap().permissions().mode() & 0o777, 0o700);
    }

    #[test]
    fn shell_reads_the_values_as_they_are() {
        let running = running(1, 9001, None);
        for (name, value) in &running.variables {
            let script = format!("{}printf %s \"${name}\"", running.exports());
            let output = Command::new("sh").arg("-c").arg(script).output().unwrap();
            assert_eq!(String::from_utf8(output.stdout).unwrap(), value.clone().unwrap_or_default(), "{name}");
        }
    }
}
