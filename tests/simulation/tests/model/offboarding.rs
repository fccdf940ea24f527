//! The offboarding: two workers, three spaces in three batches, two duplicates of messages, a crash, a lost message.
//!
//! The record and its transitions are the product's. What a worker does between two awaits is one step here, in the order
//! in which the worker does it: load, call, store on condition of the revision. Time stands still but for the order of
//! removals and looks, and for a claim whose worker has died, which is old whenever that helps to break something.

use jiff::{SignedDuration, Timestamp};
use podio_lifecycle::{
    ids::{OffboardingId, OrgId, UserId},
    offboarding::{Claim, Event, Leaver, NewPlan, Offboarding, Outcome, Person, Request, State, Status},
    removal::RemovalState,
};
use stateright::{Checker, Model, Property};

use crate::record::Record;

const SPACES: usize = 3;
const WORKERS: usize = 2;

/// A job on the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Job {
    Plan,
    Space(usize),
    Org,
    Verify,
}

/// What a worker is about to do with its job.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Next {
    /// Load the offboarding.
    Load,
    /// Plan: note that planning begins.
    Begin(Record),
    /// Plan: preview, write the removals down, and store the plan.
    Commit(Record),
    /// Space: call Podio.
    Leave,
    /// Space: load the offboarding to count it.
    Count,
    /// Space: settle it and store the count.
    StoreCount(Record),
    /// Org: look whether a call that may be on its way took effect.
    Look(Record),
    /// Org: look at the spaces and announce the call.
    Claim(Record),
    /// Org: call Podio.
    End(Record),
    /// Org: store that it is done.
    Done(Record),
    /// Verify: ask Podio.
    Ask(Record),
    /// Verify: store what it said, asked at that time.
    Tell(Record, bool, u8),
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct World {
    record: Record,
    /// Whether each space's removal is settled, and so counted.
    settled: [bool; SPACES],
    /// Podio: who is in, how often the unsafe call came, and how often since the last look.
    in_space: [bool; SPACES],
    in_org: bool,
    removals: u8,
    unlooked: u8,
    /// Spaces that were left by the organization removal and not by a call of their own.
    left_behind: bool,
    queue: Vec<Job>,
    workers: [Option<(Job, Next)>; WORKERS],
    /// The worker that announced the call lives and is about to make it.
    claimant: Option<usize>,
    duplicates: u8,
    crashes: u8,
    resends: u8,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Action {
    /// A worker takes a message.
    Take(usize, Job),
    /// The queue delivers a message although somebody has it.
    Duplicate(Job),
    /// A worker does its next step.
    Step(usize),
    /// A worker dies; its message comes back.
    Crash(usize),
    /// The sweep sends again.
    Sweep,
}

/// What may go wrong, so often.
struct Offboardings {
    duplicates: u8,
    crashes: u8,
    /// How the count of open spaces is broken, if it is.
    bug: Option<Bug>,
}

/// Bugs, to see the model find them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bug {
    /// A space is counted whether or not it was counted before.
    CountsAgain,
    /// A claim is taken for nothing.
    IgnoresClaims,
}

fn start() -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap()
}

/// The moment after so many removals.
fn after(removals: u8) -> Timestamp {
    start() + SignedDuration::from_secs(removals.into())
}

fn fresh() -> Offboarding {
    let request = Request::new(Person::User(UserId(7)), podio_lifecycle::source::Source::Api { name: "hr".to_owned() });
    Offboarding::accept(OffboardingId::new(start(), [0; 10]), OrgId(1), request, start())
}

fn plan() -> NewPlan {
    let leaver = Leaver { user_id: UserId(7), email: None, name: None };
    NewPlan { leaver, spaces: 3, previewed: true, reasons: Vec::new(), place: start() }
}

impl World {
    /// Applies an event to the record as it was read, and stores the result if nobody wrote in between; whether so.
    fn commit(&mut self, read: &Record, event: Event, now: Timestamp) -> bool {
        let Ok(change) = read.0.apply(event, now) else { return false };
        if self.record.0.revision != read.0.revision {
            return false;
        }
        let before = self.record.0.state.name();
        let mut next = change.offboarding;
        next.revision += 1;
        // What only tells how it came here makes no two states different.
        next.history.clear();
        next.updated_at = start();
        match &mut next.state {
            State::Completed { at, .. } => *at = start(),
            State::Finalizing(it) if matches!(it.claim, Claim::InFlight { .. }) => {
                it.claim = Claim::InFlight { since: start() };
            }
            _ => {}
        }
        let moved = before != next.state.name();
        self.record = Record(next);
        if moved {
            self.send_jobs();
        }
        true
    }

