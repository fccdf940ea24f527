//! What every function's `main` sets up: the clock, randomness, logs, TLS.

use std::process::ExitCode;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use podio_lifecycle::ports::{Clock, Random};
use tracing_subscriber::{
    filter::{LevelFilter, Targets},
    layer::SubscriberExt as _,
    util::SubscriberInitExt as _,
};

use crate::rules;

/// The machine's clock, in whole milliseconds: what is stored, and so what comes back as it was.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

#[async_trait]
impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        rules::stored(Timestamp::now())
    }

    async fn sleep(&self, duration: SignedDuration) {
        // A time that has gone by already is no time to wait.
        if let Ok(duration) = duration.try_into() {
            tokio::time::sleep(duration).await;
        }
    }
}

/// The operating system's random numbers.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    /// # Panics
    /// When the operating system has none, which no supported one does: ids that repeat would be worse.
    fn bytes(&self) -> [u8; 10] {
        let mut bytes = [0; 10];
        assert!(getrandom::fill(&mut bytes).is_ok(), "the operating system gives no random numbers");
        bytes
    }
}

/// Runs a function's `main`: logs and TLS first, then `serve`, whose error, in one line, is the process's last word.
pub async fn run<E: std::fmt::Display>(serve: impl Future<Output = Result<(), E>>) -> ExitCode {
    init_tracing();
    install_tls();
    match serve.await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Logs as one line of JSON each on stderr, `info` and above unless `RUST_LOG` says otherwise. Set up once; a second call
/// changes nothing.
fn init_tracing() {
    let filter = filter(std::env::var("RUST_LOG").ok().as_deref());
    let lines = tracing_subscriber::fmt::layer().json().with_span_list(false);
    let lines = lines.with_ansi(false).with_writer(std::io::stderr);
    let _ = tracing_subscriber::registry().with(lines).with(filter).try_init();
}

/// Levels, by target if need be. Filters on spans and fields would take regular expressions, which make each
/// package larger.
fn filter(asked: Option<&str>) -> Targets {
    let asked = asked.filter(|asked| !asked.trim().is_empty()).and_then(|asked| asked.parse().ok());
    asked.unwrap_or_else(|| Targets::new().with_default(LevelFilter::INFO))
}

/// Makes `ring` the process's TLS, which every HTTPS client then uses. A second call changes nothing.
pub fn install_tls() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;

    #[test]
    fn what_is_logged_is_info_unless_somebody_asks_for_something_else() {
        let enabled = |asked: Option<&str>| {
            let levels = [Level::ERROR, Level::WARN, Level::INFO, Level::DEBUG];
            levels.into_iter().filter(|level| filter(asked).would_enable("worker", level)).count()
        };
        assert_eq!([None, Some(""), Some("no level=at all")].map(enabled), [3, 3, 3]);
        assert_eq!([Some("error"), Some("warn"), Some("debug")].map(enabled), [1, 2, 4]);
        assert_eq!(enabled(Some("warn,worker=debug")), 4);
    }
}
