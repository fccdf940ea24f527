//! Where the functions run: `cargo lambda watch`, kept alive, ended with the stack, and invoked like Lambda.
//!
//! cargo-lambda leaves some things undone that the stack needs. It starts a function with `cargo run`, which waits for
//! Cargo's lock and may compile; a function process that dies is not started again, and its invocation hangs. So it is
//! given a `cargo` of our own (`cargo.sh`) that starts, and restarts, the binary; and the runtime API goes through
//! [`runtime`], which fails the invocation of a process that died, and tells the true deadline. Last, whatever ends the
//! stack, SIGKILL included, must end the functions: the host is tethered to it by a pipe (`tether.sh`).

pub mod build;
pub mod install;
mod runtime;

use std::{
    fs, iter,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    sync::Arc,
    time::Duration,
};

use anyhow::Context as _;
use tokio::{
    net::{TcpListener, TcpStream},
    process::{Child, ChildStdin, Command},
    sync::{mpsc, watch},
    time::{Instant, sleep, timeout},
};

use self::runtime::RuntimeProxy;
use crate::{client, data::beside, environment::Variables, functions::Function, log, task::Task};

const TETHER: &str = include_str!("tether.sh");
const CARGO: &str = include_str!("cargo.sh");
/// How long cargo-lambda may take to open its port; it reads the workspace's metadata first.
const OPENING: Duration = Duration::from_secs(60);
/// More than the tether takes to kill a host.
const ENDING: Duration = Duration::from_secs(5);
/// What the functions' last words may take.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// What an invocation may wait for its turn, and for a process to take it, before its own time begins.
const WAITING: Duration = Duration::from_secs(60);

/// How to run the functions.
#[derive(Debug, Clone)]
pub struct Config {
    /// The folder with the root Cargo.toml.
    pub workspace: PathBuf,
    /// The cargo-lambda to run.
    pub cargo_lambda: PathBuf,
    /// The folder with the functions' binaries.
    pub binaries: PathBuf,
    /// A folder for what is made once and kept.
    pub cache: PathBuf,
    /// At most so many instances of each function.
    pub concurrency: usize,
    /// The functions' variables, over what this process has.
    pub environment: Variables,
}

/// An invocation without an answer.
#[derive(Debug, thiserror::Error)]
pub enum InvokeError {
    /// The function failed, timed out or died; Lambda's JSON says how.
    #[error("the function failed")]
    Function(Vec<u8>),
    /// The host did not take the invocation.
    #[error("the function host is not there")]
    Unreachable,
}

/// The running host.
#[derive(Clone)]
pub struct Host {
    client: reqwest::Client,
    address: watch::Receiver<Option<String>>,
}

/// Keeps a [`Host`] running; dropping it ends the functions.
pub struct Supervisor {
    orders: mpsc::Sender<Order>,
    ended: watch::Receiver<Option<String>>,
    task: Task,
}

enum Order {
    Stop,
    Kill,
}

/// Starts the functions' host and waits until it answers.
///
/// # Errors
/// cargo-lambda does not start.
pub async fn start(config: Config) -> anyhow::Result<(Host, Supervisor)> {
    let client = client::loopback()?;
    let (publish, address) = watch::channel(None);
    let (orders, received) = mpsc::channel(1);
    let first = Generation::start(&config).await?;
    publish.send_replace(Some(first.url.clone()));
    let ended = address.clone();
    let task = Task::spawn("function host", supervise(Arc::new(config), first, publish, received));
    Ok((Host { client, address }, Supervisor { orders, ended, task }))
}

impl Host {
    /// Waits until the host takes invocations.
    pub async fn ready(&self) {
        // The sender lives as long as the supervisor; without it there is nothing left to wait for.
        let _ = self.address.clone().wait_for(Option::is_some).await;
    }

    /// The address of the running host.
    pub fn url(&self) -> Option<String> {
        self.address.borrow().clone()
    }

    /// Invokes `function` and returns its answer.
    ///
    /// # Errors
    /// [`InvokeError`].
    pub async fn invoke(&self, function: Function, event: &serde_json::Value) -> Result<Vec<u8>, InvokeError> {
        let url = self.url().ok_or(InvokeError::Unreachable)?;
        let answer = self
            .client
            .post(format!("{url}/2015-03-31/functions/{function}/invocations"))
            .timeout(function.timeout() + WAITING)
            .json(event)
            .send()
            .await
            .map_err(|_| InvokeError::Unreachable)?;
        // cargo-lambda tells a function's error by the status, where AWS says 200 and sets X-Amz-Function-Error.
        let failed = !answer.status().is_success();
        let body = answer.bytes().await.map_err(|_| InvokeError::Unreachable)?.to_vec();
        if failed { Err(InvokeError::Function(body)) } else { Ok(body) }
    }
}

impl Supervisor {
    /// Ends the host and its functions and waits for it.
    pub async fn stop(mut self) {
        let _ = self.orders.send(Order::Stop).await;
        let _ = timeout(ENDING, self.ended.wait_for(Option::is_none)).await;
        self.task.stop().await;
    }

    /// Kills the host as a crash would, and waits until that is noticed. It is started again.
    pub async fn kill_host(&self) {
        let _ = self.orders.send(Order::Kill).await;
        let _ = self.ended.clone().wait_for(Option::is_none).await;
    }
}

/// One run of cargo-lambda, from its start to its end.
struct Generation {
    url: String,
    child: Child,
    tether: ChildStdin,
    /// Passes on what the host and its functions write.
    relays: [Task; 2],
    _runtime: RuntimeProxy,
}

