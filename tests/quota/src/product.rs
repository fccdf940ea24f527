//! The worker itself, under a backlog.

use std::{cell::RefCell, rc::Rc, time::Instant};

use jiff::SignedDuration;
use podio_lifecycle::ids::{OffboardingId, UserId};
use podio_sandbox::{
    Call, Config, Effect, FaultAction, FaultRule, Population, Profile, SpaceId, State,
    population::ORG_ID,
    state::{SpaceKind, SpaceRole},
};
use stories::{Fleet, Leaver, Setup, Staff, World};

use crate::{
    measured::{Events, OfWorker, Row, alone},
    scene::{Foreign, LATENCY, SPACES, Scene, spend},
};

/// How far the workers' clocks are ahead, in milliseconds.
const CLOCKS: [i64; 4] = [2_000, -2_000, 1_100, -700];
/// One answer in so many is lost although the call took effect.
const LOST: f64 = 1.0 / 500.0;
/// From one death of a worker to the next, in windows.
const CRASH_EVERY: i32 = 5;
/// No leaver is held for being one of many.
pub(crate) const MASS: usize = 1_000_000;

/// The row of so many workers.
pub async fn row(name: String, scene: &Scene, workers: usize, tick: impl Fn(usize)) -> Row {
    let began = Instant::now();
    let quiet = Scene { foreign: Foreign::Nobody, ..*scene };
    let lone = backlog(&quiet, workers, 1, false, |_| ()).await;
    let run = backlog(scene, workers, scene.leavers(), true, tick).await;
    let (fleet, events) = (&run.fleet, &run.events);
    let mut unpunctual = 0;
    for id in &run.ids {
        unpunctual += fleet.unpunctual(id).await;
    }
    let worker = OfWorker {
        most_receives: fleet.world.most_receives(),
        writes_for_dispatch: fleet.log_writes() as f64 / dispatches(fleet, run.start) as f64,
        dead_letters: fleet.world.dead_letters(),
        crashes: fleet.crashed(),
        lost_answers: run.lost_answers,
        unpunctual,
        real_seconds: began.elapsed().as_secs_f64(),
    };
    let row = Row::of(name, scene, run.start, events);
    Row { product: true, alone: alone(lone.start, &lone.events), worker: Some(worker), ..row }
}

/// Dispatches since the start: one after each batch, and one in each minute's sweep.
pub(crate) fn dispatches(fleet: &Fleet, start: jiff::Timestamp) -> u64 {
    let minutes = fleet.world.clock.read().duration_since(start).as_secs() / 60;
    fleet.batches() + u64::try_from(minutes).unwrap() + 1
}

/// A backlog that was worked off.
struct Worked {
    fleet: Fleet,
    ids: Vec<OffboardingId>,
    start: jiff::Timestamp,
    events: Events,
    lost_answers: usize,
}

async fn backlog(scene: &Scene, workers: usize, leavers: usize, rough: bool, tick: impl Fn(usize)) -> Worked {
    let podio = Config { population: Population::new(3), quota: scene.quota(), ..Config::new(Profile::Documented) };
    let setup = Setup { podio, ceiling: (scene.limit, scene.window.as_secs()), mass_threshold: MASS };
    let crashes = if rough { i32::try_from(scene.windows).unwrap() / CRASH_EVERY + 1 } else { 0 };
    let staff = Staff {
        clocks: CLOCKS[..workers].iter().copied().map(SignedDuration::from_millis).collect(),
        latency: LATENCY,
        crashes: (0..crashes).map(|n| scene.window * (2 * CRASH_EVERY * n + 1) / 2).collect(),
    };
    let mut fleet = Fleet::new(setup, staff).await;
    let start = fleet.world.clock.read();
    let users = fleet.world.podio.with_state(|state| settle(state, start, leavers));
    if rough {
        let lost = FaultAction::Timeout { seconds: worker::FIRST_PATIENCE.as_secs(), after_effect: true };
        let rule = FaultRule::new("DELETE", "/space/*", lost);
        fleet.world.podio.add_fault(FaultRule { probability: Some(LOST), seed: 5, ..rule });
    }
    let others = Rc::new(RefCell::new(Vec::new()));
    for (at, calls) in scene.foreign_calls(start) {
        let others = others.clone();
        fleet.at(at, move |world| {
            let spent = spend_on(world, calls);
            others.borrow_mut().extend(spent.into_iter().map(|admitted| (at, admitted)));
        });
    }
    let mut ids = Vec::new();
    for user in users {
        ids.push(fleet.world.post(&Leaver::user(user.0)).await);
    }
    let (mut seen, mut removed) = (0, 0);
    let done = |world: &World| {
        removed += world.podio.with_state(|state| {
            let new = &state.log.calls()[seen..];
            seen += new.len();
            new.iter().filter(|call| left_org(call)).count()
        });
        tick(removed);
        removed == leavers
    };
    fleet.run(start + scene.span() * 3, done).await;
    // The proof, and whatever else is left to do.
    fleet.run(fleet.world.clock.read() + scene.window * 2, |_| false).await;
    let calls = fleet.world.podio.log();
    let ours = |call: &&Call| call.user.is_some();
    let events = Events {
        admitted: calls.iter().filter(ours).filter(|call| !call.rejected_420).map(|call| call.time).collect(),
        rejected: calls.iter().filter(ours).filter(|call| call.rejected_420).map(|call| call.time).collect(),
        removed: calls.iter().filter(|call| left_org(call)).map(|call| call.time).collect(),
        others: others.take(),
    };
    let lost_answers = calls.iter().filter(|call| call.fault.is_some()).count();
    Worked { fleet, ids, start, events, lost_answers }
}

fn left_org(call: &Call) -> bool {
    call.effects.iter().any(|effect| matches!(effect, Effect::OrgMembershipEnded { .. }))
}

fn spend_on(world: &World, calls: u32) -> Vec<bool> {
    let now = world.clock.read();
    world.podio.with_state(|state| {
        let acting = state.tokens.acting_user().unwrap();
        let switches = state.switches.clone();
        spend(&mut state.limiter, &switches, acting, now, calls)
    })
}

/// Leavers in spaces of their own, each of which others run.
pub(crate) fn settle(state: &mut State, now: jiff::Timestamp, leavers: usize) -> Vec<UserId> {
    settle_in(state, now, leavers, SPACES)
}

/// The same in so many spaces each.
pub(crate) fn settle_in(state: &mut State, now: jiff::Timestamp, leavers: usize, spaces: usize) -> Vec<UserId> {
    let others: Vec<_> = state.org_members(ORG_ID).into_iter().take(3).collect();
    let leaver = |n: usize| {
        let spaces: Vec<SpaceId> = (0..spaces)
            .map(|m| {
                let space = state.create_space(now, ORG_ID, &format!("Team {n}.{m}"), SpaceKind::Regular);
                for other in &others {
                    state.add_to_space(now, space, *other, SpaceRole::Admin);
                }
                space
            })
            .collect();
        join(state, now, n, &spaces)
    };
    (0..leavers).map(leaver).collect()
}

/// An ordinary member of these spaces.
pub(crate) fn join(state: &mut State, now: jiff::Timestamp, n: usize, spaces: &[SpaceId]) -> UserId {
    let user = state.create_person(now, &format!("Leaver {n}"), &format!("leaver.{n}@example.com"));
    state.join_org(now, ORG_ID, user);
    for space in spaces {
        state.add_to_space(now, *space, user, SpaceRole::Regular);
    }
    UserId(user.0)
}
