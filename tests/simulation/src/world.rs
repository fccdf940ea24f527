//! Everything there is, and time to pass in it.

use std::{collections::BTreeMap, sync::Arc};

use aws_lambda_events::sqs::SqsBatchResponse;
use jiff::{SignedDuration, Timestamp};
use podio_aws::{
    queue::{MemoryDeadLetters, MemoryJobs},
    twin::{MemoryCredentials, MemoryStore},
};
use podio_engine::quota::Ceiling;
use podio_lifecycle::ports::Clock;
use podio_sandbox::{SpaceId, state::Delivery};
use stories::{SkewedClock, VirtualClock};

use crate::{
    dealings::{Dealings, Letter, Reply},
    dice::Dice,
    doors,
    fate::Fate,
    house::{self, Batch, DEAD, House, JOBS},
    journal::Journal,
    planted::Bug,
    podio::{Podio, Road},
    pool::{Pool, Step, Work},
    scene::{self, Outage, START, Scene},
    wiring::Wiring,
};

/// As deployed: how long a function may take.
const DOOR_TIMEOUT: SignedDuration = SignedDuration::from_secs(15);
const TIMEOUT: SignedDuration = SignedDuration::from_secs(60);

/// What an invocation is for.
pub enum Purpose {
    /// A batch of jobs.
    Work(Batch),
    /// A sweep.
    Sweep,
    /// Somebody at the door for HR and admins.
    Letter(Letter),
    /// Podio at its door.
    Hook(Delivery),
}

/// What an invocation resulted in.
pub enum Ended {
    /// What Lambda is told of a batch.
    Worked(SqsBatchResponse),
    /// A sweep is over.
    Swept,
    /// A door has answered.
    Replied(Reply),
}

/// Something that is to happen.
#[derive(Debug, Clone)]
pub enum Deed {
    /// A wish is posted.
    Post(usize),
    /// Somebody thinks better of a wish.
    Cancel(usize),
    /// Something happens at Podio without us: the place in the scene.
    Stranger(usize),
    /// The operator makes a round.
    Operator,
    /// The auditor makes a round.
    Auditor,
    /// Podio is out of order from now on.
    Outage(Outage),
    /// The operator stops all removals.
    Pause,
    /// The operator lets them go on.
    Resume,
    /// Nothing goes wrong from now on.
    Calm,
}

/// The product and all around it.
pub struct World {
    /// The time of everybody.
    pub clock: Arc<VirtualClock>,
    /// What happened.
    pub journal: Arc<Journal>,
    /// Who fails and who dies.
    pub fate: Arc<Fate>,
    /// Podio.
    pub podio: Arc<Podio>,
    /// What people know.
    pub dealings: Dealings,
    /// The story.
    pub wiring: Wiring,
    pub(crate) dice: Dice,
    pub(crate) house: House,
    pool: Pool<Purpose, Ended>,
    agenda: BTreeMap<(Timestamp, u64), Deed>,
    deeds: u64,
    next_sweep: Timestamp,
    /// Whether somebody died with a token in their hands.
    pub token_lost: bool,
    /// Spaces to which somebody may be added.
    pub(crate) spaces: Vec<SpaceId>,
}

impl World {
    /// The world of a scene, before anything happens. With `bug` it is not the product's fault what follows.
    pub fn new(
        scene: Scene,
        state: podio_sandbox::State,
        dice: Dice,
        readable: bool,
        dies_at: Option<u64>,
        bug: Option<Bug>,
    ) -> Self {
        let start: Timestamp = START.parse().expect("a time");
        let clock = Arc::new(VirtualClock::new(start));
        clock.drive();
        let journal = Arc::new(Journal::new(clock.clone(), readable));
        let fate = Arc::new(Fate::new(journal.clone(), dice.fork(), dies_at));
        let spaces = state.spaces_of_org(podio_sandbox::population::ORG_ID).map(|(space, _)| space).collect();
        let lie = bug.and_then(Bug::lie);
        let podio = Arc::new(Podio::new(state, clock.clone(), dice.fork(), journal.clone(), fate.clone(), lie));
        let sqs = house::queues();
        let house = House::new(sqs.clone(), clock.clone(), dice.fork(), fate.clone(), journal.clone());
        journal.note(format_args!("{}", scene.summary()));
        let wiring = wiring(scene, &clock, &fate, &podio, sqs, &dice, bug);
        let pool = Pool::default();
        let (agenda, dealings) = (BTreeMap::new(), Dealings::default());
        let mut world = Self {
            clock,
            journal,
            fate,
            podio,
            dealings,
            wiring,
            dice,
            house,
            pool,
            agenda,
            deeds: 0,
            next_sweep: start,
            token_lost: false,
            spaces,
        };
        world.write_agenda(start);
        world
    }

