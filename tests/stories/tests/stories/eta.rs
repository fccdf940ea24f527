//! When it will be done, as the API says: under a steady backlog that is off by a tenth at most.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a story stops where its premise fails")]

use jiff::{SignedDuration, Timestamp};
use lambda_http::{Body, http};
use podio_engine::quota::Ceiling;
use podio_lifecycle::{
    ids::OffboardingId,
    offboarding::{Outcome, Status},
};
use podio_sandbox::{
    Config, Population, Profile, Quota, WindowModel,
    population::ORG_ID,
    state::{SpaceKind, SpaceRole},
};
use podio_signatures::bearer::Tokens;
use serde_json::Value;
use stories::{Leaver, Setup, World};

const LIMIT: u32 = 100;
const WINDOW: i64 = 3600;
const DAY: SignedDuration = SignedDuration::from_hours(24);
const TOKEN: &str = "a-token-for-stories-0123456789";

/// Who is in which spaces, twelve for everybody, each of which others run.
#[derive(Debug, Clone, Copy)]
enum Spaces {
    /// So many for all: if they are enough, nobody leaves a space that another leaver leaves too.
    Spread(usize),
    /// The same for each department of so many leavers.
    Departments(usize),
}

impl Spaces {
    fn nth(self, leaver: usize, place: usize) -> usize {
        match self {
            Self::Spread(spaces) => (leaver * 12 + place) % spaces,
            Self::Departments(size) => leaver / size * 12 + place,
        }
    }
}

/// Puts everybody into their spaces.
fn settle(world: &World, mails: &[String], spaces: Spaces) {
    let now = world.clock.read();
    world.podio.with_state(|state| {
        let admins: Vec<_> = state.org_members(ORG_ID).into_iter().take(3).collect();
        let mut found = |n| {
            let space = state.create_space(now, ORG_ID, &format!("Team {n}"), SpaceKind::Regular);
            for admin in &admins {
                state.add_to_space(now, space, *admin, SpaceRole::Admin);
            }
            space
        };
        let last = (0..mails.len()).flat_map(|leaver| (0..12).map(move |place| spaces.nth(leaver, place))).max();
        let founded: Vec<_> = (0..=last.unwrap()).map(&mut found).collect();
        for (n, mail) in mails.iter().enumerate() {
            let user = state.create_person(now, "Somebody", mail);
            state.join_org(now, ORG_ID, user);
            for m in 0..12 {
                state.add_to_space(now, founded[spaces.nth(n, m)], user, SpaceRole::Regular);
            }
        }
    });
}

/// Asks the API, over the stories' world.
async fn get(world: &World, path: &str) -> Value {
    let settings = api::Settings {
        organizations: vec![podio_lifecycle::ids::OrgId(ORG_ID.0)],
        senders: podio_signatures::standard_webhooks::Senders::default(),
        api_tokens: Tokens::parse([TOKEN]).unwrap(),
        directory: podio_signatures::senders::Directory::default(),
        two_person_approval: false,
        ceiling: Ceiling::new(LIMIT, SignedDuration::from_secs(WINDOW)).unwrap(),
    };
    let request = http::Request::get(path).header("authorization", format!("Bearer {TOKEN}")).body(Body::Empty);
    let answer = api::handle(&world.api(), &settings, request.unwrap()).await;
    assert_eq!(answer.status(), 200, "{path}");
    serde_json::from_slice(answer.body()).unwrap()
}

fn moment(answer: &Value, field: &str) -> Timestamp {
    answer[field].as_str().unwrap_or_else(|| panic!("no {field} in {answer}")).parse().unwrap()
}

/// How far an estimate made at `asked` was off, as a share of what it was about.
fn off(asked: Timestamp, estimate: Timestamp, came: Timestamp) -> f64 {
    let (said, took) = (estimate.duration_since(asked), came.duration_since(asked));
    (said - took).abs().as_secs_f64() / took.as_secs_f64()
}

