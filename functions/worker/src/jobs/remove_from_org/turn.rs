//! One leaver after the other, where spaces are left behind.
//!
//! A space that would not let its last two members go is ended by the removals from the organization. Either preview
//! shows the other one still there; were both removals on their way at the same moment, the space would be deleted and
//! nobody would have foreseen it. So whoever is in a space still takes the turn in the organization before the preview,
//! and keeps it until the answer to the removal is there.

use jiff::{SignedDuration, Timestamp};
use podio_lifecycle::offboarding::{SKEW, State};

use crate::{
    Context,
    halt::Halt,
    jobs::{CLAIM, StageTask},
};

/// How often the turn is asked for, a second apart, while the moments of this run are good.
const TRIES: usize = 6;
const GIVE_WAY: SignedDuration = SignedDuration::from_secs(1);
/// The pause when others take long.
const PAUSE: SignedDuration = SignedDuration::from_secs(5);

/// The turn in an organization.
pub(super) struct Turn {
    until: Timestamp,
}

impl Turn {
    /// Whether a call that is sent now is over before anybody else has the turn, even if their clock is ahead.
    pub(super) fn outlasts_a_call(&self, now: Timestamp) -> bool {
        self.until.duration_since(now) >= CLAIM + SKEW
    }
}

/// Waits for the turn.
pub(super) async fn take_turn(context: &Context, stage: &StageTask) -> Result<Turn, Halt> {
    let (org, id) = (stage.offboarding.org_id, &stage.offboarding.id);
    for attempt in 0..TRIES {
        if attempt > 0 {
            context.ports.clock.sleep(GIVE_WAY).await;
        }
        let now = context.now();
        // Taken for longer than a run lasts, for the dead lose it no earlier.
        let until = now + CLAIM * 2 + SKEW;
        if context.ports.turns.take_turn(org, id, now, until).await? {
            return Ok(Turn { until });
        }
    }
    Err(Halt::Pause(context.now() + PAUSE))
}

/// Lets the next one go, unless nobody knows yet whether the removal takes effect: then the turn ends by itself.
/// Should it not be possible to say so, it ends by itself as well.
pub(super) async fn end_turn(context: &Context, stage: &StageTask) {
    if let State::Finalizing(it) = &stage.offboarding.state
        && it.claim.is_open()
    {
        return;
    }
    if let Err(error) = context.ports.turns.end_turn(stage.offboarding.org_id, &stage.offboarding.id).await {
        tracing::warn!(%error, "the turn in the organization could not be ended; it ends by itself");
    }
}