    fn write_agenda(&mut self, start: Timestamp) {
        let scene = self.wiring.scene.clone();
        self.fate.rage(scene.rates);
        for rule in scene::rules(&self.dice, &scene.podio_faults) {
            self.podio.state().add_fault(rule);
        }
        for (place, wish) in scene.wishes.iter().enumerate() {
            self.plan(wish.at, Deed::Post(place));
            for again in &wish.repeats {
                self.plan(*again, Deed::Post(place));
            }
            if let Some(at) = wish.cancel_at {
                self.plan(at, Deed::Cancel(place));
            }
        }
        for (place, (at, _)) in scene.strangers.iter().enumerate() {
            self.plan(*at, Deed::Stranger(place));
        }
        if let Some((at, outage)) = scene.outage {
            self.plan(at, Deed::Outage(outage));
        }
        if let Some((from, until)) = scene.pause {
            self.plan(from, Deed::Pause);
            self.plan(until, Deed::Resume);
        }
        self.plan(start + SignedDuration::from_mins(20), Deed::Operator);
        self.plan(scene.calm_at, Deed::Calm);
        self.plan(scene.calm_at + SignedDuration::from_mins(1), Deed::Auditor);
    }

    /// Something is to happen at that time.
    pub(crate) fn plan(&mut self, at: Timestamp, deed: Deed) {
        self.deeds += 1;
        self.agenda.insert((at, self.deeds), deed);
    }

    /// Lets time pass until it is done, or until `until`; whether it was done.
    pub fn pass(&mut self, until: Timestamp, done: impl Fn(&Self) -> bool) -> bool {
        loop {
            self.do_what_is_due();
            self.go_on();
            if done(self) {
                return true;
            }
            if self.clock.read() >= until {
                return false;
            }
            self.clock.reach(self.next_moment().min(until));
            for number in self.pool.overdue(self.clock.read()) {
                self.journal.fault("timed out", format_args!("#{number}"));
                self.kill(number);
            }
        }
    }

    fn next_moment(&self) -> Timestamp {
        let hooks = self.podio.state().hooks.next_due();
        let moments = [
            Some(self.next_sweep),
            self.agenda.keys().next().map(|(at, _)| *at),
            self.clock.next_waking(),
            self.podio.next_arrival(),
            self.house.next(self.wiring.scene.workers),
            self.pool.next_deadline(),
            hooks,
        ];
        moments.into_iter().flatten().min().unwrap_or(self.next_sweep)
    }

    fn do_what_is_due(&mut self) {
        let now = self.clock.read();
        self.podio.let_arrive();
        while let Some(first) = self.agenda.first_entry().filter(|first| first.key().0 <= now) {
            let deed = first.remove();
            self.act(deed);
        }
        if now >= self.next_sweep {
            self.next_sweep = now + self.wiring.scene.sweep_every;
            self.start_sweep();
        }
        let due = self.podio.state().hooks.take_due(now);
        for delivery in due {
            self.knock(delivery);
        }
    }

    /// Lets everybody go on until nobody can before time passes.
    fn go_on(&mut self) {
        loop {
            while let Some(batch) = self.house.hand_out(&self.wiring) {
                self.start_work(batch);
            }
            match self.pool.step(&self.dice) {
                Step::Quiet => return,
                Step::Under(number) => {
                    self.count_step(number);
                    if self.fate.takes() {
                        self.kill(number);
                    }
                }
                Step::Ended(number, purpose, ended) => {
                    self.count_step(number);
                    let killed = self.fate.takes();
                    if killed {
                        self.note_death(number);
                    }
                    self.end(number, purpose, (!killed).then_some(ended));
                }
            }
        }
    }

    fn count_step(&self, number: u64) {
        self.journal.count(|tally| tally.steps += 1);
        self.journal.mark(number);
    }

    fn kill(&mut self, number: u64) {
        self.note_death(number);
        if let Some(purpose) = self.pool.kill(number) {
            self.end(number, purpose, None);
        }
    }

    fn note_death(&mut self, number: u64) {
        self.token_lost |= self.podio.brings_a_token();
        self.journal.count(|tally| tally.crashes += 1);
        self.journal.note(format_args!("#{number} is killed"));
    }

    fn end(&mut self, number: u64, purpose: Purpose, ended: Option<Ended>) {
        match (purpose, ended) {
            (Purpose::Work(batch), ended) => {
                self.journal.note(format_args!("#{number} worker ends"));
                let response = ended.and_then(|ended| match ended {
                    Ended::Worked(response) => Some(response),
                    Ended::Swept | Ended::Replied(_) => None,
                });
                self.house.settle(batch, response);
            }
            (Purpose::Sweep, _) => {}
            (Purpose::Letter(letter), ended) => {
                let reply = match ended {
                    Some(Ended::Replied(reply)) => Some(reply),
                    _ => None,
                };
                self.journal.note(format_args!(
                    "#{number} {letter:?} is answered {:?} {}",
                    reply.as_ref().map(|reply| reply.status),
                    reply.as_ref().map_or("", |reply| &reply.body)
                ));
                self.receive(letter, reply);
            }
            (Purpose::Hook(delivery), ended) => {
                let delivered = matches!(&ended, Some(Ended::Replied(reply)) if (200..300).contains(&reply.status));
                let now = self.clock.read();
                self.podio.state().settle_delivery(now, delivery, delivered);
            }
        }
    }

