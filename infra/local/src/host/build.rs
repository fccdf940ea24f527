//! Building the functions.
//!
//! For development the build is over the whole workspace, as `cargo lambda watch` has it: Cargo then resolves features the same
//! way, and nothing is compiled twice. With the release profile it is over the functions alone, as `cargo lambda build
//! --release` has it: what is measured is what is deployed.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
};

use anyhow::Context as _;
use serde::Deserialize;
use tokio::process::Command;

use crate::{functions::Function, log};

/// Builds all functions and returns the folder of their binaries.
///
/// # Errors
/// Cargo is not there or says no; its own words are on standard error.
pub async fn functions(workspace: &Path, release: bool) -> anyhow::Result<PathBuf> {
    some(workspace, release, &Function::ALL).await
}

/// Builds some of the functions and returns the folder of their binaries.
///
/// # Errors
/// Cargo is not there or says no; its own words are on standard error.
pub async fn some(workspace: &Path, release: bool, functions: &[Function]) -> anyhow::Result<PathBuf> {
    let mut command = Command::new("cargo");
    command.args(["build", "--message-format=json-render-diagnostics"]);
    if !log::Reader::of_this_process().is_person() {
        command.arg("--quiet");
    }
    command.arg(if release { "--release" } else { "--workspace" });
    for function in functions {
        command.args(["--bin", function.name()]);
    }
    without_cargos_own_variables(command.as_std_mut());
    let output = command
        .current_dir(workspace)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .kill_on_drop(true)
        .output()
        .await
        .context("cannot run cargo; is the Rust toolchain on the PATH?")?;
    anyhow::ensure!(output.status.success(), "the functions do not build ({}); Cargo's words are above", output.status);
    folder_of_binaries(&output.stdout).context("Cargo does not tell where the functions' binaries are")
}

/// One of Cargo's messages, as far as it matters here.
#[derive(Deserialize)]
struct Message {
    target: Option<Target>,
    executable: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
}

fn folder_of_binaries(messages: &[u8]) -> Option<PathBuf> {
    let messages =
        messages.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice::<Message>(line).ok());
    let mut executables = messages.filter_map(|message| {
        Function::named(&message.target?.name)?;
        message.executable
    });
    executables.next()?.parent().map(Path::to_owned)
}

/// Takes away what `cargo run` sets for the program it runs. Build scripts watch these, so a Cargo that inherited them
/// would build half of the workspace again.
pub(super) fn without_cargos_own_variables(command: &mut std::process::Command) {
    let own = |name: &str| {
        name.starts_with("CARGO_PKG_")
            || matches!(
                name,
                "CARGO"
                    | "CARGO_BIN_NAME"
                    | "CARGO_CRATE_NAME"
                    | "CARGO_MANIFEST_DIR"
                    | "CARGO_MANIFEST_LINKS"
                    | "CARGO_MANIFEST_PATH"
                    | "CARGO_PRIMARY_PACKAGE"
                    | "CARGO_TARGET_TMPDIR"
                    | "OUT_DIR"
            )
    };
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(own) {
            command.env_remove(name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargo_tells_where_the_binaries_are() {
        let messages = br#"{"reason":"compiler-artifact","target":{"name":"serde"},"executable":null}
{"reason":"compiler-artifact","target":{"name":"worker"},"executable":"/somewhere/debug/worker"}
{"reason":"build-finished","success":true}
"#;
        assert_eq!(folder_of_binaries(messages).unwrap(), Path::new("/somewhere/debug"));
        assert!(folder_of_binaries(b"{}\n").is_none());
    }
}
