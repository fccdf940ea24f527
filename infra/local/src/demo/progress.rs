//! The live bar; on anything but a terminal, an event for each change.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::api::Offboarding;
use crate::log::say;

/// What is drawn, on standard error.
pub(super) struct Progress {
    bar: ProgressBar,
    last: String,
}

impl Progress {
    /// Nothing drawn yet.
    pub(super) fn new() -> Self {
        let bar = ProgressBar::with_draw_target(Some(1), ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("{spinner} {prefix:<10} [{bar:40}] {msg}  {elapsed}") {
            bar.set_style(style.progress_chars("━━╌"));
        }
        bar.enable_steady_tick(Duration::from_millis(100));
        Self { bar, last: String::new() }
    }

    /// Draws how far it is.
    pub(super) fn show(&mut self, now: &Offboarding) {
        let counts = &now.progress;
        let settled = counts.spaces_total.saturating_sub(counts.spaces_pending);
        let spaces = match counts.spaces_total {
            0 => "looking for spaces".to_owned(),
            total => format!("{settled}/{total} spaces"),
        };
        let so_far = format!("{spaces}, {} Podio calls", now.podio_calls);
        let eta = now.eta.filter(|_| !now.is_settled()).map(|eta| eta.strftime(", done by %H:%M:%S UTC").to_string());
        let message = format!("{so_far}{}", eta.unwrap_or_default());
        if self.bar.is_hidden() {
            let line = format!("{:<10} {so_far}", now.state);
            if line != self.last {
                let (state, podio_calls) = (now.state.as_str(), now.podio_calls);
                let eta = now.eta.map(tracing::field::display);
                tracing::info!(target: "demo", state, settled, spaces = counts.spaces_total, podio_calls, eta, "progress");
                self.last = line;
            }
            return;
        }
        self.bar.set_length(counts.spaces_total.max(1));
        self.bar.set_position(settled);
        self.bar.set_prefix(now.state.clone());
        self.bar.set_message(message);
    }

    /// Says something in between.
    pub(super) fn say(&self, line: &str) {
        self.bar.suspend(|| say(line));
    }

    /// Leaves the last picture standing.
    pub(super) fn end(&self) {
        self.bar.abandon();
    }
}