/// The moment at which each of the offboardings was completed.
async fn completions(world: &mut World, ids: &[OffboardingId]) -> Vec<Timestamp> {
    let mut came = Vec::new();
    for id in ids {
        let done = world.until_it_rests(id, DAY).await;
        assert_eq!(done.state.status(), Status::Completed(Outcome::Removed));
        came.push(done.state.completed_at().unwrap());
    }
    came
}

/// A backlog of that many leavers, all planned, an hour and a half after they were posted.
async fn backlog(model: WindowModel, leavers: usize, spaces: Spaces) -> (World, Vec<OffboardingId>) {
    let mails: Vec<String> = (0..leavers).map(|n| format!("leaver{n}@example.com")).collect();
    let quota = Quota {
        limit: LIMIT,
        general_limit: None,
        window_seconds: u32::try_from(WINDOW).unwrap(),
        model,
        ..Quota::of(Profile::Documented)
    };
    let podio = Config { population: Population::new(5), quota, ..Config::new(Profile::Documented) };
    let mut world = World::new(Setup { podio, ceiling: (LIMIT, WINDOW), mass_threshold: 1_000 }).await;
    settle(&world, &mails, spaces);
    let mut ids = Vec::new();
    for mail in &mails {
        ids.push(world.post(&Leaver::of(mail)).await);
    }
    let settled = world.clock.read() + SignedDuration::from_secs(WINDOW + WINDOW / 2);
    world.pass(DAY, async |world| (world.clock.read() >= settled).then_some(())).await;
    (world, ids)
}

/// Holds what the API says of a backlog, an hour and a half after it was posted, against what comes; how many single
/// estimates there were to be judged.
async fn judge(model: WindowModel, leavers: usize, spaces: Spaces) -> usize {
    let (mut world, ids) = backlog(model, leavers, spaces).await;
    let asked = world.clock.read();
    let drained = moment(&get(&world, "/quota").await, "drained_at");
    let mut estimates = Vec::new();
    for id in &ids {
        let shown = get(&world, &format!("/offboardings/{id}")).await;
        estimates.push((shown["state"] != "completed").then(|| moment(&shown, "eta")));
    }
    let came = completions(&mut world, &ids).await;

    let last = *came.iter().max().unwrap();
    assert!(off(asked, drained, last) <= 0.1, "{model:?}: drained by {last}, not {drained}, said at {asked}");
    let mut judged = 0;
    for (estimate, came) in estimates.into_iter().zip(came) {
        // What is nearly over has no tenth worth speaking of.
        let Some(estimate) = estimate.filter(|_| came.duration_since(asked).as_secs() >= WINDOW) else { continue };
        judged += 1;
        assert!(off(asked, estimate, came) <= 0.1, "{model:?}: by {came}, not {estimate}, said at {asked}");
    }
    judged
}

#[tokio::test]
async fn under_a_steady_backlog_every_estimate_is_off_by_a_tenth_at_most() {
    // Forty plans leave room in their window for the first removals, whose ends come while the others wait; and of thirty
    // one is moved across the border of a window.
    let scenes = [
        (WindowModel::Fixed, 50, 15),
        (WindowModel::Fixed, 30, 12),
        (WindowModel::FirstCall, 40, 15),
        (WindowModel::Sliding, 50, 15),
    ];
    for (model, leavers, least) in scenes {
        let judged = judge(model, leavers, Spaces::Spread(600)).await;
        assert!(judged >= least, "a backlog of {judged} is none");
    }
}

#[tokio::test]
async fn where_leavers_share_their_spaces_every_estimate_is_as_good() {
    for model in [WindowModel::Fixed, WindowModel::FirstCall, WindowModel::Sliding] {
        let judged = judge(model, 60, Spaces::Spread(400)).await;
        assert!(judged >= 15, "a backlog of {judged} is none");
    }
}

#[tokio::test]
async fn where_whole_departments_leave_every_estimate_is_as_good() {
    for model in [WindowModel::Fixed, WindowModel::FirstCall, WindowModel::Sliding] {
        let judged = judge(model, 60, Spaces::Departments(20)).await;
        assert!(judged >= 15, "a backlog of {judged} is none");
    }
}
