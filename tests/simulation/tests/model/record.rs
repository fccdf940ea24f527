//! The product's record as a state of the model.

use std::hash::{Hash, Hasher};

use podio_lifecycle::offboarding::{Claim, Offboarding, State};

/// The record, hashed by all that changes in this world.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record(pub Offboarding);

impl Hash for Record {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let it = &self.0;
        let plan = it.state.plan().map(|plan| (plan.spaces.pending, plan.spaces.total(), plan.round, plan.repeats));
        (it.state.name(), it.revision, it.state.plan_number(), plan).hash(state);
        let (claimed, read_back) = match &it.state {
            State::Finalizing(it) => (it.claim != Claim::None, None),
            State::Verifying(it) => (false, Some((it.attempts, it.deleted_at))),
            _ => (false, None),
        };
        (claimed, read_back).hash(state);
    }
}
