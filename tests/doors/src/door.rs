//! A door that has started, and the table and the queue behind it.

use std::{
    collections::BTreeMap,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use axum::body::Bytes;
use serde_json::Value;
use tokio::time::timeout;

use crate::{
    process::Process,
    runtime_api::{RuntimeApi, Word},
};

/// A function that has started, under a runtime API of its own.
pub struct Door {
    api: RuntimeApi,
    /// How long it may take for one step before it counts as broken.
    patience: Duration,
    /// Its process.
    pub process: Process,
    /// From the start of the process to its first question for work.
    pub cold: Duration,
}

/// An answer.
#[derive(Debug, Clone, Copy)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// From the moment at which the event could be had to the answer.
    pub after: Duration,
}

impl Door {
    /// Starts a program and waits until it asks for work.
    ///
    /// # Errors
    /// It does not.
    pub async fn open(
        program: &[&Path],
        variables: &BTreeMap<String, String>,
        patience: Duration,
    ) -> anyhow::Result<Self> {
        let mut api = RuntimeApi::start().await?;
        let runtime = [
            ("AWS_LAMBDA_RUNTIME_API", api.address()),
            ("AWS_LAMBDA_FUNCTION_NAME", "measured"),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
            ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/measured"),
            ("AWS_LAMBDA_LOG_STREAM_NAME", "local"),
            ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
            ("LANG", "C.UTF-8"),
            ("PATH", "/usr/local/bin:/usr/bin:/bin"),
        ];
        let variables = variables.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let process = Process::start(program, variables.chain(runtime))?;
        let ready = timeout(patience, api.word()).await.context("it does not ask for work")?;
        let cold = match ready {
            Word::Ready(at) => at.duration_since(process.started),
            Word::Answered(_) => anyhow::bail!("it answered what nobody asked"),
            Word::Failed(why) => anyhow::bail!("it did not start: {why}"),
        };
        Ok(Self { api, patience, process, cold })
    }

    /// Sends one HTTP event and waits for the answer, as Lambda does.
    ///
    /// # Errors
    /// There is none.
    pub async fn deliver(&mut self, event: Bytes) -> anyhow::Result<Answer> {
        let sent = Instant::now();
        let answer = self.invoke(event).await?;
        let after = sent.elapsed();
        let answer: Option<Value> = serde_json::from_slice(&answer).ok();
        let status = answer.and_then(|answer| answer.get("statusCode")?.as_u64()?.try_into().ok());
        Ok(Answer { status: status.context("the answer is no HTTP response")?, after })
    }

    /// Sends one event and waits for what the function answers.
    ///
    /// # Errors
    /// It fails.
    pub async fn invoke(&mut self, event: Bytes) -> anyhow::Result<Bytes> {
        self.api.invoke(event);
        let word = timeout(self.patience, self.api.word()).await.context("it does not answer")?;
        match word {
            Word::Answered(answer) => Ok(answer),
            Word::Ready(_) => anyhow::bail!("it started again"),
            Word::Failed(why) => anyhow::bail!("it failed: {why}"),
        }
    }
}
