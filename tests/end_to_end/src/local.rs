//! `cargo local up`, as a process.

use std::{
    path::{Path, PathBuf},
    process::{Output, Stdio},
    time::Duration,
};

use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    sync::OnceCell,
    time::timeout,
};

use crate::{Caller, PodioLog};

/// Building the functions may be part of the start.
const READY: Duration = Duration::from_secs(15 * 60);

/// A running stack. Dropping it kills it.
pub struct Local {
    process: Child,
    /// The ready line.
    pub ready: Value,
    /// A caller of its API.
    pub caller: Caller,
}

impl Local {
    /// Starts `cargo local up` with these arguments and variables and waits for its ready line.
    pub async fn up(arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        Self::up_telling(arguments, variables, Stdio::null()).await
    }

    /// The same, with its standard error there.
    pub async fn up_telling(arguments: &[&str], variables: &[(&str, &str)], errors: impl Into<Stdio>) -> Self {
        let mut process = Command::new(binary().await)
            .arg("up")
            .args(arguments)
            .envs(variables.iter().copied())
            // What the caller's shell happens to have set is no part of the story.
            .env_remove("RUST_LOG")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(errors)
            .kill_on_drop(true)
            .spawn()
            .expect("cargo local starts");
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let line = timeout(READY, lines.next_line()).await.expect("ready in time").unwrap();
        let ready: Value = serde_json::from_str(&line.expect("one line on standard output")).expect("a line of JSON");
        assert_eq!(ready["ready"], true);
        let caller = Caller::new(ready["api"].as_str().unwrap());
        Self { process, ready, caller }
    }

    /// What `cargo local up` says when it refuses to start.
    pub async fn refused(arguments: &[&str], variables: &[(&str, &str)]) -> String {
        let mut command = Command::new(binary().await);
        for name in ["API_TOKENS", "OFFBOARDING_SECRETS", "HOOK_SECRET"] {
            command.env_remove(name);
        }
        let output = command.arg("up").args(arguments).envs(variables.iter().copied()).output().await.unwrap();
        assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0));
        String::from_utf8(output.stderr).unwrap()
    }

    /// `cargo local env` with these arguments.
    pub async fn env(arguments: &[&str]) -> Output {
        Command::new(binary().await).arg("env").args(arguments).output().await.unwrap()
    }

    /// The port of its API.
    pub fn port(&self) -> u16 {
        let api: reqwest::Url = self.ready["api"].as_str().unwrap().parse().unwrap();
        api.port().unwrap()
    }

    /// The sandbox's own log.
    pub fn podio(&self) -> PodioLog {
        PodioLog::of(self.ready["podio"].as_str().unwrap())
    }

    /// SIGKILL: nothing of it gets a chance to tidy up.
    pub async fn kill(mut self) {
        self.process.kill().await.unwrap();
    }

    /// SIGTERM; the exit code.
    pub async fn stop(mut self) -> Option<i32> {
        let id = self.process.id().unwrap().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().await.unwrap().success());
        timeout(Duration::from_secs(60), self.process.wait()).await.expect("it stops").unwrap().code()
    }

    /// SIGKILLs every process of that function that belongs to this stack; how many there were.
    pub async fn kill_function(&self, function: &str) -> usize {
        // Each stack has an SQS of its own, whose address its functions are given.
        let mark = format!("AWS_ENDPOINT_URL_SQS={}", self.ready["sqs"].as_str().unwrap());
        let mut killed = 0;
        for entry in std::fs::read_dir("/proc").unwrap().flatten() {
            let environment = std::fs::read(entry.path().join("environ")).unwrap_or_default();
            let ours = environment.split(|byte| *byte == 0).any(|variable| variable == mark.as_bytes());
            let executable = std::fs::read_link(entry.path().join("exe")).unwrap_or_default();
            if ours && executable.file_name().is_some_and(|name| name == function) {
                let id = entry.file_name().into_string().unwrap();
                // It may have ended by itself meanwhile.
                killed += usize::from(Command::new("kill").args(["-KILL", &id]).status().await.unwrap().success());
            }
        }
        killed
    }
}

/// The program behind `cargo local`, built once.
async fn binary() -> &'static Path {
    static BINARY: OnceCell<PathBuf> = OnceCell::const_new();
    BINARY
        .get_or_init(|| async {
            let arguments = ["build", "--quiet", "--workspace", "--example", "local", "--message-format", "json"];
            let mut cargo = Command::new(env!("CARGO"));
            without_the_tests_package(&mut cargo);
            let built = cargo.args(arguments).current_dir(workspace()).output().await.unwrap();
            assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
            let messages = built.stdout.split(|byte| *byte == b'\n');
            let executable = messages
                .filter_map(|line| serde_json::from_slice::<Value>(line).ok())
                .find(|message| message["target"]["name"] == "local" && message["executable"].is_string());
            executable.expect("cargo names the program")["executable"].as_str().unwrap().into()
        })
        .await
}

/// Takes away what Cargo tells this test of its own package. Build scripts watch some of it, so a Cargo that inherited it
/// would build half of the workspace again, and keep everybody waiting meanwhile who wants to build something too.
pub fn without_the_tests_package(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") || name == "CARGO_TARGET_TMPDIR" {
            command.env_remove(&*name);
        }
    }
}

/// The folder with the root Cargo.toml.
pub fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap()
}
