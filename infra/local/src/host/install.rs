//! cargo-lambda, installed where it misses.
//!
//! It comes as a Python wheel with one prebuilt program in it, from the package index that pip is set up for. Two stacks
//! may install at once: each does so in a folder of its own and renames it into place, and the first one wins.

use std::{
    path::{Path, PathBuf},
    process::{Output, Stdio},
};

use anyhow::Context as _;
use tokio::process::Command;

use crate::data::beside;

/// The version that the stack was tested with.
pub const VERSION: &str = "1.9.2";

/// The path of a cargo-lambda of [`VERSION`]: the one on the PATH, the one in `cache`, or one installed there now.
///
/// # Errors
/// It misses and cannot be installed.
pub async fn cargo_lambda(cache: &Path) -> anyhow::Result<PathBuf> {
    let on_path = PathBuf::from("cargo-lambda");
    if is_right_version(&on_path).await {
        return Ok(on_path);
    }
    let home = cache.join(format!("cargo-lambda-{VERSION}"));
    let program = home.join("bin").join("cargo-lambda");
    if !is_right_version(&program).await {
        tracing::info!(version = VERSION, "installing cargo-lambda");
        install(&home).await.with_context(|| {
            format!(
                "cargo-lambda {VERSION} could not be installed. Install it by hand, for example with \
                 `python3 -m pip install cargo-lambda=={VERSION}`, so that `cargo lambda` is on the PATH"
            )
        })?;
        anyhow::ensure!(is_right_version(&program).await, "the installed cargo-lambda does not run");
    }
    Ok(program)
}

async fn is_right_version(program: &Path) -> bool {
    let output = Command::new(program).args(["lambda", "--version"]).stdin(Stdio::null()).output().await;
    output.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).split_whitespace().any(|word| word == VERSION))
}

async fn install(home: &Path) -> anyhow::Result<()> {
    let fresh = beside(home);
    std::fs::create_dir_all(&fresh).with_context(|| format!("cannot create {}", fresh.display()))?;
    let installed = install_into(&fresh).await;
    let placed = installed.and_then(|()| match std::fs::rename(&fresh, home) {
        // Somebody else was first.
        Err(_) if home.join("bin").join("cargo-lambda").exists() => Ok(()),
        renamed => renamed.with_context(|| format!("cannot move cargo-lambda to {}", home.display())),
    });
    // After the rename it is gone; otherwise it is of no use.
    let _ = std::fs::remove_dir_all(&fresh);
    placed
}

async fn install_into(folder: &Path) -> anyhow::Result<()> {
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip"]);
    if run(Command::new("python3").args(["-m", "pip", "--version"])).await.is_err() {
        // Debian keeps pip out of python3; a virtual environment brings its own.
        let environment = folder.join("venv");
        run(Command::new("python3").args(["-m", "venv"]).arg(&environment))
            .await
            .context("neither pip nor venv is there; install python3-pip or python3-venv")?;
        pip = Command::new(environment.join("bin").join("pip"));
    }
    pip.args(["install", "--quiet", "--disable-pip-version-check", "--no-deps", "--target"]).arg(folder);
    pip.arg(format!("cargo-lambda=={VERSION}"));
    run(&mut pip).await
}

async fn run(command: &mut Command) -> anyhow::Result<()> {
    let output: Output =
        command.stdin(Stdio::null()).kill_on_drop(true).output().await.context("cannot run python3")?;
    let words = String::from_utf8_lossy(&output.stderr);
    anyhow::ensure!(output.status.success(), "{}", words.trim());
    Ok(())
}
