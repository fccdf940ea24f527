//! Hooks and the queue of what is to be delivered to them.
//!
//! A hook is created inactive and becomes active by the code of its verification. A delivery is form-encoded; the query
//! of the hook's URL moves into the form. After too many consecutive failures the hook becomes inactive again.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use url::Url;

use super::State;
use crate::ids::{HookId, UserId};
use crate::switches::{DeliveryCopies, DeliveryOrder};

/// What a hook hangs on: `space`/5, `app`/7, …
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HookRef {
    /// `space`, `app`, `app_field` or `org`.
    pub ref_type: String,
    /// The object's id.
    pub ref_id: u64,
}

/// A hook.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Hook {
    /// What it hangs on.
    pub on: HookRef,
    /// Where deliveries go.
    pub url: String,
    /// The event it waits for.
    pub event: String,
    /// Whether events are delivered.
    pub active: bool,
    /// The code of the last verification.
    pub code: Option<String>,
    /// Failed deliveries since the last good one.
    pub failures: u32,
    /// When it was created.
    pub created_on: Timestamp,
    /// By whom.
    pub created_by: UserId,
}

/// One POST to a hook's receiver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// The hook.
    pub hook_id: HookId,
    /// The hook's URL without its query.
    pub url: String,
    /// The form: `type`, `hook_id`, what the event carries, what the URL's query held.
    pub form: Vec<(String, String)>,
    /// How often it has been tried.
    pub attempts: u32,
    /// Not before this.
    pub due: Timestamp,
}

/// All hooks, and what waits for delivery.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Hooks {
    /// By id.
    pub all: BTreeMap<HookId, Hook>,
    queue: Vec<Delivery>,
}

impl Hooks {
    /// When the next delivery is due.
    pub fn next_due(&self) -> Option<Timestamp> {
        self.queue.iter().map(|delivery| delivery.due).min()
    }

    /// Takes the deliveries that are due, in the order in which they are to arrive. Each must be given back by [`State::settle_delivery`].
    pub fn take_due(&mut self, now: Timestamp) -> Vec<Delivery> {
        self.queue.extract_if(.., |delivery| delivery.due <= now).collect()
    }

    /// The delivery of an event to a hook.
    fn delivery(&self, due: Timestamp, hook_id: HookId, event: &str, params: &[(&str, String)]) -> Option<Delivery> {
        let hook = self.all.get(&hook_id)?;
        let mut form = vec![("type".to_owned(), event.to_owned()), ("hook_id".to_owned(), hook_id.to_string())];
        form.extend(params.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        let mut url = hook.url.clone();
        if let Ok(mut parsed) = Url::parse(&url) {
            form.extend(parsed.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())));
            parsed.set_query(None);
            url = parsed.to_string();
        }
        Some(Delivery { hook_id, url, form, attempts: 0, due })
    }
}

impl State {
    /// Creates a hook, inactive.
    pub fn create_hook(&mut self, now: Timestamp, on: HookRef, url: &str, event: &str, by: UserId) -> HookId {
        let hook_id = HookId(self.fresh_id());
        let (url, event) = (url.to_owned(), event.to_owned());
        let hook = Hook { on, url, event, active: false, code: None, failures: 0, created_on: now, created_by: by };
        self.hooks.all.insert(hook_id, hook);
        hook_id
    }

    /// Queues a verification with a new code.
    pub fn request_verification(&mut self, now: Timestamp, hook_id: HookId) {
        let code = self.rng.hex(8);
        if let Some(hook) = self.hooks.all.get_mut(&hook_id) {
            hook.code = Some(code.clone());
        }
        self.enqueue(now, hook_id, "hook.verify", &[("code", code)]);
    }

    /// Activates a hook if the code is the one that was delivered last.
    pub fn validate_hook(&mut self, hook_id: HookId, code: &str) -> bool {
        let Some(hook) = self.hooks.all.get_mut(&hook_id).filter(|hook| hook.code.as_deref() == Some(code)) else {
            return false;
        };
        hook.active = true;
        hook.failures = 0;
        true
    }

