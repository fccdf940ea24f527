//! How often a burst writes the record of the quota, which all workers share.
//!
//! The quota is free, and all calls go out within seconds. Each write is a conditional one on the same item, so what
//! matters is that a dispatch writes once, however much it books and however many orders it sends.

use std::time::Instant;

use jiff::SignedDuration;
use podio_lifecycle::offboarding::State;
use podio_sandbox::{Config, Population, Profile, WindowModel};
use serde::Serialize;
use stories::{Fleet, Leaver, Setup, Staff};

use crate::{
    bounds::MOST_WRITES_OF_A_BURST,
    product::{MASS, dispatches, settle_in},
    scene::{BESIDE_SPACES, Foreign, LATENCY, SPACES, Scene},
};

/// They are long through by then.
const ENOUGH: SignedDuration = SignedDuration::from_mins(30);
/// Whatever is still to be booked is booked by then, and no sweep comes.
const BOOKED: SignedDuration = SignedDuration::from_secs(10);

/// Leavers who are posted at once.
#[derive(Debug, Clone, Copy)]
pub struct Crowd {
    /// How many.
    pub leavers: usize,
    /// In how many spaces each of them is.
    pub spaces: usize,
    /// The most writes for a hundred calls.
    pub most: Option<f64>,
}

impl Crowd {
    /// A hundred calls of one leaver; and fourteen leavers, whose ends come one by one, and each with a dispatch of its own.
    pub const ALL: [Self; 2] = [
        Self { leavers: 1, spaces: 100, most: Some(MOST_WRITES_OF_A_BURST) },
        Self { leavers: 14, spaces: SPACES, most: None },
    ];

    /// Its name in the table.
    pub fn name(self) -> String {
        let leavers = if self.leavers == 1 { "leaver" } else { "leavers" };
        format!("quota writes: {} {leavers} of {} spaces", self.leavers, self.spaces)
    }

    fn calls(self) -> usize {
        self.leavers * (self.spaces + BESIDE_SPACES)
    }
}

/// The row of a burst.
#[derive(Debug, Clone, Serialize)]
pub struct Burst {
    /// What was measured.
    pub name: String,
    /// Leavers who are proved gone, of those posted.
    pub done: (usize, usize),
    /// Calls of ours.
    pub calls: usize,
    /// Attempts to write the record.
    pub writes: u64,
    /// Dispatches: one after each batch, and one in each sweep.
    pub dispatches: u64,
    /// From the posts to the last call, in seconds.
    pub seconds: i64,
    /// What it took to measure, in real seconds.
    pub real_seconds: f64,
    /// The most writes for a hundred calls.
    pub most_for_hundred_calls: Option<f64>,
}

impl Burst {
    /// Attempts to write for a hundred calls.
    pub fn for_hundred_calls(&self) -> f64 {
        self.writes as f64 * 100.0 / self.calls as f64
    }

    /// Attempts to write for each dispatch.
    pub fn for_dispatch(&self) -> f64 {
        self.writes as f64 / self.dispatches as f64
    }
}

/// Measures one.
pub async fn measure(crowd: Crowd) -> Burst {
    let began = Instant::now();
    let scene = Scene::hours(WindowModel::Sliding, 1, Foreign::Nobody);
    let podio = Config { population: Population::new(3), quota: scene.quota(), ..Config::new(Profile::Documented) };
    let setup = Setup { podio, ceiling: (scene.limit, scene.window.as_secs()), mass_threshold: MASS };
    let staff = Staff { clocks: vec![SignedDuration::ZERO; 2], latency: LATENCY, crashes: Vec::new() };
    let mut fleet = Fleet::new(setup, staff).await;
    let start = fleet.world.clock.read();
    let users = fleet.world.podio.with_state(|state| settle_in(state, start, crowd.leavers, crowd.spaces));
    let mut ids = Vec::new();
    for user in users {
        ids.push(fleet.world.post(&Leaver::user(user.0)).await);
    }
    fleet.run(start + ENOUGH, |world| world.calls() >= crowd.calls()).await;
    let ended = fleet.world.clock.read();
    fleet.run(ended + BOOKED, |_| false).await;
    let mut done = 0;
    for id in &ids {
        done += usize::from(matches!(fleet.world.look(id).await.state, State::Completed { .. }));
    }
    Burst {
        name: crowd.name(),
        done: (done, ids.len()),
        calls: fleet.world.calls(),
        writes: fleet.log_writes(),
        dispatches: dispatches(&fleet, start),
        seconds: ended.duration_since(start).as_secs(),
        real_seconds: began.elapsed().as_secs_f64(),
        most_for_hundred_calls: crowd.most,
    }
}
