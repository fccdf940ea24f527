//! What the leavers of one department cost, in calls, next to the guide's recipe.

use jiff::SignedDuration;
use podio_sandbox::{Config, Effect, Population, Profile, SpaceId, Switches, UserId, population::ORG_ID};
use serde::Serialize;
use stories::{Fleet, Leaver, Setup, Staff};

use crate::{
    product::{MASS, join},
    scene::{LATENCY, SPACES},
};

/// Members of the organization.
pub const MEMBERS: usize = 2_000;

/// One row of the second table.
#[derive(Debug, Clone, Serialize)]
pub struct Cost {
    /// Whether Podio offers what its reference says.
    pub documented: bool,
    /// Spaces of the organization.
    pub spaces: usize,
    /// Leavers.
    pub leavers: usize,
    /// Those that are out of the organization.
    pub removed: usize,
    /// Calls that the quota counts.
    pub calls: usize,
    /// What the recipe needs.
    pub recipe: usize,
}

impl Cost {
    /// Its name in messages.
    pub fn name(&self) -> String {
        let profile = if self.documented { "documented" } else { "guide" };
        format!("{profile}, {} spaces, {} leavers", self.spaces, self.leavers)
    }

    /// Calls in place of each of the recipe's.
    pub fn ratio(&self) -> f64 {
        self.calls as f64 / self.recipe as f64
    }
}

/// The guide's recipe for one leaver: list the members, list all spaces, a DELETE in every one of them, a DELETE in the
/// organization, and a look whether it worked. Its pages are as long as Podio allows, and it is not charged for retries.
pub fn recipe(profile: Profile, members: usize, spaces: usize) -> usize {
    let page = Switches::of(profile).page_max as usize;
    members.div_ceil(page) + 1 + spaces + 1 + 1
}

/// Removes a department and counts.
pub async fn measure(profile: Profile, members: usize, spaces: usize, leavers: usize) -> Cost {
    let population = Population::new(7).members(members - leavers).spaces(spaces);
    let podio = Config { population, ..Config::new(profile) };
    let setup = Setup { podio, ceiling: (250, 3_600), mass_threshold: MASS };
    let staff = Staff { clocks: vec![SignedDuration::ZERO; 2], latency: LATENCY, crashes: Vec::new() };
    let mut fleet = Fleet::new(setup, staff).await;
    let start = fleet.world.clock.read();
    let users = fleet.world.podio.with_state(|state| {
        let every = spaces / SPACES;
        let theirs: Vec<SpaceId> =
            state.spaces_of_org(ORG_ID).map(|(space, _)| space).step_by(every).take(SPACES).collect();
        (0..leavers).map(|n| join(state, start, n, &theirs)).collect::<Vec<_>>()
    });
    for n in 0..users.len() {
        fleet.world.post(&Leaver::of(&format!("leaver.{n}@example.com"))).await;
    }
    let mut done_at = None;
    let leaver = |user: &UserId| users.iter().any(|leaver| leaver.0 == user.0);
    let (mut seen, mut removed) = (0, 0);
    let done = |world: &stories::World| {
        removed += world.podio.with_state(|state| {
            let new = &state.log.calls()[seen..];
            seen += new.len();
            let effects = new.iter().flat_map(|call| &call.effects);
            effects.filter(|e| matches!(e, Effect::OrgMembershipEnded { user_id, .. } if leaver(user_id))).count()
        });
        done_at = (removed == leavers).then(|| world.clock.read());
        done_at.is_some()
    };
    fleet.run(start + SignedDuration::from_hours(24 * 400), done).await;
    // The proofs.
    fleet.run(fleet.world.clock.read() + SignedDuration::from_hours(3), |_| false).await;
    Cost {
        documented: profile == Profile::Documented,
        spaces,
        leavers,
        removed,
        calls: fleet.world.calls(),
        recipe: recipe(profile, members, spaces) * leavers,
    }
}
