//! The doors that are compared.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Context as _;
use serde::Serialize;
use tokio::process::Command;

use crate::door::Door;

/// How long a door may take for one step before it counts as broken.
const PATIENCE: Duration = Duration::from_secs(20);

/// The function's name in the table.
pub const FUNCTION: &str = "hooks (Rust)";

/// What a door is in the comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The function that is judged.
    Product,
    /// A handler as people write and deploy it, on AWS's SDK of its language: the bounds are against it.
    Rival,
    /// A handler that does without an SDK, and is faster than people's: shown beside the others.
    Bare,
}

/// A door.
#[derive(Debug, Clone)]
pub struct Contestant {
    /// Its name in the table.
    pub name: &'static str,
    /// What it is in the comparison.
    pub role: Role,
    /// The program and its arguments.
    pub program: Vec<PathBuf>,
}

impl Contestant {
    /// Starts it and waits until it asks for work.
    ///
    /// # Errors
    /// It does not.
    pub async fn open(&self, variables: &BTreeMap<String, String>) -> anyhow::Result<Door> {
        let program: Vec<&Path> = self.program.iter().map(PathBuf::as_path).collect();
        Door::open(&program, variables, PATIENCE).await
    }
}

/// The function, from the folder of its binary.
pub fn function(folder: &Path) -> Contestant {
    Contestant { name: FUNCTION, role: Role::Product, program: vec![folder.join("hooks")] }
}

/// The handlers, installed in `folder` ([`crate::install`]), by the interpreters on the PATH.
///
/// # Errors
/// One of the interpreters is not there.
pub async fn handlers(folder: &Path) -> anyhow::Result<Vec<Contestant>> {
    let (in_python, in_node) = (folder.join("python"), folder.join("node"));
    let node = interpreter("node", &["-p", "process.execPath"]).await?;
    let node = |name, role, script| Contestant { name, role, program: vec![node.clone(), in_node.join(script)] };
    Ok(vec![
        python("Python, boto3", Role::Rival, &in_python.join("sdk.py")).await?,
        node("Node, AWS SDK", Role::Rival, "sdk.mjs"),
        python("Python, by hand", Role::Bare, &in_python.join("by_hand.py")).await?,
        node("Node, by hand", Role::Bare, "by_hand.mjs"),
    ])
}

/// A handler in Python.
///
/// # Errors
/// There is no Python.
pub async fn python(name: &'static str, role: Role, script: &Path) -> anyhow::Result<Contestant> {
    // What is on the PATH may be a script that looks for the interpreter; that is not what a start of it costs.
    let python = interpreter("python3", &["-c", "import sys; print(sys.executable)"]).await?;
    Ok(Contestant { name, role, program: vec![python, script.to_owned()] })
}

async fn interpreter(name: &str, question: &[&str]) -> anyhow::Result<PathBuf> {
    let output = Command::new(name).args(question).output().await;
    let output = output.with_context(|| format!("{name} is not on the PATH; it is needed for the comparison"))?;
    anyhow::ensure!(output.status.success(), "{name} does not say where it is");
    Ok(PathBuf::from(String::from_utf8(output.stdout)?.trim()))
}