impl Generation {
    async fn start(config: &Config) -> anyhow::Result<Self> {
        let port = free_port().await?;
        let url = format!("http://127.0.0.1:{port}");
        let runtime = RuntimeProxy::start(&url).await?;
        let mut child = command(config, port, &runtime.url())?.spawn().context("cannot start cargo-lambda")?;
        let tether = child.stdin.take().context("cargo-lambda has no standard input")?;
        let output = child.stdout.take().context("cargo-lambda has no standard output")?;
        let errors = child.stderr.take().context("cargo-lambda has no standard error")?;
        let relays = [Task::spawn("output", log::relay(output)), Task::spawn("errors", log::relay(errors))];
        let mut generation = Self { url, child, tether, relays, _runtime: runtime };
        generation.opened(port).await?;
        Ok(generation)
    }

    async fn opened(&mut self, port: u16) -> anyhow::Result<()> {
        let deadline = Instant::now() + OPENING;
        while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            if let Some(status) = self.child.try_wait()? {
                anyhow::bail!("cargo-lambda ended at once ({status}); its last lines are above");
            }
            anyhow::ensure!(Instant::now() < deadline, "cargo-lambda did not open its port within {OPENING:?}");
            sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    /// Ends the host, unless it ended by itself, and its functions: a closed tether is the signal.
    async fn end(mut self) {
        drop(self.tether);
        let _ = timeout(ENDING, self.child.wait()).await;
        for relay in self.relays {
            // Its functions end at about the same time; their last words are waited for, but not for long.
            let _ = timeout(LAST_WORDS, relay.ended()).await;
        }
    }
}

fn command(config: &Config, port: u16, runtime: &str) -> anyhow::Result<Command> {
    let cargo = cargo_in(&config.cache)?;
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path =
        std::env::join_paths(iter::once(cargo).chain(std::env::split_paths(&path))).context("the PATH is odd")?;
    let mut command = Command::new("sh");
    command
        .args(["-c", TETHER, "tether"])
        .arg(&config.cargo_lambda)
        .args(["lambda", "watch", "--ignore-changes", "--disable-cors", "--quiet"])
        .args(["--invoke-address", "127.0.0.1", "--invoke-port", &port.to_string()])
        .args(["--concurrency", &config.concurrency.to_string()]);
    build::without_cargos_own_variables(command.as_std_mut());
    for (name, value) in &config.environment {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command
        .current_dir(&config.workspace)
        .env("PATH", path)
        .env("LOCAL_BINARIES", &config.binaries)
        .env("LOCAL_RUNTIME_API", runtime)
        // cargo-lambda would tell of each process and each failed invocation; the stack does that in fewer words.
        .env("LOCAL_RUST_LOG", functions_log_filter(config))
        .env("RUST_LOG", "off")
        .stdin(Stdio::piped())
        // Only the ready line may go to standard output, and standard error has one form.
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // Ctrl-C is for the stack, which then ends the host in order.
        .process_group(0);
    Ok(command)
}

/// Writes our `cargo` and returns its folder. Several stacks may do so at once, all with the same words.
fn cargo_in(cache: &Path) -> anyhow::Result<PathBuf> {
    let folder = cache.join("cargo-for-lambda");
    let cargo = folder.join("cargo");
    let fresh = beside(&cargo);
    let write = || {
        fs::create_dir_all(&folder)?;
        fs::write(&fresh, CARGO)?;
        fs::set_permissions(&fresh, fs::Permissions::from_mode(0o755))?;
        fs::rename(&fresh, &cargo)
    };
    write().with_context(|| format!("cannot write to {}", folder.display()))?;
    Ok(folder)
}

fn functions_log_filter(config: &Config) -> String {
    let set = config.environment.get("RUST_LOG").cloned().flatten();
    set.or_else(|| std::env::var("RUST_LOG").ok()).unwrap_or_else(|| "info".to_owned())
}

/// A port that was free a moment ago; should it be taken meanwhile, cargo-lambda ends and is started on another one.
async fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0").await.context("no loopback port is free")?.local_addr()?.port())
}

async fn supervise(
    config: Arc<Config>,
    mut running: Generation,
    publish: watch::Sender<Option<String>>,
    mut orders: mpsc::Receiver<Order>,
) {
    loop {
        tokio::select! {
            status = running.child.wait() => {
                publish.send_replace(None);
                report(status);
                running.end().await;
            }
            order = orders.recv() => match order {
                Some(Order::Kill) => {
                    if let Err(error) = running.child.start_kill() {
                        tracing::error!(%error, "the function host cannot be killed");
                    }
                    continue;
                }
                Some(Order::Stop) | None => {
                    running.end().await;
                    publish.send_replace(None);
                    return;
                }
            }
        }
        let mut pause = Duration::from_millis(200);
        running = loop {
            match Generation::start(&config).await {
                Ok(generation) => break generation,
                Err(error) => tracing::error!(error = format!("{error:#}"), ?pause, "the function host does not start"),
            }
            tokio::select! {
                () = sleep(pause) => pause = (pause * 2).min(Duration::from_secs(10)),
                order = orders.recv() => if !matches!(order, Some(Order::Kill)) { return },
            }
        };
        publish.send_replace(Some(running.url.clone()));
        tracing::info!("the function host is up again");
    }
}

fn report(status: std::io::Result<ExitStatus>) {
    match status {
        Ok(status) => tracing::error!(%status, "the function host ended and is started again"),
        Err(error) => tracing::error!(%error, "the function host is lost and started again"),
    }
}
