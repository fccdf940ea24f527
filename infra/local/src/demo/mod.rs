//! `cargo local demo`: one leaver, from the signed POST to the proof, in front of your eyes. A hook is registered first, and
//! a space comes into being while the leaver leaves ([`midflight`]).
//!
//! The demo believes nobody: whether the person is gone, and nobody else was touched, is read from the sandbox's own
//! memory and call log ([`judge`]), never from what the product says of itself.

mod api;
mod judge;
mod midflight;
mod progress;
mod report;

use std::time::Duration;

use anyhow::Context as _;
use jiff::Timestamp;
use podio_sandbox::{SpaceId, population::LEAVER};
use tokio::time::{Instant, sleep};

use self::{api::Api, judge::Before, midflight::Wish, progress::Progress, report::Report};
use crate::{
    environment::{API_TOKEN, Caller, OFFBOARDING_SECRET, entries},
    log::say,
    podio::Choice,
    stack::{Options, Stack},
};

const PACE: Duration = Duration::from_millis(200);

/// How to show it.
#[derive(Debug, Clone)]
pub struct Show {
    /// One JSON document instead of the readable record.
    pub json: bool,
    /// When to give up.
    pub patience: Duration,
}

/// Runs the demo. True when the sandbox agrees that the person is gone and nobody else was touched.
///
/// # Errors
/// The stack does not start, or the API says something unexpected.
pub async fn run(mut options: Options, show: &Show, caller: &impl Caller) -> anyhow::Result<bool> {
    let Choice::Sandbox(podio) = &options.podio else { anyhow::bail!("the demo needs the sandbox") };
    let wish = Wish::of(&podio.initial_state(Timestamp::now()))?;
    options.hooks = Some(wish.variable());
    say("Building the functions and starting the stack …");
    let stack = Stack::start(options, caller).await?;
    say(&format!("Ready: {} (Podio at {}).", stack.api(), stack.podio().url()));
    let outcome = offboard(&stack, &wish, show, caller).await;
    stack.stop().await;
    let report = outcome?;
    report.print(show.json).context("the report cannot be printed")?;
    Ok(report.is_proved())
}

async fn offboard(stack: &Stack, wish: &Wish, show: &Show, caller: &impl Caller) -> anyhow::Result<Report> {
    let sandbox = stack.podio().sandbox().context("the demo needs the sandbox")?;
    let hook = wish.granted(sandbox).await?;
    say(&format!("Hook {hook} ({}) is active: the worker has sent Podio's code back.", wish.variable()));
    let before = sandbox.with_state(|state| Before::of(state, LEAVER, hook)).context("the sandbox knows no leaver")?;
    let first_of = |name, default: &str| {
        let list = caller.get(name).unwrap_or_else(|| default.to_owned());
        // What stands before the last colon is the caller's name and role.
        let entry = entries(&list).next().unwrap_or_default();
        entry.rsplit(':').next().unwrap_or_default().trim().to_owned()
    };
    let token = first_of("API_TOKENS", API_TOKEN);
    let api = Api::new(stack.api(), token, &first_of("OFFBOARDING_SECRETS", OFFBOARDING_SECRET))?;

    let started = Instant::now();
    let id = api.post_leaver(LEAVER, Timestamp::now()).await?;
    let meanwhile = || {
        let space = sandbox.with_state(|state| midflight::new_space(state, before.leaver(), Timestamp::now()))?;
        Some((space, format!("Somebody makes space {space} and adds the leaver; {}.", wish.finder())))
    };
    let (last, newcomer) = follow(&api, &id, meanwhile, show.patience).await?;
    let seconds = started.elapsed().as_secs_f64();

    let evidence = api.evidence(&id).await?;
    let quota = api.quota().await?;
    let findings = sandbox.with_state(|state| before.judge(state, newcomer));
    Ok(Report { offboarding: last, evidence, quota, findings, seconds })
}

/// Draws the progress until there is nothing more to come without a person. Once the plan stands, `meanwhile` makes a new
/// space, if it is not too late, and says so in words; the space is returned as well.
async fn follow(
    api: &Api,
    id: &str,
    meanwhile: impl Fn() -> Option<(SpaceId, String)>,
    patience: Duration,
) -> anyhow::Result<(api::Offboarding, Option<SpaceId>)> {
    let deadline = Instant::now() + patience;
    let mut progress = Progress::new();
    let mut newcomer = None;
    loop {
        let now = api.offboarding(id).await?;
        progress.show(&now);
        if now.is_settled() {
            progress.end();
            return Ok((now, newcomer));
        }
        // The first space of a plan is left seconds after it stands, so there is time.
        if now.state == "removing"
            && newcomer.is_none()
            && let Some((space, words)) = meanwhile()
        {
            progress.say(&words);
            newcomer = Some(space);
        }
        if Instant::now() >= deadline {
            progress.end();
            anyhow::bail!("gave up after {} s: the offboarding is still {}", patience.as_secs(), now.state);
        }
        sleep(PACE).await;
    }
}
