//! The first call after a silence, while others spend on the key.
//!
//! A batch calls side by side. Had the others used the quota up meanwhile, each of its calls would be refused, and all of
//! them at once; the first answer tells, so the rest waits for it.

use std::sync::{Mutex as Cell, PoisonError};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::{Mutex, MutexGuard};

use super::Access;

/// A call tells about the quota for this fraction of a window: a minute and a half for an hour.
const NEWS: i32 = 40;
/// And at least for this long, so that nobody who has looked has to wait before the removal that the look was for.
const LEAST: SignedDuration = SignedDuration::from_secs(20);

/// When a call was last not refused, and whose call is to find out.
#[derive(Default)]
pub(super) struct Probe {
    heard: Cell<Option<Timestamp>>,
    turn: Mutex<()>,
}

impl Access {
    /// Waits for the answer to somebody else's call, where that call is to tell whether there is anything left; none where
    /// nobody need wait. Whoever gets the turn is the next to call.
    pub(super) async fn turn_to_probe(&self) -> Option<MutexGuard<'_, ()>> {
        if !self.is_in_the_dark() {
            return None;
        }
        let turn = self.probe.turn.lock().await;
        self.is_in_the_dark().then_some(turn)
    }

    /// Podio has not refused a call. It may not have answered either: then the others need not wait any longer, one after
    /// the other, for an answer that does not come.
    pub(super) fn heard(&self) {
        *self.probe.heard.lock().unwrap_or_else(PoisonError::into_inner) = Some(self.clock.now());
    }

    /// Whether Podio refuses everything at present, as far as this process knows.
    pub(super) fn is_refused(&self) -> bool {
        let now = self.clock.now();
        self.dispatcher.with_known(|known| known.is_blocked(now))
    }

    fn is_in_the_dark(&self) -> bool {
        let (now, window) = (self.clock.now(), self.dispatcher.configured.window());
        let heard = *self.probe.heard.lock().unwrap_or_else(PoisonError::into_inner);
        let is_news = heard.is_some_and(|heard| now.duration_since(heard) < LEAST.max(window / NEWS));
        let configured = self.dispatcher.configured;
        !is_news && self.dispatcher.with_known(|known| known.is_shared(now, configured))
    }
}
