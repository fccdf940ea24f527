//! What the calls of one run are charged to, where there is a limit to that.

use jiff::Timestamp;
use podio_engine::quota::{Ceiling, name};
use podio_lifecycle::work::JobId;

use super::Access;
use crate::halt::Halt;

/// The budget of one run.
pub(crate) struct Budget<'a> {
    access: &'a Access,
    /// The budget's name, and its share of the quota.
    of: Option<(u64, Ceiling)>,
    charged: Vec<(u64, Timestamp)>,
}

impl<'a> Budget<'a> {
    /// The quota is the only limit.
    pub(super) fn unlimited(access: &'a Access) -> Self {
        Self { access, of: None, charged: Vec::new() }
    }

    /// From now on calls are charged to the budget of that name, which has that share of the quota.
    pub(crate) fn charge_to(&mut self, budget: &JobId, share: Ceiling) {
        self.of = Some((name(budget), share));
    }

    /// Charges calls, be they of this run or such as others will make because of it.
    pub(crate) fn charge(&mut self, calls: usize) {
        let Some((budget, share)) = self.of else { return };
        // More than the whole share would only make the record longer.
        let now = self.access.clock.now();
        self.charged.extend(std::iter::repeat_n((budget, now), calls.min(share.limit())));
    }

    /// Whether there is room for so many more calls; if not, until when to pause. To be asked before something is begun
    /// that is worth nothing half done, which may then take a few calls more.
    pub(crate) fn afford(&self, calls: usize) -> Result<(), Halt> {
        let Some((budget, share)) = self.of else { return Ok(()) };
        let now = self.access.clock.now();
        let charged: Vec<Timestamp> = self.charged.iter().map(|(_, at)| *at).collect();
        let room = self.access.dispatcher.with_known(|known| known.room_in_budget(budget, &charged, calls, share, now));
        if room > now { Err(Halt::Pause(room)) } else { Ok(()) }
    }

    pub(super) fn into_charged(self) -> Vec<(u64, Timestamp)> {
        self.charged
    }
}
