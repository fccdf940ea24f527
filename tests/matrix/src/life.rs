//! One row, lived: a stack of its own with real processes, the people at its doors, and what is left at the end.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use local_stack::{Options, Stack, environment::Caller, podio::Choice};
use podio_lifecycle::ids::OffboardingId;
use podio_sandbox::{Call, Running, State, population::ORG_ID, switches::Acceptance};
use serde_json::Value;
use simulation::{
    dealings::Dealings,
    scene::{Leaver, Scene, Stranger, Wish},
};
use tokio::time::{Instant, sleep};

use crate::{
    cast::{self, Part},
    people::People,
    row::{LIMIT, Row, WINDOW_SECONDS},
};

/// When nobody waits any longer. It takes half a minute where nobody else works on the machine.
const PATIENCE: Duration = Duration::from_secs(600);
/// So many rows are lived at once: most of a life is waiting.
const AT_ONCE: usize = 6;
const GLANCE: Duration = Duration::from_millis(200);

/// What is left when it is over.
#[derive(Debug, Clone)]
pub struct Life {
    /// The row.
    pub row: Row,
    /// The story as the oracles of the simulation know it.
    pub scene: Scene,
    /// Whether the product's hooks became active.
    pub listens: bool,
    /// Podio before anybody was posted.
    pub before: State,
    /// Podio at the end.
    pub podio: State,
    /// Every call that it saw.
    pub log: Vec<Call>,
    /// The last call that was not the product's: what came later is its own.
    pub spent: u64,
    /// What people asked for and were told.
    pub dealings: Dealings,
    /// Why each offboarding was held.
    pub held: BTreeMap<Part, BTreeSet<String>>,
    /// Why each offboarding failed.
    pub failed: BTreeMap<Part, BTreeSet<String>>,
    /// The record of each offboarding.
    pub records: BTreeMap<Part, Value>,
    /// How long it took.
    pub took: Duration,
}

/// The variables of a row. Of what this process happens to have, only the log's filter.
struct Variables(Vec<(&'static str, String)>);

impl Caller for Variables {
    fn get(&self, name: &str) -> Option<String> {
        self.0.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone())
    }
}

impl Life {
    /// Lets a row live, on a stack of its own.
    pub async fn of(row: &Row) -> Self {
        let began = Instant::now();
        let podio = row.podio();
        let hooks = hooks(&podio.initial_state(Timestamp::now()));
        let mut variables =
            vec![("QUOTA_LIMIT", LIMIT.to_string()), ("QUOTA_WINDOW_SECONDS", WINDOW_SECONDS.to_string())];
        variables.extend(std::env::var("RUST_LOG").ok().map(|filter| ("RUST_LOG", filter)));
        let options = Options {
            log: "error",
            hooks: Some(hooks.join(",")),
            sweep_pace: Duration::from_secs(5),
            ..Options::new(Choice::Sandbox(Box::new(podio)))
        };
        let stack = Stack::start(options, &Variables(variables)).await.expect("the stack starts");
        let sandbox = stack.podio().sandbox().expect("a sandbox");
        let listens = listens(sandbox, hooks.len()).await;
        let before = sandbox.with_state(|state| state.clone());
        let mut people = People::new(row, sandbox, &stack.api());
        let spent = if row.has_company() { people.spend_it_all() } else { 0 };
        people.post().await;
        let posted = Instant::now();
        while !people.decide().await && posted.elapsed() < PATIENCE {
            sleep(GLANCE).await;
        }
        let records = people.audit().await;
        let (podio, log) = (sandbox.with_state(|state| state.clone()), sandbox.log());
        let scene = scene(row, &before, &people.dealings);
        let People { dealings, held, failed, .. } = people;
        stack.stop().await;
        let took = began.elapsed();
        Self { row: row.clone(), scene, listens, before, podio, log, spent, dealings, held, failed, records, took }
    }

    /// Every one of these rows, a few at once, in any order; `tell` hears of each as it ends.
    pub async fn of_all(rows: Vec<Row>, tell: impl Fn(&Self) + Send + Sync + 'static) -> Vec<Self> {
        let (rows, lives) = (Arc::new(Mutex::new(rows.into_iter())), Arc::new(Mutex::new(Vec::new())));
        let tell = Arc::new(tell);
        let live = || {
            let (rows, lives, tell) = (rows.clone(), lives.clone(), tell.clone());
            tokio::spawn(async move {
                loop {
                    let Some(row) = rows.lock().unwrap().next() else { return };
                    let life = Self::of(&row).await;
                    tell(&life);
                    lives.lock().unwrap().push(life);
                }
            })
        };
        for alive in (0..AT_ONCE).map(|_| live()).collect::<Vec<_>>() {
            alive.await.expect("a life");
        }
        let mut lives = std::mem::take(&mut *lives.lock().unwrap());
        lives.sort_by_key(|life| life.row.number);
        lives
    }

    /// The offboarding of a part.
    pub fn id(&self, part: Part) -> Option<&OffboardingId> {
        self.dealings.granted.iter().find(|granted| Part::ALL[granted.wish] == part).map(|granted| &granted.id)
    }

    /// What the operator was told last of the offboarding of a part.
    pub fn state(&self, part: Part) -> &str {
        self.id(part).map_or("unseen", |id| self.dealings.state(id))
    }
}

/// What the product is to listen to, as the variable has it: who comes to a space, and new spaces where Podio tells.
fn hooks(podio: &State) -> Vec<String> {
    let space = cast::hooked_space(podio);
    let mut hooks = ["member.add", "app.create"].map(|event| format!("space/{space}:{event}")).to_vec();
    match podio.switches.org_hooks {
        Acceptance::Accepted => hooks.push(format!("org/{ORG_ID}:space.create")),
        Acceptance::Refused => {}
    }
    hooks
}

/// Waits until the product has registered its hooks and sent Podio's codes back; whether it has. Where Podio posts none by
/// itself, it is asked for one, as an admin would by hand: the product asks at its next look only.
async fn listens(sandbox: &Running, hooks: usize) -> bool {
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        let active = sandbox.with_state(|state| {
            let silent: Vec<_> =
                state.hooks.all.iter().filter(|(_, hook)| hook.code.is_none()).map(|(id, _)| *id).collect();
            silent.into_iter().for_each(|hook| state.request_verification(Timestamp::now(), hook));
            state.hooks.all.len() == hooks && state.hooks.all.values().all(|hook| hook.active)
        });
        if active {
            return true;
        }
        sleep(GLANCE).await;
    }
    false
}

/// The story, as the oracles of the simulation know it.
fn scene(row: &Row, before: &State, dealings: &Dealings) -> Scene {
    let wish = |(leaver, part): (usize, Part)| {
        let at = dealings.posted.get(&leaver).copied().unwrap_or(Timestamp::MIN);
        Wish::plain(leaver, part != Part::Diego, at, leaver)
    };
    let company = row.has_company().then_some((Timestamp::MIN, Stranger::Spends(LIMIT)));
    let (quiet, _) = Scene::quiet(1);
    Scene {
        switches: row.switches(),
        quota: row.quota(),
        leavers: Part::ALL.map(|part| Leaver { user: part.user(before), mail: part.mail().to_owned() }).to_vec(),
        wishes: Part::ALL.into_iter().enumerate().map(wish).collect(),
        strangers: company.into_iter().collect(),
        calm_at: Timestamp::MIN,
        sweep_every: SignedDuration::from_secs(5),
        hooks: true,
        ..quiet
    }
}
