//! The handlers, each language's in a folder beside the SDK that it needs, as they would be packed.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Stdio,
};

use anyhow::Context as _;
use tokio::process::Command;

/// A copy of the list of packages that are installed in a folder.
const INSTALLED: &str = "installed";

/// Where the handlers are kept.
pub fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("handlers")
}

/// Installs the handlers in `folder`.
///
/// # Errors
/// `pip` or `npm` is not there, or does not find what the lists name.
pub async fn handlers(folder: &Path) -> anyhow::Result<()> {
    let python = folder.join("python");
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]);
    pip.arg("--target").arg(&python).arg("--requirement").arg(python.join("requirements.txt"));
    install("python", &python, "requirements.txt", pip).await?;

    let node = folder.join("node");
    let mut npm = Command::new("npm");
    npm.args(["ci", "--silent", "--no-audit", "--no-fund", "--prefix"]).arg(&node);
    install("node", &node, "package-lock.json", npm).await
}

/// The packages are installed anew only when the list of them has changed.
async fn install(language: &str, folder: &Path, list: &str, mut installer: Command) -> anyhow::Result<()> {
    let source = sources().join(language);
    let wanted = fs::read(source.join(list)).with_context(|| format!("there is no {list}"))?;
    let mark = folder.join(INSTALLED);
    let is_there = fs::read(&mark).is_ok_and(|installed| installed == wanted);
    if !is_there {
        // What an installation that was broken off has left would be in the way.
        fs::remove_dir_all(folder).or_else(|error| match error.kind() {
            io::ErrorKind::NotFound => Ok(()),
            _ => Err(error),
        })?;
    }
    copy(&source, folder).with_context(|| format!("cannot write to {}", folder.display()))?;
    if !is_there {
        let output = installer.stdin(Stdio::null()).kill_on_drop(true).output().await;
        let output = output.with_context(|| format!("cannot run the installer of the handlers in {language}"))?;
        let words = String::from_utf8_lossy(&output.stderr);
        anyhow::ensure!(output.status.success(), "the SDK of the handlers in {language}: {}", words.trim());
        fs::write(mark, wanted)?;
    }
    Ok(())
}

/// Copies the files of one folder to another.
///
/// # Errors
/// One of them cannot be read or written.
pub fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for file in fs::read_dir(from)? {
        let file = file?;
        if file.file_type()?.is_file() {
            fs::copy(file.path(), to.join(file.file_name()))?;
        }
    }
    Ok(())
}
