//! What people do while a row is lived: the HR system, the operator, and those who change Podio meanwhile.

use std::collections::{BTreeMap, BTreeSet};

use end_to_end::Caller;
use jiff::Timestamp;
use podio_lifecycle::ids::OffboardingId;
use podio_sandbox::{
    Request, Running, State, UserId,
    config::CLIENT_ID,
    population::ORG_ID,
    state::{SpaceKind, SpaceRole},
};
use serde_json::{Value, json};
use simulation::{
    dealings::{Dealings, Granted},
    doors::decision_on_all,
};

use crate::{cast::Part, row::Row};

/// Everybody but the product, and what they know.
pub struct People<'a> {
    row: &'a Row,
    podio: &'a Running,
    api: Caller,
    /// What they asked for and were told.
    pub dealings: Dealings,
    /// Why each offboarding was held.
    pub held: BTreeMap<Part, BTreeSet<String>>,
    /// Why each offboarding failed.
    pub failed: BTreeMap<Part, BTreeSet<String>>,
    met_halfway: bool,
}

impl<'a> People<'a> {
    /// People at the doors of an API.
    pub fn new(row: &'a Row, podio: &'a Running, api: &str) -> Self {
        Self {
            row,
            podio,
            api: Caller::new(api),
            dealings: Dealings::default(),
            held: BTreeMap::new(),
            failed: BTreeMap::new(),
            met_halfway: false,
        }
    }

    /// Somebody else uses up what the key may call; the number of their last call.
    pub fn spend_it_all(&self) -> u64 {
        self.podio.with_state(|state| {
            let now = Timestamp::now();
            let acting = Part::Acting.user(state);
            let token = state.access_token(now, CLIENT_ID, acting);
            for path in ["/org/4711", "/org/4711/member/"] {
                while !state.log.calls().last().is_some_and(|call| call.rejected_420 && call.path == path) {
                    state.answer(now, &Request::new("GET", path).token(&token));
                }
            }
            state.log.calls().last().map_or(0, |call| call.n)
        })
    }

    /// The HR system posts everybody; one of them by id.
    pub async fn post(&mut self) {
        for (wish, part) in Part::ALL.into_iter().enumerate() {
            let user = match part {
                Part::Diego => json!({"user_id": self.podio.with_state(|state| part.user(state))}),
                _ => json!({"email": part.mail()}),
            };
            self.dealings.posted.insert(wish, Timestamp::now());
            let answer = self.api.post(&format!("msg_{wish}"), &json!({"user": user})).await;
            match answer.body["id"].as_str().and_then(|id| id.parse::<OffboardingId>().ok()) {
                Some(id) => self.dealings.granted.push(Granted { wish, id, status: answer.status.as_u16() }),
                None => {
                    self.dealings.improper.push(format!("{part:?} was answered {}: {}", answer.status, answer.body))
                }
            }
        }
    }

    /// The operator looks at everybody and decides; whether there is nothing left to wait for.
    pub async fn decide(&mut self) -> bool {
        let list = self.api.get("/offboardings?limit=20").await.body;
        for view in list["offboardings"].as_array().cloned().unwrap_or_default() {
            let granted = self.dealings.granted.iter().find(|granted| view["id"] == *granted.id.to_string());
            let Some(Granted { wish, id, .. }) = granted.cloned() else { continue };
            let part = Part::ALL[wish];
            self.dealings.views.insert(id.clone(), view.clone());
            match self.dealings.state(&id) {
                "held" => self.release(part, &id, &view).await,
                "failed" if !self.dealings.rests(&id) => self.repair(part, &id, &view).await,
                "removing" if part == Part::Jane => self.meet_halfway(),
                _ => {}
            }
        }
        self.dealings.granted.iter().all(|granted| self.dealings.rests(&granted.id))
    }

    /// The auditor looks at everybody, and takes the records.
    pub async fn audit(&mut self) -> BTreeMap<Part, Value> {
        let mut records = BTreeMap::new();
        for Granted { wish, id, .. } in self.dealings.granted.clone() {
            let view = self.api.get(&format!("/offboardings/{id}")).await.body;
            self.dealings.views.insert(id.clone(), view);
            records.insert(Part::ALL[wish], self.api.get(&format!("/offboardings/{id}/evidence")).await.body);
        }
        records
    }

    async fn release(&mut self, part: Part, id: &OffboardingId, view: &Value) {
        let reasons = view["hold"]["reasons"].as_array().cloned().unwrap_or_default();
        let codes: BTreeSet<String> =
            reasons.iter().filter_map(|reason| Some(reason["code"].as_str()?.to_owned())).collect();
        self.held.entry(part).or_default().extend(codes.iter().cloned());
        let is_kept = part == Part::Acting || (part == Part::Solomon && !self.row.approves());
        if is_kept && self.api.decide(&format!("/offboardings/{id}/cancel"), &json!({})).await.status == 202 {
            self.dealings.cancelled.insert(id.clone(), Timestamp::now());
            return;
        }
        if codes.contains("space_would_keep_the_leaver") {
            self.podio.with_state(|state| admit_acting(state, part.user(state)));
        }
        // Once spaces were left there is no way back: the operator can only let it go on.
        let codes: Vec<String> = codes.into_iter().collect();
        self.dealings.approved.push((id.clone(), Timestamp::now(), codes));
        self.api.decide(&format!("/offboardings/{id}/approve"), &decision_on_all(&view["hold"])).await;
    }

    /// Does what the failure asks for, and has it resumed.
    async fn repair(&mut self, part: Part, id: &OffboardingId, view: &Value) {
        let code = view["failure"]["code"].as_str().unwrap_or_default().to_owned();
        if code == "still_a_member" {
            self.podio.with_state(|state| remove_by_hand(state, part.user(state)));
        }
        self.failed.entry(part).or_default().insert(code);
        if self.api.decide(&format!("/offboardings/{id}/retry"), &json!({})).await.status == 202 {
            *self.dealings.retried.entry(id.clone()).or_default() += 1;
        }
    }

    /// While Jane leaves, somebody puts her into a new space, and Podio ends all access tokens.
    fn meet_halfway(&mut self) {
        if self.met_halfway {
            return;
        }
        self.met_halfway = true;
        let now = Timestamp::now();
        let space = self.podio.with_state(|state| {
            state.tokens.revoke_access_tokens();
            let jane = Part::Jane.user(state);
            if state.spaces_of_member(ORG_ID, jane).is_empty() {
                return None;
            }
            let space = state.create_space(now, ORG_ID, "Farewell", SpaceKind::Regular);
            let acting = Part::Acting.user(state);
            state.add_to_space(now, space, acting, SpaceRole::Admin);
            state.add_to_space(now, space, jane, SpaceRole::Regular);
            Some(space)
        });
        self.dealings.added.extend(space.map(|space| (0, space, now)));
    }
}

/// The acting admin runs the leaver's spaces too.
fn admit_acting(state: &mut State, user: UserId) {
    let acting = Part::Acting.user(state);
    for space in state.spaces_of_member(ORG_ID, user) {
        state.add_to_space(Timestamp::now(), space, acting, SpaceRole::Admin);
        state.set_space_role(space, acting, SpaceRole::Admin);
    }
}

/// Somebody else runs the spaces, and the leaver is out.
fn remove_by_hand(state: &mut State, user: UserId) {
    admit_acting(state, user);
    for space in state.spaces_of_member(ORG_ID, user) {
        state.remove_from_space(Timestamp::now(), space, &[user]).expect("somebody else is its admin");
    }
}
