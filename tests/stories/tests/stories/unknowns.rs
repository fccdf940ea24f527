//! Everything that is unknown about Podio, tried in every variety: each value of each of the sandbox's switches, one at a
//! time, in both profiles. The switches and their values are read from the sandbox, so that a new one is tried too.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a story stops where its premise fails")]

use jiff::SignedDuration;
use podio_lifecycle::offboarding::{Offboarding, Outcome, Status};
use podio_sandbox::{
    Config, Effect, Population, Profile, Switches,
    population::{LEAVER, ORG_ID},
    switches::Domain,
};
use stories::{Leaver, Setup, World};

const DAY: SignedDuration = SignedDuration::from_hours(24);

/// Every switch with each of its values.
fn varieties() -> Vec<(String, String)> {
    let values = |domain| match domain {
        Domain::Choices(values) => values,
        Domain::Number => ["1", "7", "600"].map(str::to_owned).to_vec(),
    };
    let all = Switches::domains().into_iter();
    all.flat_map(|(name, domain)| values(domain).into_iter().map(move |value| (name.clone(), value))).collect()
}

/// Where a person has to help, since going on could delete a space: without a preview, and in spaces that the acting
/// account may neither see nor leave on the leaver's behalf. Everything else works by itself.
fn is_held(profile: Profile, switch: &str, value: &str) -> bool {
    matches!((profile, switch, value), (Profile::Guide, "org-admin-in-foreign-spaces", "forbidden"))
}

/// Where no call lists the spaces that the acting account is not in, and no number tells that there are more. What nobody
/// can see, nobody can leave; it takes an account that is a member of every space.
fn is_out_of_sight(profile: Profile, switch: &str, value: &str) -> bool {
    matches!((profile, switch, value), (Profile::Guide, "org-spaces", "own"))
}

fn population() -> Population {
    Population::new(4).members(60).spaces(12).leaver("Jane Doe", LEAVER, 4)
}

async fn live(profile: Profile, switch: &str, value: &str) -> (World, Offboarding) {
    let mut podio = Config { population: population(), ..Config::new(profile) };
    podio.switches.set(switch, value).unwrap();
    let mut world = World::new(Setup { podio, ceiling: (250, 3600), mass_threshold: 25 }).await;
    let id = world.post(&Leaver::of(LEAVER)).await;
    let end = world.until_it_rests(&id, DAY).await;
    (world, end)
}

async fn try_everything(profile: Profile) {
    let mut wrong = Vec::new();
    for (switch, value) in varieties() {
        let (world, end) = live(profile, &switch, &value).await;
        let jane = world.podio.with_state(|state| state.person_by_mail(LEAVER)).unwrap();
        let is_member = world.podio.with_state(|state| state.org_member(ORG_ID, jane).is_some());
        let spaces = world.podio.with_state(|state| state.regular_spaces_of_member(ORG_ID, jane));
        let effects: Vec<Effect> = world.podio.log().into_iter().flat_map(|call| call.effects).collect();
        let deleted = effects.iter().any(|effect| matches!(effect, Effect::SpaceDeleted { .. }));
        let as_expected = match (end.state.status(), is_held(profile, &switch, &value)) {
            (Status::Completed(Outcome::Removed), false) => {
                !is_member && (spaces.is_empty() || is_out_of_sight(profile, &switch, &value))
            }
            (Status::Held, true) => is_member,
            _ => false,
        };
        if !as_expected || deleted || world.rejections() > 0 {
            wrong.push(format!(
                "{switch}={value}: {:?}, member: {is_member}, in {spaces:?}, deleted: {deleted}, 420s: {}",
                end.state,
                world.rejections()
            ));
        }
    }
    assert!(wrong.is_empty(), "{profile:?}:\n{}", wrong.join("\n"));
}

#[tokio::test]
async fn every_variety_of_the_documented_podio_is_coped_with() {
    try_everything(Profile::Documented).await;
}

#[tokio::test]
async fn every_variety_of_the_guides_podio_is_coped_with() {
    try_everything(Profile::Guide).await;
}