    /// Queues an event for every active hook of that object and type.
    pub fn publish(&mut self, now: Timestamp, on: &HookRef, event: &str, params: &[(&str, String)]) {
        let wanted = |hook: &Hook| hook.active && hook.on == *on && hook.event == event;
        let hooks: Vec<HookId> =
            self.hooks.all.iter().filter(|(_, hook)| wanted(hook)).map(|(hook_id, _)| *hook_id).collect();
        for hook_id in hooks {
            self.enqueue(now, hook_id, event, params);
        }
    }

    /// Queues a delivery as often and at the place that the switches say. The queue is kept in the order of arrival.
    fn enqueue(&mut self, now: Timestamp, hook_id: HookId, event: &str, params: &[(&str, String)]) {
        let order = self.switches.delivery_order;
        let due = match order {
            DeliveryOrder::AtOnce | DeliveryOrder::InOrder => now,
            DeliveryOrder::Reversed | DeliveryOrder::Shuffled => end_of_second(now),
        };
        let Some(delivery) = self.hooks.delivery(due, hook_id, event, params) else { return };
        let copies = match self.switches.delivery_copies {
            DeliveryCopies::One => 1,
            DeliveryCopies::Two => 2,
        };
        for _ in 0..copies {
            let queue = &mut self.hooks.queue;
            let place = match order {
                DeliveryOrder::AtOnce | DeliveryOrder::InOrder => queue.len(),
                DeliveryOrder::Reversed => 0,
                // Each newcomer at a place of its own choice: every order is as likely as any other.
                DeliveryOrder::Shuffled => self.rng.below(queue.len() + 1),
            };
            queue.insert(place, delivery.clone());
        }
    }

    /// Books the outcome of a delivery: a failed one is queued again a few times, later each time.
    pub fn settle_delivery(&mut self, now: Timestamp, mut delivery: Delivery, delivered: bool) {
        let (allowed, retries) = (self.switches.hook_failures_allowed, self.switches.hook_retries);
        let Some(hook) = self.hooks.all.get_mut(&delivery.hook_id) else { return };
        if delivered {
            hook.failures = 0;
            return;
        }
        hook.failures += 1;
        if hook.failures >= allowed {
            hook.active = false;
        }
        delivery.attempts += 1;
        if delivery.attempts <= retries {
            let pause = SignedDuration::from_secs(1 << delivery.attempts.min(10));
            delivery.due = now.checked_add(pause).unwrap_or(now);
            self.hooks.queue.push(delivery);
        }
    }
}

fn end_of_second(now: Timestamp) -> Timestamp {
    Timestamp::from_second(now.as_second() + 1).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limiter::Quota;
    use crate::switches::{Profile, Switches};

    #[test]
    fn a_hook_becomes_inactive_after_fifty_failures_in_a_row() {
        let mut state = State::empty(Switches::of(Profile::Documented), Quota::of(Profile::Documented), 1);
        let mut now = Timestamp::from_second(1_800_000_000).unwrap();
        let on = HookRef { ref_type: "space".to_owned(), ref_id: 5 };
        let hook_id = state.create_hook(now, on.clone(), "http://127.0.0.1/h", "member.remove", UserId(1));
        state.publish(now, &on, "member.remove", &[]);
        assert_eq!(state.hooks.next_due(), None, "an inactive hook gets no events");
        state.request_verification(now, hook_id);
        let verification = state.hooks.take_due(now).remove(0);
        let code = state.hooks.all[&hook_id].code.clone().unwrap();
        assert!(verification.form.contains(&("code".to_owned(), code.clone())));
        assert!(state.validate_hook(hook_id, &code));

        let mut failures = 0;
        while state.hooks.all[&hook_id].active {
            state.publish(now, &on, "member.remove", &[]);
            while let Some(due) = state.hooks.next_due() {
                now = due;
                for delivery in state.hooks.take_due(now) {
                    state.settle_delivery(now, delivery, false);
                    failures += 1;
                }
            }
        }
        assert_eq!(failures, 52, "thirteen events of four attempts each; the fiftieth failure decided");
        let hook = &state.hooks.all[&hook_id];
        assert_eq!((hook.active, hook.failures), (false, 52));
    }
}
