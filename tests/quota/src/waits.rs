//! How long a leaver waits while much else waits: behind thousands of removals, in a rush, after a layoff.
//!
//! What is posted beyond the mass threshold is held, and a person who looks once in a while approves it. When somebody is
//! gone, Podio's own log says; when a plan is through, the record does.

use std::{collections::BTreeSet, time::Instant};

use jiff::{SignedDuration, Timestamp};
use podio_lifecycle::{
    ids::{OffboardingId, UserId},
    offboarding::{Passage, Priority, State},
};
use podio_sandbox::{Config, Effect, Population, Profile, WindowModel};
use serde::Serialize;
use stories::{Fleet, Leaver, Setup, Staff};

use crate::{
    product::{MASS, settle},
    scene::{Foreign, LATENCY, Scene},
};

/// Leavers in an hour that are believed at once, as deployed.
const BELIEVED: usize = 25;
/// How far the two workers' clocks are ahead.
const CLOCKS: [SignedDuration; 2] = [SignedDuration::from_secs(2), SignedDuration::from_secs(-2)];
/// How often the person looks who approves what is held.
const LOOKS: SignedDuration = SignedDuration::from_mins(10);
/// Nobody is waited for any longer than that.
const ENOUGH: SignedDuration = SignedDuration::from_hours(12);

/// Who waits, and behind what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question {
    /// A new leaver's plan, behind five thousand removals.
    PlanBehind,
    /// The plans of others in the hour after eighty leavers were posted at once, behind a backlog.
    PlansInARush,
    /// An urgent leaver, behind five thousand removals.
    UrgentBehind,
    /// One more leaver, two hours after a layoff.
    AfterALayoff,
}

/// What must hold of a row.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Bound {
    /// So many jobs wait whenever one of them is posted, or the row does not show what it says.
    pub behind: usize,
    /// 95 of 100 wait no longer, in seconds.
    pub p95: i64,
}

/// Somebody who is posted.
#[derive(Debug, Clone, Copy)]
struct Post {
    /// After the start.
    after: SignedDuration,
    urgent: bool,
    /// Whether it is their wait that is measured.
    measured: bool,
}

impl Post {
    /// One of those who only make others wait.
    fn other(after: SignedDuration) -> Self {
        Self { after, urgent: false, measured: false }
    }

    fn measured(after: SignedDuration) -> Self {
        Self { measured: true, ..Self::other(after) }
    }
}

impl Question {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::PlanBehind, Self::PlansInARush, Self::UrgentBehind, Self::AfterALayoff];

    /// Its name in the table.
    pub fn name(self) -> &'static str {
        match self {
            Self::PlanBehind => "plan behind 5,000",
            Self::PlansInARush => "plans in a rush",
            Self::UrgentBehind => "urgent behind 5,000",
            Self::AfterALayoff => "after a layoff",
        }
    }

    /// What must hold.
    pub fn bound(self) -> Bound {
        let (behind, minutes) = match self {
            Self::PlanBehind => (5_000, 6),
            Self::PlansInARush => (1_000, 10),
            Self::UrgentBehind => (5_000, 15),
            // Most of a layoff is not planned yet.
            Self::AfterALayoff => (300, 30),
        };
        Bound { behind, p95: minutes * 60 }
    }

    /// Whether it asks for plans, and not for people who are gone.
    fn of_plans(self) -> bool {
        matches!(self, Self::PlanBehind | Self::PlansInARush)
    }

    /// Leavers in an hour that are believed at once: all, where five thousand removals are to wait for nothing but the quota.
    fn believed(self) -> usize {
        match self {
            Self::PlanBehind | Self::UrgentBehind => MASS,
            Self::PlansInARush | Self::AfterALayoff => BELIEVED,
        }
    }

    /// Who is posted, in order.
    fn posts(self) -> Vec<Post> {
        let hours = SignedDuration::from_hours;
        let minutes = SignedDuration::from_mins;
        let at_once = |count, at| std::iter::repeat_n(Post::other(at), count);
        let mut posts: Vec<Post> = match self {
            Self::PlanBehind => {
                // Their plans take eight hours. Then six an hour for a day, at uneven times.
                let others = at_once(1_000, hours(0));
                others
                    .chain((0..144).map(|n| Post::measured(hours(9) + minutes(n * 10) + within(n, minutes(10)))))
                    .collect()
            }
            Self::PlansInARush => {
                // More than the quota has calls for, and no crowd.
                let others = (0..30).flat_map(|hour| at_once(24, hours(hour)));
                let rushes = (0..5).map(|n| hours(30 + 8 * n));
                let rush = rushes.flat_map(|at| {
                    let after = move |n| Post::measured(at + minutes(n * 10) + within(n + at.as_hours(), minutes(10)));
                    at_once(80, at).chain((0..6).map(after))
                });
                others.chain(rush).collect()
            }
            Self::UrgentBehind => {
                let others = at_once(1_500, hours(0));
                let urgent =
                    |n| Post { urgent: true, ..Post::measured(hours(13) + minutes(n * 90) + within(n, hours(1))) };
                others.chain((0..31).map(urgent)).collect()
            }
            Self::AfterALayoff => at_once(417, hours(0)).chain([Post::measured(hours(2))]).collect(),
        };
        posts.sort_by_key(|post| post.after);
        posts
    }
}

/// Some time or other within `span`.
fn within(n: i64, span: SignedDuration) -> SignedDuration {
    SignedDuration::from_secs((n + 1) * 977 % span.as_secs())
}