    fn send_jobs(&mut self) {
        match self.record.0.state {
            State::Removing(_) => {
                (0..SPACES).filter(|space| !self.settled[*space]).for_each(|space| self.queue.push(Job::Space(space)))
            }
            State::Finalizing(_) => self.queue.push(Job::Org),
            State::Verifying(_) => self.queue.push(Job::Verify),
            _ => {}
        }
        self.queue.sort_unstable();
    }

    /// One step of a worker; what it does next, if anything.
    fn step(&mut self, worker: usize, job: Job, next: Next, bug: Option<Bug>) -> Option<Next> {
        match next {
            Next::Load => self.load(worker, job),
            Next::Begin(read) => {
                let begun = self.commit(&read, Event::PlanningBegun, start());
                begun.then(|| Next::Commit(self.record.clone()))
            }
            Next::Commit(read) => {
                self.commit(&read, Event::Planned(plan()), start());
                None
            }
            Next::Leave => {
                let Job::Space(space) = job else { unreachable!() };
                self.in_space[space] = false;
                Some(Next::Count)
            }
            Next::Count => {
                let Job::Space(space) = job else { unreachable!() };
                let open = !self.settled[space] || bug == Some(Bug::CountsAgain);
                open.then(|| Next::StoreCount(self.record.clone()))
            }
            Next::StoreCount(read) => {
                let Job::Space(space) = job else { unreachable!() };
                // In one transaction: the removal is settled, and counted in the record.
                if self.settled[space] && bug != Some(Bug::CountsAgain) {
                    return None;
                }
                if self.commit(&read, Event::SpaceSettled(RemovalState::Removed), start()) {
                    self.settled[space] = true;
                    return None;
                }
                // Overtaken: load it again.
                Some(Next::Count).filter(|_| read.0.revision != self.record.0.revision)
            }
            Next::Look(read) => {
                self.unlooked = 0;
                Some(if self.in_org { Next::Claim(read) } else { Next::Done(read) })
            }
            Next::Claim(read) => {
                let claimed = self.commit(&read, Event::OrgRemovalClaimed, start());
                if claimed {
                    self.claimant = Some(worker);
                }
                claimed.then(|| Next::End(self.record.clone()))
            }
            Next::End(read) => {
                self.left_behind |= self.in_space.contains(&true);
                self.in_space = [false; SPACES];
                self.in_org = false;
                self.removals += 1;
                self.unlooked += 1;
                Some(Next::Done(read))
            }
            Next::Done(read) => {
                self.claimant = None;
                self.commit(&read, Event::OrgRemovalDone, after(self.removals));
                None
            }
            Next::Ask(read) => {
                self.unlooked = 0;
                Some(Next::Tell(read, self.in_org, self.removals))
            }
            Next::Tell(read, there, asked) => {
                let event = if there { Event::StillAMember } else { Event::VerifiedGone { asked_at: after(asked) } };
                self.commit(&read, event, start());
                None
            }
        }
    }

    fn load(&self, worker: usize, job: Job) -> Option<Next> {
        let read = self.record.clone();
        match (job, &read.0.state) {
            (Job::Plan, State::Planning(_)) => Some(Next::Begin(read)),
            (Job::Space(space), State::Removing(_)) if !self.settled[space] => Some(Next::Leave),
            (Job::Org, State::Finalizing(it)) => match it.claim {
                Claim::None => Some(Next::Claim(read)),
                // Whoever announced it lives: it is waited for, and the sweep sends the job again.
                Claim::InFlight { .. } if self.claimant.is_some_and(|claimant| claimant != worker) => None,
                Claim::InFlight { .. } | Claim::Uncertain => Some(Next::Look(read)),
            },
            (Job::Verify, State::Verifying(_)) => Some(Next::Ask(read)),
            _ => None,
        }
    }

    fn is_over(&self) -> bool {
        matches!(self.record.0.state, State::Completed { .. })
    }
}

impl Model for Offboardings {
    type State = World;
    type Action = Action;

    fn init_states(&self) -> Vec<World> {
        vec![World {
            record: Record(fresh()),
            settled: [false; SPACES],
            in_space: [true; SPACES],
            in_org: true,
            removals: 0,
            unlooked: 0,
            left_behind: false,
            queue: vec![Job::Plan],
            workers: [None, None],
            claimant: None,
            duplicates: self.duplicates,
            crashes: self.crashes,
            resends: self.crashes + 1,
        }]
    }

