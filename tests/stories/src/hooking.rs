//! Podio's hooks in a story: where they deliver, what is wanted of them, and what the bus was told.
//!
//! The addresses lead to a closed port, so that a story decides by itself which of Podio's posts arrive, and when.

use std::sync::Arc;

use hooks::{Ports, Settings};
use lambda_http::{Body, http};
use podio_aws::twin::MemoryEvents;
use podio_lifecycle::hooks::{HookList, HookRef, Interest};
use podio_sandbox::{HookId, UserId, state};
use podio_signatures::hook_key;
use worker::Registration;

use crate::World;

const BASE_URL: &str = "http://127.0.0.1:9";
const SECRET: &str = "hook secret of the stories";

/// What a worker knows of our hooks: where they deliver, and which are wanted.
pub(crate) fn registration(hooks: HookList) -> Registration {
    Registration { hooks, base_url: BASE_URL.to_owned(), secret: SECRET.into() }
}

impl World {
    /// From now on somebody whom nobody ever knew is held.
    pub fn hold_unknown(&mut self) {
        self.wiring.hold_unknown = true;
        self.renew_worker();
    }

    /// The address of an object's hooks.
    pub fn hook_address(&self, on: &HookRef) -> String {
        let key = hook_key::make(&SECRET.into(), on.ref_type.as_str(), &on.ref_id.to_string());
        format!("{BASE_URL}/hooks/podio/{on}/{key}")
    }

    /// From now on these hooks are wanted, written as an operator does.
    pub fn want_hooks(&mut self, list: &str) {
        let hooks: HookList = list.parse().unwrap();
        let now = self.clock.read();
        let hooked = hooks.all().iter().map(|wanted| podio_lifecycle::hooks::kept(&wanted.on, now)).collect();
        self.sweep = self.sweep.clone().with_standing(hooked);
        self.wiring.registration = Some(registration(hooks));
        self.renew_worker();
    }

    /// From now on events are published; the bus that they are published to.
    pub fn publish(&mut self) -> Arc<MemoryEvents> {
        let bus = Arc::new(MemoryEvents::new());
        self.wiring.events = Some(bus.clone());
        self.renew_worker();
        bus
    }

    /// Podio posts a form to the door; the status of the answer.
    pub async fn podio_posts(&self, on: &HookRef, form: &str) -> u16 {
        let leavers_app = self.wiring.hooks.leavers_app.as_ref().map(|app| app.app);
        let interest = Interest { bus: self.wiring.events.is_some(), leavers_app };
        let settings = Settings { hook_secret: SECRET.into(), interest };
        let ports = Ports { accept: self.store.clone(), wake: self.jobs.clone(), clock: self.clock.clone() };
        let path = self.hook_address(on).replacen(BASE_URL, "", 1);
        let request = http::Request::post(path).body(Body::from(form)).unwrap();
        hooks::handle(&ports, &settings, &request).await.status().as_u16()
    }

    /// Somebody registers a hook behind our back.
    pub fn register_hook(&self, on: &HookRef, event: &str, url: &str) -> HookId {
        let on = state::HookRef { ref_type: on.ref_type.as_str().to_owned(), ref_id: on.ref_id };
        let now = self.clock.read();
        self.podio.with_state(|state| state.create_hook(now, on, url, event, UserId(1)))
    }

    /// Podio makes up a new code for a hook and sends it.
    pub fn request_verification(&self, hook: HookId) -> String {
        let now = self.clock.read();
        self.podio.with_state(|state| {
            state.request_verification(now, hook);
            state.hooks.all[&hook].code.clone().unwrap()
        })
    }

    /// All hooks that Podio has, in the order of their ids.
    pub fn podio_hooks(&self) -> Vec<(HookId, state::Hook)> {
        self.podio.with_state(|state| state.hooks.all.iter().map(|(id, hook)| (*id, hook.clone())).collect())
    }

    /// Whether a hook delivers.
    pub fn is_active(&self, hook: HookId) -> bool {
        self.podio.with_state(|state| state.hooks.all[&hook].active)
    }

    /// Calls that Podio was sent for a path that ends like this.
    pub fn calls_to(&self, method: &str, end: &str) -> usize {
        self.podio.log().iter().filter(|call| call.method == method && call.path.ends_with(end)).count()
    }
}