    fn start(&mut self, purpose: Purpose, timeout: SignedDuration, work: Work<Ended>) -> u64 {
        self.journal.count(|tally| tally.invocations += 1);
        self.pool.start(purpose, self.clock.read() + timeout, work)
    }

    fn start_work(&mut self, batch: Batch) {
        let (worker, event) = (batch.worker.clone(), House::event(&batch));
        let texts: Vec<&str> = batch.messages.iter().map(|message| message.body.as_str()).collect();
        let texts = texts.join(" ");
        let work = async move { Ended::Worked(worker.handle_event(event).await.expect("messages with ids")) };
        let number = self.start(Purpose::Work(batch), TIMEOUT, Box::pin(work));
        self.journal.note(format_args!("#{number} worker: {texts}"));
    }

    fn start_sweep(&mut self) {
        let clock = SkewedClock { clock: self.clock.clone(), ahead: self.wiring.sweep_ahead };
        let sweep = self.wiring.sweep(Arc::new(clock));
        let work = async move {
            // A sweep that storage failed is followed by the next.
            sweep.run().await.ok();
            Ended::Swept
        };
        self.start(Purpose::Sweep, TIMEOUT, Box::pin(work));
    }

    /// Somebody knocks at the door for HR and admins.
    pub(crate) fn write(&mut self, letter: Letter) {
        let request = doors::request(&letter, &self.wiring.scene, self.clock.read());
        let (ports, settings) = self.wiring.api(self.machine());
        let work = async move { Ended::Replied(doors::reply(api::handle(&ports, &settings, request).await)) };
        self.start(Purpose::Letter(letter), DOOR_TIMEOUT, Box::pin(work));
    }

    fn knock(&mut self, delivery: Delivery) {
        let request = doors::delivery(&delivery);
        let (ports, settings) = self.wiring.hooks(self.machine());
        let work = async move { Ended::Replied(doors::reply(hooks::handle(&ports, &settings, &request).await)) };
        let number = self.start(Purpose::Hook(delivery.clone()), DOOR_TIMEOUT, Box::pin(work));
        self.journal.note(format_args!("#{number} hook {:?}", delivery.form));
    }

    /// The clock of some machine.
    fn machine(&self) -> Arc<dyn Clock> {
        Arc::new(SkewedClock { clock: self.clock.clone(), ahead: *self.dice.pick(&self.wiring.scene.skews) })
    }
}

fn wiring(
    scene: Scene,
    clock: &Arc<VirtualClock>,
    fate: &Arc<Fate>,
    podio: &Arc<Podio>,
    sqs: Arc<std::sync::Mutex<podio_aws::queue::twin::Sqs>>,
    dice: &Dice,
    bug: Option<Bug>,
) -> Wiring {
    let store = Arc::new(MemoryStore::new());
    let credentials = Arc::new(MemoryCredentials::new());
    let jobs = Arc::new(MemoryJobs::new(sqs.clone(), JOBS, clock.clone()));
    let dead_letters = Arc::new(MemoryDeadLetters::new(sqs, DEAD, clock.clone()));
    let all = [
        ("table", store.faults()),
        ("tokens", credentials.faults()),
        ("queue", jobs.faults()),
        ("dead letters", dead_letters.faults()),
    ];
    for (door, faults) in all {
        let fate = fate.clone();
        faults.decided_by(move |operation, moment| fate.strike(door, operation, moment));
    }
    let window = SignedDuration::from_secs(scene.quota.window_seconds.into());
    let hooks = scene.hooks.then(|| {
        let state = podio.state();
        let spaces = state.spaces_of_org(podio_sandbox::population::ORG_ID).take(2);
        let list: Vec<String> = spaces.map(|(space, _)| format!("space/{space}:member.add")).collect();
        list.join(",").parse().expect("a list of hooks")
    });
    let wiring = Wiring {
        offboardings: store.clone(),
        changes: store.clone(),
        removals: store.clone(),
        quota: store.clone(),
        work: store.clone(),
        pause: store.clone(),
        credentials,
        store,
        jobs,
        dead_letters,
        road: Arc::new(Road(podio.clone())),
        random: Arc::new(dice.fork()),
        ceiling: Ceiling::new(scene.quota.limit, window).expect("a ceiling"),
        hooks,
        sweep_ahead: SignedDuration::ZERO,
        scene,
    };
    match bug {
        Some(bug) => bug.plant(wiring),
        None => wiring,
    }
}
