//! One seed, from its beginning to the verdict.

use std::panic::{AssertUnwindSafe, catch_unwind};

use jiff::{SignedDuration, Timestamp};
use podio_lifecycle::people::ChangeKind;

use crate::{
    dealings::Letter,
    dice::Dice,
    ears::Ears,
    journal::Tally,
    oracles::{Evidence, Violation, judge, nobody_left_who_is_there, targets},
    planted::Bug,
    scene::{START, Scene},
    world::World,
};

/// How long everything may take once nothing goes wrong and everybody's time has come.
const BOUND: SignedDuration = SignedDuration::from_hours(30);
/// How long the world is watched after all has been said again.
const AFTERMATH: SignedDuration = SignedDuration::from_mins(40);

/// How a seed is run.
#[derive(Debug, Clone, Copy, Default)]
pub struct Run {
    /// The seed.
    pub seed: u64,
    /// Keep lines to read.
    pub readable: bool,
    /// Listen to the log; that takes its time.
    pub listen: bool,
    /// A bug to plant.
    pub bug: Option<Bug>,
    /// Audits the organization every hour, too. What else a seed draws depends on that, so it is no part of every run.
    pub audits: bool,
}

/// What came of it.
#[derive(Debug, Clone)]
pub struct Verdict {
    /// The seed.
    pub seed: u64,
    /// The hash of all that happened.
    pub hash: u64,
    /// In numbers.
    pub tally: Tally,
    /// How long it took in the simulation.
    pub took: SignedDuration,
    /// The rules that were broken.
    pub violations: Vec<Violation>,
    /// How many members audits have said to have left.
    pub left: usize,
    /// What happened, if lines were kept.
    pub lines: Vec<String>,
}

impl Run {
    /// The run of a seed as it is.
    pub fn of(seed: u64) -> Self {
        Self { seed, ..Self::default() }
    }

    /// Runs it. A panic outside of a job is a violation as well.
    pub fn verdict(self) -> Verdict {
        catch_unwind(AssertUnwindSafe(|| self.tell())).unwrap_or_else(|panic| {
            let what = panic
                .downcast_ref::<String>()
                .cloned()
                .or_else(|| panic.downcast_ref::<&str>().map(|it| (*it).to_owned()));
            let violation = Violation { rule: 0, what: format!("panicked: {}", what.unwrap_or_default()) };
            Verdict {
                seed: self.seed,
                hash: 0,
                tally: Tally::default(),
                took: SignedDuration::ZERO,
                violations: vec![violation],
                left: 0,
                lines: Vec::new(),
            }
        })
    }

    fn tell(self) -> Verdict {
        let dice = Dice::new(self.seed);
        let (mut scene, podio) = Scene::drawn(&dice.fork());
        if self.audits {
            scene.audits = "rate(1 hour)".parse().expect("a schedule");
        }
        let ears = Ears::new(&scene);
        let mut world = World::new(scene, podio, dice, self.readable, None, self.bug);
        let mut violations = if self.listen { ears.listen(|| live(&mut world)) } else { live(&mut world) };
        violations.extend(ears.heard().into_iter().map(|line| Violation { rule: 8, what: format!("logged: {line}") }));
        verdict(&world, self.seed, violations)
    }
}

/// The verdict on a world that has come to its end.
pub fn verdict(world: &World, seed: u64, violations: Vec<Violation>) -> Verdict {
    let start: Timestamp = START.parse().expect("a time");
    Verdict {
        seed,
        hash: world.journal.hash(),
        tally: world.journal.tally(),
        took: world.clock.read().duration_since(start),
        violations,
        left: world.wiring.store.changes_told().iter().filter(|change| change.kind == ChangeKind::Left).count(),
        lines: world.journal.lines(),
    }
}

/// Lets a world live to its end, and judges it.
pub fn live(world: &mut World) -> Vec<Violation> {
    let scene = &world.wiring.scene;
    let calm_at = scene.calm_at;
    let last = scene.wishes.iter().filter_map(|wish| wish.effective_at).max().map_or(calm_at, |at| at.max(calm_at));
    let wishes = scene.wishes.len();
    world.pass(last + BOUND, |world| {
        world.clock.read() > calm_at
            && (0..wishes).all(|wish| world.dealings.granted.iter().any(|granted| granted.wish == wish))
            && world.dealings.ids().iter().all(|id| world.dealings.rests(id))
    });
    let mut violations = say_everything_again(world);
    let (podio, witnesses) = (world.podio.state(), world.podio.witnesses());
    let evidence = Evidence {
        log: podio.log.calls(),
        podio: &podio,
        witnesses: &witnesses,
        dealings: &world.dealings,
        scene: &world.wiring.scene,
        token_lost: world.token_lost || world.podio.lost_a_token() || world.fate.hurt_tokens(),
    };
    violations.extend(judge(&evidence));
    violations.extend(nobody_left_who_is_there(&podio, &world.wiring.store.changes_told()));
    violations
}

/// Rule 5, with every message there ever was, late and out of order.
fn say_everything_again(world: &mut World) -> Vec<Violation> {
    let broken = |what| Violation { rule: 5, what };
    let before = world.dealings.views.clone();
    let calls = world.podio.state().log.calls().len();
    let ended = |state: &str| state == "completed" || state == "cancelled";
    if !before.values().all(|view| view["state"].as_str().is_some_and(ended)) {
        return Vec::new();
    }
    world.journal.note(format_args!("-- everything is said again"));
    world.house.say_everything_again();
    let until = world.clock.read() + AFTERMATH;
    world.pass(until, |_| false);
    for id in world.dealings.ids() {
        world.write(Letter::View(id));
    }
    world.pass(until + SignedDuration::from_mins(1), |_| false);
    let mut violations = Vec::new();
    for call in &world.podio.state().log.calls()[calls..] {
        if !targets(call).is_empty() {
            violations.push(broken(format!("call {} removes somebody once more", call.n)));
        }
    }
    for (id, view) in &world.dealings.views {
        if before.get(id).is_some_and(|before| before["updated_at"] != view["updated_at"])
            && view["returned_at"].is_null()
        {
            violations.push(broken(format!("{id} changed after its end: {view}")));
        }
    }
    violations
}
