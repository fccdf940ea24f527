//! The doors that are compared, and how each is put through its paces.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::Context as _;
use tokio::{process::Command, time::timeout};

use crate::{
    backend::Backend,
    deliveries,
    measured::{Kept, Row, Run},
    process::Process,
    runtime_api::{RuntimeApi, Word},
};

/// The function's name in the table.
pub const FUNCTION: &str = "hooks (Rust)";
/// How long a door may take for one step before it counts as broken.
const PATIENCE: Duration = Duration::from_secs(20);
/// Deliveries before the measurement: connections are open and hot code is compiled by then.
const WARM_UP: u64 = 500;

/// A door.
#[derive(Debug, Clone)]
pub struct Contestant {
    /// Its name in the table.
    pub name: &'static str,
    /// Whether it is the function that is judged.
    pub product: bool,
    /// The program and its arguments.
    pub program: Vec<PathBuf>,
}

/// The function, from the folder of its binary.
pub fn function(folder: &Path) -> Contestant {
    Contestant { name: FUNCTION, product: true, program: vec![folder.join("hooks")] }
}

/// The minimal handlers, by the interpreters on the PATH.
///
/// # Errors
/// One of the interpreters is not there.
pub async fn handlers() -> anyhow::Result<Vec<Contestant>> {
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("handlers");
    // What is on the PATH may be a script that looks for the interpreter; that is not what a start of it costs.
    let python = interpreter("python3", &["-c", "import sys; print(sys.executable)"]).await?;
    let node = interpreter("node", &["-p", "process.execPath"]).await?;
    Ok(vec![
        Contestant { name: "Python", product: false, program: vec![python, scripts.join("bootstrap.py")] },
        Contestant { name: "Node", product: false, program: vec![node, scripts.join("bootstrap.mjs")] },
    ])
}

async fn interpreter(name: &str, question: &[&str]) -> anyhow::Result<PathBuf> {
    let output = Command::new(name).args(question).output().await;
    let output = output.with_context(|| format!("{name} is not on the PATH; it is needed for the comparison"))?;
    anyhow::ensure!(output.status.success(), "{name} does not say where it is");
    Ok(PathBuf::from(String::from_utf8(output.stdout)?.trim()))
}

/// A door that has started.
struct Door {
    api: RuntimeApi,
    process: Process,
    cold: Duration,
}

impl Door {
    async fn open(contestant: &Contestant, variables: &BTreeMap<String, String>) -> anyhow::Result<Self> {
        let mut api = RuntimeApi::start().await?;
        let runtime = [
            ("AWS_LAMBDA_RUNTIME_API", api.address()),
            ("AWS_LAMBDA_FUNCTION_NAME", "hooks"),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
            ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/hooks"),
            ("AWS_LAMBDA_LOG_STREAM_NAME", "local"),
            ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
            ("LANG", "C.UTF-8"),
            ("PATH", "/usr/local/bin:/usr/bin:/bin"),
        ];
        let variables = variables.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let program: Vec<&Path> = contestant.program.iter().map(PathBuf::as_path).collect();
        let process = Process::start(&program, variables.chain(runtime))?;
        let ready = timeout(PATIENCE, api.word()).await.context("it does not ask for work")?;
        let cold = match ready {
            Word::Ready(at) => at.duration_since(process.started),
            Word::Answered(_) => anyhow::bail!("it answered what nobody asked"),
            Word::Failed(why) => anyhow::bail!("it did not start: {why}"),
        };
        Ok(Self { api, process, cold })
    }

    /// Sends events one after the other, as Lambda does, and says how many were answered 200.
    async fn deliver(&mut self, events: Vec<axum::body::Bytes>) -> anyhow::Result<u64> {
        let mut answered = 0;
        for event in events {
            self.api.invoke(event);
            let word = timeout(PATIENCE, self.api.word()).await.context("it does not answer")?;
            match word {
                Word::Answered(200) => answered += 1,
                Word::Answered(_) => {}
                Word::Ready(_) => anyhow::bail!("it started again"),
                Word::Failed(why) => anyhow::bail!("it failed: {why}"),
            }
        }
        Ok(answered)
    }
}

/// The time from the start of the process to its first question for work.
///
/// # Errors
/// It does not start.
pub async fn cold_start(contestant: &Contestant, backend: &Backend) -> anyhow::Result<Duration> {
    let door = Door::open(contestant, &backend.variables()).await.with_context(|| contestant.name)?;
    door.process.stop().await?;
    Ok(door.cold)
}

/// The row of a door, from `count` deliveries and the starts measured before.
///
/// # Errors
/// It does not start, or fails.
pub async fn row(contestant: &Contestant, count: u64, cold: &[Duration]) -> anyhow::Result<Row> {
    measure(contestant, count, cold).await.with_context(|| contestant.name)
}

async fn measure(contestant: &Contestant, count: u64, cold: &[Duration]) -> anyhow::Result<Row> {
    let backend = Backend::start().await?;
    let variables = backend.variables();
    let secret = variables.get("HOOK_SECRET").context("the local stack has no HOOK_SECRET")?;
    let (warm_up, events) = (deliveries::events(secret, 1, WARM_UP)?, deliveries::events(secret, 1 + WARM_UP, count)?);
    let mut door = Door::open(contestant, &variables).await?;
    door.deliver(warm_up).await?;
    let before = Kept { stored: backend.items().await?, queued: backend.messages()? };
    let (cpu, started) = (door.process.cpu()?, Instant::now());
    let answered = door.deliver(events).await?;
    let run = Run {
        deliveries: count,
        answered,
        took: started.elapsed(),
        cpu: door.process.cpu()?.saturating_sub(cpu),
        peak_kib: door.process.peak_memory()?,
    };
    let kept = Kept {
        stored: backend.items().await?.saturating_sub(before.stored),
        queued: backend.messages()?.saturating_sub(before.queued),
    };
    door.process.stop().await?;
    Ok(Row::of(contestant.name, contestant.product, run, kept, cold))
}
