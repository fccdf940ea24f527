//! What the sandbox's tests share.
#![allow(dead_code, reason = "each test file uses its part")]

use jiff::{SignedDuration, Timestamp};
use podio_sandbox::config::CLIENT_ID;
use podio_sandbox::population::{ACTING_ADMIN, LAST_ADMIN, LEAVER, ORG_ID, SOLE_MEMBER};
use podio_sandbox::{Config, Effect, Population, Profile, Request, Response, SpaceId, State, UserId};
use serde_json::Value;

/// A small organization with every part cast that removals are about.
pub fn config(profile: Profile) -> Config {
    let population = Population::new(1)
        .members(60)
        .spaces(15)
        .leaver("Jane Doe", LEAVER, 5)
        .sole_member("Solomon Lone", SOLE_MEMBER)
        .last_admin("Ada Steward", LAST_ADMIN);
    Config { population, ..Config::new(profile) }
}

/// A sandbox without HTTP, with a token of the acting admin and a clock moved by hand.
pub struct Desk {
    pub state: State,
    pub now: Timestamp,
    pub token: String,
}

impl Desk {
    pub fn new(profile: Profile) -> Self {
        Self::with(profile, &[])
    }

    pub fn with(profile: Profile, switches: &[&str]) -> Self {
        let mut config = config(profile);
        switches.iter().for_each(|switch| config.switches.apply(switch).unwrap());
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let mut state = config.initial_state(now);
        let acting = state.person_by_mail(ACTING_ADMIN).unwrap();
        let token = state.access_token(now, CLIENT_ID, acting);
        Self { state, now, token }
    }

    pub fn wait(&mut self, seconds: i64) {
        self.now = self.now.checked_add(SignedDuration::from_secs(seconds)).unwrap();
    }

    pub fn send(&mut self, request: Request) -> Response {
        self.state.answer(self.now, &request.token(&self.token)).response
    }

    pub fn call(&mut self, method: &str, target: &str) -> Response {
        self.send(Request::new(method, target))
    }

    pub fn get(&mut self, target: &str) -> Value {
        let response = self.call("GET", target);
        assert_eq!(response.status, 200, "GET {target}: {}", response.value());
        response.value()
    }

    pub fn status(&mut self, method: &str, target: &str) -> u16 {
        self.call(method, target).status
    }

    pub fn who(&self, mail: &str) -> UserId {
        self.state.person_by_mail(mail).unwrap()
    }

    pub fn spaces_of(&self, user: UserId) -> Vec<SpaceId> {
        self.state.spaces_of_member(ORG_ID, user)
    }

    pub fn effects(&self) -> Vec<Effect> {
        self.state.log.calls().last().unwrap().effects.clone()
    }
}