/// One row of the table.
#[derive(Debug, Clone, Serialize)]
pub struct Wait {
    /// What was measured.
    pub name: String,
    /// Those whose plan is through, or who are gone, of those who were measured.
    pub done: (usize, usize),
    /// Half of them wait no longer, in seconds.
    pub p50: Option<i64>,
    /// The same for 95 of 100.
    pub p95: Option<i64>,
    /// The same for all.
    pub longest: Option<i64>,
    /// The fewest jobs that waited when one of them was posted: but for a layoff, nearly all of them removals.
    pub behind: usize,
    /// Calls that Podio refused.
    pub rejections: usize,
    /// Calls that took another time than they should: any at all, and the measurement itself is wrong.
    pub unpunctual: usize,
    /// What it took to measure, in real seconds.
    pub real_seconds: f64,
    /// What must hold.
    pub bound: Bound,
}

impl Wait {
    /// The row of so many waits, in seconds; none where somebody waits still.
    pub fn of(name: &str, bound: Bound, waits: &[Option<i64>]) -> Self {
        let mut done: Vec<i64> = waits.iter().flatten().copied().collect();
        done.sort_unstable();
        let after = |percent: usize| done.get((waits.len() * percent).div_ceil(100).checked_sub(1)?).copied();
        Self {
            name: name.to_owned(),
            done: (done.len(), waits.len()),
            p50: after(50),
            p95: after(95),
            longest: after(100),
            behind: bound.behind,
            rejections: 0,
            unpunctual: 0,
            real_seconds: 0.0,
            bound,
        }
    }
}

/// Somebody who was posted and is measured.
struct Posted {
    id: OffboardingId,
    user: UserId,
    at: Timestamp,
}

/// Asks one of the questions.
pub async fn measure(question: Question, tick: impl Fn(usize, usize)) -> Wait {
    let began = Instant::now();
    let posts = question.posts();
    let scene = Scene::hours(WindowModel::Sliding, 1, Foreign::Nobody);
    let podio = Config { population: Population::new(3), quota: scene.quota(), ..Config::new(Profile::Documented) };
    let setup = Setup { podio, ceiling: (scene.limit, scene.window.as_secs()), mass_threshold: question.believed() };
    let staff = Staff { clocks: CLOCKS.to_vec(), latency: LATENCY, crashes: Vec::new() };
    let mut fleet = Fleet::new(setup, staff).await;
    let start = fleet.world.clock.read();
    let users = fleet.world.podio.with_state(|state| settle(state, start, posts.len()));
    let mut approver = Approver { held: BTreeSet::new(), looks_at: start + LOOKS };
    let (mut posted, mut behind, of) = (Vec::new(), usize::MAX, posts.len());
    for (n, (post, user)) in posts.into_iter().zip(users).enumerate() {
        approver.run(&mut fleet, start + post.after).await;
        let mut leaver = Leaver::user(user.0);
        if post.urgent {
            leaver.request.priority = Priority::Urgent;
        }
        let id = fleet.world.post(&leaver).await;
        approver.held.insert(id.clone());
        if post.measured {
            behind = behind.min(fleet.world.waiting().len());
            posted.push(Posted { id, user, at: fleet.world.clock.read() });
        }
        tick(n + 1, of);
    }
    let enough = fleet.world.clock.read() + ENOUGH;
    let waits = loop {
        let waits = waits(question, &fleet, &posted).await;
        let now = fleet.world.clock.read();
        if waits.iter().all(Option::is_some) || now >= enough {
            break waits;
        }
        approver.run(&mut fleet, now + LOOKS).await;
    };
    let mut unpunctual = 0;
    for posted in &posted {
        unpunctual += fleet.unpunctual(&posted.id).await;
    }
    Wait {
        behind,
        rejections: fleet.world.rejections(),
        unpunctual,
        real_seconds: began.elapsed().as_secs_f64(),
        ..Wait::of(question.name(), question.bound(), &waits)
    }
}

/// How long each has waited for what is asked.
async fn waits(question: Question, fleet: &Fleet, posted: &[Posted]) -> Vec<Option<i64>> {
    let mut waits = Vec::new();
    for posted in posted {
        let at = match question.of_plans() {
            true => planned(&fleet.world.look(&posted.id).await.history),
            false => gone(fleet, posted.user),
        };
        waits.push(at.map(|at| at.duration_since(posted.at).as_secs()));
    }
    waits
}

/// When an offboarding was planned.
fn planned(history: &[Passage]) -> Option<Timestamp> {
    history.iter().find(|passage| passage.to != "planning").map(|passage| passage.at)
}

/// When somebody was out of the organization.
fn gone(fleet: &Fleet, user: UserId) -> Option<Timestamp> {
    fleet.world.podio.with_state(|state| {
        let is_it =
            |effect: &Effect| matches!(effect, Effect::OrgMembershipEnded { user_id, .. } if user_id.0 == user.0);
        state.log.calls().iter().find(|call| call.effects.iter().any(is_it)).map(|call| call.time)
    })
}

/// The person who approves what is held.
struct Approver {
    /// Those who may be held, now or later.
    held: BTreeSet<OffboardingId>,
    looks_at: Timestamp,
}

impl Approver {
    /// Lets time pass until then, and the person look as often as they do.
    async fn run(&mut self, fleet: &mut Fleet, until: Timestamp) {
        while self.looks_at <= until {
            fleet.run(self.looks_at, |_| false).await;
            self.looks_at += LOOKS;
            self.approve(fleet).await;
        }
        fleet.run(until, |_| false).await;
    }

    async fn approve(&mut self, fleet: &Fleet) {
        for id in self.held.clone() {
            match fleet.world.look(&id).await.state {
                State::Scheduled(_) | State::Planning(_) => continue,
                State::Held { .. } => drop(fleet.world.approve(&id).await),
                _ => {}
            }
            self.held.remove(&id);
        }
    }
}