    fn actions(&self, world: &World, actions: &mut Vec<Action>) {
        let idle = world.workers.iter().position(Option::is_none);
        let mut jobs = world.queue.clone();
        jobs.dedup();
        for job in jobs {
            // Idle workers are alike.
            actions.extend(idle.map(|worker| Action::Take(worker, job)));
        }
        for (place, worker) in world.workers.iter().enumerate() {
            let Some((job, _)) = worker else { continue };
            actions.push(Action::Step(place));
            if world.crashes > 0 {
                actions.push(Action::Crash(place));
            }
            if world.duplicates > 0 {
                actions.push(Action::Duplicate(*job));
            }
        }
        let is_quiet = world.queue.is_empty() && world.workers.iter().all(Option::is_none);
        if is_quiet && !world.is_over() && world.resends > 0 {
            actions.push(Action::Sweep);
        }
    }

    fn next_state(&self, world: &World, action: Action) -> Option<World> {
        let mut world = world.clone();
        match action {
            Action::Take(worker, job) => {
                let place = world.queue.iter().position(|queued| *queued == job)?;
                world.queue.remove(place);
                world.workers[worker] = Some((job, Next::Load));
            }
            Action::Duplicate(job) => {
                world.duplicates -= 1;
                world.queue.push(job);
                world.queue.sort_unstable();
            }
            Action::Step(place) => {
                let (job, next) = world.workers[place].take()?;
                if self.bug == Some(Bug::IgnoresClaims)
                    && let State::Finalizing(it) = &mut world.record.0.state
                {
                    it.claim = Claim::None;
                }
                let next = world.step(place, job, next, self.bug);
                world.workers[place] = next.map(|next| (job, next));
            }
            Action::Crash(place) => {
                let (job, _) = world.workers[place].take()?;
                world.crashes -= 1;
                if world.claimant == Some(place) {
                    world.claimant = None;
                }
                world.queue.push(job);
                world.queue.sort_unstable();
            }
            Action::Sweep => {
                world.resends -= 1;
                match world.record.0.state {
                    State::Planning(_) => world.queue.push(Job::Plan),
                    State::Removing(_) => (0..SPACES)
                        .filter(|space| !world.settled[*space])
                        .for_each(|space| world.queue.push(Job::Space(space))),
                    _ => world.send_jobs(),
                }
            }
        }
        Some(world)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("the organization comes last", |_, world: &World| !world.left_behind),
            Property::always("the unsafe call is not repeated unlooked", |_, world: &World| world.unlooked <= 1),
            Property::always("who is said to be gone is gone", |_, world: &World| {
                world.record.0.state.status() != Status::Completed(Outcome::Removed) || !world.in_org
            }),
            Property::always("each space is counted once", |_, world: &World| {
                let open = world.settled.iter().filter(|settled| !**settled).count();
                let State::Removing(it) = &world.record.0.state else { return true };
                it.plan.spaces.pending as usize == open
            }),
            Property::always("nothing rests before its end", |model: &Self, world: &World| {
                let mut actions = Vec::new();
                model.actions(world, &mut actions);
                !actions.is_empty() || world.is_over()
            }),
            Property::sometimes("it ends", |_, world: &World| world.is_over()),
        ]
    }
}

#[test]
fn no_order_of_two_workers_two_duplicates_and_a_crash_breaks_an_offboarding() {
    let checked = Offboardings { duplicates: 2, crashes: 1, bug: None }.checker().threads(2).spawn_bfs().join();
    eprintln!("offboarding: {} states, depth {}", checked.unique_state_count(), checked.max_depth());
    checked.assert_properties();
    assert!(checked.unique_state_count() > 10_000);
}

#[test]
fn the_model_finds_a_count_that_counts_twice() {
    let model = Offboardings { duplicates: 1, crashes: 0, bug: Some(Bug::CountsAgain) };
    let checked = model.checker().threads(2).spawn_bfs().join();
    assert!(checked.discovery("each space is counted once").is_some());
}

#[test]
fn the_model_finds_a_claim_that_is_ignored() {
    let model = Offboardings { duplicates: 1, crashes: 1, bug: Some(Bug::IgnoresClaims) };
    let checked = model.checker().threads(2).spawn_bfs().join();
    assert!(checked.discovery("the unsafe call is not repeated unlooked").is_some());
}
